//! `twinrange list`: what there is.

use clap::ValueEnum;
use serde_json::{Value, json};
use twinrange_attacks::technique;
use twinrange_range::problem::Problems;
use twinrange_range::scenario::from_bundle;
use twinrange_score::formats::Format;
use twinrange_score::gate;

use crate::Outcome;
use crate::support::defense;
use crate::support::scenario::{BUILT_IN, formats};

/// What can be listed.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum What {
    /// Built-in scenarios.
    Scenarios,
    /// ATT&CK for ICS techniques.
    Techniques,
    /// Alert formats that can be scored.
    Formats,
    /// Defenses that come with the range.
    Defenses,
    /// Names that a gate expression may use.
    Gates,
}

/// Arguments of `list`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// What to list.
    what: What,
    /// Print a JSON array.
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args) -> Outcome {
    let rows = match args.what {
        What::Scenarios => scenarios()?,
        What::Techniques => technique::all()
            .iter()
            .map(|t| {
                let tactics: Vec<&str> = t
                    .tactics
                    .iter()
                    .map(|tactic| tactic.name.as_str())
                    .collect();
                json!({"name": t.id, "title": t.name, "detail": tactics.join(", ")})
            })
            .collect(),
        What::Formats => Format::ALL
            .iter()
            .map(|f| json!({"name": f.name(), "title": f.description(), "detail": ""}))
            .collect(),
        What::Defenses => defense::list(),
        What::Gates => gate::NAMES
            .iter()
            .map(|n| json!({"name": n.name, "title": n.description, "detail": n.unit}))
            .collect(),
    };
    if args.json {
        say!(
            "{}",
            serde_json::to_string_pretty(&rows).expect("rows encode")
        );
        return Ok(());
    }
    let text = |row: &Value, key: &str| row[key].as_str().unwrap_or_default().to_owned();
    let width = rows
        .iter()
        .map(|row| text(row, "name").chars().count())
        .max()
        .unwrap_or(0);
    for row in &rows {
        let detail = text(row, "detail");
        let detail = if detail.is_empty() {
            detail
        } else {
            format!("  [{detail}]")
        };
        say!(
            "{:width$}  {}{detail}",
            text(row, "name"),
            text(row, "title")
        );
    }
    Ok(())
}

fn scenarios() -> Result<Vec<Value>, Problems> {
    let mut rows = Vec::new();
    for scenario in &BUILT_IN {
        let loaded = from_bundle(&scenario.bundle(), &formats())?;
        rows.push(json!({
            "name": scenario.name,
            "title": loaded.scenario.title,
            "detail": loaded.scenario.duration.to_string(),
        }));
    }
    Ok(rows)
}
