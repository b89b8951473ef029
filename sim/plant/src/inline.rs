//! A device that stands in cables and passes, delays or drops what goes over them: an intrusion prevention system as
//! a bump in the wire.
//!
//! The device stands in the cable between a host and its switch, and judges the frames of both directions. It does
//! not decide by itself. Whoever drives the [`World`](crate::World) either answers for it frame by frame
//! ([`Verdicts::Asked`]), or tells it beforehand what it decided in a recorded run ([`Verdicts::Told`]).
//!
//! A frame reaches the device when it would have reached the end of the cable, takes the device's latency and the
//! delay of its verdict, and goes on from there. A frame that is dropped on its way to the switch was never on the
//! switch, nor on its SPAN port.
//!
//! **Invariant:** a device without latency that lets everything pass changes no byte and no digest of a run.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sim_kernel::time::{SimDuration, SimTime};

use crate::frame::{Frame, Label, Relation};
use crate::respond::InputError;

/// Longest time that a verdict may hold a frame back, and longest latency of a device, ns: ten seconds.
pub const DELAY_MAX_NS: u64 = 10_000_000_000;

/// Where a device stands, and what it costs to go through it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Inline {
    /// Names of the hosts in whose cables it stands; at least one.
    pub hosts: Vec<String>,
    /// Time that every frame takes to go through, ns, at most [`DELAY_MAX_NS`].
    pub latency_ns: u64,
}

/// Where the device's verdicts come from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Verdicts {
    /// From inputs, by the number of the frame; what no input names passes.
    #[default]
    Told,
    /// From whoever drives the world, at each [`Pause::Inline`](crate::Pause::Inline).
    Asked,
}

/// What becomes of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Decision {
    /// It goes on.
    Pass {
        /// Time that it is held back beside the device's latency, ns, at most [`DELAY_MAX_NS`].
        delay_ns: u64,
    },
    /// It is lost.
    Drop,
}

impl Decision {
    /// What becomes of a frame that nobody objects to.
    pub const PASS: Self = Self::Pass { delay_ns: 0 };
}

/// A decision about one frame. A run's record holds those that are not [`Decision::PASS`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Verdict {
    /// Number of the frame at the device, from 1.
    pub frame: u64,
    /// What becomes of it.
    pub decision: Decision,
}

/// Which way a frame goes over a cable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Towards {
    /// From the host to its switch.
    Switch,
    /// From the switch to the host.
    Host,
}

impl Towards {
    /// The word of the protocol and of the ground truth.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Switch => "switch",
            Self::Host => "host",
        }
    }
}

/// A frame that waits for its verdict.
#[derive(Clone, Copy, Debug)]
pub struct InlineFrame<'a> {
    /// Number at the device, from 1, over all its cables.
    pub number: u64,
    /// When it reached the device.
    pub at: SimTime,
    /// Name of the host in whose cable it is.
    pub host: &'a str,
    /// Which way it goes.
    pub towards: Towards,
    /// Its bytes from the destination address on, without check sequence.
    pub bytes: &'a [u8],
}

/// A frame that was not simply passed on, with the truth about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Judged {
    /// When it reached the device.
    pub at: SimTime,
    /// The decision, with the number of the frame.
    pub verdict: Verdict,
    /// Index of the host in whose cable it was, in the order of [`World::host_facts`](crate::World::host_facts).
    pub host: u16,
    /// Which way it went.
    pub towards: Towards,
    /// Length without check sequence, bytes.
    pub len: u32,
    /// The attack step that it belongs to.
    pub label: Label,
    /// How it belongs to the step.
    pub relation: Relation,
}

/// What has gone through a device so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct InlineCounts {
    /// Frames that reached it.
    pub frames: u64,
    /// Frames that it dropped.
    pub dropped: u64,
    /// Frames that a verdict held back.
    pub delayed: u64,
}

/// Where a frame is to go on when it has passed.
#[derive(Debug)]
pub(crate) struct OnCable {
    pub(crate) switch: u16,
    pub(crate) port: u16,
    pub(crate) host: u16,
    pub(crate) towards: Towards,
    pub(crate) frame: Frame,
}

/// The device.
#[derive(Debug)]
pub(crate) struct Device {
    /// Whether it stands in the cable of a host, by the host's number.
    guards: Vec<bool>,
    pub(crate) latency: SimDuration,
    verdicts: Verdicts,
    told: BTreeMap<u64, Decision>,
    pub(crate) waiting: Option<OnCable>,
    pub(crate) counts: InlineCounts,
}

impl Device {
    /// # Arguments
    ///
    /// * `guards` — whether it stands in the cable of a host, by the host's number.
    pub(crate) fn new(guards: Vec<bool>, latency_ns: u64, verdicts: Verdicts) -> Self {
        Self {
            guards,
            latency: SimDuration::from_nanos(latency_ns),
            verdicts,
            told: BTreeMap::new(),
            waiting: None,
            counts: InlineCounts::default(),
        }
    }

    pub(crate) fn guards(&self, host: usize) -> bool {
        self.guards.get(host).copied().unwrap_or(false)
    }

    /// Takes note of a verdict that was given in a recorded run.
    pub(crate) fn tell(&mut self, verdict: Verdict) -> Result<(), InputError> {
        verdict.decision.check()?;
        if verdict.frame <= self.counts.frames {
            let frame = verdict.frame;
            return Err(InputError::LateVerdict { frame });
        }
        self.told.insert(verdict.frame, verdict.decision);
        Ok(())
    }

    /// Counts a frame in. Gives what becomes of it, or nothing if somebody has to be asked.
    pub(crate) fn count_in(&mut self) -> Option<Decision> {
        self.counts.frames += 1;
        match self.verdicts {
            Verdicts::Asked => None,
            Verdicts::Told => {
                let told = self.told.remove(&self.counts.frames);
                Some(told.unwrap_or(Decision::PASS))
            }
        }
    }
}

impl Decision {
    /// Checks that a frame may be held back so long.
    pub(crate) fn check(self) -> Result<(), InputError> {
        match self {
            Self::Pass { delay_ns } if delay_ns > DELAY_MAX_NS => {
                Err(InputError::BadDelay { delay_ns })
            }
            _ => Ok(()),
        }
    }
}
