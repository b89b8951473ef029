//! `twinrange check`: everything that is wrong with a file, or with all files of a folder.

use std::fs;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::bundle::read_text;
use super::formats::Formats;
use super::load::{check_plant, check_playbook, load};
use crate::problem::{Problem, Problems, SourceText};
use crate::ron_source::Outline;

/// Levels of folders that are searched.
const MAX_DEPTH: usize = 8;

/// The kinds of files that people write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum FileKind {
    /// `Scenario(…)`.
    Scenario,
    /// `Plant(…)`.
    Plant,
    /// `Playbook(…)`.
    Playbook,
    /// `Defense(…)`.
    Defense,
    /// `Campaign(…)`: a plan.
    Campaign,
    /// `Suite(…)`: cases for a build server.
    Suite,
    /// Structured Text, by the ending `.st`, or a PLCopen project, by the ending `.xml` and its namespace.
    Program,
}

/// What kind of file a text is: by the ending of its name, by its outermost name, or, where that is
/// left out, by fields that no other kind has.
#[must_use]
pub fn kind_of(source: &SourceText) -> Option<FileKind> {
    let path = Path::new(source.file());
    // Other programs write XML too.
    let is_project = has_ending(path, "xml") && source.text().contains("plcopen.org/xml/tc6");
    if has_ending(path, "st") || is_project {
        return Some(FileKind::Program);
    }
    let outline = Outline::of(source.text());
    let has = |field: &str| outline.key(field).is_some();
    match outline.root_name() {
        "Scenario" => Some(FileKind::Scenario),
        "Plant" => Some(FileKind::Plant),
        "Playbook" => Some(FileKind::Playbook),
        "Defense" => Some(FileKind::Defense),
        "Campaign" => Some(FileKind::Campaign),
        "Suite" => Some(FileKind::Suite),
        "" if has("plant") && has("duration") => Some(FileKind::Scenario),
        "" if has("hosts") && has("controllers") => Some(FileKind::Plant),
        "" if has("steps") && has("targets") => Some(FileKind::Playbook),
        "" if has("kind") && has("install") => Some(FileKind::Defense),
        _ => None,
    }
}

/// Finds everything that is wrong with a file, or with all `.ron`, `.st` and PLCopen files below a folder.
///
/// A scenario is checked with all that it names, a plant or a playbook with its programs. No problems, or only
/// warnings, mean that the files can be run.
#[must_use]
pub fn check(path: &Path, formats: &dyn Formats) -> Problems {
    if !path.is_dir() {
        return check_file(path, formats, true).sorted();
    }
    let mut files = Vec::new();
    let mut problems = Problems::new();
    collect(path, MAX_DEPTH, &mut files);
    files.sort();
    let mut known = 0_usize;
    for file in &files {
        let before = problems.len();
        problems.extend(check_file(file, formats, false));
        known += usize::from(problems.len() > before || is_ours(file));
    }
    if known == 0 {
        let message = format!("there is nothing to check in `{}`", path.display());
        problems.push(Problem::new("TR0111", message));
    }
    problems.sorted()
}

/// Whether a file is of a known kind; files of other programs may lie beside ours.
fn is_ours(path: &Path) -> bool {
    read_text(path, &path.display().to_string()).is_ok_and(|source| kind_of(&source).is_some())
}

fn check_file(path: &Path, formats: &dyn Formats, named: bool) -> Problems {
    let shown = path.display().to_string();
    let source = match read_text(path, &shown) {
        Ok(source) => source,
        Err(problem) => return problem.into(),
    };
    match kind_of(&source) {
        Some(FileKind::Scenario) => match load(path, formats) {
            Ok(loaded) => loaded.warnings,
            Err(problems) => problems,
        },
        Some(FileKind::Plant) => check_plant(path, formats),
        Some(FileKind::Playbook) => check_playbook(path, formats),
        Some(FileKind::Defense) => formats.defense(&source),
        Some(FileKind::Campaign) => formats.campaign(&source),
        Some(FileKind::Suite) => formats.suite(&source),
        Some(FileKind::Program) if is_library(path) => formats.library(&source),
        Some(FileKind::Program) => formats.program(&source),
        None if named => unknown(&source).into(),
        None => Problems::new(),
    }
}

/// Programs in a folder `lib` are there for others to use.
fn is_library(path: &Path) -> bool {
    path.parent()
        .is_some_and(|folder| folder.file_name().is_some_and(|name| name == "lib"))
}

fn unknown(source: &SourceText) -> Problem {
    let outline = Outline::of(source.text());
    let place = outline.nearest("");
    let start = place.start..(place.start + outline.root_name().len().max(1)).min(place.end);
    Problem::new("TR0111", "this is no file of a known kind")
        .at(source, start)
        .hint(
            "begin with `Scenario(`, `Plant(`, `Playbook(`, `Defense(`, `Campaign(` or `Suite(`, or end the name in \
             `.st`; a PLCopen project ends in `.xml`",
        )
}

/// Hidden folders and build output are left out; what cannot be listed is left out too.
fn collect(folder: &Path, depth: usize, files: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    for entry in entries.flatten() {
        let path = entry.path();
        let hidden = entry.file_name().to_string_lossy().starts_with('.');
        if path.is_dir() {
            if depth > 0 && !hidden && entry.file_name() != "target" {
                collect(&path, depth - 1, files);
            }
        } else if ["ron", "st", "xml"]
            .iter()
            .any(|ending| has_ending(&path, ending))
        {
            files.push(path);
        }
    }
}

fn has_ending(path: &Path, ending: &str) -> bool {
    path.extension()
        .is_some_and(|found| found.eq_ignore_ascii_case(ending))
}
