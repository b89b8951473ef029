//! TaPR and eTaPR: how much of each attack was found, and how much of each alarm was right.
//!
//! # Source
//!
//! W.-S. Hwang et al., *Time-Series Aware Precision and Recall for Anomaly Detection* (TaPR, CIKM 2019) and *Do you
//! know existing accuracy metrics overrate time-series anomaly detections?* (eTaPR, SAC 2022), with the
//! behaviour of the authors' package 22.6.1.

use libm::exp;
use serde::Serialize;

use super::{Range, Series, f1, ratio, within};

/// TaPR with its parameters.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Tapr {
    /// Weight of detection against portion, a share.
    pub alpha: f64,
    /// Portion from which an attack is detected and an alarm correct, a share.
    pub theta: f64,
    /// Length of the time after an attack in which an alarm still counts in part, samples.
    pub delta: u64,
    /// Precision.
    #[serde(rename = "TaP")]
    pub tap: f64,
    /// Share of correct alarms.
    #[serde(rename = "TaPd")]
    pub tap_d: f64,
    /// Mean portion of an alarm that is right.
    #[serde(rename = "TaPp")]
    pub tap_p: f64,
    /// Recall.
    #[serde(rename = "TaR")]
    pub tar: f64,
    /// Share of detected attacks.
    #[serde(rename = "TaRd")]
    pub tar_d: f64,
    /// Mean portion of an attack that was found.
    #[serde(rename = "TaRp")]
    pub tar_p: f64,
    /// Harmonic mean of precision and recall.
    pub f1: f64,
}

/// eTaPR with its parameters.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Etapr {
    /// Portion from which an alarm is correct, a share.
    pub theta_p: f64,
    /// Portion from which an attack is detected, a share.
    pub theta_r: f64,
    /// Length of the time after an attack in which an alarm still counts in part, as a share of the attack.
    pub delta: f64,
    /// Precision.
    #[serde(rename = "eTaP")]
    pub etap: f64,
    /// Weighted share of correct alarms.
    #[serde(rename = "eTaPd")]
    pub etap_d: f64,
    /// Weighted mean portion of an alarm that is right.
    #[serde(rename = "eTaPp")]
    pub etap_p: f64,
    /// Recall.
    #[serde(rename = "eTaR")]
    pub etar: f64,
    /// Share of detected attacks.
    #[serde(rename = "eTaRd")]
    pub etar_d: f64,
    /// Mean portion of an attack that was found.
    #[serde(rename = "eTaRp")]
    pub etar_p: f64,
    /// Harmonic mean of precision and recall.
    pub f1: f64,
    /// Samples in alarms that are not correct.
    #[serde(rename = "False Alarm")]
    pub false_alarm: u64,
    /// Number of alarms that are not correct.
    #[serde(rename = "N False Alarm")]
    pub n_false_alarm: u64,
}

/// How far attack and alarm meet: one entry for each pair that does.
struct Overlap {
    attack: usize,
    alarm: usize,
    score: f64,
}

/// The time after each attack in which an alarm still counts in part; `None` where it has fewer than two
/// samples, as in the reference.
fn zone(series: &Series, attack: usize, length: u64) -> Option<Range> {
    let first = series.truth()[attack].last + 1;
    let mut last = first + length;
    // The zone may end on the first sample of the next attack, but not behind it.
    if let Some(next) = series.truth().get(attack + 1)
        && last > next.first
    {
        last = next.first - 1;
    }
    (first < last).then_some(Range { first, last })
}

fn overlaps(series: &Series, length_of: impl Fn(Range) -> u64) -> Vec<Overlap> {
    let alarms = series.alarms();
    let mut found = Vec::new();
    for (attack, range) in series.truth().iter().enumerate() {
        let zone = zone(series, attack, length_of(*range));
        let last = zone.map_or(range.last, |zone| zone.last);
        for alarm in within(alarms, range.first, last) {
            let mut score = range.overlap(alarms[alarm]) as f64;
            if let Some(zone) = zone {
                score += decay(zone, alarms[alarm]);
            }
            found.push(Overlap {
                attack,
                alarm,
                score,
            });
        }
    }
    found
}

/// Sum over the samples that zone and alarm share of a sigmoid that falls from 1 to 0 over the zone.
fn decay(zone: Range, alarm: Range) -> f64 {
    let first = zone.first.max(alarm.first);
    let last = zone.last.min(alarm.last);
    let span = (zone.last - zone.first) as f64;
    let mut sum = 0.0;
    for sample in first..=last {
        let z = -6.0 + (sample - zone.first) as f64 * 12.0 / span;
        sum += 1.0 / (1.0 + exp(z));
    }
    sum
}

/// Sums of the overlaps by attack and by alarm, as shares of their lengths.
fn portions(series: &Series, overlaps: &[Overlap]) -> (Vec<f64>, Vec<f64>) {
    let mut attacks = vec![0.0; series.truth().len()];
    let mut alarms = vec![0.0; series.alarms().len()];
    for overlap in overlaps {
        attacks[overlap.attack] += overlap.score;
        alarms[overlap.alarm] += overlap.score;
    }
    let share = |sums: &mut Vec<f64>, ranges: &[Range]| {
        for (sum, range) in sums.iter_mut().zip(ranges) {
            *sum /= range.len() as f64;
        }
    };
    share(&mut attacks, series.truth());
    share(&mut alarms, series.alarms());
    (attacks, alarms)
}

