//! The ground truth about each step, for `truth/attack.jsonl`.

use serde::Serialize;
use sim_kernel::time::SimTime;

use crate::playbook::Outcome;

/// What became of one step. Serializes to one JSON object; times are simulated nanoseconds since the
/// start of the run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StepRecord {
    /// Number of the step in its playbook, counted from 0; frames are labelled with it.
    pub step: u16,
    /// Identifier within the playbook.
    pub id: String,
    /// A few words for people.
    pub title: String,
    /// ATT&CK techniques, the main one first.
    pub techniques: Vec<String>,
    /// Name of the action.
    pub action: &'static str,
    /// What the step does, in plain words.
    pub plain: String,
    /// What the attacker means to achieve by it.
    pub intended_effect: String,
    /// When it began; `None` if it was never reached. With a trigger that reads the process, when the
    /// first frame was sent for it, so that the interval covers all frames of the step.
    pub started_at: Option<SimTime>,
    /// When its action began.
    pub action_at: Option<SimTime>,
    /// When it took hold: the first moment at which it had an effect.
    pub took_hold_at: Option<SimTime>,
    /// When it ended. For a step that was still under way, the end of the run.
    pub ended_at: Option<SimTime>,
    /// How it ended.
    pub outcome: Outcome,
    /// Why, if it did not succeed.
    pub reason: Option<String>,
    /// Names of the hosts it was about; an address where the plant has no such host.
    pub hosts: Vec<String>,
    /// Frames that the attacker's program built itself (ARP, forged or forwarded segments). Segments of
    /// its own TCP connections come on top; `truth/frames.parquet` has them all.
    pub frames_sent: u64,
    /// Modbus requests that it sent.
    pub requests_sent: u64,
    /// TCP connections that it began.
    pub connections: u64,
    /// What shows how it went: acknowledgments, exceptions, refusals.
    pub evidence: Vec<String>,
}
