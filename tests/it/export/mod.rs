//! Runs in the form of other tools and data sets, each read back by the rules of those that read it.
//!
//! The readers here are written as the tools do it: with the parts that they strip, skip and take for granted.

mod captures;
mod knowledge;
mod rows;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use serde_json::Value;
use tempfile::TempDir;

use crate::support::{Done, copy, files, read_json, repository, scratch, words};

/// Epoch of a run, s since 1970.
const EPOCH_S: i64 = 1_767_592_800;
/// Length of the runs here, s.
const LENGTH: usize = 330;
/// Their clean period, s.
const CLEAN: usize = 60;

/// The overflow in five and a half minutes, attacked from 65 s on, in `run`; a shift of another seed that is not, in
/// `calm`. They are made once for all tests of this module.
fn runs() -> &'static Path {
    static RUNS: OnceLock<TempDir> = OnceLock::new();
    RUNS.get_or_init(|| {
        let folder = scratch();
        let home = folder.path();
        for part in ["scenarios/bottling", "attacks/playbooks"] {
            copy(&repository().join(part), &home.join(part));
        }
        let change = |file: &str, changes: &[(&str, &str)]| {
            let path = home.join(file);
            let mut text = fs::read_to_string(&path).expect("it is there");
            for (from, to) in changes {
                assert!(text.contains(from), "{file} has no `{from}`");
                text = text.replace(from, to);
            }
            fs::write(&path, text).expect("it can be written");
        };
        change(
            "scenarios/bottling/overflow.ron",
            &[
                ("duration: \"2h\"", "duration: \"330s\""),
                ("clean_until: \"30min\"", "clean_until: \"60s\""),
            ],
        );
        change(
            "attacks/playbooks/overflow.ron",
            &[("At(\"00:40:00\")", "At(\"00:01:05\")")],
        );
        let run = "run scenarios/bottling/overflow.ron";
        words(home, &format!("{run} --defense reference --out run")).expect_code(0);
        words(home, &format!("{run} --no-attack --seed 7 --out calm")).expect_code(0);
        folder
    })
    .path()
}

/// Exports `run`, or another folder of [`runs`], and gives the folder of the export.
fn export(run: &str, args: &str) -> (TempDir, PathBuf) {
    let folder = scratch();
    let out = folder.path().join("out");
    exported(run, args, &out).expect_code(0);
    (folder, out)
}

fn exported(run: &str, args: &str, out: &Path) -> Done {
    words(
        runs(),
        &format!("export {run} {args} --out {}", out.display()),
    )
}

/// The records of a CSV file; its head stands in the first.
fn csv(path: &Path) -> Vec<Vec<String>> {
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .from_path(path)
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let records = reader.records().map(|record| {
        let record = record.expect("all records have the same length");
        record.iter().map(str::to_owned).collect()
    });
    records.collect()
}

/// The steps of the attack as `(id, from, to)`, ns.
fn steps() -> Vec<(String, u64, u64)> {
    let text = fs::read_to_string(runs().join("run/truth/attack.jsonl")).expect("it is there");
    let steps = text
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"));
    let reached = steps.filter_map(|step: Value| {
        let id = step["id"].as_str().expect("a name").to_owned();
        Some((id, step["started_at"].as_u64()?, step["ended_at"].as_u64()?))
    });
    let steps: Vec<_> = reached.collect();
    assert!(steps.len() >= 5, "{steps:?}");
    steps
}

/// What `impact.jsonl` says of the time of each deviation, ns; a deviation that did not come back goes on to the end.
fn deviations() -> Vec<(u64, u64)> {
    let text = fs::read_to_string(runs().join("run/truth/impact.jsonl")).expect("it is there");
    let impacts = text
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"));
    let found: Vec<_> = impacts
        .filter(|impact: &Value| impact["kind"] == "deviation")
        .map(|impact| {
            let end_ns = impact["end_ns"].as_u64();
            let start_ns = impact["start_ns"].as_u64().expect("a time");
            (start_ns, end_ns.unwrap_or(LENGTH as u64 * 1_000_000_000))
        })
        .collect();
    assert!(!found.is_empty(), "the attack has no effect");
    found
}

/// Whether each second of the run has a part in one of the intervals.
fn seconds(intervals: impl IntoIterator<Item = (u64, u64)>) -> Vec<bool> {
    let mut flags = vec![false; LENGTH];
    for (from, to) in intervals {
        for (second, flag) in (0_u64..).zip(&mut flags) {
            let (start, end) = (second * 1_000_000_000, (second + 1) * 1_000_000_000);
            *flag |= from < end && to.max(from + 1) > start;
        }
    }
    assert!(flags.contains(&true) && flags.contains(&false));
    flags
}

fn command_seconds() -> Vec<bool> {
    seconds(steps().into_iter().map(|(_, from, to)| (from, to)))
}

