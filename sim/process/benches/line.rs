//! Cost of one process step of the bottling line in steady production.

use criterion::{Criterion, criterion_group, criterion_main};
use sim_process::bottling::points;
use sim_process::point::PointId;

#[path = "../tests/common/mod.rs"]
mod common;

use common::{Plant, STEP_S, calm};

/// Steps in 16 filler cycles of 12.01 s: the period after which the packaging repeats itself too.
const PERIOD_STEPS: usize = 16 * 1201;

/// A line after ten minutes of production, and the commands its controller gives in the next period,
/// as changes per step. Replayed, they keep the line producing without the controller's own cost.
fn recorded() -> (Plant, Vec<Vec<(PointId, f64)>>) {
    let mut plant = Plant::new(&calm(), 1);
    plant.run_s(600.0);
    let actuators: Vec<PointId> = (0..)
        .map(PointId)
        .zip(points())
        .filter(|(_, point)| point.kind.is_actuator())
        .map(|(id, _)| id)
        .collect();
    let read =
        |plant: &Plant| -> Vec<f64> { actuators.iter().map(|&id| plant.line.sense(id)).collect() };
    let mut source = plant.clone();
    let mut before = read(&source);
    let mut changes = Vec::with_capacity(PERIOD_STEPS);
    for _ in 0..PERIOD_STEPS {
        source.controller.scan(&mut source.line, STEP_S);
        let now = read(&source);
        let changed = actuators.iter().zip(now.iter().zip(&before));
        changes.push(
            changed
                .filter(|(_, (now, before))| now != before)
                .map(|(&id, (&now, _))| (id, now))
                .collect(),
        );
        source.line.step(STEP_S);
        before = now;
    }
    (plant, changes)
}

fn bench_line(c: &mut Criterion) {
    let mut group = c.benchmark_group("line");
    let (start, changes) = recorded();
    let mut plant = start.clone();
    let mut step = 0;
    group.bench_function("step in production", |b| {
        b.iter(|| {
            for &(point, value) in &changes[step] {
                plant.line.drive(point, value);
            }
            plant.line.step(STEP_S);
            step += 1;
            if step == PERIOD_STEPS {
                // Open loop, the line would drift out of step with the record; one copy per 19 216
                // steps does not show in the mean.
                let made = plant.line.production().filled - start.line.production().filled;
                assert!(made > 180, "the replay must keep producing: {made}");
                plant.line.clone_from(&start.line);
                step = 0;
            }
        });
    });
    let (mut plant, _) = recorded();
    group.bench_function("step with the reference controller", |b| {
        b.iter(|| plant.step())
    });
    group.finish();
}

criterion_group!(benches, bench_line);
criterion_main!(benches);
