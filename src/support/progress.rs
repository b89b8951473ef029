//! Progress of a run: a bar on a terminal, nothing elsewhere; and Ctrl-C.

use std::io::IsTerminal;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use indicatif::{ProgressBar, ProgressStyle};
use sim_kernel::time::{SimDuration, SimTime};

/// A simulated time as `h:mm:ss`.
pub(crate) fn clock(at: SimTime) -> String {
    let s = at.as_secs();
    format!("{}:{:02}:{:02}", s / 3600, s / 60 % 60, s % 60)
}

/// A bar over simulated time.
pub(crate) struct Progress {
    bar: ProgressBar,
}

impl Progress {
    /// A bar for a run of this length, with a word for what it is.
    pub(crate) fn new(what: &str, duration: SimDuration) -> Self {
        if !std::io::stderr().is_terminal() {
            return Self {
                bar: ProgressBar::hidden(),
            };
        }
        let bar = ProgressBar::new(duration.as_secs());
        let template = "{prefix:12} [{bar:32}] {percent:>3}%  {msg} simulated, {elapsed} elapsed";
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style.progress_chars("=> "));
        }
        bar.set_prefix(what.to_owned());
        Self { bar }
    }

    /// Moves the bar.
    pub(crate) fn at(&self, now: SimTime) {
        self.bar.set_position(now.as_secs());
        self.bar.set_message(clock(now));
    }

    /// Takes the bar away.
    pub(crate) fn done(self) {
        self.bar.finish_and_clear();
    }
}

/// A count of runs of which nobody knows how many there will be.
pub(crate) struct Count {
    bar: ProgressBar,
}

impl Count {
    /// A spinner with a word for what is counted, on a terminal.
    pub(crate) fn new(what: &str) -> Self {
        if !std::io::stderr().is_terminal() {
            return Self::hidden();
        }
        let bar = ProgressBar::new_spinner();
        if let Ok(style) =
            ProgressStyle::with_template("{prefix:12} {spinner} {pos} runs, {elapsed} elapsed")
        {
            bar.set_style(style);
        }
        bar.set_prefix(what.to_owned());
        Self { bar }
    }

    /// A count that nobody looks at.
    pub(crate) fn hidden() -> Self {
        Self {
            bar: ProgressBar::hidden(),
        }
    }

    /// One more.
    pub(crate) fn one_more(&self) {
        self.bar.inc(1);
    }
}

impl Drop for Count {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

/// The flag that Ctrl-C sets, and on Unix whoever else asks the program to end. A second time ends it at once.
pub(crate) fn interrupt_flag() -> Arc<AtomicBool> {
    static FLAG: OnceLock<Arc<AtomicBool>> = OnceLock::new();
    let flag = FLAG.get_or_init(|| {
        let flag = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&flag);
        let interrupt = move || {
            if seen.swap(true, Ordering::SeqCst) {
                std::process::exit(130);
            }
        };
        hear(interrupt);
        flag
    });
    Arc::clone(flag)
}

/// Hears Ctrl-C, `SIGTERM`, with which `kill`, `timeout` and service managers ask, and the end of the terminal, where that
/// is not to be ignored (`nohup`). Where no handler can be had, each just ends the program; the run folder says so.
#[cfg(unix)]
fn hear(interrupt: impl Fn() + Send + 'static) {
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
    use signal_hook::iterator::Signals;
    let mut asked = vec![SIGINT, SIGTERM];
    if !is_ignored(SIGHUP) {
        asked.push(SIGHUP);
    }
    if let Ok(mut signals) = Signals::new(asked) {
        std::thread::spawn(move || signals.forever().for_each(|_| interrupt()));
    }
}

/// Hears Ctrl-C. Where no handler can be had, it just ends the program; the run folder says so.
#[cfg(not(unix))]
fn hear(interrupt: impl Fn() + Send + 'static) {
    let _ = ctrlc::set_handler(interrupt);
}

/// Whether the program was started with a signal to be ignored; not known but on Linux (proc(5), `SigIgn`).
#[cfg(unix)]
fn is_ignored(signal: i32) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_some_and(|mask| mask >> (signal - 1) & 1 == 1)
}
