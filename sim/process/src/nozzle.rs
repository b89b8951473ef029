//! A fill nozzle: a valve with lag over a Torricelli outlet, and the drip after it closes.

use serde::Deserialize;

use crate::digest::{Digest, put_all, put_bool};

/// Geometry and lags of every nozzle of a filler.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NozzleConfig {
    /// Effective outlet area (discharge coefficient times area), m².
    pub effective_area_m2: f64,
    /// Outlet below the bowl floor, m.
    pub drop_m: f64,
    /// First-order lag of the opening valve, s; 0 opens at once.
    pub open_lag_s: f64,
    /// First-order lag of the closing valve, s; 0 closes at once.
    pub close_lag_s: f64,
    /// Mean volume that drips after closing, mL.
    pub drip_ml: f64,
    /// Standard deviation of the drip, mL.
    pub drip_sd_ml: f64,
    /// Standard deviation of the flow gain between nozzles, dimensionless.
    pub gain_sd: f64,
    /// Standard deviation of the flowmeters' scale, dimensionless.
    pub meter_sd: f64,
}

impl Default for NozzleConfig {
    fn default() -> Self {
        Self {
            effective_area_m2: 1.98e-5,
            drop_m: 0.60,
            open_lag_s: 0.060,
            close_lag_s: 0.080,
            drip_ml: 1.5,
            drip_sd_ml: 0.5,
            gain_sd: 0.005,
            meter_sd: 0.002,
        }
    }
}

/// What a nozzle asks of the bowl in one step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NozzleStep {
    /// Volume it would pass, m³.
    pub demand_m3: f64,
    /// The valve reached its seat in this step: the drip falls now.
    pub closed_now: bool,
}

/// One fill nozzle.
#[derive(Clone, Debug, PartialEq)]
pub struct Nozzle {
    gain: f64,
    meter_gain: f64,
    opening: f64,
    commanded: bool,
    metered_m3: f64,
}

/// Below this opening a closing valve is on its seat. The tail that is cut off passes less than 0.01 mL.
const SEATED_OPENING: f64 = 1e-3;

impl Nozzle {
    /// Makes a shut nozzle with its own flow gain and flowmeter scale (both about 1).
    #[must_use]
    pub fn new(gain: f64, meter_gain: f64) -> Self {
        Self {
            gain,
            meter_gain,
            opening: 0.0,
            commanded: false,
            metered_m3: 0.0,
        }
    }

    /// Valve opening, 0 shut to 1 open.
    #[must_use]
    pub fn opening(&self) -> f64 {
        self.opening
    }

    /// Whether the valve is shut and not asked to open.
    #[must_use]
    pub fn is_shut(&self) -> bool {
        self.opening == 0.0 && !self.commanded
    }

    /// What the flowmeter has totalled since the valve last opened, m³.
    #[must_use]
    pub fn metered_m3(&self) -> f64 {
        self.metered_m3 * self.meter_gain
    }

    /// Moves the valve for one step under `jet_m_per_s` of head and says what it would pass.
    ///
    /// `q = Cd·a · gain · opening · √(2·g·h)`; the opening follows the command with a first-order
    /// lag that differs between opening and closing.
    pub fn step(
        &mut self,
        config: &NozzleConfig,
        open: bool,
        jet_m_per_s: f64,
        step_s: f64,
    ) -> NozzleStep {
        if open && !self.commanded {
            self.metered_m3 = 0.0;
        }
        self.commanded = open;
        let before = self.opening;
        let (target, lag_s) = if open {
            (1.0, config.open_lag_s)
        } else {
            (0.0, config.close_lag_s)
        };
        if lag_s <= step_s {
            self.opening = target;
        } else {
            self.opening += (target - self.opening) * step_s / lag_s;
        }
        let closed_now = !open && before > 0.0 && self.opening < SEATED_OPENING;
        if closed_now {
            self.opening = 0.0;
        }
        // The valve passes what it let through at the start of the step, so a lag moves its full
        // time constant of flow and a lagless valve exactly its commanded time.
        let passing = if lag_s <= step_s {
            self.opening
        } else {
            before
        };
        let demand_m3 = config.effective_area_m2 * self.gain * passing * jet_m_per_s * step_s;
        NozzleStep {
            demand_m3,
            closed_now,
        }
    }

    /// Books what the bowl really gave, m³.
    pub fn meter(&mut self, passed_m3: f64) {
        self.metered_m3 += passed_m3;
    }
}

impl Digest for Nozzle {
    fn digest(&self, put: &mut dyn FnMut(&[u8])) {
        put_all(
            put,
            &[self.gain, self.meter_gain, self.opening, self.metered_m3],
        );
        put_bool(put, self.commanded);
    }
}
