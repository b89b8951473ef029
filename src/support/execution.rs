//! One run, from a prepared scenario to a finished run folder.
//!
//! The simulation goes on interval by interval. After each, what was observed goes to the run folder and,
//! if there is a lock-step defense, to the defense, while the simulation waits. The unattacked twin runs
//! beside it on another thread, so that the folder can say where the plant left it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

use serde_json::{Value, json};
use sim_kernel::time::{SimDuration, SimTime};
use sim_plant::observe::{self, Keep, Observations};
use sim_plant::respond;
use twinrange_bridge::answer::{Action, Verb};
use twinrange_bridge::message::{self, ActionResult, Hello, Interval, TagInfo};
use twinrange_bridge::spec::Kind;
use twinrange_bridge::{DefenseError, LockStep};
use twinrange_range::branch::Branch;
use twinrange_range::evidence::EPOCH_UNIX_NS;
use twinrange_range::evidence::process::ProcessTable;
use twinrange_range::manifest::{Ended, RunOptions, ScenarioRecord, Timing};
use twinrange_range::problem::{Problem, Problems};
use twinrange_range::run_folder::{End, RunFolder, RunHeader, RunWriter};
use twinrange_range::session::{Counterfactual, Session, SessionOptions, record, simulate, syslog};
use twinrange_range::twin;

use super::actions;
use super::alerts::{note_failure, run_offline};
use super::defense::Defense;
use super::failure::{Failure, print_problems};
use super::oracle;
use super::progress::Progress;
use super::sandbox::Sandbox;
use super::scenario::Ready;

/// How long a column must be away from the twin to count.
const TWIN_HOLD: SimDuration = SimDuration::from_secs(10);
/// Unattacked runs with other seeds that tell what chance does.
const NOISE_RUNS: u64 = 3;
/// Longest of them, so that a month of simulated time does not take five tables of it.
const NOISE_MAX: SimDuration = SimDuration::from_secs(24 * 3600);

/// Interval of a run without a lock-step defense: only how often buffers are emptied.
const QUIET_INTERVAL: SimDuration = SimDuration::from_secs(30);

/// What to run.
pub(crate) struct Order<'a> {
    pub(crate) ready: &'a Ready,
    pub(crate) seed: u64,
    pub(crate) attack: bool,
    /// Whether the unattacked twin runs beside it, for `truth/impact.jsonl`.
    pub(crate) twin: bool,
    pub(crate) duration: SimDuration,
    pub(crate) out: &'a Path,
    pub(crate) defense: Option<&'a Defense>,
    /// What is left out and done in place of a defense.
    pub(crate) branch: Option<&'a Branch<'a>>,
    pub(crate) sandbox: &'a Sandbox,
    pub(crate) interrupt: &'a AtomicBool,
}

impl Order<'_> {
    fn options(&self, attack: bool, keep: Keep) -> SessionOptions {
        SessionOptions {
            seed: self.seed,
            attack,
            duration: self.duration,
            keep,
        }
    }

    /// What the defense may not see wherever it lies.
    pub(crate) fn hidden(&self) -> Vec<PathBuf> {
        let files = self.ready.hidden.iter().cloned();
        files.chain([self.out.to_path_buf()]).collect()
    }
}

