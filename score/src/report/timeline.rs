//! The timeline: truth, alarms, actions, impacts and process variables over one time axis.
//!
//! The drawing shows the part of the run in which something happened. When that is a small part, a
//! strip above shows where in the run it lies and where the other alarms were.

use super::curves::Chart;
use super::lanes::{
    Lanes, MARKS, actions_s, alarm_mark, clock_s, focus_on, seconds, short_clock, steps_s,
};
use super::svg::{Scale, Svg, time_ticks};
use super::tables::{key, legend};
use super::words::duration;
use super::{NARROW_PX, ReportData, both_widths};
use crate::detection::Verdict;

/// Truth, alarms, actions and impacts, for the SOC.
pub(super) fn section(data: &ReportData<'_>) -> String {
    let focus = focus(data);
    let mut html = legend_of(data, false);
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
        let mut lanes = Lanes::new(data.score.header.epoch_unix_ns, focus, width, &charts(data));
        all_lanes(data, &mut lanes);
        lanes.described(
            class,
            &format!("lanes-{class}"),
            "Timeline of attack, alarms, actions and impact",
            &in_words(data, focus, false),
        )
    }));
    html
}

/// The same over the process variables, for the engineer. Empty without any.
pub(super) fn process(data: &ReportData<'_>) -> String {
    if data.series.is_empty() {
        return String::new();
    }
    let focus = focus(data);
    let mut html = legend_of(data, true);
    html.push_str(&both_widths(|width, class| {
        let charts = charts(data);
        let mut lanes = Lanes::new(data.score.header.epoch_unix_ns, focus, width, &charts);
        all_lanes(data, &mut lanes);
        let top = lanes.top();
        let ends = |impact: &super::Impact| (seconds(impact.start_ns), seconds(impact.end_ns));
        let shades: Vec<(f64, f64)> = data.impacts.iter().map(ends).collect();
        for chart in &charts {
            lanes.chart(chart, &shades);
        }
        lanes.axis(top);
        lanes.described(
            class,
            &format!("timeline-{class}"),
            "Timeline over the process variables",
            &in_words(data, focus, true),
        )
    }));
    html
}

fn charts<'a>(data: &'a ReportData<'_>) -> Vec<Chart<'a>> {
    data.series.iter().map(Chart::of).collect()
}

/// A simulated second as plant clock time.
fn at(data: &ReportData<'_>, t_s: f64) -> String {
    clock_s(t_s, data.score.header.epoch_unix_ns)
}

/// The part of the run to draw, s: attack, impacts and actions, with a margin.
fn focus(data: &ReportData<'_>) -> (f64, f64) {
    let impacts = data.impacts.iter();
    let impacts = impacts.flat_map(|i| [seconds(i.start_ns), seconds(i.end_ns)]);
    let times: Vec<f64> = steps_s(&data.score.detection.steps)
        .chain(impacts)
        .chain(actions_s(&data.actions))
        .collect();
    focus_on(&times, data.score.header.duration_s)
}

fn legend_of(data: &ReportData<'_>, curves: bool) -> String {
    let mut marks = vec![
        (key::ATTACK, "attack step (truth)"),
        (key::TRUE_ALARM, "true alarm"),
        (key::FALSE_ALARM, "false alarm"),
        (key::OTHER_ALARM, "alarm neither true nor false"),
        (key::ACTION, "defense action"),
        (key::IMPACT, "physical impact"),
    ];
    if curves {
        marks.push((key::ACTUAL, "this run"));
        marks.push((key::TWIN, "twin without attack"));
    }
    if curves && data.series.iter().any(|series| series.shown.is_some()) {
        marks.push((key::SHOWN, "what the HMI showed"));
    }
    if data.impacts.iter().any(|impact| impact.cumulative) {
        marks.push((
            "",
            "An impact told by a total (such as what was spilled or shipped) is marked where it begins and shaded only \
             while the total grows.",
        ));
    }
    legend(&marks)
}

fn all_lanes(data: &ReportData<'_>, lanes: &mut Lanes) {
    let top = lanes.top();
    let alarms = &data.score.detection.alarms;
    lanes.steps("Attack (truth)", &data.score.detection.steps, true);
    lanes.alarms("True alarms", alarms, &[Verdict::True]);
    lanes.alarms("False alarms", alarms, &[Verdict::False]);
    let others = [Verdict::Unattributed, Verdict::Recovery];
    if alarms.iter().any(|alarm| others.contains(&alarm.verdict)) {
        lanes.alarms("Other alarms", alarms, &others);
    }
    lanes.actions("Defense actions", &data.actions);
    lanes.impacts("Physical impact", &data.impacts);
    lanes.axis(top);
}

fn in_words(data: &ReportData<'_>, focus: (f64, f64), curves: bool) -> String {
    let detection = &data.score.detection;
    let mut text = format!(
        "From {} to {}: {} attack steps, {} true and {} false alarms in the run, {} defense actions, {} impact \
         intervals. The tables give the same in words.",
        at(data, focus.0),
        at(data, focus.1),
        detection.steps_total,
        detection.alarms_true,
        detection.alarms_false,
        data.actions.len(),
        data.impacts.len()
    );
    for chart in charts(data).iter().filter(|_| curves) {
        text.push_str(&super::curves::in_words(chart, focus));
    }
    text
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
        svg.text(
            x,
            52.0,
            anchor,
            "dim",
            &short_clock(tick, data.score.header.epoch_unix_ns),
        );
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
