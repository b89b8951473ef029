//! A prefab for each kind of equipment, built in its own axes: x the way items go, y up, z towards the onlooker.

use std::f32::consts::{FRAC_PI_2, TAU};

use bevy::light::NotShadowCaster;
use bevy::prelude::*;
use sim_plant::view::{Aspect, EquipmentKind};

use super::{
    ClaimedLevel, Follows, Heats, Lamp, LampColor, LampOf, Liquid, Motion, Moves, Puddle,
    WhileGrowing, WhileOn,
};
use crate::kit::{Kit, Materials};
use crate::model::layout::{CARRY_M, FEET_M, PIPE_M};
use crate::model::plan::{Piece, Plan};
use crate::shapes;
use crate::stage::Side;

/// Builds one side's things under parents.
pub struct Builder<'a, 'w, 's> {
    /// Spawns.
    pub commands: &'a mut Commands<'w, 's>,
    /// Where meshes are kept.
    pub meshes: &'a mut Assets<Mesh>,
    /// Materials and shared meshes.
    pub kit: &'a mut Kit,
    /// Whose things they are.
    pub side: Side,
}

impl Builder<'_, '_, '_> {
    /// The materials.
    #[must_use]
    pub fn materials(&self) -> Materials {
        self.kit.materials.clone()
    }

    /// A part under a parent.
    pub fn part(
        &mut self,
        parent: Entity,
        mesh: Handle<Mesh>,
        material: &Handle<StandardMaterial>,
        at: Transform,
    ) -> Entity {
        let part = (Mesh3d(mesh), MeshMaterial3d(material.clone()), at);
        self.commands.spawn((part, ChildOf(parent))).id()
    }

    /// A chamfered box with its middle at `at`.
    pub fn block(
        &mut self,
        parent: Entity,
        size: Vec3,
        material: &Handle<StandardMaterial>,
        at: Vec3,
    ) -> Entity {
        let chamfer = (0.08 * size.min_element()).clamp(0.002, 0.05);
        let mesh = self.kit.block(self.meshes, size, chamfer);
        self.part(parent, mesh, material, Transform::from_translation(at))
    }

    /// A cylinder with its foot at `at`.
    pub fn drum(
        &mut self,
        parent: Entity,
        (radius, height): (f32, f32),
        material: &Handle<StandardMaterial>,
        at: Vec3,
    ) -> Entity {
        let mesh = self.kit.drum(self.meshes, radius, height);
        self.part(parent, mesh, material, Transform::from_translation(at))
    }

    /// A cylinder that lies along x, its middle at `at`.
    fn roll(
        &mut self,
        parent: Entity,
        (radius, length): (f32, f32),
        material: &Handle<StandardMaterial>,
        at: Vec3,
    ) -> Entity {
        let mesh = self.kit.drum(self.meshes, radius, length);
        let turned = Transform::from_translation(at + Vec3::X * (0.5 * length))
            .with_rotation(Quat::from_rotation_z(FRAC_PI_2));
        self.part(parent, mesh, material, turned)
    }

    fn follows(&self, signal: usize) -> Follows {
        Follows {
            side: self.side,
            signal,
        }
    }

    /// A stack of three lamps for a machine.
    pub fn stack_light(&mut self, parent: Entity, of: LampOf, foot: Vec3) {
        let materials = self.materials();
        self.drum(parent, (0.012, 0.16), &materials.frame, foot);
        for (number, color) in [LampColor::Green, LampColor::Amber, LampColor::Red]
            .into_iter()
            .enumerate()
        {
            let at = foot + Vec3::Y * (0.16 + 0.085 * number as f32);
            let lamp = self.drum(parent, (0.035, 0.075), &materials.unlit, at);
            let side = self.side;
            self.commands
                .entity(lamp)
                .insert((Lamp { side, of, color }, NotShadowCaster));
        }
    }
}

/// The signal of a piece with an aspect, the first one.
fn signal(plan: &Plan, piece: &Piece, aspect: Aspect) -> Option<usize> {
    let mut signals = piece.signals.iter().copied();
    signals.find(|&signal| plan.signals[signal].aspect == aspect)
}

/// Builds a piece under its root, which stands on the floor where the piece does.
pub fn build(builder: &mut Builder<'_, '_, '_>, plan: &Plan, number: usize, root: Entity) {
    let piece = &plan.pieces[number];
    match piece.kind {
        EquipmentKind::Tank => tank(builder, plan, piece, root),
        EquipmentKind::Pump => pump(builder, plan, piece, root),
        EquipmentKind::Valve => valve(builder, plan, piece, root),
        EquipmentKind::Motor => motor(builder, plan, piece, root),
        EquipmentKind::Conveyor | EquipmentKind::Table => conveyor(builder, plan, piece, root),
        EquipmentKind::Filler => filler(builder, piece, root),
        EquipmentKind::Capper => capper(builder, piece, root),
        EquipmentKind::Inspection => inspection(builder, piece, root),
        EquipmentKind::Reject => reject(builder, piece, root),
        EquipmentKind::Packer => packer(builder, piece, root),
        EquipmentKind::Palletiser => palletiser(builder, plan, piece, root),
        EquipmentKind::Machine => machine(builder, piece, root),
    }
    if needs_light(piece.kind) {
        let top = match piece.kind {
            EquipmentKind::Filler | EquipmentKind::Capper | EquipmentKind::Inspection => {
                CARRY_M + 0.62
            }
            EquipmentKind::Conveyor | EquipmentKind::Table => CARRY_M + 0.05,
            _ => piece.size.y,
        };
        let foot = Vec3::new(0.42 * piece.size.x, top, 0.0);
        let foot = match piece.kind {
            EquipmentKind::Conveyor | EquipmentKind::Table => Vec3::new(
                -0.45 * piece.size.x,
                CARRY_M - 0.08,
                -0.5 * piece.size.z - 0.06,
            ),
            _ => foot,
        };
        builder.stack_light(root, LampOf::Piece(number), foot);
    }
    spills(builder, plan, piece, root);
}

