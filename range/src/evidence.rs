//! Writers and readers of the files that a run leaves, one format per module.
//!
//! | module | files |
//! | --- | --- |
//! | [`capture`] | `evidence/span-<name>.pcapng` |
//! | [`tags`] | `evidence/tags.parquet` |
//! | [`process`] | `truth/process.parquet`, and the other tables of values by time: `screens`, `controllers`, `production` |
//! | [`frames`] | `truth/frames.parquet` |
//! | [`items`] | `truth/items.parquet` |
//! | [`digests`] | `truth/digests.parquet` |
//! | [`lines`] | every `.jsonl`, and `evidence/syslog.log` |
//! | [`trace`] | what `st run --out` writes |
//! | [`records`] | what a line of `assets.json`, `attack.jsonl`, `alerts.jsonl`… holds |
//!
//! # Invariants
//!
//! - The same calls give the same bytes: no clock, host name, path, thread or hash order gets into a
//!   file. Names of programs and versions are fixed texts.
//! - Writers stream. Memory does not grow with the length of a run: rows leave in batches of
//!   [`BATCH_ROWS`] and row groups of [`ROW_GROUP_ROWS`].
//! - Readers trust nothing: whatever the bytes are, the answer is data or an error, never a panic.
//! - Times are simulated nanoseconds since the start of the run; wall-like time stamps are those plus
//!   [`EPOCH_UNIX_NS`].

pub mod capture;
mod columns;
pub mod digests;
pub mod frames;
pub mod items;
pub mod lines;
pub mod process;
pub mod records;
pub mod tags;
mod tally;
pub mod trace;

use std::fmt;
use std::io;

pub use tally::{FileInfo, Tally};

/// Wall-like time of simulated time zero: 2026-01-05T06:00:00Z, a Monday's early shift, as
/// nanoseconds since 1970.
pub const EPOCH_UNIX_NS: u64 = 1_767_592_800_000_000_000;

/// Rows that a Parquet writer collects before it encodes them.
pub const BATCH_ROWS: usize = 1 << 14;

/// Rows of a Parquet row group, which is held encoded in memory until it is full.
pub const ROW_GROUP_ROWS: usize = 1 << 20;

/// Rows of a row group in files of which any part is read without the rest.
pub const PART_ROWS: usize = 1 << 15;

/// Why a file of a run cannot be read.
#[derive(Debug)]
pub enum ReadError {
    /// The file cannot be opened or read at all.
    Io(io::Error),
    /// The content is not what it should be; says what and, if known, where.
    Damaged(String),
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => error.fmt(f),
            Self::Damaged(why) => f.write_str(why),
        }
    }
}

impl std::error::Error for ReadError {}

impl From<io::Error> for ReadError {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::UnexpectedEof {
            Self::Damaged("it ends too early".to_owned())
        } else {
            Self::Io(error)
        }
    }
}
