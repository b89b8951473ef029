//! Run folders on disk.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use sim_kernel::{Digest, InputRecord, Origin, SimTime};
use sim_plant::observe::SceneRow;
use sim_plant::{ItemView, Production};
use sim_wire::MacAddr;
use tempfile::TempDir;
use twinrange_attacks::StepRecord;

use super::*;
use crate::evidence::frames::{Destination, FrameTruth, Protocol, Relation};
use crate::evidence::process::ColumnInfo;
use crate::evidence::records::{Asset, Outcome};
use crate::evidence::tags::{Quality, TagRow};
use crate::evidence::{BATCH_ROWS, FileInfo, PART_ROWS};
use crate::manifest::{Ended, RunOptions, ScenarioRecord, Timing};
use crate::problem::Problems;
use crate::scenario::Bundle;
use crate::session::{ProductionRecord, production_columns};
use crate::twin::{Impact, Violation};

fn header() -> RunHeader {
    let files = BTreeMap::from([("drift.ron".to_owned(), "Scenario(…)".to_owned())]);
    let bundle = Bundle {
        root: "drift.ron".to_owned(),
        files,
    };
    RunHeader {
        scenario: ScenarioRecord {
            name: "drift".to_owned(),
            title: "Drift".to_owned(),
            digest: bundle.digest(),
            bundle,
        },
        seed: 7,
        options: RunOptions {
            attack: true,
            duration_ns: 2_000_000_000,
            defense: Some("reference".to_owned()),
            outside: None,
            inline: None,
        },
    }
}

fn layout() -> Layout {
    let column = |name: &str| ColumnInfo {
        name: name.to_owned(),
        unit: "m".to_owned(),
        description: "Level".to_owned(),
    };
    let asset = |name: &str| Asset {
        name: name.to_owned(),
        role: "plc".to_owned(),
        ..Asset::default()
    };
    Layout {
        spans: vec!["cell".to_owned(), "office".to_owned()],
        tags: vec!["LT20".to_owned(), "CT10".to_owned()],
        steps: vec!["scan".to_owned(), "write".to_owned()],
        hosts: vec![
            ("plc-filler".to_owned(), MacAddr([2; 6])),
            ("hmi-1".to_owned(), MacAddr([4; 6])),
        ],
        truth_columns: vec![column("bowl_level_m"), column("spilled_l")],
        places: vec!["belt".to_owned()],
        screen_columns: vec![column("hmi-1/level")],
        memory_columns: vec![column("plc/mode"), column("level")],
        components: vec!["plc".to_owned(), "process".to_owned()],
        assets: vec![asset("plc-filler"), asset("hmi-1")],
    }
}

fn end(wall_s: f64) -> End {
    End {
        ended: Ended::Complete,
        simulated_ns: 2_000_000_000,
        trace_digest: Digest::of(b"run"),
        timing: Timing { wall_s },
        notes: BTreeMap::new(),
    }
}

/// Rows enough for more than one batch.
const MANY: u64 = BATCH_ROWS as u64 + 10;

fn step() -> StepRecord {
    StepRecord {
        step: 0,
        id: "scan".to_owned(),
        title: "Scan".to_owned(),
        techniques: vec!["T0846".to_owned()],
        action: "scan",
        plain: "Asks who is there".to_owned(),
        intended_effect: "A list".to_owned(),
        started_at: Some(SimTime::from_nanos(5)),
        action_at: None,
        took_hold_at: None,
        ended_at: Some(SimTime::from_nanos(9)),
        outcome: twinrange_attacks::Outcome::TimedOut,
        reason: Some("no answer".to_owned()),
        hosts: vec!["plc-filler".to_owned()],
        frames_sent: 3,
        requests_sent: 0,
        connections: 0,
        evidence: vec![],
    }
}

fn violation() -> Impact {
    Impact::Violation(Violation {
        constraint: "overflow".to_owned(),
        column: "bowl_level_m".to_owned(),
        hazard: false,
        start_ns: 1,
        violated_ns: 2,
        end_ns: None,
        also_in_twin: false,
    })
}

fn produced(good: u64) -> ProductionRecord {
    ProductionRecord {
        good,
        unsafe_s: 0.5,
        ..ProductionRecord::default()
    }
}

fn item(id: u64) -> ItemView {
    ItemView {
        id: u32::try_from(id).expect("few items"),
        place: 0,
        at_m: 0.25,
        content_ml: 500.5,
        closed: id.is_multiple_of(2),
        fallen: false,
        broken: id == 7,
    }
}

