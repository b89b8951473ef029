//! Modify parameter, slowly: read the value, then move it to another in many small writes.

use std::collections::VecDeque;
use std::net::Ipv4Addr;

use sim_kernel::rng::Stream;
use sim_kernel::time::{SimDuration, SimTime};
use sim_plant::spec::TagKind;
use sim_wire::modbus::{Span, Table};

use crate::action::session::{Ask, Failure, Reply, Session};
use crate::action::{Context, Progress, Verdict};
use crate::playbook::Drift;
use crate::value;
use crate::view::Targets;

/// How often one request is tried before the step gives up.
const TRIES_MAX: u32 = 3;

/// Time between two tries.
const TRY_AGAIN: SimDuration = SimDuration::from_secs(1);

/// When what is written, counted from the beginning of the drift.
///
/// The values lie on a straight line from `from` (not included) to `to`, which is reached exactly with
/// the last of `steps` writes after `over`. The other times are moved at random by up to half of
/// `jitter` times the distance between two writes, so their order stays. Writes that would not change
/// the register are left out.
///
/// # Arguments
///
/// * `steps` — at least 1.
/// * `jitter` — 0 to below 1.
#[must_use]
pub(crate) fn schedule(
    line: (f64, f64),
    kind: TagKind,
    (over, steps): (SimDuration, u32),
    jitter: f64,
    stream: &mut Stream,
) -> Vec<(SimDuration, Vec<u16>)> {
    let (from, to) = line;
    let gap_s = over.as_secs_f64() / f64::from(steps);
    let mut last = Vec::new();
    value::encode(kind, from, &mut last);
    let mut writes = Vec::new();
    for step in 1..=steps {
        let is_last = step == steps;
        let share = f64::from(step) / f64::from(steps);
        let shift_s = jitter * gap_s * stream.uniform_in(-0.5, 0.5);
        let at = if is_last {
            over
        } else {
            SimDuration::from_secs_f64(f64::from(step) * gap_s + shift_s)
        };
        let number = if is_last {
            to
        } else {
            from + (to - from) * share
        };
        let mut words = Vec::new();
        value::encode(kind, number, &mut words);
        if words != last {
            last.clone_from(&words);
            writes.push((at, words));
        }
    }
    writes
}

/// The drift under way.
#[derive(Debug)]
pub(crate) struct Machine {
    drift: Drift,
    server: Ipv4Addr,
    session: Session,
    began: SimTime,
    from: Option<f64>,
    writes: VecDeque<(SimDuration, Vec<u16>)>,
    tries: u32,
    try_again_at: SimTime,
    done: u32,
    failed: Option<String>,
}

impl Machine {
    pub(crate) fn new(drift: &Drift, targets: &Targets, cx: &mut Context<'_>) -> Self {
        let server = targets.one(&drift.target);
        Self {
            drift: drift.clone(),
            server,
            session: Session::drawn(server, cx),
            began: cx.now(),
            from: None,
            writes: VecDeque::new(),
            tries: 0,
            try_again_at: cx.now(),
            done: 0,
            failed: None,
        }
    }

    pub(crate) fn advance(&mut self, cx: &mut Context<'_>) -> Progress {
        loop {
            if self.session.is_busy() {
                let Some(answer) = self.session.answer(cx) else {
                    return Progress::Waiting(self.session.deadline());
                };
                self.judge(answer, cx);
                continue;
            }
            if self.failed.is_some() || self.is_done() {
                return self.stop(cx);
            }
            let due = self.due();
            if cx.now() < due {
                return Progress::Waiting(Some(due));
            }
            self.tries += 1;
            let ask = self.next_ask();
            self.session.ask(cx, ask);
        }
    }

    fn is_done(&self) -> bool {
        self.from.is_some() && self.writes.is_empty()
    }

    fn due(&self) -> SimTime {
        let planned = self
            .writes
            .front()
            .map_or(self.began, |(at, _)| self.began.saturating_add(*at));
        if planned > self.try_again_at {
            planned
        } else {
            self.try_again_at
        }
    }

    fn next_ask(&self) -> Ask {
        match self.writes.front() {
            Some((_, words)) => Ask::Write {
                table: Table::HoldingRegisters,
                address: self.drift.address,
                words: words.clone(),
                multiple: false,
            },
            None => Ask::Read(Span {
                table: Table::HoldingRegisters,
                address: self.drift.address,
                quantity: value::entries(self.drift.kind),
            }),
        }
    }

