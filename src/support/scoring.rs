//! From a run folder to a score: the truth as the scorer wants it, and the counterfactual runs.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64};

use sim_kernel::digest::Digest;
use sim_kernel::input::InputRecord;
use sim_kernel::time::{SimDuration, SimTime};
use sim_plant::observe::Keep;
use sim_plant::respond::{Action, DenyTarget, Input};
use sim_plant::spec::ChartSpec;
use twinrange_range::branch::{Branch, Played};
use twinrange_range::evidence::EPOCH_UNIX_NS;
use twinrange_range::evidence::process::ProcessTable;
use twinrange_range::evidence::records::{Asset, AttackStep, Outcome};
use twinrange_range::problem::Problem;
use twinrange_range::run_folder::{RunFolder, paths};
use twinrange_range::scenario::Scenario;
use twinrange_range::session::{Counterfactual, ProductionRecord, SessionOptions, simulate};
use twinrange_range::twin::{self, Impact, Violation};
use twinrange_score::attribution::Attribution;
use twinrange_score::continuity::{self, FourRuns, Run};
use twinrange_score::detection::{self, Detection, Params, StepTruth, Truth};
use twinrange_score::formats::station_alarms;
use twinrange_score::gate::Gate;
use twinrange_score::inline::InlineFigures;
use twinrange_score::margin::Margin;
use twinrange_score::report::{self, ActionMark, PlantEvent, ReportData, Series};
use twinrange_score::score::{Clock, Header, Score};

use super::alerts::{self, AlertFile, Submitted};
use super::defense::{self, Defense};
use super::execution::{Order, simulate_with_defense};
use super::explained::{Defended, Explained};
use super::failure::Failure;
use super::inline;
use super::oracle;
use super::production::{counted, made, prices_of};
use super::progress::Count;
use super::recording::has_twin;
use super::reruns::Reruns;
use super::sandbox::{Mode, Note, Sandbox};
use super::scenario::{Ready, from_run};
use super::wiring;

/// Most points of one line in the report; more cannot be seen.
const POINTS_MAX: usize = 720;

/// What to score.
pub(crate) struct Question<'a> {
    pub(crate) folder: &'a RunFolder,
    /// Alerts from a file of the user's, instead of those in the run folder.
    pub(crate) alerts: Option<AlertFile>,
    pub(crate) gates: Vec<Gate>,
    /// Whether runs are made that leave out each step and each action, and that move the response.
    pub(crate) reruns: bool,
    pub(crate) interrupt: &'a AtomicBool,
}

/// A score with everything that the report shows beside it.
pub(crate) struct Scored {
    pub(crate) score: Score,
    pub(crate) html: String,
}

