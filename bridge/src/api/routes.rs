//! What each request does.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, Request as HttpRequest, State as Here};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get, post};
use axum::{Extension, Json};
use futures_util::StreamExt as _;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::access::{Caller, Role};
use super::refusal::Refusal;
use super::{
    ALERT_BYTES_MAX, AskedAction, Counts, OPENAPI, Request, Shared, Stage, metrics, stream,
};
use crate::answer::Action;
use crate::live::{Command, Event};
use crate::message::{ALERTS_PER_INTERVAL, ALERTS_PER_RUN, ActionResult, ActionStatus, Hello};

/// Largest body, bytes.
pub(crate) const BODY_BYTES_MAX: usize = 1 << 20;
/// By how much a tool's wall clock may be ahead of the plant, at plant speed.
const AHEAD_MAX: Duration = Duration::from_secs(1);
/// Most actions of a session.
pub(crate) const ACTIONS_MAX: usize = 10_000;

/// What a handler gives.
pub(crate) type Answer = Result<Response, Refusal>;

/// A path, its method, the role that it takes, and what it does.
type Route = (
    &'static str,
    &'static str,
    Option<Role>,
    MethodRouter<Arc<Shared>>,
);

/// Every route with the method and the role that it takes; `None` for what everybody may read.
///
/// `openapi.json` describes exactly these.
pub(crate) fn table() -> Vec<Route> {
    vec![
        ("/openapi.json", "get", None, get(openapi)),
        ("/v1/plant", "get", Some(Role::Observe), get(plant_of)),
        ("/v1/status", "get", Some(Role::Observe), get(status)),
        ("/metrics", "get", Some(Role::Observe), get(prometheus)),
        (
            "/v1/events",
            "get",
            Some(Role::Observe),
            get(stream::events),
        ),
        (
            "/v1/socket",
            "get",
            Some(Role::Observe),
            get(stream::socket),
        ),
        ("/v1/alerts", "post", Some(Role::Alert), post(alerts)),
        ("/v1/actions", "get", Some(Role::Observe), get(actions)),
        ("/v1/actions", "post", Some(Role::Act), post(act)),
        (
            "/v1/actions/{command_id}",
            "get",
            Some(Role::Observe),
            get(action),
        ),
        (
            "/v1/actions/{command_id}/approve",
            "post",
            Some(Role::Approve),
            post(approve),
        ),
        (
            "/v1/actions/{command_id}/refuse",
            "post",
            Some(Role::Approve),
            post(refuse),
        ),
        ("/v1/control", "post", Some(Role::Control), post(control)),
        ("/v1/follow", "get", Some(Role::Truth), get(stream::follow)),
    ]
}

/// The router of a session.
pub(crate) fn router(shared: &Arc<Shared>) -> Router {
    let mut router = Router::new();
    for (path, _, role, handler) in table() {
        let guarded = match role {
            None => handler,
            Some(role) => handler.route_layer(middleware::from_fn_with_state(
                (Arc::clone(shared), role),
                guard,
            )),
        };
        router = router.route(path, guarded);
    }
    let counted = middleware::from_fn_with_state(Arc::clone(shared), count);
    router
        .fallback(async || {
            Refusal::new(
                StatusCode::NOT_FOUND,
                "there is nothing here; GET /openapi.json says what there is",
            )
        })
        .method_not_allowed_fallback(async || {
            Refusal::new(
                StatusCode::METHOD_NOT_ALLOWED,
                "not with this method; see GET /openapi.json",
            )
        })
        .layer(counted)
        .with_state(Arc::clone(shared))
}

/// Counts answers, and lets what has been begun come to its end also where the client goes away meanwhile.
async fn count(Here(shared): Here<Arc<Shared>>, request: HttpRequest, next: Next) -> Response {
    let done = tokio::spawn(next.run(request)).await;
    let response = done.unwrap_or_else(|_| {
        let detail = "this is a bug of the range: please report it";
        Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, detail).into_response()
    });
    let class = usize::from(response.status().as_u16() / 100).min(5);
    Counts::add(&shared.counts.answers[class], 1);
    response
}

/// Lets those in who may do what they ask for.
async fn guard(
    Here((shared, role)): Here<(Arc<Shared>, Role)>,
    mut request: HttpRequest,
    next: Next,
) -> Answer {
    let headers = request.headers();
    if shared.access.is_open() {
        not_by_a_web_page(headers)?;
    }
    let authorization = headers.get(header::AUTHORIZATION);
    let authorization = authorization.and_then(|value| value.to_str().ok());
    let caller = shared.access.admit(authorization, role, Instant::now())?;
    request.extensions_mut().insert(caller);
    Ok(next.run(request).await)
}

