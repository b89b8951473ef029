//! The function codes this crate has typed PDUs for, and sets of them: public ones (APS 5.1) and
//! one of a vendor.
//!
//! Plain `u8` constants, because a function code from the wire may be any byte.

/// Read coils (APS 6.1).
pub const READ_COILS: u8 = 1;
/// Read discrete inputs (APS 6.2).
pub const READ_DISCRETE_INPUTS: u8 = 2;
/// Read holding registers (APS 6.3).
pub const READ_HOLDING_REGISTERS: u8 = 3;
/// Read input registers (APS 6.4).
pub const READ_INPUT_REGISTERS: u8 = 4;
/// Write single coil (APS 6.5).
pub const WRITE_SINGLE_COIL: u8 = 5;
/// Write single register (APS 6.6).
pub const WRITE_SINGLE_REGISTER: u8 = 6;
/// Write multiple coils (APS 6.11).
pub const WRITE_MULTIPLE_COILS: u8 = 15;
/// Write multiple registers (APS 6.12).
pub const WRITE_MULTIPLE_REGISTERS: u8 = 16;
/// Read file record (APS 6.14).
pub const READ_FILE_RECORD: u8 = 20;
/// Write file record (APS 6.15).
pub const WRITE_FILE_RECORD: u8 = 21;
/// Mask write register (APS 6.16).
pub const MASK_WRITE_REGISTER: u8 = 22;
/// Read/write multiple registers (APS 6.17).
pub const READ_WRITE_MULTIPLE_REGISTERS: u8 = 23;
/// Encapsulated interface transport (APS 6.19).
pub const ENCAPSULATED_INTERFACE: u8 = 43;
/// The MEI type of Read Device Identification inside function 43 (APS 6.21).
pub const MEI_READ_DEVICE_IDENTIFICATION: u8 = 14;
/// The vendor's engineering session, see [`super::engineering`]. Not a public code: the
/// specification leaves 65 to 72 and 100 to 110 to users, and vendors take others, as this one.
pub const ENGINEERING_SESSION: u8 = 90;
/// Set in a response's function code when the rest is an exception code (APS 7).
pub const EXCEPTION_FLAG: u8 = 0x80;

/// Whether a request with this code changes coils or holding registers.
#[must_use]
pub const fn is_write(code: u8) -> bool {
    matches!(
        code,
        WRITE_SINGLE_COIL
            | WRITE_SINGLE_REGISTER
            | WRITE_MULTIPLE_COILS
            | WRITE_MULTIPLE_REGISTERS
            | MASK_WRITE_REGISTER
            | READ_WRITE_MULTIPLE_REGISTERS
    )
}

/// The specification's name of a code, or `None` for one this crate does not type.
#[must_use]
pub const fn name(code: u8) -> Option<&'static str> {
    Some(match code {
        READ_COILS => "Read Coils",
        READ_DISCRETE_INPUTS => "Read Discrete Inputs",
        READ_HOLDING_REGISTERS => "Read Holding Registers",
        READ_INPUT_REGISTERS => "Read Input Registers",
        WRITE_SINGLE_COIL => "Write Single Coil",
        WRITE_SINGLE_REGISTER => "Write Single Register",
        WRITE_MULTIPLE_COILS => "Write Multiple Coils",
        WRITE_MULTIPLE_REGISTERS => "Write Multiple Registers",
        READ_FILE_RECORD => "Read File Record",
        WRITE_FILE_RECORD => "Write File Record",
        MASK_WRITE_REGISTER => "Mask Write Register",
        READ_WRITE_MULTIPLE_REGISTERS => "Read/Write Multiple Registers",
        ENCAPSULATED_INTERFACE => "Encapsulated Interface Transport",
        ENGINEERING_SESSION => "Engineering Session",
        _ => return None,
    })
}

/// A set of function codes 0 to 127: what a device implements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FunctionSet(u128);

impl FunctionSet {
    /// No function at all: every request is answered with illegal function.
    pub const NONE: Self = Self(0);

    /// Every function this crate has typed PDUs for.
    pub const ALL: Self = Self::of(&[
        READ_COILS,
        READ_DISCRETE_INPUTS,
        READ_HOLDING_REGISTERS,
        READ_INPUT_REGISTERS,
        WRITE_SINGLE_COIL,
        WRITE_SINGLE_REGISTER,
        WRITE_MULTIPLE_COILS,
        WRITE_MULTIPLE_REGISTERS,
        READ_FILE_RECORD,
        WRITE_FILE_RECORD,
        MASK_WRITE_REGISTER,
        READ_WRITE_MULTIPLE_REGISTERS,
        ENCAPSULATED_INTERFACE,
        ENGINEERING_SESSION,
    ]);

    /// The set of the given codes. Codes from 128 are no function codes and are left out.
    #[must_use]
    pub const fn of(codes: &[u8]) -> Self {
        let mut bits = 0;
        let mut index = 0;
        while index < codes.len() {
            if codes[index] < 128 {
                bits |= 1 << codes[index];
            }
            index += 1;
        }
        Self(bits)
    }

    /// This set less one code.
    #[must_use]
    pub const fn without(self, code: u8) -> Self {
        Self(self.0 & !Self::of(&[code]).0)
    }

    /// Whether the code is in the set; never for codes from 128.
    #[must_use]
    pub const fn contains(self, code: u8) -> bool {
        code < 128 && self.0 & (1 << code) != 0
    }
}
