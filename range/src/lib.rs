//! Scenarios, runs, ground truth and the run folder.
pub mod digest_compare;
pub mod evidence;
pub mod manifest;
pub mod problem;
pub mod ron_source;
pub mod run_folder;
pub mod scenario;
pub mod twin;
