//! The belts of the line and the stations along them: screw, gates, capper, inspection, reject.
//!
//! # Invariants
//!
//! - Belts are advanced from the downstream end, so a bottle never moves into one that is about to move.

use crate::Draws;
use crate::belt::{Beyond, Pass};
use crate::bottle::{Bottle, Cap, RejectClass};
use crate::capper::CapperStep;
use crate::num;

use super::points::id;
use super::{
    ACCEPT_MARK, BottlingLine, CAPPER_MARK, CAPPER_X_M, COUNT_IN_MARK, COUNT_OUT_MARK,
    DISCHARGE_END_X_M, INSPECTION_MARK, INSPECTION_X_M, M1, M2, M3, M4, Machine, NOZZLE_PITCH_M,
    SCREW_MARK, SCREW_X_M, SUPPLY_X_M, small_f64,
};

impl<D: Draws> BottlingLine<D> {
    /// Mean friction between bottles and chain under the present film of spilled product.
    fn friction(&self) -> f64 {
        let belt = &self.config.belt;
        if self.filler.film_m3 == 0.0 {
            return belt.friction;
        }
        let wetness = num::lower(1000.0 * self.filler.film_m3 / belt.wet_film_l, 1.0);
        belt.friction + wetness * (belt.wet_friction - belt.friction)
    }

    pub(super) fn step_belts(&mut self, step_s: f64) {
        let wet = self.friction();
        let way_m = self.motors[M4].belt_m_per_s() * step_s;
        self.table.advance(way_m);
        self.step_discharge(wet, step_s);
        self.step_filler_belt(wet, step_s);
        self.step_infeed(step_s);
    }

    fn step_discharge(&mut self, friction: f64, step_s: f64) {
        let chain = self.motors[M3].belt_m_per_s();
        let is_fallen = self.belts[M3]
            .bottles()
            .front()
            .is_some_and(|bottle| bottle.fallen);
        // A fallen bottle does not pass the guides onto the table.
        let beyond = if self.table.is_full() || is_fallen {
            Beyond {
                rear_m: DISCHARGE_END_X_M + 0.03,
                speed_m_per_s: 0.0,
            }
        } else {
            Beyond::FREE
        };
        let pass = self.belts[M3].advance(chain, friction, beyond, step_s);
        let behind_n = if self.table.is_full() && chain > 0.0 {
            let per_bottle_n = friction * 0.522 * crate::STANDARD_GRAVITY_M_PER_S2;
            per_bottle_n * small_f64(self.table.len()) / f64::from(self.config.table.lanes)
        } else {
            0.0
        };
        self.after_pass(M3, pass, behind_n);
        self.inspect_crossed();
        self.accept_crossed();
        if let Some(bottle) = self.belts[M3].pop_passed() {
            let pushed = self.table.push(bottle);
            assert!(
                pushed.is_ok(),
                "the discharge belt stops in front of a full table"
            );
        }
    }

    fn inspect_crossed(&mut self) {
        let capper = &self.config.capper;
        for index in self.belts[M3].crossed(INSPECTION_MARK) {
            let odometer_m = self.belts[M3].odometer_m();
            let bottle = self.belts[M3].bottle_mut(index);
            if bottle.fallen {
                continue;
            }
            let verdict = self.inspection.measure(
                &self.config.inspection,
                bottle,
                (capper.leak_torque_n_m, capper.strip_torque_n_m),
                odometer_m - (bottle.x_m - INSPECTION_X_M),
                &mut self.streams.inspection,
            );
            bottle.verdict = verdict;
            self.counters.inspected = self.counters.inspected.wrapping_add(1);
        }
    }

    /// Whether a bottle is what the customer paid for.
    fn is_good(&self, bottle: &Bottle) -> bool {
        let (inspection, capper) = (&self.config.inspection, &self.config.capper);
        let content_ml = 1e6 * bottle.volume_m3;
        let content = inspection.lower_limit_ml..=inspection.upper_limit_ml;
        let torque = capper.leak_torque_n_m..=capper.strip_torque_n_m;
        !bottle.broken
            && bottle.cap == Cap::Seated
            && content.contains(&content_ml)
            && torque.contains(&bottle.torque_n_m)
    }

