//! Plants at the pace of the wall clock, with real clients on real sockets.
//!
//! Plants run many times faster than the clock where nobody waits for the clock, so that the tests are short. No
//! assertion depends on how fast the machine is.

mod api;
mod mqtt;
mod opcua;
mod tls;

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Stdio};
use std::time::Duration;

use serde_json::Value;

use crate::support::{assert_same_run, command, files, manifest, scratch, words};

/// Holding register of `FIL_LevelSetpoint`, `%MW4` of the filler, mm.
const LEVEL_SETPOINT: u16 = 1024 + 4;
/// Holding register of the filler that no program uses.
const SPARE: u16 = 1024 + 900;

/// A live session under way.
struct Plant {
    child: Child,
    stdout: BufReader<ChildStdout>,
    stdin: Option<ChildStdin>,
    plcs: BTreeMap<String, SocketAddr>,
    /// Where they speak Modbus inside TLS, if they do.
    tls: BTreeMap<String, SocketAddr>,
    /// Where the defense API is, if there is one.
    api: Option<SocketAddr>,
    /// URL of the OPC UA server, if there is one.
    opcua: Option<String>,
}

impl Plant {
    /// Starts a session in a folder and waits until it is ready.
    fn start(folder: &Path, args: &str) -> Self {
        Self::start_with(folder, args, Stdio::inherit())
    }

    /// Starts a session and takes care of what it says on standard error.
    fn start_with(folder: &Path, args: &str, stderr: Stdio) -> Self {
        let mut child = command(folder)
            .arg("live")
            .args(args.split(' '))
            .arg("--json")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(stderr)
            .spawn()
            .expect("the command starts");
        let mut stdout = BufReader::new(child.stdout.take().expect("it is piped"));
        let stdin = child.stdin.take();
        let (mut plcs, mut tls) = (BTreeMap::new(), BTreeMap::new());
        let (mut api, mut opcua) = (None, None);
        loop {
            let line = json_line(&mut stdout);
            if line["ready"] == true {
                break;
            }
            if let Some(url) = line["api"].as_str() {
                let address = url.strip_prefix("http://").expect("it is not encrypted");
                api = Some(address.parse().expect("an address and a port"));
                continue;
            }
            if let Some(url) = line["opcua"].as_str() {
                opcua = Some(url.to_owned());
                continue;
            }
            let text = |key: &str| line[key].as_str().unwrap_or_else(|| panic!("{line}"));
            let address = text("modbus").parse().expect("an address and a port");
            plcs.insert(text("plc").to_owned(), address);
            if let Some(address) = line["modbus_tls"].as_str() {
                let address = address.parse().expect("an address and a port");
                tls.insert(text("plc").to_owned(), address);
            }
            assert_eq!(line["unit"], 1, "{line}");
        }
        Self {
            child,
            stdout,
            stdin,
            plcs,
            tls,
            api,
            opcua,
        }
    }

    fn connect(&self, plc: &str) -> Client {
        Client::connect(self.plcs[plc]).expect("the session listens")
    }

    /// Gives a command.
    fn say(&mut self, line: &str) {
        let stdin = self.stdin.as_mut().expect("it is open");
        writeln!(stdin, "{line}").expect("the session takes commands");
    }

    /// Gives a command and waits until it has been carried out. Returns the plant's time, ns.
    fn command(&mut self, line: &str) -> u64 {
        self.say(line);
        let reply = json_line(&mut self.stdout);
        reply["t_ns"].as_u64().unwrap_or_else(|| panic!("{reply}"))
    }

    /// Waits for the end and gives the last line.
    fn end(&mut self) -> Value {
        let last = json_line(&mut self.stdout);
        let status = self.child.wait().expect("the child ends");
        assert_eq!(status.code(), Some(0), "{last}");
        last
    }
}

fn json_line(from: &mut impl BufRead) -> Value {
    let mut line = String::new();
    from.read_line(&mut line).expect("standard output is text");
    serde_json::from_str(&line).unwrap_or_else(|error| panic!("`{line}`: {error}"))
}