/// Without tokens, a page in this machine's browser must not command the plant: neither by a form that another site
/// sends here nor by a name of another site that points here.
fn not_by_a_web_page(headers: &HeaderMap) -> Result<(), Refusal> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let host = text(header::HOST).unwrap_or_default();
    let name = host.rsplit_once(':').map_or(host, |(name, port)| {
        let is_port = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
        if is_port { name } else { host }
    });
    let bare = name.trim_start_matches('[').trim_end_matches(']');
    let is_loopback = bare.eq_ignore_ascii_case("localhost")
        || bare
            .parse::<std::net::IpAddr>()
            .is_ok_and(|ip| ip.is_loopback());
    if !is_loopback {
        return Err(Refusal::new(
            StatusCode::FORBIDDEN,
            "without tokens this answers only to loopback addresses and `localhost`",
        ));
    }
    let is_of_a_page = text(header::HeaderName::from_static("sec-fetch-site"))
        .is_some_and(|site| !matches!(site, "none" | "same-origin"));
    if is_of_a_page || headers.contains_key(header::ORIGIN) {
        return Err(Refusal::new(
            StatusCode::FORBIDDEN,
            "without tokens web pages are not answered; start the session with --tokens",
        ));
    }
    Ok(())
}

async fn openapi() -> Response {
    ([(header::CONTENT_TYPE, "application/json")], OPENAPI).into_response()
}

async fn prometheus(Here(shared): Here<Arc<Shared>>) -> Response {
    let form = "text/plain; version=0.0.4; charset=utf-8";
    ([(header::CONTENT_TYPE, form)], metrics::page(&shared)).into_response()
}

/// What a defense is told about a plant.
pub(crate) fn plant(hello: &Hello, formats: &[&str], people_approve: bool) -> Value {
    let mut plant = serde_json::to_value(hello).expect("a hello encodes");
    // There are no intervals here.
    if let Some(fields) = plant.as_object_mut() {
        fields.remove("interval_ns");
    }
    plant["alert_formats"] = json!(formats);
    plant["approval"] = json!(if people_approve { "people" } else { "scenario" });
    plant["limits"] = json!({
        "body_bytes": BODY_BYTES_MAX,
        "alerts_per_request": ALERTS_PER_INTERVAL,
        "alerts_per_session": ALERTS_PER_RUN,
        "actions_per_session": ACTIONS_MAX,
    });
    plant
}

async fn plant_of(Here(shared): Here<Arc<Shared>>) -> Json<Value> {
    Json(shared.plant.clone())
}

async fn status(Here(shared): Here<Arc<Shared>>) -> Json<Value> {
    let state = shared.state().clone();
    let frames = shared.spans.iter().zip(&state.frames);
    let frames: serde_json::Map<String, Value> = frames
        .map(|(span, count)| (span.clone(), json!(count)))
        .collect();
    Json(json!({
        "t_ns": state.standing.t_ns,
        "duration_ns": shared.duration_ns,
        "running": state.standing.running,
        "speed": state.standing.speed,
        "stretches": state.stretches,
        "stretched_s": state.stretched_s,
        "clock": state.clock,
        "frames": frames,
        "logs": state.logs,
        "alerts": shared.counts.alerts.load(Ordering::Relaxed),
    }))
}

/// Reads a body, within its limits.
async fn read(shared: &Shared, body: Body) -> Result<Vec<u8>, Refusal> {
    let read = async {
        let mut bytes = Vec::new();
        let mut chunks = body.into_data_stream();
        while let Some(chunk) = chunks.next().await {
            bytes.extend_from_slice(&chunk.map_err(|_| broken_off())?);
            if bytes.len() > BODY_BYTES_MAX {
                let detail = format!("a body has at most {BODY_BYTES_MAX} bytes");
                return Err(Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, detail));
            }
        }
        Ok(bytes)
    };
    let slow = |_| Refusal::new(StatusCode::REQUEST_TIMEOUT, "the body took too long");
    timeout(shared.patience, read).await.map_err(slow)?
}

/// A body that has no proper end.
pub(crate) fn broken_off() -> Refusal {
    Refusal::new(StatusCode::BAD_REQUEST, "the body broke off")
}

