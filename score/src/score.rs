//! The whole score, as it stands in `score.json`.
//!
//! The JSON form is published as `docs/score.schema.json`. A field is added without a new schema
//! version; a field that changes its meaning or goes away makes a new one.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::attack::ATTACK_VERSION;
use crate::attribution::Attribution;
use crate::continuity::Continuity;
use crate::detection::{Alarm, Detection, Verdict};
use crate::gate::GateResult;
use crate::inline::InlineFigures;
use crate::margin::Margin;
use crate::metrics::{AlarmLoad, SeriesFigures, alarm_load, of_run};

/// Version of the form of `score.json`.
pub const SCHEMA_VERSION: u32 = 2;

/// How time passed while the tool watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Clock {
    /// Simulated time: the score is reproducible.
    Simulated,
    /// The wall clock paced the run: times to detect include the machine's own delays.
    Wall,
}

/// The tool that is scored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tool {
    /// Name.
    pub name: String,
    /// Version as the tool gives it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Digest of its configuration, hexadecimal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config_digest: Option<String>,
    /// Whether it was kept away from the truth while it ran; `None` when the range did not run it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confined: Option<bool>,
}

/// What must stand above every score, so that two scores can be compared.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Header {
    /// Version of Twinrange that scored.
    pub range_version: String,
    /// Name of the scenario.
    pub scenario: String,
    /// Digest of the scenario, hexadecimal.
    pub scenario_digest: String,
    /// Digest of the run, hexadecimal.
    pub run_digest: String,
    /// Seed of the run.
    pub seed: u64,
    /// Simulated length of the run, s.
    pub duration_s: f64,
    /// Unix time of the start of the run, ns.
    pub epoch_unix_ns: u64,
    /// ATT&CK for ICS version that techniques are compared in.
    pub attack_version: String,
    /// The tool whose alerts are scored; `None` when there is none.
    pub tool: Option<Tool>,
    /// Format that the alerts came in.
    pub alert_format: Option<String>,
    /// Name of the alert file that was handed in; `None` when the run's own defense raised the alerts.
    pub alert_file: Option<String>,
    /// What paced the run.
    pub clock: Clock,
}

impl Header {
    /// The ATT&CK version that this build compares in.
    #[must_use]
    pub fn attack_version() -> String {
        ATTACK_VERSION.to_owned()
    }
}

/// A score: detection and continuity side by side, and never one number.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Score {
    /// [`SCHEMA_VERSION`].
    pub schema_version: u32,
    /// What was scored, with what.
    pub header: Header,
    /// What the defense saw.
    pub detection: Detection,
    /// What attack and defense cost. `None` when no counterfactual run was made.
    pub continuity: Option<Continuity>,
    /// The same in metrics of the literature. `None` if nothing attacked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub series: Option<SeriesFigures>,
    /// What the tool's alarms ask of one who watches them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alarm_load: Option<AlarmLoad>,
    /// What the plant's own alarms asked of its operators in this run, by HMI.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub operator_load: BTreeMap<String, AlarmLoad>,
    /// What the defense did to the frames in its cables. `None` if it stood in none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inline: Option<InlineFigures>,
    /// What each attack step and each action of the defense did. `None` when no runs were made for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attribution: Option<Attribution>,
    /// How long there was to act. `None` when no runs were made for it, or nothing attacked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub margin: Option<Margin>,
    /// Gates with their results, in the order given.
    pub gates: Vec<GateResult>,
    /// Import counts: things that look wrong.
    pub import_anomalies: BTreeMap<String, u64>,
    /// What a careful reader must know about these figures, in full sentences.
    pub caveats: Vec<String>,
}

impl Score {
    /// Puts the parts together and writes the caveats.
    #[must_use]
    pub fn new(header: Header, detection: Detection, continuity: Option<Continuity>) -> Self {
        let duration_ns = duration_ns(header.duration_s);
        let alarms: Vec<(u64, String)> = detection.alarms.iter().map(annunciated).collect();
        let mut score = Self {
            schema_version: SCHEMA_VERSION,
            series: of_run(&detection, duration_ns),
            alarm_load: Some(alarm_load(&alarms, duration_ns)),
            operator_load: BTreeMap::new(),
            inline: None,
            header,
            detection,
            continuity,
            attribution: None,
            margin: None,
            gates: Vec::new(),
            import_anomalies: BTreeMap::new(),
            caveats: Vec::new(),
        };
        score.caveats = caveats(&score);
        score
    }

    /// Adds what the importer counted.
    ///
    /// # Panics
    ///
    /// If the detection was not scored from the alerts of this import, so that a record is missing.
    #[must_use]
    pub fn with_import(mut self, import: &crate::formats::Import) -> Self {
        self.detection.records = self.detection.records.with_import(import);
        self.import_anomalies.clone_from(&import.anomalies);
        self
    }

