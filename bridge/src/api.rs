//! The defense API: a live session over HTTP.
//!
//! A tool that watches a live plant hands its alerts in here, asks for actions, and sees what the plant's sensors see;
//! a person releases actions, stops time, or reads how the session stands. `docs/api.md` is its description for users
//! and `openapi.json` beside this module the one for programs.
//!
//! - [`access`](Access): tokens, roles, and how often somebody may ask;
//! - `feed`: what is seen, on its way to listeners;
//! - `routes`: what each request does;
//! - `serve`: connections, and how long they may take;
//! - `metrics`: how the session stands, for Prometheus.
//!
//! **Invariant:** only actions reach the plant from here, and only through the session's loop, which records them before
//! they act. Alerts, however many, and readers, however slow, change nothing of it: they are checked on threads of the
//! API, and the loop takes a bounded number of them at a time.
//!
//! **Invariant:** no request ends the process or panics; what cannot be understood is answered with a reason.

mod access;
mod feed;
mod metrics;
mod refusal;
mod routes;
mod serve;
mod stream;

use std::collections::BTreeMap;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use serde::Serialize;
use serde_json::Value;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::{Semaphore, mpsc, oneshot, watch};
use tokio::task::JoinHandle;
use tokio::time::timeout;

pub use self::access::{Access, Role, TOKEN_CHARS_MIN, TokenError};
pub use self::feed::{Batch, SeenFrame, SeenTag, typed};

use self::feed::Hub;
use crate::answer::{Action, Collector};
use crate::live::{Command, Event};
use crate::message::{ActionResult, Hello};

/// The OpenAPI document of the API.
pub const OPENAPI: &str = include_str!("api/openapi.json");
/// Requests to the session's loop that are under way at one time.
const ASKED_MAX: usize = 8;
/// How long connections may go on when the session is over.
const FAREWELL: Duration = Duration::from_secs(2);

/// Most bytes of all alerts of a session, as JSON.
const ALERT_BYTES_MAX: u64 = 256 << 20;

/// What a session is asked for.
#[derive(Debug)]
pub enum Request {
    /// To take alerts: checked, in the normal form but for the time of receipt.
    Alerts {
        /// One or more.
        alerts: Vec<Value>,
        /// Is told the time of receipt, ns.
        taken: oneshot::Sender<u64>,
    },
    /// To do something in the plant, or to write down that it is not done.
    Action {
        /// What.
        action: Action,
        /// Why a person has refused it, if one has.
        refused: Option<String>,
        /// Is told what becomes of it.
        decided: oneshot::Sender<ActionResult>,
    },
    /// To stop time, let it pass, or end.
    Command {
        /// What.
        command: Command,
        /// Is told when it has been carried out.
        done: oneshot::Sender<Standing>,
    },
    /// To be told all that is needed in order to run the same session beside it.
    Follow {
        /// Takes the beginning and the rest.
        following: oneshot::Sender<Following>,
    },
}

/// How a session stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Standing {
    /// Simulated time, ns.
    pub t_ns: u64,
    /// Whether time passes.
    pub running: bool,
    /// Simulated seconds per second.
    pub speed: f64,
}

/// A session from its beginning, for somebody who runs it again.
#[derive(Debug)]
pub struct Following {
    /// JSON objects: the session, and every input so far.
    pub begun: Vec<Arc<str>>,
    /// Further inputs and the time, as JSON objects. It ends with the session, or where its reader is too slow.
    pub rest: mpsc::Receiver<Arc<str>>,
}

/// A moment that the wall clock and the plant have in common.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct ClockAnchor {
    /// The wall clock, ns since 1970.
    pub unix_ns: u64,
    /// The plant's time, ns.
    pub t_ns: u64,
    /// Plant seconds per second of the wall clock from here on; 0 where time stands still.
    pub speed: f64,
}

