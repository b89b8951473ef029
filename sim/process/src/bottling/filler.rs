//! The filler: bowl, inlet valve, twelve nozzles on a bar, two gates.
//!
//! # Invariants
//!
//! - Liquid that left the bowl is in a bottle or on the floor: `dispensed = caught + spilled`.
//! - Nozzle `k` (from 0) stands over `ENTRY_X_M + (k + 1) · pitch`; nozzle 11 is at the exit gate.

use crate::actuator::{Cylinder, RateValve};
use crate::belt::Belt;
use crate::digest::{Digest, put_all, put_f64, put_u64};
use crate::nozzle::Nozzle;
use crate::num;
use crate::tank::Tank;
use crate::{Draws, bottling::config::BottlingConfig};

use super::{GATE_ENTRY_X_M, GATE_EXIT_X_M, NOZZLE_PITCH_M, NOZZLES};

/// What the controller asks of the filler.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct FillerCommand {
    pub(super) close_exit: bool,
    pub(super) close_entry: bool,
    pub(super) dive: bool,
    pub(super) nozzles: [bool; NOZZLES],
    /// 0 shut to 1 open.
    pub(super) inlet: f64,
    /// Position of the shut-off valve in front of the inlet valve, 0 shut to 1 open.
    pub(super) shut_off: f64,
}

/// Events of the mechanics that act on the belt.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct FillerEvents {
    pub(super) exit_closed: bool,
    pub(super) entry_closed: bool,
    pub(super) bar_down: bool,
}

#[derive(Clone, Debug)]
pub(super) struct Filler {
    pub(super) bowl: Tank,
    pub(super) inlet: RateValve,
    pub(super) nozzles: [Nozzle; NOZZLES],
    pub(super) bar: Cylinder,
    pub(super) exit_gate: Cylinder,
    pub(super) entry_gate: Cylinder,
    pub(super) inlet_m3_per_s: f64,
    pub(super) inlet_m3: f64,
    pub(super) dispensed_m3: f64,
    pub(super) spilled_m3: f64,
    pub(super) film_m3: f64,
    /// The hand valve in front of the inlet valve is shut.
    pub(super) supply_shut: bool,
    start_m3: f64,
    /// Bottle under each nozzle, as an index on the belt; valid while nothing moved.
    targets: [Option<usize>; NOZZLES],
    targets_stale: bool,
    /// Bottles (by id, 0 for none) whose necks hold a lowered nozzle.
    engaged: [u32; NOZZLES],
    any_open: bool,
}

/// Where nozzle `index` (from 0) stands, m.
pub(super) fn nozzle_x_m(index: usize) -> f64 {
    let behind_exit = super::small_f64(NOZZLES - 1 - index);
    GATE_EXIT_X_M - NOZZLE_PITCH_M * behind_exit
}

impl Filler {
    pub(super) fn new<D: Draws>(config: &BottlingConfig, draws: &mut D) -> Self {
        let bowl = Tank::new(
            config.bowl.area_m2,
            config.bowl.overflow_level_m,
            config.bowl.start_level_m,
        );
        let nozzles = core::array::from_fn(|_| {
            let gain = 1.0 + config.nozzle.gain_sd * draws.gaussian();
            let meter_gain = 1.0 + config.nozzle.meter_sd * draws.gaussian();
            Nozzle::new(gain, meter_gain)
        });
        let gate = Cylinder::new(config.filler.gate_s, config.filler.gate_s, 1.0);
        Self {
            start_m3: bowl.volume_m3(),
            bowl,
            inlet: RateValve::new(config.bowl.valve_rate_per_s),
            nozzles,
            bar: Cylinder::new(config.filler.dive_s, config.filler.dive_s, 0.0),
            exit_gate: gate.clone(),
            entry_gate: gate,
            inlet_m3_per_s: 0.0,
            inlet_m3: 0.0,
            dispensed_m3: 0.0,
            spilled_m3: 0.0,
            film_m3: 0.0,
            supply_shut: false,
            targets: [None; NOZZLES],
            targets_stale: true,
            engaged: [0; NOZZLES],
            any_open: false,
        }
    }

    /// Whether any nozzle passes liquid or is told to.
    pub(super) fn is_pouring(&self) -> bool {
        self.any_open
    }

    pub(super) fn is_moving(&self) -> bool {
        self.bar.is_moving() || self.exit_gate.is_moving() || self.entry_gate.is_moving()
    }

    /// The belt below changed: look for the bottles under the nozzles again.
    pub(super) fn invalidate_targets(&mut self) {
        self.targets_stale = true;
    }

    /// Moves gates and bar. A stopped filler has no air on them.
    pub(super) fn step_mechanics(
        &mut self,
        command: &FillerCommand,
        able: bool,
        step_s: f64,
    ) -> FillerEvents {
        let exit = self.exit_gate.step(command.close_exit, able, step_s);
        let entry = self.entry_gate.step(command.close_entry, able, step_s);
        let bar = self.bar.step(command.dive, able, step_s);
        FillerEvents {
            exit_closed: exit && command.close_exit,
            entry_closed: entry && command.close_entry,
            bar_down: bar && command.dive,
        }
    }

