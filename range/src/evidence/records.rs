//! What the lines of a run folder's JSON files hold.
//!
//! Alerts and actions are kept as the defense wrote them, so that nothing of a tool's output is lost;
//! the types here are what the range itself reads.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// One entry of `evidence/assets.json`: what an asset inventory would know of a host.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Asset {
    /// Unique name, such as `plc-filler`.
    pub name: String,
    /// What it is for: `plc`, `hmi`, `historian`, `engineering-workstation`, `laptop`.
    pub role: String,
    /// Zone in the sense of IEC 62443.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
    /// Level of the Purdue model, such as `1` for controllers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub purdue_level: Option<u8>,
    /// IPv4 address in dotted form.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ip: Option<String>,
    /// Hardware address, lower-case hex with colons.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mac: Option<String>,
    /// Switch that it is plugged into.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub switch: Option<String>,
    /// Port on that switch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u32>,
    /// Maker.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vendor: Option<String>,
    /// Model or product code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Version of its firmware or software.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub firmware: Option<String>,
}

/// One line of `truth/attack.jsonl`: what the attacker did in one step of the playbook.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct AttackStep {
    /// Id of the step, as in `frames.parquet`.
    pub step: String,
    /// What was done, in a few words.
    pub title: String,
    /// Technique id of ATT&CK for ICS, such as `T0836`.
    pub technique: String,
    /// Tactic ids that the technique serves here, such as `TA0106`.
    #[serde(default)]
    pub tactics: Vec<String>,
    /// When it began, simulated ns; absent if it never did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_ns: Option<u64>,
    /// When it ended, simulated ns, exclusive; absent if it never began or was still going on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_ns: Option<u64>,
    /// Host that acted.
    pub source: String,
    /// Hosts that it was aimed at.
    #[serde(default)]
    pub targets: Vec<String>,
    /// The effect that was intended, in plain words.
    #[serde(default)]
    pub effect: String,
    /// What became of it.
    pub outcome: Outcome,
    /// What was found or went wrong, in a few words.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub detail: String,
    /// Frames that the attacker sent for it.
    #[serde(default)]
    pub frames_sent: u64,
}

/// What became of an attack step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// It did what it was meant to do.
    Success,
    /// It tried and did not get there.
    Failure,
    /// It ran out of time.
    Timeout,
    /// Its trigger never came.
    #[default]
    Skipped,
    /// The run ended while it was going on.
    Running,
}

/// One line of `defense/alerts.jsonl`, in our normal form.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Alert {
    /// Simulated time, ns.
    pub t_ns: u64,
    /// The tool's name for what it saw.
    pub sig_id: String,
    /// Everything else, as the tool wrote it.
    #[serde(flatten)]
    pub rest: BTreeMap<String, Value>,
}
