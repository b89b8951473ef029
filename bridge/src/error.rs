//! How a defense can fail, in words that help the person who wrote or installed it.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use thiserror::Error;

/// Where a run folder keeps the log of a lock-step tool.
const LOCK_STEP_LOG: &str = "defense/tool.log";
/// Where a run folder keeps the log of an offline tool: among its other output.
const OFFLINE_LOG: &str = "defense/output/tool.log";

/// A failure of the defense, never of the range. The run folder stays valid up to the last
/// interval.
#[derive(Debug, Error)]
pub enum DefenseError {
    /// The tool is not on this machine, or its self-test did not say what the spec expects.
    #[error("defense '{name}' is not installed: {reason}")]
    NotFound {
        /// Name from the spec.
        name: String,
        /// What was tried and how it failed.
        reason: String,
        /// The `install` text of the spec: how to get the tool.
        install: String,
    },
    /// The operating system refused to start the command.
    #[error("cannot start the defense: {command}: {source}")]
    CannotStart {
        /// The command as it was tried.
        command: String,
        /// The reason of the operating system.
        source: io::Error,
    },
    /// The process ended, or closed its standard output, while an answer was due.
    #[error("the defense stopped while the range waited for {waiting_for}: {status}{}", partial_note(.partial.as_ref()))]
    Crashed {
        /// `ready`, `the answer to interval 12`, …
        waiting_for: String,
        /// How it ended: exit status, signal, or that it closed its output.
        status: String,
        /// The last lines it wrote to standard error, at most 4 KiB.
        stderr_tail: String,
        /// The beginning of a line that it never finished.
        partial: Option<String>,
    },
    /// A lock-step tool gave no answer in time. Says nothing about simulated time, which stood still.
    #[error("the defense gave no answer for {waited:?} while the range waited for {waiting_for}")]
    TimedOut {
        /// `ready`, `the answer to interval 12`, …
        waiting_for: String,
        /// The limit that passed, wall time.
        waited: Duration,
        /// The last lines it wrote to standard error, at most 4 KiB.
        stderr_tail: String,
    },
    /// The offline command did not end in time.
    #[error("the defense's command did not end within {limit:?}")]
    CommandTimedOut {
        /// `timeout_s` of its RON file, wall time.
        limit: Duration,
        /// The end of what it printed, at most 4 KiB.
        output_tail: String,
    },
    /// A line that is not what the protocol allows at this point.
    #[error("line {line}, column {column} of the defense's output: {reason}: {excerpt}")]
    Garbage {
        /// 1-based line number in the tool's standard output.
        line: u64,
        /// 1-based column, counted in bytes.
        column: usize,
        /// What was expected.
        reason: String,
        /// The beginning of the line, made printable.
        excerpt: String,
    },
    /// `ready` chose a protocol version that `hello` did not offer.
    #[error("the defense chose protocol version {chosen}; this range speaks {offered:?}")]
    WrongVersion {
        /// What `hello` offered.
        offered: Vec<u32>,
        /// What `ready` chose.
        chosen: u64,
    },
    /// An answer carried the number of another interval.
    #[error(
        "line {line} of the defense's output: seq is {found}, but interval {expected} is being answered"
    )]
    WrongSeq {
        /// 1-based line number in the tool's standard output.
        line: u64,
        /// The `seq` that is being answered.
        expected: u64,
        /// The `seq` that came.
        found: u64,
    },
    /// A line longer than the limit.
    #[error("line {line} of the defense's output is longer than {limit_bytes} bytes")]
    TooLong {
        /// 1-based line number in the tool's standard output.
        line: u64,
        /// The limit, bytes.
        limit_bytes: usize,
    },
    /// More alerts, actions or lines than the limits that `hello` announced.
    #[error("line {line} of the defense's output: more than {limit} {what}")]
    TooMany {
        /// 1-based line number in the tool's standard output.
        line: u64,
        /// `alerts in one interval`, …
        what: &'static str,
        /// The limit.
        limit: usize,
    },
    /// An alert that is not in the normal form.
    #[error("line {line} of the defense's output, alerts[{index}]: {reason}")]
    BadAlert {
        /// 1-based line number in the tool's standard output.
        line: u64,
        /// 0-based position in `alerts`.
        index: usize,
        /// The field and what is wrong with it.
        reason: String,
    },
    /// An action that is not well-formed. An action that is merely impossible is refused instead.
    #[error("line {line} of the defense's output, actions[{index}]: {reason}")]
    BadAction {
        /// 1-based line number in the tool's standard output.
        line: u64,
        /// 0-based position in `actions`.
        index: usize,
        /// The field and what is wrong with it.
        reason: String,
    },
    /// The tool itself said that it cannot go on.
    #[error("the defense gave up: {message}")]
    Reported {
        /// The `message` of its `error` line.
        message: String,
        /// The last lines it wrote to standard error, at most 4 KiB.
        stderr_tail: String,
    },
    /// The offline command ended with a status other than 0.
    #[error("the defense's command failed: {status}")]
    Failed {
        /// Exit status or signal.
        status: String,
        /// The end of what it printed, at most 4 KiB.
        output_tail: String,
    },
    /// The offline command ended well but left no alert file.
    #[error("the defense wrote no alert file '{}'", .path.display())]
    NoAlerts {
        /// Where the spec says the alerts would be, relative to `{out}`.
        path: PathBuf,
        /// What the tool left in `{out}` instead.
        found: Vec<String>,
    },
    /// The offline command left an alert file that cannot be scored: it is not of its format, is cut
    /// off, or belongs to another run.
    #[error("the defense's alert file '{}' cannot be read: {reason}", .path.display())]
    UnreadableAlerts {
        /// The file, relative to `{out}`.
        path: PathBuf,
        /// Line, field and what is wrong there.
        reason: String,
        /// What to do about it, where the importer knows.
        hint: Option<String>,
    },
    /// The alert file, or all that the tool wrote, is larger than the limit.
    #[error("the defense wrote {found_bytes} bytes into {what}; the limit is {limit_bytes}")]
    TooLarge {
        /// Which file or folder.
        what: String,
        /// Its size, bytes.
        found_bytes: u64,
        /// The limit, bytes.
        limit_bytes: u64,
    },
    /// The defense of an earlier run had failed, so its silence says nothing.
    #[error("the defense failed in this run, so its alerts are no score of it: {why}")]
    FailedInRun {
        /// What the run folder says of it.
        why: String,
    },
    /// The tool raised nothing, not even on a stimulus that anybody sees: its silence is no answer.
    #[error("the defense is not wired: {why}")]
    NotWired {
        /// What was played and what the tool made of it.
        why: String,
        /// The likely reason, and what to do.
        likely: String,
    },
    /// The tool could not be kept away from the truth, and was not started.
    #[error("the defense cannot be confined: {reason}")]
    CannotConfine {
        /// What is missing.
        reason: String,
    },
    /// The user interrupted the wait for the tool.
    #[error("interrupted while the defense was running")]
    Interrupted,
    /// A file or pipe of ours could not be used.
    #[error("{what}: {source}")]
    Io {
        /// What we tried to do, with the path.
        what: String,
        /// The reason of the operating system.
        source: io::Error,
    },
}

