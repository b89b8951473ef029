//! What runs with something left out or moved have told of two runs: how long there was to act, and who did what.

use serde::{Deserialize, Serialize};

use super::{Side, StepPair, Which};
use crate::attribution::{Account, Amounts, Attribution, Method};
use crate::margin::{Loss, Margin, in_time, margin_s};

/// A loss with one defense against it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Placed {
    /// When it happens if nobody acts, simulated ns.
    pub impact_ns: u64,
    /// Latest order of the response that prevents it, simulated ns; `None` if it was always too late.
    pub point_of_no_return_ns: Option<u64>,
    /// Point of no return less the first alert, s.
    pub alert_margin_s: Option<f64>,
    /// Point of no return less the first action that was asked for, s.
    pub action_margin_s: Option<f64>,
}

/// A loss in both runs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LossPair {
    /// The violated constraint.
    pub id: String,
    /// For people.
    pub label: String,
    /// Against the first run; `None` where that has no such loss.
    pub first: Option<Placed>,
    /// Against the second run.
    pub second: Option<Placed>,
}

/// How long there was to act, with both defenses against it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MarginPair {
    /// Whether both stand against one and the same points of no return: the attack and the plant were the same.
    pub shared: bool,
    /// The run whose score has the points of no return for both, where the other was scored without them.
    pub taken_from: Option<Which>,
    /// First alert of the first run that belongs to a step, simulated ns.
    pub first_alert_ns: Option<u64>,
    /// First accepted action that the first run's defense asked for, simulated ns.
    pub first_action_ns: Option<u64>,
    /// First alert of the second run, simulated ns.
    pub second_alert_ns: Option<u64>,
    /// First action of the second run's defense, simulated ns.
    pub second_action_ns: Option<u64>,
    /// The losses by time.
    pub losses: Vec<LossPair>,
}

impl MarginPair {
    /// When the defense of a run first alerted and first acted, simulated ns.
    #[must_use]
    pub fn done_ns(&self, which: Which) -> (Option<u64>, Option<u64>) {
        which.of(
            (self.first_alert_ns, self.first_action_ns),
            (self.second_alert_ns, self.second_action_ns),
        )
    }
}

impl Placed {
    /// How the first alert or the first action stands to the point of no return, in words; `None` if it never came.
    ///
    /// # Arguments
    ///
    /// * `done_ns` — when it came, simulated ns.
    #[must_use]
    pub fn standing(&self, done_ns: Option<u64>) -> Option<String> {
        done_ns?;
        let margin_s = margin_s(self.point_of_no_return_ns, done_ns);
        Some(margin_s.map_or_else(|| "always too late".to_owned(), in_time))
    }
}

/// `None` where neither score has a margin, or only one has and the other run was attacked otherwise.
pub(super) fn margin(
    first: Side<'_>,
    second: Side<'_>,
    steps: &[StepPair],
    same_attack: bool,
) -> Option<MarginPair> {
    if steps.is_empty() {
        return None;
    }
    let taken_from = match (&first.score.margin, &second.score.margin) {
        (Some(_), Some(_)) => None,
        (Some(_), None) if same_attack => Some(Which::First),
        (None, Some(_)) if same_attack => Some(Which::Second),
        _ => return None,
    };
    let one = first
        .score
        .margin
        .as_ref()
        .or(second.score.margin.as_ref())?;
    let other = second
        .score
        .margin
        .as_ref()
        .or(first.score.margin.as_ref())?;
    let found = |side: Side<'_>| {
        (
            side.score.detection.first_alert_ns(),
            side.facts.first_action_ns,
        )
    };
    let ((first_alert_ns, first_action_ns), (second_alert_ns, second_action_ns)) =
        (found(first), found(second));
    let mut losses: Vec<LossPair> = Vec::new();
    for loss in one.losses.iter().chain(&other.losses) {
        if losses.iter().all(|known| known.id != loss.id) {
            losses.push(LossPair {
                id: loss.id.clone(),
                label: loss.label.clone(),
                first: placed(one, &loss.id, first_alert_ns, first_action_ns),
                second: placed(other, &loss.id, second_alert_ns, second_action_ns),
            });
        }
    }
    losses.sort_by_key(|loss| {
        let sides = [&loss.first, &loss.second];
        sides.into_iter().flatten().map(|p| p.impact_ns).min()
    });
    Some(MarginPair {
        shared: one.attack_ns == other.attack_ns && same_losses(one, other),
        taken_from,
        first_alert_ns,
        first_action_ns,
        second_alert_ns,
        second_action_ns,
        losses,
    })
}

fn same_losses(one: &Margin, other: &Margin) -> bool {
    let key = |loss: &Loss| (loss.id.clone(), loss.impact_ns, loss.point_of_no_return_ns);
    one.losses.iter().map(key).eq(other.losses.iter().map(key))
}

fn placed(
    margin: &Margin,
    id: &str,
    alert_ns: Option<u64>,
    action_ns: Option<u64>,
) -> Option<Placed> {
    let loss = margin.losses.iter().find(|loss| loss.id == id)?;
    let turn = loss.point_of_no_return_ns;
    Some(Placed {
        impact_ns: loss.impact_ns,
        point_of_no_return_ns: turn,
        alert_margin_s: margin_s(turn, alert_ns),
        action_margin_s: margin_s(turn, action_ns),
    })
}

/// A cause in both accounts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CausePair {
    /// As [`crate::attribution::Cause::id`].
    pub id: String,
    /// For people.
    pub label: String,
    /// Its part in the first run; `None` where it was no cause there.
    pub first: Option<Amounts>,
    /// Its part in the second run.
    pub second: Option<Amounts>,
}

/// An account of both runs. A positive amount is a gain.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AccountPair {
    /// Whether both runs have one and the same account.
    pub same: bool,
    /// How each was shared out; `None` where a run has no such account.
    pub methods: [Option<Method>; 2],
    /// The causes: those of the first by time, then those that only the second has.
    pub causes: Vec<CausePair>,
    /// What the causes do only together, in each.
    pub interaction: [Option<Amounts>; 2],
    /// The whole of each.
    pub whole: [Option<Amounts>; 2],
}

/// `None` where neither has the account.
pub(super) fn accounts(
    first: Side<'_>,
    second: Side<'_>,
    get: impl Fn(&Attribution) -> Option<&Account>,
) -> Option<AccountPair> {
    let sides = [first, second].map(|side| side.score.attribution.as_ref().and_then(&get));
    if sides.iter().all(Option::is_none) {
        return None;
    }
    let part = |account: Option<&Account>, id: &str| {
        let causes = account?.causes.iter();
        causes.clone().find(|cause| cause.id == id).map(|c| c.part)
    };
    let mut causes: Vec<CausePair> = Vec::new();
    for cause in sides
        .into_iter()
        .flatten()
        .flat_map(|account| &account.causes)
    {
        if causes.iter().all(|known| known.id != cause.id) {
            causes.push(CausePair {
                id: cause.id.clone(),
                label: cause.label.clone(),
                first: part(sides[0], &cause.id),
                second: part(sides[1], &cause.id),
            });
        }
    }
    Some(AccountPair {
        same: sides[0] == sides[1],
        methods: sides.map(|side| side.map(|account| account.method)),
        causes,
        interaction: sides.map(|side| side.map(|account| account.interaction)),
        whole: sides.map(|side| side.map(|account| account.whole)),
    })
}
