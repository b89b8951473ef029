//! The attacker's network interface, as the techniques use it.
//!
//! [`Port`] is the small part of [`Foothold`] that techniques need. The techniques are written against
//! it, so that each can be tested with a fake network and without a plant.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use sim_kernel::time::SimTime;
pub(crate) use sim_plant::ConnectionStatus;
use sim_plant::{ConnectionId, Foothold, Label};
use sim_wire::MacAddr;

/// A TCP connection of the attacker's own host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Link(pub(crate) u64);

/// What a technique may do.
pub(crate) trait Port {
    /// The current time.
    fn now(&self) -> SimTime;
    /// Own hardware address.
    fn mac(&self) -> MacAddr;
    /// Own address and the length of the network's prefix, bits.
    fn ip(&self) -> (Ipv4Addr, u8);
    /// Sends a frame as it is.
    fn send_frame(&mut self, bytes: Vec<u8>, label: Label);
    /// Begins a TCP connection; `None` if the host has no room for one.
    fn connect(&mut self, ip: Ipv4Addr, port: u16, label: Label) -> Option<Link>;
    /// How a connection stands.
    fn status(&self, link: Link) -> ConnectionStatus;
    /// Sends bytes; returns how many fitted.
    fn send(&mut self, link: Link, bytes: &[u8], label: Label) -> usize;
    /// Takes received bytes.
    fn take_bytes(&mut self, link: Link) -> Vec<u8>;
    /// Closes in the orderly way.
    fn close(&mut self, link: Link);
    /// Ends with a reset.
    fn abort(&mut self, link: Link);
}

/// The links of one attacker and the connections that they stand for.
#[derive(Debug, Default)]
pub(crate) struct Links {
    next: u64,
    open: BTreeMap<Link, ConnectionId>,
}

/// A [`Foothold`] as a [`Port`].
pub(crate) struct FootholdPort<'a, 'w> {
    pub(crate) foothold: &'a mut Foothold<'w>,
    pub(crate) links: &'a mut Links,
}

impl Port for FootholdPort<'_, '_> {
    fn now(&self) -> SimTime {
        self.foothold.now()
    }

    fn mac(&self) -> MacAddr {
        MacAddr(self.foothold.mac())
    }

    fn ip(&self) -> (Ipv4Addr, u8) {
        self.foothold.ip()
    }

    fn send_frame(&mut self, bytes: Vec<u8>, label: Label) {
        self.foothold.send_frame(bytes, label);
    }

    fn connect(&mut self, ip: Ipv4Addr, port: u16, label: Label) -> Option<Link> {
        let id = self.foothold.connect(ip, port, label)?;
        let link = Link(self.links.next);
        self.links.next += 1;
        self.links.open.insert(link, id);
        Some(link)
    }

    fn status(&self, link: Link) -> ConnectionStatus {
        match self.links.open.get(&link) {
            Some(&id) => self.foothold.status(id),
            None => ConnectionStatus::Closed,
        }
    }

    fn send(&mut self, link: Link, bytes: &[u8], label: Label) -> usize {
        match self.links.open.get(&link) {
            Some(&id) => self.foothold.send(id, bytes, label),
            None => 0,
        }
    }

    fn take_bytes(&mut self, link: Link) -> Vec<u8> {
        match self.links.open.get(&link) {
            Some(&id) => self.foothold.take_bytes(id),
            None => Vec::new(),
        }
    }

    fn close(&mut self, link: Link) {
        if let Some(id) = self.links.open.remove(&link) {
            self.foothold.close(id);
        }
    }

    fn abort(&mut self, link: Link) {
        if let Some(id) = self.links.open.remove(&link) {
            self.foothold.abort(id);
        }
    }
}
