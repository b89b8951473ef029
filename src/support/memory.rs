//! A run that is scored without a run folder: the cell of a campaign, the case of a suite.
//!
//! The score is that of `run` and `score` with the same scenario, seed and defense. What differs is cost: no
//! capture is written that nobody reads, the runs without the defense are made once for all defenses of a
//! seed, and a defense that cannot act needs no second run. An offline defense reads files, so it gets a run
//! folder, which goes when the score is there.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use serde_json::Value;
use sim_kernel::digest::Digest;
use sim_kernel::time::SimTime;
use sim_plant::observe::{Keep, Observations};
use sim_plant::respond::Action;
use twinrange_bridge::spec::Kind;
use twinrange_range::evidence::process::ProcessTable;
use twinrange_range::evidence::records::AttackStep;
use twinrange_range::run_folder::RunFolder;
use twinrange_range::session::{Counterfactual, ProductionRecord, SessionOptions, simulate};
use twinrange_range::twin::Violation;
use twinrange_score::continuity::{self, FourRuns, Run};
use twinrange_score::detection::{self, Params};
use twinrange_score::inline::InlineFigures;
use twinrange_score::score::Score;

use super::alerts::{self, Submitted};
use super::defense::Defense;
use super::execution::{Order, defended, execute, simulate_with_defense, watch_to_end};
use super::explained::{Defended, Explained};
use super::failure::Failure;
use super::inline::{self, Tally};
use super::production::{counted, made, prices_of};
use super::progress::Count;
use super::reruns::Reruns;
use super::sandbox::Sandbox;
use super::scenario::Ready;
use super::scoring::{
    RunFacts, StepFrames, accepted_actions, actions_of, header_of, recorded_production, truth_of,
    undefended_violations,
};

/// The runs without a defense: the same for every defense of one scenario and seed.
#[derive(Debug)]
pub(crate) struct Base {
    /// Run N: neither attack nor defense.
    pub(crate) n: Counterfactual,
    /// Run A: the attack alone; `None` where nothing attacks.
    pub(crate) a: Option<Counterfactual>,
    /// Why A went as it did, if that was asked for.
    explained: Option<Explained>,
}

impl Base {
    /// Makes them, one after the other: a campaign has other work for the other cores.
    ///
    /// # Arguments
    ///
    /// * `explain` — whether scores get the accounts and the margin of `score`, which take many runs more.
    pub(crate) fn make(
        ready: &Ready,
        seed: u64,
        attack: bool,
        explain: bool,
        interrupt: &AtomicBool,
    ) -> Result<Self, Failure> {
        let scenario = &ready.loaded.scenario;
        let options = |attack| SessionOptions {
            seed,
            attack,
            duration: scenario.duration,
            keep: Keep::TRUTH,
        };
        let whole = AtomicU64::new(u64::MAX);
        let n = simulate(scenario, &ready.prepared, options(false), &whole)?;
        if interrupt.load(Ordering::SeqCst) {
            return Err(Failure::Interrupted);
        }
        let attacked = attack && ready.prepared.playbook.is_some();
        let a = attacked
            .then(|| simulate(scenario, &ready.prepared, options(true), &whole))
            .transpose()?;
        let mut base = Self {
            n,
            a,
            explained: None,
        };
        if explain {
            let count = Count::hidden();
            let reruns = reruns(ready, seed, interrupt, &count);
            let violations = base.violations(ready);
            let explained = Explained::of(&reruns, &base.n, base.attacked(), &violations)?;
            base.explained = Some(explained);
        }
        Ok(base)
    }

    /// Run A, which is N where nothing attacks.
    fn attacked(&self) -> &Counterfactual {
        self.a.as_ref().unwrap_or(&self.n)
    }

    /// What A violates and N does not.
    fn violations(&self, ready: &Ready) -> Vec<Violation> {
        let attacked = self.a.as_ref();
        attacked.map_or_else(Vec::new, |a| undefended_violations(a, &self.n, ready))
    }
}

fn reruns<'a>(
    ready: &'a Ready,
    seed: u64,
    interrupt: &'a AtomicBool,
    count: &'a Count,
) -> Reruns<'a> {
    Reruns {
        ready,
        seed,
        attack: true,
        duration: ready.loaded.scenario.duration,
        digests: false,
        interrupt,
        count,
    }
}

