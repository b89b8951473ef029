//! Direct addresses of a controller (`%IX0.3`, `%MD2`) and where Modbus finds them.
//!
//! The Modbus map is OpenPLC's convention: coils `0..` are `%QX` and coils `1024..` are `%MX`; discrete
//! inputs are `%IX`; input registers are `%IW`; holding registers `0..1024` are `%QW` and `1024..` are
//! `%MW`. A 32-bit address `%xD n` covers the words `2n` (high) and `2n + 1` (low).
//!
//! **Invariant:** an [`Address`] that was parsed lies inside the tables of [`TABLE_LIMIT`] entries, so
//! that no later code has to check it again.
//!
//! Source: IEC 61131-3:2013, 6.5.5 (directly represented variables); OpenPLC's address table.

use std::fmt;
use std::str::FromStr;

use sim_wire::modbus::{Span, Table};
use thiserror::Error;

/// Entries in each of a controller's six tables, and the Modbus offset of the marker tables.
pub const TABLE_LIMIT: u16 = 1024;

/// Which part of the controller's image an address lies in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Area {
    /// `%I`: the input image, written from the process.
    Input,
    /// `%Q`: the output image, written by the program.
    Output,
    /// `%M`: markers, the controller's shared memory.
    Marker,
}

/// How wide the addressed item is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Width {
    /// `X`: one bit.
    Bit,
    /// `W`: one 16-bit word.
    Word,
    /// `D`: two words, high word first.
    Double,
}

/// A direct address inside a controller's image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address {
    /// The table's area.
    pub area: Area,
    /// The item's width.
    pub width: Width,
    /// Index into the bit table (`byte * 8 + bit`) or the word table. For [`Width::Double`] the index
    /// of the high word.
    pub index: u16,
}

/// An address that does not parse or does not exist.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("`{text}` is not a direct address: {reason}")]
pub struct AddressError {
    /// The rejected text.
    pub text: String,
    /// What is wrong with it.
    pub reason: &'static str,
}

impl Address {
    /// Where Modbus serves this item: its table, protocol data unit address (0-based), and the number
    /// of bits or registers that it takes.
    #[must_use]
    pub fn modbus(self) -> Span {
        let marker = if self.area == Area::Marker {
            TABLE_LIMIT
        } else {
            0
        };
        let table = match (self.area, self.width) {
            (Area::Input, Width::Bit) => Table::DiscreteInputs,
            (Area::Input, _) => Table::InputRegisters,
            (_, Width::Bit) => Table::Coils,
            (_, _) => Table::HoldingRegisters,
        };
        let quantity = if self.width == Width::Double { 2 } else { 1 };
        Span {
            table,
            address: marker + self.index,
            quantity,
        }
    }
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let fail = |reason| AddressError {
            text: text.to_owned(),
            reason,
        };
        let rest = text
            .strip_prefix('%')
            .ok_or_else(|| fail("it must begin with `%`"))?;
        let mut letters = rest.chars();
        let area = match letters.next() {
            Some('I' | 'i') => Area::Input,
            Some('Q' | 'q') => Area::Output,
            Some('M' | 'm') => Area::Marker,
            _ => return Err(fail("the second character must be I, Q or M")),
        };
        let width = match letters.next() {
            Some('X' | 'x') => Width::Bit,
            Some('W' | 'w') => Width::Word,
            Some('D' | 'd') => Width::Double,
            _ => return Err(fail("the third character must be X, W or D")),
        };
        let digits = letters.as_str();
        let number = |part: &str| {
            if part.is_empty() || !part.bytes().all(|b| b.is_ascii_digit()) {
                return Err(fail("a decimal index must follow"));
            }
            part.parse::<u16>()
                .map_err(|_| fail("the index is too large"))
        };
        let index = match (width, digits.split_once('.')) {
            (Width::Bit, Some((byte, bit))) => {
                let (byte, bit) = (number(byte)?, number(bit)?);
                if bit > 7 {
                    return Err(fail("a bit number is 0 to 7"));
                }
                byte.checked_mul(8).and_then(|base| base.checked_add(bit))
            }
            (Width::Bit, None) => return Err(fail("a bit address has the form %IX<byte>.<bit>")),
            (_, Some(_)) => return Err(fail("only bit addresses have a `.`")),
            (Width::Word, None) => Some(number(digits)?),
            (Width::Double, None) => number(digits)?.checked_mul(2),
        };
        let index = index.ok_or_else(|| fail("the index is too large"))?;
        let last = if width == Width::Double {
            TABLE_LIMIT - 1
        } else {
            TABLE_LIMIT
        };
        if index >= last {
            return Err(fail("the tables have 1024 entries"));
        }
        Ok(Self { area, width, index })
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let area = match self.area {
            Area::Input => 'I',
            Area::Output => 'Q',
            Area::Marker => 'M',
        };
        match self.width {
            Width::Bit => write!(f, "%{area}X{}.{}", self.index / 8, self.index % 8),
            Width::Word => write!(f, "%{area}W{}", self.index),
            Width::Double => write!(f, "%{area}D{}", self.index / 2),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expect: &str) {
        let got = match text.parse::<Address>() {
            Ok(address) => {
                assert_eq!(address.to_string(), text.to_uppercase());
                {
                    let span = address.modbus();
                    format!("{} {} x{}", span.table, span.address, span.quantity)
                }
            }
            Err(error) => error.reason.to_owned(),
        };
        assert_eq!(got, expect, "{text}");
    }

    #[test]
    fn address_when_parsed_then_served_where_openplc_serves_it() {
        check("%IX0.3", "discrete_inputs 3 x1");
        check("%IW7", "input_registers 7 x1");
        check("%QX1.2", "coils 10 x1");
        check("%QW5", "holding_registers 5 x1");
        check("%MX2.0", "coils 1040 x1");
        check("%mw3", "holding_registers 1027 x1");
        check("%MD2", "holding_registers 1028 x2");
        check("%MD511", "holding_registers 2046 x2");
    }

    #[test]
    fn address_when_wrong_then_the_reason_is_named() {
        check("MW3", "it must begin with `%`");
        check("%ZW3", "the second character must be I, Q or M");
        check("%MB3", "the third character must be X, W or D");
        check("%MW", "a decimal index must follow");
        check("%MX3", "a bit address has the form %IX<byte>.<bit>");
        check("%MX3.8", "a bit number is 0 to 7");
        check("%MW3.1", "only bit addresses have a `.`");
        check("%MW1024", "the tables have 1024 entries");
        check("%MD512", "the tables have 1024 entries");
        check("%MW99999", "the index is too large");
        check("%MX9000.0", "the index is too large");
    }
}
