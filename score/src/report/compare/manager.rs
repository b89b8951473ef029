//! The page for the manager: which of the two lost less, what was the same, and how long there was to act.

use super::figures::{show, table_of};
use super::{BOTH, CompareData};
use crate::compare::{Beside, Fate, LostLess, MarginPair, Setting, Unit, Which};
use crate::margin::margin_s;
use crate::report::charts::{Level, levels};
use crate::report::margin::{Moment, Picture, currency, in_time, picture_of, too_late_words};
use crate::report::tables::{Narrow, cards, table};
use crate::report::words::{clock, counted, duration, escape, list, number};

pub(super) fn summary(data: &CompareData<'_>) -> String {
    let two = data.two;
    let paragraphs = [
        ("What is compared", what_is_compared(data)),
        ("Which lost less", which_lost_less(data)),
        ("What each broke", what_each_broke(data)),
        ("What each saw", what_each_saw(data)),
        (
            "What this does not say",
            "It does not say which defense is better. This is one pair of runs with one seed, and one pair never \
             separates two defenses: with other bottles, people and moments the other may lose less. \
             <code>twinrange campaign</code> runs both with many seeds, and from six on it says with an interval \
             whether they differ."
                .to_owned(),
        ),
    ];
    let mut html = cards(&loss_cards(data));
    for warning in &two.warnings {
        html.push_str(&format!(
            "<p class=\"note\"><strong>Mind:</strong> {}</p>\n",
            escape(warning)
        ));
    }
    html.push_str("<div class=\"story\">\n");
    for (heading, text) in paragraphs.iter().filter(|(_, text)| !text.is_empty()) {
        html.push_str(&format!("<h4>{heading}</h4>\n<p>{text}</p>\n"));
    }
    html.push_str("</div>\n");
    html.push_str(&made(data));
    html.push_str("<h4>What each lost against a quiet shift of the same seed</h4>\n");
    let shown: Vec<Beside> = [told(data), downtime(data)].concat();
    html.push_str(&table_of(data, "Losses of both runs", &shown));
    html
}

/// The losses that at least one of the two has, and parts in any case.
fn told(data: &CompareData<'_>) -> Vec<Beside> {
    let told = data.two.losses.iter().filter(|loss| {
        let values = [&loss.first, &loss.second].map(|figure| figure.value);
        loss.figure == "good_parts_lost" || values.iter().any(|v| v.is_some_and(|v| v.abs() > 0.0))
    });
    told.cloned().collect()
}

fn downtime(data: &CompareData<'_>) -> Vec<Beside> {
    let made = data.two.production.iter();
    made.filter(|figure| figure.figure == "downtime_s")
        .cloned()
        .collect()
}

fn loss_cards(data: &CompareData<'_>) -> Vec<(String, String, String)> {
    let [first, second] = BOTH.map(|which| data.two.label(which));
    let mut all: Vec<(String, String, String)> = Vec::new();
    // Downtime tells a manager what production time does, in fewer words.
    let losses = told(data).into_iter();
    let losses = losses.filter(|loss| loss.figure != "production_s_lost");
    for figure in losses.chain(downtime(data)) {
        let name = figure.title.replace("items", &data.first.items);
        let (Some(one), Some(other)) = (figure.first.value, figure.second.value) else {
            continue;
        };
        let less = match figure.difference.value {
            Some(difference) if difference.abs() > 0.0 => {
                let word = if difference < 0.0 { "less" } else { "more" };
                format!("{} {word}", plain(data, figure.unit, difference.abs()))
            }
            Some(_) => "equal".to_owned(),
            None => "n/a".to_owned(),
        };
        let note = format!(
            "{} with {second}; {} with {first}",
            plain(data, figure.unit, other),
            plain(data, figure.unit, one)
        );
        all.push((name, less, note));
    }
    let detection = BOTH.map(|which| &data.side(which).score.detection);
    if detection.iter().any(|found| found.steps_total > 0) {
        let seen = detection.map(|d| format!("{} of {}", d.steps_detected, d.steps_total));
        all.push((
            "Attack steps seen".to_owned(),
            seen[1].clone(),
            format!("with {second}; {} with {first}", seen[0]),
        ));
    }
    all
}

