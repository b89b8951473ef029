//! Run folders in the forms that other tools and labelled data sets have, so that existing detectors run on
//! our runs unchanged.
//!
//! | module | what |
//! | --- | --- |
//! | [`log`] | the canonical run log: what a run folder says, once, in the words that all writers share |
//! | [`labels`] | intervals to labels per row, and back |
//! | [`table`] | tag values in rows of one period |
//! | [`note`] | `labels.json`, which says what the labels mean |
//! | [`options`] | which options have a meaning for which formats |
//! | [`out`] | the folder: whole or absent |
//! | `ipal`, `modbus`, `swat`, `wadi`, `hai`, `etapr`, `batadal`, `cic`, `pcap`, `ics_flow`, `attack_flow`, `navigator`, `stix` | one convention each |
//!
//! This is a crate of its own because it needs both a run folder (`range`) and the tables of ATT&CK (`score`), and
//! neither may know the other.
//!
//! # Invariants
//!
//! - Writers read the run log, the table and frames, and nothing else; what a convention cannot say is said in
//!   `labels.json`.
//! - A run folder is only read.
//! - The same run and the same options give the same bytes: no clock, path, host name or hash order.

mod attack_flow;
mod batadal;
mod cic;
mod etapr;
mod frames;
mod hai;
mod ics_flow;
mod ids;
mod ipal;
pub mod labels;
pub mod log;
mod modbus;
mod navigator;
pub mod note;
pub mod options;
pub mod out;
mod pcap;
mod stix;
mod swat;
pub mod table;
mod tabular;
mod wadi;

mod work;

pub use work::{Format, Order, Run, Stamps, Summary, Values, export};
