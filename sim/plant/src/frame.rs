//! An Ethernet frame and the truth about why it exists.

/// What a frame belongs to: nothing hostile, or one step of an attack.
///
/// Labels are ground truth. They travel beside a frame, never inside it, so that no simulated device
/// and no defense can see them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Label(u16);

impl Label {
    /// Ordinary plant traffic.
    pub const BENIGN: Self = Self(0);

    /// The label of the playbook's step number `step`, counted from 0.
    ///
    /// # Panics
    ///
    /// If `step` is 65535: playbooks are limited to far fewer steps.
    #[must_use]
    pub fn step(step: u16) -> Self {
        Self(
            step.checked_add(1)
                .expect("a playbook has fewer than 65535 steps"),
        )
    }

    /// The step's number, or `None` for ordinary traffic.
    #[must_use]
    pub fn as_step(self) -> Option<u16> {
        self.0.checked_sub(1)
    }
}

/// How a frame relates to the attack step that it is labelled with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relation {
    /// Ordinary plant traffic.
    Benign,
    /// The attacker sent it.
    Sent,
    /// Somebody answered the attacker with it.
    Reply,
    /// It was meant for somebody else and went to the attacker because of a forged address.
    Diverted,
}

impl Relation {
    /// The word used in the ground truth.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Benign => "benign",
            Self::Sent => "sent",
            Self::Reply => "reply",
            Self::Diverted => "diverted",
        }
    }
}

/// A frame on a link: its bytes without the check sequence, and its label.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Frame {
    /// Ethernet header and payload.
    pub(crate) bytes: Vec<u8>,
    /// Why it exists.
    pub(crate) label: Label,
}

/// Destination hardware address of a frame, if it is long enough to have one.
pub(crate) fn destination_mac(bytes: &[u8]) -> Option<[u8; 6]> {
    bytes.get(0..6)?.try_into().ok()
}

/// Source hardware address of a frame, if it is long enough to have one.
pub(crate) fn source_mac(bytes: &[u8]) -> Option<[u8; 6]> {
    bytes.get(6..12)?.try_into().ok()
}

/// Whether the hardware address is the broadcast address or a group address.
pub(crate) fn is_group(mac: [u8; 6]) -> bool {
    mac[0] & 1 == 1
}

/// What a host needs to know of a frame in order to hand it to the right connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Destination {
    /// An address resolution message.
    Arp,
    /// A TCP segment.
    Tcp {
        source: [u8; 4],
        destination: [u8; 4],
        source_port: u16,
        destination_port: u16,
        opens: bool,
    },
    /// An IPv4 packet that is not TCP.
    OtherIp {
        source: [u8; 4],
        destination: [u8; 4],
    },
    /// Anything else.
    Other,
}

/// Reads just enough of a frame to route it inside a host.
pub(crate) fn destination(bytes: &[u8]) -> Destination {
    match bytes.get(12..14) {
        Some([0x08, 0x06]) => Destination::Arp,
        Some([0x08, 0x00]) => ip_destination(&bytes[14..]).unwrap_or(Destination::Other),
        _ => Destination::Other,
    }
}

fn ip_destination(packet: &[u8]) -> Option<Destination> {
    let header_len = usize::from(packet.first()? & 0x0f) * 4;
    let source: [u8; 4] = packet.get(12..16)?.try_into().ok()?;
    let destination: [u8; 4] = packet.get(16..20)?.try_into().ok()?;
    if packet.get(9) != Some(&6) {
        return Some(Destination::OtherIp {
            source,
            destination,
        });
    }
    let segment = packet.get(header_len..)?;
    let port = |at: usize| {
        Some(u16::from_be_bytes(
            segment.get(at..at + 2)?.try_into().ok()?,
        ))
    };
    let flags = segment.get(13)?;
    const SYN: u8 = 0x02;
    const ACK: u8 = 0x10;
    Some(Destination::Tcp {
        source,
        destination,
        source_port: port(0)?,
        destination_port: port(2)?,
        opens: flags & (SYN | ACK) == SYN,
    })
}
