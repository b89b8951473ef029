//! The formats of plants, programs and playbooks, as the crates that own them define them.
//!
//! [`Standard`] is what [`load`](crate::scenario::load) and [`check`](crate::scenario::check) use;
//! [`prepare`] then gives the values that a run is made from.

use std::collections::BTreeMap;
use std::sync::Arc;

use sim_kernel::SimTime;
use sim_plant::spec::PLANT_SCHEMA;
use sim_plant::{PlantSpec, SpecError};
use sim_st::{Program, Purpose};
use twinrange_attacks::Playbook;
use twinrange_attacks::playbook::{Action, PLAYBOOK_SCHEMA, Trigger};

use crate::evidence::process::ColumnInfo;
use crate::problem::{Problem, Problems, SourceText};
use crate::ron_source::{Outline, check_texts, parse};
use crate::scenario::{Formats, Loaded, PlantFacts, PlaybookFacts, Reference, check_schema};

/// The formats of this build.
///
/// Descriptions of defenses belong to a crate above this one, so their check is passed in.
pub struct Standard {
    defense: fn(&SourceText) -> Problems,
    campaign: fn(&SourceText) -> Problems,
    suite: fn(&SourceText) -> Problems,
}

impl Standard {
    /// The formats, with a check for descriptions of defenses.
    #[must_use]
    pub fn new(defense: fn(&SourceText) -> Problems) -> Self {
        Self {
            defense,
            campaign: |_| Problems::new(),
            suite: |_| Problems::new(),
        }
    }

    /// The same with checks for plans of campaigns and for suites, which name defenses and figures.
    #[must_use]
    pub fn with_plans(
        mut self,
        campaign: fn(&SourceText) -> Problems,
        suite: fn(&SourceText) -> Problems,
    ) -> Self {
        self.campaign = campaign;
        self.suite = suite;
        self
    }
}

impl Formats for Standard {
    fn plant(&self, plant: &SourceText) -> Result<PlantFacts, Problems> {
        let spec = plant_spec(plant)?;
        let programs = spec
            .controllers
            .iter()
            .enumerate()
            .map(|(at, controller)| Reference {
                file: controller.program.clone(),
                path: format!("controllers[{at}].program"),
            });
        Ok(PlantFacts {
            name: spec.name.clone(),
            hosts: spec.hosts.iter().map(|host| host.name.clone()).collect(),
            truth_columns: truth_columns(&spec)
                .into_iter()
                .map(|column| column.name)
                .collect(),
            tags: spec.tags.iter().map(|tag| tag.name.clone()).collect(),
            process_step_ms: spec.process_step_ms,
            programs: programs.collect(),
        })
    }

    fn program(&self, program: &SourceText) -> Problems {
        compile(program).map_or_else(|problems| problems, |compiled| compiled.warnings)
    }

    fn library(&self, library: &SourceText) -> Problems {
        let compiled = check_files(std::slice::from_ref(library));
        compiled.map_or_else(|problems| problems, |compiled| compiled.warnings)
    }

    fn playbook(
        &self,
        playbook: &SourceText,
        plant: Option<&SourceText>,
    ) -> Result<PlaybookFacts, Problems> {
        let spec = plant.map(plant_spec).transpose()?;
        let playbook = read_playbook(playbook, spec.as_ref())?;
        let mut starts = Vec::new();
        let mut programs = Vec::new();
        for (at, step) in playbook.steps.iter().enumerate() {
            if let Action::DownloadProgram(download) = &step.action {
                programs.push(Reference {
                    file: download.program.clone(),
                    path: format!("steps[{at}].action.program"),
                });
            }
            if let Some(start) = own_start(&step.start) {
                starts.push((step.id.clone(), start));
            }
        }
        Ok(PlaybookFacts {
            steps: playbook.steps.into_iter().map(|step| step.id).collect(),
            starts,
            programs,
        })
    }

    fn defense(&self, defense: &SourceText) -> Problems {
        (self.defense)(defense)
    }

    fn campaign(&self, plan: &SourceText) -> Problems {
        (self.campaign)(plan)
    }

    fn suite(&self, suite: &SourceText) -> Problems {
        (self.suite)(suite)
    }
}

/// What a run is made from.
#[derive(Clone, Debug)]
pub struct Prepared {
    /// The plant.
    pub plant: PlantSpec,
    /// The compiled programs, by the names that the plant uses for them.
    pub programs: BTreeMap<String, Arc<Program>>,
    /// The attack, if the scenario has one.
    pub playbook: Option<Playbook>,
    /// Containers of the programs that the attack loads, by the names that the playbook uses for them.
    pub attack_programs: BTreeMap<String, Arc<[u8]>>,
    /// Quantities of the physical truth.
    pub truth_columns: Vec<ColumnInfo>,
}

