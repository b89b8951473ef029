//! Scenarios from folders and bundles, with stand-ins for the formats of other crates.

use std::fs;
use std::path::Path;

use serde::Deserialize;
use tempfile::TempDir;

use sim_plant::respond::{ActionArgs, ControllerTarget, HostTarget};

use super::*;
use crate::problem::{Problem, Problems, SourceText};
use crate::ron_source::{Outline, parse};

/// A plant file with just what a scenario refers to. Programs must hold `END`, playbooks `Playbook`.
struct SmallFormats;

#[derive(Deserialize)]
#[serde(rename = "Plant", deny_unknown_fields)]
struct SmallPlant {
    hosts: Vec<String>,
    columns: Vec<String>,
    programs: Vec<String>,
}

impl Formats for SmallFormats {
    fn plant(&self, plant: &SourceText) -> Result<PlantFacts, Problems> {
        let small: SmallPlant = parse(plant)?;
        let numbered = small.programs.into_iter().enumerate();
        Ok(PlantFacts {
            name: "small".to_owned(),
            hosts: small.hosts,
            truth_columns: small.columns,
            tags: Vec::new(),
            process_step_ms: 10,
            programs: numbered
                .map(|(n, file)| Reference {
                    file,
                    path: format!("programs[{n}]"),
                })
                .collect(),
        })
    }

    fn program(&self, program: &SourceText) -> Problems {
        if program.text().contains("END") {
            return Problems::new();
        }
        Problem::new("ST0001", "the program has no end")
            .at(program, 0..1)
            .into()
    }

    fn playbook(
        &self,
        playbook: &SourceText,
        _plant: Option<&SourceText>,
    ) -> Result<PlaybookFacts, Problems> {
        let outline = Outline::of(playbook.text());
        if outline.value("steps").is_none() {
            return Err(outline
                .problem(playbook, "TR0104", "steps", "no steps")
                .into());
        }
        let start = outline
            .node("start")
            .and_then(|node| node.as_text())
            .unwrap_or("1h");
        let start = start.parse().expect("the tests write times");
        Ok(PlaybookFacts {
            steps: vec!["a".to_owned()],
            starts: vec![("a".to_owned(), start)],
            programs: Vec::new(),
        })
    }

    fn defense(&self, _defense: &SourceText) -> Problems {
        Problems::new()
    }
}

const PLANT: &str = r#"Plant(hosts: ["plc-filler", "vendor-laptop"], columns: ["bowl_level_m"], programs: ["a.st"])"#;

const SCENARIO: &str = r#"Scenario(
    schema: 1,
    name: "drift",
    title: "Drift",
    summary: "The fill drifts.",
    plant: "plant.ron",
    duration: "2h",
    clean_until: "30min",
    seed: 7,
    playbook: "../books/drift.ron",
    attacker: "vendor-laptop",
    constraints: [
        (name: "overflow", description: "The bowl runs over", column: "bowl_level_m", op: Above, value: 0.55),
    ],
)"#;

/// A folder `line/` with a scenario in it, and a playbook beside the folder.
fn folder(scenario: &str) -> TempDir {
    let folder = TempDir::new().expect("a folder for the test");
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().expect("in a folder")).expect("creates");
        fs::write(path, text).expect("writes");
    };
    write("line/drift.ron", scenario);
    write("line/plant.ron", PLANT);
    write("line/a.st", "PROGRAM a END_PROGRAM");
    write("books/drift.ron", "Playbook(steps: [])");
    folder
}

fn loaded(folder: &Path) -> Result<Loaded, Problems> {
    load(&folder.join("line/drift.ron"), &SmallFormats)
}

/// The problems as the log shows them, with the folder taken off.
fn shown(problems: &Problems, folder: &Path) -> String {
    problems
        .to_string()
        .replace(&format!("{}/", folder.display()), "")
}

#[test]
fn scenario_when_valid_then_everything_is_read() {
    let folder = folder(SCENARIO);
    let loaded = loaded(folder.path()).expect("it is valid");
    assert_eq!(loaded.scenario.duration, SimDuration::from_secs(7200));
    assert_eq!(loaded.scenario.clean_until, SimDuration::from_secs(1800));
    assert_eq!(loaded.scenario.truth_period, SimDuration::from_secs(1));
    assert_eq!(loaded.scenario.prices, Prices::default());
    assert_eq!(loaded.programs["a.st"].text(), "PROGRAM a END_PROGRAM");
    assert!(loaded.warnings.is_empty());
    let names: Vec<&str> = loaded.bundle.files.keys().map(String::as_str).collect();
    assert_eq!(
        names,
        ["../books/drift.ron", "a.st", "drift.ron", "plant.ron"]
    );
}

