//! The world: one clock, one queue, and one place where every cause can be read.
//!
//! [`World::run_until`] pops events in the total order of their keys and hands each to the component
//! that it is for. Components are told what happened, change themselves, and leave frames, timers and
//! log lines behind that the world turns into further events and observations.
//!
//! **Invariant:** all causes are variants of [`Event`]; nothing changes between two events.
//!
//! **Invariant:** observations are written and never read here, so that what is kept of a run cannot
//! change it. The same holds for [`Keep`].

mod actions;
mod inline;
mod network;
mod observers;
mod outside;
mod pairs;
mod people;
mod safety;

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use sim_kernel::digest::{Chain, Digest, Hasher};
use sim_kernel::input::InputRecord;
use sim_kernel::queue::{EventKey, EventQueue, Phase};
use sim_kernel::rng::Stream;
use sim_kernel::time::{SimDuration, SimTime};
use sim_process::bottling::Column;
use sim_process::production::Production;
use sim_wire::modbus::engineering::Mode;

use crate::controller::Controller;
use crate::controller::pair::Beat;
use crate::frame::{Destination, Frame, Label};
use crate::host::Host;
use crate::inline::{Device, OnCable};
use crate::observe::{Keep, Observations};
use crate::operator::{Deed, Operator};
use crate::physics::{Act, Physics};
use crate::respond::{Input, InputError, ResponseTimes};
use crate::station::Station;
use crate::switch::Switch;
use crate::tag::Tag;
pub use outside::OUTSIDE;
pub(crate) use safety::SafetyWatch;
pub use safety::{ProtectionLost, SafetyFacts};

/// Everything that can happen.
#[derive(Debug)]
pub(crate) enum Event {
    /// An input from outside acts.
    Input(usize),
    /// The physics advances by one step.
    ProcessStep,
    /// A frame has arrived at a switch.
    AtSwitch {
        switch: u16,
        port: u16,
        frame: Frame,
    },
    /// A frame has arrived at a host.
    AtHost { host: u16, frame: Frame },
    /// A frame has gone through the device in its cable.
    PastDevice(Box<OnCable>),
    /// A connection's timer is due.
    ConnectionTimer { host: u16, slot: u16 },
    /// A controller's communication processor has worked off a request.
    Serve { controller: u16 },
    /// A station begins a cycle with one of its controllers.
    Poll { station: u16, target: u16 },
    /// An operator goes on.
    OperatorTimer { operator: u16 },
    /// The attacker's program asked to be woken.
    AgentTimer,
    /// The action of an input takes effect.
    ActionBegins(usize),
    /// The action of an input is over.
    ActionEnds(usize),
    /// A controller scans.
    Scan { controller: u16 },
    /// A standby has heard its primary.
    Heard { controller: u16, beat: Box<Beat> },
    /// A controller has its power back.
    PowerOn { controller: u16 },
    /// The truth is recorded.
    Truth,
    /// A second is over.
    Second,
}

/// Why [`World::run_until`] returned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pause {
    /// The time given has come.
    Limit,
    /// The attacker's host has received something, or its program asked to be woken.
    Agent,
    /// A frame waits for a verdict: [`World::inline_frame`], [`World::decide`].
    Inline,
}

/// The attacker's host and what its program has to see.
pub(crate) struct Agent {
    pub(crate) host: usize,
    pub(crate) received: Vec<(SimTime, Vec<u8>)>,
    pub(crate) wake: Option<SimTime>,
    pub(crate) stream: Stream,
    /// The step that last addressed each neighbour, to label the answers.
    pub(crate) addressed: BTreeMap<Ipv4Addr, Label>,
    /// Peers and own TCP ports of what the program has sent, to tell it from what a station on the same
    /// host does.
    pub(crate) flows: BTreeSet<(Ipv4Addr, u16)>,
    /// The step that forges addresses, to label what it diverts.
    pub(crate) diverts: Label,
    pub(crate) attention: bool,
}

