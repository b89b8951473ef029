//! What the language means, feature by feature. Expectations are worked out from the standard's
//! definitions (IEC 61131-3:2013).

use crate::support::{check_run, check_source};

/// Runs each body alone, with the same declarations.
fn check_each(declarations: &str, cases: &[(&str, &str)]) {
    for (body, expected) in cases {
        check_run(declarations, body, &[expected]);
    }
}

#[test]
fn operators_when_combined_then_bind_by_precedence() {
    check_each(
        "a : INT := 7; b : INT := 2; x : DINT; y : BOOL; r : REAL; t : TIME;",
        &[
            ("x := 1 + 2 * 3;", "x=7"),
            ("x := (1 + 2) * 3;", "x=9"),
            ("x := a - b - 1;", "x=4"),
            ("x := a / b * b;", "x=6"),
            ("x := -a + b;", "x=-5"),
            ("x := a - -b;", "x=9"),
            ("x := a MOD b + 10;", "x=11"),
            ("r := 2.0 ** 3.0;", "r=8.0"),
            ("r := -2.0 ** 2.0;", "r=4.0"),
            ("r := 2.0 ** 3.0 ** 2.0;", "r=64.0"),
            ("y := a > b AND b > 1 OR FALSE;", "y=TRUE"),
            ("y := TRUE OR TRUE AND FALSE;", "y=TRUE"),
            ("y := TRUE XOR TRUE AND FALSE;", "y=TRUE"),
            ("y := TRUE OR TRUE XOR TRUE;", "y=TRUE"),
            ("y := NOT TRUE OR TRUE;", "y=TRUE"),
            ("y := NOT (TRUE OR TRUE);", "y=FALSE"),
            ("y := NOT a > b;", ""),
            ("y := a > b = TRUE;", "y=TRUE"),
            ("y := TRUE & FALSE;", "y=FALSE"),
            ("t := T#1s + T#500ms * 2;", "t=T#2000ms"),
        ]
        .into_iter()
        // NOT binds tighter than a comparison, and is not defined for INT.
        .filter(|(_, expected)| !expected.is_empty())
        .collect::<Vec<_>>(),
    );
}

#[test]
fn literals_when_written_in_any_form_then_have_their_value() {
    check_each(
        "i : INT; w : WORD; d : DINT; r : REAL; l : LREAL; t : TIME; b : BOOL; u : UDINT; s : SINT;",
        &[
            ("i := 1_000;", "i=1000"),
            ("w := 16#FF;", "w=16#00FF"),
            ("w := 2#1010;", "w=16#000A"),
            ("i := 8#17;", "i=15"),
            ("i := INT#5;", "i=5"),
            ("i := INT#-5;", "i=-5"),
            ("i := INT#16#7F;", "i=127"),
            ("w := WORD#16#A0;", "w=16#00A0"),
            ("i := -32768;", "i=-32768"),
            ("u := 4_294_967_295;", "u=4294967295"),
            ("r := 1.5;", "r=1.5"),
            ("r := 1.5E-3;", "r=0.0015"),
            ("r := 2e2;", "r=200.0"),
            ("r := REAL#2.5;", "r=2.5"),
            ("r := 3;", "r=3.0"),
            ("l := 0.1;", "l=0.1"),
            ("t := T#1m30s250ms;", "t=T#90250ms"),
            ("t := T#0.5s;", "t=T#500ms"),
            ("t := TIME#1h_30m;", "t=T#5400000ms"),
            ("t := t#-250us;", "t=T#-0.25ms"),
            ("b := TRUE;", "b=TRUE"),
            ("b := BOOL#1;", "b=TRUE"),
            ("b := BOOL#FALSE;", "b=FALSE"),
            ("b := 1;", "b=TRUE"),
            ("s := SINT#-128;", "s=-128"),
        ],
    );
}

