//! Remote system discovery: an ARP sweep of the own network, then a port scan of who answered.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::Ipv4Addr;

use sim_kernel::rng::Stream;
use sim_kernel::time::{SimDuration, SimTime};
use sim_wire::ethernet::ETHERTYPE_IPV4;
use sim_wire::tcp::Flags;
use sim_wire::{FrameSummary, MacAddr, ethernet, ipv4, tcp};

use crate::action::{Context, Progress, Verdict, period_of};
use crate::arp;
use crate::playbook::{PortProbe, Scan};
use crate::port::{ConnectionStatus, Link};

/// How long the scanner waits for answers after the last question of a phase.
const LINGER: SimDuration = SimDuration::from_secs(1);

/// Most addresses in one sweep: a /22 network.
pub(crate) const SWEEP_MAX: u32 = 1022;

/// The addresses to ask for: every host of the network but oneself.
///
/// A network with more than [`SWEEP_MAX`] hosts is swept from its first address up to that number.
///
/// # Arguments
///
/// * `prefix_len` — bits, 8 to 30.
#[must_use]
pub(crate) fn sweep(own: Ipv4Addr, prefix_len: u8) -> Vec<Ipv4Addr> {
    let host_bits = u32::MAX
        .checked_shr(u32::from(prefix_len))
        .map_or(0, |bits| bits);
    let network = own.to_bits() & !host_bits;
    let last = if host_bits > SWEEP_MAX {
        SWEEP_MAX + 1
    } else {
        host_bits
    };
    (1..last)
        .map(|host| Ipv4Addr::from_bits(network | host))
        .filter(|&ip| ip != own)
        .collect()
}

/// Puts items in a random order (Fisher and Yates).
pub(crate) fn shuffle<T>(items: &mut [T], stream: &mut Stream) {
    for last in (1..items.len()).rev() {
        let bound = u64::try_from(last + 1).expect("lists are short");
        let other = usize::try_from(stream.below(bound)).expect("below the list's length");
        items.swap(last, other);
    }
}

/// A SYN segment in an Ethernet frame.
#[must_use]
fn syn(
    own: (MacAddr, Ipv4Addr),
    target: (MacAddr, Ipv4Addr),
    ports: (u16, u16),
    seq: u32,
) -> Vec<u8> {
    let segment = tcp::Repr {
        src_port: ports.0,
        dst_port: ports.1,
        seq,
        ack: 0,
        flags: Flags::SYN,
        window: 1024,
        urgent: 0,
        options: tcp::Options {
            mss_bytes: Some(1460),
            ..tcp::Options::default()
        },
    };
    tcp_frame(own, target, &segment)
}

/// A TCP segment without payload in an Ethernet frame.
pub(crate) fn tcp_frame(
    source: (MacAddr, Ipv4Addr),
    target: (MacAddr, Ipv4Addr),
    segment: &tcp::Repr,
) -> Vec<u8> {
    let mut bytes = Vec::new();
    ethernet::Repr {
        dst: target.0,
        src: source.0,
        vlan: None,
        ethertype: ETHERTYPE_IPV4,
    }
    .emit(&mut bytes);
    let mut body = Vec::new();
    segment.emit(source.1, target.1, &[], &mut body);
    ipv4::Repr {
        src: source.1,
        dst: target.1,
        protocol: ipv4::PROTOCOL_TCP,
        ttl: 64,
        identification: 0,
        traffic_class: 0,
        dont_fragment: true,
        more_fragments: false,
        fragment_offset: 0,
        payload_bytes: u16::try_from(body.len()).expect("a header alone is short"),
    }
    .emit(&mut bytes);
    bytes.extend_from_slice(&body);
    bytes
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Sweeping,
    Probing,
}

/// The scan under way.
#[derive(Debug)]
pub(crate) struct Machine {
    phase: Phase,
    ports: Vec<u16>,
    probe: PortProbe,
    shuffled: bool,
    arp_period: SimDuration,
    port_period: SimDuration,
    to_ask: VecDeque<Ipv4Addr>,
    to_probe: VecDeque<(Ipv4Addr, u16)>,
    /// When the next question may be asked, or when the phase ends once all were asked.
    next_at: SimTime,
    found: BTreeSet<Ipv4Addr>,
    probing: BTreeMap<Link, (Ipv4Addr, u16, SimTime)>,
    open: BTreeMap<Ipv4Addr, BTreeSet<u16>>,
    source_port: u16,
    sequence: u32,
}

