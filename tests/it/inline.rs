//! A lock-step defense that stands in cables of the plant: verdicts per frame.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::support::{json_lines, manifest, read_json, repository, scratch, words};

/// A tool without a language runtime: passes every frame but what its rule takes, and says nothing else.
///
/// # Arguments
///
/// * `rule` — branches of a `case` over the message, each of which sets `v`, the fields of the verdict.
fn tool(folder: &Path, hosts: &str, latency_us: u64, rule: &str) {
    let script = format!(
        "read -r hello\n\
         echo '{{\"type\":\"ready\",\"version\":1,\"name\":\"gate\",\"wants\":[\"logs\"]}}'\n\
         seq=0\n\
         while read -r message; do\n\
         case $message in\n\
         '{{\"type\":\"frame\"'*)\n\
         n=${{message#*\\\"n\\\":}}; n=${{n%%,*}}\n\
         v='\"verdict\":\"pass\"'\n\
         case $message in\n{rule}\nesac\n\
         echo \"{{\\\"type\\\":\\\"verdict\\\",\\\"n\\\":$n,$v}}\" ;;\n\
         *) seq=$((seq + 1)); echo \"{{\\\"type\\\":\\\"done\\\",\\\"seq\\\":$seq}}\" ;;\n\
         esac\ndone\n"
    );
    fs::write(folder.join("gate.sh"), script).expect("the file can be written");
    let description = format!(
        "Defense(name: \"gate\", version: \"1\", description: \"Judges frames\",
        kind: LockStep(command: \"sh\", args: [\"{{defense}}/gate.sh\"],
            inline: Inline(hosts: [{hosts}], latency_us: {latency_us})),
        install: \"It is part of the tests.\", may_be_silent: true)"
    );
    fs::write(folder.join("gate.ron"), description).expect("the file can be written");
}

/// Runs with the tool into `run`, and gives the score.
fn scored(folder: &Path, scenario: &str, duration: &str) -> Value {
    let run = format!(
        "run bottling/{scenario} --duration {duration} --defense gate.ron --no-twin --out run"
    );
    words(folder, &run).expect_code(0);
    words(folder, "replay run").expect_code(0);
    words(folder, "score run --quick").expect_code(0);
    read_json(&folder.join("run/score/score.json"))
}

#[test]
fn inline_when_every_frame_passes_then_the_run_is_the_one_without_a_defense() {
    let folder = scratch();
    tool(folder.path(), "\"plc-filler\"", 0, "*) ;;");
    let score = scored(folder.path(), "calm", "40s");
    words(
        folder.path(),
        "run bottling/calm --duration 40s --out alone",
    )
    .expect_code(0);
    let (with, alone) = (
        manifest(&folder.path().join("run")),
        manifest(&folder.path().join("alone")),
    );
    assert_eq!(with["trace_digest"], alone["trace_digest"]);
    assert_eq!(with["counts"]["inputs"], 0);
    assert_eq!(with["options"]["inline"]["hosts"][0], "plc-filler");
    assert!(alone["options"].get("inline").is_none());
    let frames = score["inline"]["frames"].as_u64().expect("it is counted");
    assert!(frames > 100, "{frames}");
    assert_eq!(score["inline"]["dropped"]["benign"], 0);
}

/// The attacker's program hears of a frame when it passes, and not an event later.
#[test]
fn inline_when_it_stands_before_the_attacker_then_the_attack_is_the_one_without_it() {
    let folder = scratch();
    tool(folder.path(), "\"vendor-laptop\"", 0, "*) ;;");
    let score = scored(folder.path(), "overflow", "46min");
    let alone = "run bottling/overflow --duration 46min --no-twin --out alone";
    words(folder.path(), alone).expect_code(0);
    let [with, alone] = ["run", "alone"].map(|name| manifest(&folder.path().join(name)));
    assert_eq!(with["trace_digest"], alone["trace_digest"]);
    assert!(with["counts"]["attack_frames"].as_u64() > Some(100));
    assert!(score["inline"]["frames"].as_u64() > Some(100));
}

