//! Samples of all formats, and what becomes of them.
//!
//! `TWINRANGE_BLESS=1` writes the files below `data/formats/expected` anew; read the difference before it
//! is committed.

mod counted;
mod documented;
mod stix;
mod techniques;
mod wrong;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use serde_json::Value;
use twinrange_score::alert::{Action, Alert, Kind, to_jsonl};
use twinrange_score::formats::{Format, Import, ImportOptions, detect, import};

use crate::invariants::options;

/// All samples by format.
pub(crate) const SAMPLES: [(Format, &str); 15] = [
    (Format::Jsonl, "jsonl.jsonl"),
    (Format::Eve, "eve.json"),
    (Format::Zeek, "zeek-notice.log"),
    (Format::Zeek, "zeek-modbus.log"),
    (Format::Zeek, "zeek-conn-tsv-mode.log"),
    (Format::Zeek, "zeek-json.log"),
    (Format::Snort, "snort.json"),
    (Format::Cef, "cef.log"),
    (Format::Syslog, "syslog.log"),
    (Format::Wazuh, "wazuh.json"),
    (Format::Ocsf, "ocsf.json"),
    (Format::Ecs, "ecs.json"),
    (Format::Sigma, "sigma.json"),
    (Format::Stix, "stix.json"),
    (Format::Stix, "stix-lines.json"),
];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/formats")
}

pub(crate) fn sample(name: &str) -> String {
    std::fs::read_to_string(folder().join(name)).expect(name)
}

/// The documents of a sample of JSON, a line or a bundle each; none of another.
pub(crate) fn documents(name: &str) -> Vec<Value> {
    let text = sample(name);
    if !text.starts_with('{') {
        return Vec::new();
    }
    let documents = serde_json::Deserializer::from_str(&text).into_iter();
    documents.map(|document| document.expect("valid")).collect()
}

fn read(format: Format, text: &str) -> Import {
    // Few of the samples have a field of the user's, and that is noted.
    let options = ImportOptions {
        technique_fields: Vec::new(),
        ..options()
    };
    import(format, text.as_bytes(), &options)
        .unwrap_or_else(|error| panic!("{error} {:?}: {text}", error.hint))
}

/// An import in words, for people who compare.
fn told(import: &Import) -> String {
    let mut text = to_jsonl(&import.alerts);
    for (title, counts) in [
        ("skipped", &import.skipped),
        ("anomalies", &import.anomalies),
    ] {
        for (reason, count) in counts {
            let _ = writeln!(text, "{title}: {count} {reason}");
        }
    }
    for left in &import.left_out {
        let _ = writeln!(
            text,
            "left out: line {} {} {} {}",
            left.line, left.field, left.found, left.reason
        );
    }
    text
}

#[test]
fn sample_when_read_then_as_expected() {
    for (format, name) in SAMPLES {
        let found = told(&read(format, &sample(name)));
        let expected = folder().join("expected").join(format!("{name}.txt"));
        if std::env::var_os("TWINRANGE_BLESS").is_some() {
            std::fs::write(&expected, &found).expect("the folder is there");
            continue;
        }
        let expected = std::fs::read_to_string(&expected).expect(name);
        assert_eq!(found, expected, "{name}");
    }
}

#[test]
fn sample_when_saved_on_another_system_then_the_same() {
    for (format, name) in SAMPLES {
        let plain = read(format, &sample(name));
        let text = sample(name).replace("\r\n", "\n");
        let odd = format!("\u{feff}{}", text.replace('\n', "\r\n\r\n"));
        let mut again = read(format, &odd);
        again.left_out.clear();
        assert_eq!(again.alerts, plain.alerts, "{name}");
        assert_eq!(again.skipped, plain.skipped, "{name}");
        assert_eq!(read(format, text.trim_end()).alerts, plain.alerts, "{name}");
    }
}

#[test]
fn sample_when_no_format_is_named_then_told() {
    for (format, name) in SAMPLES {
        assert_eq!(detect(sample(name).as_bytes()), Ok(format), "{name}");
    }
}

/// A file may begin with any of them.
#[test]
fn line_when_alone_then_its_format_is_told() {
    for (format, name) in [(Format::Cef, "cef.log"), (Format::Ecs, "ecs.json")] {
        for line in sample(name).lines() {
            assert_eq!(detect(line.as_bytes()), Ok(format), "{line}");
        }
    }
}

