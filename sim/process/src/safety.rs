//! A safety relay with light curtain, muting and emergency stop.
//!
//! The relay is hardware: no controller program can keep it closed. What an attacker (or a
//! maintenance shortcut) can reach is its two parameters, the muting override and the stop delay.
//!
//! # Invariants
//!
//! - Motion is enabled only while the relay is closed, or for its reaction time after it opens.
//! - Muting needs both sensors in order within the window, and ends by itself.
//!
//! # Source
//!
//! Light curtain type 4 after IEC 61496; distance after ISO 13855, `S = 1600·T + 8·(d − 14)` mm:
//! 688 mm for a stop in 0.35 s and 30 mm resolution. Muting after IEC 62046.

use serde::Deserialize;

use crate::digest::{Digest, put_all, put_bool};

/// Data of the relay.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SafetyConfig {
    /// Time from the demand to the drives losing torque, s; the brake takes the rest of the stop.
    pub reaction_s: f64,
    /// Longest time between the two muting sensors, s.
    pub muting_window_s: f64,
    /// Longest muting, s.
    pub muting_limit_s: f64,
}

impl Default for SafetyConfig {
    fn default() -> Self {
        Self {
            reaction_s: 0.20,
            muting_window_s: 4.0,
            muting_limit_s: 60.0,
        }
    }
}

/// What the relay sees in one step.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct SafetyInputs {
    /// Something stands in the light curtain.
    pub curtain_broken: bool,
    /// First muting sensor.
    pub first_muting: bool,
    /// Second muting sensor.
    pub second_muting: bool,
    /// Emergency stop is pressed.
    pub emergency_stop: bool,
    /// Muting override parameter: 1 defeats the curtain.
    pub muting_override: bool,
    /// Extra delay parameter of safe torque off, s.
    pub stop_delay_s: f64,
    /// Reset button; acts on its rising edge.
    pub reset: bool,
}

/// The relay. It starts open, as after power-up.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SafetyRelay {
    closed: bool,
    enabled: bool,
    open_s: f64,
    muted: bool,
    muted_s: f64,
    since_first_s: f64,
    second_seen: bool,
    reset_seen: bool,
}

impl SafetyRelay {
    /// Whether the relay is closed.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.closed
    }

    /// Whether the drives still have torque.
    #[must_use]
    pub fn is_enabled(&self) -> bool {
        self.enabled
    }

    /// Whether the curtain is muted.
    #[must_use]
    pub fn is_muted(&self) -> bool {
        self.muted
    }

    /// Advances one step; returns whether motion is enabled.
    pub fn step(&mut self, config: &SafetyConfig, inputs: &SafetyInputs, step_s: f64) -> bool {
        self.step_muting(config, inputs, step_s);
        let curtain_demand = inputs.curtain_broken && !self.muted && !inputs.muting_override;
        if curtain_demand || inputs.emergency_stop {
            self.closed = false;
        } else if inputs.reset && !self.reset_seen {
            self.closed = true;
            self.enabled = true;
            self.open_s = 0.0;
        }
        self.reset_seen = inputs.reset;
        if !self.closed && self.enabled {
            self.open_s += step_s;
            self.enabled = self.open_s < config.reaction_s + inputs.stop_delay_s;
        }
        self.enabled
    }

    fn step_muting(&mut self, config: &SafetyConfig, inputs: &SafetyInputs, step_s: f64) {
        let second_rises = inputs.second_muting && !self.second_seen;
        self.second_seen = inputs.second_muting;
        if second_rises
            && inputs.first_muting
            && self.since_first_s <= config.muting_window_s
            && !inputs.curtain_broken
        {
            self.muted = true;
            self.muted_s = 0.0;
        }
        self.since_first_s = if inputs.first_muting {
            self.since_first_s + step_s
        } else {
            0.0
        };
        if self.muted {
            self.muted_s += step_s;
            let over = self.muted_s > config.muting_limit_s;
            if over || !(inputs.first_muting || inputs.second_muting) {
                self.muted = false;
            }
        }
    }
}

impl Digest for SafetyRelay {
    fn digest(&self, put: &mut dyn FnMut(&[u8])) {
        for flag in [
            self.closed,
            self.enabled,
            self.muted,
            self.second_seen,
            self.reset_seen,
        ] {
            put_bool(put, flag);
        }
        put_all(put, &[self.open_s, self.muted_s, self.since_first_s]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn closed() -> SafetyRelay {
        let mut relay = SafetyRelay::default();
        let reset = SafetyInputs {
            reset: true,
            ..SafetyInputs::default()
        };
        assert!(relay.step(&SafetyConfig::default(), &reset, 0.01));
        relay
    }

    fn steps_to_stop(relay: &mut SafetyRelay, inputs: &SafetyInputs) -> Option<u32> {
        (1..500).find(|_| !relay.step(&SafetyConfig::default(), inputs, 0.01))
    }

    #[test]
    fn relay_when_curtain_breaks_then_torque_is_off_within_its_reaction_time() {
        let broken = SafetyInputs {
            curtain_broken: true,
            ..SafetyInputs::default()
        };
        assert_eq!(steps_to_stop(&mut closed(), &broken), Some(20));
        let delayed = SafetyInputs {
            stop_delay_s: 0.45,
            ..broken
        };
        assert_eq!(steps_to_stop(&mut closed(), &delayed), Some(65));
        let overridden = SafetyInputs {
            muting_override: true,
            ..broken
        };
        assert_eq!(steps_to_stop(&mut closed(), &overridden), None);
    }

    #[test]
    fn muting_when_sensors_come_in_order_and_in_time_then_the_curtain_is_ignored() {
        for (between_steps, expect_muted) in [(200, true), (399, true), (420, false)] {
            let mut relay = closed();
            let config = SafetyConfig::default();
            let first = SafetyInputs {
                first_muting: true,
                ..SafetyInputs::default()
            };
            for _ in 0..between_steps {
                relay.step(&config, &first, 0.01);
            }
            let both = SafetyInputs {
                second_muting: true,
                ..first
            };
            relay.step(&config, &both, 0.01);
            assert_eq!(relay.is_muted(), expect_muted, "{between_steps}");
            let pallet = SafetyInputs {
                curtain_broken: true,
                ..both
            };
            relay.step(&config, &pallet, 0.01);
            assert_eq!(relay.is_closed(), expect_muted, "{between_steps}");
        }
    }

    #[test]
    fn muting_when_it_lasts_too_long_then_ends() {
        let mut relay = closed();
        let config = SafetyConfig::default();
        let first = SafetyInputs {
            first_muting: true,
            ..SafetyInputs::default()
        };
        relay.step(&config, &first, 0.01);
        let both = SafetyInputs {
            second_muting: true,
            ..first
        };
        for _ in 0..5990 {
            relay.step(&config, &both, 0.01);
        }
        assert!(relay.is_muted());
        for _ in 0..20 {
            relay.step(&config, &both, 0.01);
        }
        assert!(!relay.is_muted());
    }

    #[test]
    fn relay_when_reset_is_held_then_does_not_close_again_by_itself() {
        let mut relay = closed();
        let held = SafetyInputs {
            reset: true,
            ..SafetyInputs::default()
        };
        let stop = SafetyInputs {
            emergency_stop: true,
            ..held
        };
        relay.step(&SafetyConfig::default(), &stop, 0.01);
        relay.step(&SafetyConfig::default(), &held, 0.01);
        assert!(!relay.is_closed());
    }
}
