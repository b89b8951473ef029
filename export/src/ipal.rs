//! IPAL: states, messages and attacks, for the detectors and metrics of fkie-cad.
//!
//! `attacks.json` must be sorted and without overlaps, or `ipal-evaluate` complains and some of its figures are wrong;
//! ends are inclusive. So overlapping steps are one attack there, and `attacks-steps.json` has them one by one.
//!
//! # Source
//!
//! fkie-cad/ipal_evaluate `evaluate/evaluate.py`, ipal_ids_framework `ipal_iids/iids.py`, ipal_datasets.

use std::io::{self, Write};

use serde::Serialize;
use serde::ser::SerializeMap;
use serde_json::{Value, json};

use crate::frames::{attack_of, walk};
use crate::labels::{Segment, Span};
use crate::log::{RunLog, Scope, unix_ns};
use crate::modbus::{Malicious, Transcriber};
use crate::out::Stop;
use crate::table::Table;
use crate::tabular::{Sheet, Sheets};
use crate::work::{Piece, Work};

#[derive(Serialize)]
struct Row<'a> {
    timestamp: Stamp,
    state: State<'a>,
    malicious: Malicious<'a>,
}

/// Seconds since 1970: whole ones without a point, as in IPAL's own data sets.
#[derive(Serialize)]
#[serde(untagged)]
enum Stamp {
    Whole(u64),
    Part(f64),
}

fn stamp(unix_ns: u64) -> Stamp {
    if unix_ns.is_multiple_of(1_000_000_000) {
        Stamp::Whole(unix_ns / 1_000_000_000)
    } else {
        Stamp::Part((unix_ns / 1_000) as f64 / 1e6)
    }
}

struct State<'a> {
    sheet: &'a Sheet<'a>,
    row: u64,
}

impl Serialize for State<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let columns = &self.sheet.table.columns;
        let mut map = serializer.serialize_map(Some(columns.len()))?;
        for (at, column) in columns.iter().enumerate() {
            map.serialize_entry(&column.name, &self.sheet.table.value(at, self.row))?;
        }
        map.end()
    }
}

/// Writes the export.
pub(crate) fn write(work: &Work<'_>, sheets: &Sheets<'_>) -> Result<(), Stop> {
    for &scope in &work.order.scopes {
        let folder = scope.name();
        let labelled = sheets.test.labelled(scope);
        if let Some(train) = &sheets.train {
            work.out.file(&format!("{folder}/train.state.gz"), |out| {
                states(out, train, |_| None)
            })?;
        }
        work.out.file(&format!("{folder}/test.state.gz"), |out| {
            states(out, &sheets.test, |row| labelled.name(row))
        })?;
        let log = &work.order.run.log;
        let axis = sheets.test.table.axis;
        let of = |segment: &Segment| attack(log, scope, sheets.test.table, segment);
        let merged: Vec<Value> = labelled.segments.iter().map(of).collect();
        work.out.json(
            &format!("{folder}/attacks.json"),
            &merged,
            merged.len() as u64,
        )?;
        let single: Vec<Value> = log
            .spans(scope)
            .into_iter()
            .flat_map(|span: Span| axis.segments(&[span]))
            .map(|segment| of(&segment))
            .collect();
        work.out.json(
            &format!("{folder}/attacks-steps.json"),
            &single,
            single.len() as u64,
        )?;
    }
    // Whether a message is an attack is known for each frame; what the process does says nothing of messages.
    if work.order.scopes.contains(&Scope::Command) {
        if let Some(train) = &work.split.train {
            messages(work, train, "train")?;
        }
        messages(work, &work.split.test, "test")?;
    }
    Ok(())
}

fn states<'a>(
    out: &mut dyn Write,
    sheet: &'a Sheet<'a>,
    name: impl Fn(u64) -> Option<&'a str>,
) -> Result<u64, Stop> {
    for row in sheet.rows() {
        let line = Row {
            timestamp: stamp(sheet.unix_ns(row)),
            state: State { sheet, row },
            malicious: Malicious(name(row)),
        };
        serde_json::to_writer(&mut *out, &line).map_err(io::Error::from)?;
        out.write_all(b"\n")?;
    }
    Ok(sheet.len())
}

/// An attack as `attacks.json` has it. Its points are columns of the states, where it names any.
fn attack(log: &RunLog, scope: Scope, table: &Table, segment: &Segment) -> Value {
    let axis = &table.axis;
    let names: Vec<&str> = segment.name.split('+').collect();
    let description = match scope {
        Scope::Command => {
            let titles = names.iter().filter_map(|name| log.step(name));
            let titles: Vec<&str> = titles.map(|step| step.record.title.as_str()).collect();
            titles.join("; ")
        }
        Scope::Effect => format!("away from the unattacked twin: {}", names.join(", ")),
    };
    let is_column = |name: &&&str| table.columns.iter().any(|column| column.name == **name);
    let points = names.iter().filter(is_column);
    let points: Vec<String> = points.map(|name| format!("state;{name}")).collect();
    json!({
        "id": segment.name,
        "attack_point": points,
        "description": description,
        "start": stamp(unix_ns(axis.start_ns(segment.first))),
        "end": stamp(unix_ns(axis.start_ns(segment.last))),
    })
}

fn messages(work: &Work<'_>, piece: &Piece<'_>, part: &str) -> Result<(), Stop> {
    let spans: Vec<&str> = piece.run.folder.spans().collect();
    for span in &spans {
        let name = if spans.len() == 1 {
            format!("command/{part}.ipal.gz")
        } else {
            format!("command/{part}-{span}.ipal.gz")
        };
        work.out.file(&name, |out| {
            let mut transcriber = Transcriber::default();
            let mut count = 0;
            walk(piece, span, work.out, |_, frame, truth| {
                for message in transcriber.messages(frame, Malicious(attack_of(truth))) {
                    serde_json::to_writer(&mut *out, &message).map_err(io::Error::from)?;
                    out.write_all(b"\n")?;
                    count += 1;
                }
                Ok(())
            })?;
            if transcriber.incomplete > 0 {
                work.remark(format!(
                    "{name}: {} payloads on the Modbus port hold bytes that are no whole message; they are left out",
                    transcriber.incomplete
                ));
            }
            Ok(count)
        })?;
    }
    Ok(())
}
