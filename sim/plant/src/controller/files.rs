//! The transfers of the engineering session as file records (functions 20 and 21).
//!
//! The files are those of `sim_wire::modbus::engineering::files`; `docs/engineering-protocol.md` has them
//! in tables. Every record ends up in the session's own transfer, so that there is one set of checks and
//! one log.
//!
//! **Invariant:** who holds the session is the client's address, because a record carries no number of a
//! session. Files open one by themselves only where no password is asked for.

use sim_wire::modbus::engineering::files::{
    self, CONTAINER_FILES, HEADER_FILE, HEADER_RECORDS, Header, ORDER_FILE, Stage,
};
use sim_wire::modbus::engineering::{Command, Reason};
use sim_wire::modbus::{ExceptionCode, FileReads, FileSpan, FileWrites, Registers};

use super::session::{CONTENT_MAX_BYTES, Touch, Turn};

/// The exception that stands for a reason; file 1 names the reason of an order.
fn exception(reason: Reason) -> ExceptionCode {
    match reason {
        Reason::InUse | Reason::Busy => ExceptionCode::ServerDeviceBusy,
        Reason::OutOfRange => ExceptionCode::IllegalDataAddress,
        _ => ExceptionCode::ServerDeviceFailure,
    }
}

/// Number of bytes in a span of the container, the half record at its end left out.
fn bytes_of(span: FileSpan, offset: u32, size: u32) -> Result<u32, Reason> {
    let length = 2 * u32::from(span.quantity);
    let left = size.checked_sub(offset).ok_or(Reason::OutOfRange)?;
    if length <= left {
        return Ok(length);
    }
    Some(left)
        .filter(|&left| left + 1 == length)
        .ok_or(Reason::OutOfRange)
}

