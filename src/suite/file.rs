//! The suite as it is written, and its cases with their scenarios read and changed.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use twinrange_range::problem::{Problem, Problems, SourceText};
use twinrange_range::ron_source::{Outline, check_texts, parse};
use twinrange_range::scenario::{Bundle, check_path, read_text};
use twinrange_score::gate::Gate;

use crate::campaign::{NOBODY, Scalar, change};
use crate::support::defense::{self, Defense};
use crate::support::failure::Failure;
use crate::support::scenario::{find_in, folder_of};

/// Version of the suite's form that this build reads.
const SUITE_SCHEMA: u32 = 1;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename = "Suite")]
struct SuiteFile {
    schema: u32,
    name: String,
    cases: Vec<CaseFile>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct CaseFile {
    name: String,
    scenario: String,
    seeds: Vec<u64>,
    defense: String,
    #[serde(default = "yes")]
    attack: bool,
    #[serde(default)]
    set: BTreeMap<String, Scalar>,
    #[serde(default)]
    vary: u64,
    #[serde(default)]
    gates: Vec<String>,
}

fn yes() -> bool {
    true
}

/// A suite, ready to be run.
#[derive(Debug)]
pub(super) struct Suite {
    pub(super) name: String,
    pub(super) cases: Vec<Case>,
}

/// One case: a scenario, a defense, and what must hold for each seed.
#[derive(Debug)]
pub(super) struct Case {
    pub(super) name: String,
    pub(super) seeds: Vec<u64>,
    pub(super) attack: bool,
    pub(super) vary: u64,
    pub(super) defense: Option<Defense>,
    pub(super) gates: Vec<Gate>,
    /// The scenario with the case's settings.
    pub(super) bundle: Bundle,
    /// The scenario's files on this machine, which tell a defense what it may not know.
    pub(super) hidden: Vec<PathBuf>,
}

/// Reads a suite from a file.
pub(super) fn read_file(path: &Path) -> Result<Suite, Failure> {
    let source = read_text(path, &path.display().to_string())?;
    Ok(read(&source)?)
}

/// Reads a suite. Names in it are relative to the folder of its file.
pub(super) fn read(source: &SourceText) -> Result<Suite, Problems> {
    let outline = Outline::of(source.text());
    let file: SuiteFile = parse(source)?;
    check_texts(source, &outline)?;
    let mut reader = Reader {
        source,
        outline: &outline,
        folder: folder_of(source),
        problems: Problems::new(),
    };
    if file.schema != SUITE_SCHEMA {
        let message = format!(
            "schema {} is not known; this build reads {SUITE_SCHEMA}",
            file.schema
        );
        reader.report("TR0201", "schema", message, None);
    }
    reader.name("name", &file.name);
    if file.cases.is_empty() {
        reader.report("TR0507", "cases", "this list is empty", None);
    }
    let mut names = BTreeSet::new();
    let mut cases = Vec::new();
    for (at, case) in file.cases.iter().enumerate() {
        reader.name(&format!("cases[{at}].name"), &case.name);
        if !names.insert(&case.name) {
            let message = format!("two cases are named `{}`", case.name);
            reader.report("TR0507", &format!("cases[{at}].name"), message, None);
        }
        cases.extend(reader.case(&format!("cases[{at}]"), case));
    }
    reader.problems.into_result()?;
    Ok(Suite {
        name: file.name,
        cases,
    })
}

struct Reader<'a> {
    source: &'a SourceText,
    outline: &'a Outline,
    folder: PathBuf,
    problems: Problems,
}

impl Reader<'_> {
    fn report(
        &mut self,
        code: &'static str,
        path: &str,
        message: impl Into<String>,
        hint: Option<String>,
    ) {
        let place = self.outline.nearest(path);
        let problem = Problem::new(code, message).at(self.source, place);
        self.problems.push(problem.maybe_hint(hint));
    }

    /// Names become names of folders.
    fn name(&mut self, path: &str, name: &str) {
        let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_".contains(c);
        if name.is_empty() || name.len() > 64 || !name.chars().all(fits) {
            let hint = "use lower-case letters, digits, `-` and `_`".to_owned();
            self.report(
                "TR0203",
                path,
                format!("`{name}` is not a name"),
                Some(hint),
            );
        }
    }

    fn pass_on(&mut self, code: &'static str, path: &str, problems: &Problems) {
        for problem in problems.iter() {
            let hint = problem.hint.as_deref().map(str::to_owned);
            self.report(code, path, problem.message.to_string(), hint);
        }
    }

    fn failed(&mut self, path: &str, failure: &Failure) {
        match failure {
            Failure::User(problems) => self.pass_on("TR0108", path, problems),
            Failure::Defense(error) => self.report("TR0108", path, error.to_string(), None),
            _ => self.report("TR0108", path, "it cannot be read", None),
        }
    }

    /// A case; `None` if something is wrong with it that was reported.
    fn case(&mut self, place: &str, case: &CaseFile) -> Option<Case> {
        let before = self.problems.len();
        let seeds: BTreeSet<u64> = case.seeds.iter().copied().collect();
        if seeds.is_empty() || seeds.len() != case.seeds.len() {
            let message = "a case has one seed or more, each once";
            self.report("TR0507", &format!("{place}.seeds"), message, None);
        }
        for path in case.set.keys() {
            if let Err(problem) = check_path(path) {
                let at = self.outline.nearest(&format!("{place}.set[\"{path}\"]"));
                self.problems.push(problem.at(self.source, at));
            }
        }
        let gates = self.gates(place, &case.gates);
        let defense = if case.defense == NOBODY {
            None
        } else {
            match defense::find_in(&self.folder, &case.defense) {
                Ok(defense) => Some(defense),
                Err(failure) => {
                    self.failed(&format!("{place}.defense"), &failure);
                    None
                }
            }
        };
        let found = match find_in(&self.folder, &case.scenario) {
            Ok(found) => Some(found),
            Err(failure) => {
                self.failed(&format!("{place}.scenario"), &failure);
                None
            }
        };
        if self.problems.len() > before {
            return None;
        }
        let settings = case
            .set
            .iter()
            .map(|(path, value)| (path.clone(), value.0.clone()));
        let (loaded, hidden) = found?;
        let bundle = match change(&loaded.bundle, &settings.collect()) {
            Ok(bundle) => bundle,
            Err(problems) => {
                self.pass_on("TR0502", &format!("{place}.set"), &problems);
                return None;
            }
        };
        Some(Case {
            name: case.name.clone(),
            seeds: case.seeds.clone(),
            attack: case.attack,
            vary: case.vary,
            defense,
            gates,
            bundle,
            hidden,
        })
    }

    fn gates(&mut self, place: &str, texts: &[String]) -> Vec<Gate> {
        let mut gates = Vec::new();
        for (at, text) in texts.iter().enumerate() {
            match Gate::parse(text) {
                Ok(parsed) => gates.extend(parsed),
                Err(error) => {
                    let path = format!("{place}.gates[{at}]");
                    let message = format!("gate `{text}`, {error}");
                    self.report("TR0314", &path, message, error.hint.clone());
                }
            }
        }
        gates
    }
}
