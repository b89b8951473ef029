//! The texts that a run depends on, under names that mean the same on every machine.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sim_kernel::{Digest, Hasher};

use crate::problem::{Problem, SourceText};

/// Largest file that a scenario may consist of, bytes.
pub const MAX_FILE_BYTES: u64 = 4 << 20;

/// All files of a scenario.
///
/// Names are relative to the folder of the scenario file, with forward slashes and without `.` and
/// inner `..`; a leading `..` leads out of that folder, as in `../../attacks/playbooks/x.ron`. Line
/// ends are `\n` and there is no byte order mark, whatever the file system had.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bundle {
    /// Name of the scenario file.
    pub root: String,
    /// Every text by its name.
    pub files: BTreeMap<String, String>,
}

impl Bundle {
    /// Digest of the names and the texts.
    #[must_use]
    pub fn digest(&self) -> Digest {
        let mut hasher = Hasher::new();
        hasher.put_str(&self.root);
        for (name, text) in &self.files {
            hasher.put_str(name);
            hasher.put_str(text);
        }
        hasher.finish()
    }
}

/// Where the texts come from.
pub(super) enum Store<'a> {
    /// The folder of the scenario file, as the user named it.
    Folder(PathBuf),
    /// The texts in a run folder.
    Bundle(&'a Bundle),
}

impl Store<'_> {
    /// The name of a file as the user knows it.
    pub(super) fn shown(&self, name: &str) -> String {
        match self {
            Self::Folder(folder) => tidy(&folder.join(name)),
            Self::Bundle(_) => name.to_owned(),
        }
    }

    /// Reads a text; a problem with no place yet.
    pub(super) fn read(&self, name: &str) -> Result<SourceText, Problem> {
        let shown = self.shown(name);
        match self {
            Self::Folder(folder) => read_text(&folder.join(name), &shown),
            Self::Bundle(bundle) => match bundle.files.get(name) {
                Some(text) => Ok(SourceText::new(shown, text.clone())),
                None => Err(Problem::new(
                    "TR0108",
                    format!("`{name}` is not in the run folder"),
                )),
            },
        }
    }
}

/// Reads a text file in our normal form: no byte order mark, LF at line ends.
///
/// # Arguments
///
/// * `shown` — how problems name the file.
///
/// # Errors
///
/// TR0108 if it cannot be read, TR0110 if it is no text or larger than 4 MiB.
pub fn read_text(path: &Path, shown: &str) -> Result<SourceText, Problem> {
    let unreadable = |error: io::Error| {
        let why = match error.kind() {
            io::ErrorKind::NotFound => "it does not exist".to_owned(),
            io::ErrorKind::PermissionDenied => "it may not be read".to_owned(),
            io::ErrorKind::IsADirectory => "it is a folder".to_owned(),
            _ => error.to_string(),
        };
        Problem::new("TR0108", format!("`{shown}` cannot be read: {why}"))
    };
    if path.is_dir() {
        return Err(unreadable(io::ErrorKind::IsADirectory.into()));
    }
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(unreadable)?;
    file.take(MAX_FILE_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(unreadable)?;
    if bytes.len() as u64 > MAX_FILE_BYTES {
        return Err(Problem::new(
            "TR0110",
            format!("`{shown}` is larger than 4 MiB"),
        ));
    }
    let text = String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        Problem::new(
            "TR0110",
            format!("`{shown}` is not UTF-8 text: see byte {at}"),
        )
    })?;
    let text = text
        .strip_prefix('\u{feff}')
        .unwrap_or(&text)
        .replace("\r\n", "\n");
    Ok(SourceText::new(shown, text))
}

/// The name in the bundle of a file that another file of the bundle names.
///
/// # Errors
///
/// Why the reference cannot be used, in a few words.
pub(super) fn resolve(referrer: &str, reference: &str) -> Result<String, &'static str> {
    if reference.is_empty() {
        return Err("it is empty");
    }
    if reference.contains('\\') {
        return Err("use forward slashes");
    }
    if reference.starts_with('/') || reference.get(1..2) == Some(":") {
        return Err("it must be relative to the file that names it");
    }
    if reference.contains('\0') || reference.len() > 1_024 {
        return Err("it is not a path");
    }
    let folder = referrer.rsplit_once('/').map_or("", |(folder, _)| folder);
    let mut parts: Vec<&str> = Vec::new();
    for part in folder.split('/').chain(reference.split('/')) {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    match parts.last() {
        None | Some(&"..") => Err("it is a folder"),
        Some(_) => Ok(parts.join("/")),
    }
}

/// A path without `x/..`, for people.
fn tidy(path: &Path) -> String {
    let mut tidy = PathBuf::new();
    for part in path.components() {
        let goes_back = part == std::path::Component::ParentDir;
        let named = matches!(
            tidy.components().next_back(),
            Some(std::path::Component::Normal(_))
        );
        match (goes_back && named, part) {
            (true, _) => {
                tidy.pop();
            }
            (false, std::path::Component::CurDir) => {}
            (false, part) => tidy.push(part),
        }
    }
    tidy.display().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resolve_when_reference_is_relative_then_name_is_canonical() {
        let cases = [
            ("s.ron", "plant.ron", Ok("plant.ron")),
            ("s.ron", "./a//plant.ron", Ok("a/plant.ron")),
            ("a/plant.ron", "filler.st", Ok("a/filler.st")),
            ("a/plant.ron", "../filler.st", Ok("filler.st")),
            ("s.ron", "../../attacks/x.ron", Ok("../../attacks/x.ron")),
            ("../b/plant.ron", "../c/x.st", Ok("../c/x.st")),
            ("s.ron", "a/../../x.st", Ok("../x.st")),
            (
                "s.ron",
                "/etc/plant.ron",
                Err("it must be relative to the file that names it"),
            ),
            (
                "s.ron",
                "C:/plant.ron",
                Err("it must be relative to the file that names it"),
            ),
            ("s.ron", "a\\plant.ron", Err("use forward slashes")),
            ("s.ron", "", Err("it is empty")),
            ("s.ron", "..", Err("it is a folder")),
            ("s.ron", "a/..", Err("it is a folder")),
        ];
        for (referrer, reference, expect) in cases {
            let found = resolve(referrer, reference);
            assert_eq!(
                found.as_deref(),
                expect.as_ref().copied(),
                "{referrer} {reference}"
            );
        }
    }
}
