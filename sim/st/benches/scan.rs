//! Time of one scan, and of a compilation.
//!
//! `filler` is a realistic program of about 150 lines; `pid_ton_latch` is the small one that other
//! virtual machines are measured with.

use std::hint::black_box;
use std::sync::Arc;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use sim_st::{Image, Machine, compile};

const FILLER: &str = include_str!("../tests/programs/filler.st");
const PID_TON_LATCH: &str = include_str!("../tests/programs/pid_ton_latch.st");

/// Ample for one scan, ns.
const FUEL_NS: u64 = 10_000_000;
const PERIOD_NS: u64 = 10_000_000;

fn scans(criterion: &mut Criterion) {
    for (name, source) in [("filler", FILLER), ("pid_ton_latch", PID_TON_LATCH)] {
        let program = Arc::new(compile(source, name).expect("the program is right"));
        let mut machine = Machine::new(program);
        let mut image = Image::new();
        image.ix[..5].copy_from_slice(&[true, false, true, true, true]);
        image.iw[..2].copy_from_slice(&[12_000, 9_000]);
        let mut now_ns = 0;
        let report = machine.scan(&mut image, now_ns, FUEL_NS);
        assert_eq!(report.trap, None);
        let mut group = criterion.benchmark_group("scan");
        group.throughput(Throughput::Elements(1));
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                now_ns += PERIOD_NS;
                black_box(machine.scan(black_box(&mut image), now_ns, FUEL_NS))
            });
        });
        group.finish();
    }
}

fn compilation(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("compile");
    group.throughput(Throughput::Bytes(FILLER.len() as u64));
    group.bench_function("filler", |bencher| {
        bencher.iter(|| compile(black_box(FILLER), "filler.st"))
    });
    group.finish();
}

criterion_group!(benches, scans, compilation);
criterion_main!(benches);
