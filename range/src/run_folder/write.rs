//! Writes a run folder while the run goes on.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sim_kernel::Digest;
use sim_plant::inline::Judged;
use sim_plant::observe::SceneRow;
use sim_wire::MacAddr;

use super::{MANIFEST, RunFolder, UNFINISHED, locate, paths};
use crate::evidence::capture::CaptureWriter;
use crate::evidence::digests::DigestWriter;
use crate::evidence::frames::{FrameKind, FrameTruth, FrameWriter, SeenFrame};
use crate::evidence::items::ItemWriter;
use crate::evidence::lines::LineWriter;
use crate::evidence::process::{ColumnInfo, ProcessWriter};
use crate::evidence::records::{Asset, JudgedFrame};
use crate::evidence::tags::{Quality, TagWriter};
use crate::evidence::{FileInfo, Tally};
use crate::manifest::{
    Build, Counts, Ended, Manifest, RUN_KIND, RUN_SCHEMA, RunOptions, ScenarioRecord, Timing,
};
use crate::problem::{Problem, Problems};
use crate::session::{ProductionRecord, production_columns, relation};

/// Bytes collected before they are hashed and handed to the operating system.
const BUFFER_BYTES: usize = 256 << 10;

type Out = BufWriter<Tally<File>>;

/// The names that a run's rows refer to by index.
#[derive(Clone, Debug, Default)]
pub struct Layout {
    /// SPAN ports. Names become parts of file names.
    pub spans: Vec<String>,
    /// Historian tags.
    pub tags: Vec<String>,
    /// Ids of the playbook's steps.
    pub steps: Vec<String>,
    /// Hosts and their hardware addresses, as frames count them.
    pub hosts: Vec<(String, MacAddr)>,
    /// Quantities of the process.
    pub truth_columns: Vec<ColumnInfo>,
    /// Places where items can be.
    pub places: Vec<String>,
    /// What the screens show.
    pub screen_columns: Vec<ColumnInfo>,
    /// What is in the controllers.
    pub memory_columns: Vec<ColumnInfo>,
    /// Components with a digest per second.
    pub components: Vec<String>,
    /// The inventory; written sorted by name.
    pub assets: Vec<Asset>,
}

/// What is known of a run before it begins: all that is needed in order to run it again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunHeader {
    /// The scenario with all its files.
    pub scenario: ScenarioRecord,
    /// Seeds every random stream.
    pub seed: u64,
    /// How it is run. With a defense, its alerts and actions get files.
    pub options: RunOptions,
}

/// What is known of a run when it has ended.
#[derive(Clone, Debug)]
pub struct End {
    /// Why it ended.
    pub ended: Ended,
    /// Simulated time, ns.
    pub simulated_ns: u64,
    /// Digest of the whole run.
    pub trace_digest: Digest,
    /// Wall-clock measurements.
    pub timing: Timing,
    /// Anything else to remember, by name.
    pub notes: BTreeMap<String, serde_json::Value>,
}

/// A run folder that is being written.
///
/// Drop it without [`Self::finish`], and the folder is left as an unfinished run. While there is one, no other gets the
/// folder.
pub struct RunWriter {
    folder: PathBuf,
    /// The file that says that the run is unfinished, locked.
    lock: File,
    header: RunHeader,
    layout: Layout,
    /// The host with each hardware address.
    hosts: BTreeMap<MacAddr, u16>,
    captures: Vec<CaptureWriter<Out>>,
    frames: FrameWriter<Out>,
    tags: TagWriter<Out>,
    process: ProcessWriter<Out>,
    items: ItemWriter<Out>,
    screens: ProcessWriter<Out>,
    controllers: ProcessWriter<Out>,
    production: ProcessWriter<Out>,
    digests: DigestWriter<Out>,
    syslog: LineWriter<Out>,
    attack: LineWriter<Out>,
    impact: LineWriter<Out>,
    inputs: LineWriter<Out>,
    inline: Option<LineWriter<Out>>,
    alerts: Option<LineWriter<Out>>,
    actions: Option<LineWriter<Out>>,
    attack_frames: u64,
    files: BTreeMap<String, FileInfo>,
}

