//! How state becomes bytes for the run's digest.
//!
//! Every piece of equipment writes its whole dynamic state, in a fixed order and with fixed widths,
//! little-endian. Two states give the same bytes only if every later step is the same.

/// Something whose dynamic state can be hashed.
pub trait Digest {
    /// Writes the state, field by field, to `put`.
    fn digest(&self, put: &mut dyn FnMut(&[u8]));
}

/// Writes a float: its bits, with every NaN written as the same one.
pub fn put_f64(put: &mut dyn FnMut(&[u8]), x: f64) {
    let bits = if x.is_nan() {
        0x7ff8_0000_0000_0000
    } else {
        x.to_bits()
    };
    put(&bits.to_le_bytes());
}

/// Writes several floats in order.
pub fn put_all(put: &mut dyn FnMut(&[u8]), xs: &[f64]) {
    for &x in xs {
        put_f64(put, x);
    }
}

/// Writes an unsigned integer.
pub fn put_u64(put: &mut dyn FnMut(&[u8]), x: u64) {
    put(&x.to_le_bytes());
}

/// Writes an index or a length. `usize` is not portable, so it is widened first.
pub fn put_len(put: &mut dyn FnMut(&[u8]), x: usize) {
    put_u64(put, x as u64);
}

/// Writes a flag as one byte.
pub fn put_bool(put: &mut dyn FnMut(&[u8]), x: bool) {
    put(&[u8::from(x)]);
}
