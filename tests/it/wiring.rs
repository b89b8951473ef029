//! The wiring test: a harmless stimulus, and what a tool makes of it.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::support::{
    Done, copy, files, has_version, is_here, manifest, read_json, repository, run_calm, scratch,
    twinrange, words,
};

/// The stranger's address in the bottling cell, which is in no inventory.
const STRANGER: &str = "10.20.1.253";

/// Tests a defense file and gives the report.
fn wiring(folder: &Path, defense: &str, more: &str) -> (Done, Value) {
    let done = words(folder, &format!("wiring {defense} --json{more}"));
    let report = serde_json::from_str(&done.stdout).unwrap_or(Value::Null);
    (done, report)
}

fn answer<'a>(report: &'a Value, sensor: &str, question: &str) -> &'a str {
    let sensors = report["sensors"].as_array().expect("a list of sensors");
    let found = sensors.iter().find(|one| one["sensor"] == sensor);
    found.unwrap_or_else(|| panic!("no {sensor} in {report}"))[question]["answer"]
        .as_str()
        .expect("an answer")
}

#[track_caller]
fn check_not_wired(done: Done, report: &Value, reason: &str, says: &[&str]) {
    done.expect_code(3)
        .expect_says(&["DF0021", "not wired", STRANGER])
        .expect_says(says);
    assert_eq!(report["wired"], false, "{report}");
    assert_eq!(report["reason"], reason, "{report}");
    assert_eq!(answer(report, "span cell", "alerts"), "no", "{report}");
}

#[test]
fn stimulus_when_played_then_everybody_can_see_it_and_the_process_does_not_notice() {
    let folder = scratch();
    let folder = folder.path();
    words(folder, "wiring --out stimulus").expect_code(0);
    let played = folder.join("stimulus");
    let facts = manifest(&played);
    let length_s = facts["simulated_ns"].as_u64().expect("a time") / 1_000_000_000;
    let quiet = format!("run bottling/calm --no-twin --duration {length_s}s --out quiet");
    words(folder, &quiet).expect_code(0);
    let truth = |run: &str| files(&folder.join(run).join("truth"));
    let (stimulus, quiet) = (truth("stimulus"), truth("quiet"));
    for file in ["process.parquet", "production.parquet", "items.parquet"] {
        let file = Path::new(file);
        assert!(stimulus[file] == quiet[file], "{} differs", file.display());
    }
    words(folder, "replay stimulus").expect_code(0);

    // On the wire: a read, the same value written back, and the port that is closed.
    let capture = fs::read(played.join("evidence/span-cell.pcapng")).expect("there is a capture");
    let on_the_wire = |bytes: &[u8]| capture.windows(bytes.len()).filter(|w| *w == bytes).count();
    let register = 2047_u16.to_be_bytes();
    let read = [&[0, 6, 1, 3][..], &register, &[0, 1]].concat();
    let told = [0, 5, 1, 3, 2, 0, 0];
    let write = [&[0, 6, 1, 6][..], &register, &[0, 0]].concat();
    assert_eq!(on_the_wire(&read), 4, "one for each controller");
    assert!(on_the_wire(&told) >= 4, "the register holds 0");
    assert_eq!(on_the_wire(&write), 8, "four requests and their echoes");
    let stranger = [10, 20, 1, 253];
    assert!(on_the_wire(&stranger) > 40);
    // In the log.
    let log = fs::read_to_string(played.join("evidence/syslog.log")).expect("there is a log");
    let opened = format!("engineering session opened by \"stranger\" (from {STRANGER})");
    assert_eq!(log.matches(&opened).count(), 4, "{log}");
    // Nobody has it in the inventory.
    let assets = fs::read_to_string(played.join("evidence/assets.json")).expect("it is there");
    assert!(!assets.contains(STRANGER), "{assets}");
}

/// The reference defense learns for half an hour, and then says what it sees.
#[test]
fn wiring_when_the_reference_is_tested_then_it_sees_understands_and_alerts() {
    let folder = scratch();
    let (done, report) = wiring(folder.path(), "reference", "");
    done.expect_code(0);
    assert_eq!(report["wired"], true);
    for question in ["saw", "parsed", "alerts"] {
        assert_eq!(answer(&report, "span cell", question), "yes", "{report}");
    }
    // It asks for frames and log lines, and not for tags.
    assert_eq!(answer(&report, "tags", "saw"), "no", "{report}");
    assert_eq!(answer(&report, "logs", "saw"), "yes", "{report}");
    assert!(report["of_stimulus"].as_u64() > Some(3), "{report}");
}

