//! A flow and its columns.

use std::collections::{BTreeMap, BTreeSet};

use sim_wire::tcp::Flags;

use super::TIME;
use super::packet::{Key, Packet};
use crate::log::unix_ns;
use crate::tabular::time;

/// The columns in front of the labels, in the order of the data set.
pub(super) const COLUMNS: [&str; 60] = [
    "sAddress",
    "rAddress",
    "sMACs",
    "rMACs",
    "sIPs",
    "rIPs",
    "protocol",
    "startDate",
    "endDate",
    "start",
    "end",
    "startOffset",
    "endOffset",
    "duration",
    "sPackets",
    "rPackets",
    "sBytesSum",
    "rBytesSum",
    "sBytesMax",
    "rBytesMax",
    "sBytesMin",
    "rBytesMin",
    "sBytesAvg",
    "rBytesAvg",
    "sLoad",
    "rLoad",
    "sPayloadSum",
    "rPayloadSum",
    "sPayloadMax",
    "rPayloadMax",
    "sPayloadMin",
    "rPayloadMin",
    "sPayloadAvg",
    "rPayloadAvg",
    "sInterPacketAvg",
    "rInterPacketAvg",
    "sttl",
    "rttl",
    "sAckRate",
    "rAckRate",
    "sUrgRate",
    "rUrgRate",
    "sFinRate",
    "rFinRate",
    "sPshRate",
    "rPshRate",
    "sSynRate",
    "rSynRate",
    "sRstRate",
    "rRstRate",
    "sWinTCP",
    "rWinTCP",
    "sFragmentRate",
    "rFragmentRate",
    "sAckDelayMax",
    "rAckDelayMax",
    "sAckDelayMin",
    "rAckDelayMin",
    "sAckDelayAvg",
    "rAckDelayAvg",
];

/// The flags that have a rate, in the order of the columns.
const RATED: [Flags; 6] = [
    Flags::ACK,
    Flags::URG,
    Flags::FIN,
    Flags::PSH,
    Flags::SYN,
    Flags::RST,
];

/// Added to the length of every flow, ns, so that none is without length.
const WINDOW_NS: u64 = 1_000;

/// What two addresses exchanged in one protocol in about one interval.
#[derive(Debug)]
pub(super) struct Flow {
    key: Key,
    /// The lesser address, and the other one.
    sides: [Side; 2],
}

/// One of the two addresses: who it was, and what came from it.
#[derive(Debug, Default)]
struct Side {
    macs: BTreeSet<String>,
    ips: BTreeSet<String>,
    /// First and last packet, ns.
    times: Option<(u64, u64)>,
    packets: u64,
    bytes: Amount,
    payload: Amount,
    /// Whether its first packet was of TCP, and of IP: others have no value in the columns of these.
    is_tcp: bool,
    is_ip: bool,
    ttl: u64,
    flags: [u64; RATED.len()],
    window: u64,
    fragments: u64,
    /// When it acknowledged what, ns.
    acks: BTreeMap<u32, u64>,
    /// From the other's acknowledgment to a segment that begins there, ns.
    delay: Amount,
}

/// Largest, least and sum of what was counted.
#[derive(Clone, Copy, Debug, Default)]
struct Amount {
    count: u64,
    sum: i128,
    range: Option<(i64, i64)>,
}

impl Amount {
    fn add(&mut self, value: i64) {
        self.count += 1;
        self.sum += i128::from(value);
        let (least, most) = self.range.unwrap_or((value, value));
        self.range = Some((least.min(value), most.max(value)));
    }

    fn average(&self) -> Option<f64> {
        (self.count > 0).then(|| self.sum as f64 / self.count as f64)
    }
}

impl Flow {
    pub(super) fn new(key: Key) -> Self {
        Self {
            key,
            sides: Default::default(),
        }
    }

    /// Takes a packet; they come in the order of time.
    pub(super) fn add(&mut self, packet: &Packet) {
        let [src, _] = packet.ends();
        let from = usize::from(src != self.key.low);
        for (end, side) in [(0, from), (1, 1 - from)] {
            self.sides[side].macs.insert(packet.macs[end].clone());
            if let Some(ip) = &packet.ip {
                self.sides[side].ips.insert(ip.ends[end].clone());
            }
        }
        if let Some(tcp) = packet.tcp {
            self.sides[from].acks.insert(tcp.ack, packet.t_ns);
            if let Some(&asked_ns) = self.sides[1 - from].acks.get(&tcp.seq) {
                let delay_ns = i64::try_from(packet.t_ns - asked_ns).expect("a flow is short");
                self.sides[from].delay.add(delay_ns);
            }
        }
        self.sides[from].take(packet);
    }

    /// First and last packet, ns.
    pub(super) fn interval(&self) -> (u64, u64) {
        let times = || self.sides.iter().filter_map(|side| side.times);
        let first = times().map(|(first, _)| first).min();
        let last = times().map(|(_, last)| last).max();
        (first.unwrap_or_default(), last.unwrap_or_default())
    }

