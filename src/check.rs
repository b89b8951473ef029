//! `twinrange check`: every mistake in scenario files, with its place.

use std::path::PathBuf;

use twinrange_range::problem::Problems;
use twinrange_range::scenario::check;

use crate::Outcome;
use crate::support::failure::{Failure, print_problems};
use crate::support::scenario::formats;

/// Arguments of `check`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Files, or folders that are searched for scenario, plant, playbook, defense and program files.
    #[arg(required = true)]
    paths: Vec<PathBuf>,
    /// Print the problems as a JSON array on standard output.
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args) -> Outcome {
    let mut problems = Problems::new();
    for path in &args.paths {
        problems.extend(check(path, &formats()));
    }
    let problems = problems.sorted();
    if args.json {
        let list: Vec<_> = problems.iter().collect();
        say!(
            "{}",
            serde_json::to_string_pretty(&list).expect("problems encode")
        );
        return if problems.has_errors() {
            Err(Failure::User(Problems::new()))
        } else {
            Ok(())
        };
    }
    if problems.has_errors() {
        return Err(Failure::User(problems));
    }
    if !problems.is_empty() {
        print_problems(&problems);
    }
    say!("no mistakes found");
    Ok(())
}
