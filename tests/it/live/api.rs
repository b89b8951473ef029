//! The defense API of a live session, with real clients.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};

use super::{Plant, SPARE};
use crate::support::{files, json_lines, manifest, read_json, scratch, words};

/// The API of a session.
struct Api {
    address: SocketAddr,
    token: &'static str,
}

impl Api {
    fn of(plant: &Plant, token: &'static str) -> Self {
        let address = plant.api.expect("the session has an API");
        Self { address, token }
    }

    /// Sends a request and gives the stream that the answer comes from, behind its head, and the status.
    fn begin(
        &self,
        method: &str,
        path: &str,
        kind: &str,
        body: &str,
    ) -> (u16, BufReader<TcpStream>) {
        let mut stream = TcpStream::connect(self.address).expect("it listens");
        let (host, token, length) = (self.address, self.token, body.len());
        let head = format!(
            "{method} {path} HTTP/1.0\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\nContent-Type: {kind}\r\n\
             Content-Length: {length}\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).expect("it is taken");
        // Whoever is refused early is no longer listened to.
        let _ = stream.write_all(body.as_bytes());
        let mut stream = BufReader::new(stream);
        let mut status = 0;
        loop {
            let mut line = String::new();
            stream.read_line(&mut line).expect("a head");
            if status == 0 {
                let word = line.split(' ').nth(1);
                status = word.and_then(|word| word.parse().ok()).expect("a status");
            }
            if line.trim().is_empty() {
                return (status, stream);
            }
        }
    }

    fn ask(&self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        let (status, mut stream) = self.begin(method, path, "application/json", &body.to_string());
        let mut text = String::new();
        stream.read_to_string(&mut text).expect("text");
        let value = serde_json::from_str(&text).unwrap_or(Value::String(text));
        (status, value)
    }

    fn post(&self, path: &str, body: &Value) -> Value {
        let (status, value) = self.ask("POST", path, body);
        assert!((200..300).contains(&status), "{path}: {status} {value}");
        value
    }

    fn get(&self, path: &str) -> Value {
        let (status, value) = self.ask("GET", path, &json!(null));
        assert_eq!(status, 200, "{path}: {value}");
        value
    }

    /// Lets time pass as fast as the machine can. Returns where it is then, ns.
    fn step(&self, seconds: u64) -> u64 {
        let standing = self.post(
            "/v1/control",
            &json!({"command": format!("step {seconds}")}),
        );
        standing["t_ns"]
            .as_u64()
            .unwrap_or_else(|| panic!("{standing}"))
    }

    fn quit(&self) {
        self.post("/v1/control", &json!({"command": "quit"}));
    }
}

const TOKENS: &str = r#"(tokens: [
    (name: "soc", token: "soc-soc-soc-soc-soc", roles: [observe, alert, act]),
    (name: "lead", token: "lead-lead-lead-lead", roles: [observe, approve, control, truth]),
])"#;

#[test]
fn api_when_a_tool_alerts_and_acts_then_both_are_scored_and_replayed() {
    let folder = scratch();
    std::fs::write(folder.path().join("tokens.ron"), TOKENS).expect("a file");
    let mut plant = Plant::start(
        folder.path(),
        "bottling/overflow --control --paused --api 127.0.0.1:0 --tokens tokens.ron --approve --out run",
    );
    let soc = Api::of(&plant, "soc-soc-soc-soc-soc");
    let lead = Api::of(&plant, "lead-lead-lead-lead");
    let plan = lead.get("/v1/plant");
    assert_eq!(plan["approval"], "people");
    assert!(plan.get("seed").is_none() && !plan.to_string().contains("playbook"));
    // Into the attack: its first step is over by then.
    let now_ns = lead.step(3_000);
    let steps = lead.post("/v1/control", &json!({"command": "pause"}));
    assert_eq!(steps["t_ns"], now_ns);
    let alert = json!({
        "sig_id": "setpoint", "severity": 8, "techniques": ["T0836"], "dst": {"asset": "plc-filler"},
    });
    let taken = soc.post("/v1/alerts", &alert);
    assert_eq!(taken["t_received_ns"], now_ns);
    let contain = |id: &str, host: &str| json!({"command_id": id, "action": "contain", "target": {"host": host}, "args": {"duration_s": 300}});
    for (id, host) in [
        ("a", "hmi-1"),
        ("b", "no-such-host"),
        ("c", "hmi-1"),
        ("d", "hmi-1"),
    ] {
        assert_eq!(
            soc.post("/v1/actions", &contain(id, host))["status"],
            "pending"
        );
    }
    assert_eq!(soc.ask("POST", "/v1/actions/a/approve", &json!({})).0, 403);
    let done = lead.post("/v1/actions/a/approve", &json!({}));
    assert_eq!(done["status"], "accepted", "{done}");
    let done = lead.post("/v1/actions/b/approve", &json!({}));
    assert_eq!(
        done["status"], "refused",
        "the plant has no such host: {done}"
    );
    let done = lead.post("/v1/actions/c/refuse", &json!({"reason": "not now"}));
    assert_eq!(done["result"]["reason"], "refused by lead: not now");
    lead.step(600);
    lead.quit();
    plant.end();
    let run = folder.path().join("run");
    let outcomes: Vec<(String, String)> = json_lines(&run.join("defense/actions.jsonl"))
        .into_iter()
        .map(|line| {
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            (
                text(&line["action"]["command_id"]),
                text(&line["result"]["reason"]),
            )
        })
        .collect();
    let of = |at: usize| (outcomes[at].0.as_str(), outcomes[at].1.as_str());
    assert_eq!(of(0), ("a", ""));
    assert_eq!(of(1).0, "b");
    assert_eq!(of(2), ("c", "refused by lead: not now"));
    assert_eq!(of(3), ("d", "nobody approved it"));
    let replayed = words(folder.path(), "replay run").expect_code(0);
    assert!(
        replayed.stdout.starts_with("the same: 3600 seconds"),
        "{replayed:?}"
    );
    words(folder.path(), "score run --quick").expect_code(0);
    let score = read_json(&run.join("score/score.json"));
    assert_eq!(
        score["header"]["tool"]["name"], "soc",
        "{}",
        score["header"]
    );
    assert_eq!(score["detection"]["alerts"], 1);
    // The alert belongs to both steps that go on at its time.
    assert_eq!(score["detection"]["steps_detected"], 2);
    let says = score["caveats"].to_string();
    assert!(says.contains("over the defense API"), "{says}");
}

