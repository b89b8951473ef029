//! One cell: from its place in the plan to its result.

use std::path::Path;
use std::sync::atomic::AtomicBool;

use twinrange_range::problem::Problem;
use twinrange_range::scenario::{Variation, from_bundle, vary};

use super::key::CellResult;
use super::plan::{Place, Plan};
use crate::support::failure::Failure;
use crate::support::memory::{Base, Subject, score};
use crate::support::scenario::{Ready, formats, ready};

/// What all defenses of one stratum and seed share.
#[derive(Debug)]
pub(crate) struct Group {
    ready: Ready,
    base: Base,
    variation: Variation,
}

impl Group {
    /// Draws the variation, reads the scenario and makes the runs without a defense.
    pub(crate) fn make(
        plan: &Plan,
        stratum: usize,
        seed: usize,
        interrupt: &AtomicBool,
    ) -> Result<Self, Failure> {
        let found = &plan.strata[stratum];
        let number = plan.variation_of(stratum, seed);
        let varied = vary(&found.bundle, number);
        let loaded = from_bundle(&varied.bundle, &formats()).map_err(|problems| {
            let first = problems.iter().next().map(ToString::to_string);
            let message = format!(
                "variation {number} of scenario `{}` cannot be run: {}",
                found.scenario,
                first.unwrap_or_default()
            );
            Problem::new("TR0502", message)
        })?;
        let ready = ready(loaded, plan.hidden.clone())?;
        let base = Base::make(
            &ready,
            found.seeds[seed],
            found.attack,
            plan.explain,
            interrupt,
        )?;
        Ok(Self {
            ready,
            base,
            variation: varied,
        })
    }
}

/// Computes a cell.
///
/// # Arguments
///
/// * `scratch` — a folder for what the defense leaves; it is emptied afterwards.
pub(crate) fn compute(
    plan: &Plan,
    place: Place,
    group: &Group,
    scratch: &Path,
    interrupt: &AtomicBool,
) -> Result<CellResult, Failure> {
    let stratum = &plan.strata[place.stratum];
    let contender = &plan.defenses[place.defense];
    let key = plan.key(place);
    let drawn = group.variation.drawn.clone();
    let defense = contender
        .defense
        .as_ref()
        .map(|defense| defense.moved(&group.variation.moved))
        .transpose()?;
    let folder = tempfile::Builder::new()
        .prefix("cell-")
        .tempdir_in(scratch)
        .map_err(|error| {
            Problem::new("TR0307", format!("no folder for temporary files: {error}"))
        })?;
    let scored = score(&Subject {
        ready: &group.ready,
        base: &group.base,
        seed: stratum.seeds[place.seed],
        attack: stratum.attack,
        defense: defense.as_ref(),
        scratch: folder.path(),
        interrupt,
    });
    match scored {
        Ok(score) => Ok(CellResult::scored(key, drawn, &score)),
        Err(Failure::Defense(error)) => {
            let why = format!("{}: {error}", error.code());
            // The folder's name is drawn by the machine and must not get into a result.
            let why = why.replace(&folder.path().display().to_string(), "SCRATCH");
            let scenario = group.ready.loaded.bundle.digest().to_string();
            Ok(CellResult::failed(key, drawn, scenario, why))
        }
        Err(other) => Err(other),
    }
}
