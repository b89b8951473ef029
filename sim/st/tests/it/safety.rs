//! The library of safety blocks, and that the bottling line's safety program holds them as they are.

use std::sync::Arc;

use crate::support::FUEL_NS;
use sim_st::{Image, Machine, compile_all};

const LIBRARY: &str = include_str!("../../../../scenarios/lib/safety.st");
const PROGRAM: &str = include_str!("../../../../scenarios/bottling/safety.st");

/// A program that hangs the blocks on bits and words, scanned every 100 ms.
struct Bench {
    machine: Machine,
    image: Image,
    now_ms: u64,
}

impl Bench {
    fn new(declarations: &str, body: &str) -> Self {
        let main = format!("PROGRAM Main VAR {declarations} END_VAR {body} END_PROGRAM");
        let program = compile_all(&[(LIBRARY, "safety.st"), (&main, "main.st")]);
        Self {
            machine: Machine::new(Arc::new(program.expect("both are right"))),
            image: Image::new(),
            now_ms: 0,
        }
    }

    /// Scans once with these input bits.
    fn scan(&mut self, bits: &[bool]) {
        self.image.ix[..bits.len()].copy_from_slice(bits);
        let report = self
            .machine
            .scan(&mut self.image, self.now_ms * 1_000_000, FUEL_NS);
        assert_eq!(report.trap, None);
        self.now_ms += 100;
    }

    fn text(&self, name: &str) -> String {
        let value = self.machine.read(name);
        value.map_or_else(|| panic!("no {name}"), |value| value.to_string())
    }

    fn is(&self, name: &str) -> bool {
        self.text(name) == "TRUE"
    }
}

#[test]
fn program_when_it_is_the_lines_then_it_begins_with_the_library_as_it_is() {
    assert!(PROGRAM.starts_with(LIBRARY));
}

#[test]
fn vote_2oo3_when_all_combinations_are_tried_then_two_of_three_decide() {
    for combination in 0..8_u8 {
        let bits = [0, 1, 2].map(|channel| combination >> channel & 1 == 1);
        let mut bench = Bench::new(
            "a AT %IX0.0 : BOOL; b AT %IX0.1 : BOOL; c AT %IX0.2 : BOOL; v : Vote2oo3;",
            "v(A := a, B := b, C := c, PT := T#200ms);",
        );
        let votes = bits.iter().filter(|bit| **bit).count();
        bench.scan(&bits);
        assert!(!bench.is("v.Q"), "{bits:?} not confirmed yet");
        bench.scan(&bits);
        bench.scan(&bits);
        assert_eq!(bench.is("v.Q"), votes >= 2, "{bits:?}");
        assert_eq!(bench.text("v.Votes"), votes.to_string(), "{bits:?}");
    }
}

#[test]
fn vote_1oo1_when_the_channel_flickers_then_it_is_not_confirmed() {
    let mut bench = Bench::new(
        "a AT %IX0.0 : BOOL; v : Vote1oo1;",
        "v(A := a, PT := T#200ms);",
    );
    for on in [true, true, false, true, true, false] {
        bench.scan(&[on]);
        assert!(!bench.is("v.Q"));
    }
    for _ in 0..3 {
        bench.scan(&[true]);
    }
    assert!(bench.is("v.Q"));
}

#[test]
fn analog_when_its_signal_leaves_the_range_then_it_is_bad_and_votes() {
    let mut bench = Bench::new(
        "w AT %IW0 : UINT; x : SafeAnalog;",
        "x(Raw := w, Low := 0.0, High := 27.648, RangeLow := 1.0, RangeHigh := 25.0, Limit := 20.0);",
    );
    // One raw count is 0.001: below the range, in it, at the limit, above it, above the range.
    for (raw, bad, high, vote) in [
        (999, true, false, true),
        (1_001, false, false, false),
        (20_000, false, false, false),
        (20_001, false, true, true),
        (25_001, true, false, true),
    ] {
        bench.image.iw[0] = raw;
        bench.scan(&[]);
        let found = (bench.is("x.Bad"), bench.is("x.IsHigh"), bench.is("x.Vote"));
        assert_eq!(found, (bad, high, vote), "{raw}");
    }
}

#[test]
fn middle_when_one_value_is_wrong_then_it_is_not_chosen() {
    let mut bench = Bench::new(
        "a, b, c : REAL;",
        "a := Middle(1.0, 2.0, 3.0); b := Middle(9.0, 2.0, 3.0); c := Middle(2.0, 3.0, -5.0);",
    );
    bench.scan(&[]);
    assert_eq!(
        ["a", "b", "c"].map(|name| bench.text(name)),
        ["2.0", "3.0", "2.0"]
    );
}

const TRIP: (&str, &str) = (
    "v AT %IX0.0 : BOOL; p AT %IX0.1 : BOOL; y AT %IX0.2 : BOOL; r AT %IX0.3 : BOOL; ok AT %IX0.4 : BOOL;
     s : SifTrip;",
    "s(Vote := v, IsProcess := p, Bypass := y, Reset := r, ResetPermit := ok);",
);

const F: bool = false;
const T: bool = true;

