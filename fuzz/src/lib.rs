//! What the fuzz targets check, and how they change their inputs.
//!
//! The checks are those of the tests (`invariants.rs` in `sim/st/tests/it`, `sim/plcopen/tests/it` and
//! `score/tests/it`), so that what a target finds fails in an ordinary test as well.

#[path = "../../score/tests/it/invariants.rs"]
mod alerts;
#[path = "../../sim/plcopen/tests/it/invariants.rs"]
mod drawing;
#[path = "../../sim/st/tests/it/invariants.rs"]
mod st;

use twinrange_score::formats::Format;

pub mod container;
pub mod project;
pub mod text;

/// Lexer, parser, checker and layout on any text; what compiles also runs.
pub fn check_text(text: &str) {
    st::check_text(text);
}

/// Decoder, verifier and machine on any bytes.
pub fn check_container(bytes: &[u8]) {
    st::check_container(bytes);
}

/// Import and compiler on any project; a program that comes out runs.
pub fn check_project(xml: &str) {
    drawing::check_project(xml);
}

/// An alert file whose format the first byte picks: an index into [`Format::ALL`].
pub fn check_alerts(data: &[u8]) {
    if let Some((pick, file)) = data.split_first() {
        let format = Format::ALL[usize::from(*pick) % Format::ALL.len()];
        alerts::check_alerts(format, file);
    }
}

/// A small generator (xorshift64*): a mutation must be a function of the fuzzer's seed.
pub struct Random(u64);

impl Random {
    /// A generator of its own for each seed.
    #[must_use]
    pub fn new(seed: u32) -> Self {
        Self(u64::from(seed) << 1 | 1)
    }

    /// A number below `end`, which must not be 0.
    pub fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let high = self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33;
        high as usize % end
    }

    /// One of several.
    pub fn choose<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }
}

/// Puts a mutated input into the fuzzer's buffer as far as it fits; gives its length.
#[must_use]
pub fn put_back(new: &[u8], data: &mut [u8], max_size: usize) -> usize {
    let len = new.len().min(max_size).min(data.len());
    data[..len].copy_from_slice(&new[..len]);
    len
}
