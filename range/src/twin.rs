//! A run against its twin: the same scenario and seed without the attack.
//!
//! Both runs share every random stream, so up to the first effect of the attack their physical truth is
//! the same to the last bit, and what differs afterwards is caused by the attack. Small differences
//! (a valve that moves a scan later) are not yet harm, so each column has a tolerance, which is what
//! chance does between unattacked runs of different seeds, and a minimum length.
//!
//! # Invariants
//!
//! - All functions are pure; rows are compared at equal times only.
//! - A run compared with itself has no impact.

use serde::{Deserialize, Serialize};
use sim_kernel::SimDuration;

use crate::evidence::process::ProcessTable;
use crate::scenario::Constraint;

/// When a column counts as having left its twin.
#[derive(Clone, Debug, PartialEq)]
pub struct Tolerance {
    /// Name of the column.
    pub column: String,
    /// Largest difference that does not count, in the unit of the column, for each row of the twin. Beyond
    /// the last one it stands.
    pub limits: Vec<f64>,
    /// The difference must be larger for this long without a break to count, and within the tolerance
    /// for this long to be over.
    pub hold: SimDuration,
}

impl Tolerance {
    /// Largest difference that does not count in a row of the twin, counted from 0.
    fn at(&self, row: usize) -> f64 {
        let limit = self.limits.get(row).or(self.limits.last());
        limit.copied().unwrap_or(0.0)
    }
}

/// One line of `truth/impact.jsonl`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Impact {
    /// A column left the twin.
    Deviation(Deviation),
    /// A constraint was violated.
    Violation(Violation),
}

/// An interval in which a column was away from its twin.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Deviation {
    /// Name of the column.
    pub column: String,
    /// First row outside the tolerance, simulated ns.
    pub start_ns: u64,
    /// First row back inside it, simulated ns; absent if it did not come back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_ns: Option<u64>,
    /// Row with the largest difference, simulated ns.
    pub peak_ns: u64,
    /// Value in the run at that row.
    pub run_value: f64,
    /// Value in the twin at that row.
    pub twin_value: f64,
    /// Largest difference at that row that chance alone explains, in the unit of the column.
    #[serde(default)]
    pub tolerance: f64,
}

/// An interval in which a constraint was violated.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Violation {
    /// Name of the constraint.
    pub constraint: String,
    /// Its column.
    pub column: String,
    /// Whether people may have come to harm.
    pub hazard: bool,
    /// When the condition began to hold, simulated ns.
    pub start_ns: u64,
    /// When it had held for as long as the constraint asks, simulated ns: the moment of impact.
    pub violated_ns: u64,
    /// First row where it held no longer, simulated ns; absent if it still did at the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_ns: Option<u64>,
    /// Whether the twin violates the same constraint at some time in this interval, so that the
    /// attack is not the cause.
    #[serde(default)]
    pub also_in_twin: bool,
}

/// Share of all differences between unattacked runs that a tolerance covers.
const NOISE_SHARE: f64 = 0.99;

/// Tolerances for every column, from how far unattacked runs of other seeds are apart.
///
/// What chance alone does from one day to another is no impact. The tolerance of a column is the largest
/// difference between any two of the runs at one time, the largest hundredth of all such differences left out.
/// A total, which never falls, drifts apart for ever: its tolerance at a time is the largest difference up to
/// then. Beyond the shortest run the last tolerance stands.
///
/// # Arguments
///
/// * `runs` — unattacked runs of the same scenario with different seeds; at least two.
/// * `hold` — as [`Tolerance::hold`], for all columns.
///
/// # Panics
///
/// If there are fewer than two runs, or their columns differ.
#[must_use]
pub fn tolerances(runs: &[&ProcessTable], hold: SimDuration) -> Vec<Tolerance> {
    assert!(runs.len() >= 2, "one run alone has no noise");
    let rows = runs.iter().map(|run| run.t_ns().len()).min().unwrap_or(0);
    let columns = runs[0].columns().iter().enumerate();
    columns
        .map(|(index, column)| {
            let all: Vec<&[f64]> = runs.iter().map(|run| &run.values(index)[..rows]).collect();
            let pairs = || (0..all.len()).flat_map(|a| (0..a).map(move |b| (a, b)));
            let mut largest = 0.0;
            let limits = if all.iter().all(|values| never_falls(values)) {
                let limit = |row: usize| {
                    for (a, b) in pairs() {
                        largest = larger(largest, distance(all[a][row], all[b][row]));
                    }
                    largest
                };
                (0..rows).map(limit).collect()
            } else {
                let differences = pairs()
                    .flat_map(|(a, b)| all[a].iter().zip(all[b]).map(|(a, b)| distance(*a, *b)));
                vec![share_of(differences.collect(), NOISE_SHARE)]
            };
            Tolerance {
                column: column.name.clone(),
                limits,
                hold,
            }
        })
        .collect()
}

