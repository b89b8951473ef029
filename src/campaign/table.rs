//! The Parquet tables of a campaign, for DuckDB, polars and the like.
//!
//! Rows stand in the order of the plan, and nothing of the clock gets in: equal campaigns are equal files.
//! `docs/campaigns.md` describes every column.

use std::path::Path;
use std::sync::Arc;

use arrow_array::{ArrayRef, BooleanArray, Float64Array, RecordBatch, StringArray, UInt64Array};
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::file::properties::WriterProperties;
use sim_kernel::time::SimDuration;
use twinrange_range::problem::Problem;
use twinrange_score::attribution::{Account, Method, Summand};
use twinrange_score::gate::NAMES;
use twinrange_score::margin::Loss;

use super::key::{CellResult, Four, Step};
use super::plan::{Place, Plan};
use crate::support::files::{cannot_write, write_whole};

/// Tables that only an explained campaign has.
const EXPLAINED: [&str; 2] = ["causes.parquet", "losses.parquet"];

/// A cell, and what the row is about within it.
type Row<'a, T> = (Place, &'a CellResult, T);

/// Writes the tables into the folder of a campaign.
///
/// # Errors
///
/// `TR0307`.
pub(super) fn write(
    plan: &Plan,
    results: &[(Place, CellResult)],
    out: &Path,
) -> Result<(), Problem> {
    write_table(&out.join("cells.parquet"), cells(plan, results))?;
    write_table(&out.join("steps.parquet"), steps(plan, results))?;
    if plan.explain {
        write_table(&out.join("causes.parquet"), causes(plan, results))?;
        return write_table(&out.join("losses.parquet"), losses(plan, results));
    }
    // Those of an earlier plan in the folder must not pass for those of this.
    for path in EXPLAINED.map(|name| out.join(name)) {
        if path.exists() {
            std::fs::remove_file(&path).map_err(|error| cannot_write(&path, &error))?;
        }
    }
    Ok(())
}

fn write_table(path: &Path, columns: Vec<(String, ArrayRef)>) -> Result<(), Problem> {
    let batch = RecordBatch::try_from_iter_with_nullable(
        columns
            .into_iter()
            .map(|(name, column)| (name, column, true)),
    )
    .expect("the columns have one length and names of their own");
    let properties = WriterProperties::builder()
        .set_compression(Compression::SNAPPY)
        .set_created_by("twinrange".to_owned())
        .build();
    let failed = |error: parquet::errors::ParquetError| {
        cannot_write(path, &std::io::Error::other(error.to_string()))
    };
    let mut bytes = Vec::new();
    let mut writer =
        ArrowWriter::try_new(&mut bytes, batch.schema(), Some(properties)).map_err(failed)?;
    writer.write(&batch).map_err(failed)?;
    writer.close().map_err(failed)?;
    write_whole(path, &bytes)
}

struct Columns<'a, T> {
    rows: Vec<Row<'a, T>>,
    all: Vec<(String, ArrayRef)>,
}

