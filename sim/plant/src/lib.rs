//! Controllers, stations, people and network equipment, joined in one [`World`].
//!
//! The plant knows the kernel, the wire, Structured Text and the physics, and joins them in one clock:
//! controllers scan, hosts speak TCP/IP through `smoltcp`, a switch forwards and mirrors, an HMI polls
//! and raises alarms, a historian records, an operator answers. It is told the time and everything
//! that comes from outside; it asks for nothing.
//!
//! - [`spec`]: the plant as its author writes it; [`check()`] finds every mistake in it.
//! - [`World`]: the plant in motion; [`World::run_until`] is the only way that time passes.
//! - [`observe`]: evidence and truth that come out, apart from each other.
//! - [`respond`]: what a defense may ask for.
//! - [`inline`]: a defense that stands in a cable and judges every frame.
//! - [`view`]: what there is to look at, for a viewer.
//! - [`foothold`]: what an attacker may do: use one host's network interface.
//!
//! **Invariant:** the same plant, programs, options and inputs give the same bytes.
//!
//! **Invariant:** an attack changes the plant only through frames, and nothing in here reads a label.

mod address;
mod alarm;
mod assemble;
mod check;
mod controller;
pub mod foothold;
mod frame;
mod host;
pub mod inline;
mod nic;
pub mod observe;
mod operator;
mod physics;
pub mod respond;
pub mod spec;
mod station;
pub mod suggest;
mod switch;
mod tag;
pub mod view;
mod world;

pub use address::{Address, AddressError, Area, TABLE_LIMIT, Width};
pub use alarm::AlarmState;
pub use assemble::{WorldOptions, devices};
pub use check::{check, parse_subnet};
pub use controller::firmware::{Behavior, FirmwareImage};
pub use foothold::Foothold;
pub use frame::{Label, Relation};
pub use host::{ConnectionId, ConnectionStatus};
pub use physics::{places, truth_columns};
pub use sim_process::item::ItemView;
pub use sim_process::production::Production;
pub use sim_wire::modbus::engineering::Mode;
pub use spec::{PlantSpec, SpecError};
pub use station::Belief;
pub use tag::Tag;
pub use world::{HostFacts, OUTSIDE, Pause, ProtectionLost, SafetyFacts, World};
