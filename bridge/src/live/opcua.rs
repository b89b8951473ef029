//! Samples of the historian's tags to clients of OPC UA, through a server that is a program of its own.
//!
//! The program `twinrange-opcua` is started with the address and told on standard input what there is, a line of JSON
//! ([`PlantTags`]), and then a line per sample, in the form of `docs/defense-protocol.md`. It answers on standard output with
//! `{"listening":URL}`, at the end with `{"samples":N}`, and with `{"error":TEXT}` if something is wrong.
//!
//! **Invariant:** a server that is slow, deaf or gone costs samples, which are counted, and a few seconds at the end of the
//! session at most. It is never left behind: its end comes with that of standard input, or by force.

use std::io::{self, BufReader, BufWriter, Write};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, channel, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::api::SeenTag;
use crate::child::{Guard, describe};
use crate::error::DefenseError;
use crate::lines::{Line, read_line};
use crate::live::{PlantTags, wait_while_taken};
use crate::message::TagSample;

/// Name of the server's program.
pub const PROGRAM: &str = "twinrange-opcua";
/// Samples that wait for the server: some ten minutes of a hundred tags at plant speed.
const WAITING_MAX: usize = 100_000;
/// How long the server may take until it listens.
const START: Duration = Duration::from_secs(30);
/// How long the end of a session waits for a server that takes nothing more.
const PATIENCE: Duration = Duration::from_secs(5);
/// Samples that are written between two looks at how many have been.
const BATCH: usize = 1_000;
/// Longest line that the server may write, bytes.
const ANSWER_BYTES_MAX: usize = 4_096;

/// Why a session has no OPC UA server.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum OpcuaError {
    /// The program cannot be started, or is no server.
    #[error("{0}")]
    Program(String),
    /// The server says why it cannot be.
    #[error("{0}")]
    Server(String),
}

/// What became of samples at the end of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Served {
    /// Samples that the server has not taken; at least so many, where it ended before its time.
    pub lost: u64,
    /// Why it ended before its time.
    pub trouble: Option<String>,
}

/// What the server says.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Answer {
    Listening(String),
    Samples(u64),
    Error(String),
}

/// Samples on their way to an OPC UA server.
#[derive(Debug)]
pub struct OpcuaOut {
    endpoint: String,
    samples: SyncSender<SeenTag>,
    given: u64,
    /// Samples that are in the pipe or beyond it.
    written: Arc<AtomicU64>,
    answers: Receiver<Result<Answer, String>>,
    threads: [JoinHandle<()>; 2],
    // Dropped without a word, it takes the server with it.
    server: Guard,
}

impl OpcuaOut {
    /// Starts the server and waits until it listens.
    ///
    /// # Errors
    ///
    /// If the program is no server, or the server cannot listen there.
    pub fn start(
        program: &Path,
        address: SocketAddr,
        plant: &PlantTags,
    ) -> Result<Self, OpcuaError> {
        Self::start_with(Command::new(program), address, plant)
    }

