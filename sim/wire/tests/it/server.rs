//! The server's answers, byte for byte, and the rules of the specification's state diagrams.

use crate::hex;
use sim_wire::modbus::identity::{self, IdentityError};
use sim_wire::modbus::server::{Operation, Outcome, OwnUnits, Silence, UnknownUnit, refuse};
use sim_wire::modbus::{
    Adu, Bank, DeviceIdentity, DeviceProfile, ExceptionCode, FunctionSet, Mbap, MemoryBank, Served,
    Span, Table, UnitPolicy, encode_raw, function, serve,
};

fn profile() -> DeviceProfile {
    let identity = DeviceIdentity::new("Acme", "AC-1", "V2.11").expect("short values");
    DeviceProfile::new(1, identity)
}

fn bank() -> MemoryBank {
    let mut bank = MemoryBank::new(100, 50, 20, 200);
    for (index, word) in bank.holding_registers.iter_mut().enumerate() {
        *word = u16::try_from(index).expect("a short table") + 0x1000;
    }
    bank.input_registers[8] = 10;
    bank.discrete_inputs[3] = true;
    bank
}

/// Serves a PDU sent to unit 1 and returns the answering PDU.
#[track_caller]
fn serve_pdu(pdu: &str, bank: &mut impl Bank, profile: &DeviceProfile) -> (Served, Vec<u8>) {
    let pdu = hex(pdu);
    let request = Adu::new(0x0102, 1, &pdu).expect("a PDU");
    let mut out = vec![0xEE]; // What is in the buffer already must stay.
    let served = serve(&request, bank, profile, &mut out);
    assert_eq!(out[0], 0xEE);
    let adu = Adu::view(&out[1..]).expect("an answer");
    assert_eq!(
        (adu.transaction(), adu.protocol(), adu.unit()),
        (0x0102, 0, 1)
    );
    assert!(adu.length_is_consistent() && adu.total_bytes() == out.len() - 1);
    (served, adu.pdu().to_vec())
}

#[track_caller]
fn check(bank: &mut MemoryBank, request: &str, response: &str) -> Served {
    let (served, pdu) = serve_pdu(request, bank, &profile());
    assert_eq!(pdu, hex(response), "{request}");
    assert_eq!(served.outcome, Outcome::Answered);
    served
}

#[track_caller]
fn check_refused(request: &str, response: &str) {
    let mut bank = bank();
    let (served, pdu) = serve_pdu(request, &mut bank, &profile());
    assert_eq!(pdu, hex(response), "{request}");
    assert_eq!(served.exception().map(ExceptionCode::code), Some(pdu[1]));
    assert_eq!((served.read, served.wrote), (None, None));
    assert_eq!(
        bank,
        self::bank(),
        "a refused request must change nothing: {request}"
    );
}

fn holding(address: u16, quantity: u16) -> Option<Span> {
    Some(Span {
        table: Table::HoldingRegisters,
        address,
        quantity,
    })
}

#[test]
fn read_when_addresses_exist_then_values() {
    let mut bank = bank();
    bank.coils[19] = true;
    bank.coils[21] = true;
    bank.coils[37] = true;
    check(&mut bank, "01 0013 0013", "01 03 05 00 04");
    check(&mut bank, "02 0000 0004", "02 01 08");
    check(&mut bank, "04 0008 0001", "04 02 000A");
    let served = check(&mut bank, "03 006B 0003", "03 06 106B 106C 106D");
    assert_eq!((served.read, served.wrote), (holding(107, 3), None));
}

#[test]
fn write_when_addresses_exist_then_stored_and_echoed() {
    let mut bank = bank();
    check(&mut bank, "05 0063 FF00", "05 0063 FF00");
    assert!(bank.coils[99]);
    check(&mut bank, "05 0063 0000", "05 0063 0000");
    assert!(!bank.coils[99]);
    check(&mut bank, "06 0001 0003", "06 0001 0003");
    assert_eq!(bank.holding_registers[1], 3);
    let served = check(&mut bank, "0F 0013 000A 02 CD FF", "0F 0013 000A");
    let span = Span {
        table: Table::Coils,
        address: 19,
        quantity: 10,
    };
    assert_eq!(served.wrote, Some(span));
    let stored: Vec<bool> = bank.coils[19..30].to_vec();
    let expect: Vec<bool> = "10110011110".chars().map(|c| c == '1').collect();
    assert_eq!(stored, expect, "bits beyond the quantity are not written");
    let served = check(&mut bank, "10 0001 0002 04 000A 0102", "10 0001 0002");
    assert_eq!(bank.holding_registers[1..3], [0x000A, 0x0102]);
    assert_eq!(served.wrote, holding(1, 2));
}

