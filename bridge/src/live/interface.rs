//! Network interfaces of this machine as the far end of the plant's cable, and of its SPAN port (Linux).
//!
//! One end of a veth pair or a TAP device is read and written frame by frame, as a network card would (`AF_PACKET`).
//! Whatever is at the other end, such as a client in a network namespace, an intrusion prevention tool or a sniffer,
//! talks to the simulated hosts through the simulated switch. Or a TAP device is made here, and this machine itself is at
//! its other end. Neither needs root inside a user and network namespace that the user made; docs/live.md has the
//! commands.
//!
//! **Invariant:** an interface that goes down, is full or is removed ends nothing: its frames are lost, as on a cable
//! that was pulled.

use std::fmt;
use std::fs::{self, OpenOptions};
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::Sender;
use std::thread;
use std::time::Duration;

use nix::errno::Errno;
use nix::ifaddrs::getifaddrs;
use nix::sys::socket::{
    AddressFamily, LinkAddr, MsgFlags, SockFlag, SockProtocol, SockType, bind, recv, recvfrom,
    send, socket,
};
use sim_wire::checksum::Checksum;
use sim_wire::{ethernet, ipv4};
use tun_rs::{DeviceBuilder, Layer, SyncDevice};

use super::{Event, TAP};

/// Largest Ethernet frame without its check sequence, bytes.
const FRAME_BYTES_MAX: usize = 1514;
/// Frames that wait to be taken; more are lost, as in a network card whose driver is late.
const WAITING_MAX: usize = 4_096;
/// Kind of a frame that another socket of this machine has sent (`PACKET_OUTGOING`, packet(7)).
const PACKET_OUTGOING: u8 = 4;
/// How long an interface that is down is left alone.
const DOWN_FOR: Duration = Duration::from_millis(100);
/// Where TAP devices are made.
const TAP_FILE: &str = "/dev/net/tun";
/// Longest name of an interface, bytes (`IFNAMSIZ` without the zero).
const NAME_BYTES_MAX: usize = 15;

/// Where the frames of an interface pass.
enum Port {
    /// A packet socket at an interface that somebody else has made: the card's side of it.
    Socket(OwnedFd),
    /// A TAP device of our own, which is gone when this is dropped: the cable's side of it.
    Tap(SyncDevice),
}

impl fmt::Debug for Port {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Socket(_) => "Socket",
            Self::Tap(_) => "Tap",
        })
    }
}

impl Port {
    /// Sends a frame, and says whether it went out.
    fn send(&self, frame: &[u8]) -> bool {
        match self {
            Self::Socket(socket) => send(socket.as_raw_fd(), frame, MsgFlags::MSG_DONTWAIT).is_ok(),
            Self::Tap(device) => device.send(frame).is_ok(),
        }
    }

    /// Waits for a frame. Returns its length, or `None` if it does not go into the plant.
    fn receive(&self, buffer: &mut [u8]) -> io::Result<Option<usize>> {
        let bytes = match self {
            Self::Socket(socket) => match recvfrom::<LinkAddr>(socket.as_raw_fd(), buffer) {
                // What others on this machine send there goes to the other end, and not into the plant.
                Ok((_, Some(from))) if from.pkttype() == PACKET_OUTGOING => return Ok(None),
                Ok((bytes, _)) => bytes,
                Err(Errno::EINTR) => return Ok(None),
                Err(errno) => return Err(errno.into()),
            },
            Self::Tap(device) => device.recv(buffer)?,
        };
        // What the machine has joined for its own convenience was never a frame on a wire.
        Ok(Some(bytes).filter(|bytes| (14..=FRAME_BYTES_MAX).contains(bytes)))
    }
}

/// An interface that frames come from and go to.
#[derive(Debug)]
pub struct Interface {
    port: Arc<Port>,
    name: String,
    /// Frames that have come in and that nobody has taken yet.
    waiting: Arc<AtomicUsize>,
    lost: Arc<AtomicU64>,
}

impl Interface {
    /// Takes an interface by its name, or makes a TAP device: `tap:plant0` makes `plant0`, which is up, has no address and
    /// is there as long as this value and those that listen to it.
    ///
    /// # Errors
    ///
    /// `NotFound` if there is no such interface, or nothing on this machine that makes TAP devices; `PermissionDenied` if
    /// this process may not read frames there, or not make one; `AlreadyExists` or `InvalidInput` if a device cannot have
    /// the name.
    pub fn open(name: &str) -> io::Result<Self> {
        let (port, name) = match name.strip_prefix(TAP) {
            Some(name) => (Port::Tap(make_tap(name)?), name),
            None => (Port::Socket(take(name)?), name),
        };
        Ok(Self {
            port: Arc::new(port),
            name: name.to_owned(),
            waiting: Arc::default(),
            lost: Arc::default(),
        })
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Frames that could not be sent, or that came in faster than they were taken.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }

