//! The parts of the page that are words and tables.

use super::ReportData;
use super::words::{clock, duration, escape, number, percent};
use crate::attack;
use crate::detection::{Alarm, Detection, Grade, Outcome, StepResult, Verdict};
use crate::figure::{Figure, Interval};
use crate::score::Score;

/// The most false alarms that the page lists.
const LISTED_ALARMS: usize = 40;

/// The line under the title.
pub(super) fn strapline(score: &Score) -> String {
    let header = &score.header;
    let tool = header.tool.as_ref().map_or_else(
        || "no defense".to_owned(),
        |tool| {
            format!("{} {}", tool.name, tool.version.as_deref().unwrap_or(""))
                .trim()
                .to_owned()
        },
    );
    format!(
        "<p class=\"strap\">Defense: <strong>{}</strong> · scenario {} · seed {} · {} simulated</p>\n",
        escape(&tool),
        escape(&header.scenario),
        header.seed,
        duration(header.duration_s)
    )
}

fn figure(figure: &Figure, show: impl Fn(f64) -> String) -> String {
    figure.value.map_or_else(|| "n/a".to_owned(), show)
}

fn interval(interval: Option<Interval>, show: impl Fn(f64) -> String) -> String {
    interval.map_or_else(String::new, |i| {
        format!("95 % interval {} to {}", show(i.low), show(i.high))
    })
}

fn rate(value: f64) -> String {
    number(value, if value < 10.0 { 1 } else { 0 })
}

/// The figures that always stand together.
pub(super) fn key_figures(data: &ReportData<'_>) -> String {
    let detection = &data.score.detection;
    let mut shown = vec![
        (
            "Attack steps detected",
            if detection.steps_total == 0 {
                "no attack".to_owned()
            } else {
                format!("{} of {}", detection.steps_detected, detection.steps_total)
            },
            interval(detection.recall_interval, percent),
        ),
        (
            "Median time to detect",
            figure(&detection.time_to_detect.median_s, duration),
            match &detection.time_to_detect.median_s.undefined {
                Some(reason) => reason.clone(),
                None => "missed steps counted as not yet detected".to_owned(),
            },
        ),
        (
            "False alarms per day",
            figure(&detection.false_alarms_per_day, rate),
            interval(detection.false_alarms_per_day_interval, rate),
        ),
        (
            "Quiet time spent in alarm",
            figure(&detection.alarm_time_percent, |value| {
                percent(value / 100.0)
            }),
            format!(
                "alarm precision {}",
                figure(&detection.alarm_precision, percent)
            ),
        ),
    ];
    if let Some(continuity) = &data.score.continuity {
        let attacked = detection.steps_total > 0;
        let parts = &continuity.good_parts;
        let lost = |value: f64| number(value, 0);
        let undefended = figure(&parts.attack_damage, lost);
        let (value, note) = match parts.residual_damage.value {
            Some(residual) => (
                lost(residual),
                format!("with the defense; {undefended} without it"),
            ),
            None => (undefended, "without a defense".to_owned()),
        };
        // Without an attack in this run there is nothing that was lost to it.
        if attacked {
            shown.push(("Good parts lost to the attack", value, note));
        }
        shown.push((
            "Uptime tax of the defense",
            figure(&parts.uptime_tax_percent, |value| percent(value / 100.0)),
            parts
                .uptime_tax
                .undefined
                .clone()
                .unwrap_or_else(|| format!("good {} lost on a quiet shift", data.items)),
        ));
    }
    let named = shown
        .into_iter()
        .map(|(name, value, note)| (name.to_owned(), value, note));
    cards(&named.collect::<Vec<_>>())
}

/// Figures with a name and a note each, as texts.
pub(super) fn cards(cards: &[(String, String, String)]) -> String {
    let mut html = String::from("<dl class=\"cards\">\n");
    for (name, value, note) in cards {
        html.push_str(&format!(
            "<div><dt>{}</dt><dd class=\"big\">{}</dd><dd class=\"small\">{}</dd></div>\n",
            escape(name),
            escape(value),
            escape(note)
        ));
    }
    html.push_str("</dl>\n");
    html
}