/// The tags that a historian without a cable does not have.
#[test]
fn wiring_when_river_is_tested_then_it_misses_the_tags() {
    let home = repository().join("defenses/river-anomaly");
    let python = home.join(".venv/bin/python");
    if !is_here(python.is_file(), "river, as .ci/install-defenses has it,") {
        return;
    }
    let folder = scratch();
    let file = home.join("defense.ron").display().to_string();
    let (done, report) = wiring(folder.path(), &file, "");
    done.expect_code(0);
    assert_eq!(answer(&report, "tags", "alerts"), "yes", "{report}");
    assert_eq!(answer(&report, "span cell", "saw"), "no", "{report}");
    assert!(report["of_stimulus"].as_u64() > Some(0), "{report}");
}

/// A copy of the shipped Suricata, in which something is changed; `None` where there is no Suricata.
fn suricata(folder: &Path, changes: &[(&str, &str, &str)]) -> Option<String> {
    if !has_version("suricata", &["-V"], "version 7.") {
        return None;
    }
    let home = folder.join("suricata");
    copy(&repository().join("defenses/suricata"), &home);
    for (file, from, to) in changes {
        let path = home.join(file);
        let text = fs::read_to_string(&path).expect("it is shipped");
        let changed = match *from {
            "" => (*to).to_owned(),
            from => text.replace(from, to),
        };
        assert_ne!(changed, text, "{file}: `{from}` is not in it");
        fs::write(path, changed).expect("it can be written");
    }
    Some("suricata/defense.ron".to_owned())
}

#[test]
fn wiring_when_suricata_is_as_shipped_then_it_sees_understands_and_alerts() {
    let folder = scratch();
    let Some(file) = suricata(folder.path(), &[]) else {
        return;
    };
    let (done, report) = wiring(folder.path(), &file, "");
    done.expect_code(0);
    for question in ["saw", "parsed", "alerts"] {
        assert_eq!(answer(&report, "span cell", question), "yes", "{report}");
    }
    assert!(report["of_stimulus"].as_u64() > Some(5), "{report}");
}

#[test]
fn wiring_when_suricata_has_no_rules_then_says_so() {
    let folder = scratch();
    let Some(file) = suricata(folder.path(), &[("ics.rules", "", "# Nothing.\n")]) else {
        return;
    };
    let (done, report) = wiring(folder.path(), &file, "");
    assert_eq!(answer(&report, "span cell", "saw"), "yes", "{report}");
    assert_eq!(answer(&report, "span cell", "parsed"), "yes", "{report}");
    check_not_wired(done, &report, "no_rules", &["no rule loaded", "rule file"]);
}

/// All the rules of a Suricata that understands Modbus or raises nothing.
const RULE: &str =
    "alert modbus any any -> any any (msg:\"A write\"; modbus: access write; sid:1;)\n";

#[test]
fn wiring_when_suricatas_parser_is_off_then_says_so() {
    let folder = scratch();
    let changes = [
        (
            "range.yaml",
            "    modbus:\n      enabled: yes",
            "    modbus:\n      enabled: no",
        ),
        ("ics.rules", "", RULE),
        // Or Suricata would say itself that it does not know the protocol.
        ("run.sh", " --init-errors-fatal", ""),
    ];
    let Some(file) = suricata(folder.path(), &changes) else {
        return;
    };
    let (done, report) = wiring(folder.path(), &file, "");
    assert_eq!(answer(&report, "span cell", "saw"), "yes", "{report}");
    assert_eq!(answer(&report, "span cell", "parsed"), "no", "{report}");
    let says = [
        "found no Modbus",
        "1 rules could not be loaded",
        "parser is off",
    ];
    check_not_wired(done, &report, "parser_off", &says);
}

/// With a filter that nothing passes Suricata ends with an error of its own; this one lets the wrong frames through.
#[test]
fn wiring_when_suricatas_filter_keeps_connections_out_then_says_so() {
    let folder = scratch();
    let read = "-r \"$capture\" -F \"$here/arp.bpf\"";
    let Some(file) = suricata(folder.path(), &[("run.sh", "-r \"$capture\"", read)]) else {
        return;
    };
    let filter = folder.path().join("suricata/arp.bpf");
    fs::write(filter, "arp\n").expect("it can be written");
    let (done, report) = wiring(folder.path(), &file, "");
    let says = ["no connection is in them", "capture filter"];
    check_not_wired(done, &report, "no_packets", &says);
}

