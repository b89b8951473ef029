//! One row per mistake: what the compiler must say, and where.

use crate::support::{check_codes as check, in_program};
use sim_st::compile;

/// A statement in line 5 of a program.
fn check_body(declarations: &str, body: &str, expected: &[&str]) {
    check(&in_program(declarations, body), expected);
}

#[test]
fn characters_when_wrong_then_are_reported() {
    check_body("x : INT;", "x := 1 ? 2;", &["ST0001 5:8", "ST0101 5:10"]);
    check_body("x : INT;", "x := 16#1G;", &["ST0003 5:6"]);
    check_body("x : INT;", "x := 3#12;", &["ST0003 5:6"]);
    check_body("x : INT;", "x := 1__0;", &["ST0003 5:6"]);
    check_body("x : TIME;", "x := T#5;", &["ST0004 5:6"]);
    check_body("x : TIME;", "x := T#1s2h;", &["ST0004 5:6"]);
    check("PROGRAM p ; END_PROGRAM (* open", &["ST0002 1:25"]);
    check("PROGRAM p { ; END_PROGRAM", &["ST0002 1:11", "ST0101 1:26"]);
}

#[test]
fn syntax_when_broken_then_points_at_the_place_and_goes_on() {
    // A missing semicolon is seen where it belongs, at the end of its line.
    check_body(
        "x : INT;",
        "x := 1\nx := 2;\ny := 3;",
        &["ST0101 5:7", "ST0301 7:1"],
    );
    check_body(
        "x : INT;",
        "IF x = 1 x := 2; END_IF;\ny := 1;",
        &["ST0101 5:10", "ST0301 6:1"],
    );
    check_body("x : INT;", "x = 5;", &["ST0101 5:3"]);
    check_body("x : INT;", "x := ;", &["ST0101 5:6"]);
    check_body("x : INT;", "x := (1 + 2;", &["ST0101 5:12"]);
    check_body("x : INT;", "IF x > 1 THEN x := 1;", &["ST0101 5:22"]);
    check_body(
        "x : INT;",
        "IF x > THEN x := 1; END_IF;\ny := 1;",
        &["ST0101 5:8", "ST0301 6:1"],
    );
    check_body(
        "x : INT;",
        "x := 1; END_IF; x := 2; ) ) ); y := 1;",
        &["ST0101 5:9", "ST0101 5:25", "ST0301 5:32"],
    );
    check_body("x : INT;", "5 := x;", &["ST0101 5:1"]);
    check_body("x : INT", ";", &["ST0101 3:8"]);
    check_body(
        "x INT;\ny : INT;",
        "y := 1; z := 2;",
        &["ST0101 3:3", "ST0301 6:9"],
    );
    check_body("by : INT;\ny : INT;", "y := 1;", &["ST0101 3:1"]);
    check("", &["ST0801 1:1"]);
    check("x := 1;", &["ST0101 1:1"]);
    check("PROGRAM p x : INT; END_PROGRAM", &["ST0101 1:13"]);
    check("PROGRAM p", &["ST0101 1:10"]);
}

#[test]
fn language_when_not_supported_then_is_named() {
    check_body("r : REF_TO INT;", ";", &["ST0103 3:5"]);
    check_body("a : ARRAY[*] OF INT;", ";", &["ST0103 3:11"]);
    check(
        "INTERFACE i END_INTERFACE PROGRAM p ; END_PROGRAM",
        &["ST0103 1:1"],
    );
    check(
        "PROGRAM p VAR_ACCESS x : y : INT; END_VAR ; END_PROGRAM",
        &["ST0103 1:11"],
    );
    check(
        "CONFIGURATION c PROGRAM i : p(f WITH t); END_CONFIGURATION
         PROGRAM p ; END_PROGRAM",
        &["ST0103 1:31"],
    );
    check(
        "FUNCTION_BLOCK b EXTENDS c ; END_FUNCTION_BLOCK PROGRAM p ; END_PROGRAM",
        &["ST0103 1:18"],
    );
}

