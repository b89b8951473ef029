//! Programs from source to image, diagnostics, and what may arrive from outside.

mod blocks;
mod charts;
mod compare;
mod configuration;
mod conformance;
mod diagnostics;
mod format;
mod image;
mod lenient;
mod library;
mod lists;
mod program;
mod programs;
mod robust;
mod safety;
mod specification;
mod support;
mod tasks;
mod timers;
mod traps;
