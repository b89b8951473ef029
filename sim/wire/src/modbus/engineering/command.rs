//! What a client asks a controller for in the engineering session.

use super::{Activation, Area, BLOCK_MAX_BYTES, Content, Fields, Force, Mode, Restart};
use super::{put_force, put_text};
use crate::bytes::low_u8;

/// A command. Session 0 stands for no session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command<'a> {
    /// 0x01: opens and reserves the session.
    Connect {
        /// Who the client says it is.
        name: &'a str,
    },
    /// 0x02: proves the password.
    Authenticate {
        /// Digest of nonce and password.
        proof: [u8; 32],
    },
    /// 0x03: gives the session back.
    Release,
    /// 0x10: asks for the status; needs no session.
    Status,
    /// 0x11: asks for faults, the newest first; needs no session.
    ReadFaults {
        /// How many to leave out.
        first: u16,
    },
    /// 0x12: asks for the forces by table and index; needs no session.
    ListForces {
        /// How many to leave out.
        first: u16,
    },
    /// 0x20: asks for size and digest of the program.
    UploadBegin,
    /// 0x21: asks for a part of it.
    UploadBlock {
        /// First byte.
        offset: u32,
        /// Number of bytes, at most 240.
        length: u8,
    },
    /// 0x30: announces a program or firmware.
    DownloadBegin {
        /// Which of them.
        content: Content,
        /// Number of bytes.
        size: u32,
        /// BLAKE3 of all bytes.
        digest: [u8; 32],
    },
    /// 0x31: sends the next part of it.
    DownloadBlock {
        /// First byte; the parts come in order.
        offset: u32,
        /// 1 to 240 bytes.
        bytes: &'a [u8],
    },
    /// 0x32: asks to check what was sent.
    Verify,
    /// 0x33: puts what was sent and checked into effect.
    Activate {
        /// How; firmware takes effect by a restart whatever is said here.
        how: Activation,
    },
    /// 0x34: forgets what was sent.
    Abort,
    /// 0x40: changes the mode.
    SetMode {
        /// The mode to change to.
        mode: Mode,
    },
    /// 0x41: restarts the program.
    Restart {
        /// How.
        how: Restart,
    },
    /// 0x50: forces an entry of the process image.
    Force(Force),
    /// 0x51: forces it no longer.
    Unforce {
        /// Which table.
        area: Area,
        /// Index in the table.
        index: u16,
    },
    /// 0x52: forces nothing any longer.
    UnforceAll,
    /// 0x60: changes the time between two scans.
    SetScan {
        /// The time, ms.
        scan_ms: u16,
    },
}

impl<'a> Command<'a> {
    /// Reads a message: the session, and the command if it is one.
    ///
    /// `None` for an unknown operation, a field out of its range, and bytes too few or too many.
    #[must_use]
    pub fn parse(message: &'a [u8]) -> Option<(u8, Self)> {
        let mut fields = Fields(message);
        let session = fields.u8()?;
        let command = match fields.u8()? {
            0x01 => Self::Connect {
                name: fields.text()?,
            },
            0x02 => Self::Authenticate {
                proof: fields.array()?,
            },
            0x03 => Self::Release,
            0x10 => Self::Status,
            0x11 => Self::ReadFaults {
                first: fields.u16()?,
            },
            0x12 => Self::ListForces {
                first: fields.u16()?,
            },
            0x20 => Self::UploadBegin,
            0x21 => Self::UploadBlock {
                offset: fields.u32()?,
                length: fields.u8()?,
            },
            0x30 => Self::DownloadBegin {
                content: Content::from_code(fields.u8()?)?,
                size: fields.u32()?,
                digest: fields.array()?,
            },
            0x31 => Self::DownloadBlock {
                offset: fields.u32()?,
                bytes: Some(fields.rest()).filter(|b| (1..=BLOCK_MAX_BYTES).contains(&b.len()))?,
            },
            0x32 => Self::Verify,
            0x33 => Self::Activate {
                how: Activation::from_code(fields.u8()?)?,
            },
            0x34 => Self::Abort,
            0x40 => Self::SetMode {
                mode: Mode::from_code(fields.u8()?)?,
            },
            0x41 => Self::Restart {
                how: Restart::from_code(fields.u8()?)?,
            },
            0x50 => Self::Force(fields.force()?),
            0x51 => Self::Unforce {
                area: Area::from_code(fields.u8()?)?,
                index: fields.u16()?,
            },
            0x52 => Self::UnforceAll,
            0x60 => Self::SetScan {
                scan_ms: fields.u16()?,
            },
            _ => return None,
        };
        fields.0.is_empty().then_some((session, command))
    }

