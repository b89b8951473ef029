//! Point and tag identification: what a controller says it is, and what its tables hold.

use std::collections::VecDeque;
use std::net::Ipv4Addr;

use sim_kernel::time::{SimDuration, SimTime};
use sim_wire::modbus::identity::{MAJOR_MINOR_REVISION, PRODUCT_CODE, VENDOR_NAME};
use sim_wire::modbus::request::{READ_BITS_MAX, READ_REGISTERS_MAX};
use sim_wire::modbus::{Span, Table};

use crate::action::session::{Ask, Failure, Reply, Session};
use crate::action::{Context, Progress, Verdict, period_of};
use crate::playbook::{Identify, Range};
use crate::view::Targets;

/// Most continuation requests for one device identification.
const IDENTITY_PARTS_MAX: u8 = 8;

/// Cuts ranges into requests of at most `block` entries, and never more than the protocol allows.
#[must_use]
pub(crate) fn requests(ranges: &[Range], block: u16) -> Vec<Span> {
    let mut spans = Vec::new();
    for range in ranges {
        let table = Table::from(range.table);
        let limit = match table {
            Table::Coils | Table::DiscreteInputs => READ_BITS_MAX,
            Table::InputRegisters | Table::HoldingRegisters => READ_REGISTERS_MAX,
        };
        let most = block.clamp(1, limit);
        let mut address = range.address;
        let mut left = range.count;
        while left > 0 {
            let quantity = if left < most { left } else { most };
            spans.push(Span {
                table,
                address,
                quantity,
            });
            left -= quantity;
            address = address.saturating_add(quantity);
        }
    }
    spans
}

/// What one controller has said so far.
#[derive(Debug, Default)]
struct Findings {
    identity: Vec<(u8, String)>,
    identity_parts: u8,
    entries: u32,
    set: u32,
    exceptions: u32,
}

/// The identification under way.
#[derive(Debug)]
pub(crate) struct Machine {
    controllers: VecDeque<Ipv4Addr>,
    current: Option<(Ipv4Addr, Session)>,
    plan: Vec<Ask>,
    queue: VecDeque<Ask>,
    period: SimDuration,
    next_at: SimTime,
    findings: Findings,
    answered: u32,
    silent: Vec<String>,
}

impl Machine {
    pub(crate) fn new(identify: &Identify, targets: &Targets, cx: &mut Context<'_>) -> Self {
        let mut plan = Vec::new();
        if identify.identity {
            plan.push(Ask::Identify { object: 0 });
        }
        plan.extend(
            requests(&identify.reads, identify.block)
                .into_iter()
                .map(Ask::Read),
        );
        Self {
            controllers: targets.union(&identify.targets).into(),
            current: None,
            plan,
            queue: VecDeque::new(),
            period: period_of(identify.requests_per_s),
            next_at: cx.now(),
            findings: Findings::default(),
            answered: 0,
            silent: Vec::new(),
        }
    }

    pub(crate) fn advance(&mut self, cx: &mut Context<'_>) -> Progress {
        loop {
            let Some((ip, session)) = &mut self.current else {
                let Some(ip) = self.controllers.pop_front() else {
                    return Progress::Ended(self.verdict());
                };
                self.current = Some((ip, Session::drawn(ip, cx)));
                self.queue = self.plan.clone().into();
                self.findings = Findings::default();
                continue;
            };
            let ip = *ip;
            if session.is_busy() {
                let Some(answer) = session.answer(cx) else {
                    return Progress::Waiting(session.deadline());
                };
                self.learn(answer, ip, cx);
                continue;
            }
            if self.queue.is_empty() {
                session.end(cx);
                self.current = None;
                self.report(ip, cx);
                continue;
            }
            if cx.now() < self.next_at {
                return Progress::Waiting(Some(self.next_at));
            }
            let ask = self.queue.pop_front().expect("it is not empty");
            self.next_at = cx.now() + self.period;
            session.ask(cx, ask);
        }
    }

