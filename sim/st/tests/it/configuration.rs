//! What a CONFIGURATION ties to its programs: connections, VAR_CONFIG, VAR_ACCESS.

use std::sync::Arc;

use crate::support::{Bench, FUEL_NS, program};
use sim_st::{Machine, Program, Value, WriteError};

/// Two drives of one type, each at its own addresses.
const DRIVES: &str = "
    CONFIGURATION Plant
        VAR_GLOBAL running : INT; names : ARRAY[0..1] OF INT := [7, 8]; END_VAR
        VAR_GLOBAL CONSTANT Limits : ARRAY[0..1] OF INT := [1, 2]; END_VAR
        RESOURCE Cpu ON Controller
            TASK Fast(INTERVAL := T#10ms);
            PROGRAM left WITH Fast : Drive(wanted := %IW3, stop := %IX1.0, speed => %QW5);
            PROGRAM right WITH Fast : Drive(wanted := 40, speed => running);
        END_RESOURCE
        VAR_CONFIG
            Cpu.left.lamp AT %QX0.0 : BOOL := TRUE;
            left.panel.button AT %IX0.0 : BOOL;
            Cpu.right.lamp AT %QX0.1 : BOOL;
            right.panel.button AT %IX0.1 : BOOL;
            left.words AT %MW10 : ARRAY[0..1] OF WORD;
            right.words AT %MW12 : ARRAY[0..1] OF WORD;
        END_VAR
        VAR_ACCESS
            SPEED : Cpu.left.speed : INT;
            WANTED : right.wanted : INT READ_ONLY;
            COUNT : Cpu.right.panel.count : INT READ_WRITE;
            BOTH : names : ARRAY[0..1] OF INT READ_WRITE;
            SECOND : names[1] : INT READ_WRITE;
            OUT5 : Cpu.%QW5 : INT READ_WRITE;
            RAW : %IX7.7 : BOOL;
            POINT : Cpu.left.point : Pt READ_WRITE;
        END_VAR
    END_CONFIGURATION
    TYPE Pt : STRUCT x : INT; name : STRING[4]; END_STRUCT; END_TYPE
    FUNCTION_BLOCK Panel
    VAR button AT %I* : BOOL; END_VAR
    VAR_OUTPUT pressed : BOOL; END_VAR
    VAR count : INT; END_VAR
        pressed := button; IF button THEN count := count + 1; END_IF;
    END_FUNCTION_BLOCK
    PROGRAM Drive
    VAR_INPUT wanted : INT; stop : BOOL; END_VAR
    VAR_OUTPUT speed : INT; END_VAR
    VAR lamp AT %Q* : BOOL; panel : Panel; words AT %M* : ARRAY[0..1] OF WORD; point : Pt; END_VAR
        panel();
        IF panel.pressed THEN lamp := NOT lamp; END_IF;
        IF stop THEN speed := 0; ELSE speed := wanted; END_IF;
        words[1] := INT_TO_WORD(speed);
    END_PROGRAM";

/// ST-CFG-003, ST-CFG-004.
#[test]
fn instances_when_configured_then_have_their_own_places() {
    let mut bench = Bench::new(DRIVES);
    bench.image.iw[3] = 25;
    bench.scan_ms(0);
    // The initial value of VAR_CONFIG goes to the image at a cold start.
    assert_eq!(bench.image.qx[..2], [true, false]);
    assert_eq!(
        (bench.image.qw[5], bench.text("running")),
        (25, "40".to_owned())
    );
    assert_eq!(bench.image.mw[10..14], [0, 25, 0, 40]);
    bench.image.ix[1] = true;
    bench.image.ix[8] = true;
    bench.scan_ms(10);
    assert_eq!(bench.image.qx[..2], [true, true]);
    assert_eq!(bench.image.qw[5], 0, "stopped by %IX1.0");
    assert_eq!(bench.text("right.panel.count"), "1");
    assert_eq!(bench.text("left.panel.count"), "0");
}

/// ST-CFG-004.
#[test]
fn located_when_listed_then_names_instances() {
    let program = program(DRIVES);
    let mut places: Vec<_> = program
        .located()
        .iter()
        .map(|located| format!("{} {}", located.address, located.name))
        .collect();
    places.sort();
    let expected = [
        "%IW3 %IW3",
        "%IX0.0 left.panel.button",
        "%IX0.1 right.panel.button",
        "%IX1.0 %IX1.0",
        "%IX7.7 %IX7.7",
        "%MW10 left.words[0]",
        "%MW11 left.words[1]",
        "%MW12 right.words[0]",
        "%MW13 right.words[1]",
        "%QW5 %QW5",
        "%QX0.0 left.lamp",
        "%QX0.1 right.lamp",
    ];
    assert_eq!(places, expected);
}

/// ST-CFG-005.
#[test]
fn access_paths_when_listed_then_have_name_target_and_direction() {
    let program = program(DRIVES);
    let list: Vec<_> = program
        .access_paths()
        .iter()
        .map(|access| {
            let direction = if access.writable { "rw" } else { "ro" };
            let variable = &access.variable;
            format!(
                "{} {} {} {direction}",
                variable.name, access.target, variable.ty
            )
        })
        .collect();
    let expected = [
        "SPEED Cpu.left.speed INT ro",
        "WANTED right.wanted INT ro",
        "COUNT Cpu.right.panel.count INT rw",
        "BOTH names INT rw",
        "SECOND names[1] INT rw",
        "OUT5 Cpu.%QW5 INT rw",
        "RAW %IX7.7 BOOL ro",
        "POINT.x Cpu.left.point INT rw",
        "POINT.name Cpu.left.point STRING rw",
    ];
    assert_eq!(list, expected);
}

/// ST-CFG-005.
#[test]
fn access_path_when_used_then_reaches_its_variable() {
    let mut bench = Bench::new(DRIVES);
    bench.write("COUNT", Value::int(5));
    bench.write("both[0]", Value::int(1));
    bench.write("second", Value::int(2));
    bench.image.iw[3] = 9;
    bench.scan_ms(0);
    let texts = [
        "right.panel.count",
        "names[0]",
        "names[1]",
        "SPEED",
        "BOTH[1]",
        "wanted",
    ];
    assert_eq!(
        texts.map(|name| bench.text(name)),
        ["5", "1", "2", "9", "2", "40"]
    );
    let refused = bench.machine.write("SPEED", Value::int(1));
    assert_eq!(refused, Err(WriteError::ReadOnly));
    assert_eq!(bench.text("SPEED"), "9");
}

/// ST-CFG-003.
#[test]
fn connections_when_copied_then_take_scan_time() {
    let source = |connections: &str| {
        format!(
            "CONFIGURATION c VAR_GLOBAL g : ARRAY[0..9] OF INT; END_VAR
             PROGRAM p : Main{connections}; END_CONFIGURATION
             PROGRAM Main VAR_INPUT x : ARRAY[0..9] OF INT; END_VAR
             VAR_OUTPUT y : ARRAY[0..9] OF INT; END_VAR END_PROGRAM"
        )
    };
    let scan = |source: &str, fuel_ns: u64| {
        let mut machine = Machine::new(program(source));
        machine.scan(&mut sim_st::Image::new(), 0, fuel_ns)
    };
    let plain_ns = scan(&source(""), FUEL_NS).fuel_used;
    let connected = source("(x := g, y => g)");
    // A move is 72 ns for each of 20 slots.
    let used_ns = scan(&connected, FUEL_NS).fuel_used;
    assert_eq!(used_ns, plain_ns + 20 * 72);
    assert_eq!(scan(&connected, used_ns).trap, None);
    let trap = scan(&connected, used_ns - 1)
        .trap
        .expect("the fuel is not enough");
    assert_eq!(trap.code(), "ST9004");
}

/// ST-CFG-003, ST-CFG-004, ST-CFG-005: what a container carries comes back.
#[test]
fn container_when_read_back_then_is_the_same_program() {
    let program = program(DRIVES);
    let bytes = program.to_bytes();
    let read = Program::from_bytes(&bytes).expect("it is honest");
    assert_eq!(read.access_paths(), program.access_paths());
    assert_eq!(read.to_bytes(), bytes);
    let mut machine = Machine::new(Arc::new(read));
    let mut image = sim_st::Image::new();
    image.iw[3] = 3;
    assert_eq!(machine.scan(&mut image, 0, FUEL_NS).trap, None);
    assert_eq!((image.qw[5], image.qx[0]), (3, true));
}
