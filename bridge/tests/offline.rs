//! Real commands over an evidence folder.

#![cfg(unix)]

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use tempfile::TempDir;
use twinrange_bridge::{DefenseError, OfflineConfig, OfflineResult, offline};

fn config(mode: &str) -> OfflineConfig {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/offline.sh");
    OfflineConfig {
        command: PathBuf::from("sh"),
        args: [
            script.to_str().expect("a readable path"),
            mode,
            "{evidence}",
            "{out}",
        ]
        .map(str::to_owned)
        .to_vec(),
        env: Default::default(),
        timeout: Duration::from_secs(120),
        alerts_path: "alerts.jsonl".into(),
        format: "jsonl".into(),
        log_path: None,
        scratch_root: None,
        interrupt: None,
        confinement: None,
    }
}

/// A run folder with evidence and truth.
fn run_folder() -> TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (path, text) in [
        ("evidence/span-cell.pcapng", "12345"),
        ("truth/attack.jsonl", "{}"),
        ("run.json", "{}"),
    ] {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().expect("inside the folder")).expect("writable");
        fs::write(path, text).expect("writable");
    }
    folder
}

fn run(config: &OfflineConfig, folder: &TempDir) -> Result<OfflineResult, DefenseError> {
    offline::run(
        config,
        &folder.path().join("evidence"),
        &folder.path().join("defense"),
    )
}

fn read(folder: &TempDir, path: &str) -> String {
    fs::read_to_string(folder.path().join(path)).unwrap_or_else(|error| format!("{path}: {error}"))
}

#[test]
fn command_when_good_then_its_files_are_in_the_run_folder() {
    let folder = run_folder();
    let result = run(&config("good"), &folder).expect("the good command");
    assert_eq!(
        result.files,
        [PathBuf::from("alerts.jsonl"), PathBuf::from("deep/size")]
    );
    assert_eq!(
        result.alerts_path,
        folder.path().join("defense/alerts.jsonl")
    );
    assert_eq!(result.format, "jsonl");
    assert_eq!(read(&folder, "defense/deep/size").trim(), "5");
    assert_eq!(read(&folder, "defense/tool.log"), "rules loaded\n");
}

#[test]
fn command_when_it_looks_around_then_truth_is_not_there() {
    let folder = run_folder();
    run(&config("peeks"), &folder).expect("looking is allowed");
    let seen = read(&folder, "defense/alerts.jsonl");
    assert!(!seen.contains("attack"), "it found the truth: {seen}");
}

#[test]
fn command_when_it_changes_the_evidence_then_only_its_copy_changes() {
    let folder = run_folder();
    run(&config("tampers"), &folder).expect("its copy is its own");
    assert_eq!(read(&folder, "evidence/span-cell.pcapng"), "12345");
}

#[test]
fn command_when_it_leaves_a_link_then_the_link_is_not_followed() {
    let folder = run_folder();
    let error = run(&config("links"), &folder).expect_err("a link is not an alert file");
    assert_eq!(error.code(), "DF0014");
    assert!(!folder.path().join("defense/alerts.jsonl").exists());
}

#[test]
fn command_when_it_fails_then_status_stderr_and_partial_output_are_kept() {
    let folder = run_folder();
    let error = run(&config("fails"), &folder).expect_err("it ends with 1");
    assert_eq!(
        error.to_string(),
        "the defense's command failed: it ended with exit status 1"
    );
    assert!(error.hint().expect("a hint").contains("no rules loaded"));
    assert_eq!(read(&folder, "defense/partial.txt"), "partial\n");
}

#[test]
fn command_when_the_alert_file_is_missing_then_the_error_lists_what_is_there() {
    let error = run(&config("forgets"), &run_folder()).expect_err("it wrote another file");
    assert_eq!(
        error.to_string(),
        "the defense wrote no alert file 'alerts.jsonl'"
    );
    assert_eq!(
        error.hint().expect("a hint"),
        "it wrote eve.json; check 'alerts' in the defense's RON file"
    );
}

#[test]
fn command_when_it_hangs_or_is_interrupted_then_it_is_killed() {
    let short = OfflineConfig {
        timeout: Duration::from_millis(300),
        ..config("hangs")
    };
    let error = run(&short, &run_folder()).expect_err("it hangs");
    assert_eq!(
        error.to_string(),
        "the defense's command did not end within 300ms"
    );
    assert_eq!(error.code(), "DF0004");
    let flag = Some(Arc::new(AtomicBool::new(true)));
    let error = run(
        &OfflineConfig {
            interrupt: flag,
            ..config("hangs")
        },
        &run_folder(),
    );
    assert_eq!(error.expect_err("interrupted").code(), "DF0016");
}
