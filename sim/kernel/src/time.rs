//! Simulated time: points and lengths, in whole nanoseconds.
//!
//! A [`SimTime`] counts from the start of the run, so it is the same in every run and has no zone
//! and no calendar. A [`SimDuration`] is the distance between two points. They are different types
//! because adding two points means nothing.
//!
//! # Invariants
//!
//! - Both hold a `u64` of nanoseconds: from zero to 584 years, exact, with no negative values.
//! - Arithmetic that leaves this range panics in every build profile; the `checked_` and
//!   `saturating_` forms are for values that come from outside.
//! - [`Display`](fmt::Display) and [`FromStr`] are exact inverses.
//!
//! # Text
//!
//! Both types read the same two forms, and nothing is ever rounded:
//!
//! | form | examples |
//! | --- | --- |
//! | clock, `h:mm:ss` and an optional fraction | `00:12:30`, `00:12:30.250000000`, `100:00:00` |
//! | number and unit (`ns`, `us`, `µs`, `ms`, `s`, `min`, `h`) | `12.5s`, `250ms`, `1.5 h` |
//!
//! A point is written as a clock, a length as number and unit. In files both are integers of
//! nanoseconds; a field that people write by hand says `#[serde(with = "sim_kernel::time::text")]`.

use core::fmt;
use core::iter::Sum;
use core::ops::{Add, AddAssign, Div, Mul, Rem, Sub, SubAssign};
use core::str::FromStr;

use serde::{Deserialize, Serialize};

mod parse;
pub mod text;

pub use parse::TimeParseError;

const NANOS_PER_MICRO: u64 = 1_000;
const NANOS_PER_MILLI: u64 = 1_000_000;
const NANOS_PER_SEC: u64 = 1_000_000_000;
const NANOS_PER_MIN: u64 = 60 * NANOS_PER_SEC;
const NANOS_PER_HOUR: u64 = 60 * NANOS_PER_MIN;

/// A point in simulated time: nanoseconds since the start of the run.
///
/// # Examples
///
/// ```
/// use sim_kernel::{SimDuration, SimTime};
///
/// let scan: SimTime = "00:12:30".parse()?;
/// let next = scan + SimDuration::from_millis(250);
/// assert_eq!(next.to_string(), "00:12:30.250000000");
/// assert_eq!(next - scan, SimDuration::from_millis(250));
/// # Ok::<(), sim_kernel::time::TimeParseError>(())
/// ```
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct SimTime(u64);

/// A length of simulated time, in nanoseconds.
///
/// # Examples
///
/// ```
/// use sim_kernel::SimDuration;
///
/// let scan_period: SimDuration = "12.5ms".parse()?;
/// assert_eq!(scan_period.as_nanos(), 12_500_000);
/// assert_eq!((scan_period * 2).to_string(), "25ms");
/// # Ok::<(), sim_kernel::time::TimeParseError>(())
/// ```
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct SimDuration(u64);

