//! Programs from source to image, diagnostics, and what may arrive from outside.

mod blocks;
mod conformance;
mod diagnostics;
mod image;
mod program;
mod programs;
mod robust;
mod support;
mod timers;
mod traps;
