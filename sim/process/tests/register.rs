//! The reject register: validation test 9 of the reference, and what desynchronises it.

mod common;

use common::{Plant, calm, id};
use sim_process::bottling::BottlingConfig;
use sim_process::point::SensorFault;

/// A line that makes about 100 bottles/min, of which one in twenty is bad.
fn fast() -> BottlingConfig {
    let mut config = calm();
    config.nozzle.effective_area_m2 *= 6.0;
    config.bowl.inlet_l_per_s = 9.0;
    config.infeed.screw_per_min = 150.0;
    config.packer.infeed_s = 0.2;
    config.packer.ram_out_s = 0.6;
    config.packer.ram_back_s = 0.5;
    config.capper.missing_chance = 0.03;
    config.capper.cocked_chance = 0.02;
    config
}

fn plant() -> Plant {
    let mut plant = Plant::new(&fast(), 3);
    plant.controller.recipe.fill_s = 0.97;
    plant
}

#[test]
fn register_when_nobody_tampers_then_100_000_bottles_pass_without_a_wrong_reject() {
    let mut plant = plant();
    while plant.line.production().accepted < 100_000 {
        plant.run_s(1000.0);
        assert!(
            plant.now_s < 80_000.0,
            "too slow: {:?}",
            plant.line.production()
        );
    }
    let made = plant.line.production();
    assert_eq!(made.good_rejected, 0);
    assert_eq!(made.rejected_unexplained, 0);
    assert_eq!(made.bad_shipped, 0);
    assert!(made.rejected_cap > 4000, "{made:?}");
    assert_eq!(made.rejected(), plant.controller.shots);
}

#[test]
fn register_when_the_encoder_runs_fast_then_wrong_bottles_are_rejected_beyond_half_a_pitch() {
    for (gain, expect_wrong) in [(1.00, false), (1.03, false), (1.06, true)] {
        let mut plant = plant();
        for point in ["ENC50", "EN40"] {
            plant
                .line
                .set_fault(id(point), Some(SensorFault::Gain(gain)));
        }
        plant.run_s(1500.0);
        let made = plant.line.production();
        assert_eq!(
            made.good_rejected > 0,
            expect_wrong,
            "gain {gain}: {made:?}"
        );
        assert_eq!(made.bad_shipped > 0, expect_wrong, "gain {gain}: {made:?}");
    }
}
