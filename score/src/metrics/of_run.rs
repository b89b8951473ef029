//! The metrics of the literature for a run: its time in samples, its steps as attacks.

use serde::{Deserialize, Serialize};

use super::{Baseline, Range, Scores, Series, baseline};
use crate::detection::Detection;

/// Length of a sample, ns. The finest that lock-step tools answer in.
const PERIOD_NS: u64 = 1_000_000_000;

/// Figures of one run over samples of one second. An attack is the time of a step, an alarm the merged alerts; what an
/// alarm was about does not count here, only when it was.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SeriesFigures {
    /// Length of a sample, s.
    pub period_s: f64,
    /// Samples.
    pub samples: u64,
    /// eTaPR at 0.5, 0.1, 0: precision, recall and F1.
    pub etap: f64,
    /// As [`SeriesFigures::etap`].
    pub etar: f64,
    /// As [`SeriesFigures::etap`].
    pub etapr_f1: f64,
    /// Over samples.
    pub pointwise_precision: f64,
    /// Over samples.
    pub pointwise_recall: f64,
    /// Over samples.
    pub pointwise_f1: f64,
    /// Matthews correlation coefficient over samples.
    pub mcc: f64,
    /// F1 of the precision over samples and the recall over attacks.
    pub composite_f1: f64,
    /// Affiliation F1.
    pub affiliation_f1: Option<f64>,
    /// BATADAL's score.
    pub batadal_s: Option<f64>,
    /// NAB's score, standard profile, with probation.
    pub nab_standard: Option<f64>,
    /// For comparison with older papers only: point-adjusted F1, K = 0.
    pub point_adjust_f1: f64,
    /// The same: range-based F1, flat, one.
    pub range_based_f1: f64,
    /// What the same alarms get at random places.
    pub chance: Option<Baseline>,
}

/// The figures of a run; `None` if nothing attacked.
///
/// # Arguments
///
/// * `duration_ns` — simulated length of the run, ns.
#[must_use]
pub fn of_run(detection: &Detection, duration_ns: u64) -> Option<SeriesFigures> {
    let samples = duration_ns.div_ceil(PERIOD_NS);
    let last = samples.checked_sub(1)?;
    if detection.steps.is_empty() {
        return None;
    }
    let range = |from_ns: u64, to_ns: u64| Range {
        first: (from_ns / PERIOD_NS).min(last),
        last: (to_ns / PERIOD_NS).min(last),
    };
    // A step ends before its last nanosecond; one without a length still fills its sample.
    let attacks: Vec<Range> = detection
        .steps
        .iter()
        .map(|step| {
            range(
                step.start_ns,
                step.end_ns.saturating_sub(1).max(step.start_ns),
            )
        })
        .collect();
    let alarms: Vec<Range> = detection
        .alarms
        .iter()
        .map(|alarm| range(alarm.first_ns, alarm.last_ns))
        .collect();
    let series = Series::new(samples, &attacks, &alarms).expect("they were cut to the run");
    let scores = Scores::of(&series);
    let etapr = &scores.etapr[0];
    let probation = scores.nab.iter().find(|nab| nab.probation > 0.0);
    Some(SeriesFigures {
        period_s: PERIOD_NS as f64 / 1e9,
        samples,
        etap: etapr.etap,
        etar: etapr.etar,
        etapr_f1: etapr.f1,
        pointwise_precision: scores.pointwise.precision,
        pointwise_recall: scores.pointwise.recall,
        pointwise_f1: scores.pointwise.f1,
        mcc: scores.pointwise.mcc,
        composite_f1: scores.eventwise.composite_f1,
        affiliation_f1: scores.affiliation.f1,
        batadal_s: scores.batadal.s,
        nab_standard: probation.and_then(|nab| nab.normalised),
        point_adjust_f1: scores.point_adjust["0"].f1,
        range_based_f1: scores.range_based[0].f1,
        chance: baseline(&series),
    })
}
