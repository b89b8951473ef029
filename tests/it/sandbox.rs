//! A defense that looks for the truth: confined it finds nothing, and unconfined it finds all of it, so that
//! the test can fail.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::support::{
    Done, assert_same_run, command, copy, is_here, manifest, read_json, run_calm, scratch, words,
};

/// Where a tool can look. It knows the folder of the runs, as one can guess it, and its own folder.
///
/// `look` tells whether a command succeeded; `FOUND` is what a confined tool must not say and `WORKS` what it
/// must be able to do. `test -r` would prove nothing: only opening a file is forbidden, not asking for it.
const LOOKS: &str = r#"
look() { word=$1; name=$2; shift 2; if sh -c "$*" >/dev/null 2>&1; then echo "$word $name" >&2; fi; }
look FOUND truth-of-this-run "ls $runs/run/truth"
look FOUND evidence-of-this-run "ls $runs/run/evidence"
look FOUND folder-of-runs "ls $runs"
look FOUND truth-of-another-run "cat $runs/other/truth/attack.jsonl"
look FOUND seed-of-another-run "cat $runs/other/run.json"
look FOUND inputs-of-another-run "cat $runs/other/inputs.jsonl"
look FOUND run-in-own-folder "cat $own/old/truth/attack.jsonl"
look FOUND run-by-a-link "cat $own/link/attack.jsonl"
look FOUND scenario-in-own-folder "cat $own/scenario/calm.ron"
look FOUND working-folder-of-the-range "ls /proc/$PPID/cwd/run/truth"
look FOUND open-files-of-the-range "ls /proc/$PPID/fd"
look FOUND command-of-the-range "grep -a seed /proc/$PPID/cmdline"
look FOUND variables-of-the-range "grep -a RUN_FOLDER /proc/$PPID/environ"
look FOUND own-variable "env | grep -F $runs/run"
look FOUND inherited-file "cat <&9"
look FOUND memory-for-the-next-run "echo seen >$own/memory"
look WORKS own-folder "cat $own/model.txt"
look WORKS scratch "echo x >note && cat note"
look WORKS temporary-file "cat \$(mktemp)"
look WORKS devices "head -c 1 /dev/urandom >/dev/null"
look WORKS processors "cat /proc/cpuinfo"
if read -r line </proc/self/stat; then echo "WORKS own-process" >&2; fi
"#;

const FOUND: [&str; 16] = [
    "command-of-the-range",
    "evidence-of-this-run",
    "folder-of-runs",
    "inherited-file",
    "inputs-of-another-run",
    "memory-for-the-next-run",
    "open-files-of-the-range",
    "own-variable",
    "run-by-a-link",
    "run-in-own-folder",
    "scenario-in-own-folder",
    "seed-of-another-run",
    "truth-of-another-run",
    "truth-of-this-run",
    "variables-of-the-range",
    "working-folder-of-the-range",
];
const WORKS: [&str; 6] = [
    "devices",
    "own-folder",
    "own-process",
    "processors",
    "scratch",
    "temporary-file",
];

/// A folder with a run, and a tool that looks for it and others.
///
/// # Arguments
///
/// * `kind` — how the tool is run, in RON.
/// * `speaks` — what it does beside looking: the protocol, or an alert file.
fn stage(folder: &Path, kind: &str, speaks: &str) {
    words(folder, "run bottling/calm --duration 2s --out other").expect_code(0);
    // A calm shift has no attack, and the tool must find something where it may.
    fs::write(folder.join("other/truth/attack.jsonl"), "{}\n").expect("the file can be written");
    let own = folder.join("tool");
    copy(&folder.join("other"), &own.join("old"));
    copy(
        &crate::support::repository().join("scenarios"),
        &own.join("scenario/scenarios"),
    );
    // The scenario that is run lies in the tool's own folder.
    copy(
        &own.join("scenario/scenarios/bottling"),
        &own.join("scenario"),
    );
    fs::remove_dir_all(own.join("scenario/scenarios")).expect("it can be removed");
    std::os::unix::fs::symlink("old/truth", own.join("link")).expect("a link");
    fs::write(own.join("model.txt"), "learned").expect("the file can be written");
    let script = format!(
        "#!/bin/sh\nruns={}\nown={}\n{}",
        folder.display(),
        own.display(),
        speaks.replace("LOOKS", LOOKS)
    );
    let path = own.join("peek.sh");
    fs::write(&path, script).expect("the file can be written");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("it is ours");
    let description = format!(
        "Defense(name: \"peek\", version: \"1\", description: \"Looks for the truth\", kind: {kind},
            install: \"It is part of the tests.\")"
    );
    fs::write(own.join("defense.ron"), description).expect("the file can be written");
}

/// Runs the tool, with a file of another run left open and the run folder in a variable.
fn run(folder: &Path, sandbox: &str) -> Done {
    let program = command(folder).get_program().to_owned();
    let line = format!(
        "exec 9<other/truth/attack.jsonl; exec \"$0\" run tool/scenario/calm.ron --seed 7 --duration 3s \
         --out run --defense tool/defense.ron --sandbox {sandbox}"
    );
    let output = Command::new("sh")
        .args(["-c", &line])
        .arg(program)
        .env("RUN_FOLDER", folder.join("run"))
        .current_dir(folder)
        .stdin(Stdio::null())
        .output()
        .expect("a shell starts");
    let text = |bytes| String::from_utf8(bytes).expect("text");
    Done {
        code: output.status.code(),
        stdout: text(output.stdout),
        stderr: text(output.stderr),
    }
}