#[test]
fn declarations_when_wrong_then_are_reported() {
    check_body("x : INT; X : BOOL;", ";", &["ST0201 3:10"]);
    check_body("x : INTT;", "x := 1;", &["ST0202 3:5"]);
    check_body("SINT : INT;", ";", &["ST0206 3:1"]);
    check_body("a : ARRAY[5..1] OF INT;", ";", &["ST0204 3:5"]);
    check_body("a : ARRAY[0..99999999] OF INT;", ";", &["ST0204 3:5"]);
    check_body("n : INT; a : ARRAY[0..n] OF INT;", ";", &["ST0502 3:23"]);
    check_body("x : INT := y;", ";", &["ST0301 3:12"]);
    check_body("x : INT := TRUE;", ";", &["ST0401 3:12"]);
    check_body("x : INT := 40000;", ";", &["ST0501 3:12"]);
    check_body(
        "a : ARRAY[0..1] OF INT := [1, 2, 3];",
        ";",
        &["ST0505 3:27"],
    );
    check_body("a : ARRAY[0..1] OF INT := 5;", ";", &["ST0505 3:27"]);
    check_body("t : TON := (PX := T#1s);", ";", &["ST0303 3:13"]);
    check_body("t : TON := 5;", ";", &["ST0505 3:12"]);
    check(
        "PROGRAM p VAR CONSTANT c : INT; END_VAR ; END_PROGRAM",
        &["ST0205 1:24"],
    );
    check(
        "FUNCTION f : INT VAR t : TON; END_VAR f := 1; END_FUNCTION PROGRAM p ; END_PROGRAM",
        &["ST0205 1:22"],
    );
    check(
        "FUNCTION_BLOCK b VAR_INPUT t : TON; END_VAR ; END_FUNCTION_BLOCK PROGRAM p ; END_PROGRAM",
        &["ST0205 1:28"],
    );
    check(
        "FUNCTION_BLOCK b VAR x : b; END_VAR ; END_FUNCTION_BLOCK PROGRAM p ; END_PROGRAM",
        &["ST0203 1:16"],
    );
    check(
        "FUNCTION INT : INT INT := 1; END_FUNCTION PROGRAM p ; END_PROGRAM",
        &["ST0206 1:10"],
    );
    check(
        "PROGRAM p ; END_PROGRAM PROGRAM q ; END_PROGRAM",
        &["ST0801 1:33"],
    );
    check(
        "PROGRAM p ; END_PROGRAM FUNCTION p : INT p := 1; END_FUNCTION",
        &["ST0201 1:34"],
    );
}

#[test]
fn functions_when_recursive_then_are_reported() {
    check(
        "FUNCTION f : INT VAR_INPUT x : INT; END_VAR f := f(x); END_FUNCTION PROGRAM p ; END_PROGRAM",
        &["ST0203 1:50"],
    );
    check(
        "FUNCTION f : INT f := g(); END_FUNCTION FUNCTION g : INT g := f(); END_FUNCTION PROGRAM p ; END_PROGRAM",
        &["ST0203 1:63"],
    );
}

#[test]
fn names_when_unknown_then_are_reported_with_a_hint() {
    check_body("level : INT;", "level := levle + 1;", &["ST0301 5:10"]);
    check_body("x : REAL;", "x := SQTR(4.0);", &["ST0302 5:6"]);
    check_body("t : TON; q : BOOL;", "q := t.QQ;", &["ST0303 5:8"]);
    check_body("t : TON;", "t(INN := TRUE);", &["ST0304 5:3"]);
    check_body("t : TON; q : BOOL;", "t(IN => q);", &["ST0304 5:3"]);
    check_body("t : TON;", "t(Q := TRUE);", &["ST0304 5:3"]);
    check_body("x : INT;", "foo(1);", &["ST0301 5:1"]);
    // The instance's own memory is nobody else's business.
    check_body("t : TON; u : USINT;", "u := t._STATE;", &["ST0303 5:8"]);
    for (body, hint) in [
        ("level := levle;", "did you mean `level`?"),
        ("level := MXA(1, 2);", "did you mean `MAX`?"),
        ("t(PTT := T#1s);", "did you mean `PT`?"),
        (
            "level := level + un;",
            "convert one of them, for instance with `UINT_TO_INT(...)`",
        ),
        ("level := d;", "convert with `DINT_TO_INT(...)`"),
        ("t2 := 5;", "write `T#5ms`"),
        ("TON(IN := TRUE);", "declare `x : TON;` and call `x(...)`"),
    ] {
        let source = in_program(
            "level : INT; t : TON; un : UINT; d : DINT; t2 : TIME;",
            body,
        );
        let problems = compile(&source, "test.st").expect_err("each has a mistake");
        assert_eq!(problems[0].hint.as_deref(), Some(hint), "{body}");
    }
}

