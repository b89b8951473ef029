//! Alert files of other tools: what cannot be read is refused with the line, never half counted.

use std::fs;

use crate::support::{read_json, run_calm, scratch, twinrange, words};

const ALERT: &str = r#"{"t_ns":15000000000,"sig_id":"a"}"#;
const EVE: &str = r#"{"timestamp":"2026-01-05T06:00:15.000000+0000","event_type":"alert","src_ip":"10.20.1.66","dest_ip":"10.20.1.11","proto":"TCP","alert":{"action":"allowed","gid":1,"signature_id":1000001,"rev":1,"signature":"Write","category":"","severity":1}}"#;

struct Case {
    name: &'static str,
    format: &'static str,
    content: Vec<u8>,
    says: &'static [&'static str],
}

fn case(
    name: &'static str,
    format: &'static str,
    content: impl AsRef<[u8]>,
    says: &'static [&'static str],
) -> Case {
    Case {
        name,
        format,
        content: content.as_ref().to_vec(),
        says,
    }
}

fn cases() -> Vec<Case> {
    let binary: Vec<u8> = (0..=255).rev().collect();
    vec![
        case(
            "cut.jsonl",
            "jsonl",
            format!("{ALERT}\n{ALERT}\n{}", &ALERT[..12]),
            &["cut.jsonl:3:", "truncated"],
        ),
        case(
            "key.jsonl",
            "jsonl",
            format!("{ALERT}\n{{\"t_ns\":5,\"sig\":\"a\"}}\n"),
            &["key.jsonl:2:", "sig_id"],
        ),
        case(
            "list.jsonl",
            "jsonl",
            format!("{ALERT}\n[1, 2]\n"),
            &["list.jsonl:2:1:", "array"],
        ),
        case(
            "early.jsonl",
            "jsonl",
            "{\"t_ns\":-5,\"sig_id\":\"a\"}\n",
            &["early.jsonl:1:", "time -5"],
        ),
        case(
            "late.jsonl",
            "jsonl",
            "{\"t_ns\":99000000000000,\"sig_id\":\"a\"}\n",
            &["late.jsonl:1:", "outside the run"],
        ),
        case(
            "binary.jsonl",
            "jsonl",
            &binary,
            &["binary.jsonl:1:", "UTF-8"],
        ),
        case(
            "alerts.xml",
            "jsonl",
            "<alerts><alert/></alerts>\n",
            &["alerts.xml:1:1:", "XML"],
        ),
        case(
            "alerts.csv",
            "jsonl",
            "time,rule\n15,a\n",
            &["alerts.csv:1:1:", "comma-separated"],
        ),
        case(
            "eve.json",
            "jsonl",
            format!("{EVE}\n"),
            &["eve.json:1:", "--format eve"],
        ),
        case(
            "own.jsonl",
            "eve",
            format!("{ALERT}\n"),
            &["own.jsonl:1:", "--format jsonl"],
        ),
        case(
            "cut.json",
            "eve",
            format!("{EVE}\n{}", &EVE[..90]),
            &["cut.json:2:", "truncated"],
        ),
        case(
            "time.json",
            "eve",
            EVE.replace("2026-01-05T06:00:15.000000+0000", "yesterday"),
            &["time.json:1:", "yesterday"],
        ),
        case(
            "clock.json",
            "eve",
            EVE.replace("2026-01-05", "2031-01-05"),
            &["clock.json:1:", "outside the run"],
        ),
        case("binary.json", "eve", &binary, &["binary.json:1:", "UTF-8"]),
        case(
            "bundle.json",
            "stix",
            "{\"type\": \"bundle\", \"objects\": [\n  {\"type\": \"sighting\"}\n]}\n",
            &["bundle.json:2:3:", "sighting_of_ref"],
        ),
        case(
            "cut-bundle.json",
            "stix",
            "{\"type\": \"bundle\", \"objects\": [\n  {\"type\":",
            &["cut-bundle.json:2:", "truncated"],
        ),
        case(
            "eve-as-stix.json",
            "stix",
            format!("{EVE}\n"),
            &["eve-as-stix.json:1:1:", "--format eve"],
        ),
    ]
}

