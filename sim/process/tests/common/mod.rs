//! What all tests of the line share: random draws, the reference controller, the repair crew.

#![allow(
    dead_code,
    unreachable_pub,
    reason = "each test binary uses its own part of this module"
)]

pub mod controller;

use sim_process::Draws;
use sim_process::bottling::{BottlingConfig, BottlingLine, Machine, PersonAct, point};
use sim_process::point::PointId;

use controller::Controller;

/// The process step, s.
pub const STEP_S: f64 = 0.01;

/// SplitMix64 (Steele, Lea, Flood, 2014), seeded from a number and a name by FNV-1a.
#[derive(Clone, Debug)]
pub struct TestDraws(u64);

impl TestDraws {
    pub fn new(seed: u64, name: &str) -> Self {
        let mut hash = 0xcbf2_9ce4_8422_2325 ^ seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        for byte in name.bytes() {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
        Self(hash)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

impl Draws for TestDraws {
    fn uniform(&mut self) -> f64 {
        (self.next() >> 11) as f64 / 9_007_199_254_740_992.0
    }

    fn gaussian(&mut self) -> f64 {
        // Box-Muller, one of the pair; 1 - u keeps the logarithm finite.
        let radius = (-2.0 * libm::log(1.0 - self.uniform())).sqrt();
        radius * libm::cos(core::f64::consts::TAU * self.uniform())
    }

    fn exponential(&mut self, mean: f64) -> f64 {
        -mean * libm::log(1.0 - self.uniform())
    }

    fn lognormal(&mut self, median: f64, sigma: f64) -> f64 {
        median * libm::exp(sigma * self.gaussian())
    }
}

/// A point of the line by name.
pub fn id(name: &str) -> PointId {
    point(name).unwrap_or_else(|| panic!("no point {name}"))
}

/// Nothing random about the product, and no natural stops.
pub fn calm() -> BottlingConfig {
    let mut config = BottlingConfig::default();
    config.stoppages.enabled = false;
    config
}

/// Time from a fault until the crew begins to repair it, s: what an operator needs on average.
const REACTION_S: f64 = 20.0;

/// A line with its reference controller and a crew that begins every repair after the same time and
/// needs exactly the drawn time for it.
#[derive(Clone)]
pub struct Plant {
    pub line: BottlingLine<TestDraws>,
    pub controller: Controller,
    pub crew: bool,
    working_s: [f64; 6],
    hopper: PointId,
    pub now_s: f64,
}

impl Plant {
    pub fn new(config: &BottlingConfig, seed: u64) -> Self {
        let line = BottlingLine::new(config, |name| TestDraws::new(seed, name))
            .expect("the configuration is valid");
        Self {
            line,
            controller: Controller::new(),
            crew: true,
            working_s: [0.0; 6],
            hopper: id("LS31"),
            now_s: 0.0,
        }
    }

    pub fn step(&mut self) {
        self.controller.scan(&mut self.line, STEP_S);
        self.line.step(STEP_S);
        self.now_s += STEP_S;
        if self.crew {
            self.repair();
        }
    }

    fn repair(&mut self) {
        for (index, machine) in Machine::ALL.into_iter().enumerate() {
            let Some(repair_s) = self.line.repair_s(machine) else {
                self.working_s[index] = 0.0;
                continue;
            };
            self.working_s[index] += STEP_S;
            if self.working_s[index] >= REACTION_S + repair_s {
                self.line.person(PersonAct::Clear(machine));
            }
        }
        if self.line.sense(self.hopper) == 0.0 {
            self.line.person(PersonAct::RefillCaps);
        }
    }

    pub fn run_s(&mut self, seconds: f64) {
        self.run_watching_s(seconds, |_| {});
    }

    /// Runs and lets `watch` look (and act) after every step.
    pub fn run_watching_s(&mut self, seconds: f64, mut watch: impl FnMut(&mut Self)) {
        let end_s = self.now_s + seconds - STEP_S / 2.0;
        while self.now_s < end_s {
            self.step();
            watch(self);
        }
    }

    pub fn sense(&self, name: &str) -> f64 {
        self.line.sense(id(name))
    }

    pub fn drive(&mut self, name: &str, value: f64) {
        self.line.drive(id(name), value);
    }
}
