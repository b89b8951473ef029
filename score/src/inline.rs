//! What a defense that stands in the plant's cables did to the frames there.

use serde::{Deserialize, Serialize};

/// Frames by whether the attack had a part in them: sent by it, answers to it, or led astray by it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Frames {
    /// Frames of attack steps.
    pub attack: u64,
    /// Ordinary traffic: each is a disturbance that the defense itself made.
    pub benign: u64,
}

impl Frames {
    /// Counts one more.
    pub fn count(&mut self, of_attack: bool) {
        if of_attack {
            self.attack += 1;
        } else {
            self.benign += 1;
        }
    }
}

/// What went through a defense in the plant's cables, and what did not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InlineFigures {
    /// Names of the hosts in whose cables it stood.
    pub hosts: Vec<String>,
    /// Simulated time that every frame took to go through, ns.
    pub latency_ns: u64,
    /// Frames that reached it.
    pub frames: u64,
    /// Frames that it dropped.
    pub dropped: Frames,
    /// Frames that it held back beyond the latency.
    pub delayed: Frames,
}

impl InlineFigures {
    /// In one sentence, for people.
    #[must_use]
    pub fn sentence(&self) -> String {
        let Self {
            frames,
            dropped,
            delayed,
            ..
        } = self;
        let hosts = self.hosts.join(", ");
        format!(
            "{frames} frames in the cable of {hosts}; dropped {} of the attack and {} others, held back {} and {}",
            dropped.attack, dropped.benign, delayed.attack, delayed.benign
        )
    }
}
