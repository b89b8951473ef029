//! The dependency rules of ARCHITECTURE.md.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::support::repository;

/// Packages of the workspace, each with the packages of the workspace that it may depend on.
const ALLOWED: [(&str, &[&str]); 16] = [
    ("sim-kernel", &[]),
    ("sim-wire", &[]),
    ("sim-st", &[]),
    ("sim-plcopen", &["sim-st"]),
    ("sim-process", &[]),
    (
        "sim-plant",
        &["sim-kernel", "sim-wire", "sim-st", "sim-process"],
    ),
    (
        "twinrange-attacks",
        &["sim-kernel", "sim-wire", "sim-plant"],
    ),
    (
        "twinrange-range",
        &[
            "sim-kernel",
            "sim-wire",
            "sim-st",
            "sim-plcopen",
            "sim-process",
            "sim-plant",
            "twinrange-attacks",
        ],
    ),
    ("twinrange-score", &[]),
    ("twinrange-bridge", &["sim-wire"]),
    (
        "twinrange-export",
        &[
            "sim-plant",
            "sim-wire",
            "twinrange-attacks",
            "twinrange-range",
            "twinrange-score",
        ],
    ),
    ("twinrange-reference", &["sim-wire"]),
    ("twinrange-yardsticks", &["sim-kernel", "sim-wire"]),
    (
        "twinrange-viewer",
        &[
            "sim-kernel",
            "sim-plant",
            "sim-wire",
            "twinrange-range",
            "twinrange-score",
        ],
    ),
    ("twinrange-opcua", &[]),
    (
        "twinrange",
        &[
            "sim-kernel",
            "sim-plant",
            "sim-st",
            "sim-wire",
            "twinrange-attacks",
            "twinrange-range",
            "twinrange-score",
            "twinrange-bridge",
            "twinrange-export",
            "twinrange-reference",
            "twinrange-yardsticks",
        ],
    ),
];

/// What touches the world outside, which code under `sim/`, `attacks/` and `score/` must not.
const OUTSIDE: [&str; 6] = [
    "std::fs",
    "std::net",
    "std::process",
    "std::time::Instant",
    "std::time::SystemTime",
    "std::thread",
];

fn packages() -> BTreeMap<String, Value> {
    let output = Command::new(env!("CARGO"))
        .args([
            "metadata",
            "--no-deps",
            "--offline",
            "--format-version",
            "1",
        ])
        .current_dir(repository())
        .output()
        .expect("cargo starts");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("metadata is JSON");
    let packages = metadata["packages"]
        .as_array()
        .expect("there are packages")
        .clone();
    packages
        .into_iter()
        .map(|package| {
            (
                package["name"].as_str().expect("a name").to_owned(),
                package,
            )
        })
        .collect()
}

#[test]
fn packages_when_they_depend_then_only_downwards() {
    let packages = packages();
    for (name, package) in &packages {
        let (_, allowed) = ALLOWED
            .iter()
            .find(|(known, _)| known == name)
            .unwrap_or_else(|| {
                panic!("say in this test and in ARCHITECTURE.md what `{name}` may depend on")
            });
        for dependency in package["dependencies"].as_array().expect("a list") {
            let on = dependency["name"].as_str().expect("a name");
            let for_tests = dependency["kind"] == "dev";
            assert!(
                for_tests || !packages.contains_key(on) || allowed.contains(&on),
                "{name} depends on {on}"
            );
        }
    }
    let listed: BTreeSet<&str> = ALLOWED.iter().map(|(name, _)| *name).collect();
    assert_eq!(
        listed,
        packages.keys().map(String::as_str).collect(),
        "packages that are gone"
    );
}

#[test]
fn simulation_when_read_then_it_names_no_file_process_or_clock() {
    let mut found = Vec::new();
    for folder in [
        "sim/kernel/src",
        "sim/wire/src",
        "sim/st/src",
        "sim/plcopen/src",
        "sim/process/src",
        "sim/plant/src",
        "attacks/src",
        "score/src",
    ] {
        let sources = sources(&repository().join(folder));
        assert!(!sources.is_empty(), "{folder} is gone");
        for path in sources {
            let text = fs::read_to_string(&path).expect("sources are text");
            let code = text.split("#[cfg(test)]").next().unwrap_or_default();
            for (index, line) in code.lines().enumerate() {
                let statement = line.split("//").next().unwrap_or_default();
                // An address is a number; only sockets reach outside.
                let statement = statement.replace("std::net::Ipv4Addr", "");
                if OUTSIDE.iter().any(|word| statement.contains(word)) {
                    found.push(format!("{}:{}: {}", path.display(), index + 1, line.trim()));
                }
            }
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

/// Rust sources below a folder, without those that only hold tests.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let path = entry.expect("sources can be listed").path();
        let stem = path
            .file_stem()
            .map(|stem| stem.to_string_lossy().into_owned())
            .unwrap_or_default();
        if stem == "tests" {
            continue;
        }
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            found.push(path);
        }
    }
    found
}
