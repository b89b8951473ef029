//! Typed response PDUs: strict parse, and emit.

use super::function;
use super::identity::{Access, Objects};
use super::request::ENGINEERING_BYTES;
use super::request::{READ_BITS_MAX, READ_REGISTERS_MAX, WRITE_BITS_MAX, WRITE_REGISTERS_MAX};
use super::{
    Bits, ExceptionCode, FileRecords, FileWrites, Registers, Request, RequestError, encode_adu,
    file,
};
use crate::bytes::{low_u8, low_u16, u8_at, u16_at};
use thiserror::Error;

/// A response PDU.
///
/// A response to function 1 or 2 does not say how many bits were asked for: parsed alone, its
/// [`Bits`] count all bits of the bytes. [`Expectation::parse`] knows the request and cuts them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(
    missing_docs,
    reason = "the fields are the specification's, described at the type"
)]
pub enum Response<'a> {
    /// Function 1.
    ReadCoils(Bits<'a>),
    /// Function 2.
    ReadDiscreteInputs(Bits<'a>),
    /// Function 3.
    ReadHoldingRegisters(Registers<'a>),
    /// Function 4.
    ReadInputRegisters(Registers<'a>),
    /// Function 5, an echo of the request.
    WriteSingleCoil { address: u16, on: bool },
    /// Function 6, an echo of the request.
    WriteSingleRegister { address: u16, value: u16 },
    /// Function 15.
    WriteMultipleCoils { address: u16, quantity: u16 },
    /// Function 16.
    WriteMultipleRegisters { address: u16, quantity: u16 },
    /// Function 20: the records, one group for each sub-request.
    ReadFileRecord(FileRecords<'a>),
    /// Function 21, an echo of the request.
    WriteFileRecord(FileWrites<'a>),
    /// Function 22, an echo of the request.
    MaskWriteRegister {
        address: u16,
        and_mask: u16,
        or_mask: u16,
    },
    /// Function 23: the registers read after the write.
    ReadWriteMultipleRegisters(Registers<'a>),
    /// Function 43, MEI type 14.
    ReadDeviceIdentification {
        access: Access,
        /// 0x01 to 0x03 or 0x81 to 0x83.
        conformity_level: u8,
        /// The object to ask for next, if more follow.
        next_object: Option<u8>,
        objects: Objects<'a>,
    },
    /// Function 90: an answer of the engineering session.
    Engineering(&'a [u8]),
    /// A refusal of a request with this function code (0 to 127).
    Exception { function: u8, code: ExceptionCode },
}

/// Why bytes are no valid response, or not the response to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ResponseError {
    /// The PDU has no byte at all.
    #[error("the PDU is empty")]
    Empty,
    /// A function code without a typed PDU.
    #[error("function code {function} is not known")]
    UnknownFunction {
        /// The code as received.
        function: u8,
    },
    /// An exception code that the specification does not assign.
    #[error("exception code {code} is not known")]
    UnknownException {
        /// The code as received.
        code: u8,
    },
    /// The PDU is shorter or longer than its function code and byte count say.
    #[error("the PDU has {actual_bytes} bytes; expected {expected_bytes}")]
    Length {
        /// What the function calls for, bytes.
        expected_bytes: usize,
        /// What there is, bytes.
        actual_bytes: usize,
    },
    /// A byte count, quantity or other field out of its range.
    #[error("the {field} is out of range")]
    Value {
        /// The field's name in the specification.
        field: &'static str,
    },
    /// Valid, but not the answer to the request: another function, length or echo.
    #[error("the {field} does not match the request")]
    Mismatch {
        /// What differs.
        field: &'static str,
    },
}

impl<'a> Response<'a> {
    /// Parses a PDU without knowledge of the request.
    ///
    /// # Errors
    ///
    /// The first rule broken.
    pub fn parse(pdu: &'a [u8]) -> Result<Self, ResponseError> {
        let function = u8_at(pdu, 0).ok_or(ResponseError::Empty)?;
        Ok(match function {
            function::READ_COILS => Self::ReadCoils(read_bits(pdu)?),
            function::READ_DISCRETE_INPUTS => Self::ReadDiscreteInputs(read_bits(pdu)?),
            function::READ_HOLDING_REGISTERS => Self::ReadHoldingRegisters(read_registers(pdu)?),
            function::READ_INPUT_REGISTERS => Self::ReadInputRegisters(read_registers(pdu)?),
            function::READ_WRITE_MULTIPLE_REGISTERS => {
                Self::ReadWriteMultipleRegisters(read_registers(pdu)?)
            }
            function::WRITE_SINGLE_COIL => {
                let [address, value] = words(pdu)?;
                match value {
                    0x0000 => Self::WriteSingleCoil { address, on: false },
                    0xFF00 => Self::WriteSingleCoil { address, on: true },
                    _ => {
                        return Err(ResponseError::Value {
                            field: "output value",
                        });
                    }
                }
            }
            function::WRITE_SINGLE_REGISTER => {
                let [address, value] = words(pdu)?;
                Self::WriteSingleRegister { address, value }
            }
            function::WRITE_MULTIPLE_COILS => {
                let (address, quantity) = written(pdu, WRITE_BITS_MAX)?;
                Self::WriteMultipleCoils { address, quantity }
            }
            function::WRITE_MULTIPLE_REGISTERS => {
                let (address, quantity) = written(pdu, WRITE_REGISTERS_MAX)?;
                Self::WriteMultipleRegisters { address, quantity }
            }
            function::MASK_WRITE_REGISTER => {
                let [address, and_mask, or_mask] = words(pdu)?;
                Self::MaskWriteRegister {
                    address,
                    and_mask,
                    or_mask,
                }
            }
            function::READ_FILE_RECORD => {
                let bytes = file::counted(pdu, file::RECORDS_BYTES).map_err(of_file)?;
                let records = FileRecords::from_wire(bytes);
                Self::ReadFileRecord(records.ok_or(ResponseError::Value {
                    field: "list of records",
                })?)
            }
            function::WRITE_FILE_RECORD => {
                let bytes = file::counted(pdu, file::WRITE_BYTES).map_err(of_file)?;
                Self::WriteFileRecord(FileWrites::from_wire(bytes).map_err(of_file)?)
            }
            function::ENCAPSULATED_INTERFACE => identification(pdu)?,
            function::ENGINEERING_SESSION => {
                let payload = &pdu[1..];
                if !ENGINEERING_BYTES.contains(&payload.len()) {
                    return Err(ResponseError::Length {
                        expected_bytes: 1 + *ENGINEERING_BYTES.start(),
                        actual_bytes: pdu.len(),
                    });
                }
                Self::Engineering(payload)
            }
            function::EXCEPTION_FLAG.. => {
                check_length(pdu, 2)?;
                let code = pdu[1];
                Self::Exception {
                    function: function & !function::EXCEPTION_FLAG,
                    code: ExceptionCode::from_code(code)
                        .ok_or(ResponseError::UnknownException { code })?,
                }
            }
            _ => return Err(ResponseError::UnknownFunction { function }),
        })
    }

    /// The function code as on the wire, with the exception flag for an exception.
    #[must_use]
    pub fn function(&self) -> u8 {
        match *self {
            Self::ReadCoils(_) => function::READ_COILS,
            Self::ReadDiscreteInputs(_) => function::READ_DISCRETE_INPUTS,
            Self::ReadHoldingRegisters(_) => function::READ_HOLDING_REGISTERS,
            Self::ReadInputRegisters(_) => function::READ_INPUT_REGISTERS,
            Self::WriteSingleCoil { .. } => function::WRITE_SINGLE_COIL,
            Self::WriteSingleRegister { .. } => function::WRITE_SINGLE_REGISTER,
            Self::WriteMultipleCoils { .. } => function::WRITE_MULTIPLE_COILS,
            Self::WriteMultipleRegisters { .. } => function::WRITE_MULTIPLE_REGISTERS,
            Self::MaskWriteRegister { .. } => function::MASK_WRITE_REGISTER,
            Self::ReadWriteMultipleRegisters(_) => function::READ_WRITE_MULTIPLE_REGISTERS,
            Self::ReadFileRecord(_) => function::READ_FILE_RECORD,
            Self::WriteFileRecord(_) => function::WRITE_FILE_RECORD,
            Self::ReadDeviceIdentification { .. } => function::ENCAPSULATED_INTERFACE,
            Self::Engineering(_) => function::ENGINEERING_SESSION,
            Self::Exception { function, .. } => function | function::EXCEPTION_FLAG,
        }
    }

    /// The registers of a response to function 3, 4 or 23.
    #[must_use]
    pub fn registers(&self) -> Option<Registers<'a>> {
        match *self {
            Self::ReadHoldingRegisters(registers)
            | Self::ReadInputRegisters(registers)
            | Self::ReadWriteMultipleRegisters(registers) => Some(registers),
            _ => None,
        }
    }

    /// The bits of a response to function 1 or 2.
    #[must_use]
    pub fn bits(&self) -> Option<Bits<'a>> {
        match *self {
            Self::ReadCoils(bits) | Self::ReadDiscreteInputs(bits) => Some(bits),
            _ => None,
        }
    }

    /// Appends the PDU. Total, like [`Request::emit`].
    pub fn emit(&self, out: &mut Vec<u8>) {
        out.push(self.function());
        match *self {
            Self::ReadCoils(bits) | Self::ReadDiscreteInputs(bits) => {
                out.push(low_u8(bits.len().div_ceil(8)));
                bits.pack(out);
            }
            Self::ReadHoldingRegisters(registers)
            | Self::ReadInputRegisters(registers)
            | Self::ReadWriteMultipleRegisters(registers) => {
                out.push(low_u8(registers.len() * 2));
                registers.pack(out);
            }
            Self::WriteSingleCoil { address, on } => {
                put(&[address, if on { 0xFF00 } else { 0x0000 }], out);
            }
            Self::WriteSingleRegister { address, value } => put(&[address, value], out),
            Self::WriteMultipleCoils { address, quantity }
            | Self::WriteMultipleRegisters { address, quantity } => put(&[address, quantity], out),
            Self::MaskWriteRegister {
                address,
                and_mask,
                or_mask,
            } => {
                put(&[address, and_mask, or_mask], out);
            }
            Self::ReadDeviceIdentification {
                access,
                conformity_level,
                next_object,
                objects,
            } => {
                let more_follows = if next_object.is_some() { 0xFF } else { 0x00 };
                out.extend_from_slice(&[
                    function::MEI_READ_DEVICE_IDENTIFICATION,
                    access.code(),
                    conformity_level,
                    more_follows,
                    next_object.map_or(0, |object| object),
                    objects.count(),
                ]);
                out.extend_from_slice(objects.as_bytes());
            }
            Self::ReadFileRecord(records) => file::put_counted(records.as_bytes(), out),
            Self::WriteFileRecord(writes) => file::put_counted(writes.as_bytes(), out),
            Self::Engineering(payload) => out.extend_from_slice(payload),
            Self::Exception { code, .. } => out.push(code.code()),
        }
    }

    /// Appends the whole ADU.
    pub fn emit_adu(&self, transaction: u16, unit: u8, out: &mut Vec<u8>) {
        encode_adu(transaction, unit, out, |out| self.emit(out));
    }
}

/// What a client must remember of a request to check its response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expectation {
    function: u8,
    /// Start address or echoed address; number of groups of file records.
    address: u16,
    /// Quantity, length, or the echoed value or AND mask.
    second: u16,
    /// The echoed OR mask, the Read Device ID code, or the operation of an engineering session.
    third: u16,
}

impl Expectation {
    /// What to expect in answer to this request.
    #[must_use]
    pub fn of(request: &Request<'_>) -> Self {
        let (address, second, third) = match *request {
            Request::ReadCoils { address, quantity }
            | Request::ReadDiscreteInputs { address, quantity }
            | Request::ReadHoldingRegisters { address, quantity }
            | Request::ReadInputRegisters { address, quantity } => (address, quantity, 0),
            Request::WriteSingleCoil { address, on } => (address, u16::from(on), 0),
            Request::WriteSingleRegister { address, value } => (address, value, 0),
            Request::WriteMultipleCoils { address, bits } => (address, low_u16(bits.len()), 0),
            Request::WriteMultipleRegisters { address, values } => {
                (address, low_u16(values.len()), 0)
            }
            Request::MaskWriteRegister {
                address,
                and_mask,
                or_mask,
            } => (address, and_mask, or_mask),
            Request::ReadWriteMultipleRegisters {
                read_address,
                read_quantity,
                ..
            } => (read_address, read_quantity, 0),
            Request::ReadFileRecord(reads) => {
                let groups = reads.iter().count();
                (low_u16(groups), low_u16(reads.response_bytes()), 0)
            }
            Request::WriteFileRecord(writes) => {
                let (high, low) = fingerprint(writes.as_bytes());
                (high, low, 0)
            }
            Request::Engineering(payload) => (0, 0, u8_at(payload, 1).map_or(0, u16::from)),
            Request::ReadDeviceIdentification { access, object } => {
                (u16::from(object), 0, u16::from(access.code()))
            }
        };
        Self {
            function: request.function(),
            address,
            second,
            third,
        }
    }

    /// The request's function code.
    #[must_use]
    pub fn function(&self) -> u8 {
        self.function
    }

    /// Parses a PDU as the response to the request.
    ///
    /// # Errors
    ///
    /// [`ResponseError::Mismatch`] if it is a valid response to some other request, else as
    /// [`Response::parse`].
    pub fn parse<'a>(&self, pdu: &'a [u8]) -> Result<Response<'a>, ResponseError> {
        let mismatch = |field| Err(ResponseError::Mismatch { field });
        let response = Response::parse(pdu)?;
        if response.function() & !function::EXCEPTION_FLAG != self.function {
            return mismatch("function code");
        }
        match response {
            Response::ReadCoils(bits) => Ok(Response::ReadCoils(self.cut(pdu, bits)?)),
            Response::ReadDiscreteInputs(bits) => {
                Ok(Response::ReadDiscreteInputs(self.cut(pdu, bits)?))
            }
            Response::ReadHoldingRegisters(registers)
            | Response::ReadInputRegisters(registers)
            | Response::ReadWriteMultipleRegisters(registers)
                if registers.len() != usize::from(self.second) =>
            {
                mismatch("byte count")
            }
            Response::WriteSingleCoil { address, on }
                if (address, u16::from(on)) != (self.address, self.second) =>
            {
                mismatch("echo")
            }
            Response::WriteSingleRegister {
                address,
                value: second,
            }
            | Response::WriteMultipleCoils {
                address,
                quantity: second,
            }
            | Response::WriteMultipleRegisters {
                address,
                quantity: second,
            } if (address, second) != (self.address, self.second) => mismatch("echo"),
            Response::MaskWriteRegister {
                address,
                and_mask,
                or_mask,
            } if (address, and_mask, or_mask) != (self.address, self.second, self.third) => {
                mismatch("echo")
            }
            Response::ReadDeviceIdentification { access, .. }
                if u16::from(access.code()) != self.third =>
            {
                mismatch("Read Device ID code")
            }
            Response::ReadFileRecord(records)
                if records.as_bytes().len() != usize::from(self.second)
                    || records.iter().count() != usize::from(self.address) =>
            {
                mismatch("list of records")
            }
            Response::WriteFileRecord(writes)
                if fingerprint(writes.as_bytes()) != (self.address, self.second) =>
            {
                mismatch("echo")
            }
            Response::Engineering(payload)
                if u8_at(payload, 1).map(u16::from) != Some(self.third) =>
            {
                mismatch("operation")
            }
            _ => Ok(response),
        }
    }

    /// The bits asked for, out of the whole bytes of the response.
    fn cut<'a>(&self, pdu: &'a [u8], bits: Bits<'a>) -> Result<Bits<'a>, ResponseError> {
        let asked = usize::from(self.second);
        if bits.len() != asked.div_ceil(8) * 8 {
            return Err(ResponseError::Mismatch {
                field: "byte count",
            });
        }
        Ok(Bits::from_packed(&pdu[2..], asked).expect("the byte count was just checked"))
    }
}

/// What is wrong with the groups of a response, which are checked as those of a request.
fn of_file(error: RequestError) -> ResponseError {
    match error {
        RequestError::Length {
            expected_bytes,
            actual_bytes,
        } => ResponseError::Length {
            expected_bytes,
            actual_bytes,
        },
        _ => ResponseError::Value {
            field: "list of records",
        },
    }
}

/// A fingerprint of an echoed list of records, in two words (FNV-1a).
fn fingerprint(bytes: &[u8]) -> (u16, u16) {
    let mut hash = 0x811C_9DC5_u32;
    for &byte in bytes {
        hash = (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193);
    }
    let [a, b, c, d] = hash.to_be_bytes();
    (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]))
}

