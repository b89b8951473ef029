//! What liquid goes through: tanks, pumps, valves.

use std::f32::consts::{FRAC_PI_2, TAU};

use bevy::light::NotShadowCaster;
use bevy::prelude::*;
use sim_plant::view::Aspect;

use super::super::{ClaimedLevel, Liquid, Motion, Moves, Puddle, WhileGrowing};
use super::{puddle, signal};
use crate::builder::Builder;
use crate::model::layout::{FEET_M, PIPE_M};
use crate::model::plan::{Piece, Plan};
use crate::shapes;

pub(super) fn tank(builder: &mut Builder<'_, '_, '_>, plan: &Plan, piece: &Piece, root: Entity) {
    let materials = builder.materials();
    let radius = 0.5 * piece.size.x.min(piece.size.z);
    let height = piece.size.y;
    let measures = [radius, height, 0.0, 0.0];
    let shell = builder
        .kit
        .shared(builder.meshes, "tank-shell", measures, || {
            shapes::lathe(
                &[
                    (0.10, -0.28),
                    (0.10, -0.22),
                    (0.55 * radius, -0.16),
                    (radius, -0.02),
                    (radius, 0.04),
                    (0.97 * radius, 0.04),
                ],
                40,
            )
        });
    builder.part(
        root,
        shell,
        &materials.steel,
        Transform::from_xyz(0.0, FEET_M, 0.0),
    );
    let lid = builder
        .kit
        .shared(builder.meshes, "tank-lid", measures, || {
            shapes::lathe(
                &[
                    (0.97 * radius, -0.02),
                    (radius, -0.02),
                    (radius, 0.03),
                    (0.9 * radius, 0.10),
                    (0.5 * radius, 0.16),
                    (0.14, 0.18),
                    (0.14, 0.24),
                    (0.0, 0.24),
                ],
                40,
            )
        });
    builder.part(
        root,
        lid,
        &materials.steel,
        Transform::from_xyz(0.0, FEET_M + height, 0.0),
    );
    let pane = builder
        .kit
        .shared(builder.meshes, "tank-pane", measures, || {
            shapes::lathe(&[(radius, 0.0), (radius, height)], 40)
        });
    let pane = builder.part(
        root,
        pane,
        &materials.glass,
        Transform::from_xyz(0.0, FEET_M, 0.0),
    );
    builder.commands.entity(pane).insert(NotShadowCaster);
    let band = builder.kit.ring(builder.meshes, radius, 0.018);
    for y in [0.0, height] {
        let at = Transform::from_xyz(0.0, FEET_M + y, 0.0);
        builder.part(root, band.clone(), &materials.frame, at);
    }
    for leg in 0..4 {
        let turn = (leg as f32 + 0.5) * TAU / 4.0;
        let at = Vec3::new(turn.cos(), 0.0, turn.sin()) * (0.94 * radius);
        builder.drum(root, (0.035, FEET_M + height), &materials.frame, at);
        builder.drum(root, (0.075, 0.02), &materials.dark, at);
    }
    for mark in 1..10_u8 {
        let wide = if mark == 5 { 0.16 } else { 0.09 };
        let y = FEET_M + height * f32::from(mark) / 10.0;
        let at = Vec3::new(0.0, y, radius + 0.003);
        let scale = builder.block(root, Vec3::new(wide, 0.010, 0.006), &materials.white, at);
        builder.commands.entity(scale).insert(NotShadowCaster);
    }
    let Some(signal) = signal(plan, piece, Aspect::Level) else {
        return;
    };
    let of = builder.follows(signal);
    let body = builder.kit.shared(
        builder.meshes,
        "tank-liquid",
        [radius, 0.0, 0.0, 0.0],
        || {
            let inner = 0.965 * radius;
            shapes::lathe(&[(0.0, 0.0), (inner, 0.0), (inner, 1.0), (0.0, 1.0)], 40)
        },
    );
    let at = Transform::from_xyz(0.0, FEET_M, 0.0);
    let liquid = builder.part(root, body, &materials.liquid, at);
    builder
        .commands
        .entity(liquid)
        .insert(Liquid { of, full_m: height });
    let claim = builder.kit.ring(builder.meshes, radius + 0.03, 0.03);
    let claim = builder.part(root, claim, &materials.belief, at);
    builder.commands.entity(claim).insert((
        ClaimedLevel {
            of,
            floor_m: FEET_M,
            full_m: height,
        },
        NotShadowCaster,
        Visibility::Hidden,
    ));
    if let Some(signal) = self::signal(plan, piece, Aspect::Overflow) {
        let of = builder.follows(signal);
        let fall = builder
            .kit
            .shared(builder.meshes, "tank-overflow", measures, || {
                shapes::lathe(
                    &[
                        (radius + 0.05, -height - FEET_M + 0.01),
                        (radius + 0.025, -0.1),
                        (radius + 0.015, 0.05),
                    ],
                    40,
                )
            });
        let at = Transform::from_xyz(0.0, FEET_M + height, 0.0);
        let fall = builder.part(root, fall, &materials.puddle, at);
        builder.commands.entity(fall).insert((
            WhileGrowing { of },
            NotShadowCaster,
            Visibility::Hidden,
        ));
        let lake = builder.kit.shared(
            builder.meshes,
            "puddle",
            [1.6 * radius, 0.0, 0.0, 0.0],
            || puddle(1.6 * radius),
        );
        let lake = builder.part(
            root,
            lake,
            &materials.puddle,
            Transform::from_xyz(0.0, 0.005, 0.1),
        );
        builder
            .commands
            .entity(lake)
            .insert((Puddle { of }, NotShadowCaster, Visibility::Hidden));
    }
}

