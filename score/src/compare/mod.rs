//! Two scored runs beside each other: what was the same, and what differs.
//!
//! A difference is the second run less the first, everywhere. Both keep their own figures, so that a reader can
//! check it.
//!
//! **Invariant:** a figure that one of the two does not have has no difference, and says why.
//!
//! **Invariant:** nothing here says that one defense is better than another. One pair of runs is one seed, and the
//! least number of pairs with a 95 % interval is six (see [`crate::seeds`]).

mod figures;
mod reruns;
mod settings;
mod watched;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use thiserror::Error;

pub use figures::{Beside, Better, Unit};
pub use reruns::{AccountPair, CausePair, LossPair, MarginPair, Placed};
pub use settings::Setting;

use crate::detection::{Detection, Grade};
use crate::score::Score;

/// Version of the form of [`TwoRuns`] as JSON.
pub const SCHEMA_VERSION: u32 = 1;

/// One of the two runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Which {
    /// The run that was named first.
    First,
    /// The run that was named second.
    Second,
}

impl Which {
    /// The other of the two.
    #[must_use]
    pub fn other(self) -> Self {
        self.of(Self::Second, Self::First)
    }

    /// Of a value of each run, that of this one.
    #[must_use]
    pub fn of<T>(self, first: T, second: T) -> T {
        match self {
            Self::First => first,
            Self::Second => second,
        }
    }
}

/// What is known of a run beside its score.
#[derive(Clone, Debug, PartialEq)]
pub struct Facts {
    /// The run folder, as the reader knows it.
    pub folder: String,
    /// Version of the range that made the run.
    pub build: String,
    /// The scenario's texts by name.
    pub files: BTreeMap<String, String>,
    /// Name of the playbook among them.
    pub playbook: Option<String>,
    /// Whether the playbook was played.
    pub attack: bool,
    /// What came from outside of the simulation, other than a defense's actions; `None` if nothing did.
    pub outside: Option<Outside>,
    /// The run's own defense, in words.
    pub defense: Option<String>,
    /// When the defense asked for its first action that was accepted, simulated ns.
    pub first_action_ns: Option<u64>,
    /// Actions of the defense that took effect.
    pub actions: u64,
    /// First violation of each limit of the scenario that the unattacked twin keeps; an error says why it is not known.
    pub limits: Result<Vec<Limit>, String>,
}

/// What clients outside of a live plant sent into it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outside {
    /// Where it came in, in words.
    pub port: String,
    /// How many inputs.
    pub count: u64,
    /// Digest of all of them with their times, hexadecimal.
    pub digest: String,
}

/// A limit of the scenario that a run broke and its twin kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limit {
    /// Name of the constraint.
    pub id: String,
    /// For people.
    pub label: String,
    /// When it was first broken, simulated ns.
    pub t_ns: u64,
}

/// A scored run.
#[derive(Clone, Copy, Debug)]
pub struct Side<'a> {
    /// Its score.
    pub score: &'a Score,
    /// What its folder says beside it.
    pub facts: &'a Facts,
}

/// Why two runs cannot be compared.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum Incomparable {
    /// They are runs of two scenarios: another attack on another day has other figures whatever the defense does.
    #[error("the first is a run of `{first}` and the second one of `{second}`")]
    Scenario {
        /// Name of the first one's.
        first: String,
        /// Name of the second one's.
        second: String,
    },
    /// One is longer: its counts are of more time.
    #[error("the first goes on for {first_s} s and the second for {second_s} s")]
    Length {
        /// Simulated length of the first, s.
        first_s: f64,
        /// Simulated length of the second, s.
        second_s: f64,
    },
}

/// Which run it was.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Named {
    /// How the run is called beside the other: by its defense.
    pub label: String,
    /// Its folder.
    pub folder: String,
    /// Its seed.
    pub seed: u64,
    /// Whether it was attacked.
    pub attack: bool,
    /// Its own defense.
    pub defense: Option<String>,
    /// Digest of the run, hexadecimal.
    pub run_digest: String,
}