fn put(fields: &[u16], out: &mut Vec<u8>) {
    for field in fields {
        out.extend_from_slice(&field.to_be_bytes());
    }
}

fn check_length(pdu: &[u8], expected_bytes: usize) -> Result<(), ResponseError> {
    if pdu.len() == expected_bytes {
        Ok(())
    } else {
        Err(ResponseError::Length {
            expected_bytes,
            actual_bytes: pdu.len(),
        })
    }
}

/// The `N` words after the function code of a PDU that holds exactly those.
fn words<const N: usize>(pdu: &[u8]) -> Result<[u16; N], ResponseError> {
    let expected_bytes = 1 + 2 * N;
    check_length(pdu, expected_bytes)?;
    let mut fields = [0; N];
    for (index, field) in fields.iter_mut().enumerate() {
        *field = u16_at(pdu, 1 + 2 * index).ok_or(ResponseError::Length {
            expected_bytes,
            actual_bytes: pdu.len(),
        })?;
    }
    Ok(fields)
}

/// Address and quantity of a response to a multiple write.
fn written(pdu: &[u8], max: u16) -> Result<(u16, u16), ResponseError> {
    let [address, quantity] = words(pdu)?;
    if !(1..=max).contains(&quantity) {
        return Err(ResponseError::Value { field: "quantity" });
    }
    Ok((address, quantity))
}

