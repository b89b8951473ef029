//! The figures of two runs beside each other.

use serde::{Deserialize, Serialize};

use super::settings::prices_of;
use super::{Side, Which, watched};
use crate::continuity::{self, Comparison, Continuity, Oee, Production, RunResult};
use crate::figure::{Figure, Interval};
use crate::score::Score;

/// What a figure counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// Items that the plant makes.
    Items,
    /// Something else that is counted.
    Count,
    /// A share of 1.
    Share,
    /// Percent.
    Percent,
    /// Seconds.
    Seconds,
    /// Litres.
    Litres,
    /// The currency of the scenario's prices.
    Money,
    /// Events in an hour.
    PerHour,
    /// Events in ten minutes.
    PerTenMinutes,
}

/// Which direction is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Better {
    /// More of it.
    More,
    /// Less of it.
    Less,
    /// Neither by itself.
    Neither,
}

/// One figure of both runs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Beside {
    /// Its name, stable.
    pub figure: String,
    /// For people.
    pub title: String,
    /// What it counts.
    pub unit: Unit,
    /// Which direction is better.
    pub better: Better,
    /// In the run of the same seed with neither attack nor defense, where that is one and the same for both.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quiet: Option<f64>,
    /// In the run of the same seed with the attack alone, where that is one and the same for both.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undefended: Option<f64>,
    /// In the first run.
    pub first: Figure,
    /// Its 95 % interval, where it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_interval: Option<Interval>,
    /// In the second run.
    pub second: Figure,
    /// Its 95 % interval, where it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub second_interval: Option<Interval>,
    /// Second less first.
    pub difference: Figure,
    /// The run that it favours; `None` where they are equal, where one has no such figure, and where no direction is
    /// better.
    pub favours: Option<Which>,
}

impl Beside {
    pub(super) fn of(
        name: (&str, &str),
        unit: Unit,
        better: Better,
        first: Figure,
        second: Figure,
    ) -> Self {
        let difference = match (first.value, second.value) {
            (Some(first), Some(second)) => Figure::of(second - first),
            (None, _) => Figure::undefined(why("first", &first)),
            (_, None) => Figure::undefined(why("second", &second)),
        };
        let mut found = Self {
            figure: name.0.to_owned(),
            title: name.1.to_owned(),
            unit,
            better,
            quiet: None,
            undefended: None,
            first,
            first_interval: None,
            second,
            second_interval: None,
            difference,
            favours: None,
        };
        found.favours = found.favoured();
        found
    }

    /// How much it is in one of the runs.
    #[must_use]
    pub fn of_run(&self, which: Which) -> &Figure {
        which.of(&self.first, &self.second)
    }

    /// Whether it is money, and neither scenario says what anything is worth.
    #[must_use]
    pub fn is_unpriced(&self) -> bool {
        let unpriced = |figure: &Figure| figure.undefined.as_deref() == Some(continuity::NO_PRICES);
        unpriced(&self.first) && unpriced(&self.second)
    }

    fn favoured(&self) -> Option<Which> {
        let sign = match self.better {
            Better::More => 1.0,
            Better::Less => -1.0,
            Better::Neither => return None,
        };
        let gain = sign * self.difference.value?;
        if gain > 0.0 {
            Some(Which::Second)
        } else if gain < 0.0 {
            Some(Which::First)
        } else {
            None
        }
    }

    /// Takes the difference away: both figures stand, and say nothing about each other.
    pub(super) fn not_compared(mut self, reason: &str) -> Self {
        self.difference = Figure::undefined(reason);
        self.favours = None;
        self
    }

    pub(super) fn with_intervals(
        mut self,
        first: Option<Interval>,
        second: Option<Interval>,
    ) -> Self {
        (self.first_interval, self.second_interval) = (first, second);
        self
    }
}

fn why(which: &str, figure: &Figure) -> String {
    let reason = figure.undefined.as_deref().unwrap_or("it is undefined");
    format!("not in the {which} run: {reason}")
}

