//! The plain-language summary: what happened, what it cost, what the defense saw and cost itself.

use super::words::{clock, counted, escape, list, number, percent};
use super::{ReportData, attribution, margin, tables};
use crate::continuity::{Comparison, Continuity};
use crate::detection::{Detection, StepResult};
use crate::margin::Margin;

pub(super) fn section(data: &ReportData<'_>) -> String {
    let detection = &data.score.detection;
    let paragraphs = [
        what_happened(data),
        what_it_cost(data),
        what_was_seen(data),
        what_was_saved(data),
        ("Who did what", attribution::in_words(data)),
        ("Does it pass?", what_passed(data)),
        what_the_defense_cost(data),
    ];
    let mut html = cards(data);
    html.push_str("<div class=\"story\">\n");
    for (heading, text) in paragraphs.iter().filter(|(_, text)| !text.is_empty()) {
        html.push_str(&format!("<h4>{heading}</h4>\n<p>{text}</p>\n"));
    }
    html.push_str("</div>\n");
    if let Some(caveat) = first_warning(detection, &data.score.caveats) {
        html.push_str(&format!(
            "<p class=\"note\"><strong>Before you quote this:</strong> {}</p>\n",
            escape(caveat)
        ));
    }
    html
}

/// The figures that a manager asks for: parts, money, minutes.
fn cards(data: &ReportData<'_>) -> String {
    let detection = &data.score.detection;
    let attacked = detection.steps_total > 0;
    let mut cards: Vec<(String, String, String)> = Vec::new();
    if let Some(continuity) = data.score.continuity.as_ref().filter(|_| attacked) {
        let lost = |comparison: &Comparison, show: &dyn Fn(f64) -> String| {
            let undefended = comparison.attack_damage.value.map(show);
            match (comparison.residual_damage.value.map(show), undefended) {
                (Some(with), Some(without)) => {
                    Some((with, format!("with the defense; {without} without it")))
                }
                (None, Some(without)) => Some((without, "without a defense".to_owned())),
                _ => None,
            }
        };
        let mut add = |name: String, comparison: &Comparison, show: &dyn Fn(f64) -> String| {
            if let Some((value, note)) = lost(comparison, show) {
                cards.push((name, value, note));
            }
        };
        let good = format!("Good {} lost", data.items);
        add(good, &continuity.good_parts, &|value| number(value, 0));
        if let Some(prices) = &continuity.prices {
            let money = |value| format!("{} {}", number(value, 0), prices.currency);
            add("Money lost".to_owned(), &continuity.money, &money);
        }
        let time = |value: f64| super::words::duration(value);
        add(
            "Production time lost".to_owned(),
            &continuity.production_s,
            &time,
        );
        if [&continuity.unsafe_s.a, &continuity.unsafe_s.ad]
            .iter()
            .any(|run| run.value > Some(0.0))
        {
            add("Time in danger".to_owned(), &continuity.unsafe_s, &time);
        }
    }
    if let Some(margin) = &data.score.margin {
        cards.extend(time_cards(margin));
    }
    if attacked && data.score.header.tool.is_some() {
        cards.push((
            "Attack steps seen".to_owned(),
            format!("{} of {}", detection.steps_detected, detection.steps_total),
            "by the defense".to_owned(),
        ));
    }
    if data.score.header.tool.is_some() {
        cards.push((
            "False alarms".to_owned(),
            detection.alarms_false.to_string(),
            format!(
                "in {} without attack",
                super::words::duration(detection.attack_free_s)
            ),
        ));
    }
    if cards.is_empty() {
        return String::new();
    }
    tables::cards(&cards)
}

/// How long there was to act, and when somebody did.
fn time_cards(margin: &Margin) -> Vec<(String, String, String)> {
    let last = margin
        .losses
        .iter()
        .filter_map(|loss| loss.point_of_no_return_ns)
        .min();
    let Some(last) = last else {
        if margin.losses.is_empty() {
            return Vec::new();
        }
        let note = "no response is fast enough for the damage";
        return vec![("Time to act".to_owned(), "none".to_owned(), note.to_owned())];
    };
    let window_s = last.saturating_sub(margin.attack_ns) as f64 / 1e9;
    let mut cards = vec![(
        "Time to act".to_owned(),
        super::words::duration(window_s),
        "from the first frame to the last moment that prevents the damage".to_owned(),
    )];
    if let Some(acted) = margin.first_action_ns {
        cards.push((
            "First action".to_owned(),
            margin::in_time(last as f64 / 1e9 - acted as f64 / 1e9),
            "against that last moment".to_owned(),
        ));
    }
    cards
}

