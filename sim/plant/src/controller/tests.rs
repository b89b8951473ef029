//! A controller as an engineering client finds it, without a network.

use std::sync::Arc;

use sim_kernel::digest::Digest;
use sim_wire::modbus::engineering::answer::proof_input;
use sim_wire::modbus::engineering::{
    Activation, Answer, Area, Command, Content, Force, OK, Reason, Status,
};
use sim_wire::modbus::identity::DeviceIdentity;

use super::*;

mod files;
mod pair;

/// Address of the client, where it does not matter.
const CLIENT: Ipv4Addr = Ipv4Addr::new(10, 20, 1, 31);

struct Nothing;

impl Terminals for Nothing {
    fn sense(&mut self, _: PointId) -> f64 {
        0.0
    }
    fn drive(&mut self, _: PointId, _: f64) {}
}

/// A program that counts scans up to a limit in a variable and shows them in `%MW0`, `%QW0`.
fn program(limit: u16, more: &str) -> Arc<Program> {
    let source = format!(
        "PROGRAM Count
        VAR n : UINT; {more} shown AT %MW0 : UINT; out AT %QW0 : UINT; z AT %MW9 : UINT; END_VAR
        IF n < {limit} THEN n := n + 1; END_IF;
        shown := n; out := n;
        IF z = 7 THEN n := n / (z - 7); END_IF;
        END_PROGRAM"
    );
    Arc::new(sim_st::compile(&source, "count.st").expect("the program is right"))
}

struct Bench {
    controller: Controller,
    now: SimTime,
}

impl Bench {
    fn new(change: impl FnOnce(&mut ControllerConfig)) -> Self {
        let identity = DeviceIdentity::new("a", "b", "1.0").expect("short texts");
        let mut config = ControllerConfig {
            name: "plc".to_owned(),
            host: 0,
            program: program(60_000, ""),
            scan: SimDuration::from_millis(10),
            watchdog: SimDuration::from_millis(100),
            service: SimDuration::from_micros(800),
            profile: DeviceProfile::new(1, identity),
            firmware: "1.0".to_owned(),
            key: Key::Remote,
            holds_outputs: false,
            password: None,
            firmware_key: None,
            activation_scans: 5,
            firmware_time: SimDuration::from_secs(1),
            session_timeout: SimDuration::from_secs(30),
            nonce_seed: 1,
            inputs: Vec::new(),
            outputs: Vec::new(),
            places: 1,
            pair: None,
        };
        change(&mut config);
        Self {
            controller: Controller::new(config),
            now: SimTime::from_secs(1),
        }
    }

    fn scans(&mut self, count: u32) {
        for _ in 0..count {
            self.now = self.controller.scan(self.now, &mut Nothing);
            self.controller.write_outputs(self.now, &mut Nothing);
        }
    }

    /// The answer to a command, without the Modbus around it.
    fn ask(&mut self, id: u8, command: Command<'_>) -> Vec<u8> {
        let mut out = Vec::new();
        Turn {
            now: self.now,
            client: Some(CLIENT),
            session: &mut self.controller.session,
            runtime: &mut self.controller.runtime,
            config: &self.controller.config,
        }
        .answer(id, &command, &mut out);
        assert!(Answer::parse(&out).is_some(), "{command:?}: {out:?}");
        out
    }

    #[track_caller]
    fn done(&mut self, command: Command<'_>) {
        let out = self.ask(1, command);
        assert_eq!(out[2], OK, "{command:?}: {:?}", Answer::parse(&out));
    }

    #[track_caller]
    fn refused(&mut self, id: u8, command: Command<'_>, expect: Reason) {
        let out = self.ask(id, command);
        let Some((_, Answer::Refused { reason, .. })) = Answer::parse(&out) else {
            panic!("{command:?} was not refused");
        };
        assert_eq!(reason, expect, "{command:?}");
    }

    fn connect(&mut self) {
        self.done(Command::Connect { name: "bench" });
    }

    #[track_caller]
    fn send(&mut self, content: Content, bytes: &[u8]) {
        let size = u32::try_from(bytes.len()).expect("short");
        let digest = Digest::of(bytes).0;
        self.done(Command::DownloadBegin {
            content,
            size,
            digest,
        });
        let mut offset = 0;
        for block in bytes.chunks(240) {
            self.done(Command::DownloadBlock {
                offset,
                bytes: block,
            });
            offset += u32::try_from(block.len()).expect("short");
        }
    }

