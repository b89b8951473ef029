//! What a run has produced and what it is worth, at any time of it.
//!
//! Money and OEE are the score's own (`twinrange_score::continuity`), so that a figure on the screen at the end of a run
//! is the figure of its score.

use sim_plant::respond::Action;
use twinrange_range::evidence::process::ProcessTable;
use twinrange_range::scenario;
use twinrange_range::session::{ProductionRecord, production_columns};
use twinrange_score::continuity::{self, Production};

use super::store::around;

/// What a run has produced, broken and paid for.
#[derive(Clone, Debug)]
pub struct Account {
    /// Counted parts and times, as [`production_columns`] names them.
    pub production: ProcessTable,
    /// Planned run time per item, s.
    pub run_time_per_item_s: f64,
    /// What was broken: when, ns, and its price.
    pub damages: Vec<(u64, f64)>,
    /// What a defense did: when, ns, and its price.
    pub responses: Vec<(u64, f64)>,
}

impl Account {
    /// Of a run that is about to begin.
    #[must_use]
    pub fn begun(run_time_per_item_s: f64) -> Self {
        Self {
            production: ProcessTable::new(production_columns()),
            run_time_per_item_s,
            damages: Vec::new(),
            responses: Vec::new(),
        }
    }

    /// Enters an action of the defense.
    pub fn respond(&mut self, t_ns: u64, action: &Action, prices: &scenario::Prices) {
        self.responses.push((t_ns, prices.of_actions([action])));
    }

    /// What has been counted by a time, ns; nothing before the first sample.
    #[must_use]
    pub fn at(&self, t_ns: u64) -> Option<Production> {
        let (row, _, _) = around(t_ns, self.production.t_ns())?;
        if self.production.t_ns()[row] > t_ns || self.production.columns() != production_columns() {
            return None;
        }
        let counted = std::array::from_fn(|column| self.production.values(column)[row]);
        let made = ProductionRecord::of_row(counted, self.run_time_per_item_s);
        let paid = |list: &[(u64, f64)]| {
            let past = list.iter().filter(|(time, _)| *time <= t_ns);
            past.fold(0.0, |sum, (_, price)| sum + price)
        };
        Some(Production {
            planned_busy_s: made.planned_busy_s,
            actual_production_s: made.actual_production_s,
            run_time_per_item_s: made.run_time_per_item_s,
            produced: made.produced,
            // As the score has it: what was under way at first is accepted without having been counted.
            good: made.good.min(made.produced),
            bad_shipped: made.bad_shipped,
            scrapped: made.scrapped,
            product_lost_l: made.product_lost_l,
            unsafe_s: made.unsafe_s,
            equipment_damage: paid(&self.damages),
            response_cost: paid(&self.responses),
            safety: None,
        })
    }
}

/// Prices in the score's words.
#[must_use]
pub fn prices(of: &scenario::Prices) -> continuity::Prices {
    continuity::Prices {
        currency: of.currency.clone(),
        good_item: of.good_part,
        scrapped_item: of.scrap_part,
        bad_shipped_item: of.bad_shipped,
        lost_minute: of.lost_minute,
        lost_litre: of.litre,
        unsafe_second: of.unsafe_second,
    }
}
