//! The plant's tags as those outside are told of them.

use sim_plant::spec::{TagKind, TagSpec};
use twinrange_bridge::live::{PlantTag, PlantTags, ValueKind};
use twinrange_range::evidence::EPOCH_UNIX_NS;

use crate::support::recording::Recording;
use crate::support::scenario::Ready;

/// The tags of the plant, in the order in which a session has them.
pub(super) fn of(ready: &Ready) -> PlantTags {
    let plant = &ready.prepared.plant;
    let mut tags: Vec<&TagSpec> = plant.tags.iter().collect();
    tags.sort_by(|one, other| one.name.cmp(&other.name));
    let outside = |tag: &TagSpec| PlantTag {
        name: tag.name.clone(),
        device: tag.controller.clone(),
        kind: match tag.kind {
            TagKind::Bool => ValueKind::Boolean,
            TagKind::Int | TagKind::Uint | TagKind::Dint | TagKind::Udint | TagKind::Real => {
                ValueKind::Double
            }
        },
        unit: tag.unit.clone(),
        description: tag.description.clone(),
    };
    PlantTags {
        plant: plant.name.clone(),
        epoch_unix_ns: EPOCH_UNIX_NS,
        tags: tags.into_iter().map(outside).collect(),
    }
}

/// Those outside were told before there was a session, and samples name a tag by its place.
pub(super) fn assert_same(told: &PlantTags, recording: &Recording<'_>) {
    let told = told.tags.iter().map(|tag| &tag.name);
    let tags = recording.session.world().tags().iter();
    assert!(
        tags.map(|tag| &tag.name).eq(told),
        "tags have another order"
    );
}
