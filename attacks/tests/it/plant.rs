//! The bottling line from `scenarios/bottling`, and a driver that plays a playbook on it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ron::extensions::Extensions;
use sim_kernel::time::{SimDuration, SimTime};
use sim_plant::observe::{Keep, Quality};
use sim_plant::{Pause, PlantSpec, World, WorldOptions};
use twinrange_attacks::playbook::Action;
use twinrange_attacks::{Engine, PlantView, Playbook};

pub(crate) const ATTACKER: &str = "vendor-laptop";

/// The host that the attacker of a shipped playbook owns.
fn attacker_of(playbook: &Playbook) -> &'static str {
    if playbook.name == "logic" {
        "ews-1"
    } else {
        ATTACKER
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

pub(crate) fn parse<T: serde::de::DeserializeOwned>(path: &Path) -> T {
    let options = ron::Options::default().with_default_extension(Extensions::IMPLICIT_SOME);
    options
        .from_str(&read(path))
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

pub(crate) fn plant() -> PlantSpec {
    parse(&root().join("scenarios/bottling/plant.ron"))
}

pub(crate) fn playbook(name: &str) -> Playbook {
    parse(&root().join(format!("attacks/playbooks/{name}.ron")))
}

/// The containers of the programs that a shipped playbook loads.
fn programs_of(playbook: &Playbook) -> BTreeMap<String, Arc<[u8]>> {
    let mut programs = BTreeMap::new();
    for step in &playbook.steps {
        if let Action::DownloadProgram(download) = &step.action {
            let path = root().join("attacks/playbooks").join(&download.program);
            let name = path.file_name().expect("a file").to_string_lossy();
            let program = sim_st::compile(&read(&path), &name).expect("the program compiles");
            programs.insert(download.program.clone(), program.to_bytes().into());
        }
    }
    programs
}

pub(crate) fn world(plant: &PlantSpec, attacker: Option<&str>, keep: Keep, seed: u64) -> World {
    let mut programs = BTreeMap::new();
    for controller in &plant.controllers {
        let name = &controller.program;
        let source = read(&root().join("scenarios/bottling").join(name));
        let program = sim_st::compile(&source, name).expect("the scenario's programs compile");
        programs.insert(name.clone(), Arc::new(program));
    }
    let options = WorldOptions {
        seed,
        attacker: attacker.map(str::to_owned),
        keep,
        truth_period: SimDuration::from_secs(10),
        ..WorldOptions::default()
    };
    World::new(plant, &programs, &options).expect("the scenario's plant is valid")
}

/// A plant, and an attacker at work in it.
pub(crate) struct Game {
    pub(crate) world: World,
    pub(crate) engine: Engine,
}

impl Game {
    pub(crate) fn new(playbook: Playbook, keep: Keep, seed: u64) -> Self {
        let plant = plant();
        let attacker = attacker_of(&playbook);
        let mut world = world(&plant, Some(attacker), keep, seed);
        let view = PlantView::of(&plant, attacker).with_programs(programs_of(&playbook));
        let mut engine = Engine::new(playbook, view, seed);
        engine.start(&mut world.foothold().expect("there is an attacker"));
        Self { world, engine }
    }

    pub(crate) fn run_until(&mut self, limit: SimTime) {
        while self.world.run_until(limit) == Pause::Agent {
            let mut foothold = self.world.foothold().expect("there is an attacker");
            self.engine.on_pause(&mut foothold);
        }
    }

    /// A column of the physical truth now.
    pub(crate) fn truth(&self, column: &str) -> f64 {
        let at = self
            .world
            .truth_columns()
            .iter()
            .position(|known| known.name == column);
        let mut values = Vec::new();
        self.world.truth(&mut values);
        values[at.unwrap_or_else(|| panic!("there is no column {column}"))]
    }

    fn tag(&self, name: &str) -> usize {
        let at = self.world.tags().iter().position(|tag| tag.name == name);
        at.unwrap_or_else(|| panic!("there is no tag {name}"))
    }

    /// What a station believes of a tag, in the tag's unit.
    pub(crate) fn belief(&self, station: &str, tag: &str) -> f64 {
        self.world.beliefs(station).expect("it is a station")[self.tag(tag)].value
    }

    /// Whether a station's last attempt to read a tag succeeded.
    pub(crate) fn quality(&self, station: &str, tag: &str) -> Quality {
        self.world.beliefs(station).expect("it is a station")[self.tag(tag)].quality
    }
}
