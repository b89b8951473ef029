//! Comparisons that behave the same on every target.
//!
//! `f64::min` and `f64::max` may return either zero for `0.0` and `-0.0`; these compare with `<` and
//! return the first argument when neither is smaller. A NaN argument never wins a comparison.

/// The smaller of two numbers; `a` when they are equal or one is NaN.
#[must_use]
pub fn lower(a: f64, b: f64) -> f64 {
    if b < a { b } else { a }
}

/// The larger of two numbers; `a` when they are equal or one is NaN.
#[must_use]
pub fn higher(a: f64, b: f64) -> f64 {
    if b > a { b } else { a }
}

/// `x` held within `low..=high`; NaN stays NaN.
///
/// # Panics
///
/// If `low > high`: the bounds are ours.
#[must_use]
pub fn clamp(x: f64, low: f64, high: f64) -> f64 {
    assert!(low <= high, "clamp bounds are reversed: {low} > {high}");
    if x < low {
        low
    } else if x > high {
        high
    } else {
        x
    }
}

/// Moves `from` towards `to` by no more than `step` (at least 0).
#[must_use]
pub fn approach(from: f64, to: f64, step: f64) -> f64 {
    if to - from > step {
        from + step
    } else if from - to > step {
        from - step
    } else {
        to
    }
}

/// 1 for true, 0 for false: how a discrete point reads.
#[must_use]
pub fn bit(on: bool) -> f64 {
    if on { 1.0 } else { 0.0 }
}

/// `x` modulo 65536 rounded down, as a 16-bit counter shows it.
#[must_use]
pub fn wrap_u16(x: f64) -> f64 {
    let whole = x.floor();
    whole - 65_536.0 * (whole / 65_536.0).floor()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrap_u16_when_negative_or_large_then_in_range() {
        for (x, expect) in [
            (0.0, 0.0),
            (65_535.9, 65_535.0),
            (65_536.0, 0.0),
            (-1.0, 65_535.0),
        ] {
            assert_eq!(wrap_u16(x), expect, "{x}");
        }
    }

    #[test]
    fn approach_when_step_is_larger_than_the_way_then_arrives() {
        for (from, to, step, expect) in [
            (0.0, 1.0, 0.3, 0.3),
            (1.0, 0.0, 0.3, 0.7),
            (0.9, 1.0, 0.3, 1.0),
            (1.0, 1.0, 0.0, 1.0),
        ] {
            assert_eq!(approach(from, to, step), expect, "{from} {to} {step}");
        }
    }
}
