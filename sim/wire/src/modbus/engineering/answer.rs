//! What a controller says in the engineering session.

use super::{Fields, Force, Key, Mode, NONCE_BYTES, OK, REFUSED, Reason, TEXT_MAX_BYTES};
use super::{put_force, put_text};
use crate::bytes::low_u8;

/// Bytes that a list of an answer may take.
const LIST_MAX_BYTES: usize = 240;

/// An answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer<'a> {
    /// Carried out; there is nothing more to say.
    Done {
        /// The operation of the command.
        operation: u8,
    },
    /// To Connect: the session is open.
    Connected {
        /// Whether a password must be proved first.
        needs_password: bool,
        /// How long the session stays open without a message, s.
        timeout_s: u16,
        /// The number to prove the password with.
        nonce: [u8; NONCE_BYTES],
    },
    /// To Status.
    Status(Status<'a>),
    /// To ReadFaults.
    Faults(Faults<'a>),
    /// To ListForces.
    Forces(Forces<'a>),
    /// To UploadBegin.
    Upload {
        /// Number of bytes.
        size: u32,
        /// BLAKE3 of all bytes.
        digest: [u8; 32],
    },
    /// To UploadBlock.
    Block {
        /// First byte.
        offset: u32,
        /// The bytes.
        bytes: &'a [u8],
    },
    /// To Verify: what was sent is whole and may run.
    Verified {
        /// BLAKE3 of all bytes.
        digest: [u8; 32],
    },
    /// Not carried out.
    Refused {
        /// The operation of the command.
        operation: u8,
        /// Why.
        reason: Reason,
    },
}

/// How a controller stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Status<'a> {
    /// What it is doing.
    pub mode: Mode,
    /// Its key switch.
    pub key: Key,
    /// Whether a client holds the session.
    pub in_session: bool,
    /// Whether a change is under way.
    pub is_changing: bool,
    /// Whether it asks for a password.
    pub has_password: bool,
    /// Whether it checks the signature of firmware.
    pub checks_firmware: bool,
    /// Number of forces.
    pub forces: u16,
    /// Time between two scans, ms.
    pub scan_ms: u16,
    /// Size of the program's container, bytes.
    pub program_bytes: u32,
    /// The program's digest: BLAKE3 of its container.
    pub program_digest: [u8; 32],
    /// Number of faults since it was switched on.
    pub faults: u32,
    /// Code of the last fault; 0 for none.
    pub last_fault: u8,
    /// When that was, ms since the controller was switched on.
    pub last_fault_ms: u64,
    /// Name of the program.
    pub program: &'a str,
    /// Version of the firmware.
    pub firmware: &'a str,
}

impl<'a> Status<'a> {
    fn parse(fields: &mut Fields<'a>) -> Option<Self> {
        let mode = Mode::from_code(fields.u8()?)?;
        let key = Key::from_code(fields.u8()?)?;
        let flags = fields.u8()?;
        if flags >= 16 {
            return None;
        }
        Some(Self {
            mode,
            key,
            in_session: flags & 1 != 0,
            is_changing: flags & 2 != 0,
            has_password: flags & 4 != 0,
            checks_firmware: flags & 8 != 0,
            forces: fields.u16()?,
            scan_ms: fields.u16()?,
            program_bytes: fields.u32()?,
            program_digest: fields.array()?,
            faults: fields.u32()?,
            last_fault: fields.u8()?,
            last_fault_ms: fields.u64()?,
            program: fields.text()?,
            firmware: fields.text()?,
        })
    }

    fn emit(&self, out: &mut Vec<u8>) {
        let flag = |bit: u8, is_set: bool| if is_set { bit } else { 0 };
        let flags = flag(1, self.in_session)
            | flag(2, self.is_changing)
            | flag(4, self.has_password)
            | flag(8, self.checks_firmware);
        out.extend_from_slice(&[self.mode.code(), self.key.code(), flags]);
        out.extend_from_slice(&self.forces.to_be_bytes());
        out.extend_from_slice(&self.scan_ms.to_be_bytes());
        out.extend_from_slice(&self.program_bytes.to_be_bytes());
        out.extend_from_slice(&self.program_digest);
        out.extend_from_slice(&self.faults.to_be_bytes());
        out.push(self.last_fault);
        out.extend_from_slice(&self.last_fault_ms.to_be_bytes());
        put_text(self.program, out);
        put_text(self.firmware, out);
    }
}

/// An entry of the fault log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault<'a> {
    /// When it happened last, ms since the controller was switched on.
    pub at_ms: u64,
    /// What kind of fault.
    pub code: u8,
    /// How often in a row.
    pub count: u32,
    /// Line of the program; 0 if it is about none.
    pub line: u32,
    /// In words.
    pub text: &'a str,
}

impl<'a> Fault<'a> {
    fn parse(fields: &mut Fields<'a>) -> Option<Self> {
        Some(Self {
            at_ms: fields.u64()?,
            code: fields.u8()?,
            count: fields.u32()?,
            line: fields.u32()?,
            text: fields.text()?,
        })
    }

    /// Appends the entry if the list still has room for it. Returns whether it did.
    pub fn put(&self, list: &mut Vec<u8>) -> bool {
        if list.len() + 18 + self.text.len().min(TEXT_MAX_BYTES) > LIST_MAX_BYTES {
            return false;
        }
        list.extend_from_slice(&self.at_ms.to_be_bytes());
        list.push(self.code);
        list.extend_from_slice(&self.count.to_be_bytes());
        list.extend_from_slice(&self.line.to_be_bytes());
        put_text(self.text, list);
        true
    }
}

/// A part of the fault log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Faults<'a> {
    /// Number of entries in the log.
    pub total: u16,
    entries: &'a [u8],
}

