//! Starting the command, and comparing what it leaves.

use std::collections::BTreeMap;
use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

/// Folder of the repository.
pub(crate) fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// What a command left on its pipes.
#[derive(Debug)]
pub(crate) struct Done {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Done {
    /// Asserts the exit code, and shows everything where it is another.
    #[track_caller]
    pub(crate) fn expect_code(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{self:#?}");
        self
    }

    /// Asserts that standard error says all of this.
    #[track_caller]
    pub(crate) fn expect_says(self, parts: &[&str]) -> Self {
        for part in parts {
            assert!(
                self.stderr.contains(part),
                "`{part}` is not said in {self:#?}"
            );
        }
        self
    }
}

/// The built command in a folder, ready to be given arguments.
pub(crate) fn command(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_twinrange"));
    command.current_dir(folder).stdin(Stdio::null());
    command
}

/// Runs the command in a folder to its end.
pub(crate) fn twinrange<S: AsRef<std::ffi::OsStr>>(folder: &Path, args: &[S]) -> Done {
    let output = command(folder)
        .args(args)
        .output()
        .expect("the command starts");
    Done {
        code: output.status.code(),
        stdout: String::from_utf8(output.stdout).expect("standard output is text"),
        stderr: String::from_utf8(output.stderr).expect("standard error is text"),
    }
}

/// Runs the command with arguments that are separated by spaces.
pub(crate) fn words(folder: &Path, args: &str) -> Done {
    twinrange(folder, &args.split(' ').collect::<Vec<_>>())
}

/// Runs an ordinary shift of so many seconds with a defense, into `run` in the folder.
pub(crate) fn run_calm(folder: &Path, seconds: u64, defense: &str) -> Done {
    let duration = format!("{seconds}s");
    let args = [
        "run",
        "bottling/calm",
        "--duration",
        &duration,
        "--defense",
        defense,
        "--out",
        "run",
    ];
    twinrange(folder, &args)
}

/// Whether all tools that any test needs have to be here, as in CI.
pub(crate) fn tools_are_demanded() -> bool {
    std::env::var_os("TWINRANGE_REQUIRE_TOOLS").is_some()
}

/// Whether what a test needs is here. Where it is not, the test is skipped, which is said, or fails where all tools are
/// demanded.
#[track_caller]
pub(crate) fn is_here(found: bool, what: &str) -> bool {
    assert!(
        found || !tools_are_demanded(),
        "{what} is required and is not here"
    );
    if !found {
        eprintln!("skipped: {what} is not here");
    }
    found
}

/// Whether a program is here; see [`is_here`].
///
/// # Arguments
///
/// * `argument` — with which it only says something of itself.
#[track_caller]
pub(crate) fn has_tool(program: &str, argument: &str) -> bool {
    let tried = Command::new(program)
        .arg(argument)
        .stdin(Stdio::null())
        .output();
    is_here(tried.is_ok_and(|done| done.status.success()), program)
}

/// A Mosquitto broker at a free port of this machine; it is killed when dropped.
pub(crate) struct Mosquitto {
    child: Child,
    pub(crate) port: u16,
}

impl Mosquitto {
    /// Starts one with its configuration in a folder and waits until it listens; `None` if Mosquitto is not here.
    ///
    /// # Arguments
    ///
    /// * `access` — line of the configuration, such as `allow_anonymous true`.
    pub(crate) fn start(folder: &Path, access: &str) -> Option<Self> {
        let tried = Command::new("mosquitto").arg("-h").output();
        if !is_here(tried.is_ok(), "mosquitto") {
            return None;
        }
        let free = TcpListener::bind("127.0.0.1:0").expect("loopback");
        let port = free.local_addr().expect("it is bound").port();
        drop(free);
        // A queue without an end: what a slow subscriber loses is not what is tested. It stays who it is, to read the
        // folder of a test.
        let config = format!(
            "listener {port} 127.0.0.1\n{access}\nmax_queued_messages 0\nuser root\nlog_dest none\n"
        );
        fs::write(folder.join("mosquitto.conf"), config).expect("it can be written");
        Some(Self::start_again(folder, port))
    }

