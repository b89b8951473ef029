//! Intervals for shares and rates, and times with censored observations.
//!
//! Everything here is closed form or bisection on closed forms, with `exp` and `ln` from `libm`, so
//! that a score has the same bits on every machine.
//!
//! # Source
//!
//! Wilson (1927) for shares; Garwood (1936) for Poisson rates; Kaplan and Meier (1958) for censored
//! times; incomplete gamma function after Abramowitz and Stegun 6.5.29 and 6.5.31.

use crate::figure::Interval;

/// Confidence level of every interval in a score.
pub const LEVEL: f64 = 0.95;

/// The 97.5 % point of the standard normal distribution.
pub const Z_95: f64 = 1.959_963_984_540_054;

const SECONDS_PER_DAY: f64 = 86_400.0;

/// Wilson's 95 % score interval for `hits` out of `trials`; `None` without trials.
///
/// # Panics
///
/// If there are more hits than trials.
///
/// # Examples
///
/// ```
/// let interval = twinrange_score::stats::wilson(17, 20).expect("20 trials");
/// assert!((interval.low - 0.640).abs() < 1e-3 && (interval.high - 0.948).abs() < 1e-3);
/// ```
#[must_use]
pub fn wilson(hits: u64, trials: u64) -> Option<Interval> {
    assert!(hits <= trials, "{hits} hits in {trials} trials");
    if trials == 0 {
        return None;
    }
    let n = trials as f64;
    let share = hits as f64 / n;
    let z2 = Z_95 * Z_95;
    let centre = share + z2 / (2.0 * n);
    let spread = Z_95 * libm::sqrt(share * (1.0 - share) / n + z2 / (4.0 * n * n));
    let scale = 1.0 + z2 / n;
    // At the ends the formula is exactly 0 or 1; rounding must not push it outside.
    let low = if hits == 0 {
        0.0
    } else {
        (centre - spread) / scale
    };
    let high = if hits == trials {
        1.0
    } else {
        (centre + spread) / scale
    };
    Some(Interval {
        low,
        high,
        level: LEVEL,
    })
}

/// Garwood's exact 95 % interval for the daily rate of a Poisson process that gave `events` in
/// `observed_s` seconds; `None` when nothing was observed.
///
/// The limits are `χ²(0.025; 2k)/2` and `χ²(0.975; 2k+2)/2`, divided by the days observed.
///
/// # Examples
///
/// ```
/// let a_week_s = 7.0 * 86_400.0;
/// let interval = twinrange_score::stats::poisson_per_day(3, a_week_s).expect("a week");
/// assert!((interval.low - 0.088).abs() < 1e-3 && (interval.high - 1.252).abs() < 1e-3);
/// ```
#[must_use]
pub fn poisson_per_day(events: u64, observed_s: f64) -> Option<Interval> {
    let days = observed_s / SECONDS_PER_DAY;
    if !days.is_finite() || days <= 0.0 {
        return None;
    }
    let tail = (1.0 - LEVEL) / 2.0;
    let k = events as f64;
    let low = if events == 0 {
        0.0
    } else {
        chi_square_quantile(tail, 2.0 * k) / 2.0
    };
    let high = chi_square_quantile(1.0 - tail, 2.0 * k + 2.0) / 2.0;
    Some(Interval {
        low: low / days,
        high: high / days,
        level: LEVEL,
    })
}

/// The point below which a χ² variable with `degrees` degrees of freedom lies with `probability`.
///
/// Bisection on the regularised incomplete gamma function; the result is exact to a few units in
/// the last place of the bracket.
///
/// # Panics
///
/// If `probability` is outside `0..1` or `degrees` is not positive.
#[must_use]
pub fn chi_square_quantile(probability: f64, degrees: f64) -> f64 {
    assert!(
        (0.0..1.0).contains(&probability),
        "probability {probability} is outside 0..1"
    );
    assert!(
        degrees.is_finite() && degrees > 0.0,
        "degrees of freedom must be positive: {degrees}"
    );
    let cdf = |x: f64| lower_gamma_regularised(degrees / 2.0, x / 2.0);
    let mut low = 0.0;
    let mut high = degrees + 1.0;
    while cdf(high) < probability {
        low = high;
        high *= 2.0;
    }
    // 200 halvings are far more than an f64 has bits; the loop ends when the bracket is one step.
    for _ in 0..200 {
        let middle = low + (high - low) / 2.0;
        if middle <= low || middle >= high {
            break;
        }
        if cdf(middle) < probability {
            low = middle;
        } else {
            high = middle;
        }
    }
    high
}

