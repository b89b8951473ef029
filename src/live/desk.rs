//! The session's side of the defense API: takes alerts, carries actions out, and says what has been seen.
//!
//! **Invariant:** a turn of the session's loop takes a bounded number of alerts, so that a flood of them waits and the
//! plant does not.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::Sender;

use serde_json::{Value, json};
use sim_kernel::time::{SimDuration, SimTime};
use sim_plant::observe;
use tokio::sync::mpsc;
use twinrange_bridge::Quality;
use twinrange_bridge::api::{
    Access, Api, ApiOptions, Batch, ClockAnchor, Following, Formats, Imported, PATIENCE, Request,
    SeenFrame, SeenTag, Standing, State, TokenError,
};
use twinrange_bridge::live::{Event, Pace};
use twinrange_range::evidence::EPOCH_UNIX_NS;
use twinrange_range::problem::{Problem, Problems};
use twinrange_range::session;
use twinrange_score::formats::{Format, ImportOptions, WallAnchor, WallClock, import};

use crate::support::recording::Recording;

/// Most alerts that are taken between two slices of the plant's time.
const ALERTS_A_TURN: usize = 1_000;
/// Lines that wait for somebody who follows the session.
const FOLLOWER_WAITING_MAX: usize = 65_536;
/// Alerts and actions of the past that somebody is told who begins to follow.
const PAST_MAX: usize = 10_000;
/// Plant time, at plant speed, after which followers are told how far it has come.
const TOLD_EVERY: SimDuration = SimDuration::from_millis(50);
/// Why an action is refused that nobody has released.
const NOBODY_APPROVED: &str = "nobody approved it";

/// What is open to the API, and how.
pub(super) struct Wishes<'a> {
    pub(super) address: SocketAddr,
    pub(super) tokens: Option<&'a Path>,
    pub(super) people_approve: bool,
}

/// A session's side of the API.
pub(super) struct Desk {
    api: Api,
    waiting: VecDeque<Request>,
    /// How much of the interval's observations has been handed on: frames, tags, log lines.
    seen: (usize, usize, usize),
    state: State,
    /// What has happened here since the last hand-over.
    happened: Batch,
    followers: Vec<mpsc::Sender<Arc<str>>>,
    /// The last alerts and actions, as followers are told them.
    past: VecDeque<Arc<str>>,
    /// Inputs that followers have been told of.
    inputs_told: usize,
    told_to: SimTime,
    started_unix_ns: u128,
}

impl Desk {
    /// Begins to listen.
    pub(super) fn open(
        wishes: &Wishes<'_>,
        recording: &Recording<'_>,
        started_unix_ns: u128,
        events: Sender<Event>,
    ) -> Result<Self, Problem> {
        let access = wishes.tokens.map_or_else(|| Ok(Access::open()), tokens)?;
        let address = wishes.address;
        if !access.may_listen_at(address.ip()) {
            let message = format!(
                "{address} is no loopback address, and without tokens everybody could command the plant"
            );
            let hint = "name a file of tokens with `--tokens`; docs/api.md shows one";
            return Err(Problem::new("TR0604", message).hint(hint));
        }
        let hello = recording.hello();
        let (spans, tags) = (hello.spans.len(), hello.tags.len());
        let options = ApiOptions {
            access,
            people_approve: wishes.people_approve,
            hello,
            formats: Box::new(Importers),
            patience: PATIENCE,
        };
        let api = Api::listen(address, options, events).map_err(|error| {
            Problem::new(
                "TR0604",
                format!("the API cannot listen at {address}: {error}"),
            )
            .hint("name another address with `--api`; port 0 takes a free one")
        })?;
        Ok(Self {
            api,
            waiting: VecDeque::new(),
            seen: (0, 0, 0),
            state: State {
                frames: vec![0; spans],
                tags: vec![None; tags],
                ..State::default()
            },
            happened: Batch::default(),
            followers: Vec::new(),
            past: VecDeque::new(),
            inputs_told: 0,
            told_to: SimTime::ZERO,
            started_unix_ns,
        })
    }

    /// Where it listens.
    pub(super) fn address(&self) -> SocketAddr {
        self.api.address()
    }

    /// Somebody asks for something.
    pub(super) fn hear(&mut self, request: Request) {
        self.waiting.push_back(request);
    }

