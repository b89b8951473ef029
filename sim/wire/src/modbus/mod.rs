//! Modbus TCP: the MBAP framing and the application protocol's PDUs, for clients and servers.
//!
//! | module | holds |
//! | --- | --- |
//! | [`adu`] | the MBAP header, the lenient [`Adu`] view, raw emission of well- and malformed frames |
//! | [`framer`] | a byte stream cut into ADUs |
//! | [`function`], [`exception`] | their codes |
//! | [`table`] | the four tables, and borrowed runs of bits and registers |
//! | [`request`], [`response`] | typed PDUs, strict parse and emit |
//! | [`mod@file`] | file records behind functions 20 and 21 |
//! | [`engineering`] | the vendor session behind function 90: programs, modes, forces, firmware |
//! | [`identity`] | the objects behind Read Device Identification (43/14) |
//! | [`server`] | the answer of a conforming device to a request, as a pure function |
//! | [`client`] | transaction ids, matching of responses to requests |
//!
//! Addresses are *PDU addresses*: zero-based, so "holding register 40001" is address 0. Quantities
//! count bits for coils and discrete inputs, 16-bit words for registers.
//!
//! # Source
//!
//! "APS": *MODBUS Application Protocol Specification V1.1b3* (Modbus Organization, 2012).
//! "MSG": *MODBUS Messaging on TCP/IP Implementation Guide V1.0b* (Modbus Organization, 2006).

pub mod adu;
pub mod client;
pub mod engineering;
pub mod exception;
pub mod file;
pub mod framer;
pub mod function;
pub mod identity;
pub mod request;
pub mod response;
pub mod server;
pub mod table;

pub use adu::{Adu, Mbap, encode_adu, encode_raw};
pub use client::Client;
pub use exception::ExceptionCode;
pub use file::{FileReads, FileRecords, FileSpan, FileWrites};
pub use framer::{Framed, Framer};
pub use function::FunctionSet;
pub use identity::DeviceIdentity;
pub use request::{Request, RequestError};
pub use response::{Response, ResponseError};
pub use server::{Bank, DeviceProfile, MemoryBank, Served, UnitPolicy, serve};
pub use table::{Bits, Registers, Span, Table};

/// The TCP port of Modbus servers registered with IANA.
pub const PORT: u16 = 502;

/// Longest PDU, bytes: 256 of an RS-485 ADU less server address and CRC (APS 4.1).
pub const PDU_MAX_BYTES: usize = 253;

/// Length of the MBAP header, bytes (MSG 3.1.3).
pub const MBAP_BYTES: usize = 7;

/// Longest Modbus TCP ADU, bytes: MBAP header and PDU.
pub const ADU_MAX_BYTES: usize = MBAP_BYTES + PDU_MAX_BYTES;
