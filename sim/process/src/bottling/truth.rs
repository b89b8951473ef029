//! What really happens, for the run's hidden truth.

use crate::Draws;
use crate::digest::{Digest, put_all, put_bool, put_f64, put_len, put_u64};
use crate::num::bit;
use crate::point::SensorFault;
use crate::production::exact_f64 as count;

use super::{BottlingLine, Machine};

/// One column of the truth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Column {
    /// Name, with the unit last.
    pub name: &'static str,
    /// Unit; empty for flags.
    pub unit: &'static str,
    /// What it is.
    pub description: &'static str,
}

const fn column(name: &'static str, unit: &'static str, description: &'static str) -> Column {
    Column {
        name,
        unit,
        description,
    }
}

/// The columns, in the order in which [`BottlingLine::truth`] writes them.
#[must_use]
pub fn truth_columns() -> &'static [Column] {
    &COLUMNS
}

#[rustfmt::skip]
static COLUMNS: [Column; 75] = [
    column("bowl_level_m", "m", "True bowl level"),
    column("inlet_l_per_s", "L/s", "True inlet flow"),
    column("inlet_l", "L", "Liquid let into the bowl"),
    column("filled_l", "L", "Liquid that left the nozzles"),
    column("spilled_l", "L", "Liquid spilled on belt and floor"),
    column("overflow_l", "L", "Liquid lost over the bowl's edge"),
    column("film_l", "L", "Film on the floor around the filler"),
    column("m1_belt_m_per_s", "m/s", "Speed of belt 1"),
    column("m2_belt_m_per_s", "m/s", "Speed of belt 2"),
    column("m3_belt_m_per_s", "m/s", "Speed of belt 3"),
    column("m4_belt_m_per_s", "m/s", "Speed of belt 4"),
    column("m1_winding_c", "degC", "Winding temperature of motor 1"),
    column("m2_winding_c", "degC", "Winding temperature of motor 2"),
    column("m3_winding_c", "degC", "Winding temperature of motor 3"),
    column("m4_winding_c", "degC", "Winding temperature of motor 4"),
    column("bottles_in", "count", "Bottles that entered the line"),
    column("bottles_filled", "count", "Bottles that left the filler"),
    column("bottles_capped", "count", "Bottles that left the capper"),
    column("bottles_accepted", "count", "Bottles past the reject station"),
    column("rejected_underfill", "count", "Rejected, measured underfilled"),
    column("rejected_overfill", "count", "Rejected, measured overfilled"),
    column("rejected_cap", "count", "Rejected, cap missing or askew"),
    column("rejected_torque", "count", "Rejected, torque out of its window"),
    column("rejected_weight", "count", "Rejected, weight out of its window"),
    column("rejected_unexplained", "count", "Rejected though nothing was measured wrong"),
    column("good_rejected", "count", "Truly good bottles rejected"),
    column("bad_shipped", "count", "Truly bad bottles accepted"),
    column("shipped_below_485_ml", "count", "Accepted below the tolerable content (485 mL unless configured)"),
    column("shipped_below_470_ml", "count", "Accepted below the absolute limit (470 mL unless configured)"),
    column("shipped_leakers", "count", "Accepted with a leaking closure"),
    column("shipped_stripped", "count", "Accepted with a stripped thread or broken band"),
    column("last_batch_mean_ml", "mL", "Mean content of the last twelve bottles out of the filler"),
    column("caps_left", "count", "Caps in hopper and chute"),
    column("table_bottles", "count", "Bottles on the accumulation table"),
    column("cases", "count", "Cases made"),
    column("pallets", "count", "Pallets shipped"),
    column("fallen_bottles", "count", "Bottles that fell over"),
    column("broken_bottles", "count", "Bottles that burst"),
    column("scrapped_bottles", "count", "Bottles taken off and scrapped"),
    column("jam_s", "s", "Time with a belt held by a wedged bottle"),
    column("hoist_m", "m", "Height of the layer plate"),
    column("hoist_m_per_s", "m/s", "Speed of the hoist, up positive"),
    column("person_in_zone", "", "A person is in the palletiser zone"),
    column("crush_events", "count", "Times a person was caught by a motion"),
    column("unsafe_zone_s", "s", "Person in the palletiser zone with energised motion"),
    column("unsafe_slip_s", "s", "Slippery floor around the filler"),
    column("unsafe_motor_s", "s", "A motor winding above its class limit"),
    column("unsafe_s", "s", "Any unsafe condition"),
    column("planned_busy_s", "s", "Planned busy time PBT"),
    column("actual_production_s", "s", "Actual production time APT"),
    column("produced", "count", "Produced quantity PQ"),
    column("good", "count", "Good quantity GQ"),
    column("fault_infeed", "", "The infeed has a fault or jam"),
    column("fault_filler", "", "The filler has a fault or jam"),
    column("fault_discharge", "", "The discharge has a fault or jam"),
    column("fault_capper", "", "The capper has a fault or jam"),
    column("fault_packer", "", "The packer has a fault or jam"),
    column("fault_palletiser", "", "The palletiser has a fault or jam"),
    column("xv20_open", "share", "Position of the shut-off valve, 0 shut"),
    column("k22_closed", "", "The contactor of motor 2 is closed"),
    column("sis_failed_devices", "count", "Devices of the safety system that have failed, seen or unseen"),
    column("sif1_demands", "count", "Demands on SIF-1: the true bowl level passed its trip point"),
    column("sif1_trips", "count", "Demands on SIF-1 that it answered in time"),
    column("sif1_missed", "count", "Demands on SIF-1 that it did not answer in time"),
    column("sif1_spurious", "count", "Trips of SIF-1 without a demand"),
    column("sif1_tests", "count", "Strokes of the shut-off valve under the key"),
    column("sif1_unprotected_s", "s", "Demand on SIF-1, supply not shut after its response time"),
    column("sif1_tripped_s", "s", "Supply shut by order of the safety controller"),
    column("sif2_demands", "count", "Demands on SIF-2: the winding of M2 passed its trip point"),
    column("sif2_trips", "count", "Demands on SIF-2 that it answered in time"),
    column("sif2_missed", "count", "Demands on SIF-2 that it did not answer in time"),
    column("sif2_spurious", "count", "Trips of SIF-2 without a demand"),
    column("sif2_tests", "count", "Strokes of the contactor under the key"),
    column("sif2_unprotected_s", "s", "Demand on SIF-2, motor not off after its response time"),
    column("sif2_tripped_s", "s", "M2 off by order of the safety controller"),
];

