//! Campaigns: cells are functions of their keys, whoever computes them and however often somebody is killed.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::file::reader::{FileReader as _, SerializedFileReader};
use parquet::record::Field;
use serde_json::Value;
use sim_kernel::Stream;

use crate::support::{command, copy_shipped, files, scratch, twinrange, words};

/// Cells of ten seconds: an attack that begins after two, and one setting swept.
fn plan(seeds: u32) -> String {
    format!(
        r#"Campaign(
    schema: 1,
    name: "tiny",
    title: "Short cells",
    scenarios: ["bottling/overflow"],
    defenses: ["none", "reference"],
    seeds: (open: Range(from: 1, count: {seeds})),
    postures: [(name: "short", set: {{
        "scenario.duration": "10s",
        "scenario.clean_until": "1s",
        "playbook.steps[\"find-hosts\"].start[0]": "2s",
    }})],
    sweeps: [(path: "scenario.response.approval_s", values: [1.0, 30.0])],
)
"#
    )
}

/// The finished cells of a campaign's folder, by file name.
fn cells(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let cells = files(&folder.join("cells"));
    cells
        .into_iter()
        .map(|(name, bytes)| (name.display().to_string(), bytes))
        .filter(|(name, _)| name.ends_with(".json") && !name.starts_with('.'))
        .collect()
}

/// Counts finished cells while a campaign is at work on them.
fn finished(folder: &Path) -> usize {
    let Ok(entries) = fs::read_dir(folder.join("cells")) else {
        return 0;
    };
    let names = entries.flatten().map(|entry| entry.file_name());
    names
        .filter(|name| {
            let name = name.to_string_lossy();
            name.ends_with(".json") && !name.starts_with('.')
        })
        .count()
}

