//! Unauthorized command messages: one or several writes, once or in rounds.

use std::net::Ipv4Addr;

use sim_kernel::time::{SimDuration, SimTime};
use sim_wire::modbus::Table;

use crate::action::session::{Ask, Failure, Reply, Session};
use crate::action::{Context, Progress, Verdict};
use crate::playbook::{Repeat, Write, WriteItem};
use crate::value;
use crate::view::Targets;

/// How often one write is tried before the step gives up.
const TRIES_MAX: u32 = 3;

/// Time between two tries.
const TRY_AGAIN: SimDuration = SimDuration::from_secs(1);

/// The request that carries an item out.
pub(crate) fn ask_of(item: &WriteItem) -> Ask {
    let mut words = Vec::new();
    for &number in &item.values {
        value::encode(item.kind, number, &mut words);
    }
    Ask::Write {
        table: Table::from(item.table),
        address: item.address,
        words,
        multiple: item.multiple,
    }
}

/// A write in words, for the evidence.
pub(crate) fn describe(ask: &Ask) -> String {
    match ask {
        Ask::Write {
            table,
            address,
            words,
            ..
        } => {
            let list: Vec<String> = words.iter().map(u16::to_string).collect();
            format!("{table} {address} := {}", list.join(" "))
        }
        Ask::Read(span) => format!("read {span}"),
        Ask::Identify { .. } => "identification".to_owned(),
        Ask::Engineering(_) => "engineering session".to_owned(),
    }
}

/// The writes under way.
#[derive(Debug)]
pub(crate) struct Machine {
    server: Ipv4Addr,
    session: Session,
    plan: Vec<Ask>,
    repeat: Repeat,
    round: u32,
    /// The write that is next or under way, counted from 0.
    at: usize,
    tries: u32,
    next_at: SimTime,
    round_began: SimTime,
    rounds_done: u32,
    failed: Option<String>,
}

impl Machine {
    pub(crate) fn new(write: &Write, targets: &Targets, cx: &mut Context<'_>) -> Self {
        let server = targets.one(&write.target);
        let once = Repeat {
            period: SimDuration::ZERO,
            rounds: 1,
        };
        Self {
            server,
            session: Session::drawn(server, cx),
            plan: write.writes.iter().map(ask_of).collect(),
            repeat: write.repeat.map_or(once, |repeat| repeat),
            round: 0,
            at: 0,
            tries: 0,
            next_at: cx.now(),
            round_began: cx.now(),
            rounds_done: 0,
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
            if self.failed.is_some() || self.round >= self.repeat.rounds {
                return self.stop(cx);
            }
            if cx.now() < self.next_at {
                return Progress::Waiting(Some(self.next_at));
            }
            if self.at == 0 && self.tries == 0 {
                self.round_began = cx.now();
            }
            self.tries += 1;
            let ask = self.plan[self.at].clone();
            self.session.ask(cx, ask);
        }
    }

    fn judge(&mut self, answer: Result<Reply, Failure>, cx: &mut Context<'_>) {
        let what = describe(&self.plan[self.at]);
        match answer {
            Ok(Reply::Exception(code)) => {
                let name = cx.name_of(self.server);
                let line = format!("{name} refused {what}: exception {} ({code})", code.code());
                cx.tally.note(line.clone());
                self.failed = Some(line);
            }
            Ok(_) => {
                cx.tally.note(format!("{what} acknowledged"));
                self.tries = 0;
                self.at += 1;
                if self.at == self.plan.len() {
                    cx.took_hold();
                    self.at = 0;
                    self.round += 1;
                    self.rounds_done += 1;
                    self.next_at = self.round_began.saturating_add(self.repeat.period);
                }
            }
            Err(failure) => {
                cx.tally.note(format!("{what}: {failure}"));
                if self.tries >= TRIES_MAX {
                    self.failed = Some(format!("{what}: {failure}, {TRIES_MAX} times"));
                }
                self.next_at = cx.now() + TRY_AGAIN;
            }
        }
    }

    pub(crate) fn stop(&mut self, cx: &mut Context<'_>) -> Progress {
        self.session.end(cx);
        Progress::Ended(self.verdict())
    }

    pub(crate) fn verdict(&self) -> Verdict {
        match &self.failed {
            Some(reason) => Verdict::failed(reason.clone()),
            None if self.rounds_done == 0 => Verdict::failed("not all writes were acknowledged"),
            None => Verdict::succeeded(),
        }
    }
}
