//! The protocol of `docs/defense-protocol.md`, version 1, from the tool's side.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::{self, BufRead, Write};
use std::net::Ipv4Addr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::{Value, json};
use sim_kernel::rng::Stream;
use sim_wire::{FrameSummary, MacAddr};
use thiserror::Error;

use crate::eager::{Eager, written};
use crate::options::{Kind, Options};
use crate::script::Say;

/// Most alerts in one interval unless `hello` says otherwise.
const ALERTS_PER_INTERVAL: usize = 1_000;
/// Most actions in one interval unless `hello` says otherwise.
const ACTIONS_PER_INTERVAL: usize = 16;
/// Time from one alert of `flicker` to the next, ns: longer than the minute that joins alerts into an alarm.
const FLICKER_NS: u64 = 120_000_000_000;

/// Why a session cannot go on.
#[derive(Debug, Error)]
pub enum SessionError {
    /// The range sent what the protocol does not allow.
    #[error("the range: {0}")]
    Protocol(String),
    /// The range ended without an `end` message.
    #[error("the range closed its side before 'end'")]
    Abandoned,
    /// A pipe broke.
    #[error("cannot talk to the range: {0}")]
    Io(#[from] io::Error),
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
enum Message<'a> {
    Hello(Hello),
    #[serde(borrow)]
    Interval(Interval<'a>),
    End {
        seq: u64,
    },
}

#[derive(Deserialize)]
struct Hello {
    versions: Vec<u64>,
    #[serde(default)]
    learn_ns: u64,
    #[serde(default)]
    assets: Vec<Asset>,
}

#[derive(Deserialize)]
struct Asset {
    name: String,
    ip: Option<String>,
    mac: Option<String>,
}

#[derive(Deserialize)]
struct Interval<'a> {
    seq: u64,
    from_ns: u64,
    to_ns: u64,
    #[serde(borrow, default)]
    frames: Vec<Frame<'a>>,
}

#[derive(Deserialize)]
struct Frame<'a> {
    #[serde(borrow)]
    span: Cow<'a, str>,
    n: u64,
    t_ns: u64,
    #[serde(borrow)]
    data: Cow<'a, str>,
}

/// What a yardstick asks for in one interval.
#[derive(Default)]
struct Said {
    alerts: Vec<Value>,
    actions: Vec<Value>,
}

struct Session {
    options: Options,
    chance: Stream,
    eager: Eager,
}

impl Session {
    fn new(options: Options) -> Self {
        Self {
            chance: Stream::new(options.seed, "defense/random"),
            options,
            eager: Eager::default(),
        }
    }

    fn hello(&mut self, hello: Hello) -> String {
        if !hello.versions.contains(&1) {
            let message = format!("speaks protocol version 1 only, not {:?}", hello.versions);
            return json!({"type": "error", "message": message}).to_string();
        }
        let (mut by_mac, mut by_ip) = (BTreeMap::new(), BTreeMap::new());
        for asset in hello.assets {
            let mac = asset.mac.and_then(|mac| mac.parse::<MacAddr>().ok());
            by_mac.extend(mac.map(|mac| (mac, asset.name.clone())));
            let ip = asset.ip.and_then(|ip| ip.parse::<Ipv4Addr>().ok());
            by_ip.extend(ip.map(|ip| (ip, asset.name)));
        }
        let learn_ns = self.options.learn_ns.unwrap_or(hello.learn_ns);
        self.eager = Eager::new(learn_ns, by_mac, by_ip);
        let wants = match self.options.kind {
            Kind::TriggerHappy | Kind::OverEager => "frames",
            // Nothing that they would look at; the log is the shortest.
            _ => "logs",
        };
        json!({
            "type": "ready",
            "version": 1,
            "name": "yardstick",
            "tool_version": env!("CARGO_PKG_VERSION"),
            "wants": [wants],
        })
        .to_string()
    }

    fn interval(&mut self, interval: &Interval<'_>) -> Result<Said, SessionError> {
        let mut said = Said::default();
        let now_ns = interval.to_ns;
        let alert = |id: &str| json!({"t_ns": now_ns, "sig_id": id, "severity": 5});
        match self.options.kind {
            Kind::Silent => {}
            Kind::AlwaysOn => said.alerts.push(alert("always-on")),
            Kind::Flicker => {
                if interval.from_ns / FLICKER_NS != now_ns / FLICKER_NS {
                    said.alerts.push(alert("flicker"));
                }
            }
            Kind::Random => {
                let hours = (now_ns - interval.from_ns) as f64 / 3.6e12;
                if self
                    .chance
                    .chance((f64::from(self.options.per_hour) * hours).min(1.0))
                {
                    said.alerts.push(alert("random"));
                }
            }
            Kind::TriggerHappy | Kind::OverEager => self.frames(&interval.frames, &mut said)?,
            Kind::Oracle => {
                for say in self.options.script.due(now_ns) {
                    match say {
                        Say::Alert(alert) => said.alerts.push(alert),
                        Say::Action(action) => said.actions.push(action),
                    }
                }
            }
        }
        said.alerts.truncate(ALERTS_PER_INTERVAL);
        said.actions.truncate(ACTIONS_PER_INTERVAL);
        Ok(said)
    }

