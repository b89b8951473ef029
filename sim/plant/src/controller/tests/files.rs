//! Programs and firmware as file records.

use sim_wire::modbus::engineering::files::{
    CONTAINER_FILES, HEADER_FILE, HEADER_RECORDS, Header, ORDER_FILE, READ_RECORDS_MAX, Stage,
    WRITE_RECORDS_MAX, container_offset, container_span, order_records, words,
};
use sim_wire::modbus::response::Expectation;
use sim_wire::modbus::server::Outcome;
use sim_wire::modbus::{
    Adu, ExceptionCode, FileReads, FileSpan, FileWrites, PDU_MAX_BYTES, Request, Response,
};

use super::*;

const OTHER: Ipv4Addr = Ipv4Addr::new(10, 20, 1, 66);

const LOAD: Command<'static> = Command::Activate {
    how: Activation::Load,
};

fn span(file: u16, record: u16, quantity: u16) -> FileSpan {
    FileSpan {
        file,
        record,
        quantity,
    }
}

fn begin(content: Content, bytes: &[u8]) -> Command<'static> {
    Command::DownloadBegin {
        content,
        size: u32::try_from(bytes.len()).expect("short"),
        digest: Digest::of(bytes).0,
    }
}

impl Bench {
    /// What a client at this address is answered: the records it reads, none after a write.
    fn request(
        &mut self,
        client: Ipv4Addr,
        request: &Request<'_>,
    ) -> Result<Vec<u16>, ExceptionCode> {
        let mut pdu = Vec::new();
        request.emit(&mut pdu);
        assert!(pdu.len() <= PDU_MAX_BYTES);
        let adu = Adu::new(1, 1, &pdu).expect("a PDU");
        let turn = Turn {
            now: self.now,
            client: Some(client),
            session: &mut self.controller.session,
            runtime: &mut self.controller.runtime,
            config: &self.controller.config,
        };
        let mut out = Vec::new();
        let profile = &self.controller.profile;
        let served = serve(&adu, &mut ImageBank { turn }, profile, &mut out);
        if let Outcome::Refused(code) = served.outcome {
            return Err(code);
        }
        match Expectation::of(request).parse(&out[7..]) {
            Ok(Response::ReadFileRecord(records)) => {
                Ok(records.iter().flat_map(|run| run.iter()).collect())
            }
            Ok(Response::WriteFileRecord(_)) => Ok(Vec::new()),
            other => panic!("this is no answer to {request:?}: {other:?}"),
        }
    }

    fn read(&mut self, client: Ipv4Addr, spans: &[FileSpan]) -> Result<Vec<u16>, ExceptionCode> {
        let mut groups = Vec::new();
        spans.iter().for_each(|span| span.put(&mut groups));
        let reads = FileReads::from_wire(&groups).expect("whole groups");
        self.request(client, &Request::ReadFileRecord(reads))
    }

    fn write(
        &mut self,
        client: Ipv4Addr,
        groups: &[(FileSpan, &[u16])],
    ) -> Result<(), ExceptionCode> {
        let mut bytes = Vec::new();
        for (span, records) in groups {
            assert_eq!(usize::from(span.quantity), records.len());
            span.put(&mut bytes);
            bytes.extend(records.iter().flat_map(|record| record.to_be_bytes()));
        }
        let writes = FileWrites::from_wire(&bytes).expect("whole groups");
        self.request(client, &Request::WriteFileRecord(writes))
            .map(|_| ())
    }

    fn order(&mut self, client: Ipv4Addr, command: &Command<'_>) -> Result<(), ExceptionCode> {
        let records = order_records(command).expect("it is an order");
        let quantity = u16::try_from(records.len()).expect("short");
        self.write(client, &[(span(ORDER_FILE, 0, quantity), &records)])
    }