/// What the session's loop says of itself, again and again.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct State {
    /// Time and pace.
    pub standing: Standing,
    /// The moments at which the clocks were joined.
    pub clock: Vec<ClockAnchor>,
    /// How often the machine was too slow.
    pub stretches: u64,
    /// By how much in all, s.
    pub stretched_s: f64,
    /// Frames so far, by SPAN port.
    pub frames: Vec<u64>,
    /// Log lines so far.
    pub logs: u64,
    /// Last good value of each tag.
    pub tags: Vec<Option<f64>>,
}

/// Alerts in a tool's own format.
#[derive(Debug, Default)]
pub struct Imported {
    /// In the normal form, without the time of receipt.
    pub alerts: Vec<Value>,
    /// Records that are no alerts: telemetry, heartbeats.
    pub skipped: u64,
}

/// Reads the formats of other tools.
pub trait Formats: Send + Sync {
    /// Names of the formats.
    fn names(&self) -> Vec<&'static str>;

    /// Reads records of a format.
    ///
    /// # Arguments
    ///
    /// * `tool` — the name for a tool that does not give its own.
    /// * `zone` — of times that name none, such as `+01:00`.
    /// * `clock` — how the wall clock of a tool and the plant's clock belong together.
    ///
    /// # Errors
    ///
    /// What cannot be read, with line and field.
    fn read(
        &self,
        format: &str,
        bytes: &[u8],
        tool: &str,
        zone: Option<&str>,
        clock: &[ClockAnchor],
    ) -> Result<Imported, String>;
}

/// What an API needs to know before it listens.
pub struct ApiOptions {
    /// Who may ask for what.
    pub access: Access,
    /// Whether actions wait until somebody with the role `approve` releases them.
    pub people_approve: bool,
    /// What a defense is told about the plant.
    pub hello: Hello,
    /// Reads the formats of other tools.
    pub formats: Box<dyn Formats>,
    /// How long a client may take for the head of a request and for its body; three times as long to take what is
    /// written, and sixty times between two pieces of a stream of alerts.
    pub patience: Duration,
}

/// How long clients may take where nothing calls for another limit.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// An action and what has become of it.
#[derive(Clone, Debug, Serialize)]
struct AskedAction {
    action: Action,
    /// Who asked for it.
    by: String,
    status: Stage,
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<ActionResult>,
}

/// The actions that were asked for.
#[derive(Debug, Default)]
struct Actions {
    /// By the name of their command.
    by_id: BTreeMap<String, AskedAction>,
    /// Whether the session has asked what became of them for the last time: none is added any more.
    are_closed: bool,
}

/// Where an action stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Stage {
    /// Nobody has released it yet.
    Pending,
    /// It is being handed to the plant or was refused a moment ago.
    Deciding,
    /// It will take effect, or has.
    Accepted,
    /// It will not be carried out.
    Refused,
}

/// What all requests share.
struct Shared {
    access: Access,
    people_approve: bool,
    /// What a defense is told, as JSON.
    plant: Value,
    duration_ns: u64,
    spans: Vec<String>,
    tags: Vec<String>,
    formats: Box<dyn Formats>,
    patience: Duration,
    events: Sender<Event>,
    state: Mutex<State>,
    hub: Hub,
    rules: Mutex<Collector>,
    actions: Mutex<Actions>,
    asked: Semaphore,
    streams: Arc<Semaphore>,
    sockets: Arc<Semaphore>,
    counts: Counts,
    /// Changes when the session is over.
    stopped: watch::Receiver<bool>,
}

/// What has been asked so far.
#[derive(Debug, Default)]
struct Counts {
    /// By the first digit of the status.
    answers: [AtomicU64; 6],
    alerts: AtomicU64,
    alerts_refused: AtomicU64,
    connections: AtomicU64,
    connections_refused: AtomicU64,
}

impl Counts {
    fn add(count: &AtomicU64, more: u64) {
        count.fetch_add(more, Ordering::Relaxed);
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nobody panics with it")
    }

    fn actions(&self) -> MutexGuard<'_, Actions> {
        self.actions.lock().expect("nobody panics with it")
    }

    fn now_ns(&self) -> u64 {
        self.state().standing.t_ns
    }
}

