//! Real child processes that keep and break the lock-step contract.
//!
//! Time-outs are generous where an answer is expected and short where a hang is; no test measures
//! time.

#![cfg(unix)]

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::json;
use twinrange_bridge::{
    ActionResult, ActionStatus, Answer, Asset, DefenseError, Frame, FrameFeed, Hello, InlineFrame,
    InlineInfo, Interval, LockStep, LockStepConfig, LogLine, Quality, Span, TagInfo, TagSample,
    Target, Verb, Verdict, Wants,
};

const SECOND_NS: u64 = 1_000_000_000;
/// A mode that must time out does so after this.
const SHORT: Duration = Duration::from_millis(300);

fn hello() -> Hello {
    Hello {
        range_version: "0.1.0".into(),
        plant: "bottling".into(),
        epoch_unix_ns: 1_767_592_800 * SECOND_NS,
        interval_ns: SECOND_NS,
        duration_ns: 60 * SECOND_NS,
        learn_ns: 0,
        spans: vec![Span {
            name: "cell".into(),
            link_type: 1,
        }],
        assets: vec![Asset {
            name: "plc-filler".into(),
            role: "plc".into(),
            ..Asset::default()
        }],
        tags: vec![TagInfo {
            name: "level".into(),
            unit: "m".into(),
            description: "tank".into(),
        }],
        actions: vec![Verb::Deny, Verb::Contain],
        inline: None,
    }
}

fn config(mode: &str) -> LockStepConfig {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/tool.py");
    LockStepConfig {
        command: PathBuf::from("python3"),
        args: vec![script.to_string_lossy().into_owned(), mode.to_owned()],
        cwd: None,
        env: Default::default(),
        start_timeout: Duration::from_secs(120),
        interval_timeout: Duration::from_secs(120),
        log_path: None,
        confinement: None,
    }
}

/// Runs two intervals and the end.
fn run(config: &LockStepConfig) -> Result<Vec<Answer>, DefenseError> {
    let mut tool = LockStep::spawn(config, &hello())?;
    let mut answers = Vec::new();
    let mut results = Vec::new();
    for seq in 1..=2 {
        let (from_ns, to_ns) = ((seq - 1) * SECOND_NS, seq * SECOND_NS);
        let data = [1, 2, 3];
        let frame = Frame {
            span: "cell",
            n: seq,
            t_ns: to_ns,
            len: 3,
            data: &data,
        };
        let interval = Interval {
            from_ns,
            to_ns,
            frames: &[frame],
            tags: &[TagSample {
                t_ns: to_ns,
                tag: "level",
                value: 1.5,
                quality: Quality::Good,
            }],
            logs: &[LogLine {
                t_ns: to_ns,
                line: "<34>1 - - - - - - hi",
            }],
            action_results: &results,
        };
        let answer = tool.interval(&interval)?;
        results = answer
            .actions
            .iter()
            .map(|action| refused(&action.command_id, to_ns))
            .collect();
        answers.push(answer);
    }
    answers.push(tool.finish(&[])?);
    Ok(answers)
}

fn refused(command_id: &str, t_ns: u64) -> ActionResult {
    ActionResult {
        command_id: command_id.to_owned(),
        status: ActionStatus::Refused,
        t_ns,
        effective_ns: None,
        until_ns: None,
        reason: Some("no such host".into()),
    }
}

fn check_failure(config: &LockStepConfig, code: &str, message: &str) -> DefenseError {
    let error = run(config).expect_err("this mode breaks the contract");
    assert_eq!(error.to_string(), message);
    assert_eq!(error.code(), code);
    assert!(error.hint().is_some_and(|hint| !hint.is_empty()));
    error
}

#[test]
fn tool_when_good_then_answers_come_back_in_normal_form() {
    let answers = run(&config("good")).expect("the good tool");
    let [first, second, last] = answers.as_slice() else {
        panic!("two intervals and the end")
    };
    assert_eq!(
        first.alerts,
        [
            json!({"t_ns": SECOND_NS, "sig_id": "frame", "span": "cell", "frame": 1, "raw": {"data": "AQID"},
                "tool": "probe", "t_received_ns": SECOND_NS})
        ]
    );
    assert_eq!(first.actions.len(), 1);
    assert_eq!(first.actions[0].target, Target::Ip("10.20.1.66".into()));
    assert_eq!(first.actions[0].args.duration_s, Some(600.0));
    assert_eq!(second.alerts.len(), 2);
    assert_eq!(second.alerts[1]["sig_id"], "result-refused");
    assert_eq!(last, &Answer::default());
}

