//! Behind the accumulation table: packer, palletiser, and the safety relay around the palletiser.

use crate::Draws;
use crate::num;
use crate::palletiser::PalletiserCommand;
use crate::safety::SafetyInputs;

use super::points::id;
use super::{BottlingLine, M4, Machine, bottles_in};

impl<D: Draws> BottlingLine<D> {
    pub(super) fn step_packaging(&mut self, step_s: f64) {
        let able = self.is_able(Machine::Packer);
        let gate = self.is_on(id::PK_GATE);
        if self.packer.wants_bottle(gate, able, step_s)
            && self.motors[M4].is_turning()
            && let Some(bottle) = self.table.pop_ready()
        {
            self.packer.accept(&self.config.packer, bottle);
        }
        let room = self.palletiser.queued() < self.config.packer.case_queue as usize;
        let extend = self.is_on(id::SV71);
        if let Some(case) = self.packer.step(extend, able, room, step_s) {
            self.counters.cases = self.counters.cases.wrapping_add(1);
            self.production.cases += 1;
            self.palletiser.accept(case);
        }
        let enabled = self.step_safety(step_s);
        let command = PalletiserCommand {
            row: self.is_on(id::ROW),
            up: self.is_on(id::HST_UP),
            down: self.is_on(id::HST_DN),
            speed_m_per_s: self.command[usize::from(id::HST_SPD)],
            open_plate: self.is_on(id::PLATE),
            convey: self.is_on(id::PCV),
        };
        let able = self.is_able(Machine::Palletiser);
        let config = &self.config.palletiser;
        let done = self
            .palletiser
            .step(config, &command, able, enabled, step_s);
        if done.collided {
            let repair_s = self.config.palletiser.collision_repair_s;
            self.stoppages[Machine::Palletiser.index()].break_down(repair_s);
        }
        if let Some(load) = done.burst {
            self.production.broken += bottles_in(load);
            self.production.scrapped += bottles_in(load);
            self.gone.scrapped_m3 += load.volume_m3;
        }
        if let Some(load) = done.shipped {
            self.production.pallets += 1;
            self.production.palletised += bottles_in(load);
            self.gone.shipped_m3 += load.volume_m3;
        }
    }

    pub(super) fn safety_inputs(&self) -> SafetyInputs {
        let (first_muting, second_muting, pallet) = self.palletiser.pallet_beams();
        SafetyInputs {
            curtain_broken: pallet || self.crossing_s > 0.0,
            first_muting,
            second_muting,
            emergency_stop: self.emergency_stop,
            muting_override: self.is_on(id::MUT_OVR),
            stop_delay_s: self.command[usize::from(id::STO_DLY)],
            reset: self.is_on(id::SAF_RST),
        }
    }

    fn step_safety(&mut self, step_s: f64) -> bool {
        let inputs = self.safety_inputs();
        self.crossing_s = num::approach(self.crossing_s, 0.0, step_s);
        self.safety.step(&self.config.safety, &inputs, step_s)
    }
}
