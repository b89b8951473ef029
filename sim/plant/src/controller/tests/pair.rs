//! A pair of controllers on one set of cards, without a network.

use sim_wire::modbus::server::{Bank, Operation};
use sim_wire::modbus::{ExceptionCode, Span, Table};

use super::*;
use crate::controller::pair::{Beat, PairConfig, Watch};

const TICK: SimDuration = SimDuration::from_millis(10);
const TAKEOVER_AFTER: SimDuration = SimDuration::from_millis(60);
const HOLD: SimDuration = SimDuration::from_millis(500);

/// Counts scans in `%QW0`, shows a timer of one second in `%QW1` and `%QW2`, and divides by zero when
/// `%MW9` is 7 or when it has counted `trap` scans.
fn program(trap: u16) -> Arc<Program> {
    let source = format!(
        "PROGRAM Pair
        VAR n : UINT; clock : TON; z AT %MW9 : UINT;
            scans AT %QW0 : UINT; ms AT %QW1 : UINT; late AT %QW2 : UINT; END_VAR
        clock(IN := TRUE, PT := T#1s);
        n := n + 1;
        IF n = {trap} OR z = 7 THEN n := n / (n - n); END_IF;
        scans := n;
        ms := UDINT_TO_UINT(TIME_TO_UDINT(clock.ET));
        IF clock.Q THEN late := 1; ELSE late := 0; END_IF;
        END_PROGRAM"
    );
    Arc::new(sim_st::compile(&source, "pair.st").expect("the program is right"))
}

/// The cards: what was last driven at each terminal.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Cards([f64; 3]);

impl Terminals for Cards {
    fn sense(&mut self, _: PointId) -> f64 {
        0.0
    }
    fn drive(&mut self, point: PointId, value: f64) {
        self.0[usize::from(point.0)] = value;
    }
}

fn outputs() -> Vec<Wire> {
    (0..3)
        .map(|index| Wire {
            address: format!("%QW{index}").parse().expect("an address"),
            point: PointId(index),
            low: 0.0,
            per_raw: 1.0,
        })
        .collect()
}

fn config(program: &Arc<Program>, pair: Option<PairConfig>) -> ControllerConfig {
    let mut config = Bench::new(|_| {}).controller.config;
    config.name = "plc".to_owned();
    config.program = Arc::clone(program);
    config.outputs = outputs();
    config.pair = pair;
    config
}

/// Two controllers that scan at the same times, first the one that begins as primary.
struct Two {
    units: [Bench; 2],
    cards: Cards,
    beats: Vec<(SimTime, usize, Box<Beat>)>,
    now: SimTime,
}

impl Two {
    fn new(programs: [&Arc<Program>; 2], sync_every_scans: u16) -> Self {
        let unit = |at: usize| {
            let pair = PairConfig {
                peer: 1 - at,
                begins_as_standby: at == 1,
                sync_every_scans,
                link: SimDuration::from_micros(500),
                takeover_after: TAKEOVER_AFTER,
                hold: HOLD,
            };
            Bench {
                controller: Controller::new(config(programs[at], Some(pair))),
                now: SimTime::default(),
            }
        };
        Self {
            units: [unit(0), unit(1)],
            cards: Cards::default(),
            beats: Vec::new(),
            now: SimTime::default(),
        }
    }

    /// As the world does: what has arrived, outputs, then the scans.
    fn tick(&mut self) {
        self.now += TICK;
        let now = self.now;
        let (arrived, later) = std::mem::take(&mut self.beats)
            .into_iter()
            .partition(|(due, _, _)| *due <= now);
        self.beats = later;
        let arrived: Vec<(SimTime, usize, Box<Beat>)> = arrived;
        for (due, to, beat) in arrived {
            self.units[to].controller.hear(due, *beat);
        }
        for unit in &mut self.units {
            unit.now = now;
            unit.controller.write_outputs(now, &mut self.cards);
        }
        for at in 0..2 {
            let leads = self.units[1 - at].controller.leads();
            let how = self.units[at].controller.watch(now, leads);
            if how != Watch::Wait {
                self.units[1 - at].controller.cede(now);
                self.units[at].controller.take_over(now, how, "other");
            }
            self.units[at].controller.scan(now, &mut self.cards);
            if let Some((to, due, beat)) = self.units[at].controller.beat(now) {
                self.beats.push((due, to, beat));
            }
        }
    }

    /// Lets the process take the outputs of the last scan, between two scans.
    fn process_step(&mut self) {
        let between = self.now + SimDuration::from_millis(5);
        for unit in &mut self.units {
            unit.controller.write_outputs(between, &mut self.cards);
        }
    }

    fn power_off(&mut self, at: usize) {
        self.process_step();
        let between = self.now + SimDuration::from_millis(5);
        self.units[at].controller.power_off(between);
    }

    fn ticks(&mut self, count: u32) {
        (0..count).for_each(|_| self.tick());
    }

    /// Which of the two is the standby.
    fn standby(&self) -> Vec<bool> {
        let is_standby = |unit: &Bench| unit.controller.is_standby();
        self.units.iter().map(is_standby).collect()
    }

    fn scans(&self, at: usize) -> u64 {
        self.units[at].controller.scans
    }

    fn texts(&mut self, at: usize) -> Vec<String> {
        self.units[at].take_texts()
    }
}

/// The primary scans at 10, 20, ... ms and fails at 495 ms, before its scan at 500 ms. Its last heartbeat was of
/// the scan at 490 ms and arrived 0.5 ms and the scan's own time later, so 60 ms of silence are over at the
/// standby's scan at 560 ms: six scans are missed, those at 500 to 550 ms.
#[test]
fn outputs_when_the_primary_loses_its_power_then_go_on_as_if_nothing_had_happened() {
    const FAILS: u32 = 50;
    const TAKES_OVER: u32 = 56;
    let program = program(60_000);
    let mut alone = Controller::new(config(&program, None));
    let mut undisturbed = Cards::default();
    let mut pair = Two::new([&program, &program], 1);
    let mut held = Cards::default();
    for tick in 1..=150 {
        if tick == FAILS {
            pair.power_off(0);
        }
        pair.tick();
        alone.write_outputs(pair.now, &mut undisturbed);
        alone.scan(pair.now, &mut undisturbed);
        let [scans, ms, late] = pair.cards.0;
        // What a scan has computed is at the cards one tick later.
        if tick <= FAILS {
            assert_eq!(pair.cards, undisturbed, "tick {tick}");
            held = pair.cards;
        } else if tick <= TAKES_OVER {
            assert_eq!(pair.cards, held, "tick {tick}: outputs are held");
        } else {
            assert_eq!(
                scans,
                undisturbed.0[0] - 6.0,
                "tick {tick}: six scans were missed"
            );
            let timer = (ms, late);
            assert_eq!(
                timer,
                (undisturbed.0[1], undisturbed.0[2]),
                "tick {tick}: the timer"
            );
        }
    }
    assert_eq!(pair.cards.0[2], 1.0, "the timer has ended");
    assert_eq!(pair.standby(), [true, false]);
    assert_eq!(
        pair.texts(1),
        [
            "STANDBY-READY standby ready",
            "TAKEOVER took over from other after 69 ms of silence, mode RUN"
        ]
    );
}

#[test]
fn standby_when_it_waits_then_it_has_the_primary_s_state_and_drives_nothing() {
    let program = program(60_000);
    let mut pair = Two::new([&program, &program], 1);
    pair.ticks(100);
    assert_eq!((pair.scans(0), pair.scans(1)), (100, 0));
    let [a, b] = &mut pair.units;
    // The last heartbeat is still on its way.
    assert_eq!(b.controller.runtime.image.qw[0], 99);
    assert_eq!(b.controller.mode(), Mode::Run);
    b.done(Command::Connect { name: "bench" });
    for command in [
        Command::SetMode { mode: Mode::Stop },
        Command::UnforceAll,
        Command::SetScan { scan_ms: 5 },
    ] {
        b.refused(1, command, Reason::WrongState);
    }
    let bank = ImageBank {
        turn: Turn {
            now: b.now,
            client: Some(CLIENT),
            session: &mut b.controller.session,
            runtime: &mut b.controller.runtime,
            config: &b.controller.config,
        },
    };
    let span = Span {
        table: Table::HoldingRegisters,
        address: 0,
        quantity: 1,
    };
    assert_eq!(bank.check(span, Operation::Read), Ok(()));
    let busy = Err(ExceptionCode::ServerDeviceBusy);
    assert_eq!(bank.check(span, Operation::Write), busy);
    // Forces are part of what is taken over.
    a.done(Command::Connect { name: "bench" });
    a.done(Command::Force(Force {
        area: Area::OutputWord,
        index: 2,
        value: 9,
    }));
    pair.ticks(2);
    assert_eq!(pair.units[1].controller.runtime.forces.len(), 1);
}

#[test]
fn image_when_sent_every_third_scan_then_at_most_two_scans_are_done_again() {
    let program = program(60_000);
    let mut pair = Two::new([&program, &program], 3);
    // Images go out in scans 1, 4, ..., 49, so the scan after 50 scans counts to 50 once more.
    pair.ticks(50);
    pair.power_off(0);
    assert_eq!(pair.units[0].controller.scans, 50);
    pair.ticks(8);
    assert_eq!(pair.standby(), [true, false]);
    let done = pair.scans(1);
    let counted = f64::from(u32::try_from(done).expect("few"));
    pair.tick();
    assert_eq!(pair.cards.0[0], 49.0 + counted);
}

#[test]
fn standby_when_the_primary_traps_then_takes_over_and_when_it_traps_too_then_outputs_end() {
    let program = program(80);
    let mut pair = Two::new([&program, &program], 1);
    pair.ticks(79);
    let before = pair.units[0].controller.mode();
    pair.tick();
    assert_eq!(
        (before, pair.units[0].controller.mode()),
        (Mode::Run, Mode::Stop)
    );
    // The standby counts to 80 as well, seven scans later.
    pair.ticks(10);
    assert_eq!(pair.standby(), [true, false]);
    assert_eq!(pair.units[1].controller.mode(), Mode::Stop);
    assert_eq!(pair.cards.0[0], 79.0, "outputs are held");
    pair.ticks(60);
    assert_eq!(
        pair.cards,
        Cards::default(),
        "nobody drives them any longer"
    );
    assert_eq!(
        pair.standby(),
        [true, false],
        "there is nobody to take over"
    );
    let texts = pair.texts(0);
    assert!(
        texts[0].starts_with("FAULT controller stopped"),
        "{texts:?}"
    );
    assert_eq!(
        texts[1],
        "STANDBY-NOT-READY standby not ready: it does not run itself"
    );
}

#[test]
fn standby_when_only_the_primary_is_led_astray_then_takes_over_from_before() {
    let program = program(60_000);
    let mut pair = Two::new([&program, &program], 1);
    pair.ticks(20);
    // A client writes what makes the next scan trap; the last image does not have it.
    pair.units[0].controller.runtime.image.mw[9] = 7;
    pair.ticks(20);
    assert_eq!(pair.units[0].controller.mode(), Mode::Stop);
    assert_eq!(pair.standby(), [true, false]);
    assert_eq!(pair.units[1].controller.mode(), Mode::Run);
    // A restart from afar makes the failed one a standby that is ready.
    pair.units[0].connect();
    pair.units[0].done(Command::Restart { how: Restart::Warm });
    pair.ticks(5);
    let texts = pair.texts(0);
    assert_eq!(
        texts.last().map(String::as_str),
        Some("STANDBY-READY standby ready")
    );
    assert_eq!(pair.standby(), [true, false]);
}

#[test]
fn standby_when_its_program_differs_then_not_ready_until_it_is_loaded() {
    let (program, other) = (program(60_000), super::program(3, ""));
    let mut pair = Two::new([&program, &other], 1);
    pair.ticks(20);
    let expect = "STANDBY-NOT-READY standby not ready: the primary runs another program";
    assert_eq!(pair.texts(1), [expect]);
    let standby = &mut pair.units[1];
    standby.connect();
    standby.send(Content::Program, &program.to_bytes());
    standby.done(Command::Verify);
    standby.refused(
        1,
        Command::Activate {
            how: Activation::Online,
        },
        Reason::WrongState,
    );
    standby.done(Command::Activate {
        how: Activation::Load,
    });
    pair.ticks(20);
    let texts = pair.texts(1);
    assert_eq!(
        texts.last().map(String::as_str),
        Some("STANDBY-READY standby ready")
    );
    assert_eq!((pair.scans(0), pair.scans(1)), (40, 0));
    // What is loaded into the primary makes them differ again.
    let primary = &mut pair.units[0];
    primary.connect();
    primary.send(Content::Program, &other.to_bytes());
    primary.done(Command::Verify);
    primary.done(Command::Activate {
        how: Activation::Online,
    });
    pair.ticks(10);
    assert_eq!(pair.texts(1), [expect]);
    pair.power_off(0);
    pair.ticks(20);
    assert_eq!(pair.standby(), [false, true], "it does not take over");
    assert!(pair.cards.0[0] > 0.0, "outputs are held");
    pair.ticks(40);
    assert_eq!(pair.cards, Cards::default());
}

#[test]
fn link_when_broken_then_no_takeover_and_when_mended_then_ready_again() {
    let program = program(60_000);
    for end in [0, 1] {
        let mut pair = Two::new([&program, &program], 1);
        pair.ticks(20);
        pair.units[end].controller.set_link(false);
        pair.ticks(20);
        assert_eq!(
            pair.standby(),
            [false, true],
            "the primary still drives outputs"
        );
        let expect = "STANDBY-NOT-READY standby not ready: nothing heard of the primary, which drives the outputs";
        assert_eq!(pair.texts(1).last().map(String::as_str), Some(expect));
        pair.units[end].controller.set_link(true);
        pair.ticks(3);
        assert_eq!(pair.texts(1), ["STANDBY-READY standby ready"]);
        pair.units[end].controller.set_link(false);
        pair.ticks(20);
        pair.power_off(0);
        pair.ticks(80);
        assert_eq!(pair.standby(), [false, true], "its image is old by now");
        assert_eq!(pair.cards, Cards::default());
    }
}

#[test]
fn primary_when_its_power_is_back_then_it_is_the_standby() {
    let program = program(60_000);
    let mut pair = Two::new([&program, &program], 1);
    pair.ticks(20);
    pair.power_off(0);
    pair.ticks(20);
    pair.units[0].controller.power_on(pair.now);
    pair.ticks(20);
    assert_eq!(pair.standby(), [true, false]);
    assert_eq!(pair.texts(0), ["STANDBY-READY standby ready"]);
    let before = pair.scans(0);
    pair.power_off(1);
    pair.ticks(20);
    assert_eq!(pair.standby(), [false, true]);
    assert!(pair.scans(0) > before);
    // 80 ticks with two gaps of six scans each; the last scan's output comes with the next tick.
    pair.tick();
    assert_eq!(pair.cards.0[0], 80.0 - 12.0);
}

#[test]
fn pair_when_both_were_off_then_whoever_is_back_first_starts_cold() {
    let program = program(60_000);
    let mut pair = Two::new([&program, &program], 1);
    pair.ticks(20);
    pair.power_off(0);
    pair.ticks(20);
    pair.power_off(1);
    pair.ticks(60);
    assert_eq!(pair.cards, Cards::default());
    // It was left behind as standby, and there is no primary to hear of.
    pair.units[0].controller.power_on(pair.now);
    pair.ticks(20);
    assert_eq!(pair.standby(), [false, true]);
    let texts = pair.texts(0);
    assert_eq!(
        texts,
        ["TAKEOVER took over from other, which nobody has heard since the start: cold start"]
    );
    assert!((1.0..20.0).contains(&pair.cards.0[0]), "{:?}", pair.cards);
    pair.units[1].controller.power_on(pair.now);
    pair.ticks(20);
    assert_eq!(pair.standby(), [false, true]);
    let texts = pair.texts(1);
    assert_eq!(
        texts.last().map(String::as_str),
        Some("STANDBY-READY standby ready")
    );
}

#[test]
fn mode_when_a_client_stops_the_primary_then_the_pair_stops() {
    let program = program(60_000);
    let mut pair = Two::new([&program, &program], 1);
    pair.ticks(20);
    pair.units[0].connect();
    pair.units[0].done(Command::SetMode { mode: Mode::Stop });
    pair.ticks(20);
    assert_eq!(pair.standby(), [false, true], "nobody takes over");
    assert_eq!(pair.cards, Cards::default(), "outputs are off at once");
    pair.power_off(0);
    pair.ticks(20);
    assert_eq!(pair.standby(), [true, false]);
    assert_eq!(
        pair.units[1].controller.mode(),
        Mode::Stop,
        "it stays stopped"
    );
    assert_eq!(pair.scans(1), 0);
}

#[test]
fn standby_when_the_primary_s_firmware_is_changed_then_takes_over_in_run() {
    let program = program(60_000);
    let image = FirmwareImage {
        version: "6.6".to_owned(),
        behavior: Behavior::Dead,
    };
    let mut pair = Two::new([&program, &program], 1);
    pair.ticks(20);
    pair.process_step();
    let primary = &mut pair.units[0];
    primary.connect();
    primary.send(Content::Firmware, &image.to_bytes(None));
    primary.done(Command::Verify);
    primary.done(Command::Activate {
        how: Activation::Load,
    });
    pair.ticks(5);
    assert_eq!(pair.cards.0[0], 20.0, "outputs are held");
    pair.ticks(100);
    assert_eq!(pair.standby(), [true, false]);
    assert_eq!(pair.units[0].controller.mode(), Mode::Stop);
    assert_eq!(pair.units[1].controller.mode(), Mode::Run);
    // 125 ticks and a gap of six scans; the last scan's output comes with the next tick.
    pair.tick();
    assert_eq!(pair.cards.0[0], 125.0 - 6.0);
}

#[test]
fn service_when_somebody_restores_the_primary_then_the_standby_goes_on() {
    let program = program(60_000);
    let mut pair = Two::new([&program, &program], 1);
    pair.ticks(20);
    pair.units[0].controller.begin_service(pair.now);
    pair.ticks(20);
    assert_eq!(pair.standby(), [true, false]);
    assert!(pair.cards.0[0] > 20.0, "{:?}", pair.cards);
    pair.units[0].controller.end_service(pair.now);
    pair.ticks(20);
    assert_eq!(pair.standby(), [true, false]);
    let texts = pair.texts(0);
    assert_eq!(
        texts.last().map(String::as_str),
        Some("STANDBY-READY standby ready")
    );
}
