//! Modbus frames as IPAL messages.
//!
//! Names of values are those of IPAL's transcriber, `holding.register.N` and so on, with the address of the PDU, from
//! zero, in every message. (The transcriber adds 1 in single writes and not in reads of the same register.)
//!
//! # Source
//!
//! fkie-cad/ipal_transcriber, `transcribers/modbus.py`, `transcriber/messages.py`.

use std::collections::VecDeque;

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use sim_wire::ethernet;
use sim_wire::modbus::{Adu, Request, Response, Span, Table, function};
use sim_wire::summary::{Direction, FrameSummary, IpSummary, TcpSummary};
use sim_wire::{ipv4, tcp};
use twinrange_range::evidence::capture::CapturedFrame;

use crate::log::unix_ns;

/// How long a request may wait for its answer, ns. A controller that is under attack answers late.
const ANSWER_NS: u64 = 5_000_000_000;

/// Most requests that wait at one time; the oldest goes.
const WAITING_MAX: usize = 4_096;

/// What a message is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Activity {
    /// Asks for values.
    Interrogate,
    /// Tells values, or refuses.
    Inform,
    /// Sets values or commands a device.
    Command,
    /// Says that a command was carried out.
    Action,
}

/// Which attack a row or message belongs to: IPAL has `false` or the attack's identifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Malicious<'a>(pub(crate) Option<&'a str>);

impl Serialize for Malicious<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            None => serializer.serialize_bool(false),
            Some(id) => serializer.serialize_str(id),
        }
    }
}

/// Values by name, in the order of their addresses; a value that is asked for or only acknowledged is `null`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Data(pub(crate) Vec<(String, Option<u16>)>);

impl Serialize for Data {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, value) in &self.0 {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

/// A message as IPAL writes it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Message<'a> {
    /// From 0 in its file.
    pub(crate) id: u64,
    /// Seconds since 1970, to the microsecond.
    pub(crate) timestamp: f64,
    pub(crate) protocol: &'static str,
    pub(crate) malicious: Malicious<'a>,
    /// Address and port, and the unit at a controller.
    pub(crate) src: String,
    pub(crate) dest: String,
    /// Bytes of the ADU.
    pub(crate) length: u64,
    /// Whether the TCP checksum is right.
    pub(crate) crc: bool,
    /// Function code, with 128 added in a refusal.
    #[serde(rename = "type")]
    pub(crate) kind: u8,
    pub(crate) activity: Activity,
    #[serde(rename = "responds to")]
    pub(crate) responds_to: Vec<u64>,
    pub(crate) data: Data,
}

/// A connection and a request in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Flow {
    client: ([u8; 4], u16),
    server: ([u8; 4], u16),
    transaction: u16,
    unit: u8,
    function: u8,
}

#[derive(Clone, Debug)]
struct Waiting {
    flow: Flow,
    id: u64,
    at_ns: u64,
    read: Option<Span>,
}

/// Makes messages of frames, which must come in the order of time.
#[derive(Debug, Default)]
pub(crate) struct Transcriber {
    next_id: u64,
    waiting: VecDeque<Waiting>,
    /// Payloads on the Modbus port with bytes that are no whole message.
    pub(crate) incomplete: u64,
}