impl DefenseError {
    /// The exit code of the range for every one of these.
    pub const EXIT_CODE: u8 = 3;

    /// Stable code, listed in `docs/defense-protocol.md`.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotFound { .. } => "DF0001",
            Self::CannotStart { .. } => "DF0002",
            Self::Crashed { .. } => "DF0003",
            Self::TimedOut { .. } | Self::CommandTimedOut { .. } => "DF0004",
            Self::Garbage { .. } => "DF0005",
            Self::WrongVersion { .. } => "DF0006",
            Self::WrongSeq { .. } => "DF0007",
            Self::TooLong { .. } => "DF0008",
            Self::TooMany { .. } => "DF0009",
            Self::BadAlert { .. } => "DF0010",
            Self::BadAction { .. } => "DF0011",
            Self::Reported { .. } => "DF0012",
            Self::Failed { .. } => "DF0013",
            Self::NoAlerts { .. } => "DF0014",
            Self::TooLarge { .. } => "DF0015",
            Self::Interrupted => "DF0016",
            Self::Io { .. } => "DF0017",
            Self::FailedInRun { .. } => "DF0018",
            Self::UnreadableAlerts { .. } => "DF0019",
            Self::CannotConfine { .. } => "DF0020",
            Self::NotWired { .. } => "DF0021",
        }
    }

    /// What to do about it, or `None` where the message says all there is.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        let text = match self {
            Self::NotFound { install, .. } => install.trim().to_owned(),
            Self::CannotStart { .. } => {
                "check that the command exists and is executable (chmod +x)".to_owned()
            }
            Self::Crashed { stderr_tail, .. } | Self::Reported { stderr_tail, .. } => {
                said(stderr_tail)
            }
            Self::Failed { output_tail, .. } => printed(output_tail),
            Self::TimedOut { stderr_tail, .. } => format!(
                "answer every interval with a 'done' line and flush the output after it; if the tool \
                 is only slow, raise interval_timeout_s (or start_timeout_s) in its RON file; {}",
                said(stderr_tail)
            ),
            Self::CommandTimedOut { output_tail, .. } => format!(
                "if the tool is only slow, raise timeout_s in its RON file; {}",
                printed(output_tail)
            ),
            Self::Garbage { .. } => format!(
                "standard output carries one JSON object per line and nothing else; print messages \
                 for people to standard error, which goes to {LOCK_STEP_LOG}"
            ),
            Self::WrongVersion { .. } => {
                "choose one of the versions in the 'hello' message, or answer with an 'error' line"
                    .to_owned()
            }
            Self::WrongSeq { .. } => {
                "copy 'seq' from the interval being answered, and write nothing \
                between 'done' and the next message"
                    .to_owned()
            }
            Self::TooLong { .. } => {
                "spread the alerts over several 'answer' lines before 'done'".to_owned()
            }
            Self::TooMany { .. } => {
                "hold repeated alerts back in the tool: one per kind, source and target".to_owned()
            }
            Self::BadAlert { .. } | Self::BadAction { .. } => {
                "docs/defense-protocol.md lists every field of alerts and actions".to_owned()
            }
            Self::NoAlerts { found, .. } if found.is_empty() => {
                format!("the tool left its output folder empty; {OFFLINE_LOG} has what it printed")
            }
            Self::UnreadableAlerts { hint, .. } => {
                let log = format!("{OFFLINE_LOG} has what the tool printed");
                hint.as_ref()
                    .map_or_else(|| log.clone(), |hint| format!("{hint}; {log}"))
            }
            Self::NoAlerts { found, .. } => format!(
                "it wrote {}; check 'alerts' in the defense's RON file",
                found.join(", ")
            ),
            Self::FailedInRun { .. } => {
                "run again with a defense that works, or score an alert file with --alerts FILE"
                    .to_owned()
            }
            Self::NotWired { likely, .. } => likely.clone(),
            Self::CannotConfine { .. } => {
                "with --sandbox auto it runs all the same, and the score says so; \
                docs/defense-protocol.md says what confining needs"
                    .to_owned()
            }
            Self::TooLarge { .. } | Self::Interrupted | Self::Io { .. } => return None,
        };
        Some(text)
    }

    pub(crate) fn io(what: impl Into<String>, source: io::Error) -> Self {
        Self::Io {
            what: what.into(),
            source,
        }
    }
}

