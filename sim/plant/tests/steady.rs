//! The whole bottling line without natural stops: what its programs and network make of it.

mod common;

use sim_kernel::time::{SimDuration, SimTime};

const WARM_UP: SimTime = SimTime::from_secs(600);
const HOUR: SimDuration = SimDuration::from_secs(3600);
/// How closely the end of a batch is timed.
const LOOK: SimDuration = SimDuration::from_millis(100);
const BATCH: u64 = 12;

#[test]
fn line_when_nothing_fails_then_makes_59_95_bottles_per_minute_without_a_wrong_reject() {
    let mut world = common::bottling(1, None, |config| config.stoppages.enabled = false);
    world.run_until(WARM_UP);
    let frames = world.frames_seen();
    let (mut filled, mut now) = (world.production().filled, WARM_UP);
    let mut batches = Vec::new();
    // From the end of a batch to the end of another, so that the count has no phase error.
    while now < WARM_UP + HOUR {
        now += LOOK;
        world.run_until(now);
        let made = world.production().filled;
        if made / BATCH > filled / BATCH {
            batches.push(now);
        }
        filled = made;
        world.conservation().expect("nothing is lost");
    }
    let (first, last) = (batches[0], batches[batches.len() - 1]);
    let minutes = (last.as_secs_f64() - first.as_secs_f64()) / 60.0;
    let bottles = BATCH * (u64::try_from(batches.len()).expect("few") - 1);
    let per_min = f64::from(u32::try_from(bottles).expect("few")) / minutes;
    assert!(minutes > 59.0, "batches end after {minutes} min");
    // The programs' cycle of 12.00 s lies on the very edge of the tolerance; only rounding is added to it.
    assert!(
        (per_min - 59.95).abs() <= 0.05 + 1e-9,
        "{per_min} bottles/min"
    );

    let made = world.production();
    assert!(made.rejected() > 0, "the reject station has to be used");
    assert_eq!(made.good_rejected + made.bad_shipped, 0, "{made:?}");
    assert_eq!(made.rejected_unexplained, 0, "{made:?}");
    assert_eq!(made.fallen + made.broken + made.scrapped, 0, "{made:?}");
    let acted = [
        "sif1_demands",
        "sif1_spurious",
        "sif2_demands",
        "sif2_spurious",
    ];
    let acted = acted.map(|column| common::truth(&world, column));
    assert_eq!(acted, [0.0; 4], "the safety functions leave the line alone");
    assert!(
        world.frames_seen() - frames > 60_000,
        "the network is quiet"
    );
}
