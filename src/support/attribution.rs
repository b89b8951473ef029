//! What each attack step and each action of a defense did, from runs without it.

use sim_kernel::time::SimTime;
use sim_plant::respond::Action;
use twinrange_attacks::StepRecord;
use twinrange_range::branch::{Branch, Played};
use twinrange_range::session::Counterfactual;
use twinrange_range::twin;
use twinrange_score::attribution::{Account, Amounts, Named, SHAPLEY_MAX};
use twinrange_score::inline::InlineFigures;

use super::failure::Failure;
use super::reruns::Reruns;

/// Most causes that get a run of their own without them; the last one then stands for all later ones.
const CAUSES_MAX: usize = 24;

/// The account of an attack, and which damage does not come about without a step.
#[derive(Debug)]
pub(crate) struct AttackAccount {
    pub(crate) account: Account,
    /// For each step of the account: the constraints that the run without it violates.
    pub(crate) violated_without: Vec<Vec<String>>,
}

/// From N to A: what each step of the attack does. `None` if no step ever began.
///
/// # Arguments
///
/// * `reruns` — those of the attacked plant.
/// * `none`, `all` — the runs N and A.
pub(crate) fn of_attack(
    reruns: &Reruns<'_>,
    none: &Counterfactual,
    all: &Counterfactual,
) -> Result<Option<AttackAccount>, Failure> {
    let began = |step: &&StepRecord| step.started_at.is_some();
    let mut steps: Vec<&StepRecord> = all.finished.steps.iter().filter(began).collect();
    steps.sort_by_key(|step| (step.started_at, step.step));
    if steps.is_empty() {
        return Ok(None);
    }
    let names: Vec<Named> = steps
        .iter()
        .map(|step| Named {
            id: step.id.clone(),
            label: step.title.clone(),
            t_ns: step.started_at.map_or(0, SimTime::as_nanos),
        })
        .collect();
    let constraints = &reruns.ready.loaded.scenario.constraints;
    let violated = |run: &Counterfactual| -> Vec<String> {
        let found = twin::own_violations(&run.truth, &none.truth, constraints).into_iter();
        found.map(|found| found.constraint).collect()
    };
    let plays = |set: usize| Branch {
        absent: absent_of(&steps, set),
        ..Branch::default()
    };
    let seen = |run: Counterfactual| (reruns.worth(&run), violated(&run));
    let ends = (reruns.worth(none), reruns.worth(all));
    let (account, without) = account(reruns, &names, ends, plays, seen)?;
    Ok(Some(AttackAccount {
        account,
        violated_without: without
            .into_iter()
            .map(|without| without.unwrap_or_default())
            .collect(),
    }))
}

fn absent_of<'a>(steps: &[&'a StepRecord], set: usize) -> Vec<&'a StepRecord> {
    let numbered = steps.iter().enumerate();
    let absent = numbered.filter(|(number, _)| set & (1 << number) == 0);
    absent.map(|(_, step)| *step).collect()
}

