//! What several verbs share.

pub(crate) mod actions;
pub(crate) mod alerts;
pub(crate) mod defense;
pub(crate) mod execution;
pub(crate) mod failure;
#[cfg_attr(not(test), expect(dead_code, reason = "the oracle and the margin come next"))]
pub(crate) mod ideal;
pub(crate) mod progress;
pub(crate) mod scenario;
pub(crate) mod scoring;
