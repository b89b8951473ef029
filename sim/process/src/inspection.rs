//! The inspection: fill level camera, cap camera, checkweigher, torque record.

use serde::Deserialize;

use crate::Draws;
use crate::bottle::{Bottle, Cap, RejectClass};
use crate::digest::{Digest, put_all, put_bool};

/// Accuracy of the instruments, and the limits that tell a good bottle from a bad one.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct InspectionConfig {
    /// Standard deviation of the level camera, mL.
    pub level_sd_ml: f64,
    /// Standard deviation of the checkweigher, g.
    pub weight_sd_g: f64,
    /// Tolerable lower limit of the content, mL (EU 76/211: 500 mL less 15 mL).
    pub lower_limit_ml: f64,
    /// Upper limit of the content, mL.
    pub upper_limit_ml: f64,
    /// Content below which no bottle may be sold, mL (twice the tolerable error).
    pub absolute_limit_ml: f64,
    /// Product density, g/mL.
    pub density_g_per_ml: f64,
    /// Weight window, below, g.
    pub lower_weight_g: f64,
    /// Weight window, above, g.
    pub upper_weight_g: f64,
}

impl Default for InspectionConfig {
    fn default() -> Self {
        Self {
            level_sd_ml: 1.5,
            weight_sd_g: 2.0,
            lower_limit_ml: 485.0,
            upper_limit_ml: 525.0,
            absolute_limit_ml: 470.0,
            density_g_per_ml: 1.0,
            lower_weight_g: 483.0,
            upper_weight_g: 530.0,
        }
    }
}

/// What the station shows of the last bottle that passed.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Reading {
    /// Fill level as a volume, mL.
    pub level_ml: f64,
    /// Net weight, g.
    pub weight_g: f64,
    /// A cap is there.
    pub cap_present: bool,
    /// It sits askew.
    pub cap_skewed: bool,
    /// Torque the capper recorded for this bottle, N·m.
    pub torque_n_m: f64,
    /// Belt encoder when the bottle broke the beam, m.
    pub encoder_m: f64,
}

/// The inspection station.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Inspection {
    reading: Reading,
}

impl Inspection {
    /// The held reading.
    #[must_use]
    pub fn reading(&self) -> &Reading {
        &self.reading
    }

    /// Measures one bottle and holds the result; returns the class it would be rejected for.
    pub fn measure<D: Draws>(
        &mut self,
        config: &InspectionConfig,
        bottle: &Bottle,
        torque_limits_n_m: (f64, f64),
        encoder_m: f64,
        draws: &mut D,
    ) -> Option<RejectClass> {
        let content_ml = 1e6 * bottle.volume_m3;
        self.reading = Reading {
            level_ml: content_ml + config.level_sd_ml * draws.gaussian(),
            weight_g: content_ml * config.density_g_per_ml + config.weight_sd_g * draws.gaussian(),
            cap_present: bottle.cap != Cap::None,
            cap_skewed: bottle.cap == Cap::Cocked,
            torque_n_m: bottle.torque_n_m,
            encoder_m,
        };
        self.verdict(config, torque_limits_n_m)
    }

    fn verdict(&self, config: &InspectionConfig, torque_n_m: (f64, f64)) -> Option<RejectClass> {
        let reading = &self.reading;
        if reading.level_ml < config.lower_limit_ml {
            Some(RejectClass::Underfill)
        } else if reading.level_ml > config.upper_limit_ml {
            Some(RejectClass::Overfill)
        } else if !reading.cap_present || reading.cap_skewed {
            Some(RejectClass::Cap)
        } else if reading.torque_n_m < torque_n_m.0 || reading.torque_n_m > torque_n_m.1 {
            Some(RejectClass::Torque)
        } else if reading.weight_g < config.lower_weight_g
            || reading.weight_g > config.upper_weight_g
        {
            Some(RejectClass::Weight)
        } else {
            None
        }
    }
}

impl Digest for Inspection {
    fn digest(&self, put: &mut dyn FnMut(&[u8])) {
        let reading = &self.reading;
        put_all(
            put,
            &[
                reading.level_ml,
                reading.weight_g,
                reading.torque_n_m,
                reading.encoder_m,
            ],
        );
        put_bool(put, reading.cap_present);
        put_bool(put, reading.cap_skewed);
    }
}