#[test]
fn identifiers_when_written_in_other_case_then_are_the_same() {
    check_run(
        "Level : INT := 3;",
        "LEVEL := level + 1; iF lEvEl = 4 tHeN leVel := 9; eNd_IF;",
        &["level=9"],
    );
}

#[test]
fn comments_when_nested_or_pragmas_then_are_skipped() {
    check_run(
        "x : INT (* one (* two *) still one *); {attribute 'hide'} y : INT;",
        "x := 1; // to the end := 5;\n y := x /* C style */ + 1; {pragma}",
        &["x=1", "y=2"],
    );
}

#[test]
fn integer_when_overflowing_then_wraps() {
    check_each(
        "i : INT := 32767; s : SINT := -128; u : UINT; d : DINT := 2147483647; b : USINT := 255; l : LINT;",
        &[
            ("i := i + 1;", "i=-32768"),
            ("s := -s;", "s=-128"),
            ("s := ABS(s);", "s=-128"),
            ("u := u - 1;", "u=65535"),
            ("d := d * 2;", "d=-2"),
            ("b := b + 1;", "b=0"),
            ("l := d; l := l + 1;", "l=2147483648"),
            // The operands are INT, so that the sum wraps before it is widened.
            ("d := i + i;", "d=-2"),
        ],
    );
}

#[test]
fn division_when_not_even_then_truncates_towards_zero() {
    check_each(
        "a : INT := -7; b : INT := 3; x : INT; m : INT := -32768; r : REAL; u : UINT := 65535;",
        &[
            ("x := a / b;", "x=-2"),
            ("x := a MOD b;", "x=-1"),
            ("x := 7 MOD -b;", "x=1"),
            ("x := a MOD (b - 3);", "x=0"),
            ("x := m / -1;", "x=-32768"),
            ("u := u / 2;", "u=32767"),
            ("r := 1 / 2;", "r=0.0"),
            ("r := 1.0 / 2;", "r=0.5"),
        ],
    );
}

#[test]
fn real_when_computed_then_follows_ieee_754() {
    check_each(
        "a : REAL := 0.1; b : REAL := 0.2; z : REAL; r : REAL; l : LREAL; y : BOOL; n : REAL;",
        &[
            ("r := a + b;", "r=0.3"),
            ("l := a;", "l=0.10000000149011612"),
            ("r := 1.0 / z;", "r=inf"),
            ("r := -1.0 / z;", "r=-inf"),
            ("n := z / z; y := n = n;", "y=FALSE"),
            ("n := z / z; y := n <> n;", "y=TRUE"),
            (
                "n := z / z; y := NOT (n < 1.0) AND NOT (n >= 1.0);",
                "y=TRUE",
            ),
            ("r := -z; y := r = z;", "y=TRUE"),
            ("r := 16777216.0 + 1.0;", "r=16777216.0"),
            ("r := 16777216.0; r := r + 1.0;", "r=16777216.0"),
        ],
    );
}

#[test]
fn widening_when_implicit_then_keeps_the_value() {
    check_each(
        "s : SINT := -5; i : INT; d : DINT; r : REAL; l : LREAL; us : USINT := 200; byt : BYTE := 16#F0; w : WORD;",
        &[
            ("i := s;", "i=-5"),
            ("d := s + 1;", "d=-4"),
            ("r := s;", "r=-5.0"),
            ("i := us;", "i=200"),
            ("l := s; l := l / 2;", "l=-2.5"),
            ("w := byt;", "w=16#00F0"),
            ("w := byt OR 16#0F00;", "w=16#0FF0"),
            ("i := us + i;", "i=200"),
            // 1000 makes it INT, and INT wraps.
            ("d := us * 1000;", "d=3392"),
        ],
    );
}