    /// Writes a container from its beginning.
    #[track_caller]
    fn write_all(&mut self, client: Ipv4Addr, bytes: &[u8]) {
        let size = u32::try_from(bytes.len()).expect("short");
        let mut offset = 0;
        while let Some(next) = container_span(offset, size, WRITE_RECORDS_MAX) {
            let end = bytes
                .len()
                .min((offset + 2 * u32::from(next.quantity)) as usize);
            let records = words(&bytes[offset as usize..end]);
            assert_eq!(self.write(client, &[(next, &records)]), Ok(()));
            offset += 2 * u32::from(next.quantity);
        }
    }

    fn header(&mut self) -> Header {
        let all = [span(HEADER_FILE, 0, HEADER_RECORDS)];
        let records = self
            .read(CLIENT, &all)
            .expect("anybody may read the header");
        Header::parse(&records).expect("it is the header")
    }
}

#[test]
fn program_when_written_as_file_records_then_it_starts_cold_without_a_log_in() {
    let mut bench = Bench::new(|_| {});
    bench.scans(10);
    let other = program(3, "");
    let bytes = other.to_bytes();
    assert_eq!(
        bench.order(CLIENT, &begin(Content::Program, &bytes)),
        Ok(())
    );
    assert_eq!(bench.header().stage, Stage::Receiving);
    assert_eq!(
        bench.order(CLIENT, &LOAD),
        Err(ExceptionCode::ServerDeviceFailure)
    );
    assert_eq!(bench.header().result, Reason::WrongState.code());
    bench.write_all(CLIENT, &bytes);
    let header = bench.header();
    assert_eq!(header.stage, Stage::Complete);
    assert_eq!(header.received as usize, bytes.len());
    assert_eq!(bench.order(CLIENT, &Command::Verify), Ok(()));
    assert_eq!(bench.header().stage, Stage::Verified);
    assert_eq!(bench.order(CLIENT, &LOAD), Ok(()));
    let header = bench.header();
    assert_eq!((header.mode, header.result), (Mode::Program, 0));
    assert!(header.is_changing && !header.in_session);
    bench.scans(11);
    assert_eq!(bench.controller.program().digest(), other.digest());
    assert_eq!((bench.controller.mode(), bench.shown()), (Mode::Run, 3));
    assert_eq!(
        bench.kinds(),
        ["SESSION", "MODE", "PROGRAM-DOWNLOAD", "PROGRAM-DOWNLOAD"]
    );
}

#[test]
fn program_when_read_as_file_records_then_its_container_and_one_line_in_the_log() {
    let mut bench = Bench::new(|config| config.key = Key::Run);
    let bytes = bench.controller.program().to_bytes();
    let header = bench.header();
    assert_eq!(header.size as usize, bytes.len());
    assert_eq!(header.digest, Digest::of(&bytes).0);
    assert!(!header.in_session && !header.has_password && !header.checks_firmware);
    let (mut records, mut offset) = (Vec::new(), 0);
    while let Some(next) = container_span(offset, header.size, READ_RECORDS_MAX) {
        records.extend(bench.read(CLIENT, &[next]).expect("anybody may read"));
        offset += 2 * u32::from(next.quantity);
    }
    assert_eq!(records, words(&bytes));
    assert!(!bench.header().in_session, "the last record ends it");
    assert_eq!(bench.kinds(), ["SESSION", "PROGRAM-UPLOAD"]);
    let second = span(*CONTAINER_FILES.start(), 1, 1);
    assert_eq!(
        bench.read(CLIENT, &[second]),
        Err(ExceptionCode::ServerDeviceFailure),
        "an upload begins with record 0"
    );
}

