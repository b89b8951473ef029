//! Formats that tell of an attack: Attack Flow, Navigator, STIX.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{export, runs, steps};
use crate::support::{copy, read_json, scratch, words};

/// Checks what every object of a STIX 2.1 bundle must have, and that whatever is referred to is there.
fn objects(bundle: &Value) -> &[Value] {
    let is_id = |id: &str| {
        let (kind, uuid) = id.split_once("--").expect("a kind and a UUID");
        let parts: Vec<usize> = uuid.split('-').map(str::len).collect();
        let is_kind = kind
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte == b'-' || byte == b'4');
        is_kind
            && parts == [8, 4, 4, 4, 12]
            && uuid
                .bytes()
                .all(|byte| byte == b'-' || byte.is_ascii_hexdigit())
            && matches!(uuid.as_bytes()[14], b'1'..=b'5')
            && matches!(uuid.as_bytes()[19], b'8' | b'9' | b'a' | b'b')
    };
    assert_eq!(bundle["type"], "bundle");
    assert!(is_id(bundle["id"].as_str().expect("an id")));
    let objects = bundle["objects"].as_array().expect("a list");
    let ids: BTreeSet<&str> = objects
        .iter()
        .map(|object| {
            let id = object["id"].as_str().expect("an id");
            assert!(is_id(id), "{id}");
            assert_eq!(
                id.split_once("--").map(|parts| parts.0),
                object["type"].as_str()
            );
            id
        })
        .collect();
    assert_eq!(ids.len(), objects.len(), "every id once");
    for object in objects {
        assert_eq!(object["spec_version"], "2.1");
        if object["type"] != "ipv4-addr" {
            for key in ["created", "modified"] {
                assert!(
                    object[key].as_str().is_some_and(|at| at.ends_with('Z')),
                    "{object}"
                );
            }
        }
        for (key, value) in object.as_object().expect("an object") {
            let refs: Vec<&str> = if key.ends_with("_ref") {
                vec![value.as_str().expect("an id")]
            } else if key.ends_with("_refs") {
                let refs = value.as_array().expect("a list");
                assert!(!refs.is_empty(), "STIX has no empty lists: {key}");
                refs.iter().map(|id| id.as_str().expect("an id")).collect()
            } else {
                continue;
            };
            for id in refs {
                assert!(ids.contains(id), "{key} of {} leads nowhere", object["id"]);
            }
        }
    }
    objects
}

fn of_type<'a>(objects: &'a [Value], kind: &str) -> Vec<&'a Value> {
    objects
        .iter()
        .filter(|object| object["type"] == kind)
        .collect()
}

#[test]
fn attack_flow_when_read_then_the_schemas_rules_hold_and_actions_follow_one_another() {
    let (_folder, out) = export("run", "--format attack-flow");
    let bundle = read_json(&out.join("attack-flow.json"));
    let objects = objects(&bundle);
    let extension = "extension-definition--fb9c968a-745b-4ade-9b25-c324172197f4";
    assert_eq!(of_type(objects, "extension-definition")[0]["id"], extension);
    for object in objects {
        let kind = object["type"].as_str().expect("a type");
        if kind.starts_with("attack-") && kind != "attack-pattern" {
            assert_eq!(object["extensions"][extension]["extension_type"], "new-sdo");
            assert!(object["name"].is_string(), "{object}");
        }
    }
    let flow = of_type(objects, "attack-flow");
    assert_eq!(flow.len(), 1, "exactly one");
    assert_eq!(flow[0]["scope"], "incident");
    let mut next = flow[0]["start_refs"][0].as_str().expect("an id");
    let actions = of_type(objects, "attack-action");
    assert_eq!(actions.len(), 6, "the step that was never reached too");
    let mut told = Vec::new();
    // The overflow's steps wait for one another in a row, up to the last two, which wait for the same one.
    while let Some(action) = actions.iter().find(|action| action["id"] == next) {
        told.push(
            action["technique_id"]
                .as_str()
                .expect("a technique")
                .to_owned(),
        );
        let Some(effect) = action["effect_refs"][0].as_str() else {
            break;
        };
        next = effect;
    }
    assert_eq!(told[..4], ["T0846.001", "T0861", "T0830", "T0836"]);
    let reached = actions
        .iter()
        .filter(|action| action["execution_start"].is_string());
    let starts: Vec<&str> = reached
        .map(|action| action["execution_start"].as_str().expect("a time"))
        .collect();
    assert_eq!(starts.len(), steps().len());
    assert_eq!(starts[0], "2026-01-05T06:01:05.000000000Z");
}

