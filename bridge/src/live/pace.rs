//! Simulated time beside the wall clock.
//!
//! A [`Pace`] is told what the wall clock shows and says which simulated time is due. It holds no clock of its own,
//! so that everything about it can be tested.
//!
//! **Invariant:** time that is due never goes back, and nothing that has been simulated becomes undone: a machine that
//! cannot keep up gets a longer session, and no event is left out.

use std::time::Duration;

/// How far the simulation may be behind, in wall-clock time, before the session is stretched.
const BEHIND_MAX: Duration = Duration::from_millis(250);

/// A moment that both clocks have, and how they go on from it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Anchor {
    /// The wall clock, since the start of the session.
    pub wall: Duration,
    /// Simulated time, ns.
    pub t_ns: u64,
    /// Simulated seconds per second of the wall clock from here on; 0 where time stands still.
    pub speed: f64,
}

/// The pace of a live session.
#[derive(Clone, Debug, PartialEq)]
pub struct Pace {
    speed: f64,
    running: bool,
    /// The last one counts. There is one at least.
    anchors: Vec<Anchor>,
    /// Where the last step ends, ns: it is simulated as fast as the machine can.
    stepped_to: u64,
    stretches: u64,
    stretched: Duration,
}

impl Pace {
    /// A pace that stands at simulated time 0.
    ///
    /// # Arguments
    ///
    /// * `speed` — simulated seconds per second of the wall clock, over 0.
    #[must_use]
    pub fn new(speed: f64) -> Self {
        Self {
            speed,
            running: false,
            anchors: vec![Anchor {
                wall: Duration::ZERO,
                t_ns: 0,
                speed: 0.0,
            }],
            stepped_to: 0,
            stretches: 0,
            stretched: Duration::ZERO,
        }
    }

    /// Whether time passes.
    #[must_use]
    pub fn is_running(&self) -> bool {
        self.running
    }

    /// How often, and by how much in all, the session has been stretched because the machine was too slow.
    #[must_use]
    pub fn stretched(&self) -> (u64, Duration) {
        (self.stretches, self.stretched)
    }

    /// Simulated seconds per second of the wall clock.
    #[must_use]
    pub fn speed(&self) -> f64 {
        self.speed
    }

    /// The simulated time that is due, ns.
    ///
    /// # Arguments
    ///
    /// * `wall` — the wall clock since any fixed moment.
    #[must_use]
    pub fn due(&self, wall: Duration) -> u64 {
        let last = self.last();
        let passed = wall.saturating_sub(last.wall).mul_f64(last.speed);
        let passed = u64::try_from(passed.as_nanos()).unwrap_or(u64::MAX);
        last.t_ns.saturating_add(passed)
    }

    /// Every moment at which the clocks were joined anew, in the order of time: between two of them, and after the last,
    /// a time of one clock follows from the other.
    #[must_use]
    pub fn anchors(&self) -> &[Anchor] {
        &self.anchors
    }

    fn last(&self) -> Anchor {
        *self.anchors.last().expect("there is one from the start")
    }

    /// Joins the clocks anew.
    fn join(&mut self, wall: Duration, t_ns: u64) {
        let speed = if self.running { self.speed } else { 0.0 };
        self.anchors.push(Anchor { wall, t_ns, speed });
    }

    /// How long it takes until a simulated time is due; `None` where it will not be while time stands still.
    #[must_use]
    pub fn until(&self, ns: u64, wall: Duration) -> Option<Duration> {
        let ahead = ns.saturating_sub(self.due(wall));
        if ahead == 0 {
            return Some(Duration::ZERO);
        }
        self.running
            .then(|| Duration::from_nanos(ahead).div_f64(self.speed))
    }

    /// The simulation has come as far as `ns` and the wall clock shows `wall`. Returns by how much the session is
    /// stretched because of it, if it is.
    pub fn reached(&mut self, ns: u64, wall: Duration) -> Option<Duration> {
        // What was due when time was stopped, and a step, are simulated whole.
        if !self.running || ns < self.stepped_to {
            return None;
        }
        let behind = Duration::from_nanos(self.due(wall).saturating_sub(ns)).div_f64(self.speed);
        if behind <= BEHIND_MAX {
            return None;
        }
        self.join(wall, ns);
        self.stretches += 1;
        self.stretched += behind;
        Some(behind)
    }

    /// Lets time pass from now on.
    pub fn go(&mut self, wall: Duration) {
        if !self.running {
            self.running = true;
            self.join(wall, self.last().t_ns);
        }
    }