/// A version of four bytes makes an image of 7 + 4 + 32 = 43 bytes: 21 records and a half.
#[test]
fn firmware_when_its_size_is_odd_then_half_a_record_is_left_over() {
    let image = FirmwareImage {
        version: "2.10".to_owned(),
        behavior: Behavior::Normal,
    };
    let bytes = image.to_bytes(None);
    assert_eq!(bytes.len(), 43);
    let mut bench = Bench::new(|_| {});
    assert_eq!(
        bench.order(CLIENT, &begin(Content::Firmware, &bytes)),
        Ok(())
    );
    let too_many = [0; 23];
    let first = *CONTAINER_FILES.start();
    assert_eq!(
        bench.write(CLIENT, &[(span(first, 0, 23), &too_many)]),
        Err(ExceptionCode::IllegalDataAddress)
    );
    bench.write_all(CLIENT, &bytes);
    assert_eq!(bench.header().received, 43);
    assert_eq!(bench.order(CLIENT, &Command::Verify), Ok(()));
    assert_eq!(bench.order(CLIENT, &LOAD), Ok(()));
    bench.scans(102);
    let identity = &bench.controller.profile.identity;
    assert_eq!(identity.object(MAJOR_MINOR_REVISION), Some(&b"2.10"[..]));
}

#[test]
fn write_when_begin_and_all_records_come_in_one_request_then_taken() {
    let bytes = [1, 2, 3, 4];
    let order = order_records(&begin(Content::Program, &bytes)).expect("it is an order");
    let first = *CONTAINER_FILES.start();
    let mut bench = Bench::new(|_| {});
    let groups: [(FileSpan, &[u16]); 3] = [
        (span(ORDER_FILE, 0, 20), &order),
        (span(first, 0, 1), &[0x0102]),
        (span(first, 1, 1), &[0x0304]),
    ];
    assert_eq!(bench.write(CLIENT, &groups), Ok(()));
    assert_eq!(bench.header().stage, Stage::Complete);
    // It is no container, which the verifier finds out.
    assert_eq!(
        bench.order(CLIENT, &Command::Verify),
        Err(ExceptionCode::ServerDeviceFailure)
    );
    assert_eq!(bench.header().result, Reason::Rejected.code());
    assert_eq!(bench.controller.runtime.faults.total(), 1);
}

#[test]
fn request_when_it_fits_no_file_then_the_exception_says_what_is_wrong() {
    use ExceptionCode::{IllegalDataAddress, IllegalDataValue, ServerDeviceFailure};
    let mut bench = Bench::new(|_| {});
    let data = *CONTAINER_FILES.start();
    for (target, records, expect) in [
        (span(data, 0, 1), &[0][..], ServerDeviceFailure), // Nothing was announced.
        (span(HEADER_FILE, 0, 1), &[0], IllegalDataAddress),
        (span(3, 0, 1), &[0], IllegalDataAddress),
        (span(69, 0, 1), &[0], IllegalDataAddress),
        (span(ORDER_FILE, 1, 1), &[0x32], IllegalDataAddress),
        (span(ORDER_FILE, 0, 1), &[0x31], IllegalDataValue), // No order.
        (span(ORDER_FILE, 0, 1), &[0x30], IllegalDataValue), // Its fields are missing.
        (span(ORDER_FILE, 0, 2), &[0x32, 0], IllegalDataValue), // One too many.
        (span(ORDER_FILE, 0, 2), &[0x33, 9], IllegalDataValue),
    ] {
        let answer = bench.write(CLIENT, &[(target, records)]);
        assert_eq!(answer, Err(expect), "{target:?} {records:?}");
    }
    let empty = begin(Content::Program, &[]);
    assert_eq!(bench.order(CLIENT, &empty), Err(IllegalDataValue));
    assert_eq!(
        bench.order(CLIENT, &begin(Content::Program, &[0; 8])),
        Ok(())
    );
    let answer = bench.write(CLIENT, &[(span(data, 1, 1), &[0])]);
    assert_eq!(answer, Err(IllegalDataAddress), "records come in order");
    for target in [
        span(HEADER_FILE, HEADER_RECORDS, 1),
        span(HEADER_FILE, HEADER_RECORDS - 1, 2),
        span(ORDER_FILE, 0, 1),
        span(data + 1, 0, 1),
    ] {
        let expect = match target.file {
            HEADER_FILE | ORDER_FILE => IllegalDataAddress,
            _ => ServerDeviceFailure, // No upload has begun.
        };
        assert_eq!(bench.read(CLIENT, &[target]), Err(expect), "{target:?}");
    }
    let both = [span(data, 0, 1), span(data + 1, 0, 1)];
    assert_eq!(bench.read(CLIENT, &both), Err(IllegalDataAddress));
}

