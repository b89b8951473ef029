//! Watching changes nothing.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::support::{assert_same_run, manifest, read_json, scratch, words};

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
    let facts: Value = serde_json::from_str(&done.stdout).expect("facts are JSON");
    assert_eq!(facts["same"], true);
    assert_eq!(
        facts["digest"],
        manifest(&folder.path().join("run"))["trace_digest"]
    );
}

/// The twin is somebody who watches, too: without it, only what it is asked for is missing, and the run says so.
#[test]
fn twin_when_it_is_left_out_then_only_the_impacts_are_missing() {
    let folder = scratch();
    let run = "run bottling/overflow --duration 50min --defense silent";
    words(folder.path(), &format!("{run} --out whole")).expect_code(0);
    words(folder.path(), &format!("{run} --out run --no-twin")).expect_code(0);
    let (whole, bare) = (folder.path().join("whole"), folder.path().join("run"));
    let impacts = |run: &Path| fs::read(run.join("truth/impact.jsonl")).expect("it is there");
    assert!(!impacts(&whole).is_empty());
    assert!(impacts(&bare).is_empty());
    for name in ["truth/process.parquet", "truth/digests.parquet"] {
        let read = |run: &Path| fs::read(run.join(name)).expect("it is there");
        assert!(read(&whole) == read(&bare), "{name} differs");
    }
    let (whole, bare) = (manifest(&whole), manifest(&bare));
    assert_eq!(whole["trace_digest"], bare["trace_digest"]);
    assert_eq!(
        (&whole["notes"]["twin"], &bare["notes"]["twin"]),
        (&Value::Null, &Value::Bool(false))
    );
    words(folder.path(), "score run --quick").expect_code(0);
    let score = read_json(&folder.path().join("run/score/score.json"));
    let caveats = score["caveats"].to_string();
    assert!(caveats.contains("without its unattacked twin"), "{caveats}");
}
