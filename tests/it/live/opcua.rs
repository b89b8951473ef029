//! Tags of a live session over OPC UA. What clients see is tested where the server is, in `opcua/tests`; here it is the
//! session's side: how the server comes and goes, and that the plant notices nothing of it.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use super::Plant;
use super::mqtt::{digest, notes};
use crate::support::{command, is_here, manifest, scratch, words};

/// Name of the server's program, and of the command's.
const PROGRAM: &str = "twinrange-opcua";

/// Whether the server lies beside the command under test. It is built by `cargo test --workspace`, or
/// `cargo build -p twinrange-opcua`.
#[track_caller]
fn server_is_here() -> bool {
    let path = Path::new(env!("CARGO_BIN_EXE_twinrange"));
    is_here(path.with_file_name(PROGRAM).is_file(), PROGRAM)
}

/// The words in which a client of OPC UA begins (OPC 10000-6, 7.1.2.3): Hello, and the server's Acknowledge.
struct Client(TcpStream);

impl Client {
    fn connect(url: &str) -> Self {
        let address = url.strip_prefix("opc.tcp://").expect("a URL of OPC UA");
        let address: SocketAddr = address.trim_end_matches('/').parse().expect("an address");
        let mut stream = TcpStream::connect(address).expect("the server listens");
        // Only so that a mistake shows as a failure and not as a test without an end.
        let patience = Some(Duration::from_secs(60));
        stream.set_read_timeout(patience).expect("it can be set");
        let mut body = Vec::new();
        // Version, sizes of buffers for receiving and sending, no limit of message size and of chunks.
        for word in [0_u32, 65_535, 65_535, 0, 0] {
            body.extend(word.to_le_bytes());
        }
        let length = u32::try_from(url.len()).expect("it is short");
        body.extend(length.to_le_bytes());
        body.extend(url.as_bytes());
        let size = u32::try_from(8 + body.len()).expect("it is short");
        let hello = [b"HELF", &size.to_le_bytes()[..], &body].concat();
        stream.write_all(&hello).expect("the server is there");
        let mut acknowledge = [0; 28];
        stream.read_exact(&mut acknowledge).expect("it answers");
        assert_eq!(acknowledge[..8], *b"ACKF\x1c\0\0\0");
        Self(stream)
    }

    /// Whether the server has closed the connection.
    fn is_closed(&mut self) -> bool {
        match self.0.read(&mut [0; 1_024]) {
            Ok(0) => true,
            Ok(_) => self.is_closed(),
            Err(error) => error.kind() == ErrorKind::ConnectionReset,
        }
    }
}

fn url(plant: &Plant) -> &str {
    plant.opcua.as_deref().expect("the session has a server")
}

#[test]
fn opcua_when_served_then_clients_connect_and_nothing_changes() {
    if !server_is_here() {
        return;
    }
    let folder = scratch();
    let args = "bottling/overflow --control --paused --opcua 127.0.0.1:0 --out live";
    let mut plant = Plant::start_with(folder.path(), args, Stdio::piped());
    let mut client = Client::connect(url(&plant));
    plant.command("step 60");
    plant.say("quit");
    plant.end();
    assert!(client.is_closed());
    // Nothing is lost: the server has said that it took as many samples as it was given.
    let noted = notes(&mut plant);
    assert!(!noted.contains("OPC UA"), "{noted}");
    let live = folder.path().join("live");
    assert!(manifest(&live)["counts"]["tags"].as_u64() > Some(5_000));
    words(
        folder.path(),
        "run bottling/overflow --duration 60s --out run",
    )
    .expect_code(0);
    assert_eq!(digest(&live), digest(&folder.path().join("run")));
}

/// Whoever kills the session has killed the server.
#[test]
fn opcua_when_the_session_is_killed_then_the_server_is_gone() {
    if !server_is_here() {
        return;
    }
    let folder = scratch();
    let args = "bottling/calm --control --paused --opcua 127.0.0.1:0 --out live";
    let mut plant = Plant::start_with(folder.path(), args, Stdio::piped());
    let mut client = Client::connect(url(&plant));
    plant.child.kill().expect("it runs");
    assert!(client.is_closed());
}

#[test]
fn opcua_when_it_cannot_be_served_then_it_is_said_and_no_run_begins() {
    if !server_is_here() {
        return;
    }
    let folder = scratch();
    let taken = TcpListener::bind("127.0.0.1:0").expect("loopback");
    let address = taken.local_addr().expect("it is bound").to_string();
    words(
        folder.path(),
        &format!("live bottling/calm --for 1s --out run --opcua {address}"),
    )
    .expect_code(2)
    .expect_says(&["TR0602", &address, "in use", "--opcua"]);
    assert!(!folder.path().join("run").exists());
}

/// The command alone, without the programs that lie beside it.
#[test]
fn opcua_when_it_is_not_built_then_it_is_said_how_to() {
    // A second name for the command, for which both have to be on one file system.
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("there is room");
    let alone = folder.path().join("twinrange");
    std::fs::hard_link(env!("CARGO_BIN_EXE_twinrange"), &alone).expect("it can be linked");
    let tried = Command::new(&alone)
        .args(["live", "bottling/calm", "--for", "1s", "--out", "run"])
        .args(["--opcua", "127.0.0.1:0"])
        .current_dir(folder.path())
        .stdin(Stdio::null())
        .output()
        .expect("it starts");
    assert_eq!(tried.status.code(), Some(2), "{tried:?}");
    let says = String::from_utf8_lossy(&tried.stderr);
    for part in ["TR0606", "cargo build --release -p twinrange-opcua"] {
        assert!(says.contains(part), "{says}");
    }
    assert!(!folder.path().join("run").exists());
}

#[test]
fn opcua_when_served_to_others_then_it_is_warned_of() {
    if !server_is_here() {
        return;
    }
    let folder = scratch();
    let done = command(folder.path())
        .args(["live", "bottling/calm", "--for", "1s", "--speed", "100"])
        .args(["--out", "run", "--opcua", "0.0.0.0:0"])
        .output()
        .expect("the command starts");
    assert_eq!(done.status.code(), Some(0), "{done:?}");
    let (said, warned) = (
        String::from_utf8_lossy(&done.stdout),
        String::from_utf8_lossy(&done.stderr),
    );
    assert!(said.contains("opcua     opc.tcp://"), "{said}");
    let warning = "warning: 0.0.0.0 is not a loopback address: whoever reaches it reads";
    assert!(warned.contains(warning), "{warned}");
}
