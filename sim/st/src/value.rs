//! Values of the elementary types, as tools see them.

use std::fmt;

use crate::calendar;
use crate::literal;
use crate::types::{Elementary, NANOS_PER_MILLI, real_of, slot_of_real};

/// A value of an elementary type, as tools see it.
#[derive(Clone, Debug, PartialEq)]
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
    /// A LTIME, DATE, TOD, DT or their long forms, with its type; ns.
    Nanos(Elementary, i64),
    /// A CHAR or WCHAR, with its type.
    Char(Elementary, u16),
    /// A STRING or WSTRING, with its type.
    Text(Elementary, String),
}

impl Value {
    /// The type of the value.
    #[must_use]
    pub fn elementary(&self) -> Elementary {
        match *self {
            Self::Bool(_) => Elementary::Bool,
            Self::Signed(ty, _) | Self::Unsigned(ty, _) | Self::Bits(ty, _) => ty,
            Self::Nanos(ty, _) | Self::Char(ty, _) | Self::Text(ty, _) => ty,
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

    /// The value as a number: BOOL as 0 or 1, TIME in milliseconds, other times and dates in
    /// nanoseconds, a character as its code, a text as its length.
    ///
    /// Integers of more than 53 bits lose their lowest bits.
    #[must_use]
    pub fn as_f64(&self) -> f64 {
        match *self {
            Self::Bool(value) => f64::from(u8::from(value)),
            Self::Signed(_, value) => value as f64,
            Self::Unsigned(_, value) | Self::Bits(_, value) => value as f64,
            Self::Real(value) => f64::from(value),
            Self::Lreal(value) => value,
            Self::Time(nanos) => nanos as f64 / NANOS_PER_MILLI as f64,
            Self::Nanos(_, nanos) => nanos as f64,
            Self::Char(_, code) => f64::from(code),
            Self::Text(_, ref text) => text.chars().count() as f64,
        }
    }

    /// Reads a value of `ty` as people write it in a table: a literal of the language (`TRUE`, `-5`,
    /// `16#FF`, `1.5`, `T#1500ms`, `'text'`), `0` and `1` for a BOOL, a whole number for a REAL, a text
    /// without quotes.
    ///
    /// # Errors
    ///
    /// A clause that says why this is no value of the type.
    ///
    /// # Examples
    ///
    /// ```
    /// use sim_st::{Elementary, Value};
    ///
    /// assert_eq!(Value::parse(Elementary::Real, "-3"), Ok(Value::Real(-3.0)));
    /// assert_eq!(Value::parse(Elementary::Time, "T#1s"), Ok(Value::Time(1_000_000_000)));
    /// assert!(Value::parse(Elementary::Int, "40000").is_err());
    /// ```
    pub fn parse(ty: Elementary, text: &str) -> Result<Self, String> {
        let text = text.trim();
        let (negative, digits) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let wrong = || format!("`{text}` is no value of type {ty}");
        let is_number = digits.starts_with(|c: char| c.is_ascii_digit());
        match ty {
            Elementary::Bool => match text.to_ascii_uppercase().as_str() {
                "TRUE" | "1" => Ok(Self::Bool(true)),
                "FALSE" | "0" => Ok(Self::Bool(false)),
                _ => Err(format!("{}: TRUE, FALSE, 1 or 0", wrong())),
            },
            Elementary::Real | Elementary::Lreal if is_number => {
                let number = literal::real(digits).map_err(|why| format!("{}: {why}", wrong()))?;
                let number = if negative { -number } else { number };
                #[expect(
                    clippy::cast_possible_truncation,
                    reason = "a REAL rounds, as in a program"
                )]
                Ok(match ty {
                    Elementary::Real => Self::Real(number as f32),
                    _ => Self::Lreal(number),
                })
            }
            _ if ty.is_duration() => {
                let nanos =
                    literal::duration_ns(text).map_err(|why| format!("{}: {why}", wrong()))?;
                Ok(Self::from_slot(ty, nanos.cast_unsigned()))
            }
            _ if ty.is_date() => {
                let (found, nanos) =
                    calendar::literal(text).map_err(|why| format!("{}: {why}", wrong()))?;
                (found == ty)
                    .then(|| Self::from_slot(ty, nanos.cast_unsigned()))
                    .ok_or_else(wrong)
            }
            _ if ty.is_text() => Ok(Self::Text(ty, text.to_owned())),
            _ if is_number => {
                let number =
                    literal::integer(digits).map_err(|why| format!("{}: {why}", wrong()))?;
                let number = if negative { -number } else { number };
                let (low, high) = ty.int_range().ok_or_else(wrong)?;
                if !(low..=high).contains(&number) {
                    return Err(format!(
                        "{number} is outside {low}..{high}, the range of {ty}"
                    ));
                }
                let bits = number.to_le_bytes();
                let mut slot = [0; 8];
                slot.copy_from_slice(&bits[..8]);
                Ok(Self::from_slot(ty, u64::from_le_bytes(slot)))
            }
            _ => Err(wrong()),
        }
    }