/// The regularised lower incomplete gamma function `P(a, x)`, in `0..=1`.
///
/// The power series below `x = a + 1`, Lentz's continued fraction for the complement above it.
///
/// # Panics
///
/// If `a` is not positive or `x` is negative.
#[must_use]
pub fn lower_gamma_regularised(a: f64, x: f64) -> f64 {
    assert!(
        a > 0.0 && x >= 0.0,
        "P(a, x) needs a > 0 and x >= 0: a {a}, x {x}"
    );
    if x == 0.0 {
        return 0.0;
    }
    let log_scale = a * libm::log(x) - x - libm::lgamma(a);
    // Both expansions need about sqrt(a) terms near x = a.
    let terms = 200.0 + 20.0 * libm::sqrt(a);
    if x < a + 1.0 {
        let mut term = 1.0 / a;
        let mut sum = term;
        let mut n = 1.0;
        while n < terms && term > sum * 1e-17 {
            term *= x / (a + n);
            sum += term;
            n += 1.0;
        }
        return sum * libm::exp(log_scale);
    }
    let tiny = 1e-300;
    let mut b = x + 1.0 - a;
    let mut c = 1.0 / tiny;
    let mut d = 1.0 / b;
    let mut fraction = d;
    let mut n = 1.0;
    while n < terms {
        let numerator = -n * (n - a);
        b += 2.0;
        d = numerator * d + b;
        if libm::fabs(d) < tiny {
            d = tiny;
        }
        c = b + numerator / c;
        if libm::fabs(c) < tiny {
            c = tiny;
        }
        d = 1.0 / d;
        let factor = d * c;
        fraction *= factor;
        if libm::fabs(factor - 1.0) < 1e-16 {
            break;
        }
        n += 1.0;
    }
    1.0 - libm::exp(log_scale) * fraction
}

/// One observed time: how long until the event, or how long we watched without seeing it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Observation {
    /// Time to the event, or watched time when `censored`; seconds, not negative.
    pub time_s: f64,
    /// True when the event had not happened when watching ended: a miss.
    pub censored: bool,
}

