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
    /// Like TIME.
    Ltime = 16,
    /// Calendar date: nanoseconds from 1970-01-01 to the beginning of the day.
    Date = 17,
    /// Like DATE.
    Ldate = 18,
    /// Time of day, in nanoseconds from midnight.
    Tod = 19,
    /// Like TIME_OF_DAY.
    Ltod = 20,
    /// Date and time: nanoseconds from 1970-01-01.
    Dt = 21,
    /// Like DATE_AND_TIME.
    Ldt = 22,
    /// One character of ISO/IEC 10646 row 00, 8 bits.
    Char = 23,
    /// One character of the basic multilingual plane, 16 bits.
    Wchar = 24,
    /// Text of CHAR. Its slot holds the length; slots of eight characters each follow it.
    String = 25,
    /// Text of WCHAR. Its slot holds the length; slots of four characters each follow it.
    Wstring = 26,
}

/// Names that the standard gives besides the short ones (IEC 61131-3:2013, Table 10).
const LONG_NAMES: [(&str, Elementary); 4] = [
    ("TIME_OF_DAY", Elementary::Tod),
    ("LTIME_OF_DAY", Elementary::Ltod),
    ("DATE_AND_TIME", Elementary::Dt),
    ("LDATE_AND_TIME", Elementary::Ldt),
];

impl Elementary {
    /// Every type, in the order of its number in a container.
    pub const ALL: [Self; 27] = [
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
        Self::Ltime,
        Self::Date,
        Self::Ldate,
        Self::Tod,
        Self::Ltod,
        Self::Dt,
        Self::Ldt,
        Self::Char,
        Self::Wchar,
        Self::String,
        Self::Wstring,
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
            Self::Ltime => "LTIME",
            Self::Date => "DATE",
            Self::Ldate => "LDATE",
            Self::Tod => "TOD",
            Self::Ltod => "LTOD",
            Self::Dt => "DT",
            Self::Ldt => "LDT",
            Self::Char => "CHAR",
            Self::Wchar => "WCHAR",
            Self::String => "STRING",
            Self::Wstring => "WSTRING",
        }
    }

    /// The type with this keyword, in any case; `TIME_OF_DAY` and its kin are known too.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        for (long, ty) in LONG_NAMES {
            if long.eq_ignore_ascii_case(name) {
                return Some(ty);
            }
        }
        Self::ALL
            .into_iter()
            .find(|ty| ty.name().eq_ignore_ascii_case(name))
    }

    pub(crate) fn from_code(code: u8) -> Option<Self> {
        Self::ALL.get(usize::from(code)).copied()
    }

    /// Width of the type, bits; of its length, for a text.
    #[must_use]
    pub fn bits(self) -> u32 {
        match self {
            Self::Bool => 1,
            Self::Sint | Self::Usint | Self::Byte | Self::Char => 8,
            Self::Int | Self::Uint | Self::Word | Self::Wchar | Self::String | Self::Wstring => 16,
            Self::Dint | Self::Udint | Self::Dword | Self::Real => 32,
            _ => 64,
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

    /// True for TIME and LTIME.
    #[must_use]
    pub fn is_duration(self) -> bool {
        matches!(self, Self::Time | Self::Ltime)
    }

    /// True for the types of ANY_DATE: dates, times of day and both together.
    #[must_use]
    pub fn is_date(self) -> bool {
        use Elementary::{Date, Dt, Ldate, Ldt, Ltod, Tod};
        matches!(self, Date | Ldate | Tod | Ltod | Dt | Ldt)
    }

    /// True for CHAR and WCHAR.
    #[must_use]
    pub fn is_char(self) -> bool {
        matches!(self, Self::Char | Self::Wchar)
    }

    /// True for STRING and WSTRING.
    #[must_use]
    pub fn is_text(self) -> bool {
        matches!(self, Self::String | Self::Wstring)
    }

    /// Nanoseconds in the unit in which a duration or date meets numbers: TIME and TOD in
    /// milliseconds, DATE and DT in seconds, their long forms in nanoseconds.
    pub(crate) fn number_unit_ns(self) -> Option<i64> {
        match self {
            Self::Time | Self::Tod => Some(NANOS_PER_MILLI),
            Self::Date | Self::Dt => Some(1_000_000_000),
            Self::Ltime | Self::Ldate | Self::Ltod | Self::Ldt => Some(1),
            _ => None,
        }
    }

    /// True where the slot form is sign-extended.
    pub(crate) fn is_signed(self) -> bool {
        self.is_signed_int() || self.is_duration() || self.is_date()
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
        use Elementary::{Date, Dt, Ldate, Ldt, Lreal, Ltime, Ltod, Real, Time, Tod};
        matches!(
            (self, target),
            (Real, Lreal) | (Time, Ltime) | (Date, Ldate) | (Tod, Ltod) | (Dt, Ldt)
        )
    }
}

impl fmt::Display for Elementary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
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
}
