//! How long there was to act: the point of no return of each loss, and the defense's alert and action beside it.
//!
//! In the run without a defense the same response is ordered at one moment and another, and each time the run
//! goes on to its end. The point of no return is the latest order that still prevents a loss. An alert before
//! it was early enough for somebody who acts at once; an alert after it can only limit the damage.
//!
//! **Invariant:** a point of no return was found prevented by a run of its own; nothing is interpolated.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::attribution::Amounts;
use crate::report::words::duration;

/// A margin in words: `2 min in time`, `20 s too late`.
///
/// # Arguments
///
/// * `margin_s` — point of no return less what was done, s; negative when it came too late.
#[must_use]
pub fn in_time(margin_s: f64) -> String {
    if margin_s >= 0.0 {
        format!("{} in time", duration(margin_s))
    } else {
        format!("{} too late", duration(-margin_s))
    }
}

/// From what was done to a moment, s; negative when it was done after it. `None` without either.
///
/// # Arguments
///
/// * `moment_ns`, `done_ns` — simulated ns.
#[must_use]
pub fn margin_s(moment_ns: Option<u64>, done_ns: Option<u64>) -> Option<f64> {
    Some((moment_ns? as f64 - done_ns? as f64) / 1e9)
}

/// A loss of the undefended plant, and when it could last be prevented.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Loss {
    /// The violated constraint.
    pub id: String,
    /// What happened, for people.
    pub label: String,
    /// When it happened without a defense, simulated ns.
    pub impact_ns: u64,
    /// The steps without which it would not have come about, each left out alone.
    pub steps: Vec<String>,
    /// Latest order of the response that prevents it, simulated ns. `None` if even an order at the attack's
    /// first frame comes too late.
    pub point_of_no_return_ns: Option<u64>,
    /// Point of no return less the first alert, s: negative when the alert came too late. `None` without either.
    pub alert_margin_s: Option<f64>,
    /// Point of no return less the first action that the defense asked for, s. `None` without either.
    pub action_margin_s: Option<f64>,
}

/// What one moment of the response comes to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// When the response was ordered, simulated ns.
    pub ordered_ns: u64,
    /// What was lost, against the run without attack; positive is a loss.
    pub lost: Amounts,
    /// The constraints that were violated all the same.
    pub violated: Vec<String>,
}

/// Margin of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Margin {
    /// The response that was tried, in words.
    pub response: String,
    /// A point of no return lies less than this before the first order that came too late, s.
    pub resolution_s: f64,
    /// Runs that it took.
    pub runs: u64,
    /// First frame of the attack, simulated ns: there was nothing to answer before it.
    pub attack_ns: u64,
    /// What was lost without a response, against the run without attack; positive is a loss.
    pub unanswered: Amounts,
    /// When the first alert came that belongs to a step, simulated ns.
    pub first_alert_ns: Option<u64>,
    /// When the defense asked for its first action that was accepted, simulated ns.
    pub first_action_ns: Option<u64>,
    /// The losses of the undefended plant, by time.
    pub losses: Vec<Loss>,
    /// What was lost by the time of the order, by time.
    pub curve: Vec<Point>,
}

impl Margin {
    /// The same with a defense placed against it.
    ///
    /// # Arguments
    ///
    /// * `first_alert_ns`, `first_action_ns` — as [`Self::first_alert_ns`] and [`Self::first_action_ns`].
    #[must_use]
    pub fn beside(mut self, first_alert_ns: Option<u64>, first_action_ns: Option<u64>) -> Self {
        self.first_alert_ns = first_alert_ns;
        self.first_action_ns = first_action_ns;
        for loss in &mut self.losses {
            let moment = loss.point_of_no_return_ns;
            loss.alert_margin_s = margin_s(moment, first_alert_ns);
            loss.action_margin_s = margin_s(moment, first_action_ns);
        }
        self
    }

    /// The earliest point of no return: after it something is lost for certain.
    #[must_use]
    pub fn first_point_of_no_return_ns(&self) -> Option<u64> {
        let points = self.losses.iter().map(|loss| loss.point_of_no_return_ns);
        points.collect::<Option<Vec<u64>>>()?.into_iter().min()
    }
}

