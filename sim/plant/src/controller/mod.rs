//! A programmable controller: scan cycle, memory, wiring to the process, and its Modbus server.
//!
//! A scan reads the inputs, executes the program and writes the outputs. The program's fuel is its scan
//! time, so the outputs reach the process only when the modelled scan has ended, and a scan that is
//! longer than the watchdog allows stops the controller. Modbus reads and writes the same memory
//! between scans, without asking who writes: legacy controllers accept any command.
//!
//! An engineering client can load and command it in a session (function 90), or load it as file records
//! (functions 20 and 21).
//!
//! | module | holds |
//! | --- | --- |
//! | `runtime` | mode, program, image, restarts, changes under way |
//! | `session` | the engineering session |
//! | `files` | its transfers as file records |
//! | `forces`, `faults` | their tables |
//! | `firmware` | firmware images |
//! | `pair` | primary and standby |
//! | `bank` | what Modbus can reach |

mod bank;
mod faults;
mod files;
pub(crate) mod firmware;
mod forces;
pub(crate) mod pair;
mod runtime;
mod session;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::net::Ipv4Addr;
use std::sync::Arc;

use sim_kernel::digest::Hasher;
use sim_kernel::math;
use sim_kernel::time::{SimDuration, SimTime};
use sim_process::point::PointId;
use sim_st::{Image, Program};
use sim_wire::modbus::engineering::{Key, Mode, Restart};
use sim_wire::modbus::identity::MAJOR_MINOR_REVISION;
use sim_wire::modbus::{DeviceProfile, Framed, Framer, Served, serve};

use self::bank::{ImageBank, bit_of, register_of};
use self::faults::FaultCode;
use self::firmware::{Behavior, FirmwareImage};
use self::pair::PairConfig;
use self::runtime::{Notice, Runtime};
use self::session::{Session, Turn};
use crate::address::{Address, TABLE_LIMIT, Width};
use crate::host::ConnectionId;
use crate::tag::Tag;

/// Raw value of an analog card at full scale.
pub(crate) const RAW_FULL_SCALE: f64 = 27_648.0;

/// Most requests that wait for the communication processor, over all connections.
const REQUESTS_MAX: usize = 64;

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
    /// Version of the firmware that the plant was built with.
    pub(crate) firmware: String,
    pub(crate) key: Key,
    /// Whether outputs stay as they are when RUN is left.
    pub(crate) holds_outputs: bool,
    pub(crate) password: Option<String>,
    pub(crate) firmware_key: Option<String>,
    /// Scan periods from asking for an activation until it takes effect.
    pub(crate) activation_scans: u16,
    pub(crate) firmware_time: SimDuration,
    pub(crate) session_timeout: SimDuration,
    /// Makes the numbers that passwords are proved with.
    pub(crate) nonce_seed: u64,
    pub(crate) inputs: Vec<Wire>,
    pub(crate) outputs: Vec<Wire>,
    /// Connections that its Modbus server offers.
    pub(crate) places: u16,
    /// Its place in a pair, if it is in one.
    pub(crate) pair: Option<PairConfig>,
}

/// What the process needs to be to a controller.
pub(crate) trait Terminals {
    /// The value at a sensor.
    fn sense(&mut self, point: PointId) -> f64;
    /// Commands an actuator.
    fn drive(&mut self, point: PointId, value: f64);
}

struct Waiting {
    connection: ConnectionId,
    adu: Vec<u8>,
}

/// A controller.
pub(crate) struct Controller {
    pub(crate) config: ControllerConfig,
    runtime: Runtime,
    session: Session,
    /// What it says about itself; follows the firmware.
    profile: DeviceProfile,
    framers: Vec<(u32, Framer)>,
    waiting: VecDeque<Waiting>,
    /// Buffers of requests that were served.
    spare: Vec<Vec<u8>>,
    service_free_at: SimTime,
    /// Whether it has power.
    pub(crate) powered: bool,
    /// When a start that was begun by hand ends.
    pub(crate) power_on_at: Option<SimTime>,
    scans: u64,
    overruns: u64,
    requests: u64,
    exceptions: u64,
    malformed: u64,
}

