//! What a lock-step defense is granted: time to learn, and actions no longer than the run.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::support::{copy, json_lines, manifest, read_json, repository, run_calm, scratch, words};

/// Without a clean period the attack could come at once, so that nothing is clean enough to learn from.
#[test]
fn defense_when_the_scenario_has_no_clean_period_then_it_learns_nothing_and_that_is_said() {
    let folder = scratch();
    copy(
        &repository().join("scenarios"),
        &folder.path().join("scenarios"),
    );
    let file = folder.path().join("scenarios/bottling/calm.ron");
    let text = fs::read_to_string(&file).expect("the scenario is there");
    let run = |clean: &str| {
        let line = "    clean_until: \"30min\",\n";
        assert!(text.contains(line), "the scenario has a clean period");
        fs::write(&file, text.replace(line, clean)).expect("the file can be written");
        words(
            folder.path(),
            "run scenarios/bottling/calm.ron --duration 20s --defense reference --out run",
        )
        .expect_code(0)
    };
    let place = folder.path().join("run");
    let caveats = || {
        words(folder.path(), "score run --quick").expect_code(0);
        read_json(&place.join("score/score.json"))["caveats"].to_string()
    };

    run("").expect_says(&["warning: TR0316", "1800 s", "no clean period"]);
    let alerts = manifest(&place)["counts"]["alerts"].as_u64();
    assert!(
        alerts.is_some_and(|alerts| alerts > 0),
        "it takes what it never learned for strange"
    );
    let said = caveats();
    assert!(said.contains("told to learn nothing"), "{said}");

    run("    clean_until: \"10s\",\n").expect_says(&["warning: TR0316", "clean for 10 s"]);
    let early = json_lines(&place.join("defense/alerts.jsonl"))
        .iter()
        .filter_map(|alert| alert["t_ns"].as_u64())
        .min();
    assert!(early.is_none_or(|t_ns| t_ns >= 10_000_000_000), "{early:?}");
    let said = caveats();
    assert!(said.contains("clean for 10 s"), "{said}");

    let done = run("    clean_until: \"30min\",\n");
    assert!(!done.stderr.contains("TR0316"), "{done:#?}");
    let said = caveats();
    assert!(!said.contains("to learn"), "{said}");
}

/// A tool that asks for one action per line of `asked` in the answer to the message of that number.
fn tool(folder: &Path, asked: &[(u64, &str)]) {
    let mut script = String::from(
        "read -r hello\n\
         echo '{\"type\":\"ready\",\"version\":1,\"name\":\"hands\",\"wants\":[\"logs\"]}'\n\
         n=0\n\
         while read -r message; do\n\
         n=$((n + 1))\n\
         case $n in\n",
    );
    for (n, action) in asked {
        script.push_str(&format!(
            "{n}) echo '{{\"type\":\"answer\",\"seq\":{n},\"actions\":[{action}]}}' ;;\n"
        ));
    }
    script.push_str("esac\necho \"{\\\"type\\\":\\\"done\\\",\\\"seq\\\":$n}\"\ndone\n");
    fs::write(folder.join("hands.sh"), script).expect("the file can be written");
    let description = "Defense(name: \"hands\", version: \"1\", description: \"Asks for actions\",
        kind: LockStep(command: \"sh\", args: [\"{defense}/hands.sh\"]),
        install: \"It is part of the tests.\", may_act: true)";
    fs::write(folder.join("hands.ron"), description).expect("the file can be written");
}

fn contain(id: &str, args: &str) -> String {
    format!(
        r#"{{"command_id":"{id}","action":"contain","target":{{"host":"hmi-1"}},"args":{{{args}}}}}"#
    )
}

/// Approval and execution take 35 s in this scenario, and the run 60 s.
#[test]
fn action_when_it_reaches_beyond_the_run_then_the_folder_says_what_happened() {
    let folder = scratch();
    let asked = [
        (1, contain("short", "\"duration_s\":5")),
        (2, contain("long", "\"duration_s\":900")),
        (3, contain("open", "")),
        (25, contain("late", "\"duration_s\":5")),
        (61, contain("after", "")),
    ];
    let asked: Vec<(u64, &str)> = asked.iter().map(|(n, a)| (*n, a.as_str())).collect();
    tool(folder.path(), &asked);
    words(
        folder.path(),
        "run bottling/calm --duration 60s --defense hands.ron --out run",
    )
    .expect_code(0);
    let place = folder.path().join("run");
    let s = 1_000_000_000_u64;
    let results: Vec<Value> = json_lines(&place.join("defense/actions.jsonl"))
        .into_iter()
        .map(|mut line| line["result"].take())
        .collect();
    let accepted = |id: &str, t: u64, until: u64| {
        json!({"command_id": id, "status": "accepted", "t_ns": t * s,
            "effective_ns": (t + 35) * s, "until_ns": until * s})
    };
    let refused = |id: &str, t: u64, reason: &str| json!({"command_id": id, "status": "refused", "t_ns": t * s, "reason": reason});
    assert_eq!(
        results,
        [
            accepted("short", 1, 41),
            accepted("long", 2, 60),
            accepted("open", 3, 60),
            refused(
                "late",
                25,
                "it would take effect at 60s, and the run ends at 60s"
            ),
            refused("after", 60, "the run is over"),
        ]
    );
    let granted: Vec<Value> = json_lines(&place.join("inputs.jsonl"))
        .into_iter()
        .map(|mut line| line["input"]["action"]["args"]["duration_s"].take())
        .collect();
    assert_eq!(granted, [5, 900, 57].map(Value::from));
    words(folder.path(), "replay run").expect_code(0);
}

#[test]
fn action_when_it_names_a_time_then_it_is_malformed() {
    let folder = scratch();
    tool(folder.path(), &[(1, &contain("c", "\"until_ns\":5"))]);
    run_calm(folder.path(), 10, "hands.ron")
        .expect_code(3)
        .expect_says(&["DF0011", "until_ns", "duration_s"]);
}
