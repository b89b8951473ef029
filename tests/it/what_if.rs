//! `twinrange what-if`: branches of a recorded run.

use serde_json::Value;

use crate::support::{manifest, scratch, twinrange, words};

/// The difference that a branch makes, as JSON.
fn difference(folder: &std::path::Path, args: &[&str]) -> Value {
    let whole: Vec<&str> = ["what-if", "run", "--json"]
        .iter()
        .chain(args)
        .copied()
        .collect();
    let done = twinrange(folder, &whole).expect_code(0);
    serde_json::from_str(&done.stdout).expect("it prints JSON")
}

#[test]
fn branch_when_something_is_added_or_left_out_then_only_that_differs() {
    let folder = scratch();
    let folder = folder.path();
    words(folder, "run bottling/overflow --duration 47min --out run").expect_code(0);
    let good = |found: &Value, when: &str| found[when]["good_parts"].as_f64().expect("a count");

    // Without the attack it is the twin: the safety function is not called.
    let calm = difference(folder, &["--without-step", "all"]);
    assert_eq!(calm["violations"]["was"][0]["constraint"], "safety-demand");
    assert_eq!(
        calm["violations"]["would_be"].as_array().map(Vec::len),
        Some(0)
    );
    words(
        folder,
        "run bottling/overflow --duration 47min --no-attack --out twin",
    )
    .expect_code(0);
    let twin = manifest(&folder.join("twin"))["notes"]["production"]["good"].as_f64();
    assert_eq!(Some(good(&calm, "would_be")), twin);

    // A controller that stands for a minute and a half costs bottles, and the branch can be kept and replayed.
    let action = [
        "--action",
        "restore plc-filler at 00:20:00",
        "--out",
        "branch",
    ];
    let stopped = difference(folder, &action);
    assert!(good(&stopped, "gain") < -20.0, "{stopped}");
    let parted = stopped["parted_ns"].as_u64().expect("it parts");
    // Ordered at 1,200 s, approved after 30 s.
    assert!(
        (1_230_000_000_000..1_232_000_000_000).contains(&parted),
        "{parted}"
    );
    let kept = manifest(&folder.join("branch"));
    assert_eq!(kept["trace_digest"], stopped["digest"]);
    words(folder, "replay branch").expect_code(0);

    // In that branch the action can be left out again, and then it is the first run.
    let back = twinrange(
        folder,
        &[
            "what-if",
            "branch",
            "--without-action",
            "restore plc-filler",
            "--json",
        ],
    );
    let back: Value = serde_json::from_str(&back.expect_code(0).stdout).expect("it prints JSON");
    assert_eq!(
        back["digest"],
        manifest(&folder.join("run"))["trace_digest"]
    );
}

#[test]
fn branch_when_it_cannot_be_asked_then_says_why() {
    let folder = scratch();
    let folder = folder.path();
    words(folder, "run bottling/calm --duration 30s --out run").expect_code(0);
    let check = |args: &[&str], says: &[&str]| {
        let whole: Vec<&str> = ["what-if", "run"].iter().chain(args).copied().collect();
        twinrange(folder, &whole).expect_code(2).expect_says(says);
    };
    check(&[], &["TR0330", "nothing is to be different"]);
    check(
        &["--action", "contain hmi-1"],
        &["TR0330", "does not end with `at`"],
    );
    check(
        &["--action", "contain hmi-1 at 30s"],
        &["TR0330", "the run ends at"],
    );
    check(&["--action", "contain hmi-9 at 3s"], &["TR0312", "hmi-9"]);
    check(&["--without-step", "open"], &["TR0330", "no step `open`"]);
    check(&["--without-action", "deny"], &["TR0330", "did nothing"]);
    let action = ["--action", "contain hmi-1 at 3s"];
    std::fs::write(folder.join("mine"), "mine").expect("it can be written");
    for (out, says) in [("run", "would be replaced"), (".", "is not a run")] {
        check(&[&action[..], &["--out", out]].concat(), &["TR0301", says]);
    }
    words(folder, "replay run").expect_code(0);
    twinrange(
        folder,
        &["what-if", "run", "--action", "contain hmi-1 at 3s"],
    )
    .expect_code(0);
}