#[test]
fn types_when_they_do_not_fit_then_are_reported() {
    let vars = "i : INT; u : UINT; d : DINT; r : REAL; b : BOOL; w : WORD; t : TIME; a : ARRAY[0..3] OF INT; \
                z : ARRAY[0..4] OF INT; tm : TON;";
    for (body, expected) in [
        ("i := d;", "ST0401 5:6"),
        ("i := 1.5;", "ST0401 5:6"),
        ("b := i;", "ST0401 5:6"),
        ("b := 2;", "ST0501 5:6"),
        ("t := 5;", "ST0401 5:6"),
        ("r := d;", "ST0401 5:6"),
        ("w := u;", "ST0401 5:6"),
        ("IF i THEN ; END_IF;", "ST0401 5:4"),
        ("i := i + u;", "ST0403 5:6"),
        ("r := r + t;", "ST0403 5:6"),
        ("w := w + 1;", "ST0402 5:6"),
        ("i := i AND 1;", "ST0402 5:6"),
        ("b := NOT i;", "ST0402 5:6"),
        ("b := -b;", "ST0402 5:6"),
        ("t := t * t;", "ST0402 5:6"),
        ("r := r MOD 2.0;", "ST0402 5:6"),
        ("r := SQRT(b);", "ST0402 5:11"),
        ("i := SHL(i, 1);", "ST0402 5:10"),
        ("i := a;", "ST0404 5:6"),
        ("i := tm;", "ST0404 5:6"),
        ("i := i[1];", "ST0404 5:6"),
        ("i := i.x;", "ST0404 5:8"),
        ("a := z;", "ST0401 5:6"),
        ("i := a[b];", "ST0401 5:8"),
        ("i := a[1.5];", "ST0401 5:8"),
        ("i := a[4];", "ST0504 5:8"),
        ("a[-1] := 0;", "ST0504 5:3"),
        ("i := INT_TO_INT(i);", "ST0405 5:6"),
        ("i := REAL_TO_INT(t);", "ST0401 5:18"),
        ("i := 40000;", "ST0501 5:6"),
        ("i := INT#16#FFFF;", "ST0501 5:10"),
        ("u := -1;", "ST0501 5:6"),
        ("i := 1 / 0;", "ST0503 5:6"),
        ("t := T#1s / 0;", "ST0503 5:6"),
        ("i := LIMIT(0, i);", "ST0606 5:6"),
        ("i := MAX(1);", "ST0606 5:6"),
        ("i := SEL(b, 1, r);", "ST0401 5:6"),
    ] {
        check_body(vars, body, &[expected]);
    }
}

#[test]
fn statements_when_wrong_then_are_reported() {
    let vars = "i : INT; b : BOOL; r : REAL; x AT %IX0.0 : BOOL; t : TON;";
    for (body, expected) in [
        ("t.Q := TRUE;", "ST0601 5:1"),
        ("FOR i := 1 TO 3 DO i := 5; END_FOR;", "ST0601 5:20"),
        ("EXIT;", "ST0602 5:1"),
        ("IF b THEN CONTINUE; END_IF;", "ST0602 5:11"),
        ("FOR i := 1 TO 3 BY 0 DO ; END_FOR;", "ST0603 5:20"),
        ("FOR r := 1.0 TO 3.0 DO ; END_FOR;", "ST0401 5:5"),
        ("CASE i OF 1: ; 1: ; END_CASE;", "ST0604 5:16"),
        ("CASE i OF 1..5: ; 3: ; END_CASE;", "ST0604 5:19"),
        ("CASE i OF 5..1: ; END_CASE;", "ST0604 5:11"),
        ("CASE i OF i: ; END_CASE;", "ST0502 5:11"),
        ("CASE r OF 1: ; END_CASE;", "ST0401 5:6"),
        ("i();", "ST0605 5:1"),
        ("b := t(IN := b);", "ST0605 5:6"),
        ("TON(IN := b);", "ST0605 5:1"),
        ("t(IN := b, IN := b);", "ST0606 5:12"),
        ("t(b, PT := T#1s);", "ST0606 5:1"),
        ("t(b, T#1s, b);", "ST0606 5:12"),
        ("t(IN := i);", "ST0401 5:9"),
        ("t(ET => i);", "ST0401 5:9"),
        ("t(Q => t.Q);", "ST0601 5:8"),
    ] {
        check_body(vars, body, &[expected]);
    }
    check(
        "PROGRAM p VAR CONSTANT c : INT := 1; END_VAR c := 2; END_PROGRAM",
        &["ST0601 1:46"],
    );
    check(
        "FUNCTION_BLOCK b VAR_OUTPUT y : INT; END_VAR y := 1; END_FUNCTION_BLOCK PROGRAM p VAR i : b; END_VAR i.y := 2; END_PROGRAM",
        &["ST0601 1:102"],
    );
}

#[test]
fn arguments_of_functions_when_wrong_then_are_reported() {
    let with = |body: &str| {
        format!(
            "FUNCTION f : INT VAR_INPUT x : INT; y : INT; END_VAR VAR_IN_OUT v : INT; END_VAR f := x; END_FUNCTION\n\
             FUNCTION_BLOCK g VAR_IN_OUT v : INT; w : INT; END_VAR ; END_FUNCTION_BLOCK\n\
             PROGRAM p VAR i : INT; d : DINT; g1 : g; END_VAR\n{body}\nEND_PROGRAM"
        )
    };
    for (body, expected) in [
        ("i := f(1, 2);", "ST0606 4:6"),
        ("i := f(1, 2, i, 4);", "ST0606 4:17"),
        ("i := f(1, 2, 3);", "ST0607 4:14"),
        ("i := f(1, 2, d);", "ST0607 4:14"),
        ("i := f(x := 1, z := 2, v := i);", "ST0304 4:16"),
        ("g1(v := i);", "ST0606 4:1"),
        ("g1(v := i, w := i);", "ST0607 4:17"),
        ("i := g1.v;", "ST0303 4:9"),
    ] {
        check(&with(body), &[expected]);
    }
}

