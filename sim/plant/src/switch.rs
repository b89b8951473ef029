//! A learning Ethernet switch: forwarding, links, deny rules, shut ports and a SPAN port.
//!
//! A link has a latency and a bandwidth in each direction; a frame waits for the frames before it and
//! is lost when the wait would exceed [`QUEUE_LIMIT`]. The SPAN port copies every frame that the
//! switch receives, before any rule, stamped with the time of its reception. It is assumed to be fast
//! enough for all of them.
//!
//! **Invariant:** a frame leaves only through ports that are up, never through the one it came from.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use sim_kernel::digest::Hasher;
use sim_kernel::time::{SimDuration, SimTime};

use crate::frame;

/// Longest wait of a frame for its link, after which it is lost.
pub(crate) const QUEUE_LIMIT: SimDuration = SimDuration::from_millis(50);

/// Most hardware addresses that the switch remembers; frames to others are flooded.
const MAC_TABLE_MAX: usize = 1024;

/// Preamble, check sequence and gap of each frame on the wire, bytes.
const WIRE_OVERHEAD_BYTES: u64 = 24;

/// Shortest frame on the wire without its check sequence, bytes; shorter ones are padded.
const FRAME_BYTES_MIN: u64 = 60;

/// Properties that every link of a network shares.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Link {
    pub(crate) latency: SimDuration,
    pub(crate) bits_per_us: u64,
}

impl Link {
    /// When a frame that is ready at `now` has been sent, and when it arrives, or `None` if it is
    /// lost because the link is too far behind.
    pub(crate) fn send(
        self,
        now: SimTime,
        free_at: SimTime,
        frame_bytes: usize,
    ) -> Option<(SimTime, SimTime)> {
        let start = if free_at > now { free_at } else { now };
        if start > now + QUEUE_LIMIT {
            return None;
        }
        let len = u64::try_from(frame_bytes).expect("frames are short");
        let padded = if len < FRAME_BYTES_MIN {
            FRAME_BYTES_MIN
        } else {
            len
        };
        let wire_ns = (padded + WIRE_OVERHEAD_BYTES) * 8 * 1_000 / self.bits_per_us;
        let sent = start + SimDuration::from_nanos(wire_ns);
        Some((sent, sent + self.latency))
    }
}

/// What a rule stops.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Match {
    /// Packets from or to an IPv4 address, and ARP messages that speak for it.
    Ip(Ipv4Addr),
    /// Frames from or to a hardware address.
    Mac([u8; 6]),
    /// Everything that comes in through a port.
    Port(u16),
}

impl Match {
    fn stops(self, port: u16, bytes: &[u8]) -> bool {
        match self {
            Self::Port(stopped) => stopped == port,
            Self::Mac(mac) => {
                frame::source_mac(bytes) == Some(mac) || frame::destination_mac(bytes) == Some(mac)
            }
            Self::Ip(ip) => match frame::destination(bytes) {
                frame::Destination::Tcp {
                    source,
                    destination,
                    ..
                }
                | frame::Destination::OtherIp {
                    source,
                    destination,
                } => source == ip.octets() || destination == ip.octets(),
                frame::Destination::Arp => bytes.get(28..32) == Some(&ip.octets()),
                frame::Destination::Other => false,
            },
        }
    }
}

/// One port and the link behind it.
#[derive(Clone, Debug)]
pub(crate) struct Port {
    /// The host plugged in.
    pub(crate) host: usize,
    /// Until when the port is shut; `None` when it is up.
    pub(crate) shut_until: Option<SimTime>,
    /// Whether the cable leaves the simulation.
    leads_outside: bool,
    free_at: SimTime,
    frames_lost: u64,
}

impl Port {
    /// Whether frames pass.
    pub(crate) fn is_up(&self, now: SimTime) -> bool {
        self.shut_until.is_none_or(|until| until <= now)
    }
}

/// What became of a received frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The port is shut: the switch did not even see it.
    Shut,
    /// A rule stopped it.
    Denied,
    /// It goes on.
    Forward,
}

/// Which port each known hardware address was last seen behind, in the order of the addresses.
#[derive(Clone, Debug, Default)]
struct MacTable {
    entries: Vec<(u64, u16)>,
}

impl MacTable {
    fn number(mac: [u8; 6]) -> u64 {
        let [a, b, c, d, e, f] = mac;
        u64::from_be_bytes([0, 0, a, b, c, d, e, f])
    }

