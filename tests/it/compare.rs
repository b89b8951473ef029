//! `twinrange compare`: two scored runs of one seed beside each other.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::support::{copy, read_json, scratch, twinrange, words};

/// A run of the overflow up to just behind its damage.
fn run(folder: &Path, defense: &str, out: &str) {
    let run = format!("run bottling/overflow --duration 48min --defense {defense} --out {out}");
    words(folder, &run).expect_code(0);
    words(folder, &format!("score {out} --quick")).expect_code(0);
}

/// A figure of a comparison: first, second and difference.
fn figure(compared: &Value, list: &str, name: &str) -> [Option<f64>; 3] {
    let all = compared[list].as_array().expect("a list");
    let found = all.iter().find(|figure| figure["figure"] == name);
    let found = found.unwrap_or_else(|| panic!("there is no {name}"));
    [
        &found["first"]["value"],
        &found["second"]["value"],
        &found["difference"]["value"],
    ]
    .map(Value::as_f64)
}

#[test]
fn runs_when_undefended_and_defended_then_the_figures_are_those_of_both_scores() {
    let folder = scratch();
    let folder = folder.path();
    run(folder, "silent", "undefended");
    run(folder, "reference-respond", "defended");
    let done = words(folder, "compare undefended defended --out pair.html --json").expect_code(0);
    let compared: Value = serde_json::from_str(&done.stdout).expect("it prints JSON");
    let scores =
        ["undefended", "defended"].map(|run| read_json(&folder.join(run).join("score/score.json")));

    assert_eq!(
        compared["only_the_defense"], true,
        "{}",
        compared["settings"]
    );
    for (list, name, place) in [
        (
            "losses",
            "good_parts_lost",
            "/continuity/good_parts/residual_damage/value",
        ),
        (
            "losses",
            "money_lost",
            "/continuity/money/residual_damage/value",
        ),
        (
            "losses",
            "production_s_lost",
            "/continuity/production_s/residual_damage/value",
        ),
        (
            "production",
            "good_parts",
            "/continuity/runs/3/production/good",
        ),
        ("production", "oee", "/continuity/runs/3/oee/oee/value"),
        (
            "production",
            "availability",
            "/continuity/runs/3/oee/availability/value",
        ),
        ("production", "worth", "/continuity/runs/3/money"),
        ("detection", "steps_detected", "/detection/steps_detected"),
        (
            "detection",
            "uptime_tax_percent",
            "/continuity/good_parts/uptime_tax_percent/value",
        ),
        ("alarm_load", "alarms", "/alarm_load/alarms"),
    ] {
        let of = |score: &Value| score.pointer(place).and_then(Value::as_f64);
        let [first, second, difference] = figure(&compared, list, name);
        assert_eq!([first, second], [of(&scores[0]), of(&scores[1])], "{name}");
        let (first, second) = (first.expect("a value"), second.expect("a value"));
        assert_eq!(difference, Some(second - first), "{name}");
    }

    // Nobody speaks in the first, so whatever the second sees it alone sees, or it prevented it.
    let steps = compared["steps"].as_array().expect("a list");
    let detected = scores[1]["detection"]["steps_detected"]
        .as_u64()
        .expect("a count");
    assert!(detected > 0);
    let only = steps.iter().filter(|step| step["only"] == "second").count();
    assert_eq!(only as u64, detected);
    for step in scores[1]["detection"]["steps"].as_array().expect("a list") {
        let pair = steps.iter().find(|pair| pair["id"] == step["id"]);
        let pair = &pair.expect("every step is there")["second"];
        assert_eq!(pair["time_to_detect_s"], step["time_to_detect_s"]);
        assert_eq!(pair["grade"], step["grade"]);
    }
    // The bowl reaches its limit only where nobody cuts the intruder off.
    let limit = &compared["limits"][0];
    assert_eq!(
        (&limit["id"], &limit["second_ns"]),
        (&"safety-demand".into(), &Value::Null)
    );
    assert_eq!(
        limit["first_ns"].as_u64().map(|t| t / 60_000_000_000),
        Some(46)
    );
    // The plants part when the first action takes effect, and not before.
    let parted = compared["parted_ns"].as_u64().expect("they part");
    let actions = fs::read_to_string(folder.join("defended/defense/actions.jsonl"));
    let first: Value =
        serde_json::from_str(actions.expect("it acts").lines().next().expect("it acts"))
            .expect("JSON");
    let effective = first["result"]["effective_ns"]
        .as_u64()
        .expect("it was accepted");
    assert!(parted >= effective, "{parted} is before {effective}");

    let page = fs::read_to_string(folder.join("pair.html")).expect("the page is there");
    let [first, second, _] = figure(&compared, "production", "good_parts");
    let shown = |value: Option<f64>| {
        let text = format!("{:.0}", value.expect("a value"));
        match text.len() {
            0..=3 => text,
            digits => format!("{},{}", &text[..digits - 3], &text[digits - 3..]),
        }
    };
    assert!(page.contains(&format!(
        "silent {}, reference-respond {}.",
        shown(first),
        shown(second)
    )));
    assert!(page.contains(&format!(
        "with reference-respond; 0 of {} with silent",
        steps.len()
    )));
    assert!(page.contains("one pair never separates two defenses"));

    // By default the page goes beside the second score, and the terminal says where.
    let told = words(folder, "compare undefended defended")
        .expect_code(0)
        .stdout;
    assert!(
        told.contains("defended/score/compare-undefended.html"),
        "{told}"
    );
    let by_default = fs::read_to_string(folder.join("defended/score/compare-undefended.html"));
    assert_eq!(by_default.expect("it is there"), page);
}