#[test]
fn alerts_when_unreadable_then_exit_code_2_and_the_line() {
    let folder = scratch();
    words(folder.path(), "run bottling/calm --duration 60s --out run").expect_code(0);
    for case in cases() {
        fs::write(folder.path().join(case.name), &case.content).expect("the file can be written");
        let done = twinrange(
            folder.path(),
            &[
                "score",
                "run",
                "--alerts",
                case.name,
                "--format",
                case.format,
            ],
        );
        done.expect_code(2)
            .expect_says(&["TR0313"])
            .expect_says(case.says);
    }
    assert!(
        !folder.path().join("run/score").exists(),
        "nothing was scored"
    );
    for missing in ["absent.jsonl", "run"] {
        let done = twinrange(
            folder.path(),
            &["score", "run", "--alerts", missing, "--format", "jsonl"],
        );
        done.expect_code(2).expect_says(&["TR0108", missing]);
    }
    words(folder.path(), "score run --quick")
        .expect_code(2)
        .expect_says(&["TR0112", "--alerts FILE"]);
}

/// An empty file is a tool that found nothing, and a readable one counts.
#[test]
fn alerts_when_readable_then_counted() {
    let folder = scratch();
    words(folder.path(), "run bottling/calm --duration 60s --out run").expect_code(0);
    // All of it lies in the clean period, so that alerts are read and not scored.
    for (content, format, count) in [
        (String::new(), "jsonl", 0),
        (format!("{ALERT}\n"), "jsonl", 1),
        (format!("{EVE}\n{EVE}\n"), "eve", 2),
        (format!("{EVE}\r\n"), "eve", 1),
    ] {
        fs::write(folder.path().join("alerts"), &content).expect("the file can be written");
        twinrange(
            folder.path(),
            &["score", "run", "--alerts", "alerts", "--format", format],
        )
        .expect_code(0);
        let score = read_json(&folder.path().join("run/score/score.json"));
        let records = &score["detection"]["records"];
        assert_eq!(records["read"], count, "{content}: {records}");
        assert_eq!(
            records["skipped"]
                .get("in the clean period")
                .unwrap_or(&0.into()),
            &serde_json::Value::from(count),
            "{content}: {records}"
        );
    }
}

/// One alert of each format, of the same instant, hosts, technique and severity.
fn same_alerts(s: u32) -> Vec<(&'static str, &'static str, String)> {
    let (src, dst) = ("10.20.1.66", "10.20.1.11");
    let clock = format!("06:{:02}:{:02}", s / 60, s % 60);
    let unix_s = 1_767_592_800 + u64::from(s);
    vec![
        (
            "same.jsonl",
            "jsonl",
            format!(
                r#"{{"t_ns":{s}000000000,"sig_id":"w","src":{{"ip":"{src}"}},"dst":{{"ip":"{dst}"}},"techniques":["T0846.001"]}}"#
            ),
        ),
        (
            "same.json",
            "eve",
            format!(
                r#"{{"timestamp":"2026-01-05T{clock}.000000+0000","event_type":"alert","src_ip":"{src}","dest_ip":"{dst}","alert":{{"signature_id":1,"metadata":{{"mitre_technique_id":["T0846.001"]}}}}}}"#
            ),
        ),
        (
            "same.zeek",
            "zeek",
            format!(
                r#"{{"ts":{unix_s}.0,"id.orig_h":"{src}","id.resp_h":"{dst}","note":"Range::Write"}}"#
            ),
        ),
        (
            "same.snort",
            "snort",
            format!(
                r#"{{ "seconds" : {unix_s}, "src_ap" : "{src}:49812", "dst_ap" : "{dst}:502", "rule" : "1:7:1" }}"#
            ),
        ),
        (
            "same.cef",
            "cef",
            format!(
                "CEF:0|Example|OTGuard|3.1|w|Write|5|rt={unix_s}000 src={src} dst={dst} cs1Label=mitreTechnique cs1=T0846.001"
            ),
        ),
        (
            "same.log",
            "syslog",
            format!(
                "<130>1 2026-01-05T{clock}Z g a - ALERT [x@32473 sig=\"w\" src=\"{src}\" dst=\"{dst}\" technique=\"T0846.001\"] m"
            ),
        ),
        (
            "same.wazuh",
            "wazuh",
            format!(
                r#"{{"timestamp":"2026-01-05T{clock}.000+0000","rule":{{"id":"w","level":5,"groups":["attack.t0846.001"]}},"agent":{{"name":"g"}},"data":{{"srcip":"{src}","dstip":"{dst}"}}}}"#
            ),
        ),
        (
            "same.ocsf",
            "ocsf",
            format!(
                r#"{{"class_uid":2004,"activity_id":1,"time":{unix_s}000,"finding_info":{{"uid":"f","title":"w","attacks":[{{"technique":{{"uid":"T0846.001"}}}}]}},"evidences":[{{"src_endpoint":{{"ip":"{src}"}},"dst_endpoint":{{"ip":"{dst}"}}}}]}}"#
            ),
        ),
        (
            "same.ecs",
            "ecs",
            format!(
                r#"{{"@timestamp":"2026-01-05T{clock}Z","event":{{"kind":"alert"}},"rule":{{"id":"w"}},"source":{{"ip":"{src}"}},"destination":{{"ip":"{dst}"}},"threat":{{"technique":{{"id":["T0846.001"]}}}}}}"#
            ),
        ),
        (
            "same.sigma",
            "sigma",
            format!(
                r#"{{"timestamp":"2026-01-05T{clock}Z","id":"w","level":"high","tags":["attack.t0846.001"],"src_ip":"{src}","dst_ip":"{dst}"}}"#
            ),
        ),
        ("same.stix", "stix", same_sighting(&clock, src, dst)),
    ]
}

