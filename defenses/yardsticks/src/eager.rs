//! The defense that cuts off whatever is new: it takes every novelty for an attack, and every write.
//!
//! It knows no doubt, which is its point. Novelties count once the clean period is over, writes from the
//! first second on: a write is a write. A host is cut off once; a controller is restored again when the
//! last restore is five minutes old.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use serde_json::{Value, json};
use sim_wire::modbus::{Adu, PORT, function};
use sim_wire::{FrameSummary, MacAddr};

/// Shortest time between two restores of one controller, ns.
const RESTORE_PAUSE_NS: u64 = 300_000_000_000;

/// What a host did: opened a service of another, or sent a request with a function code.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Deed {
    Seen,
    Connected(Ipv4Addr, u16),
    Requested(Ipv4Addr, u8),
}

/// What was learned and done.
#[derive(Debug, Default)]
pub(crate) struct Eager {
    learn_ns: u64,
    hosts: BTreeMap<MacAddr, String>,
    by_ip: BTreeMap<Ipv4Addr, String>,
    known: BTreeSet<(MacAddr, Deed)>,
    contained: BTreeSet<MacAddr>,
    denied: BTreeSet<Ipv4Addr>,
    restored_ns: BTreeMap<Ipv4Addr, u64>,
    commands: u64,
}

impl Eager {
    pub(crate) fn new(
        learn_ns: u64,
        hosts: BTreeMap<MacAddr, String>,
        by_ip: BTreeMap<Ipv4Addr, String>,
    ) -> Self {
        Self {
            learn_ns,
            hosts,
            by_ip,
            ..Self::default()
        }
    }

    /// Looks at a frame; what it asks for goes into `actions`. Returns what it found, if anything.
    pub(crate) fn frame(
        &mut self,
        t_ns: u64,
        frame: &FrameSummary,
        bytes: &[u8],
        actions: &mut Vec<Value>,
    ) -> Option<&'static str> {
        let mut deeds = vec![Deed::Seen];
        if let Some((ip, tcp)) = frame.ip.zip(frame.tcp.as_ref()) {
            if tcp.flags.is_connect() {
                deeds.push(Deed::Connected(ip.dst, tcp.dst_port));
            }
            if tcp.dst_port == PORT {
                let codes = frame.modbus_adus(bytes).map(|adu| adu.function());
                deeds.extend(codes.map(|code| Deed::Requested(ip.dst, code)));
            }
        }
        let mut is_new = false;
        for deed in deeds {
            is_new |= self.known.insert((frame.src_mac, deed));
        }
        let written = self.write(t_ns, frame, bytes, actions);
        let is_new = is_new && t_ns >= self.learn_ns;
        if is_new && self.contained.insert(frame.src_mac) {
            let target = match self.hosts.get(&frame.src_mac) {
                Some(name) => ("contain", json!({"host": name})),
                None => ("deny", json!({"mac": frame.src_mac.to_string()})),
            };
            self.command(target, actions);
        }
        written.or_else(|| is_new.then_some("new-behaviour"))
    }

    /// Answers a write: the writer is cut off, and the controller restored.
    fn write(
        &mut self,
        t_ns: u64,
        frame: &FrameSummary,
        bytes: &[u8],
        actions: &mut Vec<Value>,
    ) -> Option<&'static str> {
        let (writer, controller) = written(frame, bytes)?;
        if self.denied.insert(writer) {
            self.command(("deny", json!({"ip": writer.to_string()})), actions);
        }
        let last_ns = self.restored_ns.get(&controller);
        if last_ns.is_none_or(|last_ns| t_ns >= last_ns + RESTORE_PAUSE_NS)
            && let Some(name) = self.by_ip.get(&controller).cloned()
        {
            self.restored_ns.insert(controller, t_ns);
            self.command(("restore", json!({"controller": name})), actions);
        }
        Some("write")
    }

    fn command(&mut self, (action, target): (&str, Value), actions: &mut Vec<Value>) {
        self.commands += 1;
        let command_id = format!("eager-{}", self.commands);
        actions.push(json!({"command_id": command_id, "action": action, "target": target}));
    }
}

/// Who wrote to which controller, if a frame holds a Modbus request that writes.
pub(crate) fn written(frame: &FrameSummary, bytes: &[u8]) -> Option<(Ipv4Addr, Ipv4Addr)> {
    let (ip, tcp) = frame.ip.zip(frame.tcp.as_ref())?;
    let writes = |adu: Adu<'_>| function::is_write(adu.function());
    let is_request = tcp.dst_port == PORT;
    (is_request && frame.modbus_adus(bytes).any(writes)).then_some((ip.src, ip.dst))
}
