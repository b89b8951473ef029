//! The library of scenarios.

use std::sync::Arc;

use crate::support::FUEL_NS;
use sim_st::{Image, Machine, compile_all};

const CONTROL: &str = include_str!("../../../../scenarios/lib/control.st");

#[test]
fn control_when_compiled_with_a_program_then_computes() {
    let main = "PROGRAM Main VAR p : PID; s : REAL; u : UINT; END_VAR
        s := Scale(13824, 0.0, 10.0); u := Unscale(5.0, 0.0, 10.0);
        p(Auto := TRUE, Pv := 40.0, Sp := 50.0, Gain := 2.0, Ti_s := 10.0, Cycle_s := 1.0); END_PROGRAM";
    let program = compile_all(&[(CONTROL, "control.st"), (main, "main.st")]);
    let mut machine = Machine::new(Arc::new(program.expect("both are right")));
    let mut image = Image::new();
    // Proportional part 2 * 10; the integral grows by 2 * 10 * 1 / 10 per call.
    for expected in ["20.0", "22.0", "24.0"] {
        let report = machine.scan(&mut image, 0, FUEL_NS);
        assert_eq!(report.trap, None);
        let y = machine.read("p.Y").map(|value| value.to_string());
        assert_eq!(y.as_deref(), Some(expected));
    }
    let text = |name: &str| machine.read(name).map(|value| value.to_string());
    assert_eq!(
        (text("s").as_deref(), text("u").as_deref()),
        (Some("5.0"), Some("13824"))
    );
}
