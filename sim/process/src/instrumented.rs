//! Field devices of a safety instrumented system, and what its safety functions were asked and did.
//!
//! The devices are the system's own: a transmitter or valve that the control system shares would fail
//! together with it. Each fails by itself, at a time drawn from a stream of its own.
//!
//! # Invariants
//!
//! - What [`Demands`] counts follows from the process and the final element alone. No controller's
//!   opinion enters, so that a program that was changed cannot change the count.
//! - Every demand has at most one end: it was answered, or it was missed, or it went away before the
//!   response time was over.
//!
//! # Source
//!
//! IEC 61511-1:2016, clause 3.2, for *demand*, *spurious trip*, *dangerous failure* and *process safety
//! time*. Rates are those of a good device in clean service (exponential, constant rate); signals
//! outside the measuring range as failure information after NAMUR NE 43.

use serde::Deserialize;

use crate::Draws;
use crate::actuator::Cylinder;
use crate::digest::{Digest, put_all, put_bool, put_f64, put_u64};
use crate::num;
use crate::sensor::{Sensor, SensorSpec};

/// Seconds of a year of 365 days.
const YEAR_S: f64 = 365.0 * 86_400.0;

/// Data of the safety instrumented system's devices and functions.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SisConfig {
    /// Bowl level at which the supply has to be shut, m.
    pub level_trip_m: f64,
    /// What the level measurement may be off by, m.
    pub level_accuracy_m: f64,
    /// Winding temperature of M2 at which it has to be switched off, °C.
    pub winding_trip_c: f64,
    /// What the temperature measurement may be off by, K.
    pub winding_accuracy_k: f64,
    /// Time from a demand until the final element has to be in its safe position, s. It leaves a margin to
    /// the process safety time, in which the bowl would run over or the winding pass its limit.
    pub response_s: f64,
    /// Stroke of the shut-off valve to closed, by its spring, s.
    pub valve_close_s: f64,
    /// Stroke of the shut-off valve to open, against its spring, s.
    pub valve_open_s: f64,
    /// Time in which the contactor moves, s.
    pub contactor_s: f64,
    /// Mean time until a transmitter fails, s; 0 for never.
    pub transmitter_mtbf_s: f64,
    /// Mean time until the shut-off valve sticks, or the contactor welds, s; 0 for never.
    pub element_mtbf_s: f64,
}

impl Default for SisConfig {
    /// From 0.53 m to the edge at 0.55 m the bowl takes 6.7 s at full inlet and no draw. A winding that rises
    /// by 2.4 K/s (locked rotor, direct on line) passes from 140 °C to its class limit in 6.2 s.
    fn default() -> Self {
        Self {
            level_trip_m: 0.53,
            level_accuracy_m: 0.005,
            winding_trip_c: 140.0,
            winding_accuracy_k: 3.0,
            response_s: 5.0,
            valve_close_s: 2.0,
            valve_open_s: 4.0,
            contactor_s: 0.05,
            transmitter_mtbf_s: 50.0 * YEAR_S,
            element_mtbf_s: 60.0 * YEAR_S,
        }
    }
}

/// How a transmitter has failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Failure {
    /// Its signal is below the measuring range: wire break, loss of supply.
    Low,
    /// Its signal is above the measuring range.
    High,
    /// Its signal stands still inside the range: a dangerous failure that no diagnosis sees.
    Frozen,
}

/// A transmitter of the safety instrumented system.
#[derive(Clone, Debug, PartialEq)]
pub struct Transmitter {
    sensor: Sensor,
    mtbf_s: f64,
    /// Time until it fails; infinite for never.
    fails_in_s: f64,
    failure: Option<Failure>,
}

impl Transmitter {
    /// Makes a healthy transmitter that shows `value`, and draws its first failure.
    #[must_use]
    pub fn new<D: Draws>(spec: SensorSpec, value: f64, mtbf_s: f64, draws: &mut D) -> Self {
        Self {
            sensor: Sensor::new(spec, value),
            mtbf_s,
            fails_in_s: due_s(mtbf_s, draws),
            failure: None,
        }
    }

