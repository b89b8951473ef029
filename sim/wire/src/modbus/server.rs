//! The answer of a conforming device to one request, as a pure function.
//!
//! [`serve`] walks the state diagrams of APS 6 in their order: is the function supported (01), are
//! quantity, byte count, length and value allowed (03), do the addresses exist (02), did the
//! action succeed (04, 05, 06, 08). The last two are the [`Bank`]'s to say.
//!
//! **Invariant:** a request that is refused before it is executed has changed nothing; one that is
//! answered has been executed whole. Only function 21 can fail on the way: what its sub-requests
//! before the refused one have written stands.
//!
//! **Invariant:** what is appended to `out` is nothing or exactly one ADU of at most 260 bytes,
//! with the request's transaction id and unit id.

use std::collections::BTreeMap;

use super::table::pack_bits;
use super::{
    Adu, DeviceIdentity, ExceptionCode, FileReads, FileSpan, FileWrites, FunctionSet, Registers,
    Request, RequestError, Span, Table,
};
use super::{PDU_MAX_BYTES, encode_adu, file, function};
use crate::bytes::low_u8;

/// What a request wants with a span of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Operation {
    /// Read the span.
    Read,
    /// Write the span; only coils and holding registers.
    Write,
}

/// A device's four tables.
///
/// Permission and access are separate, so that a request is checked whole before it changes
/// anything: `serve` calls the accessors only for entries of spans that [`Bank::check`] allowed.
pub trait Bank {
    /// Whether the device performs the operation on this span now.
    ///
    /// The span has at least one entry and ends at or before address 65535.
    ///
    /// # Errors
    ///
    /// The exception to answer with. By the specification's order, look for entries that do not
    /// exist first ([`ExceptionCode::IllegalDataAddress`]), then for what stops the execution:
    /// [`ExceptionCode::ServerDeviceBusy`], [`ExceptionCode::ServerDeviceFailure`] and so on. The
    /// specification names no code for write-protected entries; devices answer 02 or 04.
    fn check(&self, span: Span, operation: Operation) -> Result<(), ExceptionCode>;

    /// The bit at an allowed address of [`Table::Coils`] or [`Table::DiscreteInputs`].
    fn bit(&self, table: Table, address: u16) -> bool;

    /// The word at an allowed address of [`Table::InputRegisters`] or [`Table::HoldingRegisters`].
    fn register(&self, table: Table, address: u16) -> u16;

    /// Sets the coil at an allowed address.
    fn set_coil(&mut self, address: u16, on: bool);

    /// Sets the holding register at an allowed address.
    fn set_register(&mut self, address: u16, value: u16);

    /// Whether the device reads all these records now.
    ///
    /// # Errors
    ///
    /// The exception to answer with; [`ExceptionCode::IllegalFunction`] for a device without files,
    /// as here by default.
    fn check_file_reads(&self, _reads: FileReads<'_>) -> Result<(), ExceptionCode> {
        Err(ExceptionCode::IllegalFunction)
    }

    /// Whether the device writes all these records now.
    ///
    /// # Errors
    ///
    /// As [`Bank::check_file_reads`].
    fn check_file_writes(&self, _writes: FileWrites<'_>) -> Result<(), ExceptionCode> {
        Err(ExceptionCode::IllegalFunction)
    }

    /// Appends the records of an allowed span to `records`.
    ///
    /// # Errors
    ///
    /// The exception to answer with, where only reading shows that it cannot be done.
    fn read_file(&mut self, _span: FileSpan, _records: &mut Vec<u16>) -> Result<(), ExceptionCode> {
        Err(ExceptionCode::IllegalFunction)
    }

    /// Sets the records of an allowed span.
    ///
    /// # Errors
    ///
    /// The exception to answer with, where only writing shows that it cannot be done.
    fn write_file(&mut self, _span: FileSpan, _values: Registers<'_>) -> Result<(), ExceptionCode> {
        Err(ExceptionCode::IllegalFunction)
    }

