//! Precision and recall over ranges, with a choice of where in a range an overlap counts most.
//!
//! # Source
//!
//! N. Tatbul et al., *Precision and Recall for Time Series*, NeurIPS 2018, with the behaviour of the package prts.

use serde::Serialize;

use super::{Range, Series, f1, ratio, within};

/// What several overlaps with one range are worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Cardinality {
    /// As much as one.
    One,
    /// Each a share: the sum is divided by their number.
    Reciprocal,
}

/// Where in a range an overlap counts most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Bias {
    /// Everywhere the same.
    Flat,
    /// At its beginning.
    Front,
    /// At its end.
    Back,
    /// In its middle.
    Middle,
}

/// Range-based precision and recall with their parameters.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RangeBased {
    /// Weight of existence against overlap in the precision, a share.
    pub p_alpha: f64,
    /// The same in the recall.
    pub r_alpha: f64,
    /// For both.
    pub cardinality: Cardinality,
    /// For both.
    pub bias: Bias,
    /// Mean over the alarms.
    pub precision: f64,
    /// Mean over the attacks.
    pub recall: f64,
    /// Harmonic mean of both.
    pub f1: f64,
}

/// Range-based precision and recall. 0 without attacks or without alarms.
///
/// # Arguments
///
/// * `p_alpha`, `r_alpha` — as the fields of [`RangeBased`], shares.
#[must_use]
pub fn range_based(
    series: &Series,
    p_alpha: f64,
    r_alpha: f64,
    cardinality: Cardinality,
    bias: Bias,
) -> RangeBased {
    let mean = |ranges: &[Range], others: &[Range], alpha: f64| {
        let sum: f64 = ranges
            .iter()
            .map(|range| reward(*range, others, alpha, cardinality, bias))
            .sum();
        ratio(sum, ranges.len() as f64)
    };
    let precision = mean(series.alarms(), series.truth(), p_alpha);
    let recall = mean(series.truth(), series.alarms(), r_alpha);
    RangeBased {
        p_alpha,
        r_alpha,
        cardinality,
        bias,
        precision,
        recall,
        f1: f1(precision, recall),
    }
}

fn reward(range: Range, others: &[Range], alpha: f64, cardinality: Cardinality, bias: Bias) -> f64 {
    let near = &others[within(others, range.first, range.last)];
    if near.is_empty() {
        return 0.0;
    }
    let whole = weight(bias, range.len(), 1, range.len());
    let share = |other: &Range| {
        // Positions in the range count from 1.
        let from = range.first.max(other.first) - range.first + 1;
        let to = range.last.min(other.last) - range.first + 1;
        weight(bias, range.len(), from, to) / whole
    };
    let overlap: f64 = near.iter().map(share).sum();
    let factor = match cardinality {
        Cardinality::One => 1.0,
        Cardinality::Reciprocal => 1.0 / near.len() as f64,
    };
    alpha + (1.0 - alpha) * factor * overlap
}

/// Sum of the weights of the positions `from..=to` of a range of `len`, both from 1.
fn weight(bias: Bias, len: u64, from: u64, to: u64) -> f64 {
    /// Sum of the whole numbers from `a` to `b`.
    fn sum(a: u64, b: u64) -> f64 {
        if b < a {
            return 0.0;
        }
        (a as f64 + b as f64) * ((b - a + 1) as f64) / 2.0
    }
    match bias {
        Bias::Flat => (to - from + 1) as f64,
        Bias::Back => sum(from, to),
        Bias::Front => sum(len - to + 1, len - from + 1),
        Bias::Middle => {
            // It rises up to half of the length, and falls from the next position on.
            let half = len / 2;
            let rising = sum(from, to.min(half));
            let begin = from.max(half + 1);
            let falling = if begin <= to {
                sum(len - to + 1, len - begin + 1)
            } else {
                0.0
            };
            rising + falling
        }
    }
}