/// Reads and compiles the files of a scenario.
///
/// # Errors
///
/// What [`Standard`] would find in them; nothing for a scenario that was loaded with it.
pub fn prepare(loaded: &Loaded) -> Result<Prepared, Problems> {
    let plant = plant_spec(&loaded.plant)?;
    let mut programs = BTreeMap::new();
    for (name, program) in &loaded.programs {
        programs.insert(name.clone(), Arc::new(compile(program)?.program));
    }
    let mut attack_programs = BTreeMap::new();
    for (name, program) in &loaded.attack_programs {
        attack_programs.insert(name.clone(), compile(program)?.program.to_bytes().into());
    }
    let playbook = loaded.playbook.as_ref();
    let playbook = playbook
        .map(|text| read_playbook(text, Some(&plant)))
        .transpose()?;
    let truth_columns = truth_columns(&plant);
    Ok(Prepared {
        plant,
        programs,
        playbook,
        attack_programs,
        truth_columns,
    })
}

/// Reads a plant file and checks it as a whole.
///
/// # Errors
///
/// Everything that is wrong with it.
pub fn plant_spec(source: &SourceText) -> Result<PlantSpec, Problems> {
    let outline = Outline::of(source.text());
    check_schema(source, &outline, PLANT_SCHEMA)?;
    let spec: PlantSpec = parse(source)?;
    check_texts(source, &outline)?;
    placed(source, &outline, sim_plant::check(&spec)).into_result()?;
    Ok(spec)
}

/// A program, and what the PLCopen projects that it was made from have to say.
#[derive(Clone, Debug)]
pub struct Compiled {
    /// The program.
    pub program: Program,
    /// What was left out because it does nothing, or is understood otherwise than the standard says.
    pub warnings: Problems,
    projects: sim_plcopen::Projects,
}

impl Compiled {
    /// The place of a line of the program: file, line and column, in the project that it was translated
    /// from if there is one.
    ///
    /// # Arguments
    ///
    /// * `file`, `line` — as the program tells them, for instance with a fault; lines count from 1.
    #[must_use]
    pub fn place_of_line(&self, file: &str, line: u32) -> (String, u32, u32) {
        match self.projects.origin_of_line(file, line) {
            Some((file, line, column)) => (file.to_owned(), line, column),
            None => (file.to_owned(), line, 1),
        }
    }
}

/// Compiles a Structured Text program or a PLCopen project.
///
/// # Errors
///
/// Everything that is wrong with it.
pub fn compile(source: &SourceText) -> Result<Compiled, Problems> {
    // The folder is no part of the container, so that it is the same wherever the program lies.
    let name = source.file().rsplit('/').next().unwrap_or_default();
    compile_named(Purpose::Run, &[(source, name)])
}

/// Compiles several files, Structured Text and PLCopen projects, into one program, such as a library and its
/// user.
///
/// # Errors
///
/// Everything that is wrong with them.
pub fn compile_files(sources: &[SourceText]) -> Result<Compiled, Problems> {
    compile_named(Purpose::Run, &named(sources))
}

/// Compiles files as [`compile_files`] does, where a library without a PROGRAM, and several PROGRAMs without a
/// CONFIGURATION, are no mistake.
///
/// # Errors
///
/// Everything that is wrong with them.
pub fn check_files(sources: &[SourceText]) -> Result<Compiled, Problems> {
    compile_named(Purpose::Check, &named(sources))
}

/// Files under their whole names.
fn named(sources: &[SourceText]) -> Vec<(&SourceText, &str)> {
    sources.iter().map(|s| (s, s.file())).collect()
}

fn compile_named(purpose: Purpose, sources: &[(&SourceText, &str)]) -> Result<Compiled, Problems> {
    let files: Vec<(&str, &str)> = sources.iter().map(|(s, name)| (s.text(), *name)).collect();
    let placed = |found: sim_st::Diagnostic| {
        let source = sources.iter().find(|(_, name)| *name == found.file);
        match source {
            Some((source, _)) => placed_in(source, found),
            None => Problem::new(found.code, found.message).maybe_hint(found.hint),
        }
    };
    let compiled = sim_plcopen::compile_for(purpose, &files)
        .map_err(|found| found.into_iter().map(placed).collect::<Problems>())?;
    let warnings = compiled.warnings.into_iter();
    Ok(Compiled {
        warnings: warnings.map(|found| placed(found).warning()).collect(),
        program: compiled.program,
        projects: compiled.projects,
    })
}