    /// Executes a message of the vendor's engineering session (function 90) and appends the answer,
    /// 2 to 252 bytes.
    ///
    /// # Errors
    ///
    /// The exception to answer with; nothing may have changed. [`ExceptionCode::IllegalFunction`]
    /// for a device that has no such session, as here by default.
    fn engineering(&mut self, _message: &[u8], _out: &mut Vec<u8>) -> Result<(), ExceptionCode> {
        Err(ExceptionCode::IllegalFunction)
    }
}

/// Which unit ids a server takes for its own (MSG 4.4.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OwnUnits {
    /// One unit id.
    Only(u8),
    /// One unit id, and 0 and 255, which mean the device at the IP address itself.
    OrDirect(u8),
    /// Every unit id: a device that does not look at the field.
    Any,
}

impl OwnUnits {
    /// Whether a request for this unit id is the server's own.
    #[must_use]
    pub const fn contains(self, unit: u8) -> bool {
        match self {
            Self::Only(own) => unit == own,
            Self::OrDirect(own) => unit == own || unit == 0 || unit == 255,
            Self::Any => true,
        }
    }
}

/// What a server does with a request for a unit that it is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum UnknownUnit {
    /// Say nothing; the client times out.
    Silent,
    /// Answer as a gateway whose target did not respond (0x0B).
    TargetFailedToRespond,
    /// Answer as a gateway without a path to the target (0x0A).
    PathUnavailable,
}

/// How a server treats the unit id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct UnitPolicy {
    /// The unit ids it answers for.
    pub own: OwnUnits,
    /// What it does with the others.
    pub unknown: UnknownUnit,
}

impl UnitPolicy {
    /// Answers this unit id, 0 and 255; silent to others. What most controllers do.
    #[must_use]
    pub const fn device(unit: u8) -> Self {
        Self {
            own: OwnUnits::OrDirect(unit),
            unknown: UnknownUnit::Silent,
        }
    }
}

/// What a device implements and says about itself, apart from its data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceProfile {
    /// Which unit ids it answers.
    pub units: UnitPolicy,
    /// Which functions it implements; others are answered with illegal function.
    pub functions: FunctionSet,
    /// What it answers to Read Device Identification.
    pub identity: DeviceIdentity,
}

impl DeviceProfile {
    /// A controller with this unit id that implements every function typed here.
    #[must_use]
    pub fn new(unit: u8, identity: DeviceIdentity) -> Self {
        Self {
            units: UnitPolicy::device(unit),
            functions: FunctionSet::ALL,
            identity,
        }
    }
}

/// Why a server said nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Silence {
    /// The protocol id is not 0 (MSG 4.4.2).
    ForeignProtocol,
    /// The request is for a unit the server does not answer for.
    UnknownUnit,
}

/// How a server met a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Executed, and answered with a normal response.
    Answered,
    /// Refused with an exception response; nothing was changed.
    Refused(ExceptionCode),
    /// Ignored; `out` is unchanged.
    Silent(Silence),
}

/// What serving one request came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Served {
    /// How the request was met.
    pub outcome: Outcome,
    /// Entries read into the response; `None` unless answered.
    pub read: Option<Span>,
    /// Entries written; `None` unless answered.
    pub wrote: Option<Span>,
}

impl Served {
    /// The exception answered with, if any.
    #[must_use]
    pub fn exception(&self) -> Option<ExceptionCode> {
        match self.outcome {
            Outcome::Refused(code) => Some(code),
            _ => None,
        }
    }

    /// Whether nothing was answered.
    #[must_use]
    pub fn is_silent(&self) -> bool {
        matches!(self.outcome, Outcome::Silent(_))
    }

    fn without_data(outcome: Outcome) -> Self {
        Self {
            outcome,
            read: None,
            wrote: None,
        }
    }
}

