//! What `run` and `live` ask alike.

use std::path::PathBuf;

use sim_kernel::time::SimDuration;
use twinrange_range::problem::Problem;

use super::defense::{self, Defense};
use super::execution::OutFolder;
use super::failure::Failure;
use super::sandbox::Mode;
use super::scenario::Ready;

/// Which scenario is run, how, and where the folder goes.
#[derive(Debug, clap::Args)]
pub(crate) struct RunArgs {
    /// A scenario file, or the name of a built-in scenario (see `list scenarios`).
    pub(crate) scenario: String,
    /// Seeds every random stream; the scenario's own seed when left out.
    #[arg(long)]
    seed: Option<u64>,
    /// Folder for the run; a new one under runs/ when left out.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// A defense file, or the name of a defense (see `list defenses`).
    #[arg(long, value_name = "FILE")]
    defense: Option<String>,
    /// Do not play the playbook.
    #[arg(long)]
    pub(crate) no_attack: bool,
    /// Whether the defense is kept away from the truth.
    #[arg(long, value_enum, default_value_t, value_name = "MODE")]
    pub(crate) sandbox: Mode,
}

impl RunArgs {
    pub(crate) fn seed(&self, ready: &Ready) -> u64 {
        self.seed.unwrap_or(ready.loaded.scenario.seed)
    }

    pub(crate) fn out(&self, ready: &Ready) -> OutFolder {
        let scenario = &ready.loaded.scenario.name;
        OutFolder::of(self.out.as_deref(), scenario, self.seed(ready))
    }

    pub(crate) fn defense(&self) -> Result<Option<Defense>, Failure> {
        self.defense.as_deref().map(defense::find).transpose()
    }
}

/// The simulated length that was asked for, or the scenario's own.
pub(crate) fn duration(asked: Option<&str>, ready: &Ready) -> Result<SimDuration, Failure> {
    let Some(text) = asked else {
        return Ok(ready.loaded.scenario.duration);
    };
    let duration = parse_length(text, "90min, 2h, 250ms or 00:30:00")?;
    if duration < SimDuration::from_secs(1) {
        return Err(Problem::new("TR0112", "a run lasts at least a second").into());
    }
    Ok(duration)
}

/// Reads a length of time.
///
/// # Arguments
///
/// * `examples` — how it may be written, for the hint.
///
/// # Errors
///
/// `TR0112`.
pub(crate) fn parse_length(text: &str, examples: &str) -> Result<SimDuration, Problem> {
    text.parse()
        .map_err(|why: sim_kernel::time::TimeParseError| {
            Problem::new("TR0112", format!("`{text}` is not a length of time: {why}"))
                .hint(format!("write it like {examples}"))
        })
}
