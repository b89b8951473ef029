//! Attack by attack and alarm by alarm.

use serde::Serialize;

use super::{Range, Series, f1, pointwise, ratio, within};

/// Counts of attacks and alarms and what follows from them.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Eventwise {
    /// Attacks.
    pub attacks: u64,
    /// Those that an alarm meets.
    pub attacks_detected: u64,
    /// Alarms.
    pub alarms: u64,
    /// Those that meet an attack.
    pub alarms_true: u64,
    /// The others.
    pub alarms_false: u64,
    /// Detected attacks / attacks.
    pub event_recall: f64,
    /// Detected attacks / (detected attacks + false alarms).
    pub event_precision: f64,
    /// Harmonic mean of both.
    pub event_f1: f64,
    /// True alarms / alarms.
    pub alarm_precision: f64,
    /// Fc1 (Garg 2021): harmonic mean of the precision over samples and the recall over attacks.
    pub composite_f1: f64,
}

/// Scores attack by attack and alarm by alarm.
#[must_use]
pub fn eventwise(series: &Series) -> Eventwise {
    let count = |ranges: &[Range], others: &[Range]| {
        let meets = |range: &&Range| !within(others, range.first, range.last).is_empty();
        ranges.iter().filter(meets).count() as u64
    };
    let attacks = series.truth().len() as u64;
    let alarms = series.alarms().len() as u64;
    let detected = count(series.truth(), series.alarms());
    let alarms_true = count(series.alarms(), series.truth());
    let alarms_false = alarms - alarms_true;
    let event_recall = ratio(detected as f64, attacks as f64);
    let event_precision = ratio(detected as f64, (detected + alarms_false) as f64);
    Eventwise {
        attacks,
        attacks_detected: detected,
        alarms,
        alarms_true,
        alarms_false,
        event_recall,
        event_precision,
        event_f1: f1(event_precision, event_recall),
        alarm_precision: ratio(alarms_true as f64, alarms as f64),
        composite_f1: f1(pointwise(series).precision, event_recall),
    }
}
