//! Alerts merged into alarms, and the verdict on each alarm.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::intervals::Intervals;
use super::truth::{Params, StepTruth};
use crate::alert::Alert;

/// What an alarm turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// At least one of its alerts is attributed to a step.
    True,
    /// It meets no attack interval.
    False,
    /// It falls into an attack interval but names other assets than the attack's. It is no false
    /// alarm by the definition, because the time is not attack-free, and it earns nothing.
    Unattributed,
    /// It meets no attack interval and is the first in a declared recovery window.
    Recovery,
}

/// A maximal run of alerts of one tool with gaps up to [`Params::gap_ns`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Alarm {
    /// Time of its first alert, simulated ns.
    pub first_ns: u64,
    /// Time of its last alert, simulated ns.
    pub last_ns: u64,
    /// Number of alerts in it.
    pub alerts: u64,
    /// The tool, if it gave its name.
    pub tool: Option<String>,
    /// The verdict.
    pub verdict: Verdict,
    /// Identifiers of the steps that its alerts are attributed to, in the playbook's order.
    pub steps: Vec<String>,
    /// Signatures with the number of alerts of each, the most frequent first, at most
    /// [`Alarm::LISTED`].
    pub signatures: Vec<(String, u64)>,
    /// Assets that it names, in order of appearance, at most [`Alarm::LISTED`].
    pub assets: Vec<String>,
    /// Why it has this verdict, one sentence.
    pub reason: String,
}

impl Alarm {
    /// The most signatures and assets that an alarm lists.
    pub const LISTED: usize = 8;
}

/// An instantaneous alert stands for one sample of a second where alarm time is measured.
pub(super) const ALERT_LENGTH_NS: u64 = 1_000_000_000;

/// Merges attributed alerts into alarms.
///
/// # Arguments
///
/// * `attributed` — alerts by time, each with the indices of its steps.
/// * `attacks` — the union of the attack intervals with grace.
/// * `recovery` — the recovery windows, each of which excuses one alarm.
pub(super) fn merge(
    attributed: &[(&Alert, Vec<usize>)],
    steps: &[&StepTruth],
    attacks: &Intervals,
    recovery: &[(u64, u64)],
    params: &Params,
) -> Vec<Alarm> {
    let mut open: BTreeMap<Option<&str>, Vec<usize>> = BTreeMap::new();
    let mut groups: Vec<Vec<usize>> = Vec::new();
    for (index, (alert, _)) in attributed.iter().enumerate() {
        let group = open.entry(alert.tool.as_deref()).or_default();
        let splits = match (group.first(), group.last()) {
            (Some(&first), Some(&last)) => {
                alert.t_ns - attributed[last].0.t_ns > params.gap_ns
                    || alert.t_ns - attributed[first].0.t_ns > params.alarm_limit_ns
            }
            _ => false,
        };
        if splits {
            groups.push(std::mem::take(group));
        }
        group.push(index);
    }
    groups.extend(open.into_values().filter(|group| !group.is_empty()));
    let order = |group: &Vec<usize>| {
        let at = |index: Option<&usize>| index.map(|&index| attributed[index].0);
        let (first, last) = (at(group.first()), at(group.last()));
        (
            first.map(|alert| (alert.t_ns, &alert.tool)),
            last.map(|alert| alert.t_ns),
        )
    };
    groups.sort_by(|a, b| order(a).cmp(&order(b)));
    // The windows that have not excused an alarm yet.
    let mut recovery = recovery.to_vec();
    recovery.sort_unstable();
    groups
        .iter()
        .map(|group| alarm(group, attributed, steps, attacks, &mut recovery))
        .collect()
}

fn alarm(
    group: &[usize],
    attributed: &[(&Alert, Vec<usize>)],
    steps: &[&StepTruth],
    attacks: &Intervals,
    recovery: &mut Vec<(u64, u64)>,
) -> Alarm {
    let alerts = || group.iter().map(|&index| attributed[index].0);
    let first = alerts().next().expect("a group holds an alert");
    let (first_ns, last_ns) = (
        first.t_ns,
        alerts().next_back().expect("a group holds an alert").t_ns,
    );
    let mut step_indices: Vec<usize> = group
        .iter()
        .flat_map(|&index| attributed[index].1.iter().copied())
        .collect();
    step_indices.sort_unstable();
    step_indices.dedup();

    let mut signatures: BTreeMap<&str, u64> = BTreeMap::new();
    let mut assets: Vec<String> = Vec::new();
    for alert in alerts() {
        *signatures.entry(&alert.sig_id).or_default() += 1;
        for end in [&alert.src, &alert.dst] {
            let Some(name) = end.asset.as_ref().or(end.ip.as_ref()).or(end.mac.as_ref()) else {
                continue;
            };
            if assets.len() < Alarm::LISTED && !assets.contains(name) {
                assets.push(name.clone());
            }
        }
    }
    let mut signatures: Vec<(String, u64)> = signatures
        .into_iter()
        .map(|(id, count)| (id.to_owned(), count))
        .collect();
    signatures.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    signatures.truncate(Alarm::LISTED);

    let verdict = if !step_indices.is_empty() {
        Verdict::True
    } else if attacks.touches(first_ns, last_ns) {
        Verdict::Unattributed
    } else if let Some(window) = recovery
        .iter()
        .position(|&(start, end)| start <= last_ns && first_ns < end)
    {
        recovery.remove(window);
        Verdict::Recovery
    } else {
        Verdict::False
    };
    Alarm {
        first_ns,
        last_ns,
        alerts: crate::formats::count_u64(group.len()),
        tool: first.tool.clone(),
        verdict,
        steps: step_indices
            .iter()
            .map(|&index| steps[index].id.clone())
            .collect(),
        reason: reason(verdict, first, &assets),
        signatures,
        assets,
    }
}

fn reason(verdict: Verdict, first: &Alert, assets: &[String]) -> String {
    let what = first.sig_name.as_deref().unwrap_or(&first.sig_id);
    let on = if assets.is_empty() {
        String::new()
    } else {
        format!(" about {}", assets.join(", "))
    };
    match verdict {
        Verdict::True => format!("\"{what}\"{on} belongs to the attack"),
        Verdict::False => format!("\"{what}\"{on}, while no attack was running"),
        Verdict::Recovery => {
            format!("\"{what}\"{on}, in a recovery window after a response action")
        }
        Verdict::Unattributed => {
            format!("\"{what}\"{on}, during the attack but not about an asset that it touched")
        }
    }
}
