//! An open tank with one inlet, an overflow edge, and a drain that other equipment draws from.
//!
//! # Invariants
//!
//! - `volume = start + inlet − drawn − overflow` holds to rounding error over any number of steps.
//! - The level is never negative and never above the overflow edge.

use crate::STANDARD_GRAVITY_M_PER_S2;
use crate::digest::{Digest, put_all};
use crate::num;

/// A straight-walled tank; the filler's bowl is one.
#[derive(Clone, Debug, PartialEq)]
pub struct Tank {
    area_m2: f64,
    overflow_level_m: f64,
    volume_m3: f64,
    overflowed_m3: f64,
}

impl Tank {
    /// Makes a tank filled to `level_m`.
    ///
    /// # Panics
    ///
    /// If the area or overflow level is not positive: the configuration was not validated.
    #[must_use]
    pub fn new(area_m2: f64, overflow_level_m: f64, level_m: f64) -> Self {
        assert!(
            area_m2 > 0.0 && overflow_level_m > 0.0,
            "tank without extent"
        );
        Self {
            area_m2,
            overflow_level_m,
            volume_m3: area_m2 * level_m,
            overflowed_m3: 0.0,
        }
    }

    /// Liquid level above the floor, m.
    #[must_use]
    pub fn level_m(&self) -> f64 {
        self.volume_m3 / self.area_m2
    }

    /// Liquid present, m³.
    #[must_use]
    pub fn volume_m3(&self) -> f64 {
        self.volume_m3
    }

    /// All liquid lost over the edge so far, m³.
    #[must_use]
    pub fn overflowed_m3(&self) -> f64 {
        self.overflowed_m3
    }

    /// Speed of a jet from an outlet `drop_m` below the floor: `√(2·g·(L + drop))`, m/s.
    ///
    /// # Source
    ///
    /// Torricelli's law.
    #[must_use]
    pub fn jet_m_per_s(&self, drop_m: f64) -> f64 {
        (2.0 * STANDARD_GRAVITY_M_PER_S2 * (self.level_m() + drop_m)).sqrt()
    }

    /// Adds liquid; what does not fit below the edge is lost and returned, m³.
    #[must_use = "what has run over is somewhere"]
    pub fn fill(&mut self, inlet_m3: f64) -> f64 {
        self.volume_m3 += inlet_m3;
        let capacity_m3 = self.area_m2 * self.overflow_level_m;
        if self.volume_m3 > capacity_m3 {
            let lost_m3 = self.volume_m3 - capacity_m3;
            self.volume_m3 = capacity_m3;
            self.overflowed_m3 += lost_m3;
            lost_m3
        } else {
            0.0
        }
    }

    /// Takes out up to `demand_m3`; returns what there was, m³.
    pub fn draw(&mut self, demand_m3: f64) -> f64 {
        let drawn_m3 = num::lower(demand_m3, self.volume_m3);
        self.volume_m3 -= drawn_m3;
        drawn_m3
    }
}

impl Digest for Tank {
    fn digest(&self, put: &mut dyn FnMut(&[u8])) {
        put_all(put, &[self.volume_m3, self.overflowed_m3]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tank_when_full_then_the_rest_overflows() {
        let mut tank = Tank::new(0.5, 0.55, 0.5);
        let lost = tank.fill(0.05);
        assert!((lost - 0.025).abs() < 1e-15);
        assert!((tank.level_m() - 0.55).abs() < 1e-15);
        assert_eq!(tank.overflowed_m3(), lost);
    }

    #[test]
    fn tank_when_emptied_then_gives_what_it_has() {
        let mut tank = Tank::new(0.5, 0.55, 0.1);
        assert_eq!(tank.draw(1.0), 0.05);
        assert_eq!(tank.level_m(), 0.0);
        assert_eq!(tank.draw(1.0), 0.0);
    }
}
