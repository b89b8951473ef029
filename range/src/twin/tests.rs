//! Impact on small tables.

use super::*;
use crate::evidence::process::ColumnInfo;
use crate::scenario::Comparison;

const SECOND_NS: u64 = 1_000_000_000;

/// One column, one row per second from 0.
fn table(values: &[f64]) -> ProcessTable {
    let column = ColumnInfo {
        name: "level_m".to_owned(),
        ..ColumnInfo::default()
    };
    let mut table = ProcessTable::new(vec![column]);
    for (second, value) in values.iter().enumerate() {
        table.push(second as u64 * SECOND_NS, &[*value]);
    }
    table
}

fn tolerance(difference: f64, hold_s: u64) -> Vec<Tolerance> {
    let hold = SimDuration::from_secs(hold_s);
    vec![Tolerance {
        column: "level_m".to_owned(),
        limits: vec![difference],
        hold,
    }]
}

/// `start..end peak@second`, in seconds, for every deviation.
fn shown(run: &[f64], twin: &[f64], difference: f64, hold_s: u64) -> String {
    let found = deviations(&table(run), &table(twin), &tolerance(difference, hold_s));
    let seconds = |ns: u64| ns / SECOND_NS;
    let list: Vec<String> = found
        .iter()
        .map(|d| {
            let end = d
                .end_ns
                .map_or("end".to_owned(), |end_ns| seconds(end_ns).to_string());
            format!(
                "{}..{end} {}@{}",
                seconds(d.start_ns),
                d.run_value,
                seconds(d.peak_ns)
            )
        })
        .collect();
    list.join(", ")
}

#[test]
fn deviations_when_columns_part_then_intervals_hold_tolerance_and_length() {
    let twin = [1.0; 8];
    let cases: [(&str, [f64; 8], f64, u64, &str); 8] = [
        ("the same", [1.0; 8], 0.0, 0, ""),
        (
            "within tolerance",
            [1.1, 0.9, 1.1, 1.0, 1.0, 1.0, 1.0, 1.0],
            0.2,
            0,
            "",
        ),
        (
            "one sample",
            [1.0, 3.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0],
            0.2,
            0,
            "1..2 3@1",
        ),
        (
            "too short",
            [1.0, 3.0, 3.0, 1.0, 1.0, 1.0, 1.0, 1.0],
            0.2,
            2,
            "",
        ),
        (
            "long enough",
            [1.0, 3.0, 4.0, 3.0, 1.0, 1.0, 1.0, 1.0],
            0.2,
            2,
            "1..4 4@2",
        ),
        (
            "short gap",
            [1.0, 3.0, 4.0, 3.0, 1.0, 5.0, 1.0, 1.0],
            0.2,
            2,
            "1..6 5@5",
        ),
        (
            "to the end",
            [1.0, 1.0, 1.0, 1.0, 3.0, 4.0, 5.0, 4.0],
            0.2,
            2,
            "4..end 5@6",
        ),
        (
            "two",
            [3.0, 3.0, 1.0, 1.0, 1.0, 0.0, 0.0, 1.0],
            0.2,
            1,
            "0..2 3@0, 5..7 0@5",
        ),
    ];
    for (name, run, difference, hold_s, expect) in cases {
        assert_eq!(shown(&run, &twin, difference, hold_s), expect, "{name}");
    }
}

#[test]
fn deviations_when_value_is_not_a_number_then_only_in_one_run_counts() {
    assert_eq!(shown(&[f64::NAN, 1.0], &[f64::NAN, 1.0], 0.0, 0), "");
    assert_eq!(
        shown(&[1.0, f64::NAN, 1.0], &[1.0; 3], 9.0, 0),
        "1..2 NaN@1"
    );
    assert_eq!(shown(&[f64::INFINITY; 2], &[f64::INFINITY; 2], 0.0, 0), "");
}

