//! Compares alerts with the truth: recall, time to detect, false alarms, technique grades.
//!
//! **Invariant:** only [`Kind::Alert`] detects; log records earn [`Grade::Telemetry`] at most.
//!
//! **Invariant:** a miss stays in every figure. Times to detect treat it as censored, shares count
//! it in the denominator.
//!
//! # Source
//!
//! Event-wise scoring with alarm merging and grace as in IPAL's evaluation (fkie-cad/ipal_evaluate);
//! grades after MITRE ATT&CK Evaluations ICS (2021). `docs/scoring.md` has every formula.

mod alarm;
mod grade;
mod intervals;
mod truth;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use alarm::{Alarm, Verdict};
pub use grade::Grade;
pub use truth::{Outcome, Params, StepTruth, Truth};

use crate::alert::{Alert, Kind};
use crate::attack;
use crate::figure::{Figure, Interval};
use crate::formats::{AFTER_RUN, IN_CLEAN_PERIOD, count_u64};
use crate::records::Records;
use crate::stats::{self, Observation};
use intervals::Intervals;

const NS_PER_S: f64 = 1e9;

/// One step that could be detected, and what the defense made of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StepResult {
    /// Identifier within the playbook.
    pub id: String,
    /// Name for people.
    pub name: String,
    /// Techniques of the step in ATT&CK v19.
    pub techniques: Vec<String>,
    /// Start, simulated ns.
    pub start_ns: u64,
    /// End, simulated ns.
    pub end_ns: u64,
    /// First physical impact of the attack in the run without defense, simulated ns, if the step began
    /// before it.
    pub impact_ns: Option<u64>,
    /// What became of the step.
    pub outcome: Outcome,
    /// Whether an alert is attributed to it.
    pub detected: bool,
    /// When, simulated ns.
    pub first_alert_ns: Option<u64>,
    /// Signature of the first alert.
    pub first_signature: Option<String>,
    /// Time to detect, s: first alert minus start. `None` for a miss.
    pub time_to_detect_s: Option<f64>,
    /// Impact minus first alert, s; negative when the alert came after the damage.
    pub lead_time_s: Option<f64>,
    /// Best grade of all its alerts and log records.
    pub grade: Grade,
    /// Number of alerts attributed to it.
    pub alerts: u64,
}

/// A step that never ran.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ExcludedStep {
    /// Identifier within the playbook.
    pub id: String,
    /// Name for people.
    pub name: String,
    /// Why it is left out.
    pub reason: String,
}

/// Times to detect over all steps, misses as right-censored observations (Kaplan-Meier).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TimeToDetect {
    /// Median, s. Undefined when more than half of the steps were missed.
    pub median_s: Figure,
    /// 90th percentile, s. Undefined when more than a tenth of the steps were missed.
    pub p90_s: Figure,
    /// Longest, s. Undefined when a step was missed: it has no end.
    pub max_s: Figure,
    /// Mean of `min(1, TTD / (impact - start))` over steps with an impact, a miss as 1. 0 is at
    /// once, 1 is not before the damage.
    pub normalised: Figure,
}

/// How many steps have exactly this grade.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GradeCount {
    /// The grade.
    pub grade: Grade,
    /// Number of steps.
    pub steps: u64,
}

