//! Headers byte for byte, and what the strict parsers refuse.

use crate::hex;
use sim_wire::checksum::{Checksum, checksum, updated};
use sim_wire::ethernet::VlanTag;
use sim_wire::{Ipv4Addr, MacAddr, arp, ethernet, icmp, ipv4, tcp, udp};

const A: MacAddr = MacAddr([0x02, 0x54, 0x57, 0x14, 0x01, 0x0B]);
const B: MacAddr = MacAddr([0x02, 0x54, 0x57, 0x14, 0x01, 0x42]);
const SRC: Ipv4Addr = Ipv4Addr::new(10, 20, 1, 66);
const DST: Ipv4Addr = Ipv4Addr::new(10, 20, 1, 11);

#[test]
fn checksum_when_example_of_rfc_1071_then_its_sum() {
    // RFC 1071, section 3: words 0001 f203 f4f5 f6f7 sum to ddf2.
    let data = hex("0001 f203 f4f5 f6f7");
    assert_eq!(Checksum::new().bytes(&data).sum(), 0xDDF2);
    assert_eq!(checksum(&data), !0xDDF2);
    assert_eq!(checksum(&[]), 0xFFFF);
    assert_eq!(checksum(&[0xAB]), !0xAB00, "an odd byte is the high half");
}

#[test]
fn updated_when_example_of_rfc_1624_then_zero() {
    // RFC 1624, section 4: HC = DD2F, m = 5555, m' = 3285 give 0000.
    assert_eq!(updated(0xDD2F, 0x5555, 0x3285), 0x0000);
}

#[test]
fn mac_addr_when_text_then_parsed_or_named() {
    for text in ["02:54:57:14:01:0b", "02-54-57-14-01-0B"] {
        assert_eq!(text.parse(), Ok(A));
    }
    assert_eq!(A.to_string(), "02:54:57:14:01:0b");
    for bad in [
        "",
        "02:54:57:14:01",
        "02:54:57:14:01:0b:00",
        "2:54:57:14:01:0b",
        "+2:54:57:14:01:0b",
        "02:54-57:14:01:0b",
    ] {
        let error = bad.parse::<MacAddr>().expect_err(bad);
        assert_eq!(error.text, bad);
    }
    assert!(MacAddr::BROADCAST.is_broadcast() && MacAddr::BROADCAST.is_multicast());
    assert!(!A.is_multicast() && A.is_local());
}

#[test]
fn mac_addr_when_serialized_then_a_string() {
    let text = serde_json::to_string(&A).expect("a string");
    assert_eq!(text, "\"02:54:57:14:01:0b\"");
    assert_eq!(serde_json::from_str::<MacAddr>(&text).ok(), Some(A));
    let error = serde_json::from_str::<MacAddr>("\"02:54\"").expect_err("too short");
    assert!(
        error.to_string().contains("`02:54` is not a MAC address"),
        "{error}"
    );
}

#[test]
fn ethernet_when_tagged_then_exact_bytes() {
    let tag = VlanTag {
        priority: 5,
        drop_eligible: true,
        vlan: 20,
    };
    let repr = ethernet::Repr {
        dst: A,
        src: B,
        vlan: Some(tag),
        ethertype: 0x0800,
    };
    let mut frame = Vec::new();
    repr.emit(&mut frame);
    assert_eq!(frame, hex("02545714010b 025457140142 8100 b014 0800"));
}

#[test]
fn ethernet_when_not_ethernet_2_then_named_error() {
    let macs = "02545714010b 025457140142";
    let parse = |rest: &str| {
        let frame = hex(&format!("{macs} {rest}"));
        ethernet::Repr::parse(&frame).map(|(repr, _)| repr.ethertype)
    };
    assert_eq!(
        parse(""),
        Err(ethernet::Error::Truncated { frame_bytes: 12 })
    );
    assert_eq!(
        parse("8100 0001"),
        Err(ethernet::Error::Truncated { frame_bytes: 16 })
    );
    assert_eq!(
        parse("0026"),
        Err(ethernet::Error::NotEthernet2 { ethertype: 0x26 })
    );
    assert_eq!(
        parse("8100 0001 8100 0002 0800"),
        Err(ethernet::Error::StackedTags)
    );
    assert_eq!(parse("88A8 0001 0800"), Err(ethernet::Error::StackedTags));
    assert_eq!(parse("8100 0001 0800"), Ok(0x0800));
}

#[test]
fn ethernet_view_when_stacked_tags_then_looked_through() {
    let frame = hex("02545714010b 025457140142 88A8 0064 8100 0014 0800 45");
    let packet = ethernet::Packet::new(&frame);
    assert_eq!(packet.ethertype(), Some(0x0800));
    assert_eq!(
        packet.vlan().map(|tag| tag.vlan),
        Some(100),
        "the outermost"
    );
    assert_eq!(packet.payload(), Some(&[0x45][..]));
}

