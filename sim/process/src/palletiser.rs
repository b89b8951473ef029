//! A layer palletiser: row pusher, layer plate on a hoist, pallet conveyor.
//!
//! # Invariants
//!
//! - Cases are on the queue, the plate, the stack, shipped, or burst; nowhere else.
//! - Without safety enable nothing starts to move, and what moves brakes.

use std::collections::VecDeque;

use serde::Deserialize;

use crate::actuator::Cylinder;
use crate::digest::{Digest, put_all, put_f64, put_len, put_u64};
use crate::num;
use crate::packer::Case;

/// Cases in a row.
pub const ROW_CASES: u32 = 4;
/// Cases in a layer.
pub const LAYER_CASES: u32 = 16;

/// Data of the palletiser.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PalletiserConfig {
    /// Travel time of the row pusher out, s.
    pub row_out_s: f64,
    /// Travel time of the row pusher back, s.
    pub row_back_s: f64,
    /// Travel time of the layer plate, either way, s.
    pub plate_s: f64,
    /// Hoist stroke, m.
    pub stroke_m: f64,
    /// Hoist acceleration when it starts, m/s².
    pub acceleration_m_per_s2: f64,
    /// Hoist deceleration under the brake, m/s² (0.4 m/s in 0.15 s).
    pub brake_m_per_s2: f64,
    /// Height of a layer, m.
    pub layer_m: f64,
    /// Greatest height a layer may drop, m.
    pub drop_limit_m: f64,
    /// Time to repair a plate driven into the stack, s.
    pub collision_repair_s: f64,
    /// Conveyor time until the full pallet has left, s.
    pub pallet_out_s: f64,
    /// Conveyor time until an empty pallet stands in place, s.
    pub pallet_cycle_s: f64,
}

impl Default for PalletiserConfig {
    fn default() -> Self {
        Self {
            row_out_s: 2.0,
            row_back_s: 1.5,
            plate_s: 1.0,
            stroke_m: 1.5,
            acceleration_m_per_s2: 1.0,
            brake_m_per_s2: 0.4 / 0.15,
            layer_m: 0.23,
            drop_limit_m: 0.10,
            collision_repair_s: 600.0,
            pallet_out_s: 14.0,
            pallet_cycle_s: 20.0,
        }
    }
}

/// The commands of one step.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct PalletiserCommand {
    /// Row pusher out.
    pub row: bool,
    /// Hoist up.
    pub up: bool,
    /// Hoist down.
    pub down: bool,
    /// Hoist speed, m/s.
    pub speed_m_per_s: f64,
    /// Layer plate open.
    pub open_plate: bool,
    /// Pallet conveyor.
    pub convey: bool,
}

/// What one step did to the product.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct PalletiserStep {
    /// Cases that burst, and the liquid they held.
    pub burst: Option<Load>,
    /// The plate was driven into the stack.
    pub collided: bool,
    /// A pallet left with this load.
    pub shipped: Option<Load>,
}

/// Some cases and what they hold.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Load {
    /// Cases.
    pub cases: u32,
    /// Liquid in them, m³.
    pub volume_m3: f64,
}

impl Load {
    fn add(&mut self, other: Load) {
        self.cases += other.cases;
        self.volume_m3 += other.volume_m3;
    }

    fn take(&mut self) -> Load {
        core::mem::take(self)
    }
}

/// The palletiser.
#[derive(Clone, Debug)]
pub struct Palletiser {
    queue: VecDeque<Case>,
    row: Cylinder,
    plate: Cylinder,
    plate_load: Load,
    hoist_m: f64,
    hoist_m_per_s: f64,
    layers: u32,
    stack: Load,
    /// Running time of the present pallet change, s; 0 while a pallet stands in place.
    change_s: f64,
    conveying: bool,
}

/// How far the plate may press into the stack before the hoist trips, m.
const COLLISION_M: f64 = 0.02;

