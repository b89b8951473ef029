//! What several verbs share.

pub(crate) mod actions;
pub(crate) mod alerts;
pub(crate) mod defense;
pub(crate) mod execution;
pub(crate) mod failure;
pub(crate) mod ideal;
pub(crate) mod oracle;
pub(crate) mod progress;
pub(crate) mod sandbox;
pub(crate) mod scenario;
pub(crate) mod scoring;
