//! File records, functions 20 and 21: sub-requests, and the records behind them.
//!
//! A file is up to 10000 records of one register each, numbered from 0. One request holds several
//! sub-requests, each for a run of records; they are read or written in their order.
//!
//! **Invariant:** the views hold whole groups of reference type 6 with file numbers from 1 and
//! records that end at or before 9999, and at least one of them.
//!
//! # Source
//!
//! APS 6.14 (Read File Record) and 6.15 (Write File Record). By the flow charts there, a byte count
//! out of range is illegal data value (03); a reference type, file or record out of range is illegal
//! data address (02).

use super::{PDU_MAX_BYTES, Registers, RequestError};
use crate::bytes::{low_u8, u8_at, u16_at};

/// The only reference type there is.
pub const REFERENCE_TYPE: u8 = 6;

/// Highest record number.
pub const RECORD_MAX: u16 = 9_999;

/// Range of the byte count of a read request.
pub const READ_BYTES: std::ops::RangeInclusive<u8> = 0x07..=0xF5;

/// Range of the data length of a read response. APS 6.14 prints 7 as the least, but the answer for a
/// single record has 4 bytes by the same page's own layout.
pub const RECORDS_BYTES: std::ops::RangeInclusive<u8> = 0x04..=0xF5;

/// Range of the data length of a write request and of its response.
pub const WRITE_BYTES: std::ops::RangeInclusive<u8> = 0x09..=0xFB;

/// Bytes of a sub-request in front of its data.
const GROUP_BYTES: usize = 7;

/// A run of records of one file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileSpan {
    /// File number, from 1.
    pub file: u16,
    /// First record, 0 to 9999.
    pub record: u16,
    /// Number of records, from 1.
    pub quantity: u16,
}

impl FileSpan {
    /// Appends the sub-request of a read, or the head of one of a write, as it is.
    pub fn put(&self, out: &mut Vec<u8>) {
        out.push(REFERENCE_TYPE);
        for field in [self.file, self.record, self.quantity] {
            out.extend_from_slice(&field.to_be_bytes());
        }
    }

    /// The record numbers.
    pub fn records(&self) -> impl Iterator<Item = u16> + use<> {
        (self.record..=u16::MAX).take(usize::from(self.quantity))
    }

    /// Reads and checks the group at `offset`.
    fn at(bytes: &[u8], offset: usize) -> Result<Self, RequestError> {
        let groups = RequestError::FileGroups;
        let reference_type = u8_at(bytes, offset).ok_or(groups)?;
        let field = |at: usize| u16_at(bytes, offset + at).ok_or(groups);
        let span = Self {
            file: field(1)?,
            record: field(3)?,
            quantity: field(5)?,
        };
        let end = u32::from(span.record) + u32::from(span.quantity);
        if reference_type != REFERENCE_TYPE || span.file == 0 || end > u32::from(RECORD_MAX) + 1 {
            return Err(RequestError::FileReference {
                reference_type,
                file: span.file,
                record: span.record,
            });
        }
        if span.quantity == 0 {
            return Err(groups);
        }
        Ok(span)
    }
}

/// The sub-requests of function 20.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileReads<'a>(&'a [u8]);

impl<'a> FileReads<'a> {
    /// Views what follows the byte count of a request.
    ///
    /// # Errors
    ///
    /// [`RequestError`] if these are no whole, valid groups, or if the response would be too long.
    pub fn from_wire(bytes: &'a [u8]) -> Result<Self, RequestError> {
        if bytes.is_empty() || !bytes.len().is_multiple_of(GROUP_BYTES) {
            return Err(RequestError::FileGroups);
        }
        for offset in (0..bytes.len()).step_by(GROUP_BYTES) {
            FileSpan::at(bytes, offset)?;
        }
        let reads = Self(bytes);
        if reads.response_bytes() > usize::from(*RECORDS_BYTES.end()) {
            return Err(RequestError::FileGroups);
        }
        Ok(reads)
    }

    /// The sub-requests in their order.
    pub fn iter(&self) -> impl Iterator<Item = FileSpan> + use<'a> {
        let bytes = self.0;
        (0..bytes.len())
            .step_by(GROUP_BYTES)
            .filter_map(move |offset| FileSpan::at(bytes, offset).ok())
    }

    /// The groups as on the wire.
    #[must_use]
    pub fn as_bytes(&self) -> &'a [u8] {
        self.0
    }

    /// Response data length of the answer, bytes.
    #[must_use]
    pub fn response_bytes(&self) -> usize {
        self.iter()
            .map(|span| 2 + 2 * usize::from(span.quantity))
            .sum()
    }
}

