//! Function 90: vectors worked out by hand, and properties of all messages and all bytes.

use crate::hex;
use proptest::collection::vec;
use proptest::prelude::*;
use sim_wire::modbus::engineering::{
    Activation, Answer, Area, Command, Content, Fault, Faults, Force, Forces, Key, Mode, Reason,
    Restart, Status, TEXT_MAX_BYTES, cut, files,
};
use sim_wire::modbus::response::Expectation;
use sim_wire::modbus::server::{Bank, Operation, Outcome};
use sim_wire::modbus::{
    Adu, DeviceIdentity, DeviceProfile, ExceptionCode, MemoryBank, Request, Response, Span, Table,
    serve,
};

fn check_command(expect: &str, session: u8, command: Command<'_>) {
    let mut bytes = Vec::new();
    command.emit(session, &mut bytes);
    assert_eq!(bytes, hex(expect), "{command:?}");
    assert_eq!(Command::parse(&bytes), Some((session, command)));
}

fn check_answer(expect: &str, session: u8, answer: Answer<'_>) {
    let mut bytes = Vec::new();
    answer.emit(session, &mut bytes);
    assert_eq!(bytes, hex(expect), "{answer:?}");
    assert_eq!(Answer::parse(&bytes), Some((session, answer)));
}

#[test]
fn order_when_put_into_records_then_the_session_s_codes() {
    let digest = std::array::from_fn(|at| u8::try_from(at).expect("short"));
    let begin = Command::DownloadBegin {
        content: Content::Firmware,
        size: 0x0001_0203,
        digest,
    };
    let mut expect = vec![0x30, 2, 0x0001, 0x0203];
    expect.extend((0..16).map(|at| 0x0202 * at + 1)); // 0x0001, 0x0203, 0x0405 and so on.
    let how = Activation::Online;
    for (command, records) in [
        (begin, expect),
        (Command::Verify, vec![0x32]),
        (Command::Activate { how }, vec![0x33, 1]),
        (Command::Abort, vec![0x34]),
    ] {
        assert_eq!(files::order_records(&command), Some(records.clone()));
        assert_eq!(files::parse_order(&records), Some(command));
        let one_more = [&records[..], &[0]].concat();
        assert_eq!(files::parse_order(&one_more), None);
        assert_eq!(files::parse_order(&records[1..]), None);
    }
    assert_eq!(files::order_records(&Command::Release), None);
    assert_eq!(files::parse_order(&[]), None);
}

#[test]
fn header_when_put_into_records_then_reads_back() {
    let header = files::Header {
        mode: Mode::Run,
        key: Key::Remote,
        in_session: true,
        is_changing: false,
        has_password: true,
        checks_firmware: true,
        size: 0x0001_0203,
        digest: [0xAB; 32],
        stage: files::Stage::Complete,
        received: 0x0004_0506,
        result: 10,
    };
    let mut expect = vec![1, 1, 2, 1 + 4 + 8, 0x0001, 0x0203];
    expect.extend([0xABAB; 16]);
    expect.extend([2, 0x0004, 0x0506, 10]);
    assert_eq!(header.records(), expect);
    assert_eq!(files::Header::parse(&expect), Some(header));
    for (at, wrong) in [(0, 2), (1, 0), (2, 0x0102), (22, 4), (25, 256)] {
        let mut records = expect.clone();
        records[at] = wrong;
        assert_eq!(files::Header::parse(&records), None, "record {at}");
    }
    assert_eq!(files::Header::parse(&expect[1..]), None);
}

#[test]
fn command_when_emitted_then_exact_bytes() {
    check_command("00 01 03 45 57 53", 0, Command::Connect { name: "EWS" });
    check_command("07 03", 7, Command::Release);
    check_command("00 10", 0, Command::Status);
    check_command("00 11 0002", 0, Command::ReadFaults { first: 2 });
    let (offset, length) = (0x0001_0203, 240);
    check_command(
        "07 21 00010203 F0",
        7,
        Command::UploadBlock { offset, length },
    );
    let bytes = &[0xAA, 0xBB][..];
    check_command(
        "07 31 00010203 AABB",
        7,
        Command::DownloadBlock { offset, bytes },
    );
    check_command(
        "07 33 01",
        7,
        Command::Activate {
            how: Activation::Online,
        },
    );
    check_command("07 40 03", 7, Command::SetMode { mode: Mode::Stop });
    check_command("07 41 01", 7, Command::Restart { how: Restart::Warm });
    let force = Force {
        area: Area::InputWord,
        index: 258,
        value: 0xFFFE,
    };
    check_command("07 50 03 0102 FFFE", 7, Command::Force(force));
    let (area, index) = (Area::OutputBit, 11);
    check_command("07 51 01 000B", 7, Command::Unforce { area, index });
    check_command("07 60 03E8", 7, Command::SetScan { scan_ms: 1000 });
    let begin = Command::DownloadBegin {
        content: Content::Firmware,
        size: 0x0102_0304,
        digest: [0x11; 32],
    };
    check_command(&format!("07 30 02 01020304 {}", "11".repeat(32)), 7, begin);
}