#[test]
fn trip_when_its_cause_goes_then_it_stays_until_it_is_reset() {
    let mut bench = Bench::new(TRIP.0, TRIP.1);
    bench.scan(&[F, F, F, F, T]);
    assert!(!bench.is("s.Run"), "after power-up it waits for its reset");
    assert_eq!(bench.text("s.Trips"), "0", "which is no trip");
    bench.scan(&[F, F, F, T, T]);
    assert!(bench.is("s.Run"));
    bench.scan(&[T, T, F, T, F]);
    assert!(!bench.is("s.Run") && bench.is("s.Tripped"));
    bench.scan(&[F, F, F, T, T]);
    assert!(!bench.is("s.Run"), "a reset that is held down is none");
    bench.scan(&[F, F, F, F, F]);
    bench.scan(&[F, F, F, T, F]);
    assert!(!bench.is("s.Run"), "the cause is not far enough gone");
    bench.scan(&[F, F, F, F, T]);
    assert!(!bench.is("s.Run"), "latched");
    bench.scan(&[F, F, F, T, T]);
    assert!(bench.is("s.Run"));
    let counts = ["s.Demands", "s.Trips", "s.SpuriousTrips"].map(|name| bench.text(name));
    assert_eq!(counts, ["1", "1", "0"]);
}

#[test]
fn trip_when_it_is_bypassed_then_it_counts_the_demand_and_does_nothing() {
    let mut bench = Bench::new(TRIP.0, TRIP.1);
    bench.scan(&[F, F, F, T, T]);
    bench.scan(&[T, T, T, F, F]);
    bench.scan(&[T, T, T, F, F]);
    assert!(bench.is("s.Run"));
    let counts = ["s.Demands", "s.Trips", "s.SpuriousTrips"].map(|name| bench.text(name));
    assert_eq!(counts, ["1", "0", "0"]);
    bench.scan(&[T, T, F, F, F]);
    assert!(
        !bench.is("s.Run"),
        "the bypass has ended, the demand has not"
    );
}

#[test]
fn trip_when_failed_channels_vote_then_it_is_spurious() {
    let mut bench = Bench::new(TRIP.0, TRIP.1);
    bench.scan(&[F, F, F, T, T]);
    bench.scan(&[T, F, F, F, F]);
    assert!(!bench.is("s.Run"));
    let counts = ["s.Demands", "s.Trips", "s.SpuriousTrips"].map(|name| bench.text(name));
    assert_eq!(counts, ["0", "1", "1"]);
}

#[test]
fn override_when_the_key_is_turned_back_then_it_falls_and_its_time_is_counted() {
    let mut bench = Bench::new(
        "k AT %IX0.0 : BOOL; sw AT %MX0.0 : BOOL; m : MaintenanceOverride;",
        "m(Key := k, MaxTime := T#4s, Switch := sw);",
    );
    bench.image.mx[0] = true;
    bench.scan(&[F]);
    assert!(!bench.is("m.Active") && !bench.image.mx[0], "no key");
    bench.image.mx[0] = true;
    for _ in 0..35 {
        bench.scan(&[T]);
    }
    assert!(bench.is("m.Active") && !bench.is("m.Overdue"));
    for _ in 0..20 {
        bench.scan(&[T]);
    }
    assert!(
        bench.is("m.Overdue") && bench.is("m.Active"),
        "an alarm, no end"
    );
    let seconds: u64 = bench.text("m.Seconds").parse().expect("a number");
    assert!((4..=5).contains(&seconds), "{seconds} s of 5.4 s");
    bench.scan(&[F]);
    assert!(!bench.is("m.Active") && !bench.image.mx[0]);
}

/// A valve that moves, by scans: what ToSafe was, and the result.
fn proof_test(moves: bool) -> (String, String, String) {
    let mut bench = Bench::new(
        "st AT %IX0.0 : BOOL; ok AT %IX0.1 : BOOL; shut AT %IX0.2 : BOOL; open AT %IX0.3 : BOOL; p : ProofTest;",
        "p(Start := st, Permit := ok, IsSafe := shut, IsRunning := open, Stroke := T#3s);",
    );
    let mut position = 10; // Scans from shut to open.
    for scan in 0..80 {
        bench.scan(&[scan == 5, T, position == 0, position == 10]);
        if moves {
            let shuts = bench.is("p.ToSafe");
            position = if shuts { position - 1 } else { position + 1 }.clamp(0, 10);
        }
    }
    assert!(!bench.is("p.Running"));
    (
        bench.text("p.Tests"),
        bench.text("p.Failures"),
        bench.text("p.StrokeTime"),
    )
}

#[test]
fn proof_test_when_the_valve_moves_then_it_passes_with_its_stroke_time() {
    let (tests, failures, stroke) = proof_test(true);
    assert_eq!((tests.as_str(), failures.as_str()), ("1", "0"));
    // Ten scans of 100 ms; the watch begins one scan after the phase.
    assert_eq!(stroke, "T#900ms");
}

#[test]
fn proof_test_when_the_valve_sticks_then_it_fails() {
    let (tests, failures, _) = proof_test(false);
    assert_eq!((tests.as_str(), failures.as_str()), ("1", "1"));
}

#[test]
fn element_when_it_is_not_safe_in_time_then_it_has_failed() {
    let mut bench = Bench::new(
        "r AT %IX0.0 : BOOL; s AT %IX0.1 : BOOL; e : ElementCheck;",
        "e(Run := r, IsSafe := s, Stroke := T#300ms);",
    );
    bench.scan(&[T, F]);
    for _ in 0..3 {
        bench.scan(&[F, F]);
    }
    assert!(!bench.is("e.Failed"));
    bench.scan(&[F, F]);
    assert!(bench.is("e.Failed"));
    bench.scan(&[F, T]);
    assert!(!bench.is("e.Failed"));
}
