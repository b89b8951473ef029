//! One child process: its own process group, always killed and reaped, its standard error bounded.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;
use std::process::{Child, Command, ExitStatus};
use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::error::DefenseError;

/// Most bytes of a tool's chatter that are kept in `tool.log`.
const LOG_LIMIT_BYTES: usize = 16 << 20;
/// Bytes of chatter that an error shows.
const TAIL_BYTES: usize = 4 << 10;
/// How often a wait looks at the child.
const POLL: Duration = Duration::from_millis(5);

/// Owns a child. Dropping it kills the child and all that it started, and reaps it.
#[derive(Debug)]
pub(crate) struct Guard {
    child: Child,
    status: Option<ExitStatus>,
}

impl Guard {
    /// Starts the command in a process group of its own, so that Ctrl-C at the terminal reaches the
    /// range alone, and so that a kill also takes what a shell script has started.
    pub(crate) fn spawn(command: &mut Command) -> Result<Self, DefenseError> {
        #[cfg(unix)]
        {
            use std::os::unix::process::CommandExt as _;
            command.process_group(0);
        }
        // What makes common tools repeat themselves: no hash seeds, one time zone, one locale.
        command
            .env("PYTHONHASHSEED", "0")
            .env("TZ", "UTC")
            .env("LC_ALL", "C.UTF-8");
        match command.spawn() {
            Ok(child) => Ok(Self {
                child,
                status: None,
            }),
            Err(source) => Err(DefenseError::CannotStart {
                command: command.get_program().to_string_lossy().into_owned(),
                source,
            }),
        }
    }

    pub(crate) fn child(&mut self) -> &mut Child {
        &mut self.child
    }

    /// How the child ended, or `None` if it runs on at the deadline or when `stop` says so.
    pub(crate) fn wait_until(
        &mut self,
        deadline: Instant,
        stop: &dyn Fn() -> bool,
    ) -> Option<ExitStatus> {
        loop {
            if let Some(status) = self.try_status() {
                return Some(status);
            }
            if Instant::now() >= deadline || stop() {
                return None;
            }
            thread::sleep(POLL);
        }
    }

    /// Kills the whole group and reaps the child. Calling it again does nothing.
    pub(crate) fn kill(&mut self) {
        if self.status.is_none() {
            self.kill_group();
            // The group kill may be unsupported; the child alone can always be killed.
            let _already_dead = self.child.kill();
            self.status = self.child.wait().ok();
        }
    }

    fn try_status(&mut self) -> Option<ExitStatus> {
        if self.status.is_none()
            && let Ok(Some(status)) = self.child.try_wait()
        {
            self.status = Some(status);
            // The leader is gone; helpers that it left behind must not outlive it.
            self.kill_group();
        }
        self.status
    }

    fn kill_group(&self) {
        #[cfg(unix)]
        if let Some(pid) = i32::try_from(self.child.id())
            .ok()
            .and_then(rustix::process::Pid::from_raw)
        {
            // An empty group is the wish fulfilled.
            let _none_left =
                rustix::process::kill_process_group(pid, rustix::process::Signal::KILL);
        }
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Says how a process ended: `exit status 2`, `killed by signal 9`.
pub(crate) fn describe(status: ExitStatus) -> String {
    #[cfg(unix)]
    {
        use std::os::unix::process::ExitStatusExt as _;
        if let Some(signal) = status.signal() {
            return format!("it was killed by signal {signal}");
        }
    }
    match status.code() {
        Some(0) => "it ended by itself with exit status 0".to_owned(),
        Some(code) => format!("it ended with exit status {code}"),
        None => "it ended without an exit status".to_owned(),
    }
}

/// Copies a tool's chatter into `tool.log` and remembers its end.
#[derive(Debug)]
pub(crate) struct Chatter {
    tail: Arc<Mutex<Vec<u8>>>,
    done: Vec<Receiver<()>>,
}

impl Chatter {
    /// Starts one thread per stream. Without a log file, only the tail is kept.
    pub(crate) fn collect(
        streams: Vec<Box<dyn Read + Send>>,
        log_path: Option<&Path>,
    ) -> Result<Self, DefenseError> {
        let log = match log_path {
            None => None,
            Some(path) => Some(File::create(path).map_err(|source| {
                DefenseError::io(format!("cannot create {}", path.display()), source)
            })?),
        };
        let log = Arc::new(Mutex::new(Log {
            file: log,
            written_bytes: 0,
        }));
        let tail = Arc::new(Mutex::new(Vec::new()));
        let mut done = Vec::new();
        for stream in streams {
            let (tell, told) = mpsc::channel();
            done.push(told);
            let (log, tail) = (Arc::clone(&log), Arc::clone(&tail));
            thread::spawn(move || {
                pump(stream, &log, &tail);
                // The receiver may be gone already.
                let _unheard = tell.send(());
            });
        }
        Ok(Self { tail, done })
    }

    /// The last lines, once the streams have ended or a moment has passed: a process that escaped
    /// from its group can hold a stream open for ever.
    pub(crate) fn tail(&self) -> String {
        for done in &self.done {
            // Ended or timed out: the tail is as complete as it gets.
            let _either = done.recv_timeout(Duration::from_millis(500));
        }
        let tail = self.tail.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&tail)
            .chars()
            .filter(|&c| c == '\n' || c == '\t' || !c.is_control())
            .collect()
    }
}

struct Log {
    file: Option<File>,
    written_bytes: usize,
}

impl Log {
    fn write(&mut self, bytes: &[u8]) {
        let Some(file) = &mut self.file else { return };
        let room = LOG_LIMIT_BYTES - self.written_bytes;
        let part = &bytes[..bytes.len().min(room)];
        self.written_bytes += part.len();
        let mut result = file.write_all(part);
        if part.len() < bytes.len() && result.is_ok() {
            result = file.write_all(b"\n[the range cut this log here: it reached its limit]\n");
            self.file = None;
        }
        if result.is_err() {
            // A full disk must not stop the pump: the tool would block on its standard error.
            self.file = None;
        }
    }
}

fn pump(mut stream: Box<dyn Read + Send>, log: &Mutex<Log>, tail: &Mutex<Vec<u8>>) {
    let mut buffer = [0u8; 8192];
    loop {
        let count = match stream.read(&mut buffer) {
            Ok(0) => return,
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(_) => return,
        };
        log.lock()
            .unwrap_or_else(PoisonError::into_inner)
            .write(&buffer[..count]);
        let mut tail = tail.lock().unwrap_or_else(PoisonError::into_inner);
        tail.extend_from_slice(&buffer[..count]);
        let surplus = tail.len().saturating_sub(TAIL_BYTES);
        tail.drain(..surplus);
    }
}