/// The Kaplan-Meier quantile: the least time by which at least a share `q` of the events has
/// happened, with censored observations counted as long as they were watched.
///
/// `None` when the curve never falls that far, which means that too few events happened: averaging
/// only over the hits would flatter the tool. Where some are watched for a short time only, a late
/// event of one that was watched long can bring the curve down alone; the caller has to see to it
/// that enough events happened.
///
/// # Panics
///
/// If `q` is outside `0..=1`.
///
/// # Examples
///
/// ```
/// use twinrange_score::stats::{Observation, kaplan_meier_quantile};
/// let seen = |time_s| Observation { time_s, censored: false };
/// let missed = |time_s| Observation { time_s, censored: true };
/// assert_eq!(kaplan_meier_quantile(&[seen(5.0), seen(9.0), missed(60.0)], 0.5), Some(9.0));
/// assert_eq!(kaplan_meier_quantile(&[seen(5.0), missed(60.0), missed(60.0)], 0.5), None);
/// ```
#[must_use]
pub fn kaplan_meier_quantile(observations: &[Observation], q: f64) -> Option<f64> {
    assert!((0.0..=1.0).contains(&q), "quantile {q} is outside 0..=1");
    let mut sorted = observations.to_vec();
    // At the same time events come before censoring, as is the convention.
    sorted.sort_by(|a, b| {
        a.time_s
            .total_cmp(&b.time_s)
            .then(a.censored.cmp(&b.censored))
    });
    // Without censoring the estimate is a plain count. Counting in integers as far as possible
    // keeps one half exactly one half: the product of ratios would not.
    let n = sorted.len();
    let first_censored = sorted.iter().position(|o| o.censored).unwrap_or(n);
    let mut survival = 1.0;
    for (i, observation) in sorted.iter().enumerate() {
        if observation.censored {
            continue;
        }
        let at_risk = (n - i) as f64;
        survival = if i < first_censored {
            (n - i - 1) as f64 / n as f64
        } else {
            survival * (at_risk - 1.0) / at_risk
        };
        if survival <= (1.0 - q) + 1e-12 {
            return Some(observation.time_s);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(actual: f64, expect: f64, tolerance: f64, what: &str) {
        assert!(
            (actual - expect).abs() <= tolerance,
            "{what}: {actual}, expected {expect}"
        );
    }

    #[test]
    fn wilson_when_counts_vary_then_reference_limits() {
        let check = |hits, trials, low, high| {
            let interval = wilson(hits, trials).expect("trials");
            close(interval.low, low, 6e-4, "low");
            close(interval.high, high, 6e-4, "high");
        };
        check(17, 20, 0.640, 0.948);
        check(5, 5, 0.566, 1.0);
        check(0, 5, 0.0, 0.434);
        check(50, 100, 0.4038, 0.5962);
        assert_eq!(wilson(0, 0), None);
    }

    #[test]
    fn poisson_when_counts_vary_then_reference_limits() {
        let check = |events, days: f64, low, high| {
            let interval = poisson_per_day(events, days * 86_400.0).expect("days");
            close(interval.low, low, 6e-4, "low");
            close(interval.high, high, 6e-4, "high");
        };
        check(0, 7.0, 0.0, 0.527);
        check(3, 7.0, 0.088, 1.252);
        check(2, 1.0, 0.242, 7.225);
        // R: poisson.test(100)$conf.int
        check(100, 1.0, 81.3638, 121.6271);
        assert_eq!(poisson_per_day(3, 0.0), None);
        // The rule of three: the one-sided 95 % limit of nothing seen in 7 days.
        close(
            chi_square_quantile(0.95, 2.0) / 2.0 / 7.0,
            0.428,
            5e-4,
            "one-sided",
        );
    }

    #[test]
    fn chi_square_quantile_when_tabulated_then_table_values() {
        // NIST/SEMATECH e-Handbook of Statistical Methods, table 1.3.6.7.4.
        for (p, degrees, expect) in [
            (0.95, 1.0, 3.841),
            (0.975, 2.0, 7.378),
            (0.025, 10.0, 3.247),
            (0.95, 30.0, 43.773),
            (0.99, 100.0, 135.807),
        ] {
            close(chi_square_quantile(p, degrees), expect, 6e-4, "quantile");
        }
        // Even degrees have the closed form 1 - exp(-x/2): exact to rounding.
        close(
            chi_square_quantile(0.975, 2.0),
            -2.0 * libm::log(0.025),
            1e-12,
            "two degrees",
        );
    }

    #[test]
    fn incomplete_gamma_when_shape_is_large_then_normal_approximation_holds() {
        // P(a, a) tends to 1/2 + 1/(3 sqrt(2 pi a)); a million false alarms must still work.
        for a in [1e2, 1e4, 1e6] {
            let expect = 0.5 + 1.0 / (3.0 * libm::sqrt(2.0 * core::f64::consts::PI * a));
            close(lower_gamma_regularised(a, a), expect, 1e-5, "P(a, a)");
        }
        // Both expansions meet at x = a + 1.
        for a in [0.5, 3.0, 40.0] {
            let below = lower_gamma_regularised(a, a + 1.0 - 1e-12);
            close(
                below,
                lower_gamma_regularised(a, a + 1.0),
                1e-11,
                "branches",
            );
        }
    }

    #[test]
    fn kaplan_meier_when_some_are_censored_then_textbook_curve() {
        let at = |time_s, censored| Observation { time_s, censored };
        let check = |observations: &[Observation], q, expect| {
            assert_eq!(
                kaplan_meier_quantile(observations, q),
                expect,
                "{observations:?} at {q}"
            );
        };
        check(&[], 0.5, None);
        check(&[at(5.0, false), at(20.0, true)], 0.5, Some(5.0)); // WE1: one of two.
        check(&[at(5.0, true)], 0.5, None);
        // An early censored time leaves the risk set: S = 3/4·2/3... is never reached by counting.
        let mixed = [
            at(1.0, false),
            at(2.0, true),
            at(3.0, false),
            at(4.0, false),
        ];
        check(&mixed, 0.25, Some(1.0));
        check(&mixed, 0.5, Some(3.0)); // S(3) = 3/4 · 1/2
        check(&mixed, 0.9, Some(4.0));
        let ten: Vec<_> = (1..=10).map(|i| at(f64::from(i), false)).collect();
        check(&ten, 0.5, Some(5.0));
        check(&ten, 0.9, Some(9.0));
        check(&ten, 1.0, Some(10.0));
    }
}
