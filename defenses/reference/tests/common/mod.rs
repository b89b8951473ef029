//! Hosts and segments of a small cell, for tests that speak to the reference defense.

use std::net::Ipv4Addr;

use sim_wire::tcp::{Flags, Options as TcpOptions};
use sim_wire::{MacAddr, ethernet, ipv4, tcp};

/// Address of a host by its last number.
pub(crate) fn ip(host: u8) -> Ipv4Addr {
    Ipv4Addr::new(10, 20, 1, host)
}

/// Hardware address of a host by its last number.
pub(crate) fn mac(host: u8) -> MacAddr {
    MacAddr([0x02, 0x54, 0x57, 0x14, 0x01, host])
}

/// A frame with a TCP segment between two hosts and ports; `from` is the hardware address that it really
/// comes from.
pub(crate) fn segment(
    from: MacAddr,
    src: (u8, u16),
    dst: (u8, u16),
    flags: Flags,
    seq: u32,
    payload: &[u8],
) -> Vec<u8> {
    let mut frame = Vec::new();
    ethernet::Repr {
        dst: mac(dst.0),
        src: from,
        vlan: None,
        ethertype: ethernet::ETHERTYPE_IPV4,
    }
    .emit(&mut frame);
    ipv4::Repr {
        src: ip(src.0),
        dst: ip(dst.0),
        protocol: ipv4::PROTOCOL_TCP,
        ttl: 64,
        traffic_class: 0,
        identification: 0,
        dont_fragment: true,
        more_fragments: false,
        fragment_offset: 0,
        payload_bytes: u16::try_from(20 + payload.len()).expect("short payloads"),
    }
    .emit(&mut frame);
    tcp::Repr {
        src_port: src.1,
        dst_port: dst.1,
        seq,
        ack: 0,
        flags,
        window: 1024,
        urgent: 0,
        options: TcpOptions::default(),
    }
    .emit(ip(src.0), ip(dst.0), payload, &mut frame);
    frame
}
