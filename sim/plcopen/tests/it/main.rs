//! PLCopen projects from file to scan.

mod bodies;
mod invariants;
mod mistakes;
mod projects;
mod robust;
mod support;