/// Runs, and leaves a finished run folder even when the defense fails.
pub(crate) fn execute(order: &Order<'_>) -> Result<RunFolder, Failure> {
    if let Some(defense) = order.defense {
        defense.detect(order.sandbox, order.hidden())?;
        if let Some(warning) = defense.learns_less(&order.ready.loaded.scenario) {
            print_problems(&Problems::from(warning));
        }
    }
    let (scenario, prepared) = (&order.ready.loaded.scenario, &order.ready.prepared);
    let twin_wanted = order.twin && order.attack && prepared.playbook.is_some();
    let twin_options = order.options(false, Keep::TRUTH);
    let stop_at_ns = AtomicU64::new(u64::MAX);
    let stop = &stop_at_ns;
    std::thread::scope(|threads| {
        let twins = if twin_wanted { NOISE_RUNS + 1 } else { 0 };
        let twins: Vec<_> = (0..twins)
            .map(|number| {
                let mut options = twin_options;
                if number > 0 {
                    options.seed = options.seed.wrapping_add(number);
                    options.duration = NOISE_MAX.min(options.duration);
                }
                threads.spawn(move || simulate(scenario, prepared, options, stop))
            })
            .collect();
        let twin = || {
            let twins = twins.into_iter();
            twins
                .map(|twin| twin.join().expect("the twin's panic is reported"))
                .collect()
        };
        let (folder, failure) = simulate_into_folder(order, twin, stop)?;
        let failure = match failure {
            Some(failure) => Some(failure),
            None => run_offline(order, &folder).err(),
        };
        match failure {
            Some(failure) => {
                note_failure(&folder, &failure)?;
                if matches!(failure, Failure::Defense(_)) && order.sandbox.note().confined {
                    eprintln!(
                        "note: the defense was confined. If it lacks a file, name its folder in `may_read` of \
                         the description, or try `--sandbox off`; docs/defense-protocol.md, section 12"
                    );
                }
                Err(failure)
            }
            None => Ok(folder),
        }
    })
}

/// The unattacked twin and its like with other seeds; none where nothing attacks.
type Twins = Result<Vec<Counterfactual>, Problems>;

fn simulate_into_folder(
    order: &Order<'_>,
    twins: impl FnOnce() -> Twins,
    twin_stops_at_ns: &AtomicU64,
) -> Result<(RunFolder, Option<Failure>), Failure> {
    let started = Instant::now();
    let (scenario, prepared) = (&order.ready.loaded.scenario, &order.ready.prepared);
    let script = order.branch.cloned().unwrap_or_default();
    let options = order.options(order.attack, Keep::ALL);
    let mut session = Session::without(scenario, prepared, options, &script.absent)?;
    let header = RunHeader {
        scenario: ScenarioRecord {
            name: scenario.name.clone(),
            title: scenario.title.clone(),
            digest: order.ready.loaded.bundle.digest(),
            bundle: order.ready.loaded.bundle.clone(),
        },
        seed: order.seed,
        options: RunOptions {
            attack: order.attack,
            duration_ns: order.duration.as_nanos(),
            defense: order.defense.map(|d| d.spec.name.clone()),
        },
    };
    let mut writer = RunWriter::create(order.out, header, session.layout())?;
    let mut truth = ProcessTable::new(prepared.truth_columns.clone());
    let mut failure = None;
    let mut watch = match Watch::start(order, &session) {
        Ok(watch) => watch,
        Err(error @ Failure::Defense(_)) => {
            // The folder is finished all the same, so that it says what happened.
            failure = Some(error);
            Watch::of_nobody(&session)
        }
        Err(other) => return Err(other),
    };
    let progress = Progress::new(&scenario.name, order.duration);
    let mut script = script.actions.into_iter().peekable();
    while !session.is_over() && failure.is_none() {
        let from = session.now();
        while let Some((_, action)) = script.next_if(|(at, _)| *at <= from) {
            session.submit(action.clone()).map_err(|error| {
                Problem::new(
                    "TR0312",
                    format!("an action does not fit the plant: {action}: {error}"),
                )
            })?;
        }
        let until = from + watch.interval();
        let next = script.peek().map_or(until, |(at, _)| *at);
        session.advance(if next < until { next } else { until });
        record(session.observations(), &mut writer, &mut truth)?;
        failure = watch.interval_ended(from, &mut session, &mut writer)?;
        session.observations().clear();
        progress.at(session.now());
        if order.interrupt.load(Ordering::SeqCst) {
            failure = Some(Failure::Interrupted);
        }
    }
    if failure.is_none() {
        failure = watch.end(session.now(), &mut writer)?;
    }
    progress.done();
    if !session.is_over() {
        session.stop();
        record(session.observations(), &mut writer, &mut truth)?;
        session.observations().clear();
    }
    twin_stops_at_ns.store(session.now().as_nanos(), Ordering::SeqCst);
    let ended = match &failure {
        None => Ended::Complete,
        Some(Failure::Interrupted) => Ended::Interrupted,
        Some(_) => Ended::DefenseFailed,
    };
    for input in session.inputs().records() {
        writer.input(input)?;
    }
    let finished = session.finish();
    for step in &finished.steps {
        writer.attack_step(step)?;
    }
    let twins = twins()?;
    if let Some(twin) = twins.first() {
        let all: Vec<&ProcessTable> = twins.iter().map(|twin| &twin.truth).collect();
        let tolerances = twin::tolerances(&all, TWIN_HOLD);
        for impact in twin::impacts(&truth, &twin.truth, &tolerances, &scenario.constraints) {
            writer.impact(&impact)?;
        }
    }
    let mut notes = BTreeMap::new();
    notes.insert("production".to_owned(), json!(finished.production));
    if !order.twin {
        notes.insert("twin".to_owned(), json!(false));
    }
    if let Some(defense) = order.defense {
        let folder = defense
            .folder
            .canonicalize()
            .unwrap_or_else(|_| defense.folder.clone());
        notes.insert("defense_description".to_owned(), json!(defense.text));
        notes.insert(
            "defense_folder".to_owned(),
            json!(folder.display().to_string()),
        );
        notes.insert("defense_sandbox".to_owned(), json!(order.sandbox.note()));
    }
    let end = End {
        ended,
        simulated_ns: finished.simulated.as_nanos(),
        trace_digest: finished.digest,
        timing: Timing {
            wall_s: started.elapsed().as_secs_f64(),
        },
        notes,
    };
    Ok((writer.finish(end)?, failure))
}

