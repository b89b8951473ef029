//! Sequential Function Charts, call by call. Expectations are worked out from IEC 61131-3:2013,
//! 6.7.2 to 6.7.5, and Figure 23 b) for the control of actions.

use sim_st::Value;

use crate::support::{Bench, check_codes};

/// Scans at the given times, ms, and compares variables after each: `"a=TRUE b=1"`. A `name:=` in
/// a row is written, as a BOOL, before its scan.
#[track_caller]
fn check_rows(source: &str, rows: &[(u64, &str)]) {
    let mut bench = Bench::new(source);
    for (now_ms, row) in rows {
        for word in row.split_whitespace() {
            if let Some((name, value)) = word.split_once(":=") {
                bench.write(name, Value::Bool(value == "1"));
            }
        }
        bench.scan_ms(*now_ms);
        let expected: Vec<_> = row
            .split_whitespace()
            .filter(|word| !word.contains(":="))
            .collect();
        let found: Vec<_> = expected
            .iter()
            .map(|pair| {
                pair.split_once('=')
                    .expect("an expectation is name=value")
                    .0
            })
            .map(|name| {
                let value = match bench.text(name).as_str() {
                    "TRUE" => "1".to_owned(),
                    "FALSE" => "0".to_owned(),
                    other => other.to_owned(),
                };
                format!("{name}={value}")
            })
            .collect();
        assert_eq!(found, expected, "at {now_ms} ms");
    }
}

/// A chart whose step A is active while `go`, with one association of the action `act`, which
/// counts its executions; step R resets the action while it is active.
fn with_qualifier(qualifier: &str) -> String {
    format!(
        "PROGRAM Main
        VAR go, again : BOOL; n : INT; END_VAR
        INITIAL_STEP Idle: END_STEP
        TRANSITION FROM Idle TO A := go; END_TRANSITION
        STEP A: act({qualifier}); END_STEP
        TRANSITION FROM A TO R := NOT go; END_TRANSITION
        STEP R: END_STEP
        TRANSITION FROM R TO Reset := again; END_TRANSITION
        STEP Reset: act(R); END_STEP
        TRANSITION FROM Reset TO Idle := NOT again; END_TRANSITION
        ACTION act: n := n + 1; END_ACTION
        END_PROGRAM"
    )
}

// ST-SFC-001
#[test]
fn chart_when_called_first_then_initial_step_acts_before_its_successor_is_tested() {
    check_rows(
        "PROGRAM Main
        VAR first, second : INT; END_VAR
        INITIAL_STEP One: act(N); END_STEP
        TRANSITION FROM One TO Two := TRUE; END_TRANSITION
        STEP Two: act2(); END_STEP
        ACTION act: first := first + 1; END_ACTION
        ACTION act2: second := second + 1; END_ACTION
        END_PROGRAM",
        &[
            (0, "One.X=1 Two.X=0 first=1 second=0"),
            (10, "One.X=0 Two.X=1 first=1 second=1"),
            (20, "One.X=0 Two.X=1 first=1 second=2"),
        ],
    );
}

#[test]
fn chart_when_all_conditions_hold_then_one_step_a_call() {
    check_rows(
        "PROGRAM Main
        INITIAL_STEP A: END_STEP
        TRANSITION FROM A TO B := TRUE; END_TRANSITION
        STEP B: END_STEP
        TRANSITION FROM B TO C := TRUE; END_TRANSITION
        STEP C: END_STEP
        TRANSITION FROM C TO A := TRUE; END_TRANSITION
        END_PROGRAM",
        &[
            (0, "A.X=1 B.X=0 C.X=0"),
            (1, "A.X=0 B.X=1 C.X=0"),
            (2, "A.X=0 B.X=0 C.X=1"),
            (3, "A.X=1 B.X=0 C.X=0"),
        ],
    );
}

#[test]
fn step_time_when_step_is_active_then_counts_and_then_stands() {
    check_rows(
        "PROGRAM Main
        VAR go : BOOL; END_VAR
        INITIAL_STEP A: END_STEP
        TRANSITION FROM A TO B := go; END_TRANSITION
        STEP B: END_STEP
        TRANSITION FROM B TO A := B.T >= T#100ms; END_TRANSITION
        END_PROGRAM",
        &[
            (0, "A.T=T#0ms"),
            (30, "A.T=T#30ms"),
            // The step that ends keeps the time of its last call.
            (50, "go:=1 A.X=0 A.T=T#30ms B.X=1 B.T=T#0ms"),
            (140, "B.T=T#90ms"),
            (150, "B.X=1 B.T=T#100ms"),
            (170, "B.X=0 B.T=T#100ms A.X=1 A.T=T#0ms"),
        ],
    );
}

