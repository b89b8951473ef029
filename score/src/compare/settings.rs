//! What two runs were made from and scored with, and whether it was the same.

use serde::{Deserialize, Serialize};

use super::{Facts, Side};
use crate::report::words::{counted, duration, list};
use crate::score::Clock;

/// One thing that the runs were made from or scored with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Setting {
    /// Its name, stable.
    pub setting: String,
    /// For people.
    pub title: String,
    /// Whether it was the same.
    pub same: bool,
    /// Whether it is about the defense and its alerts, which are what is compared.
    pub of_the_defense: bool,
    /// In the first run.
    pub first: String,
    /// In the second run.
    pub second: String,
}

/// What follows from all settings.
pub(super) struct Alike {
    /// Nothing but the defense and its alerts differs.
    pub(super) all: bool,
    /// The same plant, people and attack in the same build: up to the first effect of a defense it is one run.
    pub(super) plant: bool,
    /// And an attack was played in both.
    pub(super) attack: bool,
}

impl Alike {
    pub(super) fn of(settings: &[Setting]) -> Self {
        let same = |names: &[&str]| {
            let named = settings
                .iter()
                .filter(|s| names.contains(&s.setting.as_str()));
            named.clone().count() == names.len() && named.clone().all(|s| s.same)
        };
        let plant = same(&["scenario", "files", "seed", "attack", "length", "build"]);
        let attacked = settings
            .iter()
            .any(|s| s.setting == "attack" && s.first == PLAYED);
        Self {
            all: settings.iter().all(|s| s.same || s.of_the_defense),
            plant,
            attack: plant && attacked && same(&["scored_by"]),
        }
    }
}

const PLAYED: &str = "played";

/// How the two are called: by the defense whose alerts were scored, and by their place where that is the same.
pub(super) fn labels(first: Side<'_>, second: Side<'_>) -> [String; 2] {
    let name = |side: Side<'_>| {
        let tool = side.score.header.tool.as_ref();
        tool.map_or_else(|| "no defense".to_owned(), |tool| tool.name.clone())
    };
    let (one, other) = (name(first), name(second));
    if one == other {
        [format!("{one} (first)"), format!("{other} (second)")]
    } else {
        [one, other]
    }
}

/// All settings, those that must be the same first.
pub(super) fn settings(first: Side<'_>, second: Side<'_>) -> Vec<Setting> {
    let both = |get: &dyn Fn(Side<'_>) -> String| [get(first), get(second)];
    let header = |side: Side<'_>| side.score.header.clone();
    let rows: [(&str, &str, [String; 2]); 13] = [
        ("scenario", "Scenario", both(&|s| header(s).scenario)),
        ("files", "Scenario's files", files(first, second)),
        (
            "length",
            "Length",
            both(&|s| duration(header(s).duration_s)),
        ),
        ("seed", "Seed", both(&|s| header(s).seed.to_string())),
        (
            "attack",
            "Posture: the attack is",
            both(&|s| played(s.facts).to_owned()),
        ),
        ("playbook", "Playbook", both(&|s| playbook(s.facts))),
        ("prices", "Prices", both(&prices)),
        (
            "clock",
            "Clock",
            both(&|s| clock(header(s).clock).to_owned()),
        ),
        (
            "build",
            "Run by Twinrange",
            both(&|s| s.facts.build.clone()),
        ),
        (
            "scored_by",
            "Scored by Twinrange",
            both(&|s| header(s).range_version),
        ),
        ("scoring", "Scored with", both(&scoring)),
        ("defense", "Defense in the run", both(&|s| defense(s.facts))),
        ("alerts", "Alerts scored", both(&alerts)),
    ];
    rows.into_iter()
        .map(|(setting, title, [one, other])| Setting {
            setting: setting.to_owned(),
            title: title.to_owned(),
            same: one == other,
            of_the_defense: matches!(setting, "defense" | "alerts"),
            first: one,
            second: other,
        })
        .collect()
}

fn played(facts: &Facts) -> &'static str {
    if facts.attack { PLAYED } else { "not played" }
}

fn playbook(facts: &Facts) -> String {
    match &facts.playbook {
        Some(name) => name.rsplit('/').next().unwrap_or(name).to_owned(),
        None => "none".to_owned(),
    }
}

fn clock(clock: Clock) -> &'static str {
    match clock {
        Clock::Simulated => "simulated",
        Clock::Wall => "wall clock",
    }
}

fn defense(facts: &Facts) -> String {
    facts.defense.clone().unwrap_or_else(|| "none".to_owned())
}

/// The same words exactly where the comparison with the truth was made alike.
fn scoring(side: Side<'_>) -> String {
    let params = &side.score.detection.params;
    format!(
        "ATT&CK for ICS v{}, alarm gap {}, recount {}, grace {}, {} techniques an alert",
        side.score.header.attack_version,
        duration(params.gap_ns as f64 / 1e9),
        duration(params.alarm_limit_ns as f64 / 1e9),
        duration(params.grace_ns as f64 / 1e9),
        params.techniques_per_alert
    )
}

