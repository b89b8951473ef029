//! The elementary data types and their values.
//!
//! **Invariant:** wherever a value lives in a 64-bit memory slot it is in *canonical form*: signed
//! integers and TIME sign-extended, unsigned integers and bit strings zero-extended, BOOL 0 or 1,
//! REAL as its 32 IEEE bits zero-extended, LREAL as its 64 IEEE bits. Every instruction relies on
//! it and restores it, so that comparing two slots never needs to know their width.
//!
//! Source: IEC 61131-3:2013, 6.4.2 (elementary data types) and 6.6.1.6 (type conversion).

use std::fmt;

/// Nanoseconds in a millisecond, the unit in which TIME meets numbers and the word tables.
pub(crate) const NANOS_PER_MILLI: i64 = 1_000_000;

/// An elementary data type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Elementary {
    /// Boolean, one bit.
    Bool = 0,
    /// Signed integer, 8 bits.
    Sint = 1,
    /// Signed integer, 16 bits.
    Int = 2,
    /// Signed integer, 32 bits.
    Dint = 3,
    /// Signed integer, 64 bits.
    Lint = 4,
    /// Unsigned integer, 8 bits.
    Usint = 5,
    /// Unsigned integer, 16 bits.
    Uint = 6,
    /// Unsigned integer, 32 bits.
    Udint = 7,
    /// Unsigned integer, 64 bits.
    Ulint = 8,
    /// Bit string of 8 bits.
    Byte = 9,
    /// Bit string of 16 bits.
    Word = 10,
    /// Bit string of 32 bits.
    Dword = 11,
    /// Bit string of 64 bits.
    Lword = 12,
    /// IEEE 754 binary32.
    Real = 13,
    /// IEEE 754 binary64.
    Lreal = 14,
    /// Signed duration, 64 bits, in nanoseconds.
    Time = 15,
}

impl Elementary {
    /// Every type, in the order of its number in a container.
    pub const ALL: [Self; 16] = [
        Self::Bool,
        Self::Sint,
        Self::Int,
        Self::Dint,
        Self::Lint,
        Self::Usint,
        Self::Uint,
        Self::Udint,
        Self::Ulint,
        Self::Byte,
        Self::Word,
        Self::Dword,
        Self::Lword,
        Self::Real,
        Self::Lreal,
        Self::Time,
    ];

