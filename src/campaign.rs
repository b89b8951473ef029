//! `twinrange campaign`: many runs, compared.

mod board;
mod cell;
mod explained;
mod key;
mod plan;
mod store;
mod summary;
mod table;
mod work;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Instant;

use serde_json::{Value, json};
use twinrange_range::problem::{Problem, Problems, SourceText};

use self::board::Board;
use self::cell::{Group, compute};
use self::key::CellResult;
pub(crate) use self::plan::{NOBODY, Scalar, change};
use self::plan::{Place, Plan};
use self::store::Store;
use crate::Outcome;
use crate::support::files::write_whole;
use crate::support::progress;

/// Arguments of `campaign`.
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(crate) struct Args {
    #[command(subcommand)]
    part: Option<Part>,
    /// A plan.
    #[arg(required = true)]
    plan: Option<PathBuf>,
    /// Folder of the campaign; runs/campaign-NAME of the plan when left out. Finished cells in it are kept.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Cells at one time; as many as there are cores when left out.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    jobs: Option<u16>,
    /// Print what came out as JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Subcommand)]
enum Part {
    /// List the cells of a plan with their keys.
    Plan {
        /// A plan.
        plan: PathBuf,
        /// Print them as a JSON array.
        #[arg(long)]
        json: bool,
    },
    /// Compute one cell, here or anywhere, and write its result.
    Cell {
        /// The id of the cell, as `campaign plan` lists it.
        key: String,
        /// The plan.
        #[arg(long, value_name = "FILE")]
        plan: PathBuf,
        /// File for the result; standard output when left out.
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// Join results that were computed elsewhere, and report on them.
    Merge {
        /// Results, or folders of them.
        #[arg(required = true)]
        results: Vec<PathBuf>,
        /// The plan that they belong to.
        #[arg(long, value_name = "FILE")]
        plan: PathBuf,
        /// Folder of the campaign.
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
        /// Print what came out as JSON.
        #[arg(long)]
        json: bool,
    },
}

pub(crate) fn run(args: &Args) -> Outcome {
    match &args.part {
        Some(Part::Plan { plan, json }) => list(&plan::read_file(plan)?, *json),
        Some(Part::Cell { key, plan, out }) => one(&plan::read_file(plan)?, key, out.as_deref()),
        Some(Part::Merge {
            results,
            plan,
            out,
            json,
        }) => merge(results, &plan::read_file(plan)?, out, *json),
        None => all(args),
    }
}

/// Checks a plan as `check` does.
pub(crate) fn check(source: &SourceText) -> Problems {
    plan::read(source).err().unwrap_or_default()
}

fn all(args: &Args) -> Outcome {
    let plan = args.plan.as_deref().expect("asked for by the arguments");
    let plan = plan::read_file(plan)?;
    let out = args
        .out
        .clone()
        .unwrap_or_else(|| Path::new("runs").join(format!("campaign-{}", plan.name)));
    let store = Store::open(&out)?;
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let jobs = args.jobs.map_or(cores, usize::from);
    let interrupt = progress::interrupt_flag();
    let done = work::run(&plan, &store, jobs, &interrupt)?;
    let speed = Speed {
        computed: done.computed,
        wall_s: done.wall_s,
    };
    report(&plan, &store, &done.results, 0, Some(speed), args.json)
}

fn list(plan: &Plan, as_json: bool) -> Outcome {
    let rows = plan.places().map(|place| {
        let key = plan.key(place);
        let set = plan.strata[place.stratum].seed_set.word();
        (key.id(), set, key)
    });
    if as_json {
        let rows: Vec<Value> = rows
            .map(|(id, set, key)| json!({ "id": id, "seed_set": set, "key": key }))
            .collect();
        say!(
            "{}",
            serde_json::to_string_pretty(&rows).expect("keys encode")
        );
        return Ok(());
    }
    for (id, set, key) in rows {
        let mut words = vec![
            key.scenario.clone(),
            key.posture.clone(),
            format!("seed {}", key.seed),
            key.defense.clone(),
        ];
        words.extend(
            key.sweep
                .iter()
                .map(|(path, value)| format!("{path}={value}")),
        );
        if set != "open" {
            words.push("held out".to_owned());
        }
        say!("{id}  {}", words.join(", "));
    }
    Ok(())
}

fn one(plan: &Plan, id: &str, out: Option<&Path>) -> Outcome {
    let place = plan.places().find(|place| plan.key(*place).id() == id);
    let Some(place) = place else {
        let hint = "`campaign plan` lists the cells of a plan";
        let message = format!("the plan has no cell `{id}`");
        return Err(Problem::new("TR0505", message).hint(hint).into());
    };
    let started = Instant::now();
    let interrupt = progress::interrupt_flag();
    let scratch = tempfile::tempdir().map_err(|error| {
        Problem::new("TR0307", format!("no folder for temporary files: {error}"))
    })?;
    let group = Group::make(plan, place.stratum, place.seed, &interrupt)?;
    let result = compute(plan, place, &group, scratch.path(), &interrupt)?;
    match out {
        Some(out) => write_whole(out, result.to_json().as_bytes())?,
        None => say!("{}", result.to_json().trim_end()),
    }
    eprintln!("cell {id} in {:.1} s", started.elapsed().as_secs_f64());
    Ok(())
}

fn merge(inputs: &[PathBuf], plan: &Plan, out: &Path, as_json: bool) -> Outcome {
    let store = Store::open(out)?;
    let places: BTreeMap<String, Place> = plan
        .places()
        .map(|place| (plan.key(place).id(), place))
        .collect();
    let mut others = 0_usize;
    for path in result_files(inputs)? {
        let shown = path.display().to_string();
        let text = std::fs::read_to_string(&path).map_err(|error| {
            Problem::new("TR0108", format!("`{shown}` cannot be read: {error}"))
        })?;
        let Some(result) = CellResult::of_json(&text) else {
            let message = "this is not the whole result of a cell";
            return Err(Problem::new("TR0506", message).in_file(shown).into());
        };
        if !places.contains_key(&result.id) {
            others += 1;
            continue;
        }
        match store.finished(&result.id) {
            Some(known) if known.to_json() != result.to_json() => {
                let message = format!("another result of cell `{}` is known", result.id);
                return Err(Problem::new("TR0504", message).in_file(shown).into());
            }
            Some(_) => {}
            None => {
                store.keep(&result, 0.0)?;
            }
        }
    }
    if others > 0 {
        eprintln!("{others} results belong to no cell of the plan and were left out");
    }
    let finished: BTreeMap<Place, CellResult> = places
        .iter()
        .filter_map(|(id, place)| store.finished(id).map(|result| (*place, result)))
        .collect();
    // The board knows which cells a stopping rule asks for.
    let board = Board::new(plan, finished);
    let (known, done) = board.counts();
    let results = board.into_results();
    report(plan, &store, &results, known - done, None, as_json)
}

/// The files that are named, and those in folders that are named.
fn result_files(inputs: &[PathBuf]) -> Result<Vec<PathBuf>, Problem> {
    let mut files = Vec::new();
    for input in inputs {
        if !input.is_dir() {
            files.push(input.clone());
            continue;
        }
        let cells = input.join("cells");
        let folder = if cells.is_dir() { &cells } else { input };
        let entries = std::fs::read_dir(folder).map_err(|error| {
            let message = format!("`{}` cannot be read: {error}", folder.display());
            Problem::new("TR0108", message)
        })?;
        let mut found: Vec<PathBuf> = entries
            .flatten()
            .map(|entry| entry.path())
            .filter(|path| path.extension().is_some_and(|ending| ending == "json"))
            .filter(|path| {
                !path
                    .file_name()
                    .is_some_and(|name| name.to_string_lossy().starts_with('.'))
            })
            .collect();
        found.sort();
        files.extend(found);
    }
    Ok(files)
}

/// How fast this call was.
struct Speed {
    computed: usize,
    wall_s: f64,
}

/// Writes tables and pages, and says what came out.
fn report(
    plan: &Plan,
    store: &Store,
    results: &[(Place, CellResult)],
    missing: usize,
    speed: Option<Speed>,
    as_json: bool,
) -> Outcome {
    let wanted: BTreeSet<String> = plan.places().map(|place| plan.key(place).id()).collect();
    let others = store.others(&wanted);
    let out = store.path();
    write_whole(&out.join("plan.txt"), plan.text.as_bytes())?;
    table::write(plan, results, out)?;
    let summary = summary::of(plan, results);
    for (name, text) in [
        ("summary.json", summary.to_json()),
        ("campaign.html", summary.to_html()),
        ("navigator.json", summary.to_navigator()),
    ] {
        write_whole(&out.join(name), text.as_bytes())?;
    }
    let failures = results.iter().filter(|(_, r)| r.failure.is_some()).count();
    let peak_mib = peak_memory_mib();
    let per_hour = speed.filter(|speed| speed.computed > 0).map(|speed| {
        (
            speed.computed,
            speed.computed as f64 * 3600.0 / speed.wall_s,
        )
    });
    if as_json {
        let facts = json!({
            "folder": out,
            "cells": results.len(),
            "missing": missing,
            "others": others,
            "failures": failures,
            "computed": per_hour.map_or(0, |(computed, _)| computed),
            "cells_per_hour": per_hour.map(|(_, rate)| rate),
            "peak_memory_mib": peak_mib,
            "summary": serde_json::from_str::<Value>(&summary.to_json()).expect("a summary is JSON"),
        });
        say!(
            "{}",
            serde_json::to_string_pretty(&facts).expect("facts encode")
        );
        return Ok(());
    }
    say!("campaign  {}", plan.title);
    say!(
        "cells     {} with a result, {missing} missing, {failures} in which the defense failed",
        results.len()
    );
    if others > 0 {
        say!("          {others} results in the folder belong to other plans");
    }
    for line in summary.lines() {
        say!("{line}");
    }
    if let Some((computed, rate)) = per_hour {
        say!("speed     {computed} cells computed, {rate:.0} per hour");
    }
    if let Some(peak) = peak_mib {
        say!("memory    {peak:.0} MiB at most");
    }
    say!("report    {}", out.join("campaign.html").display());
    Ok(())
}

/// The most memory that this process has had, MiB, where the system tells it.
fn peak_memory_mib() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: f64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib / 1024.0)
}