/// From the run without the defense to the one with it: what each of its actions does. Actions of one kind on
/// one target count as one. `None` if it did nothing.
///
/// # Arguments
///
/// * `actions` — the accepted ones with the times at which they were asked for, by time.
/// * `played` — what clients outside sent into a live run: one cause more.
/// * `ends` — the worth of the runs without and with all of them.
pub(crate) fn of_defense(
    reruns: &Reruns<'_>,
    actions: &[(SimTime, Action)],
    played: Option<&Played>,
    ends: (Amounts, Amounts),
) -> Result<Option<Account>, Failure> {
    let mut groups: Vec<(String, Vec<usize>)> = Vec::new();
    for (number, (_, action)) in actions.iter().enumerate() {
        let what = kind_of(action);
        match groups.iter().position(|(known, _)| *known == what) {
            Some(group) => groups[group].1.push(number),
            None if groups.len() == CAUSES_MAX => {
                let (label, members) = groups.last_mut().expect("there are many");
                "all other actions".clone_into(label);
                members.push(number);
            }
            None => groups.push((what, vec![number])),
        }
    }
    if groups.is_empty() && played.is_none() {
        return Ok(None);
    }
    let clients = played.map(|played| Named {
        id: "outside".to_owned(),
        label: "clients outside".to_owned(),
        t_ns: played.frames.first().map_or(0, |(at, _)| at.as_nanos()),
    });
    let names: Vec<Named> = groups
        .iter()
        .map(|(what, members)| Named {
            id: what.clone(),
            label: match members.len() {
                1 => what.clone(),
                times => format!("{what} ({times} times)"),
            },
            t_ns: actions[members[0]].0.as_nanos(),
        })
        .chain(clients)
        .collect();
    let plays = |set: usize| {
        let taking_part = groups.iter().enumerate();
        let taking_part = taking_part.filter(|(number, _)| set & (1 << number) != 0);
        let mut numbers: Vec<usize> = taking_part
            .flat_map(|(_, (_, members))| members.iter().copied())
            .collect();
        // In the order in which they were asked for.
        numbers.sort_unstable();
        Branch {
            actions: numbers.iter().map(|&n| actions[n].clone()).collect(),
            // The clients outside come after the groups.
            played: played.filter(|_| set & (1 << groups.len()) != 0),
            ..Branch::default()
        }
    };
    let seen = |run: Counterfactual| (reruns.worth(&run), ());
    let (account, _) = account(reruns, &names, ends, plays, seen)?;
    Ok(Some(account))
}

/// From the run without the defense to the one with it, as one cause. A defense that stands in a cable has decided
/// about the frames of that very run; without one of its actions they would have been others, and nobody knows what
/// it would have said of them.
///
/// # Arguments
///
/// * `actions` — the accepted ones with the times at which they were asked for, by time.
/// * `ends` — the worth of the runs without and with it.
pub(crate) fn whole_defense(
    inline: &InlineFigures,
    actions: &[(SimTime, Action)],
    ends: (Amounts, Amounts),
) -> Account {
    let asked = match actions.len() {
        0 => String::new(),
        count => format!(" and {count} actions"),
    };
    let cause = Named {
        id: "inline".to_owned(),
        label: format!("the defense before {}{asked}", inline.hosts.join(", ")),
        t_ns: 0,
    };
    Account::shapley(&[cause], &[ends.0, ends.1])
}

/// What an action does to whom, without for how long.
fn kind_of(action: &Action) -> String {
    let text = action.to_string();
    match text.rsplit_once(" for ") {
        Some((what, _)) => what.to_owned(),
        None => text,
    }
}

/// Makes the runs that an account needs. Beside it: what was seen in the run without each cause alone.
///
/// # Arguments
///
/// * `ends` — the worth of the runs with no cause and with all, which have been made.
/// * `plays` — the branch in which a set of causes takes part, by bits.
fn account<'a, T: Send>(
    reruns: &Reruns<'_>,
    causes: &[Named],
    ends: (Amounts, Amounts),
    plays: impl Fn(usize) -> Branch<'a>,
    seen: impl Fn(Counterfactual) -> (Amounts, T) + Sync,
) -> Result<(Account, Vec<Option<T>>), Failure> {
    let (none, all) = ends;
    let n = causes.len();
    let whole = (1 << n) - 1;
    let exact = n <= SHAPLEY_MAX;
    let sets: Vec<usize> = if exact {
        (1..whole).collect()
    } else {
        (0..n).map(|cause| whole & !(1 << cause)).collect()
    };
    let branches: Vec<Branch<'a>> = sets.iter().map(|&set| plays(set)).collect();
    let mut worth = Vec::new();
    let mut found: Vec<Option<T>> = (0..n).map(|_| None).collect();
    for (set, (amounts, what)) in sets.iter().zip(reruns.each(&branches, seen)?) {
        worth.push(amounts);
        if let Some(cause) = (0..n).find(|cause| *set == whole & !(1 << cause)) {
            found[cause] = Some(what);
        }
    }
    let account = if exact {
        let runs: Vec<Amounts> = std::iter::once(none)
            .chain(worth)
            .chain(std::iter::once(all))
            .collect();
        Account::shapley(causes, &runs)
    } else {
        Account::leave_one_out(causes, none, all, &worth)
    };
    Ok((account, found))
}

#[cfg(test)]
mod tests;
