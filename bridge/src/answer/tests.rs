//! Accepted and refused lines, as data.

use proptest::prelude::*;
use serde_json::json;

use super::*;

fn collector() -> Collector {
    let verbs = [Verb::Deny, Verb::Contain, Verb::Restore];
    Collector {
        tool: "probe".into(),
        ..Collector::new(["cell".to_owned()], verbs)
    }
}

fn answer(body: &Value) -> Result<Answer, DefenseError> {
    let mut collector = collector();
    collector.take(4, body.to_string().as_bytes(), 7, 1000)?;
    Ok(collector.finish_interval())
}

fn check_alert(alert: Value, expect: &str) {
    let result = answer(&json!({"type":"answer","seq":7,"alerts":[alert]}));
    match result {
        Ok(_) => assert_eq!(expect, "ok"),
        Err(error) => assert_eq!(
            error.to_string(),
            format!("line 4 of the defense's output, alerts[0]: {expect}")
        ),
    }
}

fn check_action(action: Value, expect: &str) {
    let result = answer(&json!({"type":"answer","seq":7,"actions":[action]}));
    match result {
        Ok(_) => assert_eq!(expect, "ok"),
        Err(error) => {
            let text = error.to_string();
            assert!(
                text.starts_with("line 4 of the defense's output, actions[0]: "),
                "{text}"
            );
            assert!(text.contains(expect), "{text}");
        }
    }
}

#[test]
fn alert_when_a_field_is_wrong_then_the_message_names_it() {
    check_alert(json!({"t_ns":1000,"sig_id":"a"}), "ok");
    check_alert(
        json!({"t_ns":0,"sig_id":"a","severity":10,"src":{"ip":"10.20.1.66","port":502,"mac":"02:00","asset":"x"},
        "techniques":["T0836","T1692.001"],"tactics":["TA0106"],"technique_source":"native","action":"none","kind":"alert","span":"cell",
        "frame":1,"raw":{"anything":[1,2]},"dst":null}),
        "ok",
    );
    check_alert(json!(3), "must be an object");
    check_alert(json!({"sig_id":"a"}), "'t_ns' is missing");
    check_alert(json!({"t_ns":1}), "'sig_id' is missing");
    check_alert(
        json!({"t_ns":1001,"sig_id":"a"}),
        "'t_ns' is 1001, after the end of the interval at 1000",
    );
    check_alert(
        json!({"t_ns":1.5,"sig_id":"a"}),
        "'t_ns' must be a whole number of simulated ns",
    );
    check_alert(
        json!({"t_ns":-1,"sig_id":"a"}),
        "'t_ns' must be a whole number of simulated ns",
    );
    check_alert(json!({"t_ns":1,"sig_id":""}), "'sig_id' must not be empty");
    check_alert(json!({"t_ns":1,"sig_id":7}), "'sig_id' must be a string");
    check_alert(
        json!({"t_ns":1,"sig_id":"x".repeat(257)}),
        "'sig_id' is longer than 256 characters",
    );
    check_alert(
        json!({"t_ns":1,"sig_id":"a","severity":11}),
        "'severity' must be a number from 0 to 10",
    );
    check_alert(
        json!({"t_ns":1,"sig_id":"a","techniques":"T0836"}),
        "'techniques' must be a list",
    );
    check_alert(
        json!({"t_ns":1,"sig_id":"a","techniques":["0836"]}),
        "\"0836\" in 'techniques' is not an id like T0836 or T1692.001",
    );
    check_alert(
        json!({"t_ns":1,"sig_id":"a","span":"dmz"}),
        "there is no span 'dmz'; spans: cell",
    );
    check_alert(
        json!({"t_ns":1,"sig_id":"a","span":"cell","frame":0}),
        "'frame' must be a whole number from 1",
    );
    check_alert(
        json!({"t_ns":1,"sig_id":"a","frame":1}),
        "'frame' needs 'span': frame numbers are counted per span",
    );
    check_alert(
        json!({"t_ns":1,"sig_id":"a","src":{"ip":"nowhere"}}),
        "'src.ip' is not an address: nowhere",
    );
    check_alert(
        json!({"t_ns":1,"sig_id":"a","src":{"port":70000}}),
        "'src.port' must be a whole number from 0 to 65535",
    );
    check_alert(
        json!({"t_ns":1,"sig_id":"a","technique":"T0836"}),
        "unknown field 'technique'; data of your own goes under 'raw'",
    );
}

