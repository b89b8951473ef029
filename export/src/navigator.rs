//! An ATT&CK Navigator layer of what the attack showed. `score` leaves another one, of what was detected.

use std::collections::BTreeMap;

use twinrange_range::evidence::records::Outcome;
use twinrange_score::attack;
use twinrange_score::navigator::{PlayedTechnique, played_layer};

use crate::out::Stop;
use crate::work::Work;

/// Writes the export.
pub(crate) fn write(work: &Work<'_>) -> Result<(), Stop> {
    let log = &work.order.run.log;
    let mut played: BTreeMap<&str, PlayedTechnique> = BTreeMap::new();
    // A step that the attack never came to showed nothing, which is not the same as nothing to be seen.
    let shown = log.steps.iter();
    for step in shown.filter(|step| step.record.outcome != Outcome::NotReached) {
        for id in &step.record.techniques {
            let id = attack::canonical(id);
            let entry = played.entry(id).or_insert_with(|| PlayedTechnique {
                id: id.to_owned(),
                ..PlayedTechnique::default()
            });
            entry.steps.push(step.record.title.clone());
            entry.succeeded += u64::from(step.record.outcome == Outcome::Succeeded);
        }
    }
    let played: Vec<PlayedTechnique> = played.into_values().collect();
    let text = played_layer(&log.title, log.seed, &log.version, &played);
    work.out.file("navigator.json", |out| {
        out.write_all(text.as_bytes())?;
        Ok(played.len() as u64)
    })
}
