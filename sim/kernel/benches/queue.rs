//! Speed of the event queue at the load of a plant.
//!
//! A plant of some hundreds of components keeps as many events pending: each popped event pushes
//! its successor. The budget is about 1,000 events per simulated second at 2,000 times real time,
//! or 2 million pairs of pop and push per second, with most of the time left for the events.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use sim_kernel::{EventKey, EventQueue, Phase, SimDuration, SimTime, Stream};

/// Pairs of pop and push in one measured iteration.
const PAIRS: u32 = 10_000;

/// A queue with `pending` timers whose periods are spread over 1..100 ms.
fn loaded_queue<E: Copy>(pending: u32, event: E) -> EventQueue<E> {
    let mut stream = Stream::new(1, "bench/queue");
    let mut queue = EventQueue::new();
    for target in 0..pending {
        let time = SimTime::from_micros(stream.below(100_000));
        let key = EventKey {
            time,
            phase: Phase::DeviceTimer,
            target,
            source: target,
            source_seq: 0,
        };
        queue.push(key, event);
    }
    queue
}

/// Pops an event and pushes its successor, `PAIRS` times.
fn turn_over<E: Copy>(queue: &mut EventQueue<E>) {
    for _ in 0..PAIRS {
        let (key, event) = queue.pop().expect("every popped event pushes another");
        let period = SimDuration::from_millis(1 + u64::from(key.target.wrapping_mul(37) % 100));
        let next = EventKey {
            time: key.time + period,
            source_seq: key.source_seq + 1,
            ..black_box(key)
        };
        queue.push(next, event);
    }
}

fn bench_queue(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("queue/pop_push");
    group.throughput(Throughput::Elements(u64::from(PAIRS)));
    for pending in [16, 256, 4_096] {
        group.bench_with_input(
            BenchmarkId::new("16_byte_event", pending),
            &pending,
            |b, &n| {
                let mut queue = loaded_queue(n, [0_u64; 2]);
                b.iter(|| turn_over(&mut queue));
            },
        );
        group.bench_with_input(
            BenchmarkId::new("64_byte_event", pending),
            &pending,
            |b, &n| {
                let mut queue = loaded_queue(n, [0_u64; 8]);
                b.iter(|| turn_over(&mut queue));
            },
        );
    }
    group.finish();
}

fn bench_stream(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("stream");
    let mut stream = Stream::new(1, "bench/stream");
    group.bench_function("uniform", |b| b.iter(|| stream.uniform()));
    group.bench_function("gaussian", |b| b.iter(|| stream.gaussian()));
    group.bench_function("lognormal", |b| b.iter(|| stream.lognormal(2.0, 0.5)));
    group.finish();
}

criterion_group!(benches, bench_queue, bench_stream);
criterion_main!(benches);