impl Transcriber {
    /// The messages of a frame.
    pub(crate) fn messages<'a>(
        &mut self,
        frame: &CapturedFrame,
        malicious: Malicious<'a>,
    ) -> Vec<Message<'a>> {
        let Some(summary) = FrameSummary::of(&frame.bytes) else {
            return Vec::new();
        };
        let (Some(ip), Some(tcp), Some(modbus)) = (summary.ip, &summary.tcp, summary.modbus) else {
            return Vec::new();
        };
        self.incomplete += u64::from(modbus.trailing_bytes > 0);
        let crc = checksum_is_right(&frame.bytes, &ip);
        let whole = summary
            .modbus_adus(&frame.bytes)
            .filter(Adu::length_is_consistent);
        whole
            .map(|adu| {
                let mut message = match modbus.direction {
                    Direction::Request => self.request(frame.t_ns, &ip, tcp, &adu),
                    Direction::Response => self.response(frame.t_ns, &ip, tcp, &adu),
                };
                message.crc = crc;
                message.malicious = malicious;
                message
            })
            .collect()
    }

    fn request<'a>(
        &mut self,
        t_ns: u64,
        ip: &IpSummary,
        tcp: &TcpSummary,
        adu: &Adu<'_>,
    ) -> Message<'a> {
        let id = self.take_id();
        let code = adu.function();
        let parsed = adu.request().ok();
        let activity = match code {
            function::ENGINEERING_SESSION | function::WRITE_FILE_RECORD => Activity::Command,
            code if function::is_write(code) => Activity::Command,
            _ => Activity::Interrogate,
        };
        if self.waiting.len() == WAITING_MAX {
            self.waiting.pop_front();
        }
        self.waiting.push_back(Waiting {
            flow: Flow {
                client: (ip.src.octets(), tcp.src_port),
                server: (ip.dst.octets(), tcp.dst_port),
                transaction: adu.transaction(),
                unit: adu.unit(),
                function: code,
            },
            id,
            at_ns: t_ns,
            read: parsed.as_ref().and_then(Request::read_span),
        });
        Message {
            src: format!("{}:{}", ip.src, tcp.src_port),
            dest: format!("{}:{}:{}", ip.dst, tcp.dst_port, adu.unit()),
            ..blank(
                id,
                t_ns,
                adu,
                activity,
                parsed.map_or_else(Data::default, |r| asked(&r)),
            )
        }
    }

    fn response<'a>(
        &mut self,
        t_ns: u64,
        ip: &IpSummary,
        tcp: &TcpSummary,
        adu: &Adu<'_>,
    ) -> Message<'a> {
        let id = self.take_id();
        let code = adu.function() & !function::EXCEPTION_FLAG;
        let flow = Flow {
            client: (ip.dst.octets(), tcp.dst_port),
            server: (ip.src.octets(), tcp.src_port),
            transaction: adu.transaction(),
            unit: adu.unit(),
            function: code,
        };
        while self
            .waiting
            .front()
            .is_some_and(|first| t_ns.saturating_sub(first.at_ns) > ANSWER_NS)
        {
            self.waiting.pop_front();
        }
        // A mirror port sees a diverted exchange twice, so that a request may be answered twice.
        let answered: Vec<&Waiting> = self.waiting.iter().filter(|w| w.flow == flow).collect();
        let read = answered.last().and_then(|waiting| waiting.read);
        let responds_to = answered.iter().map(|waiting| waiting.id).collect();
        let is_refusal = adu.function() & function::EXCEPTION_FLAG != 0;
        let activity = match code {
            _ if is_refusal => Activity::Inform,
            function::READ_WRITE_MULTIPLE_REGISTERS => Activity::Inform,
            function::ENGINEERING_SESSION | function::WRITE_FILE_RECORD => Activity::Action,
            code if function::is_write(code) => Activity::Action,
            _ => Activity::Inform,
        };
        let data = adu
            .response()
            .map_or_else(|_| Data::default(), |r| told(&r, read));
        Message {
            src: format!("{}:{}:{}", ip.src, tcp.src_port, adu.unit()),
            dest: format!("{}:{}", ip.dst, tcp.dst_port),
            responds_to,
            ..blank(id, t_ns, adu, activity, data)
        }
    }

    fn take_id(&mut self) -> u64 {
        let id = self.next_id;
        self.next_id += 1;
        id
    }
}

fn blank<'a>(id: u64, t_ns: u64, adu: &Adu<'_>, activity: Activity, data: Data) -> Message<'a> {
    // Whole microseconds since 1970 are exact in an f64.
    let micros = unix_ns(t_ns) / 1_000;
    Message {
        id,
        timestamp: micros as f64 / 1e6,
        protocol: "modbus",
        malicious: Malicious(None),
        src: String::new(),
        dest: String::new(),
        length: adu.total_bytes() as u64,
        crc: true,
        kind: adu.function(),
        activity,
        responds_to: Vec::new(),
        data,
    }
}

