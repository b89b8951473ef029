//! What an adversary in the middle does to a frame: correct its hardware addresses and change values
//! in Modbus read responses.
//!
//! A response does not say which addresses it carries, so the interceptor remembers the requests that
//! pass, by connection and transaction identifier. A retransmitted response is changed exactly like the
//! first one.
//!
//! **Invariant:** a frame never changes its length, so sequence numbers stay right without translation.
//!
//! **Invariant:** after a change every checksum is valid. A frame in which nothing is changed keeps its
//! bytes, even wrong ones.
//!
//! **Invariant:** no bytes whatsoever make it panic, and it remembers a bounded number of connections
//! and requests.
//!
//! Only application data units that lie whole in one segment are changed; stations and controllers of
//! this kind send nothing else. Others pass as they are and are counted.

use std::collections::{BTreeMap, VecDeque};
use std::net::Ipv4Addr;

use sim_kernel::rng::Stream;
use sim_plant::spec::TagKind;
use sim_wire::modbus::{MBAP_BYTES, Span, Table, function};
use sim_wire::rewrite::{fix_checksums, tcp_payload_mut};
use sim_wire::summary::{AduSummary, Direction};
use sim_wire::{FrameSummary, modbus};

use crate::playbook::Show;
use crate::value;

/// Most connections that are followed; the one not seen for longest is forgotten first.
const CONNECTIONS_MAX: usize = 64;

/// Most requests that are remembered for one connection.
const REQUESTS_MAX: usize = 64;

/// Bytes of a read response before its data: function code and byte count.
const RESPONSE_HEADER_BYTES: usize = 2;

/// What is shown in place of one value.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    /// The controller.
    pub server: Ipv4Addr,
    /// Which table.
    pub table: Table,
    /// Address of the value.
    pub address: u16,
    /// How to read and write the bits.
    pub kind: TagKind,
    /// What is shown.
    pub show: Show,
    /// Standard deviation of the noise, raw.
    pub noise: f64,
}

impl Rule {
    fn span(&self) -> Span {
        Span {
            table: self.table,
            address: self.address,
            quantity: value::entries(self.kind),
        }
    }
}

/// A client's side of a connection: client address, client port, server address.
type Key = (Ipv4Addr, u16, Ipv4Addr);

/// A request that has passed and whose response may come.
#[derive(Clone, Copy, Debug)]
struct Asked {
    transaction: u16,
    unit: u8,
    function: u8,
    read: Span,
}

#[derive(Clone, Debug, Default)]
struct Connection {
    asked: VecDeque<Asked>,
    /// Sequence number and payload of the last changed response.
    changed: Option<(u32, Vec<u8>)>,
    last_used: u64,
}

/// What has passed so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Passed {
    /// Requests for data.
    pub requests: u64,
    /// Responses in which at least one value was changed.
    pub responses_changed: u64,
    /// Read responses that passed unchanged: not whole in one segment, or their request unknown.
    pub responses_unknown: u64,
    /// Values changed.
    pub values_changed: u64,
    /// Write requests, which pass unchanged.
    pub writes: u64,
}

/// Follows diverted connections and changes what passes.
#[derive(Clone, Debug)]
pub struct Interceptor {
    rules: Vec<Rule>,
    /// The value that each rule has frozen.
    frozen: Vec<Option<f64>>,
    connections: BTreeMap<Key, Connection>,
    clock: u64,
    passed: Passed,
}

impl Interceptor {
    /// An interceptor that has seen nothing yet.
    #[must_use]
    pub fn new(rules: Vec<Rule>) -> Self {
        Self {
            frozen: vec![None; rules.len()],
            rules,
            connections: BTreeMap::new(),
            clock: 0,
            passed: Passed::default(),
        }
    }

    /// What has passed so far.
    #[must_use]
    pub fn passed(&self) -> Passed {
        self.passed
    }

