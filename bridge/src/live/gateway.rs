//! A network stack at the far end of the plant's outside port: real clients' bytes in, Ethernet frames out.
//!
//! Clients connect to addresses of this machine. For each, the gateway opens a TCP connection of its own over the
//! simulated network to the controller behind that address, and carries bytes both ways. What a client sends, valid or
//! not, therefore reaches the controller's own server as it is, in frames that a SPAN port sees, and what it gets back
//! is what the controller said when it said it.
//!
//! The stack lives on the simulated clock and is told the time.
//!
//! **Invariant:** nothing is lost or doubled between a client and its controller, and no side is read faster than the
//! other side takes it.

use std::collections::{BTreeMap, VecDeque};
use std::net::{Ipv4Addr, SocketAddrV4};

use sim_wire::{MacAddr, arp};
use smoltcp::iface::{Config, Interface, SocketHandle, SocketSet};
use smoltcp::phy::{Device, DeviceCapabilities, Medium, RxToken, TxToken};
use smoltcp::socket::tcp::{RecvError, Socket, SocketBuffer, State};
use smoltcp::time::Instant;
use smoltcp::wire::{EthernetAddress, HardwareAddress, IpAddress, IpCidr};
use tokio::sync::{mpsc, oneshot};

/// Most clients at one time; further ones are refused. Controllers have far fewer places.
pub const CLIENTS_MAX: usize = 256;
/// Buffers of a connection, bytes each way.
const BUFFER_BYTES: usize = 4096;
/// Most bytes that are handed to a client at once.
const CHUNK_BYTES: usize = 2048;
/// Largest Ethernet frame without its check sequence, bytes.
const FRAME_BYTES_MAX: usize = 1514;
/// First and number of the gateway's own ports.
const PORTS: (u16, u16) = (49_152, 16_384);
/// How long a connection may take to come about, or to end once one side has closed it, µs of simulated time.
const GIVE_UP_US: u64 = 60_000_000;
/// A neighbour that was asked for this long ago is asked for again, µs of simulated time.
const ASK_AGAIN_US: u64 = 30_000_000;

/// Who a client is: a number that is never used again.
pub type ClientId = u64;

/// What happens at a client's socket.
#[derive(Debug)]
pub enum FromClient {
    /// It has connected, and wants to talk to a controller.
    Opened {
        /// Who.
        id: ClientId,
        /// Address of the controller inside the simulation.
        server: SocketAddrV4,
        /// Takes what the controller says.
        client: mpsc::Sender<ToClient>,
    },
    /// It has sent something.
    Bytes {
        /// Who.
        id: ClientId,
        /// What.
        bytes: Vec<u8>,
        /// Is told when all of it is on its way, and more may be read.
        taken: oneshot::Sender<()>,
    },
    /// It will send no more.
    Finished(ClientId),
    /// It is gone.
    Gone(ClientId),
}

/// What a client is to be told.
#[derive(Debug, PartialEq, Eq)]
pub enum ToClient {
    /// The controller has sent something.
    Bytes(Vec<u8>),
    /// The controller has closed its side.
    Finished,
    /// The controller has refused or reset the connection, or is not there.
    Reset,
}

/// Frames on their way to and from the stack.
#[derive(Debug, Default)]
struct Cable {
    received: VecDeque<Vec<u8>>,
    sent: Vec<Vec<u8>>,
}

struct Received(Vec<u8>);
struct Sending<'a>(&'a mut Vec<Vec<u8>>);

impl RxToken for Received {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, read: F) -> R {
        read(&self.0)
    }
}

impl TxToken for Sending<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, len: usize, write: F) -> R {
        let mut bytes = vec![0; len];
        let result = write(&mut bytes);
        self.0.push(bytes);
        result
    }
}

impl Device for Cable {
    type RxToken<'a> = Received;
    type TxToken<'a> = Sending<'a>;

    fn receive(&mut self, _: Instant) -> Option<(Received, Sending<'_>)> {
        let frame = self.received.pop_front()?;
        Some((Received(frame), Sending(&mut self.sent)))
    }

    fn transmit(&mut self, _: Instant) -> Option<Sending<'_>> {
        Some(Sending(&mut self.sent))
    }

    fn capabilities(&self) -> DeviceCapabilities {
        let mut capabilities = DeviceCapabilities::default();
        capabilities.medium = Medium::Ethernet;
        capabilities.max_transmission_unit = FRAME_BYTES_MAX;
        capabilities
    }
}

/// One client and its connection to a controller.
struct Connection {
    handle: SocketHandle,
    client: mpsc::Sender<ToClient>,
    /// Bytes that are still to be sent, and who waits for it.
    pending: Option<(Vec<u8>, usize, oneshot::Sender<()>)>,
    client_finished: bool,
    server_finished: bool,
    /// When it was opened, or one side has closed it, µs: nobody waits longer than [`GIVE_UP_US`] from then.
    since_us: u64,
}

