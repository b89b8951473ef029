//! What the standard leaves open or forbids and public programs need. Expectations are worked out from the
//! definitions in `docs/spec/st.md`; each warning has its place.

use sim_st::{Purpose, compile_for};

use crate::support::{Bench, check_run, check_source};

/// The warnings of a source, `"code line:column"` each.
#[track_caller]
fn check_warnings(source: &str, expected: &[&str]) {
    let checked = compile_for(Purpose::Check, &[(source, "test.st")]);
    let checked = checked.unwrap_or_else(|found| panic!("{}", found[0]));
    let found = checked.warnings.iter();
    let found: Vec<_> = found
        .map(|w| format!("{} {}:{}", w.code, w.line, w.column))
        .collect();
    assert_eq!(found, expected, "{source}");
}

// ST-VAR-005
#[test]
fn input_when_assigned_then_it_keeps_that_until_a_call_gives_another() {
    let source = "FUNCTION_BLOCK Twice
VAR_INPUT x : INT := 1; END_VAR
VAR_OUTPUT y : INT; END_VAR
x := 2 * x;
y := x;
END_FUNCTION_BLOCK
PROGRAM Main
VAR t : Twice; a, b, c : INT; END_VAR
t(); a := t.y; t(); b := t.y; t(x := 10); c := t.y;
END_PROGRAM";
    check_warnings(source, &["ST0610 4:1"]);
    check_source(source, &["a=2", "b=4", "c=20"]);
    // A function begins anew in each call.
    let source =
        "FUNCTION Half : INT VAR_INPUT x : INT; END_VAR x := x / 2; Half := x; END_FUNCTION
PROGRAM Main VAR n : INT := 8; a, b : INT; END_VAR a := Half(n); b := Half(n); END_PROGRAM";
    check_source(source, &["a=4", "b=4", "n=8"]);
}

#[test]
fn input_of_the_process_when_assigned_then_the_next_scan_reads_it_again() {
    let source = "PROGRAM Main
VAR i AT %IX0.0 : BOOL; before, after : BOOL; END_VAR
before := i;
i := NOT i;
after := %IX0.0;
END_PROGRAM";
    check_warnings(source, &["ST0610 4:1"]);
    let mut bench = Bench::new(source);
    for (now_ms, is) in [(0, false), (1, true), (2, true)] {
        bench.image.ix[0] = is;
        bench.scan_ms(now_ms);
        let text = |value: bool| if value { "TRUE" } else { "FALSE" };
        assert_eq!(bench.text("before"), text(is), "at {now_ms} ms");
        assert_eq!(bench.text("after"), text(!is), "at {now_ms} ms");
        assert_eq!(bench.image.ix[0], is, "the field is not written");
    }
}

