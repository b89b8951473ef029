//! One of the two runs: its folder, its score and what the page shows of it.

use std::path::Path;

use sim_kernel::{Hasher, InputRecord};
use sim_plant::respond::{Action, Input};
use twinrange_range::evidence::process::ProcessTable;
use twinrange_range::problem::Problem;
use twinrange_range::run_folder::{RunFolder, paths};
use twinrange_range::scenario::Constraint;
use twinrange_range::twin::{self, Impact, Violation};
use twinrange_score::compare::{Facts, Limit, Outside, Side};
use twinrange_score::report::compare::Total;
use twinrange_score::report::{ActionMark, ReportData};
use twinrange_score::score::{SCHEMA_VERSION, Score};

use crate::support::failure::Failure;
use crate::support::recording::has_twin;
use crate::support::scenario::{self, Ready};
use crate::support::scoring::{accepted_actions, actions_of, actual_series};

/// A run that was scored.
pub(super) struct Scored {
    folder: RunFolder,
    ready: Ready,
    score: Score,
    facts: Facts,
    actions: Vec<(Action, ActionMark)>,
    truth: ProcessTable,
}

impl Scored {
    /// Opens a run folder with its score.
    ///
    /// # Errors
    ///
    /// What is wrong with the folder, `TR0360` without a score, `TR0361` with one that is not this run's.
    pub(super) fn open(path: &Path) -> Result<Self, Failure> {
        let folder = RunFolder::open(path)?;
        folder.verify()?;
        let score = read_score(&folder)?;
        let manifest = folder.manifest();
        let ready = scenario::from_run(&manifest.scenario.bundle)?;
        let accepted = accepted_actions(&folder)?;
        let actions = actions_of(&accepted, manifest.simulated_ns, &ready);
        let truth = folder.process()?;
        let facts = Facts {
            folder: path.display().to_string(),
            build: manifest.build.version.clone(),
            files: manifest.scenario.bundle.files.clone(),
            playbook: ready.loaded.scenario.playbook.clone(),
            attack: manifest.options.attack && ready.loaded.scenario.playbook.is_some(),
            defense: manifest.options.defense.clone(),
            first_action_ns: accepted.first().map(|(at, _)| at.as_nanos()),
            actions: actions.len() as u64,
            outside: outside(&folder)?,
            limits: limits(&folder, &truth, &ready.loaded.scenario.constraints)?,
        };
        Ok(Self {
            folder,
            ready,
            score,
            facts,
            actions,
            truth,
        })
    }

    /// As the scorer wants it.
    pub(super) fn as_side(&self) -> Side<'_> {
        Side {
            score: &self.score,
            facts: &self.facts,
        }
    }

    /// The physical truth.
    pub(super) fn truth(&self) -> &ProcessTable {
        &self.truth
    }

    /// Several produced items.
    pub(super) fn items(&self) -> &str {
        &self.ready.prepared.plant.report.items
    }

    /// What the page shows of it.
    pub(super) fn report(&self) -> ReportData<'_> {
        let report = &self.ready.prepared.plant.report;
        let charts = report.charts.iter();
        ReportData {
            title: self.ready.loaded.scenario.title.clone(),
            item: report.item.clone(),
            items: report.items.clone(),
            intent: String::new(),
            score: &self.score,
            actions: self.actions.iter().map(|(_, mark)| mark.clone()).collect(),
            impacts: Vec::new(),
            series: charts
                .filter_map(|chart| actual_series(chart, &self.truth))
                .collect(),
            events: Vec::new(),
        }
    }

    /// Good items shipped over time; `None` in folders of builds that did not write it.
    pub(super) fn total(&self) -> Result<Option<Total>, Failure> {
        if !self.folder.manifest().files.contains_key(paths::PRODUCTION) {
            return Ok(None);
        }
        let table = self.folder.production()?;
        let good = table.column("good");
        Ok(good.map(|good| Total {
            t_s: table.t_ns().iter().map(|&t_ns| t_ns as f64 / 1e9).collect(),
            good: good.to_vec(),
        }))
    }
}