/// The marks of drawings, as a legend shows them in 22 by 14 px.
pub(super) mod key {
    pub(in crate::report) const ATTACK: &str =
        "<rect x=\"1\" y=\"2\" width=\"20\" height=\"10\" class=\"attack\"/>";
    pub(in crate::report) const TRUE_ALARM: &str =
        "<circle cx=\"11\" cy=\"7\" r=\"5\" class=\"true\"/>";
    pub(in crate::report) const FALSE_ALARM: &str =
        "<polygon points=\"11,1 17,7 11,13 5,7\" class=\"false\"/>";
    pub(in crate::report) const OTHER_ALARM: &str =
        "<rect x=\"6\" y=\"2\" width=\"10\" height=\"10\" class=\"other\"/>";
    pub(in crate::report) const ACTION: &str =
        "<rect x=\"2\" y=\"1\" width=\"18\" height=\"12\" class=\"action\"/>";
    pub(in crate::report) const FIRST_ACTION: &str =
        "<rect x=\"4\" y=\"1\" width=\"14\" height=\"12\" class=\"action\"/>";
    pub(in crate::report) const IMPACT: &str =
        "<rect x=\"1\" y=\"2\" width=\"20\" height=\"10\" class=\"impact-key\"/>";
    pub(in crate::report) const IN_TIME: &str =
        "<rect x=\"1\" y=\"2\" width=\"20\" height=\"10\" class=\"in-time\"/>";
    pub(in crate::report) const CROSS: &str =
        "<path d=\"M6 2 L16 12 M16 2 L6 12\" class=\"cross\"/>";
    pub(in crate::report) const ACTUAL: &str =
        "<line x1=\"0\" y1=\"7\" x2=\"22\" y2=\"7\" class=\"actual\"/>";
    pub(in crate::report) const TWIN: &str =
        "<line x1=\"0\" y1=\"7\" x2=\"22\" y2=\"7\" class=\"twin\"/>";
    pub(in crate::report) const SHOWN: &str =
        "<line x1=\"0\" y1=\"7\" x2=\"22\" y2=\"7\" class=\"shown\"/>";
    pub(in crate::report) const FIRST: &str =
        "<line x1=\"0\" y1=\"7\" x2=\"22\" y2=\"7\" class=\"first\"/>";
    pub(in crate::report) const SECOND: &str =
        "<line x1=\"0\" y1=\"7\" x2=\"22\" y2=\"7\" class=\"second\"/>";
}

/// What the marks of a drawing mean: each mark of [`key`] with its words, which are markup; an empty mark is a
/// sentence of its own.
pub(super) fn legend(marks: &[(&str, &str)]) -> String {
    let mut html = String::from("<ul class=\"legend\">\n");
    for (mark, text) in marks {
        if mark.is_empty() {
            html.push_str(&format!("<li>{text}</li>\n"));
        } else {
            html.push_str(&format!(
                "<li><svg viewBox=\"0 0 22 14\" width=\"22\" height=\"14\" aria-hidden=\"true\">{mark}</svg> \
                 {text}</li>\n"
            ));
        }
    }
    html.push_str("</ul>\n");
    html
}

/// How a table fits a narrow screen.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Narrow {
    /// Each row becomes a block, each cell a line with its column's name.
    Stack,
    /// It keeps its columns and scrolls sideways on its own.
    Scroll,
}

