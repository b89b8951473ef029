use std::fs;

use super::*;
use crate::live::{PlantTag, ValueKind};
use crate::message::Quality;

/// A server in the words of a shell.
fn server(script: &str) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", script, "server"]);
    command
}

fn started(script: &str) -> Result<OpcuaOut, OpcuaError> {
    OpcuaOut::start_with(server(script), address(), &plant())
}

fn address() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 4840))
}

fn plant() -> PlantTags {
    let tag = |name: &str, kind, unit: &str| PlantTag {
        name: name.to_owned(),
        device: "plc".to_owned(),
        kind,
        unit: unit.to_owned(),
        description: format!("This is {name}"),
    };
    PlantTags {
        plant: "p".to_owned(),
        epoch_unix_ns: 1_767_592_800_000_000_000,
        tags: vec![
            tag("LT20", ValueKind::Double, "mm"),
            tag("XV20", ValueKind::Boolean, ""),
        ],
    }
}

fn sample(tag: usize, t_ns: u64, value: f64, quality: Quality) -> SeenTag {
    SeenTag {
        tag,
        t_ns,
        value,
        quality,
    }
}

const LISTENS: &str = r#"echo '{"listening":"opc.tcp://127.0.0.1:4840/"}'"#;

#[test]
fn servers_when_started_then_are_told_what_there_is_and_every_sample() {
    let folder = tempfile::tempdir().expect("there is room");
    let told = folder.path().join("told");
    let script = format!(
        "read -r head; echo \"$1 $head\" >'{told}'; {LISTENS}; cat >>'{told}'; echo '{{\"samples\":3}}'",
        told = told.display()
    );
    let mut out = started(&script).expect("it listens");
    assert_eq!(out.endpoint(), "opc.tcp://127.0.0.1:4840/");
    out.send(sample(0, 1, 0.1 + 0.2, Quality::Good));
    out.send(sample(1, 2, 1.0, Quality::Bad));
    out.send(sample(0, 3, f64::NAN, Quality::Good));
    let served = out.finish();
    let none_lost = Served {
        lost: 0,
        trouble: None,
    };
    assert_eq!(served, none_lost);
    let told = fs::read_to_string(&told).expect("it was told");
    let expected = [
        concat!(
            r#"127.0.0.1:4840 {"plant":"p","epoch_unix_ns":1767592800000000000,"tags":["#,
            r#"{"name":"LT20","device":"plc","type":"double","unit":"mm","description":"This is LT20"},"#,
            r#"{"name":"XV20","device":"plc","type":"boolean","unit":"","description":"This is XV20"}]}"#
        ),
        r#"{"t_ns":1,"tag":"LT20","value":0.30000000000000004,"quality":"good"}"#,
        r#"{"t_ns":2,"tag":"XV20","value":1.0,"quality":"bad"}"#,
        r#"{"t_ns":3,"tag":"LT20","value":null,"quality":"good"}"#,
    ];
    assert_eq!(told.lines().collect::<Vec<_>>(), expected);
}

#[test]
fn servers_when_they_cannot_be_then_it_is_said_why() {
    let refused = started(r#"echo '{"error":"cannot listen"}'; exit 2"#);
    let refused = refused.expect_err("it says so");
    assert_eq!(refused, OpcuaError::Server("cannot listen".to_owned()));
    for (script, says) in [
        ("echo hello", "it says `hello`"),
        ("exit 0", "has not said that it listens"),
        (r#"echo '{"samples":0}'"#, "ends before it has begun"),
        ("head -c 10000 /dev/zero", "has not said that it listens"),
    ] {
        let error = started(script).expect_err(script);
        assert!(matches!(error, OpcuaError::Program(_)), "{error:?}");
        assert!(error.to_string().contains(says), "{script}: {error}");
    }
    let missing = OpcuaOut::start(Path::new("/no/such/server"), address(), &plant());
    assert!(
        matches!(missing, Err(OpcuaError::Program(_))),
        "{missing:?}"
    );
}

#[test]
fn samples_when_the_server_is_deaf_then_are_lost_and_counted() {
    let script = format!("read -r head; {LISTENS}; exec sleep 600");
    let mut out = started(&script).expect("it listens");
    let given = 2 * WAITING_MAX;
    for t_ns in 0..given {
        out.send(sample(0, t_ns as u64, 0.0, Quality::Good));
    }
    let served = out.finish_with(Duration::from_millis(50));
    // More than what a pipe holds is lost.
    assert!(served.lost > given as u64 / 2, "{served:?}");
    assert_eq!(served.trouble.as_deref(), Some("it did not end in time"));
}

#[test]
fn samples_when_the_server_goes_away_then_it_is_said_why() {
    for (end, says) in [
        (
            r#"echo '{"error":"line 2: what is that"}'; exit 2"#,
            "line 2: what is that",
        ),
        ("exit 7", "it ended with exit status 7"),
        ("kill -9 $$", "it was killed by signal 9"),
    ] {
        let script = format!("read -r head; {LISTENS}; read -r sample; {end}");
        let mut out = started(&script).expect("it listens");
        out.send(sample(0, 0, 0.0, Quality::Good));
        let served = out.finish();
        assert_eq!(served.trouble.as_deref(), Some(says), "{end}");
    }
}

/// A session that fails elsewhere drops what it has.
#[test]
fn servers_when_dropped_then_are_gone() {
    let folder = tempfile::tempdir().expect("there is room");
    let pid = folder.path().join("pid");
    let script = format!(
        "echo $$ >'{}'; read -r head; {LISTENS}; exec sleep 600",
        pid.display()
    );
    let out = started(&script).expect("it listens");
    let pid = fs::read_to_string(pid).expect("it was written");
    let pid = pid.trim().parse().ok();
    let pid = pid
        .and_then(rustix::process::Pid::from_raw)
        .expect("a process");
    assert!(rustix::process::test_kill_process(pid).is_ok());
    drop(out);
    assert!(rustix::process::test_kill_process(pid).is_err());
}
