//! An analog transmitter: lag, noise and resolution.

use crate::Draws;
use crate::digest::{Digest, put_f64};

/// What a transmitter does to the value it measures.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SensorSpec {
    /// First-order lag, s.
    pub lag_s: f64,
    /// Standard deviation of the noise, in the measured unit.
    pub noise_sd: f64,
    /// Resolution, in the measured unit; 0 for none.
    pub quantum: f64,
}

/// A transmitter that samples at the plant's sensor period and holds its reading in between.
///
/// Noise is drawn when it samples, never when it is read, so a second reader changes nothing.
#[derive(Clone, Debug, PartialEq)]
pub struct Sensor {
    spec: SensorSpec,
    filtered: f64,
    reading: f64,
}

impl Sensor {
    /// Makes a transmitter that shows `value`.
    #[must_use]
    pub fn new(spec: SensorSpec, value: f64) -> Self {
        Self {
            spec,
            filtered: value,
            reading: value,
        }
    }

    /// The held reading.
    #[must_use]
    pub fn reading(&self) -> f64 {
        self.reading
    }

    /// Takes a new sample, `period_s` after the last one.
    pub fn sample<D: Draws>(&mut self, value: f64, period_s: f64, draws: &mut D) {
        self.filtered += (value - self.filtered) * period_s / (self.spec.lag_s + period_s);
        let noisy = if self.spec.noise_sd > 0.0 {
            self.filtered + self.spec.noise_sd * draws.gaussian()
        } else {
            self.filtered
        };
        self.reading = if self.spec.quantum > 0.0 {
            (noisy / self.spec.quantum + 0.5).floor() * self.spec.quantum
        } else {
            noisy
        };
    }
}

impl Digest for Sensor {
    fn digest(&self, put: &mut dyn FnMut(&[u8])) {
        put_f64(put, self.filtered);
        put_f64(put, self.reading);
    }
}