    /// Whether one of the addresses is in it.
    pub(super) fn holds(&self, mac: &str, ip: &str) -> bool {
        let sides = self.sides.iter();
        sides
            .into_iter()
            .any(|side| side.macs.contains(mac) || side.ips.contains(ip))
    }

    /// Its cells, one for each of [`COLUMNS`].
    ///
    /// # Arguments
    ///
    /// * `first_ns` — when the first frame of the capture was, from which offsets are counted.
    pub(super) fn cells(&self, first_ns: u64) -> Vec<String> {
        let [low, high] = &self.sides;
        let (start_ns, end_ns) = self.interval();
        let (start, end) = (unix_ns(start_ns), unix_ns(end_ns));
        let window_ns = end_ns - start_ns + WINDOW_NS;
        let mut cells = vec![self.key.low.clone(), self.key.high.clone()];
        let joined = |names: &BTreeSet<String>| Vec::from_iter(names.iter().cloned()).join("/");
        cells.extend([joined(&low.macs), joined(&high.macs)]);
        cells.extend([joined(&low.ips), joined(&high.ips)]);
        cells.push(self.key.protocol.clone());
        cells.extend([
            time(micro(start) * 1_000, TIME),
            time(micro(end) * 1_000, TIME),
        ]);
        cells.extend([seconds(start), seconds(end)]);
        cells.extend([seconds(start_ns - first_ns), seconds(end_ns - first_ns)]);
        cells.push(seconds(window_ns));
        let pairs = low.cells(window_ns).into_iter().zip(high.cells(window_ns));
        cells.extend(pairs.flat_map(|(low, high)| [low, high]));
        cells
    }
}

impl Side {
    /// Counts a packet that came from it.
    fn take(&mut self, packet: &Packet) {
        if self.packets == 0 {
            (self.is_tcp, self.is_ip) = (packet.tcp.is_some(), packet.ip.is_some());
        }
        let first = self.times.map_or(packet.t_ns, |(first, _)| first);
        self.times = Some((first, packet.t_ns));
        self.packets += 1;
        self.bytes
            .add(i64::try_from(packet.bytes).expect("a frame is short"));
        self.payload.add(packet.payload_bytes);
        if let Some(ip) = &packet.ip {
            self.ttl += u64::from(ip.ttl);
            self.fragments += u64::from(ip.is_fragment);
        }
        if let Some(tcp) = packet.tcp {
            for (count, flag) in self.flags.iter_mut().zip(RATED) {
                *count += u64::from(tcp.flags.contains(flag));
            }
            self.window += u64::from(tcp.window);
        }
    }

    /// The cells of the columns that there are for each side, from `Packets` on.
    fn cells(&self, window_ns: u64) -> Vec<String> {
        let whole = |value: Option<i64>| value.map_or_else(String::new, |value| value.to_string());
        let mean = |sum: u64, counts: bool| {
            let known = counts && self.packets > 0;
            rounded(known.then(|| sum as f64 / self.packets as f64), 3)
        };
        let sized = |amount: &Amount| {
            [
                amount.sum.to_string(),
                whole(amount.range.map(|(_, most)| most)),
                whole(amount.range.map(|(least, _)| least)),
                rounded(amount.average(), 3),
            ]
        };
        let mut cells = vec![self.packets.to_string()];
        cells.extend(sized(&self.bytes));
        let window_s = window_ns as f64 / 1e9;
        cells.push(rounded(Some(self.bytes.sum as f64 * 8.0 / window_s), 3));
        cells.extend(sized(&self.payload));
        let between = self
            .times
            .filter(|_| self.packets > 1)
            .map(|(first, last)| {
                let gaps = (self.packets - 1) as f64;
                (last - first) as f64 / 1e9 / gaps
            });
        cells.push(rounded(between, 12));
        cells.push(mean(self.ttl, self.is_tcp));
        cells.extend(self.flags.map(|count| mean(count, self.is_tcp)));
        cells.push(mean(self.window, self.is_tcp));
        let fragments = self
            .is_ip
            .then(|| self.fragments as f64 / self.packets as f64);
        cells.push(rounded(fragments, 12));
        let second = |ns: i64| ns as f64 / 1e9;
        cells.push(rounded(self.delay.range.map(|(_, most)| second(most)), 3));
        cells.push(rounded(self.delay.range.map(|(least, _)| second(least)), 3));
        cells.push(rounded(self.delay.average().map(|ns| ns / 1e9), 6));
        cells
    }
}

/// A time in whole microseconds, the nearest.
fn micro(ns: u64) -> u64 {
    (ns + 500) / 1_000
}

/// Seconds with at most six digits behind the point.
pub(super) fn seconds(ns: u64) -> String {
    let micros = micro(ns);
    trimmed(format!("{}.{:06}", micros / 1_000_000, micros % 1_000_000))
}