#[test]
fn tool_when_it_wants_tags_only_then_no_frames_are_sent() {
    let tool = LockStep::spawn(&config("tags-only"), &hello()).expect("the tool starts");
    assert_eq!(
        tool.wants(),
        Wants {
            tags: true,
            ..Wants::default()
        }
    );
    assert_eq!(
        (tool.name(), tool.tool_version(), tool.protocol_version()),
        ("probe", "0.1", 1)
    );
    let answers = run(&config("tags-only")).expect("the good tool");
    assert!(
        answers[0].alerts.is_empty(),
        "it alerts on frames, and saw none"
    );
}

#[test]
fn tool_when_it_asks_for_binary_frames_then_it_answers_as_with_json() {
    let tool = LockStep::spawn(&config("binary"), &hello()).expect("the tool starts");
    assert_eq!(tool.feed(), FrameFeed::Binary);
    let tool = LockStep::spawn(&config("good"), &hello()).expect("the tool starts");
    assert_eq!(tool.feed(), FrameFeed::Json);
    let answers = run(&config("binary")).expect("the good tool");
    assert_eq!(answers[0].alerts[0]["raw"]["data"], "AQID");
    assert_eq!(answers, run(&config("good")).expect("the good tool"));
}

/// An interval of `count` full frames, whose answer is taken.
fn flood(config: &LockStepConfig, count: u64) -> Result<Answer, DefenseError> {
    let mut tool = LockStep::spawn(config, &hello())?;
    let data = [0x5a; 1514];
    let frame = |n| Frame {
        span: "cell",
        n,
        t_ns: n,
        len: 1514,
        data: &data,
    };
    let frames: Vec<Frame<'_>> = (1..=count).map(frame).collect();
    tool.interval(&Interval {
        from_ns: 0,
        to_ns: SECOND_NS,
        frames: &frames,
        tags: &[],
        logs: &[],
        action_results: &[],
    })
}

#[test]
fn tool_when_an_interval_is_huge_then_binary_frames_are_dropped_at_the_limit() {
    // A frame of 1514 bytes counts as 2120 bytes of JSON, of which 32 MiB may come.
    let fit = (32 << 20) / (96 + 4 + 2020);
    let answer = flood(&config("binary-counts"), 20_000).expect("a good tool");
    let said = &answer.alerts[0]["raw"];
    assert_eq!(*said, json!([fit, fit * (24 + 1514)]));
}

#[test]
fn tool_when_it_does_not_read_its_binary_frames_then_the_range_neither_waits_nor_fills_up() {
    let unread = LockStepConfig {
        interval_timeout: SHORT,
        ..config("binary-unread")
    };
    let error = flood(&unread, 5_000).expect_err("it never answers");
    assert_eq!(error.code(), "DF0004");
    // It answers without having read, and is gone: the interval stands, and the next one fails.
    let error = run(&config("binary-closes")).expect_err("nobody is left");
    assert_eq!(error.code(), "DF0003");
    // What it takes for a line is the rest of a record.
    let error = run(&config("binary-cut")).expect_err("it lost its place");
    assert_eq!(error.code(), "DF0003");
    let hint = error.hint().expect("a hint");
    assert!(
        hint.contains("JSONDecodeError") || hint.contains("UnicodeDecodeError"),
        "{hint}"
    );
}