#[test]
fn files_when_the_key_is_in_run_then_only_reading() {
    let mut bench = Bench::new(|config| config.key = Key::Run);
    assert_eq!(
        bench.order(CLIENT, &begin(Content::Program, &[1])),
        Err(ExceptionCode::ServerDeviceFailure)
    );
    assert_eq!(bench.header().key, Key::Run);
    let first = span(*CONTAINER_FILES.start(), 0, 1);
    assert!(bench.read(CLIENT, &[first]).is_ok());
}

#[test]
fn files_when_another_client_holds_the_session_then_busy_until_it_is_over() {
    let mut bench = Bench::new(|_| {});
    let order = begin(Content::Program, &[1, 2]);
    assert_eq!(bench.order(CLIENT, &order), Ok(()));
    let first = span(*CONTAINER_FILES.start(), 0, 1);
    let busy = Some(ExceptionCode::ServerDeviceBusy);
    assert_eq!(bench.order(OTHER, &order).err(), busy);
    assert_eq!(bench.read(OTHER, &[first]).err(), busy);
    bench.refused(0, Command::Connect { name: "b" }, Reason::InUse);
    assert_eq!(bench.order(CLIENT, &Command::Abort), Ok(()));
    assert_eq!(bench.order(OTHER, &order), Ok(()));
    bench.now += SimDuration::from_secs(30);
    assert_eq!(bench.order(CLIENT, &order), Ok(()), "the time-out ends it");
}

#[test]
fn files_when_there_is_a_password_then_only_beside_a_session_that_has_proved_it() {
    let mut bench = Bench::new(|config| config.password = Some("secret".to_owned()));
    let order = begin(Content::Program, &[1, 2]);
    let first = span(*CONTAINER_FILES.start(), 0, 1);
    let refused = Some(ExceptionCode::ServerDeviceFailure);
    assert!(bench.header().has_password);
    assert_eq!(bench.order(CLIENT, &order).err(), refused);
    assert_eq!(bench.read(CLIENT, &[first]).err(), refused);
    let out = bench.ask(0, Command::Connect { name: "a" });
    let Some((_, Answer::Connected { nonce, .. })) = Answer::parse(&out) else {
        panic!("it is open");
    };
    assert_eq!(bench.order(CLIENT, &order).err(), refused);
    bench.done(Command::Authenticate {
        proof: Digest::of(&proof_input(&nonce, "secret")).0,
    });
    assert_eq!(bench.order(CLIENT, &order), Ok(()));
    assert_eq!(
        bench.order(OTHER, &order).err(),
        Some(ExceptionCode::ServerDeviceBusy)
    );
    // Both ways lead to one transfer.
    bench.done(Command::DownloadBlock {
        offset: 0,
        bytes: &[1],
    });
    assert_eq!(bench.header().received, 1);
}

#[test]
fn container_when_longer_than_a_file_then_it_goes_on_in_the_next() {
    let most = READ_RECORDS_MAX;
    let size = 20_003;
    assert_eq!(container_span(0, size, most), Some(span(16, 0, 121)));
    assert_eq!(container_span(19_998, size, most), Some(span(16, 9_999, 1)));
    assert_eq!(container_span(20_000, size, most), Some(span(17, 0, 2)));
    assert_eq!(container_span(20_004, size, most), None);
    assert_eq!(container_offset(span(17, 1, 1)), Some(20_002));
    assert_eq!(container_offset(span(15, 0, 1)), None);
    let last = container_span((1 << 20) - 2, 1 << 20, most);
    assert_eq!(
        last,
        Some(span(68, 4_287, 1)),
        "1 MiB is 52 files and 4288 records"
    );
}

