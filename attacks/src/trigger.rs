//! Triggers at work: when a step may begin, and when it is to end.

use sim_kernel::time::{SimDuration, SimTime};
use sim_plant::spec::TagKind;
use sim_wire::modbus::{Span, Table};

use crate::action::Context;
use crate::action::session::{Ask, Reply, Session};
use crate::playbook::{Condition, Outcome, Trigger};
use crate::value;
use crate::view::Targets;

/// What triggers need to know of another step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct StepFacts {
    /// When it took hold.
    pub(crate) took_hold_at: Option<SimTime>,
    /// When and how it ended. A step that was never reached ended when that became certain.
    pub(crate) ended: Option<(SimTime, Outcome)>,
}

/// How far a trigger is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Signal {
    /// Not yet; look again at this time, if there is one, or when something has happened.
    Waiting(Option<SimTime>),
    /// Now or before.
    Fired,
    /// Never.
    Impossible(&'static str),
}

/// A trigger that is being watched.
#[derive(Debug)]
pub(crate) enum Watch {
    At(SimTime),
    /// Another step, by number.
    Step {
        step: usize,
        event: StepEvent,
        delay: SimDuration,
    },
    Condition(Box<ConditionWatch>),
}

/// What another step must come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StepEvent {
    Ended,
    EndedAs(Outcome),
    TookHold,
}

impl Watch {
    /// # Arguments
    ///
    /// * `number_of` — the number of the step with an identifier; validated playbooks name only steps
    ///   that exist.
    pub(crate) fn new(
        trigger: &Trigger,
        number_of: &impl Fn(&str) -> usize,
        targets: &Targets,
    ) -> Self {
        let watch = |step: &str, event, delay: &SimDuration| Self::Step {
            step: number_of(step),
            event,
            delay: *delay,
        };
        match trigger {
            Trigger::At(time) => Self::At(*time),
            Trigger::After { step, delay } => watch(step, StepEvent::Ended, delay),
            Trigger::OnOutcome {
                step,
                outcome,
                delay,
            } => watch(step, StepEvent::EndedAs(*outcome), delay),
            Trigger::TookHold { step, delay } => watch(step, StepEvent::TookHold, delay),
            Trigger::When(condition) => {
                let from = condition.from.as_deref();
                Self::Condition(Box::new(ConditionWatch {
                    from: from.map(|from| Self::new(from, number_of, targets)),
                    session: Session::new(targets.one(&condition.target), 1),
                    condition: condition.clone(),
                    began: None,
                    next_at: SimTime::ZERO,
                }))
            }
        }
    }

    /// Looks whether it is time, and reads the process condition if there is one.
    pub(crate) fn check(&mut self, steps: &[StepFacts], cx: &mut Context<'_>) -> Signal {
        match self {
            Self::At(time) => due(*time, cx.now()),
            Self::Step { step, event, delay } => check_step(steps[*step], *event, *delay, cx.now()),
            Self::Condition(watch) => watch.check(steps, cx),
        }
    }

    /// Closes what the trigger has opened.
    pub(crate) fn end(&mut self, cx: &mut Context<'_>) {
        if let Self::Condition(watch) = self {
            watch.session.end(cx);
            if let Some(from) = &mut watch.from {
                from.end(cx);
            }
        }
    }
}

fn due(time: SimTime, now: SimTime) -> Signal {
    if now >= time {
        Signal::Fired
    } else {
        Signal::Waiting(Some(time))
    }
}

fn check_step(facts: StepFacts, event: StepEvent, delay: SimDuration, now: SimTime) -> Signal {
    let ran = facts
        .ended
        .filter(|(_, outcome)| *outcome != Outcome::NotReached);
    let moment = match event {
        StepEvent::Ended => ran.map(|(at, _)| at),
        StepEvent::EndedAs(wanted) => facts
            .ended
            .filter(|(_, outcome)| *outcome == wanted)
            .map(|(at, _)| at),
        StepEvent::TookHold => facts.took_hold_at,
    };
    match (moment, facts.ended) {
        (Some(at), _) => due(at.saturating_add(delay), now),
        (None, Some(_)) => Signal::Impossible("the step it waits for ended in another way"),
        (None, None) => Signal::Waiting(None),
    }
}

/// A process condition that is being read.
#[derive(Debug)]
pub(crate) struct ConditionWatch {
    from: Option<Watch>,
    condition: Condition,
    session: Session,
    began: Option<SimTime>,
    next_at: SimTime,
}

