//! What really happened, as the scorer needs it, and the parameters of the comparison.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

/// What became of an attacker step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It ran and did what it meant to.
    Succeeded,
    /// It ran and did not: refused, blocked, or without effect. It could be detected all the same.
    Failed,
    /// It ran until its time was over.
    TimedOut,
    /// It never started: its trigger did not come, or an earlier step failed. Nothing was there to
    /// detect, so it is left out of every figure and listed.
    NotReached,
}

/// One step of the attack.
#[derive(Clone, Debug)]
pub struct StepTruth {
    /// Identifier within the playbook.
    pub id: String,
    /// Name for people.
    pub name: String,
    /// ATT&CK technique identifiers, any version.
    pub techniques: Vec<String>,
    /// Tactics that the step pursues. Empty: all tactics of its techniques.
    pub tactics: Vec<String>,
    /// Start, simulated ns.
    pub start_ns: u64,
    /// End (exclusive), simulated ns; at least `start_ns`.
    pub end_ns: u64,
    /// Assets it touches: names, IP addresses, MAC addresses of attacker and targets.
    pub hosts: BTreeSet<String>,
    /// First violation of a process or safety constraint by the attack in the run without defense (A),
    /// simulated ns, if the step began before it.
    pub impact_ns: Option<u64>,
    /// Numbers of the frames labelled with the step, by SPAN.
    pub frames: BTreeMap<String, BTreeSet<u64>>,
    /// What became of it.
    pub outcome: Outcome,
}

/// Everything that a run's `truth/` says about detection.
#[derive(Clone, Debug)]
pub struct Truth {
    /// Simulated length of the run, ns.
    pub duration_ns: u64,
    /// The attacker's steps in the playbook's order. Empty for a benign run.
    pub steps: Vec<StepTruth>,
    /// Length of the clean period at the start, in which tools learn, ns. Records stamped before its
    /// end are not scored, and its time counts for no rate.
    pub clean_ns: u64,
    /// Declared recovery windows after response actions, `[start, end)` in simulated ns. The first
    /// alarm of each is neither true nor false: a tool may notice its own deed once.
    pub recovery: Vec<(u64, u64)>,
}

/// The parameters of a comparison. They are part of every report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Params {
    /// Alerts of one tool with gaps up to this are one alarm, ns.
    pub gap_ns: u64,
    /// An alarm that lasts longer than this is counted again, ns, so that a tool that never stops
    /// alerting has many alarms and not one.
    pub alarm_limit_ns: u64,
    /// An alert may come this long after the end of a step and still count for it, ns.
    pub grace_ns: u64,
    /// An alert that names more techniques than this names none: a list of everything is no
    /// knowledge.
    pub techniques_per_alert: u32,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            gap_ns: 60_000_000_000,
            alarm_limit_ns: 600_000_000_000,
            grace_ns: 60_000_000_000,
            techniques_per_alert: 5,
        }
    }
}

impl StepTruth {
    /// Whether the step's interval, with grace, holds the instant.
    pub(crate) fn covers(&self, t_ns: u64, grace_ns: u64) -> bool {
        let (start, end) = self.window(grace_ns);
        (start..end).contains(&t_ns)
    }

    /// The step's interval with grace, half-open, never empty.
    ///
    /// Without grace the end is exclusive, as the truth has it. Grace is inclusive, and so is the
    /// single instant of a step without duration.
    pub(crate) fn window(&self, grace_ns: u64) -> (u64, u64) {
        let end = if grace_ns > 0 {
            self.end_ns.saturating_add(grace_ns).saturating_add(1)
        } else {
            self.end_ns
        };
        (self.start_ns, end.max(self.start_ns.saturating_add(1)))
    }

    pub(crate) fn has_frame(&self, span: &str, frame: u64) -> bool {
        self.frames
            .get(span)
            .is_some_and(|frames| frames.contains(&frame))
    }
}
