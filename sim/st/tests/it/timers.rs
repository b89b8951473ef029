//! Timers against Figure 15 of IEC 61131-3:2013, scan by scan, at even and uneven intervals.

use crate::support::Bench;
use sim_st::{Elementary, Value};

/// One row per scan: time in ms, IN, then the expected Q and ET in ms.
type Row = (u64, bool, bool, u64);

/// Runs the rows with TIME and with LTIME: ST-FBK-002.
fn check_timer(block: &str, preset: &str, rows: &[Row]) {
    for (variant, long) in [("", false), ("_TIME", false), ("_LTIME", true)] {
        let preset = preset.replace("T#", if long { "LTIME#" } else { "T#" });
        check_variant(&format!("{block}{variant}"), &preset, long, rows);
    }
}

fn check_variant(block: &str, preset: &str, long: bool, rows: &[Row]) {
    let source = format!(
        "PROGRAM Main VAR x : BOOL; t : {block}; END_VAR t(IN := x, PT := {preset}); END_PROGRAM"
    );
    let mut bench = Bench::new(&source);
    for &(now_ms, input, q, et_ms) in rows {
        bench.write("x", Value::Bool(input));
        bench.scan_ms(now_ms);
        let found = (bench.machine.read("t.Q"), bench.machine.read("t.ET"));
        let et_ns = i64::try_from(et_ms).expect("small") * 1_000_000;
        let et = if long {
            Value::Nanos(Elementary::Ltime, et_ns)
        } else {
            Value::Time(et_ns)
        };
        let expected = (Some(Value::Bool(q)), Some(et));
        assert_eq!(found, expected, "{block} at {now_ms} ms");
    }
}

#[test]
fn ton_when_input_holds_then_output_follows_after_the_preset() {
    check_timer(
        "TON",
        "T#100ms",
        &[
            (0, false, false, 0),
            (10, true, false, 0),
            (60, true, false, 50),
            (109, true, false, 99),
            (110, true, true, 100),
            (500, true, true, 100),
            (510, false, false, 0),
            // Too short a pulse.
            (520, true, false, 0),
            (600, true, false, 80),
            (610, false, false, 0),
            // Uneven scans: the first after the preset sees it passed.
            (1000, true, false, 0),
            (1003, true, false, 3),
            (1747, true, true, 100),
            (1748, false, false, 0),
        ],
    );
}

#[test]
fn ton_when_preset_is_zero_then_follows_at_once() {
    check_timer(
        "TON",
        "T#0s",
        &[
            (0, true, true, 0),
            (10, false, false, 0),
            (20, true, true, 0),
        ],
    );
    check_timer("TON", "T#-5s", &[(0, true, true, 0), (10, false, false, 0)]);
}

#[test]
fn tof_when_input_falls_then_output_follows_after_the_preset() {
    check_timer(
        "TOF",
        "T#100ms",
        &[
            (0, false, false, 0),
            (10, true, true, 0),
            (200, true, true, 0),
            (210, false, true, 0),
            (260, false, true, 50),
            (309, false, true, 99),
            (310, false, false, 100),
            (900, false, false, 100),
            (910, true, true, 0),
            // The delay begins anew with each falling edge.
            (920, false, true, 0),
            (1000, false, true, 80),
            (1010, true, true, 0),
            (1020, false, true, 0),
            (1119, false, true, 99),
            (1120, false, false, 100),
        ],
    );
}

#[test]
fn tp_when_triggered_then_pulse_has_its_length() {
    check_timer(
        "TP",
        "T#100ms",
        &[
            (0, false, false, 0),
            // Longer than the pulse: ET stays until IN falls.
            (10, true, true, 0),
            (60, true, true, 50),
            (110, true, false, 100),
            (150, true, false, 100),
            (160, false, false, 0),
            // Shorter than the pulse: Q stays for the whole pulse, and a second edge does nothing.
            (200, true, true, 0),
            (210, false, true, 10),
            (220, true, true, 20),
            (230, false, true, 30),
            (299, false, true, 99),
            (300, false, false, 0),
            (310, true, true, 0),
            // IN is true again, but not newly so, when the pulse ends.
            (320, false, true, 10),
            (400, true, true, 90),
            (410, true, false, 100),
            (420, true, false, 100),
            (430, false, false, 0),
            (440, true, true, 0),
        ],
    );
}

#[test]
fn timers_when_called_twice_in_a_scan_then_see_one_time() {
    let mut bench = Bench::new(
        "PROGRAM Main VAR t : TON; e1 : TIME; e2 : TIME; END_VAR
         t(IN := TRUE, PT := T#1s); e1 := t.ET; t(); e2 := t.ET; END_PROGRAM",
    );
    for (now_ms, et) in [
        (5, "T#0ms"),
        (12, "T#7ms"),
        (900, "T#895ms"),
        (2000, "T#1000ms"),
    ] {
        bench.scan_ms(now_ms);
        assert_eq!(
            (bench.text("e1").as_str(), bench.text("e2").as_str()),
            (et, et),
            "{now_ms}"
        );
    }
}

#[test]
fn timer_when_scans_jitter_then_accuracy_is_one_scan() {
    // A blinking light of 2 x 250 ms with scans every 3 to 17 ms: each phase lasts at least its
    // preset and at most one scan longer, so that errors never add up beyond that.
    let mut bench = Bench::new(
        "PROGRAM Main VAR lamp : BOOL; t : TON; END_VAR
         t(IN := NOT t.Q, PT := T#250ms); IF t.Q THEN lamp := NOT lamp; END_IF; END_PROGRAM",
    );
    let (mut now_ms, mut last_change_ms, mut lamp) = (0u64, None, false);
    for step in 0..2000u64 {
        now_ms += 3 + (step * 7) % 15;
        bench.scan_ms(now_ms);
        let lit = bench.machine.read("lamp") == Some(Value::Bool(true));
        if lit != lamp {
            if let Some(before) = last_change_ms.replace(now_ms) {
                // One scan resets the timer, the next starts it.
                let phase_ms = now_ms - before;
                assert!(
                    (253..=250 + 3 * 17).contains(&phase_ms),
                    "{phase_ms} ms at {now_ms} ms"
                );
            }
            lamp = lit;
        }
    }
    assert!(last_change_ms.is_some(), "the lamp blinks");
}
