//! One client of a plant that nobody waits for: it connects, sends and reads on the simulated clock.
//!
//! The bytes go through the same stack as those of real clients ([`Gateway`]), so that what a probe sends is on the
//! simulated wire as a real client's would be: questions for hardware addresses, handshakes, acknowledgements.

use std::net::{Ipv4Addr, SocketAddrV4};

use sim_wire::MacAddr;
use tokio::sync::{mpsc, oneshot};

use super::gateway::{ClientId, FromClient, Gateway, ToClient};

/// Most words of a server that wait to be read.
const WORDS: usize = 64;

/// A connection that a probe has, or had.
struct Link {
    id: ClientId,
    from_server: mpsc::Receiver<ToClient>,
    /// Set while bytes are on their way.
    taken: Option<oneshot::Receiver<()>>,
    is_over: bool,
}

/// A client with one connection at a time.
pub struct Probe {
    gateway: Gateway,
    link: Option<Link>,
    next: ClientId,
}

impl Probe {
    /// A client with an address of its own on the plant's network.
    ///
    /// # Arguments
    ///
    /// * `ip`, `prefix_len` — its address and the length of the network's prefix, bits.
    #[must_use]
    pub fn new(mac: MacAddr, ip: Ipv4Addr, prefix_len: u8) -> Self {
        Self {
            gateway: Gateway::new(mac, ip, prefix_len),
            link: None,
            next: 0,
        }
    }

    /// Begins a connection; the one before it is given up.
    ///
    /// # Arguments
    ///
    /// * `now_us` — simulated time, µs; here and everywhere below.
    pub fn connect(&mut self, server: SocketAddrV4, now_us: u64) {
        self.give_up(now_us);
        let id = self.next;
        self.next += 1;
        let (client, from_server) = mpsc::channel(WORDS);
        let opened = FromClient::Opened { id, server, client };
        self.gateway.hear(opened, now_us);
        self.link = Some(Link {
            id,
            from_server,
            taken: None,
            is_over: false,
        });
    }

    /// Sends bytes on the connection. Without one they are lost, as on a real one that has been reset.
    pub fn send(&mut self, bytes: Vec<u8>, now_us: u64) {
        if let Some(link) = &mut self.link {
            let (taken, is_taken) = oneshot::channel();
            let id = link.id;
            link.taken = Some(is_taken);
            self.gateway
                .hear(FromClient::Bytes { id, bytes, taken }, now_us);
        }
    }

    /// What the server has sent since the last time.
    pub fn take(&mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        if let Some(link) = &mut self.link {
            while let Ok(word) = link.from_server.try_recv() {
                match word {
                    ToClient::Bytes(more) => bytes.extend(more),
                    ToClient::Finished | ToClient::Reset => link.is_over = true,
                }
            }
        }
        bytes
    }

    /// Whether the server has closed, refused or reset the connection; what [`Probe::take`] has found out counts.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.link.as_ref().is_none_or(|link| link.is_over)
    }

    /// Says that it will send no more, so that the connection ends in the orderly way.
    pub fn finish(&mut self, now_us: u64) {
        if let Some(link) = &self.link {
            self.gateway.hear(FromClient::Finished(link.id), now_us);
        }
    }

    /// Gives the connection up, if there is one.
    pub fn give_up(&mut self, now_us: u64) {
        if let Some(link) = self.link.take() {
            self.gateway.hear(FromClient::Gone(link.id), now_us);
        }
    }

    /// A frame has come out of the plant.
    pub fn receive(&mut self, frame: Vec<u8>) {
        self.gateway.receive(frame);
    }

    /// Lets the stack act, and gives the frames that it sends.
    pub fn poll(&mut self, now_us: u64) -> Vec<Vec<u8>> {
        self.gateway.poll(now_us)
    }
}
