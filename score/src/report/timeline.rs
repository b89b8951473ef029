//! The timeline: truth, alarms, actions, impacts and process variables over one time axis.
//!
//! The drawing shows the part of the run in which something happened. When that is a small part, a
//! strip above shows where in the run it lies and where the other alarms were.

use super::curves::{chart_axis, curves, decimate, runs};
use super::svg::{Scale, Svg, fit, text_width_px, time_ticks};
use super::words::{clock, duration};
use super::{MEDIUM_PX, NARROW_PX, ReportData, Series, both_widths};
use crate::detection::{Alarm, Verdict};

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
const MARKS: usize = 600;

/// Truth, alarms, actions and impacts, for the SOC.
pub(super) fn section(data: &ReportData<'_>) -> String {
    let focus = focus(data);
    let mut html = legend(data, false);
    let duration_s = data.score.header.duration_s;
    if focus.1 - focus.0 < 0.8 * duration_s {
        html.push_str(&format!(
            "<p class=\"dim\">The whole run; the framed part is drawn below from {} to {}.</p>\n",
            at(data, focus.0),
            at(data, focus.1)
        ));
        html.push_str(&both_widths(|width, class| {
            overview(data, focus, width, class)
        }));
    }
    html.push_str(&both_widths(|width, class| {
        Drawing::new(data, focus, width).lanes(class)
    }));
    html
}

/// The same over the process variables, for the engineer. Empty without any.
pub(super) fn process(data: &ReportData<'_>) -> String {
    if data.series.is_empty() {
        return String::new();
    }
    let focus = focus(data);
    let mut html = legend(data, true);
    html.push_str(&both_widths(|width, class| {
        Drawing::new(data, focus, width).draw(class)
    }));
    html
}

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

fn seconds(t_ns: u64) -> f64 {
    t_ns as f64 / 1e9
}

/// A simulated second as plant clock time.
#[expect(
    clippy::cast_possible_truncation,
    reason = "the cast saturates; ticks are whole seconds in the run"
)]
pub(super) fn at(data: &ReportData<'_>, t_s: f64) -> String {
    clock(
        (t_s.round() as u64).saturating_mul(1_000_000_000),
        data.score.header.epoch_unix_ns,
    )
}

/// The part of the run to draw, s: attack, impacts, actions and true alarms, with a margin.
fn focus(data: &ReportData<'_>) -> (f64, f64) {
    let end_s = data.score.header.duration_s;
    let detection = &data.score.detection;
    let mut times: Vec<f64> = Vec::new();
    for step in &detection.steps {
        times.extend([seconds(step.start_ns), seconds(step.end_ns)]);
    }
    for impact in &data.impacts {
        times.extend([seconds(impact.start_ns), seconds(impact.end_ns)]);
    }
    for action in &data.actions {
        times.extend([
            seconds(action.start_ns),
            seconds(action.end_ns.unwrap_or(action.start_ns)),
        ]);
    }
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

fn legend(data: &ReportData<'_>, curves: bool) -> String {
    let mark = |body: &str, text: &str| {
        format!(
            "<li><svg viewBox=\"0 0 22 14\" width=\"22\" height=\"14\" aria-hidden=\"true\">{body}</svg> {text}</li>\n"
        )
    };
    let mut html = String::from("<ul class=\"legend\">\n");
    html.push_str(&mark(
        "<rect x=\"1\" y=\"2\" width=\"20\" height=\"10\" class=\"attack\"/>",
        "attack step (truth)",
    ));
    html.push_str(&mark(
        "<circle cx=\"11\" cy=\"7\" r=\"5\" class=\"true\"/>",
        "true alarm",
    ));
    html.push_str(&mark(
        "<polygon points=\"11,1 17,7 11,13 5,7\" class=\"false\"/>",
        "false alarm",
    ));
    html.push_str(&mark(
        "<rect x=\"6\" y=\"2\" width=\"10\" height=\"10\" class=\"other\"/>",
        "alarm neither true nor false",
    ));
    html.push_str(&mark(
        "<rect x=\"2\" y=\"1\" width=\"18\" height=\"12\" class=\"action\"/>",
        "defense action",
    ));
    html.push_str(&mark(
        "<rect x=\"1\" y=\"2\" width=\"20\" height=\"10\" class=\"impact-key\"/>",
        "physical impact",
    ));
    if curves {
        html.push_str(&mark(
            "<line x1=\"0\" y1=\"7\" x2=\"22\" y2=\"7\" class=\"actual\"/>",
            "this run",
        ));
        html.push_str(&mark(
            "<line x1=\"0\" y1=\"7\" x2=\"22\" y2=\"7\" class=\"twin\"/>",
            "twin without attack",
        ));
    }
    if curves && data.series.iter().any(|series| series.shown.is_some()) {
        html.push_str(&mark(
            "<line x1=\"0\" y1=\"7\" x2=\"22\" y2=\"7\" class=\"shown\"/>",
            "what the HMI showed",
        ));
    }
    if data.impacts.iter().any(|impact| impact.cumulative) {
        html.push_str(
            "<li>An impact told by a total (such as what was spilled or shipped) is marked where it begins and \
             shaded only while the total grows.</li>\n",
        );
    }
    html.push_str("</ul>\n");
    html
}

fn alarm_class(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::True => "true",
        Verdict::False => "false",
        Verdict::Unattributed | Verdict::Recovery => "other",
    }
}