fn checksum_is_right(frame: &[u8], ip: &IpSummary) -> bool {
    let packet = ethernet::Packet::new(frame)
        .payload()
        .map(ipv4::Packet::new);
    let segment = packet.as_ref().and_then(ipv4::Packet::payload);
    segment.is_some_and(|bytes| tcp::Packet::new(bytes).checksum_is_valid(ip.src, ip.dst))
}

/// IPAL's word for a table.
fn table_name(table: Table) -> &'static str {
    match table {
        Table::Coils => "coil",
        Table::DiscreteInputs => "discrete.input",
        Table::InputRegisters => "input.register",
        Table::HoldingRegisters => "holding.register",
    }
}

/// Names of a run of entries, with values as far as there are any.
fn named(span: Span, values: impl IntoIterator<Item = u16>) -> Vec<(String, Option<u16>)> {
    let mut values = values.into_iter();
    let name = table_name(span.table);
    span.addresses()
        .map(|address| (format!("{name}.{address}"), values.next()))
        .collect()
}

/// The values that a request writes, and the names that it asks for.
fn asked(request: &Request<'_>) -> Data {
    let mut data = Vec::new();
    if let Some(span) = request.write_span() {
        let values: Vec<u16> = match request {
            Request::WriteSingleCoil { on, .. } => vec![u16::from(*on)],
            Request::WriteSingleRegister { value, .. } => vec![*value],
            Request::WriteMultipleCoils { bits, .. } => bits.iter().map(u16::from).collect(),
            Request::WriteMultipleRegisters { values, .. }
            | Request::ReadWriteMultipleRegisters { values, .. } => values.iter().collect(),
            _ => Vec::new(),
        };
        data.extend(named(span, values));
    }
    if let Some(span) = request.read_span() {
        let read = named(span, []);
        // A name that is read behind its own write has the written value already.
        data.extend(read.into_iter().filter(|(name, _)| {
            request.write_span().is_none_or(|w| {
                !w.addresses()
                    .any(|a| *name == format!("{}.{a}", table_name(w.table)))
            })
        }));
    }
    if matches!(request, Request::ReadDeviceIdentification { .. }) {
        data.push(("read device identification".to_owned(), None));
    }
    Data(data)
}

/// The values that a response tells, and the names that it acknowledges.
fn told(response: &Response<'_>, read: Option<Span>) -> Data {
    let span = |table, address, quantity| Span {
        table,
        address,
        quantity,
    };
    Data(match *response {
        Response::WriteSingleCoil { address, .. } => named(span(Table::Coils, address, 1), []),
        Response::WriteMultipleCoils { address, quantity } => {
            named(span(Table::Coils, address, quantity), [])
        }
        Response::WriteSingleRegister { address, .. }
        | Response::MaskWriteRegister { address, .. } => {
            named(span(Table::HoldingRegisters, address, 1), [])
        }
        Response::WriteMultipleRegisters { address, quantity } => {
            named(span(Table::HoldingRegisters, address, quantity), [])
        }
        _ => match (read, response.registers(), response.bits()) {
            (Some(read), Some(words), _) => named(read, words.iter()),
            (Some(read), _, Some(bits)) => named(read, bits.iter().map(u16::from)),
            _ => Vec::new(),
        },
    })
}

#[cfg(test)]
mod tests {
    use sim_wire::modbus::encode_adu;

    use super::*;

    /// A frame from `src` to `dst` with a right checksum.
    fn frame(t_ns: u64, src: (u8, u16), dst: (u8, u16), payload: &[u8]) -> CapturedFrame {
        let ip = |host: u8| std::net::Ipv4Addr::new(10, 20, 1, host);
        let mut segment = Vec::new();
        let header = tcp::Repr {
            src_port: src.1,
            dst_port: dst.1,
            seq: 1,
            ack: 1,
            flags: tcp::Flags::ACK,
            window: 1_000,
            urgent: 0,
            options: tcp::Options::default(),
        };
        header.emit(ip(src.0), ip(dst.0), payload, &mut segment);
        let mut bytes = vec![2, 0, 0, 0, 0, dst.0, 2, 0, 0, 0, 0, src.0, 8, 0];
        let length = u16::try_from(20 + segment.len()).expect("short");
        let mut header = vec![0x45, 0];
        header.extend(length.to_be_bytes());
        header.extend([0, 0, 0, 0, 64, 6, 0, 0]);
        header.extend(ip(src.0).octets());
        header.extend(ip(dst.0).octets());
        bytes.extend(header);
        bytes.extend(segment);
        CapturedFrame {
            number: 1,
            t_ns,
            bytes,
        }
    }

