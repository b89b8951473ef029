//! Floating-point functions with the same bits on every processor.
//!
//! IEEE 754 defines `+ - * / sqrt` and comparisons to the last bit; it does not define `exp`, `sin`
//! and their like. A platform's own `libm` rounds them as it pleases, and one differing bit grows
//! until two runs differ. Here those functions come from the `libm` crate (a port of musl), which
//! is plain Rust: the same operations in the same order everywhere.
//!
//! # Invariants
//!
//! - The result of every function is a function of the argument bits alone, except for the bits of
//!   a NaN: processors sign their NaNs differently. [`Hasher::put_f64`] therefore hashes every NaN
//!   alike.
//! - [`min`], [`max`] and [`clamp`] order `-0.0` before `0.0` and let NaN through, so their result
//!   does not depend on the order of the arguments.
//!
//! # Source
//!
//! IEEE 754-2019: clause 5 for the exact operations, clause 9.6 for `minimum` and `maximum`.
//!
//! [`Hasher::put_f64`]: crate::digest::Hasher::put_f64

/// Archimedes' constant, the ratio of a circle's circumference to its diameter.
pub const PI: f64 = core::f64::consts::PI;

/// Returns e to the power of `x`.
#[must_use]
#[inline]
pub fn exp(x: f64) -> f64 {
    libm::exp(x)
}

/// Returns 2 to the power of `x`.
#[must_use]
#[inline]
pub fn exp2(x: f64) -> f64 {
    libm::exp2(x)
}

/// Returns `exp(x) - 1`, exact to the last bits also where `x` is near zero.
#[must_use]
#[inline]
pub fn exp_m1(x: f64) -> f64 {
    libm::expm1(x)
}

/// Returns the natural logarithm of `x`: negative infinity at zero, NaN below.
#[must_use]
#[inline]
pub fn ln(x: f64) -> f64 {
    libm::log(x)
}

/// Returns `ln(1 + x)`, exact to the last bits also where `x` is near zero.
#[must_use]
#[inline]
pub fn ln_1p(x: f64) -> f64 {
    libm::log1p(x)
}

/// Returns the base-2 logarithm of `x`: negative infinity at zero, NaN below.
#[must_use]
#[inline]
pub fn log2(x: f64) -> f64 {
    libm::log2(x)
}

/// Returns the base-10 logarithm of `x`: negative infinity at zero, NaN below.
#[must_use]
#[inline]
pub fn log10(x: f64) -> f64 {
    libm::log10(x)
}

/// Returns `x` to the power of `y`: NaN where `x` is negative and `y` is not an integer.
#[must_use]
#[inline]
pub fn pow(x: f64, y: f64) -> f64 {
    libm::pow(x, y)
}

/// Returns `x` to the integer power `n`, by repeated squaring from the lowest bit of `n`.
///
/// The order of the multiplications is fixed here, which `f64::powi` does not promise. A negative
/// `n` gives the reciprocal of the positive power. `powi(x, 0)` is 1 for every `x`, NaN included.
#[must_use]
pub fn powi(x: f64, n: i32) -> f64 {
    let mut power = 1.0;
    let mut square = x;
    let mut bits = n.unsigned_abs();
    while bits > 0 {
        if bits & 1 == 1 {
            power *= square;
        }
        square *= square;
        bits >>= 1;
    }
    if n < 0 { 1.0 / power } else { power }
}

/// Returns the square root of `x`, correctly rounded; NaN below zero, `-0.0` at `-0.0`.
#[must_use]
#[inline]
pub fn sqrt(x: f64) -> f64 {
    x.sqrt()
}

/// Returns the cube root of `x`.
#[must_use]
#[inline]
pub fn cbrt(x: f64) -> f64 {
    libm::cbrt(x)
}

/// Returns the length of the vector `(x, y)`, without overflow on the way.
#[must_use]
#[inline]
pub fn hypot(x: f64, y: f64) -> f64 {
    libm::hypot(x, y)
}

/// Returns the sine of `angle_rad`, an angle in radians.
#[must_use]
#[inline]
pub fn sin(angle_rad: f64) -> f64 {
    libm::sin(angle_rad)
}