#[test]
fn api_when_somebody_listens_then_he_sees_what_the_folder_has() {
    let folder = scratch();
    let mut plant = Plant::start(
        folder.path(),
        "bottling/calm --control --paused --api 127.0.0.1:0 --out run",
    );
    let api = Api::of(&plant, "");
    let url = format!("ws://{}/v1/socket?topics=frames,alerts", api.address);
    let (mut socket, _) = tungstenite::connect(url).expect("a WebSocket");
    let (status, mut events) = api.begin("GET", "/v1/events?topics=tags", "text/plain", "");
    assert_eq!(status, 200);
    api.step(8);
    let alert = json!({"alerts": [{"sig_id": "over the socket"}, {"sig_id": "both"}]});
    let send = |socket: &mut tungstenite::WebSocket<_>, value: &Value| {
        socket
            .send(tungstenite::Message::text(value.to_string()))
            .expect("it is taken");
    };
    send(&mut socket, &alert);
    send(&mut socket, &json!({"alerts": [{"severity": 3}]}));
    let mut frames = Vec::new();
    let mut kinds = Vec::new();
    while kinds.len() < 4 {
        let message = socket.read().expect("the session goes on");
        let told: Value = serde_json::from_str(message.to_text().expect("text")).expect("JSON");
        match told["type"].as_str().expect("a type") {
            "frame" => frames.push(told),
            kind => kinds.push(kind.to_owned()),
        }
    }
    kinds.sort();
    assert_eq!(kinds, ["alert", "alert", "refused", "taken"]);
    let mut line = String::new();
    while !line.starts_with("data: ") {
        line.clear();
        assert_ne!(events.read_line(&mut line).expect("text"), 0, "it goes on");
    }
    let tag: Value = serde_json::from_str(&line["data: ".len()..]).expect("JSON");
    assert_eq!(tag["type"], "tag");
    api.quit();
    plant.end();
    // Both ends are told.
    while let Ok(message) = socket.read() {
        assert!(message.is_text() || message.is_close(), "{message}");
    }
    let manifest = manifest(&folder.path().join("run"));
    let count = manifest["counts"]["frames"]["cell"]
        .as_u64()
        .expect("a count");
    assert!(count > 100, "{count}");
    assert_eq!(
        frames.len() as u64,
        count,
        "each frame of the capture was told"
    );
    let numbers: Vec<u64> = frames
        .iter()
        .filter_map(|frame| frame["n"].as_u64())
        .collect();
    assert_eq!(numbers, (1..=count).collect::<Vec<u64>>());
}

