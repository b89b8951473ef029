//! What is seen is what was true.

mod meaning;
mod order;
mod support;