#[test]
fn alert_when_accepted_then_tool_and_receipt_time_are_filled_in() {
    let got = answer(&json!({"type":"answer","seq":7,"alerts":[{"t_ns":5,"sig_id":"a"}]}))
        .expect("valid");
    assert_eq!(
        got.alerts,
        [json!({"t_ns":5,"sig_id":"a","tool":"probe","t_received_ns":1000})]
    );
}

#[test]
fn action_when_it_is_malformed_then_the_message_says_how() {
    check_action(
        json!({"command_id":"c","action":"deny","target":{"ip":"10.20.1.66"},"args":{"duration_s":600}}),
        "ok",
    );
    check_action(
        json!({"command_id":"c","action":"deny","target":{"switch_port":{"switch":"sw-cell","port":4}}}),
        "ok",
    );
    check_action(
        json!({"command_id":"c","action":"contain","target":{"host":"vendor-laptop"}}),
        "ok",
    );
    check_action(
        json!({"command_id":"c","action":"restore","target":{"controller":"plc-filler"}}),
        "ok",
    );
    check_action(
        json!({"command_id":"c","action":"explode","target":{"host":"x"}}),
        "action 'explode' is not offered in this run; 'hello' offered: [deny, contain, restore]",
    );
    check_action(
        json!({"command_id":"c","action":"contain","target":{"ip":"10.20.1.66"}}),
        "the target does not fit the action",
    );
    check_action(
        json!({"action":"deny","target":{"ip":"10.20.1.66"}}),
        "missing field `command_id`",
    );
    check_action(
        json!({"command_id":"","action":"deny","target":{"ip":"10.20.1.66"}}),
        "'command_id' must have 1 to 256 characters",
    );
    check_action(
        json!({"command_id":"c","action":"deny","target":{"ip":"10.20.1.66"},"args":{"duration_s":0}}),
        "'duration_s' must be greater than 0",
    );
    for time in ["from_ns", "until_ns"] {
        check_action(
            json!({"command_id":"c","action":"contain","target":{"host":"hmi-1"},"args":{time:5}}),
            &format!("unknown field `{time}`, expected `duration_s`"),
        );
    }
    check_action(
        json!({"command_id":"c","action":"restore","target":{"controller":"x"},"args":{"duration_s":1}}),
        "'duration_s' has no meaning for restore",
    );
    check_action(
        json!({"command_id":"c","action":"deny","target":{"ip":"10.20.1.66"},"why":1}),
        "unknown field `why`",
    );
    check_action(json!("deny"), "must be an object");
    let values = json!(["c", "deny", {"ip": "10.20.1.66"}, {}]);
    check_action(values, "must be an object");
}

#[test]
fn action_when_a_text_of_its_target_is_too_long_then_the_message_names_it() {
    let check = |verb: &str, key: &str, target: Value| {
        let expect = format!("'{key}' is longer than 256 characters");
        check_action(
            json!({"command_id":"c","action":verb,"target":target}),
            &expect,
        );
    };
    let long = "x".repeat(TEXT_LIMIT_CHARS + 1);
    check("deny", "ip", json!({"ip": long}));
    check("deny", "mac", json!({"mac": long}));
    let port = json!({"switch_port": {"switch": long, "port": 4}});
    check("deny", "switch", port);
    check("contain", "host", json!({"host": long}));
    check("restore", "controller", json!({"controller": long}));
}

