//! Classified frames.

use crate::hex;
use sim_wire::modbus::{Span, Table, encode_adu};
use sim_wire::summary::{AduSummary, Direction, FrameSummary, IcmpSummary, ModbusSummary};
use sim_wire::{Ipv4Addr, MacAddr, arp, ethernet, icmp, ipv4, tcp, udp};

pub(crate) const CLIENT_MAC: MacAddr = MacAddr([2, 0x54, 0x57, 0x14, 1, 0x15]);
pub(crate) const SERVER_MAC: MacAddr = MacAddr([2, 0x54, 0x57, 0x14, 1, 0x0B]);
pub(crate) const CLIENT: Ipv4Addr = Ipv4Addr::new(10, 20, 1, 21);
pub(crate) const SERVER: Ipv4Addr = Ipv4Addr::new(10, 20, 1, 11);

/// An IPv4 frame from client to server.
pub(crate) fn ip_frame(protocol: u8, body: &[u8]) -> Vec<u8> {
    let outer = ethernet::Repr {
        dst: SERVER_MAC,
        src: CLIENT_MAC,
        vlan: None,
        ethertype: ethernet::ETHERTYPE_IPV4,
    };
    let body_bytes = u16::try_from(body.len()).expect("a short packet");
    let mut frame = Vec::new();
    outer.emit(&mut frame);
    ipv4::Repr::new(CLIENT, SERVER, protocol, body_bytes).emit(&mut frame);
    frame.extend_from_slice(body);
    frame
}

/// A TCP frame from client to server with these ports.
pub(crate) fn tcp_frame(src_port: u16, dst_port: u16, payload: &[u8]) -> Vec<u8> {
    let segment = tcp::Repr {
        src_port,
        dst_port,
        seq: 1000,
        ack: 2000,
        flags: tcp::Flags::PSH | tcp::Flags::ACK,
        window: 1024,
        urgent: 0,
        options: tcp::Options::default(),
    };
    let mut body = Vec::new();
    segment.emit(CLIENT, SERVER, payload, &mut body);
    ip_frame(ipv4::PROTOCOL_TCP, &body)
}

/// One ADU of unit 1 around a PDU in hex.
pub(crate) fn adu(transaction: u16, pdu: &str) -> Vec<u8> {
    let mut out = Vec::new();
    encode_adu(transaction, 1, &mut out, |out| {
        out.extend_from_slice(&hex(pdu))
    });
    out
}

fn summary(frame: &[u8]) -> FrameSummary {
    FrameSummary::of(frame).expect("an Ethernet frame")
}

#[test]
fn summary_when_modbus_write_then_every_layer() {
    let mut frame = tcp_frame(50000, 502, &adu(7, "06 0064 04D2"));
    frame.extend_from_slice(&[0; 6]); // Ethernet padding is no payload.
    let summary = summary(&frame);
    assert_eq!((summary.src_mac, summary.dst_mac), (CLIENT_MAC, SERVER_MAC));
    assert_eq!((summary.ethertype, summary.vlan), (0x0800, None));
    let ip = summary.ip.expect("IPv4");
    assert_eq!(
        (ip.src, ip.dst, ip.ttl, ip.protocol),
        (CLIENT, SERVER, 64, 6)
    );
    let tcp = summary.tcp.clone().expect("TCP");
    assert_eq!(
        (tcp.src_port, tcp.dst_port, tcp.seq, tcp.ack),
        (50000, 502, 1000, 2000)
    );
    assert_eq!(tcp.payload, 54..66);
    assert_eq!(
        summary.modbus,
        Some(ModbusSummary {
            direction: Direction::Request,
            complete_adus: 1,
            trailing_bytes: 0,
            first: Some(AduSummary {
                transaction: 7,
                unit: 1,
                function: 6,
                exception: None,
                read: None,
                write: Some(Span {
                    table: Table::HoldingRegisters,
                    address: 100,
                    quantity: 1
                }),
                value: Some(1234),
                is_complete: true,
            }),
        })
    );
    let functions: Vec<u8> = summary
        .modbus_adus(&frame)
        .map(|adu| adu.function())
        .collect();
    assert_eq!(functions, [6]);
}

/// The summary of the first ADU around a PDU in hex.
fn first(direction: Direction, pdu: &str) -> AduSummary {
    let (src_port, dst_port) = match direction {
        Direction::Request => (50000, 502),
        Direction::Response => (502, 50000),
    };
    let modbus = summary(&tcp_frame(src_port, dst_port, &adu(1, pdu)))
        .modbus
        .expect("Modbus");
    assert_eq!(modbus.direction, direction);
    modbus.first.expect("an ADU")
}