/// A value as text, for a card, which is escaped there.
fn plain(data: &CompareData<'_>, unit: Unit, value: f64) -> String {
    match unit {
        Unit::Money => format!("{} {}", number(value, 0), data.currency())
            .trim_end()
            .to_owned(),
        _ => show(data, unit, value),
    }
}

fn em(data: &CompareData<'_>, which: Which) -> String {
    format!("<em>{}</em>", data.label(which))
}

fn what_is_compared(data: &CompareData<'_>) -> String {
    let two = data.two;
    let [first, second] = BOTH.map(|which| em(data, which));
    let mut text = if two.same_shift {
        let shift = if two.first.attack {
            "the same attacked shift"
        } else {
            "the same quiet shift"
        };
        format!(
            "Two runs of {shift} of {}, seed {}: the first with {first}, the second with {second}.",
            duration(two.duration_s),
            two.first.seed
        )
    } else {
        format!(
            "Two runs of {} each: the first with {first} (seed {}, {}), the second with {second} (seed {}, {}).",
            duration(two.duration_s),
            two.first.seed,
            attacked(two.first.attack),
            two.second.seed,
            attacked(two.second.attack)
        )
    };
    if two.only_the_defense {
        text.push_str(
            " Plant, people, seed and attack are the same: what differs is caused by the defense.",
        );
    }
    match two.parted_ns {
        Some(t_ns) => text.push_str(&format!(
            " Up to {} the plant does exactly the same in both.",
            clock(t_ns, data.first.score.header.epoch_unix_ns)
        )),
        None if two.only_the_defense => {
            text.push_str(
                " The plant does exactly the same in both from the first moment to the last.",
            );
        }
        None => {}
    }
    text
}

fn attacked(attack: bool) -> &'static str {
    if attack { "attacked" } else { "not attacked" }
}

/// One loss in words: `12 good bottles`, `EUR 40`. None for time in danger, of which nobody says that it is lost.
fn loss_words(data: &CompareData<'_>, figure: &Beside, value: f64) -> Option<String> {
    let value = value.abs();
    Some(match figure.figure.as_str() {
        "good_parts_lost" => format!(
            "<strong>{}</strong>",
            escape(&counted(
                value,
                &format!("good {}", data.first.item),
                &format!("good {}", data.first.items)
            ))
        ),
        "money_lost" => format!("{} {}", escape(data.currency()), number(value, 0)),
        "production_s_lost" => format!("{} of production time", unbroken(value)),
        _ => return None,
    })
}

/// The name of what a loss is a loss of.
fn of_what(data: &CompareData<'_>, figure: &Beside) -> String {
    match figure.figure.as_str() {
        "good_parts_lost" => format!("good {}", escape(&data.first.items)),
        "money_lost" => "money".to_owned(),
        "production_s_lost" => "production time".to_owned(),
        _ => "time in danger".to_owned(),
    }
}

/// A length of time that no line break tears apart.
fn unbroken(seconds: f64) -> String {
    duration(seconds).replace(' ', "\u{a0}")
}

/// How much less one lost than the other, in those losses that favour it: `90 good bottles and EUR 45 less`.
fn advantage(data: &CompareData<'_>, which: Which) -> String {
    let (mut lost, mut danger) = (Vec::new(), None);
    let favoured = data.two.losses.iter();
    for loss in favoured.filter(|loss| loss.favours == Some(which)) {
        let Some(value) = loss.difference.value else {
            continue;
        };
        match loss_words(data, loss, value) {
            Some(words) => lost.push(words),
            None => danger = Some(format!("{} less in danger", unbroken(value.abs()))),
        }
    }
    let lost = (!lost.is_empty()).then(|| format!("{} less", list(&lost)));
    let all: Vec<String> = [lost, danger].into_iter().flatten().collect();
    all.join(", and ")
}