#[test]
fn navigator_when_read_then_a_layer_of_what_was_played() {
    let (_folder, out) = export("run", "--format navigator");
    let layer = read_json(&out.join("navigator.json"));
    assert_eq!(layer["domain"], "ics-attack");
    assert_eq!(layer["versions"]["layer"], "4.5");
    assert!(layer["name"].as_str().is_some_and(|name| !name.is_empty()));
    assert!(
        layer["gradient"]["colors"]
            .as_array()
            .is_some_and(|colors| colors.len() >= 2)
    );
    let techniques = layer["techniques"].as_array().expect("a list");
    let score = |id: &str| {
        let cell = techniques.iter().find(|cell| cell["techniqueID"] == id);
        cell.unwrap_or_else(|| panic!("{id}"))["score"].as_f64()
    };
    assert_eq!(score("T0846.001"), Some(100.0));
    // open-wide, which is never reached, does not count against the steps that were.
    assert_eq!(score("T1692.001"), Some(100.0), "{techniques:?}");
    let (_folder, out) = export("calm", "--format navigator");
    let layer = read_json(&out.join("navigator.json"));
    assert_eq!(layer["techniques"], Value::Array(Vec::new()));
}

#[test]
fn stix_when_read_then_a_sighting_for_each_technique_of_each_step() {
    let (_folder, out) = export("run", "--format stix");
    let bundle = read_json(&out.join("stix.json"));
    let objects = objects(&bundle);
    let sightings = of_type(objects, "sighting");
    assert_eq!(
        sightings.len(),
        2 + 2 + 3 + 2 + 2,
        "techniques of the five steps that were reached"
    );
    for sighting in &sightings {
        assert!(
            sighting["sighting_of_ref"]
                .as_str()
                .is_some_and(|id| id.starts_with("attack-pattern--"))
        );
        assert!(
            sighting["where_sighted_refs"][0]
                .as_str()
                .is_some_and(|id| id.starts_with("identity--"))
        );
        assert!(sighting["first_seen"].as_str() <= sighting["last_seen"].as_str());
        assert!(
            sighting["count"]
                .as_u64()
                .is_some_and(|count| (1..=999_999_999).contains(&count))
        );
    }
    for observed in of_type(objects, "observed-data") {
        assert!(observed["object_refs"].is_array() && observed["number_observed"].is_u64());
    }
    let addresses: BTreeSet<&str> = of_type(objects, "ipv4-addr")
        .iter()
        .map(|address| address["value"].as_str().expect("an address"))
        .collect();
    assert!(addresses.contains("10.20.1.11"), "{addresses:?}");
    // The identifier of STIX's own example for an address, from its namespace and canonical JSON.
    assert!(of_type(objects, "attack-pattern").iter().all(|pattern| {
        let reference = &pattern["external_references"][0];
        reference["source_name"] == "mitre-attack" && reference["external_id"].is_string()
    }));
}

/// What the range says in STIX it understands in STIX: a defense that sighted all of it would have found all of it.
#[test]
fn stix_when_handed_in_as_alerts_then_every_step_is_detected_with_its_technique() {
    let (_folder, out) = export("run", "--format stix");
    let folder = scratch();
    let home = folder.path();
    copy(&runs().join("run"), &home.join("run"));
    let bundle = out.join("stix.json").display().to_string();
    words(home, &format!("score run --quick --alerts {bundle}")).expect_code(0);
    let score = read_json(&home.join("run/score/score.json"));
    assert_eq!(score["header"]["alert_format"], "stix");
    let records = &score["detection"]["records"];
    let sightings = read_json(&out.join("stix.json"))["objects"]
        .as_array()
        .map(|objects| objects.iter().filter(|it| it["type"] == "sighting").count());
    assert_eq!(
        records["read"].as_u64(),
        sightings.map(|count| count as u64)
    );
    assert_eq!(records["scored"], records["read"], "{records}");
    let found = score["detection"]["steps"].as_array().expect("a list");
    assert_eq!(found.len(), steps().len());
    for step in found {
        assert_eq!(step["grade"], "technique", "{step}");
    }
    assert_eq!(score["detection"]["alarms_false"], 0);
}
