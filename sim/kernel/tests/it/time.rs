//! Time: text forms, conversions, arithmetic and their limits.

use proptest::prelude::*;
use sim_kernel::time::TimeParseError;
use sim_kernel::{SimDuration, SimTime};

/// Reads `text` as both types and compares the nanoseconds.
#[track_caller]
fn check_read(text: &str, nanos: u64) {
    assert_eq!(text.parse(), Ok(SimTime::from_nanos(nanos)), "{text}");
    assert_eq!(text.parse(), Ok(SimDuration::from_nanos(nanos)), "{text}");
}

#[test]
fn text_when_well_formed_then_read_to_the_nanosecond() {
    check_read("0s", 0);
    check_read("1ns", 1);
    check_read("1us", 1_000);
    check_read("1\u{b5}s", 1_000);
    check_read("1\u{3bc}s", 1_000);
    check_read("250ms", 250_000_000);
    check_read("12.5s", 12_500_000_000);
    check_read("12.500000000s", 12_500_000_000);
    check_read("0.000000001s", 1);
    check_read("0.0010us", 1);
    check_read("  1.5 h ", 5_400_000_000_000);
    check_read("2min", 120_000_000_000);
    check_read("0.000000000025h", 90);
    check_read("00:12:30", 750_000_000_000);
    check_read("0:00:00", 0);
    check_read("00:12:30.25", 750_250_000_000);
    check_read("00:12:30.250000000", 750_250_000_000);
    check_read("100:00:00", 360_000_000_000_000);
    check_read("18446744073709551615ns", u64::MAX);
    check_read("18446744073.709551615s", u64::MAX);
    check_read("5124095:34:33.709551615", u64::MAX);
}

/// Both types reject `text` with exactly this message.
#[track_caller]
fn check_rejected(text: &str, message: &str) {
    let as_time = text.parse::<SimTime>().expect_err("text must be rejected");
    let as_duration = text
        .parse::<SimDuration>()
        .expect_err("text must be rejected");
    assert_eq!(as_time.to_string(), message);
    assert_eq!(as_time, as_duration);
}

#[test]
fn text_when_malformed_then_the_message_says_what_and_why() {
    const NO_TIME: &str = "is not a time; expected one such as `00:12:30`, `12.5s` or `250ms`";
    const NO_CLOCK: &str = "is not a clock of the form `h:mm:ss`; 12 minutes 30 are `00:12:30`";
    const TOO_FINE: &str = "is finer than a nanosecond, the smallest step of simulated time";
    const TOO_LARGE: &str = "is too large; a time is below 2^64 ns, about 584 years";
    const UNITS: &str = "expected one of ns, us, ms, s, min, h";

    check_rejected(
        "  ",
        "a time is missing; expected one such as `00:12:30`, `12.5s` or `250ms`",
    );
    check_rejected("-1s", "`-1s` is negative; a time is zero or more");
    check_rejected(
        "5",
        "`5` has no unit; write `5s`, or another of ns, us, ms, s, min, h",
    );
    check_rejected("5m", &format!("`5m` has the unknown unit `m`; {UNITS}"));
    check_rejected("5S", &format!("`5S` has the unknown unit `S`; {UNITS}"));
    check_rejected(
        "1e3s",
        &format!("`1e3s` has the unknown unit `e3s`; {UNITS}"),
    );
    check_rejected(
        "1,5s",
        &format!("`1,5s` has the unknown unit `,5s`; {UNITS}"),
    );
    for text in [
        "s", ".5s", "5.s", "1.2.3s", "+1s", ".", "soon", "NaNs", "\u{663}s",
    ] {
        check_rejected(text, &format!("`{text}` {NO_TIME}"));
    }
    for text in [
        "12:30",
        "1:2:3",
        "00:12:3",
        "00:12:300",
        ":12:30",
        "00::30",
        "00:12:",
        "00:12:30.",
        "00:12:30s",
        "1:00:00:00",
        "00:+1:30",
        "00:12.5:30",
        ":",
    ] {
        check_rejected(text, &format!("`{text}` {NO_CLOCK}"));
    }
    check_rejected(
        "00:60:00",
        "`00:60:00` has 60 minutes; a clock has at most 59",
    );
    check_rejected(
        "00:00:75",
        "`00:00:75` has 75 seconds; a clock has at most 59",
    );
    for text in [
        "0.5ns",
        "0.0000000001s",
        "00:00:00.0000000001",
        "0.0000000000000000000001h",
    ] {
        check_rejected(text, &format!("`{text}` {TOO_FINE}"));
    }
    for text in [
        "18446744073709551616ns",
        "18446744073.709551616s",
        "5124095:34:33.709551616",
        "99999999h",
        "99999999999999999999999999999999999999999s",
    ] {
        check_rejected(text, &format!("`{text}` {TOO_LARGE}"));
    }
}