/// Whether the limits that were set are met, in one sentence. Empty without limits.
fn what_passed(data: &ReportData<'_>) -> String {
    let gates = &data.score.gates;
    let passed = gates.iter().filter(|gate| gate.passed).count();
    match gates.len() {
        0 => String::new(),
        all if passed == all => format!(
            "Yes: all {} that were set are met.",
            counted(all as f64, "limit", "limits")
        ),
        all => format!(
            "<strong>No</strong>: {passed} of the {} that were set are met; the page for the SOC lists them.",
            counted(all as f64, "limit", "limits")
        ),
    }
}

/// A length of time that no line break tears apart.
fn duration(seconds: f64) -> String {
    super::words::duration(seconds).replace(' ', "\u{a0}")
}

fn first_warning<'a>(detection: &Detection, caveats: &'a [String]) -> Option<&'a String> {
    if detection.steps_total == 0 {
        None
    } else {
        caveats.first()
    }
}

fn tool_name(data: &ReportData<'_>) -> String {
    data.score.header.tool.as_ref().map_or_else(
        || "The defense".to_owned(),
        |tool| format!("The defense <em>{}</em>", escape(&tool.name)),
    )
}

fn at(data: &ReportData<'_>, t_ns: u64) -> String {
    clock(t_ns, data.score.header.epoch_unix_ns)
}

fn first_alert(steps: &[StepResult]) -> Option<u64> {
    steps.iter().filter_map(|step| step.first_alert_ns).min()
}

fn what_happened(data: &ReportData<'_>) -> (&'static str, String) {
    let steps = &data.score.detection.steps;
    let heading = "What happened";
    let (Some(start), Some(end)) = (
        steps.iter().map(|s| s.start_ns).min(),
        steps.iter().map(|s| s.end_ns).max(),
    ) else {
        let length = duration(data.score.header.duration_s);
        return (
            heading,
            format!("No attack ran in this run of {length}. Every alarm in it is a false alarm."),
        );
    };
    let names: Vec<String> = steps
        .iter()
        .map(|step| format!("<q>{}</q>", escape(&step.name)))
        .collect();
    let mut text = format!(
        "At {} an attacker inside the plant network began {}: {}. The last step ended at {}, {} later.",
        at(data, start),
        counted(names.len() as f64, "step", "steps"),
        list(&names),
        at(data, end),
        duration((end - start) as f64 / 1e9)
    );
    if !data.intent.is_empty() {
        text.push_str(&format!(" The plan: {}", escape(&data.intent)));
    }
    let mut labels: Vec<String> = Vec::new();
    for label in data.impacts.iter().map(|impact| escape(&impact.label)) {
        if labels.len() < 3 && !labels.contains(&label) {
            labels.push(label);
        }
    }
    if let Some(first) = data.impacts.iter().map(|impact| impact.start_ns).min() {
        text.push_str(&format!(
            " In this run the plant first felt it at {}: {}.",
            at(data, first),
            list(&labels)
        ));
    } else {
        text.push_str(" In this run none of the limits that the scenario watches was broken.");
    }
    (heading, text)
}

