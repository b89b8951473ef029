//! What a flow counts of a frame.
//!
//! The arithmetic is the generator's, odd as it is in places, since a detector learned from its numbers: see
//! `payload` of [`Packet`].

use std::net::Ipv6Addr;

use sim_wire::ethernet::{self, ETHERTYPE_ARP, ETHERTYPE_IPV4, ETHERTYPE_MIN};
use sim_wire::tcp::Flags;
use sim_wire::{ipv4, tcp};

/// Ethertype of IPv6.
const ETHERTYPE_IPV6: u16 = 0x86DD;
/// Ethertype whose payload the generator takes for unknown.
const ETHERTYPE_REALTEK: u16 = 0x8899;
/// Length of the fixed header of IPv6, bytes.
const IPV6_BYTES: usize = 40;

/// What the generator takes for the header of UDP and of everything it does not know, bytes: eight, by four.
const HEADER_TAKEN_BYTES: i64 = 32;

/// Two addresses, the lesser one as text first, and a protocol.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    pub(super) low: String,
    pub(super) high: String,
    pub(super) protocol: String,
}

/// A frame as a flow sees it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Packet {
    pub(super) t_ns: u64,
    pub(super) macs: [String; 2],
    /// Its ends by IP; `None` where it is not of IP.
    pub(super) ip: Option<Ip>,
    pub(super) protocol: String,
    /// Length of the frame, bytes.
    pub(super) bytes: u64,
    /// Payload, bytes: of TCP what is behind its header, padding of the frame included; of UDP 24 less than there are;
    /// of ARP, ICMP and IGMP none. It can be negative.
    pub(super) payload_bytes: i64,
    /// Its header of TCP, if it is of TCP.
    pub(super) tcp: Option<Tcp>,
}

/// The part of IP.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Ip {
    /// Source and destination.
    pub(super) ends: [String; 2],
    pub(super) ttl: u8,
    pub(super) is_fragment: bool,
}

/// The part of TCP.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Tcp {
    pub(super) flags: Flags,
    pub(super) window: u16,
    pub(super) seq: u32,
    pub(super) ack: u32,
}

/// A header of IP of either version, and where its payload begins in the frame.
struct Network {
    ip: Ip,
    protocol: u8,
    payload_at: usize,
    /// Whether what follows is a header of the next layer, and not the rest of an earlier packet.
    is_first: bool,
}

impl Packet {
    /// Reads a frame; `None` where it has no Ethernet type.
    pub(super) fn of(frame: &[u8], t_ns: u64) -> Option<Self> {
        let link = ethernet::Packet::new(frame);
        let ethertype = link.ethertype().filter(|kind| *kind >= ETHERTYPE_MIN)?;
        let macs = [link.src()?.to_string(), link.dst()?.to_string()];
        let (header, kind) = (link.header_bytes(), ethertype_name(ethertype));
        let network = match ethertype {
            ETHERTYPE_IPV4 => network_v4(frame, header),
            ETHERTYPE_IPV6 => network_v6(frame, header),
            _ => None,
        };
        let behind = |at: usize| signed(frame.len().saturating_sub(at));
        let mut packet = Self {
            t_ns,
            macs,
            ip: None,
            protocol: kind,
            bytes: frame.len() as u64,
            payload_bytes: match ethertype {
                ETHERTYPE_ARP | ETHERTYPE_REALTEK => 0,
                _ => behind(header),
            },
            tcp: None,
        };
        let Some(network) = network else {
            return Some(packet);
        };
        packet.protocol = format!("{}:{}", packet.protocol, protocol_name(network.protocol));
        let rest = behind(network.payload_at);
        packet.payload_bytes = match network.protocol {
            ipv4::PROTOCOL_TCP => rest,
            1 | 2 | 58 => 0,
            _ => rest - HEADER_TAKEN_BYTES,
        };
        if network.protocol == ipv4::PROTOCOL_TCP && network.is_first {
            let segment = tcp::Packet::new(&frame[network.payload_at..]);
            packet.tcp = Tcp::of(&segment);
            packet.payload_bytes -= segment.header_bytes().map_or(0, signed);
        }
        packet.ip = Some(network.ip);
        Some(packet)
    }

    /// The flow that it belongs to.
    pub(super) fn key(&self) -> Key {
        let [src, dst] = self.ends();
        Key {
            low: src.min(dst).to_owned(),
            high: src.max(dst).to_owned(),
            protocol: self.protocol.clone(),
        }
    }

    /// Source and destination by the addresses that flows go by: IP where it is of IP, else hardware.
    pub(super) fn ends(&self) -> [&str; 2] {
        let [src, dst] = self.ip.as_ref().map_or(&self.macs, |ip| &ip.ends);
        [src, dst]
    }
}

impl Tcp {
    fn of(segment: &tcp::Packet<'_>) -> Option<Self> {
        Some(Self {
            flags: segment.flags()?,
            window: segment.window()?,
            seq: segment.seq()?,
            ack: segment.ack()?,
        })
    }
}

fn network_v4(frame: &[u8], header: usize) -> Option<Network> {
    let packet = ipv4::Packet::new(frame.get(header..)?);
    let own = packet
        .header_bytes()
        .filter(|_| packet.version() == Some(4))?;
    let payload_at = (header + own).min(frame.len());
    Some(Network {
        ip: Ip {
            ends: [packet.src()?.to_string(), packet.dst()?.to_string()],
            ttl: packet.ttl()?,
            is_fragment: packet.is_fragment()?,
        },
        protocol: packet.protocol()?,
        payload_at,
        is_first: packet.fragment_offset()? == 0,
    })
}

