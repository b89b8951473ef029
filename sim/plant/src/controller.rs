//! A programmable controller: scan cycle, memory, wiring to the process, and its Modbus server.
//!
//! A scan reads the inputs, executes the program and writes the outputs. The program's fuel is its scan
//! time, so the outputs reach the process only when the modelled scan has ended, and a scan that is
//! longer than the watchdog allows stops the controller. Modbus reads and writes the same memory
//! between scans, without asking who writes: legacy controllers accept any command.
//!
//! **Invariant:** only a scan in RUN drives outputs; in every other mode they are zero.

use std::collections::VecDeque;
use std::sync::Arc;

use sim_kernel::digest::Hasher;
use sim_kernel::math;
use sim_kernel::time::{SimDuration, SimTime};
use sim_process::point::PointId;
use sim_st::{Image, Machine, Program, Trap};
use sim_wire::modbus::server::{Bank, Operation};
use sim_wire::modbus::{DeviceProfile, ExceptionCode, Framed, Framer, Served, Span, Table, serve};

use crate::address::{Address, Area, TABLE_LIMIT, Width};
use crate::host::ConnectionId;

/// Raw value of an analog card at full scale.
pub(crate) const RAW_FULL_SCALE: f64 = 27_648.0;

/// Most requests that wait for the communication processor, over all connections.
const REQUESTS_MAX: usize = 64;

/// What a controller is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// The program runs.
    Run,
    /// The program is being changed; outputs are off.
    Program,
    /// Stopped by a fault; outputs are off until somebody restarts it.
    Stop,
}

/// A wire between the controller's image and the process.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wire {
    pub(crate) address: Address,
    pub(crate) point: PointId,
    /// Engineering value at raw 0 and engineering units per raw unit.
    pub(crate) low: f64,
    pub(crate) per_raw: f64,
}

/// Fixed properties of a controller.
pub(crate) struct ControllerConfig {
    pub(crate) name: String,
    pub(crate) host: usize,
    pub(crate) program: Arc<Program>,
    pub(crate) scan: SimDuration,
    pub(crate) watchdog: SimDuration,
    pub(crate) service: SimDuration,
    pub(crate) profile: DeviceProfile,
    pub(crate) inputs: Vec<Wire>,
    pub(crate) outputs: Vec<Wire>,
    /// Connections that its Modbus server offers.
    pub(crate) places: u16,
}

/// What the process needs to be to a controller.
pub(crate) trait Terminals {
    /// The value at a sensor.
    fn sense(&mut self, point: PointId) -> f64;
    /// Commands an actuator.
    fn drive(&mut self, point: PointId, value: f64);
}

/// What a scan came to.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum ScanOutcome {
    /// It ended in time.
    Done,
    /// It was longer than its period; the next one starts late.
    Overrun,
    /// It stopped the controller.
    Stopped(Trap),
}

struct Waiting {
    connection: ConnectionId,
    adu: Vec<u8>,
}

/// A controller.
pub(crate) struct Controller {
    pub(crate) config: ControllerConfig,
    pub(crate) mode: Mode,
    machine: Machine,
    image: Image,
    outputs_ready_at: Option<SimTime>,
    framers: Vec<(u32, Framer)>,
    waiting: VecDeque<Waiting>,
    /// Buffers of requests that were served.
    spare: Vec<Vec<u8>>,
    service_free_at: SimTime,
    scans: u64,
    overruns: u64,
    faults: u64,
    requests: u64,
    exceptions: u64,
    malformed: u64,
}

impl Controller {
    pub(crate) fn new(config: ControllerConfig) -> Self {
        let machine = Machine::new(Arc::clone(&config.program));
        let framers = (0..config.places).map(|_| (0, Framer::new())).collect();
        Self {
            config,
            mode: Mode::Run,
            machine,
            image: Image::new(),
            outputs_ready_at: None,
            framers,
            waiting: VecDeque::new(),
            spare: Vec::new(),
            service_free_at: SimTime::default(),
            scans: 0,
            overruns: 0,
            faults: 0,
            requests: 0,
            exceptions: 0,
            malformed: 0,
        }
    }

    /// Starts the golden program with its initial values, whatever was in memory before. The first
    /// scan writes the initial values of located variables into the image.
    pub(crate) fn cold_start(&mut self) {
        self.machine = Machine::new(Arc::clone(&self.config.program));
        self.image = Image::new();
        self.mode = Mode::Run;
    }

