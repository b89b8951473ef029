//! Instances: user-defined function blocks, edges, bistables and counters.

use crate::support::{Bench, check_source};
use sim_st::Value;

#[test]
fn instance_when_called_then_keeps_its_own_state() {
    check_source(
        "FUNCTION_BLOCK Counter
         VAR_INPUT step : INT := 1; END_VAR
         VAR_OUTPUT total : INT; END_VAR
         VAR calls : INT; END_VAR
             total := total + step; calls := calls + 1;
         END_FUNCTION_BLOCK
         PROGRAM Main
         VAR c : Counter; d : Counter := (step := 7); out : INT; n : INT; w : DINT; END_VAR
             c(); c(step := 5, total => out); c(); d(); d(total => w);
             n := c.total; c.step := 2;
         END_PROGRAM",
        // An input that a call leaves out keeps its last value.
        &[
            "out=6",
            "n=11",
            "c.calls=3",
            "c.step=2",
            "w=14",
            "Main.d.total=14",
        ],
    );
}

#[test]
fn instances_when_nested_then_lie_inside_their_owner() {
    check_source(
        "FUNCTION_BLOCK Inner VAR_INPUT x : INT; END_VAR VAR_OUTPUT y : INT; END_VAR VAR n : INT := 10; END_VAR
             n := n + x; y := n;
         END_FUNCTION_BLOCK
         FUNCTION_BLOCK Outer VAR_INPUT x : INT; END_VAR VAR_OUTPUT y : INT; END_VAR
         VAR a : Inner; b : Inner; hist : ARRAY[0..3] OF INT; k : INT; END_VAR
             a(x := x); b(x := a.y); y := b.y; hist[k] := y; k := k + 1;
         END_FUNCTION_BLOCK
         PROGRAM Main VAR p : Outer; q : Outer; END_VAR p(x := 1); q(x := 2); p(x := 3); END_PROGRAM",
        &["p.a.n=14", "p.b.n=35", "p.y=35", "q.y=22", "p.hist[0]=21", "p.hist[1]=35", "q.hist[0]=22"],
    );
}

