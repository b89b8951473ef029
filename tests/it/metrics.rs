//! `twinrange metrics`: cases, series from every kind of file, and what is said when they do not fit.

use std::fs;
use std::io::Write as _;
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};

use crate::support::{read_json, repository, scratch, twinrange, words};

/// The worked example of docs/metrics.md.
fn worked() -> Value {
    json!({"n": 200, "truth": [[40, 59], [120, 139]], "pred": [[45, 64], [90, 94], [180, 182]]})
}

fn put(folder: &Path, name: &str, text: &str) {
    fs::write(folder.join(name), text).expect("the folder can be written");
}

/// The scores that `metrics` prints for files.
fn scores(folder: &Path, args: &str) -> Value {
    let done = words(folder, &format!("metrics {args} --json")).expect_code(0);
    serde_json::from_str(&done.stdout).expect("it prints JSON")
}

fn case(folder: &Path, value: &Value) -> Value {
    put(folder, "case.json", &value.to_string());
    let done = words(folder, "metrics --case case.json --json").expect_code(0);
    serde_json::from_str(&done.stdout).expect("it prints JSON")
}

#[test]
fn docs_when_they_give_worked_examples_then_the_command_gives_the_same() {
    let folder = scratch();
    let found = case(folder.path(), &worked());
    let docs = fs::read_to_string(repository().join("docs/metrics.md")).expect("it is there");
    let mut checked = 0;
    for line in docs.lines() {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let ["", name, value, ""] = cells.as_slice() else {
            continue;
        };
        let Ok(expect) = value.parse::<f64>() else {
            continue;
        };
        let pointer = format!("/{}", name.trim_matches('`').replace('.', "/"));
        let value = found.pointer(&pointer).and_then(Value::as_f64);
        let value = value.unwrap_or_else(|| panic!("{pointer} is no figure"));
        assert!(
            (value - expect).abs() < 1e-11,
            "{pointer}: {value}, not {expect}"
        );
        checked += 1;
    }
    assert_eq!(checked, 30, "figures of the worked example");
}

#[test]
fn cases_when_one_or_several_then_an_object_or_a_list_with_the_keys_of_expected() {
    let folder = scratch();
    let vectors = repository().join("score/tests/data/scoring-vectors.json");
    let all = read_json(&vectors);
    let one = &all["cases"][0];
    let single = case(folder.path(), one);
    let keys = |value: &Value| -> Vec<String> {
        let object = value.as_object().expect("an object");
        let mut keys: Vec<String> = object.keys().cloned().collect();
        keys.sort();
        keys
    };
    assert_eq!(keys(&single), keys(&one["expected"]));
    let list = case(folder.path(), &json!([one]));
    assert_eq!(list, json!([single]));
    let whole = case(folder.path(), &all);
    let whole = whole.as_array().expect("a list").len();
    assert_eq!(whole, all["cases"].as_array().expect("a list").len());
}

/// The worked example as one label per sample: `label,pred` lines.
fn labels() -> String {
    let mut text = "t; Normal/Attack ; pred\n".to_owned();
    for sample in 0..200 {
        let inside =
            |ranges: &[(u32, u32)]| ranges.iter().any(|(a, b)| (*a..=*b).contains(&sample));
        let truth = if inside(&[(40, 59), (120, 139)]) {
            "A ttack"
        } else {
            "Normal"
        };
        let pred = u8::from(inside(&[(45, 64), (90, 94), (180, 182)]));
        text += &format!("{sample}; {truth}; {pred}\n");
    }
    text
}

#[test]
fn files_when_they_hold_the_same_series_then_the_same_scores() {
    let folder = scratch();
    let folder = folder.path();
    let expect = case(folder, &worked());
    let check = |args: &str| {
        let found = scores(folder, args);
        assert_eq!(found["scores"], expect, "{args}");
        assert_eq!(found["n"], 200, "{args}");
        assert_eq!(found["baseline"]["draws"], 100, "{args}");
    };
    put(folder, "labels.csv", &labels());
    check("--truth labels.csv --alarms labels.csv");
    put(folder, "truth.csv", "first,last\n40,59\n120,139\n");
    check("--truth truth.csv --alarms labels.csv");
    put(folder, "pred.csv", "first,last\n180,182\n45,64\n90,94\n");
    check("--truth truth.csv --alarms pred.csv --samples 200");
    // IPAL: the attack's name in the truth, true and false in the alarms, times of its own.
    let mut state = String::new();
    for (sample, line) in labels().lines().skip(1).enumerate() {
        let malicious = if line.contains("ttack") {
            json!("attack-7")
        } else {
            json!(false)
        };
        let ids = line.ends_with('1');
        let t = 1_700_000_000.5 + sample as f64;
        state += &json!({"timestamp": t, "state": {"x": 1}, "malicious": malicious, "ids": ids})
            .to_string();
        state.push('\n');
    }
    let mut gz = GzEncoder::new(Vec::new(), Compression::default());
    gz.write_all(state.as_bytes()).expect("it is written");
    fs::write(folder.join("out.state.gz"), gz.finish().expect("it ends")).expect("it is kept");
    check("--truth out.state.gz --alarms out.state.gz");
    let attack = |first: f64, last: f64| json!({"id": "1", "start": 1_700_000_000.5 + first, "end": 1_700_000_000.5 + last});
    put(
        folder,
        "attacks.json",
        &json!([attack(40.0, 59.0), attack(119.5, 139.2)]).to_string(),
    );
    check("--truth attacks.json --alarms out.state.gz");
    // WADI says -1 for an attack.
    let wadi = labels().replace("A ttack", "-1").replace("Normal;", "1;");
    put(folder, "wadi.csv", &wadi);
    check("--truth wadi.csv --truth-column Normal/Attack --attack-value -1 --alarms pred.csv");
}

