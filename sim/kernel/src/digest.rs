//! Fingerprints of state: a typed hasher, its 256-bit digest, and a chain of digests.
//!
//! Two runs are the same when their digests are. A component feeds its state to a [`Hasher`] field
//! by field; at every simulated second the result is pushed on a [`Chain`], whose head stands for
//! the whole run so far.
//!
//! # Invariants
//!
//! - Integers are hashed in little-endian order at their fixed width, and what has a length is
//!   hashed behind that length. Two sequences of `put` calls with the same types therefore give the
//!   same bytes only if all values are equal.
//! - Every NaN is hashed alike, because its bits differ between processors; `-0.0` and `0.0` are
//!   hashed apart, because a model can tell them apart.
//! - The bytes are part of the format of a run folder: golden tests pin them.
//!
//! # Source
//!
//! BLAKE3 (O'Connor, Aumasson, Neves, Wilcox-O'Hearn, 2020), 256-bit output, no key.

use core::fmt;
use core::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use thiserror::Error;

use crate::time::{SimDuration, SimTime};

/// The bits hashed for every NaN: the positive quiet NaN without payload.
const CANONICAL_NAN_BITS: u64 = 0x7ff8_0000_0000_0000;

/// A 256-bit BLAKE3 digest. Text form, also in files: 64 lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest(pub [u8; 32]);

impl Digest {
    /// Returns the BLAKE3 digest of `bytes` as they are, the same that `b3sum` prints for a file.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(*blake3::hash(bytes).as_bytes())
    }

    /// The 32 bytes of the digest.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The first 8 bytes, big-endian: enough to tell where two runs part, at a quarter of the room.
    #[must_use]
    pub const fn prefix(&self) -> u64 {
        let [a, b, c, d, e, f, g, h, ..] = self.0;
        u64::from_be_bytes([a, b, c, d, e, f, g, h])
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(blake3::Hash::from_bytes(self.0).to_hex().as_str())
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest({self})")
    }
}

/// Text that is not a [`Digest`].
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("`{text}` is not a digest; expected 64 hexadecimal digits")]
pub struct DigestParseError {
    /// The rejected text.
    pub text: String,
}

impl FromStr for Digest {
    type Err = DigestParseError;

    /// Reads 64 hexadecimal digits, of either case.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match blake3::Hash::from_hex(text) {
            Ok(hash) => Ok(Self(*hash.as_bytes())),
            Err(_) => Err(DigestParseError {
                text: text.to_owned(),
            }),
        }
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

/// Hashes typed values in a portable form.
///
/// # Examples
///
/// ```
/// use sim_kernel::Hasher;
///
/// let level = |level_m: f64| {
///     let mut hasher = Hasher::new();
///     hasher.put_str("tank");
///     hasher.put_f64(level_m);
///     hasher.finish()
/// };
/// assert_eq!(level(0.25), level(0.25));
/// assert_ne!(level(0.25), level(0.26));
/// ```
#[derive(Clone, Debug, Default)]
pub struct Hasher {
    inner: blake3::Hasher,
    /// What was put and not yet hashed: many small values are hashed several times faster in one go.
    waiting: Vec<u8>,
}

impl Hasher {
    /// Bytes that are hashed in one go: as many as the widest form of BLAKE3 takes side by side.
    const BATCH: usize = 16 * 1024;

