//! Materials, and meshes that are made once and used often.
//!
//! **Invariant:** equal things share mesh and material, so that a plant of a thousand pieces is drawn in few calls.

use std::collections::HashMap;

use bevy::prelude::*;

use crate::palette;
use crate::shapes;

/// The materials of the scene.
#[derive(Clone, Debug)]
pub struct Materials {
    /// Bright steel.
    pub steel: Handle<StandardMaterial>,
    /// Dull steel.
    pub frame: Handle<StandardMaterial>,
    /// Rubber, feet, belts.
    pub dark: Handle<StandardMaterial>,
    /// Slats on a belt.
    pub slat: Handle<StandardMaterial>,
    /// Painted machines.
    pub blue: Handle<StandardMaterial>,
    /// Cabinets, cases.
    pub white: Handle<StandardMaterial>,
    /// Cardboard.
    pub card: Handle<StandardMaterial>,
    /// Wood.
    pub wood: Handle<StandardMaterial>,
    /// Safety yellow.
    pub yellow: Handle<StandardMaterial>,
    /// Hand wheels, caps.
    pub red: Handle<StandardMaterial>,
    /// Walls.
    pub wall: Handle<StandardMaterial>,
    /// Panes of vessels.
    pub glass: Handle<StandardMaterial>,
    /// Bottles.
    pub bottle: Handle<StandardMaterial>,
    /// Product.
    pub liquid: Handle<StandardMaterial>,
    /// Product in an item that has too little of it.
    pub short: Handle<StandardMaterial>,
    /// Product on the floor.
    pub puddle: Handle<StandardMaterial>,
    /// Screens.
    pub screen: Handle<StandardMaterial>,
    /// What a screen claims.
    pub belief: Handle<StandardMaterial>,
    /// Lamps that are out.
    pub unlit: Handle<StandardMaterial>,
    /// A lamp that says that all is well.
    pub green: Handle<StandardMaterial>,
    /// A lamp that says that something is wrong.
    pub alarm: Handle<StandardMaterial>,
    /// A lamp that says that something stands still.
    pub amber: Handle<StandardMaterial>,
    /// Arrows in pipes that flow.
    pub flow: Handle<StandardMaterial>,
    /// People.
    pub person: Handle<StandardMaterial>,
}

/// Emissive strength at which a colour reads as light and does not wash out.
fn glow(color: Color, strength: f32) -> StandardMaterial {
    StandardMaterial {
        base_color: Color::BLACK,
        emissive: color.to_linear() * strength,
        ..default()
    }
}

