//! Firmware images: what an engineering workstation sends to replace a controller's firmware.
//!
//! An image is the magic `TRFW`, a version (1), one byte that says what it does to the controller, its
//! own version as a text (length in one byte), and a signature of 32 bytes: BLAKE3 of the vendor's key
//! and everything in front of the signature. A controller checks it only where its plant file names a
//! key; others take any image, as old controllers do.

use sim_kernel::digest::Digest;

const MAGIC: [u8; 4] = *b"TRFW";
const VERSION: u8 = 1;
const SIGNATURE_BYTES: usize = 32;

/// What a firmware does to its controller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Behavior {
    /// What the vendor meant.
    Normal = 0,
    /// The controller does not start: it stays in STOP until another firmware is loaded.
    Dead = 1,
    /// Inputs keep the values that they had when it started; everything else goes on.
    FrozenInputs = 2,
}

/// An image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FirmwareImage {
    /// Version that the controller's identity then shows, at most 32 bytes.
    pub version: String,
    /// What it does.
    pub behavior: Behavior,
}

impl FirmwareImage {
    /// The image as bytes, signed with a key; without one the signature is all zero.
    #[must_use]
    pub fn to_bytes(&self, key: Option<&str>) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        bytes.extend([VERSION, self.behavior as u8]);
        let mut end = self.version.len().min(32);
        while !self.version.is_char_boundary(end) {
            end -= 1;
        }
        bytes.push(u8::try_from(end).expect("at most 32"));
        bytes.extend(&self.version.as_bytes()[..end]);
        let signature = key.map_or([0; SIGNATURE_BYTES], |key| sign(key, &bytes));
        bytes.extend(signature);
        bytes
    }

    /// Reads an image, signed or not; `None` for anything else.
    #[must_use]
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let (body, _) = bytes.split_at_checked(bytes.len().checked_sub(SIGNATURE_BYTES)?)?;
        let (head, version) = body.split_first_chunk::<7>()?;
        let [a, b, c, d, format, behavior, length] = *head;
        if [a, b, c, d] != MAGIC || format != VERSION || usize::from(length) != version.len() {
            return None;
        }
        Some(Self {
            version: std::str::from_utf8(version).ok()?.to_owned(),
            behavior: match behavior {
                0 => Behavior::Normal,
                1 => Behavior::Dead,
                2 => Behavior::FrozenInputs,
                _ => return None,
            },
        })
        .filter(|image| image.version.len() <= 32)
    }

    /// Whether an image is signed with this key.
    #[must_use]
    pub fn is_signed(bytes: &[u8], key: &str) -> bool {
        bytes
            .len()
            .checked_sub(SIGNATURE_BYTES)
            .is_some_and(|end| bytes[end..] == sign(key, &bytes[..end]))
    }
}

fn sign(key: &str, body: &[u8]) -> [u8; SIGNATURE_BYTES] {
    let mut input = Vec::with_capacity(8 + key.len() + body.len());
    input.extend(
        u64::try_from(key.len())
            .expect("a key is short")
            .to_be_bytes(),
    );
    input.extend(key.as_bytes());
    input.extend(body);
    Digest::of(&input).0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn image_when_written_then_reads_back_and_only_its_key_fits() {
        let image = FirmwareImage {
            version: "2.1".to_owned(),
            behavior: Behavior::Dead,
        };
        let bytes = image.to_bytes(Some("vendor"));
        assert_eq!(FirmwareImage::parse(&bytes), Some(image.clone()));
        assert!(FirmwareImage::is_signed(&bytes, "vendor"));
        assert!(!FirmwareImage::is_signed(&bytes, "other"));
        assert!(!FirmwareImage::is_signed(&image.to_bytes(None), "vendor"));
        assert!(!FirmwareImage::is_signed(&[], "vendor"));
        for end in 0..bytes.len() {
            assert_eq!(FirmwareImage::parse(&bytes[..end]), None);
        }
    }
}