/// A table with a caption for screen readers. Cells are HTML.
///
/// The roles say again what the elements say, because stacking takes the table display away and with
/// it the meaning in some browsers.
pub(super) fn table(label: &str, narrow: Narrow, head: &[&str], rows: &[Vec<String>]) -> String {
    let label = escape(label);
    let (class, scroll) = match narrow {
        Narrow::Stack => ("stack", String::new()),
        Narrow::Scroll => (
            "keep",
            format!(" role=\"region\" aria-label=\"{label}\" tabindex=\"0\""),
        ),
    };
    let mut html = format!(
        "<div class=\"scroll\"{scroll}>\n<table class=\"{class}\" role=\"table\">\n<caption class=\"sr\">{label}</caption>\n\
         <thead role=\"rowgroup\"><tr role=\"row\">"
    );
    for cell in head {
        html.push_str(&format!(
            "<th scope=\"col\" role=\"columnheader\">{cell}</th>"
        ));
    }
    html.push_str("</tr></thead>\n<tbody role=\"rowgroup\">\n");
    for row in rows {
        html.push_str("<tr role=\"row\">");
        for (index, cell) in row.iter().enumerate() {
            if index == 0 {
                html.push_str(&format!("<th scope=\"row\" role=\"rowheader\">{cell}</th>"));
            } else {
                let name = head.get(index).copied().unwrap_or_default();
                // One child, so that the stacked form has two columns: name and value.
                let cell = if cell.is_empty() {
                    String::new()
                } else {
                    format!("<div>{cell}</div>")
                };
                html.push_str(&format!(
                    "<td role=\"cell\" data-name=\"{name}\">{cell}</td>"
                ));
            }
        }
        html.push_str("</tr>\n");
    }
    html.push_str("</tbody>\n</table>\n</div>\n");
    html
}

/// Gates with their results. Empty without gates.
pub(super) fn gates(score: &Score) -> String {
    if score.gates.is_empty() {
        return String::new();
    }
    let rows: Vec<Vec<String>> = score
        .gates
        .iter()
        .map(|gate| {
            vec![
                format!("<code>{}</code>", escape(&gate.gate)),
                gate_badge(gate.passed).to_owned(),
                gate.actual
                    .map_or_else(|| "undefined".to_owned(), |actual| number(actual, 4)),
                escape(gate.reason.as_deref().unwrap_or("")),
            ]
        })
        .collect();
    table(
        "Gates",
        Narrow::Stack,
        &["Gate", "Result", "Actual", "Reason"],
        &rows,
    )
}

/// Whether a gate was passed.
pub(super) fn gate_badge(passed: bool) -> &'static str {
    if passed {
        "<span class=\"badge pass\">✓ passed</span>"
    } else {
        "<span class=\"badge fail\">✗ failed</span>"
    }
}

pub(super) fn grade_badge(grade: Grade) -> String {
    let class = match grade {
        Grade::None => "g0",
        Grade::Telemetry => "g1",
        Grade::General => "g2",
        Grade::Tactic | Grade::TacticPlus => "g3",
        Grade::Technique => "g4",
    };
    format!("<span class=\"badge {class}\">{}</span>", grade.label())
}

fn outcome(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Succeeded => "succeeded",
        Outcome::Failed => "failed",
        Outcome::TimedOut => "ran until its time was over",
        Outcome::NotReached => "not reached",
    }
}

/// Techniques with their names, as markup.
pub(super) fn technique_names(ids: &[String]) -> Vec<String> {
    let name = |id: &String| {
        let name = attack::full_name(id);
        format!("<code>{}</code> {}", escape(id), escape(&name))
    };
    ids.iter().map(name).collect()
}

fn lead_cell(step: &StepResult, first_impact_ns: Option<u64>) -> String {
    match (step.lead_time_s, step.impact_ns) {
        (Some(lead_s), _) if lead_s > 0.0 => format!("{} before", duration(lead_s)),
        (Some(lead_s), _) => format!("{} after", duration(-lead_s)),
        (None, Some(_)) => "never".to_owned(),
        (None, None) => match first_impact_ns {
            Some(at) if at <= step.start_ns => "began after it".to_owned(),
            _ => "no impact".to_owned(),
        },
    }
}