/// Executes one request on the bank and appends the response ADU to `out`.
///
/// # Arguments
///
/// * `request` — as the [`Framer`](super::Framer) yields it. An ADU whose length field does not
///   fit its PDU is served by its PDU.
/// * `out` — cleared by the caller when sent; at most 260 bytes are appended.
///
/// # Source
///
/// APS 6 and 7; MSG 4.4.2. Function 23 writes before it reads (APS 6.17).
///
/// # Examples
///
/// ```
/// use sim_wire::modbus::{serve, Adu, DeviceIdentity, DeviceProfile, MemoryBank};
///
/// let identity = DeviceIdentity::new("Example", "EX-1", "1.0")?;
/// let profile = DeviceProfile::new(1, identity);
/// let mut bank = MemoryBank::new(0, 0, 0, 10);
/// let request = Adu::new(7, 1, &[6, 0, 2, 0x12, 0x34]).expect("a PDU");
/// let mut out = Vec::new();
/// let served = serve(&request, &mut bank, &profile, &mut out);
/// assert_eq!(served.wrote.map(|span| span.address), Some(2));
/// assert_eq!(bank.holding_registers[2], 0x1234);
/// assert_eq!(out, [0, 7, 0, 0, 0, 6, 1, 6, 0, 2, 0x12, 0x34]);
/// # Ok::<(), sim_wire::modbus::identity::IdentityError>(())
/// ```
pub fn serve(
    request: &Adu<'_>,
    bank: &mut impl Bank,
    profile: &DeviceProfile,
    out: &mut Vec<u8>,
) -> Served {
    if request.protocol() != 0 {
        return Served::without_data(Outcome::Silent(Silence::ForeignProtocol));
    }
    if !profile.units.own.contains(request.unit()) {
        return match profile.units.unknown {
            UnknownUnit::Silent => Served::without_data(Outcome::Silent(Silence::UnknownUnit)),
            UnknownUnit::TargetFailedToRespond => {
                refuse(request, ExceptionCode::GatewayTargetFailedToRespond, out)
            }
            UnknownUnit::PathUnavailable => {
                refuse(request, ExceptionCode::GatewayPathUnavailable, out)
            }
        };
    }
    if !profile.functions.contains(request.function()) {
        return refuse(request, ExceptionCode::IllegalFunction, out);
    }
    let start = out.len();
    let mut result = Err(ExceptionCode::IllegalFunction);
    encode_adu(request.transaction(), request.unit(), out, |out| {
        result = request
            .request()
            .map_err(|error: RequestError| error.exception())
            .and_then(|parsed| execute(&parsed, bank, &profile.identity, out).map(|()| parsed));
    });
    match result {
        Ok(parsed) => Served {
            outcome: Outcome::Answered,
            read: parsed.read_span(),
            wrote: parsed.write_span(),
        },
        Err(code) => {
            out.truncate(start);
            refuse(request, code, out)
        }
    }
}

/// Appends an exception response, for a caller that refuses a request before [`serve`]: a server
/// with too many open transactions answers 06 (MSG 4.4.2), for example.
pub fn refuse(request: &Adu<'_>, code: ExceptionCode, out: &mut Vec<u8>) -> Served {
    encode_adu(request.transaction(), request.unit(), out, |out| {
        out.extend_from_slice(&[request.function() | function::EXCEPTION_FLAG, code.code()]);
    });
    Served::without_data(Outcome::Refused(code))
}

