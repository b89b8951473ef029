//! A run that differs from a recorded one in what came from outside.
//!
//! Steps of the attack are left out, actions are added, moved or left out, and everything else (plant, seed,
//! what the people do) is the same. A branch has no defense at work: what a defense asked for in the recorded
//! run is a list of actions with their times.
//!
//! **Invariant:** a branch that leaves nothing out and has the recorded actions is the recorded run, to the
//! digest.

use std::sync::atomic::{AtomicBool, Ordering};

use sim_kernel::time::{SimDuration, SimTime};
use sim_plant::respond::{Action, InputError};
use twinrange_attacks::StepRecord;

use crate::evidence::process::ProcessTable;
use crate::formats::Prepared;
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
}

/// Why a branch has no result.
#[derive(Debug, thiserror::Error)]
pub enum BranchError {
    /// The plant cannot be built; not for a scenario that was loaded.
    #[error("the plant cannot be built")]
    Plant(Problems),
    /// The plant cannot do an action.
    #[error("{action}: {error}")]
    Action {
        /// The action.
        action: Action,
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
            ..Setting::default()
        };
        let mut session =
            Session::set_up(scenario, prepared, options, &setting).map_err(BranchError::Plant)?;
        let mut truth = ProcessTable::new(prepared.truth_columns.clone());
        let mut next = self.actions.iter().peekable();
        while !session.is_over() {
            while let Some((_, action)) = next.next_if(|(at, _)| *at <= session.now()) {
                session
                    .submit(action.clone())
                    .map_err(|error| BranchError::Action {
                        action: action.clone(),
                        error,
                    })?;
            }
            let step = session.now() + STEP;
            let asked = next.peek().map_or(step, |(at, _)| *at);
            session.advance(if asked < step { asked } else { step });
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