    fn learn(&mut self, mac: [u8; 6], port: u16) {
        let number = Self::number(mac);
        match self.entries.binary_search_by_key(&number, |entry| entry.0) {
            Ok(at) => self.entries[at].1 = port,
            Err(at) if self.entries.len() < MAC_TABLE_MAX => {
                self.entries.insert(at, (number, port));
            }
            Err(_) => {}
        }
    }

    fn port_of(&self, mac: [u8; 6]) -> Option<u16> {
        let number = Self::number(mac);
        let found = self.entries.binary_search_by_key(&number, |entry| entry.0);
        found.ok().map(|at| self.entries[at].1)
    }
}

/// A switch.
#[derive(Clone, Debug)]
pub(crate) struct Switch {
    pub(crate) name: String,
    pub(crate) link: Link,
    pub(crate) span: Option<u16>,
    pub(crate) ports: Vec<Port>,
    macs: MacTable,
    rules: BTreeMap<Match, SimTime>,
    frames_denied: u64,
}

impl Switch {
    /// # Arguments
    ///
    /// * `hosts` — who is plugged in, in the order of the ports.
    /// * `outside` — the one of them that is not simulated, if it is there.
    pub(crate) fn new(
        name: String,
        link: Link,
        span: Option<u16>,
        hosts: Vec<usize>,
        outside: Option<usize>,
    ) -> Self {
        let port = |host| Port {
            host,
            leads_outside: outside == Some(host),
            shut_until: None,
            free_at: SimTime::default(),
            frames_lost: 0,
        };
        Self {
            name,
            link,
            span,
            ports: hosts.into_iter().map(port).collect(),
            macs: MacTable::default(),
            rules: BTreeMap::new(),
            frames_denied: 0,
        }
    }

    /// Takes a frame in: checks port and rules, learns its source.
    pub(crate) fn ingress(&mut self, now: SimTime, port: u16, bytes: &[u8]) -> Verdict {
        if !self.ports[usize::from(port)].is_up(now) {
            return Verdict::Shut;
        }
        if !self.rules.is_empty() {
            self.rules.retain(|_, until| *until > now);
            if self.rules.keys().any(|rule| rule.stops(port, bytes)) {
                self.frames_denied += 1;
                return Verdict::Denied;
            }
        }
        if let Some(mac) = frame::source_mac(bytes)
            && !frame::is_group(mac)
        {
            self.macs.learn(mac, port);
        }
        Verdict::Forward
    }

    /// The only port behind which the destination is known to be, or `None` to send it everywhere.
    pub(crate) fn known_port(&self, bytes: &[u8]) -> Option<u16> {
        let mac = frame::destination_mac(bytes)?;
        if frame::is_group(mac) {
            None
        } else {
            self.macs.port_of(mac)
        }
    }

    /// Puts a frame on a port's link. Returns when it arrives, or `None` if it is lost.
    pub(crate) fn egress(
        &mut self,
        now: SimTime,
        port: u16,
        frame_bytes: usize,
    ) -> Option<SimTime> {
        let link = self.link;
        let port = &mut self.ports[usize::from(port)];
        if !port.is_up(now) {
            return None;
        }
        match link.send(now, port.free_at, frame_bytes) {
            Some((sent, arrives)) => {
                port.free_at = sent;
                Some(arrives)
            }
            None => {
                port.frames_lost += 1;
                None
            }
        }
    }

    /// Stops what matches, until a time. A longer rule for the same match stands.
    pub(crate) fn deny(&mut self, rule: Match, until: SimTime) {
        let entry = self.rules.entry(rule).or_insert(until);
        if *entry < until {
            *entry = until;
        }
    }

    /// Feeds the switch's state into a digest.
    pub(crate) fn digest(&self, put: &mut Hasher) {
        put.put_u64(self.frames_denied);
        // Broadcasts go out of a port that leads outside whether or not somebody hears them.
        for port in self.ports.iter().filter(|port| !port.leads_outside) {
            put.put_u64(port.free_at.as_nanos());
            put.put_u64(port.frames_lost);
            put.put_u64(port.shut_until.map_or(0, SimTime::as_nanos));
        }
        for &(mac, port) in &self.macs.entries {
            put.put_bytes(&mac.to_be_bytes()[2..]);
            put.put_u16(port);
        }
        for (rule, until) in &self.rules {
            match rule {
                Match::Ip(ip) => put.put_bytes(&ip.octets()),
                Match::Mac(mac) => put.put_bytes(mac),
                Match::Port(port) => put.put_u16(*port),
            }
            put.put_u64(until.as_nanos());
        }
    }
}