/// The detection half of a score.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Detection {
    /// The parameters of the comparison.
    pub params: Params,
    /// Steps that ran.
    pub steps_total: u64,
    /// Steps with an attributed alert.
    pub steps_detected: u64,
    /// Detected steps over steps, a share. Undefined without steps.
    pub recall: Figure,
    /// Wilson's 95 % interval of recall.
    pub recall_interval: Option<Interval>,
    /// Times to detect.
    pub time_to_detect: TimeToDetect,
    /// Steps with a physical impact in the run without defense.
    pub steps_with_impact: u64,
    /// Share of the steps with impact that were detected before it.
    pub detected_before_impact: Figure,
    /// Alerts (without log records).
    pub alerts: u64,
    /// Alerts attributed to a step.
    pub alerts_attributed: u64,
    /// Attributed alerts over alerts, a share.
    pub alert_precision: Figure,
    /// Log records.
    pub log_records: u64,
    /// Alarms of all verdicts.
    pub alarms_total: u64,
    /// Alarms attributed to a step.
    pub alarms_true: u64,
    /// Alarms that meet no attack interval.
    pub alarms_false: u64,
    /// Alarms in an attack interval about other assets.
    pub alarms_unattributed: u64,
    /// Alarms that a recovery window excuses, at most one each.
    pub alarms_recovery: u64,
    /// True alarms over alarms, a share. Undefined without alarms.
    pub alarm_precision: Figure,
    /// Simulated time after the clean period with neither attack (with grace) nor recovery, s.
    pub attack_free_s: f64,
    /// False alarms per attack-free day. Undefined without attack-free time.
    pub false_alarms_per_day: Figure,
    /// Exact Poisson 95 % interval of the same.
    pub false_alarms_per_day_interval: Option<Interval>,
    /// Share of the attack-free time that lies in alarms of any verdict, percent. Near 100 for a
    /// detector that never stops alerting, whatever its recall.
    pub alarm_time_percent: Figure,
    /// Grades from worst to best, each with its number of steps.
    pub grades: Vec<GradeCount>,
    /// Share of steps with at least telemetry.
    pub visibility: Figure,
    /// Share of steps with at least a general alert. Equals recall.
    pub analytic_coverage: Figure,
    /// The steps that ran, in the playbook's order.
    pub steps: Vec<StepResult>,
    /// The steps that never ran.
    pub excluded_steps: Vec<ExcludedStep>,
    /// The alarms by time.
    pub alarms: Vec<Alarm>,
    /// Where all records of the alert file went.
    pub records: Records,
}

impl Detection {
    /// When the damage began, simulated ns: the first physical impact of the run without defense, as far as a
    /// step began before it.
    #[must_use]
    pub fn first_impact_ns(&self) -> Option<u64> {
        self.steps.iter().filter_map(|step| step.impact_ns).min()
    }

    /// The first alert that belongs to a step, simulated ns.
    #[must_use]
    pub fn first_alert_ns(&self) -> Option<u64> {
        self.steps
            .iter()
            .filter_map(|step| step.first_alert_ns)
            .min()
    }
}

/// Scores alerts against the truth.
///
/// # Arguments
///
/// * `alerts` — in any order; log records included.
///
/// # Panics
///
/// If a step ends before it starts, or two steps share an identifier: the truth is ours.
#[must_use]
pub fn score(truth: &Truth, alerts: &[Alert], params: &Params) -> Detection {
    for step in &truth.steps {
        assert!(
            step.start_ns <= step.end_ns,
            "step {} ends before it starts",
            step.id
        );
        let same = truth
            .steps
            .iter()
            .filter(|other| other.id == step.id)
            .count();
        assert!(same == 1, "step identifier {} is not unique", step.id);
    }
    let steps: Vec<&StepTruth> = truth
        .steps
        .iter()
        .filter(|step| step.outcome != Outcome::NotReached)
        .collect();
    let mut inside: Vec<&Alert> = alerts
        .iter()
        .filter(|alert| (truth.clean_ns..=truth.duration_ns).contains(&alert.t_ns))
        .collect();
    inside.sort_by_key(|alert| alert.t_ns);
    let lone_span = lone_span(&steps);
    let attributed: Vec<(&Alert, Vec<usize>)> = inside
        .iter()
        .map(|&alert| (alert, attribute(alert, &steps, lone_span, params)))
        .collect();
    let (alerts_only, logs): (Vec<_>, Vec<_>) = attributed
        .into_iter()
        .partition(|(alert, _)| alert.kind == Kind::Alert);

    let limit_ns = truth.duration_ns;
    let attacks = Intervals::union(
        steps.iter().map(|step| step.window(params.grace_ns)),
        limit_ns,
    );
    let alarms = alarm::merge(&alerts_only, &steps, &attacks, &truth.recovery, params);
    let results: Vec<StepResult> = steps
        .iter()
        .enumerate()
        .map(|(index, step)| step_result(index, step, &alerts_only, &logs, params))
        .collect();
    let noise = noise(truth, &steps, &alarms, params);
    let records = records(truth, alerts, count_u64(inside.len()));
    assemble(
        truth,
        params,
        results,
        alarms,
        noise,
        &alerts_only,
        &logs,
        records,
    )
}

