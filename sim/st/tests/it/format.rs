//! Layout: what a program does is kept, and what was laid out stays.

use sim_st::{compile, format};

use crate::programs::sources;

/// The programs that are shipped, which look as the formatter wants them.
const SHIPPED: [(&str, &str); 4] = [
    (
        "filler.st",
        include_str!("../../../../scenarios/bottling/filler.st"),
    ),
    (
        "conveyor.st",
        include_str!("../../../../scenarios/bottling/conveyor.st"),
    ),
    (
        "packaging.st",
        include_str!("../../../../scenarios/bottling/packaging.st"),
    ),
    (
        "control.st",
        include_str!("../../../../scenarios/lib/control.st"),
    ),
];

#[track_caller]
fn check(source: &str, expected: &str) {
    assert_eq!(format(source, "test.st").as_deref(), Ok(expected));
    assert_eq!(
        format(expected, "test.st").as_deref(),
        Ok(expected),
        "again"
    );
}

#[test]
fn format_when_program_is_shipped_then_changes_nothing() {
    for (name, source) in SHIPPED {
        let laid_out = format(source, name).expect("shipped programs are right");
        let pairs = source.lines().zip(laid_out.lines());
        let differing: Vec<_> = pairs.filter(|(a, b)| a != b).collect();
        assert_eq!(differing, [], "{name}");
        assert_eq!(source.len(), laid_out.len(), "{name}");
    }
}

#[test]
fn format_when_program_is_right_then_keeps_what_each_unit_does() {
    let mut count = 0;
    for (name, source) in sources() {
        let Ok(before) = compile(&source, "test.st") else {
            continue;
        };
        count += 1;
        let crammed = source.replace("\n    ", "\n");
        for text in [&source, &crammed] {
            let once = format(text, "test.st").expect("it compiles");
            let after =
                compile(&once, "test.st").unwrap_or_else(|e| panic!("{name}: {e:?}\n{once}"));
            assert_eq!(before.pous(), after.pous(), "{name}\n{once}");
            assert_eq!(
                format(&once, "test.st").as_ref(),
                Ok(&once),
                "{name}, a second time"
            );
        }
    }
    assert!(count > 100, "only {count} programs");
}

#[test]
fn format_when_lines_are_flat_then_depth_follows_the_blocks() {
    check(
        "type\nColor:(Red,\nGreen\n);\nPoint:struct\nx,y:int;\nend_struct;\nend_type\n\n\n\n\
         program P\n(* all *)\nvar constant\nN:int:=-1; // one\nend_var\nvar\n\
         a:array [1..3] of int;   (* kept *)\nend_var\n\
         case a[1] of\n-1,2..3:\n// label\nif not(a[2]=N)and true then\nf(x:=-a[1],\ny=>a[2]);\n\
         elsif false then ;\nelse\na[3]:=a[1]-1;\nend_if;\nelse\nrepeat\nexit;\nuntil true\n\
         end_repeat;\nend_case;\nend_program",
        "\
TYPE
    Color : (Red,
        Green
    );
    Point : STRUCT
        x, y : int;
    END_STRUCT;
END_TYPE

PROGRAM P
(* all *)
VAR CONSTANT
    N : int := -1; // one
END_VAR
VAR
    a : ARRAY[1..3] OF int;   (* kept *)
END_VAR
    CASE a[1] OF
    -1, 2..3:
        // label
        IF NOT (a[2] = N) AND TRUE THEN
            f(x := -a[1],
                y => a[2]);
        ELSIF FALSE THEN;
        ELSE
            a[3] := a[1] - 1;
        END_IF;
    ELSE
        REPEAT
            EXIT;
        UNTIL TRUE
        END_REPEAT;
    END_CASE;
END_PROGRAM
",
    );
}

#[test]
fn format_when_configuration_then_programs_in_it_are_declarations() {
    check(
        "configuration C\nresource R on PLC\ntask Fast(interval:=T#20ms,priority:=1);\n\
         program P1 with Fast:Main;\nend_resource\nend_configuration\n",
        "\
CONFIGURATION C
    resource R on PLC
        task Fast(interval := T#20ms, priority := 1);
        PROGRAM P1 with Fast : Main;
    end_resource
END_CONFIGURATION
",
    );
}

#[test]
fn format_when_configuration_has_access_and_config_then_they_are_sections() {
    check(
        "configuration C\nresource R on PLC\nprogram P1:Main(a:=%IX0.0,\nb=>x);\nend_resource\n\
         VAR_ACCESS\nA:R.P1.x[1]:INT READ_WRITE;\nend_var\nVAR_CONFIG\n\
         P1.y at %QX0.0:bool:=true;\nP1.z at %I*:bool;end_var\nend_configuration\n",
        "\
CONFIGURATION C
    resource R on PLC
        PROGRAM P1 : Main(a := %IX0.0,
            b => x);
    end_resource
    VAR_ACCESS
        A : R.P1.x[1] : INT READ_WRITE;
    END_VAR
    VAR_CONFIG
        P1.y AT %QX0.0 : bool := TRUE;
        P1.z AT %I* : bool; END_VAR
END_CONFIGURATION
",
    );
}

#[test]
fn format_when_line_ends_are_cr_lf_then_they_stay() {
    check(
        "PROGRAM P\r\nVAR\r\nx:INT; // a\r\nEND_VAR\r\nx:=1; (* b\r\n   c *)\r\nEND_PROGRAM\r\n",
        "PROGRAM P\r\nVAR\r\n    x : INT; // a\r\nEND_VAR\r\n    x := 1; (* b\r\n   c *)\r\nEND_PROGRAM\r\n",
    );
}

#[test]
fn format_when_source_is_broken_then_says_where_and_gives_no_text() {
    let problems = format("PROGRAM P\nx := ;\nEND_PROGRAM\n", "p.st").expect_err("broken");
    assert_eq!(problems[0].line, 2);
}

#[test]
fn format_when_body_is_a_chart_then_elements_are_blocks() {
    check(
        "PROGRAM P\nVAR Step:INT;END_VAR\ninitial_step Idle:\nlamp(N);\nend_step\n\
         TRANSITION t(PRIORITY:=1)FROM Idle to(A,B):=TRUE;end_transition\nSTEP A:\nact(D,T#5s);\n\
         END_STEP\nSTEP B:END_STEP\naction act:\nif x then\ny:=1;\nend_if;\nend_action\nEND_PROGRAM\n",
        "PROGRAM P\nVAR Step : INT; END_VAR\n    initial_step Idle:\n        lamp(N);\n    END_STEP\n    \
         TRANSITION t(PRIORITY := 1) FROM Idle TO (A, B) := TRUE; END_TRANSITION\n    STEP A:\n        \
         act(D, T#5s);\n    END_STEP\n    STEP B: END_STEP\n    action act:\n        IF x THEN\n            \
         y := 1;\n        END_IF;\n    END_ACTION\nEND_PROGRAM\n",
    );
}
