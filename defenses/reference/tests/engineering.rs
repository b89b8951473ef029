//! The reference defense against engineering sessions: who loads, commands and forces controllers.

mod common;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use common::{ip, mac, segment};
use serde_json::{Value, json};
use sim_wire::modbus::engineering::{
    Activation, Answer, Area, Command, Content, Force, Key, Mode, Reason, Restart, Status,
};
use sim_wire::modbus::{Request, Response};
use sim_wire::tcp::Flags;
use twinrange_reference::{Options, Session};

const SECOND_NS: u64 = 1_000_000_000;
const LEARN_S: u64 = 60;
const PLC: u8 = 11;
const EWS: u8 = 41;
const LAPTOP: u8 = 66;
const GOLDEN: [u8; 32] = [0xAA; 32];
const OTHER: [u8; 32] = [0xBB; 32];

fn golden() -> Status<'static> {
    Status {
        mode: Mode::Run,
        key: Key::Remote,
        in_session: false,
        is_changing: false,
        has_password: false,
        checks_firmware: false,
        forces: 0,
        scan_ms: 20,
        program_bytes: 9_000,
        program_digest: GOLDEN,
        faults: 0,
        last_fault: 0,
        last_fault_ms: 0,
        program: "Filler",
        firmware: "2.8.1",
    }
}

/// The cell: one exchange of the session after the other, one interval each.
struct Cell {
    session: Session,
    now_s: u64,
    n: u64,
    seq: u32,
    alerts: Vec<Value>,
    actions: Vec<Value>,
}

impl Cell {
    /// A cell in which the workstation has asked the controller for its status in the clean period.
    fn learned(respond: bool) -> Self {
        let mut session = Session::new(Options {
            learn_ns: None,
            respond,
            ..Options::default()
        });
        let asset = |name: &str, role: &str, host: u8| json!({"name": name, "role": role, "ip": ip(host).to_string(), "mac": mac(host).to_string()});
        let hello = json!({
            "type": "hello", "versions": [1], "learn_ns": LEARN_S * SECOND_NS,
            "assets": [asset("plc-filler", "plc", PLC), asset("ews-1", "ews", EWS),
                       asset("vendor-laptop", "laptop", LAPTOP)],
            "actions": ["deny", "contain", "restore"],
        });
        session.handle(&hello.to_string()).expect("a valid hello");
        let mut cell = Self {
            session,
            now_s: 0,
            n: 0,
            seq: 0,
            alerts: Vec::new(),
            actions: Vec::new(),
        };
        cell.status(EWS, golden());
        cell.now_s = LEARN_S;
        assert_eq!(cell.alerts, Vec::<Value>::new());
        cell
    }

    fn interval(&mut self, frames: &[Value], logs: &[Value]) {
        self.now_s += 1;
        let message = json!({
            "type": "interval", "seq": self.now_s, "from_ns": (self.now_s - 1) * SECOND_NS,
            "to_ns": self.now_s * SECOND_NS, "frames": frames, "frames_dropped": 0,
            "tags": [], "logs": logs, "action_results": [],
        });
        let answers = self.session.handle(&message.to_string());
        for line in answers.expect("a valid interval") {
            let answer: Value = serde_json::from_str(&line).expect("lines are JSON");
            let list = |key: &str| answer[key].as_array().cloned().unwrap_or_default();
            self.alerts.extend(list("alerts"));
            self.actions.extend(list("actions"));
        }
    }

    fn frame(&mut self, src: (u8, u16), dst: (u8, u16), payload: &[u8]) -> Value {
        self.seq += 1_000;
        let flags = Flags(Flags::PSH.0 | Flags::ACK.0);
        let frame = segment(mac(src.0), src, dst, flags, self.seq, payload);
        self.n += 1;
        json!({"span": "cell", "n": self.n, "t_ns": self.now_s * SECOND_NS + self.n, "len": frame.len(),
               "data": STANDARD.encode(frame)})
    }

    /// A command and what the controller says to it.
    fn ask(&mut self, client: u8, command: Command<'_>, answer: Answer<'_>) {
        let (mut message, mut request) = (Vec::new(), Vec::new());
        command.emit(1, &mut message);
        Request::Engineering(&message).emit_adu(1, 1, &mut request);
        let (mut message, mut response) = (Vec::new(), Vec::new());
        answer.emit(1, &mut message);
        Response::Engineering(&message).emit_adu(1, 1, &mut response);
        let there = self.frame((client, 49_152), (PLC, 502), &request);
        let back = self.frame((PLC, 502), (client, 49_152), &response);
        self.interval(&[there, back], &[]);
    }

    fn done(&mut self, client: u8, command: Command<'_>) {
        let operation = command.operation();
        self.ask(client, command, Answer::Done { operation });
    }

    fn status(&mut self, client: u8, status: Status<'_>) {
        self.ask(client, Command::Status, Answer::Status(status));
    }

    fn download(&mut self, client: u8, content: Content, digest: [u8; 32]) {
        let begin = Command::DownloadBegin {
            content,
            size: 200,
            digest,
        };
        self.done(client, begin);
        let block = Command::DownloadBlock {
            offset: 0,
            bytes: &[7; 200],
        };
        self.done(client, block);
        self.ask(client, Command::Verify, Answer::Verified { digest });
        let how = Activation::Online;
        self.done(client, Command::Activate { how });
    }

    fn log(&mut self, text: &str) {
        let line = format!(
            "<132>1 2026-01-05T06:20:00.000000Z ews-1 engineering - PROGRAM-CHECK - {text}"
        );
        let t_ns = self.now_s * SECOND_NS + 1;
        self.interval(&[], &[json!({"t_ns": t_ns, "line": line})]);
    }