#[test]
fn arp_when_request_then_exact_bytes() {
    let repr = arp::Repr {
        operation: arp::Operation::Request,
        sender_mac: B,
        sender_ip: SRC,
        target_mac: MacAddr::ZERO,
        target_ip: DST,
    };
    let mut packet = Vec::new();
    repr.emit(&mut packet);
    assert_eq!(
        packet,
        hex("0001 0800 06 04 0001 025457140142 0a140142 000000000000 0a14010b")
    );
    assert!(!repr.is_gratuitous());
    for (at, expect) in [
        (1, arp::Error::AddressTypes),
        (5, arp::Error::AddressTypes),
        (7, arp::Error::Operation { operation: 9 }),
    ] {
        let mut bad = packet.clone();
        bad[at] = 9;
        assert_eq!(arp::Repr::parse(&bad), Err(expect));
    }
    assert_eq!(
        arp::Repr::parse(&packet[..27]),
        Err(arp::Error::Truncated { packet_bytes: 27 })
    );
}

#[test]
fn ipv4_when_emitted_then_exact_bytes() {
    let repr = ipv4::Repr {
        identification: 0x1234,
        ..ipv4::Repr::new(SRC, DST, 6, 20)
    };
    let mut header = Vec::new();
    repr.emit(&mut header);
    assert_eq!(header[..10], hex("45 00 0028 1234 4000 40 06"));
    assert_eq!(header[12..], hex("0a140142 0a14010b"));
    assert_eq!(ipv4::Packet::new(&header).checksum_is_valid(), Some(true));
}

/// A valid packet of 20 bytes with one field replaced and the checksum made right again.
fn packet_with(at: usize, value: u8) -> Vec<u8> {
    let mut packet = Vec::new();
    ipv4::Repr::new(SRC, DST, 6, 0).emit(&mut packet);
    packet[at] = value;
    packet[10..12].fill(0);
    let sum = checksum(&packet);
    packet[10..12].copy_from_slice(&sum.to_be_bytes());
    packet
}

#[test]
fn ipv4_when_malformed_then_named_error() {
    let parse = |packet: &[u8]| ipv4::Repr::parse(packet).map(|(repr, _)| repr.ttl);
    assert_eq!(parse(&packet_with(0, 0x45)), Ok(64));
    assert_eq!(
        parse(&packet_with(0, 0x65)),
        Err(ipv4::Error::Version { version: 6 })
    );
    assert_eq!(parse(&packet_with(0, 0x44)), Err(ipv4::Error::Length));
    assert_eq!(parse(&packet_with(3, 19)), Err(ipv4::Error::Length));
    assert_eq!(parse(&packet_with(3, 21)), Err(ipv4::Error::Truncated));
    assert_eq!(parse(&packet_with(6, 0x80)), Err(ipv4::Error::ReservedFlag));
    assert_eq!(parse(&[]), Err(ipv4::Error::Truncated));
    let mut wrong = packet_with(0, 0x45);
    wrong[10] ^= 1;
    assert_eq!(parse(&wrong), Err(ipv4::Error::Checksum));
    let mut options = packet_with(3, 24);
    options[0] = 0x46;
    options.extend_from_slice(&[1, 1, 1, 0]);
    options[10..12].fill(0);
    let sum = checksum(&options);
    options[10..12].copy_from_slice(&sum.to_be_bytes());
    assert_eq!(parse(&options), Err(ipv4::Error::Options));
    assert_eq!(
        ipv4::Packet::new(&options).options(),
        Some(&[1, 1, 1, 0][..])
    );
}

fn syn() -> tcp::Repr {
    tcp::Repr {
        src_port: 49812,
        dst_port: 502,
        seq: 1,
        ack: 0,
        flags: tcp::Flags::SYN,
        window: 1024,
        urgent: 0,
        options: tcp::Options {
            mss_bytes: Some(1460),
            window_scale: Some(0),
            sack_permitted: true,
            ..tcp::Options::default()
        },
    }
}

#[test]
fn tcp_when_syn_then_exact_bytes() {
    let mut segment = Vec::new();
    syn().emit(SRC, DST, &[], &mut segment);
    assert_eq!(segment[..16], hex("c294 01f6 00000001 00000000 80 02 0400"));
    assert_eq!(segment[20..], hex("020405b4 030300 0402 000000"));
    assert_eq!(syn().flags.to_string(), "S");
    assert_eq!((tcp::Flags::PSH | tcp::Flags::ACK).to_string(), "PA");
    assert_eq!(tcp::Flags::default().to_string(), "-");
}

/// Parses a segment whose options are these bytes.
fn parse_options(options: &str) -> Result<tcp::Options, tcp::Error> {
    let mut segment = Vec::new();
    tcp::Repr {
        options: tcp::Options::default(),
        ..syn()
    }
    .emit(SRC, DST, &[], &mut segment);
    segment.extend_from_slice(&hex(options));
    let words = u8::try_from(segment.len() / 4).expect("at most 15 words");
    segment[12] = words << 4;
    segment[16..18].fill(0);
    let sum = Checksum::new()
        .pseudo_header(SRC, DST, 6, segment.len())
        .bytes(&segment)
        .finish();
    segment[16..18].copy_from_slice(&sum.to_be_bytes());
    tcp::Repr::parse(&segment, SRC, DST).map(|(repr, _)| repr.options)
}

