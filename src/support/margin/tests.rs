//! Margins of attacks whose point of no return is known.

use sim_kernel::time::SimDuration;
use twinrange_range::twin;

use super::*;
use crate::support::attribution::of_attack;
use crate::support::by_hand::{reruns, step, whole, with_constraint};
use crate::support::scenario::Ready;

const RUN: SimDuration = SimDuration::from_secs(600);

/// Tells at once that the palletiser's controller has left RUN.
const BELT_STANDS: &str = "(name: \"belt-stands\", description: \"The packer's belt stands\",
    column: \"m4_belt_m_per_s\", op: Below, value: 0.01, hold_s: 20.0),";

fn margin(ready: &Ready) -> Margin {
    let (none, attacked) = (whole(ready, false, RUN), whole(ready, true, RUN));
    let reruns = reruns(ready, true, RUN);
    let Ok(Some(account)) = of_attack(&reruns, &none, &attacked) else {
        panic!("it attacks")
    };
    let constraints = &ready.loaded.scenario.constraints;
    let violations = twin::own_violations(&attacked.truth, &none.truth, constraints);
    let undefended = Undefended {
        none: &none,
        attacked: &attacked,
        violations: &violations,
        account: &account,
    };
    match of(&reruns, &undefended) {
        Ok(Some(margin)) => margin,
        _ => panic!("it attacks"),
    }
}

fn seconds(ns: Option<u64>) -> Option<f64> {
    ns.map(|ns| ns as f64 / 1e9)
}

#[test]
fn point_of_no_return_when_a_command_does_the_harm_then_the_order_must_take_effect_before_it() {
    let steps = [
        step(
            "look",
            "T0846.001",
            "At(\"2min\")",
            "Scan(arp_per_s: 20.0, ports: [502], ports_per_s: 2.0)",
        ),
        step(
            "stop",
            "T0858",
            "At(\"5min\")",
            "SetMode(target: \"packaging\", mode: Program)",
        ),
    ];
    let ready = with_constraint(&steps.concat(), BELT_STANDS);
    let found = margin(&ready).beside(Some(200_000_000_000), Some(290_000_000_000));
    assert_eq!(seconds(Some(found.attack_ns)), Some(120.0));
    let loss = found.losses.iter().find(|loss| loss.id == "belt-stands");
    let loss = loss.expect("the belt stands");
    assert_eq!(loss.steps, ["stop"], "the look does no harm");
    // 30 s of approval and 5 s to shut the port, before the command at 300 s.
    let last = seconds(loss.point_of_no_return_ns).expect("an early order helps");
    let resolution = found.resolution_s;
    assert!(
        (265.0 - resolution..=265.0).contains(&last),
        "{last} {resolution}"
    );
    assert_eq!(loss.alert_margin_s, Some(last - 200.0));
    assert_eq!(loss.action_margin_s, Some(last - 290.0));
    // An early order saves all but its price, and the latest leaves what was lost without one or less.
    let first = found.curve.first().expect("there are points");
    assert_eq!(first.lost.good_parts, 0.0);
    assert_eq!(first.lost.money, Some(15.0));
    let unanswered = found.unanswered.good_parts;
    assert!(unanswered > 50.0, "{unanswered}");
    for point in &found.curve {
        let late = seconds(Some(point.ordered_ns)) > Some(265.0);
        assert_eq!(point.violated.contains(&loss.id), late, "{point:?}");
    }
}

#[test]
fn point_of_no_return_when_the_first_frame_does_the_harm_then_there_is_none() {
    let steps = step(
        "stop",
        "T0858",
        "At(\"5min\")",
        "SetMode(target: \"packaging\", mode: Program)",
    );
    let ready = with_constraint(&steps, BELT_STANDS);
    let found = margin(&ready);
    let loss = found.losses.iter().find(|loss| loss.id == "belt-stands");
    let loss = loss.expect("the belt stands");
    assert_eq!(
        (loss.point_of_no_return_ns, loss.alert_margin_s),
        (None, None)
    );
    assert_eq!(found.first_point_of_no_return_ns(), None);
}
