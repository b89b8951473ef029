//! The four runs of a score: N without anything, A attacked, D defended, AD both.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::support::{manifest, read_json, scratch, words};

const ROWS: [&str; 4] = ["good_parts", "oee", "unsafe_s", "money"];

fn continuity(run: &Path) -> Value {
    read_json(&run.join("score/score.json"))["continuity"].clone()
}

#[test]
fn scenario_when_nothing_attacks_and_nobody_acts_then_four_equal_runs() {
    let folder = scratch();
    words(
        folder.path(),
        "run bottling/calm --duration 35min --defense reference --out run",
    )
    .expect_code(0);
    words(folder.path(), "score run --quick").expect_code(0);
    let continuity = continuity(&folder.path().join("run"));
    for row in ROWS {
        let row = &continuity[row];
        assert!(row["n"]["value"].is_number(), "{row}");
        for run in ["a", "d", "ad"] {
            assert_eq!(row[run], row["n"], "{run}");
        }
    }
    assert_eq!(continuity["good_parts"]["uptime_tax"]["value"], 0.0);
}

/// An acting defense changes the run; without it the attack goes the way that the score called A.
#[test]
fn defense_when_removed_then_the_run_is_a_again() {
    let folder = scratch();
    let run = "run bottling/overflow --duration 50min";
    words(
        folder.path(),
        &format!("{run} --defense reference-respond --out defended"),
    )
    .expect_code(0);
    words(folder.path(), &format!("{run} --out attacked")).expect_code(0);
    let (defended, attacked) = (
        folder.path().join("defended"),
        folder.path().join("attacked"),
    );
    assert_ne!(
        manifest(&defended)["trace_digest"],
        manifest(&attacked)["trace_digest"]
    );
    words(folder.path(), "score defended --quick").expect_code(0);
    fs::write(folder.path().join("none.jsonl"), "").expect("the file can be written");
    words(
        folder.path(),
        "score attacked --alerts none.jsonl --format jsonl",
    )
    .expect_code(0);
    let (defended, attacked) = (continuity(&defended), continuity(&attacked));
    for row in ROWS {
        assert_eq!(
            attacked[row]["ad"], attacked[row]["a"],
            "{row}: nobody defended"
        );
        assert_eq!(
            attacked[row]["a"], defended[row]["a"],
            "{row}: the attack alone"
        );
        assert_eq!(attacked[row]["n"], defended[row]["n"], "{row}: neither");
    }
}

/// The tool is not needed for a replay: its description is made unusable first.
#[test]
fn actions_when_recorded_then_replay_needs_no_tool() {
    let folder = scratch();
    let run = folder.path().join("run");
    words(
        folder.path(),
        "run bottling/overflow --duration 48min --defense reference-respond --out run",
    )
    .expect_code(0);
    let inputs = fs::read_to_string(run.join("inputs.jsonl")).expect("every run has its inputs");
    assert!(inputs.contains("\"origin\":\"defense\""), "{inputs}");
    assert!(
        inputs.contains("\"action\":\"contain\"") && inputs.contains("vendor-laptop"),
        "{inputs}"
    );
    let path = run.join("run.json");
    let mut facts = manifest(&run);
    facts["notes"] = serde_json::json!({});
    facts["options"]["defense"] = "a tool that nobody has".into();
    fs::write(&path, facts.to_string()).expect("the manifest can be written");
    words(folder.path(), "replay run").expect_code(0);

    // Another host is contained than then: same length, another plant.
    let other = inputs.replacen("vendor-laptop", "plc-packaging", 1);
    assert_eq!(other.len(), inputs.len());
    fs::write(run.join("inputs.jsonl"), other).expect("the inputs can be written");
    let done = words(folder.path(), "replay run");
    assert!(done.code == Some(4) || done.code == Some(2), "{done:?}");
    assert!(
        done.stderr.contains("diverged") || done.stderr.contains("TR0306"),
        "{done:?}"
    );
}

#[test]
fn score_when_it_explains_then_the_parts_add_up_and_quick_leaves_it_out() {
    let folder = scratch();
    let folder = folder.path();
    let run = "run bottling/overflow --duration 44min --defense reference-respond --out run";
    words(folder, run).expect_code(0);
    words(folder, "score run --quick").expect_code(0);
    let path = folder.join("run/score/score.json");
    let quick = read_json(&path);
    assert!(quick.get("attribution").is_none() && quick.get("margin").is_none());
    let done = words(folder, "score run").expect_code(0);
    assert!(
        done.stdout.contains("what each attack step does"),
        "{}",
        done.stdout
    );
    let score = read_json(&path);
    // With them the score is the same but for what they say.
    let mut rest = score.clone();
    let object = rest.as_object_mut().expect("an object");
    let found = object.remove("attribution").expect("runs were made for it");
    assert!(object.remove("margin").is_some());
    assert_eq!(rest, quick);
    let parts = &score["continuity"]["good_parts"];
    let number = |value: &serde_json::Value| value.as_f64().expect("a number");
    let between =
        |from: &str, to: &str| number(&parts[to]["value"]) - number(&parts[from]["value"]);
    for (account, whole) in [
        ("attack", between("n", "a")),
        ("defense", between("a", "ad")),
    ] {
        let account = &found[account];
        assert_eq!(number(&account["whole"]["good_parts"]), whole, "{account}");
        let causes = account["causes"].as_array().expect("a list");
        let sum: f64 = causes
            .iter()
            .map(|cause| number(&cause["part"]["good_parts"]))
            .sum();
        let sum = sum + number(&account["interaction"]["good_parts"]);
        assert!((sum - whole).abs() < 1e-6, "{account}");
    }
}