/// Fields that a newer version of the tool has must not disturb.
#[test]
fn sample_when_records_have_unknown_fields_then_the_same_alerts() {
    for (format, name) in SAMPLES {
        let new = serde_json::json!({"deep": [1, null, {"a": "b"}]});
        let mut newer = String::new();
        for mut object in documents(name) {
            for inner in object["objects"].as_array_mut().into_iter().flatten() {
                inner["zz_new"] = new.clone();
            }
            object["zz_new"] = new.clone();
            // Reading by a missing name puts it there.
            if object["objects"].is_null() {
                object.as_object_mut().expect("an object").remove("objects");
            }
            newer.push_str(&format!("{object}\n"));
        }
        if newer.is_empty() {
            continue;
        }
        assert_eq!(
            read(format, &newer).alerts,
            read(format, &sample(name)).alerts,
            "{name}"
        );
    }
}

fn first(format: Format, text: &str, options: &ImportOptions) -> Alert {
    let import =
        import(format, text.as_bytes(), options).unwrap_or_else(|error| panic!("{error}: {text}"));
    import
        .alerts
        .into_iter()
        .next()
        .unwrap_or_else(|| panic!("no alert: {text}"))
}

#[test]
fn action_when_snort_resets_then_as_if_it_blocked() {
    let check = |action: &str, expect: Action| {
        let line = format!(
            r#"{{ "seconds" : 1767592815, "rule" : "1:9000101:2", "action" : "{action}" }}"#
        );
        let alert = first(Format::Snort, &line, &options());
        assert_eq!(alert.action, expect, "{action}");
    };
    for blocked in ["drop", "block", "reset", "force_drop", "force_reset"] {
        check(blocked, Action::Blocked);
    }
    for allowed in ["allow", "would_reset", "cant_reset", "cant_drop"] {
        check(allowed, Action::Allowed);
    }
}

#[test]
fn clock_when_it_is_offset_then_event_and_report_are_moved() {
    let options = ImportOptions {
        clock_offset_ns: -60_000_000_000,
        ..options()
    };
    let line = r#"{"@timestamp":"2026-01-05T06:05:00Z","kibana.alert.original_time":"2026-01-05T06:01:15Z","kibana.alert.rule.name":"a"}"#;
    let alert = first(Format::Ecs, line, &options);
    assert_eq!(
        (alert.t_ns, alert.t_received_ns),
        (15_000_000_000, Some(240_000_000_000))
    );
    assert_eq!(alert.effective_ns(), 240_000_000_000);
}

/// Two creations under one uid are two findings; updates and closings are none, whatever comes first.
#[test]
fn finding_when_told_again_then_one_alert() {
    let line = |activity: u8, uid: &str, s: u64| {
        let time = 1_767_592_800_000 + s * 1000;
        format!(
            "{{\"activity_id\":{activity},\"class_uid\":2004,\"time\":{time},\"finding_info\":{{\"uid\":\"{uid}\",\"title\":\"t\"}}}}\n"
        )
    };
    let count = |records: &[(u8, &str, u64)]| {
        let text: String = records
            .iter()
            .map(|(a, uid, s)| line(*a, uid, *s))
            .collect();
        let import = read(Format::Ocsf, &text);
        (import.alerts.len(), import.read())
    };
    assert_eq!(count(&[(1, "a", 1), (2, "a", 2), (3, "a", 3)]), (1, 3));
    assert_eq!(count(&[(1, "a", 1), (1, "b", 2)]), (2, 2));
    assert_eq!(count(&[(1, "a", 1), (1, "a", 2), (2, "a", 3)]), (2, 3));
    assert_eq!(count(&[(2, "a", 1), (1, "a", 2), (3, "a", 3)]), (1, 3));
    assert_eq!(count(&[(2, "a", 1), (2, "a", 2)]), (1, 2));
}

/// Identifiers that repeat elsewhere are separate alerts.
#[test]
fn record_when_repeated_then_kept_as_often() {
    for (format, name, of) in [
        (Format::Snort, "snort.json", 3),
        (Format::Wazuh, "wazuh.json", 6),
        (Format::Sigma, "sigma.json", 5),
    ] {
        let twice = sample(name).repeat(2);
        let alerts = read(format, &twice).alerts;
        assert_eq!(
            alerts
                .iter()
                .filter(|alert| alert.kind == Kind::Alert)
                .count(),
            2 * of,
            "{name}"
        );
    }
}