/// What the tool found and what worked, each in alphabetical order.
fn said(log: &Path) -> (Vec<String>, Vec<String>) {
    let text = fs::read_to_string(log).expect("the tool has a log");
    let words = |word: &str| {
        let lines = text.lines().filter_map(|line| line.strip_prefix(word));
        let mut words: Vec<String> = lines.map(str::to_owned).collect();
        words.sort();
        words
    };
    (words("FOUND "), words("WORKS "))
}

/// Whether this machine can confine; says so where it cannot.
fn can_confine() -> bool {
    let tried = command(Path::new("."))
        .args(["confined", "--read", "/usr"])
        .output()
        .expect("the command starts");
    if !tried.status.success() {
        let why = String::from_utf8_lossy(&tried.stderr).into_owned();
        return is_here(false, &why);
    }
    true
}

fn check(kind: &str, speaks: &str, log: &str) {
    if !can_confine() {
        return;
    }
    let folder = scratch();
    // The temporary folder may itself be a link.
    let root = folder.path().canonicalize().expect("it is there");
    stage(&root, kind, speaks);
    run(&root, "require").expect_code(0);
    let works = WORKS.map(str::to_owned).to_vec();
    assert_eq!(said(&root.join(log)), (Vec::new(), works.clone()));
    let note = &manifest(&root.join("run"))["notes"]["defense_sandbox"];
    assert_eq!(*note, json!({"asked": "require", "confined": true}));
    fs::remove_dir_all(root.join("run")).expect("it can be removed");
    run(&root, "off").expect_code(0);
    let found = FOUND.map(str::to_owned).to_vec();
    assert_eq!(said(&root.join(log)), (found, works));
}

#[test]
fn lock_step_defense_when_it_peeks_then_it_finds_nothing_unless_the_sandbox_is_off() {
    let kind = "LockStep(command: \"{defense}/peek.sh\")";
    let speaks = "read -r hello
echo '{\"type\":\"ready\",\"version\":1,\"name\":\"peek\",\"wants\":[\"logs\"]}'
n=0
while read -r message; do
n=$((n + 1))
if [ $n = 2 ]; then LOOKS
fi
echo \"{\\\"type\\\":\\\"done\\\",\\\"seq\\\":$n}\"
done
";
    check(kind, speaks, "run/defense/tool.log");
}

#[test]
fn offline_defense_when_it_peeks_then_it_finds_nothing_unless_the_sandbox_is_off() {
    let kind = "Offline(command: \"{defense}/peek.sh\", args: [\"{evidence}\"], alerts: \"alerts.jsonl\", format: \"jsonl\")";
    let speaks =
        "set -e\ncat \"$1/assets.json\" >/dev/null\n: >alerts.jsonl\nset +e\nLOOKS\nexit 0\n";
    check(kind, speaks, "run/defense/output/tool.log");
}

fn caveats(folder: &Path) -> (Value, String) {
    words(folder, "score run --quick").expect_code(0);
    let score = read_json(&folder.join("run/score/score.json"));
    (
        score["header"]["tool"]["confined"].clone(),
        score["caveats"].to_string(),
    )
}

#[test]
fn defense_when_it_is_confined_then_it_answers_as_ever_and_the_score_has_no_caveat() {
    if !can_confine() {
        return;
    }
    let folder = scratch();
    run_calm(folder.path(), 20, "reference").expect_code(0);
    let (confined, said) = caveats(folder.path());
    assert_eq!(confined, json!(true));
    assert!(!said.contains("confined"), "{said}");
    let off = "run bottling/calm --duration 20s --defense reference --sandbox off --out off";
    words(folder.path(), off).expect_code(0);
    assert_same_run(&folder.path().join("run"), &folder.path().join("off"));
}

/// On such a machine the run goes on, and whoever reads the score is told.
#[test]
fn defense_when_the_machine_cannot_confine_then_that_is_said_or_the_run_is_refused() {
    let folder = scratch();
    let on_such = |args: &str| {
        let output = command(folder.path())
            .env("TWINRANGE_NO_LANDLOCK", "1")
            .args(args.split(' '))
            .output()
            .expect("the command starts");
        Done {
            code: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    };
    let args = "run bottling/calm --duration 2s --defense silent --out run";
    on_such(&format!("{args} --sandbox require"))
        .expect_code(3)
        .expect_says(&["DF0020", "TWINRANGE_NO_LANDLOCK is set", "--sandbox auto"]);
    assert!(!folder.path().join("run").exists(), "it was not run");
    on_such(args).expect_code(0);
    let note = &manifest(&folder.path().join("run"))["notes"]["defense_sandbox"];
    let why = "TWINRANGE_NO_LANDLOCK is set";
    assert_eq!(
        *note,
        json!({"asked": "auto", "confined": false, "why_not": why})
    );
    let (confined, said) = caveats(folder.path());
    assert_eq!(confined, json!(false));
    assert!(
        said.contains("was not confined") && said.contains(why),
        "{said}"
    );
}
