//! Everything that can be wrong with a playbook that was read without error.
//!
//! All mistakes are reported, not only the first, each with a path such as `steps[2].action.address`.
//! [`Engine`](crate::Engine) relies on a playbook in which nothing is wrong.
//!
//! | code | about |
//! | --- | --- |
//! | [`BAD_VERSION`] | `schema` or `technique_version` is not what this build reads |
//! | [`UNKNOWN_TECHNIQUE`] | a technique identifier that ATT&CK for ICS does not have |
//! | [`REVOKED_TECHNIQUE`] | one that was revoked; the hint names its successor |
//! | [`UNKNOWN_TARGET`] | an alias, host or role that is not there |
//! | [`UNFIT_TARGET`] | a target that the action cannot be for |
//! | [`BAD_TRIGGER`] | a trigger on a step that does not exist, or on itself in a circle |
//! | [`BAD_PACE`] | a time, rate or number of repetitions outside its limits |
//! | [`BAD_ADDRESS`] | addresses, counts and tables that Modbus or the action does not allow |
//! | [`BAD_VALUE`] | a value that the register cannot hold, or a fraction outside its limits |
//! | [`BAD_NAME`] | a name, identifier or text that is empty, malformed or used twice |
//! | [`BAD_PLACE`] | a tag or direct address that is not in the controller that is forced |

mod action;
mod engineering;

use std::collections::BTreeSet;

use sim_kernel::time::SimDuration;
use sim_plant::spec::{HostSpec, Role};
use sim_plant::suggest::nearest;
use sim_plant::{PlantSpec, SpecError};

use crate::playbook::{Condition, PLAYBOOK_SCHEMA, Playbook, Selector, Step, Trigger};
use crate::technique::{self, ATTACK_VERSION};

/// `schema` or `technique_version` is not what this build reads.
pub const BAD_VERSION: &str = "TR0221";
/// A technique identifier that ATT&CK for ICS does not have.
pub const UNKNOWN_TECHNIQUE: &str = "TR0222";
/// A technique identifier that was revoked.
pub const REVOKED_TECHNIQUE: &str = "TR0223";
/// An alias, host or role that is not there.
pub const UNKNOWN_TARGET: &str = "TR0224";
/// A target that the action cannot be for.
pub const UNFIT_TARGET: &str = "TR0225";
/// A trigger that cannot fire.
pub const BAD_TRIGGER: &str = "TR0226";
/// A time, rate or number of repetitions outside its limits.
pub const BAD_PACE: &str = "TR0227";
/// Addresses, counts and tables that are not allowed.
pub const BAD_ADDRESS: &str = "TR0228";
/// A value outside its limits.
pub const BAD_VALUE: &str = "TR0229";
/// A name or text that is empty, malformed or used twice.
pub const BAD_NAME: &str = "TR0230";
/// A tag or direct address that is not in the controller that is forced.
pub const BAD_PLACE: &str = "TR0231";

/// Most steps in a playbook.
const STEPS_MAX: usize = 64;

/// Most techniques of one step.
const TECHNIQUES_MAX: usize = 5;

/// Longest time that may be written anywhere in a playbook.
const TIME_MAX: SimDuration = SimDuration::from_secs(7 * 24 * 3600);

/// Shortest time between two readings of a process condition.
const POLL_MIN: SimDuration = SimDuration::from_millis(100);

/// Everything that is wrong with a playbook for this plant, in the order of the file.
///
/// The plant itself may have mistakes; they are not reported here.
#[must_use]
pub fn validate(playbook: &Playbook, plant: &PlantSpec) -> Vec<SpecError> {
    let mut check = Check {
        playbook,
        plant,
        errors: Vec::new(),
    };
    check.header();
    check.targets();
    check.steps();
    check.errors
}

struct Check<'a> {
    playbook: &'a Playbook,
    plant: &'a PlantSpec,
    errors: Vec<SpecError>,
}

/// Whether a text can be a name: a lower-case letter, then lower-case letters, digits, `-` and `_`.
fn is_name(text: &str) -> bool {
    let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_';
    text.len() <= 64
        && text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.chars().all(inner)
}

impl<'a> Check<'a> {
    fn error(&mut self, code: &'static str, path: impl Into<String>, message: impl Into<String>) {
        self.errors.push(SpecError {
            code,
            path: path.into(),
            message: message.into(),
            hint: None,
        });
    }

    /// Adds a hint to the last error.
    fn hint(&mut self, hint: impl Into<String>) {
        self.errors.last_mut().expect("an error was reported").hint = Some(hint.into());
    }

