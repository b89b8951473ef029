//! What a frame is, in one flat value: for filters, switches, defenses and the truth labels.
//!
//! **Invariant:** a summary is taken from any bytes without a panic and without allocation; a part
//! that is cut short or of an unknown protocol is `None`, and so is everything inside it.
//!
//! A summary sees one frame and keeps no stream state: a Modbus ADU that starts in an earlier
//! segment is not recognized. Use a [`Framer`](crate::modbus::Framer) to follow a connection.

use crate::bytes::u16_at;
use crate::modbus::framer::adus_in;
use crate::modbus::{self, Adu, Span, Table, function};
use crate::{MacAddr, arp, ethernet, icmp, ipv4, tcp, udp};
use std::net::Ipv4Addr;
use std::ops::Range;

/// One frame, classified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FrameSummary {
    /// Length of the frame, bytes, without frame check sequence.
    pub frame_bytes: usize,
    /// Source hardware address.
    pub src_mac: MacAddr,
    /// Destination hardware address.
    pub dst_mac: MacAddr,
    /// VLAN id of the outermost tag.
    pub vlan: Option<u16>,
    /// Ethertype behind the tags; less than 0x0600 is an 802.3 length.
    pub ethertype: u16,
    /// The ARP packet, if it is a valid one for IPv4 over Ethernet.
    pub arp: Option<arp::Repr>,
    /// The IPv4 header, if all its 20 bytes are there.
    pub ip: Option<IpSummary>,
    /// The TCP header, if there and not in a later fragment.
    pub tcp: Option<TcpSummary>,
    /// The UDP header, if there and not in a later fragment.
    pub udp: Option<UdpSummary>,
    /// The ICMP header, if there and not in a later fragment.
    pub icmp: Option<IcmpSummary>,
    /// The payload, if it goes to or comes from TCP port 502 and is not empty.
    pub modbus: Option<ModbusSummary>,
}

/// The IPv4 header of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct IpSummary {
    /// Source address.
    pub src: Ipv4Addr,
    /// Destination address.
    pub dst: Ipv4Addr,
    /// Time to live, hops.
    pub ttl: u8,
    /// Protocol number.
    pub protocol: u8,
    /// Identification.
    pub identification: u16,
    /// Whether this is part of a fragmented packet.
    pub is_fragment: bool,
}

/// The TCP header of a frame.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TcpSummary {
    /// Source port.
    pub src_port: u16,
    /// Destination port.
    pub dst_port: u16,
    /// Sequence number.
    pub seq: u32,
    /// Acknowledgment number.
    pub ack: u32,
    /// Control bits.
    pub flags: tcp::Flags,
    /// Window, not scaled, bytes.
    pub window: u16,
    /// Where the payload lies in the frame; empty if there is none. Ethernet padding is outside.
    pub payload: Range<usize>,
}

/// The UDP header of a frame.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct UdpSummary {
    /// Source port.
    pub src_port: u16,
    /// Destination port.
    pub dst_port: u16,
    /// Where the payload lies in the frame.
    pub payload: Range<usize>,
}

/// The ICMP header of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct IcmpSummary {
    /// The message's type.
    pub message_type: u8,
    /// The code within the type.
    pub code: u8,
}

/// Which way Modbus goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Direction {
    /// To port 502.
    Request,
    /// From port 502.
    Response,
}

/// A TCP payload on the Modbus port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ModbusSummary {
    /// Request or response.
    pub direction: Direction,
    /// Number of complete ADUs.
    pub complete_adus: u16,
    /// Payload bytes behind the last complete ADU: part of another, or no Modbus.
    pub trailing_bytes: u16,
    /// The first ADU, complete or not; `None` if the payload does not start with a valid header.
    pub first: Option<AduSummary>,
}

/// One ADU, as far as it can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AduSummary {
    /// Transaction id.
    pub transaction: u16,
    /// Unit id.
    pub unit: u8,
    /// Function code without the exception flag, in a response.
    pub function: u8,
    /// The exception code of an exception response, as on the wire.
    pub exception: Option<u8>,
    /// What a request reads. Responses do not repeat it.
    pub read: Option<Span>,
    /// What a request writes, or a response says was written.
    pub write: Option<Span>,
    /// The first value written: a register as it is, a coil as 0 or 1. A coil value that function
    /// 5 does not allow is kept as it is. `None` for function 22, whose result depends on the
    /// device.
    pub value: Option<u16>,
    /// Whether all bytes counted by the header are in this payload.
    pub is_complete: bool,
}

