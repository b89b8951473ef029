//! Detection against the reference vectors and the edge cases.

use crate::common::{S, alert, alert_on, sampled, step, truth};
use serde::Deserialize;
use twinrange_score::alert::{Alert, Endpoint, Kind};
use twinrange_score::detection::{Detection, Grade, Outcome, Params, Verdict, score};

#[derive(Deserialize)]
struct Vector {
    id: String,
    n: u64,
    truth: Vec<(u64, u64)>,
    pred: Vec<(u64, u64)>,
    expected: Expected,
}

#[derive(Deserialize)]
struct Expected {
    attacks: u64,
    attacks_detected: u64,
    alarms: u64,
    alarms_true: u64,
    alarms_false: u64,
    event_recall: f64,
    alarm_precision: f64,
}

/// One alert per flagged sample.
fn samples(ranges: &[(u64, u64)]) -> Vec<Alert> {
    ranges
        .iter()
        .flat_map(|&(first, last)| first..=last)
        .map(alert)
        .collect()
}

#[test]
fn eventwise_when_reference_vectors_then_equal() {
    let vectors: Vec<Vector> = serde_json::from_str(include_str!("../data/eventwise-vectors.json"))
        .expect("the vectors are valid");
    assert_eq!(vectors.len(), 20);
    for vector in vectors {
        let steps = vector
            .truth
            .iter()
            .enumerate()
            .map(|(i, &(first, last))| step(&i.to_string(), first, last + 1))
            .collect();
        // The vectors count ranges as they are given: two that touch stay two.
        let touching = vector
            .pred
            .windows(2)
            .filter(|pair| pair[1].0 == pair[0].1 + 1)
            .count();
        let result = score(&truth(vector.n, steps), &samples(&vector.pred), &sampled());
        let expected = vector.expected;
        assert_eq!(result.steps_total, expected.attacks, "{}", vector.id);
        assert_eq!(
            result.steps_detected, expected.attacks_detected,
            "{}",
            vector.id
        );
        assert_eq!(
            result.recall.value,
            Some(expected.event_recall),
            "{}",
            vector.id
        );
        if touching == 0 {
            assert_eq!(result.alarms_total, expected.alarms, "{}", vector.id);
            assert_eq!(result.alarms_true, expected.alarms_true, "{}", vector.id);
            assert_eq!(result.alarms_false, expected.alarms_false, "{}", vector.id);
            assert_eq!(
                result.alarm_precision.value,
                Some(expected.alarm_precision),
                "{}",
                vector.id
            );
        }
    }
}

/// WE1 of the reference: n = 200 s, attacks [40,59] and [120,139], alarms [45,64], [90,94], [180,182].
#[test]
fn worked_example_when_scored_then_reference_values() {
    let truth = truth(200, vec![step("A1", 40, 60), step("A2", 120, 140)]);
    let result = score(
        &truth,
        &samples(&[(45, 64), (90, 94), (180, 182)]),
        &sampled(),
    );
    assert_eq!(result.recall.value, Some(0.5));
    assert_eq!((result.alarms_true, result.alarms_false), (1, 2));
    assert_eq!(result.alarm_precision.value, Some(1.0 / 3.0));
    assert_eq!(result.steps[0].time_to_detect_s, Some(5.0));
    assert_eq!(result.steps[1].time_to_detect_s, None);
    assert_eq!(result.time_to_detect.median_s.value, Some(5.0));
    assert_eq!(result.time_to_detect.max_s.value, None);
    assert_eq!(result.attack_free_s, 160.0);
    assert_eq!(result.false_alarms_per_day.value, Some(1080.0));
    let interval = result
        .false_alarms_per_day_interval
        .expect("there is quiet time");
    // 2 in 160 s: the limits of 2 events, 0.2422 and 7.2247, times 540.
    assert!(
        (interval.low - 0.2422 * 540.0).abs() < 0.1 && (interval.high - 7.2247 * 540.0).abs() < 0.1
    );
    // Outside the attacks lie 60-64, 90-94 and 180-182 of 160 s.
    assert_eq!(result.alarm_time_percent.value, Some(100.0 * 13.0 / 160.0));
}

