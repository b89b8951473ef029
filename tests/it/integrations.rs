//! The worked integrations under `defenses/`: the real program runs where it can be had, else what was recorded of it is
//! scored.
//!
//! Suricata offline, sniffing and inline, and river are in `logic.rs`, `live.rs` and `ranking.rs`.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use serde_json::Value;
use tempfile::TempDir;

use crate::logic::{detection, steps};
use crate::support::{copy, has_version, is_here, json_lines, repository, scratch, words};

fn defense(name: &str) -> PathBuf {
    repository().join("defenses").join(name)
}

/// Whether the tool of a shipped description is here, by what that description itself asks and expects.
#[track_caller]
fn has_tool_of(description: &Path) -> bool {
    let text = fs::read_to_string(description).expect("it is shipped");
    let (_, detect) = text
        .split_once("detect: Detect(")
        .expect("it says how to tell");
    let (asked, expected) = detect.split_once("expect: ").expect("it expects something");
    // Strings stand between quotes: the command and its arguments, then what it should say.
    let strings = |text: &'_ str| -> Vec<String> {
        let pieces = text.split('"').skip(1).step_by(2);
        pieces.map(str::to_owned).collect()
    };
    let (asked, expected) = (strings(asked), strings(expected));
    let asked: Vec<&str> = asked.iter().map(String::as_str).collect();
    let (command, arguments) = asked.split_first().expect("it names a command");
    let expect = expected.first().expect("it expects a text");
    has_version(command, arguments, expect)
}

/// Whether Python 3 is here.
#[track_caller]
fn has_python() -> bool {
    has_version("python3", &["--version"], "Python 3.")
}

/// Runs a scenario with a defense into `run` and scores it. Returns its detection.
#[track_caller]
fn scored(folder: &Path, scenario: &str, duration: &str, defense: &Path) -> Value {
    let run = format!(
        "run bottling/{scenario} --duration {duration} --no-twin --defense {} --out run",
        defense.display()
    );
    words(folder, &run).expect_code(0);
    words(folder, "score run --quick").expect_code(0);
    detection(&folder.join("run"))
}

/// Ids and grades of the steps that were detected.
fn found(detection: &Value) -> Vec<(&str, &str)> {
    let steps = steps(detection).into_iter();
    steps
        .filter(|step| step.1)
        .map(|(id, _, grade, _)| (id, grade))
        .collect()
}

/// 45 minutes of the overflow without a defense, in `run` of a folder of the test's own. They are made once for all tests
/// of this module.
fn overflow() -> TempDir {
    static RUN: OnceLock<TempDir> = OnceLock::new();
    let made = RUN.get_or_init(|| {
        let folder = scratch();
        words(
            folder.path(),
            "run bottling/overflow --duration 45min --no-twin --out run",
        )
        .expect_code(0);
        folder
    });
    let own = scratch();
    copy(&made.path().join("run"), &own.path().join("run"));
    own
}

#[test]
fn arpwatch_when_somebody_steps_between_then_it_tells_who_has_whose_address() {
    if !has_tool_of(&defense("arpwatch").join("defense.ron")) || !has_python() {
        return;
    }
    let folder = scratch();
    let detection = scored(folder.path(), "overflow", "43min", &defense("arpwatch"));
    let found = found(&detection);
    assert!(
        found.contains(&("find-hosts", "general")),
        "a new station: {found:?}"
    );
    assert!(found.contains(&("stand-between", "technique")), "{found:?}");
    assert_eq!(detection["alarms_false"], 0, "{detection:#}");
    let alerts = json_lines(&folder.path().join("run/defense/alerts.jsonl"));
    let changed: BTreeSet<&str> = alerts
        .iter()
        .filter(|alert| alert["sig_id"] == "changed-ethernet-address")
        .filter_map(|alert| alert["src"]["mac"].as_str())
        .collect();
    assert_eq!(changed, BTreeSet::from(["02:54:57:14:01:42"]));
}

