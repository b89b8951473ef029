//! How long there was to act: a time line up to the damage, and what is lost by the time of the response.

mod picture;

use super::lanes::seconds;
use super::tables::{Narrow, key, legend, table};
use super::words::{clock, duration, escape, number};
use super::{ReportData, both_widths};
pub(super) use crate::margin::in_time;
use crate::margin::{Margin, Point};
use crate::score::Score;
pub(super) use picture::{Moment, Picture};

fn at(data: &ReportData<'_>, t_ns: u64) -> String {
    clock(t_ns, data.score.header.epoch_unix_ns)
}

/// The section for a manager: words, the time line and the curve. Empty without a margin.
pub(super) fn section(data: &ReportData<'_>) -> String {
    let Some(margin) = &data.score.margin else {
        return String::new();
    };
    let own = [
        ("first alert", margin.first_alert_ns, "true"),
        ("first action", margin.first_action_ns, "action"),
    ];
    let moments = own.into_iter().filter_map(|(name, t_ns, class)| {
        Some(Moment {
            name: name.to_owned(),
            t_ns: t_ns?,
            class,
        })
    });
    let picture = Picture {
        id: "margin",
        margin,
        moments: moments.collect(),
        epoch_unix_ns: data.score.header.epoch_unix_ns,
        items: &data.items,
        currency: currency(data.score),
    };
    format!(
        "<p>{}</p>\n{}",
        in_words(data, margin),
        picture_of(&picture)
    )
}

/// The currency of the prices, if there are prices.
pub(super) fn currency(score: &Score) -> Option<&str> {
    let prices = score.continuity.as_ref()?.prices.as_ref()?;
    Some(prices.currency.as_str())
}

/// The time line with its legend, and the curve.
pub(super) fn picture_of(picture: &Picture<'_>) -> String {
    let margin = picture.margin;
    let mut html = String::new();
    if !margin.losses.is_empty() {
        html.push_str(&legend(&[
            (key::IN_TIME, "in time: the response still prevents it"),
            (key::IMPACT, "too late"),
            (key::CROSS, "the damage, if nobody acts"),
            (key::TRUE_ALARM, "first alert"),
            (key::FIRST_ACTION, "first action"),
        ]));
        html.push_str(&both_widths(|width, class| picture.time_line(width, class)));
    }
    if margin.curve.len() > 1 {
        html.push_str(&format!(
            "<h4>What is lost if the response is ordered at a given moment</h4>\n<p>The response that was tried: {}. \
             Each dot is a run of its own; the line between them only guides the eye.</p>\n",
            escape(&margin.response)
        ));
        html.push_str(&both_widths(|width, class| picture.curve(width, class)));
    }
    html
}

/// How much time there was, in one or two sentences.
fn in_words(data: &ReportData<'_>, margin: &Margin) -> String {
    let began = at(data, margin.attack_ns);
    if margin.losses.is_empty() {
        return format!(
            "The attack began at {began}. Undefended, the plant breaks none of the limits that the scenario watches, so \
             there was no damage to be in time for."
        );
    }
    let turns: Vec<Option<u64>> = margin
        .losses
        .iter()
        .map(|loss| loss.point_of_no_return_ns)
        .collect();
    let last = turns.iter().flatten().copied().min();
    let Some(last) = last else {
        return format!(
            "The attack began at {began}, and from its first moment <strong>it was too late</strong> to prevent what \
             followed: even a response ordered at once does not."
        );
    };
    let mut text = format!(
        "The attack began at {began}. Whoever ordered the response by <strong>{}</strong> could still prevent the \
         damage: there were <strong>{}</strong> to act.",
        at(data, last),
        duration(seconds(last.saturating_sub(margin.attack_ns))).replace(' ', "\u{a0}")
    );
    for (what, when) in [
        ("The first alert", margin.first_alert_ns),
        ("The first action", margin.first_action_ns),
    ] {
        text.push_str(&match when {
            Some(when) => format!(
                " {what} came at {}, {}.",
                at(data, when),
                in_time(seconds(last) - seconds(when))
            ),
            None => format!(" {what} never came."),
        });
    }
    text.push_str(&too_late_words(&turns));
    text
}

