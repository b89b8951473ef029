//! A prefab for each kind of equipment, built in its own axes: x the way items go, y up, z towards the onlooker.
//!
//! | module | kinds |
//! | --- | --- |
//! | `fluid` | what liquid goes through: tanks, pumps, valves |
//! | `line` | what carries items: belts and tables, and the motors that move them |
//! | `machine` | what works on items, from the filler to the palletiser |
//! | [`furniture`] | what belongs to no kind: cabinets, desks, people |

mod fluid;
pub mod furniture;
mod line;
mod machine;

use bevy::light::NotShadowCaster;
use bevy::prelude::*;
use sim_plant::view::{Aspect, EquipmentKind};

use super::{LampOf, Puddle, WhileOn};
use crate::builder::Builder;
use crate::model::layout::CARRY_M;
use crate::model::plan::{Piece, Plan};
use crate::shapes;

/// The signal of a piece with an aspect, the first one.
fn signal(plan: &Plan, piece: &Piece, aspect: Aspect) -> Option<usize> {
    let mut signals = piece.signals.iter().copied();
    signals.find(|&signal| plan.signals[signal].aspect == aspect)
}

/// Builds a piece under its root, which stands on the floor where the piece does.
pub fn build(builder: &mut Builder<'_, '_, '_>, plan: &Plan, number: usize, root: Entity) {
    let piece = &plan.pieces[number];
    match piece.kind {
        EquipmentKind::Tank => fluid::tank(builder, plan, piece, root),
        EquipmentKind::Pump => fluid::pump(builder, plan, piece, root),
        EquipmentKind::Valve => fluid::valve(builder, plan, piece, root),
        EquipmentKind::Motor => line::motor(builder, plan, piece, root),
        EquipmentKind::Conveyor | EquipmentKind::Table => {
            line::conveyor(builder, plan, piece, root)
        }
        EquipmentKind::Filler => machine::filler(builder, piece, root),
        EquipmentKind::Capper => machine::capper(builder, piece, root),
        EquipmentKind::Inspection => machine::inspection(builder, piece, root),
        EquipmentKind::Reject => machine::reject(builder, piece, root),
        EquipmentKind::Packer => machine::packer(builder, piece, root),
        EquipmentKind::Palletiser => machine::palletiser(builder, plan, piece, root),
        EquipmentKind::Machine => machine::machine(builder, piece, root),
    }
    if let Some(foot) = light_foot(piece) {
        builder.stack_light(root, LampOf::Piece(number), foot);
    }
    spills(builder, plan, piece, root);
}

/// Where the stack light of a piece stands, if it has one: what can stand still or fail has.
fn light_foot(piece: &Piece) -> Option<Vec3> {
    let Vec3 { x, y, z } = piece.size;
    match piece.kind {
        EquipmentKind::Tank
        | EquipmentKind::Valve
        | EquipmentKind::Motor
        | EquipmentKind::Pump
        | EquipmentKind::Reject => None,
        EquipmentKind::Filler | EquipmentKind::Capper | EquipmentKind::Inspection => {
            Some(Vec3::new(0.42 * x, CARRY_M + 0.62, 0.0))
        }
        // Behind the belt, where it begins.
        EquipmentKind::Conveyor | EquipmentKind::Table => {
            Some(Vec3::new(-0.45 * x, CARRY_M - 0.08, -0.5 * z - 0.06))
        }
        EquipmentKind::Packer | EquipmentKind::Palletiser | EquipmentKind::Machine => {
            Some(Vec3::new(0.42 * x, y, 0.0))
        }
    }
}

fn spills(builder: &mut Builder<'_, '_, '_>, plan: &Plan, piece: &Piece, root: Entity) {
    let materials = builder.materials();
    if let Some(signal) = signal(plan, piece, Aspect::Spill) {
        let radius = 0.9 * piece.size.x.max(0.8);
        let mesh = builder
            .kit
            .shared(builder.meshes, "puddle", [radius, 0.0, 0.0, 0.0], || {
                puddle(radius)
            });
        let at = Transform::from_xyz(0.1, 0.006, 0.25);
        let of = builder.follows(signal);
        let spot = builder.part(root, mesh, &materials.puddle, at);
        builder
            .commands
            .entity(spot)
            .insert((Puddle { of }, NotShadowCaster, Visibility::Hidden));
    }
    if let Some(signal) = signal(plan, piece, Aspect::Danger) {
        let of = builder.follows(signal);
        let front = Vec3::new(0.0, 0.0, 0.5 * piece.size.z - 0.2);
        let person = furniture::person(builder, root, front);
        builder
            .commands
            .entity(person)
            .insert((WhileOn { of }, Visibility::Hidden));
    }
}

/// An uneven flat spot about the origin.
fn puddle(radius: f32) -> Mesh {
    let mut mesh = shapes::lathe(&[(radius, 0.0), (0.001, 0.004)], 48);
    if let Some(bevy::mesh::VertexAttributeValues::Float32x3(positions)) =
        mesh.attribute_mut(Mesh::ATTRIBUTE_POSITION)
    {
        for position in positions {
            let turn = position[2].atan2(position[0]);
            let wave = 1.0 + 0.16 * (3.0 * turn).sin() + 0.09 * (7.0 * turn + 1.0).sin();
            position[0] *= wave;
            position[2] *= wave * 0.8;
        }
    }
    mesh
}
