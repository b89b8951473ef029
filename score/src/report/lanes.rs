//! Lanes and charts over one time axis: what the timeline of a run and that of two runs are drawn with.

use super::curves::{Chart, chart_axis, decimate, runs};
use super::svg::{Scale, Svg, fit, text_width_px, time_ticks};
use super::words::clock;
use super::{ActionMark, Impact, MEDIUM_PX, NARROW_PX};
use crate::detection::{Alarm, StepResult, Verdict};

/// Height of a lane's row, px.
const ROW_PX: f64 = 22.0;
/// Height of a chart, px.
const CHART_PX: f64 = 96.0;
/// Least height of a chart, px.
const CHART_LEAST_PX: f64 = 60.0;
/// Room for all charts on a page of paper, px.
const PAPER_CHARTS_PX: f64 = 434.0;
/// Room for the names of charts at the left of a wide drawing, px.
const NAMES_PX: f64 = 104.0;
/// The most marks that a lane draws.
pub(super) const MARKS: usize = 600;
/// The most actions that a lane draws.
const ACTIONS: usize = 12;

/// Height of a chart, px: on paper all of them have to go on one page.
fn chart_px(charts: usize, width: f64) -> f64 {
    let fair_px = PAPER_CHARTS_PX / charts as f64;
    if width != MEDIUM_PX || fair_px >= CHART_PX {
        CHART_PX
    } else if fair_px > CHART_LEAST_PX {
        fair_px
    } else {
        CHART_LEAST_PX
    }
}

pub(super) fn seconds(t_ns: u64) -> f64 {
    t_ns as f64 / 1e9
}

/// A simulated second as plant clock time.
#[expect(
    clippy::cast_possible_truncation,
    reason = "the cast saturates; ticks are whole seconds in the run"
)]
pub(super) fn clock_s(t_s: f64, epoch_unix_ns: u64) -> String {
    clock(
        (t_s.round() as u64).saturating_mul(1_000_000_000),
        epoch_unix_ns,
    )
}

/// Clock time without seconds where they are zero, and without the day.
pub(super) fn short_clock(t_s: f64, epoch_unix_ns: u64) -> String {
    let full = clock_s(t_s, epoch_unix_ns);
    let time = full.rsplit(", ").next().unwrap_or(&full);
    time.strip_suffix(":00")
        .filter(|short| short.len() == 5)
        .unwrap_or(time)
        .to_owned()
}

/// The part of a run in which something happens, s, with a margin; the whole run without any.
///
/// # Arguments
///
/// * `times` — beginnings and ends of what is to be seen, s.
/// * `end_s` — length of the run.
pub(super) fn focus_on(times: &[f64], end_s: f64) -> (f64, f64) {
    let low = times
        .iter()
        .copied()
        .reduce(|a, b| if b < a { b } else { a });
    let high = times
        .iter()
        .copied()
        .reduce(|a, b| if b > a { b } else { a });
    let (Some(low), Some(high)) = (low, high) else {
        return (0.0, if end_s > 0.0 { end_s } else { 1.0 });
    };
    let margin = 0.12 * (high - low) + 30.0;
    let start = if low > margin { low - margin } else { 0.0 };
    let end = if high + margin < end_s {
        high + margin
    } else {
        end_s
    };
    if end > start {
        (start, end)
    } else {
        (start, start + 1.0)
    }
}

pub(super) fn steps_s(steps: &[StepResult]) -> impl Iterator<Item = f64> {
    let ends = steps.iter().flat_map(|s| [s.start_ns, s.end_ns]);
    ends.map(seconds)
}

pub(super) fn actions_s(actions: &[ActionMark]) -> impl Iterator<Item = f64> {
    let ends = actions
        .iter()
        .flat_map(|a| [a.start_ns, a.end_ns.unwrap_or(a.start_ns)]);
    ends.map(seconds)
}

fn alarm_class(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::True => "true",
        Verdict::False => "false",
        Verdict::Unattributed | Verdict::Recovery => "other",
    }
}

