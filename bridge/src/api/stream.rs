//! Requests that go on for long: what is seen, a conversation, lines of alerts, and a session to be run beside it.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Extension;
use axum::body::{Body, Bytes};
use axum::extract::rejection::QueryRejection;
use axum::extract::ws::{
    Message, WebSocket, WebSocketUpgrade, rejection::WebSocketUpgradeRejection,
};
use axum::extract::{Query, State as Here};
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::response::sse::{Event as ServerEvent, KeepAlive, Sse};
use futures_util::{StreamExt, stream};
use serde::Deserialize;
use serde_json::Value;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{sleep, timeout};

use super::access::{Caller, Denied, Role, STREAMS_EACH};
use super::feed::{Batch, Told, Topics, told};
use super::refusal::Refusal;
use super::routes::{
    Answer, Taken, ask, ask_for, broken_off, parse_object, put_on_record, take, taken_answer,
    wrong_query,
};
use super::{Counts, Request, Shared};
use crate::message::{ACTIONS_PER_INTERVAL, ALERTS_PER_INTERVAL};

/// Longest line of alerts, and longest message of a conversation, bytes.
const LINE_BYTES_MAX: usize = 1 << 20;
/// How much longer than a body a stream of alerts may be silent.
const SILENCE_FACTOR: u32 = 60;
/// How often a stream looks whether more alerts may come.
const BUDGET_LOOK: Duration = Duration::from_millis(100);
/// How often a silent stream of events says that it is alive.
const ALIVE_EVERY: Duration = Duration::from_secs(15);
/// How long a listener may take to accept a message.
const LISTENER_PATIENCE: Duration = Duration::from_secs(30);
/// Lines of alerts that are taken at once.
const LINES_AT_ONCE: usize = ALERTS_PER_INTERVAL;

/// What a listener asks for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wanted {
    topics: Option<String>,
}

fn topics(query: Result<Query<Wanted>, QueryRejection>) -> Result<Topics, Refusal> {
    let Query(wanted) = query.map_err(wrong_query)?;
    Topics::parse(wanted.topics.as_deref()).map_err(Refusal::wrong)
}

/// What something long holds while it goes on: a place among all of its kind, and one among its caller's.
type Place = [OwnedSemaphorePermit; 2];

/// A place for something long.
///
/// # Arguments
///
/// * `all` — the places of its kind.
/// * `kind` — what such things are called.
fn place(caller: &Caller, all: &Arc<Semaphore>, kind: &str) -> Result<Place, Refusal> {
    let none = |why: String| Refusal::new(StatusCode::SERVICE_UNAVAILABLE, why);
    let of_caller = caller.take_stream().ok_or_else(|| {
        none(format!(
            "`{}` has too many streams and WebSockets already: at most {STREAMS_EACH} at one time",
            caller.name()
        ))
    })?;
    let of_all = Arc::clone(all).try_acquire_owned();
    let of_all = of_all.map_err(|_| none(format!("there are too many {kind} already")))?;
    Ok([of_all, of_caller])
}

/// The next batch for a listener; `None` when the session is over.
async fn next(
    seen: &mut Receiver<Arc<Batch>>,
    topics: Topics,
    shared: &Shared,
) -> Option<Vec<Told>> {
    match seen.recv().await {
        Ok(batch) if batch.is_last => None,
        Ok(batch) => Some(told(&batch, topics, &shared.spans, &shared.tags)),
        Err(RecvError::Lagged(batches)) => Some(vec![Told::missed(batches)]),
        Err(RecvError::Closed) => None,
    }
}

/// What is seen, as server-sent events.
pub(crate) async fn events(
    Here(shared): Here<Arc<Shared>>,
    Extension(caller): Extension<Caller>,
    query: Result<Query<Wanted>, QueryRejection>,
) -> Answer {
    let topics = topics(query)?;
    let place = place(&caller, &shared.streams, "streams")?;
    let state = (shared.hub.listen(), shared, place);
    let batches = stream::unfold(state, move |(mut seen, shared, place)| async move {
        let told = next(&mut seen, topics, &shared).await?;
        Some((told, (seen, shared, place)))
    });
    let event =
        |told: Told| Ok::<_, Infallible>(ServerEvent::default().event(told.kind).data(told.text));
    let events = batches.flat_map(move |told| stream::iter(told.into_iter().map(event)));
    let alive = KeepAlive::new().interval(ALIVE_EVERY);
    Ok(Sse::new(events).keep_alive(alive).into_response())
}

