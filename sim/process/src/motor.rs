//! An induction motor with gear and sprocket, its drive, and the two thermal images that matter:
//! the winding (which burns) and the overload relay (which should trip first).
//!
//! # Invariants
//!
//! - Behind the drive the current never exceeds the current limit; direct on line it may reach the
//!   locked-rotor current.
//! - A load can stop the shaft but never turn it backwards.
//! - A burnt motor gives no torque until it is replaced.
//!
//! # Source
//!
//! `J·dω/dt = T − T_load`; thermal images `dθ/dt = ((I/In)² − θ)/τ`. The relay's time constant and
//! trip level give the 10 s at 7.2 In of trip class 10 in IEC 60947-4-1.

use serde::Deserialize;

use crate::STANDARD_GRAVITY_M_PER_S2;
use crate::digest::{Digest, put_all, put_bool};
use crate::num;

/// Rated data of a belt drive: motor, gear, chain, thermal images.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MotorConfig {
    /// Rated speed at rated frequency, rad/s (1400 rpm).
    pub rated_speed_rad_per_s: f64,
    /// Synchronous speed at rated frequency, rad/s (1500 rpm).
    pub synchronous_speed_rad_per_s: f64,
    /// Rated frequency, Hz.
    pub rated_frequency_hz: f64,
    /// Rated torque, N·m.
    pub rated_torque_n_m: f64,
    /// Rated current In, A.
    pub rated_current_a: f64,
    /// Pull-out torque over rated torque, dimensionless.
    pub pull_out_ratio: f64,
    /// No-load current over rated current, dimensionless.
    pub no_load_ratio: f64,
    /// Locked-rotor current over rated current, dimensionless.
    pub locked_rotor_ratio: f64,
    /// Gear ratio, motor turns per sprocket turn.
    pub gear_ratio: f64,
    /// Gear efficiency, dimensionless.
    pub gear_efficiency: f64,
    /// Sprocket radius, m.
    pub sprocket_radius_m: f64,
    /// Inertia of the rotor and gear at the motor shaft, kg·m².
    pub rotor_inertia_kg_m2: f64,
    /// Moved mass: chain and product, kg.
    pub load_mass_kg: f64,
    /// Friction between chain and rail, dimensionless.
    pub rail_friction: f64,
    /// Drag of a wedged bottle on the chain, N.
    pub jam_drag_n: f64,
    /// True where the drive compensates slip, so 50 Hz is the rated speed; false for plain V/f.
    pub slip_compensation: bool,
    /// Time constant of the winding, s.
    pub winding_tau_s: f64,
    /// Air around the motor, °C.
    pub ambient_c: f64,
    /// Winding temperature rise at rated current, K.
    pub rated_rise_k: f64,
    /// Class limit of the insulation, °C. Above it the motor counts as unsafe.
    pub class_limit_c: f64,
    /// Winding temperature at which the insulation fails, °C.
    pub burn_c: f64,
    /// Time constant of the overload relay, s.
    pub relay_tau_s: f64,
    /// Thermal level at which the overload relay trips, dimensionless.
    pub relay_trip: f64,
    /// Thermal level below which a tripped relay can be reset, dimensionless.
    pub relay_reset: f64,
}

impl Default for MotorConfig {
    fn default() -> Self {
        const RAD_PER_S_PER_RPM: f64 = core::f64::consts::PI / 30.0;
        Self {
            rated_speed_rad_per_s: 1400.0 * RAD_PER_S_PER_RPM,
            synchronous_speed_rad_per_s: 1500.0 * RAD_PER_S_PER_RPM,
            rated_frequency_hz: 50.0,
            rated_torque_n_m: 2.5,
            rated_current_a: 0.9,
            pull_out_ratio: 2.3,
            no_load_ratio: 0.6,
            locked_rotor_ratio: 6.0,
            gear_ratio: 30.0,
            gear_efficiency: 0.85,
            sprocket_radius_m: 0.075,
            rotor_inertia_kg_m2: 8.0e-4,
            load_mass_kg: 45.6,
            rail_friction: 0.20,
            jam_drag_n: 3000.0,
            slip_compensation: true,
            winding_tau_s: 1200.0,
            ambient_c: 40.0,
            rated_rise_k: 80.0,
            class_limit_c: 155.0,
            burn_c: 200.0,
            relay_tau_s: 465.0,
            relay_trip: 1.1025,
            relay_reset: 0.9,
        }
    }
}

impl MotorConfig {
    /// Inertia at the motor shaft, kg·m²: the load passes through the gear's losses.
    #[must_use]
    pub fn inertia_kg_m2(&self) -> f64 {
        let arm_m = self.sprocket_radius_m / self.gear_ratio;
        self.rotor_inertia_kg_m2 + self.load_mass_kg * arm_m * arm_m / self.gear_efficiency
    }