#[test]
fn alerts_when_refused_then_they_use_up_nothing_of_what_a_session_takes() {
    let mut collector = collector();
    let alert = json!({"t_ns":1,"sig_id":"a"});
    let many = vec![alert.clone(); ALERTS_PER_RUN];
    let mut hand_in = |alerts: Vec<Value>, bytes_max: u64| {
        let taken = collector.alerts_of("probe", alerts, 1000, bytes_max);
        taken.map(|taken| taken.len())
    };
    let one_bytes = json!({"t_ns":1,"sig_id":"a","tool":"probe","t_received_ns":1000})
        .to_string()
        .len() as u64;
    let (place, why) = hand_in(many.clone(), one_bytes).expect_err("too many bytes");
    assert_eq!(place, None);
    assert_eq!(
        why,
        format!("the alerts of a session have at most {one_bytes} bytes")
    );
    let wrong = [vec![alert.clone(); ALERTS_PER_RUN - 1], vec![json!(7)]].concat();
    let refused = hand_in(wrong, u64::MAX).expect_err("the last is wrong");
    assert_eq!(refused.0, Some(ALERTS_PER_RUN - 1));
    assert_eq!(hand_in(vec![alert.clone()], one_bytes), Ok(1));
    assert!(hand_in(vec![alert.clone()], one_bytes).is_err());
    assert_eq!(
        hand_in(many[1..].to_vec(), u64::MAX),
        Ok(ALERTS_PER_RUN - 1)
    );
    let full = hand_in(vec![alert], u64::MAX).expect_err("that was all");
    assert_eq!(full, (None, "a session takes at most 100000 alerts".into()));
}

#[test]
fn action_when_command_id_repeats_then_it_is_an_error() {
    let mut collector = collector();
    let line = br#"{"type":"answer","seq":7,"actions":[{"command_id":"c","action":"deny","target":{"ip":"10.20.1.66"}}]}"#;
    collector.take(1, line, 7, 1000).expect("first use");
    let error = collector.take(2, line, 7, 1000).expect_err("second use");
    assert!(error.to_string().contains("already used"), "{error}");
}