    /// The operation's code.
    #[must_use]
    pub fn operation(&self) -> u8 {
        match self {
            Self::Connect { .. } => 0x01,
            Self::Authenticate { .. } => 0x02,
            Self::Release => 0x03,
            Self::Status => 0x10,
            Self::ReadFaults { .. } => 0x11,
            Self::ListForces { .. } => 0x12,
            Self::UploadBegin => 0x20,
            Self::UploadBlock { .. } => 0x21,
            Self::DownloadBegin { .. } => 0x30,
            Self::DownloadBlock { .. } => 0x31,
            Self::Verify => 0x32,
            Self::Activate { .. } => 0x33,
            Self::Abort => 0x34,
            Self::SetMode { .. } => 0x40,
            Self::Restart { .. } => 0x41,
            Self::Force(_) => 0x50,
            Self::Unforce { .. } => 0x51,
            Self::UnforceAll => 0x52,
            Self::SetScan { .. } => 0x60,
        }
    }

    /// A few words for people.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Connect { .. } => "connect",
            Self::Authenticate { .. } => "authenticate",
            Self::Release => "release",
            Self::Status => "read status",
            Self::ReadFaults { .. } => "read faults",
            Self::ListForces { .. } => "list forces",
            Self::UploadBegin => "begin upload",
            Self::UploadBlock { .. } => "upload block",
            Self::DownloadBegin { .. } => "begin download",
            Self::DownloadBlock { .. } => "download block",
            Self::Verify => "verify",
            Self::Activate { .. } => "activate",
            Self::Abort => "abort download",
            Self::SetMode { .. } => "set mode",
            Self::Restart { .. } => "restart",
            Self::Force(_) => "force",
            Self::Unforce { .. } => "unforce",
            Self::UnforceAll => "unforce all",
            Self::SetScan { .. } => "set scan period",
        }
    }

    /// What a command that is complete by itself brings about, in words: `mode STOP`, `MX 3 forced to 1`.
    /// `None` for one that reads, and for the parts of a session or transfer.
    #[must_use]
    pub fn deed(&self) -> Option<String> {
        match *self {
            Self::SetMode { mode } => Some(format!("mode {mode}")),
            Self::Restart { how } => Some(format!("{how} restart")),
            Self::Force(Force { area, index, value }) => {
                Some(format!("{area} {index} forced to {value}"))
            }
            Self::Unforce { area, index } => Some(format!("{area} {index} no longer forced")),
            Self::UnforceAll => Some("nothing forced any longer".to_owned()),
            Self::SetScan { scan_ms } => Some(format!("scan period {scan_ms} ms")),
            _ => None,
        }
    }

    /// Whether the command only reads, and may be given without a session.
    #[must_use]
    pub fn is_open(&self) -> bool {
        matches!(
            self,
            Self::Status | Self::ReadFaults { .. } | Self::ListForces { .. }
        )
    }

    /// Appends the message.
    pub fn emit(&self, session: u8, out: &mut Vec<u8>) {
        out.extend_from_slice(&[session, self.operation()]);
        match *self {
            Self::Connect { name } => put_text(name, out),
            Self::Authenticate { proof } => out.extend_from_slice(&proof),
            Self::ReadFaults { first } | Self::ListForces { first } => {
                out.extend_from_slice(&first.to_be_bytes());
            }
            Self::UploadBlock { offset, length } => {
                out.extend_from_slice(&offset.to_be_bytes());
                out.push(length);
            }
            Self::DownloadBegin {
                content,
                size,
                digest,
            } => {
                out.push(content.code());
                out.extend_from_slice(&size.to_be_bytes());
                out.extend_from_slice(&digest);
            }
            Self::DownloadBlock { offset, bytes } => {
                out.extend_from_slice(&offset.to_be_bytes());
                out.extend_from_slice(bytes);
            }
            Self::Activate { how } => out.push(how.code()),
            Self::SetMode { mode } => out.push(mode.code()),
            Self::Restart { how } => out.push(how.code()),
            Self::Force(force) => put_force(force, out),
            Self::Unforce { area, index } => {
                out.push(area.code());
                out.extend_from_slice(&index.to_be_bytes());
            }
            Self::SetScan { scan_ms } => out.extend_from_slice(&scan_ms.to_be_bytes()),
            Self::Release
            | Self::Status
            | Self::UploadBegin
            | Self::Verify
            | Self::Abort
            | Self::UnforceAll => {}
        }
    }
}

/// Number of bytes to ask for at `offset` of something with `size` bytes.
#[must_use]
pub fn block_length(offset: u32, size: u32) -> u8 {
    let left = usize::try_from(size.saturating_sub(offset)).unwrap_or(BLOCK_MAX_BYTES);
    low_u8(left.min(BLOCK_MAX_BYTES))
}
