//! What changed since an earlier call, and the summary for a pull request.

use std::fmt;

use serde::Serialize;
use twinrange_score::gate::NAMES;
use twinrange_score::report::campaign::FIGURES;

use super::Run;

/// Relative difference below which two figures are the same: rounding of a text form, and no more.
const SAME: f64 = 1e-9;

/// A figure before and after.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Change {
    pub(super) figure: &'static str,
    pub(super) before: Option<f64>,
    pub(super) after: Option<f64>,
    /// `better`, `worse`, `same`, or `other` where one of the two is undefined.
    pub(super) verdict: &'static str,
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}: {} before, {} now, {}",
            self.figure,
            shown(self.before),
            shown(self.after),
            self.verdict
        )
    }
}

fn shown(value: Option<f64>) -> String {
    value.map_or_else(|| "undefined".to_owned(), |value| format!("{value:.3}"))
}

impl Run {
    /// The compared figures before and after; empty without an earlier score.
    pub(super) fn changes(&self) -> Vec<Change> {
        let (Some(before), Ok(after)) = (&self.before, &self.result) else {
            return Vec::new();
        };
        let change = |figure: &twinrange_score::report::campaign::Compared| {
            let name = NAMES.iter().find(|name| name.name == figure.name)?;
            let (before, after) = (name.figure(before).value, name.figure(after).value);
            let verdict = match (before, after) {
                (None, None) => "same",
                (Some(b), Some(a)) if (a - b).abs() <= SAME * b.abs() => "same",
                (Some(b), Some(a)) if (a > b) == figure.more_is_better => "better",
                (Some(_), Some(_)) => "worse",
                _ => "other",
            };
            Some(Change {
                figure: figure.name,
                before,
                after,
                verdict,
            })
        };
        FIGURES.iter().filter_map(change).collect()
    }
}

/// A text that stands in a cell of a table.
fn cell(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect::<String>()
        .replace('|', "\\|")
        .replace('<', "&lt;")
}

/// The summary: one row per run, its gates, and what changed.
pub(super) fn summary(name: &str, runs: &[Run]) -> String {
    let mut text = format!("## Twinrange: {}\n\n", cell(name));
    text.push_str("| run | result | steps detected | false alarms | protection |\n");
    text.push_str("| --- | --- | --- | --- | --- |\n");
    for run in runs {
        let row = match &run.result {
            Err(_) => format!(
                "| {} | **defense failed**: {} | | | |\n",
                cell(&run.name),
                cell(&run.failure().unwrap_or_default())
            ),
            Ok(score) => {
                let found = &score.detection;
                let protection = score
                    .continuity
                    .as_ref()
                    .and_then(|c| c.good_parts.protection.value);
                format!(
                    "| {} | {} | {} of {} | {} | {} |\n",
                    cell(&run.name),
                    if score.passed() {
                        "passed"
                    } else {
                        "**gate missed**"
                    },
                    found.steps_detected,
                    found.steps_total,
                    found.alarms_false,
                    protection.map_or_else(|| "-".to_owned(), |p| format!("{p:.2}"))
                )
            }
        };
        text.push_str(&row);
    }
    for run in runs {
        let gates = run.result.as_ref().map_or(&[][..], |score| &score.gates);
        for gate in gates.iter().filter(|gate| !gate.passed) {
            let why = gate.reason.as_deref().unwrap_or_default();
            text.push_str(&format!(
                "\n- `{}` of {}: {}\n",
                gate.gate,
                cell(&run.name),
                cell(why)
            ));
        }
    }
    let changed: Vec<(&Run, Change)> = runs
        .iter()
        .flat_map(|run| run.changes().into_iter().map(move |change| (run, change)))
        .filter(|(_, change)| change.verdict != "same")
        .collect();
    if !changed.is_empty() {
        text.push_str("\n| run | figure | before | now | |\n| --- | --- | --- | --- | --- |\n");
        for (run, change) in changed {
            text.push_str(&format!(
                "| {} | {} | {} | {} | {} |\n",
                cell(&run.name),
                change.figure,
                shown(change.before),
                shown(change.after),
                change.verdict
            ));
        }
    } else if runs.iter().any(|run| run.before.is_some()) {
        text.push_str("\nNo figure changed since the baseline.\n");
    }
    text
}
