//! What each defense saw and how noisily, beside each other.

use std::collections::{BTreeMap, BTreeSet};

use super::figures::{Beside, Better, NO_RUNS, Unit};
use crate::detection::Detection;
use crate::figure::{Figure, Interval};
use crate::metrics::AlarmLoad;
use crate::score::Score;

/// One row of the detection table: name, title, unit, direction and value.
type Watched = (
    &'static str,
    &'static str,
    Unit,
    Better,
    fn(&Score) -> Figure,
);

const WATCHED: [Watched; 9] = [
    // Without a direction: a defense that ends the attack leaves fewer steps to see.
    (
        "steps_detected",
        "Attack steps seen",
        Unit::Count,
        Better::Neither,
        |s| Figure::of(s.detection.steps_detected as f64),
    ),
    (
        "steps_total",
        "Attack steps that ran",
        Unit::Count,
        Better::Neither,
        |s| Figure::of(s.detection.steps_total as f64),
    ),
    (
        "recall",
        "Share of the steps seen",
        Unit::Share,
        Better::More,
        |s| s.detection.recall.clone(),
    ),
    (
        "time_to_detect_s",
        "Median time to detect",
        Unit::Seconds,
        Better::Neither,
        |s| s.detection.time_to_detect.median_s.clone(),
    ),
    (
        "detected_before_impact",
        "Seen before the damage",
        Unit::Share,
        Better::More,
        |s| s.detection.detected_before_impact.clone(),
    ),
    (
        "false_alarms_per_hour",
        "False alarms per hour",
        Unit::PerHour,
        Better::Less,
        |s| s.detection.false_alarms_per_day.map(|rate| rate / HOURS),
    ),
    (
        "alarm_time_percent",
        "Quiet time in alarm",
        Unit::Percent,
        Better::Less,
        |s| s.detection.alarm_time_percent.clone(),
    ),
    (
        "alarm_precision",
        "Alarms that are true",
        Unit::Share,
        Better::More,
        |s| s.detection.alarm_precision.clone(),
    ),
    (
        "uptime_tax_percent",
        "Uptime tax on a quiet shift",
        Unit::Percent,
        Better::Less,
        |s| match &s.continuity {
            Some(continuity) => continuity.good_parts.uptime_tax_percent.clone(),
            None => Figure::undefined(NO_RUNS),
        },
    ),
];

/// What each defense saw and how noisily, and what it costs on a quiet shift.
pub(super) fn detection(first: &Score, second: &Score) -> Vec<Beside> {
    let mut found = Vec::new();
    for (name, title, unit, better, get) in WATCHED {
        let row = Beside::of((name, title), unit, better, get(first), get(second));
        let intervals = |score: &Score| match name {
            "recall" => score.detection.recall_interval,
            "false_alarms_per_hour" => score.detection.false_alarms_per_day_interval.map(per_hour),
            _ => None,
        };
        let row = row.with_intervals(intervals(first), intervals(second));
        if name == "time_to_detect_s" {
            found.push(row.not_compared(OWN_STEPS));
            found.push(time_to_detect_both(&first.detection, &second.detection));
        } else {
            found.push(row);
        }
    }
    found
}

const OWN_STEPS: &str = "each is over the steps that ran in its own run";

/// Median time to detect of the steps that both saw.
fn time_to_detect_both(first: &Detection, second: &Detection) -> Beside {
    let time = |detection: &Detection, id: &str| {
        let mut steps = detection.steps.iter();
        let step = steps.find(|step| step.id == id && step.detected)?;
        step.time_to_detect_s
    };
    let steps = first.steps.iter();
    let (ones, others): (Vec<f64>, Vec<f64>) = steps
        .filter_map(|step| Some((time(first, &step.id)?, time(second, &step.id)?)))
        .unzip();
    let figure = |times: Vec<f64>| match median(times) {
        Some(median_s) => Figure::of(median_s),
        None => Figure::undefined("there is no step that both saw"),
    };
    Beside::of(
        ("time_to_detect_both_s", "Median time of what both saw"),
        Unit::Seconds,
        Better::Less,
        figure(ones),
        figure(others),
    )
}

/// The middle of values, or the mean of the two middle ones.
fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    let upper = *values.get(middle)?;
    Some(if values.len() % 2 == 1 {
        upper
    } else {
        (values[middle - 1] + upper) / 2.0
    })
}

/// Hours in a day.
const HOURS: f64 = 24.0;

fn per_hour(interval: Interval) -> Interval {
    Interval {
        low: interval.low / HOURS,
        high: interval.high / HOURS,
        ..interval
    }
}

fn loads(first: Option<&AlarmLoad>, second: Option<&AlarmLoad>) -> Vec<Beside> {
    type Get = fn(&AlarmLoad) -> f64;
    let rows: [(&str, &str, Unit, Get); 6] = [
        ("alarms", "Alarms", Unit::Count, |l| l.alarms as f64),
        (
            "alarms_per_10_min",
            "Alarms in 10 min on average (about 1, at most 2)",
            Unit::PerTenMinutes,
            |l| l.per_10_min,
        ),
        (
            "most_in_10_min",
            "Most in 10 min (at most 10)",
            Unit::Count,
            |l| l.most_in_10_min as f64,
        ),
        (
            "periods_over_10_percent",
            "10 min periods with more than 10 (below 1 %)",
            Unit::Percent,
            |l| l.periods_over_10_percent,
        ),
        (
            "alarm_flood_percent",
            "Time in a flood (below 1 %)",
            Unit::Percent,
            |l| l.flood_percent,
        ),
        (
            "chattering",
            "Chattering sources (none)",
            Unit::Count,
            |l| l.chattering.len() as f64,
        ),
    ];
    let figure = |load: Option<&AlarmLoad>, get: Get| match load {
        Some(load) => Figure::of(get(load)),
        None => Figure::undefined("the score has no alarm load"),
    };
    if first.is_none() && second.is_none() {
        return Vec::new();
    }
    rows.into_iter()
        .map(|(name, title, unit, get)| {
            let (one, other) = (figure(first, get), figure(second, get));
            // Few alarms are a light load; whether they are the right ones is told by what was seen.
            Beside::of((name, title), unit, Better::Neither, one, other)
        })
        .collect()
}

/// Load of the tools' own alarms.
pub(super) fn alarm_load(first: &Score, second: &Score) -> Vec<Beside> {
    loads(first.alarm_load.as_ref(), second.alarm_load.as_ref())
}

/// Load of the plant's alarms, by HMI.
pub(super) fn operator_load(first: &Score, second: &Score) -> BTreeMap<String, Vec<Beside>> {
    let names = first
        .operator_load
        .keys()
        .chain(second.operator_load.keys());
    let names: BTreeSet<&String> = names.collect();
    names
        .into_iter()
        .map(|name| {
            let (one, other) = (
                first.operator_load.get(name),
                second.operator_load.get(name),
            );
            (name.clone(), loads(one, other))
        })
        .collect()
}
