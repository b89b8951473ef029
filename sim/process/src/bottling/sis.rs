//! The line's safety instrumented system in the field: three level transmitters and a shut-off valve at the
//! supply bowl (SIF-1), a temperature sensor and a contactor at motor M2 (SIF-2), and the key for maintenance.
//!
//! Nothing in here decides: a safety controller reads the transmitters and drives valve and contactor. In a
//! plant without one, both stay in their running position.

use crate::Draws;
use crate::digest::{Digest, put_bool};
use crate::instrumented::{Demands, FinalElement, SifSpec, SifState, SisConfig, Transmitter};
use crate::sensor::SensorSpec;

/// Band below the trip point of the level in which a demand still stands, m: more than a filler's draw
/// makes in one batch.
const LEVEL_BAND_M: f64 = 0.02;

/// The same for the winding, K.
const WINDING_BAND_K: f64 = 10.0;

/// What the devices see in one step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct SisInputs {
    pub(super) level_m: f64,
    pub(super) winding_c: f64,
    /// Commands: the valve's solenoid, and the contactor's coil, have voltage.
    pub(super) valve: bool,
    pub(super) contactor: bool,
}

/// The devices, with their streams, and what the two functions were asked and did.
#[derive(Clone, Debug)]
pub(super) struct Sis<D: Draws> {
    /// LT21A, LT21B, LT21C.
    pub(super) levels: [Transmitter; 3],
    /// TS22.
    pub(super) winding: Transmitter,
    /// XV20.
    pub(super) valve: FinalElement,
    /// K22.
    pub(super) contactor: FinalElement,
    /// HS20 is turned: bypasses and tests are allowed.
    pub(super) key: bool,
    pub(super) level_demands: Demands,
    pub(super) winding_demands: Demands,
    level_sif: SifSpec,
    winding_sif: SifSpec,
    /// One stream per device: LT21A..C, TS22, XV20, K22.
    streams: [D; 6],
}

impl<D: Draws> Sis<D> {
    pub(super) fn new(
        config: &SisConfig,
        level_m: f64,
        winding_c: f64,
        mut stream: impl FnMut(&str) -> D,
    ) -> Self {
        let mut streams = [
            stream("sis/lt21a"),
            stream("sis/lt21b"),
            stream("sis/lt21c"),
            stream("sis/ts22"),
            stream("sis/xv20"),
            stream("sis/k22"),
        ];
        let level = SensorSpec {
            lag_s: 0.2,
            noise_sd: 0.001,
            quantum: 0.0001,
        };
        let winding = SensorSpec {
            lag_s: 2.0,
            noise_sd: 0.1,
            quantum: 0.1,
        };
        let mtbf_s = config.transmitter_mtbf_s;
        let element_s = config.element_mtbf_s;
        Self {
            levels: core::array::from_fn(|index| {
                Transmitter::new(level, level_m, mtbf_s, &mut streams[index])
            }),
            winding: Transmitter::new(winding, winding_c, mtbf_s, &mut streams[3]),
            valve: FinalElement::new(
                config.valve_close_s,
                config.valve_open_s,
                element_s,
                &mut streams[4],
            ),
            contactor: FinalElement::new(
                config.contactor_s,
                config.contactor_s,
                element_s,
                &mut streams[5],
            ),
            key: false,
            level_demands: Demands::default(),
            winding_demands: Demands::default(),
            level_sif: SifSpec {
                trip: config.level_trip_m,
                accuracy: config.level_accuracy_m,
                band: LEVEL_BAND_M,
                response_s: config.response_s,
            },
            winding_sif: SifSpec {
                trip: config.winding_trip_c,
                accuracy: config.winding_accuracy_k,
                band: WINDING_BAND_K,
                response_s: config.response_s,
            },
            streams,
        }
    }

    /// Moves valve and contactor, before liquid and motors move.
    pub(super) fn step_elements(&mut self, inputs: &SisInputs, step_s: f64) {
        self.valve.step(inputs.valve, step_s);
        self.contactor.step(inputs.contactor, step_s);
    }

    /// Counts, after everything has moved.
    pub(super) fn step_demands(&mut self, inputs: &SisInputs, step_s: f64) {
        let level = SifState {
            value: inputs.level_m,
            energised: inputs.valve,
            is_safe: self.valve.is_safe(),
            in_maintenance: self.key,
        };
        self.level_demands.step(&self.level_sif, &level, step_s);
        let winding = SifState {
            value: inputs.winding_c,
            energised: inputs.contactor,
            is_safe: self.contactor.is_safe(),
            in_maintenance: self.key,
        };
        self.winding_demands
            .step(&self.winding_sif, &winding, step_s);
    }

    /// Samples the transmitters.
    pub(super) fn sample(&mut self, inputs: &SisInputs, period_s: f64) {
        for (level, draws) in self.levels.iter_mut().zip(&mut self.streams) {
            level.sample(inputs.level_m, period_s, draws);
        }
        self.winding
            .sample(inputs.winding_c, period_s, &mut self.streams[3]);
    }

    /// An instrument technician checks all devices, and mends what has failed.
    pub(super) fn mend(&mut self) {
        for (level, draws) in self.levels.iter_mut().zip(&mut self.streams) {
            level.mend(draws);
        }
        self.winding.mend(&mut self.streams[3]);
        self.valve.mend(&mut self.streams[4]);
        self.contactor.mend(&mut self.streams[5]);
    }

    /// How many devices have failed, seen or unseen.
    pub(super) fn failed(&self) -> usize {
        let transmitters = self.levels.iter().chain([&self.winding]);
        let elements = [&self.valve, &self.contactor];
        transmitters.filter(|device| device.has_failed()).count()
            + elements
                .into_iter()
                .filter(|element| element.has_stuck())
                .count()
    }
}

impl<D: Draws> Digest for Sis<D> {
    fn digest(&self, put: &mut dyn FnMut(&[u8])) {
        for level in &self.levels {
            level.digest(put);
        }
        self.winding.digest(put);
        self.valve.digest(put);
        self.contactor.digest(put);
        put_bool(put, self.key);
        self.level_demands.digest(put);
        self.winding_demands.digest(put);
    }
}
