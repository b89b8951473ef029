//! Everything about the line that a plant file may set, with the reference plant as default.

use serde::Deserialize;
use thiserror::Error;

use crate::belt::BeltConfig;
use crate::capper::CapperConfig;
use crate::inspection::InspectionConfig;
use crate::instrumented::SisConfig;
use crate::motor::MotorConfig;
use crate::nozzle::NozzleConfig;
use crate::packer::PackerConfig;
use crate::palletiser::PalletiserConfig;
use crate::production::ProductionConfig;
use crate::reject::RejectConfig;
use crate::safety::SafetyConfig;
use crate::stoppage::{Failure, Repair, StopClock, StoppageConfig};
use crate::table::TableConfig;

/// A value that no plant could have; named by its path in the plant file.
#[derive(Clone, Debug, PartialEq, Error)]
#[error("{field}: {value} {problem}")]
pub struct ConfigError {
    /// Path of the field, as `belt.friction`.
    pub field: &'static str,
    /// The rejected value.
    pub value: f64,
    /// What it must be.
    pub problem: &'static str,
}

/// The filler's bowl and what feeds it.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BowlConfig {
    /// Free surface, m².
    pub area_m2: f64,
    /// Level at the start, m.
    pub start_level_m: f64,
    /// Overflow edge, m.
    pub overflow_level_m: f64,
    /// High level switch, m.
    pub high_switch_m: f64,
    /// Low level switch, m.
    pub low_switch_m: f64,
    /// Inlet flow at full opening, L/s.
    pub inlet_l_per_s: f64,
    /// Stroke speed of the inlet valve, full strokes per second.
    pub valve_rate_per_s: f64,
}

impl Default for BowlConfig {
    fn default() -> Self {
        Self {
            area_m2: 0.5,
            start_level_m: 0.30,
            overflow_level_m: 0.55,
            high_switch_m: 0.52,
            low_switch_m: 0.08,
            inlet_l_per_s: 1.5,
            valve_rate_per_s: 0.5,
        }
    }
}

/// The filler around its nozzles.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FillerConfig {
    /// Travel time of a gate, s.
    pub gate_s: f64,
    /// Travel time of the nozzle bar, s.
    pub dive_s: f64,
    /// A bottle whose neck is further off than this does not catch the jet, m.
    pub catch_m: f64,
    /// Share of the jet that splashes while the bar is not down, dimensionless.
    pub splash_share: f64,
    /// Content at which a bottle runs over, mL.
    pub brim_ml: f64,
    /// Content at which the level probe is wet, mL.
    pub probe_ml: f64,
    /// How far a bottle may move under a lowered nozzle before it is knocked over, m.
    pub knock_m: f64,
    /// Pitch error below which a closing gate finds its gap, m.
    pub pinch_free_m: f64,
    /// Chance of a jam when a gate closes in the middle of a bottle.
    pub pinch_chance: f64,
    /// Time to replace a nozzle bent by a fallen bottle, s.
    pub bent_nozzle_repair_s: f64,
    /// Time to clear a jam, s.
    pub jam_repair_s: f64,
    /// Most the floor holds before the rest runs into the gully, litres.
    pub film_capacity_l: f64,
    /// How fast the floor drains, L/s.
    pub floor_drain_l_per_s: f64,
    /// Film on the floor above which people may slip, litres.
    pub slip_film_l: f64,
}

impl Default for FillerConfig {
    fn default() -> Self {
        Self {
            gate_s: 0.1,
            dive_s: 0.45,
            catch_m: 0.010,
            splash_share: 0.1,
            brim_ml: 530.0,
            probe_ml: 525.0,
            knock_m: 0.012,
            pinch_free_m: 0.010,
            pinch_chance: 0.5,
            bent_nozzle_repair_s: 900.0,
            jam_repair_s: 120.0,
            film_capacity_l: 10.0,
            floor_drain_l_per_s: 0.01,
            slip_film_l: 2.0,
        }
    }
}

