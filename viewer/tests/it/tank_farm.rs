//! A plant that nobody drew: tanks with valves, pumps and agitators, as many as asked for, with an intruder who
//! overfills the first behind the screen's back.
//!
//! There is no physics: levels are what the controllers compute.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

/// Pieces of a unit: a valve, a tank, a pump, its motor, an agitator.
const PIECES_PER_UNIT: usize = 5;

/// Units that one controller runs.
const PER_CONTROLLER: usize = 25;

/// The logic of one unit. It drains 4 L/s and fills with 8 L/s, over 1 m².
const UNIT: &str = "\
FUNCTION_BLOCK Unit
VAR_INPUT
    ByHand : BOOL;
END_VAR
VAR_IN_OUT
    Level : REAL;
    Winding : REAL;
END_VAR
VAR_OUTPUT
    Open, Running : BOOL;
    Inflow, Speed : REAL;
END_VAR
    IF ByHand OR Level < 0.6 THEN
        Open := TRUE;
    ELSIF Level > 1.4 THEN
        Open := FALSE;
    END_IF;
    Running := Level > 0.2;
    Inflow := SEL(Open, 0.0, 8.0);
    Speed := SEL(Running, 0.0, 1450.0);
    Level := LIMIT(0.0, Level + (Inflow - SEL(Running, 0.0, 4.0)) * 0.0001, 1.6);
    Winding := Winding + (SEL(Running, 20.0, 70.0) - Winding) * 0.002;
END_FUNCTION_BLOCK
";

/// Writes the scenario and everything that it names into a folder.
///
/// # Arguments
///
/// * `pieces` — how many pieces of equipment, in units of five; at most 10,000.
///
/// Returns the path of the scenario.
pub(crate) fn write(pieces: usize, folder: &Path) -> PathBuf {
    let units = pieces / PIECES_PER_UNIT;
    let controllers = units.div_ceil(PER_CONTROLLER);
    let put = |name: &str, text: String| {
        let path = folder.join(name);
        fs::write(&path, text).expect("a folder to write to");
        path
    };
    for controller in 0..controllers {
        let own = (controller * PER_CONTROLLER..units).take(PER_CONTROLLER);
        put(&format!("cell-{controller}.st"), program(own));
    }
    put("intruder.ron", INTRUDER.to_owned());
    put("plant.ron", plant(units, controllers));
    put("scenario.ron", SCENARIO.to_owned())
}

fn program(units: impl Iterator<Item = usize> + Clone) -> String {
    let mut text = format!("{UNIT}PROGRAM Main\nVAR\n");
    for (at, unit) in units.clone().enumerate() {
        // No two tanks begin alike.
        let level = 0.65 + 0.7 * (unit as f64 * 0.37).fract();
        for line in [
            format!("U{unit} : Unit;"),
            format!("ByHand{unit} AT {} : BOOL;", bit(0, at)),
            format!("Open{unit} AT {} : BOOL;", bit(1, at)),
            format!("Running{unit} AT {} : BOOL;", bit(2, at)),
            format!("Level{unit} AT {} : REAL := {level:.3};", real(0, at)),
            format!("Inflow{unit} AT {} : REAL;", real(1, at)),
            format!("Speed{unit} AT {} : REAL;", real(2, at)),
            format!("Winding{unit} AT {} : REAL := 40.0;", real(3, at)),
        ] {
            writeln!(text, "    {line}").expect("memory");
        }
    }
    text.push_str("END_VAR\n");
    for unit in units {
        writeln!(
            text,
            "    U{unit}(ByHand := ByHand{unit}, Level := Level{unit}, Winding := Winding{unit}, Open => Open{unit}, \
             Running => Running{unit}, Inflow => Inflow{unit}, Speed => Speed{unit});"
        )
        .expect("memory");
    }
    text.push_str("END_PROGRAM\n");
    text
}

/// A marker bit: its group of 64, and the unit's place in its controller.
fn bit(group: usize, at: usize) -> String {
    format!("%MX{}.{}", 8 * group + at / 8, at % 8)
}

fn real(which: usize, at: usize) -> String {
    format!("%MD{}", 4 * at + which)
}