#[test]
fn always_on_when_scored_then_recall_does_not_stand_alone() {
    let day_s = 86_400;
    let truth = truth(day_s, vec![step("a", 40_000, 40_600)]);
    let at_every = |period_s: u64| {
        let alerts: Vec<Alert> = (0..day_s / period_s).map(|i| alert(i * period_s)).collect();
        score(&truth, &alerts, &Params::default())
    };
    for period_s in [1, 10, 60, 61, 300] {
        let result = at_every(period_s);
        assert_eq!(result.recall.value, Some(1.0), "{period_s}");
        assert!(
            result.false_alarms_per_day.value.expect("quiet time") > 100.0,
            "{period_s}"
        );
        assert!(
            result.alert_precision.value.expect("alerts") < 0.01,
            "{period_s}"
        );
        if period_s <= 60 {
            assert!(
                result.alarm_time_percent.value.expect("quiet time") > 99.9,
                "{period_s}"
            );
        }
    }
    let result = at_every(10);
    let score = twinrange_score::score::Score::new(crate::common::header(), result, None);
    assert!(
        score.caveats[0].contains("always alarms"),
        "{:?}",
        score.caveats
    );
}

#[test]
fn score_when_nothing_happened_then_undefined_and_not_zero() {
    let result = score(&truth(3600, vec![]), &[], &Params::default());
    assert_eq!(
        result.recall.undefined.as_deref(),
        Some("no attack step ran")
    );
    assert_eq!(
        result.alarm_precision.undefined.as_deref(),
        Some("the tool raised no alarm")
    );
    assert_eq!(result.recall_interval, None);
    assert_eq!(result.false_alarms_per_day.value, Some(0.0));
    assert_eq!(result.alarm_time_percent.value, Some(0.0));
    assert_eq!(result.attack_free_s, 3600.0);
    // The whole run under attack: nothing is known about false alarms.
    let busy = score(
        &truth(100, vec![step("a", 0, 100)]),
        &[],
        &Params::default(),
    );
    assert_eq!(
        busy.false_alarms_per_day.undefined.as_deref(),
        Some("no attack-free time was observed after the clean period")
    );
    assert_eq!(busy.time_to_detect.median_s.value, None);
    assert_eq!(busy.recall.value, Some(0.0));
}

fn verdicts(result: &Detection) -> Vec<Verdict> {
    result.alarms.iter().map(|alarm| alarm.verdict).collect()
}

#[test]
fn attribution_when_time_and_asset_vary_then_by_rule() {
    // (alert, grace, steps that it belongs to, verdict of its alarm)
    let check = |alert: Alert, expect: &[&str], verdict: Verdict| {
        let mut second = step("b", 130, 170);
        second.hosts = ["plc".to_owned(), "target".to_owned()].into();
        second.frames = [("cell".to_owned(), [7].into())].into();
        let mut first = step("a", 100, 150);
        first.frames = [("cell".to_owned(), [5].into())].into();
        let params = Params {
            grace_ns: 10 * S,
            ..Params::default()
        };
        let mut truth = truth(3600, vec![first, second]);
        truth.recovery = vec![(200 * S, 300 * S)];
        let result = score(&truth, std::slice::from_ref(&alert), &params);
        let got: Vec<&str> = result
            .steps
            .iter()
            .filter(|step| step.detected)
            .map(|step| step.id.as_str())
            .collect();
        assert_eq!(got, expect, "{alert:?}");
        assert_eq!(verdicts(&result), [verdict], "{alert:?}");
    };
    check(alert(99), &[], Verdict::False);
    check(alert(100), &["a"], Verdict::True);
    check(alert(140), &["a", "b"], Verdict::True);
    check(alert(160), &["a", "b"], Verdict::True);
    check(alert(180), &["b"], Verdict::True);
    check(alert(181), &[], Verdict::False);
    check(alert(250), &[], Verdict::Recovery);
    check(alert_on(140, "TARGET"), &["a", "b"], Verdict::True);
    check(alert_on(140, "plc"), &["b"], Verdict::True);
    check(alert_on(140, "printer"), &[], Verdict::Unattributed);
    let framed = |t_s, frame, asset: &str| Alert {
        frame: Some(frame),
        ..alert_on(t_s, asset)
    };
    check(framed(140, 5, "printer"), &["a"], Verdict::True); // The frame decides.
    check(framed(140, 7, "target"), &["b"], Verdict::True);
    check(framed(140, 6, "plc"), &["b"], Verdict::True); // An unlabelled frame does not exclude.
    check(framed(90, 5, "target"), &["a"], Verdict::True); // A clock a little off.
    check(
        Alert {
            span: Some("plant".to_owned()),
            ..framed(50, 5, "target")
        },
        &[],
        Verdict::False,
    );
}

