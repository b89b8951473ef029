//! `docs/defense-protocol.md` is the contract, so its examples are run, and so are the shipped RON
//! files read.

#![cfg(unix)]

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;
use twinrange_bridge::message::VERSIONS;
use twinrange_bridge::{
    ActionResult, ActionStatus, Answer, Asset, DefenseSpec, Frame, Hello, Interval, LockStep,
    LockStepConfig, Quality, Span, TagInfo, TagSample, Verb,
};

const SECOND_NS: u64 = 1_000_000_000;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the workspace")
        .to_owned()
}

fn document() -> String {
    fs::read_to_string(root().join("docs/defense-protocol.md")).expect("the document is there")
}

/// The text of the first fenced block of a language after a heading.
fn block<'a>(text: &'a str, heading: &str, language: &str) -> &'a str {
    let section = &text[text.find(heading).expect("the heading is there")..];
    let fence = format!("```{language}\n");
    let start = section.find(&fence).expect("the block is there") + fence.len();
    let end = start + section[start..].find("```").expect("the block ends");
    &section[start..end]
}

/// The messages of the session, unwrapped: true for those from the range.
fn session() -> Vec<(bool, Value)> {
    let text = document();
    let mut messages: Vec<(bool, String)> = Vec::new();
    for line in block(&text, "## 10 A full session", "text").lines() {
        if let Some(rest) = line.strip_prefix("→ ") {
            messages.push((true, rest.to_owned()));
        } else if let Some(rest) = line.strip_prefix("← ") {
            messages.push((false, rest.to_owned()));
        } else if line.starts_with("   ") {
            messages
                .last_mut()
                .expect("a message goes on")
                .1
                .push_str(line);
        }
    }
    let parse =
        |text: &str| serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"));
    messages
        .iter()
        .map(|(is_range, text)| (*is_range, parse(text)))
        .collect()
}

fn start(script: &str, args: &[String]) -> LockStep {
    let config = LockStepConfig {
        command: "python3".into(),
        args: ["-c".to_owned(), script.to_owned()]
            .into_iter()
            .chain(args.iter().cloned())
            .collect(),
        cwd: None,
        env: Default::default(),
        start_timeout: Duration::from_secs(120),
        interval_timeout: Duration::from_secs(120),
        log_path: None,
        confinement: None,
    };
    LockStep::spawn(&config, &hello()).expect("the example starts")
}

fn hello() -> Hello {
    let asset = |name: &str, role: &str, ip: &str, mac: &str, port| Asset {
        name: name.into(),
        role: role.into(),
        zone: Some("cell".into()),
        ip: Some(ip.into()),
        mac: Some(mac.into()),
        switch: Some("sw-cell".into()),
        port: Some(port),
        ..Asset::default()
    };
    Hello {
        range_version: "0.1.0".into(),
        plant: "bottling".into(),
        epoch_unix_ns: 1_767_592_800 * SECOND_NS,
        interval_ns: SECOND_NS,
        duration_ns: 3 * SECOND_NS,
        learn_ns: SECOND_NS,
        spans: vec![Span {
            name: "cell".into(),
            link_type: 1,
        }],
        assets: vec![
            asset("plc-filler", "plc", "10.20.1.11", "02:54:57:14:01:0b", 1),
            asset(
                "vendor-laptop",
                "laptop",
                "10.20.1.66",
                "02:54:57:14:01:42",
                7,
            ),
        ],
        tags: vec![TagInfo {
            name: "filler.tank_level".into(),
            unit: "%".into(),
            description: "Level of the supply tank".into(),
        }],
        actions: vec![Verb::Deny, Verb::Contain, Verb::Restore],
        inline: None,
    }
}

fn arp(hex: &str) -> Vec<u8> {
    (0..hex.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).expect("hex"))
        .collect()
}

