//! Network interfaces of this machine, where they cannot be used: on everything but Linux.

use std::io;
use std::sync::mpsc::Sender;

use super::Event;

/// An interface; there is none on this system.
#[derive(Debug)]
pub enum Interface {}

impl Interface {
    /// Refuses.
    ///
    /// # Errors
    ///
    /// Always `Unsupported`.
    pub fn open(_name: &str) -> io::Result<Self> {
        Err(io::Error::new(
            io::ErrorKind::Unsupported,
            "interfaces can be used on Linux only",
        ))
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        match *self {}
    }

    /// Frames that could not be sent.
    #[must_use]
    pub fn lost(&self) -> u64 {
        match *self {}
    }

    /// Sends a frame.
    pub fn send(&self, _frame: &[u8]) {
        match *self {}
    }

    /// A frame that was handed over has been taken.
    pub fn taken(&self) {
        match *self {}
    }

    /// Hands over every frame that comes in.
    pub fn listen(&self, _events: Sender<Event>) {
        match *self {}
    }
}