impl RunWriter {
    /// Prepares a folder and opens all files.
    ///
    /// A folder that does not exist is created; an empty one is used; an earlier run, finished or
    /// not, is replaced.
    ///
    /// # Errors
    ///
    /// `TR0301` if there is something else in the folder or another run is being written there, `TR0307` if it cannot
    /// be written.
    ///
    /// # Panics
    ///
    /// If the name of a SPAN port cannot be part of a file name: the plant checks that.
    pub fn create(folder: &Path, header: RunHeader, layout: Layout) -> Result<Self, Problems> {
        let lock = prepare(folder)?;
        let open = |path: &str| create_file(folder, path);
        let cannot = |path: &'static str| move |error| cannot_write(folder, path, &error);
        let mut captures = Vec::new();
        for span in &layout.spans {
            let plain = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
            assert!(
                !span.is_empty() && span.chars().all(plain),
                "`{span}` in a file name"
            );
            let path = paths::capture(span);
            let capture = CaptureWriter::new(open(&path)?, span);
            captures.push(capture.map_err(|error| cannot_write(folder, &path, &error))?);
        }
        let defense = header.options.defense.clone();
        let inline = header.options.inline.as_ref();
        let inline = inline.map(|_| open(paths::INLINE).map(LineWriter::new));
        let mut writer = Self {
            captures,
            frames: FrameWriter::new(
                open(paths::FRAMES)?,
                &layout.spans,
                &layout.steps,
                &layout
                    .hosts
                    .iter()
                    .map(|(name, _)| name.clone())
                    .collect::<Vec<_>>(),
            )
            .map_err(cannot(paths::FRAMES))?,
            tags: TagWriter::new(open(paths::TAGS)?, &layout.tags).map_err(cannot(paths::TAGS))?,
            process: ProcessWriter::new(open(paths::PROCESS)?, &layout.truth_columns)
                .map_err(cannot(paths::PROCESS))?,
            items: ItemWriter::new(open(paths::ITEMS)?, &layout.places)
                .map_err(cannot(paths::ITEMS))?,
            screens: ProcessWriter::new(open(paths::SCREENS)?, &layout.screen_columns)
                .map_err(cannot(paths::SCREENS))?,
            controllers: ProcessWriter::new(open(paths::CONTROLLERS)?, &layout.memory_columns)
                .map_err(cannot(paths::CONTROLLERS))?,
            production: ProcessWriter::new(open(paths::PRODUCTION)?, &production_columns())
                .map_err(cannot(paths::PRODUCTION))?,
            digests: DigestWriter::new(open(paths::DIGESTS)?, &layout.components)
                .map_err(cannot(paths::DIGESTS))?,
            syslog: LineWriter::new(open(paths::SYSLOG)?),
            attack: LineWriter::new(open(paths::ATTACK)?),
            impact: LineWriter::new(open(paths::IMPACT)?),
            inputs: LineWriter::new(open(paths::INPUTS)?),
            inline: inline.transpose()?,
            alerts: None,
            actions: None,
            folder: folder.to_path_buf(),
            lock,
            hosts: layout.hosts.iter().map(|(_, mac)| *mac).zip(0..).collect(),
            header,
            layout,
            attack_frames: 0,
            files: BTreeMap::new(),
        };
        if let Some(name) = defense {
            writer.defended_by(&name)?;
        }
        writer.assets()?;
        Ok(writer)
    }

    /// Says that the run has a defense, whose alerts and actions get files. The name that comes first stays.
    ///
    /// # Errors
    ///
    /// `TR0307` if the files cannot be made.
    pub fn defended_by(&mut self, name: &str) -> Result<(), Problems> {
        let defense = &mut self.header.options.defense;
        defense.get_or_insert_with(|| name.to_owned());
        let lines = [
            (paths::ALERTS, &mut self.alerts),
            (paths::ACTIONS, &mut self.actions),
        ];
        for (path, lines) in lines {
            if lines.is_none() {
                *lines = Some(LineWriter::new(create_file(&self.folder, path)?));
            }
        }
        Ok(())
    }

    /// What was known of the run before it began.
    #[must_use]
    pub fn header(&self) -> &RunHeader {
        &self.header
    }

