//! What runs in a controller: mode, program, image, forces, and how one state becomes the next.
//!
//! **Invariant:** only a scan in RUN drives outputs; when RUN is left they go to zero, or stay as they
//! are where the plant file says so.
//!
//! **Invariant:** in a pair, outputs stay for a while when RUN was not left on purpose, so that the other
//! controller can go on with them.
//!
//! **Invariant:** a change that takes time is one [`Pending`]; it happens between two scans.

use std::sync::Arc;

use sim_kernel::digest::{Digest, Hasher};
use sim_kernel::time::{SimDuration, SimTime};
use sim_st::{Image, Machine, Program};
use sim_wire::modbus::engineering::{Key, Mode, Restart};

use super::ControllerConfig;
use super::faults::{FaultCode, FaultLog};
use super::firmware::{Behavior, FirmwareImage};
use super::forces::ForceTable;
use super::pair::Pair;

/// A change that was asked for and takes effect at its time.
#[derive(Debug)]
pub(crate) enum Change {
    /// Load and cold start.
    Load(Arc<Program>),
    /// Replace the program between two scans.
    Online(Arc<Program>),
    /// Start with another firmware.
    Firmware(FirmwareImage),
}

#[derive(Debug)]
pub(crate) struct Pending {
    pub(crate) change: Change,
    pub(crate) due: SimTime,
}

/// A line for the log of the controller's host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Notice {
    pub(crate) kind: &'static str,
    pub(crate) severity: u8,
    pub(crate) text: String,
}

/// The running part of a controller.
pub(crate) struct Runtime {
    pub(crate) mode: Mode,
    pub(crate) key: Key,
    pub(crate) scan: SimDuration,
    pub(crate) machine: Machine,
    pub(crate) image: Image,
    pub(crate) forces: ForceTable,
    pub(crate) faults: FaultLog,
    pub(crate) firmware: FirmwareImage,
    pub(crate) pending: Option<Pending>,
    /// Size of the program's container, bytes.
    pub(crate) program_bytes: u32,
    /// Whether somebody restores the controller on the spot; nothing is accepted from afar.
    pub(crate) in_service: bool,
    /// Whether it has stopped by itself; a start ends that.
    pub(crate) tripped: bool,
    /// Its part in a pair, if it is in one.
    pub(crate) pair: Option<Pair>,
    pub(crate) outputs_ready_at: Option<SimTime>,
    pub(crate) notices: Vec<Notice>,
}

impl Runtime {
    pub(crate) fn new(config: &ControllerConfig) -> Self {
        Self {
            mode: start_mode(config.key),
            key: config.key,
            scan: config.scan,
            machine: Machine::new(Arc::clone(&config.program)),
            image: Image::new(),
            forces: ForceTable::default(),
            faults: FaultLog::default(),
            firmware: config.golden_firmware(),
            pending: None,
            program_bytes: container_bytes(&config.program),
            in_service: false,
            tripped: false,
            pair: config.pair.map(Pair::new),
            outputs_ready_at: None,
            notices: Vec::new(),
        }
    }

    pub(crate) fn program(&self) -> &Arc<Program> {
        self.machine.program()
    }

    pub(crate) fn notice(&mut self, kind: &'static str, severity: u8, text: String) {
        self.notices.push(Notice {
            kind,
            severity,
            text,
        });
    }

    /// Writes a fault into the log. Only the first of several in a row is told to the host.
    pub(crate) fn fault(&mut self, now: SimTime, code: FaultCode, line: u32, text: String) {
        let (severity, lead) = match code {
            FaultCode::Overrun | FaultCode::Rejected => (4, ""),
            _ => (2, "controller stopped: "),
        };
        if self.faults.add(now, code, line, text.clone()) == 1 {
            self.notice("FAULT", severity, format!("{lead}{text}"));
        }
    }

    /// Leaves RUN.
    pub(crate) fn leave_run(&mut self, now: SimTime, mode: Mode, config: &ControllerConfig) {
        self.mode = mode;
        if config.holds_outputs {
            self.outputs_ready_at = None;
        } else {
            self.image.qx.fill(false);
            self.image.qw.fill(0);
            self.outputs_ready_at = Some(now);
        }
    }

    /// Leaves RUN for a reason that is none for the process: a fault, a change of firmware, somebody at the
    /// controller. Outputs that another controller may go on with stay until it has had its time.
    pub(crate) fn drop_out(&mut self, now: SimTime, mode: Mode, config: &ControllerConfig) {
        self.leave_run(now, mode, config);
        if let (Some(ready), Some(pair)) = (&mut self.outputs_ready_at, &self.pair) {
            *ready = now + pair.config.hold;
        }
    }

    /// Stops by itself.
    pub(crate) fn trip(&mut self, now: SimTime, config: &ControllerConfig) {
        self.tripped = true;
        self.drop_out(now, Mode::Stop, config);
    }

