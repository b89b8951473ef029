//! How the world moves frames: host to switch, switch to hosts, and up to whoever has the connection.

use std::net::Ipv4Addr;

use sim_kernel::queue::Phase;
use sim_kernel::time::SimTime;

use super::{Event, HostRoles, World};
use crate::frame::{self, Destination, Frame, Label, Relation};
use crate::host::Touched;
use crate::switch::Verdict;

impl World {
    /// Puts what a host has to send on its link, and its timers into the queue.
    pub(crate) fn flush_host(&mut self, now: SimTime, index: usize) {
        if self.hosts[index].is_idle() {
            return;
        }
        let host_number = u16::try_from(index).expect("hosts are few");
        let host_id = self.ids.hosts[index];
        while let Some((slot, due)) = self.hosts[index].timers.pop() {
            let event = Event::ConnectionTimer {
                host: host_number,
                slot,
            };
            self.schedule(due, Phase::DeviceTimer, (host_id, host_id), event);
        }

        let HostRoles { switch, port, .. } = self.roles[index];
        let link = self.switches[usize::from(switch)].link;
        let ends = (host_id, self.ids.switches[usize::from(switch)]);
        for at in 0..self.hosts[index].nic.sent.len() {
            let host = &mut self.hosts[index];
            let frame = std::mem::take(&mut host.nic.sent[at]);
            match link.send(now, host.link_free_at, frame.bytes.len()) {
                Some((sent, arrives)) => {
                    host.link_free_at = sent;
                    let event = Event::AtSwitch {
                        switch,
                        port,
                        frame,
                    };
                    self.schedule(arrives, Phase::FrameArrival, ends, event);
                }
                None => {
                    host.frames_lost += 1;
                    host.nic.recycle(frame.bytes);
                }
            }
        }
        self.hosts[index].nic.sent.clear();
    }

    pub(super) fn on_switch(&mut self, now: SimTime, switch_index: u16, port: u16, frame: Frame) {
        let switch = &mut self.switches[usize::from(switch_index)];
        let source_host = switch.ports[usize::from(port)].host;
        let verdict = switch.ingress(now, port, &frame.bytes);
        if verdict == Verdict::Shut {
            self.hosts[source_host].nic.recycle(frame.bytes);
            return;
        }
        self.frames_seen += 1;
        let ends = (switch_index, source_host);
        self.observe_frame(now, ends, &frame, verdict == Verdict::Denied);
        if verdict == Verdict::Denied {
            self.hosts[source_host].nic.recycle(frame.bytes);
            return;
        }
        let switch = &self.switches[usize::from(switch_index)];
        match switch.known_port(&frame.bytes) {
            Some(out) if out == port => self.hosts[source_host].nic.recycle(frame.bytes),
            Some(out) => self.forward(now, switch_index, out, frame),
            None => {
                let ports = u16::try_from(switch.ports.len()).expect("ports are few");
                for out in (0..ports).filter(|&out| out != port) {
                    self.forward(now, switch_index, out, frame.clone());
                }
                self.hosts[source_host].nic.recycle(frame.bytes);
            }
        }
    }

    fn forward(&mut self, now: SimTime, switch_index: u16, out: u16, frame: Frame) {
        let switch = &mut self.switches[usize::from(switch_index)];
        let host = switch.ports[usize::from(out)].host;
        match switch.egress(now, out, frame.bytes.len()) {
            Some(arrives) => {
                let ends = (
                    self.ids.switches[usize::from(switch_index)],
                    self.ids.hosts[host],
                );
                let host = u16::try_from(host).expect("hosts are few");
                self.schedule(
                    arrives,
                    Phase::FrameArrival,
                    ends,
                    Event::AtHost { host, frame },
                );
            }
            None => self.hosts[host].nic.recycle(frame.bytes),
        }
    }

    /// Records a frame that a switch has received from a host, for the digest and for the SPAN port.
    fn observe_frame(&mut self, now: SimTime, ends: (u16, usize), frame: &Frame, denied: bool) {
        let (switch, source_host) = ends;
        if self.keep.digests {
            self.frames_digest.put_u64(now.as_nanos());
            self.frames_digest.put_bytes(&frame.bytes);
        }
        let Some(span) = self.switches[usize::from(switch)].span else {
            return;
        };
        if self.keep.frames {
            let (label, relation) = self.relation(frame);
            let source = u16::try_from(source_host).expect("hosts are few");
            let truth = (label, relation, denied);
            self.observations
                .capture(now, (span, source), &frame.bytes, truth);
        }
    }

