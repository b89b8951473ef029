//! Any bytes that are text: lexer, parser, checker, layout.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| twinrange_fuzz::check_text(text));
