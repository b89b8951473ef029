//! Production under the reference controller: validation test 6, and OEE with natural stops.

mod common;

use common::{Plant, calm};
use sim_process::bottling::BottlingConfig;
use sim_process::production::Oee;

#[test]
fn line_when_nothing_fails_then_makes_59_95_bottles_per_minute_and_a_pallet_in_19_2_minutes() {
    let mut plant = Plant::new(&calm(), 1);
    // Eighteen cycles of 12.01 s: the hour that follows starts between two bursts of bottles.
    plant.run_s(18.0 * 12.01);
    let start = plant.line.production().clone();
    let mut pallets_at_s = Vec::new();
    let mut pallets = start.pallets;
    // 300 cycles; a whole number of them, so that the count has no phase error.
    let hour_s = 300.0 * 12.01;
    plant.run_watching_s(2.0 * hour_s, |plant| {
        if plant.line.production().pallets > pallets {
            pallets = plant.line.production().pallets;
            pallets_at_s.push(plant.now_s);
        }
    });
    let made = plant.line.production();
    let per_min = (made.filled - start.filled) as f64 / (2.0 * hour_s / 60.0);
    assert!((per_min - 59.95).abs() <= 0.05, "{per_min} bottles/min");
    assert_eq!(made.fallen + made.broken + made.scrapped, 0);
    assert_eq!(made.good_rejected + made.bad_shipped, 0);

    // A pallet is 1152 accepted bottles, so rejects stretch the 19.2 min by their share.
    let intervals: Vec<f64> = pallets_at_s
        .windows(2)
        .map(|pair| (pair[1] - pair[0]) / 60.0)
        .collect();
    assert!(intervals.len() >= 4, "{pallets_at_s:?}");
    let mean_min = intervals.iter().sum::<f64>() / intervals.len() as f64;
    let yielded = (made.accepted - start.accepted) as f64 / (made.filled - start.filled) as f64;
    let expect_min = 1152.0 / 59.95 / yielded;
    assert!(
        (mean_min - expect_min).abs() < 0.15,
        "{mean_min} min, expected {expect_min}"
    );
    assert!(
        (mean_min * yielded - 19.2).abs() < 0.15,
        "{mean_min} min at yield {yielded}"
    );
}

#[test]
fn line_when_filled_by_flowmeter_then_every_bottle_is_within_four_millilitres() {
    let mut plant = Plant::new(&calm(), 2);
    plant.controller.recipe.flow_ml = Some(502.0);
    plant.run_s(400.0);
    let mut seen = 0;
    plant.line.see_items(|bottle| {
        if bottle.place >= 2 && bottle.at_m > 3.2 {
            seen += 1;
            assert!(
                (bottle.content_ml - 502.0).abs() < 4.0,
                "{} mL",
                bottle.content_ml
            );
        }
    });
    assert!(seen > 10, "{seen} bottles behind the filler");
}

#[test]
fn line_when_nature_takes_its_course_then_oee_is_that_of_a_bottling_line() {
    let config = BottlingConfig::default();
    let days = [7, 8, 9].map(|seed| {
        let mut plant = Plant::new(&config, seed);
        plant.run_s(24.0 * 3600.0);
        let made = plant.line.production();
        assert_eq!(made.bad_shipped, 0);
        assert_eq!(made.unsafe_s, 0.0);
        made.oee(&config.production).expect("a day's production")
    });
    let mean = |of: fn(&Oee) -> f64| days.iter().map(of).sum::<f64>() / 3.0;
    let availability = mean(|day| day.availability);
    assert!((0.80..=0.86).contains(&availability), "{days:?}");
    let effectiveness = mean(|day| day.effectiveness);
    assert!((0.85..=0.95).contains(&effectiveness), "{days:?}");
    let quality = mean(|day| day.quality);
    assert!((0.99..=0.995).contains(&quality), "{days:?}");
}

#[test]
fn line_when_its_screw_turns_a_little_slower_then_luck_stays_the_same() {
    let good = |screw_per_min| {
        let mut config = BottlingConfig::default();
        config.infeed.screw_per_min = screw_per_min;
        let mut plant = Plant::new(&config, 3);
        plant.run_s(4.0 * 3600.0);
        plant.line.production().good
    };
    // Either screw feeds more than the filler takes. A batch may end a moment before or after the last
    // second, and its bottles draw other noise; a fault more or less would cost a hundred bottles.
    let (usual, slower) = (good(80.0), good(79.0));
    assert!(usual.abs_diff(slower) <= 24, "{usual} and {slower} bottles");
}
