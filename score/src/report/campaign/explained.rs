//! What each step and each action did over the seeds, and how long there was to act.

use serde::{Deserialize, Serialize};

use super::{Estimate, fewer, with_interval};
use crate::figure::Interval;
use crate::margin::in_time;
use crate::report::attribution::{signed, signed_time};
use crate::report::tables::{Narrow, table};
use crate::report::words::{duration, escape, percent};

/// The amounts of a cause, in the order of [`CauseMean::parts`].
pub const AMOUNTS: [&str; 3] = ["good_parts", "money", "safe_s"];

/// The part of one cause, over the seeds in which it took part.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CauseMean {
    /// The defense whose action it is; `None` for a step of the attack on the undefended plant.
    pub defense: Option<String>,
    /// The step's identifier, or the action in words.
    pub id: String,
    /// For people.
    pub label: String,
    /// One for each of [`AMOUNTS`], in their order; more is better.
    pub parts: Vec<Estimate>,
}

/// Whether a defense was early enough for a loss.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Timeliness {
    /// Name of the defense.
    pub defense: String,
    /// Seeds in which the loss could be prevented and the defense did not fail.
    pub seeds: u64,
    /// Those in which its first alert came before the point of no return.
    pub alerts_in_time: u64,
    /// Wilson's 95 % interval of their share; `None` without seeds.
    pub alerts_interval: Option<Interval>,
    /// Point of no return less the first alert, s, where there was one.
    pub alert_margin_s: Estimate,
    /// Seeds in which its first action came before the point of no return.
    pub actions_in_time: u64,
    /// Point of no return less the first action, s, where there was one.
    pub action_margin_s: Estimate,
}

/// A loss of the undefended plant over the seeds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LossOverSeeds {
    /// The violated constraint.
    pub id: String,
    /// What happened, for people.
    pub label: String,
    /// Seeds in which it happened.
    pub seeds: u64,
    /// From the first frame of the attack to the loss, s.
    pub impact_s: Estimate,
    /// From the first frame to the point of no return, s, where the loss can be prevented.
    pub last_moment_s: Estimate,
    /// Every defense, in the order of the plan.
    pub of_defenses: Vec<Timeliness>,
}

/// Why the cells of a panel went as they did.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Explained {
    /// The attack's steps, then the actions of each defense.
    pub causes: Vec<CauseMean>,
    /// By identifier.
    pub losses: Vec<LossOverSeeds>,
}

/// Two tables; empty for a campaign that did not ask for them.
pub(super) fn section(found: &Explained) -> String {
    let mut body = String::new();
    if !found.losses.is_empty() {
        body.push_str(
            "<h3>How long there was to act</h3>\n<p>The last moment is that at which the ideal response, ordered \
             then, still prevents the loss. Times are counted from the attack's first frame. An alert or an action \
             is in time when it comes before the last moment.</p>\n",
        );
        body.push_str(&losses(&found.losses));
    }
    let attack = found.causes.iter().filter(|cause| cause.defense.is_none());
    body.push_str(&causes(
        "What each step does to a plant that nobody defends",
        "Step",
        attack,
    ));
    let mut defenses: Vec<&String> = Vec::new();
    for name in found
        .causes
        .iter()
        .filter_map(|cause| cause.defense.as_ref())
    {
        if !defenses.contains(&name) {
            defenses.push(name);
        }
    }
    for name in defenses {
        let heading = format!("What each action of {name} saves, or costs on top");
        let mine = found.causes.iter();
        let mine = mine.filter(|cause| cause.defense.as_ref() == Some(name));
        body.push_str(&causes(&heading, "Action", mine));
    }
    body
}

fn losses(losses: &[LossOverSeeds]) -> String {
    let names = losses.first().map_or(&[][..], |loss| &loss.of_defenses);
    let names: Vec<String> = names.iter().map(|one| escape(&one.defense)).collect();
    let mut head = vec!["Loss", "Seeds", "Happens after", "Last moment"];
    head.extend(names.iter().map(String::as_str));
    let rows = losses.iter().map(|loss| {
        let last = &loss.last_moment_s;
        let mut row = vec![
            format!(
                "{} <span class=\"dim\">{}</span>",
                escape(&loss.id),
                escape(&loss.label)
            ),
            loss.seeds.to_string(),
            with_interval(&loss.impact_s, "never", duration),
            with_interval(last, "cannot be prevented", duration) + &fewer(last, loss.seeds),
        ];
        row.extend(loss.of_defenses.iter().map(timeliness));
        row
    });
    let rows: Vec<Vec<String>> = rows.collect();
    let label = "Losses and when they could be prevented";
    table(label, Narrow::Scroll, &head, &rows)
}

fn timeliness(one: &Timeliness) -> String {
    let Some(interval) = one.alerts_interval else {
        return "<span class=\"dim\">nothing to prevent</span>".to_owned();
    };
    let margin = |estimate: &Estimate| match estimate.mean {
        Some(mean) => format!(", {} on average", in_time(mean)),
        None => String::new(),
    };
    format!(
        "alert in time in {} of {}{}<br><span class=\"dim\">{} to {}</span><br>action in time in {} of {}{}",
        one.alerts_in_time,
        one.seeds,
        margin(&one.alert_margin_s),
        percent(interval.low),
        percent(interval.high),
        one.actions_in_time,
        one.seeds,
        margin(&one.action_margin_s),
    )
}

/// Empty without causes.
fn causes<'a>(heading: &str, word: &str, causes: impl Iterator<Item = &'a CauseMean>) -> String {
    let rows = causes.map(|cause| {
        let seeds = cause.parts.first().map_or(0, |part| part.seeds);
        let mut row = vec![escape(&cause.label), seeds.to_string()];
        row.extend(AMOUNTS.iter().zip(&cause.parts).map(|(name, part)| {
            if *name == "safe_s" {
                with_interval(part, "n/a", signed_time)
            } else {
                with_interval(part, "n/a", |value| signed(value, 1))
            }
        }));
        row
    });
    let rows: Vec<Vec<String>> = rows.collect();
    if rows.is_empty() {
        return String::new();
    }
    let head = [word, "Seeds", "Good parts", "Money", "Time without risk"];
    format!(
        "<h3>{}</h3>\n<p>Parts of the difference between two runs of one seed, found by runs without the \
         cause; the mean over seeds with its 95 % interval. A plus is a gain.</p>\n{}",
        escape(heading),
        table(heading, Narrow::Scroll, &head, &rows)
    )
}
