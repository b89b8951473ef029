//! What a lock-step defense may say, and how its lines are checked.
//!
//! **Invariant:** parsing is total: any bytes give a value or a [`DefenseError`], never a panic.
//!
//! **Invariant:** an alert that passes is in the normal form of `alerts.jsonl`, so that the score
//! reads it without a second set of checks.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::error::{DefenseError, excerpt};
use crate::message::{
    ACTIONS_PER_INTERVAL, ALERTS_PER_INTERVAL, ALERTS_PER_RUN, ANSWER_LINES_PER_INTERVAL,
    FrameFeed, VERDICT_DELAY_LIMIT_NS, VERSIONS, Wants,
};

/// A checked answer to one interval.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Answer {
    /// Alerts in the normal form, in the order in which they were written, each with `tool` and
    /// `t_received_ns` filled in.
    pub alerts: Vec<Value>,
    /// Actions in the order in which they were written.
    pub actions: Vec<Action>,
}

/// The word of an action, as in OpenC2.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verb {
    /// Drop at the switch, by address or port.
    Deny,
    /// Isolate the port of a host.
    Contain,
    /// Program and memory of a controller from the golden copy.
    Restore,
}

/// What an action is aimed at. One key in JSON: `{"ip": "10.20.1.66"}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    /// IPv4 address in dotted form.
    Ip(String),
    /// Hardware address, hex with colons.
    Mac(String),
    /// Port of a switch.
    SwitchPort {
        /// Name of the switch.
        switch: String,
        /// Its port.
        port: u32,
    },
    /// Name of a host.
    Host(String),
    /// Name of a controller.
    Controller(String),
}

impl Target {
    /// Its text, and the key under which it stands.
    fn text(&self) -> (&'static str, &str) {
        match self {
            Self::Ip(text) => ("ip", text),
            Self::Mac(text) => ("mac", text),
            Self::SwitchPort { switch, .. } => ("switch", switch),
            Self::Host(text) => ("host", text),
            Self::Controller(text) => ("controller", text),
        }
    }
}

/// Options of an action.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ActionArgs {
    /// How long the effect lasts, simulated s; to the end of the run when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration_s: Option<f64>,
}

/// A request to do something in the plant.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Action {
    /// The tool's own number for the command; unique within the run.
    pub command_id: String,
    /// What to do.
    pub action: Verb,
    /// To what.
    pub target: Target,
    /// How.
    #[serde(default)]
    pub args: ActionArgs,
}

/// What a defense in a cable says of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It goes on.
    Pass {
        /// How long it is held back first, simulated ns.
        delay_ns: u64,
    },
    /// It is lost.
    Drop,
}

/// A checked `ready` line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ready {
    pub(crate) version: u32,
    pub(crate) name: String,
    pub(crate) tool_version: String,
    pub(crate) wants: Wants,
    pub(crate) feed: FrameFeed,
}

/// What a checked line means for the exchange.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    /// More lines follow.
    More,
    /// The interval is answered.
    Done,
}

/// The last moment that an alert can be about, simulated ns.
#[derive(Clone, Copy, Debug)]
enum Latest {
    /// End of the interval that is being answered.
    IntervalEnd(u64),
    /// Now, in a session without intervals.
    Now(u64),
}

impl Latest {
    fn ns(self) -> u64 {
        match self {
            Self::IntervalEnd(ns) | Self::Now(ns) => ns,
        }
    }
}

/// Collects the lines of one run: knows what is being answered and what was already used up.
#[derive(Debug, Default)]
pub(crate) struct Collector {
    pub(crate) tool: String,
    spans: BTreeSet<String>,
    verbs: BTreeSet<Verb>,
    command_ids: BTreeSet<String>,
    alerts_in_run: usize,
    /// Of alerts that somebody handed in while the session went on, as JSON.
    alert_bytes: u64,
    lines_in_interval: usize,
    answer: Answer,
}

const RAW_LIMIT_BYTES: usize = 64 << 10;
/// Most characters of a text.
pub const TEXT_LIMIT_CHARS: usize = 256;

impl Collector {
    /// A collector for a run with these mirror ports and action words.
    pub(crate) fn new(
        spans: impl IntoIterator<Item = String>,
        verbs: impl IntoIterator<Item = Verb>,
    ) -> Self {
        Self {
            spans: spans.into_iter().collect(),
            verbs: verbs.into_iter().collect(),
            ..Self::default()
        }
    }

