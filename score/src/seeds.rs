//! What several seeds say together: intervals of means, and differences of pairs.
//!
//! Two defenses that ran with the same scenario and seed saw the same plant, the same operators and the same
//! attack, so their difference is taken seed by seed. What the seeds have in common then cancels.
//!
//! Everything here is deterministic: resampling uses a stream with a fixed seed and a stated number of draws.
//!
//! # Source
//!
//! Student (1908) for the mean; Hartigan (1969), "Using subsample values as typical values", for few pairs:
//! it is the sign-flip test turned into an interval; Efron (1987) for the bias-corrected and accelerated
//! bootstrap; Wichura (1988), algorithm AS 241, for the normal quantile.

use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};
use serde::{Deserialize, Serialize};

use crate::figure::Interval;
use crate::stats::LEVEL;

/// Draws of the bootstrap.
pub const DRAWS: u32 = 10_000;
/// Up to this many pairs the interval is exact: it looks at all 2^16 ways to flip signs.
pub const EXACT_PAIRS: usize = 16;
/// Seed of the bootstrap's stream.
const STREAM_SEED: u64 = 0x7477_696e_7261_6e67;

/// Student's 95 % interval of the mean of independent values; `None` for fewer than two.
///
/// # Examples
///
/// ```
/// let interval = twinrange_score::seeds::mean_interval(&[1.0, 2.0, 3.0, 4.0, 5.0]).expect("five");
/// assert!((interval.low - 1.036_757).abs() < 1e-6 && (interval.high - 4.963_243).abs() < 1e-6);
/// ```
#[must_use]
pub fn mean_interval(values: &[f64]) -> Option<Interval> {
    if values.len() < 2 {
        return None;
    }
    let n = values.len() as f64;
    let mean = mean(values);
    let squares = values
        .iter()
        .fold(0.0, |sum, value| sum + (value - mean) * (value - mean));
    let error = libm::sqrt(squares / (n - 1.0) / n);
    let spread = t_quantile(0.5 + LEVEL / 2.0, n - 1.0) * error;
    Some(Interval {
        low: mean - spread,
        high: mean + spread,
        level: LEVEL,
    })
}

/// The mean; 0 of nothing.
#[must_use]
pub fn mean(values: &[f64]) -> f64 {
    if values.is_empty() {
        return 0.0;
    }
    values.iter().fold(0.0, |sum, value| sum + value) / values.len() as f64
}

/// The point below which Student's t with these degrees of freedom lies with `probability`, by bisection.
fn t_quantile(probability: f64, degrees: f64) -> f64 {
    let (mut low, mut high) = (0.0, 1.0);
    while t_cdf(high, degrees) < probability {
        high *= 2.0;
    }
    for _ in 0..200 {
        let middle = low + (high - low) / 2.0;
        if middle <= low || middle >= high {
            break;
        }
        if t_cdf(middle, degrees) < probability {
            low = middle;
        } else {
            high = middle;
        }
    }
    high
}

/// Student's distribution for `t` of at least 0.
fn t_cdf(t: f64, degrees: f64) -> f64 {
    1.0 - beta_regularised(degrees / (degrees + t * t), degrees / 2.0, 0.5) / 2.0
}

/// The regularised incomplete beta function `I_x(a, b)`, by Lentz's continued fraction (DLMF 8.17.22).
fn beta_regularised(x: f64, a: f64, b: f64) -> f64 {
    if x <= 0.0 {
        return 0.0;
    }
    if x >= 1.0 {
        return 1.0;
    }
    if x > (a + 1.0) / (a + b + 2.0) {
        return 1.0 - beta_regularised(1.0 - x, b, a);
    }
    const TINY: f64 = 1e-300;
    let log_scale = libm::lgamma(a + b) - libm::lgamma(a) - libm::lgamma(b)
        + a * libm::log(x)
        + b * libm::log(1.0 - x);
    let keep = |value: f64| if value.abs() < TINY { TINY } else { value };
    let mut c = 1.0;
    let mut d = 1.0 / keep(1.0 - (a + b) * x / (a + 1.0));
    let mut fraction = d;
    let mut m = 1.0;
    while m < 10_000.0 {
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        d = 1.0 / keep(1.0 + even * d);
        c = keep(1.0 + even / c);
        fraction *= d * c;
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        d = 1.0 / keep(1.0 + odd * d);
        c = keep(1.0 + odd / c);
        let step = d * c;
        fraction *= step;
        if (step - 1.0).abs() < 1e-15 {
            break;
        }
        m += 1.0;
    }
    libm::exp(log_scale) * fraction / a
}

/// How the interval of a difference was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// All ways to flip the signs of the differences.
    SignFlips,
    /// Bias-corrected and accelerated bootstrap with [`DRAWS`] draws.
    Bootstrap,
}

