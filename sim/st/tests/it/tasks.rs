//! Tasks, several files, and what a trap tells.

use std::sync::Arc;

use crate::support::{Bench, FUEL_NS};
use sim_st::{Image, Machine, compile_all};

const TASKS: &str = "
    CONFIGURATION Plant
        VAR_GLOBAL order : STRING; go AT %IX0.0 : BOOL; END_VAR
        RESOURCE Cpu ON Controller
            TASK Slow(INTERVAL := T#50ms, PRIORITY := 5);
            TASK Fast(INTERVAL := T#20ms, PRIORITY := 1);
            TASK Event(SINGLE := go, PRIORITY := 0);
            PROGRAM s WITH Slow : S;
            PROGRAM f WITH Fast : F;
            PROGRAM e WITH Event : E;
            PROGRAM b : B;
        END_RESOURCE
    END_CONFIGURATION
    PROGRAM S VAR_EXTERNAL order : STRING; END_VAR order := CONCAT(order, 's'); END_PROGRAM
    PROGRAM F VAR_EXTERNAL order : STRING; END_VAR order := CONCAT(order, 'f'); END_PROGRAM
    PROGRAM E VAR_EXTERNAL order : STRING; END_VAR order := CONCAT(order, 'e'); END_PROGRAM
    PROGRAM B VAR_EXTERNAL order : STRING; END_VAR order := CONCAT(order, '.'); END_PROGRAM";

/// ST-CFG-001.
#[test]
fn tasks_when_due_then_run_by_priority() {
    let mut bench = Bench::new(TASKS);
    for now_ms in [0, 10, 20, 30, 40, 50, 60] {
        bench.image.ix[0] = (10..40).contains(&now_ms);
        bench.scan_ms(now_ms);
    }
    // At 0 both, at 10 the trigger, then each by its interval.
    assert_eq!(bench.text("order"), "'fs.e.f..f.s.f.'");
}

/// ST-CFG-001.
#[test]
fn task_when_times_were_missed_then_runs_once() {
    let mut bench = Bench::new(TASKS);
    for now_ms in [0, 100, 110, 120] {
        bench.scan_ms(now_ms);
    }
    assert_eq!(bench.text("order"), "'fs.fs..f.'");
}

/// ST-CFG-002, ST-RUN-004.
#[test]
fn trap_when_in_a_second_file_then_record_names_it() {
    let library = "\nFUNCTION Divide : INT\nVAR_INPUT a : INT; b : INT; END_VAR\nDivide := a / b;\nEND_FUNCTION";
    let main = "PROGRAM Main VAR x : INT; END_VAR x := Divide(1, 0); END_PROGRAM";
    let sources = [(main, "main.st"), (library, "library.st")];
    let program = compile_all(&sources).expect("both are right");
    let mut machine = Machine::new(Arc::new(program));
    let report = machine.scan(&mut Image::new(), 0, FUEL_NS);
    let record = machine.fault_record(&report).expect("the scan trapped");
    assert_eq!(
        (
            record.code,
            record.pou.as_str(),
            record.file.as_str(),
            record.line
        ),
        ("ST9001", "Divide", "library.st", 4)
    );
}

/// ST-CFG-002.
#[test]
fn mistake_when_in_a_second_file_then_is_placed_there() {
    let sources = [
        ("PROGRAM p ; END_PROGRAM", "a.st"),
        ("\nTYPE T : INTT; END_TYPE", "b.st"),
    ];
    let problems = compile_all(&sources).expect_err("INTT is no type");
    let text = problems[0].to_string();
    assert!(text.starts_with("b.st:2:10: ST0202"), "{text}");
    assert_eq!(problems[0].span.start, 10);
}