impl Materials {
    fn new(all: &mut Assets<StandardMaterial>) -> Self {
        let mut add = |material: StandardMaterial| all.add(material);
        let metal = |grey: f32, roughness: f32| StandardMaterial {
            base_color: Color::srgb(grey, grey * 1.02, grey * 1.05),
            metallic: 1.0,
            perceptual_roughness: roughness,
            ..default()
        };
        let paint = |r: f32, g: f32, b: f32, roughness: f32| StandardMaterial {
            base_color: Color::srgb(r, g, b),
            perceptual_roughness: roughness,
            ..default()
        };
        let clear = |color: Color, roughness: f32| StandardMaterial {
            base_color: color,
            alpha_mode: AlphaMode::Blend,
            perceptual_roughness: roughness,
            reflectance: 0.6,
            ..default()
        };
        Self {
            steel: add(metal(0.78, 0.28)),
            frame: add(metal(0.52, 0.45)),
            dark: add(paint(0.07, 0.075, 0.085, 0.75)),
            slat: add(paint(0.24, 0.25, 0.27, 0.6)),
            blue: add(StandardMaterial {
                clearcoat: 0.4,
                ..paint(0.05, 0.22, 0.46, 0.4)
            }),
            white: add(paint(0.80, 0.82, 0.84, 0.5)),
            card: add(paint(0.62, 0.45, 0.28, 0.9)),
            wood: add(paint(0.55, 0.42, 0.26, 0.9)),
            yellow: add(paint(0.95, 0.70, 0.10, 0.5)),
            red: add(paint(0.72, 0.10, 0.08, 0.45)),
            wall: add(paint(0.30, 0.34, 0.38, 0.85)),
            glass: add(StandardMaterial {
                double_sided: true,
                cull_mode: None,
                ..clear(Color::srgba(0.65, 0.82, 0.9, 0.10), 0.08)
            }),
            bottle: add(clear(Color::srgba(0.62, 0.86, 0.92, 0.30), 0.06)),
            liquid: add(StandardMaterial {
                emissive: LinearRgba::rgb(0.005, 0.03, 0.06),
                ..paint(0.05, 0.38, 0.80, 0.25)
            }),
            short: add(StandardMaterial {
                emissive: LinearRgba::rgb(0.10, 0.01, 0.0),
                ..paint(0.85, 0.16, 0.08, 0.3)
            }),
            puddle: add(StandardMaterial {
                depth_bias: 4.0,
                ..clear(Color::srgba(0.10, 0.42, 0.80, 0.62), 0.04)
            }),
            screen: add(glow(Color::srgb(0.16, 0.42, 0.60), 1.6)),
            belief: add(StandardMaterial {
                base_color: palette::BELIEF.with_alpha(0.85),
                emissive: palette::BELIEF.to_linear() * 1.4,
                alpha_mode: AlphaMode::Blend,
                ..default()
            }),
            unlit: add(paint(0.16, 0.17, 0.18, 0.5)),
            green: add(glow(Color::srgb(0.15, 0.85, 0.35), 3.0)),
            alarm: add(glow(palette::ATTACK, 6.0)),
            amber: add(glow(palette::WARNING, 4.0)),
            flow: add(glow(Color::srgb(0.35, 0.72, 1.0), 2.2)),
            person: add(paint(0.95, 0.45, 0.08, 0.8)),
        }
    }
}

/// Key of a mesh that is used again: what it is, and its measures in tenths of millimetres.
type Key = (&'static str, [i32; 4]);

/// Materials and meshes of the scene.
#[derive(Resource)]
pub struct Kit {
    /// The materials.
    pub materials: Materials,
    meshes: HashMap<Key, Handle<Mesh>>,
}

impl FromWorld for Kit {
    fn from_world(world: &mut World) -> Self {
        let mut all = world.resource_mut::<Assets<StandardMaterial>>();
        Self {
            materials: Materials::new(&mut all),
            meshes: HashMap::new(),
        }
    }
}

impl Kit {
    /// A mesh that is shared under a name and its measures; it is made the first time.
    pub fn shared(
        &mut self,
        meshes: &mut Assets<Mesh>,
        what: &'static str,
        measures: [f32; 4],
        make: impl FnOnce() -> Mesh,
    ) -> Handle<Mesh> {
        let key = (what, measures.map(|measure| (measure * 1e4).round() as i32));
        self.meshes
            .entry(key)
            .or_insert_with(|| meshes.add(make()))
            .clone()
    }

    /// A chamfered box about the origin.
    pub fn block(&mut self, meshes: &mut Assets<Mesh>, size: Vec3, chamfer: f32) -> Handle<Mesh> {
        let measures = [size.x, size.y, size.z, chamfer];
        self.shared(meshes, "block", measures, || shapes::block(size, chamfer))
    }

    /// A cylinder on its foot.
    pub fn drum(&mut self, meshes: &mut Assets<Mesh>, radius: f32, height: f32) -> Handle<Mesh> {
        let measures = [radius, height, 0.0, 0.0];
        self.shared(meshes, "drum", measures, || shapes::drum(radius, height))
    }

    /// A ring about y.
    pub fn ring(&mut self, meshes: &mut Assets<Mesh>, radius: f32, thick: f32) -> Handle<Mesh> {
        self.shared(meshes, "ring", [radius, thick, 0.0, 0.0], || {
            let torus = Torus {
                minor_radius: thick,
                major_radius: radius,
            };
            let torus = torus.mesh().minor_resolution(10);
            torus.major_resolution(40).build()
        })
    }

    /// A ball about the origin.
    pub fn ball(&mut self, meshes: &mut Assets<Mesh>, radius: f32) -> Handle<Mesh> {
        self.shared(meshes, "ball", [radius, 0.0, 0.0, 0.0], || {
            Sphere::new(radius).mesh().uv(16, 10)
        })
    }
}