    /// Takes a new sample, `period_s` after the last one. What fails fails low, high or frozen with equal
    /// chances.
    pub fn sample<D: Draws>(&mut self, value: f64, period_s: f64, draws: &mut D) {
        self.fails_in_s -= period_s;
        if self.failure.is_none() && self.fails_in_s <= 0.0 {
            let drawn = draws.uniform() * 3.0;
            self.failure = Some(if drawn < 1.0 {
                Failure::Low
            } else if drawn < 2.0 {
                Failure::High
            } else {
                Failure::Frozen
            });
        }
        if self.failure != Some(Failure::Frozen) {
            self.sensor.sample(value, period_s, draws);
        }
    }

    /// What it shows, in the measured unit; beyond any measuring range when its signal has failed.
    #[must_use]
    pub fn reading(&self) -> f64 {
        match self.failure {
            Some(Failure::Low) => -1e9,
            Some(Failure::High) => 1e9,
            Some(Failure::Frozen) | None => self.sensor.reading(),
        }
    }

    /// Whether it has failed, seen or unseen.
    #[must_use]
    pub fn has_failed(&self) -> bool {
        self.failure.is_some()
    }

    /// Somebody puts in a new one.
    pub fn mend<D: Draws>(&mut self, draws: &mut D) {
        if self.failure.take().is_some() {
            self.fails_in_s = due_s(self.mtbf_s, draws);
        }
    }
}

/// A final element that needs energy to let the process run: shut-off valve or contactor.
#[derive(Clone, Debug, PartialEq)]
pub struct FinalElement {
    /// Home is safe, extended is running.
    travel: Cylinder,
    mtbf_s: f64,
    /// Time until it sticks where it is; infinite for never.
    sticks_in_s: f64,
}

impl FinalElement {
    /// Makes an element in its running position, and draws when it will stick.
    #[must_use]
    pub fn new<D: Draws>(to_safe_s: f64, to_run_s: f64, mtbf_s: f64, draws: &mut D) -> Self {
        Self {
            travel: Cylinder::new(to_run_s, to_safe_s, 1.0),
            mtbf_s,
            sticks_in_s: due_s(mtbf_s, draws),
        }
    }

    /// Position, 0 safe to 1 running.
    #[must_use]
    pub fn position(&self) -> f64 {
        self.travel.position()
    }

    /// Whether it is in its safe position.
    #[must_use]
    pub fn is_safe(&self) -> bool {
        self.travel.is_home()
    }

    /// Whether it is in its running position.
    #[must_use]
    pub fn is_running(&self) -> bool {
        self.travel.is_extended()
    }

    /// Whether it has stuck.
    #[must_use]
    pub fn has_stuck(&self) -> bool {
        self.sticks_in_s <= 0.0
    }

    /// Moves for one step.
    pub fn step(&mut self, energised: bool, step_s: f64) {
        self.sticks_in_s -= step_s;
        self.travel.step(energised, !self.has_stuck(), step_s);
    }

    /// Somebody makes it move again.
    pub fn mend<D: Draws>(&mut self, draws: &mut D) {
        if self.has_stuck() {
            self.sticks_in_s = due_s(self.mtbf_s, draws);
        }
    }
}

/// A safety function as the process knows it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SifSpec {
    /// Value of the process at which it has to act.
    pub trip: f64,
    /// A trip this far below still answers the process and not a failure.
    pub accuracy: f64,
    /// How far below the trip point a demand is over.
    pub band: f64,
    /// Time that it has, s.
    pub response_s: f64,
}

/// What happens at a safety function in one step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SifState {
    /// True value of the process.
    pub value: f64,
    /// The final element is told to run.
    pub energised: bool,
    /// The final element is in its safe position.
    pub is_safe: bool,
    /// The key for maintenance is turned, so that a stroke is a test.
    pub in_maintenance: bool,
}

/// What a safety function was asked and did, since the start of the run.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Demands {
    /// Demands: the process passed the trip point.
    pub demands: u64,
    /// Demands that were answered in time: successful trips.
    pub trips: u64,
    /// Demands that were not answered in time.
    pub missed: u64,
    /// Trips without a demand.
    pub spurious: u64,
    /// Strokes of the final element under the key.
    pub tests: u64,
    /// Time beyond the response time in which a demand stood and the final element was not safe, s.
    pub unprotected_s: f64,
    /// Time in which the final element was told to be safe after it had run, s, but for maintenance: what the
    /// process stood for by the function's order.
    pub tripped_s: f64,
    has_run: bool,
    stands: bool,
    answered: bool,
    missed_now: bool,
    unsafe_s: f64,
    energised_s: f64,
}

