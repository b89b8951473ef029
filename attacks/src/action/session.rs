//! A Modbus client for techniques: one connection to one controller, one request at a time.
//!
//! The connection is opened with the first request and closed by [`Session::end`]. A request that is
//! not answered in time, refused or answered with nonsense is a [`Failure`]; what to do about it is the
//! technique's decision.

use std::net::Ipv4Addr;

use sim_kernel::time::{SimDuration, SimTime};
use sim_wire::modbus::client::Received;
use sim_wire::modbus::identity::Access;
use sim_wire::modbus::{
    Bits, Client, ExceptionCode, Framed, Framer, PORT, Registers, Request, Response, Span, Table,
};

use crate::action::Context;
use crate::port::{ConnectionStatus, Link};

/// How long the attacker waits for a connection and for an answer.
pub(crate) const ANSWER_TIMEOUT: SimDuration = SimDuration::from_secs(2);

/// A request that owns its data. Bits are words of 0 and 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Ask {
    /// Functions 1 to 4.
    Read(Span),
    /// Functions 5 and 15, or 6 and 16: coils or holding registers from `address` on.
    Write {
        table: Table,
        address: u16,
        words: Vec<u16>,
        multiple: bool,
    },
    /// Function 43, MEI type 14, from this object on.
    Identify { object: u8 },
    /// Function 90: a message of the engineering session.
    Engineering(Vec<u8>),
}

/// What a controller answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Reply {
    /// What was read; bits are words of 0 and 1.
    Words(Vec<u16>),
    /// The write was carried out.
    Written,
    /// Device identification, and the object to go on with.
    Identity {
        objects: Vec<(u8, String)>,
        next_object: Option<u8>,
    },
    /// An answer of the engineering session.
    Engineering(Vec<u8>),
    /// A refusal.
    Exception(ExceptionCode),
}

/// Why there was no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Failure {
    #[error("the attacker's host has no room for another connection")]
    NoRoom,
    #[error("the connection was refused or reset")]
    Refused,
    #[error("there was no answer")]
    NoAnswer,
    #[error("the answer was not valid Modbus")]
    Nonsense,
}

/// A connection to a controller.
#[derive(Debug)]
pub(crate) struct Session {
    server: Ipv4Addr,
    link: Option<Link>,
    client: Client,
    framer: Framer,
    ask: Option<Ask>,
    sent: bool,
    deadline: SimTime,
}

impl Session {
    /// A session that has not yet connected. Its transaction identifiers count up from one that the step's
    /// stream draws, as those of a client that was in use before.
    pub(crate) fn drawn(server: Ipv4Addr, cx: &mut Context<'_>) -> Self {
        let first = 1 + u16::try_from(cx.stream.below(1000)).expect("below 1000");
        Self::new(server, first)
    }

    /// A session that has not yet connected. Transaction identifiers count up from the one given.
    pub(crate) fn new(server: Ipv4Addr, first_transaction: u16) -> Self {
        Self {
            server,
            link: None,
            client: Client::new(first_transaction, 1),
            framer: Framer::new(),
            ask: None,
            sent: false,
            deadline: SimTime::ZERO,
        }
    }

    /// When the request under way is given up.
    pub(crate) fn deadline(&self) -> Option<SimTime> {
        self.ask.is_some().then_some(self.deadline)
    }

    /// Whether a request is under way.
    pub(crate) fn is_busy(&self) -> bool {
        self.ask.is_some()
    }

    /// Begins a request; opens the connection if there is none.
    ///
    /// # Panics
    ///
    /// If one is under way.
    pub(crate) fn ask(&mut self, cx: &mut Context<'_>, ask: Ask) {
        assert!(self.ask.is_none(), "a session has one request at a time");
        self.ask = Some(ask);
        self.sent = false;
        self.deadline = cx.now().saturating_add(ANSWER_TIMEOUT);
        let is_open = self
            .link
            .is_some_and(|link| cx.port.status(link) == ConnectionStatus::Open);
        if !is_open {
            self.drop_link(cx);
            self.link = cx.connect(self.server, PORT);
        }
        self.pump(cx);
    }