#[test]
fn deviations_when_runs_have_different_lengths_then_common_times_are_compared() {
    assert_eq!(shown(&[1.0, 1.0, 9.0], &[1.0, 1.0], 0.0, 0), "");
    let mut shifted = ProcessTable::new(table(&[]).columns().to_vec());
    shifted.push(SECOND_NS / 2, &[7.0]);
    shifted.push(SECOND_NS, &[7.0]);
    let found = deviations(&shifted, &table(&[1.0, 1.0]), &tolerance(0.5, 0));
    assert_eq!((found.len(), found[0].start_ns), (1, SECOND_NS));
}

#[test]
fn tolerances_when_a_column_rises_and_falls_then_what_nearly_all_differences_stay_within() {
    let hold = SimDuration::from_secs(3);
    let found = |runs: &[&[f64]]| {
        let tables: Vec<ProcessTable> = runs.iter().map(|run| table(run)).collect();
        let found = tolerances(&tables.iter().collect::<Vec<_>>(), hold);
        assert_eq!((found.len(), found[0].hold), (1, hold));
        found[0].limits.clone()
    };
    // Of 200 differences the two largest are left out.
    let quiet = [[0.0, 1.0]; 100].concat();
    let mut noisy: Vec<f64> = quiet.iter().map(|level| level + 0.25).collect();
    noisy[7] = 50.0;
    noisy[90] = -3.0;
    assert_eq!(found(&[&quiet, &noisy]), [0.25]);
    noisy[120] = 9.0;
    assert_eq!(found(&[&quiet, &noisy]), [3.0]);
    // The two that are furthest apart count, whichever they are.
    assert_eq!(found(&[&[1.0, 0.0], &[5.0, 0.0], &[2.0, 0.0]]), [4.0]);
    assert_eq!(found(&[&[1.0, 0.0], &[1.0, 0.0]]), [0.0]);
    // Only as long as all last.
    assert_eq!(found(&[&[1.0, 0.0, 7.0], &[1.0, 0.0]]), [0.0]);
}

#[test]
fn tolerances_when_a_total_grows_then_the_largest_difference_up_to_each_time() {
    let runs = [[0.0, 1.0, 1.0, 5.0], [0.0, 3.0, 3.0, 4.0]];
    let tables = runs.each_ref().map(|run| table(run));
    let found = tolerances(&tables.each_ref(), SimDuration::ZERO);
    assert_eq!(found[0].limits, [0.0, 2.0, 2.0, 2.0]);
    let run = table(&[0.0, 3.0, 4.0, 7.0, 9.0]);
    let twin = table(&[0.0, 1.0, 1.0, 5.0, 6.0]);
    let away = deviations(&run, &twin, &found);
    let seen: Vec<_> = away
        .iter()
        .map(|d| (d.start_ns, d.end_ns, d.tolerance))
        .collect();
    let seconds = |s: u64| s * SECOND_NS;
    assert_eq!(
        seen,
        [(seconds(2), Some(seconds(3)), 2.0), (seconds(4), None, 2.0)]
    );
}

fn limit(op: Comparison, value: f64, hold_s: f64) -> Constraint {
    Constraint {
        name: "limit".to_owned(),
        description: "The limit".to_owned(),
        column: "level_m".to_owned(),
        op,
        value,
        hold_s,
        hazard: true,
        damage: 0.0,
    }
}

#[test]
fn damage_when_a_constraint_is_violated_twice_then_it_is_paid_once() {
    let run = table(&[0.0, 2.0, 0.0, 2.0, 0.0]);
    let priced = |value, damage| Constraint {
        damage,
        ..limit(Comparison::Above, value, 0.0)
    };
    let paid = damage(
        &run,
        &[priced(1.0, 120.0), priced(5.0, 90.0), priced(1.5, 7.0)],
    );
    assert!((paid - 127.0).abs() < 1e-12, "{paid}");
}