/// Which of the two lost less.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LostLess {
    /// The first, in every loss in which they differ.
    First,
    /// The second, in every loss in which they differ.
    Second,
    /// They are equal in every loss that both have.
    Equal,
    /// The first in one loss, the second in another.
    Mixed,
    /// There is no loss that both have, or only one of them was attacked.
    Unknown,
}

/// What became of a step in one of the two runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fate {
    /// An alert belongs to it.
    Detected,
    /// It ran and no alert belongs to it.
    Missed,
    /// It never ran, or nothing of it came onto the network.
    NeverRan,
    /// The run has no such step.
    Absent,
}

/// A step in one of the two runs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StepSeen {
    /// What became of it.
    pub fate: Fate,
    /// When it began, simulated ns.
    pub start_ns: Option<u64>,
    /// First alert that belongs to it, simulated ns.
    pub first_alert_ns: Option<u64>,
    /// First alert less start, s.
    pub time_to_detect_s: Option<f64>,
    /// Undefended impact less first alert, s; negative after the damage.
    pub lead_time_s: Option<f64>,
    /// How specifically it was detected; absent for a step that never ran.
    pub grade: Option<Grade>,
    /// Signature of the first alert.
    pub signature: Option<String>,
    /// Why it never ran.
    pub reason: Option<String>,
}

/// A step of the attack in both runs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StepPair {
    /// Identifier within the playbook.
    pub id: String,
    /// For people.
    pub name: String,
    /// Its techniques in ATT&CK; empty where it ran in neither.
    pub techniques: Vec<String>,
    /// In the first run.
    pub first: StepSeen,
    /// In the second run.
    pub second: StepSeen,
    /// The one that saw it while it ran in the other and was missed there.
    pub only: Option<Which>,
}

/// A limit of the scenario in both runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LimitPair {
    /// Name of the constraint.
    pub id: String,
    /// For people.
    pub label: String,
    /// When the first run first broke it, simulated ns.
    pub first_ns: Option<u64>,
    /// When the second run first broke it, simulated ns.
    pub second_ns: Option<u64>,
}

/// Two scored runs of one scenario and length.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TwoRuns {
    /// [`SCHEMA_VERSION`].
    pub schema_version: u32,
    /// Name of the scenario of both.
    pub scenario: String,
    /// Simulated length of both, s.
    pub duration_s: f64,
    /// The first run.
    pub first: Named,
    /// The second run.
    pub second: Named,
    /// Whether nothing but the defense and its alerts differs.
    pub only_the_defense: bool,
    /// Whether plant, people and attack are the same in the same build: up to the first effect of a defense it is one
    /// run.
    pub same_shift: bool,
    /// What the runs were made from and scored with, and whether it was the same.
    pub settings: Vec<Setting>,
    /// What a reader must know before any difference is read, in full sentences.
    pub warnings: Vec<String>,
    /// When the physical truth of the two parts, simulated ns; `None` if it never does, or with two seeds or
    /// scenarios, where it does so from the beginning.
    pub parted_ns: Option<u64>,
    /// Whom all losses favour.
    pub lost_less: LostLess,
    /// What each lost against its own quiet run; a positive value is a loss.
    pub losses: Vec<Beside>,
    /// What each made.
    pub production: Vec<Beside>,
    /// What each defense saw.
    pub detection: Vec<Beside>,
    /// What the alarms of each ask of one who watches them.
    pub alarm_load: Vec<Beside>,
    /// What the plant's own alarms asked of its operators, by HMI.
    pub operator_load: BTreeMap<String, Vec<Beside>>,
    /// The attack's steps in the order of the playbook.
    pub steps: Vec<StepPair>,
    /// The limits that either broke, by time.
    pub limits: Vec<LimitPair>,
    /// Why it is not known which limits were broken.
    pub limits_unknown: Option<String>,
    /// How long there was to act, with both defenses against it.
    pub margin: Option<MarginPair>,
    /// What each step of the attack does to a plant that nobody defends.
    pub attack_account: Option<AccountPair>,
    /// What each action of the defenses saves.
    pub defense_account: Option<AccountPair>,
}