/// What both types share: conversions from and to whole units and seconds.
macro_rules! nanosecond_count {
    ($type:ident, $what:literal) => {
        impl $type {
            #[doc = concat!("The smallest value: ", $what, " of zero.")]
            pub const ZERO: Self = Self(0);
            #[doc = concat!("The largest value: ", $what, " of 2⁶⁴ - 1 ns, over 584 years.")]
            pub const MAX: Self = Self(u64::MAX);

            #[doc = concat!("Makes ", $what, " of `nanos` nanoseconds.")]
            #[must_use]
            #[inline]
            pub const fn from_nanos(nanos: u64) -> Self {
                Self(nanos)
            }

            #[doc = concat!("Makes ", $what, " of `micros` microseconds.")]
            ///
            /// # Panics
            ///
            /// If the result is not below 2⁶⁴ ns.
            #[must_use]
            pub const fn from_micros(micros: u64) -> Self {
                Self(scaled(micros, NANOS_PER_MICRO))
            }

            #[doc = concat!("Makes ", $what, " of `millis` milliseconds.")]
            ///
            /// # Panics
            ///
            /// If the result is not below 2⁶⁴ ns.
            #[must_use]
            pub const fn from_millis(millis: u64) -> Self {
                Self(scaled(millis, NANOS_PER_MILLI))
            }

            #[doc = concat!("Makes ", $what, " of `secs` seconds.")]
            ///
            /// # Panics
            ///
            /// If the result is not below 2⁶⁴ ns.
            #[must_use]
            pub const fn from_secs(secs: u64) -> Self {
                Self(scaled(secs, NANOS_PER_SEC))
            }

            /// The number of nanoseconds.
            #[must_use]
            #[inline]
            pub const fn as_nanos(self) -> u64 {
                self.0
            }

            /// The number of whole microseconds, rounded down.
            #[must_use]
            pub const fn as_micros(self) -> u64 {
                self.0 / NANOS_PER_MICRO
            }

            /// The number of whole milliseconds, rounded down.
            #[must_use]
            pub const fn as_millis(self) -> u64 {
                self.0 / NANOS_PER_MILLI
            }

            /// The number of whole seconds, rounded down.
            #[must_use]
            pub const fn as_secs(self) -> u64 {
                self.0 / NANOS_PER_SEC
            }

            /// The number of seconds, as near as an `f64` comes: to the nanosecond below 2²³ s,
            /// or 97 days.
            #[must_use]
            #[inline]
            pub const fn as_secs_f64(self) -> f64 {
                self.0 as f64 / NANOS_PER_SEC as f64
            }

            #[doc = concat!("Makes ", $what, " of `secs` seconds, to the nearest nanosecond.")]
            ///
            /// A value half way between two is rounded up.
            ///
            /// # Panics
            ///
            /// If `secs` is negative or NaN, or the result is not below 2⁶⁴ ns.
            #[must_use]
            pub fn from_secs_f64(secs: f64) -> Self {
                Self(nanos_from_secs_f64(secs))
            }

            /// Whether this is zero.
            #[must_use]
            #[inline]
            pub const fn is_zero(self) -> bool {
                self.0 == 0
            }

            /// Adds `duration`; none if the result is not below 2⁶⁴ ns.
            #[must_use]
            pub const fn checked_add(self, duration: SimDuration) -> Option<Self> {
                match self.0.checked_add(duration.0) {
                    Some(nanos) => Some(Self(nanos)),
                    None => None,
                }
            }

            /// Subtracts `duration`; none if the result is negative.
            #[must_use]
            pub const fn checked_sub(self, duration: SimDuration) -> Option<Self> {
                match self.0.checked_sub(duration.0) {
                    Some(nanos) => Some(Self(nanos)),
                    None => None,
                }
            }

            /// Adds `duration`, stopping at the largest value.
            #[must_use]
            pub const fn saturating_add(self, duration: SimDuration) -> Self {
                Self(self.0.saturating_add(duration.0))
            }

            /// Subtracts `duration`, stopping at zero.
            #[must_use]
            pub const fn saturating_sub(self, duration: SimDuration) -> Self {
                Self(self.0.saturating_sub(duration.0))
            }
        }

        impl Add<SimDuration> for $type {
            type Output = Self;

            /// # Panics
            ///
            /// If the result is not below 2⁶⁴ ns.
            #[inline]
            fn add(self, duration: SimDuration) -> Self {
                self.checked_add(duration)
                    .expect("simulated time must stay below 2^64 ns")
            }
        }

        impl AddAssign<SimDuration> for $type {
            #[inline]
            fn add_assign(&mut self, duration: SimDuration) {
                *self = *self + duration;
            }
        }

        impl Sub<SimDuration> for $type {
            type Output = Self;

            /// # Panics
            ///
            /// If the result is negative.
            #[inline]
            fn sub(self, duration: SimDuration) -> Self {
                self.checked_sub(duration)
                    .expect("simulated time must not be negative")
            }
        }

        impl SubAssign<SimDuration> for $type {
            #[inline]
            fn sub_assign(&mut self, duration: SimDuration) {
                *self = *self - duration;
            }
        }

        impl FromStr for $type {
            type Err = TimeParseError;

            /// Reads a clock such as `00:12:30` or a number with its unit such as `12.5s`.
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                parse::nanos(text).map(Self)
            }
        }
    };
}

nanosecond_count!(SimTime, "a point in time");
nanosecond_count!(SimDuration, "a length of time");

impl SimTime {
    /// The time since `earlier`; none if `earlier` is later.
    #[must_use]
    pub const fn checked_since(self, earlier: Self) -> Option<SimDuration> {
        match self.0.checked_sub(earlier.0) {
            Some(nanos) => Some(SimDuration(nanos)),
            None => None,
        }
    }

