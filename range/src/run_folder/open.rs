//! Reads a run folder, with clear errors for one that is not whole.

use std::fs::{self, File};
use std::io::BufReader;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::{MANIFEST, UNFINISHED, locate, paths, unreadable};
use crate::evidence::capture::{CaptureReader, CapturedFrame};
use crate::evidence::digests::DigestTable;
use crate::evidence::frames::{FrameRow, Traffic};
use crate::evidence::items::Items;
use crate::evidence::process::ProcessTable;
use crate::evidence::records::{Alert, Asset, AttackStep};
use crate::evidence::tags::TagRow;
use crate::evidence::{ReadError, Tally, digests, frames, lines, process, tags};
use crate::manifest::{Manifest, RUN_KIND, RUN_SCHEMA};
use crate::problem::{Problem, Problems, SourceText};
use crate::twin::Impact;

/// A whole run on disk.
#[derive(Clone, Debug)]
pub struct RunFolder {
    path: PathBuf,
    manifest: Manifest,
}

impl RunFolder {
    /// Opens a run and checks that every file of it is there and as long as it was.
    ///
    /// # Errors
    ///
    /// `TR0309` if there is no such folder, `TR0302` if the run did not finish, `TR0303` or `TR0304`
    /// if the manifest cannot be used, `TR0305` and `TR0306` for every file that is missing or cut.
    pub fn open(path: &Path) -> Result<Self, Problems> {
        let manifest = read_manifest(path)?;
        let folder = Self {
            path: path.to_path_buf(),
            manifest,
        };
        let mut problems = Problems::new();
        for (file, info) in &folder.manifest.files {
            let shown = locate(path, file);
            match fs::metadata(&shown) {
                Ok(found) if found.len() == info.bytes => {}
                Ok(found) => {
                    let (bytes, expected) = (found.len(), info.bytes);
                    let how = if bytes < expected {
                        "cut off"
                    } else {
                        "changed"
                    };
                    let message =
                        format!("the file was {how}: it has {bytes} bytes instead of {expected}");
                    let problem = Problem::new("TR0306", message);
                    problems.push(problem.in_file(shown.display().to_string()));
                }
                Err(error) => problems.push(unreadable(path, file, &ReadError::Io(error))),
            }
        }
        problems.into_result()?;
        Ok(folder)
    }

    /// Compares the content of every file with its digest in the manifest.
    ///
    /// # Errors
    ///
    /// `TR0306` for every file that was changed.
    pub fn verify(&self) -> Result<(), Problems> {
        let mut problems = Problems::new();
        for (file, info) in &self.manifest.files {
            let digest = || -> Result<_, ReadError> {
                let mut tally = Tally::new(std::io::sink());
                let mut input = File::open(self.locate(file))?;
                std::io::copy(&mut input, &mut tally)?;
                Ok(tally.info())
            };
            match digest() {
                Ok(found) if found == *info => {}
                Ok(_) => {
                    let error = ReadError::Damaged("it was changed after the run".to_owned());
                    problems.push(unreadable(&self.path, file, &error));
                }
                Err(error) => problems.push(unreadable(&self.path, file, &error)),
            }
        }
        problems.into_result()
    }

    /// The folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What the run was made from, and what it left.
    #[must_use]
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// A path of [`paths`] on this machine.
    #[must_use]
    pub fn locate(&self, path: &str) -> PathBuf {
        locate(&self.path, path)
    }

    /// Names of the SPAN ports.
    pub fn spans(&self) -> impl Iterator<Item = &str> {
        self.manifest.counts.frames.keys().map(String::as_str)
    }

    /// Frames of a SPAN port, in the order of time.
    ///
    /// # Errors
    ///
    /// `TR0305` or `TR0306`, at once or in the middle. The same holds for all methods below.
    pub fn capture(
        &self,
        span: &str,
    ) -> Result<impl Iterator<Item = Result<CapturedFrame, Problems>> + use<>, Problems> {
        let path = paths::capture(span);
        let folder = self.path.clone();
        let reader = File::open(self.locate(&path))
            .map_err(ReadError::from)
            .and_then(|file| CaptureReader::new(BufReader::new(file)))
            .map_err(|error| Problems::from(unreadable(&folder, &path, &error)))?;
        Ok(reader
            .map(move |frame| frame.map_err(|error| unreadable(&folder, &path, &error).into())))
    }

