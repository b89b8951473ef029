//! Containers with changed contents and a right digest: decoder, verifier, machine.
#![no_main]

use libfuzzer_sys::{fuzz_mutator, fuzz_target, fuzzer_mutate};
use twinrange_fuzz::{Random, container, put_back};

fuzz_target!(|bytes: &[u8]| {
    let mut bytes = bytes.to_vec();
    sim_st::reseal(&mut bytes);
    twinrange_fuzz::check_container(&bytes);
});

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    let mut random = Random::new(seed);
    if random.below(4) == 0 {
        return fuzzer_mutate(data, size, max_size);
    }
    let mut bytes = data[..size].to_vec();
    container::mutate(&mut bytes, &mut random);
    put_back(&bytes, data, max_size)
});