impl<D: Draws> BottlingLine<D> {
    /// Writes the present truth, one value per column, to `out`, which is emptied first.
    pub fn truth(&self, out: &mut Vec<f64>) {
        let made = &self.production;
        let speeds = self.belt_speeds_m_per_s();
        let faults = Machine::ALL.map(|machine| bit(self.repair_s(machine).is_some()));
        out.clear();
        out.extend_from_slice(&[
            self.filler.bowl.level_m(),
            1000.0 * self.filler.inlet_m3_per_s,
            1000.0 * self.filler.inlet_m3,
            1000.0 * self.filler.dispensed_m3,
            1000.0 * self.filler.spilled_m3,
            1000.0 * self.filler.bowl.overflowed_m3(),
            1000.0 * self.filler.film_m3,
            speeds[0],
            speeds[1],
            speeds[2],
            speeds[3],
            self.motors[0].winding_c(),
            self.motors[1].winding_c(),
            self.motors[2].winding_c(),
            self.motors[3].winding_c(),
            count(made.bottles_in),
            count(made.filled),
            count(made.capped),
            count(made.accepted),
            count(made.rejected_underfill),
            count(made.rejected_overfill),
            count(made.rejected_cap),
            count(made.rejected_torque),
            count(made.rejected_weight),
            count(made.rejected_unexplained),
            count(made.good_rejected),
            count(made.bad_shipped),
            count(made.shipped_below_limit),
            count(made.shipped_below_absolute),
            count(made.shipped_leakers),
            count(made.shipped_stripped),
            1e6 * made.last_batch_mean_m3,
            f64::from(self.capper.hopper_caps() + self.capper.chute_caps()),
            super::small_f64(self.table.len()),
            count(made.cases),
            count(made.pallets),
            count(made.fallen),
            count(made.broken),
            count(made.scrapped),
            made.jam_s,
            self.palletiser.hoist_m(),
            self.palletiser.hoist_m_per_s(),
            bit(self.person_in_zone),
            count(made.crush_events),
            made.unsafe_zone_s,
            made.unsafe_slip_s,
            made.unsafe_motor_s,
            made.unsafe_s,
            made.planned_busy_s,
            made.actual_production_s,
            count(made.filled),
            count(made.good),
            faults[0],
            faults[1],
            faults[2],
            faults[3],
            faults[4],
            faults[5],
            self.sis.valve.position(),
            bit(!self.sis.contactor.is_safe()),
            super::small_f64(self.sis.failed()),
        ]);
        for sif in [&self.sis.level_demands, &self.sis.winding_demands] {
            out.extend_from_slice(&[
                count(sif.demands),
                count(sif.trips),
                count(sif.missed),
                count(sif.spurious),
                count(sif.tests),
                sif.unprotected_s,
                sif.tripped_s,
            ]);
        }
        assert_eq!(out.len(), COLUMNS.len(), "one value per column");
    }

