//! Alarms of an HMI: conditions with delay and dead band, and the states that an alarm goes through.
//!
//! States follow ISA-18.2: normal, unacknowledged, acknowledged, returned to normal unacknowledged.
//! An alarm judges what the HMI *believes*. If somebody lies to the HMI, the alarm believes the lie.

use sim_kernel::digest::Hasher;
use sim_kernel::time::{SimDuration, SimTime};

use crate::spec::{AlarmWhen, Priority};

/// Where an alarm stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AlarmState {
    /// The condition does not hold and nobody has to be told.
    Normal,
    /// The condition holds and nobody has seen it.
    Unacknowledged,
    /// The condition holds and the operator knows.
    Acknowledged,
    /// The condition went away before anybody saw it.
    ReturnedUnacknowledged,
}

/// What an evaluation changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    Raised,
    Cleared,
}

/// One alarm.
#[derive(Clone, Debug)]
pub(crate) struct Alarm {
    pub(crate) name: String,
    /// Index of the tag.
    pub(crate) tag: usize,
    pub(crate) when: AlarmWhen,
    pub(crate) priority: Priority,
    pub(crate) text: String,
    /// Name of the operator's procedure.
    pub(crate) procedure: Option<String>,
    pub(crate) delay: SimDuration,
    pub(crate) deadband: f64,
    pub(crate) state: AlarmState,
    holds_since: Option<SimTime>,
}

impl Alarm {
    pub(crate) fn new(spec: &crate::spec::AlarmSpec, tag: usize) -> Self {
        Self {
            name: spec.name.clone(),
            tag,
            when: spec.when,
            priority: spec.priority,
            text: spec.text.clone(),
            procedure: spec.procedure.clone(),
            delay: SimDuration::from_secs_f64(spec.delay_s),
            deadband: spec.deadband,
            state: AlarmState::Normal,
            holds_since: None,
        }
    }

    /// Whether the operator should still do something about it.
    pub(crate) fn is_active(&self) -> bool {
        matches!(
            self.state,
            AlarmState::Unacknowledged | AlarmState::Acknowledged
        )
    }

    fn condition(&self, value: Option<f64>) -> bool {
        let slack = if self.is_active() { self.deadband } else { 0.0 };
        match (self.when, value) {
            (AlarmWhen::NoAnswer, value) => value.is_none(),
            // A value that is not known neither raises nor clears an alarm.
            (_, None) => self.is_active(),
            (AlarmWhen::Above(limit), Some(value)) => value > limit - slack,
            (AlarmWhen::Below(limit), Some(value)) => value < limit + slack,
            (AlarmWhen::On, Some(value)) => value != 0.0,
            (AlarmWhen::Off, Some(value)) => value == 0.0,
        }
    }

    /// Judges the tag's value as the HMI knows it; `None` when its controller does not answer.
    pub(crate) fn evaluate(&mut self, now: SimTime, value: Option<f64>) -> Option<Change> {
        if !self.condition(value) {
            self.holds_since = None;
            return match self.state {
                AlarmState::Unacknowledged => {
                    self.state = AlarmState::ReturnedUnacknowledged;
                    Some(Change::Cleared)
                }
                AlarmState::Acknowledged => {
                    self.state = AlarmState::Normal;
                    Some(Change::Cleared)
                }
                AlarmState::Normal | AlarmState::ReturnedUnacknowledged => None,
            };
        }
        let since = *self.holds_since.get_or_insert(now);
        if self.is_active() || now < since + self.delay {
            return None;
        }
        self.state = AlarmState::Unacknowledged;
        Some(Change::Raised)
    }

    /// The operator has seen it.
    pub(crate) fn acknowledge(&mut self) {
        self.state = match self.state {
            AlarmState::Unacknowledged | AlarmState::Acknowledged => AlarmState::Acknowledged,
            AlarmState::Normal | AlarmState::ReturnedUnacknowledged => AlarmState::Normal,
        };
    }

    pub(crate) fn digest(&self, put: &mut Hasher) {
        put.put_u8(self.state as u8);
        put.put_u64(self.holds_since.map_or(u64::MAX, SimTime::as_nanos));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::AlarmSpec;

    fn alarm(when: AlarmWhen, delay_s: f64, deadband: f64) -> Alarm {
        let spec = AlarmSpec {
            name: "a".into(),
            tag: "t".into(),
            when,
            priority: Priority::High,
            delay_s,
            deadband,
            text: String::new(),
            procedure: None,
        };
        Alarm::new(&spec, 0)
    }

    fn check(alarm: &mut Alarm, story: &[(u64, Option<f64>, &str)]) {
        for &(at_s, value, expect) in story {
            let change = alarm.evaluate(SimTime::from_secs(at_s), value);
            assert_eq!(
                format!("{change:?} {:?}", alarm.state),
                expect,
                "at {at_s} s"
            );
        }
    }

    #[test]
    fn alarm_when_above_for_its_delay_then_raised_and_cleared_below_the_dead_band() {
        check(
            &mut alarm(AlarmWhen::Above(10.0), 2.0, 1.0),
            &[
                (0, Some(9.0), "None Normal"),
                (1, Some(11.0), "None Normal"),
                (2, Some(9.9), "None Normal"),
                (3, Some(11.0), "None Normal"),
                (5, Some(11.0), "Some(Raised) Unacknowledged"),
                (6, Some(9.5), "None Unacknowledged"),
                (7, Some(8.9), "Some(Cleared) ReturnedUnacknowledged"),
            ],
        );
    }

    #[test]
    fn alarm_when_the_controller_is_silent_then_only_no_answer_alarms_move() {
        check(
            &mut alarm(AlarmWhen::Below(1.0), 0.0, 0.0),
            &[
                (0, None, "None Normal"),
                (1, Some(0.0), "Some(Raised) Unacknowledged"),
                (2, None, "None Unacknowledged"),
            ],
        );
        check(
            &mut alarm(AlarmWhen::NoAnswer, 5.0, 0.0),
            &[
                (0, Some(0.0), "None Normal"),
                (1, None, "None Normal"),
                (6, None, "Some(Raised) Unacknowledged"),
                (7, Some(0.0), "Some(Cleared) ReturnedUnacknowledged"),
            ],
        );
    }

    #[test]
    fn alarm_when_acknowledged_then_clearing_ends_it() {
        let mut alarm = alarm(AlarmWhen::On, 0.0, 0.0);
        check(&mut alarm, &[(0, Some(1.0), "Some(Raised) Unacknowledged")]);
        alarm.acknowledge();
        check(
            &mut alarm,
            &[
                (1, Some(1.0), "None Acknowledged"),
                (2, Some(0.0), "Some(Cleared) Normal"),
            ],
        );
    }
}