    fn adu(transaction: u16, pdu: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        encode_adu(transaction, 1, &mut out, |out| out.extend_from_slice(pdu));
        out
    }

    fn json(messages: &[Message<'_>]) -> Vec<serde_json::Value> {
        let value = |m| serde_json::to_value(m).expect("messages encode");
        messages.iter().map(value).collect()
    }

    #[test]
    fn exchange_when_transcribed_then_fields_of_ipal() {
        let mut transcriber = Transcriber::default();
        // Two requests in one segment, a read and a write, then both answers and a refusal.
        let mut both = adu(7, &[3, 4, 0, 0, 2]);
        both.extend(adu(8, &[6, 4, 6, 2, 88]));
        let asked = frame(1_500, (21, 40_000), (11, 502), &both);
        let asked = json(&transcriber.messages(&asked, Malicious(Some("open-valve"))));
        let mut both = adu(7, &[3, 4, 0, 17, 1, 0]);
        both.extend(adu(8, &[0x86, 2]));
        let told = frame(2_000_000, (11, 502), (21, 40_000), &both);
        let told = json(&transcriber.messages(&told, Malicious(None)));
        assert_eq!(
            asked[0],
            serde_json::json!({
                "id": 0, "timestamp": 1_767_592_800.000_001, "protocol": "modbus", "malicious": "open-valve",
                "src": "10.20.1.21:40000", "dest": "10.20.1.11:502:1", "length": 12, "crc": true, "type": 3,
                "activity": "interrogate", "responds to": [],
                "data": {"holding.register.1024": null, "holding.register.1025": null},
            })
        );
        assert_eq!(asked[1]["activity"], "command");
        assert_eq!(
            asked[1]["data"],
            serde_json::json!({"holding.register.1030": 600})
        );
        assert_eq!(
            told[0]["data"],
            serde_json::json!({"holding.register.1024": 17, "holding.register.1025": 256})
        );
        assert_eq!(told[0]["responds to"], serde_json::json!([0]));
        assert_eq!(told[0]["src"], "10.20.1.11:502:1");
        assert_eq!(told[0]["malicious"], false);
        assert_eq!(told[1]["type"], 134);
        assert_eq!(told[1]["responds to"], serde_json::json!([1]));
        assert_eq!(told[1]["activity"], "inform");
        assert_eq!(transcriber.incomplete, 0);
    }

    #[test]
    fn answer_when_its_request_is_long_gone_or_of_another_connection_then_it_answers_nothing() {
        let mut transcriber = Transcriber::default();
        let read = adu(7, &[1, 0, 0, 0, 3]);
        transcriber.messages(&frame(0, (21, 40_000), (11, 502), &read), Malicious(None));
        let answer = adu(7, &[1, 1, 5]);
        for (t_ns, port) in [(1_000, 40_001), (ANSWER_NS + 1, 40_000)] {
            let late = frame(t_ns, (11, 502), (21, port), &answer);
            let found = json(&transcriber.messages(&late, Malicious(None)));
            assert_eq!(found[0]["responds to"], serde_json::json!([]));
            assert_eq!(found[0]["data"], serde_json::json!({}));
        }
    }

    #[test]
    fn payload_when_cut_or_its_checksum_wrong_then_counted_and_said() {
        let mut transcriber = Transcriber::default();
        let whole = adu(7, &[3, 4, 0, 0, 2]);
        let cut = frame(0, (21, 40_000), (11, 502), &whole[..9]);
        assert!(transcriber.messages(&cut, Malicious(None)).is_empty());
        assert_eq!(transcriber.incomplete, 1);
        let mut wrong = frame(0, (21, 40_000), (11, 502), &whole);
        *wrong.bytes.last_mut().expect("it has bytes") ^= 1;
        assert!(!transcriber.messages(&wrong, Malicious(None))[0].crc);
    }
}
