//! Typed values and the words or bits that hold them.
//!
//! A value of two words has its high word first, as everywhere in the plant.

use sim_plant::spec::TagKind;

/// Number of entries that a value takes: one bit or word, or two words.
#[must_use]
pub(crate) fn entries(kind: TagKind) -> u16 {
    match kind {
        TagKind::Bool | TagKind::Int | TagKind::Uint => 1,
        TagKind::Dint | TagKind::Udint | TagKind::Real => 2,
    }
}

/// Smallest and largest value that a kind can hold.
#[must_use]
pub(crate) fn limits(kind: TagKind) -> (f64, f64) {
    match kind {
        TagKind::Bool => (0.0, 1.0),
        TagKind::Int => (f64::from(i16::MIN), f64::from(i16::MAX)),
        TagKind::Uint => (0.0, f64::from(u16::MAX)),
        TagKind::Dint => (f64::from(i32::MIN), f64::from(i32::MAX)),
        TagKind::Udint => (0.0, f64::from(u32::MAX)),
        TagKind::Real => (f64::from(f32::MIN), f64::from(f32::MAX)),
    }
}

/// The value in `words`, which hold at least [`entries`] of it; bits are words of 0 and 1.
///
/// `None` if there are too few words.
#[must_use]
pub(crate) fn decode(kind: TagKind, words: &[u16]) -> Option<f64> {
    let first = *words.first()?;
    let double = || Some(u32::from(first) << 16 | u32::from(*words.get(1)?));
    Some(match kind {
        TagKind::Bool => f64::from(u8::from(first != 0)),
        TagKind::Int => f64::from(first.cast_signed()),
        TagKind::Uint => f64::from(first),
        TagKind::Dint => f64::from(double()?.cast_signed()),
        TagKind::Udint => f64::from(double()?),
        TagKind::Real => f64::from(f32::from_bits(double()?)),
    })
}

/// Appends the words that hold a value, rounded to the nearest and limited to what fits.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a cast from float to integer saturates, which is the wish here"
)]
pub(crate) fn encode(kind: TagKind, value: f64, out: &mut Vec<u16>) {
    let rounded = if value < 0.0 {
        value - 0.5
    } else {
        value + 0.5
    };
    let mut double = |bits: u32| out.extend([(bits >> 16) as u16, (bits & 0xFFFF) as u16]);
    match kind {
        TagKind::Bool => out.push(u16::from(value != 0.0)),
        TagKind::Int => out.push((rounded as i16).cast_unsigned()),
        TagKind::Uint => out.push(rounded as u16),
        TagKind::Dint => double((rounded as i32).cast_unsigned()),
        TagKind::Udint => double(rounded as u32),
        TagKind::Real => double((value as f32).to_bits()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn value_when_encoded_and_decoded_then_the_same() {
        for (kind, value, words) in [
            (TagKind::Bool, 1.0, vec![1]),
            (TagKind::Int, -125.0, vec![0xff83]),
            (TagKind::Uint, 65_535.0, vec![65_535]),
            (TagKind::Dint, -2.0, vec![0xffff, 0xfffe]),
            (TagKind::Udint, 65_536.0, vec![1, 0]),
            (TagKind::Real, 0.75, vec![0x3f40, 0]),
        ] {
            let mut out = Vec::new();
            encode(kind, value, &mut out);
            assert_eq!(out, words, "{kind:?}");
            assert_eq!(out.len(), usize::from(entries(kind)), "{kind:?}");
            assert_eq!(decode(kind, &out), Some(value), "{kind:?}");
        }
    }

    #[test]
    fn value_when_out_of_range_or_between_then_limited_and_rounded() {
        for (kind, value, held) in [
            (TagKind::Int, -99_999.0, -32_768.0),
            (TagKind::Uint, -1.0, 0.0),
            (TagKind::Uint, 70_000.0, 65_535.0),
            (TagKind::Uint, 4.5, 5.0),
            (TagKind::Int, -4.5, -5.0),
            (TagKind::Uint, f64::NAN, 0.0),
        ] {
            let mut out = Vec::new();
            encode(kind, value, &mut out);
            assert_eq!(decode(kind, &out), Some(held), "{kind:?} {value}");
        }
    }

    #[test]
    fn words_when_too_few_then_no_value() {
        assert_eq!(decode(TagKind::Uint, &[]), None);
        assert_eq!(decode(TagKind::Real, &[1]), None);
    }
}