/// Nothing reaches the filler's controller: its tags are stale on the screen, and the operator, who sees no alarm of it, does not help it
/// out of a stop.
#[test]
fn inline_when_it_blocks_what_it_should_not_then_the_score_shows_what_that_costs() {
    let folder = scratch();
    let rule = "*'\"towards\":\"host\"'*) v='\"verdict\":\"drop\"' ;;";
    tool(folder.path(), "\"plc-filler\"", 0, rule);
    let score = scored(folder.path(), "calm", "30min");
    let inline = &score["inline"];
    assert!(inline["dropped"]["benign"].as_u64() > Some(100), "{inline}");
    assert_eq!(inline["dropped"]["attack"], 0);
    let parts = &score["continuity"]["good_parts"];
    let tax = parts["uptime_tax"]["value"].as_f64().expect("D was run");
    assert!(tax > 0.0, "{parts}");
    let run = folder.path().join("run");
    let judged = json_lines(&run.join("truth/inline.jsonl"));
    let inputs = json_lines(&run.join("inputs.jsonl"));
    assert_eq!(judged.len(), inputs.len());
    for (judged, input) in judged.iter().zip(&inputs) {
        assert_eq!(judged["t_ns"], input["t_ns"]);
        assert_eq!(judged["frame"], input["input"]["verdict"]["frame"]);
        assert_eq!(judged["decision"], input["input"]["verdict"]["decision"]);
        assert_eq!(judged["host"], "plc-filler");
        assert_eq!(judged["relation"], "benign");
    }
    let lost = manifest(&run)["notes"]["inline"]["dropped"].clone();
    assert_eq!(lost, judged.len());
}

#[test]
fn inline_when_frames_are_held_back_then_the_replay_holds_them_back() {
    let folder = scratch();
    let rule = "*'7,\"t_ns\"'*) v='\"verdict\":\"pass\",\"delay_ns\":7000000' ;;";
    tool(folder.path(), "\"plc-filler\", \"hmi-1\"", 100, rule);
    let score = scored(folder.path(), "calm", "40s");
    let inline = &score["inline"];
    assert_eq!(inline["latency_ns"], 100_000);
    let delayed = inline["delayed"]["benign"].as_u64().expect("counted");
    let frames = inline["frames"].as_u64().expect("counted");
    // Numbers that end in 7.
    assert_eq!(delayed, (frames + 3) / 10);
    assert_eq!(inline["dropped"]["benign"], 0);
    words(folder.path(), "what-if run --without-step all")
        .expect_code(2)
        .expect_says(&["TR0330", "stood in a cable"]);
}

/// What happens in the very last instant is part of a run, and so is what becomes of a frame there.
#[test]
fn inline_when_a_frame_is_dropped_at_the_very_end_then_the_replay_drops_it() {
    let folder = scratch();
    let rule = "*'\"n\":50,'*) v='\"verdict\":\"drop\"' ;;";
    tool(folder.path(), "\"plc-filler\"", 0, rule);
    let dropped_at = |duration: &str| {
        let run = format!(
            "run bottling/calm --duration {duration} --defense gate.ron --no-twin --out run"
        );
        words(folder.path(), &run).expect_code(0);
        let judged = json_lines(&folder.path().join("run/truth/inline.jsonl"));
        assert_eq!(judged.len(), 1);
        judged[0]["t_ns"].as_u64().expect("it has a time")
    };
    let at = dropped_at("40s");
    assert_eq!(dropped_at(&format!("{at}ns")), at);
    words(folder.path(), "replay run").expect_code(0);
}

/// A device in a cable that speaks of what comes over it is heard by the wiring test.
#[test]
fn wiring_when_a_tool_knows_only_its_cable_then_it_is_asked_there() {
    let folder = scratch();
    tool(
        folder.path(),
        "\"plc-filler\"",
        0,
        "*) seen=${message#*\\\"t_ns\\\":} ;;",
    );
    let script = folder.path().join("gate.sh");
    let text = fs::read_to_string(&script).expect("it was written");
    let speaks = text.replace(
        "*) seq=$((seq + 1));",
        "*) seq=$((seq + 1))\n\
         [ -z \"$seen\" ] || echo \"{\\\"type\\\":\\\"answer\\\",\\\"seq\\\":$seq,\\\"alerts\\\":[{\\\"t_ns\\\":${seen%%,*},\\\"sig_id\\\":\\\"x\\\",\\\"proto\\\":\\\"modbus\\\"}]}\"\n\
         seen=\n",
    );
    assert_ne!(speaks, text);
    fs::write(&script, speaks).expect("the file can be written");
    let file = folder.path().join("gate.ron");
    let text = fs::read_to_string(&file).expect("it was written");
    let own = text.replace(", may_be_silent: true", "");
    assert_ne!(own, text);
    fs::write(&file, own).expect("the file can be written");
    let done = words(folder.path(), "wiring gate.ron --json").expect_code(0);
    let report: Value = serde_json::from_str(&done.stdout).expect("it is JSON");
    let sensors = report["sensors"].as_array().expect("a list");
    let named = |name: &str| {
        let found = sensors.iter().find(|sensor| sensor["sensor"] == name);
        found.unwrap_or_else(|| panic!("{report}"))
    };
    assert_eq!(report["wired"], true, "{report}");
    let cables = named("cables");
    assert!(cables["offered"].as_u64() > Some(1_000), "{report}");
    for question in ["saw", "parsed", "alerts"] {
        assert_eq!(cables[question]["answer"], "yes", "{report}");
    }
    assert_eq!(named("logs")["alerts"]["answer"], "unknown", "{report}");
}

