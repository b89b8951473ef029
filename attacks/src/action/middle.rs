//! Adversary in the middle: forged ARP announcements, forwarding, changed responses, and in the end
//! the honest announcements again.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use sim_kernel::time::{SimDuration, SimTime};
use sim_wire::modbus::Table;
use sim_wire::rewrite::set_macs;
use sim_wire::{FrameSummary, MacAddr, arp as wire_arp};

use crate::action::{Context, Progress, Verdict};
use crate::arp;
use crate::intercept::{Interceptor, Rule};
use crate::playbook::AdversaryInTheMiddle;
use crate::view::Targets;

/// Time between two questions for a hardware address that is not known yet.
const ASK_AGAIN: SimDuration = SimDuration::from_secs(1);

/// How often a hardware address is asked for.
const ASKS_MAX: u32 = 5;

/// How often the honest bindings are announced at the end, and the time between.
const RESTORES: u32 = 3;
const RESTORE_PERIOD: SimDuration = SimDuration::from_secs(1);

/// How soon a victim that asks for the other's address by itself is lied to again.
const ANSWER_DELAY: SimDuration = SimDuration::from_millis(2);

/// Two hosts whose traffic is diverted: the one that is lied to, and the one it is lied to about.
pub(crate) type Lie = (Ipv4Addr, Ipv4Addr);

/// Every lie that puts the attacker between two groups of hosts: both ways.
pub(crate) fn lies(between: &[Ipv4Addr], and: &[Ipv4Addr]) -> Vec<Lie> {
    let mut lies = Vec::new();
    for &a in between {
        for &b in and {
            lies.extend([(a, b), (b, a)]);
        }
    }
    lies
}

/// Finding out hardware addresses, which poisoning needs.
#[derive(Clone, Debug)]
pub(crate) struct Resolver {
    hosts: Vec<Ipv4Addr>,
    asks: u32,
    next_at: SimTime,
}

/// How far a [`Resolver`] is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Resolved {
    /// All addresses are known.
    All,
    /// Ask again at this time, or when a frame comes.
    Waiting(SimTime),
    /// These hosts do not answer.
    Missing(Vec<Ipv4Addr>),
}

impl Resolver {
    pub(crate) fn new(hosts: Vec<Ipv4Addr>, now: SimTime) -> Self {
        Self {
            hosts,
            asks: 0,
            next_at: now,
        }
    }

    pub(crate) fn advance(&mut self, cx: &mut Context<'_>) -> Resolved {
        let unknown = |ip: &&Ipv4Addr| cx.neighbors.mac(**ip).is_none();
        let missing: Vec<Ipv4Addr> = self.hosts.iter().filter(unknown).copied().collect();
        if missing.is_empty() {
            return Resolved::All;
        }
        if cx.now() < self.next_at {
            return Resolved::Waiting(self.next_at);
        }
        if self.asks >= ASKS_MAX {
            return Resolved::Missing(missing);
        }
        let own = (cx.port.mac(), cx.port.ip().0);
        for ip in missing {
            cx.send_frame(arp::request(own, ip));
        }
        self.asks += 1;
        self.next_at = cx.now() + ASK_AGAIN;
        Resolved::Waiting(self.next_at)
    }
}

