//! Scenarios, runs, ground truth and the run folder.
//!
//! This crate stands between the simulation, which knows no files, and the people and tools that know
//! nothing else. What people write is read and checked here; what a run leaves is written and read
//! here.
//!
//! | module | gives |
//! | --- | --- |
//! | [`problem`] | the user's mistake as a value, and the table of problem codes |
//! | [`ron_source`] | RON files with the place of every value |
//! | [`scenario`] | the scenario file, everything it names, and `check` |
//! | [`formats`] | plants, programs and playbooks, read and compiled for a run |
//! | [`evidence`] | one writer and reader per file format of a run |
//! | [`manifest`] | `run.json` |
//! | [`run_folder`] | the folder as a whole |
//! | [`twin`] | a run against its unattacked twin: impact |
//! | [`branch`] | a run with something left out or added |
//! | [`digest_compare`] | where a replay parts from its record |
//!
//! **Invariant:** what is written to `evidence/` and `truth/` is a function of the calls alone: no
//! clock, path, host name or hash order gets in. Only `run.json` knows the wall clock.
//!
//! **Invariant:** the user's mistakes are [`problem::Problems`], all of them at once; a panic in here
//! is our bug.

pub mod branch;
pub mod digest_compare;
pub mod evidence;
pub mod formats;
pub mod manifest;
pub mod outside;
pub mod problem;
pub mod ron_source;
pub mod run_folder;
pub mod scenario;
pub mod session;
pub mod twin;
