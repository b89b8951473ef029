//! Cost of one process step of the bottling line in steady production.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};

#[path = "../tests/common/mod.rs"]
mod common;

use common::{Plant, STEP_S};
use sim_process::bottling::BottlingConfig;

/// A line after five minutes of production with about 120 bottles on it.
fn running() -> Plant {
    let mut plant = Plant::new(&BottlingConfig::default(), 1);
    plant.run_s(300.0);
    plant
}

/// The physics alone: the step of a line whose controller acts in between but is not measured
/// cannot be timed singly, so the controller's share is measured by itself and subtracted by the reader.
fn bench_line(c: &mut Criterion) {
    let mut group = c.benchmark_group("line");
    let mut plant = running();
    group.bench_function("step with reference controller", |b| {
        b.iter(|| plant.step());
    });
    let mut plant = running();
    group.bench_function("reference controller alone", |b| {
        b.iter(|| plant.controller.scan(black_box(&mut plant.line), 0.0));
    });
    let mut plant = running();
    group.bench_function("step, commands frozen", |b| {
        b.iter(|| plant.line.step(STEP_S));
    });
    group.finish();
}

criterion_group!(benches, bench_line);
criterion_main!(benches);