/// One sighting in a bundle, by a tool on a clock of its own. Without an identifier it is no version of another.
fn same_sighting(clock: &str, src: &str, dst: &str) -> String {
    let id = |kind: &str, n: u8| format!("{kind}--0000000{n}-1f0a-4c55-9d2e-0b6f5d1d2c11");
    let (pattern, data) = (id("attack-pattern", 1), id("observed-data", 2));
    let (one, other) = (id("ipv4-addr", 3), id("ipv4-addr", 4));
    serde_json::json!({ "type": "bundle", "id": id("bundle", 5), "objects": [
        { "type": "attack-pattern", "id": pattern, "name": "w",
          "external_references": [{ "source_name": "mitre-attack", "external_id": "T0846.001" }] },
        { "type": "ipv4-addr", "id": one, "value": src },
        { "type": "ipv4-addr", "id": other, "value": dst },
        { "type": "observed-data", "id": data, "object_refs": [one, other] },
        { "type": "sighting", "created": format!("2026-01-05T{clock}Z"), "sighting_of_ref": pattern,
          "observed_data_refs": [data] },
    ]})
    .to_string()
}

/// The detection part of a score without tool and signatures, which every format names its own way.
fn detection(folder: &std::path::Path) -> serde_json::Value {
    let mut found = read_json(&folder.join("run/score/score.json"))["detection"].take();
    for (list, field) in [
        ("alarms", "reason"),
        ("alarms", "signatures"),
        ("alarms", "tool"),
        ("steps", "first_signature"),
    ] {
        for item in found[list].as_array_mut().into_iter().flatten() {
            item[field] = serde_json::Value::Null;
        }
    }
    found
}

/// The same alerts are the same score, whatever format they come in and whether it is named or told.
#[test]
fn alerts_when_the_same_in_all_formats_then_the_same_detection() {
    let folder = scratch();
    words(
        folder.path(),
        "run bottling/underfill --duration 41min --out run",
    )
    .expect_code(0);
    let table = "signature,techniques\nRange::Write,T0846.001\n1:7,T0846.001\n";
    fs::write(folder.path().join("table.csv"), table).expect("the file can be written");
    let mut first = None;
    for (name, format, line) in same_alerts(2415) {
        fs::write(folder.path().join(name), format!("{line}\n{line}\n"))
            .expect("the file can be written");
        // The format is told by the file in all of them, and named in every way in one.
        let choices: &[Option<&str>] = match format {
            "zeek" => &[None, Some("auto"), Some("zeek")],
            _ => &[None],
        };
        for choice in choices {
            let mut args = vec![
                "score",
                "run",
                "--quick",
                "--alerts",
                name,
                "--techniques",
                "table.csv",
            ];
            args.extend(choice.iter().flat_map(|choice| ["--format", choice]));
            twinrange(folder.path(), &args).expect_code(0);
            let score = read_json(&folder.path().join("run/score/score.json"));
            assert_eq!(score["header"]["alert_format"], format, "{name}");
            let found = detection(folder.path());
            assert_eq!(found["alerts"], 2, "{name}: {}", found["records"]);
            let expect = first.get_or_insert_with(|| found.clone());
            assert_eq!(&found, expect, "{name}");
        }
    }
    let step = &first.expect("there were formats")["steps"][0];
    assert_eq!(step["grade"], "technique", "{step}");
    assert_eq!(step["time_to_detect_s"], 15.0, "{step}");
}

