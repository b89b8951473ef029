//! A run folder: written once by [`RunWriter`], then only read by [`RunFolder`].
//!
//! ```text
//! run.json                 the manifest, written last
//! evidence/                all that a defense may see
//!   span-<name>.pcapng  syslog.log  tags.parquet  assets.json
//! truth/                   hidden from defenses
//!   attack.jsonl  frames.parquet  process.parquet  digests.parquet  impact.jsonl  inline.jsonl
//!   items.parquet  screens.parquet  controllers.parquet  production.parquet
//! inputs.jsonl             all that came from outside
//! defense/                 alerts.jsonl, actions.jsonl, the tool's own output
//! score/                   what scoring leaves
//! ```
//!
//! # Invariants
//!
//! - A folder without `run.json` is not a whole run; [`RunFolder::open`] refuses it.
//! - A folder that this program did not write is never changed.
//! - What stands in `evidence/`, `truth/` and `inputs.jsonl` is listed in the manifest with length and
//!   digest, so that a change after the run is found.

mod open;
mod write;

use std::path::{Path, PathBuf};

pub use open::RunFolder;
pub use write::{End, Layout, RunHeader, RunWriter, check_free};

use crate::evidence::ReadError;
use crate::problem::Problem;

/// Name of the manifest.
pub const MANIFEST: &str = "run.json";
/// Stands in a folder while a run is written into it, and stays if the run is killed.
const UNFINISHED: &str = "run.unfinished";

/// Paths in a run folder, with forward slashes.
pub mod paths {
    /// Inventory.
    pub const ASSETS: &str = "evidence/assets.json";
    /// Historian samples.
    pub const TAGS: &str = "evidence/tags.parquet";
    /// Central log.
    pub const SYSLOG: &str = "evidence/syslog.log";
    /// Attack steps.
    pub const ATTACK: &str = "truth/attack.jsonl";
    /// What frames belong to.
    pub const FRAMES: &str = "truth/frames.parquet";
    /// Physical truth.
    pub const PROCESS: &str = "truth/process.parquet";
    /// Where items were.
    pub const ITEMS: &str = "truth/items.parquet";
    /// What the screens showed.
    pub const SCREENS: &str = "truth/screens.parquet";
    /// What was in the controllers.
    pub const CONTROLLERS: &str = "truth/controllers.parquet";
    /// Counted parts and times.
    pub const PRODUCTION: &str = "truth/production.parquet";
    /// Digests per second.
    pub const DIGESTS: &str = "truth/digests.parquet";
    /// Where the plant left its unattacked twin.
    pub const IMPACT: &str = "truth/impact.jsonl";
    /// Frames that a device in a cable dropped or held back; in runs with such a device.
    pub const INLINE: &str = "truth/inline.jsonl";
    /// All that came from outside.
    pub const INPUTS: &str = "inputs.jsonl";
    /// Alerts of the defense.
    pub const ALERTS: &str = "defense/alerts.jsonl";
    /// Actions of the defense.
    pub const ACTIONS: &str = "defense/actions.jsonl";
    /// What became of the records of an offline defense's alert file.
    pub const IMPORT: &str = "defense/import.json";
    /// Why the defense failed, if it did.
    pub const FAILURE: &str = "defense/failure.txt";
    /// What the wiring test found, where the defense was silent in the run.
    pub const WIRING: &str = "defense/wiring.json";

    /// The capture of a SPAN port.
    #[must_use]
    pub fn capture(span: &str) -> String {
        format!("evidence/span-{span}.pcapng")
    }
}

/// A path of a run folder on this machine.
fn locate(folder: &Path, path: &str) -> PathBuf {
    path.split('/')
        .fold(folder.to_path_buf(), |path, part| path.join(part))
}

/// A file of a run that cannot be read.
fn unreadable(folder: &Path, path: &str, error: &ReadError) -> Problem {
    let shown = locate(folder, path).display().to_string();
    let missing =
        matches!(error, ReadError::Io(error) if error.kind() == std::io::ErrorKind::NotFound);
    if missing {
        return Problem::new("TR0305", "the file is missing").in_file(shown);
    }
    Problem::new("TR0306", format!("the file is damaged: {error}")).in_file(shown)
}

#[cfg(test)]
mod tests;