    /// Does what has been asked for, as far as a turn goes. Commands are left to the caller.
    pub(super) fn serve(&mut self, recording: &mut Recording<'_>) -> Result<(), Problems> {
        let mut alerts_left = ALERTS_A_TURN;
        while let Some(request) = self.waiting.pop_front() {
            match request {
                Request::Alerts { alerts, taken } => {
                    alerts_left = alerts_left.saturating_sub(alerts.len());
                    let now_ns = recording.session.now().as_nanos();
                    for mut alert in alerts {
                        alert["t_received_ns"] = json!(now_ns);
                        recording.take_alert(&alert)?;
                        self.happened.alerts.push(alert);
                    }
                    // Whoever handed them in may be gone.
                    let _ = taken.send(now_ns);
                    if alerts_left == 0 {
                        return Ok(());
                    }
                }
                Request::Action {
                    action,
                    refused,
                    decided,
                } => {
                    let (result, line) = recording.act(&action, refused)?;
                    self.happened.actions.push(line);
                    let _ = decided.send(result);
                }
                Request::Follow { following } => {
                    let _ = following.send(self.follow(recording));
                }
                Request::Command { .. } => unreachable!("the loop obeys commands itself"),
            }
        }
        Ok(())
    }

    /// Hands on what has been seen since the last time, and how the session stands.
    pub(super) fn hand_on(&mut self, recording: &mut Recording<'_>, pace: &Pace) {
        let now = recording.session.now();
        let listened_to = self.api.has_listeners();
        let mut batch = std::mem::take(&mut self.happened);
        batch.t_ns = now.as_nanos();
        let observed = recording.session.observations();
        for frame in &observed.frames[self.seen.0..] {
            let span = usize::from(frame.span);
            self.state.frames[span] += 1;
            if listened_to {
                batch.frames.push(SeenFrame {
                    span,
                    n: self.state.frames[span],
                    t_ns: frame.at.as_nanos(),
                    data: observed.bytes(frame).into(),
                });
            }
        }
        for sample in &observed.tags[self.seen.1..] {
            let seen = seen_tag(sample);
            if seen.quality == Quality::Good && seen.value.is_finite() {
                self.state.tags[seen.tag] = Some(seen.value);
            }
            if listened_to {
                batch.tags.push(seen);
            }
        }
        for line in &observed.logs[self.seen.2..] {
            self.state.logs += 1;
            if listened_to {
                batch.logs.push((line.at.as_nanos(), session::syslog(line)));
            }
        }
        self.seen = (
            observed.frames.len(),
            observed.tags.len(),
            observed.logs.len(),
        );
        let told = [("alert", &batch.alerts), ("action", &batch.actions)];
        for (kind, records) in told {
            for record in records {
                let line: Arc<str> = typed_line(kind, record).into();
                self.tell(&line);
                if self.past.len() == PAST_MAX {
                    self.past.pop_front();
                }
                self.past.push_back(line);
            }
        }
        let moved = batch.t_ns > self.state.standing.t_ns;
        if listened_to && (moved || !batch.is_empty()) {
            self.api.give(batch);
        }
        self.state.standing = standing(now, pace);
        let (stretches, stretched) = pace.stretched();
        self.state.stretches = stretches;
        self.state.stretched_s = stretched.as_secs_f64();
        let known = self.state.clock.len();
        let anchors = pace.anchors()[known..].iter();
        self.state.clock.extend(anchors.map(|anchor| ClockAnchor {
            unix_ns:
                u64::try_from(self.started_unix_ns + anchor.wall.as_nanos()).unwrap_or(u64::MAX),
            t_ns: anchor.t_ns,
            speed: anchor.speed,
        }));
        self.api.publish(self.state.clone());
        self.tell_followers(recording, pace);
    }

    /// What was observed has gone to the folder, and the lists begin anew.
    pub(super) fn interval_ended(&mut self) {
        self.seen = (0, 0, 0);
    }

    /// Somebody wants to run the session beside it.
    fn follow(&mut self, recording: &Recording<'_>) -> Following {
        let mut session = json!(recording.header());
        session["type"] = json!("session");
        session["range_version"] = json!(env!("CARGO_PKG_VERSION"));
        let inputs = &recording.session.inputs().records()[..self.inputs_told];
        let mut begun = vec![session.to_string()];
        begun.extend(
            inputs
                .iter()
                .map(|input| typed_line("input", &json!(input))),
        );
        begun.extend(self.past.iter().map(|line| line.to_string()));
        // What is told of it later is not of an earlier time.
        let last = inputs
            .last()
            .map_or(self.told_to, |input| input.time.max(self.told_to));
        begun.push(time_line(last));
        let (follower, rest) = mpsc::channel(FOLLOWER_WAITING_MAX);
        self.followers.push(follower);
        Following { begun, rest }
    }

