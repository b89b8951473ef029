//! A bottle and what can be wrong with it.

use crate::digest::{put_all, put_bool, put_u64};

/// What sits on a bottle's neck.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cap {
    /// Nothing.
    None,
    /// A cap on straight thread.
    Seated,
    /// A cap across the thread.
    Cocked,
}

/// Why the inspection would throw a bottle out, from what it measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RejectClass {
    /// Level below the lower limit.
    Underfill,
    /// Level above the upper limit.
    Overfill,
    /// Cap missing or cocked.
    Cap,
    /// Torque outside its window.
    Torque,
    /// Net weight outside its window.
    Weight,
}

/// One bottle on the line.
#[derive(Clone, Debug, PartialEq)]
pub struct Bottle {
    /// Serial number in order of entry, from 1.
    pub id: u32,
    /// Position of the centre along the line, m.
    pub x_m: f64,
    /// Speed along the line, m/s.
    pub speed_m_per_s: f64,
    /// Friction of this bottle's foot and its spot of chain relative to the belt's mean,
    /// dimensionless; decides whether it tips.
    pub friction_factor: f64,
    /// Lying down.
    pub fallen: bool,
    /// Burst; what it held is on the floor.
    pub broken: bool,
    /// Liquid inside, m³.
    pub volume_m3: f64,
    /// The closure.
    pub cap: Cap,
    /// Application torque of the closure, N·m; 0 without a cap.
    pub torque_n_m: f64,
    /// What the inspection measured wrong, if it has been there.
    pub verdict: Option<RejectClass>,
}

impl Bottle {
    /// An empty, standing bottle without a cap.
    #[must_use]
    pub fn new(id: u32, x_m: f64, friction_factor: f64) -> Self {
        Self {
            id,
            x_m,
            speed_m_per_s: 0.0,
            friction_factor,
            fallen: false,
            broken: false,
            volume_m3: 0.0,
            cap: Cap::None,
            torque_n_m: 0.0,
            verdict: None,
        }
    }

    /// Writes the state for the digest.
    pub fn digest(&self, put: &mut dyn FnMut(&[u8])) {
        put_u64(put, u64::from(self.id));
        put_all(
            put,
            &[
                self.x_m,
                self.speed_m_per_s,
                self.friction_factor,
                self.volume_m3,
                self.torque_n_m,
            ],
        );
        put_bool(put, self.fallen);
        put_bool(put, self.broken);
        let cap = match self.cap {
            Cap::None => 0,
            Cap::Seated => 1,
            Cap::Cocked => 2,
        };
        let verdict = match self.verdict {
            None => 0,
            Some(RejectClass::Underfill) => 1,
            Some(RejectClass::Overfill) => 2,
            Some(RejectClass::Cap) => 3,
            Some(RejectClass::Torque) => 4,
            Some(RejectClass::Weight) => 5,
        };
        put(&[cap, verdict]);
    }
}