#[test]
fn wiring_when_checksums_are_left_to_the_card_then_a_strict_suricata_is_blind() {
    let folder = scratch();
    // Otherwise it checks no more when the first thousand are wrong.
    let strict = "---\npcap-file:\n  checksum-checks: yes\n";
    let Some(file) = suricata(folder.path(), &[("range.yaml", "---\n", strict)]) else {
        return;
    };
    let (done, report) = wiring(folder.path(), &file, " --offload");
    let says = ["because of their checksums", "checksum offload", "-k none"];
    // It still sees who begins a connection, and does not understand a word.
    done.expect_code(0).expect_says(&says);
    assert_eq!(answer(&report, "span cell", "parsed"), "no", "{report}");
    assert_eq!(report["reason"], "checksums", "{report}");
    fs::write(folder.path().join("suricata/ics.rules"), RULE).expect("it can be written");
    let (done, report) = wiring(folder.path(), &file, " --offload");
    check_not_wired(done, &report, "checksums", &says);
    fs::remove_dir_all(folder.path().join("suricata")).expect("it can be removed");
    // The shipped one is.
    let file = suricata(folder.path(), &[]).expect("it is here");
    let (done, report) = wiring(folder.path(), &file, " --offload");
    done.expect_code(0);
    assert_eq!(answer(&report, "span cell", "alerts"), "yes", "{report}");
}