    /// Writes the whole dynamic state for the run's digest.
    ///
    /// The random streams are the kernel's and are hashed there.
    pub fn digest(&self, put: &mut impl FnMut(&[u8])) {
        let put: &mut dyn FnMut(&[u8]) = put;
        put_all(put, &self.command);
        put_len(put, self.faults.len());
        for (point, fault) in &self.faults {
            put_u64(put, u64::from(point.0));
            let (tag, value) = match *fault {
                SensorFault::Stuck(value) => (0, value),
                SensorFault::Bias(value) => (1, value),
                SensorFault::Gain(value) => (2, value),
            };
            put(&[tag]);
            put_f64(put, value);
        }
        for contact in self.contacts {
            put_bool(put, contact);
        }
        self.digest_equipment(put);
        put_all(put, &self.idle_s);
        put_all(
            put,
            &[
                self.screw_wait_s,
                self.crossing_s,
                self.transmitters.next_in_s,
            ],
        );
        for flag in [self.person_in_zone, self.emergency_stop, self.crushing] {
            put_bool(put, flag);
        }
        put_u64(put, u64::from(self.next_bottle_id));
        let counters = &self.counters;
        for counter in [
            counters.filler_in,
            counters.filler_out,
            counters.capped,
            counters.inspected,
            counters.rejected,
            counters.accepted,
            counters.cases,
        ] {
            put(&counter.to_le_bytes());
        }
        let gone = &self.gone;
        put_all(put, &[gone.rejected_m3, gone.scrapped_m3, gone.shipped_m3]);
        self.production.digest(put);
    }

    fn digest_equipment(&self, put: &mut dyn FnMut(&[u8])) {
        self.filler.digest(put);
        for motor in &self.motors {
            motor.digest(put);
        }
        for belt in &self.belts {
            belt.digest(put);
        }
        self.capper.digest(put);
        self.inspection.digest(put);
        self.pusher.digest(put);
        self.table.digest(put);
        self.packer.digest(put);
        self.palletiser.digest(put);
        self.safety.digest(put);
        self.sis.digest(put);
        for stoppage in &self.stoppages {
            stoppage.digest(put);
        }
        self.transmitters.level.digest(put);
        self.transmitters.inlet.digest(put);
        for sensor in self
            .transmitters
            .currents
            .iter()
            .chain(&self.transmitters.windings)
        {
            sensor.digest(put);
        }
    }
}
