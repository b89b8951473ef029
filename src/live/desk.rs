//! The session's side of the defense API: takes alerts, carries actions out, and says what has been seen.
//!
//! **Invariant:** a turn of the session's loop takes a bounded number of alerts, so that a flood of them waits and the
//! plant does not.

use std::collections::{BTreeSet, VecDeque};
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::Sender;

use serde_json::{Value, json};
use sim_kernel::time::{SimDuration, SimTime};
use sim_plant::observe;
use tokio::sync::{mpsc, oneshot};
use twinrange_bridge::answer::TEXT_LIMIT_CHARS;
use twinrange_bridge::api::{
    Access, Api, ApiOptions, Batch, ClockAnchor, Following, Formats, Imported, PATIENCE, Request,
    SeenFrame, SeenTag, Standing, State, TokenError, typed,
};
use twinrange_bridge::live::{Anchor, Event, Pace};
use twinrange_bridge::{Action, ActionResult, ActionStatus, Quality};
use twinrange_range::evidence::EPOCH_UNIX_NS;
use twinrange_range::problem::{Problem, Problems};
use twinrange_range::session;
use twinrange_score::formats::{Format, ImportOptions, WallAnchor, WallClock, import, zone_s};

use super::drive::HandedOn;
use crate::support::actions::RUN_IS_OVER;
use crate::support::alerts::ApiNote;
use crate::support::recording::{Recording, quality};

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

/// Where the API is to be, before there is a session behind it.
pub(super) struct Door {
    access: Access,
    listener: TcpListener,
}

impl Door {
    /// Reads the tokens and takes the address.
    pub(super) fn open(address: SocketAddr, tokens: Option<&Path>) -> Result<Self, Problem> {
        let access = tokens.map_or_else(|| Ok(Access::open()), read_tokens)?;
        if !access.may_listen_at(address.ip()) {
            let message = format!(
                "{address} is no loopback address, and without tokens everybody could command the plant"
            );
            let hint = "name a file of tokens with `--tokens`; docs/api.md shows one";
            return Err(Problem::new("TR0604", message).hint(hint));
        }
        let listener =
            TcpListener::bind(address).map_err(|error| cannot_listen(address, &error))?;
        Ok(Self { access, listener })
    }
}

fn cannot_listen(address: SocketAddr, error: &std::io::Error) -> Problem {
    let message = format!("the API cannot listen at {address}: {error}");
    Problem::new("TR0604", message)
        .hint("name another address with `--api`; port 0 takes a free one")
}

/// A session's side of the API.
pub(super) struct Desk {
    api: Api,
    waiting: VecDeque<Request>,
    /// What has happened here since the last hand-over.
    happened: Batch,
    /// What the run is to remember of it.
    note: ApiNote,
    /// The actions that have been decided.
    decided: BTreeSet<String>,
    followers: Vec<mpsc::Sender<Arc<str>>>,
    /// Inputs that followers have been told of, as they were told.
    inputs: Vec<Arc<str>>,
    /// The last alerts and actions, as followers are told them.
    past: VecDeque<Arc<str>>,
    told_to: SimTime,
    started_unix_ns: u128,
}

