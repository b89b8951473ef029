//! Importers: what they accept, and where they say a file is wrong.

use twinrange_score::alert::{Action, Kind, TechniqueSource, to_jsonl};
use twinrange_score::formats::{Format, Import, ImportOptions, import};

fn options() -> ImportOptions {
    ImportOptions {
        duration_ns: Some(3_600_000_000_000),
        ..ImportOptions::default()
    }
}

fn read(format: Format, text: &str) -> Import {
    import(format, text.as_bytes(), &options()).unwrap_or_else(|error| panic!("{error}: {text}"))
}

#[test]
fn jsonl_when_full_then_every_field_is_kept() {
    let line = r#"{"t_ns":15000000,"tool":"reference","sensor":"cell","sig_id":"new-talker","sig_name":"New talker on Modbus","severity":7,"src":{"ip":"10.20.1.66","port":49812,"mac":"02-54-57-14-01-42","asset":"vendor-laptop"},"dst":{"ip":"10.20.1.11"},"proto":"modbus","techniques":["T0846.001","T0855"],"tactics":["TA0102","impair-process-control"],"technique_source":"native","action":"none","span":"cell","frame":4711,"raw":null}"#;
    let result = read(Format::Jsonl, line);
    let alert = &result.alerts[0];
    assert_eq!(alert.t_ns, 15_000_000);
    assert_eq!(alert.src.mac.as_deref(), Some("02:54:57:14:01:42"));
    assert_eq!(alert.src.port, Some(49812));
    assert_eq!(alert.techniques, ["T0846.001", "T1692.001"]);
    assert_eq!(alert.tactics, ["TA0102", "TA0106"]);
    assert_eq!((alert.severity, alert.frame), (Some(7), Some(4711)));
    assert!(
        result.anomalies.is_empty() && result.skipped.is_empty(),
        "{result:?}"
    );
    // What is written is read back equal.
    assert_eq!(
        read(Format::Jsonl, &to_jsonl(&result.alerts)).alerts,
        result.alerts
    );
}

#[test]
fn jsonl_when_lenient_then_accepted_and_counted() {
    let count = |text: &str| read(Format::Jsonl, text).alerts.len();
    assert_eq!(count(""), 0);
    assert_eq!(count("\n \r\n"), 0);
    assert_eq!(
        count("\u{feff}{\"t_ns\":1,\"sig_id\":7}\r\n\n{\"t_ns\":2,\"sig_id\":\"b\"}"),
        2
    );
    let odd = read(
        Format::Jsonl,
        r#"{"t_ns":1,"sig_id":"a","colour":"red","techniques":"T9999"}"#,
    );
    assert_eq!(odd.anomalies.len(), 2, "{odd:?}");
    let unsorted = read(
        Format::Jsonl,
        "{\"t_ns\":5,\"sig_id\":\"a\"}\n{\"t_ns\":2,\"sig_id\":\"b\"}\n",
    );
    assert_eq!(unsorted.alerts[0].sig_id, "b");
    assert_eq!(unsorted.anomalies.values().sum::<u64>(), 1);
    let late = read(
        Format::Jsonl,
        "{\"t_ns\":1,\"sig_id\":\"a\"}\n{\"t_ns\":9000000000000,\"sig_id\":\"b\"}\n",
    );
    assert_eq!(
        (late.alerts.len(), late.skipped["after the end of the run"]),
        (1, 1)
    );
}