    /// Creates a hasher that has been given nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn put(&mut self, bytes: &[u8]) {
        self.waiting.extend_from_slice(bytes);
        if self.waiting.len() >= Self::BATCH {
            self.inner.update(&self.waiting);
            self.waiting.clear();
        }
    }

    /// Hashes one byte.
    pub fn put_u8(&mut self, value: u8) {
        self.put(&[value]);
    }

    /// Hashes two bytes, little-endian.
    pub fn put_u16(&mut self, value: u16) {
        self.put(&value.to_le_bytes());
    }

    /// Hashes four bytes, little-endian.
    pub fn put_u32(&mut self, value: u32) {
        self.put(&value.to_le_bytes());
    }

    /// Hashes eight bytes, little-endian.
    pub fn put_u64(&mut self, value: u64) {
        self.put(&value.to_le_bytes());
    }

    /// Hashes eight bytes, little-endian two's complement.
    pub fn put_i64(&mut self, value: i64) {
        self.put(&value.to_le_bytes());
    }

    /// Hashes the IEEE 754 bits of `value` as a `u64`; every NaN counts as the same one.
    pub fn put_f64(&mut self, value: f64) {
        self.put_u64(if value.is_nan() {
            CANONICAL_NAN_BITS
        } else {
            value.to_bits()
        });
    }

    /// Hashes one byte: 1 for true, 0 for false.
    pub fn put_bool(&mut self, value: bool) {
        self.put_u8(u8::from(value));
    }

    /// Hashes the length of a collection as a `u64`, to be followed by its items.
    pub fn put_len(&mut self, len: usize) {
        // No supported target has a `usize` wider than 64 bits, so the cast is exact.
        self.put_u64(len as u64);
    }

    /// Hashes the length of `bytes` as a `u64`, then the bytes.
    pub fn put_bytes(&mut self, bytes: &[u8]) {
        self.put_len(bytes.len());
        self.put(bytes);
    }

    /// Hashes `text` as its UTF-8 bytes, behind their length.
    pub fn put_str(&mut self, text: &str) {
        self.put_bytes(text.as_bytes());
    }

    /// Hashes the 32 bytes of another digest.
    pub fn put_digest(&mut self, digest: &Digest) {
        self.put(&digest.0);
    }

    /// Hashes a point in time as a `u64` of nanoseconds.
    pub fn put_time(&mut self, time: SimTime) {
        self.put_u64(time.as_nanos());
    }

    /// Hashes a length of time as a `u64` of nanoseconds.
    pub fn put_duration(&mut self, duration: SimDuration) {
        self.put_u64(duration.as_nanos());
    }

    /// The digest of all that was put so far. More may be put afterwards.
    #[must_use]
    pub fn finish(&self) -> Digest {
        if self.inner.count() == 0 {
            return Digest::of(&self.waiting);
        }
        let mut inner = self.inner.clone();
        inner.update(&self.waiting);
        Digest(*inner.finalize().as_bytes())
    }
}

/// A running digest over a sequence of digests.
///
/// The head after `n` pushes stands for all `n` items and their order: `head[0]` hashes the label,
/// `head[n] = BLAKE3(head[n-1] ‖ item[n])`. Two chains that agree on a head agree on all before it,
/// so the first difference between two runs is found by comparing heads, one per second.
///
/// # Examples
///
/// ```
/// use sim_kernel::{Chain, Digest};
///
/// let mut run = Chain::new("trace");
/// let first = run.push(&Digest::of(b"second 1"));
/// let second = run.push(&Digest::of(b"second 2"));
/// assert_ne!(first, second);
/// assert_eq!(run.head(), second);
/// assert_eq!(run.len(), 2);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chain {
    head: Digest,
    len: u64,
}

impl Chain {
    /// Starts a chain. Chains with different labels never share a head.
    #[must_use]
    pub fn new(label: &str) -> Self {
        let mut hasher = Hasher::new();
        hasher.put_str(label);
        Self {
            head: hasher.finish(),
            len: 0,
        }
    }

    /// Appends `item` and returns the new head.
    pub fn push(&mut self, item: &Digest) -> Digest {
        let mut hasher = Hasher::new();
        hasher.put_digest(&self.head);
        hasher.put_digest(item);
        self.head = hasher.finish();
        self.len += 1;
        self.head
    }

    /// The digest of the label and all items so far.
    #[must_use]
    pub const fn head(&self) -> Digest {
        self.head
    }

    /// The number of items pushed.
    #[must_use]
    pub const fn len(&self) -> u64 {
        self.len
    }

    /// Whether nothing was pushed yet.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }
}
