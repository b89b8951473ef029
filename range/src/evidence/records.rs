//! What the lines of a run folder's JSON files hold.
//!
//! Alerts and actions are kept as the defense wrote them, so that nothing of a tool's output is lost;
//! the types here are what the range itself reads.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sim_kernel::SimTime;
use sim_plant::inline::{Decision, Towards};

use super::frames::Relation;

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

/// One line of `truth/attack.jsonl`: what became of one step of the playbook.
///
/// It is written from `twinrange_attacks::StepRecord`; times are simulated ns.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AttackStep {
    /// Number of the step in its playbook, counted from 0.
    pub step: u16,
    /// Identifier within the playbook, as in `frames.parquet`.
    pub id: String,
    /// A few words for people.
    pub title: String,
    /// Technique ids of ATT&CK for ICS, the main one first.
    pub techniques: Vec<String>,
    /// Name of the action.
    pub action: String,
    /// What the step does, in plain words.
    pub plain: String,
    /// What the attacker means to achieve by it.
    pub intended_effect: String,
    /// When it began; absent if it was never reached.
    pub started_at: Option<SimTime>,
    /// When its action began.
    pub action_at: Option<SimTime>,
    /// The first moment at which it had an effect.
    pub took_hold_at: Option<SimTime>,
    /// When it ended, or the end of the run.
    pub ended_at: Option<SimTime>,
    /// How it ended.
    pub outcome: Outcome,
    /// Why, if it did not succeed.
    pub reason: Option<String>,
    /// Names of the hosts that it was about.
    pub hosts: Vec<String>,
    /// Frames that the attacker's program built itself.
    pub frames_sent: u64,
    /// Modbus requests that it sent.
    pub requests_sent: u64,
    /// TCP connections that it began.
    pub connections: u64,
    /// What shows how it went.
    pub evidence: Vec<String>,
}

/// One line of `truth/inline.jsonl`: a frame that a device in a cable dropped or held back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JudgedFrame {
    /// When it reached the device, simulated ns.
    pub t_ns: u64,
    /// Number of the frame at the device, from 1.
    pub frame: u64,
    /// Name of the host in whose cable it was.
    pub host: String,
    /// Which way it went.
    pub towards: Towards,
    /// What became of it.
    pub decision: Decision,
    /// Its length without check sequence, bytes.
    pub len: u32,
    /// Identifier of the attack step that it belongs to; absent for ordinary traffic.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<String>,
    /// How it belongs to the step.
    pub relation: Relation,
}

/// How an attack step ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It did what it meant to do.
    Succeeded,
    /// It ran and did not.
    Failed,
    /// It was still under way when its time, or the run, was over.
    TimedOut,
    /// It never began.
    NotReached,
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
