//! What the controllers see and do: `sense` and `drive`.

use crate::Draws;
use crate::num::{bit, clamp, wrap_u16};
use crate::point::{PointId, SensorFault};

use super::filler::Filler;
use super::points::{id, points};
use super::{BottlingLine, M1, M2, M3, M4, Machine};

/// Half the width of a bottle's neck, which is what the photoeyes look at, m.
const NECK_HALF_M: f64 = 0.014;

const RUN: u16 = 0;
const FREQUENCY: u16 = 1;
const RAMP: u16 = 2;
const CURRENT_LIMIT: u16 = 3;
const OVERLOAD: u16 = 4;
const DIRECT: u16 = 5;
const RESET: u16 = 6;
const TRIP: u16 = 7;
const SPEED: u16 = 8;
const CURRENT: u16 = 9;
const WINDING: u16 = 10;

impl<D: Draws> BottlingLine<D> {
    pub(super) fn is_on(&self, id: u16) -> bool {
        self.command[usize::from(id)] != 0.0
    }

    /// Sets an actuator's command. Discrete commands are on from 0.5; analog ones are held within the
    /// point's range. NaN and writes to sensors change nothing, as on a real output card.
    ///
    /// # Panics
    ///
    /// If there is no such point: the wiring was checked when the plant was loaded.
    pub fn drive(&mut self, point: PointId, value: f64) {
        let spec = &points()[point.index()];
        if !spec.kind.is_actuator() || value.is_nan() {
            return;
        }
        let value = if spec.kind.is_discrete() {
            bit(value >= 0.5)
        } else {
            clamp(value, spec.low, spec.high)
        };
        self.command[point.index()] = value;
        if (id::MOTORS..id::MOTORS_END).contains(&point.0) {
            let offset = point.0 - id::MOTORS;
            let drive = &mut self.drives[usize::from(offset / id::MOTOR_POINTS)];
            match offset % id::MOTOR_POINTS {
                RUN => drive.run = value != 0.0,
                FREQUENCY => drive.frequency_hz = value,
                RAMP => drive.ramp_s = value,
                CURRENT_LIMIT => drive.current_limit = value,
                OVERLOAD => drive.overload_enabled = value != 0.0,
                DIRECT => drive.direct_on_line = value != 0.0,
                RESET => drive.reset = value != 0.0,
                other => panic!("motor point {other} is not an actuator"),
            }
        }
    }

    /// Sets or mends a sensor's fault.
    pub fn set_fault(&mut self, point: PointId, fault: Option<SensorFault>) {
        self.faults.retain(|&(at, _)| at != point);
        if let Some(fault) = fault {
            self.faults.push((point, fault));
            self.faults.sort_by_key(|&(at, _)| at);
        }
    }

    /// Reads a sensor as its card shows it, or an actuator's present command.
    ///
    /// Discrete points give 0 or 1; analog ones engineering units within the point's range, with
    /// noise, lag and any fault; counters wrap at 65536.
    ///
    /// # Panics
    ///
    /// If there is no such point.
    #[must_use]
    pub fn sense(&self, point: PointId) -> f64 {
        let spec = &points()[point.index()];
        if spec.kind.is_actuator() {
            return self.command[point.index()];
        }
        let mut value = self.measure(point.0);
        if !self.faults.is_empty()
            && let Ok(found) = self.faults.binary_search_by_key(&point, |&(at, _)| at)
        {
            value = self.faults[found].1.apply(value);
        }
        if spec.kind.is_discrete() {
            bit(value >= 0.5)
        } else if spec.high == 65_535.0 {
            wrap_u16(value)
        } else {
            clamp(value, spec.low, spec.high)
        }
    }

    /// The true or transmitted value behind a sensor, before faults and range.
    fn measure(&self, point: u16) -> f64 {
        match point {
            id::MOTORS..id::MOTORS_END => self.measure_motor(point - id::MOTORS),
            id::ZSC20.. => self.measure_sis(point),
            id::KI01..=id::KI12 => bit(self.contacts[usize::from(point - id::KI01)]),
            id::GATE1..id::SCREW => self.measure_filler(point),
            id::SCREW..id::PE60 => self.measure_conveyor(point),
            _ => self.measure_packaging(point),
        }
    }