/// Scores a run folder.
pub(crate) fn score(question: &Question<'_>) -> Result<Scored, Failure> {
    let folder = question.folder;
    let mut ready = from_run(&folder.manifest().scenario.bundle)?;
    ready.hidden.push(folder.path().to_path_buf());
    let defense = run_defense(folder)?;
    let submitted = alerts::submitted(folder, question.alerts.as_ref(), defense.as_ref())?;
    let silent = silence(question, &ready, defense.as_ref())?;
    let accepted = accepted_actions(folder)?;
    let played = played(folder)?;
    let response = Response {
        accepted: &accepted,
        played: played.as_ref(),
        by_api: alerts::api_note(folder).is_some_and(|api| api.actions_accepted > 0),
    };
    let runs = counterfactuals(question, &ready, defense.as_ref(), &response)?;
    let violations = undefended_violations(&runs.a, &runs.n, &ready);
    let actions = actions_of(&accepted, folder.manifest().simulated_ns, &ready);
    let truth = truth_of(&RunFacts::of(folder)?, &ready, &violations, &actions);
    let params = Params::default();
    let found = detection::score(&truth, &submitted.import.alerts, &params);
    let prices = prices_of(&ready.loaded.scenario.prices);
    let recorded = folder.process()?;
    let made = four_runs(&runs, &ready.loaded.scenario, &recorded, &accepted);
    let continuity = continuity::score(&made, Some(&prices));
    let manifest = folder.manifest();
    let mut header = header_of(
        &ready,
        manifest.seed,
        manifest.trace_digest,
        manifest.simulated_ns,
        &submitted,
    );
    if manifest.options.outside.is_some() {
        header.clock = Clock::Wall;
    }
    let log = folder.syslog()?;
    let operators = station_alarms(log.iter().map(String::as_str), EPOCH_UNIX_NS);
    let mut score = Score::new(header, found, Some(continuity))
        .with_import(&submitted.import)
        .with_operator_alarms(&operators)
        .with_inline(inline::of_folder(folder)?);
    let short = defense
        .as_ref()
        .filter(|_| question.alerts.is_none())
        .and_then(|defense| defense.learns_less(&ready.loaded.scenario));
    let short = short.map(|warning| format!("Mind that {}.", warning.message));
    let own = defense.as_ref().filter(|_| question.alerts.is_none());
    let told = own
        .filter(|own| own.is_oracle())
        .map(|_| oracle::CAVEAT.to_owned());
    let seen = own.and_then(|_| sandbox_note(folder)?.caveat());
    let caveats = submitted.caveats.into_iter().chain(short).chain(silent);
    let clients = played.as_ref().map(|played| {
        format!(
            "Clients outside sent {} frames into this live run. They count on the side of the defense: D and the parts \
             of the defense play them again as they were, whatever the plant answers.",
            played.frames.len()
        )
    });
    if let Some(clients) = &clients {
        eprintln!("note: {clients}");
    }
    let alone = (!has_twin(folder.manifest())).then(|| {
        "The run was made without its unattacked twin: the report marks no impact in its pictures.".to_owned()
    });
    let asked = response.by_api.then(|| {
        "Somebody outside asked for actions over the defense API. D does all actions of the run again when they were \
         done, whatever the plant shows."
            .to_owned()
    });
    for sentence in caveats
        .chain(told)
        .chain(seen)
        .chain(alone)
        .chain(clients)
        .chain(asked)
    {
        score = score.with_caveat(sentence);
    }
    if question.reruns {
        let known = Known {
            runs: &runs,
            violations: &violations,
            response: &response,
            detection: &score.detection,
            inline: score.inline.as_ref(),
            made: &made,
        };
        let (attribution, margin) = explain(question, &ready, &known)?;
        score = score.with_reruns(attribution, margin);
    }
    let score = score.with_gates(&question.gates);
    let marks = actions.into_iter().map(|(_, mark)| mark).collect();
    let html = html(question, &ready, &runs, &recorded, marks, &score)?;
    Ok(Scored { score, html })
}

/// What a reader must know of a defense that raised nothing.
///
/// # Errors
///
/// `DF0021` if it can raise nothing: that is no score.
fn silence(
    question: &Question<'_>,
    ready: &Ready,
    defense: Option<&Defense>,
) -> Result<Option<String>, Failure> {
    let Some(defense) = defense.filter(|_| question.alerts.is_none()) else {
        return Ok(None);
    };
    if !wiring::was_silent(question.folder)? {
        return Ok(None);
    }
    let sandbox = sandbox_again(question.folder)?;
    let (folder, interrupt) = (question.folder, question.interrupt);
    wiring::before_score(folder, &ready.hidden, defense, &sandbox, interrupt)
}

/// The sandbox for a defense that is run again. What was required for the run is no reason not to score it elsewhere.
fn sandbox_again(folder: &RunFolder) -> Result<Sandbox, Failure> {
    let asked = sandbox_note(folder).map_or(Mode::Auto, |note| note.asked);
    Sandbox::new(if asked == Mode::Off {
        asked
    } else {
        Mode::Auto
    })
}

