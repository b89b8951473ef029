//! A drop packer: bottles fall into a 3 × 4 grid; a ram sets them into a case.

use serde::Deserialize;

use crate::actuator::Cylinder;
use crate::bottle::Bottle;
use crate::digest::{Digest, put_f64, put_len};
use crate::num;

/// Bottles in a case.
pub const CASE_BOTTLES: usize = 12;

/// Data of the packer.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PackerConfig {
    /// Least time between two bottles through the infeed gate, s.
    pub infeed_s: f64,
    /// Travel time of the ram out, s.
    pub ram_out_s: f64,
    /// Travel time of the ram back, s.
    pub ram_back_s: f64,
    /// Cases that may queue for the palletiser.
    pub case_queue: u32,
}

impl Default for PackerConfig {
    fn default() -> Self {
        Self {
            infeed_s: 0.40,
            ram_out_s: 1.2,
            ram_back_s: 1.0,
            case_queue: 12,
        }
    }
}

/// A case: twelve bottles and what they hold.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Case {
    /// Liquid in all twelve, m³.
    pub volume_m3: f64,
}

/// The packer.
#[derive(Clone, Debug)]
pub struct Packer {
    grid: Vec<Bottle>,
    ram: Cylinder,
    infeed_wait_s: f64,
    working: bool,
}

impl Packer {
    /// Makes an empty packer with its ram home.
    #[must_use]
    pub fn new(config: &PackerConfig) -> Self {
        Self {
            grid: Vec::with_capacity(CASE_BOTTLES),
            ram: Cylinder::new(config.ram_out_s, config.ram_back_s, 0.0),
            infeed_wait_s: 0.0,
            working: false,
        }
    }

    /// The bottles in the grid.
    #[must_use]
    pub fn grid(&self) -> &[Bottle] {
        &self.grid
    }

    /// The ram.
    #[must_use]
    pub fn ram(&self) -> &Cylinder {
        &self.ram
    }

    /// Whether it did anything in the last step.
    #[must_use]
    pub fn is_working(&self) -> bool {
        self.working
    }

    /// Whether the infeed would take a bottle now; counts its pause down.
    pub fn wants_bottle(&mut self, gate_open: bool, enabled: bool, step_s: f64) -> bool {
        self.infeed_wait_s = num::approach(self.infeed_wait_s, 0.0, step_s);
        enabled
            && gate_open
            && self.ram.is_home()
            && self.grid.len() < CASE_BOTTLES
            && self.infeed_wait_s < 1e-9
    }

    /// Drops a bottle into the grid.
    ///
    /// # Panics
    ///
    /// If the grid is full: ask [`Packer::wants_bottle`] first.
    pub fn accept(&mut self, config: &PackerConfig, bottle: Bottle) {
        assert!(self.grid.len() < CASE_BOTTLES, "packer grid overfilled");
        self.grid.push(bottle);
        self.infeed_wait_s = config.infeed_s;
    }

    /// Moves the ram; the finished case, if it reached its end over a full grid.
    ///
    /// Over a grid that is not full the ram sets down nothing: the bottles stay where they are.
    pub fn step(&mut self, extend: bool, enabled: bool, room: bool, step_s: f64) -> Option<Case> {
        // The case stop holds the ram up while the case conveyor is full.
        let may_extend = room || !self.ram.is_home();
        let arrived = self
            .ram
            .step(extend, enabled && (may_extend || !extend), step_s);
        self.working = self.ram.is_moving() || self.infeed_wait_s > 0.0;
        if !(arrived && extend && self.grid.len() == CASE_BOTTLES) {
            return None;
        }
        let volume_m3 = self
            .grid
            .drain(..)
            .fold(0.0, |sum, bottle| sum + bottle.volume_m3);
        Some(Case { volume_m3 })
    }
}

impl Digest for Packer {
    fn digest(&self, put: &mut dyn FnMut(&[u8])) {
        put_len(put, self.grid.len());
        for bottle in &self.grid {
            bottle.digest(put);
        }
        self.ram.digest(put);
        put_f64(put, self.infeed_wait_s);
        put(&[u8::from(self.working)]);
    }
}