impl Palletiser {
    /// Makes an empty palletiser: hoist up, plate closed, an empty pallet in place.
    #[must_use]
    pub fn new(config: &PalletiserConfig) -> Self {
        Self {
            queue: VecDeque::with_capacity(32),
            row: Cylinder::new(config.row_out_s, config.row_back_s, 0.0),
            plate: Cylinder::new(config.plate_s, config.plate_s, 0.0),
            plate_load: Load::default(),
            hoist_m: config.stroke_m,
            hoist_m_per_s: 0.0,
            layers: 0,
            stack: Load::default(),
            change_s: 0.0,
            conveying: false,
        }
    }

    /// Cases waiting for the row pusher.
    #[must_use]
    pub fn queued(&self) -> usize {
        self.queue.len()
    }

    /// Whether a whole row waits.
    #[must_use]
    pub fn has_row(&self) -> bool {
        self.queue.len() >= ROW_CASES as usize
    }

    /// The row pusher.
    #[must_use]
    pub fn row(&self) -> &Cylinder {
        &self.row
    }

    /// The layer plate; extended is open.
    #[must_use]
    pub fn plate(&self) -> &Cylinder {
        &self.plate
    }

    /// Cases on the plate.
    #[must_use]
    pub fn plate_cases(&self) -> u32 {
        self.plate_load.cases
    }

    /// Height of the plate above the pallet deck, m.
    #[must_use]
    pub fn hoist_m(&self) -> f64 {
        self.hoist_m
    }

    /// Hoist speed, m/s; up is positive.
    #[must_use]
    pub fn hoist_m_per_s(&self) -> f64 {
        self.hoist_m_per_s
    }

    /// Height of the stack, m.
    #[must_use]
    pub fn stack_m(&self, config: &PalletiserConfig) -> f64 {
        f64::from(self.layers) * config.layer_m
    }

    /// Whether a pallet stands in place.
    #[must_use]
    pub fn has_pallet(&self) -> bool {
        self.change_s == 0.0
    }

    /// The muting sensors and the curtain as the leaving pallet passes them: (first, second, curtain).
    #[must_use]
    pub fn pallet_beams(&self) -> (bool, bool, bool) {
        let t = self.change_s;
        let is_loaded = self.stack.cases > 0;
        (
            is_loaded && t > 2.0 && t < 13.5,
            is_loaded && t > 4.0 && t < 13.5,
            is_loaded && t > 5.0 && t < 13.0,
        )
    }

    /// Whether anything that can hurt is moving.
    #[must_use]
    pub fn is_moving(&self) -> bool {
        self.row.is_moving()
            || self.plate.is_moving()
            || self.conveying
            || self.hoist_m_per_s != 0.0
    }

    /// Whether a motion that can crush a person is under way: the hoist coming down, the row pusher.
    #[must_use]
    pub fn can_crush(&self) -> bool {
        self.hoist_m_per_s < -0.05 || (self.row.is_moving() && !self.row.is_home())
    }

    /// All cases inside: queue, plate, stack.
    #[must_use]
    pub fn held(&self) -> Load {
        let mut held = Load::default();
        for case in &self.queue {
            held.add(Load {
                cases: 1,
                volume_m3: case.volume_m3,
            });
        }
        held.add(self.plate_load);
        held.add(self.stack);
        held
    }

    /// Takes a case from the packer.
    pub fn accept(&mut self, case: Case) {
        self.queue.push_back(case);
    }

    /// Advances one step.
    ///
    /// # Arguments
    ///
    /// * `able`: the machine itself has no fault.
    /// * `enabled`: the safety relay gives torque.
    pub fn step(
        &mut self,
        config: &PalletiserConfig,
        command: &PalletiserCommand,
        able: bool,
        enabled: bool,
        step_s: f64,
    ) -> PalletiserStep {
        let mut done = PalletiserStep::default();
        let live = able && enabled;
        self.step_row(config, command.row, live, step_s);
        self.step_plate(config, command.open_plate, live, step_s, &mut done);
        self.step_hoist(config, command, live, step_s, &mut done);
        self.step_pallet(config, command.convey && live, step_s, &mut done);
        done
    }

