//! What a run lets out: evidence that a defense may see, and the truth that it may not.
//!
//! The [`World`](crate::World) appends here while it runs, and whoever drives it takes everything out
//! at the end of each interval. Bytes of frames lie in one arena, so that a captured frame costs a
//! copy and no allocation.
//!
//! **Invariant:** nothing in the simulation reads an [`Observations`]. Observers are inert.

use sim_kernel::digest::Digest;
use sim_kernel::time::SimTime;
use sim_process::item::ItemView;
use sim_process::production::Production;

use crate::frame::{Label, Relation};
use crate::inline::Judged;

/// A frame as a SPAN port saw it.
#[derive(Clone, Copy, Debug)]
pub struct SpanFrame {
    /// When the switch had received it.
    pub at: SimTime,
    /// Index into [`World::spans`](crate::World::spans).
    pub span: u16,
    /// Index of the host whose port it came in through, in the order of
    /// [`World::host_facts`](crate::World::host_facts). Truth, not evidence.
    pub source: u16,
    /// The attack step that it belongs to. Truth, not evidence.
    pub label: Label,
    /// How it belongs to the step. Truth, not evidence.
    pub relation: Relation,
    /// Whether the switch stopped it. Truth, not evidence.
    pub denied: bool,
    start: u32,
    len: u32,
}

/// Whether a sample can be trusted, in the sense of OPC quality.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quality {
    /// The value was read.
    Good,
    /// The controller did not answer; the value is the last one known.
    Bad,
}

/// One value that a historian recorded.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TagSample {
    /// When the historian had it.
    pub at: SimTime,
    /// Index into [`World::tags`](crate::World::tags).
    pub tag: u16,
    /// Value in the tag's unit.
    pub value: f64,
    /// Whether it was read.
    pub quality: Quality,
}

/// One line of the central log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine {
    /// When it was written.
    pub at: SimTime,
    /// Host that wrote it.
    pub host: String,
    /// Program on that host.
    pub app: &'static str,
    /// Kind of message.
    pub kind: &'static str,
    /// Syslog severity, 0 (emergency) to 7 (debug).
    pub severity: u8,
    /// The message.
    pub text: String,
}

/// The physical quantities at one time.
#[derive(Clone, Debug, PartialEq)]
pub struct TruthRow {
    /// When the process was looked at.
    pub at: SimTime,
    /// Values in the order of [`World::truth_columns`](crate::World::truth_columns).
    pub values: Vec<f64>,
}

/// What there is to see at the time of a truth row, beside the physical quantities. Truth, not evidence.
#[derive(Clone, Debug, PartialEq)]
pub struct SceneRow {
    /// When it was looked at.
    pub at: SimTime,
    /// The items on the line, in the order of the process.
    pub items: Vec<ItemView>,
    /// What the screens show, in the order of [`World::screen_columns`](crate::World::screen_columns); not a
    /// number where a screen has no valid value.
    pub screens: Vec<f64>,
    /// What is in the controllers, in the order of
    /// [`World::memory_columns`](crate::World::memory_columns); not a number without power.
    pub memory: Vec<f64>,
    /// Counted parts and times so far.
    pub production: Production,
}

/// Digests of every component at the end of a simulated second, and the run's chain up to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecondDigest {
    /// End of the second.
    pub at: SimTime,
    /// First 8 bytes of each component's digest, in the order of
    /// [`World::components`](crate::World::components).
    pub components: Vec<u64>,
    /// The run's digest so far.
    pub chain: Digest,
}

/// Everything observed since the last time it was taken.
#[derive(Clone, Debug, Default)]
pub struct Observations {
    /// Frames on SPAN ports, in order of time.
    pub frames: Vec<SpanFrame>,
    /// Historian samples, in order of time.
    pub tags: Vec<TagSample>,
    /// Log lines, in order of time.
    pub logs: Vec<LogLine>,
    /// Rows of physical truth, in order of time.
    pub truth: Vec<TruthRow>,
    /// Rows of what there is to see, in order of time.
    pub scene: Vec<SceneRow>,
    /// Digests, in order of time.
    pub digests: Vec<SecondDigest>,
    /// Frames that have reached the port to the outside, with the time of their arrival, in order of time. What is
    /// plugged in there answers them; neither evidence nor truth.
    pub outside: Vec<(SimTime, Vec<u8>)>,
    /// Frames that a device in a cable dropped or held back, in order of time. Truth, not evidence.
    pub inline: Vec<Judged>,
    arena: Vec<u8>,
}

impl Observations {
    /// The bytes of a frame, without check sequence.
    #[must_use]
    pub fn bytes(&self, frame: &SpanFrame) -> &[u8] {
        let start = frame.start as usize;
        &self.arena[start..start + frame.len as usize]
    }

    /// Forgets everything and keeps the memory for the next interval.
    pub fn clear(&mut self) {
        self.frames.clear();
        self.tags.clear();
        self.logs.clear();
        self.truth.clear();
        self.scene.clear();
        self.digests.clear();
        self.outside.clear();
        self.inline.clear();
        self.arena.clear();
    }

    /// Keeps a frame: when, at which SPAN port and from which host, its bytes, and the truth about it.
    pub(crate) fn capture(
        &mut self,
        at: SimTime,
        (span, source): (u16, u16),
        bytes: &[u8],
        (label, relation, denied): (Label, Relation, bool),
    ) {
        let start =
            u32::try_from(self.arena.len()).expect("observations are taken long before 4 GiB");
        let len = u32::try_from(bytes.len()).expect("frames are short");
        self.arena.extend_from_slice(bytes);
        self.frames.push(SpanFrame {
            at,
            span,
            source,
            label,
            relation,
            denied,
            start,
            len,
        });
    }
}

/// Which observations a run keeps. What is left out costs nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keep {
    /// Frames on SPAN ports.
    pub frames: bool,
    /// Historian samples and log lines.
    pub records: bool,
    /// Digests per second.
    pub digests: bool,
    /// What there is to see beside the physical truth.
    pub scene: bool,
}

impl Keep {
    /// Everything.
    pub const ALL: Self = Self {
        frames: true,
        records: true,
        digests: true,
        scene: true,
    };
    /// Only the physical truth, for counterfactual runs.
    pub const TRUTH: Self = Self {
        frames: false,
        records: false,
        digests: false,
        scene: false,
    };
}
