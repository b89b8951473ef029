//! The plant in 3D: a prefab for each kind of equipment, and what moves, fills, glows and spills on it.
//!
//! **Invariant:** every frame, everything that is seen follows from the [`Moment`](crate::model::moment::Moment) of its
//! side; nothing is added up from frame to frame.

pub mod build;
pub mod prefab;
pub mod show;

use bevy::prelude::*;

use crate::stage::{Look, Side};

/// Builds the plant of each side, and keeps it as its moment says.
#[derive(Debug)]
pub struct PlantPlugin;

impl Plugin for PlantPlugin {
    fn build(&self, app: &mut App) {
        app.add_systems(
            Startup,
            build::build_plants.in_set(crate::stage::Build::Plant),
        );
        app.add_systems(
            Update,
            (
                show::show_items,
                show::show_levels,
                show::show_beliefs,
                show::show_motion,
                show::show_spills,
                show::show_lamps,
            )
                .chain()
                .in_set(Look::Plant),
        );
    }
}

/// An item on the line: number `slot` of its side's moment, hidden when there are fewer.
#[derive(Component, Clone, Copy, Debug)]
pub struct ItemSlot {
    /// Whose.
    pub side: Side,
    /// Which.
    pub slot: usize,
}

/// What is in an item; its height is the content.
#[derive(Component, Clone, Copy, Debug)]
pub struct ItemContent {
    /// The item.
    pub of: ItemSlot,
}

/// What closes an item.
#[derive(Component, Clone, Copy, Debug)]
pub struct ItemClosure {
    /// The item.
    pub of: ItemSlot,
}

/// The stream that fills an item.
#[derive(Component, Clone, Copy, Debug)]
pub struct ItemJet {
    /// The item.
    pub of: ItemSlot,
}

/// A value of a side's moment that something follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Follows {
    /// Whose.
    pub side: Side,
    /// Index of the signal.
    pub signal: usize,
}

/// The liquid in a vessel: a body of height 1 m, scaled to the level.
#[derive(Component, Clone, Copy, Debug)]
pub struct Liquid {
    /// Its level.
    pub of: Follows,
    /// Height of the full vessel, m.
    pub full_m: f32,
}

/// The level that a screen claims: a ring around the vessel.
#[derive(Component, Clone, Copy, Debug)]
pub struct ClaimedLevel {
    /// The level.
    pub of: Follows,
    /// Height of the empty vessel over its parent, m.
    pub floor_m: f32,
    /// Height of the full vessel, m.
    pub full_m: f32,
}

/// How something moves with a value.
#[derive(Component, Clone, Copy, Debug)]
pub struct Moves {
    /// The value.
    pub of: Follows,
    /// How.
    pub how: Motion,
}

/// Kinds of motion.
#[derive(Clone, Copy, Debug)]
pub enum Motion {
    /// A slat of a belt: on a loop along x that begins at `from_m`, `offset_m` behind its beginning.
    Slat {
        /// Beginning of the belt, m.
        from_m: f32,
        /// Length of the belt, m.
        length_m: f32,
        /// Where it is when the belt has not moved, m.
        offset_m: f32,
    },
    /// Turns about its own z axis, by the way over the radius.
    Turn {
        /// Radius of what rolls, m.
        radius_m: f32,
    },
    /// Is pushed from one place to another as the value goes from one end of its range to the other.
    Push {
        /// Place at the lower end.
        from: Vec3,
        /// Place at the upper end.
        to: Vec3,
    },
    /// Turns about its own y axis by a quarter as the value goes through its range.
    Handle,
}

/// Something on the floor that grows with a value.
#[derive(Component, Clone, Copy, Debug)]
pub struct Puddle {
    /// The value.
    pub of: Follows,
}

/// Something that is seen while a running total grows.
#[derive(Component, Clone, Copy, Debug)]
pub struct WhileGrowing {
    /// The total.
    pub of: Follows,
}

/// Something that is seen while a value is not zero.
#[derive(Component, Clone, Copy, Debug)]
pub struct WhileOn {
    /// The value.
    pub of: Follows,
}

/// An arrow in a pipe, on its way while it flows.
#[derive(Component, Clone, Debug)]
pub struct PipeArrow {
    /// The flow.
    pub of: Follows,
    /// The pipe's way, m.
    pub path: Vec<Vec3>,
    /// How long the way is, m.
    pub length_m: f32,
    /// Where on the way it is at the start, m.
    pub begin_m: f32,
}

/// A body that glows by its temperature.
#[derive(Component, Clone, Copy, Debug)]
pub struct Heats {
    /// The temperature.
    pub of: Follows,
}

/// The lamps of a machine.
#[derive(Component, Clone, Copy, Debug)]
pub struct Lamp {
    /// Whose.
    pub side: Side,
    /// Index of the piece, or of the host for a cabinet's lamp.
    pub of: LampOf,
    /// Which lamp.
    pub color: LampColor,
}

/// What a lamp tells of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LampOf {
    /// A piece of equipment, by its index.
    Piece(usize),
    /// A host, by its index.
    Host(usize),
}

/// The three lamps of a stack light.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LampColor {
    /// It works.
    Green,
    /// It stands still.
    Amber,
    /// It has a fault, or is in danger.
    Red,
}
