//! From explained cells to what each step and each action did over the seeds, and how long there was to act.

use std::collections::BTreeMap;

use twinrange_score::attribution::{Account, Amounts, INTERACTION, Summand};
use twinrange_score::margin::Loss;
use twinrange_score::report::campaign::{
    AMOUNTS, CauseMean, Estimate, Explained, LossOverSeeds, Timeliness,
};
use twinrange_score::seeds::{mean, mean_interval};
use twinrange_score::stats;

use super::key::CellResult;
use super::plan::Plan;
use super::summary::{Cells, cells_with, count};

/// Mean of values over seeds with Student's interval.
pub(super) fn estimate(figure: &str, values: &[f64]) -> Estimate {
    Estimate {
        figure: figure.to_owned(),
        seeds: count(values.len()),
        mean: (!values.is_empty()).then(|| mean(values)),
        interval: mean_interval(values),
    }
}

/// The cells of one stratum.
pub(super) fn of(plan: &Plan, cells: &Cells<'_>) -> Explained {
    let one_of_each_seed = first_of_each_seed(cells);
    let mut causes = over_seeds(
        None,
        one_of_each_seed.iter().filter_map(|cell| attack(cell)),
    );
    for (at, contender) in plan.defenses.iter().enumerate() {
        let mine = cells_with(cells, at);
        let accounts = mine.filter_map(|cell| cell.attribution.as_ref()?.defense.as_ref());
        causes.extend(over_seeds(Some(&contender.name), accounts));
    }
    Explained {
        causes,
        losses: losses(plan, cells, &one_of_each_seed),
    }
}

fn attack(cell: &CellResult) -> Option<&Account> {
    cell.attribution.as_ref()?.attack.as_ref()
}

/// What concerns the undefended plant is the same in every explained cell of a seed.
fn first_of_each_seed<'a>(cells: &Cells<'a>) -> Vec<&'a CellResult> {
    let mut first: BTreeMap<usize, &CellResult> = BTreeMap::new();
    for ((seed, _), cell) in cells {
        if cell.attribution.is_some() {
            first.entry(*seed).or_insert(cell);
        }
    }
    first.into_values().collect()
}

/// The summands of some accounts by identifier, in the order in which they first appear.
fn over_seeds<'a>(
    defense: Option<&str>,
    accounts: impl Iterator<Item = &'a Account>,
) -> Vec<CauseMean> {
    let mut found: Vec<(Summand<'_>, Vec<Amounts>)> = Vec::new();
    for one in accounts.flat_map(Account::summands) {
        match found.iter_mut().find(|(known, _)| known.id == one.id) {
            Some((_, parts)) => parts.push(one.part),
            None => found.push((one, vec![one.part])),
        }
    }
    found.sort_by_key(|(one, _)| one.id == INTERACTION);
    let get = |amounts: &Amounts, name: &str| match name {
        "good_parts" => Some(amounts.good_parts),
        "money" => amounts.money,
        "safe_s" => Some(amounts.safe_s),
        _ => unreachable!("one of the known amounts"),
    };
    found
        .into_iter()
        .map(|(first, parts)| CauseMean {
            defense: defense.map(str::to_owned),
            parts: AMOUNTS
                .iter()
                .map(|name| {
                    let values: Vec<f64> = parts.iter().filter_map(|p| get(p, name)).collect();
                    estimate(name, &values)
                })
                .collect(),
            id: first.id.to_owned(),
            label: first.label.to_owned(),
        })
        .collect()
}

/// A loss in one cell, and the attack's first frame there, simulated ns.
type Seen<'a> = (&'a Loss, u64);

fn losses_of(cell: &CellResult) -> impl Iterator<Item = Seen<'_>> {
    let margin = cell.margin.iter();
    margin.flat_map(|margin| margin.losses.iter().map(|loss| (loss, margin.attack_ns)))
}

fn losses(plan: &Plan, cells: &Cells<'_>, seeds: &[&CellResult]) -> Vec<LossOverSeeds> {
    let mut by_id: BTreeMap<&str, Vec<Seen<'_>>> = BTreeMap::new();
    for (loss, attack_ns) in seeds.iter().flat_map(|cell| losses_of(cell)) {
        by_id.entry(&loss.id).or_default().push((loss, attack_ns));
    }
    let after = |at_ns: u64, attack_ns: u64| (at_ns as f64 - attack_ns as f64) / 1e9;
    let mut all = Vec::new();
    for (id, seen) in by_id {
        let impacts: Vec<f64> = seen
            .iter()
            .map(|(loss, began)| after(loss.impact_ns, *began))
            .collect();
        let moments: Vec<f64> = seen
            .iter()
            .filter_map(|(loss, began)| Some(after(loss.point_of_no_return_ns?, *began)))
            .collect();
        let of_defenses = plan.defenses.iter().enumerate().map(|(at, contender)| {
            let mine: Vec<&Loss> = cells_with(cells, at)
                .flat_map(losses_of)
                .map(|(loss, _)| loss)
                .filter(|loss| loss.id == id && loss.point_of_no_return_ns.is_some())
                .collect();
            timeliness(&contender.name, &mine)
        });
        all.push(LossOverSeeds {
            id: id.to_owned(),
            label: seen[0].0.label.clone(),
            seeds: count(seen.len()),
            impact_s: estimate("impact_s", &impacts),
            last_moment_s: estimate("last_moment_s", &moments),
            of_defenses: of_defenses.collect(),
        });
    }
    all
}

/// Whether a defense was early enough.
///
/// # Arguments
///
/// * `losses` — the same loss in each seed in which it could be prevented.
fn timeliness(defense: &str, losses: &[&Loss]) -> Timeliness {
    let alerts: Vec<f64> = losses.iter().filter_map(|l| l.alert_margin_s).collect();
    let actions: Vec<f64> = losses.iter().filter_map(|l| l.action_margin_s).collect();
    let in_time = |margins: &[f64]| count(margins.iter().filter(|s| **s >= 0.0).count());
    let seeds = count(losses.len());
    Timeliness {
        defense: defense.to_owned(),
        seeds,
        alerts_in_time: in_time(&alerts),
        alerts_interval: stats::wilson(in_time(&alerts), seeds),
        alert_margin_s: estimate("alert_margin_s", &alerts),
        actions_in_time: in_time(&actions),
        action_margin_s: estimate("action_margin_s", &actions),
    }
}
