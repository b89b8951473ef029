//! What a controller's Modbus server can reach: the image, the files, and the engineering session.

use sim_st::Image;
use sim_wire::modbus::engineering::{Command, Mode};
use sim_wire::modbus::server::{Bank, Operation};
use sim_wire::modbus::{ExceptionCode, FileReads, FileSpan, FileWrites, Registers, Span, Table};

use super::session::Turn;
use crate::address::{Area, TABLE_LIMIT};

/// The controller's memory as Modbus sees it.
pub(super) struct ImageBank<'a> {
    pub(super) turn: Turn<'a>,
}

/// Which part of the image a coil or holding register lies in, and where.
fn split(address: u16) -> (Area, usize) {
    match address.checked_sub(TABLE_LIMIT) {
        Some(marker) => (Area::Marker, usize::from(marker)),
        None => (Area::Output, usize::from(address)),
    }
}

/// A bit of the image, as Modbus addresses it.
pub(super) fn bit_of(image: &Image, table: Table, address: u16) -> bool {
    if table == Table::DiscreteInputs {
        return image.ix[usize::from(address)];
    }
    match split(address) {
        (Area::Marker, index) => image.mx[index],
        (_, index) => image.qx[index],
    }
}

/// A word of the image, as Modbus addresses it.
pub(super) fn register_of(image: &Image, table: Table, address: u16) -> u16 {
    if table == Table::InputRegisters {
        return image.iw[usize::from(address)];
    }
    match split(address) {
        (Area::Marker, index) => image.mw[index],
        (_, index) => image.qw[index],
    }
}

impl Bank for ImageBank<'_> {
    fn check(&self, span: Span, operation: Operation) -> Result<(), ExceptionCode> {
        let size = match span.table {
            Table::Coils | Table::HoldingRegisters => 2 * u32::from(TABLE_LIMIT),
            Table::DiscreteInputs | Table::InputRegisters => u32::from(TABLE_LIMIT),
        };
        if span.addresses().end > size {
            return Err(ExceptionCode::IllegalDataAddress);
        }
        let is_overwritten = operation == Operation::Write && self.turn.runtime.is_standby();
        if self.turn.runtime.mode == Mode::Program || is_overwritten {
            return Err(ExceptionCode::ServerDeviceBusy);
        }
        Ok(())
    }

    fn bit(&self, table: Table, address: u16) -> bool {
        bit_of(&self.turn.runtime.image, table, address)
    }

    fn register(&self, table: Table, address: u16) -> u16 {
        register_of(&self.turn.runtime.image, table, address)
    }

    fn set_coil(&mut self, address: u16, on: bool) {
        match split(address) {
            (Area::Marker, index) => self.turn.runtime.image.mx[index] = on,
            (_, index) => self.turn.runtime.image.qx[index] = on,
        }
    }

    fn set_register(&mut self, address: u16, value: u16) {
        match split(address) {
            (Area::Marker, index) => self.turn.runtime.image.mw[index] = value,
            (_, index) => self.turn.runtime.image.qw[index] = value,
        }
    }

    fn check_file_reads(&self, reads: FileReads<'_>) -> Result<(), ExceptionCode> {
        self.turn.check_file_reads(reads)
    }

    fn check_file_writes(&self, writes: FileWrites<'_>) -> Result<(), ExceptionCode> {
        self.turn.check_file_writes(writes)
    }

    fn read_file(&mut self, span: FileSpan, records: &mut Vec<u16>) -> Result<(), ExceptionCode> {
        self.turn.read_file(span, records)
    }

    fn write_file(&mut self, span: FileSpan, values: Registers<'_>) -> Result<(), ExceptionCode> {
        self.turn.write_file(span, values)
    }

    fn engineering(&mut self, message: &[u8], out: &mut Vec<u8>) -> Result<(), ExceptionCode> {
        let (id, command) = Command::parse(message).ok_or(ExceptionCode::IllegalDataValue)?;
        self.turn.answer(id, &command, out);
        Ok(())
    }
}
