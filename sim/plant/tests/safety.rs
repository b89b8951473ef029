//! The safety instrumented system of the bottling line: its functions in the whole plant, with its field
//! devices, its controller and the operator who resets it.

mod common;

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use common::{bottling, source, spec, truth};
use sim_kernel::digest::Digest;
use sim_kernel::time::{SimDuration, SimTime};
use sim_plant::{ConnectionId, ConnectionStatus, Label, ProtectionLost, World};
use sim_process::bottling::BottlingConfig;
use sim_wire::modbus::Request;
use sim_wire::modbus::engineering::{Activation, Area, Command, Content, Force};

const FILLER: Ipv4Addr = Ipv4Addr::new(10, 20, 1, 11);
const SAFETY: Ipv4Addr = Ipv4Addr::new(10, 20, 1, 14);

/// PDU addresses of plc-filler: mode and opening of the bowl's inlet valve.
const V20_MODE: u16 = 1029;
const V20_MANUAL: u16 = 1030;

/// PDU addresses of sis-filler: coils and counters.
const TEST: u16 = 1025;
const BYPASS1: u16 = 1032;
const SIF1_COUNTERS: [(&str, u16); 3] = [("demand", 24), ("trip", 25), ("spurious", 26)];

/// Somebody on the cell network with a Modbus client.
struct Plant {
    world: World,
    transaction: u16,
}

impl Plant {
    fn new(change: impl FnOnce(&mut BottlingConfig)) -> Self {
        let world = bottling(1, Some("vendor-laptop"), |config| {
            config.stoppages.enabled = false;
            change(config);
        });
        let mut plant = Self {
            world,
            transaction: 0,
        };
        plant.run_s(300);
        plant
    }

    fn run(&mut self, duration: SimDuration) {
        let until = self.world.now() + duration;
        while self.world.now() < until {
            self.world.run_until(until);
        }
    }

    fn run_s(&mut self, seconds: u64) {
        self.run(SimDuration::from_secs(seconds));
    }

    fn connect(&mut self, controller: Ipv4Addr) -> ConnectionId {
        let mut foothold = self.world.foothold().expect("there is an attacker");
        let link = foothold.connect(controller, 502, Label::BENIGN);
        let link = link.expect("there is room");
        self.run_s(2);
        let foothold = self.world.foothold().expect("there is an attacker");
        assert_eq!(foothold.status(link), ConnectionStatus::Open);
        link
    }

    /// The answer's PDU.
    fn ask(&mut self, link: ConnectionId, request: &Request<'_>) -> Vec<u8> {
        self.transaction += 1;
        let mut adu = Vec::new();
        request.emit_adu(self.transaction, 1, &mut adu);
        let mut foothold = self.world.foothold().expect("there is an attacker");
        foothold.send(link, &adu, Label::BENIGN);
        self.run(SimDuration::from_millis(100));
        let mut foothold = self.world.foothold().expect("there is an attacker");
        foothold.take_bytes(link).split_off(7)
    }

    fn set(&mut self, link: ConnectionId, address: u16, value: u16) {
        let answer = self.ask(link, &Request::WriteSingleRegister { address, value });
        assert_eq!(answer[0], 6);
    }

    fn switch(&mut self, link: ConnectionId, address: u16, on: bool) {
        let answer = self.ask(link, &Request::WriteSingleCoil { address, on });
        assert_eq!(answer[0], 5);
    }

    fn coil(&mut self, link: ConnectionId, address: u16) -> bool {
        let request = Request::ReadCoils {
            address,
            quantity: 1,
        };
        self.ask(link, &request)[2] & 1 == 1
    }

    fn word(&mut self, link: ConnectionId, marker: u16) -> u16 {
        let request = Request::ReadHoldingRegisters {
            address: 1024 + marker,
            quantity: 1,
        };
        let answer = self.ask(link, &request);
        u16::from_be_bytes([answer[2], answer[3]])
    }

    /// Demand, trip and spurious trip of SIF-1 as the controller counts them.
    fn evidence(&mut self, link: ConnectionId) -> [u16; 3] {
        SIF1_COUNTERS.map(|(_, marker)| self.word(link, marker))
    }

