//! Stations that read controllers by Modbus: HMI, historian, engineering workstation.
//!
//! A station keeps one connection per controller and asks for blocks of tags one request at a time,
//! writes first. A controller that does not answer in time is disconnected and tried again at the next
//! poll. What a station believes is what it was last told; it cannot know better.
//!
//! **Invariant:** at most one request per controller is outstanding.

use std::collections::VecDeque;
use std::net::Ipv4Addr;

use sim_kernel::digest::{Digest, Hasher};
use sim_kernel::time::{SimDuration, SimTime};
use sim_wire::modbus::engineering::{Answer as Told, Command, Mode, Status};
use sim_wire::modbus::identity::Access;
use sim_wire::modbus::response::Expectation;
use sim_wire::modbus::{Framed, Framer, PORT, Registers, Request, Response, Span, Table};

use crate::alarm::Alarm;
use crate::frame::Label;
use crate::host::{ConnectionId, ConnectionStatus, Host};
use crate::observe::Quality;
use crate::tag::{Tag, join_spans};

/// Most entries between two tags that are read along with them.
const READ_GAP_MAX: u16 = 16;

/// Most entries in one read request of a station.
const READ_QUANTITY_MAX: u16 = 120;

/// Most operator writes that wait for a controller.
const WRITES_MAX: usize = 16;

/// Most connections that a station holds.
const CONNECTIONS_MAX: usize = 64;

/// What a station is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StationKind {
    /// Shows values, raises alarms, writes for its operator.
    Hmi,
    /// Records values.
    Historian,
    /// Connects, reads identity and parameters, and disconnects.
    Workstation,
}

/// What a station believes of a tag.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Belief {
    /// Value in the tag's unit, as last told.
    pub value: f64,
    /// Whether the last attempt to read it succeeded.
    pub quality: Quality,
    /// When it was last told.
    pub at: SimTime,
}

/// One request that a station means to send.
#[derive(Clone, Debug)]
enum Job {
    Identify,
    /// The engineering session's status, which needs no session.
    Status,
    Read(usize),
    Write {
        span: Span,
        words: Vec<u16>,
    },
}

#[derive(Clone, Debug)]
struct Outstanding {
    transaction: u16,
    expectation: Expectation,
    job: Job,
    deadline: SimTime,
}

/// A station's dealings with one controller.
#[derive(Debug)]
struct Target {
    controller: usize,
    server: Ipv4Addr,
    unit: u8,
    connection: Option<ConnectionId>,
    connecting_until: SimTime,
    framer: Framer,
    blocks: Vec<Block>,
    writes: VecDeque<Job>,
    jobs: VecDeque<Job>,
    outstanding: Option<Outstanding>,
    next_transaction: u16,
    /// Whether a cycle of reads has begun and not ended.
    in_cycle: bool,
    /// What was last said about program and mode.
    check: Option<ProgramCheck>,
    cycles: u64,
    failures: u64,
}

#[derive(Clone, Debug)]
struct Block {
    span: Span,
    tags: Vec<usize>,
}

/// What a workstation was told about a controller's program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ProgramCheck {
    mode: Mode,
    key: &'static str,
    forces: u16,
    scan_ms: u16,
    faults: u32,
    digest: Digest,
    program: String,
    firmware: String,
}

impl ProgramCheck {
    fn of(status: &Status<'_>) -> Self {
        Self {
            mode: status.mode,
            key: status.key.name(),
            forces: status.forces,
            scan_ms: status.scan_ms,
            faults: status.faults,
            digest: Digest(status.program_digest),
            program: status.program.to_owned(),
            firmware: status.firmware.to_owned(),
        }
    }

    /// The line for the log.
    pub(crate) fn text(&self, controller: &str) -> String {
        format!(
            "{controller}: program {} digest {} mode {} key {} forces {} scan {} ms firmware {} faults {}",
            self.program,
            self.digest,
            self.mode,
            self.key,
            self.forces,
            self.scan_ms,
            self.firmware,
            self.faults
        )
    }

    /// What differs from the project: its program's digest, scan period in ms and firmware.
    pub(crate) fn differences(&self, project: (Digest, u64, &str)) -> Vec<&'static str> {
        let (digest, scan_ms, firmware) = project;
        [
            (self.digest != digest, "another program"),
            (self.mode != Mode::Run, "not in RUN"),
            (self.forces > 0, "forces"),
            (u64::from(self.scan_ms) != scan_ms, "another scan period"),
            (self.firmware != firmware, "another firmware"),
        ]
        .into_iter()
        .filter_map(|(differs, what)| differs.then_some(what))
        .collect()
    }
}

