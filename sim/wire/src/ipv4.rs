//! The IPv4 header (RFC 791).

use crate::bytes::{array_at, u8_at, u16_at};
use crate::checksum::{Checksum, checksum};
use std::net::Ipv4Addr;
use thiserror::Error;

/// Length of a header without options, bytes.
pub const HEADER_BYTES: usize = 20;
/// Protocol number of ICMP.
pub const PROTOCOL_ICMP: u8 = 1;
/// Protocol number of TCP.
pub const PROTOCOL_TCP: u8 = 6;
/// Protocol number of UDP.
pub const PROTOCOL_UDP: u8 = 17;

const RESERVED_FLAG: u16 = 0x8000;
const DONT_FRAGMENT: u16 = 0x4000;
const MORE_FRAGMENTS: u16 = 0x2000;
const OFFSET_MASK: u16 = 0x1FFF;

/// Lenient view of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packet<'a>(&'a [u8]);

impl<'a> Packet<'a> {
    /// Views any bytes as a packet.
    #[must_use]
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// The version; 4.
    #[must_use]
    pub fn version(&self) -> Option<u8> {
        u8_at(self.0, 0).map(|byte| byte >> 4)
    }

    /// Length of the header with its options as it says itself, 0 to 60 bytes.
    #[must_use]
    pub fn header_bytes(&self) -> Option<usize> {
        u8_at(self.0, 0).map(|byte| usize::from(byte & 0x0F) * 4)
    }

    /// Differentiated services field and ECN bits.
    #[must_use]
    pub fn traffic_class(&self) -> Option<u8> {
        u8_at(self.0, 1)
    }

    /// Length of the packet as its header says, bytes.
    #[must_use]
    pub fn total_bytes(&self) -> Option<u16> {
        u16_at(self.0, 2)
    }

    /// Identification, for reassembly.
    #[must_use]
    pub fn identification(&self) -> Option<u16> {
        u16_at(self.0, 4)
    }

    /// Whether routers must not fragment the packet.
    #[must_use]
    pub fn dont_fragment(&self) -> Option<bool> {
        u16_at(self.0, 6).map(|field| field & DONT_FRAGMENT != 0)
    }

    /// Whether this is a fragment that others follow.
    #[must_use]
    pub fn more_fragments(&self) -> Option<bool> {
        u16_at(self.0, 6).map(|field| field & MORE_FRAGMENTS != 0)
    }

    /// Place of this fragment in its packet, in units of 8 bytes.
    #[must_use]
    pub fn fragment_offset(&self) -> Option<u16> {
        u16_at(self.0, 6).map(|field| field & OFFSET_MASK)
    }

    /// Whether this is a part of a fragmented packet.
    #[must_use]
    pub fn is_fragment(&self) -> Option<bool> {
        u16_at(self.0, 6).map(|field| field & (MORE_FRAGMENTS | OFFSET_MASK) != 0)
    }

    /// Time to live, hops.
    #[must_use]
    pub fn ttl(&self) -> Option<u8> {
        u8_at(self.0, 8)
    }

    /// Protocol number of the payload.
    #[must_use]
    pub fn protocol(&self) -> Option<u8> {
        u8_at(self.0, 9)
    }

    /// Whether the header's checksum is right; `None` if the header is cut short.
    #[must_use]
    pub fn checksum_is_valid(&self) -> Option<bool> {
        let header = self.0.get(..self.header_bytes()?.max(HEADER_BYTES))?;
        Some(Checksum::new().bytes(header).is_valid())
    }

    /// Source address.
    #[must_use]
    pub fn src(&self) -> Option<Ipv4Addr> {
        array_at::<4>(self.0, 12).map(Ipv4Addr::from)
    }

    /// Destination address.
    #[must_use]
    pub fn dst(&self) -> Option<Ipv4Addr> {
        array_at::<4>(self.0, 16).map(Ipv4Addr::from)
    }

    /// The options' bytes.
    #[must_use]
    pub fn options(&self) -> Option<&'a [u8]> {
        self.0.get(HEADER_BYTES..self.header_bytes()?)
    }

    /// What follows the header, to the length the header says or the end of the bytes.
    ///
    /// `None` if the header is cut short, or its own length less than 20 bytes.
    #[must_use]
    pub fn payload(&self) -> Option<&'a [u8]> {
        let start = self
            .header_bytes()
            .filter(|&header| header >= HEADER_BYTES)?;
        let claimed = usize::from(self.total_bytes()?);
        let end = if claimed < self.0.len() {
            claimed
        } else {
            self.0.len()
        };
        self.0.get(start..end)
    }
}

