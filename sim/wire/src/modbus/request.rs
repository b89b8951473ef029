//! Typed request PDUs: strict parse, and emit.

use super::PDU_MAX_BYTES;
use super::function;
use super::identity::Access;
use super::{Bits, ExceptionCode, FileReads, FileWrites, Registers, Span, Table, encode_adu, file};
use crate::bytes::{low_u8, low_u16, u8_at, u16_at};
use thiserror::Error;

/// Most bits one request may read (APS 6.1, 6.2).
pub const READ_BITS_MAX: u16 = 2000;
/// Most registers one request may read (APS 6.3, 6.4, 6.17).
pub const READ_REGISTERS_MAX: u16 = 125;
/// Most coils one request may write (APS 6.11).
pub const WRITE_BITS_MAX: u16 = 1968;
/// Most registers function 16 may write (APS 6.12).
pub const WRITE_REGISTERS_MAX: u16 = 123;
/// Most registers function 23 may write (APS 6.17).
pub const READ_WRITE_REGISTERS_MAX: u16 = 121;

/// Range of the length of a message of the engineering session, bytes.
pub const ENGINEERING_BYTES: std::ops::RangeInclusive<usize> = 2..=PDU_MAX_BYTES - 1;

/// A request PDU.
///
/// Addresses are zero-based PDU addresses. [`Request::parse`] yields only what the specification
/// allows; a value built by hand may break any limit, and [`Request::emit`] writes it as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(
    missing_docs,
    reason = "the fields are the specification's, described at the type"
)]
pub enum Request<'a> {
    /// Function 1: read 1 to 2000 coils.
    ReadCoils { address: u16, quantity: u16 },
    /// Function 2: read 1 to 2000 discrete inputs.
    ReadDiscreteInputs { address: u16, quantity: u16 },
    /// Function 3: read 1 to 125 holding registers.
    ReadHoldingRegisters { address: u16, quantity: u16 },
    /// Function 4: read 1 to 125 input registers.
    ReadInputRegisters { address: u16, quantity: u16 },
    /// Function 5: switch one coil.
    WriteSingleCoil { address: u16, on: bool },
    /// Function 6: write one holding register.
    WriteSingleRegister { address: u16, value: u16 },
    /// Function 15: write 1 to 1968 coils.
    WriteMultipleCoils { address: u16, bits: Bits<'a> },
    /// Function 16: write 1 to 123 holding registers.
    WriteMultipleRegisters { address: u16, values: Registers<'a> },
    /// Function 20: read records of files.
    ReadFileRecord(FileReads<'a>),
    /// Function 21: write records of files.
    WriteFileRecord(FileWrites<'a>),
    /// Function 22: `(current AND and_mask) OR (or_mask AND NOT and_mask)`.
    MaskWriteRegister {
        address: u16,
        and_mask: u16,
        or_mask: u16,
    },
    /// Function 23: write 1 to 121 holding registers, then read 1 to 125.
    ReadWriteMultipleRegisters {
        read_address: u16,
        read_quantity: u16,
        write_address: u16,
        values: Registers<'a>,
    },
    /// Function 43, MEI type 14: read device identification from `object` on.
    ReadDeviceIdentification { access: Access, object: u8 },
    /// Function 90: a message of the engineering session, 2 to 252 bytes.
    Engineering(&'a [u8]),
}

/// Why bytes are no valid request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum RequestError {
    /// The PDU has no byte at all.
    #[error("the PDU is empty")]
    Empty,
    /// A function code without a typed PDU, 0, or one from 128.
    #[error("function code {function} is not known")]
    UnknownFunction {
        /// The code as received.
        function: u8,
    },
    /// Function 43 with a MEI type other than 14.
    #[error("MEI type {mei_type} is not known")]
    UnknownMeiType {
        /// The type as received.
        mei_type: u8,
    },
    /// The PDU is shorter or longer than its function code and byte count say.
    #[error("the PDU has {actual_bytes} bytes; expected {expected_bytes}")]
    Length {
        /// What the function calls for, bytes.
        expected_bytes: usize,
        /// What there is, bytes.
        actual_bytes: usize,
    },
    /// A quantity of 0, or above the function's limit.
    #[error("quantity {quantity} is outside 1..={max}")]
    Quantity {
        /// The rejected quantity.
        quantity: u16,
        /// The function's limit.
        max: u16,
    },
    /// The byte count does not fit the quantity.
    #[error("byte count {byte_count} does not fit quantity {quantity}")]
    ByteCount {
        /// The byte count as received.
        byte_count: u8,
        /// The quantity it should fit.
        quantity: u16,
    },
    /// Function 5 with a value other than 0x0000 and 0xFF00.
    #[error("coil value {value:#06x} is neither 0x0000 nor 0xff00")]
    CoilValue {
        /// The rejected value.
        value: u16,
    },
    /// A Read Device ID code outside 1 to 4.
    #[error("Read Device ID code {code} is outside 1..=4")]
    ReadDeviceIdCode {
        /// The rejected code.
        code: u8,
    },
    /// Groups of function 20 or 21 that are none, cut short, too long, or for no record at all.
    #[error("the sub-requests are not whole or do not fit")]
    FileGroups,
    /// A sub-request of function 20 or 21 for something that cannot exist.
    #[error("reference type {reference_type}, file {file}, record {record} cannot exist")]
    FileReference {
        /// Reference type; 6 where valid.
        reference_type: u8,
        /// File number; from 1 where valid.
        file: u16,
        /// First record.
        record: u16,
    },
    /// Address plus quantity passes the end of the address space.
    #[error("{quantity} entries from address {address} pass address 65535")]
    AddressRange {
        /// First address.
        address: u16,
        /// Number of entries.
        quantity: u16,
    },
}

impl RequestError {
    /// The exception a conforming server answers with (APS 6 and 7).
    #[must_use]
    pub fn exception(&self) -> ExceptionCode {
        match self {
            Self::Empty | Self::UnknownFunction { .. } | Self::UnknownMeiType { .. } => {
                ExceptionCode::IllegalFunction
            }
            Self::AddressRange { .. } | Self::FileReference { .. } => {
                ExceptionCode::IllegalDataAddress
            }
            Self::Length { .. }
            | Self::Quantity { .. }
            | Self::ByteCount { .. }
            | Self::CoilValue { .. }
            | Self::FileGroups
            | Self::ReadDeviceIdCode { .. } => ExceptionCode::IllegalDataValue,
        }
    }
}

impl<'a> Request<'a> {
    /// Parses a PDU, checking in the specification's order: function, length and quantity, address.
    ///
    /// Bits beyond the quantity in the last byte of function 15 are ignored.
    ///
    /// # Errors
    ///
    /// The first rule broken; [`RequestError::exception`] is the conforming answer. Whether the
    /// addresses exist in a device is for its [`Bank`](super::Bank) to say.
    pub fn parse(pdu: &'a [u8]) -> Result<Self, RequestError> {
        let function = u8_at(pdu, 0).ok_or(RequestError::Empty)?;
        match function {
            function::READ_COILS
            | function::READ_DISCRETE_INPUTS
            | function::READ_HOLDING_REGISTERS
            | function::READ_INPUT_REGISTERS => parse_read(function, pdu),
            function::WRITE_SINGLE_COIL => {
                let [address, value] = words(pdu)?;
                match value {
                    0x0000 => Ok(Self::WriteSingleCoil { address, on: false }),
                    0xFF00 => Ok(Self::WriteSingleCoil { address, on: true }),
                    _ => Err(RequestError::CoilValue { value }),
                }
            }
            function::WRITE_SINGLE_REGISTER => {
                let [address, value] = words(pdu)?;
                Ok(Self::WriteSingleRegister { address, value })
            }
            function::WRITE_MULTIPLE_COILS => parse_write_coils(pdu),
            function::WRITE_MULTIPLE_REGISTERS => {
                let [address, quantity] = prefix_words(pdu, 6)?;
                let values = written_registers(pdu, 5, quantity, WRITE_REGISTERS_MAX)?;
                check_range(address, quantity)?;
                Ok(Self::WriteMultipleRegisters { address, values })
            }
            function::READ_FILE_RECORD => {
                FileReads::from_wire(file::counted(pdu, file::READ_BYTES)?)
                    .map(Self::ReadFileRecord)
            }
            function::WRITE_FILE_RECORD => {
                FileWrites::from_wire(file::counted(pdu, file::WRITE_BYTES)?)
                    .map(Self::WriteFileRecord)
            }
            function::MASK_WRITE_REGISTER => {
                let [address, and_mask, or_mask] = words(pdu)?;
                Ok(Self::MaskWriteRegister {
                    address,
                    and_mask,
                    or_mask,
                })
            }
            function::READ_WRITE_MULTIPLE_REGISTERS => parse_read_write(pdu),
            function::ENCAPSULATED_INTERFACE => parse_encapsulated(pdu),
            function::ENGINEERING_SESSION => match pdu.get(1..) {
                Some(payload) if ENGINEERING_BYTES.contains(&payload.len()) => {
                    Ok(Self::Engineering(payload))
                }
                _ => Err(RequestError::Length {
                    expected_bytes: 1 + *ENGINEERING_BYTES.start(),
                    actual_bytes: pdu.len(),
                }),
            },
            _ => Err(RequestError::UnknownFunction { function }),
        }
    }

    /// The function code.
    #[must_use]
    pub fn function(&self) -> u8 {
        match self {
            Self::ReadCoils { .. } => function::READ_COILS,
            Self::ReadDiscreteInputs { .. } => function::READ_DISCRETE_INPUTS,
            Self::ReadHoldingRegisters { .. } => function::READ_HOLDING_REGISTERS,
            Self::ReadInputRegisters { .. } => function::READ_INPUT_REGISTERS,
            Self::WriteSingleCoil { .. } => function::WRITE_SINGLE_COIL,
            Self::WriteSingleRegister { .. } => function::WRITE_SINGLE_REGISTER,
            Self::WriteMultipleCoils { .. } => function::WRITE_MULTIPLE_COILS,
            Self::WriteMultipleRegisters { .. } => function::WRITE_MULTIPLE_REGISTERS,
            Self::MaskWriteRegister { .. } => function::MASK_WRITE_REGISTER,
            Self::ReadWriteMultipleRegisters { .. } => function::READ_WRITE_MULTIPLE_REGISTERS,
            Self::ReadFileRecord(_) => function::READ_FILE_RECORD,
            Self::WriteFileRecord(_) => function::WRITE_FILE_RECORD,
            Self::ReadDeviceIdentification { .. } => function::ENCAPSULATED_INTERFACE,
            Self::Engineering(_) => function::ENGINEERING_SESSION,
        }
    }

    /// What the request reads from the tables, if it does.
    #[must_use]
    pub fn read_span(&self) -> Option<Span> {
        let (table, address, quantity) = match *self {
            Self::ReadCoils { address, quantity } => (Table::Coils, address, quantity),
            Self::ReadDiscreteInputs { address, quantity } => {
                (Table::DiscreteInputs, address, quantity)
            }
            Self::ReadHoldingRegisters { address, quantity } => {
                (Table::HoldingRegisters, address, quantity)
            }
            Self::ReadInputRegisters { address, quantity } => {
                (Table::InputRegisters, address, quantity)
            }
            Self::ReadWriteMultipleRegisters {
                read_address,
                read_quantity,
                ..
            } => (Table::HoldingRegisters, read_address, read_quantity),
            _ => return None,
        };
        Some(Span {
            table,
            address,
            quantity,
        })
    }

    /// What the request writes to the tables, if it does.
    #[must_use]
    pub fn write_span(&self) -> Option<Span> {
        let (table, address, quantity) = match *self {
            Self::WriteSingleCoil { address, .. } => (Table::Coils, address, 1),
            Self::WriteMultipleCoils { address, bits } => {
                (Table::Coils, address, low_u16(bits.len()))
            }
            Self::WriteSingleRegister { address, .. } | Self::MaskWriteRegister { address, .. } => {
                (Table::HoldingRegisters, address, 1)
            }
            Self::WriteMultipleRegisters { address, values } => {
                (Table::HoldingRegisters, address, low_u16(values.len()))
            }
            Self::ReadWriteMultipleRegisters {
                write_address,
                values,
                ..
            } => (
                Table::HoldingRegisters,
                write_address,
                low_u16(values.len()),
            ),
            _ => return None,
        };
        Some(Span {
            table,
            address,
            quantity,
        })
    }

    /// Appends the PDU.
    ///
    /// Total: fields beyond the specification's limits are written as they are, counts by their
    /// low bits.
    pub fn emit(&self, out: &mut Vec<u8>) {
        out.push(self.function());
        match *self {
            Self::ReadCoils { address, quantity }
            | Self::ReadDiscreteInputs { address, quantity }
            | Self::ReadHoldingRegisters { address, quantity }
            | Self::ReadInputRegisters { address, quantity } => put(&[address, quantity], out),
            Self::WriteSingleCoil { address, on } => {
                put(&[address, if on { 0xFF00 } else { 0x0000 }], out);
            }
            Self::WriteSingleRegister { address, value } => put(&[address, value], out),
            Self::WriteMultipleCoils { address, bits } => {
                put(&[address, low_u16(bits.len())], out);
                out.push(low_u8(bits.len().div_ceil(8)));
                bits.pack(out);
            }
            Self::WriteMultipleRegisters { address, values } => {
                put(&[address, low_u16(values.len())], out);
                out.push(low_u8(values.len() * 2));
                values.pack(out);
            }
            Self::MaskWriteRegister {
                address,
                and_mask,
                or_mask,
            } => {
                put(&[address, and_mask, or_mask], out);
            }
            Self::ReadWriteMultipleRegisters {
                read_address,
                read_quantity,
                write_address,
                values,
            } => {
                put(
                    &[
                        read_address,
                        read_quantity,
                        write_address,
                        low_u16(values.len()),
                    ],
                    out,
                );
                out.push(low_u8(values.len() * 2));
                values.pack(out);
            }
            Self::ReadDeviceIdentification { access, object } => {
                let mei_type = function::MEI_READ_DEVICE_IDENTIFICATION;
                out.extend_from_slice(&[mei_type, access.code(), object]);
            }
            Self::ReadFileRecord(reads) => file::put_counted(reads.as_bytes(), out),
            Self::WriteFileRecord(writes) => file::put_counted(writes.as_bytes(), out),
            Self::Engineering(payload) => out.extend_from_slice(payload),
        }
    }

    /// Appends the whole ADU.
    pub fn emit_adu(&self, transaction: u16, unit: u8, out: &mut Vec<u8>) {
        encode_adu(transaction, unit, out, |out| self.emit(out));
    }
}

fn put(fields: &[u16], out: &mut Vec<u8>) {
    for field in fields {
        out.extend_from_slice(&field.to_be_bytes());
    }
}

fn check_length(pdu: &[u8], expected_bytes: usize) -> Result<(), RequestError> {
    if pdu.len() == expected_bytes {
        Ok(())
    } else {
        Err(RequestError::Length {
            expected_bytes,
            actual_bytes: pdu.len(),
        })
    }
}

fn check_quantity(quantity: u16, max: u16) -> Result<(), RequestError> {
    if (1..=max).contains(&quantity) {
        Ok(())
    } else {
        Err(RequestError::Quantity { quantity, max })
    }
}

fn check_range(address: u16, quantity: u16) -> Result<(), RequestError> {
    if u32::from(address) + u32::from(quantity) <= 0x1_0000 {
        Ok(())
    } else {
        Err(RequestError::AddressRange { address, quantity })
    }
}

/// The `N` words after the function code of a PDU that holds exactly those.
fn words<const N: usize>(pdu: &[u8]) -> Result<[u16; N], RequestError> {
    check_length(pdu, 1 + 2 * N)?;
    prefix_words(pdu, 1 + 2 * N)
}

/// The `N` words after the function code of a PDU of at least `min_bytes`.
fn prefix_words<const N: usize>(pdu: &[u8], min_bytes: usize) -> Result<[u16; N], RequestError> {
    let too_short = RequestError::Length {
        expected_bytes: min_bytes,
        actual_bytes: pdu.len(),
    };
    if pdu.len() < min_bytes {
        return Err(too_short);
    }
    let mut fields = [0; N];
    for (index, field) in fields.iter_mut().enumerate() {
        *field = u16_at(pdu, 1 + 2 * index).ok_or(too_short)?;
    }
    Ok(fields)
}

fn parse_read<'a>(function: u8, pdu: &[u8]) -> Result<Request<'a>, RequestError> {
    let [address, quantity] = words(pdu)?;
    let is_bits = matches!(
        function,
        function::READ_COILS | function::READ_DISCRETE_INPUTS
    );
    check_quantity(
        quantity,
        if is_bits {
            READ_BITS_MAX
        } else {
            READ_REGISTERS_MAX
        },
    )?;
    check_range(address, quantity)?;
    Ok(match function {
        function::READ_COILS => Request::ReadCoils { address, quantity },
        function::READ_DISCRETE_INPUTS => Request::ReadDiscreteInputs { address, quantity },
        function::READ_HOLDING_REGISTERS => Request::ReadHoldingRegisters { address, quantity },
        _ => Request::ReadInputRegisters { address, quantity },
    })
}

fn parse_write_coils(pdu: &[u8]) -> Result<Request<'_>, RequestError> {
    let [address, quantity] = prefix_words(pdu, 6)?;
    check_quantity(quantity, WRITE_BITS_MAX)?;
    let packed_bytes = usize::from(quantity).div_ceil(8);
    let packed = counted_bytes(pdu, 5, quantity, packed_bytes)?;
    let bits = Bits::from_packed(packed, usize::from(quantity))
        .expect("the byte count was checked against the quantity");
    check_range(address, quantity)?;
    Ok(Request::WriteMultipleCoils { address, bits })
}

fn parse_read_write(pdu: &[u8]) -> Result<Request<'_>, RequestError> {
    let [read_address, read_quantity, write_address, write_quantity] = prefix_words(pdu, 10)?;
    check_quantity(read_quantity, READ_REGISTERS_MAX)?;
    let values = written_registers(pdu, 9, write_quantity, READ_WRITE_REGISTERS_MAX)?;
    check_range(read_address, read_quantity)?;
    check_range(write_address, write_quantity)?;
    Ok(Request::ReadWriteMultipleRegisters {
        read_address,
        read_quantity,
        write_address,
        values,
    })
}

fn parse_encapsulated<'a>(pdu: &[u8]) -> Result<Request<'a>, RequestError> {
    let too_short = RequestError::Length {
        expected_bytes: 4,
        actual_bytes: pdu.len(),
    };
    let mei_type = u8_at(pdu, 1).ok_or(too_short)?;
    if mei_type != function::MEI_READ_DEVICE_IDENTIFICATION {
        return Err(RequestError::UnknownMeiType { mei_type });
    }
    check_length(pdu, 4)?;
    let (code, object) = (pdu[2], pdu[3]);
    let access = Access::from_code(code).ok_or(RequestError::ReadDeviceIdCode { code })?;
    Ok(Request::ReadDeviceIdentification { access, object })
}

/// The registers after the byte count at `count_offset`, checked against the quantity.
fn written_registers(
    pdu: &[u8],
    count_offset: usize,
    quantity: u16,
    max: u16,
) -> Result<Registers<'_>, RequestError> {
    check_quantity(quantity, max)?;
    let bytes = counted_bytes(pdu, count_offset, quantity, 2 * usize::from(quantity))?;
    Ok(Registers::from_wire(bytes).expect("two bytes for each register"))
}

/// The bytes after the byte count at `count_offset`, which must number `expected_bytes`.
fn counted_bytes(
    pdu: &[u8],
    count_offset: usize,
    quantity: u16,
    expected_bytes: usize,
) -> Result<&[u8], RequestError> {
    let total_bytes = count_offset + 1 + expected_bytes;
    let too_short = RequestError::Length {
        expected_bytes: total_bytes,
        actual_bytes: pdu.len(),
    };
    let byte_count = u8_at(pdu, count_offset).ok_or(too_short)?;
    if usize::from(byte_count) != expected_bytes {
        return Err(RequestError::ByteCount {
            byte_count,
            quantity,
        });
    }
    check_length(pdu, total_bytes)?;
    Ok(&pdu[count_offset + 1..])
}
