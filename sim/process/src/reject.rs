//! The reject pusher and the photoeye that verifies it.

use serde::Deserialize;

use crate::digest::{Digest, put_all, put_bool};
use crate::num;

/// Data of the pusher.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RejectConfig {
    /// Time from the command to the pad meeting the bottle: half of the 60 ms stroke, s.
    pub contact_s: f64,
    /// Least time between two strokes, s.
    pub cycle_s: f64,
    /// Centre of the pad, m. Mounted a little after x = 6.0 to make up for the stroke.
    pub pad_x_m: f64,
    /// A bottle whose centre is closer than this to the pad is hit, m: half the bottle pitch.
    pub reach_m: f64,
    /// How long the verify photoeye stays on after a bottle, s.
    pub verify_s: f64,
}

impl Default for RejectConfig {
    fn default() -> Self {
        Self {
            contact_s: 0.030,
            cycle_s: 0.120,
            pad_x_m: 6.015,
            reach_m: 0.0425,
            verify_s: 0.2,
        }
    }
}

/// The pusher.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Pusher {
    commanded: bool,
    contact_in_s: f64,
    busy_s: f64,
    verify_s: f64,
}

impl Pusher {
    /// Whether the verify photoeye sees a bottle.
    #[must_use]
    pub fn is_verified(&self) -> bool {
        self.verify_s > 0.0
    }

    /// Tells the verify photoeye that a bottle dropped into the chute.
    pub fn verify(&mut self, config: &RejectConfig) {
        self.verify_s = config.verify_s;
    }

    /// Advances one step; true in the step in which the pad meets the belt.
    ///
    /// A command that comes while the pusher is still under way is lost, as with the real cylinder.
    pub fn step(&mut self, config: &RejectConfig, command: bool, step_s: f64) -> bool {
        self.verify_s = num::approach(self.verify_s, 0.0, step_s);
        self.busy_s = num::approach(self.busy_s, 0.0, step_s);
        if command && !self.commanded && self.busy_s < 1e-9 {
            self.busy_s = config.cycle_s;
            self.contact_in_s = config.contact_s;
        }
        self.commanded = command;
        if self.contact_in_s > 0.0 {
            self.contact_in_s -= step_s;
            // Rounding must not turn the last step into one more.
            if self.contact_in_s < 1e-9 {
                self.contact_in_s = 0.0;
                return true;
            }
        }
        false
    }
}

impl Digest for Pusher {
    fn digest(&self, put: &mut dyn FnMut(&[u8])) {
        put_bool(put, self.commanded);
        put_all(put, &[self.contact_in_s, self.busy_s, self.verify_s]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pusher_when_commanded_twice_at_once_then_strokes_once() {
        let config = RejectConfig::default();
        let mut pusher = Pusher::default();
        let mut contacts = Vec::new();
        for step in 0..40 {
            // On for 2 steps, off for 2: a new rising edge every 40 ms.
            if pusher.step(&config, step % 4 < 2, 0.01) {
                contacts.push(step);
            }
        }
        assert_eq!(contacts, [2, 14, 26, 38]);
    }
}
