//! Each action of the engineering session against a controller on a small network, and its refusals.

use std::collections::BTreeMap;
use std::sync::Arc;

use sim_kernel::time::SimTime;
use sim_plant::observe::Keep;
use sim_plant::{Mode, Pause, PlantSpec, Relation, World, WorldOptions};
use sim_wire::FrameSummary;
use twinrange_attacks::{Engine, Outcome, PlantView, Playbook, StepRecord, validate};

const PROGRAM: &str = "PROGRAM P VAR n AT %MW0 : UINT; i AT %IW0 : UINT; o AT %QW0 : UINT; END_VAR
    n := n + 1; o := i; END_PROGRAM";
const CHANGED: &str = "PROGRAM P VAR n AT %MW0 : UINT; i AT %IW0 : UINT; o AT %QW0 : UINT; END_VAR
    n := n + 2; o := i; END_PROGRAM";

/// A plant, and an attacker with two steps at 6 s and 8 s.
struct Bench {
    world: World,
    engine: Engine,
}

fn program(source: &str) -> sim_st::Program {
    sim_st::compile(source, "p.st").expect("the program is right")
}

impl Bench {
    /// # Arguments
    ///
    /// * `engineering` — RON text of the controller's settings.
    /// * `attacker` — host of the attacker.
    fn new(engineering: &str, attacker: &str, actions: &[&str]) -> Self {
        let text = format!(
            r#"#![enable(implicit_some)]
            Plant(
                schema: 1, name: "p", title: "P", process: Nothing,
                networks: [(name: "cell", zone: "cell", switch: "sw", subnet: "10.20.1.0/24", span: "cell")],
                hosts: [
                    (name: "plc-1", role: Plc, network: "cell", ip: "10.20.1.11", firmware: "1.0"),
                    (name: "ews-1", role: EngineeringWorkstation, network: "cell", ip: "10.20.1.31"),
                    (name: "laptop", role: Laptop, network: "cell", ip: "10.20.1.66"),
                ],
                controllers: [(host: "plc-1", program: "p.st", scan_ms: 10, inputs: [], outputs: [],
                    engineering: ({engineering}))],
                tags: [(name: "n", controller: "plc-1", address: "%MW0", kind: Uint)],
                workstations: [(host: "ews-1", poll_ms: 5000)],
            )"#
        );
        let spec: PlantSpec = ron::from_str(&text).expect("the plant is well-formed");
        let golden = Arc::new(program(PROGRAM));
        let programs = BTreeMap::from([("p.st".to_owned(), golden)]);
        let options = WorldOptions {
            attacker: Some(attacker.to_owned()),
            keep: Keep::ALL,
            ..WorldOptions::default()
        };
        let mut world = World::new(&spec, &programs, &options).expect("the plant is right");
        let steps: String = (0_u64..)
            .zip(actions)
            .map(|(n, action)| {
                format!(
                    r#"(id: "s{n}", title: "t", technique: "T0836", plain: "p", intended_effect: "e",
                    start: At("{}s"), timeout: "10min", action: {action}),"#,
                    6 + 2 * n
                )
            })
            .collect();
        let text = format!(
            r#"#![enable(unwrap_variant_newtypes, implicit_some)]
            Playbook(schema: 1, name: "p", title: "t", summary: "s", technique_version: "19",
                targets: {{"plc": Host("plc-1")}}, steps: [{steps}])"#
        );
        let playbook: Playbook =
            ron::from_str(&text).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(validate(&playbook, &spec), []);
        let changed: Arc<[u8]> = program(CHANGED).to_bytes().into();
        let at_hand = BTreeMap::from([("changed.st".to_owned(), changed)]);
        let view = PlantView::of(&spec, attacker).with_programs(at_hand);
        let mut engine = Engine::new(playbook, view, 1);
        engine.start(&mut world.foothold().expect("there is an attacker"));
        Self { world, engine }
    }

    fn run(&mut self, until_s: u64) -> Vec<StepRecord> {
        while self.world.run_until(SimTime::from_secs(until_s)) == Pause::Agent {
            let mut foothold = self.world.foothold().expect("there is an attacker");
            self.engine.on_pause(&mut foothold);
        }
        self.engine.records(self.world.now())
    }

    fn logs(&mut self, kind: &str) -> Vec<String> {
        let logs = &self.world.observations().logs;
        let of_kind = logs.iter().filter(|line| line.kind == kind);
        of_kind.map(|line| line.text.clone()).collect()
    }
}

