//! `twinrange test`: cases with gates, for a build server.

mod file;
mod markdown;

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use serde_json::json;
use twinrange_bridge::DefenseError;
use twinrange_range::problem::{Problem, Problems, SourceText};
use twinrange_range::scenario::vary;
use twinrange_score::gate::Gate;
use twinrange_score::junit::{self, to_xml};
use twinrange_score::score::Score;

use self::file::Case;
use crate::Outcome;
use crate::support::failure::Failure;
use crate::support::files::cannot_write;
use crate::support::memory::{Base, Subject, score};
use crate::support::progress;
use crate::support::scenario::from_run;

/// Arguments of `test`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// A suite.
    suite: PathBuf,
    /// Folder for scores and junit.xml; runs/suite-NAME of the suite when left out.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// The folder of an earlier call, or one score.json for a suite of one run, to compare with.
    #[arg(long, value_name = "PATH")]
    baseline: Option<PathBuf>,
    /// File for a summary as Markdown, such as for a pull request.
    #[arg(long, value_name = "FILE")]
    markdown: Option<PathBuf>,
    /// Append the summary to the file that the environment variable GITHUB_STEP_SUMMARY names.
    #[arg(long)]
    github_summary: bool,
    /// Runs at one time; as many as there are cores when left out.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    jobs: Option<u16>,
    /// Print what came out as JSON.
    #[arg(long)]
    json: bool,
}

/// One run of a case.
#[derive(Debug)]
struct Run {
    /// Case and seed: `overflow-is-seen-1`.
    name: String,
    result: Result<Box<Score>, Box<DefenseError>>,
    time_s: f64,
    /// The score of the earlier call.
    before: Option<Box<Score>>,
}

/// Checks a suite as `check` does.
pub(crate) fn check(source: &SourceText) -> Problems {
    file::read(source).err().unwrap_or_default()
}

pub(crate) fn run(args: &Args) -> Outcome {
    let suite = file::read_file(&args.suite)?;
    let out = args
        .out
        .clone()
        .unwrap_or_else(|| Path::new("runs").join(format!("suite-{}", suite.name)));
    let tasks: Vec<(&Case, u64)> = suite
        .cases
        .iter()
        .flat_map(|case| case.seeds.iter().map(move |seed| (case, *seed)))
        .collect();
    // Read first: the folder may be the one that is written now.
    let mut baseline = baseline(args.baseline.as_deref(), &tasks)?;
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let jobs = args.jobs.map_or(cores, usize::from);
    let mut runs = run_all(&tasks, jobs)?;
    for run in &mut runs {
        run.before = baseline.remove(&run.name).map(Box::new);
    }
    write_results(&out, &runs)?;
    let summary = markdown::summary(&suite.name, &runs);
    if let Some(path) = &args.markdown {
        std::fs::write(path, &summary).map_err(|error| cannot_write(path, &error))?;
    }
    if args.github_summary {
        append_summary(&summary)?;
    }
    if args.json {
        print_json(&runs);
    } else {
        print_text(&runs, &out);
    }
    let passed = runs
        .iter()
        .all(|run| run.result.as_ref().is_ok_and(|score| score.passed()));
    for run in runs {
        if let Err(error) = run.result {
            return Err(Failure::Defense(error));
        }
    }
    if passed { Ok(()) } else { Err(Failure::Gate) }
}

fn name_of((case, seed): &(&Case, u64)) -> String {
    format!("{}-{seed}", case.name)
}

/// Runs every task, several at one time, and gives their results in order.
fn run_all(tasks: &[(&Case, u64)], jobs: usize) -> Result<Vec<Run>, Failure> {
    let next = AtomicUsize::new(0);
    let done: Mutex<BTreeMap<usize, Result<Run, Failure>>> = Mutex::new(BTreeMap::new());
    std::thread::scope(|threads| {
        for _ in 0..jobs.min(tasks.len()) {
            threads.spawn(|| {
                loop {
                    let at = next.fetch_add(1, Ordering::SeqCst);
                    let Some(task) = tasks.get(at) else { break };
                    let run = run_one(task);
                    done.lock().expect("a panic is reported").insert(at, run);
                }
            });
        }
    });
    done.into_inner()
        .expect("a panic is reported")
        .into_values()
        .collect()
}

fn run_one(task: &(&Case, u64)) -> Result<Run, Failure> {
    let (case, seed) = task;
    let started = Instant::now();
    let interrupt = progress::interrupt_flag();
    let varied = vary(&case.bundle, case.vary);
    let mut ready = from_run(&varied.bundle)?;
    ready.hidden.clone_from(&case.hidden);
    let defense = case
        .defense
        .as_ref()
        .map(|defense| defense.moved(&varied.moved))
        .transpose()?;
    // The runs that tell a margin are many, so they are made only for who asks.
    let explain = case.gates.iter().any(Gate::needs_margin);
    let base = Base::make(&ready, *seed, case.attack, explain, &interrupt)?;
    let scratch = tempfile::tempdir().map_err(|error| {
        Problem::new("TR0307", format!("no folder for temporary files: {error}"))
    })?;
    let scored = score(&Subject {
        ready: &ready,
        base: &base,
        seed: *seed,
        attack: case.attack,
        defense: defense.as_ref(),
        scratch: scratch.path(),
        interrupt: &interrupt,
    });
    let result = match scored {
        Ok(score) => Ok(Box::new(score.with_gates(&case.gates))),
        Err(Failure::Defense(error)) => Err(error),
        Err(other) => return Err(other),
    };
    Ok(Run {
        name: name_of(task),
        result,
        time_s: started.elapsed().as_secs_f64(),
        before: None,
    })
}

