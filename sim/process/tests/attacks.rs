//! Each row of the reference's table "attack -> physical consequence", through the points alone.

mod common;

use common::{Plant, calm, id};
use sim_process::bottling::{MotorName, PersonAct, truth_columns};
use sim_process::point::SensorFault;

/// A line in steady production.
fn running() -> Plant {
    let mut plant = Plant::new(&calm(), 5);
    plant.run_s(240.0);
    assert!(plant.line.production().filled > 150);
    plant
}

#[test]
fn never_stop_when_gates_are_forced_then_product_floods_the_floor() {
    let mut plant = running();
    plant.controller.recipe.never_stop = true;
    plant.run_s(180.0);
    let made = plant.line.production();
    let spilled_l = 1000.0 * volume(&plant, "spilled_l");
    assert!(spilled_l > 5000.0, "{spilled_l} mL");
    assert!(made.unsafe_slip_s > 30.0, "{made:?}");
    assert!(made.rejected_underfill > 20, "{made:?}");
    plant.line.person(PersonAct::MopSpill);
    plant.line.step(common::STEP_S);
    assert!(!plant.line.hazards().slippery_floor);
}

#[test]
fn overflow_when_the_hand_valve_is_shut_then_nothing_runs_in_until_it_is_opened() {
    let mut plant = running();
    plant.controller.recipe.force_inlet = Some(100.0);
    plant.run_s(240.0);
    plant.line.person(PersonAct::CloseSupply);
    plant.run_s(1.0);
    let over_l = volume(&plant, "overflow_l");
    assert!(over_l > 10.0, "{over_l} L");
    plant.run_s(60.0);
    assert_eq!(volume(&plant, "overflow_l"), over_l);
    assert!(volume(&plant, "bowl_level_m") < 0.54);
    plant.line.person(PersonAct::OpenSupply);
    plant.run_s(120.0);
    assert!(volume(&plant, "overflow_l") > over_l + 10.0);
    plant.line.conservation().expect("nothing is lost");
}

/// One column of the truth.
fn volume(plant: &Plant, name: &str) -> f64 {
    let mut row = Vec::new();
    plant.line.truth(&mut row);
    let columns = sim_process::bottling::truth_columns();
    let index = columns.iter().position(|column| column.name == name);
    row[index.unwrap_or_else(|| panic!("no column {name}"))]
}

#[test]
fn stop_and_fill_when_the_level_probe_is_forced_low_then_bottles_run_over() {
    for (probe_forced, expect_spill) in [(false, false), (true, true)] {
        let mut plant = running();
        plant.controller.recipe.fill_s = 8.0;
        if probe_forced {
            for nozzle in 1..=12 {
                let probe = id(&format!("LP{nozzle:02}"));
                plant.line.set_fault(probe, Some(SensorFault::Stuck(0.0)));
            }
        }
        plant.run_s(300.0);
        let spilled_l = volume(&plant, "spilled_l");
        assert_eq!(spilled_l > 5.0, expect_spill, "{spilled_l} L");
        assert!(
            plant.line.production().rejected_overfill > 100,
            "every bottle is too full"
        );
    }
}

#[test]
fn level_spoof_when_lt20_reads_high_then_425_ml_are_sold_unless_somebody_weighs() {
    for blind in [false, true] {
        let mut plant = running();
        plant
            .line
            .set_fault(id("LT20"), Some(SensorFault::Bias(0.25)));
        plant.controller.recipe.weigh = !blind;
        plant.controller.recipe.level_camera = !blind;
        plant.run_s(1800.0);
        assert!((volume(&plant, "bowl_level_m") - 0.05).abs() < 0.01);
        let mean_ml = volume(&plant, "last_batch_mean_ml");
        // 424.9 mL by the jet alone; valve lags and drip add about 3 mL.
        assert!((mean_ml - 427.0).abs() < 6.0, "{mean_ml} mL");
        let made = plant.line.production();
        assert_eq!(made.shipped_below_limit > 500, blind, "{made:?}");
        assert_eq!(made.shipped_below_absolute > 500, blind, "{made:?}");
        assert_eq!(made.rejected_underfill > 500, !blind, "{made:?}");
    }
}

