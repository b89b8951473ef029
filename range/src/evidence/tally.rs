//! A file that knows its length and digest.

use std::io::{self, Write};

use serde::{Deserialize, Serialize};
use sim_kernel::Digest;

/// Length and digest of a finished file, as in the manifest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileInfo {
    /// Length, bytes.
    pub bytes: u64,
    /// BLAKE3 of the content, as `b3sum` prints it.
    pub blake3: Digest,
}

impl FileInfo {
    /// Length and digest of a content.
    #[must_use]
    pub fn of(content: &[u8]) -> Self {
        Self {
            bytes: content.len() as u64,
            blake3: Digest::of(content),
        }
    }
}

/// Passes everything on and keeps count. Put a buffer in front: large pieces are hashed much faster.
#[derive(Debug)]
pub struct Tally<W> {
    inner: W,
    bytes: u64,
    hasher: blake3::Hasher,
}

impl<W: Write> Tally<W> {
    /// Counts from here on.
    pub fn new(inner: W) -> Self {
        Self {
            inner,
            bytes: 0,
            hasher: blake3::Hasher::new(),
        }
    }

    /// What went through so far.
    pub fn info(&self) -> FileInfo {
        FileInfo {
            bytes: self.bytes,
            blake3: Digest(*self.hasher.finalize().as_bytes()),
        }
    }
}

impl<W: Write> Write for Tally<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.bytes += written as u64;
        self.hasher.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}