    /// Adds the load of the plant's own alarms.
    ///
    /// # Arguments
    ///
    /// * `alarms` — by HMI: when each was annunciated, simulated ns, and which.
    #[must_use]
    pub fn with_operator_alarms(mut self, alarms: &BTreeMap<String, Vec<(u64, String)>>) -> Self {
        let duration_ns = duration_ns(self.header.duration_s);
        let loads = alarms.iter();
        self.operator_load = loads
            .map(|(hmi, alarms)| (hmi.clone(), alarm_load(alarms, duration_ns)))
            .collect();
        self
    }

    /// Adds what the defense did to the frames in its cables.
    #[must_use]
    pub fn with_inline(mut self, figures: Option<InlineFigures>) -> Self {
        self.inline = figures;
        self
    }

    /// Adds what runs with something left out or moved have told.
    #[must_use]
    pub fn with_reruns(mut self, attribution: Attribution, margin: Option<Margin>) -> Self {
        self.attribution = Some(attribution);
        self.margin = margin;
        self
    }

    /// Adds a sentence that a reader of these figures must know, and that they do not show themselves.
    #[must_use]
    pub fn with_caveat(mut self, sentence: impl Into<String>) -> Self {
        self.caveats.push(sentence.into());
        self
    }

    /// Evaluates gates and keeps their results.
    #[must_use]
    pub fn with_gates(mut self, gates: &[crate::gate::Gate]) -> Self {
        self.gates = gates.iter().map(|gate| gate.evaluate(&self)).collect();
        self
    }

    /// Whether every gate passed. True without gates.
    #[must_use]
    pub fn passed(&self) -> bool {
        self.gates.iter().all(|gate| gate.passed)
    }

    /// The text of `score.json`: pretty, with a final newline.
    ///
    /// # Panics
    ///
    /// Never: every score serialises.
    #[must_use]
    pub fn to_json(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).expect("a score serialises");
        text.push('\n');
        text
    }
}

/// Simulated length, ns.
fn duration_ns(duration_s: f64) -> u64 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a length is not negative, and a run is shorter than 584 years"
    )]
    let ns = (duration_s * 1e9).round() as u64;
    ns
}

/// When an alarm came, and what raised it.
fn annunciated(alarm: &Alarm) -> (u64, String) {
    let source = alarm.signatures.first();
    let source = source.map_or_else(String::new, |(signature, _)| signature.clone());
    (alarm.first_ns, source)
}

/// Below this many steps a perfect recall proves little.
const FEW_STEPS: u64 = 20;
/// Below this much quiet time a false alarm rate is mostly interval.
const SHORT_QUIET_S: f64 = 86_400.0;
/// Above this share of quiet time in alarm, recall says nothing.
const ALWAYS_ON_PERCENT: f64 = 20.0;

fn caveats(score: &Score) -> Vec<String> {
    let detection = &score.detection;
    let mut list = Vec::new();
    if detection
        .alarm_time_percent
        .value
        .is_some_and(|percent| percent > ALWAYS_ON_PERCENT)
    {
        list.push(format!(
            "The tool was in alarm for {} of the time in which nothing was wrong. A detector that \
             always alarms detects everything: its recall and its times to detect prove nothing.",
            crate::report::words::percent(
                detection.alarm_time_percent.value.unwrap_or_default() / 100.0
            )
        ));
    }
    if let (Some(interval), 1..FEW_STEPS) = (detection.recall_interval, detection.steps_total) {
        list.push(format!(
            "{} attack {} cannot support a claim such as \"100 % detected\": with {} seen, the true share \
             may lie anywhere from {:.0} % to {:.0} % (95 % interval).",
            count_word(detection.steps_total),
            if detection.steps_total == 1 { "step" } else { "steps" },
            detection.steps_detected,
            interval.low * 100.0,
            interval.high * 100.0
        ));
    }
    if detection.attack_free_s < SHORT_QUIET_S && detection.attack_free_s > 0.0 {
        list.push(format!(
            "False alarms were counted over {} without attack. A rate per day from so little is mostly \
             uncertainty; run at least one benign day for each way the plant is operated.",
            crate::report::words::duration(detection.attack_free_s)
        ));
    }
    if !detection.excluded_steps.is_empty() {
        list.push(format!(
            "{} of the attack's steps never ran and {} left out of every figure.",
            detection.excluded_steps.len(),
            if detection.excluded_steps.len() == 1 {
                "is"
            } else {
                "are"
            }
        ));
    }
    if score.header.clock == Clock::Wall {
        list.push(
            "The wall clock paced this run: times to detect include this machine's delays and will \
             not repeat exactly."
                .to_owned(),
        );
    }
    if detection
        .alarms
        .iter()
        .any(|alarm| alarm.verdict == Verdict::Unattributed)
    {
        list.push(
            "Some alarms came during the attack but named assets that it did not touch. They are \
             neither credited nor counted as false; they lower the alarm precision."
                .to_owned(),
        );
    }
    if let Some(continuity) = &score.continuity {
        list.extend(continuity.flags.iter().cloned());
    }
    list
}

fn count_word(count: u64) -> String {
    let words = [
        "No", "One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine", "Ten",
    ];
    usize::try_from(count)
        .ok()
        .and_then(|index| words.get(index))
        .map_or_else(|| count.to_string(), |word| (*word).to_owned())
}
