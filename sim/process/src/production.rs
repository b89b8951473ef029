//! Counted parts and times, and the OEE that follows from them.
//!
//! # Times
//!
//! The filler is the line's constraint, so its output defines production. A pause between two
//! bottles of at most `minor_stop_s` belongs to production (it shows as lost performance); a longer
//! one is down time, except for one nominal cycle. While a pause lasts it is neither yet.
//!
//! # Source
//!
//! ISO 22400-2:2014: availability = APT/PBT, effectiveness = PRI·PQ/APT, quality ratio = GQ/PQ,
//! OEE = their product.

use serde::Deserialize;

use crate::digest::{Digest, put_f64, put_u64};

/// What counts as production.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ProductionConfig {
    /// Longest pause that still counts as production time, s.
    pub minor_stop_s: f64,
    /// Nominal time between two bursts of bottles, s.
    pub cycle_s: f64,
    /// Planned run time per item PRI, min.
    pub planned_run_time_min: f64,
}

impl Default for ProductionConfig {
    fn default() -> Self {
        Self {
            minor_stop_s: 60.0,
            cycle_s: 12.0,
            planned_run_time_min: 1.0 / 60.0,
        }
    }
}

/// The four figures of ISO 22400, dimensionless.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Oee {
    /// APT / PBT.
    pub availability: f64,
    /// PRI · PQ / APT. Not capped at 1: above it, PRI is wrong.
    pub effectiveness: f64,
    /// GQ / PQ.
    pub quality: f64,
    /// Their product.
    pub oee: f64,
}

/// Counters since the start of the run. Bottles unless the name says otherwise.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Production {
    /// Entered the line.
    pub bottles_in: u64,
    /// Left the filler: produced quantity PQ.
    pub filled: u64,
    /// Left the capper.
    pub capped: u64,
    /// Passed the reject station.
    pub accepted: u64,
    /// Rejected, by the class the inspection measured.
    pub rejected_underfill: u64,
    /// See [`Production::rejected_underfill`].
    pub rejected_overfill: u64,
    /// See [`Production::rejected_underfill`].
    pub rejected_cap: u64,
    /// See [`Production::rejected_underfill`].
    pub rejected_torque: u64,
    /// See [`Production::rejected_underfill`].
    pub rejected_weight: u64,
    /// Rejected though nothing was measured wrong: the register hit the wrong bottle.
    pub rejected_unexplained: u64,
    /// Rejected though truly good.
    pub good_rejected: u64,
    /// Accepted though truly bad.
    pub bad_shipped: u64,
    /// Accepted and truly good: good quantity GQ.
    pub good: u64,
    /// Accepted with less than the tolerable content.
    pub shipped_below_limit: u64,
    /// Accepted with less than the absolute limit.
    pub shipped_below_absolute: u64,
    /// Accepted with a closure that leaks.
    pub shipped_leakers: u64,
    /// Accepted with a stripped thread or broken band.
    pub shipped_stripped: u64,
    /// Cases made.
    pub cases: u64,
    /// Pallets shipped.
    pub pallets: u64,
    /// Bottles shipped on pallets.
    pub palletised: u64,
    /// Bottles that fell over.
    pub fallen: u64,
    /// Bottles that burst.
    pub broken: u64,
    /// Bottles a person took off, and bottles in burst cases.
    pub scrapped: u64,
    /// Crush events: a person caught by a motion.
    pub crush_events: u64,
    /// Time with a belt held by a wedged bottle, s.
    pub jam_s: f64,
    /// Person in the palletiser zone with energised motion, s.
    pub unsafe_zone_s: f64,
    /// Slippery floor around the filler, s.
    pub unsafe_slip_s: f64,
    /// A motor winding above its class limit, s.
    pub unsafe_motor_s: f64,
    /// Any of the three, s.
    pub unsafe_s: f64,
    /// Planned busy time PBT, s.
    pub planned_busy_s: f64,
    /// Actual production time APT, s.
    pub actual_production_s: f64,
    /// Pause since the last produced bottle that is not yet attributed, s.
    pub pause_s: f64,
    /// Mean content of the last twelve produced, m³.
    pub last_batch_mean_m3: f64,
    batch_sum_m3: f64,
    batch_bottles: u8,
}

impl Production {
    /// All rejected bottles.
    #[must_use]
    pub fn rejected(&self) -> u64 {
        self.rejected_underfill
            + self.rejected_overfill
            + self.rejected_cap
            + self.rejected_torque
            + self.rejected_weight
            + self.rejected_unexplained
    }

