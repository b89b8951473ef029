//! HAI: labels of 0 and 1, for the whole and for each part of the plant, or in a file of their own.
//!
//! Readers of HAI 20.07 and 21.03 take the last four columns for `attack`, `attack_P1`, `attack_P2` and `attack_P3`.
//! So there are always at least these: `P1`, `P2`… are the controllers in the order of the plant file, without safety
//! controllers. An attack on a safety controller alone shows in `attack` only, as HAI has it for its fourth part.
//!
//! # Source
//!
//! HAI 21.03 (`time`, tags, labels) and 23.05 (`hai-test1.csv` beside `label-test1.csv`); fkie-cad/ipal_datasets
//! `HAI/transcribe.py`.

use crate::labels::{Axis, Span, touches};
use crate::log::{RunLog, Scope};
use crate::out::Stop;
use crate::tabular::{Labelled, Sheet, Sheets, time};
use crate::work::Work;

/// The form of a time stamp.
const TIME: &str = "%Y-%m-%d %H:%M:%S";

/// Parts of the plant that have a column, whether the plant has fewer or more.
const PARTS: usize = 3;

/// Writes the export, in the form of both versions.
pub(crate) fn write(work: &Work<'_>, sheets: &Sheets<'_>) -> Result<(), Stop> {
    for &scope in &work.order.scopes {
        let labelled = sheets.test.labelled(scope);
        if let Some(train) = &sheets.train {
            old(work, scope, "train1.csv", train, None)?;
            new(work, scope, "hai-train1.csv", train)?;
        }
        old(work, scope, "test1.csv", &sheets.test, Some(&labelled))?;
        new(work, scope, "hai-test1.csv", &sheets.test)?;
        let (test, path) = (
            &sheets.test,
            format!("{}/hai-23.05/label-test1.csv", scope.name()),
        );
        work.out.file(&path, |out| {
            test.csv(
                out,
                &["timestamp".to_owned(), "label".to_owned()],
                |row, cells| {
                    cells.push(time(test.unix_ns(row), TIME));
                    cells.push(flag(labelled.is_attack(row)));
                },
            )
        })?;
    }
    Ok(())
}

/// The controllers behind `attack_P1`, `attack_P2`…; `None` where the plant has fewer.
pub(crate) fn parts(log: &RunLog) -> Vec<Option<&str>> {
    let own = log.parts.iter().filter(|part| !part.is_safety);
    let mut parts: Vec<Option<&str>> = own.map(|part| Some(part.controller.as_str())).collect();
    // Readers take the last four columns for labels. What a fourth part and further ones would say is in `attack`.
    parts.resize(PARTS, None);
    parts
}

fn old(
    work: &Work<'_>,
    scope: Scope,
    name: &str,
    sheet: &Sheet<'_>,
    labelled: Option<&Labelled>,
) -> Result<(), Stop> {
    let parts = parts(sheet.log);
    let at_work: Vec<Vec<Span>> = parts
        .iter()
        .map(|part| spans_at(sheet.log, scope, *part))
        .collect();
    let numbers = (1..=parts.len()).map(|number| format!("attack_P{number}"));
    let head: Vec<String> = std::iter::once("time")
        .chain(sheet.names())
        .chain(["attack"])
        .map(str::to_owned)
        .chain(numbers)
        .collect();
    let path = format!("{}/hai-21.03/{name}", scope.name());
    work.out.file(&path, |out| {
        sheet.csv(out, &head, |row, cells| {
            cells.push(time(sheet.unix_ns(row), TIME));
            cells.extend(sheet.cells(row));
            let is_attack = labelled.is_some_and(|labelled| labelled.is_attack(row));
            cells.push(flag(is_attack));
            let axis: &Axis = &sheet.table.axis;
            cells.extend(
                at_work
                    .iter()
                    .map(|spans| flag(is_attack && touches(axis, row, spans))),
            );
        })
    })
}

fn new(work: &Work<'_>, scope: Scope, name: &str, sheet: &Sheet<'_>) -> Result<(), Stop> {
    let head = std::iter::once("timestamp").chain(sheet.names());
    let head: Vec<String> = head.map(str::to_owned).collect();
    let path = format!("{}/hai-23.05/{name}", scope.name());
    work.out.file(&path, |out| {
        sheet.csv(out, &head, |row, cells| {
            cells.push(time(sheet.unix_ns(row), TIME));
            cells.extend(sheet.cells(row));
        })
    })
}

/// When a part of the plant is under attack.
///
/// Commands: while a step that is about its controller is at work. Effects: from the moment that such a step took
/// hold; the row must be an attack beside that, since nothing says which controller a quantity of the process is of.
fn spans_at(log: &RunLog, scope: Scope, part: Option<&str>) -> Vec<Span> {
    let Some(part) = part else {
        return Vec::new();
    };
    let about = log
        .steps
        .iter()
        .filter(|step| step.record.hosts.iter().any(|host| host == part));
    let span = |step: &crate::log::Step| {
        let (start_ns, end_ns) = step.interval?;
        let name = step.record.id.clone();
        Some(match scope {
            Scope::Command => Span {
                name,
                start_ns,
                end_ns,
            },
            Scope::Effect => Span {
                name,
                start_ns: step
                    .record
                    .took_hold_at
                    .map_or(start_ns, |at| at.as_nanos()),
                end_ns: u64::MAX,
            },
        })
    };
    about.filter_map(span).collect()
}

fn flag(is_attack: bool) -> String {
    if is_attack { "1" } else { "0" }.to_owned()
}
