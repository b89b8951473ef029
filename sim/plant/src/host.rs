//! A host's network stack: `smoltcp` behind a simulated interface, one socket set per connection.
//!
//! `smoltcp` walks every socket of a set on every poll, so each connection has a set of its own and
//! the host finds the right one from the addresses in the frame. An interface is not tied to a set,
//! therefore neighbour cache, addresses and sequence seeds stay common to all of a host's connections
//! (measured at about half the instructions per frame with ten connections, and byte-identical).
//!
//! **Invariant:** between two calls no received data lies in a socket that its connection's inbox has
//! room for, and no frame lies in the interface's queue for longer than the caller needs to take it.

mod moving;

use std::net::Ipv4Addr;

use sim_kernel::time::{SimDuration, SimTime};
use smoltcp::iface::{Config, Interface, SocketHandle, SocketSet};
use smoltcp::socket::tcp::{Socket, SocketBuffer, State};
use smoltcp::time::{Duration, Instant};
use smoltcp::wire::{EthernetAddress, HardwareAddress, IpAddress, Ipv4Address};

use crate::frame::{self, Destination, Label};
use crate::nic::Nic;
use crate::world::OUTSIDE;

/// Most bytes that a connection keeps for its application; the rest waits in the TCP window.
const INBOX_BYTES_MAX: usize = 2048;

/// First local port that a client uses, and how many it goes through before it begins again.
const EPHEMERAL_PORT_FIRST: u16 = 49_152;
const EPHEMERAL_PORTS: u16 = 16_384;

/// How long a connection may hear nothing from the other side before it is given up, as controllers do
/// with clients that have gone away.
const GIVE_UP_AFTER: Duration = Duration::from_secs(30);

/// Index of a connection inside its host, with the number of times the place was used before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ConnectionId {
    /// Place in the host's table.
    pub(crate) slot: u16,
    /// Distinguishes one use of the place from the next.
    pub(crate) generation: u32,
}

/// What a client may know of its connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConnectionStatus {
    /// The handshake is under way.
    Opening,
    /// Data can be sent.
    Open,
    /// It was refused, closed or given up.
    Closed,
}

/// Whether a place in the table waits for clients or was opened to a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Server { port: u16 },
    Client,
}

/// One TCP connection, or a place for one.
struct Connection {
    set: SocketSet<'static>,
    handle: SocketHandle,
    side: Side,
    label: Label,
    generation: u32,
    /// When the stack wants to be polled.
    wake: Option<SimTime>,
    /// The timer events in the world's queue that count, the earlier one first. They may be earlier
    /// than `wake`; the later one is mostly a retransmission that will not be needed.
    scheduled: (Option<SimTime>, Option<SimTime>),
    inbox: Vec<u8>,
    /// A client's place that may be used again.
    free: bool,
}

impl Connection {
    fn socket(&mut self) -> &mut Socket<'static> {
        self.set.get_mut::<Socket<'static>>(self.handle)
    }

    fn peek(&self) -> &Socket<'static> {
        self.set.get::<Socket<'static>>(self.handle)
    }
}

/// Fixed properties of a host's stack.
#[derive(Clone, Debug)]
pub(crate) struct HostConfig {
    pub(crate) name: String,
    pub(crate) mac: [u8; 6],
    pub(crate) ip: Ipv4Addr,
    pub(crate) prefix_len: u8,
    pub(crate) hop_limit: u8,
    pub(crate) window_bytes: u16,
    /// Seeds initial sequence numbers and datagram identifiers.
    pub(crate) stack_seed: u64,
}

impl HostConfig {
    /// What stands for whatever is plugged in from outside: a place on the network without a stack that is used.
    pub(crate) fn outside() -> Self {
        Self {
            name: OUTSIDE.to_owned(),
            mac: [0; 6],
            ip: Ipv4Addr::UNSPECIFIED,
            prefix_len: 0,
            hop_limit: 64,
            window_bytes: 1024,
            stack_seed: 0,
        }
    }
}

