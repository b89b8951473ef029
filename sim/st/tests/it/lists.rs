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
