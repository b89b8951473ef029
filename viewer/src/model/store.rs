//! A run's samples by time: from its folder, any part without the rest, or from a simulation under way.
//!
//! **Invariant:** opening costs the tables of values and the indices of the others, whatever the length of the run;
//! a look at one time costs a part or two of each.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex};

use sim_plant::observe::{SceneRow, TruthRow};
use twinrange_range::evidence::ReadError;
use twinrange_range::evidence::frames::SeenFrame;
use twinrange_range::evidence::items::SeenItem;
use twinrange_range::evidence::process::ProcessTable;
use twinrange_range::problem::Problems;
use twinrange_range::run_folder::RunFolder;

use super::plan::Truth;

/// Parts that are kept once they were read.
const KEPT_PARTS: usize = 6;

/// Something at a time.
pub trait Timed {
    /// Simulated time, ns.
    fn t_ns(&self) -> u64;
}

impl Timed for SeenItem {
    fn t_ns(&self) -> u64 {
        self.t_ns
    }
}

impl Timed for SeenFrame {
    fn t_ns(&self) -> u64 {
        self.t_ns
    }
}

type Load<T> = Box<dyn Fn(usize) -> Result<Vec<T>, ReadError> + Send + Sync>;

/// Rows in parts that are read when somebody looks at them.
pub struct Pages<T> {
    /// First and last time of each part, ns, ascending.
    spans: Vec<(u64, u64)>,
    load: Option<Load<T>>,
    /// Parts that are in memory from the beginning: those of a simulation under way.
    held: Vec<Arc<Vec<T>>>,
    recent: Mutex<VecDeque<(usize, Arc<Vec<T>>)>>,
    damage: Mutex<Option<String>>,
}

impl<T: Timed + Copy> Pages<T> {
    fn new(spans: Vec<(u64, u64)>, load: Option<Load<T>>) -> Self {
        Self {
            spans,
            load,
            held: Vec::new(),
            recent: Mutex::default(),
            damage: Mutex::default(),
        }
    }

    fn push(&mut self, rows: Vec<T>) {
        if let (Some(first), Some(last)) = (rows.first(), rows.last()) {
            self.spans.push((first.t_ns(), last.t_ns()));
            self.held.push(Arc::new(rows));
        }
    }

    fn part(&self, part: usize) -> Arc<Vec<T>> {
        let Some(load) = &self.load else {
            return Arc::clone(&self.held[part]);
        };
        let mut recent = self.recent.lock().expect("nobody panics with the lock");
        if let Some(at) = recent.iter().position(|(number, _)| *number == part) {
            let found = recent.remove(at).expect("it was just there");
            recent.push_front(found);
            return Arc::clone(&recent[0].1);
        }
        let rows = load(part).unwrap_or_else(|error| {
            // A part that cannot be read shows nothing; the rest of the run does.
            let mut damage = self.damage.lock().expect("nobody panics with the lock");
            damage.get_or_insert_with(|| error.to_string());
            Vec::new()
        });
        let rows = Arc::new(rows);
        recent.push_front((part, Arc::clone(&rows)));
        recent.truncate(KEPT_PARTS);
        rows
    }

    /// Calls `see` for every row in `from_ns..=to_ns`, in order of time.
    pub fn between(&self, from_ns: u64, to_ns: u64, mut see: impl FnMut(&T)) {
        let first = self.spans.partition_point(|(_, last)| *last < from_ns);
        for part in first..self.spans.len() {
            if self.spans[part].0 > to_ns {
                break;
            }
            let rows = self.part(part);
            let start = rows.partition_point(|row| row.t_ns() < from_ns);
            for row in &rows[start..] {
                if row.t_ns() > to_ns {
                    break;
                }
                see(row);
            }
        }
    }
}

/// What a simulation hands over after each interval.
#[derive(Debug, Default)]
pub struct Chunk {
    /// Rows of the physical truth.
    pub process: Vec<TruthRow>,
    /// What there was to see.
    pub scene: Vec<SceneRow>,
    /// Frames.
    pub frames: Vec<SeenFrame>,
}

/// A run's samples.
pub struct Store {
    /// The physical truth.
    pub process: ProcessTable,
    /// What the screens showed.
    pub screens: ProcessTable,
    /// What was in the controllers.
    pub memory: ProcessTable,
    /// The items.
    pub items: Pages<SeenItem>,
    /// The frames.
    pub frames: Pages<SeenFrame>,
    /// How far it goes, ns.
    pub end_ns: u64,
    /// Sums of columns over time up to each row, as far as somebody has asked.
    travels: Mutex<HashMap<Truth, Vec<f64>>>,
}

impl Store {
    /// Opens a run folder.
    ///
    /// # Errors
    ///
    /// Every file that is missing or damaged.
    pub fn open(
        folder: &RunFolder,
        hosts: Vec<String>,
        steps: Vec<String>,
        places: Vec<String>,
    ) -> Result<Self, Problems> {
        let items = folder.items(places)?;
        let frames = folder.traffic(hosts, steps)?;
        Ok(Self {
            process: folder.process()?,
            screens: folder.screens()?,
            memory: folder.controllers()?,
            items: Pages::new(
                items.parts().to_vec(),
                Some(Box::new(move |part| items.part(part))),
            ),
            frames: Pages::new(
                frames.parts().to_vec(),
                Some(Box::new(move |part| frames.part(part))),
            ),
            end_ns: folder.manifest().simulated_ns,
            travels: Mutex::default(),
        })
    }

