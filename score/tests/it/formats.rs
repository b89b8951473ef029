//! Samples of all formats: what becomes of them, and what is refused.
//!
//! `TWINRANGE_BLESS=1` writes the files below `data/formats/expected` anew; read the difference before it
//! is committed.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use serde_json::Value;
use twinrange_score::alert::{Action, Alert, Kind, TechniqueSource, to_jsonl};
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
fn techniques_when_a_signature_is_in_the_table_then_from_it() {
    let mut options = options();
    for (name, id) in [
        ("Range::Modbus_Rogue_Master", "T0848"),
        ("9000101", "T0855"),
        ("1:9000102", "T0814"),
        ("mb-004", "T0858"),
        ("Program changed", "T0889"),
        ("Unauthorized PLC programming", "T0843"),
    ] {
        options
            .signature_techniques
            .insert(name.to_owned(), vec![id.to_owned()]);
    }
    let check = |format: Format, name: &str, sig: &str, expect: &str| {
        let import = import(format, sample(name).as_bytes(), &options).expect("valid");
        let alert = import
            .alerts
            .iter()
            .find(|alert| alert.sig_id == sig)
            .expect(sig);
        assert_eq!(alert.techniques, [expect], "{sig}");
        assert_eq!(alert.technique_source, TechniqueSource::Table, "{sig}");
    };
    check(
        Format::Zeek,
        "zeek-notice.log",
        "Range::Modbus_Rogue_Master",
        "T0848",
    );
    check(Format::Snort, "snort.json", "1:9000101", "T1692.001");
    check(Format::Snort, "snort.json", "1:9000102", "T0814");
    check(Format::Cef, "cef.log", "mb-004", "T0858");
    // Of products that have one signature for all, the name counts.
    check(
        Format::Cef,
        "cef.log",
        "Microsoft Defender for IoT Alert",
        "T0843",
    );
    check(Format::Syslog, "syslog.log", "1:9000101", "T1692.001");
    // Of a rule of Wazuh's for all of Suricata, the signature counts.
    check(Format::Wazuh, "wazuh.json", "86601", "T1692.001");
    check(Format::Wazuh, "wazuh.json", "100901", "T0848");
    check(Format::Ocsf, "ocsf.json", "Program changed", "T0889");
}