    /// Leaves RUN: the outputs go to zero with the next process step.
    pub(crate) fn leave_run(&mut self, now: SimTime, mode: Mode) {
        self.mode = mode;
        self.image.qx.fill(false);
        self.image.qw.fill(0);
        self.outputs_ready_at = Some(now);
    }

    /// One scan. Returns when the next may start, and what came of this one.
    pub(crate) fn scan(
        &mut self,
        now: SimTime,
        process: &mut impl Terminals,
    ) -> (SimTime, ScanOutcome) {
        let next = now + self.config.scan;
        if self.mode != Mode::Run {
            return (next, ScanOutcome::Done);
        }
        self.scans += 1;
        self.read_inputs(process);
        let fuel = self.config.watchdog.as_nanos();
        let report = self.machine.scan(&mut self.image, now.as_nanos(), fuel);
        if let Some(trap) = report.trap {
            self.faults += 1;
            self.leave_run(now, Mode::Stop);
            return (next, ScanOutcome::Stopped(trap));
        }
        let ends = now + SimDuration::from_nanos(report.fuel_used);
        self.outputs_ready_at = Some(ends);
        if ends > next {
            self.overruns += 1;
            return (ends, ScanOutcome::Overrun);
        }
        (next, ScanOutcome::Done)
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the value is limited to the card's range first"
    )]
    fn read_inputs(&mut self, process: &mut impl Terminals) {
        for wire in &self.config.inputs {
            let value = process.sense(wire.point);
            let index = usize::from(wire.address.index);
            if wire.address.width == Width::Bit {
                self.image.ix[index] = value != 0.0;
                continue;
            }
            let raw = (value - wire.low) / wire.per_raw + 0.5;
            let raw = math::clamp(raw, 0.0, 65_535.0);
            self.image.iw[index] = raw as u16;
        }
    }

    /// Hands the last scan's outputs to the process, once the scan has ended.
    pub(crate) fn write_outputs(&mut self, now: SimTime, process: &mut impl Terminals) {
        if self.outputs_ready_at.is_none_or(|ready| ready > now) {
            return;
        }
        self.outputs_ready_at = None;
        for wire in &self.config.outputs {
            let index = usize::from(wire.address.index);
            let value = if wire.address.width == Width::Bit {
                f64::from(u8::from(self.image.qx[index]))
            } else {
                wire.low + wire.per_raw * f64::from(self.image.qw[index])
            };
            process.drive(wire.point, value);
        }
    }

    /// Takes in what a client has sent. Returns how many requests were added to the queue, and
    /// whether the connection must be dropped because its boundaries are lost.
    pub(crate) fn receive(
        &mut self,
        connection: ConnectionId,
        inbox: &mut Vec<u8>,
    ) -> (usize, bool) {
        let (generation, framer) = &mut self.framers[usize::from(connection.slot)];
        if *generation != connection.generation {
            *generation = connection.generation;
            framer.reset();
        }
        framer.push(inbox);
        inbox.clear();
        let mut added = 0;
        while let Some(framed) = framer.next_frame() {
            match framed {
                Framed::Adu(adu) if self.waiting.len() < REQUESTS_MAX => {
                    let mut bytes = self.spare.pop().unwrap_or_default();
                    bytes.clear();
                    adu.emit(&mut bytes);
                    self.waiting.push_back(Waiting {
                        connection,
                        adu: bytes,
                    });
                    added += 1;
                }
                // The queue is full: the request is lost, as in a device that is out of buffers.
                Framed::Adu(_) => self.malformed += 1,
                Framed::ForeignProtocol(_) => self.malformed += 1,
                Framed::BadLength { .. } => {
                    self.malformed += 1;
                    return (added, true);
                }
            }
        }
        (added, false)
    }

    /// Reserves the communication processor for one more request. Returns when it will be done.
    pub(crate) fn next_service(&mut self, now: SimTime) -> SimTime {
        let start = if self.service_free_at > now {
            self.service_free_at
        } else {
            now
        };
        self.service_free_at = start + self.config.service;
        self.service_free_at
    }

    /// Serves the oldest request. Returns the connection to answer on and what happened; the answer
    /// is appended to `out`, which stays empty if the controller keeps silent.
    pub(crate) fn serve_next(&mut self, out: &mut Vec<u8>) -> Option<(ConnectionId, Served)> {
        let waiting = self.waiting.pop_front()?;
        let adu = sim_wire::modbus::Adu::view(&waiting.adu).expect("only whole requests wait");
        self.requests += 1;
        let mut bank = ImageBank {
            image: &mut self.image,
            mode: self.mode,
        };
        let served = serve(&adu, &mut bank, &self.config.profile, out);
        if served.exception().is_some() {
            self.exceptions += 1;
        }
        let connection = waiting.connection;
        self.spare.push(waiting.adu);
        Some((connection, served))
    }

    /// Feeds memory, mode and counters into a digest.
    pub(crate) fn digest(&self, put: &mut Hasher) {
        put.put_u8(self.mode as u8);
        for count in [
            self.scans,
            self.overruns,
            self.faults,
            self.requests,
            self.exceptions,
            self.malformed,
        ] {
            put.put_u64(count);
        }
        put.put_u64(self.outputs_ready_at.map_or(u64::MAX, SimTime::as_nanos));
        for &slot in self.machine.state() {
            put.put_u64(slot);
        }
        for bits in [&self.image.ix, &self.image.qx, &self.image.mx] {
            put_used(
                put,
                bits.chunks(8).map(|eight| {
                    [
                        0,
                        eight.iter().fold(0, |byte, &bit| byte << 1 | u8::from(bit)),
                    ]
                }),
            );
        }
        for words in [&self.image.iw, &self.image.qw, &self.image.mw] {
            put_used(put, words.iter().map(|word| word.to_be_bytes()));
        }
        put.put_len(self.waiting.len());
    }
}

