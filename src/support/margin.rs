//! When a response would still have helped: the run without a defense, over and over, with the response moved.

use std::collections::{BTreeMap, BTreeSet};

use sim_kernel::time::SimTime;
use sim_plant::respond::Action;
use twinrange_range::branch::Branch;
use twinrange_range::session::Counterfactual;
use twinrange_range::twin::{self, Violation};
use twinrange_score::attribution::Amounts;
use twinrange_score::margin::{Loss, Margin, Point, last_moments};

use super::attribution::AttackAccount;
use super::failure::Failure;
use super::ideal::ideal_response;
use super::reruns::Reruns;

/// Orders that are tried beside those of the bisection, so that the curve has points all along.
const GRID: u64 = 6;
/// A response may lose this share of the quiet run's good parts more than the attack.
const SPARED_SHARE: f64 = 0.01;
/// A bisection ends within this share of the time from the first frame to the loss.
const RESOLUTION_SHARE: u64 = 100;
/// And never finer than this, ns: lock-step defenses answer once a second.
const RESOLUTION_NS: u64 = 1_000_000_000;

/// What is known of an attack without a defense before its margin is asked for.
pub(crate) struct Undefended<'a> {
    /// The run N.
    pub(crate) none: &'a Counterfactual,
    /// The run A.
    pub(crate) attacked: &'a Counterfactual,
    /// The constraints that A violates and N does not.
    pub(crate) violations: &'a [Violation],
    /// What each step does.
    pub(crate) account: &'a AttackAccount,
}

/// Finds the margin, with no defense beside it. `None` if the attack sent nothing.
pub(crate) fn of(
    reruns: &Reruns<'_>,
    undefended: &Undefended<'_>,
) -> Result<Option<Margin>, Failure> {
    let steps = &undefended.attacked.finished.steps;
    let began = steps.iter().filter_map(|step| step.started_at).min();
    let Some(attack_ns) = began.map(SimTime::as_nanos) else {
        return Ok(None);
    };
    let end_ns = reruns.duration.as_nanos();
    let mut losses = first_of_each(reruns, undefended);
    let impacts: Vec<(String, u64)> = losses
        .iter()
        .map(|loss| (loss.id.clone(), loss.impact_ns))
        .collect();
    let last_ns = impacts.iter().map(|(_, at)| *at).max().unwrap_or(end_ns);
    let span_ns = last_ns.saturating_sub(attack_ns);
    let resolution_ns = (span_ns / RESOLUTION_SHARE).max(RESOLUTION_NS);
    let mut trials = Trials {
        reruns,
        undefended,
        none: reruns.worth(undefended.none),
        unanswered: reruns
            .worth(undefended.none)
            .less(reruns.worth(undefended.attacked)),
        losses: losses.iter().map(|loss| loss.id.clone()).collect(),
        known: BTreeMap::new(),
        curve: BTreeMap::new(),
        runs: 0,
    };
    // Beyond the first damage as well: what a late response still saves.
    let ended = steps.iter().filter_map(|step| step.ended_at).max();
    let ended_ns = ended.map_or(last_ns, SimTime::as_nanos).max(last_ns);
    for step in 0..=GRID {
        let ordered_ns = attack_ns + (ended_ns - attack_ns) * step / GRID;
        if ordered_ns < end_ns {
            trials.order(ordered_ns)?;
        }
    }
    let named: Vec<(&str, u64)> = impacts.iter().map(|(id, at)| (id.as_str(), *at)).collect();
    let moments = last_moments(attack_ns, &named, resolution_ns, |at| trials.order(at))?;
    for (loss, moment) in losses.iter_mut().zip(moments) {
        loss.point_of_no_return_ns = moment;
    }
    Ok(Some(Margin {
        response: "take the attacker's host off the network, and restore the controllers that it has changed by \
                   then where that helps"
            .to_owned(),
        resolution_s: resolution_ns as f64 / 1e9,
        runs: trials.runs,
        attack_ns,
        unanswered: trials.unanswered,
        first_alert_ns: None,
        first_action_ns: None,
        losses,
        curve: trials.curve.into_values().collect(),
    }))
}