/// The stack of the gateway.
pub struct Gateway {
    mac: MacAddr,
    ip: Ipv4Addr,
    cable: Cable,
    interface: Interface,
    sockets: SocketSet<'static>,
    connections: BTreeMap<ClientId, Connection>,
    next_port: u16,
    plugged_in: bool,
    /// When each controller's hardware address was last asked for, µs.
    asked: BTreeMap<Ipv4Addr, u64>,
}

fn instant(us: u64) -> Instant {
    Instant::from_micros(i64::try_from(us).expect("a session is shorter than 292,000 years"))
}

impl Gateway {
    /// A gateway with an address of the plant's network.
    ///
    /// # Arguments
    ///
    /// * `ip`, `prefix_len` — its address and the length of the network's prefix, bits.
    #[must_use]
    pub fn new(mac: MacAddr, ip: Ipv4Addr, prefix_len: u8) -> Self {
        let mut cable = Cable::default();
        let config = Config::new(HardwareAddress::Ethernet(EthernetAddress(mac.0)));
        let mut interface = Interface::new(config, &mut cable, instant(0));
        interface.update_ip_addrs(|addresses| {
            let own = IpCidr::new(IpAddress::Ipv4(ip), prefix_len);
            addresses.push(own).expect("there is room for one address");
        });
        Self {
            mac,
            ip,
            cable,
            interface,
            sockets: SocketSet::new(Vec::new()),
            connections: BTreeMap::new(),
            next_port: PORTS.0,
            plugged_in: false,
            asked: BTreeMap::new(),
        }
    }

    /// A frame has come out of the plant. Before the first client the gateway is not plugged in and answers nobody, not
    /// even who scans the network.
    pub fn receive(&mut self, frame: Vec<u8>) {
        if self.plugged_in {
            self.cable.received.push_back(frame);
        }
    }

    /// Something has happened at a client's socket.
    ///
    /// # Arguments
    ///
    /// * `now_us` — simulated time, µs.
    pub fn hear(&mut self, event: FromClient, now_us: u64) {
        match event {
            FromClient::Opened { id, server, client } => self.open(id, server, client, now_us),
            FromClient::Bytes { id, bytes, taken } => {
                if let Some(connection) = self.connections.get_mut(&id) {
                    connection.pending = Some((bytes, 0, taken));
                }
            }
            FromClient::Finished(id) => {
                if let Some(connection) = self.connections.get_mut(&id) {
                    connection.client_finished = true;
                    connection.since_us = now_us;
                }
            }
            FromClient::Gone(id) => {
                let still_open = |connection: &&mut Connection| !connection.server_finished;
                if let Some(connection) = self.connections.get_mut(&id).filter(still_open) {
                    connection.pending = None;
                    self.sockets
                        .get_mut::<Socket<'_>>(connection.handle)
                        .abort();
                }
            }
        }
    }

    fn open(
        &mut self,
        id: ClientId,
        server: SocketAddrV4,
        client: mpsc::Sender<ToClient>,
        now_us: u64,
    ) {
        if self.connections.len() >= CLIENTS_MAX {
            // A new channel has room for one word.
            let _ = client.try_send(ToClient::Reset);
            return;
        }
        self.plugged_in = true;
        self.ask_for(*server.ip(), now_us);
        let buffer = || SocketBuffer::new(vec![0; BUFFER_BYTES]);
        let mut socket = Socket::new(buffer(), buffer());
        socket.set_nagle_enabled(false);
        socket.set_ack_delay(None);
        let remote = (IpAddress::Ipv4(*server.ip()), server.port());
        let port = self.unused_port();
        socket
            .connect(self.interface.context(), remote, port)
            .expect("a new socket, a real address and an unused port");
        let connection = Connection {
            handle: self.sockets.add(socket),
            client,
            pending: None,
            client_finished: false,
            server_finished: false,
            since_us: now_us,
        };
        self.connections.insert(id, connection);
    }

    fn unused_port(&mut self) -> u16 {
        let (first, count) = PORTS;
        loop {
            let port = self.next_port;
            self.next_port = first + (port - first + 1) % count;
            let taken = self.connections.values().any(|connection| {
                let socket = self.sockets.get::<Socket<'_>>(connection.handle);
                socket
                    .local_endpoint()
                    .is_some_and(|local| local.port == port)
            });
            if !taken {
                return port;
            }
        }
    }

