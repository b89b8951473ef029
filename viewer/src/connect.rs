//! A live session that is followed from elsewhere.
//!
//! The session tells scenario, seed and every input with its time (`GET /v1/follow` of its defense API), and the viewer
//! runs it again beside it: what is shown is the same plant to the bit, and the wire carries only what came from outside.

use std::io::{BufRead, BufReader, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::time::Duration;

use serde_json::Value;
use sim_kernel::InputRecord;
use sim_kernel::time::{SimDuration, SimTime};
use sim_plant::observe::Keep;
use sim_plant::respond::Input;
use twinrange_range::formats::{Standard, prepare};
use twinrange_range::problem::{Problem, Problems};
use twinrange_range::run_folder::RunHeader;
use twinrange_range::scenario::from_bundle;
use twinrange_range::session::{Session, SessionOptions, Setting};

use crate::live::{Hosts, STEP, Simulation, Update, begun, hand_over};
use crate::open::OpenRun;

/// How long a session may take to accept a connection, and to answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// Most of a refusal that is read, bytes.
const REFUSAL_BYTES_MAX: u64 = 64 << 10;

/// Begins to follow a session.
///
/// # Arguments
///
/// * `address` — of its defense API: `http://127.0.0.1:8080`, or without the scheme.
/// * `token` — of a holder with the role `truth`; not needed where the API has no tokens.
///
/// # Errors
///
/// `TR0406` if nobody answers there, the token is not good enough, or what is told is no session of this build.
pub fn connect(address: &str, token: Option<&str>) -> Result<OpenRun, Problems> {
    let mut lines = ask(address, token)?.lines();
    let first = lines.next().transpose();
    let first = first.map_err(|error| cannot(address, &error.to_string()))?;
    let header = first.and_then(|line| header(&line));
    let header =
        header.ok_or_else(|| cannot(address, "it does not begin like a session of this build"))?;
    let loaded = from_bundle(&header.scenario.bundle, &Standard::new(|_| Problems::new()))?;
    let prepared = prepare(&loaded)?;
    let attack = header.options.attack;
    let options = SessionOptions {
        seed: header.seed,
        attack,
        duration: SimDuration::from_nanos(header.options.duration_ns),
        keep: Keep {
            digests: false,
            ..Keep::ALL
        },
    };
    let outside = header.options.outside.clone();
    let setting = Setting {
        outside: outside.as_ref(),
        ..Setting::default()
    };
    let title = format!("live at {address}");
    let (mut side, hosts) = begun(&loaded, &prepared, options, &setting, title)?;
    side.story.duration_ns = header.options.duration_ns;
    side.story.defense.clone_from(&header.options.defense);
    let (tell, updates) = channel();
    let stop = Arc::new(AtomicBool::new(false));
    let (own, of_thread, stopped) = (loaded.clone(), prepared.clone(), Arc::clone(&stop));
    std::thread::spawn(move || {
        let setting = Setting {
            outside: outside.as_ref(),
            ..Setting::default()
        };
        let session = Session::set_up(&own.scenario, &of_thread, options, &setting)
            .expect("the same plant was built a moment ago");
        let mut follower = Follower {
            session,
            prepared: &of_thread,
            hosts,
            tell,
            told: Update::default(),
        };
        for line in lines {
            if stopped.load(Ordering::SeqCst) {
                return;
            }
            let heard = line.map_err(|error| error.to_string());
            match heard.and_then(|line| follower.hear(&line)) {
                Ok(false) => {}
                Ok(true) => {
                    eprintln!("note: the session has ended; what was seen of it stays");
                    return;
                }
                Err(why) => {
                    eprintln!("note: the session is not followed any more: {why}");
                    return;
                }
            }
        }
        eprintln!("note: the session is not followed any more: the connection was closed");
    });
    Ok(OpenRun {
        seed: header.seed,
        simulated_ns: header.options.duration_ns,
        attacked: attack && prepared.playbook.is_some(),
        side,
        simulation: Some(Simulation::new(updates, stop)),
        loaded,
        prepared,
    })
}

/// Asks for the session, and gives what comes.
fn ask(
    address: &str,
    token: Option<&str>,
) -> Result<BufReader<impl Read + Send + use<>>, Problems> {
    let base = address.trim_end_matches('/');
    let scheme = if base.contains("://") { "" } else { "http://" };
    let config = ureq::Agent::config_builder()
        .timeout_connect(Some(PATIENCE))
        .timeout_recv_response(Some(PATIENCE))
        // A token of this role is for nobody between here and there.
        .proxy(None)
        .http_status_as_error(false)
        .build();
    let mut request = config.new_agent().get(format!("{scheme}{base}/v1/follow"));
    if let Some(token) = token {
        request = request.header("Authorization", format!("Bearer {token}"));
    }
    let answer = request
        .call()
        .map_err(|error| cannot(address, &error.to_string()))?;
    let status = answer.status();
    let mut body = answer.into_body().into_reader();
    if status.is_success() {
        return Ok(BufReader::new(body));
    }
    let mut text = String::new();
    // What cannot be read is not shown; the status is.
    let _ = body
        .by_ref()
        .take(REFUSAL_BYTES_MAX)
        .read_to_string(&mut text);
    let refusal: Option<Value> = serde_json::from_str(&text).ok();
    let detail = refusal.and_then(|refusal| refusal["detail"].as_str().map(str::to_owned));
    Err(cannot(
        address,
        &detail.unwrap_or_else(|| format!("it answers {status}")),
    ))
}

fn cannot(address: &str, why: &str) -> Problems {
    let message = format!("the session at {address} cannot be followed: {why}");
    Problem::new("TR0406", message)
        .hint("start it with `twinrange live SCENARIO --api 127.0.0.1:8080`; where it has tokens, `--token-file` needs one with the role `truth`")
        .into()
}

/// What the session is, if it is one of this build.
fn header(line: &str) -> Option<RunHeader> {
    let session: Value = serde_json::from_str(line).ok()?;
    let is_ours =
        session["type"] == "session" && session["range_version"] == env!("CARGO_PKG_VERSION");
    is_ours
        .then(|| serde_json::from_value(session).ok())
        .flatten()
}

/// A session that is run again, line by line.
struct Follower<'a> {
    session: Session<'a>,
    prepared: &'a twinrange_range::formats::Prepared,
    hosts: Hosts,
    tell: Sender<Update>,
    /// Alerts and actions since the last hand-over.
    told: Update,
}