fn which_lost_less(data: &CompareData<'_>) -> String {
    let two = data.two;
    let less = |which: Which| {
        format!(
            "In this pair <strong>{} lost less</strong> than {}: {}.",
            data.label(which),
            em(data, which.other()),
            advantage(data, which)
        )
    };
    let mut text = match two.lost_less {
        LostLess::First => less(Which::First),
        LostLess::Second => less(Which::Second),
        LostLess::Equal => equal(data),
        LostLess::Mixed => format!(
            "<strong>Neither lost less in everything</strong>: with {} it was {}; with {} {}.",
            em(data, Which::First),
            advantage(data, Which::First),
            em(data, Which::Second),
            advantage(data, Which::Second)
        ),
        LostLess::Unknown if two.first.attack != two.second.attack => {
            "Neither can be said to: only one of the two was attacked.".to_owned()
        }
        LostLess::Unknown => {
            return "Not known: the scores do not say what both lost.".to_owned();
        }
    };
    let unknown: Vec<String> = two
        .losses_not_compared()
        .map(|loss| of_what(data, loss))
        .collect();
    if !unknown.is_empty() && two.lost_less != LostLess::Unknown {
        text.push_str(&format!(" Not compared: {}.", list(&unknown)));
    }
    let each: Vec<String> = BOTH
        .into_iter()
        .map(|which| format!("{} {}", em(data, which), against_quiet(data, which)))
        .collect();
    format!(
        "{text} Against a quiet shift of the same seed, {}.",
        each.join("; ")
    )
}

/// That no loss that both have differs, with what those are where it is not all of them.
fn equal(data: &CompareData<'_>) -> String {
    if data.two.losses_not_compared().next().is_none() {
        return "Neither: both lost exactly the same.".to_owned();
    }
    let known = data.two.losses.iter();
    let known: Vec<String> = known
        .filter(|loss| loss.difference.value.is_some())
        .map(|loss| of_what(data, loss))
        .collect();
    format!("Neither, as far as it is known: equal in {}.", list(&known))
}

/// What a run lost, and gained beside it by another course of the shift, and what is not known of it.
fn against_quiet(data: &CompareData<'_>, which: Which) -> String {
    let (mut lost, mut gained) = (Vec::new(), Vec::new());
    let (mut danger, mut unknown) = (None, Vec::new());
    for loss in data.two.losses.iter().filter(|loss| !loss.is_unpriced()) {
        let Some(value) = loss.of_run(which).value else {
            unknown.push(of_what(data, loss));
            continue;
        };
        if value.abs() <= 0.0 {
            continue;
        }
        match loss_words(data, loss, value) {
            Some(words) if value > 0.0 => lost.push(words),
            Some(words) => gained.push(words),
            None => {
                let word = if value > 0.0 { "longer" } else { "less" };
                danger = Some(format!("was {} {word} in danger", unbroken(value.abs())));
            }
        }
    }
    if unknown.len()
        == data
            .two
            .losses
            .iter()
            .filter(|loss| !loss.is_unpriced())
            .count()
    {
        return "has losses that are not known".to_owned();
    }
    let mut text = match (lost.is_empty(), gained.is_empty()) {
        (true, true) if unknown.is_empty() => "lost nothing".to_owned(),
        (true, true) => "lost nothing that is known".to_owned(),
        (false, true) => format!("lost {}", list(&lost)),
        (true, false) => format!("lost nothing and gained {}", list(&gained)),
        (false, false) => format!("lost {} and gained {}", list(&lost), list(&gained)),
    };
    if let Some(danger) = danger {
        text.push_str(&format!(" and {danger}"));
    }
    if !unknown.is_empty() {
        text.push_str(&format!(" ({} not known)", list(&unknown)));
    }
    text
}

/// The limits that only one of the two broke, and those that both did. Empty where that is not known, or nothing was.
fn what_each_broke(data: &CompareData<'_>) -> String {
    let limits = &data.two.limits;
    let broken = |by_first: bool, by_second: bool| -> Vec<String> {
        let these = limits.iter().filter(|limit| {
            (limit.first_ns.is_some(), limit.second_ns.is_some()) == (by_first, by_second)
        });
        these
            .map(|limit| format!("<q>{}</q>", escape(&limit.label)))
            .collect()
    };
    let mut sentences = Vec::new();
    for (which, only) in BOTH
        .into_iter()
        .zip([broken(true, false), broken(false, true)])
    {
        if !only.is_empty() {
            sentences.push(format!("Only with {}: {}.", em(data, which), list(&only)));
        }
    }
    let both = broken(true, true);
    if !both.is_empty() {
        sentences.push(format!("With both: {}.", list(&both)));
    }
    sentences.join(" ")
}

