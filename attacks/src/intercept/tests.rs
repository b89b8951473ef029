use proptest::prelude::*;
use sim_wire::modbus::{Bits, Registers, Request, Response};
use sim_wire::tcp::{self, Flags};
use sim_wire::{MacAddr, ethernet, ipv4};

use super::*;

const HMI: Ipv4Addr = Ipv4Addr::new(10, 20, 1, 21);
const PLC: Ipv4Addr = Ipv4Addr::new(10, 20, 1, 11);
const CLIENT_PORT: u16 = 49_152;

/// A segment between HMI and controller, whose payload `put` appends.
fn frame(to_server: bool, seq: u32, put: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut payload = Vec::new();
    put(&mut payload);
    let (src, dst) = if to_server { (HMI, PLC) } else { (PLC, HMI) };
    let (src_port, dst_port) = if to_server {
        (CLIENT_PORT, 502)
    } else {
        (502, CLIENT_PORT)
    };
    let segment = tcp::Repr {
        src_port,
        dst_port,
        seq,
        ack: 1,
        flags: Flags::PSH | Flags::ACK,
        window: 1024,
        urgent: 0,
        options: tcp::Options::default(),
    };
    let mut body = Vec::new();
    segment.emit(src, dst, &payload, &mut body);
    let mut bytes = Vec::new();
    ethernet::Repr {
        dst: MacAddr([2, 0, 0, 0, 0, 66]),
        src: MacAddr([2, 0, 0, 0, 0, 21]),
        vlan: None,
        ethertype: ethernet::ETHERTYPE_IPV4,
    }
    .emit(&mut bytes);
    ipv4::Repr {
        src,
        dst,
        protocol: ipv4::PROTOCOL_TCP,
        ttl: 64,
        traffic_class: 0,
        identification: 7,
        dont_fragment: true,
        more_fragments: false,
        fragment_offset: 0,
        payload_bytes: u16::try_from(body.len()).expect("short"),
    }
    .emit(&mut bytes);
    bytes.extend_from_slice(&body);
    bytes
}

fn request(transaction: u16, request: Request<'_>) -> Vec<u8> {
    frame(true, 1, |out| request.emit_adu(transaction, 1, out))
}

fn read_holding(transaction: u16, address: u16, quantity: u16) -> Vec<u8> {
    request(
        transaction,
        Request::ReadHoldingRegisters { address, quantity },
    )
}

fn holding(transaction: u16, seq: u32, words: &[u16]) -> Vec<u8> {
    let response = Response::ReadHoldingRegisters(Registers::from(words));
    frame(false, seq, |out| response.emit_adu(transaction, 1, out))
}

fn payload(bytes: &[u8]) -> &[u8] {
    let summary = FrameSummary::of(bytes).expect("a whole frame");
    &bytes[summary.tcp.expect("TCP").payload]
}

/// The registers of a frame that must be valid to the last checksum.
fn words(bytes: &[u8]) -> Vec<u16> {
    assert_valid(bytes);
    let adu = modbus::Adu::view(payload(bytes)).expect("an ADU");
    let response = adu.response().expect("a valid response");
    response.registers().expect("registers").iter().collect()
}

fn assert_valid(bytes: &[u8]) {
    let (_, packet) = ethernet::Repr::parse(bytes).expect("Ethernet");
    let (ip, segment) = ipv4::Repr::parse(packet).expect("a valid IPv4 header");
    tcp::Repr::parse(segment, ip.src, ip.dst).expect("a valid TCP segment");
}

/// Whether all checksums of a frame are right, whatever else is wrong with it.
fn checksums_are_right(bytes: &[u8]) -> bool {
    let packet = ipv4::Packet::new(&bytes[ethernet::HEADER_BYTES..]);
    let (Some(src), Some(dst), Some(segment)) = (packet.src(), packet.dst(), packet.payload())
    else {
        return false;
    };
    packet.checksum_is_valid() == Some(true)
        && tcp::Packet::new(segment).checksum_is_valid(src, dst)
}

fn rule(address: u16, kind: TagKind, show: Show) -> Rule {
    let table = match kind {
        TagKind::Bool => Table::Coils,
        _ => Table::HoldingRegisters,
    };
    Rule {
        server: PLC,
        table,
        address,
        kind,
        show,
        noise: 0.0,
    }
}

/// Passes frames through and returns them as they left.
fn pass(interceptor: &mut Interceptor, frames: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let mut stream = Stream::new(1, "test");
    let mut left = frames.to_vec();
    for frame in &mut left {
        interceptor.pass(frame, &mut stream);
    }
    left
}

#[test]
fn response_when_a_rule_covers_it_then_only_that_value_changes() {
    let mut interceptor = Interceptor::new(vec![rule(1041, TagKind::Uint, Show::Constant(3000.0))]);
    let frames = [read_holding(7, 1040, 3), holding(7, 1, &[30, 5500, 900])];
    let left = pass(&mut interceptor, &frames);
    assert_eq!(left[0], frames[0], "requests pass as they are");
    assert_eq!(words(&left[1]), [30, 3000, 900]);
    assert_eq!(left[1].len(), frames[1].len());
    let passed = interceptor.passed();
    assert_eq!(
        (
            passed.requests,
            passed.responses_changed,
            passed.values_changed
        ),
        (1, 1, 1)
    );
}

