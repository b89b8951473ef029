//! The ATT&CK matrix of the run: the tactics in columns, under each the techniques that the attack used.

use super::tables::grade_badge;
use super::words::{escape, list};
use crate::attack::{self, TACTICS};
use crate::detection::{StepResult, by_technique};
use crate::score::Score;

/// Empty when no step ran.
pub(super) fn section(score: &Score) -> String {
    let tested = by_technique(&score.detection);
    if tested.is_empty() {
        return String::new();
    }
    let mut html = String::from(
        "<p>Techniques of ATT&amp;CK for ICS that the attack used, each with the worst grade of its steps. A technique \
         that serves several tactics stands under each. What the attack did not use was not tested, which is not the \
         same as missed.</p>\n<ul class=\"matrix\">\n",
    );
    let mut untested = Vec::new();
    for (tactic, name, _) in TACTICS {
        let cells: Vec<String> = tested
            .iter()
            .filter(|(id, _)| serves(id, tactic))
            .map(|(id, steps)| cell(id, steps))
            .collect();
        if cells.is_empty() {
            untested.push(name.to_owned());
        } else {
            html.push_str(&column(name, tactic, &cells));
        }
    }
    let unknown: Vec<String> = tested
        .iter()
        .filter(|(id, _)| !TACTICS.iter().any(|(tactic, ..)| serves(id, tactic)))
        .map(|(id, steps)| cell(id, steps))
        .collect();
    if !unknown.is_empty() {
        html.push_str(&column("Not in this version of ATT&amp;CK", "", &unknown));
    }
    html.push_str("</ul>\n");
    if !untested.is_empty() {
        html.push_str(&format!(
            "<p class=\"dim\">Not tested in this run: {}.</p>\n",
            list(&untested)
        ));
    }
    html
}

fn serves(id: &str, tactic: &str) -> bool {
    attack::technique(id).is_some_and(|technique| technique.tactics.iter().any(|t| t.id == tactic))
}

/// A column. `name` is markup.
fn column(name: &str, id: &str, cells: &[String]) -> String {
    format!(
        "<li><h4>{name} <span class=\"dim\">{id}</span></h4>\n<ul>\n{}</ul>\n</li>\n",
        cells.concat()
    )
}

fn cell(id: &str, steps: &[&StepResult]) -> String {
    let worst = steps
        .iter()
        .map(|step| step.grade)
        .min()
        .unwrap_or_default();
    let seen = steps.iter().filter(|step| step.detected).count();
    format!(
        "<li><code>{}</code> {}<br>{} <span class=\"dim\">{seen} of {} seen</span></li>\n",
        escape(id),
        escape(&attack::full_name(id)),
        grade_badge(worst),
        if steps.len() == 1 {
            "1 step".to_owned()
        } else {
            format!("{} steps", steps.len())
        }
    )
}
