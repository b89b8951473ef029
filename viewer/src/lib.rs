//! The factory that people look at: a run in 3D, with its network, what its screens claim, and its story.
//!
//! The simulation stays outside Bevy's schedule. [`model`] reads what a run has sampled and says what there is to see
//! at one time; the plugins draw that and nothing else:
//!
//! | plugin | draws |
//! | --- | --- |
//! | [`stage::StagePlugin`] | cameras, light, hall; the order of a frame |
//! | [`plant::PlantPlugin`] | equipment, items, spills |
//! | [`network::NetworkPlugin`] | zones, hosts, frames |
//! | [`camera::CameraPlugin`] | where one looks from |
//!
//! **Invariant:** what is drawn is a function of what is shown and of the time. Nothing drawn is read back.
#![expect(
    clippy::cast_possible_truncation,
    reason = "pictures are drawn in single precision"
)]

pub mod camera;
pub mod kit;
pub mod model;
pub mod network;
pub mod open;
pub mod palette;
pub mod plant;
pub mod shapes;
pub mod stage;
pub mod studio;

use bevy::app::{PluginGroup, PluginGroupBuilder};

/// Everything that draws.
#[derive(Debug)]
pub struct ScenePlugins;

impl PluginGroup for ScenePlugins {
    fn build(self) -> PluginGroupBuilder {
        PluginGroupBuilder::start::<Self>()
            .add(stage::StagePlugin)
            .add(plant::PlantPlugin)
            .add(network::NetworkPlugin)
            .add(camera::CameraPlugin)
    }
}