#[test]
fn parquet_when_it_has_the_columns_then_read_like_any_other() {
    // A run's own table of frames: the alarm is `denied`, the attack every frame of a step.
    let folder = scratch();
    words(folder.path(), "run bottling/calm --duration 20s --out run").expect_code(0);
    let args = "--truth run/truth/frames.parquet --truth-column denied --alarms run/truth/frames.parquet \
                --alarms-column denied";
    let found = scores(folder.path(), args);
    assert!(found["n"].as_u64() > Some(100), "{found}");
    assert_eq!(found["scores"]["eventwise"]["alarms"], 0);
}

#[test]
fn files_when_they_are_wrong_then_named_with_line_and_hint() {
    let folder = scratch();
    let folder = folder.path();
    put(folder, "good.csv", "label,pred\n0,0\n1,1\n");
    let check = |name: &str, text: &str, args: &str, says: &[&str]| {
        put(folder, name, text);
        words(folder, &format!("metrics {args}"))
            .expect_code(2)
            .expect_says(says);
    };
    let both = "--truth bad.csv --alarms good.csv";
    check(
        "bad.csv",
        "label\n0\n2\n",
        both,
        &["TR0341", "bad.csv:3", "`label` is `2`", "--attack-value"],
    );
    check(
        "bad.csv",
        "label,x\n0,1\n,1\n",
        both,
        &["TR0341", "bad.csv:3", "has no value"],
    );
    check(
        "bad.csv",
        "a,b\n0,1\n",
        both,
        &["TR0341", "a, b", "--truth-column"],
    );
    check(
        "bad.csv",
        "label\n0\n1\n0\n",
        both,
        &["TR0342", "3 samples", "2"],
    );
    check(
        "bad.csv",
        "first,last\n1,5\n",
        both,
        &["TR0341", "goes to sample 5", "2 samples"],
    );
    check(
        "bad.csv",
        "first,last\n1,x\n",
        both,
        &["TR0341", "bad.csv:2", "`last` is `x`"],
    );
    check("bad.csv", "", both, &["TR0341", "no rows"]);
    check(
        "bad.json",
        "[{\"start\": 1}]",
        "--truth bad.json --alarms good.csv",
        &["TR0341", "`end` is not a number"],
    );
    check(
        "bad.json",
        "{\"ids\": true}\n{\"ids\": }\n",
        "--truth good.csv --alarms bad.json",
        &["TR0341", "bad.json:2"],
    );
    let named = "--truth good.csv --truth-column labl --alarms good.csv";
    check(
        "bad.csv",
        "",
        named,
        &["TR0341", "no column `labl`", "did you mean `label`?"],
    );
    put(folder, "timed.csv", "t,label\n0,0\n1,1\n");
    let times = "--truth timed.csv --alarms bad.csv";
    check(
        "bad.csv",
        "t,pred\n0,0\n2,1\n",
        times,
        &["TR0342", "sample 1 is at `1`", "`2`"],
    );
    check(
        "case.json",
        "{\"n\": 5, \"truth\": [[1, 9]], \"pred\": []}",
        "--case case.json",
        &["TR0341", "goes to sample 9"],
    );
    check(
        "case.json",
        "{\"n\": 5}",
        "--case case.json",
        &["TR0340", "truth"],
    );
    check(
        "case.json",
        "{",
        "--case case.json",
        &["TR0340", "case.json:1:"],
    );
    words(folder, "metrics --truth none.csv --alarms good.csv")
        .expect_code(2)
        .expect_says(&["TR0108"]);
    twinrange(folder, &["metrics"]).expect_code(2);
}

#[test]
fn metrics_when_printed_as_text_then_what_chance_gets_stands_beside_them() {
    let folder = scratch();
    put(folder.path(), "case.json", &worked().to_string());
    let done = words(folder.path(), "metrics --case case.json").expect_code(0);
    for part in [
        "recall over attacks",
        "chance",
        "for comparison with older papers only",
    ] {
        assert!(done.stdout.contains(part), "{}", done.stdout);
    }
}