/// Plays one action and says how it ended, why, and what is known of it.
fn check(engineering: &str, action: &str, outcome: Outcome, says: &str) -> Bench {
    let mut bench = Bench::new(engineering, "laptop", &[action]);
    let records = bench.run(90);
    let [record] = records.as_slice() else {
        panic!("one step");
    };
    let told = format!("{:?} {:?}", record.reason, record.evidence);
    assert_eq!(record.outcome, outcome, "{action}: {told}");
    assert!(told.contains(says), "{action}: `{says}` is not in {told}");
    assert_eq!(
        record.took_hold_at.is_some(),
        outcome == Outcome::Succeeded,
        "{action}"
    );
    assert_eq!(record.hosts, ["plc-1"]);
    bench
}

#[test]
fn program_when_uploaded_then_its_size_and_digest_are_known() {
    let golden = program(PROGRAM);
    let size = golden.to_bytes().len();
    let says = format!(
        "got container of {size} bytes, digest {}",
        &sim_kernel::digest::Digest(golden.digest()).to_string()[..16]
    );
    for key in ["key: Remote", "key: Run"] {
        check(
            key,
            r#"UploadProgram(target: "plc")"#,
            Outcome::Succeeded,
            &says,
        );
    }
}

#[test]
fn program_when_downloaded_then_it_runs_and_the_session_is_given_back() {
    for activation in ["Online", "Load"] {
        let action = format!(
            r#"DownloadProgram(target: "plc", program: "changed.st", activation: {activation})"#
        );
        let mut bench = check("", &action, Outcome::Succeeded, "accepted program");
        let checks = bench.logs("PROGRAM-CHECK");
        let expect = "plc-1 differs from the project: another program";
        assert!(checks.iter().any(|line| line == expect), "{checks:?}");
        assert!(bench.logs("SESSION")[0].contains("engineering"));
        assert_eq!(bench.world.mode("plc-1"), Some(Mode::Run), "{activation}");
    }
}

#[test]
fn controller_when_it_is_locked_then_the_step_fails_and_says_why() {
    let download = r#"DownloadProgram(target: "plc", program: "changed.st")"#;
    check(
        "key: Run",
        download,
        Outcome::Failed,
        "refused begin download: the key switch does not allow it",
    );
    let locked = r#"password: "right""#;
    check(locked, download, Outcome::Failed, "asks for a password");
    let with = |password: &str| {
        format!(
            r#"DownloadProgram(target: "plc", program: "changed.st", client: (password: "{password}"))"#
        )
    };
    check(locked, &with("wrong"), Outcome::Failed, "wrong password");
    check(
        locked,
        &with("right"),
        Outcome::Succeeded,
        "accepted program",
    );
    let firmware = r#"Firmware(target: "plc", version: "6.6", image: Dead)"#;
    let signed = r#"firmware_key: "vendor", firmware_s: 2"#;
    check(signed, firmware, Outcome::Failed, "signature");
    let stolen = r#"Firmware(target: "plc", version: "6.6", image: Normal, key: "vendor")"#;
    check(signed, stolen, Outcome::Succeeded, "firmware 6.6");
}

