//! The folder of an export: whole or absent.
//!
//! Files are written into a folder beside it whose name ends with `.unfinished`, which takes the right name once all
//! of them are whole. It is removed after an error; if the program is killed, it stays under that name.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use flate2::Compression;
use flate2::write::GzEncoder;
use serde::Serialize;
use tempfile::TempDir;
use twinrange_range::evidence::{FileInfo, Tally};
use twinrange_range::problem::{Problem, Problems};

/// Bytes that are collected before they are hashed and written.
const BUFFER_BYTES: usize = 1 << 18;

/// Why an export ended early. Nothing of it is left.
#[derive(Debug)]
pub enum Stop {
    /// Mistakes of the user, or files that cannot be read or written.
    Problems(Problems),
    /// The user pressed Ctrl-C.
    Interrupted,
    /// A file that is being written; [`Out`] adds its name.
    Io(io::Error),
}

impl From<Problems> for Stop {
    fn from(problems: Problems) -> Self {
        Self::Problems(problems)
    }
}

impl From<Problem> for Stop {
    fn from(problem: Problem) -> Self {
        Self::Problems(problem.into())
    }
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<csv::Error> for Stop {
    fn from(error: csv::Error) -> Self {
        Self::Io(error.into())
    }
}

/// A file of an export.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Written {
    /// Length and digest, as written.
    #[serde(flatten)]
    pub info: FileInfo,
    /// Rows, messages, frames or objects in it.
    pub records: u64,
}

/// The folder of an export while it is written.
#[derive(Debug)]
pub struct Out<'a> {
    staging: TempDir,
    data: PathBuf,
    wanted: PathBuf,
    files: RefCell<BTreeMap<String, Written>>,
    interrupt: &'a AtomicBool,
}

impl<'a> Out<'a> {
    /// Makes room beside `wanted`.
    ///
    /// # Arguments
    ///
    /// * `runs` — the run folders that are read; nothing is written into any of them.
    ///
    /// # Errors
    ///
    /// `TR0350` if `wanted` is a file, a folder that is not empty, or lies in a run folder; `TR0307` if nothing can
    /// be written there.
    pub fn new(wanted: &Path, runs: &[&Path], interrupt: &'a AtomicBool) -> Result<Self, Stop> {
        let refused = |message: &str| {
            let problem = Problem::new("TR0350", message).in_file(wanted.display().to_string());
            problem.hint("name a folder that does not exist, or an empty one")
        };
        if wanted.exists() {
            let taken = match fs::read_dir(wanted) {
                Ok(mut entries) => entries.next().is_some(),
                Err(_) => true,
            };
            if taken {
                return Err(
                    refused("the folder for the export is taken; nothing is overwritten").into(),
                );
            }
        }
        let absolute = std::path::absolute(wanted).map_err(|error| cannot(wanted, &error))?;
        let parent = absolute.parent().unwrap_or(&absolute).to_path_buf();
        // Before anything is made: what is there of the way to it already.
        let there = parent
            .ancestors()
            .find_map(|folder| folder.canonicalize().ok());
        for run in runs {
            let run = run.canonicalize().map_err(|error| cannot(run, &error))?;
            if there.as_ref().is_some_and(|there| there.starts_with(&run)) {
                return Err(refused("a run folder is never changed").into());
            }
        }
        fs::create_dir_all(&parent).map_err(|error| cannot(wanted, &error))?;
        let parent = parent
            .canonicalize()
            .map_err(|error| cannot(wanted, &error))?;
        let name = absolute.file_name().map_or_else(
            || "export".to_owned(),
            |name| name.to_string_lossy().into_owned(),
        );
        let staging = tempfile::Builder::new()
            .prefix(&format!("{name}."))
            .suffix(".unfinished")
            .tempdir_in(&parent)
            .map_err(|error| cannot(wanted, &error))?;
        // A temporary folder is for its owner alone; the one inside has the rights that any new folder has.
        let data = staging.path().join("data");
        fs::create_dir(&data).map_err(|error| cannot(wanted, &error))?;
        Ok(Self {
            data,
            staging,
            wanted: absolute,
            files: RefCell::default(),
            interrupt,
        })
    }

    /// Goes on unless the user has pressed Ctrl-C.
    ///
    /// # Errors
    ///
    /// [`Stop::Interrupted`].
    pub fn go_on(&self) -> Result<(), Stop> {
        if self.interrupt.load(Ordering::Relaxed) {
            return Err(Stop::Interrupted);
        }
        Ok(())
    }

    /// Writes a file; one whose name ends with `.gz` is compressed.
    ///
    /// # Arguments
    ///
    /// * `path` — below the folder, with forward slashes.
    /// * `write` — writes the content and gives the number of records.
    ///
    /// # Errors
    ///
    /// Those of `write`; `TR0307`.
    pub fn file(
        &self,
        path: &str,
        write: impl FnOnce(&mut dyn Write) -> Result<u64, Stop>,
    ) -> Result<(), Stop> {
        self.go_on()?;
        let full = path
            .split('/')
            .fold(self.data.clone(), |path, part| path.join(part));
        let named = |stop| match stop {
            Stop::Io(error) => cannot(&self.wanted.join(path), &error),
            other => other,
        };
        let written = || -> Result<Written, Stop> {
            if let Some(folder) = full.parent() {
                fs::create_dir_all(folder)?;
            }
            let mut out = BufWriter::with_capacity(BUFFER_BYTES, Tally::new(File::create(&full)?));
            let records = if path.ends_with(".gz") {
                // Without a name and a time of day, so that the same content gives the same bytes.
                let mut zip = BufWriter::with_capacity(
                    BUFFER_BYTES,
                    GzEncoder::new(&mut out, Compression::default()),
                );
                let records = write(&mut zip)?;
                zip.into_inner()
                    .map_err(io::IntoInnerError::into_error)?
                    .finish()?;
                records
            } else {
                write(&mut out)?
            };
            let mut tally = out.into_inner().map_err(io::IntoInnerError::into_error)?;
            tally.flush()?;
            Ok(Written {
                info: tally.info(),
                records,
            })
        };
        let written = written().map_err(named)?;
        self.files.borrow_mut().insert(path.to_owned(), written);
        Ok(())
    }

