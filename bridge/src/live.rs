//! The plant at the pace of the wall clock, with real clients.
//!
//! - [`pace`]: which simulated time is due;
//! - [`gateway`]: a network stack at the plant's outside port;
//! - [`listen`]: sockets of this machine, behind each of which a controller answers;
//! - [`control`]: what a person may ask for while the plant runs.
//!
//! **Invariant:** only frames and actions reach the plant from here, and each is recorded as an input before it acts.
//! How fast the machine or a client was changes when they come, and nothing else.

pub mod control;
pub mod gateway;
pub mod listen;
pub mod pace;

pub use control::Command;
pub use gateway::{FromClient, Gateway, ToClient};
pub use listen::Doors;
pub use pace::Pace;

/// What wakes a live session before its next simulated event.
#[derive(Debug)]
pub enum Event {
    /// Something has happened at a client's socket.
    Client(FromClient),
    /// A person asks for something, or has written what is no command.
    Command(Result<Command, String>),
}