// ST-SFC-002
#[test]
fn transition_when_several_are_enabled_then_the_first_of_the_text_is_cleared() {
    let chart = |first: &str, second: &str| {
        format!(
            "PROGRAM Main
            INITIAL_STEP A: END_STEP
            TRANSITION {first} FROM A TO B := TRUE; END_TRANSITION
            TRANSITION {second} FROM A TO C := TRUE; END_TRANSITION
            STEP B: END_STEP
            STEP C: END_STEP
            END_PROGRAM"
        )
    };
    check_rows(&chart("", ""), &[(0, "A.X=1"), (1, "A.X=0 B.X=1 C.X=0")]);
    let ranked = chart("t1 (PRIORITY := 2)", "t2 (PRIORITY := 1)");
    check_rows(&ranked, &[(0, "A.X=1"), (1, "A.X=0 B.X=0 C.X=1")]);
    let one_ranked = chart("", "(PRIORITY := 9)");
    check_rows(&one_ranked, &[(0, "A.X=1"), (1, "B.X=0 C.X=1")]);
}

#[test]
fn transition_when_steps_run_side_by_side_then_waits_for_all() {
    check_rows(
        "PROGRAM Main
        VAR left, right : BOOL; END_VAR
        INITIAL_STEP Start: END_STEP
        TRANSITION FROM Start TO (L1, R1) := TRUE; END_TRANSITION
        STEP L1: END_STEP
        TRANSITION FROM L1 TO L2 := left; END_TRANSITION
        STEP L2: END_STEP
        STEP R1: END_STEP
        TRANSITION FROM R1 TO R2 := right; END_TRANSITION
        STEP R2: END_STEP
        TRANSITION FROM (L2, R2) TO Start := TRUE; END_TRANSITION
        END_PROGRAM",
        &[
            (0, "Start.X=1 L1.X=0 R1.X=0"),
            (1, "Start.X=0 L1.X=1 R1.X=1"),
            (2, "left:=1 L1.X=0 L2.X=1 R1.X=1"),
            (3, "L2.X=1 R1.X=1"),
            (4, "right:=1 L2.X=1 R2.X=1 Start.X=0"),
            (5, "L2.X=0 R2.X=0 Start.X=1"),
        ],
    );
}

#[test]
fn transition_when_it_leads_back_to_its_step_then_the_step_begins_anew() {
    check_rows(
        "PROGRAM Main
        VAR again : BOOL; n : INT; END_VAR
        INITIAL_STEP A: once(P1); END_STEP
        TRANSITION FROM A TO A := again; END_TRANSITION
        ACTION once: n := n + 1; END_ACTION
        END_PROGRAM",
        &[
            (0, "A.T=T#0ms n=1"),
            (20, "A.T=T#20ms n=1"),
            // X does not fall, so that there is no edge.
            (40, "again:=1 A.X=1 A.T=T#0ms n=1"),
        ],
    );
}

// ST-SFC-003
#[test]
fn transition_when_it_has_statements_then_they_assign_its_name() {
    check_rows(
        "PROGRAM Main
        VAR a, b : BOOL; tested : INT; END_VAR
        INITIAL_STEP S: END_STEP
        TRANSITION both FROM S TO E :
            tested := tested + 1;
            IF NOT a THEN RETURN; END_IF;
            both := b;
        END_TRANSITION
        STEP E: END_STEP
        END_PROGRAM",
        &[
            (0, "S.X=1 tested=0"),
            (1, "b:=1 S.X=1 tested=1"),
            (2, "a:=1 E.X=1 tested=2"),
            (3, "E.X=1 tested=2"),
        ],
    );
}

// ST-SFC-004
#[test]
fn action_when_not_stored_then_runs_while_its_step_is_active() {
    check_rows(
        &with_qualifier("N"),
        &[
            (0, "n=0"),
            (10, "go:=1 n=1"),
            (20, "n=2"),
            (30, "go:=0 A.X=0 n=2"),
        ],
    );
}

#[test]
fn action_when_stored_then_runs_until_it_is_reset() {
    check_rows(
        &with_qualifier("S"),
        &[
            (0, "n=0"),
            (10, "go:=1 n=1"),
            (20, "go:=0 A.X=0 n=2"),
            (30, "n=3"),
            (40, "again:=1 Reset.X=1 n=3"),
            (50, "again:=0 Idle.X=1 n=3"),
        ],
    );
}

