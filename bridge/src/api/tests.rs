//! The API in front of a loop that does nothing but answer, over real connections.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::sync::mpsc;
use std::thread::{self, JoinHandle};
use std::time::Instant;

use proptest::prelude::*;
use serde_json::json;

use super::access::STREAMS_EACH;
use super::*;
use crate::answer::{TEXT_LIMIT_CHARS, Verb};
use crate::message::{ActionStatus, Span, TagInfo};

const TOKENS: &str = r#"(tokens: [
    (name: "siem", token: "siem-siem-siem-siem", roles: [observe, alert]),
    (name: "soar", token: "soar-soar-soar-soar", roles: [observe, alert, act]),
    (name: "lead", token: "lead-lead-lead-lead", roles: [observe, approve, control, truth]),
])"#;
const NOW_NS: u64 = 5_000;

/// Formats of which one is known: each line is a signature, or telemetry.
struct Lines;

impl Formats for Lines {
    fn names(&self) -> Vec<&'static str> {
        vec!["lines"]
    }

    fn read(
        &self,
        _: &str,
        bytes: &[u8],
        tool: &str,
        _: Option<&str>,
        _: &[ClockAnchor],
    ) -> Result<Imported, String> {
        let text = std::str::from_utf8(bytes).map_err(|error| error.to_string())?;
        let alert = |line| {
            let ahead_ns = if line == "later" { 5_000_000_000 } else { 10 };
            json!({"t_ns": NOW_NS + ahead_ns, "sig_id": line, "tool": tool})
        };
        let lines = text.lines().filter(|&line| line != "stats");
        Ok(Imported {
            alerts: lines.map(alert).collect(),
            skipped: 3,
        })
    }
}

/// An API and a loop behind it.
struct Desk {
    api: Api,
    answering: Option<JoinHandle<Vec<Value>>>,
    events: Sender<Event>,
}

impl Desk {
    fn open(access: Access, people_approve: bool) -> Self {
        Self::patient(access, people_approve, PATIENCE)
    }

    fn patient(access: Access, people_approve: bool, patience: Duration) -> Self {
        let (events, inbox) = mpsc::channel();
        let span = Span {
            name: "cell".to_owned(),
            link_type: 1,
        };
        let tag = TagInfo {
            name: "level".to_owned(),
            unit: "mm".to_owned(),
            description: "How full it is.".to_owned(),
        };
        let options = ApiOptions {
            access,
            people_approve,
            hello: Hello {
                range_version: "0".to_owned(),
                plant: "p".to_owned(),
                epoch_unix_ns: 0,
                interval_ns: 0,
                duration_ns: 1_000_000,
                learn_ns: 0,
                spans: vec![span],
                assets: Vec::new(),
                tags: vec![tag],
                actions: vec![Verb::Deny],
                inline: None,
            },
            formats: Box::new(Lines),
            patience,
        };
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let api = Api::listen(listener, options, events.clone()).expect("it listens");
        *api.state() = State {
            standing: Standing {
                t_ns: NOW_NS,
                running: true,
                speed: 1.0,
            },
            frames: vec![7],
            tags: vec![Some(1.5)],
            ..State::default()
        };
        let answering = thread::spawn(move || answer_all(&inbox));
        Self {
            api,
            answering: Some(answering),
            events,
        }
    }

    fn with_tokens() -> Self {
        Self::open(Access::parse(TOKENS).expect("a proper file"), false)
    }

    /// Sends bytes on a connection of their own and reads what comes until it closes.
    fn raw(&self, bytes: &[u8]) -> String {
        let mut stream = TcpStream::connect(self.api.address()).expect("it listens");
        // Whoever is refused early is no longer listened to.
        let _ = stream.write_all(bytes);
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        String::from_utf8_lossy(&answer).into_owned()
    }