fn alerts(side: Side<'_>) -> String {
    let header = &side.score.header;
    let Some(tool) = &header.tool else {
        return "none".to_owned();
    };
    let version = tool
        .version
        .as_ref()
        .map_or(String::new(), |v| format!(" {v}"));
    let from = match &header.alert_file {
        Some(file) => format!(" from {file}"),
        None => String::new(),
    };
    format!("{}{version}{from}", tool.name)
}

/// Short digests where the files are the same; where not, which differ and from which line on.
fn files(first: Side<'_>, second: Side<'_>) -> [String; 2] {
    let (one, other) = (&first.facts.files, &second.facts.files);
    let names = one.keys().chain(other.keys());
    let names: std::collections::BTreeSet<&String> = names.collect();
    let (mut of_first, mut of_second) = (Vec::new(), Vec::new());
    for name in names {
        match (one.get(name), other.get(name)) {
            (Some(a), Some(b)) if a == b => {}
            (Some(a), Some(b)) => {
                let (line, a, b) = first_difference(a, b);
                of_first.push(format!("{name} line {line}: {a}"));
                of_second.push(format!("{name} line {line}: {b}"));
            }
            (a, b) => {
                let here =
                    |text: Option<&String>| if text.is_some() { "there" } else { "not there" };
                of_first.push(format!("{name}: {}", here(a)));
                of_second.push(format!("{name}: {}", here(b)));
            }
        }
    }
    if of_first.is_empty() {
        let digest = |side: Side<'_>| side.score.header.scenario_digest.chars().take(12).collect();
        return [digest(first), digest(second)];
    }
    [of_first.join("; "), of_second.join("; ")]
}

/// The first line in which two texts differ, counted from 1, with what each has there.
fn first_difference(a: &str, b: &str) -> (usize, String, String) {
    let (mut one, mut other) = (a.lines(), b.lines());
    let mut line = 1;
    loop {
        match (one.next(), other.next()) {
            (Some(a), Some(b)) if a == b => line += 1,
            (a, b) => {
                let shown = |text: Option<&str>| match text {
                    Some(text) => shortened(text.trim().trim_end_matches(',')),
                    None => "nothing more".to_owned(),
                };
                return (line, shown(a), shown(b));
            }
        }
    }
}

/// At most so many characters of a line are shown.
const LINE_CHARACTERS: usize = 80;

fn shortened(line: &str) -> String {
    if line.chars().count() <= LINE_CHARACTERS {
        return line.to_owned();
    }
    let cut: String = line.chars().take(LINE_CHARACTERS).collect();
    format!("{}…", cut.trim_end())
}

/// The same words exactly where everything is worth the same.
fn prices(side: Side<'_>) -> String {
    let continuity = side.score.continuity.as_ref();
    let Some(prices) = continuity.and_then(|found| found.prices.as_ref()) else {
        return "none".to_owned();
    };
    format!(
        "{}: good {}, scrapped {}, bad one shipped {}, minute lost {}, litre lost {}, unsafe second {}",
        prices.currency,
        prices.good_item,
        prices.scrapped_item,
        prices.bad_shipped_item,
        prices.lost_minute,
        prices.lost_litre,
        prices.unsafe_second
    )
}

/// What must be read before any difference, in full sentences.
pub(super) fn warnings(first: Side<'_>, second: Side<'_>, settings: &[Setting]) -> Vec<String> {
    let mut list_of = Vec::new();
    let differs = |name: &str| settings.iter().find(|s| s.setting == name && !s.same);
    if first.score.header.run_digest == second.score.header.run_digest {
        list_of.push(
            "Both folders hold one and the same run: plant, frames and people did exactly the same.".to_owned(),
        );
    }
    if let Some(seed) = differs("seed") {
        list_of.push(format!(
            "The seeds differ ({} and {}): bottles, people and moments were drawn anew, so any difference here may be \
             luck. Run both with one seed.",
            seed.first, seed.second
        ));
    }
    if let Some(attack) = differs("attack") {
        list_of.push(format!(
            "The attack was {} in the first run and {} in the second: the difference is that of the attack, and not \
             of the defense alone.",
            attack.first, attack.second
        ));
    }
    if let Some(files) = differs("files") {
        list_of.push(format!(
            "The scenario's files differ, so the runs differ in more than the defense. First: {}. Second: {}.",
            files.first, files.second
        ));
    }
    let others: Vec<String> = ["prices", "clock", "build", "scored_by", "scoring"]
        .into_iter()
        .filter_map(differs)
        .map(|s| format!("{} ({} and {})", s.title.to_lowercase(), s.first, s.second))
        .collect();
    if !others.is_empty() {
        list_of.push(format!("These differ as well: {}.", list(&others)));
    }
    for (which, side) in [("first", first), ("second", second)] {
        if side.score.header.clock == Clock::Wall {
            list_of.push(format!(
                "The wall clock paced the {which} run: its times will not repeat exactly."
            ));
        }
        if side.score.header.alert_file.is_some() && side.facts.actions > 0 {
            list_of.push(format!(
                "The alerts of the {which} run come from a file, and its {} from the run's own defense.",
                counted(side.facts.actions as f64, "action comes", "actions come")
            ));
        }
    }
    list_of
}
