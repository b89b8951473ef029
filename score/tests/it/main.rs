//! Tests of scoring from outside, one binary.

mod common;
mod detection;
mod import;
mod metrics;
mod properties;
mod report_depths;
mod reports;
