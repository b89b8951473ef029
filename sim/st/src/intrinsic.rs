//! Functions that the machine computes as a whole: texts, their conversions, the calendar, BCD.
//!
//! An intrinsic takes a list of operands that the verifier checks against [`Intrinsic::params`];
//! a text among them is its length and the slots of its characters. It reads all it needs before
//! it writes, so that its result may be one of its operands.
//!
//! **Invariants:** no intrinsic traps; a length in memory that is larger than the text's capacity
//! counts as the capacity; characters behind the end of a text are zero.
//!
//! Source: IEC 61131-3:2013, Tables 22 to 27 (conversions), 34 (character strings), 36 (dates).

use crate::calendar;
use crate::semantics;
use crate::types::Elementary;
use crate::value::Value;

/// Most characters of a text.
pub(crate) const MAX_TEXT_LEN: u32 = 1024;
/// Most characters of a text that is declared without a length.
pub(crate) const DEFAULT_TEXT_LEN: u32 = 254;

/// An operand of an intrinsic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Param {
    TextIn,
    TextOut,
    In(Elementary),
    Out(Elementary),
}

use Elementary as E;
use Param::{In, Out, TextIn, TextOut};

macro_rules! intrinsics {
    ($($name:ident $params:expr;)*) => {
        /// A function of the machine.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u8)]
        pub(crate) enum Intrinsic { $($name),* }

        impl Intrinsic {
            const ALL: &[Intrinsic] = &[$(Intrinsic::$name),*];

            /// The operands, the result first.
            pub(crate) fn params(self) -> &'static [Param] {
                match self { $(Intrinsic::$name => $params),* }
            }
        }
    };
}

intrinsics! {
    Assign &[TextOut, TextIn];
    Concat &[TextOut, TextIn, TextIn];
    Left &[TextOut, TextIn, In(E::Lint)];
    Right &[TextOut, TextIn, In(E::Lint)];
    Mid &[TextOut, TextIn, In(E::Lint), In(E::Lint)];
    Insert &[TextOut, TextIn, TextIn, In(E::Lint)];
    Delete &[TextOut, TextIn, In(E::Lint), In(E::Lint)];
    Replace &[TextOut, TextIn, TextIn, In(E::Lint), In(E::Lint)];
    Find &[Out(E::Lint), TextIn, TextIn];
    Len &[Out(E::Lint), TextIn];
    Compare &[Out(E::Lint), TextIn, TextIn];
    FromChar &[TextOut, In(E::Wchar)];
    FirstChar &[Out(E::Wchar), TextIn];
    FormatBool &[TextOut, In(E::Bool)];
    FormatSigned &[TextOut, In(E::Lint)];
    FormatUnsigned &[TextOut, In(E::Ulint)];
    FormatBits &[TextOut, In(E::Lword), In(E::Lint)];
    FormatReal &[TextOut, In(E::Real)];
    FormatLreal &[TextOut, In(E::Lreal)];
    FormatNanos &[TextOut, In(E::Lint), In(E::Lint)];
    ParseSigned &[Out(E::Lint), TextIn];
    ParseUnsigned &[Out(E::Ulint), TextIn];
    ParseReal &[Out(E::Lreal), TextIn];
    ParseBool &[Out(E::Bool), TextIn];
    ParseNanos &[Out(E::Lint), TextIn];
    FromBcd &[Out(E::Ulint), In(E::Lword)];
    ToBcd &[Out(E::Lword), In(E::Ulint)];
    Atan2 &[Out(E::Lreal), In(E::Lreal), In(E::Lreal)];
    Civil &[Out(E::Lint), In(E::Lint), In(E::Lint), In(E::Lint)];
    Year &[Out(E::Lint), In(E::Lint)];
    Month &[Out(E::Lint), In(E::Lint)];
    Day &[Out(E::Lint), In(E::Lint)];
    ValidBcd &[Out(E::Bool), In(E::Lword)];
    SwapBytes &[Out(E::Lword), In(E::Lword)];
}

impl Intrinsic {
    pub(crate) fn from_code(code: u8) -> Option<Self> {
        Self::ALL.get(usize::from(code)).copied()
    }

    /// Type of the result; of its characters' text, for a text.
    pub(crate) fn result(self) -> Option<Elementary> {
        match self.params().first() {
            Some(Out(ty)) => Some(*ty),
            _ => None,
        }
    }
}

/// Slots behind the length of a text.
pub(crate) fn text_words(ty: Elementary, capacity: u32) -> u32 {
    capacity.div_ceil(if ty == Elementary::Wstring { 4 } else { 8 })
}