#[test]
fn sagan_when_a_program_is_loaded_then_the_controllers_own_log_tells() {
    if !has_tool_of(&defense("sagan").join("defense.ron")) || !has_python() {
        return;
    }
    let folder = scratch();
    let detection = scored(folder.path(), "logic", "50min", &defense("sagan"));
    // The attacker has the engineering workstation, so that there is no stranger to see.
    assert_eq!(
        steps(&detection),
        [
            (
                "read-program",
                true,
                "technique",
                "OT program read out of a controller"
            ),
            (
                "load-program",
                true,
                "technique",
                "OT program edited in a running controller"
            ),
        ]
    );
    assert_eq!(detection["alarms_false"], 0, "{detection:#}");
    assert!(
        !folder.path().join("run/defense/output/ipc").exists(),
        "its memory is not kept"
    );
}

/// What Suricata says in lock-step, fed through a FIFO, is what it says of the capture afterwards: rule and frame of each
/// alert.
#[test]
fn suricata_when_fed_through_a_fifo_then_it_finds_what_it_finds_offline() {
    if !has_tool_of(&defense("suricata").join("defense.ron")) || !has_python() {
        return;
    }
    let folder = scratch();
    let stream = defense("suricata").join("stream.ron");
    let detection = scored(folder.path(), "underfill", "45min", &stream);
    assert_eq!(detection["alarms_false"], 0, "{detection:#}");
    let run = folder.path().join("run");
    let streamed: BTreeSet<(String, u64)> = json_lines(&run.join("defense/alerts.jsonl"))
        .iter()
        .map(|alert| {
            let rule = alert["sig_id"].as_str().expect("a rule").to_owned();
            (rule, alert["frame"].as_u64().expect("a frame"))
        })
        .collect();
    assert!(streamed.len() > 4, "{streamed:?}");
    let done = Command::new("sh")
        .arg(defense("suricata").join("run.sh"))
        .args([run.join("evidence"), folder.path().join("offline")])
        .stdin(Stdio::null())
        .output()
        .expect("there is a shell");
    assert!(done.status.success(), "{done:?}");
    let offline: BTreeSet<(String, u64)> = json_lines(&folder.path().join("offline/eve.json"))
        .iter()
        .map(|record| {
            let rule = record["alert"]["signature_id"].as_u64().expect("a rule");
            (
                rule.to_string(),
                record["pcap_cnt"].as_u64().expect("a frame"),
            )
        })
        .collect();
    assert_eq!(streamed, offline);
    // What was recorded needs no Suricata.
    words(folder.path(), "replay run").expect_code(0);
}

/// Actions of a run: verb and target of each that was accepted.
fn accepted(run: &Path) -> Vec<(String, Value)> {
    json_lines(&run.join("defense/actions.jsonl"))
        .iter()
        .filter(|line| line["result"]["status"] == "accepted")
        .map(|line| {
            let verb = line["action"]["action"].as_str().expect("a verb");
            (verb.to_owned(), line["action"]["target"].clone())
        })
        .collect()
}

fn host(name: &str) -> (String, Value) {
    ("contain".to_owned(), serde_json::json!({"host": name}))
}

#[test]
fn active_response_when_suricata_accuses_a_stranger_then_it_is_cut_off_and_the_attack_ends() {
    if !has_tool_of(&defense("suricata").join("defense.ron")) || !has_python() {
        return;
    }
    let folder = scratch();
    let detection = scored(
        folder.path(),
        "underfill",
        "45min",
        &defense("active-response"),
    );
    let run = folder.path().join("run");
    assert_eq!(accepted(&run), [host("vendor-laptop")]);
    // The scan is all that comes of the attack.
    assert_eq!(found(&detection), [("find-hosts", "technique")]);
    assert_eq!(steps(&detection).len(), 1, "{detection:#}");
    words(folder.path(), "replay run").expect_code(0);
}

