//! The canonical run log: what a run folder says about an attack and the plant, in the words that all writers share.

use std::collections::{BTreeMap, BTreeSet};

use sim_plant::spec::PlantSpec;
use twinrange_attacks::playbook::{Playbook, Trigger};
use twinrange_range::evidence::EPOCH_UNIX_NS;
use twinrange_range::evidence::process::ProcessTable;
use twinrange_range::evidence::records::{Asset, AttackStep, Outcome};
use twinrange_range::problem::Problems;
use twinrange_range::run_folder::RunFolder;
use twinrange_range::scenario::Scenario;
use twinrange_range::twin::{self, Impact, Violation};

use crate::labels::Span;

/// What a label is about. Data sets differ in which of the two they mean, and figures change with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// The attacker is at work: from the first to the last frame of a step.
    Command,
    /// The process is away from where it would be without the attack.
    Effect,
}

impl Scope {
    /// The word in `labels.json` and the name of the folder.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Command => "command",
            Self::Effect => "effect",
        }
    }
}

/// A step of the attack.
#[derive(Clone, Debug)]
pub struct Step {
    /// What `truth/attack.jsonl` says.
    pub record: AttackStep,
    /// When it was at work, ns; `None` where nothing of it came onto the network.
    pub interval: Option<(u64, u64)>,
    /// Frames on the SPAN ports that belong to it.
    pub frames: u64,
    /// Identifiers of the steps that it waited for.
    pub after: Vec<String>,
}

/// A time in which the process was away from where it would have been.
#[derive(Clone, Debug, PartialEq)]
pub struct Effect {
    /// Column of the physical truth, or constraint.
    pub name: String,
    /// `deviation` or `violation`.
    pub kind: &'static str,
    /// From the first row that shows it, ns.
    pub start_ns: u64,
    /// Up to and not including the first row that does not, ns.
    pub end_ns: u64,
}

/// A part of the plant that one controller runs; data sets number such parts `P1`, `P2`…
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// Host name of its controller.
    pub controller: String,
    /// Whether it is a safety controller.
    pub is_safety: bool,
}

/// A named value in a controller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tag {
    /// Unique name.
    pub name: String,
    /// Unit; empty for switches.
    pub unit: String,
    /// One line for people.
    pub description: String,
    /// Host name of the controller that holds it.
    pub controller: String,
}

/// What a run folder says.
#[derive(Clone, Debug)]
pub struct RunLog {
    /// Name of the scenario.
    pub scenario: String,
    /// One line about it.
    pub title: String,
    /// What happens, in plain words.
    pub summary: String,
    /// Seed of the run.
    pub seed: u64,
    /// Version of the program that made it.
    pub version: String,
    /// Digest of the whole run.
    pub digest: String,
    /// Simulated length, ns.
    pub duration_ns: u64,
    /// End of the clean period, ns: nothing attacks before it.
    pub clean_ns: u64,
    /// Host that the attacker owns, if the attack was played.
    pub attacker: Option<String>,
    /// The steps, in the order of the playbook. None if the run was not attacked.
    pub steps: Vec<Step>,
    /// What the attack did to the process, by time.
    pub effects: Vec<Effect>,
    /// Totals that are away from the twin's for good; they say that something had happened, not when.
    pub shifted_totals: Vec<String>,
    /// Controllers, in the order of the plant file.
    pub parts: Vec<Part>,
    /// Tags, in the order of the plant file.
    pub tags: Vec<Tag>,
    /// The inventory.
    pub assets: Vec<Asset>,
}

impl RunLog {
    /// Reads the log of a run.
    ///
    /// # Arguments
    ///
    /// * `scenario`, `plant`, `playbook` — those that the run folder carries.
    ///
    /// # Errors
    ///
    /// `TR0305`, `TR0306` or `TR0308` for a file of the run.
    pub fn read(
        folder: &RunFolder,
        scenario: &Scenario,
        plant: &PlantSpec,
        playbook: Option<&Playbook>,
    ) -> Result<Self, Problems> {
        let manifest = folder.manifest();
        let duration_ns = manifest.simulated_ns;
        let mut frames: BTreeMap<String, u64> = BTreeMap::new();
        for step in folder
            .attack_frames()?
            .into_iter()
            .filter_map(|row| row.step)
        {
            *frames.entry(step).or_default() += 1;
        }
        let steps: Vec<Step> = folder
            .attack()?
            .into_iter()
            .map(|record| step(record, playbook, &frames, duration_ns))
            .collect();
        let first = steps.iter().filter_map(|step| step.interval).map(|i| i.0);
        let (effects, shifted_totals) = match first.min() {
            Some(first_ns) => effects(
                &folder.impacts()?,
                &folder.process()?,
                first_ns,
                duration_ns,
            ),
            None => (Vec::new(), Vec::new()),
        };
        let attacked = manifest.options.attack && !steps.is_empty();
        Ok(Self {
            scenario: manifest.scenario.name.clone(),
            title: manifest.scenario.title.clone(),
            summary: scenario.summary.clone(),
            seed: manifest.seed,
            version: manifest.build.version.clone(),
            digest: manifest.trace_digest.to_string(),
            duration_ns,
            clean_ns: scenario.clean_until.as_nanos(),
            attacker: scenario.attacker.clone().filter(|_| attacked),
            steps,
            effects,
            shifted_totals,
            parts: parts(plant),
            tags: tags(plant),
            assets: folder.assets()?,
        })
    }