impl Desk {
    /// Opens the API of a session.
    ///
    /// # Arguments
    ///
    /// * `people_approve` — whether actions wait until somebody releases them.
    /// * `started_unix_ns` — the wall clock when the session's own began.
    pub(super) fn open(
        door: Door,
        people_approve: bool,
        recording: &Recording<'_>,
        started_unix_ns: u128,
        events: Sender<Event>,
    ) -> Result<Self, Problem> {
        let hello = recording.hello();
        let (spans, tags) = (hello.spans.len(), hello.tags.len());
        let options = ApiOptions {
            access: door.access,
            people_approve,
            formats: Box::new(Importers {
                span: hello.spans.first().map(|span| span.name.clone()),
            }),
            hello,
            patience: PATIENCE,
        };
        let address = door.listener.local_addr();
        let api = Api::listen(door.listener, options, events).map_err(|error| {
            let any = SocketAddr::from(([127, 0, 0, 1], 0));
            cannot_listen(address.unwrap_or(any), &error)
        })?;
        *api.state() = State {
            frames: vec![0; spans],
            tags: vec![None; tags],
            ..State::default()
        };
        Ok(Self {
            api,
            waiting: VecDeque::new(),
            happened: Batch::default(),
            note: ApiNote::default(),
            decided: BTreeSet::new(),
            followers: Vec::new(),
            inputs: Vec::new(),
            past: VecDeque::new(),
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
        let mut alerts = 0;
        let mut has_followed = false;
        while let Some(request) = self.waiting.front() {
            // What does not fit into this turn waits for the next.
            let fits = match request {
                Request::Alerts { alerts: more, .. } => {
                    alerts == 0 || alerts + more.len() <= ALERTS_A_TURN
                }
                Request::Follow { .. } => !has_followed,
                _ => true,
            };
            if !fits {
                break;
            }
            match self.waiting.pop_front().expect("it was there") {
                Request::Alerts {
                    alerts: more,
                    taken,
                } => {
                    alerts += more.len();
                    self.take(recording, more, taken)?;
                }
                Request::Action {
                    action,
                    refused,
                    decided,
                } => {
                    let result = self.act(recording, &action, refused)?;
                    // Whoever asked may be gone.
                    let _ = decided.send(result);
                }
                Request::Follow { following } => {
                    has_followed = true;
                    let _ = following.send(self.follow(recording));
                }
                Request::Command { .. } => unreachable!("the loop obeys commands itself"),
            }
        }
        Ok(())
    }

    fn take(
        &mut self,
        recording: &mut Recording<'_>,
        alerts: Vec<Value>,
        taken: oneshot::Sender<u64>,
    ) -> Result<(), Problems> {
        let now_ns = recording.session.now().as_nanos();
        for mut alert in alerts {
            alert["t_received_ns"] = json!(now_ns);
            recording.take_alert(&alert)?;
            self.note.alerts += 1;
            // The tool's own record is for the folder.
            if let Some(fields) = alert.as_object_mut() {
                fields.remove("raw");
            }
            self.happened.alerts.push(alert);
        }
        recording.keep_defense()?;
        // Whoever handed them in may be gone.
        let _ = taken.send(now_ns);
        Ok(())
    }

    fn act(
        &mut self,
        recording: &mut Recording<'_>,
        action: &Action,
        refused: Option<String>,
    ) -> Result<ActionResult, Problems> {
        let (result, line) = recording.act(action, refused)?;
        recording.keep_defense()?;
        let is_accepted = result.status == ActionStatus::Accepted;
        self.note.actions_accepted += u64::from(is_accepted);
        self.decided.insert(action.command_id.clone());
        self.happened.actions.push(line);
        Ok(result)
    }

    /// Hands on what has been seen since the last time, and how the session stands.
    pub(super) fn hand_on(&mut self, recording: &mut Recording<'_>, had: HandedOn, pace: &Pace) {
        let batch = self.seen_since(recording, had);
        let moved = batch.t_ns > self.api.state().standing.t_ns;
        for (kind, records) in [("alert", &batch.alerts), ("action", &batch.actions)] {
            for record in records {
                let line: Arc<str> = typed(kind, record).into();
                self.tell(&line);
                if self.past.len() == PAST_MAX {
                    self.past.pop_front();
                }
                self.past.push_back(line);
            }
        }
        self.say_where_it_stands(recording.session.now(), pace);
        // Who is told of a moment may speak of it at once.
        if self.api.has_listeners() && (moved || !batch.is_empty()) {
            self.api.give(batch);
        }
        self.tell_followers(recording, pace);
    }

    /// What has been seen and done since the last time: counted, and kept for those who listen.
    fn seen_since(&mut self, recording: &mut Recording<'_>, had: HandedOn) -> Batch {
        let listened_to = self.api.has_listeners();
        let mut batch = std::mem::take(&mut self.happened);
        batch.t_ns = recording.session.now().as_nanos();
        let observed = recording.session.observations();
        let mut state = self.api.state();
        for frame in &observed.frames[had.frames..] {
            let span = usize::from(frame.span);
            state.frames[span] += 1;
            if listened_to {
                batch.frames.push(SeenFrame {
                    span,
                    n: state.frames[span],
                    t_ns: frame.at.as_nanos(),
                    data: observed.bytes(frame).into(),
                });
            }
        }
        for sample in &observed.tags[had.tags..] {
            let sample = seen_tag(sample);
            if sample.quality == Quality::Good && sample.value.is_finite() {
                state.tags[sample.tag] = Some(sample.value);
            }
            if listened_to {
                batch.tags.push(sample);
            }
        }
        for line in &observed.logs[had.logs..] {
            state.logs += 1;
            if listened_to {
                batch.logs.push((line.at.as_nanos(), session::syslog(line)));
            }
        }
        batch
    }

    fn say_where_it_stands(&self, now: SimTime, pace: &Pace) {
        let mut state = self.api.state();
        state.standing = standing(now, pace);
        let (stretches, stretched) = pace.stretched();
        state.stretches = stretches;
        state.stretched_s = stretched.as_secs_f64();
        let known = state.clock.len();
        let anchors = pace.anchors()[known..].iter();
        let anchors = anchors.map(|anchor| clock_anchor(self.started_unix_ns, anchor));
        state.clock.extend(anchors);
    }

    /// Somebody wants to run the session beside it.
    fn follow(&mut self, recording: &Recording<'_>) -> Following {
        let mut session = json!(recording.header());
        session["range_version"] = json!(env!("CARGO_PKG_VERSION"));
        let mut begun: Vec<Arc<str>> = vec![typed("session", &session).into()];
        begun.extend(self.inputs.iter().cloned());
        begun.extend(self.past.iter().cloned());
        // What is told of it later is not of an earlier time.
        let inputs = recording.session.inputs().records()[..self.inputs.len()].last();
        let last = inputs.map_or(self.told_to, |input| input.time.max(self.told_to));
        begun.push(time_line("time", last).into());
        let (follower, rest) = mpsc::channel(FOLLOWER_WAITING_MAX);
        self.followers.push(follower);
        Following { begun, rest }
    }

    /// Tells followers what came in, and how far time has come.
    fn tell_followers(&mut self, recording: &Recording<'_>, pace: &Pace) {
        let now = recording.session.now();
        for input in &recording.session.inputs().records()[self.inputs.len()..] {
            let line: Arc<str> = typed("input", input).into();
            self.tell(&line);
            self.inputs.push(line);
        }
        let every = TOLD_EVERY.as_secs_f64() * pace.speed().max(1.0);
        let is_due = now >= self.told_to + SimDuration::from_secs_f64(every) || !pace.is_running();
        if is_due && now > self.told_to {
            self.told_to = now;
            self.tell(&time_line("time", now).into());
        }
    }

    /// Tells followers a line. Who is too slow is left behind, and sees its stream end.
    fn tell(&mut self, line: &Arc<str>) {
        self.followers
            .retain(|follower| follower.try_send(Arc::clone(line)).is_ok());
    }

    /// Ends it: takes leave of followers, and writes down what has become of the actions that were on their way.
    ///
    /// # Arguments
    ///
    /// * `unheard` — what the session's loop has not come to.
    pub(super) fn close(
        mut self,
        recording: &mut Recording<'_>,
        unheard: impl IntoIterator<Item = Request>,
    ) -> Result<(), Problems> {
        self.tell(&time_line("end", recording.session.now()).into());
        self.followers.clear();
        let waiting = std::mem::take(&mut self.waiting);
        for request in waiting.into_iter().chain(unheard) {
            // Whoever waits for an answer to anything else is told that the session is over.
            if let Request::Action {
                action, decided, ..
            } = request
            {
                let result = self.act(recording, &action, Some(RUN_IS_OVER.to_owned()))?;
                let _ = decided.send(result);
            }
        }
        for (action, is_released) in self.api.withdraw() {
            if !self.decided.contains(&action.command_id) {
                let why = if is_released {
                    RUN_IS_OVER
                } else {
                    NOBODY_APPROVED
                };
                self.act(recording, &action, Some(why.to_owned()))?;
            }
        }
        recording.notes.insert("api".to_owned(), json!(self.note));
        Ok(())
    }
}

/// A moment that both clocks have.
///
/// # Arguments
///
/// * `started_unix_ns` — the wall clock when the session's own began.
pub(super) fn clock_anchor(started_unix_ns: u128, anchor: &Anchor) -> ClockAnchor {
    let unix_ns = started_unix_ns + anchor.wall.as_nanos();
    ClockAnchor {
        unix_ns: u64::try_from(unix_ns).unwrap_or(u64::MAX),
        t_ns: anchor.t_ns,
        speed: anchor.speed,
    }
}

/// A sample of the historian as those outside see it.
pub(super) fn seen_tag(sample: &observe::TagSample) -> SeenTag {
    SeenTag {
        tag: usize::from(sample.tag),
        t_ns: sample.at.as_nanos(),
        value: sample.value,
        quality: quality(sample.quality),
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

fn time_line(kind: &str, now: SimTime) -> String {
    typed(kind, &json!({"t_ns": now.as_nanos()}))
}

/// Reads a file of tokens.
fn read_tokens(path: &Path) -> Result<Access, Problem> {
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
struct Importers {
    /// The SPAN port of frame numbers that name none.
    span: Option<String>,
}

impl Formats for Importers {
    fn names(&self) -> Vec<&'static str> {
        Format::ALL.into_iter().map(Format::name).collect()
    }

    fn read(
        &self,
        format: &str,
        bytes: &[u8],
        tool: &str,
        zone: Option<&str>,
        clock: &[ClockAnchor],
    ) -> Result<Imported, String> {
        let format =
            Format::from_name(format).map_err(|_| format!("there is no format `{format}`"))?;
        let zone_s = match zone {
            None => None,
            Some(zone) => Some(zone_s(zone).ok_or_else(|| {
                format!(
                    "`{}` is no zone; write UTC or +01:00",
                    zone.escape_default()
                )
            })?),
        };
        let anchors = clock.iter().map(|anchor| WallAnchor {
            unix_ns: anchor.unix_ns,
            t_ns: anchor.t_ns,
            speed: anchor.speed,
        });
        let options = ImportOptions {
            epoch_unix_ns: EPOCH_UNIX_NS,
            refuse_foreign: false,
            wall_clock: Some(WallClock::new(anchors.collect())),
            zone_s,
            tool: Some(tool.to_owned()),
            span: self.span.clone(),
            ..ImportOptions::default()
        };
        let import = import(format, bytes, &options).map_err(|error| error.to_string())?;
        let skipped = import.skipped.values().sum();
        let mut alerts = Vec::new();
        for alert in import.alerts {
            let mut alert = serde_json::to_value(alert).expect("an alert encodes");
            if let Some(fields) = alert.as_object_mut() {
                fields.remove("t_received_ns");
                fields.values_mut().for_each(shorten);
            }
            alerts.push(alert);
        }
        Ok(Imported { alerts, skipped })
    }
}

/// Cuts a text to the length that the normal form allows.
fn shorten(value: &mut Value) {
    if let Value::String(text) = value
        && let Some((end, _)) = text.char_indices().nth(TEXT_LIMIT_CHARS)
    {
        text.truncate(end);
    }
}
