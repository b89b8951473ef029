//! Runs that are stopped in the middle, and whose folder is whose.

use std::fs;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use twinrange_range::run_folder::RunFolder;

use crate::support::{command, json_lines, manifest, scratch, words};

/// Starts a run of a simulated day and waits until its capture has grown.
fn started(folder: &Path, args: &str) -> Child {
    let mut child = command(folder)
        .args(args.split(' '))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the command starts");
    let capture = folder.join("run/evidence/span-cell.pcapng");
    while fs::metadata(&capture).map_or(0, |found| found.len()) < 1_000_000 {
        let ended = child.try_wait().expect("the child can be asked");
        assert!(
            ended.is_none(),
            "the run ended before it could be stopped: {ended:?}"
        );
        std::thread::sleep(Duration::from_millis(2));
    }
    child
}

fn signal(child: &Child, signal: Signal) {
    let id = i32::try_from(child.id())
        .ok()
        .and_then(Pid::from_raw)
        .expect("a process has an id");
    kill_process(id, signal).expect("the process is there");
}

#[test]
fn run_when_interrupted_then_a_shorter_valid_folder() {
    check_interrupted(Signal::INT);
    check_interrupted(Signal::TERM);
    // Under `nohup` the end of the terminal is nothing to a child either.
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    if ignored.is_some_and(|mask| {
        mask.trim()
            .ends_with(['0', '2', '4', '6', '8', 'a', 'c', 'e'])
    }) {
        check_interrupted(Signal::HUP);
    }
}

fn check_interrupted(asks: Signal) {
    let folder = scratch();
    let mut child = started(folder.path(), "run bottling/calm --duration 24h --out run");
    // Nobody else gets the folder meanwhile.
    words(folder.path(), "run bottling/calm --duration 1s --out run")
        .expect_code(2)
        .expect_says(&["TR0301", "another run is being written"]);
    signal(&child, asks);
    let status = child.wait().expect("the child ends");
    assert_eq!(status.code(), Some(130));
    let facts = manifest(&folder.path().join("run"));
    assert_eq!(facts["ended"], "interrupted");
    let simulated_ns = facts["simulated_ns"].as_u64().expect("a number");
    assert!(
        simulated_ns > 0 && simulated_ns < 24 * 3_600 * 1_000_000_000,
        "{simulated_ns}"
    );
    assert!(
        facts["counts"]["frames"]["cell"].as_u64() > Some(1_000),
        "{}",
        facts["counts"]
    );
    let run = RunFolder::open(&folder.path().join("run")).expect("it is whole");
    let truth = run.process().expect("can be read");
    assert_eq!(truth.t_ns().last(), Some(&simulated_ns));
    let seconds = run.digests().expect("can be read").rows.len();
    assert_eq!(
        u64::try_from(seconds).ok(),
        Some(simulated_ns / 1_000_000_000)
    );
    words(folder.path(), "replay run").expect_code(0);
}

/// A tool that speaks when everything is over is asked at an end that comes early, too.
#[test]
fn run_when_interrupted_then_the_defense_has_the_last_word() {
    let folder = scratch();
    let script = r#"read -r hello
echo '{"type":"ready","version":1,"name":"late","wants":["logs"]}'
seq=0
while read -r message; do
seq=$((seq + 1))
case $message in
'{"type":"end"'*) echo "{\"type\":\"answer\",\"seq\":$seq,\"alerts\":[{\"t_ns\":1,\"sig_id\":\"late\"}]}" ;;
esac
echo "{\"type\":\"done\",\"seq\":$seq}"
done
"#;
    let description = r#"Defense(name: "late", version: "1", description: "Speaks at the end",
        kind: LockStep(command: "sh", args: ["{defense}/late.sh"]),
        install: "It is part of the tests.", may_be_silent: true)"#;
    for (name, text) in [("late.sh", script), ("late.ron", description)] {
        fs::write(folder.path().join(name), text).expect("the file can be written");
    }
    let run = "run bottling/calm --duration 24h --defense late.ron --out run";
    let mut child = started(folder.path(), run);
    signal(&child, Signal::INT);
    let status = child.wait().expect("the child ends");
    assert_eq!(status.code(), Some(130));
    let run = folder.path().join("run");
    assert_eq!(manifest(&run)["ended"], "interrupted");
    let alerts = json_lines(&run.join("defense/alerts.jsonl"));
    assert_eq!(alerts.len(), 1, "{alerts:?}");
    assert_eq!(alerts[0]["sig_id"], "late");
}

#[test]
fn run_when_several_begin_at_once_then_each_has_a_folder_of_its_own() {
    let folder = scratch();
    let begun: Vec<Child> = (0..4)
        .map(|_| {
            command(folder.path())
                .args(["run", "bottling/calm", "--duration", "1s", "--no-twin"])
                .stdout(Stdio::null())
                .spawn()
                .expect("the command starts")
        })
        .collect();
    for mut run in begun {
        let status = run.wait().expect("the child ends");
        assert!(status.success(), "{status}");
    }
    for name in ["calm-1", "calm-1-2", "calm-1-3", "calm-1-4"] {
        words(folder.path(), &format!("replay runs/{name}")).expect_code(0);
    }
    // What is refused leaves nothing.
    words(
        folder.path(),
        "live bottling/calm --tokens x --api 127.0.0.1:0",
    )
    .expect_code(2);
    assert!(!folder.path().join("runs/calm-1-5").exists());
}

#[test]
fn run_when_killed_then_the_folder_says_so() {
    let folder = scratch();
    let mut child = started(folder.path(), "run bottling/calm --duration 24h --out run");
    signal(&child, Signal::KILL);
    child.wait().expect("the child ends");
    words(folder.path(), "replay run")
        .expect_code(2)
        .expect_says(&["run: TR0302"]);
    words(folder.path(), "score run --quick")
        .expect_code(2)
        .expect_says(&["run: TR0302"]);
}
