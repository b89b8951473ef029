//! What two runs were made from and scored with, and whether it was the same.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{Facts, Outside, Side};
use crate::continuity::Prices;
use crate::detection::Params;
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
    pub(super) fn of(settings: &[Setting], first: Side<'_>, second: Side<'_>) -> Self {
        let same = |names: &[&str]| {
            let named = settings
                .iter()
                .filter(|s| names.contains(&s.setting.as_str()));
            named.clone().count() == names.len() && named.clone().all(|s| s.same)
        };
        // What the wall clock paced does not repeat, so no two such runs are one up to a defense's first effect.
        let repeats = [first, second]
            .iter()
            .all(|side| side.score.header.clock == Clock::Simulated);
        let plant = repeats
            && same(&[
                "scenario", "files", "seed", "attack", "length", "outside", "build",
            ]);
        let attacked = settings
            .iter()
            .any(|s| s.setting == "attack" && s.first == PLAYED);
        Self {
            all: repeats && settings.iter().all(|s| s.same || s.of_the_defense),
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

/// What a setting is in both runs.
struct Row {
    /// Found on the values themselves.
    same: bool,
    /// Words of each, which may be equal where the values are not.
    shown: [String; 2],
}

impl Row {
    fn of<T: PartialEq>(values: [T; 2], show: impl Fn(T) -> String) -> Self {
        let [one, other] = values;
        Self {
            same: one == other,
            shown: [one, other].map(show),
        }
    }

    fn text(values: [String; 2]) -> Self {
        Self::of(values, |text| text)
    }

    fn named(self, setting: &str, title: &str) -> Setting {
        let [first, second] = self.shown;
        Setting {
            setting: setting.to_owned(),
            title: title.to_owned(),
            same: self.same,
            of_the_defense: matches!(setting, "defense" | "alerts"),
            first,
            second,
        }
    }
}

/// All settings, those that must be the same first.
pub(super) fn settings(first: Side<'_>, second: Side<'_>) -> Vec<Setting> {
    let sides = [first, second];
    let facts = sides.map(|side| side.facts);
    let headers = sides.map(|side| &side.score.header);
    let rows: [(&str, &str, Row); 14] = [
        (
            "scenario",
            "Scenario",
            Row::text(headers.map(|h| h.scenario.clone())),
        ),
        ("files", "Scenario's files", files(first, second)),
        (
            "length",
            "Length",
            Row::of(headers.map(|h| h.duration_s), duration),
        ),
        (
            "seed",
            "Seed",
            Row::of(headers.map(|h| h.seed), |seed| seed.to_string()),
        ),
        (
            "attack",
            "Posture: the attack is",
            Row::text(facts.map(|f| played(f).to_owned())),
        ),
        ("playbook", "Playbook", Row::text(facts.map(playbook))),
        (
            "outside",
            "Inputs from outside",
            Row::of(facts.map(|f| f.outside.as_ref()), outside),
        ),
        ("prices", "Prices", Row::of(sides.map(prices_of), prices)),
        (
            "clock",
            "Clock",
            Row::of(headers.map(|h| h.clock), |c| clock(c).to_owned()),
        ),
        (
            "build",
            "Run by Twinrange",
            Row::text(facts.map(|f| f.build.clone())),
        ),
        (
            "scored_by",
            "Scored by Twinrange",
            Row::text(headers.map(|h| h.range_version.clone())),
        ),
        (
            "scoring",
            "Scored with",
            Row::of(
                sides.map(|s| (&s.score.header.attack_version, s.score.detection.params)),
                |(attack, params)| scoring(attack, params),
            ),
        ),
        (
            "defense",
            "Defense in the run",
            Row::text(facts.map(defense)),
        ),
        ("alerts", "Alerts scored", Row::text(sides.map(alerts))),
    ];
    rows.into_iter()
        .map(|(setting, title, row)| row.named(setting, title))
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

fn outside(inputs: Option<&Outside>) -> String {
    let Some(inputs) = inputs else {
        return "none".to_owned();
    };
    format!(
        "{} through {} ({})",
        counted(inputs.count as f64, "input", "inputs"),
        inputs.port,
        short(&inputs.digest)
    )
}

/// Enough of a digest to tell two apart.
fn short(digest: &str) -> String {
    digest.chars().take(12).collect()
}

/// Times stand in seconds and are not rounded, so that parameters that differ look different.
fn scoring(attack_version: &str, params: Params) -> String {
    format!(
        "ATT&CK for ICS v{attack_version}, alarm gap {} s, recount {} s, grace {} s, {} techniques an alert",
        params.gap_ns as f64 / 1e9,
        params.alarm_limit_ns as f64 / 1e9,
        params.grace_ns as f64 / 1e9,
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
fn files(first: Side<'_>, second: Side<'_>) -> Row {
    let (one, other) = (&first.facts.files, &second.facts.files);
    let digests = [first, second].map(|side| side.score.header.scenario_digest.as_str());
    let same = one == other && digests[0] == digests[1];
    let names: BTreeSet<&String> = one.keys().chain(other.keys()).collect();
    let (mut of_first, mut of_second) = (Vec::new(), Vec::new());
    for name in names {
        match (one.get(name), other.get(name)) {
            (Some(a), Some(b)) if a == b => {}
            (Some(a), Some(b)) => {
                let (line, [a, b]) = first_difference(a, b);
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
    let shown = if of_first.is_empty() {
        digests.map(short)
    } else {
        [of_first.join("; "), of_second.join("; ")]
    };
    Row { same, shown }
}

/// The first line in which two texts differ, counted from 1, with what each has there.
///
/// # Panics
///
/// If they do not differ.
fn first_difference(a: &str, b: &str) -> (usize, [String; 2]) {
    // Not `lines`, to which the end of a line of Windows is none.
    let (mut one, mut other) = (a.split('\n'), b.split('\n'));
    let mut line = 1;
    loop {
        match (one.next(), other.next()) {
            (Some(a), Some(b)) if a == b => line += 1,
            (Some(a), Some(b)) => return (line, both_shown(a, b)),
            (None, None) => panic!("two texts that are the same have no difference"),
            (a, b) => {
                let shown = |text: Option<&str>| match text {
                    Some(text) if text.trim().is_empty() => "an empty line".to_owned(),
                    Some(text) => around(text.trim(), 0),
                    None => "nothing more".to_owned(),
                };
                return (line, [shown(a), shown(b)]);
            }
        }
    }
}

/// Two lines that differ, each around the first character in which it does so.
fn both_shown(a: &str, b: &str) -> [String; 2] {
    let bare = |text: &str| text.trim().trim_end_matches(',').to_owned();
    // Only a space or a comma at an end differs: then both are shown with all that they have.
    let [a, b] = if bare(a) == bare(b) {
        [format!("{a:?}"), format!("{b:?}")]
    } else {
        [bare(a), bare(b)]
    };
    let alike = a.chars().zip(b.chars()).take_while(|(a, b)| a == b);
    let at = alike.count();
    [around(&a, at), around(&b, at)]
}

/// At most so many characters of a line are shown.
const LINE_CHARACTERS: usize = 80;

/// So much of a line as is shown, with the character at `at` in its middle where the line is longer.
fn around(line: &str, at: usize) -> String {
    let count = line.chars().count();
    if count <= LINE_CHARACTERS {
        return line.to_owned();
    }
    let from = at.saturating_sub(LINE_CHARACTERS / 2);
    let from = from.min(count - LINE_CHARACTERS);
    let cut: String = line.chars().skip(from).take(LINE_CHARACTERS).collect();
    let before = if from > 0 { "…" } else { "" };
    let after = if from + LINE_CHARACTERS < count {
        "…"
    } else {
        ""
    };
    format!("{before}{}{after}", cut.trim())
}

/// What things are worth in a score; `None` where nothing is priced.
pub(super) fn prices_of(side: Side<'_>) -> Option<&Prices> {
    side.score.continuity.as_ref()?.prices.as_ref()
}

fn prices(prices: Option<&Prices>) -> String {
    let Some(prices) = prices else {
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
    if let Some(outside) = differs("outside") {
        list_of.push(format!(
            "What clients outside sent into the two plants differs, so the runs differ in more than the defense. First: \
             {}. Second: {}.",
            outside.first, outside.second
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