fn write(folder: &Path, wall_s: f64) -> Result<RunFolder, Problems> {
    let mut run = RunWriter::create(folder, header(), layout())?;
    let attack = FrameTruth {
        step: Some(1),
        relation: Relation::Sent,
        denied: true,
        source: 1,
    };
    for n in 0..MANY {
        let truth = if n == 4 {
            attack
        } else {
            FrameTruth::benign(0)
        };
        let frame = [2; 60];
        assert_eq!(run.frame(0, n * 1_000, &frame, truth)?, n + 1);
        let value = SimTime::from_nanos(n).as_secs_f64();
        run.tag(n * 1_000, u16::from(n % 2 == 1), value, Quality::Good)?;
        run.process_row(n * 1_000, &[value, -0.0])?;
        run.scene_row(
            &SceneRow {
                at: SimTime::from_nanos(n * 1_000),
                items: vec![item(2 * n + 2), item(2 * n + 1), item(n)],
                screens: vec![f64::NAN],
                memory: vec![2.0, value],
                production: Production::default(),
            },
            &produced(n),
        )?;
        run.digests((n + 1) * 1_000_000_000, n, &[n, !n])?;
    }
    run.tag(MANY * 1_000, 1, f64::NAN, Quality::Bad)?;
    run.syslog("<134>1 2026-01-05T06:00:00.000000Z plc-filler st - - - started\nnot a new line")?;
    run.attack_step(&step())?;
    run.impact(&violation())?;
    run.alert(&json!({"t_ns": 5, "sig_id": "new-talker", "severity": 7}))?;
    let input = json!({"action": "deny"});
    run.input(&InputRecord {
        time: SimTime::from_secs(1),
        seq: 0,
        origin: Origin::Defense,
        input,
    })?;
    run.finish(end(wall_s))
}

/// A folder of the test's own, and a run in it.
fn written() -> (TempDir, RunFolder) {
    let folder = TempDir::new().expect("a folder for the test");
    let run = write(&folder.path().join("run"), 1.5).expect("it can be written");
    (folder, run)
}

fn problem_of(folder: &Path) -> String {
    RunFolder::open(folder).map_or_else(|problems| problems.to_string(), |_| "fine".to_owned())
}

#[test]
fn run_when_written_then_everything_reads_back() {
    let (_folder, run) = written();
    let counts = &run.manifest().counts;
    assert_eq!(
        counts.frames,
        BTreeMap::from([("cell".into(), MANY), ("office".into(), 0)])
    );
    assert_eq!(
        (counts.attack_frames, counts.tags, counts.inputs),
        (1, MANY + 1, 1)
    );
    assert_eq!(run.manifest().scenario, header().scenario);

    let frames: Result<Vec<_>, _> = run.capture("cell").expect("opens").collect();
    let frames = frames.expect("reads");
    assert_eq!(frames.len() as u64, MANY);
    assert_eq!(
        (frames[9].number, frames[9].t_ns, frames[9].bytes.len()),
        (10, 9_000, 60)
    );
    assert_eq!(run.capture("office").expect("opens").count(), 0);

    let attack = run.attack_frames().expect("reads");
    assert_eq!(attack.len(), 1);
    assert_eq!((attack[0].span.as_str(), attack[0].frame), ("cell", 5));
    assert_eq!(attack[0].step.as_deref(), Some("write"));
    assert_eq!(
        (attack[0].relation, attack[0].denied),
        (Relation::Sent, true)
    );
    let all: usize = run
        .frames()
        .expect("opens")
        .map(|batch| batch.expect("reads").len())
        .sum();
    assert_eq!(all as u64, MANY);

    let tags: Vec<TagRow> = run
        .tags()
        .expect("opens")
        .flat_map(|batch| batch.expect("reads"))
        .collect();
    assert_eq!(
        (tags[1].tag.as_str(), tags[1].t_ns, tags[1].value),
        ("CT10", 1_000, 1e-9)
    );
    let last = tags.last().expect("there are samples");
    assert!(last.value.is_nan() && last.quality == Quality::Bad);

    let traffic = run.traffic(
        vec!["hmi-1".to_owned(), "plc-filler".to_owned()],
        vec!["write".to_owned(), "scan".to_owned()],
    );
    let traffic = traffic.expect("opens");
    assert_eq!(traffic.parts(), [(0, (MANY - 1) * 1_000)]);
    let seen = traffic.part(0).expect("reads");
    assert_eq!(seen.len() as u64, MANY);
    assert_eq!((seen[4].t_ns, seen[4].truth.step), (4_000, Some(0)));
    assert_eq!((seen[4].truth.source, seen[5].truth.source), (0, 1));
    assert_eq!(seen[4].kind.destination, Destination::Host(1));
    assert_eq!(seen[4].kind.protocol, Protocol::Other);
    let strangers = run
        .traffic(vec!["hmi-2".to_owned()], Vec::new())
        .expect("opens");
    assert!(
        strangers.part(0).is_err(),
        "a host that the plant does not have"
    );

    let items = run.items(vec!["belt".to_owned()]).expect("opens");
    let rows = 3 * MANY;
    let parts = rows.div_ceil(PART_ROWS as u64);
    assert_eq!(items.parts().len() as u64, parts);
    let first = items.part(0).expect("reads");
    assert_eq!(first[3].t_ns, 1_000);
    assert_eq!(first[3].item, item(4));
    let last = items.part(items.parts().len() - 1).expect("reads");
    assert_eq!(last.last().map(|seen| seen.item), Some(item(MANY - 1)));

    let screens = run.screens().expect("reads");
    assert_eq!(screens.columns(), layout().screen_columns);
    assert!(screens.values(0)[0].is_nan());
    let production = run.production().expect("reads");
    assert_eq!(production.columns(), production_columns());
    let row = std::array::from_fn(|column| production.values(column)[9]);
    assert_eq!(ProductionRecord::of_row(row, 0.0), produced(9));
    let controllers = run.controllers().expect("reads");
    assert_eq!(controllers.values(0)[3], 2.0);

    let process = run.process().expect("reads");
    assert_eq!(process.columns(), layout().truth_columns);
    assert_eq!(process.t_ns().len() as u64, MANY);
    assert!(
        process
            .column("spilled_l")
            .is_some_and(|v| v[0].is_sign_negative())
    );
    let digests = run.digests().expect("reads");
    assert_eq!(digests.components, layout().components);
    assert_eq!(digests.rows[3].components, [3, !3]);

    let names: Vec<String> = run
        .assets()
        .expect("reads")
        .into_iter()
        .map(|a| a.name)
        .collect();
    assert_eq!(names, ["hmi-1", "plc-filler"]);
    let attack = run.attack().expect("reads");
    assert_eq!(
        (attack[0].id.as_str(), attack[0].outcome),
        ("scan", Outcome::TimedOut)
    );
    assert_eq!(json!(step()), json!(attack[0]), "nothing of a step is lost");
    assert_eq!(run.impacts().expect("reads"), [violation()]);
    assert_eq!(run.syslog().expect("reads").len(), 1);
    let alerts = run.alerts().expect("reads");
    assert_eq!(
        (alerts[0].t_ns, &alerts[0].rest["severity"]),
        (5, &json!(7))
    );
    let inputs: Vec<InputRecord<Value>> = run.records(paths::INPUTS).expect("reads");
    assert_eq!(inputs[0].origin, Origin::Defense);
    run.verify().expect("nothing was changed");
}

