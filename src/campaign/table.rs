//! `cells.parquet` and `steps.parquet`: a campaign as tables for DuckDB, polars and the like.
//!
//! Rows stand in the order of the plan, and nothing of the clock gets in: equal campaigns are equal files.
//! `docs/campaigns.md` describes every column.

use std::path::Path;
use std::sync::Arc;

use arrow_array::{ArrayRef, BooleanArray, Float64Array, RecordBatch, StringArray, UInt64Array};
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::file::properties::WriterProperties;
use twinrange_range::problem::Problem;
use twinrange_score::gate::NAMES;

use super::key::{CellResult, Four};
use super::plan::{Place, Plan};
use crate::support::files::{cannot_write, write_whole};

type Row<'a> = (Place, &'a CellResult);

/// Writes both tables into the folder of a campaign.
///
/// # Errors
///
/// `TR0307`.
pub(super) fn write(
    plan: &Plan,
    results: &[(Place, CellResult)],
    out: &Path,
) -> Result<(), Problem> {
    let rows: Vec<Row<'_>> = results.iter().map(|(place, r)| (*place, r)).collect();
    write_table(&out.join("cells.parquet"), cells(plan, &rows))?;
    write_table(&out.join("steps.parquet"), steps(plan, &rows))
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

struct Columns<'a> {
    plan: &'a Plan,
    rows: &'a [Row<'a>],
    all: Vec<(String, ArrayRef)>,
}

impl Columns<'_> {
    fn put(&mut self, name: impl Into<String>, column: ArrayRef) {
        self.all.push((name.into(), column));
    }

    fn text<T: AsRef<str>>(&mut self, name: &str, of: impl Fn(&Row<'_>) -> Option<T>) {
        let column: StringArray = self.rows.iter().map(of).collect();
        self.put(name, Arc::new(column));
    }

    fn count(&mut self, name: &str, of: impl Fn(&Row<'_>) -> Option<u64>) {
        let column: UInt64Array = self.rows.iter().map(of).collect();
        self.put(name, Arc::new(column));
    }

    fn number(&mut self, name: &str, of: impl Fn(&Row<'_>) -> Option<f64>) {
        let column: Float64Array = self.rows.iter().map(of).collect();
        self.put(name, Arc::new(column));
    }

    /// The columns that say which cell it is.
    fn key(&mut self) {
        let plan = self.plan;
        self.text("cell", |(_, r)| Some(r.id.clone()));
        self.text("scenario", |(_, r)| Some(r.key.scenario.clone()));
        self.text("posture", |(_, r)| Some(r.key.posture.clone()));
        self.text("sweep", |(_, r)| {
            Some(serde_json::to_string(&r.key.sweep).expect("texts encode"))
        });
        self.text("seed_set", |(place, _)| {
            Some(plan.strata[place.stratum].seed_set.word())
        });
        self.count("seed", |(_, r)| Some(r.key.seed));
        self.text("defense", |(_, r)| Some(r.key.defense.clone()));
    }
}

fn cells(plan: &Plan, rows: &[Row<'_>]) -> Vec<(String, ArrayRef)> {
    let mut columns = Columns {
        plan,
        rows,
        all: Vec::new(),
    };
    columns.key();
    let attack: BooleanArray = rows.iter().map(|(_, r)| Some(r.key.attack)).collect();
    columns.put("attack", Arc::new(attack));
    columns.text("settings", |(_, r)| {
        Some(serde_json::to_string(&r.key.settings).expect("texts encode"))
    });
    columns.count("variation", |(_, r)| Some(r.key.variation));
    columns.text("drawn", |(_, r)| Some(r.drawn.join("; ")));
    columns.text("range_version", |(_, r)| Some(r.key.range_version.clone()));
    columns.text("scenario_digest", |(_, r)| {
        Some(r.key.scenario_digest.clone())
    });
    columns.text("defense_digest", |(_, r)| r.key.defense_digest.clone());
    columns.text("run_scenario_digest", |(_, r)| {
        Some(r.run_scenario_digest.clone())
    });
    columns.text("run_digest", |(_, r)| r.run_digest.clone());
    columns.text("failure", |(_, r)| r.failure.clone());
    for name in NAMES {
        columns.number(name.name, |(_, r)| r.figure(name.name));
    }
    type Pick = fn(&CellResult) -> &Four;
    let quantities: [(&str, Pick); 4] = [
        ("good_parts", |r| &r.good_parts),
        ("oee", |r| &r.oee),
        ("money", |r| &r.money),
        ("unsafe_s", |r| &r.unsafe_s),
    ];
    for (name, of) in quantities {
        columns.number(&format!("{name}_n"), |(_, r)| of(r).n);
        columns.number(&format!("{name}_a"), |(_, r)| of(r).a);
        columns.number(&format!("{name}_d"), |(_, r)| of(r).d);
        columns.number(&format!("{name}_ad"), |(_, r)| of(r).ad);
    }
    // A cell without figures has no counts either.
    let made = |r: &CellResult, count: u64| r.failure.is_none().then_some(count);
    columns.count("alerts", |(_, r)| made(r, r.alerts));
    columns.count("alarms", |(_, r)| made(r, r.alarms));
    columns.number("attack_free_s", |(_, r)| {
        r.failure.is_none().then_some(r.attack_free_s)
    });
    columns.all
}

fn steps(plan: &Plan, rows: &[Row<'_>]) -> Vec<(String, ArrayRef)> {
    let each: Vec<(Row<'_>, &super::key::Step)> = rows
        .iter()
        .flat_map(|row| row.1.steps.iter().map(|step| (*row, step)))
        .collect();
    let repeated: Vec<Row<'_>> = each.iter().map(|(row, _)| *row).collect();
    let mut columns = Columns {
        plan,
        rows: &repeated,
        all: Vec::new(),
    };
    columns.key();
    let mut all = columns.all;
    let text = |of: &dyn Fn(&super::key::Step) -> String| -> ArrayRef {
        let column: StringArray = each.iter().map(|(_, step)| Some(of(step))).collect();
        Arc::new(column)
    };
    all.push(("step".to_owned(), text(&|step| step.id.clone())));
    all.push((
        "techniques".to_owned(),
        text(&|step| step.techniques.join(" ")),
    ));
    all.push(("grade".to_owned(), text(&|step| step.grade.clone())));
    let detected: BooleanArray = each.iter().map(|(_, step)| Some(step.detected)).collect();
    all.push(("detected".to_owned(), Arc::new(detected)));
    let number = |of: &dyn Fn(&super::key::Step) -> Option<f64>| -> ArrayRef {
        let column: Float64Array = each.iter().map(|(_, step)| of(step)).collect();
        Arc::new(column)
    };
    all.push((
        "time_to_detect_s".to_owned(),
        number(&|s| s.time_to_detect_s),
    ));
    all.push(("lead_time_s".to_owned(), number(&|s| s.lead_time_s)));
    let alerts: UInt64Array = each.iter().map(|(_, step)| Some(step.alerts)).collect();
    all.push(("alerts".to_owned(), Arc::new(alerts)));
    all
}
