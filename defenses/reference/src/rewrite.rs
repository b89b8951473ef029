//! Segments that pass the mirror port twice with different content: a forwarder that rewrites.
//!
//! Somebody in the middle receives a frame and sends it on. The mirror port sees both copies: the
//! same TCP sequence number, another source hardware address, and, if the content was changed,
//! other bytes.

use std::collections::{BTreeMap, VecDeque};
use std::net::Ipv4Addr;

use sim_wire::MacAddr;

use crate::window::SECOND_NS;

const FLOWS: usize = 1_024;
const SEGMENTS_PER_FLOW: usize = 8;
/// Copies are compared within this time.
const WINDOW_NS: u64 = 2 * SECOND_NS;

/// Source and destination address and port.
pub(crate) type Flow = (Ipv4Addr, u16, Ipv4Addr, u16);

#[derive(Debug)]
struct Segment {
    t_ns: u64,
    seq: u32,
    mac: MacAddr,
    payload: Vec<u8>,
}

/// The last few segments of each direction of each connection.
#[derive(Debug, Default)]
pub(crate) struct Copies {
    flows: BTreeMap<Flow, VecDeque<Segment>>,
}

impl Copies {
    /// Takes a segment with payload; whether it is a changed copy of one from another host.
    pub(crate) fn segment(
        &mut self,
        t_ns: u64,
        flow: Flow,
        seq: u32,
        mac: MacAddr,
        payload: &[u8],
    ) -> bool {
        if self.flows.len() >= FLOWS && !self.flows.contains_key(&flow) {
            self.flows.retain(|_, segments| {
                segments
                    .back()
                    .is_some_and(|last| last.t_ns + WINDOW_NS >= t_ns)
            });
            if self.flows.len() >= FLOWS {
                return false;
            }
        }
        let segments = self.flows.entry(flow).or_default();
        let changed = segments.iter().any(|earlier| {
            earlier.t_ns + WINDOW_NS >= t_ns
                && earlier.seq == seq
                && earlier.mac != mac
                && earlier.payload != payload
        });
        if segments.len() == SEGMENTS_PER_FLOW {
            segments.pop_front();
        }
        segments.push_back(Segment {
            t_ns,
            seq,
            mac,
            payload: payload.to_vec(),
        });
        changed
    }
}
