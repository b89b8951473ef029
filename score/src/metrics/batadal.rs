//! The score of the BATADAL competition: time to detect, and the balance of right decisions.
//!
//! # Source
//!
//! R. Taormina et al., *Battle of the Attack Detection Algorithms*, J. Water Resour. Plann. Manage. 2018, equations 3
//! and 6, with the behaviour of ipal_evaluate.

use serde::Serialize;

use super::{Range, Series, pointwise, within};

/// Weight of the time to detect; the rest is that of the decisions.
pub const GAMMA: f64 = 0.5;

/// BATADAL's score.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Batadal {
    /// [`GAMMA`].
    pub gamma: f64,
    /// 1 less the mean share of an attack that had passed when it was detected; a miss is all of it.
    #[serde(rename = "S_TTD")]
    pub s_ttd: Option<f64>,
    /// Mean of the recall and the specificity over samples.
    #[serde(rename = "S_CM")]
    pub s_cm: f64,
    /// Both by their weights.
    #[serde(rename = "S")]
    pub s: Option<f64>,
}

/// BATADAL's score as ipal_evaluate counts it: an attack lasts from its first to its last sample.
///
/// An attack of one sample costs 0 when it is detected and 1 when not; at sample 0 always 1, because the
/// reference takes time 0 for no time; as the last sample of the series it has no score at all.
#[must_use]
pub fn batadal(series: &Series) -> Batadal {
    let passed = |attack: &Range| {
        let near = within(series.alarms(), attack.first, attack.last);
        let hit = series.alarms()[near].first();
        let hit = hit.map(|alarm| alarm.first.max(attack.first));
        let lasts = attack.last - attack.first;
        if lasts > 0 {
            let until = hit.unwrap_or(attack.last);
            return Some((until - attack.first) as f64 / lasts as f64);
        }
        let ends = attack.last + 1 == series.n();
        let seen = hit.is_some_and(|at| at > 0);
        (!ends).then_some(if seen { 0.0 } else { 1.0 })
    };
    let all: Option<Vec<f64>> = series.truth().iter().map(passed).collect();
    let all = all.filter(|all| !all.is_empty());
    let s_ttd = all.map(|all| 1.0 - all.iter().sum::<f64>() / all.len() as f64);
    let samples = pointwise(series);
    let s_cm = f64::midpoint(samples.recall, samples.specificity);
    Batadal {
        gamma: GAMMA,
        s_ttd,
        s_cm,
        s: s_ttd.map(|s_ttd| GAMMA * s_ttd + (1.0 - GAMMA) * s_cm),
    }
}
