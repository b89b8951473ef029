//! One run, from a prepared scenario to a finished run folder.
//!
//! The simulation goes on interval by interval. After each, what was observed goes to the run folder and,
//! if there is a lock-step defense, to the defense, while the simulation waits. The unattacked twin runs
//! beside it on another thread, so that the folder can say where the plant left it.

use std::fs;
use std::io::ErrorKind;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{Scope, ScopedJoinHandle};

use serde_json::Value;
use sim_kernel::time::SimDuration;
use sim_plant::observe::{Keep, Observations};
use twinrange_range::branch::{Branch, BranchError, Script};
use twinrange_range::evidence::process::ProcessTable;
use twinrange_range::problem::{Problem, Problems};
use twinrange_range::run_folder::RunFolder;
use twinrange_range::session::{Counterfactual, Session, SessionOptions, Setting, simulate};

use super::alerts::{note_failure, run_offline};
use super::defense::Defense;
use super::failure::{Failure, print_problems};
use super::progress::Progress;
use super::recording::{Recording, Watch, asked};
use super::sandbox::Sandbox;
use super::scenario::Ready;

/// Unattacked runs with other seeds that tell what chance does.
const NOISE_RUNS: u64 = 3;
/// Longest of them, so that a month of simulated time does not take five tables of it.
const NOISE_MAX: SimDuration = SimDuration::from_secs(24 * 3600);

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
    pub(crate) fn options(&self, attack: bool, keep: Keep) -> SessionOptions {
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
    detect(order)?;
    let stop_at_ns = AtomicU64::new(u64::MAX);
    std::thread::scope(|threads| {
        let twins = begin_twins(threads, order, &stop_at_ns);
        let (folder, failure) = simulate_into_folder(order, || join_twins(twins), &stop_at_ns)?;
        conclude(order, folder, failure)
    })
}

/// Warns of a defense that will not do here what it was written for.
///
/// # Errors
///
/// If its program is missing.
pub(crate) fn detect(order: &Order<'_>) -> Result<(), Failure> {
    if let Some(defense) = order.defense {
        defense.detect(order.sandbox, order.hidden())?;
        if let Some(warning) = defense.learns_less(&order.ready.loaded.scenario) {
            print_problems(&Problems::from(warning));
        }
    }
    Ok(())
}

/// Lets an offline defense work on a finished run, and says in the folder what failed.
pub(crate) fn conclude(
    order: &Order<'_>,
    folder: RunFolder,
    failure: Option<Failure>,
) -> Result<RunFolder, Failure> {
    let failure = match failure {
        Some(failure) => Some(failure),
        None => run_offline(order, &folder).err(),
    };
    let Some(failure) = failure else {
        return Ok(folder);
    };
    note_failure(&folder, &failure)?;
    if matches!(failure, Failure::Interrupted) {
        let until = SimDuration::from_nanos(folder.manifest().simulated_ns);
        eprintln!(
            "note: {} has the run up to {until}",
            folder.path().display()
        );
    }
    if matches!(failure, Failure::Defense(_)) && order.sandbox.note().confined {
        eprintln!(
            "note: the defense was confined. If it lacks a file, name its folder in `may_read` of \
             the description, or try `--sandbox off`; docs/defense-protocol.md, section 12"
        );
    }
    Err(failure)
}

/// The unattacked twin and its like with other seeds; none where nothing attacks.
pub(crate) type Twins = Result<Vec<Counterfactual>, Problems>;

/// Runs under way, each on a thread.
pub(crate) type TwinThreads<'scope> =
    Vec<ScopedJoinHandle<'scope, Result<Counterfactual, Problems>>>;

/// Starts the unattacked twin of a run and its like with other seeds, where something attacks.
///
/// # Arguments
///
/// * `stop_at_ns` — simulated time beyond which nothing is needed; it may be lowered later.
pub(crate) fn begin_twins<'scope, 'env>(
    threads: &'scope Scope<'scope, 'env>,
    order: &'env Order<'env>,
    stop_at_ns: &'env AtomicU64,
) -> TwinThreads<'scope> {
    let (scenario, prepared) = (&order.ready.loaded.scenario, &order.ready.prepared);
    let wanted = order.twin && order.attack && prepared.playbook.is_some();
    let twins = if wanted { NOISE_RUNS + 1 } else { 0 };
    let begin = |number: u64| {
        let mut options = order.options(false, Keep::TRUTH);
        if number > 0 {
            options.seed = options.seed.wrapping_add(number);
            options.duration = NOISE_MAX.min(options.duration);
        }
        threads.spawn(move || simulate(scenario, prepared, options, stop_at_ns))
    };
    (0..twins).map(begin).collect()
}

/// Waits for twins.
pub(crate) fn join_twins(twins: TwinThreads<'_>) -> Twins {
    let twins = twins.into_iter();
    twins
        .map(|twin| twin.join().expect("the twin's panic is reported"))
        .collect()
}

