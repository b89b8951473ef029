//! Network interfaces of this machine as the far end of the plant's cable, and of its SPAN port (Linux).
//!
//! One end of a veth pair or a TAP device is read and written frame by frame, as a network card would (`AF_PACKET`).
//! Whatever is at the other end, such as a client in a network namespace, an intrusion prevention tool or a sniffer,
//! talks to the simulated hosts through the simulated switch. This needs no root inside a user and network namespace
//! that the user made; docs/live.md has the commands.
//!
//! **Invariant:** an interface that goes down, is full or is removed ends nothing: its frames are lost, as on a cable
//! that was pulled.

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

use super::Event;

/// Largest Ethernet frame without its check sequence, bytes.
const FRAME_BYTES_MAX: usize = 1514;
/// Frames that wait to be taken; more are lost, as in a network card whose driver is late.
const WAITING_MAX: usize = 4_096;
/// Kind of a frame that another socket of this machine has sent (`PACKET_OUTGOING`, packet(7)).
const PACKET_OUTGOING: u8 = 4;
/// How long an interface that is down is left alone.
const DOWN_FOR: Duration = Duration::from_millis(100);

/// An interface that frames come from and go to.
#[derive(Debug)]
pub struct Interface {
    socket: Arc<OwnedFd>,
    name: String,
    /// Frames that have come in and that nobody has taken yet.
    waiting: Arc<AtomicUsize>,
    lost: Arc<AtomicU64>,
}

impl Interface {
    /// Takes an interface by its name.
    ///
    /// # Errors
    ///
    /// `NotFound` if there is none, `PermissionDenied` if this process may not read frames there.
    pub fn open(name: &str) -> io::Result<Self> {
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
        Ok(Self {
            socket: Arc::new(socket),
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
        let sent = send(self.socket.as_raw_fd(), frame, MsgFlags::MSG_DONTWAIT);
        self.lost
            .fetch_add(u64::from(sent.is_err()), Ordering::Relaxed);
    }

    /// Hands over every frame that comes in from now on, as [`Event::Frame`], from a thread of its own that ends when
    /// nobody takes them any more. Each that was taken has to be said with [`Interface::taken`].
    pub fn listen(&self, events: Sender<Event>) {
        let socket = Arc::clone(&self.socket);
        let (waiting, lost) = (Arc::clone(&self.waiting), Arc::clone(&self.lost));
        thread::spawn(move || {
            let mut buffer = vec![0; 65_536];
            loop {
                match recvfrom::<LinkAddr>(socket.as_raw_fd(), &mut buffer) {
                    // What others on this machine send there goes to the other end, and not into the plant.
                    Ok((_, Some(from))) if from.pkttype() == PACKET_OUTGOING => {}
                    Ok(_) if waiting.load(Ordering::Relaxed) >= WAITING_MAX => {
                        lost.fetch_add(1, Ordering::Relaxed);
                    }
                    Ok((bytes @ 14..=FRAME_BYTES_MAX, _)) => {
                        let mut frame = buffer[..bytes].to_vec();
                        complete(&mut frame);
                        waiting.fetch_add(1, Ordering::Relaxed);
                        if events.send(Event::Frame(frame)).is_err() {
                            return;
                        }
                    }
                    // What the machine has joined for its own convenience was never a frame on a wire.
                    Ok(_) | Err(Errno::EINTR) => {}
                    Err(_) => thread::sleep(DOWN_FOR),
                }
            }
        });
    }
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
}