#[test]
fn conversions_when_called_then_follow_their_rule() {
    check_each(
        "i : INT; d : DINT; u : UINT; w : WORD; dw : DWORD; r : REAL; b : BOOL; t : TIME; s : SINT;
         l : LREAL; us : USINT;",
        &[
            ("r := INT_TO_REAL(-3);", "r=-3.0"),
            ("r := 2.5; i := REAL_TO_INT(r);", "i=2"),
            ("r := 3.5; i := REAL_TO_INT(r);", "i=4"),
            ("r := -2.5; i := REAL_TO_INT(r);", "i=-2"),
            ("r := 2.6; i := REAL_TO_INT(r);", "i=3"),
            ("r := 1.0E9; i := REAL_TO_INT(r);", "i=32767"),
            ("r := -1.0; u := REAL_TO_UINT(r);", "u=0"),
            ("i := TRUNC(-2.7);", "i=-2"),
            ("r := 2.7; d := TRUNC(r);", "d=2"),
            ("r := 2.7; d := TRUNC(r) + 1;", "d=3"),
            ("r := 2.7; i := REAL_TRUNC_INT(r);", "i=2"),
            ("d := 70000; i := DINT_TO_INT(d);", "i=4464"),
            ("i := -1; u := INT_TO_UINT(i);", "u=65535"),
            ("i := -1; w := INT_TO_WORD(i);", "w=16#FFFF"),
            ("w := 16#8000; i := WORD_TO_INT(w);", "i=-32768"),
            ("w := 16#8000; d := WORD_TO_DINT(w);", "d=32768"),
            ("i := -1; d := INT_TO_DINT(i);", "d=-1"),
            ("i := 300; us := INT_TO_USINT(i);", "us=44"),
            ("i := BOOL_TO_INT(TRUE);", "i=1"),
            ("i := 2; b := INT_TO_BOOL(i);", "b=TRUE"),
            ("r := 0.25; b := REAL_TO_BOOL(r);", "b=TRUE"),
            ("t := T#1500ms; d := TIME_TO_DINT(t);", "d=1500"),
            ("t := T#1999us; d := TIME_TO_DINT(t);", "d=1"),
            ("d := 2500; t := DINT_TO_TIME(d);", "t=T#2500ms"),
            ("t := T#1500us; r := TIME_TO_REAL(t);", "r=1.5"),
            ("r := 1.5; t := REAL_TO_TIME(r);", "t=T#1.5ms"),
            ("r := 1.0; dw := REAL_TO_DWORD(r);", "dw=16#3F800000"),
            ("dw := 16#40490FDB; r := DWORD_TO_REAL(dw);", "r=3.1415927"),
            ("w := 100; r := WORD_TO_REAL(w);", "r=100.0"),
            ("l := 0.1; r := LREAL_TO_REAL(l);", "r=0.1"),
            ("i := 5; r := TO_REAL(i);", "r=5.0"),
            ("s := -1; dw := SINT_TO_DWORD(s);", "dw=16#FFFFFFFF"),
        ],
    );
}