    fn judge(&mut self, answer: Result<Reply, Failure>, cx: &mut Context<'_>) {
        match answer {
            Ok(Reply::Exception(code)) => {
                let name = cx.name_of(self.server);
                let what = format!("{name} refused: exception {} ({code})", code.code());
                cx.tally.note(what.clone());
                self.failed = Some(what);
            }
            Ok(Reply::Words(words)) => {
                self.tries = 0;
                match value::decode(self.drift.kind, &words) {
                    Some(from) if from.is_finite() => self.plan(from, cx),
                    _ => self.failed = Some("the value read is not a number".to_owned()),
                }
            }
            Ok(_) => {
                self.tries = 0;
                self.done += 1;
                self.writes.pop_front();
                cx.took_hold();
            }
            Err(failure) => {
                cx.tally.note(failure.to_string());
                self.try_again_at = cx.now() + TRY_AGAIN;
                if self.tries >= TRIES_MAX {
                    self.failed = Some(format!("{failure}, {TRIES_MAX} times"));
                }
            }
        }
        // A connection that is idle for minutes would be conspicuous, and take a place.
        if !self.session.is_busy() && self.due() > cx.now() + SimDuration::from_secs(5) {
            self.session.end(cx);
        }
    }

    fn plan(&mut self, from: f64, cx: &mut Context<'_>) {
        let drift = &self.drift;
        self.from = Some(from);
        self.began = cx.now();
        let pace = (drift.over, drift.steps);
        self.writes = schedule((from, drift.to), drift.kind, pace, drift.jitter, cx.stream).into();
        let (address, to) = (drift.address, drift.to);
        cx.tally.note(format!(
            "holding register {address} was {from}, to become {to}"
        ));
    }

    pub(crate) fn stop(&mut self, cx: &mut Context<'_>) -> Progress {
        self.session.end(cx);
        if self.done > 0 {
            cx.tally.note(format!("{} writes acknowledged", self.done));
        }
        Progress::Ended(self.verdict())
    }

    pub(crate) fn verdict(&self) -> Verdict {
        match &self.failed {
            Some(reason) => Verdict::failed(reason.clone()),
            None if self.is_done() => Verdict::succeeded(),
            None => Verdict::failed(format!(
                "it was stopped after {} of {} writes",
                self.done,
                self.done + u32::try_from(self.writes.len()).expect("steps are a u32")
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn values(kind: TagKind, writes: &[(SimDuration, Vec<u16>)]) -> Vec<f64> {
        let decoded = writes.iter().map(|(_, words)| value::decode(kind, words));
        decoded.collect::<Option<Vec<f64>>>().expect("whole values")
    }

    #[test]
    fn schedule_when_planned_then_a_straight_line_to_the_target() {
        let mut stream = Stream::new(1, "test");
        let over = SimDuration::from_secs(100);
        let writes = schedule((6000.0, 5600.0), TagKind::Uint, (over, 4), 0.0, &mut stream);
        assert_eq!(
            values(TagKind::Uint, &writes),
            [5900.0, 5800.0, 5700.0, 5600.0]
        );
        let times: Vec<u64> = writes.iter().map(|(at, _)| at.as_secs()).collect();
        assert_eq!(times, [25, 50, 75, 100]);
    }

    #[test]
    fn schedule_when_value_stays_then_no_write() {
        let mut stream = Stream::new(1, "test");
        let over = SimDuration::from_secs(100);
        let same = schedule((5.0, 5.0), TagKind::Uint, (over, 10), 0.5, &mut stream);
        assert_eq!(same, []);
        let few = schedule((5.0, 7.0), TagKind::Uint, (over, 100), 0.0, &mut stream);
        assert_eq!(values(TagKind::Uint, &few), [6.0, 7.0]);
    }

    proptest! {
        #[test]
        fn schedule_when_jittered_then_ordered_monotone_and_exact_at_the_end(
            from in -30_000.0..30_000.0f64,
            to in -30_000.0..30_000.0f64,
            steps in 1u32..200,
            jitter in 0.0..0.9f64,
            seed: u64,
        ) {
            let mut stream = Stream::new(seed, "test");
            let over = SimDuration::from_secs(3600);
            for kind in [TagKind::Int, TagKind::Real] {
                let writes = schedule((from, to), kind, (over, steps), jitter, &mut stream);
                prop_assert!(writes.len() <= usize::try_from(steps).expect("small"));
                for pair in writes.windows(2) {
                    prop_assert!(pair[0].0 <= pair[1].0);
                }
                let line = values(kind, &writes);
                for pair in line.windows(2) {
                    prop_assert!((pair[1] - pair[0]) * (to - from) > 0.0);
                }
                let mut end = Vec::new();
                value::encode(kind, to, &mut end);
                if let Some((at, words)) = writes.last() {
                    prop_assert!(*at <= over);
                    prop_assert_eq!(words, &end);
                }
            }
        }
    }
}
