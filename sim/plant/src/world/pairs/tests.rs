//! Pairs on a network: whom clients talk to before, during and after a takeover.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::Arc;

use sim_kernel::time::{SimDuration, SimTime};
use sim_wire::{FrameSummary, MacAddr, arp};

use crate::observe::{Keep, Quality};
use crate::physics::ControllerAct;
use crate::spec::{HostSpec, PlantSpec, StandbySpec};
use crate::{ProtectionLost, World, WorldOptions};

const PAIR: Ipv4Addr = Ipv4Addr::new(10, 20, 1, 11);
const STANDBY: Ipv4Addr = Ipv4Addr::new(10, 20, 1, 12);
/// By default a hardware address ends in the address that the plant file gives.
const MAC_A: MacAddr = MacAddr([0x02, 0x54, 0x57, 0x14, 1, 11]);
const MAC_B: MacAddr = MacAddr([0x02, 0x54, 0x57, 0x14, 1, 12]);

/// A pair and a screen; an operator who sees the count above 3000 switches `plc-a` off.
fn world() -> World {
    let text = r#"#![enable(implicit_some)]
    Plant(
        schema: 1, name: "p", title: "P", process: Nothing,
        networks: [(name: "cell", zone: "cell", switch: "sw", subnet: "10.20.1.0/24", span: "cell")],
        hosts: [
            (name: "plc-a", role: Plc, network: "cell", ip: "10.20.1.11"),
            (name: "plc-b", role: Plc, network: "cell", ip: "10.20.1.12"),
            (name: "hmi-1", role: Hmi, network: "cell", ip: "10.20.1.21"),
        ],
        controllers: [(
            host: "plc-a", program: "p.st", scan_ms: 10, inputs: [], outputs: [],
            standby: (host: "plc-b", takeover_after_ms: 60), safety: (bypasses: ["override"]),
        )],
        tags: [
            (name: "n", controller: "plc-a", address: "%MW0", kind: Uint),
            (name: "override", controller: "plc-a", address: "%MX0.0", kind: Bool),
        ],
        alarms: [(
            name: "full", tag: "n", when: Above(3000), priority: High, text: "it has counted enough",
            procedure: "off",
        )],
        hmis: [(host: "hmi-1", poll_ms: 500)],
        operators: [(
            name: "operator", hmi: "hmi-1", reaction_median_s: 1.0, reaction_sigma: 0.0,
            procedures: [(name: "off", steps: [Work(act: "PowerOff(plc-a)", median_s: 1.0)])],
        )],
    )"#;
    let spec: PlantSpec = ron::from_str(text).expect("the plant is well-formed");
    let source = "PROGRAM P VAR n AT %MW0 : UINT; END_VAR n := n + 1; END_PROGRAM";
    let program = sim_st::compile(source, "p.st").expect("the program is right");
    let programs = BTreeMap::from([("p.st".to_owned(), Arc::new(program))]);
    let options = WorldOptions {
        keep: Keep::ALL,
        ..WorldOptions::default()
    };
    World::new(&spec, &programs, &options).expect("the plant is right")
}

/// Kind and text of the lines that a host has written.
fn lines(world: &mut World, host: &str) -> Vec<String> {
    let logs = &world.observations().logs;
    let of_host = logs.iter().filter(|line| line.host == host);
    of_host
        .map(|line| format!("{} {}", line.kind, line.text))
        .collect()
}

/// Who has announced which address, in order.
fn announcements(world: &mut World) -> Vec<(MacAddr, Ipv4Addr)> {
    let observed = world.observations();
    let mut list = Vec::new();
    for frame in &observed.frames {
        let summary = FrameSummary::of(observed.bytes(frame)).expect("whole");
        let announced = summary.arp.filter(arp::Repr::is_gratuitous);
        list.extend(announced.map(|arp| (arp.sender_mac, arp.sender_ip)));
    }
    list
}