    /// Opens the inlet of the bowl by hand, and again and again: the operator closes it.
    fn pour(&mut self, seconds: u64) {
        let filler = self.connect(FILLER);
        for _ in 0..seconds {
            self.set(filler, V20_MANUAL, 1000);
            self.set(filler, V20_MODE, 1);
            self.run(SimDuration::from_millis(800));
        }
    }

    /// Forces entries of the safety controller, in its engineering session.
    fn force(&mut self, link: ConnectionId, session: u8, area: Area, index: u16, value: u16) {
        let force = Command::Force(Force { area, index, value });
        self.command(link, session, &force);
    }

    fn command(&mut self, link: ConnectionId, session: u8, command: &Command<'_>) {
        let mut message = Vec::new();
        command.emit(session, &mut message);
        let answer = self.ask(link, &Request::Engineering(&message));
        assert_eq!(answer.get(2..4), Some(&[command.operation(), 0xFE][..]));
    }

    /// Loads a program into the safety controller and lets it go on with it at once, in its session.
    fn load(&mut self, link: ConnectionId, session: u8, program: &[u8]) {
        let size = u32::try_from(program.len()).expect("it is short");
        let begin = Command::DownloadBegin {
            content: Content::Program,
            size,
            digest: Digest::of(program).0,
        };
        self.command(link, session, &begin);
        let mut offset = 0;
        for bytes in program.chunks(240) {
            self.command(link, session, &Command::DownloadBlock { offset, bytes });
            offset += u32::try_from(bytes.len()).expect("it is short");
        }
        self.command(link, session, &Command::Verify);
        let how = Activation::Online;
        self.command(link, session, &Command::Activate { how });
    }

    fn lost(&self) -> ProtectionLost {
        let facts = self.world.safety_facts();
        facts.expect("the line has a safety system").lost
    }

    fn truth(&self, column: &str) -> f64 {
        truth(&self.world, column)
    }

    /// Demands, trips, missed, spurious and tests of SIF-1 by the physics.
    fn sif1(&self) -> [f64; 5] {
        ["demands", "trips", "missed", "spurious", "tests"]
            .map(|count| self.truth(&format!("sif1_{count}")))
    }
}

#[test]
fn bowl_when_the_inlet_is_opened_by_hand_then_the_supply_is_shut_and_reset_by_the_operator() {
    let mut plant = Plant::new(|_| {});
    assert_eq!(plant.truth("xv20_open"), 1.0, "reset after power-up");
    plant.pour(150);
    assert_eq!(plant.truth("xv20_open"), 0.0, "the valve has closed");
    assert_eq!(plant.sif1(), [1.0, 1.0, 0.0, 0.0, 0.0]);
    assert_eq!(plant.truth("overflow_l"), 0.0);
    assert_eq!(plant.truth("sif1_unprotected_s"), 0.0);
    let safety = plant.connect(SAFETY);
    assert_eq!(plant.evidence(safety), [1, 1, 0]);
    plant.run_s(900);
    assert_eq!(plant.truth("xv20_open"), 1.0, "the operator has reset it");
    let lost = plant.lost();
    assert_eq!((lost.bypass_s, lost.impaired_s), (0, 0));
}

#[test]
fn bowl_when_the_valve_sticks_then_the_demand_is_missed_and_it_runs_over() {
    let mut plant = Plant::new(|config| config.sis.element_mtbf_s = 150.0);
    assert!(plant.truth("sis_failed_devices") >= 1.0, "it has stuck");
    assert_eq!(plant.truth("xv20_open"), 1.0, "and nobody knows");
    plant.pour(180);
    assert!(plant.truth("overflow_l") > 1.0);
    let [demands, trips, missed, spurious, _] = plant.sif1();
    assert_eq!([demands, trips, missed, spurious], [1.0, 0.0, 1.0, 0.0]);
    assert!(plant.truth("sif1_unprotected_s") > 0.0);
    let safety = plant.connect(SAFETY);
    assert_eq!(
        plant.evidence(safety),
        [1, 1, 0],
        "it believes that it acted"
    );
    assert!(
        plant.coil(safety, 1054),
        "and sees that the valve did not move"
    );
}