    fn accept_crossed(&mut self) {
        for index in self.belts[M3].crossed(ACCEPT_MARK) {
            let bottle = &self.belts[M3].bottles()[index];
            if bottle.fallen {
                continue;
            }
            self.counters.accepted = self.counters.accepted.wrapping_add(1);
            let content_ml = 1e6 * bottle.volume_m3;
            let is_good = self.is_good(bottle);
            let torque_n_m = bottle.torque_n_m;
            let capper = &self.config.capper;
            let leaks = bottle.cap != Cap::Seated || torque_n_m < capper.leak_torque_n_m;
            let stripped = torque_n_m > capper.strip_torque_n_m;
            let counted = &mut self.production;
            counted.accepted += 1;
            counted.good += u64::from(is_good);
            counted.bad_shipped += u64::from(!is_good);
            counted.shipped_below_limit +=
                u64::from(content_ml < self.config.inspection.lower_limit_ml);
            counted.shipped_below_absolute +=
                u64::from(content_ml < self.config.inspection.absolute_limit_ml);
            counted.shipped_leakers += u64::from(leaks);
            counted.shipped_stripped += u64::from(stripped);
        }
    }

    fn step_filler_belt(&mut self, friction: f64, step_s: f64) {
        let chain = self.motors[M2].belt_m_per_s();
        let beyond = self.belts[M3].beyond();
        let pass = self.belts[M2].advance(chain, friction, beyond, step_s);
        if pass.moved {
            self.filler.invalidate_targets();
            let knocked = self.filler.knock_over(&self.config, &mut self.belts[M2]);
            self.production.fallen += u64::from(knocked);
            for index in self.belts[M2].crossed(COUNT_OUT_MARK) {
                let bottle = &self.belts[M2].bottles()[index];
                if !bottle.fallen {
                    self.counters.filler_out = self.counters.filler_out.wrapping_add(1);
                    self.production
                        .produce(&self.config.production, bottle.volume_m3);
                }
            }
            for index in self.belts[M2].crossed(COUNT_IN_MARK) {
                if !self.belts[M2].bottles()[index].fallen {
                    self.counters.filler_in = self.counters.filler_in.wrapping_add(1);
                }
            }
        }
        self.after_pass(M2, pass, 0.0);
        if let Some(bottle) = self.belts[M2].pop_passed() {
            self.belts[M3].push(bottle);
            self.filler.invalidate_targets();
        }
    }

    fn step_infeed(&mut self, step_s: f64) {
        let chain = self.motors[M1].belt_m_per_s();
        let beyond = self.belts[M2].beyond();
        let dry = self.config.belt.friction;
        let pass = self.belts[M1].advance(chain, dry, beyond, step_s);
        self.after_pass(M1, pass, 0.0);
        if let Some(bottle) = self.belts[M1].pop_passed() {
            self.belts[M2].push(bottle);
            self.filler.invalidate_targets();
        }
        let able = self.is_able(Machine::Infeed);
        self.screw_wait_s = num::approach(self.screw_wait_s, 0.0, step_s);
        if able && self.is_on(id::SCREW) && chain > 0.05 && self.screw_wait_s < 1e-9 {
            self.release_screw();
        }
        if able && self.belts[M1].has_room_at(SUPPLY_X_M) {
            let factor = self
                .streams
                .supply
                .lognormal(1.0, self.config.belt.friction_sigma);
            let bottle = Bottle::new(self.next_bottle_id, SUPPLY_X_M, factor);
            self.next_bottle_id += 1;
            self.production.bottles_in += 1;
            self.belts[M1].push(bottle);
        }
    }

    /// Lets one bottle through the screw if one waits there and there is room behind it.
    fn release_screw(&mut self) {
        const NUDGE_M: f64 = 1e-6;
        let belt = &mut self.belts[M1];
        let head = belt.next_at(SCREW_MARK);
        let waits = belt
            .bottles()
            .get(head)
            .is_some_and(|bottle| bottle.x_m > SCREW_X_M - 0.002);
        let room_m = SCREW_X_M + NOZZLE_PITCH_M + NUDGE_M;
        let has_room = head == 0 || belt.bottles()[head - 1].x_m > room_m;
        if waits && has_room {
            belt.place(head, SCREW_X_M + NUDGE_M);
            self.screw_wait_s = 60.0 / self.config.infeed.screw_per_min;
        }
    }

    /// Books falls and buckles a line whose pressure is too high.
    fn after_pass(&mut self, belt: usize, pass: Pass, behind_n: f64) {
        self.production.fallen += u64::from(pass.fell);
        let pressure_n = pass.pressure_n + behind_n;
        if pass.pressure_n > 0.0
            && pressure_n > self.config.belt.pressure_limit_n
            && !self.belts[belt].is_wedged()
        {
            self.buckle(belt);
        }
    }