#[test]
fn mask_write_when_example_of_the_specification_then_0x17() {
    let mut bank = bank();
    bank.holding_registers[4] = 0x12;
    let served = check(&mut bank, "16 0004 00F2 0025", "16 0004 00F2 0025");
    assert_eq!(bank.holding_registers[4], 0x17);
    assert_eq!(served.wrote, holding(4, 1));
}

#[test]
fn read_write_when_ranges_overlap_then_written_first() {
    let mut bank = bank();
    let served = check(
        &mut bank,
        "17 0003 0003 0004 0002 04 AAAA BBBB",
        "17 06 1003 AAAA BBBB",
    );
    assert_eq!((served.read, served.wrote), (holding(3, 3), holding(4, 2)));
}

#[test]
fn longest_answers_fit_one_adu() {
    let mut bank = MemoryBank::new(2000, 0, 0, 125);
    let (_, pdu) = serve_pdu("01 0000 07D0", &mut bank, &profile());
    assert_eq!((pdu.len(), pdu[1]), (252, 250));
    let (_, pdu) = serve_pdu("03 0000 007D", &mut bank, &profile());
    assert_eq!((pdu.len(), pdu[1]), (252, 250));
}

#[test]
fn request_when_address_missing_then_02() {
    check_refused("01 0064 0001", "81 02");
    check_refused("01 0063 0002", "81 02");
    check_refused("02 0032 0001", "82 02");
    check_refused("03 00C7 0002", "83 02");
    check_refused("03 FFFF 0001", "83 02");
    check_refused("03 FFFF 0002", "83 02");
    check_refused("04 0014 0001", "84 02");
    check_refused("05 0064 FF00", "85 02");
    check_refused("06 00C8 0000", "86 02");
    check_refused("0F 0060 0005 01 FF", "8F 02");
    check_refused("10 00C7 0002 04 0000 0000", "90 02");
    check_refused("16 00C8 0000 0000", "96 02");
    check_refused("17 00C8 0001 0000 0001 02 0000", "97 02");
    check_refused("17 0000 0001 00C8 0001 02 0000", "97 02");
}

#[test]
fn request_when_quantity_and_address_wrong_then_quantity_first() {
    check_refused("03 FFFF 0000", "83 03");
    check_refused("01 FFFF 07D1", "81 03");
    check_refused("05 FFFF 0001", "85 03");
    check_refused("10 FFFF 0002 02 0000", "90 03");
}

#[test]
fn request_when_malformed_then_03_and_connection_goes_on() {
    check_refused("03", "83 03");
    check_refused("06 0000 00", "86 03");
    check_refused("06 0000 0000 00", "86 03");
    check_refused("2B 0E", "AB 03");
}

#[test]
fn request_when_function_not_supported_then_01_before_anything_else() {
    check_refused("00", "80 01");
    check_refused("08 0000 A537", "88 01");
    check_refused("5A 00 01", "DA 01");
    check_refused("83 0000 0001", "83 01");
    check_refused("2B 0D 00 00", "AB 01");
    let mut profile = profile();
    profile.functions = FunctionSet::ALL.without(function::READ_WRITE_MULTIPLE_REGISTERS);
    let (served, pdu) = serve_pdu("17 0000 0000", &mut bank(), &profile);
    assert_eq!(
        (served.exception(), pdu),
        (Some(ExceptionCode::IllegalFunction), hex("97 01"))
    );
    profile.functions = FunctionSet::of(&[99]); // Listed, but unknown to this codec.
    let (_, pdu) = serve_pdu("63 00", &mut bank(), &profile);
    assert_eq!(pdu, hex("E3 01"));
}

#[test]
fn bank_when_it_refuses_then_its_exception_after_the_address_check() {
    let mut bank = bank();
    bank.refuse_writes = Some(ExceptionCode::ServerDeviceFailure);
    let before = bank.clone();
    assert_eq!(
        serve_pdu("06 0001 0003", &mut bank, &profile()).1,
        hex("86 04")
    );
    assert_eq!(
        serve_pdu("17 0000 0001 0000 0001 02 0000", &mut bank, &profile()).1,
        hex("97 04")
    );
    assert_eq!(
        serve_pdu("06 00C8 0003", &mut bank, &profile()).1,
        hex("86 02")
    );
    assert_eq!(
        serve_pdu("03 0001 0001", &mut bank, &profile()).1,
        hex("03 02 1001")
    );
    assert_eq!(bank, before);
    bank.refuse_all = Some(ExceptionCode::ServerDeviceBusy);
    assert_eq!(
        serve_pdu("03 0001 0001", &mut bank, &profile()).1,
        hex("83 06")
    );
    assert_eq!(
        serve_pdu("06 0001 0001", &mut bank, &profile()).1,
        hex("86 06")
    );
}

