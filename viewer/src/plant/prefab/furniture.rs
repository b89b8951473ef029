//! What belongs to no kind of equipment: cabinets, desks, people.

use bevy::light::NotShadowCaster;
use bevy::prelude::*;

use super::super::LampOf;
use crate::builder::Builder;
use crate::shapes;

/// Somebody in a high-visibility vest.
pub fn person(builder: &mut Builder<'_, '_, '_>, parent: Entity, at: Vec3) -> Entity {
    let materials = builder.materials();
    let body = builder
        .commands
        .spawn((
            Transform::from_translation(at),
            Visibility::Inherited,
            ChildOf(parent),
        ))
        .id();
    builder.drum(
        body,
        (0.075, 0.82),
        &materials.dark,
        Vec3::new(-0.09, 0.0, 0.0),
    );
    builder.drum(
        body,
        (0.075, 0.82),
        &materials.dark,
        Vec3::new(0.09, 0.0, 0.0),
    );
    builder.block(
        body,
        Vec3::new(0.42, 0.62, 0.24),
        &materials.person,
        Vec3::new(0.0, 1.12, 0.0),
    );
    let head = builder.kit.ball(builder.meshes, 0.13);
    builder.part(
        body,
        head,
        &materials.card,
        Transform::from_xyz(0.0, 1.60, 0.0),
    );
    let hat = builder.kit.shared(builder.meshes, "hat", [0.0; 4], || {
        shapes::lathe(&[(0.17, 0.0), (0.14, 0.02), (0.13, 0.08), (0.0, 0.15)], 20)
    });
    builder.part(
        body,
        hat,
        &materials.yellow,
        Transform::from_xyz(0.0, 1.64, 0.0),
    );
    body
}

/// A cabinet of a controller, with a lamp that tells its mode.
pub fn cabinet(builder: &mut Builder<'_, '_, '_>, parent: Entity, host: usize, at: Vec3) {
    let materials = builder.materials();
    builder.block(
        parent,
        Vec3::new(0.62, 1.7, 0.42),
        &materials.white,
        at + Vec3::Y * 0.90,
    );
    builder.block(
        parent,
        Vec3::new(0.58, 0.1, 0.38),
        &materials.dark,
        at + Vec3::Y * 0.05,
    );
    for slot in 0..4 {
        let y = 0.34 + 0.05 * slot as f32;
        let vent = builder.block(
            parent,
            Vec3::new(0.36, 0.015, 0.01),
            &materials.dark,
            at + Vec3::new(0.0, y, 0.212),
        );
        builder.commands.entity(vent).insert(NotShadowCaster);
    }
    let pane = builder.block(
        parent,
        Vec3::new(0.28, 0.18, 0.01),
        &materials.screen,
        at + Vec3::new(0.0, 1.3, 0.212),
    );
    builder.commands.entity(pane).insert(NotShadowCaster);
    builder.stack_light(parent, LampOf::Host(host), at + Vec3::new(0.22, 1.75, 0.0));
}

/// A desk with a screen.
pub fn desk(builder: &mut Builder<'_, '_, '_>, parent: Entity, at: Vec3) {
    let materials = builder.materials();
    builder.block(
        parent,
        Vec3::new(1.1, 0.04, 0.6),
        &materials.wood,
        at + Vec3::Y * 0.74,
    );
    for side in [-0.5, 0.5] {
        builder.block(
            parent,
            Vec3::new(0.05, 0.72, 0.52),
            &materials.frame,
            at + Vec3::new(side, 0.36, 0.0),
        );
    }
    builder.block(
        parent,
        Vec3::new(0.62, 0.40, 0.04),
        &materials.dark,
        at + Vec3::new(0.0, 1.04, -0.12),
    );
    let face = builder.block(
        parent,
        Vec3::new(0.58, 0.36, 0.01),
        &materials.screen,
        at + Vec3::new(0.0, 1.04, -0.095),
    );
    builder.commands.entity(face).insert(NotShadowCaster);
    builder.block(
        parent,
        Vec3::new(0.12, 0.12, 0.10),
        &materials.dark,
        at + Vec3::new(0.0, 0.80, -0.12),
    );
}

/// A notebook on a trolley, as somebody brings along.
pub fn trolley(builder: &mut Builder<'_, '_, '_>, parent: Entity, at: Vec3) {
    let materials = builder.materials();
    builder.block(
        parent,
        Vec3::new(0.5, 0.03, 0.4),
        &materials.frame,
        at + Vec3::Y * 0.85,
    );
    for (sx, sz) in [(-1.0, -1.0), (-1.0, 1.0), (1.0, -1.0), (1.0, 1.0)] {
        builder.block(
            parent,
            Vec3::new(0.03, 0.85, 0.03),
            &materials.frame,
            at + Vec3::new(0.22 * sx, 0.42, 0.17 * sz),
        );
    }
    builder.block(
        parent,
        Vec3::new(0.34, 0.02, 0.24),
        &materials.dark,
        at + Vec3::new(0.0, 0.88, 0.02),
    );
    let lid = builder
        .kit
        .block(builder.meshes, Vec3::new(0.34, 0.22, 0.012), 0.003);
    let back = Transform::from_translation(at + Vec3::new(0.0, 0.99, -0.13))
        .with_rotation(Quat::from_rotation_x(-0.25));
    builder.part(parent, lid, &materials.screen, back);
}
