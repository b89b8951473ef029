//! Requests that go on for long: what is seen, a conversation, lines of alerts, and a session to be run beside it.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::body::{Body, Bytes};
use axum::extract::ws::{
    Message, WebSocket, WebSocketUpgrade, rejection::WebSocketUpgradeRejection,
};
use axum::extract::{RawQuery, State as Here};
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::response::sse::{Event as ServerEvent, KeepAlive, Sse};
use futures_util::{StreamExt, stream};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::timeout;

use super::access::{Caller, Role};
use super::feed::{Batch, Told, Topics, told};
use super::refusal::Refusal;
use super::routes::{Answer, Taken, ask, ask_for, of_query, take, taken_answer};
use super::{Request, Shared};
use crate::message::ALERTS_PER_INTERVAL;

/// Longest line of alerts, and longest message of a conversation, bytes.
const LINE_BYTES_MAX: usize = 1 << 20;
/// How much longer than a body a stream of alerts may be silent.
const SILENCE_FACTOR: u32 = 6;
/// How often a silent stream of events says that it is alive.
const ALIVE_EVERY: Duration = Duration::from_secs(15);
/// How long a listener may take to accept a message.
const LISTENER_PATIENCE: Duration = Duration::from_secs(30);
/// Lines of alerts that are taken at once.
const LINES_AT_ONCE: usize = ALERTS_PER_INTERVAL;

fn topics(query: Option<&str>) -> Result<Topics, Refusal> {
    let list = query.and_then(|query| of_query(query, "topics"));
    Topics::parse(list).map_err(Refusal::wrong)
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
pub(crate) async fn events(Here(shared): Here<Arc<Shared>>, RawQuery(query): RawQuery) -> Answer {
    let topics = topics(query.as_deref())?;
    let seen = shared.hub.listen();
    let batches = stream::unfold((seen, shared), move |(mut seen, shared)| async move {
        let told = next(&mut seen, topics, &shared).await?;
        Some((told, (seen, shared)))
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
    RawQuery(query): RawQuery,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Answer {
    let topics = topics(query.as_deref())?;
    let upgrade = upgrade.map_err(|why| Refusal::new(why.status(), why.body_text()))?;
    let place = Arc::clone(&shared.sockets).try_acquire_owned();
    let place = place.map_err(|_| {
        Refusal::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "there are too many WebSockets already",
        )
    })?;
    Ok(upgrade
        .max_message_size(LINE_BYTES_MAX)
        .max_frame_size(LINE_BYTES_MAX)
        .on_upgrade(async move |socket| {
            converse(socket, shared, caller, topics).await;
            drop(place);
        }))
}

async fn converse(mut socket: WebSocket, shared: Arc<Shared>, caller: Caller, topics: Topics) {
    let mut seen = shared.hub.listen();
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
async fn hear(shared: &Shared, caller: &Caller, bytes: &[u8]) -> Vec<Told> {
    let said: Said = match serde_json::from_slice(bytes) {
        Ok(said) => said,
        Err(error) => {
            return vec![refused(&Refusal::new(
                StatusCode::BAD_REQUEST,
                error.to_string(),
            ))];
        }
    };
    let mut answers = Vec::new();
    if !said.alerts.is_empty() {
        answers.push(match may(caller, Role::Alert) {
            Err(refusal) => refused(&refusal),
            Ok(()) => match take(shared, caller, said.alerts).await {
                Ok(taken) => Told::of("taken", &taken_json(taken)),
                Err(refusal) => refused(&refusal),
            },
        });
    }
    for action in said.actions {
        answers.push(match may(caller, Role::Act) {
            Err(refusal) => refused(&refusal),
            Ok(()) => match ask_for(shared, caller, action).await {
                Ok(asked) => Told::of("asked", &asked),
                Err(refusal) => refused(&refusal),
            },
        });
    }
    answers
}

fn may(caller: &Caller, role: Role) -> Result<(), Refusal> {
    if caller.may(role) {
        return Ok(());
    }
    Err(super::access::Denied::Role(role).into())
}

fn refused(refusal: &Refusal) -> Told {
    Told::of("refused", &refusal.body())
}

fn taken_json(taken: Taken) -> Value {
    json!({"taken": taken.count, "t_received_ns": taken.t_received_ns})
}

/// Lines of alerts, taken while they come. A line that is wrong ends it; what came before it has been taken.
pub(crate) async fn alerts(shared: &Shared, caller: &Caller, body: Body) -> Answer {
    let mut chunks = body.into_data_stream();
    let mut lines = Lines::default();
    let mut all = Taken::default();
    loop {
        let chunk = timeout(shared.patience * SILENCE_FACTOR, chunks.next()).await;
        let chunk = chunk
            .map_err(|_| Refusal::new(StatusCode::REQUEST_TIMEOUT, "no alert came for too long"))?;
        let is_last = chunk.is_none();
        match chunk {
            Some(Ok(chunk)) => lines.push(&chunk),
            // The client went away: nobody is there to be answered.
            Some(Err(_)) => {
                return Err(Refusal::new(StatusCode::BAD_REQUEST, "the body broke off"));
            }
            None => lines.push(b"\n"),
        }
        while let Some(mut batch) = lines.take(all.count)? {
            let refusal = match patiently(shared, caller, batch.clone()).await {
                Ok(taken) => {
                    all.add(taken);
                    continue;
                }
                Err(refusal) => refusal,
            };
            let wrong = refusal.index().ok_or(refusal.clone())?;
            batch.truncate(wrong);
            let before = all.count;
            all.add(patiently(shared, caller, batch).await?);
            return Err(refusal.moved(before));
        }
        lines.check()?;
        if is_last {
            return Ok(taken_answer(all, None));
        }
    }
}

/// Takes alerts; where they are too many just now, waits.
async fn patiently(shared: &Shared, caller: &Caller, batch: Vec<Value>) -> Result<Taken, Refusal> {
    loop {
        match take(shared, caller, batch.clone()).await {
            Err(refusal) if refusal.status() == StatusCode::TOO_MANY_REQUESTS => {
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
            taken => return taken,
        }
    }
}

/// Bytes on their way to lines.
#[derive(Debug, Default)]
struct Lines {
    bytes: Vec<u8>,
}

impl Lines {
    fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// The next whole lines as alerts, at most so many as are taken at once.
    fn take(&mut self, so_far: usize) -> Result<Option<Vec<Value>>, Refusal> {
        let mut alerts = Vec::new();
        let mut from = 0;
        while alerts.len() < LINES_AT_ONCE
            && let Some(length) = self.bytes[from..].iter().position(|&byte| byte == b'\n')
        {
            let line = self.bytes[from..from + length].trim_ascii();
            from += length + 1;
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
                    from -= length + 1;
                    break;
                }
            }
        }
        self.bytes.drain(..from);
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
pub(crate) async fn follow(Here(shared): Here<Arc<Shared>>) -> Answer {
    let following = ask(&shared, |following| Request::Follow { following }).await?;
    let begun = stream::iter(following.begun).map(|line| line + "\n");
    let rest = stream::unfold(following.rest, |mut rest| async move {
        let line = rest.recv().await?;
        Some((format!("{line}\n"), rest))
    });
    let lines = begun
        .chain(rest)
        .map(|line| Ok::<_, Infallible>(Bytes::from(line)));
    let body = Body::from_stream(lines);
    Ok(([(header::CONTENT_TYPE, "application/x-ndjson")], body).into_response())
}