/// A lock-step defense and what it is owed, or nobody.
pub(crate) struct Watch {
    tool: Option<LockStep>,
    interval: SimDuration,
    spans: Vec<String>,
    tags: Vec<String>,
    frame_numbers: Vec<u64>,
    results: Vec<ActionResult>,
    may_act: bool,
    response: respond::ResponseTimes,
    end: SimTime,
}

impl Watch {
    /// Nobody watches.
    fn of_nobody(session: &Session<'_>) -> Self {
        let world = session.world();
        Self {
            tool: None,
            interval: QUIET_INTERVAL,
            spans: world.spans().to_vec(),
            tags: world.tags().iter().map(|tag| tag.name.clone()).collect(),
            frame_numbers: vec![0; world.spans().len()],
            results: Vec::new(),
            may_act: false,
            response: world.response_times(),
            end: session.end(),
        }
    }

    /// Starts the defense, if it is a lock-step one.
    pub(crate) fn start(order: &Order<'_>, session: &Session<'_>) -> Result<Self, Failure> {
        let scenario = &order.ready.loaded.scenario;
        let world = session.world();
        let mut watch = Self::of_nobody(session);
        watch.may_act = order.defense.is_some_and(Defense::may_act);
        let Some(defense) = order.defense else {
            return Ok(watch);
        };
        let Kind::LockStep { interval_ms, .. } = defense.spec.kind else {
            return Ok(watch);
        };
        watch.interval = SimDuration::from_millis(interval_ms);
        let folder = order.out.join("defense");
        std::fs::create_dir_all(&folder).map_err(|error| {
            Problem::new(
                "TR0307",
                format!("`{}` cannot be made: {error}", folder.display()),
            )
        })?;
        let hello = Hello {
            range_version: env!("CARGO_PKG_VERSION").to_owned(),
            plant: order.ready.prepared.plant.name.clone(),
            epoch_unix_ns: EPOCH_UNIX_NS,
            interval_ns: watch.interval.as_nanos(),
            duration_ns: order.duration.as_nanos(),
            learn_ns: scenario.clean_until.as_nanos(),
            spans: world
                .spans()
                .iter()
                .map(|name| message::Span {
                    name: name.clone(),
                    link_type: 1,
                })
                .collect(),
            assets: session.assets().into_iter().map(asset).collect(),
            tags: world
                .tags()
                .iter()
                .map(|tag| TagInfo {
                    name: tag.name.clone(),
                    unit: tag.unit.clone(),
                    description: tag.description.clone(),
                })
                .collect(),
            actions: if watch.may_act {
                vec![Verb::Deny, Verb::Contain, Verb::Restore]
            } else {
                Vec::new()
            },
        };
        let config = defense.lock_step(scenario.clean_until, Some(folder.join("tool.log")))?;
        let mut config = config.expect("a lock-step defense has a way to start it");
        if defense.is_oracle() {
            let script = oracle::script_text(order, watch.interval)?;
            config.args.extend(["--script".to_owned(), script]);
        }
        config.confinement = defense.confinement(order.sandbox, order.hidden());
        watch.tool = Some(LockStep::spawn(&config, &hello)?);
        Ok(watch)
    }

