//! `twinrange st`: Structured Text programs on the bench, without a plant around them.

use std::path::PathBuf;
use std::sync::Arc;

use serde_json::json;
use sim_st::{Image, Machine, Program};
use twinrange_range::formats::compile_files;
use twinrange_range::problem::{Problem, Problems};
use twinrange_range::scenario::read_text;

use crate::Outcome;

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
    Run(RunArgs),
    /// Print the instructions of a program with their costs and source lines.
    Disasm(Sources),
}

#[derive(Debug, clap::Args)]
struct Sources {
    /// Structured Text files; several make one program, as a library and its user do.
    #[arg(required = true)]
    files: Vec<PathBuf>,
}

#[derive(Debug, clap::Args)]
struct RunArgs {
    #[command(flatten)]
    sources: Sources,
    /// How many scans to run.
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=10_000_000))]
    scans: u64,
    /// Simulated time from one scan to the next, ms.
    #[arg(long, value_name = "MS", default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..=3_600_000))]
    period_ms: u64,
    /// The longest scan time before the watchdog trips, ms.
    #[arg(long, value_name = "MS", default_value_t = 100, value_parser = clap::value_parser!(u64).range(1..=3_600_000))]
    watchdog_ms: u64,
    /// Variables to print, such as level or timer1.ET; all of the program's own when left out.
    #[arg(long, value_name = "VAR,...", value_delimiter = ',')]
    trace: Vec<String>,
    /// Print one JSON object per scan.
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args) -> Outcome {
    match &args.verb {
        Verb::Check(sources) => {
            let program = compile(sources)?;
            let names: Vec<String> = program.pous().into_iter().map(|pou| pou.name).collect();
            say!("no mistakes found");
            say!("units     {}", names.join(", "));
            say!("variables {}", program.variables().len());
            say!("located   {}", program.located().len());
            say!("container {} bytes", program.to_bytes().len());
            Ok(())
        }
        Verb::Run(args) => scan(args),
        Verb::Disasm(sources) => {
            say!("{}", compile(sources)?.disassemble().trim_end());
            Ok(())
        }
    }
}

fn compile(sources: &Sources) -> Result<Program, Problems> {
    let mut problems = Problems::new();
    let mut texts = Vec::new();
    for file in &sources.files {
        match read_text(file, &file.display().to_string()) {
            Ok(text) => texts.push(text),
            Err(problem) => problems.push(problem),
        }
    }
    problems.into_result()?;
    compile_files(&texts)
}

/// The variables to print: those asked for, or all that are no parts of instances.
fn traced(program: &Program, machine: &Machine, asked: &[String]) -> Result<Vec<String>, Problem> {
    if asked.is_empty() {
        let own = |name: &&str| !name.contains(['.', '[']) && machine.read(name).is_some();
        let names = program.variables().iter().map(|v| v.name.as_str());
        return Ok(names.filter(own).map(str::to_owned).collect());
    }
    if let Some(unknown) = asked.iter().find(|name| machine.read(name).is_none()) {
        let known: Vec<&str> = program
            .variables()
            .iter()
            .map(|v| v.name.as_str())
            .take(12)
            .collect();
        return Err(Problem::new(
            "TR0112",
            format!("the program has no variable `{unknown}` that can be shown"),
        )
        .hint(format!(
            "some that it has: {}; elements are written as a[3]",
            known.join(", ")
        )));
    }
    Ok(asked.to_vec())
}

fn scan(args: &RunArgs) -> Outcome {
    let program = Arc::new(compile(&args.sources)?);
    let mut machine = Machine::new(Arc::clone(&program));
    let mut image = Image::new();
    let names = traced(&program, &machine, &args.trace)?;
    let widths: Vec<usize> = names.iter().map(|name| name.len().max(10)).collect();
    if !args.json {
        let mut heads = vec![format!("{:>7} {:>9} {:>8}", "scan", "time_ms", "used_us")];
        let columns = names.iter().zip(&widths);
        heads.extend(columns.map(|(name, width)| format!("{name:>width$}")));
        say!("{}", heads.join(" "));
    }
    let fuel = args.watchdog_ms * 1_000_000;
    for number in 1..=args.scans {
        let time_ms = (number - 1) * args.period_ms;
        let report = machine.scan(&mut image, time_ms * 1_000_000, fuel);
        if let Some(record) = machine.fault_record(&report) {
            let message = format!("scan {number} stopped: {}", record.message);
            return Err(Problem::new(record.code, message)
                .at_line(record.file, record.line, 1)
                .hint("a controller would go to STOP and write this into its fault log")
                .into());
        }
        let value = |name: &String| machine.read(name).map(|value| value.to_string());
        if args.json {
            let values: serde_json::Map<_, _> = names
                .iter()
                .map(|name| (name.clone(), json!(value(name))))
                .collect();
            say!(
                "{}",
                json!({"scan": number, "time_ms": time_ms, "used_ns": report.fuel_used, "values": values})
            );
        } else {
            let used_us = report.fuel_used as f64 / 1e3;
            let mut cells = vec![format!("{number:>7} {time_ms:>9} {used_us:>8.1}")];
            let columns = names.iter().zip(&widths);
            cells.extend(
                columns.map(|(name, width)| {
                    format!("{:>width$}", value(name).as_deref().unwrap_or("?"))
                }),
            );
            say!("{}", cells.join(" "));
        }
    }
    Ok(())
}