    /// A frame that was handed over has been taken.
    pub fn taken(&self) {
        self.waiting.fetch_sub(1, Ordering::Relaxed);
    }

    /// Sends a frame, or counts it as lost.
    pub fn send(&self, frame: &[u8]) {
        let is_lost = !self.port.send(frame);
        self.lost.fetch_add(u64::from(is_lost), Ordering::Relaxed);
    }

    /// Hands over every frame that comes in from now on, as [`Event::Frame`], from a thread of its own that ends when
    /// nobody takes them any more. Each that was taken has to be said with [`Interface::taken`].
    pub fn listen(&self, events: Sender<Event>) {
        let port = Arc::clone(&self.port);
        let (waiting, lost) = (Arc::clone(&self.waiting), Arc::clone(&self.lost));
        thread::spawn(move || {
            let mut buffer = vec![0; 65_536];
            loop {
                match port.receive(&mut buffer) {
                    Ok(None) => {}
                    Ok(Some(_)) if waiting.load(Ordering::Relaxed) >= WAITING_MAX => {
                        lost.fetch_add(1, Ordering::Relaxed);
                    }
                    Ok(Some(bytes)) => {
                        let mut frame = buffer[..bytes].to_vec();
                        complete(&mut frame);
                        waiting.fetch_add(1, Ordering::Relaxed);
                        if events.send(Event::Frame(frame)).is_err() {
                            return;
                        }
                    }
                    Err(_) => thread::sleep(DOWN_FOR),
                }
            }
        });
    }
}

/// A socket that has the frames of an interface.
fn take(name: &str) -> io::Result<OwnedFd> {
    let link = link_of(name)?;
    let socket = socket(
        AddressFamily::Packet,
        SockType::Raw,
        SockFlag::SOCK_CLOEXEC,
        SockProtocol::EthAll,
    )?;
    bind(socket.as_raw_fd(), &link)?;
    // Until then the socket heard every interface of the machine.
    while recv(socket.as_raw_fd(), &mut [0; 1], MsgFlags::MSG_DONTWAIT).is_ok() {}
    Ok(socket)
}

/// Makes a TAP device and brings it up.
fn make_tap(name: &str) -> io::Result<SyncDevice> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    if !(1..=NAME_BYTES_MAX).contains(&name.len()) || !name.bytes().all(is_plain) {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "a name has 1 to 15 letters, digits, `-` and `_`",
        ));
    }
    // The device would be taken over if it were a TAP device that nobody uses.
    if link_of(name).is_ok() {
        return Err(io::Error::new(
            io::ErrorKind::AlreadyExists,
            "there is an interface of that name",
        ));
    }
    let opened = OpenOptions::new().read(true).write(true).open(TAP_FILE);
    opened.map_err(|error| io::Error::new(error.kind(), format!("{TAP_FILE}: {error}")))?;
    let device = DeviceBuilder::new()
        .name(name)
        .layer(Layer::L2)
        .build_sync()?;
    // Or the kernel would send frames of its own into the plant. Where it cannot be said, it can also be done without.
    let _ = fs::write(format!("/proc/sys/net/ipv6/conf/{name}/disable_ipv6"), "1");
    device.enabled(true)?;
    Ok(device)
}

/// The address of an interface on the link layer, which is what a raw socket is bound to.
fn link_of(name: &str) -> io::Result<LinkAddr> {
    let named = getifaddrs()?.filter(|found| found.interface_name == name);
    let mut links = named.filter_map(|found| found.address?.as_link_addr().copied());
    links.next().ok_or_else(|| {
        io::Error::new(
            io::ErrorKind::NotFound,
            format!("there is no interface `{name}`"),
        )
    })
}