/// What a message of a conversation may hold.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Said {
    #[serde(default)]
    alerts: Vec<Value>,
    #[serde(default)]
    actions: Vec<Value>,
}

/// What is seen, and alerts and actions back, over a WebSocket (RFC 6455).
pub(crate) async fn socket(
    Here(shared): Here<Arc<Shared>>,
    Extension(caller): Extension<Caller>,
    query: Result<Query<Wanted>, QueryRejection>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Answer {
    let topics = topics(query)?;
    let upgrade = upgrade.map_err(|why| Refusal::new(why.status(), why.body_text()))?;
    let place = place(&caller, &shared.sockets, "WebSockets")?;
    // From now on, and not from when the client has learnt of it.
    let seen = shared.hub.listen();
    Ok(upgrade
        .max_message_size(LINE_BYTES_MAX)
        .max_frame_size(LINE_BYTES_MAX)
        .on_upgrade(async move |socket| {
            converse(socket, shared, caller, (seen, topics)).await;
            drop(place);
        }))
}

async fn converse(
    mut socket: WebSocket,
    shared: Arc<Shared>,
    caller: Caller,
    (mut seen, topics): (Receiver<Arc<Batch>>, Topics),
) {
    loop {
        let answers = tokio::select! {
            told = next(&mut seen, topics, &shared) => match told {
                Some(told) => told,
                None => break,
            },
            message = socket.recv() => match message {
                Some(Ok(Message::Text(text))) => hear(&shared, &caller, text.as_bytes()).await,
                Some(Ok(Message::Binary(bytes))) => hear(&shared, &caller, &bytes).await,
                // The library answers pings.
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => Vec::new(),
                Some(Ok(Message::Close(_)) | Err(_)) | None => return,
            },
        };
        for told in answers {
            let sent = timeout(LISTENER_PATIENCE, socket.send(Message::text(told.text))).await;
            if !matches!(sent, Ok(Ok(()))) {
                return;
            }
        }
    }
    let _ = timeout(LISTENER_PATIENCE, socket.send(Message::Close(None))).await;
}

/// Takes what somebody says in a conversation, and says what became of it.
pub(super) async fn hear(shared: &Shared, caller: &Caller, bytes: &[u8]) -> Vec<Told> {
    // Whatever it holds, so that wrong messages are no way around it.
    if !caller.take_request(Role::Observe, Instant::now()) {
        return vec![refused(&Denied::TooOften.into())];
    }
    let said: Said = match parse_object(bytes) {
        Ok(said) => said,
        Err(refusal) => return vec![refused(&refusal)],
    };
    if said.alerts.is_empty() && said.actions.is_empty() {
        let detail = "a message has `alerts` or `actions`, and this one has neither";
        return vec![refused(&Refusal::wrong(detail))];
    }
    if said.actions.len() > ACTIONS_PER_INTERVAL {
        let detail = format!("a message has at most {ACTIONS_PER_INTERVAL} actions");
        return vec![refused(&Refusal::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            detail,
        ))];
    }
    let roles = [
        (!said.alerts.is_empty()).then_some(Role::Alert),
        (!said.actions.is_empty()).then_some(Role::Act),
    ];
    for role in roles.into_iter().flatten() {
        if !caller.may(role) {
            return vec![refused(&Denied::Role(role).into())];
        }
    }
    let mut answers = Vec::new();
    if !said.alerts.is_empty() {
        answers.push(match take(shared, caller, said.alerts).await {
            Ok(taken) => Told::of("taken", &taken.to_json()),
            Err(refusal) => refused(&refusal),
        });
    }
    for action in said.actions {
        answers.push(match ask_for(shared, caller, action).await {
            Ok(asked) => Told::of("asked", &asked),
            Err(refusal) => refused(&refusal),
        });
    }
    answers
}

fn refused(refusal: &Refusal) -> Told {
    Told::of("refused", &refusal.body())
}

/// Lines of alerts, taken while they come. A line that is wrong ends it; what came before it has been taken.
pub(crate) async fn alerts(shared: &Shared, caller: &Caller, body: Body) -> Answer {
    let _place = place(caller, &shared.streams, "streams")?;
    let mut all = Taken::default();
    let done = take_lines(shared, caller, body, &mut all).await;
    done.map(|()| taken_answer(all, None)).map_err(|refusal| {
        Counts::add(&shared.counts.alerts_refused, 1);
        refusal.after(all.count)
    })
}

