//! The engineering session of a controller: one client at a time, bounded tries, checked downloads.
//!
//! `docs/engineering-protocol.md` is the description for those who write a client.
//!
//! File records (`files`) are a second way to the same transfers.
//!
//! **Invariant:** nothing that was sent runs before its digest matches and, for a program, the verifier
//! of `sim_st` has accepted the container.
//!
//! **Invariant:** at most one client, one transfer and one upload, each bounded in size.

use std::net::Ipv4Addr;
use std::sync::Arc;

use sim_kernel::digest::{Digest, Hasher};
use sim_kernel::time::{SimDuration, SimTime};
use sim_st::Program;
use sim_wire::modbus::engineering::answer::proof_input;
use sim_wire::modbus::engineering::{
    Activation, Answer, BLOCK_MAX_BYTES, Command, Content, Faults, Forces, Key, Mode, NONCE_BYTES,
    Reason, Restart, Status,
};

use super::ControllerConfig;
use super::faults::FaultCode;
use super::firmware::FirmwareImage;
use super::forces::ForceTable;
use super::runtime::{Change, Pending, Runtime, short};

/// Largest program or firmware, bytes.
pub(super) const CONTENT_MAX_BYTES: u32 = 1 << 20;
/// Wrong proofs in a row until none is looked at for a while.
const TRIES_MAX: u8 = 3;
/// How long that is.
const LOCKED_FOR: SimDuration = SimDuration::from_secs(60);
/// Range of the time between two scans, ms; that of plant files.
const SCAN_MS: std::ops::RangeInclusive<u16> = 1..=10_000;

pub(super) struct Holder {
    id: u8,
    name: String,
    /// The address that it was opened from; who knows the session's number may use it from another.
    pub(super) client: Option<Ipv4Addr>,
    pub(super) used_at: SimTime,
    pub(super) authenticated: bool,
    /// Whether file records opened it, which end it when they have done their work.
    pub(super) by_files: bool,
    nonce: [u8; NONCE_BYTES],
}

/// What a command asks of the controller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Touch {
    /// Nothing but the session itself.
    Session,
    /// To be read, or to forget what was sent.
    Reading,
    /// To be changed.
    Change,
}

impl Touch {
    pub(super) fn of(command: &Command<'_>) -> Self {
        match command {
            Command::Authenticate { .. } | Command::Release => Self::Session,
            Command::UploadBegin | Command::UploadBlock { .. } | Command::Abort => Self::Reading,
            _ => Self::Change,
        }
    }
}

enum Checked {
    Program(Arc<Program>),
    Firmware(FirmwareImage),
}

pub(super) struct Transfer {
    content: Content,
    pub(super) size: u32,
    digest: [u8; 32],
    bytes: Vec<u8>,
    checked: Option<Checked>,
}

impl Transfer {
    pub(super) fn received(&self) -> u32 {
        u32::try_from(self.bytes.len()).expect("transfers are bounded")
    }

    pub(super) fn is_checked(&self) -> bool {
        self.checked.is_some()
    }
}

/// The session's state.
#[derive(Default)]
pub(crate) struct Session {
    pub(super) holder: Option<Holder>,
    last_id: u8,
    connects: u64,
    wrong: u8,
    locked_until: SimTime,
    pub(super) upload: Option<Vec<u8>>,
    pub(super) transfer: Option<Transfer>,
    /// What became of the last order that came as file records; none came yet if `None`.
    pub(super) last_order: Option<Result<(), Reason>>,
}

/// One command, and all that it may touch.
pub(crate) struct Turn<'a> {
    pub(crate) now: SimTime,
    /// Address of the client.
    pub(crate) client: Option<Ipv4Addr>,
    pub(crate) session: &'a mut Session,
    pub(crate) runtime: &'a mut Runtime,
    pub(crate) config: &'a ControllerConfig,
}

impl Session {
    /// Forgets client and transfers, as a power cycle does.
    pub(crate) fn reset(&mut self) {
        self.holder = None;
        self.upload = None;
        self.transfer = None;
    }

