//! The page for the SOC: who saw which step when, and how noisily.

use super::figures::table_of;
use super::{BOTH, CompareData, none};
use crate::compare::{Fate, LossPair, Placed, StepPair, StepSeen, Which};
use crate::detection::Verdict;
use crate::gate::GateResult;
use crate::report::ReportData;
use crate::report::both_widths;
use crate::report::lanes::{Lanes, actions_s, clock_s, focus_on, steps_s};
use crate::report::tables::{
    self, Narrow, gate_badge, grade_badge, key, legend, table, technique_names,
};
use crate::report::words::{clock, duration, escape, list, number};

pub(super) fn figures(data: &CompareData<'_>) -> String {
    let nobody = BOTH
        .into_iter()
        .all(|which| data.side(which).score.header.tool.is_none());
    if nobody {
        return "<p>Nobody was watching in either run.</p>\n".to_owned();
    }
    table_of(data, "What each defense saw", &data.two.detection)
}

/// Gates of either score. Empty without gates.
pub(super) fn gates(data: &CompareData<'_>) -> String {
    let [first, second] = BOTH.map(|which| &data.side(which).score.gates);
    let mut names: Vec<&str> = Vec::new();
    for gate in first.iter().chain(second) {
        if !names.contains(&gate.gate.as_str()) {
            names.push(&gate.gate);
        }
    }
    if names.is_empty() {
        return String::new();
    }
    let verdict = |gates: &[GateResult], name: &str| {
        let Some(gate) = gates.iter().find(|gate| gate.gate == name) else {
            return "<span class=\"dim\">not asked</span>".to_owned();
        };
        let actual = gate
            .actual
            .map_or_else(|| "undefined".to_owned(), |actual| number(actual, 4));
        format!("{} {actual}", gate_badge(gate.passed))
    };
    let rows: Vec<Vec<String>> = names
        .into_iter()
        .map(|name| {
            vec![
                format!("<code>{}</code>", escape(name)),
                verdict(first, name),
                verdict(second, name),
            ]
        })
        .collect();
    let [one, other] = data.labels();
    table("Gates", Narrow::Stack, &["Gate", &one, &other], &rows)
}

/// The lanes of both runs over one axis.
pub(super) fn timeline(data: &CompareData<'_>) -> String {
    let focus = focus(data);
    let epoch = data.first.score.header.epoch_unix_ns;
    let mut html = legend(&[
        (key::ATTACK, "attack step (truth)"),
        (key::TRUE_ALARM, "true alarm"),
        (key::FALSE_ALARM, "false alarm"),
        (key::OTHER_ALARM, "alarm neither true nor false"),
        (key::ACTION, "defense action"),
    ]);
    html.push_str(&both_widths(|width, class| {
        let mut lanes = Lanes::new(epoch, focus, width, &[]);
        let top = lanes.top();
        lanes_of_both(data, &mut lanes);
        lanes.axis(top);
        lanes.described(
            class,
            &format!("lanes-{class}"),
            "Timeline of attack, alarms and actions in both runs",
            &in_words(data, focus),
        )
    }));
    html
}

/// The part of the run in which something happens in either, s.
pub(super) fn focus(data: &CompareData<'_>) -> (f64, f64) {
    let of = |side: &ReportData<'_>| -> Vec<f64> {
        let steps = steps_s(&side.score.detection.steps);
        steps.chain(actions_s(&side.actions)).collect()
    };
    let times = [of(&data.first), of(&data.second)].concat();
    focus_on(&times, data.two.duration_s)
}

/// Whether the attack went alike, so that one lane shows it.
pub(super) fn same_course(data: &CompareData<'_>) -> bool {
    let course = |side: &ReportData<'_>| -> Vec<(String, u64, u64)> {
        let steps = side.score.detection.steps.iter();
        steps
            .map(|step| (step.id.clone(), step.start_ns, step.end_ns))
            .collect()
    };
    course(&data.first) == course(&data.second)
}

