//! What the attack and the defense cost production: four runs with one seed.
//!
//! N has neither attack nor defense, A the attack, D the defense, AD both. Because a run is a
//! function of its inputs, the differences are caused by what differs and by nothing else: loss is
//! attributed, not estimated.
//!
//! # Source
//!
//! OEE after ISO 22400-2:2014: availability APT/PBT, effectiveness PRI·PQ/APT, quality ratio GQ/PQ.

use serde::{Deserialize, Serialize};

use crate::figure::Figure;
use crate::safety::Safety;

/// What one run produced, from counted parts and times.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Production {
    /// Planned busy time PBT, s.
    pub planned_busy_s: f64,
    /// Actual production time APT, s.
    pub actual_production_s: f64,
    /// Planned run time per item PRI, s.
    pub run_time_per_item_s: f64,
    /// Produced quantity PQ, items.
    pub produced: u64,
    /// Items that are truly good and were shipped, by the physical truth and not by what the
    /// checkweigher believed.
    pub good: u64,
    /// Items shipped as good that are not: what a recall is about.
    #[serde(default)]
    pub bad_shipped: u64,
    /// Items rejected or destroyed.
    #[serde(default)]
    pub scrapped: u64,
    /// Product lost beside the items (spilled, drained), litres.
    #[serde(default)]
    pub product_lost_l: f64,
    /// Time in which a person or equipment was in danger, s.
    #[serde(default)]
    pub unsafe_s: f64,
    /// Equipment damaged and other damage that is done once, in the currency of [`Prices`].
    #[serde(default)]
    pub equipment_damage: f64,
    /// Response actions by the list price of the scenario, in the currency of [`Prices`].
    #[serde(default)]
    pub response_cost: f64,
    /// What the safety functions were asked and did, where the plant has a safety controller.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub safety: Option<Safety>,
}

/// What things are worth. The scenario sets them; the report prints them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Prices {
    /// Currency code, such as `EUR`.
    pub currency: String,
    /// Margin of one good item.
    pub good_item: f64,
    /// Cost of one scrapped item.
    #[serde(default)]
    pub scrapped_item: f64,
    /// Cost of one bad item that was shipped.
    #[serde(default)]
    pub bad_shipped_item: f64,
    /// Cost of one minute of planned time without production (PBT - APT), beside the items.
    #[serde(default)]
    pub lost_minute: f64,
    /// Cost of one litre of lost product.
    #[serde(default)]
    pub lost_litre: f64,
    /// Cost of one unsafe second.
    #[serde(default)]
    pub unsafe_second: f64,
}

/// One of the four runs, or why it was not made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Run {
    /// It was made and counted.
    Made(Production),
    /// It was not made: the reason, as a short clause.
    Missing(String),
}

/// The four runs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FourRuns {
    /// No attack, no defense.
    pub n: Run,
    /// Attack only.
    pub a: Run,
    /// Defense only.
    pub d: Run,
    /// Both.
    pub ad: Run,
}

/// OEE and its factors, shares.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Oee {
    /// APT/PBT.
    pub availability: Figure,
    /// PRI·PQ/APT, at most 1.
    pub effectiveness: Figure,
    /// GQ/PQ, with GQ the items that are truly good.
    pub quality: Figure,
    /// The product.
    pub oee: Figure,
    /// True when effectiveness came out above 1 and was cut: the planned run time per item is too
    /// long, or items were counted twice.
    pub effectiveness_capped: bool,
}

/// One quantity over the four runs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// Value in run N.
    pub n: Figure,
    /// Value in run A.
    pub a: Figure,
    /// Value in run D.
    pub d: Figure,
    /// Value in run AD.
    pub ad: Figure,
    /// What the attack took: N - A (for unsafe seconds, A - N). Positive is a loss here and below.
    pub attack_damage: Figure,
    /// What the defense took in peace: N - D.
    pub uptime_tax: Figure,
    /// The tax as percent of N.
    pub uptime_tax_percent: Figure,
    /// What was still lost with the defense: N - AD.
    pub residual_damage: Figure,
    /// (AD - A) / (N - A): 1 full, 0 useless, negative when the defense made it worse. Undefined
    /// when nothing was lost without the defense: there was no damage to protect from.
    pub protection: Figure,
}