fn mean(values: impl ExactSizeIterator<Item = f64>) -> f64 {
    let n = values.len() as f64;
    ratio(values.sum::<f64>(), n)
}

fn step(portion: f64, theta: f64) -> f64 {
    if portion >= theta { 1.0 } else { 0.0 }
}

fn at_most_one(portion: f64) -> f64 {
    if portion > 1.0 { 1.0 } else { portion }
}

/// TaPR. The defaults of its authors are 0.8, 0.5 and 600.
///
/// # Arguments
///
/// * `alpha` — as [`Tapr::alpha`].
/// * `theta` — as [`Tapr::theta`].
/// * `delta` — as [`Tapr::delta`], samples.
#[must_use]
pub fn tapr(series: &Series, alpha: f64, theta: f64, delta: u64) -> Tapr {
    let (attacks, alarms) = portions(series, &overlaps(series, |_| delta));
    let found = || attacks.iter().map(|portion| at_most_one(*portion));
    let tar_d = mean(found().map(|portion| step(portion, theta)));
    let tar_p = mean(found());
    let tap_d = mean(alarms.iter().map(|portion| step(*portion, theta)));
    let tap_p = mean(alarms.iter().copied());
    let tar = alpha * tar_d + (1.0 - alpha) * tar_p;
    let tap = alpha * tap_d + (1.0 - alpha) * tap_p;
    Tapr {
        alpha,
        theta,
        delta,
        tap,
        tap_d,
        tap_p,
        tar,
        tar_d,
        tar_p,
        f1: f1(tap, tar),
    }
}

/// eTaPR. A series without alarms or without attacks scores 0 everywhere.
///
/// # Arguments
///
/// * `theta_p`, `theta_r`, `delta` — as the fields of [`Etapr`]; 0.5, 0.1 and 0 where one number is wanted.
#[must_use]
pub fn etapr(series: &Series, theta_p: f64, theta_r: f64, delta: f64) -> Etapr {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a share of a length is cut to whole samples, as the reference does"
    )]
    let length = |attack: Range| (delta * (attack.last - attack.first) as f64) as u64;
    let mut kept = overlaps(series, length);
    let (attacks, alarms) = prune(series, &mut kept, theta_p, theta_r);
    let nobody = attacks.is_empty() || alarms.is_empty();
    let detected = |portion: &f64, theta| if nobody { 0.0 } else { step(*portion, theta) };
    let weights: Vec<f64> = series
        .alarms()
        .iter()
        .map(|alarm| (alarm.len() as f64).sqrt())
        .collect();
    let weighted = |value: &dyn Fn(&f64) -> f64| {
        let pairs = weights.iter().zip(&alarms);
        let sum: f64 = pairs.map(|(weight, portion)| weight * value(portion)).sum();
        ratio(sum, weights.iter().sum())
    };
    let etar_d = mean(attacks.iter().map(|portion| detected(portion, theta_r)));
    let etar_p = mean(attacks.iter().map(|portion| at_most_one(*portion)));
    let etar = mean(attacks.iter().map(|portion| {
        let d = detected(portion, theta_r);
        (d + d * at_most_one(*portion)) / 2.0
    }));
    let etap_d = weighted(&|portion| detected(portion, theta_p));
    let etap_p = weighted(&|portion| *portion);
    let etap = weighted(&|portion| {
        let d = detected(portion, theta_p);
        (d + d * portion) / 2.0
    });
    let wrong = series.alarms().iter().zip(&alarms);
    let wrong = wrong.filter(|(_, portion)| detected(portion, theta_p) == 0.0);
    let (false_alarm, n_false_alarm) = wrong.fold((0, 0), |(samples, count), (alarm, _)| {
        (samples + alarm.len(), count + 1)
    });
    Etapr {
        theta_p,
        theta_r,
        delta,
        etap,
        etap_d,
        etap_p,
        etar,
        etar_d,
        etar_p,
        f1: f1(etap, etar),
        false_alarm,
        n_false_alarm,
    }
}

/// Takes away attacks that were found too little and alarms that are right too little, until nothing changes.
/// What an alarm was right about may then be gone, and so may what an attack was found by. Returns the portions
/// that are left.
fn prune(
    series: &Series,
    kept: &mut Vec<Overlap>,
    theta_p: f64,
    theta_r: f64,
) -> (Vec<f64>, Vec<f64>) {
    let too_little = |portion: f64, theta: f64| portion > 0.0 && portion < theta;
    loop {
        let before = kept.len();
        let (attacks, _) = portions(series, kept);
        kept.retain(|overlap| !too_little(attacks[overlap.attack], theta_r));
        let (attacks, alarms) = portions(series, kept);
        kept.retain(|overlap| !too_little(alarms[overlap.alarm], theta_p));
        if kept.len() == before {
            return (attacks, alarms);
        }
    }
}
