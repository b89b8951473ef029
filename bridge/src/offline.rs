//! A defense that runs over the evidence after the run.
//!
//! The command sees a copy of the evidence in a scratch folder of its own. It can neither reach
//! `truth/` through `..` nor change the evidence that the score relies on; if it is confined, it can
//! not reach the run folder at all. What it leaves in
//! `{out}` is copied into the run folder: plain files only, no links.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::child::{Chatter, Guard, describe};
use crate::confine::Confinement;
use crate::error::DefenseError;
use crate::spec::expand;

/// Largest alert file, bytes.
pub const ALERTS_LIMIT_BYTES: u64 = 1 << 30;
/// Largest sum of all files that a tool may leave, bytes.
pub const OUTPUT_LIMIT_BYTES: u64 = 4 << 30;
/// Most files that a tool may leave.
const OUTPUT_LIMIT_FILES: usize = 10_000;
/// Deepest folder in a tool's output.
const OUTPUT_LIMIT_DEPTH: usize = 16;

/// How to run an offline defense.
#[derive(Clone, Debug)]
pub struct OfflineConfig {
    /// Program to start: a path, or a name to be found in `PATH`.
    pub command: PathBuf,
    /// Its arguments; `{evidence}` and `{out}` are replaced by the two folders.
    pub args: Vec<String>,
    /// Variables beside the inherited environment, with the same replacements.
    pub env: BTreeMap<String, String>,
    /// Wall time for the whole command.
    pub timeout: Duration,
    /// The alert file, relative to `{out}`.
    pub alerts_path: PathBuf,
    /// Its format, by name; the score knows the names.
    pub format: String,
    /// File for standard output and standard error; `tool.log` in the output folder when `None`.
    pub log_path: Option<PathBuf>,
    /// Where the scratch folder is made; the system's temporary folder when `None`.
    pub scratch_root: Option<PathBuf>,
    /// Set by the handler of Ctrl-C: ends the wait.
    pub interrupt: Option<Arc<AtomicBool>>,
    /// How it is kept away from the truth; not at all when `None`.
    pub confinement: Option<Confinement>,
}

/// What an offline defense left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OfflineResult {
    /// The alert file, in the run folder.
    pub alerts_path: PathBuf,
    /// Its format, by name.
    pub format: String,
    /// All files that were copied into the run folder, relative to it, sorted.
    pub files: Vec<PathBuf>,
}

/// Runs the command and brings its output into `out_dir`.
///
/// # Arguments
///
/// * `evidence_dir` — `evidence/` of a run; copied, never shown to the tool itself.
/// * `out_dir` — folder for the tool's own output, normally `defense/output/` of the run; created.
///
/// # Errors
///
/// What went wrong with the tool. What it had written until then is in `out_dir` all the same.
pub fn run(
    config: &OfflineConfig,
    evidence_dir: &Path,
    out_dir: &Path,
) -> Result<OfflineResult, DefenseError> {
    let scratch = match &config.scratch_root {
        Some(root) => TempDir::with_prefix_in("twinrange-defense-", root),
        None => TempDir::with_prefix("twinrange-defense-"),
    }
    .map_err(|source| DefenseError::io("cannot create a scratch folder for the defense", source))?;
    let (evidence, out) = (scratch.path().join("evidence"), scratch.path().join("out"));
    make_dir(&out)?;
    make_dir(out_dir)?;
    copy_tree(evidence_dir, &evidence, u64::MAX)?;

    let result = run_command(config, &evidence, &out, out_dir);
    let files = copy_tree(&out, out_dir, OUTPUT_LIMIT_BYTES);
    result?;
    let files = files?;
    if !files.contains(&config.alerts_path) {
        let found = files
            .iter()
            .take(10)
            .map(|path| path.display().to_string())
            .collect();
        return Err(DefenseError::NoAlerts {
            path: config.alerts_path.clone(),
            found,
        });
    }
    let alerts_path = out_dir.join(&config.alerts_path);
    let found_bytes = fs::metadata(&alerts_path)
        .map_err(|source| {
            DefenseError::io(format!("cannot read {}", alerts_path.display()), source)
        })?
        .len();
    if found_bytes > ALERTS_LIMIT_BYTES {
        return Err(DefenseError::TooLarge {
            what: config.alerts_path.display().to_string(),
            found_bytes,
            limit_bytes: ALERTS_LIMIT_BYTES,
        });
    }
    Ok(OfflineResult {
        alerts_path,
        format: config.format.clone(),
        files,
    })
}