#[test]
fn run_when_written_twice_then_evidence_and_truth_are_the_same_bytes() {
    let (_first, a) = written();
    let folder = TempDir::new().expect("a folder for the test");
    let b = write(folder.path(), 99.0).expect("an empty folder is used");
    assert_eq!(a.manifest().files, b.manifest().files);
    for (path, info) in &a.manifest().files {
        let (x, y) = (fs::read(a.locate(path)), fs::read(b.locate(path)));
        let (x, y) = (x.expect("reads"), y.expect("reads"));
        assert!(x == y, "{path} differs");
        assert_eq!(*info, FileInfo::of(&x), "{path}");
    }
    let names: Vec<&str> = a.manifest().files.keys().map(String::as_str).collect();
    insta::assert_snapshot!(names.join("\n"));
}

#[test]
fn files_when_format_is_unchanged_then_digests_are_pinned() {
    let (_folder, run) = written();
    let list: Vec<String> = run
        .manifest()
        .files
        .iter()
        .map(|(path, info)| format!("{path} {} {}", info.bytes, &info.blake3.to_string()[..16]))
        .collect();
    insta::assert_snapshot!(list.join("\n"));
}

#[test]
fn folder_when_it_holds_something_else_then_is_left_alone() {
    let folder = TempDir::new().expect("a folder for the test");
    let letter = folder.path().join("letter.txt");
    fs::write(&letter, "dear").expect("writes");
    let problems = write(folder.path(), 0.0)
        .map(|_| ())
        .expect_err("it is not ours");
    assert!(problems.to_string().contains("TR0301"), "{problems}");
    fs::write(folder.path().join(MANIFEST), "{\"kind\": \"other\"}").expect("writes");
    assert!(write(folder.path(), 0.0).is_err());
    assert_eq!(
        fs::read_to_string(&letter).expect("it is still there"),
        "dear"
    );
    assert_eq!(fs::read_dir(folder.path()).expect("lists").count(), 2);

    let problems = write(&letter.join("run"), 0.0)
        .map(|_| ())
        .expect_err("a file is in the way");
    assert!(problems.to_string().contains("TR0307"), "{problems}");
}