#[test]
fn standard_functions_when_called_then_follow_their_definition() {
    check_each(
        "i : INT; j : INT := -4; d : DINT; r : REAL; w : WORD := 16#8001; b : BOOL; t : TIME; byt : BYTE := 16#81;",
        &[
            ("i := ABS(j);", "i=4"),
            ("r := ABS(-2.5);", "r=2.5"),
            ("i := MIN(3, j, 5);", "i=-4"),
            ("i := MAX(3, j);", "i=3"),
            ("i := LIMIT(0, j, 10);", "i=0"),
            ("i := LIMIT(MX := 10, MN := 0, IN := 99);", "i=10"),
            ("r := LIMIT(0.0, 0.5, 1);", "r=0.5"),
            ("i := SEL(j > 0, 1, 2);", "i=1"),
            ("i := SEL(G := j < 0, IN0 := 1, IN1 := 2);", "i=2"),
            ("i := MUX(2, 10, 20, 30);", "i=30"),
            ("i := 1; i := MUX(i, j, 20);", "i=20"),
            ("r := SQRT(2.25);", "r=1.5"),
            ("r := SQRT(9);", "r=3.0"),
            ("w := SHL(w, 1);", "w=16#0002"),
            ("w := SHR(w, 1);", "w=16#4000"),
            ("w := SHL(IN := w, N := 16);", "w=16#0000"),
            ("byt := ROL(byt, 1);", "byt=16#03"),
            ("byt := ROR(byt, 1);", "byt=16#C0"),
            ("i := ADD(1, 2, 3);", "i=6"),
            ("b := GT(3, 2);", "b=TRUE"),
            ("b := AND(TRUE, TRUE, FALSE);", "b=FALSE"),
            ("i := MOVE(7);", "i=7"),
            ("r := EXPT(2.0, 10);", "r=1024.0"),
            ("r := EXP(0.0);", "r=1.0"),
            ("r := LN(1.0);", "r=0.0"),
            ("r := LOG(1000.0);", "r=3.0"),
            ("r := COS(0.0);", "r=1.0"),
            ("t := MAX(T#1s, T#2s);", "t=T#2000ms"),
            ("t := LIMIT(T#1s, T#200ms, T#2s);", "t=T#1000ms"),
            ("d := MAX(j, 100000);", "d=100000"),
            ("b := NOT(TRUE);", "b=FALSE"),
            ("w := NOT w;", "w=16#7FFE"),
        ],
    );
}

#[test]
fn time_when_computed_then_is_exact() {
    check_each(
        "t : TIME := T#1s; u : TIME; b : BOOL; r : REAL := 0.1; i : INT := 3;",
        &[
            ("u := t + T#1ms;", "u=T#1001ms"),
            ("u := t - T#3s;", "u=T#-2000ms"),
            ("u := -t;", "u=T#-1000ms"),
            ("u := t * 3;", "u=T#3000ms"),
            ("u := i * t;", "u=T#3000ms"),
            ("u := t / 4;", "u=T#250ms"),
            ("u := t * 0.5;", "u=T#500ms"),
            ("u := t / 8.0;", "u=T#125ms"),
            ("b := t >= T#1000ms;", "b=TRUE"),
            ("u := MUL_TIME(t, 2);", "u=T#2000ms"),
        ],
    );
}

#[test]
fn if_when_conditions_chain_then_first_true_arm_runs() {
    let body = "IF x < 10 THEN y := 1; ELSIF x < 20 THEN y := 2; ELSIF x < 30 THEN y := 3; ELSE y := 4; END_IF;";
    for (x, expected) in [(5, "y=1"), (10, "y=2"), (29, "y=3"), (30, "y=4")] {
        check_run(&format!("x : INT := {x}; y : INT;"), body, &[expected]);
    }
    check_run(
        "x : INT; y : INT := 7;",
        "IF x > 0 THEN y := 1; END_IF; IF x = 0 THEN ; END_IF;",
        &["y=7"],
    );
}

#[test]
fn condition_when_composed_then_jumps_right() {
    let body = "
        IF a AND (b OR NOT c) THEN r := r + 1; END_IF;
        IF NOT (a AND b) OR c THEN r := r + 10; END_IF;
        IF a XOR b THEN r := r + 100; END_IF;
        q := a AND NOT b OR NOT c AND b;
        p := a OR NOT c;";
    for bits in 0..8u8 {
        let [a, b, c] = [bits & 1 != 0, bits & 2 != 0, bits & 4 != 0];
        let mut r = 0;
        r += if a && (b || !c) { 1 } else { 0 };
        r += if !(a && b) || c { 10 } else { 0 };
        r += if a ^ b { 100 } else { 0 };
        let vars = format!(
            "a : BOOL := {a}; b : BOOL := {b}; c : BOOL := {c}; r : INT; q : BOOL; p : BOOL;"
        );
        let upper = |value: bool| if value { "TRUE" } else { "FALSE" };
        let q = format!("q={}", upper(a && !b || !c && b));
        let p = format!("p={}", upper(a || !c));
        check_run(&vars, body, &[&format!("r={r}"), &q, &p]);
    }
}

