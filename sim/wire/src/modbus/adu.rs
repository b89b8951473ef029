//! The MBAP header and the application data unit it delimits (MSG 3.1).

use super::{MBAP_BYTES, Response, ResponseError};
use crate::bytes::{low_u16, u8_at, u16_at};
use crate::modbus::{Request, RequestError};

/// The MBAP header as written on the wire, every field free to be wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Mbap {
    /// Pairs a response with its request; the server copies it.
    pub transaction: u16,
    /// 0 for Modbus.
    pub protocol: u16,
    /// Number of bytes that follow this field: unit id and PDU, 2 to 254 where valid.
    pub length: u16,
    /// The unit id: which device behind the address; 255 or 0 for the device itself (MSG 4.4.2).
    pub unit: u8,
}

/// A lenient view of one ADU: header fields, raw function code and data.
///
/// **Invariant:** the PDU has at least one byte, the function code. Nothing else about it is
/// known to be valid, not even that the header's length field fits it: see
/// [`Adu::length_is_consistent`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Adu<'a> {
    header: Mbap,
    pdu: &'a [u8],
}

impl<'a> Adu<'a> {
    /// Views the start of `bytes` as an ADU.
    ///
    /// The PDU ends where the length field says or where the bytes end, whichever is first; a
    /// length of 0 or 1 still yields the function code's byte. `None` only if there are fewer than
    /// 8 bytes.
    #[must_use]
    pub fn view(bytes: &'a [u8]) -> Option<Self> {
        let header = Mbap {
            transaction: u16_at(bytes, 0)?,
            protocol: u16_at(bytes, 2)?,
            length: u16_at(bytes, 4)?,
            unit: u8_at(bytes, 6)?,
        };
        let following = bytes.get(MBAP_BYTES..).filter(|rest| !rest.is_empty())?;
        let claimed = usize::from(header.length.saturating_sub(1)).max(1);
        let pdu = following.get(..claimed).map_or(following, |exact| exact);
        Some(Self { header, pdu })
    }

    /// An ADU around a PDU, with protocol id 0 and the right length; `None` if `pdu` is empty.
    #[must_use]
    pub fn new(transaction: u16, unit: u8, pdu: &'a [u8]) -> Option<Self> {
        let header = Mbap {
            transaction,
            protocol: 0,
            length: low_u16(pdu.len() + 1),
            unit,
        };
        (!pdu.is_empty()).then_some(Self { header, pdu })
    }

    /// The header as received.
    #[must_use]
    pub fn header(&self) -> Mbap {
        self.header
    }

    /// The transaction id.
    #[must_use]
    pub fn transaction(&self) -> u16 {
        self.header.transaction
    }

    /// The protocol id; 0 for Modbus.
    #[must_use]
    pub fn protocol(&self) -> u16 {
        self.header.protocol
    }

    /// The unit id.
    #[must_use]
    pub fn unit(&self) -> u8 {
        self.header.unit
    }

    /// The function code as received, with the exception flag if set.
    #[must_use]
    pub fn function(&self) -> u8 {
        self.pdu[0]
    }

    /// The PDU: function code and data, at least one byte.
    #[must_use]
    pub fn pdu(&self) -> &'a [u8] {
        self.pdu
    }

    /// What follows the function code; may be empty.
    #[must_use]
    pub fn data(&self) -> &'a [u8] {
        &self.pdu[1..]
    }

    /// Whether the header's length field counts exactly the unit id and the PDU seen here.
    #[must_use]
    pub fn length_is_consistent(&self) -> bool {
        usize::from(self.header.length) == self.pdu.len() + 1
    }

    /// Number of bytes this ADU took in [`Adu::view`]'s input.
    #[must_use]
    pub fn total_bytes(&self) -> usize {
        MBAP_BYTES + self.pdu.len()
    }

    /// The PDU as a typed request.
    ///
    /// # Errors
    ///
    /// See [`Request::parse`].
    pub fn request(&self) -> Result<Request<'a>, RequestError> {
        Request::parse(self.pdu)
    }

    /// The PDU as a typed response.
    ///
    /// # Errors
    ///
    /// See [`Response::parse`].
    pub fn response(&self) -> Result<Response<'a>, ResponseError> {
        Response::parse(self.pdu)
    }

    /// Appends the ADU as viewed: header fields unchanged, so a wrong length stays wrong.
    pub fn emit(&self, out: &mut Vec<u8>) {
        encode_raw(&self.header, self.pdu, out);
    }
}

/// Appends a header and bytes exactly as given: the way to write a malformed frame on purpose.
pub fn encode_raw(header: &Mbap, pdu: &[u8], out: &mut Vec<u8>) {
    put_header(header, out);
    out.extend_from_slice(pdu);
}

/// Appends an ADU with protocol id 0 whose PDU is whatever `put_pdu` appends.
///
/// The length field is set afterwards and keeps the low 16 bits of a PDU too long for it.
pub fn encode_adu(
    transaction: u16,
    unit: u8,
    out: &mut Vec<u8>,
    put_pdu: impl FnOnce(&mut Vec<u8>),
) {
    let start = out.len();
    put_header(
        &Mbap {
            transaction,
            protocol: 0,
            length: 0,
            unit,
        },
        out,
    );
    put_pdu(out);
    let length_field = start + 4..start + 6;
    let length = low_u16(out.len() - length_field.end);
    out[length_field].copy_from_slice(&length.to_be_bytes());
}

fn put_header(header: &Mbap, out: &mut Vec<u8>) {
    out.extend_from_slice(&header.transaction.to_be_bytes());
    out.extend_from_slice(&header.protocol.to_be_bytes());
    out.extend_from_slice(&header.length.to_be_bytes());
    out.push(header.unit);
}
