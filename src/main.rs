//! The `twinrange` command: one file per verb, and `support` for what several verbs share.
//!
//! Exit codes: 0 done, 1 a gate failed, 2 the user's mistake, 3 the defense failed, 4 a replay diverged,
//! 70 our bug, 130 interrupted. They are a contract; see `docs/exit-codes.md`.

/// Prints a line on standard output. A reader that has gone away, as `head` does, is no failure.
macro_rules! say {
    ($($word:tt)*) => {{
        use std::io::Write as _;
        let _ = writeln!(std::io::stdout().lock(), $($word)*);
    }};
}

mod campaign;
mod check;
mod compare;
mod confined;
mod demo;
mod explain;
mod export;
mod list;
mod live;
mod metrics;
mod replay;
mod run;
mod score;
mod st;
mod suite;
mod support;
mod view;
mod what_if;
mod wiring;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::support::failure::{EXIT_BUG, Failure};

/// A deterministic factory security test range that scores somebody else's defense.
#[derive(Debug, Parser)]
#[command(
    name = "twinrange",
    version,
    propagate_version = true,
    arg_required_else_help = true
)]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Run the default scenario with the built-in reference defense, score it, and say where the report is.
    Demo(demo::Args),
    /// Run a scenario once and write a run folder.
    Run(run::Args),
    /// Score the alerts of a run, with counterfactual runs, and write score/ into its folder.
    Score(score::Args),
    /// Run again from the record and compare digests.
    Replay(replay::Args),
    /// Run a plant at the pace of the wall clock, with real Modbus clients.
    Live(Box<live::Args>),
    /// Compute the metrics of the literature over any labelled series.
    Metrics(metrics::Args),
    /// Run a recorded run again with an action or an attack step more or less, and show the difference.
    WhatIf(what_if::Args),
    /// Run the cases of a suite and ask their gates, for a build server.
    Test(suite::Args),
    /// Run many cells (scenario, posture, defense, seed) and compare.
    Campaign(campaign::Args),
    /// Compare two scored runs of one scenario, in the terminal and in a page.
    Compare(compare::Args),
    /// Play a harmless stimulus and say per sensor whether a defense sees, understands and can alert.
    Wiring(wiring::Args),
    /// Check scenario, plant, playbook, program and defense files; every mistake with its place.
    Check(check::Args),
    /// Write a run in the form of other tools and labelled data sets, with labels and a part to learn from.
    Export(export::Args),
    /// List scenarios, techniques, formats, defenses or gates.
    List(list::Args),
    /// Show a run folder or a scenario in 3D, or make a film of it.
    #[command(disable_help_flag = true)]
    View(view::Args),
    /// Compile, run and look into Structured Text programs without a plant.
    St(st::Args),
    /// Explain a problem code.
    Explain(explain::Args),
    /// The built-in reference defense, as a program that speaks the defense protocol on its pipes.
    #[command(hide = true, disable_help_flag = true)]
    ReferenceDefense {
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<String>,
    },
    /// A built-in yardstick, as a program that speaks the defense protocol on its pipes.
    #[command(hide = true, disable_help_flag = true)]
    Yardstick {
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<String>,
    },
    /// Confines itself and becomes a defense.
    #[command(hide = true)]
    Confined(confined::Args),
}

fn main() -> ExitCode {
    let result = std::panic::catch_unwind(|| {
        let cli = Cli::parse();
        let outcome = match cli.verb {
            Verb::Demo(args) => demo::run(&args),
            Verb::Run(args) => run::run(&args),
            Verb::Score(args) => score::run(&args),
            Verb::Replay(args) => replay::run(&args),
            Verb::Live(args) => live::run(&args),
            Verb::Metrics(args) => metrics::run(&args),
            Verb::WhatIf(args) => what_if::run(&args),
            Verb::Test(args) => suite::run(&args),
            Verb::Campaign(args) => campaign::run(&args),
            Verb::Compare(args) => compare::run(&args),
            Verb::Wiring(args) => wiring::run(&args),
            Verb::Check(args) => check::run(&args),
            Verb::Export(args) => export::run(&args),
            Verb::List(args) => list::run(&args),
            Verb::View(args) => view::run(&args),
            Verb::St(args) => st::run(&args),
            Verb::Explain(args) => explain::run(&args),
            Verb::ReferenceDefense { args } => support::defense::serve_reference(&args),
            Verb::Yardstick { args } => support::defense::serve_yardstick(&args),
            Verb::Confined(args) => return confined::run(&args),
        };
        outcome.map_or_else(|failure| failure.report(), |()| ExitCode::SUCCESS)
    });
    match result {
        Ok(code) => code,
        Err(_) => {
            eprintln!(
                "This is a bug in twinrange, not in your files. Please report the message above with the \
                 command that you ran."
            );
            ExitCode::from(EXIT_BUG)
        }
    }
}

/// What every verb returns.
type Outcome = Result<(), Failure>;