/// ST-FBK-002, ST-POU-005.
#[test]
fn calls_when_a_variant_or_en_is_wrong_then_are_reported() {
    let vars = "t : TON_LTIME; c : CTU_UINT; i : INT; b : BOOL;";
    for (body, expected) in [
        // TIME becomes LTIME, as Figure 12 allows; the other way loses values.
        ("t(PT := T#1s);", ""),
        ("t.PT := 5;", "ST0401 5:9"),
        ("c(PV := -1);", "ST0501 5:9"),
        ("i := 1 + ADD(EN := i, IN1 := i, IN2 := i);", "ST0401 5:20"),
        ("i := 1 + ADD(ENO => i, IN1 := i, IN2 := i);", "ST0401 5:21"),
        (
            "i := 1 + ADD(ENO => TRUE, IN1 := i, IN2 := i);",
            "ST0101 5:21",
        ),
        (
            "b := GT(EN := b, IN1 := i, IN2 := i, OK => b) AND b;",
            "ST0304 5:38",
        ),
    ] {
        let expected: Vec<_> = [expected].into_iter().filter(|e| !e.is_empty()).collect();
        check_body(vars, body, &expected);
    }
    check_body("t : TON;", "t.ENO := TRUE;", &["ST0601 5:1"]);
    check_body("t : TON;", "t(ENO => t.ENO);", &["ST0601 5:10"]);
    check_body("t : TON; x : INT;", "x := t.ENO;", &["ST0401 5:6"]);
    check_body("t : TON; x : BOOL;", "x := t.EN;", &["ST0303 5:8"]);
    check_body(
        "t : ARRAY[0..1] OF TON; i : INT; x : BOOL;",
        "t[1](); x := t[1].ENO; x := t[i].ENO;",
        &["ST0303 5:34"],
    );
    check_body("t : TON_UINT;", ";", &["ST0202 3:5"]);
    check_body("t : R_TRIG_INT;", ";", &["ST0202 3:5"]);
    check_body(
        "i : INT := 1 + ADD(EN := TRUE, IN1 := 1, IN2 := 2);",
        ";",
        &["ST0502 3:16"],
    );
    check_body("t : TON; l : LTIME;", "t(PT := l);", &["ST0401 5:9"]);
}

/// ST-FUN-002, ST-LIT-001.
#[test]
fn words_of_other_systems_when_met_then_are_named() {
    check_body("x : INT; p : INT;", "x := p^;", &["ST0103 5:7"]);
    check_body("x : INT;", "x ?= 1;", &["ST0103 5:3"]);
    check(
        "FUNCTIONBLOCK f VAR x : INT; END_VAR END_FUNCTION_BLOCK PROGRAM p END_PROGRAM",
        &["ST0101 1:1"],
    );
    check(
        "PROGRAM p VAR PERSISTENT x : INT; END_VAR END_PROGRAM",
        &["ST0103 1:15"],
    );
    check("PROGRAM p VAR persistent : INT; END_VAR END_PROGRAM", &[]);
    check(
        "PROGRAM p VAR_OUTPUT CONSTANT x : INT := 1; END_VAR END_PROGRAM",
        &["ST0205 1:31"],
    );
    let vars = "i : INT; u : UINT; w : WORD; r : REAL; b : BOOL;";
    for (body, expected) in [
        ("u := BCD_TO_UINT(u);", "ST0402 5:18"),
        ("w := TO_BCD_WORD(i);", "ST0402 5:18"),
        ("w := TO_BCD_WORD(w);", "ST0402 5:18"),
        ("w := TO_BCD_WORD(r);", "ST0402 5:18"),
        ("i := BCD_TO_INT(w);", "ST0302 5:6"),
        ("b := IS_VALID(i);", "ST0402 5:15"),
        ("b := IS_VALID_BCD(u);", "ST0402 5:19"),
        ("r := TO_BIG_ENDIAN(r);", "ST0402 5:20"),
        ("b := FROM_LITTLE_ENDIAN(b);", "ST0402 5:25"),
        ("b := NE(1, 2, 3);", "ST0606 5:6"),
        ("b := GT(i, r, b);", "ST0403 5:6"),
    ] {
        check_body(vars, body, &[expected]);
    }
}

