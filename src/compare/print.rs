//! A comparison on a terminal.

use sim_kernel::time::SimTime;
use twinrange_score::compare::{Beside, Fate, LostLess, Placed, StepSeen, TwoRuns, Unit, Which};
use twinrange_score::figure::Figure;

use crate::support::progress::clock;

/// The figures of what was seen that a terminal shows; the page has all.
const SEEN: [&str; 5] = [
    "steps_detected",
    "time_to_detect_both_s",
    "false_alarms_per_hour",
    "alarm_time_percent",
    "uptime_tax_percent",
];
/// The figures of what was made that a terminal shows.
const MADE: [&str; 4] = ["good_parts", "oee", "downtime_s", "worth"];

/// Prints what was the same, the losses, what was made and what was seen.
///
/// # Arguments
///
/// * `items` — several produced items.
pub(super) fn print(two: &TwoRuns, items: &str) {
    let (first, second) = (&two.first, &two.second);
    say!("scenario    {}, {:.0} s each", two.scenario, two.duration_s);
    for (place, run) in [("first", first), ("second", second)] {
        let attack = if run.attack {
            "attacked"
        } else {
            "not attacked"
        };
        say!(
            "{place:<11} {} (seed {}, {attack}): {}",
            run.label,
            run.seed,
            run.folder
        );
    }
    if two.only_the_defense {
        say!("same        everything but the defense and its alerts");
    } else {
        for setting in two.settings.iter().filter(|s| !s.same) {
            say!(
                "differs     {}: {} | {}",
                setting.title.to_lowercase(),
                setting.first,
                setting.second
            );
        }
    }
    for warning in &two.warnings {
        say!("mind        {warning}");
    }
    if let Some(parted_ns) = two.parted_ns {
        say!(
            "parted      at {}; up to then the plant does the same in both",
            clock(SimTime::from_nanos(parted_ns))
        );
    }
    say!("                                      first     second difference");
    rows("lost", &two.losses, items, |_| true);
    rows("made", &two.production, items, |f| {
        MADE.contains(&f.figure.as_str())
    });
    rows("seen", &two.detection, items, |f| {
        SEEN.contains(&f.figure.as_str())
    });
    print_steps(two);
    print_margin(two);
    say!("{}", verdict(two));
    say!(
        "            One pair of runs is one seed and never separates two defenses; `campaign` runs many."
    );
}

fn rows(head: &str, figures: &[Beside], items: &str, shown: impl Fn(&Beside) -> bool) {
    say!("{head}");
    for figure in figures.iter().filter(|figure| shown(figure)) {
        let title = figure.title.replace("items", items).to_lowercase();
        let (unit, scale, digits) = match figure.unit {
            Unit::Items | Unit::Count => ("", 1.0, 0),
            Unit::Share => (", %", 100.0, 1),
            Unit::Percent => (", %", 1.0, 1),
            Unit::Seconds => (", s", 1.0, 0),
            Unit::Litres => (", L", 1.0, 1),
            Unit::Money => ("", 1.0, 2),
            Unit::PerHour | Unit::PerTenMinutes => ("", 1.0, 2),
        };
        let cell = |value: &Figure| {
            value
                .value
                .map_or_else(|| "-".to_owned(), |v| format!("{:.digits$}", v * scale))
        };
        let difference = figure
            .difference
            .value
            .map_or_else(|| "-".to_owned(), |v| signed(v * scale, digits));
        let name = format!("{title}{unit}");
        say!(
            "  {name:<32} {:>8} {:>10} {difference:>10}",
            cell(&figure.first),
            cell(&figure.second)
        );
    }
}

/// A difference with its sign; a zero has none, and neither has what is rounded to it.
fn signed(value: f64, digits: usize) -> String {
    let text = format!("{value:+.digits$}");
    if text.contains(|c: char| ('1'..='9').contains(&c)) {
        text
    } else {
        text[1..].to_owned()
    }
}

fn print_steps(two: &TwoRuns) {
    if two.steps.is_empty() {
        return;
    }
    say!("steps");
    let seen = |step: &StepSeen| match (step.fate, step.time_to_detect_s) {
        (Fate::Detected, Some(s)) => {
            let grade = step.grade.map_or("", |grade| grade.label()).to_lowercase();
            format!("{grade}, after {s:.1} s")
        }
        (Fate::Detected, None) => "detected".to_owned(),
        (Fate::Missed, _) => "missed".to_owned(),
        (Fate::NeverRan, _) => "never ran".to_owned(),
        (Fate::Absent, _) => "-".to_owned(),
    };
    for step in &two.steps {
        let only = step
            .only
            .map_or("", |which| which.of("  only first", "  only second"));
        say!(
            "  {:<20} {:<26} {:<26}{only}",
            step.id,
            seen(&step.first),
            seen(&step.second)
        );
    }
}

fn print_margin(two: &TwoRuns) {
    let Some(margin) = two.margin.as_ref().filter(|margin| margin.shared) else {
        return;
    };
    say!("time to act");
    for loss in &margin.losses {
        let (Some(first), Some(second)) = (&loss.first, &loss.second) else {
            continue;
        };
        let turn = first.point_of_no_return_ns.map_or_else(
            || "always too late".to_owned(),
            |t_ns| format!("last order {}", clock(SimTime::from_nanos(t_ns))),
        );
        say!(
            "  {} at {}: {turn}",
            loss.id,
            clock(SimTime::from_nanos(first.impact_ns))
        );
        let done = [Which::First, Which::Second].map(|which| margin.done_ns(which));
        let words = |placed: &Placed, done_ns| {
            let standing = placed.standing(done_ns);
            standing.unwrap_or_else(|| "none".to_owned())
        };
        for (what, one, other) in [
            ("first alert", done[0].0, done[1].0),
            ("first action", done[0].1, done[1].1),
        ] {
            say!(
                "    {what:<12} {:<22} {}",
                words(first, one),
                words(second, other)
            );
        }
    }
}

fn verdict(two: &TwoRuns) -> String {
    let less = |which: Which| {
        format!(
            "lost less   {}, than {}",
            two.label(which),
            two.label(which.other())
        )
    };
    match two.lost_less {
        LostLess::First => less(Which::First),
        LostLess::Second => less(Which::Second),
        LostLess::Equal if two.losses_not_compared().next().is_some() => {
            "lost less   neither, as far as it is known: see above".to_owned()
        }
        LostLess::Equal => "lost less   neither: both lost the same".to_owned(),
        LostLess::Mixed => "lost less   neither in everything: see above".to_owned(),
        LostLess::Unknown if two.first.attack != two.second.attack => {
            "lost less   cannot be said: only one of the two was attacked".to_owned()
        }
        LostLess::Unknown => {
            "lost less   not known: the scores do not say what both lost".to_owned()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::signed;

    #[test]
    fn difference_when_it_is_rounded_to_zero_then_without_a_sign() {
        for (value, digits, shown) in [
            (0.0, 0, "0"),
            (-0.0, 2, "0.00"),
            (-0.3, 0, "0"),
            (0.004, 2, "0.00"),
            (-0.006, 2, "-0.01"),
            (90.0, 0, "+90"),
        ] {
            assert_eq!(signed(value, digits), shown);
        }
    }
}
