//! Programs from source to image, diagnostics, and what may arrive from outside.

mod blocks;
mod charts;
mod compare;
mod configuration;
mod conformance;
mod diagnostics;
mod format;
mod image;
mod invariants;
mod lenient;
mod library;
mod lists;
mod program;
mod programs;
mod regressions;
mod robust;
mod safety;
mod specification;
mod support;
mod tasks;
mod timers;
mod traps;