#[test]
fn campaign_when_killed_five_times_then_equal_to_an_uninterrupted_one() {
    let folder = scratch();
    let here = folder.path();
    fs::write(here.join("plan.ron"), plan(50)).expect("the plan can be written");
    words(here, "campaign plan.ron --out whole --jobs 2").expect_code(0);
    let whole = cells(&here.join("whole"));
    assert_eq!(whole.len(), 200);

    // Not by the clock: after so many more finished cells, drawn with a fixed seed.
    let mut moments = Stream::new(5, "test/kills");
    for _ in 0..5 {
        let until = finished(&here.join("killed")) + 1 + draw(&mut moments, 35);
        let mut child = command(here)
            .args(["campaign", "plan.ron", "--out", "killed", "--jobs", "2"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the command starts");
        while finished(&here.join("killed")) < until {
            let ended = child.try_wait().expect("the child can be asked");
            assert_eq!(ended, None, "it ended before it was killed");
            std::thread::sleep(Duration::from_millis(1));
        }
        // SIGKILL on Unix: nothing is flushed, nothing is tidied.
        child.kill().expect("the child can be killed");
        child.wait().expect("the child has ended");
        assert!(
            finished(&here.join("killed")) < 200,
            "nothing was left to do"
        );
    }
    words(here, "campaign plan.ron --out killed --jobs 1").expect_code(0);
    let killed = cells(&here.join("killed"));
    assert_eq!(
        killed.keys().collect::<Vec<_>>(),
        whole.keys().collect::<Vec<_>>()
    );
    for (name, bytes) in &whole {
        assert!(killed[name] == *bytes, "{name} differs");
    }
    for name in [
        "cells.parquet",
        "steps.parquet",
        "summary.json",
        "campaign.html",
    ] {
        let read = |run: &str| fs::read(here.join(run).join(name)).expect("it was written");
        assert!(read("whole") == read("killed"), "{name} differs");
    }
}

fn draw(stream: &mut Stream, below: u64) -> usize {
    usize::try_from(stream.below(below)).expect("a small number")
}

#[test]
fn campaign_when_cells_are_computed_apart_then_merged_to_the_same() {
    let folder = scratch();
    let here = folder.path();
    fs::write(here.join("plan.ron"), plan(1)).expect("the plan can be written");
    words(here, "campaign plan.ron --out whole").expect_code(0);
    let listed = words(here, "campaign plan plan.ron --json").expect_code(0);
    let listed: Vec<Value> = serde_json::from_str(&listed.stdout).expect("a list");
    assert_eq!(listed.len(), 4);
    fs::create_dir(here.join("apart")).expect("a new folder");
    for cell in &listed {
        let id = cell["id"].as_str().expect("an id");
        let out = format!("apart/{id}.json");
        let args = ["campaign", "cell", id, "--plan", "plan.ron", "--out", &out];
        twinrange(here, &args).expect_code(0);
    }
    let merge = "campaign merge apart --plan plan.ron --out joined --json";
    let merged = words(here, merge).expect_code(0);
    let merged: Value = serde_json::from_str(&merged.stdout).expect("facts");
    assert_eq!(
        (&merged["cells"], &merged["missing"]),
        (&4.into(), &0.into())
    );
    assert_eq!(cells(&here.join("joined")), cells(&here.join("whole")));
    let file = fs::File::open(here.join("joined/cells.parquet")).expect("it was written");
    let reader = ParquetRecordBatchReaderBuilder::try_new(file).expect("a Parquet file");
    let documented = include_str!("../../docs/campaigns.md");
    for field in reader.schema().fields() {
        let name = field.name();
        let figure = twinrange_score::gate::NAMES
            .iter()
            .any(|known| known.name == name);
        let four = ["_n", "_a", "_d", "_ad"]
            .iter()
            .any(|end| name.ends_with(end));
        let listed = documented.contains(&format!("`{name}`"));
        assert!(figure || four || listed, "column {name} is not documented");
    }
    let rows: usize = reader
        .build()
        .expect("batches")
        .map(|batch| batch.expect("a batch").num_rows())
        .sum();
    assert_eq!(rows, 4);
    // Again: nothing is doubled. Another content under a known key: refused.
    words(here, merge).expect_code(0);
    let id = listed[1]["id"].as_str().expect("an id");
    let path = here.join(format!("apart/{id}.json"));
    let text = fs::read_to_string(&path).expect("it was written");
    let other = text.replace("\"alerts\": ", "\"alerts\": 9");
    assert_ne!(other, text);
    fs::write(&path, other).expect("it can be changed");
    words(here, merge)
        .expect_code(2)
        .expect_says(&["TR0504", id]);
    fs::write(&path, &text[..text.len() / 2]).expect("it can be cut");
    words(here, merge).expect_code(2).expect_says(&["TR0506"]);
    words(here, "campaign cell 00 --plan plan.ron")
        .expect_code(2)
        .expect_says(&["TR0505"]);
}

#[test]
fn campaign_when_cell_is_scored_then_as_run_and_score_do() {
    let folder = scratch();
    let here = folder.path();
    early_jam(here);
    let text = r#"Campaign(schema: 1, name: "one", title: "One cell", scenarios: ["scenarios/bottling/jam.ron"],
        defenses: ["reference-respond"], seeds: (open: List([1])), explain: true)"#;
    fs::write(here.join("plan.ron"), text).expect("the plan can be written");
    words(here, "campaign plan.ron --out one").expect_code(0);
    words(
        here,
        "run scenarios/bottling/jam.ron --seed 1 --defense reference-respond --out run",
    )
    .expect_code(0);
    let scored = words(here, "score run --json").expect_code(0);
    let score: Value = serde_json::from_str(&scored.stdout).expect("a score");
    let cells = cells(&here.join("one"));
    let cell: Value =
        serde_json::from_slice(cells.values().next().expect("one cell")).expect("JSON");
    assert_eq!(cell["failure"], Value::Null);
    assert_eq!(cell["run_digest"], score["header"]["run_digest"]);
    assert_eq!(cell["alerts"], score["detection"]["alerts"]);
    assert_eq!(
        cell["figures"]["recall"],
        score["detection"]["recall"]["value"]
    );
    for (quantity, run) in [
        ("good_parts", "ad"),
        ("good_parts", "d"),
        ("money", "ad"),
        ("oee", "a"),
    ] {
        let expect = &score["continuity"][quantity][run]["value"];
        assert_eq!(&cell[quantity][run], expect, "{quantity} {run}");
    }
    let steps = score["detection"]["steps"].as_array().expect("steps");
    assert!(!steps.is_empty());
    for (ours, theirs) in cell["steps"].as_array().expect("steps").iter().zip(steps) {
        assert_eq!(ours["time_to_detect_s"], theirs["time_to_detect_s"]);
        assert_eq!(ours["detected"], theirs["detected"]);
    }
    for why in ["attribution", "margin"] {
        assert!(cell[why].is_object());
        assert_eq!(cell[why], score[why], "{why}");
    }
    explained_tables(&here.join("one"), &cell);
}

/// The shipped scenario of the jam with less before the attack and less after it: many runs are made of it.
fn early_jam(here: &Path) {
    copy_shipped(here);
    let change = |file: &str, from: &str, to: &str| {
        let path = here.join(file);
        let text = fs::read_to_string(&path).expect("it was copied");
        assert!(text.contains(from), "{file} has no {from}");
        fs::write(&path, text.replace(from, to)).expect("it can be written");
    };
    let scenario = "scenarios/bottling/jam.ron";
    change(scenario, "duration: \"2h\"", "duration: \"25min\"");
    change(scenario, "clean_until: \"30min\"", "clean_until: \"4min\"");
    change("attacks/playbooks/jam.ron", "00:40:00", "00:05:00");
}

/// The tables and the page of an explained campaign of one cell hold what the cell does.
fn explained_tables(folder: &Path, cell: &Value) {
    let causes = table(&folder.join("causes.parquet"));
    for side in ["attack", "defense"] {
        let account = &cell["attribution"][side];
        let mine = causes.iter().filter(|row| row["side"] == side);
        let parts: Vec<f64> = mine.filter_map(|row| row["good_parts"].as_f64()).collect();
        let expect = account["causes"].as_array().expect("causes").len()
            + usize::from(account["method"] == "leave_one_out");
        assert_eq!(parts.len(), expect, "{side}");
        let whole = account["whole"]["good_parts"].as_f64().expect("a number");
        let sum: f64 = parts.iter().sum();
        assert!((sum - whole).abs() < 1e-6, "{side}: {sum} of {whole}");
    }
    let losses = table(&folder.join("losses.parquet"));
    let expect = cell["margin"]["losses"].as_array().expect("losses");
    assert_eq!(losses.len(), expect.len());
    for (row, loss) in losses.iter().zip(expect) {
        assert_eq!(row["loss"], loss["id"]);
        assert_eq!(row["alert_margin_s"], loss["alert_margin_s"]);
    }
    let page = fs::read_to_string(folder.join("campaign.html")).expect("it was written");
    for said in [
        "How long there was to act",
        "What each action of reference-respond",
    ] {
        assert!(page.contains(said), "{said}");
    }
}

/// The rows of a Parquet file, column to value: texts and numbers, and null for all else.
fn table(path: &Path) -> Vec<BTreeMap<String, Value>> {
    let file = fs::File::open(path).expect("it was written");
    let reader = SerializedFileReader::new(file).expect("a Parquet file");
    let rows = reader.get_row_iter(None).expect("rows");
    let value = |field: &Field| match field {
        Field::Str(text) => text.as_str().into(),
        Field::Double(number) => (*number).into(),
        _ => Value::Null,
    };
    rows.map(|row| {
        let row = row.expect("a row");
        let columns = row.get_column_iter();
        columns
            .map(|(name, field)| (name.clone(), value(field)))
            .collect()
    })
    .collect()
}

#[test]
fn campaign_when_folder_is_in_use_or_plan_is_wrong_then_refused() {
    let folder = scratch();
    let here = folder.path();
    let good = plan(1);
    fs::write(here.join("plan.ron"), &good).expect("the plan can be written");
    words(here, "check plan.ron").expect_code(0);
    fs::create_dir_all(here.join("held")).expect("a new folder");
    let lock = fs::File::create(here.join("held/lock")).expect("a new file");
    lock.try_lock().expect("nobody else has it");
    words(here, "campaign plan.ron --out held")
        .expect_code(2)
        .expect_says(&["TR0503"]);
    for (from, to, says) in [
        (
            "response.approval_s",
            "response.aproval_s",
            ["TR0501", "plan.ron:13"],
        ),
        ("\"reference\"", "\"refrence\"", ["TR0108", "plan.ron:6"]),
        ("[1.0, 30.0]", "[1.0, true]", ["TR0502", "plan.ron:13"]),
        ("sweeps", "sweep", ["TR0103", "plan.ron:13"]),
        ("\"10s\"", "\"10\"", ["TR0502", "plan.ron:13"]),
        ("count: 1", "count: 0", ["TR0507", "plan.ron:7"]),
    ] {
        fs::write(here.join("plan.ron"), good.replace(from, to)).expect("it can be written");
        words(here, "check plan.ron")
            .expect_code(2)
            .expect_says(&says);
        words(here, "campaign plan.ron --out new")
            .expect_code(2)
            .expect_says(&says);
        assert!(
            !here.join("new").exists(),
            "nothing is begun with a wrong plan"
        );
    }
}

#[test]
fn campaign_when_defense_fails_then_its_cells_say_so_and_the_others_go_on() {
    let folder = scratch();
    let here = folder.path();
    let stops = r#"Defense(name: "stops", version: "1", description: "Ends at once",
        kind: LockStep(command: "false"), install: "nothing", detect: Detect(command: "true"))"#;
    fs::write(here.join("stops.ron"), stops).expect("it can be written");
    let text = plan(2).replace(
        "[\"none\", \"reference\"]",
        "[\"stops.ron\", \"reference\"]",
    );
    fs::write(here.join("plan.ron"), text).expect("the plan can be written");
    let done = words(here, "campaign plan.ron --out out --json").expect_code(0);
    let done: Value = serde_json::from_str(&done.stdout).expect("facts");
    assert_eq!((&done["cells"], &done["failures"]), (&8.into(), &4.into()));
    for bytes in cells(&here.join("out")).values() {
        let cell: Value = serde_json::from_slice(bytes).expect("JSON");
        let failed = cell["key"]["defense"] == "stops";
        assert_eq!(cell["failure"].is_string(), failed, "{cell}");
    }
}

