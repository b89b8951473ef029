//! The scenario file as it is written, and how it becomes a [`Scenario`].

use std::collections::BTreeMap;

use serde::Deserialize;
use sim_kernel::{SimDuration, SimTime};

use super::formats::{PlantFacts, PlaybookFacts};
use super::{Constraint, Prices, ResponseTimes, SCENARIO_SCHEMA, Scenario};
use crate::problem::{Problem, Problems, SourceText, did_you_mean};
use crate::ron_source::{Outline, check_texts, parse};

/// Longest run: a month of simulated time.
const MAX_DURATION: SimDuration = SimDuration::from_secs(31 * 24 * 3600);
/// Largest sum of money, in any currency.
const AMOUNT_MAX: f64 = 1e12;

/// Most constraints.
const MAX_CONSTRAINTS: usize = 1_000;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename = "Scenario")]
pub(super) struct ScenarioFile {
    #[expect(
        dead_code,
        reason = "checked in the text, before the other fields are read"
    )]
    schema: u32,
    name: String,
    title: String,
    summary: String,
    pub(super) plant: String,
    duration: String,
    #[serde(default = "no_time")]
    clean_until: String,
    #[serde(default = "one")]
    seed: u64,
    #[serde(default)]
    pub(super) playbook: Option<String>,
    #[serde(default)]
    attacker: Option<String>,
    #[serde(default)]
    constraints: Vec<Constraint>,
    #[serde(default)]
    prices: Prices,
    #[serde(default)]
    response: ResponseTimes,
    #[serde(default = "one_second_ms")]
    truth_period_ms: u32,
    #[serde(default = "one_second_ms")]
    interval_ms: u32,
}

fn no_time() -> String {
    "0s".to_owned()
}

fn one() -> u64 {
    1
}

fn one_second_ms() -> u32 {
    1_000
}

/// Reads the form of a scenario file, and sees that its texts can be shown.
pub(super) fn read(source: &SourceText, outline: &Outline) -> Result<ScenarioFile, Problems> {
    check_schema(source, outline, SCENARIO_SCHEMA)?;
    let file = parse(source)?;
    check_texts(source, outline)?;
    Ok(file)
}

/// Looks at `schema` before anything else, because the other fields depend on it.
pub(crate) fn check_schema(
    source: &SourceText,
    outline: &Outline,
    known: u32,
) -> Result<(), Problem> {
    let Some(span) = outline.value("schema") else {
        return Ok(());
    };
    match source.text()[span.clone()].parse::<u64>() {
        Ok(version) if version != u64::from(known) => {
            let message = format!("schema {version} is not known; this build reads {known}");
            Err(Problem::new("TR0201", message).at(source, span))
        }
        _ => Ok(()),
    }
}

/// What is known of the files that a scenario names, as far as they are without mistakes.
pub(super) struct Known<'a> {
    pub(super) plant: Option<&'a PlantFacts>,
    pub(super) playbook: Option<&'a PlaybookFacts>,
}

/// Finds every mistake of meaning, and makes the scenario if none of them is an error.
pub(super) fn resolve(
    file: ScenarioFile,
    source: &SourceText,
    outline: &Outline,
    known: &Known<'_>,
) -> (Option<Scenario>, Problems) {
    let facts = known.plant;
    let mut check = Check {
        source,
        outline,
        problems: Problems::new(),
    };
    check.name("name", &file.name);
    check.text("title", &file.title);
    check.text("summary", &file.summary);
    let duration = check.time("duration", &file.duration);
    let clean_until = check.time("clean_until", &file.clean_until);
    check.times(duration, clean_until, file.playbook.is_some());
    check.starts(duration, clean_until, known.playbook);
    check.attacker(&file, facts);
    check.periods(&file, facts);
    check.constraints(&file.constraints, &file.prices.currency, facts);
    check.prices(&file.prices);
    check.response(&file.response);
    if check.problems.has_errors() {
        return (None, check.problems);
    }
    let scenario = Scenario {
        name: file.name,
        title: file.title,
        summary: file.summary,
        plant: file.plant,
        duration: duration.unwrap_or_default(),
        clean_until: clean_until.unwrap_or_default(),
        seed: file.seed,
        playbook: file.playbook,
        attacker: file.attacker,
        constraints: file.constraints,
        prices: file.prices,
        response: file.response,
        truth_period: SimDuration::from_millis(u64::from(file.truth_period_ms)),
        interval: SimDuration::from_millis(u64::from(file.interval_ms)),
    };
    (Some(scenario), check.problems)
}

