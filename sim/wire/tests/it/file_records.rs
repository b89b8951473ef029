//! Functions 20 and 21: the specification's examples, limits, and a device with and without files.

use crate::hex;
use proptest::collection::vec;
use proptest::prelude::*;
use sim_wire::modbus::response::Expectation;
use sim_wire::modbus::server::Outcome;
use sim_wire::modbus::{
    Adu, Client, DeviceIdentity, DeviceProfile, ExceptionCode, FileReads, FileRecords, FileSpan,
    FileWrites, MemoryBank, Request, RequestError, Response, ResponseError, serve,
};

fn profile() -> DeviceProfile {
    DeviceProfile::new(1, DeviceIdentity::new("a", "b", "c").expect("short values"))
}

fn span(file: u16, record: u16, quantity: u16) -> FileSpan {
    FileSpan {
        file,
        record,
        quantity,
    }
}

/// What a device with files 3 and 4 answers, as hex digits.
fn answer(pdu: &str, bank: &mut MemoryBank) -> (Outcome, Vec<u8>) {
    let pdu = hex(pdu);
    let request = Adu::new(1, 1, &pdu).expect("a PDU");
    let mut out = Vec::new();
    let served = serve(&request, bank, &profile(), &mut out);
    (served.outcome, out.split_off(7))
}

fn bank() -> MemoryBank {
    let mut bank = MemoryBank::new(0, 0, 0, 0);
    bank.files.insert(4, vec![0x0DFE, 0x0020]);
    let mut third = vec![0; 16];
    third[9] = 0x33CD;
    third[10] = 0x0040;
    bank.files.insert(3, third);
    bank
}

/// APS 6.14: two registers of file 4 from record 1, and of file 3 from record 9. The records there
/// are numbered so that this bank starts file 4 at record 0.
#[test]
fn read_when_example_of_the_specification_then_exact_bytes() {
    let pdu = "14 0E 06 0004 0000 0002 06 0003 0009 0002";
    let parsed = hex(pdu);
    let Ok(Request::ReadFileRecord(reads)) = Request::parse(&parsed) else {
        panic!("it is a read of records");
    };
    let spans: Vec<FileSpan> = reads.iter().collect();
    assert_eq!(spans, [span(4, 0, 2), span(3, 9, 2)]);
    let (outcome, response) = answer(pdu, &mut bank());
    assert_eq!(outcome, Outcome::Answered);
    assert_eq!(response, hex("14 0C 05 06 0DFE 0020 05 06 33CD 0040"));
    let expectation = Expectation::of(&Request::ReadFileRecord(reads));
    let Ok(Response::ReadFileRecord(records)) = expectation.parse(&response) else {
        panic!("it is the answer");
    };
    let words: Vec<Vec<u16>> = records.iter().map(|r| r.iter().collect()).collect();
    assert_eq!(words, [[0x0DFE, 0x0020], [0x33CD, 0x0040]]);
}

/// APS 6.15: three registers to file 4 from record 7.
#[test]
fn write_when_example_of_the_specification_then_echoed() {
    let pdu = "15 0D 06 0004 0007 0003 06AF 04BE 100D";
    let mut bank = bank();
    bank.files.insert(4, vec![0; 10]);
    let (outcome, response) = answer(pdu, &mut bank);
    assert_eq!((outcome, response), (Outcome::Answered, hex(pdu)));
    assert_eq!(bank.files[&4][7..], [0x06AF, 0x04BE, 0x100D]);
    assert_eq!(bank.files[&4][..7], [0; 7]);
}

#[test]
fn request_when_malformed_then_the_exception_of_the_flow_chart() {
    use ExceptionCode::{IllegalDataAddress, IllegalDataValue};
    for (pdu, expect) in [
        ("14", IllegalDataValue),
        ("14 06 06 0004 0001 00", IllegalDataValue), // Byte count below 7.
        ("14 07 06 0004 0001", IllegalDataValue),    // Cut short.
        ("14 08 06 0004 0000 0001 06", IllegalDataValue), // Part of a group.
        ("14 F6", IllegalDataValue),                 // Byte count above 245.
        ("14 07 07 0004 0000 0001", IllegalDataAddress), // Reference type.
        ("14 07 06 0000 0000 0001", IllegalDataAddress), // File number.
        ("14 07 06 0004 2710 0001", IllegalDataAddress), // Record 10000.
        ("14 07 06 0004 270F 0002", IllegalDataAddress), // Runs past record 9999.
        ("14 07 06 0004 0000 0000", IllegalDataValue), // Nothing asked for.
        ("14 07 06 0004 0000 007A", IllegalDataValue), // The response would have 246 bytes.
        ("14 07 06 0005 0000 0001", IllegalDataAddress), // No such file.
        ("14 07 06 0004 0001 0002", IllegalDataAddress), // No such record.
        ("15 08 06 0004 0000 0001 00", IllegalDataValue), // Length below 9.
        ("15 09 06 0004 0000 0002 0000", IllegalDataValue), // Data missing.
        ("15 09 06 0004 2710 0001 0000", IllegalDataAddress),
        ("15 09 06 0004 0002 0001 0000", IllegalDataAddress),
    ] {
        let (outcome, response) = answer(pdu, &mut bank());
        assert_eq!(outcome, Outcome::Refused(expect), "{pdu}");
        assert_eq!(response[1], expect.code(), "{pdu}");
    }
}