#[test]
fn answer_when_emitted_then_exact_bytes() {
    check_answer("07 40 FE", 7, Answer::Done { operation: 0x40 });
    let (operation, reason) = (0x33, Reason::KeySwitch);
    check_answer("07 33 FD 06", 7, Answer::Refused { operation, reason });
    let connected = Answer::Connected {
        needs_password: true,
        timeout_s: 30,
        nonce: [0x22; 16],
    };
    check_answer(
        &format!("07 01 FE 01 001E {}", "22".repeat(16)),
        7,
        connected,
    );
    let (offset, bytes) = (480, &[1, 2, 3][..]);
    check_answer(
        "07 21 FE 000001E0 010203",
        7,
        Answer::Block { offset, bytes },
    );
    let status = Status {
        mode: Mode::Run,
        key: Key::Remote,
        in_session: true,
        is_changing: false,
        has_password: true,
        checks_firmware: false,
        forces: 2,
        scan_ms: 10,
        program_bytes: 0x1234,
        program_digest: [0x33; 32],
        faults: 5,
        last_fault: 3,
        last_fault_ms: 0x0102,
        program: "Main",
        firmware: "1.0",
    };
    let expect = format!(
        "00 10 FE 01 02 05 0002 000A 00001234 {} 00000005 03 0000000000000102 04 4D61696E 03 312E30",
        "33".repeat(32)
    );
    check_answer(&expect, 0, Answer::Status(status));
    let mut list = Vec::new();
    let force = Force {
        area: Area::OutputBit,
        index: 3,
        value: 1,
    };
    assert!(Forces::put(force, &mut list));
    check_answer(
        "00 12 FE 0001 01 0003 0001",
        0,
        Answer::Forces(Forces::new(1, &list)),
    );
    let fault = Fault {
        at_ms: 9,
        code: 3,
        count: 2,
        line: 77,
        text: "x",
    };
    let mut list = Vec::new();
    assert!(fault.put(&mut list));
    let expect = "00 11 FE 0004 0000000000000009 03 00000002 0000004D 01 78";
    check_answer(expect, 0, Answer::Faults(Faults::new(4, &list)));
}

#[test]
fn message_when_malformed_then_none() {
    for message in [
        "",
        "00",
        "00 02",
        "00 03 00",
        "00 7F",
        "07 31 00000000",
        "07 33 03",
        "07 40 00",
        "07 50 06 0000 0000",
        "00 01 01",
        "00 01 01 FF",
        "07 30 03 00000001",
    ] {
        assert_eq!(Command::parse(&hex(message)), None, "{message}");
    }
    for message in [
        "00 10 FE",
        "00 10 FC",
        "00 01 FD 00",
        "07 40 FE 00",
        "00 12 FE 0001 09 0000 0000",
    ] {
        assert_eq!(Answer::parse(&hex(message)), None, "{message}");
    }
}

#[test]
fn text_when_too_long_then_cut_at_a_character() {
    let long = "é".repeat(TEXT_MAX_BYTES);
    assert_eq!(cut(&long).len(), TEXT_MAX_BYTES);
    let odd = format!("x{long}");
    assert_eq!(cut(&odd).len(), TEXT_MAX_BYTES - 1);
    let mut bytes = Vec::new();
    Command::Connect { name: &odd }.emit(0, &mut bytes);
    assert!(Command::parse(&bytes).is_some());
}

/// A device with an engineering session that says yes to everything it understands.
struct Willing;

impl Bank for Willing {
    fn check(&self, _: Span, _: Operation) -> Result<(), ExceptionCode> {
        Err(ExceptionCode::IllegalDataAddress)
    }
    fn bit(&self, _: Table, _: u16) -> bool {
        false
    }
    fn register(&self, _: Table, _: u16) -> u16 {
        0
    }
    fn set_coil(&mut self, _: u16, _: bool) {}
    fn set_register(&mut self, _: u16, _: u16) {}
    fn engineering(&mut self, message: &[u8], out: &mut Vec<u8>) -> Result<(), ExceptionCode> {
        let (session, command) = Command::parse(message).ok_or(ExceptionCode::IllegalDataValue)?;
        let operation = command.operation();
        Answer::Done { operation }.emit(session, out);
        Ok(())
    }
}

