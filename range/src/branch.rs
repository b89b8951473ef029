//! A run that differs from a recorded one in what came from outside.
//!
//! Steps of the attack are left out, actions are added, moved or left out, and everything else (plant, seed,
//! what the people do) is the same. A branch has no defense at work: what a defense asked for in the recorded
//! run is a list of actions with their times. What a defense decided about single frames cannot be played: with
//! anything different, they are other frames.
//!
//! **Invariant:** a branch that leaves nothing out and has the recorded actions is the recorded run, to the
//! digest.

use std::iter::Peekable;
use std::sync::atomic::{AtomicBool, Ordering};
use std::vec::IntoIter;

use sim_kernel::input::{InputRecord, Origin};
use sim_kernel::time::{SimDuration, SimTime};
use sim_plant::respond::{Action, Input, InputError, OutsideFrame};
use twinrange_attacks::StepRecord;

use crate::evidence::process::ProcessTable;
use crate::formats::Prepared;
use crate::outside::Outside;
use crate::problem::Problems;
use crate::scenario::Scenario;
use crate::session::{Counterfactual, Session, SessionOptions, Setting};

/// Time between two looks at the flag that interrupts a branch.
const STEP: SimDuration = SimDuration::from_secs(60);

/// What comes from outside in a branch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Branch<'a> {
    /// Steps of the attack that are left out, as they went in a run of the same scenario and seed.
    pub absent: Vec<&'a StepRecord>,
    /// Actions and the times at which they are asked for, by time. Approval and carrying out come on top.
    pub actions: Vec<(SimTime, Action)>,
    /// What real clients sent into a live run, which is played again as it was whatever the plant answers.
    pub played: Option<&'a Played>,
}

/// The frames that came from outside in a live run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Played {
    /// Where they came in.
    pub outside: Outside,
    /// The frames and when they came, by time.
    pub frames: Vec<(SimTime, OutsideFrame)>,
}

impl Played {
    /// The record of a live run; `None` where nothing came from outside.
    #[must_use]
    pub fn of(outside: &Outside, inputs: &[InputRecord<Input>]) -> Option<Self> {
        let frame = |record: &InputRecord<Input>| match &record.input {
            Input::Frame(frame) => Some((record.time, frame.clone())),
            Input::Action(_) | Input::Verdict(_) => None,
        };
        let frames: Vec<_> = inputs.iter().filter_map(frame).collect();
        (!frames.is_empty()).then(|| Self {
            outside: outside.clone(),
            frames,
        })
    }
}

/// Inputs that are handed in when their time has come.
pub struct Script(Peekable<IntoIter<(SimTime, Origin, Input)>>);

impl Script {
    /// What comes from outside in a branch. Of one moment, actions come first.
    #[must_use]
    pub fn of(branch: &Branch<'_>) -> Self {
        let action = |(at, action): &(SimTime, Action)| {
            (*at, Origin::Defense, Input::Action(action.clone()))
        };
        let frame = |(at, frame): &(SimTime, OutsideFrame)| {
            (*at, Origin::Outside, Input::Frame(frame.clone()))
        };
        let frames = branch.played.map_or(&[][..], |played| &played.frames);
        let actions = branch.actions.iter().map(action);
        let mut all: Vec<_> = actions.chain(frames.iter().map(frame)).collect();
        all.sort_by_key(|(at, ..)| *at);
        Self(all.into_iter().peekable())
    }

    /// The inputs of a record as they are.
    #[must_use]
    pub fn of_record(inputs: Vec<InputRecord<Input>>) -> Self {
        let input = |record: InputRecord<Input>| (record.time, record.origin, record.input);
        let all: Vec<_> = inputs.into_iter().map(input).collect();
        Self(all.into_iter().peekable())
    }

    /// When the next input is due.
    pub fn next_at(&mut self) -> Option<SimTime> {
        self.0.peek().map(|(at, ..)| *at)
    }

    /// Hands in what is due. A verdict names its frame, and is handed in as soon as all before it has been: one about a frame
    /// of the run's very last instant could not be told any more when that has come.
    ///
    /// # Errors
    ///
    /// [`BranchError::Input`] if the plant cannot take it.
    pub fn hand_in(&mut self, session: &mut Session<'_>) -> Result<(), BranchError> {
        let now = session.now();
        let is_due = |(at, _, input): &(SimTime, Origin, Input)| {
            *at <= now || matches!(input, Input::Verdict(_))
        };
        while let Some((_, origin, input)) = self.0.next_if(is_due) {
            let what = match &input {
                Input::Action(action) => action.to_string(),
                Input::Frame(_) => "a frame from outside".to_owned(),
                Input::Verdict(verdict) => format!("a verdict on frame {}", verdict.frame),
            };
            let handed_in = session.hand_in(origin, input);
            handed_in.map_err(|error| BranchError::Input { what, error })?;
        }
        Ok(())
    }
}

/// Why a branch has no result.
#[derive(Debug, thiserror::Error)]
pub enum BranchError {
    /// The plant cannot be built; not for a scenario that was loaded.
    #[error("the plant cannot be built")]
    Plant(Problems),
    /// The plant cannot take an input.
    #[error("{what}: {error}")]
    Input {
        /// The action, or what else it is.
        what: String,
        /// Why.
        error: InputError,
    },
    /// Somebody asked to stop.
    #[error("interrupted")]
    Interrupted,
}

impl Branch<'_> {
    /// Runs the branch and keeps the truth.
    ///
    /// Actions whose time is the end of the run or later are left out: nobody can ask for them any more.
    ///
    /// # Arguments
    ///
    /// * `interrupt` — looked at once a simulated minute.
    ///
    /// # Errors
    ///
    /// As [`BranchError`].
    pub fn simulate(
        &self,
        scenario: &Scenario,
        prepared: &Prepared,
        options: SessionOptions,
        interrupt: &AtomicBool,
    ) -> Result<Counterfactual, BranchError> {
        let setting = Setting {
            absent: &self.absent,
            outside: self.played.map(|played| &played.outside),
            inline: None,
        };
        let mut session =
            Session::set_up(scenario, prepared, options, &setting).map_err(BranchError::Plant)?;
        let mut truth = ProcessTable::new(prepared.truth_columns.clone());
        let mut script = Script::of(self);
        while !session.is_over() {
            script.hand_in(&mut session)?;
            let step = session.now() + STEP;
            session.advance(script.next_at().map_or(step, |at| at.min(step)));
            for row in &session.observations().truth {
                truth.push(row.at.as_nanos(), &row.values);
            }
            session.observations().clear();
            if interrupt.load(Ordering::SeqCst) {
                return Err(BranchError::Interrupted);
            }
        }
        Ok(Counterfactual {
            truth,
            finished: session.finish(),
        })
    }
}