/// Production and OEE of one run in the score.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunResult {
    /// `N`, `A`, `D` or `AD`.
    pub run: String,
    /// What was counted, unless the run is missing.
    pub production: Option<Production>,
    /// OEE by ISO 22400, unless the run is missing.
    pub oee: Option<Oee>,
    /// Worth of the run, in the currency of the prices, if there are prices.
    pub money: Option<f64>,
    /// Why the run is missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub missing: Option<String>,
}

impl RunResult {
    /// What the safety functions were asked and did, if the run was made and the plant has any.
    #[must_use]
    pub fn safety(&self) -> Option<&Safety> {
        self.production.as_ref()?.safety.as_ref()
    }
}

/// The continuity half of a score.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Continuity {
    /// N, A, D, AD in this order.
    pub runs: Vec<RunResult>,
    /// The prices, if the scenario has any.
    pub prices: Option<Prices>,
    /// Truly good items shipped.
    pub good_parts: Comparison,
    /// OEE, a share.
    pub oee: Comparison,
    /// Unsafe time, s.
    pub unsafe_s: Comparison,
    /// Worth, in the currency of the prices. Undefined without prices.
    pub money: Comparison,
    /// Production time APT, s.
    pub production_s: Comparison,
    /// What a reader must know: cut effectiveness, damage too small to speak of protection.
    pub flags: Vec<String>,
}

/// OEE of a run.
///
/// # Panics
///
/// If a time is negative or not a number, or more items are good than were produced: the counts
/// are ours.
///
/// # Examples
///
/// ```
/// use twinrange_score::continuity::{Production, oee};
/// let shift = Production {
///     planned_busy_s: 480.0 * 60.0,
///     actual_production_s: 420.0 * 60.0,
///     run_time_per_item_s: 30.0,
///     produced: 780,
///     good: 760,
///     ..Production::default()
/// };
/// assert!((oee(&shift).oee.value.expect("defined") - 0.791_667).abs() < 1e-6);
/// ```
#[must_use]
pub fn oee(run: &Production) -> Oee {
    for time_s in [
        run.planned_busy_s,
        run.actual_production_s,
        run.run_time_per_item_s,
        run.unsafe_s,
    ] {
        assert!(
            time_s.is_finite() && time_s >= 0.0,
            "times are finite and not negative: {run:?}"
        );
    }
    assert!(
        run.good <= run.produced,
        "more good items than produced: {run:?}"
    );
    let availability = Figure::ratio(
        run.actual_production_s,
        run.planned_busy_s,
        "no production was planned",
    );
    let raw = Figure::ratio(
        run.run_time_per_item_s * run.produced as f64,
        run.actual_production_s,
        "the line never ran",
    );
    let capped = raw.value.is_some_and(|value| value > 1.0);
    let effectiveness = if capped { Figure::of(1.0) } else { raw };
    let quality = Figure::ratio(run.good as f64, run.produced as f64, "nothing was produced");
    let oee = match (availability.value, effectiveness.value, quality.value) {
        (Some(a), Some(e), Some(q)) => Figure::of(a * e * q),
        // A line that was planned to run and made nothing has an OEE of zero, not an unknown one.
        (Some(_), _, _) => Figure::of(0.0),
        (None, _, _) => availability.clone(),
    };
    Oee {
        availability,
        effectiveness,
        quality,
        oee,
        effectiveness_capped: capped,
    }
}

/// What a run was worth.
#[must_use]
pub fn money(run: &Production, prices: &Prices) -> f64 {
    run.good as f64 * prices.good_item
        - run.scrapped as f64 * prices.scrapped_item
        - run.bad_shipped as f64 * prices.bad_shipped_item
        - lost_s(run) / 60.0 * prices.lost_minute
        - run.product_lost_l * prices.lost_litre
        - run.unsafe_s * prices.unsafe_second
        - run.equipment_damage
        - run.response_cost
}

