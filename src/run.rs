//! `twinrange run`: one run.

use std::path::PathBuf;
use std::sync::atomic::AtomicBool;

use serde_json::json;
use sim_kernel::time::SimDuration;
use twinrange_range::problem::Problem;
use twinrange_range::run_folder::RunFolder;
use twinrange_range::scenario::vary;

use crate::Outcome;
use crate::support::execution::{Order, default_out, execute};
use crate::support::failure::Failure;
use crate::support::sandbox::{Mode, Sandbox};
use crate::support::{defense, progress, scenario};

/// Arguments of `run`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// A scenario file, or the name of a built-in scenario (see `list scenarios`).
    scenario: String,
    /// Seeds every random stream; the scenario's own seed when left out.
    #[arg(long)]
    seed: Option<u64>,
    /// Folder for the run; a new one under runs/ when left out.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// A defense file, or the name of a defense (see `list defenses`).
    #[arg(long, value_name = "FILE")]
    defense: Option<String>,
    /// Do not play the playbook.
    #[arg(long)]
    no_attack: bool,
    /// Do not simulate the unattacked twin and its like beside the run: quicker, as training wants it, but the folder
    /// does not say where the plant left its twin.
    #[arg(long)]
    no_twin: bool,
    /// Simulated length, such as 90min or 00:30:00; the scenario's own when left out.
    #[arg(long, value_name = "TIME")]
    duration: Option<String>,
    /// Whether the defense is kept away from the truth.
    #[arg(long, value_enum, default_value_t, value_name = "MODE")]
    sandbox: Mode,
    /// Number of a variation of the scenario: other addresses, rates, habits and times of the attack. 0 is the
    /// scenario as it is written.
    #[arg(long, value_name = "N", default_value_t = 0)]
    vary: u64,
    /// Print the manifest's figures as JSON.
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args) -> Outcome {
    let mut ready = scenario::find(&args.scenario)?;
    let mut defense = args.defense.as_deref().map(defense::find).transpose()?;
    if args.vary > 0 {
        let varied = vary(&ready.loaded.bundle, args.vary);
        let hidden = std::mem::take(&mut ready.hidden);
        ready = scenario::from_run(&varied.bundle)?;
        ready.hidden = hidden;
        defense = defense.map(|d| d.moved(&varied.moved)).transpose()?;
        for line in &varied.drawn {
            eprintln!("variation {}: {line}", args.vary);
        }
    }
    let seed = args.seed.unwrap_or(ready.loaded.scenario.seed);
    let duration = match &args.duration {
        None => ready.loaded.scenario.duration,
        Some(text) => parse_duration(text)?,
    };
    let out = args
        .out
        .clone()
        .unwrap_or_else(|| default_out(&ready.loaded.scenario.name, seed));
    let sandbox = Sandbox::new(args.sandbox)?;
    let interrupt = progress::interrupt_flag();
    let flag: &AtomicBool = &interrupt;
    let order = Order {
        ready: &ready,
        seed,
        attack: !args.no_attack,
        twin: !args.no_twin,
        duration,
        out: &out,
        defense: defense.as_ref(),
        branch: None,
        sandbox: &sandbox,
        interrupt: flag,
    };
    let folder = execute(&order)?;
    print_run(&folder, args.json);
    Ok(())
}

pub(crate) fn parse_duration(text: &str) -> Result<SimDuration, Failure> {
    let duration: SimDuration = text
        .parse()
        .map_err(|why: sim_kernel::time::TimeParseError| {
            Problem::new("TR0112", format!("`{text}` is not a length of time: {why}"))
                .hint("write it like 90min, 2h, 250ms or 00:30:00")
        })?;
    if duration < SimDuration::from_secs(1) {
        return Err(Problem::new("TR0112", "a run lasts at least a second").into());
    }
    Ok(duration)
}

/// Says what a run left, in a few lines.
pub(crate) fn print_run(folder: &RunFolder, as_json: bool) {
    let manifest = folder.manifest();
    if as_json {
        let facts = json!({
            "folder": folder.path(),
            "scenario": manifest.scenario.name,
            "seed": manifest.seed,
            "ended": manifest.ended,
            "simulated_ns": manifest.simulated_ns,
            "trace_digest": manifest.trace_digest,
            "counts": manifest.counts,
            "wall_s": manifest.timing.wall_s,
            "real_time_factor": manifest.timing.real_time_factor(manifest.simulated_ns),
        });
        say!(
            "{}",
            serde_json::to_string_pretty(&facts).expect("facts encode")
        );
        return;
    }
    let frames: u64 = manifest.counts.frames.values().sum();
    let factor = manifest.timing.real_time_factor(manifest.simulated_ns);
    say!(
        "run       {} (seed {})",
        manifest.scenario.title,
        manifest.seed
    );
    say!(
        "simulated {} in {:.1} s, {factor:.0} times real time",
        SimDuration::from_nanos(manifest.simulated_ns),
        manifest.timing.wall_s
    );
    say!(
        "evidence  {frames} frames, {} tag samples, {} log lines",
        manifest.counts.tags,
        manifest.counts.syslog
    );
    say!(
        "truth     {} attack steps, {} frames of the attack",
        manifest.counts.attack_steps,
        manifest.counts.attack_frames
    );
    say!("digest    {}", manifest.trace_digest);
    say!("folder    {}", folder.path().display());
}
