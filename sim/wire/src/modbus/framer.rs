//! A TCP byte stream cut into ADUs.
//!
//! TCP keeps no message boundaries: an ADU may arrive in pieces and several may arrive together.
//! The MBAP length field is the only delimiter (MSG 3.1.3).
//!
//! **Invariant:** what the framer yields depends on the bytes alone, not on how they were cut into
//! [`Framer::push`] calls, up to the first [`Framed::BadLength`].
//!
//! What a device does with a bad header is its own affair, so the framer reports and the caller
//! decides:
//!
//! * A protocol id other than 0 with a usable length is [`Framed::ForeignProtocol`]. MSG 4.4.2
//!   has the server discard the indication and go on; a caller that ignores it does just that.
//! * A length outside 2 to 254 is [`Framed::BadLength`]. The stream's boundaries are lost, since a
//!   PDU cannot be empty nor exceed 253 bytes, and neither document defines how to find them
//!   again. From then on the framer discards everything, which is a device that stays silent,
//!   until [`Framer::resync`]. A caller that closes the connection drops the framer instead.

use super::{ADU_MAX_BYTES, Adu};
use crate::bytes::u16_at;

/// Smallest valid MBAP length: unit id and function code.
pub const LENGTH_MIN: u16 = 2;

/// Largest valid MBAP length: unit id and the longest PDU.
pub const LENGTH_MAX: u16 = 254;

/// Bytes of the header up to and with the length field.
const PREFIX_BYTES: usize = 6;

/// One thing found in the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framed<'a> {
    /// A complete ADU with protocol id 0 and a consistent length.
    Adu(Adu<'a>),
    /// A complete frame whose protocol id is not 0; to be discarded by a conforming server.
    ForeignProtocol(Adu<'a>),
    /// A length field outside 2 to 254; the stream's boundaries are lost.
    BadLength {
        /// The transaction id before it.
        transaction: u16,
        /// The protocol id before it.
        protocol: u16,
        /// The bad length.
        length: u16,
    },
}

/// How a device goes on after [`Framed::BadLength`] if it keeps the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resync {
    /// Forget what has arrived; the next byte to arrive starts a header. What survives depends on
    /// the segmentation, as in devices that empty their receive buffer.
    DropBuffered,
    /// Skip the six bytes through the length field and take the next byte for a header's first.
    /// Does not depend on the segmentation if chosen before the next push.
    SkipHeader,
}

/// Cuts one connection's incoming bytes into ADUs.
///
/// Holds what was pushed and not yet yielded, so it is bounded by the largest push (in practice
/// the TCP receive window) plus one ADU, as long as the caller drains it after each push.
///
/// # Examples
///
/// ```
/// use sim_wire::modbus::{Framed, Framer};
///
/// let mut framer = Framer::new();
/// framer.push(&[0, 1, 0, 0, 0, 6, 1]); // The header alone: nothing to yield yet.
/// assert_eq!(framer.next_frame(), None);
/// framer.push(&[3, 0, 0, 0, 10]);
/// let Some(Framed::Adu(adu)) = framer.next_frame() else { panic!("one ADU") };
/// assert_eq!((adu.transaction(), adu.function()), (1, 3));
/// ```
#[derive(Clone, Debug, Default)]
pub struct Framer {
    inbox: Vec<u8>,
    /// Bytes of the inbox already yielded.
    taken: usize,
    /// Set by a bad length until [`Framer::resync`].
    lost: bool,
    /// Bytes thrown away while lost.
    discarded_bytes: u64,
}

impl Framer {
    /// An empty framer for a new connection.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes bytes as they arrived, in order.
    pub fn push(&mut self, bytes: &[u8]) {
        if self.lost {
            self.discarded_bytes += bytes.len() as u64;
            return;
        }
        if self.taken > 0 {
            self.inbox.drain(..self.taken);
            self.taken = 0;
        }
        self.inbox.extend_from_slice(bytes);
    }

    /// The next frame, or `None` until more bytes arrive. Call until `None` after each push.
    pub fn next_frame(&mut self) -> Option<Framed<'_>> {
        if self.lost {
            return None;
        }
        let pending = &self.inbox[self.taken..];
        let length = u16_at(pending, 4)?;
        if !(LENGTH_MIN..=LENGTH_MAX).contains(&length) {
            self.lost = true;
            return Some(Framed::BadLength {
                transaction: u16_at(pending, 0)?,
                protocol: u16_at(pending, 2)?,
                length,
            });
        }
        let total = PREFIX_BYTES + usize::from(length);
        let adu = Adu::view(pending.get(..total)?)?;
        self.taken += total;
        Some(if adu.protocol() == 0 {
            Framed::Adu(adu)
        } else {
            Framed::ForeignProtocol(adu)
        })
    }

    /// Number of bytes held back for an incomplete frame.
    #[must_use]
    pub fn pending_bytes(&self) -> usize {
        self.inbox.len() - self.taken
    }

    /// Whether a bad length was seen and not resolved: all further bytes are discarded.
    #[must_use]
    pub fn is_lost(&self) -> bool {
        self.lost
    }

    /// Number of bytes discarded since the boundaries were lost, over the framer's life.
    #[must_use]
    pub fn discarded_bytes(&self) -> u64 {
        self.discarded_bytes
    }

    /// Goes on after [`Framed::BadLength`]; does nothing while the boundaries are known.
    pub fn resync(&mut self, how: Resync) {
        if !self.lost {
            return;
        }
        self.lost = false;
        let dropped = match how {
            Resync::DropBuffered => self.pending_bytes(),
            Resync::SkipHeader => PREFIX_BYTES.min(self.pending_bytes()),
        };
        self.taken += dropped;
        self.discarded_bytes += dropped as u64;
    }

    /// Forgets everything, for a new connection, and keeps the buffer's memory.
    pub fn reset(&mut self) {
        self.inbox.clear();
        self.taken = 0;
        self.lost = false;
        self.discarded_bytes = 0;
    }
}

/// The complete and truncated ADUs in one TCP payload, for observers that keep no stream state.
///
/// Assumes that the payload starts with a header, as it does for every client and server that
/// writes one ADU per segment. Stops at the first header that cannot be Modbus (protocol id not 0,
/// or length outside 2 to 254); the last ADU may be cut short, see [`Adu::length_is_consistent`].
pub fn adus_in(payload: &[u8]) -> impl Iterator<Item = Adu<'_>> {
    let mut rest = payload;
    std::iter::from_fn(move || {
        let adu = Adu::view(rest)?;
        let header = adu.header();
        if header.protocol != 0 || !(LENGTH_MIN..=LENGTH_MAX).contains(&header.length) {
            return None;
        }
        rest = rest.get(adu.total_bytes()..).map_or(&[], |after| after);
        Some(adu)
    })
}

const _: () = assert!(PREFIX_BYTES + LENGTH_MAX as usize == ADU_MAX_BYTES);
