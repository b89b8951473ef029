//! What chance gets: the same alarms at random places.
//!
//! Some metrics give much to a detector that knows nothing (affiliation about 0.67, point adjust nearly 1 where
//! attacks are long). A figure of theirs says something only beside that of chance.

use serde::{Deserialize, Serialize};

use super::{
    Range, Series, affiliation, batadal, etapr, eventwise, merged, point_adjust, pointwise,
};

/// Random shifts that a baseline is the mean of.
pub const DRAWS: u64 = 100;

/// What the same alarms get at random places: means over [`DRAWS`] shifts.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Baseline {
    /// Shifts.
    pub draws: u64,
    /// F1 over samples.
    pub pointwise_f1: f64,
    /// Recall over attacks.
    pub event_recall: f64,
    /// Composite F1.
    pub composite_f1: f64,
    /// Point-adjusted F1, K = 0.
    pub point_adjust_f1: f64,
    /// eTaPR's F1 at 0.5, 0.1, 0.
    pub etapr_f1: f64,
    /// Affiliation F1.
    pub affiliation_f1: f64,
    /// BATADAL's score.
    pub batadal_s: f64,
}

/// Shifts all alarms together round the series by random distances, so that their number, lengths and gaps stay,
/// and takes means. `None` without alarms or without attacks.
///
/// # Determinism
///
/// The distances come from SplitMix64 with a fixed seed: the same series has the same baseline everywhere.
#[must_use]
pub fn baseline(series: &Series) -> Option<Baseline> {
    if series.alarms().is_empty() || series.truth().is_empty() {
        return None;
    }
    let mut sum = Baseline::default();
    let mut state = 0x7769_6e72_616e_6765;
    for _ in 0..DRAWS {
        let distance = next(&mut state) % series.n();
        let moved = series.with_alarms(shifted(series, distance));
        sum.pointwise_f1 += pointwise(&moved).f1;
        let events = eventwise(&moved);
        sum.event_recall += events.event_recall;
        sum.composite_f1 += events.composite_f1;
        sum.point_adjust_f1 += point_adjust(&moved, 0.0).f1;
        sum.etapr_f1 += etapr(&moved, 0.5, 0.1, 0.0).f1;
        sum.affiliation_f1 += affiliation(&moved).f1.unwrap_or(0.0);
        sum.batadal_s += batadal(&moved).s.unwrap_or(0.0);
    }
    let mean = |value: f64| value / DRAWS as f64;
    Some(Baseline {
        draws: DRAWS,
        pointwise_f1: mean(sum.pointwise_f1),
        event_recall: mean(sum.event_recall),
        composite_f1: mean(sum.composite_f1),
        point_adjust_f1: mean(sum.point_adjust_f1),
        etapr_f1: mean(sum.etapr_f1),
        affiliation_f1: mean(sum.affiliation_f1),
        batadal_s: mean(sum.batadal_s),
    })
}

fn shifted(series: &Series, distance: u64) -> Vec<Range> {
    let n = series.n();
    let mut moved = Vec::new();
    for alarm in series.alarms() {
        let (first, last) = (alarm.first + distance, alarm.last + distance);
        if first >= n {
            moved.push(Range {
                first: first - n,
                last: last - n,
            });
        } else if last >= n {
            moved.push(Range { first, last: n - 1 });
            moved.push(Range {
                first: 0,
                last: last - n,
            });
        } else {
            moved.push(Range { first, last });
        }
    }
    merged(n, &moved).expect("shifted ranges stay inside")
}

/// SplitMix64 (Steele, Lea, Flood 2014).
fn next(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
