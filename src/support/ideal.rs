//! The ideal response to an attack: what a defender who is told everything would ask for, in the words
//! that a defense has, and with the times that approval and execution take.
//!
//! It is what the margin moves through time, and what the oracle among the yardsticks does. It comes from
//! the steps of run A (the attack without a defense), so it is truth, and no external defense is shown it.

use std::collections::BTreeSet;

use sim_kernel::time::{SimDuration, SimTime};
use sim_plant::respond::{self, ActionArgs, ControllerTarget, DURATION_MAX_S, HostTarget};
use twinrange_attacks::playbook::{self, Playbook};
use twinrange_attacks::record::StepRecord;
use twinrange_range::scenario::Scenario;

/// Something that is asked for at a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Asked {
    /// When it is asked for; it takes effect after approval and execution.
    pub(crate) at: SimTime,
    /// What.
    pub(crate) action: respond::Action,
}

/// When the first step of an attack began, or `None` for an attack that never did.
pub(crate) fn first_step_at(steps: &[StepRecord]) -> Option<SimTime> {
    steps.iter().filter_map(|step| step.started_at).min()
}

/// The ideal response to an attack, begun at a time.
///
/// With `deny`, `contain` and `restore` there is nothing better than to take the attacker's host off the
/// network at once, for good, and then to put back what it has changed by then:
///
/// - `contain` of the attacker's host is asked for at `at` and stands to the end of the run. It is as quick as
///   a `deny`, and unlike one it cannot be evaded with another address.
/// - `restore` of each controller that a step has begun to change before the host is off. It is asked for
///   so that it takes effect a second after that: earlier, and the attacker could change it again. A
///   controller that nobody has touched is left alone, because a restore stops it.
///
/// A step that only looks, stands between stations or exhausts connections leaves nothing in a
/// controller, and neither does a restart.
///
/// # Arguments
///
/// * `scenario` — names the attacker's host and the times that actions take.
/// * `playbook` — of that scenario; says what the steps do.
/// * `steps` — what became of them in run A.
/// * `at` — when the response begins; [`first_step_at`] for the earliest that anything could be known.
/// * `end` — end of the run.
///
/// # Returns
///
/// What is asked for, in order of time; nothing in a scenario without an attacker. Times may lie at or
/// behind `end`: such an action comes too late, and [`super::actions::plan`] refuses it.
pub(crate) fn ideal_response(
    scenario: &Scenario,
    playbook: &Playbook,
    steps: &[StepRecord],
    at: SimTime,
    end: SimTime,
) -> Vec<Asked> {
    let Some(attacker) = &scenario.attacker else {
        return Vec::new();
    };
    let to_the_end_s = end
        .saturating_since(at)
        .as_nanos()
        .div_ceil(1_000_000_000)
        .clamp(1, DURATION_MAX_S);
    let contain = respond::Action::Contain {
        target: HostTarget {
            host: attacker.clone(),
        },
        args: ActionArgs {
            duration_s: to_the_end_s,
        },
    };
    let contained_at = at + scenario.response.until_effect(&contain);
    let restores = changed_by(playbook, steps, contained_at).into_iter();
    let restores = restores.map(|controller| {
        let target = ControllerTarget { controller };
        let action = respond::Action::Restore { target };
        let behind = contained_at + SimDuration::from_secs(1);
        let lead = scenario.response.until_effect(&action);
        // A restore is never asked for before the response begins, however long its approval takes.
        let asked_ns = behind.as_nanos().saturating_sub(lead.as_nanos());
        let asked_at = SimTime::from_nanos(asked_ns).max(at);
        Asked {
            at: asked_at,
            action,
        }
    });
    let contain = Asked {
        at,
        action: contain,
    };
    std::iter::once(contain).chain(restores).collect()
}