/// An element that was energised for less than this was not running yet, s: a controller that starts takes
/// its outputs over.
const RUNNING_S: f64 = 1.0;

impl Demands {
    /// Looks at one step.
    pub fn step(&mut self, spec: &SifSpec, state: &SifState, step_s: f64) {
        if !self.stands && state.value >= spec.trip {
            self.begin();
        }
        let trips = !state.energised && self.energised_s >= RUNNING_S;
        if state.energised {
            self.has_run = self.has_run || self.energised_s >= RUNNING_S;
        } else if self.has_run && !state.in_maintenance {
            self.tripped_s += step_s;
        }
        self.energised_s = if state.energised {
            num::lower(self.energised_s + step_s, RUNNING_S)
        } else {
            0.0
        };
        if trips && !self.stands {
            if state.value >= spec.trip - spec.accuracy {
                self.begin();
            } else if state.in_maintenance {
                self.tests += 1;
            } else {
                self.spurious += 1;
            }
        }
        if !self.stands {
            return;
        }
        if state.is_safe {
            self.unsafe_s = 0.0;
            if !self.answered && !self.missed_now {
                self.answered = true;
                self.trips += 1;
            }
        } else {
            self.unsafe_s += step_s;
            if self.unsafe_s > spec.response_s {
                self.unprotected_s += step_s;
                if !self.answered && !self.missed_now {
                    self.missed_now = true;
                    self.missed += 1;
                }
            }
        }
        if state.value < spec.trip - spec.band {
            self.stands = false;
        }
    }

    fn begin(&mut self) {
        self.stands = true;
        self.answered = false;
        self.missed_now = false;
        self.unsafe_s = 0.0;
        self.demands += 1;
    }
}

/// Time to the next failure, s.
fn due_s<D: Draws>(mtbf_s: f64, draws: &mut D) -> f64 {
    if mtbf_s > 0.0 {
        draws.exponential(mtbf_s)
    } else {
        f64::INFINITY
    }
}

impl Digest for Transmitter {
    fn digest(&self, put: &mut dyn FnMut(&[u8])) {
        self.sensor.digest(put);
        put_f64(put, self.fails_in_s);
        put(&[match self.failure {
            None => 0,
            Some(Failure::Low) => 1,
            Some(Failure::High) => 2,
            Some(Failure::Frozen) => 3,
        }]);
    }
}

impl Digest for FinalElement {
    fn digest(&self, put: &mut dyn FnMut(&[u8])) {
        put_all(put, &[self.position(), self.sticks_in_s]);
    }
}