fn believed(world: &World) -> (f64, Quality) {
    let belief = world.beliefs("hmi-1").expect("it is a screen")[0];
    (belief.value, belief.quality)
}

/// `plc-a` scans at 1, 11, ... ms and `plc-b` at 2, 12, ... ms. The heartbeat of 4991 ms arrives half a
/// millisecond later, so the scan at 5052 ms is the first that has heard nothing for 60 ms.
#[test]
fn clients_when_the_primary_fails_then_find_the_other_at_the_same_address() {
    let mut world = world();
    world.run_until(SimTime::from_secs(5));
    assert_eq!(world.is_standby("plc-b"), Some(true));
    let (before, quality) = believed(&world);
    assert_eq!(quality, Quality::Good);
    world.power_off(SimTime::from_secs(5), 0);
    world.run_until(SimTime::from_secs(8));
    assert_eq!(world.is_standby("plc-b"), Some(false));
    assert_eq!(announcements(&mut world), [(MAC_B, PAIR)]);
    let (value, quality) = believed(&world);
    assert_eq!(
        quality,
        Quality::Good,
        "the screen reads the other controller"
    );
    assert!(
        value > before + 200.0,
        "{before} to {value}: it goes on counting"
    );
    let expect = [
        "STANDBY-READY standby ready",
        "TAKEOVER took over from plc-a after 60 ms of silence, mode RUN",
    ];
    assert_eq!(lines(&mut world, "plc-b"), expect);

    world.power_on(SimTime::from_secs(8), 0);
    world.run_until(SimTime::from_secs(10));
    assert_eq!(world.is_standby("plc-a"), Some(true));
    assert_eq!(announcements(&mut world), [(MAC_B, PAIR), (MAC_A, STANDBY)]);
    let expect = [
        "COLD-START cold start: power on",
        "STANDBY-READY standby ready",
    ];
    assert_eq!(lines(&mut world, "plc-a"), expect);
}

/// The takeover is over long before the end of the second in which it happens.
#[test]
fn safety_pair_when_its_primary_fails_then_the_standby_protects_and_without_both_nobody_does() {
    let mut world = world();
    let lost = |world: &World| world.safety_facts().expect("it is a pair of them").lost;
    let at = |seconds: u64| SimTime::from_secs(seconds) + SimDuration::from_millis(200);
    world.run_until(at(5));
    world.power_off(at(5), 0);
    world.run_until(at(10));
    assert_eq!(world.is_standby("plc-b"), Some(false));
    assert_eq!(lost(&world), ProtectionLost::default());
    world.power_off(at(10), 1);
    world.run_until(at(14));
    assert_eq!(lost(&world).impaired_s, 4);
}

#[test]
fn primary_when_it_stops_by_itself_then_both_announce_their_new_addresses() {
    let mut world = world();
    world.run_until(SimTime::from_secs(5));
    world.controllers[0].begin_service(SimTime::from_secs(5));
    world.run_until(SimTime::from_secs(6));
    assert_eq!(announcements(&mut world), [(MAC_A, STANDBY), (MAC_B, PAIR)]);
}

/// The count passes 3000 after 30 s; the screen sees it within half a second, the operator is there a second
/// later and takes another one.
#[test]
fn person_when_it_switches_the_primary_off_then_the_pair_goes_on() {
    let mut world = world();
    world.run_until(SimTime::from_secs(31));
    assert_eq!(world.is_standby("plc-a"), Some(false));
    world.run_until(SimTime::from_secs(40));
    assert_eq!(world.is_standby("plc-a"), Some(true));
    let (value, quality) = believed(&world);
    assert!(
        value > 3_800.0 && quality == Quality::Good,
        "{value} {quality:?}"
    );
}

#[test]
fn run_when_repeated_then_takeovers_and_digests_are_the_same() {
    let digest = || {
        let mut world = world();
        world.run_until(SimTime::from_secs(60));
        world.digest()
    };
    assert_eq!(digest(), digest());
}

