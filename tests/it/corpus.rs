//! Broken files, each with what is said about it.
//!
//! Every folder of `tests/corpus/` is one case: files with a mistake, and `expected.txt` with the whole of
//! standard error. The command runs in the folder, so paths are relative; its arguments are in `args.txt`, or
//! are `check` and the first of the files of [`CHECKED`] that is there. Every case ends with exit code 2,
//! except those named `…-sound`, which show that the form of the others is not itself the mistake.
//!
//! `TWINRANGE_BLESS=1 cargo test --test it corpus` writes the `expected.txt` of all cases anew; read the
//! difference before you keep it.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::support::{copy_shipped, repository, scratch, twinrange, words};

const CHECKED: [&str; 5] = [
    "scenario.ron",
    "plant.ron",
    "playbook.ron",
    "defense.ron",
    "program.st",
];

/// Codes of which the corpus must hold an example.
const CODES: [&str; 68] = [
    "TR0101", "TR0102", "TR0103", "TR0104", "TR0105", "TR0106", "TR0108", "TR0109", "TR0110",
    "TR0111", "TR0112", "TR0113", "TR0201", "TR0202", "TR0203", "TR0204", "TR0205", "TR0206",
    "TR0207", "TR0208", "TR0209", "TR0210", "TR0221", "TR0222", "TR0223", "TR0224", "TR0225",
    "TR0226", "TR0227", "TR0228", "TR0229", "TR0230", "TR0231", "TR0240", "TR0241", "TR0242",
    "TR0243", "TR0244", "TR0303", "TR0304", "TR0309", "TR0314", "DS0001", "DS0002", "ST0001",
    "ST0002", "ST0003", "ST0004", "ST0101", "ST0102", "ST0103", "ST0201", "ST0202", "ST0203",
    "ST0204", "ST0205", "ST0206", "ST0301", "ST0302", "ST0303", "ST0304", "ST0401", "ST0402",
    "ST0501", "ST0601", "ST0701", "ST0801", "ST0802",
];

fn cases() -> Vec<PathBuf> {
    let folder = repository().join("tests/corpus");
    let entries = fs::read_dir(folder).expect("the corpus is there");
    let mut cases: Vec<PathBuf> = entries
        .map(|entry| entry.expect("the corpus can be listed").path())
        .filter(|path| path.is_dir())
        .collect();
    cases.sort();
    cases
}

fn arguments(case: &Path) -> Vec<String> {
    if let Ok(text) = fs::read_to_string(case.join("args.txt")) {
        return text.trim_end().split(' ').map(str::to_owned).collect();
    }
    let checked = CHECKED.iter().find(|name| case.join(name).is_file());
    let checked = checked.unwrap_or_else(|| panic!("{} has nothing to check", case.display()));
    vec!["check".to_owned(), (*checked).to_owned()]
}

#[test]
fn broken_files_when_checked_then_each_mistake_is_told_with_its_place() {
    let bless = std::env::var_os("TWINRANGE_BLESS").is_some();
    let mut wrong = Vec::new();
    for case in cases() {
        let name = case
            .file_name()
            .expect("a case has a name")
            .to_string_lossy()
            .into_owned();
        let done = twinrange(&case, &arguments(&case));
        let expected_code = if name.ends_with("-sound") { 0 } else { 2 };
        if done.code != Some(expected_code) {
            wrong.push(format!(
                "{name}: exit code {:?}\n{}",
                done.code, done.stderr
            ));
        }
        let path = case.join("expected.txt");
        if bless {
            fs::write(&path, &done.stderr).expect("the case can be written");
        }
        let expected = fs::read_to_string(&path).unwrap_or_default();
        if done.stderr != expected {
            wrong.push(format!(
                "{name}: expected\n{expected}and found\n{}",
                done.stderr
            ));
        }
    }
    assert!(
        wrong.is_empty(),
        "{} differences:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

#[test]
fn corpus_when_counted_then_it_is_large_and_has_every_family_of_codes() {
    let cases = cases();
    assert!(cases.len() >= 45, "only {} cases", cases.len());
    let mut told: BTreeSet<&str> = BTreeSet::new();
    for case in &cases {
        let text = fs::read_to_string(case.join("expected.txt")).unwrap_or_default();
        told.extend(
            CODES
                .into_iter()
                .filter(|code| text.contains(&format!("{code}: "))),
        );
    }
    let absent: Vec<_> = CODES.iter().filter(|code| !told.contains(*code)).collect();
    assert!(absent.is_empty(), "no case for {absent:?}");
}

#[test]
fn problems_when_asked_as_json_then_they_have_file_line_and_column() {
    let case = repository().join("tests/corpus/scenario-many-mistakes");
    let done = words(&case, "check --json scenario.ron").expect_code(2);
    let problems: Vec<serde_json::Value> =
        serde_json::from_str(&done.stdout).expect("a JSON array");
    let lines = fs::read_to_string(case.join("expected.txt")).expect("the case has an expectation");
    assert_eq!(problems.len(), lines.lines().count());
    for (problem, line) in problems.iter().zip(lines.lines()) {
        let place = format!("scenario.ron:{}:{}: ", problem["line"], problem["column"]);
        assert!(line.starts_with(&place), "{problem} is not {line}");
    }
}

#[test]
fn told_codes_when_explained_then_each_has_a_text() {
    let folder = scratch();
    for code in CODES.iter().filter(|code| !code.starts_with("DS")) {
        let done = twinrange(folder.path(), &["explain", code]).expect_code(0);
        assert!(
            done.stdout.starts_with(code) && done.stdout.len() > 60,
            "{}",
            done.stdout
        );
    }
}

/// A shipped file that is cut off anywhere is the user's mistake: never a crash, never accepted.
#[test]
fn shipped_files_when_cut_off_then_the_end_is_pointed_at() {
    const CUTS: usize = 9;
    let folder = scratch();
    copy_shipped(folder.path());
    let scenario = "scenarios/bottling/overflow.ron";
    words(folder.path(), &format!("check {scenario}")).expect_code(0);
    for file in [
        "scenarios/bottling/overflow.ron",
        "scenarios/bottling/plant.ron",
        "scenarios/bottling/packaging.st",
        "attacks/playbooks/overflow.ron",
    ] {
        let path = folder.path().join(file);
        let whole = fs::read_to_string(&path).expect("shipped files are text");
        for cut in 0..CUTS {
            let mut end = whole.len() * cut / CUTS;
            while !whole.is_char_boundary(end) {
                end -= 1;
            }
            fs::write(&path, &whole[..end]).expect("the copy can be written");
            let done = words(folder.path(), &format!("check {scenario}"));
            assert_eq!(done.code, Some(2), "{file} cut at byte {end}: {done:#?}");
            let name = path
                .file_name()
                .expect("a file has a name")
                .to_string_lossy()
                .into_owned();
            assert!(
                done.stderr.contains(&format!("{name}:")),
                "{file} cut at byte {end}: {done:#?}"
            );
        }
        fs::write(&path, whole).expect("the copy can be written");
    }
}