    /// What has become of the request under way; `None` while it is open or if there is none.
    pub(crate) fn answer(&mut self, cx: &mut Context<'_>) -> Option<Result<Reply, Failure>> {
        self.ask.as_ref()?;
        let Some(link) = self.link else {
            return Some(Err(self.fail(cx, Failure::NoRoom)));
        };
        let bytes = cx.port.take_bytes(link);
        self.framer.push(&bytes);
        while let Some(framed) = self.framer.next_frame() {
            let Framed::Adu(adu) = framed else {
                return Some(Err(self.fail(cx, Failure::Nonsense)));
            };
            match self.client.receive(&adu) {
                Received::Response { response, .. } => {
                    let reply = reply_of(&response);
                    self.ask = None;
                    return Some(Ok(reply));
                }
                Received::Invalid { .. } => return Some(Err(self.fail(cx, Failure::Nonsense))),
                Received::Unsolicited => {}
            }
        }
        self.pump(cx);
        if cx.port.status(link) == ConnectionStatus::Closed {
            return Some(Err(self.fail(cx, Failure::Refused)));
        }
        let late = cx.now() >= self.deadline;
        late.then(|| Err(self.fail(cx, Failure::NoAnswer)))
    }

    /// Closes the connection and forgets what was asked.
    pub(crate) fn end(&mut self, cx: &mut Context<'_>) {
        self.ask = None;
        self.client.clear();
        if let Some(link) = self.link.take() {
            cx.port.close(link);
        }
    }

    fn fail(&mut self, cx: &mut Context<'_>, failure: Failure) -> Failure {
        self.ask = None;
        self.drop_link(cx);
        failure
    }

    fn drop_link(&mut self, cx: &mut Context<'_>) {
        self.client.clear();
        self.framer = Framer::new();
        if let Some(link) = self.link.take() {
            cx.port.abort(link);
        }
    }

    /// Sends the request once the connection is open.
    fn pump(&mut self, cx: &mut Context<'_>) {
        let (Some(ask), Some(link), false) = (&self.ask, self.link, self.sent) else {
            return;
        };
        if cx.port.status(link) != ConnectionStatus::Open {
            return;
        }
        let mut bytes = Vec::new();
        let (now_ns, unit) = (cx.now().as_nanos(), cx.unit);
        with_request(ask, |request| {
            self.client
                .send(request, unit, now_ns, 0, &mut bytes)
                .expect("the one request before was answered or given up");
        });
        cx.tally.requests += 1;
        cx.send(link, &bytes);
        self.sent = true;
        self.deadline = cx.now().saturating_add(ANSWER_TIMEOUT);
    }
}

/// Lends the borrowed form of a request.
fn with_request(ask: &Ask, lend: impl FnOnce(&Request<'_>)) {
    match ask {
        Ask::Read(span) => lend(&read_request(*span)),
        Ask::Identify { object } => lend(&Request::ReadDeviceIdentification {
            access: Access::Regular,
            object: *object,
        }),
        Ask::Engineering(message) => lend(&Request::Engineering(message)),
        Ask::Write {
            table: Table::Coils,
            address,
            words,
            multiple,
        } => {
            let address = *address;
            let bits: Vec<bool> = words.iter().map(|&word| word != 0).collect();
            match bits.as_slice() {
                &[on] if !multiple => lend(&Request::WriteSingleCoil { address, on }),
                bits => lend(&Request::WriteMultipleCoils {
                    address,
                    bits: Bits::from(bits),
                }),
            }
        }
        Ask::Write {
            address,
            words,
            multiple,
            ..
        } => match (*address, words.as_slice()) {
            (address, &[value]) if !multiple => {
                lend(&Request::WriteSingleRegister { address, value });
            }
            (address, words) => lend(&Request::WriteMultipleRegisters {
                address,
                values: Registers::from(words),
            }),
        },
    }
}

fn read_request(span: Span) -> Request<'static> {
    let Span {
        address, quantity, ..
    } = span;
    match span.table {
        Table::Coils => Request::ReadCoils { address, quantity },
        Table::DiscreteInputs => Request::ReadDiscreteInputs { address, quantity },
        Table::InputRegisters => Request::ReadInputRegisters { address, quantity },
        Table::HoldingRegisters => Request::ReadHoldingRegisters { address, quantity },
    }
}

fn reply_of(response: &Response<'_>) -> Reply {
    if let Some(registers) = response.registers() {
        return Reply::Words(registers.iter().collect());
    }
    if let Some(bits) = response.bits() {
        return Reply::Words(bits.iter().map(u16::from).collect());
    }
    match response {
        Response::Exception { code, .. } => Reply::Exception(*code),
        Response::Engineering(message) => Reply::Engineering(message.to_vec()),
        Response::ReadDeviceIdentification {
            next_object,
            objects,
            ..
        } => Reply::Identity {
            objects: objects
                .iter()
                .map(|(id, value)| (id, String::from_utf8_lossy(value).into_owned()))
                .collect(),
            next_object: *next_object,
        },
        _ => Reply::Written,
    }
}
