//! `twinrange run`: one run.

use std::sync::atomic::AtomicBool;

use serde_json::json;
use sim_kernel::time::SimDuration;
use twinrange_range::run_folder::RunFolder;
use twinrange_range::scenario::vary;

use crate::Outcome;
use crate::support::execution::{Order, execute};
use crate::support::run_args::{RunArgs, duration};
use crate::support::sandbox::Sandbox;
use crate::support::{progress, scenario, wiring};

/// Arguments of `run`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    common: RunArgs,
    /// Do not simulate the unattacked twin and its like beside the run: quicker, as training wants it, but the folder
    /// does not say where the plant left its twin.
    #[arg(long)]
    no_twin: bool,
    /// Simulated length, such as 90min or 00:30:00; the scenario's own when left out.
    #[arg(long, value_name = "TIME")]
    duration: Option<String>,
    /// Number of a variation of the scenario: other addresses, rates, habits and times of the attack. 0 is the
    /// scenario as it is written.
    #[arg(long, value_name = "N", default_value_t = 0)]
    vary: u64,
    /// Print the manifest's figures as JSON.
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args) -> Outcome {
    let common = &args.common;
    let mut ready = scenario::find(&common.scenario)?;
    let mut defense = common.defense()?;
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
    let duration = duration(args.duration.as_deref(), &ready)?;
    let out = common.out(&ready);
    let sandbox = Sandbox::new(common.sandbox)?;
    let interrupt = progress::interrupt_flag();
    let flag: &AtomicBool = &interrupt;
    let order = Order {
        ready: &ready,
        seed: common.seed(&ready),
        attack: !common.no_attack,
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
    wiring::after_run(&order, &folder)?;
    Ok(())
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
