//! What works on items, from the filler to the palletiser.

use bevy::light::NotShadowCaster;
use bevy::prelude::*;
use sim_plant::view::Aspect;

use super::super::{Motion, Moves};
use super::signal;
use crate::builder::Builder;
use crate::model::layout::CARRY_M;
use crate::model::plan::{Piece, Plan};
use crate::shapes;

/// Two posts beside the belt and a head over it; returns the height of the head's lower edge.
fn portal(
    builder: &mut Builder<'_, '_, '_>,
    piece: &Piece,
    root: Entity,
    paint: &Handle<StandardMaterial>,
) -> f32 {
    let materials = builder.materials();
    let Vec3 { x, z, .. } = piece.size;
    let low = CARRY_M + 0.34;
    for side in [-1.0, 1.0] {
        let at = Vec3::new(0.0, 0.5 * (low + 0.1), -side * 0.48 * z);
        builder.block(root, Vec3::new(0.10, low + 0.1, 0.10), &materials.frame, at);
    }
    builder.block(
        root,
        Vec3::new(x, 0.26, z),
        paint,
        Vec3::new(0.0, low + 0.13, 0.0),
    );
    let pane = Vec3::new(0.0, low + 0.14, 0.5 * z + 0.004);
    let pane = builder.block(
        root,
        Vec3::new(0.34 * x, 0.14, 0.01),
        &materials.screen,
        pane,
    );
    builder.commands.entity(pane).insert(NotShadowCaster);
    low
}

pub(super) fn filler(builder: &mut Builder<'_, '_, '_>, piece: &Piece, root: Entity) {
    let materials = builder.materials();
    let low = portal(builder, piece, root, &materials.blue);
    // Nozzles as the machine's length holds at the usual pitch.
    let pitch = 0.065;
    let nozzles = (piece.size.x * 0.82 / pitch).round().max(1.0);
    let nozzle = builder.kit.shared(builder.meshes, "nozzle", [0.0; 4], || {
        shapes::lathe(
            &[
                (0.006, -0.10),
                (0.010, -0.07),
                (0.010, 0.02),
                (0.018, 0.02),
                (0.018, 0.06),
            ],
            14,
        )
    });
    for number in 0..nozzles as usize {
        let along = (number as f32 - 0.5 * (nozzles - 1.0)) * pitch;
        let at = Transform::from_xyz(along, low - 0.02, 0.0);
        builder.part(root, nozzle.clone(), &materials.steel, at);
    }
}

pub(super) fn capper(builder: &mut Builder<'_, '_, '_>, piece: &Piece, root: Entity) {
    let materials = builder.materials();
    let low = portal(builder, piece, root, &materials.white);
    let spindle = builder.kit.shared(builder.meshes, "spindle", [0.0; 4], || {
        shapes::lathe(
            &[
                (0.0, -0.10),
                (0.025, -0.10),
                (0.03, -0.03),
                (0.018, -0.02),
                (0.018, 0.05),
            ],
            18,
        )
    });
    builder.part(
        root,
        spindle,
        &materials.steel,
        Transform::from_xyz(0.0, low, 0.0),
    );
    let hopper = builder.kit.shared(builder.meshes, "hopper", [0.0; 4], || {
        shapes::lathe(&[(0.05, 0.0), (0.20, 0.30), (0.20, 0.42)], 24)
    });
    builder.part(
        root,
        hopper,
        &materials.steel,
        Transform::from_xyz(-0.1, low + 0.26, 0.0),
    );
}

pub(super) fn inspection(builder: &mut Builder<'_, '_, '_>, piece: &Piece, root: Entity) {
    let materials = builder.materials();
    let Vec3 { x, z, .. } = piece.size;
    let low = portal(builder, piece, root, &materials.white);
    builder.drum(
        root,
        (0.035, 0.10),
        &materials.dark,
        Vec3::new(0.0, low - 0.10, 0.0),
    );
    builder.block(
        root,
        Vec3::new(0.6 * x, 0.03, 0.5 * z),
        &materials.steel,
        Vec3::new(0.0, CARRY_M - 0.01, 0.0),
    );
}

pub(super) fn reject(builder: &mut Builder<'_, '_, '_>, piece: &Piece, root: Entity) {
    let materials = builder.materials();
    let z = piece.size.z;
    let at = Vec3::new(0.0, CARRY_M + 0.10, -0.5 * z - 0.14);
    builder.block(root, Vec3::new(0.14, 0.12, 0.26), &materials.yellow, at);
    builder.block(
        root,
        Vec3::new(0.16, 0.14, 0.02),
        &materials.steel,
        Vec3::new(0.0, CARRY_M + 0.10, -0.36 * z),
    );
    let bin = Vec3::new(0.0, 0.28, 0.5 * z + 0.24);
    builder.block(
        root,
        Vec3::new(0.46, 0.03, 0.40),
        &materials.frame,
        bin - Vec3::Y * 0.25,
    );
    for (size, at) in [
        (Vec3::new(0.46, 0.5, 0.02), Vec3::new(0.0, 0.0, 0.2)),
        (Vec3::new(0.46, 0.5, 0.02), Vec3::new(0.0, 0.0, -0.2)),
        (Vec3::new(0.02, 0.5, 0.40), Vec3::new(0.23, 0.0, 0.0)),
        (Vec3::new(0.02, 0.5, 0.40), Vec3::new(-0.23, 0.0, 0.0)),
    ] {
        builder.block(root, size, &materials.red, bin + at);
    }
}

