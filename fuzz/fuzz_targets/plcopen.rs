//! PLCopen projects, changed by tags and values: import, compiler, places of reports.
#![no_main]

use libfuzzer_sys::{fuzz_mutator, fuzz_target, fuzzer_mutate};
use twinrange_fuzz::{Random, project, put_back};

fuzz_target!(|xml: &str| twinrange_fuzz::check_project(xml));

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    let mut random = Random::new(seed);
    match std::str::from_utf8(&data[..size]) {
        Ok(xml) if random.below(8) > 0 => {
            let new = project::mutate(xml, &mut random);
            put_back(new.as_bytes(), data, max_size)
        }
        _ => fuzzer_mutate(data, size, max_size),
    }
});
