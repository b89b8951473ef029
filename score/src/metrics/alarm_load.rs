//! How much alarms ask of one operator.
//!
//! # Source
//!
//! ANSI/ISA-18.2-2016 and IEC 62682 (measures and targets), EEMUA 191 (steady state). The averages are meant over
//! thirty days or more; over a run of hours they compare runs with one another and no more.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

const SECOND_NS: u64 = 1_000_000_000;
/// Length of the windows that alarms are counted in.
const WINDOW_NS: u64 = 600 * SECOND_NS;
const HOUR_NS: u64 = 3600 * SECOND_NS;
/// A flood begins above this many alarms in a window, and ends below the other.
const FLOOD_BEGINS: usize = 10;
const FLOOD_ENDS: usize = 5;
/// Most alarms in an hour that are manageable.
const HOUR_MOST: u64 = 30;
/// An alarm chatters when it comes this often in a minute.
const CHATTER: usize = 3;
/// Sources whose share is told.
const TOP: usize = 10;

/// Load of one operator.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AlarmLoad {
    /// Annunciated alarms.
    pub alarms: u64,
    /// The same per day; about 144 are likely acceptable, 288 the most that is manageable.
    pub per_day: f64,
    /// Per 10 min on average; about 1, and 2 at most.
    pub per_10_min: f64,
    /// Most in a 10 min window that begins with an alarm; 10 at most.
    pub most_in_10_min: u64,
    /// Share of the 10 min periods from the start with more than 10 alarms, percent; below 1.
    pub periods_over_10_percent: f64,
    /// Share of the hours from the start with more than 30 alarms, percent; below 1.
    pub hours_over_30_percent: f64,
    /// Share of the time in a flood, percent; below 1. A flood begins with more than 10 alarms in 10 min and ends with
    /// fewer than 5.
    pub flood_percent: f64,
    /// Share of the 10 most frequent sources in all alarms, percent; below 5.
    pub top_10_percent: f64,
    /// Sources that came three times or more within a minute; none.
    pub chattering: Vec<String>,
}

/// Load of alarms.
///
/// # Arguments
///
/// * `alarms` — when each was annunciated, simulated ns from the start, and its source; in any order.
/// * `duration_ns` — length of the run; alarms behind it do not count.
#[must_use]
pub fn alarm_load(alarms: &[(u64, String)], duration_ns: u64) -> AlarmLoad {
    let mut sorted: Vec<(u64, &str)> = alarms
        .iter()
        .filter(|(at, _)| *at <= duration_ns)
        .map(|(at, source)| (*at, source.as_str()))
        .collect();
    sorted.sort_unstable();
    let times: Vec<u64> = sorted.iter().map(|(at, _)| *at).collect();
    let count = times.len() as u64;
    let days = duration_ns as f64 / (24 * HOUR_NS) as f64;
    let per = |periods: f64| {
        if periods > 0.0 {
            count as f64 / periods
        } else {
            0.0
        }
    };
    let in_window = |first: usize| {
        let end = times.partition_point(|at| *at < times[first] + WINDOW_NS);
        (end - first) as u64
    };
    AlarmLoad {
        alarms: count,
        per_day: per(days),
        per_10_min: per(days * 144.0),
        most_in_10_min: (0..times.len()).map(in_window).max().unwrap_or(0),
        periods_over_10_percent: over(&times, duration_ns, WINDOW_NS, FLOOD_BEGINS as u64),
        hours_over_30_percent: over(&times, duration_ns, HOUR_NS, HOUR_MOST),
        flood_percent: flood_percent(&times, duration_ns),
        top_10_percent: top_percent(&sorted),
        chattering: chattering(&sorted),
    }
}

/// Share of the periods from the start with more than so many alarms, percent.
fn over(times: &[u64], duration_ns: u64, period_ns: u64, most: u64) -> f64 {
    let periods = duration_ns.div_ceil(period_ns);
    if periods == 0 {
        return 0.0;
    }
    let mut counts: BTreeMap<u64, u64> = BTreeMap::new();
    for at in times {
        *counts.entry((at / period_ns).min(periods - 1)).or_default() += 1;
    }
    let over = counts.values().filter(|count| **count > most).count();
    100.0 * over as f64 / periods as f64
}

