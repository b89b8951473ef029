//! The engineering session over the network: an intruder's commands, and what the workstation writes.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::Arc;

use sim_kernel::time::{SimDuration, SimTime};
use sim_plant::observe::Keep;
use sim_plant::{ConnectionStatus, Label, Mode, PlantSpec, World, WorldOptions};
use sim_wire::modbus::engineering::{Area, Command, Content, Force, files};
use sim_wire::modbus::{FileSpan, FileWrites, Request};

const PLC: Ipv4Addr = Ipv4Addr::new(10, 20, 1, 11);

fn world() -> World {
    let text = r#"Plant(
        schema: 1, name: "p", title: "P", process: Nothing,
        networks: [(name: "cell", zone: "cell", switch: "sw", subnet: "10.20.1.0/24")],
        hosts: [
            (name: "plc-1", role: Plc, network: "cell", ip: "10.20.1.11", firmware: "1.0"),
            (name: "ews-1", role: EngineeringWorkstation, network: "cell", ip: "10.20.1.31"),
            (name: "laptop", role: Laptop, network: "cell", ip: "10.20.1.66"),
        ],
        controllers: [(host: "plc-1", program: "p.st", scan_ms: 10, inputs: [], outputs: [])],
        tags: [(name: "n", controller: "plc-1", address: "%MW0", kind: Uint)],
        workstations: [(host: "ews-1", poll_ms: 5000)],
    )"#;
    let spec: PlantSpec = ron::from_str(text).expect("the plant is well-formed");
    let source = "PROGRAM P VAR n AT %MW0 : UINT; END_VAR n := n + 1; END_PROGRAM";
    let program = sim_st::compile(source, "p.st").expect("the program is right");
    let programs = BTreeMap::from([("p.st".to_owned(), Arc::new(program))]);
    let options = WorldOptions {
        attacker: Some("laptop".to_owned()),
        keep: Keep::ALL,
        ..WorldOptions::default()
    };
    World::new(&spec, &programs, &options).expect("the plant is right")
}

/// Runs on, whatever the attacker's host sees.
fn run(world: &mut World, until: SimTime) {
    while world.now() < until {
        world.run_until(until);
    }
}

fn lines(world: &mut World, kind: &str) -> Vec<(u8, String)> {
    let logs = &world.observations().logs;
    let of_kind = logs.iter().filter(|line| line.kind == kind);
    of_kind
        .map(|line| (line.severity, line.text.clone()))
        .collect()
}

#[test]
fn workstation_when_nothing_was_changed_then_no_warning() {
    let mut world = world();
    run(&mut world, SimTime::from_secs(20));
    let checks = lines(&mut world, "PROGRAM-CHECK");
    assert_eq!(checks.len(), 4, "{checks:?}");
    assert!(checks.iter().all(|(severity, _)| *severity == 6));
    assert!(
        checks[0]
            .1
            .contains("mode RUN key REMOTE forces 0 scan 10 ms firmware 1.0 faults 0")
    );
}

#[test]
fn intruder_when_it_stops_the_controller_then_the_log_and_the_workstation_tell() {
    let mut world = world();
    run(&mut world, SimTime::from_secs(2));
    let mut foothold = world.foothold().expect("there is an attacker");
    let link = foothold
        .connect(PLC, 502, Label::BENIGN)
        .expect("there is room");
    run(&mut world, SimTime::from_secs(3));
    let force = Force {
        area: Area::MarkerWord,
        index: 0,
        value: 9,
    };
    let commands = [
        (0, Command::Connect { name: "it" }),
        (1, Command::Force(force)),
        (1, Command::SetMode { mode: Mode::Stop }),
    ];
    for (transaction, (id, command)) in (1..).zip(commands) {
        let (mut message, mut adu) = (Vec::new(), Vec::new());
        command.emit(id, &mut message);
        Request::Engineering(&message).emit_adu(transaction, 1, &mut adu);
        let mut foothold = world.foothold().expect("there is an attacker");
        assert_eq!(foothold.status(link), ConnectionStatus::Open);
        foothold.send(link, &adu, Label::BENIGN);
        let until = world.now() + SimDuration::from_millis(100);
        run(&mut world, until);
        let mut foothold = world.foothold().expect("there is an attacker");
        let answer = foothold.take_bytes(link);
        assert_eq!(answer.get(9..11), Some(&[command.operation(), 0xFE][..]));
    }
    assert_eq!(world.mode("plc-1"), Some(Mode::Stop));
    run(&mut world, SimTime::from_secs(10));
    assert!(
        lines(&mut world, "MODE")[0]
            .1
            .ends_with("(from 10.20.1.66)")
    );
    assert_eq!(lines(&mut world, "FORCE").len(), 1);
    let warnings = lines(&mut world, "PROGRAM-CHECK");
    let expect = "plc-1 differs from the project: not in RUN, forces";
    assert!(warnings.contains(&(4, expect.to_owned())), "{warnings:?}");
}

#[test]
fn intruder_when_it_writes_file_records_then_the_log_names_its_address() {
    let mut world = world();
    run(&mut world, SimTime::from_secs(2));
    let mut foothold = world.foothold().expect("there is an attacker");
    let link = foothold
        .connect(PLC, 502, Label::BENIGN)
        .expect("there is room");
    run(&mut world, SimTime::from_secs(3));
    let begin = Command::DownloadBegin {
        content: Content::Program,
        size: 2,
        digest: [0; 32],
    };
    for (transaction, order, expect) in [(1, begin, 0x15), (2, Command::Verify, 0x95)] {
        let records = files::order_records(&order).expect("it is an order");
        let target = FileSpan {
            file: files::ORDER_FILE,
            record: 0,
            quantity: u16::try_from(records.len()).expect("short"),
        };
        let (mut group, mut adu) = (Vec::new(), Vec::new());
        target.put(&mut group);
        group.extend(records.iter().flat_map(|record| record.to_be_bytes()));
        let writes = FileWrites::from_wire(&group).expect("a whole group");
        Request::WriteFileRecord(writes).emit_adu(transaction, 1, &mut adu);
        let mut foothold = world.foothold().expect("there is an attacker");
        foothold.send(link, &adu, Label::BENIGN);
        let until = world.now() + SimDuration::from_millis(100);
        run(&mut world, until);
        let mut foothold = world.foothold().expect("there is an attacker");
        assert_eq!(foothold.take_bytes(link).get(7), Some(&expect), "{order:?}");
    }
    let expect = "engineering session opened by file records (from 10.20.1.66)";
    assert_eq!(lines(&mut world, "SESSION"), [(6, expect.to_owned())]);
}
