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
//! | [`belief::BeliefPlugin`] | truth beside what the screens claim |
//! | [`timeline::TimelinePlugin`] | the story, figures, captions |
//! | [`labels::LabelPlugin`] | names and the legend |
//! | [`camera::CameraPlugin`] | where one looks from |
//!
//! **Invariant:** what is drawn is a function of what is shown and of the time. Nothing drawn is read back.
#![expect(
    clippy::cast_possible_truncation,
    reason = "pictures are drawn in single precision"
)]

pub mod belief;
pub mod builder;
pub mod camera;
pub mod change;
pub mod connect;
pub mod export;
pub mod input;
pub mod kit;
pub mod labels;
pub mod live;
pub mod model;
pub mod network;
pub mod open;
pub mod palette;
pub mod panels;
pub mod plant;
pub mod shapes;
pub mod stage;
pub mod studio;
pub mod timeline;
pub mod window;

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
            .add(panels::PanelPlugin)
            .add(belief::BeliefPlugin)
            .add(timeline::TimelinePlugin)
            .add(labels::LabelPlugin)
    }
}