    /// An empty one, for a simulation that is about to begin.
    #[must_use]
    pub fn empty(process: ProcessTable, screens: ProcessTable, memory: ProcessTable) -> Self {
        Self {
            process,
            screens,
            memory,
            items: Pages::new(Vec::new(), None),
            frames: Pages::new(Vec::new(), None),
            end_ns: 0,
            travels: Mutex::default(),
        }
    }

    /// Takes what a simulation has seen up to `end_ns`.
    pub fn push(&mut self, chunk: Chunk, end_ns: u64) {
        for row in chunk.process {
            self.process.push(row.at.as_nanos(), &row.values);
        }
        let mut items = Vec::new();
        for row in chunk.scene {
            let t_ns = row.at.as_nanos();
            self.screens.push(t_ns, &row.screens);
            self.memory.push(t_ns, &row.memory);
            items.extend(row.items.into_iter().map(|item| SeenItem { t_ns, item }));
        }
        self.items.push(items);
        self.frames.push(chunk.frames);
        self.end_ns = end_ns;
    }

    /// The sum of a column over time from the first row to row `at`, in its unit times seconds.
    #[must_use]
    pub fn travel(&self, truth: Truth, at: usize) -> f64 {
        let (table, column) = match truth {
            Truth::Column(column) => (&self.process, column),
            Truth::Memory(column) => (&self.memory, column),
        };
        let (rows, times) = (table.values(column), table.t_ns());
        let mut travels = self.travels.lock().expect("nobody panics with the lock");
        let sums = travels.entry(truth).or_default();
        while sums.len() <= at {
            let row = sums.len();
            let before = row.checked_sub(1).map_or(0.0, |before| {
                let step = (times[row] - times[before]) as f64 / 1e9;
                let value = rows[before];
                sums[before] + if value.is_nan() { 0.0 } else { value * step }
            });
            sums.push(before);
        }
        sums[at]
    }

    /// What could not be read, if anything.
    #[must_use]
    pub fn damage(&self) -> Option<String> {
        let of = |damage: &Mutex<Option<String>>| {
            damage.lock().expect("nobody panics with the lock").clone()
        };
        of(&self.items.damage).or_else(|| of(&self.frames.damage))
    }
}

/// The rows around a time: the last one at or before it and the first one after it, as indices, and how far the time
/// is from the one to the other, 0 to 1. Before the first row both are the first; behind the last, the last.
#[must_use]
pub fn around(t_ns: u64, times: &[u64]) -> Option<(usize, usize, f64)> {
    let next = times.partition_point(|time| *time <= t_ns);
    let last = times.len().checked_sub(1)?;
    if next == 0 {
        return Some((0, 0, 0.0));
    }
    if next > last {
        return Some((last, last, 0.0));
    }
    let (a, b) = (times[next - 1], times[next]);
    let share = (t_ns - a) as f64 / (b - a) as f64;
    Some((next - 1, next, share))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn around_when_before_between_and_behind_then_rows_that_exist() {
        let times = [10, 20, 40];
        assert_eq!(around(5, &[]), None);
        assert_eq!(around(5, &times), Some((0, 0, 0.0)));
        assert_eq!(around(10, &times), Some((0, 1, 0.0)));
        assert_eq!(around(25, &times), Some((1, 2, 0.25)));
        assert_eq!(around(40, &times), Some((2, 2, 0.0)));
        assert_eq!(around(90, &times), Some((2, 2, 0.0)));
    }

    #[derive(Clone, Copy, Debug, PartialEq)]
    struct Row(u64);

    impl Timed for Row {
        fn t_ns(&self) -> u64 {
            self.0
        }
    }

    #[test]
    fn pages_when_parts_meet_in_a_time_then_each_row_is_seen_once() {
        let parts = [
            vec![Row(1), Row(2), Row(2)],
            vec![Row(2), Row(3)],
            vec![Row(9)],
        ];
        let spans = parts
            .iter()
            .map(|part| (part[0].0, part[part.len() - 1].0))
            .collect();
        let read = parts.clone();
        let pages = Pages::new(spans, Some(Box::new(move |part| Ok(read[part].clone()))));
        let between = |from, to| {
            let mut seen = Vec::new();
            pages.between(from, to, |row| seen.push(row.0));
            seen
        };
        assert_eq!(between(2, 2), [2, 2, 2]);
        assert_eq!(between(0, 99), [1, 2, 2, 2, 3, 9]);
        assert_eq!(between(4, 8), [0; 0]);
    }

    #[test]
    fn pages_when_a_part_is_damaged_then_the_others_are_seen_and_it_is_told() {
        let load = |part| match part {
            0 => Err(ReadError::Damaged("no".to_owned())),
            _ => Ok(vec![Row(7)]),
        };
        let pages: Pages<Row> = Pages::new(vec![(1, 5), (7, 7)], Some(Box::new(load)));
        let mut seen = Vec::new();
        pages.between(0, 10, |row| seen.push(*row));
        assert_eq!(seen, [Row(7)]);
        assert_eq!(pages.damage.lock().expect("free").as_deref(), Some("no"));
    }
}