impl ControllerConfig {
    /// The firmware that the plant was built with.
    pub(crate) fn golden_firmware(&self) -> FirmwareImage {
        FirmwareImage {
            version: self.firmware.clone(),
            behavior: Behavior::Normal,
        }
    }
}

impl Controller {
    pub(crate) fn new(config: ControllerConfig) -> Self {
        let framers = (0..config.places).map(|_| (0, Framer::new())).collect();
        Self {
            runtime: Runtime::new(&config),
            session: Session::default(),
            profile: config.profile.clone(),
            config,
            framers,
            waiting: VecDeque::new(),
            spare: Vec::new(),
            service_free_at: SimTime::default(),
            powered: true,
            power_on_at: None,
            scans: 0,
            overruns: 0,
            requests: 0,
            exceptions: 0,
            malformed: 0,
        }
    }

    /// What it is doing.
    pub(crate) fn mode(&self) -> Mode {
        self.runtime.mode
    }

    /// The program that runs.
    pub(crate) fn program(&self) -> &Arc<Program> {
        self.runtime.program()
    }

    /// Whether a marker bit is on.
    pub(crate) fn marker_bit(&self, index: u16) -> bool {
        self.runtime.image.mx[usize::from(index)]
    }

    /// The value of one of its tags, as it lies in memory.
    pub(crate) fn value_of(&self, tag: &Tag) -> f64 {
        let image = &self.runtime.image;
        let word = |at: u16| {
            let at = tag.span.address + at;
            match tag.is_bit() {
                true => u16::from(bit_of(image, tag.span.table, at)),
                false => register_of(image, tag.span.table, at),
            }
        };
        match tag.span.quantity {
            1 => tag.value_of_words(&[word(0)]),
            _ => tag.value_of_words(&[word(0), word(1)]),
        }
    }

    /// Whether it executes its program and drives its outputs.
    pub(crate) fn runs(&self) -> bool {
        self.powered && self.runtime.mode == Mode::Run && !self.runtime.is_standby()
    }

    /// Whether it is as it was commissioned: its own program, firmware and scan period, and nothing forced.
    pub(crate) fn is_as_commissioned(&self) -> bool {
        let (runtime, config) = (&self.runtime, &self.config);
        runtime.program().digest() == config.program.digest()
            && runtime.firmware == config.golden_firmware()
            && runtime.scan == config.scan
            && runtime.forces.len() == 0
    }

    /// Takes the lines that the controller has to say.
    pub(crate) fn take_notices(&mut self) -> Vec<Notice> {
        std::mem::take(&mut self.runtime.notices)
    }

    /// Begins with the program that it holds, which need not be the golden one, after its power was
    /// off. Forces and firmware stay, as on a controller that keeps them in flash memory.
    pub(crate) fn power_cycle(&mut self, now: SimTime) {
        self.session.reset();
        self.runtime.pending = None;
        self.runtime.restart(now, Restart::Cold, &self.config);
    }

    /// Loses its power. Its outputs go to zero whatever the plant file says, because nothing holds them; in
    /// a pair the cards have power of their own and wait for the other controller.
    pub(crate) fn power_off(&mut self, now: SimTime) {
        self.session.reset();
        self.waiting.clear();
        let runtime = &mut self.runtime;
        runtime.pending = None;
        runtime.drop_out(now, Mode::Stop, &self.config);
        if runtime.pair.is_none() {
            runtime.image = Image::new();
            runtime.outputs_ready_at = Some(now);
        }
        self.powered = false;
        self.power_on_at = None;
    }

