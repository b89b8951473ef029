//! The formats of the files that a scenario names, which belong to other crates.

use sim_kernel::SimTime;

use crate::problem::{Problem, Problems, SourceText};
use crate::ron_source::Outline;

/// Checks files whose formats this module does not know.
///
/// Each method finds every mistake that it can; problems point into the given text.
pub trait Formats {
    /// Reads and checks a plant file.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with the file itself. Files that it names are not looked at.
    fn plant(&self, plant: &SourceText) -> Result<PlantFacts, Problems>;

    /// Checks a Structured Text program.
    fn program(&self, program: &SourceText) -> Problems;

    /// Checks a program file that is there for others to use, and so needs no PROGRAM of its own.
    fn library(&self, library: &SourceText) -> Problems {
        self.program(library)
    }

    /// Reads a playbook, and checks it against a plant file without mistakes if there is one.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with the playbook.
    fn playbook(
        &self,
        playbook: &SourceText,
        plant: Option<&SourceText>,
    ) -> Result<PlaybookFacts, Problems>;

    /// Checks the description of a defense.
    fn defense(&self, defense: &SourceText) -> Problems;

    /// Checks the plan of a campaign. Nothing is found by formats that know no plans.
    fn campaign(&self, _plan: &SourceText) -> Problems {
        Problems::new()
    }

    /// Checks a suite of cases. Nothing is found by formats that know no suites.
    fn suite(&self, _suite: &SourceText) -> Problems {
        Problems::new()
    }
}

/// What a scenario needs to know about its plant.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PlantFacts {
    /// Short name of the plant.
    pub name: String,
    /// Names of the hosts.
    pub hosts: Vec<String>,
    /// Names of the columns of the physical truth.
    pub truth_columns: Vec<String>,
    /// Names of the tags.
    pub tags: Vec<String>,
    /// Period of the physics, ms.
    pub process_step_ms: u32,
    /// The programs that the plant file names.
    pub programs: Vec<Reference>,
}

/// What a scenario needs to know about its playbook.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PlaybookFacts {
    /// Ids of the steps, in the order in which frames are labelled with them.
    pub steps: Vec<String>,
    /// Steps that begin at a time of their own, with that time.
    pub starts: Vec<(String, SimTime)>,
    /// The programs that the playbook file names: what its steps load into controllers.
    pub programs: Vec<Reference>,
}

/// One file named by another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    /// The name as it is written, relative to the file that names it.
    pub file: String,
    /// Path to the name in the file that names it, such as `controllers[0].program`.
    pub path: String,
}

impl Outline {
    /// A problem at the value that a path names, for mistakes that are known by their path.
    #[must_use]
    pub fn problem(
        &self,
        source: &SourceText,
        code: &'static str,
        path: &str,
        message: impl Into<String>,
    ) -> Problem {
        Problem::new(code, message).at(source, self.nearest(path))
    }
}
