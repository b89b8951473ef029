//! Brute force I/O: coils or registers switched back and forth in a random order.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use sim_kernel::rng::Stream;
use sim_kernel::time::{SimDuration, SimTime};
use sim_wire::modbus::Table;

use crate::action::scan::shuffle;
use crate::action::session::{Ask, Reply, Session};
use crate::action::{Context, Progress, Verdict, period_of};
use crate::playbook::{BruteForceIo, Range};
use crate::view::Targets;

/// Picks what is written next: every entry once in a random order, then again in another.
#[derive(Clone, Debug)]
pub(crate) struct Picker {
    entries: Vec<(Table, u16)>,
    left: Vec<(Table, u16)>,
    /// What was last written to each coil.
    coils: BTreeMap<u16, bool>,
    values: Vec<u16>,
}

impl Picker {
    /// # Arguments
    ///
    /// * `values` — for registers; must not be empty if a range has any.
    pub(crate) fn new(ranges: &[Range], values: &[u16]) -> Self {
        let mut entries = Vec::new();
        for range in ranges {
            let end = range.address.saturating_add(range.count);
            let table = Table::from(range.table);
            entries.extend((range.address..end).map(|address| (table, address)));
        }
        Self {
            entries,
            left: Vec::new(),
            coils: BTreeMap::new(),
            values: values.to_vec(),
        }
    }

    /// The next write. The first write to a coil switches it off; each later one inverts the last.
    pub(crate) fn next(&mut self, stream: &mut Stream) -> Ask {
        if self.left.is_empty() {
            self.left = self.entries.clone();
            shuffle(&mut self.left, stream);
        }
        let (table, address) = self.left.pop().expect("validated: there are entries");
        let word = if table == Table::Coils {
            let last = self.coils.entry(address).or_insert(true);
            *last = !*last;
            u16::from(*last)
        } else {
            *stream.pick(&self.values)
        };
        Ask::Write {
            table,
            address,
            words: vec![word],
            multiple: false,
        }
    }
}

/// The brute force under way.
#[derive(Debug)]
pub(crate) struct Machine {
    server: Ipv4Addr,
    session: Session,
    picker: Picker,
    period: SimDuration,
    next_at: SimTime,
    ends_at: SimTime,
    acknowledged: u64,
    refused: u64,
    unanswered: u64,
}

impl Machine {
    pub(crate) fn new(brute: &BruteForceIo, targets: &Targets, cx: &mut Context<'_>) -> Self {
        let server = targets.one(&brute.target);
        Self {
            server,
            session: Session::drawn(server, cx),
            picker: Picker::new(&brute.ranges, &brute.values),
            period: period_of(brute.writes_per_s),
            next_at: cx.now(),
            ends_at: cx.now().saturating_add(brute.duration),
            acknowledged: 0,
            refused: 0,
            unanswered: 0,
        }
    }

    pub(crate) fn advance(&mut self, cx: &mut Context<'_>) -> Progress {
        loop {
            if self.session.is_busy() {
                match self.session.answer(cx) {
                    None => return Progress::Waiting(self.session.deadline()),
                    Some(Ok(Reply::Exception(code))) => {
                        self.refused += 1;
                        cx.tally.note(format!("exception {} ({code})", code.code()));
                    }
                    Some(Ok(_)) => {
                        self.acknowledged += 1;
                        cx.took_hold();
                    }
                    Some(Err(failure)) => {
                        self.unanswered += 1;
                        cx.tally.note(failure.to_string());
                    }
                }
                continue;
            }
            let now = cx.now();
            if now >= self.ends_at {
                return self.stop(cx);
            }
            if now < self.next_at {
                let wake = if self.next_at < self.ends_at {
                    self.next_at
                } else {
                    self.ends_at
                };
                return Progress::Waiting(Some(wake));
            }
            self.next_at = now + self.period;
            let ask = self.picker.next(cx.stream);
            self.session.ask(cx, ask);
        }
    }

    pub(crate) fn stop(&mut self, cx: &mut Context<'_>) -> Progress {
        self.session.end(cx);
        let name = cx.name_of(self.server);
        let Self {
            acknowledged,
            refused,
            unanswered,
            ..
        } = self;
        cx.tally.note(format!(
            "{name}: {acknowledged} writes acknowledged, {refused} refused, {unanswered} unanswered"
        ));
        Progress::Ended(self.verdict())
    }

    pub(crate) fn verdict(&self) -> Verdict {
        if self.acknowledged == 0 {
            return Verdict::failed("no write was acknowledged");
        }
        if self.refused + self.unanswered > self.acknowledged {
            return Verdict::failed("most writes were refused or not answered");
        }
        Verdict::succeeded()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::playbook;

    fn write(ask: Ask) -> (Table, u16, u16) {
        match ask {
            Ask::Write {
                table,
                address,
                words,
                multiple: false,
            } => (table, address, words[0]),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn picker_when_drawn_then_every_coil_once_per_turn_and_inverted_each_time() {
        let range = Range {
            table: playbook::Table::Coils,
            address: 1027,
            count: 5,
        };
        let mut picker = Picker::new(&[range], &[]);
        let mut stream = Stream::new(1, "test");
        for turn in 0..4 {
            let mut seen: Vec<u16> = Vec::new();
            for _ in 0..5 {
                let (table, address, word) = write(picker.next(&mut stream));
                assert_eq!((table, word), (Table::Coils, turn % 2), "turn {turn}");
                seen.push(address);
            }
            seen.sort_unstable();
            assert_eq!(seen, [1027, 1028, 1029, 1030, 1031], "turn {turn}");
        }
    }

    #[test]
    fn picker_when_registers_are_drawn_then_only_the_given_values() {
        let range = Range {
            table: playbook::Table::HoldingRegisters,
            address: 1024,
            count: 2,
        };
        let mut picker = Picker::new(&[range], &[10, 800]);
        let mut stream = Stream::new(1, "test");
        let drawn: Vec<u16> = (0..40).map(|_| write(picker.next(&mut stream)).2).collect();
        assert!(drawn.contains(&10) && drawn.contains(&800));
        assert!(drawn.iter().all(|value| [10, 800].contains(value)));
    }
}