    fn step_row(&mut self, config: &PalletiserConfig, extend: bool, live: bool, step_s: f64) {
        // Mechanical interlock: a row can only slide onto a closed plate at the top.
        let fits = self.plate_load.cases + ROW_CASES <= LAYER_CASES;
        let may_start = self.has_row() && fits && self.plate.is_home() && self.is_at_top(config);
        let allowed = !extend || may_start || self.row.position() > 0.0;
        if self.row.step(extend, live && allowed, step_s) && extend {
            for _ in 0..ROW_CASES {
                if let Some(case) = self.queue.pop_front() {
                    self.plate_load.add(Load {
                        cases: 1,
                        volume_m3: case.volume_m3,
                    });
                }
            }
        }
    }

    fn is_at_top(&self, config: &PalletiserConfig) -> bool {
        self.hoist_m >= config.stroke_m - 0.01
    }

    fn step_plate(
        &mut self,
        config: &PalletiserConfig,
        open: bool,
        live: bool,
        step_s: f64,
        done: &mut PalletiserStep,
    ) {
        // An open plate cannot close inside the layer it has just set down.
        let is_clear = self.hoist_m >= self.stack_m(config) - 0.005;
        if self.plate.step(open, live && (open || is_clear), step_s) && open {
            self.drop_layer(config, done);
        }
    }

    fn drop_layer(&mut self, config: &PalletiserConfig, done: &mut PalletiserStep) {
        if self.plate_load.cases == 0 {
            return;
        }
        let load = self.plate_load.take();
        let drop_m = self.hoist_m - self.stack_m(config);
        if drop_m > config.drop_limit_m || !self.has_pallet() {
            done.burst = Some(load);
        } else {
            self.stack.add(load);
            self.layers += 1;
        }
    }

    fn step_hoist(
        &mut self,
        config: &PalletiserConfig,
        command: &PalletiserCommand,
        live: bool,
        step_s: f64,
        done: &mut PalletiserStep,
    ) {
        let direction = num::bit(command.up) - num::bit(command.down);
        let target = if live {
            direction * command.speed_m_per_s
        } else {
            0.0
        };
        if target == 0.0 && self.hoist_m_per_s == 0.0 {
            return;
        }
        let rate = if target == 0.0 {
            config.brake_m_per_s2
        } else {
            config.acceleration_m_per_s2
        };
        self.hoist_m_per_s = num::approach(self.hoist_m_per_s, target, rate * step_s);
        self.hoist_m += self.hoist_m_per_s * step_s;
        if self.hoist_m <= 0.0 || self.hoist_m >= config.stroke_m {
            self.hoist_m = num::clamp(self.hoist_m, 0.0, config.stroke_m);
            self.hoist_m_per_s = 0.0;
        }
        let hits = self.hoist_m < self.stack_m(config) - COLLISION_M;
        if hits && self.hoist_m_per_s < 0.0 && !self.plate.is_extended() {
            self.hoist_m = self.stack_m(config) - COLLISION_M;
            self.hoist_m_per_s = 0.0;
            done.collided = true;
        }
    }

    fn step_pallet(
        &mut self,
        config: &PalletiserConfig,
        convey: bool,
        step_s: f64,
        done: &mut PalletiserStep,
    ) {
        self.conveying = convey;
        if !convey {
            return;
        }
        let before_s = self.change_s;
        self.change_s += step_s;
        if before_s < config.pallet_out_s && self.change_s >= config.pallet_out_s {
            self.layers = 0;
            let load = self.stack.take();
            if load.cases > 0 {
                done.shipped = Some(load);
            }
        }
        if self.change_s >= config.pallet_cycle_s {
            self.change_s = 0.0;
        }
    }
}