/// Wazuh and rules for many networks know ATT&CK Enterprise alone.
#[test]
fn techniques_when_native_ones_are_not_of_ics_then_tags_or_table_count() {
    let mut options = options();
    let table = [("100", "T0814"), ("102", "T1565")];
    for (name, id) in table {
        options
            .signature_techniques
            .insert(name.to_owned(), vec![id.to_owned()]);
    }
    let unknown = |import: &Import| {
        let notes = import.anomalies.iter();
        let notes = notes.filter(|(note, _)| note.contains("is not in ATT&CK for ICS"));
        notes.map(|(_, count)| count).sum::<u64>()
    };
    let check = |sid: u64, native: &str, tag: &str, expect: &str, source: TechniqueSource| {
        let of_eve = format!(
            r#"{{"timestamp":"2026-01-05T06:00:15Z","event_type":"alert","alert":{{"signature_id":{sid},"metadata":{{"mitre_technique_id":["{native}"],"tag":["{tag}"]}}}}}}"#
        );
        let of_wazuh = format!(
            r#"{{"timestamp":"2026-01-05T06:00:15Z","agent":{{}},"rule":{{"id":"{sid}","mitre":{{"id":["{native}"]}},"groups":["{tag}"]}}}}"#
        );
        for (format, line) in [(Format::Eve, of_eve), (Format::Wazuh, of_wazuh)] {
            let import = import(format, line.as_bytes(), &options).expect("valid");
            let alert = &import.alerts[0];
            assert_eq!(alert.techniques, [expect], "{line}");
            assert_eq!(alert.technique_source, source, "{line}");
            let enterprise = u64::from(native.starts_with("T1"));
            assert_eq!(unknown(&import), enterprise, "{line}");
        }
    };
    use TechniqueSource::{Native, Table, Tag};
    check(1, "T1190", "attack.t0855", "T1692.001", Tag);
    check(100, "T1190", "attack.t1190", "T0814", Table);
    check(100, "T1190", "attack.t0855", "T1692.001", Tag);
    // What is of ICS already, by an identifier of today or before, is not passed over.
    check(100, "T0843", "attack.t0855", "T0843", Native);
    check(100, "T0855", "attack.t0836", "T1692.001", Native);
    // Where none is, nothing is better than the tool's own.
    check(101, "T1190", "attack.t1078", "T1190", Native);
    check(102, "T1190", "", "T1190", Native);
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
fn techniques_when_the_user_names_their_field_then_native() {
    let check = |format: Format, field: &str, line: &str| {
        let options = ImportOptions {
            technique_fields: vec![field.to_owned()],
            ..options()
        };
        let alert = first(format, line, &options);
        assert_eq!(alert.techniques, ["T1692.001"], "{line}");
        assert_eq!(alert.technique_source, TechniqueSource::Native);
    };
    check(
        Format::Cef,
        "Threat Tactic",
        "CEF:0|a|b|1|x|n|5|rt=1767592815250 cs6Label=threatTactic cs6=T0855",
    );
    check(
        Format::Cef,
        "Threat Tactics",
        "CEF:0|a|b|1|x|n|5|rt=1767592815250 cs6Label=threatTactic cs6=T0855",
    );
    check(
        Format::Cef,
        "ad.technique",
        "CEF:0|a|b|1|x|n|5|rt=1767592815250 ad.technique=T0855",
    );
    check(
        Format::Syslog,
        "ttp",
        "<130>1 2026-01-05T06:00:15Z h a - ALERT [x@1 sig=\"s\" ttp=\"T0855\"] m",
    );
    check(
        Format::Ecs,
        "labels.ttp",
        r#"{"@timestamp":"2026-01-05T06:00:15Z","event":{"kind":"alert"},"rule":{"id":"a"},"labels":{"ttp":"T0855"}}"#,
    );
}

/// A misspelled signature or field would else look as if it had been applied.
#[test]
fn techniques_when_table_or_field_fit_no_alert_then_noted() {
    let with = |sig: &str, field: &str| ImportOptions {
        signature_techniques: [(sig.to_owned(), vec!["T0855".to_owned()])].into(),
        technique_fields: vec![field.to_owned()],
        ..options()
    };
    let notes = |format: Format, text: &str, options: &ImportOptions| {
        let import = import(format, text.as_bytes(), options).expect(text);
        let notes = import.anomalies.keys();
        notes
            .filter(|note| note.contains("--technique"))
            .cloned()
            .collect::<Vec<_>>()
    };
    let alert = r#"{"@timestamp":"2026-01-05T06:00:15Z","event":{"kind":"alert"},"rule":{"id":"a"},"labels":{"ttp":"T0855"}}"#;
    let log = r#"{"@timestamp":"2026-01-05T06:00:15Z","event":{"kind":"event"},"source":{"ip":"10.20.1.66"}}"#;
    let (no_signature, no_field) = (
        "the table of techniques (--techniques, signature_table) names no signature of these alerts",
        "no alert has the field `no.such` (--technique-field)",
    );
    let wrong = with("b", "no.such");
    assert_eq!(notes(Format::Ecs, alert, &wrong), [no_field, no_signature]);
    // That the alert had its own techniques does not make the table wrong.
    let none: [&str; 0] = [];
    assert_eq!(notes(Format::Ecs, alert, &with("a", "labels.ttp")), none);
    assert_eq!(notes(Format::Ecs, log, &wrong), none);
    assert_eq!(notes(Format::Ecs, "", &wrong), none);
    let own = r#"{"t_ns":1,"sig_id":"a","techniques":["T0855"]}"#;
    let unread =
        "the field `ttp` (--technique-field) is not read in format `jsonl`, which has its own";
    assert_eq!(notes(Format::Jsonl, own, &with("a", "ttp")), [unread]);
    assert_eq!(
        notes(Format::Jsonl, own, &with("b", "ttp")),
        [unread, no_signature]
    );
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

#[test]
fn file_when_wrong_then_line_field_and_hint() {
    let bare = ImportOptions {
        zone_s: None,
        ..options()
    };
    let check = |format: Format, text: &str, line: u64, field: Option<&str>, says: &str| {
        let error = import(format, text.as_bytes(), &bare).expect_err(text);
        let shown = format!("{error} / {}", error.hint.clone().unwrap_or_default());
        assert_eq!(
            (error.line, error.field.as_deref()),
            (line, field),
            "{shown}: {text}"
        );
        assert!(shown.contains(says), "{shown:?} does not say {says:?}");
    };
    use Format::{Cef, Ecs, Eve, Jsonl, Ocsf, Sigma, Snort, Stix, Syslog, Wazuh, Zeek};
    // Another format than the one that was named.
    check(Snort, &sample("eve.json"), 1, Some("rule"), "--format eve");
    check(
        Snort,
        &sample("sigma.json"),
        1,
        Some("rule"),
        "--format sigma",
    );
    check(Wazuh, &sample("eve.json"), 1, Some("rule"), "--format eve");
    check(
        Ocsf,
        &sample("ecs.json"),
        1,
        Some("class_uid"),
        "--format ecs",
    );
    check(
        Ecs,
        &sample("wazuh.json"),
        1,
        Some("@timestamp"),
        "--format wazuh",
    );
    check(
        Sigma,
        &sample("ocsf.json"),
        1,
        Some("level"),
        "--format ocsf",
    );
    check(
        Eve,
        &sample("zeek-json.log"),
        1,
        Some("event_type"),
        "--format zeek",
    );
    check(
        Jsonl,
        &sample("snort.json"),
        1,
        Some("t_ns"),
        "--format snort",
    );
    check(Jsonl, &sample("syslog.log"), 1, None, "--format syslog");
    for line in sample("cef.log").lines() {
        check(Jsonl, line, 1, None, "--format cef");
    }
    check(
        Syslog,
        r#"{"message":"CEF:0|a|b|c|d|e|5|"}"#,
        1,
        Some("TIMESTAMP"),
        "a JSON object",
    );
    check(Zeek, &sample("ocsf.json"), 1, Some("ts"), "--format ocsf");
    check(
        Syslog,
        &sample("eve.json"),
        1,
        Some("TIMESTAMP"),
        "--format eve",
    );
    check(Cef, &sample("ocsf.json"), 1, None, "--format ocsf");
    check(Cef, &sample("zeek-notice.log"), 1, None, "--format zeek");
    // Damaged.
    check(
        Zeek,
        "#separator \\x09\n#fields\tts\tnote\n1767592815.5\n",
        3,
        None,
        "1 columns, and #fields names 2",
    );
    check(
        Zeek,
        "#separator \\x09\n#fields\tts\tnote\n1767592815.5",
        3,
        None,
        "truncated",
    );
    check(Zeek, "1767592815.5\tx\n", 1, None, "before the header");
    check(Zeek, "#separator \n", 1, None, "separator");
    check(
        Zeek,
        "#separator \\x09\n#fields\tts\tnote\n-\tx\n",
        3,
        Some("ts"),
        "missing",
    );
    check(
        Zeek,
        "#separator \\x09\n#path\tnotice\n#fields\tts\tmsg\n1767592815.5\tx\n",
        4,
        Some("note"),
        "missing",
    );
    check(
        Zeek,
        "{\"ts\":\"noon\",\"note\":\"a\"}",
        1,
        Some("ts"),
        "invalid time \"noon\"",
    );
    check(
        Zeek,
        "{\"ts\":1767592815,\"note\":\"a\",\"p\":\"http\"}",
        1,
        Some("p"),
        "port",
    );
    check(
        Snort,
        r#"{ "timestamp" : "01/05-06:00:15.25", "rule" : "1:2:3" }"#,
        1,
        Some("timestamp"),
        "`seconds`",
    );
    check(
        Snort,
        r#"{ "timestamp" : "26/01/05-06:00:15.25", "rule" : "1:2:3" }"#,
        1,
        Some("timestamp"),
        "--zone",
    );
    check(
        Snort,
        r#"{ "seconds" : 1767592815 }"#,
        1,
        Some("rule"),
        "missing",
    );
    check(Cef, "CEF:0|a|b|c|d", 1, Some("signature_id"), "4 of its 7");
    check(
        Cef,
        "CEF:x|a|b|c|d|e|5|",
        1,
        Some("version"),
        "version of CEF",
    );
    check(
        Cef,
        "CEF:0|a|b|c|d|e|5|src=10.0.0.1",
        1,
        Some("rt"),
        "rt=1767592815250",
    );
    check(
        Cef,
        "CEF:0|a|b|c|d|e|5|rt=Jan 05 2026 06:00:15",
        1,
        Some("rt"),
        "--zone",
    );
    check(
        Cef,
        "CEF:0|a|b|c|d|e|5|rt=Jan 05 2026 06:00:15 CET",
        1,
        Some("rt"),
        "zone is not known",
    );
    check(
        Cef,
        "CEF:0|a|b|c||e|5|rt=1767592815250",
        1,
        Some("cef.signature_id"),
        "missing",
    );
    check(
        Cef,
        "CEF:0|a|b|c|d|e|5|rt=1767592815250 src=1 spt=70000",
        1,
        Some("spt"),
        "65535",
    );
    check(
        Syslog,
        "<130>1 2026-01-05T06:00:15Z h a - ALERT [x sig=\"a\" m",
        1,
        Some("STRUCTURED-DATA"),
        "name=\"value\"",
    );
    check(Syslog, "<999>1 - - - - - -", 1, Some("PRI"), "191");
    check(
        Syslog,
        "<130>1 - h a - ALERT - m",
        1,
        Some("time"),
        "missing",
    );
    check(
        Syslog,
        "<34>Jan  5 06:00:15 h a: m",
        1,
        Some("time"),
        "--zone",
    );
    check(
        Wazuh,
        r#"{"timestamp":"2026-01-05T06:00:15.2+0000","rule":{"level":3}}"#,
        1,
        Some("rule.id"),
        "missing",
    );
    check(
        Wazuh,
        r#"{"timestamp":"2026-01-05T06:00:15.2+0000","rule":{"id":"1"},"data":{"srcport":"x"},"agent":{}}"#,
        1,
        Some("data.srcport"),
        "found \"x\"",
    );
    check(
        Ocsf,
        r#"{"class_uid":2004,"time":1767592815250}"#,
        1,
        Some("finding_info.uid"),
        "missing",
    );
    check(
        Ocsf,
        r#"{"class_uid":2004,"time":"x","finding_info":{"uid":"a","title":"t"}}"#,
        1,
        Some("time"),
        "invalid time",
    );
    check(
        Ecs,
        r#"{"@timestamp":"2026-01-05T06:00:15","event":{"kind":"alert"}}"#,
        1,
        Some("@timestamp"),
        "--zone",
    );
    check(
        Ecs,
        r#"{"@timestamp":"2026-01-05T06:00:15Z","event":{"kind":"alert"}}"#,
        1,
        Some("kibana.alert.rule.rule_id"),
        "missing",
    );
    check(
        Sigma,
        r#"{"timestamp":"2026-01-05T06:00:15Z","title":"a","level":"severe"}"#,
        1,
        Some("level"),
        "no level of Sigma",
    );
    check(
        Sigma,
        r#"{"timestamp":"2026-01-05T06:00:15Z","level":"high","tags":[]}"#,
        1,
        Some("rule_id"),
        "missing",
    );
    check(
        Sigma,
        r#"{"timestamp":"2026-01-05T06:00:15Z","title":{"a":1},"level":"high"}"#,
        1,
        Some("rule_id"),
        "required field is missing",
    );
    check(
        Snort,
        "{ \"seconds\" : 1767592815, \"rule\" : \"1:2:3\" }\n{ \"seconds\" : 17",
        2,
        None,
        "truncated",
    );
    check(Stix, &sample("eve.json"), 1, Some("type"), "--format eve");
    check(Stix, &sample("cef.log"), 1, None, "expected a JSON object");
    check(
        Jsonl,
        &sample("stix-lines.json"),
        1,
        Some("t_ns"),
        "--format stix",
    );
    // A tool on the wall clock.
    check(
        Ocsf,
        r#"{"class_uid":2004,"time":1795421730250,"finding_info":{"uid":"a","title":"t"}}"#,
        1,
        Some("time"),
        "outside the run",
    );
}

/// As a stream carries them (RFC 6587, 3.4.1): the count says where a message ends, and no end of line does.
#[test]
fn line_when_its_messages_are_counted_then_each_is_read() {
    let counted = |message: &str| format!("{} {message}", message.len());
    let of_syslog = |sig: &str| {
        format!("<130>1 2026-01-05T06:00:15Z h a - ALERT [x@1 sig=\"{sig}\"] Schütz auf 5 <b>")
    };
    let of_cef = |sig: &str| {
        format!("<130>1 2026-01-05T06:00:15Z h a - - - CEF:0|a|b|1|{sig}|n|5|msg=größer 7")
    };
    let (cut, wrong) = ("the message was cut", "no message begins where");
    let check = |text: &str, format: Format, expect: &[&str], anomaly: Option<&str>| {
        assert_eq!(detect(text.as_bytes()), Ok(format), "{text}");
        let import = read(format, text);
        let sigs: Vec<&str> = import.alerts.iter().map(|a| a.sig_id.as_str()).collect();
        assert_eq!(sigs, expect, "{text}");
        assert_eq!(usize::try_from(import.read()), Ok(expect.len()), "{text}");
        let notes: Vec<&String> = import.anomalies.keys().collect();
        let told = notes
            .iter()
            .all(|note| anomaly.is_some_and(|a| note.contains(a)));
        assert!(
            told && notes.len() == usize::from(anomaly.is_some()),
            "{notes:?}: {text}"
        );
    };
    for (format, message) in [
        (Format::Syslog, &of_syslog as &dyn Fn(&str) -> String),
        (Format::Cef, &of_cef),
    ] {
        let [a, b, c] = ["a", "b", "c"].map(|sig| counted(&message(sig)));
        let all = ["a", "b", "c"];
        check(&format!("{a}{b}{c}"), format, &all, None);
        check(&format!("{a} {b}\t{c}\r\n"), format, &all, None);
        check(&format!("{a}{b}\n{c}\n"), format, &all, None);
        // The end of a line may be of a message.
        let with_end = counted(&format!("{}\n", message("a")));
        check(&format!("{with_end}{b}{c}"), format, &all, None);
        let end = c.trim_end_matches(|last: char| last != ' ').trim_end();
        check(&format!("{a}{b}{end}"), format, &all, Some(cut));
        let plain = message("a");
        for wrong_count in ["0", "7", "007", &(plain.len() - 3).to_string()] {
            let line = format!("{wrong_count} {plain}\n");
            check(&line, format, &["a"], Some(wrong));
        }
        for far in ["9999", "99999999999999999999999"] {
            check(&format!("{far} {plain}"), format, &["a"], Some(cut));
        }
        // Within a letter nothing ends.
        let letter = plain.find(['ü', 'ö']).expect("one") + 1;
        check(&format!("{letter} {plain}"), format, &["a"], Some(wrong));
    }
    let (alert, other) = (of_syslog("a"), "<14>Jan  5 06:00:15 h b: text");
    let mixed = [counted(&alert), counted(other), counted(&of_cef("c"))].concat();
    let import = read(Format::Syslog, &mixed);
    assert_eq!((import.alerts.len(), import.read()), (2, 3));
    let bad = [counted(&alert), counted("<14>1 noon h a - - - text")].concat();
    let error = import_of(&bad);
    let column = alert.chars().count() + counted(&alert).len() - alert.len() + 4;
    assert_eq!(error.column, u64::try_from(column).ok(), "{error}");
    assert_eq!((error.line, error.field.as_deref()), (1, Some("time")));
}

fn import_of(text: &str) -> twinrange_score::formats::ImportError {
    import(Format::Syslog, text.as_bytes(), &options()).expect_err(text)
}

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

fn documented() -> Vec<(Format, String)> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/alert-formats.md");
    let text = std::fs::read_to_string(path).expect("the page is there");
    let mut blocks = Vec::new();
    let mut open: Option<(Format, String)> = None;
    for line in text.lines() {
        if let Some((_, block)) = open.as_mut().filter(|_| !line.starts_with("```")) {
            block.push_str(line);
            block.push('\n');
            continue;
        }
        if let Some(done) = open.take() {
            blocks.push(done);
        } else if let Some(name) = line
            .strip_prefix("```")
            .and_then(|info| info.split_once(' '))
        {
            open = Some((Format::from_name(name.1).expect(line), String::new()));
        }
    }
    blocks
}

#[test]
fn documented_example_when_read_then_an_alert() {
    let blocks = documented();
    for format in Format::ALL {
        assert!(
            blocks.iter().any(|(of, _)| *of == format),
            "no example of {}",
            format.name()
        );
    }
    for (format, block) in blocks {
        let import = read(format, &block);
        assert!(
            import.impossible == 0 && import.anomalies.is_empty(),
            "{block}: {import:?}"
        );
        assert!(!import.alerts.is_empty(), "{block}");
        assert_eq!(detect(block.as_bytes()), Ok(format), "{block}");
    }
}
