//! The historian's tags as those outside are told of them, before a session begins.

use serde::Serialize;

/// The tags of a session's plant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PlantTags {
    /// Name of the plant.
    pub plant: String,
    /// Time of the plant's clock at simulated time zero, ns since 1970-01-01T00:00:00Z.
    pub epoch_unix_ns: u64,
    /// The session's tags, in its order: samples name a tag by its place.
    pub tags: Vec<PlantTag>,
}

/// A tag as those outside see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PlantTag {
    /// Name, as in the samples.
    pub name: String,
    /// The controller that holds it.
    pub device: String,
    /// Type of its values.
    #[serde(rename = "type")]
    pub kind: ValueKind,
    /// Unit of its values; empty for a switch or a count.
    pub unit: String,
    /// What it measures, for people.
    pub description: String,
}

/// Type of a tag's values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ValueKind {
    /// A switch.
    Boolean,
    /// A number.
    Double,
}