    /// Rules and techniques of the alerts about sessions.
    fn found(&self) -> Vec<(&str, &str)> {
        let ours = |alert: &&Value| {
            let id = alert["sig_id"].as_str().unwrap_or_default();
            !id.starts_with("new-")
        };
        self.alerts
            .iter()
            .filter(ours)
            .map(|alert| {
                (
                    alert["sig_id"].as_str().expect("always there"),
                    alert["techniques"][0].as_str().unwrap_or(""),
                )
            })
            .collect()
    }

    fn notes(&self) -> Vec<&str> {
        self.alerts
            .iter()
            .filter_map(|alert| alert["raw"]["note"].as_str())
            .collect()
    }
}

#[test]
fn workstation_when_it_only_checks_then_nothing_is_found() {
    let mut cell = Cell::learned(false);
    for _ in 0..100 {
        cell.status(EWS, golden());
        cell.log("plc-filler program Filler digest aaaaaaaaaaaaaaaa mode RUN");
    }
    assert_eq!(cell.alerts, Vec::<Value>::new());
}

#[test]
fn program_when_loaded_by_a_known_host_then_found_once_whatever_shows_it_next() {
    let mut cell = Cell::learned(true);
    cell.ask(
        EWS,
        Command::UploadBegin,
        Answer::Upload {
            size: 200,
            digest: GOLDEN,
        },
    );
    cell.download(EWS, Content::Program, OTHER);
    let loaded = [("program-read", "T0845"), ("program-change", "T0889")];
    assert_eq!(cell.found(), loaded);
    let alert = cell.alerts.last().expect("there is one");
    assert_eq!(alert["src"]["asset"], "ews-1");
    assert_eq!(alert["dst"]["asset"], "plc-filler");
    assert_eq!(alert["frame"], cell.n, "the controller's consent");
    assert!(
        cell.notes()
            .contains(&"program bbbbbbbbbbbbbbbb loaded (online change); before: aaaaaaaaaaaaaaaa"),
        "{:?}",
        cell.notes()
    );
    let changed = Status {
        program_digest: OTHER,
        ..golden()
    };
    cell.status(EWS, changed);
    cell.log("plc-filler differs from the project: another program");
    assert_eq!(cell.found(), loaded, "it is known");
    assert_eq!(
        cell.actions,
        Vec::<Value>::new(),
        "a host that works is left alone"
    );
    // Put right, and changed again where no frame was seen: the controller itself tells.
    cell.status(EWS, golden());
    cell.status(EWS, changed);
    assert_eq!(cell.found().len(), 3);
    assert_eq!(
        cell.alerts.last().expect("there is one")["src"],
        Value::Null
    );
}

#[test]
fn program_when_only_the_workstation_has_seen_it_then_its_line_is_an_alert() {
    let mut cell = Cell::learned(false);
    cell.log("plc-filler differs from the project: another program, forces");
    cell.log("plc-filler differs from the project: another program, forces");
    cell.log("plc-nowhere differs from the project: forces");
    assert_eq!(
        cell.found(),
        [("program-change", "T0889"), ("force-change", "T0835")]
    );
    let alert = &cell.alerts[0];
    assert_eq!(alert["dst"]["asset"], "plc-filler");
    assert_eq!(
        (&alert["frame"], &alert["span"]),
        (&Value::Null, &Value::Null)
    );
}

#[test]
fn commands_when_given_by_the_laptop_then_each_is_found_and_the_laptop_is_contained() {
    let mut cell = Cell::learned(true);
    cell.done(LAPTOP, Command::SetMode { mode: Mode::Stop });
    let force = |index, value| {
        Command::Force(Force {
            area: Area::InputWord,
            index,
            value,
        })
    };
    cell.done(LAPTOP, force(0, 13_824));
    cell.done(LAPTOP, force(1, 9));
    cell.done(LAPTOP, force(1, 9));
    cell.done(LAPTOP, Command::UnforceAll);
    cell.done(LAPTOP, Command::SetScan { scan_ms: 500 });
    cell.done(LAPTOP, Command::Restart { how: Restart::Cold });
    cell.download(LAPTOP, Content::Firmware, OTHER);
    let refused = Answer::Refused {
        operation: 0x40,
        reason: Reason::KeySwitch,
    };
    cell.ask(LAPTOP, Command::SetMode { mode: Mode::Run }, refused);
    assert_eq!(
        cell.found(),
        [
            ("mode-change", "T0858"),
            ("force-change", "T0835"),
            ("force-change", "T0835"),
            ("force-change", "T0835"),
            ("task-change", "T0821"),
            ("controller-restart", "T0816"),
            ("firmware-change", "T1693.001"),
            ("engineering-refused", ""),
        ]
    );
    assert!(
        cell.notes().contains(&"%IW 0 forced to 13824"),
        "{:?}",
        cell.notes()
    );
    assert_eq!(cell.actions[0]["action"], "contain");
    assert_eq!(cell.actions[0]["target"], json!({"host": "vendor-laptop"}));
}

#[test]
fn controller_when_a_change_is_under_way_then_its_state_is_not_judged() {
    let mut cell = Cell::learned(false);
    let under_way = Status {
        mode: Mode::Program,
        is_changing: true,
        ..golden()
    };
    cell.status(EWS, under_way);
    assert_eq!(cell.found(), []);
    let stopped = Status {
        mode: Mode::Stop,
        firmware: "6.6",
        ..golden()
    };
    cell.status(EWS, stopped);
    cell.status(EWS, stopped);
    assert_eq!(
        cell.found(),
        [("mode-change", "T0858"), ("firmware-change", "T1693.001")]
    );
}