    /// The keyword of the type, in capitals.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Bool => "BOOL",
            Self::Sint => "SINT",
            Self::Int => "INT",
            Self::Dint => "DINT",
            Self::Lint => "LINT",
            Self::Usint => "USINT",
            Self::Uint => "UINT",
            Self::Udint => "UDINT",
            Self::Ulint => "ULINT",
            Self::Byte => "BYTE",
            Self::Word => "WORD",
            Self::Dword => "DWORD",
            Self::Lword => "LWORD",
            Self::Real => "REAL",
            Self::Lreal => "LREAL",
            Self::Time => "TIME",
        }
    }

    /// The type with this keyword, in any case.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|ty| ty.name().eq_ignore_ascii_case(name))
    }

    pub(crate) fn from_code(code: u8) -> Option<Self> {
        Self::ALL.get(usize::from(code)).copied()
    }

    /// Width of the type, bits.
    #[must_use]
    pub fn bits(self) -> u32 {
        match self {
            Self::Bool => 1,
            Self::Sint | Self::Usint | Self::Byte => 8,
            Self::Int | Self::Uint | Self::Word => 16,
            Self::Dint | Self::Udint | Self::Dword | Self::Real => 32,
            Self::Lint | Self::Ulint | Self::Lword | Self::Lreal | Self::Time => 64,
        }
    }

    /// True for SINT, INT, DINT and LINT.
    #[must_use]
    pub fn is_signed_int(self) -> bool {
        matches!(self, Self::Sint | Self::Int | Self::Dint | Self::Lint)
    }

    /// True for USINT, UINT, UDINT and ULINT.
    #[must_use]
    pub fn is_unsigned_int(self) -> bool {
        matches!(self, Self::Usint | Self::Uint | Self::Udint | Self::Ulint)
    }

    /// True for the types of ANY_INT.
    #[must_use]
    pub fn is_int(self) -> bool {
        self.is_signed_int() || self.is_unsigned_int()
    }

    /// True for BYTE, WORD, DWORD and LWORD: the types of ANY_BIT but BOOL.
    #[must_use]
    pub fn is_bit_string(self) -> bool {
        matches!(self, Self::Byte | Self::Word | Self::Dword | Self::Lword)
    }

    /// True for the types of ANY_REAL.
    #[must_use]
    pub fn is_real(self) -> bool {
        matches!(self, Self::Real | Self::Lreal)
    }

    /// True for the types of ANY_NUM.
    #[must_use]
    pub fn is_num(self) -> bool {
        self.is_int() || self.is_real()
    }

    /// True where the slot form is sign-extended.
    pub(crate) fn is_signed(self) -> bool {
        self.is_signed_int() || self == Self::Time
    }

    /// Bits of a 64-bit slot that the type leaves unused: the shift that narrows to it.
    pub(crate) fn unused_bits(self) -> u32 {
        64 - self.bits()
    }

    /// Brings the low bits of `raw` into the canonical slot form, dropping the rest.
    pub(crate) fn canonical(self, raw: u64) -> u64 {
        let shift = self.unused_bits();
        if self.is_signed() {
            (raw.cast_signed() << shift >> shift).cast_unsigned()
        } else {
            raw << shift >> shift
        }
    }

    /// Smallest and largest value of an integer or bit string type.
    pub(crate) fn int_range(self) -> Option<(i128, i128)> {
        if self.is_signed_int() {
            let half = 1i128 << (self.bits() - 1);
            Some((-half, half - 1))
        } else if self.is_unsigned_int() || self.is_bit_string() || self == Self::Bool {
            Some((0, (1i128 << self.bits()) - 1))
        } else {
            None
        }
    }

    /// Whether a value of this type becomes `target` without being asked to.
    ///
    /// # Source
    ///
    /// IEC 61131-3:2013, Figure 12: only conversions that keep the value. BOOL is left out of the
    /// bit strings on purpose; a flag in a WORD is nearly always a mistake.
    #[must_use]
    pub fn widens_to(self, target: Self) -> bool {
        if self == target {
            return true;
        }
        let wider = self.bits() < target.bits();
        if self.is_int() && target.is_int() {
            return wider && (self.is_unsigned_int() || target.is_signed_int());
        }
        if self.is_int() && target.is_real() {
            // A binary32 holds 24 significant bits, a binary64 holds 53.
            return self.bits() <= if target == Self::Real { 16 } else { 32 };
        }
        if self.is_bit_string() && target.is_bit_string() {
            return wider;
        }
        self == Self::Real && target == Self::Lreal
    }
}

impl fmt::Display for Elementary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A value of an elementary type, as tools see it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value {
    /// A BOOL.
    Bool(bool),
    /// A SINT, INT, DINT or LINT, with its type.
    Signed(Elementary, i64),
    /// A USINT, UINT, UDINT or ULINT, with its type.
    Unsigned(Elementary, u64),
    /// A BYTE, WORD, DWORD or LWORD, with its type.
    Bits(Elementary, u64),
    /// A REAL.
    Real(f32),
    /// A LREAL.
    Lreal(f64),
    /// A TIME, ns.
    Time(i64),
}

impl Value {
    /// The type of the value.
    #[must_use]
    pub fn elementary(self) -> Elementary {
        match self {
            Self::Bool(_) => Elementary::Bool,
            Self::Signed(ty, _) | Self::Unsigned(ty, _) | Self::Bits(ty, _) => ty,
            Self::Real(_) => Elementary::Real,
            Self::Lreal(_) => Elementary::Lreal,
            Self::Time(_) => Elementary::Time,
        }
    }

    /// An INT.
    #[must_use]
    pub fn int(value: i16) -> Self {
        Self::Signed(Elementary::Int, value.into())
    }

    /// A DINT.
    #[must_use]
    pub fn dint(value: i32) -> Self {
        Self::Signed(Elementary::Dint, value.into())
    }

    /// A UINT.
    #[must_use]
    pub fn uint(value: u16) -> Self {
        Self::Unsigned(Elementary::Uint, value.into())
    }

    /// A WORD.
    #[must_use]
    pub fn word(value: u16) -> Self {
        Self::Bits(Elementary::Word, value.into())
    }

    /// The value as a number: BOOL as 0 or 1, TIME in milliseconds.
    ///
    /// Integers of more than 53 bits lose their lowest bits.
    #[must_use]
    pub fn as_f64(self) -> f64 {
        match self {
            Self::Bool(value) => f64::from(u8::from(value)),
            Self::Signed(_, value) => value as f64,
            Self::Unsigned(_, value) | Self::Bits(_, value) => value as f64,
            Self::Real(value) => f64::from(value),
            Self::Lreal(value) => value,
            Self::Time(nanos) => nanos as f64 / NANOS_PER_MILLI as f64,
        }
    }

