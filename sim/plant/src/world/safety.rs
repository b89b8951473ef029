//! How long the safety controllers were no protection: bypassed, or not as they were commissioned.
//!
//! It is read from their memory and not from what they say of themselves, so that a program that keeps
//! quiet about a bypass, or an answer that was rewritten, changes nothing.
//!
//! **Invariant:** this only looks, once a second; nothing reads what it has counted but the score.

use sim_process::instrumented::Demands;

use super::World;
use crate::controller::Controller;

/// How long a safety controller was no protection, s.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ProtectionLost {
    /// A safety function was bypassed.
    pub bypass_s: u64,
    /// The controller was not in RUN, or with another program, firmware or scan period, or with forces.
    pub impaired_s: u64,
}

/// One safety controller, or the two of a pair.
#[derive(Clone, Debug)]
pub(crate) struct SafetyWatch {
    controllers: Vec<usize>,
    /// Marker bits that are on while a function is bypassed.
    bypasses: Vec<u16>,
    lost: ProtectionLost,
}

impl SafetyWatch {
    pub(crate) fn new(controllers: Vec<usize>, bypasses: Vec<u16>) -> Self {
        Self {
            controllers,
            bypasses,
            lost: ProtectionLost::default(),
        }
    }

    /// Looks at the end of a second. Of a pair the one counts that runs; where none does, nothing protects.
    pub(crate) fn look(&mut self, controllers: &[Controller]) {
        let mut own = self.controllers.iter().map(|&index| &controllers[index]);
        let running = own.find(|controller| controller.runs());
        let is_bypassed = |one: &Controller| self.bypasses.iter().any(|&bit| one.marker_bit(bit));
        self.lost.bypass_s += u64::from(running.is_some_and(is_bypassed));
        let is_whole = running.is_some_and(Controller::is_as_commissioned);
        self.lost.impaired_s += u64::from(!is_whole);
    }
}

/// What the safety functions of a plant were asked and did, and how long they were no protection.
#[derive(Clone, Debug, PartialEq)]
pub struct SafetyFacts {
    /// Each function by its name, as the physics counts it.
    pub functions: Vec<(&'static str, Demands)>,
    /// How long the safety controllers were no protection, the longest of them.
    pub lost: ProtectionLost,
}

impl World {
    /// What the safety functions were asked and did so far; `None` in a plant without a safety controller.
    #[must_use]
    pub fn safety_facts(&self) -> Option<SafetyFacts> {
        let worst = |a: ProtectionLost, b: ProtectionLost| ProtectionLost {
            bypass_s: a.bypass_s.max(b.bypass_s),
            impaired_s: a.impaired_s.max(b.impaired_s),
        };
        let lost = self.safety.iter().map(|watch| watch.lost).reduce(worst)?;
        Some(SafetyFacts {
            functions: self.physics.safety_functions(),
            lost,
        })
    }
}