#[test]
fn run_when_varied_then_repeatable_and_replayed() {
    let folder = scratch();
    let here = folder.path();
    for out in ["one", "two"] {
        let args = format!(
            "run bottling/overflow --vary 7 --duration 1min --defense reference --out {out}"
        );
        words(here, &args)
            .expect_code(0)
            .expect_says(&["variation 7: plc-filler has ", "polls each"]);
    }
    crate::support::assert_same_run(&here.join("one"), &here.join("two"));
    words(here, "replay one").expect_code(0);
    words(here, "run bottling/overflow --duration 1min --out plain").expect_code(0);
    let digest = |run: &str| crate::support::manifest(&here.join(run))["trace_digest"].clone();
    assert_ne!(digest("one"), digest("plain"));
}

#[test]
fn campaign_when_seeds_are_enough_then_it_stops_whatever_the_jobs() {
    let folder = scratch();
    let here = folder.path();
    let text = plan(9).replace(
        "sweeps:",
        "variation: HeldOut, stop: Stop(figure: \"alarm_time_percent\", half_width: 5.0, min_seeds: 3), sweeps:",
    );
    let text = text.replace("count: 9)", "count: 9), held_out: List([901, 902, 903])");
    fs::write(here.join("plan.ron"), text).expect("the plan can be written");
    words(here, "campaign plan.ron --out one --jobs 1").expect_code(0);
    words(here, "campaign plan.ron --out three --jobs 3").expect_code(0);
    let (one, three) = (cells(&here.join("one")), cells(&here.join("three")));
    assert_eq!(one, three);
    // Quiet from the beginning: three seeds of each set, two values of the sweep, two defenses.
    assert_eq!(one.len(), 24);
    let drawn = one.values().filter(|bytes| {
        let cell: Value = serde_json::from_slice(bytes).expect("JSON");
        let held_out = cell["key"]["seed"].as_u64() > Some(900);
        let drawn = cell["drawn"]
            .as_array()
            .is_some_and(|lines| !lines.is_empty());
        assert_eq!(held_out, drawn, "{cell}");
        held_out
    });
    assert_eq!(drawn.count(), 12);
}