fn said(stderr_tail: &str) -> String {
    let tail = stderr_tail.trim();
    if tail.is_empty() {
        "it wrote nothing to standard error".to_owned()
    } else {
        format!("the end of its standard error (all of it is in {LOCK_STEP_LOG}):\n{tail}")
    }
}

fn printed(output_tail: &str) -> String {
    let tail = output_tail.trim();
    if tail.is_empty() {
        "it printed nothing".to_owned()
    } else {
        format!("the end of what it printed (all of it is in {OFFLINE_LOG}):\n{tail}")
    }
}

fn partial_note(partial: Option<&String>) -> String {
    partial.map_or_else(String::new, |text| {
        format!("; it had begun the line: {text}")
    })
}

/// Makes the beginning of hostile bytes fit for a terminal: at most 120 characters, no control
/// characters.
pub(crate) fn excerpt(bytes: &[u8]) -> String {
    const LIMIT_CHARS: usize = 120;
    let head = &bytes[..bytes.len().min(4 * LIMIT_CHARS)];
    let text = String::from_utf8_lossy(head);
    let mut out = String::new();
    let mut shown = 0;
    for c in text.chars() {
        if shown == LIMIT_CHARS {
            break;
        }
        if c.is_control() {
            out.extend(c.escape_default());
        } else {
            out.push(c);
        }
        shown += 1;
    }
    if shown < text.chars().count() || head.len() < bytes.len() {
        out.push('…');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(error: &DefenseError, code: &str, says: &[&str], never: &[&str]) {
        let hint = error.hint().expect("there is a hint");
        assert_eq!(error.code(), code);
        for part in says {
            assert!(hint.contains(part), "`{part}` is not in: {hint}");
        }
        for part in never {
            assert!(!hint.contains(part), "`{part}` is in: {hint}");
        }
    }

    /// A lock-step tool's log lies beside its alerts, an offline tool's among its output.
    #[test]
    fn hint_when_it_names_a_log_then_that_of_the_tools_kind() {
        let tail = || "the model is missing".to_owned();
        let of_offline = &["defense/output/", "timeout_s in"];
        let crashed = DefenseError::Crashed {
            waiting_for: "'ready'".into(),
            status: "it ended with exit status 1".into(),
            stderr_tail: tail(),
            partial: None,
        };
        check(&crashed, "DF0003", &[LOCK_STEP_LOG, "model"], of_offline);
        let timed_out = DefenseError::TimedOut {
            waiting_for: "'ready'".into(),
            waited: Duration::from_secs(1),
            stderr_tail: tail(),
        };
        let says = &[LOCK_STEP_LOG, "start_timeout_s", "'done'"];
        check(&timed_out, "DF0004", says, &["defense/output/"]);
        let reported = DefenseError::Reported {
            message: "no model".into(),
            stderr_tail: tail(),
        };
        check(&reported, "DF0012", &[LOCK_STEP_LOG], of_offline);

        let of_lock_step = &["defense/tool.log", "'done'", "interval_timeout_s"];
        let timed_out = DefenseError::CommandTimedOut {
            limit: Duration::from_secs(1),
            output_tail: tail(),
        };
        let says = &[OFFLINE_LOG, "timeout_s", "model"];
        check(&timed_out, "DF0004", says, of_lock_step);
        let failed = DefenseError::Failed {
            status: "it ended with exit status 1".into(),
            output_tail: tail(),
        };
        check(&failed, "DF0013", &[OFFLINE_LOG, "model"], of_lock_step);
        let silent = DefenseError::Failed {
            status: "it ended with exit status 1".into(),
            output_tail: String::new(),
        };
        check(&silent, "DF0013", &["printed nothing"], of_lock_step);
        let no_alerts = DefenseError::NoAlerts {
            path: "alerts.jsonl".into(),
            found: Vec::new(),
        };
        check(&no_alerts, "DF0014", &[OFFLINE_LOG], of_lock_step);
        let unreadable = |hint: Option<&str>| DefenseError::UnreadableAlerts {
            path: "alerts.jsonl".into(),
            reason: "line 2: invalid JSON".into(),
            hint: hint.map(str::to_owned),
        };
        check(&unreadable(None), "DF0019", &[OFFLINE_LOG], of_lock_step);
        let says = &["one object per line", OFFLINE_LOG];
        check(
            &unreadable(Some("one object per line")),
            "DF0019",
            says,
            of_lock_step,
        );
    }
}