#[test]
fn write_when_one_record_is_missing_then_none_is_written() {
    let mut bank = bank();
    let before = bank.clone();
    let (outcome, _) = answer(
        "15 12 06 0004 0000 0001 FFFF 06 0009 0000 0001 FFFF",
        &mut bank,
    );
    assert_eq!(outcome, Outcome::Refused(ExceptionCode::IllegalDataAddress));
    assert_eq!(bank, before);
}

#[test]
fn device_when_it_has_no_files_then_illegal_function() {
    for pdu in ["14 07 06 0004 0000 0001", "15 09 06 0004 0000 0001 0000"] {
        let (outcome, response) = answer(pdu, &mut MemoryBank::new(4, 4, 4, 4));
        assert_eq!(outcome, Outcome::Refused(ExceptionCode::IllegalFunction));
        assert_eq!(response[1], 1);
    }
}

#[test]
fn client_when_the_answer_is_to_another_request_then_invalid() {
    let mut groups = Vec::new();
    span(4, 0, 2).put(&mut groups);
    let reads = FileReads::from_wire(&groups).expect("a whole group");
    let expectation = Expectation::of(&Request::ReadFileRecord(reads));
    let mismatch = |field| Err(ResponseError::Mismatch { field });
    let three = hex("14 08 07 06 0001 0002 0003");
    assert_eq!(expectation.parse(&three), mismatch("list of records"));
    let write = hex("06 0004 0007 0001 06AF");
    let writes = FileWrites::from_wire(&write).expect("a whole group");
    let expectation = Expectation::of(&Request::WriteFileRecord(writes));
    let other = hex("15 09 06 0004 0007 0001 06AE");
    assert_eq!(expectation.parse(&other), mismatch("echo"));
    let mut client = Client::new(1, 1);
    let mut out = Vec::new();
    let request = Request::WriteFileRecord(writes);
    client
        .send(&request, 1, 0, 0, &mut out)
        .expect("there is room");
    assert_eq!(out, hex("0001 0000 000C 01 15 09 06 0004 0007 0001 06AF"));
}

#[test]
fn groups_when_there_are_none_then_no_view() {
    assert_eq!(FileReads::from_wire(&[]), Err(RequestError::FileGroups));
    assert_eq!(FileWrites::from_wire(&[]), Err(RequestError::FileGroups));
    assert_eq!(FileRecords::from_wire(&[]), None);
    assert_eq!(FileRecords::from_wire(&hex("02 06 00")), None);
    assert_eq!(FileRecords::from_wire(&hex("03 07 0000")), None);
}

proptest! {
    #[test]
    fn records_emitted_parse_to_themselves(
        spans in vec((1..=u16::MAX, 0..9_000u16, 1..20u16), 1..5),
    ) {
        let (mut reads, mut writes) = (Vec::new(), Vec::new());
        for &(file, record, quantity) in &spans {
            span(file, record, quantity).put(&mut reads);
            span(file, record, quantity).put(&mut writes);
            writes.extend((0..2 * quantity).map(|byte| byte.to_le_bytes()[0]));
        }
        for request in [
            Request::ReadFileRecord(FileReads::from_wire(&reads).expect("whole groups")),
            Request::WriteFileRecord(FileWrites::from_wire(&writes).expect("whole groups")),
        ] {
            let mut pdu = Vec::new();
            request.emit(&mut pdu);
            prop_assert_eq!(Request::parse(&pdu), Ok(request));
        }
    }

    #[test]
    fn any_bytes_are_served_without_a_panic(
        function in prop::sample::select(&[20u8, 21][..]), groups in vec((0..8u8, 0..6u16, 0..12u16, 0..6u16), 0..5),
        cut in 0..4usize,
    ) {
        let mut data = Vec::new();
        for (reference_type, file, record, quantity) in groups {
            let start = data.len();
            span(file, record, quantity).put(&mut data);
            data[start] = if reference_type == 0 { 0 } else { 6 };
            if function == 21 {
                data.extend((0..2 * quantity).map(|byte| byte.to_le_bytes()[0]));
            }
        }
        data.truncate(data.len().saturating_sub(cut));
        let mut pdu = vec![function, data.len().to_le_bytes()[0]];
        pdu.extend(data);
        let mut bank = bank();
        let mut out = Vec::new();
        let request = Adu::new(1, 1, &pdu).expect("a PDU");
        let served = serve(&request, &mut bank, &profile(), &mut out);
        if let (Outcome::Answered, Ok(parsed)) = (served.outcome, request.request()) {
            prop_assert!(Expectation::of(&parsed).parse(&out[7..]).is_ok());
        }
    }
}