/// Checks the spans with the bank, executes, and appends the response PDU.
fn execute(
    request: &Request<'_>,
    bank: &mut impl Bank,
    identity: &DeviceIdentity,
    out: &mut Vec<u8>,
) -> Result<(), ExceptionCode> {
    if let Request::ReadDeviceIdentification { access, object } = *request {
        return identity.respond(access, object, out);
    }
    match *request {
        Request::ReadFileRecord(_) | Request::WriteFileRecord(_) => {
            return execute_file(request, bank, out);
        }
        Request::Engineering(message) => {
            out.push(request.function());
            let start = out.len();
            bank.engineering(message, out)?;
            assert!(
                (2..PDU_MAX_BYTES).contains(&(out.len() - start)),
                "an answer of the engineering session fits its PDU"
            );
            return Ok(());
        }
        _ => {}
    }
    let (read, write) = (request.read_span(), request.write_span());
    for (span, operation) in [(read, Operation::Read), (write, Operation::Write)] {
        if let Some(span) = span {
            bank.check(span, operation)?;
        }
    }
    write_tables(request, bank);

    match (read, write) {
        (Some(span), _) => {
            out.push(request.function());
            put_span(span, bank, out);
        }
        (None, Some(span)) => match request {
            Request::WriteMultipleCoils { .. } | Request::WriteMultipleRegisters { .. } => {
                out.push(request.function());
                out.extend_from_slice(&span.address.to_be_bytes());
                out.extend_from_slice(&span.quantity.to_be_bytes());
            }
            _ => request.emit(out), // Functions 5, 6 and 22 are answered with an echo.
        },
        (None, None) => unreachable!("every other request reads or writes: {request:?}"),
    }
    Ok(())
}

/// Functions 20 and 21: all sub-requests are checked before the first is executed.
fn execute_file(
    request: &Request<'_>,
    bank: &mut impl Bank,
    out: &mut Vec<u8>,
) -> Result<(), ExceptionCode> {
    if let Request::ReadFileRecord(reads) = request {
        bank.check_file_reads(*reads)?;
        out.extend_from_slice(&[request.function(), low_u8(reads.response_bytes())]);
        let mut records = Vec::new();
        for span in reads.iter() {
            records.clear();
            bank.read_file(span, &mut records)?;
            assert_eq!(
                records.len(),
                usize::from(span.quantity),
                "a bank reads what it was asked for"
            );
            file::put_records(records.iter().copied(), out);
        }
    }
    if let Request::WriteFileRecord(writes) = request {
        bank.check_file_writes(*writes)?;
        for (span, values) in writes.iter() {
            bank.write_file(span, values)?;
        }
        request.emit(out);
    }
    Ok(())
}

fn write_tables(request: &Request<'_>, bank: &mut impl Bank) {
    match *request {
        Request::WriteSingleCoil { address, on } => bank.set_coil(address, on),
        Request::WriteSingleRegister { address, value } => bank.set_register(address, value),
        Request::WriteMultipleCoils { address, bits } => {
            for (address, on) in (address..=u16::MAX).zip(bits.iter()) {
                bank.set_coil(address, on);
            }
        }
        Request::WriteMultipleRegisters { address, values }
        | Request::ReadWriteMultipleRegisters {
            write_address: address,
            values,
            ..
        } => {
            for (address, value) in (address..=u16::MAX).zip(values.iter()) {
                bank.set_register(address, value);
            }
        }
        Request::MaskWriteRegister {
            address,
            and_mask,
            or_mask,
        } => {
            let current = bank.register(Table::HoldingRegisters, address);
            bank.set_register(address, (current & and_mask) | (or_mask & !and_mask));
        }
        _ => {}
    }
}

/// Appends byte count and values of a span.
fn put_span(span: Span, bank: &impl Bank, out: &mut Vec<u8>) {
    let addresses = (span.address..=u16::MAX).take(usize::from(span.quantity));
    match span.table {
        Table::Coils | Table::DiscreteInputs => {
            out.push(low_u8(usize::from(span.quantity).div_ceil(8)));
            pack_bits(addresses.map(|address| bank.bit(span.table, address)), out);
        }
        Table::InputRegisters | Table::HoldingRegisters => {
            out.push(low_u8(usize::from(span.quantity) * 2));
            for address in addresses {
                out.extend_from_slice(&bank.register(span.table, address).to_be_bytes());
            }
        }
    }
}