    /// Starts the program anew, in RUN unless the key switch or the firmware is against it.
    ///
    /// Cold: every variable and the whole image as at first; the first scan writes the initial values
    /// of located variables into the image. Warm: RETAIN variables and located markers keep their
    /// values, also markers that have initial values; outputs begin at zero.
    pub(crate) fn restart(&mut self, now: SimTime, how: Restart, config: &ControllerConfig) {
        match how {
            Restart::Cold => {
                self.machine.reset_cold();
                self.image = Image::new();
            }
            Restart::Warm => {
                self.machine.reset_warm();
                self.machine.keep_image();
                let fresh = Image::new();
                self.image.ix = fresh.ix;
                self.image.iw = fresh.iw;
                self.image.qx = fresh.qx;
                self.image.qw = fresh.qw;
            }
        }
        self.mode = start_mode(self.key);
        self.tripped = false;
        if let Some(pair) = &mut self.pair {
            pair.begin(now);
        }
        if self.firmware.behavior == Behavior::Dead {
            let text = format!("firmware {} does not start", self.firmware.version);
            self.fault(now, FaultCode::Firmware, 0, text);
            self.trip(now, config);
        }
    }

    pub(crate) fn install(&mut self, program: &Arc<Program>) {
        self.machine = Machine::new(Arc::clone(program));
        self.program_bytes = container_bytes(program);
    }

    /// Everything as the project has it: program, firmware, scan period; no forces.
    pub(crate) fn restore_golden(&mut self, now: SimTime, config: &ControllerConfig) {
        self.install(&config.program);
        self.firmware = config.golden_firmware();
        self.forces.clear();
        self.scan = config.scan;
        self.pending = None;
        self.in_service = false;
        self.restart(now, Restart::Cold, config);
    }

    /// Lets a change take effect whose time has come. Returns whether one did.
    pub(crate) fn settle(&mut self, now: SimTime, config: &ControllerConfig) -> bool {
        if self
            .pending
            .as_ref()
            .is_none_or(|pending| pending.due > now)
        {
            return false;
        }
        let Some(Pending { change, .. }) = self.pending.take() else {
            return false;
        };
        match change {
            Change::Load(program) => {
                self.install(&program);
                self.restart(now, Restart::Cold, config);
                let text = format!("program {} running, {}", self.title(), self.mode);
                self.notice("PROGRAM-DOWNLOAD", 4, text);
            }
            Change::Online(program) => {
                self.machine = carry_over(&self.machine, &program);
                self.program_bytes = container_bytes(&program);
                let text = format!("program changed online to {}", self.title());
                self.notice("PROGRAM-DOWNLOAD", 4, text);
            }
            Change::Firmware(image) => {
                let text = format!(
                    "firmware {} replaced by {}",
                    self.firmware.version, image.version
                );
                self.notice("FIRMWARE", 4, text);
                self.firmware = image;
                self.restart(now, Restart::Cold, config);
            }
        }
        true
    }

    /// Name and digest of the program, for people.
    pub(crate) fn title(&self) -> String {
        let program = self.program();
        format!("{} {}", program.name(), short(program.digest()))
    }

    pub(crate) fn digest(&self, put: &mut Hasher) {
        put.put_u8(self.mode.code());
        put.put_u8(self.key.code());
        put.put_u64(self.scan.as_nanos());
        put.put_bytes(&self.program().digest());
        put.put_str(&self.firmware.version);
        put.put_u8(self.firmware.behavior as u8);
        put.put_bool(self.in_service);
        put.put_bool(self.tripped);
        put.put_u64(self.pending.as_ref().map_or(u64::MAX, |p| p.due.as_nanos()));
        put.put_u64(self.outputs_ready_at.map_or(u64::MAX, SimTime::as_nanos));
        self.forces.digest(put);
        self.faults.digest(put);
        if let Some(pair) = &self.pair {
            pair.digest(put);
        }
        for &slot in self.machine.state() {
            put.put_u64(slot);
        }
    }
}

/// The beginning of a digest, for people.
pub(crate) fn short(digest: [u8; 32]) -> String {
    format!("{:016x}", Digest(digest).prefix())
}

fn start_mode(key: Key) -> Mode {
    match key {
        Key::Program => Mode::Program,
        Key::Run | Key::Remote => Mode::Run,
    }
}

fn container_bytes(program: &Program) -> u32 {
    u32::try_from(program.to_bytes().len()).expect("programs are bounded")
}

/// A machine for another program with the values of this one.
///
/// Where both programs keep their variables in the same places, as after a change of statements or
/// constants, the whole state is taken over, timers under way included. Otherwise each variable with
/// the same name, type and bounds keeps its value and everything else begins anew. Markers and outputs
/// come from the image either way.
fn carry_over(machine: &Machine, program: &Arc<Program>) -> Machine {
    let mut next = Machine::new(Arc::clone(program));
    let (old, new) = (machine.program().variables(), program.variables());
    let place = |list: &[sim_st::VariableInfo], at: usize| list[at].slot.wrapping_sub(list[0].slot);
    let is_same = old.len() == new.len()
        && (0..old.len()).all(|at| {
            (&old[at].name, old[at].ty, old[at].array) == (&new[at].name, new[at].ty, new[at].array)
                && place(old, at) == place(new, at)
        });
    if is_same && next.restore_state(machine.state()) {
        return next;
    }
    for variable in new {
        let known = old
            .iter()
            .any(|v| (&v.name, v.ty, v.array) == (&variable.name, variable.ty, variable.array));
        if !known {
            continue;
        }
        let names: Vec<String> = match variable.array {
            None => vec![variable.name.clone()],
            Some(array) => (0..i64::from(array.len))
                .map(|at| format!("{}[{}]", variable.name, array.low + at))
                .collect(),
        };
        for name in names {
            if let Some(value) = machine.read(&name) {
                // A value of the same type always fits.
                let _ = next.write(&name, value);
            }
        }
    }
    next.keep_image();
    next
}