struct Check<'a> {
    source: &'a SourceText,
    outline: &'a Outline,
    problems: Problems,
}

impl Check<'_> {
    fn report(&mut self, code: &'static str, path: &str, message: impl Into<String>) {
        self.report_with(code, path, message, None);
    }

    fn report_with(
        &mut self,
        code: &'static str,
        path: &str,
        message: impl Into<String>,
        hint: Option<String>,
    ) {
        let place = self.outline.nearest(path);
        self.problems.push(
            Problem::new(code, message)
                .at(self.source, place)
                .maybe_hint(hint),
        );
    }

    fn text(&mut self, path: &str, text: &str) {
        if text.trim().is_empty() {
            self.report("TR0244", path, "this text is empty");
        }
    }

    fn name(&mut self, path: &str, name: &str) {
        let starts = name.starts_with(|c: char| c.is_ascii_lowercase());
        let goes_on = name
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_".contains(c));
        if !(starts && goes_on && name.len() <= 64) {
            let hint = "use lower-case letters, digits, `-` and `_`, beginning with a letter";
            let message = format!("`{name}` is not a name");
            self.report_with("TR0203", path, message, Some(hint.to_owned()));
        }
    }

    fn time(&mut self, path: &str, text: &str) -> Option<SimDuration> {
        match text.parse::<SimDuration>() {
            Ok(time) => Some(time),
            Err(error) => {
                self.report("TR0240", path, error.to_string());
                None
            }
        }
    }

    fn times(
        &mut self,
        duration: Option<SimDuration>,
        clean_until: Option<SimDuration>,
        attacked: bool,
    ) {
        let Some(duration) = duration else { return };
        if duration < SimDuration::from_secs(1) || duration > MAX_DURATION {
            let message = format!("a run of {duration} is not between 1s and {MAX_DURATION}");
            self.report("TR0204", "duration", message);
        }
        let Some(clean_until) = clean_until else {
            return;
        };
        if clean_until > duration || (attacked && clean_until == duration) {
            let message = format!(
                "the clean period of {clean_until} leaves nothing of the run of {duration}"
            );
            self.report("TR0241", "clean_until", message);
        }
    }

    /// Steps with a time of their own must lie between the clean period and the end.
    fn starts(
        &mut self,
        duration: Option<SimDuration>,
        clean_until: Option<SimDuration>,
        playbook: Option<&PlaybookFacts>,
    ) {
        let (Some(duration), Some(clean_until), Some(playbook)) = (duration, clean_until, playbook)
        else {
            return;
        };
        for (step, start) in &playbook.starts {
            if *start < SimTime::ZERO + clean_until {
                let message = format!(
                    "step `{step}` of the playbook begins at {start}, inside the clean period"
                );
                self.report("TR0241", "clean_until", message);
            } else if *start >= SimTime::ZERO + duration {
                let message = format!(
                    "step `{step}` of the playbook begins at {start}, after the end of the run"
                );
                let place = self.outline.nearest("duration");
                let problem = Problem::new("TR0245", message).at(self.source, place);
                self.problems.push(problem.warning());
            }
        }
    }

    fn attacker(&mut self, file: &ScenarioFile, facts: Option<&PlantFacts>) {
        match (&file.playbook, &file.attacker) {
            (Some(_), None) => {
                let hint = "add `attacker: \"…\",` with the name of a host";
                let message = "a playbook is named and no host belongs to the attacker";
                self.report_with("TR0242", "playbook", message, Some(hint.to_owned()));
            }
            (None, Some(_)) => {
                let message = "a host belongs to the attacker and no playbook is named";
                self.report("TR0242", "attacker", message);
            }
            _ => {}
        }
        if let (Some(attacker), Some(facts)) = (&file.attacker, facts)
            && !facts.hosts.contains(attacker)
        {
            let hint = did_you_mean(attacker, facts.hosts.iter().map(String::as_str));
            let message = format!("the plant has no host `{attacker}`");
            self.report_with("TR0202", "attacker", message, hint);
        }
    }

    fn periods(&mut self, file: &ScenarioFile, facts: Option<&PlantFacts>) {
        for (path, period_ms) in [
            ("truth_period_ms", file.truth_period_ms),
            ("interval_ms", file.interval_ms),
        ] {
            if !(10..=3_600_000).contains(&period_ms) {
                let message = format!("a period of {period_ms} ms is outside 10..=3600000");
                self.report("TR0204", path, message);
            }
        }
        let Some(step_ms) = facts.map(|facts| facts.process_step_ms) else {
            return;
        };
        if step_ms > 0 && !file.truth_period_ms.is_multiple_of(step_ms) {
            let message = format!(
                "{} ms is no multiple of the plant's process step of {step_ms} ms",
                file.truth_period_ms
            );
            self.report("TR0243", "truth_period_ms", message);
        }
    }

    fn constraints(
        &mut self,
        constraints: &[Constraint],
        currency: &str,
        facts: Option<&PlantFacts>,
    ) {
        if constraints.len() > MAX_CONSTRAINTS {
            let message = format!("more than {MAX_CONSTRAINTS} constraints");
            self.report("TR0204", "constraints", message);
            return;
        }
        let mut first: BTreeMap<&str, usize> = BTreeMap::new();
        for (index, constraint) in constraints.iter().enumerate() {
            let path = |field: &str| format!("constraints[{index}].{field}");
            self.name(&path("name"), &constraint.name);
            if let Some(first) = first.insert(&constraint.name, index) {
                let place = self.outline.nearest(&path("name"));
                let message = format!("two constraints are named `{}`", constraint.name);
                let other = self.outline.nearest(&format!("constraints[{first}].name"));
                let problem = Problem::new("TR0203", message).at(self.source, place);
                self.problems
                    .push(problem.label("again here").also(other, "first here"));
            }
            self.text(&path("description"), &constraint.description);
            if !constraint.value.is_finite() {
                self.report("TR0204", &path("value"), "a limit must be a finite number");
            }
            self.amount(&path("hold_s"), constraint.hold_s, 86_400.0, "s");
            self.amount(&path("damage"), constraint.damage, AMOUNT_MAX, currency);
            if let Some(facts) = facts
                && !facts.truth_columns.contains(&constraint.column)
            {
                let known = facts.truth_columns.iter().map(String::as_str);
                let hint = did_you_mean(&constraint.column, known);
                let message = format!("the physical truth has no column `{}`", constraint.column);
                self.report_with("TR0202", &path("column"), message, hint);
            }
        }
    }

    fn prices(&mut self, prices: &Prices) {
        if prices.currency.len() != 3 || !prices.currency.chars().all(|c| c.is_ascii_uppercase()) {
            let message = format!("`{}` is not a currency", prices.currency);
            let hint = "three capital letters as in ISO 4217, such as `EUR`".to_owned();
            self.report_with("TR0203", "prices.currency", message, Some(hint));
        }
        for (field, value) in [
            ("good_part", prices.good_part),
            ("scrap_part", prices.scrap_part),
            ("lost_minute", prices.lost_minute),
            ("unsafe_second", prices.unsafe_second),
            ("litre", prices.litre),
            ("bad_shipped", prices.bad_shipped),
            ("deny", prices.deny),
            ("contain", prices.contain),
            ("restore", prices.restore),
        ] {
            self.amount(
                &format!("prices.{field}"),
                value,
                AMOUNT_MAX,
                &prices.currency,
            );
        }
    }

    fn response(&mut self, response: &ResponseTimes) {
        for (field, value) in [
            ("approval_s", response.approval_s),
            ("deny_s", response.deny_s),
            ("contain_s", response.contain_s),
            ("restore_s", response.restore_s),
        ] {
            self.amount(&format!("response.{field}"), value, 86_400.0, "s");
        }
    }

    fn amount(&mut self, path: &str, value: f64, most: f64, unit: &str) {
        if !(0.0..=most).contains(&value) {
            let message = format!("{value} {unit} is outside 0..={most}");
            self.report("TR0204", path, message);
        }
    }
}