/// Planned time without production, s. A line that ran longer than was planned lost none.
pub(crate) fn lost_s(run: &Production) -> f64 {
    let lost_s = run.planned_busy_s - run.actual_production_s;
    if lost_s > 0.0 { lost_s } else { 0.0 }
}

/// Why there is no money in a score.
pub(crate) const NO_PRICES: &str = "the scenario has no prices";

/// Scores the four runs.
#[must_use]
pub fn score(runs: &FourRuns, prices: Option<&Prices>) -> Continuity {
    let named = [
        ("N", &runs.n),
        ("A", &runs.a),
        ("D", &runs.d),
        ("AD", &runs.ad),
    ];
    let compare = |sign: f64, quantity: &dyn Fn(&Production) -> Figure| {
        comparison(sign, named.map(|(name, run)| figure(name, run, quantity)))
    };
    let good_parts = compare(1.0, &|run| Figure::of(run.good as f64));
    let oee_comparison = compare(1.0, &|run| oee(run).oee);
    let unsafe_s = compare(-1.0, &|run| Figure::of(run.unsafe_s));
    let production_s = compare(1.0, &|run| Figure::of(run.actual_production_s));
    let money_comparison = compare(1.0, &|run| match prices {
        Some(prices) => Figure::of(money(run, prices)),
        None => Figure::undefined(NO_PRICES),
    });
    let results: Vec<RunResult> = named
        .iter()
        .map(|(name, run)| run_result(name, run, prices))
        .collect();
    let flags = flags(&results, &good_parts);
    Continuity {
        runs: results,
        prices: prices.cloned(),
        good_parts,
        oee: oee_comparison,
        unsafe_s,
        money: money_comparison,
        production_s,
        flags,
    }
}

fn figure(name: &str, run: &Run, quantity: &dyn Fn(&Production) -> Figure) -> Figure {
    match run {
        Run::Made(production) => quantity(production),
        Run::Missing(reason) => Figure::undefined(format!("run {name} is missing: {reason}")),
    }
}

fn run_result(name: &str, run: &Run, prices: Option<&Prices>) -> RunResult {
    match run {
        Run::Made(production) => RunResult {
            run: name.to_owned(),
            oee: Some(oee(production)),
            money: prices.map(|prices| money(production, prices)),
            production: Some(production.clone()),
            missing: None,
        },
        Run::Missing(reason) => RunResult {
            run: name.to_owned(),
            production: None,
            oee: None,
            money: None,
            missing: Some(reason.clone()),
        },
    }
}

/// `sign` is 1 where more is better and -1 where less is.
fn comparison(sign: f64, [n, a, d, ad]: [Figure; 4]) -> Comparison {
    let loss = |from: &Figure, to: &Figure| match (from.value, to.value) {
        (Some(from), Some(to)) => Figure::of(sign * (from - to)),
        (None, _) => from.clone(),
        (_, None) => to.clone(),
    };
    let attack_damage = loss(&n, &a);
    let uptime_tax = loss(&n, &d);
    let residual_damage = loss(&n, &ad);
    let uptime_tax_percent = match (uptime_tax.value, n.value) {
        // Nothing to pay from and nothing paid is no tax; unsafe seconds are normally zero in N.
        (Some(0.0), Some(_)) => Figure::of(0.0),
        (Some(tax), Some(whole)) => Figure::ratio(
            100.0 * tax,
            if whole < 0.0 { -whole } else { whole },
            "run N has a value of zero",
        ),
        _ => uptime_tax.clone(),
    };
    let protection = match (attack_damage.value, residual_damage.value) {
        (Some(damage), Some(_)) if damage <= 0.0 => Figure::undefined(
            "nothing was lost without the defense: there was no damage to protect from",
        ),
        (Some(damage), Some(residual)) => Figure::ratio(
            damage - residual,
            damage,
            "the damage is too small to divide by",
        ),
        (None, _) => attack_damage.clone(),
        (_, None) => residual_damage.clone(),
    };
    Comparison {
        n,
        a,
        d,
        ad,
        attack_damage,
        uptime_tax,
        uptime_tax_percent,
        residual_damage,
        protection,
    }
}