fn larger(a: f64, b: f64) -> f64 {
    if b > a { b } else { a }
}

fn never_falls(values: &[f64]) -> bool {
    values.windows(2).all(|pair| pair[0] <= pair[1])
}

/// The value that a share of all values does not pass; 0 for no values.
fn share_of(mut values: Vec<f64>, share: f64) -> f64 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a share of a length is a length"
    )]
    let rank = (share * values.len() as f64).ceil() as usize;
    values.sort_unstable_by(f64::total_cmp);
    values.get(rank.saturating_sub(1)).copied().unwrap_or(0.0)
}

/// The intervals in which columns of a run were away from the twin, by column and time.
///
/// Rows are paired by their times; times that only one of the two has are left out. Columns that
/// either does not have are left out.
#[must_use]
pub fn deviations(
    run: &ProcessTable,
    twin: &ProcessTable,
    tolerances: &[Tolerance],
) -> Vec<Deviation> {
    let pairs = paired_rows(run.t_ns(), twin.t_ns());
    let mut found = Vec::new();
    for tolerance in tolerances {
        let columns = run
            .column(&tolerance.column)
            .zip(twin.column(&tolerance.column));
        let Some((run_values, twin_values)) = columns else {
            continue;
        };
        let difference = |&(a, b): &(usize, usize)| distance(run_values[a], twin_values[b]);
        let samples = pairs
            .iter()
            .map(|pair| (run.t_ns()[pair.0], difference(pair) > tolerance.at(pair.1)));
        for interval in intervals(samples, tolerance.hold, tolerance.hold) {
            let inside = &pairs[interval.rows.clone()];
            let peak = inside.iter().fold(inside[0], |peak, pair| {
                if difference(pair) > difference(&peak) {
                    *pair
                } else {
                    peak
                }
            });
            found.push(Deviation {
                column: tolerance.column.clone(),
                start_ns: interval.start_ns,
                end_ns: interval.end_ns,
                peak_ns: run.t_ns()[peak.0],
                run_value: run_values[peak.0],
                twin_value: twin_values[peak.1],
                tolerance: tolerance.at(peak.1),
            });
        }
    }
    found
}

/// The intervals in which constraints were violated, by constraint and time.
///
/// # Arguments
///
/// * `twin` — if given, tells which violations the twin has too.
#[must_use]
pub fn violations(
    run: &ProcessTable,
    twin: Option<&ProcessTable>,
    constraints: &[Constraint],
) -> Vec<Violation> {
    let mut found = Vec::new();
    for constraint in constraints {
        let in_twin = twin.map_or_else(Vec::new, |twin| held(twin, constraint));
        for interval in held(run, constraint) {
            let end_ns = interval.end_ns.unwrap_or(u64::MAX);
            let overlaps = |other: &Interval| {
                other.start_ns < end_ns && interval.start_ns < other.end_ns.unwrap_or(u64::MAX)
            };
            found.push(Violation {
                constraint: constraint.name.clone(),
                column: constraint.column.clone(),
                hazard: constraint.hazard,
                start_ns: interval.start_ns,
                violated_ns: interval.counted_ns,
                end_ns: interval.end_ns,
                also_in_twin: in_twin.iter().any(overlaps),
            });
        }
    }
    found
}

/// The violations that a run does not share with its twin, as [`violations`] gives them.
#[must_use]
pub fn own_violations(
    run: &ProcessTable,
    twin: &ProcessTable,
    constraints: &[Constraint],
) -> Vec<Violation> {
    let mut found = violations(run, Some(twin), constraints);
    found.retain(|violation| !violation.also_in_twin);
    found
}