/// What came of an event at a station.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Progress {
    /// All blocks of this controller have been read, or it has failed to answer.
    pub(crate) cycle_ended: Option<usize>,
    /// A write was refused with this exception code.
    pub(crate) write_refused: bool,
}

/// Fixed properties of a station.
pub(crate) struct StationConfig {
    pub(crate) kind: StationKind,
    pub(crate) host: usize,
    pub(crate) poll: SimDuration,
    pub(crate) timeout: SimDuration,
    /// The tags it reads.
    pub(crate) tags: Vec<usize>,
    /// Controllers in the order of their names: address and unit.
    pub(crate) controllers: Vec<(Ipv4Addr, u8)>,
    pub(crate) alarms: Vec<Alarm>,
}

/// A station.
#[derive(Debug)]
pub(crate) struct Station {
    pub(crate) kind: StationKind,
    pub(crate) host: usize,
    pub(crate) poll: SimDuration,
    timeout: SimDuration,
    targets: Vec<Target>,
    /// By tag index; tags that the station does not read stay bad.
    pub(crate) beliefs: Vec<Belief>,
    pub(crate) alarms: Vec<Alarm>,
    scratch: Vec<u8>,
}

impl Station {
    pub(crate) fn new(config: StationConfig, tags: &[Tag]) -> Self {
        let mut targets = Vec::new();
        for (controller, &(server, unit)) in config.controllers.iter().enumerate() {
            let mine: Vec<usize> = config
                .tags
                .iter()
                .copied()
                .filter(|&t| tags[t].controller == controller)
                .collect();
            if mine.is_empty() {
                continue;
            }
            let spans: Vec<Span> = mine.iter().map(|&t| tags[t].span).collect();
            let blocks = join_spans(&spans, READ_GAP_MAX, READ_QUANTITY_MAX)
                .into_iter()
                .map(|span| Block {
                    span,
                    tags: mine
                        .iter()
                        .copied()
                        .filter(|&t| {
                            tags[t].span.table == span.table && span.contains(tags[t].span.address)
                        })
                        .collect(),
                })
                .collect();
            targets.push(Target::new(controller, server, unit, blocks));
        }
        let unknown = Belief {
            value: 0.0,
            quality: Quality::Bad,
            at: SimTime::default(),
        };
        Self {
            kind: config.kind,
            host: config.host,
            poll: config.poll,
            timeout: config.timeout,
            targets,
            beliefs: vec![unknown; tags.len()],
            alarms: config.alarms,
            scratch: Vec::with_capacity(300),
        }
    }

    /// Number of controllers that the station talks to.
    pub(crate) fn target_count(&self) -> usize {
        self.targets.len()
    }