    /// Takes one line of the answer to `seq`, whose window ends at `to_ns`.
    pub(crate) fn take(
        &mut self,
        line: u64,
        bytes: &[u8],
        seq: u64,
        to_ns: u64,
    ) -> Result<Progress, DefenseError> {
        self.lines_in_interval += 1;
        // The last line allowed is `done`.
        limit(
            line,
            "lines in one interval",
            self.lines_in_interval,
            ANSWER_LINES_PER_INTERVAL + 1,
        )?;
        let mut object = parse_object(line, bytes)?;
        let kind = take_text(&mut object, "type").map_err(|why| garbage(line, bytes, why))?;
        match kind.as_str() {
            "error" => return Err(reported(&object)),
            "answer" | "done" => {}
            other => {
                let why = format!(
                    "expected type 'answer' or 'done', found '{}'",
                    excerpt(other.as_bytes())
                );
                return Err(garbage(line, bytes, why));
            }
        }
        let found = match object.remove("seq") {
            Some(Value::Number(number)) if number.is_u64() => number.as_u64().unwrap_or_default(),
            _ => return Err(garbage(line, bytes, "'seq' must be a whole number")),
        };
        if found != seq {
            return Err(DefenseError::WrongSeq {
                line,
                expected: seq,
                found,
            });
        }
        if kind == "done" {
            no_more(&object).map_err(|why| garbage(line, bytes, why))?;
            return Ok(Progress::Done);
        }
        let alerts = take_list(&mut object, "alerts").map_err(|why| garbage(line, bytes, why))?;
        let actions = take_list(&mut object, "actions").map_err(|why| garbage(line, bytes, why))?;
        no_more(&object).map_err(|why| garbage(line, bytes, why))?;
        self.add_alerts(line, alerts, to_ns)?;
        self.add_actions(line, actions)?;
        Ok(Progress::More)
    }

    /// Hands over what was collected and starts the next interval.
    pub(crate) fn finish_interval(&mut self) -> Answer {
        self.lines_in_interval = 0;
        std::mem::take(&mut self.answer)
    }

    /// Checks alerts that somebody hands in while the session goes on, all or none of them.
    ///
    /// # Arguments
    ///
    /// * `tool` — the name for a tool that does not give its own.
    /// * `now_ns` — the simulated time; what an alert is about has happened by then. It is also the time of an alert
    ///   that has none.
    /// * `bytes_max` — how many bytes the alerts of the session may have in all.
    ///
    /// # Errors
    ///
    /// The place of the alert at fault and what is wrong with it; no place where the session has had too many. What is
    /// refused does not count against what the session takes.
    pub(crate) fn alerts_of(
        &mut self,
        tool: &str,
        alerts: Vec<Value>,
        now_ns: u64,
        bytes_max: u64,
    ) -> Result<Vec<Value>, (Option<usize>, String)> {
        let all = self.alerts_in_run + alerts.len();
        if all > ALERTS_PER_RUN {
            let why = format!("a session takes at most {ALERTS_PER_RUN} alerts");
            return Err((None, why));
        }
        tool.clone_into(&mut self.tool);
        let check = |(index, mut alert): (usize, Value)| {
            if let Value::Object(fields) = &mut alert {
                fields.entry("t_ns").or_insert(Value::from(now_ns));
            }
            let checked = self.check_alert(alert, Latest::Now(now_ns));
            checked.map_err(|why| (Some(index), why))
        };
        let checked: Vec<Value> = alerts
            .into_iter()
            .enumerate()
            .map(check)
            .collect::<Result<_, _>>()?;
        let bytes: usize = checked.iter().map(|alert| alert.to_string().len()).sum();
        let all_bytes = self.alert_bytes + bytes as u64;
        if all_bytes > bytes_max {
            let why = format!("the alerts of a session have at most {bytes_max} bytes");
            return Err((None, why));
        }
        self.alerts_in_run = all;
        self.alert_bytes = all_bytes;
        Ok(checked)
    }

    /// Checks an action that somebody asks for while the session goes on.
    ///
    /// # Errors
    ///
    /// What is wrong with it.
    pub(crate) fn action_of(&mut self, action: Value) -> Result<Action, String> {
        let action = self.check_action(action)?;
        self.command_ids.insert(action.command_id.clone());
        Ok(action)
    }

