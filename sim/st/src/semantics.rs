//! What each instruction computes, stated once for the virtual machine and for the compiler's
//! constant folding.
//!
//! **Determinism:** integers wrap to the width of their type; reals use the operations that IEEE
//! 754 defines to the last bit, or the `libm` crate; every NaN that arithmetic yields becomes the
//! one quiet NaN, because its sign and payload differ between processors.
//!
//! Source: IEC 61131-3:2013, 6.6.2.5 (standard functions). What happens on overflow is left to the
//! implementer there: integers wrap, as on the common processors.

use crate::bytecode::Opcode;
use crate::types::Elementary;

/// Why data could not be computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct DividedByZero;

/// Dispatches on an opcode. `$put!(value)` stores the result of a data instruction; `$a` and `$b`
/// read the operands and are evaluated where needed; `$zero` is what a division by zero does;
/// `$rest` are the arms for control.
macro_rules! dispatch {
    ($code:expr, $shift:expr, $a:expr, $b:expr, $put:ident, $zero:expr, { $($rest:tt)* }) => {{
        use $crate::bytecode::Opcode as O;
        use $crate::semantics as s;
        match $code {
            O::Move => $put!($a),
            O::AddS => $put!(s::signed($a.wrapping_add($b), $shift)),
            O::SubS => $put!(s::signed($a.wrapping_sub($b), $shift)),
            O::MulS => $put!(s::signed($a.wrapping_mul($b), $shift)),
            O::DivS => match s::divide_signed($a, $b) {
                Some(value) => $put!(s::signed(value, $shift)),
                None => $zero,
            },
            O::ModS => $put!(s::modulo_signed($a, $b)),
            O::MinS => $put!({ let (a, b) = ($a, $b); if s::less_signed(b, a) { b } else { a } }),
            O::MaxS => $put!({ let (a, b) = ($a, $b); if s::less_signed(a, b) { b } else { a } }),
            O::NegS => $put!(s::signed($a.wrapping_neg(), $shift)),
            O::AbsS => $put!(s::signed($a.cast_signed().unsigned_abs(), $shift)),
            O::LtS => $put!(u64::from(s::less_signed($a, $b))),
            O::LeS => $put!(u64::from(!s::less_signed($b, $a))),
            O::AddU => $put!(s::unsigned($a.wrapping_add($b), $shift)),
            O::SubU => $put!(s::unsigned($a.wrapping_sub($b), $shift)),
            O::MulU => $put!(s::unsigned($a.wrapping_mul($b), $shift)),
            O::DivU => match $a.checked_div($b) {
                Some(value) => $put!(value),
                None => $zero,
            },
            O::ModU => $put!($a.checked_rem($b).unwrap_or(0)),
            O::MinU => $put!($a.min($b)),
            O::MaxU => $put!($a.max($b)),
            O::LtU => $put!(u64::from($a < $b)),
            O::LeU => $put!(u64::from($a <= $b)),
            O::Eq => $put!(u64::from($a == $b)),
            O::Ne => $put!(u64::from($a != $b)),
            O::AddR => $put!(s::put_r(s::r($a) + s::r($b))),
            O::SubR => $put!(s::put_r(s::r($a) - s::r($b))),
            O::MulR => $put!(s::put_r(s::r($a) * s::r($b))),
            O::DivR => $put!(s::put_r(s::r($a) / s::r($b))),
            O::MinR => $put!({ let (a, b) = ($a, $b); if s::r(b) < s::r(a) { b } else { a } }),
            O::MaxR => $put!({ let (a, b) = ($a, $b); if s::r(a) < s::r(b) { b } else { a } }),
            O::NegR => $put!($a ^ 0x8000_0000),
            O::AbsR => $put!($a & 0x7FFF_FFFF),
            O::SqrtR => $put!(s::put_r(libm::sqrtf(s::r($a)))),
            O::LtR => $put!(u64::from(s::r($a) < s::r($b))),
            O::LeR => $put!(u64::from(s::r($a) <= s::r($b))),
            O::EqR => $put!(u64::from(s::r($a) == s::r($b))),
            O::NeR => $put!(u64::from(s::r($a) != s::r($b))),
            O::AddL => $put!(s::put_l(s::l($a) + s::l($b))),
            O::SubL => $put!(s::put_l(s::l($a) - s::l($b))),
            O::MulL => $put!(s::put_l(s::l($a) * s::l($b))),
            O::DivL => $put!(s::put_l(s::l($a) / s::l($b))),
            O::MinL => $put!({ let (a, b) = ($a, $b); if s::l(b) < s::l(a) { b } else { a } }),
            O::MaxL => $put!({ let (a, b) = ($a, $b); if s::l(a) < s::l(b) { b } else { a } }),
            O::PowL => $put!(s::put_l(libm::pow(s::l($a), s::l($b)))),
            O::NegL => $put!($a ^ (1 << 63)),
            O::AbsL => $put!($a & (u64::MAX >> 1)),
            O::LtL => $put!(u64::from(s::l($a) < s::l($b))),
            O::LeL => $put!(u64::from(s::l($a) <= s::l($b))),
            O::EqL => $put!(u64::from(s::l($a) == s::l($b))),
            O::NeL => $put!(u64::from(s::l($a) != s::l($b))),
            O::And => $put!($a & $b),
            O::Or => $put!($a | $b),
            O::Xor => $put!($a ^ $b),
            O::AndNot => $put!($a & !$b),
            O::OrNot => $put!($a | ($b ^ 1)),
            O::Not => $put!(s::unsigned(!$a, $shift)),
            O::Shl => $put!(s::shift_left($a, $b, $shift)),
            O::Shr => $put!(s::shift_right($a, $b)),
            O::Rol => $put!(s::rotate_left($a, $b, $shift)),
            O::Ror => $put!(s::rotate_left($a, s::reverse($b, $shift), $shift)),
            O::WrapS => $put!(s::signed($a, $shift)),
            O::WrapU => $put!(s::unsigned($a, $shift)),
            O::SToR => $put!(s::put_r($a.cast_signed() as f32)),
            O::UToR => $put!(s::put_r($a as f32)),
            O::SToL => $put!(s::put_l($a.cast_signed() as f64)),
            O::UToL => $put!(s::put_l($a as f64)),
            O::RToL => $put!(s::put_l(f64::from(s::r($a)))),
            O::LToR => $put!(s::put_r(s::to_real(s::l($a)))),
            O::RoundS => $put!(s::saturate_signed(libm::rint(s::l($a)), $shift)),
            O::RoundU => $put!(s::saturate_unsigned(libm::rint(s::l($a)), $shift)),
            O::TruncS => $put!(s::saturate_signed(s::l($a), $shift)),
            O::TruncU => $put!(s::saturate_unsigned(s::l($a), $shift)),
            O::Reinterpret => $put!($a),
            $($rest)*
        }
    }};
}
pub(crate) use dispatch;