/// ST-POU-006.
#[test]
fn results_of_several_slots_when_of_another_type_then_are_reported() {
    let with = |body: &str| {
        format!(
            "TYPE A : STRUCT x : INT; END_STRUCT; B : STRUCT x : INT; END_STRUCT; END_TYPE\n\
             FUNCTION a1 : A VAR_INPUT v : A; END_VAR a1 := v; END_FUNCTION\n\
             FUNCTION b1 : B b1.x := 1; END_FUNCTION\n\
             PROGRAM p VAR a : A; i : INT; END_VAR\n{body}\nEND_PROGRAM"
        )
    };
    check(&with("a := a1(a1(a1(a)));"), &[]);
    check(&with("a := a1(b1());"), &["ST0401 5:9"]);
    check(&with("a := a1(ABS(i));"), &["ST0302 5:9"]);
    check(&with("a := a1(i);"), &["ST0401 5:9"]);
}

/// A CONFIGURATION with `entries` from line 3 on.
fn in_configuration(entries: &str) -> String {
    format!(
        "CONFIGURATION c VAR_GLOBAL g : INT; b : BOOL; s : STRING[5]; f : Fb; w : WORD; END_VAR\n\
         VAR_GLOBAL CONSTANT K : INT := 1; L : ARRAY[0..1] OF INT := [1, 2]; END_VAR\n\
         {entries}\n\
         END_CONFIGURATION\n\
         FUNCTION_BLOCK Fb VAR_INPUT x : INT; END_VAR VAR_TEMP t : INT; END_VAR END_FUNCTION_BLOCK\n\
         PROGRAM Main VAR_INPUT x : INT; END_VAR VAR_OUTPUT y : INT; END_VAR\n\
         VAR n : INT; fb : Fb; a : ARRAY[1..2] OF INT; END_VAR VAR_EXTERNAL g : INT; END_VAR END_PROGRAM\n\
         PROGRAM Io VAR i AT %I* : BOOL; q AT %Q* : BOOL; m AT %M* : ARRAY[0..3] OF INT; END_VAR END_PROGRAM"
    )
}

/// ST-CFG-003.
#[test]
fn connections_when_wrong_then_are_reported() {
    for (connections, expected) in [
        ("x := g, y => g", ""),
        ("x := K", ""),
        ("x := K + 1", ""),
        ("x := b", "ST0804 3:23"),
        ("x := %IX0.0", "ST0702 3:23"),
        ("x := %IW9999", "ST0701 3:23"),
        ("x := 40000", "ST0501 3:23"),
        ("x := g + 1", "ST0502 3:23"),
        ("x := z", "ST0805 3:23"),
        ("x := f.x", "ST0804 3:23"),
        ("x := w.%B1", "ST0804 3:23"),
        ("x := p.y", "ST0804 3:23"),
        ("y => %IW0", "ST0804 3:23"),
        ("y => K", "ST0805 3:23"),
        ("y => L[0]", "ST0804 3:23"),
        ("y => L[2]", "ST0504 3:25"),
        ("y := g", "ST0304 3:18"),
        ("x => g", "ST0304 3:18"),
        ("n := g", "ST0304 3:18"),
        ("x := g, x := g", "ST0804 3:26"),
        ("g", "ST0804 3:18"),
        ("NOT y => g", "ST0804 3:27"),
    ] {
        let source = in_configuration(&format!("PROGRAM p : Main({connections});"));
        let expected: Vec<_> = [expected].into_iter().filter(|e| !e.is_empty()).collect();
        check(&source, &expected);
    }
}

/// ST-CFG-004.
#[test]
fn instance_values_when_wrong_then_are_reported() {
    for (entry, expected) in [
        ("p.n : INT := 5", ""),
        ("p.n : DINT := 5", "ST0805 4:12"),
        ("p.n : INT", "ST0805 4:12"),
        ("p.n AT %MW0 : INT", "ST0805 4:19"),
        ("p.n : INT := 99999", "ST0501 4:25"),
        ("p.m : INT := 5", "ST0805 4:14"),
        ("p.fb.t : INT := 5", "ST0805 4:17"),
        ("p.g : INT := 5", "ST0805 4:14"),
        ("p.a[3] : INT := 5", "ST0504 4:16"),
        ("p.a[1] : INT := 5", ""),
        ("p : Main := 5", "ST0805 4:12"),
        ("g : INT := 5", "ST0805 4:12"),
        ("z.n : INT := 5", "ST0805 4:12"),
        ("p.fb : Fb := (x := 5)", ""),
        ("p.fb : Fb := (z := 5)", "ST0303 4:26"),
        ("io.i AT %IX0.5 : BOOL", "ST0805 4:12"),
        ("io.q : BOOL := TRUE", "ST0805 4:12 ST0806 4:12"),
    ] {
        let places =
            "io.i AT %IX0.0 : BOOL; io.q AT %QX0.0 : BOOL; io.m AT %MW0 : ARRAY[0..3] OF INT;";
        let source = in_configuration(&format!(
            "PROGRAM p : Main; PROGRAM io : Io; VAR_CONFIG {places} END_VAR\nVAR_CONFIG {entry}; END_VAR"
        ));
        let expected: Vec<_> = split_codes(expected);
        check(&source, &expected);
    }
}

