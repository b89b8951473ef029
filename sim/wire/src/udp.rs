//! The UDP header over IPv4 (RFC 768).

use crate::bytes::{low_u16, u16_at};
use crate::checksum::Checksum;
use crate::ipv4::PROTOCOL_UDP;
use std::net::Ipv4Addr;
use thiserror::Error;

/// Length of a header, bytes.
pub const HEADER_BYTES: usize = 8;

/// Lenient view of a datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packet<'a>(&'a [u8]);

impl<'a> Packet<'a> {
    /// Views any bytes as a datagram.
    #[must_use]
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// Source port.
    #[must_use]
    pub fn src_port(&self) -> Option<u16> {
        u16_at(self.0, 0)
    }

    /// Destination port.
    #[must_use]
    pub fn dst_port(&self) -> Option<u16> {
        u16_at(self.0, 2)
    }

    /// Length of header and payload as the header says, bytes.
    #[must_use]
    pub fn length_bytes(&self) -> Option<u16> {
        u16_at(self.0, 4)
    }

    /// What follows the header, to the length the header says or the end of the bytes.
    #[must_use]
    pub fn payload(&self) -> Option<&'a [u8]> {
        let claimed = usize::from(self.length_bytes()?);
        let end = if claimed < self.0.len() {
            claimed
        } else {
            self.0.len()
        };
        self.0.get(HEADER_BYTES..end)
    }
}

/// Why bytes are no UDP datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Error {
    /// The bytes end before the header, or before its length.
    #[error("the datagram is cut short")]
    Truncated,
    /// The length is less than the header's.
    #[error("the length is less than 8 bytes")]
    Length,
    /// The checksum is wrong.
    #[error("the checksum is wrong")]
    Checksum,
}

/// A UDP header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Repr {
    /// Source port.
    pub src_port: u16,
    /// Destination port.
    pub dst_port: u16,
}

impl Repr {
    /// Parses a datagram into header and payload. A checksum of 0 means none was computed.
    ///
    /// # Errors
    ///
    /// The first rule broken.
    pub fn parse(bytes: &[u8], src: Ipv4Addr, dst: Ipv4Addr) -> Result<(Self, &[u8]), Error> {
        let packet = Packet::new(bytes);
        let length = usize::from(packet.length_bytes().ok_or(Error::Truncated)?);
        if length < HEADER_BYTES {
            return Err(Error::Length);
        }
        let datagram = bytes.get(..length).ok_or(Error::Truncated)?;
        let has_checksum = u16_at(datagram, 6).ok_or(Error::Truncated)? != 0;
        if has_checksum && !datagram_sum(datagram, src, dst).is_valid() {
            return Err(Error::Checksum);
        }
        let repr = Self {
            src_port: packet.src_port().ok_or(Error::Truncated)?,
            dst_port: packet.dst_port().ok_or(Error::Truncated)?,
        };
        Ok((repr, &datagram[HEADER_BYTES..]))
    }

    /// Appends header and payload with the checksum over both; a length past 65535 wraps.
    pub fn emit(&self, src: Ipv4Addr, dst: Ipv4Addr, payload: &[u8], out: &mut Vec<u8>) {
        let start = out.len();
        out.extend_from_slice(&self.src_port.to_be_bytes());
        out.extend_from_slice(&self.dst_port.to_be_bytes());
        out.extend_from_slice(&low_u16(HEADER_BYTES + payload.len()).to_be_bytes());
        out.extend_from_slice(&[0, 0]);
        out.extend_from_slice(payload);
        let sum = finish(datagram_sum(&out[start..], src, dst));
        out[start + 6..start + 8].copy_from_slice(&sum.to_be_bytes());
    }
}

fn datagram_sum(datagram: &[u8], src: Ipv4Addr, dst: Ipv4Addr) -> Checksum {
    Checksum::new()
        .pseudo_header(src, dst, PROTOCOL_UDP, datagram.len())
        .bytes(datagram)
}

/// The checksum field: a computed 0 is sent as 0xFFFF, since 0 means none.
pub(crate) fn finish(sum: Checksum) -> u16 {
    match sum.finish() {
        0 => 0xFFFF,
        checksum => checksum,
    }
}