/// The figures that say whom they favour.
pub(super) struct Tables {
    /// What each run lost against its own quiet run.
    pub(super) losses: Vec<Beside>,
    /// What each run made.
    pub(super) production: Vec<Beside>,
    /// What each defense saw, and how noisily.
    pub(super) detection: Vec<Beside>,
}

impl Tables {
    pub(super) fn of(first: Side<'_>, second: Side<'_>) -> Self {
        let mut found = Self {
            losses: losses(first, second),
            production: production(first, second),
            detection: watched::detection(first.score, second.score),
        };
        if first.facts.attack != second.facts.attack {
            // A run that was not attacked loses less whatever its defense does.
            let lists = [
                &mut found.losses,
                &mut found.production,
                &mut found.detection,
            ];
            for figure in lists.into_iter().flatten() {
                figure.favours = None;
            }
        }
        found
    }
}

/// What is said where a score has no four runs.
pub(super) const NO_RUNS: &str = "the score has no counterfactual runs";
const OTHER_PRICES: &str = "the two scenarios have other prices";

/// The run of the four that the folder holds: with the attack or without.
fn own(side: Side<'_>) -> &'static str {
    if side.facts.attack { "AD" } else { "D" }
}

fn run<'a>(score: &'a Score, name: &str) -> Result<&'a RunResult, String> {
    let continuity = score
        .continuity
        .as_ref()
        .ok_or_else(|| NO_RUNS.to_owned())?;
    let found = continuity.runs.iter().find(|run| run.run == name);
    let found = found.ok_or_else(|| format!("there is no run {name}"))?;
    match &found.missing {
        Some(reason) => Err(format!("run {name} is missing: {reason}")),
        None => Ok(found),
    }
}

/// A quantity of one of the four runs.
fn quantity(score: &Score, name: &str, get: &dyn Fn(&RunResult) -> Figure) -> Figure {
    match run(score, name) {
        Ok(run) => get(run),
        Err(reason) => Figure::undefined(reason),
    }
}

/// The value that both have of a run that does not depend on the defense.
fn shared(
    first: Side<'_>,
    second: Side<'_>,
    name: &str,
    get: &dyn Fn(&RunResult) -> Figure,
) -> Option<f64> {
    let one = quantity(first.score, name, get).value?;
    let other = quantity(second.score, name, get).value?;
    ((one - other).abs() <= 0.0).then_some(one)
}

/// Whether what things are worth is the same in both.
fn same_prices(first: Side<'_>, second: Side<'_>) -> bool {
    prices_of(first) == prices_of(second)
}

/// What each run lost against its own quiet run: production for which nobody attacked, with the same seed.
fn losses(first: Side<'_>, second: Side<'_>) -> Vec<Beside> {
    type Get = fn(&Continuity) -> &Comparison;
    let all: [(&str, &str, Unit, Get); 4] = [
        ("good_parts_lost", "Good items lost", Unit::Items, |c| {
            &c.good_parts
        }),
        ("money_lost", "Money lost", Unit::Money, |c| &c.money),
        (
            "production_s_lost",
            "Production time lost",
            Unit::Seconds,
            |c| &c.production_s,
        ),
        ("unsafe_s_added", "Time in danger", Unit::Seconds, |c| {
            &c.unsafe_s
        }),
    ];
    let loss = |side: Side<'_>, get: Get| match &side.score.continuity {
        None => Figure::undefined(NO_RUNS),
        Some(continuity) if side.facts.attack => get(continuity).residual_damage.clone(),
        Some(continuity) => get(continuity).uptime_tax.clone(),
    };
    let undefended = |get: Get| {
        let of = |side: Side<'_>| {
            let continuity = side.score.continuity.as_ref()?;
            side.facts.attack.then_some(())?;
            get(continuity).attack_damage.value
        };
        let (one, other) = (of(first)?, of(second)?);
        ((one - other).abs() <= 0.0).then_some(one)
    };
    all.into_iter()
        .map(|(name, title, unit, get)| {
            let found = Beside::of(
                (name, title),
                unit,
                Better::Less,
                loss(first, get),
                loss(second, get),
            );
            let found = Beside {
                undefended: undefended(get),
                ..found
            };
            if unit == Unit::Money && !same_prices(first, second) {
                found.not_compared(OTHER_PRICES)
            } else {
                found
            }
        })
        .collect()
}