/// A PLCopen project in the textual languages of IEC 61131-3, and what was left out of it as warnings.
///
/// # Errors
///
/// Everything that has no translation.
pub fn import_project(source: &SourceText) -> Result<(String, Problems), Problems> {
    let placed = |found: &sim_st::Diagnostic| placed_in(source, found.clone());
    match sim_plcopen::import(source.text(), source.file()) {
        Ok(import) => {
            let warnings = import
                .warnings()
                .iter()
                .map(|found| placed(found).warning());
            Ok((import.text().to_owned(), warnings.collect()))
        }
        Err(found) => Err(found.iter().map(placed).collect()),
    }
}

/// A program with its layout set, see [`sim_st::format`].
///
/// # Errors
///
/// What is no Structured Text.
pub fn format_program(source: &SourceText) -> Result<String, Problems> {
    sim_st::format(source.text(), source.file()).map_err(|found| {
        let placed = found.into_iter().map(|problem| placed_in(source, problem));
        placed.collect()
    })
}

fn placed_in(source: &SourceText, found: sim_st::Diagnostic) -> Problem {
    let span = found.span.start as usize..found.span.end as usize;
    Problem::new(found.code, found.message)
        .at(source, span)
        .maybe_hint(found.hint)
}

/// A paragraph about a problem code of the compiler, in any case.
#[must_use]
pub fn explain_program(code: &str) -> Option<&'static str> {
    let code = code.to_uppercase();
    sim_st::explain(&code).or_else(|| sim_plcopen::explain(&code))
}

/// Reads a playbook, and checks it against a plant if there is one.
///
/// # Errors
///
/// Everything that is wrong with it.
pub fn read_playbook(source: &SourceText, plant: Option<&PlantSpec>) -> Result<Playbook, Problems> {
    let outline = Outline::of(source.text());
    check_schema(source, &outline, PLAYBOOK_SCHEMA)?;
    let playbook: Playbook = parse(source)?;
    check_texts(source, &outline)?;
    if let Some(plant) = plant {
        let errors = twinrange_attacks::validate(&playbook, plant);
        placed(source, &outline, errors).into_result()?;
    }
    Ok(playbook)
}

/// Columns of the physical truth that a plant's process has.
#[must_use]
pub fn truth_columns(spec: &PlantSpec) -> Vec<ColumnInfo> {
    sim_plant::truth_columns(&spec.process)
        .iter()
        .map(|column| ColumnInfo {
            name: column.name.to_owned(),
            unit: column.unit.to_owned(),
            description: column.description.to_owned(),
        })
        .collect()
}

/// The earliest time at which a step can begin by itself; `None` if it waits for another step.
fn own_start(trigger: &Trigger) -> Option<SimTime> {
    match trigger {
        Trigger::At(time) => Some(*time),
        Trigger::When(condition) => match &condition.from {
            Some(from) => own_start(from),
            None => Some(SimTime::ZERO),
        },
        Trigger::After { .. } | Trigger::OnOutcome { .. } | Trigger::TookHold { .. } => None,
    }
}

