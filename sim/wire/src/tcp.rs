//! The TCP header over IPv4 (RFC 9293), with the options in common use.

use crate::bytes::{u8_at, u16_at, u32_at};
use crate::checksum::Checksum;
use crate::ipv4::PROTOCOL_TCP;
use std::fmt;
use std::net::Ipv4Addr;
use std::ops::BitOr;
use thiserror::Error;

/// Length of a header without options, bytes.
pub const HEADER_BYTES: usize = 20;
/// Longest header, bytes.
pub const HEADER_MAX_BYTES: usize = 60;

/// The control bits.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Flags(pub u8);

impl Flags {
    /// No more data from the sender.
    pub const FIN: Self = Self(0x01);
    /// Synchronize sequence numbers.
    pub const SYN: Self = Self(0x02);
    /// Reset the connection.
    pub const RST: Self = Self(0x04);
    /// Push function.
    pub const PSH: Self = Self(0x08);
    /// The acknowledgment field is significant.
    pub const ACK: Self = Self(0x10);
    /// The urgent pointer is significant.
    pub const URG: Self = Self(0x20);
    /// ECN echo (RFC 3168).
    pub const ECE: Self = Self(0x40);
    /// Congestion window reduced (RFC 3168).
    pub const CWR: Self = Self(0x80);

    /// Whether all the given bits are set.
    #[must_use]
    pub const fn contains(self, bits: Self) -> bool {
        self.0 & bits.0 == bits.0
    }

    /// Whether this is the first segment of a handshake: SYN without ACK.
    #[must_use]
    pub const fn is_connect(self) -> bool {
        self.contains(Self::SYN) && !self.contains(Self::ACK)
    }
}

impl BitOr for Flags {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl fmt::Display for Flags {
    /// Writes the initials of the set bits, `SA` for SYN and ACK, or `-` for none.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == 0 {
            return f.write_str("-");
        }
        for (bit, letter) in ["F", "S", "R", "P", "A", "U", "E", "C"]
            .into_iter()
            .enumerate()
        {
            if self.0 >> bit & 1 == 1 {
                f.write_str(letter)?;
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Flags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Flags({self})")
    }
}

/// Lenient view of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packet<'a>(&'a [u8]);

impl<'a> Packet<'a> {
    /// Views any bytes as a segment.
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

    /// Sequence number of the first payload byte, or of the SYN.
    #[must_use]
    pub fn seq(&self) -> Option<u32> {
        u32_at(self.0, 4)
    }

    /// Acknowledgment number: the next sequence number expected.
    #[must_use]
    pub fn ack(&self) -> Option<u32> {
        u32_at(self.0, 8)
    }

    /// Length of the header with its options as it says itself, 0 to 60 bytes.
    #[must_use]
    pub fn header_bytes(&self) -> Option<usize> {
        u8_at(self.0, 12).map(|byte| usize::from(byte >> 4) * 4)
    }

    /// Control bits.
    #[must_use]
    pub fn flags(&self) -> Option<Flags> {
        u8_at(self.0, 13).map(Flags)
    }

    /// Window as in the header, not scaled, bytes.
    #[must_use]
    pub fn window(&self) -> Option<u16> {
        u16_at(self.0, 14)
    }

    /// Urgent pointer.
    #[must_use]
    pub fn urgent(&self) -> Option<u16> {
        u16_at(self.0, 18)
    }

    /// The options' bytes.
    #[must_use]
    pub fn options(&self) -> Option<&'a [u8]> {
        self.0.get(HEADER_BYTES..self.header_bytes()?)
    }

    /// What follows the header; `None` if that is cut short or claims less than 20 bytes.
    #[must_use]
    pub fn payload(&self) -> Option<&'a [u8]> {
        self.0.get(
            self.header_bytes()
                .filter(|&header| header >= HEADER_BYTES)?..,
        )
    }

    /// Whether the checksum over pseudo-header and segment is right.
    #[must_use]
    pub fn checksum_is_valid(&self, src: Ipv4Addr, dst: Ipv4Addr) -> bool {
        segment_sum(self.0, src, dst).is_valid()
    }
}

