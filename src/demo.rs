//! `twinrange demo`: the main job in one go.

use std::path::PathBuf;

use crate::Outcome;
use crate::run::print_run;
use crate::score::score_folder;
use crate::support::defense::{self, DEMO_DEFENSE};
use crate::support::execution::{Order, OutFolder, execute};
use crate::support::progress;
use crate::support::sandbox::{Mode, Sandbox};
use crate::support::scenario::{self, DEMO_SCENARIO};

/// Arguments of `demo`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Folder for the run; a new one under runs/ when left out.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Seeds every random stream; the scenario's own seed when left out.
    #[arg(long)]
    seed: Option<u64>,
    /// Leave out the runs without each attack step and each action, and those that tell how long there was to act.
    #[arg(long)]
    quick: bool,
    /// Whether the defense is kept away from the truth.
    #[arg(long, value_enum, default_value_t, value_name = "MODE")]
    sandbox: Mode,
}

pub(crate) fn run(args: &Args) -> Outcome {
    let ready = scenario::find(DEMO_SCENARIO)?;
    let defense = defense::find(DEMO_DEFENSE)?;
    let seed = args.seed.unwrap_or(ready.loaded.scenario.seed);
    let out = OutFolder::of(args.out.as_deref(), "demo", seed);
    say!("{}\n", ready.loaded.scenario.title);
    say!("{}\n", wrapped(&ready.loaded.scenario.summary, 96));
    let sandbox = Sandbox::new(args.sandbox)?;
    let interrupt = progress::interrupt_flag();
    let order = Order {
        ready: &ready,
        seed,
        attack: true,
        twin: true,
        duration: ready.loaded.scenario.duration,
        out: &out,
        defense: Some(&defense),
        branch: None,
        sandbox: &sandbox,
        interrupt: &interrupt,
    };
    let folder = execute(&order)?;
    print_run(&folder, false);
    say!();
    score_folder(&folder, None, Vec::new(), !args.quick, false)
}

/// A text in lines of at most `width` characters, broken between words.
fn wrapped(text: &str, width: usize) -> String {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let line = lines.last_mut().expect("there is always a line");
        if !line.is_empty() && line.chars().count() + 1 + word.chars().count() > width {
            lines.push(word.to_owned());
        } else {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
    }
    lines.join("\n")
}
