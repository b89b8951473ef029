//! The SPAN port's frames as they happen, into a pipe or standard output, for tools without privilege.
//!
//! A thread of its own writes. Between it and the plant is a bounded queue, so that a reader that is slow, or does not
//! read at all, costs frames of the stream and nothing else: neither plant time nor evidence.

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, SyncSender, TryRecvError};
use std::thread;
use std::time::Duration;

use twinrange_range::evidence::capture::CaptureWriter;
use twinrange_range::problem::Problem;

/// Most frames that wait for a reader; the next ones are left out of the stream.
const QUEUE_FRAMES: usize = 32_768;
/// Most frames that are written together.
const FRAMES_AT_ONCE: u64 = 64;
/// Room for so many of them, bytes.
const BUFFER_BYTES: usize = 64 << 10;
/// How often it is looked whether the reader is still there while there is nothing to write.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// How long the end of a session waits for a reader to take more of what is left.
const LAST_WORD: Duration = Duration::from_secs(5);

/// A frame and when the switch had received it, simulated ns.
type Frame = (u64, Vec<u8>);

/// Where a stream goes.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Target {
    /// Standard output, as it was when the program started.
    Output,
    /// A named pipe or a device.
    Pipe(PathBuf),
}

/// A capture that somebody reads while it grows.
pub(super) struct CaptureStream {
    frames: SyncSender<Frame>,
    done: Receiver<()>,
    /// Frames that were offered.
    offered: u64,
    shared: Arc<Shared>,
}

/// What the writing thread tells.
#[derive(Debug, Default)]
struct Shared {
    /// Frames that have gone to a reader.
    written: AtomicU64,
    /// Whether somebody has the pipe open.
    has_reader: AtomicBool,
}

impl CaptureStream {
    /// Begins a stream. Whatever else the program prints goes to standard error from now on if the stream has standard
    /// output.
    ///
    /// # Arguments
    ///
    /// * `to` — path of a named pipe, or `-` for standard output.
    /// * `span` — name of the SPAN port.
    ///
    /// # Errors
    ///
    /// `TR0605` if there is nothing to stream into.
    pub(super) fn begin(to: &Path, span: &str) -> Result<Self, Problem> {
        let cannot = |why: String| {
            Problem::new(
                "TR0605",
                format!("frames cannot be streamed to `{}`: {why}", to.display()),
            )
        };
        let (target, first) = if to == Path::new("-") {
            let output = take_output().map_err(|error| cannot(error.to_string()))?;
            (Target::Output, Some(output))
        } else {
            let hint = "make a named pipe with mkfifo, and name it to the reader as well";
            let facts =
                std::fs::metadata(to).map_err(|error| cannot(error.to_string()).hint(hint))?;
            if facts.is_file() || facts.is_dir() {
                let why = "it is no pipe; the run folder keeps the capture as a file";
                return Err(cannot(why.to_owned()).hint(hint));
            }
            (Target::Pipe(to.to_owned()), None)
        };
        let (frames, queue) = mpsc::sync_channel(QUEUE_FRAMES);
        let (ends, done) = mpsc::sync_channel(1);
        let shared = Arc::new(Shared::default());
        let (telling, span) = (Arc::clone(&shared), span.to_owned());
        thread::spawn(move || {
            serve(&target, first, &span, &queue, &telling);
            // Nobody waits any more where the session was left in another way.
            let _ = ends.send(());
        });
        Ok(Self {
            frames,
            done,
            offered: 0,
            shared,
        })
    }

    /// Offers a frame; it is left out where the queue is full or nobody will read any more.
    pub(super) fn send(&mut self, t_ns: u64, frame: &[u8]) {
        self.offered += 1;
        // What does not go through is counted in the end.
        let _ = self.frames.try_send((t_ns, frame.to_vec()));
    }

