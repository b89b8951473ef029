//! What is shown, before it is drawn: plain values, without Bevy's world.
//!
//! | module | gives |
//! | --- | --- |
//! | [`plan`] | what stands where: equipment, pipes, hosts, zones, views |
//! | [`layout`] | finds places for what a plant file gives none |
//! | [`store`] | a run's samples, from its folder or from a simulation under way, by time |
//! | [`moment`] | what there is to see at one time |
//! | [`story`] | what happened: attack steps, alerts, actions, impacts; figures at one time |
//! | [`account`] | what a run has produced and what it is worth, in the score's terms |
//!
//! **Invariant:** a moment is a function of the plan, the store and the time. Nothing remembers the moment before,
//! so that a picture is the same however one came to it.

pub mod account;
pub mod layout;
pub mod moment;
pub mod plan;
pub mod store;
pub mod story;
