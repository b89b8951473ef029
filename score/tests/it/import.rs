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
        Some("t_ns"),
        "all 1 records lie outside the run",
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
    check(Eve, br#"{"event_type":"alert","timestamp":"2026-11-23T08:15:30.250431+0000","alert":{"signature_id":1}}"#, 1, Some("timestamp"), "simulated time");
    // Nothing of it can be true: it is another run's file, and no quiet tool.
    check(
        Jsonl,
        b"\n{\"t_ns\":1,\"sig_id\":\"a\",\"src\":{\"ip\":\"nonsense\"}}\n{\"t_ns\":9000000000000,\"sig_id\":\"a\"}\n",
        2,
        Some("src.ip"),
        "none of 2 records can be true in this run; the first has \"nonsense\": not an IP address",
    );
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

/// A run of an hour with two SPANs.
fn run() -> ImportOptions {
    ImportOptions {
        frames: Some([("cell".to_owned(), 100), ("dmz".to_owned(), 7)].into()),
        span: Some("cell".to_owned()),
        ..options()
    }
}

#[test]
fn record_when_it_cannot_be_true_then_named_counted_and_not_credited() {
    let good = r#"{"t_ns":1,"sig_id":"good","span":"dmz","frame":7}"#;
    let check = |fields: &str, field: &str, found: &str, reason: &str| {
        let bad = format!("{{\"sig_id\":\"a\",{fields}}}");
        let import = import(
            Format::Jsonl,
            format!("{good}\n\n{bad}\n{good}\n").as_bytes(),
            &run(),
        )
        .unwrap_or_else(|error| panic!("{error}: {bad}"));
        assert_eq!(import.alerts.len(), 2, "{bad}");
        assert_eq!(import.skipped.get(reason), Some(&1), "{bad}: {import:?}");
        let [left] = &import.left_out[..] else {
            panic!("{bad}: {import:?}")
        };
        assert_eq!(
            (left.line, &*left.field, &*left.found, &*left.reason),
            (3, field, found, reason),
            "{bad}"
        );
        assert_eq!(import.read(), 3);
    };
    let after = "after the end of the run";
    check(r#""t_ns":3600000000001"#, "t_ns", "3600000000001", after);
    check(
        r#""t_ns":5,"t_received_ns":4"#,
        "t_received_ns",
        "4",
        "received before it happened",
    );
    check(
        r#""t_ns":5,"t_received_ns":3600000000001"#,
        "t_received_ns",
        "3600000000001",
        "received after the end of the run",
    );
    let no_span = "no such span in the run";
    check(r#""t_ns":5,"span":"lab""#, "span", "\"lab\"", no_span);
    check(
        r#""t_ns":5,"span":"lab","frame":1"#,
        "span",
        "\"lab\"",
        no_span,
    );
    let no_frame = "no such frame in the run";
    check(r#""t_ns":5,"span":"dmz","frame":8"#, "frame", "8", no_frame);
    check(r#""t_ns":5,"frame":101"#, "frame", "101", no_frame);
    let no_ip = "not an IP address";
    check(
        r#""t_ns":5,"src":{"ip":"nonsense"}"#,
        "src.ip",
        "\"nonsense\"",
        no_ip,
    );
    check(
        r#""t_ns":5,"dst":{"ip":"10.20.1.300"}"#,
        "dst.ip",
        "\"10.20.1.300\"",
        no_ip,
    );
    let no_mac = "not a MAC address";
    check(
        r#""t_ns":5,"src":{"mac":"02:54"}"#,
        "src.mac",
        "\"02:54\"",
        no_mac,
    );
}

#[test]
fn record_when_it_can_be_true_then_kept_whatever_else_it_says() {
    for line in [
        r#"{"t_ns":3600000000000,"sig_id":"a","t_received_ns":3600000000000}"#,
        r#"{"t_ns":0,"sig_id":"a","span":"cell","frame":100}"#,
        // The SPAN is a guess of ours where the record names none, and no reason to leave it out.
        r#"{"t_ns":5,"sig_id":"a","frame":100}"#,
        r#"{"t_ns":5,"sig_id":"a","src":{"ip":"fe80::1%eth0","mac":"0254.5714.0142","asset":"whoever"}}"#,
        r#"{"t_ns":5,"sig_id":"a","t_end_ns":1,"colour":"red"}"#,
    ] {
        let import = import(Format::Jsonl, line.as_bytes(), &run()).expect(line);
        assert_eq!((import.alerts.len(), import.impossible), (1, 0), "{line}");
    }
}

#[test]
fn eve_when_a_record_cannot_be_true_then_the_fields_of_eve_are_named() {
    let line = |fields: &str| {
        format!(
            "{{\"timestamp\":\"2026-01-05T06:00:15+0000\",\"event_type\":\"modbus\",\"src_ip\":\"10.20.1.66\",{fields}}}\n"
        )
    };
    let file = [
        line("\"pcap_cnt\":100"),
        line("\"pcap_cnt\":101"),
        line("\"dest_ip\":\"the filler\""),
        line("\"dest_ip\":\"10.20.1.11\"").replace("06:00:15", "05:00:15"),
        line("\"dest_ip\":\"10.20.1.11\"").replace("06:00:15", "08:00:15"),
    ]
    .concat();
    let import = import(Format::Eve, file.as_bytes(), &run()).expect("readable");
    let places: Vec<(u64, &str, &str)> = import
        .left_out
        .iter()
        .map(|left| (left.line, &*left.field, &*left.reason))
        .collect();
    assert_eq!(
        places,
        [
            (2, "pcap_cnt", "no such frame in the run"),
            (3, "dest_ip", "not an IP address"),
            (4, "timestamp", "before the start of the run"),
            (5, "timestamp", "after the end of the run"),
        ]
    );
    assert_eq!((import.alerts.len(), import.read()), (1, 5));
}

/// What an offline import left out is still said when its alerts are read again.
#[test]
fn report_when_added_to_the_kept_alerts_then_as_if_the_file_were_read_again() {
    let file = concat!(
        "{\"t_ns\":1,\"sig_id\":\"a\",\"techniques\":[\"T9999\"],\"colour\":\"red\"}\n",
        "{\"t_ns\":1,\"sig_id\":\"a\",\"frame\":9000}\n",
    );
    let first = import(Format::Jsonl, file.as_bytes(), &run()).expect("readable");
    let kept = to_jsonl(&first.alerts);
    let again = import(Format::Jsonl, kept.as_bytes(), &run()).expect("readable");
    let report = serde_json::to_string(&first.report(Format::Jsonl)).expect("it encodes");
    let report = serde_json::from_str(&report).expect("it decodes");
    assert_eq!(again.after(report), first);
}

#[test]
fn import_when_many_records_are_impossible_then_all_are_counted_and_some_listed() {
    let mut file = String::from("{\"t_ns\":1,\"sig_id\":\"a\"}\n");
    file.push_str(&"{\"t_ns\":1,\"sig_id\":\"a\",\"frame\":101}\n".repeat(60));
    let import = import(Format::Jsonl, file.as_bytes(), &run()).expect("readable");
    assert_eq!((import.left_out.len(), import.impossible), (50, 60));
    assert_eq!(import.skipped["no such frame in the run"], 60);
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