/// A number with at most so many digits behind the point; nothing for none.
fn rounded(value: Option<f64>, digits: usize) -> String {
    value.map_or_else(String::new, |value| trimmed(format!("{value:.digits$}")))
}

/// Without zeros at the end, but for one behind the point: it says that the column holds fractions.
fn trimmed(number: String) -> String {
    let short = number.trim_end_matches('0');
    if short.ends_with('.') {
        return format!("{short}0");
    }
    short.to_owned()
}

#[cfg(test)]
mod tests {
    use super::super::packet::frame;
    use super::*;

    /// A segment with sequence and acknowledgment number, flags and payload.
    fn segment(seq: u32, ack: u32, flags: u8, payload: usize) -> Vec<u8> {
        let mut bytes = vec![0, 1, 0, 2];
        bytes.extend(seq.to_be_bytes());
        bytes.extend(ack.to_be_bytes());
        bytes.extend([5 << 4, flags, 1, 0, 0, 0, 0, 0]);
        bytes.resize(20 + payload, 7);
        bytes
    }

    fn cell(flow: &Flow, name: &str) -> String {
        let at = COLUMNS
            .iter()
            .position(|column| *column == name)
            .expect(name);
        let cells = flow.cells(0);
        assert_eq!(cells.len(), COLUMNS.len());
        cells[at].clone()
    }

    #[test]
    fn flow_when_a_request_is_answered_then_columns_by_hand() {
        let (client, server) = ([10, 0, 0, 9], [10, 0, 0, 10]);
        // PSH and ACK; the answer comes 4 ms after what it acknowledges was asked for, the ACK 1.5 ms behind it.
        let packets = [
            (1_000_000_000, client, server, segment(100, 500, 0x18, 12)),
            (1_004_000_000, server, client, segment(500, 112, 0x18, 11)),
            (1_005_500_000, client, server, segment(112, 511, 0x10, 0)),
        ];
        let packets = packets.map(|(t_ns, src, dst, payload)| {
            Packet::of(&frame(src, dst, 6, &payload), t_ns).expect("it has a type")
        });
        let mut flow = Flow::new(packets[0].key());
        packets.iter().for_each(|packet| flow.add(packet));
        let expect = [
            // By text the server is the lesser one, so that `s` is the server.
            ("sAddress", "10.0.0.10"),
            ("rAddress", "10.0.0.9"),
            ("sMACs", "02:00:00:00:00:0a"),
            ("protocol", "IP:TCP"),
            ("startDate", "2026-01-05 06:00:01.000000"),
            ("start", "1767592801.0"),
            ("endOffset", "1.0055"),
            ("duration", "0.005501"),
            ("sPackets", "1"),
            ("rPackets", "2"),
            ("rBytesSum", "120"),
            ("rBytesMax", "66"),
            ("rBytesMin", "54"),
            ("rBytesAvg", "60.0"),
            // 65 bytes in 5.501 ms.
            ("sLoad", "94528.268"),
            ("rPayloadSum", "12"),
            ("rPayloadAvg", "6.0"),
            ("sInterPacketAvg", ""),
            ("rInterPacketAvg", "0.0055"),
            ("sttl", "64.0"),
            ("rPshRate", "0.5"),
            ("rAckRate", "1.0"),
            ("sSynRate", "0.0"),
            ("rWinTCP", "256.0"),
            ("sFragmentRate", "0.0"),
            ("sAckDelayMax", "0.004"),
            ("rAckDelayMax", "0.002"),
            ("rAckDelayAvg", "0.0015"),
        ];
        for (name, value) in expect {
            assert_eq!(cell(&flow, name), value, "{name}");
        }
        assert!(flow.holds("", "10.0.0.9") && flow.holds("02:00:00:00:00:0a", ""));
        assert!(
            !flow.holds("", ""),
            "a host without addresses is in no flow"
        );
    }

    #[test]
    fn flow_when_one_side_is_silent_and_it_is_no_ip_then_sums_are_zero_and_the_rest_empty() {
        let mut bytes = frame([10, 0, 0, 1], [10, 0, 0, 2], 6, &[]);
        bytes[12..14].copy_from_slice(&[8, 6]);
        let packet = Packet::of(&bytes, 7_000).expect("it has a type");
        let mut flow = Flow::new(packet.key());
        flow.add(&packet);
        for (name, value) in [
            ("sAddress", "02:00:00:00:00:01"),
            ("sIPs", ""),
            ("protocol", "ARP"),
            ("duration", "0.000001"),
            ("rPackets", "0"),
            ("rBytesSum", "0"),
            ("rBytesMax", ""),
            ("rLoad", "0.0"),
            ("sLoad", "272000000.0"),
            ("rPayloadSum", "0"),
            ("sttl", ""),
            ("sAckRate", ""),
            ("sFragmentRate", ""),
            ("sAckDelayMin", ""),
        ] {
            assert_eq!(cell(&flow, name), value, "{name}");
        }
    }
}