    /// Torque at the motor shaft that a force on the chain needs, N·m.
    #[must_use]
    pub fn shaft_torque_n_m(&self, chain_force_n: f64) -> f64 {
        chain_force_n * self.sprocket_radius_m / (self.gear_ratio * self.gear_efficiency)
    }

    /// Friction of the running chain at the motor shaft, N·m.
    #[must_use]
    pub fn friction_torque_n_m(&self) -> f64 {
        self.shaft_torque_n_m(self.rail_friction * self.load_mass_kg * STANDARD_GRAVITY_M_PER_S2)
    }
}

/// What the controller asks of the drive; see the points `Mx_*`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DriveCommand {
    /// Run; false ramps down.
    pub run: bool,
    /// Frequency reference, Hz.
    pub frequency_hz: f64,
    /// Ramp time between standstill and rated frequency, s.
    pub ramp_s: f64,
    /// Current limit over rated current, dimensionless.
    pub current_limit: f64,
    /// Overload relay in the circuit.
    pub overload_enabled: bool,
    /// Bypass contactor: the motor hangs on the mains.
    pub direct_on_line: bool,
    /// Reset of a tripped relay; acts on its rising edge.
    pub reset: bool,
    /// The contactor in front of drive and bypass is open.
    pub isolated: bool,
}

impl Default for DriveCommand {
    fn default() -> Self {
        Self {
            run: false,
            frequency_hz: 50.0,
            ramp_s: 0.5,
            current_limit: 1.5,
            overload_enabled: true,
            direct_on_line: false,
            reset: false,
            isolated: false,
        }
    }
}

/// `θ` after one step of `dθ/dt = (I² − θ)/τ`: a first-order thermal image.
#[must_use]
pub fn thermal_step(theta: f64, current_ratio: f64, tau_s: f64, step_s: f64) -> f64 {
    theta + (current_ratio * current_ratio - theta) * step_s / tau_s
}

/// A motor, its drive and its protection.
#[derive(Clone, Debug, PartialEq)]
pub struct Motor {
    config: MotorConfig,
    inertia_kg_m2: f64,
    friction_n_m: f64,
    jam_n_m: f64,
    /// `s_k²` of the direct-on-line current curve.
    current_slip2: f64,
    reference_rad_per_s: f64,
    speed_rad_per_s: f64,
    torque_n_m: f64,
    current_ratio: f64,
    winding_theta: f64,
    relay_theta: f64,
    tripped: bool,
    burnt: bool,
    reset_seen: bool,
}

impl Motor {
    /// Makes a cold motor at standstill.
    #[must_use]
    pub fn new(config: &MotorConfig) -> Self {
        let slip = 1.0 - config.rated_speed_rad_per_s / config.synchronous_speed_rad_per_s;
        let idle2 = config.no_load_ratio * config.no_load_ratio;
        let locked2 = config.locked_rotor_ratio * config.locked_rotor_ratio;
        // Chosen so that I(s)² passes through 1 at rated slip and the locked-rotor value at s = 1.
        let share = (1.0 - idle2) / (locked2 - idle2);
        let current_slip2 = slip * slip * (1.0 - share) / (share - slip * slip);
        Self {
            inertia_kg_m2: config.inertia_kg_m2(),
            friction_n_m: config.friction_torque_n_m(),
            jam_n_m: config.shaft_torque_n_m(config.jam_drag_n),
            config: config.clone(),
            current_slip2,
            reference_rad_per_s: 0.0,
            speed_rad_per_s: 0.0,
            torque_n_m: 0.0,
            current_ratio: 0.0,
            winding_theta: 0.0,
            relay_theta: 0.0,
            tripped: false,
            burnt: false,
            reset_seen: false,
        }
    }

    /// Chain speed, m/s.
    #[must_use]
    pub fn belt_m_per_s(&self) -> f64 {
        self.speed_rad_per_s / self.config.gear_ratio * self.config.sprocket_radius_m
    }

    /// Torque at the motor shaft, N·m.
    #[must_use]
    pub fn torque_n_m(&self) -> f64 {
        self.torque_n_m
    }

    /// Current over rated current, dimensionless.
    #[must_use]
    pub fn current_ratio(&self) -> f64 {
        self.current_ratio
    }

    /// Motor current, A.
    #[must_use]
    pub fn current_a(&self) -> f64 {
        self.current_ratio * self.config.rated_current_a
    }