    fn shown(&self) -> u16 {
        self.controller.runtime.image.mw[0]
    }

    fn take_texts(&mut self) -> Vec<String> {
        let notices = self.controller.take_notices();
        let text = |n: Notice| format!("{} {}", n.kind, n.text);
        notices.into_iter().map(text).collect()
    }

    fn kinds(&mut self) -> Vec<&'static str> {
        let notices = self.controller.take_notices();
        notices.iter().map(|notice| notice.kind).collect()
    }
}

#[test]
fn transfer_when_activated_too_early_then_it_stays() {
    let mut bench = Bench::new(|_| {});
    bench.scans(2);
    bench.connect();
    let other = program(3, "");
    bench.send(Content::Program, &other.to_bytes());
    let load = || Command::Activate {
        how: Activation::Load,
    };
    bench.refused(1, load(), Reason::WrongState);
    bench.done(Command::Verify);
    bench.done(load());
    bench.scans(12);
    assert_eq!(bench.controller.program().digest(), other.digest());
}

#[test]
fn program_when_downloaded_and_loaded_then_it_starts_cold() {
    let mut bench = Bench::new(|_| {});
    bench.scans(10);
    assert_eq!(bench.shown(), 10);
    bench.connect();
    let other = program(3, "");
    bench.send(Content::Program, &other.to_bytes());
    bench.refused(
        1,
        Command::Activate {
            how: Activation::Load,
        },
        Reason::WrongState,
    );
    bench.send(Content::Program, &other.to_bytes());
    bench.done(Command::Verify);
    bench.done(Command::Activate {
        how: Activation::Load,
    });
    assert_eq!(bench.controller.mode(), Mode::Program);
    assert_eq!(bench.controller.runtime.image.qw[0], 0, "outputs are off");
    bench.scans(5);
    assert_eq!(bench.controller.mode(), Mode::Program);
    bench.scans(6);
    assert_eq!(bench.controller.mode(), Mode::Run);
    assert_eq!(bench.shown(), 3);
    assert_eq!(bench.controller.program().digest(), other.digest());
    let kinds = bench.kinds();
    assert_eq!(
        kinds,
        ["SESSION", "MODE", "PROGRAM-DOWNLOAD", "PROGRAM-DOWNLOAD"]
    );
    let restored = bench.controller.config.program.digest();
    bench.controller.begin_service(bench.now);
    bench.controller.end_service(bench.now);
    assert_eq!(bench.controller.program().digest(), restored);
    assert_eq!(bench.controller.mode(), Mode::Run);
}

#[test]
fn program_when_changed_online_then_values_stay() {
    for more in ["", "extra : INT := 4; "] {
        let mut bench = Bench::new(|_| {});
        bench.connect();
        bench.scans(10);
        bench.send(Content::Program, &program(12, more).to_bytes());
        bench.done(Command::Verify);
        bench.done(Command::Activate {
            how: Activation::Online,
        });
        assert_eq!(bench.controller.mode(), Mode::Run);
        bench.scans(20);
        assert!(
            bench.shown() >= 12,
            "it went on counting: {}",
            bench.shown()
        );
        let before = bench.shown();
        bench.scans(5);
        assert_eq!(bench.shown(), before, "the new limit holds");
    }
}

