//! Offline defenses and alert files that are handed in: one set of rules, and each its own culprit.
//!
//! The tools here copy a file into their output folder, so that a test writes what they say.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::support::{Done, manifest, read_json, run_calm, scratch, words};

const GOOD: &str = r#"{"t_ns":15000000000,"sig_id":"a"}"#;

/// Makes an offline defense of that name that leaves these alerts.
fn tool(folder: &Path, name: &str, alerts: impl AsRef<[u8]>) {
    let home = folder.join(name);
    fs::create_dir_all(&home).expect("the folder can be made");
    fs::write(home.join("said"), alerts).expect("the file can be written");
    let description = format!(
        "Defense(name: \"{name}\", version: \"1\", description: \"Copies its alerts\",
            kind: Offline(command: \"cp\", args: [\"{{defense}}/said\", \"{{out}}/alerts.jsonl\"],
                alerts: \"alerts.jsonl\", format: \"jsonl\"),
            install: \"It is part of the tests.\", may_be_silent: true, signature_table: {{\"a\": [\"T0836\"]}})"
    );
    fs::write(home.join("defense.ron"), description).expect("the file can be written");
}

fn run(folder: &Path, tool: &str) -> Done {
    let defense = format!("{tool}/defense.ron");
    run_calm(folder, 30, &defense)
}

fn score_file(folder: &Path, file: &str) -> Done {
    words(
        folder,
        &format!("score run --quick --alerts {file} --format jsonl"),
    )
}

#[test]
fn offline_defense_when_its_alerts_are_unreadable_then_it_failed_and_a_users_file_is_a_mistake() {
    let binary: Vec<u8> = (0..=255).rev().collect();
    let late = GOOD.replace("15000000000", "99000000000000");
    let cases: [(&[u8], &[&str]); 5] = [
        (b"Loaded 3 rules\n", &["line 1", "plain text"]),
        (
            b"{\"t_ns\":1,\"sig_id\":\"a\"}\n{\"t_ns\":2,\"si",
            &["line 2", "truncated"],
        ),
        (
            b"{\"t_ns\":1,\"sig_id\":\"a\",\"severity\":11}\n",
            &["line 1", "severity"],
        ),
        (&binary, &["line 1", "UTF-8"]),
        (late.as_bytes(), &["line 1", "outside the run"]),
    ];
    for (content, says) in cases {
        let folder = scratch();
        tool(folder.path(), "babbler", content);
        run(folder.path(), "babbler")
            .expect_code(3)
            .expect_says(&["DF0019", "alerts.jsonl"])
            .expect_says(says);
        let place = folder.path().join("run");
        assert_eq!(manifest(&place)["ended"], "complete");
        let why = fs::read_to_string(place.join("defense/failure.txt")).expect("it is kept");
        assert!(
            why.starts_with("DF0019: ") && why.contains(says[0]),
            "{why}"
        );
        let kept = fs::read(place.join("defense/alerts.jsonl")).expect("there is one");
        assert!(kept.is_empty(), "half an alert file is none");
        words(folder.path(), "score run --quick")
            .expect_code(3)
            .expect_says(&["DF0018", "DF0019"]);
        score_file(folder.path(), "babbler/said")
            .expect_code(2)
            .expect_says(&["TR0313", &says[1..].join(" ")]);
        assert!(!place.join("score").exists(), "nothing was scored");
    }
}

/// Records of every kind, of which two can be true in a run of 30 s.
fn mixed() -> String {
    [
        GOOD,
        r#"{"t_ns":15000000000,"sig_id":"a","frame":99999999}"#,
        r#"{"t_ns":15000000000,"sig_id":"a","span":"lab","frame":1}"#,
        r#"{"t_ns":99000000000,"sig_id":"a"}"#,
        r#"{"t_ns":15000000000,"sig_id":"a","t_received_ns":14000000000}"#,
        r#"{"t_ns":15000000000,"sig_id":"a","src":{"ip":"nonsense"}}"#,
        r#"{"t_ns":16000000000,"sig_id":"b","colour":"red","frame":1}"#,
    ]
    .map(|line| format!("{line}\n"))
    .concat()
}

const SKIPPED: [(&str, u64); 6] = [
    ("after the end of the run", 1),
    ("in the clean period", 2),
    ("no such frame in the run", 1),
    ("no such span in the run", 1),
    ("not an IP address", 1),
    ("received before it happened", 1),
];

#[track_caller]
fn check_records(score: &Value) {
    let records = &score["detection"]["records"];
    assert_eq!(
        (&records["read"], &records["scored"]),
        (&7.into(), &0.into())
    );
    let skipped: serde_json::Map<String, Value> = SKIPPED
        .iter()
        .map(|&(reason, count)| (reason.to_owned(), count.into()))
        .collect();
    assert_eq!(records["skipped"], Value::Object(skipped));
    let places: Vec<(u64, &str)> = records["left_out"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|left| {
            let line = left["line"].as_u64().expect("a line");
            (line, left["field"].as_str().expect("a field"))
        })
        .collect();
    assert_eq!(
        places,
        [
            (2, "frame"),
            (3, "span"),
            (4, "t_ns"),
            (5, "t_received_ns"),
            (6, "src.ip")
        ]
    );
    assert_eq!(
        score["import_anomalies"]["unknown field `colour` ignored"],
        1
    );
}

#[test]
fn alerts_when_some_cannot_be_true_then_named_and_counted_alike_for_a_tool_and_a_file() {
    let folder = scratch();
    tool(folder.path(), "dreamer", mixed());
    let says: &[&str] = &[
        ":2:1: warning: TR0315: `frame` is 99999999, no such frame in the run",
        ":6:1: warning: TR0315: `src.ip` is \"nonsense\", not an IP address",
    ];
    run(folder.path(), "dreamer")
        .expect_code(0)
        .expect_says(&["defense/output/alerts.jsonl:2:1:"])
        .expect_says(says);
    let place = folder.path().join("run");
    let kept = fs::read_to_string(place.join("defense/alerts.jsonl")).expect("there is one");
    assert_eq!(kept.lines().count(), 2, "{kept}");
    words(folder.path(), "score run --quick").expect_code(0);
    let own = read_json(&place.join("score/score.json"));
    check_records(&own);
    assert_eq!(own["header"]["tool"]["name"], "dreamer");
    assert_eq!(own["header"]["alert_file"], Value::Null);

    score_file(folder.path(), "dreamer/said")
        .expect_code(0)
        .expect_says(says);
    check_records(&read_json(&place.join("score/score.json")));
}

/// The file says whose alerts they are; the run's own defense has no part in them.
#[test]
fn alerts_when_handed_in_then_they_carry_their_own_tools_name() {
    let folder = scratch();
    tool(folder.path(), "owner", "");
    run(folder.path(), "owner").expect_code(0);
    let named = |tool: &str| format!("{{\"t_ns\":5,\"sig_id\":\"a\",\"tool\":\"{tool}\"}}\n");
    for (content, name) in [
        (format!("{GOOD}\n"), "rival"),
        (named("hawk"), "hawk"),
        (
            named("hawk") + &named("eagle") + &named("hawk"),
            "eagle, hawk",
        ),
        (String::new(), "rival"),
    ] {
        fs::write(folder.path().join("rival.jsonl"), &content).expect("it can be written");
        let done = score_file(folder.path(), "rival.jsonl").expect_code(0);
        let says = format!("alerts      of {name} from rival.jsonl");
        assert!(done.stdout.contains(&says), "{done:#?}");
        let score = read_json(&folder.path().join("run/score/score.json"));
        assert_eq!(score["header"]["tool"]["name"], name, "{content}");
        assert_eq!(score["header"]["tool"]["version"], Value::Null);
        assert_eq!(score["header"]["alert_file"], "rival.jsonl");
        let caveats = score["caveats"].to_string();
        assert!(
            caveats.contains("The run's own defense was owner"),
            "{caveats}"
        );
    }
}

/// Where a hint says that the log is, there it is, and it holds what the tool printed.
#[test]
fn hint_when_it_names_a_log_then_the_log_is_there() {
    for (tool, log, holds) in [
        (
            "offline-fails",
            "defense/output/tool.log",
            "there is no rule file",
        ),
        ("offline-writes-nothing", "defense/output/tool.log", ""),
        (
            "dies-at-once",
            "defense/tool.log",
            "the model file is missing",
        ),
    ] {
        let folder = scratch();
        let file = crate::defense_failures::fixture(tool).display().to_string();
        run_calm(folder.path(), 10, &file)
            .expect_code(3)
            .expect_says(&[&format!(" {log}")]);
        let text = fs::read_to_string(folder.path().join("run").join(log)).expect("it is there");
        assert!(text.contains(holds), "{tool}: {text}");
    }
}