    fn ask(&self, method: &str, path: &str, headers: &str, body: &str) -> (u16, Value) {
        let length = body.len();
        let host = self.api.address();
        let answer = self.raw(
            format!(
                "{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nContent-Length: {length}\r\n{headers}\
                 \r\n{body}"
            )
            .as_bytes(),
        );
        let status = answer.split(' ').nth(1).and_then(|word| word.parse().ok());
        let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
        let body = serde_json::from_str(body).unwrap_or(Value::String(body.to_owned()));
        (status.unwrap_or(0), body)
    }

    fn post(&self, path: &str, token: &str, body: &Value) -> (u16, Value) {
        let headers =
            format!("Authorization: Bearer {token}\r\nContent-Type: application/json\r\n");
        self.ask("POST", path, &headers, &body.to_string())
    }

    fn get(&self, path: &str, token: &str) -> (u16, Value) {
        self.ask(
            "GET",
            path,
            &format!("Authorization: Bearer {token}\r\n"),
            "",
        )
    }

    /// Begins to listen to events, and gives the status with the connection, on which the rest comes.
    fn listen(&self, token: &str) -> (u16, BufReader<TcpStream>) {
        let mut stream = TcpStream::connect(self.api.address()).expect("it listens");
        let host = self.api.address();
        let head = format!(
            "GET /v1/events HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).expect("it is served");
        let mut stream = BufReader::new(stream);
        let mut line = String::new();
        stream.read_line(&mut line).expect("an answer");
        let status = line.split(' ').nth(1).and_then(|word| word.parse().ok());
        (status.unwrap_or(0), stream)
    }

    /// Somebody who asks without a connection, and what runs that.
    fn inside(&self) -> (access::Caller, Runtime) {
        let caller = self
            .api
            .shared
            .access
            .admit(None, Role::Observe, Instant::now());
        let runtime = Builder::new_current_thread().enable_all().build();
        (caller.expect("it is open"), runtime.expect("a runtime"))
    }

    /// Ends the loop, and gives what it was asked for.
    fn end(mut self) -> Vec<Value> {
        let quit = Event::Command(Ok(Command::Quit));
        self.events.send(quit).expect("the loop goes on");
        let answering = self.answering.take().expect("once");
        answering.join().expect("the loop does not panic")
    }
}

/// A loop that takes everything, until it is told to quit.
fn answer_all(inbox: &mpsc::Receiver<Event>) -> Vec<Value> {
    let mut heard = Vec::new();
    for event in inbox {
        let Event::Request(request) = event else {
            return heard;
        };
        match request {
            Request::Alerts { alerts, taken } => {
                heard.extend(alerts);
                let _ = taken.send(NOW_NS + 1);
            }
            Request::Action {
                action,
                refused,
                decided,
            } => {
                heard.push(json!([action, refused]));
                let status = if refused.is_some() {
                    ActionStatus::Refused
                } else {
                    ActionStatus::Accepted
                };
                let _ = decided.send(ActionResult {
                    command_id: action.command_id,
                    status,
                    t_ns: NOW_NS,
                    effective_ns: None,
                    until_ns: None,
                    reason: refused,
                });
            }
            Request::Command { command, done } => {
                heard.push(json!(format!("{command:?}")));
                let _ = done.send(Standing::default());
            }
            Request::Follow { following } => {
                let (tell, rest) = tokio::sync::mpsc::channel(4);
                tell.try_send("{\"type\":\"end\"}".into()).expect("room");
                let _ = following.send(Following {
                    begun: vec!["{\"type\":\"session\"}".into()],
                    rest,
                });
            }
        }
    }
    heard
}

fn alert(sig_id: &str) -> Value {
    json!({"t_ns": 4_000, "sig_id": sig_id})
}

fn deny(id: &str) -> Value {
    json!({"command_id": id, "action": "deny", "target": {"ip": "10.20.1.66"}})
}

/// Checks a body against a schema of the OpenAPI document.
fn conforms(schema: &str, body: &Value) {
    let document: Value = serde_json::from_str(OPENAPI).expect("the document is JSON");
    let whole = json!({
        "$ref": format!("#/components/schemas/{schema}"),
        "components": document["components"],
    });
    let validator = jsonschema::validator_for(&whole).expect("a schema");
    let errors: Vec<String> = validator
        .iter_errors(body)
        .map(|error| error.to_string())
        .collect();
    assert!(errors.is_empty(), "{schema}: {errors:?} in {body}");
}

#[test]
fn document_when_compared_with_the_routes_then_it_has_exactly_them() {
    let document: Value = serde_json::from_str(OPENAPI).expect("the document is JSON");
    let mut written: Vec<(String, String, Option<String>)> = Vec::new();
    for (path, methods) in document["paths"].as_object().expect("paths") {
        for (method, operation) in methods.as_object().expect("methods") {
            let role = operation["x-role"].as_str().map(str::to_owned);
            written.push((path.clone(), method.clone(), role));
        }
    }
    let mut served: Vec<_> = routes::table()
        .into_iter()
        .map(|(path, method, role, _)| {
            (
                path.to_owned(),
                method.to_owned(),
                role.map(|role| role.word().to_owned()),
            )
        })
        .collect();
    written.sort();
    served.sort();
    assert_eq!(written, served);
}

#[test]
fn requests_when_without_the_right_token_then_denied_on_every_route() {
    let desk = Desk::with_tokens();
    let holders = [
        ("siem-siem-siem-siem", &[Role::Observe, Role::Alert][..]),
        (
            "lead-lead-lead-lead",
            &[Role::Observe, Role::Approve, Role::Control, Role::Truth],
        ),
    ];
    let mut denied = 0;
    for (path, method, role, _) in routes::table() {
        let Some(role) = role else { continue };
        let path = path.replace("{command_id}", "c");
        let method = method.to_uppercase();
        for header in ["", "Authorization: Bearer wrong-wrong-wrong-wrong\r\n"] {
            let (status, body) = desk.ask(&method, &path, header, "");
            assert_eq!(status, 401, "{method} {path}");
            conforms("Problem", &body);
        }
        for (token, roles) in holders {
            if roles.contains(&role) {
                continue;
            }
            let header = format!("Authorization: Bearer {token}\r\n");
            let (status, body) = desk.ask(&method, &path, &header, "");
            assert_eq!(status, 403, "{method} {path} with {token}");
            assert!(
                body["detail"]
                    .as_str()
                    .is_some_and(|why| why.contains(role.word()))
            );
            denied += 1;
        }
    }
    assert_eq!(denied, 7);
    assert_eq!(
        desk.end(),
        Vec::<Value>::new(),
        "nothing reached the session"
    );
}

#[test]
fn alerts_when_handed_in_then_one_a_list_and_lines_are_taken() {
    let desk = Desk::with_tokens();
    let token = "siem-siem-siem-siem";
    let (status, taken) = desk.post("/v1/alerts", token, &alert("one"));
    assert_eq!((status, &taken["taken"]), (202, &json!(1)));
    conforms("Taken", &taken);
    let list = json!([alert("two"), {"sig_id": "three", "tool": "own"}]);
    let (status, taken) = desk.post("/v1/alerts", token, &list);
    assert_eq!((status, &taken["taken"]), (202, &json!(2)));
    let lines = format!("{}\n\n{}", alert("four"), alert("five"));
    let headers = format!(
        "Authorization: Bearer {token}\r\nContent-Type: application/x-ndjson; charset=utf-8\r\n"
    );
    let (status, taken) = desk.ask("POST", "/v1/alerts", &headers, &lines);
    assert_eq!((status, &taken["taken"]), (202, &json!(2)));
    assert_eq!(taken["t_received_ns"], json!(NOW_NS + 1));
    let headers = format!("Authorization: Bearer {token}\r\n");
    let (status, taken) = desk.ask("POST", "/v1/alerts?format=lines", &headers, "six\nseven");
    assert_eq!((status, &taken["skipped"]), (202, &json!(3)), "{taken}");
    let heard = desk.end();
    let told: Vec<_> = heard
        .iter()
        .map(|alert| {
            (
                alert["sig_id"].as_str(),
                alert["tool"].as_str(),
                alert["t_ns"].as_u64(),
            )
        })
        .collect();
    let of = |sig, tool, t_ns| (Some(sig), Some(tool), Some(t_ns));
    assert_eq!(
        told,
        [
            of("one", "siem", 4_000),
            of("two", "siem", 4_000),
            of("three", "own", NOW_NS),
            of("four", "siem", 4_000),
            of("five", "siem", 4_000),
            // A little ahead of the plant: it is now.
            of("six", "siem", NOW_NS),
            of("seven", "siem", NOW_NS),
        ]
    );
}

#[test]
fn alerts_when_one_of_a_list_is_wrong_then_none_is_taken_and_its_place_is_named() {
    let desk = Desk::with_tokens();
    let token = "siem-siem-siem-siem";
    let refused = |list: Value, status: u16, index: Option<u64>, says: &str| {
        let (found, body) = desk.post("/v1/alerts", token, &list);
        assert_eq!(found, status, "{body}");
        assert_eq!(body["index"].as_u64(), index, "{body}");
        let detail = body["detail"].as_str().unwrap_or_default();
        assert!(detail.contains(says), "{detail}");
        conforms("Problem", &body);
    };
    refused(json!([alert("a"), {"t_ns": 1}]), 422, Some(1), "sig_id");
    refused(
        json!([{"t_ns": 9_999, "sig_id": "later"}]),
        422,
        Some(0),
        "9999",
    );
    refused(json!([alert("a"), alert("b"), 7]), 422, Some(2), "object");
    refused(
        json!([{"sig_id": "a", "t_received_ns": 1}]),
        422,
        Some(0),
        "t_received_ns",
    );
    refused(json!(vec![alert("a"); 1_001]), 413, None, "1000");
    let headers = format!("Authorization: Bearer {token}\r\nContent-Type: application/json\r\n");
    let (status, _) = desk.ask("POST", "/v1/alerts", &headers, "[{");
    assert_eq!(status, 400);
    let headers = format!("Authorization: Bearer {token}\r\nContent-Type: text/csv\r\n");
    let (status, _) = desk.ask("POST", "/v1/alerts", &headers, "a,b");
    assert_eq!(status, 415);
    let (status, body) = desk.post("/v1/alerts?format=xyz", token, &json!([]));
    assert_eq!(
        (
            status,
            body["detail"]
                .as_str()
                .is_some_and(|why| why.contains("lines"))
        ),
        (422, true)
    );
    // Of lines, those before the wrong one have been taken.
    let lines = format!("{}\n{}\nnot JSON\n{}\n", alert("1"), alert("2"), alert("3"));
    let headers =
        format!("Authorization: Bearer {token}\r\nContent-Type: application/x-ndjson\r\n");
    let (status, body) = desk.ask("POST", "/v1/alerts", &headers, &lines);
    assert_eq!((status, body["index"].as_u64()), (400, Some(2)), "{body}");
    let lines = format!("{}\n{}\n", alert("3"), json!({"sig_id": 4}));
    let (status, body) = desk.ask("POST", "/v1/alerts", &headers, &lines);
    assert_eq!((status, body["index"].as_u64()), (422, Some(1)), "{body}");
    let heard = desk.end();
    let taken: Vec<_> = heard.iter().map(|alert| alert["sig_id"].clone()).collect();
    assert_eq!(taken, ["1", "2", "3"]);
}

#[test]
fn alerts_when_they_are_of_later_then_the_refusal_says_now_and_names_a_record_only_of_a_list() {
    let desk = Desk::with_tokens();
    let token = "siem-siem-siem-siem";
    let later = json!([alert("a"), {"t_ns": 9_999, "sig_id": "later"}]);
    let (status, body) = desk.post("/v1/alerts", token, &later);
    assert_eq!((status, body["index"].as_u64()), (422, Some(1)), "{body}");
    assert_eq!(body["detail"], "'t_ns' is 9999, after now, which is 5000");
    let headers = format!("Authorization: Bearer {token}\r\n");
    let lines = "stats\nstats\nlater";
    let (status, body) = desk.ask("POST", "/v1/alerts?format=lines", &headers, lines);
    assert_eq!((status, body.get("index")), (422, None), "{body}");
    assert_eq!(
        body["detail"],
        "'t_ns' is 5000005000, after now, which is 5000"
    );
    assert_eq!(desk.end(), Vec::<Value>::new());
}

#[test]
fn bodies_when_too_large_then_refused() {
    let desk = Desk::with_tokens();
    let raw = "x".repeat(routes::BODY_BYTES_MAX + 1);
    let (status, body) = desk.post("/v1/alerts", "siem-siem-siem-siem", &json!(raw));
    assert_eq!(status, 413, "{body}");
    let head = "GET /v1/status HTTP/1.1\r\nHost: x\r\n".to_owned() + &"A: b\r\n".repeat(20_000);
    let answer = desk.raw(head.as_bytes());
    assert!(
        answer.is_empty() || answer.starts_with("HTTP/1.1 431"),
        "{answer}"
    );
    assert_eq!(desk.get("/v1/status", "siem-siem-siem-siem").0, 200);
}

#[test]
fn actions_when_people_approve_then_they_wait_for_somebody_with_the_role() {
    let desk = Desk::open(Access::parse(TOKENS).expect("a proper file"), true);
    let (soar, lead) = ("soar-soar-soar-soar", "lead-lead-lead-lead");
    for id in ["a", "b", "c"] {
        let (status, asked) = desk.post("/v1/actions", soar, &deny(id));
        assert_eq!((status, &asked["status"]), (202, &json!("pending")));
        conforms("Asked", &asked);
    }
    let (status, _) = desk.post("/v1/actions", soar, &deny("a"));
    assert_eq!(status, 422, "a command has a number of its own");
    let (status, _) = desk.post("/v1/actions/a/approve", soar, &json!({}));
    assert_eq!(status, 403, "who asks does not approve");
    let (status, asked) = desk.post("/v1/actions/a/approve", lead, &json!({}));
    assert_eq!((status, &asked["status"]), (200, &json!("accepted")));
    conforms("Asked", &asked);
    let why = json!({"reason": "not during the batch"});
    let (status, asked) = desk.post("/v1/actions/b/refuse", lead, &why);
    assert_eq!((status, &asked["status"]), (200, &json!("refused")));
    assert_eq!(
        asked["result"]["reason"],
        "refused by lead: not during the batch"
    );
    assert_eq!(desk.post("/v1/actions/b/approve", lead, &json!({})).0, 409);
    assert_eq!(desk.post("/v1/actions/x/approve", lead, &json!({})).0, 404);
    let (_, all) = desk.get("/v1/actions", soar);
    let all = all["actions"].as_array().map(Vec::len);
    assert_eq!(all, Some(3));
    assert_eq!(desk.get("/v1/actions/c", soar).1["status"], "pending");
    let (status, page) = desk.get("/metrics", soar);
    let page = page.as_str().unwrap_or_default();
    assert_eq!(status, 200);
    for line in [
        "twinrange_actions{status=\"pending\"} 1",
        "twinrange_actions{status=\"refused\"} 1",
        "twinrange_frames_total{span=\"cell\"} 7",
        "twinrange_tag{tag=\"level\"} 1.5",
        "# TYPE twinrange_alerts_total counter",
    ] {
        assert!(page.lines().any(|found| found == line), "{line} in\n{page}");
    }
    let withdrawn = desk.api.withdraw();
    assert_eq!(withdrawn.len(), 1);
    assert_eq!(
        (withdrawn[0].0.command_id.as_str(), withdrawn[0].1),
        ("c", false)
    );
    let heard = desk.end();
    assert_eq!(heard.len(), 2);
    assert_eq!(heard[1][1], "refused by lead: not during the batch");
}

#[test]
fn targets_when_longer_than_a_text_then_document_and_routes_refuse_them() {
    let desk = Desk::with_tokens();
    let document: Value = serde_json::from_str(OPENAPI).expect("the document is JSON");
    let target = &document["components"]["schemas"]["Action"]["properties"]["target"]["properties"];
    for (key, schema) in target.as_object().expect("targets") {
        let text = match key.as_str() {
            "switch_port" => &schema["properties"]["switch"],
            _ => schema,
        };
        assert_eq!(text["maxLength"], json!(TEXT_LIMIT_CHARS), "{key}");
    }
    let mut asked = 0;
    for (key, name) in [("ip", "ip"), ("mac", "mac"), ("switch_port", "switch")] {
        for (chars, expect) in [(TEXT_LIMIT_CHARS, 202), (TEXT_LIMIT_CHARS + 1, 422)] {
            asked += 1;
            // Characters, and not bytes.
            let text = "ß".repeat(chars);
            let target = match key {
                "switch_port" => json!({"switch": text, "port": 1}),
                _ => json!(text),
            };
            let mut action = deny(&format!("c-{asked}"));
            action["target"] = json!({key: target});
            let (status, body) = desk.post("/v1/actions", "soar-soar-soar-soar", &action);
            assert_eq!(status, expect, "{key}: {body}");
            if expect == 422 {
                let why = format!("'{name}' is longer than {TEXT_LIMIT_CHARS} characters");
                assert_eq!(body["detail"], why);
            }
        }
    }
    assert_eq!(desk.end().len(), 3);
}

#[test]
fn actions_when_a_session_has_had_all_it_takes_then_there_is_no_room() {
    let desk = Desk::open(Access::open(), true);
    let (caller, runtime) = desk.inside();
    let shared = &desk.api.shared;
    let ask = |id: usize| {
        let asked = routes::ask_for(shared, &caller, deny(&id.to_string()));
        runtime.block_on(asked)
    };
    for id in 0..routes::ACTIONS_MAX {
        ask(id).expect("there is room");
    }
    let refusal = ask(routes::ACTIONS_MAX).expect_err("there is none");
    assert_eq!(refusal.body()["status"], 507, "as for alerts");
}

#[test]
fn actions_when_asked_for_after_the_last_are_withdrawn_then_the_session_is_over() {
    for people_approve in [true, false] {
        let access = Access::parse(TOKENS).expect("a proper file");
        let desk = Desk::open(access, people_approve);
        let soar = "soar-soar-soar-soar";
        assert_eq!(desk.post("/v1/actions", soar, &deny("before")).0, 202);
        let withdrawn = desk.api.withdraw();
        assert_eq!(withdrawn.len(), usize::from(people_approve));
        let (status, body) = desk.post("/v1/actions", soar, &deny("after"));
        assert_eq!(status, 410, "nobody would write it down: {body}");
        assert_eq!(desk.get("/v1/actions/after", soar).0, 404);
        assert_eq!(desk.end().len(), usize::from(!people_approve));
    }
}

#[test]
fn session_when_asked_about_then_status_control_and_plant_conform() {
    let desk = Desk::with_tokens();
    let lead = "lead-lead-lead-lead";
    let (_, plant) = desk.get("/v1/plant", lead);
    conforms("Plant", &plant);
    assert!(plant.get("interval_ns").is_none(), "{plant}");
    let (_, status) = desk.get("/v1/status", lead);
    conforms("Status", &status);
    let (status, standing) = desk.post("/v1/control", lead, &json!({"command": "step 2"}));
    assert_eq!(status, 200);
    conforms("Standing", &standing);
    let (status, body) = desk.post("/v1/control", lead, &json!({"command": "stop"}));
    assert_eq!(status, 422, "{body}");
    let (status, lines) = desk.get("/v1/follow", lead);
    assert_eq!(status, 200);
    let lines = lines.as_str().unwrap_or_default();
    assert!(lines.contains("{\"type\":\"session\"}\n") && lines.contains("{\"type\":\"end\"}\n"));
    assert_eq!(desk.get("/v1/nothing", lead).0, 404);
    assert_eq!(desk.get("/v1/control", lead).0, 405);
    assert_eq!(desk.end(), ["Step(2000000000)"]);
}

#[test]
fn loopback_when_without_tokens_then_web_pages_are_turned_away() {
    let desk = Desk::open(Access::open(), false);
    let body = alert("a").to_string();
    assert_eq!(desk.ask("POST", "/v1/alerts", "", &body).0, 202);
    let origin = "Origin: http://evil.example\r\n";
    assert_eq!(desk.ask("POST", "/v1/alerts", origin, &body).0, 403);
    let head = "GET /v1/status HTTP/1.1\r\nConnection: close\r\nHost: ";
    for (host, status) in [
        ("evil.example", "403"),
        ("evil.example:8080", "403"),
        ("10.0.0.1", "403"),
        ("localhost:80", "200"),
        ("127.0.0.1", "200"),
        ("[::1]:8080", "200"),
        ("[::1]", "200"),
    ] {
        let answer = desk.raw(format!("{head}{host}\r\n\r\n").as_bytes());
        assert_eq!(answer.split(' ').nth(1), Some(status), "{host}");
    }
    assert_eq!(desk.end().len(), 1);
}

#[test]
fn session_when_it_is_over_then_requests_are_told_so() {
    let mut desk = Desk::open(Access::open(), false);
    let quit = Event::Command(Ok(Command::Quit));
    desk.events.send(quit).expect("the loop goes on");
    let answering = desk.answering.take().expect("once");
    answering.join().expect("the loop does not panic");
    assert_eq!(
        desk.ask("POST", "/v1/alerts", "", &alert("a").to_string())
            .0,
        410
    );
}

#[test]
fn clients_when_they_send_drop_by_drop_then_they_are_given_up() {
    let desk = Desk::patient(Access::open(), false, Duration::from_millis(30));
    let host = desk.api.address();
    // Each of these waits until it is closed: without a limit this test would not end. On a busy machine even a head that
    // is whole can come too late.
    let given_up = |bytes: &[u8]| {
        let answer = desk.raw(bytes);
        assert!(
            answer.is_empty() || answer.starts_with("HTTP/1.1 408"),
            "{answer}"
        );
    };
    given_up(b"");
    given_up(format!("GET /v1/status HTTP/1.1\r\nHost: {host}\r\n").as_bytes());
    for kind in ["json", "x-ndjson"] {
        let head = format!(
            "POST /v1/alerts HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/{kind}\r\nContent-Length: 99\r\n\r\n{{"
        );
        given_up(head.as_bytes());
    }
    assert_eq!(desk.end(), Vec::<Value>::new());
}

#[test]
fn places_when_all_are_taken_then_the_next_is_closed_and_the_plant_goes_on() {
    let desk = Desk::open(Access::open(), false);
    let idle: Vec<TcpStream> = (0..serve::CONNECTIONS_MAX)
        .map(|_| TcpStream::connect(desk.api.address()).expect("it listens"))
        .collect();
    // Who was accepted first is served first: when a request of the last is answered, all have their places.
    let mut last = idle.last().expect("some");
    let head = format!(
        "GET /v1/status HTTP/1.1\r\nHost: {}\r\n\r\n",
        desk.api.address()
    );
    last.write_all(head.as_bytes()).expect("it is served");
    let mut byte = [0];
    last.read_exact(&mut byte).expect("an answer");
    assert_eq!(desk.raw(head.as_bytes()), "");
    drop(idle);
    assert_eq!(desk.end(), Vec::<Value>::new());
}

#[test]
fn streams_when_one_token_has_all_it_may_have_then_others_find_theirs() {
    let desk = Desk::with_tokens();
    let (siem, lead) = ("siem-siem-siem-siem", "lead-lead-lead-lead");
    let mut streams: Vec<_> = (0..STREAMS_EACH).map(|_| desk.listen(siem)).collect();
    assert!(streams.iter().all(|(status, _)| *status == 200));
    let (status, mut refusal) = desk.listen(siem);
    assert_eq!(status, 503);
    let mut text = String::new();
    refusal.read_to_string(&mut text).expect("text");
    let body = text.split_once("\r\n\r\n").map_or("", |(_, body)| body);
    let body = serde_json::from_str(body).expect("JSON");
    conforms("Problem", &body);
    assert_eq!(
        body["detail"],
        "`siem` has too many streams and WebSockets already: at most 16 at one time"
    );
    let headers = format!("Authorization: Bearer {siem}\r\nContent-Type: application/x-ndjson\r\n");
    let (status, _) = desk.ask("POST", "/v1/alerts", &headers, &alert("a").to_string());
    assert_eq!(status, 503, "lines of alerts are a stream as well");
    assert_eq!(desk.post("/v1/alerts", siem, &alert("b")).0, 202);
    assert_eq!(desk.get("/v1/follow", lead).0, 200);
    // Who goes away leaves the place.
    streams.pop();
    while desk.listen(siem).0 != 200 {
        thread::sleep(Duration::from_millis(10));
    }
    drop(streams);
    assert_eq!(desk.end().len(), 1);
}

#[test]
fn streams_when_there_are_too_many_then_short_requests_still_find_a_place() {
    let desk = Desk::open(Access::open(), false);
    let streams: Vec<_> = (0..serve::STREAMS_MAX).map(|_| desk.listen("")).collect();
    assert!(streams.iter().all(|(status, _)| *status == 200));
    assert_eq!(desk.listen("").0, 503);
    let (status, body) = desk.ask("GET", "/v1/follow", "", "");
    assert_eq!(status, 503);
    assert_eq!(body["detail"], "there are too many streams already");
    let pause = json!({"command": "pause"}).to_string();
    assert_eq!(desk.ask("POST", "/v1/control", "", &pause).0, 200);
    drop(streams);
    assert_eq!(desk.end(), ["Pause"]);
}

#[test]
fn messages_of_a_conversation_when_they_are_wrong_then_they_count_as_well() {
    let desk = Desk::open(Access::open(), false);
    let (caller, runtime) = desk.inside();
    let wrong = json!({"actions": vec![deny("c"); 17]}).to_string();
    for said in ["no JSON", &wrong] {
        let heard = (0..2_000).map(|_| {
            let told = stream::hear(&desk.api.shared, &caller, said.as_bytes());
            let told = runtime.block_on(told);
            assert_eq!(told.len(), 1);
            told[0].text.contains("\"status\":429")
        });
        let too_often = heard.filter(|&is_too_often| is_too_often).count();
        assert!(too_often > 0, "{said}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn bodies_when_arbitrary_then_each_is_answered(
        bytes in proptest::collection::vec(any::<u8>(), 0..200),
        text in "[\\[\\]{}\",:a-z0-9_ ]{0,80}",
    ) {
        let desk = Desk::open(Access::open(), true);
        for (path, method, _, _) in routes::table() {
            if method != "post" { continue }
            let path = path.replace("{command_id}", "c");
            let (status, _) = desk.ask("POST", &path, "", &text);
            prop_assert!((200..500).contains(&status), "{path} {status} {text}");
            let host = desk.api.address();
            let length = bytes.len();
            let mut request = format!(
                "POST {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n"
            ).into_bytes();
            request.extend_from_slice(&bytes);
            let answer = desk.raw(&request);
            prop_assert!(answer.starts_with("HTTP/1.1 "), "{answer}");
        }
        desk.raw(&bytes);
        let (status, _) = desk.ask("GET", "/v1/status", "", "");
        prop_assert_eq!(status, 200);
        desk.end();
    }
}
