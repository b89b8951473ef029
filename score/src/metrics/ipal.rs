//! What ipal_evaluate reports beside the others, so that figures of that tool can be compared.
//!
//! # Source
//!
//! fkie-cad/ipal_evaluate v1.3.2, without grace time. Attacks are named `a1`, `a2`, … by time.

use std::collections::BTreeMap;

use libm::exp;
use serde::Serialize;

use super::nab::{PROFILES, Profile};
use super::{Range, Series, covered, eventwise, pointwise, within};

/// Metrics under the names that ipal_evaluate gives them.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Ipal {
    /// Attacks that an alarm meets, sorted as texts.
    #[serde(rename = "Detected-Scenarios")]
    pub detected_scenarios: Vec<String>,
    /// Their share; absent without attacks.
    #[serde(rename = "Detected-Scenarios-Percent")]
    pub detected_scenarios_percent: Option<f64>,
    /// Share of flagged samples, by attack.
    #[serde(rename = "Scenario-Recall")]
    pub scenario_recall: BTreeMap<String, f64>,
    /// Length of alarms outside of attacks, samples; the first sample of the series has no length.
    #[serde(rename = "Penalty-Score")]
    pub penalty_score: u64,
    /// Sum of the times to detect over the detected attacks, samples.
    #[serde(rename = "Detection-Delay")]
    pub detection_delay: u64,
    /// Mean of the same; absent when nothing was detected. It leaves out misses, so that it gets better when a
    /// late detection becomes a miss.
    #[serde(rename = "Average-Time-to-Detection")]
    pub average_time_to_detection: Option<f64>,
    /// Alarms that meet an attack.
    #[serde(rename = "TPA")]
    pub tpa: u64,
    /// The others.
    #[serde(rename = "FPA")]
    pub fpa: u64,
    /// NAB's score as ipal_evaluate computes it, standard profile; it begins at sample 1 and has no probation.
    #[serde(rename = "NAB-score-default")]
    pub nab_default: f64,
    /// The same with false alarms at twice the cost.
    #[serde(rename = "NAB-score-low-fp")]
    pub nab_low_fp: f64,
    /// The same with misses at twice the cost.
    #[serde(rename = "NAB-score-low-fn")]
    pub nab_low_fn: f64,
}

/// What ipal_evaluate reports.
#[must_use]
pub fn ipal(series: &Series) -> Ipal {
    let name = |number: usize| format!("a{}", number + 1);
    let attacks = series.truth();
    let delay_of = |attack: &Range| {
        let near = within(series.alarms(), attack.first, attack.last);
        let first = series.alarms()[near].first()?;
        Some(first.first.max(attack.first) - attack.first)
    };
    let delays: Vec<Option<u64>> = attacks.iter().map(delay_of).collect();
    let numbered = delays.iter().enumerate();
    let mut detected: Vec<String> = numbered
        .filter(|(_, delay)| delay.is_some())
        .map(|(number, _)| name(number))
        .collect();
    detected.sort();
    let recall = attacks.iter().enumerate().map(|(number, attack)| {
        let hits = covered(*attack, series.alarms());
        (name(number), hits as f64 / attack.len() as f64)
    });
    let found = delays.iter().flatten().count();
    let delay: u64 = delays.iter().flatten().sum();
    let starts_flagged = |ranges: &[Range]| ranges.first().is_some_and(|range| range.first == 0);
    let first_is_false = starts_flagged(series.alarms()) && !starts_flagged(attacks);
    let events = eventwise(series);
    let [default, low_fp, low_fn] = PROFILES.map(|profile| nab_of(series, &profile, found));
    Ipal {
        detected_scenarios: detected,
        detected_scenarios_percent: (!attacks.is_empty())
            .then(|| found as f64 / attacks.len() as f64),
        scenario_recall: recall.collect(),
        penalty_score: pointwise(series).fp - u64::from(first_is_false),
        detection_delay: delay,
        average_time_to_detection: (found > 0).then(|| delay as f64 / found as f64),
        tpa: events.alarms_true,
        fpa: events.alarms_false,
        nab_default: default,
        nab_low_fp: low_fp,
        nab_low_fn: low_fn,
    }
}

fn sigmoid(position: f64) -> f64 {
    if position >= 10.0 {
        -1.0
    } else {
        2.0 * (1.0 / (1.0 + exp(5.0 * position))) - 1.0
    }
}

/// ipal_evaluate's NAB score, normalised. It goes from flagged sample to flagged sample, and leaves out those of a
/// detected attack behind the first; which attack a sample belongs to follows an index that the reference moves
/// in its own way, kept here step by step.
fn nab_of(series: &Series, profile: &Profile, detected: usize) -> f64 {
    let attacks = series.truth();
    if attacks.is_empty() {
        return 0.0;
    }
    let mut raw = 0.0;
    let mut ignore_until = 0;
    let mut index = 0;
    for alarm in series.alarms() {
        let mut sample = alarm.first;
        while sample <= alarm.last {
            if sample <= ignore_until {
                sample = ignore_until + 1;
                continue;
            }
            let mut before_all = false;
            while let Some(attack) = attacks.get(index) {
                if attack.first > sample {
                    before_all = index == 0;
                    index = index.saturating_sub(1);
                    break;
                }
                if attack.last >= sample {
                    break;
                }
                index += 1;
            }
            if before_all {
                raw -= profile.false_alarm;
                sample += 1;
                continue;
            }
            index = index.min(attacks.len() - 1);
            let attack = attacks[index];
            if sample <= attack.last {
                let position = -((attack.last + 1 - sample) as f64) / attack.len() as f64;
                raw += sigmoid(position) / sigmoid(-1.0) * profile.hit;
                // Attacks do not overlap, so the end of this one is never behind the beginning of the next.
                ignore_until = ignore_until.max(attack.last);
            } else {
                let past = (sample - attack.last) as f64;
                let width = (attack.last - attack.first) as f64;
                let position = if width == 0.0 { past } else { past / width };
                raw -= sigmoid(position).abs() * profile.false_alarm;
            }
            sample += 1;
        }
    }
    let all = attacks.len() as f64;
    raw -= profile.miss * (attacks.len() - detected) as f64;
    100.0 * (raw + profile.miss * all) / (profile.hit * all + profile.miss * all)
}
