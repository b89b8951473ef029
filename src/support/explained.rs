//! Why a run went as it did: what each step and each action did, and how long there was to act.

use sim_kernel::time::SimTime;
use sim_plant::respond::Action;
use twinrange_range::branch::Played;
use twinrange_range::session::Counterfactual;
use twinrange_range::twin::Violation;
use twinrange_score::attribution::{Amounts, Attribution};
use twinrange_score::continuity::Run;
use twinrange_score::inline::InlineFigures;
use twinrange_score::margin::Margin;

use super::attribution::{AttackAccount, of_attack, of_defense, whole_defense};
use super::failure::Failure;
use super::margin::{self, Undefended};
use super::production::prices_of;
use super::reruns::Reruns;

/// What is known of the undefended plant, by runs without each step and with the response moved. It is the same for
/// every defense.
#[derive(Debug)]
pub(crate) struct Explained {
    account: Option<AttackAccount>,
    margin: Option<Margin>,
}

/// What a defense did in the run that is explained.
pub(crate) struct Defended<'a> {
    /// The accepted actions with the times at which they were asked for, by time.
    pub(crate) actions: &'a [(SimTime, Action)],
    /// What clients outside sent into a live run.
    pub(crate) played: Option<&'a Played>,
    /// What it did to the frames in its cables, if it stood in any.
    pub(crate) inline: Option<&'a InlineFigures>,
    /// The run AD.
    pub(crate) made: &'a Run,
    /// First alert that belongs to a step, simulated ns.
    pub(crate) first_alert_ns: Option<u64>,
}

impl Explained {
    /// Makes the runs.
    ///
    /// # Arguments
    ///
    /// * `reruns` — those of the attacked plant.
    /// * `none`, `attacked` — the runs N and A.
    /// * `violations` — what A violates and N does not.
    pub(crate) fn of(
        reruns: &Reruns<'_>,
        none: &Counterfactual,
        attacked: &Counterfactual,
        violations: &[Violation],
    ) -> Result<Self, Failure> {
        let account = of_attack(reruns, none, attacked)?;
        let margin = match &account {
            None => None,
            Some(account) => {
                let undefended = Undefended {
                    none,
                    attacked,
                    violations,
                    account,
                };
                margin::of(reruns, &undefended)?
            }
        };
        Ok(Self { account, margin })
    }

    /// Both accounts and the margin of a defended run; makes the runs without each of its actions, unless it stood in
    /// a cable.
    ///
    /// # Arguments
    ///
    /// * `reruns`, `attacked` — those that this was made of.
    pub(crate) fn beside(
        &self,
        reruns: &Reruns<'_>,
        attacked: &Counterfactual,
        defended: &Defended<'_>,
    ) -> Result<(Attribution, Option<Margin>), Failure> {
        let prices = prices_of(&reruns.ready.loaded.scenario.prices);
        let defense = match defended.made {
            Run::Made(made) => {
                let ends = (reruns.worth(attacked), Amounts::of(made, Some(&prices)));
                match defended.inline {
                    Some(inline) => Some(whole_defense(inline, defended.actions, ends)),
                    None => of_defense(reruns, defended.actions, defended.played, ends)?,
                }
            }
            Run::Missing(_) => None,
        };
        let attribution = Attribution {
            attack: self.account.as_ref().map(|found| found.account.clone()),
            defense,
        };
        let first_action_ns = defended.actions.first().map(|(at, _)| at.as_nanos());
        let margin = self.margin.clone();
        let margin = margin.map(|found| found.beside(defended.first_alert_ns, first_action_ns));
        Ok((attribution, margin))
    }
}
