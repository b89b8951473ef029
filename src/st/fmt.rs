//! `twinrange st fmt`: the layout of programs.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use twinrange_range::formats::format_program;
use twinrange_range::problem::{Problem, Problems};
use twinrange_range::scenario::{FileKind, kind_of, read_text};

use crate::Outcome;

/// Arguments of `st fmt`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Structured Text files.
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// Change nothing; say which files are laid out otherwise, and end with code 2 if there are any.
    #[arg(long)]
    check: bool,
}

pub(crate) fn run(args: &Args) -> Outcome {
    let mut problems = Problems::new();
    for file in &args.files {
        match one(file, args.check) {
            Ok(()) => {}
            Err(found) => found
                .iter()
                .for_each(|problem| problems.push(problem.clone())),
        }
    }
    Ok(problems.into_result()?)
}

fn one(file: &Path, check: bool) -> Result<(), Problems> {
    let name = file.display().to_string();
    let source = read_text(file, &name)?;
    if kind_of(&source) == Some(FileKind::Program) && name.to_lowercase().ends_with(".xml") {
        let message = format!("`{name}` is a PLCopen project, whose layout is a drawing");
        return Err(Problem::new("TR0111", message)
            .hint(format!("`twinrange st import {name}` writes it as text"))
            .into());
    }
    let laid_out = format_program(&source)?;
    if laid_out == source.text() {
        return Ok(());
    }
    if check {
        let mut pairs = source.text().lines().zip(laid_out.lines());
        let before = pairs.position(|(is, should)| is != should);
        let line = before.unwrap_or_else(|| laid_out.lines().count()) + 1;
        let message = "the program is laid out otherwise than `st fmt` does it";
        return Err(Problem::new("TR0317", message)
            .at_line(name.clone(), u32::try_from(line).unwrap_or(u32::MAX), 1)
            .hint(format!("run `twinrange st fmt {name}`"))
            .into());
    }
    replace(file, &laid_out).map_err(|error| {
        Problem::new("TR0307", format!("{name} cannot be written: {error}")).into()
    })
}

/// Puts a new text in a file's place at once, so that it is never half written.
fn replace(file: &Path, text: &str) -> std::io::Result<()> {
    // Through a link, so that the link stays one.
    let file = fs::canonicalize(file)?;
    let folder = file.parent().unwrap_or(Path::new("."));
    let mut fresh = tempfile::NamedTempFile::new_in(folder)?;
    fresh.write_all(text.as_bytes())?;
    fresh
        .as_file()
        .set_permissions(fs::metadata(&file)?.permissions())?;
    fresh.persist(&file)?;
    Ok(())
}
