//! Metrics against the reference vectors, and what is known of detectors that know nothing.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::Value;
use twinrange_score::metrics::{Range, Scores, Series, baseline};

const TOLERANCE: f64 = 1e-9;

fn vectors() -> Vec<Value> {
    let text = include_str!("../data/scoring-vectors.json");
    let all: Value = serde_json::from_str(text).expect("the vectors are JSON");
    all["cases"].as_array().expect("a list").clone()
}

fn ranges(list: &Value) -> Vec<Range> {
    let number = |value: &Value| value.as_u64().expect("a sample");
    let range = |pair: &Value| Range {
        first: number(&pair[0]),
        last: number(&pair[1]),
    };
    list.as_array().expect("a list").iter().map(range).collect()
}

fn series_of(case: &Value) -> Series {
    let n = case["n"].as_u64().expect("a length");
    Series::new(n, &ranges(&case["truth"]), &ranges(&case["pred"])).expect("a valid case")
}

/// Compares every value; counts those of each metric, without places in lists and names of attacks.
fn compare(path: &str, expect: &Value, found: &Value, counts: &mut BTreeMap<String, u64>) {
    match (expect, found) {
        (Value::Object(a), Value::Object(b)) => {
            let keys = |object: &serde_json::Map<String, Value>| {
                object.keys().cloned().collect::<Vec<_>>()
            };
            let (mut these, mut those) = (keys(a), keys(b));
            these.sort();
            those.sort();
            assert_eq!(these, those, "{path}");
            for (key, value) in a {
                let inner = match (path, key.starts_with('a')) {
                    (".ipal.Scenario-Recall", true) => path.to_owned(),
                    _ => format!("{path}.{key}"),
                };
                compare(&inner, value, &b[key], counts);
            }
        }
        (Value::Array(a), Value::Array(b)) => {
            assert_eq!(a.len(), b.len(), "{path}");
            for (a, b) in a.iter().zip(b) {
                compare(path, a, b, counts);
            }
        }
        (Value::Number(a), Value::Number(b)) => {
            let (a, b) = (a.as_f64().expect("finite"), b.as_f64().expect("finite"));
            let close = (a - b).abs() <= TOLERANCE * a.abs().max(1.0);
            assert!(close, "{path}: {a} expected, {b} found");
            *counts.entry(path.to_owned()).or_default() += 1;
        }
        (a, b) => {
            assert_eq!(a, b, "{path}");
            *counts.entry(path.to_owned()).or_default() += 1;
        }
    }
}

#[test]
fn metrics_when_compared_with_the_references_then_the_same_and_each_has_vectors() {
    let mut counts = BTreeMap::new();
    for case in vectors() {
        let found = serde_json::to_value(Scores::of(&series_of(&case))).expect("scores encode");
        compare("", &case["expected"], &found, &mut counts);
    }
    // Every figure that we compute is in the vectors, and this is how often.
    let one = Series::new(
        10,
        &[Range { first: 2, last: 4 }],
        &[Range { first: 3, last: 5 }],
    );
    let ours = serde_json::to_value(Scores::of(&one.expect("valid"))).expect("scores encode");
    let mut named = BTreeMap::new();
    compare("", &ours, &ours, &mut named);
    let listed: Vec<String> = named
        .keys()
        .map(|name| format!("{:<40} {}", name, counts.get(name).copied().unwrap_or(0)))
        .collect();
    let missing: Vec<&String> = named
        .keys()
        .filter(|name| !counts.contains_key(*name))
        .collect();
    assert!(missing.is_empty(), "no vector for {missing:?}");
    let text = listed.join("\n") + "\n";
    let kept = include_str!("../data/metrics-by-vectors.txt");
    assert_eq!(
        text, kept,
        "score/tests/data/metrics-by-vectors.txt lists every metric; it should be\n{text}"
    );
}