    /// How many actions have been asked for.
    pub(crate) fn actions_so_far(&self) -> usize {
        self.command_ids.len()
    }

    fn add_alerts(
        &mut self,
        line: u64,
        alerts: Vec<Value>,
        to_ns: u64,
    ) -> Result<(), DefenseError> {
        let in_interval = self.answer.alerts.len() + alerts.len();
        limit(
            line,
            "alerts in one interval",
            in_interval,
            ALERTS_PER_INTERVAL,
        )?;
        self.alerts_in_run += alerts.len();
        limit(
            line,
            "alerts in one run",
            self.alerts_in_run,
            ALERTS_PER_RUN,
        )?;
        for (index, alert) in alerts.into_iter().enumerate() {
            let checked = self
                .check_alert(alert, Latest::IntervalEnd(to_ns))
                .map_err(|reason| DefenseError::BadAlert {
                    line,
                    index,
                    reason,
                })?;
            self.answer.alerts.push(checked);
        }
        Ok(())
    }

    fn add_actions(&mut self, line: u64, actions: Vec<Value>) -> Result<(), DefenseError> {
        let in_interval = self.answer.actions.len() + actions.len();
        limit(
            line,
            "actions in one interval",
            in_interval,
            ACTIONS_PER_INTERVAL,
        )?;
        for (index, action) in actions.into_iter().enumerate() {
            let action = self
                .check_action(action)
                .map_err(|reason| DefenseError::BadAction {
                    line,
                    index,
                    reason,
                })?;
            self.command_ids.insert(action.command_id.clone());
            self.answer.actions.push(action);
        }
        Ok(())
    }

    fn check_alert(&self, alert: Value, latest: Latest) -> Result<Value, String> {
        let Value::Object(mut alert) = alert else {
            return Err("must be an object".into());
        };
        for required in ["t_ns", "sig_id"] {
            if !alert.contains_key(required) {
                return Err(format!("'{required}' is missing"));
            }
        }
        for (key, value) in &alert {
            self.check_alert_field(key, value, latest)?;
        }
        if alert.contains_key("frame") && !alert.get("span").is_some_and(Value::is_string) {
            return Err("'frame' needs 'span': frame numbers are counted per span".into());
        }
        if !alert.get("tool").is_some_and(Value::is_string) {
            alert.insert("tool".into(), Value::String(self.tool.clone()));
        }
        alert.insert("t_received_ns".into(), Value::from(latest.ns()));
        Ok(Value::Object(alert))
    }

    fn check_alert_field(&self, key: &str, value: &Value, latest: Latest) -> Result<(), String> {
        if value.is_null() && !matches!(key, "t_ns" | "sig_id") {
            return Ok(());
        }
        match key {
            "t_ns" => {
                let Some(t_ns) = value.as_u64() else {
                    return Err("'t_ns' must be a whole number of simulated ns".into());
                };
                if t_ns <= latest.ns() {
                    return Ok(());
                }
                Err(match latest {
                    Latest::IntervalEnd(to_ns) => {
                        format!("'t_ns' is {t_ns}, after the end of the interval at {to_ns}")
                    }
                    Latest::Now(now_ns) => {
                        format!("'t_ns' is {t_ns}, after now, which is {now_ns}")
                    }
                })
            }
            "sig_id" => match text(key, value)? {
                "" => Err("'sig_id' must not be empty".into()),
                _ => Ok(()),
            },
            "tool" | "sensor" | "sig_name" | "proto" => text(key, value).map(|_| ()),
            "span" => {
                let name = text(key, value)?;
                if self.spans.contains(name) {
                    return Ok(());
                }
                let known = Vec::from_iter(self.spans.iter().map(String::as_str)).join(", ");
                Err(format!(
                    "there is no span '{}'; spans: {known}",
                    excerpt(name.as_bytes())
                ))
            }
            "severity" => match value.as_f64() {
                Some(severity) if (0.0..=10.0).contains(&severity) => Ok(()),
                _ => Err("'severity' must be a number from 0 to 10".into()),
            },
            "frame" => match value.as_u64() {
                Some(1..) => Ok(()),
                _ => Err("'frame' must be a whole number from 1".into()),
            },
            "techniques" => ids(key, value, is_technique_id, "T0836 or T1692.001"),
            "tactics" => ids(key, value, is_tactic_id, "TA0106"),
            "technique_source" => one_of(key, value, &["native", "tag", "table", "none"]),
            "action" => one_of(key, value, &["none", "allowed", "blocked"]),
            "kind" => one_of(key, value, &["alert", "log"]),
            "src" | "dst" => endpoint(key, value),
            "raw" => match serde_json::to_vec(value) {
                Ok(bytes) if bytes.len() <= RAW_LIMIT_BYTES => Ok(()),
                _ => Err(format!("'raw' is larger than {RAW_LIMIT_BYTES} bytes")),
            },
            "t_received_ns" => Err("'t_received_ns' is set by the range".into()),
            other => Err(format!(
                "unknown field '{}'; data of your own goes under 'raw'",
                excerpt(other.as_bytes())
            )),
        }
    }

