//! Changes to a frame in flight: what a router, a switch or an adversary in the middle does.
//!
//! **Invariant:** on an error the frame is unchanged. On success every checksum under a changed
//! byte is right again, whatever it was before, except where a function says that it updates.
//!
//! Addresses of TCP payload bytes are offsets into the payload. Changing a payload's length moves
//! the stream: whoever does it owns the translation of all later sequence and acknowledgment
//! numbers, for which [`shift_tcp_numbers`] is there.

use crate::bytes::{low_u16, u16_at, u32_at};
use crate::checksum::{Checksum, checksum, updated};
use crate::{MacAddr, ethernet, ipv4, tcp, udp};
use std::net::Ipv4Addr;
use std::ops::Range;
use thiserror::Error;

/// Why a frame cannot be rewritten as asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Error {
    /// The frame has no complete Ethernet header.
    #[error("the frame ends within its Ethernet header")]
    NotEthernet,
    /// The frame has no complete IPv4 packet.
    #[error("the frame holds no complete IPv4 packet")]
    NotIpv4,
    /// The packet has no complete TCP header, or is a fragment.
    #[error("the frame holds no complete TCP segment")]
    NotTcp,
    /// The bytes asked for are not in the payload.
    #[error("bytes {first}..{end} are outside the payload of {payload_bytes} bytes")]
    OutsidePayload {
        /// First offset asked for.
        first: usize,
        /// Offset behind the last.
        end: usize,
        /// Length of the payload, bytes.
        payload_bytes: usize,
    },
    /// The packet would exceed 65535 bytes.
    #[error("the packet would have {packet_bytes} bytes")]
    TooLong {
        /// Length of the packet, bytes.
        packet_bytes: usize,
    },
    /// The time to live is used up; a router drops the packet.
    #[error("the time to live is used up")]
    TtlExpired,
}

/// Where the parts of a frame with a complete IPv4 packet lie.
#[derive(Clone, Debug)]
struct Layout {
    /// The IPv4 header with its options.
    header: Range<usize>,
    /// The IPv4 payload, without Ethernet padding.
    body: Range<usize>,
    src: Ipv4Addr,
    dst: Ipv4Addr,
    protocol: u8,
    is_fragment: bool,
}

impl Layout {
    fn of(frame: &[u8]) -> Result<Self, Error> {
        let outer = ethernet::Packet::new(frame);
        let bytes = outer.payload().ok_or(Error::NotEthernet)?;
        if outer.ethertype() != Some(ethernet::ETHERTYPE_IPV4) {
            return Err(Error::NotIpv4);
        }
        Self::of_packet(outer.header_bytes(), bytes).ok_or(Error::NotIpv4)
    }

    fn of_packet(start: usize, bytes: &[u8]) -> Option<Self> {
        let packet = ipv4::Packet::new(bytes);
        let payload = packet.payload()?;
        let (header_bytes, total_bytes) = (packet.header_bytes()?, packet.total_bytes()?);
        let is_whole = header_bytes + payload.len() == usize::from(total_bytes);
        (packet.version()? == 4 && is_whole).then_some(())?;
        Some(Self {
            header: start..start + header_bytes,
            body: start + header_bytes..start + usize::from(total_bytes),
            src: packet.src()?,
            dst: packet.dst()?,
            protocol: packet.protocol()?,
            is_fragment: packet.is_fragment()?,
        })
    }

    /// Where the TCP payload lies.
    fn tcp_payload(&self, frame: &[u8]) -> Result<Range<usize>, Error> {
        if self.protocol != ipv4::PROTOCOL_TCP || self.is_fragment {
            return Err(Error::NotTcp);
        }
        let payload = tcp::Packet::new(&frame[self.body.clone()])
            .payload()
            .ok_or(Error::NotTcp)?;
        Ok(self.body.end - payload.len()..self.body.end)
    }

    fn fix_checksums(&self, frame: &mut [u8]) {
        put_u16(frame, self.header.start + 10, 0);
        let sum = checksum(&frame[self.header.clone()]);
        put_u16(frame, self.header.start + 10, sum);
        self.fix_transport_checksum(frame);
    }

    /// Sets the checksum of TCP, UDP or ICMP; a fragment's covers bytes that are not here.
    fn fix_transport_checksum(&self, frame: &mut [u8]) {
        let field = match self.protocol {
            ipv4::PROTOCOL_TCP => 16,
            ipv4::PROTOCOL_UDP => 6,
            ipv4::PROTOCOL_ICMP => 2,
            _ => return,
        };
        let segment = &mut frame[self.body.clone()];
        let Some(old) = u16_at(segment, field).filter(|_| !self.is_fragment) else {
            return;
        };
        if self.protocol == ipv4::PROTOCOL_UDP && old == 0 {
            return; // The sender chose to have none.
        }
        put_u16(segment, field, 0);
        let pseudo_header = match self.protocol {
            ipv4::PROTOCOL_ICMP => Checksum::new(),
            protocol => Checksum::new().pseudo_header(self.src, self.dst, protocol, segment.len()),
        };
        let sum = pseudo_header.bytes(segment);
        let value = if self.protocol == ipv4::PROTOCOL_UDP {
            udp::finish(sum)
        } else {
            sum.finish()
        };
        put_u16(segment, field, value);
    }
}

