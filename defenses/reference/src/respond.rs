//! What to do about a finding: isolate the attacker's host, then restore what it changed.
//!
//! A wrong action stops the line, so the responder is shy: it never isolates a controller or a host
//! that worked in the clean period, isolates each host once, and restores a controller only after
//! the isolation has taken effect, at most once in half an hour.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use serde_json::{Value, json};
use sim_wire::MacAddr;

use crate::alert::{
    ARP_CHANGE, FIRMWARE_CHANGE, FLOOD, FORCE_CHANGE, Finding, MAC_MISMATCH, MODE_CHANGE,
    NEW_WRITER, PROGRAM_CHANGE, RESTARTED, REWRITTEN, Rule, TASK_CHANGE, VALUE, WRITE_BURST,
};
use crate::window::SECOND_NS;

/// Rules that prove an attacker rather than a novelty.
static PROOFS: [&Rule; 12] = [
    &NEW_WRITER,
    &ARP_CHANGE,
    &MAC_MISMATCH,
    &REWRITTEN,
    &FLOOD,
    &WRITE_BURST,
    &PROGRAM_CHANGE,
    &MODE_CHANGE,
    &RESTARTED,
    &FORCE_CHANGE,
    &TASK_CHANGE,
    &FIRMWARE_CHANGE,
];
/// Rules after which a controller is not as it should be.
static CHANGES: [&Rule; 7] = [
    &NEW_WRITER,
    &VALUE,
    &PROGRAM_CHANGE,
    &MODE_CHANGE,
    &FORCE_CHANGE,
    &TASK_CHANGE,
    &FIRMWARE_CHANGE,
];
const RESTORE_PAUSE_NS: u64 = 1_800 * SECOND_NS;
/// Most hosts that are isolated in a run: more would be a mistake or a trap.
const ISOLATIONS: usize = 8;

/// Decides about actions.
#[derive(Debug, Default)]
pub(crate) struct Responder {
    /// Action words that the run offers.
    pub(crate) offered: BTreeSet<String>,
    /// Names of hosts, by hardware address.
    pub(crate) hosts: BTreeMap<MacAddr, String>,
    /// Names of controllers, by IP address.
    pub(crate) controllers: BTreeMap<Ipv4Addr, String>,
    /// Hardware addresses of controllers, which are never isolated.
    pub(crate) protected: BTreeSet<MacAddr>,
    isolated: BTreeSet<MacAddr>,
    /// Isolations that the range has not decided on, by command.
    undecided: BTreeSet<String>,
    /// From when on all accepted isolations are in effect, ns.
    effective_ns: u64,
    /// Controllers that wait for the isolation.
    to_restore: BTreeSet<String>,
    restored_ns: BTreeMap<String, u64>,
    commands: u64,
}

impl Responder {
    /// Takes a finding, also one that is held off as an alert.
    pub(crate) fn finding(&mut self, finding: &Finding, is_worker: bool, out: &mut Vec<Value>) {
        let is_change = CHANGES.iter().any(|&rule| std::ptr::eq(rule, finding.rule));
        if !is_worker
            && is_change
            && let Some(name) = finding.dst.ip.and_then(|ip| self.controllers.get(&ip))
        {
            self.to_restore.insert(name.clone());
        }
        let is_proof = PROOFS.iter().any(|&rule| std::ptr::eq(rule, finding.rule));
        if let Some(mac) = finding.src.mac
            && is_proof
            && !is_worker
            && !self.protected.contains(&mac)
            && self.isolated.len() < ISOLATIONS
            && self.isolated.insert(mac)
        {
            self.isolate(mac, out);
        }
    }

    /// Takes the range's decision about an earlier action.
    pub(crate) fn result(&mut self, command_id: &str, effective_ns: Option<u64>) {
        if self.undecided.remove(command_id)
            && let Some(effective_ns) = effective_ns
            && effective_ns > self.effective_ns
        {
            self.effective_ns = effective_ns;
        }
    }

    /// Asks for what is due at the end of an interval.
    pub(crate) fn due(&mut self, now_ns: u64, out: &mut Vec<Value>) {
        if !self.undecided.is_empty() || now_ns < self.effective_ns {
            return;
        }
        for controller in std::mem::take(&mut self.to_restore) {
            let last_ns = self.restored_ns.get(&controller).copied();
            if last_ns.is_none_or(|last_ns| now_ns >= last_ns + RESTORE_PAUSE_NS) {
                self.restored_ns.insert(controller.clone(), now_ns);
                self.command("restore", json!({"controller": controller}), out);
            }
        }
    }

    fn isolate(&mut self, mac: MacAddr, out: &mut Vec<Value>) {
        let command_id = match self.hosts.get(&mac) {
            Some(name) => self.command("contain", json!({"host": name}), out),
            None => self.command("deny", json!({"mac": mac.to_string()}), out),
        };
        self.undecided.extend(command_id);
    }

    fn command(&mut self, action: &str, target: Value, out: &mut Vec<Value>) -> Option<String> {
        if !self.offered.contains(action) {
            return None;
        }
        self.commands += 1;
        let command_id = format!("ref-{}", self.commands);
        out.push(json!({"command_id": command_id, "action": action, "target": target}));
        Some(command_id)
    }
}
