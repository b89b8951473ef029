//! The protocol of `docs/defense-protocol.md`, version 1, from the tool's side.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::io::{self, BufRead, Write};
use std::net::Ipv4Addr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::{Value, json};
use sim_wire::MacAddr;
use thiserror::Error;

use crate::alert::{Finding, Ledger, Names, Place};
use crate::detector::Detector;
use crate::options::Options;
use crate::respond::Responder;

/// Alerts in one `answer` line.
const ALERTS_PER_LINE: usize = 100;
/// Alerts in one interval unless `hello` says otherwise.
const ALERTS_PER_INTERVAL: usize = 1_000;
/// Actions in one interval unless `hello` says otherwise.
const ACTIONS_PER_INTERVAL: usize = 16;
/// Times beyond this are no times: 146 years, ns.
const TIME_LIMIT_NS: u64 = u64::MAX / 4;

/// Why a session cannot go on.
#[derive(Debug, Error)]
pub enum SessionError {
    /// The range sent what the protocol does not allow.
    #[error("message {number} of the range: {reason}")]
    Protocol {
        /// 1-based number of the message.
        number: u64,
        /// What is wrong with it.
        reason: String,
    },
    /// The range ended without an `end` message.
    #[error("the range closed its side before 'end'")]
    Abandoned,
    /// A pipe broke.
    #[error("cannot talk to the range: {0}")]
    Io(#[from] io::Error),
}

#[derive(Deserialize)]
struct Kind<'a> {
    #[serde(borrow, rename = "type")]
    kind: Cow<'a, str>,
}

#[derive(Deserialize)]
struct Hello {
    versions: Vec<u64>,
    #[serde(default)]
    learn_ns: u64,
    #[serde(default)]
    assets: Vec<Asset>,
    #[serde(default)]
    actions: Vec<String>,
    #[serde(default)]
    limits: Limits,
}

#[derive(Deserialize)]
struct Asset {
    name: String,
    #[serde(default)]
    role: String,
    ip: Option<String>,
    mac: Option<String>,
}

#[derive(Default, Deserialize)]
struct Limits {
    alerts_per_interval: Option<usize>,
    actions_per_interval: Option<usize>,
}

#[derive(Deserialize)]
struct Interval<'a> {
    seq: u64,
    to_ns: u64,
    #[serde(borrow, default)]
    frames: Vec<Frame<'a>>,
    #[serde(borrow, default)]
    logs: Vec<LogLine<'a>>,
    #[serde(default)]
    action_results: Vec<ActionResult>,
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

#[derive(Deserialize)]
struct LogLine<'a> {
    t_ns: u64,
    #[serde(borrow)]
    line: Cow<'a, str>,
}

#[derive(Deserialize)]
struct ActionResult {
    command_id: String,
    effective_ns: Option<u64>,
}

#[derive(Deserialize)]
struct End {
    seq: u64,
}

/// One run, message by message. [`serve`] drives it over pipes; a range may also drive it in
/// process.
#[derive(Debug)]
pub struct Session {
    options: Options,
    detector: Detector,
    ledger: Ledger,
    names: Names,
    responder: Responder,
    alerts_per_interval: usize,
    actions_per_interval: usize,
    messages: u64,
    greeted: bool,
    ended: bool,
}

impl Session {
    /// A session that has heard nothing yet.
    #[must_use]
    pub fn new(options: Options) -> Self {
        Self {
            options,
            detector: Detector::default(),
            ledger: Ledger::default(),
            names: Names::default(),
            responder: Responder::default(),
            alerts_per_interval: ALERTS_PER_INTERVAL,
            actions_per_interval: ACTIONS_PER_INTERVAL,
            messages: 0,
            greeted: false,
            ended: false,
        }
    }