pub(super) fn pump(builder: &mut Builder<'_, '_, '_>, plan: &Plan, piece: &Piece, root: Entity) {
    let materials = builder.materials();
    let Vec3 { x, y, z } = piece.size;
    builder.block(root, Vec3::new(x, 0.08, z), &materials.dark, Vec3::Y * 0.04);
    let speed = signal(plan, piece, Aspect::Speed).or_else(|| signal(plan, piece, Aspect::Flow));
    let mesh = builder.kit.shared(
        builder.meshes,
        "volute",
        [0.32 * y, 0.3 * z, 0.0, 0.0],
        || {
            let (r, h) = (0.32 * y, 0.3 * z);
            shapes::lathe(
                &[
                    (0.0, -h),
                    (0.8 * r, -h),
                    (r, -0.4 * h),
                    (r, 0.4 * h),
                    (0.8 * r, h),
                    (0.0, h),
                ],
                28,
            )
        },
    );
    let lying =
        Transform::from_xyz(-0.24 * x, PIPE_M, 0.0).with_rotation(Quat::from_rotation_x(FRAC_PI_2));
    builder.part(root, mesh, &materials.blue, lying);
    builder.roll(
        root,
        (0.26 * y, 0.46 * x),
        &materials.frame,
        Vec3::new(0.2 * x, PIPE_M, 0.0),
    );
    let fan = builder.block(
        root,
        Vec3::new(0.02, 0.42 * y, 0.05),
        &materials.yellow,
        Vec3::new(0.46 * x, PIPE_M, 0.0),
    );
    if let Some(signal) = speed {
        let of = builder.follows(signal);
        // The fan turns about the shaft, which lies along x.
        let shaft = Transform::from_xyz(0.46 * x, PIPE_M, 0.0)
            .with_rotation(Quat::from_rotation_y(FRAC_PI_2));
        builder.commands.entity(fan).insert((
            shaft,
            Moves {
                of,
                how: Motion::Turn { radius_m: 0.1 },
            },
        ));
    }
    builder.block(
        root,
        Vec3::new(0.12, PIPE_M - 0.1, 0.2),
        &materials.frame,
        Vec3::new(0.2 * x, 0.5 * PIPE_M, 0.0),
    );
    builder.block(
        root,
        Vec3::new(0.12, PIPE_M - 0.1, 0.2),
        &materials.frame,
        Vec3::new(-0.24 * x, 0.5 * PIPE_M, 0.0),
    );
}

pub(super) fn valve(builder: &mut Builder<'_, '_, '_>, plan: &Plan, piece: &Piece, root: Entity) {
    let materials = builder.materials();
    let Vec3 { x, y, .. } = piece.size;
    let body = builder.kit.ball(builder.meshes, 0.30 * x);
    builder.part(
        root,
        body,
        &materials.blue,
        Transform::from_xyz(0.0, PIPE_M, 0.0),
    );
    for side in [-1.0, 1.0] {
        let flange = Vec3::new(side * 0.42 * x, PIPE_M, 0.0);
        builder.roll(root, (0.30 * x, 0.10 * x), &materials.frame, flange);
    }
    builder.drum(root, (0.03, PIPE_M), &materials.frame, Vec3::ZERO);
    builder.drum(
        root,
        (0.025, y - PIPE_M),
        &materials.steel,
        Vec3::Y * PIPE_M,
    );
    let head = builder
        .kit
        .shared(builder.meshes, "actuator", [x, y, 0.0, 0.0], || {
            shapes::lathe(
                &[
                    (0.0, 0.0),
                    (0.36 * x, 0.0),
                    (0.40 * x, 0.06),
                    (0.36 * x, 0.16),
                    (0.0, 0.18),
                ],
                24,
            )
        });
    builder.part(root, head, &materials.red, Transform::from_xyz(0.0, y, 0.0));
    let flag = builder.block(
        root,
        Vec3::new(0.9 * x, 0.035, 0.045),
        &materials.yellow,
        Vec3::new(0.0, y - 0.06, 0.0),
    );
    if let Some(signal) = signal(plan, piece, Aspect::Position) {
        let of = builder.follows(signal);
        builder.commands.entity(flag).insert(Moves {
            of,
            how: Motion::Handle,
        });
    }
}