/// Finds by bisection when each loss could last be prevented.
///
/// An order at the moment of the loss or later does not prevent it. Losses share their trials.
///
/// # Arguments
///
/// * `first_ns` — the earliest order, simulated ns.
/// * `impacts` — each loss and its moment, simulated ns, not before `first_ns`.
/// * `resolution_ns` — how close to the first order that comes too late; at least 1.
/// * `happened` — which losses happen all the same when the response is ordered at a time; asked once for each
///   time.
///
/// # Errors
///
/// Those of `happened`.
///
/// # Panics
///
/// If `resolution_ns` is 0.
pub fn last_moments<E>(
    first_ns: u64,
    impacts: &[(&str, u64)],
    resolution_ns: u64,
    mut happened: impl FnMut(u64) -> Result<Vec<String>, E>,
) -> Result<Vec<Option<u64>>, E> {
    assert!(resolution_ns > 0, "a bisection needs a resolution");
    let mut known: BTreeMap<u64, Vec<String>> = BTreeMap::new();
    let mut found = Vec::new();
    for (loss, impact_ns) in impacts {
        let mut prevented = |at: u64| -> Result<bool, E> {
            if let Some(all) = known.get(&at) {
                return Ok(!all.iter().any(|one| one == loss));
            }
            let all = happened(at)?;
            let prevented = !all.iter().any(|one| one == loss);
            known.insert(at, all);
            Ok(prevented)
        };
        if *impact_ns <= first_ns || !prevented(first_ns)? {
            found.push(None);
            continue;
        }
        let (mut early, mut late) = (first_ns, *impact_ns);
        while late - early > resolution_ns {
            let middle = early + (late - early) / 2;
            if prevented(middle)? {
                early = middle;
            } else {
                late = middle;
            }
        }
        found.push(Some(early));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Losses that happen when the response comes after their times; how often it was tried.
    fn find(first: u64, losses: &[(&str, u64, u64)], resolution: u64) -> (Vec<Option<u64>>, usize) {
        let impacts: Vec<(&str, u64)> = losses.iter().map(|&(id, at, _)| (id, at)).collect();
        let mut trials = Vec::new();
        let found = last_moments(first, &impacts, resolution, |at| {
            trials.push(at);
            let late = losses.iter().filter(|(_, _, last)| at > *last);
            Ok::<_, ()>(late.map(|(id, _, _)| (*id).to_owned()).collect())
        });
        let tried = trials.len();
        trials.sort_unstable();
        trials.dedup();
        assert_eq!(tried, trials.len(), "each time is tried once");
        (found.expect("it cannot fail"), tried)
    }

    #[test]
    fn last_moment_when_it_is_known_then_found_and_none_where_it_was_always_too_late() {
        assert_eq!(find(100, &[("a", 1100, 700)], 1).0, [Some(700)]);
        assert_eq!(find(100, &[("a", 1100, 99)], 1), (vec![None], 1));
        assert_eq!(find(100, &[("a", 100, 100)], 1), (vec![None], 0));
        // Up to the very moment of the loss, which itself is too late.
        assert_eq!(find(100, &[("a", 1100, 5000)], 1).0, [Some(1099)]);
        let (found, tried) = find(100, &[("a", 1100, 700), ("b", 1100, 700)], 1);
        assert_eq!((found, tried), (vec![Some(700), Some(700)], 11));
    }

    proptest! {
        #[test]
        fn last_moment_when_resolution_is_coarse_then_prevented_and_that_close(
            first in 0_u64..1000, until in 1_u64..5000, last in 0_u64..7000, resolution in 1_u64..500,
        ) {
            let impact = first + until;
            let (found, _) = find(first, &[("a", impact, last)], resolution);
            match found[0] {
                None => prop_assert!(last < first),
                Some(at) => {
                    prop_assert!(at <= last && at < impact);
                    prop_assert!(last.min(impact - 1) - at < resolution);
                }
            }
        }
    }
}
