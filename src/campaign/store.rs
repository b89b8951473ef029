//! The folder of a campaign.
//!
//! | path | content |
//! | --- | --- |
//! | `lock` | held by the process that works here |
//! | `plan.txt` | the plan of the last call; not a plan that `check` should find here |
//! | `cells/ID.json` | one finished cell |
//! | `timing.jsonl` | wall-clock time of each cell, apart from its result |
//! | `scratch/` | folders of cells under way; emptied at the start |
//!
//! **Invariant:** a file `cells/ID.json` is whole. It is written under another name, flushed to the disk and
//! then renamed, and so is the folder's entry; a process that is killed leaves a whole result or none.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use serde_json::json;
use twinrange_range::problem::Problem;

use super::key::CellResult;
use crate::support::files::{cannot_write, write_whole};

/// The folder, locked for this process.
#[derive(Debug)]
pub(crate) struct Store {
    path: PathBuf,
    timing: Mutex<File>,
    /// The lock goes with it.
    _lock: File,
}

impl Store {
    /// Opens the folder, makes it where there is none, and locks it.
    ///
    /// # Errors
    ///
    /// `TR0503` if another process works here, `TR0301` if the folder holds something else, `TR0307`.
    pub(crate) fn open(path: &Path) -> Result<Self, Problem> {
        let foreign = path.is_dir()
            && !path.join("lock").exists()
            && fs::read_dir(path).is_ok_and(|mut entries| entries.next().is_some());
        if foreign {
            let message = format!("`{}` holds something that is no campaign", path.display());
            return Err(Problem::new("TR0301", message));
        }
        let cannot = |error: std::io::Error| cannot_write(path, &error);
        fs::create_dir_all(path.join("cells")).map_err(cannot)?;
        let lock = File::create(path.join("lock")).map_err(cannot)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let message = format!("another process works in `{}`", path.display());
                return Err(Problem::new("TR0503", message));
            }
            Err(TryLockError::Error(error)) => return Err(cannot(error)),
        }
        let scratch = path.join("scratch");
        if scratch.exists() {
            fs::remove_dir_all(&scratch).map_err(cannot)?;
        }
        fs::create_dir_all(&scratch).map_err(cannot)?;
        let timing = OpenOptions::new()
            .create(true)
            .append(true)
            .open(path.join("timing.jsonl"))
            .map_err(cannot)?;
        Ok(Self {
            path: path.to_path_buf(),
            timing: Mutex::new(timing),
            _lock: lock,
        })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Where cells may leave what goes again.
    pub(crate) fn scratch(&self) -> PathBuf {
        self.path.join("scratch")
    }

    fn cell(&self, id: &str) -> PathBuf {
        self.path.join("cells").join(format!("{id}.json"))
    }

    /// A finished cell; `None` if it is not there or not whole, so that it is made again.
    pub(crate) fn finished(&self, id: &str) -> Option<CellResult> {
        let text = fs::read_to_string(self.cell(id)).ok()?;
        CellResult::of_json(&text).filter(|result| result.id == id)
    }

    /// Keeps a finished cell and gives it back as it will be read.
    ///
    /// # Arguments
    ///
    /// * `wall_s` — what it took by the clock, s.
    ///
    /// # Errors
    ///
    /// `TR0307`.
    pub(crate) fn keep(&self, result: &CellResult, wall_s: f64) -> Result<CellResult, Problem> {
        let text = result.to_json();
        write_whole(&self.cell(&result.id), text.as_bytes())?;
        let line = json!({ "id": result.id, "wall_s": wall_s });
        let mut timing = self.timing.lock().expect("no writer panics");
        // A lost line costs a figure about the machine and no result.
        let _ = writeln!(timing, "{line}");
        Ok(CellResult::of_json(&text).expect("a result is read as it is written"))
    }

    /// Results that lie here and that the plan does not ask for.
    pub(crate) fn others(&self, wanted: &std::collections::BTreeSet<String>) -> usize {
        let Ok(entries) = fs::read_dir(self.path.join("cells")) else {
            return 0;
        };
        entries
            .flatten()
            .filter_map(|entry| entry.file_name().into_string().ok())
            .filter_map(|name| name.strip_suffix(".json").map(str::to_owned))
            .filter(|id| !wanted.contains(id))
            .count()
    }
}
