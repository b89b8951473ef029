//! The files of a controller: the session's transfers as file records, functions 20 and 21.
//!
//! | file | records | holds |
//! | --- | --- | --- |
//! | 1 | 26 | [`Header`]: what the controller is and where a transfer stands; read only |
//! | 2 | 2 or 20 | an order, written as a whole; write only |
//! | 16 to 68 | 10000 each | the container, two bytes a record |
//!
//! Reading the container gives the program that the controller holds; writing it sends another one. The
//! order's first record is the operation of the session's command, so that both ways have one set of
//! codes. A container with an odd number of bytes ends in half a record, whose low byte is zero.
//!
//! # Source
//!
//! APS 6.14 and 6.15 for files and records; what they hold is the vendor's to say, as it is here.

use super::{Activation, Command, Content, Key, Mode};
use crate::modbus::FileSpan;
use crate::modbus::file::RECORD_MAX;

/// Number of the file with the header.
pub const HEADER_FILE: u16 = 1;
/// Number of the file that takes orders.
pub const ORDER_FILE: u16 = 2;
/// Numbers of the files with the container, enough for 1 MiB.
pub const CONTAINER_FILES: std::ops::RangeInclusive<u16> = 16..=68;

/// Records of the header.
pub const HEADER_RECORDS: u16 = 26;
/// Version of the header's layout, its first record.
pub const HEADER_VERSION: u16 = 1;

/// Most records that one request can read, APS 6.14.
pub const READ_RECORDS_MAX: u16 = 121;
/// Most records that one request can write, APS 6.15.
pub const WRITE_RECORDS_MAX: u16 = 122;

const RECORDS_PER_FILE: u32 = RECORD_MAX as u32 + 1;
const BEGIN_RECORDS: usize = 20;

/// How far a transfer to the controller has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u16)]
pub enum Stage {
    /// There is none.
    None = 0,
    /// Parts are missing.
    Receiving = 1,
    /// All is there and has to be verified.
    Complete = 2,
    /// It may be activated.
    Verified = 3,
}

/// What file 1 says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// What the controller is doing.
    pub mode: Mode,
    /// Where its key switch stands.
    pub key: Key,
    /// Whether a session is open, one of file records included.
    pub in_session: bool,
    /// Whether a change is under way.
    pub is_changing: bool,
    /// Whether a session has to prove a password.
    pub has_password: bool,
    /// Whether firmware must be signed.
    pub checks_firmware: bool,
    /// Size of the program's container, bytes.
    pub size: u32,
    /// BLAKE3 of the container.
    pub digest: [u8; 32],
    /// How far a transfer to the controller has come.
    pub stage: Stage,
    /// How much of it has arrived, bytes.
    pub received: u32,
    /// Why the last order was refused, by the code of its [`Reason`](super::Reason); 0 if it was carried
    /// out.
    pub result: u8,
}

impl Header {
    /// The records of the file, [`HEADER_RECORDS`] of them.
    #[must_use]
    pub fn records(&self) -> Vec<u16> {
        let flags = [
            (self.in_session, 1),
            (self.is_changing, 2),
            (self.has_password, 4),
            (self.checks_firmware, 8),
        ];
        let flags = flags.iter().filter(|(on, _)| *on).map(|(_, bit)| bit).sum();
        let mut records = vec![
            HEADER_VERSION,
            self.mode.code().into(),
            self.key.code().into(),
            flags,
        ];
        records.extend(words(&self.size.to_be_bytes()));
        records.extend(words(&self.digest));
        records.push(self.stage as u16);
        records.extend(words(&self.received.to_be_bytes()));
        records.push(self.result.into());
        records
    }

