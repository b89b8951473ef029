//! `evidence/tags.parquet`: what the historian recorded.
//!
//! | column | type | meaning |
//! | --- | --- | --- |
//! | `t_ns` | i64 | simulated time of the sample, ns since the start of the run |
//! | `time` | timestamp, ns, UTC | the same as a wall-like time, as in captures and logs |
//! | `tag` | text (dictionary) | name of the tag |
//! | `value` | f64 | in the tag's unit; switches are 0 and 1 |
//! | `quality` | text (dictionary) | `good`, `uncertain` or `bad`, the classes of OPC |

use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;

use arrow_array::types::{Float64Type, Int64Type};
use arrow_array::{Float64Array, Int64Array, StringArray, TimestampNanosecondArray, UInt16Array};
use arrow_schema::{DataType, Field, TimeUnit};
use serde::{Deserialize, Serialize};

use super::columns::{Rows, Table, name_type, names, signed, text, unsigned, values};
use super::{BATCH_ROWS, EPOCH_UNIX_NS, ReadError};

/// Whether a sample can be trusted, in the classes of OPC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Quality {
    /// Fresh and valid.
    Good,
    /// Old or doubtful.
    Uncertain,
    /// Not to be used.
    Bad,
}

impl Quality {
    /// All of them; the index is the number in the file.
    const ALL: [Self; 3] = [Self::Good, Self::Uncertain, Self::Bad];

    /// The word in the file.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Uncertain => "uncertain",
            Self::Bad => "bad",
        }
    }
}

/// One recorded value.
#[derive(Clone, Debug, PartialEq)]
pub struct TagRow {
    /// Simulated time, ns.
    pub t_ns: u64,
    /// Name of the tag.
    pub tag: String,
    /// In the tag's unit.
    pub value: f64,
    /// Whether it can be trusted.
    pub quality: Quality,
}

/// Writes the historian's samples.
pub struct TagWriter<W: Write + Send> {
    table: Table<W>,
    tags: Arc<StringArray>,
    qualities: Arc<StringArray>,
    rows: u64,
    t_ns: Vec<i64>,
    tag: Vec<u16>,
    value: Vec<f64>,
    quality: Vec<u16>,
}

fn columns() -> [(&'static str, DataType); 5] {
    [
        ("t_ns", DataType::Int64),
        (
            "time",
            DataType::Timestamp(TimeUnit::Nanosecond, Some("UTC".into())),
        ),
        ("tag", name_type()),
        ("value", DataType::Float64),
        ("quality", name_type()),
    ]
}

impl<W: Write + Send> TagWriter<W> {
    /// Begins the file.
    ///
    /// # Arguments
    ///
    /// * `tags` — names of the tags; rows refer to them by index.
    ///
    /// # Errors
    ///
    /// Those of `out`.
    pub fn new(out: W, tags: &[String]) -> io::Result<Self> {
        let fields = columns().map(|(name, kind)| Field::new(name, kind, false));
        Ok(Self {
            table: Table::new(out, fields.into(), &["t_ns", "time"], Vec::new())?,
            tags: Arc::new(StringArray::from_iter_values(tags)),
            qualities: Arc::new(StringArray::from_iter_values(
                Quality::ALL.map(Quality::name),
            )),
            rows: 0,
            t_ns: Vec::with_capacity(BATCH_ROWS),
            tag: Vec::with_capacity(BATCH_ROWS),
            value: Vec::with_capacity(BATCH_ROWS),
            quality: Vec::with_capacity(BATCH_ROWS),
        })
    }

    /// Appends a sample.
    ///
    /// # Errors
    ///
    /// Those of the writer below.
    pub fn row(&mut self, t_ns: u64, tag: u16, value: f64, quality: Quality) -> io::Result<()> {
        self.t_ns.push(signed(t_ns));
        self.tag.push(tag);
        self.value.push(value);
        self.quality.push(quality as u16);
        self.rows += 1;
        if self.t_ns.len() == BATCH_ROWS {
            self.flush()
        } else {
            Ok(())
        }
    }

    /// How many samples were written.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.rows
    }

    fn flush(&mut self) -> io::Result<()> {
        let epoch = signed(EPOCH_UNIX_NS);
        let time = self
            .t_ns
            .iter()
            .map(|t_ns| t_ns + epoch)
            .collect::<Vec<_>>();
        let time = TimestampNanosecondArray::from(time).with_timezone("UTC");
        self.table.write(vec![
            Arc::new(Int64Array::from(std::mem::take(&mut self.t_ns))),
            Arc::new(time),
            names(UInt16Array::from(std::mem::take(&mut self.tag)), &self.tags),
            Arc::new(Float64Array::from(std::mem::take(&mut self.value))),
            names(
                UInt16Array::from(std::mem::take(&mut self.quality)),
                &self.qualities,
            ),
        ])
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

/// Reads the samples back, in the order of the file.
///
/// # Errors
///
/// [`ReadError`] if the file is missing, cut or of another form, at once or in the middle.
pub fn read(
    path: &Path,
) -> Result<impl Iterator<Item = Result<Vec<TagRow>, ReadError>> + use<>, ReadError> {
    let mut rows = Rows::open(path, &columns())?;
    Ok(std::iter::from_fn(move || {
        let batch = match rows.batch()? {
            Ok(batch) => batch,
            Err(error) => return Some(Err(error)),
        };
        let (t_ns, value) = (
            values::<Int64Type>(&batch, 0),
            values::<Float64Type>(&batch, 3),
        );
        let row = |row: usize| {
            let quality = text(&batch, 4, row)?;
            let known = Quality::ALL
                .into_iter()
                .find(|known| known.name() == quality);
            Ok(TagRow {
                t_ns: unsigned(t_ns[row])?,
                tag: text(&batch, 2, row)?.to_owned(),
                value: value[row],
                quality: known
                    .ok_or_else(|| ReadError::Damaged(format!("`{quality}` is no quality")))?,
            })
        };
        Some((0..batch.num_rows()).map(row).collect())
    }))
}
