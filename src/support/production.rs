//! What a run produced and cost, from the range's records to the scorer's.

use sim_plant::respond::Action;
use twinrange_range::evidence::process::ProcessTable;
use twinrange_range::scenario::{Prices, Scenario};
use twinrange_range::session::{Counterfactual, ProductionRecord, SafetyRecord};
use twinrange_range::twin;
use twinrange_score::continuity::{self, Production};
use twinrange_score::safety::{Function, Safety};

/// What a counterfactual run produced and cost.
pub(super) fn counted(run: &Counterfactual, scenario: &Scenario) -> Production {
    let finished = &run.finished;
    made(
        &finished.production,
        &run.truth,
        &finished.actions,
        scenario,
    )
}

/// What any run produced and cost.
///
/// # Arguments
///
/// * `truth` — its physical truth.
/// * `actions` — the actions of the defense that were accepted in it.
pub(super) fn made<'a>(
    production: &ProductionRecord,
    truth: &ProcessTable,
    actions: impl IntoIterator<Item = &'a Action>,
    scenario: &Scenario,
) -> Production {
    let costs = Costs {
        damage: twin::damage(truth, &scenario.constraints),
        response: scenario.prices.of_actions(actions),
    };
    production_of(production, &costs)
}

/// What a run cost beside its parts and times, in the scenario's currency.
struct Costs {
    damage: f64,
    response: f64,
}

fn production_of(record: &ProductionRecord, costs: &Costs) -> Production {
    Production {
        planned_busy_s: record.planned_busy_s,
        actual_production_s: record.actual_production_s,
        run_time_per_item_s: record.run_time_per_item_s,
        produced: record.produced,
        // Bottles that were under way when counting began can be accepted without being counted as
        // produced; the quality ratio stays a ratio.
        good: record.good.min(record.produced),
        bad_shipped: record.bad_shipped,
        scrapped: record.scrapped,
        product_lost_l: record.product_lost_l,
        unsafe_s: record.unsafe_s,
        equipment_damage: costs.damage,
        response_cost: costs.response,
        safety: record.safety.as_ref().map(safety_of),
    }
}

fn safety_of(record: &SafetyRecord) -> Safety {
    let functions = record.functions.iter();
    let functions = functions.map(|function| Function {
        name: function.name.clone(),
        demands: function.demands,
        trips: function.trips,
        missed: function.missed,
        spurious: function.spurious,
        unprotected_s: function.unprotected_s,
        tripped_s: function.tripped_s,
    });
    Safety {
        functions: functions.collect(),
        bypass_s: record.bypass_s,
        impaired_s: record.impaired_s,
    }
}

pub(super) fn prices_of(prices: &Prices) -> continuity::Prices {
    continuity::Prices {
        currency: prices.currency.clone(),
        good_item: prices.good_part,
        scrapped_item: prices.scrap_part,
        bad_shipped_item: prices.bad_shipped,
        lost_minute: prices.lost_minute,
        lost_litre: prices.litre,
        unsafe_second: prices.unsafe_second,
    }
}
