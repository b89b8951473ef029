//! Builds parts under parents, out of the kit.

use std::f32::consts::FRAC_PI_2;

use bevy::light::NotShadowCaster;
use bevy::prelude::*;

use crate::kit::{Kit, Materials};
use crate::plant::{Follows, Lamp, LampColor, LampOf};
use crate::stage::{ShownSide, Side};

/// The parent of everything of one sort that a side shows, where that side stands.
pub fn root(commands: &mut Commands<'_, '_>, shown: &ShownSide, side: Side, what: &str) -> Entity {
    let place = Transform::from_translation(shown.offset);
    let name = Name::new(format!("{what} {}", side.0));
    commands
        .spawn((place, Visibility::Inherited, side, name))
        .id()
}

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
    pub fn roll(
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

    /// What a part of this side follows.
    #[must_use]
    pub fn follows(&self, signal: usize) -> Follows {
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