/// The kill chain with detections.
pub(super) fn kill_chain(score: &Score) -> String {
    let detection = &score.detection;
    if detection.steps.is_empty() && detection.excluded_steps.is_empty() {
        return String::new();
    }
    let epoch = score.header.epoch_unix_ns;
    let rows: Vec<Vec<String>> = detection
        .steps
        .iter()
        .map(|step| {
            vec![
                format!(
                    "{}<br><span class=\"dim\">{} to {}, {}</span>",
                    escape(&step.name),
                    clock(step.start_ns, epoch),
                    clock(step.end_ns, epoch),
                    outcome(step.outcome)
                ),
                technique_names(&step.techniques).join("<br>"),
                grade_badge(step.grade),
                step.time_to_detect_s
                    .map_or_else(|| "not detected".to_owned(), duration),
                lead_cell(step, detection.first_impact_ns()),
                step.first_signature
                    .as_deref()
                    .map_or_else(|| "none".to_owned(), escape),
            ]
        })
        .collect();
    let mut html = table(
        "Attack steps with detections",
        Narrow::Stack,
        &[
            "Step",
            "Technique (ATT&amp;CK for ICS)",
            "Grade",
            "Time to detect",
            "Warning time before damage",
            "First alert",
        ],
        &rows,
    );
    html.push_str(&grade_legend(detection));
    if !detection.excluded_steps.is_empty() {
        html.push_str("<h4>Steps that never ran</h4>\n<p>They are in no figure.</p>\n<ul>\n");
        for step in &detection.excluded_steps {
            html.push_str(&format!(
                "<li>{}: {}</li>\n",
                escape(&step.name),
                escape(&step.reason)
            ));
        }
        html.push_str("</ul>\n");
    }
    html
}

fn grade_legend(detection: &Detection) -> String {
    let meaning = |grade| match grade {
        Grade::None => "nothing refers to the step",
        Grade::Telemetry => "only a log record does",
        Grade::General => "an alert says that something is wrong",
        Grade::Tactic => "an alert says what it is for",
        Grade::TacticPlus => "an alert names a related technique",
        Grade::Technique => "an alert names exactly what was done",
    };
    let mut html = String::from("<ul class=\"legend grades\">\n");
    for count in &detection.grades {
        html.push_str(&format!(
            "<li>{} <span class=\"count\">{} ×</span> <span class=\"dim\">{}</span></li>\n",
            grade_badge(count.grade),
            count.steps,
            meaning(count.grade)
        ));
    }
    html.push_str("</ul>\n");
    html
}

/// False alarms with the reason of each.
pub(super) fn false_alarms(score: &Score) -> String {
    if score.header.tool.is_none() && score.detection.alarms_total == 0 {
        return String::new();
    }
    let detection = &score.detection;
    let listed: Vec<&Alarm> = detection
        .alarms
        .iter()
        .filter(|alarm| alarm.verdict != Verdict::True)
        .collect();
    let mut html = format!(
        "<p>{} alarms in all: {} true, {} false{}{}. Alerts with gaps up to {} count as one alarm, and an alarm \
         that goes on is counted again every {}.</p>\n",
        detection.alarms_total,
        detection.alarms_true,
        detection.alarms_false,
        extra(
            detection.alarms_unattributed,
            "about other assets during the attack"
        ),
        extra(detection.alarms_recovery, "in recovery windows"),
        duration(detection.params.gap_ns as f64 / 1e9),
        duration(detection.params.alarm_limit_ns as f64 / 1e9)
    );
    if listed.is_empty() {
        html.push_str("<p>There is nothing to list.</p>\n");
        return html;
    }
    let epoch = score.header.epoch_unix_ns;
    let rows: Vec<Vec<String>> = listed
        .iter()
        .take(LISTED_ALARMS)
        .map(|alarm| {
            vec![
                clock(alarm.first_ns, epoch),
                duration((alarm.last_ns - alarm.first_ns) as f64 / 1e9),
                alarm.alerts.to_string(),
                escape(&signatures(alarm)),
                escape(&alarm.reason),
            ]
        })
        .collect();
    html.push_str(&table(
        "Alarms that are not true",
        Narrow::Stack,
        &["Time", "Length", "Alerts", "Signatures", "Why"],
        &rows,
    ));
    if listed.len() > LISTED_ALARMS {
        html.push_str(&format!(
            "<p>{} more are in <code>score.json</code>.</p>\n",
            listed.len() - LISTED_ALARMS
        ));
    }
    html
}