    /// Thermal level of the winding, dimensionless; 1 is rated.
    #[must_use]
    pub fn winding_theta(&self) -> f64 {
        self.winding_theta
    }

    /// Winding temperature, °C.
    #[must_use]
    pub fn winding_c(&self) -> f64 {
        self.config.ambient_c + self.config.rated_rise_k * self.winding_theta
    }

    /// Whether the winding is above the limit of its insulation class.
    #[must_use]
    pub fn is_over_temperature(&self) -> bool {
        self.winding_c() > self.config.class_limit_c
    }

    /// Whether the overload relay has opened, or the winding has failed.
    #[must_use]
    pub fn is_tripped(&self) -> bool {
        self.tripped || self.burnt
    }

    /// Whether the winding has failed.
    #[must_use]
    pub fn is_burnt(&self) -> bool {
        self.burnt
    }

    /// Whether the shaft turns.
    #[must_use]
    pub fn is_turning(&self) -> bool {
        self.speed_rad_per_s > 0.0
    }

    /// Sets the winding's thermal level, for a motor that has been working before the run.
    pub fn preheat(&mut self, winding_theta: f64, relay_theta: f64) {
        self.winding_theta = winding_theta;
        self.relay_theta = relay_theta;
    }

    /// Puts in a new motor: cold, sound, at standstill.
    pub fn replace(&mut self) {
        *self = Self::new(&self.config.clone());
    }

    /// Resets a tripped relay if it has cooled enough; true if it did.
    pub fn reset_overload(&mut self) -> bool {
        if self.tripped && self.relay_theta < self.config.relay_reset {
            self.tripped = false;
            return true;
        }
        false
    }

    /// Advances shaft, current and both thermal images by one step.
    ///
    /// `jammed` puts the drag of a wedged bottle on the chain.
    pub fn step(&mut self, command: &DriveCommand, jammed: bool, step_s: f64) {
        if command.reset && !self.reset_seen {
            self.reset_overload();
        }
        self.reset_seen = command.reset;
        let load_n_m = if jammed {
            self.friction_n_m + self.jam_n_m
        } else {
            self.friction_n_m
        };
        let powered = !self.is_tripped() && !command.isolated;
        if powered && command.direct_on_line {
            self.step_on_mains(load_n_m, step_s);
        } else {
            self.step_on_drive(command, powered, load_n_m, step_s);
        }
        self.step_heat(command.overload_enabled, step_s);
    }

    fn step_on_drive(&mut self, command: &DriveCommand, powered: bool, load_n_m: f64, step_s: f64) {
        if !powered {
            self.reference_rad_per_s = 0.0;
            self.coast(load_n_m, step_s);
            return;
        }
        let ratio = command.frequency_hz / self.config.rated_frequency_hz;
        let rated_rad_per_s = self.config.rated_speed_rad_per_s;
        let target = if command.run {
            ratio * rated_rad_per_s
        } else {
            0.0
        };
        if target == self.speed_rad_per_s
            && target == self.reference_rad_per_s
            && self.config.slip_compensation
        {
            if target == 0.0 {
                self.torque_n_m = 0.0;
                self.current_ratio = 0.0;
                return;
            }
            if self.torque_n_m == load_n_m {
                return;
            }
        }
        let ramp_step = rated_rad_per_s / command.ramp_s * step_s;
        let reference = num::approach(self.reference_rad_per_s, target, ramp_step);
        let limit_n_m = self.torque_limit_n_m(command.current_limit);
        if self.config.slip_compensation {
            let wanted = (reference - self.speed_rad_per_s) * self.inertia_kg_m2 / step_s;
            let moving = self.speed_rad_per_s > 0.0 || reference > 0.0;
            self.torque_n_m = if moving { wanted + load_n_m } else { 0.0 };
            if self.torque_n_m.abs() <= limit_n_m {
                self.speed_rad_per_s = reference;
            } else {
                self.torque_n_m = num::clamp(self.torque_n_m, -limit_n_m, limit_n_m);
                self.accelerate(self.torque_n_m, load_n_m, step_s);
            }
        } else {
            let synchronous = reference / rated_rad_per_s * self.config.synchronous_speed_rad_per_s;
            self.follow_slip(synchronous, limit_n_m, load_n_m, step_s);
        }
        // A drive at its limit holds its ramp back, so a freed belt starts from where it stands.
        self.reference_rad_per_s = if self.torque_n_m.abs() >= limit_n_m && reference > 0.0 {
            num::lower(reference, self.speed_rad_per_s + ramp_step)
        } else {
            reference
        };
        let energised = reference > 0.0 || self.speed_rad_per_s > 0.0;
        self.current_ratio = if !energised {
            0.0
        } else if self.torque_n_m.abs() >= limit_n_m {
            // At pull-out the drive feeds its full current limit into a stalled motor.
            command.current_limit
        } else {
            self.current_of_torque(self.torque_n_m)
        };
    }

