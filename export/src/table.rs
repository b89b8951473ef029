//! Tag values in rows of one period.

use std::collections::BTreeMap;

use twinrange_range::problem::Problems;
use twinrange_range::run_folder::RunFolder;

use crate::labels::Axis;
use crate::log::RunLog;

/// A column: a tag, or a quantity of the process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// Unique name.
    pub name: String,
    /// Unit; empty for switches.
    pub unit: String,
    /// One line for people.
    pub description: String,
    /// Host name of the controller that holds it; `None` for a quantity of the process.
    pub controller: Option<String>,
    /// Rows before its first sample, which have that sample's value.
    pub rows_before_first: u64,
}

/// Values in rows of one period, without a gap.
///
/// A row holds the last sample before its end, or the one before it where there is none. Bad quality is the
/// historian's last known value, as a detector behind it would get it.
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    /// The rows.
    pub axis: Axis,
    /// The columns, in the order of the plant file or of the physical truth.
    pub columns: Vec<Column>,
    /// Values by column and row; shape `[columns][rows]`.
    values: Vec<Vec<f64>>,
}

impl Table {
    /// What the historians recorded. A tag that none of them recorded has no column.
    ///
    /// # Errors
    ///
    /// `TR0305` or `TR0306`.
    pub fn historian(folder: &RunFolder, log: &RunLog, axis: Axis) -> Result<Self, Problems> {
        let index: BTreeMap<&str, usize> = log
            .tags
            .iter()
            .enumerate()
            .map(|(at, tag)| (tag.name.as_str(), at))
            .collect();
        let mut rows = Rows::new(log.tags.len(), axis);
        for batch in folder.tags()? {
            for sample in batch? {
                if let Some(&column) = index.get(sample.tag.as_str()) {
                    rows.set(column, sample.t_ns, sample.value);
                }
            }
        }
        let columns = log.tags.iter().map(|tag| Column {
            name: tag.name.clone(),
            unit: tag.unit.clone(),
            description: tag.description.clone(),
            controller: Some(tag.controller.clone()),
            rows_before_first: 0,
        });
        Ok(rows.finish(columns.collect()))
    }

    /// The physical truth.
    ///
    /// # Errors
    ///
    /// `TR0305` or `TR0306`.
    pub fn truth(folder: &RunFolder, axis: Axis) -> Result<Self, Problems> {
        let process = folder.process()?;
        let mut rows = Rows::new(process.columns().len(), axis);
        for column in 0..process.columns().len() {
            for (&t_ns, &value) in process.t_ns().iter().zip(process.values(column)) {
                rows.set(column, t_ns, value);
            }
        }
        let columns = process.columns().iter().map(|column| Column {
            name: column.name.clone(),
            unit: column.unit.clone(),
            description: column.description.clone(),
            controller: None,
            rows_before_first: 0,
        });
        Ok(rows.finish(columns.collect()))
    }

    /// A value; `row` counts from the beginning of the run.
    ///
    /// # Panics
    ///
    /// If there is no such column or row.
    #[must_use]
    pub fn value(&self, column: usize, row: u64) -> f64 {
        self.values[column][usize::try_from(row).expect("a row of the table")]
    }
}

/// A table that is being filled.
struct Rows {
    axis: Axis,
    values: Vec<Vec<Option<f64>>>,
}

impl Rows {
    fn new(columns: usize, axis: Axis) -> Self {
        let rows = usize::try_from(axis.rows).expect("rows fit into memory");
        Self {
            axis,
            values: vec![vec![None; rows]; columns],
        }
    }

    /// Takes a sample. Samples of a column come in the order of time; the last in a row stands.
    fn set(&mut self, column: usize, t_ns: u64, value: f64) {
        let row = usize::try_from(self.axis.row(t_ns)).expect("rows fit into memory");
        if let Some(cell) = self.values[column].get_mut(row) {
            *cell = Some(value);
        }
    }

    fn finish(self, columns: Vec<Column>) -> Table {
        let (mut kept, mut values) = (Vec::new(), Vec::new());
        for (mut column, cells) in columns.into_iter().zip(self.values) {
            let Some(first) = cells.iter().position(Option::is_some) else {
                continue;
            };
            column.rows_before_first = first as u64;
            let mut last = cells[first].expect("it was found there");
            values.push(
                cells
                    .into_iter()
                    .map(|cell| {
                        last = cell.unwrap_or(last);
                        last
                    })
                    .collect(),
            );
            kept.push(column);
        }
        Table {
            axis: self.axis,
            columns: kept,
            values,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(name: &str) -> Column {
        Column {
            name: name.to_owned(),
            unit: String::new(),
            description: String::new(),
            controller: None,
            rows_before_first: 0,
        }
    }

    #[test]
    fn rows_when_samples_are_late_sparse_or_absent_then_filled_and_counted() {
        let mut rows = Rows::new(3, Axis::new(10, 45));
        for (column, t_ns, value) in [(0, 12, 1.0), (0, 19, 2.0), (0, 40, 3.0), (2, 45, 7.0)] {
            rows.set(column, t_ns, value);
        }
        let table = rows.finish(vec![column("a"), column("never"), column("end")]);
        let names: Vec<_> = table
            .columns
            .iter()
            .map(|c| (c.name.as_str(), c.rows_before_first))
            .collect();
        assert_eq!(
            names,
            [("a", 1), ("end", 4)],
            "a tag without samples has no column"
        );
        assert_eq!(table.values[0], [2.0, 2.0, 2.0, 2.0, 3.0]);
        assert_eq!(
            table.value(1, 0),
            7.0,
            "the last instant belongs to the last row"
        );
    }
}
