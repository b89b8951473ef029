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

/// The flag that Ctrl-C sets. A second Ctrl-C ends the program at once.
pub(crate) fn interrupt_flag() -> Arc<AtomicBool> {
    static FLAG: OnceLock<Arc<AtomicBool>> = OnceLock::new();
    let flag = FLAG.get_or_init(|| {
        let flag = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&flag);
        // Where no handler can be had, Ctrl-C just ends the program; the run folder says so.
        let _ = ctrlc::set_handler(move || {
            if seen.swap(true, Ordering::SeqCst) {
                std::process::exit(130);
            }
        });
        flag
    });
    Arc::clone(flag)
}