/// The API of a session, which listens until this is dropped.
pub struct Api {
    shared: Arc<Shared>,
    /// Ends when everybody who was connected has been told that the session is over.
    serving: Option<JoinHandle<()>>,
    stop: watch::Sender<bool>,
    /// Taken when this is dropped.
    runtime: Option<Runtime>,
    address: SocketAddr,
}

impl Api {
    /// Begins to listen.
    ///
    /// # Arguments
    ///
    /// * `listener` — where.
    /// * `events` — takes what is asked of the session.
    ///
    /// # Errors
    ///
    /// If the machine gives no thread.
    ///
    /// # Panics
    ///
    /// If [`Access::may_listen_at`] does not hold.
    pub fn listen(
        listener: TcpListener,
        options: ApiOptions,
        events: Sender<Event>,
    ) -> io::Result<Self> {
        let address = listener.local_addr()?;
        assert!(options.access.may_listen_at(address.ip()), "checked before");
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("api")
            .enable_all()
            .build()?;
        listener.set_nonblocking(true)?;
        let listener = {
            let _inside = runtime.enter();
            tokio::net::TcpListener::from_std(listener)?
        };
        let (stop, stopped) = watch::channel(false);
        let hello = options.hello;
        let spans: Vec<String> = hello.spans.iter().map(|span| span.name.clone()).collect();
        let shared = Arc::new(Shared {
            access: options.access,
            people_approve: options.people_approve,
            plant: routes::plant(&hello, &options.formats.names(), options.people_approve),
            duration_ns: hello.duration_ns,
            tags: hello.tags.iter().map(|tag| tag.name.clone()).collect(),
            rules: Mutex::new(Collector::new(
                spans.iter().cloned(),
                hello.actions.iter().copied(),
            )),
            spans,
            formats: options.formats,
            patience: options.patience,
            events,
            state: Mutex::default(),
            hub: Hub::new(),
            actions: Mutex::default(),
            asked: Semaphore::new(ASKED_MAX),
            streams: Arc::new(Semaphore::new(serve::STREAMS_MAX)),
            sockets: Arc::new(Semaphore::new(serve::SOCKETS_MAX)),
            counts: Counts::default(),
            stopped,
        });
        let serving = runtime.spawn(serve::accept(listener, Arc::clone(&shared)));
        Ok(Self {
            shared,
            serving: Some(serving),
            stop,
            runtime: Some(runtime),
            address,
        })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// How the session stands, to be brought up to date by its loop. Requests wait meanwhile.
    ///
    /// # Panics
    ///
    /// If the thread panics while it holds it.
    pub fn state(&self) -> MutexGuard<'_, State> {
        self.shared.state()
    }

    /// Whether anybody listens to what is seen.
    #[must_use]
    pub fn has_listeners(&self) -> bool {
        self.shared.hub.has_listeners()
    }

    /// Gives what has been seen to whoever listens.
    pub fn give(&self, batch: Batch) {
        self.shared.hub.give(batch);
    }

    /// Actions that nobody has released or that were on their way, by the name of their command, and whether somebody
    /// has released it; none of them will be asked for any more, and no other is taken from now on.
    #[must_use]
    pub fn withdraw(&self) -> Vec<(Action, bool)> {
        let mut actions = self.shared.actions();
        actions.are_closed = true;
        let mut withdrawn = Vec::new();
        for asked in actions.by_id.values_mut() {
            let is_released = asked.status == Stage::Deciding;
            if is_released || asked.status == Stage::Pending {
                asked.status = Stage::Refused;
                withdrawn.push((asked.action.clone(), is_released));
            }
        }
        withdrawn
    }
}

impl Drop for Api {
    fn drop(&mut self) {
        let Some(runtime) = self.runtime.take() else {
            return;
        };
        self.shared.hub.end();
        // Nobody accepts any more where the receiver is gone.
        let _ = self.stop.send(true);
        if let Some(serving) = self.serving.take() {
            // Who has not taken leave by then is cut off.
            let _ = runtime.block_on(async { timeout(FAREWELL, serving).await });
        }
        runtime.shutdown_background();
    }
}

#[cfg(test)]
mod tests;