    fn start_with(
        mut command: Command,
        address: SocketAddr,
        plant: &PlantTags,
    ) -> Result<Self, OpcuaError> {
        command
            .arg(address.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let program = command.get_program().to_string_lossy().into_owned();
        let wrong = |why: &str| Err(OpcuaError::Program(format!("`{program}` {why}")));
        let mut server = match Guard::spawn(&mut command) {
            Ok(server) => server,
            Err(DefenseError::CannotStart { source, .. }) => {
                return wrong(&format!("cannot be started: {source}"));
            }
            Err(error) => return wrong(&error.to_string()),
        };
        let stdin = server.child().stdin.take().expect("it is piped");
        let stdout = server.child().stdout.take().expect("it is piped");
        let (tell, answers) = channel();
        let reader = thread::spawn(move || {
            for answer in answers_of(stdout) {
                // Nobody listens any more once the session is given up.
                let _ = tell.send(answer);
            }
        });
        let (samples, waiting) = sync_channel(WAITING_MAX);
        let written = Arc::<AtomicU64>::default();
        let counted = Arc::clone(&written);
        let plant = plant.clone();
        let writer = thread::spawn(move || {
            // It has ended, and how is told by its answers.
            let _ = feed(stdin, &plant, &waiting, &counted);
        });
        let endpoint = match answers.recv_timeout(START) {
            Ok(Ok(Answer::Listening(endpoint))) => endpoint,
            Ok(Ok(Answer::Error(why))) => return Err(OpcuaError::Server(why)),
            Ok(Ok(Answer::Samples(_))) => return wrong("ends before it has begun"),
            Ok(Err(line)) => {
                return wrong(&format!("is no OPC UA server of ours: it says `{line}`"));
            }
            Err(RecvTimeoutError::Timeout) => return wrong("has not said that it listens"),
            Err(RecvTimeoutError::Disconnected) => {
                let status = server.wait_until(Instant::now() + PATIENCE, &|| false);
                let how = status.map_or_else(|| "it closed its output".to_owned(), describe);
                return wrong(&format!("has not said that it listens: {how}"));
            }
        };
        Ok(Self {
            endpoint,
            samples,
            given: 0,
            written,
            answers,
            threads: [reader, writer],
            server,
        })
    }

    /// Where clients find the server.
    #[must_use]
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Hands over a sample.
    ///
    /// # Panics
    ///
    /// The thread that sends panics if the plant has no such tag.
    pub fn send(&mut self, sample: SeenTag) {
        self.given += 1;
        // One for which there is no room is never written, and that is how the lost ones are counted.
        let _ = self.samples.try_send(sample);
    }

    /// Ends the server once it has taken all samples, and says what was lost.
    #[must_use]
    pub fn finish(self) -> Served {
        self.finish_with(PATIENCE)
    }

    fn finish_with(mut self, patience: Duration) -> Served {
        drop(self.samples);
        let mut status = None;
        let server = &mut self.server;
        wait_while_taken(
            || self.written.load(Ordering::Relaxed),
            || {
                status = server.wait_until(Instant::now() + patience, &|| false);
                status.is_some()
            },
        );
        self.server.kill();
        for thread in self.threads {
            // A panic is reported where it happens; samples that it costs are not written and so counted.
            let _ = thread.join();
        }
        let (mut taken, mut trouble) = (None, None);
        for answer in self.answers.try_iter() {
            match answer {
                Ok(Answer::Samples(samples)) => taken = Some(samples),
                Ok(Answer::Error(why)) => trouble = Some(why),
                Ok(Answer::Listening(_)) | Err(_) => {}
            }
        }
        if taken.is_none() && trouble.is_none() {
            trouble = Some(status.map_or_else(|| "it did not end in time".to_owned(), describe));
        }
        let taken = taken.unwrap_or_else(|| self.written.load(Ordering::Relaxed));
        Served {
            lost: self.given.saturating_sub(taken),
            trouble,
        }
    }
}

/// Writes what there is, and then samples as they come.
fn feed(
    stdin: ChildStdin,
    plant: &PlantTags,
    waiting: &Receiver<SeenTag>,
    written: &AtomicU64,
) -> io::Result<()> {
    let mut stdin = BufWriter::new(stdin);
    write_line(&mut stdin, plant)?;
    stdin.flush()?;
    while let Ok(first) = waiting.recv() {
        let mut count = 0;
        for sample in std::iter::once(first).chain(waiting.try_iter().take(BATCH)) {
            let sample = TagSample {
                t_ns: sample.t_ns,
                tag: &plant.tags[sample.tag].name,
                value: sample.value,
                quality: sample.quality,
            };
            write_line(&mut stdin, &sample)?;
            count += 1;
        }
        stdin.flush()?;
        written.fetch_add(count, Ordering::Relaxed);
    }
    Ok(())
}

fn write_line(to: &mut impl Write, line: &impl Serialize) -> io::Result<()> {
    serde_json::to_writer(&mut *to, line)?;
    to.write_all(b"\n")
}

/// What the server says, line by line; a line that is no answer as it stands.
fn answers_of(stdout: ChildStdout) -> impl Iterator<Item = Result<Answer, String>> {
    let mut stdout = BufReader::new(stdout);
    std::iter::from_fn(move || match read_line(&mut stdout, ANSWER_BYTES_MAX) {
        Ok(Line::Whole(line)) => {
            let answer = serde_json::from_slice(&line);
            let as_it_stands = |_| String::from_utf8_lossy(&line).escape_debug().to_string();
            Some(answer.map_err(as_it_stands))
        }
        // A line beyond the limit is the end, too: nothing of ours writes one.
        Ok(Line::End(_) | Line::TooLong) | Err(_) => None,
    })
}

#[cfg(all(test, unix))]
mod tests;