    fn check_action(&self, action: Value) -> Result<Action, String> {
        if let Some(word) = action.get("action").and_then(Value::as_str)
            && !self.verbs.iter().any(|&verb| verb_word(verb) == word)
        {
            let known = Vec::from_iter(self.verbs.iter().map(|&verb| verb_word(verb))).join(", ");
            return Err(format!(
                "action '{}' is not offered in this run; 'hello' offered: [{known}]",
                excerpt(word.as_bytes())
            ));
        }
        if !action.is_object() {
            return Err("must be an object".into());
        }
        let action: Action = serde_json::from_value(action).map_err(|error| error.to_string())?;
        let id_chars = action.command_id.chars().count();
        if id_chars == 0 || id_chars > TEXT_LIMIT_CHARS {
            return Err(format!(
                "'command_id' must have 1 to {TEXT_LIMIT_CHARS} characters"
            ));
        }
        if self.command_ids.contains(&action.command_id) {
            return Err(format!(
                "'command_id' {:?} was already used in this run",
                action.command_id
            ));
        }
        let (key, text) = action.target.text();
        if text.chars().count() > TEXT_LIMIT_CHARS {
            return Err(longer(key));
        }
        let fits = match action.action {
            Verb::Deny => {
                matches!(
                    action.target,
                    Target::Ip(_) | Target::Mac(_) | Target::SwitchPort { .. }
                )
            }
            Verb::Contain => matches!(action.target, Target::Host(_)),
            Verb::Restore => matches!(action.target, Target::Controller(_)),
        };
        if !fits {
            return Err(
                "the target does not fit the action: deny takes ip, mac or switch_port; \
                        contain takes host; restore takes controller"
                    .into(),
            );
        }
        match action.args.duration_s {
            Some(_) if action.action == Verb::Restore => Err(
                "'duration_s' has no meaning for restore: the range knows how long it takes".into(),
            ),
            Some(duration_s) if !(duration_s > 0.0 && duration_s <= 1e9) => {
                Err("'duration_s' must be greater than 0 and at most 1e9".into())
            }
            _ => Ok(action),
        }
    }
}

/// Checks the answer to `hello`.
pub(crate) fn parse_ready(line: u64, bytes: &[u8]) -> Result<Ready, DefenseError> {
    let mut object = parse_message(line, bytes, "ready", "")?;
    let bad = |why: String| garbage(line, bytes, why);
    let chosen = object
        .remove("version")
        .and_then(|value| value.as_u64())
        .ok_or_else(|| bad("'version' must be one of the numbers in 'versions' of hello".into()))?;
    let version = VERSIONS
        .iter()
        .copied()
        .find(|&version| u64::from(version) == chosen)
        .ok_or_else(|| DefenseError::WrongVersion {
            offered: VERSIONS.to_vec(),
            chosen,
        })?;
    let name = take_text(&mut object, "name").map_err(bad)?;
    if name.is_empty() || name.chars().count() > TEXT_LIMIT_CHARS {
        return Err(bad(format!(
            "'name' must have 1 to {TEXT_LIMIT_CHARS} characters"
        )));
    }
    let tool_version = match object.remove("tool_version") {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) if text.chars().count() <= TEXT_LIMIT_CHARS => text,
        Some(_) => return Err(bad("'tool_version' must be a short string".into())),
    };
    let mut wants = Wants::default();
    for item in take_list(&mut object, "wants").map_err(bad)? {
        match item.as_str() {
            Some("frames") => wants.frames = true,
            Some("tags") => wants.tags = true,
            Some("logs") => wants.logs = true,
            _ => {
                return Err(bad(
                    "'wants' holds only \"frames\", \"tags\" and \"logs\"".into()
                ));
            }
        }
    }
    let feed = match object.remove("frames_as") {
        None | Some(Value::Null) => FrameFeed::default(),
        Some(value) => value
            .as_str()
            .and_then(FrameFeed::from_word)
            .ok_or_else(|| {
                let known = FrameFeed::ALL.map(FrameFeed::word).join(", ");
                bad(format!("'frames_as' must be one of {known}"))
            })?,
    };
    no_more(&object).map_err(bad)?;
    if wants == Wants::default() {
        return Err(bad("'wants' is empty: the tool would see nothing".into()));
    }
    Ok(Ready {
        version,
        name,
        tool_version,
        wants,
        feed,
    })
}

