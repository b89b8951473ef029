//! SWaT: `Timestamp`, tags, and `Normal/Attack` as text.
//!
//! # Source
//!
//! iTrust SWaT.A1 (2015), read as fkie-cad/ipal_datasets `SWaT/transcribe.py` and the CSV readers of published
//! detectors do: `%d/%m/%Y %I:%M:%S %p`, head cells with blanks in front, which readers strip.

use crate::out::Stop;
use crate::tabular::{Sheet, Sheets, time};
use crate::work::Work;

/// The form of a time stamp.
const TIME: &str = "%d/%m/%Y %I:%M:%S %p";

/// Writes the export.
pub(crate) fn write(work: &Work<'_>, sheets: &Sheets<'_>) -> Result<(), Stop> {
    for &scope in &work.order.scopes {
        let labelled = sheets.test.labelled(scope);
        let write = |name: &str, sheet: &Sheet<'_>, is_attack: &dyn Fn(u64) -> bool| {
            let path = format!("{}/{name}", scope.name());
            work.out.file(&path, |out| {
                let head = head(sheet, work.order.blank_heads);
                sheet.csv(out, &head, |row, cells| {
                    cells.push(time(sheet.unix_ns(row), TIME));
                    cells.extend(sheet.cells(row));
                    let label = if is_attack(row) { "Attack" } else { "Normal" };
                    cells.push(label.to_owned());
                })
            })
        };
        if let Some(train) = &sheets.train {
            write("SWaT_Dataset_Normal_v1.csv", train, &|_| false)?;
        }
        write("SWaT_Dataset_Attack_v0.csv", &sheets.test, &|row| {
            labelled.is_attack(row)
        })?;
    }
    Ok(())
}

/// The names of the columns; with blanks in front of all but the label where they are asked for.
fn head(sheet: &Sheet<'_>, blanks: bool) -> Vec<String> {
    let blank = if blanks { " " } else { "" };
    let tags = std::iter::once("Timestamp").chain(sheet.names());
    let tags = tags.map(|name| format!("{blank}{name}"));
    tags.chain(["Normal/Attack".to_owned()]).collect()
}