impl Machine {
    pub(crate) fn new(scan: &Scan, cx: &mut Context<'_>) -> Self {
        let (own, prefix_len) = cx.port.ip();
        let mut addresses = sweep(own, prefix_len);
        if scan.shuffled {
            shuffle(&mut addresses, cx.stream);
        }
        let low_bits = cx.stream.next_u32();
        Self {
            phase: Phase::Sweeping,
            ports: scan.ports.clone(),
            probe: scan.probe,
            shuffled: scan.shuffled,
            arp_period: period_of(scan.arp_per_s),
            port_period: period_of(scan.ports_per_s),
            to_ask: addresses.into(),
            to_probe: VecDeque::new(),
            next_at: cx.now(),
            found: BTreeSet::new(),
            probing: BTreeMap::new(),
            open: BTreeMap::new(),
            source_port: 40_000 + u16::try_from(low_bits % 8_000).expect("below 8000"),
            sequence: low_bits,
        }
    }

    pub(crate) fn advance(&mut self, cx: &mut Context<'_>) -> Progress {
        self.listen(cx);
        self.check_probes(cx);
        loop {
            let now = cx.now();
            if now < self.next_at {
                return Progress::Waiting(Some(self.wake()));
            }
            match self.phase {
                Phase::Sweeping => match self.to_ask.pop_front() {
                    Some(ip) => {
                        let own = (cx.port.mac(), cx.port.ip().0);
                        cx.send_frame(arp::request(own, ip));
                        let last = self.to_ask.is_empty();
                        self.next_at = now + if last { LINGER } else { self.arp_period };
                    }
                    None => self.begin_probing(cx),
                },
                Phase::Probing => match self.to_probe.pop_front() {
                    Some((ip, port)) => {
                        self.send_probe(cx, ip, port);
                        let last = self.to_probe.is_empty();
                        self.next_at = now + if last { LINGER } else { self.port_period };
                    }
                    None => return self.stop(cx),
                },
            }
        }
    }

    fn wake(&self) -> SimTime {
        let expiries = self.probing.values().map(|probe| probe.2);
        expiries
            .chain([self.next_at])
            .min()
            .expect("there is at least one")
    }

    /// Takes in answers to ARP requests and to SYN segments.
    fn listen(&mut self, cx: &mut Context<'_>) {
        let (own_mac, own_ip) = (cx.port.mac(), cx.port.ip().0);
        for (_, frame) in cx.received {
            let Some(summary) = FrameSummary::of(frame) else {
                continue;
            };
            if let Some(arp) = summary.arp
                && arp.target_ip == own_ip
                && arp.sender_mac != own_mac
            {
                self.found.insert(arp.sender_ip);
            }
            if let (PortProbe::Syn, Some(ip), Some(tcp)) = (self.probe, summary.ip, &summary.tcp)
                && ip.dst == own_ip
                && tcp.dst_port == self.source_port
                && tcp.flags.contains(Flags::SYN | Flags::ACK)
            {
                self.open.entry(ip.src).or_default().insert(tcp.src_port);
            }
        }
    }

    fn begin_probing(&mut self, cx: &mut Context<'_>) {
        self.phase = Phase::Probing;
        for &ip in &self.found {
            cx.tally.touch(ip);
        }
        let count = self.found.len();
        cx.tally
            .note(format!("{count} hosts answered the ARP sweep"));
        if count > 0 {
            cx.took_hold();
        }
        let mut pairs: Vec<(Ipv4Addr, u16)> = Vec::new();
        for &ip in &self.found {
            pairs.extend(self.ports.iter().map(|&port| (ip, port)));
        }
        if self.shuffled {
            shuffle(&mut pairs, cx.stream);
        }
        self.to_probe = pairs.into();
    }

    fn send_probe(&mut self, cx: &mut Context<'_>, ip: Ipv4Addr, port: u16) {
        match self.probe {
            PortProbe::Connect => {
                let expires = cx.now() + LINGER;
                if let Some(link) = cx.connect(ip, port) {
                    self.probing.insert(link, (ip, port, expires));
                }
            }
            PortProbe::Syn => {
                let Some(mac) = cx.neighbors.mac(ip) else {
                    return;
                };
                let own = (cx.port.mac(), cx.port.ip().0);
                self.sequence = self.sequence.wrapping_add(64_000);
                let ports = (self.source_port, port);
                cx.send_frame(syn(own, (mac, ip), ports, self.sequence));
            }
        }
    }