#[test]
fn action_when_limited_then_ends_with_its_time_or_its_step() {
    check_rows(
        &with_qualifier("L, T#25ms"),
        &[
            (0, "n=0"),
            (10, "go:=1 n=1"),
            (20, "n=2"),
            (30, "n=3"),
            // 25 ms have passed since 10 ms.
            (40, "n=3"),
            (50, "go:=0 n=3"),
        ],
    );
    check_rows(
        &with_qualifier("L, T#1s"),
        &[
            (0, "n=0"),
            (10, "go:=1 n=1"),
            (20, "go:=0 n=1"),
            (30, "n=1"),
        ],
    );
}

#[test]
fn action_when_delayed_then_begins_after_its_time_unless_the_step_ends() {
    check_rows(
        &with_qualifier("D, T#20ms"),
        &[
            (0, "n=0"),
            (10, "go:=1 n=0"),
            (20, "n=0"),
            (30, "n=1"),
            (40, "n=2"),
            (50, "go:=0 n=2"),
        ],
    );
}

#[test]
fn action_when_pulsed_then_runs_once() {
    for qualifier in ["P", "P1"] {
        check_rows(
            &with_qualifier(qualifier),
            &[
                (0, "n=0"),
                (10, "go:=1 n=1"),
                (20, "n=1"),
                (30, "go:=0 n=1"),
                (40, "n=1"),
            ],
        );
    }
    check_rows(
        &with_qualifier("P0"),
        &[
            (0, "n=0"),
            (10, "go:=1 n=0"),
            (20, "n=0"),
            (30, "go:=0 A.X=0 n=1"),
            (40, "n=1"),
        ],
    );
}

#[test]
fn action_when_stored_and_delayed_then_begins_though_its_step_has_ended() {
    check_rows(
        &with_qualifier("SD, T#30ms"),
        &[
            (0, "n=0"),
            (10, "go:=1 n=0"),
            (20, "go:=0 A.X=0 n=0"),
            (30, "n=0"),
            (40, "n=1"),
            (50, "n=2"),
            (60, "again:=1 n=2"),
        ],
    );
    // DS: the step must last as long as the delay.
    check_rows(
        &with_qualifier("DS, T#30ms"),
        &[
            (0, "n=0"),
            (10, "go:=1 n=0"),
            (20, "go:=0 n=0"),
            (30, "n=0"),
            (40, "n=0"),
        ],
    );
    check_rows(
        &with_qualifier("DS, T#30ms"),
        &[
            (0, "n=0"),
            (10, "go:=1 n=0"),
            (40, "n=1"),
            (50, "go:=0 A.X=0 n=2"),
            (60, "again:=1 Reset.X=1 n=2"),
        ],
    );
}

#[test]
fn action_when_stored_and_limited_then_ends_with_its_time_alone() {
    check_rows(
        &with_qualifier("SL, T#30ms"),
        &[
            (0, "n=0"),
            (10, "go:=1 n=1"),
            (20, "go:=0 A.X=0 n=2"),
            (30, "n=3"),
            (40, "n=3"),
            (50, "n=3"),
        ],
    );
}

#[test]
fn action_when_it_is_a_variable_then_takes_the_flag() {
    check_rows(
        "PROGRAM Main
        VAR go, lamp, door : BOOL; END_VAR
        INITIAL_STEP A: lamp(N, door); END_STEP
        TRANSITION FROM A TO B := go; END_TRANSITION
        STEP B: END_STEP
        END_PROGRAM",
        &[(0, "lamp=1 door=0"), (10, "lamp=1"), (20, "go:=1 lamp=0")],
    );
}