/// Counts what is compared with the truth and what is not: the clean period is for learning.
fn records(truth: &Truth, alerts: &[Alert], scored: u64) -> Records {
    let mut skipped = BTreeMap::new();
    for alert in alerts {
        let reason = if alert.t_ns > truth.duration_ns {
            AFTER_RUN
        } else if alert.t_ns < truth.clean_ns {
            IN_CLEAN_PERIOD
        } else {
            continue;
        };
        *skipped.entry(reason.to_owned()).or_default() += 1;
    }
    Records {
        read: count_u64(alerts.len()),
        scored,
        skipped,
        left_out: Vec::new(),
    }
}

/// The span that all labelled frames belong to, if there is only one: alerts need not name it.
fn lone_span<'a>(steps: &[&'a StepTruth]) -> Option<&'a str> {
    let mut spans = steps.iter().flat_map(|step| step.frames.keys());
    let first = spans.next()?;
    spans.all(|span| span == first).then_some(first.as_str())
}

/// The indices of the steps that a record refers to.
///
/// A record that names a frame labelled with a step refers to exactly the steps of that frame. Any
/// other refers to the steps whose window holds its time and that share an asset with it; an alert
/// that names no asset refers to all steps in the window. A frame without a label does not exclude:
/// stream-based tools stamp an alert with a later packet of the connection.
fn attribute(
    alert: &Alert,
    steps: &[&StepTruth],
    lone_span: Option<&str>,
    params: &Params,
) -> Vec<usize> {
    if let (Some(frame), Some(span)) = (alert.frame, alert.span.as_deref().or(lone_span)) {
        let exact: Vec<usize> = (0..steps.len())
            .filter(|&index| steps[index].has_frame(span, frame))
            .collect();
        if !exact.is_empty() {
            return exact;
        }
    }
    let anonymous = alert.asset_names().next().is_none();
    if anonymous && alert.kind == Kind::Log {
        return Vec::new();
    }
    (0..steps.len())
        .filter(|&index| {
            let step = steps[index];
            step.covers(alert.t_ns, params.grace_ns)
                && (anonymous || alert.asset_names().any(|name| names_host(step, name)))
        })
        .collect()
}

fn names_host(step: &StepTruth, name: &str) -> bool {
    step.hosts.contains(name)
        || step
            .hosts
            .iter()
            .any(|host| host.eq_ignore_ascii_case(name))
}

fn step_result(
    index: usize,
    step: &StepTruth,
    alerts: &[(&Alert, Vec<usize>)],
    logs: &[(&Alert, Vec<usize>)],
    params: &Params,
) -> StepResult {
    let mine: Vec<&Alert> = alerts
        .iter()
        .filter(|(_, steps)| steps.contains(&index))
        .map(|(alert, _)| *alert)
        .collect();
    // min_by_key keeps the first of equals, so the file's order decides ties.
    let first = mine.iter().min_by_key(|alert| alert.effective_ns());
    let telemetry = logs.iter().any(|(_, steps)| steps.contains(&index));
    let floor = if telemetry {
        Grade::Telemetry
    } else {
        Grade::None
    };
    let grade = mine
        .iter()
        .map(|alert| grade::of_alert(alert, step, params))
        .fold(floor, Grade::max);
    let first_alert_ns = first.map(|alert| alert.effective_ns());
    StepResult {
        id: step.id.clone(),
        name: step.name.clone(),
        techniques: crate::alert::canonical_techniques(step.techniques.iter().map(String::as_str)),
        start_ns: step.start_ns,
        end_ns: step.end_ns,
        impact_ns: step.impact_ns,
        outcome: step.outcome,
        detected: first.is_some(),
        first_alert_ns,
        first_signature: first.map(|alert| {
            alert
                .sig_name
                .clone()
                .unwrap_or_else(|| alert.sig_id.clone())
        }),
        // An exact frame match may carry a time before the step's start if a clock is off by a
        // little; detection cannot precede what it detects.
        time_to_detect_s: first_alert_ns.map(|t_ns| seconds(t_ns.saturating_sub(step.start_ns))),
        lead_time_s: first_alert_ns
            .zip(step.impact_ns)
            .map(|(alert_ns, impact_ns)| {
                if impact_ns >= alert_ns {
                    seconds(impact_ns - alert_ns)
                } else {
                    -seconds(alert_ns - impact_ns)
                }
            }),
        grade,
        alerts: count_u64(mine.len()),
    }
}