#[test]
fn inlet_when_forced_shut_then_the_bowl_is_empty_after_330_s_of_normal_duty() {
    let mut plant = running();
    // Start from the nominal level at the beginning of a fill.
    plant.run_s(60.0);
    let start_m = volume(&plant, "bowl_level_m");
    plant.controller.recipe.force_inlet = Some(0.0);
    let from_s = plant.now_s;
    let mut empty_s = 0.0;
    plant.run_watching_s(600.0, |plant| {
        if empty_s == 0.0 && volume(plant, "bowl_level_m") < 0.001 {
            empty_s = plant.now_s - from_s;
        }
    });
    assert!((start_m - 0.30).abs() < 0.03, "{start_m} m");
    assert!((empty_s - 330.0).abs() < 35.0, "{empty_s} s");
    assert_eq!(plant.sense("LSL20"), 1.0);
    assert!(volume(&plant, "last_batch_mean_ml") < 1.0);
    assert!(plant.line.production().rejected_underfill > 100);
}

#[test]
fn inlet_when_forced_open_then_the_bowl_overflows() {
    let mut plant = running();
    plant.controller.recipe.force_inlet = Some(100.0);
    plant.run_s(600.0);
    assert!(volume(&plant, "overflow_l") > 100.0);
    assert_eq!(plant.sense("LSH20"), 1.0);
}

#[test]
fn ramp_when_set_to_a_tenth_then_bottles_fall_and_the_line_jams() {
    for (ramp_s, expect_falls) in [(0.5, false), (0.1, true)] {
        let mut plant = running();
        plant.controller.recipe.ramp_s = ramp_s;
        plant.run_s(1800.0);
        let made = plant.line.production();
        assert_eq!(made.fallen > 0, expect_falls, "{made:?}");
        assert_eq!(made.jam_s > 60.0, expect_falls, "{made:?}");
        plant.line.conservation().expect("nothing is lost");
    }
}

/// Wedges the filler belt as an attacker does: by closing the entry gate onto running bottles.
fn wedge_filler(plant: &mut Plant) {
    plant.crew = false;
    for attempt in 0..60 {
        plant.run_watching_s(7.0 + 0.1 * f64::from(attempt), |_| {});
        for _ in 0..15 {
            plant.controller.scan(&mut plant.line, common::STEP_S);
            plant.drive("GATE2", 1.0);
            plant.line.step(common::STEP_S);
        }
        if plant.sense("FIL_FLT") == 1.0 {
            return;
        }
    }
    panic!("sixty gates closed without a jam");
}

/// Holds the run command on a jammed belt.
fn push(plant: &mut Plant, seconds: f64) {
    let end_s = plant.now_s + seconds;
    while plant.now_s < end_s {
        plant.controller.scan(&mut plant.line, common::STEP_S);
        plant.drive("M2_RUN", 1.0);
        plant.line.step(common::STEP_S);
        plant.now_s += common::STEP_S;
    }
}

#[test]
fn motor_when_the_overload_is_bypassed_on_a_jam_then_the_winding_burns() {
    // (overload relay, direct on line, s, over 155 °C)
    for (relay, mains, seconds, expect_hot) in [
        (1.0, 0.0, 1500.0, false),
        (0.0, 0.0, 1500.0, true),
        (0.0, 1.0, 90.0, true),
    ] {
        let mut plant = running();
        wedge_filler(&mut plant);
        plant.drive("M2_OLEN", relay);
        plant.drive("M2_DOL", mains);
        push(&mut plant, seconds);
        let motor = plant.line.motor(MotorName::M2);
        let hot = plant.line.production().unsafe_motor_s > 0.0;
        assert_eq!(
            hot,
            expect_hot,
            "relay {relay}, mains {mains}: {} °C",
            motor.winding_c()
        );
        assert!(motor.is_tripped() || motor.current_ratio() >= 1.5 - 1e-9);
        if relay == 1.0 {
            assert_eq!(plant.sense("M2_TRIP"), 1.0);
        }
        assert!(plant.line.production().jam_s > seconds - 1.0);
    }
}

/// A truth column now.
fn truth(plant: &Plant, name: &str) -> f64 {
    let at = truth_columns()
        .iter()
        .position(|column| column.name == name);
    let mut values = Vec::new();
    plant.line.truth(&mut values);
    values[at.expect("it is a column")]
}