#[test]
fn adu_when_request_then_spans_and_value() {
    let span = |table, address, quantity| {
        Some(Span {
            table,
            address,
            quantity,
        })
    };
    for (pdu, read, write, value) in [
        ("01 0013 0013", span(Table::Coils, 19, 19), None, None),
        (
            "02 0013 0013",
            span(Table::DiscreteInputs, 19, 19),
            None,
            None,
        ),
        (
            "03 0000 000A",
            span(Table::HoldingRegisters, 0, 10),
            None,
            None,
        ),
        (
            "04 0000 000A",
            span(Table::InputRegisters, 0, 10),
            None,
            None,
        ),
        ("05 0008 FF00", None, span(Table::Coils, 8, 1), Some(1)),
        ("05 0008 0000", None, span(Table::Coils, 8, 1), Some(0)),
        ("05 0008 1234", None, span(Table::Coils, 8, 1), Some(0x1234)),
        (
            "0F 0008 0002 01 03",
            None,
            span(Table::Coils, 8, 2),
            Some(1),
        ),
        (
            "10 0008 0001 02 0102",
            None,
            span(Table::HoldingRegisters, 8, 1),
            Some(0x102),
        ),
        (
            "16 0008 0001 0002",
            None,
            span(Table::HoldingRegisters, 8, 1),
            None,
        ),
        (
            "17 0000 0002 0008 0001 02 0102",
            span(Table::HoldingRegisters, 0, 2),
            span(Table::HoldingRegisters, 8, 1),
            Some(0x102),
        ),
        ("2B 0E 01 00", None, None, None),
        ("5A 00", None, None, None),
        ("03 00", None, None, None),
    ] {
        let adu = first(Direction::Request, pdu);
        assert_eq!(
            (adu.read, adu.write, adu.value),
            (read, write, value),
            "{pdu}"
        );
    }
}

#[test]
fn adu_when_response_then_exception_or_what_was_written() {
    let refused = first(Direction::Response, "83 02");
    assert_eq!((refused.function, refused.exception), (3, Some(2)));
    let read = first(Direction::Response, "03 02 0001");
    assert_eq!((read.read, read.write, read.value), (None, None, None));
    let written = first(Direction::Response, "10 0008 0002");
    let span = Span {
        table: Table::HoldingRegisters,
        address: 8,
        quantity: 2,
    };
    assert_eq!(written.write, Some(span));
    assert_eq!(
        first(Direction::Request, "83 02").function,
        0x83,
        "no exception in a request"
    );
}

#[test]
fn modbus_when_several_or_cut_then_counted() {
    let mut payload = adu(1, "03 0000 0001");
    payload.extend_from_slice(&adu(2, "06 0001 0002"));
    payload.extend_from_slice(&adu(3, "06 0001 0002")[..9]);
    let modbus = summary(&tcp_frame(50000, 502, &payload))
        .modbus
        .expect("Modbus");
    assert_eq!((modbus.complete_adus, modbus.trailing_bytes), (2, 9));
    let garbage = summary(&tcp_frame(50000, 502, b"GET / HTTP/1.1"))
        .modbus
        .expect("the port");
    assert_eq!(
        (garbage.complete_adus, garbage.trailing_bytes, garbage.first),
        (0, 14, None)
    );
    assert_eq!(summary(&tcp_frame(50000, 502, &[])).modbus, None);
    assert_eq!(summary(&tcp_frame(50000, 80, &payload)).modbus, None);
}

#[test]
fn summary_when_arp_udp_or_icmp_then_its_part() {
    let repr = arp::Repr {
        operation: arp::Operation::Reply,
        sender_mac: SERVER_MAC,
        sender_ip: SERVER,
        target_mac: CLIENT_MAC,
        target_ip: CLIENT,
    };
    let outer = ethernet::Repr {
        dst: CLIENT_MAC,
        src: SERVER_MAC,
        vlan: None,
        ethertype: ethernet::ETHERTYPE_ARP,
    };
    let mut frame = Vec::new();
    outer.emit(&mut frame);
    repr.emit(&mut frame);
    assert_eq!(summary(&frame).arp, Some(repr));

    let mut body = Vec::new();
    udp::Repr {
        src_port: 514,
        dst_port: 1514,
    }
    .emit(CLIENT, SERVER, b"text", &mut body);
    let frame = ip_frame(ipv4::PROTOCOL_UDP, &body);
    let udp = summary(&frame).udp.expect("UDP");
    assert_eq!(
        (udp.src_port, udp.dst_port, &frame[udp.payload]),
        (514, 1514, &b"text"[..])
    );

    let mut body = Vec::new();
    icmp::Repr {
        is_reply: false,
        identifier: 1,
        sequence: 1,
        data: b"ping",
    }
    .emit(&mut body);
    let icmp = summary(&ip_frame(ipv4::PROTOCOL_ICMP, &body)).icmp;
    assert_eq!(
        icmp,
        Some(IcmpSummary {
            message_type: 8,
            code: 0
        })
    );
}

#[test]
fn summary_when_fragment_then_no_transport() {
    let frame = tcp_frame(50000, 502, &adu(1, "03 0000 0001"));
    let mut later = frame.clone();
    later[21] = 1; // Fragment offset 8 bytes.
    let later = summary(&later);
    assert!(later.ip.expect("IPv4").is_fragment);
    assert_eq!((later.tcp, later.modbus), (None, None));
}

#[test]
fn summary_when_cut_anywhere_then_outer_layers_remain() {
    let frame = tcp_frame(50000, 502, &adu(1, "03 0000 0001"));
    for length in 0..frame.len() {
        match FrameSummary::of(&frame[..length]) {
            None => assert!(length < 14, "{length}"),
            Some(summary) => {
                assert!(length >= 14);
                assert_eq!(summary.ip.is_some(), length >= 34, "{length}");
                assert_eq!(summary.tcp.is_some(), length >= 54, "{length}");
                assert_eq!(summary.modbus.is_some(), length > 54, "{length}");
            }
        }
    }
}
