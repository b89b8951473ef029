//! Scores a defense against the ground truth of a run, and writes the reports.
//!
//! Text and bytes go in, values and text come out: this crate opens no file, reads no clock and
//! knows no other crate of the range. The command maps a run folder to [`detection::Truth`],
//! [`continuity::FourRuns`] and [`report::ReportData`], and writes what comes back.
//!
//! The way of a score:
//!
//! 1. [`formats::import`] turns a tool's own file into [`alert::Alert`]s, our normal form.
//! 2. [`detection::score`] compares alerts with the truth.
//! 3. [`continuity::score`] compares four runs with one seed: N, A, D, AD.
//! 4. [`score::Score`] holds both, serialises to `score.json`, and is what [`gate`] asks.
//! 5. [`compare::TwoRuns`] puts two scored runs beside each other.
//! 6. [`report`], [`junit`] and [`navigator`] write it for people, build servers and ATT&CK
//!    Navigator.
//!
//! **Invariant:** there is no weighted total. Detection and continuity stand side by side, and a
//! figure that cannot be computed is [`figure::Figure::undefined`] with its reason, never zero.
//!
//! **Invariant:** every figure is a pure function of the input, to the bit: sums run in a fixed
//! order and `exp`, `ln` come from `libm`.

pub mod alert;
pub mod attack;
pub mod attribution;
pub mod compare;
pub mod continuity;
pub mod detection;
pub mod figure;
pub mod formats;
pub mod gate;
pub mod inline;
pub mod junit;
pub mod margin;
pub mod metrics;
pub mod navigator;
pub mod records;
pub mod report;
pub mod safety;
pub mod score;
pub mod seeds;
pub mod stats;
mod suggest;
