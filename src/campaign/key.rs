//! The key of a cell and the result that belongs to it.
//!
//! **Invariant:** a result is a function of its key. Nothing of the machine, the plan or the time gets into
//! it, so that a cell can be computed anywhere and two results of one key are the same bytes.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use twinrange_score::attribution::Attribution;
use twinrange_score::continuity::Comparison;
use twinrange_score::gate::NAMES;
use twinrange_score::margin::Margin;
use twinrange_score::score::Score;

/// Version of the form of a key; a change of meaning makes every cell a new one.
pub(crate) const KEY_SCHEMA: u32 = 2;
/// Version of the form of a result.
const RESULT_SCHEMA: u32 = 2;
/// Hexadecimal digits of an id: 128 bits.
const ID_DIGITS: usize = 32;

/// All that a cell depends on. The text form is JSON with the fields in this order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Key {
    pub(crate) schema: u32,
    pub(crate) range_version: String,
    pub(crate) scenario: String,
    /// Of the scenario's files as they are written, before settings and variation.
    pub(crate) scenario_digest: String,
    pub(crate) posture: String,
    pub(crate) attack: bool,
    /// Path to value as RON writes it, of posture and sweeps.
    pub(crate) settings: BTreeMap<String, String>,
    /// Those of them that come from sweeps.
    pub(crate) sweep: BTreeMap<String, String>,
    /// Number of the variation; 0 is the scenario as written.
    pub(crate) variation: u64,
    pub(crate) seed: u64,
    pub(crate) defense: String,
    /// Of the defense's description; absent where nobody watches.
    pub(crate) defense_digest: Option<String>,
    /// Whether its accounts and its margin are found.
    pub(crate) explain: bool,
}

impl Key {
    /// The canonical text.
    pub(crate) fn text(&self) -> String {
        serde_json::to_string(self).expect("a key encodes")
    }

    /// The first 128 bits of the digest of the text, hexadecimal.
    pub(crate) fn id(&self) -> String {
        let digest = sim_kernel::Digest::of(self.text().as_bytes()).to_string();
        digest[..ID_DIGITS].to_owned()
    }
}

/// A quantity in the four runs; `None` where a run was not made.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Four {
    pub(crate) n: Option<f64>,
    pub(crate) a: Option<f64>,
    pub(crate) d: Option<f64>,
    pub(crate) ad: Option<f64>,
}

impl Four {
    fn of(comparison: &Comparison) -> Self {
        Self {
            n: comparison.n.value,
            a: comparison.a.value,
            d: comparison.d.value,
            ad: comparison.ad.value,
        }
    }
}

/// What became of one step of the attack.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Step {
    pub(crate) id: String,
    pub(crate) techniques: Vec<String>,
    pub(crate) detected: bool,
    pub(crate) time_to_detect_s: Option<f64>,
    pub(crate) lead_time_s: Option<f64>,
    pub(crate) grade: String,
    pub(crate) alerts: u64,
}

/// The result of a cell.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CellResult {
    pub(crate) schema: u32,
    pub(crate) id: String,
    pub(crate) key: Key,
    /// Why the defense failed, if it did; there are no figures then.
    pub(crate) failure: Option<String>,
    /// What the variation drew, in words.
    pub(crate) drawn: Vec<String>,
    /// Digest of the scenario that was run, after settings and variation.
    pub(crate) run_scenario_digest: String,
    /// Digest of the run.
    pub(crate) run_digest: Option<String>,
    /// Every figure that a gate can ask for; `None` where it is undefined.
    pub(crate) figures: BTreeMap<String, Option<f64>>,
    /// Why figures are undefined.
    pub(crate) undefined: BTreeMap<String, String>,
    pub(crate) good_parts: Four,
    pub(crate) oee: Four,
    pub(crate) money: Four,
    pub(crate) unsafe_s: Four,
    pub(crate) alerts: u64,
    pub(crate) alarms: u64,
    pub(crate) alarms_false: u64,
    pub(crate) attack_free_s: f64,
    pub(crate) steps: Vec<Step>,
    /// What each attack step and each action did; absent unless the key asks for it.
    pub(crate) attribution: Option<Attribution>,
    /// How long there was to act; absent unless the key asks for it, and where nothing attacked.
    pub(crate) margin: Option<Margin>,
}

impl CellResult {
    /// A result without figures.
    pub(crate) fn failed(key: Key, drawn: Vec<String>, scenario: String, why: String) -> Self {
        Self {
            schema: RESULT_SCHEMA,
            id: key.id(),
            key,
            failure: Some(why),
            drawn,
            run_scenario_digest: scenario,
            run_digest: None,
            figures: BTreeMap::new(),
            undefined: BTreeMap::new(),
            good_parts: Four::default(),
            oee: Four::default(),
            money: Four::default(),
            unsafe_s: Four::default(),
            alerts: 0,
            alarms: 0,
            alarms_false: 0,
            attack_free_s: 0.0,
            steps: Vec::new(),
            attribution: None,
            margin: None,
        }
    }

    /// The result of a score.
    pub(crate) fn scored(key: Key, drawn: Vec<String>, score: &Score) -> Self {
        let mut result = Self::failed(
            key,
            drawn,
            score.header.scenario_digest.clone(),
            String::new(),
        );
        result.failure = None;
        result.run_digest = Some(score.header.run_digest.clone());
        for name in NAMES {
            let figure = name.figure(score);
            result.figures.insert(name.name.to_owned(), figure.value);
            if let Some(why) = figure.undefined {
                result.undefined.insert(name.name.to_owned(), why);
            }
        }
        if let Some(kept) = &score.continuity {
            result.good_parts = Four::of(&kept.good_parts);
            result.oee = Four::of(&kept.oee);
            result.money = Four::of(&kept.money);
            result.unsafe_s = Four::of(&kept.unsafe_s);
        }
        let found = &score.detection;
        result.alerts = found.alerts;
        result.alarms = found.alarms_total;
        result.alarms_false = found.alarms_false;
        result.attack_free_s = found.attack_free_s;
        let step = |step: &twinrange_score::detection::StepResult| Step {
            id: step.id.clone(),
            techniques: step.techniques.clone(),
            detected: step.detected,
            time_to_detect_s: step.time_to_detect_s,
            lead_time_s: step.lead_time_s,
            grade: step.grade.label().to_lowercase(),
            alerts: step.alerts,
        };
        result.steps = found.steps.iter().map(step).collect();
        result.attribution.clone_from(&score.attribution);
        result.margin.clone_from(&score.margin);
        result
    }

    /// The document, with a final newline.
    pub(crate) fn to_json(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).expect("a result encodes");
        text.push('\n');
        text
    }

    /// Reads a document; `None` if it is not whole, or its id is not that of its key.
    pub(crate) fn of_json(text: &str) -> Option<Self> {
        let result: Self = serde_json::from_str(text).ok()?;
        (result.schema == RESULT_SCHEMA && result.id == result.key.id()).then_some(result)
    }

    /// A figure, if it is known and defined.
    pub(crate) fn figure(&self, name: &str) -> Option<f64> {
        self.figures.get(name).copied().flatten()
    }
}