#[test]
fn runs_when_not_scored_or_not_alike_then_refused_or_loudly_labelled() {
    let folder = scratch();
    let folder = folder.path();
    let made = |args: &str, out: &str| {
        words(folder, &format!("run {args} --out {out}")).expect_code(0);
    };
    fs::write(folder.join("none.jsonl"), "").expect("the file can be written");
    let scored = |out: &str| {
        words(
            folder,
            &format!("score {out} --quick --alerts none.jsonl --format jsonl"),
        )
        .expect_code(0);
    };
    let refused = |args: &str, says: &[&str]| {
        words(folder, args).expect_code(2).expect_says(says);
    };
    made("bottling/calm --duration 30s", "one");
    refused(
        "compare one one",
        &[
            "TR0360",
            "was not scored",
            "--alerts FILE",
            "--defense silent",
        ],
    );
    scored("one");
    refused("compare one nowhere", &["TR0309"]);

    made("bottling/calm --duration 40s", "longer");
    scored("longer");
    refused(
        "compare one longer",
        &["TR0362", "30 s", "40 s", "--duration"],
    );
    made("bottling/jam --duration 30s", "jam");
    scored("jam");
    refused("compare one jam", &["TR0362", "`calm`", "`jam`"]);

    // A score that was copied from another run, and one that is none.
    copy(&folder.join("longer/score"), &folder.join("jam/score"));
    refused("compare one jam", &["TR0361", "another run"]);
    fs::write(folder.join("jam/score/score.json"), "{}").expect("the file can be written");
    refused("compare one jam", &["TR0361", "no score.json"]);
    let out = twinrange(
        folder,
        &["compare", "one", "one", "--out", "no/such/folder.html"],
    );
    out.expect_code(2).expect_says(&["TR0307"]);

    made("bottling/calm --duration 30s --seed 2", "seed");
    scored("seed");
    let said = words(folder, "compare one seed").expect_code(0).stdout;
    assert!(said.contains("differs     seed: 1 | 2"), "{said}");
    assert!(
        said.contains("mind        The seeds differ (1 and 2)"),
        "{said}"
    );
    let said = words(folder, "compare one one").expect_code(0).stdout;
    assert!(said.contains("one and the same run"), "{said}");
    for code in ["TR0360", "TR0361", "TR0362"] {
        words(folder, &format!("explain {code}")).expect_code(0);
    }
}

/// A page takes the place of a page and of nothing else, and a run that was compared can be made anew.
#[test]
fn page_when_something_else_is_in_its_place_then_refused() {
    let folder = scratch();
    let folder = folder.path();
    let run = "run bottling/calm --duration 60s --defense silent --no-twin --out one";
    words(folder, run).expect_code(0);
    words(folder, "score one --quick").expect_code(0);
    fs::write(folder.join("mine.txt"), "mine").expect("it can be written");
    for (out, says) in [
        ("one/run.json", "`score/` alone"),
        ("one/evidence/page.html", "`score/` alone"),
        ("mine.txt", "is no page"),
        ("one/score/score.json", "is no page"),
    ] {
        words(folder, &format!("compare one one --out {out}"))
            .expect_code(2)
            .expect_says(&["TR0307", out, says]);
    }
    let mine = fs::read_to_string(folder.join("mine.txt")).expect("it is there");
    assert_eq!(mine, "mine");
    for _ in 0..2 {
        words(folder, "compare one one --out page.html").expect_code(0);
    }
    words(folder, "compare one one").expect_code(0);
    assert!(folder.join("one/score/compare-one.html").is_file());
    words(folder, run).expect_code(0);
}