/// A series of 100 samples with two attacks, as in the table of degenerate detectors.
fn detector(alarms: &[(u64, u64)]) -> Scores {
    let range = |&(first, last): &(u64, u64)| Range { first, last };
    let alarms: Vec<Range> = alarms.iter().map(range).collect();
    let truth = [(20, 39), (60, 79)].map(|pair| range(&pair));
    Scores::of(&Series::new(100, &truth, &alarms).expect("valid"))
}

#[test]
fn detectors_when_they_know_nothing_then_some_metric_says_so() {
    let figures = |scores: &Scores| {
        (
            scores.eventwise.event_f1,
            scores.etapr[0].f1,
            scores.batadal.s.expect("there are attacks"),
            scores.nab[0].normalised.expect("there are attacks"),
        )
    };
    let perfect = detector(&[(20, 39), (60, 79)]);
    assert_eq!(figures(&perfect), (1.0, 1.0, 1.0, 100.0));
    let always = detector(&[(0, 99)]);
    let (event, etapr, _, nab) = figures(&always);
    assert!(event == 1.0 && etapr == 0.0 && nab < 0.0, "{always:?}");
    let never = detector(&[]);
    let (event, etapr, _, nab) = figures(&never);
    assert_eq!((event, etapr, nab), (0.0, 0.0, 0.0));
    assert_eq!(
        (never.affiliation.precision, never.affiliation.f1),
        (None, Some(0.0))
    );
    // Late is as good as early for eTaPR, and worse where time counts.
    let (late, early) = (
        detector(&[(30, 39), (70, 79)]),
        detector(&[(20, 29), (60, 69)]),
    );
    assert_eq!(late.etapr[0].f1, early.etapr[0].f1);
    let times = |scores: &Scores| (figures(scores).2, figures(scores).3);
    assert!(times(&late).0 < times(&early).0 && times(&late).1 < times(&early).1);
    // Just after the end is nothing for events, and much for affiliation.
    let after = detector(&[(40, 44), (80, 84)]);
    assert_eq!(figures(&after).0, 0.0);
    assert!(after.affiliation.f1 > Some(0.5) && after.etapr[3].f1 > 0.6);
    // A flicker inside of the attacks is as good as an early half.
    let flicker: Vec<(u64, u64)> = [20, 24, 28, 32, 36, 60, 64, 68, 72, 76]
        .map(|first| (first, first + 1))
        .into();
    assert_eq!(detector(&flicker).etapr[0].f1, early.etapr[0].f1);
    // One sample in five hundred is all for point adjust, and nothing for eTaPR.
    let single = Series::new(
        1000,
        &[Range {
            first: 200,
            last: 699,
        }],
        &[Range {
            first: 450,
            last: 450,
        }],
    );
    let single = Scores::of(&single.expect("valid"));
    assert_eq!(
        (single.point_adjust["0"].f1, single.etapr[0].f1),
        (1.0, 0.0)
    );
}

#[test]
fn baseline_when_alarms_are_at_random_then_chance_is_what_they_get() {
    // Alarms of 5 samples every 100, attacks of 20 every 500: no relation.
    let every = |step: u64, offset: u64, len: u64| -> Vec<Range> {
        (0..10_000 / step)
            .map(|number| Range {
                first: number * step + offset,
                last: number * step + offset + len - 1,
            })
            .collect()
    };
    let series = Series::new(10_000, &every(500, 250, 20), &every(100, 0, 5)).expect("valid");
    let chance = baseline(&series).expect("there are both");
    // 2 q p / (q + p) with q = 0.04 and p = 0.05.
    assert!((chance.pointwise_f1 - 0.0444).abs() < 0.02, "{chance:?}");
    assert!(chance.affiliation_f1 > 0.6, "{chance:?}");
    assert_eq!(baseline(&series), Some(chance), "the same every time");
    assert_eq!(
        baseline(&Series::new(10, &[], &every(100, 0, 5)[..1]).expect("valid")),
        None
    );
}

