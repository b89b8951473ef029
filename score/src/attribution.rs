//! Who caused what: a difference between two runs, shared out to its causes by runs without them.
//!
//! A run with every cause is compared with the run without any, and runs in between tell what each cause
//! does. Nothing is estimated: a part is a sum of differences between runs of one seed.
//!
//! **Invariant:** the parts, with the interaction where there is one, add up to the whole.
//!
//! # Source
//!
//! L. S. Shapley, *A Value for n-Person Games*, 1953: the only way to share out a whole that adds up, treats
//! equal causes equally, and gives nothing to a cause that changes nothing.

use serde::{Deserialize, Serialize};

use crate::continuity::{Prices, Production, money, oee};

/// Most causes whose Shapley values are computed: [`Account::shapley`] needs a run for each set of causes.
pub const SHAPLEY_MAX: usize = 4;

/// What a run was worth, or a difference between two runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Amounts {
    /// Truly good items shipped.
    pub good_parts: f64,
    /// OEE, a share; absent where no time was planned.
    pub oee: Option<f64>,
    /// Time without anybody at risk, s: the unsafe time with its sign turned, so that more is better here too.
    pub safe_s: f64,
    /// Worth, in the currency of the prices; absent without prices.
    pub money: Option<f64>,
}

impl Amounts {
    /// What a run was worth.
    #[must_use]
    pub fn of(run: &Production, prices: Option<&Prices>) -> Self {
        Self {
            good_parts: run.good as f64,
            oee: oee(run).oee.value,
            safe_s: 0.0 - run.unsafe_s,
            money: prices.map(|prices| money(run, prices)),
        }
    }

    /// Each amount of both joined; absent where either is.
    fn with(self, other: Self, join: impl Fn(f64, f64) -> f64) -> Self {
        let both = |a: Option<f64>, b: Option<f64>| Some(join(a?, b?));
        Self {
            good_parts: join(self.good_parts, other.good_parts),
            oee: both(self.oee, other.oee),
            safe_s: join(self.safe_s, other.safe_s),
            money: both(self.money, other.money),
        }
    }

    /// What is lost from this run to another; negative where the other is better.
    #[must_use]
    pub fn less(self, other: Self) -> Self {
        self.with(other, |a, b| a - b)
    }

    fn plus(self, other: Self) -> Self {
        self.with(other, |a, b| a + b)
    }

    fn times(self, factor: f64) -> Self {
        self.with(self, |a, _| a * factor)
    }

    fn over(self, divisor: f64) -> Self {
        self.with(self, |a, _| a / divisor)
    }

    /// Nothing, with an amount wherever this has one.
    fn nothing(self) -> Self {
        self.with(self, |_, _| 0.0)
    }
}

/// How the whole was shared out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// Shapley values over the runs of all sets of causes.
    Shapley,
    /// Each cause by the run without it alone; what they only do together is the interaction.
    LeaveOneOut,
}

/// One cause and its part.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cause {
    /// Identifier: that of the attack step, or the action in words.
    pub id: String,
    /// For people.
    pub label: String,
    /// When it began, simulated ns.
    pub t_ns: u64,
    /// Its part of the whole.
    pub part: Amounts,
}

/// A whole and its parts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Account {
    /// How it was shared out.
    pub method: Method,
    /// Runs that it took, the two compared ones included.
    pub runs: u64,
    /// The difference that is shared out: the run with every cause, less the run with none.
    pub whole: Amounts,
    /// The causes, by time.
    pub causes: Vec<Cause>,
    /// What the causes do only together: the whole less the sum of the parts. Nothing with Shapley values,
    /// which share it out as well.
    pub interaction: Amounts,
}

/// One summand of an account.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Summand<'a> {
    /// As [`Cause::id`]; [`INTERACTION`] for what the causes do only together.
    pub id: &'a str,
    /// For people.
    pub label: &'a str,
    /// When the cause began, simulated ns; `None` for the interaction.
    pub t_ns: Option<u64>,
    /// What it adds.
    pub part: Amounts,
}

/// The [`Summand::id`] of the interaction.
pub const INTERACTION: &str = "(interaction)";

/// The two accounts of a scored run. A positive amount is a gain, a negative one a loss.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Attribution {
    /// From N to A: what each step of the attack does to a plant that nobody defends.
    pub attack: Option<Account>,
    /// From A to AD: what each action of the defense saves, or costs on top.
    pub defense: Option<Account>,
}

/// A cause before its part is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// As [`Cause::id`].
    pub id: String,
    /// As [`Cause::label`].
    pub label: String,
    /// As [`Cause::t_ns`].
    pub t_ns: u64,
}