    fn frames(&mut self, frames: &[Frame<'_>], said: &mut Said) -> Result<(), SessionError> {
        for frame in frames {
            let wrong = |error| SessionError::Protocol(format!("frame {}: {error}", frame.n));
            let bytes = STANDARD.decode(frame.data.as_bytes()).map_err(wrong)?;
            let Some(summary) = FrameSummary::of(&bytes) else {
                continue;
            };
            let found = if self.options.kind == Kind::OverEager {
                self.eager
                    .frame(frame.t_ns, &summary, &bytes, &mut said.actions)
            } else {
                written(&summary, &bytes).map(|_| "write")
            };
            let Some(id) = found else { continue };
            let mut alert = json!({
                "t_ns": frame.t_ns,
                "sig_id": id,
                "severity": 7,
                "src": {"mac": summary.src_mac.to_string()},
                "span": frame.span,
                "frame": frame.n,
            });
            if let Some(ip) = &summary.ip {
                alert["src"]["ip"] = json!(ip.src.to_string());
                alert["dst"] = json!({"ip": ip.dst.to_string()});
            }
            if id == "write" {
                alert["techniques"] = json!(["T1692.001"]);
                alert["technique_source"] = json!("native");
            }
            said.alerts.push(alert);
        }
        Ok(())
    }
}

/// Speaks the protocol until the range says `end`.
///
/// # Errors
///
/// A message that the protocol does not allow, a broken pipe, or a range that went away.
pub fn serve(
    mut input: impl BufRead,
    mut output: impl Write,
    options: Options,
) -> Result<(), SessionError> {
    let mut session = Session::new(options);
    let mut line = String::new();
    loop {
        line.clear();
        if input.read_line(&mut line)? == 0 {
            return Err(SessionError::Abandoned);
        }
        let wrong = |error: serde_json::Error| SessionError::Protocol(error.to_string());
        match serde_json::from_str::<Message<'_>>(&line).map_err(wrong)? {
            Message::Hello(hello) => writeln!(output, "{}", session.hello(hello))?,
            Message::Interval(interval) => {
                let said = session.interval(&interval)?;
                let seq = interval.seq;
                for alerts in said.alerts.chunks(100) {
                    let answer = json!({"type": "answer", "seq": seq, "alerts": alerts});
                    writeln!(output, "{answer}")?;
                }
                if !said.actions.is_empty() {
                    let answer = json!({"type": "answer", "seq": seq, "actions": said.actions});
                    writeln!(output, "{answer}")?;
                }
                writeln!(output, "{}", json!({"type": "done", "seq": seq}))?;
            }
            Message::End { seq } => {
                writeln!(output, "{}", json!({"type": "done", "seq": seq}))?;
                output.flush()?;
                return Ok(());
            }
        }
        output.flush()?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a yardstick says in so many intervals of a second without a frame.
    fn say(args: &str, seconds: u64) -> Vec<Value> {
        let mut input = String::from("{\"type\":\"hello\",\"versions\":[1]}\n");
        for seq in 1..=seconds {
            let (from, to) = ((seq - 1) * 1_000_000_000, seq * 1_000_000_000);
            let line = json!({"type": "interval", "seq": seq, "from_ns": from, "to_ns": to});
            input.push_str(&format!("{line}\n"));
        }
        input.push_str(&format!("{{\"type\":\"end\",\"seq\":{}}}\n", seconds + 1));
        let options = Options::parse(args.split(' ').map(str::to_owned)).expect("good arguments");
        let mut output = Vec::new();
        serve(input.as_bytes(), &mut output, options).expect("a whole session");
        let text = String::from_utf8(output).expect("text");
        let lines = text
            .lines()
            .map(|line| serde_json::from_str(line).expect("JSON"));
        lines
            .filter(|line: &Value| line["type"] == "answer")
            .collect()
    }

    /// Simulated seconds at which alerts came.
    fn seconds(answers: &[Value]) -> Vec<u64> {
        let times = answers
            .iter()
            .filter_map(|line| line["alerts"][0]["t_ns"].as_u64());
        times.map(|t_ns| t_ns / 1_000_000_000).collect()
    }

    #[test]
    fn yardstick_when_nothing_happens_then_it_says_what_it_always_says() {
        assert_eq!(say("silent", 300), Vec::<Value>::new());
        assert_eq!(say("trigger-happy", 300), Vec::<Value>::new());
        assert_eq!(seconds(&say("always-on", 5)), [1, 2, 3, 4, 5]);
        assert_eq!(seconds(&say("flicker", 300)), [120, 240]);
    }

    #[test]
    fn random_when_asked_for_a_rate_then_about_that_and_the_same_again() {
        let hours = 20;
        let one = seconds(&say("random --per-hour 6 --seed 1", hours * 3600));
        // Poisson with a mean of 120: five standard deviations are 55.
        assert!((65..=175).contains(&one.len()), "{}", one.len());
        let again = seconds(&say("random --per-hour 6 --seed 1", hours * 3600));
        assert_eq!(one, again);
        let other = seconds(&say("random --per-hour 6 --seed 2", hours * 3600));
        assert_ne!(one, other);
    }

    #[test]
    fn oracle_when_its_time_has_come_then_it_says_what_it_was_told_once() {
        let alert = json!({"t_ns": 1_500_000_000_u64, "sig_id": "oracle"});
        let script = json!({"lines": [
            {"at_ns": 1_500_000_000_u64, "say": {"alert": alert}},
            {"at_ns": 3_000_000_000_u64, "say": {"action": {"command_id": "one"}}},
        ]});
        let answers = say(&format!("oracle --script {script}"), 5);
        let expect = [
            json!({"type": "answer", "seq": 2, "alerts": [alert]}),
            json!({"type": "answer", "seq": 3, "actions": [{"command_id": "one"}]}),
        ];
        assert_eq!(answers, expect);
    }
}
