//! The score of the Numenta Anomaly Benchmark, for a detector that says yes or no.
//!
//! # Source
//!
//! A. Lavin, S. Ahmad, *Evaluating Real-time Anomaly Detection Algorithms*, ICMLA 2015, with the behaviour of
//! numenta/NAB `nab/sweeper.py`.

use libm::exp;
use serde::Serialize;

use super::{Range, Series, covered, within};

/// What a hit, a false alarm and a miss weigh.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Profile {
    /// Name, as NAB has it.
    pub name: &'static str,
    /// Weight of a hit at the beginning of an attack.
    pub hit: f64,
    /// Weight of a sample of false alarm.
    pub false_alarm: f64,
    /// Weight of a missed attack.
    pub miss: f64,
}

/// NAB's three profiles.
pub const PROFILES: [Profile; 3] = [
    Profile {
        name: "standard",
        hit: 1.0,
        false_alarm: 0.11,
        miss: 1.0,
    },
    Profile {
        name: "reward_low_FP_rate",
        hit: 1.0,
        false_alarm: 0.22,
        miss: 1.0,
    },
    Profile {
        name: "reward_low_FN_rate",
        hit: 1.0,
        false_alarm: 0.11,
        miss: 2.0,
    },
];

/// Why the reference has no result.
const WIDTH_ONE: &str = "reference divides by zero: window of width 1 followed by a later point";

/// NAB's score under one profile.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Nab {
    /// Name of the profile.
    pub profile: &'static str,
    /// Share of the series at its beginning in which nothing counts; 750 samples at most at 0.15.
    pub probation: f64,
    /// Threshold of the binary scores.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub threshold: Option<f64>,
    /// Sum of what hits, misses and false alarms are worth.
    pub raw: Option<f64>,
    /// 100 for a perfect detector, 0 for a silent one; below it without bound. Absent without attacks.
    pub normalised: Option<f64>,
    /// Attacked samples in alarm behind the probation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tp: Option<u64>,
    /// Other samples in alarm.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fp: Option<u64>,
    /// Other samples not in alarm.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tn: Option<u64>,
    /// Attacked samples not in alarm.
    #[serde(rename = "fn", skip_serializing_if = "Option::is_none")]
    pub fn_: Option<u64>,
    /// Why there is no score.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<&'static str>,
}

/// The sigmoid that both rewards and costs follow; -1 well behind an attack.
fn sigmoid(position: f64) -> f64 {
    if position > 3.0 {
        -1.0
    } else {
        2.0 / (1.0 + exp(5.0 * position)) - 1.0
    }
}

/// NAB's score.
///
/// # Arguments
///
/// * `probation` — as [`Nab::probation`]; 0.15 in NAB.
#[must_use]
pub fn nab(series: &Series, profile: &Profile, probation: f64) -> Nab {
    let n = series.n();
    let narrow = |window: &Range| window.len() == 1 && window.last + 1 < n;
    if series.truth().iter().any(narrow) {
        return Nab {
            profile: profile.name,
            probation,
            threshold: None,
            raw: None,
            normalised: None,
            tp: None,
            fp: None,
            tn: None,
            fn_: None,
            error: Some(WIDTH_ONE),
        };
    }
    let begin = probation_ends(n, probation);
    let behind = |ranges: &[Range]| -> Vec<Range> {
        let behind = ranges.iter().filter(|range| range.last >= begin);
        let cut = |range: &Range| Range {
            first: range.first.max(begin),
            ..*range
        };
        behind.map(cut).collect()
    };
    let (windows, alarms) = (behind(series.truth()), behind(series.alarms()));
    let samples = |ranges: &[Range]| -> u64 { ranges.iter().map(|range| range.len()).sum() };
    let tp: u64 = windows.iter().map(|window| covered(*window, &alarms)).sum();
    let fn_ = samples(&windows) - tp;
    let fp = samples(&alarms) - tp;
    let tn = (n - begin.min(n)) - tp - fn_ - fp;
    let raw = false_alarms(series, &alarms) * profile.false_alarm
        + hits(series, &windows, &alarms, profile);
    let attacks = series.truth().len() as f64;
    let (null, perfect) = (-profile.miss * attacks, profile.hit * attacks);
    Nab {
        profile: profile.name,
        probation,
        threshold: Some(1.0),
        raw: Some(raw),
        normalised: (attacks > 0.0).then(|| 100.0 * (raw - null) / (perfect - null)),
        tp: Some(tp),
        fp: Some(fp),
        tn: Some(tn),
        fn_: Some(fn_),
        error: None,
    }
}

/// First sample that counts.
fn probation_ends(n: u64, probation: f64) -> u64 {
    let share = (probation * n as f64).floor();
    let most = probation * 5000.0;
    let ends = if most < share { most } else { share };
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a share of a length is a length"
    )]
    let ends = ends.ceil() as u64;
    ends
}

/// What the windows are worth: by the first flagged sample that counts in each, or a miss.
fn hits(series: &Series, windows: &[Range], alarms: &[Range], profile: &Profile) -> f64 {
    let best = sigmoid(-1.0);
    let whole = series.truth().iter().filter(|window| {
        let counted = windows.first();
        counted.is_some_and(|first| window.last >= first.first)
    });
    let value = |(window, counted): (&Range, &Range)| {
        let near = within(alarms, counted.first, counted.last);
        let Some(alarm) = alarms[near].first() else {
            return -profile.miss;
        };
        let at = alarm.first.max(counted.first);
        let position = -((window.last - at + 1) as f64 / window.len() as f64);
        sigmoid(position) * profile.hit / best
    };
    whole.zip(windows).map(value).sum()
}

/// Sum over the flagged samples outside of all windows; the further behind one, the nearer to -1 each.
fn false_alarms(series: &Series, alarms: &[Range]) -> f64 {
    let windows = series.truth();
    let mut sum = 0.0;
    for alarm in alarms {
        let mut sample = alarm.first;
        while sample <= alarm.last {
            let next = windows.partition_point(|window| window.last < sample);
            if let Some(window) = windows.get(next)
                && window.first <= sample
            {
                sample = window.last + 1;
                continue;
            }
            let free_to = windows
                .get(next)
                .map_or(u64::MAX, |window| window.first - 1);
            let to = alarm.last.min(free_to);
            sum += match next.checked_sub(1).map(|before| windows[before]) {
                None => -((to - sample + 1) as f64),
                Some(before) => (sample..=to)
                    .map(|at| sigmoid((at - before.last) as f64 / (before.len() - 1) as f64))
                    .sum(),
            };
            sample = to + 1;
        }
    }
    sum
}