#[test]
fn edit_when_one_pou_differs_then_taken_and_when_two_do_then_refused() {
    let program = |step: u16, limit: u16| {
        let source = format!(
            "FUNCTION Next : UINT VAR_INPUT n : UINT; END_VAR Next := n + {step}; END_FUNCTION
            FUNCTION Unused : UINT VAR_INPUT n : UINT; END_VAR Unused := n; END_FUNCTION
            PROGRAM Count
            VAR n : UINT; shown AT %MW0 : UINT; END_VAR
            IF n < {limit} THEN n := Next(n); END_IF; shown := n;
            END_PROGRAM"
        );
        Arc::new(sim_st::compile(&source, "count.st").expect("the program is right"))
    };
    let edit = || Command::Activate {
        how: Activation::OnePou,
    };
    let mut bench = Bench::new(|config| config.program = program(1, 1_000));
    bench.connect();
    bench.scans(10);
    bench.take_texts();
    // The constant 500 is new, and moves everything behind it.
    bench.send(Content::Program, &program(500, 999).to_bytes());
    bench.done(Command::Verify);
    bench.refused(1, edit(), Reason::Rejected);
    let expect = "ONLINE-EDIT online edit of one POU refused: changed Next, Count";
    assert_eq!(bench.take_texts(), [expect]);
    bench.send(Content::Program, &program(500, 1_000).to_bytes());
    bench.done(Command::Verify);
    bench.done(edit());
    assert_eq!(bench.controller.mode(), Mode::Run);
    let texts = bench.take_texts();
    assert!(
        texts[0].starts_with("ONLINE-EDIT online edit of Count"),
        "{texts:?}"
    );
    assert!(texts[0].ends_with(": changed Next"), "{texts:?}");
    // It takes effect after five scan periods, of which each counts one, and goes on from there.
    bench.scans(5);
    assert_eq!(bench.shown(), 15);
    bench.scans(1);
    assert_eq!(bench.shown(), 515);
    bench.send(Content::Program, &program(500, 1_000).to_bytes());
    bench.done(Command::Verify);
    bench.refused(1, edit(), Reason::Rejected);
    assert_eq!(
        bench.take_texts().last().map(String::as_str),
        Some("ONLINE-EDIT online edit of one POU refused: nothing that matters to the logic")
    );
    bench.done(Command::Activate {
        how: Activation::Load,
    });
}

#[test]
fn program_when_forged_then_refused_and_in_the_fault_log() {
    let mut bench = Bench::new(|_| {});
    bench.connect();
    let mut forged = program(3, "").to_bytes();
    let last = forged.len() - 1;
    forged[last] ^= 0x40;
    bench.send(Content::Program, &forged);
    bench.refused(1, Command::Verify, Reason::Rejected);
    sim_st::reseal(&mut forged);
    forged.truncate(last);
    bench.send(Content::Program, &forged);
    bench.refused(1, Command::Verify, Reason::Rejected);
    let digest = [0; 32];
    let (content, size) = (Content::Program, 2);
    bench.done(Command::DownloadBegin {
        content,
        size,
        digest,
    });
    let block = |offset, bytes| Command::DownloadBlock { offset, bytes };
    bench.refused(1, block(1, &[1]), Reason::OutOfRange);
    bench.refused(1, block(0, &[1, 2, 3]), Reason::OutOfRange);
    bench.done(block(0, &[1, 2]));
    bench.refused(1, Command::Verify, Reason::Digest);
    let out = bench.ask(0, Command::ReadFaults { first: 0 });
    let Some((_, Answer::Faults(faults))) = Answer::parse(&out) else {
        panic!("it is the log");
    };
    assert_eq!(faults.total, 1);
    assert_eq!(
        faults.iter().map(|f| (f.code, f.count)).collect::<Vec<_>>(),
        [(5, 3)]
    );
}

#[test]
fn session_when_held_then_others_wait_until_it_times_out() {
    let mut bench = Bench::new(|_| {});
    bench.refused(1, Command::UnforceAll, Reason::NoSession);
    bench.connect();
    bench.refused(0, Command::Connect { name: "b" }, Reason::InUse);
    bench.refused(2, Command::UnforceAll, Reason::NoSession);
    bench.now += SimDuration::from_secs(30);
    let out = bench.ask(0, Command::Connect { name: "b" });
    assert_eq!(out[0], 2);
    bench.refused(1, Command::UnforceAll, Reason::NoSession);
}

#[test]
fn password_when_configured_then_proved_or_locked() {
    let mut bench = Bench::new(|config| config.password = Some("secret".to_owned()));
    let out = bench.ask(0, Command::Connect { name: "a" });
    let Some((
        _,
        Answer::Connected {
            needs_password,
            nonce,
            ..
        },
    )) = Answer::parse(&out)
    else {
        panic!("it is open");
    };
    assert!(needs_password);
    bench.refused(1, Command::UploadBegin, Reason::NotAuthenticated);
    let proof = |word| Command::Authenticate {
        proof: Digest::of(&proof_input(&nonce, word)).0,
    };
    for _ in 0..3 {
        bench.refused(1, proof("guess"), Reason::WrongPassword);
    }
    bench.refused(1, proof("secret"), Reason::Locked);
    bench.now += SimDuration::from_secs(29);
    bench.refused(1, proof("secret"), Reason::Locked);
    bench.now += SimDuration::from_secs(29);
    bench.refused(1, proof("secret"), Reason::Locked);
    bench.now += SimDuration::from_secs(3);
    bench.done(proof("secret"));
    bench.done(Command::UploadBegin);
    let kinds = bench.kinds();
    assert_eq!(
        kinds.iter().filter(|kind| **kind == "LOGIN-FAILED").count(),
        3
    );
}