    /// Asks who has an address. The stack by itself asks for one neighbour a second, which would let the clients of
    /// several controllers wait for each other.
    fn ask_for(&mut self, ip: Ipv4Addr, now_us: u64) {
        let before = self.asked.get(&ip);
        if before.is_some_and(|&at| now_us.saturating_sub(at) < ASK_AGAIN_US) {
            return;
        }
        self.asked.insert(ip, now_us);
        let question = arp::Repr {
            operation: arp::Operation::Request,
            sender_mac: self.mac,
            sender_ip: self.ip,
            target_mac: MacAddr::ZERO,
            target_ip: ip,
        };
        let frame = question.in_frame(self.mac, MacAddr::BROADCAST);
        self.cable.sent.push(frame);
    }

    /// Ends connections of which nothing will come any more.
    fn give_up(&mut self, now_us: u64) {
        for connection in self.connections.values() {
            let socket = self.sockets.get_mut::<Socket<'_>>(connection.handle);
            let in_vain = now_us.saturating_sub(connection.since_us) > GIVE_UP_US;
            let gives_up = match socket.state() {
                // Nobody answers; a client that has gone away meanwhile does not wait at all.
                State::SynSent => in_vain || connection.client_finished,
                // The client has closed, and what it sent before cannot be delivered.
                State::Established => in_vain && connection.client_finished,
                State::FinWait1 | State::FinWait2 | State::Closing | State::LastAck => in_vain,
                _ => false,
            };
            if gives_up {
                socket.abort();
            }
        }
    }

    /// Lets the stack act, and gives the frames that it sends.
    ///
    /// # Arguments
    ///
    /// * `now_us` — simulated time, µs.
    pub fn poll(&mut self, now_us: u64) -> Vec<Vec<u8>> {
        self.give_up(now_us);
        loop {
            self.interface
                .poll(instant(now_us), &mut self.cable, &mut self.sockets);
            let mut moved = false;
            for connection in self.connections.values_mut() {
                let socket = self.sockets.get_mut::<Socket<'_>>(connection.handle);
                moved |= connection.carry(socket, now_us);
            }
            if !moved {
                break;
            }
        }
        let over = self.connections.iter().filter(|(_, connection)| {
            let state = self.sockets.get::<Socket<'_>>(connection.handle).state();
            // Ports go round slowly enough for nobody to have to wait for a late segment.
            state == State::Closed || (state == State::TimeWait && connection.server_finished)
        });
        let over: Vec<ClientId> = over.map(|(&id, _)| id).collect();
        for id in over {
            self.forget(id);
        }
        std::mem::take(&mut self.cable.sent)
    }

    /// When the stack wants to be polled although nothing happens, µs of simulated time.
    pub fn wake_us(&mut self, now_us: u64) -> Option<u64> {
        let at = self.interface.poll_at(instant(now_us), &self.sockets)?;
        Some(u64::try_from(at.total_micros()).unwrap_or(0))
    }

    fn forget(&mut self, id: ClientId) {
        if let Some(connection) = self.connections.remove(&id) {
            if !connection.server_finished {
                // A full channel belongs to a client that does not read; it hears of it by the end of the channel.
                let _ = connection.client.try_send(ToClient::Reset);
            }
            self.sockets.remove(connection.handle);
        }
    }
}

impl Connection {
    /// Carries what can be carried in both directions. Returns whether the stack has something to do because of it.
    fn carry(&mut self, socket: &mut Socket<'_>, now_us: u64) -> bool {
        let mut moved = self.carry_to_server(socket);
        while socket.can_recv() {
            let Ok(place) = self.client.try_reserve() else {
                if self.client.is_closed() {
                    socket.abort();
                    return true;
                }
                break;
            };
            let taken = socket.recv(|bytes| {
                let len = bytes.len().min(CHUNK_BYTES);
                (len, bytes[..len].to_vec())
            });
            let Ok(bytes) = taken else { break };
            place.send(ToClient::Bytes(bytes));
            moved = true;
        }
        let nothing_more = matches!(socket.recv(|_| (0, ())), Err(RecvError::Finished));
        if nothing_more && !self.server_finished && self.client.try_send(ToClient::Finished).is_ok()
        {
            self.server_finished = true;
            self.since_us = now_us;
            // A controller that has closed its side talks to nobody any more.
            socket.close();
            moved = true;
        }
        moved
    }

    fn carry_to_server(&mut self, socket: &mut Socket<'_>) -> bool {
        let mut moved = false;
        if let Some((bytes, sent, _)) = &mut self.pending
            && socket.can_send()
            && let Ok(more) = socket.send_slice(&bytes[*sent..])
        {
            *sent += more;
            moved = more > 0;
        }
        if let Some((_, _, taken)) = self
            .pending
            .take_if(|(bytes, sent, _)| *sent == bytes.len())
        {
            // The client may have gone away meanwhile.
            let _ = taken.send(());
        }
        if self.client_finished && self.pending.is_none() && socket.may_send() {
            socket.close();
            moved = true;
        }
        moved
    }
}