    fn measure_motor(&self, offset: u16) -> f64 {
        let index = usize::from(offset / id::MOTOR_POINTS);
        let motor = &self.motors[index];
        match offset % id::MOTOR_POINTS {
            TRIP => bit(motor.is_tripped()),
            SPEED => motor.belt_m_per_s(),
            CURRENT => self.transmitters.currents[index].reading(),
            WINDING => self.transmitters.windings[index].reading(),
            other => panic!("motor point {other} is not a sensor"),
        }
    }

    fn beam(&self, belt: usize, x_m: f64) -> f64 {
        bit(self.belts[belt].is_beam_blocked(x_m, NECK_HALF_M))
    }

    fn is_ready(&self, machine: Machine) -> f64 {
        bit(self.is_able(machine) && !self.is_jammed(machine))
    }

    fn is_faulted(&self, machine: Machine) -> f64 {
        bit(self.repair_s(machine).is_some())
    }

    fn measure_filler(&self, point: u16) -> f64 {
        const LP12: u16 = id::LP01 + 11;
        const FT32: u16 = id::FT21 + 11;
        let filler = &self.filler;
        let level_m = filler.bowl.level_m();
        match point {
            id::GATE1_CL => bit(filler.exit_gate.is_extended()),
            id::GATE2_CL => bit(filler.entry_gate.is_extended()),
            id::DIVE_DN => bit(filler.bar.is_extended()),
            id::DIVE_UP => bit(filler.bar.is_home()),
            id::LP01..=LP12 => bit(self.is_probe_wet(usize::from(point - id::LP01), filler)),
            id::FT21..=FT32 => 1e6 * filler.nozzles[usize::from(point - id::FT21)].metered_m3(),
            id::LT20 => self.transmitters.level.reading(),
            id::LSH20 => bit(level_m > self.config.bowl.high_switch_m),
            id::LSL20 => bit(level_m < self.config.bowl.low_switch_m),
            id::FT20 => self.transmitters.inlet.reading(),
            id::PE10 => self.beam(M2, super::COUNT_IN_X_M),
            id::CT10 => f64::from(self.counters.filler_in),
            id::PE11 => self.beam(M2, super::COUNT_OUT_X_M),
            id::CT11 => f64::from(self.counters.filler_out),
            id::PE12 => self.beam(M3, 3.30),
            id::FIL_RDY => self.is_ready(Machine::Filler),
            id::FIL_FLT => self.is_faulted(Machine::Filler),
            other => panic!("point {other} is not a filler sensor"),
        }
    }

    fn is_probe_wet(&self, nozzle: usize, filler: &Filler) -> bool {
        filler.bar.is_extended()
            && filler
                .target(&self.config, nozzle, &self.belts[M2])
                .is_some_and(|index| {
                    1e6 * self.belts[M2].bottles()[index].volume_m3 >= self.config.filler.probe_ml
                })
    }

    fn measure_conveyor(&self, point: u16) -> f64 {
        let capper = &self.config.capper;
        let seen = self.inspection.reading();
        match point {
            id::PE02 => self.beam(M1, -0.5),
            id::PE01 => self.beam(M1, 0.20),
            id::INF_RDY => self.is_ready(Machine::Infeed),
            id::INF_FLT => self.is_faulted(Machine::Infeed),
            id::PE30 => self.beam(M3, super::CAPPER_X_M),
            id::PE31 => bit(self.capper.chute_caps() > capper.chute_low),
            id::LS31 => bit(self.capper.hopper_caps() > capper.hopper_low),
            id::TT31 => self.capper.measured_n_m()[0],
            id::TT32 => self.capper.measured_n_m()[1],
            id::CT30 => f64::from(self.counters.capped),
            id::CAP_RDY => self.is_ready(Machine::Capper),
            id::CAP_FLT => self.is_faulted(Machine::Capper),
            id::PE40 => self.beam(M3, super::INSPECTION_X_M),
            id::CT40 => f64::from(self.counters.inspected),
            id::QI40 => seen.level_ml,
            id::QI41 => bit(seen.cap_present),
            id::QI42 => bit(seen.cap_skewed),
            id::WT42 => seen.weight_g,
            id::TT40 => seen.torque_n_m,
            id::ENC50 => 1000.0 * self.belts[M3].odometer_m(),
            id::EN40 => 1000.0 * seen.encoder_m,
            id::PE51 => bit(self.pusher.is_verified()),
            id::CT51 => f64::from(self.counters.rejected),
            id::PE52 => self.beam(M3, super::ACCEPT_X_M),
            id::CT52 => f64::from(self.counters.accepted),
            id::DIS_RDY => self.is_ready(Machine::Discharge),
            id::DIS_FLT => self.is_faulted(Machine::Discharge),
            other => panic!("point {other} is not a conveyor sensor"),
        }
    }

