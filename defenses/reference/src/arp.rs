//! Who owns which address, and who says so without being asked.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use sim_wire::MacAddr;
use sim_wire::arp::{Operation, Repr};

use crate::alert::{ARP_CHANGE, ARP_STORM, ARP_SWEEP, End, Finding, MAC_MISMATCH};
use crate::window::{Rate, SECOND_NS};

/// Most addresses that are remembered; further ones are not learned.
const ENTRIES: usize = 8_192;
/// A reply within this time of its request was asked for.
const ANSWER_NS: u64 = 2 * SECOND_NS;
const WINDOW_NS: u64 = 60 * SECOND_NS;
/// More unsolicited replies in a window than this are a storm, or three times the learned number.
const UNSOLICITED: usize = 2;
/// Requests for more never-asked addresses in a window than this are a sweep.
const SWEEP_TARGETS: usize = 4;

/// The state of the ARP rules.
#[derive(Debug, Default)]
pub(crate) struct ArpWatch {
    bindings: BTreeMap<Ipv4Addr, MacAddr>,
    /// Asker and asked-for address: time of the last request, ns.
    asked: BTreeMap<(MacAddr, Ipv4Addr), u64>,
    unsolicited: BTreeMap<MacAddr, Rate>,
    sweeps: BTreeMap<MacAddr, Rate>,
}

impl ArpWatch {
    /// Whether the address is known, and with another hardware address.
    pub(crate) fn contradicts(&self, ip: Ipv4Addr, mac: MacAddr) -> bool {
        self.bindings.get(&ip).is_some_and(|&known| known != mac)
    }

    /// Learns an address. Traffic of the clean period replaces what was known; nothing else does.
    pub(crate) fn learn(&mut self, ip: Ipv4Addr, mac: MacAddr, replace: bool) {
        if ip.is_unspecified() || ip.is_broadcast() || self.bindings.len() >= ENTRIES {
            return;
        }
        if replace {
            self.bindings.insert(ip, mac);
        } else {
            self.bindings.entry(ip).or_insert(mac);
        }
    }

    /// Looks at an IP packet: does it come from the hardware address that owns its source?
    pub(crate) fn ip_packet(&self, src: Ipv4Addr, mac: MacAddr, dst: Ipv4Addr) -> Option<Finding> {
        let known = *self.bindings.get(&src).filter(|&&known| known != mac)?;
        Some(Finding {
            rule: &MAC_MISMATCH,
            src: End {
                ip: Some(src),
                mac: Some(mac),
                port: None,
            },
            dst: End::ip(dst),
            detail: String::new(),
            note: format!("{src} belongs to {known}, packets come from {mac}"),
        })
    }

    /// Looks at an ARP packet.
    pub(crate) fn arp_packet(
        &mut self,
        t_ns: u64,
        learning: bool,
        arp: &Repr,
        out: &mut Vec<Finding>,
    ) {
        self.check_binding(arp, out);
        match arp.operation {
            Operation::Request if arp.is_gratuitous() => {}
            Operation::Request => self.request(t_ns, learning, arp, out),
            Operation::Reply => self.reply(t_ns, learning, arp, out),
        }
    }

    fn check_binding(&self, arp: &Repr, out: &mut Vec<Finding>) {
        if let Some(&known) = self.bindings.get(&arp.sender_ip)
            && known != arp.sender_mac
        {
            out.push(Finding {
                rule: &ARP_CHANGE,
                src: End {
                    ip: Some(arp.sender_ip),
                    mac: Some(arp.sender_mac),
                    port: None,
                },
                dst: End {
                    ip: Some(arp.target_ip),
                    mac: Some(arp.target_mac),
                    port: None,
                },
                detail: String::new(),
                note: format!(
                    "{} was {known}, now claimed by {}",
                    arp.sender_ip, arp.sender_mac
                ),
            });
        }
    }

    fn request(&mut self, t_ns: u64, learning: bool, arp: &Repr, out: &mut Vec<Finding>) {
        let key = (arp.sender_mac, arp.target_ip);
        let is_new = !self.asked.contains_key(&key);
        if is_new && self.asked.len() >= ENTRIES {
            return;
        }
        self.asked.insert(key, t_ns);
        // Only targets that this host never asked for count, so a poller's refresh is no sweep.
        if !is_new || learning {
            return;
        }
        let sweep = self
            .sweeps
            .entry(arp.sender_mac)
            .or_insert_with(|| Rate::new(WINDOW_NS));
        let targets = sweep.add(t_ns, learning);
        if targets > SWEEP_TARGETS {
            out.push(Finding {
                rule: &ARP_SWEEP,
                src: End {
                    ip: Some(arp.sender_ip),
                    mac: Some(arp.sender_mac),
                    port: None,
                },
                dst: End::default(),
                detail: String::new(),
                note: format!("{targets} new addresses asked for in a minute"),
            });
        }
    }

    fn reply(&mut self, t_ns: u64, learning: bool, arp: &Repr, out: &mut Vec<Finding>) {
        let asked = self.asked.get(&(arp.target_mac, arp.sender_ip));
        if asked.is_some_and(|last_ns| last_ns + ANSWER_NS >= t_ns) {
            return;
        }
        if self.unsolicited.len() >= ENTRIES && !self.unsolicited.contains_key(&arp.sender_mac) {
            return;
        }
        let rate = self
            .unsolicited
            .entry(arp.sender_mac)
            .or_insert_with(|| Rate::new(WINDOW_NS));
        let count = rate.add(t_ns, learning);
        if rate.is_excess(count, UNSOLICITED, 3) {
            out.push(Finding {
                rule: &ARP_STORM,
                src: End {
                    ip: Some(arp.sender_ip),
                    mac: Some(arp.sender_mac),
                    port: None,
                },
                dst: End::mac(arp.target_mac),
                detail: String::new(),
                note: format!("{count} replies in a minute that nobody asked for"),
            });
        }
    }
}