/// Whether `id` has the form of an ATT&CK technique: `T0836`, `T1692.001`.
#[must_use]
pub fn is_technique_id(id: &str) -> bool {
    let digits = |text: &str, count: usize| {
        text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit())
    };
    let Some(rest) = id.strip_prefix('T') else {
        return false;
    };
    match rest.split_once('.') {
        None => digits(rest, 4),
        Some((technique, sub)) => digits(technique, 4) && digits(sub, 3),
    }
}

fn is_tactic_id(id: &str) -> bool {
    id.strip_prefix("TA")
        .is_some_and(|rest| rest.len() == 4 && rest.bytes().all(|byte| byte.is_ascii_digit()))
}

fn verb_word(verb: Verb) -> &'static str {
    match verb {
        Verb::Deny => "deny",
        Verb::Contain => "contain",
        Verb::Restore => "restore",
    }
}

/// Checks the answer to the frame `n`.
pub(crate) fn parse_verdict(line: u64, bytes: &[u8], n: u64) -> Result<Verdict, DefenseError> {
    let about = format!(" about frame {n}");
    let mut object = parse_message(line, bytes, "verdict", &about)?;
    let bad = |why: String| garbage(line, bytes, why);
    if object.remove("n") != Some(Value::from(n)) {
        return Err(bad(format!("'n' must be {n}, the frame that waits")));
    }
    let word = take_text(&mut object, "verdict").map_err(bad)?;
    let delay_ns = match object.remove("delay_ns") {
        None | Some(Value::Null) => 0,
        Some(value) => value
            .as_u64()
            .filter(|&delay_ns| delay_ns <= VERDICT_DELAY_LIMIT_NS)
            .ok_or_else(|| {
                bad(format!(
                    "'delay_ns' must be a whole number from 0 to {VERDICT_DELAY_LIMIT_NS}"
                ))
            })?,
    };
    no_more(&object).map_err(bad)?;
    match word.as_str() {
        "pass" => Ok(Verdict::Pass { delay_ns }),
        "drop" if delay_ns == 0 => Ok(Verdict::Drop),
        "drop" => Err(bad("a frame that is dropped has no 'delay_ns'".into())),
        _ => Err(bad("'verdict' must be \"pass\" or \"drop\"".into())),
    }
}

/// The fields of the one message that may come, unless the tool gives up.
///
/// # Arguments
///
/// * `about` — what else is expected of it, for the message to people.
fn parse_message(
    line: u64,
    bytes: &[u8],
    expected: &str,
    about: &str,
) -> Result<Map<String, Value>, DefenseError> {
    let mut object = parse_object(line, bytes)?;
    let kind = take_text(&mut object, "type").map_err(|why| garbage(line, bytes, why))?;
    match kind.as_str() {
        kind if kind == expected => Ok(object),
        "error" => Err(reported(&object)),
        other => {
            let found = excerpt(other.as_bytes());
            let why = format!("expected type '{expected}'{about}, found '{found}'");
            Err(garbage(line, bytes, why))
        }
    }
}

fn parse_object(line: u64, bytes: &[u8]) -> Result<Map<String, Value>, DefenseError> {
    if let Err(error) = std::str::from_utf8(bytes) {
        return Err(DefenseError::Garbage {
            line,
            column: error.valid_up_to() + 1,
            reason: "not UTF-8".into(),
            excerpt: excerpt(bytes),
        });
    }
    match serde_json::from_slice::<Value>(bytes) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(_) => Err(garbage(line, bytes, "expected a JSON object")),
        Err(error) => Err(DefenseError::Garbage {
            line,
            column: error.column().max(1),
            reason: format!("not JSON ({})", category(&error)),
            excerpt: excerpt(bytes),
        }),
    }
}

