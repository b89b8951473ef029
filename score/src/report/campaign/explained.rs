//! What each step and each action did over the seeds, and how long there was to act.

use serde::{Deserialize, Serialize};

use super::Estimate;
use crate::figure::Interval;
use crate::report::attribution::{signed, signed_time};
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
        let heading = format!(
            "What each action of {} saves, or costs on top",
            escape(name)
        );
        let mine = found.causes.iter();
        let mine = mine.filter(|cause| cause.defense.as_ref() == Some(name));
        body.push_str(&causes(&heading, "Action", mine));
    }
    body
}

fn with_interval(estimate: &Estimate, show: impl Fn(f64) -> String) -> String {
    match (estimate.mean, estimate.interval) {
        (None, _) => "<span class=\"dim\">never</span>".to_owned(),
        (Some(mean), None) => show(mean),
        (Some(mean), Some(i)) => format!(
            "{}<br><span class=\"dim\">{} to {}</span>",
            show(mean),
            show(i.low),
            show(i.high)
        ),
    }
}

fn open_table(label: &str, columns: &[String]) -> String {
    let columns: String = columns
        .iter()
        .map(|column| format!("<th scope=\"col\">{column}</th>"))
        .collect();
    format!(
        "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"{label}\">\n<table>\n\
         <thead><tr>{columns}</tr></thead>\n<tbody>\n"
    )
}

const CLOSE: &str = "</tbody>\n</table>\n</div>\n";

fn losses(losses: &[LossOverSeeds]) -> String {
    let mut columns: Vec<String> = ["Loss", "Seeds", "Happens after", "Last moment"]
        .map(str::to_owned)
        .to_vec();
    let names = losses.first().map_or(&[][..], |loss| &loss.of_defenses);
    columns.extend(names.iter().map(|one| escape(&one.defense)));
    let mut body = open_table("Losses and when they could be prevented", &columns);
    for loss in losses {
        let last = &loss.last_moment_s;
        let mut last_text = with_interval(last, signed_time);
        if last.mean.is_none() {
            last_text = "<span class=\"dim\">cannot be prevented</span>".to_owned();
        } else if last.seeds < loss.seeds {
            last_text.push_str(&format!(
                "<br><span class=\"dim\">in {} seeds</span>",
                last.seeds
            ));
        }
        body.push_str(&format!(
            "<tr><th scope=\"row\">{} <span class=\"dim\">{}</span></th><td>{}</td><td>{}</td><td>{last_text}</td>",
            escape(&loss.id),
            escape(&loss.label),
            loss.seeds,
            with_interval(&loss.impact_s, duration),
        ));
        for one in &loss.of_defenses {
            body.push_str(&format!("<td>{}</td>", timeliness(one)));
        }
        body.push_str("</tr>\n");
    }
    body.push_str(CLOSE);
    body
}

fn timeliness(one: &Timeliness) -> String {
    let Some(interval) = one.alerts_interval else {
        return "<span class=\"dim\">nothing to prevent</span>".to_owned();
    };
    let margin = |estimate: &Estimate| match estimate.mean {
        Some(mean) => format!(", {} on average", crate::margin::in_time(mean)),
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
    let mut rows = String::new();
    for cause in causes {
        let seeds = cause.parts.first().map_or(0, |part| part.seeds);
        rows.push_str(&format!(
            "<tr><th scope=\"row\">{}</th><td>{seeds}</td>",
            escape(&cause.label)
        ));
        for (name, part) in AMOUNTS.iter().zip(&cause.parts) {
            let text = if *name == "safe_s" {
                with_interval(part, signed_time)
            } else {
                with_interval(part, |value| signed(value, 1))
            };
            rows.push_str(&format!("<td>{text}</td>"));
        }
        rows.push_str("</tr>\n");
    }
    if rows.is_empty() {
        return rows;
    }
    let columns = [word, "Seeds", "Good parts", "Money", "Time without risk"].map(str::to_owned);
    format!(
        "<h3>{heading}</h3>\n<p>Parts of the difference between two runs of one seed, found by runs without the \
         cause; the mean over seeds with its 95 % interval. A plus is a gain.</p>\n{}{rows}{CLOSE}",
        open_table(heading, &columns)
    )
}