    /// Reads the whole file; `None` if it is another layout.
    #[must_use]
    pub fn parse(records: &[u16]) -> Option<Self> {
        let records: &[u16; HEADER_RECORDS as usize] = records.try_into().ok()?;
        let code = |at: usize| u8::try_from(records[at]).ok();
        let size = |at: usize| u32::from(records[at]) << 16 | u32::from(records[at + 1]);
        let flag = |bit: u16| records[3] & bit != 0;
        Some(Self {
            mode: Mode::from_code(code(1)?)?,
            key: Key::from_code(code(2)?)?,
            in_session: flag(1),
            is_changing: flag(2),
            has_password: flag(4),
            checks_firmware: flag(8),
            size: size(4),
            digest: bytes(&records[6..22])?,
            stage: match records[22] {
                0 => Stage::None,
                1 => Stage::Receiving,
                2 => Stage::Complete,
                3 => Stage::Verified,
                _ => return None,
            },
            received: size(23),
            result: code(25)?,
        })
        .filter(|_| records[0] == HEADER_VERSION)
    }
}

/// The records of an order; `None` for a command that file 2 does not take.
#[must_use]
pub fn order_records(command: &Command<'_>) -> Option<Vec<u16>> {
    let mut records = vec![command.operation().into()];
    match *command {
        Command::DownloadBegin {
            content,
            size,
            digest,
        } => {
            records.push(content.code().into());
            records.extend(words(&size.to_be_bytes()));
            records.extend(words(&digest));
        }
        Command::Activate { how } => records.push(how.code().into()),
        Command::Verify | Command::Abort => {}
        _ => return None,
    }
    Some(records)
}

/// Reads an order from all the records that are written to file 2.
#[must_use]
pub fn parse_order(records: &[u16]) -> Option<Command<'static>> {
    let argument = || u8::try_from(*records.get(1)?).ok();
    let (command, length) = match records.first()? {
        0x30 => {
            let digest = bytes(records.get(4..BEGIN_RECORDS)?)?;
            let begin = Command::DownloadBegin {
                content: Content::from_code(argument()?)?,
                size: u32::from(records[2]) << 16 | u32::from(records[3]),
                digest,
            };
            (begin, BEGIN_RECORDS)
        }
        0x32 => (Command::Verify, 1),
        0x33 => {
            let how = Activation::from_code(argument()?)?;
            (Command::Activate { how }, 2)
        }
        0x34 => (Command::Abort, 1),
        _ => return None,
    };
    (records.len() == length).then_some(command)
}

/// Where the first byte of a span lies in the container; `None` for another file.
#[must_use]
pub fn container_offset(span: FileSpan) -> Option<u32> {
    if !CONTAINER_FILES.contains(&span.file) {
        return None;
    }
    let file = u32::from(span.file - CONTAINER_FILES.start());
    Some(2 * (file * RECORDS_PER_FILE + u32::from(span.record)))
}

/// The next span of a container of `size` bytes from an even offset on, at most `most` records.
///
/// `None` at the end, and behind the last file.
#[must_use]
pub fn container_span(offset: u32, size: u32, most: u16) -> Option<FileSpan> {
    let first = offset / 2;
    let record = first % RECORDS_PER_FILE;
    let file = u32::from(*CONTAINER_FILES.start()) + first / RECORDS_PER_FILE;
    let left = size.checked_sub(2 * first)?.div_ceil(2);
    let quantity = left.min(RECORDS_PER_FILE - record).min(most.into());
    Some(FileSpan {
        file: u16::try_from(file).ok()?,
        record: u16::try_from(record).ok()?,
        quantity: u16::try_from(quantity).ok()?,
    })
    .filter(|span| span.quantity > 0 && CONTAINER_FILES.contains(&span.file))
}

/// Bytes as records; a byte that is left over at the end gets a zero beside it.
#[must_use]
pub fn words(bytes: &[u8]) -> Vec<u16> {
    let word = |pair: &[u8]| u16::from_be_bytes([pair[0], pair.get(1).copied().unwrap_or(0)]);
    bytes.chunks(2).map(word).collect()
}

fn bytes(records: &[u16]) -> Option<[u8; 32]> {
    let bytes: Vec<u8> = records
        .iter()
        .flat_map(|record| record.to_be_bytes())
        .collect();
    bytes.try_into().ok()
}