fn alarm_mark(svg: &mut Svg, x: f64, y: f64, alarm: &Alarm, title: &str) {
    let class = alarm_class(alarm.verdict);
    match alarm.verdict {
        Verdict::True => svg.circle(x, y, 5.0, class, title),
        Verdict::False => svg.diamond(x, y, 6.0, class, title),
        Verdict::Unattributed | Verdict::Recovery => {
            svg.rect(x - 4.5, y - 4.5, 9.0, 9.0, class, title)
        }
    }
}

/// The whole run in one strip.
fn overview(data: &ReportData<'_>, focus: (f64, f64), width: f64, class: &str) -> String {
    let mut svg = Svg::new(width);
    let scale = Scale::new(0.0, data.score.header.duration_s, 4.0, width - 4.0);
    svg.rect(4.0, 8.0, width - 8.0, 26.0, "strip", "");
    for step in &data.score.detection.steps {
        let (a, b) = (
            scale.px_inside(seconds(step.start_ns)),
            scale.px_inside(seconds(step.end_ns)),
        );
        svg.rect(
            a,
            8.0,
            if b - a < 2.0 { 2.0 } else { b - a },
            26.0,
            "attack faint",
            &step.name,
        );
    }
    let (a, b) = (scale.px(focus.0), scale.px(focus.1));
    svg.rect(a, 4.0, b - a, 34.0, "frame", "");
    for alarm in data.score.detection.alarms.iter().take(MARKS) {
        let title = format!("{}: {}", at(data, seconds(alarm.first_ns)), alarm.reason);
        alarm_mark(
            &mut svg,
            scale.px_inside(seconds(alarm.first_ns)),
            21.0,
            alarm,
            &title,
        );
    }
    let count = if width > NARROW_PX { 10.0 } else { 3.0 };
    for tick in time_ticks(0.0, data.score.header.duration_s, count) {
        let x = scale.px(tick);
        let anchor = if x < 30.0 {
            "start"
        } else if x > width - 30.0 {
            "end"
        } else {
            "middle"
        };
        svg.line(x, 34.0, x, 40.0, "axis");
        svg.text(x, 52.0, anchor, "dim", &short_clock(data, tick));
    }
    let label = format!(
        "The whole run of {} with {} alarms; the attack lies from {} to {}",
        duration(data.score.header.duration_s),
        data.score.detection.alarms_total,
        at(data, focus.0),
        at(data, focus.1)
    );
    svg.finish(58.0, class, &format!("overview-{class}"), &label)
}

/// Clock time without seconds where they are zero, and without the day.
fn short_clock(data: &ReportData<'_>, t_s: f64) -> String {
    let full = at(data, t_s);
    let time = full.rsplit(", ").next().unwrap_or(&full);
    time.strip_suffix(":00")
        .filter(|short| short.len() == 5)
        .unwrap_or(time)
        .to_owned()
}