#[test]
fn alerts_when_the_clock_of_the_tool_is_off_then_it_can_be_said() {
    let folder = scratch();
    words(folder.path(), "run bottling/calm --duration 60s --out run").expect_code(0);
    let write = |name: &str, text: &str| {
        fs::write(folder.path().join(name), text).expect("it can be written")
    };
    write(
        "late.cef",
        "CEF:0|a|b|1|x|n|5|rt=Jan 05 2026 08:00:30 dst=10.20.1.11\n",
    );
    let score = |more: &[&str]| {
        let mut args = vec!["score", "run", "--quick", "--alerts", "late.cef"];
        args.extend(more);
        twinrange(folder.path(), &args)
    };
    score(&[])
        .expect_code(2)
        .expect_says(&["TR0313", "late.cef:1:", "no zone", "--zone UTC"]);
    score(&["--zone", "UTC"])
        .expect_code(2)
        .expect_says(&["TR0313", "outside the run"]);
    score(&["--zone", "+02:00"]).expect_code(0);
    score(&["--zone", "+01:00", "--clock-offset", "-60min"]).expect_code(0);
    score(&["--zone", "-02:00", "--clock-offset=-04:00:00"]).expect_code(0);
    score(&["--zone", "CET"])
        .expect_code(2)
        .expect_says(&["TR0112", "CET"]);
    score(&["--clock-offset", "an hour"])
        .expect_code(2)
        .expect_says(&["TR0112", "an hour"]);
    write("odd.ron", "{ \"x\": [\"write\"] }");
    score(&["--zone", "+02:00", "--techniques", "odd.ron"])
        .expect_code(2)
        .expect_says(&["TR0325", "odd.ron:1:9", "T0855"]);
    write("odd.json", "{\"when\":1}\n");
    words(folder.path(), "score run --quick --alerts odd.json")
        .expect_code(2)
        .expect_says(&["TR0313", "odd.json:1:", "`when`", "--format"]);
}

#[test]
fn formats_when_listed_then_all_with_a_line_each() {
    let folder = scratch();
    let done = words(folder.path(), "list formats").expect_code(0);
    let names = [
        "jsonl", "eve", "zeek", "snort", "cef", "syslog", "wazuh", "ocsf", "ecs", "sigma", "stix",
    ];
    let listed: Vec<&str> = done
        .stdout
        .lines()
        .filter_map(|line| line.split(' ').next())
        .collect();
    assert_eq!(listed, names);
    assert!(
        done.stdout.lines().all(|line| line.len() > 40),
        "{}",
        done.stdout
    );
}

/// An offline defense may leave its alerts in any format.
#[test]
fn offline_defense_when_it_writes_the_format_of_its_tool_then_read() {
    for (format, zone, said) in [
        (
            "syslog",
            "zone: \"+01:00\",",
            "<33>Jan  5 07:00:17 s snort[7]: [1:7:1] Write {TCP} 10.20.1.66:1 -> 10.20.1.11:502\n",
        ),
        (
            "zeek",
            "",
            "ts\tnote\tsrc\tdst\n1767592817.0\t1:7\t10.20.1.66\t10.20.1.11\n",
        ),
    ] {
        let folder = scratch();
        let description = format!(
            "Defense(name: \"copier\", version: \"1\", description: \"Copies its alerts\",
                kind: Offline(command: \"cp\", args: [\"{{defense}}/said\", \"{{out}}/alerts\"],
                    alerts: \"alerts\", format: \"{format}\", {zone}),
                install: \"It is part of the tests.\", signature_table: {{\"1:7\": [\"T0855\"]}})"
        );
        fs::write(folder.path().join("defense.ron"), description).expect("it can be written");
        fs::write(folder.path().join("said"), said).expect("it can be written");
        run_calm(folder.path(), 60, "defense.ron").expect_code(0);
        let import = read_json(&folder.path().join("run/defense/import.json"));
        assert_eq!(import["format"], format);
        assert_eq!(import["kept"], 1, "{import}");
        let kept = fs::read_to_string(folder.path().join("run/defense/alerts.jsonl"))
            .expect("it is there");
        let alert: serde_json::Value = serde_json::from_str(&kept).expect("one alert");
        assert_eq!(alert["t_ns"], 17_000_000_000_u64, "{alert}");
        assert_eq!(alert["techniques"], serde_json::json!(["T1692.001"]));
        assert_eq!(alert["technique_source"], "table");
    }
}