fn extra(count: u64, what: &str) -> String {
    if count == 0 {
        String::new()
    } else {
        format!(", {count} {what}")
    }
}

fn signatures(alarm: &Alarm) -> String {
    let parts: Vec<String> = alarm
        .signatures
        .iter()
        .map(|(id, count)| {
            if *count > 1 {
                format!("{id} ×{count}")
            } else {
                id.clone()
            }
        })
        .collect();
    parts.join(", ")
}

/// Every headline figure with its interval or the reason why it has none, and the caveats.
pub(super) fn intervals(score: &Score) -> String {
    let detection = &score.detection;
    let row = |name: &str, value: &Figure, show: &dyn Fn(f64) -> String, certainty: String| {
        let certainty = value
            .undefined
            .as_ref()
            .map_or(certainty, |reason| escape(reason));
        vec![name.to_owned(), figure(value, show), certainty]
    };
    let ttd = &detection.time_to_detect;
    let censored = || {
        format!(
            "{} missed of {} are censored (Kaplan-Meier)",
            detection.steps_total - detection.steps_detected,
            detection.steps_total
        )
    };
    let rows = vec![
        row(
            "Recall",
            &detection.recall,
            &percent,
            interval(detection.recall_interval, percent) + " (Wilson)",
        ),
        row(
            "Time to detect, median",
            &ttd.median_s,
            &duration,
            censored(),
        ),
        row(
            "Time to detect, 90th percentile",
            &ttd.p90_s,
            &duration,
            censored(),
        ),
        row(
            "Time to detect, longest",
            &ttd.max_s,
            &duration,
            "no step was missed".to_owned(),
        ),
        row(
            "Time to detect over time to damage",
            &ttd.normalised,
            &percent,
            "0 % at once, 100 % too late".to_owned(),
        ),
        row(
            "Detected before the damage",
            &detection.detected_before_impact,
            &percent,
            format!("of {} steps with damage", detection.steps_with_impact),
        ),
        row(
            "False alarms per day",
            &detection.false_alarms_per_day,
            &rate,
            interval(detection.false_alarms_per_day_interval, rate) + " (exact Poisson)",
        ),
        row(
            "Alarm precision",
            &detection.alarm_precision,
            &percent,
            format!(
                "{} of {} alarms",
                detection.alarms_true, detection.alarms_total
            ),
        ),
        row(
            "Alert precision",
            &detection.alert_precision,
            &percent,
            format!(
                "{} of {} alerts",
                detection.alerts_attributed, detection.alerts
            ),
        ),
        row(
            "Quiet time in alarm",
            &detection.alarm_time_percent,
            &|value| percent(value / 100.0),
            format!("of {} without attack", duration(detection.attack_free_s)),
        ),
        row(
            "Visibility",
            &detection.visibility,
            &percent,
            "steps with at least telemetry".to_owned(),
        ),
        row(
            "Analytic coverage",
            &detection.analytic_coverage,
            &percent,
            "steps with at least an alert".to_owned(),
        ),
    ];
    let mut html = table(
        "Figures with intervals",
        Narrow::Stack,
        &["Figure", "Value", "How sure"],
        &rows,
    );
    if !score.caveats.is_empty() {
        html.push_str("<h4>Read with care</h4>\n<ul>\n");
        for caveat in &score.caveats {
            html.push_str(&format!("<li>{}</li>\n", escape(caveat)));
        }
        html.push_str("</ul>\n");
    }
    html
}