fn lanes_of_both(data: &CompareData<'_>, lanes: &mut Lanes) {
    let shared = same_course(data);
    if shared {
        lanes.steps("Attack (truth)", &data.first.score.detection.steps, false);
    }
    for which in BOTH {
        let side = data.side(which);
        let alarms = &side.score.detection.alarms;
        lanes.heading(data.two.label(which));
        if !shared {
            lanes.steps("Attack (truth)", &side.score.detection.steps, true);
        }
        lanes.alarms("True alarms", alarms, &[Verdict::True]);
        lanes.alarms("False alarms", alarms, &[Verdict::False]);
        let others = [Verdict::Unattributed, Verdict::Recovery];
        if alarms.iter().any(|alarm| others.contains(&alarm.verdict)) {
            lanes.alarms("Other alarms", alarms, &others);
        }
        lanes.actions("Actions", &side.actions);
    }
}

fn in_words(data: &CompareData<'_>, focus: (f64, f64)) -> String {
    let epoch = data.first.score.header.epoch_unix_ns;
    let sides: Vec<String> = BOTH
        .into_iter()
        .map(|which| {
            let side = data.side(which);
            let found = &side.score.detection;
            format!(
                "{}: {} attack steps, {} true and {} false alarms in the run, {} actions",
                data.two.label(which),
                found.steps_total,
                found.alarms_true,
                found.alarms_false,
                side.actions.len()
            )
        })
        .collect();
    format!(
        "From {} to {}. {}. The tables give the same in words.",
        clock_s(focus.0, epoch),
        clock_s(focus.1, epoch),
        sides.join(". ")
    )
}

/// What became of a step in one run, as markup.
fn seen(data: &CompareData<'_>, step: &StepSeen) -> String {
    let epoch = data.first.score.header.epoch_unix_ns;
    let badge = step.grade.map_or_else(String::new, grade_badge);
    match step.fate {
        Fate::Absent => "<span class=\"dim\">not in this run</span>".to_owned(),
        Fate::NeverRan => format!(
            "<span class=\"badge g3\">never ran</span> <span class=\"dim\">{}</span>",
            escape(step.reason.as_deref().unwrap_or(""))
        ),
        Fate::Missed => format!("{badge} missed"),
        Fate::Detected => {
            let when = step
                .first_alert_ns
                .map_or_else(String::new, |t_ns| format!(" at {}", clock(t_ns, epoch)));
            let after = step
                .time_to_detect_s
                .map_or_else(String::new, |s| format!(", after {}", duration(s)));
            let lead = match step.lead_time_s {
                Some(s) if s < 0.0 => format!(", {} after the damage", duration(-s)),
                Some(s) => format!(", {} before the damage", duration(s)),
                None => String::new(),
            };
            let by = step.signature.as_deref().map_or_else(String::new, |name| {
                format!("<br><span class=\"dim\">by {}</span>", escape(name))
            });
            format!("{badge}{when}{after}{lead}{by}")
        }
    }
}

fn step_cell(data: &CompareData<'_>, step: &StepPair) -> String {
    let epoch = data.first.score.header.epoch_unix_ns;
    let starts = [step.first.start_ns, step.second.start_ns]
        .map(|start| start.map_or_else(|| "never".to_owned(), |t_ns| clock(t_ns, epoch)));
    let began = if starts[0] == starts[1] {
        format!("from {}", starts[0])
    } else {
        format!("from {} and {}", starts[0], starts[1])
    };
    format!(
        "{}<br><span class=\"dim\">{began}</span><br><span class=\"dim\">{}</span>",
        escape(&step.name),
        technique_names(&step.techniques).join(", ")
    )
}