/// Up to four ranges in 120 samples.
fn some_ranges() -> impl Strategy<Value = Vec<Range>> {
    let range = (0_u64..120, 0_u64..30).prop_map(|(first, more)| Range {
        first,
        last: (first + more).min(119),
    });
    prop::collection::vec(range, 1..5)
}

proptest! {
    #[test]
    fn metrics_when_any_series_then_within_their_bounds_and_order_does_not_matter(
        truth in some_ranges(), alarms in some_ranges(),
    ) {
        let series = Series::new(120, &truth, &alarms).expect("valid");
        let scores = Scores::of(&series);
        let reversed = |ranges: &[Range]| ranges.iter().rev().copied().collect::<Vec<_>>();
        let again = Series::new(120, &reversed(&truth), &reversed(&alarms)).expect("valid");
        prop_assert_eq!(&scores, &Scores::of(&again));
        let share = |value: f64| (0.0..=1.0 + 1e-12).contains(&value);
        for value in [
            scores.pointwise.f1, scores.eventwise.event_f1, scores.eventwise.composite_f1,
            scores.range_based[0].f1, scores.batadal.s_cm, scores.etapr[0].etar, scores.tapr[0].tar,
        ] {
            prop_assert!(share(value), "{}", value);
        }
        for value in [scores.affiliation.precision, scores.affiliation.recall, scores.affiliation.f1] {
            prop_assert!(value.is_none_or(share), "{:?}", value);
        }
        // Point adjust only ever adds hits, the more the smaller K is.
        let adjusted = &scores.point_adjust;
        prop_assert!(adjusted["50"].recall >= scores.pointwise.recall);
        prop_assert!(adjusted["20"].recall >= adjusted["50"].recall);
        prop_assert!(adjusted["0"].recall >= adjusted["20"].recall);
        let nab = scores.nab[0].normalised;
        prop_assert!(nab.is_none_or(|nab| nab <= 100.0 + 1e-9));
        let sum = scores.pointwise.tp + scores.pointwise.fp + scores.pointwise.fn_ + scores.pointwise.tn;
        prop_assert_eq!(sum, 120);
    }

    #[test]
    fn metrics_when_the_alarms_are_the_attacks_then_perfect(truth in some_ranges()) {
        let series = Series::new(120, &truth, &truth).expect("valid");
        let scores = Scores::of(&series);
        prop_assert_eq!(scores.pointwise.f1, 1.0);
        prop_assert_eq!(scores.eventwise.event_f1, 1.0);
        prop_assert!((scores.etapr[0].f1 - 1.0).abs() < 1e-12);
        prop_assert!((scores.range_based[0].f1 - 1.0).abs() < 1e-12);
        prop_assert!(scores.affiliation.f1.is_some_and(|f1| (f1 - 1.0).abs() < 1e-9));
        prop_assert_eq!(scores.ipal.fpa, 0);
    }

    #[test]
    fn series_when_made_of_labels_then_the_same_as_of_ranges(truth in some_ranges(), alarms in some_ranges()) {
        let labels = |ranges: &[Range]| -> Vec<bool> {
            (0..120).map(|at| ranges.iter().any(|r| r.first <= at && at <= r.last)).collect()
        };
        let series = Series::new(120, &truth, &alarms).expect("valid");
        prop_assert_eq!(series, Series::of_labels(&labels(&truth), &labels(&alarms)));
    }
}

#[test]
fn series_when_a_range_is_none_or_outside_then_refused() {
    let check = |first, last, why: &str| {
        let error = Series::new(10, &[Range { first, last }], &[]).expect_err(why);
        assert_eq!(error.to_string(), why);
    };
    check(5, 4, "range 0 ends before it begins: 5 to 4");
    check(
        5,
        10,
        "range 0 goes to sample 10, and the series has 10 samples, from 0",
    );
}