/// What was done in a run against the attack, or at least beside it.
struct Response<'a> {
    accepted: &'a [(SimTime, Action)],
    /// What clients outside sent into a live run.
    played: Option<&'a Played>,
    /// Whether some of the actions were asked for over the defense API.
    by_api: bool,
}

impl Response<'_> {
    /// Whether it is what somebody outside did, who is not there any more: it is played again as it was.
    fn is_of_outside(&self) -> bool {
        self.played.is_some() || self.by_api
    }
}

/// What is known of a run before anything is left out of it.
struct Known<'a> {
    runs: &'a Runs,
    violations: &'a [Violation],
    response: &'a Response<'a>,
    detection: &'a Detection,
    inline: Option<&'a InlineFigures>,
    made: &'a FourRuns,
}

/// Makes the runs that say what each step and each action did, and how long there was to act.
fn explain(
    question: &Question<'_>,
    ready: &Ready,
    known: &Known<'_>,
) -> Result<(Attribution, Option<Margin>), Failure> {
    let manifest = question.folder.manifest();
    let count = Count::new("explain");
    let reruns = Reruns {
        ready,
        seed: manifest.seed,
        attack: true,
        duration: SimDuration::from_nanos(manifest.simulated_ns),
        digests: false,
        interrupt: question.interrupt,
        count: &count,
    };
    let (n, a) = (&known.runs.n, &known.runs.a);
    let defended = Defended {
        actions: known.response.accepted,
        played: known.response.played,
        inline: known.inline,
        made: &known.made.ad,
        first_alert_ns: known.detection.first_alert_ns(),
    };
    Explained::of(&reruns, n, a, known.violations)?.beside(&reruns, a, &defended)
}

/// What stands above a score.
pub(crate) fn header_of(
    ready: &Ready,
    seed: u64,
    run_digest: Digest,
    simulated_ns: u64,
    submitted: &Submitted,
) -> Header {
    Header {
        range_version: env!("CARGO_PKG_VERSION").to_owned(),
        scenario: ready.loaded.scenario.name.clone(),
        scenario_digest: ready.loaded.bundle.digest().to_string(),
        run_digest: run_digest.to_string(),
        seed,
        duration_s: SimDuration::from_nanos(simulated_ns).as_secs_f64(),
        epoch_unix_ns: EPOCH_UNIX_NS,
        attack_version: Header::attack_version(),
        tool: submitted.tool.clone(),
        alert_format: Some(submitted.format.clone()),
        alert_file: submitted.file.clone(),
        clock: Clock::Simulated,
    }
}

/// The four runs of one seed: what was made, and the truth of those that a report draws.
struct Runs {
    n: Counterfactual,
    a: Counterfactual,
    d: Result<Counterfactual, String>,
    ad: Result<Both, String>,
}

/// Run AD: the one in the folder, unless the defense cannot act on the plant.
enum Both {
    LikeA,
    Recorded(ProductionRecord),
}

