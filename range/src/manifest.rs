//! `run.json`: what a run was made from, and what it left.
//!
//! The manifest is written last, so that a folder with one is whole. It is the only file that holds
//! anything of the wall clock; everything in `evidence/` and `truth/` is a function of the build, the
//! scenario, the seed and the recorded inputs.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sim_kernel::Digest;
use sim_plant::inline::Inline;

use crate::evidence::FileInfo;
use crate::outside::Outside;
use crate::scenario::{Bundle, Loaded};

/// Version of the run folder that this build writes and reads.
pub const RUN_SCHEMA: u32 = 1;

/// The content of `run.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// [`RUN_SCHEMA`].
    pub schema: u32,
    /// Always `twinrange-run`, so that a stranger's `run.json` is not taken for ours.
    pub kind: String,
    /// The build that ran it.
    pub build: Build,
    /// What was run.
    pub scenario: ScenarioRecord,
    /// Seeds every random stream.
    pub seed: u64,
    /// How it was run.
    pub options: RunOptions,
    /// Why it ended.
    pub ended: Ended,
    /// Simulated time at the end, ns.
    pub simulated_ns: u64,
    /// How much there is of everything.
    pub counts: Counts,
    /// Digest of the whole run: state of every component and every frame.
    pub trace_digest: Digest,
    /// Length and digest of every file of `evidence/`, `truth/` and `inputs.jsonl`, by its path with
    /// forward slashes.
    pub files: BTreeMap<String, FileInfo>,
    /// What the writer of the run wants to remember beside it, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub notes: BTreeMap<String, Value>,
    /// Wall-clock measurements. Not reproducible, and nothing depends on them.
    pub timing: Timing,
}

/// The word in [`Manifest::kind`].
pub const RUN_KIND: &str = "twinrange-run";

/// The build that made a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Build {
    /// Version of the program.
    pub version: String,
}

/// The scenario of a run, with all its files.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScenarioRecord {
    /// Short name.
    pub name: String,
    /// One line for people.
    pub title: String,
    /// Digest of `bundle`.
    pub digest: Digest,
    /// Every text that the run was made from.
    pub bundle: Bundle,
}

impl ScenarioRecord {
    /// The record of a scenario that was loaded.
    #[must_use]
    pub fn of(loaded: &Loaded) -> Self {
        Self {
            name: loaded.scenario.name.clone(),
            title: loaded.scenario.title.clone(),
            digest: loaded.bundle.digest(),
            bundle: loaded.bundle.clone(),
        }
    }
}

/// How a scenario was run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunOptions {
    /// Whether the playbook was played.
    pub attack: bool,
    /// Simulated length that was asked for, ns.
    pub duration_ns: u64,
    /// Name of the defense, if there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub defense: Option<String>,
    /// The port to the outside of a live run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outside: Option<Outside>,
    /// The cables in which the defense stood.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inline: Option<Inline>,
}

/// Why a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ended {
    /// At the end of its duration.
    Complete,
    /// The user stopped it; everything until then is whole.
    Interrupted,
    /// The defense crashed, hung or broke the protocol; everything until then is whole.
    DefenseFailed,
}

/// How much a run left.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Frames by SPAN port.
    pub frames: BTreeMap<String, u64>,
    /// Frames that belong to an attack step.
    pub attack_frames: u64,
    /// Historian samples.
    pub tags: u64,
    /// Lines of the syslog.
    pub syslog: u64,
    /// Rows of the physical truth.
    pub process: u64,
    /// Attack steps.
    pub attack_steps: u64,
    /// Inputs from outside.
    pub inputs: u64,
    /// Alerts that came during the run.
    pub alerts: u64,
    /// Actions that were asked for during the run.
    pub actions: u64,
}

/// Wall-clock measurements.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Timing {
    /// How long the run took, wall-clock s.
    pub wall_s: f64,
}

impl Timing {
    /// Simulated seconds per second of the wall clock; 0 where nothing was measured.
    #[must_use]
    pub fn real_time_factor(&self, simulated_ns: u64) -> f64 {
        let simulated_s = sim_kernel::SimDuration::from_nanos(simulated_ns).as_secs_f64();
        if self.wall_s > 0.0 {
            simulated_s / self.wall_s
        } else {
            0.0
        }
    }
}
