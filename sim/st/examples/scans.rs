//! Scans a program many times, for `benches/matiec.py`, which runs the same program as native code.
//!
//! `scans FILE COUNT` prints the outputs that are not zero after COUNT scans, 10 ms apart and with
//! the inputs of the bench `scan`, and on the error output the time of one scan in nanoseconds.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "an example is a command, not part of a run, and this one tells how long it took"
)]

use std::error::Error;
use std::sync::Arc;
use std::time::Instant;

use sim_st::{Image, Machine, compile};

/// Ample for one scan, ns.
const FUEL_NS: u64 = 10_000_000;
const PERIOD_NS: u64 = 10_000_000;

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [file, count] = args.as_slice() else {
        return Err("usage: scans FILE COUNT".into());
    };
    let count: u32 = count.parse()?;
    let program = compile(&std::fs::read_to_string(file)?, file)
        .map_err(|problems| format!("{file}: {problems:?}"))?;
    let mut machine = Machine::new(Arc::new(program));
    let mut image = Image::new();
    image.ix[..5].copy_from_slice(&[true, false, true, true, true]);
    image.iw[..2].copy_from_slice(&[12_000, 9_000]);
    let mut now_ns = 0;
    let before = Instant::now();
    for _ in 0..count {
        now_ns += PERIOD_NS;
        let report = machine.scan(&mut image, now_ns, FUEL_NS);
        if let Some(trap) = report.trap {
            return Err(format!("the program stopped after {now_ns} ns: {trap:?}").into());
        }
    }
    let ns = before.elapsed().as_secs_f64() * 1e9 / f64::from(count);
    for (word, value) in image
        .qw
        .iter()
        .enumerate()
        .filter(|(_, value)| **value != 0)
    {
        println!("%QW{word} = {}", value.cast_signed());
    }
    for (bit, _) in image.qx.iter().enumerate().filter(|(_, value)| **value) {
        println!("%QX{}.{} = 1", bit / 8, bit % 8);
    }
    eprintln!("{ns:.3}");
    Ok(())
}
