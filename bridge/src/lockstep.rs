//! A defense that advances with the simulation: one child process, one JSON object per line,
//! and frames as records behind a line where the tool asks for them.
//!
//! Three threads stand between the range and the pipes, so that a tool which writes while it is
//! being written to, or never reads, cannot block the range: a writer, a reader with a bounded
//! queue, and the pump of standard error. The caller's thread only waits, with a deadline.

use std::collections::BTreeMap;
use std::io::{self, BufReader, Write};
use std::path::PathBuf;
use std::process::{ChildStdin, ChildStdout, Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender, SyncSender};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::answer::{Answer, Collector, Progress, Verdict, parse_ready, parse_verdict};
use crate::child::{Chatter, Guard, describe};
use crate::confine::Confinement;
use crate::error::{DefenseError, excerpt};
use crate::lines::{Line, read_line};
use crate::message::{
    ANSWER_LINE_LIMIT_BYTES, ActionResult, FrameFeed, Hello, InlineFrame, Interval, Wants,
    end_line, frame_line, hello_line, interval_message,
};

/// How to start a lock-step defense.
#[derive(Clone, Debug)]
pub struct LockStepConfig {
    /// Program to start: a path, or a name to be found in `PATH`.
    pub command: PathBuf,
    /// Its arguments.
    pub args: Vec<String>,
    /// Working directory; a scratch folder that is removed afterwards when `None`.
    pub cwd: Option<PathBuf>,
    /// Variables beside the inherited environment.
    pub env: BTreeMap<String, String>,
    /// Wall time from start to `ready`.
    pub start_timeout: Duration,
    /// Wall time from an `interval` line to its `done`.
    pub interval_timeout: Duration,
    /// File for the tool's standard error, normally `defense/tool.log`.
    pub log_path: Option<PathBuf>,
    /// How it is kept away from the truth; not at all when `None`.
    pub confinement: Option<Confinement>,
}

/// A running lock-step defense.
///
/// The order of calls is [`LockStep::spawn`], [`LockStep::interval`] for each interval, and
/// [`LockStep::finish`]; between them [`LockStep::verdict`] for each frame that waits. After an error the process is gone and only dropping is allowed.
#[derive(Debug)]
pub struct LockStep {
    guard: Guard,
    to_tool: Option<Sender<Vec<u8>>>,
    from_tool: Receiver<io::Result<Line>>,
    chatter: Chatter,
    collector: Collector,
    interval_timeout: Duration,
    version: u32,
    tool_version: String,
    wants: Wants,
    feed: FrameFeed,
    spans: Vec<String>,
    seq: u64,
    now_ns: u64,
    lines_read: u64,
    failed: bool,
    _scratch: Option<TempDir>,
}

impl LockStep {
    /// Starts the tool and agrees on a protocol version.
    ///
    /// # Errors
    ///
    /// [`DefenseError::CannotStart`], or whatever went wrong until `ready`.
    pub fn spawn(config: &LockStepConfig, hello: &Hello) -> Result<Self, DefenseError> {
        let scratch = match &config.cwd {
            Some(_) => None,
            None => Some(
                TempDir::with_prefix("twinrange-defense-").map_err(|source| {
                    DefenseError::io("cannot create a scratch folder for the defense", source)
                })?,
            ),
        };
        let cwd = config
            .cwd
            .as_deref()
            .or(scratch.as_ref().map(TempDir::path));
        let mut command = match (&config.confinement, cwd) {
            (Some(confinement), Some(own)) => confinement.command(&config.command, own, own)?,
            _ => Command::new(&config.command),
        };
        command.args(&config.args).envs(&config.env);
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        if let Some(cwd) = cwd {
            command.current_dir(cwd);
        }
        let mut guard = Guard::spawn(&mut command)?;
        let child = guard.child();
        let stdin = child.stdin.take().expect("stdin was asked to be a pipe");
        let stdout = child.stdout.take().expect("stdout was asked to be a pipe");
        let stderr = child.stderr.take().expect("stderr was asked to be a pipe");
        let chatter = Chatter::collect(vec![Box::new(stderr)], config.log_path.as_deref())?;
        let mut this = Self {
            guard,
            to_tool: Some(start_writer(stdin)),
            from_tool: start_reader(stdout),
            chatter,
            collector: Collector::new(
                hello.spans.iter().map(|span| span.name.clone()),
                hello.actions.iter().copied(),
            ),
            interval_timeout: config.interval_timeout,
            version: 0,
            tool_version: String::new(),
            wants: Wants::default(),
            feed: FrameFeed::default(),
            spans: hello.spans.iter().map(|span| span.name.clone()).collect(),
            seq: 0,
            now_ns: 0,
            lines_read: 0,
            failed: false,
            _scratch: scratch,
        };
        let result = this.shake_hands(hello, config.start_timeout);
        this.settle(result)?;
        Ok(this)
    }