/// Makes the runs that the folder does not hold. Nothing is made twice: a tool that cannot act leaves
/// the plant alone, so its D is N and its AD is A.
fn counterfactuals(
    question: &Question<'_>,
    ready: &Ready,
    defense: Option<&Defense>,
    response: &Response<'_>,
) -> Result<Runs, Failure> {
    let manifest = question.folder.manifest();
    let (scenario, prepared) = (&ready.loaded.scenario, &ready.prepared);
    let options = |attack| SessionOptions {
        seed: manifest.seed,
        attack,
        duration: SimDuration::from_nanos(manifest.simulated_ns),
        keep: Keep::TRUTH,
    };
    let whole = AtomicU64::new(u64::MAX);
    let (n, a) = std::thread::scope(|threads| {
        let n = threads.spawn(|| simulate(scenario, prepared, options(false), &whole));
        let a = simulate(scenario, prepared, options(true), &whole);
        (n.join().expect("the run's panic is reported"), a)
    });
    let (n, a) = (n?, a?);
    let acting = defense.filter(|defense| defense.changes_plant());
    let d = match acting {
        _ if response.is_of_outside() => {
            let reruns = Reruns {
                ready,
                seed: manifest.seed,
                attack: false,
                duration: SimDuration::from_nanos(manifest.simulated_ns),
                digests: false,
                interrupt: question.interrupt,
                count: &Count::new("live"),
            };
            let branch = Branch {
                actions: response.accepted.to_vec(),
                played: response.played,
                ..Branch::default()
            };
            Ok(reruns.run(&branch)?)
        }
        None => Ok(n.clone()),
        Some(defense) => {
            let scratch = tempfile::tempdir().map_err(|error| {
                Problem::new("TR0307", format!("no folder for temporary files: {error}"))
            })?;
            let sandbox = sandbox_again(question.folder)?;
            let order = Order {
                ready,
                seed: manifest.seed,
                attack: false,
                twin: true,
                duration: SimDuration::from_nanos(manifest.simulated_ns),
                out: scratch.path(),
                defense: Some(defense),
                branch: None,
                sandbox: &sandbox,
                interrupt: question.interrupt,
            };
            match defense
                .detect(&sandbox, order.hidden())
                .and_then(|()| simulate_with_defense(&order))
            {
                Ok(run) => Ok(run),
                Err(Failure::Defense(error)) => {
                    Err(format!("the defense could not be run again: {error}"))
                }
                Err(other) => return Err(other),
            }
        }
    };
    let recorded = recorded_production(question.folder);
    let acted = acting.is_some() || response.is_of_outside();
    let ad = match (manifest.options.attack, acted, recorded) {
        (_, false, _) => Ok(Both::LikeA),
        (true, true, Some(production)) => Ok(Both::Recorded(production)),
        (true, true, None) => Err("the run folder does not say what was produced".to_owned()),
        (false, true, _) => Err("this run was made without the attack".to_owned()),
    };
    Ok(Runs { n, a, d, ad })
}

/// What the run of a folder produced, if the folder says so.
pub(crate) fn recorded_production(folder: &RunFolder) -> Option<ProductionRecord> {
    let note = folder.manifest().notes.get("production")?;
    serde_json::from_value(note.clone()).ok()
}

/// The four runs as the scorer counts them.
///
/// # Arguments
///
/// * `recorded` — physical truth of the run folder, which is AD when its defense may act.
/// * `accepted` — the actions in the run folder.
fn four_runs(
    runs: &Runs,
    scenario: &Scenario,
    recorded: &ProcessTable,
    accepted: &[(SimTime, Action)],
) -> FourRuns {
    let counted = |run: &Counterfactual| Run::Made(counted(run, scenario));
    FourRuns {
        n: counted(&runs.n),
        a: counted(&runs.a),
        d: match &runs.d {
            Ok(run) => counted(run),
            Err(why) => Run::Missing(why.clone()),
        },
        ad: match &runs.ad {
            Ok(Both::LikeA) => counted(&runs.a),
            Ok(Both::Recorded(production)) => {
                let actions = accepted.iter().map(|(_, action)| action);
                Run::Made(made(production, recorded, actions, scenario))
            }
            Err(why) => Run::Missing(why.clone()),
        },
    }
}

/// Constraints that the attack breaks in the run without a defense, and that the twin keeps.
pub(crate) fn undefended_violations(
    a: &Counterfactual,
    n: &Counterfactual,
    ready: &Ready,
) -> Vec<Violation> {
    let constraints = &ready.loaded.scenario.constraints;
    twin::own_violations(&a.truth, &n.truth, constraints)
}

/// The frames of each attack step: their numbers by step and SPAN port.
pub(crate) type StepFrames = BTreeMap<String, BTreeMap<String, BTreeSet<u64>>>;

/// What the truth about a run is made from.
pub(crate) struct RunFacts {
    pub(crate) simulated_ns: u64,
    pub(crate) steps: Vec<AttackStep>,
    pub(crate) frames: StepFrames,
    pub(crate) assets: Vec<Asset>,
}

