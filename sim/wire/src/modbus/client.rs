//! The client's half: transaction ids, and responses matched to requests. No IO.
//!
//! **Invariant:** at most [`Client::capacity`] requests are open; each open transaction id is
//! unique, so a response closes at most one of them.
//!
//! # Source
//!
//! MSG 4.4.1: a response whose transaction id is not open is discarded, as is one whose protocol
//! id is not 0; a request that is not answered in time is closed by its client.

use super::response::Expectation;
use super::{Adu, Request, Response, ResponseError};

/// A request sent and not yet answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pending {
    /// The transaction id it was sent with.
    pub transaction: u16,
    /// The unit id it was sent to.
    pub unit: u8,
    /// When it was sent, ns on the caller's clock.
    pub sent_ns: u64,
    /// The caller's own mark, such as the index of a poll.
    pub tag: u32,
    /// What its response must look like.
    pub expectation: Expectation,
}

/// What an ADU from the server turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Received<'a> {
    /// The answer to a request, normal or an exception; the request is closed.
    Response {
        /// The request.
        pending: Pending,
        /// Its answer.
        response: Response<'a>,
    },
    /// It bears an open transaction id but is no valid answer; the request is closed.
    Invalid {
        /// The request.
        pending: Pending,
        /// What is wrong.
        error: ReceivedError,
    },
    /// No open request has this transaction id, or the protocol id is not 0; discarded.
    Unsolicited,
}

/// Why an ADU with an open transaction id is no valid answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReceivedError {
    /// It comes from another unit.
    #[error("the response is from unit {unit}")]
    Unit {
        /// The unit id as received.
        unit: u8,
    },
    /// Its PDU is not valid, or answers another request.
    #[error(transparent)]
    Pdu(#[from] ResponseError),
}

/// Every transaction of [`Client::capacity`] is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{capacity} requests are open already")]
pub struct TooManyPending {
    /// The limit.
    pub capacity: usize,
}

/// The transactions of one connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Client {
    next_transaction: u16,
    capacity: usize,
    /// In the order of sending.
    pending: Vec<Pending>,
}

impl Client {
    /// A client with room for `capacity` open requests; MSG 4.4.1 suggests 1 to 16.
    ///
    /// # Arguments
    ///
    /// * `first_transaction` — id of the first request; ids then count up and wrap.
    ///
    /// # Panics
    ///
    /// If `capacity` is outside 1 to 65535: ids could not stay unique.
    #[must_use]
    pub fn new(first_transaction: u16, capacity: usize) -> Self {
        assert!(
            (1..=0xFFFF).contains(&capacity),
            "capacity {capacity} is outside 1..=65535"
        );
        Self {
            next_transaction: first_transaction,
            capacity,
            pending: Vec::with_capacity(capacity),
        }
    }

    /// Most requests that can be open.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.capacity
    }

    /// The open requests, oldest first.
    #[must_use]
    pub fn pending(&self) -> &[Pending] {
        &self.pending
    }

    /// Opens a transaction and appends its ADU to `out`.
    ///
    /// # Errors
    ///
    /// [`TooManyPending`]; nothing is appended.
    pub fn send(
        &mut self,
        request: &Request<'_>,
        unit: u8,
        now_ns: u64,
        tag: u32,
        out: &mut Vec<u8>,
    ) -> Result<Pending, TooManyPending> {
        if self.pending.len() == self.capacity {
            return Err(TooManyPending {
                capacity: self.capacity,
            });
        }
        while self
            .pending
            .iter()
            .any(|open| open.transaction == self.next_transaction)
        {
            self.next_transaction = self.next_transaction.wrapping_add(1);
        }
        let pending = Pending {
            transaction: self.next_transaction,
            unit,
            sent_ns: now_ns,
            tag,
            expectation: Expectation::of(request),
        };
        self.next_transaction = self.next_transaction.wrapping_add(1);
        request.emit_adu(pending.transaction, unit, out);
        self.pending.push(pending);
        Ok(pending)
    }

    /// Matches an ADU to the open request it answers and closes that.
    pub fn receive<'a>(&mut self, adu: &Adu<'a>) -> Received<'a> {
        let open = self
            .pending
            .iter()
            .position(|open| open.transaction == adu.transaction());
        let (0, Some(index)) = (adu.protocol(), open) else {
            return Received::Unsolicited;
        };
        let pending = self.pending.remove(index);
        if adu.unit() != pending.unit {
            let error = ReceivedError::Unit { unit: adu.unit() };
            return Received::Invalid { pending, error };
        }
        match pending.expectation.parse(adu.pdu()) {
            Ok(response) => Received::Response { pending, response },
            Err(error) => Received::Invalid {
                pending,
                error: error.into(),
            },
        }
    }

    /// Closes and returns the oldest request sent at least `timeout_ns` ago. Call until `None`.
    pub fn expire(&mut self, now_ns: u64, timeout_ns: u64) -> Option<Pending> {
        let is_late = |open: &Pending| now_ns.saturating_sub(open.sent_ns) >= timeout_ns;
        let index = self.pending.iter().position(is_late)?;
        Some(self.pending.remove(index))
    }

    /// When the next open request expires, ns on the caller's clock.
    #[must_use]
    pub fn next_expiry_ns(&self, timeout_ns: u64) -> Option<u64> {
        self.pending
            .iter()
            .map(|open| open.sent_ns.saturating_add(timeout_ns))
            .min()
    }

    /// Closes all requests, for a connection that was lost. Transaction ids go on counting.
    pub fn clear(&mut self) {
        self.pending.clear();
    }
}
