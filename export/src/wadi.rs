//! WADI: rows with a number, and a last column in which **1 is normal and -1 is attack**.
//!
//! # Source
//!
//! iTrust WADI.A2 (2019), read as fkie-cad/ipal_datasets `WADI/transcribe.py` does: the labelled file has a line
//! before its head, the other has neither that line nor a label; times are not used, rows are seconds.

use crate::out::Stop;
use crate::tabular::{Sheet, Sheets, time};
use crate::work::Work;

/// Name of the label's column.
const LABEL: &str = "Attack LABLE (1:No Attack, -1:Attack)";

/// Writes the export.
pub(crate) fn write(work: &Work<'_>, sheets: &Sheets<'_>) -> Result<(), Stop> {
    for &scope in &work.order.scopes {
        let folder = scope.name();
        if let Some(train) = &sheets.train {
            work.out
                .file(&format!("{folder}/WADI_14days_new.csv"), |out| {
                    train.csv(out, &head(train, None), |row, cells| {
                        place(train, row, cells)
                    })
                })?;
        }
        let (test, labelled) = (&sheets.test, sheets.test.labelled(scope));
        work.out
            .file(&format!("{folder}/WADI_attackdataLABLE.csv"), |out| {
                let head = head(test, Some(LABEL));
                // As many empty cells as there are columns: the line that readers skip.
                writeln!(out, "{}", ",".repeat(head.len() - 1))?;
                test.csv(out, &head, |row, cells| {
                    place(test, row, cells);
                    let label = if labelled.is_attack(row) { "-1" } else { "1" };
                    cells.push(label.to_owned());
                })
            })?;
    }
    Ok(())
}

fn head(sheet: &Sheet<'_>, label: Option<&str>) -> Vec<String> {
    let names = ["Row", "Date", "Time"].into_iter().chain(sheet.names());
    names.chain(label).map(str::to_owned).collect()
}

/// The row's number in its file, from 1, its day and time, and the values.
fn place(sheet: &Sheet<'_>, row: u64, cells: &mut Vec<String>) {
    let at = sheet.unix_ns(row);
    cells.push((row - sheet.from + 1).to_string());
    cells.push(time(at, "%-m/%-d/%Y"));
    cells.push(time(at, "%-I:%M:%S.%3f %p"));
    cells.extend(sheet.cells(row));
}