    /// Passes planned time.
    pub fn tick(&mut self, step_s: f64) {
        self.planned_busy_s += step_s;
        self.pause_s += step_s;
    }

    /// Books one bottle that leaves the filler.
    pub fn produce(&mut self, config: &ProductionConfig, volume_m3: f64) {
        self.filled += 1;
        let is_minor = self.pause_s <= config.minor_stop_s;
        self.actual_production_s += if is_minor {
            self.pause_s
        } else {
            config.cycle_s
        };
        self.pause_s = 0.0;
        self.batch_sum_m3 += volume_m3;
        self.batch_bottles += 1;
        if self.batch_bottles == 12 {
            self.last_batch_mean_m3 = self.batch_sum_m3 / 12.0;
            self.batch_sum_m3 = 0.0;
            self.batch_bottles = 0;
        }
    }

    /// OEE over everything counted so far; `None` before the first bottle.
    #[must_use]
    pub fn oee(&self, config: &ProductionConfig) -> Option<Oee> {
        self.oee_since(&Self::default(), config)
    }

    /// OEE over what was counted since `start`; `None` if nothing was produced.
    #[must_use]
    pub fn oee_since(&self, start: &Self, config: &ProductionConfig) -> Option<Oee> {
        let produced = exact_f64(self.filled - start.filled);
        let good = exact_f64(self.good - start.good);
        let busy_s = self.planned_busy_s - start.planned_busy_s;
        let production_s = self.actual_production_s - start.actual_production_s;
        if produced == 0.0 || busy_s <= 0.0 || production_s <= 0.0 {
            return None;
        }
        let availability = production_s / busy_s;
        let effectiveness = 60.0 * config.planned_run_time_min * produced / production_s;
        let quality = good / produced;
        Some(Oee {
            availability,
            effectiveness,
            quality,
            oee: availability * effectiveness * quality,
        })
    }
}

/// A count as a float; exact, because no run makes 2⁵³ bottles.
pub(crate) fn exact_f64(count: u64) -> f64 {
    assert!(count < 1 << 53, "count {count} is beyond exact floats");
    count as f64
}

impl Digest for Production {
    fn digest(&self, put: &mut dyn FnMut(&[u8])) {
        for count in [
            self.bottles_in,
            self.filled,
            self.capped,
            self.accepted,
            self.rejected_underfill,
            self.rejected_overfill,
            self.rejected_cap,
            self.rejected_torque,
            self.rejected_weight,
            self.rejected_unexplained,
            self.good_rejected,
            self.bad_shipped,
            self.good,
            self.shipped_below_limit,
            self.shipped_below_absolute,
            self.shipped_leakers,
            self.shipped_stripped,
            self.cases,
            self.pallets,
            self.palletised,
            self.fallen,
            self.broken,
            self.scrapped,
            self.crush_events,
            u64::from(self.batch_bottles),
        ] {
            put_u64(put, count);
        }
        for value in [
            self.jam_s,
            self.unsafe_zone_s,
            self.unsafe_slip_s,
            self.unsafe_motor_s,
            self.unsafe_s,
            self.planned_busy_s,
            self.actual_production_s,
            self.pause_s,
            self.last_batch_mean_m3,
            self.batch_sum_m3,
        ] {
            put_f64(put, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn oee_when_given_the_worked_example_then_matches_it() {
        // PBT 480 min, APT 420, PRI 0.5 min, PQ 780, GQ 760.
        let config = ProductionConfig {
            planned_run_time_min: 0.5,
            ..ProductionConfig::default()
        };
        let counted = Production {
            planned_busy_s: 480.0 * 60.0,
            actual_production_s: 420.0 * 60.0,
            filled: 780,
            good: 760,
            ..Production::default()
        };
        let oee = counted.oee(&config).expect("780 produced");
        let close = |value: f64, expect: f64| (value - expect).abs() < 1e-6;
        assert!(close(oee.availability, 0.875));
        assert!(close(oee.effectiveness, 0.928_571_43));
        assert!(close(oee.quality, 0.974_358_97));
        assert!(close(oee.oee, 0.791_666_67));
    }

    #[test]
    fn production_time_when_pause_is_long_then_counts_one_cycle_of_it() {
        let config = ProductionConfig::default();
        let mut counted = Production::default();
        for pause in [12, 60, 61, 600] {
            for _ in 0..pause {
                counted.tick(1.0);
            }
            counted.produce(&config, 5e-4);
        }
        assert_eq!(counted.actual_production_s, 12.0 + 60.0 + 12.0 + 12.0);
        assert_eq!(counted.planned_busy_s, 733.0);
    }
}
