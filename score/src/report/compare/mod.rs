//! `compare.html`: two scored runs beside each other, in the design of `report.html`.
//!
//! The same three depths and what goes to the file. Every figure stands for both runs, with the difference (second
//! less first) and with whom it is more or less; drawings hold both runs over one axis.

mod engineer;
mod figures;
mod manager;
mod soc;

use super::margin::currency;
use super::words::{duration, escape};
use super::{Depth, ReportData, depth_page, evidence, provenance, tables};
use crate::compare::{TwoRuns, Which};
use tables::{Narrow, table};

/// Good items that were shipped up to each time.
#[derive(Clone, Debug, PartialEq)]
pub struct Total {
    /// Simulated times, s, ascending; shape `[samples]`.
    pub t_s: Vec<f64>,
    /// Truly good items shipped by then; shape `[samples]`.
    pub good: Vec<f64>,
}

/// What the page shows.
#[derive(Clone, Debug)]
pub struct CompareData<'a> {
    /// The comparison.
    pub two: &'a TwoRuns,
    /// The first run as its own report has it. Of its series only [`super::Series::actual`] is drawn.
    pub first: ReportData<'a>,
    /// The second run.
    pub second: ReportData<'a>,
    /// What each made over time; `None` where a run folder does not say it.
    pub totals: Option<[Total; 2]>,
}

impl CompareData<'_> {
    fn side(&self, which: Which) -> &ReportData<'_> {
        which.of(&self.first, &self.second)
    }

    /// How a run is called, as markup.
    fn label(&self, which: Which) -> String {
        escape(self.two.label(which))
    }

    fn labels(&self) -> [String; 2] {
        BOTH.map(|which| self.label(which))
    }

    /// The currency of the prices of either score, not escaped; empty where nothing is priced.
    fn currency(&self) -> &str {
        let [first, second] = [&self.first, &self.second].map(|side| currency(side.score));
        first.or(second).unwrap_or_default()
    }
}

/// The two, in the order in which they are shown everywhere.
const BOTH: [Which; 2] = [Which::First, Which::Second];

/// What stands in a cell that a run has nothing for.
fn none() -> String {
    "<span class=\"dim\">none</span>".to_owned()
}

/// Writes the page.
///
/// # Panics
///
/// If the vectors of a [`super::Series`] or [`Total`] differ in length.
#[must_use]
pub fn html(data: &CompareData<'_>) -> String {
    for side in [&data.first, &data.second] {
        super::check(side);
    }
    for total in data.totals.iter().flatten() {
        assert!(
            total.t_s.len() == total.good.len(),
            "a total has vectors of different lengths"
        );
    }
    let [first, second] = data.labels();
    let title = format!("{}: {first} and {second}", escape(&data.first.title));
    let strap = format!(
        "<p class=\"strap\">First: <strong>{first}</strong> (<code>{}</code>) · second: <strong>{second}</strong> \
         (<code>{}</code>) · scenario {} · {} simulated each</p>\n",
        escape(&data.two.first.folder),
        escape(&data.two.second.folder),
        escape(&data.two.scenario),
        duration(data.two.duration_s)
    );
    depth_page("Twinrange comparison", &title, &strap, &depths(data))
}

fn depths(data: &CompareData<'_>) -> Vec<Depth> {
    let manager = vec![
        ("summary", "In short", manager::summary(data)),
        ("same", "What was the same", manager::settings(data)),
        ("margin", "How long there was to act", manager::margin(data)),
    ];
    let soc = vec![
        ("figures", "Figures", soc::figures(data)),
        ("gates", "Gates", soc::gates(data)),
        ("timeline", "Timeline", soc::timeline(data)),
        (
            "killchain",
            "The attack, step by step",
            soc::kill_chain(data),
        ),
        ("alarm-load", "Alarm load", soc::alarm_load(data)),
        ("false-alarms", "False alarms", soc::false_alarms(data)),
        ("no-return", "Points of no return", soc::no_return(data)),
    ];
    let engineer = vec![
        ("output", "Production over time", engineer::output(data)),
        (
            "continuity",
            "Production and OEE",
            engineer::production(data),
        ),
        ("impacts", "Limits that were broken", engineer::limits(data)),
        ("process", "Process", engineer::process(data)),
        ("actions", "What the defenses did", engineer::actions(data)),
        ("attribution", "Who did what", engineer::attribution(data)),
    ];
    let file = vec![
        (
            "evidence",
            "Evidence towards requirements",
            evidence_of_both(data),
        ),
        (
            "provenance",
            "What was compared, with what",
            provenance_of_both(data),
        ),
        ("care", "Read with care", caveats(data)),
    ];
    super::present([
        ("manager", "For the manager", manager),
        ("soc", "For the SOC", soc),
        ("engineer", "For the engineer", engineer),
        ("file", "For the file", file),
    ])
}

/// The rows of both runs under the requirements of either. Empty where neither has a figure.
fn evidence_of_both(data: &CompareData<'_>) -> String {
    let [first, second] = BOTH.map(|which| evidence::rows(data.side(which)));
    let mut requirements: Vec<(&str, &str)> = Vec::new();
    for row in first.iter().chain(&second) {
        if requirements
            .iter()
            .all(|(known, _)| *known != row.requirement)
        {
            requirements.push((row.requirement, row.read()));
        }
    }
    if requirements.is_empty() {
        return String::new();
    }
    let figure = |rows: &[evidence::Row], requirement: &str| {
        let row = rows.iter().find(|row| row.requirement == requirement);
        row.map_or_else(none, |row| row.figure.clone())
    };
    let rows: Vec<Vec<String>> = requirements
        .into_iter()
        .map(|(requirement, read)| {
            vec![
                requirement.to_owned(),
                figure(&first, requirement),
                figure(&second, requirement),
                read.to_owned(),
            ]
        })
        .collect();
    let [one, other] = data.labels();
    let mut html = String::from(
        "<p>What each run is <strong>evidence towards</strong>. Whether a requirement is met is for an assessor to \
         say, and so is which of two defenses serves it better: this is one seed. None of the wordings was read in the \
         standard itself.</p>\n",
    );
    html.push_str(&table(
        "Evidence towards requirements",
        Narrow::Stack,
        &["Evidence towards", &one, &other, "Wording read in"],
        &rows,
    ));
    html
}

fn provenance_of_both(data: &CompareData<'_>) -> String {
    let [first, second] = BOTH.map(|which| provenance::facts(data.side(which).score));
    let rows: Vec<Vec<String>> = first
        .into_iter()
        .zip(second)
        .map(|((name, one), (_, other))| vec![name.to_owned(), one, other])
        .collect();
    let [one, other] = data.labels();
    table(
        "What was compared, with what",
        Narrow::Stack,
        &["Fact", &one, &other],
        &rows,
    )
}

/// What a careful reader must know of either score. Empty where there is nothing.
fn caveats(data: &CompareData<'_>) -> String {
    let mut html = String::new();
    for which in BOTH {
        let caveats = &data.side(which).score.caveats;
        if caveats.is_empty() {
            continue;
        }
        html.push_str(&format!("<h4>{}</h4>\n<ul>\n", data.label(which)));
        for caveat in caveats {
            html.push_str(&format!("<li>{}</li>\n", escape(caveat)));
        }
        html.push_str("</ul>\n");
    }
    html
}
