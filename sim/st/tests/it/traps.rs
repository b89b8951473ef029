//! Run-time errors and fuel.

use crate::support::{Bench, FUEL_NS, in_program};
use sim_st::{ScanReport, Trap};

fn scan(declarations: &str, body: &str, fuel: u64) -> ScanReport {
    let mut bench = Bench::new(&in_program(declarations, body));
    bench.machine.scan(&mut bench.image, 0, fuel)
}

#[test]
fn error_when_it_happens_then_traps_with_its_line() {
    // The body begins in line 5.
    let vars = "i : INT := 9; z : INT; a : ARRAY[1..3] OF INT; t : TIME; u : UINT; y : BOOL;";
    let bounds = |line, index| Trap::ArrayBounds {
        line,
        index,
        low: 1,
        high: 3,
    };
    for (body, trap) in [
        ("i := 10 / z;", Trap::DivisionByZero { line: 5 }),
        ("\n\nu := 10 / u;", Trap::DivisionByZero { line: 7 }),
        ("t := T#1s / z;", Trap::DivisionByZero { line: 5 }),
        (
            "IF z = 0 THEN\n  i := 1;\n  i := i / z;\nEND_IF;",
            Trap::DivisionByZero { line: 7 },
        ),
        (
            "IF y THEN ; ELSIF\n 5 / z > 1 THEN ; END_IF;",
            Trap::DivisionByZero { line: 6 },
        ),
        ("a[i] := 1;", bounds(5, 9)),
        ("z := a[z];", bounds(5, 0)),
        ("FOR i := 1 TO 4 DO\n a[i] := i;\nEND_FOR;", bounds(6, 4)),
        (
            "i := MUX(i, 1, 2);",
            Trap::ArrayBounds {
                line: 5,
                index: 9,
                low: 0,
                high: 1,
            },
        ),
    ] {
        let report = scan(vars, body, FUEL_NS);
        assert_eq!(report.trap, Some(trap), "{body}");
        assert_eq!(report.trap.map(Trap::line), Some(trap.line()));
    }
}

#[test]
fn error_when_inside_a_block_then_line_is_the_blocks() {
    let mut bench = Bench::new(
        "FUNCTION_BLOCK F VAR_INPUT d : INT; END_VAR VAR x : INT; END_VAR
            x := 1;
            x := x / d;
         END_FUNCTION_BLOCK
         PROGRAM Main VAR f : F; END_VAR
            f(d := 0);
         END_PROGRAM",
    );
    let report = bench.machine.scan(&mut bench.image, 0, FUEL_NS);
    assert_eq!(report.trap, Some(Trap::DivisionByZero { line: 3 }));
}

#[test]
fn loop_when_endless_then_watchdog_ends_it() {
    for body in [
        "WHILE TRUE DO i := i + 1; END_WHILE;",
        "REPEAT ; UNTIL FALSE END_REPEAT;",
        "FOR i := 1 TO 10 BY z DO ; END_FOR;",
    ] {
        let report = scan("i : INT; z : INT;", body, 50_000);
        assert_eq!(
            report,
            ScanReport {
                fuel_used: 50_000,
                trap: Some(Trap::Watchdog { line: 5 }),
                pou: 0,
            }
        );
    }
}

#[test]
fn fuel_when_just_enough_then_scan_ends() {
    let body = "i := i + 1; r := r * 2.0;";
    let needed = scan("i : INT; r : REAL;", body, FUEL_NS);
    // One addition, one multiplication of reals, one return.
    assert_eq!(
        needed,
        ScanReport {
            fuel_used: 96 + 384 + 60,
            trap: None,
            pou: 0,
        }
    );
    assert_eq!(
        scan("i : INT; r : REAL;", body, needed.fuel_used).trap,
        None
    );
    let short = scan("i : INT; r : REAL;", body, needed.fuel_used - 1);
    assert!(matches!(short.trap, Some(Trap::Watchdog { .. })));
}

#[test]
fn fuel_when_data_differ_then_scan_time_does() {
    let body = "FOR i := 1 TO n DO s := s + i; END_FOR;";
    let scan_ns = |n: u32| {
        scan(
            &format!("i : INT; n : INT := {n}; s : DINT;"),
            body,
            FUEL_NS,
        )
        .fuel_used
    };
    let (none, ten, twenty) = (scan_ns(0), scan_ns(10), scan_ns(20));
    assert!(none < ten);
    assert_eq!(ten - none, twenty - ten);
}