impl Drop for Plant {
    /// A test that fails leaves no plant behind that somebody would wait for.
    fn drop(&mut self) {
        // It is gone already where the test waited for its end.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A Modbus client that sends whatever it is told to.
struct Client<S = TcpStream> {
    stream: S,
    transaction: u16,
}

/// A connection to a socket of this machine.
fn connected(address: SocketAddr) -> std::io::Result<TcpStream> {
    let stream = TcpStream::connect(address)?;
    // Only so that a mistake shows as a failure and not as a test without an end.
    stream.set_read_timeout(Some(Duration::from_secs(60)))?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

impl Client {
    fn connect(address: SocketAddr) -> std::io::Result<Self> {
        Ok(Self::over(connected(address)?))
    }
}

impl<S: Read + Write> Client<S> {
    fn over(stream: S) -> Self {
        Self {
            stream,
            transaction: 0,
        }
    }

    fn send(&mut self, pdu: &[u8]) -> std::io::Result<()> {
        self.transaction = self.transaction.wrapping_add(1);
        let length = u16::try_from(pdu.len() + 1).expect("PDUs are short");
        let mut adu = Vec::new();
        adu.extend(self.transaction.to_be_bytes());
        adu.extend([0, 0]);
        adu.extend(length.to_be_bytes());
        adu.push(1);
        adu.extend(pdu);
        self.stream.write_all(&adu)
    }

    /// The PDU of the answer to the last request.
    fn answer(&mut self) -> std::io::Result<Vec<u8>> {
        let mut header = [0; 7];
        self.stream.read_exact(&mut header)?;
        assert_eq!(
            header[..2],
            self.transaction.to_be_bytes(),
            "another's answer"
        );
        let length = u16::from_be_bytes([header[4], header[5]]);
        let mut pdu = vec![0; usize::from(length) - 1];
        self.stream.read_exact(&mut pdu)?;
        Ok(pdu)
    }

    fn ask(&mut self, pdu: &[u8]) -> Vec<u8> {
        self.send(pdu).expect("the controller is there");
        self.answer().expect("the controller answers")
    }

    fn read_register(&mut self, address: u16) -> u16 {
        let [high, low] = address.to_be_bytes();
        let answer = self.ask(&[3, high, low, 0, 1]);
        assert_eq!(answer[..2], [3, 2], "{answer:?}");
        u16::from_be_bytes([answer[2], answer[3]])
    }

    fn write_register(&mut self, address: u16, value: u16) {
        let mut pdu = vec![6];
        pdu.extend(address.to_be_bytes());
        pdu.extend(value.to_be_bytes());
        assert_eq!(self.ask(&pdu), pdu);
    }
}

/// Numbers that look random and are the same every time (Knuth's MMIX constants).
struct Noise(u64);

impl Noise {
    fn next(&mut self) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        self.0 >> 33
    }

    fn byte(&mut self) -> u8 {
        self.next().to_le_bytes()[0]
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    fn bytes(&mut self, len: u64) -> Vec<u8> {
        (0..len).map(|_| self.byte()).collect()
    }
}

/// Asserts that a session with these arguments is refused as a mistake, which is said, before there is a run folder.
#[track_caller]
fn assert_refused(folder: &Path, args: &str, says: &[&str]) {
    words(folder, &format!("live bottling/calm --out run {args}"))
        .expect_code(2)
        .expect_says(says);
    assert!(!folder.join("run").exists(), "{args}: left a folder");
}

/// Asserts that a write of one register stands in the capture of `run`.
#[track_caller]
fn assert_captured(folder: &Path, address: u16, value: u16) {
    let capture = fs::read(folder.join("run/evidence/span-cell.pcapng"));
    let capture = capture.expect("there is a capture");
    let write: Vec<u8> = [&[1, 6][..], &address.to_be_bytes(), &value.to_be_bytes()].concat();
    assert!(
        capture.windows(write.len()).any(|bytes| bytes == write),
        "the write is not in the capture"
    );
}

/// Asserts that a client that printed what it was answered has read one register, as its request 7 asked.
#[cfg(target_os = "linux")]
#[track_caller]
fn assert_register_read(done: &std::process::Output) {
    let says = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{says}");
    let answer = String::from_utf8_lossy(&done.stdout);
    let answer: Vec<&str> = answer.split_whitespace().collect();
    assert_eq!(answer.len(), 11, "{answer:?} {says}");
    assert_eq!(
        answer[..9],
        ["00", "07", "00", "00", "00", "05", "01", "03", "02"]
    );
}

/// Asserts that `run` is whole, has what a client sent, and is replayed.
#[cfg(target_os = "linux")]
#[track_caller]
fn assert_exchange_replays(folder: &Path) {
    let facts = manifest(&folder.join("run"));
    assert_eq!(facts["ended"], "complete", "{facts}");
    assert!(facts["counts"]["inputs"].as_u64() >= Some(6), "{facts}");
    words(folder, "replay run").expect_code(0);
}

#[test]
fn live_when_nobody_connects_then_it_is_the_run() {
    let folder = scratch();
    let mut plant = Plant::start(
        folder.path(),
        "bottling/overflow --for 43min --speed 1000 --out live",
    );
    assert_eq!(plant.plcs.len(), 4);
    plant.end();
    words(
        folder.path(),
        "run bottling/overflow --duration 43min --out run",
    )
    .expect_code(0);
    let (live, run) = (folder.path().join("live"), folder.path().join("run"));
    // The gateway is in the inventory, as everything is that may be plugged in.
    let inventory = "evidence/assets.json";
    let listed = fs::read_to_string(live.join(inventory)).expect("it is there");
    assert!(listed.contains("\"gateway\""), "{listed}");
    fs::copy(run.join(inventory), live.join(inventory)).expect("it can be replaced");
    assert_same_run(&live, &run);
    assert_eq!(
        manifest(&live)["trace_digest"],
        manifest(&run)["trace_digest"]
    );
}

#[test]
fn live_when_a_client_writes_then_the_plant_obeys_and_the_replay_agrees() {
    let folder = scratch();
    let mut plant = Plant::start(
        folder.path(),
        "bottling/calm --for 2h --speed 50 --control --out run",
    );
    let mut client = plant.connect("plc-filler");
    let before = client.read_register(LEVEL_SETPOINT);
    client.write_register(LEVEL_SETPOINT, before + 25);
    assert_eq!(client.read_register(LEVEL_SETPOINT), before + 25);
    // Another controller has another memory.
    let mut other = plant.connect("plc-packaging");
    other.write_register(SPARE, 77);
    assert_ne!(client.read_register(SPARE), 77);
    drop(client);
    assert_eq!(other.read_register(SPARE), 77);
    plant.say("quit");
    let last = plant.end();
    assert!(last["inputs"].as_u64() > Some(20), "{last}");
    let done = words(folder.path(), "replay run").expect_code(0);
    assert!(done.stdout.starts_with("the same: "), "{done:?}");
    // The client's frames are evidence like everybody's.
    assert_captured(folder.path(), LEVEL_SETPOINT, before + 25);
}

/// Somebody at a screen for ten minutes: reads, thinks, writes, now and then opens a new connection.
#[test]
fn live_when_ten_minutes_of_writes_then_the_replay_is_the_same_bit_for_bit() {
    let folder = scratch();
    let mut plant = Plant::start(
        folder.path(),
        "bottling/overflow --for 10min --speed 5 --control --out run",
    );
    let mut noise = Noise(7);
    let mut client = plant.connect("plc-filler");
    for round in 0..120_u16 {
        if round % 20 == 19 {
            client = plant.connect("plc-filler");
        }
        let level = client.read_register(LEVEL_SETPOINT);
        let change = u16::from(noise.byte() % 9);
        client.write_register(LEVEL_SETPOINT, (level + change).saturating_sub(4));
        client.write_register(SPARE, round);
        std::thread::sleep(Duration::from_millis(20 + noise.below(60)));
    }
    plant.command("speed 1000");
    let last = plant.end();
    assert_eq!(last["simulated_ns"], 600_000_000_000_u64, "{last}");
    let run = folder.path().join("run");
    let written = fs::read_to_string(run.join("inputs.jsonl")).expect("there are inputs");
    assert!(written.lines().count() > 600, "{last}");
    let done = words(folder.path(), "replay run").expect_code(0);
    assert!(done.stdout.starts_with("the same: 600 seconds"), "{done:?}");
}

/// What is no valid write changes nothing in the plant, however much of it there is.
#[test]
fn live_when_ten_thousand_bad_frames_then_the_plant_does_not_notice() {
    let folder = scratch();
    let mut plant = Plant::start(
        folder.path(),
        "bottling/calm --for 20min --speed 5 --control --paused --out live",
    );
    // By then the line runs, and nothing calls for the operator before the end.
    plant.command("step 180");
    plant.command("go");
    let mut noise = Noise(11);
    let plcs: Vec<String> = plant.plcs.keys().cloned().collect();
    // Fifty at once. A controller has places for six or eight, of which stations use some.
    let mut crowd: Vec<Option<Client>> = (0..50)
        .map(|at| Some(plant.connect(&plcs[at % plcs.len()])))
        .collect();
    for at in 0..10_000_usize {
        let at = at % crowd.len();
        let sent = crowd[at].as_mut().map(|client| match noise.below(4) {
            0 => {
                let len = 1 + noise.below(300);
                client.stream.write_all(&noise.bytes(len))
            }
            // Reads that are none: functions, quantities and addresses of all kinds, but no writes.
            1 => {
                let function = [1, 2, 3, 4, 7, 8, 11, 17, 20, 24, 43, 65, 127][at % 13];
                let len = noise.below(20);
                let mut pdu = vec![function];
                pdu.extend(noise.bytes(len));
                client.send(&pdu)
            }
            // Writes with a count that is not theirs.
            2 => client.send(&[16, 4, 0, 0, 2, 3, noise.byte(), noise.byte(), noise.byte()]),
            // A length field that lies.
            _ => {
                let mut adu = vec![0, noise.byte(), 0, 0, noise.byte(), noise.byte(), 1, 6];
                adu.extend(noise.bytes(3));
                client.stream.write_all(&adu)
            }
        });
        if !matches!(sent, Some(Ok(()))) {
            crowd[at] = Client::connect(plant.plcs[&plcs[at % plcs.len()]]).ok();
        }
    }
    drop(crowd);
    // It still answers, once the crowd has been let go.
    let answer = loop {
        let mut client = plant.connect("plc-filler");
        let answered = client.send(&[3, 4, 4, 0, 1]).and_then(|()| client.answer());
        if let Ok(answer) = answered {
            break answer;
        }
    };
    assert_eq!(answer[..2], [3, 2], "{answer:?}");
    plant.command("speed 1000");
    plant.end();
    words(
        folder.path(),
        "run bottling/calm --duration 20min --out run",
    )
    .expect_code(0);
    let process = |run: &str| {
        let truth = files(&folder.path().join(run).join("truth"));
        truth[Path::new("process.parquet")].clone()
    };
    assert!(process("live") == process("run"), "the plant has noticed");
    words(folder.path(), "replay live").expect_code(0);
}

/// Every function code is answered as a device answers it: done, or refused with an exception of its own number.
#[test]
fn live_when_asked_for_every_function_then_each_is_done_or_refused() {
    let folder = scratch();
    let mut plant = Plant::start(
        folder.path(),
        "bottling/calm --for 1h --speed 20 --control --out run",
    );
    let mut client = plant.connect("plc-packaging");
    for function in 1..=127_u8 {
        let answer = client.ask(&[function]);
        assert_eq!(
            answer[0],
            function | 0x80,
            "function {function}: {answer:?}"
        );
        // Illegal function, or a request of the wrong length.
        assert!(
            matches!(answer[1..], [1 | 3]),
            "function {function}: {answer:?}"
        );
    }
    let [high, low] = SPARE.to_be_bytes();
    let done: [(&[u8], &[u8]); 13] = [
        (&[1, 4, 0, 0, 9], &[1, 2]),
        (&[2, 0, 0, 0, 8], &[2, 1]),
        (&[3, high, low, 0, 2], &[3, 4, 0, 0, 0, 0]),
        (&[4, 0, 0, 0, 1], &[4, 2]),
        (&[5, 7, 200, 0xff, 0], &[5, 7, 200, 0xff, 0]),
        (&[6, high, low, 0x12, 0x34], &[6, high, low, 0x12, 0x34]),
        (&[15, 7, 201, 0, 3, 1, 0b101], &[15, 7, 201, 0, 3]),
        (
            &[16, high, low, 0, 2, 4, 0, 5, 0, 6],
            &[16, high, low, 0, 2],
        ),
        // AND mask 0xff00, OR mask 0x0042: 5 becomes 0x42.
        (
            &[22, high, low, 0xff, 0, 0, 0x42],
            &[22, high, low, 0xff, 0, 0, 0x42],
        ),
        (&[3, high, low, 0, 2], &[3, 4, 0, 0x42, 0, 6]),
        (
            &[23, high, low, 0, 1, high, low, 0, 1, 2, 0xbe, 0xef],
            &[23, 2, 0xbe, 0xef],
        ),
        (&[1, 7, 200, 0, 4], &[1, 1, 0b1011]),
        (&[43, 14, 1, 0], &[43, 14, 1]),
    ];
    for (request, expected) in done {
        let answer = client.ask(request);
        assert!(answer.starts_with(expected), "{request:?}: {answer:?}");
    }
    // Past the end of the table, a quantity of nothing, a value that is no coil's.
    assert_eq!(client.ask(&[3, 0xff, 0xff, 0, 2]), [0x83, 2]);
    assert_eq!(client.ask(&[3, 0, 0, 0, 0]), [0x83, 3]);
    assert_eq!(client.ask(&[5, 7, 200, 0x12, 0x34]), [0x85, 3]);
    plant.say("quit");
    plant.end();
    words(folder.path(), "replay run").expect_code(0);
}

#[test]
fn live_when_commanded_then_time_stands_steps_and_goes_on() {
    let folder = scratch();
    let mut plant = Plant::start(
        folder.path(),
        "bottling/calm --for 1h --speed 100 --control --paused --out run",
    );
    plant.say("nonsense");
    let refused = json_line(&mut plant.stdout);
    let why = refused["error"].as_str().unwrap_or_default();
    assert!(why.contains("nonsense"), "{refused}");
    assert_eq!(plant.command("step 2.5"), 2_500_000_000);
    assert_eq!(plant.command("step 0.5"), 3_000_000_000);
    assert_eq!(plant.command("pause"), 3_000_000_000);
    plant.command("go");
    let stopped = plant.command("pause");
    assert!(stopped >= 3_000_000_000, "{stopped}");
    // What was asked for before the end is still done, and nothing that comes behind it.
    plant.say("step 1");
    plant.say("quit\nstep 600");
    let stepped = json_line(&mut plant.stdout);
    assert_eq!(stepped["t_ns"], stopped + 1_000_000_000, "{stepped}");
    let last = plant.end();
    assert_eq!(last["simulated_ns"], stopped + 1_000_000_000, "{last}");
    words(folder.path(), "replay run").expect_code(0);
}

#[test]
fn live_when_asked_for_what_it_cannot_do_then_says_so() {
    let folder = scratch();
    let refused = |args: &str, says: &[&str]| {
        words(folder.path(), &format!("live bottling/calm {args}"))
            .expect_code(2)
            .expect_says(says);
        assert!(!folder.path().join("run").exists(), "{args}: left a folder");
    };
    refused("--out run --network office", &["TR0601", "office", "cell"]);
    // An address of documentation, RFC 5737, which no machine has.
    refused("--out run --listen 192.0.2.1", &["TR0602", "192.0.2.1"]);
    refused("--out run --port 65534", &["TR0602"]);
    refused("--out run --speed 0", &["TR0112", "0.01"]);
    refused("--out run --for soon", &["TR0112", "soon"]);
}

/// Runs a command on a live plant's network, in namespaces of its own; `None` where the machine cannot.
#[cfg(target_os = "linux")]
fn on_the_wire(folder: &Path, live: &str, script: &str) -> Option<std::process::Output> {
    use std::process::Command;
    let namespace = [
        "--user",
        "--map-root-user",
        "--net",
        "ip",
        "link",
        "add",
        "a-long-name",
        "type",
        "veth",
    ];
    let tried = Command::new("unshare").args(namespace).output();
    let can = tried.is_ok_and(|done| done.status.success());
    if !crate::support::is_here(can, "unshare, ip and what lets users make namespaces") {
        return None;
    }
    let done = Command::new(crate::support::repository().join("docs/live-network"))
        .current_dir(folder)
        .env("TWINRANGE_LIVE", live)
        .args(["--twinrange", env!("CARGO_BIN_EXE_twinrange")])
        .args(["bottling/calm", "run", "bash", "-c", script])
        .output()
        .expect("the script starts");
    Some(done)
}

/// A kernel's own TCP stack talks to a simulated controller through the simulated switch.
#[cfg(target_os = "linux")]
#[test]
fn live_when_plugged_into_an_interface_then_a_kernel_talks_to_controllers() {
    let folder = scratch();
    // Reads a register of the filler (function 3, %MW0).
    let client = r#"
        exec 3<>/dev/tcp/10.20.1.11/502
        printf '\x00\x07\x00\x00\x00\x06\x01\x03\x04\x00\x00\x01' >&3
        head -c 11 <&3 | od -An -v -tx1
    "#;
    let Some(done) = on_the_wire(folder.path(), "--for 1h", client) else {
        return;
    };
    assert_register_read(&done);
    assert_exchange_replays(folder.path());
}

/// What an engineer tries first.
#[cfg(target_os = "linux")]
#[test]
fn live_when_pinged_then_controllers_and_stations_answer() {
    if !has(&["ping"]) {
        return;
    }
    let folder = scratch();
    let client = "ping -c 1 -W 30 10.20.1.11 && ping -c 1 -W 30 10.20.1.21";
    if let Some(done) = on_the_wire(folder.path(), "--for 1h", client) {
        let said = String::from_utf8_lossy(&done.stdout);
        assert!(done.status.success(), "{done:?}");
        assert_eq!(said.matches("1 received").count(), 2, "{said}");
        words(folder.path(), "replay run").expect_code(0);
    }
}

/// A kernel talks to a simulated controller through a TAP device that the session makes and that is gone with it.
#[cfg(target_os = "linux")]
#[test]
fn live_when_it_makes_a_tap_device_then_a_kernel_talks_to_controllers() {
    if !Path::new("/dev/net/tun").exists() {
        eprintln!("skipped: this machine makes no TAP devices");
        return;
    }
    let folder = scratch();
    // Reads a register of the filler (function 3, %MW0).
    let script = r#"
        mkfifo says
        "$0" live bottling/calm --for 1h --out run --attach tap:plant0 --mirror tap:span0 --json --control \
            >says < <(until [ -e over ]; do sleep 0.1; done; echo quit) &
        exec 3<says
        while read -r line <&3; do
            case $line in *'"ready":true'*) break ;; esac
        done
        ip address show dev plant0 >shown
        ip link show dev span0 >>shown
        ip address add 10.20.1.200/24 dev plant0
        exec 4<>/dev/tcp/10.20.1.11/502
        printf '\x00\x07\x00\x00\x00\x06\x01\x03\x04\x00\x00\x01' >&4
        head -c 11 <&4 | od -An -v -tx1
        exec 4>&-
        grep span0 /proc/net/dev >mirrored
        touch over
        cat <&3 >/dev/null
        wait $!
        ! ip link show dev plant0 2>/dev/null
    "#;
    let namespace = ["--user", "--map-root-user", "--net"];
    let tried = std::process::Command::new("unshare")
        .args(namespace)
        .args(["ip", "link"])
        .output();
    let can = tried.is_ok_and(|done| done.status.success());
    if !crate::support::is_here(can, "unshare, ip and what lets users make namespaces") {
        return;
    }
    let done = std::process::Command::new("unshare")
        .current_dir(folder.path())
        .args(namespace)
        .args(["bash", "-euo", "pipefail", "-c", script])
        .arg(env!("CARGO_BIN_EXE_twinrange"))
        .output()
        .expect("it starts");
    assert_register_read(&done);
    // Both were up, and nobody had given them an address.
    let shown = fs::read_to_string(folder.path().join("shown")).expect("it was written");
    assert_eq!(shown.matches(",UP").count(), 2, "{shown}");
    assert!(!shown.contains("inet"), "{shown}");
    // What the SPAN port saw has come out of the other one.
    let mirrored = fs::read_to_string(folder.path().join("mirrored")).expect("it was written");
    let frames = mirrored.split_whitespace().nth(2);
    let frames: u64 = frames.and_then(|n| n.parse().ok()).expect("a count");
    assert!(frames > 6, "{mirrored}");
    assert_exchange_replays(folder.path());
}

/// A TAP device that cannot be made is told before there is a run folder.
#[cfg(target_os = "linux")]
#[test]
fn live_when_it_cannot_make_a_tap_device_then_says_so() {
    let folder = scratch();
    let refused = |args: &str, says: &[&str]| assert_refused(folder.path(), args, says);
    refused("--attach tap:lo", &["TR0603", "`tap:lo`", "another name"]);
    refused("--mirror tap:a%d", &["TR0603", "`tap:a%d`", "letters"]);
    refused("--attach tap:x --mirror x", &["TR0603", "the same"]);
}

/// Whether all of these programs are here.
#[cfg(target_os = "linux")]
fn has(programs: &[&str]) -> bool {
    programs.iter().all(|program| {
        let found = std::process::Command::new("sh")
            .args(["-c", "command -v \"$0\"", program])
            .output();
        crate::support::is_here(found.is_ok_and(|done| done.status.success()), program)
    })
}

/// A kernel, mbpoll, tshark and Suricata find nothing strange about a simulated plant.
#[cfg(target_os = "linux")]
#[test]
fn live_when_sniffed_then_tshark_and_suricata_see_what_mbpoll_does() {
    if !has(&["mbpoll", "tshark", "suricata", "awk"]) {
        return;
    }
    let folder = scratch();
    let tool = crate::support::repository().join("defenses/suricata/live.sh");
    let client = r#"
        tshark -Q -i span0 -f 'host 10.20.1.200' -w seen.pcapng &
        until [ -s seen.pcapng ]; do sleep 0.1; done
        mbpoll -m tcp -a 1 -t 4 -r 1029 -c 1 -1 -o 10 10.20.1.11 &&
            mbpoll -m tcp -a 1 -t 4 -r 1029 -1 -o 10 10.20.1.11 305 &&
            mbpoll -m tcp -a 1 -t 4 -r 1029 -c 1 -1 -o 10 10.20.1.11
        done=$?
        # Sniffers hand frames over in blocks.
        sleep 2
        kill -INT %1
        wait
        exit $done
    "#;
    fs::write(folder.path().join("client.sh"), client).expect("it can be written");
    let script = format!("{} sniff tool bash client.sh", tool.display());
    let Some(done) = on_the_wire(folder.path(), "--for 1h", &script) else {
        return;
    };
    let says = String::from_utf8_lossy(&done.stdout);
    assert!(done.status.success(), "{done:?}");
    assert!(says.contains("[1029]: \t300"), "{says}");
    assert!(says.contains("[1029]: \t305"), "{says}");
    let eve = fs::read_to_string(folder.path().join("tool/eve.json")).expect("Suricata has alerts");
    assert!(
        eve.contains("RANGE Modbus write from a host that may not write"),
        "{eve}"
    );
    // Its times are those of this machine, and the run knows which plant time that was.
    words(
        folder.path(),
        "score run --alerts tool/eve.json --format eve --clock wall --quick",
    )
    .expect_code(0);
    let alerts = crate::support::read_json(&folder.path().join("run/score/score.json"));
    assert_eq!(alerts["header"]["clock"], "wall");
    words(
        folder.path(),
        "score run --alerts tool/eve.json --format eve",
    )
    .expect_code(2)
    .expect_says(&["TR0313"]);
    let tshark = std::process::Command::new("tshark")
        .current_dir(folder.path())
        .args([
            "-r",
            "seen.pcapng",
            "-o",
            "tcp.check_checksum:TRUE",
            "-T",
            "fields",
        ])
        .args([
            "-e",
            "modbus.func_code",
            "-e",
            "tcp.checksum.status",
            "-Y",
            "modbus",
        ])
        .output()
        .expect("tshark starts");
    let frames = String::from_utf8_lossy(&tshark.stdout).into_owned();
    // Two reads and a write, each with its answer, and every checksum good (status 1).
    let mut frames: Vec<&str> = frames.lines().collect();
    frames.sort_unstable();
    assert_eq!(frames, ["3\t1", "3\t1", "3\t1", "3\t1", "6\t1", "6\t1"]);
    words(folder.path(), "replay run").expect_code(0);
}

/// An intrusion prevention tool in the wire keeps a write away from the controller, and reads go on.
#[cfg(target_os = "linux")]
#[test]
fn live_when_suricata_stands_inline_then_it_blocks_the_write_and_not_the_reads() {
    if !has(&["mbpoll", "suricata", "ethtool", "awk"]) {
        return;
    }
    let folder = scratch();
    let tool = crate::support::repository().join("defenses/suricata/live.sh");
    let client = r#"
        mbpoll -m tcp -a 1 -t 4 -r 1029 -c 1 -1 -o 10 10.20.1.11 || exit 1
        # No answer comes, however long one waits.
        ! mbpoll -m tcp -a 1 -t 4 -r 1029 -1 -o 1 10.20.1.11 350 || exit 2
        mbpoll -m tcp -a 1 -t 4 -r 1029 -c 1 -1 -o 10 10.20.1.11 || exit 3
    "#;
    fs::write(folder.path().join("client.sh"), client).expect("it can be written");
    let script = format!("{} inline tool bash client.sh", tool.display());
    let Some(done) = on_the_wire(folder.path(), "--for 1h", &script) else {
        return;
    };
    assert!(done.status.success(), "{done:?}");
    let says = String::from_utf8_lossy(&done.stdout);
    assert_eq!(says.matches("[1029]: \t300").count(), 2, "{says}");
    let eve = fs::read_to_string(folder.path().join("tool/eve.json")).expect("Suricata has alerts");
    assert!(eve.contains("\"action\":\"blocked\""), "{eve}");
    // The write never came into the plant.
    let inputs =
        fs::read_to_string(folder.path().join("run/inputs.jsonl")).expect("there are inputs");
    assert!(!inputs.contains("060404015e"), "the write came through");
    words(folder.path(), "replay run").expect_code(0);
}
