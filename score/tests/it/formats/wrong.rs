//! What is refused, with line, field and hint.

use twinrange_score::formats::{Format, ImportOptions, import};

use super::sample;
use crate::invariants::options;

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