/// A host's stack.
pub(crate) struct Host {
    pub(crate) config: HostConfig,
    interface: Interface,
    pub(crate) nic: Nic,
    /// Whether it has power; without, it neither hears nor says anything.
    powered: bool,
    connections: Vec<Connection>,
    nobody: SocketSet<'static>,
    next_port: u16,
    /// When the host's link to the switch is free again.
    pub(crate) link_free_at: SimTime,
    /// Frames received for this host, and frames lost because its link was saturated.
    pub(crate) frames_received: u64,
    pub(crate) frames_lost: u64,
    /// Connections whose timer moved, and to when; the world schedules them.
    pub(crate) timers: Vec<(u16, SimTime)>,
}

fn instant(now: SimTime) -> Instant {
    Instant::from_micros(
        i64::try_from(now.as_nanos() / 1_000).expect("a run is shorter than 292,000 years"),
    )
}

impl Host {
    pub(crate) fn new(config: HostConfig) -> Self {
        let mut nic = Nic::default();
        let mut stack = Config::new(HardwareAddress::Ethernet(EthernetAddress(config.mac)));
        stack.random_seed = config.stack_seed;
        let mut interface = Interface::new(stack, &mut nic, Instant::from_micros(0));
        moving::set_address(&mut interface, config.ip, config.prefix_len);
        Self {
            config,
            interface,
            nic,
            powered: true,
            connections: Vec::new(),
            nobody: SocketSet::new(Vec::new()),
            next_port: EPHEMERAL_PORT_FIRST,
            link_free_at: SimTime::default(),
            frames_received: 0,
            frames_lost: 0,
            timers: Vec::new(),
        }
    }