impl<'a> Faults<'a> {
    /// A part of a log of `total` entries, as [`Fault::put`] writes it.
    #[must_use]
    pub fn new(total: u16, entries: &'a [u8]) -> Self {
        Self { total, entries }
    }

    fn parse(fields: &mut Fields<'a>) -> Option<Self> {
        let total = fields.u16()?;
        let entries = fields.rest();
        let mut rest = Fields(entries);
        while !rest.0.is_empty() {
            Fault::parse(&mut rest)?;
        }
        Some(Self { total, entries })
    }

    /// The entries, the newest first.
    pub fn iter(&self) -> impl Iterator<Item = Fault<'a>> + use<'a> {
        let mut rest = Fields(self.entries);
        std::iter::from_fn(move || Fault::parse(&mut rest))
    }
}

/// A part of the list of forces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Forces<'a> {
    /// Number of forces.
    pub total: u16,
    entries: &'a [u8],
}

impl<'a> Forces<'a> {
    /// A part of a list of `total` forces, as [`Forces::put`] writes it.
    #[must_use]
    pub fn new(total: u16, entries: &'a [u8]) -> Self {
        Self { total, entries }
    }

    /// Appends a force if the list still has room for it. Returns whether it did.
    pub fn put(force: Force, list: &mut Vec<u8>) -> bool {
        if list.len() + 5 > LIST_MAX_BYTES {
            return false;
        }
        put_force(force, list);
        true
    }

    fn parse(fields: &mut Fields<'a>) -> Option<Self> {
        let total = fields.u16()?;
        let entries = fields.rest();
        let mut rest = Fields(entries);
        while !rest.0.is_empty() {
            rest.force()?;
        }
        Some(Self { total, entries })
    }

    /// The forces, by table and index.
    pub fn iter(&self) -> impl Iterator<Item = Force> + use<'a> {
        let mut rest = Fields(self.entries);
        std::iter::from_fn(move || rest.force())
    }
}

impl<'a> Answer<'a> {
    /// Reads an answer: the session, and what is said.
    ///
    /// `None` for an unknown operation, a field out of its range, and bytes too few or too many.
    #[must_use]
    pub fn parse(message: &'a [u8]) -> Option<(u8, Self)> {
        let mut fields = Fields(message);
        let (session, operation) = (fields.u8()?, fields.u8()?);
        let answer = match (fields.u8()?, operation) {
            (REFUSED, _) => Self::Refused {
                operation,
                reason: Reason::from_code(fields.u8()?)?,
            },
            (OK, 0x01) => Self::Connected {
                needs_password: match fields.u8()? {
                    0 => false,
                    1 => true,
                    _ => return None,
                },
                timeout_s: fields.u16()?,
                nonce: fields.array()?,
            },
            (OK, 0x10) => Self::Status(Status::parse(&mut fields)?),
            (OK, 0x11) => Self::Faults(Faults::parse(&mut fields)?),
            (OK, 0x12) => Self::Forces(Forces::parse(&mut fields)?),
            (OK, 0x20) => Self::Upload {
                size: fields.u32()?,
                digest: fields.array()?,
            },
            (OK, 0x21) => Self::Block {
                offset: fields.u32()?,
                bytes: fields.rest(),
            },
            (OK, 0x32) => Self::Verified {
                digest: fields.array()?,
            },
            (OK, _) => Self::Done { operation },
            _ => return None,
        };
        fields.0.is_empty().then_some((session, answer))
    }

    /// The operation of the command that this answers.
    #[must_use]
    pub fn operation(&self) -> u8 {
        match *self {
            Self::Done { operation } | Self::Refused { operation, .. } => operation,
            Self::Connected { .. } => 0x01,
            Self::Status(_) => 0x10,
            Self::Faults(_) => 0x11,
            Self::Forces(_) => 0x12,
            Self::Upload { .. } => 0x20,
            Self::Block { .. } => 0x21,
            Self::Verified { .. } => 0x32,
        }
    }

    /// Appends the message.
    pub fn emit(&self, session: u8, out: &mut Vec<u8>) {
        out.extend_from_slice(&[session, self.operation()]);
        if let Self::Refused { reason, .. } = self {
            out.extend_from_slice(&[REFUSED, reason.code()]);
            return;
        }
        out.push(OK);
        match *self {
            Self::Connected {
                needs_password,
                timeout_s,
                nonce,
            } => {
                out.push(u8::from(needs_password));
                out.extend_from_slice(&timeout_s.to_be_bytes());
                out.extend_from_slice(&nonce);
            }
            Self::Status(status) => status.emit(out),
            Self::Faults(Faults { total, entries }) | Self::Forces(Forces { total, entries }) => {
                out.extend_from_slice(&total.to_be_bytes());
                out.extend_from_slice(entries);
            }
            Self::Upload { size, digest } => {
                out.extend_from_slice(&size.to_be_bytes());
                out.extend_from_slice(&digest);
            }
            Self::Block { offset, bytes } => {
                out.extend_from_slice(&offset.to_be_bytes());
                out.extend_from_slice(bytes);
            }
            Self::Verified { digest } => out.extend_from_slice(&digest),
            Self::Done { .. } | Self::Refused { .. } => {}
        }
    }
}

/// What a client proves its password with: the bytes whose BLAKE3 is the proof.
#[must_use]
pub fn proof_input(nonce: &[u8; NONCE_BYTES], password: &str) -> Vec<u8> {
    let mut input = Vec::with_capacity(NONCE_BYTES + 1 + password.len());
    input.extend_from_slice(nonce);
    input.push(low_u8(password.len()));
    input.extend_from_slice(password.as_bytes());
    input
}
