//! Why a machine stops by itself: micro-stops that clear themselves and faults that need a person.
//!
//! # When a stop falls due
//!
//! Stop number k+1 falls due a drawn repair time and a drawn up time after stop number k. Which time
//! passes is the [`StopClock`]: by default that of the calendar, so that two runs with one seed have
//! the same stops at the same times whatever else happens to the line, and what differs between them is
//! not luck (common random numbers: A. M. Law, "Simulation Modeling and Analysis", chapter 11). A
//! machine that runs whenever it can and is repaired in the drawn time has the availability
//! MTBF / (MTBF + MTTR) by either clock.
//!
//! # Invariants
//!
//! - A machine draws two numbers per stop, when the stop falls due, from its own stream. By the
//!   calendar the order of these draws depends on nothing outside this module.
//! - A machine stops only while it runs and can stop cleanly. A stop that falls due at another time
//!   waits for that. At most one micro-stop and one fault wait; the longer one stays.
//! - What falls due while the machine is down for the same reason or a worse one is put right with it:
//!   the longer repair counts once.

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

/// The time in which a machine's failures ripen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub enum StopClock {
    /// All time counts. What the line does to one machine does not move the stops of any.
    #[default]
    Calendar,
    /// Only time in which the machine runs counts (operation-dependent failures), as the formulas for
    /// lines with buffers assume. Every disturbance moves all later stops.
    Running,
}

/// One way of stopping: how often and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Failure {
    /// Mean up time between failures, s, by the [`StopClock`]; 0 switches this way of stopping off.
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

/// When one way of stopping falls due.
#[derive(Clone, Debug, PartialEq)]
struct Schedule {
    failure: Failure,
    due_in_s: f64,
    /// Repair time of a stop that has fallen due and has not happened yet, s.
    waiting_s: Option<f64>,
}

impl Schedule {
    fn new<D: Draws>(failure: Failure, draws: &mut D) -> Self {
        Self {
            failure,
            due_in_s: failure.next_s(draws),
            waiting_s: None,
        }
    }

    fn pass<D: Draws>(&mut self, step_s: f64, clock: StopClock, draws: &mut D) {
        self.due_in_s -= step_s;
        if self.due_in_s > 0.0 {
            return;
        }
        let repair_s = self.failure.repair.draw(draws);
        self.waiting_s = Some(longer(repair_s, self.waiting_s.unwrap_or(0.0)));
        self.due_in_s += self.failure.next_s(draws);
        if clock == StopClock::Calendar {
            self.due_in_s += repair_s;
        }
    }
}

fn longer(one_s: f64, other_s: f64) -> f64 {
    if one_s > other_s { one_s } else { other_s }
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
    clock: StopClock,
    state: State,
    micro: Schedule,
    fault: Schedule,
}

impl Stoppage {
    /// Makes a sound machine and draws its first failures.
    #[must_use]
    pub fn new<D: Draws>(config: StoppageConfig, clock: StopClock, draws: &mut D) -> Self {
        Self {
            clock,
            state: State::Able,
            micro: Schedule::new(config.micro, draws),
            fault: Schedule::new(config.fault, draws),
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
            repair_s: longer(repair_s, present_s),
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
        if self.clock == StopClock::Calendar || (running && self.is_able()) {
            self.micro.pass(step_s, self.clock, draws);
            self.fault.pass(step_s, self.clock, draws);
        }
        match self.state {
            State::Able => {
                if running && may_stop {
                    self.begin_waiting_stop();
                }
            }
            State::MicroStop { left_s } => {
                let another_s = self.micro.waiting_s.take().unwrap_or(0.0);
                let left_s = longer(left_s - step_s, another_s);
                self.state = if left_s > 0.0 {
                    State::MicroStop { left_s }
                } else {
                    State::Able
                };
            }
            State::Fault { repair_s } => {
                self.micro.waiting_s = None;
                let another_s = self.fault.waiting_s.take().unwrap_or(0.0);
                self.state = State::Fault {
                    repair_s: longer(repair_s, another_s),
                };
            }
        }
    }

    fn begin_waiting_stop(&mut self) {
        if let Some(repair_s) = self.fault.waiting_s.take() {
            self.state = State::Fault { repair_s };
        } else if let Some(left_s) = self.micro.waiting_s.take() {
            self.state = State::MicroStop { left_s };
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
        put_all(put, &[time_s]);
        for schedule in [&self.micro, &self.fault] {
            // A drawn repair time is never negative.
            put_all(
                put,
                &[schedule.due_in_s, schedule.waiting_s.unwrap_or(-1.0)],
            );
        }
    }
}
