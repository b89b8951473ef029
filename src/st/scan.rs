//! `twinrange st run`: a program on the bench, scan by scan.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::json;
use sim_st::{Image, Machine, Program, Value};
use twinrange_range::evidence::trace::TraceTable;
use twinrange_range::formats::compile_files;
use twinrange_range::problem::Problem;

use super::inputs::Inputs;
use super::{Sources, read, warn};
use crate::Outcome;
use crate::support::files::cannot_write;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
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
    /// Inputs over time: a CSV file with the columns time_ms and any variables or addresses.
    #[arg(long, value_name = "FILE.csv")]
    inputs: Option<PathBuf>,
    /// Also write what is traced to a Parquet file.
    #[arg(long, value_name = "FILE.parquet")]
    out: Option<PathBuf>,
    /// Print one JSON object per scan.
    #[arg(long)]
    json: bool,
}

/// The variables to print: those asked for, or all that are no parts of instances.
fn traced(program: &Program, machine: &Machine, asked: &[String]) -> Result<Vec<String>, Problem> {
    if asked.is_empty() {
        // What the compiler has named itself begins with a dollar sign.
        let own = |name: &&str| !name.contains(['.', '[', '$']) && machine.read(name).is_some();
        let names = program.variables().iter().map(|v| v.name.as_str());
        return Ok(names.filter(own).map(str::to_owned).collect());
    }
    if let Some(unknown) = asked.iter().find(|name| machine.read(name).is_none()) {
        let known: Vec<&str> = program
            .variables()
            .iter()
            .map(|v| v.name.as_str())
            .filter(|name| !name.contains('$'))
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

pub(crate) fn run(args: &Args) -> Outcome {
    let sources = read(&args.sources)?;
    let compiled = compile_files(&sources)?;
    warn(&compiled.warnings);
    let program = Arc::new(compiled.program.clone());
    let mut machine = Machine::new(Arc::clone(&program));
    let mut inputs = match &args.inputs {
        Some(path) => Inputs::read(path, &machine)?,
        None => Inputs::default(),
    };
    let mut image = Image::new();
    let names = traced(&program, &machine, &args.trace)?;
    let mut trace = match &args.out {
        Some(path) => Some(Trace::create(path, &names, &machine)?),
        None => None,
    };
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
        let now_ns = time_ms * 1_000_000;
        inputs.apply(now_ns, &mut machine, &mut image);
        let report = machine.scan(&mut image, now_ns, fuel);
        if let Some(record) = machine.fault_record(&report) {
            // What was traced up to here is whole all the same.
            trace.map_or(Ok(()), Trace::finish)?;
            let message = format!("scan {number} stopped: {}", record.message);
            let (file, line, column) = compiled.place_of_line(&record.file, record.line);
            return Err(Problem::new(record.code, message)
                .at_line(file, line, column)
                .hint("a controller would go to STOP and write this into its fault log")
                .into());
        }
        let values = values_of(&names, &machine);
        let texts: Vec<String> = values.iter().map(ToString::to_string).collect();
        if let Some(trace) = &mut trace {
            trace.row(number, now_ns, report.fuel_used, values)?;
        }
        if args.json {
            let values: serde_json::Map<_, _> = names
                .iter()
                .zip(texts)
                .map(|(name, text)| (name.clone(), json!(text)))
                .collect();
            say!(
                "{}",
                json!({"scan": number, "time_ms": time_ms, "used_ns": report.fuel_used, "values": values})
            );
        } else {
            let used_us = report.fuel_used as f64 / 1e3;
            let mut cells = vec![format!("{number:>7} {time_ms:>9} {used_us:>8.1}")];
            let columns = texts.iter().zip(&widths);
            cells.extend(columns.map(|(text, width)| format!("{text:>width$}")));
            say!("{}", cells.join(" "));
        }
    }
    trace.map_or(Ok(()), Trace::finish)
}

/// The values of variables that [`traced`] has found.
fn values_of(names: &[String], machine: &Machine) -> Vec<Value> {
    let value = |name: &String| machine.read(name).expect("traced variables can be read");
    names.iter().map(value).collect()
}

/// The table of what was traced, while it is written.
struct Trace<'a> {
    path: &'a Path,
    table: TraceTable<BufWriter<File>>,
}

impl<'a> Trace<'a> {
    fn create(path: &'a Path, names: &[String], machine: &Machine) -> Result<Self, Problem> {
        let values = values_of(names, machine);
        let types = values.iter().map(Value::elementary);
        let variables = names.iter().map(String::as_str).zip(types);
        let file = File::create(path).map_err(|error| cannot_write(path, &error))?;
        let table = TraceTable::new(BufWriter::new(file), variables)
            .map_err(|error| cannot_write(path, &error))?;
        Ok(Self { path, table })
    }

    fn row(
        &mut self,
        scan: u64,
        t_ns: u64,
        used_ns: u64,
        values: Vec<Value>,
    ) -> Result<(), Problem> {
        self.table
            .push(scan, t_ns, used_ns, values)
            .map_err(|error| cannot_write(self.path, &error))
    }

    fn finish(self) -> Outcome {
        let done = self.table.finish().and_then(|mut out| out.flush());
        done.map_err(|error| cannot_write(self.path, &error).into())
    }
}
