//! Reads a scenario and everything it names, from a folder or from a run folder's bundle.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::Scenario;
use super::bundle::{Bundle, Store, resolve};
use super::file;
use super::formats::{Formats, PlantFacts, PlaybookFacts, Reference};
use crate::problem::{Problem, Problems, SourceText};
use crate::ron_source::Outline;

/// A valid scenario with the texts behind it.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The scenario.
    pub scenario: Scenario,
    /// What is known of its plant.
    pub facts: PlantFacts,
    /// What is known of its playbook, if there is one.
    pub playbook_facts: Option<PlaybookFacts>,
    /// The plant file.
    pub plant: SourceText,
    /// The programs, by the names that the plant file uses for them.
    pub programs: BTreeMap<String, SourceText>,
    /// The playbook, if there is one.
    pub playbook: Option<SourceText>,
    /// What the playbook loads into controllers, by the names that it uses for them.
    pub attack_programs: BTreeMap<String, SourceText>,
    /// All texts, as a run folder keeps them.
    pub bundle: Bundle,
    /// What is probably not meant, but can be run.
    pub warnings: Problems,
}

/// Reads a scenario file and everything it names.
///
/// # Errors
///
/// Every mistake in any of the files, by file and place.
pub fn load(path: &Path, formats: &dyn Formats) -> Result<Loaded, Problems> {
    let folder = path.parent().map_or_else(PathBuf::new, Path::to_path_buf);
    let Some(root) = path.file_name().and_then(|name| name.to_str()) else {
        let message = format!("`{}` is not the path of a file", path.display());
        return Err(Problem::new("TR0108", message).into());
    };
    Loader::new(Store::Folder(folder), formats).load(root)
}

/// Reads a scenario from the texts in a run folder.
///
/// # Errors
///
/// As [`load`]; a bundle that was not changed since its run has none.
pub fn from_bundle(bundle: &Bundle, formats: &dyn Formats) -> Result<Loaded, Problems> {
    Loader::new(Store::Bundle(bundle), formats).load(&bundle.root)
}

/// Reads a plant file and its programs, and reports everything that is wrong with them.
pub(super) fn check_plant(path: &Path, formats: &dyn Formats) -> Problems {
    check_alone(path, formats, |loader, name, source| {
        loader.plant(name, source);
    })
}

/// Reads a playbook file and the programs that it names, and reports everything that is wrong with them
/// as far as that can be told without a plant.
pub(super) fn check_playbook(path: &Path, formats: &dyn Formats) -> Problems {
    check_alone(path, formats, |loader, name, source| {
        loader.playbook(name, source, None);
    })
}

/// Reads one file that no scenario names here, and looks at it.
fn check_alone(
    path: &Path,
    formats: &dyn Formats,
    look: impl FnOnce(&mut Loader<'_>, &str, &SourceText),
) -> Problems {
    let folder = path.parent().map_or_else(PathBuf::new, Path::to_path_buf);
    let name = path
        .file_name()
        .map_or_else(String::new, |name| name.to_string_lossy().into());
    let mut loader = Loader::new(Store::Folder(folder), formats);
    match loader.store.read(&name) {
        Ok(source) => {
            loader.keep(&name, &source);
            look(&mut loader, &name, &source);
        }
        Err(problem) => loader.problems.push(problem),
    }
    loader.problems
}

struct Loader<'a> {
    store: Store<'a>,
    formats: &'a dyn Formats,
    files: BTreeMap<String, String>,
    programs: BTreeMap<String, SourceText>,
    attack_programs: BTreeMap<String, SourceText>,
    problems: Problems,
}

impl<'a> Loader<'a> {
    fn new(store: Store<'a>, formats: &'a dyn Formats) -> Self {
        Self {
            store,
            formats,
            files: BTreeMap::new(),
            programs: BTreeMap::new(),
            attack_programs: BTreeMap::new(),
            problems: Problems::new(),
        }
    }

