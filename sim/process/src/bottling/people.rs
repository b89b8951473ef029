//! What people do at the line.

use crate::Draws;

use super::{BottlingLine, CROSSING_S, GATE_ENTRY_X_M, M1, M2, M3, Machine, PersonAct};

impl<D: Draws> BottlingLine<D> {
    /// Does what a person does, at once.
    pub fn person(&mut self, act: PersonAct) {
        match act {
            PersonAct::Clear(machine) => self.clear(machine),
            PersonAct::RefillCaps => self.capper.refill(&self.config.capper),
            PersonAct::ResetOverload(motor) => {
                self.motors[motor as usize].reset_overload();
            }
            PersonAct::ReplaceMotor(motor) => self.motors[motor as usize].replace(),
            PersonAct::MopSpill => self.filler.film_m3 = 0.0,
            PersonAct::CloseSupply | PersonAct::OpenSupply => {
                self.filler.supply_shut = act == PersonAct::CloseSupply;
            }
            PersonAct::EnableBypass | PersonAct::LockBypass => {
                self.sis.key = act == PersonAct::EnableBypass;
            }
            PersonAct::MendSafety => self.sis.mend(),
            PersonAct::EnterZone | PersonAct::LeaveZone => {
                let enters = act == PersonAct::EnterZone;
                if enters != self.person_in_zone {
                    self.person_in_zone = enters;
                    self.crossing_s = CROSSING_S;
                }
            }
            PersonAct::PressEmergencyStop => self.emergency_stop = true,
            PersonAct::ReleaseEmergencyStop => self.emergency_stop = false,
        }
    }

    fn clear(&mut self, machine: Machine) {
        let was_faulted = self.stoppages[machine.index()].repair_s().is_some();
        self.stoppages[machine.index()].clear();
        let belt = match machine {
            Machine::Infeed => M1,
            Machine::Filler => M2,
            Machine::Discharge | Machine::Capper => M3,
            Machine::Packer | Machine::Palletiser => return,
        };
        let has_damage = self.belts[belt]
            .bottles()
            .iter()
            .any(|bottle| bottle.fallen);
        let empties = machine == Machine::Filler
            && (self.belts[belt].is_wedged() || (was_faulted && has_damage));
        let (gone, counted) = (&mut self.gone, &mut self.production);
        self.belts[belt].clear(
            |bottle| bottle.fallen || (empties && bottle.x_m > GATE_ENTRY_X_M),
            |bottle| {
                counted.scrapped += 1;
                gone.scrapped_m3 += bottle.volume_m3;
            },
        );
        if has_damage && belt == M3 {
            self.capper.abandon();
        }
        self.filler.invalidate_targets();
    }
}
