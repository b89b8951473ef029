//! Where the records of an alert file went.
//!
//! **Invariant:** every record that was read is scored, or skipped for one reason:
//! `read = scored + the sum of skipped`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The most records that are listed with their place; all of them are counted.
pub const LISTED: usize = 50;

/// A record that was skipped because it cannot be true in the run.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct LeftOut {
    /// 1-based line in the alert file.
    pub line: u64,
    /// The field at fault, as a path: `src.ip`.
    pub field: String,
    /// What stands there, shortened.
    pub found: String,
    /// Why it cannot be true: a key of [`Records::skipped`].
    pub reason: String,
}

/// The way of all records of one alert file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Records {
    /// Records in the file, without blank lines.
    pub read: u64,
    /// Alerts and log records that were compared with the truth.
    pub scored: u64,
    /// The others: reason to count.
    pub skipped: BTreeMap<String, u64>,
    /// Those among them that cannot be true in the run, by line, at most [`LISTED`].
    pub left_out: Vec<LeftOut>,
}

impl Records {
    /// Number of skipped records, over all reasons.
    #[must_use]
    pub fn skipped_total(&self) -> u64 {
        self.skipped.values().sum()
    }

    /// Adds what an importer skipped before the comparison.
    #[must_use]
    pub(crate) fn with_import(mut self, import: &crate::formats::Import) -> Self {
        for (reason, count) in &import.skipped {
            *self.skipped.entry(reason.clone()).or_default() += count;
            self.read += count;
        }
        self.left_out.clone_from(&import.left_out);
        assert!(
            self.read == self.scored + self.skipped_total(),
            "a record went nowhere: {self:?}"
        );
        self
    }
}