#[test]
fn response_when_it_does_not_belong_to_a_rule_then_not_a_byte_changes() {
    let check = |what: &str, frames: &[Vec<u8>]| {
        let rules = vec![rule(1041, TagKind::Uint, Show::Constant(3000.0))];
        let mut interceptor = Interceptor::new(rules);
        assert_eq!(pass(&mut interceptor, frames), frames, "{what}");
    };
    let plain = holding(7, 1, &[30, 5500, 900]);
    check("request never seen", std::slice::from_ref(&plain));
    check(
        "another transaction",
        &[read_holding(8, 1040, 3), plain.clone()],
    );
    check(
        "another address",
        &[read_holding(7, 1050, 3), plain.clone()],
    );
    check("another length", &[read_holding(7, 1040, 4), plain.clone()]);
    let input = Request::ReadInputRegisters {
        address: 1040,
        quantity: 3,
    };
    check("another table", &[request(7, input), plain]);
    let write = Request::WriteSingleRegister {
        address: 1041,
        value: 3,
    };
    check("a write", &[request(7, write), request(8, write)]);
    let refusal = Response::Exception {
        function: 3,
        code: modbus::ExceptionCode::IllegalDataAddress,
    };
    let refused = frame(false, 1, |out| refusal.emit_adu(7, 1, out));
    check("an exception", &[read_holding(7, 1040, 3), refused]);
}

#[test]
fn value_of_two_words_when_half_of_it_was_read_then_unchanged() {
    let mut interceptor = Interceptor::new(vec![rule(1041, TagKind::Real, Show::Constant(0.3))]);
    let frames = [
        read_holding(1, 1041, 1),
        holding(1, 1, &[0x3f00]),
        read_holding(2, 1041, 2),
        holding(2, 2, &[0x3f00, 0]),
    ];
    let left = pass(&mut interceptor, &frames);
    assert_eq!(words(&left[1]), [0x3f00]);
    assert_eq!(words(&left[3]), [0x3e99, 0x999a]);
}

#[test]
fn response_when_its_packet_is_cut_short_then_unchanged() {
    let mut interceptor = Interceptor::new(vec![rule(5, TagKind::Uint, Show::Constant(1.0))]);
    let mut cut = holding(7, 1, &[50]);
    cut[16] = 1; // The packet says that it has 256 bytes more than are there.
    let frames = [read_holding(7, 5, 1), cut];
    assert_eq!(pass(&mut interceptor, &frames), frames);
}

#[test]
fn freeze_and_clamp_when_values_move_then_first_value_and_limits_are_shown() {
    let mut interceptor = Interceptor::new(vec![
        rule(10, TagKind::Uint, Show::Freeze),
        rule(11, TagKind::Int, Show::Clamp(-5.0, 5.0)),
    ]);
    let mut frames = Vec::new();
    for (turn, pair) in [[6000, 3], [5900, 9], [5800, 0xfff0]].iter().enumerate() {
        let number = u16::try_from(turn).expect("few");
        frames.push(read_holding(number, 10, 2));
        frames.push(holding(number, u32::from(number), pair));
    }
    let left = pass(&mut interceptor, &frames);
    assert_eq!(words(&left[1]), [6000, 3]);
    assert_eq!(words(&left[3]), [6000, 5]);
    assert_eq!(words(&left[5]), [6000, 0xfffb]);
}

#[test]
fn coil_when_a_rule_covers_it_then_only_that_bit_changes() {
    let mut interceptor = Interceptor::new(vec![rule(1050, TagKind::Bool, Show::Constant(0.0))]);
    let bits = [true; 20];
    let response = Response::ReadCoils(Bits::from(bits.as_slice()));
    let frames = [
        request(
            7,
            Request::ReadCoils {
                address: 1040,
                quantity: 20,
            },
        ),
        frame(false, 1, |out| response.emit_adu(7, 1, out)),
    ];
    let left = pass(&mut interceptor, &frames);
    assert_valid(&left[1]);
    let data = &payload(&left[1])[9..];
    assert_eq!(data, [0xff, 0xfb, 0x0f]);
}

#[test]
fn several_responses_when_in_one_segment_then_all_are_changed() {
    let mut interceptor = Interceptor::new(vec![rule(5, TagKind::Uint, Show::Constant(1.0))]);
    let first = Response::ReadHoldingRegisters(Registers::from([50].as_slice()));
    let both = frame(false, 1, |out| {
        first.emit_adu(7, 1, out);
        first.emit_adu(8, 1, out);
    });
    let left = pass(
        &mut interceptor,
        &[read_holding(7, 5, 1), read_holding(8, 5, 1), both],
    );
    assert_valid(&left[2]);
    assert_eq!(payload(&left[2])[9..11], [0, 1]);
    assert_eq!(payload(&left[2])[20..22], [0, 1]);
}