#[test]
fn techniques_when_missing_then_tags_then_table_and_never_guessed() {
    let mut options = options();
    options
        .signature_techniques
        .insert("rule-7".to_owned(), vec!["T0855".to_owned()]);
    let check = |line: &str, expect: &[&str], source: TechniqueSource| {
        let result = import(Format::Jsonl, line.as_bytes(), &options).expect("valid");
        assert_eq!(result.alerts[0].techniques, expect, "{line}");
        assert_eq!(result.alerts[0].technique_source, source, "{line}");
    };
    check(
        r#"{"t_ns":1,"sig_id":"rule-7"}"#,
        &["T1692.001"],
        TechniqueSource::Table,
    );
    check(
        r#"{"t_ns":1,"sig_id":"rule-7","tags":["x","attack.t0836"]}"#,
        &["T0836"],
        TechniqueSource::Tag,
    );
    check(
        r#"{"t_ns":1,"sig_id":"rule-7","techniques":["T0814"]}"#,
        &["T0814"],
        TechniqueSource::Native,
    );
    check(
        r#"{"t_ns":1,"sig_id":"Modbus write T0855"}"#,
        &[],
        TechniqueSource::None,
    );
}

#[test]
fn import_when_file_is_wrong_then_line_field_and_hint() {
    let check = |format: Format, bytes: &[u8], line: u64, field: Option<&str>, says: &str| {
        let error = import(format, bytes, &options()).expect_err(says);
        let shown = format!("{error} / {}", error.hint.clone().unwrap_or_default());
        assert_eq!(
            (error.line, error.field.as_deref()),
            (line, field),
            "{shown}"
        );
        assert!(shown.contains(says), "{shown:?} does not say {says:?}");
    };
    use Format::{Eve, Jsonl};
    let ok = "{\"t_ns\":1,\"sig_id\":\"a\"}\n";
    let after = |rest: &str| format!("{ok}{rest}").into_bytes();
    check(Jsonl, &after("{\"t_ns\":2,\"si"), 2, None, "truncated");
    check(
        Jsonl,
        &after("{\"t_ns\":2,\n\"sig_id\":\"a\"}\n"),
        2,
        None,
        "pretty-printed",
    );
    check(Jsonl, &after("{\"t_ns\":2,,}\n"), 2, None, "column 11");
    check(
        Jsonl,
        &after("{\"t_ns\":2,\"sig_id\":\"a\"}{}\n"),
        2,
        None,
        "trailing characters",
    );
    check(Jsonl, b"[{\"t_ns\":1}]", 1, None, "a JSON array");
    check(Jsonl, b"<alerts/>", 1, None, "XML");
    check(Jsonl, b"#separator \\x09\n", 1, None, "Zeek");
    check(Jsonl, b"time,sid,msg\n1,2,3\n", 1, None, "comma-separated");
    check(
        Jsonl,
        b"01/05-06:00:15.25 [**] [1:9000101:2] x [**]",
        1,
        None,
        "fast.log",
    );
    check(Jsonl, b"CEF:0|v|p|1|7|n|5|", 1, None, "CEF");
    check(Jsonl, &[0x0a, 0x0d, 0x0d, 0x0a, 0, 0], 1, None, "pcapng");
    check(Jsonl, &[0x1f, 0x8b, 8, 0], 1, None, "gzip");
    check(
        Jsonl,
        b"{\"t_ns\":1,\"sig_id\":\"a\"}\n\xff\xfe\n",
        2,
        None,
        "UTF-8",
    );
    check(
        Jsonl,
        b"{\"sig_id\":\"a\"}",
        1,
        Some("t_ns"),
        "required field is missing",
    );
    check(
        Jsonl,
        b"{\"t_n\":1,\"sig_id\":\"a\"}",
        1,
        Some("t_ns"),
        "did you mean `t_ns`",
    );
    check(
        Jsonl,
        b"{\"t_ns\":1}",
        1,
        Some("sig_id"),
        "required field is missing",
    );
    check(
        Jsonl,
        b"{\"t_ns\":1.5,\"sig_id\":\"a\"}",
        1,
        Some("t_ns"),
        "invalid time 1.5",
    );
    check(
        Jsonl,
        b"{\"t_ns\":-1,\"sig_id\":\"a\"}",
        1,
        Some("t_ns"),
        "invalid time -1",
    );
    check(
        Jsonl,
        b"{\"t_ns\":\"1\",\"sig_id\":\"a\"}",
        1,
        Some("t_ns"),
        "not a number",
    );
    check(
        Jsonl,
        b"{\"t_ns\":1,\"sig_id\":\"a\",\"severity\":11}",
        1,
        Some("severity"),
        "0 to 10",
    );
    check(
        Jsonl,
        b"{\"t_ns\":1,\"sig_id\":\"a\",\"src\":{\"port\":70000}}",
        1,
        Some("src.port"),
        "65535",
    );
    check(
        Jsonl,
        b"{\"t_ns\":1,\"sig_id\":\"a\",\"src\":\"10.0.0.1\"}",
        1,
        Some("src"),
        "expected an object",
    );
    check(
        Jsonl,
        b"{\"t_ns\":1,\"sig_id\":\"a\",\"techniques\":[\"0855\"]}",
        1,
        Some("techniques"),
        "T0846",
    );
    check(
        Jsonl,
        b"{\"t_ns\":1,\"sig_id\":\"a\",\"tactics\":[\"badness\"]}",
        1,
        Some("tactics"),
        "TA0102",
    );
    check(
        Jsonl,
        b"{\"t_ns\":1,\"sig_id\":\"a\",\"kind\":\"alarm\"}",
        1,
        Some("kind"),
        "alert, log",
    );
    check(
        Jsonl,
        b"{\"t_ns\":1,\"sig_id\":\"a\",\"frame\":0}",
        1,
        Some("frame"),
        "start at 1",
    );
    check(
        Jsonl,
        b"{\"t_ns\":9000000000000,\"sig_id\":\"a\"}",
        1,
        None,
        "outside the run",
    );
    check(
        Jsonl,
        br#"{"timestamp":"2026-01-05T06:00:15.2+0000","event_type":"alert"}"#,
        1,
        Some("t_ns"),
        "--format eve",
    );
    check(Eve, ok.as_bytes(), 1, Some("event_type"), "--format jsonl");
    check(
        Eve,
        br#"{"event_type":"alert"}"#,
        1,
        Some("timestamp"),
        "missing",
    );
    check(
        Eve,
        br#"{"event_type":"alert","timestamp":"yesterday"}"#,
        1,
        Some("timestamp"),
        "invalid time",
    );
    check(
        Eve,
        br#"{"event_type":"alert","timestamp":"2026-01-05T06:00:15"}"#,
        1,
        Some("timestamp"),
        "invalid time",
    );
    check(
        Eve,
        br#"{"event_type":"alert","timestamp":"2026-01-05T06:00:15+0000"}"#,
        1,
        Some("alert"),
        "no `alert` object",
    );
    check(
        Eve,
        br#"{"event_type":"alert","timestamp":"2026-01-05T06:00:15+0000","alert":{}}"#,
        1,
        Some("alert.signature_id"),
        "missing",
    );
    // A tool on the wall clock: everything lies months after the run.
    check(Eve, br#"{"event_type":"alert","timestamp":"2026-11-23T08:15:30.250431+0000","alert":{"signature_id":1}}"#, 1, None, "simulated time");
}

const EVE: &str = concat!(
    r#"{"timestamp":"2026-01-05T06:00:15.250431+0000","flow_id":9,"in_iface":"tap0","event_type":"alert","src_ip":"10.20.0.66","src_port":49812,"dest_ip":"10.20.1.10","dest_port":502,"proto":"TCP","app_proto":"modbus","pcap_cnt":13,"alert":{"action":"allowed","gid":1,"signature_id":9000101,"rev":2,"signature":"RANGE Modbus write","category":"Bad","severity":2,"metadata":{"mitre_technique_id":["T0855"],"mitre_tactic_id":["TA0106"]}}}"#,
    "\n",
    r#"{"timestamp":"2026-01-05T07:00:16.0+01:00","event_type":"alert","src_ip":"10.20.0.66","proto":"TCP","pcap_cnt":null,"alert":{"action":"blocked","signature_id":9000102,"severity":1}}"#,
    "\n",
    r#"{"timestamp":"2026-01-05T06:00:17.0Z","event_type":"alert","alert":{"signature_id":3,"severity":7,"metadata":{"tag":["attack.t0836"],"mitre_technique_id":["bogus"]}}}"#,
    "\n",
    r#"{"timestamp":"2026-01-05T06:00:18.000000+0000","event_type":"modbus","src_ip":"10.20.1.21","dest_ip":"10.20.1.11","dest_port":502,"proto":"TCP","pcap_cnt":99}"#,
    "\n",
    r#"{"timestamp":"2026-01-05T06:00:19.000000+0000","event_type":"stats","stats":{"uptime":19}}"#,
    "\n",
    r#"{"timestamp":"2026-01-05T05:59:59.000000+0000","event_type":"flow","src_ip":"10.20.1.21"}"#,
    "\n",
);

#[test]
fn eve_when_mixed_then_only_alert_records_alert() {
    let mut options = options();
    options
        .signature_techniques
        .insert("9000102".to_owned(), vec!["T0814".to_owned()]);
    options.span = Some("cell".to_owned());
    let result = import(Format::Eve, EVE.as_bytes(), &options).expect("valid");
    let kinds: Vec<Kind> = result.alerts.iter().map(|alert| alert.kind).collect();
    assert_eq!(kinds, [Kind::Alert, Kind::Alert, Kind::Alert, Kind::Log]);
    let [native, table, tag, log] = &result.alerts[..] else {
        panic!("four records")
    };
    assert_eq!(native.t_ns, 15_250_431_000);
    assert_eq!(
        (native.frame, native.span.as_deref()),
        (Some(13), Some("cell"))
    );
    assert_eq!((native.severity, native.action), (Some(6), Action::Allowed));
    assert_eq!(native.techniques, ["T1692.001"]);
    assert_eq!(
        (native.proto.as_deref(), native.sig_id.as_str()),
        (Some("modbus"), "9000101")
    );
    assert_eq!(
        (native.src.ip.as_deref(), native.dst.port),
        (Some("10.20.0.66"), Some(502))
    );
    assert_eq!(
        (table.t_ns, table.frame, table.severity),
        (16_000_000_000, None, Some(9))
    );
    assert_eq!(table.technique_source, TechniqueSource::Table);
    assert_eq!(table.action, Action::Blocked);
    assert_eq!(
        (tag.technique_source, tag.severity),
        (TechniqueSource::Tag, None)
    );
    assert_eq!((log.sig_id.as_str(), log.frame), ("modbus", Some(99)));
    assert_eq!(result.skipped["before the start of the run"], 1);
    assert_eq!(result.skipped["`stats` record without addresses"], 1);
    assert_eq!(
        result.anomalies.values().sum::<u64>(),
        2,
        "{:?}",
        result.anomalies
    );
}

#[test]
fn clock_offset_when_given_then_added() {
    let shifted = ImportOptions {
        clock_offset_ns: 5,
        ..options()
    };
    let at = |t_ns: &str| {
        let line = format!("{{\"t_ns\":{t_ns},\"sig_id\":\"a\"}}");
        import(Format::Jsonl, line.as_bytes(), &shifted)
            .expect("valid")
            .alerts[0]
            .t_ns
    };
    assert_eq!(at("10"), 15);
}

#[test]
fn format_when_named_then_found_or_suggested() {
    assert_eq!(Format::from_name("JSONL"), Ok(Format::Jsonl));
    assert_eq!(Format::from_name("suricata"), Ok(Format::Eve));
    assert_eq!(Format::from_name("jsnl"), Err(Some("jsonl")));
    assert_eq!(Format::from_name("zeek-notice-log"), Err(None));
}