    /// How a frame relates to the attack: sent by it, an answer to it, or led astray by it.
    pub(super) fn relation(&self, frame: &Frame) -> (Label, Relation) {
        if frame.label != Label::BENIGN {
            return (frame.label, Relation::Sent);
        }
        let benign = (Label::BENIGN, Relation::Benign);
        let Some(agent) = &self.agent else {
            return benign;
        };
        let attacker = &self.hosts[agent.host].config;
        let to_attacker = frame::destination_mac(&frame.bytes) == Some(attacker.mac);
        let from_attacker = frame::source_mac(&frame.bytes) == Some(attacker.mac);
        if !to_attacker && !from_attacker {
            return benign;
        }
        let place = frame::destination(&frame.bytes);
        let (source, destination) = match place {
            Destination::Tcp {
                source,
                destination,
                ..
            }
            | Destination::OtherIp {
                source,
                destination,
            } => (source, destination),
            Destination::Arp => match (frame.bytes.get(28..32), frame.bytes.get(38..42)) {
                (Some(&[a, b, c, d]), Some(&[e, f, g, h])) => ([a, b, c, d], [e, f, g, h]),
                _ => return benign,
            },
            Destination::Other => return benign,
        };
        let works_honestly = self.roles[agent.host].station.is_some();
        let is_own = from_attacker || destination == attacker.ip.octets();
        if works_honestly && is_own && !agent.took_part(place, from_attacker) {
            return benign;
        }
        if from_attacker {
            // The host's own stack answers what a step of the attack has stirred up.
            let label = agent.addressed.get(&Ipv4Addr::from(destination));
            return label.map_or(benign, |&label| (label, Relation::Sent));
        }
        if destination != attacker.ip.octets() {
            return match agent.diverts {
                Label::BENIGN => benign,
                label => (label, Relation::Diverted),
            };
        }
        match agent.addressed.get(&Ipv4Addr::from(source)) {
            Some(&label) => (label, Relation::Reply),
            None => benign,
        }
    }

    pub(super) fn on_host(&mut self, now: SimTime, index: usize, frame: Frame) {
        if let Some(agent) = &mut self.agent
            && agent.host == index
        {
            agent.received.push((now, frame.bytes.clone()));
            agent.attention = true;
        }
        if self.outside == Some(index) {
            self.observations.outside.push((now, frame.bytes));
            return;
        }
        let host = &mut self.hosts[index];
        host.nic.balance(&mut self.pool);
        let touched = host.receive(now, frame.bytes);
        if let Touched::One(slot) = touched {
            self.on_touched(now, index, slot);
        }
        self.flush_host(now, index);
    }

    pub(super) fn on_connection_timer(&mut self, now: SimTime, index: usize, slot: u16) {
        if self.hosts[index].timer(now, slot) {
            self.on_touched(now, index, slot);
        }
        self.flush_host(now, index);
    }

    /// A connection may have new data or a new state: lets the program behind it look.
    pub(super) fn on_touched(&mut self, now: SimTime, host_index: usize, slot: u16) {
        let roles = self.roles[host_index];
        if let Some(controller) = roles.controller {
            self.on_controller_data(now, usize::from(controller), host_index, slot);
        }
        if let Some(station) = roles.station {
            let id = self.hosts[host_index].id_of(slot);
            let progress = self.stations[usize::from(station)].touched(
                now,
                &mut self.hosts[host_index],
                id,
                &self.tags,
            );
            self.on_progress(now, usize::from(station), progress);
        }
    }

    pub(super) fn on_controller_data(
        &mut self,
        now: SimTime,
        index: usize,
        host_index: usize,
        slot: u16,
    ) {
        let host = &mut self.hosts[host_index];
        if host.inbox(slot).is_empty() {
            return;
        }
        let id = host.id_of(slot);
        let controller = &mut self.controllers[index];
        let (added, drop) = controller.receive(id, host.inbox(slot));
        if drop {
            host.reset(now, id);
        }
        let component = self.ids.controllers[index];
        let number = u16::try_from(index).expect("controllers are few");
        for _ in 0..added {
            let due = self.controllers[index].next_service(now);
            let event = Event::Serve { controller: number };
            self.schedule(due, Phase::DeviceTimer, (component, component), event);
        }
    }
}
