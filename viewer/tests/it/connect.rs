//! Sessions that are followed, against one that was run here.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::Path;
use std::thread::{self, JoinHandle};

use serde_json::{Value, json};
use sim_kernel::input::Origin;
use sim_kernel::time::{SimDuration, SimTime};
use sim_plant::observe::Keep;
use sim_plant::respond::{Action, ActionArgs, HostTarget, Input};
use twinrange_range::manifest::{RunOptions, ScenarioRecord};
use twinrange_range::run_folder::RunHeader;
use twinrange_range::session::{Session, SessionOptions};
use twinrange_viewer::connect::connect;
use twinrange_viewer::live::{Simulation, take};
use twinrange_viewer::model::story::MarkKind;
use twinrange_viewer::open::open_scenario;

use crate::tank_farm;

const SEED: u64 = 5;

/// Answers one request with a status and lines, and gives the request.
fn answer(status: &'static str, lines: Vec<String>) -> (String, JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("an address").to_string();
    let serving = thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a client");
        let mut request = Vec::new();
        let mut byte = [0];
        while !request.ends_with(b"\r\n\r\n") && stream.read(&mut byte).is_ok_and(|n| n == 1) {
            request.push(byte[0]);
        }
        let head = format!("HTTP/1.1 {status}\r\nConnection: close\r\n\r\n");
        let body = lines.join("\n");
        stream
            .write_all((head + &body + "\n").as_bytes())
            .expect("it is read");
        String::from_utf8(request).expect("text")
    });
    (address, serving)
}

/// A session of two minutes in which somebody contains a host, as it is told; and its physical truth at the end.
fn told(scenario: &Path) -> (Vec<String>, Vec<f64>) {
    let (loaded, prepared) = open_scenario(scenario).expect("a scenario");
    let duration = SimDuration::from_secs(120);
    let options = SessionOptions {
        seed: SEED,
        attack: false,
        duration,
        keep: Keep::TRUTH,
    };
    let mut session = Session::new(&loaded.scenario, &prepared, options).expect("a plant");
    let header = RunHeader {
        scenario: ScenarioRecord::of(&loaded),
        seed: SEED,
        options: RunOptions {
            attack: false,
            duration_ns: duration.as_nanos(),
            defense: None,
            outside: None,
            inline: None,
        },
    };
    let mut first = json!(header);
    first["type"] = json!("session");
    first["range_version"] = json!(env!("CARGO_PKG_VERSION"));
    let host = prepared.plant.hosts[0].name.clone();
    session.advance(SimTime::from_secs(20));
    let action = Action::Contain {
        target: HostTarget { host },
        args: ActionArgs { duration_s: 60 },
    };
    let handed_in = session.hand_in(Origin::Defense, Input::Action(action));
    handed_in.expect("the plant has the host");
    let mut input = json!(session.inputs().records()[0]);
    input["type"] = json!("input");
    session.advance(SimTime::ZERO + duration);
    let last = session
        .observations()
        .truth
        .last()
        .expect("rows")
        .values
        .clone();
    let at = |kind: &str, s: u64| json!({"type": kind, "t_ns": s * 1_000_000_000}).to_string();
    let alert = json!({"type": "alert", "t_ns": 30_000_000_000_u64, "sig_id": "seen"});
    let lines = vec![
        first.to_string(),
        at("time", 20),
        input.to_string(),
        at("time", 25),
        alert.to_string(),
        json!({"type": "of a later range"}).to_string(),
        at("time", 90),
        at("end", 120),
    ];
    (lines, last)
}

#[test]
fn session_when_followed_then_it_is_the_same_to_the_bit() {
    let folder = tempfile::tempdir().expect("a folder");
    let scenario = tank_farm::write(10, folder.path());
    let (lines, truth) = told(&scenario);
    let (address, serving) = answer("200 OK", lines);
    let mut run = connect(&address, Some("a-token-a-token-a-token")).expect("a session");
    while let Some(update) = run.simulation.as_ref().and_then(Simulation::wait) {
        take(&mut run.side, update);
    }
    let request = serving.join().expect("it was asked");
    assert!(request.starts_with("GET /v1/follow "), "{request}");
    assert!(
        request.contains("Bearer a-token-a-token-a-token"),
        "{request}"
    );
    assert_eq!((run.seed, run.side.store.end_ns), (SEED, 120_000_000_000));
    let process = &run.side.store.process;
    let shown: Vec<u64> = (0..process.columns().len())
        .map(|column| process.values(column).last().expect("rows").to_bits())
        .collect();
    let expected: Vec<u64> = truth.iter().map(|value| value.to_bits()).collect();
    assert_eq!(shown, expected);
    let alerts: Vec<_> = run
        .side
        .story
        .marks
        .iter()
        .filter(|mark| mark.kind == MarkKind::Alert)
        .map(|mark| (mark.from_ns, mark.text.as_str()))
        .collect();
    assert_eq!(alerts, [(30_000_000_000, "seen")]);
}

#[test]
fn session_when_it_cannot_be_followed_then_says_why() {
    let refused = |status: &'static str, line: Value| {
        let (address, serving) = answer(status, vec![line.to_string()]);
        let problems = connect(&address, None)
            .err()
            .expect("a refusal")
            .to_string();
        serving.join().expect("it was asked");
        assert!(problems.contains("TR0406"), "{problems}");
        problems
    };
    let detail = json!({"detail": "this token has not the role `truth`"});
    assert!(refused("403 Forbidden", detail).contains("role `truth`"));
    assert!(refused("502 Bad Gateway", json!("?")).contains("502"));
    let other = json!({"type": "session", "range_version": "99.0.0"});
    assert!(refused("200 OK", other).contains("this build"));
    assert!(refused("200 OK", json!({"type": "time"})).contains("this build"));
    let nobody = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = nobody.local_addr().expect("an address").to_string();
    drop(nobody);
    let problems = connect(&address, None).err().expect("nobody is there");
    assert!(problems.to_string().contains(&address), "{problems}");
}
