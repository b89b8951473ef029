//! Finding scenarios: files that the user names, and those that are built in.

use std::path::{Path, PathBuf};

use twinrange_range::formats::{Prepared, Standard, prepare};
use twinrange_range::problem::{Problem, Problems, SourceText};
use twinrange_range::scenario::{Bundle, Loaded, from_bundle, load};

use super::failure::{Failure, print_problems};
use super::sandbox;

/// A scenario that is part of the program.
pub(crate) struct BuiltIn {
    /// The name that `run` takes.
    pub(crate) name: &'static str,
    text: &'static str,
    /// The playbook, and the programs that it loads.
    attack: &'static [(&'static str, &'static str)],
}

/// The scenario that `demo` runs.
pub(crate) const DEMO_SCENARIO: &str = "bottling/overflow";

macro_rules! shipped {
    ($name:literal) => {
        include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/", $name))
    };
}

/// The shipped scenarios, by name.
pub(crate) const BUILT_IN: [BuiltIn; 8] = [
    BuiltIn {
        name: "bottling/calm",
        text: shipped!("scenarios/bottling/calm.ron"),
        attack: &[],
    },
    BuiltIn {
        name: "bottling/forces",
        text: shipped!("scenarios/bottling/forces.ron"),
        attack: &[(
            "../../attacks/playbooks/forces.ron",
            shipped!("attacks/playbooks/forces.ron"),
        )],
    },
    BuiltIn {
        name: "bottling/jam",
        text: shipped!("scenarios/bottling/jam.ron"),
        attack: &[(
            "../../attacks/playbooks/jam.ron",
            shipped!("attacks/playbooks/jam.ron"),
        )],
    },
    BuiltIn {
        name: "bottling/logic",
        text: shipped!("scenarios/bottling/logic.ron"),
        attack: &[
            (
                "../../attacks/playbooks/logic.ron",
                shipped!("attacks/playbooks/logic.ron"),
            ),
            (
                "../../attacks/playbooks/logic/conveyor.st",
                shipped!("attacks/playbooks/logic/conveyor.st"),
            ),
        ],
    },
    BuiltIn {
        name: "bottling/logicbomb",
        text: shipped!("scenarios/bottling/logicbomb.ron"),
        attack: &[
            (
                "../../attacks/playbooks/logicbomb.ron",
                shipped!("attacks/playbooks/logicbomb.ron"),
            ),
            (
                "../../attacks/playbooks/logicbomb/filler.st",
                shipped!("attacks/playbooks/logicbomb/filler.st"),
            ),
        ],
    },
    BuiltIn {
        name: "bottling/overflow",
        text: shipped!("scenarios/bottling/overflow.ron"),
        attack: &[(
            "../../attacks/playbooks/overflow.ron",
            shipped!("attacks/playbooks/overflow.ron"),
        )],
    },
    BuiltIn {
        name: "bottling/sisbypass",
        text: shipped!("scenarios/bottling/sisbypass.ron"),
        attack: &[(
            "../../attacks/playbooks/sisbypass.ron",
            shipped!("attacks/playbooks/sisbypass.ron"),
        )],
    },
    BuiltIn {
        name: "bottling/underfill",
        text: shipped!("scenarios/bottling/underfill.ron"),
        attack: &[(
            "../../attacks/playbooks/underfill.ron",
            shipped!("attacks/playbooks/underfill.ron"),
        )],
    },
];

const PLANT_FILES: [(&str, &str); 5] = [
    ("plant.ron", shipped!("scenarios/bottling/plant.ron")),
    ("filler.st", shipped!("scenarios/bottling/filler.st")),
    ("conveyor.st", shipped!("scenarios/bottling/conveyor.st")),
    ("packaging.st", shipped!("scenarios/bottling/packaging.st")),
    ("safety.st", shipped!("scenarios/bottling/safety.st")),
];

impl BuiltIn {
    /// The scenario's files as a run folder keeps them.
    pub(crate) fn bundle(&self) -> Bundle {
        let root = format!("{}.ron", self.name.rsplit('/').next().unwrap_or(self.name));
        let own = [(root.as_str(), self.text)];
        let attack = self.attack.iter().copied();
        let files = own.into_iter().chain(PLANT_FILES).chain(attack);
        Bundle {
            files: files
                .map(|(name, text)| (name.to_owned(), text.to_owned()))
                .collect(),
            root,
        }
    }
}

/// The formats of all files of this build.
pub(crate) fn formats() -> Standard {
    Standard::new(check_defense).with_plans(crate::campaign::check, crate::suite::check)
}

fn check_defense(source: &SourceText) -> Problems {
    super::defense::read(source).err().unwrap_or_default()
}

/// A scenario, ready to be run.
#[derive(Debug)]
pub(crate) struct Ready {
    pub(crate) loaded: Loaded,
    pub(crate) prepared: Prepared,
    /// Its files on this machine, which tell a defense what it may not know; none of a built-in scenario.
    pub(crate) hidden: Vec<PathBuf>,
}

/// Finds, reads and prepares a scenario: a path to a file, or the name of one that is built in.
pub(crate) fn find(name: &str) -> Result<Ready, Failure> {
    let (loaded, files) = find_in(Path::new(""), name)?;
    if !loaded.warnings.is_empty() {
        print_problems(&loaded.warnings);
    }
    ready(loaded, files)
}

/// The folder that names in a file are relative to.
pub(crate) fn folder_of(source: &SourceText) -> PathBuf {
    let folder = Path::new(source.file()).parent();
    folder.map_or_else(PathBuf::new, Path::to_path_buf)
}

/// Finds and reads a scenario as [`find`] does, with paths relative to a folder. Beside it: its files on this machine.
pub(crate) fn find_in(folder: &Path, name: &str) -> Result<(Loaded, Vec<PathBuf>), Failure> {
    let path = &folder.join(name);
    let built_in = BUILT_IN.iter().find(|scenario| scenario.name == name);
    let loaded = match built_in {
        Some(scenario) if !path.is_file() => from_bundle(&scenario.bundle(), &formats())?,
        _ if path.exists() => load(path, &formats())?,
        _ => {
            let names = BUILT_IN.map(|scenario| scenario.name);
            let message =
                format!("there is no scenario `{name}`: neither a file nor a built-in scenario");
            let hint = match sim_plant::suggest::nearest(name, names.into_iter()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("built in are {}", names.join(", ")),
            };
            return Err(Problem::new("TR0108", message).hint(hint).into());
        }
    };
    let files = match built_in {
        Some(_) if !path.is_file() => Vec::new(),
        _ => sandbox::files_of(path, loaded.bundle.files.keys()),
    };
    Ok((loaded, files))
}

/// Prepares the scenario that a run folder carries.
pub(crate) fn from_run(bundle: &Bundle) -> Result<Ready, Failure> {
    ready(from_bundle(bundle, &formats())?, Vec::new())
}

/// Prepares a scenario that was read.
///
/// # Arguments
///
/// * `hidden` — as [`Ready::hidden`].
pub(crate) fn ready(loaded: Loaded, hidden: Vec<PathBuf>) -> Result<Ready, Failure> {
    let prepared = prepare(&loaded)?;
    Ok(Ready {
        loaded,
        prepared,
        hidden,
    })
}