fn what_each_saw(data: &CompareData<'_>) -> String {
    let epoch = data.first.score.header.epoch_unix_ns;
    let mut parts = Vec::new();
    for which in BOTH {
        let detection = &data.side(which).score.detection;
        let name = em(data, which);
        if data.side(which).score.header.tool.is_none() {
            parts.push(format!("With {name} nobody was watching."));
            continue;
        }
        let alarms = counted(detection.alarms_false as f64, "false alarm", "false alarms");
        let when = detection.first_alert_ns().map_or_else(String::new, |t_ns| {
            format!(", the first at {}", clock(t_ns, epoch))
        });
        parts.push(format!(
            "{name} saw {} of {} attack steps{when}, and raised {alarms}.",
            detection.steps_detected, detection.steps_total
        ));
    }
    for which in BOTH {
        let prevented = data.two.steps.iter().filter(|step| {
            let own = which.of(&step.first, &step.second);
            let other = which.other().of(&step.first, &step.second);
            own.fate == Fate::NeverRan && matches!(other.fate, Fate::Detected | Fate::Missed)
        });
        let prevented = prevented.count();
        if prevented > 0 {
            parts.push(format!(
                "With {} the attacker did not get to {} that ran in the other run.",
                em(data, which),
                counted(prevented as f64, "step", "steps")
            ));
        }
        let only = data.two.seen_only_by(which);
        let only: Vec<String> = only
            .map(|step| format!("<q>{}</q>", escape(&step.name)))
            .collect();
        if !only.is_empty() {
            parts.push(format!("Only {} saw {}.", em(data, which), list(&only)));
        }
    }
    parts.join(" ")
}

/// Good items of the quiet, the undefended and both runs as bars. Empty where they are not known.
fn made(data: &CompareData<'_>) -> String {
    let found = data.two.production.iter();
    let Some(good) = found.clone().find(|figure| figure.figure == "good_parts") else {
        return String::new();
    };
    let [first, second] = BOTH.map(|which| data.two.label(which).to_owned());
    let all = [
        ("quiet shift".to_owned(), good.quiet),
        ("attacked, nobody defends".to_owned(), good.undefended),
        (first, good.first.value),
        (second, good.second.value),
    ];
    let bars: Vec<Level> = all
        .into_iter()
        .filter_map(|(label, value)| {
            Some(Level {
                label,
                value: value?,
            })
        })
        .collect();
    if bars.len() < 2 {
        return String::new();
    }
    format!(
        "<h4>Good {} made</h4>\n{}",
        escape(&data.first.items),
        levels("made", &format!("Good {} made", data.first.items), &bars)
    )
}

/// What was the same and what was not.
pub(super) fn settings(data: &CompareData<'_>) -> String {
    let [first, second] = data.labels();
    let rows: Vec<Vec<String>> = data
        .two
        .settings
        .iter()
        .map(|setting| {
            let verdict = match (setting.same, setting.of_the_defense) {
                (true, _) => "<span class=\"badge pass\">= same</span>",
                (false, true) => "<span class=\"badge g3\">≠ compared</span>",
                (false, false) => "<span class=\"badge fail\">≠ differs</span>",
            };
            vec![
                escape(&setting.title),
                verdict.to_owned(),
                escape(&setting.first),
                escape(&setting.second),
            ]
        })
        .collect();
    let differs = |setting: &Setting| !setting.same && !setting.of_the_defense;
    let lead = if data.two.only_the_defense {
        "<p>Nothing but the defense and its alerts differs, so each difference on this page is caused by them.</p>\n"
    } else if data.two.settings.iter().any(differs) {
        "<p><strong>More than the defense differs</strong>, so a difference on this page may have another cause.</p>\n"
    } else {
        "<p><strong>The wall clock paced a run</strong>, so a difference on this page may have another cause than the \
         defense.</p>\n"
    };
    format!(
        "{lead}{}",
        table(
            "What was the same",
            Narrow::Stack,
            &["Setting", "Verdict", &first, &second],
            &rows
        )
    )
}