// ST-LIT-003
#[test]
fn comments_when_a_file_does_not_nest_them_then_they_end_with_the_first_that_closes() {
    check_run("x : INT;", "(* a (* b *) x := 5; *) x := 1;", &["x=1"]);
    let source = "PROGRAM Main VAR x, y : INT; END_VAR
(* once (* opened *) x := 1;
(* and (* again *) y := 2;
/* this /* too */ x := x + 1;
END_PROGRAM";
    check_warnings(source, &["ST0007 2:1"]);
    check_source(source, &["x=2", "y=2"]);
}

#[test]
fn pragma_when_it_holds_c_code_then_a_warning_names_it() {
    let source = "PROGRAM Main VAR x : INT; END_VAR
{enable code generation} x := 1;
{{
  printf(\"%d\", x);
}}
{{ }}
END_PROGRAM";
    check_warnings(source, &["ST0008 3:1"]);
    check_source(source, &["x=1"]);
}

// ST-VAR-006
#[test]
fn bit_when_counted_through_then_it_is_the_same_place() {
    let source = "PROGRAM Main
VAR a AT %QX9.3 : BOOL; b AT %QX12 : BOOL; END_VAR
%QX75 := TRUE; b := TRUE;
END_PROGRAM";
    let mut bench = Bench::new(source);
    bench.scan_ms(0);
    assert_eq!(bench.text("a"), "TRUE");
    assert!(bench.image.qx[75]);
    assert!(bench.image.qx[12], "bit 12 is bit 4 of byte 1");
}

// ST-POU-008
#[test]
fn name_of_the_standard_when_declared_then_the_program_means_its_own() {
    check_source(
        "FUNCTION MAX : INT VAR_INPUT a, b : INT; END_VAR MAX := a + b; END_FUNCTION
         FUNCTION_BLOCK SR VAR_INPUT n : INT; END_VAR VAR_OUTPUT m : INT; END_VAR m := 3 * n; END_FUNCTION_BLOCK
         PROGRAM Main
         VAR TON : INT := 4; s : SR; limit, y, z, v : INT; t : TON; END_VAR
         y := MAX(2, 3); s(n := TON); z := s.m; limit := 7; v := LIMIT(1, limit, 5); t(IN := TRUE, PT := T#1s);
         END_PROGRAM",
        &["y=5", "z=12", "v=5", "t.IN=TRUE"],
    );
}

// ST-FBK-003
#[test]
fn block_of_annex_f_when_an_instance_is_declared_then_it_is_there() {
    // One step of 1 s: the integral is 2 * 1, the hysteresis rises beyond 1 + 0.5.
    let source = "PROGRAM Main
VAR i : INTEGRAL; h : HYSTERESIS; x : REAL; q, r : BOOL; pid : INT; END_VAR
i(RUN := TRUE, R1 := FALSE, XIN := 2.0, CYCLE := T#1s); x := i.XOUT;
h(XIN1 := 1.4, XIN2 := 1.0, EPS := 0.5); q := h.Q; h(XIN1 := 1.6); r := h.Q;
END_PROGRAM";
    check_source(source, &["x=2.0", "q=FALSE", "r=TRUE"]);
    let files = |source| {
        let program = sim_st::compile(source, "main.st").expect("it is right");
        program.file_names().to_vec()
    };
    assert_eq!(files(source), ["main.st", "annex-f.st"]);
    // A block of the program's own, and a name that is no type, bring nothing in.
    let own = "FUNCTION_BLOCK RAMP VAR_OUTPUT y : INT; END_VAR y := 1; END_FUNCTION_BLOCK
PROGRAM Main VAR PID : INT; r : RAMP; END_VAR r(); PID := r.y; END_PROGRAM";
    assert_eq!(files(own), ["main.st"]);
    check_source(own, &["PID=1"]);
    let own =
        "TYPE PID : INT; END_TYPE PROGRAM Main VAR p : PID := 3; END_VAR p := p + 1; END_PROGRAM";
    check_source(own, &["p=4"]);
    // What the text of a block needs is the program's own: then the block is unknown.
    let other = "FUNCTION INTEGRAL : INT INTEGRAL := 1; END_FUNCTION PROGRAM Main VAR p : PID; END_VAR END_PROGRAM";
    let found = sim_st::compile(other, "main.st").expect_err("there is no PID");
    assert_eq!((found[0].code, &*found[0].file), ("ST0202", "main.st"));
    // Manual: the output is X0, as KP = 1 and the integral part begins with TR * (X0 - error).
    check_source(
        "PROGRAM Main VAR p : PID; y : REAL; END_VAR
p(AUTO := FALSE, PV := 3.0, SP := 1.0, X0 := 5.0, KP := 1.0, TR := 2.0, TD := 0.0, CYCLE := T#100ms); y := p.XOUT;
END_PROGRAM",
        &["y=5.0"],
    );
}

// ST-CFG-007
#[test]
fn library_when_checked_then_it_needs_no_program() {
    let library = "FUNCTION Twice : INT VAR_INPUT x : INT; END_VAR Twice := 2 * x; END_FUNCTION";
    check_warnings(library, &[]);
    check_warnings("TYPE Mode : (Off, On); END_TYPE", &[]);
    check_warnings("PROGRAM a END_PROGRAM PROGRAM b END_PROGRAM", &[]);
    let wrong = compile_for(
        Purpose::Check,
        &[("FUNCTION f : INT f := y; END_FUNCTION", "f.st")],
    );
    assert_eq!(wrong.expect_err("it is wrong")[0].code, "ST0301");
    let run = compile_for(Purpose::Run, &[(library, "f.st")]);
    assert_eq!(run.expect_err("nothing runs")[0].code, "ST0801");
}