/// What alarms cost while nothing was wrong.
struct Noise {
    attack_free_ns: u64,
    alarm_time_ns: u64,
}

fn noise(truth: &Truth, steps: &[&StepTruth], alarms: &[Alarm], params: &Params) -> Noise {
    let limit_ns = truth.duration_ns;
    let busy = Intervals::union(
        steps
            .iter()
            .map(|step| step.window(params.grace_ns))
            .chain(truth.recovery.iter().copied())
            .chain([(0, truth.clean_ns)]),
        limit_ns,
    );
    // A recounted alarm never stopped, so the time between its parts is alarm time.
    let mut spans: BTreeMap<Option<&str>, Vec<(u64, u64)>> = BTreeMap::new();
    for alarm in alarms {
        let end_ns = alarm.last_ns.saturating_add(alarm::ALERT_LENGTH_NS);
        let spans = spans.entry(alarm.tool.as_deref()).or_default();
        match spans.last_mut() {
            Some(last)
                if alarm.first_ns.saturating_add(alarm::ALERT_LENGTH_NS) - last.1
                    <= params.gap_ns =>
            {
                last.1 = end_ns;
            }
            _ => spans.push((alarm.first_ns, end_ns)),
        }
    }
    let alarmed = Intervals::union(spans.into_values().flatten(), limit_ns);
    Noise {
        attack_free_ns: limit_ns - busy.length_ns(),
        alarm_time_ns: alarmed.length_ns() - alarmed.overlap_ns(&busy),
    }
}

#[expect(
    clippy::too_many_arguments,
    reason = "one place gathers all parts of the result"
)]
fn assemble(
    truth: &Truth,
    params: &Params,
    steps: Vec<StepResult>,
    alarms: Vec<Alarm>,
    noise: Noise,
    alerts: &[(&Alert, Vec<usize>)],
    logs: &[(&Alert, Vec<usize>)],
    records: Records,
) -> Detection {
    let share = |part: u64, whole: u64, reason| Figure::ratio(part as f64, whole as f64, reason);
    let steps_total = count_u64(steps.len());
    let at_least = |grade| count_u64(steps.iter().filter(|step| step.grade >= grade).count());
    let detected = count_u64(steps.iter().filter(|step| step.detected).count());
    let with_impact = count_u64(steps.iter().filter(|step| step.impact_ns.is_some()).count());
    let before_impact = count_u64(
        steps
            .iter()
            .filter(|step| step.lead_time_s.is_some_and(|lead| lead > 0.0))
            .count(),
    );
    let attributed = count_u64(alerts.iter().filter(|(_, steps)| !steps.is_empty()).count());
    let verdicts = |verdict| count_u64(alarms.iter().filter(|a| a.verdict == verdict).count());
    let alarms_total = count_u64(alarms.len());
    let (alarms_true, alarms_false) = (verdicts(Verdict::True), verdicts(Verdict::False));
    let attack_free_s = seconds(noise.attack_free_ns);
    const NO_STEPS: &str = "no attack step ran";
    const NO_ALARMS: &str = "the tool raised no alarm";
    const NO_QUIET: &str = "no attack-free time was observed after the clean period";
    Detection {
        params: *params,
        steps_total,
        steps_detected: detected,
        recall: share(detected, steps_total, NO_STEPS),
        recall_interval: stats::wilson(detected, steps_total),
        time_to_detect: time_to_detect(&steps, params),
        steps_with_impact: with_impact,
        detected_before_impact: share(before_impact, with_impact, "no step had a physical impact"),
        alerts: count_u64(alerts.len()),
        alerts_attributed: attributed,
        alert_precision: share(attributed, count_u64(alerts.len()), NO_ALARMS),
        log_records: count_u64(logs.len()),
        alarms_total,
        alarms_true,
        alarms_false,
        alarms_unattributed: verdicts(Verdict::Unattributed),
        alarms_recovery: verdicts(Verdict::Recovery),
        alarm_precision: share(alarms_true, alarms_total, NO_ALARMS),
        attack_free_s,
        false_alarms_per_day: Figure::ratio(
            alarms_false as f64 * 86_400.0,
            attack_free_s,
            NO_QUIET,
        ),
        false_alarms_per_day_interval: stats::poisson_per_day(alarms_false, attack_free_s),
        alarm_time_percent: Figure::ratio(
            100.0 * seconds(noise.alarm_time_ns),
            attack_free_s,
            NO_QUIET,
        ),
        grades: Grade::ALL
            .map(|grade| GradeCount {
                grade,
                steps: count_u64(steps.iter().filter(|step| step.grade == grade).count()),
            })
            .to_vec(),
        visibility: share(at_least(Grade::Telemetry), steps_total, NO_STEPS),
        analytic_coverage: share(at_least(Grade::General), steps_total, NO_STEPS),
        excluded_steps: excluded(truth),
        steps,
        alarms,
        records,
    }
}

