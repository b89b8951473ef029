//! The table of a program that runs on the bench, one row per scan; no file of a run folder.
//!
//! Columns are `scan`, `t_ns`, `used_ns` (scan time) and then the variables under their names: BOOL as
//! boolean, REAL and LREAL as double, texts and characters as text, ULINT and LWORD as unsigned 64-bit
//! numbers, and everything else as signed ones; durations and dates are in ns.

use std::io::{self, Write};
use std::sync::Arc;

use arrow_array::{ArrayRef, BooleanArray, Float64Array, Int64Array, StringArray, UInt64Array};
use arrow_schema::{DataType, Field};
use sim_st::{Elementary, Value};

use super::BATCH_ROWS;
use super::columns::{Table, signed};

/// The values of one variable that wait to be written.
enum Column {
    Bool(Vec<bool>),
    Float(Vec<f64>),
    Signed(Vec<i64>),
    Unsigned(Vec<u64>),
    Text(Vec<String>),
}

impl Column {
    fn new(ty: Elementary) -> Self {
        match ty {
            Elementary::Bool => Self::Bool(Vec::new()),
            Elementary::Real | Elementary::Lreal => Self::Float(Vec::new()),
            Elementary::Ulint | Elementary::Lword => Self::Unsigned(Vec::new()),
            _ if ty.is_text() || ty.is_char() => Self::Text(Vec::new()),
            _ => Self::Signed(Vec::new()),
        }
    }

    fn data_type(&self) -> DataType {
        match self {
            Self::Bool(_) => DataType::Boolean,
            Self::Float(_) => DataType::Float64,
            Self::Signed(_) => DataType::Int64,
            Self::Unsigned(_) => DataType::UInt64,
            Self::Text(_) => DataType::Utf8,
        }
    }

    fn push(&mut self, value: Value) {
        match (self, value) {
            (Self::Bool(list), Value::Bool(value)) => list.push(value),
            (Self::Float(list), value) => list.push(value.as_f64()),
            (Self::Text(list), Value::Text(_, text)) => list.push(text),
            (Self::Text(list), value) => list.push(value.to_string()),
            (Self::Unsigned(list), Value::Unsigned(_, value) | Value::Bits(_, value)) => {
                list.push(value);
            }
            (
                Self::Signed(list),
                Value::Signed(_, value) | Value::Nanos(_, value) | Value::Time(value),
            ) => list.push(value),
            (Self::Signed(list), Value::Unsigned(_, value) | Value::Bits(_, value)) => {
                list.push(signed(value));
            }
            (_, value) => panic!("a variable keeps its type, and {value} has another"),
        }
    }

    fn take(&mut self) -> ArrayRef {
        use std::mem::take;
        match self {
            Self::Bool(list) => Arc::new(BooleanArray::from(take(list))),
            Self::Float(list) => Arc::new(Float64Array::from(take(list))),
            Self::Signed(list) => Arc::new(Int64Array::from(take(list))),
            Self::Unsigned(list) => Arc::new(UInt64Array::from(take(list))),
            Self::Text(list) => Arc::new(StringArray::from(take(list))),
        }
    }
}

/// Writes the table; rows leave in batches.
pub struct TraceTable<W: Write + Send> {
    table: Table<W>,
    /// Scan, time and scan time of the rows that wait.
    heads: [Vec<i64>; 3],
    columns: Vec<Column>,
}

impl<W: Write + Send> TraceTable<W> {
    /// Begins a file for variables by name and type.
    ///
    /// # Errors
    ///
    /// What writing to `out` gives.
    pub fn new<'a>(
        out: W,
        variables: impl IntoIterator<Item = (&'a str, Elementary)>,
    ) -> io::Result<Self> {
        let heads = ["scan", "t_ns", "used_ns"];
        let mut fields: Vec<Field> = heads
            .iter()
            .map(|name| Field::new(*name, DataType::Int64, false))
            .collect();
        let mut columns = Vec::new();
        for (name, ty) in variables {
            let column = Column::new(ty);
            fields.push(Field::new(name, column.data_type(), false));
            columns.push(column);
        }
        Ok(Self {
            table: Table::new(out, fields, &heads, Vec::new())?,
            heads: Default::default(),
            columns,
        })
    }

    /// Appends a row, with the values in the order of the variables.
    ///
    /// # Arguments
    ///
    /// * `scan` — number of the scan, from 1.
    /// * `t_ns`, `used_ns` — its time and how long it took, ns.
    ///
    /// # Errors
    ///
    /// What writing gives.
    ///
    /// # Panics
    ///
    /// If a value has another type than its variable.
    pub fn push(
        &mut self,
        scan: u64,
        t_ns: u64,
        used_ns: u64,
        values: impl IntoIterator<Item = Value>,
    ) -> io::Result<()> {
        for (head, value) in self.heads.iter_mut().zip([scan, t_ns, used_ns]) {
            head.push(signed(value));
        }
        for (column, value) in self.columns.iter_mut().zip(values) {
            column.push(value);
        }
        if self.heads[0].len() == BATCH_ROWS {
            self.flush()?;
        }
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        let heads = self.heads.iter_mut().map(|head| {
            let column: ArrayRef = Arc::new(Int64Array::from(std::mem::take(head)));
            column
        });
        let columns = heads
            .chain(self.columns.iter_mut().map(Column::take))
            .collect();
        self.table.write(columns)
    }

    /// Writes what waits and the footer.
    ///
    /// # Errors
    ///
    /// What writing gives.
    pub fn finish(mut self) -> io::Result<W> {
        if !self.heads[0].is_empty() {
            self.flush()?;
        }
        self.table.finish()
    }
}