    pub(crate) fn interval(&self) -> SimDuration {
        self.interval
    }

    /// Tells the defense what was seen and does what it asks. Returns its failure, if it failed.
    fn interval_ended(
        &mut self,
        from: SimTime,
        session: &mut Session<'_>,
        writer: &mut RunWriter,
    ) -> Result<Option<Failure>, Problems> {
        let to = session.now();
        match self.exchange(from, to, session.observations()) {
            Ok(Some(answer)) => {
                for alert in &answer.alerts {
                    writer.alert(alert)?;
                }
                for action in &answer.actions {
                    let outcome = self.act(session, action);
                    writer.action(&outcome)?;
                }
                Ok(None)
            }
            Ok(None) => Ok(None),
            Err(error) => {
                self.tool = None;
                Ok(Some(error.into()))
            }
        }
    }

    /// Tells the defense what was seen in an interval, and gives its answer; `None` from nobody.
    pub(crate) fn exchange(
        &mut self,
        from: SimTime,
        to: SimTime,
        seen: &Observations,
    ) -> Result<Option<twinrange_bridge::Answer>, DefenseError> {
        let Some(tool) = &mut self.tool else {
            return Ok(None);
        };
        let mut frames = Vec::with_capacity(seen.frames.len());
        for frame in &seen.frames {
            let span = usize::from(frame.span);
            self.frame_numbers[span] += 1;
            let data = seen.bytes(frame);
            frames.push(message::Frame {
                span: &self.spans[span],
                n: self.frame_numbers[span],
                t_ns: frame.at.as_nanos(),
                len: u32::try_from(data.len()).expect("frames are short"),
                data,
            });
        }
        let tags: Vec<message::TagSample<'_>> = seen
            .tags
            .iter()
            .map(|sample| message::TagSample {
                t_ns: sample.at.as_nanos(),
                tag: &self.tags[usize::from(sample.tag)],
                value: sample.value,
                quality: match sample.quality {
                    observe::Quality::Good => message::Quality::Good,
                    observe::Quality::Bad => message::Quality::Bad,
                },
            })
            .collect();
        let lines: Vec<(u64, String)> = seen
            .logs
            .iter()
            .map(|line| (line.at.as_nanos(), syslog(line)))
            .collect();
        let logs: Vec<message::LogLine<'_>> = lines
            .iter()
            .map(|(t_ns, line)| message::LogLine { t_ns: *t_ns, line })
            .collect();
        let results = std::mem::take(&mut self.results);
        let interval = Interval {
            from_ns: from.as_nanos(),
            to_ns: to.as_nanos(),
            frames: &frames,
            tags: &tags,
            logs: &logs,
            action_results: &results,
        };
        tool.interval(&interval).map(Some)
    }

