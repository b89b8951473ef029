//! Ethernet II frames without their frame check sequence, with IEEE 802.1Q tags.

use crate::bytes::{array_at, u16_at};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::fmt;
use std::str::FromStr;
use thiserror::Error;

/// Length of an untagged header, bytes.
pub const HEADER_BYTES: usize = 14;
/// Length of one 802.1Q tag, bytes.
pub const TAG_BYTES: usize = 4;
/// Ethertype of IPv4.
pub const ETHERTYPE_IPV4: u16 = 0x0800;
/// Ethertype of ARP.
pub const ETHERTYPE_ARP: u16 = 0x0806;
/// Tag protocol id of an 802.1Q customer tag.
pub const ETHERTYPE_VLAN: u16 = 0x8100;
/// Tag protocol id of an 802.1ad service tag.
pub const ETHERTYPE_SERVICE_VLAN: u16 = 0x88A8;
/// Smallest ethertype; what is less is an 802.3 length.
pub const ETHERTYPE_MIN: u16 = 0x0600;
/// Tags looked through; a customer tag within a service tag.
const TAGS_MAX: usize = 2;

/// An EUI-48 hardware address.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MacAddr(pub [u8; 6]);

impl MacAddr {
    /// `ff:ff:ff:ff:ff:ff`.
    pub const BROADCAST: Self = Self([0xFF; 6]);
    /// `00:00:00:00:00:00`, the unknown target of an ARP request.
    pub const ZERO: Self = Self([0; 6]);

    /// Whether this is the broadcast address.
    #[must_use]
    pub const fn is_broadcast(self) -> bool {
        matches!(self.0, [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF])
    }

    /// Whether the group bit is set; so it is for broadcast.
    #[must_use]
    pub const fn is_multicast(self) -> bool {
        self.0[0] & 0x01 != 0
    }

    /// Whether the address is administered locally, rather than by a vendor.
    #[must_use]
    pub const fn is_local(self) -> bool {
        self.0[0] & 0x02 != 0
    }
}

impl fmt::Display for MacAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        write!(f, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}")
    }
}

impl fmt::Debug for MacAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A string is no hardware address.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error(
    "`{text}` is not a MAC address; expected six pairs of hex digits such as 02:54:57:14:01:0b"
)]
pub struct MacAddrError {
    /// The rejected string.
    pub text: String,
}

impl FromStr for MacAddr {
    type Err = MacAddrError;

    /// Reads six pairs of hex digits separated by `:` or `-`.
    fn from_str(text: &str) -> Result<Self, MacAddrError> {
        let error = || MacAddrError {
            text: text.to_owned(),
        };
        let separator = if text.contains('-') { '-' } else { ':' };
        let mut octets = [0; 6];
        let mut pairs = text.split(separator);
        for octet in &mut octets {
            let pair = pairs.next().ok_or_else(error)?;
            if pair.len() != 2 || !pair.bytes().all(|digit| digit.is_ascii_hexdigit()) {
                return Err(error());
            }
            *octet = u8::from_str_radix(pair, 16).map_err(|_| error())?;
        }
        if pairs.next().is_some() {
            Err(error())
        } else {
            Ok(Self(octets))
        }
    }
}

impl Serialize for MacAddr {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for MacAddr {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

/// The tag control information of an 802.1Q tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VlanTag {
    /// Priority code point, 0 to 7.
    pub priority: u8,
    /// Drop eligible indicator.
    pub drop_eligible: bool,
    /// VLAN id, 0 to 4095; 0 marks a priority only.
    pub vlan: u16,
}

impl VlanTag {
    /// The tag in 16 bits of tag control information.
    #[must_use]
    pub fn from_bits(bits: u16) -> Self {
        Self {
            priority: bits.to_be_bytes()[0] >> 5,
            drop_eligible: bits & 0x1000 != 0,
            vlan: bits & 0x0FFF,
        }
    }

    /// The 16 bits of tag control information; fields too wide are cut.
    #[must_use]
    pub fn to_bits(self) -> u16 {
        let priority = u16::from(self.priority & 0x07) << 13;
        priority | u16::from(self.drop_eligible) << 12 | self.vlan & 0x0FFF
    }
}

/// Lenient view of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packet<'a>(&'a [u8]);

impl<'a> Packet<'a> {
    /// Views any bytes as a frame.
    #[must_use]
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// Destination address.
    #[must_use]
    pub fn dst(&self) -> Option<MacAddr> {
        array_at(self.0, 0).map(MacAddr)
    }

