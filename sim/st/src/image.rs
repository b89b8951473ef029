//! The controller's process image: the tables that a program shares with the world.
//!
//! A *located* variable (`AT %IX0.3`) is copied from its place in the tables at the beginning of a
//! scan; if it lies in the output or marker area it is copied back at the end. Two located
//! variables never share a place in an area that is copied back, so the order does not matter.
//!
//! Source: IEC 61131-3:2013, 6.5.5 (direct representation); the tables are those of the OpenPLC
//! runtime, which its Modbus server shows as coils, discrete inputs and registers.

use std::fmt;

use crate::types::{Elementary, NANOS_PER_MILLI};
use crate::value::Value;

/// The tables. A read outside a table yields zero and a write there is lost, as on a controller
/// whose I/O modules are missing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Image {
    /// Discrete inputs, `%IX`; the bit `%IXn.m` has index `8n + m`.
    pub ix: Vec<bool>,
    /// Discrete outputs, `%QX`.
    pub qx: Vec<bool>,
    /// Marker bits, `%MX`.
    pub mx: Vec<bool>,
    /// Input words, `%IW`.
    pub iw: Vec<u16>,
    /// Output words, `%QW`.
    pub qw: Vec<u16>,
    /// Marker words, `%MW`.
    pub mw: Vec<u16>,
}

impl Image {
    /// Bits in each table of bits that [`Image::new`] makes, and the limit of a bit address.
    pub const BITS: u32 = 1024;
    /// Words in each table of words that [`Image::new`] makes, and the limit of a word address.
    pub const WORDS: u32 = 1024;

    /// Tables of the full size, all zero.
    #[must_use]
    pub fn new() -> Self {
        let bits = || vec![false; Self::BITS as usize];
        let words = || vec![0; Self::WORDS as usize];
        Self {
            ix: bits(),
            qx: bits(),
            mx: bits(),
            iw: words(),
            qw: words(),
            mw: words(),
        }
    }

    fn bits(&self, area: Area) -> &[bool] {
        match area {
            Area::Input => &self.ix,
            Area::Output => &self.qx,
            Area::Marker => &self.mx,
        }
    }

    fn words(&self, area: Area) -> &[u16] {
        match area {
            Area::Input => &self.iw,
            Area::Output => &self.qw,
            Area::Marker => &self.mw,
        }
    }

    fn bits_mut(&mut self, area: Area) -> &mut [bool] {
        match area {
            Area::Input => &mut self.ix,
            Area::Output => &mut self.qx,
            Area::Marker => &mut self.mx,
        }
    }

    fn words_mut(&mut self, area: Area) -> &mut [u16] {
        match area {
            Area::Input => &mut self.iw,
            Area::Output => &mut self.qw,
            Area::Marker => &mut self.mw,
        }
    }

    /// Writes a value where a located variable of its type would lie, as the world writes an input.
    pub fn set(&mut self, address: Address, value: &Value) {
        self.store(address, value.elementary(), value.to_slot());
    }

    /// Reads the slot form of a value of `ty` at `address`.
    #[inline]
    pub(crate) fn load(&self, address: Address, ty: Elementary) -> u64 {
        let first = address.first_unit() as usize;
        match address.width {
            Width::Bit => u64::from(self.bits(address.area).get(first).copied().unwrap_or(false)),
            Width::Byte => {
                let bits = self.bits(address.area);
                let bit = |at: usize| u64::from(bits.get(first + at).copied().unwrap_or(false));
                ty.canonical((0..8).fold(0, |byte, at| byte | bit(at) << at))
            }
            Width::Word => {
                let word = self.words(address.area).get(first).copied().unwrap_or(0);
                ty.canonical(word.into())
            }
            Width::Double | Width::Long => {
                let words = self.words(address.area);
                let word = |at: usize| u64::from(words.get(first + at).copied().unwrap_or(0));
                let raw = (0..address.units() as usize).fold(0, |raw, at| raw << 16 | word(at));
                if ty == Elementary::Time {
                    let millis = Elementary::Dint.canonical(raw).cast_signed();
                    return (millis * NANOS_PER_MILLI).cast_unsigned();
                }
                ty.canonical(raw)
            }
        }
    }

