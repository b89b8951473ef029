//! End-to-end tests: they drive the built command as a user does, and look at its exit codes, at what it
//! prints and at the files that it leaves.
//!
//! Runs are short, and no test depends on the wall clock: where a test must act in the middle of a run, it
//! waits for a file to grow.

mod alerts;
mod campaign;
mod compare;
mod corpus;
mod counterfactual;
#[cfg(unix)]
mod defense_failures;
mod determinism;
mod export;
mod gates;
mod inert;
#[cfg(unix)]
mod inline;
#[cfg(unix)]
mod integrations;
#[cfg(unix)]
mod interrupt;
mod layering;
mod live;
mod logic;
mod metrics;
#[cfg(unix)]
mod offline;
#[cfg(unix)]
mod python;
mod ranking;
#[cfg(unix)]
mod response;
mod safety;
#[cfg(target_os = "linux")]
mod sandbox;
mod st;
#[cfg(unix)]
mod stream;
mod support;
mod what_if;
#[cfg(unix)]
mod wiring;
mod yardsticks;