    /// Source address.
    #[must_use]
    pub fn src(&self) -> Option<MacAddr> {
        array_at(self.0, 6).map(MacAddr)
    }

    /// The outermost tag, if the frame is tagged.
    #[must_use]
    pub fn vlan(&self) -> Option<VlanTag> {
        let is_tagged = is_tag(u16_at(self.0, 12)?);
        is_tagged.then(|| u16_at(self.0, 14).map(VlanTag::from_bits))?
    }

    /// Bytes before the payload: 14, and 4 more for each of at most two tags.
    #[must_use]
    pub fn header_bytes(&self) -> usize {
        let mut offset = 12;
        for _ in 0..TAGS_MAX {
            if u16_at(self.0, offset).is_some_and(is_tag) {
                offset += TAG_BYTES;
            }
        }
        offset + 2
    }

    /// The ethertype behind the tags; less than [`ETHERTYPE_MIN`] is an 802.3 length.
    #[must_use]
    pub fn ethertype(&self) -> Option<u16> {
        u16_at(self.0, self.header_bytes() - 2)
    }

    /// What follows the header, Ethernet padding included.
    #[must_use]
    pub fn payload(&self) -> Option<&'a [u8]> {
        self.0.get(self.header_bytes()..)
    }
}

fn is_tag(ethertype: u16) -> bool {
    matches!(ethertype, ETHERTYPE_VLAN | ETHERTYPE_SERVICE_VLAN)
}

/// Why bytes are no Ethernet II frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Error {
    /// The frame ends within its header.
    #[error("the frame of {frame_bytes} bytes ends within its header")]
    Truncated {
        /// Length of the frame, bytes.
        frame_bytes: usize,
    },
    /// A length in place of the ethertype: IEEE 802.3 with LLC.
    #[error("{ethertype:#06x} is a length, not an ethertype")]
    NotEthernet2 {
        /// The field as received.
        ethertype: u16,
    },
    /// A service tag or a second tag.
    #[error("the frame has a service tag or more than one tag")]
    StackedTags,
}

/// An Ethernet II header with at most one 802.1Q tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Repr {
    /// Destination address.
    pub dst: MacAddr,
    /// Source address.
    pub src: MacAddr,
    /// The tag, if any.
    pub vlan: Option<VlanTag>,
    /// What the payload is; from [`ETHERTYPE_MIN`], and no tag protocol id.
    pub ethertype: u16,
}

impl Repr {
    /// Parses a frame into header and payload.
    ///
    /// # Errors
    ///
    /// The first rule broken.
    pub fn parse(frame: &[u8]) -> Result<(Self, &[u8]), Error> {
        let truncated = Error::Truncated {
            frame_bytes: frame.len(),
        };
        let packet = Packet::new(frame);
        let ethertype = packet.ethertype().ok_or(truncated)?;
        let is_plain_tag = packet.header_bytes() == HEADER_BYTES + TAG_BYTES
            && u16_at(frame, 12) == Some(ETHERTYPE_VLAN);
        if is_tag(ethertype) || packet.vlan().is_some() && !is_plain_tag {
            return Err(Error::StackedTags);
        }
        if ethertype < ETHERTYPE_MIN {
            return Err(Error::NotEthernet2 { ethertype });
        }
        let repr = Self {
            dst: packet.dst().ok_or(truncated)?,
            src: packet.src().ok_or(truncated)?,
            vlan: packet.vlan(),
            ethertype,
        };
        Ok((repr, packet.payload().ok_or(truncated)?))
    }

    /// Appends the header; the payload follows.
    pub fn emit(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.dst.0);
        out.extend_from_slice(&self.src.0);
        if let Some(tag) = self.vlan {
            out.extend_from_slice(&ETHERTYPE_VLAN.to_be_bytes());
            out.extend_from_slice(&tag.to_bits().to_be_bytes());
        }
        out.extend_from_slice(&self.ethertype.to_be_bytes());
    }
}