#[test]
fn tool_when_it_crashes_then_status_and_stderr_are_reported() {
    let error = check_failure(
        &config("crash"),
        "DF0003",
        "the defense stopped while the range waited for the answer to interval 1: it ended with exit status 7",
    );
    assert!(error.hint().expect("a hint").contains("out of cheese"));
    check_failure(
        &config("killed"),
        "DF0003",
        "the defense stopped while the range waited for the answer to interval 1: it was killed by signal 9",
    );
    check_failure(
        &config("early-exit"),
        "DF0003",
        "the defense stopped while the range waited for the answer to interval 1: it ended by itself with exit status 0",
    );
    check_failure(
        &config("partial"),
        "DF0003",
        "the defense stopped while the range waited for the answer to interval 1: it ended with exit status 1; \
         it had begun the line: {\"type\":\"answer\",\"seq\":1,\"alerts\":[{\"t_ns\"",
    );
    check_failure(
        &config("bad-exit"),
        "DF0003",
        "the defense stopped while the range waited for the process to end: it ended with exit status 4",
    );
}

#[test]
fn tool_when_it_closes_its_output_but_lives_then_it_is_a_crash() {
    check_failure(
        &config("closes-output"),
        "DF0003",
        "the defense stopped while the range waited for the answer to interval 1: \
         it closed its standard output without ending",
    );
}

#[test]
fn tool_when_it_hangs_then_timed_out() {
    let short = |mode| LockStepConfig {
        interval_timeout: SHORT,
        ..config(mode)
    };
    let error = check_failure(
        &short("hang"),
        "DF0004",
        "the defense gave no answer for 300ms while the range waited for the answer to interval 1",
    );
    assert!(error.hint().expect("a hint").contains("interval_timeout_s"));
    check_failure(
        &short("never-ends"),
        "DF0004",
        "the defense gave no answer for 300ms while the range waited for the process to end",
    );
    check_failure(
        &LockStepConfig {
            start_timeout: SHORT,
            ..config("silent-start")
        },
        "DF0004",
        "the defense gave no answer for 300ms while the range waited for 'ready'",
    );
}

#[test]
fn tool_when_it_prints_garbage_then_line_and_column() {
    check_failure(
        &config("garbage"),
        "DF0005",
        "line 2, column 1 of the defense's output: not JSON (expected value): Loaded 3 rules",
    );
    check_failure(
        &config("not-utf8"),
        "DF0005",
        "line 2, column 17 of the defense's output: not UTF-8: {\"type\":\"done\",\"\u{fffd}\":1}",
    );
    check_failure(
        &config("not-ready"),
        "DF0005",
        "line 1, column 1 of the defense's output: not JSON (expected value): starting up...",
    );
    check_failure(
        &config("after-end"),
        "DF0005",
        "line 9, column 1 of the defense's output: nothing may follow the last 'done': bye",
    );
}

#[test]
fn tool_when_it_breaks_a_rule_then_the_rule_is_named() {
    check_failure(
        &config("wrong-version"),
        "DF0006",
        "the defense chose protocol version 2; this range speaks [1]",
    );
    check_failure(
        &config("wrong-seq"),
        "DF0007",
        "line 2 of the defense's output: seq is 2, but interval 1 is being answered",
    );
    check_failure(
        &config("after-done"),
        "DF0007",
        "line 3 of the defense's output: seq is 1, but interval 2 is being answered",
    );
    check_failure(
        &config("huge"),
        "DF0008",
        "line 2 of the defense's output is longer than 1048576 bytes",
    );
    check_failure(
        &config("endless"),
        "DF0008",
        "line 2 of the defense's output is longer than 1048576 bytes",
    );
    check_failure(
        &config("drip"),
        "DF0009",
        "line 1003 of the defense's output: more than 1001 lines in one interval",
    );
    check_failure(
        &config("future-alert"),
        "DF0010",
        "line 2 of the defense's output, alerts[0]: 't_ns' is 1000000001, after the end of the interval at 1000000000",
    );
    check_failure(
        &config("bad-action"),
        "DF0011",
        "line 2 of the defense's output, actions[0]: the target does not fit the action: \
         deny takes ip, mac or switch_port; contain takes host; restore takes controller",
    );
    check_failure(
        &config("gives-up"),
        "DF0012",
        "the defense gave up: the model file is damaged",
    );
    check_failure(
        &config("refuses"),
        "DF0012",
        "the defense gave up: needs a span named dmz",
    );
}

