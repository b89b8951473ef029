//! From results to what a reader compares: means with intervals, paired differences, techniques.

use std::collections::BTreeMap;

use twinrange_score::report::campaign::{
    Campaign, Comparison, Contender, FIGURES, Panel, Technique, html,
};
use twinrange_score::seeds::difference;
use twinrange_score::{navigator, stats};

use super::explained;
use super::key::CellResult;
use super::plan::{Place, Plan, SeedSet, Stratum};

/// A campaign in figures.
pub(super) struct Summary(Campaign);

impl Summary {
    pub(super) fn to_json(&self) -> String {
        let mut text = serde_json::to_string_pretty(&self.0).expect("a summary encodes");
        text.push('\n');
        text
    }

    pub(super) fn to_html(&self) -> String {
        html(&self.0)
    }

    pub(super) fn to_navigator(&self) -> String {
        let rows: Vec<_> = self
            .0
            .techniques
            .iter()
            .map(|t| (t.id.as_str(), t.detected, t.steps))
            .collect();
        navigator::campaign_layer(&self.0.title, &self.0.range_version, &rows)
    }

    /// A few lines for a terminal: each defense in the figures that matter most. The page has all of them.
    pub(super) fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for panel in &self.0.panels {
            lines.push(format!("{}: {} seeds", panel.title, panel.seeds));
            for contender in &panel.contenders {
                let shown: Vec<String> = FIGURES
                    .iter()
                    .zip(&contender.estimates)
                    .filter(|(figure, _)| SHOWN.contains(&figure.name))
                    .map(|(figure, estimate)| match estimate.mean {
                        Some(mean) => format!("{} {mean:.3}", figure.name),
                        None => format!("{} undefined", figure.name),
                    })
                    .collect();
                lines.push(format!("  {:<20} {}", contender.name, shown.join("  ")));
            }
            let separated = panel
                .comparisons
                .iter()
                .filter(|c| c.difference.separates());
            lines.push(format!(
                "  {} of {} comparisons are separated by these runs",
                separated.count(),
                panel.comparisons.len()
            ));
        }
        lines
    }
}

/// The figures that a terminal shows.
const SHOWN: [&str; 4] = [
    "recall",
    "false_alarms_per_day",
    "protection",
    "uptime_tax_percent",
];

/// Sums up the results of a plan.
pub(super) fn of(plan: &Plan, results: &[(Place, CellResult)]) -> Summary {
    let panels = plan
        .strata
        .iter()
        .enumerate()
        .map(|(at, stratum)| panel(plan, stratum, &cells_of(at, results)))
        .collect();
    Summary(Campaign {
        title: plan.title.clone(),
        range_version: env!("CARGO_PKG_VERSION").to_owned(),
        cells: count(results.len()),
        failures: count(results.iter().filter(|(_, r)| r.failure.is_some()).count()),
        panels,
        techniques: techniques(plan, results),
    })
}

/// The cells of a stratum by seed and defense.
pub(super) type Cells<'a> = BTreeMap<(usize, usize), &'a CellResult>;

fn cells_of(stratum: usize, results: &[(Place, CellResult)]) -> Cells<'_> {
    results
        .iter()
        .filter(|(place, _)| place.stratum == stratum)
        .map(|(place, result)| ((place.seed, place.defense), result))
        .collect()
}

/// Those of a defense, by its place in the plan.
pub(super) fn cells_with<'a>(
    cells: &'a Cells<'_>,
    defense: usize,
) -> impl Iterator<Item = &'a CellResult> {
    let mine = cells.iter().filter(move |((_, at), _)| *at == defense);
    mine.map(|(_, cell)| *cell)
}

fn panel(plan: &Plan, stratum: &Stratum, cells: &Cells<'_>) -> Panel {
    let mut title = format!("{}, {}", stratum.scenario, stratum.posture);
    for (path, value) in &stratum.sweep {
        title.push_str(&format!(", {path} = {value}"));
    }
    if stratum.seed_set == SeedSet::HeldOut {
        title.push_str(", held-out seeds");
    }
    let seeds = cells
        .keys()
        .map(|(seed, _)| seed)
        .collect::<std::collections::BTreeSet<_>>();
    let of_figure = |name: &str, cells: &[&CellResult]| {
        let values: Vec<f64> = cells.iter().filter_map(|r| r.figure(name)).collect();
        explained::estimate(name, &values)
    };
    let contenders: Vec<Contender> = plan
        .defenses
        .iter()
        .enumerate()
        .map(|(at, contender)| {
            let mine: Vec<&CellResult> = cells_with(cells, at).collect();
            Contender {
                name: contender.name.clone(),
                failures: count(mine.iter().filter(|r| r.failure.is_some()).count()),
                estimates: FIGURES.iter().map(|f| of_figure(f.name, &mine)).collect(),
            }
        })
        .collect();
    let comparisons = comparisons(plan, cells);
    Panel {
        title,
        held_out: stratum.seed_set == SeedSet::HeldOut,
        seeds: count(seeds.len()),
        sentences: comparisons.iter().map(Comparison::sentence).collect(),
        contenders,
        comparisons,
        explained: explained::of(plan, cells),
    }
}

/// Every pair of defenses in every figure that both have.
fn comparisons(plan: &Plan, cells: &Cells<'_>) -> Vec<Comparison> {
    let mut all = Vec::new();
    for first in 0..plan.defenses.len() {
        for second in first + 1..plan.defenses.len() {
            for figure in FIGURES {
                let pairs: Vec<f64> = cells
                    .iter()
                    .filter(|((_, defense), _)| *defense == first)
                    .filter_map(|((seed, _), one)| {
                        let other = cells.get(&(*seed, second))?;
                        Some(one.figure(figure.name)? - other.figure(figure.name)?)
                    })
                    .collect();
                if let Some(found) = difference(&pairs) {
                    all.push(Comparison {
                        figure: figure.name.to_owned(),
                        first: plan.defenses[first].name.clone(),
                        second: plan.defenses[second].name.clone(),
                        difference: found,
                    });
                }
            }
        }
    }
    all
}

/// How often each technique was detected, for each defense and over all of them.
fn techniques(plan: &Plan, results: &[(Place, CellResult)]) -> Vec<Technique> {
    let mut counts: BTreeMap<&str, Vec<(u64, u64)>> = BTreeMap::new();
    for (place, result) in results {
        for step in &result.steps {
            for technique in &step.techniques {
                let row = counts
                    .entry(technique)
                    .or_insert_with(|| vec![(0, 0); plan.defenses.len()]);
                row[place.defense].0 += u64::from(step.detected);
                row[place.defense].1 += 1;
            }
        }
    }
    counts
        .into_iter()
        .map(|(id, of_defenses)| {
            let (detected, steps) = of_defenses
                .iter()
                .fold((0, 0), |(hits, all), (h, a)| (hits + h, all + a));
            Technique {
                id: id.to_owned(),
                name: twinrange_score::attack::technique(id)
                    .map_or_else(String::new, |found| found.name.to_string()),
                detected,
                steps,
                of_defenses: of_defenses
                    .into_iter()
                    .map(|(detected, steps)| (detected, steps, stats::wilson(detected, steps)))
                    .collect(),
            }
        })
        .collect()
}

/// A count of things.
pub(super) fn count(value: usize) -> u64 {
    u64::try_from(value).expect("a count fits")
}