/// A bank that fails the test if it is touched outside the spans it allowed.
struct Guarded {
    allowed: std::cell::RefCell<Vec<(Span, Operation)>>,
}

impl Guarded {
    fn assert_allowed(&self, table: Table, address: u16, operation: Operation) {
        let allowed = self.allowed.borrow();
        let covers = |(span, allowed): &(Span, Operation)| {
            span.table == table && span.contains(address) && *allowed == operation
        };
        // A mask write reads the register that it is allowed to write.
        let is_mask = |(span, _): &(Span, Operation)| span.table == table && span.contains(address);
        let found = allowed.iter().any(covers)
            || operation == Operation::Read && allowed.iter().any(is_mask);
        assert!(found, "{operation:?} of {table} {address} was not checked");
    }
}

impl Bank for Guarded {
    fn check(&self, span: Span, operation: Operation) -> Result<(), ExceptionCode> {
        assert!(span.quantity > 0 && span.addresses().end <= 0x1_0000);
        self.allowed.borrow_mut().push((span, operation));
        Ok(())
    }

    fn bit(&self, table: Table, address: u16) -> bool {
        self.assert_allowed(table, address, Operation::Read);
        false
    }

    fn register(&self, table: Table, address: u16) -> u16 {
        self.assert_allowed(table, address, Operation::Read);
        0
    }

    fn set_coil(&mut self, address: u16, _: bool) {
        self.assert_allowed(Table::Coils, address, Operation::Write);
    }

    fn set_register(&mut self, address: u16, _: u16) {
        self.assert_allowed(Table::HoldingRegisters, address, Operation::Write);
    }
}

#[test]
fn bank_when_served_then_touched_only_where_checked() {
    for pdu in [
        "01 FFFF 0001",
        "02 0000 07D0",
        "03 FFF0 0010",
        "04 0000 007D",
        "05 FFFF FF00",
        "06 FFFF 0001",
        "0F FFFE 0002 01 03",
        "10 FFFF 0001 02 1234",
        "16 FFFF 0000 0000",
        "17 FFFF 0001 0000 0001 02 1234",
    ] {
        let mut bank = Guarded {
            allowed: Vec::new().into(),
        };
        let (served, _) = serve_pdu(pdu, &mut bank, &profile());
        assert_eq!(served.outcome, Outcome::Answered, "{pdu}");
    }
}

#[test]
fn unit_when_not_own_then_policy_decides() {
    let mut profile = profile();
    let read = hex("03 0000 0001");
    let mut outcome = |own, unknown, unit| {
        profile.units = UnitPolicy { own, unknown };
        let mut out = Vec::new();
        let request = Adu::new(1, unit, &read).expect("a PDU");
        (
            serve(&request, &mut bank(), &profile, &mut out).outcome,
            out.len(),
        )
    };
    let silent = (Outcome::Silent(Silence::UnknownUnit), 0);
    let answered = (Outcome::Answered, 11);
    for (own, unit, expect) in [
        (OwnUnits::Only(1), 1, answered),
        (OwnUnits::Only(1), 0, silent),
        (OwnUnits::Only(1), 255, silent),
        (OwnUnits::OrDirect(1), 0, answered),
        (OwnUnits::OrDirect(1), 255, answered),
        (OwnUnits::OrDirect(1), 2, silent),
        (OwnUnits::Any, 77, answered),
    ] {
        assert_eq!(
            outcome(own, UnknownUnit::Silent, unit),
            expect,
            "{own:?} {unit}"
        );
    }
    let refused = |code| (Outcome::Refused(code), 9);
    assert_eq!(
        outcome(OwnUnits::Only(1), UnknownUnit::TargetFailedToRespond, 2),
        refused(ExceptionCode::GatewayTargetFailedToRespond)
    );
    assert_eq!(
        outcome(OwnUnits::Only(1), UnknownUnit::PathUnavailable, 2),
        refused(ExceptionCode::GatewayPathUnavailable)
    );
}

#[test]
fn protocol_when_not_modbus_then_silent() {
    let mut bytes = Vec::new();
    let header = Mbap {
        transaction: 1,
        protocol: 1,
        length: 6,
        unit: 1,
    };
    encode_raw(&header, &hex("06 0001 0003"), &mut bytes);
    let request = Adu::view(&bytes).expect("an ADU");
    let (mut bank, mut out) = (bank(), Vec::new());
    let served = serve(&request, &mut bank, &profile(), &mut out);
    assert_eq!(served.outcome, Outcome::Silent(Silence::ForeignProtocol));
    assert!(served.is_silent() && out.is_empty());
    assert_eq!(bank, self::bank());
}

