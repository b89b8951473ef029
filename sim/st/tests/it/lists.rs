//! Instruction Lists. Expectations are worked out from IEC 61131-3:2013, 7.2, Tables 67 and 68.

use sim_st::compile;

use crate::support::{check_codes, check_run, check_source};

#[track_caller]
fn check_list(declarations: &str, body: &str, expected: &[&str]) {
    let source = format!("PROGRAM P\nVAR {declarations} END_VAR\n{body}\nEND_PROGRAM");
    check_codes(&source, expected);
}

// ST-ILS-001
#[test]
fn list_when_it_combines_then_works_from_left_to_right() {
    check_run(
        "a : INT := 7; b : INT := 2; x, y, z : INT; q : BOOL;",
        "LD a\nADD b\nMUL 3\nST x\nSUB 1\nST y\nMOD 10\nST z\nGT 5\nST q",
        &["x=27", "y=26", "z=6", "q=TRUE"],
    );
    check_run(
        "a : BOOL := TRUE; b, c, n, o, x : BOOL; w : WORD := 16#00F0;",
        "LD a\nANDN b\nST x\nNOT\nSTN n\nLDN a\nORN c\nST o\nLD w\nXOR 16#FFFF\nST w",
        &["x=TRUE", "n=TRUE", "o=TRUE", "w=16#FF0F"],
    );
}

#[test]
fn list_when_parentheses_defer_then_the_inner_result_comes_first() {
    check_run(
        "a : INT := 7; b : INT := 2; x, y : INT; p : BOOL := TRUE; q : BOOL;",
        "LD a\nMUL( b\nADD 3\n)\nST x\nLD 100\nSUB(\nLD a\nSUB( b )\n)\nST y\n\
         LD p\nAND( q\nOR p\n)\nST q",
        &["x=35", "y=95", "q=TRUE"],
    );
}

#[test]
fn list_when_a_value_is_stored_then_later_stores_see_the_same() {
    // The current result of `LD x` is the old value, though x has changed since.
    check_run(
        "x : BOOL := TRUE; y, z : BOOL; a : INT := 1; b : INT := 2; c : INT;",
        "LD x\nS y\nR x\nST z\nLD a\nADD b\nST a\nST c",
        &["x=FALSE", "y=TRUE", "z=TRUE", "a=3", "c=3"],
    );
}

#[test]
fn list_when_it_sets_then_only_a_true_result_does() {
    check_run(
        "t : BOOL := TRUE; f, a : BOOL; b : BOOL := TRUE; c : BOOL := TRUE;",
        "LD f\nS a\nR b\nLD t\nS a\nR c",
        &["a=TRUE", "b=TRUE", "c=FALSE"],
    );
}

// ST-ILS-002
#[test]
fn list_when_it_jumps_then_goes_on_at_the_label() {
    check_run(
        "i, sum : INT;",
        "again: LD i\nADD 1\nST i\nLD sum\nADD i\nST sum\nLD i\nLT 5\nJMPC again\nLD sum\nMUL 2\nST sum",
        &["i=5", "sum=30"],
    );
    check_run(
        "x : INT := 3; y : INT;",
        "LD x\nEQ 4\nJMPCN other\nLD 1\nST y\nJMP done\nother:\nLD 2\nST y\ndone:",
        &["y=2"],
    );
    check_run(
        "x, y : INT; stop : BOOL := TRUE;",
        "LD 1\nST x\nLD stop\nRETC\nLD 1\nST y",
        &["x=1", "y=0"],
    );
}

// ST-ILS-003
#[test]
fn list_when_it_calls_then_passes_arguments() {
    check_source(
        "FUNCTION Twice : INT VAR_INPUT n : INT; END_VAR
            LD n
            ADD n
            ST Twice
         END_FUNCTION
         FUNCTION Scale : INT VAR_INPUT n, f : INT; END_VAR Scale := n * f; END_FUNCTION
         PROGRAM Main
         VAR c : CTU; go : BOOL := TRUE; x, y, z, v : INT; r : REAL; q : BOOL; END_VAR
            LD 5
            Twice
            ST x
            LIMIT 0, 7   (* LIMIT(10, 0, 7): the smallest is 10 *)
            ST y
            Scale(
               n := 3,
               f := 4
            )
            ST z
            LD x
            INT_TO_REAL
            DIV 4.0
            ST r
            CAL c(CU := go, PV := 1, CV => v)
            LD c.Q
            ST q
            LD FALSE
            CALC c(CU := FALSE, R := TRUE)
            ST go
         END_PROGRAM",
        // LIMIT(MN := 10, IN := 0, MX := 7) is MIN(MAX(0, 10), 7).
        &[
            "x=10", "y=7", "z=12", "r=2.5", "q=TRUE", "v=1", "c.CV=1", "go=FALSE",
        ],
    );
}

// ST-ILS-004
#[test]
fn list_when_every_way_brings_a_result_then_it_goes_on_behind_the_label() {
    // The counter of the editors' first example: a jump and the line above bring an INT each.
    let counter = "FUNCTION_BLOCK Counter
        VAR_INPUT reset : BOOL; END_VAR
        VAR count : INT; END_VAR
        VAR_OUTPUT out : INT; END_VAR
        LD reset
        JMPC again
        LD count
        ADD 1
        JMP done
      again:
        LD 100
      done:
        ST count
        ST out
        END_FUNCTION_BLOCK
        PROGRAM Main VAR c : Counter; a, b, d : INT; END_VAR
        c(reset := TRUE); a := c.out; c(reset := FALSE); b := c.out; c(); d := c.out;
        END_PROGRAM";
    check_source(counter, &["a=100", "b=101", "d=102"]);
    // A conditional jump brings its BOOL along, a loop the result of its last turn, a REAL.
    check_run(
        "x : BOOL := TRUE; y, z : BOOL; r : REAL := 1.5; s : REAL;",
        "LD x\nJMPC far\nLD y\nfar: ST z\nLD r\nagain: MUL r\nST s\nGT 5.0\nJMPC out\nLD s\nJMP again\nout: R z",
        &["z=FALSE", "s=5.0625"],
    );
}

