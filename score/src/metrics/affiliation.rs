//! Affiliation precision and recall: how near alarms are to attacks, against alarms at random.
//!
//! Samples are taken as intervals of time, `[i, i + 1)`. Each attack has a zone, up to the middle between it and
//! the next; what happens in a zone is judged against its attack alone.
//!
//! # Source
//!
//! A. Huet, J. M. Navarro, D. Rossi, *Local Evaluation of Time Series Anomaly Detection Algorithms*, KDD 2022.

use serde::Serialize;

use super::{Range, Series, f1};

/// Affiliation precision and recall.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Affiliation {
    /// Begin and end of the series, samples.
    #[serde(rename = "Trange")]
    pub trange: [u64; 2],
    /// Mean over the attacks in whose zone there was an alarm; absent without any.
    pub precision: Option<f64>,
    /// Mean over the attacks; absent without any.
    pub recall: Option<f64>,
    /// Harmonic mean of both; 0 without alarms, absent without attacks.
    pub f1: Option<f64>,
    /// By attack; absent where no alarm was in its zone.
    pub individual_precision: Vec<Option<f64>>,
    /// By attack.
    pub individual_recall: Vec<f64>,
}

/// An interval of time, samples; longer than nothing.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Span {
    from: f64,
    to: f64,
}

impl Span {
    fn of(range: Range) -> Self {
        Self {
            from: range.first as f64,
            to: (range.last + 1) as f64,
        }
    }

    fn len(self) -> f64 {
        self.to - self.from
    }

    fn cut(self, other: Self) -> Option<Self> {
        let from = if self.from > other.from {
            self.from
        } else {
            other.from
        };
        let to = if self.to < other.to {
            self.to
        } else {
            other.to
        };
        (from < to).then_some(Self { from, to })
    }
}

/// Affiliation precision and recall.
#[must_use]
pub fn affiliation(series: &Series) -> Affiliation {
    let attacks: Vec<Span> = series
        .truth()
        .iter()
        .map(|range| Span::of(*range))
        .collect();
    let alarms: Vec<Span> = series
        .alarms()
        .iter()
        .map(|range| Span::of(*range))
        .collect();
    let whole = Span {
        from: 0.0,
        to: series.n() as f64,
    };
    let zones = zones(&attacks, whole);
    let mut individual_precision = Vec::new();
    let mut individual_recall = Vec::new();
    for (attack, zone) in attacks.iter().zip(&zones) {
        let begin = alarms.partition_point(|alarm| alarm.to <= zone.from);
        let end = alarms.partition_point(|alarm| alarm.from < zone.to);
        let pieces: Vec<Span> = alarms[begin..end.max(begin)]
            .iter()
            .filter_map(|alarm| alarm.cut(*zone))
            .collect();
        individual_precision.push(precision(&pieces, *attack, *zone));
        individual_recall.push(recall(&pieces, *attack, *zone));
    }
    let defined: Vec<f64> = individual_precision.iter().copied().flatten().collect();
    let mean = |values: &[f64]| {
        let sum: f64 = values.iter().sum();
        (!values.is_empty()).then(|| sum / values.len() as f64)
    };
    let (precision, recall) = (mean(&defined), mean(&individual_recall));
    Affiliation {
        trange: [0, series.n()],
        precision,
        recall,
        f1: recall.map(|recall| f1(precision.unwrap_or(0.0), recall)),
        individual_precision,
        individual_recall,
    }
}

/// The zone of each of several spans: up to the middle between neighbours, and to the ends of the whole.
fn zones(spans: &[Span], whole: Span) -> Vec<Span> {
    let border = |left: usize| f64::midpoint(spans[left].to, spans[left + 1].from);
    (0..spans.len())
        .map(|number| Span {
            from: if number == 0 {
                whole.from
            } else {
                border(number - 1)
            },
            to: if number + 1 == spans.len() {
                whole.to
            } else {
                border(number)
            },
        })
        .collect()
}

/// Mean over the pieces of the probability that a random moment of the zone is further from the attack.
fn precision(pieces: &[Span], attack: Span, zone: Span) -> Option<f64> {
    let total: f64 = pieces.iter().map(|piece| piece.len()).sum();
    if pieces.is_empty() {
        return None;
    }
    // The smaller of the gaps between the attack and the borders of its zone.
    let gap = smaller(attack.from - zone.from, zone.to - attack.to);
    // Integral over distances from a to b of 1 - (|attack| + min(d, gap) + d) / |zone|.
    let beside = |a: f64, b: f64| {
        let square = |d: f64| smaller(d, gap) * smaller(d, gap);
        let near = (square(b) - square(a)) / 2.0 + gap * (larger(b, gap) - larger(a, gap));
        let linear = (b * b - a * a) / 2.0;
        (b - a) - (near + linear + attack.len() * (b - a)) / zone.len()
    };
    let mut sum = 0.0;
    for piece in pieces {
        let before = Span {
            from: piece.from,
            to: attack.from,
        };
        if let Some(left) = piece.cut(before) {
            sum += beside(attack.from - left.to, attack.from - left.from);
        }
        if let Some(inside) = piece.cut(attack) {
            sum += inside.len();
        }
        let after = Span {
            from: attack.to,
            to: piece.to,
        };
        if let Some(right) = piece.cut(after) {
            sum += beside(right.from - attack.to, right.to - attack.to);
        }
    }
    Some(sum / total)
}

/// Mean over the attack of the probability that a random moment of the zone is further from it than the nearest
/// piece.
fn recall(pieces: &[Span], attack: Span, zone: Span) -> f64 {
    let mut sum = 0.0;
    for (piece, near) in pieces.iter().zip(zones(pieces, zone)) {
        let Some(part) = attack.cut(near) else {
            continue;
        };
        let before = Span {
            from: part.from,
            to: piece.from,
        };
        if let Some(left) = part.cut(before) {
            sum += survival(left, piece.from, zone);
        }
        if let Some(inside) = part.cut(*piece) {
            sum += inside.len();
        }
        let after = Span {
            from: piece.to,
            to: part.to,
        };
        if let Some(right) = part.cut(after) {
            sum += survival(right, piece.to, zone);
        }
    }
    sum / attack.len()
}

/// Integral over the part of 1 - (min(d, m) + d) / |zone|, with d the distance to the border of the piece, and m
/// that to the nearer border of the zone. The integrand is linear between where d = m and the zone's middle.
fn survival(part: Span, border: f64, zone: Span) -> f64 {
    let mut ends = [
        part.from,
        f64::midpoint(zone.from, zone.to),
        f64::midpoint(zone.from, border),
        f64::midpoint(zone.to, border),
        part.to,
    ]
    .map(|end| smaller(larger(end, part.from), part.to));
    ends.sort_unstable_by(f64::total_cmp);
    let height = |t: f64| {
        let distance = (t - border).abs();
        smaller(distance, smaller(t - zone.from, zone.to - t)) + distance
    };
    let mut integral = 0.0;
    for pair in ends.windows(2) {
        integral += (height(pair[0]) + height(pair[1])) / 2.0 * (pair[1] - pair[0]);
    }
    part.len() - integral / zone.len()
}

fn smaller(a: f64, b: f64) -> f64 {
    if b < a { b } else { a }
}

fn larger(a: f64, b: f64) -> f64 {
    if b > a { b } else { a }
}