    /// The line pops: the front bottles burst and wedge.
    fn buckle(&mut self, belt: usize) {
        let count = self.belts[belt].bottles().len();
        for index in 0..count.min(self.config.belt.broken_per_buckle as usize) {
            let bottle = self.belts[belt].bottle_mut(index);
            if bottle.broken {
                continue;
            }
            bottle.broken = true;
            let lost_m3 = bottle.volume_m3;
            bottle.volume_m3 = 0.0;
            if !bottle.fallen {
                self.production.fallen += 1;
            }
            self.belts[belt].lay(index);
            self.filler.spill(&self.config, lost_m3);
            self.production.broken += 1;
        }
        self.belts[belt].wedge();
    }

    pub(super) fn step_capper(&mut self, step_s: f64) {
        let head = self.belts[M3].next_at(CAPPER_MARK);
        let bottles = self.belts[M3].bottles();
        let stands = |index: usize, x_m: f64| {
            bottles
                .get(index)
                .is_some_and(|bottle| !bottle.fallen && bottle.x_m > x_m)
        };
        let first = stands(head, CAPPER_X_M - 0.002);
        let second = first && stands(head + 1, CAPPER_X_M - NOZZLE_PITCH_M - 0.004);
        let queued = u8::from(first) + u8::from(second);
        let run = self.is_on(id::CAP_RUN);
        let able = self.is_able(Machine::Capper);
        let step = self
            .capper
            .step(&self.config.capper, run, able, queued, step_s);
        if let CapperStep::Done { bottles } = step {
            self.release_capped(head, bottles.min(queued));
        }
    }

    /// Sends the capped pair on at its exit pitch, as soon as the belt runs and has room.
    fn release_capped(&mut self, head: usize, finished: u8) {
        const NUDGE_M: f64 = 1e-6;
        if finished == 0 {
            // Somebody took the bottles out of the chucks.
            self.capper.abandon();
            return;
        }
        let pair_m = if finished == 2 {
            self.config.capper.exit_pitch_m
        } else {
            0.0
        };
        let lead_m = CAPPER_X_M + pair_m + NUDGE_M;
        let chain = self.motors[M3].belt_m_per_s();
        let belt = &mut self.belts[M3];
        let has_room = head == 0 || belt.bottles()[head - 1].x_m > lead_m + NOZZLE_PITCH_M;
        if !has_room || chain < 0.05 {
            return;
        }
        let setpoint_n_m = self.command[usize::from(id::CAP_TQ)];
        for chuck in 0..usize::from(finished) {
            let closure = self.capper.close(
                &self.config.capper,
                chuck,
                setpoint_n_m,
                &mut self.streams.capper,
            );
            let x_m = if chuck == 0 {
                lead_m
            } else {
                CAPPER_X_M + NUDGE_M
            };
            belt.place(head + chuck, x_m);
            let bottle = belt.bottle_mut(head + chuck);
            bottle.cap = closure.cap;
            bottle.torque_n_m = closure.torque_n_m;
            bottle.speed_m_per_s = chain;
        }
        self.counters.capped = self.counters.capped.wrapping_add(u16::from(finished));
        self.production.capped += u64::from(finished);
        self.capper.let_go();
    }

    pub(super) fn step_reject(&mut self, step_s: f64) {
        let fire = self.is_on(id::SOL50);
        if !self.pusher.step(&self.config.reject, fire, step_s) {
            return;
        }
        let reject = &self.config.reject;
        let Some(index) = self.belts[M3].nearest(reject.pad_x_m, reject.reach_m) else {
            return;
        };
        let bottle = self.belts[M3].remove(index);
        self.pusher.verify(&self.config.reject);
        self.counters.rejected = self.counters.rejected.wrapping_add(1);
        self.gone.rejected_m3 += bottle.volume_m3;
        let is_good = self.is_good(&bottle);
        let counted = &mut self.production;
        counted.good_rejected += u64::from(is_good);
        *match bottle.verdict {
            Some(RejectClass::Underfill) => &mut counted.rejected_underfill,
            Some(RejectClass::Overfill) => &mut counted.rejected_overfill,
            Some(RejectClass::Cap) => &mut counted.rejected_cap,
            Some(RejectClass::Torque) => &mut counted.rejected_torque,
            Some(RejectClass::Weight) => &mut counted.rejected_weight,
            None => &mut counted.rejected_unexplained,
        } += 1;
    }
}
