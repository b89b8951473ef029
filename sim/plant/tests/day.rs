//! A day of the whole bottling line: programs, network, operator, natural stops.

mod common;

use sim_kernel::time::SimTime;
use sim_process::production::{Production, ProductionConfig};

const HOUR_S: u64 = 3600;

/// Fewest bottles of an hour in production: a third of what the line can make.
const HOUR_LEAST: u64 = 1200;

/// Fewest frames per minute. The HMI alone asks three controllers twice a second.
const FRAMES_PER_MINUTE_LEAST: u64 = 1000;

/// Longest time that the line may need from a cold start to its first bottle, s.
const START_S: u64 = 120;

#[test]
fn line_when_a_day_passes_then_production_is_steady_and_nothing_is_lost() {
    let mut world = common::bottling(1, None, |_| {});
    let mut hour = Production::default();
    let mut frames = 0;
    for second in 1..=24 * HOUR_S {
        world.run_until(SimTime::from_secs(second));
        world.observations().clear();
        if let Err(problem) = world.conservation() {
            panic!("after {second} s: {problem}");
        }
        if second % 60 == 0 {
            let seen = world.frames_seen() - frames;
            assert!(
                seen >= FRAMES_PER_MINUTE_LEAST,
                "{seen} frames in the minute before {second} s"
            );
            frames = world.frames_seen();
        }
        if second == START_S {
            assert!(world.production().filled > 0, "the line has not started");
        }
        if second % HOUR_S == 0 {
            let made = world.production();
            let filled = made.filled - hour.filled;
            assert!(
                filled >= HOUR_LEAST,
                "{filled} in the hour before {second} s"
            );
            hour = made.clone();
        }
    }
    let made = world.production();
    let oee = made
        .oee(&ProductionConfig::default())
        .expect("a day's production");
    assert!((0.80..=0.86).contains(&oee.availability), "{oee:?}");
    assert!((0.85..=0.95).contains(&oee.effectiveness), "{oee:?}");
    assert!((0.99..=0.995).contains(&oee.quality), "{oee:?}");
    assert!(made.pallets >= 50, "{made:?}");
    assert_eq!((made.bad_shipped, made.crush_events), (0, 0), "{made:?}");
    assert_eq!(made.unsafe_s, 0.0, "{made:?}");
    for function in ["sif1", "sif2"] {
        for count in ["demands", "missed", "spurious", "tests"] {
            let column = format!("{function}_{count}");
            assert_eq!(common::truth(&world, &column), 0.0, "{column}");
        }
    }
    let facts = world.safety_facts();
    let lost = facts.expect("the line has a safety controller").lost;
    assert_eq!((lost.bypass_s, lost.impaired_s), (0, 0), "{lost:?}");
}