/// `"ST0805 4:12 ST0806 4:12"` into its diagnostics.
fn split_codes(text: &str) -> Vec<&str> {
    let starts = text.match_indices("ST").map(|(at, _)| at);
    let ends = starts.clone().skip(1).map(|at| at - 1);
    let ends = ends.chain((!text.is_empty()).then_some(text.len()));
    starts.zip(ends).map(|(from, to)| &text[from..to]).collect()
}

/// ST-CFG-004.
#[test]
fn instance_places_when_wrong_then_are_reported() {
    for (entries, expected) in [
        (
            "i AT %IX0.0 : BOOL; io.q AT %QX0.0 : BOOL; io.m AT %MW0",
            "",
        ),
        (
            "i AT %QX0.1 : BOOL; io.q AT %QX0.0 : BOOL; io.m AT %MW0",
            "ST0704 3:37",
        ),
        (
            "i AT %IW0 : BOOL; io.q AT %QX0.0 : BOOL; io.m AT %MW0",
            "ST0702 3:37",
        ),
        (
            "i AT %I* : BOOL; io.q AT %QX0.0 : BOOL; io.m AT %MW0",
            "ST0701 3:37",
        ),
        ("i AT %IX0.0 : BOOL; io.m AT %MW0", "ST0806 3:9"),
        (
            "i AT %IX0.0 : BOOL; io.q AT %QX0.0 : BOOL; io.m AT %MW1021",
            "ST0701 3:83",
        ),
        (
            "i AT %IX0.0 : BOOL; io.q AT %QX0.0 : BOOL; io.m AT %MX0.0",
            "ST0702 3:83",
        ),
    ] {
        let source = in_configuration(&format!(
            "PROGRAM io : Io; VAR_CONFIG io.{entries} : ARRAY[0..3] OF INT; END_VAR"
        ));
        let expected: Vec<_> = [expected].into_iter().filter(|e| !e.is_empty()).collect();
        check(&source, &expected);
    }
    // Without a CONFIGURATION nothing can give the address.
    check(
        "PROGRAM p VAR x AT %I* : BOOL; END_VAR END_PROGRAM",
        &["ST0806 1:9"],
    );
    check(
        "FUNCTION f : INT VAR x AT %M* : INT; END_VAR f := 1; END_FUNCTION PROGRAM p END_PROGRAM",
        &["ST0704 1:27"],
    );
    check(
        "VAR_GLOBAL x AT %M* : INT; END_VAR PROGRAM p END_PROGRAM",
        &["ST0704 1:17"],
    );
    check_body("x AT %I* : TON;", ";", &["ST0702 3:6"]);
    check_body("x AT %I* : BOOL; y : BOOL;", "x := y;", &["ST0806 1:9"]);
    check_body("x : INT;", "x := %I*;", &["ST0701 5:6"]);
    // Two instances on one output.
    check(
        &in_configuration(
            "PROGRAM io : Io; PROGRAM j : Io; VAR_CONFIG io.i AT %IX0.0 : BOOL; io.q AT %QX0.0 : BOOL;\n\
             io.m AT %MW0 : ARRAY[0..3] OF INT; j.i AT %IX0.0 : BOOL; j.q AT %QX0.0 : BOOL;\n\
             j.m AT %MW4 : ARRAY[0..3] OF INT; END_VAR",
        ),
        &["ST0703 3:26"],
    );
}

/// ST-CFG-005.
#[test]
fn access_paths_when_wrong_then_are_reported() {
    for (entry, expected) in [
        ("A : p.n : INT READ_WRITE", ""),
        ("A : p.y : INT READ_WRITE", ""),
        ("A : p.n : UINT", "ST0805 4:5"),
        ("A : p.x : INT READ_WRITE", "ST0805 4:5"),
        ("A : p.x : INT READ_ONLY", ""),
        ("A : q.x : INT READ_WRITE", ""),
        ("A : L : ARRAY[0..1] OF INT READ_WRITE", "ST0805 4:5"),
        ("A : L[1] : INT READ_WRITE", "ST0805 4:5"),
        ("A : L[1] : INT", ""),
        ("A : K : INT", "ST0805 4:5"),
        ("A : %IX0.0 : BOOL READ_WRITE", "ST0805 4:5"),
        ("A : %IX0.0 : BOOL READ_ONLY", ""),
        ("A : p.fb : Fb", "ST0805 4:5"),
        ("A : p.fb.t : INT", "ST0805 4:10"),
        ("A : p.g : INT", "ST0805 4:7"),
        ("A : p : INT", "ST0805 4:5"),
        ("A : p.n.x : INT", "ST0805 4:9"),
        ("A : p.n[1] : INT", "ST0805 4:8"),
        ("A : s : STRING", ""),
        ("g : p.n : INT", "ST0201 4:1"),
        ("A : g : INT; a : g : INT", "ST0201 4:14"),
        ("A : g : INT READ_BOTH", "ST0101 4:13"),
    ] {
        let source = in_configuration(&format!(
            "PROGRAM p : Main(x := g); PROGRAM q : Main; VAR_ACCESS\n{entry}; END_VAR"
        ));
        let expected: Vec<_> = [expected].into_iter().filter(|e| !e.is_empty()).collect();
        check(&source, &expected);
    }
}

