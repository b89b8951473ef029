//! Bytes to messages and back, one protocol per file.
//!
//! Every protocol has two views. The *packet view* is lenient: it borrows bytes, never panics, and
//! an accessor answers `None` where the bytes end too early, so that an attacker's malformed frame
//! is something to look at and count, not an error. The *`Repr`* is strict: `parse` accepts only
//! what the standard allows and names what is wrong otherwise; `emit` writes it back, and
//! `parse(emit(repr)) == repr`.
//!
//! **Invariant:** nothing here reads a clock, does IO or knows the simulation. Every function is a
//! function of its arguments; time, where it matters, is an argument.
//!
//! **Invariant:** no bytes whatsoever make a function of this crate panic.
//!
//! **Invariant:** decoding borrows and encoding appends to the caller's buffer, so a warmed-up
//! poll loop does not allocate.

pub mod arp;
mod bytes;
pub mod checksum;
pub mod ethernet;
pub mod icmp;
pub mod ipv4;
pub mod modbus;
pub mod rewrite;
pub mod summary;
pub mod syslog;
pub mod tcp;
pub mod udp;

pub use ethernet::MacAddr;
pub use std::net::Ipv4Addr;
pub use summary::FrameSummary;