/// One run to be scored.
pub(crate) struct Subject<'a> {
    pub(crate) ready: &'a Ready,
    pub(crate) base: &'a Base,
    pub(crate) seed: u64,
    /// Whether the playbook is played.
    pub(crate) attack: bool,
    /// Nobody watches where there is none.
    pub(crate) defense: Option<&'a Defense>,
    /// An empty folder for what the defense leaves.
    pub(crate) scratch: &'a Path,
    pub(crate) interrupt: &'a AtomicBool,
}

impl Subject<'_> {
    fn order<'a>(&'a self, attack: bool, out: &'a Path) -> Order<'a> {
        Order {
            ready: self.ready,
            seed: self.seed,
            attack,
            twin: true,
            duration: self.ready.loaded.scenario.duration,
            out,
            defense: self.defense,
            branch: None,
            sandbox: Sandbox::shared(),
            interrupt: self.interrupt,
        }
    }
}

/// Runs and scores.
///
/// # Errors
///
/// [`Failure::Defense`] if the defense cannot be had, or fails in either of its runs; a score of half of what
/// it did would look like a better or a worse tool.
pub(crate) fn score(subject: &Subject<'_>) -> Result<Score, Failure> {
    if let Some(defense) = subject.defense {
        defense.detect(Sandbox::shared(), subject.ready.hidden.clone())?;
    }
    let seen = observed(subject)?;
    let (ready, base) = (subject.ready, subject.base);
    let scenario = &ready.loaded.scenario;
    let violations = base.violations(ready);
    let actions = actions_of(&seen.accepted, seen.facts.simulated_ns, ready);
    let truth = truth_of(&seen.facts, ready, &violations, &actions);
    let found = detection::score(&truth, &seen.submitted.import.alerts, &Params::default());
    let runs = four_runs(subject, &seen)?;
    let continuity = continuity::score(&runs, Some(&prices_of(&scenario.prices)));
    let header = header_of(
        ready,
        subject.seed,
        seen.digest,
        seen.facts.simulated_ns,
        &seen.submitted,
    );
    let mut score = Score::new(header, found, Some(continuity))
        .with_import(&seen.submitted.import)
        .with_inline(seen.inline);
    let short = subject.defense.and_then(|d| d.learns_less(scenario));
    let short = short.map(|warning| format!("Mind that {}.", warning.message));
    for sentence in seen.submitted.caveats.into_iter().chain(short) {
        score = score.with_caveat(sentence);
    }
    if let Some(explained) = &base.explained {
        let count = Count::hidden();
        let reruns = reruns(ready, subject.seed, subject.interrupt, &count);
        let defended = Defended {
            actions: &seen.accepted,
            played: None,
            inline: score.inline.as_ref(),
            made: &runs.ad,
            first_alert_ns: score.detection.first_alert_ns(),
        };
        let (attribution, margin) = explained.beside(&reruns, base.attacked(), &defended)?;
        score = score.with_reruns(attribution, margin);
    }
    Ok(score)
}

/// N, A, D and AD of the subject.
fn four_runs(subject: &Subject<'_>, seen: &Observed) -> Result<FourRuns, Failure> {
    let scenario = &subject.ready.loaded.scenario;
    let base = subject.base;
    let counted = |run: &Counterfactual| Run::Made(counted(run, scenario));
    let n = counted(&base.n);
    let acting = subject.defense.filter(|defense| defense.changes_plant());
    let recorded = |seen: &Observed| {
        let actions = seen.accepted.iter().map(|(_, action)| action);
        Run::Made(made(&seen.production, &seen.truth, actions, scenario))
    };
    let no_attack = || Run::Missing("nothing attacks in this posture".to_owned());
    let a = match (&base.a, subject.attack) {
        (Some(a), _) => counted(a),
        (None, true) => n.clone(),
        (None, false) => no_attack(),
    };
    // Nothing is made twice: a tool that cannot act leaves the plant alone, and one that watched a run without
    // attack has made its D.
    let (d, ad) = match (acting, &base.a, subject.attack) {
        (None, _, true) => (n.clone(), a.clone()),
        (None, _, false) => (n.clone(), no_attack()),
        (Some(_), None, true) => (recorded(seen), recorded(seen)),
        (Some(_), _, false) => (recorded(seen), no_attack()),
        (Some(_), Some(_), true) => {
            let scratch = subject.scratch.join("peace");
            let d = simulate_with_defense(&subject.order(false, &scratch))?;
            (counted(&d), recorded(seen))
        }
    };
    Ok(FourRuns { n, a, d, ad })
}