#[test]
fn suite_when_a_gate_asks_for_a_margin_then_it_is_found() {
    let folder = scratch();
    let here = folder.path();
    early_jam(here);
    let suite = r#"Suite(schema: 1, name: "early", cases: [(name: "jam", scenario: "scenarios/bottling/jam.ron",
        seeds: [1], defense: "reference", gates: ["alert_margin_s >= 1", "action_margin_s >= 1"])])"#;
    fs::write(here.join("suite.ron"), suite).expect("it can be written");
    let done = words(here, "test suite.ron --json").expect_code(1);
    let runs: Value = serde_json::from_str(&done.stdout).expect("JSON");
    let gates = &runs[0]["gates"];
    assert_eq!(gates[0]["passed"], true, "{gates}");
    assert!(gates[0]["actual"].as_f64() > Some(1.0), "{gates}");
    let reason = gates[1]["reason"].as_str().expect("a reason");
    assert!(reason.contains("the defense did nothing"), "{reason}");
}

#[test]
fn suite_when_run_then_junit_markdown_baseline_and_exit_codes() {
    let folder = scratch();
    let here = folder.path();
    let suite = |gate: &str, defense: &str| {
        format!(
            r#"Suite(schema: 1, name: "small", cases: [(name: "quiet", scenario: "bottling/calm", seeds: [1],
                defense: "{defense}", set: {{"scenario.duration": "20s", "scenario.clean_until": "1s"}},
                gates: ["{gate}"])])"#
        )
    };
    let write = |text: String| fs::write(here.join("suite.ron"), text).expect("it can be written");
    write(suite("false_alarms <= 0", "none"));
    words(here, "check suite.ron").expect_code(0);
    words(here, "test suite.ron --out one --markdown one.md").expect_code(0);
    let junit = fs::read_to_string(here.join("one/junit.xml")).expect("it was written");
    assert!(
        junit.contains("tests=\"2\" failures=\"0\" errors=\"0\""),
        "{junit}"
    );
    let markdown = fs::read_to_string(here.join("one.md")).expect("it was written");
    assert!(markdown.contains("| quiet-1 | passed |"), "{markdown}");

    // The score of before says something else: told as a change, and no reason to fail.
    let path = here.join("one/quiet-1/score.json");
    let text = fs::read_to_string(&path).expect("it was written");
    let mut before: Value = serde_json::from_str(&text).expect("JSON");
    before["detection"]["false_alarms_per_day"] = serde_json::json!({ "value": 9.0 });
    fs::write(&path, before.to_string()).expect("it can be written");
    let done = words(
        here,
        "test suite.ron --out two --baseline one --markdown two.md --json",
    );
    let done = done.expect_code(0);
    let runs: Value = serde_json::from_str(&done.stdout).expect("JSON");
    let changes = runs[0]["changes"].as_array().expect("changes");
    let changed: Vec<_> = changes.iter().filter(|c| c["verdict"] != "same").collect();
    assert_eq!(changed.len(), 1);
    assert_eq!(changed[0]["figure"], "false_alarms_per_day");

    write(suite("steps_detected >= 1", "none"));
    words(here, "test suite.ron --out two").expect_code(1);
    let stops = r#"Defense(name: "stops", version: "1", description: "Ends at once",
        kind: LockStep(command: "false"), install: "nothing", detect: Detect(command: "true"))"#;
    fs::write(here.join("stops.ron"), stops).expect("it can be written");
    write(suite("false_alarms <= 0", "stops.ron"));
    words(here, "test suite.ron --out two").expect_code(3);
    assert!(
        !here.join("two/quiet-1/score.json").exists(),
        "no score of before stays"
    );
    write(suite("fals_alarms <= 0", "none"));
    words(here, "test suite.ron --out two")
        .expect_code(2)
        .expect_says(&["TR0314", "suite.ron:3"]);
}
