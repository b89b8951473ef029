//! A two-chuck capper: cap chute and hopper, torque, and what goes wrong with a closure.
//!
//! Two bottles are taken from the head of the queue at a time. The dwell is 0.55 s; with the 0.35 s
//! in which the next two come up at 0.3665 m/s that makes the 0.9 s cycle, 133 bottles/min.

use serde::Deserialize;

use crate::Draws;
use crate::bottle::Cap;
use crate::digest::{Digest, put_all, put_u64};
use crate::num;

/// Data of the capper.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CapperConfig {
    /// Time a pair of bottles is held, s.
    pub dwell_s: f64,
    /// How long a lone bottle waits for a second one, s.
    pub pair_wait_s: f64,
    /// Pitch at which a pair leaves, m.
    pub exit_pitch_m: f64,
    /// Relative standard deviation of the applied torque, dimensionless.
    pub torque_sd: f64,
    /// Relative standard deviation of the torque measurement, dimensionless.
    pub torque_meter_sd: f64,
    /// Below this a closure leaks, N·m.
    pub leak_torque_n_m: f64,
    /// Above this the thread strips or the band breaks, N·m.
    pub strip_torque_n_m: f64,
    /// Chance that a bottle gets no cap though the chute holds some.
    pub missing_chance: f64,
    /// Chance that a cap sits askew.
    pub cocked_chance: f64,
    /// Caps the chute holds.
    pub chute_capacity: u32,
    /// The chute's low sensor, caps.
    pub chute_low: u32,
    /// Caps a full hopper holds.
    pub hopper_capacity: u32,
    /// The hopper's low sensor, caps.
    pub hopper_low: u32,
    /// How fast the elevator fills the chute, caps/s.
    pub elevator_caps_per_s: f64,
}

impl Default for CapperConfig {
    fn default() -> Self {
        Self {
            dwell_s: 0.55,
            pair_wait_s: 0.30,
            exit_pitch_m: 0.085,
            torque_sd: 0.06,
            torque_meter_sd: 0.01,
            leak_torque_n_m: 1.0,
            strip_torque_n_m: 2.6,
            missing_chance: 0.003,
            cocked_chance: 0.0025,
            chute_capacity: 200,
            chute_low: 120,
            hopper_capacity: 6000,
            hopper_low: 900,
            elevator_caps_per_s: 4.0,
        }
    }
}

/// One closure as the capper made it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Closure {
    /// What sits on the neck.
    pub cap: Cap,
    /// Applied torque, N·m; 0 without a cap.
    pub torque_n_m: f64,
}

/// What the capper wants done with the queue in this step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CapperStep {
    /// Nothing.
    Idle,
    /// The pair (or lone bottle) is finished; it stays in the chucks until it is let go.
    Done {
        /// Bottles in the chucks, 1 or 2.
        bottles: u8,
    },
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum State {
    Waiting { lone_s: f64 },
    Dwelling { bottles: u8, left_s: f64 },
}

/// The capper.
#[derive(Clone, Debug, PartialEq)]
pub struct Capper {
    state: State,
    chute_caps: u32,
    hopper_caps: u32,
    elevator_caps: f64,
    measured_n_m: [f64; 2],
}

impl Capper {
    /// Makes an idle capper with full chute and hopper.
    #[must_use]
    pub fn new(config: &CapperConfig) -> Self {
        Self {
            state: State::Waiting { lone_s: 0.0 },
            chute_caps: config.chute_capacity,
            hopper_caps: config.hopper_capacity,
            elevator_caps: 0.0,
            measured_n_m: [0.0; 2],
        }
    }

    /// Caps in the chute.
    #[must_use]
    pub fn chute_caps(&self) -> u32 {
        self.chute_caps
    }

    /// Caps in the hopper.
    #[must_use]
    pub fn hopper_caps(&self) -> u32 {
        self.hopper_caps
    }

    /// Torque each chuck measured in its last cycle, N·m.
    #[must_use]
    pub fn measured_n_m(&self) -> [f64; 2] {
        self.measured_n_m
    }