#[test]
fn session_when_replayed_by_a_tool_then_the_range_sends_what_the_document_shows() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (said, heard) = (folder.path().join("said"), folder.path().join("heard"));
    let expected = session();
    let lines = |is_range| {
        let chosen = expected.iter().filter(|(range, _)| *range == is_range);
        chosen
            .map(|(_, message)| message.to_string() + "\n")
            .collect::<String>()
    };
    fs::write(&said, lines(false)).expect("writable");
    // Says the document's lines up to the next `ready` or `done` after each message, and keeps the
    // message.
    let script = "\
import sys
said = open(sys.argv[1])
with open(sys.argv[2], 'w') as heard:
    for line in sys.stdin:
        heard.write(line)
        while True:
            out = said.readline()
            print(out, end='', flush=True)
            if '\"done\"' in out or '\"ready\"' in out: break
";
    let path = |path: &Path| path.to_string_lossy().into_owned();
    let mut tool = start(script, &[path(&said), path(&heard)]);
    let request = arp(
        "ffffffffffff025457140115080600010800060400010254571401150a14011500000000000 00a14010b"
            .replace(' ', "")
            .as_str(),
    );
    let reply = arp(
        "0254571401150254571401420806000108000604000202545714014 20a14010b0254571401150a140115"
            .replace(' ', "")
            .as_str(),
    );
    let frames = [
        Frame {
            span: "cell",
            n: 1,
            t_ns: 250_000_000,
            len: 42,
            data: &request,
        },
        Frame {
            span: "cell",
            n: 2,
            t_ns: 1_400_000_000,
            len: 42,
            data: &reply,
        },
    ];
    let level = TagSample {
        t_ns: 500_000_000,
        tag: "filler.tank_level",
        value: 61.4,
        quality: Quality::Good,
    };
    let accepted = ActionResult {
        command_id: "c-1".into(),
        status: ActionStatus::Accepted,
        t_ns: 2 * SECOND_NS,
        effective_ns: Some(2_500_000_000),
        until_ns: Some(3 * SECOND_NS),
        reason: None,
    };
    let refused = ActionResult {
        command_id: "c-2".into(),
        status: ActionStatus::Refused,
        t_ns: 2 * SECOND_NS,
        effective_ns: None,
        until_ns: None,
        reason: Some("there is no host 'nobody'".into()),
    };
    let mut ask = |seq: u64, frames: &[Frame<'_>], tags: &[TagSample<'_>], action_results: &[_]| {
        let (from_ns, to_ns) = ((seq - 1) * SECOND_NS, seq * SECOND_NS);
        let interval = Interval {
            from_ns,
            to_ns,
            frames,
            tags,
            logs: &[],
            action_results,
        };
        tool.interval(&interval)
            .expect("the document's answer is valid")
    };
    assert_eq!(ask(1, &frames[..1], &[level], &[]), Answer::default());
    let answer = ask(2, &frames[1..], &[], &[]);
    assert_eq!((answer.alerts.len(), answer.actions.len()), (1, 2));
    assert_eq!(ask(3, &[], &[], &[accepted, refused]), Answer::default());
    tool.finish(&[])
        .expect("the document's last answer is valid");

    let heard = fs::read_to_string(heard).expect("the tool wrote it");
    let heard: Vec<Value> = heard
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    let expected: Vec<Value> = expected
        .into_iter()
        .filter(|(range, _)| *range)
        .map(|(_, message)| message)
        .collect();
    assert_eq!(heard, expected);
}

#[test]
fn smallest_client_when_run_then_it_completes_a_run() {
    let text = document();
    let mut tool = start(block(&text, "## 10 A full session", "python"), &[]);
    assert_eq!(
        tool.protocol_version(),
        *VERSIONS.last().expect("at least one version")
    );
    for seq in 1..=3 {
        let interval = Interval {
            from_ns: (seq - 1) * SECOND_NS,
            to_ns: seq * SECOND_NS,
            ..Interval::default()
        };
        assert_eq!(tool.interval(&interval).expect("done"), Answer::default());
    }
    assert_eq!(tool.finish(&[]).expect("done"), Answer::default());
}