#[test]
fn tcp_options_when_odd_then_skipped_or_named_error() {
    let mss = tcp::Options {
        mss_bytes: Some(1460),
        ..tcp::Options::default()
    };
    assert_eq!(
        parse_options("01 01 02 04 05b4 00 ff"),
        Ok(mss),
        "no-operation, end of list"
    );
    assert_eq!(
        parse_options("fd 04 0102 02 04 05b4"),
        Ok(mss),
        "an unknown kind"
    );
    assert_eq!(
        parse_options("02 03 05 00"),
        Err(tcp::Error::Option { kind: 2 })
    );
    assert_eq!(
        parse_options("02 00 05 00"),
        Err(tcp::Error::Option { kind: 2 })
    );
    assert_eq!(
        parse_options("02 01 05 00"),
        Err(tcp::Error::Option { kind: 2 })
    );
    assert_eq!(
        parse_options("01 01 01 02"),
        Err(tcp::Error::Option { kind: 2 })
    );
    assert_eq!(
        parse_options("05 06 01020304 00 00"),
        Err(tcp::Error::Option { kind: 5 })
    );
}

#[test]
fn tcp_when_options_exceed_40_bytes_then_sack_blocks_are_left_out() {
    let none = tcp::Options::default();
    let mss = tcp::Options {
        mss_bytes: Some(1460),
        sack_permitted: true,
        ..none
    };
    let timestamps = Some((3, 4));
    for (options, blocks) in [
        (none, 4),
        (mss, 4),
        (tcp::Options { timestamps, ..none }, 3),
        (tcp::Options { timestamps, ..mss }, 2), // 16 bytes, and 26 for three blocks.
        (
            tcp::Options {
                timestamps,
                ..syn().options
            },
            2,
        ),
    ] {
        let options = tcp::Options {
            sack: [Some((1, 2)); 4],
            ..options
        };
        let mut segment = Vec::new();
        tcp::Repr { options, ..syn() }.emit(SRC, DST, b"data", &mut segment);
        let (parsed, payload) = tcp::Repr::parse(&segment, SRC, DST).expect("a valid segment");
        let mut expect = options;
        expect.sack[blocks..].fill(None);
        assert_eq!((parsed.options, payload), (expect, &b"data"[..]));
    }
}

#[test]
fn tcp_when_malformed_then_named_error() {
    let mut segment = Vec::new();
    syn().emit(SRC, DST, &[], &mut segment);
    let parse = |segment: &[u8]| tcp::Repr::parse(segment, SRC, DST).map(|(repr, _)| repr.seq);
    assert_eq!(parse(&segment), Ok(1));
    assert_eq!(parse(&segment[..19]), Err(tcp::Error::Truncated));
    assert_eq!(parse(&segment[..31]), Err(tcp::Error::Truncated));
    assert_eq!(
        tcp::Repr::parse(&segment, SRC, SRC).map(|_| ()),
        Err(tcp::Error::Checksum)
    );
    segment[12] = 0x40;
    assert_eq!(parse(&segment), Err(tcp::Error::DataOffset));
    assert_eq!(tcp::Packet::new(&segment).payload(), None);
}

#[test]
fn udp_when_checksum_is_zero_then_not_checked() {
    let mut datagram = Vec::new();
    udp::Repr {
        src_port: 514,
        dst_port: 514,
    }
    .emit(SRC, DST, b"<14>1", &mut datagram);
    datagram[6..8].fill(0);
    assert!(udp::Repr::parse(&datagram, SRC, DST).is_ok());
    datagram[7] = 1;
    assert_eq!(
        udp::Repr::parse(&datagram, SRC, DST),
        Err(udp::Error::Checksum)
    );
    datagram[5] = 7;
    assert_eq!(
        udp::Repr::parse(&datagram, SRC, DST),
        Err(udp::Error::Length)
    );
    datagram[5] = 200;
    assert_eq!(
        udp::Repr::parse(&datagram, SRC, DST),
        Err(udp::Error::Truncated)
    );
}

#[test]
fn icmp_when_not_an_echo_then_named_error() {
    let mut message = hex("03 01 0000 00000000");
    let sum = checksum(&message);
    message[2..4].copy_from_slice(&sum.to_be_bytes());
    let not_echo = icmp::Error::NotEcho {
        message_type: 3,
        code: 1,
    };
    assert_eq!(icmp::Repr::parse(&message), Err(not_echo));
    message[4] = 1;
    assert_eq!(icmp::Repr::parse(&message), Err(icmp::Error::Checksum));
    assert_eq!(
        icmp::Repr::parse(&message[..7]),
        Err(icmp::Error::Truncated)
    );
}
