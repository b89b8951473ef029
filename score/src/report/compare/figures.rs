//! How figures of two runs are written.

use super::CompareData;
use crate::compare::{Beside, Better, Unit};
use crate::figure::{Figure, Interval};
use crate::report::attribution::{signed, signed_time};
use crate::report::tables::{Narrow, table};
use crate::report::words::{duration, escape, number, percent};

/// A value as markup.
pub(super) fn show(data: &CompareData<'_>, unit: Unit, value: f64) -> String {
    match unit {
        Unit::Items | Unit::Count => number(value, 0),
        // One decimal: two runs of one plant are often closer than a point.
        Unit::Share => format!("{} %", number(value * 100.0, 1)),
        Unit::Percent => percent(value / 100.0),
        Unit::Seconds => duration(value),
        Unit::Litres => format!("{} L", number(value, 1)),
        Unit::Money => money(data, number(value, 0)),
        Unit::PerHour | Unit::PerTenMinutes => number(value, 2),
    }
}

/// A difference with its sign as markup.
fn show_signed(data: &CompareData<'_>, unit: Unit, value: f64) -> String {
    match unit {
        Unit::Items | Unit::Count => signed(value, 0),
        Unit::Share => format!("{} points", signed(value * 100.0, 1)),
        Unit::Percent => format!("{} points", signed(value, 1)),
        Unit::Seconds => signed_time(value),
        Unit::Litres => format!("{} L", signed(value, 1)),
        Unit::Money => money(data, signed(value, 0)),
        Unit::PerHour | Unit::PerTenMinutes => signed(value, 2),
    }
}

fn money(data: &CompareData<'_>, value: String) -> String {
    format!("{value} {}", escape(data.currency()))
        .trim_end()
        .to_owned()
}

/// How a figure is called in this plant, as markup.
pub(super) fn title(data: &CompareData<'_>, figure: &Beside) -> String {
    escape(&figure.title.replace("items", &data.first.items))
}

fn cell(data: &CompareData<'_>, unit: Unit, figure: &Figure, interval: Option<Interval>) -> String {
    let Some(value) = figure.value else {
        let reason = figure.undefined.as_deref().unwrap_or("not computed");
        return format!("<span class=\"dim\">n/a: {}</span>", escape(reason));
    };
    let certainty = interval.map_or_else(String::new, |i| {
        format!(
            "<br><span class=\"dim\">95 %: {} to {}</span>",
            show(data, unit, i.low),
            show(data, unit, i.high)
        )
    });
    format!("{}{certainty}", show(data, unit, value))
}

fn difference(data: &CompareData<'_>, figure: &Beside) -> String {
    let Some(value) = figure.difference.value else {
        // What one run does not have stands in its own cell already.
        if figure.first.value.is_none() || figure.second.value.is_none() {
            return "n/a".to_owned();
        }
        let reason = figure.difference.undefined.as_deref();
        let reason = escape(reason.unwrap_or("not computed"));
        return format!("<span class=\"dim\">n/a: {reason}</span>");
    };
    if value.abs() <= 0.0 {
        return "equal".to_owned();
    }
    let word = match figure.better {
        Better::More => "more",
        Better::Less => "less",
        Better::Neither => "",
    };
    let favours = figure.favours.map_or_else(String::new, |which| {
        format!(
            "<br><span class=\"dim\">in this pair {word} with {}</span>",
            data.label(which)
        )
    });
    format!("{}{favours}", show_signed(data, figure.unit, value))
}

/// A table of figures: both runs and the difference, and the quiet and the undefended run where any figure has them.
pub(super) fn table_of(data: &CompareData<'_>, label: &str, figures: &[Beside]) -> String {
    let quiet = figures.iter().any(|figure| figure.quiet.is_some());
    let undefended = figures.iter().any(|figure| figure.undefended.is_some());
    let [first, second] = data.labels();
    let mut head = vec!["Figure"];
    if quiet {
        head.push("Quiet run (N)");
    }
    if undefended {
        head.push("Undefended (A)");
    }
    head.extend([first.as_str(), second.as_str(), "Second less first"]);
    let rows: Vec<Vec<String>> = figures
        .iter()
        .map(|figure| {
            let known = |value: Option<f64>| {
                value.map_or_else(String::new, |value| show(data, figure.unit, value))
            };
            let mut row = vec![title(data, figure)];
            if quiet {
                row.push(known(figure.quiet));
            }
            if undefended {
                row.push(known(figure.undefended));
            }
            let unit = figure.unit;
            row.push(cell(data, unit, &figure.first, figure.first_interval));
            row.push(cell(data, unit, &figure.second, figure.second_interval));
            row.push(difference(data, figure));
            row
        })
        .collect();
    table(label, Narrow::Stack, &head, &rows)
}
