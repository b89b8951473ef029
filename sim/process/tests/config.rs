//! What a plant file may say about the line, and what it is told when it is wrong.

use sim_process::bottling::{BottlingConfig, BottlingLine};
use sim_process::stoppage::{Failure, Repair};

mod common;

fn read(text: &str) -> Result<BottlingConfig, String> {
    let options =
        ron::Options::default().with_default_extension(ron::extensions::Extensions::IMPLICIT_SOME);
    options.from_str(text).map_err(|error| error.to_string())
}

#[test]
fn config_when_empty_then_is_the_reference_plant() {
    assert_eq!(read("()"), Ok(BottlingConfig::default()));
    assert_eq!(BottlingConfig::default().validate(), Ok(()));
}

#[test]
fn config_when_fields_are_given_then_they_replace_the_defaults() {
    let config = read(
        "(bowl: (start_level_m: 0.2), stoppages: (filler: (micro: (mtbf_s: 0, repair: \
         Exponential(mean_s: 1)), fault: (mtbf_s: 60, repair: Lognormal(mean_s: 9, sigma: 0.5)))))",
    )
    .expect("a valid file");
    assert_eq!(config.bowl.start_level_m, 0.2);
    assert_eq!(config.bowl.area_m2, 0.5);
    assert_eq!(
        config.stoppages.filler.fault,
        Failure {
            mtbf_s: 60.0,
            repair: Repair::Lognormal {
                mean_s: 9.0,
                sigma: 0.5
            }
        }
    );
    assert_eq!(config.validate(), Ok(()));
}

#[test]
fn config_when_a_field_is_unknown_then_the_reader_names_it() {
    for (text, name) in [("(bole: ())", "bole"), ("(bowl: (are_m2: 1.0))", "are_m2")] {
        let error = read(text).expect_err("an unknown field");
        assert!(error.contains(name), "{error}");
    }
}

#[test]
fn config_when_a_value_is_impossible_then_the_error_names_field_value_and_bound() {
    type Change = fn(&mut BottlingConfig);
    let cases: [(Change, &str); 9] = [
        (
            |c| c.bowl.area_m2 = 0.0,
            "bowl.area_m2: 0 must be greater than 0",
        ),
        (
            |c| c.bowl.start_level_m = 0.6,
            "bowl.start_level_m: 0.6 must be at most bowl.overflow_level_m",
        ),
        (
            |c| c.belt.friction = f64::NAN,
            "belt.friction: NaN must be greater than 0",
        ),
        (
            |c| c.nozzle.gain_sd = 1.5,
            "nozzle.gain_sd: 1.5 must be within 0..=1",
        ),
        (
            |c| c.motor.no_load_ratio = 1.0,
            "motor.no_load_ratio: 1 must be below 1, the rated current",
        ),
        (
            |c| c.capper.missing_chance = -0.1,
            "capper.missing_chance: -0.1 must be within 0..=1",
        ),
        (
            |c| c.sensor_period_s = f64::INFINITY,
            "sensor_period_s: inf must be greater than 0",
        ),
        (
            |c| c.packer.case_queue = 2,
            "packer.case_queue: 2 must be within 4..=64",
        ),
        (
            |c| c.stoppages.filler.fault.mtbf_s = -1.0,
            "stoppages.filler.fault: -1 as mtbf_s must be 0 (never) or greater",
        ),
    ];
    for (change, expect) in cases {
        let mut config = BottlingConfig::default();
        change(&mut config);
        let error = config.validate().expect_err(expect);
        assert_eq!(error.to_string(), expect);
        let built = BottlingLine::new(&config, |name| common::TestDraws::new(1, name));
        let told = built.expect_err("the line refuses it too");
        assert_eq!(told.to_string(), error.to_string());
    }
}