#[test]
fn case_when_labels_are_lists_and_ranges_then_selects() {
    let body = "CASE x OF
        -1: y := 1;
        1, 3, 5: y := 2;
        10..20, 30: y := 3; y := y + 10;
        K: y := 4;
        ELSE y := 99;
        END_CASE;";
    for (x, expected) in [
        (-1, "y=1"),
        (3, "y=2"),
        (10, "y=13"),
        (15, "y=13"),
        (20, "y=13"),
        (30, "y=13"),
        (40, "y=4"),
        (21, "y=99"),
    ] {
        let source = format!(
            "PROGRAM Main VAR CONSTANT K : INT := 40; END_VAR VAR x : INT := {x}; y : INT; END_VAR {body} END_PROGRAM"
        );
        check_source(&source, &[expected]);
    }
    check_run(
        "x : INT := 9; y : INT := 5;",
        "CASE x OF 1: y := 1; END_CASE;",
        &["y=5"],
    );
}

#[test]
fn for_when_run_then_visits_each_value_once() {
    check_each(
        "i : INT; s : DINT; n : INT := 4; st : INT := -2; u : USINT; b : SINT;",
        &[
            ("FOR i := 1 TO 10 DO s := s + i; END_FOR;", "s=55"),
            ("FOR i := 1 TO 10 DO s := s + i; END_FOR;", "i=11"),
            (
                "FOR i := 10 TO 1 BY -3 DO s := s * 100 + i; END_FOR;",
                "s=10070401",
            ),
            ("FOR i := 5 TO 4 DO s := 1; END_FOR;", "s=0"),
            ("FOR i := 5 TO 4 DO s := 1; END_FOR;", "i=5"),
            ("FOR i := 1 TO n DO n := 2; s := s + 1; END_FOR;", "s=4"),
            ("FOR i := 9 TO 1 BY st DO s := s + 1; END_FOR;", "s=5"),
            ("FOR i := 1 TO 9 BY -st DO s := s + 1; END_FOR;", "s=5"),
            ("FOR u := 250 TO 255 DO s := s + 1; END_FOR;", "s=6"),
            ("FOR b := -120 TO -128 BY -3 DO s := s + 1; END_FOR;", "s=3"),
            (
                "FOR i := 32760 TO 32767 BY 5 DO s := s + 1; END_FOR;",
                "s=2",
            ),
            (
                "FOR i := 1 TO 9 DO IF i = 4 THEN EXIT; END_IF; s := s + 1; END_FOR;",
                "s=3",
            ),
            (
                "FOR i := 1 TO 9 DO IF i MOD 2 = 0 THEN CONTINUE; END_IF; s := s + 1; END_FOR;",
                "s=5",
            ),
        ],
    );
}

#[test]
fn loops_when_nested_then_exit_leaves_the_inner_one() {
    check_each(
        "i : INT; j : INT; s : INT; b : BOOL;",
        &[
            ("WHILE i < 5 DO i := i + 1; s := s + i; END_WHILE;", "s=15"),
            ("REPEAT i := i + 1; UNTIL i >= 5 END_REPEAT; s := i;", "s=5"),
            ("REPEAT i := i + 1; UNTIL TRUE END_REPEAT; s := i;", "s=1"),
            (
                "FOR i := 1 TO 3 DO FOR j := 1 TO 9 DO IF j > i THEN EXIT; END_IF; s := s + 1; END_FOR; END_FOR;",
                "s=6",
            ),
            (
                "WHILE TRUE DO i := i + 1; IF i > 6 THEN EXIT; END_IF; END_WHILE; s := i;",
                "s=7",
            ),
            (
                "REPEAT i := i + 1; IF i < 3 THEN CONTINUE; END_IF; s := s + 1; UNTIL i = 5 END_REPEAT;",
                "s=3",
            ),
            ("s := 1; RETURN; s := 2;", "s=1"),
            ("IF s = 0 THEN s := 3; RETURN; END_IF; s := 4;", "s=3"),
        ],
    );
}

