//! What several verbs share.

pub(crate) mod action_text;
pub(crate) mod actions;
pub(crate) mod alerts;
pub(crate) mod attribution;
pub(crate) mod beside;
#[cfg(test)]
pub(crate) mod by_hand;
pub(crate) mod defense;
pub(crate) mod execution;
pub(crate) mod explained;
pub(crate) mod failure;
pub(crate) mod files;
pub(crate) mod ideal;
pub(crate) mod inline;
pub(crate) mod margin;
pub(crate) mod memory;
pub(crate) mod oracle;
pub(crate) mod production;
pub(crate) mod progress;
pub(crate) mod recording;
pub(crate) mod reruns;
pub(crate) mod run_args;
pub(crate) mod sandbox;
pub(crate) mod scenario;
pub(crate) mod scoring;
pub(crate) mod technique_table;
pub(crate) mod wiring;
