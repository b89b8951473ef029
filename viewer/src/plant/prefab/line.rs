//! What carries items: belts and tables, and the motors that move them.

use std::f32::consts::FRAC_PI_2;

use bevy::light::NotShadowCaster;
use bevy::prelude::*;
use sim_plant::view::Aspect;

use super::super::{Heats, Motion, Moves};
use super::signal;
use crate::builder::Builder;
use crate::model::layout::CARRY_M;
use crate::model::plan::{Piece, Plan};

pub(super) fn motor(builder: &mut Builder<'_, '_, '_>, plan: &Plan, piece: &Piece, root: Entity) {
    let materials = builder.materials();
    let Vec3 { x, y, .. } = piece.size;
    let body = builder.roll(
        root,
        (0.45 * y, x),
        &materials.blue,
        Vec3::new(0.0, 0.0, 0.0),
    );
    if let Some(signal) = signal(plan, piece, Aspect::Temperature) {
        let of = builder.follows(signal);
        builder.commands.entity(body).insert(Heats { of });
    }
    builder.block(
        root,
        Vec3::new(0.3 * x, 0.1, 0.7 * y),
        &materials.dark,
        Vec3::new(0.0, 0.5 * y, 0.0),
    );
    let fan = builder.block(
        root,
        Vec3::new(0.02, 0.75 * y, 0.04),
        &materials.yellow,
        Vec3::new(0.52 * x, 0.0, 0.0),
    );
    if let Some(signal) = signal(plan, piece, Aspect::Speed) {
        let of = builder.follows(signal);
        let shaft =
            Transform::from_xyz(0.53 * x, 0.0, 0.0).with_rotation(Quat::from_rotation_y(FRAC_PI_2));
        builder.commands.entity(fan).insert((
            shaft,
            Moves {
                of,
                how: Motion::Turn { radius_m: 0.06 },
            },
        ));
    }
}

pub(super) fn conveyor(
    builder: &mut Builder<'_, '_, '_>,
    plan: &Plan,
    piece: &Piece,
    root: Entity,
) {
    let materials = builder.materials();
    let Vec3 { x, z, .. } = piece.size;
    let deck = Vec3::Y * (CARRY_M - 0.035);
    builder.block(root, Vec3::new(x, 0.06, z), &materials.dark, deck);
    for side in [-1.0, 1.0] {
        let edge = side * (0.5 * z + 0.015);
        let rail = Vec3::new(0.0, CARRY_M - 0.05, edge);
        builder.block(root, Vec3::new(x, 0.13, 0.02), &materials.steel, rail);
        let guide = Vec3::new(0.0, CARRY_M + 0.10, edge);
        let guide = builder.block(root, Vec3::new(x, 0.012, 0.012), &materials.steel, guide);
        builder.commands.entity(guide).insert(NotShadowCaster);
        let posts = (x / 0.8).ceil().max(2.0) as usize;
        for post in 0..posts {
            let along = x * (post as f32 / (posts - 1).max(1) as f32 - 0.5) * 0.96;
            builder.block(
                root,
                Vec3::new(0.012, 0.12, 0.012),
                &materials.frame,
                Vec3::new(along, CARRY_M + 0.045, edge),
            );
        }
    }
    let legs = (x / 1.3).ceil().max(2.0) as usize;
    for leg in 0..legs {
        let along = x * (leg as f32 / (legs - 1).max(1) as f32 - 0.5) * 0.9;
        for side in [-1.0, 1.0] {
            let at = Vec3::new(along, 0.5 * (CARRY_M - 0.1), side * 0.42 * z);
            builder.block(
                root,
                Vec3::new(0.05, CARRY_M - 0.1, 0.05),
                &materials.frame,
                at,
            );
        }
        builder.block(
            root,
            Vec3::new(0.04, 0.04, 0.84 * z),
            &materials.frame,
            Vec3::new(along, 0.25, 0.0),
        );
    }
    let Some(signal) = signal(plan, piece, Aspect::Speed) else {
        return;
    };
    let of = builder.follows(signal);
    let pitch = 0.125;
    let slats = (x / pitch).floor().max(1.0);
    for slat in 0..slats as usize {
        let at = Vec3::new(0.0, CARRY_M - 0.002, 0.0);
        let plate = builder.block(root, Vec3::new(0.012, 0.006, 0.94 * z), &materials.slat, at);
        builder.commands.entity(plate).insert((
            Moves {
                of,
                how: Motion::Slat {
                    from_m: -0.5 * x,
                    length_m: slats * pitch,
                    offset_m: slat as f32 * pitch,
                },
            },
            NotShadowCaster,
        ));
    }
}
