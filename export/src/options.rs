//! Which options have a meaning for which formats.
//!
//! **Invariant:** an option that was given is obeyed or refused; one without a meaning would be believed otherwise.

use twinrange_range::problem::Problem;

use crate::work::Format;

/// An option that not every format has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice {
    /// What labels are about.
    Labels,
    /// A run to learn from.
    Train,
    /// Time between two rows, or the interval of flows.
    Period,
    /// Where values come from.
    Values,
    /// How fine stamps are.
    Stamps,
    /// -999 in place of 0.
    Undisclosed,
    /// Blanks in front of the names in the head.
    BlankHeads,
}

impl Choice {
    /// The option on the command line.
    #[must_use]
    pub const fn option(self) -> &'static str {
        match self {
            Self::Labels => "--labels",
            Self::Train => "--train",
            Self::Period => "--period",
            Self::Values => "--values",
            Self::Stamps => "--stamps",
            Self::Undisclosed => "--undisclosed",
            Self::BlankHeads => "--blank-heads",
        }
    }

    /// Whether it changes what the format's files say.
    #[must_use]
    pub const fn is_for(self, format: Format) -> bool {
        match self {
            // Files of the others that have labels tell of the attacker's frames, or have a column for each set.
            Self::Labels => format.has_rows() || matches!(format, Format::IcsFlow),
            Self::Train => format.is_split(),
            Self::Period => format.period_ns().is_some(),
            Self::Values => format.has_values(),
            Self::Stamps => matches!(format, Format::PcapLabels),
            Self::Undisclosed => matches!(format, Format::Batadal),
            Self::BlankHeads => matches!(format, Format::Swat),
        }
    }

    /// Refuses the option where it has no meaning.
    ///
    /// # Errors
    ///
    /// `TR0351`, with the formats for which it has one.
    pub fn check(self, format: Format) -> Result<(), Problem> {
        if self.is_for(format) {
            return Ok(());
        }
        let known = Format::ALL.into_iter().filter(|known| self.is_for(*known));
        let known: Vec<String> = known.map(|known| format!("`{}`", known.name())).collect();
        let (option, name) = (self.option(), format.name());
        let message = format!("`{option}` has no meaning for `{name}`");
        Err(Problem::new("TR0351", message).hint(format!("it has one for {}", known.join(", "))))
    }
}