#[test]
fn list_when_a_way_to_a_label_brings_no_result_then_that_way_is_named() {
    check_list(
        "x : INT; f : TON;",
        "LD x\nEQ 1\nJMPC one\nCAL f\nJMP two\none: LD 1\ntwo: ST x",
        &["ST0609 9:6"],
    );
    // A label whose result nobody takes may be reached by anything, also from such a label.
    check_run(
        "x : INT; f : TON; b : BOOL := TRUE;",
        "LD b\nJMPC one\nCAL f\nJMP one\none:\ntwo: LD 7\nST x",
        &["x=7"],
    );
    check_list(
        "x : INT; d : DINT; b : BOOL;",
        "LD b\nJMPC a\nLD x\nJMP c\na: LD d\nc: ST d",
        &["ST0401 7:7"],
    );
    check_list("s, t : STRING;", "LD s\nJMP c\nc: ST t", &["ST0609 3:4"]);
}

// ST-ILS-005
#[test]
fn list_when_an_operator_is_an_input_then_it_calls_with_that_input() {
    // Worked out for a counter: CU is called twice with an edge between, and PV without one.
    check_run(
        "c : CTU; f : SR; e : R_TRIG; t : BOOL := TRUE; n : BOOL; q, qe : BOOL; v : INT;",
        "LD 2\nPV c\nLD t\nCU c\nLD n\nCU c\nLD t\nCU c\nLD c.Q\nST q\nLD c.CV\nST v\n\
         LD t\nS1 f\nLD t\nCLK e\nLD e.Q\nST qe",
        &["q=TRUE", "v=2", "f.Q1=TRUE", "qe=TRUE"],
    );
    check_list(
        "c : CTU; x : INT;",
        "LD x\nCLK c\nCU x\nLD 1\nIN x",
        &["ST0304 4:1", "ST0609 5:1", "ST0605 7:4"],
    );
}

#[test]
fn list_when_a_result_is_dropped_then_its_calls_happen_all_the_same() {
    let source = "FUNCTION Both : INT
        VAR_INPUT n : INT; END_VAR VAR_OUTPUT twice : INT; END_VAR
        Both := n; twice := 2 * n;
        END_FUNCTION
        PROGRAM Main VAR a, b, c : INT; END_VAR
        LD 1
        Both(n := 3, twice => a)
        LD 5
        Both(n := 4, twice => b)
        ST c
        Both(n := 5, twice => c)
        END_PROGRAM";
    check_source(source, &["a=6", "b=8", "c=10"]);
}

#[test]
fn list_when_in_a_chart_then_its_last_result_is_the_condition() {
    let source = "PROGRAM Main
        VAR a : BOOL := TRUE; b : BOOL; n : INT; END_VAR
        INITIAL_STEP S: act(N); END_STEP
        TRANSITION FROM S TO E :
            LD a
            AND b
        END_TRANSITION
        STEP E: END_STEP
        ACTION act:
            LD n
            ADD 1
            ST n
            GE 2
            S b
        END_ACTION
        END_PROGRAM";
    let mut bench = crate::support::Bench::new(source);
    for (now_ms, expected) in [(0, "TRUE"), (1, "TRUE"), (2, "FALSE")] {
        bench.scan_ms(now_ms);
        assert_eq!(bench.text("S.X"), expected, "at {now_ms} ms");
    }
    assert_eq!(bench.text("n"), "2");
}

#[test]
fn list_when_wrong_then_every_mistake_has_its_place() {
    check_list(
        "x : INT;",
        "LD 1\nCAL x\nST x",
        &["ST0605 4:5", "ST0609 5:1"],
    );
    check_list(
        "x : INT;",
        "l: ST x\nJMP ll\nl: LD 1",
        &["ST0609 3:4", "ST0609 4:5", "ST0201 5:1"],
    );
    check_list(
        "x : INT;",
        "LD 1\nADD( 2\nST x\n",
        &["ST0609 4:4", "ST0609 5:1"],
    );
    check_list(
        "x : INT;",
        "LD 1 2\nLD\nADD 1\n)\nST x\nFOO 3",
        &[
            "ST0101 3:6",
            "ST0101 4:3",
            "ST0609 5:1",
            "ST0609 6:1",
            "ST0609 7:1",
            "ST0609 8:1",
        ],
    );
    check_list(
        "x : INT; b : BOOL;",
        "LD x\nST b\nLD b\nADD 1\nST x",
        &["ST0401 3:4", "ST0402 5:4"],
    );
    check_list(
        "x : INT;",
        "LD 1\nMAX(x, 2)\nST x",
        &["ST0609 4:1", "ST0609 5:1"],
    );
}

#[test]
fn list_when_a_result_is_combined_too_often_then_is_refused() {
    let body = format!("LD 1\n{}ST x", "ADD 1\n".repeat(300));
    let source = format!("PROGRAM P\nVAR x : INT; END_VAR\n{body}\nEND_PROGRAM");
    let problems = compile(&source, "test.st").expect_err("it is too deep");
    assert!(problems.iter().any(|p| p.code == "ST0102"), "{problems:?}");
}