/// Narrows to a signed type.
#[inline(always)]
pub(crate) fn signed(value: u64, shift: u32) -> u64 {
    (value.cast_signed() << shift >> shift).cast_unsigned()
}

/// Narrows to an unsigned type.
#[inline(always)]
pub(crate) fn unsigned(value: u64, shift: u32) -> u64 {
    value << shift >> shift
}

#[inline(always)]
pub(crate) fn less_signed(a: u64, b: u64) -> bool {
    a.cast_signed() < b.cast_signed()
}

/// Towards zero (IEC 61131-3:2013, Table 29, note to DIV).
#[inline(always)]
pub(crate) fn divide_signed(a: u64, b: u64) -> Option<u64> {
    (b != 0).then(|| {
        a.cast_signed()
            .wrapping_div(b.cast_signed())
            .cast_unsigned()
    })
}

/// With the sign of the dividend, and 0 for a divisor of 0: the standard defines
/// `MOD` as `IF IN2 = 0 THEN OUT := 0; ELSE OUT := IN1 - (IN1 / IN2) * IN2; END_IF`.
#[inline(always)]
pub(crate) fn modulo_signed(a: u64, b: u64) -> u64 {
    if b == 0 {
        0
    } else {
        a.cast_signed()
            .wrapping_rem(b.cast_signed())
            .cast_unsigned()
    }
}

/// Reads a REAL.
#[inline(always)]
pub(crate) fn r(slot: u64) -> f32 {
    crate::types::real_of(slot)
}

/// Reads a LREAL.
#[inline(always)]
pub(crate) fn l(slot: u64) -> f64 {
    f64::from_bits(slot)
}

#[inline(always)]
pub(crate) fn put_r(value: f32) -> u64 {
    if value.is_nan() {
        0x7FC0_0000
    } else {
        crate::types::slot_of_real(value)
    }
}

#[inline(always)]
pub(crate) fn put_l(value: f64) -> u64 {
    if value.is_nan() {
        0x7FF8_0000_0000_0000
    } else {
        value.to_bits()
    }
}

#[inline]
#[expect(
    clippy::cast_possible_truncation,
    reason = "rounding to the nearest REAL is wanted"
)]
pub(crate) fn to_real(value: f64) -> f32 {
    value as f32
}

/// Shifts in zeros; a count at or beyond the width leaves none of the bits.
#[inline]
pub(crate) fn shift_left(value: u64, count: u64, shift: u32) -> u64 {
    match u32::try_from(count) {
        Ok(count) if count < 64 => unsigned(value << count, shift),
        _ => 0,
    }
}

#[inline]
pub(crate) fn shift_right(value: u64, count: u64) -> u64 {
    match u32::try_from(count) {
        Ok(count) if count < 64 => value >> count,
        _ => 0,
    }
}

/// Rotates within the width of the type.
#[inline]
pub(crate) fn rotate_left(value: u64, count: u64, shift: u32) -> u64 {
    let width = u64::from(64 - shift);
    let count = count % width;
    if count == 0 {
        value
    } else {
        unsigned(value << count, shift) | value >> (width - count)
    }
}