    /// Has its power back, and begins as after a power cycle.
    pub(crate) fn power_on(&mut self, now: SimTime) {
        self.powered = true;
        self.power_on_at = None;
        self.power_cycle(now);
    }

    /// Stops for somebody who restores it on the spot.
    pub(crate) fn begin_service(&mut self, now: SimTime) {
        self.session.reset();
        self.runtime.pending = None;
        self.runtime.in_service = true;
        self.runtime.drop_out(now, Mode::Program, &self.config);
    }

    /// Starts with the golden program, firmware and scan period and no forces.
    pub(crate) fn end_service(&mut self, now: SimTime) {
        self.runtime.restore_golden(now, &self.config);
        self.follow_firmware();
    }

    /// Shows the version of the firmware in the identity.
    fn follow_firmware(&mut self) {
        let version = self.runtime.firmware.version.as_bytes();
        let identity = self.profile.identity.clone();
        if let Ok(identity) = identity.with_object(MAJOR_MINOR_REVISION, version) {
            self.profile.identity = identity;
        }
    }

    /// One scan. Returns when the next may start.
    pub(crate) fn scan(&mut self, now: SimTime, process: &mut impl Terminals) -> SimTime {
        if !self.powered {
            return now + self.runtime.scan;
        }
        if self.runtime.settle(now, &self.config) {
            self.follow_firmware();
        }
        let next = now + self.runtime.scan;
        if self.runtime.mode != Mode::Run || self.runtime.is_standby() {
            return next;
        }
        self.scans += 1;
        self.read_inputs(process);
        let runtime = &mut self.runtime;
        runtime.forces.apply(&mut runtime.image);
        let fuel = self.config.watchdog.as_nanos();
        let report = runtime
            .machine
            .scan(&mut runtime.image, now.as_nanos(), fuel);
        if let Some(trap) = report.trap {
            runtime.fault(now, FaultCode::of(trap), trap.line(), trap.to_string());
            runtime.trip(now, &self.config);
            return next;
        }
        runtime.forces.apply(&mut runtime.image);
        let ends = now + SimDuration::from_nanos(report.fuel_used);
        runtime.outputs_ready_at = Some(ends);
        if ends > next {
            self.overruns += 1;
            let text = "the scan took longer than its period".to_owned();
            runtime.fault(now, FaultCode::Overrun, 0, text);
            return ends;
        }
        next
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the value is limited to the card's range first"
    )]
    fn read_inputs(&mut self, process: &mut impl Terminals) {
        for wire in &self.config.inputs {
            let value = process.sense(wire.point);
            if self.runtime.firmware.behavior == Behavior::FrozenInputs {
                continue; // The sensor was asked, so that its noise goes on as it would.
            }
            let index = usize::from(wire.address.index);
            if wire.address.width == Width::Bit {
                self.runtime.image.ix[index] = value != 0.0;
                continue;
            }
            let raw = (value - wire.low) / wire.per_raw + 0.5;
            let raw = math::clamp(raw, 0.0, 65_535.0);
            self.runtime.image.iw[index] = raw as u16;
        }
    }

    /// Hands the last scan's outputs to the process, once the scan has ended.
    pub(crate) fn write_outputs(&mut self, now: SimTime, process: &mut impl Terminals) {
        if self
            .runtime
            .outputs_ready_at
            .is_none_or(|ready| ready > now)
        {
            return;
        }
        self.runtime.outputs_ready_at = None;
        if self.runtime.is_standby() {
            return;
        }
        if self.runtime.mode == Mode::Run {
            // A client may have written to the image since the scan.
            self.runtime.forces.apply(&mut self.runtime.image);
        }
        for wire in &self.config.outputs {
            let index = usize::from(wire.address.index);
            let value = if wire.address.width == Width::Bit {
                f64::from(u8::from(self.runtime.image.qx[index]))
            } else {
                wire.low + wire.per_raw * f64::from(self.runtime.image.qw[index])
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

    /// The connection that the oldest request came on.
    pub(crate) fn next_connection(&self) -> Option<ConnectionId> {
        self.waiting.front().map(|waiting| waiting.connection)
    }

    /// Serves the oldest request. The answer is appended to `out`, which stays empty if the controller
    /// keeps silent.
    ///
    /// # Arguments
    ///
    /// * `client` — the address at the other end of its connection, if that is still open.
    pub(crate) fn serve_next(
        &mut self,
        now: SimTime,
        client: Option<Ipv4Addr>,
        out: &mut Vec<u8>,
    ) -> Option<Served> {
        let waiting = self.waiting.pop_front()?;
        let adu = sim_wire::modbus::Adu::view(&waiting.adu).expect("only whole requests wait");
        self.requests += 1;
        let turn = Turn {
            now,
            client,
            session: &mut self.session,
            runtime: &mut self.runtime,
            config: &self.config,
        };
        let served = serve(&adu, &mut ImageBank { turn }, &self.profile, out);
        if served.exception().is_some() {
            self.exceptions += 1;
        }
        self.spare.push(waiting.adu);
        Some(served)
    }

    /// Feeds memory, mode and counters into a digest.
    pub(crate) fn digest(&self, put: &mut Hasher) {
        self.runtime.digest(put);
        self.session.digest(put);
        for count in [
            self.scans,
            self.overruns,
            self.requests,
            self.exceptions,
            self.malformed,
        ] {
            put.put_u64(count);
        }
        for bits in [
            &self.runtime.image.ix,
            &self.runtime.image.qx,
            &self.runtime.image.mx,
        ] {
            put_bits(put, bits);
        }
        for words in [
            &self.runtime.image.iw,
            &self.runtime.image.qw,
            &self.runtime.image.mw,
        ] {
            put_words(put, words);
        }
        put.put_len(self.waiting.len());
        put.put_bool(self.powered);
        put.put_u64(self.power_on_at.map_or(u64::MAX, SimTime::as_nanos));
    }
}

/// Feeds a table of bits into a digest, eight to a pair of bytes, without the zeros at its end, which most
/// of it is.
fn put_bits(put: &mut Hasher, bits: &[bool]) {
    let used = used_len(bits);
    let mut bytes = [0; TABLE_LIMIT as usize / 4];
    for (place, eight) in bytes.chunks_exact_mut(2).zip(bits[..used].chunks(8)) {
        let byte = eight.iter().fold(0, |byte, &bit| byte << 1 | u8::from(bit));
        place[1] = byte << (8 - eight.len());
    }
    put.put_bytes(&bytes[..2 * used.div_ceil(8)]);
}

/// Feeds a table of words into a digest, high byte first, without the zeros at its end.
fn put_words(put: &mut Hasher, words: &[u16]) {
    let used = used_len(words);
    let mut bytes = [0; 2 * TABLE_LIMIT as usize];
    for (place, word) in bytes.chunks_exact_mut(2).zip(&words[..used]) {
        place.copy_from_slice(&word.to_be_bytes());
    }
    let ends_in_zero = used > 0 && bytes[2 * used - 1] == 0;
    put.put_bytes(&bytes[..2 * used - usize::from(ends_in_zero)]);
}

/// Entries up to the last one that is not zero.
fn used_len<T: PartialEq + Default>(table: &[T]) -> usize {
    const BLOCK: usize = 64;
    let zero = T::default();
    // Without an early exit a block is compared in a few wide steps.
    let is_used = |block: &[T]| {
        block
            .iter()
            .fold(false, |any, entry| any | (*entry != zero))
    };
    table.chunks(BLOCK).rposition(is_used).map_or(0, |block| {
        let rest = &table[block * BLOCK..table.len().min((block + 1) * BLOCK)];
        let last = rest.iter().rposition(|entry| *entry != zero);
        block * BLOCK + last.map_or(0, |at| at + 1)
    })
}