/// The first row at which two runs of one scenario and seed differ, ns; `None` if they are the same as far as both
/// go.
#[must_use]
pub fn parted_ns(a: &ProcessTable, b: &ProcessTable) -> Option<u64> {
    let pairs = paired_rows(a.t_ns(), b.t_ns());
    let columns: Vec<(&[f64], &[f64])> = (0..a.columns().len())
        .filter_map(|index| Some((a.values(index), b.column(&a.columns()[index].name)?)))
        .collect();
    let differs = |&(i, j): &(usize, usize)| {
        let mut columns = columns.iter();
        columns.any(|(a, b)| distance(a[i], b[j]) > 0.0)
    };
    let first = pairs.into_iter().find(differs)?;
    Some(a.t_ns()[first.0])
}

/// The first moment at which any constraint was violated that the twin does not violate with it.
#[must_use]
pub fn first_impact_ns(violations: &[Violation]) -> Option<u64> {
    violations
        .iter()
        .filter(|v| !v.also_in_twin)
        .map(|v| v.violated_ns)
        .min()
}

/// What a run broke or soiled, in the scenario's currency: the damage of every constraint that it
/// violated, each once.
#[must_use]
pub fn damage(run: &ProcessTable, constraints: &[Constraint]) -> f64 {
    let damages = damages(run, constraints);
    damages.iter().fold(0.0, |sum, (_, damage)| sum + damage)
}

/// As [`damage`], one by one: the moment of impact, ns, and what it cost, in the order of the constraints.
#[must_use]
pub fn damages(run: &ProcessTable, constraints: &[Constraint]) -> Vec<(u64, f64)> {
    let costly = constraints
        .iter()
        .filter(|constraint| constraint.damage > 0.0);
    let first = |constraint: &Constraint| {
        let first = held(run, constraint).into_iter().next()?;
        Some((first.counted_ns, constraint.damage))
    };
    costly.filter_map(first).collect()
}

/// Where a violation did its harm, as `(start_ns, end_ns)` by time, if its column is a total: a quantity
/// that never falls, in the run or in the twin. `None` for a column that tells a state.
///
/// A total stays above its limit for ever, so the violation itself says only when that began. The first
/// interval begins at the moment of impact, and is empty if the total did not grow any more. Rises less
/// than a minute apart are one interval. A column without a unit is a switch and never a total.
#[must_use]
pub fn growth(
    run: &ProcessTable,
    twin: &ProcessTable,
    violation: &Violation,
) -> Option<Vec<(u64, u64)>> {
    let in_twin = twin.column(&violation.column).unwrap_or_default();
    never_falls(in_twin)
        .then(|| growth_alone(run, violation))
        .flatten()
}

/// Whether a column of a run is a total as far as the run itself shows: it has a unit and never falls.
#[must_use]
pub fn is_total(run: &ProcessTable, column: &str) -> bool {
    let known = run.columns().iter().position(|known| known.name == column);
    known.is_some_and(|at| !run.columns()[at].unit.is_empty() && never_falls(run.values(at)))
}

/// As [`growth`], where the twin is not at hand: whether the column is a total is told by the run alone.
#[must_use]
pub fn growth_alone(run: &ProcessTable, violation: &Violation) -> Option<Vec<(u64, u64)>> {
    if !is_total(run, &violation.column) {
        return None;
    }
    const GAP_NS: u64 = 60_000_000_000;
    let values = run.column(&violation.column)?;
    let mut grown = vec![(violation.violated_ns, violation.violated_ns)];
    for (times, pair) in run.t_ns().windows(2).zip(values.windows(2)) {
        if pair[0] >= pair[1] || times[1] <= violation.violated_ns {
            continue;
        }
        let (_, end_ns) = grown.last_mut().expect("the moment of impact is there");
        if times[0].saturating_sub(*end_ns) < GAP_NS {
            *end_ns = times[1];
        } else {
            grown.push((times[0], times[1]));
        }
    }
    Some(grown)
}

