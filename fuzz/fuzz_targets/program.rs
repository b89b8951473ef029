//! Programs, changed by tokens and statements: code generator, verifier, machine.
#![no_main]

use libfuzzer_sys::{fuzz_mutator, fuzz_target, fuzzer_mutate};
use twinrange_fuzz::{Random, put_back, text};

fuzz_target!(|text: &str| twinrange_fuzz::check_text(text));

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    let mut random = Random::new(seed);
    match std::str::from_utf8(&data[..size]) {
        Ok(text) if random.below(8) > 0 => {
            let new = text::mutate(text, &mut random);
            put_back(new.as_bytes(), data, max_size)
        }
        _ => fuzzer_mutate(data, size, max_size),
    }
});