impl Turn<'_> {
    /// Whether the client at the other end may use the files for this now.
    fn admit_files(&self, touch: Touch) -> Result<(), Reason> {
        // Nobody is at the other end any more: nothing is begun that nobody could end.
        if self.client.is_none() {
            return Err(Reason::InUse);
        }
        match self.holder() {
            Some(holder) if holder.client != self.client => Err(Reason::InUse),
            Some(holder) => self.permit(holder.authenticated, touch),
            None => self.permit(self.config.password.is_none(), touch),
        }
    }

    pub(super) fn check_file_reads(&self, reads: FileReads<'_>) -> Result<(), ExceptionCode> {
        let kept = self.holder().and(self.session.upload.as_ref());
        let mut size = kept.map(|bytes| u32::try_from(bytes.len()).expect("programs are bounded"));
        let mut needs_session = false;
        let mut begins = false;
        for span in reads.iter() {
            match span.file {
                HEADER_FILE if span.record + span.quantity <= HEADER_RECORDS => {}
                file if CONTAINER_FILES.contains(&file) => {
                    needs_session = true;
                    let offset = files::container_offset(span).expect("it is one of its files");
                    if offset == 0 {
                        // Each beginning is a reading of the whole program.
                        if std::mem::replace(&mut begins, true) {
                            return Err(ExceptionCode::IllegalDataAddress);
                        }
                        size = Some(self.runtime.program_bytes);
                    }
                    let whole = size.ok_or(exception(Reason::WrongState))?;
                    let length = bytes_of(span, offset, whole).map_err(exception)?;
                    // With its last records the reading is over, for later parts of the request too.
                    size = size.filter(|_| offset + length < whole);
                }
                _ => return Err(ExceptionCode::IllegalDataAddress),
            }
        }
        if needs_session {
            self.admit_files(Touch::Reading).map_err(exception)?;
        }
        Ok(())
    }

    pub(super) fn check_file_writes(&self, writes: FileWrites<'_>) -> Result<(), ExceptionCode> {
        let kept = self.holder().and(self.session.transfer.as_ref());
        // How much has arrived of how much, as the sub-requests will find it one after the other.
        let mut state = kept.map(|transfer| (transfer.received(), transfer.size));
        let mut touch = Touch::Reading;
        for (span, values) in writes.iter() {
            if let Some(offset) = files::container_offset(span) {
                touch = Touch::Change;
                let (received, size) = state.ok_or(exception(Reason::WrongState))?;
                let length = bytes_of(span, offset, size).map_err(exception)?;
                if offset != received {
                    return Err(ExceptionCode::IllegalDataAddress);
                }
                state = Some((received + length, size));
                continue;
            }
            if (span.file, span.record) != (ORDER_FILE, 0) {
                return Err(ExceptionCode::IllegalDataAddress);
            }
            let records: Vec<u16> = values.iter().collect();
            let order = files::parse_order(&records).ok_or(ExceptionCode::IllegalDataValue)?;
            match order {
                Command::DownloadBegin { size, .. } => {
                    if !(1..=CONTENT_MAX_BYTES).contains(&size) {
                        return Err(ExceptionCode::IllegalDataValue);
                    }
                    state = Some((0, size));
                }
                Command::Abort => state = None,
                _ => {}
            }
            touch = touch.max(Touch::of(&order));
        }
        self.admit_files(touch).map_err(exception)
    }

    pub(super) fn read_file(
        &mut self,
        span: FileSpan,
        records: &mut Vec<u16>,
    ) -> Result<(), ExceptionCode> {
        let Some(offset) = files::container_offset(span) else {
            let header = self.header().records();
            records.extend(span.records().map(|at| header[usize::from(at)]));
            return Ok(());
        };
        self.enter();
        if offset == 0 {
            self.begin_upload();
        }
        let upload = self.session.upload.as_ref();
        let size = upload.ok_or(exception(Reason::WrongState))?.len();
        let size = u32::try_from(size).expect("programs are bounded");
        let length = bytes_of(span, offset, size).map_err(exception)?;
        let part = self.session.upload_part(offset, length as usize);
        records.extend(files::words(part.map_err(exception)?));
        if offset + length == size {
            self.session.upload = None;
            self.leave();
        }
        Ok(())
    }

    pub(super) fn write_file(
        &mut self,
        span: FileSpan,
        values: Registers<'_>,
    ) -> Result<(), ExceptionCode> {
        // An earlier part of the request may have changed what is possible now.
        if let Some(offset) = files::container_offset(span) {
            self.admit_files(Touch::Change).map_err(exception)?;
            self.enter();
            let size = self.session.transfer.as_ref().map_or(0, |t| t.size);
            let length = bytes_of(span, offset, size).map_err(exception)?;
            let mut bytes: Vec<u8> = values.iter().flat_map(u16::to_be_bytes).collect();
            bytes.truncate(length as usize);
            return self.take_block(offset, &bytes).map_err(exception);
        }
        let records: Vec<u16> = values.iter().collect();
        let order = files::parse_order(&records).ok_or(ExceptionCode::IllegalDataValue)?;
        self.admit_files(Touch::of(&order)).map_err(exception)?;
        self.enter();
        let result = match order {
            Command::DownloadBegin {
                content,
                size,
                digest,
            } => self.begin_download(content, size, digest),
            Command::Verify => self.verify().map(|_| ()),
            Command::Activate { how } => self.activate(how),
            _ => {
                self.session.transfer = None;
                Ok(())
            }
        };
        self.session.last_order = Some(result);
        self.leave();
        result.map_err(exception)
    }

    /// Takes the session for the client, who was admitted.
    fn enter(&mut self) {
        self.expire();
        if self.session.holder.is_none() {
            self.open("file records", true);
            let text = "engineering session opened by file records".to_owned();
            self.runtime.notice("SESSION", 6, text);
        }
        if let Some(holder) = &mut self.session.holder {
            holder.used_at = self.now;
        }
    }

    /// Gives back a session that the files have opened, unless something is on its way.
    fn leave(&mut self) {
        let opened_by_files = self.session.holder.as_ref().is_some_and(|h| h.by_files);
        if opened_by_files && self.session.transfer.is_none() && self.session.upload.is_none() {
            self.session.reset();
        }
    }

    fn header(&self) -> Header {
        let runtime = &*self.runtime;
        let transfer = self.holder().and(self.session.transfer.as_ref());
        let stage = match transfer {
            None => Stage::None,
            Some(transfer) if transfer.is_checked() => Stage::Verified,
            Some(transfer) if transfer.received() == transfer.size => Stage::Complete,
            Some(_) => Stage::Receiving,
        };
        let last_order = self.session.last_order.unwrap_or(Ok(()));
        Header {
            mode: runtime.mode,
            key: runtime.key,
            in_session: self.holder().is_some(),
            is_changing: runtime.pending.is_some() || runtime.in_service,
            has_password: self.config.password.is_some(),
            checks_firmware: self.config.firmware_key.is_some(),
            size: runtime.program_bytes,
            digest: runtime.program().digest(),
            stage,
            received: transfer.map_or(0, |transfer| transfer.received()),
            result: last_order.map_or_else(Reason::code, |()| 0),
        }
    }
}
