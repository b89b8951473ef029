//! How long there was to act: a time line up to the damage, and what is lost by the time of the response.

use super::svg::{Scale, Svg, fit, text_width_px, tick_texts, ticks, time_ticks, widest_px, wrap};
use super::tables::{Narrow, table};
use super::words::{clock, duration, escape, number};
use super::{ReportData, both_widths};
use crate::margin::{Loss, Margin, Point};

/// Most losses that the time line draws; the table has all of them.
const DRAWN: usize = 6;
/// Height of a text line, px.
const LINE_PX: f64 = 16.0;
/// Height of a band, px.
const BAND_PX: f64 = 18.0;

fn seconds(t_ns: u64) -> f64 {
    t_ns as f64 / 1e9
}

fn at(data: &ReportData<'_>, t_ns: u64) -> String {
    clock(t_ns, data.score.header.epoch_unix_ns)
}

/// The section for a manager: words, the time line and the curve. Empty without a margin.
pub(super) fn section(data: &ReportData<'_>) -> String {
    let Some(margin) = &data.score.margin else {
        return String::new();
    };
    let mut html = format!("<p>{}</p>\n", in_words(data, margin));
    if !margin.losses.is_empty() {
        html.push_str(&legend());
        html.push_str(&both_widths(|width, class| {
            time_line(data, margin, width, class)
        }));
    }
    if margin.curve.len() > 1 {
        html.push_str(&format!(
            "<h4>What is lost if the response is ordered at a given moment</h4>\n<p>The response that was tried: {}. \
             Each dot is a run of its own; the line between them only guides the eye.</p>\n",
            escape(&margin.response)
        ));
        html.push_str(&both_widths(|width, class| {
            curve(data, margin, width, class)
        }));
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
    let last = margin
        .losses
        .iter()
        .filter_map(|loss| loss.point_of_no_return_ns)
        .min();
    let always_late = margin
        .losses
        .iter()
        .filter(|loss| loss.point_of_no_return_ns.is_none())
        .count();
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
    if always_late > 0 {
        text.push_str(&format!(
            " For {always_late} of the {} losses even a response at the first moment is too late.",
            margin.losses.len()
        ));
    }
    text
}

/// A margin in words: `2 min in time`, `20 s too late`.
pub(super) fn in_time(margin_s: f64) -> String {
    if margin_s >= 0.0 {
        format!("{} in time", duration(margin_s))
    } else {
        format!("{} too late", duration(-margin_s))
    }
}

fn legend() -> String {
    let mark = |body: &str, text: &str| {
        format!(
            "<li><svg viewBox=\"0 0 22 14\" width=\"22\" height=\"14\" aria-hidden=\"true\">{body}</svg> {text}</li>\n"
        )
    };
    format!(
        "<ul class=\"legend\">\n{}{}{}{}{}</ul>\n",
        mark(
            "<rect x=\"1\" y=\"2\" width=\"20\" height=\"10\" class=\"in-time\"/>",
            "in time: the response still prevents it"
        ),
        mark(
            "<rect x=\"1\" y=\"2\" width=\"20\" height=\"10\" class=\"impact-key\"/>",
            "too late"
        ),
        mark(
            "<path d=\"M6 2 L16 12 M16 2 L6 12\" class=\"cross\"/>",
            "the damage, if nobody acts"
        ),
        mark(
            "<circle cx=\"11\" cy=\"7\" r=\"5\" class=\"true\"/>",
            "first alert"
        ),
        mark(
            "<rect x=\"4\" y=\"1\" width=\"14\" height=\"12\" class=\"action\"/>",
            "first action"
        ),
    )
}

/// A moment that is drawn through all bands.
struct Moment {
    name: &'static str,
    t_ns: u64,
    class: &'static str,
}

fn moments(margin: &Margin) -> Vec<Moment> {
    let all = [
        ("attack begins", Some(margin.attack_ns), "attack"),
        ("first alert", margin.first_alert_ns, "true"),
        ("first action", margin.first_action_ns, "action"),
    ];
    all.into_iter()
        .filter_map(|(name, t_ns, class)| {
            Some(Moment {
                name,
                t_ns: t_ns?,
                class,
            })
        })
        .collect()
}

/// The part of the run to draw, s: from the first frame to the last damage, alert and action.
fn range(margin: &Margin) -> (f64, f64) {
    let times = margin
        .losses
        .iter()
        .take(DRAWN)
        .map(|loss| loss.impact_ns)
        .chain(moments(margin).into_iter().map(|moment| moment.t_ns));
    let (mut low, mut high) = (margin.attack_ns, margin.attack_ns);
    for t_ns in times {
        low = low.min(t_ns);
        high = high.max(t_ns);
    }
    let (low, high) = (seconds(low), seconds(high));
    let pad = if high > low { 0.03 * (high - low) } else { 1.0 };
    (low - pad, high + pad)
}

/// A text beside a position, on the side that has room.
fn text_beside(svg: &mut Svg, x: f64, y: f64, class: &str, text: &str) {
    let right_px = svg.width() - x - 12.0;
    let left_px = x - 12.0;
    if text_width_px(text) <= right_px || right_px >= left_px {
        let shown = fit(text, right_px);
        svg.text(x + 9.0, y, "start", class, &shown);
    } else {
        let shown = fit(text, left_px);
        svg.text(x - 9.0, y, "end", class, &shown);
    }
}

fn moment_mark(svg: &mut Svg, x: f64, y: f64, class: &str, title: &str) {
    match class {
        "true" => svg.circle(x, y, 5.5, class, title),
        "action" => svg.rect(x - 6.0, y - 6.0, 12.0, 12.0, class, title),
        _ => svg.rect(x - 2.0, y - 7.0, 4.0, 14.0, class, title),
    }
}

fn time_line(data: &ReportData<'_>, margin: &Margin, width: f64, class: &str) -> String {
    let (low, high) = range(margin);
    let mut svg = Svg::new(width);
    let x = Scale::new(low, high, 6.0, width - 6.0);
    let mut y = 4.0;
    let moments = moments(margin);
    let mut starts = Vec::new();
    for moment in &moments {
        let px = x.px(seconds(moment.t_ns));
        let text = format!("{} {}", moment.name, at(data, moment.t_ns));
        moment_mark(&mut svg, px, y + 9.0, moment.class, &text);
        text_beside(&mut svg, px, y + 13.0, "strong", &text);
        starts.push((px, y + 16.0));
        y += 20.0;
    }
    y += 6.0;
    let behind = svg.mark();
    for loss in margin.losses.iter().take(DRAWN) {
        y = band(&mut svg, data, margin, loss, &x, y);
    }
    if margin.losses.len() > DRAWN {
        let more = format!("and {} more in the table", margin.losses.len() - DRAWN);
        svg.text(6.0, y + 12.0, "start", "dim", &more);
        y += LINE_PX + 4.0;
    }
    // Behind the texts of the bands, in front of nothing that they would hide.
    for ((px, top), moment) in starts.iter().zip(&moments) {
        svg.line_behind(
            behind,
            *px,
            *top,
            *px,
            y,
            &format!("moment {}", moment.class),
        );
    }
    y = clock_axis(&mut svg, data, &x, (low, high), (6.0, y));
    svg.described(
        y,
        class,
        &format!("margin-{class}"),
        "Time line from the first frame of the attack to the damage",
        &numbers(data, margin),
    )
}

/// One loss: its name, the band up to the damage, and the times in words. Returns the next free y.
fn band(
    svg: &mut Svg,
    data: &ReportData<'_>,
    margin: &Margin,
    loss: &Loss,
    x: &Scale,
    mut y: f64,
) -> f64 {
    let width = svg.width() - 12.0;
    let heading = format!(
        "{} (at {} if nobody acts)",
        loss.label,
        at(data, loss.impact_ns)
    );
    for line in wrap(&heading, width) {
        svg.text(6.0, y + 12.0, "start", "strong", &line);
        y += LINE_PX;
    }
    y += 3.0;
    let from = x.px_inside(seconds(margin.attack_ns));
    let to = x.px_inside(seconds(loss.impact_ns));
    let turn = loss
        .point_of_no_return_ns
        .map_or(from, |t_ns| x.px_inside(seconds(t_ns)));
    let late = loss.point_of_no_return_ns.map_or(from, |_| turn);
    if turn > from {
        svg.rect(from, y, turn - from, BAND_PX, "in-time", "in time");
        if turn - from > 70.0 {
            svg.text(
                (from + turn) / 2.0,
                y + 13.0,
                "middle",
                "on-band",
                "in time",
            );
        }
    }
    let late_px = if to - late < 2.0 { 2.0 } else { to - late };
    svg.rect(late, y, late_px, BAND_PX, "impact", "too late");
    let (left, top) = (to - 5.0, y + BAND_PX / 2.0 - 5.0);
    svg.line(left, top, left + 10.0, top + 10.0, "cross");
    svg.line(left + 10.0, top, left, top + 10.0, "cross");
    y += BAND_PX + 2.0;
    for line in wrap(&verdict(data, loss), width) {
        svg.text(6.0, y + 12.0, "start", "dim", &line);
        y += LINE_PX;
    }
    y + 10.0
}

/// When a loss could last be prevented, and how alert and action stand to it.
fn verdict(data: &ReportData<'_>, loss: &Loss) -> String {
    let Some(turn) = loss.point_of_no_return_ns else {
        return "Always too late: even a response at the first moment does not prevent it."
            .to_owned();
    };
    let mut text = format!("Preventable until {}", at(data, turn));
    for (what, margin_s) in [
        ("first alert", loss.alert_margin_s),
        ("first action", loss.action_margin_s),
    ] {
        if let Some(margin_s) = margin_s {
            text.push_str(&format!("; {what} {}", in_time(margin_s)));
        }
    }
    text.push('.');
    text
}

fn clock_axis(
    svg: &mut Svg,
    data: &ReportData<'_>,
    x: &Scale,
    range: (f64, f64),
    (left, y): (f64, f64),
) -> f64 {
    let count = if svg.width() < 500.0 { 3.0 } else { 8.0 };
    svg.line(left, y, svg.width() - 6.0, y, "axis");
    for tick in time_ticks(range.0, range.1, count) {
        let px = x.px(tick);
        let text = super::timeline::at(data, tick);
        let half = text_width_px(&text) / 2.0;
        let anchor = if px < half {
            "start"
        } else if px > svg.width() - half {
            "end"
        } else {
            "middle"
        };
        svg.line(px, y, px, y + 5.0, "axis");
        svg.text(px, y + 18.0, anchor, "dim", &text);
    }
    y + 24.0
}

fn numbers(data: &ReportData<'_>, margin: &Margin) -> String {
    let marks: Vec<String> = moments(margin)
        .iter()
        .map(|moment| format!("{} {}", moment.name, at(data, moment.t_ns)))
        .collect();
    let losses: Vec<String> = margin
        .losses
        .iter()
        .map(|loss| {
            format!(
                "{} at {} if nobody acts. {}",
                loss.label,
                at(data, loss.impact_ns),
                verdict(data, loss)
            )
        })
        .collect();
    format!("{}. {}", marks.join(", "), losses.join(" "))
}

/// The quantity of the curve: money where all points have it, else good items.
struct Quantity {
    values: Vec<(u64, f64)>,
    unanswered: f64,
    unit: String,
}

fn quantity(data: &ReportData<'_>, margin: &Margin) -> Quantity {
    let money: Option<Vec<(u64, f64)>> = margin
        .curve
        .iter()
        .map(|point| Some((point.ordered_ns, point.lost.money?)))
        .collect();
    let currency = data
        .score
        .continuity
        .as_ref()
        .and_then(|continuity| continuity.prices.as_ref());
    match (money, margin.unanswered.money, currency) {
        (Some(values), Some(unanswered), Some(prices)) => Quantity {
            values,
            unanswered,
            unit: prices.currency.clone(),
        },
        _ => Quantity {
            values: margin
                .curve
                .iter()
                .map(|point| (point.ordered_ns, point.lost.good_parts))
                .collect(),
            unanswered: margin.unanswered.good_parts,
            unit: format!("good {}", data.items),
        },
    }
}

fn curve(data: &ReportData<'_>, margin: &Margin, width: f64, class: &str) -> String {
    let shown = quantity(data, margin);
    let all = shown
        .values
        .iter()
        .map(|(_, value)| *value)
        .chain([0.0, shown.unanswered]);
    let (mut low, mut high) = (0.0_f64, 0.0_f64);
    for value in all {
        low = if value < low { value } else { low };
        high = if value > high { value } else { high };
    }
    let pad = if high > low { 0.1 * (high - low) } else { 1.0 };
    let (low, high) = (if low < 0.0 { low - pad } else { 0.0 }, high + pad);
    let ticks = ticks(low, high, 4.0);
    let texts = tick_texts(&ticks);
    let mut svg = Svg::new(width);
    let left = widest_px(&texts) + 12.0;
    let (top, bottom) = (64.0, 250.0);
    let y = Scale::new(low, high, bottom, top);
    let first = shown.values.first().map_or(margin.attack_ns, |(t, _)| *t);
    let last = shown.values.last().map_or(first, |(t, _)| *t);
    let marked = [margin.first_alert_ns, margin.first_action_ns];
    let (first, last) = marked
        .into_iter()
        .flatten()
        .fold((first, last), |(a, b), t| (a.min(t), b.max(t)));
    let (from, to) = (seconds(first), seconds(last));
    let x = Scale::new(from, to, left + 6.0, width - 10.0);
    for (tick, text) in ticks.iter().zip(&texts) {
        svg.line(left, y.px(*tick), width, y.px(*tick), "grid");
        svg.text(left - 6.0, y.px(*tick) + 4.0, "end", "dim", text);
    }
    let unit = format!("Lost [{}]", shown.unit);
    svg.text(0.0, 12.0, "start", "strong", &fit(&unit, width));
    let level = y.px(shown.unanswered);
    svg.line(left, level, width, level, "unanswered");
    let without = format!("without a response: {}", number(shown.unanswered, 0));
    svg.text(width, level - 5.0, "end", "label", &without);
    let mut row = 30.0;
    for moment in moments(margin).iter().skip(1) {
        let px = x.px_inside(seconds(moment.t_ns));
        svg.line(
            px,
            row + 5.0,
            px,
            bottom,
            &format!("moment {}", moment.class),
        );
        moment_mark(&mut svg, px, row, moment.class, moment.name);
        let text = format!("{} {}", moment.name, at(data, moment.t_ns));
        text_beside(&mut svg, px, row + 4.0, "label", &text);
        row += 18.0;
    }
    let points: Vec<(f64, f64)> = shown
        .values
        .iter()
        .map(|(t, value)| (x.px(seconds(*t)), y.px(*value)))
        .collect();
    svg.polyline(&points, "guide");
    for ((t, value), (px, py)) in shown.values.iter().zip(&points) {
        let title = format!("ordered at {}: {} lost", at(data, *t), number(*value, 0));
        svg.circle(*px, *py, 4.0, "actual-dot", &title);
    }
    let end = clock_axis(&mut svg, data, &x, (from, to), (left, bottom));
    svg.described(
        end,
        class,
        &format!("margin-curve-{class}"),
        "What is lost by the time at which the response is ordered",
        &curve_numbers(data, &shown),
    )
}

fn curve_numbers(data: &ReportData<'_>, shown: &Quantity) -> String {
    let points: Vec<String> = shown
        .values
        .iter()
        .map(|(t, value)| format!("{}: {}", at(data, *t), number(*value, 0)))
        .collect();
    format!(
        "Lost in {} by the time of the order: {}; without a response: {}.",
        shown.unit,
        points.join(", "),
        number(shown.unanswered, 0)
    )
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
    let currency = data
        .score
        .continuity
        .as_ref()
        .and_then(|continuity| continuity.prices.as_ref())
        .map_or_else(String::new, |prices| escape(&prices.currency));
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
