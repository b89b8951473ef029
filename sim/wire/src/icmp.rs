//! ICMP echo, request and reply (RFC 792).

use crate::bytes::{u8_at, u16_at};
use crate::checksum::{Checksum, checksum};
use thiserror::Error;

/// Length of an echo header, bytes.
pub const HEADER_BYTES: usize = 8;
/// Type of an echo reply.
pub const TYPE_ECHO_REPLY: u8 = 0;
/// Type of a destination unreachable message.
pub const TYPE_DESTINATION_UNREACHABLE: u8 = 3;
/// Type of an echo request.
pub const TYPE_ECHO_REQUEST: u8 = 8;

/// Lenient view of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packet<'a>(&'a [u8]);

impl<'a> Packet<'a> {
    /// Views any bytes as a message.
    #[must_use]
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// The message's type.
    #[must_use]
    pub fn message_type(&self) -> Option<u8> {
        u8_at(self.0, 0)
    }

    /// The code within the type.
    #[must_use]
    pub fn code(&self) -> Option<u8> {
        u8_at(self.0, 1)
    }

    /// Identifier, if the message is an echo.
    #[must_use]
    pub fn identifier(&self) -> Option<u16> {
        u16_at(self.0, 4)
    }

    /// Sequence number, if the message is an echo.
    #[must_use]
    pub fn sequence(&self) -> Option<u16> {
        u16_at(self.0, 6)
    }

    /// What follows the first 8 bytes.
    #[must_use]
    pub fn data(&self) -> Option<&'a [u8]> {
        self.0.get(HEADER_BYTES..)
    }

    /// Whether the checksum over the message is right.
    #[must_use]
    pub fn checksum_is_valid(&self) -> bool {
        Checksum::new().bytes(self.0).is_valid()
    }
}

/// Why bytes are no echo message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Error {
    /// There are fewer than 8 bytes.
    #[error("the message is cut short")]
    Truncated,
    /// The checksum is wrong.
    #[error("the checksum is wrong")]
    Checksum,
    /// Another type, or an echo with a code other than 0.
    #[error("type {message_type} code {code} is no echo")]
    NotEcho {
        /// The message's type.
        message_type: u8,
        /// Its code.
        code: u8,
    },
}

/// An echo message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Repr<'a> {
    /// Whether this is the reply.
    pub is_reply: bool,
    /// Identifier, which the reply copies.
    pub identifier: u16,
    /// Sequence number, which the reply copies.
    pub sequence: u16,
    /// Data, which the reply copies.
    pub data: &'a [u8],
}

impl<'a> Repr<'a> {
    /// Parses a message.
    ///
    /// # Errors
    ///
    /// The first rule broken.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, Error> {
        let packet = Packet::new(bytes);
        let data = packet.data().ok_or(Error::Truncated)?;
        if !packet.checksum_is_valid() {
            return Err(Error::Checksum);
        }
        let is_reply = match (bytes[0], bytes[1]) {
            (TYPE_ECHO_REQUEST, 0) => false,
            (TYPE_ECHO_REPLY, 0) => true,
            (message_type, code) => return Err(Error::NotEcho { message_type, code }),
        };
        Ok(Self {
            is_reply,
            identifier: packet.identifier().ok_or(Error::Truncated)?,
            sequence: packet.sequence().ok_or(Error::Truncated)?,
            data,
        })
    }

    /// Appends the message with its checksum.
    pub fn emit(&self, out: &mut Vec<u8>) {
        let start = out.len();
        let message_type = if self.is_reply {
            TYPE_ECHO_REPLY
        } else {
            TYPE_ECHO_REQUEST
        };
        out.extend_from_slice(&[message_type, 0, 0, 0]);
        out.extend_from_slice(&self.identifier.to_be_bytes());
        out.extend_from_slice(&self.sequence.to_be_bytes());
        out.extend_from_slice(self.data);
        let sum = checksum(&out[start..]);
        out[start + 2..start + 4].copy_from_slice(&sum.to_be_bytes());
    }
}