/// The inputs that change before a scan, and what holds after it.
type Step<'a> = (&'a [(&'a str, bool)], &'a [&'a str]);

/// Runs one scan per step: sets the inputs `name=0|1`, scans, and compares `name=literal`.
fn check_steps(declarations: &str, body: &str, steps: &[Step<'_>]) {
    let mut bench = Bench::new(&crate::support::in_program(declarations, body));
    for (number, (inputs, expected)) in steps.iter().enumerate() {
        for (name, value) in *inputs {
            bench.write(name, Value::Bool(*value));
        }
        bench.scan_ms(10 * u64::try_from(number).expect("few steps"));
        for pair in *expected {
            let (name, value) = pair.split_once('=').expect("name=value");
            assert_eq!(bench.text(name), value, "{name} in step {number}");
        }
    }
}

#[test]
fn edges_when_clock_changes_then_fire_once() {
    check_steps(
        "c : BOOL; r : R_TRIG; f : F_TRIG;",
        "r(CLK := c); f(CLK := c);",
        &[
            // A falling-edge block fires in its first call, as Table 44 notes.
            (&[], &["r.Q=FALSE", "f.Q=TRUE"]),
            (&[], &["r.Q=FALSE", "f.Q=FALSE"]),
            (&[("c", true)], &["r.Q=TRUE", "f.Q=FALSE"]),
            (&[], &["r.Q=FALSE", "f.Q=FALSE"]),
            (&[("c", false)], &["r.Q=FALSE", "f.Q=TRUE"]),
            (&[], &["r.Q=FALSE", "f.Q=FALSE"]),
        ],
    );
    check_steps(
        "c : BOOL := TRUE; r : R_TRIG;",
        "r(CLK := c);",
        &[(&[], &["r.Q=TRUE"]), (&[], &["r.Q=FALSE"])],
    );
}

#[test]
fn bistables_when_both_inputs_are_true_then_dominant_one_wins() {
    check_steps(
        "s : BOOL; r : BOOL; a : SR; b : RS;",
        "a(S1 := s, R := r); b(S := s, R1 := r);",
        &[
            (&[], &["a.Q1=FALSE", "b.Q1=FALSE"]),
            (&[("s", true)], &["a.Q1=TRUE", "b.Q1=TRUE"]),
            (&[("s", false)], &["a.Q1=TRUE", "b.Q1=TRUE"]),
            (&[("r", true)], &["a.Q1=FALSE", "b.Q1=FALSE"]),
            (&[("s", true)], &["a.Q1=TRUE", "b.Q1=FALSE"]),
        ],
    );
}

#[test]
fn ctu_when_pulsed_then_counts_edges_up_to_its_preset() {
    check_steps(
        "u : BOOL; r : BOOL; c : CTU;",
        "c(CU := u, R := r, PV := 2);",
        &[
            (&[("u", true)], &["c.CV=1", "c.Q=FALSE"]),
            (&[], &["c.CV=1"]),
            (&[("u", false)], &["c.CV=1"]),
            (&[("u", true)], &["c.CV=2", "c.Q=TRUE"]),
            (&[("u", false)], &["c.CV=2", "c.Q=TRUE"]),
            (&[("u", true), ("r", true)], &["c.CV=0", "c.Q=FALSE"]),
            // The edge went by while R held.
            (&[("r", false)], &["c.CV=0"]),
        ],
    );
}

#[test]
fn ctd_when_pulsed_then_counts_down_to_zero() {
    check_steps(
        "d : BOOL; l : BOOL; c : CTD;",
        "c(CD := d, LD := l, PV := 2);",
        &[
            (&[], &["c.CV=0", "c.Q=TRUE"]),
            (&[("l", true)], &["c.CV=2", "c.Q=FALSE"]),
            (&[("l", false), ("d", true)], &["c.CV=1", "c.Q=FALSE"]),
            (&[("d", false)], &["c.CV=1"]),
            (&[("d", true)], &["c.CV=0", "c.Q=TRUE"]),
        ],
    );
}

#[test]
fn ctud_when_both_edges_come_then_stays() {
    check_steps(
        "u : BOOL; d : BOOL; r : BOOL; l : BOOL; c : CTUD;",
        "c(CU := u, CD := d, R := r, LD := l, PV := 3);",
        &[
            (&[], &["c.CV=0", "c.QU=FALSE", "c.QD=TRUE"]),
            (&[("u", true)], &["c.CV=1", "c.QD=FALSE"]),
            (&[("u", false)], &["c.CV=1"]),
            (&[("u", true), ("d", true)], &["c.CV=1"]),
            (
                &[("u", false), ("d", false), ("l", true)],
                &["c.CV=3", "c.QU=TRUE"],
            ),
            (&[("r", true)], &["c.CV=0", "c.QU=FALSE", "c.QD=TRUE"]),
            (
                &[("r", false), ("l", false), ("d", true)],
                &["c.CV=-1", "c.QD=TRUE"],
            ),
        ],
    );
}

#[test]
fn counters_when_at_the_end_of_their_type_then_stay() {
    check_steps(
        "u : BOOL; c : CTU := (CV := 32766); t : CTU_DINT := (CV := 40000); d : CTUD := (CV := -32767); dn : BOOL;",
        "c(CU := u, PV := 32767); t(CU := u, PV := 40002); d(CD := dn, PV := 1);",
        &[
            (
                &[("u", true), ("dn", true)],
                &["c.CV=32767", "t.CV=40001", "d.CV=-32768"],
            ),
            (&[("u", false), ("dn", false)], &["c.Q=TRUE"]),
            (
                &[("u", true), ("dn", true)],
                &["c.CV=32767", "t.CV=40002", "t.Q=TRUE", "d.CV=-32768"],
            ),
        ],
    );
}

#[test]
fn outputs_when_taken_by_arrow_then_arrive_converted_or_negated() {
    check_source(
        "PROGRAM Main
         VAR c : CTU; n : DINT; q : BOOL; a : ARRAY[0..1] OF INT; i : INT := 1; END_VAR
             c(CU := TRUE, PV := 5, CV => n, NOT Q => q); c(CV => a[i]);
         END_PROGRAM",
        &["n=1", "q=TRUE", "a[1]=1"],
    );
}

#[test]
fn arguments_when_positional_then_go_to_the_inputs_in_order() {
    check_source(
        "PROGRAM Main VAR t : TON; s : SR; END_VAR t(TRUE, T#5s); s(TRUE, FALSE); END_PROGRAM",
        &["t.IN=TRUE", "t.PT=T#5000ms", "s.Q1=TRUE"],
    );
}