impl RunFacts {
    /// Those of a run folder.
    pub(crate) fn of(folder: &RunFolder) -> Result<Self, Failure> {
        let mut frames = StepFrames::new();
        for row in folder.attack_frames()? {
            if let Some(step) = row.step {
                frames
                    .entry(step)
                    .or_default()
                    .entry(row.span)
                    .or_default()
                    .insert(row.frame);
            }
        }
        Ok(Self {
            simulated_ns: folder.manifest().simulated_ns,
            steps: folder.attack()?,
            frames,
            assets: folder.assets()?,
        })
    }
}

/// The truth as the scorer wants it.
pub(crate) fn truth_of(
    run: &RunFacts,
    ready: &Ready,
    violations: &[Violation],
    actions: &[(Action, ActionMark)],
) -> Truth {
    let (frames, assets) = (&run.frames, &run.assets);
    let with_addresses = |name: &str| -> Vec<String> {
        let mut names = vec![name.to_owned()];
        if let Some(asset) = assets.iter().find(|asset| asset.name == name) {
            names.extend(asset.ip.clone());
            names.extend(asset.mac.clone());
        }
        names
    };
    let scenario = &ready.loaded.scenario;
    let step = |step: &AttackStep| {
        let start_ns = step.started_at.map_or(0, |t| t.as_nanos());
        let end_ns = step
            .ended_at
            .map_or(start_ns, |t| t.as_nanos())
            .max(start_ns);
        let hosts = step.hosts.iter().chain(scenario.attacker.as_ref());
        StepTruth {
            id: step.id.clone(),
            name: step.title.clone(),
            techniques: step.techniques.clone(),
            tactics: Vec::new(),
            start_ns,
            end_ns,
            hosts: hosts.flat_map(|host| with_addresses(host)).collect(),
            // A step that began when the damage was already done has no time to be seen in.
            impact_ns: twin::first_impact_ns(violations).filter(|&at| at > start_ns),
            frames: frames.get(&step.id).cloned().unwrap_or_default(),
            outcome: match step.outcome {
                Outcome::Succeeded => detection::Outcome::Succeeded,
                // Nothing of it came onto the network: it was prevented, and nobody could see it.
                _ if !frames.contains_key(&step.id) => detection::Outcome::NotReached,
                Outcome::Failed => detection::Outcome::Failed,
                Outcome::TimedOut => detection::Outcome::TimedOut,
                Outcome::NotReached => detection::Outcome::NotReached,
            },
        }
    };
    Truth {
        duration_ns: run.simulated_ns,
        steps: run.steps.iter().map(step).collect(),
        clean_ns: scenario.clean_until.as_nanos(),
        recovery: recovery_windows(actions, assets),
    }
}

/// The windows in which accepted actions of the defense disturb the plant: what a tool sees then is
/// its own doing.
///
/// Only an action on a host that the plant has disturbs anything, and each host gives one window at
/// most: otherwise a tool could buy silence with idle actions.
fn recovery_windows(actions: &[(Action, ActionMark)], assets: &[Asset]) -> Vec<(u64, u64)> {
    const SETTLING_NS: u64 = 120_000_000_000;
    let with = |address: fn(&Asset) -> &Option<String>, text: &str| {
        let is = |asset: &&Asset| {
            address(asset)
                .as_ref()
                .is_some_and(|known| known.eq_ignore_ascii_case(text))
        };
        assets.iter().find(is).map(|asset| asset.name.clone())
    };
    let mut hosts: BTreeSet<String> = BTreeSet::new();
    let mut windows = Vec::new();
    for (action, mark) in actions {
        let host = match action {
            Action::Deny { target, .. } => match target {
                DenyTarget::Ip(ip) => with(|asset| &asset.ip, &ip.to_string()),
                DenyTarget::Mac(mac) => with(|asset| &asset.mac, mac),
                DenyTarget::SwitchPort { switch, port } => Some(format!("{switch}/{port}")),
            },
            Action::Contain { target, .. } => Some(target.host.clone()),
            Action::Restore { target } => Some(target.controller.clone()),
        };
        if host.is_some_and(|host| hosts.insert(host)) {
            let end_ns = mark.end_ns.unwrap_or(mark.start_ns);
            windows.push((mark.start_ns, end_ns.min(mark.start_ns + SETTLING_NS)));
        }
    }
    windows
}