impl TwoRuns {
    /// Puts two scored runs beside each other.
    ///
    /// # Arguments
    ///
    /// * `parted_ns` — as [`TwoRuns::parted_ns`].
    ///
    /// # Errors
    ///
    /// [`Incomparable`], where a difference of the figures would say nothing.
    pub fn of(
        first: Side<'_>,
        second: Side<'_>,
        parted_ns: Option<u64>,
    ) -> Result<Self, Incomparable> {
        comparable(first.score, second.score)?;
        let settings = settings::settings(first, second);
        let alike = settings::Alike::of(&settings, first, second);
        let tables = figures::Tables::of(first, second);
        let steps = steps(&first.score.detection, &second.score.detection);
        let (limits, limits_unknown) = limits(first.facts, second.facts);
        let [label, other] = settings::labels(first, second);
        Ok(Self {
            schema_version: SCHEMA_VERSION,
            scenario: first.score.header.scenario.clone(),
            duration_s: first.score.header.duration_s,
            first: named(first, label),
            second: named(second, other),
            only_the_defense: alike.all,
            same_shift: alike.plant,
            warnings: settings::warnings(first, second, &settings),
            settings,
            parted_ns: parted_ns.filter(|_| alike.plant),
            lost_less: if first.facts.attack == second.facts.attack {
                lost_less(&tables.losses)
            } else {
                LostLess::Unknown
            },
            losses: tables.losses,
            production: tables.production,
            detection: tables.detection,
            alarm_load: watched::alarm_load(first.score, second.score),
            operator_load: watched::operator_load(first.score, second.score),
            margin: reruns::margin(first, second, &steps, alike.attack),
            attack_account: reruns::accounts(first, second, |all| all.attack.as_ref()),
            defense_account: reruns::accounts(first, second, |all| all.defense.as_ref()),
            steps,
            limits,
            limits_unknown,
        })
    }

    /// The steps that only one of the two saw, although they ran in both.
    pub fn seen_only_by(&self, which: Which) -> impl Iterator<Item = &StepPair> {
        self.steps
            .iter()
            .filter(move |step| step.only == Some(which))
    }

    /// The losses of which it is not known how much more or less either lost. Money is none of them where there are no
    /// prices.
    pub fn losses_not_compared(&self) -> impl Iterator<Item = &Beside> {
        self.losses
            .iter()
            .filter(|loss| loss.difference.value.is_none() && !loss.is_unpriced())
    }

    /// How a run is called.
    #[must_use]
    pub fn label(&self, which: Which) -> &str {
        &which.of(&self.first, &self.second).label
    }

    /// The text for a program: pretty JSON with a final newline.
    ///
    /// # Panics
    ///
    /// Never: every comparison serialises.
    #[must_use]
    pub fn to_json(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).expect("a comparison serialises");
        text.push('\n');
        text
    }
}

fn named(side: Side<'_>, label: String) -> Named {
    let header = &side.score.header;
    Named {
        label,
        folder: side.facts.folder.clone(),
        seed: header.seed,
        attack: side.facts.attack,
        defense: side.facts.defense.clone(),
        run_digest: header.run_digest.clone(),
    }
}

fn comparable(first: &Score, second: &Score) -> Result<(), Incomparable> {
    let (one, other) = (&first.header, &second.header);
    if one.scenario != other.scenario {
        return Err(Incomparable::Scenario {
            first: one.scenario.clone(),
            second: other.scenario.clone(),
        });
    }
    if (one.duration_s - other.duration_s).abs() > 0.0 {
        return Err(Incomparable::Length {
            first_s: one.duration_s,
            second_s: other.duration_s,
        });
    }
    Ok(())
}

fn lost_less(losses: &[Beside]) -> LostLess {
    let compared = || losses.iter().filter(|loss| loss.difference.value.is_some());
    let favours = |which| compared().any(|loss| loss.favours == Some(which));
    match (favours(Which::First), favours(Which::Second)) {
        _ if compared().next().is_none() => LostLess::Unknown,
        (true, false) => LostLess::First,
        (false, true) => LostLess::Second,
        (true, true) => LostLess::Mixed,
        (false, false) => LostLess::Equal,
    }
}

