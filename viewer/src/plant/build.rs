//! Builds the plant of each side once, at the start.

use bevy::light::NotShadowCaster;
use bevy::prelude::*;
use sim_plant::spec::Role;
use sim_plant::view::ItemShape;

use super::prefab::{self, furniture};
use super::{ItemClosure, ItemContent, ItemJet, ItemSlot, PipeArrow};
use crate::builder::{self, Builder};
use crate::kit::Kit;
use crate::model::plan::{Plan, RoomKind};
use crate::shapes;
use crate::stage::{Side, Sides};

/// Items that each side has room for from the start; more are made when they are needed.
const ITEMS_AT_FIRST: usize = 64;

/// Arrows of a metre of pipe.
const ARROWS_PER_M: f32 = 1.4;

/// Builds the plant of each side.
pub fn build_plants(
    mut commands: Commands,
    mut meshes: ResMut<Assets<Mesh>>,
    mut kit: ResMut<Kit>,
    sides: Res<Sides>,
) {
    for (number, shown) in sides.list.iter().enumerate() {
        let side = Side(number);
        let root = builder::root(&mut commands, shown, side, "plant");
        let mut builder = Builder {
            commands: &mut commands,
            meshes: &mut meshes,
            kit: &mut kit,
            side,
        };
        let plan = &shown.plan;
        for (at, piece) in plan.pieces.iter().enumerate() {
            let standing = Transform::from_translation(piece.at)
                .with_rotation(Quat::from_rotation_y(piece.turn));
            let name = Name::new(piece.name.clone());
            let place = (standing, Visibility::Inherited, name, ChildOf(root));
            let own = builder.commands.spawn(place).id();
            prefab::build(&mut builder, plan, at, own);
        }
        pipes(&mut builder, plan, root);
        hosts(&mut builder, plan, root);
        rooms(&mut builder, plan, root);
        for slot in 0..ITEMS_AT_FIRST {
            item(&mut builder, plan, root, slot);
        }
        commands.entity(root).insert(PlantRoot {
            items: ITEMS_AT_FIRST,
        });
    }
}

/// The parent of a side's plant.
#[derive(Component, Debug)]
pub struct PlantRoot {
    /// Items that have been made.
    pub items: usize,
}

fn pipes(builder: &mut Builder<'_, '_, '_>, plan: &Plan, root: Entity) {
    let materials = builder.materials();
    let arrow = builder.kit.shared(builder.meshes, "arrow", [0.0; 4], || {
        shapes::lathe(&[(0.0, -0.05), (0.055, -0.03), (0.0, 0.07)], 12)
    });
    for pipe in &plan.pipes {
        let mesh = builder
            .meshes
            .add(shapes::tube(&pipe.path, 0.035, 0.12, 14));
        builder.part(root, mesh, &materials.steel, Transform::IDENTITY);
        let Some(signal) = pipe.flow else { continue };
        let length_m: f32 = pipe
            .path
            .windows(2)
            .map(|leg| leg[0].distance(leg[1]))
            .sum();
        let arrows = (length_m * ARROWS_PER_M).ceil().max(1.0);
        for number in 0..arrows as usize {
            let part = builder.part(root, arrow.clone(), &materials.flow, Transform::IDENTITY);
            let of = builder.follows(signal);
            builder.commands.entity(part).insert((
                PipeArrow {
                    of,
                    path: pipe.path.clone(),
                    length_m,
                    begin_m: length_m * number as f32 / arrows,
                },
                NotShadowCaster,
                Visibility::Hidden,
            ));
        }
    }
}

fn hosts(builder: &mut Builder<'_, '_, '_>, plan: &Plan, root: Entity) {
    for (number, host) in plan.hosts.iter().enumerate() {
        match host.role {
            Role::Plc => furniture::cabinet(builder, root, number, host.stands),
            Role::Laptop => furniture::trolley(builder, root, host.stands),
            Role::Hmi | Role::Historian | Role::EngineeringWorkstation => {
                furniture::desk(builder, root, host.stands);
            }
        }
    }
}