/// Why bytes are no IPv4 packet that [`Repr`] can hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Error {
    /// The bytes end before the header or the total length does.
    #[error("the packet is cut short")]
    Truncated,
    /// The version is not 4.
    #[error("version {version} is not 4")]
    Version {
        /// The version as received.
        version: u8,
    },
    /// The header or total length contradicts itself.
    #[error("the header length or the total length is too small")]
    Length,
    /// Options are present, which [`Repr`] does not hold.
    #[error("the header has options")]
    Options,
    /// The reserved flag is set.
    #[error("the reserved flag is set")]
    ReservedFlag,
    /// The header's checksum is wrong.
    #[error("the header checksum is wrong")]
    Checksum,
}

/// An IPv4 header without options.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Repr {
    /// Source address.
    pub src: Ipv4Addr,
    /// Destination address.
    pub dst: Ipv4Addr,
    /// Protocol number of the payload.
    pub protocol: u8,
    /// Time to live, hops.
    pub ttl: u8,
    /// Differentiated services field and ECN bits.
    pub traffic_class: u8,
    /// Identification, for reassembly.
    pub identification: u16,
    /// Whether routers must not fragment the packet.
    pub dont_fragment: bool,
    /// Whether this is a fragment that others follow.
    pub more_fragments: bool,
    /// Place of this fragment in its packet, in units of 8 bytes, 0 to 8191.
    pub fragment_offset: u16,
    /// Length of the payload, 0 to 65515 bytes.
    pub payload_bytes: u16,
}

impl Repr {
    /// A header as hosts send it: unfragmented, TTL 64, DF set.
    #[must_use]
    pub const fn new(src: Ipv4Addr, dst: Ipv4Addr, protocol: u8, payload_bytes: u16) -> Self {
        Self {
            src,
            dst,
            protocol,
            ttl: 64,
            traffic_class: 0,
            identification: 0,
            dont_fragment: true,
            more_fragments: false,
            fragment_offset: 0,
            payload_bytes,
        }
    }

    /// Parses a packet into header and payload; bytes behind it are Ethernet padding and left out.
    ///
    /// # Errors
    ///
    /// The first rule broken.
    pub fn parse(bytes: &[u8]) -> Result<(Self, &[u8]), Error> {
        let packet = Packet::new(bytes);
        let version = packet.version().ok_or(Error::Truncated)?;
        if version != 4 {
            return Err(Error::Version { version });
        }
        let header_bytes = packet.header_bytes().ok_or(Error::Truncated)?;
        let total_bytes = packet.total_bytes().ok_or(Error::Truncated)?;
        if header_bytes < HEADER_BYTES || usize::from(total_bytes) < header_bytes {
            return Err(Error::Length);
        }
        if bytes.len() < usize::from(total_bytes) {
            return Err(Error::Truncated);
        }
        if packet.checksum_is_valid() != Some(true) {
            return Err(Error::Checksum);
        }
        if header_bytes > HEADER_BYTES {
            return Err(Error::Options);
        }
        if u16_at(bytes, 6).is_some_and(|field| field & RESERVED_FLAG != 0) {
            return Err(Error::ReservedFlag);
        }
        let payload = packet.payload().ok_or(Error::Truncated)?;
        let repr = Self {
            src: packet.src().ok_or(Error::Truncated)?,
            dst: packet.dst().ok_or(Error::Truncated)?,
            protocol: packet.protocol().ok_or(Error::Truncated)?,
            ttl: packet.ttl().ok_or(Error::Truncated)?,
            traffic_class: packet.traffic_class().ok_or(Error::Truncated)?,
            identification: packet.identification().ok_or(Error::Truncated)?,
            dont_fragment: packet.dont_fragment().ok_or(Error::Truncated)?,
            more_fragments: packet.more_fragments().ok_or(Error::Truncated)?,
            fragment_offset: packet.fragment_offset().ok_or(Error::Truncated)?,
            payload_bytes: crate::bytes::low_u16(payload.len()),
        };
        Ok((repr, payload))
    }

    /// Appends the header with its checksum; `payload_bytes` of payload follow.
    ///
    /// Fields too wide are cut, and the total length wraps past 65535.
    pub fn emit(&self, out: &mut Vec<u8>) {
        let header_bytes = 20_u16;
        let mut fragment = self.fragment_offset & OFFSET_MASK;
        if self.dont_fragment {
            fragment |= DONT_FRAGMENT;
        }
        if self.more_fragments {
            fragment |= MORE_FRAGMENTS;
        }
        let start = out.len();
        out.extend_from_slice(&[0x45, self.traffic_class]);
        out.extend_from_slice(&self.payload_bytes.wrapping_add(header_bytes).to_be_bytes());
        out.extend_from_slice(&self.identification.to_be_bytes());
        out.extend_from_slice(&fragment.to_be_bytes());
        out.extend_from_slice(&[self.ttl, self.protocol, 0, 0]);
        out.extend_from_slice(&self.src.octets());
        out.extend_from_slice(&self.dst.octets());
        let sum = checksum(&out[start..]);
        out[start + 10..start + 12].copy_from_slice(&sum.to_be_bytes());
    }
}