#[test]
fn tool_when_it_is_not_there_then_cannot_start() {
    let absent = LockStepConfig {
        command: "/no/such/tool".into(),
        ..config("good")
    };
    let error = run(&absent).expect_err("there is no such file");
    assert_eq!(error.code(), "DF0002");
    assert!(
        error
            .to_string()
            .starts_with("cannot start the defense: /no/such/tool: "),
        "{error}"
    );
}

#[test]
fn tool_when_it_floods_standard_error_then_it_neither_blocks_nor_fills_memory() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let log_path = folder.path().join("tool.log");
    run(&LockStepConfig {
        log_path: Some(log_path.clone()),
        ..config("noisy")
    })
    .expect("still good");
    let log = std::fs::read_to_string(log_path).expect("the log is there");
    assert!(log.starts_with("chatter chatter "));
}

#[test]
fn tool_when_dropped_half_way_then_shell_and_its_children_are_gone() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let pids = folder.path().join("pids");
    // A shell that starts a helper which ignores a closed input, as wrapper scripts do.
    let script = format!(
        "sleep 600 & echo $$ $! > '{}'; read hello; \
         echo '{{\"type\":\"ready\",\"version\":1,\"name\":\"x\",\"wants\":[\"tags\"]}}'; wait",
        pids.display()
    );
    let shell = LockStepConfig {
        command: "sh".into(),
        args: vec!["-c".into(), script],
        ..config("good")
    };
    let tool = LockStep::spawn(&shell, &hello()).expect("the shell is ready");
    drop(tool);
    let text = std::fs::read_to_string(pids).expect("the shell wrote it before it was ready");
    for pid in text.split_whitespace() {
        // The kill is sent; an orphan takes a moment to die of it, but would sleep for ten minutes
        // else.
        let is_gone = (0..6000).any(|_| {
            std::thread::sleep(Duration::from_millis(10));
            is_dead(pid)
        });
        assert!(is_gone, "process {pid} lives");
    }
}

/// Whether a process is gone, or a zombie that waits for its new parent.
fn is_dead(pid: &str) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let state = stat
        .rsplit(") ")
        .next()
        .and_then(|rest| rest.chars().next());
    matches!(state, None | Some('Z' | 'X'))
}

/// Asks for the verdicts about four frames, between two intervals.
fn judge(config: &LockStepConfig) -> Result<Vec<Verdict>, DefenseError> {
    let hello = Hello {
        inline: Some(InlineInfo {
            hosts: vec!["plc-filler".into()],
            latency_ns: 50_000,
        }),
        ..hello()
    };
    let mut tool = LockStep::spawn(config, &hello)?;
    let interval = |seq: u64| Interval {
        from_ns: (seq - 1) * SECOND_NS,
        to_ns: seq * SECOND_NS,
        ..Interval::default()
    };
    tool.interval(&interval(1))?;
    let data = [1, 2, 3];
    let mut verdicts = Vec::new();
    for n in 1..=4 {
        verdicts.push(tool.verdict(&InlineFrame {
            n,
            t_ns: SECOND_NS + n,
            host: "plc-filler",
            towards: "host",
            len: 3,
            data: &data,
        })?);
    }
    tool.interval(&interval(2))?;
    tool.finish(&[])?;
    Ok(verdicts)
}

#[test]
fn frame_when_it_waits_in_a_cable_then_the_tool_decides() {
    let verdicts = judge(&config("judges")).expect("it keeps the contract");
    let pass = |delay_ns| Verdict::Pass { delay_ns };
    assert_eq!(
        verdicts,
        [Verdict::Drop, pass(0), Verdict::Drop, pass(4_000)]
    );
}

#[test]
fn frame_when_the_tool_gives_no_verdict_then_the_failure_says_on_which_frame() {
    let check = |mode: &str, code: &str, expect: &str| {
        let mut config = config(mode);
        if mode == "judge-hangs" {
            config.interval_timeout = SHORT;
        }
        let error = judge(&config).expect_err("this mode breaks the contract");
        assert!(error.to_string().contains(expect), "{error}");
        assert_eq!(error.code(), code);
    };
    check("judge-hangs", "DF0004", "the verdict on frame 1");
    check("judge-crashes", "DF0003", "the verdict on frame 1");
    let expect = "expected type 'verdict' about frame 1, found 'done'";
    check("judge-says-done", "DF0005", expect);
}
