//! The input log: numbering, order in time, and the format of its lines.

use sim_kernel::input::InputLogError;
use sim_kernel::{InputLog, InputRecord, Origin, SimTime};

fn record(t_ns: u64, seq: u64) -> InputRecord<String> {
    InputRecord {
        time: SimTime::from_nanos(t_ns),
        seq,
        origin: Origin::Defense,
        input: "deny".to_owned(),
    }
}

#[test]
fn record_when_inputs_share_a_time_then_are_numbered_in_order() {
    let mut log = InputLog::new();
    assert!(log.is_empty());
    assert_eq!(
        log.record(SimTime::from_nanos(5), Origin::Operator, "start")
            .seq,
        0
    );
    assert_eq!(
        log.record(SimTime::from_nanos(5), Origin::Instructor, "jam")
            .seq,
        1
    );
    assert_eq!(
        log.record(SimTime::from_nanos(6), Origin::Defense, "deny")
            .seq,
        2
    );
    assert_eq!(log.len(), 3);
    let inputs: Vec<&str> = log.records().iter().map(|record| record.input).collect();
    assert_eq!(inputs, ["start", "jam", "deny"]);
}

#[test]
#[should_panic(expected = "input record 1 acts at 00:00:00.000000004, before the record")]
fn record_when_time_goes_back_then_panics() {
    let mut log = InputLog::new();
    log.record(SimTime::from_nanos(5), Origin::Operator, ());
    log.record(SimTime::from_nanos(4), Origin::Operator, ());
}

#[test]
fn line_when_written_then_has_the_documented_form() {
    let cases = [
        (
            Origin::Defense,
            r#"{"t_ns":15000000,"seq":4,"origin":"defense","input":{"a":1}}"#,
        ),
        (
            Origin::Operator,
            r#"{"t_ns":15000000,"seq":4,"origin":"operator","input":{"a":1}}"#,
        ),
        (
            Origin::Instructor,
            r#"{"t_ns":15000000,"seq":4,"origin":"instructor","input":{"a":1}}"#,
        ),
    ];
    for (origin, line) in cases {
        let record = InputRecord {
            time: SimTime::from_millis(15),
            seq: 4,
            origin,
            input: serde_json::json!({ "a": 1 }),
        };
        assert_eq!(serde_json::to_string(&record).expect("serialises"), line);
        let read: InputRecord<serde_json::Value> = serde_json::from_str(line).expect("reads");
        assert_eq!(read, record);
        assert!(
            line.contains(&format!("\"{origin}\"")),
            "Display and serde use one word"
        );
    }
}

#[test]
fn line_when_malformed_then_is_rejected() {
    for line in [
        r#"{"seq":0,"origin":"defense","input":"x"}"#,
        r#"{"t_ns":-1,"seq":0,"origin":"defense","input":"x"}"#,
        r#"{"t_ns":0,"seq":0,"origin":"attacker","input":"x"}"#,
        r#"{"t_ns":0,"seq":0,"origin":"defense","input":"x","extra":1}"#,
        r#"{"t_ns":0,"seq":0,"origin":"defense","input":5}"#,
    ] {
        assert!(
            serde_json::from_str::<InputRecord<String>>(line).is_err(),
            "{line}"
        );
    }
}

#[test]
fn log_when_read_back_then_is_the_same() {
    let mut log = InputLog::new();
    for t_ns in [0, 0, 7, 9] {
        log.record(
            SimTime::from_nanos(t_ns),
            Origin::Operator,
            format!("at {t_ns}"),
        );
    }
    let json = serde_json::to_string(&log).expect("serialises");
    assert_eq!(
        serde_json::from_str::<InputLog<String>>(&json).expect("reads"),
        log
    );
}

#[test]
fn append_when_the_record_does_not_continue_the_log_then_leaves_it_unchanged() {
    let mut log = InputLog::new();
    log.append(record(10, 0)).expect("a first record");
    assert_eq!(
        log.append(record(11, 2)),
        Err(InputLogError::OutOfSequence {
            expected: 1,
            found: 2
        })
    );
    assert_eq!(
        log.append(record(9, 1)),
        Err(InputLogError::BackInTime {
            seq: 1,
            time: SimTime::from_nanos(9),
            previous: SimTime::from_nanos(10),
        })
    );
    assert_eq!(log.records(), [record(10, 0)]);
    assert_eq!(log.append(record(10, 1)), Ok(&record(10, 1)));
}

#[test]
fn log_when_a_record_is_out_of_place_then_the_message_names_it() {
    let check = |records: &[InputRecord<String>], message: &str| {
        let json = serde_json::to_string(records).expect("serialises");
        let error = serde_json::from_str::<InputLog<String>>(&json).expect_err("is not a log");
        assert!(error.to_string().contains(message), "{error}");
    };
    check(
        &[record(0, 1)],
        "input record 1 stands where record 0 was expected",
    );
    check(
        &[record(0, 0), record(1, 0)],
        "input record 0 stands where record 1 was expected",
    );
    check(
        &[record(5, 0), record(4, 1)],
        "input record 1 acts at 00:00:00.000000004, before the record that precedes it, at \
         00:00:00.000000005",
    );
}
