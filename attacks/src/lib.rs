//! The technique library and its playbooks: attacks that exist only inside the simulation.
//!
//! An attacker owns one host of the simulated plant and drives nothing but that host's network
//! interface, through a [`Foothold`](sim_plant::Foothold). It is scripted by a [`Playbook`], a RON file
//! of steps with triggers and typed actions; [`validate()`] checks one against a plant, [`Engine`] plays
//! it, and [`Engine::records`] tells afterwards what became of each step.
//!
//! | module | holds |
//! | --- | --- |
//! | [`playbook`] | the file format |
//! | [`validate`](mod@validate) | everything that can be wrong with a file of that format |
//! | [`technique`] | MITRE ATT&CK for ICS, and the identifiers that were revoked |
//! | [`engine`] | triggers, steps and their limits |
//! | [`intercept`] | what an adversary in the middle does to a frame |
//! | [`arp`] | hardware addresses learned, and ARP frames |
//! | [`view`] | what the attacker knows beforehand |
//! | [`record`] | ground truth about each step |
//!
//! **Invariant:** an attack acts only by sending frames; nothing here can reach a controller's memory,
//! the process or the simulator.
//!
//! **Invariant:** every loop is bounded in rate, count and time by values that [`validate()`] limits.

mod action;
pub mod arp;
pub mod engine;
pub mod intercept;
mod place;
pub mod playbook;
mod port;
pub mod record;
pub mod technique;
mod trigger;
pub mod validate;
mod value;
pub mod view;

pub use engine::Engine;
pub use playbook::{Outcome, Playbook};
pub use record::StepRecord;
pub use validate::validate;
pub use view::PlantView;