    fn assets(&mut self) -> Result<(), Problems> {
        let mut assets = self.layout.assets.clone();
        assets.sort_by(|a, b| a.name.cmp(&b.name));
        let mut text = serde_json::to_string_pretty(&assets).expect("inventories encode");
        text.push('\n');
        fs::write(locate(&self.folder, paths::ASSETS), &text)
            .map_err(|error| self.cannot(paths::ASSETS, &error))?;
        self.files
            .insert(paths::ASSETS.to_owned(), FileInfo::of(text.as_bytes()));
        Ok(())
    }

    fn cannot(&self, path: &str, error: &io::Error) -> Problems {
        cannot_write(&self.folder, path, error)
    }

    /// Records a frame as evidence and its truth apart from it; returns its number in the capture.
    ///
    /// # Arguments
    ///
    /// * `span` — index of the SPAN port.
    /// * `t_ns` — simulated time, ns; never before that of the last frame.
    ///
    /// # Errors
    ///
    /// `TR0307` if it cannot be written. The same holds for all methods below.
    pub fn frame(
        &mut self,
        span: u16,
        t_ns: u64,
        bytes: &[u8],
        truth: FrameTruth,
    ) -> Result<u64, Problems> {
        let number = match self.captures[usize::from(span)].frame(t_ns, bytes) {
            Ok(number) => number,
            Err(error) => {
                let path = paths::capture(&self.layout.spans[usize::from(span)]);
                return Err(self.cannot(&path, &error));
            }
        };
        self.attack_frames += u64::from(truth.step.is_some());
        let kind = FrameKind::of(bytes, |mac| self.hosts.get(&mac).copied());
        let seen = SeenFrame { t_ns, truth, kind };
        match self.frames.row((span, number), seen) {
            Ok(()) => Ok(number),
            Err(error) => Err(self.cannot(paths::FRAMES, &error)),
        }
    }

    /// Records a historian sample; `tag` is an index.
    ///
    /// # Errors
    ///
    /// `TR0307`.
    pub fn tag(
        &mut self,
        t_ns: u64,
        tag: u16,
        value: f64,
        quality: Quality,
    ) -> Result<(), Problems> {
        let written = self.tags.row(t_ns, tag, value, quality);
        written.map_err(|error| self.cannot(paths::TAGS, &error))
    }

    /// Records a row of physical truth.
    ///
    /// # Errors
    ///
    /// `TR0307`.
    pub fn process_row(&mut self, t_ns: u64, values: &[f64]) -> Result<(), Problems> {
        let written = self.process.row(t_ns, values);
        written.map_err(|error| self.cannot(paths::PROCESS, &error))
    }

    /// Records what there was to see beside the physical truth, and what had been produced.
    ///
    /// # Errors
    ///
    /// `TR0307`.
    pub fn scene_row(
        &mut self,
        row: &SceneRow,
        production: &ProductionRecord,
    ) -> Result<(), Problems> {
        let t_ns = row.at.as_nanos();
        for item in &row.items {
            let written = self.items.row(t_ns, item);
            written.map_err(|error| self.cannot(paths::ITEMS, &error))?;
        }
        let written = self.screens.row(t_ns, &row.screens);
        written.map_err(|error| self.cannot(paths::SCREENS, &error))?;
        let written = self.controllers.row(t_ns, &row.memory);
        written.map_err(|error| self.cannot(paths::CONTROLLERS, &error))?;
        let written = self.production.row(t_ns, &production.row());
        written.map_err(|error| self.cannot(paths::PRODUCTION, &error))
    }

    /// Records the digests of a simulated second: the first 8 bytes of the chain and of every component.
    ///
    /// # Errors
    ///
    /// `TR0307`.
    pub fn digests(&mut self, t_ns: u64, chain: u64, parts: &[u64]) -> Result<(), Problems> {
        let written = self.digests.row(t_ns, chain, parts);
        written.map_err(|error| self.cannot(paths::DIGESTS, &error))
    }

    /// Records a line of the central log, in the form of RFC 5424.
    ///
    /// # Errors
    ///
    /// `TR0307`.
    pub fn syslog(&mut self, line: &str) -> Result<(), Problems> {
        self.syslog
            .text(line)
            .map_err(|error| self.cannot(paths::SYSLOG, &error))
    }