/// Seconds since 1970 of text such as `2026-01-05 06:00:00`, by its year, month, day, hour, minute and second.
fn unix(parts: [i64; 6]) -> i64 {
    let [year, month, day, hour, minute, second] = parts;
    // Days from civil, H. Hinnant.
    let (y, m) = if month <= 2 {
        (year - 1, month + 9)
    } else {
        (year, month - 3)
    };
    let era = y.div_euclid(400);
    let of_era = y - era * 400;
    let days = of_era * 365 + of_era / 4 - of_era / 100 + (153 * m + 2) / 5 + day - 1;
    (era * 146_097 + days - 719_468) * 86_400 + hour * 3_600 + minute * 60 + second
}

#[test]
fn export_when_made_twice_then_the_same_bytes_and_the_run_is_untouched() {
    let before = files(&runs().join("run"));
    for format in [
        "ipal",
        "swat",
        "hai",
        "etapr",
        "batadal",
        "cic-modbus",
        "ics-flow",
        "attack-flow",
        "stix",
    ] {
        let (_one, one) = export("run", &format!("--format {format}"));
        let (_other, other) = export("run", &format!("--format {format}"));
        assert!(
            files(&one) == files(&other),
            "{format} differs from time to time"
        );
    }
    assert!(
        files(&runs().join("run")) == before,
        "the run folder was changed"
    );
}

#[test]
fn labels_when_written_then_they_say_what_they_mean_and_list_every_file() {
    let (_folder, out) = export("run", "--format swat");
    let note = read_json(&out.join("labels.json"));
    assert_eq!(note["kind"], "twinrange-export");
    assert_eq!(note["epoch"], "2026-01-05T06:00:00Z");
    assert_eq!(note["period_ns"], 1_000_000_000);
    assert_eq!(note["values"], "historian");
    assert_eq!(note["split"]["train"]["to_ns"], 60_000_000_000_u64);
    assert_eq!(note["split"]["test"]["from_ns"], 60_000_000_000_u64);
    let intervals = note["label_scope"]["command"]["intervals"]
        .as_array()
        .expect("a list");
    let intervals: Vec<(String, u64, u64)> = intervals
        .iter()
        .map(|step| {
            let time = |key: &str| step[key].as_u64().expect("a time");
            (
                step["step"].as_str().expect("a name").to_owned(),
                time("start_ns"),
                time("end_ns"),
            )
        })
        .collect();
    assert_eq!(intervals, steps());
    let level = &note["label_scope"]["effect"]["intervals"][0];
    assert_eq!(level["name"], "bowl_level_m");
    let tags = note["tags"].as_array().expect("a list");
    let level = tags
        .iter()
        .find(|tag| tag["name"] == "FIL_BowlLevel")
        .expect("it is recorded");
    assert_eq!(
        (&level["unit"], &level["controller"]),
        (&"m".into(), &"plc-filler".into())
    );
    let written = files(&out);
    let listed = note["files"].as_object().expect("files by path");
    assert_eq!(
        listed.len() + 1,
        written.len(),
        "all but labels.json itself"
    );
    for (path, facts) in listed {
        let bytes = written[Path::new(path)].len() as u64;
        assert_eq!(facts["bytes"].as_u64(), Some(bytes), "{path}");
    }
}

#[test]
fn folder_when_taken_or_in_a_run_then_refused_and_when_empty_then_used() {
    let folder = scratch();
    let out = folder.path().join("out");
    fs::create_dir(&out).expect("it can be made");
    exported("run", "--format navigator", &out).expect_code(0);
    exported("run", "--format navigator", &out)
        .expect_code(2)
        .expect_says(&["TR0350", "taken"]);
    let file = folder.path().join("file");
    fs::write(&file, "mine").expect("it can be written");
    exported("run", "--format navigator", &file)
        .expect_code(2)
        .expect_says(&["TR0350"]);
    assert_eq!(fs::read_to_string(&file).expect("it is there"), "mine");
    exported("run", "--format navigator", &runs().join("run/score"))
        .expect_code(2)
        .expect_says(&["TR0350", "never changed"]);
    let left: Vec<_> = fs::read_dir(folder.path())
        .expect("can be listed")
        .collect();
    assert_eq!(left.len(), 2, "nothing unfinished is left: {left:?}");
}

#[test]
fn run_when_damaged_then_nothing_is_exported() {
    let folder = scratch();
    copy(&runs().join("run"), &folder.path().join("run"));
    let tags = folder.path().join("run/evidence/tags.parquet");
    let mut bytes = fs::read(&tags).expect("it is there");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&tags, bytes).expect("it can be written");
    words(folder.path(), "export run --format swat --out out")
        .expect_code(2)
        .expect_says(&["TR0306", "tags.parquet"]);
    assert!(!folder.path().join("out").exists());
}