#[test]
fn session_when_a_check_by_files_fails_then_others_may_have_it() {
    let mut bench = Bench::new(|_| {});
    bench.scans(10);
    let bytes = program(3, "").to_bytes();
    // Nothing has been begun.
    let failed = Err(ExceptionCode::ServerDeviceFailure);
    assert_eq!(bench.order(CLIENT, &Command::Verify), failed);
    assert!(!bench.header().in_session);
    // What was sent is not what was announced.
    let begun = begin(Content::Program, &bytes);
    assert_eq!(bench.order(CLIENT, &begun), Ok(()));
    assert!(bench.header().in_session);
    bench.write_all(CLIENT, &vec![0; bytes.len()]);
    assert_eq!(bench.order(CLIENT, &Command::Verify), failed);
    assert_eq!(bench.header().result, Reason::Digest.code());
    assert_eq!(bench.order(OTHER, &begun), Ok(()));
}

#[test]
fn read_when_one_request_reads_the_end_twice_then_refused_and_nothing_is_held() {
    let mut bench = Bench::new(|_| {});
    bench.scans(10);
    let size = u32::try_from(bench.controller.runtime.program().to_bytes().len()).expect("short");
    let mut offset = 0;
    let mut last = None;
    while let Some(next) = container_span(offset, size, READ_RECORDS_MAX) {
        offset += 2 * u32::from(next.quantity);
        if offset >= size {
            last = Some(next);
            break;
        }
        assert!(bench.read(CLIENT, &[next]).is_ok());
    }
    let end = FileSpan {
        quantity: 1,
        record: last.expect("there is an end").record,
        ..last.expect("there is an end")
    };
    let begins = span(*CONTAINER_FILES.start(), 0, 1);
    assert_eq!(
        bench.read(CLIENT, &[begins, begins]),
        Err(ExceptionCode::IllegalDataAddress)
    );
    let whole = last.expect("there is an end");
    assert_eq!(
        bench.read(CLIENT, &[whole, whole]),
        Err(ExceptionCode::ServerDeviceFailure)
    );
    assert!(bench.read(CLIENT, &[end]).is_ok(), "the reading goes on");
    assert!(bench.read(CLIENT, &[whole]).is_ok());
    assert!(!bench.header().in_session);
}

#[test]
fn write_when_one_request_activates_and_begins_anew_then_the_second_is_busy() {
    let mut bench = Bench::new(|config| config.firmware_key = None);
    bench.scans(10);
    let bytes = program(3, "").to_bytes();
    assert_eq!(
        bench.order(CLIENT, &begin(Content::Program, &bytes)),
        Ok(())
    );
    bench.write_all(CLIENT, &bytes);
    assert_eq!(bench.order(CLIENT, &Command::Verify), Ok(()));
    let due = |bench: &Bench| bench.controller.runtime.pending.as_ref().map(|p| p.due);
    let load = order_records(&LOAD).expect("it is an order");
    let again = order_records(&begin(Content::Program, &bytes)).expect("it is an order");
    let quantity = |records: &[u16]| u16::try_from(records.len()).expect("short");
    let both = [
        (span(ORDER_FILE, 0, quantity(&load)), load.as_slice()),
        (span(ORDER_FILE, 0, quantity(&again)), again.as_slice()),
    ];
    assert_eq!(
        bench.write(CLIENT, &both),
        Err(ExceptionCode::ServerDeviceBusy)
    );
    assert!(due(&bench).is_some(), "the first part was carried out");
    assert!(!bench.header().in_session);
    assert_eq!(bench.header().stage, Stage::None);
}

#[test]
fn files_when_the_client_is_gone_then_nothing_is_begun() {
    let mut bench = Bench::new(|_| {});
    let turn = Turn {
        now: bench.now,
        client: None,
        session: &mut bench.controller.session,
        runtime: &mut bench.controller.runtime,
        config: &bench.controller.config,
    };
    let mut groups = Vec::new();
    span(*CONTAINER_FILES.start(), 0, 1).put(&mut groups);
    let reads = FileReads::from_wire(&groups).expect("whole groups");
    assert_eq!(
        turn.check_file_reads(reads),
        Err(ExceptionCode::ServerDeviceBusy)
    );
}