#[test]
fn bundle_when_loaded_from_then_gives_the_same_scenario() {
    let first = folder(SCENARIO);
    let crlf = folder(&format!("\u{feff}{}", SCENARIO.replace('\n', "\r\n")));
    let original = loaded(first.path()).expect("it is valid");
    let other = loaded(crlf.path()).expect("line ends do not matter");
    assert_eq!(original.bundle.digest(), other.bundle.digest());

    let text = serde_json::to_string(&original.bundle).expect("encodes");
    assert!(
        !text.contains(&*first.path().to_string_lossy()),
        "no path of this machine"
    );
    let bundle: Bundle = serde_json::from_str(&text).expect("decodes");
    let again = from_bundle(&bundle, &SmallFormats).expect("it is still valid");
    assert_eq!(again.scenario, original.scenario);
    assert_eq!(again.bundle, original.bundle);

    let mut changed = bundle.clone();
    changed.files.remove("a.st");
    assert_ne!(changed.digest(), bundle.digest());
    let problems = from_bundle(&changed, &SmallFormats).expect_err("a file is gone");
    assert!(problems.to_string().contains("TR0108"), "{problems}");
}

#[test]
fn scenario_when_wrong_in_many_ways_then_all_are_reported_with_their_place() {
    let scenario = r#"Scenario(
    schema: 1,
    name: "Drift!",
    title: " ",
    summary: "x",
    plant: "plant.ron",
    duration: "2 hours",
    clean_until: "30min",
    playbook: "../books/none.ron",
    attacker: "vendor-labtop",
    constraints: [
        (name: "a", description: "x", column: "bowl_level", op: Above, value: 0.55, hold_s: -1.0),
        (name: "a", description: "x", column: "bowl_level_m", op: Below, value: inf),
    ],
    prices: (currency: "euro", good_part: -0.1),
    response: (deny_s: NaN),
    truth_period_ms: 15,
    interval_ms: 1,
)"#;
    let folder = folder(scenario);
    let problems = loaded(folder.path()).expect_err("it is wrong");
    insta::assert_snapshot!(shown(&problems, folder.path()));
}

#[test]
fn scenario_when_one_thing_is_wrong_then_the_problem_is_exact() {
    let cases = [
        ("seed: 7,", "seed: 7, sed: 8,", "9:14: TR0103"),
        ("schema: 1", "schema: 2", "2:13: TR0201"),
        ("\"30min\"", "\"2h\"", "8:18: TR0241"),
        ("    attacker: \"vendor-laptop\",\n", "", "10:15: TR0242"),
        ("\"plant.ron\"", "\"/plant.ron\"", "6:12: TR0109"),
        ("\"plant.ron\"", "\"plants.ron\"", "6:12: TR0108"),
        ("Above", "Over", "13:91: TR0106"),
        ("seed: 7", "seed: -7", "9:11: TR0102"),
        ("Scenario(", "Plant(", "1:1: TR0102"),
    ];
    for (good, bad, expect) in cases {
        let text = SCENARIO.replacen(good, bad, 1);
        assert_ne!(text, SCENARIO, "{good} is in the sample");
        let folder = folder(&text);
        let problems = loaded(folder.path()).expect_err(bad);
        let found = shown(&problems, folder.path());
        assert!(
            found.contains(&format!("line/drift.ron:{expect}")),
            "{bad}: {found}"
        );
    }
}

#[test]
fn playbook_when_it_begins_too_early_or_too_late_then_is_said() {
    let folder = folder(SCENARIO);
    let book = folder.path().join("books/drift.ron");
    fs::write(&book, "Playbook(steps: [], start: \"00:20:00\")").expect("writes");
    let problems = loaded(folder.path()).expect_err("the clean period is not clean");
    assert_eq!(
        shown(&problems, folder.path()),
        "line/drift.ron:8:18: TR0241: step `a` of the playbook begins at 00:20:00.000000000, inside the clean period"
    );
    fs::write(&book, "Playbook(steps: [], start: \"2h\")").expect("writes");
    let warnings = loaded(folder.path()).expect("it can be run").warnings;
    assert!(
        warnings.to_string().contains("7:15: warning: TR0245"),
        "{warnings}"
    );
}

