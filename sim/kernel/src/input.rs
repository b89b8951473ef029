//! The record of all that came from outside a run.
//!
//! A click of an operator, an action of a defense, an inject of an instructor: each becomes an
//! [`InputRecord`] first and acts second. A live run and its replay then run the same code, and
//! (build, scenario, seed, log) reproduce the run.
//!
//! # Invariants
//!
//! - Records are numbered `0, 1, 2, …` in the order in which they act; their times never decrease.
//!   A log that breaks this cannot be built, neither by [`InputLog::record`] nor from a file.
//! - The kernel does not know what an input means: it is the type parameter `T`.
//!
//! # Format
//!
//! One record per line of a JSON Lines file:
//!
//! ```json
//! {"t_ns":15000000,"seq":0,"origin":"operator","input":"…"}
//! ```

use core::fmt;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::time::SimTime;

/// Who an input came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Origin {
    /// The defense under test.
    Defense,
    /// A person who runs the plant.
    Operator,
    /// A person who leads the exercise.
    Instructor,
    /// A device outside of the simulation, over the network.
    Outside,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Defense => "defense",
            Self::Operator => "operator",
            Self::Instructor => "instructor",
            Self::Outside => "outside",
        })
    }
}

/// One input from outside.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InputRecord<T> {
    /// When the input acts, since the start of the run. In files: `t_ns`, nanoseconds.
    #[serde(rename = "t_ns")]
    pub time: SimTime,
    /// Place in the log, from 0. Also the `source_seq` of the event that carries the input.
    pub seq: u64,
    /// Who the input came from.
    pub origin: Origin,
    /// What is to be done.
    pub input: T,
}

/// Records that are not a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum InputLogError {
    /// A record is missing, doubled or out of place.
    #[error("input record {found} stands where record {expected} was expected")]
    OutOfSequence {
        /// The number that the place calls for.
        expected: u64,
        /// The number that was found there.
        found: u64,
    },
    /// A record acts before the one that precedes it.
    #[error("input record {seq} acts at {time}, before the record that precedes it, at {previous}")]
    BackInTime {
        /// The number of the record.
        seq: u64,
        /// When it acts.
        time: SimTime,
        /// When the record before it acts.
        previous: SimTime,
    },
}

/// All inputs of a run so far, in the order in which they act.
///
/// # Examples
///
/// ```
/// use sim_kernel::{InputLog, Origin, SimTime};
///
/// let mut log = InputLog::new();
/// log.record(SimTime::from_secs(30), Origin::Operator, "start line");
/// log.record(SimTime::from_secs(95), Origin::Defense, "contain vendor-laptop");
/// assert_eq!(log.records()[1].seq, 1);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    try_from = "Vec<InputRecord<T>>",
    into = "Vec<InputRecord<T>>",
    bound(
        serialize = "T: Clone + Serialize",
        deserialize = "T: Deserialize<'de>"
    )
)]
pub struct InputLog<T> {
    records: Vec<InputRecord<T>>,
}

impl<T> InputLog<T> {
    /// Creates an empty log.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            records: Vec::new(),
        }
    }

    /// Numbers an input, appends it and returns its record, which is what should act.
    ///
    /// # Panics
    ///
    /// If `time` is before that of the last record: the caller stamps inputs with the simulated
    /// time, which never goes back.
    pub fn record(&mut self, time: SimTime, origin: Origin, input: T) -> &InputRecord<T> {
        let seq = self.records.len() as u64;
        match self.append(InputRecord {
            time,
            seq,
            origin,
            input,
        }) {
            Ok(record) => record,
            Err(error) => panic!("{error}"),
        }
    }

    /// Appends a record that already has its number, as when a file is read line by line.
    ///
    /// # Errors
    ///
    /// [`InputLogError`] if the record does not continue the log, which is left unchanged.
    pub fn append(&mut self, record: InputRecord<T>) -> Result<&InputRecord<T>, InputLogError> {
        let expected = self.records.len() as u64;
        if record.seq != expected {
            return Err(InputLogError::OutOfSequence {
                expected,
                found: record.seq,
            });
        }
        let previous = self.records.last().map_or(SimTime::ZERO, |last| last.time);
        if record.time < previous {
            return Err(InputLogError::BackInTime {
                seq: record.seq,
                time: record.time,
                previous,
            });
        }
        self.records.push(record);
        Ok(&self.records[self.records.len() - 1])
    }

    /// All records, oldest first; the index of each is its `seq`.
    #[must_use]
    pub fn records(&self) -> &[InputRecord<T>] {
        &self.records
    }

    /// The number of records.
    #[must_use]
    pub fn len(&self) -> usize {
        self.records.len()
    }

    /// Whether nothing came from outside yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }
}

impl<T> Default for InputLog<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> TryFrom<Vec<InputRecord<T>>> for InputLog<T> {
    type Error = InputLogError;

    fn try_from(records: Vec<InputRecord<T>>) -> Result<Self, Self::Error> {
        let mut log = Self {
            records: Vec::with_capacity(records.len()),
        };
        for record in records {
            log.append(record)?;
        }
        Ok(log)
    }
}

impl<T> From<InputLog<T>> for Vec<InputRecord<T>> {
    fn from(log: InputLog<T>) -> Self {
        log.records
    }
}