/// The characters of a text as its slots, the first in the lowest bits.
pub(crate) fn pack_text(ty: Elementary, units: &[u16], words: u32) -> Vec<u64> {
    let (per_word, bits) = if ty == Elementary::Wstring {
        (4, 16)
    } else {
        (8, 8)
    };
    let mut packed = vec![0; words as usize];
    for (at, &unit) in units.iter().enumerate() {
        if let Some(word) = packed.get_mut(at / per_word) {
            *word |= u64::from(unit) << (bits * (at % per_word));
        }
    }
    packed
}

/// An operand as the machine finds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Operand {
    /// First slot in the memory.
    pub(crate) slot: usize,
    /// Most characters of a text.
    pub(crate) capacity: u32,
    pub(crate) wide: bool,
}

/// A text in the memory.
#[derive(Clone, Copy)]
struct Text<'m> {
    words: &'m [u64],
    len: usize,
    wide: bool,
}

impl<'m> Text<'m> {
    fn new(memory: &'m [u64], operand: Operand) -> Self {
        let len = memory[operand.slot].min(operand.capacity.into());
        let words = &memory[operand.slot + 1..];
        Self {
            words,
            len: usize::try_from(len).unwrap_or(0),
            wide: operand.wide,
        }
    }

    fn unit(self, at: usize) -> u16 {
        let (per_word, bits, mask) = if self.wide {
            (4, 16, 0xFFFF)
        } else {
            (8, 8, 0xFF)
        };
        let word = self.words[at / per_word] >> (bits * (at % per_word)) & mask;
        u16::try_from(word).unwrap_or(0)
    }

    fn units(self, range: std::ops::Range<usize>) -> impl Iterator<Item = u16> + 'm {
        (range.start.min(self.len)..range.end.min(self.len)).map(move |at| self.unit(at))
    }

    fn all(self) -> impl Iterator<Item = u16> + 'm {
        self.units(0..self.len)
    }

    fn to_text(self) -> String {
        self.all()
            .map(|unit| char::from_u32(unit.into()).unwrap_or('?'))
            .collect()
    }
}

/// Reads a text from the memory, for tools.
pub(crate) fn read_text(memory: &[u64], slot: usize, ty: Elementary, capacity: u32) -> String {
    let wide = ty == Elementary::Wstring;
    Text::new(
        memory,
        Operand {
            slot,
            capacity,
            wide,
        },
    )
    .to_text()
}

/// Writes a text into the memory; what does not fit is cut off.
pub(crate) fn write_text(memory: &mut [u64], target: Operand, units: impl Iterator<Item = u16>) {
    let ty = if target.wide {
        Elementary::Wstring
    } else {
        Elementary::String
    };
    let words = text_words(ty, target.capacity) as usize;
    let (per_word, bits) = if target.wide { (4, 16) } else { (8, 8) };
    let limit = if target.wide { 0xFFFF } else { 0xFF };
    let slots = &mut memory[target.slot..=target.slot + words];
    slots.fill(0);
    let mut len = 0;
    for unit in units.take(target.capacity as usize) {
        // A character that a STRING does not hold becomes a question mark.
        let unit = if unit > limit { u16::from(b'?') } else { unit };
        slots[1 + len / per_word] |= u64::from(unit) << (bits * (len % per_word));
        len += 1;
    }
    slots[0] = len as u64;
}

/// Characters on their way to a result.
struct Buffer {
    units: [u16; MAX_TEXT_LEN as usize],
    len: usize,
}

impl Buffer {
    fn extend(&mut self, units: impl Iterator<Item = u16>) {
        for unit in units {
            if let Some(place) = self.units.get_mut(self.len) {
                *place = unit;
                self.len += 1;
            }
        }
    }
}

/// Computes an intrinsic. `operands` are those of [`Intrinsic::params`], as the verifier has
/// checked.
pub(crate) fn call(function: Intrinsic, operands: &[Operand], memory: &mut [u64]) {
    if function.result().is_some() {
        let value = value_of(function, operands, memory);
        memory[operands[0].slot] = value;
        return;
    }
    let mut out = Buffer {
        units: [0; MAX_TEXT_LEN as usize],
        len: 0,
    };
    text_of(function, operands, memory, &mut out);
    let units = out.units[..out.len].iter().copied();
    write_text(memory, operands[0], units);
}

/// The number in an operand, cut to `0..=MAX_TEXT_LEN`.
fn count(memory: &[u64], operand: Operand) -> usize {
    let number = memory[operand.slot]
        .cast_signed()
        .clamp(0, MAX_TEXT_LEN.into());
    usize::try_from(number).unwrap_or(0)
}