impl ConditionWatch {
    fn check(&mut self, steps: &[StepFacts], cx: &mut Context<'_>) -> Signal {
        let began = match self.began {
            Some(began) => began,
            None => {
                let from = self.from.as_mut().map(|from| from.check(steps, cx));
                match from {
                    None | Some(Signal::Fired) => {}
                    Some(other) => return other,
                }
                self.next_at = cx.now();
                *self.began.insert(cx.now())
            }
        };
        let gives_up_at = began.saturating_add(self.condition.timeout);
        loop {
            if self.session.is_busy() {
                let Some(answer) = self.session.answer(cx) else {
                    return Signal::Waiting(self.session.deadline());
                };
                if let Ok(Reply::Words(words)) = &answer
                    && holds(&self.condition, words)
                {
                    self.session.end(cx);
                    return Signal::Fired;
                }
                continue;
            }
            if cx.now() >= gives_up_at {
                self.session.end(cx);
                return Signal::Impossible("its process condition did not come in time");
            }
            if cx.now() < self.next_at {
                let sooner = if self.next_at < gives_up_at {
                    self.next_at
                } else {
                    gives_up_at
                };
                return Signal::Waiting(Some(sooner));
            }
            self.next_at = cx.now().saturating_add(self.condition.poll);
            let ask = Ask::Read(span(&self.condition));
            self.session.ask(cx, ask);
        }
    }
}

fn span(condition: &Condition) -> Span {
    Span {
        table: Table::from(condition.table),
        address: condition.address,
        quantity: entries(condition.kind),
    }
}

fn entries(kind: TagKind) -> u16 {
    value::entries(kind)
}

fn holds(condition: &Condition, words: &[u16]) -> bool {
    value::decode(condition.kind, words)
        .is_some_and(|number| condition.op.holds(number, condition.value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::playbook::{self, Comparison};

    const AT: SimTime = SimTime::from_secs(100);
    const DELAY: SimDuration = SimDuration::from_secs(5);

    #[test]
    fn step_trigger_when_other_step_goes_on_then_it_waits_fires_or_dies() {
        let check = |facts, event, now_s, expect| {
            let now = SimTime::from_secs(now_s);
            assert_eq!(
                check_step(facts, event, DELAY, now),
                expect,
                "{facts:?} {event:?} {now_s}"
            );
        };
        let ended = |outcome| StepFacts {
            ended: Some((AT, outcome)),
            took_hold_at: None,
        };
        let holding = StepFacts {
            took_hold_at: Some(AT),
            ended: None,
        };
        let later = Signal::Waiting(Some(AT + DELAY));
        let dead = Signal::Impossible("the step it waits for ended in another way");
        check(
            StepFacts::default(),
            StepEvent::Ended,
            100,
            Signal::Waiting(None),
        );
        check(ended(Outcome::Failed), StepEvent::Ended, 104, later);
        check(ended(Outcome::Failed), StepEvent::Ended, 105, Signal::Fired);
        check(ended(Outcome::NotReached), StepEvent::Ended, 105, dead);
        let succeeded = StepEvent::EndedAs(Outcome::Succeeded);
        check(ended(Outcome::Succeeded), succeeded, 105, Signal::Fired);
        check(ended(Outcome::Failed), succeeded, 105, dead);
        let missed = StepEvent::EndedAs(Outcome::NotReached);
        check(ended(Outcome::NotReached), missed, 105, Signal::Fired);
        check(holding, StepEvent::TookHold, 105, Signal::Fired);
        check(holding, StepEvent::Ended, 105, Signal::Waiting(None));
        check(ended(Outcome::Failed), StepEvent::TookHold, 105, dead);
    }

    #[test]
    fn condition_when_compared_then_by_kind_and_operator() {
        let check = |kind, words: &[u16], op, value, expect| {
            let condition = Condition {
                from: None,
                target: "t".to_owned(),
                table: playbook::Table::HoldingRegisters,
                address: 0,
                kind,
                op,
                value,
                poll: DELAY,
                timeout: DELAY,
            };
            assert_eq!(
                holds(&condition, words),
                expect,
                "{kind:?} {words:?} {op:?} {value}"
            );
        };
        check(TagKind::Uint, &[65_535], Comparison::Above, 0.0, true);
        check(TagKind::Int, &[65_535], Comparison::Above, 0.0, false);
        check(TagKind::Int, &[65_535], Comparison::Equal, -1.0, true);
        check(TagKind::Real, &[0x3f40, 0], Comparison::Below, 0.8, true);
        check(TagKind::Bool, &[1], Comparison::NotEqual, 0.0, true);
        check(TagKind::Real, &[0x3f40], Comparison::Below, 0.8, false);
    }
}
