//! What several verbs share.

pub(crate) mod actions;
pub(crate) mod alerts;
pub(crate) mod defense;
pub(crate) mod execution;
pub(crate) mod failure;
pub(crate) mod memory;
pub(crate) mod progress;
pub(crate) mod scenario;
pub(crate) mod scoring;