/// The scores of an earlier call by name. A run that was not there then has none.
fn baseline(
    path: Option<&Path>,
    tasks: &[(&Case, u64)],
) -> Result<BTreeMap<String, Score>, Problem> {
    let Some(path) = path else {
        return Ok(BTreeMap::new());
    };
    let mut found = BTreeMap::new();
    if path.is_dir() {
        for task in tasks {
            let name = name_of(task);
            let file = path.join(&name).join("score.json");
            if file.is_file() {
                found.insert(name, read_score(&file)?);
            }
        }
        return Ok(found);
    }
    let [task] = tasks else {
        let message = "one score.json is a baseline for a suite of one run only";
        let hint = "name the folder of an earlier call";
        return Err(Problem::new("TR0112", message).hint(hint));
    };
    found.insert(name_of(task), read_score(path)?);
    Ok(found)
}

fn read_score(path: &Path) -> Result<Score, Problem> {
    let shown = path.display().to_string();
    let text = std::fs::read_to_string(path)
        .map_err(|error| Problem::new("TR0108", format!("`{shown}` cannot be read: {error}")))?;
    serde_json::from_str(&text).map_err(|error| {
        Problem::new("TR0506", format!("this is no score.json: {error}")).in_file(shown)
    })
}

fn write_results(out: &Path, runs: &[Run]) -> Result<(), Problem> {
    let write = |path: PathBuf, text: String| {
        std::fs::create_dir_all(path.parent().unwrap_or(out))
            .and_then(|()| std::fs::write(&path, text))
            .map_err(|error| cannot_write(&path, &error))
    };
    for run in runs {
        let path = out.join(&run.name).join("score.json");
        match &run.result {
            Ok(score) => write(path, score.to_json())?,
            // The score of an earlier call must not pass for one of this.
            Err(_) if path.exists() => {
                std::fs::remove_file(&path).map_err(|error| cannot_write(&path, &error))?;
            }
            Err(_) => {}
        }
    }
    let failures: Vec<Option<String>> = runs.iter().map(Run::failure).collect();
    let suites: Vec<junit::Suite<'_>> = runs
        .iter()
        .zip(&failures)
        .map(|(run, failure)| junit::Suite {
            name: &run.name,
            result: match (&run.result, failure) {
                (Ok(score), _) => Ok(score),
                (Err(_), why) => Err(why.as_deref().unwrap_or_default()),
            },
            time_s: run.time_s,
        })
        .collect();
    write(out.join("junit.xml"), to_xml(&suites))
}

impl Run {
    /// Why the defense failed, if it did.
    fn failure(&self) -> Option<String> {
        let error = self.result.as_ref().err()?;
        Some(format!("{}: {error}", error.code()))
    }
}

/// Appends the summary where a GitHub action shows it.
fn append_summary(summary: &str) -> Result<(), Problem> {
    let Some(path) = std::env::var_os("GITHUB_STEP_SUMMARY").map(PathBuf::from) else {
        let message = "--github-summary was given and GITHUB_STEP_SUMMARY is not set";
        return Err(Problem::new("TR0112", message));
    };
    std::fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(&path)
        .and_then(|mut file| file.write_all(summary.as_bytes()))
        .map_err(|error| cannot_write(&path, &error))
}

fn print_json(runs: &[Run]) {
    let rows: Vec<_> = runs
        .iter()
        .map(|run| {
            let score = run.result.as_ref().ok();
            json!({
                "name": run.name,
                "passed": score.is_some_and(|score| score.passed()),
                "failure": run.failure(),
                "gates": score.map(|score| &score.gates),
                "changes": run.changes(),
            })
        })
        .collect();
    say!(
        "{}",
        serde_json::to_string_pretty(&rows).expect("facts encode")
    );
}

fn print_text(runs: &[Run], out: &Path) {
    for run in runs {
        let word = match &run.result {
            Err(_) => "failed",
            Ok(score) if score.passed() => "passed",
            Ok(_) => "missed",
        };
        say!("{word}  {}", run.name);
        if let Some(why) = run.failure() {
            say!("        {why}");
        }
        let gates = run.result.as_ref().map_or(&[][..], |score| &score.gates);
        for gate in gates.iter().filter(|gate| !gate.passed) {
            let why = gate.reason.as_deref().unwrap_or_default();
            say!("        {}: {why}", gate.gate);
        }
        for change in run
            .changes()
            .iter()
            .filter(|change| change.verdict != "same")
        {
            say!("        {change}");
        }
    }
    say!("junit   {}", out.join("junit.xml").display());
}