    fn measure_sis(&self, point: u16) -> f64 {
        let sis = &self.sis;
        match point {
            id::ZSC20 => bit(sis.valve.is_safe()),
            id::ZSO20 => bit(sis.valve.is_running()),
            id::LT21A..=id::LT21C => sis.levels[usize::from(point - id::LT21A)].reading(),
            id::K22_CL => bit(!sis.contactor.is_safe()),
            id::TS22 => sis.winding.reading(),
            id::HS20 => bit(sis.key),
            other => panic!("point {other} is not a sensor of the safety system"),
        }
    }

    fn measure_packaging(&self, point: u16) -> f64 {
        let (table, packer, palletiser) = (&self.config.table, &self.packer, &self.palletiser);
        let bottles = self.table.len();
        let inputs = self.safety_inputs();
        match point {
            id::PE60 => bit(bottles >= table.low as usize),
            id::PE61 => bit(bottles >= table.high as usize),
            id::PE62 => bit(bottles >= table.full as usize),
            id::PE70 => bit(self.table.has_ready()),
            id::CNT12 => super::small_f64(packer.grid().len()),
            id::PK_OUT => bit(packer.ram().is_extended()),
            id::PK_HOME => bit(packer.ram().is_home()),
            id::CT71 => f64::from(self.counters.cases),
            id::PE79 => bit(palletiser.queued() >= self.config.packer.case_queue as usize),
            id::PK_RDY => self.is_ready(Machine::Packer),
            id::PK_FLT => self.is_faulted(Machine::Packer),
            id::PE80 => bit(palletiser.has_row()),
            id::ROW_OUT => bit(palletiser.row().is_extended()),
            id::ROW_HOME => bit(palletiser.row().is_home()),
            id::CT82 => f64::from(palletiser.plate_cases()),
            id::ENC81 => palletiser.hoist_m(),
            id::LS_TOP => bit(palletiser.hoist_m() >= self.config.palletiser.stroke_m - 0.01),
            id::LS_BOT => bit(palletiser.hoist_m() <= 0.01),
            id::PLATE_OP => bit(palletiser.plate().is_extended()),
            id::PLATE_CL => bit(palletiser.plate().is_home()),
            id::LT86 => palletiser.stack_m(&self.config.palletiser),
            id::PE85 => bit(palletiser.has_pallet()),
            id::MUT83 => bit(inputs.first_muting),
            id::MUT84 => bit(inputs.second_muting),
            id::LC82 => bit(!inputs.curtain_broken),
            id::MUTED => bit(self.safety.is_muted()),
            id::ESTOP => bit(!self.emergency_stop),
            id::SAF_OK => bit(self.safety.is_closed()),
            id::PAL_RDY => self.is_ready(Machine::Palletiser),
            id::PAL_FLT => self.is_faulted(Machine::Palletiser),
            other => panic!("point {other} is not a packaging sensor"),
        }
    }

    /// Chain speeds of the four belts, m/s.
    pub(super) fn belt_speeds_m_per_s(&self) -> [f64; 4] {
        [M1, M2, M3, M4].map(|index| self.motors[index].belt_m_per_s())
    }
}
