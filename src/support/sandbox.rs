//! Whether and how defenses are kept away from the truth.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use serde::{Deserialize, Serialize};
use twinrange_bridge::{Confinement, DefenseError};

use super::failure::Failure;

/// What the user asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Mode {
    /// Confine the defense where this machine can; say so in the score where it cannot.
    #[default]
    Auto,
    /// Confine the defense, or do not run it: exit code 3.
    Require,
    /// Do not confine the defense.
    Off,
}

/// What `run.json` notes about it, as `notes.defense_sandbox`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Note {
    /// What was asked for.
    pub(crate) asked: Mode,
    /// Whether the defense was confined.
    pub(crate) confined: bool,
    /// Why it was not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) why_not: Option<String>,
}

/// How the defenses of this command are started.
#[derive(Clone, Debug)]
pub(crate) struct Sandbox {
    asked: Mode,
    launcher: Result<PathBuf, String>,
}

impl Sandbox {
    /// Sees what this machine can do.
    ///
    /// # Errors
    ///
    /// `DF0020` if confinement is required and it cannot.
    pub(crate) fn new(asked: Mode) -> Result<Self, Failure> {
        let launcher = match asked {
            Mode::Off => Err("--sandbox off was asked for".to_owned()),
            Mode::Auto | Mode::Require => probe(),
        };
        match launcher {
            Err(reason) if asked == Mode::Require => {
                Err(DefenseError::CannotConfine { reason }.into())
            }
            launcher => Ok(Self { asked, launcher }),
        }
    }

    /// The sandbox of all defenses of a campaign or suite: on where this machine can.
    pub(crate) fn shared() -> &'static Self {
        static SHARED: OnceLock<Sandbox> = OnceLock::new();
        SHARED.get_or_init(|| {
            Self::new(Mode::Auto).unwrap_or_else(|_| unreachable!("nothing is required"))
        })
    }

    /// How to confine a defense, or `None` where it is not confined.
    ///
    /// # Arguments
    ///
    /// * `read` — what it may read and run beside the system.
    /// * `hidden` — what stays hidden wherever it lies: the run folder, the scenario.
    pub(crate) fn confinement(
        &self,
        read: Vec<PathBuf>,
        hidden: Vec<PathBuf>,
    ) -> Option<Confinement> {
        let launcher = self.launcher.as_ref().ok()?;
        Some(Confinement {
            launcher: vec![launcher.into(), "confined".into()],
            hidden,
            read,
        })
    }

    /// What `run.json` says of it.
    pub(crate) fn note(&self) -> Note {
        Note {
            asked: self.asked,
            confined: self.launcher.is_ok(),
            why_not: self.launcher.as_ref().err().cloned(),
        }
    }
}

impl Note {
    /// What a reader of a score must know, if the defense was not confined.
    pub(crate) fn caveat(&self) -> Option<String> {
        let why = self.why_not.as_ref()?;
        Some(format!(
            "The defense was not confined ({why}): it could have looked for the truth in the run folder."
        ))
    }
}

/// This program as a launcher, if it can confine itself here. It tries, because nothing else tells for
/// certain: a kernel may have Landlock and a container may forbid it.
fn probe() -> Result<PathBuf, String> {
    let program = std::env::current_exe()
        .map_err(|error| format!("this program cannot find its own file: {error}"))?;
    let tried = Command::new(&program)
        .arg("confined")
        .args(["--read", "/usr"])
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("this program cannot start itself: {error}"))?;
    if tried.status.success() {
        return Ok(program);
    }
    let said = String::from_utf8_lossy(&tried.stderr);
    Err(said.lines().next().unwrap_or("nobody says why").to_owned())
}

/// The files of a bundle on this machine, which a defense may not read.
///
/// # Arguments
///
/// * `scenario` — the scenario file.
/// * `names` — of the bundle's files, relative to the folder of the scenario.
pub(crate) fn files_of<'a>(
    scenario: &Path,
    names: impl Iterator<Item = &'a String>,
) -> Vec<PathBuf> {
    let folder = scenario.parent().unwrap_or(Path::new(""));
    let paths = names.map(|name| folder.join(name));
    paths.flat_map(|path| path.canonicalize()).collect()
}
