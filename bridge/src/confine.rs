//! Keeping a defense away from the truth: what a confined child may see, and how it is started.
//!
//! The range does not confine its children itself: between `fork` and `exec` only unsafe code can run. It
//! starts a *launcher* instead, a program that confines its own process and then becomes the tool:
//! `LAUNCHER --read PATH … --write PATH … -- COMMAND ARGUMENTS …`. The confinement is a list of what is
//! allowed; all else is denied, so nobody has to know where run folders lie.
//!
//! **Invariant:** what is hidden stays hidden, also where it lies below something that is granted: such a
//! folder is granted entry by entry, without what is hidden, and the folder itself cannot be listed.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::error::DefenseError;

/// What every program needs to start: programs and libraries of the system, its settings, and what tells
/// the number of processors. `/proc` itself is left out: it shows how the range was started.
const SYSTEM: [&str; 23] = [
    "/usr",
    "/bin",
    "/sbin",
    "/lib",
    "/lib32",
    "/lib64",
    "/etc",
    "/opt",
    "/nix/store",
    "/gnu/store",
    "/snap",
    "/proc/cpuinfo",
    "/proc/filesystems",
    "/proc/loadavg",
    "/proc/meminfo",
    "/proc/stat",
    "/proc/sys",
    "/proc/uptime",
    "/proc/version",
    "/sys/devices/system",
    "/sys/fs/cgroup",
    "/dev/random",
    "/dev/urandom",
];
/// What every program may also write.
const DEVICES: [&str; 4] = ["/dev/null", "/dev/zero", "/dev/full", "/dev/shm"];
/// Below the prefix of a program that lies in its `bin`: what may belong to it.
const PREFIX: [&str; 7] = [
    "bin",
    "lib",
    "lib64",
    "libexec",
    "share",
    "include",
    "pyvenv.cfg",
];
/// The same for a folder of `PATH`, which may be that of a version manager (`shims`, `versions`). Not its
/// `share`: below a home folder that is everything that programs keep.
const PATH_PREFIX: [&str; 8] = [
    "bin", "lib", "lib64", "libexec", "plugins", "versions", "installs", "version",
];
/// Most entries of a tool's folders that are looked through for run folders.
const ENTRIES: usize = 200_000;
/// Longest first line of a script, bytes.
const SHEBANG_BYTES: u64 = 256;

/// How a child is kept away from the truth. Its own scratch folder, which it may also write, is added when
/// it is started.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Confinement {
    /// The launcher and its first arguments; see the module.
    pub launcher: Vec<OsString>,
    /// Files and folders that stay hidden wherever they lie, such as the run folder and the scenario.
    pub hidden: Vec<PathBuf>,
    /// What the tool may read and run beside the system: normally the folder of its description. Run
    /// folders in there are hidden.
    pub read: Vec<PathBuf>,
}

/// What a child is granted.
#[derive(Debug, Default, PartialEq, Eq)]
struct Grants {
    read: BTreeSet<PathBuf>,
    write: BTreeSet<PathBuf>,
}

impl Confinement {
    /// The command that confines itself and becomes `program`.
    ///
    /// The environment is the range's own, without the variables that say where the range was started or
    /// hold a hidden path; `TMPDIR` is `temporary`.
    ///
    /// # Arguments
    ///
    /// * `program` — a path, or a name to be found in `PATH`.
    /// * `scratch` — folder that the tool may write; it also holds the evidence of an offline tool.
    /// * `temporary` — folder below it for temporary files.
    ///
    /// # Errors
    ///
    /// [`DefenseError::CannotStart`] for a program that nobody may execute, and
    /// [`DefenseError::CannotConfine`] where the tool's folders cannot be looked through.
    pub(crate) fn command(
        &self,
        program: &Path,
        scratch: &Path,
        temporary: &Path,
    ) -> Result<Command, DefenseError> {
        let program = located(program)?;
        let grants = self.grants(&program, scratch)?;
        let (launcher, first) = self.launcher.split_first().ok_or_else(|| {
            let reason = "there is no launcher".to_owned();
            DefenseError::CannotConfine { reason }
        })?;
        let mut command = Command::new(launcher);
        command.args(first);
        for path in &grants.read {
            command.arg("--read").arg(path);
        }
        for path in &grants.write {
            command.arg("--write").arg(path);
        }
        command.arg("--").arg(&program);
        for name in ["PWD", "OLDPWD", "_"] {
            command.env_remove(name);
        }
        let hidden = self.hidden_as_text();
        for (name, value) in std::env::vars_os() {
            let value = value.to_string_lossy();
            if hidden.iter().any(|path| value.contains(path.as_str())) {
                command.env_remove(name);
            }
        }
        command.env("TMPDIR", temporary);
        Ok(command)
    }

