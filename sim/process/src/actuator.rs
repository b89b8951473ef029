//! Valves and cylinders: things that follow a command at a limited rate.

use crate::digest::{Digest, put_f64};
use crate::num;

/// An analog valve that strokes towards its command at a fixed rate.
#[derive(Clone, Debug, PartialEq)]
pub struct RateValve {
    rate_per_s: f64,
    opening: f64,
}

impl RateValve {
    /// Makes a closed valve that strokes `rate_per_s` of its full travel per second.
    #[must_use]
    pub fn new(rate_per_s: f64) -> Self {
        Self {
            rate_per_s,
            opening: 0.0,
        }
    }

    /// Opening, dimensionless, 0 closed to 1 open.
    #[must_use]
    pub fn opening(&self) -> f64 {
        self.opening
    }

    /// Moves towards `command` (0..=1) for one step and returns the new opening.
    pub fn step(&mut self, command: f64, step_s: f64) -> f64 {
        if self.opening != command {
            let target = num::clamp(command, 0.0, 1.0);
            self.opening = num::approach(self.opening, target, self.rate_per_s * step_s);
        }
        self.opening
    }
}

impl Digest for RateValve {
    fn digest(&self, put: &mut dyn FnMut(&[u8])) {
        put_f64(put, self.opening);
    }
}

/// A two-position cylinder: gate, nozzle bar, ram, pusher, plate; also the drive of a shut-off valve.
///
/// Position 0 is home, 1 is extended. Without air or permission it stays where it is.
#[derive(Clone, Debug, PartialEq)]
pub struct Cylinder {
    extend_s: f64,
    retract_s: f64,
    position: f64,
    moving: bool,
}

impl Cylinder {
    /// Makes a cylinder at `position` with its two travel times.
    #[must_use]
    pub fn new(extend_s: f64, retract_s: f64, position: f64) -> Self {
        Self {
            extend_s,
            retract_s,
            position,
            moving: false,
        }
    }

    /// Where it is, 0 home to 1 extended.
    #[must_use]
    pub fn position(&self) -> f64 {
        self.position
    }

    /// Whether it stands at its extended stop.
    #[must_use]
    pub fn is_extended(&self) -> bool {
        self.position >= 1.0
    }

    /// Whether it stands at its home stop.
    #[must_use]
    pub fn is_home(&self) -> bool {
        self.position <= 0.0
    }

    /// Whether it moved in the last step.
    #[must_use]
    pub fn is_moving(&self) -> bool {
        self.moving
    }

    /// Moves for one step; true in the step in which it reaches the commanded end.
    pub fn step(&mut self, extend: bool, enabled: bool, step_s: f64) -> bool {
        let target = num::bit(extend);
        if !enabled || self.position == target {
            self.moving = false;
            return false;
        }
        let travel_s = if extend {
            self.extend_s
        } else {
            self.retract_s
        };
        self.position = num::approach(self.position, target, step_s / travel_s);
        // A travel of n whole steps must end in step n, whatever the rounding of the quotient.
        if (self.position - target).abs() < 1e-9 {
            self.position = target;
        }
        self.moving = true;
        self.position == target
    }
}

impl Digest for Cylinder {
    fn digest(&self, put: &mut dyn FnMut(&[u8])) {
        put_f64(put, self.position);
        put(&[u8::from(self.moving)]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cylinder_when_enabled_then_arrives_after_its_travel_time() {
        let mut gate = Cylinder::new(0.1, 0.2, 0.0);
        let steps = (1..=20).find(|_| gate.step(true, true, 0.01));
        assert_eq!(steps, Some(10));
        assert!(gate.is_extended());
        let steps = (1..=30).find(|_| gate.step(false, true, 0.01));
        assert_eq!(steps, Some(20));
    }

    #[test]
    fn cylinder_when_disabled_then_holds() {
        let mut gate = Cylinder::new(0.1, 0.1, 0.5);
        assert!(!gate.step(true, false, 0.01));
        assert_eq!(gate.position(), 0.5);
    }

    #[test]
    fn valve_when_commanded_then_follows_its_rate() {
        let mut valve = RateValve::new(0.5);
        for _ in 0..100 {
            valve.step(1.0, 0.01);
        }
        assert!((valve.opening() - 0.5).abs() < 1e-9);
    }
}