fn excluded(truth: &Truth) -> Vec<ExcludedStep> {
    truth
        .steps
        .iter()
        .filter(|step| step.outcome == Outcome::NotReached)
        .map(|step| ExcludedStep {
            id: step.id.clone(),
            name: step.name.clone(),
            reason: "the attack never reached this step".to_owned(),
        })
        .collect()
}

fn time_to_detect(steps: &[StepResult], params: &Params) -> TimeToDetect {
    let observations: Vec<Observation> = steps
        .iter()
        .map(|step| match step.time_to_detect_s {
            Some(time_s) => Observation {
                time_s,
                censored: false,
            },
            None => Observation {
                time_s: seconds((step.end_ns - step.start_ns).saturating_add(params.grace_ns)),
                censored: true,
            },
        })
        .collect();
    let missed = observations
        .iter()
        .filter(|observation| observation.censored)
        .count();
    // Short steps are watched for a short time only, so that a late hit on one long step could alone
    // bring the curve down; too many misses leave no quantile whatever the curve says.
    let too_many = |q: f64| missed as f64 > (1.0 - q) * steps.len() as f64 + 1e-9;
    let quantile = |q: f64| {
        let found = stats::kaplan_meier_quantile(&observations, q);
        found.filter(|_| !too_many(q)).map_or_else(
            || {
                Figure::undefined(if steps.is_empty() {
                    "no attack step ran".to_owned()
                } else {
                    format!(
                        "too few steps were detected ({missed} of {} missed)",
                        steps.len()
                    )
                })
            },
            Figure::of,
        )
    };
    let max_s = if missed > 0 {
        Figure::undefined(format!(
            "{missed} of {} steps were never detected",
            steps.len()
        ))
    } else {
        quantile(1.0)
    };
    TimeToDetect {
        median_s: quantile(0.5),
        p90_s: quantile(0.9),
        max_s,
        normalised: normalised(steps),
    }
}

fn normalised(steps: &[StepResult]) -> Figure {
    let shares: Vec<f64> = steps
        .iter()
        .filter_map(|step| {
            let until_impact_ns = step.impact_ns?.saturating_sub(step.start_ns);
            let Some(time_s) = step.time_to_detect_s else {
                return Some(1.0);
            };
            // An impact at the very start leaves no time: nobody can be early.
            let share = if until_impact_ns == 0 {
                1.0
            } else {
                time_s / seconds(until_impact_ns)
            };
            Some(if share < 1.0 { share } else { 1.0 })
        })
        .collect();
    let sum: f64 = shares.iter().sum();
    Figure::ratio(sum, shares.len() as f64, "no step had a physical impact")
}

/// Simulated nanoseconds as seconds.
fn seconds(ns: u64) -> f64 {
    ns as f64 / NS_PER_S
}

/// The canonical techniques of all steps that ran with the results of their steps, by identifier.
pub(crate) fn by_technique(detection: &Detection) -> BTreeMap<&str, Vec<&StepResult>> {
    let mut map: BTreeMap<&str, Vec<&StepResult>> = BTreeMap::new();
    for step in &detection.steps {
        for id in &step.techniques {
            map.entry(attack::canonical(id)).or_default().push(step);
        }
    }
    map
}