    /// Writes a value in slot form.
    #[inline]
    pub(crate) fn store(&mut self, address: Address, ty: Elementary, slot: u64) {
        let first = address.first_unit() as usize;
        match address.width {
            Width::Bit => {
                if let Some(bit) = self.bits_mut(address.area).get_mut(first) {
                    *bit = slot != 0;
                }
            }
            Width::Byte => {
                for (at, bit) in self
                    .bits_mut(address.area)
                    .iter_mut()
                    .skip(first)
                    .take(8)
                    .enumerate()
                {
                    *bit = slot >> at & 1 != 0;
                }
            }
            Width::Word | Width::Double | Width::Long => {
                let raw = if ty == Elementary::Time {
                    millis_slot(slot)
                } else {
                    slot
                };
                let units = address.units() as usize;
                let words = self
                    .words_mut(address.area)
                    .iter_mut()
                    .skip(first)
                    .take(units);
                for (at, word) in words.enumerate() {
                    let [.., high, low] = (raw >> (16 * (units - 1 - at))).to_be_bytes();
                    *word = u16::from_be_bytes([high, low]);
                }
            }
        }
    }
}

/// A TIME as the 32-bit count of milliseconds that registers carry, cut towards zero and held at
/// the ends of the range.
fn millis_slot(slot: u64) -> u64 {
    let millis = slot.cast_signed() / NANOS_PER_MILLI;
    millis
        .clamp(i32::MIN.into(), i32::MAX.into())
        .cast_unsigned()
}

/// An area of the image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Area {
    /// `%I`, written by the world, read by the program.
    Input = 0,
    /// `%Q`, written by the program.
    Output = 1,
    /// `%M`, written by both.
    Marker = 2,
}

impl Area {
    /// Reads `%I*`: an address of which VAR_CONFIG says the rest.
    pub(crate) fn parse_partly(text: &str) -> Option<Self> {
        match text.to_ascii_uppercase().as_str() {
            "%I*" => Some(Self::Input),
            "%Q*" => Some(Self::Output),
            "%M*" => Some(Self::Marker),
            _ => None,
        }
    }

    /// The letter of the area.
    pub(crate) fn letter(self) -> char {
        match self {
            Self::Input => 'I',
            Self::Output => 'Q',
            Self::Marker => 'M',
        }
    }
}

/// Size of a located variable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Width {
    /// `X`: one bit.
    Bit = 0,
    /// `B`: eight bits of the bit table.
    Byte = 1,
    /// `W`: one word.
    Word = 2,
    /// `D`: two words, high word first.
    Double = 3,
    /// `L`: four words, high word first.
    Long = 4,
}

/// A direct address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address {
    /// The area.
    pub area: Area,
    /// The size.
    pub width: Width,
    /// For a bit `8 * byte + bit`; else the number behind the letters.
    pub index: u32,
}

/// The number behind the letters of an address.
fn number(digits: &str) -> Result<u32, String> {
    let is_plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    let value = is_plain.then(|| digits.parse().ok()).flatten();
    value.ok_or_else(|| format!("`{digits}` is not the number of an address"))
}

/// The place of a bit: `9.3` is that of `75`.
fn bit_index(digits: &str) -> Result<u32, String> {
    let Some((byte, bit)) = digits.split_once('.') else {
        return number(digits);
    };
    let (byte, bit) = (number(byte)?, number(bit)?);
    if bit > 7 {
        return Err(format!("a byte has the bits 0 to 7, not {bit}"));
    }
    let first = byte.checked_mul(8);
    Ok(first.ok_or("the address is too large")? + bit)
}

impl Address {
    /// Reads `%IX0.3`, `%qw12`, `%MD4`; a bit may leave out its `X`, and may be counted through as in
    /// `%QX75`, which is `%QX9.3` (IEC 61131-3:2013, Table 16). Says what is wrong otherwise.
    ///
    /// # Errors
    ///
    /// A sentence for the reader of the program.
    pub fn parse(text: &str) -> Result<Self, String> {
        let upper = text.to_ascii_uppercase();
        let body = upper
            .strip_prefix('%')
            .ok_or("a direct address begins with `%`")?;
        let mut letters = body.chars();
        let area = match letters.next() {
            Some('I') => Area::Input,
            Some('Q') => Area::Output,
            Some('M') => Area::Marker,
            _ => return Err("the area of a direct address is I, Q or M".to_owned()),
        };
        let rest = letters.as_str();
        let (width, digits) = match rest.chars().next() {
            Some('X') => (Width::Bit, &rest[1..]),
            Some('B') => (Width::Byte, &rest[1..]),
            Some('W') => (Width::Word, &rest[1..]),
            Some('D') => (Width::Double, &rest[1..]),
            Some('L') => (Width::Long, &rest[1..]),
            _ => (Width::Bit, rest),
        };
        let index = if width == Width::Bit {
            bit_index(digits)?
        } else {
            number(digits)?
        };
        let address = Self { area, width, index };
        if address.fits() {
            Ok(address)
        } else {
            Err(address.limit_message())
        }
    }

    /// Whether all of the address lies within tables of the full size.
    pub(crate) fn fits(self) -> bool {
        let limit = if self.width <= Width::Byte {
            Image::BITS
        } else {
            Image::WORDS
        };
        let end = u64::from(self.index) * self.stride() + u64::from(self.units());
        end <= u64::from(limit)
    }