    fn load(mut self, root: &str) -> Result<Loaded, Problems> {
        let source = self.store.read(root).map_err(Problems::from)?;
        self.keep(root, &source);
        let outline = Outline::of(source.text());
        let file = file::read(&source, &outline)?;

        let at = |name: &str, path: &str| Reference {
            file: name.to_owned(),
            path: path.to_owned(),
        };
        let plant = self.follow(root, &source, &outline, &at(&file.plant, "plant"));
        let facts = plant
            .as_ref()
            .and_then(|(name, plant)| self.plant(name, plant));
        let playbook = file
            .playbook
            .as_ref()
            .and_then(|name| self.follow(root, &source, &outline, &at(name, "playbook")));
        let sound_plant = plant
            .as_ref()
            .filter(|_| facts.is_some())
            .map(|(_, text)| text);
        let playbook_facts = playbook
            .as_ref()
            .and_then(|(name, playbook)| self.playbook(name, playbook, sound_plant));
        let known = file::Known {
            plant: facts.as_ref(),
            playbook: playbook_facts.as_ref(),
        };
        let (scenario, problems) = file::resolve(file, &source, &outline, &known);
        self.problems.extend(problems);
        let problems = self.problems.sorted();
        match (scenario, facts, plant) {
            (Some(scenario), Some(facts), Some((_, plant))) if !problems.has_errors() => {
                Ok(Loaded {
                    scenario,
                    facts,
                    playbook_facts,
                    plant,
                    programs: self.programs,
                    playbook: playbook.map(|(_, text)| text),
                    attack_programs: self.attack_programs,
                    bundle: Bundle {
                        root: root.to_owned(),
                        files: self.files,
                    },
                    warnings: problems,
                })
            }
            _ => {
                assert!(problems.has_errors(), "a scenario fails for a reason");
                Err(problems)
            }
        }
    }

    /// Reads a file that another one names; reports at the name if that is not possible.
    fn follow(
        &mut self,
        referrer: &str,
        source: &SourceText,
        outline: &Outline,
        reference: &Reference,
    ) -> Option<(String, SourceText)> {
        let name = match resolve(referrer, &reference.file) {
            Ok(name) => name,
            Err(why) => {
                let message = format!("`{}` cannot be used as a path: {why}", reference.file);
                self.problems
                    .push(outline.problem(source, "TR0109", &reference.path, message));
                return None;
            }
        };
        match self.store.read(&name) {
            Ok(text) => {
                self.keep(&name, &text);
                Some((name, text))
            }
            Err(problem) => {
                self.problems
                    .push(problem.at(source, outline.nearest(&reference.path)));
                None
            }
        }
    }

    fn keep(&mut self, name: &str, source: &SourceText) {
        self.files.insert(name.to_owned(), source.text().to_owned());
    }

    /// Checks a plant and its programs; `None` if the plant file itself is broken.
    fn plant(&mut self, name: &str, plant: &SourceText) -> Option<PlantFacts> {
        let facts = match self.formats.plant(plant) {
            Ok(facts) => facts,
            Err(problems) => {
                self.problems.extend(problems);
                return None;
            }
        };
        self.programs = self.programs_of(name, plant, &facts.programs);
        Some(facts)
    }

    /// Checks the programs that a file names; those that can be read, by the names that it uses for them.
    fn programs_of(
        &mut self,
        name: &str,
        source: &SourceText,
        references: &[Reference],
    ) -> BTreeMap<String, SourceText> {
        let outline = Outline::of(source.text());
        let mut programs = BTreeMap::new();
        for reference in references {
            if programs.contains_key(&reference.file) {
                continue;
            }
            if let Some((_, program)) = self.follow(name, source, &outline, reference) {
                self.problems.extend(self.formats.program(&program));
                programs.insert(reference.file.clone(), program);
            }
        }
        programs
    }

    /// Checks a playbook and the programs that it names; `None` if the playbook file itself is broken.
    fn playbook(
        &mut self,
        name: &str,
        playbook: &SourceText,
        plant: Option<&SourceText>,
    ) -> Option<PlaybookFacts> {
        let facts = match self.formats.playbook(playbook, plant) {
            Ok(facts) => facts,
            Err(problems) => {
                self.problems.extend(problems);
                return None;
            }
        };
        self.attack_programs = self.programs_of(name, playbook, &facts.programs);
        Some(facts)
    }
}