    fn learn(&mut self, answer: Result<Reply, Failure>, ip: Ipv4Addr, cx: &mut Context<'_>) {
        match answer {
            Ok(Reply::Words(words)) => {
                let entries = u32::try_from(words.len()).expect("a response is short");
                let set = words.iter().filter(|&&word| word != 0).count();
                self.findings.entries += entries;
                self.findings.set += u32::try_from(set).expect("a response is short");
            }
            Ok(Reply::Identity {
                objects,
                next_object,
            }) => {
                self.findings.identity.extend(objects);
                self.findings.identity_parts += 1;
                if let Some(object) = next_object
                    && self.findings.identity_parts < IDENTITY_PARTS_MAX
                {
                    self.queue.push_front(Ask::Identify { object });
                }
            }
            Ok(Reply::Exception(_)) => self.findings.exceptions += 1,
            Ok(Reply::Written | Reply::Engineering(_)) => {}
            Err(failure) => {
                let name = cx.name_of(ip);
                cx.tally.note(format!("{name}: {failure}"));
                self.queue.clear();
            }
        }
    }

    fn report(&mut self, ip: Ipv4Addr, cx: &mut Context<'_>) {
        let name = cx.name_of(ip);
        let found = &self.findings;
        if found.identity.is_empty() && found.entries == 0 && found.exceptions == 0 {
            self.silent.push(name);
            return;
        }
        self.answered += 1;
        cx.took_hold();
        let object = |wanted| found.identity.iter().find(|(id, _)| *id == wanted);
        if let (Some((_, vendor)), Some((_, product))) = (object(VENDOR_NAME), object(PRODUCT_CODE))
        {
            let revision = object(MAJOR_MINOR_REVISION).map_or("", |(_, text)| text);
            cx.tally
                .note(format!("{name} is {vendor} {product} {revision}"));
        }
        if found.entries > 0 || found.exceptions > 0 {
            let Findings {
                entries,
                set,
                exceptions,
                ..
            } = found;
            cx.tally.note(format!(
                "{name}: {entries} entries read, {set} not zero, {exceptions} requests refused"
            ));
        }
    }

    pub(crate) fn stop(&mut self, cx: &mut Context<'_>) -> Progress {
        if let Some((ip, mut session)) = self.current.take() {
            session.end(cx);
            self.controllers.push_front(ip);
        }
        Progress::Ended(self.verdict())
    }

    pub(crate) fn verdict(&self) -> Verdict {
        if !self.silent.is_empty() {
            return Verdict::failed(format!("no answer from {}", self.silent.join(", ")));
        }
        if !self.controllers.is_empty() || self.current.is_some() {
            return Verdict::failed("it was stopped before all controllers were asked");
        }
        Verdict::succeeded()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::playbook;

    #[test]
    fn requests_when_ranges_are_cut_then_every_entry_once_and_none_too_long() {
        let range = |table, address, count| Range {
            table,
            address,
            count,
        };
        let cut = |ranges: &[Range], block| -> Vec<(u16, u16)> {
            let spans = requests(ranges, block);
            spans
                .iter()
                .map(|span| (span.address, span.quantity))
                .collect()
        };
        let holding = range(playbook::Table::HoldingRegisters, 1024, 260);
        assert_eq!(cut(&[holding], 100), [(1024, 100), (1124, 100), (1224, 60)]);
        assert_eq!(
            cut(&[holding], 9999),
            [(1024, 125), (1149, 125), (1274, 10)]
        );
        assert_eq!(
            cut(&[range(playbook::Table::Coils, 0, 2001)], 2000),
            [(0, 2000), (2000, 1)]
        );
        assert_eq!(cut(&[range(playbook::Table::Coils, 7, 0)], 100), []);
        let end = range(playbook::Table::InputRegisters, 65_535, 1);
        assert_eq!(cut(&[end], 100), [(65_535, 1)]);
    }
}
