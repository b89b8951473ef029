//! Reads of big-endian fields that answer `None` past the end instead of panicking.

/// The byte at `offset`.
pub(crate) fn u8_at(bytes: &[u8], offset: usize) -> Option<u8> {
    bytes.get(offset).copied()
}

/// The `N` bytes from `offset`.
pub(crate) fn array_at<const N: usize>(bytes: &[u8], offset: usize) -> Option<[u8; N]> {
    bytes.get(offset..)?.first_chunk().copied()
}

/// The 16-bit field at `offset`.
pub(crate) fn u16_at(bytes: &[u8], offset: usize) -> Option<u16> {
    array_at(bytes, offset).map(u16::from_be_bytes)
}

/// The 32-bit field at `offset`.
pub(crate) fn u32_at(bytes: &[u8], offset: usize) -> Option<u32> {
    array_at(bytes, offset).map(u32::from_be_bytes)
}

/// The low 8 bits of a length or count.
///
/// Emitters use it for length fields: what does not fit is the caller's malformed message, and
/// malformed messages must be possible to write.
pub(crate) fn low_u8(value: usize) -> u8 {
    value.to_le_bytes()[0]
}

/// The low 16 bits of a length or count; see [`low_u8`].
pub(crate) fn low_u16(value: usize) -> u16 {
    let bytes = value.to_le_bytes();
    u16::from_le_bytes([bytes[0], bytes[1]])
}