#[test]
fn arrays_when_indexed_then_hold_their_elements() {
    check_run(
        "a : ARRAY[1..5] OF INT := [10, 20, 2(7)]; n : ARRAY[-2..2] OF REAL; i : INT; s : INT; k : DINT := -2;",
        "FOR i := 1 TO 5 DO s := s + a[i]; END_FOR;
         FOR i := 5 TO 2 BY -1 DO a[i] := a[i - 1]; END_FOR;
         a[1] := 99; n[k] := 1.5; n[k + 4] := n[-2] * 2.0;",
        &[
            "s=44",
            "a[1]=99",
            "a[2]=10",
            "a[3]=20",
            "a[5]=7",
            "n[-2]=1.5",
            "n[2]=3.0",
        ],
    );
}

#[test]
fn arrays_when_assigned_as_a_whole_then_are_copied() {
    check_source(
        "FUNCTION Sum : DINT
         VAR_INPUT v : ARRAY[0..2] OF INT; END_VAR
         VAR i : INT; END_VAR
             FOR i := 0 TO 2 DO Sum := Sum + v[i]; END_FOR;
         END_FUNCTION
         PROGRAM Main
         VAR a : ARRAY[0..2] OF INT := [1, 2, 3]; b : ARRAY[0..2] OF INT; s : DINT; t : DINT; END_VAR
             b := a; a[0] := 50; s := Sum(b); t := Sum(v := a);
         END_PROGRAM",
        &["b[0]=1", "b[2]=3", "s=6", "t=55"],
    );
}

#[test]
fn constants_when_used_then_serve_as_bounds_labels_and_values() {
    check_source(
        "PROGRAM Main
         VAR CONSTANT SIZE : INT := 2 + 2; LAST : INT := SIZE - 1; GAIN : REAL := 1.5; END_VAR
         VAR CONSTANT TABLE : ARRAY[0..2] OF INT := [5, 6, 7]; END_VAR
         VAR a : ARRAY[0..LAST] OF INT; x : REAL := GAIN * 2.0; y : INT := SIZE * 10; z : INT; END_VAR
             a[LAST] := SIZE; z := TABLE[2];
         END_PROGRAM",
        &["a[3]=4", "x=3.0", "y=40", "z=7"],
    );
}

#[test]
fn logic_when_left_side_decides_then_right_side_does_not_run() {
    check_each(
        "d : INT; y : BOOL; z : BOOL := TRUE; a : ARRAY[1..3] OF BOOL; i : INT := 9;",
        &[
            ("y := d <> 0 AND 10 / d > 1;", "y=FALSE"),
            ("y := d = 0 OR 10 / d > 1;", "y=TRUE"),
            ("IF i <= 3 AND a[i] THEN y := TRUE; END_IF;", "y=FALSE"),
            ("y := z OR a[i];", "y=TRUE"),
        ],
    );
}

#[test]
fn function_when_called_then_begins_anew() {
    check_source(
        "FUNCTION Accumulate : INT
         VAR_INPUT x : INT; y : INT := 10; END_VAR
         VAR_OUTPUT double : INT; END_VAR
         VAR n : INT := 5; END_VAR
             n := n + x; double := 2 * n; Accumulate := n + y;
         END_FUNCTION
         PROGRAM Main
         VAR a : INT; b : INT; c : INT; o : INT; p : DINT; END_VAR
             a := Accumulate(1); b := Accumulate(x := 1, y := 0, double => o);
             c := Accumulate(Accumulate(1, 1), Accumulate(2, 2));
             Accumulate(x := 3, double => p);
         END_PROGRAM",
        // n is 6; then 5 + 7 + 9 = 21 in c.
        &["a=16", "b=6", "o=12", "c=21", "p=16"],
    );
}