/// The bytes behind the byte count, which must fill the PDU.
fn counted_bytes(pdu: &[u8], max_bytes: usize) -> Result<&[u8], ResponseError> {
    let count = u8_at(pdu, 1).ok_or(ResponseError::Length {
        expected_bytes: 2,
        actual_bytes: pdu.len(),
    })?;
    let count = usize::from(count);
    if !(1..=max_bytes).contains(&count) {
        return Err(ResponseError::Value {
            field: "byte count",
        });
    }
    check_length(pdu, 2 + count)?;
    Ok(&pdu[2..])
}

fn read_bits(pdu: &[u8]) -> Result<Bits<'_>, ResponseError> {
    let bytes = counted_bytes(pdu, usize::from(READ_BITS_MAX).div_ceil(8))?;
    Ok(Bits::from_packed(bytes, bytes.len() * 8).expect("eight bits to the byte"))
}

fn read_registers(pdu: &[u8]) -> Result<Registers<'_>, ResponseError> {
    let bytes = counted_bytes(pdu, 2 * usize::from(READ_REGISTERS_MAX))?;
    Registers::from_wire(bytes).ok_or(ResponseError::Value {
        field: "byte count",
    })
}

fn identification(pdu: &[u8]) -> Result<Response<'_>, ResponseError> {
    let Some((&[_, mei_type, code, conformity_level, more, next, count], objects)) =
        pdu.split_first_chunk::<7>()
    else {
        return Err(ResponseError::Length {
            expected_bytes: 7,
            actual_bytes: pdu.len(),
        });
    };
    let bad = |field| ResponseError::Value { field };
    if mei_type != function::MEI_READ_DEVICE_IDENTIFICATION {
        return Err(bad("MEI type"));
    }
    let access = Access::from_code(code).ok_or(bad("Read Device ID code"))?;
    if !matches!(conformity_level, 0x01..=0x03 | 0x81..=0x83) {
        return Err(bad("conformity level"));
    }
    let next_object = match (more, next) {
        (0x00, 0x00) => None,
        (0xFF, next) => Some(next),
        (0x00, _) => return Err(bad("next object id")),
        _ => return Err(bad("more follows")),
    };
    let objects = Objects::from_wire(count, objects).ok_or(bad("list of objects"))?;
    Ok(Response::ReadDeviceIdentification {
        access,
        conformity_level,
        next_object,
        objects,
    })
}
