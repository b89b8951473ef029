//! Mathematics: near the true value, pinned to the bit, and definite about zeros and NaN.

use proptest::prelude::*;
use sim_kernel::{Hasher, math};

/// A function of one argument, an argument, and the `f64` nearest to the true value, which comes
/// from arithmetic of 200 bits.
type Case = (&'static str, fn(f64) -> f64, f64, f64);

#[rustfmt::skip]
#[expect(clippy::approx_constant, reason = "some true values happen to be constants")]
const CASES: &[Case] = &[
    ("exp", math::exp, -2.5, 0.0820849986238988),
    ("exp", math::exp, 0.1, 1.1051709180756477),
    ("exp", math::exp, 1.0, 2.718281828459045),
    ("exp", math::exp, 30.25, 13721704977464.906),
    ("exp2", math::exp2, -2.5, 0.1767766952966369),
    ("exp2", math::exp2, 0.1, 1.0717734625362931),
    ("exp2", math::exp2, 10.75, 1722.1558584396073),
    ("exp_m1", math::exp_m1, 1e-10, 1.00000000005e-10),
    ("exp_m1", math::exp_m1, -0.5, -0.3934693402873666),
    ("exp_m1", math::exp_m1, 2.0, 6.38905609893065),
    ("ln", math::ln, 0.1, -2.3025850929940455),
    ("ln", math::ln, 2.0, 0.6931471805599453),
    ("ln", math::ln, 1e10, 23.025850929940457),
    ("ln_1p", math::ln_1p, 1e-10, 9.999999999500001e-11),
    ("ln_1p", math::ln_1p, -0.5, -0.6931471805599453),
    ("ln_1p", math::ln_1p, 2.0, 1.0986122886681098),
    ("log2", math::log2, 0.1, -3.321928094887362),
    ("log2", math::log2, 3.0, 1.584962500721156),
    ("log2", math::log2, 1e10, 33.219280948873624),
    ("log10", math::log10, 0.1, -1.0),
    ("log10", math::log10, 2.0, 0.3010299956639812),
    ("log10", math::log10, 12_345.0, 4.091491094267951),
    ("cbrt", math::cbrt, 2.0, 1.2599210498948732),
    ("cbrt", math::cbrt, -3.5, -1.5182944859378313),
    ("cbrt", math::cbrt, 1e9, 1000.0),
    ("sin", math::sin, 0.5, 0.479425538604203),
    ("sin", math::sin, 3.0, 0.1411200080598672),
    ("sin", math::sin, 100_000.0, 0.03574879797201651),
    ("cos", math::cos, 0.5, 0.8775825618903728),
    ("cos", math::cos, 3.0, -0.9899924966004454),
    ("cos", math::cos, 100_000.0, -0.9993608074382124),
    ("tan", math::tan, 0.5, 0.5463024898437905),
    ("tan", math::tan, 3.0, -0.1425465430742778),
    ("tan", math::tan, 1.5, 14.101419947171719),
    ("asin", math::asin, 0.5, 0.5235987755982989),
    ("asin", math::asin, -0.9, -1.1197695149986342),
    ("acos", math::acos, 0.5, 1.0471975511965979),
    ("acos", math::acos, -0.9, 2.6905658417935308),
    ("atan", math::atan, 0.5, 0.4636476090008061),
    ("atan", math::atan, -20.0, -1.5208379310729538),
    ("sinh", math::sinh, 0.5, 0.5210953054937474),
    ("sinh", math::sinh, -3.0, -10.017874927409903),
    ("cosh", math::cosh, 0.5, 1.1276259652063807),
    ("cosh", math::cosh, -3.0, 10.067661995777765),
    ("tanh", math::tanh, 0.5, 0.46211715726000974),
    ("tanh", math::tanh, -3.0, -0.9950547536867305),
    ("tanh", math::tanh, 0.01, 0.00999966667999946),
];

/// As [`Case`], with two arguments.
type Case2 = (&'static str, fn(f64, f64) -> f64, f64, f64, f64);

#[rustfmt::skip]
#[expect(clippy::approx_constant, reason = "some true values happen to be constants")]
const CASES_2: &[Case2] = &[
    ("pow", math::pow, 2.0, 0.5, 1.4142135623730951),
    ("pow", math::pow, 1.7, -3.3, 0.17358754434318882),
    ("pow", math::pow, 10.0, 12.5, 3162277660168.3794),
    ("hypot", math::hypot, 0.3, 0.4, 0.5),
    ("hypot", math::hypot, 1e200, 1e200, 1.414213562373095e200),
    ("atan2", math::atan2, 1.0, -2.0, 2.677945044588987),
    ("atan2", math::atan2, -0.5, 0.25, -1.1071487177940904),
];

/// At most one unit in the last place from `expected`.
#[track_caller]
fn check_close(name: &str, value: f64, expected: f64) {
    let apart = value.to_bits().abs_diff(expected.to_bits());
    assert!(
        apart <= 1,
        "{name}: {value} is {apart} units from {expected}"
    );
}

#[test]
fn function_when_called_then_is_within_one_unit_of_the_true_value() {
    for (name, function, x, expected) in CASES {
        check_close(name, function(*x), *expected);
    }
    for (name, function, x, y, expected) in CASES_2 {
        check_close(name, function(*x, *y), *expected);
    }
}

/// One digest over all functions on a grid that covers signs, magnitudes and special values. If
/// it changes, runs recorded before cannot be replayed.
#[test]
fn function_when_on_the_grid_then_bits_are_pinned() {
    let mut grid = vec![
        0.0,
        -0.0,
        f64::INFINITY,
        f64::NEG_INFINITY,
        f64::NAN,
        f64::MIN_POSITIVE,
    ];
    for step in -400_i32..=400 {
        let fraction = f64::from(step) / 400.0;
        grid.extend([
            fraction,
            fraction * 7.3,
            fraction * fraction * fraction * 1e6,
        ]);
    }
    let mut hasher = Hasher::new();
    for &x in &grid {
        for function in [
            math::exp,
            math::exp2,
            math::exp_m1,
            math::ln,
            math::ln_1p,
            math::log2,
            math::log10,
            math::sqrt,
            math::cbrt,
            math::sin,
            math::cos,
            math::tan,
            math::asin,
            math::acos,
            math::atan,
            math::sinh,
            math::cosh,
            math::tanh,
        ] {
            hasher.put_f64(function(x));
        }
        for &y in &[0.0, -0.0, 1.0, 2.5, -1.75, f64::INFINITY, f64::NAN] {
            for function in [math::pow, math::hypot, math::atan2, math::min, math::max] {
                hasher.put_f64(function(x, y));
            }
        }
        for n in [-3, -1, 0, 1, 2, 7] {
            hasher.put_f64(math::powi(x, n));
        }
        hasher.put_f64(math::clamp(x, -0.5, 0.75));
    }
    assert_eq!(
        hasher.finish().to_string(),
        "b41d662f9739ef5cb035d84dc0d648a8761f2fe8e782c4ef8131c10d1656dc9d"
    );
}

#[test]
fn function_when_outside_its_domain_then_is_nan_or_infinite() {
    assert!(math::sqrt(-1.0).is_nan());
    assert!(math::ln(-1.0).is_nan());
    assert!(math::log2(-1.0).is_nan());
    assert!(math::log10(-1.0).is_nan());
    assert!(math::asin(1.1).is_nan());
    assert!(math::acos(-1.1).is_nan());
    assert!(math::pow(-2.0, 0.5).is_nan());
    assert_eq!(math::ln(0.0), f64::NEG_INFINITY);
    assert_eq!(math::exp(1e4), f64::INFINITY);
    assert_eq!(math::exp(-1e4), 0.0);
    assert_eq!(math::sqrt(-0.0).to_bits(), (-0.0_f64).to_bits());
}

#[test]
fn powi_when_integer_then_multiplies() {
    assert_eq!(math::powi(3.0, 5), 243.0);
    assert_eq!(math::powi(2.0, -3), 0.125);
    assert_eq!(math::powi(-2.0, 3), -8.0);
    assert_eq!(math::powi(f64::NAN, 0), 1.0);
    assert_eq!(math::powi(0.0, -1), f64::INFINITY);
    assert_eq!(math::powi(1.0, i32::MIN), 1.0);
    assert_eq!(math::powi(2.0, i32::MAX), f64::INFINITY);
}

/// Compares bits, so that zeros are told apart and NaN equals NaN.
#[track_caller]
fn check_bits(value: f64, expected: f64) {
    assert_eq!(
        value.to_bits(),
        expected.to_bits(),
        "{value} is not {expected}"
    );
}

#[test]
fn min_and_max_when_zeros_or_nan_then_are_as_documented() {
    const NAN: f64 = f64::NAN;
    const INF: f64 = f64::INFINITY;
    for (a, b, min, max) in [
        (1.0, 2.0, 1.0, 2.0),
        (-1.0, -2.0, -2.0, -1.0),
        (3.0, 3.0, 3.0, 3.0),
        (-3.0, -3.0, -3.0, -3.0),
        (0.0, -0.0, -0.0, 0.0),
        (0.0, 0.0, 0.0, 0.0),
        (-0.0, -0.0, -0.0, -0.0),
        (INF, -INF, -INF, INF),
        (INF, INF, INF, INF),
        (NAN, 1.0, NAN, NAN),
        (NAN, -INF, NAN, NAN),
        (NAN, -NAN, NAN, NAN),
    ] {
        check_bits(math::min(a, b), min);
        check_bits(math::min(b, a), min);
        check_bits(math::max(a, b), max);
        check_bits(math::max(b, a), max);
    }
}

#[test]
fn clamp_when_outside_or_special_then_is_as_documented() {
    check_bits(math::clamp(-1.0, 0.0, 1.0), 0.0);
    check_bits(math::clamp(0.5, 0.0, 1.0), 0.5);
    check_bits(math::clamp(7.0, 0.0, 1.0), 1.0);
    check_bits(math::clamp(-0.0, 0.0, 1.0), 0.0);
    check_bits(math::clamp(0.0, -1.0, -0.0), -0.0);
    check_bits(math::clamp(f64::INFINITY, 0.0, 1.0), 1.0);
    check_bits(math::clamp(5.0, f64::NEG_INFINITY, f64::INFINITY), 5.0);
    check_bits(math::clamp(5.0, 2.0, 2.0), 2.0);
    check_bits(math::clamp(f64::NAN, 0.0, 1.0), f64::NAN);
}

#[test]
#[should_panic(expected = "clamp limits must be ordered: 1..=0")]
fn clamp_when_limits_are_reversed_then_panics() {
    let _ = math::clamp(0.5, 1.0, 0.0);
}

#[test]
#[should_panic(expected = "clamp limits must be ordered")]
fn clamp_when_a_limit_is_nan_then_panics() {
    let _ = math::clamp(0.5, 0.0, f64::NAN);
}

proptest! {
    #[test]
    fn min_and_max_when_any_bits_then_are_one_of_both_in_order(a: u64, b: u64) {
        let (a, b) = (f64::from_bits(a), f64::from_bits(b));
        let (min, max) = (math::min(a, b), math::max(a, b));
        prop_assert_eq!(min.to_bits(), math::min(b, a).to_bits());
        prop_assert_eq!(max.to_bits(), math::max(b, a).to_bits());
        if a.is_nan() || b.is_nan() {
            prop_assert!(min.is_nan() && max.is_nan());
        } else {
            prop_assert!(min <= max);
            prop_assert!(
                (min.to_bits(), max.to_bits()) == (a.to_bits(), b.to_bits())
                    || (min.to_bits(), max.to_bits()) == (b.to_bits(), a.to_bits())
            );
        }
    }
}