    /// The tags that are read from one of the station's controllers, in tag order of each block.
    pub(crate) fn tags_of_target(&self, target: usize) -> impl Iterator<Item = usize> + '_ {
        self.targets[target]
            .blocks
            .iter()
            .flat_map(|block| block.tags.iter().copied())
    }

    /// The controller behind a target.
    pub(crate) fn controller_of_target(&self, target: usize) -> usize {
        self.targets[target].controller
    }

    /// Takes what was said about a target's program in the cycle that has ended.
    pub(crate) fn take_check(&mut self, target: usize) -> Option<ProgramCheck> {
        self.targets[target].check.take()
    }

    /// What the station knows of a tag: `None` when its controller does not answer.
    pub(crate) fn known(&self, tag: usize) -> Option<f64> {
        let belief = self.beliefs[tag];
        (belief.quality == Quality::Good).then_some(belief.value)
    }

    /// Puts an operator's write in front of everything else. Returns whether there was room.
    pub(crate) fn write(&mut self, now: SimTime, host: &mut Host, tag: &Tag, value: f64) -> bool {
        let Some(target) = self
            .targets
            .iter_mut()
            .find(|t| t.controller == tag.controller)
        else {
            return false;
        };
        if target.writes.len() >= WRITES_MAX {
            return false;
        }
        target.writes.push_back(Job::Write {
            span: tag.span,
            words: tag.words_of_value(value),
        });
        target.pump(now, host, self.timeout, &mut self.scratch);
        true
    }

    /// The time for another cycle with one controller has come.
    pub(crate) fn poll(&mut self, now: SimTime, host: &mut Host, index: usize) -> Progress {
        let target = &mut self.targets[index];
        let overdue = target
            .outstanding
            .as_ref()
            .is_some_and(|o| o.deadline <= now);
        let status = target.connection.map(|id| host.status(id));
        let stuck = status == Some(ConnectionStatus::Opening) && target.connecting_until <= now;
        let failed = overdue || stuck || status == Some(ConnectionStatus::Closed);
        if failed {
            target.fail(now, host);
        }
        if target.connection.is_none() {
            target.connecting_until = now + self.timeout;
            target.connection =
                host.connect(now, (target.server, PORT), Label::BENIGN, CONNECTIONS_MAX);
            target.framer.reset();
        }
        if !target.in_cycle {
            target.begin_cycle(self.kind);
            target.pump(now, host, self.timeout, &mut self.scratch);
        }
        if failed {
            self.give_up(index)
        } else {
            Progress::default()
        }
    }

    /// Something may have happened on one of the station's connections.
    pub(crate) fn touched(
        &mut self,
        now: SimTime,
        host: &mut Host,
        id: ConnectionId,
        tags: &[Tag],
    ) -> Progress {
        let Some(index) = self.targets.iter().position(|t| t.connection == Some(id)) else {
            host.reap(id);
            return Progress::default();
        };
        let target = &mut self.targets[index];
        let inbox = host.inbox(id.slot);
        target.framer.push(inbox);
        inbox.clear();
        let answer = target.take_answer(now, tags, &mut self.beliefs);
        if answer == Answer::Nonsense || host.status(id) == ConnectionStatus::Closed {
            // Refused or cut: the next poll tries again.
            target.fail(now, host);
            return self.give_up(index);
        }
        let mut progress = Progress {
            write_refused: answer == Answer::WriteRefused,
            ..Progress::default()
        };
        target.pump(now, host, self.timeout, &mut self.scratch);
        if target.in_cycle
            && target.outstanding.is_none()
            && target.jobs.is_empty()
            && answer != Answer::Nothing
        {
            target.in_cycle = false;
            target.cycles += 1;
            progress.cycle_ended = Some(index);
            if self.kind == StationKind::Workstation {
                target.connection = None;
                host.close(now, id);
            }
        }
        progress
    }

    fn give_up(&mut self, index: usize) -> Progress {
        self.distrust(index);
        Progress {
            cycle_ended: Some(index),
            write_refused: false,
        }
    }

    fn distrust(&mut self, index: usize) {
        for block in &self.targets[index].blocks {
            for &tag in &block.tags {
                self.beliefs[tag].quality = Quality::Bad;
            }
        }
    }

    pub(crate) fn digest(&self, put: &mut Hasher) {
        for belief in &self.beliefs {
            put.put_f64(belief.value);
            put.put_bool(belief.quality == Quality::Good);
            put.put_u64(belief.at.as_nanos());
        }
        for target in &self.targets {
            put.put_u16(target.next_transaction);
            put.put_u64(target.cycles);
            put.put_u64(target.failures);
            put.put_len(target.writes.len());
            put.put_len(target.jobs.len());
        }
        for alarm in &self.alarms {
            alarm.digest(put);
        }
    }
}

/// What an incoming message meant to a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answer {
    /// Nothing complete has arrived.
    Nothing,
    /// The outstanding request is answered.
    Understood,
    /// The outstanding write was refused.
    WriteRefused,
    /// No conforming server sends this.
    Nonsense,
}

impl Target {
    fn new(controller: usize, server: Ipv4Addr, unit: u8, blocks: Vec<Block>) -> Self {
        Self {
            controller,
            server,
            unit,
            connection: None,
            connecting_until: SimTime::default(),
            framer: Framer::new(),
            blocks,
            writes: VecDeque::new(),
            jobs: VecDeque::new(),
            outstanding: None,
            next_transaction: 1,
            in_cycle: false,
            check: None,
            cycles: 0,
            failures: 0,
        }
    }

    fn begin_cycle(&mut self, kind: StationKind) {
        self.jobs.clear();
        if kind == StationKind::Workstation {
            self.check = None;
            self.jobs.push_back(Job::Identify);
            self.jobs.push_back(Job::Status);
        }
        self.jobs.extend((0..self.blocks.len()).map(Job::Read));
        self.in_cycle = true;
    }

    /// Gives the connection up and forgets what was asked; operator writes are kept.
    fn fail(&mut self, now: SimTime, host: &mut Host) {
        if let Some(id) = self.connection.take() {
            host.release(now, id);
        }
        if let Some(Outstanding {
            job: job @ Job::Write { .. },
            ..
        }) = self.outstanding.take()
        {
            self.writes.push_front(job);
        }
        self.jobs.clear();
        self.in_cycle = false;
        self.failures += 1;
        self.framer.reset();
    }