    /// The time since `earlier`; zero if `earlier` is later.
    #[must_use]
    pub const fn saturating_since(self, earlier: Self) -> SimDuration {
        SimDuration(self.0.saturating_sub(earlier.0))
    }

    /// The time since the start of the run.
    #[must_use]
    pub const fn since_start(self) -> SimDuration {
        SimDuration(self.0)
    }
}

impl Sub for SimTime {
    type Output = SimDuration;

    /// # Panics
    ///
    /// If `earlier` is later than `self`.
    #[inline]
    fn sub(self, earlier: Self) -> SimDuration {
        self.checked_since(earlier)
            .expect("the earlier time must not be later")
    }
}

impl Mul<u64> for SimDuration {
    type Output = Self;

    /// # Panics
    ///
    /// If the result is not below 2⁶⁴ ns.
    #[inline]
    fn mul(self, factor: u64) -> Self {
        Self(
            self.0
                .checked_mul(factor)
                .expect("simulated time must stay below 2^64 ns"),
        )
    }
}

impl Div<u64> for SimDuration {
    type Output = Self;

    /// One of `parts` equal parts, rounded down to the nanosecond.
    ///
    /// # Panics
    ///
    /// If `parts` is zero.
    #[inline]
    fn div(self, parts: u64) -> Self {
        Self(self.0 / parts)
    }
}

impl Div for SimDuration {
    type Output = u64;

    /// How many times `period` fits.
    ///
    /// # Panics
    ///
    /// If `period` is zero.
    #[inline]
    fn div(self, period: Self) -> u64 {
        self.0 / period.0
    }
}

impl Rem for SimDuration {
    type Output = Self;

    /// What is left after as many whole periods as fit.
    ///
    /// # Panics
    ///
    /// If `period` is zero.
    #[inline]
    fn rem(self, period: Self) -> Self {
        Self(self.0 % period.0)
    }
}

impl Sum for SimDuration {
    fn sum<I: Iterator<Item = Self>>(durations: I) -> Self {
        durations.fold(Self::ZERO, |total, duration| total + duration)
    }
}

impl fmt::Display for SimTime {
    /// Writes `hh:mm:ss.nnnnnnnnn`; more than 99 hours take more digits.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hours = self.0 / NANOS_PER_HOUR;
        let minutes = self.0 / NANOS_PER_MIN % 60;
        let seconds = self.0 / NANOS_PER_SEC % 60;
        let nanos = self.0 % NANOS_PER_SEC;
        f.pad(&format!("{hours:02}:{minutes:02}:{seconds:02}.{nanos:09}"))
    }
}

impl fmt::Display for SimDuration {
    /// Writes the largest of `s`, `ms`, `us`, `ns` that is not below one, such as `12.5s`; all
    /// digits and no more.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (unit_nanos, unit, decimals) = match self.0 {
            0 | NANOS_PER_SEC.. => (NANOS_PER_SEC, "s", 9),
            NANOS_PER_MILLI.. => (NANOS_PER_MILLI, "ms", 6),
            NANOS_PER_MICRO.. => (NANOS_PER_MICRO, "us", 3),
            _ => (1, "ns", 0),
        };
        let whole = self.0 / unit_nanos;
        let rest = self.0 % unit_nanos;
        if rest == 0 {
            return f.pad(&format!("{whole}{unit}"));
        }
        let fraction = format!("{rest:0decimals$}");
        f.pad(&format!("{whole}.{}{unit}", fraction.trim_end_matches('0')))
    }
}

const fn scaled(count: u64, unit_nanos: u64) -> u64 {
    count
        .checked_mul(unit_nanos)
        .expect("simulated time must stay below 2^64 ns")
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "the values are whole, and a saturated cast is caught"
)]
fn nanos_from_secs_f64(secs: f64) -> u64 {
    assert!(secs >= 0.0, "simulated time must not be negative: {secs} s");
    // Splitting off the whole seconds first keeps the nanoseconds exact where the product
    // `secs * 1e9` would already round.
    let whole = secs.trunc();
    let nanos = ((secs - whole) * NANOS_PER_SEC as f64).round();
    // The casts saturate, so a value out of range is caught by the multiplication.
    (whole as u64)
        .checked_mul(NANOS_PER_SEC)
        .and_then(|whole_nanos| whole_nanos.checked_add(nanos as u64))
        .expect("simulated time must stay below 2^64 ns")
}