/// The defense's own description in the run folder, if the run had a defense.
fn run_defense(folder: &RunFolder) -> Result<Option<Defense>, Failure> {
    let note = |key: &str| {
        folder
            .manifest()
            .notes
            .get(key)
            .and_then(|v| v.as_str())
            .map(str::to_owned)
    };
    match (note("defense_description"), note("defense_folder")) {
        (Some(text), Some(path)) => Ok(Some(defense::parse(
            "run.json",
            &text,
            PathBuf::from(path),
        )?)),
        _ => Ok(None),
    }
}

/// Whether the run's defense was confined, if the run says so.
pub(crate) fn sandbox_note(folder: &RunFolder) -> Option<Note> {
    let note = folder.manifest().notes.get("defense_sandbox")?;
    serde_json::from_value(note.clone()).ok()
}

/// What clients outside sent into a live run.
pub(crate) fn played(folder: &RunFolder) -> Result<Option<Played>, Failure> {
    let Some(outside) = &folder.manifest().options.outside else {
        return Ok(None);
    };
    let inputs: Vec<InputRecord<Input>> = folder.records(paths::INPUTS)?;
    Ok(Played::of(outside, &inputs))
}

/// The actions that were accepted in the run, with the times at which they were asked for.
pub(crate) fn accepted_actions(folder: &RunFolder) -> Result<Vec<(SimTime, Action)>, Failure> {
    let inputs: Vec<InputRecord<Input>> = folder.records(paths::INPUTS)?;
    let action = |input: &InputRecord<Input>| Some((input.time, input.input.action()?.clone()));
    Ok(inputs.iter().filter_map(action).collect())
}

/// What the accepted actions of a run did that ended at a time; not those that were still to take effect.
pub(crate) fn actions_of(
    accepted: &[(SimTime, Action)],
    run_ends_ns: u64,
    ready: &Ready,
) -> Vec<(Action, ActionMark)> {
    let times = ready.loaded.scenario.response;
    let mut actions = Vec::new();
    for (asked_at, action) in accepted {
        let start = *asked_at + times.until_effect(action);
        if start.as_nanos() >= run_ends_ns {
            // The run was stopped before it took effect.
            continue;
        }
        let (word, target, consequence) = match action {
            Action::Deny { .. } => (
                "deny",
                action.to_string(),
                "traffic is dropped at the switch",
            ),
            Action::Contain { target, .. } => (
                "contain",
                target.host.clone(),
                "the host is off the network",
            ),
            Action::Restore { target } => (
                "restore",
                target.controller.clone(),
                "the controller stands still while it is restored",
            ),
        };
        let end = start + times.lasts(action);
        let mark = ActionMark {
            start_ns: start.as_nanos(),
            end_ns: Some(end.as_nanos().min(run_ends_ns)),
            action: word.to_owned(),
            target,
            consequence: consequence.to_owned(),
        };
        actions.push((action.clone(), mark));
    }
    actions
}