#[test]
fn recovery_when_alarms_repeat_then_excuses_one_for_each_window() {
    let mut truth = truth(3600, vec![]);
    truth.recovery = vec![(200 * S, 320 * S), (1000 * S, 1120 * S)];
    let at = [210, 310, 1010, 2000];
    let result = score(&truth, &at.map(alert), &Params::default());
    assert_eq!(
        verdicts(&result),
        [
            Verdict::Recovery,
            Verdict::False,
            Verdict::Recovery,
            Verdict::False
        ]
    );
}

#[test]
fn clean_period_when_alerts_lie_in_it_then_neither_they_nor_its_time_count() {
    let mut truth = truth(3600, vec![step("a", 2000, 2100)]);
    truth.clean_ns = 1800 * S;
    let params = Params {
        grace_ns: 0,
        ..Params::default()
    };
    let result = score(&truth, &[alert(5), alert(1799), alert(1800)], &params);
    assert_eq!((result.alerts, result.alarms_false), (1, 1));
    assert_eq!((result.records.read, result.records.scored), (3, 1));
    assert_eq!(result.records.skipped["in the clean period"], 2);
    assert_eq!(result.attack_free_s, 1700.0);
}

/// One long step, found late, brings the curve down alone when the missed ones are short.
#[test]
fn median_when_more_than_half_is_missed_then_undefined() {
    let steps = vec![
        step("a", 100, 110),
        step("b", 200, 210),
        step("c", 300, 3000),
    ];
    let result = score(&truth(3600, steps), &[alert(2900)], &Params::default());
    assert_eq!(result.steps_detected, 1);
    assert_eq!(result.time_to_detect.median_s.value, None);
}

#[test]
fn time_to_detect_when_received_later_or_stamped_early_then_honest() {
    let check = |alert: Alert, expect: f64| {
        let mut step = step("a", 100, 150);
        step.frames = [("cell".to_owned(), [5].into())].into();
        step.impact_ns = Some(120 * S);
        let result = score(&truth(3600, vec![step]), &[alert], &Params::default());
        assert_eq!(result.steps[0].time_to_detect_s, Some(expect));
        result
    };
    check(alert(108), 8.0);
    check(
        Alert {
            t_received_ns: Some(112 * S),
            ..alert(108)
        },
        12.0,
    );
    check(
        Alert {
            frame: Some(5),
            ..alert(99)
        },
        0.0,
    );
    let late = check(alert(130), 30.0);
    assert_eq!(late.steps[0].lead_time_s, Some(-10.0));
    assert_eq!(late.detected_before_impact.value, Some(0.0));
    assert_eq!(late.time_to_detect.normalised.value, Some(1.0));
    let early = check(alert(105), 5.0);
    assert_eq!(early.time_to_detect.normalised.value, Some(0.25));
    assert_eq!(early.detected_before_impact.value, Some(1.0));
}

