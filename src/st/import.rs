//! `twinrange st import`: a PLCopen project as text.

use std::fs;
use std::path::PathBuf;

use twinrange_range::formats::import_project;
use twinrange_range::problem::Problem;
use twinrange_range::scenario::read_text;

use super::warn;
use crate::Outcome;

/// Arguments of `st import`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The project, as Beremiz and OpenPLC Editor keep it in `plc.xml`.
    file: PathBuf,
    /// Where to write the text; printed when left out. A file that is there is not overwritten.
    #[arg(long, value_name = "FILE.st")]
    out: Option<PathBuf>,
}

pub(crate) fn run(args: &Args) -> Outcome {
    let source = read_text(&args.file, &args.file.display().to_string())?;
    let (text, warnings) = import_project(&source)?;
    warn(&warnings);
    let Some(out) = &args.out else {
        say!("{}", text.trim_end());
        return Ok(());
    };
    let written = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(out)
        .and_then(|mut file| std::io::Write::write_all(&mut file, text.as_bytes()));
    written.map_err(|error| {
        let message = format!("{} cannot be written: {error}", out.display());
        Problem::new("TR0307", message).into()
    })
}
