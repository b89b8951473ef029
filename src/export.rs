//! `twinrange export`: a run in the form that other tools and labelled data sets have.

use std::path::{Path, PathBuf};

use clap::ValueEnum;
use clap::builder::PossibleValue;
use twinrange_export::log::{RunLog, Scope};
use twinrange_export::options::Choice;
use twinrange_export::out::Stop;
use twinrange_export::{Format, Order, Run, Stamps, Summary, Values, export};
use twinrange_range::problem::{Problem, Problems};
use twinrange_range::run_folder::RunFolder;

use crate::Outcome;
use crate::support::execution::free_path;
use crate::support::failure::Failure;
use crate::support::run_args::parse_length;
use crate::support::{progress, scenario};

/// A format on the command line.
#[derive(Clone, Copy, Debug)]
struct Wanted(Format);

impl ValueEnum for Wanted {
    fn value_variants<'a>() -> &'a [Self] {
        const ALL: [Wanted; Format::ALL.len()] = {
            let mut all = [Wanted(Format::Ipal); Format::ALL.len()];
            let mut at = 0;
            while at < all.len() {
                all[at] = Wanted(Format::ALL[at]);
                at += 1;
            }
            all
        };
        &ALL
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(self.0.name()))
    }
}

/// What labels are about.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum Labels {
    /// When the attacker was at work.
    Command,
    /// When the process was away from its unattacked twin.
    Effect,
    /// A set of files for each.
    #[default]
    Both,
}

/// Where values come from.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum Source {
    /// What the historians recorded, forged values and all.
    #[default]
    Historian,
    /// The physical truth.
    Truth,
}

/// How fine the stamps of a capture are.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum Fineness {
    /// Nanoseconds.
    #[default]
    Nano,
    /// Microseconds.
    Micro,
}

/// Arguments of `export`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// A run folder.
    run: PathBuf,
    /// The convention.
    #[arg(long, value_enum, value_name = "FORMAT")]
    format: Wanted,
    /// A folder that does not exist or is empty; beside the run folder when left out.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// What labels are about; both when left out.
    #[arg(long, value_enum, value_name = "SCOPE")]
    labels: Option<Labels>,
    /// An unattacked run to learn from; without it the part before the end of the clean period is.
    #[arg(long, value_name = "RUN")]
    train: Option<PathBuf>,
    /// Time between two rows, such as 1s or 10min; 1 s, and 1 min for batadal, when left out.
    #[arg(long, value_name = "TIME")]
    period: Option<String>,
    /// Where values come from; historian when left out.
    #[arg(long, value_enum, value_name = "SOURCE")]
    values: Option<Source>,
    /// pcap-labels: how fine stamps are; nano when left out.
    #[arg(long, value_enum, value_name = "UNIT")]
    stamps: Option<Fineness>,
    /// batadal: -999 instead of 0 in the labelled file, as published for all that is not disclosed.
    #[arg(long)]
    undisclosed: bool,
    /// swat: a blank in front of the names in the head, as in the published file.
    #[arg(long)]
    blank_heads: bool,
    /// Print what was written as JSON.
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args) -> Outcome {
    let Wanted(format) = args.format;
    check(args, format)?;
    let folder = RunFolder::open(&args.run)?;
    folder.verify()?;
    let train = args.train.as_deref().map(RunFolder::open).transpose()?;
    if let Some(train) = &train {
        train.verify()?;
    }
    let own = Run {
        log: log_of(&folder)?,
        folder: &folder,
    };
    let train = train.as_ref().map(|folder| {
        let log = log_of(folder)?;
        Ok::<_, Failure>(Run { log, folder })
    });
    let train = train.transpose()?;
    let order = Order {
        run: &own,
        train: train.as_ref(),
        format,
        scopes: match args.labels.unwrap_or_default() {
            Labels::Command => vec![Scope::Command],
            Labels::Effect => vec![Scope::Effect],
            Labels::Both => vec![Scope::Command, Scope::Effect],
        },
        values: match args.values.unwrap_or_default() {
            Source::Historian => Values::Historian,
            Source::Truth => Values::Truth,
        },
        period_ns: match &args.period {
            Some(text) => Some(parse_length(text, "1s, 250ms or 10min")?.as_nanos()),
            None => None,
        },
        undisclosed: args.undisclosed,
        blank_heads: args.blank_heads,
        stamps: match args.stamps.unwrap_or_default() {
            Fineness::Nano => Stamps::Nano,
            Fineness::Micro => Stamps::Micro,
        },
    };
    let out = args
        .out
        .clone()
        .unwrap_or_else(|| beside(&args.run, format));
    let interrupt = progress::interrupt_flag();
    let summary = export(&order, &out, &interrupt).map_err(|stop| failure(stop, &out))?;
    print(&summary, args.json);
    Ok(())
}

/// Refuses every option that was given and has no meaning for the format.
fn check(args: &Args, format: Format) -> Result<(), Problems> {
    let given = [
        (Choice::Labels, args.labels.is_some()),
        (Choice::Train, args.train.is_some()),
        (Choice::Period, args.period.is_some()),
        (Choice::Values, args.values.is_some()),
        (Choice::Stamps, args.stamps.is_some()),
        (Choice::Undisclosed, args.undisclosed),
        (Choice::BlankHeads, args.blank_heads),
    ];
    let mut problems = Problems::new();
    for (choice, is_given) in given {
        if is_given && let Err(problem) = choice.check(format) {
            problems.push(problem);
        }
    }
    problems.into_result()
}

fn log_of(folder: &RunFolder) -> Result<RunLog, Failure> {
    let ready = scenario::from_run(&folder.manifest().scenario.bundle)?;
    let prepared = &ready.prepared;
    let (scenario, playbook) = (&ready.loaded.scenario, prepared.playbook.as_ref());
    Ok(RunLog::read(folder, scenario, &prepared.plant, playbook)?)
}

/// A free name beside the run folder.
fn beside(run: &Path, format: Format) -> PathBuf {
    let canonical;
    // A folder such as `.` has its name and its place elsewhere.
    let named = if run.file_name().is_some() {
        run
    } else {
        canonical = run.canonicalize().unwrap_or_else(|_| run.to_path_buf());
        &canonical
    };
    let name = named.file_name().unwrap_or_default().to_string_lossy();
    let folder = named.parent().unwrap_or(Path::new(""));
    free_path(folder, &format!("{name}-{}", format.name()))
}

fn failure(stop: Stop, out: &Path) -> Failure {
    match stop {
        Stop::Problems(problems) => problems.into(),
        Stop::Interrupted => Failure::Interrupted,
        Stop::Io(error) => {
            let problem = Problem::new("TR0307", format!("cannot write: {error}"));
            problem.in_file(out.display().to_string()).into()
        }
    }
}

fn print(summary: &Summary, as_json: bool) {
    if as_json {
        let text = serde_json::to_string_pretty(summary).expect("a summary encodes");
        say!("{text}");
        return;
    }
    let width = summary.files.keys().map(|path| path.chars().count()).max();
    let width = width.unwrap_or(0);
    for (path, written) in &summary.files {
        say!(
            "{path:width$}  {:>9} records  {:>11} bytes",
            written.records,
            written.info.bytes
        );
    }
    for remark in &summary.remarks {
        say!("note: {remark}");
    }
    say!("folder: {}", summary.folder.display());
}