/// Does what a network card does for a kernel that leaves the transport checksum to it: the field holds the sum of the
/// pseudo-header then, and nothing else. Any other frame stays as it is, a wrong checksum too.
fn complete(frame: &mut [u8]) {
    let Some(packet) = frame.get(ethernet::HEADER_BYTES..) else {
        return;
    };
    if frame[12..14] != ethernet::ETHERTYPE_IPV4.to_be_bytes() {
        return;
    }
    let packet = ipv4::Packet::new(packet);
    let (Some(header_bytes), Some(segment)) = (packet.header_bytes(), packet.payload()) else {
        return;
    };
    let (Some(src), Some(dst), Some(protocol)) = (packet.src(), packet.dst(), packet.protocol())
    else {
        return;
    };
    let field = match protocol {
        ipv4::PROTOCOL_TCP => 16,
        ipv4::PROTOCOL_UDP => 6,
        _ => return,
    };
    let pseudo_header = Checksum::new().pseudo_header(src, dst, protocol, segment.len());
    if segment.get(field..field + 2) != Some(&pseudo_header.sum().to_be_bytes()) {
        return;
    }
    // The sum of the pseudo-header is in the segment already, where the checksum will be.
    let checksum = match Checksum::new().bytes(segment).finish() {
        // Over UDP it would mean that there is none (RFC 768).
        0 if protocol == ipv4::PROTOCOL_UDP => 0xffff,
        checksum => checksum,
    };
    let at = ethernet::HEADER_BYTES + header_bytes + field;
    frame[at..at + 2].copy_from_slice(&checksum.to_be_bytes());
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use sim_wire::{MacAddr, tcp};

    use super::*;

    const SRC: Ipv4Addr = Ipv4Addr::new(10, 20, 1, 200);
    const DST: Ipv4Addr = Ipv4Addr::new(10, 20, 1, 11);

    /// A frame with a TCP segment of so many bytes of payload.
    fn frame(payload: &[u8]) -> Vec<u8> {
        let mut frame = Vec::new();
        ethernet::Repr {
            dst: MacAddr([2, 0, 0, 0, 0, 1]),
            src: MacAddr([2, 0, 0, 0, 0, 2]),
            vlan: None,
            ethertype: ethernet::ETHERTYPE_IPV4,
        }
        .emit(&mut frame);
        let segment_bytes = u16::try_from(tcp::HEADER_BYTES + payload.len()).expect("it is short");
        ipv4::Repr::new(SRC, DST, ipv4::PROTOCOL_TCP, segment_bytes).emit(&mut frame);
        let segment = tcp::Repr {
            src_port: 40_000,
            dst_port: 502,
            seq: 1,
            ack: 2,
            flags: tcp::Flags::ACK,
            window: 1_024,
            urgent: 0,
            options: tcp::Options::default(),
        };
        segment.emit(SRC, DST, payload, &mut frame);
        frame
    }

    /// Where the TCP checksum of such a frame is.
    const FIELD: usize = ethernet::HEADER_BYTES + ipv4::HEADER_BYTES + 16;

    #[test]
    fn frame_when_its_checksum_was_left_to_the_card_then_it_is_completed() {
        for payload in [&b""[..], b"a", b"some bytes"] {
            let whole = frame(payload);
            let mut partial = whole.clone();
            let segment_bytes = tcp::HEADER_BYTES + payload.len();
            let sum = Checksum::new()
                .pseudo_header(SRC, DST, ipv4::PROTOCOL_TCP, segment_bytes)
                .sum();
            partial[FIELD..FIELD + 2].copy_from_slice(&sum.to_be_bytes());
            assert_ne!(partial, whole);
            complete(&mut partial);
            assert_eq!(partial, whole);
        }
    }

    #[test]
    fn frame_when_its_checksum_is_right_or_wrong_then_it_stays() {
        let right = frame(b"some bytes");
        let mut wrong = right.clone();
        wrong[FIELD] ^= 0x55;
        for frame in [right.clone(), wrong, right[..30].to_vec(), vec![0; 14]] {
            let mut same = frame.clone();
            complete(&mut same);
            assert_eq!(same, frame);
        }
    }

    #[test]
    fn interface_when_there_is_none_then_says_so() {
        let error = Interface::open("no-such-if").expect_err("there is none");
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
        assert!(error.to_string().contains("no-such-if"), "{error}");
    }

    #[test]
    fn tap_when_its_name_cannot_be_one_then_says_so() {
        for name in ["", "sixteen-letters-", "a/b", "a b", "tap%d", "..", "ä"] {
            let error = Interface::open(&format!("tap:{name}")).expect_err(name);
            assert_eq!(error.kind(), io::ErrorKind::InvalidInput, "{name}");
        }
    }

    #[test]
    fn tap_when_there_is_an_interface_of_that_name_then_says_so() {
        let error = Interface::open("tap:lo").expect_err("every machine has one");
        assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
    }
}