/// What a body says it is, without parameters; nothing counts as JSON.
fn media_type(headers: &HeaderMap) -> String {
    let Some(value) = headers.get(header::CONTENT_TYPE) else {
        return "application/json".to_owned();
    };
    let value = value.to_str().unwrap_or_default();
    let media = value.split(';').next().unwrap_or_default();
    media.trim().to_ascii_lowercase()
}

fn parse<T: for<'de> Deserialize<'de>>(bytes: &[u8]) -> Result<T, Refusal> {
    serde_json::from_slice(bytes).map_err(|error| {
        let status = if error.is_data() {
            StatusCode::UNPROCESSABLE_ENTITY
        } else {
            StatusCode::BAD_REQUEST
        };
        Refusal::new(status, error.to_string())
    })
}

/// What an object says. A list of its values in their order, which `serde` would take as well, is none.
pub(crate) fn parse_object<T: for<'de> Deserialize<'de>>(bytes: &[u8]) -> Result<T, Refusal> {
    let object: Map<String, Value> = parse(bytes)?;
    let said = serde_json::from_value(Value::Object(object));
    said.map_err(|error| Refusal::wrong(error.to_string()))
}

fn only_json(headers: &HeaderMap) -> Result<(), Refusal> {
    match media_type(headers).as_str() {
        "application/json" => Ok(()),
        other => Err(unknown_media(other, "application/json")),
    }
}

fn unknown_media(found: &str, known: &str) -> Refusal {
    let detail = format!(
        "`{}` is not read here; send {known}",
        found.escape_default()
    );
    Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail)
}

/// How alerts are written that are not in the normal form.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct HowWritten {
    format: Option<String>,
    /// Of times that name none.
    zone: Option<String>,
}

pub(crate) fn wrong_query(why: QueryRejection) -> Refusal {
    Refusal::wrong(why.body_text())
}

/// One alert, a list of them, or lines of them while they come.
async fn alerts(
    Here(shared): Here<Arc<Shared>>,
    Extension(caller): Extension<Caller>,
    query: Result<Query<HowWritten>, QueryRejection>,
    headers: HeaderMap,
    body: Body,
) -> Answer {
    let HowWritten { format, zone } = query.map_err(wrong_query)?.0;
    let media = media_type(&headers);
    if let Some(format) = format.as_deref() {
        if !shared.formats.names().contains(&format) {
            let known = shared.formats.names().join(", ");
            let detail = format!(
                "there is no format `{}`; there are {known}",
                format.escape_default()
            );
            return Err(Refusal::wrong(detail));
        }
        let bytes = read(&shared, body).await?;
        let clock = shared.state().clock.clone();
        let zone = zone.as_deref();
        let imported = shared
            .formats
            .read(format, &bytes, caller.name(), zone, &clock);
        let imported = imported.map_err(|why| {
            Counts::add(&shared.counts.alerts_refused, 1);
            Refusal::wrong(why)
        })?;
        let alerts = by_now(&shared, imported.alerts);
        // Records that are no alerts stand between them in the body.
        let taken = take(&shared, &caller, alerts)
            .await
            .map_err(Refusal::without_place)?;
        return Ok(taken_answer(taken, Some(imported.skipped)));
    }
    match media.as_str() {
        "application/json" => {
            let alerts = match parse(&read(&shared, body).await?)? {
                Value::Array(alerts) => alerts,
                alert => vec![alert],
            };
            let taken = take(&shared, &caller, alerts).await?;
            Ok(taken_answer(taken, None))
        }
        "application/x-ndjson" | "application/jsonl" | "application/json-lines" => {
            stream::alerts(&shared, &caller, body).await
        }
        other => Err(unknown_media(
            other,
            "application/json or application/x-ndjson",
        )),
    }
}

/// Times of the wall clock can be a little ahead of a plant that has yet to simulate what is due.
fn by_now(shared: &Shared, mut alerts: Vec<Value>) -> Vec<Value> {
    let standing = shared.state().standing;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a speed is over 0 and at most 1000"
    )]
    let ahead_max_ns = (AHEAD_MAX.as_nanos() as f64 * standing.speed.max(1.0)) as u64;
    for alert in &mut alerts {
        let ahead = alert["t_ns"]
            .as_u64()
            .map(|t_ns| t_ns.saturating_sub(standing.t_ns));
        if ahead.is_some_and(|ahead| ahead > 0 && ahead <= ahead_max_ns) {
            alert["t_ns"] = json!(standing.t_ns);
        }
    }
    alerts
}

