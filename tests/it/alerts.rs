//! Alert files of other tools: what cannot be read is refused with the line, never half counted.

use std::fs;

use crate::support::{read_json, scratch, twinrange, words};

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
