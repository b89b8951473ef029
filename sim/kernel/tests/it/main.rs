//! Tests of the kernel's public interface, one module per module of the crate.

mod digest;
mod input;
mod math;
mod queue;
mod rng;
mod time;
