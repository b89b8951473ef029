//! `twinrange st`: programs on the bench, without a plant around them.

mod fmt;
mod import;
mod inputs;
mod scan;

use std::path::PathBuf;

use twinrange_range::formats::check_files;
use twinrange_range::problem::{Problems, SourceText};
use twinrange_range::scenario::read_text;

use crate::Outcome;
use crate::support::failure::print_problems;

/// Arguments of `st`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// Compile programs and say what they consist of, or every mistake with its place.
    Check(Sources),
    /// Run a program scan by scan and print variables after each.
    Run(scan::Args),
    /// Print the instructions of a program with their costs and source lines.
    Disasm(Sources),
    /// Set indentation, blanks and the case of reserved words; the files are written anew.
    Fmt(fmt::Args),
    /// Translate a PLCopen project into text, as it is compiled.
    Import(import::Args),
}

#[derive(Debug, clap::Args)]
struct Sources {
    /// Structured Text files or PLCopen projects (.xml); several make one program, as a library and its user do.
    #[arg(required = true)]
    files: Vec<PathBuf>,
}

pub(crate) fn run(args: &Args) -> Outcome {
    match &args.verb {
        Verb::Check(sources) => {
            let texts = read(sources)?;
            let compiled = check_files(&texts)?;
            warn(&compiled.warnings);
            let program = compiled.program;
            let names: Vec<String> = program.pous().into_iter().map(|pou| pou.name).collect();
            say!("no mistakes found");
            if program.name().is_empty() {
                say!("a library: no PROGRAM, so that `st run` needs a file that has one");
            }
            say!("units     {}", names.join(", "));
            say!("variables {}", program.variables().len());
            say!("located   {}", program.located().len());
            say!("container {} bytes", program.to_bytes().len());
            Ok(())
        }
        Verb::Run(args) => scan::run(args),
        Verb::Disasm(sources) => {
            let program = check_files(&read(sources)?)?.program;
            say!("{}", program.disassemble().trim_end());
            Ok(())
        }
        Verb::Fmt(args) => fmt::run(args),
        Verb::Import(args) => import::run(args),
    }
}

/// Names on standard error what is left out or doubtful.
fn warn(warnings: &Problems) {
    if !warnings.is_empty() {
        print_problems(warnings);
    }
}

/// The files, or everything that keeps them from being read.
fn read(sources: &Sources) -> Result<Vec<SourceText>, Problems> {
    let mut problems = Problems::new();
    let mut texts = Vec::new();
    for file in &sources.files {
        match read_text(file, &file.display().to_string()) {
            Ok(text) => texts.push(text),
            Err(problem) => problems.push(problem),
        }
    }
    problems.into_result()?;
    Ok(texts)
}