async fn take_lines(
    shared: &Shared,
    caller: &Caller,
    body: Body,
    all: &mut Taken,
) -> Result<(), Refusal> {
    let mut chunks = body.into_data_stream();
    let mut lines = Lines::default();
    let mut stopped = shared.stopped.clone();
    let silence_max = shared.patience * SILENCE_FACTOR;
    loop {
        let chunk = tokio::select! {
            chunk = timeout(silence_max, chunks.next()) => chunk,
            // What has been taken by then is what counts.
            _ = stopped.changed() => return Ok(()),
        };
        let chunk = chunk.map_err(|_| {
            let detail = "nothing came for too long; an empty line now and then keeps it open";
            Refusal::new(StatusCode::REQUEST_TIMEOUT, detail)
        })?;
        let is_last = chunk.is_none();
        match chunk {
            Some(Ok(chunk)) => lines.push(&chunk),
            Some(Err(_)) => return Err(broken_off()),
            None => lines.push(b"\n"),
        }
        while let Some(mut batch) = lines.take(all.count)? {
            // Lines wait where they are too many just now.
            while !caller.take_alerts(batch.len(), Instant::now()) {
                sleep(BUDGET_LOOK).await;
            }
            let refusal = match put_on_record(shared, caller, batch.clone()).await {
                Ok(taken) => {
                    all.add(taken);
                    continue;
                }
                Err(refusal) => refusal,
            };
            let Some(wrong) = refusal.index() else {
                return Err(refusal);
            };
            batch.truncate(wrong);
            let before = all.count;
            all.add(put_on_record(shared, caller, batch).await?);
            return Err(refusal.moved(before));
        }
        lines.check()?;
        if is_last {
            return Ok(());
        }
    }
}

/// Bytes on their way to lines.
#[derive(Debug, Default)]
struct Lines {
    bytes: Vec<u8>,
    /// How many of them are known to hold no line end.
    scanned: usize,
}

impl Lines {
    fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// The next whole lines as alerts, at most so many as are taken at once.
    fn take(&mut self, so_far: usize) -> Result<Option<Vec<Value>>, Refusal> {
        let mut alerts = Vec::new();
        let mut from = 0;
        while alerts.len() < LINES_AT_ONCE {
            let unseen = from.max(self.scanned);
            let Some(more) = self.bytes[unseen..].iter().position(|&byte| byte == b'\n') else {
                self.scanned = self.bytes.len();
                break;
            };
            let end = unseen + more;
            let line = self.bytes[from..end].trim_ascii();
            let begin = std::mem::replace(&mut from, end + 1);
            self.scanned = from;
            if line.is_empty() {
                continue;
            }
            match serde_json::from_slice(line) {
                Ok(alert) => alerts.push(alert),
                Err(error) if alerts.is_empty() => {
                    let refusal = Refusal::new(StatusCode::BAD_REQUEST, error.to_string());
                    return Err(refusal.at(so_far));
                }
                Err(_) => {
                    // The lines before it come first, and it is met again.
                    (from, self.scanned) = (begin, begin);
                    break;
                }
            }
        }
        self.bytes.drain(..from);
        self.scanned -= from;
        Ok((!alerts.is_empty()).then_some(alerts))
    }

    /// A line must come to an end.
    fn check(&self) -> Result<(), Refusal> {
        if self.bytes.len() <= LINE_BYTES_MAX {
            return Ok(());
        }
        let detail = format!("a line has at most {LINE_BYTES_MAX} bytes");
        Err(Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, detail))
    }
}

/// The session itself, for somebody who runs it again beside it.
pub(crate) async fn follow(
    Here(shared): Here<Arc<Shared>>,
    Extension(caller): Extension<Caller>,
) -> Answer {
    let place = place(&caller, &shared.streams, "streams")?;
    let following = ask(&shared, |following| Request::Follow { following }).await?;
    let begun = stream::iter(following.begun).map(|line| format!("{line}\n"));
    let rest = stream::unfold((following.rest, place), |(mut rest, place)| async move {
        let line = rest.recv().await?;
        Some((format!("{line}\n"), (rest, place)))
    });
    let lines = begun
        .chain(rest)
        .map(|line| Ok::<_, Infallible>(Bytes::from(line)));
    let body = Body::from_stream(lines);
    Ok(([(header::CONTENT_TYPE, "application/x-ndjson")], body).into_response())
}
