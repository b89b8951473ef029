//! What the language means, feature by feature. Expectations follow from the standard's
//! definitions.

use crate::support::{check_run, check_source};

#[test]
fn operators_when_combined_then_bind_by_precedence() {
    let vars = "a : INT := 7; b : INT := 2; x : DINT; y : BOOL; z : BOOL; r : REAL;";
    for (body, expected) in [
        ("x := 1 + 2 * 3;", "x=7"),
        ("x := (1 + 2) * 3;", "x=9"),
        ("x := a - b - 1;", "x=4"),
        ("x := a / b * b;", "x=6"),
        ("x := -a + b;", "x=-5"),
        ("x := a MOD b + 10;", "x=11"),
        ("r := 2.0 ** 3.0;", "r=8.0"),
        ("r := -2.0 ** 2.0;", "r=4.0"),
        ("y := a > b AND b > 1 OR FALSE;", "y=TRUE"),
        ("y := TRUE OR TRUE AND FALSE;", "y=TRUE"),
        ("y := TRUE XOR TRUE AND FALSE;", "y=TRUE"),
        ("y := NOT TRUE OR TRUE;", "y=TRUE"),
        ("y := NOT (TRUE OR TRUE);", "y=FALSE"),
        ("y := a > b = TRUE;", "y=TRUE"),
        ("y := TRUE & FALSE;", "y=FALSE"),
    ] {
        check_run(vars, body, &[expected]);
    }
}

#[test]
fn program_when_blocks_are_used_then_runs() {
    check_source(
        "FUNCTION_BLOCK Counter
         VAR_INPUT step : INT := 1; END_VAR
         VAR_OUTPUT total : INT; END_VAR
         VAR calls : INT; END_VAR
             total := total + step; calls := calls + 1;
         END_FUNCTION_BLOCK
         FUNCTION Twice : INT
         VAR_INPUT x : INT; END_VAR
             Twice := x * 2;
         END_FUNCTION
         PROGRAM Main
         VAR c : Counter; d : Counter; n : INT; out : INT; m : INT; END_VAR
             c(); c(step := 5, total => out); d(step := Twice(Twice(x := 3)));
             n := d.total;
             m := Twice(Twice(1) + Twice(2));
         END_PROGRAM",
        &["out=6", "c.calls=2", "n=12", "m=12", "Main.n=12"],
    );
}