fn segment_sum(segment: &[u8], src: Ipv4Addr, dst: Ipv4Addr) -> Checksum {
    Checksum::new()
        .pseudo_header(src, dst, PROTOCOL_TCP, segment.len())
        .bytes(segment)
}

/// The options of a header.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Options {
    /// Maximum segment size, bytes (RFC 9293 3.7.1).
    pub mss_bytes: Option<u16>,
    /// Window scale, a shift of 0 to 14 (RFC 7323).
    pub window_scale: Option<u8>,
    /// Whether the sender takes selective acknowledgments (RFC 2018).
    pub sack_permitted: bool,
    /// Timestamp value and echo reply (RFC 7323).
    pub timestamps: Option<(u32, u32)>,
    /// Selectively acknowledged blocks, first and past-the-end sequence number; filled from the
    /// front.
    pub sack: [Option<(u32, u32)>; 4],
}

impl Options {
    /// Parses the bytes between header and payload; kinds not listed in RFC 2018, 7323 and 9293
    /// are skipped by their length.
    fn parse(bytes: &[u8]) -> Result<Self, Error> {
        let mut options = Self::default();
        let mut rest = bytes;
        while let Some((&kind, after)) = rest.split_first() {
            match kind {
                0 => break,
                1 => {
                    rest = after;
                    continue;
                }
                _ => {}
            }
            let length = usize::from(*after.first().ok_or(Error::Option { kind })?);
            let body = rest.get(2..length).ok_or(Error::Option { kind })?;
            options.set(kind, body).ok_or(Error::Option { kind })?;
            rest = &rest[length..];
        }
        Ok(options)
    }

    /// Sets one option, or answers `None` if its length is wrong.
    fn set(&mut self, kind: u8, body: &[u8]) -> Option<()> {
        match (kind, body.len()) {
            (2, 2) => self.mss_bytes = u16_at(body, 0),
            (3, 1) => self.window_scale = u8_at(body, 0),
            (4, 0) => self.sack_permitted = true,
            (5, 8 | 16 | 24 | 32) => {
                self.sack = [None; 4];
                for (slot, block) in self.sack.iter_mut().zip(body.chunks_exact(8)) {
                    *slot = Some((u32_at(block, 0)?, u32_at(block, 4)?));
                }
            }
            (8, 8) => self.timestamps = Some((u32_at(body, 0)?, u32_at(body, 4)?)),
            (2..=5 | 8, _) => return None,
            _ => {}
        }
        Some(())
    }

    /// Appends the options, padded with end-of-list to a multiple of 4 bytes.
    ///
    /// SACK blocks come last, and as many are written as fit into the 40 bytes.
    fn emit(&self, out: &mut Vec<u8>) {
        let start = out.len();
        if let Some(mss_bytes) = self.mss_bytes {
            out.extend_from_slice(&[2, 4]);
            out.extend_from_slice(&mss_bytes.to_be_bytes());
        }
        if let Some(shift) = self.window_scale {
            out.extend_from_slice(&[3, 3, shift]);
        }
        if self.sack_permitted {
            out.extend_from_slice(&[4, 2]);
        }
        if let Some((value, echo)) = self.timestamps {
            out.extend_from_slice(&[8, 10]);
            out.extend_from_slice(&value.to_be_bytes());
            out.extend_from_slice(&echo.to_be_bytes());
        }
        let room_bytes = HEADER_MAX_BYTES - HEADER_BYTES - (out.len() - start);
        let blocks = self.sack.iter().map_while(|block| *block);
        let count = blocks.clone().take((room_bytes - 2) / 8).count();
        if count > 0 {
            out.extend_from_slice(&[5, crate::bytes::low_u8(2 + 8 * count)]);
            for (first, end) in blocks.take(count) {
                out.extend_from_slice(&first.to_be_bytes());
                out.extend_from_slice(&end.to_be_bytes());
            }
        }
        let padded = (out.len() - start).next_multiple_of(4);
        out.resize(start + padded, 0);
    }
}