/// Share of the time in a flood, percent. The number of alarms in the 10 min before a time changes when one comes and
/// when one is 10 min old.
fn flood_percent(times: &[u64], duration_ns: u64) -> f64 {
    if duration_ns == 0 {
        return 0.0;
    }
    let gone = times.iter().map(|at| at + WINDOW_NS);
    let mut moments: Vec<(u64, bool)> = times.iter().map(|at| (*at, true)).collect();
    moments.extend(gone.map(|at| (at, false)));
    // At one time the new ones come first, so that a steady stream does not dip.
    moments.sort_unstable_by_key(|(at, comes)| (*at, !comes));
    let (mut inside, mut since, mut flooded) = (0, None, 0);
    for (at, comes) in moments {
        if comes {
            inside += 1;
        } else {
            inside -= 1;
        }
        match since {
            None if inside > FLOOD_BEGINS => since = Some(at),
            Some(began) if inside < FLOOD_ENDS => {
                flooded += at.min(duration_ns).saturating_sub(began);
                since = None;
            }
            _ => {}
        }
    }
    100.0 * flooded as f64 / duration_ns as f64
}

fn top_percent(sorted: &[(u64, &str)]) -> f64 {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for (_, source) in sorted {
        *counts.entry(source).or_default() += 1;
    }
    let mut counts: Vec<usize> = counts.into_values().collect();
    counts.sort_unstable_by(|a, b| b.cmp(a));
    let top: usize = counts.iter().take(TOP).sum();
    super::ratio(100.0 * top as f64, sorted.len() as f64)
}

fn chattering(sorted: &[(u64, &str)]) -> Vec<String> {
    let mut by_source: BTreeMap<&str, Vec<u64>> = BTreeMap::new();
    for (at, source) in sorted {
        by_source.entry(source).or_default().push(*at);
    }
    let chatters = |times: &[u64]| {
        let mut windows = times.windows(CHATTER);
        windows.any(|few| few[CHATTER - 1] - few[0] < 60 * SECOND_NS)
    };
    let found = by_source.into_iter().filter(|(_, times)| chatters(times));
    found.map(|(source, _)| source.to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Alarms of one source at seconds, in a run of an hour.
    fn load(at_s: &[u64]) -> AlarmLoad {
        let alarm = |s: &u64| (s * SECOND_NS, "level high".to_owned());
        let alarms: Vec<_> = at_s.iter().map(alarm).collect();
        alarm_load(&alarms, HOUR_NS)
    }

    #[test]
    fn load_when_alarms_are_few_then_rates_and_no_flood() {
        let found = load(&[10, 1000, 2000]);
        assert_eq!(found.alarms, 3);
        assert!((found.per_day - 72.0).abs() < 1e-9 && (found.per_10_min - 0.5).abs() < 1e-9);
        assert_eq!((found.most_in_10_min, found.chattering.len()), (1, 0));
        assert_eq!((found.flood_percent, found.top_10_percent), (0.0, 100.0));
        assert_eq!(alarm_load(&[], HOUR_NS).per_day, 0.0);
        assert_eq!(alarm_load(&[], 0).flood_percent, 0.0);
    }

    #[test]
    fn load_when_many_come_at_once_then_a_flood_until_fewer_than_five_are_left() {
        // Eleven from 600 s on, one each 10 s: the flood begins with the last, at 700 s. Of those eleven, four are
        // left when the seventh is 10 min old, at 660 + 600 s.
        let burst: Vec<u64> = (0..11).map(|number| 600 + 10 * number).collect();
        let found = load(&burst);
        assert_eq!(found.most_in_10_min, 11);
        assert!(
            (found.flood_percent - 100.0 * 560.0 / 3600.0).abs() < 1e-9,
            "{found:?}"
        );
        assert!((found.periods_over_10_percent - 100.0 / 6.0).abs() < 1e-9);
        assert_eq!(found.chattering, ["level high"]);
        assert_eq!(load(&burst[..10]).flood_percent, 0.0);
    }

    #[test]
    fn load_when_an_hour_is_full_then_it_is_counted() {
        let steady: Vec<u64> = (0..31).map(|number| number * 110).collect();
        assert_eq!(load(&steady).hours_over_30_percent, 100.0);
        assert_eq!(load(&steady[..30]).hours_over_30_percent, 0.0);
        assert!(load(&steady).chattering.is_empty());
    }
}