#[test]
fn session_when_carried_by_modbus_then_answered_or_refused_as_a_function() {
    let profile = DeviceProfile::new(1, DeviceIdentity::new("a", "b", "c").expect("short"));
    let ask = |pdu: &str, bank: &mut dyn FnMut(&Adu<'_>, &mut Vec<u8>) -> Outcome| {
        let pdu = hex(pdu);
        let mut out = Vec::new();
        let outcome = bank(&Adu::new(9, 1, &pdu).expect("a PDU"), &mut out);
        (outcome, out)
    };
    let mut willing =
        |adu: &Adu<'_>, out: &mut Vec<u8>| serve(adu, &mut Willing, &profile, out).outcome;
    let (outcome, out) = ask("5A 07 03", &mut willing);
    assert_eq!(outcome, Outcome::Answered);
    assert_eq!(out, hex("0009 0000 0005 01 5A 07 03 FE"));
    let (outcome, _) = ask("5A 07 7F", &mut willing);
    assert_eq!(outcome, Outcome::Refused(ExceptionCode::IllegalDataValue));
    let (outcome, _) = ask("5A 07", &mut willing);
    assert_eq!(outcome, Outcome::Refused(ExceptionCode::IllegalDataValue));
    let mut plain = |adu: &Adu<'_>, out: &mut Vec<u8>| {
        serve(adu, &mut MemoryBank::new(1, 1, 1, 1), &profile, out).outcome
    };
    let (outcome, out) = ask("5A 07 03", &mut plain);
    assert_eq!(outcome, Outcome::Refused(ExceptionCode::IllegalFunction));
    assert_eq!(out, hex("0009 0000 0003 01 DA 01"));
}

#[test]
fn client_when_another_operation_is_answered_then_invalid() {
    let expectation = Expectation::of(&Request::Engineering(&[7, 0x40, 1]));
    assert!(expectation.parse(&hex("5A 07 41 FE")).is_err());
    let answer = hex("5A 07 40 FE");
    let payload = Response::Engineering(&answer[1..]);
    assert_eq!(expectation.parse(&answer), Ok(payload));
}

proptest! {
    #[test]
    fn any_bytes_parse_without_a_panic(bytes in vec(any::<u8>(), 0..253), operation in any::<u8>()) {
        let mut bytes = bytes;
        if bytes.len() > 2 {
            bytes[1] = operation % 0x62;
            bytes[2] |= 0xFC;
        }
        if let Some((session, command)) = Command::parse(&bytes) {
            let mut again = Vec::new();
            command.emit(session, &mut again);
            prop_assert_eq!(&again, &bytes);
        }
        if let Some((session, answer)) = Answer::parse(&bytes) {
            let mut again = Vec::new();
            answer.emit(session, &mut again);
            prop_assert_eq!(&again, &bytes);
        }
    }

    #[test]
    fn downloads_emitted_parse_to_themselves(
        session in any::<u8>(), offset in any::<u32>(), bytes in vec(any::<u8>(), 1..=240),
        name in "[a-zé]{0,40}", proof in any::<[u8; 32]>(),
    ) {
        for command in [
            Command::DownloadBlock { offset, bytes: &bytes },
            Command::Connect { name: &name },
            Command::Authenticate { proof },
        ] {
            let mut pdu = Vec::new();
            command.emit(session, &mut pdu);
            prop_assert!(pdu.len() <= 252);
            prop_assert_eq!(Command::parse(&pdu), Some((session, command)));
            let mut whole = Vec::new();
            Request::Engineering(&pdu).emit(&mut whole);
            prop_assert_eq!(Request::parse(&whole), Ok(Request::Engineering(&pdu)));
        }
        let mut list = Vec::new();
        let fault = Fault { at_ms: 1, code: 2, count: 3, line: 4, text: &name };
        while fault.put(&mut list) {}
        let answer = Answer::Faults(Faults::new(99, &list));
        let mut message = Vec::new();
        answer.emit(session, &mut message);
        prop_assert!(message.len() <= 252);
        prop_assert_eq!(Answer::parse(&message), Some((session, answer)));
    }
}
