//! Drives: validation tests 4 and 5 of the reference, with the model's own motor.

use sim_process::motor::{DriveCommand, Motor, MotorConfig};

const STEP_S: f64 = 0.001;

fn relative(value: f64, expect: f64) -> f64 {
    (value / expect - 1.0).abs()
}

/// Time until `done`, stepping a motor under `command`.
fn time_until(
    motor: &mut Motor,
    command: &DriveCommand,
    jammed: bool,
    mut done: impl FnMut(&Motor) -> bool,
) -> f64 {
    let mut steps = 0_u32;
    while !done(motor) {
        motor.step(command, jammed, STEP_S);
        steps += 1;
        assert!(steps < 3_000_000, "never happened: {motor:?}");
    }
    f64::from(steps) * STEP_S
}

#[test]
fn belt_when_run_at_50_hz_then_moves_0_3665_m_per_s_after_a_run_up_with_0_596_n_m() {
    let mut motor = Motor::new(&MotorConfig::default());
    let command = DriveCommand {
        run: true,
        ..DriveCommand::default()
    };
    let mut most_n_m = 0.0;
    for _ in 0..499 {
        motor.step(&command, false, STEP_S);
        if motor.torque_n_m() > most_n_m {
            most_n_m = motor.torque_n_m();
        }
    }
    assert!(motor.belt_m_per_s() < 0.366);
    for _ in 0..2 {
        motor.step(&command, false, STEP_S);
    }
    assert!(
        relative(motor.belt_m_per_s(), 0.3665) < 1e-4,
        "{} m/s",
        motor.belt_m_per_s()
    );
    assert!(relative(most_n_m, 0.596) < 1e-3, "{most_n_m} N·m");
    motor.step(&command, false, STEP_S);
    assert!(
        motor.torque_n_m() < 0.3,
        "only friction is left: {} N·m",
        motor.torque_n_m()
    );
}

#[test]
fn belt_when_plain_v_f_then_slips_with_its_load() {
    let config = MotorConfig {
        slip_compensation: false,
        ..MotorConfig::default()
    };
    let mut motor = Motor::new(&config);
    let command = DriveCommand {
        run: true,
        ..DriveCommand::default()
    };
    for _ in 0..3000 {
        motor.step(&command, false, STEP_S);
    }
    // Slip is in proportion to torque: 100 rpm at 2.5 N·m.
    let slip_rpm = 100.0 * config.friction_torque_n_m() / 2.5;
    let expect = 0.3665 * (1500.0 - slip_rpm) / 1400.0;
    assert!(
        relative(motor.belt_m_per_s(), expect) < 1e-3,
        "{} m/s",
        motor.belt_m_per_s()
    );
}

#[test]
fn winding_when_stalled_from_0_4_then_reaches_1_21_on_time() {
    // (drive, current over rated, expected s)
    let limited = |limit| DriveCommand {
        run: true,
        current_limit: limit,
        overload_enabled: false,
        ..DriveCommand::default()
    };
    let mains = DriveCommand {
        direct_on_line: true,
        overload_enabled: false,
        ..limited(1.5)
    };
    for (command, current, expect_s) in [
        (limited(1.5), 1.5, 691.2),
        (limited(2.0), 2.0, 305.9),
        (mains, 6.0, 27.62),
    ] {
        let mut motor = Motor::new(&MotorConfig::default());
        motor.preheat(0.4, 0.0);
        let time_s = time_until(&mut motor, &command, true, |motor| {
            motor.winding_theta() >= 1.21
        });
        assert!(
            relative(motor.current_ratio(), current) < 1e-9,
            "{}",
            motor.current_ratio()
        );
        assert_eq!(motor.belt_m_per_s(), 0.0);
        assert!(
            relative(time_s, expect_s) < 1e-3,
            "{time_s} s at {current} In"
        );
    }
}

#[test]
fn relay_when_cold_then_trips_as_class_10() {
    for (locked, current_limit, on_mains, expect_s) in [
        (7.2, 1.5, true, 10.00),
        (6.0, 1.5, true, 14.47),
        (6.0, 2.0, false, 150.0),
    ] {
        let config = MotorConfig {
            locked_rotor_ratio: locked,
            ..MotorConfig::default()
        };
        let mut motor = Motor::new(&config);
        let command = DriveCommand {
            run: true,
            current_limit,
            direct_on_line: on_mains,
            ..DriveCommand::default()
        };
        let time_s = time_until(&mut motor, &command, true, Motor::is_tripped);
        assert!(
            relative(time_s, expect_s) < 1e-3,
            "{time_s} s, expected {expect_s}"
        );
        assert!(!motor.is_burnt(), "the relay saves the winding");
    }
}

#[test]
fn relay_when_tripped_then_resets_only_after_it_has_cooled() {
    let mut motor = Motor::new(&MotorConfig::default());
    let command = DriveCommand {
        run: true,
        ..DriveCommand::default()
    };
    time_until(&mut motor, &command, true, Motor::is_tripped);
    motor.step(&command, false, STEP_S);
    assert!(!motor.reset_overload(), "still hot");
    assert_eq!(
        motor.current_ratio(),
        0.0,
        "a tripped relay takes the current away"
    );
    let reset = DriveCommand {
        reset: true,
        ..command
    };
    for _ in 0..100_000 {
        motor.step(&command, false, STEP_S);
    }
    motor.step(&reset, false, STEP_S);
    assert!(!motor.is_tripped());
    for _ in 0..1000 {
        motor.step(&reset, false, STEP_S);
    }
    assert!(relative(motor.belt_m_per_s(), 0.3665) < 1e-4);
}

#[test]
fn motor_when_relay_is_bypassed_and_jam_lasts_then_burns() {
    let mut motor = Motor::new(&MotorConfig::default());
    let command = DriveCommand {
        run: true,
        direct_on_line: true,
        overload_enabled: false,
        ..DriveCommand::default()
    };
    let hot_s = time_until(&mut motor, &command, true, Motor::is_over_temperature);
    let burnt_s = hot_s + time_until(&mut motor, &command, true, Motor::is_burnt);
    assert!(hot_s < 60.0 && burnt_s < 90.0, "{hot_s} s, {burnt_s} s");
    assert!(!motor.reset_overload(), "a burnt motor does not reset");
    motor.replace();
    assert!(!motor.is_tripped());
}

#[test]
fn motor_when_jam_is_freed_then_the_ramp_starts_from_standstill() {
    let mut motor = Motor::new(&MotorConfig::default());
    let command = DriveCommand {
        run: true,
        ..DriveCommand::default()
    };
    for _ in 0..5000 {
        motor.step(&command, true, STEP_S);
    }
    assert_eq!(motor.belt_m_per_s(), 0.0);
    for _ in 0..250 {
        motor.step(&command, false, STEP_S);
    }
    assert!(
        relative(motor.belt_m_per_s(), 0.3665 / 2.0) < 0.02,
        "{}",
        motor.belt_m_per_s()
    );
}
