//! Metrics of the literature over labelled series, so that a tool can be compared with published figures.
//!
//! A [`Series`] has samples at equal distances; truth and alarms are ranges of them. Each family of metrics has a
//! file; [`Scores`] is all of them at once. `docs/metrics.md` has every formula, its source, a worked example
//! and how it can be gamed.
//!
//! **Invariant:** nothing here is quadratic in samples or ranges, but the pruning of eTaPR in the worst case.
//!
//! **Invariant:** 0/0 is 0, as in the conventions of the reference vectors; what a reference does not define is
//! absent, never 0.

mod affiliation;
mod alarm_load;
mod baseline;
mod batadal;
mod eventwise;
mod ipal;
mod nab;
mod of_run;
mod pointwise;
mod range_based;
mod scores;
mod tapr;

pub use affiliation::{Affiliation, affiliation};
pub use alarm_load::{AlarmLoad, alarm_load};
pub use baseline::{Baseline, DRAWS, baseline};
pub use batadal::{Batadal, GAMMA, batadal};
pub use eventwise::{Eventwise, eventwise};
pub use ipal::{Ipal, ipal};
pub use nab::{Nab, PROFILES, Profile, nab};
pub use of_run::{SeriesFigures, of_run};
pub use pointwise::{Adjusted, Pointwise, point_adjust, pointwise};
pub use range_based::{Bias, Cardinality, RangeBased, range_based};
pub use scores::Scores;
pub use tapr::{Etapr, Tapr, etapr, tapr};

/// Samples from the first to the last, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Range {
    /// First sample.
    pub first: u64,
    /// Last sample; not before the first.
    pub last: u64,
}

impl Range {
    /// Number of samples.
    #[must_use]
    #[expect(
        clippy::len_without_is_empty,
        reason = "a range has at least one sample"
    )]
    pub fn len(self) -> u64 {
        self.last - self.first + 1
    }

    /// Number of samples that both have.
    #[must_use]
    pub fn overlap(self, other: Self) -> u64 {
        let first = self.first.max(other.first);
        let last = self.last.min(other.last);
        if first > last { 0 } else { last - first + 1 }
    }
}

/// A labelled series: what was attacked, and where a detector was in alarm.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Series {
    n: u64,
    truth: Vec<Range>,
    alarms: Vec<Range>,
}

/// Why ranges are no series.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SeriesError {
    /// A range ends before it begins.
    #[error("range {index} ends before it begins: {first} to {last}")]
    Backwards {
        /// Which, from 0.
        index: usize,
        /// Its first sample.
        first: u64,
        /// Its last sample.
        last: u64,
    },
    /// A range goes beyond the series.
    #[error("range {index} goes to sample {last}, and the series has {n} samples, from 0")]
    Outside {
        /// Which, from 0.
        index: usize,
        /// Its last sample.
        last: u64,
        /// Length of the series.
        n: u64,
    },
}

impl Series {
    /// A series from ranges. They may come in any order; those that overlap or touch become one, since a label
    /// per sample cannot tell them apart.
    ///
    /// # Arguments
    ///
    /// * `n` — number of samples.
    ///
    /// # Errors
    ///
    /// The first range that is none or lies outside; the index counts truth first, then alarms from 0 again.
    pub fn new(n: u64, truth: &[Range], alarms: &[Range]) -> Result<Self, SeriesError> {
        Ok(Self {
            n,
            truth: merged(n, truth)?,
            alarms: merged(n, alarms)?,
        })
    }

    /// A series from one label per sample.
    ///
    /// # Panics
    ///
    /// If the labels differ in length.
    #[must_use]
    pub fn of_labels(truth: &[bool], alarms: &[bool]) -> Self {
        assert_eq!(truth.len(), alarms.len(), "one label of each per sample");
        Self {
            n: truth.len() as u64,
            truth: ranges_of(truth),
            alarms: ranges_of(alarms),
        }
    }

    /// Number of samples.
    #[must_use]
    pub fn n(&self) -> u64 {
        self.n
    }

    /// The attacks, by time, none touching another.
    #[must_use]
    pub fn truth(&self) -> &[Range] {
        &self.truth
    }

    /// The alarms, by time, none touching another.
    #[must_use]
    pub fn alarms(&self) -> &[Range] {
        &self.alarms
    }

    /// The same attacks with other alarms.
    fn with_alarms(&self, alarms: Vec<Range>) -> Self {
        Self {
            n: self.n,
            truth: self.truth.clone(),
            alarms,
        }
    }
}

fn merged(n: u64, ranges: &[Range]) -> Result<Vec<Range>, SeriesError> {
    for (index, range) in ranges.iter().enumerate() {
        let Range { first, last } = *range;
        if last < first {
            return Err(SeriesError::Backwards { index, first, last });
        }
        if last >= n {
            return Err(SeriesError::Outside { index, last, n });
        }
    }
    let mut sorted = ranges.to_vec();
    sorted.sort_unstable();
    let mut merged: Vec<Range> = Vec::new();
    for range in sorted {
        match merged.last_mut() {
            Some(before) if range.first <= before.last + 1 => {
                before.last = before.last.max(range.last);
            }
            _ => merged.push(range),
        }
    }
    Ok(merged)
}

fn ranges_of(labels: &[bool]) -> Vec<Range> {
    let mut ranges: Vec<Range> = Vec::new();
    for (sample, _) in labels.iter().enumerate().filter(|(_, label)| **label) {
        let sample = sample as u64;
        match ranges.last_mut() {
            Some(range) if range.last + 1 == sample => range.last = sample,
            _ => ranges.push(Range {
                first: sample,
                last: sample,
            }),
        }
    }
    ranges
}

/// Those of sorted ranges that have samples from `first` to `last`.
fn within(ranges: &[Range], first: u64, last: u64) -> std::ops::Range<usize> {
    let begin = ranges.partition_point(|range| range.last < first);
    let end = ranges.partition_point(|range| range.first <= last);
    begin..end.max(begin)
}

/// How many samples sorted ranges have together with one.
fn covered(range: Range, others: &[Range]) -> u64 {
    let near = within(others, range.first, range.last);
    others[near].iter().map(|other| range.overlap(*other)).sum()
}

/// `a / b`, and 0 for 0/0.
fn ratio(a: f64, b: f64) -> f64 {
    if b == 0.0 { 0.0 } else { a / b }
}

/// Harmonic mean of precision and recall, and 0 where both are.
fn f1(precision: f64, recall: f64) -> f64 {
    ratio(2.0 * precision * recall, precision + recall)
}