    /// Hands an action to the plant. Returns the line for `actions.jsonl`.
    pub(crate) fn act(&mut self, session: &mut Session<'_>, action: &Action) -> Value {
        let now = session.now();
        let done = actions::plan(action, now, self.end, &self.response).and_then(|plan| {
            session
                .submit(plan.action.clone())
                .map(|()| plan)
                .map_err(|error| error.to_string())
        });
        let result = match done {
            Ok(plan) => actions::accepted(action, now, &plan),
            Err(reason) => actions::refused(action, now, reason),
        };
        let line = actions::line(action, &result);
        self.results.push(result);
        line
    }

    /// Ends the defense, and gives what it said last; `None` from nobody.
    pub(crate) fn finish(self) -> Result<Option<twinrange_bridge::Answer>, DefenseError> {
        self.tool.map(|tool| tool.finish(&self.results)).transpose()
    }

    fn end(self, now: SimTime, writer: &mut RunWriter) -> Result<Option<Failure>, Problems> {
        match self.finish() {
            Ok(None) => Ok(None),
            Ok(Some(answer)) => {
                for alert in &answer.alerts {
                    writer.alert(alert)?;
                }
                for action in &answer.actions {
                    let result = actions::refused(action, now, actions::RUN_IS_OVER.to_owned());
                    writer.action(&actions::line(action, &result))?;
                }
                Ok(None)
            }
            Err(error) => Ok(Some(error.into())),
        }
    }
}

/// A run with a defense of which only truth and counts are kept: the D of the four runs.
pub(crate) fn simulate_with_defense(order: &Order<'_>) -> Result<Counterfactual, Failure> {
    let (scenario, prepared) = (&order.ready.loaded.scenario, &order.ready.prepared);
    let keep = Keep {
        scene: false,
        ..Keep::ALL
    };
    let mut session = Session::new(scenario, prepared, order.options(order.attack, keep))?;
    let truth = watch_to_end(order, &mut session, |_| {}, |_| {})?;
    Ok(Counterfactual {
        truth,
        finished: session.finish(),
    })
}

/// Runs a session to its end with the defense of an order, writes nothing, and gives the physical truth.
///
/// # Arguments
///
/// * `see` — is shown what was observed, interval by interval.
/// * `hear` — is told the alerts of the defense.
pub(crate) fn watch_to_end(
    order: &Order<'_>,
    session: &mut Session<'_>,
    mut see: impl FnMut(&Observations),
    mut hear: impl FnMut(&[Value]),
) -> Result<ProcessTable, Failure> {
    let mut watch = Watch::start(order, session)?;
    let mut truth = ProcessTable::new(order.ready.prepared.truth_columns.clone());
    while !session.is_over() {
        let from = session.now();
        session.advance(from + watch.interval());
        let to = session.now();
        see(session.observations());
        if let Some(answer) = watch.exchange(from, to, session.observations())? {
            hear(&answer.alerts);
            for action in &answer.actions {
                watch.act(session, action);
            }
        }
        for row in &session.observations().truth {
            truth.push(row.at.as_nanos(), &row.values);
        }
        session.observations().clear();
        if order.interrupt.load(Ordering::SeqCst) {
            return Err(Failure::Interrupted);
        }
    }
    if let Some(answer) = watch.finish()? {
        hear(&answer.alerts);
    }
    Ok(truth)
}

fn asset(asset: twinrange_range::evidence::records::Asset) -> message::Asset {
    message::Asset {
        name: asset.name,
        role: asset.role,
        zone: asset.zone,
        ip: asset.ip,
        mac: asset.mac,
        switch: asset.switch,
        port: asset.port,
        firmware: asset.firmware,
        ..message::Asset::default()
    }
}

/// Where a run goes when the user names no folder: a new folder under `runs/`.
pub(crate) fn default_out(scenario: &str, seed: u64) -> PathBuf {
    let stem = format!("{scenario}-{seed}");
    let folder = Path::new("runs");
    let first = folder.join(&stem);
    if !first.exists() {
        return first;
    }
    (2_u32..)
        .map(|n| folder.join(format!("{stem}-{n}")))
        .find(|path| !path.exists())
        .expect("some number is free")
}
