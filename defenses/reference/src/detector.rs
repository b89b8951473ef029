//! Frames to findings: takes a frame apart and asks each group of rules.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use sim_wire::modbus::{self, Adu};
use sim_wire::summary::{IpSummary, TcpSummary};
use sim_wire::tcp::Flags;
use sim_wire::{FrameSummary, MacAddr};

use crate::alert::{End, Finding, NEW_IP, NEW_MAC, NEW_PAIR, REWRITTEN};
use crate::arp::ArpWatch;
use crate::connections::{Connections, Service};
use crate::engineering::{EngineeringWatch, Talk};
use crate::modbus::{Exchange, ModbusWatch};
use crate::rewrite::Copies;

/// Most hosts, and most pairs, that are remembered.
const ENTRIES: usize = 16_384;

/// All that was learned, and the state of all rules.
#[derive(Debug, Default)]
pub(crate) struct Detector {
    learn_ns: u64,
    macs: BTreeSet<MacAddr>,
    ips: BTreeSet<Ipv4Addr>,
    pairs: BTreeSet<(Ipv4Addr, Service)>,
    workers: BTreeSet<MacAddr>,
    arp: ArpWatch,
    connections: Connections,
    modbus: ModbusWatch,
    engineering: EngineeringWatch,
    copies: Copies,
}

impl Detector {
    /// A detector that learns until `learn_ns` and knows which coils bypass safety functions.
    pub(crate) fn new(learn_ns: u64, bypasses: BTreeSet<(Ipv4Addr, u16)>) -> Self {
        Self {
            learn_ns,
            modbus: ModbusWatch::new(bypasses),
            ..Self::default()
        }
    }

    /// Takes an address from the inventory. Traffic of the clean period overrules it.
    pub(crate) fn inventory(&mut self, ip: Ipv4Addr, mac: MacAddr) {
        self.arp.learn(ip, mac, false);
    }

    /// Whether this hardware address did real work (TCP) in the clean period.
    pub(crate) fn is_worker(&self, mac: MacAddr) -> bool {
        self.workers.contains(&mac)
    }

    /// Looks at one frame. Nothing is found while learning.
    pub(crate) fn frame(&mut self, t_ns: u64, bytes: &[u8], out: &mut Vec<Finding>) {
        let Some(frame) = FrameSummary::of(bytes) else {
            return;
        };
        let learning = t_ns < self.learn_ns;
        let before = out.len();
        self.new_mac(frame.src_mac, out);
        if let Some(arp) = &frame.arp {
            self.new_ip(arp.sender_ip, frame.src_mac, out);
            if learning {
                self.arp.learn(arp.sender_ip, arp.sender_mac, true);
            }
            self.arp.arp_packet(t_ns, learning, arp, out);
        }
        if let Some(ip) = &frame.ip {
            self.new_ip(ip.src, frame.src_mac, out);
            self.arp.learn(ip.src, frame.src_mac, learning);
            out.extend(self.arp.ip_packet(ip.src, frame.src_mac, ip.dst));
            if let Some(tcp) = &frame.tcp {
                self.tcp(t_ns, learning, bytes, &frame, (ip, tcp), out);
            }
        }
        if learning {
            out.truncate(before);
        }
    }

    fn tcp(
        &mut self,
        t_ns: u64,
        learning: bool,
        bytes: &[u8],
        frame: &FrameSummary,
        (ip, tcp): (&IpSummary, &TcpSummary),
        out: &mut Vec<Finding>,
    ) {
        if learning && self.workers.len() < ENTRIES {
            self.workers.insert(frame.src_mac);
        }
        let src = End {
            ip: Some(ip.src),
            mac: Some(frame.src_mac),
            port: Some(tcp.src_port),
        };
        if tcp.flags.is_connect() {
            self.connections
                .syn(t_ns, learning, (ip.src, src), (ip.dst, tcp.dst_port), out);
        }
        self.new_pair((ip, tcp), out);
        let payload = bytes.get(tcp.payload.clone()).unwrap_or_default();
        if payload.is_empty() {
            return;
        }
        let flow = (ip.src, tcp.src_port, ip.dst, tcp.dst_port);
        if self
            .copies
            .segment(t_ns, flow, tcp.seq, frame.src_mac, payload)
        {
            out.push(Finding {
                rule: &REWRITTEN,
                src,
                dst: End {
                    port: Some(tcp.dst_port),
                    ..End::ip(ip.dst)
                },
                detail: String::new(),
                note: format!("sequence number {}: other bytes than before", tcp.seq),
            });
        }
        if tcp.dst_port == modbus::PORT {
            let exchange = Exchange {
                t_ns,
                learning,
                client: ip.src,
                client_end: src,
                server: ip.dst,
                is_genuine: !self.arp.contradicts(ip.src, frame.src_mac),
            };
            self.requests(&exchange, frame, bytes, out);
        } else if tcp.src_port == modbus::PORT {
            let talk = Talk {
                learning,
                client: End {
                    ip: Some(ip.dst),
                    mac: Some(frame.dst_mac),
                    port: Some(tcp.dst_port),
                },
                server: ip.src,
            };
            for adu in frame.modbus_adus(bytes).filter(Adu::length_is_consistent) {
                self.engineering.answer(&talk, &adu, out);
            }
        }
    }