    /// Records a step of the attack, such as [`AttackStep`](crate::evidence::records::AttackStep).
    ///
    /// # Errors
    ///
    /// `TR0307`.
    pub fn attack_step(&mut self, step: &impl Serialize) -> Result<(), Problems> {
        self.attack
            .record(step)
            .map_err(|error| self.cannot(paths::ATTACK, &error))
    }

    /// Records where the plant left its twin, such as an [`Impact`](crate::twin::Impact).
    ///
    /// # Errors
    ///
    /// `TR0307`.
    pub fn impact(&mut self, impact: &impl Serialize) -> Result<(), Problems> {
        self.impact
            .record(impact)
            .map_err(|error| self.cannot(paths::IMPACT, &error))
    }

    /// Records an input from outside, a `sim_kernel::InputRecord`.
    ///
    /// # Errors
    ///
    /// `TR0307`.
    pub fn input(&mut self, input: &impl Serialize) -> Result<(), Problems> {
        self.inputs
            .record(input)
            .map_err(|error| self.cannot(paths::INPUTS, &error))
    }

    /// Records a frame that a device in a cable dropped or held back.
    ///
    /// # Errors
    ///
    /// `TR0307`.
    ///
    /// # Panics
    ///
    /// If the run has no such device.
    pub fn inline(&mut self, judged: &Judged) -> Result<(), Problems> {
        let step = judged.label.as_step();
        let frame = JudgedFrame {
            t_ns: judged.at.as_nanos(),
            frame: judged.verdict.frame,
            host: self.layout.hosts[usize::from(judged.host)].0.clone(),
            towards: judged.towards,
            decision: judged.verdict.decision,
            len: judged.len,
            step: step.map(|step| self.layout.steps[usize::from(step)].clone()),
            relation: relation(judged.relation),
        };
        let lines = self.inline.as_mut().expect("verdicts come from a device");
        lines
            .record(&frame)
            .map_err(|error| self.cannot(paths::INLINE, &error))
    }

    /// Records an alert as the defense wrote it.
    ///
    /// # Errors
    ///
    /// `TR0307`.
    ///
    /// # Panics
    ///
    /// If the run has no defense.
    pub fn alert(&mut self, alert: &impl Serialize) -> Result<(), Problems> {
        let alerts = self.alerts.as_mut().expect("alerts come from a defense");
        alerts
            .record(alert)
            .map_err(|error| self.cannot(paths::ALERTS, &error))
    }

    /// Writes out what was recorded of the defense so far.
    ///
    /// # Errors
    ///
    /// `TR0307` if it cannot be written.
    pub fn flush_defense(&mut self) -> Result<(), Problems> {
        let lines = [
            (paths::ALERTS, &mut self.alerts),
            (paths::ACTIONS, &mut self.actions),
        ];
        for (path, lines) in lines {
            if let Some(lines) = lines {
                let flushed = lines.flush();
                flushed.map_err(|error| cannot_write(&self.folder, path, &error))?;
            }
        }
        Ok(())
    }

    /// Records an action that the defense asked for, with what became of it.
    ///
    /// # Errors
    ///
    /// `TR0307`.
    ///
    /// # Panics
    ///
    /// If the run has no defense.
    pub fn action(&mut self, action: &impl Serialize) -> Result<(), Problems> {
        let actions = self.actions.as_mut().expect("actions come from a defense");
        actions
            .record(action)
            .map_err(|error| self.cannot(paths::ACTIONS, &error))
    }