impl Digest for Palletiser {
    fn digest(&self, put: &mut dyn FnMut(&[u8])) {
        put_len(put, self.queue.len());
        for case in &self.queue {
            put_f64(put, case.volume_m3);
        }
        self.row.digest(put);
        self.plate.digest(put);
        for load in [self.plate_load, self.stack] {
            put_u64(put, u64::from(load.cases));
            put_f64(put, load.volume_m3);
        }
        put_u64(put, u64::from(self.layers));
        put_all(put, &[self.hoist_m, self.hoist_m_per_s, self.change_s]);
        put(&[u8::from(self.conveying)]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STEP_S: f64 = 0.01;

    /// A palletiser with a full layer on the plate.
    fn loaded(config: &PalletiserConfig) -> Palletiser {
        let mut palletiser = Palletiser::new(config);
        for _ in 0..LAYER_CASES {
            palletiser.accept(Case { volume_m3: 0.006 });
        }
        for _ in 0..4 {
            for row in [true, false] {
                run(
                    &mut palletiser,
                    config,
                    PalletiserCommand {
                        row,
                        ..Default::default()
                    },
                    250,
                );
            }
        }
        assert_eq!(palletiser.plate_cases(), LAYER_CASES);
        palletiser
    }

    /// Runs one command and returns everything that was done.
    fn run(
        palletiser: &mut Palletiser,
        config: &PalletiserConfig,
        command: PalletiserCommand,
        steps: u32,
    ) -> PalletiserStep {
        let mut all = PalletiserStep::default();
        for _ in 0..steps {
            let done = palletiser.step(config, &command, true, true, STEP_S);
            all.burst = all.burst.or(done.burst);
            all.shipped = all.shipped.or(done.shipped);
            all.collided |= done.collided;
        }
        all
    }

    fn down() -> PalletiserCommand {
        PalletiserCommand {
            down: true,
            speed_m_per_s: 0.4,
            ..Default::default()
        }
    }

    #[test]
    fn layer_when_set_down_near_the_stack_then_stands_else_bursts() {
        let config = PalletiserConfig::default();
        for (down_steps, expect_burst) in [(380, false), (100, true)] {
            let mut palletiser = loaded(&config);
            run(&mut palletiser, &config, down(), down_steps);
            let open = PalletiserCommand {
                open_plate: true,
                ..Default::default()
            };
            let done = run(&mut palletiser, &config, open, 150);
            assert_eq!(
                done.burst.is_some(),
                expect_burst,
                "{} m",
                palletiser.hoist_m()
            );
            let expect_m = if expect_burst { 0.0 } else { config.layer_m };
            assert_eq!(palletiser.stack_m(&config), expect_m);
            assert_eq!(
                palletiser.held().cases,
                if expect_burst { 0 } else { LAYER_CASES }
            );
        }
    }

    #[test]
    fn plate_when_driven_into_the_stack_then_collides() {
        let config = PalletiserConfig::default();
        let mut palletiser = loaded(&config);
        run(&mut palletiser, &config, down(), 380);
        let open = PalletiserCommand {
            open_plate: true,
            ..Default::default()
        };
        run(&mut palletiser, &config, open, 150);
        let up = PalletiserCommand {
            up: true,
            down: false,
            open_plate: true,
            ..down()
        };
        run(&mut palletiser, &config, up, 400);
        run(&mut palletiser, &config, PalletiserCommand::default(), 150);
        assert!(palletiser.plate().is_home());
        assert!(run(&mut palletiser, &config, down(), 400).collided);
    }

    #[test]
    fn pallet_when_conveyed_then_ships_its_load_and_an_empty_one_follows() {
        let config = PalletiserConfig::default();
        let mut palletiser = loaded(&config);
        run(&mut palletiser, &config, down(), 380);
        let open = PalletiserCommand {
            open_plate: true,
            ..Default::default()
        };
        run(&mut palletiser, &config, open, 150);
        let convey = PalletiserCommand {
            convey: true,
            ..Default::default()
        };
        let done = run(&mut palletiser, &config, convey, 1500);
        assert_eq!(done.shipped.map(|load| load.cases), Some(LAYER_CASES));
        assert!(!palletiser.has_pallet());
        run(&mut palletiser, &config, convey, 501);
        assert_eq!(palletiser.stack_m(&config), 0.0);
    }
}
