//! Runs beside a recorded one: the same scenario and seed with something left out or added.

use std::sync::atomic::AtomicBool;

use rayon::prelude::*;
use sim_kernel::time::SimDuration;
use sim_plant::observe::Keep;
use twinrange_range::branch::Branch;
use twinrange_range::session::{Counterfactual, SessionOptions};
use twinrange_score::attribution::Amounts;

use super::execution::refused;
use super::failure::Failure;
use super::production::{counted, prices_of};
use super::progress::Count;
use super::scenario::Ready;

/// What all branches of a run have in common.
pub(crate) struct Reruns<'a> {
    pub(crate) ready: &'a Ready,
    pub(crate) seed: u64,
    pub(crate) attack: bool,
    pub(crate) duration: SimDuration,
    /// Whether the runs have digests, so that they can be compared with a recorded one.
    pub(crate) digests: bool,
    pub(crate) interrupt: &'a AtomicBool,
    /// Tells somebody who waits how many runs have been made.
    pub(crate) count: &'a Count,
}

impl Reruns<'_> {
    /// Runs one branch.
    pub(crate) fn run(&self, branch: &Branch<'_>) -> Result<Counterfactual, Failure> {
        let options = SessionOptions {
            seed: self.seed,
            attack: self.attack,
            duration: self.duration,
            keep: Keep {
                digests: self.digests,
                ..Keep::TRUTH
            },
        };
        let (scenario, prepared) = (&self.ready.loaded.scenario, &self.ready.prepared);
        branch
            .simulate(scenario, prepared, options, self.interrupt)
            .map_err(refused)
    }

    /// Runs branches on all cores, and keeps of each what is asked for. The order is that of the branches.
    pub(crate) fn each<T: Send>(
        &self,
        branches: &[Branch<'_>],
        keep: impl Fn(Counterfactual) -> T + Sync,
    ) -> Result<Vec<T>, Failure> {
        branches
            .par_iter()
            .map(|branch| {
                let run = self.run(branch);
                self.count.one_more();
                run.map(&keep)
            })
            .collect()
    }

    /// What a run was worth.
    pub(crate) fn worth(&self, run: &Counterfactual) -> Amounts {
        let scenario = &self.ready.loaded.scenario;
        let prices = prices_of(&scenario.prices);
        Amounts::of(&counted(run, scenario), Some(&prices))
    }
}
