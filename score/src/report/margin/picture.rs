//! The drawings of a margin: the time line and the curve, with the moments of one run or of two.

use super::in_time;
use crate::margin::margin_s;
use crate::margin::{Loss, Margin};
use crate::report::lanes::clock_s;
use crate::report::lanes::seconds;
use crate::report::svg::{
    Scale, Svg, fit, text_width_px, tick_texts, ticks, time_ticks, widest_px, wrap,
};
use crate::report::words::{clock, number};

/// Most losses that the time line draws; the table has all of them.
const DRAWN: usize = 6;
/// Height of a text line, px.
const LINE_PX: f64 = 16.0;
/// Height of a band, px.
const BAND_PX: f64 = 18.0;
/// Height of the row of a moment over the curve, px.
const MOMENT_PX: f64 = 18.0;

/// A moment that is drawn through all bands.
#[derive(Clone)]
pub(in crate::report) struct Moment {
    pub(in crate::report) name: String,
    /// Simulated ns.
    pub(in crate::report) t_ns: u64,
    /// `true` for an alert, `action` for an action.
    pub(in crate::report) class: &'static str,
}

/// What is drawn.
pub(in crate::report) struct Picture<'a> {
    /// Begins the identifiers of the drawings; unique on the page.
    pub(in crate::report) id: &'a str,
    pub(in crate::report) margin: &'a Margin,
    /// When somebody alerted or acted.
    pub(in crate::report) moments: Vec<Moment>,
    pub(in crate::report) epoch_unix_ns: u64,
    /// Several produced items.
    pub(in crate::report) items: &'a str,
    /// Currency of the amounts, if there are prices.
    pub(in crate::report) currency: Option<&'a str>,
}

/// The quantity of the curve: money where all points have it, else good items.
struct Quantity {
    values: Vec<(u64, f64)>,
    unanswered: f64,
    unit: String,
}