    /// Lets liquid into the bowl and out of the nozzles.
    pub(super) fn step_liquid<D: Draws>(
        &mut self,
        config: &BottlingConfig,
        command: &FillerCommand,
        belt: &mut Belt,
        draws: &mut D,
        step_s: f64,
    ) {
        let opening = self.inlet.step(command.inlet, step_s);
        self.inlet_m3_per_s = if self.supply_shut {
            0.0
        } else {
            opening * command.shut_off * config.bowl.inlet_l_per_s / 1000.0
        };
        let inlet_m3 = self.inlet_m3_per_s * step_s;
        self.inlet_m3 += inlet_m3;
        let overflow_m3 = self.bowl.fill(inlet_m3);
        self.wet_floor(config, overflow_m3);
        if self.film_m3 > 0.0 {
            let drained_m3 = config.filler.floor_drain_l_per_s / 1000.0 * step_s;
            self.film_m3 = num::approach(self.film_m3, 0.0, drained_m3);
        }
        let is_asked = command.nozzles.iter().any(|&open| open);
        if is_asked || self.any_open {
            self.pour(config, &command.nozzles, belt, draws, step_s);
        }
    }

    fn pour<D: Draws>(
        &mut self,
        config: &BottlingConfig,
        open: &[bool; NOZZLES],
        belt: &mut Belt,
        draws: &mut D,
        step_s: f64,
    ) {
        if self.targets_stale {
            self.find_targets(config, belt);
        }
        let jet_m_per_s = self.bowl.jet_m_per_s(config.nozzle.drop_m);
        let mut wanted_m3 = [0.0; NOZZLES];
        let mut demand_m3 = 0.0;
        for (index, nozzle) in self.nozzles.iter_mut().enumerate() {
            let step = nozzle.step(&config.nozzle, open[index], jet_m_per_s, step_s);
            wanted_m3[index] = step.demand_m3;
            if step.closed_now {
                let drip_ml = config.nozzle.drip_ml + config.nozzle.drip_sd_ml * draws.gaussian();
                wanted_m3[index] += 1e-6 * num::higher(drip_ml, 0.0);
            }
            demand_m3 += wanted_m3[index];
        }
        let drawn_m3 = self.bowl.draw(demand_m3);
        // An empty bowl shares what it has among the nozzles.
        let share = if drawn_m3 < demand_m3 {
            drawn_m3 / demand_m3
        } else {
            1.0
        };
        for (index, &wanted_m3) in wanted_m3.iter().enumerate() {
            if wanted_m3 > 0.0 {
                self.catch(config, index, wanted_m3 * share, belt);
            }
        }
        self.any_open = self.nozzles.iter().any(|nozzle| !nozzle.is_shut());
    }

    /// Sends the jet of one nozzle into the bottle below, or past it onto the belt.
    fn catch(&mut self, config: &BottlingConfig, index: usize, jet_m3: f64, belt: &mut Belt) {
        self.nozzles[index].meter(jet_m3);
        self.dispensed_m3 += jet_m3;
        let Some(target) = self.targets[index] else {
            self.spill(config, jet_m3);
            return;
        };
        let splash_m3 = if self.bar.position() < 0.9 {
            jet_m3 * config.filler.splash_share
        } else {
            0.0
        };
        let bottle = belt.bottle_mut(target);
        let brim_m3 = 1e-6 * config.filler.brim_ml;
        let poured_m3 = bottle.volume_m3 + (jet_m3 - splash_m3);
        bottle.volume_m3 = num::lower(poured_m3, brim_m3);
        // From what is above the brim and not from what was caught, so that nothing is exactly nothing.
        self.spill(config, splash_m3 + num::higher(poured_m3 - brim_m3, 0.0));
    }

    /// Books liquid that has missed its bottle.
    pub(super) fn spill(&mut self, config: &BottlingConfig, spilled_m3: f64) {
        self.spilled_m3 += spilled_m3;
        self.wet_floor(config, spilled_m3);
    }

    /// Spreads liquid on the belt and the floor; what they cannot hold runs into the gully. What has
    /// run over the edge of the bowl comes here too, and stands in the bowl's own balance.
    fn wet_floor(&mut self, config: &BottlingConfig, spilled_m3: f64) {
        let capacity_m3 = config.filler.film_capacity_l / 1000.0;
        self.film_m3 = num::lower(self.film_m3 + spilled_m3, capacity_m3);
    }

    fn find_targets(&mut self, config: &BottlingConfig, belt: &Belt) {
        for index in 0..NOZZLES {
            self.targets[index] = self.bottle_under(config, index, belt);
        }
        self.targets_stale = false;
    }