#[test]
fn action_when_several_steps_name_it_then_each_may_have_its_time() {
    check_rows(
        "PROGRAM Main
        VAR n : INT; END_VAR
        INITIAL_STEP A: act(D, T#20ms); END_STEP
        TRANSITION FROM A TO B := n >= 1; END_TRANSITION
        STEP B: act(L, T#15ms); END_STEP
        ACTION act: n := n + 1; END_ACTION
        END_PROGRAM",
        &[
            (0, "n=0"),
            (20, "n=1"),
            // A has ended; B limits to 15 ms from here.
            (30, "B.X=1 n=2"),
            (40, "n=3"),
            (50, "n=3"),
        ],
    );
}

#[test]
fn action_when_it_returns_then_only_the_action_ends() {
    check_rows(
        "PROGRAM Main
        VAR early, late, other : INT; END_VAR
        INITIAL_STEP A: first(N); second(N); END_STEP
        ACTION first:
            early := early + 1;
            IF early > 1 THEN RETURN; END_IF;
            late := late + 1;
        END_ACTION
        ACTION second: other := other + 1; END_ACTION
        END_PROGRAM",
        &[(0, "early=1 late=1 other=1"), (1, "early=2 late=1 other=2")],
    );
}

// ST-SFC-005
#[test]
fn chart_when_it_is_a_block_then_each_instance_has_its_own_steps() {
    check_rows(
        "FUNCTION_BLOCK Seq
        VAR_INPUT go : BOOL; END_VAR
        VAR_OUTPUT busy : BOOL; END_VAR
        INITIAL_STEP Idle: END_STEP
        TRANSITION FROM Idle TO Work := go; END_TRANSITION
        STEP Work: busy(N); END_STEP
        TRANSITION FROM Work TO Idle := NOT go; END_TRANSITION
        END_FUNCTION_BLOCK
        PROGRAM Main
        VAR a, b : Seq; start : BOOL; END_VAR
            a(go := start); b(go := FALSE);
        END_PROGRAM",
        &[
            (0, "a.busy=0 b.busy=0"),
            (1, "start:=1 a.busy=1 b.busy=0"),
            (2, "start:=0 a.busy=0 b.busy=0"),
        ],
    );
}

#[test]
fn chart_when_wrong_then_every_mistake_has_its_place() {
    check_codes(
        "PROGRAM P\nSTEP a: END_STEP\nTRANSITION FROM a TO b := TRUE; END_TRANSITION\nEND_PROGRAM",
        &["ST0608 1:9", "ST0608 3:22"],
    );
    check_codes(
        "PROGRAM P\nVAR x : INT; END_VAR\nINITIAL_STEP s: x(N); act(Q); act(D); END_STEP\n\
         ACTION act: ; END_ACTION\nACTION act: ; END_ACTION\nEND_PROGRAM",
        &["ST0401 3:17", "ST0608 3:27", "ST0608 3:31", "ST0201 5:8"],
    );
    check_codes(
        "PROGRAM P\nINITIAL_STEP s: END_STEP\nSTEP s: END_STEP\n\
         TRANSITION FROM (s, s) TO s := 5; END_TRANSITION\nEND_PROGRAM",
        &["ST0201 3:6", "ST0608 4:21", "ST0501 4:32"],
    );
    // A step's flags are read only, and nobody but a transition begins it.
    check_codes(
        "PROGRAM P\nINITIAL_STEP s: a(N); END_STEP\nACTION a:\ns.X := FALSE;\ns();\ns.Y := 1;\nEND_ACTION\nEND_PROGRAM",
        &["ST0601 4:1", "ST0605 5:1", "ST0303 6:3"],
    );
    check_codes(
        "FUNCTION F : INT\nINITIAL_STEP s: END_STEP\nEND_FUNCTION\nPROGRAM P ; END_PROGRAM",
        &["ST0608 1:10"],
    );
    check_codes(
        "PROGRAM P\nINITIAL_STEP s: END_STEP\nTRANSITION FROM s TO s : ; END_TRANSITION\n\
         TRANSITION (PRIORITY := x) FROM s TO s := TRUE; END_TRANSITION\nEND_PROGRAM",
        &["ST0608 3:1", "ST0608 4:25"],
    );
}

#[test]
fn chart_when_syntax_is_broken_then_later_elements_are_still_read() {
    check_codes(
        "PROGRAM P\nINITIAL_STEP s END_STEP\nTRANSITION FROM s TO t := TRUE END_TRANSITION\n\
         STEP t: a(N; END_STEP\nACTION a: x := 1; END_ACTION\nEND_PROGRAM",
        &["ST0101 2:16", "ST0101 3:32", "ST0101 4:12", "ST0301 5:11"],
    );
    check_codes(
        "PROGRAM P\nINITIAL_STEP s: END_STEP\nx := 5;\nSTEP t: END_STEP\nEND_PROGRAM",
        &["ST0101 3:1"],
    );
    check_codes(
        "PROGRAM P\nINITIAL_STEP s: END_STEP\nACTION a: IF s.X THEN ; END_ACTION\nEND_PROGRAM",
        &["ST0101 3:25"],
    );
}
