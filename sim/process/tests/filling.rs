//! Liquid: validation tests 1, 2 and 3 of the reference, with the model's own tank and nozzles.

use sim_process::nozzle::{Nozzle, NozzleConfig};
use sim_process::tank::Tank;

const LAGLESS: NozzleConfig = NozzleConfig {
    effective_area_m2: 1.98e-5,
    drop_m: 0.60,
    open_lag_s: 0.0,
    close_lag_s: 0.0,
    drip_ml: 0.0,
    drip_sd_ml: 0.0,
    gain_sd: 0.0,
    meter_sd: 0.0,
};

fn relative(value: f64, expect: f64) -> f64 {
    (value / expect - 1.0).abs()
}

/// Fills from a bowl so wide that its level stands still; returns (time, volume) step by step.
fn fill_until(level_m: f64, mut done: impl FnMut(f64, f64) -> bool) -> (f64, f64) {
    let step_s = 1e-3;
    let mut bowl = Tank::new(1e9, 1.0, level_m);
    let mut nozzle = Nozzle::new(1.0, 1.0);
    let (mut now_s, mut volume_m3) = (0.0, 0.0);
    loop {
        let jet = bowl.jet_m_per_s(LAGLESS.drop_m);
        let step = nozzle.step(&LAGLESS, true, jet, step_s);
        bowl.draw(step.demand_m3);
        let (before_s, before_m3) = (now_s, volume_m3);
        now_s += step_s;
        volume_m3 += step.demand_m3;
        if done(now_s, volume_m3) {
            // The flow is constant, so the crossing lies on the line between the last two points.
            let share = if volume_m3 > 5e-4 && before_m3 < 5e-4 {
                (5e-4 - before_m3) / (volume_m3 - before_m3)
            } else {
                1.0
            };
            return (before_s + share * step_s, volume_m3);
        }
    }
}

#[test]
fn fill_when_head_is_900_mm_then_500_ml_take_6_0105_s() {
    let (time_s, _) = fill_until(0.30, |_, volume_m3| volume_m3 >= 5e-4);
    assert!(relative(time_s, 6.0105) < 1e-4, "{time_s} s");
}

#[test]
fn fill_when_head_is_650_mm_then_the_same_time_gives_424_9_ml() {
    let (_, volume_m3) = fill_until(0.05, |time_s, _| time_s >= 6.0105 - 1e-9);
    let volume_ml = 1e6 * volume_m3;
    assert!(relative(volume_ml, 424.9) < 1e-3, "{volume_ml} mL");
}

#[test]
fn bowl_when_inlet_is_shut_and_twelve_nozzles_open_then_it_drains_in_165_44_s() {
    let step_s = 0.01;
    let mut bowl = Tank::new(0.5, 0.55, 0.30);
    let mut nozzles = vec![Nozzle::new(1.0, 1.0); 12];
    let mut steps = 0_u32;
    let mut halfway_s = 0.0;
    let root = |level_m: f64| (level_m + LAGLESS.drop_m).sqrt();
    while bowl.volume_m3() > 0.0 {
        let jet = bowl.jet_m_per_s(LAGLESS.drop_m);
        let demand_m3: f64 = nozzles
            .iter_mut()
            .map(|nozzle| nozzle.step(&LAGLESS, true, jet, step_s).demand_m3)
            .sum();
        bowl.draw(demand_m3);
        steps += 1;
        if halfway_s == 0.0 && root(bowl.level_m()) <= (root(0.30) + root(0.0)) / 2.0 {
            halfway_s = f64::from(steps) * step_s;
        }
    }
    let time_s = f64::from(steps) * step_s;
    assert!(relative(time_s, 165.44) < 1e-3, "{time_s} s");
    // The root of the head falls linearly, so it is halfway at half the time.
    assert!(relative(halfway_s, time_s / 2.0) < 1e-3, "{halfway_s} s");
}

#[test]
fn nozzle_when_it_opens_and_closes_then_the_lags_move_their_time_constants_of_flow() {
    let config = NozzleConfig {
        open_lag_s: 0.060,
        close_lag_s: 0.080,
        ..LAGLESS
    };
    let mut nozzle = Nozzle::new(1.0, 1.0);
    let step_s = 0.01;
    let jet = Tank::new(1e9, 1.0, 0.30).jet_m_per_s(0.60);
    let mut volume_m3 = 0.0;
    for step in 0..800 {
        volume_m3 += nozzle.step(&config, step < 601, jet, step_s).demand_m3;
    }
    let flow_m3_per_s = config.effective_area_m2 * jet;
    let effective_s = volume_m3 / flow_m3_per_s;
    assert!(
        (effective_s - (6.01 - 0.060 + 0.080)).abs() < 1e-3,
        "{effective_s} s"
    );
}
