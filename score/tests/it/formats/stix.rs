//! Bundles of STIX, which are no files of lines.

use serde_json::Value;
use twinrange_score::alert::TechniqueSource;
use twinrange_score::formats::{Format, Import, import};

use super::{documents, first, read, sample};
use crate::invariants::options;

/// A sighting by itself, with more fields.
fn sighting(fields: &str) -> String {
    format!(
        r#"{{"type":"sighting","id":"sighting--0000000a-1f0a-4c55-9d2e-0b6f5d1d2c11","created":"2026-01-05T06:00:20Z"{fields}}}"#
    )
}

/// A bundle is no file of lines: errors name line, column and field of the object in the document.
#[test]
fn bundle_when_wrong_then_the_place_in_the_document() {
    let of = r#","sighting_of_ref":"indicator--00000003-1f0a-4c55-9d2e-0b6f5d1d2c11""#;
    let in_bundle = |object: &str| {
        format!("{{\n  \"type\": \"bundle\",\n  \"objects\": [\n    {{}}, \n   {object}]}}")
    };
    let check = |text: &str, place: (u64, u64), field: Option<&str>, says: &str| {
        let error = import(Format::Stix, text.as_bytes(), &options()).expect_err(text);
        let shown = format!("{error} / {}", error.hint.clone().unwrap_or_default());
        assert_eq!(
            ((error.line, error.column), error.field.as_deref()),
            ((place.0, Some(place.1)), field),
            "{shown}: {text}"
        );
        assert!(shown.contains(says), "{shown:?} does not say {says:?}");
    };
    let cases = [
        (String::new(), "sighting_of_ref", "missing"),
        (
            r#","sighting_of_ref":["indicator--0"]"#.to_owned(),
            "sighting_of_ref",
            "expected an identifier, found a list",
        ),
        (
            format!(r#"{of},"first_seen":"noon""#),
            "first_seen",
            "invalid time \"noon\"",
        ),
        (
            format!(r#"{of},"last_seen":5"#),
            "last_seen",
            "expected a time, found the number 5",
        ),
        (
            format!(r#"{of},"count":"many""#),
            "count",
            "expected a whole number, found the string",
        ),
    ];
    for (fields, field, says) in cases {
        let object = sighting(&fields);
        check(&in_bundle(&object), (5, 4), Some(field), says);
        check(&format!("\n {object}"), (2, 2), Some(field), says);
    }
    let undated = sighting(of).replace("\"created\"", "\"made\"");
    check(&in_bundle(&undated), (5, 4), Some("created"), "missing");
    check(
        &in_bundle("[1]"),
        (5, 4),
        Some("objects[1]"),
        "expected an object of STIX, found a list",
    );
    check(
        r#"{"type":"bundle","objects":{}}"#,
        (1, 1),
        Some("objects"),
        "expected a list",
    );
    let whole = in_bundle(&sighting(of));
    let cut = &whole[..whole.len() - 20];
    let end = cut.lines().last().map_or(0, |line| line.chars().count());
    let end = u64::try_from(end).expect("short");
    check(cut, (5, end), None, "truncated");
    check(
        "{\"type\":\"bundle\"}\n{\"é\":,}",
        (2, 6),
        None,
        "invalid JSON",
    );
    check(
        "{\"type\":\"bundle\"}\n\n  true",
        (3, 3),
        None,
        "expected a JSON object, found plain text",
    );
    check(r#"{"type":"alert"}"#, (1, 1), Some("id"), "missing");
}

/// Whoever writes it, in whatever pieces, a sighting is one alert.
#[test]
fn bundle_when_taken_apart_or_put_together_then_the_same_alerts() {
    let whole = read(Format::Stix, &sample("stix.json"));
    let [bundle] = &documents("stix.json")[..] else {
        panic!("one document")
    };
    let objects = bundle["objects"].as_array().expect("a list");
    let lines: Vec<String> = objects.iter().map(Value::to_string).collect();
    let envelope = serde_json::json!({ "more": false, "objects": objects });
    let mut backward = objects.clone();
    backward.reverse();
    for text in [
        lines.join("\n"),
        lines.join(" "),
        format!("[{}]", lines.join(",")),
        envelope.to_string(),
        format!(
            "{}\n{}",
            lines[..9].join("\n"),
            serde_json::json!({"type": "bundle", "objects": objects[9..]})
        ),
        serde_json::json!({"type": "bundle", "objects": backward}).to_string(),
        // The same file once more brings nothing new.
        format!("{bundle}\n{bundle}"),
    ] {
        assert_eq!(read(Format::Stix, &text).alerts, whole.alerts, "{text}");
    }
}

/// A list may name the same large data again and again: a short file must not ask for endless work.
#[test]
fn observables_when_a_sighting_has_very_many_then_the_first_ones_count() {
    let data = "observed-data--00000009-1f0a-4c55-9d2e-0b6f5d1d2c11";
    let of = r#","sighting_of_ref":"indicator--00000003-1f0a-4c55-9d2e-0b6f5d1d2c11""#;
    let bundle = |count: usize| {
        let list = vec![data; 10];
        let mut objects: serde_json::Map<String, Value> = (1..count / 10)
            .map(|at| (at.to_string(), serde_json::json!({"type": "software"})))
            .collect();
        let address = serde_json::json!({"type": "ipv4-addr", "value": "10.20.1.66"});
        objects.insert("0".to_owned(), address);
        let observed = serde_json::json!({"type": "observed-data", "id": data, "objects": objects});
        let sighting = sighting(&format!(
            r#"{of},"observed_data_refs":{}"#,
            serde_json::json!(list)
        ));
        read(Format::Stix, &format!("{sighting}{observed}"))
    };
    let noted = |import: &Import| {
        let notes = import.anomalies.keys();
        notes.filter(|note| note.contains("observables")).count()
    };
    let (few, many) = (bundle(1000), bundle(1010));
    assert_eq!((noted(&few), noted(&many)), (0, 1));
    assert_eq!(few.alerts, many.alerts);
    assert_eq!(few.alerts[0].src.ip.as_deref(), Some("10.20.1.66"));
}

/// An address of hardware is that of the address of IP which refers to it, whichever is told first.
#[test]
fn ends_when_addresses_belong_together_then_one_end() {
    let object = |text: &str| serde_json::from_str::<Value>(text).expect("valid");
    let data = "observed-data--00000009-1f0a-4c55-9d2e-0b6f5d1d2c11";
    let of = r#","sighting_of_ref":"indicator--00000003-1f0a-4c55-9d2e-0b6f5d1d2c11""#;
    let sighting = sighting(&format!(r#"{of},"observed_data_refs":["{data}"]"#));
    let own = [
        object(r#"{"type":"mac-addr","id":"m","value":"02-54-57-14-01-42"}"#),
        object(r#"{"type":"ipv4-addr","id":"a","value":"10.20.1.66","resolves_to_refs":["m"]}"#),
        object(r#"{"type":"ipv6-addr","id":"b","value":"fe80::1"}"#),
        object(r#"{"type":"file","id":"f","name":"x"}"#),
    ];
    for refs in [
        ["m", "a", "f", "b"],
        ["a", "m", "b", "f"],
        ["f", "a", "b", "m"],
    ] {
        let mut objects = own.to_vec();
        objects
            .push(serde_json::json!({ "type": "observed-data", "id": data, "object_refs": refs }));
        objects.push(object(&sighting));
        let bundle = serde_json::json!({ "type": "bundle", "objects": objects });
        let alert = first(Format::Stix, &bundle.to_string(), &options());
        assert_eq!(alert.src.ip.as_deref(), Some("10.20.1.66"), "{refs:?}");
        assert_eq!(
            alert.src.mac.as_deref(),
            Some("02:54:57:14:01:42"),
            "{refs:?}"
        );
        assert_eq!(alert.dst.ip.as_deref(), Some("fe80::1"), "{refs:?}");
    }
}

/// What a malware does elsewhere was not seen here; what an indicator indicates was.
#[test]
fn technique_when_only_related_then_by_indicates_alone() {
    let bundle = |kind: &str, relationship: &str| {
        let of = format!("{kind}--00000003-1f0a-4c55-9d2e-0b6f5d1d2c11");
        let pattern = "attack-pattern--00000004-1f0a-4c55-9d2e-0b6f5d1d2c11";
        serde_json::json!({ "type": "bundle", "objects": [
            serde_json::from_str::<Value>(&sighting(&format!(r#","sighting_of_ref":"{of}""#))).expect("valid"),
            { "type": kind, "id": of, "name": "n" },
            { "type": "attack-pattern", "id": pattern,
              "external_references": [{ "source_name": "mitre-attack", "external_id": "T0855" }] },
            { "type": "relationship", "id": "relationship--00000005-1f0a-4c55-9d2e-0b6f5d1d2c11",
              "relationship_type": relationship, "source_ref": of, "target_ref": pattern },
        ]})
        .to_string()
    };
    let check = |kind: &str, relationship: &str, expect: &[&str], source: TechniqueSource| {
        let alert = first(Format::Stix, &bundle(kind, relationship), &options());
        assert_eq!(alert.techniques, expect, "{kind} {relationship}");
        assert_eq!(alert.technique_source, source, "{kind} {relationship}");
    };
    check(
        "indicator",
        "indicates",
        &["T1692.001"],
        TechniqueSource::Native,
    );
    check("indicator", "related-to", &[], TechniqueSource::None);
    check("malware", "uses", &[], TechniqueSource::None);
    let mut named = options();
    named
        .signature_techniques
        .insert("n".to_owned(), vec!["T0814".to_owned()]);
    let alert = first(Format::Stix, &bundle("malware", "uses"), &named);
    assert_eq!(
        (alert.techniques, alert.technique_source),
        (vec!["T0814".to_owned()], TechniqueSource::Table)
    );
}
