//! What the conventions with one row per period share.

use std::io::Write;

use chrono::DateTime;

use crate::labels::{Segment, labels};
use crate::log::{RunLog, Scope, unix_ns};
use crate::out::Stop;
use crate::table::Table;

/// Rows of a table that are written as one file.
#[derive(Clone, Copy)]
pub(crate) struct Sheet<'a> {
    pub(crate) table: &'a Table,
    pub(crate) log: &'a RunLog,
    /// First row.
    pub(crate) from: u64,
    /// Row behind the last.
    pub(crate) to: u64,
}

/// The rows to learn from, and those to be tested on.
pub(crate) struct Sheets<'a> {
    pub(crate) train: Option<Sheet<'a>>,
    pub(crate) test: Sheet<'a>,
}

/// The labels of a sheet in one scope.
pub(crate) struct Labelled {
    from: u64,
    /// The attacks; rows count from the beginning of the run.
    pub(crate) segments: Vec<Segment>,
    labels: Vec<Option<usize>>,
}

impl<'a> Sheet<'a> {
    pub(crate) fn rows(&self) -> std::ops::Range<u64> {
        self.from..self.to
    }

    pub(crate) fn len(&self) -> u64 {
        self.to - self.from
    }

    /// When a row begins, ns since 1970.
    pub(crate) fn unix_ns(&self, row: u64) -> u64 {
        unix_ns(self.table.axis.start_ns(row))
    }

    /// The labels of its rows.
    pub(crate) fn labelled(&self, scope: Scope) -> Labelled {
        let segments = self.table.axis.segments(&self.log.spans(scope));
        Labelled {
            from: self.from,
            labels: labels(&segments, self.from, self.to),
            segments,
        }
    }

    /// Names of its columns.
    pub(crate) fn names(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        self.table.columns.iter().map(|column| column.name.as_str())
    }

    /// The values of a row as text.
    pub(crate) fn cells(&self, row: u64) -> impl Iterator<Item = String> + use<'a> {
        let table = self.table;
        (0..table.columns.len()).map(move |column| number(table.value(column, row)))
    }

    /// Writes a CSV file: a head, then one record per row.
    ///
    /// # Arguments
    ///
    /// * `head` — names of the columns.
    /// * `record` — adds the cells of a row.
    pub(crate) fn csv(
        &self,
        out: &mut dyn Write,
        head: &[String],
        mut record: impl FnMut(u64, &mut Vec<String>),
    ) -> Result<u64, Stop> {
        let mut csv = csv::Writer::from_writer(out);
        csv.write_record(head)?;
        let mut cells = Vec::with_capacity(head.len());
        for row in self.rows() {
            cells.clear();
            record(row, &mut cells);
            csv.write_record(&cells)?;
        }
        csv.flush()?;
        Ok(self.len())
    }
}

impl Labelled {
    /// The attack that a row belongs to.
    pub(crate) fn name(&self, row: u64) -> Option<&str> {
        let at = usize::try_from(row - self.from).expect("a row of the sheet");
        self.labels[at].map(|segment| self.segments[segment].name.as_str())
    }

    pub(crate) fn is_attack(&self, row: u64) -> bool {
        self.name(row).is_some()
    }
}

/// A value as text: the shortest that reads back as the same number, without an exponent.
fn number(value: f64) -> String {
    // Zero has no sign in a data set.
    format!("{}", value + 0.0)
}

/// A time in UTC as `strftime` writes it.
pub(crate) fn time(unix_ns: u64, format: &str) -> String {
    let ns = i64::try_from(unix_ns).expect("runs end before the year 2262");
    DateTime::from_timestamp_nanos(ns)
        .format(format)
        .to_string()
}