/// How long there was to act, with both defenses against it. Empty without a margin.
pub(super) fn margin(data: &CompareData<'_>) -> String {
    let Some(pair) = &data.two.margin else {
        return String::new();
    };
    if pair.shared {
        let of = |which: Which| data.side(which).score.margin.as_ref();
        let Some(found) = of(Which::First).or_else(|| of(Which::Second)) else {
            return String::new();
        };
        let moments = BOTH
            .into_iter()
            .flat_map(|which| moments(data, pair, which));
        let picture = Picture {
            id: "margin",
            margin: found,
            moments: moments.collect(),
            epoch_unix_ns: data.first.score.header.epoch_unix_ns,
            items: &data.first.items,
            currency: currency(data.first.score),
        };
        return format!(
            "<p>{}</p>\n{}",
            margin_words(data, pair),
            picture_of(&picture)
        );
    }
    let mut html = String::from(
        "<p>The two attacks did not go alike, so each defense stands against its own time to act.</p>\n",
    );
    for which in BOTH {
        let side = data.side(which);
        let Some(found) = &side.score.margin else {
            continue;
        };
        let picture = Picture {
            id: which.of("margin-first", "margin-second"),
            margin: found,
            moments: moments(data, pair, which),
            epoch_unix_ns: side.score.header.epoch_unix_ns,
            items: &side.items,
            currency: currency(side.score),
        };
        html.push_str(&format!(
            "<h4>{}</h4>\n{}",
            data.label(which),
            picture_of(&picture)
        ));
    }
    html
}

fn when(pair: &MarginPair, which: Which) -> [(&'static str, Option<u64>, &'static str); 2] {
    let (alert, action) = pair.done_ns(which);
    [("alert", alert, "true"), ("action", action, "action")]
}

fn moments(data: &CompareData<'_>, pair: &MarginPair, which: Which) -> Vec<Moment> {
    when(pair, which)
        .into_iter()
        .filter_map(|(what, t_ns, class)| {
            Some(Moment {
                name: format!("{what} of {}", data.two.label(which)),
                t_ns: t_ns?,
                class,
            })
        })
        .collect()
}

/// The earliest point of no return and how both stand to it.
fn margin_words(data: &CompareData<'_>, pair: &MarginPair) -> String {
    let epoch = data.first.score.header.epoch_unix_ns;
    if pair.losses.is_empty() {
        return "Undefended, the plant breaks none of the limits that the scenario watches, so there was no damage to \
                be in time for."
            .to_owned();
    }
    // The points of no return are shared, so those of the first are those of the second.
    let placed = pair.losses.iter().filter_map(|loss| loss.first.as_ref());
    let turns: Vec<Option<u64>> = placed.map(|placed| placed.point_of_no_return_ns).collect();
    let Some(turn) = turns.iter().flatten().copied().min() else {
        return "From the first moment of the attack <strong>it was too late</strong> to prevent what followed."
            .to_owned();
    };
    let mut text = format!(
        "Whoever ordered the response by <strong>{}</strong> could still prevent the damage.",
        clock(turn, epoch)
    );
    for which in BOTH {
        let [alert, action] =
            when(pair, which).map(|(_, t_ns, _)| margin_s(Some(turn), t_ns).map(in_time));
        let name = em(data, which);
        text.push_str(&match (alert, action) {
            (None, None) => format!(" {name} neither alerted nor acted."),
            (Some(alert), None) => format!(" {name} alerted {alert} and did not act."),
            (None, Some(action)) => format!(" {name} acted {action} without an alert."),
            (Some(alert), Some(action)) => format!(" {name} alerted {alert} and acted {action}."),
        });
    }
    text.push_str(&too_late_words(&turns));
    if pair.taken_from.is_some() {
        text.push_str(
            " Only one of the two was scored with the runs that tell this; the attack is the same in both, so it holds \
             for the other.",
        );
    }
    text
}