    /// Name that the tool gave itself.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.collector.tool
    }

    /// Version that the tool gave itself; empty when it gave none.
    #[must_use]
    pub fn tool_version(&self) -> &str {
        &self.tool_version
    }

    /// Protocol version that both sides speak.
    #[must_use]
    pub fn protocol_version(&self) -> u32 {
        self.version
    }

    /// What the tool asked to be sent. The caller may leave the rest of an [`Interval`] empty.
    #[must_use]
    pub fn wants(&self) -> Wants {
        self.wants
    }

    /// How the tool asked for its frames.
    #[must_use]
    pub fn feed(&self) -> FrameFeed {
        self.feed
    }

    /// Tells the tool what the sensors saw and waits for its answer.
    ///
    /// # Errors
    ///
    /// Whatever is wrong with the answer. The process has been killed then.
    ///
    /// # Panics
    ///
    /// If called after an error, or with intervals that do not follow each other in time: both are
    /// our bug.
    pub fn interval(&mut self, interval: &Interval<'_>) -> Result<Answer, DefenseError> {
        assert!(
            !self.failed,
            "the defense has failed; there is nobody to ask"
        );
        assert!(
            interval.from_ns == self.now_ns,
            "intervals must follow each other without a gap"
        );
        assert!(
            interval.to_ns > interval.from_ns,
            "an interval must not be empty"
        );
        self.seq += 1;
        self.now_ns = interval.to_ns;
        let message = interval_message(self.seq, interval, self.wants, self.feed, &self.spans);
        self.send(message);
        let result = self.collect(&format!("the answer to interval {}", self.seq));
        self.settle(result)
    }

    /// Shows the tool a frame that waits in its cable, and takes its verdict.
    ///
    /// # Errors
    ///
    /// Whatever is wrong with the answer. The process has been killed then.
    ///
    /// # Panics
    ///
    /// If called after an error.
    pub fn verdict(&mut self, frame: &InlineFrame<'_>) -> Result<Verdict, DefenseError> {
        assert!(
            !self.failed,
            "the defense has failed; there is nobody to ask"
        );
        self.send_line(frame_line(frame));
        let timeout = self.interval_timeout;
        let waiting_for = format!("the verdict on frame {}", frame.n);
        let bytes = self.next_line(Instant::now() + timeout, timeout, &waiting_for);
        let result = bytes.and_then(|bytes| parse_verdict(self.lines_read, &bytes, frame.n));
        self.settle(result)
    }

    /// Tells the tool that the run is over, takes its last answer and waits until it has ended.
    ///
    /// Actions in the last answer come too late to be carried out; the caller records them as
    /// refused.
    ///
    /// # Errors
    ///
    /// Whatever is wrong with the last answer, [`DefenseError::Garbage`] for output after it, or
    /// [`DefenseError::Crashed`] for an exit status other than 0.
    ///
    /// # Panics
    ///
    /// If called after an error.
    pub fn finish(mut self, action_results: &[ActionResult]) -> Result<Answer, DefenseError> {
        assert!(
            !self.failed,
            "the defense has failed; there is nobody to ask"
        );
        self.seq += 1;
        self.send_line(end_line(self.seq, self.now_ns, action_results));
        let result = self.collect("the answer to 'end'").and_then(|answer| {
            self.close()?;
            Ok(answer)
        });
        self.settle(result)
    }

    fn shake_hands(&mut self, hello: &Hello, timeout: Duration) -> Result<(), DefenseError> {
        self.send_line(hello_line(hello));
        let bytes = self.next_line(Instant::now() + timeout, timeout, "'ready'")?;
        let ready = parse_ready(self.lines_read, &bytes)?;
        self.version = ready.version;
        self.tool_version = ready.tool_version;
        self.wants = ready.wants;
        self.feed = ready.feed;
        self.collector.tool = ready.name;
        Ok(())
    }

    fn send_line(&mut self, mut line: Vec<u8>) {
        line.push(b'\n');
        self.send(line);
    }

    fn send(&mut self, message: Vec<u8>) {
        // A writer that has stopped means a tool that closed its input; the reader will see it end.
        let _stopped = self
            .to_tool
            .as_ref()
            .expect("open until the end")
            .send(message);
    }

    fn collect(&mut self, waiting_for: &str) -> Result<Answer, DefenseError> {
        let deadline = Instant::now() + self.interval_timeout;
        loop {
            let bytes = self.next_line(deadline, self.interval_timeout, waiting_for)?;
            let progress = self
                .collector
                .take(self.lines_read, &bytes, self.seq, self.now_ns)?;
            if progress == Progress::Done {
                return Ok(self.collector.finish_interval());
            }
        }
    }

    fn next_line(
        &mut self,
        deadline: Instant,
        timeout: Duration,
        waiting_for: &str,
    ) -> Result<Vec<u8>, DefenseError> {
        let left = deadline.saturating_duration_since(Instant::now());
        match self.from_tool.recv_timeout(left) {
            Ok(Ok(Line::Whole(bytes))) => {
                self.lines_read += 1;
                Ok(bytes)
            }
            Ok(Ok(Line::TooLong)) => Err(DefenseError::TooLong {
                line: self.lines_read + 1,
                limit_bytes: ANSWER_LINE_LIMIT_BYTES,
            }),
            Ok(Ok(Line::End(rest))) => Err(self.ended(waiting_for, &rest)),
            Ok(Err(source)) => Err(DefenseError::io("cannot read from the defense", source)),
            Err(RecvTimeoutError::Disconnected) => Err(self.ended(waiting_for, b"")),
            Err(RecvTimeoutError::Timeout) => Err(DefenseError::TimedOut {
                waiting_for: waiting_for.to_owned(),
                waited: timeout,
                stderr_tail: String::new(),
            }),
        }
    }

    /// Its output has ended: says how the process did, which normally follows at once.
    fn ended(&mut self, waiting_for: &str, rest: &[u8]) -> DefenseError {
        let status = self
            .guard
            .wait_until(Instant::now() + Duration::from_secs(5), &|| false);
        DefenseError::Crashed {
            waiting_for: waiting_for.to_owned(),
            status: status.map_or_else(
                || "it closed its standard output without ending".to_owned(),
                describe,
            ),
            stderr_tail: String::new(),
            partial: if rest.is_empty() {
                None
            } else {
                Some(excerpt(rest))
            },
        }
    }

    /// Closes the tool's input; it has to end now, silently and with status 0.
    fn close(&mut self) -> Result<(), DefenseError> {
        self.to_tool = None;
        let deadline = Instant::now() + self.interval_timeout;
        let rest = match self.next_line(deadline, self.interval_timeout, "the process to end") {
            Err(DefenseError::Crashed { partial, .. }) => partial.map(|text| (1, text)),
            Err(error) => return Err(error),
            Ok(bytes) => Some((0, excerpt(&bytes))),
        };
        if let Some((unread, excerpt)) = rest {
            return Err(DefenseError::Garbage {
                line: self.lines_read + unread,
                column: 1,
                reason: "nothing may follow the last 'done'".into(),
                excerpt,
            });
        }
        match self.guard.wait_until(deadline, &|| false) {
            Some(status) if status.success() => Ok(()),
            Some(status) => Err(DefenseError::Crashed {
                waiting_for: "the process to end".to_owned(),
                status: describe(status),
                stderr_tail: String::new(),
                partial: None,
            }),
            None => Err(DefenseError::TimedOut {
                waiting_for: "the process to end".to_owned(),
                waited: self.interval_timeout,
                stderr_tail: String::new(),
            }),
        }
    }

    /// After an error: kills the process, then adds the end of its standard error.
    fn settle<T>(&mut self, result: Result<T, DefenseError>) -> Result<T, DefenseError> {
        let mut error = match result {
            Ok(value) => return Ok(value),
            Err(error) => error,
        };
        self.failed = true;
        self.to_tool = None;
        self.guard.kill();
        if let DefenseError::Crashed { stderr_tail, .. }
        | DefenseError::TimedOut { stderr_tail, .. }
        | DefenseError::Reported { stderr_tail, .. } = &mut error
        {
            *stderr_tail = self.chatter.tail();
        }
        Err(error)
    }
}

fn start_writer(mut stdin: ChildStdin) -> Sender<Vec<u8>> {
    let (sender, receiver) = mpsc::channel::<Vec<u8>>();
    thread::spawn(move || {
        // At most one message is under way: the caller waits for each answer.
        for message in receiver {
            if stdin
                .write_all(&message)
                .and_then(|()| stdin.flush())
                .is_err()
            {
                return;
            }
        }
    });
    sender
}

fn start_reader(stdout: ChildStdout) -> Receiver<io::Result<Line>> {
    const QUEUE_LINES: usize = 16;
    let (sender, receiver): (SyncSender<_>, _) = mpsc::sync_channel(QUEUE_LINES);
    thread::spawn(move || {
        let mut stream = BufReader::with_capacity(64 << 10, stdout);
        loop {
            let line = read_line(&mut stream, ANSWER_LINE_LIMIT_BYTES);
            let last = !matches!(line, Ok(Line::Whole(_)));
            if sender.send(line).is_err() || last {
                return;
            }
        }
    });
    receiver
}