#[test]
fn refuse_when_called_by_a_busy_server_then_exception_06() {
    let pdu = hex("03 0000 0001");
    let mut out = Vec::new();
    let request = Adu::new(9, 1, &pdu).expect("a PDU");
    refuse(&request, ExceptionCode::ServerDeviceBusy, &mut out);
    assert_eq!(out, hex("0009 0000 0003 01 83 06"));
}

fn identify(identity: DeviceIdentity, request: &str) -> Vec<u8> {
    serve_pdu(
        request,
        &mut MemoryBank::default(),
        &DeviceProfile::new(1, identity),
    )
    .1
}

fn small() -> DeviceIdentity {
    DeviceIdentity::new("A", "B", "C").expect("short values")
}

#[test]
fn identification_when_basic_then_three_objects() {
    assert_eq!(
        identify(small(), "2B 0E 01 00"),
        hex("2B 0E 01 81 00 00 03 00 01 41 01 01 42 02 01 43")
    );
    // From an object on; and an id that does not exist starts over.
    assert_eq!(
        identify(small(), "2B 0E 01 02"),
        hex("2B 0E 01 81 00 00 01 02 01 43")
    );
    assert_eq!(
        identify(small(), "2B 0E 01 77"),
        identify(small(), "2B 0E 01 00")
    );
}

#[test]
fn identification_when_level_above_conformity_then_what_there_is() {
    let basic = identify(small(), "2B 0E 03 00");
    assert_eq!(
        basic,
        hex("2B 0E 03 81 00 00 03 00 01 41 01 01 42 02 01 43")
    );
    let regular = small()
        .with_object(identity::MODEL_NAME, b"M")
        .expect("a regular object");
    assert_eq!(regular.conformity_level(), 0x82);
    let answer = identify(regular.clone(), "2B 0E 02 00");
    assert_eq!(
        answer,
        hex("2B 0E 02 82 00 00 04 00 01 41 01 01 42 02 01 43 05 01 4D")
    );
    let basic = identify(regular.clone(), "2B 0E 01 00");
    assert_eq!(
        basic,
        hex("2B 0E 01 82 00 00 03 00 01 41 01 01 42 02 01 43")
    );
    let extended = regular.with_object(0x80, b"X").expect("an extended object");
    assert_eq!(extended.conformity_level(), 0x83);
    assert_eq!(
        extended.without_individual_access().conformity_level(),
        0x03
    );
}

#[test]
fn identification_when_individual_then_one_object_or_exception() {
    assert_eq!(
        identify(small(), "2B 0E 04 01"),
        hex("2B 0E 04 81 00 00 01 01 01 42")
    );
    assert_eq!(identify(small(), "2B 0E 04 03"), hex("AB 02"));
    assert_eq!(identify(small(), "2B 0E 05 00"), hex("AB 03"));
    assert_eq!(
        identify(small().without_individual_access(), "2B 0E 04 01"),
        hex("AB 03")
    );
}

#[test]
fn identification_when_longer_than_a_pdu_then_continued() {
    let long = vec![b'x'; 120];
    let identity = ["a", "b"]
        .iter()
        .enumerate()
        .fold(small(), |identity, (index, _)| {
            let id = 0x80 + u8::try_from(index).expect("two objects");
            identity.with_object(id, &long).expect("fits a response")
        });
    let first = identify(identity.clone(), "2B 0E 03 00");
    assert_eq!(
        first[4..7],
        [0xFF, 0x81, 4],
        "more follows from object 0x81"
    );
    let second = identify(identity, "2B 0E 03 81");
    assert_eq!(second[4..7], [0x00, 0x00, 1]);
    assert_eq!(second.len(), 7 + 2 + 120);
}

#[test]
fn identification_when_largest_object_then_fills_the_pdu() {
    let largest = vec![b'x'; identity::OBJECT_MAX_BYTES];
    let identity = small().with_object(0x80, &largest).expect("just fits");
    assert_eq!(identify(identity, "2B 0E 04 80").len(), 253);
    let too_long = vec![b'x'; identity::OBJECT_MAX_BYTES + 1];
    assert_eq!(
        small().with_object(0x80, &too_long),
        Err(IdentityError::TooLong {
            object: 0x80,
            value_bytes: 245
        })
    );
    assert_eq!(
        small().with_object(7, b""),
        Err(IdentityError::Reserved { object: 7 })
    );
}