impl Picture<'_> {
    /// When the attack began, and then the others.
    fn all_moments(&self) -> Vec<Moment> {
        let began = Moment {
            name: "attack begins".to_owned(),
            t_ns: self.margin.attack_ns,
            class: "attack",
        };
        std::iter::once(began)
            .chain(self.moments.iter().cloned())
            .collect()
    }

    fn at(&self, t_ns: u64) -> String {
        clock(t_ns, self.epoch_unix_ns)
    }

    /// The part of the run to draw, s: from the first frame to the last damage, alert and action.
    fn range(&self) -> (f64, f64) {
        let margin = self.margin;
        let times = margin
            .losses
            .iter()
            .take(DRAWN)
            .map(|loss| loss.impact_ns)
            .chain(self.moments.iter().map(|moment| moment.t_ns));
        let (mut low, mut high) = (margin.attack_ns, margin.attack_ns);
        for t_ns in times {
            low = low.min(t_ns);
            high = high.max(t_ns);
        }
        let (low, high) = (seconds(low), seconds(high));
        let pad = if high > low { 0.03 * (high - low) } else { 1.0 };
        (low - pad, high + pad)
    }

    /// The time line in one width.
    pub(in crate::report) fn time_line(&self, width: f64, class: &str) -> String {
        let margin = self.margin;
        let (low, high) = self.range();
        let mut svg = Svg::new(width);
        let x = Scale::new(low, high, 6.0, width - 6.0);
        let mut y = 4.0;
        let moments = self.all_moments();
        let mut starts = Vec::new();
        for moment in &moments {
            let px = x.px(seconds(moment.t_ns));
            let text = format!("{} {}", moment.name, self.at(moment.t_ns));
            moment_mark(&mut svg, px, y + 9.0, moment.class, &text);
            text_beside(&mut svg, px, y + 13.0, "strong", &text);
            starts.push((px, y + 16.0));
            y += 20.0;
        }
        y += 6.0;
        let behind = svg.mark();
        for loss in margin.losses.iter().take(DRAWN) {
            y = self.band(&mut svg, loss, &x, y);
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
        y = self.clock_axis(&mut svg, &x, (low, high), (6.0, y));
        svg.described(
            y,
            class,
            &format!("{}-{class}", self.id),
            "Time line from the first frame of the attack to the damage",
            &self.numbers(),
        )
    }

    /// One loss: its name, the band up to the damage, and the times in words. Returns the next free y.
    fn band(&self, svg: &mut Svg, loss: &Loss, x: &Scale, mut y: f64) -> f64 {
        let margin = self.margin;
        let width = svg.width() - 12.0;
        let heading = format!(
            "{} (at {} if nobody acts)",
            loss.label,
            self.at(loss.impact_ns)
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
        for line in wrap(&self.verdict(loss), width) {
            svg.text(6.0, y + 12.0, "start", "dim", &line);
            y += LINE_PX;
        }
        y + 10.0
    }

    /// When a loss could last be prevented, and how alerts and actions stand to it.
    fn verdict(&self, loss: &Loss) -> String {
        let Some(turn) = loss.point_of_no_return_ns else {
            return "Always too late: even a response at the first moment does not prevent it."
                .to_owned();
        };
        let mut text = format!("Preventable until {}", self.at(turn));
        for moment in &self.moments {
            if let Some(margin_s) = margin_s(Some(turn), Some(moment.t_ns)) {
                text.push_str(&format!("; {} {}", moment.name, in_time(margin_s)));
            }
        }
        text.push('.');
        text
    }

    fn clock_axis(
        &self,
        svg: &mut Svg,
        x: &Scale,
        range: (f64, f64),
        (left, y): (f64, f64),
    ) -> f64 {
        let count = if svg.width() < 500.0 { 3.0 } else { 8.0 };
        svg.line(left, y, svg.width() - 6.0, y, "axis");
        for tick in time_ticks(range.0, range.1, count) {
            let px = x.px(tick);
            let text = clock_s(tick, self.epoch_unix_ns);
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

    fn numbers(&self) -> String {
        let all = self.all_moments();
        let marks: Vec<String> = all
            .iter()
            .map(|moment| format!("{} {}", moment.name, self.at(moment.t_ns)))
            .collect();
        let losses: Vec<String> = self
            .margin
            .losses
            .iter()
            .map(|loss| {
                format!(
                    "{} at {} if nobody acts. {}",
                    loss.label,
                    self.at(loss.impact_ns),
                    self.verdict(loss)
                )
            })
            .collect();
        format!("{}. {}", marks.join(", "), losses.join(" "))
    }

    fn quantity(&self) -> Quantity {
        let margin = self.margin;
        let money: Option<Vec<(u64, f64)>> = margin
            .curve
            .iter()
            .map(|point| Some((point.ordered_ns, point.lost.money?)))
            .collect();
        match (money, margin.unanswered.money, self.currency) {
            (Some(values), Some(unanswered), Some(currency)) => Quantity {
                values,
                unanswered,
                unit: currency.to_owned(),
            },
            _ => Quantity {
                values: margin
                    .curve
                    .iter()
                    .map(|point| (point.ordered_ns, point.lost.good_parts))
                    .collect(),
                unanswered: margin.unanswered.good_parts,
                unit: format!("good {}", self.items),
            },
        }
    }

    /// The curve in one width.
    pub(in crate::report) fn curve(&self, width: f64, class: &str) -> String {
        let margin = self.margin;
        let shown = self.quantity();
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
        // The moments have a row each over the drawing, and at least two rows are kept free.
        let rows = self.moments.len().max(2) as f64;
        let top = 28.0 + MOMENT_PX * rows;
        let bottom = top + 186.0;
        let y = Scale::new(low, high, bottom, top);
        let first = shown.values.first().map_or(margin.attack_ns, |(t, _)| *t);
        let last = shown.values.last().map_or(first, |(t, _)| *t);
        let marked = self.moments.iter().map(|moment| moment.t_ns);
        let (first, last) = marked.fold((first, last), |(a, b), t| (a.min(t), b.max(t)));
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
        for moment in &self.moments {
            let px = x.px_inside(seconds(moment.t_ns));
            svg.line(
                px,
                row + 5.0,
                px,
                bottom,
                &format!("moment {}", moment.class),
            );
            moment_mark(&mut svg, px, row, moment.class, &moment.name);
            let text = format!("{} {}", moment.name, self.at(moment.t_ns));
            text_beside(&mut svg, px, row + 4.0, "label", &text);
            row += MOMENT_PX;
        }
        let points: Vec<(f64, f64)> = shown
            .values
            .iter()
            .map(|(t, value)| (x.px(seconds(*t)), y.px(*value)))
            .collect();
        svg.polyline(&points, "guide");
        for ((t, value), (px, py)) in shown.values.iter().zip(&points) {
            let title = format!("ordered at {}: {} lost", self.at(*t), number(*value, 0));
            svg.circle(*px, *py, 4.0, "actual-dot", &title);
        }
        let end = self.clock_axis(&mut svg, &x, (from, to), (left, bottom));
        svg.described(
            end,
            class,
            &format!("{}-curve-{class}", self.id),
            "What is lost by the time at which the response is ordered",
            &self.curve_numbers(&shown),
        )
    }

    fn curve_numbers(&self, shown: &Quantity) -> String {
        let points: Vec<String> = shown
            .values
            .iter()
            .map(|(t, value)| format!("{}: {}", self.at(*t), number(*value, 0)))
            .collect();
        format!(
            "Lost in {} by the time of the order: {}; without a response: {}.",
            shown.unit,
            points.join(", "),
            number(shown.unanswered, 0)
        )
    }
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