/// Feeds a table into a digest without the zeros at its end, which most of it is.
fn put_used(put: &mut Hasher, entries: impl Iterator<Item = [u8; 2]>) {
    let mut bytes = [0; 2 * TABLE_LIMIT as usize];
    let mut used = 0;
    for (place, entry) in bytes.chunks_exact_mut(2).zip(entries) {
        place.copy_from_slice(&entry);
    }
    if let Some(last) = bytes.iter().rposition(|&byte| byte != 0) {
        used = last + 1;
    }
    put.put_bytes(&bytes[..used]);
}

/// The controller's memory as Modbus sees it.
struct ImageBank<'a> {
    image: &'a mut Image,
    mode: Mode,
}

impl ImageBank<'_> {
    fn split(address: u16) -> (Area, usize) {
        match address.checked_sub(TABLE_LIMIT) {
            Some(marker) => (Area::Marker, usize::from(marker)),
            None => (Area::Output, usize::from(address)),
        }
    }
}

impl Bank for ImageBank<'_> {
    fn check(&self, span: Span, _operation: Operation) -> Result<(), ExceptionCode> {
        let size = match span.table {
            Table::Coils | Table::HoldingRegisters => 2 * u32::from(TABLE_LIMIT),
            Table::DiscreteInputs | Table::InputRegisters => u32::from(TABLE_LIMIT),
        };
        if span.addresses().end > size {
            return Err(ExceptionCode::IllegalDataAddress);
        }
        if self.mode == Mode::Program {
            return Err(ExceptionCode::ServerDeviceBusy);
        }
        Ok(())
    }

    fn bit(&self, table: Table, address: u16) -> bool {
        if table == Table::DiscreteInputs {
            return self.image.ix[usize::from(address)];
        }
        match Self::split(address) {
            (Area::Marker, index) => self.image.mx[index],
            (_, index) => self.image.qx[index],
        }
    }

    fn register(&self, table: Table, address: u16) -> u16 {
        if table == Table::InputRegisters {
            return self.image.iw[usize::from(address)];
        }
        match Self::split(address) {
            (Area::Marker, index) => self.image.mw[index],
            (_, index) => self.image.qw[index],
        }
    }

    fn set_coil(&mut self, address: u16, on: bool) {
        match Self::split(address) {
            (Area::Marker, index) => self.image.mx[index] = on,
            (_, index) => self.image.qx[index] = on,
        }
    }

    fn set_register(&mut self, address: u16, value: u16) {
        match Self::split(address) {
            (Area::Marker, index) => self.image.mw[index] = value,
            (_, index) => self.image.qw[index] = value,
        }
    }
}
