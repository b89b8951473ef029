//! Properties of all bytes and of all messages.

use crate::strategies::{
    access, arp, bytes, ethernet, exception, ip, ipv4, mac, message, span, tcp, write,
};
use proptest::collection::vec;
use proptest::prelude::*;
use sim_wire::modbus::identity::Objects;
use sim_wire::modbus::response::Expectation;
use sim_wire::modbus::server::{Bank, Operation};
use sim_wire::modbus::{
    ADU_MAX_BYTES, Adu, Bits, Client, DeviceIdentity, DeviceProfile, ExceptionCode, Framed, Framer,
    MemoryBank, Request, Response, Span, Table, encode_adu, serve,
};
use sim_wire::syslog::Message;
use sim_wire::{
    FrameSummary, Ipv4Addr, arp as arp_wire, ethernet as ethernet_wire, icmp, ipv4 as ipv4_wire,
    rewrite, tcp as tcp_wire, udp,
};

fn check_request(request: &Request<'_>) -> Result<(), TestCaseError> {
    let mut pdu = Vec::new();
    request.emit(&mut pdu);
    prop_assert_eq!(Request::parse(&pdu), Ok(*request));
    let mut adu = Vec::new();
    request.emit_adu(1, 2, &mut adu);
    prop_assert_eq!(&adu[7..], &pdu[..]);
    prop_assert!(adu.len() <= ADU_MAX_BYTES);
    Ok(())
}

fn check_response(response: &Response<'_>) -> Result<(), TestCaseError> {
    let mut pdu = Vec::new();
    response.emit(&mut pdu);
    prop_assert_eq!(Response::parse(&pdu), Ok(*response));
    Ok(())
}

/// Every frame in the stream when it arrives in these pieces.
fn frames(stream: &[u8], cuts: &[usize]) -> Vec<String> {
    let mut framer = Framer::new();
    let mut found = Vec::new();
    let mut start = 0;
    for end in cuts.iter().copied().chain([stream.len()]) {
        framer.push(&stream[start..end]);
        start = end;
        while let Some(frame) = framer.next_frame() {
            found.push(format!("{frame:?}"));
        }
    }
    found
}

/// A change to a frame in flight.
type Change = fn(&mut Vec<u8>) -> Result<(), rewrite::Error>;

/// A bank that has every entry of all tables, and remembers nothing.
struct Endless;

impl Bank for Endless {
    fn check(&self, _: Span, _: Operation) -> Result<(), ExceptionCode> {
        Ok(())
    }

    fn bit(&self, _: Table, address: u16) -> bool {
        address.is_multiple_of(3)
    }

    fn register(&self, _: Table, address: u16) -> u16 {
        address
    }

    fn set_coil(&mut self, _: u16, _: bool) {}

    fn set_register(&mut self, _: u16, _: u16) {}
}

fn profile() -> DeviceProfile {
    DeviceProfile::new(1, DeviceIdentity::new("a", "b", "c").expect("short values"))
}

/// Bytes that often start like a Modbus PDU with a known function.
fn pdu() -> impl Strategy<Value = Vec<u8>> {
    const FUNCTIONS: [u8; 14] = [1, 2, 3, 4, 5, 6, 15, 16, 20, 21, 22, 23, 43, 90];
    let known = (
        prop::sample::select(&FUNCTIONS[..]),
        vec(any::<u8>(), 0..20),
    )
        .prop_map(|(function, mut data)| {
            data.insert(0, function);
            data
        });
    prop_oneof![known, vec(any::<u8>(), 1..260)]
}

/// A frame whose bytes are valid up to a point and then damaged or cut.
fn damaged_frame() -> impl Strategy<Value = Vec<u8>> {
    let damage = vec((any::<prop::sample::Index>(), any::<u8>()), 0..4);
    (
        modbus_frame(),
        damage,
        any::<prop::sample::Index>(),
        any::<bool>(),
    )
        .prop_map(|(mut frame, damage, cut, is_cut)| {
            for (index, value) in damage {
                let at = index.index(frame.len());
                frame[at] = value;
            }
            if is_cut {
                frame.truncate(cut.index(frame.len()));
            }
            frame
        })
}

