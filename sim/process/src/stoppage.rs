//! Why a machine stops by itself: micro-stops that clear themselves and faults that need a person.
//!
//! # Invariants
//!
//! - Times to failure run down only while the machine runs (operation-dependent failures), so a
//!   machine that waits does not wear.
//! - A drawn stop waits until the machine can stop cleanly, and then takes effect.

use serde::Deserialize;

use crate::Draws;
use crate::digest::{Digest, put_all};

/// Distribution of a repair time.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum Repair {
    /// Exponential with this mean.
    Exponential {
        /// Mean, s.
        mean_s: f64,
    },
    /// Lognormal with this mean (not median) and shape.
    Lognormal {
        /// Mean, s.
        mean_s: f64,
        /// Standard deviation of the logarithm, dimensionless.
        sigma: f64,
    },
}

impl Repair {
    /// Mean, s.
    #[must_use]
    pub fn mean_s(self) -> f64 {
        match self {
            Self::Exponential { mean_s } | Self::Lognormal { mean_s, .. } => mean_s,
        }
    }

    fn draw<D: Draws>(self, draws: &mut D) -> f64 {
        match self {
            Self::Exponential { mean_s } => draws.exponential(mean_s),
            // The mean of a lognormal is median · exp(σ²/2).
            Self::Lognormal { mean_s, sigma } => {
                draws.lognormal(mean_s * libm::exp(-0.5 * sigma * sigma), sigma)
            }
        }
    }
}

/// One way of stopping: how often, in running time, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Failure {
    /// Mean running time between failures, s; 0 switches this way of stopping off.
    pub mtbf_s: f64,
    /// How long it takes to clear.
    pub repair: Repair,
}

impl Failure {
    /// A failure that never comes.
    pub const NEVER: Self = Self {
        mtbf_s: 0.0,
        repair: Repair::Exponential { mean_s: 1.0 },
    };

    fn next_s<D: Draws>(&self, draws: &mut D) -> f64 {
        if self.mtbf_s > 0.0 {
            draws.exponential(self.mtbf_s)
        } else {
            f64::INFINITY
        }
    }
}

/// How one machine stops.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoppageConfig {
    /// Short stops that clear themselves.
    pub micro: Failure,
    /// Faults that a person repairs.
    pub fault: Failure,
}

impl StoppageConfig {
    /// A machine that never stops.
    pub const NEVER: Self = Self {
        micro: Failure::NEVER,
        fault: Failure::NEVER,
    };
}

/// What a machine is doing about its stops.
#[derive(Clone, Copy, Debug, PartialEq)]
enum State {
    Able,
    MicroStop { left_s: f64 },
    Fault { repair_s: f64 },
}

/// The stops of one machine.
#[derive(Clone, Debug, PartialEq)]
pub struct Stoppage {
    config: StoppageConfig,
    state: State,
    micro_in_s: f64,
    fault_in_s: f64,
}

impl Stoppage {
    /// Makes a sound machine and draws its first failures.
    #[must_use]
    pub fn new<D: Draws>(config: StoppageConfig, draws: &mut D) -> Self {
        let micro_in_s = config.micro.next_s(draws);
        let fault_in_s = config.fault.next_s(draws);
        Self {
            config,
            state: State::Able,
            micro_in_s,
            fault_in_s,
        }
    }

    /// Whether the machine is able to work.
    #[must_use]
    pub fn is_able(&self) -> bool {
        self.state == State::Able
    }

    /// Work a person needs to clear the present fault, s; `None` without one.
    #[must_use]
    pub fn repair_s(&self) -> Option<f64> {
        match self.state {
            State::Fault { repair_s } => Some(repair_s),
            State::Able | State::MicroStop { .. } => None,
        }
    }

    /// Breaks the machine from outside, as a collision does. An existing fault keeps the longer repair.
    pub fn break_down(&mut self, repair_s: f64) {
        let present_s = self.repair_s().unwrap_or(0.0);
        self.state = State::Fault {
            repair_s: if repair_s > present_s {
                repair_s
            } else {
                present_s
            },
        };
    }

    /// Ends a fault.
    pub fn clear(&mut self) {
        if matches!(self.state, State::Fault { .. }) {
            self.state = State::Able;
        }
    }

    /// Advances one step.
    ///
    /// # Arguments
    ///
    /// * `running`: the machine worked in this step.
    /// * `may_stop`: it can stop cleanly now; a due stop waits for that.
    pub fn step<D: Draws>(&mut self, running: bool, may_stop: bool, step_s: f64, draws: &mut D) {
        match self.state {
            State::Able => {
                if running {
                    self.micro_in_s -= step_s;
                    self.fault_in_s -= step_s;
                }
                if !may_stop {
                    return;
                }
                if self.fault_in_s <= 0.0 {
                    self.state = State::Fault {
                        repair_s: self.config.fault.repair.draw(draws),
                    };
                    self.fault_in_s = self.config.fault.next_s(draws);
                } else if self.micro_in_s <= 0.0 {
                    self.state = State::MicroStop {
                        left_s: self.config.micro.repair.draw(draws),
                    };
                    self.micro_in_s = self.config.micro.next_s(draws);
                }
            }
            State::MicroStop { left_s } => {
                let left_s = left_s - step_s;
                self.state = if left_s > 0.0 {
                    State::MicroStop { left_s }
                } else {
                    State::Able
                };
            }
            State::Fault { .. } => {}
        }
    }
}

impl Digest for Stoppage {
    fn digest(&self, put: &mut dyn FnMut(&[u8])) {
        let (tag, time_s) = match self.state {
            State::Able => (0, 0.0),
            State::MicroStop { left_s } => (1, left_s),
            State::Fault { repair_s } => (2, repair_s),
        };
        put(&[tag]);
        put_all(put, &[time_s, self.micro_in_s, self.fault_in_s]);
    }
}