#[test]
fn key_when_in_run_then_only_reading() {
    let mut bench = Bench::new(|config| config.key = Key::Run);
    bench.connect();
    bench.done(Command::UploadBegin);
    bench.refused(1, Command::SetMode { mode: Mode::Stop }, Reason::KeySwitch);
    bench.refused(
        1,
        Command::Restart { how: Restart::Cold },
        Reason::KeySwitch,
    );
    let (content, size, digest) = (Content::Program, 1, [0; 32]);
    let begin = Command::DownloadBegin {
        content,
        size,
        digest,
    };
    bench.refused(1, begin, Reason::KeySwitch);
}

#[test]
fn forces_when_set_then_they_win_over_the_program() {
    let mut bench = Bench::new(|_| {});
    bench.connect();
    let force = |area, index, value| Command::Force(Force { area, index, value });
    bench.done(force(Area::MarkerWord, 0, 77));
    bench.done(force(Area::OutputWord, 0, 78));
    bench.refused(1, force(Area::OutputBit, 0, 2), Reason::OutOfRange);
    bench.scans(3);
    assert_eq!(bench.shown(), 77);
    assert_eq!(bench.controller.runtime.image.qw[0], 78);
    bench.done(Command::UnforceAll);
    bench.scans(1);
    assert_eq!(bench.shown(), 4);
}

#[test]
fn restart_when_warm_then_markers_stay_and_when_cold_then_not() {
    let mut bench = Bench::new(|_| {});
    bench.connect();
    bench.scans(1);
    bench.controller.runtime.image.mw[100] = 5;
    bench.done(Command::Restart { how: Restart::Warm });
    assert_eq!(bench.controller.runtime.image.mw[100], 5);
    bench.done(Command::Restart { how: Restart::Cold });
    assert_eq!(bench.controller.runtime.image.mw[100], 0);
    bench.scans(2);
    assert_eq!(bench.shown(), 2);
}

#[test]
fn trap_when_it_stops_the_program_then_logged_with_its_line() {
    let mut bench = Bench::new(|config| config.holds_outputs = true);
    bench.scans(3);
    bench.controller.runtime.image.mw[9] = 7;
    bench.scans(1);
    assert_eq!(bench.controller.mode(), Mode::Stop);
    assert_eq!(bench.controller.runtime.image.qw[0], 3, "outputs are held");
    let out = bench.ask(0, Command::ReadFaults { first: 0 });
    let Some((_, Answer::Faults(faults))) = Answer::parse(&out) else {
        panic!("it is the log");
    };
    let fault = faults.iter().next().expect("one fault");
    assert_eq!((fault.code, fault.line), (1, 5));
    assert_eq!(bench.kinds(), ["FAULT"]);
}

#[test]
fn firmware_when_it_is_dead_then_the_controller_stays_in_stop() {
    let image = FirmwareImage {
        version: "6.6".to_owned(),
        behavior: Behavior::Dead,
    };
    let mut signed = Bench::new(|config| config.firmware_key = Some("vendor".to_owned()));
    signed.connect();
    signed.send(Content::Firmware, &image.to_bytes(None));
    signed.refused(1, Command::Verify, Reason::Signature);
    let mut bench = Bench::new(|_| {});
    bench.connect();
    bench.send(Content::Firmware, &image.to_bytes(None));
    bench.done(Command::Verify);
    bench.done(Command::Activate {
        how: Activation::Load,
    });
    bench.scans(102);
    assert_eq!(bench.controller.mode(), Mode::Stop);
    let identity = &bench.controller.profile.identity;
    assert_eq!(identity.object(MAJOR_MINOR_REVISION), Some(&b"6.6"[..]));
    bench.done(Command::SetMode { mode: Mode::Run });
    assert_eq!(bench.controller.mode(), Mode::Stop);
    bench.controller.end_service(bench.now);
    assert_eq!(bench.controller.mode(), Mode::Run);
    let out = bench.ask(0, Command::Status);
    let Some((
        _,
        Answer::Status(Status {
            firmware, forces, ..
        }),
    )) = Answer::parse(&out)
    else {
        panic!("it is the status");
    };
    assert_eq!((firmware, forces), ("1.0", 0));
}