/// A whole TCP frame to the Modbus port.
fn modbus_frame() -> impl Strategy<Value = Vec<u8>> {
    (ethernet(), ipv4(), tcp(), bytes()).prop_map(|(mut outer, mut ip, mut segment, payload)| {
        outer.ethertype = ethernet_wire::ETHERTYPE_IPV4;
        segment.dst_port = 502;
        let mut body = Vec::new();
        segment.emit(ip.src, ip.dst, &payload, &mut body);
        ip.protocol = ipv4_wire::PROTOCOL_TCP;
        ip.fragment_offset = 0;
        ip.more_fragments = false;
        ip.payload_bytes = u16::try_from(body.len()).expect("a short payload");
        let mut frame = Vec::new();
        outer.emit(&mut frame);
        ip.emit(&mut frame);
        frame.extend_from_slice(&body);
        frame
    })
}

proptest! {
    #[test]
    fn any_bytes_never_panic(input in bytes(), src in ip(), dst in ip()) {
        let _ = ethernet_wire::Repr::parse(&input);
        let _ = arp_wire::Repr::parse(&input);
        let _ = ipv4_wire::Repr::parse(&input);
        let _ = tcp_wire::Repr::parse(&input, src, dst);
        let _ = udp::Repr::parse(&input, src, dst);
        let _ = icmp::Repr::parse(&input);
        let _ = Request::parse(&input);
        let _ = Response::parse(&input);
        let _ = Message::parse(&String::from_utf8_lossy(&input));
        let _ = Adu::view(&input).map(|adu| (adu.request().is_ok(), adu.response().is_ok()));
        for first in 0..input.len() {
            let _ = Objects::from_wire(3, &input[first..]);
        }
        let views = (
            ethernet_wire::Packet::new(&input),
            arp_wire::Packet::new(&input),
            ipv4_wire::Packet::new(&input),
            tcp_wire::Packet::new(&input),
            udp::Packet::new(&input),
            icmp::Packet::new(&input),
        );
        let _ = (views.0.vlan(), views.0.ethertype(), views.0.payload());
        let _ = (views.1.operation(), views.1.target_ip(), views.1.is_ipv4_over_ethernet());
        let _ = (views.2.payload(), views.2.options(), views.2.checksum_is_valid());
        let _ = (views.3.payload(), views.3.options(), views.3.checksum_is_valid(src, dst));
        let _ = (views.4.payload(), views.5.data(), views.5.checksum_is_valid());
    }

    #[test]
    fn any_frame_is_summarized_and_rewritten_without_panic(frame in damaged_frame(), mac in mac()) {
        if let Some(summary) = FrameSummary::of(&frame) {
            prop_assert_eq!(summary.frame_bytes, frame.len());
            for range in [summary.tcp.as_ref().map(|tcp| tcp.payload.clone())]
                .into_iter()
                .chain([summary.udp.as_ref().map(|udp| udp.payload.clone())])
                .flatten()
            {
                prop_assert!(frame.get(range).is_some());
            }
            let complete = summary.modbus_adus(&frame).filter(Adu::length_is_consistent).count();
            let counted = summary.modbus.map_or(0, |modbus| usize::from(modbus.complete_adus));
            prop_assert_eq!(complete, counted);
        }
        let changes: [Change; 6] = [
            |frame| rewrite::fix_checksums(frame),
            |frame| rewrite::decrement_ttl(frame),
            |frame| rewrite::patch_tcp_payload(frame, 3, b"xyz"),
            |frame| rewrite::replace_tcp_payload(frame, b"replaced"),
            |frame| rewrite::shift_tcp_numbers(frame, -5, 5),
            |frame| rewrite::set_ipv4_addresses(frame, Ipv4Addr::LOCALHOST, Ipv4Addr::BROADCAST),
        ];
        for change in changes {
            let mut changed = frame.clone();
            if change(&mut changed).is_err() {
                prop_assert_eq!(&changed, &frame, "an error must leave the frame as it was");
            }
        }
        let _ = rewrite::set_macs(&mut frame.clone(), mac, mac);
    }

    #[test]
    fn ethernet_emitted_parses_to_itself(repr in ethernet(), payload in bytes()) {
        let mut frame = Vec::new();
        repr.emit(&mut frame);
        frame.extend_from_slice(&payload);
        prop_assert_eq!(ethernet_wire::Repr::parse(&frame), Ok((repr, &payload[..])));
    }

    #[test]
    fn arp_emitted_parses_to_itself(repr in arp(), padding in bytes()) {
        let mut packet = Vec::new();
        repr.emit(&mut packet);
        prop_assert_eq!(packet.len(), arp_wire::PACKET_BYTES);
        packet.extend_from_slice(&padding);
        prop_assert_eq!(arp_wire::Repr::parse(&packet), Ok(repr));
    }

    #[test]
    fn ipv4_emitted_parses_to_itself(repr in ipv4(), payload in bytes(), padding in bytes()) {
        let payload_bytes = u16::try_from(payload.len()).expect("a short payload");
        let repr = ipv4_wire::Repr { payload_bytes, ..repr };
        let mut packet = Vec::new();
        repr.emit(&mut packet);
        packet.extend_from_slice(&payload);
        packet.extend_from_slice(&padding);
        prop_assert_eq!(ipv4_wire::Repr::parse(&packet), Ok((repr, &payload[..])));
    }

    #[test]
    fn tcp_emitted_parses_to_itself(repr in tcp(), src in ip(), dst in ip(), payload in bytes()) {
        let mut segment = Vec::new();
        repr.emit(src, dst, &payload, &mut segment);
        prop_assert_eq!(tcp_wire::Repr::parse(&segment, src, dst), Ok((repr, &payload[..])));
    }

    #[test]
    fn udp_emitted_parses_to_itself(
        ports in any::<(u16, u16)>(), src in ip(), dst in ip(), payload in bytes(),
    ) {
        let repr = udp::Repr { src_port: ports.0, dst_port: ports.1 };
        let mut datagram = Vec::new();
        repr.emit(src, dst, &payload, &mut datagram);
        prop_assert_eq!(udp::Repr::parse(&datagram, src, dst), Ok((repr, &payload[..])));
    }

    #[test]
    fn icmp_emitted_parses_to_itself(ids in any::<(bool, u16, u16)>(), data in bytes()) {
        let repr =
            icmp::Repr { is_reply: ids.0, identifier: ids.1, sequence: ids.2, data: &data };
        let mut echo = Vec::new();
        repr.emit(&mut echo);
        prop_assert_eq!(icmp::Repr::parse(&echo), Ok(repr));
    }

    #[test]
    fn single_bit_error_is_seen_by_checksum(
        repr in tcp(), src in ip(), dst in ip(), payload in bytes(),
        at in any::<prop::sample::Index>(), bit in 0_u32..8,
    ) {
        let mut segment = Vec::new();
        repr.emit(src, dst, &payload, &mut segment);
        let at = at.index(segment.len());
        segment[at] ^= 1 << bit;
        prop_assert!(!tcp_wire::Packet::new(&segment).checksum_is_valid(src, dst));
    }

    #[test]
    fn read_requests_emitted_parse_to_themselves(bits in span(2000), words in span(125)) {
        let (address, quantity) = bits;
        check_request(&Request::ReadCoils { address, quantity })?;
        check_request(&Request::ReadDiscreteInputs { address, quantity })?;
        let (address, quantity) = words;
        check_request(&Request::ReadHoldingRegisters { address, quantity })?;
        check_request(&Request::ReadInputRegisters { address, quantity })?;
    }

    #[test]
    fn single_writes_emitted_parse_to_themselves(
        (address, value, or_mask) in any::<(u16, u16, u16)>(), on in any::<bool>(),
        access in access(), object in any::<u8>(),
    ) {
        check_request(&Request::WriteSingleCoil { address, on })?;
        check_request(&Request::WriteSingleRegister { address, value })?;
        check_request(&Request::MaskWriteRegister { address, and_mask: value, or_mask })?;
        check_request(&Request::ReadDeviceIdentification { access, object })?;
        check_response(&Response::WriteSingleCoil { address, on })?;
        check_response(&Response::WriteSingleRegister { address, value })?;
        check_response(&Response::MaskWriteRegister { address, and_mask: value, or_mask })?;
    }

    #[test]
    fn multiple_writes_emitted_parse_to_themselves(
        coils in write(any::<bool>(), 1968), words in write(any::<u16>(), 123),
        both in write(any::<u16>(), 121), read in span(125),
    ) {
        let (address, bits) = (coils.0, Bits::from(&coils.1[..]));
        check_request(&Request::WriteMultipleCoils { address, bits })?;
        let (address, values) = (words.0, words.1[..].into());
        check_request(&Request::WriteMultipleRegisters { address, values })?;
        let (write_address, values) = (both.0, both.1[..].into());
        let (read_address, read_quantity) = read;
        check_request(&Request::ReadWriteMultipleRegisters {
            read_address,
            read_quantity,
            write_address,
            values,
        })?;
    }

    #[test]
    fn responses_emitted_parse_to_themselves(
        packed in vec(any::<u8>(), 1..=250), words in vec(any::<u16>(), 1..=125),
        bits in span(1968), registers in span(123), function in 0_u8..128, code in exception(),
    ) {
        let coils = Bits::from_packed(&packed, packed.len() * 8).expect("eight bits to the byte");
        check_response(&Response::ReadCoils(coils))?;
        check_response(&Response::ReadDiscreteInputs(coils))?;
        check_response(&Response::ReadHoldingRegisters(words[..].into()))?;
        check_response(&Response::ReadInputRegisters(words[..].into()))?;
        check_response(&Response::ReadWriteMultipleRegisters(words[..].into()))?;
        let (address, quantity) = bits;
        check_response(&Response::WriteMultipleCoils { address, quantity })?;
        let (address, quantity) = registers;
        check_response(&Response::WriteMultipleRegisters { address, quantity })?;
        check_response(&Response::Exception { function, code })?;
    }

    #[test]
    fn identifications_emitted_parse_to_themselves(
        objects in vec((any::<u8>(), vec(any::<u8>(), 0..20)), 0..10),
        access in access(), next_object in any::<Option<u8>>(), level in 1_u8..=3,
        individual in any::<bool>(),
    ) {
        let mut packed = Vec::new();
        for (id, value) in &objects {
            packed.extend_from_slice(&[*id, u8::try_from(value.len()).expect("a short value")]);
            packed.extend_from_slice(value);
        }
        let count = u8::try_from(objects.len()).expect("few objects");
        let borrowed = Objects::from_wire(count, &packed).expect("whole objects");
        let again: Vec<_> = borrowed.iter().map(|(id, value)| (id, value.to_vec())).collect();
        prop_assert_eq!(again, objects);
        check_response(&Response::ReadDeviceIdentification {
            access,
            conformity_level: if individual { level | 0x80 } else { level },
            next_object,
            objects: borrowed,
        })?;
    }

    #[test]
    fn framer_yields_the_same_under_any_chunking(
        pdus in vec((any::<u16>(), any::<u8>(), vec(any::<u8>(), 1..=253)), 0..6),
        tail in bytes(), mut cuts in vec(any::<prop::sample::Index>(), 0..12),
    ) {
        let mut stream = Vec::new();
        for (transaction, unit, pdu) in &pdus {
            encode_adu(*transaction, *unit, &mut stream, |out| out.extend_from_slice(pdu));
        }
        let whole = frames(&stream, &[]);
        let expect: Vec<String> = pdus
            .iter()
            .map(|(transaction, unit, pdu)| Adu::new(*transaction, *unit, pdu).expect("a PDU"))
            .map(|adu| format!("{:?}", Framed::Adu(adu)))
            .collect();
        prop_assert_eq!(whole, expect);
        stream.extend_from_slice(&tail);
        let mut cuts: Vec<usize> =
            cuts.drain(..).map(|index| index.index(stream.len() + 1)).collect();
        cuts.sort_unstable();
        prop_assert_eq!(frames(&stream, &cuts), frames(&stream, &[]));
    }

    #[test]
    fn server_answers_any_pdu_with_one_valid_adu(pdu in pdu(), transaction in any::<u16>()) {
        let request = Adu::new(transaction, 1, &pdu).expect("a PDU");
        let mut out = Vec::new();
        let served = serve(&request, &mut Endless, &profile(), &mut out);
        let mut framer = Framer::new();
        framer.push(&out);
        let Some(Framed::Adu(answer)) = framer.next_frame() else {
            return Err(TestCaseError::fail("one ADU"));
        };
        prop_assert_eq!(answer.total_bytes(), out.len());
        prop_assert_eq!(answer.transaction(), transaction);
        prop_assert_eq!(answer.function() & 0x7F, pdu[0] & 0x7F);
        match Request::parse(&pdu) {
            Ok(parsed) => {
                let response = Expectation::of(&parsed).parse(answer.pdu());
                prop_assert!(response.is_ok(), "{:?} to {:?}", response, parsed);
                prop_assert_eq!(served.wrote, served.exception().map_or(parsed.write_span(), |_| None));
            }
            Err(error) => {
                prop_assert_eq!(served.exception(), Some(error.exception()));
                let expect = [pdu[0] | 0x80, error.exception().code()];
                prop_assert_eq!(answer.pdu(), &expect[..]);
            }
        }
    }

    #[test]
    fn refused_request_changes_nothing(pdus in vec(pdu(), 1..20)) {
        let mut bank = MemoryBank::new(300, 300, 300, 300);
        for pdu in &pdus {
            let before = bank.clone();
            let request = Adu::new(0, 1, pdu).expect("a PDU");
            let served = serve(&request, &mut bank, &profile(), &mut Vec::new());
            if served.wrote.is_none() {
                prop_assert_eq!(&bank, &before);
            }
        }
    }

    #[test]
    fn written_registers_read_back((address, values) in write(any::<u16>(), 121)) {
        let mut bank = MemoryBank::new(0, 0, 0, 0x1_0000);
        let mut client = Client::new(0, 1);
        let mut exchange = |request: Request<'_>| {
            let (mut sent, mut answered) = (Vec::new(), Vec::new());
            client.send(&request, 1, 0, 0, &mut sent).expect("room");
            let adu = Adu::view(&sent).expect("an ADU");
            serve(&adu, &mut bank, &profile(), &mut answered);
            let answer = Adu::view(&answered).expect("an ADU");
            let sim_wire::modbus::client::Received::Response { response, .. } =
                client.receive(&answer)
            else {
                panic!("a response")
            };
            response.registers().map(|registers| registers.iter().collect::<Vec<_>>())
        };
        let quantity = u16::try_from(values.len()).expect("at most 121");
        exchange(Request::WriteMultipleRegisters { address, values: values[..].into() });
        let read = exchange(Request::ReadHoldingRegisters { address, quantity });
        prop_assert_eq!(read.as_ref(), Some(&values));
        let inverted: Vec<u16> = values.iter().map(|word| !word).collect();
        let read = exchange(Request::ReadWriteMultipleRegisters {
            read_address: address,
            read_quantity: quantity,
            write_address: address,
            values: inverted[..].into(),
        });
        prop_assert_eq!(read, Some(inverted));
    }

    #[test]
    fn syslog_formatted_parses_to_itself(message in message()) {
        let mut line = String::new();
        message.format(&mut line).expect("a valid message");
        prop_assert!(!line.contains('\n'));
        prop_assert_eq!(Message::parse(&line), Ok(message));
    }

    #[test]
    fn syslog_with_any_text_is_one_line(mut message in message(), text in any::<String>()) {
        message.text = text.into();
        let mut line = String::from("kept ");
        match message.format(&mut line) {
            Ok(()) => {
                prop_assert!(!line.bytes().any(|byte| byte < 0x20));
                prop_assert!(Message::parse(&line["kept ".len()..]).is_ok());
            }
            Err(_) => prop_assert_eq!(line, "kept "),
        }
    }
}
