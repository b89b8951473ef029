//! Frames changed in flight.

use crate::summary::{CLIENT, SERVER, SERVER_MAC, adu, ip_frame, tcp_frame};
use sim_wire::rewrite::{self, Error};
use sim_wire::{FrameSummary, Ipv4Addr, MacAddr, icmp, ipv4, tcp, udp};

/// Parses strictly, so that every checksum and length must be right.
#[track_caller]
fn strict(frame: &[u8]) -> (ipv4::Repr, tcp::Repr, Vec<u8>) {
    let (ip, body) = ipv4::Repr::parse(&frame[14..]).expect("a valid IPv4 packet");
    let (segment, payload) = tcp::Repr::parse(body, ip.src, ip.dst).expect("a valid TCP segment");
    (ip, segment, payload.to_vec())
}

fn frame() -> Vec<u8> {
    tcp_frame(50000, 502, &adu(7, "06 0064 04D2"))
}

#[test]
fn patch_when_inside_the_payload_then_bytes_and_checksums_change() {
    let mut frame = frame();
    frame.extend_from_slice(&[0; 3]); // Padding.
    rewrite::patch_tcp_payload(&mut frame, 11, &[0xFF]).expect("inside the payload");
    assert_eq!(strict(&frame).2, adu(7, "06 0064 04FF"));
    let before = frame.clone();
    assert_eq!(
        rewrite::patch_tcp_payload(&mut frame, 11, &[0, 0]),
        Err(Error::OutsidePayload {
            first: 11,
            end: 13,
            payload_bytes: 12
        })
    );
    assert_eq!(frame, before);
    assert!(rewrite::patch_tcp_payload(&mut frame, usize::MAX, &[0, 0]).is_err());
}

#[test]
fn payload_when_changed_in_place_then_fixed_afterwards() {
    let mut frame = frame();
    rewrite::tcp_payload_mut(&mut frame).expect("TCP")[7] = 3;
    assert!(tcp::Repr::parse(&frame[34..], CLIENT, SERVER).is_err());
    rewrite::fix_checksums(&mut frame).expect("IPv4");
    assert_eq!(strict(&frame).2, adu(7, "03 0064 04D2"));
}

#[test]
fn replace_when_longer_or_shorter_then_lengths_follow() {
    for payload in [&b"x"[..], b"", b"a payload longer than the first"] {
        let mut frame = frame();
        frame.extend_from_slice(&[0; 6]);
        rewrite::replace_tcp_payload(&mut frame, payload).expect("TCP");
        assert_eq!(strict(&frame).2, payload);
        assert_eq!(frame.len(), 54 + payload.len(), "padding is gone");
    }
    let mut frame = frame();
    let before = frame.clone();
    let too_long = vec![0; 65_496];
    let expect = Err(Error::TooLong {
        packet_bytes: 65_536,
    });
    assert_eq!(rewrite::replace_tcp_payload(&mut frame, &too_long), expect);
    assert_eq!(frame, before);
    assert_eq!(
        rewrite::replace_tcp_payload(&mut frame, &too_long[1..]),
        Ok(())
    );
    assert_eq!(strict(&frame).2.len(), 65_495);
}

#[test]
fn numbers_when_shifted_then_wrapped() {
    let mut frame = frame();
    rewrite::shift_tcp_numbers(&mut frame, -1001, 5).expect("TCP");
    let (_, segment, payload) = strict(&frame);
    assert_eq!((segment.seq, segment.ack), (u32::MAX, 2005));
    assert_eq!(payload, adu(7, "06 0064 04D2"));
}

#[test]
fn macs_when_set_then_nothing_else_changes() {
    let (mut frame, before) = (frame(), frame());
    let mac = MacAddr([2, 0, 0, 0, 0, 0x66]);
    rewrite::set_macs(&mut frame, mac, SERVER_MAC).expect("an Ethernet frame");
    let summary = FrameSummary::of(&frame).expect("an Ethernet frame");
    assert_eq!((summary.src_mac, summary.dst_mac), (mac, SERVER_MAC));
    assert_eq!(frame[12..], before[12..]);
    assert_eq!(
        rewrite::set_macs(&mut [0; 11], mac, mac),
        Err(Error::NotEthernet)
    );
}

#[test]
fn addresses_when_set_then_all_checksums_follow() {
    let mut frame = frame();
    let forged = Ipv4Addr::new(10, 20, 1, 41);
    rewrite::set_ipv4_addresses(&mut frame, forged, SERVER).expect("IPv4");
    assert_eq!(strict(&frame).0.src, forged);
}

#[test]
fn ttl_when_decremented_then_a_wrong_checksum_stays_wrong() {
    let mut frame = frame();
    rewrite::decrement_ttl(&mut frame).expect("64 hops");
    assert_eq!(strict(&frame).0.ttl, 63);
    frame[24] ^= 0x40;
    rewrite::decrement_ttl(&mut frame).expect("63 hops");
    assert_eq!(
        ipv4::Packet::new(&frame[14..]).checksum_is_valid(),
        Some(false)
    );
    frame[22] = 1;
    let before = frame.clone();
    assert_eq!(rewrite::decrement_ttl(&mut frame), Err(Error::TtlExpired));
    assert_eq!(frame, before);
}

#[test]
fn checksums_when_udp_or_icmp_then_fixed() {
    let mut body = Vec::new();
    udp::Repr {
        src_port: 1,
        dst_port: 2,
    }
    .emit(CLIENT, SERVER, b"text", &mut body);
    let mut frame = ip_frame(ipv4::PROTOCOL_UDP, &body);
    let whole = frame.clone();
    frame[40] ^= 0xFF;
    frame[24] ^= 0xFF;
    rewrite::fix_checksums(&mut frame).expect("IPv4");
    assert_eq!(frame, whole);
    frame[40..42].fill(0);
    rewrite::fix_checksums(&mut frame).expect("IPv4");
    assert_eq!(frame[40..42], [0, 0], "no checksum stays none");

    let mut body = Vec::new();
    icmp::Repr {
        is_reply: true,
        identifier: 1,
        sequence: 2,
        data: b"x",
    }
    .emit(&mut body);
    let mut frame = ip_frame(ipv4::PROTOCOL_ICMP, &body);
    let whole = frame.clone();
    frame[36] ^= 0xFF;
    rewrite::fix_checksums(&mut frame).expect("IPv4");
    assert_eq!(frame, whole);
}

#[test]
fn frame_when_not_tcp_or_cut_then_named_error() {
    let mut short = frame();
    short.truncate(60);
    assert_eq!(
        rewrite::fix_checksums(&mut short),
        Err(Error::NotIpv4),
        "the packet is cut"
    );
    assert_eq!(
        rewrite::fix_checksums(&mut [0; 13]),
        Err(Error::NotEthernet)
    );
    let mut icmp = ip_frame(ipv4::PROTOCOL_ICMP, &[8, 0, 0, 0, 0, 0, 0, 0]);
    assert_eq!(
        rewrite::patch_tcp_payload(&mut icmp, 0, &[]),
        Err(Error::NotTcp)
    );
    let mut fragment = frame();
    fragment[20] |= 0x20;
    assert_eq!(
        rewrite::patch_tcp_payload(&mut fragment, 0, &[]),
        Err(Error::NotTcp)
    );
}