/// Damage below this share of run N says little about protection.
const SMALL_DAMAGE: f64 = 0.001;

fn flags(runs: &[RunResult], good_parts: &Comparison) -> Vec<String> {
    let mut flags: Vec<String> = runs
        .iter()
        .filter(|run| run.oee.as_ref().is_some_and(|oee| oee.effectiveness_capped))
        .map(|run| {
            format!(
                "Effectiveness of run {} was above 100 % and is cut: the planned run time per item is too long.",
                run.run
            )
        })
        .collect();
    flags.extend(runs.iter().filter_map(safety_flag));
    if let (Some(damage), Some(whole)) = (good_parts.attack_damage.value, good_parts.n.value)
        && damage > 0.0
        && damage < SMALL_DAMAGE * whole
    {
        flags.push(format!(
            "The attack took only {damage} of {whole} good parts: a protection figure on so little means nothing."
        ));
    }
    flags
}

/// Whom a run with the defense owes its safety to, where a safety function had to act or could not.
fn safety_flag(run: &RunResult) -> Option<String> {
    let safety = run.safety()?;
    if run.run != "AD" || safety.demands() == 0 {
        return None;
    }
    let (trips, missed) = (safety.trips(), safety.missed());
    Some(if missed > 0 {
        format!(
            "With attack and defense {missed} of {} demands on the plant's safety functions were missed: what did \
             not happen was luck.",
            safety.demands()
        )
    } else {
        format!(
            "With attack and defense the plant's safety functions had to trip ({trips} on demand, {:.0} s in the \
             safe state): that the plant stayed safe is their merit and not the defense's, and what was not made \
             meanwhile is the price of the attack.",
            safety.tripped_s()
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(good: u64) -> Run {
        Run::Made(Production {
            planned_busy_s: 1000.0,
            actual_production_s: 800.0,
            run_time_per_item_s: 1.0,
            produced: 700,
            good,
            ..Production::default()
        })
    }

    fn parts(n: u64, a: u64, d: Run, ad: Run) -> Comparison {
        score(
            &FourRuns {
                n: made(n),
                a: made(a),
                d,
                ad,
            },
            None,
        )
        .good_parts
    }

    #[test]
    fn good_parts_when_runs_vary_then_attributed_by_formula() {
        let check = |n, a, d, ad, damage: f64, tax: f64, residual: f64, protection: Option<f64>| {
            let parts = parts(n, a, made(d), made(ad));
            assert_eq!(parts.attack_damage.value, Some(damage));
            assert_eq!(parts.uptime_tax.value, Some(tax));
            assert_eq!(parts.residual_damage.value, Some(residual));
            assert_eq!(parts.protection.value, protection);
        };
        check(600, 400, 600, 550, 200.0, 0.0, 50.0, Some(0.75));
        check(600, 400, 594, 600, 200.0, 6.0, 0.0, Some(1.0));
        check(600, 400, 600, 400, 200.0, 0.0, 200.0, Some(0.0));
        check(600, 400, 600, 300, 200.0, 0.0, 300.0, Some(-0.5));
        check(600, 600, 600, 600, 0.0, 0.0, 0.0, None);
        check(600, 610, 600, 600, -10.0, 0.0, 0.0, None);
    }

    #[test]
    fn tax_percent_when_defense_costs_then_share_of_quiet_run() {
        assert_eq!(
            parts(600, 400, made(594), made(600))
                .uptime_tax_percent
                .value,
            Some(1.0)
        );
        assert_eq!(
            parts(0, 0, made(0), made(0)).uptime_tax_percent.value,
            Some(0.0)
        );
    }

    #[test]
    fn comparison_when_run_is_missing_then_reason_is_kept() {
        let missing = || Run::Missing("the tool runs offline".to_owned());
        let parts = parts(600, 400, missing(), missing());
        assert_eq!(parts.attack_damage.value, Some(200.0));
        for figure in [parts.uptime_tax, parts.uptime_tax_percent] {
            assert_eq!(
                figure.undefined.as_deref(),
                Some("run D is missing: the tool runs offline")
            );
        }
        assert_eq!(
            parts.protection.undefined.as_deref(),
            Some("run AD is missing: the tool runs offline")
        );
    }

    #[test]
    fn unsafe_seconds_when_attack_adds_then_damage_is_positive() {
        let with = |unsafe_s| {
            Run::Made(Production {
                unsafe_s,
                ..Production::default()
            })
        };
        let runs = FourRuns {
            n: with(0.0),
            a: with(40.0),
            d: with(0.0),
            ad: with(10.0),
        };
        let unsafe_s = score(&runs, None).unsafe_s;
        assert_eq!(unsafe_s.attack_damage.value, Some(40.0));
        assert_eq!(unsafe_s.residual_damage.value, Some(10.0));
        assert_eq!(unsafe_s.protection.value, Some(0.75));
    }

    #[test]
    fn flags_when_a_safety_function_acted_with_the_defense_then_it_is_not_the_defenses_merit() {
        use crate::safety::{Function, Safety};
        let with = |trips, missed| {
            Run::Made(Production {
                safety: Some(Safety {
                    functions: vec![Function {
                        demands: trips + missed,
                        trips,
                        missed,
                        tripped_s: 90.0,
                        ..Function::default()
                    }],
                    ..Safety::default()
                }),
                ..Production::default()
            })
        };
        let flags = |a, ad| {
            let (n, d) = (with(0, 0), with(0, 0));
            score(&FourRuns { n, a, d, ad }, None).flags
        };
        assert_eq!(flags(with(3, 0), with(0, 0)), Vec::<String>::new());
        let tripped = flags(with(0, 1), with(2, 0));
        assert!(
            tripped.len() == 1 && tripped[0].contains("2 on demand, 90 s"),
            "{tripped:?}"
        );
        let missed = flags(with(0, 1), with(1, 1));
        assert!(
            missed.len() == 1 && missed[0].contains("1 of 2 demands"),
            "{missed:?}"
        );
    }

    #[test]
    fn oee_when_line_never_ran_then_zero_and_when_unplanned_then_undefined() {
        let stopped = Production {
            planned_busy_s: 60.0,
            run_time_per_item_s: 1.0,
            ..Production::default()
        };
        assert_eq!(oee(&stopped).oee.value, Some(0.0));
        assert_eq!(oee(&Production::default()).oee.value, None);
    }

    #[test]
    fn oee_when_effectiveness_exceeds_one_then_cut_and_flagged() {
        let fast = Production {
            planned_busy_s: 100.0,
            actual_production_s: 100.0,
            run_time_per_item_s: 2.0,
            produced: 60,
            good: 60,
            ..Production::default()
        };
        assert_eq!(oee(&fast).oee.value, Some(1.0));
        let run = || Run::Made(fast.clone());
        let result = score(
            &FourRuns {
                n: run(),
                a: run(),
                d: run(),
                ad: run(),
            },
            None,
        );
        assert_eq!(result.flags.len(), 4, "{:?}", result.flags);
    }

    #[test]
    fn money_when_priced_then_each_part_counts_once() {
        let prices = Prices {
            currency: "EUR".to_owned(),
            good_item: 0.5,
            scrapped_item: 0.1,
            bad_shipped_item: 4.0,
            lost_minute: 3.0,
            lost_litre: 2.0,
            unsafe_second: 100.0,
        };
        let run = Production {
            planned_busy_s: 3600.0,
            actual_production_s: 3000.0,
            good: 100,
            scrapped: 10,
            bad_shipped: 2,
            product_lost_l: 3.0,
            unsafe_s: 0.5,
            equipment_damage: 7.0,
            response_cost: 5.0,
            ..Production::default()
        };
        assert_eq!(
            money(&run, &prices),
            50.0 - 1.0 - 8.0 - 30.0 - 6.0 - 50.0 - 7.0 - 5.0
        );
    }
}