/// The same rule of thumb with and without an allow-list, over an ordinary start of a shift: with it the operator's screen stays
/// on the network.
#[test]
fn active_response_when_there_is_no_allow_list_then_it_blocks_the_operator() {
    if !has_python() {
        return;
    }
    let blocked = |name: &str| {
        let folder = scratch();
        let file = defense("active-response").join(name);
        let run = format!(
            "run bottling/calm --duration 3min --no-twin --defense {} --out run",
            file.display()
        );
        words(folder.path(), &run).expect_code(0);
        let run = folder.path().join("run");
        let alerts = json_lines(&run.join("defense/alerts.jsonl"));
        let withheld = alerts
            .iter()
            .filter(|alert| alert["sig_id"] == "response-withheld")
            .map(|alert| alert["sig_name"].clone())
            .collect::<Vec<_>>();
        (accepted(&run), withheld)
    };
    let (with, withheld) = blocked("any-write.ron");
    assert_eq!(with, []);
    assert_eq!(withheld, ["hmi-1: on the white list"]);
    let (without, withheld) = blocked("open.ron");
    assert_eq!(without, [host("hmi-1")]);
    assert_eq!(withheld, Vec::<Value>::new());
}

#[test]
fn active_response_when_its_policy_or_detector_is_wrong_then_the_range_says_why() {
    if !has_python() {
        return;
    }
    let folder = scratch();
    let home = defense("active-response");
    let cases = [
        (
            "{\"active_response\": [], \"whitelist\": []}",
            "true",
            "unknown: whitelist",
        ),
        ("{\"active_response\": [{\"levels\": 3}]}", "true", "levels"),
        ("[1", "true", "policy.json"),
        (
            "{\"active_response\": []}",
            "true",
            "the detector ended with status 0",
        ),
        (
            "{\"active_response\": []}",
            "no-such-program",
            "the detector does not start",
        ),
    ];
    for (policy, detector, says) in cases {
        fs::write(folder.path().join("policy.json"), policy).expect("it can be written");
        let description = format!(
            "Defense(name: \"blocks\", version: \"1\", description: \"Blocks\", kind: LockStep(command: \"python3\",
                args: [{:?}, \"--policy\", \"{{defense}}/policy.json\", \"--\", {detector:?}],
                env: {{\"PYTHONPATH\": {:?}}}), install: \"Here\", may_read: [{:?}, {:?}], may_act: true)",
            home.join("respond.py"),
            repository().join("clients/python/src"),
            home,
            repository().join("clients/python/src"),
        );
        fs::write(folder.path().join("defense.ron"), description).expect("it can be written");
        let _ = fs::remove_dir_all(folder.path().join("run"));
        words(
            folder.path(),
            "run bottling/calm --duration 10s --defense defense.ron --out run",
        )
        .expect_code(3)
        .expect_says(&["DF0012", says]);
    }
}

/// What decides and is no tool of its own has tests of its own, in Python.
#[test]
fn scripts_when_their_own_tests_are_run_then_they_pass() {
    if !has_python() {
        return;
    }
    for (name, least) in [("active-response", 4), ("suricata", 3)] {
        let tried = Command::new("python3")
            .args(["-B", "-m", "unittest"])
            .current_dir(defense(name))
            .env("PYTHONPATH", repository().join("clients/python/src"))
            .stdin(Stdio::null())
            .output()
            .expect("Python starts");
        let said = String::from_utf8_lossy(&tried.stderr);
        assert!(tried.status.success(), "{name}: {said}");
        // A discovery that finds nothing would pass too.
        let count = said
            .lines()
            .find_map(|line| line.strip_prefix("Ran ")?.split(' ').next()?.parse().ok());
        assert!(
            count.is_some_and(|count: u32| count >= least),
            "{name}: {said}"
        );
    }
}

#[test]
fn pyod_when_traffic_is_unlike_the_clean_period_then_it_says_in_what() {
    let folder = scratch();
    let home = defense("pyod-traffic");
    if !is_here(home.join(".venv/bin/python").is_file(), "PyOD") {
        return;
    }
    let detection = scored(folder.path(), "overflow", "43min", &home);
    assert_eq!(detection["alarms_false"], 0, "{detection:#}");
    let found = found(&detection);
    assert!(found.contains(&("find-hosts", "general")), "{found:?}");
    let alerts = json_lines(&folder.path().join("run/defense/alerts.jsonl"));
    let first = &alerts[0];
    assert_eq!(first["sig_id"], "traffic-unusual");
    let named = first["raw"]["columns"].as_object().expect("columns");
    assert!(
        named.keys().any(|column| column.starts_with("arp")),
        "{first:#}"
    );
}

/// Zeek comes from no package registry. The sample has the form that Zeek 7 writes, and what `local.zeek` says of this run.
#[test]
fn zeek_when_its_notices_are_scored_then_each_step_has_its_technique() {
    let folder = overflow();
    let zeek = defense("zeek");
    let score = format!(
        "score run --quick --alerts {0}/sample/notice.log --techniques {0}/techniques.ron",
        zeek.display()
    );
    words(folder.path(), &score).expect_code(0);
    let detection = detection(&folder.path().join("run"));
    assert_eq!(
        found(&detection),
        [
            ("find-hosts", "technique"),
            ("read-through", "technique"),
            ("stand-between", "technique"),
            ("fill-by-volume", "technique"),
            ("open-valve", "technique"),
            ("open-wide", "technique"),
        ]
    );
    assert_eq!(detection["records"]["scored"], 16);
    assert_eq!(detection["records"]["skipped"], serde_json::json!({}));
    // Every notice of the script has a place in the sample's table or is known to have no technique.
    let script = fs::read_to_string(zeek.join("local.zeek")).expect("it is there");
    let table = fs::read_to_string(zeek.join("techniques.ron")).expect("it is there");
    // The sample is scored with one table and a real Zeek with the other.
    let description = fs::read_to_string(zeek.join("defense.ron")).expect("it is there");
    let entries = |text: &str| -> Vec<String> {
        let lines = text.lines().map(str::trim);
        let entries = lines.filter(|line| line.starts_with("\"Range::"));
        entries.map(str::to_owned).collect()
    };
    assert_eq!(entries(&table), entries(&description));
    assert_eq!(entries(&table).len(), 8, "{table}");
    let notices = script.lines().filter_map(|line| {
        let name = line.strip_prefix("\t\t")?.strip_suffix(',')?;
        let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
        name.chars().all(is_name).then_some(name)
    });
    assert_eq!(notices.clone().count(), 10, "the script has ten notices");
    for notice in notices {
        let general = ["Modbus_Rogue_Master", "Modbus_Engineering_Session"].contains(&notice);
        assert_eq!(
            table.contains(&format!("Range::{notice}\"")),
            !general,
            "{notice}"
        );
    }
}

/// IPAL's framework comes from no package registry. The sample is what it wrote about five minutes of the overflow.
#[test]
fn ipal_when_its_alarms_are_read_then_they_become_alerts_of_their_tags() {
    if !has_python() {
        return;
    }
    let ipal = defense("ipal-iids");
    let script = "import gzip, json, sys; sys.path.insert(0, sys.argv[1]); import offline\n\
        for alert in offline.alerts(gzip.open(sys.argv[1] + '/sample/output.state.gz', 'rt')):\n    print(json.dumps(alert))";
    let done = Command::new("python3")
        .args(["-B", "-c", script])
        .arg(&ipal)
        .stdin(Stdio::null())
        .output()
        .expect("Python starts");
    assert!(done.status.success(), "{done:?}");
    let folder = overflow();
    fs::write(folder.path().join("alerts.jsonl"), &done.stdout).expect("it can be written");
    words(
        folder.path(),
        "score run --quick --alerts alerts.jsonl --format jsonl",
    )
    .expect_code(0);
    let detection = detection(&folder.path().join("run"));
    assert!(
        found(&detection).contains(&("stand-between", "general")),
        "{detection:#}"
    );
}
