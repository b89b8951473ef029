//! `truth/process.parquet`: the physical truth, one row per sample.
//!
//! The first column is `t_ns`; every other one is a quantity of the process, in f64. Units and
//! descriptions stand in the footer under `twinrange.columns` as a JSON list.

use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;

use arrow_array::types::{Float64Type, Int64Type};
use arrow_array::{ArrayRef, Float64Array, Int64Array};
use arrow_schema::{DataType, Field};
use serde::{Deserialize, Serialize};

use super::columns::{Rows, Table, signed, unsigned, values};
use super::{BATCH_ROWS, ReadError};

/// Key of the columns in the footer.
const COLUMNS_NOTE: &str = "twinrange.columns";

/// One quantity of the process.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ColumnInfo {
    /// Unique name, with the unit last.
    pub name: String,
    /// Unit; empty for counts and switches.
    #[serde(default)]
    pub unit: String,
    /// One line for people.
    #[serde(default)]
    pub description: String,
}

/// The physical truth of a run in memory, by column.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ProcessTable {
    columns: Vec<ColumnInfo>,
    t_ns: Vec<u64>,
    values: Vec<Vec<f64>>,
}

impl ProcessTable {
    /// A table without rows.
    #[must_use]
    pub fn new(columns: Vec<ColumnInfo>) -> Self {
        let values = vec![Vec::new(); columns.len()];
        Self {
            columns,
            t_ns: Vec::new(),
            values,
        }
    }

    /// Appends a row.
    ///
    /// # Panics
    ///
    /// If the row has another width than the table, or is not later than the last one.
    pub fn push(&mut self, t_ns: u64, row: &[f64]) {
        assert_eq!(
            row.len(),
            self.columns.len(),
            "a row has one value per column"
        );
        assert!(
            self.t_ns.last().is_none_or(|last| *last < t_ns),
            "rows come in order: {t_ns}"
        );
        self.t_ns.push(t_ns);
        for (column, value) in self.values.iter_mut().zip(row) {
            column.push(*value);
        }
    }

    /// The quantities, in the order of the file.
    #[must_use]
    pub fn columns(&self) -> &[ColumnInfo] {
        &self.columns
    }

    /// Simulated times of the rows, ns, ascending.
    #[must_use]
    pub fn t_ns(&self) -> &[u64] {
        &self.t_ns
    }

    /// The values of a column, by its index.
    #[must_use]
    pub fn values(&self, column: usize) -> &[f64] {
        &self.values[column]
    }

    /// The values of a column, by its name.
    #[must_use]
    pub fn column(&self, name: &str) -> Option<&[f64]> {
        let index = self.columns.iter().position(|column| column.name == name)?;
        Some(&self.values[index])
    }
}

/// Writes the physical truth.
pub struct ProcessWriter<W: Write + Send> {
    table: Table<W>,
    rows: u64,
    t_ns: Vec<i64>,
    values: Vec<Vec<f64>>,
}

impl<W: Write + Send> ProcessWriter<W> {
    /// Begins the file.
    ///
    /// # Errors
    ///
    /// Those of `out`.
    pub fn new(out: W, columns: &[ColumnInfo]) -> io::Result<Self> {
        let quantity = |column: &ColumnInfo| Field::new(&column.name, DataType::Float64, false);
        let fields = std::iter::once(Field::new("t_ns", DataType::Int64, false))
            .chain(columns.iter().map(quantity))
            .collect();
        let note = serde_json::to_string(columns).expect("texts encode");
        let notes = vec![(COLUMNS_NOTE.to_owned(), note)];
        Ok(Self {
            table: Table::new(out, fields, &["t_ns"], notes)?,
            rows: 0,
            t_ns: Vec::new(),
            values: vec![Vec::new(); columns.len()],
        })
    }

    /// Appends a row.
    ///
    /// # Errors
    ///
    /// Those of the writer below.
    ///
    /// # Panics
    ///
    /// If the row has another width than the table.
    pub fn row(&mut self, t_ns: u64, row: &[f64]) -> io::Result<()> {
        assert_eq!(
            row.len(),
            self.values.len(),
            "a row has one value per column"
        );
        self.t_ns.push(signed(t_ns));
        for (column, value) in self.values.iter_mut().zip(row) {
            column.push(*value);
        }
        self.rows += 1;
        if self.t_ns.len() == BATCH_ROWS {
            self.flush()
        } else {
            Ok(())
        }
    }

    /// How many rows were written.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.rows
    }

    fn flush(&mut self) -> io::Result<()> {
        let t_ns: ArrayRef = Arc::new(Int64Array::from(std::mem::take(&mut self.t_ns)));
        let values = self
            .values
            .iter_mut()
            .map(|column| Arc::new(Float64Array::from(std::mem::take(column))) as ArrayRef);
        self.table
            .write(std::iter::once(t_ns).chain(values).collect())
    }

    /// Writes what is left and the footer.
    ///
    /// # Errors
    ///
    /// Those of the writer below.
    pub fn finish(mut self) -> io::Result<W> {
        self.flush()?;
        self.table.finish()
    }
}

/// Reads the whole truth into memory: 8 bytes per value, 40 MB for 24 h of 60 columns at 1 s.
///
/// # Errors
///
/// [`ReadError`] if the file is missing, cut or of another form.
pub fn read(path: &Path) -> Result<ProcessTable, ReadError> {
    let mut rows = Rows::open(path, &[("t_ns", DataType::Int64)])?;
    let names: Vec<String> = rows.schema.fields()[1..]
        .iter()
        .map(|f| f.name().clone())
        .collect();
    for field in &rows.schema.fields()[1..] {
        if field.data_type() != &DataType::Float64 {
            return Err(ReadError::Damaged(format!(
                "column `{}` is not f64",
                field.name()
            )));
        }
    }
    let noted = rows
        .note(COLUMNS_NOTE)
        .and_then(|note| serde_json::from_str(note).ok());
    let columns: Vec<ColumnInfo> = noted.unwrap_or_default();
    if !columns.iter().map(|column| &column.name).eq(&names) {
        return Err(ReadError::Damaged(format!(
            "`{COLUMNS_NOTE}` does not fit the columns"
        )));
    }
    let mut table = ProcessTable::new(columns);
    while let Some(batch) = rows.batch() {
        let batch = batch?;
        for &t_ns in values::<Int64Type>(&batch, 0) {
            let t_ns = unsigned(t_ns)?;
            if table.t_ns.last().is_some_and(|last| *last >= t_ns) {
                return Err(ReadError::Damaged(format!("time goes back at {t_ns} ns")));
            }
            table.t_ns.push(t_ns);
        }
        for (index, column) in table.values.iter_mut().enumerate() {
            column.extend_from_slice(values::<Float64Type>(&batch, index + 1));
        }
    }
    Ok(table)
}