    /// The intervals of a scope, by time, with the names that labels get.
    #[must_use]
    pub fn spans(&self, scope: Scope) -> Vec<Span> {
        match scope {
            Scope::Command => {
                let reached = self.steps.iter().filter_map(|step| {
                    let (start_ns, end_ns) = step.interval?;
                    let name = step.record.id.clone();
                    Some(Span {
                        name,
                        start_ns,
                        end_ns,
                    })
                });
                let mut spans: Vec<Span> = reached.collect();
                spans.sort_by_key(|span| span.start_ns);
                spans
            }
            Scope::Effect => {
                let one = |effect: &Effect| Span {
                    name: effect.name.clone(),
                    start_ns: effect.start_ns,
                    end_ns: effect.end_ns,
                };
                self.effects.iter().map(one).collect()
            }
        }
    }

    /// The step with this identifier.
    #[must_use]
    pub fn step(&self, id: &str) -> Option<&Step> {
        self.steps.iter().find(|step| step.record.id == id)
    }

    /// The asset of a host.
    #[must_use]
    pub fn asset(&self, host: &str) -> Option<&Asset> {
        self.assets.iter().find(|asset| asset.name == host)
    }
}

/// Wall-like time of a simulated time, ns since 1970.
#[must_use]
pub fn unix_ns(t_ns: u64) -> u64 {
    EPOCH_UNIX_NS + t_ns
}

fn step(
    record: AttackStep,
    playbook: Option<&Playbook>,
    frames: &BTreeMap<String, u64>,
    duration_ns: u64,
) -> Step {
    let frames = frames.get(&record.id).copied().unwrap_or(0);
    // A step that sent nothing was prevented, and nobody could see it: `score` leaves it out in the same way.
    let at_work = match record.outcome {
        Outcome::Succeeded => true,
        Outcome::Failed | Outcome::TimedOut => frames > 0,
        Outcome::NotReached => false,
    };
    let start_ns = record.started_at.map(|at| at.as_nanos());
    let interval = start_ns.filter(|_| at_work).map(|start_ns| {
        let end_ns = record.ended_at.map_or(duration_ns, |at| at.as_nanos());
        (start_ns, end_ns.max(start_ns))
    });
    let known = playbook.and_then(|playbook| playbook.steps.iter().find(|s| s.id == record.id));
    let after = known.map_or_else(Vec::new, |known| waits_for(&known.start));
    Step {
        record,
        interval,
        frames,
        after,
    }
}

/// The steps that a trigger waits for.
fn waits_for(trigger: &Trigger) -> Vec<String> {
    match trigger {
        Trigger::At(_) => Vec::new(),
        Trigger::After { step, .. }
        | Trigger::OnOutcome { step, .. }
        | Trigger::TookHold { step, .. } => vec![step.clone()],
        Trigger::When(condition) => condition.from.as_deref().map_or_else(Vec::new, waits_for),
    }
}

/// What of the impact can be labelled in time, and the totals that cannot.
///
/// A deviation that began before the attack is chance. A total never comes back, so its deviation says nothing of
/// when; a violated limit of a total counts as long as the total grows.
fn effects(
    impacts: &[Impact],
    process: &ProcessTable,
    first_ns: u64,
    duration_ns: u64,
) -> (Vec<Effect>, Vec<String>) {
    let (mut effects, mut totals) = (Vec::new(), BTreeSet::new());
    for impact in impacts {
        match impact {
            Impact::Deviation(deviation) if deviation.start_ns < first_ns => {}
            Impact::Deviation(deviation) if twin::is_total(process, &deviation.column) => {
                totals.insert(deviation.column.clone());
            }
            Impact::Deviation(deviation) => effects.push(Effect {
                name: deviation.column.clone(),
                kind: "deviation",
                start_ns: deviation.start_ns,
                end_ns: deviation.end_ns.unwrap_or(duration_ns),
            }),
            Impact::Violation(violation)
                if violation.also_in_twin || violation.violated_ns < first_ns => {}
            Impact::Violation(violation) => {
                let parts = violated(violation, process, duration_ns);
                effects.extend(parts.into_iter().map(|(start_ns, end_ns)| Effect {
                    name: violation.constraint.clone(),
                    kind: "violation",
                    start_ns,
                    end_ns,
                }));
            }
        }
    }
    effects.sort_by(|a, b| (a.start_ns, &a.name).cmp(&(b.start_ns, &b.name)));
    (effects, totals.into_iter().collect())
}

fn violated(violation: &Violation, process: &ProcessTable, duration_ns: u64) -> Vec<(u64, u64)> {
    twin::growth_alone(process, violation).unwrap_or_else(|| {
        let end_ns = violation.end_ns.unwrap_or(duration_ns);
        vec![(violation.start_ns, end_ns)]
    })
}

fn parts(plant: &PlantSpec) -> Vec<Part> {
    let part = |controller: &sim_plant::spec::ControllerSpec| Part {
        controller: controller.host.clone(),
        is_safety: controller.safety.is_some(),
    };
    plant.controllers.iter().map(part).collect()
}

fn tags(plant: &PlantSpec) -> Vec<Tag> {
    let tag = |tag: &sim_plant::spec::TagSpec| Tag {
        name: tag.name.clone(),
        unit: tag.unit.clone(),
        description: tag.description.clone(),
        controller: tag.controller.clone(),
    };
    plant.tags.iter().map(tag).collect()
}
