//! `twinrange wiring`: whether a defense can be heard at all.

use std::path::PathBuf;

use twinrange_range::problem::Problem;

use crate::Outcome;
use crate::support::alerts::format_asked;
use crate::support::failure::Failure;
use crate::support::sandbox::{Mode, Sandbox};
use crate::support::wiring::{OFFLOADED, Question, Report};
use crate::support::{defense, progress, scenario};

/// The scenario whose plant the stimulus is played on, unless another is named.
const SCENARIO: &str = "bottling/calm";

/// Arguments of `wiring`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// A defense file, or the name of a defense (see `list defenses`).
    #[arg(required_unless_present_any = ["out", "alerts"])]
    defense: Option<String>,
    /// A scenario file, or the name of a built-in scenario, whose plant the stimulus is played on. Its attack is not.
    #[arg(long, default_value = SCENARIO)]
    scenario: String,
    /// Seeds every random stream; the scenario's own seed when left out.
    #[arg(long)]
    seed: Option<u64>,
    /// The network that the stranger comes from; the one with most controllers when left out.
    #[arg(long, value_name = "NAME")]
    network: Option<String>,
    /// Leave the checksums in the captures to a network card that is not there, as in what a machine captures of its
    /// own traffic. Offline defenses.
    #[arg(long)]
    offload: bool,
    /// Keep the session as a run folder, such as to play its captures to a tool on an interface.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Judge what a tool has written that was shown the captures of `--out` by hand: its alert file.
    #[arg(long, value_name = "FILE", conflicts_with = "defense")]
    alerts: Option<PathBuf>,
    /// Format of the alerts, see `list formats`; told by the file when left out.
    #[arg(long, value_name = "F", requires = "alerts")]
    format: Option<String>,
    /// Whether the defense is kept away from the truth.
    #[arg(long, value_enum, default_value_t, value_name = "MODE")]
    sandbox: Mode,
    /// Print what was found as JSON.
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args) -> Outcome {
    let ready = scenario::find(&args.scenario)?;
    let defense = args.defense.as_deref().map(defense::find).transpose()?;
    let gets_frames = defense.as_ref().is_some_and(|one| !one.is_offline());
    if args.offload && gets_frames {
        let message =
            "a lock-step defense gets its frames from the range, and no card stands between";
        let hint = "`--offload` is for offline defenses, which read captures";
        return Err(Problem::new("TR0112", message).hint(hint).into());
    }
    let format = format_asked(args.format.as_deref())?;
    let sandbox = Sandbox::new(args.sandbox)?;
    let interrupt = progress::interrupt_flag();
    let scratch = tempfile::tempdir().map_err(|error| {
        Problem::new("TR0307", format!("no folder for temporary files: {error}"))
    })?;
    let out = args
        .out
        .clone()
        .unwrap_or_else(|| scratch.path().join("wiring"));
    let question = Question {
        bundle: &ready.loaded.bundle,
        hidden: &ready.hidden,
        seed: args.seed.unwrap_or(ready.loaded.scenario.seed),
        defense: defense.as_ref(),
        network: args.network.as_deref(),
        offload: args.offload,
        sandbox: &sandbox,
        interrupt: &interrupt,
    };
    let report = match (&args.alerts, &defense) {
        (Some(file), _) => question.judge(&out, file, format)?,
        (None, Some(_)) => question.test(&out)?,
        (None, None) => {
            question.play(&out)?;
            let from = if args.offload { OFFLOADED } else { "evidence" };
            say!("captures  {}", out.join(from).display());
            return Ok(());
        }
    };
    if args.json {
        say!(
            "{}",
            serde_json::to_string_pretty(&report).expect("a report encodes")
        );
    } else {
        print(&report);
    }
    if let Some(advice) = report.advice().filter(|_| report.wired) {
        eprintln!("warning: it was heard and did not understand: {advice}");
    }
    if args.alerts.is_some() && report.alerts > 0 && report.of_stimulus == 0 {
        eprintln!(
            "warning: no alert of the file names the stranger at {}: it may be of another session than the one that was \
             played",
            report.stranger
        );
    }
    report
        .failure()
        .map_or(Ok(()), |error| Err(Failure::from(error)))
}

/// What was found, in a few lines.
fn print(report: &Report) {
    let name = match report.defense.as_str() {
        "" => "a tool",
        name => name,
    };
    say!(
        "wiring    {name} on {} (seed {}), {} s of the plant; the stranger is {}",
        report.scenario,
        report.seed,
        report.session_s,
        report.stranger
    );
    for sensor in &report.sensors {
        say!("{:<9} {} offered", sensor.sensor, sensor.offered);
        for (question, told) in [
            ("saw it", &sensor.saw),
            ("understood it", &sensor.parsed),
            ("can alert", &sensor.alerts),
        ] {
            say!(
                "  {question:<15} {:<12} {}",
                told.answer.word(),
                told.because
            );
        }
    }
    let verdict = if report.wired { "wired" } else { "not wired" };
    say!(
        "verdict   {verdict}: {} alerts, {} of them about the stimulus, {} actions",
        report.alerts,
        report.of_stimulus,
        report.actions
    );
}
