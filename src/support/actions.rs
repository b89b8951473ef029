//! What becomes of an action that a tool asks for: when it takes effect, and until when it stands.
//!
//! **Invariant:** what a result says of an accepted action is what happens: it takes effect before the
//! planned end of the run, and stands no longer than to it.

use serde_json::{Value, json};
use sim_kernel::time::SimTime;
use sim_plant::respond::{
    self, ActionArgs, ControllerTarget, DURATION_MAX_S, DenyTarget, HostTarget, ResponseTimes,
};
use twinrange_bridge::answer::{Action, Target, Verb};
use twinrange_bridge::message::{ActionResult, ActionStatus};

/// Why actions in the answer to `end` are refused.
pub(crate) const RUN_IS_OVER: &str = "the run is over";

/// An action in the plant's form with its times.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Plan {
    pub(crate) action: respond::Action,
    /// When it takes effect: after approval and execution.
    pub(crate) effective: SimTime,
    /// When its effect ends, at the latest with the run.
    pub(crate) until: SimTime,
}

/// Plans an action that a tool asks for at `now` in a run that ends at `end`.
///
/// # Errors
///
/// Why it is refused: the target cannot be, or nothing of it would happen before the run is over.
pub(crate) fn plan(
    asked: &Action,
    now: SimTime,
    end: SimTime,
    response: &ResponseTimes,
) -> Result<Plan, String> {
    let mut action = plant_action(asked)?;
    let effective = now + response.until_effect(&action);
    if effective >= end {
        return Err(format!(
            "it would take effect at {}, and the run ends at {}",
            effective.since_start(),
            end.since_start()
        ));
    }
    if let respond::Action::Deny { args, .. } | respond::Action::Contain { args, .. } = &mut action
    {
        let asked_s = match asked.args.duration_s {
            // From now, and not from when it takes effect, so that it reaches the end for certain.
            None => end.saturating_since(now).as_nanos().div_ceil(1_000_000_000),
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a cast saturates, and the plant's limit cuts it"
            )]
            Some(seconds) => seconds.ceil() as u64,
        };
        args.duration_s = asked_s.min(DURATION_MAX_S);
    }
    let until = (effective + response.lasts(&action)).min(end);
    Ok(Plan {
        action,
        effective,
        until,
    })
}

/// The answer to an accepted action.
pub(crate) fn accepted(asked: &Action, now: SimTime, plan: &Plan) -> ActionResult {
    ActionResult {
        command_id: asked.command_id.clone(),
        status: ActionStatus::Accepted,
        t_ns: now.as_nanos(),
        effective_ns: Some(plan.effective.as_nanos()),
        until_ns: Some(plan.until.as_nanos()),
        reason: None,
    }
}

/// The answer to a refused action.
pub(crate) fn refused(asked: &Action, now: SimTime, reason: String) -> ActionResult {
    ActionResult {
        command_id: asked.command_id.clone(),
        status: ActionStatus::Refused,
        t_ns: now.as_nanos(),
        effective_ns: None,
        until_ns: None,
        reason: Some(reason),
    }
}

/// The line for `actions.jsonl`.
pub(crate) fn line(asked: &Action, result: &ActionResult) -> Value {
    json!({"action": asked, "result": result})
}

/// The plant's form of an action; a duration is set where it is planned.
fn plant_action(action: &Action) -> Result<respond::Action, String> {
    let args = ActionArgs { duration_s: 1 };
    let deny = |target| Ok(respond::Action::Deny { target, args });
    match (action.action, &action.target) {
        (Verb::Deny, Target::Ip(ip)) => deny(DenyTarget::Ip(
            ip.parse()
                .map_err(|_| format!("`{ip}` is not an IPv4 address"))?,
        )),
        (Verb::Deny, Target::Mac(mac)) => deny(DenyTarget::Mac(mac.clone())),
        (Verb::Deny, Target::SwitchPort { switch, port }) => {
            let port = u16::try_from(*port).map_err(|_| format!("there is no port {port}"))?;
            deny(DenyTarget::SwitchPort {
                switch: switch.clone(),
                port,
            })
        }
        (Verb::Contain, Target::Host(host)) => Ok(respond::Action::Contain {
            target: HostTarget { host: host.clone() },
            args,
        }),
        (Verb::Restore, Target::Controller(controller)) => Ok(respond::Action::Restore {
            target: ControllerTarget {
                controller: controller.clone(),
            },
        }),
        (verb, target) => Err(format!("{verb:?} cannot be aimed at {target:?}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const END_S: u64 = 600;

    /// Approval takes 30 s, a contain 5 s more, a restore stands 90 s.
    fn plan_at(now_ms: u64, action: &str) -> Result<(u64, u64, Option<u64>), String> {
        let asked: Action = serde_json::from_str(action).expect("a well-formed action");
        let (now, end) = (SimTime::from_millis(now_ms), SimTime::from_secs(END_S));
        let plan = plan(&asked, now, end, &ResponseTimes::default())?;
        let duration_s = match &plan.action {
            respond::Action::Deny { args, .. } | respond::Action::Contain { args, .. } => {
                Some(args.duration_s)
            }
            respond::Action::Restore { .. } => None,
        };
        Ok((
            plan.effective.as_millis(),
            plan.until.as_millis(),
            duration_s,
        ))
    }

    fn contain(args: &str) -> String {
        format!(
            "{{\"command_id\":\"c\",\"action\":\"contain\",\"target\":{{\"host\":\"hmi-1\"}},\"args\":{{{args}}}}}"
        )
    }

    #[test]
    fn action_when_planned_then_it_stands_no_longer_than_the_run() {
        let check = |now_ms, args: &str, expect: (u64, u64, Option<u64>)| {
            assert_eq!(
                plan_at(now_ms, &contain(args)),
                Ok(expect),
                "{now_ms} {args}"
            );
        };
        check(10_000, "\"duration_s\":60", (45_000, 105_000, Some(60)));
        check(10_000, "\"duration_s\":0.2", (45_000, 46_000, Some(1)));
        // Beyond the end of the run, or without a duration: to the end of the run.
        check(10_000, "\"duration_s\":900", (45_000, 600_000, Some(900)));
        let limit = Some(DURATION_MAX_S);
        check(10_000, "\"duration_s\":1e9", (45_000, 600_000, limit));
        check(10_000, "", (45_000, 600_000, Some(590)));
        check(10_500, "", (45_500, 600_000, Some(590)));
        let restore = r#"{"command_id":"c","action":"restore","target":{"controller":"plc"}}"#;
        assert_eq!(plan_at(10_000, restore), Ok((40_000, 130_000, None)));
        assert_eq!(plan_at(550_000, restore), Ok((580_000, 600_000, None)));
    }

    #[test]
    fn action_when_it_would_end_before_it_starts_then_refused() {
        let late = |now_ms, effective: &str| {
            let why = plan_at(now_ms, &contain("\"duration_s\":60")).expect_err("too late");
            let says = format!("it would take effect at {effective}, and the run ends at 600s");
            assert!(why == says, "{why}");
        };
        assert_eq!(
            plan_at(564_000, &contain("")),
            Ok((599_000, 600_000, Some(36)))
        );
        late(565_000, "600s");
        late(600_000, "635s");
    }
}