#[test]
fn parse_error_when_matched_then_carries_its_parts() {
    assert_eq!(
        "00:61:00".parse::<SimTime>(),
        Err(TimeParseError::ClockRange {
            text: "00:61:00".into(),
            field: "minutes",
            value: 61
        })
    );
}

#[test]
fn display_of_a_point_when_written_then_is_a_clock() {
    let check = |nanos, text: &str| assert_eq!(SimTime::from_nanos(nanos).to_string(), text);
    check(0, "00:00:00.000000000");
    check(750_250_000_000, "00:12:30.250000000");
    check(86_399_999_999_999, "23:59:59.999999999");
    check(360_000_000_000_000, "100:00:00.000000000");
    check(u64::MAX, "5124095:34:33.709551615");
    assert_eq!(format!("[{:>20}]", SimTime::ZERO), "[  00:00:00.000000000]");
}

#[test]
fn display_of_a_length_when_written_then_uses_the_largest_unit() {
    let check = |nanos, text: &str| assert_eq!(SimDuration::from_nanos(nanos).to_string(), text);
    check(0, "0s");
    check(999, "999ns");
    check(1_000, "1us");
    check(1_050, "1.05us");
    check(250_000_000, "250ms");
    check(12_500_000_000, "12.5s");
    check(12_000_000_001, "12.000000001s");
    check(u64::MAX, "18446744073.709551615s");
    assert_eq!(format!("[{:<6}]", SimDuration::from_millis(5)), "[5ms   ]");
}

#[test]
fn seconds_when_converted_from_float_then_rounded_to_nearest() {
    let check = |secs, nanos| assert_eq!(SimDuration::from_secs_f64(secs).as_nanos(), nanos);
    check(0.0, 0);
    check(-0.0, 0);
    check(0.01, 10_000_000);
    check(1e-9, 1);
    check(0.4e-9, 0);
    check(0.6e-9, 1);
    check(1.999_999_999_9, 2_000_000_000);
    check(3_600.25, 3_600_250_000_000);
    check(18_446_744_073.0, 18_446_744_073_000_000_000);
}

/// One test per call that must not return.
macro_rules! panics {
    ($($name:ident: $message:literal => $call:expr;)*) => {
        $(
            #[test]
            #[should_panic(expected = $message)]
            fn $name() {
                let _ = $call;
            }
        )*
    };
}

panics! {
    from_secs_when_too_many_then_panics: "below 2^64 ns" => SimTime::from_secs(18_446_744_074);
    from_secs_f64_when_negative_then_panics: "must not be negative"
        => SimTime::from_secs_f64(-1e-12);
    from_secs_f64_when_nan_then_panics: "must not be negative" => SimTime::from_secs_f64(f64::NAN);
    from_secs_f64_when_infinite_then_panics: "below 2^64 ns"
        => SimTime::from_secs_f64(f64::INFINITY);
    from_secs_f64_when_too_large_then_panics: "below 2^64 ns"
        => SimTime::from_secs_f64(18_446_744_074.0);
    add_when_past_the_end_then_panics: "below 2^64 ns"
        => SimTime::MAX + SimDuration::from_nanos(1);
    sub_when_before_the_start_then_panics: "must not be negative"
        => SimTime::ZERO - SimDuration::from_nanos(1);
    sub_of_points_when_reversed_then_panics: "must not be later"
        => SimTime::ZERO - SimTime::from_nanos(1);
    mul_when_too_large_then_panics: "below 2^64 ns" => SimDuration::MAX * 2;
    sum_when_too_large_then_panics: "below 2^64 ns"
        => [SimDuration::MAX, SimDuration::from_nanos(1)].into_iter().sum::<SimDuration>();
}

#[test]
fn arithmetic_when_units_differ_then_agrees() {
    let period = SimDuration::from_millis(20);
    assert_eq!(
        SimTime::from_secs(1) + period,
        SimTime::from_micros(1_020_000)
    );
    assert_eq!(SimTime::from_secs(1) - period, SimTime::from_millis(980));
    assert_eq!(SimDuration::from_secs(1) / period, 50);
    assert_eq!(
        SimDuration::from_secs(1) / 3,
        SimDuration::from_nanos(333_333_333)
    );
    assert_eq!(
        SimDuration::from_millis(50) % period,
        SimDuration::from_millis(10)
    );
    assert_eq!(
        [period, period].into_iter().sum::<SimDuration>(),
        period * 2
    );
    assert_eq!(SimTime::from_millis(1_999).as_secs(), 1);
    assert_eq!(SimTime::from_micros(1_999).as_millis(), 1);
    assert_eq!(SimTime::from_nanos(1_999).as_micros(), 1);
    assert_eq!(SimTime::from_millis(1_500).as_secs_f64(), 1.5);
    assert_eq!(
        SimTime::ZERO.saturating_since(SimTime::MAX),
        SimDuration::ZERO
    );
    assert_eq!(SimTime::MAX.saturating_add(period), SimTime::MAX);
    assert_eq!(SimTime::ZERO.saturating_sub(period), SimTime::ZERO);
    assert_eq!(SimTime::ZERO.checked_since(SimTime::MAX), None);
    assert_eq!(
        SimTime::from_secs(2).since_start(),
        SimDuration::from_secs(2)
    );
}

