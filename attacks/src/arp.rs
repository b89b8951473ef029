//! Hardware addresses that the attacker has learned, and the ARP frames that it sends.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use sim_wire::arp::{Operation, Repr};
use sim_wire::{FrameSummary, MacAddr};

/// Most hosts whose hardware addresses are kept.
const HOSTS_MAX: usize = 4096;

/// Which hardware address answers for which IP address, as far as ARP has told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Neighbors(BTreeMap<Ipv4Addr, MacAddr>);

impl Neighbors {
    /// Learns from a received frame; anything but ARP from a single station teaches nothing.
    ///
    /// # Arguments
    ///
    /// * `own` — the attacker's hardware address, which is never learned for somebody else.
    pub fn learn(&mut self, frame: &[u8], own: MacAddr) {
        let Some(arp) = FrameSummary::of(frame).and_then(|summary| summary.arp) else {
            return;
        };
        let known = self.0.contains_key(&arp.sender_ip);
        let is_station = !arp.sender_mac.is_multicast()
            && arp.sender_mac != MacAddr::ZERO
            && arp.sender_mac != own
            && !arp.sender_ip.is_unspecified();
        if is_station && (known || self.0.len() < HOSTS_MAX) {
            self.0.insert(arp.sender_ip, arp.sender_mac);
        }
    }

    /// The hardware address behind an IP address.
    #[must_use]
    pub fn mac(&self, ip: Ipv4Addr) -> Option<MacAddr> {
        self.0.get(&ip).copied()
    }
}

/// A broadcast question: who has `target`?
#[must_use]
pub fn request(own: (MacAddr, Ipv4Addr), target: Ipv4Addr) -> Vec<u8> {
    let (sender_mac, sender_ip) = own;
    let message = Repr {
        operation: Operation::Request,
        sender_mac,
        sender_ip,
        target_mac: MacAddr::ZERO,
        target_ip: target,
    };
    message.in_frame(sender_mac, MacAddr::BROADCAST)
}

/// An answer nobody asked for, sent to `victim` alone: `claim` has the hardware address of `claim`.
///
/// The Ethernet source is always the attacker's own address, so that the switch's table stays as it
/// is; whether the message inside is a lie is up to `claim`.
#[must_use]
pub fn announce(own: MacAddr, victim: (MacAddr, Ipv4Addr), claim: (MacAddr, Ipv4Addr)) -> Vec<u8> {
    let message = Repr {
        operation: Operation::Reply,
        sender_mac: claim.0,
        sender_ip: claim.1,
        target_mac: victim.0,
        target_ip: victim.1,
    };
    message.in_frame(own, victim.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWN: MacAddr = MacAddr([2, 0, 0, 0, 0, 66]);
    const PLC: MacAddr = MacAddr([2, 0, 0, 0, 0, 11]);
    const OWN_IP: Ipv4Addr = Ipv4Addr::new(10, 20, 1, 66);
    const PLC_IP: Ipv4Addr = Ipv4Addr::new(10, 20, 1, 11);

    #[test]
    fn neighbor_when_it_asks_or_answers_then_known() {
        let mut neighbors = Neighbors::default();
        neighbors.learn(&request((PLC, PLC_IP), OWN_IP), OWN);
        assert_eq!(neighbors.mac(PLC_IP), Some(PLC));
        let other = Ipv4Addr::new(10, 20, 1, 12);
        neighbors.learn(&announce(PLC, (OWN, OWN_IP), (PLC, other)), OWN);
        assert_eq!(neighbors.mac(other), Some(PLC));
    }

    #[test]
    fn neighbor_when_own_broadcast_or_garbage_then_not_learned() {
        let mut neighbors = Neighbors::default();
        neighbors.learn(&request((OWN, PLC_IP), OWN_IP), OWN);
        neighbors.learn(&request((MacAddr::BROADCAST, PLC_IP), OWN_IP), OWN);
        neighbors.learn(&request((PLC, Ipv4Addr::UNSPECIFIED), OWN_IP), OWN);
        neighbors.learn(&[0; 13], OWN);
        assert_eq!(neighbors, Neighbors::default());
    }

    #[test]
    fn request_when_emitted_then_a_broadcast_question_of_42_bytes() {
        let bytes = request((OWN, OWN_IP), PLC_IP);
        let summary = FrameSummary::of(&bytes).expect("a whole frame");
        assert_eq!(bytes.len(), 42);
        assert_eq!(summary.dst_mac, MacAddr::BROADCAST);
        let arp = summary.arp.expect("ARP");
        assert_eq!((arp.operation, arp.target_ip), (Operation::Request, PLC_IP));
    }

    #[test]
    fn announcement_when_forged_then_only_the_message_lies() {
        let hmi = (MacAddr([2, 0, 0, 0, 0, 21]), Ipv4Addr::new(10, 20, 1, 21));
        let summary = FrameSummary::of(&announce(OWN, hmi, (OWN, PLC_IP))).expect("a whole frame");
        assert_eq!((summary.src_mac, summary.dst_mac), (OWN, hmi.0));
        let arp = summary.arp.expect("ARP");
        assert_eq!((arp.sender_mac, arp.sender_ip), (OWN, PLC_IP));
    }
}