/// The sub-requests of function 21, each with its data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileWrites<'a>(&'a [u8]);

impl<'a> FileWrites<'a> {
    /// Views what follows the data length of a request.
    ///
    /// # Errors
    ///
    /// [`RequestError`] if these are no whole, valid groups.
    pub fn from_wire(bytes: &'a [u8]) -> Result<Self, RequestError> {
        let mut rest = bytes;
        if rest.is_empty() {
            return Err(RequestError::FileGroups);
        }
        while !rest.is_empty() {
            (_, _, rest) = split_write(rest)?;
        }
        Ok(Self(bytes))
    }

    /// The sub-requests and their data in their order.
    pub fn iter(&self) -> impl Iterator<Item = (FileSpan, Registers<'a>)> + use<'a> {
        let mut rest = self.0;
        std::iter::from_fn(move || {
            let (span, values, after) = split_write(rest).ok()?;
            rest = after;
            Some((span, values))
        })
    }

    /// The groups as on the wire.
    #[must_use]
    pub fn as_bytes(&self) -> &'a [u8] {
        self.0
    }
}

/// The first group of a write, its data, and what follows.
fn split_write(bytes: &[u8]) -> Result<(FileSpan, Registers<'_>, &[u8]), RequestError> {
    let groups = RequestError::FileGroups;
    let span = FileSpan::at(bytes, 0)?;
    let data = bytes.get(GROUP_BYTES..).ok_or(groups)?;
    let (data, rest) = data
        .split_at_checked(2 * usize::from(span.quantity))
        .ok_or(groups)?;
    let values = Registers::from_wire(data).ok_or(groups)?;
    Ok((span, values, rest))
}

/// The records in a response to function 20, one group for each sub-request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileRecords<'a>(&'a [u8]);

impl<'a> FileRecords<'a> {
    /// Views what follows the data length of a response; `None` if these are no whole groups.
    #[must_use]
    pub fn from_wire(bytes: &'a [u8]) -> Option<Self> {
        let mut rest = bytes;
        while !rest.is_empty() {
            (_, rest) = split_records(rest)?;
        }
        (!bytes.is_empty()).then_some(Self(bytes))
    }

    /// The records of each sub-request in their order.
    pub fn iter(&self) -> impl Iterator<Item = Registers<'a>> + use<'a> {
        let mut rest = self.0;
        std::iter::from_fn(move || {
            let (records, after) = split_records(rest)?;
            rest = after;
            Some(records)
        })
    }

    /// The groups as on the wire.
    #[must_use]
    pub fn as_bytes(&self) -> &'a [u8] {
        self.0
    }
}

/// The first group of a response, and what follows.
fn split_records(bytes: &[u8]) -> Option<(Registers<'_>, &[u8])> {
    let length = usize::from(u8_at(bytes, 0)?);
    if length < 3 || u8_at(bytes, 1)? != REFERENCE_TYPE {
        return None;
    }
    let (data, rest) = bytes.get(2..)?.split_at_checked(length - 1)?;
    Some((Registers::from_wire(data)?, rest))
}

/// Appends the group of a response to function 20 that holds these records.
pub fn put_records(records: impl ExactSizeIterator<Item = u16>, out: &mut Vec<u8>) {
    out.extend_from_slice(&[low_u8(1 + 2 * records.len()), REFERENCE_TYPE]);
    for record in records {
        out.extend_from_slice(&record.to_be_bytes());
    }
}

/// Appends groups behind their byte count.
pub(super) fn put_counted(groups: &[u8], out: &mut Vec<u8>) {
    out.push(low_u8(groups.len()));
    out.extend_from_slice(groups);
}

/// The groups behind the byte count of a request, which must fill the PDU.
pub(super) fn counted(
    pdu: &[u8],
    range: std::ops::RangeInclusive<u8>,
) -> Result<&[u8], RequestError> {
    let byte_count = u8_at(pdu, 1).ok_or(RequestError::Length {
        expected_bytes: 2,
        actual_bytes: pdu.len(),
    })?;
    if !range.contains(&byte_count) {
        return Err(RequestError::FileGroups);
    }
    let expected_bytes = 2 + usize::from(byte_count);
    if pdu.len() != expected_bytes || expected_bytes > PDU_MAX_BYTES {
        return Err(RequestError::Length {
            expected_bytes,
            actual_bytes: pdu.len(),
        });
    }
    Ok(&pdu[2..])
}