#[test]
fn counts_when_over_the_limit_then_too_many() {
    let alert = json!({"t_ns":1,"sig_id":"a"});
    let error =
        answer(&json!({"type":"answer","seq":7,"alerts":vec![alert; ALERTS_PER_INTERVAL + 1]}))
            .expect_err("one too many");
    assert_eq!(error.code(), "DF0009");
    let mut collector = collector();
    for line in 1..=ANSWER_LINES_PER_INTERVAL as u64 {
        collector
            .take(line, br#"{"type":"answer","seq":7}"#, 7, 1000)
            .expect("within the limit");
    }
    assert_eq!(
        collector
            .take(9, br#"{"type":"done","seq":7}"#, 7, 1000)
            .expect("done"),
        Progress::Done
    );
    let error = collector
        .take(9, br#"{"type":"done","seq":7}"#, 7, 1000)
        .expect_err("after the limit");
    assert_eq!(error.code(), "DF0009");
}

#[test]
fn ready_when_lines_differ_then_only_the_contract_passes() {
    let check = |line: &str, expect: &str| match parse_ready(1, line.as_bytes()) {
        Ok(ready) => assert_eq!(expect, "ok", "{ready:?}"),
        Err(error) => assert!(error.to_string().contains(expect), "{error}"),
    };
    check(
        r#"{"type":"ready","version":1,"name":"x","wants":["frames","tags"]}"#,
        "ok",
    );
    check(
        r#"{"type":"ready","version":9,"name":"x","wants":["frames"]}"#,
        "chose protocol version 9; this range speaks [1]",
    );
    check(
        r#"{"type":"ready","version":"1","name":"x","wants":["frames"]}"#,
        "'version' must be one of",
    );
    check(
        r#"{"type":"ready","version":1,"name":"","wants":["frames"]}"#,
        "'name' must have 1 to 256 characters",
    );
    check(
        r#"{"type":"ready","version":1,"name":"x","wants":[]}"#,
        "'wants' is empty",
    );
    check(
        r#"{"type":"ready","version":1,"name":"x","wants":["truth"]}"#,
        "'wants' holds only",
    );
    for wrong in ["\"pcap\"", "1", "[\"binary\"]"] {
        let line = format!(
            r#"{{"type":"ready","version":1,"name":"x","wants":["frames"],"frames_as":{wrong}}}"#
        );
        check(&line, "'frames_as' must be one of json, binary");
    }
    check(
        r#"{"type":"done","seq":1}"#,
        "expected type 'ready', found 'done'",
    );
    check(
        r#"{"type":"error","message":"no model"}"#,
        "gave up: no model",
    );
    check("[1]", "expected a JSON object");
    check(
        "Loading model…",
        "line 1, column 1 of the defense's output: not JSON",
    );
}

#[test]
fn verdict_when_lines_differ_then_only_the_contract_passes() {
    let check = |line: &str, expect: &str| match parse_verdict(1, line.as_bytes(), 7) {
        Ok(verdict) => assert_eq!(format!("{verdict:?}"), expect, "{line}"),
        Err(error) => assert!(error.to_string().contains(expect), "{line}: {error}"),
    };
    let verdict = |rest: &str| format!(r#"{{"type":"verdict","n":7{rest}}}"#);
    check(&verdict(r#","verdict":"pass""#), "Pass { delay_ns: 0 }");
    check(&verdict(r#","verdict":"drop","delay_ns":null"#), "Drop");
    let held = r#","verdict":"pass","delay_ns":10000000000"#;
    check(&verdict(held), "Pass { delay_ns: 10000000000 }");
    check(&verdict(""), "'verdict' is missing");
    check(&verdict(r#","verdict":"reject""#), "\"pass\" or \"drop\"");
    let late = r#","verdict":"pass","delay_ns":10000000001"#;
    check(&verdict(late), "from 0 to 10000000000");
    let negative = r#","verdict":"pass","delay_ns":-1"#;
    check(&verdict(negative), "from 0 to 10000000000");
    let both = r#","verdict":"drop","delay_ns":1"#;
    check(&verdict(both), "that is dropped");
    check(
        &verdict(r#","verdict":"pass","why":"x""#),
        "unknown field 'why'",
    );
    check(
        r#"{"type":"verdict","n":6,"verdict":"pass"}"#,
        "'n' must be 7",
    );
    check(r#"{"type":"verdict","verdict":"pass"}"#, "'n' must be 7");
    check(r#"{"type":"done","seq":7}"#, "expected type 'verdict'");
    check(r#"{"type":"error","message":"no"}"#, "gave up: no");
    check("pass", "not JSON");
}

proptest! {
    #[test]
    fn any_bytes_when_taken_then_no_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = collector().take(1, &bytes, 7, 1000);
        let _ = parse_ready(1, &bytes);
        let _ = parse_verdict(1, &bytes, 7);
    }

    #[test]
    fn any_json_when_taken_then_no_panic_and_accepted_alerts_are_in_bounds(
        key in "(t_ns|sig_id|severity|techniques|src|frame|span|raw|tool|x)",
        value in any_value(),
        verb in "(deny|contain|restore|x)",
        target in any_value(),
    ) {
        let mut alert = json!({"t_ns": 5, "sig_id": "a"});
        alert[key] = value;
        let body = json!({"type":"answer","seq":7,"alerts":[alert],
            "actions":[{"command_id":"c","action":verb,"target":target}]});
        if let Ok(got) = answer(&body) {
            for alert in &got.alerts {
                prop_assert!(alert["t_ns"].as_u64().is_some_and(|t_ns| t_ns <= 1000));
                prop_assert!(alert["sig_id"].as_str().is_some_and(|id| !id.is_empty()));
            }
        }
    }
}

fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,20}".prop_map(Value::from),
        "T[0-9]{4}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::btree_map(
                "(ip|mac|host|port|switch_port|controller|[a-z]{1,4})",
                inner,
                0..4
            )
            .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}
