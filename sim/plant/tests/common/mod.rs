//! The shipped bottling line as a [`World`], for tests of the whole plant.

use std::collections::BTreeMap;
use std::sync::Arc;

use sim_plant::observe::Keep;
use sim_plant::spec::{PlantSpec, ProcessSpec};
use sim_plant::{World, WorldOptions};
use sim_process::bottling::BottlingConfig;
use sim_st::Program;

/// The shipped plant file.
const PLANT: &str = include_str!("../../../../scenarios/bottling/plant.ron");

/// The shipped programs by the names that the plant file uses.
const PROGRAMS: [(&str, &str); 4] = [
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
    (
        "safety.st",
        include_str!("../../../../scenarios/bottling/safety.st"),
    ),
];

/// The shipped plant file.
#[allow(dead_code, reason = "not every test binary reads it")]
pub(crate) fn spec() -> PlantSpec {
    ron::from_str(PLANT).expect("the shipped plant is right")
}

/// The text of a shipped program.
#[allow(dead_code, reason = "not every test binary changes one")]
pub(crate) fn source(name: &str) -> &'static str {
    let found = PROGRAMS.iter().find(|(known, _)| *known == name);
    found.unwrap_or_else(|| panic!("there is no {name}")).1
}

/// The shipped line at standstill, with its programs, network, stations and operator.
///
/// # Arguments
///
/// * `attacker`: the host that an attacker's program may use.
/// * `change`: patches the configuration of the physics.
#[allow(dead_code, reason = "not every test binary needs no more")]
pub(crate) fn bottling(
    seed: u64,
    attacker: Option<&str>,
    change: impl FnOnce(&mut BottlingConfig),
) -> World {
    let options = WorldOptions {
        seed,
        keep: Keep::TRUTH,
        attacker: attacker.map(str::to_owned),
        ..WorldOptions::default()
    };
    bottling_with(&options, change)
}

/// The same with everything that a run can be given.
pub(crate) fn bottling_with(
    options: &WorldOptions,
    change: impl FnOnce(&mut BottlingConfig),
) -> World {
    let mut spec = spec();
    let ProcessSpec::Bottling(config) = &mut spec.process else {
        panic!("the shipped plant is a bottling line");
    };
    change(config);
    World::new(&spec, &programs(), options).expect("the shipped plant is right")
}

/// The shipped programs, compiled.
pub(crate) fn programs() -> BTreeMap<String, Arc<Program>> {
    let compiled = |(name, source): (&str, &str)| {
        let program = sim_st::compile(source, name).expect("the shipped programs are right");
        (name.to_owned(), Arc::new(program))
    };
    PROGRAMS.into_iter().map(compiled).collect()
}

/// A column of the physical truth now.
#[allow(dead_code, reason = "not every test binary looks at the physics")]
pub(crate) fn truth(world: &World, column: &str) -> f64 {
    let columns = world.truth_columns();
    let at = columns.iter().position(|known| known.name == column);
    let mut values = Vec::new();
    world.truth(&mut values);
    values[at.unwrap_or_else(|| panic!("there is no column {column}"))]
}
