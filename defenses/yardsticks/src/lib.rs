//! Yardsticks: defenses whose place in a ranking every expert knows before it is made.
//!
//! They speak `docs/defense-protocol.md` as any other defense does. `README.md` says what each is for.
//!
//! | module | holds |
//! | --- | --- |
//! | [`session`] | the protocol: lines in, lines out |
//! | [`options`] | the command line |
//! | [`script`] | what the oracle is told |
//! | `eager` | the defense that cuts off whatever is new |
//!
//! **Invariant:** the answer is a function of the messages and the options: no clock, no unseeded random
//! number, no hash order.

mod eager;
pub mod options;
pub mod script;
pub mod session;

pub use options::{Kind, Options};
pub use script::Script;
pub use session::{SessionError, serve};