#[test]
fn folder_when_a_run_holds_a_foreign_file_then_is_left_alone() {
    let (_folder, run) = written();
    let notes = run.locate("truth/notes.md");
    fs::write(&notes, "mine").expect("writes");
    let problems = write(run.path(), 0.0)
        .map(|_| ())
        .expect_err("it would be lost");
    assert!(problems.to_string().contains("TR0301"), "{problems}");
    assert!(problems.to_string().contains("notes.md"), "{problems}");
    assert_eq!(fs::read_to_string(&notes).expect("it is there"), "mine");
}

#[test]
fn folder_when_it_holds_a_run_then_is_replaced() {
    let (_folder, run) = written();
    fs::create_dir(run.locate("score")).expect("creates");
    fs::write(run.locate("score/score.json"), "{}").expect("writes");
    let again = write(run.path(), 0.0).expect("a run is replaced");
    assert!(
        !again.locate("score").exists(),
        "the old score is not of this run"
    );
}

#[test]
fn run_when_killed_then_is_recognised_and_replaced() {
    let folder = TempDir::new().expect("a folder for the test");
    let mut run = RunWriter::create(folder.path(), header(), layout()).expect("creates");
    run.frame(0, 0, &[1; 60], FrameTruth::benign(0))
        .expect("writes");
    drop(run);
    assert!(problem_of(folder.path()).contains("TR0302"));
    write(folder.path(), 0.0).expect("an unfinished run is replaced");
    assert_eq!(problem_of(folder.path()), "fine");
}

#[test]
fn folder_when_broken_then_says_how() {
    type Break = fn(&RunFolder);
    let cases: [(&str, Break); 7] = [
        ("TR0309: there is no `run.json`", |run| {
            fs::remove_file(run.locate(MANIFEST)).expect("removes");
        }),
        ("run.json:1:9: TR0303: the manifest is damaged", |run| {
            fs::write(run.locate(MANIFEST), "{\"schema\"").expect("writes");
        }),
        (
            "TR0303: this is not the manifest of a run but of `x`",
            |run| {
                fs::write(run.locate(MANIFEST), "{\"schema\":1,\"kind\":\"x\"}").expect("writes");
            },
        ),
        (
            "TR0304: the run folder has schema 9; this build reads 1",
            |run| {
                fs::write(
                    run.locate(MANIFEST),
                    "{\"schema\":9,\"kind\":\"twinrange-run\"}",
                )
                .expect("writes");
            },
        ),
        ("process.parquet: TR0305", |run| {
            fs::remove_file(run.locate(paths::PROCESS)).expect("removes");
        }),
        ("span-cell.pcapng: TR0306: the file was cut off", |run| {
            cut(run, "evidence/span-cell.pcapng")
        }),
        ("tags.parquet: TR0306: the file was cut off", |run| {
            cut(run, paths::TAGS)
        }),
    ];
    for (expect, break_it) in cases {
        let (_folder, run) = written();
        break_it(&run);
        let found = problem_of(run.path());
        assert!(found.contains(expect), "expected {expect}, found {found}");
    }
    assert!(problem_of(Path::new("/nowhere")).contains("TR0309"));
}

fn cut(run: &RunFolder, path: &str) {
    let bytes = fs::read(run.locate(path)).expect("reads");
    fs::write(run.locate(path), &bytes[..bytes.len() / 2]).expect("writes");
}

/// A run whose files are cut after it was opened, so that the readers themselves meet the damage.
#[test]
fn readers_when_file_is_cut_then_error_and_no_panic() {
    let (_folder, run) = written();
    for path in run.manifest().files.keys() {
        cut(&run, path);
    }
    let capture: Result<Vec<_>, _> = run.capture("cell").expect("the header is whole").collect();
    let errors = [
        capture.map(|_| ()).expect_err("cut"),
        run.tags().map(|_| ()).expect_err("cut"),
        run.frames().map(|_| ()).expect_err("cut"),
        run.process().map(|_| ()).expect_err("cut"),
        run.digests().map(|_| ()).expect_err("cut"),
        run.assets().map(|_| ()).expect_err("cut"),
        run.verify().expect_err("cut"),
    ];
    for error in errors {
        assert!(error.to_string().contains("TR0306"), "{error}");
    }
    let error = run.attack().expect_err("cut");
    assert!(error.to_string().contains("attack.jsonl:1:"), "{error}");
    assert!(error.to_string().contains("TR0308"), "{error}");
}

#[test]
fn content_when_changed_without_changing_its_length_then_verify_finds_it() {
    let (_folder, run) = written();
    let path = run.locate(paths::SYSLOG);
    let text = fs::read_to_string(&path)
        .expect("reads")
        .replace("plc-filler", "plc-killer");
    fs::write(&path, text).expect("writes");
    assert_eq!(problem_of(run.path()), "fine");
    let problems = run.verify().expect_err("it was changed");
    assert!(
        problems.to_string().contains("syslog.log: TR0306"),
        "{problems}"
    );
}