fn text_of(function: Intrinsic, operands: &[Operand], memory: &[u64], out: &mut Buffer) {
    let text = |at: usize| Text::new(memory, operands[at]);
    let number = |at: usize| count(memory, operands[at]);
    let slot = |at: usize| memory[operands[at].slot];
    let formatted = match function {
        Intrinsic::Assign => return out.extend(text(1).all()),
        Intrinsic::Concat => {
            out.extend(text(1).all());
            return out.extend(text(2).all());
        }
        Intrinsic::Left => return out.extend(text(1).units(0..number(2))),
        Intrinsic::Right => {
            let all = text(1);
            return out.extend(all.units(all.len.saturating_sub(number(2))..all.len));
        }
        // Positions begin at 1.
        Intrinsic::Mid => {
            let Some(first) = number(3).checked_sub(1) else {
                return;
            };
            return out.extend(text(1).units(first..first + number(2)));
        }
        Intrinsic::Insert => {
            let (all, at) = (text(1), number(3));
            out.extend(all.units(0..at));
            out.extend(text(2).all());
            return out.extend(all.units(at..all.len));
        }
        Intrinsic::Delete => {
            let all = text(1);
            let Some(first) = number(3).checked_sub(1) else {
                return out.extend(all.all());
            };
            out.extend(all.units(0..first));
            return out.extend(all.units(first + number(2)..all.len));
        }
        Intrinsic::Replace => {
            let all = text(1);
            let Some(first) = number(4).checked_sub(1) else {
                return out.extend(all.all());
            };
            out.extend(all.units(0..first));
            out.extend(text(2).all());
            return out.extend(all.units(first + number(3)..all.len));
        }
        Intrinsic::FromChar => {
            return out.extend(std::iter::once(u16::try_from(slot(1)).unwrap_or(0)));
        }
        Intrinsic::FormatBool => Value::Bool(slot(1) != 0).to_string(),
        Intrinsic::FormatSigned => slot(1).cast_signed().to_string(),
        Intrinsic::FormatUnsigned => slot(1).to_string(),
        Intrinsic::FormatBits => {
            let digits = number(2).min(64) / 4;
            format!("16#{:0digits$X}", slot(1))
        }
        Intrinsic::FormatReal => Value::from_slot(Elementary::Real, slot(1)).to_string(),
        Intrinsic::FormatLreal => Value::from_slot(Elementary::Lreal, slot(1)).to_string(),
        Intrinsic::FormatNanos => {
            let code = u8::try_from(slot(2)).unwrap_or(0);
            let ty = Elementary::from_code(code).unwrap_or(Elementary::Time);
            calendar::text(ty, slot(1).cast_signed())
        }
        _ => return,
    };
    out.extend(formatted.bytes().map(u16::from));
}

fn value_of(function: Intrinsic, operands: &[Operand], memory: &[u64]) -> u64 {
    let text = |at: usize| Text::new(memory, operands[at]);
    let slot = |at: usize| memory[operands[at].slot];
    let civil =
        |at: usize| calendar::civil_from_days(slot(at).cast_signed().div_euclid(calendar::DAY_NS));
    match function {
        Intrinsic::Find => find(text(1), text(2)),
        Intrinsic::Len => text(1).len as u64,
        Intrinsic::Compare => {
            let order = text(1).all().cmp(text(2).all());
            i64::from(order as i8).cast_unsigned()
        }
        Intrinsic::FirstChar => text(1).all().next().unwrap_or(0).into(),
        Intrinsic::ParseSigned => {
            let value = parse_integer(&text(1).to_text());
            let (low, high) = (i128::from(i64::MIN), i128::from(i64::MAX));
            i64::try_from(value.clamp(low, high))
                .unwrap_or(0)
                .cast_unsigned()
        }
        Intrinsic::ParseUnsigned => {
            u64::try_from(parse_integer(&text(1).to_text()).max(0)).unwrap_or(u64::MAX)
        }
        Intrinsic::ParseReal => semantics::put_l(parse_real(&text(1).to_text())),
        Intrinsic::ParseBool => {
            let text = text(1).to_text();
            let text = text.trim();
            u64::from(text.eq_ignore_ascii_case("TRUE") || text == "1")
        }
        Intrinsic::ParseNanos => parse_nanos(text(1).to_text().trim()).cast_unsigned(),
        Intrinsic::FromBcd => from_bcd(slot(1)),
        Intrinsic::ToBcd => to_bcd(slot(1)),
        Intrinsic::ValidBcd => {
            let is_digit = |at: u32| slot(1) >> (4 * at) & 0xF <= 9;
            (0..16).all(is_digit).into()
        }
        Intrinsic::SwapBytes => slot(1).swap_bytes(),
        Intrinsic::Atan2 => {
            let (y, x) = (f64::from_bits(slot(1)), f64::from_bits(slot(2)));
            semantics::put_l(libm::atan2(y, x))
        }
        Intrinsic::Civil => {
            let [year, month, day] = [1, 2, 3].map(|at| slot(at).cast_signed());
            let days = calendar::days_from_civil(year, month, day);
            let nanos = days.and_then(|days| days.checked_mul(calendar::DAY_NS));
            nanos.unwrap_or(0).cast_unsigned()
        }
        Intrinsic::Year => civil(1).0.cast_unsigned(),
        Intrinsic::Month => civil(1).1.cast_unsigned(),
        Intrinsic::Day => civil(1).2.cast_unsigned(),
        _ => 0,
    }
}

