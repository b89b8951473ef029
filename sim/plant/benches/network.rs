//! The simulated network beside a bare `smoltcp` loop that does the same Modbus exchanges.
//!
//! Both sides poll `CONTROLLERS` controllers for ten holding registers every 100 ms of simulated time
//! with the same codec. The bare loop hands frames from one interface to the other at once: no queue,
//! no switch, no link, no capture. What the simulated network costs above it is the price of those.

mod polling;

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use polling::{CONTROLLERS, POLL_MS, Pair, world};
use sim_plant::observe::Keep;

/// Simulated time of one sample, after the connections stand.
const SAMPLE_MS: u64 = 10_000;

fn network(c: &mut Criterion) {
    let mut group = c.benchmark_group("network");
    let exchanges = SAMPLE_MS / u64::from(POLL_MS) * u64::from(CONTROLLERS);
    group.throughput(Throughput::Elements(exchanges));

    group.bench_function("bare smoltcp", |b| {
        let mut pairs: Vec<Pair> = (0..CONTROLLERS).map(Pair::new).collect();
        let (mut ms, mut transaction) = (5_000, 0_u16);
        let mut scratch = Vec::new();
        b.iter(|| {
            for _ in 0..SAMPLE_MS / u64::from(POLL_MS) {
                for pair in &mut pairs {
                    pair.exchange(ms, transaction, &mut scratch);
                }
                transaction = transaction.wrapping_add(1);
                ms += i64::from(POLL_MS);
            }
        });
    });

    for (name, keep) in [
        ("simulated", Keep::TRUTH),
        (
            "simulated, captured",
            Keep {
                frames: true,
                ..Keep::TRUTH
            },
        ),
        ("simulated, captured, digested", Keep::ALL),
    ] {
        group.bench_function(name, |b| {
            let (mut world, mut until) = world(keep);
            let before = world.frames_seen();
            let mut samples = 0;
            b.iter(|| {
                until += sim_kernel::time::SimDuration::from_millis(SAMPLE_MS);
                world.run_until(until);
                black_box(world.observations().frames.len());
                world.observations().clear();
                samples += 1;
            });
            let per_exchange = (world.frames_seen() - before) / (samples * exchanges);
            assert_eq!(per_exchange, 3, "query, answer, acknowledgement");
        });
    }
    group.finish();
}

criterion_group!(benches, network);
criterion_main!(benches);