/// Whether a kind has a stack light: whoever can stand still or fail.
fn needs_light(kind: EquipmentKind) -> bool {
    !matches!(
        kind,
        EquipmentKind::Tank
            | EquipmentKind::Valve
            | EquipmentKind::Motor
            | EquipmentKind::Pump
            | EquipmentKind::Reject
    )
}

fn spills(builder: &mut Builder<'_, '_, '_>, plan: &Plan, piece: &Piece, root: Entity) {
    let materials = builder.materials();
    if let Some(signal) = signal(plan, piece, Aspect::Spill) {
        let radius = 0.9 * piece.size.x.max(0.8);
        let mesh = builder
            .kit
            .own(builder.meshes, "puddle", [radius, 0.0, 0.0, 0.0], || {
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
        let person = person(builder, root, front);
        builder
            .commands
            .entity(person)
            .insert((WhileOn { of }, Visibility::Hidden));
    }
}

/// An uneven flat spot about the origin.
fn puddle(radius: f32) -> Mesh {
    let mut edge = vec![(0.0, 0.0)];
    edge.push((radius, 0.0));
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
    let hat = builder.kit.own(builder.meshes, "hat", [0.0; 4], || {
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

fn tank(builder: &mut Builder<'_, '_, '_>, plan: &Plan, piece: &Piece, root: Entity) {
    let materials = builder.materials();
    let radius = 0.5 * piece.size.x.min(piece.size.z);
    let height = piece.size.y;
    let measures = [radius, height, 0.0, 0.0];
    let shell = builder.kit.own(builder.meshes, "tank-shell", measures, || {
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
    let lid = builder.kit.own(builder.meshes, "tank-lid", measures, || {
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
    let pane = builder.kit.own(builder.meshes, "tank-pane", measures, || {
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
    let body = builder.kit.own(
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
            .own(builder.meshes, "tank-overflow", measures, || {
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
        let lake = builder.kit.own(
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

fn pump(builder: &mut Builder<'_, '_, '_>, plan: &Plan, piece: &Piece, root: Entity) {
    let materials = builder.materials();
    let Vec3 { x, y, z } = piece.size;
    builder.block(root, Vec3::new(x, 0.08, z), &materials.dark, Vec3::Y * 0.04);
    let speed = signal(plan, piece, Aspect::Speed).or_else(|| signal(plan, piece, Aspect::Flow));
    let mesh = builder.kit.own(
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

fn valve(builder: &mut Builder<'_, '_, '_>, plan: &Plan, piece: &Piece, root: Entity) {
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
        .own(builder.meshes, "actuator", [x, y, 0.0, 0.0], || {
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

fn motor(builder: &mut Builder<'_, '_, '_>, plan: &Plan, piece: &Piece, root: Entity) {
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

fn conveyor(builder: &mut Builder<'_, '_, '_>, plan: &Plan, piece: &Piece, root: Entity) {
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

fn filler(builder: &mut Builder<'_, '_, '_>, piece: &Piece, root: Entity) {
    let materials = builder.materials();
    let low = portal(builder, piece, root, &materials.blue);
    // Nozzles as the machine's length holds at the usual pitch.
    let pitch = 0.065;
    let nozzles = (piece.size.x * 0.82 / pitch).round().max(1.0);
    let nozzle = builder.kit.own(builder.meshes, "nozzle", [0.0; 4], || {
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

fn capper(builder: &mut Builder<'_, '_, '_>, piece: &Piece, root: Entity) {
    let materials = builder.materials();
    let low = portal(builder, piece, root, &materials.white);
    let spindle = builder.kit.own(builder.meshes, "spindle", [0.0; 4], || {
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
    let hopper = builder.kit.own(builder.meshes, "hopper", [0.0; 4], || {
        shapes::lathe(&[(0.05, 0.0), (0.20, 0.30), (0.20, 0.42)], 24)
    });
    builder.part(
        root,
        hopper,
        &materials.steel,
        Transform::from_xyz(-0.1, low + 0.26, 0.0),
    );
}

fn inspection(builder: &mut Builder<'_, '_, '_>, piece: &Piece, root: Entity) {
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

fn reject(builder: &mut Builder<'_, '_, '_>, piece: &Piece, root: Entity) {
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

fn packer(builder: &mut Builder<'_, '_, '_>, piece: &Piece, root: Entity) {
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

fn palletiser(builder: &mut Builder<'_, '_, '_>, plan: &Plan, piece: &Piece, root: Entity) {
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

fn machine(builder: &mut Builder<'_, '_, '_>, piece: &Piece, root: Entity) {
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