    /// Closes all files and writes the manifest.
    ///
    /// # Errors
    ///
    /// `TR0307`; the folder is then left as an unfinished run.
    pub fn finish(mut self, end: End) -> Result<RunFolder, Problems> {
        let counts = self.counts();
        let folder = self.folder.as_path();
        let mut files = std::mem::take(&mut self.files);
        let mut close = |path: &str, out: io::Result<Out>| match out.and_then(close) {
            Ok(info) => {
                files.insert(path.to_owned(), info);
                Ok(())
            }
            Err(error) => Err(cannot_write(folder, path, &error)),
        };
        for (span, capture) in self.layout.spans.iter().zip(self.captures) {
            close(&paths::capture(span), Ok(capture.into_inner()))?;
        }
        close(paths::FRAMES, self.frames.finish())?;
        close(paths::TAGS, self.tags.finish())?;
        close(paths::PROCESS, self.process.finish())?;
        close(paths::ITEMS, self.items.finish())?;
        close(paths::SCREENS, self.screens.finish())?;
        close(paths::CONTROLLERS, self.controllers.finish())?;
        close(paths::PRODUCTION, self.production.finish())?;
        close(paths::DIGESTS, self.digests.finish())?;
        for (path, lines) in [
            (paths::SYSLOG, self.syslog),
            (paths::ATTACK, self.attack),
            (paths::IMPACT, self.impact),
            (paths::INPUTS, self.inputs),
        ] {
            close(path, Ok(lines.into_inner()))?;
        }
        for (path, lines) in [
            (paths::INLINE, self.inline),
            (paths::ALERTS, self.alerts),
            (paths::ACTIONS, self.actions),
        ] {
            if let Some(lines) = lines {
                close(path, Ok(lines.into_inner()))?;
            }
        }
        // A defense may add to its own folder after the run, so these two are not pinned.
        files.retain(|path, _| !path.starts_with("defense/"));
        let manifest = Manifest {
            schema: RUN_SCHEMA,
            kind: RUN_KIND.to_owned(),
            build: Build {
                version: env!("CARGO_PKG_VERSION").to_owned(),
            },
            scenario: self.header.scenario,
            seed: self.header.seed,
            options: self.header.options,
            ended: end.ended,
            simulated_ns: end.simulated_ns,
            counts,
            trace_digest: end.trace_digest,
            files,
            notes: end.notes,
            timing: end.timing,
        };
        // It becomes the manifest.
        drop(self.lock);
        write_manifest(folder, &manifest)?;
        RunFolder::open(folder)
    }

    fn counts(&self) -> Counts {
        let lines = |writer: &Option<LineWriter<Out>>| writer.as_ref().map_or(0, LineWriter::lines);
        let frames = self.layout.spans.iter().cloned();
        Counts {
            frames: frames
                .zip(self.captures.iter().map(CaptureWriter::frames))
                .collect(),
            attack_frames: self.attack_frames,
            tags: self.tags.rows(),
            syslog: self.syslog.lines(),
            process: self.process.rows(),
            attack_steps: self.attack.lines(),
            inputs: self.inputs.lines(),
            alerts: lines(&self.alerts),
            actions: lines(&self.actions),
        }
    }
}

/// Looks whether a run can be written into a folder, and changes nothing.
///
/// # Errors
///
/// As [`RunWriter::create`].
pub fn check_free(folder: &Path) -> Result<(), Problems> {
    if let Ok(mark) = File::open(folder.join(UNFINISHED)) {
        lock(&mark, folder)?;
    }
    if folder.exists() {
        let mut entries = fs::read_dir(folder).map_err(|error| cannot_write(folder, "", &error))?;
        let empty = entries.next().is_none();
        if !empty && !is_ours(folder) {
            let message = "the folder holds something that is not a run; nothing is overwritten";
            let problem = Problem::new("TR0301", message).in_file(folder.display().to_string());
            return Err(problem.hint("name another folder, or an empty one").into());
        }
        if let Some(foreign) = foreign_file(folder) {
            let message = "the run folder holds a file that no run writes; nothing is overwritten";
            let problem = Problem::new("TR0301", message).in_file(foreign.display().to_string());
            return Err(problem
                .hint("move it elsewhere, or name another folder")
                .into());
        }
    }
    Ok(())
}

/// Makes room for a run, and marks the folder as unfinished. Gives the mark, which is locked.
fn prepare(folder: &Path) -> Result<File, Problems> {
    check_free(folder)?;
    let cannot = |error: io::Error| cannot_write(folder, "", &error);
    fs::create_dir_all(folder).map_err(cannot)?;
    let mut options = OpenOptions::new();
    let options = options.create(true).truncate(false).write(true);
    let mark = options.open(folder.join(UNFINISHED)).map_err(cannot)?;
    lock(&mark, folder)?;
    mark.set_len(0).map_err(cannot)?;
    (&mark)
        .write_all(b"This run has not finished.\n")
        .map_err(cannot)?;
    remove(&folder.join(MANIFEST)).map_err(cannot)?;
    for part in ["evidence", "truth", "defense", "score"] {
        match fs::remove_dir_all(folder.join(part)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(cannot(error)),
            _ => {}
        }
    }
    remove(&folder.join(paths::INPUTS)).map_err(cannot)?;
    for part in ["evidence", "truth", "defense"] {
        fs::create_dir_all(folder.join(part)).map_err(cannot)?;
    }
    Ok(mark)
}