/// An offline tool in a shell script; it gets the evidence folder and its output folder.
fn script(folder: &Path, name: &str, script: &str, more: &str) -> String {
    let home = folder.join(name);
    fs::create_dir_all(&home).expect("the folder can be made");
    fs::write(home.join("tool.sh"), script).expect("the file can be written");
    let description = format!(
        "Defense(name: \"{name}\", version: \"1\", description: \"A script\",
            kind: Offline(command: \"sh\", args: [\"{{defense}}/tool.sh\", \"{{evidence}}\", \"{{out}}\"],
                alerts: \"alerts.jsonl\", format: \"jsonl\"),
            install: \"It is part of the tests.\", {more})"
    );
    fs::write(home.join("defense.ron"), description).expect("the file can be written");
    format!("{name}/defense.ron")
}

/// Says nothing, whatever happens.
const MUTE: &str = ": >\"$2/alerts.jsonl\"\n";
/// Reads the log, and minds strangers.
const LISTENER: &str = r#"
    : >"$2/alerts.jsonl"
    if grep -q 'opened by "stranger"' "$1/syslog.log"; then
        echo '{"t_ns":1,"sig_id":"stranger","src":{"ip":"10.20.1.253"}}' >"$2/alerts.jsonl"
    fi
"#;

#[test]
fn run_when_a_tool_is_silent_and_deaf_then_it_is_not_scored() {
    let folder = scratch();
    let file = script(folder.path(), "mute", MUTE, "");
    let (done, report) = wiring(folder.path(), &file, "");
    check_not_wired(done, &report, "untold", &["telemetry", "wrong interface"]);
    // The attack begins a minute before the end.
    let attacked = "run bottling/overflow --duration 41min --no-twin";
    words(
        folder.path(),
        &format!("{attacked} --defense {file} --out run"),
    )
    .expect_code(3)
    .expect_says(&["was silent in the whole run", "DF0021", STRANGER]);
    let place = folder.path().join("run");
    assert_eq!(manifest(&place)["ended"], "complete");
    let why = fs::read_to_string(place.join("defense/failure.txt")).expect("it is kept");
    assert!(why.starts_with("DF0021: "), "{why}");
    words(folder.path(), "score run --quick")
        .expect_code(3)
        .expect_says(&["DF0018", "DF0021"]);
    // What it did not say for itself can be said for it.
    fs::write(folder.path().join("said.jsonl"), "").expect("it can be written");
    words(
        folder.path(),
        "score run --quick --alerts said.jsonl --format jsonl",
    )
    .expect_code(0);
}

/// Where nothing attacked, silence is what a run wants, and only its score would take it for an answer.
#[test]
fn score_when_a_tool_is_deaf_then_its_quiet_shift_is_no_score() {
    let folder = scratch();
    let file = script(folder.path(), "mute", MUTE, "");
    run_calm(folder.path(), 30, &file).expect_code(0);
    let place = folder.path().join("run");
    assert!(!place.join("defense/wiring.json").exists());
    for says in ["wiring test sees", "DF0021"] {
        words(folder.path(), "score run --quick")
            .expect_code(3)
            .expect_says(&["DF0021", says]);
        assert!(!place.join("score").exists(), "it was scored");
        assert_eq!(
            read_json(&place.join("defense/wiring.json"))["wired"],
            false
        );
    }
}

#[test]
fn score_when_a_tool_is_silent_and_hears_then_its_silence_is_scored() {
    let folder = scratch();
    let file = script(folder.path(), "listener", LISTENER, "");
    run_calm(folder.path(), 30, &file).expect_code(0);
    let place = folder.path().join("run");
    let done = words(folder.path(), "score run --quick").expect_code(0);
    assert!(done.stderr.contains("wiring test sees"), "{done:?}");
    let kept = read_json(&place.join("defense/wiring.json"));
    assert_eq!((&kept["wired"], &kept["alerts"]), (&true.into(), &1.into()));
    let done = words(folder.path(), "score run --quick").expect_code(0);
    assert!(
        !done.stderr.contains("wiring test sees"),
        "tested twice: {done:?}"
    );
    let caveats = read_json(&place.join("score/score.json"))["caveats"].to_string();
    assert!(caveats.contains("It is wired"), "{caveats}");
    words(folder.path(), "replay run").expect_code(0);
}

#[test]
fn run_when_silence_is_an_answer_then_it_is_scored_without_a_test() {
    let folder = scratch();
    let file = script(folder.path(), "mute", MUTE, "may_be_silent: true");
    let done = run_calm(folder.path(), 30, &file).expect_code(0);
    assert!(!done.stderr.contains("wiring"), "{done:?}");
    assert!(!folder.path().join("run/defense/wiring.json").exists());
    words(folder.path(), "score run --quick").expect_code(0);
    let caveats = read_json(&folder.path().join("run/score/score.json"))["caveats"].to_string();
    assert!(caveats.contains("its silence is an answer"), "{caveats}");
}

#[test]
fn wiring_when_a_lock_step_tool_is_silent_then_what_it_was_handed_is_told() {
    let folder = scratch();
    let shipped = repository().join("defenses/yardsticks/silent.ron");
    let text = fs::read_to_string(shipped).expect("it is shipped");
    let own = text.replace("    may_be_silent: true,\n", "");
    assert_ne!(own, text);
    fs::write(folder.path().join("silent.ron"), own).expect("it can be written");
    let (done, report) = wiring(folder.path(), "silent.ron", "");
    check_not_wired(
        done,
        &report,
        "nothing_fits",
        &["was handed", "may_be_silent"],
    );
}

/// A tool that listens at an interface is shown the captures by hand, and what it wrote is judged.
#[test]
fn wiring_when_alerts_are_handed_in_then_they_are_judged_whatever_clock_they_have() {
    let folder = scratch();
    let record = |kind: &str, more: &str| {
        format!(
            r#"{{"timestamp":"2031-03-02T11:00:15.250431+0000","event_type":"{kind}","src_ip":"{STRANGER}","src_port":49152,"dest_ip":"10.20.1.11","dest_port":502,"proto":"TCP"{more}}}"#
        ) + "\n"
    };
    let alert = record(
        "alert",
        r#","app_proto":"modbus","alert":{"action":"allowed","gid":1,"signature_id":7,"rev":1,"signature":"A write","category":"","severity":2}"#,
    );
    let flow = record("flow", r#","app_proto":"failed""#);
    for (content, code, reason, says) in [
        (alert, 0, Value::Null, None),
        (flow, 3, "parser_off".into(), Some("none is about Modbus")),
        (String::new(), 3, "untold".into(), Some("left nothing")),
    ] {
        fs::write(folder.path().join("eve.json"), content).expect("it can be written");
        let done = words(
            folder.path(),
            "wiring --alerts eve.json --format eve --json",
        );
        let report: Value = serde_json::from_str(&done.stdout).expect("it prints JSON");
        done.expect_code(code).expect_says(says.as_slice());
        assert_eq!(report["reason"], reason, "{report}");
        assert_eq!(report["of_stimulus"], u64::from(code == 0), "{report}");
    }
}

#[test]
fn wiring_when_asked_for_what_it_cannot_do_then_says_so() {
    let folder = scratch();
    let refused = |args: &str, says: &[&str]| {
        words(folder.path(), &format!("wiring {args}"))
            .expect_code(2)
            .expect_says(says);
    };
    refused("silent --offload", &["TR0112", "lock-step"]);
    refused("silent --network office", &["TR0601", "office", "cell"]);
    refused("nobody-at-all", &["TR0108", "nobody-at-all"]);
    refused("--alerts missing.json", &["TR0108", "missing.json"]);
    fs::write(folder.path().join("text"), "no alerts\n").expect("it can be written");
    refused(
        "--alerts text --format eve",
        &["TR0313", "text", "text:1:1"],
    );
    let missing: PathBuf = crate::defense_failures::fixture("not-installed");
    let missing = missing.display().to_string();
    twinrange(folder.path(), &["wiring", &missing])
        .expect_code(3)
        .expect_says(&["DF0001"]);
}