    /// Historian samples, in batches.
    ///
    /// # Errors
    ///
    /// `TR0305` or `TR0306`.
    pub fn tags(
        &self,
    ) -> Result<impl Iterator<Item = Result<Vec<TagRow>, Problems>> + use<>, Problems> {
        let folder = self.path.clone();
        let rows = tags::read(&self.locate(paths::TAGS));
        let rows =
            rows.map_err(|error| Problems::from(unreadable(&folder, paths::TAGS, &error)))?;
        Ok(rows.map(move |batch| {
            batch.map_err(|error| unreadable(&folder, paths::TAGS, &error).into())
        }))
    }

    /// What every frame belongs to, in batches.
    ///
    /// # Errors
    ///
    /// `TR0305` or `TR0306`.
    pub fn frames(
        &self,
    ) -> Result<impl Iterator<Item = Result<Vec<FrameRow>, Problems>> + use<>, Problems> {
        let folder = self.path.clone();
        let rows = frames::read(&self.locate(paths::FRAMES), false);
        let rows =
            rows.map_err(|error| Problems::from(unreadable(&folder, paths::FRAMES, &error)))?;
        Ok(rows.map(move |batch| {
            batch.map_err(|error| unreadable(&folder, paths::FRAMES, &error).into())
        }))
    }

    /// The frames that belong to attack steps.
    ///
    /// # Errors
    ///
    /// `TR0305` or `TR0306`.
    pub fn attack_frames(&self) -> Result<Vec<FrameRow>, Problems> {
        let cannot = |error| Problems::from(unreadable(&self.path, paths::FRAMES, &error));
        let mut all = Vec::new();
        for batch in frames::read(&self.locate(paths::FRAMES), true).map_err(cannot)? {
            all.extend(batch.map_err(cannot)?);
        }
        Ok(all)
    }

    /// The physical truth.
    ///
    /// # Errors
    ///
    /// `TR0305` or `TR0306`.
    pub fn process(&self) -> Result<ProcessTable, Problems> {
        process::read(&self.locate(paths::PROCESS))
            .map_err(|error| unreadable(&self.path, paths::PROCESS, &error).into())
    }

    /// What the screens showed.
    ///
    /// # Errors
    ///
    /// `TR0305` or `TR0306`. The file is missing in folders of builds that did not write it.
    pub fn screens(&self) -> Result<ProcessTable, Problems> {
        process::read(&self.locate(paths::SCREENS))
            .map_err(|error| unreadable(&self.path, paths::SCREENS, &error).into())
    }

    /// What was in the controllers.
    ///
    /// # Errors
    ///
    /// As [`Self::screens`].
    pub fn controllers(&self) -> Result<ProcessTable, Problems> {
        process::read(&self.locate(paths::CONTROLLERS))
            .map_err(|error| unreadable(&self.path, paths::CONTROLLERS, &error).into())
    }

    /// Counted parts and times, as [`production_columns`](crate::session::production_columns) names them.
    ///
    /// # Errors
    ///
    /// As [`Self::screens`].
    pub fn production(&self) -> Result<ProcessTable, Problems> {
        process::read(&self.locate(paths::PRODUCTION))
            .map_err(|error| unreadable(&self.path, paths::PRODUCTION, &error).into())
    }

    /// The frames, any part of them without the rest. For `hosts` and `steps` see [`Traffic::open`].
    ///
    /// # Errors
    ///
    /// As [`Self::screens`].
    pub fn traffic(&self, hosts: Vec<String>, steps: Vec<String>) -> Result<Traffic, Problems> {
        Traffic::open(&self.locate(paths::FRAMES), hosts, steps)
            .map_err(|error| unreadable(&self.path, paths::FRAMES, &error).into())
    }

    /// The items on the line, any part of them without the rest. For `places` see [`Items::open`].
    ///
    /// # Errors
    ///
    /// As [`Self::screens`].
    pub fn items(&self, places: Vec<String>) -> Result<Items, Problems> {
        Items::open(&self.locate(paths::ITEMS), places)
            .map_err(|error| unreadable(&self.path, paths::ITEMS, &error).into())
    }