#[test]
fn alarms_when_gaps_vary_then_merged_per_tool_and_recounted() {
    let check = |times: &[u64], expect: &[(u64, u64)]| {
        let alerts: Vec<Alert> = times.iter().map(|&t| alert(t)).collect();
        let result = score(&truth(7200, vec![]), &alerts, &Params::default());
        let got: Vec<(u64, u64)> = result
            .alarms
            .iter()
            .map(|alarm| (alarm.first_ns / S, alarm.last_ns / S))
            .collect();
        assert_eq!(got, expect, "{times:?}");
    };
    check(&[10, 70, 131], &[(10, 70), (131, 131)]);
    check(&[131, 10, 70], &[(10, 70), (131, 131)]);
    let minute: Vec<u64> = (0..21).map(|i| i * 60).collect();
    check(&minute, &[(0, 600), (660, 1200)]);
    let mut other = alert(30);
    other.tool = Some("other".to_owned());
    let result = score(
        &truth(7200, vec![]),
        &[alert(10), other, alert(50)],
        &Params::default(),
    );
    assert_eq!(result.alarms_total, 2);
}

#[test]
fn exclusion_when_step_never_ran_then_in_no_figure_and_no_attack_time() {
    let mut never = step("b", 500, 600);
    never.outcome = Outcome::NotReached;
    let result = score(
        &truth(3600, vec![step("a", 100, 150), never]),
        &[alert(550)],
        &Params::default(),
    );
    assert_eq!(result.steps_total, 1);
    assert_eq!(result.excluded_steps.len(), 1);
    assert_eq!(verdicts(&result), [Verdict::False]);
}

#[test]
fn records_when_after_the_run_then_left_out_and_counted() {
    let result = score(
        &truth(100, vec![]),
        &[alert(100), alert(101)],
        &Params::default(),
    );
    assert_eq!((result.records.read, result.records.scored), (2, 1));
    assert_eq!(result.records.skipped["after the end of the run"], 1);
}

#[test]
fn grade_when_alerts_name_more_or_less_then_by_category() {
    let check = |techniques: &[&str], tactics: &[&str], truth_id: &str, expect: Grade| {
        let mut step = step("a", 100, 150);
        step.techniques = vec![truth_id.to_owned()];
        let owned = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect::<Vec<_>>();
        let alert = Alert {
            techniques: owned(techniques),
            tactics: owned(tactics),
            ..alert(110)
        };
        let result = score(&truth(3600, vec![step]), &[alert], &Params::default());
        assert_eq!(
            result.steps[0].grade, expect,
            "{techniques:?} {tactics:?} for {truth_id}"
        );
    };
    check(&[], &[], "T0836", Grade::General);
    check(&["T0836"], &[], "T0836", Grade::Technique);
    check(&["T1692.001"], &[], "T0855", Grade::Technique); // After the crosswalk.
    check(&["T1692"], &[], "T1692.001", Grade::TacticPlus);
    check(&["T1692.002"], &[], "T1692.001", Grade::TacticPlus);
    check(&["T0846.001"], &[], "T0846", Grade::TacticPlus);
    check(&["T0806"], &[], "T0836", Grade::Tactic); // Both impair process control.
    check(&["T0846"], &[], "T0836", Grade::General);
    check(&[], &["TA0106"], "T0836", Grade::Tactic);
    check(&[], &["TA0102"], "T0836", Grade::General);
    check(&["T0806"], &["TA0102"], "T0836", Grade::General); // Its own word on the tactic stands.
    // A list of everything is no knowledge.
    check(
        &["T0836", "T0806", "T0846", "T0888", "T0830", "T0814"],
        &[],
        "T0836",
        Grade::General,
    );
}

#[test]
fn telemetry_when_only_records_refer_then_visible_and_not_detected() {
    let record = |t_s, ip: Option<&str>| Alert {
        kind: Kind::Log,
        src: Endpoint {
            ip: ip.map(str::to_owned),
            ..Endpoint::default()
        },
        ..alert(t_s)
    };
    let check = |record: Alert, expect: Grade| {
        let result = score(
            &truth(3600, vec![step("a", 100, 150)]),
            &[record],
            &Params::default(),
        );
        assert_eq!(result.steps[0].grade, expect);
        assert_eq!(
            (result.recall.value, result.alarms_total, result.log_records),
            (Some(0.0), 0, 1)
        );
    };
    check(record(110, Some("10.20.1.66")), Grade::Telemetry);
    check(record(110, Some("10.20.1.99")), Grade::None);
    check(record(110, None), Grade::None);
    check(record(900, Some("10.20.1.66")), Grade::None);
}