#[test]
fn inline_when_the_tool_fails_over_a_frame_then_the_folder_is_whole_up_to_there() {
    let folder = scratch();
    let rule = "*'\"n\":50,'*) echo 'no more' >&2; exit 5 ;;";
    tool(folder.path(), "\"plc-filler\"", 0, rule);
    words(
        folder.path(),
        "run bottling/calm --duration 40s --defense gate.ron --out run",
    )
    .expect_code(3)
    .expect_says(&["DF0003", "the verdict on frame 50", "no more"]);
    let run = folder.path().join("run");
    assert_eq!(manifest(&run)["ended"], "defense-failed");
    words(folder.path(), "replay run").expect_code(0);
}

#[test]
fn inline_when_it_cannot_stand_there_then_that_is_said() {
    let folder = scratch();
    tool(folder.path(), "\"plc-filer\"", 0, "*) ;;");
    let run = "run bottling/calm --duration 10s --defense gate.ron --out run";
    words(folder.path(), run).expect_code(2).expect_says(&[
        "TR0202",
        "no host `plc-filer`",
        "plc-filler",
    ]);
    tool(folder.path(), "", 0, "*) ;;");
    words(folder.path(), run).expect_code(2).expect_says(&[
        "DS0002",
        "gate.ron:3:",
        "judges no frame",
    ]);
    tool(folder.path(), "\"plc-filler\"", 10_000_001, "*) ;;");
    words(folder.path(), run)
        .expect_code(2)
        .expect_says(&["DS0002", "gate.ron:3:", "ten seconds"]);
    tool(folder.path(), "\"plc-filler\"", 0, "*) ;;");
    words(
        folder.path(),
        "live bottling/calm --for 10s --defense gate.ron --out run",
    )
    .expect_code(2)
    .expect_says(&["TR0604", "frame by frame"]);
    assert!(!folder.path().join("run").exists());
}

/// The shipped firewall, with its allow-list and with one that forgot the screen.
#[test]
fn guard_when_its_list_is_right_then_the_attack_writes_nothing_and_when_it_forgot_the_screen_then_the_line_pays()
 {
    if !crate::support::has_tool("python3", "--version") {
        return;
    }
    let run = |file: &str, scenario: &str, duration: &str| {
        let folder = scratch();
        let file = repository().join("defenses/inline-guard").join(file);
        let run = format!(
            "run bottling/{scenario} --duration {duration} --no-twin --defense {} --out run",
            file.display()
        );
        words(folder.path(), &run).expect_code(0);
        words(folder.path(), "score run --quick").expect_code(0);
        read_json(&folder.path().join("run/score/score.json"))
    };
    let right = run("defense.ron", "underfill", "50min");
    assert!(right["inline"]["dropped"]["attack"].as_u64() > Some(0));
    assert_eq!(right["inline"]["dropped"]["benign"], 0);
    let parts = &right["continuity"]["good_parts"];
    assert_eq!(parts["uptime_tax"]["value"], 0.0);
    assert_eq!(parts["ad"]["value"], parts["n"]["value"], "{parts}");
    let forgot = run("forgot-hmi.ron", "calm", "30min");
    assert!(forgot["inline"]["dropped"]["benign"].as_u64() > Some(0));
    let tax = &forgot["continuity"]["good_parts"]["uptime_tax"]["value"];
    assert!(tax.as_f64() > Some(0.0), "{tax}");
}