    /// A part of what is being read.
    pub(super) fn upload_part(&self, offset: u32, length: usize) -> Result<&[u8], Reason> {
        let bytes = self.upload.as_ref().ok_or(Reason::WrongState)?;
        let start = usize::try_from(offset).map_err(|_| Reason::OutOfRange)?;
        let rest = bytes.get(start..).ok_or(Reason::OutOfRange)?;
        rest.get(..length).ok_or(Reason::OutOfRange)
    }

    pub(crate) fn digest(&self, put: &mut Hasher) {
        put.put_u64(self.connects);
        put.put_u8(self.wrong);
        put.put_u64(self.locked_until.as_nanos());
        put.put_bool(self.upload.is_some());
        put.put_bytes(self.upload.as_deref().unwrap_or_default());
        put.put_bool(self.transfer.is_some());
        if let Some(transfer) = &self.transfer {
            put.put_bool(transfer.content == Content::Program);
            put.put_u32(transfer.size);
            put.put_bytes(&transfer.digest);
            put.put_bytes(&transfer.bytes);
            put.put_bool(transfer.is_checked());
        }
        put.put_bool(self.holder.is_some());
        if let Some(holder) = &self.holder {
            put.put_u8(holder.id);
            put.put_u64(holder.used_at.as_nanos());
            put.put_bool(holder.authenticated);
            put.put_bool(holder.by_files);
            put.put_u32(holder.client.map_or(0, Ipv4Addr::to_bits));
        }
        let last_order = |result: Result<(), Reason>| result.map_or_else(Reason::code, |()| 0);
        put.put_u8(self.last_order.map_or(u8::MAX, last_order));
    }
}