    /// Whether `end` has been answered.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.ended
    }

    /// Takes one message; the lines of the answer, without line ends.
    ///
    /// # Errors
    ///
    /// [`SessionError::Protocol`] for a message that the protocol does not allow here.
    pub fn handle(&mut self, message: &str) -> Result<Vec<String>, SessionError> {
        self.messages += 1;
        let number = self.messages;
        let wrong = |reason: String| SessionError::Protocol { number, reason };
        let bad_json = |error: serde_json::Error| wrong(error.to_string());
        let kind: Kind<'_> = serde_json::from_str(message).map_err(bad_json)?;
        match (kind.kind.as_ref(), self.greeted, self.ended) {
            ("hello", false, _) => {
                let hello: Hello = serde_json::from_str(message).map_err(bad_json)?;
                Ok(vec![self.hello(hello)])
            }
            ("interval", true, false) => {
                let interval: Interval<'_> = serde_json::from_str(message).map_err(bad_json)?;
                self.interval(&interval).map_err(wrong)
            }
            ("end", true, false) => {
                let end: End = serde_json::from_str(message).map_err(bad_json)?;
                self.ended = true;
                Ok(vec![done(end.seq)])
            }
            (other, ..) => Err(wrong(format!("'{other}' is not expected here"))),
        }
    }

    fn hello(&mut self, hello: Hello) -> String {
        if !hello.versions.contains(&1) {
            let message = format!("speaks protocol version 1 only, not {:?}", hello.versions);
            return json!({"type": "error", "message": message}).to_string();
        }
        self.greeted = true;
        let learn_ns = self.options.learn_ns.unwrap_or(hello.learn_ns);
        self.detector = Detector::new(learn_ns, self.options.bypasses.clone());
        for asset in hello.assets {
            let ip = asset.ip.and_then(|ip| ip.parse::<Ipv4Addr>().ok());
            let mac = asset.mac.and_then(|mac| mac.parse::<MacAddr>().ok());
            if let Some((ip, mac)) = ip.zip(mac) {
                self.detector.inventory(ip, mac);
            }
            if asset.role.to_ascii_lowercase().contains("plc") {
                self.responder
                    .controllers
                    .extend(ip.map(|ip| (ip, asset.name.clone())));
                self.responder.protected.extend(mac);
            }
            if let Some(ip) = ip {
                self.names.by_ip.insert(ip, asset.name.clone());
            }
            if let Some(mac) = mac {
                self.names.by_mac.insert(mac, asset.name.clone());
                self.responder.hosts.insert(mac, asset.name);
            }
        }
        self.responder.offered = BTreeSet::from_iter(hello.actions);
        self.alerts_per_interval = hello
            .limits
            .alerts_per_interval
            .unwrap_or(ALERTS_PER_INTERVAL);
        self.actions_per_interval = hello
            .limits
            .actions_per_interval
            .unwrap_or(ACTIONS_PER_INTERVAL);
        json!({
            "type": "ready",
            "version": 1,
            "name": "reference",
            "tool_version": env!("CARGO_PKG_VERSION"),
            "wants": ["frames", "logs"],
        })
        .to_string()
    }

    fn interval(&mut self, interval: &Interval<'_>) -> Result<Vec<String>, String> {
        if interval.to_ns > TIME_LIMIT_NS {
            return Err(format!("to_ns {} is no time", interval.to_ns));
        }
        let (mut alerts, mut actions) = (Vec::new(), Vec::new());
        for result in &interval.action_results {
            self.responder
                .result(&result.command_id, result.effective_ns);
        }
        let mut findings: Vec<Finding> = Vec::new();
        for frame in &interval.frames {
            if frame.t_ns > interval.to_ns {
                return Err(format!("frame {} is from the future", frame.n));
            }
            let bytes = STANDARD
                .decode(frame.data.as_bytes())
                .map_err(|error| format!("frame {}: {error}", frame.n))?;
            self.detector.frame(frame.t_ns, &bytes, &mut findings);
            let place = Place {
                t_ns: frame.t_ns,
                frame: Some((&frame.span, frame.n)),
            };
            for finding in findings.drain(..) {
                if self.options.respond {
                    let is_worker = finding
                        .src
                        .mac
                        .is_none_or(|mac| self.detector.is_worker(mac));
                    self.responder.finding(&finding, is_worker, &mut actions);
                }
                alerts.extend(self.ledger.admit(&finding, place, &self.names));
            }
        }
        // What the frames have shown is not found again in the log.
        for LogLine { t_ns, line } in &interval.logs {
            if *t_ns > interval.to_ns {
                return Err(format!("the log line at {t_ns} ns is from the future"));
            }
            let address_of = |name: &str| self.names.address_of(name);
            self.detector
                .log_line(*t_ns, line, address_of, &mut findings);
            let place = Place {
                t_ns: *t_ns,
                frame: None,
            };
            for finding in findings.drain(..) {
                alerts.extend(self.ledger.admit(&finding, place, &self.names));
            }
        }
        if self.options.respond {
            self.responder.due(interval.to_ns, &mut actions);
        }
        alerts.truncate(self.alerts_per_interval);
        actions.truncate(self.actions_per_interval);
        Ok(answer(interval.seq, &alerts, &actions))
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
    while !session.is_over() {
        line.clear();
        if input.read_line(&mut line)? == 0 {
            return Err(SessionError::Abandoned);
        }
        for answer in session.handle(line.trim_end_matches(['\n', '\r']))? {
            output.write_all(answer.as_bytes())?;
            output.write_all(b"\n")?;
        }
        output.flush()?;
    }
    Ok(())
}

fn answer(seq: u64, alerts: &[Value], actions: &[Value]) -> Vec<String> {
    let mut lines: Vec<String> = alerts
        .chunks(ALERTS_PER_LINE)
        .map(|alerts| json!({"type": "answer", "seq": seq, "alerts": alerts}).to_string())
        .collect();
    if !actions.is_empty() {
        lines.push(json!({"type": "answer", "seq": seq, "actions": actions}).to_string());
    }
    lines.push(done(seq));
    lines
}

fn done(seq: u64) -> String {
    json!({"type": "done", "seq": seq}).to_string()
}
