//! Counts what the simulated network costs, for callgrind: run it for two lengths and take the slope.
//!
//! `polling simulated|bare SECONDS` polls ten controllers every 100 ms for that many simulated seconds
//! and prints the number of frames.

#[path = "../benches/polling/mod.rs"]
mod polling;

use polling::{CONTROLLERS, POLL_MS, Pair, world};
use sim_kernel::time::SimDuration;
use sim_plant::observe::Keep;

#[expect(
    clippy::disallowed_methods,
    reason = "an example is a command, not part of a run"
)]
fn main() {
    let mut args = std::env::args().skip(1);
    let (kind, seconds) = (
        args.next(),
        args.next().and_then(|text| text.parse::<u64>().ok()),
    );
    let frames = match (kind.as_deref(), seconds) {
        (Some("simulated"), Some(seconds)) => simulated(seconds),
        (Some("bare"), Some(seconds)) => bare(seconds),
        _ => {
            eprintln!("usage: polling simulated|bare SECONDS");
            std::process::exit(2);
        }
    };
    println!("{frames} frames");
}

fn simulated(seconds: u64) -> u64 {
    let keep = Keep {
        frames: true,
        ..Keep::TRUTH
    };
    let (mut world, mut until) = world(keep);
    let before = world.frames_seen();
    for _ in 0..seconds {
        until += SimDuration::from_secs(1);
        world.run_until(until);
        world.observations().clear();
    }
    world.frames_seen() - before
}

fn bare(seconds: u64) -> u64 {
    let mut pairs: Vec<Pair> = (0..CONTROLLERS).map(Pair::new).collect();
    let before: u64 = pairs.iter().map(|pair| pair.frames).sum();
    let mut scratch = Vec::new();
    let mut ms = 5_000;
    for transaction in 0..seconds * 1_000 / u64::from(POLL_MS) {
        for pair in &mut pairs {
            pair.exchange(
                ms,
                u16::try_from(transaction & 0xffff).expect("16 bits"),
                &mut scratch,
            );
        }
        ms += i64::from(POLL_MS);
    }
    pairs.iter().map(|pair| pair.frames).sum::<u64>() - before
}
