//! Tests of scoring from outside, one binary.

mod common;
mod compare;
mod compare_basis;
mod detection;
mod format_properties;
mod formats;
mod import;
mod invariants;
mod metrics;
mod properties;
mod report_depths;
mod reports;