/// All lines of `impact.jsonl` for a run and its twin, by time.
#[must_use]
pub fn impacts(
    run: &ProcessTable,
    twin: &ProcessTable,
    tolerances: &[Tolerance],
    constraints: &[Constraint],
) -> Vec<Impact> {
    let mut all: Vec<(u64, Impact)> = deviations(run, twin, tolerances)
        .into_iter()
        .map(|deviation| (deviation.start_ns, Impact::Deviation(deviation)))
        .chain(
            violations(run, Some(twin), constraints)
                .into_iter()
                .map(|violation| (violation.start_ns, Impact::Violation(violation))),
        )
        .collect();
    // The sort is stable, so equal times keep the order of columns and constraints.
    all.sort_by_key(|(start_ns, _)| *start_ns);
    all.into_iter().map(|(_, impact)| impact).collect()
}

fn held(table: &ProcessTable, constraint: &Constraint) -> Vec<Interval> {
    let Some(values) = table.column(&constraint.column) else {
        return Vec::new();
    };
    let samples = table.t_ns().iter().zip(values);
    let samples = samples.map(|(&t_ns, &v)| (t_ns, constraint.op.holds(v, constraint.value)));
    intervals(
        samples,
        SimDuration::from_secs_f64(constraint.hold_s),
        SimDuration::ZERO,
    )
}

/// How far two values are apart; not-a-number is apart from everything but itself.
fn distance(a: f64, b: f64) -> f64 {
    match (a.is_nan(), b.is_nan()) {
        (true, true) => 0.0,
        (false, false) if a.to_bits() == b.to_bits() => 0.0,
        (false, false) => (a - b).abs(),
        _ => f64::INFINITY,
    }
}

/// Indices of the rows with equal times.
fn paired_rows(a: &[u64], b: &[u64]) -> Vec<(usize, usize)> {
    let mut pairs = Vec::with_capacity(a.len().min(b.len()));
    let (mut i, mut j) = (0, 0);
    while i < a.len() && j < b.len() {
        match a[i].cmp(&b[j]) {
            std::cmp::Ordering::Less => i += 1,
            std::cmp::Ordering::Greater => j += 1,
            std::cmp::Ordering::Equal => {
                pairs.push((i, j));
                i += 1;
                j += 1;
            }
        }
    }
    pairs
}

/// A stretch of samples in which something holds.
#[derive(Clone, Debug, PartialEq)]
struct Interval {
    /// First sample where it holds.
    start_ns: u64,
    /// First sample at which it has held long enough.
    counted_ns: u64,
    /// First sample of those that ended it.
    end_ns: Option<u64>,
    /// Indices of the samples from the first to the last where it holds.
    rows: std::ops::Range<usize>,
}

/// Finds where samples hold for at least `hold`; gaps shorter than `gap` do not end an interval that
/// has come to count.
fn intervals(
    samples: impl Iterator<Item = (u64, bool)>,
    hold: SimDuration,
    gap: SimDuration,
) -> Vec<Interval> {
    let (hold_ns, gap_ns) = (hold.as_nanos(), gap.as_nanos());
    let mut found: Vec<Interval> = Vec::new();
    // Where it began to hold, where it came to count, and where it stopped to hold.
    let mut open: Option<(u64, usize)> = None;
    let mut counted: Option<u64> = None;
    let mut paused: Option<u64> = None;
    let mut last_row = 0;
    let mut close = |open: (u64, usize), counted: u64, end_ns: Option<u64>, last: usize| {
        found.push(Interval {
            start_ns: open.0,
            counted_ns: counted,
            end_ns,
            rows: open.1..last + 1,
        });
    };
    for (row, (t_ns, holds)) in samples.enumerate() {
        if holds {
            let (start_ns, _) = *open.get_or_insert((t_ns, row));
            paused = None;
            last_row = row;
            if counted.is_none() && t_ns - start_ns >= hold_ns {
                counted = Some(t_ns);
            }
            continue;
        }
        let Some(began) = open else { continue };
        let Some(counted_ns) = counted else {
            open = None;
            continue;
        };
        let since_ns = *paused.get_or_insert(t_ns);
        if t_ns - since_ns >= gap_ns {
            close(began, counted_ns, Some(since_ns), last_row);
            (open, counted, paused) = (None, None, None);
        }
    }
    if let (Some(began), Some(counted_ns)) = (open, counted) {
        close(began, counted_ns, paused, last_row);
    }
    found
}

#[cfg(test)]
mod tests;
