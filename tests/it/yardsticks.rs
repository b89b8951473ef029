//! Who is told the truth: the built-in oracle and nobody else.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::support::{manifest, read_json, repository, scratch, twinrange, words};

/// Alerts and actions of a defense in a shift that is attacked a minute before its end.
fn said(folder: &Path, defense: &str, more: &str) -> (u64, u64) {
    let run = format!("run bottling/overflow --duration 41min --defense {defense} --out run{more}");
    words(folder, &run).expect_code(0);
    let counts = manifest(&folder.join("run"))["counts"].clone();
    let count = |name: &str| counts[name].as_u64().expect("a count");
    let said = (count("alerts"), count("actions"));
    words(folder, "score run --quick").expect_code(0);
    let score = read_json(&folder.join("run/score/score.json"));
    let is_told = score["caveats"].to_string().contains("told the truth");
    assert_eq!(is_told, defense == "oracle", "{}", score["caveats"]);
    fs::remove_dir_all(folder.join("run")).expect("it can be removed");
    said
}

#[test]
fn oracle_when_there_is_an_attack_then_it_alone_is_told() {
    let folder = scratch();
    let text = fs::read_to_string(repository().join("defenses/yardsticks/oracle.ron"))
        .expect("the description is there");
    let copy = text.replace("version: \"0.1.0\"", "version: \"0.1.1\"");
    assert_ne!(copy, text);
    fs::write(folder.path().join("mine.ron"), copy).expect("the file can be written");
    // The scan is the one step that still happens.
    assert_eq!(said(folder.path(), "oracle", ""), (1, 1));
    assert_eq!(said(folder.path(), "oracle", " --no-attack"), (0, 0));
    assert_eq!(said(folder.path(), "mine.ron", ""), (0, 0));
}

#[test]
fn oracle_when_the_margin_is_known_then_it_is_the_ideal_response_and_no_better() {
    let folder = scratch();
    let folder = folder.path();
    let attacked = "run bottling/overflow --duration 48min";
    words(folder, &format!("{attacked} --defense oracle --out oracle")).expect_code(0);
    words(folder, &format!("{attacked} --out alone")).expect_code(0);
    words(folder, "score oracle").expect_code(0);
    let score = read_json(&folder.join("oracle/score/score.json"));

    // It acts before every point of no return, and no loss is left.
    let margin = &score["margin"];
    let losses = margin["losses"].as_array().expect("a list");
    assert!(!losses.is_empty(), "the attack does harm");
    for loss in losses {
        assert!(loss["action_margin_s"].as_f64() > Some(0.0), "{loss}");
        assert!(loss["alert_margin_s"].as_f64() > Some(0.0), "{loss}");
    }
    let truth = fs::read_to_string(folder.join("oracle/truth/impact.jsonl")).expect("it is there");
    assert!(!truth.contains("violation"), "{truth}");

    // What it did, done by hand in the undefended run, comes to the same bottle and cent.
    let inputs = fs::read_to_string(folder.join("oracle/inputs.jsonl")).expect("it is there");
    let [input]: [Value; 1] = inputs
        .lines()
        .map(|line| serde_json::from_str(line).expect("a record"))
        .collect::<Vec<Value>>()
        .try_into()
        .expect("nothing was changed before the host was off, so one action is all");
    let at_ns = input["t_ns"].as_u64().expect("a time");
    let at_s = at_ns / 1_000_000_000;
    // It is not told before the attack begins, and is bound by approval (30 s) and execution (5 s).
    let began_ns = margin["attack_ns"].as_u64().expect("it attacks");
    assert!((0..=1_000_000_000).contains(&(at_ns - began_ns)), "{input}");
    let actions =
        fs::read_to_string(folder.join("oracle/defense/actions.jsonl")).expect("it acted");
    let asked: Value = serde_json::from_str(actions.trim_end()).expect("one action");
    let time = |name: &str| asked["result"][name].as_u64().expect("a time");
    assert_eq!(time("effective_ns") - time("t_ns"), 35_000_000_000);
    let lasts_s = &input["input"]["action"]["args"]["duration_s"];
    let action = format!("contain vendor-laptop for {lasts_s}s at {at_s}s");
    let done =
        twinrange(folder, &["what-if", "alone", "--action", &action, "--json"]).expect_code(0);
    let branch: Value = serde_json::from_str(&done.stdout).expect("it prints JSON");
    let both = &score["continuity"]["runs"][3];
    assert_eq!(
        both["production"]["good"].as_f64(),
        branch["would_be"]["good_parts"].as_f64()
    );
    assert_eq!(both["money"], branch["would_be"]["money"]);
}

#[test]
fn defenses_when_listed_then_the_yardsticks_are_there_from_anywhere() {
    let folder = scratch();
    let done = words(folder.path(), "list defenses --json").expect_code(0);
    for entry in fs::read_dir(repository().join("defenses/yardsticks")).expect("it is there") {
        let name = entry.expect("it can be listed").file_name();
        let name = name.to_string_lossy();
        if let Some(name) = name.strip_suffix(".ron") {
            let row = format!("\"name\": \"{name}\"");
            assert!(done.stdout.contains(&row), "{name} in {}", done.stdout);
        }
    }
}
