//! Attacks on control logic: what a defense that knows who may talk cannot see, and one that knows the program
//! can.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::support::{has_tool, has_version, read_json, repository, scratch, words};

/// The changed program is loaded after 45 minutes.
const RUN: &str = "run bottling/logic --duration 50min";

pub(crate) fn detection(run: &Path) -> Value {
    read_json(&run.join("score/score.json"))["detection"].clone()
}

/// Each step: its id, whether it was detected, its grade and the name of the rule that fired first.
pub(crate) fn steps(detection: &Value) -> Vec<(&str, bool, &str, &str)> {
    let steps = detection["steps"].as_array().expect("a list of steps");
    steps
        .iter()
        .map(|step| {
            (
                step["id"].as_str().expect("a step has an id"),
                step["detected"].as_bool().expect("it was looked at"),
                step["grade"].as_str().expect("it has a grade"),
                step["first_signature"].as_str().unwrap_or(""),
            )
        })
        .collect()
}

/// The physical effect in the truth: when a constraint was first violated that the twin keeps, s.
pub(crate) fn impact_s(run: &Path, constraint: &str) -> Option<u64> {
    let lines = fs::read_to_string(run.join("truth/impact.jsonl")).expect("every run has one");
    let impacts = lines.lines().map(|line| {
        let impact: Value = serde_json::from_str(line).expect("lines are JSON");
        impact
    });
    impacts
        .filter(|impact| impact["constraint"] == constraint && impact["also_in_twin"] == false)
        .filter_map(|impact| impact["violated_ns"].as_u64())
        .min()
        .map(|ns| ns / 1_000_000_000)
}

/// The attacker owns the engineering workstation and loads a changed program from it. The digest watch of the
/// reference defense tells at once.
#[test]
fn changed_program_when_loaded_then_the_digest_watch_detects_it_before_it_does_harm() {
    let folder = scratch();
    words(
        folder.path(),
        &format!("{RUN} --defense reference --out run"),
    )
    .expect_code(0);
    words(folder.path(), "score run --quick").expect_code(0);
    let run = folder.path().join("run");
    let detection = detection(&run);
    assert_eq!(
        steps(&detection),
        [
            (
                "read-program",
                true,
                "technique",
                "Program read out of a controller by a host that never did"
            ),
            (
                "load-program",
                true,
                "technique",
                "A controller runs another program than it should"
            ),
        ]
    );
    assert_eq!(detection["alarms_false"], 0, "{detection:#}");
    let harm_s = impact_s(&run, "leakers-shipped").expect("leaking bottles are shipped");
    assert!((2_700..2_900).contains(&harm_s), "{harm_s} s");
    let lead = &detection["detected_before_impact"]["value"];
    assert_eq!(*lead, 1.0, "{detection:#}");

    words(folder.path(), "replay run").expect_code(0);
}

/// Suricata's rules know who may talk, and the workstation may. They have no rule for the session's function.
#[test]
fn changed_program_when_loaded_then_network_rules_see_nothing() {
    if !has_version("suricata", &["-V"], "version 7.") || !has_tool("python3", "--version") {
        return;
    }
    let folder = scratch();
    let suricata = repository().join("defenses/suricata");
    let args = format!("{RUN} --defense {} --out run", suricata.display());
    words(folder.path(), &args).expect_code(0);
    words(folder.path(), "score run --quick").expect_code(0);
    let run = folder.path().join("run");
    let detection = detection(&run);
    assert_eq!(
        steps(&detection),
        [
            ("read-program", false, "none", ""),
            ("load-program", false, "none", ""),
        ]
    );
    assert_eq!(detection["recall"]["value"], 0.0);
    assert_eq!(detection["alarms_false"], 0, "{detection:#}");
    assert!(impact_s(&run, "leakers-shipped").is_some());
}
