//! Gates: conditions on a score that a build pipeline can fail on.

use std::fs;

use crate::support::{read_json, scratch, twinrange, words};

#[test]
fn gates_when_one_fails_then_exit_code_1_and_junit_says_which() {
    let folder = scratch();
    words(
        folder.path(),
        "run bottling/overflow --duration 42min --out run",
    )
    .expect_code(0);
    fs::write(folder.path().join("none.jsonl"), "").expect("the file can be written");
    let score = |gates: &[&str]| {
        let mut args = vec![
            "score",
            "run",
            "--quick",
            "--alerts",
            "none.jsonl",
            "--format",
            "jsonl",
        ];
        for gate in gates {
            args.extend(["--gate", gate]);
        }
        twinrange(folder.path(), &args)
    };
    let junit = || {
        fs::read_to_string(folder.path().join("run/score/junit.xml")).expect("there is a junit.xml")
    };

    let done = score(&["recall >= 0.5 and false_alarms_per_day <= 1"]).expect_code(1);
    assert!(done.stdout.contains("FAIL  recall >= 0.5"), "{done:?}");
    assert!(
        done.stdout.contains("pass  false_alarms_per_day <= 1"),
        "{done:?}"
    );
    let xml = junit();
    assert!(
        xml.contains("failures=\"1\" errors=\"0\"") && xml.contains("<failure"),
        "{xml}"
    );
    assert!(xml.contains("recall &gt;= 0.5"), "{xml}");
    let gates = read_json(&folder.path().join("run/score/score.json"))["gates"].clone();
    assert_eq!(
        (&gates[0]["passed"], &gates[1]["passed"]),
        (&false.into(), &true.into()),
        "{gates}"
    );

    score(&["recall >= 0", "uptime_tax_percent <= 0.5"]).expect_code(0);
    assert!(!junit().contains("<failure"), "{}", junit());
    assert!(folder.path().join("run/score/report.html").is_file());
}

/// A gate is read before anything is simulated, so the run folder need not even exist.
#[test]
fn gates_when_unreadable_then_exit_code_2_with_a_hint() {
    let folder = scratch();
    for (gate, says) in [
        ("recal >= 0.8", "did you mean `recall`?"),
        ("recall >= high", "high"),
        ("recall", "recall"),
        ("recall = 0.8", "="),
        ("", "gate"),
        ("recall >= 0.8 and", "and"),
        ("recall >= 0.8 or protection >= 0.5", "or"),
    ] {
        let done = twinrange(folder.path(), &["score", "none", "--gate", gate]).expect_code(2);
        assert!(
            done.stderr.contains("TR0314") && done.stderr.contains(says),
            "{gate}: {done:?}"
        );
    }
}