/// The drawing of the focus, from top to bottom.
struct Drawing<'a> {
    data: &'a ReportData<'a>,
    svg: Svg,
    x: Scale,
    left: f64,
    right: f64,
    y: f64,
    narrow: bool,
    chart_px: f64,
    focus: (f64, f64),
}

impl<'a> Drawing<'a> {
    fn new(data: &'a ReportData<'a>, focus: (f64, f64), width: f64) -> Self {
        let narrow = width <= NARROW_PX;
        // Every label of every chart is whole: the widest makes the margin.
        let labels_px = data
            .series
            .iter()
            .map(|series| chart_axis(series, focus).labels_px())
            .fold(0.0, |widest, px| if px > widest { px } else { widest });
        let names_px = if narrow { 0.0 } else { NAMES_PX };
        let least = if narrow { 34.0 } else { 150.0 };
        let left = names_px + labels_px + 6.0;
        let (left, right) = (if left > least { left } else { least }, width - 6.0);
        let x = Scale::new(focus.0, focus.1, left, right);
        Self {
            data,
            svg: Svg::new(width),
            x,
            left,
            right,
            y: 6.0,
            narrow,
            chart_px: chart_px(data.series.len(), width),
            focus,
        }
    }

    /// The lanes alone.
    fn lanes(mut self, class: &str) -> String {
        self.all_lanes();
        let label = self.label(false);
        self.svg.described(
            self.y,
            class,
            &format!("lanes-{class}"),
            "Timeline of attack, alarms, actions and impact",
            &label,
        )
    }

    /// The lanes over the process variables.
    fn draw(mut self, class: &str) -> String {
        self.all_lanes();
        let (charts_top, mark) = (self.y, self.svg.mark());
        for series in &self.data.series {
            self.chart(series);
        }
        self.axis(charts_top, mark);
        let label = self.label(true);
        self.svg.described(
            self.y,
            class,
            &format!("timeline-{class}"),
            "Timeline over the process variables",
            &label,
        )
    }

    fn all_lanes(&mut self) {
        let (grid_top, mark) = (self.y, self.svg.mark());
        self.steps();
        self.alarms(&[Verdict::True], "True alarms");
        self.alarms(&[Verdict::False], "False alarms");
        if self
            .data
            .score
            .detection
            .alarms
            .iter()
            .any(|a| matches!(a.verdict, Verdict::Unattributed | Verdict::Recovery))
        {
            self.alarms(&[Verdict::Unattributed, Verdict::Recovery], "Other alarms");
        }
        self.actions();
        self.impacts();
        self.axis(grid_top, mark);
    }

