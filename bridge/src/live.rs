//! The plant at the pace of the wall clock, with real clients.
//!
//! - [`pace`]: which simulated time is due;
//! - [`gateway`]: a network stack at the plant's outside port;
//! - [`listen`]: sockets of this machine, behind each of which a controller answers;
//! - [`tls`]: certificates of those that speak Modbus inside TLS;
//! - `interface`: interfaces of this machine at the same port, and at the SPAN port (Linux);
//! - [`syslog`]: the plant's log lines to a receiver outside;
//! - [`probe`]: a client of our own at the same port, on the simulated clock;
//! - [`mqtt`]: the historian's samples to a broker outside;
//! - [`opcua`]: the same to clients of OPC UA, through a program of its own;
//! - [`tags`]: what either is told of the plant;
//! - [`control`]: what a person may ask for while the plant runs.
//!
//! **Invariant:** only frames and actions reach the plant from here, and each is recorded as an input before it acts.
//! How fast the machine or a client was changes when they come, and nothing else.

pub mod control;
pub mod gateway;
#[cfg_attr(not(target_os = "linux"), path = "live/no_interface.rs")]
pub mod interface;
pub mod listen;
pub mod mqtt;
pub mod opcua;
pub mod pace;
pub mod probe;
pub mod syslog;
pub mod tags;
pub mod tls;

pub use control::Command;
pub use gateway::{FromClient, Gateway, ToClient};
pub use interface::Interface;
pub use listen::{Doors, Refused};
pub use mqtt::{Broker, MqttError, MqttOut};
pub use opcua::{OpcuaError, OpcuaOut};
pub use pace::{Anchor, Pace};
pub use probe::Probe;
pub use syslog::{Receiver, SyslogOut};
pub use tags::{PlantTag, PlantTags, ValueKind};
pub use tls::{Tls, TlsError};

/// What an interface's name begins with where it is a TAP device to be made.
pub const TAP: &str = "tap:";

/// How often the patience with somebody who is to take the rest may begin anew at the end of a session, because something
/// was taken, until all of it is over.
const PATIENCES_MAX: u32 = 3;

/// Waits for the end of somebody who is to take the rest, as long as something is taken.
///
/// # Arguments
///
/// * `taken` — how much has been taken.
/// * `has_ended` — waits once for as long as the patience lasts.
fn wait_while_taken(taken: impl Fn() -> u64, mut has_ended: impl FnMut() -> bool) {
    let mut before = taken();
    for _ in 0..PATIENCES_MAX {
        if has_ended() {
            return;
        }
        let now = taken();
        if now == before {
            return;
        }
        before = now;
    }
}

/// What wakes a live session before its next simulated event.
#[derive(Debug)]
pub enum Event {
    /// Something has happened at a client's socket.
    Client(FromClient),
    /// A frame has come in through an interface.
    Frame(Vec<u8>),
    /// A person asks for something, or has written what is no command.
    Command(Result<Command, String>),
    /// Somebody asks for something over the defense API.
    Request(crate::api::Request),
}
