//! What a stack does when an address moves to another device, and when it loses its power.

use std::net::Ipv4Addr;

use sim_wire::{MacAddr, arp, ethernet};
use smoltcp::iface::Interface;
use smoltcp::wire::{IpAddress, IpCidr, Ipv4Address};

use super::{Connection, Host, Side};
use crate::frame::{Frame, Label};

impl Host {
    /// Lets the stack learn a neighbour's new hardware address from a gratuitous ARP message.
    ///
    /// Hosts in the field update an entry that they have (RFC 5944, 4.6; RFC 5227, 3); `smoltcp` only looks
    /// at messages that ask for or answer the host itself. So an announcement by a neighbour that a
    /// connection belongs to is made an answer to this host.
    pub(super) fn heed_announcement(&self, frame: &mut [u8]) {
        const PACKET: usize = ethernet::HEADER_BYTES;
        let Some(Ok(arp)) = frame.get(PACKET..).map(arp::Repr::parse) else {
            return;
        };
        let known = |c: &Connection| {
            let remote = c.peek().remote_endpoint().map(|endpoint| endpoint.addr);
            remote == Some(IpAddress::Ipv4(arp.sender_ip))
        };
        if arp.is_gratuitous() && self.connections.iter().any(known) {
            let answer = arp::Repr {
                operation: arp::Operation::Reply,
                target_mac: MacAddr(self.config.mac),
                target_ip: self.config.ip,
                ..arp
            };
            let mut bytes = Vec::with_capacity(arp::PACKET_BYTES);
            answer.emit(&mut bytes);
            frame[PACKET..PACKET + arp::PACKET_BYTES].copy_from_slice(&bytes);
        }
    }

    /// Takes another address inside the same network. Connections were tied to the one before and are
    /// forgotten without a word.
    pub(crate) fn readdress(&mut self, ip: Ipv4Addr) {
        self.config.ip = ip;
        set_address(&mut self.interface, ip, self.config.prefix_len);
        self.forget_connections();
    }

    /// Tells everybody on the network where the host's address is now: an ARP announcement, RFC 5227 2.3.
    pub(crate) fn announce(&mut self) {
        if !self.powered {
            return;
        }
        let own = MacAddr(self.config.mac);
        let announcement = arp::Repr {
            operation: arp::Operation::Request,
            sender_mac: own,
            sender_ip: self.config.ip,
            target_mac: MacAddr::ZERO,
            target_ip: self.config.ip,
        };
        let bytes = announcement.in_frame(own, MacAddr::BROADCAST);
        let label = Label::BENIGN;
        self.nic.sent.push(Frame { bytes, label });
    }

    /// Loses its power or has it back. Whatever connections there were are gone.
    pub(crate) fn set_power(&mut self, on: bool) {
        self.powered = on;
        self.nic.sent.clear();
        self.forget_connections();
    }

    /// Replaces every socket by a new one, so that nothing is sent about it.
    fn forget_connections(&mut self) {
        for at in 0..self.connections.len() {
            let mut socket = self.new_socket();
            let connection = &mut self.connections[at];
            match connection.side {
                Side::Server { port } => socket.listen(port).expect("a new socket can listen"),
                Side::Client => connection.free = true,
            }
            connection.set.remove(connection.handle);
            connection.handle = connection.set.add(socket);
            connection.generation += 1;
            connection.label = Label::BENIGN;
            connection.inbox.clear();
            connection.wake = None;
            connection.scheduled = (None, None);
        }
        self.timers.clear();
    }
}

/// Makes this the one address of an interface.
pub(super) fn set_address(interface: &mut Interface, ip: Ipv4Addr, prefix_len: u8) {
    let address = IpAddress::Ipv4(Ipv4Address::from(ip.octets()));
    interface.update_ip_addrs(|addresses| {
        addresses.clear();
        addresses
            .push(IpCidr::new(address, prefix_len))
            .expect("there is room for the one address");
    });
}
