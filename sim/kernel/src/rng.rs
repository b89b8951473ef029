//! Named random streams: one per component, each independent of all others.
//!
//! A component takes its [`Stream`] by its full name, such as `"plant/filler/level-sensor"`, and
//! draws from nothing else. One more draw in one component then moves nothing in any other, which
//! is what makes a run with an attack comparable with the same run without it.
//!
//! # Invariants
//!
//! - A stream is a function of (seed, name): ChaCha8 with a zero nonce, keyed by
//!   `BLAKE3(seed as 8 little-endian bytes ‖ name as UTF-8)`. The seed has a fixed width, so no two
//!   pairs give the same key. Golden tests pin the first values.
//! - The state of a stream is its position and at most one held-back normal deviate;
//!   [`Stream::digest_into`] hashes both.
//! - How many words a draw takes depends on the drawn bits alone for [`Stream::below`] and
//!   [`Stream::gaussian`], and is fixed for all others.
//!
//! # Source
//!
//! ChaCha8: D. J. Bernstein, "ChaCha, a variant of Salsa20", 2008, with eight rounds.

use core::fmt;
use core::num::ParseIntError;
use core::str::FromStr;

use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};
use serde::{Deserialize, Serialize};

use crate::digest::Hasher;
use crate::math;

/// Weight of the lowest of 53 random bits in a fraction: 2⁻⁵³.
const TWO_POW_MINUS_53: f64 = 1.0 / 9_007_199_254_740_992.0;

/// The seed of a run, from which all its streams derive. In files: a plain integer.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Seed(u64);

impl Seed {
    /// Makes a seed; every value is as good as any other.
    #[must_use]
    pub const fn new(value: u64) -> Self {
        Self(value)
    }

    /// The value given to [`Seed::new`].
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }

    /// Opens the stream of the component `name`. See [`Stream::new`].
    #[must_use]
    pub fn stream(self, name: &str) -> Stream {
        Stream::new(self.0, name)
    }
}

impl From<u64> for Seed {
    fn from(value: u64) -> Self {
        Self(value)
    }
}

impl fmt::Display for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl FromStr for Seed {
    type Err = ParseIntError;

    /// Reads a decimal integer below 2⁶⁴.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self)
    }
}

/// A random stream that belongs to one component.
///
/// A clone continues from the same position and gives the same values as the original.
///
/// # Examples
///
/// ```
/// use sim_kernel::Stream;
///
/// let mut sensor = Stream::new(7, "plant/filler/level-sensor");
/// let noise_m = 0.002 * sensor.gaussian();
/// assert!(noise_m.abs() < 0.1);
/// ```
#[derive(Clone)]
pub struct Stream {
    chacha: ChaCha8Rng,
    /// The second deviate of the last polar pair, until it is asked for.
    spare: Option<f64>,
}

impl fmt::Debug for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stream")
            .field("word_pos", &self.word_pos())
            .field("spare", &self.spare)
            .finish_non_exhaustive()
    }
}

impl Stream {
    /// Opens the stream of the component `name` in the run with this `seed`, at its start.
    ///
    /// # Arguments
    ///
    /// * `seed` — the seed of the run, any value.
    /// * `name` — the full name of the component, unique in the run: two components with one name
    ///   would draw the same values.
    #[must_use]
    pub fn new(seed: u64, name: &str) -> Self {
        let mut key = blake3::Hasher::new();
        key.update(&seed.to_le_bytes());
        key.update(name.as_bytes());
        Self {
            chacha: ChaCha8Rng::from_seed(*key.finalize().as_bytes()),
            spare: None,
        }
    }

    /// Number of 32-bit words taken from the stream so far.
    #[must_use]
    pub fn word_pos(&self) -> u64 {
        u64::try_from(self.chacha.get_word_pos()).expect("no run draws 2^64 words")
    }

    /// Hashes the state that decides all further values: position and held-back deviate.
    ///
    /// Seed and name are left out, since they do not change; the digest of a run has them anyway.
    pub fn digest_into(&self, hasher: &mut Hasher) {
        hasher.put_u64(self.word_pos());
        hasher.put_bool(self.spare.is_some());
        hasher.put_f64(self.spare.unwrap_or(0.0));
    }

    /// Draws 32 random bits. Takes one word.
    #[inline]
    pub fn next_u32(&mut self) -> u32 {
        self.chacha.next_u32()
    }

    /// Draws 64 random bits: the first word is the low half. Takes two words.
    #[inline]
    pub fn next_u64(&mut self) -> u64 {
        self.chacha.next_u64()
    }

    /// Draws a fraction in `[0, 1)`, a multiple of 2⁻⁵³. Takes two words.
    #[inline]
    pub fn uniform(&mut self) -> f64 {
        // A 53-bit integer converts to f64 exactly, and the product is exact as well.
        (self.next_u64() >> 11) as f64 * TWO_POW_MINUS_53
    }