/// Position of the first occurrence, from 1; 0 where there is none.
fn find(text: Text<'_>, wanted: Text<'_>) -> u64 {
    if wanted.len == 0 || wanted.len > text.len {
        return 0;
    }
    // Knuth, Morris and Pratt, so that no text takes longer than its scan time stands for: of what was found up to
    // each unit, the length of the longest beginning that it also ends with.
    let mut borders = [0usize; MAX_TEXT_LEN as usize];
    let mut matched = 0;
    for at in 1..wanted.len {
        matched = extend_match(wanted, &borders, matched, wanted.unit(at));
        borders[at] = matched;
    }
    matched = 0;
    for at in 0..text.len {
        matched = extend_match(wanted, &borders, matched, text.unit(at));
        if matched == wanted.len {
            return (at + 2 - wanted.len) as u64;
        }
    }
    0
}

/// How much of `wanted` is found with one more unit, after `matched` of its units.
fn extend_match(wanted: Text<'_>, borders: &[usize], mut matched: usize, unit: u16) -> usize {
    while matched > 0 && wanted.unit(matched) != unit {
        matched = borders[matched - 1];
    }
    matched + usize::from(wanted.unit(matched) == unit)
}

/// A whole number with sign and base as in a literal; 0 where the text is none.
fn parse_integer(text: &str) -> i128 {
    let text = text.trim();
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let value = crate::literal::integer(digits).unwrap_or(0);
    if negative { -value } else { value }
}

/// A decimal number; 0 where the text is none.
fn parse_real(text: &str) -> f64 {
    let text = text.trim();
    let plain = text
        .bytes()
        .all(|b| b.is_ascii_digit() || matches!(b, b'+' | b'-' | b'.' | b'e' | b'E'));
    if plain {
        text.parse().unwrap_or(0.0)
    } else {
        0.0
    }
}

/// A duration or date as in a literal, ns; 0 where the text is none.
fn parse_nanos(text: &str) -> i64 {
    match crate::literal::duration_ns(text) {
        Ok(nanos) => nanos,
        Err(_) => calendar::literal(text).map_or(0, |(_, nanos)| nanos),
    }
}

/// Digits above 9 count as 9.
fn from_bcd(bits: u64) -> u64 {
    (0..16)
        .rev()
        .fold(0, |value, at| value * 10 + (bits >> (4 * at) & 0xF).min(9))
}

/// The lowest 16 decimal digits.
fn to_bcd(value: u64) -> u64 {
    let mut rest = value;
    let mut bits = 0;
    for at in 0..16 {
        bits |= (rest % 10) << (4 * at);
        rest /= 10;
    }
    bits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intrinsic_when_read_by_its_number_then_is_itself() {
        for (number, &function) in Intrinsic::ALL.iter().enumerate() {
            assert_eq!(function as usize, number);
            assert_eq!(Intrinsic::from_code(function as u8), Some(function));
        }
        assert_eq!(Intrinsic::from_code(255), None);
    }

    #[test]
    fn bcd_when_converted_then_comes_back() {
        assert_eq!(to_bcd(1234), 0x1234);
        assert_eq!(from_bcd(0x9876_5432), 98_765_432);
        assert_eq!(from_bcd(0x1F), 19);
    }

    #[test]
    fn text_when_length_is_forged_then_capacity_counts() {
        let memory = [9999, u64::from_le_bytes(*b"abcdefgh")];
        assert_eq!(read_text(&memory, 0, Elementary::String, 8), "abcdefgh");
    }
}