#[test]
fn binary_frames_when_read_as_the_document_shows_then_they_are_the_frames() {
    let text = document();
    let read = block(&text, "### 3.4 Frames as binary records", "python");
    let inside = read.replace('\n', "\n    ");
    let script = format!(
        "import json, struct, sys
sys.stdin.buffer.readline()
print('{{\"type\":\"ready\",\"version\":1,\"name\":\"x\",\"wants\":[\"frames\"],\"frames_as\":\"binary\"}}', flush=True)
for seq in 1, 2:
    found = []
    {inside}    found.append([hello_spans[span], n, t_ns, frame.hex()])
    alert = {{'t_ns': 0, 'sig_id': 'found', 'raw': found}}
    print(json.dumps({{'type': 'answer', 'seq': seq, 'alerts': [alert]}}))
    print(json.dumps({{'type': 'done', 'seq': seq}}), flush=True)
json.loads(sys.stdin.buffer.readline())
print('{{\"type\":\"done\",\"seq\":3}}', flush=True)
"
    )
    .replace("hello_spans[span]", "'cell'");
    let mut tool = start(&script, &[]);
    let frame = |n, data| Frame {
        span: "cell",
        n,
        t_ns: n * 1000,
        len: 3,
        data,
    };
    // Bytes that would end a line, or a string.
    let frames = [frame(1, &b"\n\0\xff"[..]), frame(2, b"\"\r\n")];
    let mut ask = |seq: u64, frames: &[Frame<'_>]| {
        let (from_ns, to_ns) = ((seq - 1) * SECOND_NS, seq * SECOND_NS);
        let interval = Interval {
            from_ns,
            to_ns,
            frames,
            tags: &[],
            logs: &[],
            action_results: &[],
        };
        let answer = tool.interval(&interval).expect("done");
        answer.alerts[0]["raw"].clone()
    };
    let expect = serde_json::json!([["cell", 1, 1000, "0a00ff"], ["cell", 2, 2000, "220d0a"]]);
    assert_eq!(ask(1, &frames), expect);
    assert_eq!(ask(2, &[]), serde_json::json!([]));
    tool.finish(&[]).expect("it read all of it");
}

#[test]
fn document_when_errors_change_then_every_code_has_its_row() {
    let text = document();
    for number in 1..=21 {
        assert!(
            text.contains(&format!("| DF{number:04} |")),
            "DF{number:04} is not in the table"
        );
    }
}

#[test]
fn shipped_defenses_when_read_then_all_are_valid() {
    let mut names = Vec::new();
    for folder in fs::read_dir(root().join("defenses")).expect("the folder is there") {
        for file in fs::read_dir(folder.expect("readable").path()).expect("each entry is a folder")
        {
            let path = file.expect("readable").path();
            // A table of techniques for `score --techniques` is no description.
            let is_table = path.ends_with("techniques.ron");
            if !is_table && path.extension().is_some_and(|extension| extension == "ron") {
                let source = fs::read_to_string(&path).expect("readable");
                let spec = DefenseSpec::parse(&source)
                    .unwrap_or_else(|error| panic!("{}:{error}", path.display()));
                names.push(format!("{} ({})", spec.name, spec.kind_word()));
            }
        }
    }
    names.sort();
    assert_eq!(
        names,
        [
            "always-on (lock-step)",
            "any-write-blocks (lock-step)",
            "any-write-blocks-open (lock-step)",
            "arpwatch (offline)",
            "flicker (lock-step)",
            "inline-guard (lock-step)",
            "inline-guard-forgot-hmi (lock-step)",
            "ipal-iids (offline)",
            "oracle (lock-step)",
            "over-eager (lock-step)",
            "pyod-traffic (lock-step)",
            "random (lock-step)",
            "reference (lock-step)",
            "reference-respond (lock-step)",
            "river-anomaly (lock-step)",
            "sagan (offline)",
            "silent (lock-step)",
            "suricata (offline)",
            "suricata-blocks (lock-step)",
            "suricata-stream (lock-step)",
            "trigger-happy (lock-step)",
            "zeek (offline)",
        ]
    );
}