    /// Draws a value between `lo` and `hi`, evenly distributed. Takes two words.
    ///
    /// # Panics
    ///
    /// If `lo > hi`, or if a limit or their distance is not finite.
    #[inline]
    pub fn uniform_in(&mut self, lo: f64, hi: f64) -> f64 {
        assert!(
            lo <= hi && (hi - lo).is_finite(),
            "limits must be ordered and finite: {lo}..{hi}"
        );
        let fraction = self.uniform();
        // Rounding may carry the sum past `hi` by one unit in the last place.
        math::min(lo + fraction * (hi - lo), hi)
    }

    /// Draws an integer in `0..n`, every one with exactly the same probability.
    ///
    /// # Panics
    ///
    /// If `n` is zero: there is nothing to choose from.
    ///
    /// # Source
    ///
    /// D. Lemire, "Fast Random Integer Generation in an Interval", ACM TOMACS 29(1), 2019.
    #[inline]
    pub fn below(&mut self, n: u64) -> u64 {
        assert!(n > 0, "cannot draw an integer below zero");
        let mut product = u128::from(self.next_u64()) * u128::from(n);
        if low_half(product) < n {
            // 2^64 mod n of the 2^64 draws are one too many for an even split; they are drawn anew.
            let threshold = n.wrapping_neg() % n;
            while low_half(product) < threshold {
                product = u128::from(self.next_u64()) * u128::from(n);
            }
        }
        high_half(product)
    }

    /// Draws one of `items`, every one with the same probability.
    ///
    /// # Panics
    ///
    /// If `items` is empty.
    pub fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        let index = self.below(items.len() as u64);
        &items[usize::try_from(index).expect("an index below a usize length fits a usize")]
    }

    /// Draws true with probability `p`. Takes two words, also where the outcome is certain, so that
    /// a changed probability does not shift later draws.
    ///
    /// # Panics
    ///
    /// If `p` is outside `0.0..=1.0` or NaN.
    #[inline]
    pub fn chance(&mut self, p: f64) -> bool {
        assert!(
            (0.0..=1.0).contains(&p),
            "a probability must be in 0..=1: {p}"
        );
        self.uniform() < p
    }

    /// Draws from the normal distribution with mean 0 and standard deviation 1.
    ///
    /// Marsaglia's polar method: a point in the unit disc gives two deviates, of which the second
    /// is held back for the next call. One logarithm and one square root serve two draws.
    ///
    /// # Determinism
    ///
    /// The logarithm is [`math::ln`]; all else is exact by IEEE 754.
    ///
    /// # Source
    ///
    /// G. Marsaglia and T. A. Bray, "A Convenient Method for Generating Normal Variables", SIAM
    /// Review 6(3), 1964.
    pub fn gaussian(&mut self) -> f64 {
        if let Some(deviate) = self.spare.take() {
            return deviate;
        }
        loop {
            let x = 2.0 * self.uniform() - 1.0;
            let y = 2.0 * self.uniform() - 1.0;
            let radius_squared = x * x + y * y;
            if radius_squared > 0.0 && radius_squared < 1.0 {
                let scale = math::sqrt(-2.0 * math::ln(radius_squared) / radius_squared);
                self.spare = Some(y * scale);
                return x * scale;
            }
        }
    }

    /// Draws from the exponential distribution with this `mean`, by inversion. Takes two words.
    ///
    /// The time to the next of independent events that come once per `mean` on average. The unit
    /// is that of `mean`. The result is never negative and at most about 36.7 times the mean.
    ///
    /// # Panics
    ///
    /// If `mean` is negative or not finite.
    pub fn exponential(&mut self, mean: f64) -> f64 {
        assert!(
            mean.is_finite() && mean >= 0.0,
            "a mean must be finite and not negative: {mean}"
        );
        // 1 - uniform is in (0, 1], where the logarithm is finite. Subtracting it from zero, rather
        // than negating, makes the draw at 1 a positive zero.
        mean * (0.0 - math::ln(1.0 - self.uniform()))
    }

    /// Draws from the log-normal distribution with this `median`: `median · exp(sigma · gaussian)`.
    ///
    /// # Arguments
    ///
    /// * `median` — half of all draws are below; its unit is that of the result; not negative.
    /// * `sigma` — standard deviation of the logarithm, dimensionless, not negative. At 0.5 two in
    ///   three draws are within a factor of 1.65 of the median.
    ///
    /// # Panics
    ///
    /// If an argument is negative or not finite.
    pub fn lognormal(&mut self, median: f64, sigma: f64) -> f64 {
        assert!(
            median.is_finite() && median >= 0.0 && sigma.is_finite() && sigma >= 0.0,
            "median and sigma must be finite and not negative: {median}, {sigma}"
        );
        median * math::exp(sigma * self.gaussian())
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "the low half is what is wanted"
)]
const fn low_half(product: u128) -> u64 {
    product as u64
}

const fn high_half(product: u128) -> u64 {
    (product >> 64) as u64
}
