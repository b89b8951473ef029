//! Which POUs of a program differ from another.

use crate::support::program;
use sim_st::Changes;

const FIRST: &str = "
    FUNCTION Twice : INT VAR_INPUT x : INT; END_VAR Twice := 2 * x; END_FUNCTION
    FUNCTION_BLOCK Adder VAR_INPUT x : INT; END_VAR VAR sum : INT; END_VAR sum := sum + x; END_FUNCTION_BLOCK
    PROGRAM Main VAR a : Adder; q AT %QW0 : INT; END_VAR a(x := Twice(1)); q := a.x; END_PROGRAM";

#[track_caller]
fn check(from: &str, to: &str, only: Option<&str>, text: &str) {
    let changes = program(FIRST).changes_to(&program(&FIRST.replace(from, to)));
    assert!(FIRST.contains(from));
    assert_eq!(changes.only_pou(), only, "{from} to {to}");
    assert_eq!(changes.to_string(), text, "{from} to {to}");
}

#[test]
fn changes_when_a_statement_differs_then_its_pou_alone() {
    check("2 * x", "777 * x", Some("Twice"), "changed Twice");
    check("sum + x", "sum - x", Some("Adder"), "changed Adder");
    check("Twice(1)", "Twice(5)", Some("Main"), "changed Main");
    check(
        "q := a.x",
        "q := a.x; (* said *)",
        None,
        "nothing that matters to the logic",
    );
}

/// A variable more in a block makes its instance longer, which is in the program.
#[test]
fn changes_when_an_interface_differs_then_also_those_that_use_it() {
    check(
        "VAR sum : INT;",
        "VAR sum : INT; more : INT;",
        None,
        "changed Adder, Main",
    );
}

#[test]
fn changes_when_pous_come_and_go_then_named() {
    check(
        "PROGRAM Main",
        "FUNCTION Half : INT VAR_INPUT x : INT; END_VAR Half := x / 2; END_FUNCTION PROGRAM Main",
        None,
        "added Half",
    );
    check(
        "Twice",
        "Double",
        None,
        "changed Main; added Double; removed Twice",
    );
    check("%QW0", "%QW1", None, "other addresses");
    assert_eq!(
        program(FIRST).changes_to(&program(FIRST)),
        Changes::default()
    );
}

#[test]
fn changes_when_a_task_differs_then_told() {
    let source = |ms: u32| {
        format!(
            "{FIRST} CONFIGURATION C RESOURCE R ON CPU
            TASK Fast(INTERVAL := T#{ms}ms, PRIORITY := 1);
            PROGRAM P WITH Fast : Main; END_RESOURCE END_CONFIGURATION"
        )
    };
    let changes = program(&source(10)).changes_to(&program(&source(20)));
    assert_eq!((changes.only_pou(), changes.tasks), (None, true));
    assert_eq!(changes.to_string(), "other tasks");
}