fn category(error: &serde_json::Error) -> String {
    // serde_json ends its text with "at line 1 column N", which would contradict our line number.
    let text = error.to_string();
    text.split(" at line ")
        .next()
        .unwrap_or_default()
        .to_owned()
}

fn garbage(line: u64, bytes: &[u8], reason: impl Into<String>) -> DefenseError {
    DefenseError::Garbage {
        line,
        column: 1,
        reason: reason.into(),
        excerpt: excerpt(bytes),
    }
}

fn reported(object: &Map<String, Value>) -> DefenseError {
    let message = object
        .get("message")
        .and_then(Value::as_str)
        .unwrap_or("it gave no message");
    DefenseError::Reported {
        message: excerpt(message.as_bytes()),
        stderr_tail: String::new(),
    }
}

fn limit(line: u64, what: &'static str, count: usize, limit: usize) -> Result<(), DefenseError> {
    if count > limit {
        Err(DefenseError::TooMany { line, what, limit })
    } else {
        Ok(())
    }
}

fn take_text(object: &mut Map<String, Value>, key: &str) -> Result<String, String> {
    match object.remove(key) {
        Some(Value::String(text)) => Ok(text),
        Some(_) => Err(format!("'{key}' must be a string")),
        None => Err(format!("'{key}' is missing")),
    }
}

fn take_list(object: &mut Map<String, Value>, key: &str) -> Result<Vec<Value>, String> {
    match object.remove(key) {
        None => Ok(Vec::new()),
        Some(Value::Array(list)) => Ok(list),
        Some(_) => Err(format!("'{key}' must be a list")),
    }
}

fn no_more(object: &Map<String, Value>) -> Result<(), String> {
    match object.keys().next() {
        None => Ok(()),
        Some(key) => Err(format!("unknown field '{}'", excerpt(key.as_bytes()))),
    }
}

fn text<'a>(key: &str, value: &'a Value) -> Result<&'a str, String> {
    match value {
        Value::String(text) if text.chars().count() <= TEXT_LIMIT_CHARS => Ok(text),
        Value::String(_) => Err(longer(key)),
        _ => Err(format!("'{key}' must be a string")),
    }
}

fn longer(key: &str) -> String {
    format!("'{key}' is longer than {TEXT_LIMIT_CHARS} characters")
}

fn ids(key: &str, value: &Value, valid: fn(&str) -> bool, like: &str) -> Result<(), String> {
    const LIMIT: usize = 32;
    let list = value
        .as_array()
        .ok_or_else(|| format!("'{key}' must be a list"))?;
    if list.len() > LIMIT {
        return Err(format!("'{key}' has more than {LIMIT} entries"));
    }
    match list.iter().find(|item| !item.as_str().is_some_and(valid)) {
        None => Ok(()),
        Some(item) => Err(format!(
            "{} in '{key}' is not an id like {like}",
            excerpt(item.to_string().as_bytes())
        )),
    }
}

fn one_of(key: &str, value: &Value, words: &[&str]) -> Result<(), String> {
    match value.as_str() {
        Some(word) if words.contains(&word) => Ok(()),
        _ => Err(format!("'{key}' must be one of {}", words.join(", "))),
    }
}

fn endpoint(key: &str, value: &Value) -> Result<(), String> {
    let object = value
        .as_object()
        .ok_or_else(|| format!("'{key}' must be an object"))?;
    for (field, value) in object {
        if value.is_null() {
            continue;
        }
        match field.as_str() {
            "ip" => {
                let ip = text("ip", value)?;
                if ip.parse::<std::net::IpAddr>().is_err() {
                    return Err(format!(
                        "'{key}.ip' is not an address: {}",
                        excerpt(ip.as_bytes())
                    ));
                }
            }
            "port" => {
                if value.as_u64().is_none_or(|port| port > 65_535) {
                    return Err(format!(
                        "'{key}.port' must be a whole number from 0 to 65535"
                    ));
                }
            }
            "mac" | "asset" => {
                text(field, value).map_err(|why| format!("in '{key}': {why}"))?;
            }
            other => {
                return Err(format!(
                    "unknown field '{}' in '{key}'",
                    excerpt(other.as_bytes())
                ));
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
