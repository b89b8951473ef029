//! Who is told the truth: the built-in oracle and nobody else.

use std::fs;
use std::path::Path;

use crate::support::{manifest, read_json, repository, scratch, words};

/// Alerts and actions of a defense in a shift that is attacked a minute before its end.
fn said(folder: &Path, defense: &str, more: &str) -> (u64, u64) {
    let run = format!("run bottling/overflow --duration 41min --defense {defense} --out run{more}");
    words(folder, &run).expect_code(0);
    let counts = manifest(&folder.join("run"))["counts"].clone();
    let count = |name: &str| counts[name].as_u64().expect("a count");
    let said = (count("alerts"), count("actions"));
    words(folder, "score run").expect_code(0);
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
