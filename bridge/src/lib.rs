//! Where the range meets the machine that it runs on: defenses that are separate programs, and the live plant.
//!
//! A defense is described by a RON file ([`spec`]) and is either
//!
//! - **lock-step** ([`lockstep`]): a child process that is told, interval by interval, what the
//!   sensors saw, and answers with alerts and actions while the simulation waits; one that stands
//!   in a cable judges every frame there as well.
//!   `docs/defense-protocol.md` is the contract; the module [`message`] is what we send and
//!   [`answer`] what we accept;
//! - **offline** ([`offline`]): a command that runs over a copy of the evidence folder after the
//!   run.
//!
//! [`live`] paces a plant by the wall clock and lets real clients talk to it; [`api`] is such a session over HTTP.
//!
//! **Invariant:** nothing that a tool prints can panic, hang or exhaust the range. Every line,
//! count, wait and file that comes from a tool has a limit, and crossing it is a [`DefenseError`].
//!
//! **Invariant:** a child that was started is always killed (with the processes it started) and
//! reaped, also when the caller drops the handle half-way.
//!
//! **Invariant:** the wall clock only tells a hang from work. No reading of it reaches an answer,
//! so the same tool output gives the same run however slow the machine is.
//!
//! **Invariant:** no path that is handed to a tool leads to `truth/`. A tool that looks for it all the same
//! is stopped by [`confine`], where the machine can.

pub mod answer;
pub mod api;
mod child;
mod codes;
pub mod confine;
mod error;
mod lines;
pub mod live;
pub mod lockstep;
pub mod message;
pub mod offline;
pub mod spec;

pub use answer::{Action, ActionArgs, Answer, Target, Verb, Verdict};
pub use codes::explain;
pub use confine::Confinement;
pub use error::DefenseError;
pub use lockstep::{LockStep, LockStepConfig};
pub use message::{
    ActionResult, ActionStatus, Asset, Frame, FrameFeed, Hello, InlineFrame, InlineInfo, Interval,
    LogLine, Quality, Span, TagInfo, TagSample, Wants,
};
pub use offline::{OfflineConfig, OfflineResult};
pub use spec::{DefenseSpec, SpecError};