fn run_command(
    config: &OfflineConfig,
    evidence: &Path,
    out: &Path,
    out_dir: &Path,
) -> Result<(), DefenseError> {
    let words = [
        ("{evidence}", evidence.to_string_lossy().into_owned()),
        ("{out}", out.to_string_lossy().into_owned()),
    ];
    let scratch = out.parent().expect("it lies in the scratch folder");
    let mut command = match &config.confinement {
        Some(confinement) => {
            let temporary = scratch.join("tmp");
            make_dir(&temporary)?;
            confinement.command(&config.command, scratch, &temporary)?
        }
        None => Command::new(&config.command),
    };
    command.args(config.args.iter().map(|arg| expand(arg, &words)));
    command.envs(
        config
            .env
            .iter()
            .map(|(key, value)| (key, expand(value, &words))),
    );
    command.current_dir(out);
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut guard = Guard::spawn(&mut command)?;
    let stdout = guard
        .child()
        .stdout
        .take()
        .expect("stdout was asked to be a pipe");
    let stderr = guard
        .child()
        .stderr
        .take()
        .expect("stderr was asked to be a pipe");
    let log_path = config
        .log_path
        .clone()
        .unwrap_or_else(|| out_dir.join("tool.log"));
    let chatter = Chatter::collect(vec![Box::new(stderr), Box::new(stdout)], Some(&log_path))?;

    let interrupted = || {
        config
            .interrupt
            .as_ref()
            .is_some_and(|flag| flag.load(Ordering::Relaxed))
    };
    match guard.wait_until(Instant::now() + config.timeout, &interrupted) {
        Some(status) if status.success() => {
            // Waits until the log is complete.
            let _for_the_log = chatter.tail();
            Ok(())
        }
        Some(status) => Err(DefenseError::Failed {
            status: describe(status),
            output_tail: chatter.tail(),
        }),
        None => {
            guard.kill();
            if interrupted() {
                return Err(DefenseError::Interrupted);
            }
            Err(DefenseError::CommandTimedOut {
                limit: config.timeout,
                output_tail: chatter.tail(),
            })
        }
    }
}

fn make_dir(path: &Path) -> Result<(), DefenseError> {
    fs::create_dir_all(path)
        .map_err(|source| DefenseError::io(format!("cannot create {}", path.display()), source))
}

/// Copies plain files and folders; says which files, relative and sorted. Links and special files
/// are left out: a link could point anywhere.
fn copy_tree(from: &Path, to: &Path, limit_bytes: u64) -> Result<Vec<PathBuf>, DefenseError> {
    let too_large = |found_bytes| DefenseError::TooLarge {
        what: "its output folder".into(),
        found_bytes,
        limit_bytes,
    };
    let mut files = Vec::new();
    let mut copied_bytes = 0u64;
    let mut open = vec![PathBuf::new()];
    while let Some(folder) = open.pop() {
        make_dir(&to.join(&folder))?;
        let source = from.join(&folder);
        let cannot = |error| DefenseError::io(format!("cannot read {}", source.display()), error);
        for entry in fs::read_dir(&source).map_err(cannot)? {
            let entry = entry.map_err(cannot)?;
            let relative = folder.join(entry.file_name());
            let kind = entry.file_type().map_err(cannot)?;
            if kind.is_dir() && relative.components().count() <= OUTPUT_LIMIT_DEPTH {
                open.push(relative);
            } else if kind.is_file() {
                copied_bytes += entry.metadata().map_err(cannot)?.len();
                if copied_bytes > limit_bytes || files.len() == OUTPUT_LIMIT_FILES {
                    return Err(too_large(copied_bytes));
                }
                let (source, target) = (from.join(&relative), to.join(&relative));
                fs::copy(&source, &target).map_err(|error| {
                    DefenseError::io(format!("cannot copy {}", source.display()), error)
                })?;
                files.push(relative);
            }
        }
    }
    files.sort();
    Ok(files)
}