pub(super) fn packer(builder: &mut Builder<'_, '_, '_>, piece: &Piece, root: Entity) {
    let materials = builder.materials();
    let Vec3 { x, y, z } = piece.size;
    builder.block(
        root,
        Vec3::new(x, 0.12, z),
        &materials.frame,
        Vec3::Y * (CARRY_M - 0.06),
    );
    for (sx, sz) in [(-1.0, -1.0), (-1.0, 1.0), (1.0, -1.0), (1.0, 1.0)] {
        let at = Vec3::new(0.46 * sx * x, 0.5 * y, 0.46 * sz * z);
        builder.block(root, Vec3::new(0.07, y, 0.07), &materials.blue, at);
    }
    builder.block(
        root,
        Vec3::new(x, 0.16, z),
        &materials.blue,
        Vec3::Y * (y + 0.04),
    );
    let pane = builder.block(
        root,
        Vec3::new(0.92 * x, y - CARRY_M - 0.1, 0.012),
        &materials.glass,
        Vec3::new(0.0, 0.5 * (y + CARRY_M), -0.47 * z),
    );
    builder.commands.entity(pane).insert(NotShadowCaster);
    builder.block(
        root,
        Vec3::new(0.4, 0.26, 0.3),
        &materials.card,
        Vec3::new(0.3 * x, 0.45, 0.1 * z),
    );
}

pub(super) fn palletiser(
    builder: &mut Builder<'_, '_, '_>,
    plan: &Plan,
    piece: &Piece,
    root: Entity,
) {
    let materials = builder.materials();
    let Vec3 { x, y, z } = piece.size;
    for (sx, sz) in [(-1.0, -1.0), (-1.0, 1.0), (1.0, -1.0), (1.0, 1.0)] {
        let at = Vec3::new(0.46 * sx * x, 0.5 * y, 0.46 * sz * z);
        builder.block(root, Vec3::new(0.10, y, 0.10), &materials.yellow, at);
    }
    for side in [-1.0, 1.0] {
        let beam = Vec3::new(0.0, y, 0.46 * side * z);
        builder.block(root, Vec3::new(x, 0.10, 0.10), &materials.yellow, beam);
        let fence = Vec3::new(0.46 * side * x, 0.55, 0.0);
        let fence = builder.block(
            root,
            Vec3::new(0.01, 1.0, 0.84 * z),
            &materials.glass,
            fence,
        );
        builder.commands.entity(fence).insert(NotShadowCaster);
    }
    for slat in 0..5 {
        let across = (slat as f32 - 2.0) * 0.24;
        builder.block(
            root,
            Vec3::new(1.2, 0.03, 0.12),
            &materials.wood,
            Vec3::new(0.0, 0.14, across),
        );
    }
    for foot in [-0.5, 0.0, 0.5] {
        builder.block(
            root,
            Vec3::new(0.1, 0.10, 1.0),
            &materials.wood,
            Vec3::new(foot, 0.06, 0.0),
        );
    }
    let plate = builder.block(
        root,
        Vec3::new(0.8 * x, 0.04, 0.8 * z),
        &materials.steel,
        Vec3::Y * 0.4,
    );
    if let Some(signal) = signal(plan, piece, Aspect::Position) {
        let of = builder.follows(signal);
        builder.commands.entity(plate).insert(Moves {
            of,
            how: Motion::Push {
                from: Vec3::Y * 0.24,
                to: Vec3::Y * (y - 0.25),
            },
        });
    }
}

pub(super) fn machine(builder: &mut Builder<'_, '_, '_>, piece: &Piece, root: Entity) {
    let materials = builder.materials();
    let Vec3 { x, y, z } = piece.size;
    builder.block(
        root,
        Vec3::new(x, y - 0.1, z),
        &materials.blue,
        Vec3::Y * (0.5 * y + 0.05),
    );
    builder.block(
        root,
        Vec3::new(0.9 * x, 0.1, 0.9 * z),
        &materials.dark,
        Vec3::Y * 0.05,
    );
    let pane = Vec3::new(0.2 * x, 0.72 * y, 0.5 * z + 0.005);
    let pane = builder.block(
        root,
        Vec3::new(0.3 * x, 0.2 * y, 0.01),
        &materials.screen,
        pane,
    );
    builder.commands.entity(pane).insert(NotShadowCaster);
}