impl Digest for Demands {
    fn digest(&self, put: &mut dyn FnMut(&[u8])) {
        for count in [
            self.demands,
            self.trips,
            self.missed,
            self.spurious,
            self.tests,
        ] {
            put_u64(put, count);
        }
        for flag in [self.stands, self.answered, self.missed_now, self.has_run] {
            put_bool(put, flag);
        }
        put_all(
            put,
            &[
                self.unprotected_s,
                self.tripped_s,
                self.unsafe_s,
                self.energised_s,
            ],
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPEC: SifSpec = SifSpec {
        trip: 0.53,
        accuracy: 0.005,
        band: 0.02,
        response_s: 5.0,
    };

    const STEP_S: f64 = 0.5;

    /// Counts (demands, trips, missed, spurious, tests) after a story of values, each with whether the
    /// element is energised and whether it is safe, one for each half second.
    fn counts(story: &[(f64, bool, bool)], in_maintenance: bool) -> [u64; 5] {
        let mut demands = Demands::default();
        for &(value, energised, is_safe) in story {
            let state = SifState {
                value,
                energised,
                is_safe,
                in_maintenance,
            };
            demands.step(&SPEC, &state, STEP_S);
        }
        let d = demands;
        [d.demands, d.trips, d.missed, d.spurious, d.tests]
    }

    fn with_start(story: &[(f64, bool, bool)]) -> Vec<(f64, bool, bool)> {
        let mut whole = vec![(0.3, true, false); 4];
        whole.extend_from_slice(story);
        whole
    }

    #[test]
    fn demand_when_the_element_closes_in_time_then_it_is_a_trip() {
        let story = with_start(&[
            (0.531, true, false),
            (0.532, false, false),
            (0.533, false, true),
        ]);
        assert_eq!(counts(&story, false), [1, 1, 0, 0, 0]);
    }

    #[test]
    fn demand_when_the_element_stays_then_it_is_missed_once_and_time_runs() {
        let mut story = with_start(&[]);
        story.extend([(0.54, false, false); 20]);
        assert_eq!(counts(&story, false), [1, 0, 1, 0, 0]);
        // Answered too late is still missed.
        story.push((0.54, false, true));
        assert_eq!(counts(&story, false), [1, 0, 1, 0, 0]);
    }

    #[test]
    fn demand_when_it_goes_away_before_the_response_time_then_neither_trip_nor_missed() {
        let story = with_start(&[(0.531, true, false), (0.50, true, false)]);
        assert_eq!(counts(&story, false), [1, 0, 0, 0, 0]);
    }

    #[test]
    fn trip_when_the_value_is_low_then_spurious_or_a_test() {
        let story = with_start(&[(0.3, false, false), (0.3, false, true)]);
        assert_eq!(counts(&story, false), [0, 0, 0, 1, 0]);
        assert_eq!(counts(&story, true), [0, 0, 0, 0, 1]);
    }

    #[test]
    fn trip_when_the_value_is_within_the_accuracy_then_it_answers_a_demand() {
        let story = with_start(&[(0.526, false, false), (0.526, false, true)]);
        assert_eq!(counts(&story, false), [1, 1, 0, 0, 0]);
    }

    #[test]
    fn time_when_tripped_then_counted_from_the_trip_but_not_in_maintenance_or_before_it_ran() {
        let tripped_s = |story: &[(f64, bool, bool)], in_maintenance| {
            let mut demands = Demands::default();
            for &(value, energised, is_safe) in story {
                let state = SifState {
                    value,
                    energised,
                    is_safe,
                    in_maintenance,
                };
                demands.step(&SPEC, &state, STEP_S);
            }
            demands.tripped_s
        };
        let story = with_start(&[(0.3, false, true); 6]);
        assert_eq!(tripped_s(&story, false), 3.0);
        assert_eq!(tripped_s(&story, true), 0.0);
        assert_eq!(tripped_s(&[(0.3, false, true); 6], false), 0.0);
    }

    #[test]
    fn element_when_a_controller_takes_its_output_over_at_the_start_then_no_trip() {
        assert_eq!(
            counts(&[(0.3, true, false), (0.3, false, true)], false),
            [0; 5]
        );
    }

    struct Never;

    impl Draws for Never {
        fn uniform(&mut self) -> f64 {
            0.5
        }
        fn gaussian(&mut self) -> f64 {
            0.0
        }
        fn exponential(&mut self, mean: f64) -> f64 {
            mean
        }
        fn lognormal(&mut self, median: f64, _sigma: f64) -> f64 {
            median
        }
    }

    #[test]
    fn element_when_it_sticks_then_it_stays_until_it_is_mended() {
        let mut valve = FinalElement::new(2.0, 4.0, 3.0, &mut Never);
        for _ in 0..2 {
            valve.step(false, STEP_S);
        }
        assert_eq!(valve.position(), 0.5, "half of its stroke of 2 s");
        for _ in 0..2 {
            valve.step(true, STEP_S);
        }
        assert_eq!(valve.position(), 0.75, "a quarter of its stroke of 4 s");
        for _ in 0..8 {
            valve.step(false, STEP_S);
        }
        assert!(valve.has_stuck() && !valve.is_safe());
        valve.mend(&mut Never);
        for _ in 0..4 {
            valve.step(false, STEP_S);
        }
        assert!(valve.is_safe());
    }

    #[test]
    fn transmitter_when_it_fails_then_its_signal_leaves_the_range_until_it_is_mended() {
        let spec = SensorSpec {
            lag_s: 0.0,
            noise_sd: 0.0,
            quantum: 0.0,
        };
        let mut level = Transmitter::new(spec, 0.3, 1.0, &mut Never);
        level.sample(0.31, STEP_S, &mut Never);
        assert_eq!((level.reading(), level.has_failed()), (0.31, false));
        level.sample(0.32, STEP_S, &mut Never);
        assert!(level.has_failed() && level.reading() > 1.0, "{level:?}");
        level.mend(&mut Never);
        assert_eq!(level.reading(), 0.32);
    }
}
