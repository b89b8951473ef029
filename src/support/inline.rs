//! What a defense in the plant's cables did in a run, for its score.

use sim_plant::inline::{Decision, Inline, InlineCounts};
use sim_plant::observe::Observations;
use twinrange_range::evidence::records::JudgedFrame;
use twinrange_range::problem::Problems;
use twinrange_range::run_folder::{RunFolder, paths};
use twinrange_score::inline::{Frames, InlineFigures};

/// Frames that were not simply passed on, as they come.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Tally {
    dropped: Frames,
    delayed: Frames,
}

impl Tally {
    /// Counts what was observed.
    pub(crate) fn see(&mut self, seen: &Observations) {
        for judged in &seen.inline {
            self.count(judged.verdict.decision, judged.label.as_step().is_some());
        }
    }

    fn count(&mut self, decision: Decision, of_attack: bool) {
        match decision {
            Decision::Drop => self.dropped.count(of_attack),
            Decision::Pass { .. } => self.delayed.count(of_attack),
        }
    }

    /// The figures of a run.
    ///
    /// # Arguments
    ///
    /// * `inline` — where the defense stood.
    /// * `counts` — what went through.
    pub(crate) fn figures(self, inline: &Inline, counts: InlineCounts) -> InlineFigures {
        InlineFigures {
            hosts: inline.hosts.clone(),
            latency_ns: inline.latency_ns,
            frames: counts.frames,
            dropped: self.dropped,
            delayed: self.delayed,
        }
    }
}

/// The figures of a run folder; `None` where nobody stood in a cable.
pub(crate) fn of_folder(folder: &RunFolder) -> Result<Option<InlineFigures>, Problems> {
    let manifest = folder.manifest();
    let Some(inline) = &manifest.options.inline else {
        return Ok(None);
    };
    let counts = manifest.notes.get("inline").cloned();
    let counts = counts.and_then(|counts| serde_json::from_value(counts).ok());
    let mut tally = Tally::default();
    for judged in folder.records::<JudgedFrame>(paths::INLINE)? {
        tally.count(judged.decision, judged.step.is_some());
    }
    Ok(Some(tally.figures(inline, counts.unwrap_or_default())))
}