/// Thousands of alerts, wrong and right, and readers that do not read: the plant's time and all that happens in it stay as
/// they were.
#[test]
fn api_when_flooded_then_the_run_is_the_one_without() {
    let folder = scratch();
    let mut plant = Plant::start(
        folder.path(),
        "bottling/calm --for 90s --speed 20 --api 127.0.0.1:0 --out live",
    );
    let deaf: Vec<_> = (0..8)
        .map(|_| {
            Api::of(&plant, "").begin("GET", "/v1/events?topics=frames,tags", "text/plain", "")
        })
        .collect();
    let alerts = json!(vec![
        json!({"sig_id": "flood", "raw": "x".repeat(400)});
        1_000
    ]);
    let batch = alerts.to_string();
    let address = Api::of(&plant, "").address;
    let is_over = Arc::new(AtomicBool::new(false));
    let floods: Vec<_> = (0..4)
        .map(|at| {
            let batch = if at % 2 == 0 {
                batch.clone()
            } else {
                batch[1..].to_owned()
            };
            let is_over = Arc::clone(&is_over);
            std::thread::spawn(move || {
                let api = Api { address, token: "" };
                let mut taken = 0_u32;
                while !is_over.load(Ordering::SeqCst) {
                    // Nobody is let in any more when the session is over.
                    let asked = std::panic::catch_unwind(|| {
                        api.begin("POST", "/v1/alerts", "application/json", &batch)
                            .0
                    });
                    taken += u32::from(matches!(asked, Ok(202)));
                }
                taken
            })
        })
        .collect();
    let last = plant.end();
    is_over.store(true, Ordering::SeqCst);
    assert_eq!(last["simulated_ns"], 90_000_000_000_u64, "{last}");
    assert_eq!(last["inputs"], 0, "alerts are no inputs");
    drop(deaf);
    let taken: u32 = floods
        .into_iter()
        .map(|flood| flood.join().expect("a count"))
        .sum();
    assert!(taken > 0);
    words(folder.path(), "run bottling/calm --duration 90s --out run").expect_code(0);
    let digest = |run: &str| manifest(&folder.path().join(run))["trace_digest"].clone();
    assert_eq!(digest("live"), digest("run"));
    let written = folder.path().join("live/defense/alerts.jsonl");
    let written = std::fs::read_to_string(written).expect("alerts");
    let lines = u32::try_from(written.lines().count()).expect("few");
    assert!(lines >= taken * 1_000, "{lines} for {taken} batches");
}

#[test]
fn api_when_followed_then_the_session_and_its_inputs_are_told() {
    let folder = scratch();
    let mut plant = Plant::start(
        folder.path(),
        "bottling/calm --control --paused --api 127.0.0.1:0 --seed 9 --out run",
    );
    let api = Api::of(&plant, "");
    api.step(2);
    let mut client = plant.connect("plc-packaging");
    api.post("/v1/control", &json!({"command": "go"}));
    client.write_register(SPARE, 5);
    let (status, follower) = api.begin("GET", "/v1/follow", "text/plain", "");
    assert_eq!(status, 200);
    client.write_register(SPARE, 6);
    drop(client);
    api.quit();
    plant.end();
    let lines: Vec<Value> = follower
        .lines()
        .map_while(Result::ok)
        .map(|line| serde_json::from_str(&line).expect("JSON"))
        .collect();
    assert_eq!(lines[0]["type"], "session");
    assert_eq!(lines[0]["seed"], 9);
    assert_eq!(lines[0]["scenario"]["name"], "calm");
    assert_eq!(lines.last().map(|line| &line["type"]), Some(&json!("end")));
    let told: Vec<Value> = lines
        .iter()
        .filter(|line| line["type"] == "input")
        .map(|line| {
            let mut line = line.clone();
            line.as_object_mut().expect("an object").remove("type");
            line
        })
        .collect();
    let record = json_lines(&folder.path().join("run/inputs.jsonl"));
    assert!(told.len() > 5, "{}", told.len());
    assert_eq!(told, record);
    let times: Vec<u64> = lines
        .iter()
        .filter_map(|line| line["t_ns"].as_u64())
        .collect();
    assert!(
        times.is_sorted(),
        "inputs come before the time that they belong to is over"
    );
}

#[test]
fn api_when_it_cannot_be_opened_then_says_why() {
    let folder = scratch();
    words(folder.path(), "run bottling/calm --duration 5s --out run").expect_code(0);
    let before = files(&folder.path().join("run"));
    let refused = |args: &str, says: &[&str]| {
        words(
            folder.path(),
            &format!("live bottling/calm --for 1s --out run {args}"),
        )
        .expect_code(2)
        .expect_says(says);
    };
    refused(
        "--api 0.0.0.0:0",
        &["TR0604", "no loopback address", "--tokens"],
    );
    let wrong = "(tokens: [\n  (name: \"a\", token: \"short\", roles: [alert]),\n])";
    std::fs::write(folder.path().join("tokens.ron"), wrong).expect("a file");
    refused(
        "--api 127.0.0.1:0 --tokens tokens.ron",
        &["TR0604", "tokens.ron", "at least 16"],
    );
    std::fs::write(folder.path().join("tokens.ron"), "(tokens: [\n  (nam: 1)])").expect("a file");
    refused(
        "--api 127.0.0.1:0 --tokens tokens.ron",
        &["TR0604", "tokens.ron:2:"],
    );
    refused(
        "--api 127.0.0.1:0 --tokens nowhere.ron",
        &["TR0108", "nowhere.ron"],
    );
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let taken = taken.local_addr().expect("an address");
    refused(&format!("--api {taken}"), &["TR0604", &taken.to_string()]);
    let after = files(&folder.path().join("run"));
    assert_eq!(before, after, "an older run stays when no new one begins");
}
