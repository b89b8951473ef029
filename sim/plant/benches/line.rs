//! The whole bottling line: physics, three controllers, network with every packet captured, people.
//!
//! Simulated seconds per wall second on one core are `throughput` times one, since an element is one
//! simulated second. The variants leave things out, so that their differences show what each costs.

use std::collections::BTreeMap;
use std::hint::black_box;
use std::sync::Arc;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use sim_kernel::time::{SimDuration, SimTime};
use sim_plant::observe::Keep;
use sim_plant::spec::PlantSpec;
use sim_plant::{World, WorldOptions};

/// Simulated time before the first sample: the line is in steady production.
const WARM_UP: SimTime = SimTime::from_secs(600);
/// Simulated time of one sample.
const SAMPLE: SimDuration = SimDuration::from_secs(60);

fn world(keep: Keep, change: impl FnOnce(&mut PlantSpec)) -> World {
    let mut spec: PlantSpec = ron::from_str(include_str!("../../../scenarios/bottling/plant.ron"))
        .expect("the shipped plant is right");
    change(&mut spec);
    let sources = [
        (
            "filler.st",
            include_str!("../../../scenarios/bottling/filler.st"),
        ),
        (
            "conveyor.st",
            include_str!("../../../scenarios/bottling/conveyor.st"),
        ),
        (
            "packaging.st",
            include_str!("../../../scenarios/bottling/packaging.st"),
        ),
        (
            "safety.st",
            include_str!("../../../scenarios/bottling/safety.st"),
        ),
    ];
    let programs: BTreeMap<String, Arc<sim_st::Program>> = sources
        .into_iter()
        .map(|(name, text)| {
            (
                name.to_owned(),
                Arc::new(sim_st::compile(text, name).expect("shipped programs are right")),
            )
        })
        .collect();
    let options = WorldOptions {
        keep,
        ..WorldOptions::default()
    };
    let mut world = World::new(&spec, &programs, &options).expect("the shipped plant is right");
    world.run_until(WARM_UP);
    world.observations().clear();
    world
}

fn quiet(spec: &mut PlantSpec) {
    spec.hmis.clear();
    spec.historians.clear();
    spec.workstations.clear();
    spec.operators.clear();
    spec.alarms.clear();
}

fn line(c: &mut Criterion) {
    let mut group = c.benchmark_group("bottling line");
    group.throughput(Throughput::Elements(SAMPLE.as_secs()));
    let nothing = Keep::TRUTH;
    type Case = (&'static str, Keep, fn(&mut PlantSpec));
    let cases: [Case; 4] = [
        ("everything captured and digested", Keep::ALL, |_| {}),
        (
            "everything captured",
            Keep {
                digests: false,
                ..Keep::ALL
            },
            |_| {},
        ),
        ("nothing kept", nothing, |_| {}),
        ("no stations, nothing kept", nothing, quiet),
    ];
    for (name, keep, change) in cases {
        group.bench_function(name, |b| {
            let mut world = world(keep, change);
            let mut until = WARM_UP;
            b.iter(|| {
                until += SAMPLE;
                world.run_until(until);
                black_box(world.observations().frames.len());
                world.observations().clear();
            });
        });
    }
    group.finish();
}

criterion_group!(benches, line);
criterion_main!(benches);
