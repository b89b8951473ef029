//! The `twinrange` command.

fn main() {}