impl<'a, T> Columns<'a, T> {
    /// A table with a row for each thing that cells hold, and the columns that say which cell it is.
    fn new<I: IntoIterator<Item = T>>(
        plan: &Plan,
        results: &'a [(Place, CellResult)],
        of: impl Fn(&'a CellResult) -> I,
    ) -> Self {
        let rows = results.iter().flat_map(|(place, result)| {
            let things = of(result).into_iter();
            things.map(move |thing| (*place, result, thing))
        });
        let mut columns = Self {
            rows: rows.collect(),
            all: Vec::new(),
        };
        columns.text("cell", |(_, r, _)| Some(r.id.clone()));
        columns.text("scenario", |(_, r, _)| Some(r.key.scenario.clone()));
        columns.text("posture", |(_, r, _)| Some(r.key.posture.clone()));
        columns.text("sweep", |(_, r, _)| {
            Some(serde_json::to_string(&r.key.sweep).expect("texts encode"))
        });
        columns.text("seed_set", |(place, _, _)| {
            Some(plan.strata[place.stratum].seed_set.word())
        });
        columns.count("seed", |(_, r, _)| Some(r.key.seed));
        columns.text("defense", |(_, r, _)| Some(r.key.defense.clone()));
        columns
    }

    fn put(&mut self, name: &str, column: ArrayRef) {
        self.all.push((name.to_owned(), column));
    }

    fn text<S: AsRef<str>>(&mut self, name: &str, of: impl Fn(&Row<'a, T>) -> Option<S>) {
        let column: StringArray = self.rows.iter().map(of).collect();
        self.put(name, Arc::new(column));
    }

    fn count(&mut self, name: &str, of: impl Fn(&Row<'a, T>) -> Option<u64>) {
        let column: UInt64Array = self.rows.iter().map(of).collect();
        self.put(name, Arc::new(column));
    }

    fn number(&mut self, name: &str, of: impl Fn(&Row<'a, T>) -> Option<f64>) {
        let column: Float64Array = self.rows.iter().map(of).collect();
        self.put(name, Arc::new(column));
    }

    fn truth(&mut self, name: &str, of: impl Fn(&Row<'a, T>) -> bool) {
        let column: BooleanArray = self.rows.iter().map(|row| Some(of(row))).collect();
        self.put(name, Arc::new(column));
    }
}

fn cells(plan: &Plan, results: &[(Place, CellResult)]) -> Vec<(String, ArrayRef)> {
    let mut columns = Columns::new(plan, results, |_| [()]);
    columns.truth("attack", |(_, r, ())| r.key.attack);
    columns.text("settings", |(_, r, ())| {
        Some(serde_json::to_string(&r.key.settings).expect("texts encode"))
    });
    columns.count("variation", |(_, r, ())| Some(r.key.variation));
    columns.text("drawn", |(_, r, ())| Some(r.drawn.join("; ")));
    columns.text("range_version", |(_, r, ())| {
        Some(r.key.range_version.clone())
    });
    columns.text("scenario_digest", |(_, r, ())| {
        Some(r.key.scenario_digest.clone())
    });
    columns.text("defense_digest", |(_, r, ())| r.key.defense_digest.clone());
    columns.text("run_scenario_digest", |(_, r, ())| {
        Some(r.run_scenario_digest.clone())
    });
    columns.text("run_digest", |(_, r, ())| r.run_digest.clone());
    columns.text("failure", |(_, r, ())| r.failure.clone());
    for name in NAMES {
        columns.number(name.name, |(_, r, ())| r.figure(name.name));
    }
    type Pick = fn(&CellResult) -> &Four;
    let quantities: [(&str, Pick); 4] = [
        ("good_parts", |r| &r.good_parts),
        ("oee", |r| &r.oee),
        ("money", |r| &r.money),
        ("unsafe_s", |r| &r.unsafe_s),
    ];
    for (name, of) in quantities {
        columns.number(&format!("{name}_n"), |(_, r, ())| of(r).n);
        columns.number(&format!("{name}_a"), |(_, r, ())| of(r).a);
        columns.number(&format!("{name}_d"), |(_, r, ())| of(r).d);
        columns.number(&format!("{name}_ad"), |(_, r, ())| of(r).ad);
    }
    // A cell without figures has no counts either.
    let made = |r: &CellResult, count: u64| r.failure.is_none().then_some(count);
    columns.count("alerts", |(_, r, ())| made(r, r.alerts));
    columns.count("alarms", |(_, r, ())| made(r, r.alarms));
    columns.number("attack_free_s", |(_, r, ())| {
        r.failure.is_none().then_some(r.attack_free_s)
    });
    columns.all
}

fn steps(plan: &Plan, results: &[(Place, CellResult)]) -> Vec<(String, ArrayRef)> {
    let mut columns: Columns<'_, &Step> = Columns::new(plan, results, |r| &r.steps);
    columns.text("step", |(_, _, step)| Some(step.id.clone()));
    columns.text("techniques", |(_, _, step)| Some(step.techniques.join(" ")));
    columns.text("grade", |(_, _, step)| Some(step.grade.clone()));
    columns.truth("detected", |(_, _, step)| step.detected);
    columns.number("time_to_detect_s", |(_, _, step)| step.time_to_detect_s);
    columns.number("lead_time_s", |(_, _, step)| step.lead_time_s);
    columns.count("alerts", |(_, _, step)| Some(step.alerts));
    columns.all
}

/// A summand of an account, with its side and how it was found.
type Part<'a> = (&'static str, &'static str, Summand<'a>);

fn parts<'a>(side: &'static str, account: Option<&'a Account>) -> impl Iterator<Item = Part<'a>> {
    account.into_iter().flat_map(move |account| {
        let method = match account.method {
            Method::Shapley => "shapley",
            Method::LeaveOneOut => "leave_one_out",
        };
        account
            .summands()
            .map(move |summand| (side, method, summand))
    })
}

fn causes(plan: &Plan, results: &[(Place, CellResult)]) -> Vec<(String, ArrayRef)> {
    let mut columns = Columns::new(plan, results, |r| {
        let found = r.attribution.as_ref();
        let attack = parts("attack", found.and_then(|a| a.attack.as_ref()));
        let defense = parts("defense", found.and_then(|a| a.defense.as_ref()));
        attack.chain(defense)
    });
    columns.text("side", |(_, _, (side, _, _))| Some(*side));
    columns.text("method", |(_, _, (_, method, _))| Some(*method));
    columns.text("cause", |(_, _, (_, _, one))| Some(one.id));
    columns.text("label", |(_, _, (_, _, one))| Some(one.label));
    columns.number("t_s", |(_, _, (_, _, one))| one.t_ns.map(seconds));
    columns.number("good_parts", |(_, _, (_, _, one))| {
        Some(one.part.good_parts)
    });
    columns.number("oee", |(_, _, (_, _, one))| one.part.oee);
    columns.number("money", |(_, _, (_, _, one))| one.part.money);
    columns.number("safe_s", |(_, _, (_, _, one))| Some(one.part.safe_s));
    columns.all
}

fn losses(plan: &Plan, results: &[(Place, CellResult)]) -> Vec<(String, ArrayRef)> {
    let mut columns: Columns<'_, (&Loss, u64)> = Columns::new(plan, results, |r| {
        let margin = r.margin.iter();
        margin.flat_map(|margin| margin.losses.iter().map(|loss| (loss, margin.attack_ns)))
    });
    columns.text("loss", |(_, _, (loss, _))| Some(loss.id.as_str()));
    columns.text("label", |(_, _, (loss, _))| Some(loss.label.as_str()));
    columns.text("steps", |(_, _, (loss, _))| Some(loss.steps.join(" ")));
    columns.number("attack_s", |(_, _, (_, began))| Some(seconds(*began)));
    columns.number("impact_s", |(_, _, (loss, _))| {
        Some(seconds(loss.impact_ns))
    });
    columns.number("point_of_no_return_s", |(_, _, (loss, _))| {
        loss.point_of_no_return_ns.map(seconds)
    });
    columns.number("alert_margin_s", |(_, _, (loss, _))| loss.alert_margin_s);
    columns.number("action_margin_s", |(_, _, (loss, _))| loss.action_margin_s);
    columns.all
}

fn seconds(ns: u64) -> f64 {
    SimDuration::from_nanos(ns).as_secs_f64()
}