fn simulate_into_folder(
    order: &Order<'_>,
    twins: impl FnOnce() -> Twins,
    twin_stops_at_ns: &AtomicU64,
) -> Result<(RunFolder, Option<Failure>), Failure> {
    let nothing = Branch::default();
    let branch = order.branch.unwrap_or(&nothing);
    let setting = Setting {
        absent: &branch.absent,
        outside: branch.played.map(|played| &played.outside),
        ..Setting::default()
    };
    let mut recording = Recording::begin(order, &setting)?;
    let progress = Progress::new(&order.ready.loaded.scenario.name, order.duration);
    let mut script = Script::of(branch);
    while recording.goes_on() {
        let from = recording.session.now();
        script.hand_in(&mut recording.session).map_err(refused)?;
        let until = from + recording.interval();
        let until = script.next_at().map_or(until, |at| at.min(until));
        recording.advance(until);
        recording.interval_ended(from)?;
        progress.at(recording.session.now());
        if order.interrupt.load(Ordering::SeqCst) {
            recording.failure.get_or_insert(Failure::Interrupted);
        }
    }
    recording.last_word()?;
    progress.done();
    recording.stop()?;
    twin_stops_at_ns.store(recording.session.now().as_nanos(), Ordering::SeqCst);
    recording.finish(twins)
}

/// Why a branch could not be run, as the command says it.
pub(crate) fn refused(error: BranchError) -> Failure {
    match error {
        BranchError::Plant(problems) => problems.into(),
        BranchError::Interrupted => Failure::Interrupted,
        error @ BranchError::Input { .. } => Problem::new(
            "TR0312",
            format!("an input does not fit the plant: {error}"),
        )
        .into(),
    }
}

/// A run with a defense of which only truth and counts are kept: the D of the four runs.
pub(crate) fn simulate_with_defense(order: &Order<'_>) -> Result<Counterfactual, Failure> {
    let keep = Keep {
        scene: false,
        ..Keep::ALL
    };
    let mut session = defended(order, order.options(order.attack, keep))?;
    let truth = watch_to_end(order, &mut session, |_| {}, |_| {})?;
    Ok(Counterfactual {
        truth,
        finished: session.finish(),
    })
}

/// A session of an order's plant, with the defense in its cables if it stands there.
pub(crate) fn defended<'a>(
    order: &Order<'a>,
    options: SessionOptions,
) -> Result<Session<'a>, Problems> {
    let (scenario, prepared) = (&order.ready.loaded.scenario, &order.ready.prepared);
    let inline = order.defense.and_then(Defense::inline);
    let setting = Setting {
        inline: asked(inline.as_ref()),
        ..Setting::default()
    };
    Session::set_up(scenario, prepared, options, &setting)
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
        let until = from + watch.interval();
        session.advance_judged(until, |frame| watch.judge(frame, order.interrupt))?;
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

/// The folder of a run that is to be.
pub(crate) struct OutFolder {
    path: PathBuf,
    /// Folders that were made for it, the inner one first.
    made: Vec<PathBuf>,
}

impl OutFolder {
    /// The one that the user names, else a new one.
    pub(crate) fn of(named: Option<&Path>, scenario: &str, seed: u64) -> Self {
        match named {
            Some(path) => Self {
                path: path.to_owned(),
                made: Vec::new(),
            },
            None => Self::new(scenario, seed),
        }
    }

    /// A new folder under `runs/`, made at once, so that nobody who begins at the same moment takes it for free.
    fn new(scenario: &str, seed: u64) -> Self {
        let runs = Path::new("runs");
        let mut made = Vec::new();
        if fs::create_dir(runs).is_ok() {
            made.push(runs.to_owned());
        }
        loop {
            let path = free_path(runs, &format!("{scenario}-{seed}"));
            match fs::create_dir(&path) {
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                Ok(()) => {
                    made.insert(0, path.clone());
                    return Self { path, made };
                }
                // Whoever writes there says why it cannot be.
                Err(_) => return Self { path, made },
            }
        }
    }
}

impl Deref for OutFolder {
    type Target = Path;

    fn deref(&self) -> &Path {
        &self.path
    }
}

impl Drop for OutFolder {
    fn drop(&mut self) {
        for folder in &self.made {
            // Only where nothing came of the run: a folder with something in it stays.
            let _ = fs::remove_dir(folder);
        }
    }
}

/// A path in a folder that nothing is at: with this name, or with a number behind it.
pub(crate) fn free_path(folder: &Path, name: &str) -> PathBuf {
    let first = folder.join(name);
    if !first.exists() {
        return first;
    }
    (2_u32..)
        .map(|n| folder.join(format!("{name}-{n}")))
        .find(|path| !path.exists())
        .expect("some number is free")
}