    /// Starts one with the configuration that is there already.
    pub(crate) fn start_again(folder: &Path, port: u16) -> Self {
        let mut child = Command::new("mosquitto")
            .args(["-c", "mosquitto.conf"])
            .current_dir(folder)
            .stdin(Stdio::null())
            .spawn()
            .expect("it starts");
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            let ended = child.try_wait().expect("it can be asked");
            assert!(ended.is_none(), "mosquitto does not listen: {ended:?}");
            std::thread::sleep(Duration::from_millis(10));
        }
        Self { child, port }
    }
}

impl Drop for Mosquitto {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Whether a program is here in the version that a test was made with; see [`is_here`]. Another version may find other
/// things.
///
/// # Arguments
///
/// * `arguments` — with which it only says something of itself.
/// * `expect` — a part of what it says, as `detect` in the description of a defense has it.
#[track_caller]
pub(crate) fn has_version(program: &str, arguments: &[&str], expect: &str) -> bool {
    let tried = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .output();
    let says = tried.is_ok_and(|done| {
        let said =
            [done.stdout, done.stderr].map(|text| String::from_utf8_lossy(&text).into_owned());
        said.iter().any(|text| text.contains(expect))
    });
    is_here(says, &format!("{program} that says `{expect}`"))
}

/// A new folder for one test.
pub(crate) fn scratch() -> TempDir {
    tempfile::tempdir().expect("there is room for temporary files")
}

/// `run.json` of a run folder.
pub(crate) fn manifest(run: &Path) -> Value {
    read_json(&run.join("run.json"))
}

/// Lines of a file that hold JSON.
#[track_caller]
pub(crate) fn json_lines(path: &Path) -> Vec<Value> {
    let text =
        fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let line = |line| {
        serde_json::from_str(line).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    };
    text.lines().map(line).collect()
}

/// A JSON file.
pub(crate) fn read_json(path: &Path) -> Value {
    let text =
        fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Every file below a folder with its content, by its path relative to it.
pub(crate) fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut open = vec![folder.to_path_buf()];
    while let Some(next) = open.pop() {
        for entry in
            fs::read_dir(&next).unwrap_or_else(|error| panic!("{}: {error}", next.display()))
        {
            let path = entry.expect("the folder can be listed").path();
            if path.is_dir() {
                open.push(path);
            } else {
                let name = path
                    .strip_prefix(folder)
                    .expect("it is below")
                    .to_path_buf();
                found.insert(name, fs::read(&path).expect("the file can be read"));
            }
        }
    }
    found
}

/// Asserts that two run folders hold the same evidence, truth and inputs, byte by byte, and the same digest.
#[track_caller]
pub(crate) fn assert_same_run(one: &Path, other: &Path) {
    for folder in ["evidence", "truth"] {
        let (one, other) = (files(&one.join(folder)), files(&other.join(folder)));
        assert!(!one.is_empty(), "{folder}/ is empty");
        assert_eq!(
            one.keys().collect::<Vec<_>>(),
            other.keys().collect::<Vec<_>>(),
            "{folder}/"
        );
        for (name, bytes) in &one {
            assert!(*bytes == other[name], "{folder}/{} differs", name.display());
        }
    }
    let inputs = |run: &Path| fs::read(run.join("inputs.jsonl")).expect("every run has its inputs");
    assert!(inputs(one) == inputs(other), "inputs.jsonl differs");
    let (one, other) = (manifest(one), manifest(other));
    assert_eq!(one["trace_digest"], other["trace_digest"]);
    assert_eq!(one["counts"]["frames"], other["counts"]["frames"]);
}

/// Copies a folder.
pub(crate) fn copy(from: &Path, to: &Path) {
    for (name, bytes) in files(from) {
        let path = to.join(name);
        fs::create_dir_all(path.parent().expect("a file has a folder"))
            .expect("the folder can be made");
        fs::write(path, bytes).expect("the file can be written");
    }
}

/// Copies the shipped scenarios and playbooks, so that a test can change them.
pub(crate) fn copy_shipped(to: &Path) {
    for part in ["scenarios", "attacks/playbooks"] {
        copy(&repository().join(part), &to.join(part));
    }
}