/// Locks the mark of an unfinished run, as its writer keeps it.
fn lock(mark: &File, folder: &Path) -> Result<(), Problems> {
    match mark.try_lock() {
        Err(TryLockError::WouldBlock) => {
            let message = "another run is being written into the folder; nothing is overwritten";
            let problem = Problem::new("TR0301", message).in_file(folder.display().to_string());
            Err(problem
                .hint("wait until it has ended, or name another folder")
                .into())
        }
        // A file system that knows no locks is as good as one without anybody else.
        Err(TryLockError::Error(_)) | Ok(()) => Ok(()),
    }
}

/// Something in the folders of a run that is not ours and would be lost. What lies in `defense/` is the
/// tool's, whatever its name.
fn foreign_file(folder: &Path) -> Option<PathBuf> {
    const KNOWN: [&str; 17] = [
        paths::ASSETS,
        paths::TAGS,
        paths::SYSLOG,
        paths::ATTACK,
        paths::FRAMES,
        paths::PROCESS,
        paths::ITEMS,
        paths::SCREENS,
        paths::CONTROLLERS,
        paths::PRODUCTION,
        paths::DIGESTS,
        paths::IMPACT,
        paths::INLINE,
        "score/score.json",
        "score/report.html",
        "score/junit.xml",
        "score/navigator.json",
    ];
    let is_ours = |part: &str, path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let is_span = part == "evidence" && name.starts_with("span-") && name.ends_with(".pcapng");
        let is_page = part == "score" && name.starts_with("compare-") && name.ends_with(".html");
        let is_known = KNOWN.contains(&format!("{part}/{name}").as_str());
        path.is_file() && (is_span || is_page || is_known)
    };
    for part in ["evidence", "truth", "score"] {
        let Ok(entries) = fs::read_dir(folder.join(part)) else {
            continue;
        };
        let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
        paths.sort();
        if let Some(foreign) = paths.into_iter().find(|path| !is_ours(part, path)) {
            return Some(foreign);
        }
    }
    None
}

/// Whether a folder was written by [`RunWriter`], finished or not.
fn is_ours(folder: &Path) -> bool {
    #[derive(serde::Deserialize)]
    struct Kind {
        kind: String,
    }
    if folder.join(UNFINISHED).is_file() {
        return true;
    }
    let text = fs::read_to_string(folder.join(MANIFEST)).unwrap_or_default();
    serde_json::from_str::<Kind>(&text).is_ok_and(|found| found.kind == RUN_KIND)
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn create_file(folder: &Path, path: &str) -> Result<Out, Problems> {
    let file = File::create(locate(folder, path));
    let file = file.map_err(|error| cannot_write(folder, path, &error))?;
    Ok(BufWriter::with_capacity(BUFFER_BYTES, Tally::new(file)))
}

fn close(out: Out) -> io::Result<FileInfo> {
    let mut tally = out.into_inner().map_err(io::IntoInnerError::into_error)?;
    tally.flush()?;
    Ok(tally.info())
}

/// Writes the manifest beside its place and moves it there, so that it is whole or absent.
fn write_manifest(folder: &Path, manifest: &Manifest) -> Result<(), Problems> {
    let cannot = |error: io::Error| cannot_write(folder, MANIFEST, &error);
    let mut text = serde_json::to_string_pretty(manifest).expect("manifests encode");
    text.push('\n');
    let unfinished = folder.join(UNFINISHED);
    fs::write(&unfinished, text).map_err(cannot)?;
    fs::rename(&unfinished, folder.join(MANIFEST)).map_err(cannot)
}

fn cannot_write(folder: &Path, path: &str, error: &io::Error) -> Problems {
    let shown = if path.is_empty() {
        folder.to_path_buf()
    } else {
        locate(folder, path)
    };
    let problem = Problem::new("TR0307", format!("cannot write: {error}"));
    problem.in_file(shown.display().to_string()).into()
}