    fn new_socket(&self) -> Socket<'static> {
        let window = usize::from(self.config.window_bytes);
        let mut socket = Socket::new(
            SocketBuffer::new(vec![0; window]),
            SocketBuffer::new(vec![0; 1024]),
        );
        socket.set_hop_limit(Some(self.config.hop_limit));
        socket.set_nagle_enabled(false);
        socket.set_timeout(Some(GIVE_UP_AFTER));
        socket
    }

    fn add_connection(&mut self, socket: Socket<'static>, side: Side, label: Label) -> u16 {
        let mut set = SocketSet::new(Vec::with_capacity(1));
        let handle = set.add(socket);
        let slot = u16::try_from(self.connections.len()).expect("connections per host are bounded");
        self.connections.push(Connection {
            set,
            handle,
            side,
            label,
            generation: 0,
            wake: None,
            scheduled: (None, None),
            inbox: Vec::with_capacity(512),
            free: false,
        });
        slot
    }

    /// Makes `places` connections available to clients at a port.
    pub(crate) fn listen(&mut self, port: u16, places: u8) {
        for _ in 0..places {
            let mut socket = self.new_socket();
            socket.listen(port).expect("a new socket can listen");
            self.add_connection(socket, Side::Server { port }, Label::BENIGN);
        }
    }

    /// Begins a connection to a server.
    ///
    /// Returns `None` when `slots_max` places are all in use.
    pub(crate) fn connect(
        &mut self,
        now: SimTime,
        server: (Ipv4Addr, u16),
        label: Label,
        slots_max: usize,
    ) -> Option<ConnectionId> {
        let slot = match self.connections.iter().position(|c| c.free) {
            Some(slot) => u16::try_from(slot).expect("connections per host are bounded"),
            None if self.connections.len() < slots_max => {
                let socket = self.new_socket();
                self.add_connection(socket, Side::Client, label)
            }
            None => return None,
        };
        let port = self.unused_port();
        let remote = (
            IpAddress::Ipv4(Ipv4Address::from(server.0.octets())),
            server.1,
        );
        let connection = &mut self.connections[usize::from(slot)];
        connection.free = false;
        connection.label = label;
        connection.generation += 1;
        connection.inbox.clear();
        let generation = connection.generation;
        let socket = connection.set.get_mut::<Socket<'static>>(connection.handle);
        socket
            .connect(self.interface.context(), remote, port)
            .expect("a free socket, a real address and an unused port");
        self.poll(now, slot);
        Some(ConnectionId { slot, generation })
    }

    fn unused_port(&mut self) -> u16 {
        for _ in 0..EPHEMERAL_PORTS {
            let port = self.next_port;
            let offset = (port - EPHEMERAL_PORT_FIRST + 1) % EPHEMERAL_PORTS;
            self.next_port = EPHEMERAL_PORT_FIRST + offset;
            let taken = |c: &Connection| c.peek().local_endpoint().is_some_and(|e| e.port == port);
            if !self.connections.iter().any(taken) {
                return port;
            }
        }
        unreachable!("a host has far fewer connections than ports");
    }

    /// Lets the stack take in one frame. Returns the connections whose state may have changed.
    pub(crate) fn receive(&mut self, now: SimTime, mut frame: Vec<u8>) -> Touched {
        let for_me = frame::destination_mac(&frame)
            .is_some_and(|mac| mac == self.config.mac || frame::is_group(mac));
        if !for_me || !self.powered {
            self.nic.recycle(frame);
            return Touched::None;
        }
        self.frames_received += 1;
        let destination = frame::destination(&frame);
        if destination == Destination::Arp {
            self.heed_announcement(&mut frame);
        }
        self.nic.put_received(frame);
        match destination {
            Destination::Tcp {
                source,
                source_port,
                destination_port,
                opens,
                ..
            } => match self.find(source, source_port, destination_port, opens) {
                Some(slot) => {
                    self.poll(now, slot);
                    Touched::One(slot)
                }
                None => self.poll_nobody(now),
            },
            Destination::Arp => {
                self.poll_nobody(now);
                // An answer may be what a connection was waiting for.
                for slot in 0..self.connections.len() {
                    let slot = u16::try_from(slot).expect("connections per host are bounded");
                    if self.connections[usize::from(slot)].wake.is_some() {
                        self.poll(now, slot);
                    }
                }
                Touched::None
            }
            Destination::OtherIp { .. } | Destination::Other => self.poll_nobody(now),
        }
    }

    fn poll_nobody(&mut self, now: SimTime) -> Touched {
        self.nic.label = Label::BENIGN;
        self.interface
            .poll(instant(now), &mut self.nic, &mut self.nobody);
        Touched::None
    }

    fn find(&self, source: [u8; 4], source_port: u16, port: u16, opens: bool) -> Option<u16> {
        let mut listening = None;
        for (slot, connection) in self.connections.iter().enumerate() {
            let socket = connection.peek();
            let matches = socket.remote_endpoint().is_some_and(|remote| {
                remote.port == source_port
                    && remote.addr == IpAddress::Ipv4(Ipv4Address::from(source))
                    && socket
                        .local_endpoint()
                        .is_some_and(|local| local.port == port)
            });
            let slot = u16::try_from(slot).expect("connections per host are bounded");
            if matches {
                return Some(slot);
            }
            if opens
                && listening.is_none()
                && socket.is_listening()
                && connection.side == (Side::Server { port })
            {
                listening = Some(slot);
            }
        }
        listening
    }

    /// Lets the stack act for one connection: take in the waiting frame, send what is due.
    pub(crate) fn poll(&mut self, now: SimTime, slot: u16) {
        let at = instant(now);
        let connection = &mut self.connections[usize::from(slot)];
        self.nic.label = connection.label;
        self.interface.poll(at, &mut self.nic, &mut connection.set);
        Self::drain(connection);
        if Self::tidy(connection) {
            self.interface.poll(at, &mut self.nic, &mut connection.set);
            Self::tidy(connection);
        }
        let wake = self.interface.poll_at(at, &connection.set).map(|due| {
            let due = SimTime::from_micros(u64::try_from(due.total_micros()).unwrap_or(0));
            let soonest = now + SimDuration::from_micros(1);
            if due > soonest { due } else { soonest }
        });
        connection.wake = wake;
        self.ask_for_timer(slot);
    }

    /// Asks for a timer event unless one that is early enough is on its way. Most timers of TCP are
    /// moved before they are due, so an event that comes too early is cheaper than one per move.
    fn ask_for_timer(&mut self, slot: u16) {
        let connection = &mut self.connections[usize::from(slot)];
        let (first, _) = connection.scheduled;
        if let Some(due) = connection.wake
            && first.is_none_or(|first| due < first)
        {
            connection.scheduled = (Some(due), first.or(connection.scheduled.1));
            self.timers.push((slot, due));
        }
    }

    /// A timer event has come. Returns whether the stack was polled because of it.
    pub(crate) fn timer(&mut self, now: SimTime, slot: u16) -> bool {
        let connection = &mut self.connections[usize::from(slot)];
        let (first, second) = connection.scheduled;
        if first != Some(now) {
            return false; // Forgotten, because more than two were on their way.
        }
        connection.scheduled = (second, None);
        if connection.wake.is_some_and(|wake| wake <= now) {
            self.poll(now, slot);
            return true;
        }
        self.ask_for_timer(slot);
        false
    }

    /// Moves received bytes to the inbox, in as many pieces as the ring buffer has.
    fn drain(connection: &mut Connection) {
        while connection.inbox.len() < INBOX_BYTES_MAX {
            let room = INBOX_BYTES_MAX - connection.inbox.len();
            let socket = connection.set.get_mut::<Socket<'static>>(connection.handle);
            if !socket.can_recv() {
                break;
            }
            let inbox = &mut connection.inbox;
            let taken = socket.recv(|bytes| {
                let take = if bytes.len() < room {
                    bytes.len()
                } else {
                    room
                };
                inbox.extend_from_slice(&bytes[..take]);
                (take, take)
            });
            if !matches!(taken, Ok(1..)) {
                break;
            }
        }
    }

    /// Answers the other side's close, and makes a finished place available again. Returns whether
    /// the stack has something to do because of it.
    fn tidy(connection: &mut Connection) -> bool {
        match (connection.peek().state(), connection.side) {
            (State::CloseWait, _) if connection.inbox.is_empty() => {
                connection.socket().close();
                true
            }
            (State::Closed, Side::Server { port }) => {
                connection.inbox.clear();
                connection.generation += 1;
                connection.label = Label::BENIGN;
                connection
                    .socket()
                    .listen(port)
                    .expect("a closed socket can listen");
                false
            }
            _ => false,
        }
    }

    /// Frees a client's place. The connection must be closed or is aborted without a word.
    pub(crate) fn release(&mut self, now: SimTime, id: ConnectionId) {
        if let Some(connection) = self.connection_mut(id) {
            connection.socket().abort();
            self.poll(now, id.slot);
            let connection = &mut self.connections[usize::from(id.slot)];
            connection.free = true;
            connection.generation += 1;
            connection.wake = None;
        }
    }

    /// Drops a server's connection with a reset; its place listens again.
    pub(crate) fn reset(&mut self, now: SimTime, id: ConnectionId) {
        if let Some(connection) = self.connection_mut(id) {
            connection.socket().abort();
            self.poll(now, id.slot);
        }
    }

    /// Closes a client's connection in the orderly way; [`Host::reap`] frees its place later.
    pub(crate) fn close(&mut self, now: SimTime, id: ConnectionId) {
        if let Some(connection) = self.connection_mut(id) {
            connection.socket().close();
            self.poll(now, id.slot);
        }
    }

    /// Frees the places of clients whose connections have come to their end.
    pub(crate) fn reap(&mut self, id: ConnectionId) -> bool {
        let Some(connection) = self.connection_mut(id) else {
            return true;
        };
        let done = matches!(connection.peek().state(), State::Closed | State::TimeWait);
        if done {
            connection.socket().abort();
            connection.free = true;
            connection.generation += 1;
            connection.wake = None;
        }
        done
    }

    /// Sends bytes on a connection. Returns how many fitted.
    pub(crate) fn send(&mut self, now: SimTime, id: ConnectionId, bytes: &[u8]) -> usize {
        let Some(connection) = self.connection_mut(id) else {
            return 0;
        };
        let sent = connection.socket().send_slice(bytes).unwrap_or(0);
        self.poll(now, id.slot);
        sent
    }

    /// What the other side has sent and nobody has taken yet.
    pub(crate) fn inbox(&mut self, slot: u16) -> &mut Vec<u8> {
        &mut self.connections[usize::from(slot)].inbox
    }

    pub(crate) fn id_of(&self, slot: u16) -> ConnectionId {
        ConnectionId {
            slot,
            generation: self.connections[usize::from(slot)].generation,
        }
    }

    /// The place's connection, unless it has been given to somebody else since.
    pub(crate) fn is_current(&self, id: ConnectionId) -> bool {
        self.connections
            .get(usize::from(id.slot))
            .is_some_and(|c| c.generation == id.generation)
    }

    fn connection_mut(&mut self, id: ConnectionId) -> Option<&mut Connection> {
        self.connections
            .get_mut(usize::from(id.slot))
            .filter(|c| c.generation == id.generation)
    }

    pub(crate) fn set_label(&mut self, id: ConnectionId, label: Label) {
        if let Some(connection) = self.connection_mut(id) {
            connection.label = label;
        }
    }

    pub(crate) fn status(&self, id: ConnectionId) -> ConnectionStatus {
        if !self.is_current(id) {
            return ConnectionStatus::Closed;
        }
        match self.connections[usize::from(id.slot)].peek().state() {
            State::SynSent | State::SynReceived | State::Listen => ConnectionStatus::Opening,
            State::Established => ConnectionStatus::Open,
            _ => ConnectionStatus::Closed,
        }
    }

    /// The client at the other end of a server's place.
    pub(crate) fn peer(&self, slot: u16) -> Option<Ipv4Addr> {
        self.connections[usize::from(slot)]
            .peek()
            .remote_endpoint()
            .map(|endpoint| {
                let IpAddress::Ipv4(address) = endpoint.addr;
                address
            })
    }

    /// The address at the other end of a connection, unless it is over and its place another's.
    pub(crate) fn peer_of(&self, id: ConnectionId) -> Option<Ipv4Addr> {
        self.is_current(id).then(|| self.peer(id.slot)).flatten()
    }

    /// The port at this end of a connection.
    pub(crate) fn own_port(&self, slot: u16) -> Option<u16> {
        let endpoint = self.connections[usize::from(slot)]
            .peek()
            .local_endpoint()?;
        Some(endpoint.port)
    }

    /// Whether there is neither a frame to send nor a timer to set.
    pub(crate) fn is_idle(&self) -> bool {
        self.nic.sent.is_empty() && self.timers.is_empty()
    }

    /// Feeds everything observable of the stack into a digest.
    pub(crate) fn digest(&self, put: &mut sim_kernel::digest::Hasher) {
        put.put_bool(self.powered);
        put.put_u32(self.config.ip.to_bits());
        put.put_u64(self.frames_received);
        put.put_u64(self.frames_lost);
        put.put_u64(self.link_free_at.as_nanos());
        put.put_u16(self.next_port);
        for connection in &self.connections {
            let socket = connection.peek();
            put.put_u8(socket.state() as u8);
            put.put_u32(connection.generation);
            put.put_u64(connection.wake.map_or(u64::MAX, |wake| wake.as_nanos()));
            put.put_u32(u32::try_from(socket.send_queue()).unwrap_or(u32::MAX));
            put.put_u32(u32::try_from(socket.recv_queue()).unwrap_or(u32::MAX));
            put.put_bytes(&connection.inbox);
        }
    }
}

/// Which connections a received frame may have changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Touched {
    /// None that anybody waits for.
    None,
    /// This one.
    One(u16),
}
