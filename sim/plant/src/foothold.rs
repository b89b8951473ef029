//! What an attacker can do: use one host's network interface, and nothing else.
//!
//! A [`Foothold`] borrows the world between two events. It sees the frames that reached its host, sends
//! frames and opens connections from it, draws from its own random stream and asks to be woken. It
//! never touches a controller, the process or another host except through those frames.
//!
//! Every frame is sent under a [`Label`], the step of the playbook that it belongs to. Labels are ground
//! truth and invisible to everybody inside the simulation.

use std::net::Ipv4Addr;

use sim_kernel::queue::Phase;
use sim_kernel::rng::Stream;
use sim_kernel::time::SimTime;

use crate::frame::{self, Destination, Frame, Label};
use crate::host::{ConnectionId, ConnectionStatus};
use crate::world::{Agent, Event, World};

/// Most connections that the attacker's host can hold at once.
pub const CONNECTIONS_MAX: usize = 256;

/// The attacker's view of the world.
pub struct Foothold<'a> {
    world: &'a mut World,
}

impl World {
    /// The attacker's host, or `None` if this world has no attacker.
    pub fn foothold(&mut self) -> Option<Foothold<'_>> {
        self.agent.is_some().then_some(Foothold { world: self })
    }
}

impl Foothold<'_> {
    fn agent(&mut self) -> &mut Agent {
        self.world
            .agent
            .as_mut()
            .expect("a foothold exists only where an agent does")
    }

    fn host(&self) -> usize {
        self.world
            .agent
            .as_ref()
            .expect("a foothold exists only where an agent does")
            .host
    }

    /// The current time.
    #[must_use]
    pub fn now(&self) -> SimTime {
        self.world.now()
    }

    /// Name of the attacker's host.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.world.hosts[self.host()].config.name
    }

    /// Hardware address of the attacker's host.
    #[must_use]
    pub fn mac(&self) -> [u8; 6] {
        self.world.hosts[self.host()].config.mac
    }

    /// Address of the attacker's host, and the length of its network's prefix in bits.
    #[must_use]
    pub fn ip(&self) -> (Ipv4Addr, u8) {
        let config = &self.world.hosts[self.host()].config;
        (config.ip, config.prefix_len)
    }

    /// Takes the frames that have reached the host since the last call, oldest first: addressed to
    /// it, broadcast, or flooded by the switch. The host's own stack has seen them too.
    pub fn take_received(&mut self) -> Vec<(SimTime, Vec<u8>)> {
        std::mem::take(&mut self.agent().received)
    }

    /// Sends a frame exactly as given, without check sequence.
    ///
    /// # Arguments
    ///
    /// * `bytes` — 14 to 1514 bytes: Ethernet header and payload. Anything else is not sent.
    /// * `label` — the step that it belongs to.
    pub fn send_frame(&mut self, bytes: Vec<u8>, label: Label) {
        if !(14..=crate::nic::FRAME_BYTES_MAX).contains(&bytes.len()) {
            return;
        }
        let (own, _) = self.ip();
        let arp_sender = match (bytes.get(12..14), bytes.get(28..32)) {
            (Some([0x08, 0x06]), Some(&[a, b, c, d])) => Some(Ipv4Addr::new(a, b, c, d)),
            _ => None,
        };
        if arp_sender.is_some_and(|sender| sender != own) {
            self.agent().diverts = label;
        }
        let target = match bytes.get(12..14) {
            Some([0x08, 0x06]) => bytes.get(38..42),
            Some([0x08, 0x00]) => bytes.get(30..34),
            _ => None,
        };
        if let Some(&[a, b, c, d]) = target {
            self.agent()
                .addressed
                .insert(Ipv4Addr::new(a, b, c, d), label);
        }
        if let Destination::Tcp {
            destination,
            source_port,
            ..
        } = frame::destination(&bytes)
        {
            let peer = Ipv4Addr::from(destination);
            self.agent().flows.insert((peer, source_port));
        }
        let (now, host) = (self.now(), self.host());
        self.world.hosts[host].nic.sent.push(Frame { bytes, label });
        self.world.flush_host(now, host);
    }

    /// Begins a TCP connection through the host's own stack. `None` when [`CONNECTIONS_MAX`] are open.
    pub fn connect(&mut self, ip: Ipv4Addr, port: u16, label: Label) -> Option<ConnectionId> {
        self.agent().addressed.insert(ip, label);
        let (now, host) = (self.now(), self.host());
        let id = self.world.hosts[host].connect(now, (ip, port), label, CONNECTIONS_MAX);
        let own_port = id.and_then(|id| self.world.hosts[host].own_port(id.slot));
        self.agent()
            .flows
            .extend(own_port.map(|own_port| (ip, own_port)));
        self.world.flush_host(now, host);
        id
    }

    /// How a connection stands.
    #[must_use]
    pub fn status(&self, id: ConnectionId) -> ConnectionStatus {
        self.world.hosts[self.host()].status(id)
    }

    /// Sends bytes on a connection. Returns how many fitted into its buffer.
    pub fn send(&mut self, id: ConnectionId, bytes: &[u8], label: Label) -> usize {
        let (now, host) = (self.now(), self.host());
        self.world.hosts[host].set_label(id, label);
        if let Some(peer) = self.world.hosts[host].peer(id.slot) {
            self.agent().addressed.insert(peer, label);
        }
        let sent = self.world.hosts[host].send(now, id, bytes);
        self.world.flush_host(now, host);
        sent
    }

    /// Takes what the other side has sent.
    pub fn take_bytes(&mut self, id: ConnectionId) -> Vec<u8> {
        let host = self.host();
        if !self.world.hosts[host].is_current(id) {
            return Vec::new();
        }
        std::mem::take(self.world.hosts[host].inbox(id.slot))
    }

    /// Closes a connection in the orderly way.
    pub fn close(&mut self, id: ConnectionId) {
        let (now, host) = (self.now(), self.host());
        self.world.hosts[host].close(now, id);
        self.world.hosts[host].reap(id);
        self.world.flush_host(now, host);
    }

    /// Ends a connection with a reset and frees its place.
    pub fn abort(&mut self, id: ConnectionId) {
        let (now, host) = (self.now(), self.host());
        self.world.hosts[host].release(now, id);
        self.world.flush_host(now, host);
    }

    /// Asks for [`Pause::Agent`](crate::Pause::Agent) at a time. Only the earliest of several requests
    /// is kept: ask again at every pause.
    ///
    /// # Panics
    ///
    /// If the time is in the past.
    pub fn wake_at(&mut self, at: SimTime) {
        let agent = self.agent();
        if agent.wake.is_some_and(|wake| wake <= at) {
            return;
        }
        agent.wake = Some(at);
        let id = self.world.ids.agent;
        self.world
            .schedule(at, Phase::DeviceTimer, (id, id), Event::AgentTimer);
    }

    /// The attacker's random stream.
    pub fn stream(&mut self) -> &mut Stream {
        &mut self.agent().stream
    }
}