impl Account {
    /// The causes, and the interaction where the method leaves one: they add up to the whole.
    pub fn summands(&self) -> impl Iterator<Item = Summand<'_>> {
        let causes = self.causes.iter().map(|cause| Summand {
            id: &cause.id,
            label: &cause.label,
            t_ns: Some(cause.t_ns),
            part: cause.part,
        });
        let together = (self.method == Method::LeaveOneOut).then_some(Summand {
            id: INTERACTION,
            label: "Interaction",
            t_ns: None,
            part: self.interaction,
        });
        causes.chain(together)
    }

    /// Shares out by Shapley values.
    ///
    /// # Arguments
    ///
    /// * `causes` — by time; at most [`SHAPLEY_MAX`].
    /// * `runs` — what each set of causes is worth, shape `[2^causes]`; bit `i` of the index says that cause
    ///   `i` takes part.
    ///
    /// # Panics
    ///
    /// If the shapes do not fit.
    #[must_use]
    pub fn shapley(causes: &[Named], runs: &[Amounts]) -> Self {
        let n = causes.len();
        assert!(
            n <= SHAPLEY_MAX && runs.len() == 1 << n,
            "one run for each set"
        );
        let orders = factorial(n);
        let part = |cause: usize| {
            let bit = 1 << cause;
            (0..runs.len())
                .filter(|set| set & bit == 0)
                .fold(runs[0].nothing(), |sum, set| {
                    let before = set.count_ones() as usize;
                    // The orders in which exactly this set has come before the cause. Whole numbers, divided once
                    // at the end, keep parts of whole items exact.
                    let weight = factorial(before) * factorial(n - before - 1);
                    sum.plus(runs[set | bit].less(runs[set]).times(weight))
                })
                .over(orders)
        };
        let whole = runs[runs.len() - 1].less(runs[0]);
        Self {
            method: Method::Shapley,
            runs: runs.len() as u64,
            whole,
            causes: joined(causes, part),
            interaction: whole.nothing(),
        }
    }

    /// Shares out by leaving out each cause alone.
    ///
    /// # Arguments
    ///
    /// * `none`, `all` — the worth of the run without any cause and with all of them.
    /// * `without` — that of the run without cause `i`, shape `[causes]`.
    ///
    /// # Panics
    ///
    /// If the shapes do not fit.
    #[must_use]
    pub fn leave_one_out(
        causes: &[Named],
        none: Amounts,
        all: Amounts,
        without: &[Amounts],
    ) -> Self {
        assert_eq!(causes.len(), without.len(), "one run without each cause");
        let whole = all.less(none);
        let causes = joined(causes, |cause| all.less(without[cause]));
        let sum = causes
            .iter()
            .fold(whole.nothing(), |sum, cause| sum.plus(cause.part));
        Self {
            method: Method::LeaveOneOut,
            runs: without.len() as u64 + 2,
            whole,
            interaction: whole.less(sum),
            causes,
        }
    }
}

fn joined(causes: &[Named], part: impl Fn(usize) -> Amounts) -> Vec<Cause> {
    let numbered = causes.iter().enumerate();
    numbered
        .map(|(number, cause)| Cause {
            id: cause.id.clone(),
            label: cause.label.clone(),
            t_ns: cause.t_ns,
            part: part(number),
        })
        .collect()
}

fn factorial(n: usize) -> f64 {
    (2..=n).fold(1.0, |product, factor| product * factor as f64)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parts(good_parts: f64) -> Amounts {
        Amounts {
            good_parts,
            oee: Some(good_parts / 1000.0),
            safe_s: 0.0,
            money: None,
        }
    }

    fn named(n: usize) -> Vec<Named> {
        let cause = |number: usize| Named {
            id: format!("c{number}"),
            label: format!("Cause {number}"),
            t_ns: number as u64,
        };
        (0..n).map(cause).collect()
    }

    fn shares(account: &Account) -> Vec<f64> {
        account
            .causes
            .iter()
            .map(|cause| cause.part.good_parts)
            .collect()
    }

    #[test]
    fn shapley_when_the_causes_are_known_then_each_gets_its_own() {
        let check = |worth: &[f64], expect: &[f64]| {
            let runs: Vec<Amounts> = worth.iter().map(|&worth| parts(worth)).collect();
            let n = worth.len().trailing_zeros() as usize;
            let account = Account::shapley(&named(n), &runs);
            assert_eq!(shares(&account), expect, "{worth:?}");
        };
        // One cause; two that add; either is enough (shared); both are needed (shared); one does nothing.
        check(&[600.0, 400.0], &[-200.0]);
        check(&[600.0, 500.0, 550.0, 450.0], &[-100.0, -50.0]);
        check(&[600.0, 500.0, 500.0, 500.0], &[-50.0, -50.0]);
        check(&[600.0, 600.0, 600.0, 500.0], &[-50.0, -50.0]);
        check(&[600.0, 600.0, 550.0, 550.0], &[0.0, -50.0]);
        // The glove game: cause 0 needs cause 1 or 2, which replace each other.
        check(&[0.0, 0.0, 0.0, 6.0, 0.0, 6.0, 0.0, 6.0], &[4.0, 1.0, 1.0]);
    }

    #[test]
    fn leave_one_out_when_causes_need_or_replace_each_other_then_the_interaction_says_so() {
        let check = |all: f64, without: &[f64], expect: &[f64], interaction: f64| {
            let without: Vec<Amounts> = without.iter().map(|&worth| parts(worth)).collect();
            let named = named(without.len());
            let account = Account::leave_one_out(&named, parts(600.0), parts(all), &without);
            assert_eq!(shares(&account), expect);
            assert_eq!(account.interaction.good_parts, interaction);
        };
        check(450.0, &[550.0, 500.0], &[-100.0, -50.0], 0.0);
        // Both are needed: each alone takes it all away, so it was counted twice.
        check(500.0, &[600.0, 600.0], &[-100.0, -100.0], 100.0);
        // Either is enough: neither alone is missed.
        check(500.0, &[500.0, 500.0], &[0.0, 0.0], -100.0);
    }

    proptest! {
        #[test]
        fn account_when_worth_is_anything_then_it_adds_up(worth in prop::collection::vec(-1e6..1e6, 16)) {
            let runs: Vec<Amounts> = worth.iter().map(|&worth| parts(worth)).collect();
            let shapley = Account::shapley(&named(4), &runs);
            let without = [runs[14], runs[13], runs[11], runs[7]];
            let one = Account::leave_one_out(&named(4), runs[0], runs[15], &without);
            for account in [shapley, one] {
                let sum: f64 = account.summands().map(|summand| summand.part.good_parts).sum();
                let whole = worth[15] - worth[0];
                prop_assert!((sum - whole).abs() < 1e-6);
                prop_assert_eq!(account.whole.good_parts, whole);
            }
        }
    }
}
