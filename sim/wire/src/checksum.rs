//! The Internet checksum: the 16-bit ones' complement sum of RFC 1071.

use std::net::Ipv4Addr;

/// A running ones' complement sum over 16-bit big-endian words.
///
/// Parts are added in the order of the bytes; only the last may have an odd length, as it is
/// padded with a zero byte.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Checksum(u64);

impl Checksum {
    /// The sum of nothing.
    #[must_use]
    pub const fn new() -> Self {
        Self(0)
    }

    /// Adds bytes; an odd last byte counts as the high half of a word.
    #[must_use]
    pub fn bytes(mut self, bytes: &[u8]) -> Self {
        let (words, rest) = bytes.as_chunks::<2>();
        for word in words {
            self.0 += u64::from(u16::from_be_bytes(*word));
        }
        if let [last] = rest {
            self.0 += u64::from(*last) << 8;
        }
        self
    }

    /// Adds one 16-bit word.
    #[must_use]
    pub const fn word(mut self, word: u16) -> Self {
        self.0 += word as u64;
        self
    }

    /// Adds the pseudo-header of TCP and UDP over IPv4 (RFC 9293 3.1).
    ///
    /// # Arguments
    ///
    /// * `segment_bytes` — length of the transport header and payload; its low 16 bits count.
    #[must_use]
    pub fn pseudo_header(
        self,
        src: Ipv4Addr,
        dst: Ipv4Addr,
        protocol: u8,
        segment_bytes: usize,
    ) -> Self {
        self.bytes(&src.octets())
            .bytes(&dst.octets())
            .word(u16::from(protocol))
            .word(crate::bytes::low_u16(segment_bytes))
    }

    /// The folded sum. Over data that includes a right checksum it is 0xFFFF.
    #[must_use]
    pub fn sum(self) -> u16 {
        let mut sum = self.0;
        while sum > 0xFFFF {
            sum = (sum & 0xFFFF) + (sum >> 16);
        }
        u16::try_from(sum).expect("the sum was folded to 16 bits")
    }

    /// The checksum: the complement of the folded sum.
    #[must_use]
    pub fn finish(self) -> u16 {
        !self.sum()
    }

    /// Whether the data summed, its checksum field included, is intact.
    #[must_use]
    pub fn is_valid(self) -> bool {
        self.sum() == 0xFFFF
    }
}

/// The checksum of bytes whose checksum field is zero.
#[must_use]
pub fn checksum(bytes: &[u8]) -> u16 {
    Checksum::new().bytes(bytes).finish()
}

/// The checksum after one 16-bit word under it changed from `old` to `new`.
///
/// A wrong checksum stays wrong by the same amount, which is what a router or a device in the
/// middle does that touches a field without looking at the rest.
///
/// # Source
///
/// RFC 1624, equation 3: `HC' = ~(~HC + ~m + m')`.
#[must_use]
pub fn updated(checksum: u16, old: u16, new: u16) -> u16 {
    Checksum::new()
        .word(!checksum)
        .word(!old)
        .word(new)
        .finish()
}