/// Returns the cosine of `angle_rad`, an angle in radians.
#[must_use]
#[inline]
pub fn cos(angle_rad: f64) -> f64 {
    libm::cos(angle_rad)
}

/// Returns the tangent of `angle_rad`, an angle in radians.
#[must_use]
#[inline]
pub fn tan(angle_rad: f64) -> f64 {
    libm::tan(angle_rad)
}

/// Returns the angle in radians, `-π/2..=π/2`, whose sine is `x`; NaN outside `-1.0..=1.0`.
#[must_use]
#[inline]
pub fn asin(x: f64) -> f64 {
    libm::asin(x)
}

/// Returns the angle in radians, `0..=π`, whose cosine is `x`; NaN outside `-1.0..=1.0`.
#[must_use]
#[inline]
pub fn acos(x: f64) -> f64 {
    libm::acos(x)
}

/// Returns the angle in radians, `-π/2..=π/2`, whose tangent is `x`.
#[must_use]
#[inline]
pub fn atan(x: f64) -> f64 {
    libm::atan(x)
}

/// Returns the angle in radians, `-π..=π`, from the positive x axis to the point `(x, y)`.
#[must_use]
#[inline]
pub fn atan2(y: f64, x: f64) -> f64 {
    libm::atan2(y, x)
}

/// Returns the hyperbolic sine of `x`.
#[must_use]
#[inline]
pub fn sinh(x: f64) -> f64 {
    libm::sinh(x)
}

/// Returns the hyperbolic cosine of `x`.
#[must_use]
#[inline]
pub fn cosh(x: f64) -> f64 {
    libm::cosh(x)
}

/// Returns the hyperbolic tangent of `x`.
#[must_use]
#[inline]
pub fn tanh(x: f64) -> f64 {
    libm::tanh(x)
}

/// Returns the smaller of `a` and `b`.
///
/// `-0.0` is smaller than `0.0`. If either argument is NaN, so is the result: a NaN is a bug in a
/// model, and a bug should come out rather than vanish in a limit.
///
/// # Source
///
/// `minimum` of IEEE 754-2019, clause 9.6. `f64::min` drops NaN and may return either zero.
///
/// # Examples
///
/// ```
/// use sim_kernel::math;
///
/// assert_eq!(math::min(2.0, 1.0), 1.0);
/// assert!(math::min(0.0, -0.0).is_sign_negative());
/// assert!(math::min(1.0, f64::NAN).is_nan());
/// ```
#[must_use]
#[inline]
pub fn min(a: f64, b: f64) -> f64 {
    if a < b {
        a
    } else if b < a {
        b
    } else if a == b {
        // Equal values differ in bits only as zeros; the sign bit of either makes it negative.
        f64::from_bits(a.to_bits() | b.to_bits())
    } else {
        f64::NAN
    }
}

/// Returns the larger of `a` and `b`.
///
/// `0.0` is larger than `-0.0`. If either argument is NaN, so is the result, as in [`min`].
///
/// # Source
///
/// `maximum` of IEEE 754-2019, clause 9.6. `f64::max` drops NaN and may return either zero.
#[must_use]
#[inline]
pub fn max(a: f64, b: f64) -> f64 {
    if a > b {
        a
    } else if b > a {
        b
    } else if a == b {
        // Equal values differ in bits only as zeros; both must be negative to stay so.
        f64::from_bits(a.to_bits() & b.to_bits())
    } else {
        f64::NAN
    }
}

/// Returns `x` limited to `lo..=hi`: `min(max(x, lo), hi)`.
///
/// A NaN in `x` comes out as NaN. Zeros are ordered as in [`min`], so `clamp(-0.0, 0.0, 1.0)` is
/// `0.0`: a limit of `0.0` also removes the sign.
///
/// # Panics
///
/// If `lo > hi` or either limit is NaN. Limits are constants or validated configuration, so bad
/// ones are our bug.
#[must_use]
#[inline]
pub fn clamp(x: f64, lo: f64, hi: f64) -> f64 {
    assert!(lo <= hi, "clamp limits must be ordered: {lo}..={hi}");
    min(max(x, lo), hi)
}