/// The steps with both defenses beside each other. Empty when nothing attacked.
pub(super) fn kill_chain(data: &CompareData<'_>) -> String {
    if data.two.steps.is_empty() {
        return String::new();
    }
    let rows: Vec<Vec<String>> = data
        .two
        .steps
        .iter()
        .map(|step| {
            let by = match (step.only, step.first.fate, step.second.fate) {
                (Some(which), ..) => format!("only {}", data.label(which)),
                (None, Fate::Detected, Fate::Detected) => "both".to_owned(),
                (None, Fate::Detected, _) => {
                    format!("{}; it never ran in the other", data.label(Which::First))
                }
                (None, _, Fate::Detected) => {
                    format!("{}; it never ran in the other", data.label(Which::Second))
                }
                (None, ..) => "nobody".to_owned(),
            };
            vec![
                step_cell(data, step),
                by,
                seen(data, &step.first),
                seen(data, &step.second),
            ]
        })
        .collect();
    let [first, second] = data.labels();
    let mut html = table(
        "Attack steps with what both saw",
        Narrow::Stack,
        &["Step", "Seen by", &first, &second],
        &rows,
    );
    for which in BOTH {
        let only = data.two.seen_only_by(which);
        let only: Vec<String> = only
            .map(|step| format!("<q>{}</q>", escape(&step.name)))
            .collect();
        if !only.is_empty() {
            html.push_str(&format!(
                "<p>Only <strong>{}</strong> saw {}.</p>\n",
                data.label(which),
                list(&only)
            ));
        }
    }
    html
}

/// What alarms ask of those who watch them: of the tools, and of the plant's own operators.
pub(super) fn alarm_load(data: &CompareData<'_>) -> String {
    let mut html = String::new();
    if !data.two.alarm_load.is_empty() {
        html.push_str(
            "<p>What the tools' alarms ask of one who watches them, beside the limits of ISA-18.2. Those are meant over \
             thirty days; over one run they compare runs and no more.</p>\n",
        );
        html.push_str(&table_of(
            data,
            "Load of the tools' alarms",
            &data.two.alarm_load,
        ));
    }
    for (hmi, load) in &data.two.operator_load {
        html.push_str(&format!(
            "<h4>The plant's own alarms on {}</h4>\n",
            escape(hmi)
        ));
        let label = format!("Load of the plant's alarms on {hmi}");
        html.push_str(&table_of(data, &label, load));
    }
    html
}

/// The alarms that are not true, of each. Empty where nobody watched.
pub(super) fn false_alarms(data: &CompareData<'_>) -> String {
    let mut html = String::new();
    for which in BOTH {
        let listed = tables::false_alarms(data.side(which).score);
        if !listed.is_empty() {
            html.push_str(&format!("<h4>{}</h4>\n{listed}", data.label(which)));
        }
    }
    html
}

/// Each loss with both defenses against it. Empty without a margin.
pub(super) fn no_return(data: &CompareData<'_>) -> String {
    let Some(pair) = data
        .two
        .margin
        .as_ref()
        .filter(|pair| !pair.losses.is_empty())
    else {
        return String::new();
    };
    let epoch = data.first.score.header.epoch_unix_ns;
    let turn = |placed: &Placed| {
        placed
            .point_of_no_return_ns
            .map_or_else(|| "before the first frame".to_owned(), |t| clock(t, epoch))
    };
    let placed = |loss: &LossPair, which: Which| {
        let Some(placed) = which.of(&loss.first, &loss.second) else {
            return none();
        };
        let of = |what: &str, done_ns: Option<u64>| match placed.standing(done_ns) {
            Some(standing) => format!("{what} {standing}"),
            None => format!("no {what} against it"),
        };
        let (alert_ns, action_ns) = pair.done_ns(which);
        let both = format!("{}; {}", of("alert", alert_ns), of("action", action_ns));
        match placed.point_of_no_return_ns {
            Some(turn_ns) if !pair.shared => format!("until {}: {both}", clock(turn_ns, epoch)),
            _ => both,
        }
    };
    let rows: Vec<Vec<String>> = pair
        .losses
        .iter()
        .map(|loss| {
            let known = loss.first.as_ref().or(loss.second.as_ref());
            let mut row = vec![escape(&loss.label)];
            if pair.shared {
                row.push(known.map_or_else(none, |p| clock(p.impact_ns, epoch)));
                row.push(known.map_or_else(none, turn));
            }
            row.extend(BOTH.map(|which| placed(loss, which)));
            row
        })
        .collect();
    let [first, second] = data.labels();
    let mut head = vec!["Loss"];
    if pair.shared {
        head.extend(["Undefended", "Point of no return"]);
    }
    head.extend([first.as_str(), second.as_str()]);
    table("Points of no return", Narrow::Stack, &head, &rows)
}