/// A figure of one defense less that of another, over the seeds that both have.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Difference {
    /// Pairs.
    pub pairs: u64,
    /// Mean of the differences, in the unit of the figure.
    pub mean: f64,
    /// 95 % interval; `None` where so few pairs cannot have one: fewer than six.
    pub interval: Option<Interval>,
    /// How the interval was found.
    pub method: Method,
}

impl Difference {
    /// Whether the runs separate the two: the interval is known and zero is outside of it.
    #[must_use]
    pub fn separates(&self) -> bool {
        self.interval
            .is_some_and(|interval| interval.low > 0.0 || interval.high < 0.0)
    }
}

/// The mean difference of pairs with its interval; `None` without pairs.
///
/// # Arguments
///
/// * `differences` — one per seed, each the first defense less the second, in a fixed order.
///
/// # Examples
///
/// ```
/// use twinrange_score::seeds::difference;
/// let few = difference(&[0.1, 0.2, 0.1, 0.3, 0.2]).expect("five pairs");
/// assert!(!few.separates(), "five pairs have no 95 % interval");
/// assert!(difference(&[0.1, 0.2, 0.1, 0.3, 0.2, 0.1]).expect("six pairs").separates());
/// ```
#[must_use]
pub fn difference(differences: &[f64]) -> Option<Difference> {
    if differences.is_empty() {
        return None;
    }
    let (interval, method) = if differences.len() <= EXACT_PAIRS {
        (typical_values(differences), Method::SignFlips)
    } else {
        (Some(bootstrap(differences)), Method::Bootstrap)
    };
    Some(Difference {
        pairs: u64::try_from(differences.len()).expect("pairs are bounded"),
        mean: mean(differences),
        interval,
        method,
    })
}

/// The interval of all centres that the sign-flip test at 5 % does not reject. By Hartigan its limits are two
/// of the `2^n - 1` means of subsets, as far from the ends as 2.5 % of `2^n`.
fn typical_values(differences: &[f64]) -> Option<Interval> {
    let subsets = 1_usize << differences.len();
    // The k-th smallest mean is the limit; with fewer than six pairs k would be 0.
    let k = subsets / 40;
    if k == 0 {
        return None;
    }
    let mut means: Vec<f64> = (1..subsets)
        .map(|subset| {
            let inside = differences
                .iter()
                .enumerate()
                .filter(|(at, _)| subset >> at & 1 == 1);
            let (sum, count) = inside.fold((0.0, 0.0), |(sum, count), (_, value)| {
                (sum + value, count + 1.0)
            });
            sum / count
        })
        .collect();
    means.sort_by(f64::total_cmp);
    Some(Interval {
        low: means[k - 1],
        high: means[means.len() - k],
        level: LEVEL,
    })
}

/// Efron's BCa interval of the mean.
fn bootstrap(values: &[f64]) -> Interval {
    let n = values.len();
    let centre = mean(values);
    if values.iter().all(|value| *value == values[0]) {
        return Interval {
            low: centre,
            high: centre,
            level: LEVEL,
        };
    }
    let mut stream = ChaCha8Rng::seed_from_u64(STREAM_SEED);
    let bound = u64::try_from(n).expect("pairs are bounded");
    let mut means: Vec<f64> = (0..DRAWS)
        .map(|_| {
            let sum = (0..n).fold(0.0, |sum, _| {
                let at = usize::try_from(below(&mut stream, bound)).expect("below a length");
                sum + values[at]
            });
            sum / n as f64
        })
        .collect();
    means.sort_by(f64::total_cmp);
    let draws = means.len() as f64;
    let below_centre = means.iter().filter(|mean| **mean < centre).count() as f64;
    let ties = means.iter().filter(|mean| **mean == centre).count() as f64;
    let bias = normal_quantile(inside_unit((below_centre + ties / 2.0) / draws));
    // The jackknife of a mean: leaving a value out moves the mean by what that value is off.
    let (squares, cubes) = values.iter().fold((0.0, 0.0), |(squares, cubes), value| {
        let off = value - centre;
        (squares + off * off, cubes + off * off * off)
    });
    let acceleration = cubes / (6.0 * squares * libm::sqrt(squares));
    let limit = |probability: f64| {
        let z = bias + normal_quantile(probability);
        let share = normal_cdf(bias + z / (1.0 - acceleration * z));
        quantile(&means, share)
    };
    Interval {
        low: limit(0.5 - LEVEL / 2.0),
        high: limit(0.5 + LEVEL / 2.0),
        level: LEVEL,
    }
}

/// A number below `bound`, each equally likely (Lemire's method, without division bias).
fn below(stream: &mut ChaCha8Rng, bound: u64) -> u64 {
    loop {
        let wide = u128::from(stream.next_u64()) * u128::from(bound);
        let low = wide & u128::from(u64::MAX);
        if low >= u128::from(bound.wrapping_neg() % bound) {
            return u64::try_from(wide >> 64).expect("the upper half");
        }
    }
}