impl FrameSummary {
    /// Classifies a frame; `None` if it ends within its Ethernet header.
    #[must_use]
    pub fn of(frame: &[u8]) -> Option<Self> {
        let packet = ethernet::Packet::new(frame);
        let mut summary = Self {
            frame_bytes: frame.len(),
            src_mac: packet.src()?,
            dst_mac: packet.dst()?,
            vlan: packet.vlan().map(|tag| tag.vlan),
            ethertype: packet.ethertype()?,
            arp: None,
            ip: None,
            tcp: None,
            udp: None,
            icmp: None,
            modbus: None,
        };
        let payload = packet.payload()?;
        match summary.ethertype {
            ethernet::ETHERTYPE_ARP => summary.arp = arp::Repr::parse(payload).ok(),
            ethernet::ETHERTYPE_IPV4 => summary.read_ip(frame, payload),
            _ => {}
        }
        Some(summary)
    }

    /// The Modbus ADUs in this frame's payload; none if it is not on the Modbus port.
    ///
    /// `frame` must be the frame that this is the summary of.
    pub fn modbus_adus<'a>(&self, frame: &'a [u8]) -> impl Iterator<Item = Adu<'a>> + use<'a> {
        let payload = match (&self.modbus, &self.tcp) {
            (Some(_), Some(tcp)) => frame.get(tcp.payload.clone()),
            _ => None,
        };
        adus_in(payload.map_or(&[], |bytes| bytes))
    }

    fn read_ip(&mut self, frame: &[u8], bytes: &[u8]) {
        let packet = ipv4::Packet::new(bytes);
        self.ip = read_ip_header(&packet);
        let Some((ip, payload)) = self.ip.zip(packet.payload()) else {
            return;
        };
        if packet.fragment_offset() != Some(0) {
            return; // Only the first fragment has the transport header.
        }
        // The payload is a suffix of the frame but for Ethernet padding behind it.
        let start = frame.len() - bytes.len() + packet.header_bytes().map_or(0, |header| header);
        let range = |body: &[u8]| start + payload.len() - body.len()..start + payload.len();
        match ip.protocol {
            ipv4::PROTOCOL_TCP => {
                self.tcp = read_tcp(&tcp::Packet::new(payload), range);
                self.modbus = self.tcp.as_ref().and_then(|tcp| read_modbus(frame, tcp));
            }
            ipv4::PROTOCOL_UDP => self.udp = read_udp(&udp::Packet::new(payload), start),
            ipv4::PROTOCOL_ICMP => {
                let message = icmp::Packet::new(payload);
                self.icmp = message
                    .message_type()
                    .zip(message.code())
                    .map(|(message_type, code)| IcmpSummary { message_type, code });
            }
            _ => {}
        }
    }
}

fn read_ip_header(packet: &ipv4::Packet<'_>) -> Option<IpSummary> {
    (packet.version()? == 4).then_some(())?;
    Some(IpSummary {
        src: packet.src()?,
        dst: packet.dst()?,
        ttl: packet.ttl()?,
        protocol: packet.protocol()?,
        identification: packet.identification()?,
        is_fragment: packet.is_fragment()?,
    })
}

fn read_tcp(
    segment: &tcp::Packet<'_>,
    range: impl Fn(&[u8]) -> Range<usize>,
) -> Option<TcpSummary> {
    Some(TcpSummary {
        src_port: segment.src_port()?,
        dst_port: segment.dst_port()?,
        seq: segment.seq()?,
        ack: segment.ack()?,
        flags: segment.flags()?,
        window: segment.window()?,
        payload: range(segment.payload()?),
    })
}

fn read_udp(datagram: &udp::Packet<'_>, start: usize) -> Option<UdpSummary> {
    let first = start + udp::HEADER_BYTES;
    Some(UdpSummary {
        src_port: datagram.src_port()?,
        dst_port: datagram.dst_port()?,
        payload: first..first + datagram.payload()?.len(),
    })
}