    /// Sends the next request if the connection is free.
    fn pump(&mut self, now: SimTime, host: &mut Host, timeout: SimDuration, scratch: &mut Vec<u8>) {
        let Some(id) = self.connection else { return };
        if self.outstanding.is_some() || host.status(id) != ConnectionStatus::Open {
            return;
        }
        let Some(job) = self.writes.pop_front().or_else(|| self.jobs.pop_front()) else {
            return;
        };
        scratch.clear();
        let transaction = self.next_transaction;
        self.next_transaction = transaction.wrapping_add(1);
        let expectation = self.encode(&job, transaction, scratch);
        host.send(now, id, scratch);
        self.outstanding = Some(Outstanding {
            transaction,
            expectation,
            job,
            deadline: now + timeout,
        });
    }

    fn encode(&self, job: &Job, transaction: u16, out: &mut Vec<u8>) -> Expectation {
        let mut packed = Vec::new();
        let request = match job {
            Job::Status => {
                Command::Status.emit(0, &mut packed);
                Request::Engineering(&packed)
            }
            Job::Identify => Request::ReadDeviceIdentification {
                access: Access::Basic,
                object: 0,
            },
            Job::Read(block) => read_request(self.blocks[*block].span),
            Job::Write { span, words } => match (span.table, words.as_slice()) {
                (Table::Coils, words) => Request::WriteSingleCoil {
                    address: span.address,
                    on: words[0] != 0,
                },
                (_, &[value]) => Request::WriteSingleRegister {
                    address: span.address,
                    value,
                },
                (_, words) => {
                    packed.extend(words.iter().flat_map(|word| word.to_be_bytes()));
                    let values = Registers::from_wire(&packed).expect("whole words");
                    Request::WriteMultipleRegisters {
                        address: span.address,
                        values,
                    }
                }
            },
        };
        request.emit_adu(transaction, self.unit, out);
        Expectation::of(&request)
    }

    fn take_answer(&mut self, now: SimTime, tags: &[Tag], beliefs: &mut [Belief]) -> Answer {
        let adu = match self.framer.next_frame() {
            None => return Answer::Nothing,
            Some(Framed::Adu(adu)) => adu,
            Some(Framed::ForeignProtocol(_) | Framed::BadLength { .. }) => return Answer::Nonsense,
        };
        let Some(outstanding) = self.outstanding.take() else {
            return Answer::Nonsense;
        };
        if adu.transaction() != outstanding.transaction || adu.unit() != self.unit {
            return Answer::Nonsense;
        }
        let Ok(response) = outstanding.expectation.parse(adu.pdu()) else {
            return Answer::Nonsense;
        };
        match (outstanding.job, response) {
            (Job::Read(block), response) => {
                let block = &self.blocks[block];
                block.learn(now, response, tags, beliefs);
                Answer::Understood
            }
            (Job::Write { .. }, Response::Exception { .. }) => Answer::WriteRefused,
            (Job::Status, Response::Engineering(message)) => {
                if let Some((_, Told::Status(status))) = Told::parse(message) {
                    self.check = Some(ProgramCheck::of(&status));
                }
                Answer::Understood
            }
            (Job::Identify | Job::Status | Job::Write { .. }, _) => Answer::Understood,
        }
    }
}

fn read_request(span: Span) -> Request<'static> {
    let Span {
        address, quantity, ..
    } = span;
    match span.table {
        Table::Coils => Request::ReadCoils { address, quantity },
        Table::DiscreteInputs => Request::ReadDiscreteInputs { address, quantity },
        Table::HoldingRegisters => Request::ReadHoldingRegisters { address, quantity },
        Table::InputRegisters => Request::ReadInputRegisters { address, quantity },
    }
}

impl Block {
    /// Takes a response's values over; a refusal makes the block's tags bad.
    fn learn(&self, now: SimTime, response: Response<'_>, tags: &[Tag], beliefs: &mut [Belief]) {
        if let Some(registers) = response.registers() {
            self.learn_words(now, |at| registers.get(at), tags, beliefs);
        } else if let Some(bits) = response.bits() {
            self.learn_words(now, |at| bits.get(at).map(u16::from), tags, beliefs);
        } else {
            self.learn_words(now, |_| None, tags, beliefs);
        }
    }

    #[inline]
    fn learn_words(
        &self,
        now: SimTime,
        word: impl Fn(usize) -> Option<u16>,
        tags: &[Tag],
        beliefs: &mut [Belief],
    ) {
        for &index in &self.tags {
            let tag = &tags[index];
            let at = usize::from(tag.span.address - self.span.address);
            let second = match tag.span.quantity {
                2 => word(at + 1),
                _ => Some(0),
            };
            let belief = &mut beliefs[index];
            match (word(at), second) {
                (Some(first), Some(second)) => {
                    *belief = Belief {
                        value: tag.value_of_words(&[first, second]),
                        quality: Quality::Good,
                        at: now,
                    };
                }
                _ => belief.quality = Quality::Bad,
            }
        }
    }
}
