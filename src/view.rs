//! `twinrange view`: hands over to the viewer, a program of its own, since it needs a renderer.
//!
//! The viewer knows run folders and files. A scenario by its name is handed over as a file of all its texts.

use std::path::Path;
use std::process::Command;

use tempfile::NamedTempFile;
use twinrange_range::problem::Problem;

use crate::Outcome;
use crate::support::beside::beside;
use crate::support::failure::Failure;
use crate::support::scenario;

/// Arguments of `view`; they are the viewer's.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// A run folder or a scenario, and the options that `twinrange view --help` lists.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, required = true)]
    args: Vec<String>,
}

/// Name of the viewer's program.
const VIEWER: &str = "twinrange-view";

pub(crate) fn run(args: &Args) -> Outcome {
    let viewer = beside(VIEWER).ok_or_else(|| {
        let message = format!("the viewer `{VIEWER}` does not lie beside this program");
        Problem::new("TR0405", message).hint("build it: cargo build --release -p twinrange-viewer")
    })?;
    let mut words = args.args.clone();
    let mut handed = None;
    if let Some(first) = words.first_mut()
        && !first.starts_with('-')
        && !Path::new(first.as_str()).exists()
    {
        let file = bundle_file(first)?;
        *first = file.path().display().to_string();
        handed = Some(file);
    }
    let status = Command::new(&viewer)
        .args(&words)
        .status()
        .map_err(|error| {
            let message = format!("`{}` cannot be started: {error}", viewer.display());
            Problem::new("TR0405", message)
        })?;
    drop(handed);
    match status.code() {
        Some(0) => Ok(()),
        Some(code) => Err(Failure::Viewer(u8::try_from(code).unwrap_or(1))),
        None => Err(Failure::Interrupted),
    }
}

/// All texts of a scenario in one file.
fn bundle_file(name: &str) -> Result<NamedTempFile, Failure> {
    if !scenario::BUILT_IN.iter().any(|known| known.name == name) {
        let message = format!("there is no `{name}`: neither a run folder nor a scenario");
        let hint = "`list scenarios` names the built-in ones; `run` leaves a run folder";
        return Err(Problem::new("TR0108", message).hint(hint).into());
    }
    let ready = scenario::find(name)?;
    let text = serde_json::to_vec(&ready.loaded.bundle).expect("texts encode");
    let file = tempfile::Builder::new().suffix(".bundle.json").tempfile();
    let written = file.and_then(|file| std::fs::write(file.path(), text).map(|()| file));
    written.map_err(|error| {
        let message = format!("the scenario cannot be handed to the viewer: {error}");
        Problem::new("TR0307", message).into()
    })
}