    /// Digests per simulated second.
    ///
    /// # Errors
    ///
    /// `TR0305` or `TR0306`.
    pub fn digests(&self) -> Result<DigestTable, Problems> {
        digests::read(&self.locate(paths::DIGESTS))
            .map_err(|error| unreadable(&self.path, paths::DIGESTS, &error).into())
    }

    /// The inventory.
    ///
    /// # Errors
    ///
    /// `TR0305` or `TR0306`.
    pub fn assets(&self) -> Result<Vec<Asset>, Problems> {
        let cannot = |error| Problems::from(unreadable(&self.path, paths::ASSETS, &error));
        let text = fs::read(self.locate(paths::ASSETS)).map_err(|error| cannot(error.into()))?;
        serde_json::from_slice(&text).map_err(|error| cannot(ReadError::Damaged(error.to_string())))
    }

    /// Lines of the central log.
    ///
    /// # Errors
    ///
    /// `TR0305` or `TR0306`.
    pub fn syslog(&self) -> Result<Vec<String>, Problems> {
        lines::read_text(&self.locate(paths::SYSLOG))
    }

    /// Steps of the attack.
    ///
    /// # Errors
    ///
    /// `TR0305`, `TR0306` or `TR0308`.
    pub fn attack(&self) -> Result<Vec<AttackStep>, Problems> {
        self.records(paths::ATTACK)
    }

    /// Where the plant left its unattacked twin.
    ///
    /// # Errors
    ///
    /// `TR0305`, `TR0306` or `TR0308`.
    pub fn impacts(&self) -> Result<Vec<Impact>, Problems> {
        self.records(paths::IMPACT)
    }

    /// Alerts that came during the run; none if the run had no lock-step defense.
    ///
    /// # Errors
    ///
    /// `TR0306` or `TR0308`.
    pub fn alerts(&self) -> Result<Vec<Alert>, Problems> {
        if !self.locate(paths::ALERTS).exists() {
            return Ok(Vec::new());
        }
        self.records(paths::ALERTS)
    }

    /// The records of any file of JSON lines, such as [`paths::INPUTS`] or [`paths::ACTIONS`].
    ///
    /// # Errors
    ///
    /// `TR0305`, `TR0306` or `TR0308`.
    pub fn records<T: DeserializeOwned>(&self, path: &str) -> Result<Vec<T>, Problems> {
        lines::read_records(&self.locate(path))
    }
}

fn read_manifest(folder: &Path) -> Result<Manifest, Problem> {
    /// The part of a manifest that every version has.
    #[derive(Deserialize)]
    struct Head {
        schema: u64,
        kind: String,
    }
    let shown = folder.display().to_string();
    if !folder.is_dir() {
        let message = "there is no such run folder";
        return Err(Problem::new("TR0309", message).in_file(shown));
    }
    let path = folder.join(MANIFEST);
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            if folder.join(UNFINISHED).exists() {
                let message = "the run did not finish: it was killed, or is still going on";
                return Err(Problem::new("TR0302", message).in_file(shown));
            }
            let message = "there is no `run.json` here, so this is no run folder";
            return Err(Problem::new("TR0309", message).in_file(shown));
        }
        Err(error) => {
            let message = format!("the manifest cannot be read: {error}");
            return Err(Problem::new("TR0303", message).in_file(path.display().to_string()));
        }
    };
    let source = SourceText::new(path.display().to_string(), text);
    let head: Head = decode(&source)?;
    if head.kind != RUN_KIND {
        let message = format!("this is not the manifest of a run but of `{}`", head.kind);
        return Err(Problem::new("TR0303", message).in_file(source.file()));
    }
    if head.schema != u64::from(RUN_SCHEMA) {
        let message = format!(
            "the run folder has schema {}; this build reads {RUN_SCHEMA}",
            head.schema
        );
        return Err(Problem::new("TR0304", message).in_file(source.file()));
    }
    decode(&source)
}

fn decode<T: DeserializeOwned>(source: &SourceText) -> Result<T, Problem> {
    serde_json::from_str(source.text()).map_err(|error| {
        let narrow = |value: usize| u32::try_from(value).unwrap_or(u32::MAX);
        let text = error.to_string();
        let why = text.split(" at line ").next().unwrap_or(&text);
        let at = source.offset(narrow(error.line()), narrow(error.column()));
        Problem::new("TR0303", format!("the manifest is damaged: {why}")).at(source, at..at)
    })
}
