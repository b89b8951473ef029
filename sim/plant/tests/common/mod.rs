//! The shipped bottling line as a [`World`], for tests of the whole plant.

use std::collections::BTreeMap;
use std::sync::Arc;

use sim_plant::observe::Keep;
use sim_plant::spec::{PlantSpec, ProcessSpec};
use sim_plant::{World, WorldOptions};
use sim_process::bottling::BottlingConfig;

/// The shipped plant file.
const PLANT: &str = include_str!("../../../../scenarios/bottling/plant.ron");

/// The shipped programs by the names that the plant file uses.
const PROGRAMS: [(&str, &str); 3] = [
    (
        "filler.st",
        include_str!("../../../../scenarios/bottling/filler.st"),
    ),
    (
        "conveyor.st",
        include_str!("../../../../scenarios/bottling/conveyor.st"),
    ),
    (
        "packaging.st",
        include_str!("../../../../scenarios/bottling/packaging.st"),
    ),
];

/// The shipped line at standstill, with its programs, network, stations and operator.
///
/// # Arguments
///
/// * `change`: patches the configuration of the physics.
pub(crate) fn bottling(seed: u64, change: impl FnOnce(&mut BottlingConfig)) -> World {
    let mut spec: PlantSpec = ron::from_str(PLANT).expect("the shipped plant is right");
    let ProcessSpec::Bottling(config) = &mut spec.process else {
        panic!("the shipped plant is a bottling line");
    };
    change(config);
    let programs: BTreeMap<_, _> = PROGRAMS
        .into_iter()
        .map(|(name, source)| {
            let program = sim_st::compile(source, name).expect("the shipped programs are right");
            (name.to_owned(), Arc::new(program))
        })
        .collect();
    let options = WorldOptions {
        seed,
        keep: Keep::TRUTH,
        ..WorldOptions::default()
    };
    World::new(&spec, &programs, &options).expect("the shipped plant is right")
}