/// The count that rotates left as far as `count` rotates right.
#[inline]
pub(crate) fn reverse(count: u64, shift: u32) -> u64 {
    let width = u64::from(64 - shift);
    (width - count % width) % width
}

/// The nearest value of a signed type, towards zero; 0 for NaN.
#[inline]
#[expect(
    clippy::cast_possible_truncation,
    reason = "a cast from a float saturates"
)]
pub(crate) fn saturate_signed(value: f64, shift: u32) -> u64 {
    let (low, high) = (i64::MIN >> shift, i64::MAX >> shift);
    (value as i64).clamp(low, high).cast_unsigned()
}

/// The nearest value of an unsigned type, towards zero; 0 for NaN.
#[inline]
#[expect(
    clippy::cast_possible_truncation,
    reason = "a cast from a float saturates"
)]
pub(crate) fn saturate_unsigned(value: f64, shift: u32) -> u64 {
    (value as u64).min(u64::MAX >> shift)
}

/// Computes a data instruction on constants; `None` where it is not one.
pub(crate) fn evaluate(
    code: Opcode,
    ty: Elementary,
    a: u64,
    b: u64,
) -> Option<Result<u64, DividedByZero>> {
    let shift = ty.unused_bits();
    macro_rules! put {
        ($value:expr) => {
            Some(Ok($value))
        };
    }
    dispatch!(code, shift, a, b, put, Some(Err(DividedByZero)), { _ => None })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(code: Opcode, ty: Elementary, a: i64, b: i64, expected: i64) {
        let result = evaluate(code, ty, a.cast_unsigned(), b.cast_unsigned());
        assert_eq!(
            result,
            Some(Ok(expected.cast_unsigned())),
            "{code:?} {ty} {a} {b}"
        );
    }

    #[test]
    fn integer_when_result_does_not_fit_then_wraps() {
        use Elementary::*;
        check(Opcode::AddS, Int, 32767, 1, -32768);
        check(Opcode::MulS, Dint, 65536, 65536, 0);
        check(Opcode::NegS, Sint, -128, 0, -128);
        check(Opcode::AbsS, Int, -32768, 0, -32768);
        check(Opcode::DivS, Int, -32768, -1, -32768);
        check(Opcode::SubU, Uint, 0, 1, 65535);
        check(Opcode::DivS, Lint, i64::MIN, -1, i64::MIN);
    }

    #[test]
    fn division_when_signs_differ_then_goes_towards_zero() {
        use Elementary::Int;
        check(Opcode::DivS, Int, -7, 2, -3);
        check(Opcode::ModS, Int, -7, 2, -1);
        check(Opcode::ModS, Int, 7, -2, 1);
        check(Opcode::ModS, Int, 7, 0, 0);
        assert_eq!(evaluate(Opcode::DivS, Int, 1, 0), Some(Err(DividedByZero)));
    }

    #[test]
    fn shift_when_count_reaches_the_width_then_is_empty() {
        use Elementary::{Byte, Word};
        check(Opcode::Shl, Word, 0x8001, 1, 2);
        check(Opcode::Shl, Word, 1, 16, 0);
        check(Opcode::Shr, Word, 0x8000, 15, 1);
        check(Opcode::Shr, Word, 1, -1, 0);
        check(Opcode::Rol, Byte, 0x81, 1, 0x03);
        check(Opcode::Rol, Byte, 0x81, 9, 0x03);
        check(Opcode::Ror, Byte, 0x81, 1, 0xC0);
        check(Opcode::Not, Byte, 0x0F, 0, 0xF0);
        check(Opcode::Not, Elementary::Bool, 1, 0, 0);
    }

    #[test]
    fn real_when_rounded_then_goes_half_to_even_and_saturates() {
        for (value, rounded, truncated) in [
            (2.5, 2, 2),
            (3.5, 4, 3),
            (-2.5, -2, -2),
            (1e9, 32767, 32767),
            (-1e9, -32768, -32768),
            (f64::NAN, 0, 0),
        ] {
            let bits = i64::from_ne_bytes(value.to_bits().to_ne_bytes());
            check(Opcode::RoundS, Elementary::Int, bits, 0, rounded);
            check(Opcode::TruncS, Elementary::Int, bits, 0, truncated);
        }
    }

    #[test]
    fn nan_when_computed_then_has_one_form() {
        let zero = 0u64;
        let nan = 0x7FC0_0000;
        assert_eq!(
            evaluate(Opcode::DivR, Elementary::Real, zero, zero),
            Some(Ok(nan))
        );
        let negative = slot(f32::NEG_INFINITY);
        let result = evaluate(
            Opcode::AddR,
            Elementary::Real,
            negative,
            slot(f32::INFINITY),
        );
        assert_eq!(result, Some(Ok(nan)));
    }

    fn slot(value: f32) -> u64 {
        crate::types::slot_of_real(value)
    }
}
