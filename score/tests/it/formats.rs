//! Samples of all formats: what becomes of them, and what is refused.
//!
//! `TWINRANGE_BLESS=1` writes the files below `data/formats/expected` anew; read the difference before it
//! is committed.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use serde_json::Value;
use twinrange_score::alert::{Alert, Kind, TechniqueSource, to_jsonl};
use twinrange_score::formats::{Format, Import, ImportOptions, detect, import};

use crate::invariants::options;

/// All samples by format.
pub(crate) const SAMPLES: [(Format, &str); 13] = [
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
];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/formats")
}

pub(crate) fn sample(name: &str) -> String {
    std::fs::read_to_string(folder().join(name)).expect(name)
}

fn read(format: Format, text: &str) -> Import {
    import(format, text.as_bytes(), &options())
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

/// Fields that a newer version of the tool has must not disturb.
#[test]
fn sample_when_records_have_unknown_fields_then_the_same_alerts() {
    for (format, name) in SAMPLES {
        let text = sample(name);
        if !text.starts_with('{') {
            continue;
        }
        let mut newer = String::new();
        for line in text.lines().filter(|line| !line.is_empty()) {
            let mut object: Value = serde_json::from_str(line).expect("valid");
            object["zz_new"] = serde_json::json!({"deep": [1, null, {"a": "b"}]});
            newer.push_str(&format!("{object}\n"));
        }
        assert_eq!(
            read(format, &newer).alerts,
            read(format, &text).alerts,
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
    check(Format::Syslog, "syslog.log", "1:9000101", "T1692.001");
    // Of a rule of Wazuh's for all of Suricata, the signature counts.
    check(Format::Wazuh, "wazuh.json", "86601", "T1692.001");
    check(Format::Ocsf, "ocsf.json", "Program changed", "T0889");
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
        (Format::Wazuh, "wazuh.json", 3),
        (Format::Sigma, "sigma.json", 3),
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
    use Format::{Cef, Ecs, Eve, Jsonl, Ocsf, Sigma, Snort, Syslog, Wazuh, Zeek};
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
    check(Jsonl, &sample("cef.log"), 1, None, "--format cef");
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
    // A tool on the wall clock.
    check(
        Ocsf,
        r#"{"class_uid":2004,"time":1795421730250,"finding_info":{"uid":"a","title":"t"}}"#,
        1,
        Some("time"),
        "outside the run",
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