    /// Looks at one line of the log. Nothing is found while learning.
    ///
    /// # Arguments
    ///
    /// * `address_of` — address of the host with a name, if there is one.
    pub(crate) fn log_line(
        &mut self,
        t_ns: u64,
        line: &str,
        address_of: impl Fn(&str) -> Option<Ipv4Addr>,
        out: &mut Vec<Finding>,
    ) {
        let learning = t_ns < self.learn_ns;
        self.engineering.log_line(learning, line, address_of, out);
    }

    fn requests(
        &mut self,
        exchange: &Exchange,
        frame: &FrameSummary,
        bytes: &[u8],
        out: &mut Vec<Finding>,
    ) {
        let talk = Talk {
            learning: exchange.learning,
            client: exchange.client_end,
            server: exchange.server,
        };
        for adu in frame.modbus_adus(bytes).filter(Adu::length_is_consistent) {
            self.modbus.request(exchange, &adu, out);
            self.engineering.request(&talk, &adu);
        }
        if let Some(summary) = frame.modbus.filter(|modbus| modbus.trailing_bytes > 0) {
            out.extend(ModbusWatch::malformed(
                exchange,
                usize::from(summary.trailing_bytes),
            ));
        }
    }

    fn new_mac(&mut self, mac: MacAddr, out: &mut Vec<Finding>) {
        if self.macs.len() < ENTRIES && self.macs.insert(mac) {
            out.push(Finding {
                rule: &NEW_MAC,
                src: End::mac(mac),
                dst: End::default(),
                detail: String::new(),
                note: "first frame".into(),
            });
        }
    }

    fn new_ip(&mut self, ip: Ipv4Addr, mac: MacAddr, out: &mut Vec<Finding>) {
        if !ip.is_unspecified() && self.ips.len() < ENTRIES && self.ips.insert(ip) {
            out.push(Finding {
                rule: &NEW_IP,
                src: End {
                    ip: Some(ip),
                    mac: Some(mac),
                    port: None,
                },
                dst: End::default(),
                detail: String::new(),
                note: "first packet".into(),
            });
        }
    }

    /// A pair counts when the server accepts or somebody sends data: mere attempts are the scan's
    /// matter.
    fn new_pair(&mut self, (ip, tcp): (&IpSummary, &TcpSummary), out: &mut Vec<Finding>) {
        let accepts = tcp.flags.contains(Flags(Flags::SYN.0 | Flags::ACK.0));
        if !accepts && tcp.payload.is_empty() {
            return;
        }
        let from_server = accepts || is_service(tcp.src_port, tcp.dst_port);
        let (client, service) = if from_server {
            (ip.dst, (ip.src, tcp.src_port))
        } else {
            (ip.src, (ip.dst, tcp.dst_port))
        };
        if self.pairs.len() < ENTRIES && self.pairs.insert((client, service)) {
            out.push(Finding {
                rule: &NEW_PAIR,
                src: End::ip(client),
                dst: End {
                    port: Some(service.1),
                    ..End::ip(service.0)
                },
                detail: String::new(),
                note: "first connection".into(),
            });
        }
    }
}

/// Whether the first port is the service of the two: Modbus, else the lower one.
fn is_service(port: u16, other: u16) -> bool {
    match (port == modbus::PORT, other == modbus::PORT) {
        (true, _) => true,
        (_, true) => false,
        _ => port < other,
    }
}