/// ST-CFG-006.
#[test]
fn resources_when_names_clash_then_are_reported() {
    for (entries, expected) in [
        (
            "RESOURCE r ON c PROGRAM p : Main; END_RESOURCE RESOURCE r ON c PROGRAM q : Main; END_RESOURCE",
            "ST0201 3:57",
        ),
        (
            "RESOURCE r ON c PROGRAM p : Main; PROGRAM P : Main; END_RESOURCE",
            "ST0201 3:43",
        ),
        // A task belongs to its RESOURCE.
        (
            "RESOURCE r ON c TASK t(PRIORITY := 1); END_RESOURCE RESOURCE s ON c PROGRAM p WITH t : Main; END_RESOURCE",
            "ST0803 3:84",
        ),
        (
            "RESOURCE r ON c PROGRAM p : Main; END_RESOURCE RESOURCE s ON c PROGRAM p : Main; END_RESOURCE \
             VAR_CONFIG p.n : INT := 1; END_VAR",
            "ST0805 3:106",
        ),
    ] {
        check(&in_configuration(entries), &[expected]);
    }
}

#[test]
fn addresses_when_wrong_then_are_reported() {
    for (declaration, expected) in [
        ("x AT %ZX0.0 : BOOL;", "ST0701 3:6"),
        ("x AT %IX0.9 : BOOL;", "ST0701 3:6"),
        ("x AT %QW1024 : INT;", "ST0701 3:6"),
        ("x AT %QW1020 : ARRAY[0..9] OF INT;", "ST0701 3:6"),
        ("x AT %IX0.0 : INT;", "ST0702 3:6"),
        ("x AT %MW0 : DINT;", "ST0702 3:6"),
        ("x AT %MD0 : LREAL;", "ST0702 3:6"),
        ("x AT %MW0 : TON;", "ST0702 3:6"),
        ("x, y AT %MW0 : INT;", "ST0703 3:9"),
        ("x AT %MW0 : INT; y AT %MW0 : INT;", "ST0703 3:23"),
        ("x AT %MW3 : INT; y AT %MD1 : DINT;", "ST0703 3:23"),
        ("x AT %QX1.7 : BOOL; y AT %QB1 : BYTE;", "ST0703 3:26"),
    ] {
        check_body(declaration, ";", &[expected]);
    }
    check_body("x AT %IW0 : INT; y AT %IW0 : WORD;", ";", &[]);
    check_body("x AT %MW0 : INT;", "%MD0 := DWORD#1;", &["ST0703 5:1"]);
    check(
        "FUNCTION_BLOCK b VAR x AT %IX0.0 : BOOL; END_VAR ; END_FUNCTION_BLOCK PROGRAM p ; END_PROGRAM",
        &["ST0704 1:27"],
    );
    check(
        "FUNCTION_BLOCK b VAR x : BOOL; END_VAR x := %IX0.0; END_FUNCTION_BLOCK PROGRAM p ; END_PROGRAM",
        &["ST0704 1:45"],
    );
}

#[test]
fn program_when_it_has_many_mistakes_then_all_are_reported_in_order() {
    let source = "FUNCTION_BLOCK Valve
VAR_INPUT open : BOOL; END_VAR
VAR_OUTPUT pos : REAl2; END_VAR
    pos := 1;
    opne := TRUE;
END_FUNCTION_BLOCK
PROGRAM Main
VAR v : Valve; n : INT; END_VAR
    v(opn := TRUE);
    IF n > 1.5 THEN
        n := 'x';
    END_IF
    n := n + ;
    n := missing + absent;
    FOR n := 1 TO 10 DO EXIT; END_FOR;
END_PROGRAM";
    check(
        source,
        &[
            "ST0202 3:18",
            "ST0301 5:5",
            "ST0304 9:7",
            "ST0401 11:14",
            "ST0101 12:11",
            "ST0101 13:14",
            "ST0301 14:10",
            "ST0301 14:20",
        ],
    );
}