    /// The value as a BOOL, if it is one.
    #[must_use]
    pub fn as_bool(&self) -> Option<bool> {
        match *self {
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
            _ if ty.is_duration() || ty.is_date() => Self::Nanos(ty, slot.cast_signed()),
            _ if ty.is_char() => Self::Char(ty, u16::try_from(slot).unwrap_or(0)),
            _ if ty.is_text() => Self::Text(ty, String::new()),
            _ if ty.is_signed_int() => Self::Signed(ty, slot.cast_signed()),
            _ if ty.is_unsigned_int() => Self::Unsigned(ty, slot),
            _ => Self::Bits(ty, slot),
        }
    }

    /// The slot of the value; the length, for a text.
    pub(crate) fn to_slot(&self) -> u64 {
        match *self {
            Self::Bool(value) => value.into(),
            Self::Signed(ty, value) => ty.canonical(value.cast_unsigned()),
            Self::Unsigned(ty, value) | Self::Bits(ty, value) => ty.canonical(value),
            Self::Real(value) => slot_of_real(value),
            Self::Lreal(value) => value.to_bits(),
            Self::Time(nanos) | Self::Nanos(_, nanos) => nanos.cast_unsigned(),
            Self::Char(ty, code) => ty.canonical(code.into()),
            Self::Text(ty, ref text) => ty.canonical(text.chars().count() as u64),
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
            Self::Time(nanos) => f.write_str(&duration_text(nanos)),
            Self::Nanos(ty, nanos) => f.write_str(&calendar::text(ty, nanos)),
            Self::Char(ty, code) => {
                let text: String = char::from_u32(code.into()).into_iter().collect();
                f.write_str(&quoted(ty == Elementary::Wchar, &text))
            }
            Self::Text(ty, ref text) => f.write_str(&quoted(ty == Elementary::Wstring, text)),
        }
    }
}

/// A duration as a literal in milliseconds: `T#1500ms`.
pub(crate) fn duration_text(nanos: i64) -> String {
    let sign = if nanos < 0 { "-" } else { "" };
    let nanos = nanos.unsigned_abs();
    let (whole, rest) = (nanos / 1_000_000, nanos % 1_000_000);
    if rest == 0 {
        format!("T#{sign}{whole}ms")
    } else {
        let digits = format!("{rest:06}");
        format!("T#{sign}{whole}.{}ms", digits.trim_end_matches('0'))
    }
}

/// A text as a literal (IEC 61131-3:2013, Tables 6 and 7).
fn quoted(wide: bool, text: &str) -> String {
    let quote = if wide { '"' } else { '\'' };
    let mut out = String::from(quote);
    for character in text.chars() {
        match character {
            '$' => out.push_str("$$"),
            '\n' => out.push_str("$L"),
            '\r' => out.push_str("$R"),
            '\t' => out.push_str("$T"),
            '\u{C}' => out.push_str("$P"),
            _ if character == quote => {
                out.push('$');
                out.push(quote);
            }
            _ if u32::from(character) < 0x20 => {
                let code = u32::from(character);
                out.push_str(&if wide {
                    format!("${code:04X}")
                } else {
                    format!("${code:02X}")
                });
            }
            _ => out.push(character),
        }
    }
    out.push(quote);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parse_when_text_is_a_value_then_as_displayed_and_otherwise_says_why() {
        use Elementary::{Bool, Date, Dint, Int, Lreal, Real, String as Text, Time, Uint, Word};
        for (ty, text, expected) in [
            (Bool, "1", "TRUE"),
            (Bool, " false ", "FALSE"),
            (Int, "-32_768", "-32768"),
            (Word, "16#ff", "16#00FF"),
            (Real, "3", "3.0"),
            (Lreal, "-1.5E-3", "-0.0015"),
            (Time, "T#1s500ms", "T#1500ms"),
            (Date, "D#2024-02-29", "DATE#2024-02-29"),
            (Text, "a'b", "'a$'b'"),
        ] {
            let shown = Value::parse(ty, text).map(|value| value.to_string());
            assert_eq!(shown.as_deref(), Ok(expected), "{ty} {text}");
        }
        for (ty, text) in [
            (Bool, "yes"),
            (Int, "32768"),
            (Uint, "-1"),
            (Dint, ""),
            (Dint, "--1"),
            (Real, "nan"),
            (Real, "--1"),
            (Time, "5"),
            (Date, "D#2023-02-29"),
            (Date, "TOD#12:00:00"),
        ] {
            assert!(Value::parse(ty, text).is_err(), "{ty} {text}");
        }
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
            (Value::Nanos(Elementary::Tod, 5_000_000), "TOD#00:00:00.005"),
            (
                Value::Text(Elementary::String, "a'$b".to_owned()),
                "'a$'$$b'",
            ),
        ] {
            assert_eq!(value.to_string(), text);
        }
    }
}
