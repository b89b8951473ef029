//! What all Parquet files of a run have in common.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_array::cast::AsArray;
use arrow_array::types::{ArrowDictionaryKeyType, ArrowPrimitiveType};
use arrow_array::{Array, ArrayRef, DictionaryArray, PrimitiveArray, StringArray};
use arrow_schema::{ArrowError, DataType, Field, Schema, SchemaRef};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader,
    ParquetRecordBatchReaderBuilder,
};
use parquet::basic::{Compression, Encoding};
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::file::statistics::Statistics;
use parquet::schema::types::ColumnPath;

use super::{BATCH_ROWS, ROW_GROUP_ROWS, ReadError};

/// Writes batches of rows with fixed properties, so that the bytes depend on the rows alone.
pub(super) struct Table<W: Write + Send> {
    writer: ArrowWriter<W>,
    schema: SchemaRef,
}

impl<W: Write + Send> Table<W> {
    /// Begins a file.
    ///
    /// # Arguments
    ///
    /// * `counting` — integer columns that mostly grow by the same step; they are stored as differences.
    /// * `notes` — key and value pairs for the footer.
    pub(super) fn new(
        out: W,
        fields: Vec<Field>,
        counting: &[&str],
        notes: Vec<(String, String)>,
    ) -> io::Result<Self> {
        Self::make(out, fields, counting, notes, ROW_GROUP_ROWS)
    }

    /// Begins a file of which any part can be read without the rest; a part has at most `rows` rows.
    pub(super) fn in_parts(
        out: W,
        fields: Vec<Field>,
        counting: &[&str],
        rows: usize,
    ) -> io::Result<Self> {
        Self::make(out, fields, counting, Vec::new(), rows)
    }

    fn make(
        out: W,
        fields: Vec<Field>,
        counting: &[&str],
        notes: Vec<(String, String)>,
        group_rows: usize,
    ) -> io::Result<Self> {
        let schema = Arc::new(Schema::new(fields));
        let notes = notes
            .into_iter()
            .map(|(key, value)| KeyValue::new(key, value))
            .collect();
        let mut properties = WriterProperties::builder()
            .set_created_by("twinrange".to_owned())
            .set_compression(Compression::SNAPPY)
            .set_max_row_group_row_count(Some(group_rows))
            .set_statistics_enabled(EnabledStatistics::Chunk)
            .set_key_value_metadata(Some(notes));
        for column in counting {
            let column = ColumnPath::from(*column);
            properties = properties
                .set_column_dictionary_enabled(column.clone(), false)
                .set_column_encoding(column, Encoding::DELTA_BINARY_PACKED);
        }
        let writer = ArrowWriter::try_new(out, Arc::clone(&schema), Some(properties.build()))
            .map_err(io::Error::other)?;
        Ok(Self { writer, schema })
    }

    pub(super) fn write(&mut self, columns: Vec<ArrayRef>) -> io::Result<()> {
        let batch = RecordBatch::try_new(Arc::clone(&self.schema), columns)
            .expect("the columns are those of the schema");
        self.writer.write(&batch).map_err(io::Error::other)
    }

    pub(super) fn finish(self) -> io::Result<W> {
        self.writer.into_inner().map_err(io::Error::other)
    }
}

/// A column of names, stored as numbers into a list of them.
pub(super) fn name_type() -> DataType {
    DataType::Dictionary(Box::new(DataType::UInt16), Box::new(DataType::Utf8))
}

/// Makes a column of names from numbers into a list.
pub(super) fn names<K: ArrowDictionaryKeyType>(
    keys: PrimitiveArray<K>,
    names: &Arc<StringArray>,
) -> ArrayRef {
    let array: DictionaryArray<K> =
        DictionaryArray::try_new(keys, Arc::clone(names) as ArrayRef).expect("keys are in range");
    Arc::new(array)
}

/// The signed form in which times and counts are stored, for tools without unsigned integers.
pub(super) fn signed(value: u64) -> i64 {
    i64::try_from(value).expect("a run is shorter than 292 years")
}

/// A file that is being read.
pub(super) struct Rows {
    reader: ParquetRecordBatchReader,
    /// The columns of the file.
    pub(super) schema: SchemaRef,
    notes: Vec<KeyValue>,
}

impl Rows {
    /// Opens a file and checks that it has these columns, in this order, at the beginning.
    pub(super) fn open(path: &Path, columns: &[(&str, DataType)]) -> Result<Self, ReadError> {
        let builder = ParquetRecordBatchReaderBuilder::try_new(File::open(path)?)
            .map_err(|error| ReadError::Damaged(format!("it is not a Parquet file: {error}")))?;
        let schema = Arc::clone(builder.schema());
        check_columns(&schema, columns)?;
        let notes = builder
            .metadata()
            .file_metadata()
            .key_value_metadata()
            .cloned();
        let reader = builder
            .with_batch_size(BATCH_ROWS)
            .build()
            .map_err(|error| ReadError::Damaged(error.to_string()))?;
        Ok(Self {
            reader,
            schema,
            notes: notes.unwrap_or_default(),
        })
    }

    /// A note from the footer.
    pub(super) fn note(&self, key: &str) -> Option<&str> {
        self.notes
            .iter()
            .find(|note| note.key == key)?
            .value
            .as_deref()
    }

    /// The next batch, without nulls.
    pub(super) fn batch(&mut self) -> Option<Result<RecordBatch, ReadError>> {
        self.reader.next().map(without_nulls)
    }
}