/// The bottle supply and the infeed screw.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct InfeedConfig {
    /// Rate of the screw, bottles per minute.
    pub screw_per_min: f64,
}

impl Default for InfeedConfig {
    fn default() -> Self {
        Self {
            screw_per_min: 80.0,
        }
    }
}

/// How each machine stops by itself.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StoppagesConfig {
    /// False switches all natural stops off.
    pub enabled: bool,
    /// The time in which failures ripen.
    pub stop_clock: StopClock,
    /// Bottle supply, screw and infeed belt.
    pub infeed: StoppageConfig,
    /// Filler with its belt.
    pub filler: StoppageConfig,
    /// Discharge belt with inspection and reject.
    pub discharge: StoppageConfig,
    /// Capper.
    pub capper: StoppageConfig,
    /// Table and case packer.
    pub packer: StoppageConfig,
    /// Palletiser.
    pub palletiser: StoppageConfig,
}

impl Default for StoppagesConfig {
    /// Engineering choices (mean up time and mean time to repair, minutes: filler 45 and 3, capper 30 and
    /// 1.5, labeller 90 and 3, packer 25 and 2.5, palletiser 60 and 5). Such repair times count from the
    /// stop to the restart. The operator, who has to notice the fault, may be busy, and has to walk,
    /// is simulated; what is drawn here is the work at the machine alone.
    ///
    /// Together with the table and the operator this gives an availability of about 83 % over a day.
    fn default() -> Self {
        const OPERATOR_S: f64 = 40.0;
        const SIGMA: f64 = 0.6;
        let failure = |mtbf_s, mean_s| Failure {
            mtbf_s,
            repair: Repair::Lognormal {
                mean_s,
                sigma: SIGMA,
            },
        };
        let stops = |micro: (f64, f64), fault: (f64, f64)| StoppageConfig {
            micro: failure(micro.0, micro.1),
            fault: failure(fault.0, fault.1 - OPERATOR_S),
        };
        Self {
            enabled: true,
            stop_clock: StopClock::default(),
            infeed: StoppageConfig {
                micro: failure(900.0, 20.0),
                fault: Failure::NEVER,
            },
            filler: stops((450.0, 15.0), (2700.0, 180.0)),
            // Stands in for the labeller, which rides on the discharge belt and is not modelled.
            discharge: stops((900.0, 15.0), (5400.0, 180.0)),
            capper: stops((600.0, 15.0), (1800.0, 90.0)),
            packer: stops((500.0, 15.0), (1500.0, 150.0)),
            palletiser: stops((900.0, 20.0), (3600.0, 300.0)),
        }
    }
}

/// The whole line.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BottlingConfig {
    /// Bottle supply.
    pub infeed: InfeedConfig,
    /// Bowl.
    pub bowl: BowlConfig,
    /// Filler.
    pub filler: FillerConfig,
    /// Nozzles.
    pub nozzle: NozzleConfig,
    /// Belts and bottles.
    pub belt: BeltConfig,
    /// Motors and drives, all four alike.
    pub motor: MotorConfig,
    /// Capper.
    pub capper: CapperConfig,
    /// Inspection and the limits of a good bottle.
    pub inspection: InspectionConfig,
    /// Reject pusher.
    pub reject: RejectConfig,
    /// Accumulation table.
    pub table: TableConfig,
    /// Packer.
    pub packer: PackerConfig,
    /// Palletiser.
    pub palletiser: PalletiserConfig,
    /// Safety relay.
    pub safety: SafetyConfig,
    /// Safety instrumented system.
    pub sis: SisConfig,
    /// Natural stops.
    pub stoppages: StoppagesConfig,
    /// OEE accounting.
    pub production: ProductionConfig,
    /// Period at which transmitters sample, s.
    pub sensor_period_s: f64,
}

