//! A scenario: which plant runs how long, who attacks it, and what counts as harm.
//!
//! A scenario file names its plant file, the plant file names its programs, and the scenario may name
//! a playbook. [`load`] reads all of them, reports every mistake in any of them at once, and keeps the
//! texts as a [`Bundle`], so that a run folder can carry them and be replayed elsewhere.
//!
//! # Invariants
//!
//! - A [`Scenario`] that exists is valid: its times are in order, its names are names, its hosts and
//!   columns are in the plant.
//! - Nothing of the machine gets into a [`Bundle`]: no absolute path, no line-end convention.
//!
//! # The file
//!
//! ```ron
//! Scenario(
//!     schema: 1,
//!     name: "setpoint-drift",
//!     title: "Slow drift of the fill setpoint",
//!     summary: "An intruder lowers the fill volume a little at a time.",
//!     plant: "plant.ron",
//!     duration: "2h",
//!     clean_until: "30min",
//!     seed: 1,
//!     playbook: "../../attacks/playbooks/setpoint-drift.ron",
//!     attacker: "vendor-laptop",
//!     constraints: [
//!         (name: "legal-fill", description: "Average fill below the declared volume",
//!          column: "last_batch_mean_ml", op: Below, value: 500.0, hold_s: 60.0, hazard: false),
//!     ],
//!     prices: (good_part: 0.12, lost_minute: 85.0),
//!     response: (approval_s: 30.0, deny_s: 5.0),
//! )
//! ```

mod bundle;
mod check;
mod file;
mod formats;
mod load;
mod set;
mod vary;

use serde::{Deserialize, Serialize};
use sim_kernel::SimDuration;
use sim_plant::respond::Action;
pub use sim_plant::respond::ResponseTimes;

pub use bundle::{Bundle, MAX_FILE_BYTES, read_text};
pub use check::{FileKind, check, kind_of};
pub(crate) use file::check_schema;
pub use formats::{Formats, PlantFacts, PlaybookFacts, Reference};
pub use load::{Loaded, from_bundle, load};
pub use set::{SETTABLE, Settable, Setting, check_path, set};
pub use vary::{Variation, vary};

/// Version of the scenario file that this build reads.
pub const SCENARIO_SCHEMA: u32 = 1;

/// A valid scenario.
#[derive(Clone, Debug, PartialEq)]
pub struct Scenario {
    /// Short name, as used in paths and reports.
    pub name: String,
    /// One line for people.
    pub title: String,
    /// What happens, in plain words for a manager.
    pub summary: String,
    /// The plant file, relative to the scenario file.
    pub plant: String,
    /// Simulated length of the run.
    pub duration: SimDuration,
    /// End of the clean period: nothing attacks before it, and a defense may learn until then.
    pub clean_until: SimDuration,
    /// Seeds every random stream, unless the command names another.
    pub seed: u64,
    /// The playbook file, relative to the scenario file; nothing attacks without one.
    pub playbook: Option<String>,
    /// Name of the host that the attacker owns; there is one exactly if there is a playbook.
    pub attacker: Option<String>,
    /// What must not happen.
    pub constraints: Vec<Constraint>,
    /// What things are worth.
    pub prices: Prices,
    /// What the actions of a defense take.
    pub response: ResponseTimes,
    /// Time between two rows of physical truth.
    pub truth_period: SimDuration,
    /// Time between two exchanges with a lock-step defense.
    pub interval: SimDuration,
}

/// Something that must not happen, told by one column of the physical truth.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Constraint {
    /// Unique name.
    pub name: String,
    /// What is violated, in plain words.
    pub description: String,
    /// Column of `truth/process.parquet`.
    pub column: String,
    /// The constraint is violated while `column op value` holds.
    pub op: Comparison,
    /// In the unit of the column.
    pub value: f64,
    /// How long it must hold without a break before it counts, s.
    #[serde(default)]
    pub hold_s: f64,
    /// Whether people may come to harm. Else it is about product, machines or output.
    #[serde(default)]
    pub hazard: bool,
    /// What is broken or soiled when it first comes about, in the currency of [`Prices`]: a repair, a
    /// clean-up. It is paid once in a run.
    #[serde(default)]
    pub damage: f64,
}

/// How a value is compared with a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Comparison {
    /// Greater than the limit.
    Above,
    /// Less than the limit.
    Below,
    /// The same as the limit, exactly; for switches and counts.
    Equals,
    /// Other than the limit; for switches and counts.
    Differs,
}

impl Comparison {
    /// Whether `value op limit`. Nothing holds for a value that is not a number.
    #[must_use]
    #[expect(clippy::float_cmp, reason = "switches and counts are exact in an f64")]
    pub fn holds(self, value: f64, limit: f64) -> bool {
        match self {
            Self::Above => value > limit,
            Self::Below => value < limit,
            Self::Equals => value == limit,
            Self::Differs => value != limit && !value.is_nan(),
        }
    }
}

/// What things are worth, in one currency. Everything that is left out costs nothing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Prices {
    /// ISO 4217 code of the currency.
    pub currency: String,
    /// Margin of one good part that was not made.
    pub good_part: f64,
    /// Cost of one part that was made and cannot be sold.
    pub scrap_part: f64,
    /// Cost of one minute of planned time without production, beside the parts.
    pub lost_minute: f64,
    /// Cost of one second in which people are at risk.
    pub unsafe_second: f64,
    /// Cost of one litre of product that was spilled.
    pub litre: f64,
    /// Cost of one bad part that reached a customer.
    pub bad_shipped: f64,
    /// Cost of one `deny` that was accepted, for the people who approve it and put it in.
    pub deny: f64,
    /// Cost of one `contain` that was accepted.
    pub contain: f64,
    /// Cost of one `restore` that was accepted.
    pub restore: f64,
}

impl Prices {
    /// What accepted actions of a defense cost, by their list prices, in the currency.
    #[must_use]
    pub fn of_actions<'a>(&self, actions: impl IntoIterator<Item = &'a Action>) -> f64 {
        let price = |action: &Action| match action {
            Action::Deny { .. } => self.deny,
            Action::Contain { .. } => self.contain,
            Action::Restore { .. } => self.restore,
        };
        // Begins at zero, where an empty sum of floats is minus zero.
        actions
            .into_iter()
            .map(price)
            .fold(0.0, |sum, one| sum + one)
    }
}

impl Default for Prices {
    fn default() -> Self {
        Self {
            currency: "EUR".to_owned(),
            good_part: 0.0,
            scrap_part: 0.0,
            lost_minute: 0.0,
            unsafe_second: 0.0,
            litre: 0.0,
            bad_shipped: 0.0,
            deny: 0.0,
            contain: 0.0,
            restore: 0.0,
        }
    }
}

#[cfg(test)]
mod tests;