    /// The bottle under a nozzle, from the last search if nothing has moved since.
    pub(super) fn target(
        &self,
        config: &BottlingConfig,
        index: usize,
        belt: &Belt,
    ) -> Option<usize> {
        if self.targets_stale {
            self.bottle_under(config, index, belt)
        } else {
            self.targets[index]
        }
    }

    /// The standing bottle whose neck is under a nozzle.
    fn bottle_under(&self, config: &BottlingConfig, index: usize, belt: &Belt) -> Option<usize> {
        let found = belt.nearest(nozzle_x_m(index), config.filler.catch_m)?;
        let bottle = &belt.bottles()[found];
        (!bottle.fallen && !bottle.broken).then_some(found)
    }

    /// The bar has come down: which necks hold a nozzle now. True if it came down on a fallen bottle.
    pub(super) fn engage(&mut self, config: &BottlingConfig, belt: &Belt) -> bool {
        for index in 0..NOZZLES {
            let under = self.bottle_under(config, index, belt);
            self.engaged[index] = under.map_or(0, |found| belt.bottles()[found].id);
        }
        let field_m = nozzle_x_m(0) - NOZZLE_PITCH_M..nozzle_x_m(NOZZLES - 1) + NOZZLE_PITCH_M;
        belt.bottles()
            .iter()
            .any(|bottle| bottle.fallen && field_m.contains(&bottle.x_m))
    }

    /// Knocks over the bottles that were dragged sideways under a lowered nozzle; returns how many.
    pub(super) fn knock_over(&mut self, config: &BottlingConfig, belt: &mut Belt) -> u32 {
        if self.bar.position() < 0.6 {
            self.engaged = [0; NOZZLES];
            return 0;
        }
        let mut knocked = 0;
        for index in 0..NOZZLES {
            let id = self.engaged[index];
            if id == 0 {
                continue;
            }
            let found = belt.bottles().iter().position(|bottle| bottle.id == id);
            let Some(found) = found else {
                self.engaged[index] = 0;
                continue;
            };
            let moved_m = (belt.bottles()[found].x_m - nozzle_x_m(index)).abs();
            if moved_m > config.filler.knock_m {
                self.engaged[index] = 0;
                if !belt.bottles()[found].fallen {
                    belt.lay(found);
                    knocked += 1;
                }
            }
        }
        knocked
    }

    /// Whether a gate that has just closed at `stop_m` caught a bottle: its pitch error, m.
    pub(super) fn pinch(config: &BottlingConfig, stop_m: f64, belt: &Belt) -> Option<(usize, f64)> {
        let middle_m = stop_m + NOZZLE_PITCH_M / 2.0;
        let found = belt.nearest(middle_m, NOZZLE_PITCH_M / 2.0)?;
        let x_m = belt.bottles()[found].x_m;
        let error_m = num::lower(x_m - stop_m, stop_m + NOZZLE_PITCH_M - x_m);
        (error_m > config.filler.pinch_free_m).then_some((found, error_m))
    }

    /// Checks the bowl's balance and that what left it was caught or spilled; `caught_m3` is what
    /// all bottles that ever were hold or held.
    pub(super) fn conservation(&self, caught_m3: f64) -> Result<(), String> {
        let bowl_m3 = self.start_m3 + self.inlet_m3 - self.bowl.overflowed_m3() - self.dispensed_m3;
        check_close(
            "bowl",
            self.bowl.volume_m3(),
            bowl_m3,
            self.start_m3 + self.inlet_m3,
        )?;
        let liquid_m3 = caught_m3 + self.spilled_m3;
        check_close(
            "dispensed liquid",
            liquid_m3,
            self.dispensed_m3,
            self.start_m3 + self.inlet_m3,
        )
    }
}

/// Two ways to the same volume must agree to 1e-9 of all the liquid there was.
fn check_close(what: &str, a_m3: f64, b_m3: f64, scale_m3: f64) -> Result<(), String> {
    if (a_m3 - b_m3).abs() <= 1e-9 * num::higher(scale_m3, 1e-3) {
        Ok(())
    } else {
        Err(format!("{what}: {a_m3} m³ found, {b_m3} m³ expected"))
    }
}

/// The gates' stop positions, for the pinch check.
pub(super) const GATE_STOPS_M: [f64; 2] = [GATE_EXIT_X_M, GATE_ENTRY_X_M];

impl Digest for Filler {
    fn digest(&self, put: &mut dyn FnMut(&[u8])) {
        self.bowl.digest(put);
        self.inlet.digest(put);
        for nozzle in &self.nozzles {
            nozzle.digest(put);
        }
        for cylinder in [&self.bar, &self.exit_gate, &self.entry_gate] {
            cylinder.digest(put);
        }
        put_all(
            put,
            &[
                self.inlet_m3_per_s,
                self.inlet_m3,
                self.dispensed_m3,
                self.spilled_m3,
                self.film_m3,
            ],
        );
        put_f64(put, self.start_m3);
        for id in self.engaged {
            put_u64(put, u64::from(id));
        }
        put(&[u8::from(self.any_open) | u8::from(self.supply_shut) << 1]);
    }
}