    /// Tells followers what came in, and how far time has come.
    fn tell_followers(&mut self, recording: &Recording<'_>, pace: &Pace) {
        let now = recording.session.now();
        let inputs = &recording.session.inputs().records()[self.inputs_told..];
        let every = TOLD_EVERY.as_secs_f64() * pace.speed().max(1.0);
        let is_due = now >= self.told_to + SimDuration::from_secs_f64(every) || !pace.is_running();
        let time = (is_due && now > self.told_to).then(|| time_line(now));
        if time.is_some() {
            self.told_to = now;
        }
        self.inputs_told += inputs.len();
        if self.followers.is_empty() {
            return;
        }
        let lines = inputs
            .iter()
            .map(|input| typed_line("input", &json!(input)));
        for line in lines.chain(time) {
            self.tell(&line.into());
        }
    }

    /// Tells followers a line. Who is too slow is left behind, and sees its stream end.
    fn tell(&mut self, line: &Arc<str>) {
        self.followers
            .retain(|follower| follower.try_send(Arc::clone(line)).is_ok());
    }

    /// Ends it: writes down the actions that nobody has released, and takes leave of followers.
    pub(super) fn close(mut self, recording: &mut Recording<'_>) -> Result<(), Problems> {
        for action in self.api.withdraw() {
            recording.act(&action, Some(NOBODY_APPROVED.to_owned()))?;
        }
        let end = json!({"type": "end", "t_ns": recording.session.now().as_nanos()});
        self.tell(&end.to_string().into());
        Ok(())
    }
}

/// A sample of the historian as those outside see it.
pub(super) fn seen_tag(sample: &observe::TagSample) -> SeenTag {
    SeenTag {
        tag: usize::from(sample.tag),
        t_ns: sample.at.as_nanos(),
        value: sample.value,
        quality: match sample.quality {
            observe::Quality::Good => Quality::Good,
            observe::Quality::Bad => Quality::Bad,
        },
    }
}

/// How a session stands.
pub(super) fn standing(now: SimTime, pace: &Pace) -> Standing {
    Standing {
        t_ns: now.as_nanos(),
        running: pace.is_running(),
        speed: pace.speed(),
    }
}

/// A record as a line that says what it is.
fn typed_line(kind: &str, record: &Value) -> String {
    let mut line = record.clone();
    line["type"] = json!(kind);
    line.to_string()
}

fn time_line(now: SimTime) -> String {
    json!({"type": "time", "t_ns": now.as_nanos()}).to_string()
}

/// Reads a file of tokens.
fn tokens(path: &Path) -> Result<Access, Problem> {
    let shown = path.display().to_string();
    let text = std::fs::read_to_string(path)
        .map_err(|error| Problem::new("TR0108", format!("`{shown}` cannot be read: {error}")))?;
    Access::parse(&text).map_err(|TokenError { place, message }| {
        let problem = Problem::new("TR0604", message).hint("docs/api.md shows a file of tokens");
        match place {
            Some((line, column)) => problem.at_line(shown, line, column),
            None => problem.in_file(shown),
        }
    })
}

/// The alert formats of the score, for tools that watch by the wall clock.
struct Importers;

impl Formats for Importers {
    fn names(&self) -> Vec<&'static str> {
        Format::ALL.into_iter().map(Format::name).collect()
    }

    fn read(
        &self,
        format: &str,
        bytes: &[u8],
        tool: &str,
        clock: &[ClockAnchor],
    ) -> Result<Imported, String> {
        let format =
            Format::from_name(format).map_err(|_| format!("there is no format `{format}`"))?;
        let anchors = clock.iter().map(|anchor| WallAnchor {
            unix_ns: anchor.unix_ns,
            t_ns: anchor.t_ns,
            speed: anchor.speed,
        });
        let options = ImportOptions {
            epoch_unix_ns: EPOCH_UNIX_NS,
            refuse_foreign: false,
            wall_clock: Some(WallClock::new(anchors.collect())),
            zone_s: Some(0),
            tool: Some(tool.to_owned()),
            ..ImportOptions::default()
        };
        let import = import(format, bytes, &options).map_err(|error| error.to_string())?;
        let skipped = import.skipped.values().sum();
        let mut alerts = Vec::new();
        for alert in import.alerts {
            let mut alert = serde_json::to_value(alert).expect("an alert encodes");
            if let Some(fields) = alert.as_object_mut() {
                fields.remove("t_received_ns");
            }
            alerts.push(alert);
        }
        Ok(Imported { alerts, skipped })
    }
}
