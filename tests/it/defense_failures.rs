//! Defenses that fail: exit code 3, the cause in words, and a run folder that is whole up to there.
//!
//! The tools are in `tests/fixtures/defenses/`, each named for what it does wrong.

use std::path::PathBuf;

use crate::support::{manifest, repository, run_calm, scratch, words};

/// A tool that fails, what is said of it, and after how many simulated seconds the run ends.
struct Case {
    tool: &'static str,
    says: &'static [&'static str],
    after_s: u64,
}

static CASES: [Case; 9] = [
    Case {
        tool: "dies-at-once",
        says: &["DF0003", "exit status 7", "the model file is missing"],
        after_s: 0,
    },
    Case {
        tool: "dies-in-the-middle",
        says: &["DF0003", "interval 21", "exit status 9", "out of memory"],
        after_s: 21,
    },
    Case {
        tool: "prints-garbage",
        says: &["DF0005", "line 4"],
        after_s: 3,
    },
    Case {
        tool: "hangs",
        says: &["DF0004", "1s", "interval 2", "interval_timeout_s"],
        after_s: 2,
    },
    Case {
        tool: "wrong-version",
        says: &["DF0006", "version 2"],
        after_s: 0,
    },
    Case {
        tool: "wrong-number",
        says: &["DF0007"],
        after_s: 2,
    },
    Case {
        tool: "acts-unasked",
        says: &["DF0011"],
        after_s: 1,
    },
    Case {
        tool: "gives-up",
        says: &["DF0012", "needs a span named dmz"],
        after_s: 0,
    },
    Case {
        tool: "exits-badly",
        says: &["DF0003", "exit status 5"],
        after_s: 30,
    },
];

pub(crate) fn fixture(tool: &str) -> PathBuf {
    repository()
        .join("tests/fixtures/defenses")
        .join(tool)
        .join("defense.ron")
}

/// Before the first interval there is nothing to record, and the folder is valid all the same.
#[test]
fn defense_when_it_fails_at_the_start_then_exit_code_3_and_a_valid_folder() {
    fail(CASES.iter().filter(|case| case.after_s == 0));
}

#[test]
fn defense_when_it_fails_later_then_exit_code_3_and_a_valid_folder() {
    fail(CASES.iter().filter(|case| case.after_s > 0));
}

fn fail(cases: impl Iterator<Item = &'static Case>) {
    for case in cases {
        let folder = scratch();
        let file = fixture(case.tool).display().to_string();
        let done = run_calm(folder.path(), 30, &file);
        done.expect_code(3).expect_says(case.says);
        assert!(
            folder.path().join("run/run.json").is_file(),
            "{}: the run is unfinished",
            case.tool
        );
        let facts = manifest(&folder.path().join("run"));
        assert_eq!(facts["ended"], "defense-failed", "{}", case.tool);
        assert_eq!(
            facts["simulated_ns"],
            case.after_s * 1_000_000_000,
            "{}",
            case.tool
        );
        words(folder.path(), "replay run").expect_code(0);
    }
}

/// The alerts that came before the failure are kept; the silence behind it is not scored as quiet.
#[test]
fn defense_when_it_dies_then_its_alerts_are_kept() {
    let folder = scratch();
    let file = fixture("dies-in-the-middle").display().to_string();
    run_calm(folder.path(), 30, &file).expect_code(3);
    assert_eq!(manifest(&folder.path().join("run"))["counts"]["alerts"], 1);
    words(folder.path(), "score run --gate false_alarms_per_day<=1")
        .expect_code(3)
        .expect_says(&["DF0018", "DF0003"]);
    words(
        folder.path(),
        "score run --quick --alerts run/defense/alerts.jsonl --format jsonl",
    )
    .expect_code(0);
}

#[test]
fn defense_when_absent_then_it_is_said_how_to_get_it_and_nothing_is_made() {
    let folder = scratch();
    for (tool, reason) in [
        ("not-installed", "no-such-tool-anywhere"),
        ("wrong-tool", "Suricata 7"),
    ] {
        let file = fixture(tool).display().to_string();
        let done = run_calm(folder.path(), 30, &file).expect_code(3);
        done.expect_says(&[
            "DF0001",
            "not installed",
            reason,
            "Debian: apt install the-right-tool",
        ]);
        assert!(
            !folder.path().join("run").exists(),
            "{tool}: a folder was made"
        );
    }
}

/// A command over the evidence runs after the run, so the run is whole whatever it does.
#[test]
fn offline_defense_when_it_fails_then_the_run_is_complete() {
    for (tool, says) in [
        ("offline-fails", ["DF0013", "no rule file"]),
        ("offline-writes-nothing", ["DF0014", "alerts.jsonl"]),
    ] {
        let folder = scratch();
        let file = fixture(tool).display().to_string();
        run_calm(folder.path(), 30, &file)
            .expect_code(3)
            .expect_says(&says);
        words(folder.path(), "replay run").expect_code(0);
        words(folder.path(), "score run --quick")
            .expect_code(3)
            .expect_says(&["DF0018", says[0]]);
    }
}
