//! Watching changes nothing.

use crate::support::{assert_same_run, manifest, scratch, words};

#[test]
fn defense_when_it_only_watches_then_the_run_is_the_same() {
    let folder = scratch();
    let run = "run bottling/overflow --duration 43min";
    words(folder.path(), &format!("{run} --out alone")).expect_code(0);
    words(
        folder.path(),
        &format!("{run} --out watched --defense reference"),
    )
    .expect_code(0);
    let (alone, watched) = (folder.path().join("alone"), folder.path().join("watched"));
    assert_same_run(&alone, &watched);
    let counts = manifest(&watched)["counts"].clone();
    assert!(
        counts["alerts"].as_u64() > Some(0),
        "the defense saw nothing: {counts}"
    );
    assert_eq!(counts["inputs"], 0);
}

/// What is kept of a run is no part of it either: a replay keeps no frames and has the same digest.
#[test]
fn observers_when_they_keep_less_then_the_digest_is_the_same() {
    let folder = scratch();
    words(folder.path(), "run bottling/calm --duration 2min --out run").expect_code(0);
    let done = words(folder.path(), "replay run --json").expect_code(0);
    let facts: serde_json::Value = serde_json::from_str(&done.stdout).expect("facts are JSON");
    assert_eq!(facts["same"], true);
    assert_eq!(
        facts["digest"],
        manifest(&folder.path().join("run"))["trace_digest"]
    );
}