fn plant(units: usize, controllers: usize) -> String {
    let mut hosts = String::new();
    let mut entries = String::new();
    for controller in 0..controllers {
        let ip = format!("10.30.{}.{}", controller / 200, 20 + controller % 200);
        writeln!(
            hosts,
            "(name: \"plc-{controller}\", role: Plc, network: \"yard\", ip: \"{ip}\"),"
        )
        .expect("memory");
        writeln!(
            entries,
            "(host: \"plc-{controller}\", program: \"cell-{controller}.st\", scan_ms: 100, inputs: [], outputs: []),"
        )
        .expect("memory");
    }
    let (mut tags, mut equipment) = (String::new(), String::new());
    for unit in 0..units {
        let (at, plc) = (unit % PER_CONTROLLER, unit / PER_CONTROLLER);
        for (name, address, kind) in [
            ("Open", bit(1, at), "Bool"),
            ("Running", bit(2, at), "Bool"),
            ("Level", real(0, at), "Real"),
            ("Inflow", real(1, at), "Real"),
            ("Speed", real(2, at), "Real"),
            ("Winding", real(3, at), "Real"),
        ] {
            let unit_of = match name {
                "Level" => "m",
                "Inflow" => "L/s",
                "Speed" => "1/min",
                "Winding" => "degC",
                _ => "",
            };
            writeln!(
                tags,
                "(name: \"T{unit}_{name}\", controller: \"plc-{plc}\", address: \"{address}\", kind: {kind}, \
                 unit: \"{unit_of}\"),"
            )
            .expect("memory");
        }
        // Four tanks feed one another, and then comes the next street.
        let from = if unit % 4 == 0 {
            String::new()
        } else {
            format!("\"P{}\"", unit - 1)
        };
        writeln!(
            equipment,
            "(name: \"V{unit}\", kind: Valve, after: [{from}], controller: \"plc-{plc}\", shows: [\
                 (aspect: Flow, tag: \"T{unit}_Inflow\", range: (0.0, 10.0)), \
                 (aspect: Position, tag: \"T{unit}_Open\")]),\n\
             (name: \"T{unit}\", kind: Tank, label: \"Tank {unit}\", after: [\"V{unit}\"], controller: \"plc-{plc}\", \
             shows: [(aspect: Level, tag: \"T{unit}_Level\", range: (0.0, 1.6), low: 0.3, high: 1.5)]),\n\
             (name: \"P{unit}\", kind: Pump, after: [\"T{unit}\"], controller: \"plc-{plc}\", \
             shows: [(aspect: Speed, tag: \"T{unit}_Speed\", range: (0.0, 1500.0))]),\n\
             (name: \"M{unit}\", kind: Motor, on: (of: \"P{unit}\"), controller: \"plc-{plc}\", \
             shows: [(aspect: Temperature, tag: \"T{unit}_Winding\", range: (20.0, 120.0), high: 90.0)]),\n\
             (name: \"A{unit}\", kind: Machine, label: \"Agitator {unit}\", after: [\"T{unit}\"], controller: \"plc-{plc}\", \
             shows: [(aspect: Running, tag: \"T{unit}_Running\")]),"
        )
        .expect("memory");
    }
    format!(
        "Plant(
    schema: 1,
    name: \"tank-farm\",
    title: \"Tanks in a row\",
    process: Nothing,
    networks: [
        (name: \"yard\", zone: \"yard\", switch: \"sw-yard\", subnet: \"10.30.0.0/16\", span: \"yard\"),
        (name: \"desk\", zone: \"office\", switch: \"sw-desk\", subnet: \"10.31.0.0/24\"),
    ],
    hosts: [
        {hosts}
        (name: \"hmi-1\", role: Hmi, network: \"yard\", ip: \"10.30.255.21\"),
        (name: \"laptop-1\", role: Laptop, network: \"yard\", ip: \"10.30.255.66\"),
        (name: \"laptop-2\", role: Laptop, network: \"desk\", ip: \"10.31.0.12\"),
    ],
    controllers: [
        {entries}
    ],
    tags: [
        {tags}
    ],
    alarms: [
        (name: \"too-full\", tag: \"T0_Level\", when: Above(1.5), priority: High, text: \"Tank 0 is too full\"),
    ],
    hmis: [(host: \"hmi-1\", poll_ms: 1000)],
    view: (
        equipment: [
            {equipment}
        ],
    ),
)
"
    )
}

const SCENARIO: &str = "\
Scenario(
    schema: 1,
    name: \"tank-farm\",
    title: \"A tank is overfilled behind the screen's back\",
    summary: \"The intruder steps between the screen and a controller, shows a healthy level and holds a valve open.\",
    plant: \"plant.ron\",
    duration: \"10min\",
    clean_until: \"1min\",
    playbook: \"intruder.ron\",
    attacker: \"laptop-1\",
)
";

/// Holding register 1024 is `%MD0`, the level of tank 0; coil 1024 is `%MX0.0`, its valve by hand.
const INTRUDER: &str = "\
#![enable(unwrap_variant_newtypes)]
Playbook(
    schema: 1,
    name: \"overfill\",
    title: \"Overfill a tank unseen\",
    summary: \"The intruder shows a healthy level and holds the valve open.\",
    technique_version: \"19\",
    targets: {\"plc\": Host(\"plc-0\"), \"screens\": Role(Hmi)},
    steps: [
        Step(
            id: \"stand-between\",
            title: \"Step between the screen and the controller\",
            technique: [\"T0830\", \"T0832\"],
            plain: \"The notebook stands between the screen and the controller and shows a level of one metre.\",
            intended_effect: \"Nobody sees the tank fill.\",
            start: At(\"00:02:00\"),
            timeout: \"9min\",
            action: AdversaryInTheMiddle(
                between: [\"screens\"],
                and: [\"plc\"],
                poison_period: \"5s\",
                duration: \"8min\",
                rewrites: [
                    (target: \"plc\", table: HoldingRegisters, address: 1024, kind: Real, show: Constant(1.0), noise: 0.004),
                ],
            ),
        ),
        Step(
            id: \"hold-open\",
            title: \"Hold the valve open\",
            technique: \"T0831\",
            plain: \"The notebook holds the valve of the first tank open.\",
            intended_effect: \"The tank runs full.\",
            start: TookHold(step: \"stand-between\", delay: \"30s\"),
            timeout: \"1min\",
            action: Write(
                target: \"plc\",
                writes: [(table: Coils, address: 1024, kind: Bool, values: [1])],
            ),
        ),
    ],
)
";