fn network_v6(frame: &[u8], header: usize) -> Option<Network> {
    let own: &[u8; IPV6_BYTES] = frame.get(header..header + IPV6_BYTES)?.try_into().ok()?;
    let end = |at: usize| {
        let octets: [u8; 16] = own[at..at + 16].try_into().expect("sixteen of them");
        Ipv6Addr::from(octets).to_string()
    };
    let payload_at = header + IPV6_BYTES;
    // The options for every hop say what comes behind them; the generator looks through no other header.
    let protocol = match own[6] {
        0 => frame.get(payload_at).copied().unwrap_or(0),
        next => next,
    };
    Some(Network {
        ip: Ip {
            ends: [end(8), end(24)],
            ttl: own[7],
            is_fragment: own[6] == 44,
        },
        protocol,
        payload_at,
        is_first: own[6] != 0,
    })
}

fn signed(bytes: usize) -> i64 {
    i64::try_from(bytes).expect("a frame is short")
}

fn ethertype_name(ethertype: u16) -> String {
    let name = match ethertype {
        ETHERTYPE_IPV4 => "IP",
        ETHERTYPE_ARP => "ARP",
        ETHERTYPE_IPV6 => "IPv6",
        0x8137 => "IPX",
        0x880B => "PPP",
        0x8847 | 0x8848 => "MPLS",
        0x8863 | 0x8864 => "PPPoE",
        ETHERTYPE_REALTEK => "Realtek",
        0x88CC => "LLDP",
        0x8906 | 0x8914 => "FCoE",
        other => return format!("{other:#x}"),
    };
    name.to_owned()
}

fn protocol_name(protocol: u8) -> String {
    let name = match protocol {
        1 => "ICMP",
        2 => "IGMP",
        6 => "TCP",
        17 => "UDP",
        41 => "IPv6",
        47 => "GRE",
        50 => "ESP",
        51 => "AH",
        58 => "ICMPv6",
        89 => "OSPF",
        132 => "SCTP",
        other => return other.to_string(),
    };
    name.to_owned()
}

/// A frame of IP as bytes, for tests of both modules.
#[cfg(test)]
pub(super) fn frame(src: [u8; 4], dst: [u8; 4], protocol: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![2, 0, 0, 0, 0, dst[3], 2, 0, 0, 0, 0, src[3], 8, 0];
    let length = u16::try_from(20 + payload.len()).expect("short");
    bytes.extend([0x45, 0]);
    bytes.extend(length.to_be_bytes());
    bytes.extend([0, 0, 0, 0, 64, protocol, 0, 0]);
    bytes.extend(src);
    bytes.extend(dst);
    bytes.extend(payload);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packet_when_of_any_kind_then_what_the_generator_makes_of_it() {
        let (a, b) = ([10, 0, 0, 9], [10, 0, 0, 10]);
        let check = |bytes: &[u8], protocol: &str, payload: i64, ends: [&str; 2]| {
            let packet = Packet::of(bytes, 5).expect("it has a type");
            assert_eq!(packet.protocol, protocol);
            assert_eq!(packet.payload_bytes, payload, "{protocol}");
            let key = packet.key();
            assert_eq!([key.low.as_str(), key.high.as_str()], ends);
        };
        let by_text = ["10.0.0.10", "10.0.0.9"];
        let mut segment = vec![0; 20];
        segment[12] = 5 << 4;
        check(&frame(a, b, 6, &segment), "IP:TCP", 0, by_text);
        segment.extend([1, 2, 3]);
        check(&frame(b, a, 6, &segment), "IP:TCP", 3, by_text);
        let mut padded = frame(a, b, 6, &segment[..20]);
        padded.resize(60, 0);
        check(&padded, "IP:TCP", 6, by_text);
        check(&frame(a, b, 17, &[0; 8 + 40]), "IP:UDP", 16, by_text);
        check(&frame(a, b, 17, &[0; 8]), "IP:UDP", -24, by_text);
        check(&frame(a, b, 1, &[0; 64]), "IP:ICMP", 0, by_text);
        check(&frame(a, b, 99, &[0; 40]), "IP:99", 8, by_text);
        let mut other = frame(a, b, 6, &segment);
        let macs = ["02:00:00:00:00:09", "02:00:00:00:00:0a"];
        other[12..14].copy_from_slice(&[0x08, 0x06]);
        check(&other, "ARP", 0, macs);
        other[12..14].copy_from_slice(&[0x88, 0x92]);
        check(&other, "0x8892", 43, macs);
        let mut v6 = vec![0; 14 + 40 + 8];
        v6[12..14].copy_from_slice(&[0x86, 0xDD]);
        (v6[14], v6[20], v6[21], v6[37], v6[53]) = (0x60, 17, 3, 1, 2);
        check(&v6, "IPv6:UDP", -24, ["::1", "::2"]);
    }

    #[test]
    fn packet_when_cut_short_then_never_a_panic() {
        let mut segment = vec![0; 20];
        segment[12] = 15 << 4;
        let whole = frame([10, 0, 0, 1], [10, 0, 0, 2], 6, &segment);
        for length in 0..whole.len() {
            let read = Packet::of(&whole[..length], 0);
            assert_eq!(read.is_some(), length >= 14, "{length} bytes");
        }
        let mut length_field = whole.clone();
        length_field[12..14].copy_from_slice(&[0, 46]);
        assert_eq!(Packet::of(&length_field, 0), None, "802.3 has no type");
    }
}