#[test]
fn options_when_they_do_not_fit_then_said_with_a_code() {
    let folder = scratch();
    let out = folder.path().join("out");
    let cases: [(&str, &str, &[&str]); 9] = [
        (
            "run",
            "--format swat --period 500ms",
            &["TR0351", "whole seconds"],
        ),
        (
            "run",
            "--format etapr --period 1500ms",
            &["TR0351", "whole seconds"],
        ),
        (
            "run",
            "--format batadal --period 90min",
            &["TR0351", "whole hours"],
        ),
        ("run", "--format ipal --period 0s", &["TR0351", "above 0"]),
        ("run", "--format ipal --period 1ns", &["TR0351", "rows"]),
        ("run", "--format ics-flow --period 0s", &["TR0351", "flows"]),
        (
            "run",
            "--format stix --period 1s",
            &["TR0351", "no meaning"],
        ),
        ("calm", "--format swat --train run", &["TR0352", "attacked"]),
        ("calm", "--format attack-flow", &["TR0353", "not attacked"]),
    ];
    for (run, args, says) in cases {
        exported(run, args, &out).expect_code(2).expect_says(says);
        assert!(!out.exists(), "{args}");
    }
}

/// All formats of `export`.
const FORMATS: [&str; 12] = [
    "ipal",
    "swat",
    "wadi",
    "hai",
    "etapr",
    "batadal",
    "cic-modbus",
    "pcap-labels",
    "ics-flow",
    "attack-flow",
    "navigator",
    "stix",
];

#[test]
fn options_when_they_have_no_meaning_for_the_format_then_refused_and_else_taken() {
    // Whether an option is taken is said before the run is opened: there is none here.
    let folder = scratch();
    let check = |option: &str, formats: &[&str]| {
        let (name, _) = option.split_once(' ').unwrap_or((option, ""));
        let quoted: Vec<String> = formats.iter().map(|format| format!("`{format}`")).collect();
        let hint = format!("it has one for {}", quoted.join(", "));
        for format in FORMATS {
            let done = words(
                folder.path(),
                &format!("export none --format {format} {option}"),
            );
            let done = done.expect_code(2);
            if formats.contains(&format) {
                assert!(!done.stderr.contains("TR0351"), "{format}: {done:#?}");
            } else {
                let message = format!("`{name}` has no meaning for `{format}`");
                done.expect_says(&["TR0351", &message, &hint]);
            }
        }
    };
    let rows = &FORMATS[..6];
    check("--labels both", &[rows, &["ics-flow"]].concat());
    check("--train other", &FORMATS[..9]);
    check("--period 1min", &[rows, &["ics-flow"]].concat());
    check(
        "--values historian",
        &["ipal", "swat", "wadi", "hai", "batadal"],
    );
    check("--stamps nano", &["pcap-labels"]);
    check("--undisclosed", &["batadal"]);
    check("--blank-heads", &["swat"]);
    // All of them at once.
    words(
        folder.path(),
        "export none --format stix --labels effect --stamps micro",
    )
    .expect_code(2)
    .expect_says(&["`--labels` has no", "`--stamps` has no"]);
}

#[test]
fn run_when_it_ends_within_its_clean_period_then_said_unless_another_run_is_learned_from() {
    let folder = scratch();
    words(
        runs(),
        &format!(
            "run scenarios/bottling/overflow.ron --duration 20s --out {}",
            folder.path().join("short").display()
        ),
    )
    .expect_code(0);
    let short = folder.path().join("short").display().to_string();
    let out = folder.path().join("out");
    exported(&short, "--format swat", &out)
        .expect_code(2)
        .expect_says(&["TR0353", "clean period", "--train"]);
    exported(&short, "--format swat --train calm", &out).expect_code(0);
    assert_eq!(
        csv(&out.join("command/SWaT_Dataset_Attack_v0.csv")).len(),
        21
    );
}

#[test]
fn run_when_not_attacked_then_every_other_format_says_so_without_fail() {
    for format in FORMATS
        .into_iter()
        .filter(|format| *format != "attack-flow")
    {
        let (_folder, out) = export("calm", &format!("--format {format}"));
        let note = read_json(&out.join("labels.json"));
        assert_eq!(note["run"]["attacked"], false, "{format}");
        for scope in ["command", "effect"] {
            assert_eq!(
                note["label_scope"][scope]["intervals"],
                Value::Array(Vec::new())
            );
        }
    }
    let (_folder, out) = export("calm", "--format swat --labels effect");
    assert!(!out.join("command").exists());
    let rows = csv(&out.join("effect/SWaT_Dataset_Attack_v0.csv"));
    assert!(
        rows[1..]
            .iter()
            .all(|row| row.last().is_some_and(|label| label == "Normal"))
    );
    let (_folder, out) = export("calm", "--format cic-modbus");
    assert_eq!(
        csv(&out.join("attack/cell-attack-log.csv")).len(),
        1,
        "a head alone"
    );
}