/// A bank in memory: four tables that each start at address 0.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MemoryBank {
    /// Coils, by address.
    pub coils: Vec<bool>,
    /// Discrete inputs, by address.
    pub discrete_inputs: Vec<bool>,
    /// Input registers, by address.
    pub input_registers: Vec<u16>,
    /// Holding registers, by address.
    pub holding_registers: Vec<u16>,
    /// Files by number, each a list of records.
    pub files: BTreeMap<u16, Vec<u16>>,
    /// Answered to every write to existing entries: a write-protected device.
    pub refuse_writes: Option<ExceptionCode>,
    /// Answered to every access to existing entries: a busy or failed device.
    pub refuse_all: Option<ExceptionCode>,
}

impl MemoryBank {
    /// A bank of zeros with this many entries in each table.
    #[must_use]
    pub fn new(
        coils: usize,
        discrete_inputs: usize,
        input_registers: usize,
        holding_registers: usize,
    ) -> Self {
        Self {
            coils: vec![false; coils],
            discrete_inputs: vec![false; discrete_inputs],
            input_registers: vec![0; input_registers],
            holding_registers: vec![0; holding_registers],
            files: BTreeMap::new(),
            refuse_writes: None,
            refuse_all: None,
        }
    }

    fn check_files(
        &self,
        mut spans: impl Iterator<Item = FileSpan>,
        operation: Operation,
    ) -> Result<(), ExceptionCode> {
        if self.files.is_empty() {
            return Err(ExceptionCode::IllegalFunction);
        }
        let is_missing = |span: FileSpan| {
            let records = self.files.get(&span.file).map_or(0, Vec::len);
            usize::from(span.record) + usize::from(span.quantity) > records
        };
        if spans.any(is_missing) {
            return Err(ExceptionCode::IllegalDataAddress);
        }
        self.refusal(operation)
    }

    fn refusal(&self, operation: Operation) -> Result<(), ExceptionCode> {
        let refusal = match operation {
            Operation::Read => self.refuse_all,
            Operation::Write => self.refuse_all.or(self.refuse_writes),
        };
        refusal.map_or(Ok(()), Err)
    }
}

impl Bank for MemoryBank {
    fn check(&self, span: Span, operation: Operation) -> Result<(), ExceptionCode> {
        let entries = match span.table {
            Table::Coils => self.coils.len(),
            Table::DiscreteInputs => self.discrete_inputs.len(),
            Table::InputRegisters => self.input_registers.len(),
            Table::HoldingRegisters => self.holding_registers.len(),
        };
        if usize::from(span.address) + usize::from(span.quantity) > entries {
            return Err(ExceptionCode::IllegalDataAddress);
        }
        self.refusal(operation)
    }

    fn check_file_reads(&self, reads: FileReads<'_>) -> Result<(), ExceptionCode> {
        self.check_files(reads.iter(), Operation::Read)
    }

    fn check_file_writes(&self, writes: FileWrites<'_>) -> Result<(), ExceptionCode> {
        self.check_files(writes.iter().map(|(span, _)| span), Operation::Write)
    }

    fn read_file(&mut self, span: FileSpan, records: &mut Vec<u16>) -> Result<(), ExceptionCode> {
        let file = &self.files[&span.file];
        records.extend(span.records().map(|record| file[usize::from(record)]));
        Ok(())
    }

    fn write_file(&mut self, span: FileSpan, values: Registers<'_>) -> Result<(), ExceptionCode> {
        if let Some(file) = self.files.get_mut(&span.file) {
            for (record, value) in span.records().zip(values.iter()) {
                file[usize::from(record)] = value;
            }
        }
        Ok(())
    }

    fn bit(&self, table: Table, address: u16) -> bool {
        match table {
            Table::Coils => self.coils[usize::from(address)],
            _ => self.discrete_inputs[usize::from(address)],
        }
    }

    fn register(&self, table: Table, address: u16) -> u16 {
        match table {
            Table::InputRegisters => self.input_registers[usize::from(address)],
            _ => self.holding_registers[usize::from(address)],
        }
    }

    fn set_coil(&mut self, address: u16, on: bool) {
        self.coils[usize::from(address)] = on;
    }

    fn set_register(&mut self, address: u16, value: u16) {
        self.holding_registers[usize::from(address)] = value;
    }
}