    fn step_on_mains(&mut self, load_n_m: f64, step_s: f64) {
        let synchronous = self.config.synchronous_speed_rad_per_s;
        let limit = self.config.pull_out_ratio * self.config.rated_torque_n_m;
        self.follow_slip(synchronous, limit, load_n_m, step_s);
        let slip = num::higher(1.0 - self.speed_rad_per_s / synchronous, 0.0);
        let slip2 = slip * slip;
        let idle2 = self.config.no_load_ratio * self.config.no_load_ratio;
        let locked2 = self.config.locked_rotor_ratio * self.config.locked_rotor_ratio;
        let share = slip2 * (1.0 + self.current_slip2) / (slip2 + self.current_slip2);
        self.current_ratio = (idle2 + (locked2 - idle2) * share).sqrt();
        self.reference_rad_per_s = self.speed_rad_per_s;
    }

    /// Torque proportional to slip, clipped at `limit_n_m`. Implicit, because the time constant of
    /// the slip line (5 ms) is shorter than a process step.
    fn follow_slip(&mut self, synchronous: f64, limit_n_m: f64, load_n_m: f64, step_s: f64) {
        let rated_slip_rad_per_s =
            self.config.synchronous_speed_rad_per_s - self.config.rated_speed_rad_per_s;
        let slope = self.config.rated_torque_n_m / rated_slip_rad_per_s;
        let gain = step_s / self.inertia_kg_m2;
        let moving = self.speed_rad_per_s > 0.0 || slope * synchronous > load_n_m;
        let load = if moving { load_n_m } else { 0.0 };
        let next =
            (self.speed_rad_per_s + gain * (slope * synchronous - load)) / (1.0 + gain * slope);
        let torque = slope * (synchronous - next);
        if torque.abs() <= limit_n_m && moving && next >= 0.0 {
            self.torque_n_m = torque;
            self.speed_rad_per_s = next;
        } else {
            self.torque_n_m = num::clamp(slope * synchronous, -limit_n_m, limit_n_m);
            self.accelerate(self.torque_n_m, load_n_m, step_s);
        }
    }

    fn accelerate(&mut self, torque_n_m: f64, load_n_m: f64, step_s: f64) {
        let next = self.speed_rad_per_s + (torque_n_m - load_n_m) / self.inertia_kg_m2 * step_s;
        self.speed_rad_per_s = num::higher(next, 0.0);
    }

    fn coast(&mut self, load_n_m: f64, step_s: f64) {
        self.torque_n_m = 0.0;
        self.current_ratio = 0.0;
        self.accelerate(0.0, load_n_m, step_s);
    }

    fn torque_limit_n_m(&self, current_limit: f64) -> f64 {
        let idle2 = self.config.no_load_ratio * self.config.no_load_ratio;
        let active2 = num::higher(current_limit * current_limit - idle2, 0.0);
        let ratio = (active2 / (1.0 - idle2)).sqrt();
        num::lower(ratio, self.config.pull_out_ratio) * self.config.rated_torque_n_m
    }

    /// Current from the no-load part and the part in step with torque.
    fn current_of_torque(&self, torque_n_m: f64) -> f64 {
        let idle2 = self.config.no_load_ratio * self.config.no_load_ratio;
        let ratio = torque_n_m / self.config.rated_torque_n_m;
        (idle2 + (1.0 - idle2) * ratio * ratio).sqrt()
    }

    fn step_heat(&mut self, overload_enabled: bool, step_s: f64) {
        let current = self.current_ratio;
        self.winding_theta = thermal_step(
            self.winding_theta,
            current,
            self.config.winding_tau_s,
            step_s,
        );
        self.relay_theta = thermal_step(self.relay_theta, current, self.config.relay_tau_s, step_s);
        if overload_enabled && self.relay_theta >= self.config.relay_trip {
            self.tripped = true;
        }
        if self.winding_c() >= self.config.burn_c {
            self.burnt = true;
        }
    }
}

impl Digest for Motor {
    fn digest(&self, put: &mut dyn FnMut(&[u8])) {
        put_all(
            put,
            &[
                self.reference_rad_per_s,
                self.speed_rad_per_s,
                self.torque_n_m,
                self.current_ratio,
                self.winding_theta,
                self.relay_theta,
            ],
        );
        put_bool(put, self.tripped);
        put_bool(put, self.burnt);
        put_bool(put, self.reset_seen);
    }
}