    /// Ends the stream and says how many frames have not gone to a reader.
    pub(super) fn finish(self) -> u64 {
        drop(self.frames);
        let written = || self.shared.written.load(Ordering::SeqCst);
        let mut before = written();
        while self.shared.has_reader.load(Ordering::SeqCst)
            && self.done.recv_timeout(LAST_WORD).is_err()
        {
            let now = written();
            if now == before {
                // A reader that does not read is not waited for any longer.
                break;
            }
            before = now;
        }
        self.offered - written()
    }
}

/// Serves one reader after the other until the session is over. A new reader of a pipe gets headers of its own and the
/// frames from then on.
fn serve(
    target: &Target,
    first: Option<File>,
    span: &str,
    queue: &Receiver<Frame>,
    shared: &Shared,
) {
    let mut first = first;
    let mut is_another = false;
    loop {
        let opened = match (first.take(), target) {
            (Some(output), _) => Ok(output),
            // It waits for a reader.
            (None, Target::Pipe(path)) => OpenOptions::new().write(true).open(path),
            (None, Target::Output) => return,
        };
        let Ok(output) = opened else { return };
        if std::mem::replace(&mut is_another, true) {
            // What came while nobody read is not for the one who reads now.
            while queue.try_recv().is_ok() {}
        }
        shared.has_reader.store(true, Ordering::SeqCst);
        if write_all(output, span, queue, &shared.written).is_ok() {
            return;
        }
        shared.has_reader.store(false, Ordering::SeqCst);
    }
}

/// Writes frames until the session is over.
///
/// # Errors
///
/// When the reader has gone away.
fn write_all(
    output: File,
    span: &str,
    queue: &Receiver<Frame>,
    written: &AtomicU64,
) -> io::Result<()> {
    let reader = output.try_clone()?;
    let mut writer = CaptureWriter::new(BufWriter::with_capacity(BUFFER_BYTES, output), span)?;
    // Frames in the buffer: they have gone to the reader only when they are flushed.
    let mut buffered = 0;
    loop {
        let next = queue.try_recv();
        if buffered == FRAMES_AT_ONCE || next.is_err() {
            writer.flush()?;
            written.fetch_add(std::mem::take(&mut buffered), Ordering::SeqCst);
        }
        let next = match next {
            Err(TryRecvError::Empty) => wait(queue, &reader)?,
            next => next.ok(),
        };
        let Some((t_ns, frame)) = next else {
            return Ok(());
        };
        writer.frame(t_ns, &frame)?;
        buffered += 1;
    }
}

/// Waits for a frame, or the end of the session. Nothing tells who writes nothing that the reader went away, and the next
/// reader would find the rest of a stream in the pipe.
///
/// # Errors
///
/// When the reader has gone away.
fn wait(queue: &Receiver<Frame>, reader: &File) -> io::Result<Option<Frame>> {
    loop {
        match queue.recv_timeout(LOOK_EVERY) {
            Ok(frame) => return Ok(Some(frame)),
            Err(RecvTimeoutError::Disconnected) => return Ok(None),
            Err(RecvTimeoutError::Timeout) if is_gone(reader) => {
                return Err(io::ErrorKind::BrokenPipe.into());
            }
            Err(RecvTimeoutError::Timeout) => {}
        }
    }
}

/// Whether nobody has the other end of a pipe open.
#[cfg(unix)]
fn is_gone(pipe: &File) -> bool {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    let mut asked = [PollFd::new(pipe, PollFlags::empty())];
    let polled = poll(&mut asked, Some(&Timespec::default()));
    polled.is_ok() && asked[0].revents().contains(PollFlags::ERR)
}

#[cfg(not(unix))]
fn is_gone(_pipe: &File) -> bool {
    false
}

/// Takes standard output for the stream; what is printed later goes to standard error.
#[cfg(unix)]
fn take_output() -> io::Result<File> {
    use std::os::fd::AsFd as _;
    io::stdout().flush()?;
    let output = io::stdout().as_fd().try_clone_to_owned()?;
    rustix::stdio::dup2_stdout(io::stderr())?;
    Ok(File::from(output))
}

#[cfg(not(unix))]
fn take_output() -> io::Result<File> {
    let why = "standard output cannot be handed over on this system";
    Err(io::Error::new(io::ErrorKind::Unsupported, why))
}
