use super::*;
use crate::action::fake::{Fake, plant};

/// Plays steps, given as RON text, on the fake network until `end_s`. Identifiers are `a`, `b`, `c`.
fn play(steps: &[&str], fake: &mut Fake, end_s: u64) -> Vec<StepRecord> {
    play_without(&[], steps, fake, end_s)
}

/// As [`play`], with steps left out that went as these records say.
fn play_without(
    absent: &[&StepRecord],
    steps: &[&str],
    fake: &mut Fake,
    end_s: u64,
) -> Vec<StepRecord> {
    let mut list = String::new();
    for (id, step) in ["a", "b", "c"].iter().zip(steps) {
        list += &format!(
            "(id: \"{id}\", title: \"t\", technique: \"T0836\", plain: \"p\", intended_effect: \"e\", {step}),\n"
        );
    }
    let text = format!(
        "#![enable(unwrap_variant_newtypes, implicit_some)]
        Playbook(schema: 1, name: \"p\", title: \"t\", summary: \"s\", technique_version: \"19\",
        targets: {{\"plc\": Host(\"plc-filler\"), \"hmi\": Host(\"hmi-1\")}}, steps: [{list}])"
    );
    let playbook: Playbook = ron::from_str(&text).unwrap_or_else(|error| panic!("{text}: {error}"));
    assert_eq!(crate::validate(&playbook, &plant()), []);
    let mut engine = Engine::new(playbook, PlantView::of(&plant(), "vendor-laptop"), 1);
    for record in absent {
        engine.leave_out(record);
    }
    let end = SimTime::from_secs(end_s);
    fake.now = SimTime::ZERO;
    for _ in 0..100_000 {
        let received = std::mem::take(&mut fake.inbox);
        let wake = engine.turn(fake, &received);
        if !fake.inbox.is_empty() {
            continue;
        }
        match wake {
            Some(at) if at < end => fake.now = at,
            _ => break,
        }
    }
    fake.now = end;
    engine.records(end)
}

fn times(record: &StepRecord) -> (Option<u64>, Option<u64>, Outcome) {
    let seconds = |time: Option<SimTime>| time.map(SimTime::as_secs);
    (
        seconds(record.started_at),
        seconds(record.ended_at),
        record.outcome,
    )
}

const WAIT: &str = "action: Wait(\"10s\")";
const WRITE: &str = r#"action: Write(target: "plc", writes: [
    (table: HoldingRegisters, address: 3, kind: Uint, values: [7])])"#;
const REFUSED: &str = r#"action: Write(target: "plc", writes: [
    (table: HoldingRegisters, address: 999, kind: Uint, values: [7])])"#;

fn step(start: &str, timeout: &str, action: &str) -> String {
    format!("start: {start}, timeout: \"{timeout}\", {action}")
}

#[test]
fn steps_when_chained_then_each_begins_after_the_other() {
    let steps = [
        step("At(\"5s\")", "1min", WAIT),
        step("After(step: \"a\", delay: \"3s\")", "1min", WRITE),
        step("OnOutcome(step: \"b\", outcome: Succeeded)", "1min", WAIT),
    ];
    let mut fake = Fake::new();
    let records = play(&steps.each_ref().map(String::as_str), &mut fake, 60);
    assert_eq!(times(&records[0]), (Some(5), Some(15), Outcome::Succeeded));
    assert_eq!(times(&records[1]), (Some(18), Some(18), Outcome::Succeeded));
    assert_eq!(times(&records[2]), (Some(18), Some(28), Outcome::Succeeded));
    assert_eq!(fake.bank.holding_registers[3], 7);
}

#[test]
fn step_when_left_out_then_it_sends_nothing_and_the_others_keep_their_times() {
    let steps = [
        step("At(\"5s\")", "1min", WAIT),
        step("After(step: \"a\", delay: \"3s\")", "1min", WRITE),
        step("OnOutcome(step: \"b\", outcome: Succeeded)", "1min", WAIT),
    ];
    let steps = steps.each_ref().map(String::as_str);
    let whole = play(&steps, &mut Fake::new(), 60);
    for left_out in 0..3 {
        let mut fake = Fake::new();
        let records = play_without(&[&whole[left_out]], &steps, &mut fake, 60);
        for (number, record) in records.iter().enumerate() {
            if number == left_out {
                assert_eq!(times(record), (None, None, Outcome::NotReached));
                assert_eq!(record.requests_sent, 0);
            } else {
                assert_eq!(record, &whole[number], "without {left_out}");
            }
        }
        let written = u16::from(left_out != 1) * 7;
        assert_eq!(fake.bank.holding_registers[3], written);
    }
}