/// How many losses nothing prevents, as a sentence; empty where there is none.
///
/// # Arguments
///
/// * `turns` — the point of no return of each loss, simulated ns; `None` where it was always too late.
pub(super) fn too_late_words(turns: &[Option<u64>]) -> String {
    match turns.iter().filter(|turn| turn.is_none()).count() {
        0 => String::new(),
        late => format!(
            " For {late} of the {} losses even a response at the first moment is too late.",
            turns.len()
        ),
    }
}

/// The section for the SOC: each loss with its margins, and each tried moment. Empty without a margin.
pub(super) fn tables_of(data: &ReportData<'_>) -> String {
    let Some(margin) = &data.score.margin else {
        return String::new();
    };
    let mut html = format!(
        "<p>Point of no return: the latest order of the response that still prevents a loss, found by {} runs to \
         within {}. Response: {}.</p>\n",
        margin.runs,
        duration(margin.resolution_s),
        escape(&margin.response)
    );
    let margin_cell =
        |margin_s: Option<f64>, missing: &str| margin_s.map_or_else(|| missing.to_owned(), in_time);
    let rows: Vec<Vec<String>> = margin
        .losses
        .iter()
        .map(|loss| {
            vec![
                escape(&loss.label),
                at(data, loss.impact_ns),
                loss.point_of_no_return_ns
                    .map_or_else(|| "before the first frame".to_owned(), |t| at(data, t)),
                margin_cell(loss.alert_margin_s, "n/a"),
                margin_cell(loss.action_margin_s, "n/a"),
                if loss.steps.is_empty() {
                    "no single one".to_owned()
                } else {
                    escape(&loss.steps.join(", "))
                },
            ]
        })
        .collect();
    if rows.is_empty() {
        html.push_str(
            "<p>The undefended plant breaks no limit: there is no loss to be in time for.</p>\n",
        );
    } else {
        html.push_str(&table(
            "Points of no return",
            Narrow::Stack,
            &[
                "Loss",
                "Undefended",
                "Point of no return",
                "First alert",
                "First action",
                "Steps without which it does not happen",
            ],
            &rows,
        ));
    }
    if !margin.curve.is_empty() {
        html.push_str("<h4>By the time of the response</h4>\n");
        html.push_str(&points_table(data, margin));
    }
    html
}

fn points_table(data: &ReportData<'_>, margin: &Margin) -> String {
    let good = format!("Good {} lost", escape(&data.items));
    let priced = margin.unanswered.money.is_some();
    let cells =
        |when: String, after: String, point: &crate::attribution::Amounts, broken: String| {
            let mut row = vec![when, after, number(point.good_parts, 0)];
            if priced {
                row.push(
                    point
                        .money
                        .map_or_else(|| "n/a".to_owned(), |m| number(m, 0)),
                );
            }
            row.push(broken);
            row
        };
    let label_of = |id: &String| {
        margin
            .losses
            .iter()
            .find(|loss| loss.id == *id)
            .map_or_else(|| escape(id), |loss| escape(&loss.label))
    };
    let broken = |point: &Point| {
        let labels: Vec<String> = point.violated.iter().map(label_of).collect();
        if labels.is_empty() {
            "none".to_owned()
        } else {
            labels.join("; ")
        }
    };
    let mut rows: Vec<Vec<String>> = margin
        .curve
        .iter()
        .map(|point| {
            let after = seconds(point.ordered_ns) - seconds(margin.attack_ns);
            cells(
                at(data, point.ordered_ns),
                duration(after),
                &point.lost,
                broken(point),
            )
        })
        .collect();
    let all: Vec<String> = margin
        .losses
        .iter()
        .map(|loss| escape(&loss.label))
        .collect();
    rows.push(cells(
        "never".to_owned(),
        String::new(),
        &margin.unanswered,
        if all.is_empty() {
            "none".to_owned()
        } else {
            all.join("; ")
        },
    ));
    let currency = currency(data.score).map_or_else(String::new, escape);
    let money = format!("{currency} lost");
    let mut head = vec!["Response ordered", "After the first frame", &good];
    if priced {
        head.push(&money);
    }
    head.push("Limits broken all the same");
    table(
        "Losses by the time of the response",
        Narrow::Stack,
        &head,
        &rows,
    )
}