#[test]
fn transmitters_when_one_fails_then_no_trip_and_when_two_fail_then_a_spurious_one() {
    let mut plant = Plant::new(|_| {});
    let safety = plant.connect(SAFETY);
    plant.command(safety, 0, &Command::Connect { name: "it" });
    plant.force(safety, 1, Area::InputWord, 0, 27_648);
    plant.run_s(5);
    assert_eq!(plant.word(safety, 20), 1, "one of three votes");
    assert_eq!(plant.truth("xv20_open"), 1.0);
    plant.force(safety, 1, Area::InputWord, 2, 0);
    plant.run_s(5);
    assert_eq!(plant.word(safety, 20), 2, "below the range is failed too");
    assert_eq!(plant.truth("xv20_open"), 0.0);
    assert_eq!(plant.evidence(safety), [0, 1, 1]);
    assert_eq!(plant.sif1(), [0.0, 0.0, 0.0, 1.0, 0.0]);
    let lost = plant.lost();
    assert!(
        lost.impaired_s >= 10,
        "forced is not commissioned: {lost:?}"
    );
}

#[test]
fn transmitters_when_all_wear_out_then_a_spurious_trip_and_the_technician_mends_them() {
    let mut plant = Plant::new(|config| config.sis.transmitter_mtbf_s = 2_000.0);
    let mut failed = 0.0;
    for _ in 0..7_200 {
        plant.run_s(1);
        let now = plant.truth("sis_failed_devices");
        assert!(now <= 4.0);
        if now < failed {
            failed = -1.0; // Mended.
            break;
        }
        failed = now;
    }
    assert_eq!(failed, -1.0, "somebody has been called");
    assert_eq!(plant.truth("overflow_l"), 0.0);
}

#[test]
fn bypass_when_the_key_is_not_turned_then_it_falls_and_under_the_key_the_demand_is_missed() {
    let mut plant = Plant::new(|_| {});
    let safety = plant.connect(SAFETY);
    plant.switch(safety, BYPASS1, true);
    assert!(!plant.coil(safety, BYPASS1), "no key, no bypass");
    // Whoever holds the engineering session turns the key without a hand on it.
    plant.command(safety, 0, &Command::Connect { name: "it" });
    plant.force(safety, 1, Area::InputBit, 2, 1);
    plant.switch(safety, BYPASS1, true);
    plant.run_s(2);
    assert!(plant.coil(safety, BYPASS1));
    // The operator would end it: the alarm is kept quiet, and the bypass is held.
    plant.force(safety, 1, Area::MarkerBit, 27, 0);
    plant.force(safety, 1, Area::MarkerBit, 8, 1);
    plant.pour(180);
    assert!(plant.truth("overflow_l") > 1.0);
    let [demands, trips, missed, spurious, _] = plant.sif1();
    assert_eq!([demands, trips, missed, spurious], [1.0, 0.0, 1.0, 0.0]);
    let lost = plant.lost();
    assert!(lost.bypass_s > 150, "{lost:?}");
    let safety = plant.connect(SAFETY);
    assert_eq!(plant.evidence(safety), [1, 0, 0]);
}

#[test]
fn proof_test_when_the_valve_moves_then_passed_and_when_it_sticks_then_found() {
    for (mtbf_s, failures) in [(0.0, 0), (150.0, 1)] {
        let mut plant = Plant::new(|config| config.sis.element_mtbf_s = mtbf_s);
        let safety = plant.connect(SAFETY);
        plant.switch(safety, TEST, true);
        plant.run_s(10);
        assert_eq!(plant.word(safety, 27), 0, "no test without the key");
        plant.command(safety, 0, &Command::Connect { name: "it" });
        plant.force(safety, 1, Area::InputBit, 2, 1);
        plant.switch(safety, TEST, true);
        plant.run_s(15);
        assert_eq!(plant.word(safety, 27), 1, "one test");
        assert_eq!(plant.word(safety, 28), failures, "mean time {mtbf_s} s");
        assert_eq!(plant.coil(safety, 1055), failures == 1, "its alarm");
        if failures == 0 {
            let stroke_ms = plant.word(safety, 22);
            assert!((1_900..2_300).contains(&stroke_ms), "{stroke_ms} ms");
            assert_eq!(plant.truth("xv20_open"), 1.0);
        }
        assert_eq!(plant.truth("sif1_demands"), 0.0);
    }
}