    fn label(&self, curves: bool) -> String {
        let detection = &self.data.score.detection;
        let mut text = format!(
            "From {} to {}: {} attack steps, {} true and {} false alarms in the run, {} defense actions, {} impact \
             intervals. The tables give the same in words.",
            at(self.data, self.focus.0),
            at(self.data, self.focus.1),
            detection.steps_total,
            detection.alarms_true,
            detection.alarms_false,
            self.data.actions.len(),
            self.data.impacts.len()
        );
        for series in self.data.series.iter().filter(|_| curves) {
            text.push_str(&super::curves::in_words(series, self.focus));
        }
        text
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

    fn steps(&mut self) {
        self.lane_name("Attack (truth)");
        let data = self.data;
        if data.score.detection.steps.is_empty() {
            self.svg
                .text(self.left, self.y + 15.0, "start", "dim", "no attack");
            self.y += ROW_PX;
        }
        for step in &data.score.detection.steps {
            let title = format!(
                "{} ({}), {} to {}",
                step.name,
                step.techniques.join(", "),
                at(data, seconds(step.start_ns)),
                at(data, seconds(step.end_ns))
            );
            let seen = if step.detected { "" } else { " (missed)" };
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

    fn alarms(&mut self, verdicts: &[Verdict], name: &str) {
        self.lane_name(name);
        let data = self.data;
        let y = self.y + ROW_PX / 2.0;
        let mut drawn = 0_usize;
        for alarm in data
            .score
            .detection
            .alarms
            .iter()
            .filter(|a| verdicts.contains(&a.verdict))
        {
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
                at(data, first),
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

    fn actions(&mut self) {
        self.lane_name("Defense actions");
        let data = self.data;
        if data.actions.is_empty() {
            self.svg
                .text(self.left, self.y + 15.0, "start", "dim", "none");
            self.y += ROW_PX;
        }
        for action in data.actions.iter().take(12) {
            let start_s = seconds(action.start_ns);
            let end_s = action.end_ns.map_or(self.focus.1, seconds);
            let text = format!("{} {}", action.action, action.target);
            let title = format!("{} at {}. {}", text, at(data, start_s), action.consequence);
            self.bar(start_s, end_s, "action", &text, &title);
        }
        if data.actions.len() > 12 {
            let more = format!("and {} more", data.actions.len() - 12);
            self.svg
                .text(self.left, self.y + 15.0, "start", "dim", &more);
            self.y += ROW_PX;
        }
        self.end_lane();
    }

    fn impacts(&mut self) {
        self.lane_name("Physical impact");
        let data = self.data;
        if data.impacts.is_empty() {
            self.svg
                .text(self.left, self.y + 15.0, "start", "dim", "none in this run");
            self.y += ROW_PX;
        }
        // Intervals of one kind share a row.
        let mut labels: Vec<&str> = Vec::new();
        for impact in &data.impacts {
            if !labels.contains(&impact.label.as_str()) {
                labels.push(&impact.label);
            }
        }
        for label in labels.into_iter().take(8) {
            let intervals: Vec<(f64, f64)> = data
                .impacts
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
            let title = format!("{label}, {} to {}", at(data, last.0), at(data, last.1));
            self.bar(last.0, last.1, "impact", label, &title);
        }
        self.end_lane();
    }

    /// Vertical grid lines from `top` to here, behind what was drawn since `mark`, and the clock below
    /// them.
    fn axis(&mut self, top: f64, mark: usize) {
        let count = if self.narrow { 3.0 } else { 9.0 };
        for tick in time_ticks(self.focus.0, self.focus.1, count) {
            let x = self.x.px(tick);
            self.svg.line_behind(mark, x, top, x, self.y, "grid");
            let anchor = if x < 30.0 {
                "start"
            } else if x > self.svg.width() - 30.0 {
                "end"
            } else {
                "middle"
            };
            let text = short_clock(self.data, tick);
            self.svg.text(x, self.y + 13.0, anchor, "dim", &text);
        }
        self.y += 24.0;
    }

    fn chart(&mut self, series: &Series) {
        let name = if series.unit.is_empty() {
            series.name.clone()
        } else {
            format!("{} [{}]", series.name, series.unit)
        };
        self.chart_name(&name);
        let axis = chart_axis(series, self.focus);
        let (top, bottom) = (self.y + 6.0, self.y + self.chart_px - 8.0);
        let scale = Scale::new(axis.low, axis.high, bottom, top);
        for (tick, text) in axis.ticks.iter().zip(&axis.texts) {
            let y = scale.px(*tick);
            self.svg.line(self.left, y, self.right, y, "grid");
            self.svg.text(self.left - 5.0, y + 4.0, "end", "dim", text);
        }
        for impact in &self.data.impacts {
            let (a, b) = (seconds(impact.start_ns), seconds(impact.end_ns));
            if b >= self.focus.0 && a <= self.focus.1 {
                let (a, b) = (self.x.px_inside(a), self.x.px_inside(b));
                let width = if b - a < 2.0 { 2.0 } else { b - a };
                self.svg.rect(a, top, width, bottom - top, "shade", "");
            }
        }
        let columns = if self.narrow { 170.0 } else { 480.0 };
        for (values, class) in curves(series) {
            for run in runs(&series.t_s, values, &axis.inside) {
                let points: Vec<(f64, f64)> = decimate(&run, columns, self.focus)
                    .into_iter()
                    .map(|(t_s, value)| (self.x.px(t_s), scale.px(value)))
                    .collect();
                self.svg.polyline(&points, class);
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