/// The parts of a loss in words: bottles, minutes, money, danger. Empty when nothing was lost.
fn loss_words(
    data: &ReportData<'_>,
    continuity: &Continuity,
    of: fn(&Comparison) -> Option<f64>,
) -> Vec<String> {
    let (mut lost, mut gained) = (Vec::new(), Vec::new());
    let mut add = |value: f64, words: String| {
        if value > 0.0 {
            lost.push(words)
        } else {
            gained.push(words)
        }
    };
    if let Some(parts) = of(&continuity.good_parts).filter(|parts| *parts != 0.0) {
        let whole = continuity.good_parts.n.value.filter(|whole| *whole > 0.0);
        let share =
            whole.map(|whole| format!(" ({} of a quiet run)", percent(parts.abs() / whole)));
        let items = if parts.abs() == 1.0 {
            &data.item
        } else {
            &data.items
        };
        let words = format!(
            "<strong>{} good {}</strong>{}",
            number(parts.abs(), 0),
            escape(items),
            share.unwrap_or_default()
        );
        add(parts, words);
    }
    if let Some(time) = of(&continuity.production_s).filter(|time| time.abs() >= 1.0) {
        add(time, format!("{} of production time", duration(time.abs())));
    }
    if let (Some(sum), Some(prices)) = (
        of(&continuity.money).filter(|sum| *sum != 0.0),
        &continuity.prices,
    ) {
        add(
            sum,
            format!("{} {}", escape(&prices.currency), number(sum.abs(), 0)),
        );
    }
    if let Some(time) = of(&continuity.unsafe_s).filter(|time| *time > 0.0) {
        add(
            time,
            format!("{} with people or equipment in danger", duration(time)),
        );
    }
    // What a run gains beside its losses is the luck of another course of the shift, and is said last.
    if !gained.is_empty() {
        let nothing = if lost.is_empty() { "nothing" } else { "" };
        let but = format!(
            "{nothing} (while it gains {} by another course of the shift)",
            list(&gained)
        );
        match lost.last_mut() {
            Some(last) => last.push_str(&but),
            None => lost.push(but),
        }
    }
    lost
}

fn what_it_cost(data: &ReportData<'_>) -> (&'static str, String) {
    let heading = "What it costs when nobody defends";
    let Some(continuity) = &data.score.continuity else {
        return (heading, String::new());
    };
    if data.score.detection.steps_total == 0 {
        return (heading, String::new());
    }
    if let Some(reason) = &continuity.good_parts.attack_damage.undefined {
        return (heading, format!("Not known: {}.", escape(reason)));
    }
    let parts = loss_words(data, continuity, |comparison| {
        comparison.attack_damage.value
    });
    let text = if parts.is_empty() {
        "Nothing: the plant produced as much with the attack as without it.".to_owned()
    } else {
        format!(
            "The same shift, attacked and undefended, loses {}.",
            list(&parts)
        )
    };
    (heading, text)
}

fn what_was_seen(data: &ReportData<'_>) -> (&'static str, String) {
    let detection = &data.score.detection;
    let heading = "What the defense saw, and when";
    if detection.steps_total == 0 {
        return (heading, String::new());
    }
    if data.score.header.tool.is_none() {
        return (heading, "No defense was watching.".to_owned());
    }
    let tool = tool_name(data);
    let Some(alert_ns) = first_alert(&detection.steps) else {
        return (
            heading,
            format!("{tool} saw none of the {} steps.", detection.steps_total),
        );
    };
    let start_ns = detection
        .steps
        .iter()
        .map(|step| step.start_ns)
        .min()
        .unwrap_or_default();
    let mut text = format!(
        "{tool} saw <strong>{} of the {} steps</strong>. Its first alert came at {}, {} after the attack began",
        detection.steps_detected,
        detection.steps_total,
        at(data, alert_ns),
        duration(alert_ns.saturating_sub(start_ns) as f64 / 1e9)
    );
    match detection.first_impact_ns() {
        Some(impact_ns) if impact_ns > alert_ns => text.push_str(&format!(
            " and <strong>{} before</strong> the first physical damage that the attack does undefended.",
            duration((impact_ns - alert_ns) as f64 / 1e9)
        )),
        Some(impact_ns) => text.push_str(&format!(
            " but <strong>{} after</strong> the first physical damage.",
            duration((alert_ns - impact_ns) as f64 / 1e9)
        )),
        None => text.push('.'),
    }
    let missed: Vec<String> = detection
        .steps
        .iter()
        .filter(|step| !step.detected)
        .map(|step| format!("<q>{}</q>", escape(&step.name)))
        .collect();
    if !missed.is_empty() {
        text.push_str(&format!(" It missed {}.", list(&missed)));
    }
    (heading, text)
}