fn rooms(builder: &mut Builder<'_, '_, '_>, plan: &Plan, root: Entity) {
    let materials = builder.materials();
    for room in &plan.rooms {
        let (half, deep) = (0.5 * room.size.x, 0.5 * room.size.z);
        let low = 1.15;
        builder.block(
            root,
            Vec3::new(room.size.x, 0.02, room.size.z),
            &materials.slat,
            room.at + Vec3::Y * 0.01,
        );
        builder.block(
            root,
            Vec3::new(room.size.x, room.size.y, 0.06),
            &materials.wall,
            room.at + Vec3::new(0.0, 0.5 * room.size.y, -deep),
        );
        for side in [-1.0, 1.0] {
            let at = room.at + Vec3::new(side * half, 0.5 * low, 0.0);
            builder.block(root, Vec3::new(0.05, low, room.size.z), &materials.wall, at);
            let pane = room.at + Vec3::new(side * half, 0.5 * (low + room.size.y), 0.0);
            let pane = builder.block(
                root,
                Vec3::new(0.02, room.size.y - low, room.size.z),
                &materials.glass,
                pane,
            );
            builder.commands.entity(pane).insert(NotShadowCaster);
        }
        if room.kind == RoomKind::Control {
            let first = room
                .hosts
                .first()
                .map_or(room.at, |&host| plan.hosts[host].stands);
            furniture::person(builder, root, first + Vec3::new(0.0, 0.0, 0.62));
        }
    }
}

/// Makes an item of a side; the moment says whether it is seen.
pub fn item(builder: &mut Builder<'_, '_, '_>, plan: &Plan, root: Entity, slot: usize) {
    let materials = builder.materials();
    let (width, height) = (plan.item.width_m as f32, plan.item.height_m as f32);
    let measures = [width, height, 0.0, 0.0];
    let of = ItemSlot {
        side: builder.side,
        slot,
    };
    let scaled = |(radius, y): &(f32, f32)| (radius * width, y * height);
    let (body, material, mouth_m) = match plan.item.shape {
        ItemShape::Bottle => {
            let mesh = builder.kit.shared(builder.meshes, "bottle", measures, || {
                let outline: Vec<_> = shapes::bottle_outline().iter().map(scaled).collect();
                shapes::lathe(&outline, 20)
            });
            (mesh, &materials.bottle, 0.96 * height)
        }
        ItemShape::Can => {
            let mesh = builder.kit.drum(builder.meshes, 0.5 * width, height);
            (mesh, &materials.steel, height)
        }
        ItemShape::Box => {
            let mesh = builder
                .kit
                .block(builder.meshes, Vec3::new(width, height, width), 0.004);
            (mesh, &materials.card, height)
        }
    };
    let lift = match plan.item.shape {
        ItemShape::Box => 0.5 * height,
        _ => 0.0,
    };
    let shell = builder.part(root, body, material, Transform::from_xyz(0.0, lift, 0.0));
    builder
        .commands
        .entity(shell)
        .insert((of, Visibility::Hidden));
    let content = builder.kit.shared(builder.meshes, "content", measures, || {
        let radius = 0.455 * width;
        shapes::lathe(&[(0.0, 0.0), (radius, 0.0), (radius, 1.0), (0.0, 1.0)], 18)
    });
    let content = builder.part(
        shell,
        content,
        &materials.liquid,
        Transform::from_xyz(0.0, 0.004, 0.0),
    );
    builder
        .commands
        .entity(content)
        .insert((ItemContent { of }, NotShadowCaster));
    let cap = builder.kit.shared(builder.meshes, "cap", measures, || {
        let radius = 0.23 * width;
        shapes::lathe(
            &[
                (0.0, 0.0),
                (radius, 0.0),
                (radius, 0.05 * height),
                (0.0, 0.05 * height),
            ],
            16,
        )
    });
    let cap = builder.part(
        shell,
        cap,
        &materials.red,
        Transform::from_xyz(0.0, mouth_m - 0.01 * height, 0.0),
    );
    builder
        .commands
        .entity(cap)
        .insert((ItemClosure { of }, NotShadowCaster));
    let jet = builder.kit.drum(builder.meshes, 0.09 * width, 1.0);
    let jet = builder.part(shell, jet, &materials.liquid, Transform::IDENTITY);
    builder
        .commands
        .entity(jet)
        .insert((ItemJet { of }, NotShadowCaster));
}