#[test]
fn step_when_the_other_ends_in_another_way_then_not_reached_and_so_is_what_follows() {
    let steps = [
        step("At(\"5s\")", "1min", REFUSED),
        step("OnOutcome(step: \"a\", outcome: Succeeded)", "1min", WRITE),
        step("After(step: \"b\")", "1min", WAIT),
    ];
    let records = play(&steps.each_ref().map(String::as_str), &mut Fake::new(), 60);
    assert_eq!(times(&records[0]), (Some(5), Some(5), Outcome::Failed));
    assert!(
        records[0].evidence[0].contains("exception 2"),
        "{:?}",
        records[0].evidence
    );
    assert_eq!(times(&records[1]), (None, None, Outcome::NotReached));
    assert_eq!(times(&records[2]), (None, None, Outcome::NotReached));
}

#[test]
fn step_when_its_time_is_over_then_timed_out() {
    let brute = r#"action: BruteForceIo(target: "plc", ranges: [(table: Coils, address: 4, count: 3)],
        writes_per_s: 1.0, duration: "50s")"#;
    let forever = r#"action: Write(target: "plc", repeat: (period: "10s", rounds: 1000), writes: [
        (table: HoldingRegisters, address: 3, kind: Uint, values: [7])])"#;
    let steps = [
        step("At(\"5s\")", "55s", brute),
        step("At(\"5s\")", "27s", forever),
        step(
            "OnOutcome(step: \"b\", outcome: TimedOut, delay: \"1s\")",
            "1min",
            WAIT,
        ),
    ];
    let records = play(&steps.each_ref().map(String::as_str), &mut Fake::new(), 100);
    assert_eq!(times(&records[0]), (Some(5), Some(55), Outcome::Succeeded));
    assert_eq!(times(&records[1]), (Some(5), Some(32), Outcome::TimedOut));
    assert_eq!(times(&records[2]), (Some(33), Some(43), Outcome::Succeeded));
    assert_eq!(records[1].requests_sent, 3);
}

#[test]
fn step_when_until_fires_then_it_ends_by_its_own_verdict() {
    let forever = r#"until: TookHold(step: "b"), action: Write(target: "plc",
        repeat: (period: "10s", rounds: 1000), writes: [
        (table: HoldingRegisters, address: 3, kind: Uint, values: [7])])"#;
    let steps = [
        step("At(\"5s\")", "1h", forever),
        step("At(\"27s\")", "1min", WRITE),
    ];
    let records = play(&steps.each_ref().map(String::as_str), &mut Fake::new(), 100);
    assert_eq!(times(&records[0]), (Some(5), Some(27), Outcome::Succeeded));
    assert_eq!(records[0].requests_sent, 3);
}

#[test]
fn condition_when_it_comes_then_the_step_begins_and_its_reads_are_its_own() {
    let when = |value, timeout| {
        format!(
            "When(from: At(\"10s\"), target: \"plc\", table: HoldingRegisters, address: 3, kind: Uint,
            op: Above, value: {value}, poll: \"5s\", timeout: \"{timeout}\")"
        )
    };
    let steps = [
        step(&when(6, "1min"), "1min", WAIT),
        step("At(\"22s\")", "1min", WRITE),
        step(&when(9, "30s"), "1min", WAIT),
    ];
    let records = play(&steps.each_ref().map(String::as_str), &mut Fake::new(), 100);
    // Read at 10, 15, 20 and 25 s; the value is there from 22 s on.
    assert_eq!(times(&records[0]), (Some(10), Some(35), Outcome::Succeeded));
    assert_eq!(records[0].action_at, Some(SimTime::from_secs(25)));
    assert_eq!(records[0].requests_sent, 4);
    // Never above 9: it has sent frames, so it is not simply "not reached".
    assert_eq!(times(&records[2]), (Some(10), Some(40), Outcome::TimedOut));
    assert_eq!(records[2].action_at, None);
}

#[test]
fn records_when_the_run_ends_early_then_what_holds_succeeded_and_the_rest_timed_out() {
    let hold = r#"action: DenialOfService(target: "plc", attempts_per_s: 2.0, duration: "50s")"#;
    let steps = [
        step("At(\"5s\")", "1min", hold),
        step("At(\"5s\")", "1min", WAIT),
        step("At(\"50s\")", "1min", WAIT),
    ];
    let records = play(&steps.each_ref().map(String::as_str), &mut Fake::new(), 12);
    assert_eq!(times(&records[0]), (Some(5), Some(12), Outcome::Succeeded));
    assert_eq!(times(&records[1]), (Some(5), Some(12), Outcome::TimedOut));
    assert_eq!(times(&records[2]), (None, None, Outcome::NotReached));
}

#[test]
fn record_when_serialized_then_one_json_object_in_nanoseconds_and_snake_case() {
    let records = play(&[&step("At(\"5s\")", "1min", WAIT)], &mut Fake::new(), 60);
    let json = serde_json::to_value(&records[0]).expect("it serializes");
    assert_eq!(json["outcome"], "succeeded");
    assert_eq!(json["started_at"], 5_000_000_000_u64);
    assert_eq!(json["techniques"], serde_json::json!(["T0836"]));
    assert_eq!(json["hosts"], serde_json::json!([]));
}