impl Agent {
    /// Whether the program may have to do with a frame to or from its host, where a station works on the
    /// same host: with the segments of its own connections and probes, and with what is no TCP. Addresses
    /// are resolved for the station anyway.
    fn took_part(&self, place: Destination, from_host: bool) -> bool {
        match place {
            Destination::Tcp {
                source,
                destination,
                source_port,
                destination_port,
                ..
            } => {
                let flow = if from_host {
                    (Ipv4Addr::from(destination), source_port)
                } else {
                    (Ipv4Addr::from(source), destination_port)
                };
                self.flows.contains(&flow)
            }
            Destination::OtherIp { .. } => true,
            Destination::Arp | Destination::Other => false,
        }
    }
}

/// Component numbers, in the order of their names.
pub(crate) struct Ids {
    pub(crate) process: u32,
    pub(crate) world: u32,
    pub(crate) agent: u32,
    pub(crate) hosts: Vec<u32>,
    pub(crate) controllers: Vec<u32>,
    pub(crate) stations: Vec<u32>,
    pub(crate) operators: Vec<u32>,
    pub(crate) switches: Vec<u32>,
}

/// What belongs to a host beside its stack.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct HostRoles {
    pub(crate) switch: u16,
    pub(crate) port: u16,
    pub(crate) controller: Option<u16>,
    pub(crate) station: Option<u16>,
}

/// Where a host is on the network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostFacts {
    /// Unique name.
    pub name: String,
    /// Hardware address.
    pub mac: [u8; 6],
    /// The switch that it is plugged into.
    pub switch: String,
    /// The port on that switch, from 0.
    pub port: u16,
}

/// A plant in motion.
pub struct World {
    pub(crate) queue: EventQueue<Event>,
    pub(crate) seqs: Vec<u64>,
    pub(crate) ids: Ids,
    pub(crate) components: Vec<String>,
    pub(crate) physics: Physics,
    pub(crate) columns: &'static [Column],
    pub(crate) process_step: SimDuration,
    pub(crate) hosts: Vec<Host>,
    pub(crate) roles: Vec<HostRoles>,
    pub(crate) switches: Vec<Switch>,
    pub(crate) spans: Vec<String>,
    pub(crate) controllers: Vec<Controller>,
    pub(crate) stations: Vec<Station>,
    pub(crate) operators: Vec<Operator>,
    pub(crate) tags: Vec<Tag>,
    pub(crate) acts: Vec<Act>,
    pub(crate) agent: Option<Agent>,
    /// The place of the host that stands for whatever is plugged in from outside.
    pub(crate) outside: Option<usize>,
    /// The device that stands in cables, if there is one.
    pub(crate) inline: Option<Device>,
    pub(crate) inputs: Vec<InputRecord<Input>>,
    pub(crate) response: ResponseTimes,
    pub(crate) keep: Keep,
    pub(crate) truth_period: SimDuration,
    pub(crate) observations: Observations,
    pub(crate) frames_digest: Hasher,
    pub(crate) frames_seen: u64,
    pub(crate) chain: Chain,
    pub(crate) safety: Vec<SafetyWatch>,
    /// Spent frame buffers that any host may use.
    pub(crate) pool: Vec<Vec<u8>>,
    pub(crate) scratch: Scratch,
}

/// Buffers that are reused from event to event.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    bytes: Vec<u8>,
    deeds: Vec<Deed>,
    truth: Vec<f64>,
}

impl World {
    /// The current time.
    #[must_use]
    pub fn now(&self) -> SimTime {
        self.queue.now()
    }

    /// Names of the SPAN ports; [`crate::observe::SpanFrame::span`] counts in this order.
    #[must_use]
    pub fn spans(&self) -> &[String] {
        &self.spans
    }

    /// The tags; [`TagSample::tag`](crate::observe::TagSample::tag) counts in this order.
    #[must_use]
    pub fn tags(&self) -> &[Tag] {
        &self.tags
    }