#[test]
fn kind_when_the_outermost_name_is_left_out_then_told_by_fields() {
    let cases = [
        ("Plant()", Some(FileKind::Plant)),
        (
            "(schema: 1, hosts: [], controllers: [])",
            Some(FileKind::Plant),
        ),
        (
            "(plant: \"p.ron\", duration: \"2h\")",
            Some(FileKind::Scenario),
        ),
        ("(targets: {}, steps: [])", Some(FileKind::Playbook)),
        ("(kind: Offline(), install: \"\")", Some(FileKind::Defense)),
        ("(name: \"x\")", None),
        ("[]", None),
    ];
    for (text, expect) in cases {
        assert_eq!(kind_of(&SourceText::new("x.ron", text)), expect, "{text}");
    }
    assert_eq!(
        kind_of(&SourceText::new("x.ST", "")),
        Some(FileKind::Program)
    );
}

#[test]
fn check_when_given_a_folder_then_finds_mistakes_in_every_file() {
    let folder = folder(SCENARIO);
    assert!(check(folder.path(), &SmallFormats).is_empty());
    fs::write(folder.path().join("line/a.st"), "PROGRAM a").expect("writes");
    fs::write(folder.path().join("books/drift.ron"), "Playbook(name: 1)").expect("writes");
    fs::write(
        folder.path().join("line/other.ron"),
        "(name: \"of another tool\")",
    )
    .expect("writes");
    let problems = check(folder.path(), &SmallFormats);
    assert_eq!(
        shown(&problems, folder.path()),
        "books/drift.ron:1:1: TR0104: no steps\nline/a.st:1:1: ST0001: the program has no end"
    );
    let other = check(&folder.path().join("line/other.ron"), &SmallFormats);
    assert!(other.to_string().contains("TR0111"), "{other}");
    let missing = check(&folder.path().join("nothing.ron"), &SmallFormats);
    assert!(missing.to_string().contains("does not exist"), "{missing}");
    let empty = TempDir::new().expect("a folder for the test");
    assert!(
        check(empty.path(), &SmallFormats)
            .to_string()
            .contains("TR0111")
    );
}

#[test]
fn file_when_not_text_or_too_large_then_says_so() {
    let folder = folder(SCENARIO);
    let plant = folder.path().join("line/plant.ron");
    fs::write(&plant, b"Plant(\xff)").expect("writes");
    let problems = loaded(folder.path()).expect_err("not UTF-8");
    assert!(
        problems.to_string().contains("drift.ron:6:12: TR0110"),
        "{problems}"
    );
    fs::write(&plant, vec![b' '; (4 << 20) + 1]).expect("writes");
    let problems = loaded(folder.path()).expect_err("too large");
    assert!(
        problems.to_string().contains("larger than 4 MiB"),
        "{problems}"
    );
}

#[test]
fn comparison_when_value_is_not_a_number_then_nothing_holds() {
    use Comparison::{Above, Below, Differs, Equals};
    for op in [Above, Below, Equals, Differs] {
        assert!(!op.holds(f64::NAN, 1.0), "{op:?}");
    }
    let held = |value| [Above, Below, Equals, Differs].map(|op| op.holds(value, 1.0));
    assert_eq!(held(2.0), [true, false, false, true]);
    assert_eq!(held(1.0), [false, false, true, false]);
    assert_eq!(held(0.5), [false, true, false, true]);
}

#[test]
fn prices_when_actions_were_accepted_then_each_costs_its_list_price() {
    let prices = Prices {
        deny: 15.0,
        contain: 20.0,
        restore: 60.0,
        ..Prices::default()
    };
    let contain = Action::Contain {
        target: HostTarget {
            host: "vendor-laptop".to_owned(),
        },
        args: ActionArgs { duration_s: 60 },
    };
    let restore = Action::Restore {
        target: ControllerTarget {
            controller: "plc-filler".to_owned(),
        },
    };
    let sum = prices.of_actions([&contain, &restore, &contain]);
    assert!((sum - 100.0).abs() < 1e-12, "{sum}");
    assert!(
        prices.of_actions([]).to_bits() == 0,
        "nothing costs nothing"
    );
}