    /// Hidden paths as they may stand in a variable: as given, and in full.
    fn hidden_as_text(&self) -> Vec<String> {
        let full = self.hidden.iter().flat_map(|path| path.canonicalize());
        let given = self.hidden.iter().cloned();
        let text = |path: PathBuf| path.to_string_lossy().into_owned();
        full.chain(given)
            .map(text)
            .filter(|text| text.len() > 1)
            .collect()
    }

    fn grants(&self, program: &Path, scratch: &Path) -> Result<Grants, DefenseError> {
        let mut hidden: Vec<PathBuf> = self
            .hidden
            .iter()
            .flat_map(|path| path.canonicalize())
            .collect();
        let mut left = ENTRIES;
        for folder in &self.read {
            if let Ok(root) = folder.canonicalize() {
                run_folders(&root, &mut left, &mut hidden)?;
            }
        }
        let mut grants = Grants::default();
        let search = std::env::var_os("PATH").unwrap_or_default();
        let in_path = std::env::split_paths(&search).filter(|path| path.is_absolute());
        let in_path = in_path.flat_map(|folder| {
            let beside = beside(&folder, &PATH_PREFIX);
            std::iter::once(folder).chain(beside)
        });
        let read = SYSTEM.iter().map(PathBuf::from);
        let read = read.chain(in_path).chain(of_program(program, true));
        for path in read.chain(self.read.iter().cloned()) {
            grant(&path, &hidden, &mut grants.read);
        }
        // In these words, which mean the launcher's own process there, and that of the range here.
        grants.read.insert("/proc/self".into());
        for path in DEVICES.iter().map(PathBuf::from) {
            grant(&path, &hidden, &mut grants.write);
        }
        grant(scratch, &hidden, &mut grants.write);
        Ok(grants)
    }
}

/// A program's own path. A name is looked for in `PATH`, as the system would.
fn located(program: &Path) -> Result<PathBuf, DefenseError> {
    let cannot = |source: io::Error| DefenseError::CannotStart {
        command: program.to_string_lossy().into_owned(),
        source,
    };
    let path = if program.components().count() > 1 {
        program.to_path_buf()
    } else {
        let search = std::env::var_os("PATH").unwrap_or_default();
        std::env::split_paths(&search)
            .map(|folder| folder.join(program))
            .find(|path| path.is_file())
            .ok_or_else(|| cannot(io::ErrorKind::NotFound.into()))?
    };
    let facts = fs::metadata(&path).map_err(cannot)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        if facts.permissions().mode() & 0o111 == 0 {
            return Err(cannot(io::ErrorKind::PermissionDenied.into()));
        }
    }
    if facts.is_file() {
        Ok(path)
    } else {
        Err(cannot(io::ErrorKind::PermissionDenied.into()))
    }
}

/// What belongs to a program: itself, what lies beside its `bin`, and the interpreter of a script.
fn of_program(program: &Path, follow_script: bool) -> Vec<PathBuf> {
    let mut paths = vec![program.to_path_buf()];
    let full = program.canonicalize().ok();
    for path in full.iter().map(PathBuf::as_path).chain([program]) {
        if let Some(folder) = path.parent() {
            paths.extend(beside(folder, &PREFIX));
        }
    }
    if follow_script && let Some(interpreter) = interpreter(program) {
        paths.extend(of_program(&interpreter, false));
    }
    paths
}

/// Parts of the prefix in which a folder of programs lies; none if it is no such folder.
fn beside(folder: &Path, parts: &[&str]) -> Vec<PathBuf> {
    let names = ["bin", "sbin", "shims"];
    let is_bin = folder
        .file_name()
        .is_some_and(|name| names.iter().any(|known| name == *known));
    let prefix = folder.parent().filter(|_| is_bin);
    prefix.map_or_else(Vec::new, |prefix| {
        parts.iter().map(|part| prefix.join(part)).collect()
    })
}

/// The interpreter that the first line of a script names.
fn interpreter(program: &Path) -> Option<PathBuf> {
    let mut start = Vec::new();
    let file = fs::File::open(program).ok()?;
    file.take(SHEBANG_BYTES).read_to_end(&mut start).ok()?;
    let text = String::from_utf8_lossy(&start);
    let line = text.strip_prefix("#!")?.lines().next()?;
    line.split_whitespace().next().map(PathBuf::from)
}

/// Grants a path without what is hidden below it. Links below are left out: what they lead to is granted
/// where it lies, or not at all.
fn grant(path: &Path, hidden: &[PathBuf], out: &mut BTreeSet<PathBuf>) {
    let Ok(path) = path.canonicalize() else {
        return;
    };
    if hidden.iter().any(|hidden| path.starts_with(hidden)) {
        return;
    }
    if !hidden.iter().any(|hidden| hidden.starts_with(&path)) {
        out.insert(path);
        return;
    }
    for entry in fs::read_dir(&path).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| !kind.is_symlink()) {
            grant(&entry.path(), hidden, out);
        }
    }
}

