//! How the command fails: what it says and which exit code it ends with.

use std::process::ExitCode;

use twinrange_bridge::DefenseError;
use twinrange_range::problem::{Problem, Problems, rendered};

/// A gate failed.
const EXIT_GATE: u8 = 1;
/// The user's mistake.
const EXIT_USER: u8 = 2;
/// A replay diverged.
const EXIT_DIVERGED: u8 = 4;
/// Ctrl-C: 128 + SIGINT, as shells say it.
const EXIT_INTERRUPTED: u8 = 130;
/// Our bug.
pub(crate) const EXIT_BUG: u8 = 70;

/// Why a verb did not do its work, or why its answer is no.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The gates that failed, one line each; already printed with the score.
    Gate,
    /// Mistakes in files or arguments.
    User(Problems),
    /// The defense could not be had, crashed, hung or broke the protocol.
    Defense(Box<DefenseError>),
    /// The replay differs, in words.
    Diverged(String),
    /// The viewer ended with this code and has said why.
    Viewer(u8),
    /// The user pressed Ctrl-C; what was written is whole.
    Interrupted,
}

impl From<Problems> for Failure {
    fn from(problems: Problems) -> Self {
        Self::User(problems)
    }
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        Self::User(problem.into())
    }
}

impl From<DefenseError> for Failure {
    fn from(error: DefenseError) -> Self {
        Self::Defense(Box::new(error))
    }
}

impl Failure {
    /// Prints the failure on standard error and gives the exit code.
    pub(crate) fn report(&self) -> ExitCode {
        match self {
            Self::Gate => ExitCode::from(EXIT_GATE),
            Self::User(problems) => {
                print_problems(problems);
                ExitCode::from(EXIT_USER)
            }
            Self::Defense(error) => {
                eprintln!("{}: {error}", error.code());
                if let Some(hint) = error.hint() {
                    eprintln!("  hint: {hint}");
                }
                ExitCode::from(DefenseError::EXIT_CODE)
            }
            Self::Diverged(how) => {
                eprintln!("the replay diverged: {how}");
                ExitCode::from(EXIT_DIVERGED)
            }
            Self::Viewer(code) => ExitCode::from(*code),
            Self::Interrupted => {
                eprintln!("interrupted; what was written until then is whole");
                ExitCode::from(EXIT_INTERRUPTED)
            }
        }
    }
}

/// Prints problems on standard error: with their source on a terminal, a line each elsewhere.
pub(crate) fn print_problems(problems: &Problems) {
    use std::io::IsTerminal;
    eprintln!(
        "{}",
        rendered(problems, std::io::stderr().is_terminal()).trim_end()
    );
}
