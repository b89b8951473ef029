//! Our bytes read by etherparse, and etherparse's bytes read by us.

use crate::strategies::{bytes, ethernet, ip, tcp};
use etherparse::{NetSlice, PacketBuilder, SlicedPacket, TransportSlice, VlanSlice};
use proptest::prelude::*;
use sim_wire::{Ipv4Addr, MacAddr, ethernet as ethernet_wire, ipv4, tcp as tcp_wire, udp};

proptest! {
    #[test]
    fn etherparse_reads_what_we_emit(
        outer in ethernet(), segment in tcp(), src in ip(), dst in ip(), payload in bytes(),
        (ttl, identification) in any::<(u8, u16)>(),
    ) {
        let outer = ethernet_wire::Repr { ethertype: ethernet_wire::ETHERTYPE_IPV4, ..outer };
        let mut body = Vec::new();
        segment.emit(src, dst, &payload, &mut body);
        let body_bytes = u16::try_from(body.len()).expect("a short payload");
        let header = ipv4::Repr {
            ttl,
            identification,
            ..ipv4::Repr::new(src, dst, ipv4::PROTOCOL_TCP, body_bytes)
        };
        let mut frame = Vec::new();
        outer.emit(&mut frame);
        header.emit(&mut frame);
        frame.extend_from_slice(&body);

        let sliced = SlicedPacket::from_ethernet(&frame).expect("etherparse reads the frame");
        let Some(etherparse::LinkSlice::Ethernet2(link)) = &sliced.link else {
            return Err(TestCaseError::fail("Ethernet II"));
        };
        prop_assert_eq!((link.source(), link.destination()), (outer.src.0, outer.dst.0));
        let vlan = match sliced.vlan() {
            Some(VlanSlice::SingleVlan(tag)) => Some(tag.vlan_identifier().value()),
            None => None,
            Some(VlanSlice::DoubleVlan(_)) => return Err(TestCaseError::fail("one tag at most")),
        };
        prop_assert_eq!(vlan, outer.vlan.map(|tag| tag.vlan));
        let Some(NetSlice::Ipv4(ip)) = &sliced.net else {
            return Err(TestCaseError::fail("IPv4"));
        };
        let ip_header = ip.header();
        prop_assert_eq!(ip_header.header_checksum(), ip_header.to_header().calc_header_checksum());
        prop_assert_eq!((ip_header.source_addr(), ip_header.destination_addr()), (src, dst));
        prop_assert_eq!((ip_header.ttl(), ip_header.identification()), (ttl, identification));
        let Some(TransportSlice::Tcp(tcp)) = &sliced.transport else {
            return Err(TestCaseError::fail("TCP"));
        };
        prop_assert_eq!(tcp.payload(), &payload[..]);
        prop_assert_eq!(tcp.source_port(), segment.src_port);
        prop_assert_eq!(tcp.destination_port(), segment.dst_port);
        prop_assert_eq!(tcp.sequence_number(), segment.seq);
        prop_assert_eq!(tcp.acknowledgment_number(), segment.ack);
        prop_assert_eq!(tcp.syn(), segment.flags.contains(tcp_wire::Flags::SYN));
        prop_assert_eq!(tcp.psh(), segment.flags.contains(tcp_wire::Flags::PSH));
        prop_assert_eq!(tcp.cwr(), segment.flags.contains(tcp_wire::Flags::CWR));
        prop_assert_eq!(tcp.checksum(), tcp.calc_checksum_ipv4(src.octets(), dst.octets()).expect("a short segment"));
        let options = tcp.options_iterator().collect::<Result<Vec<_>, _>>();
        prop_assert!(options.is_ok(), "{:?}", options);
    }

    #[test]
    fn we_read_what_etherparse_emits(
        macs in any::<([u8; 6], [u8; 6])>(), src in ip(), dst in ip(), ports in any::<(u16, u16)>(),
        (seq, ack, window, ttl) in any::<(u32, u32, u16, u8)>(), payload in bytes(),
        vlan in 0_u16..4096,
    ) {
        let builder = PacketBuilder::ethernet2(macs.0, macs.1)
            .single_vlan(vlan.try_into().expect("12 bits"))
            .ipv4(src.octets(), dst.octets(), ttl)
            .tcp(ports.0, ports.1, seq, window)
            .ack(ack)
            .psh()
            .options(&[
                etherparse::TcpOptionElement::MaximumSegmentSize(1460),
                etherparse::TcpOptionElement::Noop,
                etherparse::TcpOptionElement::WindowScale(7),
                etherparse::TcpOptionElement::SelectiveAcknowledgementPermitted,
                etherparse::TcpOptionElement::Timestamp(1, 2),
            ])
            .expect("the options fit");
        let mut frame = Vec::new();
        builder.write(&mut frame, &payload).expect("a Vec takes all bytes");

        let (outer, rest) = ethernet_wire::Repr::parse(&frame).expect("Ethernet II");
        prop_assert_eq!((outer.src, outer.dst), (MacAddr(macs.0), MacAddr(macs.1)));
        prop_assert_eq!(outer.vlan.map(|tag| tag.vlan), Some(vlan));
        let (ip, rest) = ipv4::Repr::parse(rest).expect("IPv4");
        prop_assert_eq!((ip.src, ip.dst, ip.ttl), (src, dst, ttl));
        let (segment, rest) = tcp_wire::Repr::parse(rest, src, dst).expect("TCP");
        prop_assert_eq!(rest, &payload[..]);
        prop_assert_eq!((segment.src_port, segment.dst_port), ports);
        prop_assert_eq!((segment.seq, segment.ack, segment.window), (seq, ack, window));
        prop_assert_eq!(segment.flags, tcp_wire::Flags::ACK | tcp_wire::Flags::PSH);
        let options = tcp_wire::Options {
            mss_bytes: Some(1460),
            window_scale: Some(7),
            sack_permitted: true,
            timestamps: Some((1, 2)),
            sack: [None; 4],
        };
        prop_assert_eq!(segment.options, options);
    }

    #[test]
    fn udp_checksums_agree(
        src in ip(), dst in ip(), ports in any::<(u16, u16)>(), payload in bytes(),
    ) {
        let expect = etherparse::UdpHeader::with_ipv4_checksum(
            ports.0,
            ports.1,
            &etherparse::Ipv4Header::new(
                u16::try_from(payload.len()).expect("a short payload") + 8,
                64,
                etherparse::IpNumber::UDP,
                src.octets(),
                dst.octets(),
            )
            .expect("a short packet"),
            &payload,
        )
        .expect("a short datagram");
        let mut datagram = Vec::new();
        let repr = udp::Repr { src_port: ports.0, dst_port: ports.1 };
        repr.emit(src, dst, &payload, &mut datagram);
        prop_assert_eq!(&datagram[..8], &expect.to_bytes()[..]);
    }
}

#[test]
fn icmp_echo_when_emitted_then_etherparse_agrees() {
    let echo = sim_wire::icmp::Repr {
        is_reply: false,
        identifier: 7,
        sequence: 9,
        data: b"abc",
    };
    let mut ours = Vec::new();
    echo.emit(&mut ours);
    let builder = PacketBuilder::ipv4(Ipv4Addr::LOCALHOST.octets(), [10, 0, 0, 1], 64)
        .icmpv4_echo_request(7, 9);
    let mut theirs = Vec::new();
    builder
        .write(&mut theirs, b"abc")
        .expect("a Vec takes all bytes");
    assert_eq!(ours, theirs[20..]);
}