/// How many alerts were taken, and when.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Taken {
    pub(crate) count: usize,
    pub(crate) t_received_ns: Option<u64>,
}

impl Taken {
    pub(crate) fn to_json(self) -> Value {
        json!({"taken": self.count, "t_received_ns": self.t_received_ns})
    }

    /// Counts more in.
    pub(crate) fn add(&mut self, more: Self) {
        self.count += more.count;
        self.t_received_ns = more.t_received_ns.or(self.t_received_ns);
    }
}

pub(crate) fn taken_answer(taken: Taken, skipped: Option<u64>) -> Response {
    let mut body = taken.to_json();
    if let Some(skipped) = skipped {
        body["skipped"] = json!(skipped);
    }
    (StatusCode::ACCEPTED, Json(body)).into_response()
}

/// Takes all of some alerts, or none of them.
pub(crate) async fn take(
    shared: &Shared,
    caller: &Caller,
    alerts: Vec<Value>,
) -> Result<Taken, Refusal> {
    let count = alerts.len();
    let taken = async {
        if count > ALERTS_PER_INTERVAL {
            let detail = format!("a request has at most {ALERTS_PER_INTERVAL} alerts");
            return Err(Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, detail));
        }
        if !caller.take_alerts(count, Instant::now()) {
            let detail = "too many alerts: wait a second";
            return Err(Refusal::new(StatusCode::TOO_MANY_REQUESTS, detail));
        }
        put_on_record(shared, caller, alerts).await
    };
    let taken = taken.await;
    if taken.is_err() {
        Counts::add(&shared.counts.alerts_refused, count as u64);
    }
    taken
}

/// Checks alerts, all or none of them, and hands them to the session's loop.
pub(crate) async fn put_on_record(
    shared: &Shared,
    caller: &Caller,
    alerts: Vec<Value>,
) -> Result<Taken, Refusal> {
    let now_ns = shared.now_ns();
    let checked = {
        let mut rules = shared.rules.lock().expect("nobody panics with it");
        rules.alerts_of(caller.name(), alerts, now_ns, ALERT_BYTES_MAX)
    };
    let alerts = checked.map_err(|(index, why)| match index {
        Some(index) => Refusal::wrong(why).at(index),
        None => Refusal::full(why),
    })?;
    if alerts.is_empty() {
        return Ok(Taken::default());
    }
    let count = alerts.len();
    let place = shared.asked.acquire().await.map_err(|_| Refusal::over())?;
    let t_received_ns = ask(shared, |taken| Request::Alerts { alerts, taken }).await?;
    drop(place);
    Counts::add(&shared.counts.alerts, count as u64);
    Ok(Taken {
        count,
        t_received_ns: Some(t_received_ns),
    })
}

/// Asks the session's loop, and waits for its answer.
pub(crate) async fn ask<T>(
    shared: &Shared,
    request: impl FnOnce(oneshot::Sender<T>) -> Request,
) -> Result<T, Refusal> {
    let (tell, told) = oneshot::channel();
    let event = Event::Request(request(tell));
    shared.events.send(event).map_err(|_| Refusal::over())?;
    told.await.map_err(|_| Refusal::over())
}

async fn act(
    Here(shared): Here<Arc<Shared>>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    body: Body,
) -> Answer {
    only_json(&headers)?;
    let asked = parse(&read(&shared, body).await?)?;
    let asked = ask_for(&shared, &caller, asked).await?;
    Ok((StatusCode::ACCEPTED, Json(asked)).into_response())
}

/// Asks for an action, which is carried out or waits for a person.
pub(crate) async fn ask_for(
    shared: &Shared,
    caller: &Caller,
    action: Value,
) -> Result<Value, Refusal> {
    let action = {
        let mut rules = shared.rules.lock().expect("nobody panics with it");
        if rules.actions_so_far() >= ACTIONS_MAX {
            let detail = format!("a session takes at most {ACTIONS_MAX} actions");
            return Err(Refusal::full(detail));
        }
        rules.action_of(action).map_err(Refusal::wrong)?
    };
    let asked = AskedAction {
        action: action.clone(),
        by: caller.name().to_owned(),
        status: if shared.people_approve {
            Stage::Pending
        } else {
            Stage::Deciding
        },
        result: None,
    };
    let id = action.command_id.clone();
    let pending = json!(asked);
    {
        let mut actions = shared.actions();
        // Nobody would write down what became of it.
        if actions.are_closed {
            return Err(Refusal::over());
        }
        let known = actions.by_id.insert(id, asked);
        assert!(known.is_none(), "command ids are unique");
    }
    if shared.people_approve {
        return Ok(pending);
    }
    decide(shared, action, None).await
}

