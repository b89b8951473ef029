//! Properties that hold for any input.

use crate::common::{S, alert_on, header, step, truth};
use proptest::prelude::*;
use twinrange_score::alert::{Alert, Kind, to_jsonl};
use twinrange_score::detection::{Detection, Params, StepTruth, Verdict, score};
use twinrange_score::formats::{Format, ImportOptions, import};
use twinrange_score::gate::Gate;
use twinrange_score::report::{ReportData, html};
use twinrange_score::score::Score;

const RUN_S: u64 = 3600;

fn steps() -> impl Strategy<Value = Vec<StepTruth>> {
    prop::collection::vec((0..RUN_S, 0_u64..400, prop::option::of(0..RUN_S)), 0..6).prop_map(
        |list| {
            list.into_iter()
                .enumerate()
                .map(|(i, (start, length, impact))| StepTruth {
                    impact_ns: impact.map(|s| s * S),
                    ..step(&i.to_string(), start, start + length)
                })
                .collect()
        },
    )
}

fn alerts() -> impl Strategy<Value = Vec<Alert>> {
    let one = (
        0..RUN_S + 100,
        prop::sample::select(vec!["target", "other", ""]),
        any::<bool>(),
        0_usize..3,
    );
    prop::collection::vec(one, 0..40).prop_map(|list| {
        list.into_iter()
            .map(|(t_s, asset, log, named)| {
                let mut alert = if asset.is_empty() {
                    crate::common::alert(t_s)
                } else {
                    alert_on(t_s, asset)
                };
                alert.kind = if log { Kind::Log } else { Kind::Alert };
                alert.techniques = ["T0836", "T0846.001"][..named.min(2)]
                    .iter()
                    .map(|t| (*t).to_owned())
                    .collect();
                alert
            })
            .collect()
    })
}

fn check_consistent(result: &Detection) {
    let shares = [
        &result.recall,
        &result.alarm_precision,
        &result.alert_precision,
        &result.detected_before_impact,
        &result.visibility,
        &result.analytic_coverage,
        &result.time_to_detect.normalised,
    ];
    for share in shares {
        assert!(
            share.value.is_none_or(|value| (0.0..=1.0).contains(&value)),
            "{share:?}"
        );
        assert!(
            share.value.is_some() != share.undefined.is_some(),
            "{share:?}"
        );
    }
    assert!(
        result
            .alarm_time_percent
            .value
            .is_none_or(|value| (0.0..=100.0).contains(&value))
    );
    let by_verdict = result.alarms_true
        + result.alarms_false
        + result.alarms_unattributed
        + result.alarms_recovery;
    assert_eq!(by_verdict, result.alarms_total);
    assert_eq!(
        result.alarms.iter().map(|alarm| alarm.alerts).sum::<u64>(),
        result.alerts
    );
    assert_eq!(
        result.grades.iter().map(|count| count.steps).sum::<u64>(),
        result.steps_total
    );
    assert_eq!(result.records.scored, result.alerts + result.log_records);
    assert_eq!(
        result.records.read,
        result.records.scored + result.records.skipped_total()
    );
    assert_eq!(result.recall, result.analytic_coverage);
    let interval = result.recall_interval;
    if let (Some(recall), Some(interval)) = (result.recall.value, interval) {
        assert!(interval.low <= recall && recall <= interval.high);
    }
}

proptest! {
    #[test]
    fn import_when_alerts_are_written_then_read_back_equal(mut alerts in alerts()) {
        for alert in &mut alerts {
            if !alert.techniques.is_empty() {
                alert.technique_source = twinrange_score::alert::TechniqueSource::Native;
            }
        }
        alerts.sort_by_key(|alert| alert.t_ns);
        let read = import(Format::Jsonl, to_jsonl(&alerts).as_bytes(), &ImportOptions::default());
        prop_assert_eq!(read.expect("what we write is valid").alerts, alerts);
    }

    #[test]
    fn score_when_any_input_then_consistent_and_order_does_not_matter(
        steps in steps(),
        alerts in alerts(),
    ) {
        let truth = truth(RUN_S, steps);
        let result = score(&truth, &alerts, &Params::default());
        check_consistent(&result);
        let mut reversed = alerts.clone();
        reversed.reverse();
        reversed.sort_by_key(|alert| alert.t_ns);
        let again = score(&truth, &reversed, &Params::default());
        prop_assert_eq!(again.recall, result.recall.clone());
        prop_assert_eq!(again.alarms_false, result.alarms_false);
        let whole = Score::new(header(), result, None);
        let page = html(&ReportData {
            title: "any".to_owned(),
            item: "part".to_owned(),
            items: "parts".to_owned(),
            intent: String::new(),
            score: &whole,
            actions: Vec::new(),
            impacts: Vec::new(),
            series: Vec::new(),
            events: Vec::new(),
        });
        prop_assert!(page.ends_with("</html>\n") && !page.contains("NaN"));
    }

    /// An alert about an asset that no step touches belongs to no step, whenever it comes.
    #[test]
    fn score_when_a_false_alert_is_added_then_nothing_improves(
        steps in steps(),
        alerts in alerts(),
        t_s in 0..RUN_S,
    ) {
        let truth = truth(RUN_S, steps);
        let before = score(&truth, &alerts, &Params::default());
        let mut more = alerts.clone();
        more.push(alert_on(t_s, "nobody"));
        let after = score(&truth, &more, &Params::default());
        prop_assert_eq!(&after.steps, &before.steps);
        prop_assert_eq!(&after.recall, &before.recall);
        prop_assert_eq!(&after.time_to_detect, &before.time_to_detect);
        let at_most = |after: Option<f64>, before: Option<f64>| before.is_none_or(|before| after.is_some_and(|after| after <= before));
        prop_assert!(at_most(after.alert_precision.value, before.alert_precision.value));
        prop_assert!(at_most(before.alarm_time_percent.value, after.alarm_time_percent.value));
        // Where it bridges no alarms it is one more alarm, and false in quiet time.
        let params = Params::default();
        let alone = alerts.iter().all(|alert| alert.kind == Kind::Log || alert.t_ns.abs_diff(t_s * S) > params.gap_ns);
        if alone {
            prop_assert_eq!(after.alarms_total, before.alarms_total + 1);
            prop_assert!(after.alarms_false >= before.alarms_false);
            let verdict = after.alarms.iter().find(|a| a.first_ns == t_s * S).map(|a| a.verdict);
            prop_assert!(verdict == Some(Verdict::False) || verdict == Some(Verdict::Unattributed));
            prop_assert!(at_most(after.alarm_precision.value, before.alarm_precision.value));
        }
    }

    #[test]
    fn gate_when_any_text_then_never_panics(text in "\\PC{0,60}") {
        if let Err(error) = Gate::parse(&text) {
            prop_assert!(error.column >= 1);
        }
    }
}
