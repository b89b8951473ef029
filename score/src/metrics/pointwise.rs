//! Sample by sample, as in most papers; and point adjust, which is here only because older papers report it.

use serde::Serialize;

use super::{Range, Series, covered, f1, ratio};

/// Counts of samples and what follows from them.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Pointwise {
    /// Attacked and in alarm.
    pub tp: u64,
    /// Not attacked and in alarm.
    pub fp: u64,
    /// Attacked and not in alarm.
    #[serde(rename = "fn")]
    pub fn_: u64,
    /// Neither.
    pub tn: u64,
    /// TP / (TP + FP).
    pub precision: f64,
    /// TP / (TP + FN).
    pub recall: f64,
    /// Harmonic mean of both.
    pub f1: f64,
    /// TN / (TN + FP).
    pub specificity: f64,
    /// (TP + TN) / n.
    pub accuracy: f64,
    /// Matthews correlation coefficient, from -1 to 1.
    pub mcc: f64,
}

/// Precision, recall and F1.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Adjusted {
    /// TP / (TP + FP).
    pub precision: f64,
    /// TP / (TP + FN).
    pub recall: f64,
    /// Harmonic mean of both.
    pub f1: f64,
}

/// Scores sample by sample.
#[must_use]
pub fn pointwise(series: &Series) -> Pointwise {
    let hits = |attack: &Range| covered(*attack, series.alarms());
    let tp: u64 = series.truth().iter().map(hits).sum();
    let flagged: u64 = series.alarms().iter().map(|range| range.len()).sum();
    let attacked: u64 = series.truth().iter().map(|range| range.len()).sum();
    let (fp, fn_) = (flagged - tp, attacked - tp);
    let tn = series.n() - tp - fp - fn_;
    let [a, b, c, d] = [tp, fp, fn_, tn].map(|count| count as f64);
    let (precision, recall) = (ratio(a, a + b), ratio(a, a + c));
    let spread = ((a + b) * (a + c) * (d + b) * (d + c)).sqrt();
    Pointwise {
        tp,
        fp,
        fn_,
        tn,
        precision,
        recall,
        f1: f1(precision, recall),
        specificity: ratio(d, d + b),
        accuracy: ratio(a + d, a + b + c + d),
        mcc: ratio(a * d - b * c, spread),
    }
}

/// Scores sample by sample after every attack of which more than a share was flagged has been counted as flagged
/// as a whole (PA%K; K = 0 is point adjust).
///
/// # Arguments
///
/// * `k` — the share, percent.
#[must_use]
pub fn point_adjust(series: &Series, k: f64) -> Adjusted {
    let plain = pointwise(series);
    let mut tp = 0;
    for attack in series.truth() {
        let hits = covered(*attack, series.alarms());
        let len = attack.len();
        let enough = hits > 0 && 100.0 * hits as f64 / len as f64 > k;
        tp += if enough { len } else { hits };
    }
    let attacked = plain.tp + plain.fn_;
    let precision = ratio(tp as f64, (tp + plain.fp) as f64);
    let recall = ratio(tp as f64, attacked as f64);
    Adjusted {
        precision,
        recall,
        f1: f1(precision, recall),
    }
}