#[test]
fn winding_when_its_only_sensor_fails_then_m2_is_off_and_the_filler_waits_for_the_reset() {
    let mut plant = Plant::new(|_| {});
    let safety = plant.connect(SAFETY);
    plant.command(safety, 0, &Command::Connect { name: "it" });
    plant.force(safety, 1, Area::InputWord, 3, 27_648);
    plant.run_s(2);
    plant.command(safety, 1, &Command::UnforceAll);
    plant.run_s(60);
    assert_eq!(plant.truth("k22_closed"), 0.0, "one of one decides");
    assert_eq!(plant.truth("sif2_spurious"), 1.0);
    let before = plant.truth("bottles_filled");
    plant.run_s(300);
    assert_eq!(plant.truth("bottles_filled"), before);
    plant.run_s(900);
    assert_eq!(plant.truth("k22_closed"), 1.0, "the operator has reset it");
    assert!(
        plant.truth("bottles_filled") > before + 100.0,
        "and it goes on"
    );
}

#[test]
fn controller_when_it_leaves_run_then_valve_and_contactor_go_to_their_safe_positions() {
    let mut plant = Plant::new(|_| {});
    let safety = plant.connect(SAFETY);
    plant.command(safety, 0, &Command::Connect { name: "it" });
    let stop = Command::SetMode {
        mode: sim_plant::Mode::Stop,
    };
    plant.command(safety, 1, &stop);
    plant.run_s(3);
    assert_eq!(
        (plant.truth("xv20_open"), plant.truth("k22_closed")),
        (0.0, 0.0)
    );
    assert_eq!(plant.truth("m2_belt_m_per_s"), 0.0);
    assert_eq!(plant.sif1()[3], 1.0, "nobody asked for it");
    assert!(plant.world.now() > SimTime::from_secs(300));
}

#[test]
fn program_when_its_limit_is_raised_over_the_network_then_no_demand_is_seen_and_none_answered() {
    let golden = source("safety.st");
    let limit = "LEVEL_TRIP    : REAL := 0.53;";
    assert!(golden.contains(limit));
    // Above the edge of the bowl, and still inside the measuring range.
    let changed = golden.replace(limit, "LEVEL_TRIP    : REAL := 0.60;");
    let program = sim_st::compile(&changed, "safety.st").expect("one number differs");
    let mut plant = Plant::new(|_| {});
    let safety = plant.connect(SAFETY);
    plant.command(safety, 0, &Command::Connect { name: "it" });
    plant.load(safety, 1, &program.to_bytes());
    plant.run_s(2);
    assert_eq!(plant.truth("xv20_open"), 1.0, "the change trips nothing");
    let loaded_at = plant.world.now();
    plant.pour(180);
    assert!(plant.truth("overflow_l") > 1.0);
    let [demands, trips, missed, spurious, _] = plant.sif1();
    assert_eq!([demands, trips, missed, spurious], [1.0, 0.0, 1.0, 0.0]);
    assert!(plant.truth("sif1_unprotected_s") > 60.0);
    let lost = plant.lost();
    let since = (plant.world.now() - loaded_at).as_nanos() / 1_000_000_000;
    assert_eq!(lost.bypass_s, 0);
    assert!(
        lost.impaired_s.abs_diff(since) <= 5,
        "{lost:?} in the {since} s since the load"
    );
    let safety = plant.connect(SAFETY);
    assert_eq!(
        plant.evidence(safety),
        [0, 0, 0],
        "its word is worth nothing"
    );
}

#[test]
fn wiring_when_read_then_the_safety_controller_shares_no_device_with_the_control_system() {
    let spec = spec();
    let points = |is_safety: bool| {
        let controllers = spec.controllers.iter();
        let controllers = controllers.filter(move |one| one.safety.is_some() == is_safety);
        let wires = controllers.flat_map(|one| one.inputs.iter().chain(&one.outputs));
        wires
            .map(|wire| wire.point.as_str())
            .collect::<BTreeSet<_>>()
    };
    let (safety, control) = (points(true), points(false));
    let expect = [
        "HS20", "K22", "K22_CL", "LT21A", "LT21B", "LT21C", "TS22", "XV20", "ZSC20", "ZSO20",
    ];
    assert_eq!(safety, BTreeSet::from(expect));
    // The contactor tells the filler, by a contact of its own, that its motor has no supply.
    assert_eq!(
        safety.intersection(&control).collect::<Vec<_>>(),
        [&"K22_CL"]
    );
}