/// The steps of both runs: those of the first in the order of its playbook, then those that only the second has.
fn steps(first: &Detection, second: &Detection) -> Vec<StepPair> {
    let mut pairs: Vec<StepPair> = Vec::new();
    let mut seen: BTreeSet<&str> = BTreeSet::new();
    for detection in [first, second] {
        let ran = detection.steps.iter().map(|step| (&step.id, &step.name));
        let never = detection.excluded_steps.iter();
        for (id, name) in ran.chain(never.map(|step| (&step.id, &step.name))) {
            if seen.insert(id) {
                pairs.push(step_pair(id, name, first, second));
            }
        }
    }
    // What never ran stands behind what ran, in each of the two; by time it is the order of the attack again.
    pairs.sort_by_key(|pair| {
        let starts = [pair.first.start_ns, pair.second.start_ns];
        starts.into_iter().flatten().min().unwrap_or(u64::MAX)
    });
    pairs
}

fn step_pair(id: &str, name: &str, first: &Detection, second: &Detection) -> StepPair {
    let techniques = [first, second].into_iter().find_map(|detection| {
        let step = detection.steps.iter().find(|step| step.id == id)?;
        Some(step.techniques.clone())
    });
    let (one, other) = (step_seen(id, first), step_seen(id, second));
    let only = match (one.fate, other.fate) {
        (Fate::Detected, Fate::Missed) => Some(Which::First),
        (Fate::Missed, Fate::Detected) => Some(Which::Second),
        _ => None,
    };
    StepPair {
        id: id.to_owned(),
        name: name.to_owned(),
        techniques: techniques.unwrap_or_default(),
        first: one,
        second: other,
        only,
    }
}

fn step_seen(id: &str, detection: &Detection) -> StepSeen {
    let none = |fate, reason| StepSeen {
        fate,
        start_ns: None,
        first_alert_ns: None,
        time_to_detect_s: None,
        lead_time_s: None,
        grade: None,
        signature: None,
        reason,
    };
    if let Some(step) = detection.steps.iter().find(|step| step.id == id) {
        return StepSeen {
            fate: if step.detected {
                Fate::Detected
            } else {
                Fate::Missed
            },
            start_ns: Some(step.start_ns),
            first_alert_ns: step.first_alert_ns,
            time_to_detect_s: step.time_to_detect_s,
            lead_time_s: step.lead_time_s,
            grade: Some(step.grade),
            signature: step.first_signature.clone(),
            reason: None,
        };
    }
    let never = detection.excluded_steps.iter().find(|step| step.id == id);
    match never {
        Some(step) => none(Fate::NeverRan, Some(step.reason.clone())),
        None => none(Fate::Absent, None),
    }
}

fn limits(first: &Facts, second: &Facts) -> (Vec<LimitPair>, Option<String>) {
    let (one, other) = match (&first.limits, &second.limits) {
        (Ok(one), Ok(other)) => (one, other),
        (Err(why), _) => return (Vec::new(), Some(format!("of the first: {why}"))),
        (_, Err(why)) => return (Vec::new(), Some(format!("of the second: {why}"))),
    };
    let when = |all: &[Limit], id: &str| {
        let of_id = all.iter().filter(|limit| limit.id == id);
        of_id.map(|limit| limit.t_ns).min()
    };
    let mut pairs: Vec<LimitPair> = Vec::new();
    for limit in one.iter().chain(other) {
        if pairs.iter().all(|pair| pair.id != limit.id) {
            pairs.push(LimitPair {
                id: limit.id.clone(),
                label: limit.label.clone(),
                first_ns: when(one, &limit.id),
                second_ns: when(other, &limit.id),
            });
        }
    }
    pairs.sort_by_key(|pair| [pair.first_ns, pair.second_ns].into_iter().flatten().min());
    (pairs, None)
}