    /// Whether bottles are in the chucks.
    #[must_use]
    pub fn is_working(&self) -> bool {
        matches!(self.state, State::Dwelling { .. })
    }

    /// Fills the hopper.
    pub fn refill(&mut self, config: &CapperConfig) {
        self.hopper_caps = config.hopper_capacity;
    }

    /// Forgets the bottles in the chucks, as when a person takes them out.
    pub fn abandon(&mut self) {
        self.state = State::Waiting { lone_s: 0.0 };
    }

    /// Advances one step. `queued` is how many bottles (0, 1, 2) stand ready at the chucks.
    ///
    /// A finished pair is reported every step until [`Capper::let_go`].
    pub fn step(
        &mut self,
        config: &CapperConfig,
        run: bool,
        enabled: bool,
        queued: u8,
        step_s: f64,
    ) -> CapperStep {
        if enabled {
            self.feed_chute(config, step_s);
        }
        match self.state {
            State::Waiting { lone_s } => {
                if !run || !enabled || queued == 0 {
                    self.state = State::Waiting { lone_s: 0.0 };
                } else if queued >= 2 || lone_s >= config.pair_wait_s {
                    self.state = State::Dwelling {
                        bottles: queued,
                        left_s: config.dwell_s,
                    };
                } else {
                    self.state = State::Waiting {
                        lone_s: lone_s + step_s,
                    };
                }
                CapperStep::Idle
            }
            State::Dwelling { bottles, left_s } => {
                if left_s > 0.0 {
                    let left_s = if enabled { left_s - step_s } else { left_s };
                    self.state = State::Dwelling { bottles, left_s };
                    return CapperStep::Idle;
                }
                CapperStep::Done { bottles }
            }
        }
    }

    fn feed_chute(&mut self, config: &CapperConfig, step_s: f64) {
        if self.chute_caps >= config.chute_capacity || self.hopper_caps == 0 {
            return;
        }
        self.elevator_caps += config.elevator_caps_per_s * step_s;
        while self.elevator_caps >= 1.0
            && self.hopper_caps > 0
            && self.chute_caps < config.chute_capacity
        {
            self.elevator_caps -= 1.0;
            self.hopper_caps -= 1;
            self.chute_caps += 1;
        }
    }

    /// Puts a cap on one bottle with chuck 0 or 1: `T = setpoint · (1 + sd · z)`.
    ///
    /// The same number of draws is taken whatever the outcome, so one missing cap moves no later draw.
    pub fn close<D: Draws>(
        &mut self,
        config: &CapperConfig,
        chuck: usize,
        setpoint_n_m: f64,
        draws: &mut D,
    ) -> Closure {
        let chance = draws.uniform();
        let spread = draws.gaussian();
        let meter = draws.gaussian();
        if self.chute_caps == 0 || chance < config.missing_chance {
            self.measured_n_m[chuck] = 0.0;
            return Closure {
                cap: Cap::None,
                torque_n_m: 0.0,
            };
        }
        self.chute_caps -= 1;
        let torque_n_m = num::higher(setpoint_n_m * (1.0 + config.torque_sd * spread), 0.0);
        self.measured_n_m[chuck] = torque_n_m * (1.0 + config.torque_meter_sd * meter);
        let is_cocked = chance < config.missing_chance + config.cocked_chance;
        let cap = if is_cocked { Cap::Cocked } else { Cap::Seated };
        Closure { cap, torque_n_m }
    }

    /// Releases the finished pair.
    pub fn let_go(&mut self) {
        self.state = State::Waiting { lone_s: 0.0 };
    }
}

impl Digest for Capper {
    fn digest(&self, put: &mut dyn FnMut(&[u8])) {
        let (bottles, timer_s) = match self.state {
            State::Waiting { lone_s } => (0, lone_s),
            State::Dwelling { bottles, left_s } => (bottles, left_s),
        };
        put(&[bottles]);
        put_all(
            put,
            &[
                timer_s,
                self.elevator_caps,
                self.measured_n_m[0],
                self.measured_n_m[1],
            ],
        );
        put_u64(put, u64::from(self.chute_caps));
        put_u64(put, u64::from(self.hopper_caps));
    }
}