/// The shipped line with a standby for the filler. `fails`: when the primary loses its power.
fn bottling(fails: Option<SimTime>) -> World {
    let text = include_str!("../../../../../scenarios/bottling/plant.ron");
    let mut spec: PlantSpec = ron::from_str(text).expect("the shipped plant is right");
    let filler = spec.hosts.iter().find(|host| host.name == "plc-filler");
    let standby = HostSpec {
        name: "plc-filler-b".to_owned(),
        ip: Ipv4Addr::new(10, 20, 1, 111),
        ..filler.expect("there is a filler").clone()
    };
    spec.hosts.push(standby);
    let controller = spec.controllers.iter_mut().find(|c| c.host == "plc-filler");
    controller.expect("there is a filler").standby = Some(StandbySpec {
        host: "plc-filler-b".to_owned(),
        sync_every_scans: 1,
        sync_us: 500,
        takeover_after_ms: 60,
        hold_ms: 1_500,
    });
    let program = |name: &str, source: &str| {
        let program = sim_st::compile(source, name).expect("the shipped programs are right");
        (name.to_owned(), Arc::new(program))
    };
    let programs = BTreeMap::from([
        program(
            "filler.st",
            include_str!("../../../../../scenarios/bottling/filler.st"),
        ),
        program(
            "conveyor.st",
            include_str!("../../../../../scenarios/bottling/conveyor.st"),
        ),
        program(
            "packaging.st",
            include_str!("../../../../../scenarios/bottling/packaging.st"),
        ),
        program(
            "safety.st",
            include_str!("../../../../../scenarios/bottling/safety.st"),
        ),
    ]);
    let options = WorldOptions::default();
    let mut world = World::new(&spec, &programs, &options).expect("the plant is right");
    if let Some(at) = fails {
        world.run_until(at);
        let filler = world
            .controllers
            .iter()
            .position(|c| c.config.name == "plc-filler");
        world.power_off(at, filler.expect("there is a filler"));
    }
    world.run_until(SimTime::from_secs(1_800));
    world
}

/// The gap is at most 100 ms of a filler's cycle of 12 s, so at most one batch of 12 bottles is not yet
/// filled at the end.
#[test]
fn line_when_the_filler_s_primary_fails_then_no_bottle_is_lost() {
    let undisturbed = bottling(None);
    let fails = SimTime::from_secs(900) + SimDuration::from_millis(7);
    let mut disturbed = bottling(Some(fails));
    assert_eq!(disturbed.is_standby("plc-filler"), Some(true));
    let (expect, made) = (undisturbed.production(), disturbed.production());
    assert!(
        made.filled > 1_000 && expect.filled - made.filled <= 12,
        "{made:?}"
    );
    let lost = |p: &sim_process::production::Production| p.fallen + p.broken + p.scrapped;
    assert_eq!(lost(made), lost(expect));
    disturbed.conservation().expect("nothing is lost");
    let takeovers: Vec<String> = lines(&mut disturbed, "plc-filler-b")
        .into_iter()
        .filter(|line| line.starts_with("TAKEOVER"))
        .collect();
    assert_eq!(takeovers.len(), 1, "{takeovers:?}");
}

/// A start by hand takes five seconds; who switches off in the meantime has the last word.
#[test]
fn controller_when_switched_off_while_it_starts_then_it_stays_off() {
    let mut world = world();
    world.run_until(SimTime::from_secs(5));
    world.work_at_controller(SimTime::from_secs(5), 0, ControllerAct::Restart);
    world.run_until(SimTime::from_secs(7));
    world.work_at_controller(SimTime::from_secs(7), 0, ControllerAct::PowerOff);
    world.run_until(SimTime::from_secs(15));
    assert!(!world.controllers[0].powered);
    world.work_at_controller(SimTime::from_secs(15), 0, ControllerAct::Restart);
    world.run_until(SimTime::from_secs(21));
    assert!(world.controllers[0].powered);
    assert_eq!(
        world.mode("plc-a"),
        Some(sim_wire::modbus::engineering::Mode::Run)
    );
}