fn html(
    question: &Question<'_>,
    ready: &Ready,
    runs: &Runs,
    actual: &ProcessTable,
    actions: Vec<ActionMark>,
    score: &Score,
) -> Result<String, Failure> {
    let folder = question.folder;
    let scenario = &ready.loaded.scenario;
    let impacts = folder
        .impacts()?
        .into_iter()
        .filter_map(|impact| match impact {
            Impact::Violation(violation) if !violation.also_in_twin => Some(violation),
            _ => None,
        })
        .flat_map(|violation| {
            let words = scenario
                .constraints
                .iter()
                .find(|c| c.name == violation.constraint);
            let label = words.map_or(violation.constraint.clone(), |c| c.description.clone());
            let end = folder.manifest().simulated_ns;
            let end_ns = violation.end_ns.unwrap_or(end).max(violation.violated_ns);
            let grown = twin::growth(actual, &runs.n.truth, &violation);
            let cumulative = grown.is_some();
            grown
                .unwrap_or_else(|| vec![(violation.violated_ns, end_ns)])
                .into_iter()
                .map(move |(start_ns, end_ns)| report::Impact {
                    start_ns,
                    end_ns,
                    label: label.clone(),
                    cumulative,
                })
        })
        .collect();
    let data = ReportData {
        title: scenario.title.clone(),
        item: ready.prepared.plant.report.item.clone(),
        items: ready.prepared.plant.report.items.clone(),
        intent: if folder.manifest().options.attack {
            scenario.summary.clone()
        } else {
            String::new()
        },
        score,
        actions,
        impacts,
        series: series(folder, ready, actual, &runs.n.truth)?,
        events: folder
            .syslog()?
            .iter()
            .filter_map(|line| PlantEvent::from_syslog(line, EPOCH_UNIX_NS))
            .collect(),
    };
    Ok(report::html(&data))
}

/// The process variables that the plant names for reports, with the twin and what the HMI was told.
fn series(
    folder: &RunFolder,
    ready: &Ready,
    actual: &ProcessTable,
    twin: &ProcessTable,
) -> Result<Vec<Series>, Failure> {
    let mut all = Vec::new();
    for chart in &ready.prepared.plant.report.charts {
        let Some(mut series) = actual_series(chart, actual) else {
            continue;
        };
        let times: Vec<u64> = actual
            .t_ns()
            .iter()
            .copied()
            .step_by(stride(actual))
            .collect();
        series.shown = match &chart.tag {
            Some(tag) => shown_values(folder, tag, &times)?,
            None => None,
        };
        series.twin = twin.column(&chart.column).map(|twin| {
            let last = twin.last().copied().unwrap_or(0.0);
            let mut twin: Vec<f64> = twin.iter().copied().step_by(stride(actual)).collect();
            twin.resize(times.len(), last);
            twin
        });
        all.push(series);
    }
    Ok(all)
}

/// One process variable of a run alone; `None` if the plant does not have it.
pub(crate) fn actual_series(chart: &ChartSpec, actual: &ProcessTable) -> Option<Series> {
    let values = actual.column(&chart.column)?;
    let column = actual.columns().iter().find(|c| c.name == chart.column);
    let seconds = |&t: &u64| SimDuration::from_nanos(t).as_secs_f64();
    Some(Series {
        name: chart.title.clone(),
        unit: column.map_or_else(String::new, |column| column.unit.clone()),
        t_s: actual
            .t_ns()
            .iter()
            .step_by(stride(actual))
            .map(seconds)
            .collect(),
        actual: values.iter().copied().step_by(stride(actual)).collect(),
        twin: None,
        shown: None,
    })
}

/// Every so many rows are drawn.
fn stride(table: &ProcessTable) -> usize {
    table.t_ns().len().div_ceil(POINTS_MAX).max(1)
}

/// What the historian was told of a tag at each of the times: the last sample before it.
fn shown_values(folder: &RunFolder, tag: &str, times: &[u64]) -> Result<Option<Vec<f64>>, Failure> {
    let mut samples: Vec<(u64, f64)> = Vec::new();
    for batch in folder.tags()? {
        let rows = batch?.into_iter().filter(|row| row.tag == tag);
        samples.extend(rows.map(|row| (row.t_ns, row.value)));
    }
    let Some(&(_, first)) = samples.first() else {
        return Ok(None);
    };
    let mut next = 0;
    let mut value = first;
    let at = |t: &u64| {
        while next < samples.len() && samples[next].0 <= *t {
            value = samples[next].1;
            next += 1;
        }
        value
    };
    Ok(Some(times.iter().map(at).collect()))
}
