//! The reference defense: a passive network monitor for one Modbus cell.
//!
//! In a clean period it learns which hosts there are, who opens connections to whom, and which
//! Modbus functions, addresses and values each client uses. Afterwards it alerts on what is new. It
//! speaks `docs/defense-protocol.md` and knows the plant only through that protocol.
//!
//! | module | holds |
//! | --- | --- |
//! | [`session`] | the protocol: lines in, lines out |
//! | [`options`] | the command line |
//! | `detector` | frames to findings: hosts and pairs, and the parts below |
//! | `arp` | who owns which address |
//! | `connections` | sweeps, scans and floods |
//! | `modbus` | reads, writes, values, bursts |
//! | `engineering` | programs, modes, forces, tasks and firmware of controllers |
//! | `rewrite` | frames that were forwarded with another content |
//! | `alert` | the rules' ids, hold-off, the normal form |
//! | `respond` | actions, only with `--respond` |
//!
//! **Invariant:** the answer is a function of the messages and the options: no clock, no random
//! numbers, no hash order.
//!
//! **Invariant:** all tables are bounded, and no frame can cause a panic or a flood of alerts.

mod alert;
mod arp;
mod connections;
mod detector;
mod engineering;
mod modbus;
pub mod options;
mod respond;
mod rewrite;
pub mod session;
mod window;

pub use options::Options;
pub use session::{Session, SessionError, serve};