/// What a run with a defense showed.
struct Observed {
    facts: RunFacts,
    digest: Digest,
    submitted: Submitted,
    accepted: Vec<(SimTime, Action)>,
    truth: ProcessTable,
    production: ProductionRecord,
    inline: Option<InlineFigures>,
}

fn observed(subject: &Subject<'_>) -> Result<Observed, Failure> {
    let offline = subject
        .defense
        .is_some_and(|defense| matches!(defense.spec.kind, Kind::Offline { .. }));
    let out = subject.scratch.join("run");
    let order = subject.order(subject.attack, &out);
    if !offline {
        return live(&order);
    }
    let folder = execute(&order)?;
    let seen = of_folder(&folder, subject.defense)?;
    // The next run of this tool finds an empty folder again; what cannot be removed goes with the scratch.
    let _ = std::fs::remove_dir_all(&out);
    Ok(seen)
}

fn of_folder(folder: &RunFolder, defense: Option<&Defense>) -> Result<Observed, Failure> {
    Ok(Observed {
        facts: RunFacts::of(folder)?,
        digest: folder.manifest().trace_digest,
        submitted: alerts::submitted(folder, None, defense)?,
        accepted: accepted_actions(folder)?,
        truth: folder.process()?,
        production: recorded_production(folder).unwrap_or_default(),
        inline: inline::of_folder(folder)?,
    })
}

/// Which frames belonged to the attack, and how many there were.
struct Frames {
    spans: Vec<String>,
    steps: Vec<String>,
    counts: Vec<u64>,
    of_steps: StepFrames,
}

impl Frames {
    fn count(&mut self, seen: &Observations) {
        for frame in &seen.frames {
            let span = usize::from(frame.span);
            self.counts[span] += 1;
            let Some(step) = frame.label.as_step() else {
                continue;
            };
            let step = &self.steps[usize::from(step)];
            self.of_steps
                .entry(step.clone())
                .or_default()
                .entry(self.spans[span].clone())
                .or_default()
                .insert(self.counts[span]);
        }
    }
}

/// Runs with a lock-step defense, or with nobody.
fn live(order: &Order<'_>) -> Result<Observed, Failure> {
    let keep = Keep {
        scene: false,
        ..Keep::ALL
    };
    let options = SessionOptions {
        seed: order.seed,
        attack: order.attack,
        duration: order.duration,
        keep,
    };
    let mut session = defended(order, options)?;
    let layout = session.layout();
    let mut frames = Frames {
        counts: vec![0; layout.spans.len()],
        spans: layout.spans,
        steps: layout.steps,
        of_steps: StepFrames::new(),
    };
    let mut lines = Vec::new();
    let mut tally = Tally::default();
    let see = |seen: &Observations| {
        frames.count(seen);
        tally.see(seen);
    };
    let hear = |alerts: &[Value]| write_lines(&mut lines, alerts);
    let truth = watch_to_end(order, &mut session, see, hear)?;
    let simulated_ns = session.now().since_start().as_nanos();
    let counts: BTreeMap<String, u64> = frames
        .spans
        .iter()
        .cloned()
        .zip(frames.counts.iter().copied())
        .collect();
    let span = frames.spans.first().cloned();
    let submitted = alerts::of_lines(&lines, order.defense, simulated_ns, counts, span)?;
    let accepted = session.inputs().records().iter();
    let accepted = accepted.filter_map(|input| Some((input.time, input.input.action()?.clone())));
    let accepted = accepted.collect();
    let assets = session.assets();
    let finished = session.finish();
    Ok(Observed {
        facts: RunFacts {
            simulated_ns,
            steps: finished.steps.iter().map(attack_step).collect(),
            frames: frames.of_steps,
            assets,
        },
        digest: finished.digest,
        submitted,
        accepted,
        truth,
        production: finished.production,
        inline: order
            .defense
            .and_then(Defense::inline)
            .zip(finished.inline)
            .map(|(inline, counts)| tally.figures(&inline, counts)),
    })
}

fn write_lines(lines: &mut Vec<u8>, records: &[Value]) {
    for record in records {
        serde_json::to_writer(&mut *lines, record).expect("an alert encodes");
        lines.push(b'\n');
    }
}

/// A step as a run folder tells it.
fn attack_step(step: &twinrange_attacks::StepRecord) -> AttackStep {
    let value = serde_json::to_value(step).expect("a step encodes");
    serde_json::from_value(value).expect("a step is read as it is written")
}