/// Tells every lie, or the truth in its place.
pub(crate) fn announce(cx: &mut Context<'_>, lies: &[Lie], honest: bool) {
    let own = cx.port.mac();
    for &(victim, about) in lies {
        let (Some(victim_mac), Some(honest_mac)) =
            (cx.neighbors.mac(victim), cx.neighbors.mac(about))
        else {
            continue;
        };
        let claimed = if honest { honest_mac } else { own };
        cx.send_frame(arp::announce(own, (victim_mac, victim), (claimed, about)));
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Resolving,
    Poisoning,
    Restoring { left: u32 },
}

/// The adversary at work.
#[derive(Debug)]
pub(crate) struct Machine {
    phase: Phase,
    resolver: Resolver,
    lies: Vec<Lie>,
    victims: BTreeSet<Ipv4Addr>,
    poison_period: SimDuration,
    next_at: SimTime,
    ends_at: SimTime,
    interceptor: Interceptor,
    wants_changes: bool,
    forwarded: u64,
}

impl Machine {
    pub(crate) fn new(
        middle: &AdversaryInTheMiddle,
        targets: &Targets,
        cx: &mut Context<'_>,
    ) -> Self {
        let (between, and) = (targets.union(&middle.between), targets.union(&middle.and));
        let lies = lies(&between, &and);
        let victims: BTreeSet<Ipv4Addr> = between.iter().chain(&and).copied().collect();
        let mut rules = Vec::new();
        for rewrite in &middle.rewrites {
            rules.extend(targets.all(&rewrite.target).iter().map(|&server| Rule {
                server,
                table: Table::from(rewrite.table),
                address: rewrite.address,
                kind: rewrite.kind,
                show: rewrite.show,
                noise: rewrite.noise,
            }));
        }
        Self {
            phase: Phase::Resolving,
            resolver: Resolver::new(victims.iter().copied().collect(), cx.now()),
            lies,
            victims,
            poison_period: middle.poison_period,
            next_at: cx.now(),
            ends_at: cx.now().saturating_add(middle.duration),
            wants_changes: !rules.is_empty(),
            interceptor: Interceptor::new(rules),
            forwarded: 0,
        }
    }

    pub(crate) fn advance(&mut self, cx: &mut Context<'_>) -> Progress {
        self.forward(cx);
        if self.phase == Phase::Resolving {
            match self.resolver.advance(cx) {
                Resolved::Waiting(until) => return Progress::Waiting(Some(until)),
                Resolved::Missing(hosts) => {
                    let names: Vec<String> = hosts.iter().map(|&ip| cx.name_of(ip)).collect();
                    let reason = format!("no answer to ARP from {}", names.join(", "));
                    return Progress::Ended(Verdict::failed(reason));
                }
                Resolved::All => {
                    self.phase = Phase::Poisoning;
                    self.next_at = cx.now();
                }
            }
        }
        if self.phase == Phase::Poisoning && cx.now() >= self.ends_at {
            self.begin_restoring(cx.now());
        }
        if cx.now() >= self.next_at {
            match self.phase {
                Phase::Restoring { left: 0 } => return self.end(cx),
                Phase::Restoring { left } => {
                    announce(cx, &self.lies, true);
                    self.phase = Phase::Restoring { left: left - 1 };
                    self.next_at = cx.now() + RESTORE_PERIOD;
                }
                Phase::Poisoning | Phase::Resolving => {
                    announce(cx, &self.lies, false);
                    self.next_at = cx.now() + self.poison_period;
                }
            }
        }
        let ends = self.phase == Phase::Poisoning && self.ends_at < self.next_at;
        Progress::Waiting(Some(if ends { self.ends_at } else { self.next_at }))
    }

    fn begin_restoring(&mut self, now: SimTime) {
        self.phase = Phase::Restoring { left: RESTORES };
        self.next_at = now;
    }

    /// Passes on every frame that is meant for a victim and came here because of a lie.
    fn forward(&mut self, cx: &mut Context<'_>) {
        let (own_mac, own_ip) = (cx.port.mac(), cx.port.ip().0);
        for at in 0..cx.received.len() {
            let frame = &cx.received[at].1;
            let Some(summary) = FrameSummary::of(frame) else {
                continue;
            };
            if self.phase == Phase::Poisoning
                && let Some(arp) = &summary.arp
            {
                self.answer_again(cx.now(), arp);
            }
            let Some(ip) = summary.ip else {
                continue;
            };
            let is_diverted =
                summary.dst_mac == own_mac && ip.dst != own_ip && self.victims.contains(&ip.dst);
            let Some(to) = cx.neighbors.mac(ip.dst).filter(|_| is_diverted) else {
                continue;
            };
            let mut bytes = frame.clone();
            self.pass_on(cx, &mut bytes, own_mac, to);
            cx.send_frame(bytes);
        }
    }

    fn pass_on(&mut self, cx: &mut Context<'_>, bytes: &mut [u8], own: MacAddr, to: MacAddr) {
        let may_change = self.phase == Phase::Poisoning;
        let changed = may_change && self.interceptor.pass(bytes, cx.stream);
        set_macs(bytes, own, to).expect("a frame with an IPv4 header has hardware addresses");
        self.forwarded += 1;
        if changed || !self.wants_changes {
            cx.took_hold();
        }
    }

    /// A victim that asks for the other's address will hear the truth in a moment: lie again after it.
    fn answer_again(&mut self, now: SimTime, arp: &wire_arp::Repr) {
        let asks = arp.operation == wire_arp::Operation::Request
            && self.lies.contains(&(arp.sender_ip, arp.target_ip));
        let soon = now + ANSWER_DELAY;
        if asks && soon < self.next_at {
            self.next_at = soon;
        }
    }

    fn end(&mut self, cx: &mut Context<'_>) -> Progress {
        let passed = self.interceptor.passed();
        cx.tally
            .note(format!("{} frames forwarded", self.forwarded));
        cx.tally.note(format!(
            "{} read responses changed, {} values; {} passed unchanged; {} write requests passed",
            passed.responses_changed,
            passed.values_changed,
            passed.responses_unknown,
            passed.writes
        ));
        Progress::Ended(self.verdict())
    }

    pub(crate) fn stop(&mut self, cx: &mut Context<'_>) -> Progress {
        match self.phase {
            Phase::Resolving => Progress::Ended(Verdict::failed("it was stopped before it began")),
            Phase::Poisoning => {
                self.begin_restoring(cx.now());
                self.advance(cx)
            }
            Phase::Restoring { .. } => self.advance(cx),
        }
    }

    pub(crate) fn verdict(&self) -> Verdict {
        let passed = self.interceptor.passed();
        if self.forwarded == 0 {
            Verdict::failed("no frame was diverted")
        } else if self.wants_changes && passed.responses_changed == 0 {
            Verdict::failed("no response was changed")
        } else {
            Verdict::succeeded()
        }
    }
}
