//! The Address Resolution Protocol for IPv4 over Ethernet (RFC 826).

use crate::bytes::{array_at, u16_at};
use crate::ethernet::{self, ETHERTYPE_IPV4, MacAddr};
use std::net::Ipv4Addr;
use thiserror::Error;

/// Length of a packet, bytes.
pub const PACKET_BYTES: usize = 28;

/// Hardware type, protocol type and address lengths of IPv4 over Ethernet.
const PREFIX: [u8; 6] = [0, 1, ETHERTYPE_IPV4.to_be_bytes()[0], 0, 6, 4];

/// What a packet asks or says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u16)]
pub enum Operation {
    /// 1: who has the target address?
    Request = 1,
    /// 2: the sender has the sender address.
    Reply = 2,
}

/// Lenient view of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packet<'a>(&'a [u8]);

impl<'a> Packet<'a> {
    /// Views any bytes as a packet.
    #[must_use]
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// Whether types and lengths are those of IPv4 over Ethernet; the other accessors assume it.
    #[must_use]
    pub fn is_ipv4_over_ethernet(&self) -> bool {
        self.0.starts_with(&PREFIX)
    }

    /// The operation's number.
    #[must_use]
    pub fn operation(&self) -> Option<u16> {
        u16_at(self.0, 6)
    }

    /// Hardware address of the sender.
    #[must_use]
    pub fn sender_mac(&self) -> Option<MacAddr> {
        array_at(self.0, 8).map(MacAddr)
    }

    /// Protocol address of the sender.
    #[must_use]
    pub fn sender_ip(&self) -> Option<Ipv4Addr> {
        array_at::<4>(self.0, 14).map(Ipv4Addr::from)
    }

    /// Hardware address of the target.
    #[must_use]
    pub fn target_mac(&self) -> Option<MacAddr> {
        array_at(self.0, 18).map(MacAddr)
    }

    /// Protocol address of the target.
    #[must_use]
    pub fn target_ip(&self) -> Option<Ipv4Addr> {
        array_at::<4>(self.0, 24).map(Ipv4Addr::from)
    }
}

/// Why bytes are no ARP packet for IPv4 over Ethernet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Error {
    /// There are fewer than 28 bytes.
    #[error("the packet has {packet_bytes} bytes; expected {PACKET_BYTES}")]
    Truncated {
        /// Length of the packet, bytes.
        packet_bytes: usize,
    },
    /// Another hardware or protocol type, or other address lengths.
    #[error("not ARP for IPv4 over Ethernet")]
    AddressTypes,
    /// Neither a request nor a reply.
    #[error("operation {operation} is neither request nor reply")]
    Operation {
        /// The operation's number.
        operation: u16,
    },
}

/// An ARP packet for IPv4 over Ethernet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Repr {
    /// Request or reply.
    pub operation: Operation,
    /// Hardware address of the sender.
    pub sender_mac: MacAddr,
    /// Protocol address of the sender.
    pub sender_ip: Ipv4Addr,
    /// Hardware address of the target; zero in a request.
    pub target_mac: MacAddr,
    /// Protocol address of the target.
    pub target_ip: Ipv4Addr,
}

impl Repr {
    /// The packet in an Ethernet frame, without VLAN tag and check sequence.
    #[must_use]
    pub fn in_frame(&self, src: MacAddr, dst: MacAddr) -> Vec<u8> {
        let header = ethernet::Repr {
            dst,
            src,
            vlan: None,
            ethertype: ethernet::ETHERTYPE_ARP,
        };
        let mut frame = Vec::with_capacity(ethernet::HEADER_BYTES + PACKET_BYTES);
        header.emit(&mut frame);
        self.emit(&mut frame);
        frame
    }

    /// Parses a packet; bytes behind it are Ethernet padding and ignored.
    ///
    /// # Errors
    ///
    /// The first rule broken.
    pub fn parse(bytes: &[u8]) -> Result<Self, Error> {
        let truncated = Error::Truncated {
            packet_bytes: bytes.len(),
        };
        if bytes.len() < PACKET_BYTES {
            return Err(truncated);
        }
        let packet = Packet::new(bytes);
        if !packet.is_ipv4_over_ethernet() {
            return Err(Error::AddressTypes);
        }
        let operation = match packet.operation().ok_or(truncated)? {
            1 => Operation::Request,
            2 => Operation::Reply,
            operation => return Err(Error::Operation { operation }),
        };
        Ok(Self {
            operation,
            sender_mac: packet.sender_mac().ok_or(truncated)?,
            sender_ip: packet.sender_ip().ok_or(truncated)?,
            target_mac: packet.target_mac().ok_or(truncated)?,
            target_ip: packet.target_ip().ok_or(truncated)?,
        })
    }

    /// Whether the packet announces the sender's own address (RFC 5227 calls it gratuitous).
    #[must_use]
    pub fn is_gratuitous(&self) -> bool {
        self.sender_ip == self.target_ip
    }

    /// Appends the 28 bytes of the packet.
    pub fn emit(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&PREFIX);
        out.extend_from_slice(&(self.operation as u16).to_be_bytes());
        out.extend_from_slice(&self.sender_mac.0);
        out.extend_from_slice(&self.sender_ip.octets());
        out.extend_from_slice(&self.target_mac.0);
        out.extend_from_slice(&self.target_ip.octets());
    }
}
