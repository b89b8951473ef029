//! Commands of a live session, one per line of standard input.

use std::io::BufRead;
use std::sync::mpsc::Sender;
use std::thread;

use super::Event;

/// What a person may ask for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Command {
    /// Stop time.
    Pause,
    /// Let time pass.
    Go,
    /// Simulate this many ns and stop.
    Step(u64),
    /// Simulate this many seconds per second.
    Speed(f64),
    /// End the session in the orderly way.
    Quit,
}

/// Slowest and fastest pace.
pub const SPEEDS: std::ops::RangeInclusive<f64> = 0.01..=1_000.0;

/// Longest step, s.
const STEP_MAX_S: f64 = 3_600.0;

impl Command {
    /// Reads a command.
    ///
    /// # Errors
    ///
    /// What may stand there.
    ///
    /// # Examples
    ///
    /// ```
    /// use twinrange_bridge::live::Command;
    ///
    /// assert_eq!(Command::parse("step 0.5"), Ok(Command::Step(500_000_000)));
    /// assert!(Command::parse("speed fast").is_err());
    /// ```
    pub fn parse(line: &str) -> Result<Self, String> {
        let mut words = line.split_whitespace();
        let (word, value, more) = (words.next(), words.next(), words.next());
        let number = value.and_then(|value| value.parse::<f64>().ok());
        match (word, value, more) {
            (Some("pause"), None, _) => Ok(Self::Pause),
            (Some("go"), None, _) => Ok(Self::Go),
            (Some("quit"), None, _) => Ok(Self::Quit),
            (Some("step"), _, None) => {
                let seconds = number.filter(|s| *s > 0.0 && *s <= STEP_MAX_S);
                let seconds = seconds.ok_or("`step` takes seconds of plant time, 0 to 3600")?;
                let step = std::time::Duration::from_secs_f64(seconds).as_nanos();
                Ok(Self::Step(u64::try_from(step).expect("an hour is short")))
            }
            (Some("speed"), _, None) => {
                let speed = number.filter(|speed| SPEEDS.contains(speed));
                let speed = speed.ok_or("`speed` takes plant seconds per second, 0.01 to 1000")?;
                Ok(Self::Speed(speed))
            }
            _ => Err(format!(
                "`{line}` is no command; there are pause, go, step SECONDS, speed FACTOR and quit"
            )),
        }
    }
}

/// Reads commands on a thread of their own until the text ends.
pub fn read_commands(mut from: impl BufRead + Send + 'static, events: Sender<Event>) {
    thread::spawn(move || {
        let mut line = Vec::new();
        while matches!(from.read_until(b'\n', &mut line), Ok(1..)) {
            let text = String::from_utf8_lossy(&line);
            let text = text.trim();
            if !text.is_empty() && events.send(Event::Command(Command::parse(text))).is_err() {
                return;
            }
            line.clear();
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_when_written_right_then_are_read() {
        let read = |line| Command::parse(line);
        assert_eq!(read("pause"), Ok(Command::Pause));
        assert_eq!(read(" go "), Ok(Command::Go));
        assert_eq!(read("step 10"), Ok(Command::Step(10_000_000_000)));
        assert_eq!(read("speed 0.5"), Ok(Command::Speed(0.5)));
        assert_eq!(read("quit"), Ok(Command::Quit));
    }

    #[test]
    fn commands_when_wrong_then_say_what_may_stand_there() {
        for line in [
            "step",
            "step -1",
            "step 1 2",
            "speed nan",
            "speed 0",
            "speed inf",
            "pause now",
            "stop",
        ] {
            let error = Command::parse(line).expect_err(line);
            assert!(error.contains('`'), "{line}: {error}");
        }
    }
}