impl Default for BottlingConfig {
    fn default() -> Self {
        Self {
            infeed: InfeedConfig::default(),
            bowl: BowlConfig::default(),
            filler: FillerConfig::default(),
            nozzle: NozzleConfig::default(),
            belt: BeltConfig::default(),
            motor: MotorConfig::default(),
            capper: CapperConfig::default(),
            inspection: InspectionConfig::default(),
            reject: RejectConfig::default(),
            table: TableConfig::default(),
            packer: PackerConfig::default(),
            palletiser: PalletiserConfig::default(),
            safety: SafetyConfig::default(),
            sis: SisConfig::default(),
            stoppages: StoppagesConfig::default(),
            production: ProductionConfig::default(),
            sensor_period_s: 0.1,
        }
    }
}

/// Collects the checks, so that each reads as one line.
struct Check;

impl Check {
    fn that(
        ok: bool,
        field: &'static str,
        value: f64,
        problem: &'static str,
    ) -> Result<(), ConfigError> {
        // A NaN fails every comparison, so it fails every check.
        if ok && value.is_finite() {
            Ok(())
        } else {
            Err(ConfigError {
                field,
                value,
                problem,
            })
        }
    }

    fn positive(fields: &[(&'static str, f64)]) -> Result<(), ConfigError> {
        fields.iter().try_for_each(|&(field, value)| {
            Self::that(value > 0.0, field, value, "must be greater than 0")
        })
    }

    fn not_negative(fields: &[(&'static str, f64)]) -> Result<(), ConfigError> {
        fields.iter().try_for_each(|&(field, value)| {
            Self::that(value >= 0.0, field, value, "must be at least 0")
        })
    }

    fn share(fields: &[(&'static str, f64)]) -> Result<(), ConfigError> {
        fields.iter().try_for_each(|&(field, value)| {
            Self::that(
                (0.0..=1.0).contains(&value),
                field,
                value,
                "must be within 0..=1",
            )
        })
    }

    fn below(
        field: &'static str,
        value: f64,
        bound: f64,
        problem: &'static str,
    ) -> Result<(), ConfigError> {
        Self::that(value < bound, field, value, problem)
    }
}

impl BottlingConfig {
    /// Checks every value against what a plant can be.
    ///
    /// # Errors
    ///
    /// The first value that is out of range, with its path and what it must be.
    pub fn validate(&self) -> Result<(), ConfigError> {
        self.validate_liquid()?;
        self.validate_transport()?;
        self.validate_motor()?;
        self.validate_quality()?;
        self.validate_packaging()?;
        self.validate_sis()?;
        self.validate_stoppages()?;
        Check::positive(&[
            ("sensor_period_s", self.sensor_period_s),
            ("production.minor_stop_s", self.production.minor_stop_s),
            ("production.cycle_s", self.production.cycle_s),
            (
                "production.planned_run_time_min",
                self.production.planned_run_time_min,
            ),
        ])
    }

    fn validate_liquid(&self) -> Result<(), ConfigError> {
        let (bowl, nozzle, filler) = (&self.bowl, &self.nozzle, &self.filler);
        Check::positive(&[
            ("bowl.area_m2", bowl.area_m2),
            ("bowl.overflow_level_m", bowl.overflow_level_m),
            ("bowl.valve_rate_per_s", bowl.valve_rate_per_s),
            ("nozzle.effective_area_m2", nozzle.effective_area_m2),
            ("filler.gate_s", filler.gate_s),
            ("filler.dive_s", filler.dive_s),
            ("filler.brim_ml", filler.brim_ml),
            ("filler.probe_ml", filler.probe_ml),
            ("filler.catch_m", filler.catch_m),
            ("filler.knock_m", filler.knock_m),
            ("filler.slip_film_l", filler.slip_film_l),
            ("filler.film_capacity_l", filler.film_capacity_l),
            ("infeed.screw_per_min", self.infeed.screw_per_min),
        ])?;
        Check::not_negative(&[
            ("bowl.inlet_l_per_s", bowl.inlet_l_per_s),
            ("bowl.start_level_m", bowl.start_level_m),
            ("bowl.high_switch_m", bowl.high_switch_m),
            ("bowl.low_switch_m", bowl.low_switch_m),
            ("nozzle.drop_m", nozzle.drop_m),
            ("nozzle.open_lag_s", nozzle.open_lag_s),
            ("nozzle.close_lag_s", nozzle.close_lag_s),
            ("nozzle.drip_ml", nozzle.drip_ml),
            ("nozzle.drip_sd_ml", nozzle.drip_sd_ml),
            ("filler.pinch_free_m", filler.pinch_free_m),
            ("filler.bent_nozzle_repair_s", filler.bent_nozzle_repair_s),
            ("filler.jam_repair_s", filler.jam_repair_s),
            ("filler.floor_drain_l_per_s", filler.floor_drain_l_per_s),
        ])?;
        Check::share(&[
            ("nozzle.gain_sd", nozzle.gain_sd),
            ("nozzle.meter_sd", nozzle.meter_sd),
            ("filler.splash_share", filler.splash_share),
            ("filler.pinch_chance", filler.pinch_chance),
        ])?;
        let problem = "must be at most bowl.overflow_level_m";
        let ok = bowl.start_level_m <= bowl.overflow_level_m;
        Check::that(ok, "bowl.start_level_m", bowl.start_level_m, problem)
    }

    fn validate_transport(&self) -> Result<(), ConfigError> {
        let belt = &self.belt;
        Check::positive(&[
            ("belt.bottle_diameter_m", belt.bottle_diameter_m),
            ("belt.bottle_height_m", belt.bottle_height_m),
            ("belt.base_radius_m", belt.base_radius_m),
            ("belt.centre_of_mass_m", belt.centre_of_mass_m),
            ("belt.empty_mass_kg", belt.empty_mass_kg),
            ("belt.friction", belt.friction),
            ("belt.wet_friction", belt.wet_friction),
            ("belt.wet_film_l", belt.wet_film_l),
            ("belt.pressure_limit_n", belt.pressure_limit_n),
        ])?;
        Check::not_negative(&[("belt.friction_sigma", belt.friction_sigma)])?;
        // The gates and nozzles stand 65 mm apart; other bottles need other format parts.
        let ok = (belt.bottle_diameter_m - super::NOZZLE_PITCH_M).abs() < 1e-9;
        let problem = "must be 0.065: the filler's nozzle pitch is made for that bottle";
        Check::that(
            ok,
            "belt.bottle_diameter_m",
            belt.bottle_diameter_m,
            problem,
        )
    }

    fn validate_motor(&self) -> Result<(), ConfigError> {
        let motor = &self.motor;
        Check::positive(&[
            ("motor.rated_speed_rad_per_s", motor.rated_speed_rad_per_s),
            ("motor.rated_frequency_hz", motor.rated_frequency_hz),
            ("motor.rated_torque_n_m", motor.rated_torque_n_m),
            ("motor.rated_current_a", motor.rated_current_a),
            ("motor.pull_out_ratio", motor.pull_out_ratio),
            ("motor.gear_ratio", motor.gear_ratio),
            ("motor.gear_efficiency", motor.gear_efficiency),
            ("motor.sprocket_radius_m", motor.sprocket_radius_m),
            ("motor.rotor_inertia_kg_m2", motor.rotor_inertia_kg_m2),
            ("motor.winding_tau_s", motor.winding_tau_s),
            ("motor.relay_tau_s", motor.relay_tau_s),
            ("motor.relay_trip", motor.relay_trip),
            ("motor.relay_reset", motor.relay_reset),
            ("motor.rated_rise_k", motor.rated_rise_k),
        ])?;
        Check::not_negative(&[
            ("motor.load_mass_kg", motor.load_mass_kg),
            ("motor.rail_friction", motor.rail_friction),
            ("motor.jam_drag_n", motor.jam_drag_n),
            ("motor.no_load_ratio", motor.no_load_ratio),
        ])?;
        Check::below(
            "motor.no_load_ratio",
            motor.no_load_ratio,
            1.0,
            "must be below 1, the rated current",
        )?;
        Check::below(
            "motor.rated_speed_rad_per_s",
            motor.rated_speed_rad_per_s,
            motor.synchronous_speed_rad_per_s,
            "must be below motor.synchronous_speed_rad_per_s",
        )?;
        let ok = motor.locked_rotor_ratio > 1.5;
        let problem = "must be above 1.5";
        Check::that(
            ok,
            "motor.locked_rotor_ratio",
            motor.locked_rotor_ratio,
            problem,
        )?;
        Check::below(
            "motor.class_limit_c",
            motor.class_limit_c,
            motor.burn_c,
            "must be below motor.burn_c",
        )?;
        Check::below(
            "motor.ambient_c",
            motor.ambient_c,
            motor.class_limit_c,
            "must be below motor.class_limit_c",
        )
    }

    fn validate_quality(&self) -> Result<(), ConfigError> {
        let (capper, inspection, reject) = (&self.capper, &self.inspection, &self.reject);
        Check::positive(&[
            ("capper.dwell_s", capper.dwell_s),
            ("inspection.density_g_per_ml", inspection.density_g_per_ml),
            ("reject.contact_s", reject.contact_s),
            ("reject.cycle_s", reject.cycle_s),
            ("reject.reach_m", reject.reach_m),
        ])?;
        Check::not_negative(&[
            ("capper.pair_wait_s", capper.pair_wait_s),
            ("capper.torque_sd", capper.torque_sd),
            ("capper.torque_meter_sd", capper.torque_meter_sd),
            ("capper.leak_torque_n_m", capper.leak_torque_n_m),
            ("capper.elevator_caps_per_s", capper.elevator_caps_per_s),
            ("inspection.level_sd_ml", inspection.level_sd_ml),
            ("inspection.weight_sd_g", inspection.weight_sd_g),
            ("reject.verify_s", reject.verify_s),
        ])?;
        Check::share(&[
            ("capper.missing_chance", capper.missing_chance),
            ("capper.cocked_chance", capper.cocked_chance),
        ])?;
        let ok = (0.065..=0.15).contains(&capper.exit_pitch_m);
        Check::that(
            ok,
            "capper.exit_pitch_m",
            capper.exit_pitch_m,
            "must be within 0.065..=0.15",
        )?;
        let ok = (5.9..6.3).contains(&reject.pad_x_m);
        Check::that(
            ok,
            "reject.pad_x_m",
            reject.pad_x_m,
            "must be within 5.9..6.3",
        )?;
        Check::below(
            "capper.leak_torque_n_m",
            capper.leak_torque_n_m,
            capper.strip_torque_n_m,
            "must be below capper.strip_torque_n_m",
        )?;
        Check::below(
            "inspection.lower_limit_ml",
            inspection.lower_limit_ml,
            inspection.upper_limit_ml,
            "must be below inspection.upper_limit_ml",
        )?;
        Check::below(
            "inspection.lower_weight_g",
            inspection.lower_weight_g,
            inspection.upper_weight_g,
            "must be below inspection.upper_weight_g",
        )
    }

    fn validate_packaging(&self) -> Result<(), ConfigError> {
        let (table, packer, palletiser) = (&self.table, &self.packer, &self.palletiser);
        Check::positive(&[
            ("table.capacity", f64::from(table.capacity)),
            ("table.lanes", f64::from(table.lanes)),
            ("packer.ram_out_s", packer.ram_out_s),
            ("packer.ram_back_s", packer.ram_back_s),
            ("palletiser.row_out_s", palletiser.row_out_s),
            ("palletiser.row_back_s", palletiser.row_back_s),
            ("palletiser.plate_s", palletiser.plate_s),
            ("palletiser.stroke_m", palletiser.stroke_m),
            (
                "palletiser.acceleration_m_per_s2",
                palletiser.acceleration_m_per_s2,
            ),
            ("palletiser.brake_m_per_s2", palletiser.brake_m_per_s2),
            ("palletiser.layer_m", palletiser.layer_m),
            ("palletiser.pallet_out_s", palletiser.pallet_out_s),
        ])?;
        Check::not_negative(&[
            ("table.length_m", table.length_m),
            ("packer.infeed_s", packer.infeed_s),
            ("palletiser.drop_limit_m", palletiser.drop_limit_m),
            (
                "palletiser.collision_repair_s",
                palletiser.collision_repair_s,
            ),
            ("safety.reaction_s", self.safety.reaction_s),
            ("safety.muting_window_s", self.safety.muting_window_s),
            ("safety.muting_limit_s", self.safety.muting_limit_s),
        ])?;
        let queue = f64::from(packer.case_queue);
        let ok = (4..=64).contains(&packer.case_queue);
        Check::that(ok, "packer.case_queue", queue, "must be within 4..=64")?;
        let ok = table.capacity <= 10_000;
        Check::that(
            ok,
            "table.capacity",
            f64::from(table.capacity),
            "must be at most 10000",
        )?;
        let ok = palletiser.pallet_cycle_s > palletiser.pallet_out_s;
        let problem = "must be above palletiser.pallet_out_s";
        Check::that(
            ok,
            "palletiser.pallet_cycle_s",
            palletiser.pallet_cycle_s,
            problem,
        )
    }

    fn validate_sis(&self) -> Result<(), ConfigError> {
        let sis = &self.sis;
        Check::positive(&[
            ("sis.level_trip_m", sis.level_trip_m),
            ("sis.response_s", sis.response_s),
            ("sis.valve_close_s", sis.valve_close_s),
            ("sis.valve_open_s", sis.valve_open_s),
            ("sis.contactor_s", sis.contactor_s),
        ])?;
        Check::not_negative(&[
            ("sis.level_accuracy_m", sis.level_accuracy_m),
            ("sis.winding_accuracy_k", sis.winding_accuracy_k),
            ("sis.transmitter_mtbf_s", sis.transmitter_mtbf_s),
            ("sis.element_mtbf_s", sis.element_mtbf_s),
        ])?;
        Check::below(
            "sis.level_trip_m",
            sis.level_trip_m,
            self.bowl.overflow_level_m,
            "must be below bowl.overflow_level_m: the bowl has run over there",
        )?;
        Check::below(
            "sis.winding_trip_c",
            sis.winding_trip_c,
            self.motor.class_limit_c,
            "must be below motor.class_limit_c: the winding suffers there",
        )
    }

    fn validate_stoppages(&self) -> Result<(), ConfigError> {
        let stops = &self.stoppages;
        for (field, failure) in [
            ("stoppages.infeed.micro", &stops.infeed.micro),
            ("stoppages.infeed.fault", &stops.infeed.fault),
            ("stoppages.filler.micro", &stops.filler.micro),
            ("stoppages.filler.fault", &stops.filler.fault),
            ("stoppages.discharge.micro", &stops.discharge.micro),
            ("stoppages.discharge.fault", &stops.discharge.fault),
            ("stoppages.capper.micro", &stops.capper.micro),
            ("stoppages.capper.fault", &stops.capper.fault),
            ("stoppages.packer.micro", &stops.packer.micro),
            ("stoppages.packer.fault", &stops.packer.fault),
            ("stoppages.palletiser.micro", &stops.palletiser.micro),
            ("stoppages.palletiser.fault", &stops.palletiser.fault),
        ] {
            let mtbf_s = failure.mtbf_s;
            Check::that(
                mtbf_s >= 0.0,
                field,
                mtbf_s,
                "as mtbf_s must be 0 (never) or greater",
            )?;
            let mean_s = failure.repair.mean_s();
            Check::that(
                mean_s > 0.0,
                field,
                mean_s,
                "as mean_s must be greater than 0",
            )?;
            if let Repair::Lognormal { sigma, .. } = failure.repair {
                Check::that(
                    (0.0..=3.0).contains(&sigma),
                    field,
                    sigma,
                    "as sigma must be within 0..=3",
                )?;
            }
        }
        Ok(())
    }
}