fn inside_unit(share: f64) -> f64 {
    let edge = 0.5 / f64::from(DRAWS);
    if share < edge {
        edge
    } else if share > 1.0 - edge {
        1.0 - edge
    } else {
        share
    }
}

/// The value of sorted ones below which a share of them lies, with lines between them.
fn quantile(sorted: &[f64], share: f64) -> f64 {
    let last = sorted.len() - 1;
    let place = inside_unit(share) * last as f64;
    let floor = libm::floor(place);
    #[expect(
        clippy::cast_possible_truncation,
        reason = "between 0 and the index of the last value"
    )]
    let at = floor as usize;
    let next = (at + 1).min(last);
    sorted[at] + (sorted[next] - sorted[at]) * (place - floor)
}

/// The standard normal distribution.
fn normal_cdf(z: f64) -> f64 {
    libm::erfc(-z / core::f64::consts::SQRT_2) / 2.0
}

/// Its inverse, by bisection: exact to a few units in the last place.
fn normal_quantile(probability: f64) -> f64 {
    let (mut low, mut high) = (-10.0, 10.0);
    for _ in 0..200 {
        let middle = low + (high - low) / 2.0;
        if middle <= low || middle >= high {
            break;
        }
        if normal_cdf(middle) < probability {
            low = middle;
        } else {
            high = middle;
        }
    }
    high
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn t_quantile_when_tabulated_then_table_values() {
        // NIST/SEMATECH e-Handbook of Statistical Methods, table 1.3.6.7.2.
        for (degrees, expect) in [
            (1.0, 12.706),
            (4.0, 2.776),
            (9.0, 2.262),
            (30.0, 2.042),
            (100.0, 1.984),
        ] {
            let found = t_quantile(0.975, degrees);
            assert!((found - expect).abs() < 6e-4, "{degrees}: {found}");
        }
        let normal = t_quantile(0.975, 1e6);
        assert!((normal - crate::stats::Z_95).abs() < 1e-5, "{normal}");
    }

    #[test]
    fn difference_when_pairs_are_few_then_exact_by_hand() {
        // Six differences: 63 subset means, k = 1, so the limits are the least and the largest difference.
        let found = difference(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]).expect("pairs");
        let interval = found.interval.expect("six pairs");
        assert_eq!((interval.low, interval.high), (1.0, 6.0));
        assert!(found.separates());
        let mixed = difference(&[1.0, -2.0, 3.0, -4.0, 5.0, -6.0]).expect("pairs");
        assert!(!mixed.separates());
        assert_eq!(difference(&[1.0; 5]).expect("pairs").interval, None);
        assert_eq!(difference(&[]), None);
    }

    #[test]
    fn difference_when_sign_flips_are_counted_then_the_interval_is_the_tests() {
        // The test itself, by brute force: share of sign patterns whose sum is at least as far from 0.
        let values = [0.3, -0.1, 0.7, 0.4, 0.2, -0.05, 0.6, 0.5];
        let p = |centre: f64| {
            let moved: Vec<f64> = values.iter().map(|v| v - centre).collect();
            let seen = moved.iter().sum::<f64>();
            let count = (0..1_u32 << moved.len())
                .filter(|signs| {
                    let flipped: f64 = moved
                        .iter()
                        .enumerate()
                        .map(|(at, v)| if signs >> at & 1 == 1 { -v } else { *v })
                        .sum();
                    flipped.abs() >= seen.abs() - 1e-12
                })
                .count();
            count as f64 / f64::from(1_u32 << moved.len())
        };
        let interval = difference(&values).and_then(|d| d.interval).expect("eight");
        assert!(p(interval.low - 1e-6) <= 0.05 && p(interval.low + 1e-6) > 0.045);
        assert!(p(interval.high + 1e-6) <= 0.05 && p(interval.high - 1e-6) > 0.045);
    }

    #[test]
    fn bootstrap_when_values_are_many_then_near_students_and_repeatable() {
        let values: Vec<f64> = (0..60).map(|i| f64::from(i * 37 % 60) / 10.0).collect();
        let found = difference(&values).expect("pairs");
        assert_eq!(found.method, Method::Bootstrap);
        let (boot, student) = (
            found.interval.expect("many"),
            mean_interval(&values).expect("many"),
        );
        assert!((boot.low - student.low).abs() < 0.1, "{boot:?} {student:?}");
        assert!(
            (boot.high - student.high).abs() < 0.1,
            "{boot:?} {student:?}"
        );
        assert_eq!(difference(&values), Some(found));
        let same = difference(&[0.5; 20])
            .expect("pairs")
            .interval
            .expect("many");
        assert_eq!((same.low, same.high), (0.5, 0.5));
    }
}