#[test]
fn serde_when_plain_then_is_integer_nanoseconds() {
    let time = SimTime::from_millis(15);
    let json = serde_json::to_string(&time).expect("serialises");
    assert_eq!(json, "15000000");
    assert_eq!(
        serde_json::from_str::<SimTime>(&json).expect("deserialises"),
        time
    );
    assert!(serde_json::from_str::<SimTime>("-1").is_err());
    assert!(serde_json::from_str::<SimTime>("1.5").is_err());
    assert!(serde_json::from_str::<SimTime>("\"15ms\"").is_err());
}

#[test]
fn serde_when_text_then_is_what_people_write() {
    #[derive(serde::Serialize, serde::Deserialize)]
    struct Step {
        #[serde(with = "sim_kernel::time::text")]
        at: SimTime,
        #[serde(with = "sim_kernel::time::text")]
        hold: SimDuration,
    }
    let step: Step = serde_json::from_str(r#"{"at":"00:12:30","hold":"0.5s"}"#).expect("reads");
    assert_eq!(step.at, SimTime::from_secs(750));
    assert_eq!(
        serde_json::to_string(&step).expect("serialises"),
        r#"{"at":"00:12:30.000000000","hold":"500ms"}"#
    );
    let error = serde_json::from_str::<Step>(r#"{"at":"12:30","hold":"0.5s"}"#)
        .err()
        .expect("a clock without seconds is rejected");
    assert!(
        error.to_string().contains("`12:30` is not a clock"),
        "{error}"
    );
}

/// Nanoseconds of every magnitude: a uniform `u64` is hardly ever below a year.
fn any_nanos() -> impl Strategy<Value = u64> {
    (any::<u64>(), 0u32..64).prop_map(|(bits, shift)| bits >> shift)
}

proptest! {
    #[test]
    fn display_when_read_back_then_is_the_same(nanos in any_nanos()) {
        let time = SimTime::from_nanos(nanos);
        prop_assert_eq!(time.to_string().parse(), Ok(time));
        let duration = SimDuration::from_nanos(nanos);
        prop_assert_eq!(duration.to_string().parse(), Ok(duration));
        // Either type reads what the other writes.
        prop_assert_eq!(duration.to_string().parse(), Ok(time));
        prop_assert_eq!(time.to_string().parse(), Ok(duration));
    }

    #[test]
    fn text_when_arbitrary_then_never_panics(text in "[-+0-9:. a-zµ]{0,24}|.{0,12}") {
        // Whatever is accepted must survive its own canonical form.
        if let Ok(time) = text.parse::<SimTime>() {
            prop_assert_eq!(time.to_string().parse(), Ok(time));
        }
    }

    #[test]
    fn add_when_subtracted_again_then_is_the_same(a in any_nanos(), b in any_nanos()) {
        let (start, length) = (SimTime::from_nanos(a), SimDuration::from_nanos(b));
        match start.checked_add(length) {
            Some(end) => {
                prop_assert_eq!(a.checked_add(b), Some(end.as_nanos()));
                prop_assert_eq!(end, start + length);
                prop_assert_eq!(end - length, start);
                prop_assert_eq!(end - start, length);
                prop_assert_eq!(end.saturating_since(start), length);
                prop_assert!(end >= start);
            }
            None => {
                prop_assert_eq!(a.checked_add(b), None);
                prop_assert_eq!(start.saturating_add(length), SimTime::MAX);
            }
        }
    }

    #[test]
    fn division_when_multiplied_back_then_leaves_the_remainder(a in any_nanos(), b in any_nanos()) {
        prop_assume!(b > 0);
        let (length, period) = (SimDuration::from_nanos(a), SimDuration::from_nanos(b));
        prop_assert_eq!(period * (length / period) + length % period, length);
        prop_assert!(length % period < period);
    }

    #[test]
    fn float_seconds_when_within_97_days_then_round_trip(nanos in 0_u64..1_000_000_000 << 23) {
        let duration = SimDuration::from_nanos(nanos);
        prop_assert_eq!(SimDuration::from_secs_f64(duration.as_secs_f64()), duration);
    }
}