#[test]
fn motor_when_it_burns_and_its_contactor_opens_at_140_degc_then_the_winding_is_spared() {
    for (contactor, demands, trips, missed, hot) in
        [(true, 1.0, 1.0, 0.0, false), (false, 1.0, 0.0, 1.0, true)]
    {
        let mut plant = running();
        wedge_filler(&mut plant);
        plant.drive("M2_OLEN", 0.0);
        plant.drive("M2_DOL", 1.0);
        // What a safety controller does, in its scan.
        for _ in 0..900 {
            push(&mut plant, 0.1);
            if contactor && plant.sense("TS22") > 140.0 {
                plant.drive("K22", 0.0);
            }
        }
        let counts = ["sif2_demands", "sif2_trips", "sif2_missed"];
        let counts = counts.map(|column| truth(&plant, column));
        assert_eq!(counts, [demands, trips, missed]);
        assert_eq!(plant.sense("K22_CL"), f64::from(u8::from(!contactor)));
        assert_eq!(plant.line.production().unsafe_motor_s > 0.0, hot);
    }
}

#[test]
fn bowl_when_the_shut_off_valve_closes_then_nothing_runs_in_and_a_closed_one_misses_nothing() {
    let mut plant = running();
    plant.drive("XV20", 0.0);
    plant.run_s(3.0);
    assert_eq!((plant.sense("ZSC20"), plant.sense("ZSO20")), (1.0, 0.0));
    let inlet_l = truth(&plant, "inlet_l");
    plant.run_s(10.0);
    assert_eq!(truth(&plant, "inlet_l"), inlet_l);
    assert_eq!(truth(&plant, "sif1_spurious"), 1.0, "nobody asked for it");
    plant.drive("XV20", 1.0);
    plant.run_s(5.0);
    assert_eq!((plant.sense("ZSC20"), plant.sense("ZSO20")), (0.0, 1.0));
}

#[test]
fn torque_when_set_wrong_then_leaking_or_stripped_closures_are_sold() {
    for (torque_n_m, leaks, strips) in [(1.8, false, false), (0.8, true, false), (3.0, false, true)]
    {
        let mut plant = running();
        plant.controller.recipe.torque_n_m = torque_n_m;
        plant.controller.recipe.check_torque = false;
        plant.run_s(600.0);
        let made = plant.line.production();
        assert_eq!(made.shipped_leakers > 300, leaks, "{torque_n_m}: {made:?}");
        assert_eq!(
            made.shipped_stripped > 300,
            strips,
            "{torque_n_m}: {made:?}"
        );
    }
}

#[test]
fn packer_when_its_stop_is_withheld_from_the_line_then_pressure_breaks_bottles() {
    for (ignored, expect_broken) in [(false, false), (true, true)] {
        let mut plant = running();
        plant.controller.recipe.packer_off = true;
        plant.controller.recipe.ignore_full = ignored;
        plant.run_s(1200.0);
        let made = plant.line.production();
        assert_eq!(made.broken > 0, expect_broken, "{made:?}");
        assert_eq!(made.jam_s > 60.0, expect_broken, "{made:?}");
        assert_eq!(plant.sense("PE62"), 1.0);
        plant.line.conservation().expect("nothing is lost");
    }
}

/// Lets a person walk into the zone while the hoist comes down.
fn walk_in(tamper: impl Fn(&mut Plant)) -> Plant {
    let mut plant = running();
    tamper(&mut plant);
    let mut inside = false;
    plant.run_watching_s(400.0, |plant| {
        let is_high = volume(plant, "hoist_m") > 1.2;
        if !inside && is_high && volume(plant, "hoist_m_per_s") < -0.3 {
            plant.line.person(PersonAct::EnterZone);
            inside = true;
        }
    });
    assert!(inside, "the hoist never came down");
    plant
}

#[test]
fn muting_when_it_is_overridden_then_a_person_is_crushed() {
    let safe = walk_in(|_| {});
    assert_eq!(safe.sense("SAF_OK"), 0.0);
    // The stop itself takes 0.35 s; the safety distance covers it.
    assert!(
        safe.line.production().unsafe_zone_s < 0.4,
        "{:?}",
        safe.line.production()
    );

    let overridden = walk_in(|plant| plant.drive("MUT_OVR", 1.0));
    assert_eq!(overridden.sense("SAF_OK"), 1.0);
    let made = overridden.line.production();
    assert!(
        made.crush_events >= 1 && made.unsafe_zone_s > 5.0,
        "{made:?}"
    );

    let delayed = walk_in(|plant| plant.drive("STO_DLY", 0.45));
    let late_s = delayed.line.production().unsafe_zone_s;
    assert!(
        late_s > safe.line.production().unsafe_zone_s + 0.4,
        "{late_s} s"
    );
}
