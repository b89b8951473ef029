//! Changes of containers that get past the decoder: whole fields, with values from the same container.
//!
//! A container is little-endian and its instructions have 16 bytes, but what begins where depends on the lengths of
//! the lists in front. Changes therefore take any byte for the beginning of a field.

use crate::Random;

/// Bytes in front of what the digest covers.
const HEADER_LEN: usize = 40;

/// Values that lie at the ends of what a field can mean.
const ODD: [u32; 12] = [
    0,
    1,
    2,
    0x7F,
    0xFF,
    0x100,
    0xFFFF,
    0x1_0000,
    1 << 20,
    0x7FFF_FFFF,
    0x8000_0000,
    u32::MAX,
];

/// Changes some fields of a container. Its digest is set anew by the target.
pub fn mutate(bytes: &mut Vec<u8>, random: &mut Random) {
    if bytes.len() < HEADER_LEN + 32 {
        return;
    }
    for _ in 0..=random.below(4) {
        let at = HEADER_LEN + random.below(bytes.len() - HEADER_LEN - 16);
        let from = HEADER_LEN + random.below(bytes.len() - HEADER_LEN - 16);
        match random.below(7) {
            // An instruction, an operand or a type from elsewhere.
            0 => bytes.copy_within(from..from + 16, at),
            1 => bytes.copy_within(from..from + 4, at),
            2 => bytes[at] = bytes[from],
            // The neighbour of an operand.
            3 => bytes[at] = bytes[at].wrapping_add(1),
            4 => bytes[at] = bytes[at].wrapping_sub(1),
            5 => bytes[at..at + 4].copy_from_slice(&random.choose(&ODD).to_le_bytes()),
            _ => bytes[at] = random.below(256) as u8,
        }
    }
}