#[test]
fn diagnostic_when_displayed_then_reads_like_a_compiler() {
    let problems = compile(
        "PROGRAM p\nVAR level : INT; END_VAR\n  level := levl;\nEND_PROGRAM",
        "tank.st",
    );
    let text = problems.expect_err("levl is unknown")[0].to_string();
    assert_eq!(
        text,
        "tank.st:3:12: ST0301: unknown variable `levl` (did you mean `level`?)"
    );
}

#[test]
fn types_when_declared_wrongly_then_are_reported() {
    for (source, expected) in [
        ("TYPE S : INT(5..1); END_TYPE", "ST0207 1:10"),
        ("TYPE S : REAL(1..5); END_TYPE", "ST0207 1:10"),
        ("TYPE S : STRING[2000]; END_TYPE", "ST0207 1:10"),
        ("TYPE A : A; END_TYPE", "ST0203 1:6"),
        ("TYPE A : (x, x); END_TYPE", "ST0201 1:14"),
        ("TYPE A : INT; A : INT; END_TYPE", "ST0201 1:15"),
        (
            "TYPE A : STRUCT x : INT; x : INT; END_STRUCT; END_TYPE",
            "ST0201 1:26",
        ),
        (
            "TYPE A : ARRAY[1..1000000000] OF INT; END_TYPE",
            "ST0204 1:10",
        ),
        (
            "TYPE A : ARRAY[1..1000, 1..1000] OF INT; END_TYPE",
            "ST0204 1:10",
        ),
    ] {
        check(&format!("{source} PROGRAM p ; END_PROGRAM"), &[expected]);
    }
    let with = |vars: &str, body: &str| {
        format!(
            "TYPE Color : (Red, Green); Size : (Small, Red); Pct : INT(0..100); Pt : STRUCT x : INT; END_STRUCT; END_TYPE\n\
             PROGRAM p VAR c : Color; i : INT; q : Pct; t : Pt; m : ARRAY[0..1, 0..1] OF INT; w : WORD; {vars} END_VAR\n{body}\nEND_PROGRAM"
        )
    };
    for (body, expected) in [
        ("c := 1;", "ST0401 3:6"),
        ("i := c;", "ST0401 3:6"),
        ("i := Red;", "ST0401 3:6"),
        ("c := Small;", "ST0401 3:6"),
        ("c := Color#Blue;", "ST0303 3:12"),
        ("c := Colour#Red;", "ST0202 3:6"),
        ("IF c > Green THEN ; END_IF;", "ST0402 3:4"),
        ("q := 101;", "ST0501 3:6"),
        ("i := t.y;", "ST0303 3:8"),
        ("t := 5;", "ST0401 3:6"),
        ("i := t;", "ST0404 3:6"),
        ("m[1] := 0;", "ST0406 3:1"),
        ("m[1, 2] := 0;", "ST0504 3:6"),
        ("w.16 := TRUE;", "ST0407 3:1"),
        ("i.1 := TRUE;", "ST0407 3:1"),
        ("w.%X1 := 5;", "ST0501 3:10"),
        ("i := LEN(5);", "ST0402 3:10"),
        ("i := 'ab';", "ST0401 3:6"),
    ] {
        check(&with("", body), &[expected]);
    }
    check(&with("d : DATE := D#2023-02-29;", ";"), &["ST0005 2:104"]);
    check(&with("s : STRING := '$x';", ";"), &["ST0006 2:106"]);
    check(&with("s : STRING[2] := 'abc';", ";"), &["ST0501 2:109"]);
}

#[test]
fn configuration_when_wrong_then_is_reported() {
    for (inside, expected) in [
        ("PROGRAM i WITH t : p;", "ST0803 1:32"),
        ("PROGRAM i : q;", "ST0803 1:29"),
        ("TASK t(PRIORITY := -1); PROGRAM i : p;", "ST0803 1:36"),
        ("TASK t(INTERVALL := T#1s); PROGRAM i : p;", "ST0803 1:24"),
        ("TASK t(INTERVAL := T#-1s); PROGRAM i : p;", "ST0803 1:36"),
        ("", "ST0801 1:15"),
    ] {
        let source = format!("CONFIGURATION c {inside} END_CONFIGURATION PROGRAM p ; END_PROGRAM");
        check(&source, &[expected]);
    }
    check(
        "PROGRAM p VAR_EXTERNAL g : INT; END_VAR ; END_PROGRAM",
        &["ST0208 1:24"],
    );
    check(
        "VAR_GLOBAL g : BOOL; END_VAR PROGRAM p VAR_EXTERNAL g : INT; END_VAR ; END_PROGRAM",
        &["ST0208 1:53"],
    );
}