/// Finds run folders at and below a folder.
fn run_folders(
    root: &Path,
    left: &mut usize,
    found: &mut Vec<PathBuf>,
) -> Result<(), DefenseError> {
    let mut open = vec![root.to_path_buf()];
    while let Some(folder) = open.pop() {
        // While a run goes on, there is no `run.json` yet.
        if folder.join("truth").is_dir() && folder.join("evidence").is_dir() {
            found.push(folder);
            continue;
        }
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            *left = left
                .checked_sub(1)
                .ok_or_else(|| DefenseError::CannotConfine {
                    reason: format!(
                        "the defense's own folder {} holds too much to be looked through for run \
                     folders; give its description a folder of its own",
                        root.display()
                    ),
                })?;
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                open.push(entry.path());
            }
        }
    }
    Ok(())
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn touch(path: &Path) {
        fs::create_dir_all(path.parent().expect("a file has a folder")).expect("a folder");
        fs::write(path, "x").expect("a file");
    }

    /// A tool's folder in which run folders and a scenario lie.
    fn tool_folder() -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("room for temporary files");
        for name in [
            "tool.py",
            "model/weights.bin",
            "scenario.ron",
            "runs/one/evidence/span-cell.pcapng",
            "runs/one/truth/attack.jsonl",
            "runs/readme.txt",
            "own/evidence/span-cell.pcapng",
        ] {
            touch(&folder.path().join(name));
        }
        std::os::unix::fs::symlink("runs/one/truth", folder.path().join("short-cut"))
            .expect("a link");
        folder
    }

    #[test]
    fn grants_when_something_hidden_lies_below_then_all_but_it() {
        let folder = tool_folder();
        let root = folder.path().canonicalize().expect("it is there");
        let confinement = Confinement {
            launcher: vec!["launcher".into()],
            hidden: vec![root.join("own"), root.join("scenario.ron")],
            read: vec![root.clone()],
        };
        let scratch = tempfile::tempdir().expect("room for temporary files");
        let grants = confinement
            .grants(Path::new("/bin/sh"), scratch.path())
            .expect("it can be confined");
        let here: Vec<&Path> = grants
            .read
            .iter()
            .filter_map(|path| path.strip_prefix(&root).ok())
            .collect();
        let expect = ["model", "runs/readme.txt", "tool.py"].map(Path::new);
        assert_eq!(here, expect);
        let scratch = scratch.path().canonicalize().expect("it is there");
        assert!(grants.write.contains(&scratch));
        assert!(!grants.read.contains(Path::new("/")));
        assert!(!grants.read.contains(Path::new("/proc")));
    }

    #[test]
    fn environment_when_it_holds_a_hidden_path_then_the_tool_does_not() {
        // PATH is the one variable that is always there.
        let search = std::env::var_os("PATH").expect("programs are found by it");
        let first = std::env::split_paths(&search).next().expect("a folder");
        let text = first.to_string_lossy().into_owned();
        let holds = |(_, value): &(OsString, OsString)| value.to_string_lossy().contains(&text);
        let confinement = Confinement {
            launcher: vec!["launcher".into(), "confined".into()],
            hidden: vec![first.clone()],
            read: Vec::new(),
        };
        let scratch = Path::new("/nonexistent");
        let command = confinement
            .command(Path::new("sh"), scratch, scratch)
            .expect("it can be confined");
        let removed: BTreeSet<String> = command
            .get_envs()
            .filter(|(_, value)| value.is_none())
            .map(|(name, _)| name.to_string_lossy().into_owned())
            .collect();
        for name in ["PATH", "PWD"] {
            assert!(removed.contains(name), "{removed:?}");
        }
        let left: Vec<_> = std::env::vars_os()
            .filter(holds)
            .filter(|(name, _)| !removed.contains(&*name.to_string_lossy()))
            .collect();
        assert!(left.is_empty(), "{left:?}");
    }

    #[test]
    fn program_when_nobody_may_execute_it_then_it_cannot_start() {
        let folder = tool_folder();
        let script = folder.path().join("tool.py");
        let error = Confinement::default()
            .command(&script, folder.path(), folder.path())
            .expect_err("it is no program");
        assert_eq!(error.code(), "DF0002");
    }

    #[test]
    fn program_when_it_lies_in_a_prefix_then_its_libraries_belong_to_it() {
        let folder = tempfile::tempdir().expect("room for temporary files");
        let prefix = folder.path().join("venv");
        touch(&prefix.join("bin/python"));
        let script = folder.path().join("tool.py");
        let first = format!("#!{} -u\n", prefix.join("bin/python").display());
        fs::write(&script, first).expect("a file");
        let paths = of_program(&script, true);
        for part in ["bin/python", "lib", "pyvenv.cfg"] {
            assert!(paths.contains(&prefix.join(part)), "{part}: {paths:?}");
        }
    }
}