/// Mistakes that are known by their path, at their place in the text.
fn placed(source: &SourceText, outline: &Outline, errors: Vec<SpecError>) -> Problems {
    errors
        .into_iter()
        .map(|error| {
            outline
                .problem(source, error.code, &error.path, error.message)
                .maybe_hint(error.hint)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::{Path, PathBuf};

    use tempfile::TempDir;

    use super::*;
    use crate::scenario::{check, from_bundle, load};

    fn repository() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR"))
            .parent()
            .expect("in the repository")
            .to_path_buf()
    }

    fn standard() -> Standard {
        Standard::new(|_| Problems::new())
    }

    #[test]
    fn shipped_files_when_checked_then_nothing_is_wrong() {
        for folder in ["scenarios", "attacks/playbooks"] {
            let problems = check(&repository().join(folder), &standard());
            assert!(problems.is_empty(), "{problems}");
        }
    }

    #[test]
    fn shipped_scenario_when_loaded_from_its_bundle_then_the_same_run_is_prepared() {
        let path = repository().join("scenarios/bottling/underfill.ron");
        let loaded = load(&path, &standard()).expect("it is valid");
        let prepared = prepare(&loaded).expect("it is valid");
        assert!(prepared.playbook.is_some() && prepared.programs.len() == 4);
        assert!(
            prepared
                .truth_columns
                .iter()
                .any(|column| column.name == "bowl_level_m")
        );
        let facts = loaded.playbook_facts.as_ref().expect("there is a playbook");
        assert!(!facts.steps.is_empty() && !facts.starts.is_empty());

        let again = from_bundle(&loaded.bundle, &standard()).expect("it is valid");
        assert_eq!(again.scenario, loaded.scenario);
        assert_eq!(
            prepare(&again).expect("it is valid").playbook,
            prepared.playbook
        );
        for (name, program) in prepare(&again).expect("it is valid").programs {
            assert_eq!(
                program.to_bytes(),
                prepared.programs[&name].to_bytes(),
                "{name}"
            );
        }
    }

    #[test]
    fn programs_of_an_attack_when_loaded_from_a_bundle_then_the_same_containers() {
        let path = repository().join("scenarios/bottling/logic.ron");
        let loaded = load(&path, &standard()).expect("it is valid");
        let prepared = prepare(&loaded).expect("it is valid");
        let container = &prepared.attack_programs["logic/conveyor.st"];
        let program = Program::from_bytes(container).expect("it may run");
        assert_eq!(
            (program.name(), program.file_name()),
            ("Conveyor", "conveyor.st")
        );
        assert_ne!(program.digest(), prepared.programs["conveyor.st"].digest());

        let again = from_bundle(&loaded.bundle, &standard()).expect("it is valid");
        let again = prepare(&again).expect("it is valid");
        assert_eq!(again.attack_programs, prepared.attack_programs);
    }

    /// The shipped scenario with one replacement in one file, checked.
    fn broken(file: &str, good: &str, bad: &str) -> String {
        let folder = TempDir::new().expect("a folder for the test");
        for part in ["scenarios/bottling", "attacks/playbooks"] {
            fs::create_dir_all(folder.path().join(part)).expect("creates");
            for entry in fs::read_dir(repository().join(part)).expect("lists") {
                let entry = entry.expect("lists");
                if entry.path().is_dir() {
                    continue; // Programs of other playbooks.
                }
                let text = fs::read_to_string(entry.path()).expect("reads");
                let place = format!("{part}/{}", entry.file_name().to_string_lossy());
                let text = if place == file {
                    assert!(text.contains(good), "{file} has {good}");
                    text.replacen(good, bad, 1)
                } else {
                    text
                };
                fs::write(folder.path().join(place), text).expect("writes");
            }
        }
        let path = folder.path().join("scenarios/bottling/underfill.ron");
        let problems = check(&path, &standard()).to_string();
        problems.replace(&format!("{}/", folder.path().display()), "")
    }

    #[test]
    fn shipped_files_when_broken_then_the_place_is_in_the_right_file() {
        let plant = "scenarios/bottling/plant.ron";
        let scenario = "scenarios/bottling/underfill.ron";
        let playbook = "attacks/playbooks/underfill.ron";
        let cases = [
            (
                plant,
                "network: \"cell\"",
                "network: \"cel\"",
                "TR0202",
                "did you mean",
            ),
            (plant, "schema: 1", "schema: 2", "TR0201", ""),
            (
                plant,
                "ip: \"10.20.1.11\"",
                "ip: \"10.20.9.11\"",
                "TR0206",
                "",
            ),
            (
                plant,
                "program: \"filler.st\"",
                "program: \"filer.st\"",
                "TR0108",
                "",
            ),
            (
                scenario,
                "\"vendor-laptop\"",
                "\"vendor-labtop\"",
                "TR0202",
                "vendor-laptop",
            ),
            (scenario, "overflow_l", "overflow_m", "TR0202", "overflow_l"),
            (
                scenario,
                "clean_until: \"30min\"",
                "clean_until: \"115min\"",
                "TR0241",
                "",
            ),
            (playbook, "schema: 1", "schema: 7", "TR0201", ""),
            ("scenarios/bottling/filler.st", "END_IF", "", "ST", ""),
        ];
        for (file, good, bad, code, text) in cases {
            let found = broken(file, good, bad);
            let line = found.lines().find(|line| line.contains(code));
            let line = line.unwrap_or_else(|| panic!("{bad}: no {code} in {found}"));
            assert!(line.starts_with(&format!("{file}:")), "{bad}: {line}");
            assert!(line.contains(text), "{bad}: {line}");
        }
    }
}