    /// Ends handshakes that have been decided one way or the other.
    fn check_probes(&mut self, cx: &mut Context<'_>) {
        let now = cx.now();
        let mut decided = Vec::new();
        for (&link, &(ip, port, expires)) in &self.probing {
            match cx.port.status(link) {
                ConnectionStatus::Open => {
                    self.open.entry(ip).or_default().insert(port);
                    decided.push(link);
                }
                ConnectionStatus::Closed => decided.push(link),
                ConnectionStatus::Opening if now >= expires => decided.push(link),
                ConnectionStatus::Opening => {}
            }
        }
        for link in decided {
            self.probing.remove(&link);
            cx.port.abort(link);
        }
    }

    pub(crate) fn stop(&mut self, cx: &mut Context<'_>) -> Progress {
        for &link in self.probing.keys() {
            cx.port.abort(link);
        }
        self.probing.clear();
        for (&ip, ports) in &self.open {
            let list: Vec<String> = ports.iter().map(u16::to_string).collect();
            let name = cx.name_of(ip);
            cx.tally
                .note(format!("{name} ({ip}) listens on TCP {}", list.join(", ")));
        }
        Progress::Ended(self.verdict())
    }

    pub(crate) fn verdict(&self) -> Verdict {
        if self.found.is_empty() {
            return Verdict::failed("no host answered the ARP sweep");
        }
        let unfinished = !self.to_ask.is_empty() || !self.to_probe.is_empty();
        if unfinished {
            return Verdict::failed("it was stopped before all hosts and ports were asked");
        }
        if self.open.is_empty() && !self.ports.is_empty() {
            return Verdict::failed("no host listens on any of the ports");
        }
        Verdict::succeeded()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sweep_when_network_is_given_then_every_other_host_once() {
        let own = Ipv4Addr::new(10, 20, 1, 66);
        let addresses = sweep(own, 24);
        assert_eq!(addresses.len(), 253);
        assert_eq!(addresses[0], Ipv4Addr::new(10, 20, 1, 1));
        assert_eq!(addresses[252], Ipv4Addr::new(10, 20, 1, 254));
        assert!(!addresses.contains(&own));
        assert_eq!(
            sweep(Ipv4Addr::new(10, 0, 0, 1), 30),
            [Ipv4Addr::new(10, 0, 0, 2)]
        );
        let large = sweep(Ipv4Addr::new(10, 0, 0, 1), 8);
        assert_eq!(large.len(), 1021);
        assert_eq!(sweep(own, 32), Vec::<Ipv4Addr>::new());
    }

    #[test]
    fn shuffle_when_done_then_a_permutation_that_depends_on_the_stream_alone() {
        let shuffled = |seed| {
            let mut items: Vec<u32> = (0..50).collect();
            shuffle(&mut items, &mut Stream::new(seed, "test"));
            items
        };
        assert_eq!(shuffled(1), shuffled(1));
        assert_ne!(shuffled(1), shuffled(2));
        let mut sorted = shuffled(1);
        sorted.sort_unstable();
        assert_eq!(sorted, (0..50).collect::<Vec<u32>>());
    }

    #[test]
    fn syn_when_emitted_then_valid_to_the_last_checksum() {
        let own = (MacAddr([2, 0, 0, 0, 0, 66]), Ipv4Addr::new(10, 20, 1, 66));
        let plc = (MacAddr([2, 0, 0, 0, 0, 11]), Ipv4Addr::new(10, 20, 1, 11));
        let frame = syn(own, plc, (40_000, 502), 7);
        let (_, packet) = ethernet::Repr::parse(&frame).expect("Ethernet");
        let (header, payload) = ipv4::Repr::parse(packet).expect("IPv4");
        let (segment, _) = tcp::Repr::parse(payload, header.src, header.dst).expect("TCP");
        assert_eq!((segment.src_port, segment.dst_port), (40_000, 502));
        assert!(segment.flags.is_connect());
    }
}