/// Checks that a file has these columns, in this order, at the beginning.
fn check_columns(schema: &Schema, columns: &[(&str, DataType)]) -> Result<(), ReadError> {
    for (index, (name, kind)) in columns.iter().enumerate() {
        let found = schema.fields().get(index);
        if !found.is_some_and(|field| field.name() == name && field.data_type() == kind) {
            let why = format!("column {} is not `{name}` of type {kind}", index + 1);
            return Err(ReadError::Damaged(why));
        }
    }
    Ok(())
}

fn without_nulls(batch: Result<RecordBatch, ArrowError>) -> Result<RecordBatch, ReadError> {
    let batch = batch.map_err(|error| ReadError::Damaged(error.to_string()))?;
    let has_null = |column: &ArrayRef| column.null_count() > 0;
    match batch.columns().iter().position(has_null) {
        None => Ok(batch),
        Some(column) => {
            let name = batch.schema().field(column).name().clone();
            let why = format!("column `{name}` has a row without a value");
            Err(ReadError::Damaged(why))
        }
    }
}

/// A file whose row groups are read one by one, found by the times in them.
#[derive(Debug)]
pub(super) struct Indexed {
    file: File,
    metadata: ArrowReaderMetadata,
    parts: Vec<(u64, u64)>,
}

impl Indexed {
    /// Opens a file, checks its columns and reads where which time stands. `t_ns` is the index of the column
    /// with the times.
    pub(super) fn open(
        path: &Path,
        columns: &[(&str, DataType)],
        t_ns: usize,
    ) -> Result<Self, ReadError> {
        let file = File::open(path)?;
        let metadata = ArrowReaderMetadata::load(&file, ArrowReaderOptions::default())
            .map_err(|error| ReadError::Damaged(format!("it is not a Parquet file: {error}")))?;
        check_columns(metadata.schema(), columns)?;
        let mut parts: Vec<(u64, u64)> = Vec::new();
        for group in metadata.metadata().row_groups() {
            let times = match group
                .columns()
                .get(t_ns)
                .and_then(|column| column.statistics())
            {
                Some(Statistics::Int64(times)) => times.min_opt().zip(times.max_opt()),
                _ => None,
            };
            let (&first, &last) = times.ok_or_else(|| {
                ReadError::Damaged("a row group does not say from when to when it is".to_owned())
            })?;
            let (first, last) = (unsigned(first)?, unsigned(last)?);
            if parts.last().is_some_and(|(_, before)| *before > first) {
                return Err(ReadError::Damaged(format!("time goes back at {first} ns")));
            }
            parts.push((first, last));
        }
        Ok(Self {
            file,
            metadata,
            parts,
        })
    }

    /// The first and last time in each row group, ns, ascending.
    pub(super) fn parts(&self) -> &[(u64, u64)] {
        &self.parts
    }

    /// The batches of a row group.
    pub(super) fn batches(
        &self,
        part: usize,
    ) -> Result<impl Iterator<Item = Result<RecordBatch, ReadError>> + use<>, ReadError> {
        let file = self.file.try_clone()?;
        let builder =
            ParquetRecordBatchReaderBuilder::new_with_metadata(file, self.metadata.clone());
        let reader = builder
            .with_row_groups(vec![part])
            .with_batch_size(BATCH_ROWS)
            .build()
            .map_err(|error| ReadError::Damaged(error.to_string()))?;
        Ok(reader.map(without_nulls))
    }
}

/// What each row of a column of names means; each name is asked for once.
pub(super) fn meanings<T: Copy>(
    batch: &RecordBatch,
    column: usize,
    meaning: impl Fn(&str) -> Result<T, ReadError>,
) -> Result<Vec<T>, ReadError> {
    let array = batch
        .column(column)
        .as_dictionary::<arrow_array::types::UInt16Type>();
    let names = array.values().as_string_opt::<i32>();
    let names = names.ok_or_else(|| ReadError::Damaged("names are no text".to_owned()))?;
    let mut known: Vec<Option<T>> = vec![None; names.len()];
    let mut found = Vec::with_capacity(array.len());
    for &key in array.keys().values() {
        let key = usize::from(key);
        let meant = match known.get(key) {
            Some(Some(meant)) => *meant,
            Some(None) if names.is_valid(key) => meaning(names.value(key))?,
            _ => {
                return Err(ReadError::Damaged(format!(
                    "row {} names nothing",
                    found.len()
                )));
            }
        };
        known[key] = Some(meant);
        found.push(meant);
    }
    Ok(found)
}

/// The values of a column of a type that [`Rows::open`] has checked.
pub(super) fn values<T: ArrowPrimitiveType>(batch: &RecordBatch, column: usize) -> &[T::Native] {
    batch.column(column).as_primitive::<T>().values()
}

/// The names of a column that [`Rows::open`] has checked, by row.
pub(super) fn text(batch: &RecordBatch, column: usize, row: usize) -> Result<&str, ReadError> {
    let array = batch
        .column(column)
        .as_dictionary::<arrow_array::types::UInt16Type>();
    let names = array.values().as_string_opt::<i32>();
    let key = usize::from(array.keys().value(row));
    match names {
        Some(names) if key < names.len() && names.is_valid(key) => Ok(names.value(key)),
        _ => Err(ReadError::Damaged(format!(
            "row {row} of a batch names nothing"
        ))),
    }
}

/// A stored time or count, which is never negative.
pub(super) fn unsigned(value: i64) -> Result<u64, ReadError> {
    u64::try_from(value).map_err(|_| ReadError::Damaged(format!("{value} is negative")))
}