    /// Stops time. Returns where that is, ns: what is due by now is still simulated.
    pub fn pause(&mut self, wall: Duration) -> u64 {
        let due = self.due(wall);
        self.running = false;
        self.join(wall, due);
        due
    }

    /// Lets time pass at another speed from now on.
    pub fn set_speed(&mut self, speed: f64, wall: Duration) {
        let due = self.due(wall);
        self.speed = speed;
        self.join(wall, due);
    }

    /// Makes more simulated time due at once, and stops there. Returns where that is, ns.
    pub fn step(&mut self, ns: u64, wall: Duration) -> u64 {
        self.stepped_to = self.pause(wall).saturating_add(ns);
        self.join(wall, self.stepped_to);
        self.stepped_to
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    fn running(speed: f64) -> Pace {
        let mut pace = Pace::new(speed);
        pace.go(ms(1_000));
        pace
    }

    #[test]
    fn pace_when_not_started_then_no_time_is_due() {
        let pace = Pace::new(1.0);
        assert_eq!(pace.due(ms(5_000)), 0);
        assert_eq!(pace.until(1, ms(5_000)), None);
    }

    #[test]
    fn pace_when_running_then_time_is_due_at_its_speed() {
        let pace = running(4.0);
        assert_eq!(pace.due(ms(1_500)), 2_000_000_000);
        assert_eq!(pace.until(3_000_000_000, ms(1_500)), Some(ms(250)));
        assert_eq!(pace.until(1_000_000_000, ms(1_500)), Some(Duration::ZERO));
    }

    #[test]
    fn pace_when_the_machine_is_a_little_late_then_it_catches_up() {
        let mut pace = running(2.0);
        assert_eq!(pace.reached(0, ms(1_200)), None);
        assert_eq!(pace.due(ms(1_200)), 400_000_000);
        assert_eq!(pace.stretched(), (0, Duration::ZERO));
    }

    #[test]
    fn pace_when_the_machine_is_too_slow_then_the_session_is_stretched_from_where_it_is() {
        let mut pace = running(2.0);
        assert_eq!(pace.reached(200_000_000, ms(2_000)), Some(ms(900)));
        assert_eq!(pace.due(ms(2_000)), 200_000_000);
        assert_eq!(pace.due(ms(2_500)), 1_200_000_000);
        assert_eq!(pace.stretched(), (1, ms(900)));
    }

    #[test]
    fn pace_when_paused_and_stepped_then_only_the_step_is_due() {
        let mut pace = running(1.0);
        assert_eq!(pace.pause(ms(1_500)), 500_000_000);
        assert_eq!(pace.due(ms(9_000)), 500_000_000);
        assert_eq!(pace.step(10_000_000, ms(9_000)), 510_000_000);
        assert_eq!(pace.due(ms(9_999)), 510_000_000);
        pace.go(ms(10_000));
        assert_eq!(pace.due(ms(10_100)), 610_000_000);
    }

    #[test]
    fn pace_when_a_step_takes_long_then_it_is_whole_and_no_stretch() {
        let mut pace = Pace::new(1.0);
        pace.step(60_000_000_000, ms(0));
        assert_eq!(pace.until(60_000_000_000, ms(5)), Some(Duration::ZERO));
        assert_eq!(pace.until(60_000_000_001, ms(5)), None);
        assert_eq!(pace.reached(1_000_000_000, ms(10)), None);
        pace.go(ms(20));
        assert_eq!(pace.reached(2_000_000_000, ms(2_000)), None);
        assert_eq!(pace.reached(60_000_000_000, ms(3_000)), Some(ms(2_980)));
        assert_eq!(pace.due(ms(3_000)), 60_000_000_000);
    }

    #[test]
    fn pace_when_it_has_changed_then_its_anchors_tell_both_clocks() {
        let mut pace = running(2.0);
        pace.pause(ms(1_500));
        let at = |wall, t_ns, speed| Anchor {
            wall: ms(wall),
            t_ns,
            speed,
        };
        let expected = [
            at(0, 0, 0.0),
            at(1_000, 0, 2.0),
            at(1_500, 1_000_000_000, 0.0),
        ];
        assert_eq!(pace.anchors(), expected);
    }

    #[test]
    fn pace_when_its_speed_changes_then_what_was_due_stays_due() {
        let mut pace = running(1.0);
        pace.set_speed(10.0, ms(2_000));
        assert_eq!(pace.due(ms(2_000)), 1_000_000_000);
        assert_eq!(pace.due(ms(2_100)), 2_000_000_000);
    }
}