    /// Writes a JSON document, pretty, with a final newline.
    ///
    /// # Errors
    ///
    /// `TR0307`.
    pub fn json(&self, path: &str, value: &impl Serialize, records: u64) -> Result<(), Stop> {
        self.file(path, |out| {
            serde_json::to_writer_pretty(&mut *out, value).map_err(io::Error::from)?;
            out.write_all(b"\n")?;
            Ok(records)
        })
    }

    /// What was written so far, by path.
    #[must_use]
    pub fn files(&self) -> BTreeMap<String, Written> {
        self.files.borrow().clone()
    }

    /// Gives the folder its name.
    ///
    /// # Errors
    ///
    /// [`Stop::Interrupted`]; `TR0350` if something has come to lie there meanwhile; `TR0307`.
    pub fn finish(self) -> Result<PathBuf, Stop> {
        self.go_on()?;
        if self.wanted.exists() {
            fs::remove_dir(&self.wanted).map_err(|error| {
                let message = format!("the folder for the export is no longer empty: {error}");
                Problem::new("TR0350", message).in_file(self.wanted.display().to_string())
            })?;
        }
        fs::rename(&self.data, &self.wanted).map_err(|error| cannot(&self.wanted, &error))?;
        self.staging
            .close()
            .map_err(|error| cannot(&self.wanted, &error))?;
        Ok(self.wanted)
    }
}

fn cannot(path: &Path, error: &io::Error) -> Stop {
    let problem = Problem::new("TR0307", format!("cannot write: {error}"));
    problem.in_file(path.display().to_string()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A parent folder with a run folder in it, and the names below it.
    fn home() -> (TempDir, PathBuf) {
        let home = tempfile::tempdir().expect("there is room");
        let run = home.path().join("run");
        fs::create_dir(&run).expect("it can be made");
        (home, run)
    }

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).expect("can be listed").flatten();
        let mut names: Vec<String> = entries
            .map(|entry| entry.file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn folder_when_interrupted_or_failed_then_absent_and_nothing_left() {
        let (home, run) = home();
        let wanted = home.path().join("out");
        let interrupt = AtomicBool::new(false);
        let out = Out::new(&wanted, &[&run], &interrupt).expect("there is room");
        out.file("a/b.txt", |out| {
            out.write_all(b"half")?;
            Ok(1)
        })
        .expect("it is written");
        assert!(!wanted.exists(), "not before it is whole");
        assert_eq!(
            names(home.path()).len(),
            2,
            "a folder with another name beside the run"
        );
        interrupt.store(true, Ordering::Relaxed);
        assert!(matches!(out.go_on(), Err(Stop::Interrupted)));
        assert!(matches!(out.finish(), Err(Stop::Interrupted)));
        assert_eq!(names(home.path()), ["run"]);

        interrupt.store(false, Ordering::Relaxed);
        let out = Out::new(&wanted, &[&run], &interrupt).expect("there is room");
        let failed = out.file("x.csv", |_| Err(io::Error::other("disk full").into()));
        let Err(Stop::Problems(problems)) = failed else {
            panic!("{failed:?}")
        };
        let said = format!("{problems}");
        assert!(
            said.contains("TR0307") && said.contains("x.csv") && said.contains("disk full"),
            "{said}"
        );
        drop(out);
        assert_eq!(names(home.path()), ["run"]);
    }

    #[test]
    fn folder_when_finished_then_whole_and_zipped_content_is_the_same_every_time() {
        let (home, run) = home();
        let interrupt = AtomicBool::new(false);
        let write = |name: &str| {
            let out =
                Out::new(&home.path().join(name), &[&run], &interrupt).expect("there is room");
            let content = |out: &mut dyn Write| -> Result<u64, Stop> {
                out.write_all(&b"some text ".repeat(1_000))?;
                Ok(7)
            };
            out.file("deep/down.gz", content).expect("it is written");
            let files = out.files();
            assert_eq!(files["deep/down.gz"].records, 7);
            let folder = out.finish().expect("it is whole");
            (
                fs::read(folder.join("deep/down.gz")).expect("it is there"),
                files,
            )
        };
        assert_eq!(write("one"), write("two"));
        assert_eq!(names(home.path()), ["one", "run", "two"]);
    }

    #[test]
    fn folder_when_something_comes_to_lie_there_meanwhile_then_it_stays() {
        let (home, run) = home();
        let wanted = home.path().join("out");
        let interrupt = AtomicBool::new(false);
        let out = Out::new(&wanted, &[&run], &interrupt).expect("there is room");
        fs::create_dir(&wanted).expect("it can be made");
        fs::write(wanted.join("mine"), "mine").expect("it can be written");
        assert!(matches!(out.finish(), Err(Stop::Problems(_))));
        assert_eq!(names(&wanted), ["mine"]);
    }
}