/// The first violation of each constraint, by time, with the steps that it takes.
fn first_of_each(reruns: &Reruns<'_>, undefended: &Undefended<'_>) -> Vec<Loss> {
    let mut first: Vec<&Violation> = Vec::new();
    let mut by_time: Vec<&Violation> = undefended.violations.iter().collect();
    by_time.sort_by_key(|violation| violation.violated_ns);
    for violation in by_time {
        if !first
            .iter()
            .any(|one| one.constraint == violation.constraint)
        {
            first.push(violation);
        }
    }
    let scenario = &reruns.ready.loaded.scenario;
    let loss = |violation: &Violation| {
        let words = scenario.constraints.iter();
        let words = words.clone().find(|c| c.name == violation.constraint);
        let AttackAccount {
            account,
            violated_without,
        } = undefended.account;
        let needed = account.causes.iter().zip(violated_without);
        let needed = needed.filter(|(_, violated)| !violated.contains(&violation.constraint));
        Loss {
            id: violation.constraint.clone(),
            label: words.map_or_else(String::new, |c| c.description.clone()),
            impact_ns: violation.violated_ns,
            steps: needed.map(|(cause, _)| cause.id.clone()).collect(),
            point_of_no_return_ns: None,
            alert_margin_s: None,
            action_margin_s: None,
        }
    };
    first.into_iter().map(loss).collect()
}

/// The runs with the response moved.
struct Trials<'a> {
    reruns: &'a Reruns<'a>,
    undefended: &'a Undefended<'a>,
    none: Amounts,
    /// What is lost without a response.
    unanswered: Amounts,
    /// The losses of the undefended plant.
    losses: BTreeSet<String>,
    /// What has been tried: which losses happened, and what was lost.
    known: BTreeMap<u64, Vec<String>>,
    curve: BTreeMap<u64, Point>,
    runs: u64,
}

impl Trials<'_> {
    /// Orders the response at a time, and tells which losses happen whatever is ordered.
    fn order(&mut self, ordered_ns: u64) -> Result<Vec<String>, Failure> {
        if let Some(known) = self.known.get(&ordered_ns) {
            return Ok(known.clone());
        }
        let branches: Vec<Branch<'_>> = responses(self.reruns, self.undefended, ordered_ns)
            .into_iter()
            .map(|actions| Branch {
                actions,
                ..Branch::default()
            })
            .collect();
        let constraints = &self.reruns.ready.loaded.scenario.constraints;
        let none = &self.undefended.none.truth;
        let seen = |run: Counterfactual| {
            let found = twin::own_violations(&run.truth, none, constraints).into_iter();
            let violated: BTreeSet<String> = found.map(|found| found.constraint).collect();
            (self.none.less(self.reruns.worth(&run)), violated)
        };
        let outcomes = self.reruns.each(&branches, seen)?;
        self.runs += outcomes.len() as u64;
        // What stops more of the line than the attack does prevents nothing that anybody would call a loss.
        let most = self.unanswered.good_parts + self.none.good_parts * SPARED_SHARE;
        let helps = outcomes.iter().filter(|(lost, _)| lost.good_parts <= most);
        let mut happens: BTreeSet<String> = self.losses.clone();
        for (_, violated) in helps {
            happens.retain(|loss| violated.contains(loss));
        }
        let cheapest = outcomes.into_iter().reduce(|a, b| {
            if (cost(&b.0), b.1.len()) < (cost(&a.0), a.1.len()) {
                b
            } else {
                a
            }
        });
        let (lost, violated) = cheapest.expect("there is always a response");
        self.curve.insert(
            ordered_ns,
            Point {
                ordered_ns,
                lost,
                violated: violated.into_iter().collect(),
            },
        );
        let happens: Vec<String> = happens.into_iter().collect();
        self.known.insert(ordered_ns, happens.clone());
        Ok(happens)
    }
}

/// What a loss costs: money where there are prices, else items.
fn cost(lost: &Amounts) -> f64 {
    lost.money.unwrap_or(lost.good_parts)
}

/// What somebody who knows everything could order at a time: the ideal response, and without its restores, since
/// a restore stops a controller and may cost more than it saves.
fn responses(
    reruns: &Reruns<'_>,
    undefended: &Undefended<'_>,
    ordered_ns: u64,
) -> Vec<Vec<(SimTime, Action)>> {
    let Some(playbook) = &reruns.ready.prepared.playbook else {
        return vec![Vec::new()];
    };
    let whole = ideal_response(
        &reruns.ready.loaded.scenario,
        playbook,
        &undefended.attacked.finished.steps,
        SimTime::from_nanos(ordered_ns),
        SimTime::ZERO + reruns.duration,
    );
    let whole: Vec<(SimTime, Action)> = whole
        .into_iter()
        .map(|asked| (asked.at, asked.action))
        .collect();
    let (restores, rest): (Vec<_>, Vec<_>) = whole
        .iter()
        .cloned()
        .partition(|(_, action)| matches!(action, Action::Restore { .. }));
    if restores.is_empty() {
        vec![rest]
    } else {
        vec![rest, whole]
    }
}

#[cfg(test)]
mod tests;