    /// Looks at a frame on its way and changes it in place. Returns whether anything was changed.
    pub fn pass(&mut self, frame: &mut [u8], stream: &mut Stream) -> bool {
        let Some(summary) = FrameSummary::of(frame) else {
            return false;
        };
        let (Some(ip), Some(tcp), Some(modbus)) = (summary.ip, &summary.tcp, &summary.modbus)
        else {
            return false;
        };
        if ip.is_fragment {
            return false;
        }
        self.clock += 1;
        match modbus.direction {
            Direction::Request => {
                let connection = self.connection((ip.src, tcp.src_port, ip.dst));
                let (mut requests, mut writes) = (0, 0);
                for adu in summary.modbus_adus(frame) {
                    let seen = AduSummary::of(&adu, Direction::Request);
                    writes += u64::from(seen.write.is_some());
                    if let Some(read) = seen.read.filter(|_| seen.is_complete) {
                        requests += 1;
                        connection.remember(Asked {
                            transaction: seen.transaction,
                            unit: seen.unit,
                            function: seen.function,
                            read,
                        });
                    }
                }
                self.passed.requests += requests;
                self.passed.writes += writes;
                false
            }
            Direction::Response => {
                let key = (ip.dst, tcp.dst_port, ip.src);
                let seq = tcp.seq;
                // Only a packet that is there as a whole has checksums that can be set right.
                let Ok(payload) = tcp_payload_mut(frame) else {
                    return false;
                };
                let changed = self.change(key, seq, payload, stream);
                if changed {
                    fix_checksums(frame).expect("the packet is there as a whole");
                }
                changed
            }
        }
    }

    fn connection(&mut self, key: Key) -> &mut Connection {
        if !self.connections.contains_key(&key) && self.connections.len() >= CONNECTIONS_MAX {
            let oldest = self.connections.iter().min_by_key(|(_, c)| c.last_used);
            if let Some(oldest) = oldest.map(|(key, _)| *key) {
                self.connections.remove(&oldest);
            }
        }
        let connection = self.connections.entry(key).or_default();
        connection.last_used = self.clock;
        connection
    }

    /// Changes the responses in a payload from a server.
    fn change(&mut self, key: Key, seq: u32, payload: &mut [u8], stream: &mut Stream) -> bool {
        if let Some((same_seq, same)) = self.connections.get(&key).and_then(|c| c.changed.as_ref())
            && *same_seq == seq
            && same.len() == payload.len()
        {
            payload.copy_from_slice(same);
            return true;
        }
        let mut changed = false;
        let mut at = 0;
        while let Some((length, adu)) = whole_adu(&payload[at..]) {
            if let Some(response) = adu {
                let asked = self
                    .connections
                    .get(&key)
                    .and_then(|connection| connection.find(&response));
                match asked {
                    Some(read) => {
                        let data = at + MBAP_BYTES + RESPONSE_HEADER_BYTES..at + length;
                        changed |= self.change_data(key.2, read, &mut payload[data], stream);
                    }
                    None => self.passed.responses_unknown += 1,
                }
            }
            at += length;
        }
        if changed {
            self.passed.responses_changed += 1;
            let connection = self.connection(key);
            connection.changed = Some((seq, payload.to_vec()));
        }
        changed
    }

    /// Changes the values in a response's data that rules ask for.
    fn change_data(
        &mut self,
        server: Ipv4Addr,
        read: Span,
        data: &mut [u8],
        stream: &mut Stream,
    ) -> bool {
        let mut changed = false;
        for (rule, frozen) in self.rules.iter().zip(&mut self.frozen) {
            let span = rule.span();
            let is_covered = span.table == read.table
                && read.contains(span.address)
                && span.addresses().end <= read.addresses().end;
            if rule.server != server || !is_covered {
                continue;
            }
            let first = usize::from(span.address - read.address);
            let mut cells = Cells {
                table: span.table,
                data: &mut *data,
            };
            let Some(words) = cells.get(first, usize::from(span.quantity)) else {
                continue;
            };
            let Some(honest) = value::decode(rule.kind, &words) else {
                continue;
            };
            let shown = shown(rule, honest, frozen, stream);
            let mut words = Vec::new();
            value::encode(rule.kind, shown, &mut words);
            cells.set(first, &words);
            changed = true;
            self.passed.values_changed += 1;
        }
        changed
    }
}