impl Follower<'_> {
    /// Takes a line, and says whether it was the last.
    ///
    /// # Errors
    ///
    /// Why it cannot be taken.
    fn hear(&mut self, line: &str) -> Result<bool, String> {
        let mut line: Value = serde_json::from_str(line).map_err(|error| error.to_string())?;
        let kind = line
            .as_object_mut()
            .and_then(|fields| fields.remove("type"));
        match kind.as_ref().and_then(Value::as_str) {
            Some("input") => {
                let record: InputRecord<Input> =
                    serde_json::from_value(line).map_err(|error| error.to_string())?;
                self.advance(record.time)?;
                let handed_in = self.session.hand_in(record.origin, record.input);
                handed_in.map_err(|error| format!("an input does not fit: {error}"))?;
            }
            Some(word @ ("time" | "end")) => {
                let t_ns = line["t_ns"].as_u64().ok_or("a time has no `t_ns`")?;
                self.advance(SimTime::from_nanos(t_ns))?;
                self.hand_over()?;
                return Ok(word == "end");
            }
            Some("alert") => self.told.alerts.push(line),
            Some("action") => self.told.actions.push(line),
            // Later sessions may tell more.
            _ => {}
        }
        Ok(false)
    }

    /// Goes on to a time, and shows what is seen on a long way.
    fn advance(&mut self, until: SimTime) -> Result<(), String> {
        while self.session.now() + STEP < until {
            self.session.advance(self.session.now() + STEP);
            self.hand_over()?;
        }
        if until > self.session.now() {
            self.session.advance(until);
        }
        Ok(())
    }

    fn hand_over(&mut self) -> Result<(), String> {
        let mut update = hand_over(&mut self.session, self.prepared, &self.hosts);
        update.alerts = std::mem::take(&mut self.told.alerts);
        update.actions = std::mem::take(&mut self.told.actions);
        let told = self.tell.send(update);
        told.map_err(|_| "nobody looks any more".to_owned())
    }
}