    fn limit_message(self) -> String {
        let (table, limit) = if self.width <= Width::Byte {
            ("bits", Image::BITS)
        } else {
            ("words", Image::WORDS)
        };
        format!("the address lies beyond the {limit} {table} of its area")
    }

    /// Bits or words of the table from one index to the next.
    fn stride(self) -> u64 {
        u64::from(self.units())
    }

    /// First bit or word of the table; call only if the address fits.
    pub(crate) fn first_unit(self) -> u32 {
        self.index.saturating_mul(self.units())
    }

    /// Bits (for `X` and `B`) or words of the table that the address takes.
    pub(crate) fn units(self) -> u32 {
        match self.width {
            Width::Bit | Width::Word => 1,
            Width::Byte => 8,
            Width::Double => 2,
            Width::Long => 4,
        }
    }

    /// Whether a variable of `ty` can stand here.
    pub(crate) fn accepts(self, ty: Elementary) -> bool {
        match self.width {
            Width::Bit => ty == Elementary::Bool,
            Width::Double if ty == Elementary::Time => true,
            Width::Byte | Width::Word | Width::Double => ty.bits() == self.bits(),
            Width::Long => ty.bits() == 64 && ty != Elementary::Time,
        }
    }

    /// The type of the address where it is used without a declaration.
    #[must_use]
    pub fn default_type(self) -> Elementary {
        match self.width {
            Width::Bit => Elementary::Bool,
            Width::Byte => Elementary::Byte,
            Width::Word => Elementary::Word,
            Width::Double => Elementary::Dword,
            Width::Long => Elementary::Lword,
        }
    }

    /// Width, bits.
    pub(crate) fn bits(self) -> u32 {
        match self.width {
            Width::Bit => 1,
            Width::Byte => 8,
            Width::Word => 16,
            Width::Double => 32,
            Width::Long => 64,
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let area = ['I', 'Q', 'M'][self.area as usize];
        let width = ['X', 'B', 'W', 'D', 'L'][self.width as usize];
        match self.width {
            Width::Bit => write!(f, "%{area}X{}.{}", self.index / 8, self.index % 8),
            _ => write!(f, "%{area}{width}{}", self.index),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn address_when_valid_then_displays_as_written() {
        for text in ["%IX0.0", "%QX12.7", "%MW1023", "%ID5", "%ML2", "%QB3"] {
            assert_eq!(
                Address::parse(text).map(|address| address.to_string()),
                Ok(text.to_owned())
            );
        }
        assert_eq!(Address::parse("%i1.2").map(|address| address.index), Ok(10));
        assert_eq!(Address::parse("%QX75"), Address::parse("%QX9.3"));
        assert_eq!(Address::parse("%q7"), Address::parse("%QX0.7"));
    }

    #[test]
    fn address_when_invalid_then_says_why() {
        for text in [
            "%", "%X0.0", "%IX", "%IX0.8", "%IW", "%IW-1", "%MW1024", "%MD512", "%QX128.0",
            "%QX1024", "%IX0.", "%IW1.2",
        ] {
            assert!(Address::parse(text).is_err(), "{text}");
        }
    }

    fn check(address: &str, value: crate::Value, words: [u16; 4]) {
        let address = Address::parse(address).expect("the test's address is valid");
        let mut image = Image::new();
        image.store(address, value.elementary(), value.to_slot());
        assert_eq!(image.mw[..4], words, "{address}");
        assert_eq!(
            image.load(address, value.elementary()),
            value.to_slot(),
            "{address}"
        );
    }

    #[test]
    fn words_when_stored_then_come_high_word_first() {
        use crate::Value;
        check("%MW1", Value::int(-2), [0, 0xFFFE, 0, 0]);
        check("%MD1", Value::dint(0x0001_0002), [0, 0, 1, 2]);
        check("%MD0", Value::Real(1.0), [0x3F80, 0, 0, 0]);
        check("%MD0", Value::Time(70_000_000_000), [1, 0x1170, 0, 0]);
        check("%ML0", Value::Lreal(1.0), [0x3FF0, 0, 0, 0]);
    }

    #[test]
    fn access_when_outside_the_table_then_reads_zero_and_writes_nothing() {
        let mut image = Image {
            mw: vec![7],
            ..Image::default()
        };
        let address = Address::parse("%MD0").expect("valid");
        assert_eq!(image.load(address, Elementary::Dint), 0x7_0000);
        image.store(address, Elementary::Dint, 0x8_0001);
        assert_eq!(
            image,
            Image {
                mw: vec![8],
                ..Image::default()
            }
        );
    }
}
