//! BATADAL: hourly rows, `ATT_FLAG`, and head cells with blanks in front where the published file has them.
//!
//! A row of BATADAL is an hour, and `DATETIME` (`dd/mm/yy HH`) can say nothing else. A run is some hours long, so rows
//! of a shorter period are stamped an hour apart all the same: row `k` has the hour `k` after the epoch, and
//! `labels.json` says how long it really is. With a period of whole hours the stamps are true.
//!
//! # Source
//!
//! Taormina et al. 2018; fkie-cad/ipal_datasets `BATADAL/transcribe.py`. Published: dataset03 to learn from, all 0;
//! dataset04 with 1 for disclosed attacks and -999 for all that is not disclosed; the test file without `ATT_FLAG`.

use crate::log::unix_ns;
use crate::out::Stop;
use crate::tabular::{Sheet, Sheets, time};
use crate::work::Work;

/// The form of a time stamp.
const TIME: &str = "%d/%m/%y %H";

/// An hour, ns.
pub(crate) const HOUR_NS: u64 = 3_600_000_000_000;

/// Writes the export.
pub(crate) fn write(work: &Work<'_>, sheets: &Sheets<'_>) -> Result<(), Stop> {
    for &scope in &work.order.scopes {
        let folder = scope.name();
        if let Some(train) = &sheets.train {
            work.out
                .file(&format!("{folder}/BATADAL_dataset03.csv"), |out| {
                    train.csv(out, &head(train, "", Some("ATT_FLAG")), |row, cells| {
                        place(train, row, cells);
                        cells.push("0".to_owned());
                    })
                })?;
        }
        let (test, labelled) = (&sheets.test, sheets.test.labelled(scope));
        let normal = if work.order.undisclosed { "-999" } else { "0" };
        work.out
            .file(&format!("{folder}/BATADAL_dataset04.csv"), |out| {
                test.csv(out, &head(test, " ", Some("ATT_FLAG")), |row, cells| {
                    place(test, row, cells);
                    let label = if labelled.is_attack(row) { "1" } else { normal };
                    cells.push(label.to_owned());
                })
            })?;
        work.out
            .file(&format!("{folder}/BATADAL_test_dataset.csv"), |out| {
                test.csv(out, &head(test, "", None), |row, cells| {
                    place(test, row, cells)
                })
            })?;
    }
    Ok(())
}

/// Whether rows are stamped with their own time, and not with an hour each.
pub(crate) fn is_true_to_time(period_ns: u64) -> bool {
    period_ns.is_multiple_of(HOUR_NS)
}

fn head(sheet: &Sheet<'_>, blank: &str, label: Option<&str>) -> Vec<String> {
    let rest = sheet.names().chain(label);
    let rest = rest.map(|name| format!("{blank}{name}"));
    std::iter::once("DATETIME".to_owned()).chain(rest).collect()
}

fn place(sheet: &Sheet<'_>, row: u64, cells: &mut Vec<String>) {
    let at = if is_true_to_time(sheet.table.axis.period_ns) {
        sheet.unix_ns(row)
    } else {
        unix_ns(row * HOUR_NS)
    };
    cells.push(time(at, TIME));
    cells.extend(sheet.cells(row));
}