#[test]
fn violations_when_condition_holds_long_enough_then_time_of_impact_is_known() {
    let run = table(&[0.0, 2.0, 2.0, 2.0, 0.0, 2.0]);
    let constraints = [limit(Comparison::Above, 1.0, 2.0)];
    let found = violations(&run, None, &constraints);
    assert_eq!(found.len(), 1, "the second one is too short");
    let times = [
        found[0].start_ns,
        found[0].violated_ns,
        found[0].end_ns.unwrap_or(0),
    ];
    assert_eq!(times, [SECOND_NS, 3 * SECOND_NS, 4 * SECOND_NS]);
    assert_eq!(first_impact_ns(&found), Some(3 * SECOND_NS));

    let twin = table(&[0.0, 0.0, 2.0, 2.0, 2.0, 2.0]);
    let found = violations(&run, Some(&twin), &constraints);
    assert!(found[0].also_in_twin);
    assert_eq!(first_impact_ns(&found), None);
    assert_eq!(
        violations(&run, None, &[limit(Comparison::Below, -1.0, 0.0)]),
        []
    );
}

#[test]
fn impacts_when_written_as_lines_then_read_back_the_same() {
    let (run, twin) = (table(&[0.0, 2.0, 2.0, 0.0]), table(&[0.0; 4]));
    let all = impacts(
        &run,
        &twin,
        &tolerance(0.5, 0),
        &[limit(Comparison::Above, 1.0, 1.0)],
    );
    let lines: Vec<String> = all
        .iter()
        .map(|impact| serde_json::to_string(impact).expect("encodes"))
        .collect();
    assert_eq!(
        lines,
        [
            r#"{"kind":"deviation","column":"level_m","start_ns":1000000000,"end_ns":3000000000,"peak_ns":1000000000,"run_value":2.0,"twin_value":0.0,"tolerance":0.5}"#,
            r#"{"kind":"violation","constraint":"limit","column":"level_m","hazard":true,"start_ns":1000000000,"violated_ns":2000000000,"end_ns":3000000000,"also_in_twin":false}"#,
        ]
    );
    for (line, impact) in lines.iter().zip(&all) {
        assert_eq!(
            &serde_json::from_str::<Impact>(line).expect("decodes"),
            impact
        );
    }
    assert_eq!(impacts(&run, &run, &tolerance(0.0, 0), &[]), []);
}

#[test]
fn growth_when_a_total_is_watched_then_only_where_it_grew_after_the_impact() {
    let check = |unit: &str, run: &[(u64, f64)], twin: &[f64], expect: Option<&[(u64, u64)]>| {
        let column = ColumnInfo {
            name: "spilled_l".to_owned(),
            unit: unit.to_owned(),
            ..ColumnInfo::default()
        };
        let mut of_run = ProcessTable::new(vec![column.clone()]);
        for &(second, value) in run {
            of_run.push(second * SECOND_NS, &[value]);
        }
        let mut of_twin = ProcessTable::new(vec![column]);
        for (second, value) in twin.iter().enumerate() {
            of_twin.push(second as u64 * SECOND_NS, &[*value]);
        }
        let violation = Violation {
            constraint: "spill".to_owned(),
            column: "spilled_l".to_owned(),
            hazard: false,
            start_ns: 10 * SECOND_NS,
            violated_ns: 10 * SECOND_NS,
            end_ns: None,
            also_in_twin: false,
        };
        let expect = expect.map(|intervals| {
            intervals
                .iter()
                .map(|&(start_s, end_s)| (start_s * SECOND_NS, end_s * SECOND_NS))
                .collect::<Vec<_>>()
        });
        assert_eq!(growth(&of_run, &of_twin, &violation), expect, "{run:?}");
    };
    let spill = [
        (0, 0.0),
        (9, 0.0),
        (10, 1.0),
        (20, 2.0),
        (30, 3.0),
        (300, 3.0),
        (310, 4.0),
        (900, 4.0),
    ];
    check("L", &spill, &[0.0, 0.0], Some(&[(10, 30), (300, 310)]));
    let once = [(0, 0.0), (10, 1.0), (900, 1.0)];
    check("L", &once, &[], Some(&[(10, 10)]));
    // A level falls again, in the run or in the twin; a switch has no unit.
    check("L", &[(0, 0.0), (10, 1.0), (20, 0.5)], &[], None);
    check("L", &once, &[1.0, 0.5], None);
    check("", &once, &[], None);
}
