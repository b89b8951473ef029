//! `truth/frames.parquet`: what every captured frame belongs to.
//!
//! | column | type | meaning |
//! | --- | --- | --- |
//! | `span` | text (dictionary) | name of the SPAN port |
//! | `frame` | i64 | number in `evidence/span-<name>.pcapng`, from 1 |
//! | `step` | text (dictionary) | id of the attack step, or `benign` |
//! | `relation` | text (dictionary) | `benign`, `sent`, `reply` or `diverted` |
//! | `denied` | bool | whether the switch stopped it after the SPAN port saw it |

use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{BooleanArray, Int64Array, StringArray, UInt16Array};
use arrow_schema::{DataType, Field};
use serde::{Deserialize, Serialize};

use super::columns::{Rows, Table, name_type, names, signed, text, unsigned, values};
use super::{BATCH_ROWS, ReadError};

/// The word for frames that belong to no attack step.
pub const BENIGN: &str = "benign";

/// How a frame relates to its attack step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Relation {
    /// Ordinary plant traffic.
    Benign,
    /// The attacker sent it.
    Sent,
    /// Somebody answered the attacker with it.
    Reply,
    /// It was meant for somebody else and went to the attacker because of a forged address.
    Diverted,
}

impl Relation {
    /// All of them; the index is the number in the file.
    const ALL: [Self; 4] = [Self::Benign, Self::Sent, Self::Reply, Self::Diverted];

    /// The word in the file.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Benign => BENIGN,
            Self::Sent => "sent",
            Self::Reply => "reply",
            Self::Diverted => "diverted",
        }
    }
}

/// The truth about one frame, by the numbers of its names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameTruth {
    /// Index of the attack step; `None` for ordinary traffic.
    pub step: Option<u16>,
    /// How it belongs to the step.
    pub relation: Relation,
    /// Whether the switch stopped it.
    pub denied: bool,
}

impl FrameTruth {
    /// Ordinary traffic that went its way.
    pub const BENIGN: Self = Self {
        step: None,
        relation: Relation::Benign,
        denied: false,
    };
}

/// One row as it is read back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FrameRow {
    /// Name of the SPAN port.
    pub span: String,
    /// Number in that port's capture, from 1.
    pub frame: u64,
    /// Id of the attack step; `None` for ordinary traffic.
    pub step: Option<String>,
    /// How it belongs to the step.
    pub relation: Relation,
    /// Whether the switch stopped it.
    pub denied: bool,
}

/// Writes the truth about frames.
pub struct FrameWriter<W: Write + Send> {
    table: Table<W>,
    span_names: Arc<StringArray>,
    step_names: Arc<StringArray>,
    relation_names: Arc<StringArray>,
    span: Vec<u16>,
    frame: Vec<i64>,
    step: Vec<u16>,
    relation: Vec<u16>,
    denied: Vec<bool>,
}

fn columns() -> [(&'static str, DataType); 5] {
    [
        ("span", name_type()),
        ("frame", DataType::Int64),
        ("step", name_type()),
        ("relation", name_type()),
        ("denied", DataType::Boolean),
    ]
}

impl<W: Write + Send> FrameWriter<W> {
    /// Begins the file.
    ///
    /// # Arguments
    ///
    /// * `spans` — names of the SPAN ports; rows refer to them by index.
    /// * `steps` — ids of the playbook's steps; rows refer to them by index.
    ///
    /// # Errors
    ///
    /// Those of `out`.
    pub fn new(out: W, spans: &[String], steps: &[String]) -> io::Result<Self> {
        let fields = columns().map(|(name, kind)| Field::new(name, kind, false));
        let step_names = std::iter::once(BENIGN).chain(steps.iter().map(String::as_str));
        Ok(Self {
            table: Table::new(out, fields.into(), &["frame"], Vec::new())?,
            span_names: Arc::new(StringArray::from_iter_values(spans)),
            step_names: Arc::new(StringArray::from_iter_values(step_names)),
            relation_names: Arc::new(StringArray::from_iter_values(
                Relation::ALL.map(Relation::name),
            )),
            span: Vec::with_capacity(BATCH_ROWS),
            frame: Vec::with_capacity(BATCH_ROWS),
            step: Vec::with_capacity(BATCH_ROWS),
            relation: Vec::with_capacity(BATCH_ROWS),
            denied: Vec::with_capacity(BATCH_ROWS),
        })
    }

    /// Appends the truth about a frame.
    ///
    /// # Errors
    ///
    /// Those of the writer below.
    pub fn row(&mut self, span: u16, frame: u64, truth: FrameTruth) -> io::Result<()> {
        self.span.push(span);
        self.frame.push(signed(frame));
        self.step.push(truth.step.map_or(0, |step| step + 1));
        self.relation.push(truth.relation as u16);
        self.denied.push(truth.denied);
        if self.frame.len() == BATCH_ROWS {
            self.flush()
        } else {
            Ok(())
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.table.write(vec![
            names(
                UInt16Array::from(std::mem::take(&mut self.span)),
                &self.span_names,
            ),
            Arc::new(Int64Array::from(std::mem::take(&mut self.frame))),
            names(
                UInt16Array::from(std::mem::take(&mut self.step)),
                &self.step_names,
            ),
            names(
                UInt16Array::from(std::mem::take(&mut self.relation)),
                &self.relation_names,
            ),
            Arc::new(BooleanArray::from(std::mem::take(&mut self.denied))),
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

/// Reads rows back, in the order of the file; only those of attack steps if `attack_only`.
///
/// # Errors
///
/// [`ReadError`] if the file is missing, cut or of another form, at once or in the middle.
pub fn read(
    path: &Path,
    attack_only: bool,
) -> Result<impl Iterator<Item = Result<Vec<FrameRow>, ReadError>> + use<>, ReadError> {
    let mut rows = Rows::open(path, &columns())?;
    Ok(std::iter::from_fn(move || {
        let batch = match rows.batch()? {
            Ok(batch) => batch,
            Err(error) => return Some(Err(error)),
        };
        let (frame, denied) = (values::<Int64Type>(&batch, 1), batch.column(4).as_boolean());
        let mut found = Vec::new();
        for (row, &frame) in frame.iter().enumerate() {
            match read_row(&batch, row, frame, denied.value(row), attack_only) {
                Ok(row) => found.extend(row),
                Err(error) => return Some(Err(error)),
            }
        }
        Some(Ok(found))
    }))
}

fn read_row(
    batch: &arrow_array::RecordBatch,
    row: usize,
    frame: i64,
    denied: bool,
    attack_only: bool,
) -> Result<Option<FrameRow>, ReadError> {
    let step = Some(text(batch, 2, row)?).filter(|step| *step != BENIGN);
    if attack_only && step.is_none() {
        return Ok(None);
    }
    let word = text(batch, 3, row)?;
    let relation = Relation::ALL.into_iter().find(|known| known.name() == word);
    Ok(Some(FrameRow {
        span: text(batch, 0, row)?.to_owned(),
        frame: unsigned(frame)?,
        step: step.map(str::to_owned),
        relation: relation.ok_or_else(|| ReadError::Damaged(format!("`{word}` is no relation")))?,
        denied,
    }))
}
