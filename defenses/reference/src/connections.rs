//! Sweeps over hosts and ports, and floods of connections, by counting SYN segments.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use crate::alert::{End, FLOOD, Finding, PORT_SCAN};
use crate::window::{Rate, SECOND_NS};

const ENTRIES: usize = 16_384;
const SCAN_WINDOW_NS: u64 = 600 * SECOND_NS;
/// More new targets (host and port) in a window than this are a scan.
const SCAN_TARGETS: usize = 3;
const FLOOD_WINDOW_NS: u64 = 10 * SECOND_NS;
/// More new connections to one service in a window than this are a flood, or three times the
/// learned number.
const FLOOD_CONNECTIONS: usize = 8;

/// A service: address and port.
pub(crate) type Service = (Ipv4Addr, u16);

/// The state of the connection rules.
#[derive(Debug, Default)]
pub(crate) struct Connections {
    /// Client and service: who ever opened a connection to what.
    attempts: BTreeSet<(Ipv4Addr, Service)>,
    scans: BTreeMap<Ipv4Addr, Rate>,
    floods: BTreeMap<Service, Rate>,
}

impl Connections {
    /// Looks at the first segment of a connection.
    pub(crate) fn syn(
        &mut self,
        t_ns: u64,
        learning: bool,
        (client, client_end): (Ipv4Addr, End),
        service: Service,
        out: &mut Vec<Finding>,
    ) {
        if self.attempts.len() < ENTRIES && self.attempts.insert((client, service)) && !learning {
            let scan = self
                .scans
                .entry(client)
                .or_insert_with(|| Rate::new(SCAN_WINDOW_NS));
            let targets = scan.add(t_ns, false);
            if targets > SCAN_TARGETS {
                out.push(Finding {
                    rule: &PORT_SCAN,
                    src: client_end,
                    dst: End::default(),
                    detail: String::new(),
                    note: format!("{targets} new hosts or ports tried in ten minutes"),
                });
            }
        }
        if self.floods.len() >= ENTRIES && !self.floods.contains_key(&service) {
            return;
        }
        let flood = self
            .floods
            .entry(service)
            .or_insert_with(|| Rate::new(FLOOD_WINDOW_NS));
        let count = flood.add(t_ns, learning);
        if flood.is_excess(count, FLOOD_CONNECTIONS, 3) {
            out.push(Finding {
                rule: &FLOOD,
                src: client_end,
                dst: End {
                    port: Some(service.1),
                    ..End::ip(service.0)
                },
                detail: String::new(),
                note: format!("{count} new connections in ten seconds"),
            });
        }
    }
}