/// Names of the controllers that the attack has begun to change by a time, in alphabetical order.
fn changed_by(playbook: &Playbook, steps: &[StepRecord], by: SimTime) -> BTreeSet<String> {
    steps
        .iter()
        .filter(|step| step.action_at.is_some_and(|began| began <= by))
        .filter(|step| {
            let planned = playbook.steps.get(usize::from(step.step));
            planned.is_some_and(|planned| changes_a_controller(&planned.action))
        })
        .flat_map(|step| step.hosts.iter().cloned())
        .collect()
}

/// Whether an action leaves a controller other than it was. The hosts of such a step are controllers.
fn changes_a_controller(action: &playbook::Action) -> bool {
    use playbook::Action as A;
    match action {
        A::Write(_)
        | A::BruteForceIo(_)
        | A::Drift(_)
        | A::DownloadProgram(_)
        | A::SetMode(_)
        | A::Force(_)
        | A::ChangeTask(_)
        | A::Firmware(_) => true,
        A::Scan(_)
        | A::Identify(_)
        | A::AdversaryInTheMiddle(_)
        | A::DenialOfService(_)
        | A::UploadProgram(_)
        | A::Restart(_)
        | A::Wait(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use twinrange_attacks::Outcome;

    use super::*;
    use crate::support::scenario;

    /// A record of a step whose action began at a time, about the filler's controller.
    fn record(step: u16, id: &str, action_at_s: u64) -> StepRecord {
        StepRecord {
            step,
            id: id.to_owned(),
            title: String::new(),
            techniques: Vec::new(),
            action: "",
            plain: String::new(),
            intended_effect: String::new(),
            started_at: Some(SimTime::from_secs(action_at_s)),
            action_at: Some(SimTime::from_secs(action_at_s)),
            took_hold_at: None,
            ended_at: None,
            outcome: Outcome::Succeeded,
            reason: None,
            hosts: vec!["plc-filler".to_owned()],
            frames_sent: 0,
            requests_sent: 0,
            connections: 0,
            evidence: Vec::new(),
        }
    }

    /// The steps of `overflow`: the first three only look and listen, the fourth writes at 2500 s.
    fn check(at_s: u64, expect: &[(u64, &str)]) {
        let ready = scenario::find("bottling/overflow").expect("it is built in");
        let playbook = ready.prepared.playbook.as_ref().expect("it has an attack");
        let steps = [
            record(0, "find-hosts", 2400),
            record(1, "read-through", 2430),
            record(2, "stand-between", 2460),
            record(3, "fill-by-volume", 2500),
        ];
        assert_eq!(first_step_at(&steps), Some(SimTime::from_secs(2400)));
        let (at, end) = (SimTime::from_secs(at_s), SimTime::from_secs(7200));
        let asked = ideal_response(&ready.loaded.scenario, playbook, &steps, at, end);
        let asked: Vec<(u64, String)> = asked
            .iter()
            .map(|asked| (asked.at.as_millis() / 1000, asked.action.to_string()))
            .collect();
        let expect: Vec<(u64, String)> = expect
            .iter()
            .map(|(at_s, action)| (*at_s, (*action).to_owned()))
            .collect();
        assert_eq!(asked, expect, "begun at {at_s} s");
    }

    /// Approval takes 30 s and a contain 5 s more; a restore needs its approval only.
    #[test]
    fn response_when_it_begins_then_the_attacker_goes_first_and_what_it_changed_follows() {
        check(2400, &[(2400, "contain vendor-laptop for 4800 s")]);
        check(2464, &[(2464, "contain vendor-laptop for 4736 s")]);
        let with_restore = [
            (2465, "contain vendor-laptop for 4735 s"),
            (2471, "restore plc-filler"),
        ];
        check(2465, &with_restore);
    }

    #[test]
    fn response_when_nobody_attacks_then_nothing() {
        let ready = scenario::find("bottling/calm").expect("it is built in");
        let attacked = scenario::find("bottling/overflow").expect("it is built in");
        let playbook = attacked.prepared.playbook.as_ref().expect("an attack");
        let (at, end) = (SimTime::from_secs(1), SimTime::from_secs(10));
        let asked = ideal_response(&ready.loaded.scenario, playbook, &[], at, end);
        assert_eq!(asked, []);
    }
}