pub(super) fn alarm_mark(svg: &mut Svg, x: f64, y: f64, alarm: &Alarm, title: &str) {
    let class = alarm_class(alarm.verdict);
    match alarm.verdict {
        Verdict::True => svg.circle(x, y, 5.0, class, title),
        Verdict::False => svg.diamond(x, y, 6.0, class, title),
        Verdict::Unattributed | Verdict::Recovery => {
            svg.rect(x - 4.5, y - 4.5, 9.0, 9.0, class, title)
        }
    }
}

/// A drawing in progress, from top to bottom.
pub(super) struct Lanes {
    svg: Svg,
    x: Scale,
    left: f64,
    right: f64,
    y: f64,
    narrow: bool,
    chart_px: f64,
    focus: (f64, f64),
    epoch_unix_ns: u64,
}

/// Where vertical grid lines begin, see [`Lanes::axis`].
#[derive(Clone, Copy)]
pub(super) struct Top {
    y: f64,
    mark: usize,
}

impl Lanes {
    /// # Arguments
    ///
    /// * `focus` — the part of the run to draw, s.
    /// * `charts` — those that will be drawn, which make the margin.
    pub(super) fn new(
        epoch_unix_ns: u64,
        focus: (f64, f64),
        width: f64,
        charts: &[Chart<'_>],
    ) -> Self {
        let narrow = width <= NARROW_PX;
        // Every label of every chart is whole: the widest makes the margin.
        let labels_px = charts
            .iter()
            .map(|chart| chart_axis(chart, focus).labels_px())
            .fold(0.0, |widest, px| if px > widest { px } else { widest });
        let names_px = if narrow { 0.0 } else { NAMES_PX };
        let least = if narrow { 34.0 } else { 150.0 };
        let left = names_px + labels_px + 6.0;
        let (left, right) = (if left > least { left } else { least }, width - 6.0);
        let x = Scale::new(focus.0, focus.1, left, right);
        Self {
            svg: Svg::new(width),
            x,
            left,
            right,
            y: 6.0,
            narrow,
            chart_px: chart_px(charts.len(), width),
            focus,
            epoch_unix_ns,
        }
    }

    /// Where the drawing is now, for grid lines behind what comes next.
    pub(super) fn top(&self) -> Top {
        Top {
            y: self.y,
            mark: self.svg.mark(),
        }
    }

    /// The drawing as an element, see [`Svg::described`].
    pub(super) fn described(self, class: &str, id: &str, name: &str, numbers: &str) -> String {
        self.svg.described(self.y, class, id, name, numbers)
    }

    fn at(&self, t_s: f64) -> String {
        clock_s(t_s, self.epoch_unix_ns)
    }

    /// A heading over the lanes that follow.
    pub(super) fn heading(&mut self, text: &str) {
        let shown = fit(text, self.svg.width());
        self.svg.text(0.0, self.y + 14.0, "start", "strong", &shown);
        self.y += 22.0;
    }

    /// A lane's name: at the left on a wide drawing, above the lane on a narrow one.
    fn lane_name(&mut self, name: &str) {
        if self.narrow {
            self.svg.text(0.0, self.y + 12.0, "start", "strong", name);
            self.y += 18.0;
        } else {
            self.svg.text(0.0, self.y + 15.0, "start", "strong", name);
        }
    }

    fn nothing(&mut self, text: &str) {
        self.svg
            .text(self.left, self.y + 15.0, "start", "dim", text);
        self.y += ROW_PX;
    }

    fn end_lane(&mut self) {
        self.y += 4.0;
        self.svg.line(0.0, self.y, self.svg.width(), self.y, "grid");
        self.y += 4.0;
    }

    /// A bar with its text beside or inside it, whichever has room.
    fn bar(&mut self, start_s: f64, end_s: f64, class: &str, text: &str, title: &str) {
        let (a, b) = (self.x.px_inside(start_s), self.x.px_inside(end_s));
        let b = if b - a < 3.0 { a + 3.0 } else { b };
        if self.narrow {
            // No room beside: the text stands above, as near to the bar's start as it fits.
            let shown = fit(text, self.svg.width());
            let last_px = self.svg.width() - text_width_px(&shown);
            let x = if a < last_px { a } else { last_px };
            self.svg.text(
                if x > 0.0 { x } else { 0.0 },
                self.y + 11.0,
                "start",
                "label",
                &shown,
            );
            self.svg.rect(a, self.y + 16.0, b - a, 10.0, class, title);
            self.y += ROW_PX + 10.0;
            return;
        }
        self.svg
            .rect(a, self.y + 4.0, b - a, ROW_PX - 8.0, class, title);
        let baseline = self.y + 15.0;
        let (after_px, before_px) = (self.right - b - 6.0, a - self.left - 6.0);
        if text_width_px(text) <= after_px || after_px >= before_px {
            let shown = fit(text, after_px);
            self.svg.text(b + 5.0, baseline, "start", "label", &shown);
        } else {
            let shown = fit(text, before_px);
            self.svg.text(a - 5.0, baseline, "end", "label", &shown);
        }
        self.y += ROW_PX;
    }

    /// The attack's steps.
    ///
    /// # Arguments
    ///
    /// * `missed` — whether those that were not detected are marked.
    pub(super) fn steps(&mut self, name: &str, steps: &[StepResult], missed: bool) {
        self.lane_name(name);
        if steps.is_empty() {
            self.nothing("no attack");
        }
        for step in steps {
            let title = format!(
                "{} ({}), {} to {}",
                step.name,
                step.techniques.join(", "),
                self.at(seconds(step.start_ns)),
                self.at(seconds(step.end_ns))
            );
            let seen = if step.detected || !missed {
                ""
            } else {
                " (missed)"
            };
            let text = format!("{}{seen}", step.name);
            self.bar(
                seconds(step.start_ns),
                seconds(step.end_ns),
                "attack",
                &text,
                &title,
            );
        }
        self.end_lane();
    }

    /// The alarms with one of these verdicts.
    pub(super) fn alarms(&mut self, name: &str, alarms: &[Alarm], verdicts: &[Verdict]) {
        self.lane_name(name);
        let y = self.y + ROW_PX / 2.0;
        let mut drawn = 0_usize;
        for alarm in alarms.iter().filter(|a| verdicts.contains(&a.verdict)) {
            let (first, last) = (seconds(alarm.first_ns), seconds(alarm.last_ns));
            if last < self.focus.0 || first > self.focus.1 || drawn == MARKS {
                continue;
            }
            drawn += 1;
            let (a, b) = (self.x.px_inside(first), self.x.px_inside(last));
            let class = alarm_class(alarm.verdict);
            if b - a > 6.0 {
                self.svg.line(a, y, b, y, &format!("{class} span"));
                self.svg
                    .line(b, y - 4.0, b, y + 4.0, &format!("{class} span"));
            }
            let title = format!(
                "{}: {} ({} alerts)",
                self.at(first),
                alarm.reason,
                alarm.alerts
            );
            alarm_mark(&mut self.svg, a, y, alarm, &title);
        }
        if drawn == 0 {
            self.svg.text(
                self.left,
                y + 4.0,
                "start",
                "dim",
                "none in this part of the run",
            );
        }
        self.y += ROW_PX;
        self.end_lane();
    }

    /// What a defense did.
    pub(super) fn actions(&mut self, name: &str, actions: &[ActionMark]) {
        self.lane_name(name);
        if actions.is_empty() {
            self.nothing("none");
        }
        for action in actions.iter().take(ACTIONS) {
            let start_s = seconds(action.start_ns);
            let end_s = action.end_ns.map_or(self.focus.1, seconds);
            let text = format!("{} {}", action.action, action.target);
            let title = format!("{} at {}. {}", text, self.at(start_s), action.consequence);
            self.bar(start_s, end_s, "action", &text, &title);
        }
        if actions.len() > ACTIONS {
            self.nothing(&format!("and {} more", actions.len() - ACTIONS));
        }
        self.end_lane();
    }

    /// Where a run left its twin.
    pub(super) fn impacts(&mut self, name: &str, impacts: &[Impact]) {
        self.lane_name(name);
        if impacts.is_empty() {
            self.nothing("none in this run");
        }
        // Intervals of one kind share a row.
        let mut labels: Vec<&str> = Vec::new();
        for impact in impacts {
            if !labels.contains(&impact.label.as_str()) {
                labels.push(&impact.label);
            }
        }
        for label in labels.into_iter().take(8) {
            let intervals: Vec<(f64, f64)> = impacts
                .iter()
                .filter(|impact| impact.label == label)
                .map(|impact| (seconds(impact.start_ns), seconds(impact.end_ns)))
                .collect();
            let (last, earlier) = intervals.split_last().expect("the label has an interval");
            let (top, height) = if self.narrow {
                (16.0, 10.0)
            } else {
                (4.0, ROW_PX - 8.0)
            };
            for (start_s, end_s) in earlier.iter().take(MARKS) {
                let (a, b) = (self.x.px_inside(*start_s), self.x.px_inside(*end_s));
                let width = if b - a < 2.0 { 2.0 } else { b - a };
                self.svg
                    .rect(a, self.y + top, width, height, "impact", label);
            }
            let title = format!("{label}, {} to {}", self.at(last.0), self.at(last.1));
            self.bar(last.0, last.1, "impact", label, &title);
        }
        self.end_lane();
    }

    /// Vertical grid lines from `top` to here, behind what was drawn since, and the clock below them.
    pub(super) fn axis(&mut self, top: Top) {
        let count = if self.narrow { 3.0 } else { 9.0 };
        for tick in time_ticks(self.focus.0, self.focus.1, count) {
            let x = self.x.px(tick);
            self.svg.line_behind(top.mark, x, top.y, x, self.y, "grid");
            let anchor = if x < 30.0 {
                "start"
            } else if x > self.svg.width() - 30.0 {
                "end"
            } else {
                "middle"
            };
            let text = short_clock(tick, self.epoch_unix_ns);
            self.svg.text(x, self.y + 13.0, anchor, "dim", &text);
        }
        self.y += 24.0;
    }

    /// A chart.
    ///
    /// # Arguments
    ///
    /// * `shades` — intervals that are shaded behind the curves, s.
    pub(super) fn chart(&mut self, chart: &Chart<'_>, shades: &[(f64, f64)]) {
        let name = if chart.unit.is_empty() {
            chart.name.to_owned()
        } else {
            format!("{} [{}]", chart.name, chart.unit)
        };
        self.chart_name(&name);
        let axis = chart_axis(chart, self.focus);
        let (top, bottom) = (self.y + 6.0, self.y + self.chart_px - 8.0);
        let scale = Scale::new(axis.low, axis.high, bottom, top);
        for (tick, text) in axis.ticks.iter().zip(&axis.texts) {
            let y = scale.px(*tick);
            self.svg.line(self.left, y, self.right, y, "grid");
            self.svg.text(self.left - 5.0, y + 4.0, "end", "dim", text);
        }
        for (a, b) in shades {
            if *b >= self.focus.0 && *a <= self.focus.1 {
                let (a, b) = (self.x.px_inside(*a), self.x.px_inside(*b));
                let width = if b - a < 2.0 { 2.0 } else { b - a };
                self.svg.rect(a, top, width, bottom - top, "shade", "");
            }
        }
        let columns = if self.narrow { 170.0 } else { 480.0 };
        for curve in &chart.curves {
            for run in runs(chart.t_s, curve.values, &axis.inside) {
                let points: Vec<(f64, f64)> = decimate(&run, columns, self.focus)
                    .into_iter()
                    .map(|(t_s, value)| (self.x.px(t_s), scale.px(value)))
                    .collect();
                self.svg.polyline(&points, curve.class);
            }
        }
        self.svg.line(self.left, bottom, self.right, bottom, "axis");
        self.y += self.chart_px;
    }

    /// Long names of variables wrap at a blank: in the margin of a wide drawing, above the chart in a
    /// narrow one.
    fn chart_name(&mut self, name: &str) {
        let room_px = if self.narrow {
            self.svg.width()
        } else {
            NAMES_PX
        };
        let mut y = self.y + if self.narrow { 12.0 } else { 18.0 };
        let mut lines = 1.0;
        let mut line = String::new();
        for word in name.split(' ') {
            let longer = if line.is_empty() {
                word.to_owned()
            } else {
                format!("{line} {word}")
            };
            if text_width_px(&longer) > room_px && !line.is_empty() {
                self.svg.text(0.0, y, "start", "strong", &line);
                y += 15.0;
                lines += 1.0;
                line = word.to_owned();
            } else {
                line = longer;
            }
        }
        self.svg.text(0.0, y, "start", "strong", &line);
        if self.narrow {
            self.y += 3.0 + 15.0 * lines;
        }
    }
}
