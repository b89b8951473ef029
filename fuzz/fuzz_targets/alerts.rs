//! Alert files of every format: the first byte picks the format, the rest is the file.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| twinrange_fuzz::check_alerts(data));
