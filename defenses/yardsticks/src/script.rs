//! What the oracle is told: its alerts and its actions, with their times.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Everything that the oracle will say.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Script {
    /// Alerts and actions; the order is of no account.
    pub lines: Vec<Line>,
}

/// One alert or one action.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Line {
    /// It is said in answer to the interval that ends at this simulated time or is the first to end after
    /// it, ns.
    pub at_ns: u64,
    /// What is said.
    pub say: Say,
}

/// What is said.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Say {
    /// An alert in the form of the protocol.
    Alert(Value),
    /// An action in the form of the protocol.
    Action(Value),
}

impl Script {
    /// Takes out what is due by a time, in the order of the script.
    pub(crate) fn due(&mut self, by_ns: u64) -> Vec<Say> {
        let (due, later) = std::mem::take(&mut self.lines)
            .into_iter()
            .partition(|line| line.at_ns <= by_ns);
        self.lines = later;
        due.into_iter().map(|line| line.say).collect()
    }
}
