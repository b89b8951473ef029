//! Programs from source to image, diagnostics, and what an attacker may send.

mod conformance;
mod support;
