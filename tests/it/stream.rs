//! A live plant's frames in a pipe: what a reader gets, and that a reader who does not read costs nothing.

use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread::JoinHandle;
use std::time::Duration;

use serde_json::Value;

use crate::support::{command, has_tool, manifest, scratch, words};

/// A minute of an ordinary shift, as fast as the machine can.
const LIVE: &str = "live bottling/calm --for 60s --speed 1000 --out run --json";

/// A named pipe in a folder.
fn pipe(folder: &Path) -> PathBuf {
    let path = folder.join("frames");
    let made = Command::new("mkfifo").arg(&path).status();
    assert!(made.expect("mkfifo is part of the system").success());
    path
}

/// A session whose frames go to standard output.
fn to_output(folder: &Path) -> Command {
    let mut live = command(folder);
    live.args(LIVE.split(' ')).args(["--capture", "-"]);
    live
}

/// A session whose frames go into `frames`, and in which time stands.
fn paused(folder: &Path) -> Child {
    command(folder)
        .args(LIVE.split(' '))
        .args(["--capture", "frames", "--control", "--paused"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the command starts")
}

/// Lets time go on to the end of a session.
fn go(mut session: Child) -> Output {
    let mut control = session.stdin.take().expect("it is piped");
    writeln!(control, "go").expect("the session takes commands");
    let done = session.wait_with_output().expect("the session ends");
    drop(control);
    let says = String::from_utf8_lossy(&done.stderr).into_owned();
    assert_eq!(done.status.code(), Some(0), "{says}");
    done
}

/// Runs a session whose frames go into `frames`, to its end. Time does not begin before the reader, if there is one,
/// has begun to read.
fn live(folder: &Path, reads: Option<Receiver<()>>) -> Output {
    let session = paused(folder);
    if let Some(reads) = reads {
        reads.recv().expect("the reader begins");
    }
    go(session)
}

/// Somebody who opens a pipe, reads a byte, says so, and does something with the rest.
fn reader<T: Send + 'static>(
    path: &Path,
    then: impl FnOnce(File) -> T + Send + 'static,
) -> (Receiver<()>, JoinHandle<T>) {
    let (begins, reads) = mpsc::channel();
    let path = path.to_owned();
    let thread = std::thread::spawn(move || {
        let mut pipe = File::open(path).expect("the pipe can be opened");
        let mut first = [0];
        pipe.read_exact(&mut first)
            .expect("the headers come at once");
        // The first byte of a pcapng section.
        assert_eq!(first, [0x0a]);
        begins.send(()).expect("the test waits");
        then(pipe)
    });
    (reads, thread)
}

/// All that a reader gets who has read the first byte.
fn whole(mut pipe: File) -> Vec<u8> {
    let mut all = vec![0x0a];
    pipe.read_to_end(&mut all).expect("the pipe can be read");
    all
}

/// The capture in the run folder, which has every frame.
fn evidence(folder: &Path) -> Vec<u8> {
    let capture = folder.join("run/evidence/span-cell.pcapng");
    fs::read(capture).expect("there is a capture")
}

fn frames(folder: &Path) -> u64 {
    let count = manifest(&folder.join("run"))["counts"]["frames"]["cell"].as_u64();
    count.expect("a count")
}

/// What the session says of frames that are not in the stream.
fn left_out(done: &Output) -> Option<u64> {
    let says = String::from_utf8_lossy(&done.stderr).into_owned();
    let (before, _) = says.split_once(" frames are not in the capture stream")?;
    let number = before.rsplit(' ').next()?.parse();
    Some(number.unwrap_or_else(|_| panic!("{says}")))
}

#[test]
fn capture_when_read_from_a_pipe_then_it_is_the_evidence_byte_for_byte() {
    let folder = scratch();
    let path = pipe(folder.path());
    let (reads, thread) = reader(&path, whole);
    let done = live(folder.path(), Some(reads));
    let read = thread.join().expect("the reader ends");
    assert!(read == evidence(folder.path()), "the stream differs");
    assert_eq!(left_out(&done), None, "{done:?}");
    assert!(frames(folder.path()) > 1_000);
}

#[test]
fn capture_when_on_standard_output_then_everything_else_is_on_standard_error() {
    let folder = scratch();
    let done = to_output(folder.path())
        .output()
        .expect("the command starts");
    assert_eq!(done.status.code(), Some(0), "{done:?}");
    assert!(done.stdout == evidence(folder.path()), "the stream differs");
    let says = String::from_utf8_lossy(&done.stderr);
    let lines = says.lines().filter(|line| line.starts_with('{'));
    let lines: Vec<Value> = lines
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{line}: {error}")))
        .collect();
    assert!(lines.iter().any(|line| line["ready"] == true), "{says}");
    let last = lines.last().expect("it says what came out");
    assert_eq!(last["simulated_ns"], 60_000_000_000_u64, "{last}");
}

#[test]
fn capture_when_tshark_reads_it_then_it_counts_every_frame() {
    if !has_tool("tshark", "--version") {
        return;
    }
    let folder = scratch();
    let mut session = to_output(folder.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the command starts");
    let stream = session.stdout.take().expect("it is piped");
    let seen = Command::new("tshark")
        .args(["-r", "-", "-T", "fields"])
        .args(["-e", "frame.number", "-e", "_ws.col.Protocol"])
        .stdin(stream)
        .output()
        .expect("tshark starts");
    assert!(session.wait().expect("the session ends").success());
    let seen = String::from_utf8_lossy(&seen.stdout).into_owned();
    let count = u64::try_from(seen.lines().count()).expect("a count");
    assert_eq!(count, frames(folder.path()), "frames that tshark has read");
    assert!(seen.lines().filter(|line| line.contains("Modbus")).count() > 500);
}

/// Whoever never comes, goes away or does not read is told of, and the run is the same.
#[test]
fn capture_when_nobody_takes_it_then_the_plant_goes_on_and_the_evidence_is_whole() {
    let folder = scratch();
    let folder = folder.path();
    words(folder, &LIVE.replace("--out run", "--out alone")).expect_code(0);
    let alone = fs::read(folder.join("alone/evidence/span-cell.pcapng")).expect("it is there");
    let path = pipe(folder);
    let check = |who: &str, done: &Output| {
        assert!(evidence(folder) == alone, "{who}: the evidence differs");
        // A pipe has room for less than the minute's frames.
        let missing = left_out(done).unwrap_or(0);
        assert!(missing > 0, "{who}: {done:?}");
        let all = frames(folder);
        fs::remove_dir_all(folder.join("run")).expect("it can be removed");
        missing == all
    };
    assert!(check("nobody", &live(folder, None)), "nobody has read any");
    let (reads, leaver) = reader(&path, drop);
    check("leaver", &live(folder, Some(reads)));
    leaver.join().expect("it has left");
    let (wakes, sleeps) = mpsc::channel::<()>();
    let (reads, sleeper) = reader(&path, move |pipe| {
        // Until nobody has the other end any more.
        let _ = sleeps.recv();
        drop(pipe);
    });
    check("sleeper", &live(folder, Some(reads)));
    drop(wakes);
    sleeper.join().expect("it has slept");
}

/// Who comes next gets a stream of its own, and not the rest of another's.
#[cfg(target_os = "linux")]
#[test]
fn capture_when_the_reader_changes_while_time_stands_then_the_next_one_gets_headers() {
    let folder = scratch();
    let path = pipe(folder.path());
    let session = paused(folder.path());
    let (reads, leaver) = reader(&path, drop);
    reads.recv().expect("the reader begins");
    leaver.join().expect("it has left");
    let open = format!("/proc/{}/fd", session.id());
    let has_noticed = || {
        let mut files = fs::read_dir(&open).expect("the session runs");
        !files.any(|file| {
            let to = fs::read_link(file.expect("it can be listed").path());
            to.is_ok_and(|to| to.ends_with("frames"))
        })
    };
    while !has_noticed() {
        std::thread::sleep(Duration::from_millis(5));
    }
    let (reads, next) = reader(&path, whole);
    reads.recv().expect("the reader begins");
    let done = go(session);
    assert!(
        next.join().expect("the reader ends") == evidence(folder.path()),
        "the stream differs"
    );
    assert_eq!(left_out(&done), None, "{done:?}");
}

#[test]
fn capture_when_there_is_no_pipe_then_says_so() {
    let folder = scratch();
    fs::write(folder.path().join("file"), "mine").expect("it can be written");
    for (path, says) in [("file", "no pipe"), ("missing", "mkfifo"), (".", "no pipe")] {
        words(folder.path(), &format!("{LIVE} --capture {path}"))
            .expect_code(2)
            .expect_says(&["TR0605", path, says]);
    }
    let kept = fs::read_to_string(folder.path().join("file")).expect("it is there");
    assert_eq!(kept, "mine");
    assert!(!folder.path().join("run").exists());
}