#[test]
fn retransmission_when_it_passes_then_changed_like_the_first_even_with_noise() {
    let mut noisy = rule(5, TagKind::Uint, Show::Constant(3000.0));
    noisy.noise = 50.0;
    let mut interceptor = Interceptor::new(vec![noisy]);
    let response = holding(7, 42, &[5500]);
    let next = holding(8, 53, &[5500]);
    let frames = [
        read_holding(7, 5, 1),
        response.clone(),
        response,
        read_holding(8, 5, 1),
        next,
    ];
    let left = pass(&mut interceptor, &frames);
    assert_eq!(left[1], left[2]);
    let shown = [words(&left[1])[0], words(&left[4])[0]];
    assert_ne!(shown[0], shown[1], "noise differs from reading to reading");
    assert!(
        shown.iter().all(|word| word.abs_diff(3000) < 300),
        "{shown:?}"
    );
}

#[test]
fn memory_when_many_connections_and_requests_pass_then_it_stays_bounded() {
    let mut interceptor = Interceptor::new(vec![rule(5, TagKind::Uint, Show::Constant(1.0))]);
    let mut stream = Stream::new(1, "test");
    for number in 0..1_000u16 {
        let mut bytes = read_holding(number, 5, 1);
        bytes[34..36].copy_from_slice(&(40_000 + number % 200).to_be_bytes());
        interceptor.pass(&mut bytes, &mut stream);
    }
    assert!(interceptor.connections.len() <= CONNECTIONS_MAX);
    for number in 0..1_000 {
        interceptor.pass(&mut read_holding(number, 5, 1), &mut stream);
    }
    assert!(
        interceptor
            .connections
            .values()
            .all(|c| c.asked.len() <= REQUESTS_MAX)
    );
}

fn any_rule() -> impl Strategy<Value = Rule> {
    let kind = prop_oneof![
        Just(TagKind::Bool),
        Just(TagKind::Int),
        Just(TagKind::Udint),
        Just(TagKind::Real)
    ];
    let show = prop_oneof![
        any::<f64>().prop_map(Show::Constant),
        Just(Show::Freeze),
        Just(Show::Clamp(-10.0, 10.0))
    ];
    (0u16..40, kind, show, 0.0..100.0f64).prop_map(|(address, kind, show, noise)| Rule {
        noise,
        ..rule(address, kind, show)
    })
}

proptest! {
    #[test]
    fn frame_when_any_bytes_then_no_panic_and_no_other_length(
        mut bytes in proptest::collection::vec(any::<u8>(), 0..300),
        rules in proptest::collection::vec(any_rule(), 0..4),
    ) {
        let length = bytes.len();
        Interceptor::new(rules).pass(&mut bytes, &mut Stream::new(1, "test"));
        prop_assert_eq!(bytes.len(), length);
    }

    #[test]
    fn segment_when_any_payload_then_no_panic_and_valid_checksums(
        payloads in proptest::collection::vec(
            (any::<bool>(), proptest::collection::vec(any::<u8>(), 0..80)), 1..6),
        rules in proptest::collection::vec(any_rule(), 0..4),
    ) {
        let mut interceptor = Interceptor::new(rules);
        let mut stream = Stream::new(1, "test");
        for (to_server, data) in payloads {
            let mut bytes = frame(to_server, 1, |out| out.extend_from_slice(&data));
            let length = bytes.len();
            interceptor.pass(&mut bytes, &mut stream);
            prop_assert_eq!(bytes.len(), length);
            assert_valid(&bytes);
        }
    }

    #[test]
    fn response_when_any_rules_then_same_length_valid_checksums_and_untouched_neighbors(
        address in 0u16..40,
        honest in proptest::collection::vec(any::<u16>(), 1..40),
        rules in proptest::collection::vec(any_rule(), 0..6),
        damage in proptest::option::of((0usize..90, any::<u8>())),
        seed: u64,
    ) {
        let quantity = u16::try_from(honest.len()).expect("short");
        let mut interceptor = Interceptor::new(rules.clone());
        let mut stream = Stream::new(seed, "test");
        interceptor.pass(&mut read_holding(1, address, quantity), &mut stream);
        let mut bytes = holding(1, 1, &honest);
        if let Some((at, value)) = damage && at < bytes.len() {
            bytes[at] = value; // Checksums may be wrong now; so may everything else.
        }
        let before = bytes.clone();
        let changed = interceptor.pass(&mut bytes, &mut stream);
        prop_assert_eq!(bytes.len(), before.len());
        if changed {
            prop_assert!(checksums_are_right(&bytes));
        } else {
            prop_assert_eq!(&bytes, &before);
        }
        if damage.is_none() {
            let shown = words(&bytes);
            for (at, (old, new)) in honest.iter().zip(&shown).enumerate() {
                let here = address + u16::try_from(at).expect("short");
                let covers = |rule: &Rule| rule.span().table == Table::HoldingRegisters
                    && rule.span().contains(here);
                prop_assert!(old == new || rules.iter().any(covers), "register {}", here);
            }
        }
    }
}
