//! Campaigns: cells are functions of their keys, whoever computes them and however often somebody is killed.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use sim_kernel::Stream;

use crate::support::{command, files, scratch, twinrange, words};

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
        assert!(finished(&here.join("killed")) < 200, "nothing was left to do");
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
    for name in ["cells.parquet", "steps.parquet", "summary.json", "campaign.html"] {
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
    assert_eq!((&merged["cells"], &merged["missing"]), (&4.into(), &0.into()));
    assert_eq!(cells(&here.join("joined")), cells(&here.join("whole")));
    // Again: nothing is doubled. Another content under a known key: refused.
    words(here, merge).expect_code(0);
    let id = listed[1]["id"].as_str().expect("an id");
    let path = here.join(format!("apart/{id}.json"));
    let text = fs::read_to_string(&path).expect("it was written");
    let other = text.replace("\"alerts\": ", "\"alerts\": 9");
    assert_ne!(other, text);
    fs::write(&path, other).expect("it can be changed");
    words(here, merge).expect_code(2).expect_says(&["TR0504", id]);
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
    let text = r#"Campaign(schema: 1, name: "one", title: "One cell", scenarios: ["bottling/jam"],
        defenses: ["reference-respond"], seeds: (open: List([3])))"#;
    fs::write(here.join("plan.ron"), text).expect("the plan can be written");
    words(here, "campaign plan.ron --out one").expect_code(0);
    words(here, "run bottling/jam --seed 3 --defense reference-respond --out run").expect_code(0);
    let scored = words(here, "score run --json").expect_code(0);
    let score: Value = serde_json::from_str(&scored.stdout).expect("a score");
    let cells = cells(&here.join("one"));
    let cell: Value = serde_json::from_slice(cells.values().next().expect("one cell")).expect("JSON");
    assert_eq!(cell["failure"], Value::Null);
    assert_eq!(cell["run_digest"], score["header"]["run_digest"]);
    assert_eq!(cell["alerts"], score["detection"]["alerts"]);
    assert_eq!(cell["figures"]["recall"], score["detection"]["recall"]["value"]);
    for (quantity, run) in [("good_parts", "ad"), ("good_parts", "d"), ("money", "ad"), ("oee", "a")] {
        let expect = &score["continuity"][quantity][run]["value"];
        assert_eq!(&cell[quantity][run], expect, "{quantity} {run}");
    }
    let steps = score["detection"]["steps"].as_array().expect("steps");
    assert!(!steps.is_empty());
    for (ours, theirs) in cell["steps"].as_array().expect("steps").iter().zip(steps) {
        assert_eq!(ours["time_to_detect_s"], theirs["time_to_detect_s"]);
        assert_eq!(ours["detected"], theirs["detected"]);
    }
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
        ("response.approval_s", "response.aproval_s", ["TR0501", "plan.ron:14"]),
        ("\"reference\"", "\"refrence\"", ["TR0108", "plan.ron:6"]),
        ("[1.0, 30.0]", "[1.0, true]", ["TR0502", "plan.ron:14"]),
        ("sweeps", "sweep", ["TR0103", "plan.ron:14"]),
        ("\"10s\"", "\"10\"", ["TR0502", "plan.ron:8"]),
        ("count: 1", "count: 0", ["TR0507", "plan.ron:7"]),
    ] {
        fs::write(here.join("plan.ron"), good.replace(from, to)).expect("it can be written");
        words(here, "check plan.ron").expect_code(2).expect_says(&says);
        words(here, "campaign plan.ron --out new").expect_code(2).expect_says(&says);
        assert!(!here.join("new").exists(), "nothing is begun with a wrong plan");
    }
}

#[test]
fn campaign_when_defense_fails_then_its_cells_say_so_and_the_others_go_on() {
    let folder = scratch();
    let here = folder.path();
    let stops = r#"Defense(name: "stops", version: "1", description: "Ends at once",
        kind: LockStep(command: "false"), install: "nothing", detect: Detect(command: "true"))"#;
    fs::write(here.join("stops.ron"), stops).expect("it can be written");
    let text = plan(2).replace("[\"none\", \"reference\"]", "[\"stops.ron\", \"reference\"]");
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