#[test]
fn modes_when_commanded_then_the_controller_obeys() {
    let mode = r#"SetMode(target: "plc", mode: Stop)"#;
    let bench = check("", mode, Outcome::Succeeded, "mode STOP");
    assert_eq!(bench.world.mode("plc-1"), Some(Mode::Stop));
    let restart = r#"Restart(target: "plc", how: Cold)"#;
    check(
        "",
        restart,
        Outcome::Succeeded,
        "cold restart, acknowledged",
    );
    let dead = r#"Firmware(target: "plc", version: "6.6", image: Dead)"#;
    let bench = check("", dead, Outcome::Succeeded, "mode STOP, firmware 6.6");
    assert_eq!(bench.world.mode("plc-1"), Some(Mode::Stop));
    let mut bench = Bench::new(
        "firmware_s: 1",
        "laptop",
        &[dead, r#"SetMode(target: "plc", mode: Run)"#],
    );
    let records = bench.run(30);
    assert_eq!(records[1].outcome, Outcome::Failed, "{records:?}");
    let mut bench = check(
        "",
        r#"ChangeTask(target: "plc", scan_ms: 250)"#,
        Outcome::Succeeded,
        "scan period 250 ms",
    );
    let checks = bench.logs("PROGRAM-CHECK");
    assert!(
        checks
            .iter()
            .any(|line| line.ends_with("another scan period"))
    );
}

#[test]
fn force_when_set_and_let_go_then_the_image_follows() {
    let set = r#"Force(target: "plc", set: [
        (at: Tag("n"), value: 77), (at: Address("%IW0"), value: 500), (at: Address("%IX1.3"), value: 1)])"#;
    let let_go = r#"Force(target: "plc", release: [Tag("n")])"#;
    let mut bench = Bench::new("", "laptop", &[set, let_go, let_go]);
    let records = bench.run(30);
    let outcomes: Vec<_> = records.iter().map(|record| record.outcome).collect();
    // What is not forced cannot be let go.
    let expect = [Outcome::Succeeded, Outcome::Succeeded, Outcome::Failed];
    assert_eq!(outcomes, expect, "{records:?}");
    assert!(
        records[0]
            .evidence
            .iter()
            .any(|line| line.contains("%MW 0 forced to 77"))
    );
    let checks = bench.logs("PROGRAM-CHECK");
    assert!(
        checks.iter().any(|line| line.contains(" forces 2 ")),
        "{checks:?}"
    );
    let all = r#"Force(target: "plc", release_all: true, set: [(at: Address("%QW0"), value: 9)])"#;
    check("", all, Outcome::Succeeded, "nothing forced any longer");
}

#[test]
fn session_when_somebody_else_holds_it_then_the_attacker_waits_for_its_end() {
    // The first step is cut short while it reads, and leaves its session behind.
    let slow = r#"UploadProgram(target: "plc", client: (requests_per_s: 0.5))"#;
    let mut bench = Bench::new(
        "session_timeout_s: 10",
        "laptop",
        &[slow, r#"SetMode(target: "plc", mode: Stop)"#],
    );
    let records = bench.run(60);
    assert_eq!(records[0].outcome, Outcome::Succeeded, "{records:?}");
    assert_eq!(records[1].outcome, Outcome::Succeeded, "{records:?}");
    let waited = "plc-1 refused connect: another client holds the session";
    assert!(
        records[1].evidence.iter().any(|line| line == waited),
        "{records:?}"
    );
}

/// What an attacker on the engineering workstation does is told from what the workstation itself does.
#[test]
fn frames_when_the_attacker_owns_the_workstation_then_its_own_work_stays_benign() {
    let action = r#"DownloadProgram(target: "plc", program: "changed.st", activation: Online)"#;
    let mut bench = Bench::new("", "ews-1", &[action]);
    let records = bench.run(60);
    assert_eq!(records[0].outcome, Outcome::Succeeded, "{records:?}");
    let observations = bench.world.observations();
    let mut flows: BTreeMap<u16, Vec<Relation>> = BTreeMap::new();
    for frame in &observations.frames {
        let summary = FrameSummary::of(observations.bytes(frame)).expect("a whole frame");
        let Some(tcp) = summary.tcp else {
            assert_eq!(frame.relation, Relation::Benign, "ARP of the workstation");
            continue;
        };
        let own_port = tcp.src_port.max(tcp.dst_port);
        flows.entry(own_port).or_default().push(frame.relation);
    }
    let attacks = |flow: &&Vec<Relation>| flow.iter().any(|it| *it != Relation::Benign);
    let hostile: Vec<_> = flows.values().filter(attacks).collect();
    assert_eq!(hostile.len(), 1, "one connection is the attacker's");
    let all = |wanted: &[Relation]| hostile[0].iter().all(|it| wanted.contains(it));
    assert!(all(&[Relation::Sent, Relation::Reply]), "and all of it");
    assert!(flows.len() > 5, "the workstation went on");
}