/// Hands an action, or a person's refusal of it, to the session's loop.
async fn decide(
    shared: &Shared,
    action: Action,
    refused: Option<String>,
) -> Result<Value, Refusal> {
    let id = action.command_id.clone();
    let request = |decided| Request::Action {
        action,
        refused,
        decided,
    };
    let result: ActionResult = ask(shared, request).await?;
    let mut actions = shared.actions();
    let asked = actions.by_id.get_mut(&id).expect("actions stay");
    asked.status = match result.status {
        ActionStatus::Accepted => Stage::Accepted,
        ActionStatus::Refused => Stage::Refused,
    };
    asked.result = Some(result);
    Ok(json!(asked))
}

async fn actions(Here(shared): Here<Arc<Shared>>) -> Json<Value> {
    let actions = shared.actions();
    let actions: Vec<&AskedAction> = actions.by_id.values().collect();
    Json(json!({ "actions": actions }))
}

async fn action(
    Here(shared): Here<Arc<Shared>>,
    id: Result<Path<String>, PathRejection>,
) -> Answer {
    let id = id_of(id)?;
    let actions = shared.actions();
    let asked = actions.by_id.get(&id).ok_or_else(|| no_action(&id))?;
    Ok(Json(json!(asked)).into_response())
}

/// The name of a command in a path.
fn id_of(id: Result<Path<String>, PathRejection>) -> Result<String, Refusal> {
    id.map(|Path(id)| id)
        .map_err(|why| Refusal::new(StatusCode::BAD_REQUEST, why.body_text()))
}

fn no_action(id: &str) -> Refusal {
    let detail = format!("nobody has asked for an action `{}`", id.escape_default());
    Refusal::new(StatusCode::NOT_FOUND, detail)
}

/// Takes a pending action out of the queue.
fn take_pending(shared: &Shared, id: &str) -> Result<Action, Refusal> {
    let mut actions = shared.actions();
    let asked = actions.by_id.get_mut(id).ok_or_else(|| no_action(id))?;
    if asked.status != Stage::Pending {
        let detail = format!(
            "the action `{}` has been decided already",
            id.escape_default()
        );
        return Err(Refusal::new(StatusCode::CONFLICT, detail));
    }
    asked.status = Stage::Deciding;
    Ok(asked.action.clone())
}

async fn approve(
    Here(shared): Here<Arc<Shared>>,
    id: Result<Path<String>, PathRejection>,
) -> Answer {
    let id = id_of(id)?;
    let action = take_pending(&shared, &id)?;
    let decided = decide(&shared, action, None).await?;
    Ok(Json(decided).into_response())
}

/// Why somebody refuses an action.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Why {
    #[serde(default)]
    reason: Option<String>,
}

async fn refuse(
    Here(shared): Here<Arc<Shared>>,
    Extension(caller): Extension<Caller>,
    id: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
    body: Body,
) -> Answer {
    let id = id_of(id)?;
    let bytes = read(&shared, body).await?;
    let why = if bytes.is_empty() {
        Why::default()
    } else {
        only_json(&headers)?;
        parse_object(&bytes)?
    };
    let action = take_pending(&shared, &id)?;
    let mut reason = format!("refused by {}", caller.name());
    if let Some(why) = why.reason {
        let why: String = why.chars().filter(|c| !c.is_control()).take(256).collect();
        reason = format!("{reason}: {why}");
    }
    let decided = decide(&shared, action, Some(reason)).await?;
    Ok(Json(decided).into_response())
}

/// A command, as on standard input.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Control {
    command: String,
}

async fn control(Here(shared): Here<Arc<Shared>>, headers: HeaderMap, body: Body) -> Answer {
    only_json(&headers)?;
    let asked: Control = parse_object(&read(&shared, body).await?)?;
    let command = Command::parse(&asked.command).map_err(Refusal::wrong)?;
    let standing = ask(&shared, |done| Request::Command { command, done }).await?;
    Ok(Json(json!(standing)).into_response())
}
