//! `truth/digests.parquet`: one row per simulated second, for `replay`.
//!
//! `t_ns` is the end of the second. `chain` and every component's column hold the first 8 bytes of a
//! digest: enough to find where two runs part. The whole digest of the run is in the manifest.

use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;

use arrow_array::types::{Int64Type, UInt64Type};
use arrow_array::{ArrayRef, Int64Array, UInt64Array};
use arrow_schema::{DataType, Field};

use super::columns::{Rows, Table, signed, unsigned, values};
use super::{BATCH_ROWS, ReadError};

/// The digests of one simulated second.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DigestRow {
    /// End of the second, ns.
    pub t_ns: u64,
    /// The run so far.
    pub chain: u64,
    /// Each component, in the order of [`DigestTable::components`].
    pub components: Vec<u64>,
}

/// The digests of a whole run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DigestTable {
    /// Names of the components.
    pub components: Vec<String>,
    /// One row per simulated second.
    pub rows: Vec<DigestRow>,
}

/// Writes the digests.
pub struct DigestWriter<W: Write + Send> {
    table: Table<W>,
    t_ns: Vec<i64>,
    columns: Vec<Vec<u64>>,
}

impl<W: Write + Send> DigestWriter<W> {
    /// Begins the file.
    ///
    /// # Errors
    ///
    /// Those of `out`.
    pub fn new(out: W, components: &[String]) -> io::Result<Self> {
        let mut fields = vec![
            Field::new("t_ns", DataType::Int64, false),
            Field::new("chain", DataType::UInt64, false),
        ];
        fields.extend(
            components
                .iter()
                .map(|name| Field::new(name, DataType::UInt64, false)),
        );
        Ok(Self {
            table: Table::new(out, fields, &["t_ns"], Vec::new())?,
            t_ns: Vec::new(),
            columns: vec![Vec::new(); components.len() + 1],
        })
    }

    /// Appends a second.
    ///
    /// # Errors
    ///
    /// Those of the writer below.
    ///
    /// # Panics
    ///
    /// If there is not one digest per component.
    pub fn row(&mut self, t_ns: u64, chain: u64, components: &[u64]) -> io::Result<()> {
        assert_eq!(
            components.len() + 1,
            self.columns.len(),
            "one digest per component"
        );
        self.t_ns.push(signed(t_ns));
        let digests = std::iter::once(&chain).chain(components);
        for (column, digest) in self.columns.iter_mut().zip(digests) {
            column.push(*digest);
        }
        if self.t_ns.len() == BATCH_ROWS {
            self.flush()
        } else {
            Ok(())
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        let t_ns: ArrayRef = Arc::new(Int64Array::from(std::mem::take(&mut self.t_ns)));
        let digests = self
            .columns
            .iter_mut()
            .map(|column| Arc::new(UInt64Array::from(std::mem::take(column))) as ArrayRef);
        self.table
            .write(std::iter::once(t_ns).chain(digests).collect())
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

/// Reads the digests of a run.
///
/// # Errors
///
/// [`ReadError`] if the file is missing, cut or of another form.
pub fn read(path: &Path) -> Result<DigestTable, ReadError> {
    let mut rows = Rows::open(
        path,
        &[("t_ns", DataType::Int64), ("chain", DataType::UInt64)],
    )?;
    let mut table = DigestTable::default();
    for field in &rows.schema.fields()[2..] {
        if field.data_type() != &DataType::UInt64 {
            return Err(ReadError::Damaged(format!(
                "column `{}` is not u64",
                field.name()
            )));
        }
        table.components.push(field.name().clone());
    }
    while let Some(batch) = rows.batch() {
        let batch = batch?;
        let t_ns = values::<Int64Type>(&batch, 0);
        for (row, &t_ns) in t_ns.iter().enumerate() {
            let digest = |column: usize| values::<UInt64Type>(&batch, column)[row];
            let components = (0..table.components.len()).map(|n| digest(n + 2)).collect();
            table.rows.push(DigestRow {
                t_ns: unsigned(t_ns)?,
                chain: digest(1),
                components,
            });
        }
    }
    Ok(table)
}