    /// The columns of a [`TruthRow`](crate::observe::TruthRow).
    #[must_use]
    pub fn truth_columns(&self) -> &'static [Column] {
        self.columns
    }

    /// Names of the components; [`SecondDigest::components`](crate::observe::SecondDigest::components) counts in this order.
    #[must_use]
    pub fn components(&self) -> &[String] {
        &self.components
    }

    /// Counted parts and times so far.
    #[must_use]
    pub fn production(&self) -> &Production {
        self.physics.production()
    }

    /// Checks that no liquid and no bottle has appeared or vanished.
    ///
    /// # Errors
    ///
    /// What does not add up, in words. Always our bug.
    pub fn conservation(&self) -> Result<(), String> {
        self.physics.conservation()
    }

    /// The physical truth now, in the order of [`World::truth_columns`].
    pub fn truth(&self, values: &mut Vec<f64>) {
        values.clear();
        self.physics.truth(values);
    }

    /// What a station believes of its tags, in the order of [`World::tags`]; `None` if the host is no
    /// station.
    #[must_use]
    pub fn beliefs(&self, host: &str) -> Option<&[crate::station::Belief]> {
        let at = self.hosts.iter().position(|h| h.config.name == host)?;
        let station = self.roles[at].station?;
        Some(&self.stations[usize::from(station)].beliefs)
    }

    /// Where each host is plugged in, in the order of their names.
    #[must_use]
    pub fn host_facts(&self) -> Vec<HostFacts> {
        let facts = |(host, roles): (&Host, &HostRoles)| HostFacts {
            name: host.config.name.clone(),
            mac: host.config.mac,
            switch: self.switches[usize::from(roles.switch)].name.clone(),
            port: roles.port,
        };
        self.hosts.iter().zip(&self.roles).map(facts).collect()
    }

    /// What actions take in this run.
    #[must_use]
    pub fn response_times(&self) -> ResponseTimes {
        self.response
    }

    /// The mode of a controller, by host name.
    #[must_use]
    pub fn mode(&self, controller: &str) -> Option<Mode> {
        self.controller(controller).map(Controller::mode)
    }

    /// Whether a controller is the standby of a pair, by host name.
    #[must_use]
    pub fn is_standby(&self, controller: &str) -> Option<bool> {
        self.controller(controller).map(Controller::is_standby)
    }

    /// Digest of the program that a controller runs, by host name.
    #[must_use]
    pub fn program_digest(&self, controller: &str) -> Option<[u8; 32]> {
        let controller = self.controller(controller);
        controller.map(|controller| controller.program().digest())
    }

    fn controller(&self, name: &str) -> Option<&Controller> {
        self.controllers.iter().find(|c| c.config.name == name)
    }

    /// Number of frames that switches have received so far.
    #[must_use]
    pub fn frames_seen(&self) -> u64 {
        self.frames_seen
    }

    /// The run's digest over all whole seconds so far.
    #[must_use]
    pub fn digest(&self) -> Digest {
        self.chain.head()
    }

    /// What has been observed since the last [`Observations::clear`].
    pub fn observations(&mut self) -> &mut Observations {
        &mut self.observations
    }

    /// When the next thing happens, if nothing comes from outside before.
    #[must_use]
    pub fn next_event(&self) -> Option<SimTime> {
        self.queue.peek_time()
    }

    /// Runs until `limit`, or until the attacker's program has something to do or a frame waits for a verdict.
    ///
    /// Events at `limit` itself are left for the next call, so that inputs given at `limit` still come
    /// before everything else that happens then.
    ///
    /// # Panics
    ///
    /// If a frame waits for its verdict: that is our bug.
    pub fn run_until(&mut self, limit: SimTime) -> Pause {
        assert!(!self.is_waiting(), "a frame waits for its verdict");
        loop {
            // Before the next event: a verdict may have let a frame through to the attacker's host.
            if let Some(agent) = &mut self.agent
                && std::mem::take(&mut agent.attention)
            {
                return Pause::Agent;
            }
            if self.is_waiting() {
                return Pause::Inline;
            }
            let Some((key, event)) = self.queue.pop_before(limit) else {
                break;
            };
            self.dispatch(key.time, event);
        }
        if limit > self.queue.now() {
            self.queue.advance_to(limit);
        }
        Pause::Limit
    }

    /// Gives an input to the plant. It acts at its time, before everything else that happens then.
    ///
    /// # Errors
    ///
    /// [`InputError`] if the plant has no such thing. Nothing happens then.
    ///
    /// # Panics
    ///
    /// If the input's time is in the past.
    pub fn submit(&mut self, record: InputRecord<Input>) -> Result<(), InputError> {
        match &record.input {
            Input::Action(action) => self.check_action(action)?,
            Input::Frame(frame) => self.check_outside(&frame.0)?,
            // It is about one frame, whenever that comes.
            Input::Verdict(verdict) => return self.tell_verdict(*verdict),
        }
        let at = record.time;
        let index = self.inputs.len();
        self.inputs.push(record);
        self.schedule(
            at,
            Phase::ExternalInput,
            (self.ids.world, self.ids.world),
            Event::Input(index),
        );
        Ok(())
    }

    pub(crate) fn schedule(&mut self, time: SimTime, phase: Phase, ends: (u32, u32), event: Event) {
        let (source, target) = ends;
        let seq = &mut self.seqs[source as usize];
        let key = EventKey {
            time,
            phase,
            target,
            source,
            source_seq: *seq,
        };
        *seq += 1;
        self.queue.push(key, event);
    }

    fn dispatch(&mut self, now: SimTime, event: Event) {
        match event {
            Event::Input(index) => self.on_input(now, index),
            Event::ProcessStep => self.on_process_step(now),
            Event::AtSwitch {
                switch,
                port,
                frame,
            } => self.on_cable_to_switch(now, switch, port, frame),
            Event::AtHost { host, frame } => self.on_cable_to_host(now, host, frame),
            Event::PastDevice(on_cable) => self.past_device(now, *on_cable),
            Event::ConnectionTimer { host, slot } => {
                self.on_connection_timer(now, usize::from(host), slot)
            }
            Event::Serve { controller } => self.on_serve(now, usize::from(controller)),
            Event::Poll { station, target } => self.on_poll(now, usize::from(station), target),
            Event::OperatorTimer { operator } => self.on_operator(now, usize::from(operator)),
            Event::AgentTimer => self.on_agent_timer(now),
            Event::ActionBegins(index) => self.on_action_begins(now, index),
            Event::ActionEnds(index) => self.on_action_ends(now, index),
            Event::Scan { controller } => self.on_scan(now, usize::from(controller)),
            Event::Heard { controller, beat } => {
                self.controllers[usize::from(controller)].hear(now, *beat);
            }
            Event::PowerOn { controller } => self.boot_ends(now, usize::from(controller)),
            Event::Truth => self.on_truth(now),
            Event::Second => self.on_second(now),
        }
    }

    fn on_process_step(&mut self, now: SimTime) {
        for controller in &mut self.controllers {
            controller.write_outputs(now, &mut self.physics);
        }
        self.physics.step(self.process_step.as_secs_f64());
        let id = self.ids.process;
        self.schedule(
            now + self.process_step,
            Phase::ProcessStep,
            (id, id),
            Event::ProcessStep,
        );
    }

    fn on_scan(&mut self, now: SimTime, index: usize) {
        if self.controllers[index].is_standby() {
            self.watch_primary(now, index);
        }
        let controller = &mut self.controllers[index];
        let next = controller.scan(now, &mut self.physics);
        let id = self.ids.controllers[index];
        let number = u16::try_from(index).expect("controllers are few");
        self.schedule(
            next,
            Phase::PlcScan,
            (id, id),
            Event::Scan { controller: number },
        );
        self.send_beat(now, index);
        self.tell_notices(now, index, None);
    }

    /// Writes what a controller has to say into the log of its host.
    fn tell_notices(&mut self, now: SimTime, index: usize, client: Option<Ipv4Addr>) {
        let host = self.controllers[index].config.host;
        for notice in self.controllers[index].take_notices() {
            let text = match client {
                Some(client) => format!("{} (from {client})", notice.text),
                None => notice.text,
            };
            self.log(now, host, "plc", notice.kind, notice.severity, text);
        }
    }

    fn on_serve(&mut self, now: SimTime, index: usize) {
        let mut out = std::mem::take(&mut self.scratch.bytes);
        out.clear();
        let controller = &mut self.controllers[index];
        let host_index = controller.config.host;
        if let Some(connection) = controller.next_connection() {
            let client = self.hosts[host_index].peer_of(connection);
            controller.serve_next(now, client, &mut out);
            self.tell_notices(now, index, client);
            if !out.is_empty() {
                self.hosts[host_index].send(now, connection, &out);
                self.flush_host(now, host_index);
            }
        }
        self.scratch.bytes = out;
    }
}