fn read_score(folder: &RunFolder) -> Result<Score, Problem> {
    let path = folder.path().join("score").join("score.json");
    let shown = path.display().to_string();
    let again = format!(
        "score it again: `twinrange score {}`",
        folder.path().display()
    );
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let message = "the run was not scored";
            return Err(Problem::new("TR0360", message)
                .in_file(folder.path().display().to_string())
                .hint(how_to_score(folder)));
        }
        Err(error) => {
            let message = format!("the score cannot be read: {error}");
            return Err(Problem::new("TR0361", message).in_file(shown).hint(again));
        }
    };
    let score: Score = serde_json::from_str(&text).map_err(|error| {
        let message = format!("this is no score.json of this build: {error}");
        Problem::new("TR0361", message)
            .in_file(shown.clone())
            .hint(again.clone())
    })?;
    let run = folder.manifest().trace_digest.to_string();
    let message = if score.schema_version != SCHEMA_VERSION {
        format!(
            "the score has schema {}; this build reads {SCHEMA_VERSION}",
            score.schema_version
        )
    } else if score.header.run_digest != run {
        "the score is that of another run: its run digest is not the one in run.json".to_owned()
    } else {
        return Ok(score);
    };
    Err(Problem::new("TR0361", message).in_file(shown).hint(again))
}

fn how_to_score(folder: &RunFolder) -> String {
    let shown = folder.path().display();
    match folder.manifest().options.defense {
        Some(_) => format!("score it first: `twinrange score {shown}`"),
        None => format!(
            "it has no defense, so name its alerts, which may be an empty file: `twinrange score {shown} --alerts FILE`; \
             or run it with `--defense silent`"
        ),
    }
}

/// What clients sent into the outside port of a live run.
fn outside(folder: &RunFolder) -> Result<Option<Outside>, Failure> {
    let Some(port) = &folder.manifest().options.outside else {
        return Ok(None);
    };
    let inputs: Vec<InputRecord<Input>> = folder.records(paths::INPUTS)?;
    let mut hasher = Hasher::new();
    let mut count = 0;
    for input in &inputs {
        if let Input::Frame(frame) = &input.input {
            // Not its place in the record, where the actions of the defense are counted too.
            hasher.put_u64(input.time.as_nanos());
            hasher.put_bytes(&frame.0);
            count += 1;
        }
    }
    // A session to which nobody connected is one without a port.
    Ok((count > 0).then(|| Outside {
        port: format!("{} on network {}", port.ip, port.network),
        count,
        digest: hasher.finish().to_string(),
    }))
}

/// The first violation of each limit by a run; of an attacked one only where its unattacked twin keeps it.
fn limits(
    folder: &RunFolder,
    truth: &ProcessTable,
    constraints: &[Constraint],
) -> Result<Result<Vec<Limit>, String>, Failure> {
    let manifest = folder.manifest();
    let violations: Vec<Violation> = if !manifest.options.attack {
        twin::violations(truth, None, constraints)
    } else if !has_twin(manifest) {
        return Ok(Err(
            "it was made without its unattacked twin (`--no-twin`)".to_owned()
        ));
    } else {
        let impacts = folder.impacts()?.into_iter();
        let own = impacts.filter_map(|impact| match impact {
            Impact::Violation(violation) if !violation.also_in_twin => Some(violation),
            _ => None,
        });
        own.collect()
    };
    let first = |constraint: &Constraint| {
        let of_it = violations
            .iter()
            .filter(|v| v.constraint == constraint.name);
        Some(Limit {
            id: constraint.name.clone(),
            label: constraint.description.clone(),
            t_ns: of_it.map(|violation| violation.violated_ns).min()?,
        })
    };
    Ok(Ok(constraints.iter().filter_map(first).collect()))
}