fn read_modbus(frame: &[u8], tcp: &TcpSummary) -> Option<ModbusSummary> {
    let direction = match (tcp.dst_port, tcp.src_port) {
        (modbus::PORT, _) => Direction::Request,
        (_, modbus::PORT) => Direction::Response,
        _ => return None,
    };
    let payload = frame
        .get(tcp.payload.clone())
        .filter(|bytes| !bytes.is_empty())?;
    let (mut complete_adus, mut complete_bytes) = (0, 0);
    for adu in adus_in(payload).filter(Adu::length_is_consistent) {
        complete_adus += 1;
        complete_bytes += adu.total_bytes();
    }
    Some(ModbusSummary {
        direction,
        complete_adus,
        trailing_bytes: crate::bytes::low_u16(payload.len() - complete_bytes),
        first: adus_in(payload)
            .next()
            .map(|adu| AduSummary::of(&adu, direction)),
    })
}

impl AduSummary {
    /// Reads an ADU, complete or not, valid or not.
    #[must_use]
    pub fn of(adu: &Adu<'_>, direction: Direction) -> Self {
        let mut summary = Self {
            transaction: adu.transaction(),
            unit: adu.unit(),
            function: adu.function(),
            exception: None,
            read: None,
            write: None,
            value: None,
            is_complete: adu.length_is_consistent(),
        };
        let data = adu.data();
        match direction {
            Direction::Request => summary.read_request(data),
            Direction::Response if adu.function() & function::EXCEPTION_FLAG != 0 => {
                summary.function &= !function::EXCEPTION_FLAG;
                summary.exception = data.first().copied();
            }
            Direction::Response => match summary.function {
                function::WRITE_SINGLE_COIL
                | function::WRITE_SINGLE_REGISTER
                | function::MASK_WRITE_REGISTER => summary.read_request(data),
                function::WRITE_MULTIPLE_COILS => summary.write = span(Table::Coils, data, 0),
                function::WRITE_MULTIPLE_REGISTERS => {
                    summary.write = span(Table::HoldingRegisters, data, 0);
                }
                _ => {}
            },
        }
        summary
    }

    fn read_request(&mut self, data: &[u8]) {
        let single = |table| {
            u16_at(data, 0).map(|address| Span {
                table,
                address,
                quantity: 1,
            })
        };
        match self.function {
            function::READ_COILS => self.read = span(Table::Coils, data, 0),
            function::READ_DISCRETE_INPUTS => self.read = span(Table::DiscreteInputs, data, 0),
            function::READ_HOLDING_REGISTERS => self.read = span(Table::HoldingRegisters, data, 0),
            function::READ_INPUT_REGISTERS => self.read = span(Table::InputRegisters, data, 0),
            function::WRITE_SINGLE_COIL => {
                self.write = single(Table::Coils);
                self.value = u16_at(data, 2).map(|raw| if raw == 0xFF00 { 1 } else { raw });
            }
            function::WRITE_SINGLE_REGISTER => {
                self.write = single(Table::HoldingRegisters);
                self.value = u16_at(data, 2);
            }
            function::WRITE_MULTIPLE_COILS => {
                self.write = span(Table::Coils, data, 0);
                self.value = data.get(5).map(|byte| u16::from(byte & 1));
            }
            function::WRITE_MULTIPLE_REGISTERS => {
                self.write = span(Table::HoldingRegisters, data, 0);
                self.value = u16_at(data, 5);
            }
            function::MASK_WRITE_REGISTER => self.write = single(Table::HoldingRegisters),
            function::READ_WRITE_MULTIPLE_REGISTERS => {
                self.read = span(Table::HoldingRegisters, data, 0);
                self.write = span(Table::HoldingRegisters, data, 4);
                self.value = u16_at(data, 9);
            }
            _ => {}
        }
    }
}

/// The span whose address and quantity lie at `offset`.
fn span(table: Table, data: &[u8], offset: usize) -> Option<Span> {
    let (address, quantity) = (u16_at(data, offset)?, u16_at(data, offset + 2)?);
    Some(Span {
        table,
        address,
        quantity,
    })
}