#[test]
fn function_when_not_assigned_then_returns_the_default() {
    check_source(
        "FUNCTION Nothing : INT VAR_INPUT x : INT; END_VAR IF x > 0 THEN Nothing := x; RETURN; END_IF; END_FUNCTION
         PROGRAM Main VAR a : INT; b : INT; END_VAR a := Nothing(5); b := Nothing(-5); END_PROGRAM",
        &["a=5", "b=0"],
    );
}

#[test]
fn evaluation_when_function_writes_an_operand_then_goes_left_to_right() {
    check_source(
        "FUNCTION Bump : INT VAR_IN_OUT v : INT; END_VAR v := v + 1; Bump := v; END_FUNCTION
         PROGRAM Main VAR x : INT := 1; a : INT; y : INT := 1; b : INT; END_VAR
             a := x * 100 + Bump(x); b := y + Bump(y) + y;
         END_PROGRAM",
        &["a=102", "x=2", "b=5"],
    );
}

#[test]
fn in_out_when_called_then_changes_the_callers_variable() {
    check_source(
        "FUNCTION_BLOCK Swap
         VAR_IN_OUT a : INT; b : INT; END_VAR
         VAR t : INT; END_VAR
             t := a; a := b; b := t;
         END_FUNCTION_BLOCK
         FUNCTION Fill : BOOL
         VAR_IN_OUT v : ARRAY[0..2] OF INT; END_VAR
         VAR_INPUT x : INT; END_VAR
         VAR i : INT; END_VAR
             FOR i := 0 TO 2 DO v[i] := v[i] + x; END_FOR;
         END_FUNCTION
         PROGRAM Main
         VAR s : Swap; x : INT := 1; y : INT := 2; v : ARRAY[0..2] OF INT := [1, 2, 3]; i : INT := 1; END_VAR
             s(a := x, b := y); s(a := v[i], b := y);
             Fill(v := v, x := 10);
         END_PROGRAM",
        &["x=2", "y=2", "v[0]=11", "v[1]=11", "v[2]=13"],
    );
}

#[test]
fn in_out_when_index_changes_in_the_call_then_element_stays() {
    check_source(
        "FUNCTION_BLOCK Step
         VAR_IN_OUT v : INT; END_VAR VAR_OUTPUT o : INT; END_VAR
             v := v + 10; o := 2;
         END_FUNCTION_BLOCK
         PROGRAM Main
         VAR s : Step; a : ARRAY[0..2] OF INT := [1, 2, 3]; i : INT; END_VAR
             s(o => i, v := a[i]);
         END_PROGRAM",
        &["a[0]=11", "a[1]=2", "a[2]=3", "i=2"],
    );
}

#[test]
fn temporary_when_called_again_then_begins_anew() {
    check_source(
        "FUNCTION_BLOCK F
         VAR_TEMP t : INT := 3; v : ARRAY[0..1] OF INT := [1, 2]; END_VAR
         VAR_OUTPUT o : INT; END_VAR
             t := t + 1; v[1] := v[1] + t; o := v[1];
         END_FUNCTION_BLOCK
         PROGRAM Main VAR f : F; END_VAR f(); f(); END_PROGRAM",
        &["f.o=6"],
    );
}

#[test]
fn expression_when_long_then_uses_temporaries_right() {
    check_run(
        "a : INT := 2; b : INT := 3; c : INT := 5; d : INT := 7; x : INT; y : INT;",
        "x := ((a + b) * (c + d) - (a * b + c * d)) * ((d - a) * (d - b) - (c - a) * (c - b));
         y := a; y := (y + y) * (y + b) - y; a := (a + b) * (a - b);",
        // (60 - 41) * (20 - 6) = 266; 4 * 5 - 2 = 18; 5 * -1 = -5.
        &["x=266", "y=18", "a=-5"],
    );
}
