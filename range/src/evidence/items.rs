//! `truth/items.parquet`: where every item on the line was, one row per item and truth sample.
//!
//! | column | type | meaning |
//! | --- | --- | --- |
//! | `t_ns` | i64 | simulated time, ns since the start of the run |
//! | `item` | i64 | serial number |
//! | `place` | text (dictionary) | where it is: a belt, a table |
//! | `at_m` | f32 | how far along that place, m |
//! | `content_ml` | f32 | content, mL |
//! | `closed`, `fallen`, `broken` | bool | what can be seen of it |
//!
//! A file has row groups of [`PART_ROWS`] rows, and [`Items`] reads them one by one.

use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float32Type, Int64Type};
use arrow_array::{BooleanArray, Float32Array, Int64Array, StringArray, UInt16Array};
use arrow_schema::{DataType, Field};
use sim_plant::ItemView;

use super::columns::{Indexed, Table, meanings, name_type, names, signed, unsigned, values};
use super::frames::index_of;
use super::{BATCH_ROWS, PART_ROWS, ReadError};

fn columns() -> [(&'static str, DataType); 8] {
    [
        ("t_ns", DataType::Int64),
        ("item", DataType::Int64),
        ("place", name_type()),
        ("at_m", DataType::Float32),
        ("content_ml", DataType::Float32),
        ("closed", DataType::Boolean),
        ("fallen", DataType::Boolean),
        ("broken", DataType::Boolean),
    ]
}

/// Writes where items are.
pub struct ItemWriter<W: Write + Send> {
    table: Table<W>,
    places: Arc<StringArray>,
    t_ns: Vec<i64>,
    item: Vec<i64>,
    place: Vec<u16>,
    at_m: Vec<f32>,
    content_ml: Vec<f32>,
    states: [Vec<bool>; 3],
}

impl<W: Write + Send> ItemWriter<W> {
    /// Begins the file. `places` are the places that [`ItemView::place`] counts.
    ///
    /// # Errors
    ///
    /// Those of `out`.
    pub fn new(out: W, places: &[String]) -> io::Result<Self> {
        let fields = columns().map(|(name, kind)| Field::new(name, kind, false));
        Ok(Self {
            table: Table::in_parts(out, fields.into(), &["t_ns", "item"], PART_ROWS)?,
            places: Arc::new(StringArray::from_iter_values(places)),
            t_ns: Vec::with_capacity(BATCH_ROWS),
            item: Vec::with_capacity(BATCH_ROWS),
            place: Vec::with_capacity(BATCH_ROWS),
            at_m: Vec::with_capacity(BATCH_ROWS),
            content_ml: Vec::with_capacity(BATCH_ROWS),
            states: Default::default(),
        })
    }

    /// Appends an item.
    ///
    /// # Errors
    ///
    /// Those of the writer below.
    pub fn row(&mut self, t_ns: u64, item: &ItemView) -> io::Result<()> {
        self.t_ns.push(signed(t_ns));
        self.item.push(i64::from(item.id));
        self.place.push(u16::from(item.place));
        self.at_m.push(narrow(item.at_m));
        self.content_ml.push(narrow(item.content_ml));
        for (column, state) in self
            .states
            .iter_mut()
            .zip([item.closed, item.fallen, item.broken])
        {
            column.push(state);
        }
        if self.t_ns.len() == BATCH_ROWS {
            self.flush()
        } else {
            Ok(())
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        let [closed, fallen, broken] = std::mem::take(&mut self.states);
        self.table.write(vec![
            Arc::new(Int64Array::from(std::mem::take(&mut self.t_ns))),
            Arc::new(Int64Array::from(std::mem::take(&mut self.item))),
            names(
                UInt16Array::from(std::mem::take(&mut self.place)),
                &self.places,
            ),
            Arc::new(Float32Array::from(std::mem::take(&mut self.at_m))),
            Arc::new(Float32Array::from(std::mem::take(&mut self.content_ml))),
            Arc::new(BooleanArray::from(closed)),
            Arc::new(BooleanArray::from(fallen)),
            Arc::new(BooleanArray::from(broken)),
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

#[expect(
    clippy::cast_possible_truncation,
    reason = "seven digits are more than a picture shows"
)]
fn narrow(value: f64) -> f32 {
    value as f32
}

/// An item at a time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SeenItem {
    /// Simulated time, ns.
    pub t_ns: u64,
    /// The item; its place counts in the order of the places given to [`Items::open`].
    pub item: ItemView,
}

/// Where items were in a run, any part of it without the rest.
#[derive(Debug)]
pub struct Items {
    rows: Indexed,
    places: Vec<String>,
}

impl Items {
    /// Opens the file and reads its index. `places` are the places of the plant; another one is damage.
    ///
    /// # Errors
    ///
    /// [`ReadError`] if the file is missing, cut or of another form.
    pub fn open(path: &Path, places: Vec<String>) -> Result<Self, ReadError> {
        let rows = Indexed::open(path, &columns(), 0)?;
        Ok(Self { rows, places })
    }

    /// The first and last time in each part of the file, ns, ascending. A time can be in two parts.
    #[must_use]
    pub fn parts(&self) -> &[(u64, u64)] {
        self.rows.parts()
    }

    /// The rows of a part, in order of time.
    ///
    /// # Errors
    ///
    /// [`ReadError`] if the file is damaged.
    pub fn part(&self, part: usize) -> Result<Vec<SeenItem>, ReadError> {
        let mut found = Vec::new();
        for batch in self.rows.batches(part)? {
            let batch = batch?;
            let place_of = |name: &str| {
                let place = index_of(&self.places, name)?;
                u8::try_from(place).map_err(|_| ReadError::Damaged("too many places".to_owned()))
            };
            let places = meanings(&batch, 2, place_of)?;
            let (at_m, content_ml) = (
                values::<Float32Type>(&batch, 3),
                values::<Float32Type>(&batch, 4),
            );
            let states = [5, 6, 7].map(|column| batch.column(column).as_boolean());
            let ids = values::<Int64Type>(&batch, 1);
            for (row, &t_ns) in values::<Int64Type>(&batch, 0).iter().enumerate() {
                let id = u32::try_from(ids[row]);
                let id = id.map_err(|_| ReadError::Damaged(format!("{} is no item", ids[row])))?;
                let [closed, fallen, broken] = states.map(|state| state.value(row));
                let item = ItemView {
                    id,
                    place: places[row],
                    at_m: f64::from(at_m[row]),
                    content_ml: f64::from(content_ml[row]),
                    closed,
                    fallen,
                    broken,
                };
                let t_ns = unsigned(t_ns)?;
                found.push(SeenItem { t_ns, item });
            }
        }
        Ok(found)
    }
}