impl Connection {
    fn remember(&mut self, asked: Asked) {
        if self.asked.len() >= REQUESTS_MAX {
            self.asked.pop_front();
        }
        self.asked.push_back(asked);
    }

    /// The entries that a response carries, if its request is remembered and fits.
    fn find(&self, response: &ReadResponse) -> Option<Span> {
        let fits = |asked: &&Asked| {
            let quantity = usize::from(asked.read.quantity);
            let data_bytes = match asked.read.table {
                Table::Coils | Table::DiscreteInputs => quantity.div_ceil(8),
                Table::InputRegisters | Table::HoldingRegisters => quantity * 2,
            };
            asked.transaction == response.transaction
                && asked.unit == response.unit
                && asked.function == response.function
                && data_bytes == response.data_bytes
        };
        self.asked.iter().rev().find(fits).map(|asked| asked.read)
    }
}

/// The value that a rule shows for an honest one.
fn shown(rule: &Rule, honest: f64, frozen: &mut Option<f64>, stream: &mut Stream) -> f64 {
    let base = match rule.show {
        Show::Constant(value) => value,
        Show::Freeze => *frozen.get_or_insert(honest),
        Show::Clamp(low, _) if honest < low => low,
        Show::Clamp(_, high) if honest > high => high,
        Show::Clamp(..) => return honest,
    };
    if rule.noise > 0.0 && rule.kind != TagKind::Bool {
        base + rule.noise * stream.gaussian()
    } else {
        base
    }
}

/// What can be read of a response to a read request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct ReadResponse {
    transaction: u16,
    unit: u8,
    function: u8,
    data_bytes: usize,
}

/// The length of the ADU at the start of `bytes`, and what it is if it answers a read request.
///
/// `None` if there is no whole ADU of the Modbus protocol.
fn whole_adu(bytes: &[u8]) -> Option<(usize, Option<ReadResponse>)> {
    let adu = modbus::Adu::view(bytes)?;
    if adu.protocol() != 0 || !adu.length_is_consistent() {
        return None;
    }
    let is_read = matches!(
        adu.function(),
        function::READ_COILS
            | function::READ_DISCRETE_INPUTS
            | function::READ_HOLDING_REGISTERS
            | function::READ_INPUT_REGISTERS
            | function::READ_WRITE_MULTIPLE_REGISTERS
    );
    let count = adu.data().first().map(|&count| usize::from(count));
    let response = match count {
        Some(data_bytes) if is_read && data_bytes + 1 == adu.data().len() => Some(ReadResponse {
            transaction: adu.transaction(),
            unit: adu.unit(),
            function: adu.function(),
            data_bytes,
        }),
        _ => None,
    };
    Some((adu.total_bytes(), response))
}

/// The data of a read response, entry by entry; bits are words of 0 and 1.
struct Cells<'a> {
    table: Table,
    data: &'a mut [u8],
}

impl Cells<'_> {
    fn is_bits(&self) -> bool {
        matches!(self.table, Table::Coils | Table::DiscreteInputs)
    }

    fn get(&self, first: usize, count: usize) -> Option<Vec<u16>> {
        if self.is_bits() {
            let bit = |index: usize| Some(u16::from(self.data.get(index / 8)? >> (index % 8) & 1));
            return (first..first + count).map(bit).collect();
        }
        let bytes = self.data.get(first * 2..(first + count) * 2)?;
        Some(
            bytes
                .chunks_exact(2)
                .map(|pair| u16::from_be_bytes([pair[0], pair[1]]))
                .collect(),
        )
    }

    /// Sets entries that [`Cells::get`] has found to be there.
    fn set(&mut self, first: usize, words: &[u16]) {
        for (index, &word) in (first..).zip(words) {
            if self.is_bits() {
                let mask = 1 << (index % 8);
                let byte = &mut self.data[index / 8];
                *byte = if word == 0 {
                    *byte & !mask
                } else {
                    *byte | mask
                };
            } else {
                self.data[index * 2..index * 2 + 2].copy_from_slice(&word.to_be_bytes());
            }
        }
    }
}

#[cfg(test)]
mod tests;