    fn hint_nearest<'n>(&mut self, name: &str, known: impl Iterator<Item = &'n str>) {
        if let Some(near) = nearest(name, known) {
            self.hint(format!("did you mean `{near}`?"));
        }
    }

    fn name(&mut self, path: String, text: &str) {
        if !is_name(text) {
            self.error(BAD_NAME, path, format!("`{text}` is not a name"));
            self.hint("a lower-case letter, then up to 63 lower-case letters, digits, `-` or `_`");
        }
    }

    fn text(&mut self, path: String, text: &str) {
        if text.trim().is_empty() {
            self.error(
                BAD_NAME,
                path,
                "the text is empty; reports show it to people",
            );
        }
    }

    /// A time that is not zero and not longer than any run.
    fn time(&mut self, path: String, time: SimDuration) {
        if time.is_zero() || time > TIME_MAX {
            let message = format!("{time} is outside 1ns to {TIME_MAX}");
            self.error(BAD_PACE, path, message);
        }
    }

    fn within(&mut self, path: String, what: &str, value: f64, (low, high): (f64, f64)) {
        if !(low..=high).contains(&value) {
            self.error(
                BAD_PACE,
                path,
                format!("{value} {what} is outside {low} to {high}"),
            );
        }
    }

    fn header(&mut self) {
        let playbook = self.playbook;
        if playbook.schema != PLAYBOOK_SCHEMA {
            let schema = playbook.schema;
            let message =
                format!("this build reads playbook schema {PLAYBOOK_SCHEMA}, not {schema}");
            self.error(BAD_VERSION, "schema", message);
        }
        if playbook.technique_version != ATTACK_VERSION {
            let version = &playbook.technique_version;
            let message =
                format!("this build knows ATT&CK for ICS version {ATTACK_VERSION}, not {version}");
            self.error(BAD_VERSION, "technique_version", message);
        }
        self.name("name".to_owned(), &playbook.name);
        self.text("title".to_owned(), &playbook.title);
        self.text("summary".to_owned(), &playbook.summary);
    }

    fn hosts_of(&self, selector: &Selector) -> Vec<&'a HostSpec> {
        let picks = |host: &&HostSpec| match selector {
            Selector::Host(name) => host.name == *name,
            Selector::Role(role) => host.role == *role,
        };
        self.plant.hosts.iter().filter(picks).collect()
    }

    fn targets(&mut self) {
        for (alias, selector) in &self.playbook.targets {
            let path = format!("targets[\"{alias}\"]");
            self.name(path.clone(), alias);
            if !self.hosts_of(selector).is_empty() {
                continue;
            }
            match selector {
                Selector::Host(name) => {
                    self.error(UNKNOWN_TARGET, path, format!("there is no host `{name}`"));
                    let hosts = self.plant.hosts.iter();
                    self.hint_nearest(name, hosts.map(|host| host.name.as_str()));
                }
                Selector::Role(role) => {
                    let message = format!("no host has the role {role:?}");
                    self.error(UNKNOWN_TARGET, path, message);
                }
            }
        }
    }

    /// The hosts behind an alias; reports an alias that is not there. An alias whose host is missing
    /// was reported before.
    fn alias(&mut self, path: &str, alias: &str) -> Option<Vec<&'a HostSpec>> {
        let Some(selector) = self.playbook.targets.get(alias) else {
            self.error(
                UNKNOWN_TARGET,
                path,
                format!("there is no target `{alias}`"),
            );
            let known = self.playbook.targets.keys();
            self.hint_nearest(alias, known.map(String::as_str));
            return None;
        };
        Some(self.hosts_of(selector)).filter(|hosts| !hosts.is_empty())
    }

    /// An alias that must stand for controllers.
    fn controllers(&mut self, path: &str, alias: &str) -> Option<Vec<&'a HostSpec>> {
        let hosts = self.alias(path, alias)?;
        if let Some(other) = hosts.iter().find(|host| host.role != Role::Plc) {
            let message = format!("`{alias}` is {}, which is no controller", other.name);
            self.error(UNFIT_TARGET, path, message);
            return None;
        }
        Some(hosts)
    }

    /// An alias that must stand for exactly one controller.
    fn controller(&mut self, path: &str, alias: &str) -> Option<&'a HostSpec> {
        let hosts = self.controllers(path, alias)?;
        if let [one] = hosts.as_slice() {
            return Some(one);
        }
        let message = format!("`{alias}` is {} controllers; this needs one", hosts.len());
        self.error(UNFIT_TARGET, path, message);
        self.hint("pick one with `Host(\"…\")` under `targets`");
        None
    }

    fn steps(&mut self) {
        let playbook = self.playbook;
        match playbook.steps.len() {
            0 => self.error(BAD_NAME, "steps", "a playbook has at least one step"),
            1..=STEPS_MAX => {}
            count => {
                let message = format!("{count} steps; at most {STEPS_MAX} are possible");
                self.error(BAD_PACE, "steps", message);
            }
        }
        let mut seen = BTreeSet::new();
        for (number, step) in playbook.steps.iter().enumerate() {
            let path = format!("steps[{number}]");
            self.name(format!("{path}.id"), &step.id);
            if !seen.insert(&step.id) {
                let message = format!("`{}` is used twice", step.id);
                self.error(BAD_NAME, format!("{path}.id"), message);
            }
            self.step(&path, step);
        }
        self.circles();
    }

    fn step(&mut self, path: &str, step: &Step) {
        self.text(format!("{path}.title"), &step.title);
        self.techniques(path, step);
        self.text(format!("{path}.plain"), &step.plain);
        self.text(format!("{path}.intended_effect"), &step.intended_effect);
        self.trigger(&format!("{path}.start"), step, &step.start);
        if let Some(until) = &step.until {
            self.trigger(&format!("{path}.until"), step, until);
        }
        self.time(format!("{path}.timeout"), step.timeout);
        self.action(&format!("{path}.action"), step);
    }

    fn techniques(&mut self, path: &str, step: &Step) {
        let path = format!("{path}.technique");
        let ids = step.technique.ids();
        if !(1..=TECHNIQUES_MAX).contains(&ids.len()) {
            let message = format!(
                "{} techniques; 1 to {TECHNIQUES_MAX} are possible",
                ids.len()
            );
            self.error(UNKNOWN_TECHNIQUE, path.clone(), message);
        }
        for (at, id) in ids.iter().enumerate() {
            if technique::find(id).is_some() {
                continue;
            }
            let path = match step.technique {
                crate::playbook::Techniques::One(_) => path.clone(),
                crate::playbook::Techniques::Several(_) => format!("{path}[{at}]"),
            };
            if let Some(successor) = technique::successor(id) {
                let message = format!("`{id}` was revoked in ATT&CK version {ATTACK_VERSION}");
                self.error(REVOKED_TECHNIQUE, path, message);
                self.hint(format!("use its successor `{successor}`"));
            } else {
                let message = format!("ATT&CK for ICS has no technique `{id}`");
                self.error(UNKNOWN_TECHNIQUE, path, message);
                let known = technique::all().iter();
                self.hint_nearest(id, known.map(|technique| technique.id.as_str()));
            }
        }
    }

    fn trigger(&mut self, path: &str, step: &Step, trigger: &Trigger) {
        match trigger {
            Trigger::At(time) => {
                if time.since_start() > TIME_MAX {
                    self.error(BAD_PACE, path, format!("{time} is after {TIME_MAX}"));
                }
            }
            Trigger::After { step: other, delay }
            | Trigger::TookHold { step: other, delay }
            | Trigger::OnOutcome {
                step: other, delay, ..
            } => {
                self.other_step(&format!("{path}.step"), step, other);
                if *delay > TIME_MAX {
                    let message = format!("{delay} is longer than {TIME_MAX}");
                    self.error(BAD_PACE, format!("{path}.delay"), message);
                }
            }
            Trigger::When(condition) => self.condition(path, step, condition),
        }
    }

    fn other_step(&mut self, path: &str, step: &Step, other: &str) {
        if *other == step.id {
            self.error(BAD_TRIGGER, path, "a step cannot wait for itself");
        } else if !self.playbook.steps.iter().any(|step| step.id == other) {
            self.error(BAD_TRIGGER, path, format!("there is no step `{other}`"));
            let known = self.playbook.steps.iter();
            self.hint_nearest(other, known.map(|step| step.id.as_str()));
        }
    }

    fn condition(&mut self, path: &str, step: &Step, condition: &Condition) {
        if let Some(from) = &condition.from {
            self.trigger(&format!("{path}.from"), step, from);
        }
        self.controller(&format!("{path}.target"), &condition.target);
        self.entry(path, condition.table, condition.kind, condition.address);
        if !condition.value.is_finite() {
            let message = format!("{} is not a number", condition.value);
            self.error(BAD_VALUE, format!("{path}.value"), message);
        }
        if condition.poll < POLL_MIN {
            let message = format!("{} is shorter than {POLL_MIN}", condition.poll);
            self.error(BAD_PACE, format!("{path}.poll"), message);
        }
        self.time(format!("{path}.timeout"), condition.timeout);
    }

    /// Reports steps whose beginning waits, over one or more others, for itself.
    fn circles(&mut self) {
        let steps = &self.playbook.steps;
        let number_of = |id: &str| steps.iter().position(|step| step.id == id);
        let waits_for: Vec<Option<usize>> = steps
            .iter()
            .map(|step| number_of(awaited(&step.start)?))
            .collect();
        for start in 0..steps.len() {
            // Every step waits for at most one other, so following them ends or comes back.
            let mut chain = vec![start];
            let mut at = start;
            while let Some(next) = waits_for[at] {
                if next == start && chain.len() > 1 {
                    let names: Vec<&str> = chain.iter().map(|&n| steps[n].id.as_str()).collect();
                    let message = format!("these steps wait for each other: {}", names.join(", "));
                    self.error(BAD_TRIGGER, format!("steps[{start}].start"), message);
                    return;
                }
                if chain.contains(&next) {
                    break;
                }
                chain.push(next);
                at = next;
            }
        }
    }
}

/// The step that a trigger waits for.
fn awaited(trigger: &Trigger) -> Option<&str> {
    match trigger {
        Trigger::At(_) => None,
        Trigger::After { step, .. }
        | Trigger::OnOutcome { step, .. }
        | Trigger::TookHold { step, .. } => Some(step),
        Trigger::When(condition) => awaited(condition.from.as_deref()?),
    }
}

#[cfg(test)]
mod tests;