fn what_was_saved(data: &ReportData<'_>) -> (&'static str, String) {
    let heading = "What it saved";
    let Some(continuity) = &data.score.continuity else {
        return (heading, String::new());
    };
    if data.score.detection.steps_total == 0 || data.score.header.tool.is_none() {
        return (heading, String::new());
    }
    let acted = match data.actions.len() {
        0 => "It only watched and took no action. ".to_owned(),
        count => {
            let mut words: Vec<String> = data
                .actions
                .iter()
                .map(|action| format!("{} {}", escape(&action.action), escape(&action.target)))
                .collect();
            words.dedup();
            let more = words.len().saturating_sub(3);
            words.truncate(3);
            if more > 0 {
                words.push(format!("{more} more"));
            }
            format!(
                "It took {}: {}. ",
                counted(count as f64, "action", "actions"),
                list(&words)
            )
        }
    };
    let parts = &continuity.good_parts;
    let text = match (parts.protection.value, &parts.protection.undefined) {
        (Some(protection), _) => {
            let left = loss_words(data, continuity, |comparison| {
                comparison.residual_damage.value
            });
            let left = if left.is_empty() {
                "nothing".to_owned()
            } else {
                list(&left)
            };
            let judged = if protection < 0.0 {
                format!(
                    "<strong>It made things worse</strong>: on top of the attack's damage it cost another {} of it",
                    percent(-protection)
                )
            } else if protection == 0.0 {
                "It saved nothing of what the attack took".to_owned()
            } else {
                format!(
                    "It saved <strong>{}</strong> of the good {} that the attack would have taken",
                    percent(protection),
                    escape(&data.items)
                )
            };
            format!("{acted}{judged}. Attacked and defended, the shift still loses {left}.")
        }
        (None, Some(reason)) => format!(
            "{acted}How much it saved is not defined: {}.",
            escape(reason)
        ),
        (None, None) => acted,
    };
    (heading, text)
}

fn what_the_defense_cost(data: &ReportData<'_>) -> (&'static str, String) {
    let heading = "What the defense itself costs";
    if data.score.header.tool.is_none() {
        return (heading, String::new());
    }
    let mut text = String::new();
    if let Some(continuity) = &data.score.continuity {
        if let Some(reason) = &continuity.good_parts.uptime_tax.undefined {
            text.push_str(&format!(
                "Its cost on a quiet shift is not known: {}. ",
                escape(reason)
            ));
        } else {
            let parts = loss_words(data, continuity, |comparison| comparison.uptime_tax.value);
            if parts.is_empty() {
                text.push_str("On a quiet shift it costs nothing: production with and without it is the same. ");
            } else {
                text.push_str(&format!(
                    "On a quiet shift, with no attack at all, it costs {}. ",
                    list(&parts)
                ));
            }
        }
    }
    text.push_str(&false_alarm_words(&data.score.detection));
    (heading, text)
}

fn false_alarm_words(detection: &Detection) -> String {
    let observed = duration(detection.attack_free_s);
    let Some(rate) = detection.false_alarms_per_day.value else {
        return "Whether it cries wolf is not known: no attack-free time was observed.".to_owned();
    };
    let mut text = if detection.alarms_false == 0 {
        format!("It raised no false alarm in {observed} without attack")
    } else {
        format!(
            "It raised <strong>{}</strong> in {observed} without attack, about {} a day",
            counted(detection.alarms_false as f64, "false alarm", "false alarms"),
            number(rate, if rate < 10.0 { 1 } else { 0 })
        )
    };
    if let Some(interval) = detection.false_alarms_per_day_interval {
        let show = |value: f64| number(value, if value < 10.0 { 1 } else { 0 });
        text.push_str(&format!(
            "; from so short a time the true rate may be {} to {} a day",
            show(interval.low),
            show(interval.high)
        ));
    }
    text.push('.');
    if let Some(share) = detection
        .alarm_time_percent
        .value
        .filter(|share| *share > 20.0)
    {
        text.push_str(&format!(
            " <strong>It was in alarm for {} of the quiet time</strong>, so its alarms mean little.",
            percent(share / 100.0)
        ));
    }
    text
}