/// Writes a field of a part whose length was checked.
fn put_u16(bytes: &mut [u8], offset: usize, value: u16) {
    bytes[offset..offset + 2].copy_from_slice(&value.to_be_bytes());
}

/// Sets both hardware addresses. No checksum covers them.
///
/// # Errors
///
/// [`Error::NotEthernet`] for fewer than 12 bytes.
pub fn set_macs(frame: &mut [u8], src: MacAddr, dst: MacAddr) -> Result<(), Error> {
    let addresses = frame.get_mut(..12).ok_or(Error::NotEthernet)?;
    addresses[..6].copy_from_slice(&dst.0);
    addresses[6..].copy_from_slice(&src.0);
    Ok(())
}

/// Sets both IPv4 addresses and all checksums.
///
/// # Errors
///
/// [`Error::NotEthernet`] or [`Error::NotIpv4`].
pub fn set_ipv4_addresses(frame: &mut [u8], src: Ipv4Addr, dst: Ipv4Addr) -> Result<(), Error> {
    let layout = Layout {
        src,
        dst,
        ..Layout::of(frame)?
    };
    let start = layout.header.start;
    frame[start + 12..start + 16].copy_from_slice(&src.octets());
    frame[start + 16..start + 20].copy_from_slice(&dst.octets());
    layout.fix_checksums(frame);
    Ok(())
}

/// Takes one hop off the time to live, as a router does, and *updates* the header checksum: a
/// wrong one stays wrong (RFC 1624).
///
/// # Errors
///
/// [`Error::TtlExpired`] if the time to live is 0 or 1, else as for [`set_ipv4_addresses`].
pub fn decrement_ttl(frame: &mut [u8]) -> Result<(), Error> {
    let start = Layout::of(frame)?.header.start;
    let old = u16_at(frame, start + 8).ok_or(Error::NotIpv4)?;
    if old < 0x0200 {
        return Err(Error::TtlExpired);
    }
    let new = old - 0x0100; // The time to live is the word's high byte.
    let sum = u16_at(frame, start + 10).ok_or(Error::NotIpv4)?;
    put_u16(frame, start + 8, new);
    put_u16(frame, start + 10, updated(sum, old, new));
    Ok(())
}

/// The TCP payload, to change in place; call [`fix_checksums`] afterwards.
///
/// # Errors
///
/// [`Error::NotTcp`], else as for [`set_ipv4_addresses`].
pub fn tcp_payload_mut(frame: &mut [u8]) -> Result<&mut [u8], Error> {
    let range = Layout::of(frame)?.tcp_payload(frame)?;
    Ok(&mut frame[range])
}

/// Overwrites payload bytes from `offset` on and sets the checksums. The length stays.
///
/// # Errors
///
/// [`Error::OutsidePayload`], else as for [`tcp_payload_mut`].
pub fn patch_tcp_payload(frame: &mut [u8], offset: usize, bytes: &[u8]) -> Result<(), Error> {
    let layout = Layout::of(frame)?;
    let range = layout.tcp_payload(frame)?;
    let end = offset.saturating_add(bytes.len());
    if end > range.len() {
        return Err(Error::OutsidePayload {
            first: offset,
            end,
            payload_bytes: range.len(),
        });
    }
    frame[range.start + offset..range.start + end].copy_from_slice(bytes);
    layout.fix_checksums(frame);
    Ok(())
}

/// Replaces the whole payload by one of any length, drops Ethernet padding, and sets the total
/// length and the checksums.
///
/// # Errors
///
/// [`Error::TooLong`], else as for [`tcp_payload_mut`].
pub fn replace_tcp_payload(frame: &mut Vec<u8>, payload: &[u8]) -> Result<(), Error> {
    let mut layout = Layout::of(frame)?;
    let range = layout.tcp_payload(frame)?;
    let packet_bytes = range.start - layout.header.start + payload.len();
    if packet_bytes > usize::from(u16::MAX) {
        return Err(Error::TooLong { packet_bytes });
    }
    frame.truncate(range.start);
    frame.extend_from_slice(payload);
    put_u16(frame, layout.header.start + 2, low_u16(packet_bytes));
    layout.body.end = frame.len();
    layout.fix_checksums(frame);
    Ok(())
}

/// Adds to the sequence and acknowledgment numbers, modulo 2³², and sets the checksums.
///
/// SACK blocks and timestamps stay as they are.
///
/// # Errors
///
/// As for [`tcp_payload_mut`].
pub fn shift_tcp_numbers(frame: &mut [u8], seq_shift: i32, ack_shift: i32) -> Result<(), Error> {
    let layout = Layout::of(frame)?;
    layout.tcp_payload(frame)?;
    for (offset, shift) in [(4, seq_shift), (8, ack_shift)] {
        let at = layout.body.start + offset;
        let shifted = u32_at(frame, at)
            .ok_or(Error::NotTcp)?
            .wrapping_add_signed(shift);
        frame[at..at + 4].copy_from_slice(&shifted.to_be_bytes());
    }
    layout.fix_checksums(frame);
    Ok(())
}

/// Sets the checksums of the IPv4 header and of the TCP, UDP or ICMP message in it.
///
/// A UDP checksum of 0 stays 0, and a fragment's transport checksum stays as it is.
///
/// # Errors
///
/// As for [`set_ipv4_addresses`].
pub fn fix_checksums(frame: &mut [u8]) -> Result<(), Error> {
    Layout::of(frame)?.fix_checksums(frame);
    Ok(())
}