/// Why bytes are no TCP segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Error {
    /// The bytes end before the header does.
    #[error("the segment is cut short")]
    Truncated,
    /// The data offset is less than 5 words.
    #[error("the data offset is too small")]
    DataOffset,
    /// An option's length is wrong.
    #[error("option {kind} has a wrong length")]
    Option {
        /// The option's kind.
        kind: u8,
    },
    /// The checksum is wrong.
    #[error("the checksum is wrong")]
    Checksum,
}

/// A TCP header. Reserved bits are ignored and sent as zero (RFC 9293 3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Repr {
    /// Source port.
    pub src_port: u16,
    /// Destination port.
    pub dst_port: u16,
    /// Sequence number.
    pub seq: u32,
    /// Acknowledgment number.
    pub ack: u32,
    /// Control bits.
    pub flags: Flags,
    /// Window, not scaled, bytes.
    pub window: u16,
    /// Urgent pointer.
    pub urgent: u16,
    /// Options.
    pub options: Options,
}

impl Repr {
    /// Parses a segment into header and payload.
    ///
    /// # Arguments
    ///
    /// * `segment` — the IPv4 payload, no padding.
    /// * `src`, `dst` — the addresses in the pseudo-header.
    ///
    /// # Errors
    ///
    /// The first rule broken.
    pub fn parse(segment: &[u8], src: Ipv4Addr, dst: Ipv4Addr) -> Result<(Self, &[u8]), Error> {
        let packet = Packet::new(segment);
        let header_bytes = packet.header_bytes().ok_or(Error::Truncated)?;
        if header_bytes < HEADER_BYTES {
            return Err(Error::DataOffset);
        }
        let payload = packet.payload().ok_or(Error::Truncated)?;
        if !packet.checksum_is_valid(src, dst) {
            return Err(Error::Checksum);
        }
        let repr = Self {
            src_port: packet.src_port().ok_or(Error::Truncated)?,
            dst_port: packet.dst_port().ok_or(Error::Truncated)?,
            seq: packet.seq().ok_or(Error::Truncated)?,
            ack: packet.ack().ok_or(Error::Truncated)?,
            flags: packet.flags().ok_or(Error::Truncated)?,
            window: packet.window().ok_or(Error::Truncated)?,
            urgent: packet.urgent().ok_or(Error::Truncated)?,
            options: Options::parse(packet.options().ok_or(Error::Truncated)?)?,
        };
        Ok((repr, payload))
    }

    /// Appends header and payload with the checksum over both.
    pub fn emit(&self, src: Ipv4Addr, dst: Ipv4Addr, payload: &[u8], out: &mut Vec<u8>) {
        let start = out.len();
        out.extend_from_slice(&self.src_port.to_be_bytes());
        out.extend_from_slice(&self.dst_port.to_be_bytes());
        out.extend_from_slice(&self.seq.to_be_bytes());
        out.extend_from_slice(&self.ack.to_be_bytes());
        out.extend_from_slice(&[0, self.flags.0]);
        out.extend_from_slice(&self.window.to_be_bytes());
        out.extend_from_slice(&[0, 0]);
        out.extend_from_slice(&self.urgent.to_be_bytes());
        self.options.emit(out);
        let header_bytes = out.len() - start;
        // The data offset counts 4-byte words in the high half of its byte.
        out[start + 12] = crate::bytes::low_u8(header_bytes / 4 * 16);
        out.extend_from_slice(payload);
        let sum = segment_sum(&out[start..], src, dst).finish();
        out[start + 16..start + 18].copy_from_slice(&sum.to_be_bytes());
    }
}
