//! What must hold whatever happens: conservation (validation test 7), replay (10), inert readers.

mod common;

use common::{Plant, calm, id};
use sim_process::bottling::{BottlingConfig, points, truth_columns};

/// FNV-1a over the state; good enough to tell two states apart in a test.
fn fingerprint(plant: &Plant) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    plant.line.digest(&mut |bytes: &[u8]| {
        for &byte in bytes {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    });
    hash
}

#[test]
fn liquid_and_bottles_when_everything_goes_wrong_then_are_conserved_every_second() {
    let mut plant = Plant::new(&BottlingConfig::default(), 9);
    for second in 0..6 * 3600 {
        let recipe = &mut plant.controller.recipe;
        // Each trouble has its half hour; the crew works all the time.
        recipe.ramp_s = if second / 1800 == 2 { 0.1 } else { 0.5 };
        recipe.never_stop = second / 1800 == 4 && second % 600 < 60;
        recipe.fill_s = if second / 1800 == 6 { 8.0 } else { 6.01 };
        recipe.level_probe = second / 1800 != 6;
        recipe.packer_off = second / 1800 == 8;
        recipe.ignore_full = second / 1800 == 8;
        recipe.force_inlet = (second / 1800 == 10).then_some(100.0);
        plant.run_s(1.0);
        if let Err(problem) = plant.line.conservation() {
            panic!("after {second} s: {problem}");
        }
    }
    let made = plant.line.production();
    assert!(
        made.fallen > 0 && made.broken > 0 && made.scrapped > 0,
        "{made:?}"
    );
    assert!(made.rejected_overfill > 0 && made.pallets > 5, "{made:?}");
}

#[test]
fn spilled_liquid_when_every_bottle_is_hit_then_is_exactly_nothing_and_never_less() {
    let columns = ["spilled_l", "film_l"].map(|name| {
        let found = truth_columns()
            .iter()
            .position(|column| column.name == name);
        found.expect("the line has the column")
    });
    let mut plant = Plant::new(&calm(), 3);
    let (mut row, mut before_l) = (Vec::new(), 0.0);
    plant.run_watching_s(600.0, |plant| {
        plant.line.truth(&mut row);
        let [spilled_l, film_l] = columns.map(|column| row[column]);
        assert!(spilled_l >= before_l, "{spilled_l} L at {} s", plant.now_s);
        assert!(film_l >= 0.0, "{film_l} L at {} s", plant.now_s);
        before_l = spilled_l;
    });
    assert!(plant.line.production().filled > 400);
    // What splashes from drips is all there is; rounding adds nothing to it.
    assert!(before_l == 0.0 || before_l > 1e-6, "{before_l} L");
}

#[test]
fn line_when_run_twice_then_states_are_identical_and_another_seed_differs() {
    let run = |seed| {
        let mut plant = Plant::new(&BottlingConfig::default(), seed);
        plant.run_s(3600.0);
        fingerprint(&plant)
    };
    assert_eq!(run(1), run(1));
    assert_ne!(run(1), run(2));
}

#[test]
fn line_when_everything_is_read_all_the_time_then_nothing_changes() {
    let mut quiet = Plant::new(&BottlingConfig::default(), 4);
    quiet.run_s(600.0);
    let mut watched = Plant::new(&BottlingConfig::default(), 4);
    let mut row = Vec::new();
    let mut sum = 0.0;
    watched.run_watching_s(600.0, |plant| {
        for point in points() {
            sum += plant.sense(point.name);
        }
        plant.line.truth(&mut row);
        plant.line.see_items(|bottle| sum += bottle.at_m);
        sum += fingerprint(plant) as f64;
    });
    assert_eq!(row.len(), truth_columns().len());
    assert!(sum.is_finite());
    assert_eq!(fingerprint(&quiet), fingerprint(&watched));
}

#[test]
fn sensors_when_read_in_production_then_stay_within_their_range() {
    let mut plant = Plant::new(&BottlingConfig::default(), 6);
    plant.run_watching_s(300.0, |plant| {
        for point in points() {
            let value = plant.line.sense(id(point.name));
            assert!(
                (point.low..=point.high).contains(&value),
                "{} = {value}",
                point.name
            );
        }
    });
}

#[test]
fn actuators_when_driven_with_nonsense_then_hold_a_legal_command() {
    let mut plant = Plant::new(&calm(), 6);
    for point in points() {
        for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e300, -1.0, 0.3] {
            plant.drive(point.name, value);
            let held = plant.sense(point.name);
            assert!(
                (point.low..=point.high).contains(&held),
                "{} = {held}",
                point.name
            );
        }
    }
    plant.line.step(common::STEP_S);
    plant.line.conservation().expect("nothing is lost");
}

#[test]
fn relay_when_its_coil_is_driven_then_the_contact_follows_one_step_later() {
    let mut plant = Plant::new(&calm(), 6);
    plant.drive("KQ07", 1.0);
    assert_eq!(plant.sense("KI07"), 0.0);
    plant.line.step(common::STEP_S);
    assert_eq!(plant.sense("KI07"), 1.0);
    assert_eq!(plant.sense("KI06"), 0.0);
}