impl Turn<'_> {
    /// Carries a command out and appends the answer.
    pub(crate) fn answer(&mut self, id: u8, command: &Command<'_>, out: &mut Vec<u8>) {
        self.expire();
        let operation = command.operation();
        let result = match command {
            Command::Connect { name } => self.connect(name, out),
            command if command.is_open() => self.tell(id, command, out),
            command => self
                .admit(id, command)
                .and_then(|()| self.carry_out(id, command, out)),
        };
        if let Err(reason) = result {
            Answer::Refused { operation, reason }.emit(id, out);
        }
    }

    /// Who holds the session, unless it was left alone for too long.
    pub(super) fn holder(&self) -> Option<&Holder> {
        let timeout = self.config.session_timeout;
        let holder = self.session.holder.as_ref();
        holder.filter(|holder| holder.used_at + timeout > self.now)
    }

    /// Ends a session that was left alone for too long.
    pub(super) fn expire(&mut self) {
        if self.session.holder.is_some() && self.holder().is_none() {
            self.session.reset();
        }
    }

    fn connect(&mut self, name: &str, out: &mut Vec<u8>) -> Result<(), Reason> {
        if self.session.holder.is_some() {
            return Err(Reason::InUse);
        }
        let nonce = self.open(name, false);
        let text = format!("engineering session opened by {name:?}");
        self.runtime.notice("SESSION", 6, text);
        let timeout_s = self.config.session_timeout.as_nanos() / 1_000_000_000;
        Answer::Connected {
            needs_password: self.config.password.is_some(),
            timeout_s: u16::try_from(timeout_s).expect("checked with the plant"),
            nonce,
        }
        .emit(self.session.last_id, out);
        Ok(())
    }

    /// Reserves the session for this client. Returns what a password is to be proved with.
    pub(super) fn open(&mut self, name: &str, by_files: bool) -> [u8; NONCE_BYTES] {
        self.session.last_id = self.session.last_id.checked_add(1).unwrap_or(1);
        self.session.connects += 1;
        let mut input = self.config.nonce_seed.to_be_bytes().to_vec();
        input.extend(self.session.connects.to_be_bytes());
        let digest = Digest::of(&input).0;
        let nonce = digest
            .first_chunk()
            .copied()
            .expect("a digest has 32 bytes");
        self.session.holder = Some(Holder {
            id: self.session.last_id,
            name: name.to_owned(),
            client: self.client,
            used_at: self.now,
            authenticated: self.config.password.is_none(),
            by_files,
            nonce,
        });
        nonce
    }

    /// Whether this client may give this command.
    fn admit(&mut self, id: u8, command: &Command<'_>) -> Result<(), Reason> {
        let holder = self
            .session
            .holder
            .as_mut()
            .filter(|holder| holder.id == id);
        let holder = holder.ok_or(Reason::NoSession)?;
        holder.used_at = self.now;
        let authenticated = holder.authenticated;
        self.permit(authenticated, Touch::of(command))
    }

    /// Whether the controller lets a client that holds the session do this.
    pub(super) fn permit(&self, authenticated: bool, touch: Touch) -> Result<(), Reason> {
        if touch == Touch::Session {
            return Ok(());
        }
        if !authenticated {
            return Err(Reason::NotAuthenticated);
        }
        if touch == Touch::Reading {
            return Ok(());
        }
        if self.runtime.key == Key::Run {
            return Err(Reason::KeySwitch);
        }
        if self.runtime.in_service || self.runtime.pending.is_some() {
            return Err(Reason::Busy);
        }
        Ok(())
    }

    fn tell(&self, id: u8, command: &Command<'_>, out: &mut Vec<u8>) -> Result<(), Reason> {
        let runtime = &*self.runtime;
        let mut list = Vec::new();
        match *command {
            Command::ReadFaults { first } => {
                let total = runtime.faults.list(first, &mut list);
                Answer::Faults(Faults::new(total, &list)).emit(id, out);
            }
            Command::ListForces { first } => {
                for force in runtime.forces.iter().skip(usize::from(first)) {
                    if !Forces::put(force, &mut list) {
                        break;
                    }
                }
                Answer::Forces(Forces::new(runtime.forces.len(), &list)).emit(id, out);
            }
            _ => {
                let (last_fault, last_fault_ms) = runtime.faults.last();
                let scan_ms = runtime.scan.as_nanos() / 1_000_000;
                let program = runtime.program();
                Answer::Status(Status {
                    mode: runtime.mode,
                    key: runtime.key,
                    in_session: self.session.holder.is_some(),
                    is_changing: runtime.pending.is_some() || runtime.in_service,
                    has_password: self.config.password.is_some(),
                    checks_firmware: self.config.firmware_key.is_some(),
                    forces: runtime.forces.len(),
                    scan_ms: u16::try_from(scan_ms).unwrap_or(u16::MAX),
                    program_bytes: runtime.program_bytes,
                    program_digest: program.digest(),
                    faults: runtime.faults.total(),
                    last_fault,
                    last_fault_ms,
                    program: program.name(),
                    firmware: &runtime.firmware.version,
                })
                .emit(id, out);
            }
        }
        Ok(())
    }

    fn carry_out(
        &mut self,
        id: u8,
        command: &Command<'_>,
        out: &mut Vec<u8>,
    ) -> Result<(), Reason> {
        match *command {
            Command::Authenticate { proof } => self.authenticate(proof)?,
            Command::Release => self.session.reset(),
            Command::UploadBegin => {
                let (size, digest) = self.begin_upload();
                Answer::Upload { size, digest }.emit(id, out);
                return Ok(());
            }
            Command::UploadBlock { offset, length } => {
                let block = self.session.upload_part(offset, length.into())?;
                if block.len() > BLOCK_MAX_BYTES {
                    return Err(Reason::OutOfRange);
                }
                Answer::Block {
                    offset,
                    bytes: block,
                }
                .emit(id, out);
                return Ok(());
            }
            Command::DownloadBegin {
                content,
                size,
                digest,
            } => self.begin_download(content, size, digest)?,
            Command::DownloadBlock { offset, bytes } => self.take_block(offset, bytes)?,
            Command::Verify => {
                let digest = self.verify()?;
                Answer::Verified { digest }.emit(id, out);
                return Ok(());
            }
            Command::Activate { how } => self.activate(how)?,
            Command::Abort => self.session.transfer = None,
            _ => self.operate(command)?,
        }
        let operation = command.operation();
        Answer::Done { operation }.emit(id, out);
        Ok(())
    }

    /// Keeps the program as it is now for somebody who reads it. Returns size and digest.
    pub(super) fn begin_upload(&mut self) -> (u32, [u8; 32]) {
        let bytes = self.runtime.program().to_bytes();
        let size = u32::try_from(bytes.len()).expect("programs are bounded");
        let digest = self.runtime.program().digest();
        self.session.upload = Some(bytes);
        let text = format!("program {} uploaded", self.runtime.title());
        self.runtime.notice("PROGRAM-UPLOAD", 5, text);
        (size, digest)
    }

    pub(super) fn begin_download(
        &mut self,
        content: Content,
        size: u32,
        digest: [u8; 32],
    ) -> Result<(), Reason> {
        if !(1..=CONTENT_MAX_BYTES).contains(&size) {
            return Err(Reason::OutOfRange);
        }
        self.session.transfer = Some(Transfer {
            content,
            size,
            digest,
            bytes: Vec::new(),
            checked: None,
        });
        Ok(())
    }

    fn authenticate(&mut self, proof: [u8; 32]) -> Result<(), Reason> {
        let Some(password) = &self.config.password else {
            return Ok(());
        };
        if self.now < self.session.locked_until {
            return Err(Reason::Locked);
        }
        let holder = self.session.holder.as_mut().ok_or(Reason::NoSession)?;
        if Digest::of(&proof_input(&holder.nonce, password)).0 == proof {
            holder.authenticated = true;
            self.session.wrong = 0;
            return Ok(());
        }
        self.session.wrong += 1;
        let text = format!("login of {:?} failed: wrong password", holder.name);
        if self.session.wrong >= TRIES_MAX {
            self.session.wrong = 0;
            self.session.locked_until = self.now + LOCKED_FOR;
        }
        self.runtime.notice("LOGIN-FAILED", 4, text);
        Err(Reason::WrongPassword)
    }

    pub(super) fn take_block(&mut self, offset: u32, bytes: &[u8]) -> Result<(), Reason> {
        let transfer = self.session.transfer.as_mut().ok_or(Reason::WrongState)?;
        let received = transfer.received();
        let length = u32::try_from(bytes.len()).expect("a block is short");
        if offset != received || length > transfer.size - received {
            return Err(Reason::OutOfRange);
        }
        transfer.bytes.extend_from_slice(bytes);
        Ok(())
    }

    pub(super) fn verify(&mut self) -> Result<[u8; 32], Reason> {
        let transfer = self.session.transfer.as_mut().ok_or(Reason::WrongState)?;
        if transfer.received() != transfer.size {
            return Err(Reason::WrongState);
        }
        let bytes = &transfer.bytes;
        let checked = if Digest::of(bytes).0 != transfer.digest {
            Err((Reason::Digest, "its digest does not match".to_owned()))
        } else if transfer.content == Content::Program {
            Program::from_bytes(bytes)
                .map(|program| Checked::Program(Arc::new(program)))
                .map_err(|error| (Reason::Rejected, error.to_string()))
        } else {
            let key = self.config.firmware_key.as_deref();
            match FirmwareImage::parse(bytes) {
                None => Err((Reason::Rejected, "it is no firmware image".to_owned())),
                Some(_) if key.is_some_and(|key| !FirmwareImage::is_signed(bytes, key)) => {
                    Err((Reason::Signature, "its signature does not match".to_owned()))
                }
                Some(image) => Ok(Checked::Firmware(image)),
            }
        };
        match checked {
            Ok(checked) => {
                transfer.checked = Some(checked);
                Ok(transfer.digest)
            }
            Err((reason, why)) => {
                let text = format!("{} refused: {why}", transfer.content);
                self.session.transfer = None;
                self.runtime.fault(self.now, FaultCode::Rejected, 0, text);
                Err(reason)
            }
        }
    }

    pub(super) fn activate(&mut self, how: Activation) -> Result<(), Reason> {
        let is_online = |t: &Transfer| how != Activation::Load && t.content == Content::Program;
        let runs = self.runtime.mode == Mode::Run && !self.runtime.is_standby();
        let is_ready = |t: &Transfer| t.checked.is_some() && (!is_online(t) || runs);
        // What cannot be activated now stays; it may be verified yet, or loaded instead.
        let transfer = self.session.transfer.take_if(|t| is_ready(t));
        let transfer = transfer.ok_or(Reason::WrongState)?;
        let checked = transfer.checked.as_ref().ok_or(Reason::WrongState)?;
        if let Checked::Program(program) = checked
            && how != Activation::Load
        {
            let changes = self.runtime.program().changes_to(program);
            if how == Activation::OnePou && changes.only_pou().is_none() {
                // It may be loaded in another way yet.
                self.session.transfer = Some(transfer);
                let text = format!("online edit of one POU refused: {changes}");
                self.runtime.notice("ONLINE-EDIT", 4, text);
                return Err(Reason::Rejected);
            }
            let text = format!("online edit of {}: {changes}", self.runtime.title());
            self.runtime.notice("ONLINE-EDIT", 4, text);
        }
        let checked = transfer.checked.ok_or(Reason::WrongState)?;
        let scans = u64::from(self.config.activation_scans);
        let load = SimDuration::from_nanos(self.runtime.scan.as_nanos() * scans);
        let (change, takes) = match checked {
            Checked::Firmware(image) => (Change::Firmware(image), self.config.firmware_time),
            Checked::Program(program) if how != Activation::Load => (Change::Online(program), load),
            Checked::Program(program) => (Change::Load(program), load),
        };
        if !matches!(change, Change::Online(_)) {
            match change {
                Change::Firmware(_) => self.runtime.drop_out(self.now, Mode::Program, self.config),
                _ => self.runtime.leave_run(self.now, Mode::Program, self.config),
            }
            let text = format!("mode PROGRAM: {} is loaded", transfer.content);
            self.runtime.notice("MODE", 4, text);
        }
        let digest = short(transfer.digest);
        let text = format!("{} {digest} accepted, {how}", transfer.content);
        let kind = match transfer.content {
            Content::Program => "PROGRAM-DOWNLOAD",
            Content::Firmware => "FIRMWARE",
        };
        self.runtime.notice(kind, 4, text);
        self.runtime.pending = Some(Pending {
            change,
            due: self.now + takes,
        });
        Ok(())
    }

    /// Modes, restarts, forces and the scan period.
    fn operate(&mut self, command: &Command<'_>) -> Result<(), Reason> {
        let (now, config) = (self.now, self.config);
        let runtime = &mut *self.runtime;
        // What a standby is told by its primary cannot be commanded at the standby.
        if runtime.is_standby() && !matches!(command, Command::Restart { .. }) {
            return Err(Reason::WrongState);
        }
        let deed = || command.deed().unwrap_or_default();
        match *command {
            Command::SetMode { mode } => {
                if runtime.key == Key::Program {
                    return Err(Reason::KeySwitch);
                }
                if mode == Mode::Run && runtime.mode != Mode::Run {
                    runtime.restart(now, Restart::Warm, config);
                } else if mode != Mode::Run && mode != runtime.mode {
                    runtime.leave_run(now, mode, config);
                }
                let text = format!("mode {} set by an engineering client", runtime.mode);
                runtime.notice("MODE", 4, text);
            }
            Command::Restart { how } => {
                if runtime.key == Key::Program {
                    return Err(Reason::KeySwitch);
                }
                runtime.restart(now, how, config);
                let text = format!("{how} restart by an engineering client");
                runtime.notice("RESTART", 4, text);
            }
            Command::Force(force) => {
                if !ForceTable::fits(force.area, force.index, force.value) {
                    return Err(Reason::OutOfRange);
                }
                if !runtime.forces.set(force) {
                    return Err(Reason::Full);
                }
                runtime.notice("FORCE", 4, deed());
            }
            Command::Unforce { area, index } => {
                if !runtime.forces.remove(area, index) {
                    return Err(Reason::OutOfRange);
                }
                runtime.notice("FORCE", 5, deed());
            }
            Command::UnforceAll => {
                runtime.forces.clear();
                runtime.notice("FORCE", 5, deed());
            }
            Command::SetScan { scan_ms } => {
                if !SCAN_MS.contains(&scan_ms) {
                    return Err(Reason::OutOfRange);
                }
                runtime.scan = SimDuration::from_millis(u64::from(scan_ms));
                runtime.notice("TASK", 4, format!("scan period set to {scan_ms} ms"));
            }
            _ => return Err(Reason::WrongState),
        }
        Ok(())
    }
}