    /// The value as a BOOL, if it is one.
    #[must_use]
    pub fn as_bool(self) -> Option<bool> {
        match self {
            Self::Bool(value) => Some(value),
            _ => None,
        }
    }

    pub(crate) fn from_slot(ty: Elementary, slot: u64) -> Self {
        match ty {
            Elementary::Bool => Self::Bool(slot != 0),
            Elementary::Real => Self::Real(real_of(slot)),
            Elementary::Lreal => Self::Lreal(f64::from_bits(slot)),
            Elementary::Time => Self::Time(slot.cast_signed()),
            _ if ty.is_signed_int() => Self::Signed(ty, slot.cast_signed()),
            _ if ty.is_unsigned_int() => Self::Unsigned(ty, slot),
            _ => Self::Bits(ty, slot),
        }
    }

    pub(crate) fn to_slot(self) -> u64 {
        match self {
            Self::Bool(value) => value.into(),
            Self::Signed(ty, value) => ty.canonical(value.cast_unsigned()),
            Self::Unsigned(ty, value) | Self::Bits(ty, value) => ty.canonical(value),
            Self::Real(value) => slot_of_real(value),
            Self::Lreal(value) => value.to_bits(),
            Self::Time(nanos) => nanos.cast_unsigned(),
        }
    }
}

impl fmt::Display for Value {
    /// Writes the value as an untyped literal: `TRUE`, `-5`, `16#00FF`, `1.5`, `T#1500ms`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Bool(value) => f.write_str(if value { "TRUE" } else { "FALSE" }),
            Self::Signed(_, value) => write!(f, "{value}"),
            Self::Unsigned(_, value) => write!(f, "{value}"),
            Self::Bits(ty, value) => {
                let digits = usize::from(u8::try_from(ty.bits() / 4).unwrap_or(16));
                write!(f, "16#{value:0digits$X}")
            }
            Self::Real(value) => write!(f, "{value:?}"),
            Self::Lreal(value) => write!(f, "{value:?}"),
            Self::Time(nanos) => {
                let sign = if nanos < 0 { "-" } else { "" };
                let nanos = nanos.unsigned_abs();
                let (whole, rest) = (nanos / 1_000_000, nanos % 1_000_000);
                if rest == 0 {
                    write!(f, "T#{sign}{whole}ms")
                } else {
                    let digits = format!("{rest:06}");
                    write!(f, "T#{sign}{whole}.{}ms", digits.trim_end_matches('0'))
                }
            }
        }
    }
}

/// Reads a REAL from its slot.
#[inline]
#[expect(
    clippy::cast_possible_truncation,
    reason = "a REAL slot is zero above bit 31"
)]
pub(crate) fn real_of(slot: u64) -> f32 {
    f32::from_bits(slot as u32)
}

/// Writes a REAL as its slot.
#[inline]
pub(crate) fn slot_of_real(value: f32) -> u64 {
    u64::from(value.to_bits())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn canonical_when_bits_overflow_then_wraps_by_sign() {
        assert_eq!(Elementary::Int.canonical(0x8000), 0xFFFF_FFFF_FFFF_8000);
        assert_eq!(Elementary::Uint.canonical(0x1_8000), 0x8000);
        assert_eq!(Elementary::Bool.canonical(2), 0);
        assert_eq!(Elementary::Time.canonical(u64::MAX), u64::MAX);
    }

    #[test]
    fn widening_when_value_could_change_then_is_refused() {
        use Elementary::*;
        let allowed = [
            (Sint, Int),
            (Uint, Dint),
            (Int, Real),
            (Dint, Lreal),
            (Byte, Word),
            (Real, Lreal),
        ];
        let refused = [
            (Int, Uint),
            (Uint, Int),
            (Dint, Real),
            (Lint, Lreal),
            (Word, Uint),
            (Bool, Word),
            (Time, Lint),
        ];
        assert!(allowed.iter().all(|(from, to)| from.widens_to(*to)));
        assert!(refused.iter().all(|(from, to)| !from.widens_to(*to)));
    }

    #[test]
    fn value_when_displayed_then_reads_as_a_literal() {
        for (value, text) in [
            (Value::Bool(true), "TRUE"),
            (Value::int(-5), "-5"),
            (Value::word(255), "16#00FF"),
            (Value::Real(1.5), "1.5"),
            (Value::Time(1_500_000_000), "T#1500ms"),
            (Value::Time(-1_250_000), "T#-1.25ms"),
        ] {
            assert_eq!(value.to_string(), text);
        }
    }
}
