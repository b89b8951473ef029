//! The reader and the outline, on given and on generated texts.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde::Deserialize;

use super::*;
use crate::problem::SourceText;

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Plant {
    name: String,
    #[serde(default)]
    level: Option<f64>,
    hosts: Vec<Host>,
    #[serde(default)]
    roles: BTreeMap<String, Role>,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Host {
    name: String,
    port: u16,
}

#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
enum Role {
    Plc,
    Hmi,
    Other(u8),
}

/// The text that a problem points at, between brackets, after `line:column code message (hint)`.
fn complaint(text: &str) -> String {
    let source = SourceText::new("f.ron", text);
    let problem = parse::<Plant>(&source).expect_err("the text is broken");
    let span = problem.span.clone().expect("mistakes of form have a place");
    let (line, column) = (problem.line.expect("line"), problem.column.expect("column"));
    let hint = problem
        .hint
        .as_ref()
        .map_or_else(String::new, |hint| format!(" ({hint})"));
    format!(
        "{line}:{column} {} {}{hint} [{}]",
        problem.code, problem.message, &text[span]
    )
}

#[test]
fn parse_when_text_is_broken_then_points_at_the_cause() {
    let cases = [
        (
            "Plant(\n  name: \"a\",\n  hots: [],\n)",
            "3:3 TR0103 there is no field `hots` in `Plant` (did you mean `hosts`?) [hots]",
        ),
        (
            "Plant(\n  name: \"a\",\n  hosts: [(name: \"x\", port: 70000)],\n)",
            "3:29 TR0102 integer is out of bounds [70000]",
        ),
        (
            "Plant(\n  name: \"a\",\n  hosts: [\n    (name: \"x\"),\n  ],\n)",
            "4:5 TR0104 the field `port` in `Host` is missing (add `port: …,`) [(]",
        ),
        (
            "(name: \"a\", hosts: [], name: \"b\")",
            "1:24 TR0105 the field `name` in `Plant` is there twice [name]",
        ),
        (
            "(name: \"a\", hosts: [], roles: {\"x\": Pcl})",
            "1:37 TR0106 `Pcl` is not known in `Role` (did you mean `Plc`?) [Pcl]",
        ),
        ("(name: 5, hosts: [])", "1:8 TR0102 expected string [5]"),
        (
            "(name: \"a\", hosts: \"none\")",
            "1:20 TR0102 expected opening `[` [\"none\"]",
        ),
        (
            "Scenario(name: \"a\")",
            "1:1 TR0102 expected `Plant(…)` and found `Scenario(…)` [Scenario]",
        ),
        (
            "(name: \"a\", hosts: [)",
            "1:21 TR0101 expected opening `(` for struct `Host` [)]",
        ),
        (
            "(name: \"a\"\n hosts: [])",
            "2:2 TR0101 expected comma [hosts]",
        ),
        (
            "(name: \"a\", hosts: []) // fine\n)",
            "2:1 TR0101 there is something after the end of the value (a file holds one value; look \
             for a bracket that closes too early) [)]",
        ),
        (
            "(name: \"a\", /* open",
            "1:16 TR0101 the file ends in the middle of a value (a bracket, a quotation mark or a comment is not closed) [open]",
        ),
    ];
    let mut wrong = Vec::new();
    for (text, expect) in cases {
        let found = complaint(text);
        if found != expect {
            wrong.push(format!("{text}\n  expected {expect}\n  found    {found}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[test]
fn parse_when_file_ends_early_then_says_so() {
    for text in ["", "(", "(name: \"a\", hosts: [", "(name: \"a"] {
        let found = complaint(text);
        assert!(found.contains("TR0101"), "{text}: {found}");
    }
}

#[test]
fn parse_when_nested_too_deeply_then_refuses() {
    let text = format!("(name: {}", "[".repeat(100_000));
    assert!(complaint(&text).contains("TR01"), "a deep text is refused");
}

const SAMPLE: &str = r##"// A plant.
#![enable(implicit_some)]
Plant(
    name: "bottling \"A\"",
    /* nested /* comment */ */
    level: Some(0.30),
    hosts: [
        Host(name: "plc-filler", ip: "10.20.1.11", tags: (1, -2.5e-3, 0xFF_u8)),
        (id: r#"hmi "1""#, when: Above(limit: 3.5, hold: None), unit: (), c: '\''),
    ],
    roles: { "plc-filler": Plc, "hmi-1": Other(7), },
    bytes: b"\x00\"",
)
"##;

#[test]
fn outline_when_path_is_asked_then_text_at_place_is_the_value() {
    let cases = [
        ("name", r#""bottling \"A\"""#),
        (".level", "Some(0.30)"),
        ("hosts[0].ip", r#""10.20.1.11""#),
        (r#"hosts["plc-filler"].tags[1]"#, "-2.5e-3"),
        ("hosts[0].tags[2]", "0xFF_u8"),
        (r#"hosts["hmi "1""].when"#, "Above(limit: 3.5, hold: None)"),
        ("hosts[1].when.limit", "3.5"),
        ("hosts[1].unit", "()"),
        ("hosts[1].c", r"'\''"),
        (r#"roles["hmi-1"]"#, "Other(7)"),
        (r#"roles["hmi-1"][0]"#, "7"),
        ("bytes", r#"b"\x00\"""#),
    ];
    let outline = Outline::of(SAMPLE);
    assert!(outline.is_complete());
    assert_eq!(outline.root_name(), "Plant");
    for (path, expect) in cases {
        let span = outline
            .value(path)
            .unwrap_or_else(|| panic!("{path} is not found"));
        assert_eq!(&SAMPLE[span], expect, "{path}");
    }
    for path in [
        "nothing",
        "hosts[2]",
        "hosts.ip",
        "roles[\"x\"]",
        "name.x",
        "[0]",
    ] {
        assert_eq!(outline.value(path), None, "{path}");
    }
    assert_eq!(
        outline.node("name").and_then(Node::as_text),
        Some("bottling \"A\"")
    );
}

#[test]
fn outline_when_value_is_missing_then_nearest_is_the_head_of_its_parent() {
    let outline = Outline::of(SAMPLE);
    assert_eq!(&SAMPLE[outline.nearest("hosts[0].mac")], "Host");
    assert_eq!(&SAMPLE[outline.nearest("hosts[7].mac")], "[");
    assert_eq!(&SAMPLE[outline.nearest("nothing")], "Plant");
    assert_eq!(&SAMPLE[outline.nearest("hosts[0].ip")], r#""10.20.1.11""#);
    let key = outline.key("hosts[0].ip").expect("it is there");
    assert_eq!(&SAMPLE[key], "ip");
}

#[test]
fn outline_when_text_is_cut_then_keeps_what_came_before() {
    let text = &SAMPLE[..SAMPLE.find("roles").expect("it is there")];
    let outline = Outline::of(text);
    assert!(!outline.is_complete());
    assert!(outline.value("hosts[1].when.limit").is_some());
}

/// A RON value and its text, for comparing the outline with the reader.
fn value_text() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        any::<i32>().prop_map(|n| n.to_string()),
        (-1e6..1e6).prop_map(|x: f64| format!("{x:?}")),
        any::<bool>().prop_map(|b| b.to_string()),
        any::<String>().prop_map(|s| ron::to_string(&s).expect("strings encode")),
        any::<char>().prop_map(|c| ron::to_string(&c).expect("characters encode")),
        Just("r#\"raw \" text\"#".to_owned()),
        Just("()".to_owned()),
        Just("None".to_owned()),
    ];
    let gap = prop_oneof![
        Just(""),
        Just(" "),
        Just("\n\t"),
        Just(" // x\n"),
        Just("/* ) */")
    ];
    leaf.prop_recursive(4, 48, 5, move |inner| {
        let items = prop::collection::vec((gap.clone(), inner.clone()), 0..5);
        let fields = prop::collection::vec(("[a-z_]{1,8}", gap.clone(), inner.clone()), 1..5);
        let entries = prop::collection::vec(("[a-z]{0,5}", inner.clone()), 0..4);
        let join = |list: Vec<String>| list.join(",");
        prop_oneof![
            items.prop_map(move |items| {
                format!(
                    "[{}]",
                    join(
                        items
                            .iter()
                            .map(|(gap, v)| format!("{gap}{v}{gap}"))
                            .collect()
                    )
                )
            }),
            fields.prop_map(move |fields| {
                let list = fields.iter().enumerate();
                let list = list.map(|(n, (key, gap, v))| format!("{gap}{key}{n}{gap}:{v}{gap}"));
                format!("({})", join(list.collect()))
            }),
            entries.prop_map(move |entries| {
                let list = entries.iter().enumerate();
                let list = list.map(|(n, (key, v))| format!("\"{key}{n}\" : {v}"));
                format!("{{{}}}", join(list.collect()))
            }),
            inner.prop_map(|v| format!("Some({v})")),
        ]
    })
}

/// Every value inside `value` with its path in the outline.
fn check_agreement(text: &str, outline: &Outline, value: &ron::Value, path: &str) {
    let span = outline
        .value(path)
        .unwrap_or_else(|| panic!("no `{path}` in {text}"));
    let again: ron::Value = ron::from_str(&text[span]).expect("the text of a value reads");
    assert_eq!(&again, value, "`{path}` in {text}");
    match value {
        ron::Value::Seq(items) => {
            for (index, item) in items.iter().enumerate() {
                check_agreement(text, outline, item, &format!("{path}[{index}]"));
            }
        }
        ron::Value::Map(map) => {
            for (key, item) in map.iter() {
                let ron::Value::String(key) = key else {
                    panic!("keys are texts")
                };
                let quoted = format!("{path}[\"{key}\"]");
                let dotted = format!("{path}.{key}");
                let found = if outline.value(&quoted).is_some() {
                    quoted
                } else {
                    dotted
                };
                check_agreement(text, outline, item, &found);
            }
        }
        _ => {}
    }
}

proptest! {
    #[test]
    fn any_text_when_read_then_never_panics(text in any::<String>()) {
        let source = SourceText::new("f.ron", text.clone());
        let _ = parse::<Plant>(&source);
        let outline = Outline::of(&text);
        let _ = outline.nearest("hosts[3].ip");
    }

    #[test]
    fn broken_text_when_read_then_place_is_in_the_text(
        cut in 0..SAMPLE.len(), len in 0..20_usize, insert in r#"[\[\](){}",:'/*#a-z0-9 é]{0,6}"#,
    ) {
        let start = SAMPLE.floor_char_boundary(cut);
        let end = SAMPLE.floor_char_boundary((start + len).min(SAMPLE.len()));
        let text = format!("{}{insert}{}", &SAMPLE[..start], &SAMPLE[end..]);
        let source = SourceText::new("f.ron", text.clone());
        let outline = Outline::of(&text);
        if ron::from_str::<ron::Value>(&text).is_ok() {
            prop_assert!(outline.is_complete(), "ron reads it and the outline does not: {text}");
        }
        if let Err(problem) = parse::<Plant>(&source) {
            let span = problem.span.expect("mistakes of form have a place");
            prop_assert!(text.get(span).is_some());
        }
    }

    #[test]
    fn valid_text_when_outlined_then_agrees_with_the_reader(text in value_text()) {
        let value: ron::Value = ron::from_str(&text).expect("generated texts are valid");
        let outline = Outline::of(&text);
        prop_assert!(outline.is_complete(), "{text}");
        check_agreement(&text, &outline, &value, "");
    }
}