/// One row of the production table: name, title, unit, direction and value.
type Made = (
    &'static str,
    &'static str,
    Unit,
    Better,
    fn(&RunResult) -> Figure,
);

fn counted(run: &RunResult, get: fn(&Production) -> f64) -> Figure {
    let production = run.production.as_ref();
    production.map_or_else(
        || Figure::undefined("it was not counted"),
        |p| Figure::of(get(p)),
    )
}

fn factor(run: &RunResult, get: fn(&Oee) -> &Figure) -> Figure {
    let oee = run.oee.as_ref();
    oee.map_or_else(
        || Figure::undefined("it has no OEE"),
        |oee| get(oee).clone(),
    )
}

const MADE: [Made; 13] = [
    ("good_parts", "Good items", Unit::Items, Better::More, |r| {
        counted(r, |p| p.good as f64)
    }),
    (
        "produced",
        "Produced items",
        Unit::Items,
        Better::Neither,
        |r| counted(r, |p| p.produced as f64),
    ),
    (
        "bad_shipped",
        "Bad items shipped",
        Unit::Items,
        Better::Less,
        |r| counted(r, |p| p.bad_shipped as f64),
    ),
    (
        "scrapped",
        "Scrapped items",
        Unit::Items,
        Better::Less,
        |r| counted(r, |p| p.scrapped as f64),
    ),
    (
        "availability",
        "Availability",
        Unit::Share,
        Better::More,
        |r| factor(r, |oee| &oee.availability),
    ),
    (
        "effectiveness",
        "Effectiveness",
        Unit::Share,
        Better::More,
        |r| factor(r, |oee| &oee.effectiveness),
    ),
    ("quality", "Quality", Unit::Share, Better::More, |r| {
        factor(r, |oee| &oee.quality)
    }),
    ("oee", "OEE", Unit::Share, Better::More, |r| {
        factor(r, |oee| &oee.oee)
    }),
    ("downtime_s", "Downtime", Unit::Seconds, Better::Less, |r| {
        counted(r, continuity::lost_s)
    }),
    (
        "unsafe_s",
        "Unsafe time",
        Unit::Seconds,
        Better::Less,
        |r| counted(r, |p| p.unsafe_s),
    ),
    (
        "product_lost_l",
        "Product lost",
        Unit::Litres,
        Better::Less,
        |r| counted(r, |p| p.product_lost_l),
    ),
    (
        "response_cost",
        "Price of the actions",
        Unit::Money,
        Better::Less,
        |r| counted(r, |p| p.response_cost),
    ),
    ("worth", "Worth", Unit::Money, Better::More, |r| {
        match r.money {
            Some(money) => Figure::of(money),
            None => Figure::undefined(continuity::NO_PRICES),
        }
    }),
];

/// What each run made, with the quiet and the undefended run of the same seed where both share them.
fn production(first: Side<'_>, second: Side<'_>) -> Vec<Beside> {
    let same_prices = same_prices(first, second);
    MADE.into_iter()
        .map(|(name, title, unit, better, get)| {
            let found = Beside::of(
                (name, title),
                unit,
                better,
                quantity(first.score, own(first), &get),
                quantity(second.score, own(second), &get),
            );
            let found = Beside {
                quiet: shared(first, second, "N", &get),
                undefended: shared(first, second, "A", &get)
                    .filter(|_| first.facts.attack && second.facts.attack),
                ..found
            };
            if unit == Unit::Money && !same_prices {
                found.not_compared(OTHER_PRICES)
            } else {
                found
            }
        })
        .collect()
}
