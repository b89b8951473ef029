//! How specifically a step was recognised, after the categories of MITRE ATT&CK Evaluations.

use serde::{Deserialize, Serialize};

use super::truth::{Params, StepTruth};
use crate::alert::Alert;
use crate::attack::{self, Relation};

/// Detection grade of one step, ordered from worst to best.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Grade {
    /// Neither an alert nor a record refers to the step.
    #[default]
    None,
    /// A log record of the tool refers to it; an analyst could find it.
    Telemetry,
    /// An alert says that something is wrong, without why or how.
    General,
    /// An alert names the tactic: why.
    Tactic,
    /// An alert names the technique's parent, a sub-technique of it, or a sibling sub-technique:
    /// more than the tactic and less than the technique.
    TacticPlus,
    /// An alert names the technique: how.
    Technique,
}

impl Grade {
    /// All grades from worst to best.
    pub const ALL: [Self; 6] = [
        Self::None,
        Self::Telemetry,
        Self::General,
        Self::Tactic,
        Self::TacticPlus,
        Self::Technique,
    ];

    /// The word in reports.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::None => "None",
            Self::Telemetry => "Telemetry",
            Self::General => "General",
            Self::Tactic => "Tactic",
            Self::TacticPlus => "Tactic+",
            Self::Technique => "Technique",
        }
    }

    /// The conventional colour value in a Navigator layer, 0 to 100. It is a colour and not a score:
    /// nothing adds these up.
    #[must_use]
    pub fn navigator_value(self) -> u8 {
        match self {
            Self::None => 0,
            Self::Telemetry => 25,
            Self::General => 50,
            Self::Tactic | Self::TacticPlus => 75,
            Self::Technique => 100,
        }
    }
}

/// The grade that one alert earns for a step that it is attributed to.
pub(super) fn of_alert(alert: &Alert, step: &StepTruth, params: &Params) -> Grade {
    let limit = usize::try_from(params.techniques_per_alert).expect("a u32 fits usize");
    let shotgun = alert.techniques.len() > limit || alert.tactics.len() > limit;
    if shotgun {
        return Grade::General;
    }
    let best = alert
        .techniques
        .iter()
        .flat_map(|named| {
            step.techniques
                .iter()
                .map(|truth| attack::relation(named, truth))
        })
        .fold(Grade::General, |best, relation| {
            best.max(match relation {
                Relation::Same => Grade::Technique,
                Relation::Family => Grade::TacticPlus,
                Relation::None => Grade::General,
            })
        });
    if best == Grade::General && names_tactic(alert, step) {
        Grade::Tactic
    } else {
        best
    }
}

/// Whether a tactic that the alert names is one that the step pursues. An alert without tactics
/// names those of its techniques.
fn names_tactic(alert: &Alert, step: &StepTruth) -> bool {
    let of = |ids: &[String]| -> Vec<&str> {
        ids.iter()
            .flat_map(|id| attack::tactics_of(id))
            .map(|tactic| tactic.id.as_str())
            .collect()
    };
    let pick = |tactics: &'_ [String], techniques: &[String]| -> Vec<String> {
        if tactics.is_empty() {
            of(techniques).into_iter().map(str::to_owned).collect()
        } else {
            tactics.to_vec()
        }
    };
    let truth = pick(&step.tactics, &step.techniques);
    pick(&alert.tactics, &alert.techniques)
        .iter()
        .any(|tactic| truth.contains(tactic))
}
