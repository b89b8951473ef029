//! The stage: what is shown, when, through which cameras and in what light.
//!
//! In each frame the sets of [`Look`] follow one another: what people ask for, the time, the moment of each side, the
//! scene, the panels. A plugin has a set of its own, so that no two of them touch a thing in an order that nobody has
//! said. Only [`Look::Moment`] reads the stores, and only [`Look::Input`] and [`Look::Time`] change what
//! is shown.

use std::f32::consts::PI;

use bevy::camera::{Hdr, RenderTarget, Viewport};
use bevy::core_pipeline::tonemapping::Tonemapping;
use bevy::light::{CascadeShadowConfigBuilder, DirectionalLightShadowMap};
use bevy::post_process::bloom::Bloom;
use bevy::prelude::*;
use bevy::render::view::{ColorGrading, ColorGradingGlobal};

use crate::kit::Kit;
use crate::model::moment::Moment;
use crate::model::plan::{Plan, View};
use crate::model::store::Store;
use crate::model::story::Story;
use crate::shapes;

/// How far apart two plants stand when they are compared, m. Far enough for neither to be in the other's picture.
const SIDES_APART_M: f32 = 400.0;

/// Order of what a frame does.
#[derive(SystemSet, Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Look {
    /// Keys, mouse, and what arrives from a simulation.
    Input,
    /// The time goes on.
    Time,
    /// Each side looks at its store.
    Moment,
    /// The plant follows.
    Plant,
    /// The network follows.
    Network,
    /// The eye moves.
    Eye,
    /// Effects come and go.
    Effects,
    /// Panels come, go and fit the picture.
    Screens,
    /// Truth beside belief follows.
    Belief,
    /// The story follows.
    Story,
    /// Names follow what they name.
    Names,
    /// The help comes and goes.
    Help,
}

/// Order of what the start does.
#[derive(SystemSet, Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Build {
    /// Cameras and lights.
    Stage,
    /// The plant.
    Plant,
    /// The network.
    Network,
    /// Panels.
    Panels,
}

/// Number of a side; there are two when runs are compared.
#[derive(Component, Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Side(pub usize);

/// One run on the stage.
pub struct ShownSide {
    /// What people call it, such as `undefended`.
    pub title: String,
    /// What stands where.
    pub plan: Plan,
    /// From where one can look at it.
    pub views: Vec<View>,
    /// Its samples.
    pub store: Store,
    /// What happened.
    pub story: Story,
    /// What there is to see now.
    pub moment: Moment,
    /// Where its plant stands in the world, m.
    pub offset: Vec3,
}

impl ShownSide {
    /// A run that has not been looked at yet.
    #[must_use]
    pub fn new(title: String, plan: Plan, store: Store, story: Story) -> Self {
        Self {
            title,
            views: plan.views(),
            plan,
            store,
            story,
            moment: Moment::default(),
            offset: Vec3::ZERO,
        }
    }
}

/// The runs on the stage.
#[derive(Resource)]
pub struct Sides {
    /// One, or two that are compared.
    pub list: Vec<ShownSide>,
}

impl Sides {
    /// Puts runs on the stage, apart from each other.
    #[must_use]
    pub fn new(mut list: Vec<ShownSide>) -> Self {
        for (number, side) in list.iter_mut().enumerate() {
            side.offset = Vec3::Z * (SIDES_APART_M * number as f32);
        }
        Self { list }
    }

    /// The side with a number.
    #[must_use]
    pub fn side(&self, side: Side) -> &ShownSide {
        &self.list[side.0]
    }

    /// Whether two runs stand side by side.
    #[must_use]
    pub fn are_compared(&self) -> bool {
        self.list.len() > 1
    }

    /// How far all of them go, ns.
    #[must_use]
    pub fn end_ns(&self) -> u64 {
        self.list
            .iter()
            .map(|side| side.store.end_ns)
            .max()
            .unwrap_or(0)
    }
}

/// The time that is shown.
#[derive(Resource, Clone, Debug)]
pub struct Clock {
    /// Simulated time, ns.
    pub t_ns: u64,
    /// Whether it goes on.
    pub playing: bool,
    /// Simulated seconds per second.
    pub speed: f64,
    /// How long a frame is seen under way, in seconds of the onlooker.
    pub pulse_s: f64,
    /// Whether what is shown goes on elsewhere, so that its end is now.
    pub live: bool,
    /// Whether what is shown keeps up with it.
    pub follows: bool,
}

impl Default for Clock {
    fn default() -> Self {
        Self {
            t_ns: 0,
            playing: false,
            speed: 1.0,
            pulse_s: 1.2,
            live: false,
            follows: false,
        }
    }
}

/// Speeds that keys step through, simulated seconds per second.
pub const SPEEDS: [f64; 10] = [0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0];

/// How far behind a session is shown that is followed, s of the onlooker.
const BEHIND_S: f64 = 1.0;

impl Clock {
    /// Goes to a time, and stays with the past there.
    pub fn seek(&mut self, t_ns: u64) {
        self.t_ns = t_ns;
        self.follows = false;
    }

    /// Goes on by a time of the onlooker.
    pub fn advance(&mut self, seconds: f64, end_ns: u64) {
        if self.playing {
            let step = (seconds * self.speed * 1e9) as u64;
            let mut t_ns = self.t_ns + step;
            if self.follows {
                let behind_max = (BEHIND_S * self.speed.max(1.0) * 1e9) as u64;
                t_ns = t_ns.max(end_ns.saturating_sub(behind_max));
            }
            self.t_ns = t_ns.min(end_ns);
        }
    }

    /// How long a frame is seen under way, in simulated time.
    #[must_use]
    pub fn window_ns(&self) -> u64 {
        (self.pulse_s * self.speed * 1e9) as u64
    }
}

/// What a picture is made with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Quality {
    /// No shadows and no glow: for machines without a graphics card.
    Low,
    /// Shadows and glow.
    Medium,
    /// Smooth edges as well.
    High,
}

impl Quality {
    /// What is made faster; nothing is faster than [`Quality::Low`].
    #[must_use]
    pub fn lower(self) -> Option<Self> {
        match self {
            Self::High => Some(Self::Medium),
            Self::Medium => Some(Self::Low),
            Self::Low => None,
        }
    }
}

/// How the stage is set up.
#[derive(Resource, Clone, Debug)]
pub struct StageOptions {
    /// Width and height of the picture, pixels.
    pub size: UVec2,
    /// What it is made with.
    pub quality: Quality,
    /// The image that is drawn to; a window when there is none.
    pub target: Option<Handle<Image>>,
    /// Nothing blinks, swings or flies.
    pub reduced_motion: bool,
}

/// Which parts of the picture are on.
#[derive(Resource, Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layers {
    /// The network over the plant.
    pub network: bool,
    /// What the screens claim.
    pub belief: bool,
    /// Names of things.
    pub labels: bool,
    /// Panels and timeline.
    pub panels: bool,
    /// The help overlay.
    pub help: bool,
}

impl Default for Layers {
    fn default() -> Self {
        Self {
            network: true,
            belief: true,
            labels: true,
            panels: true,
            help: false,
        }
    }
}

/// A camera that looks at a side's plant.
#[derive(Component, Clone, Copy, Debug)]
pub struct PlantCamera(pub Side);

/// Sets the stage and keeps the order of a frame.
#[derive(Debug)]
pub struct StagePlugin;

impl Plugin for StagePlugin {
    fn build(&self, app: &mut App) {
        app.init_resource::<Clock>()
            .init_resource::<Layers>()
            .init_resource::<Kit>()
            .insert_resource(GlobalAmbientLight {
                brightness: 0.0,
                ..default()
            })
            .insert_resource(DirectionalLightShadowMap { size: 2048 })
            .configure_sets(
                Startup,
                (Build::Stage, Build::Plant, Build::Network, Build::Panels).chain(),
            )
            .configure_sets(
                Update,
                (
                    Look::Input,
                    Look::Time,
                    Look::Moment,
                    Look::Plant,
                    Look::Network,
                    Look::Eye,
                    Look::Effects,
                    Look::Screens,
                    Look::Belief,
                    Look::Story,
                    Look::Names,
                    Look::Help,
                )
                    .chain(),
            )
            .add_systems(
                Startup,
                (set_cameras, set_hall).chain().in_set(Build::Stage),
            )
            .add_systems(
                Update,
                (
                    look.in_set(Look::Moment),
                    follow_quality.in_set(Look::Effects),
                ),
            );
    }
}

/// Each side looks at its store.
pub fn look(clock: Res<Clock>, mut sides: ResMut<Sides>) {
    for side in &mut sides.list {
        let t_ns = clock.t_ns.min(side.store.end_ns);
        side.moment = Moment::at(&side.plan, &side.store, t_ns, clock.window_ns());
    }
}

/// Effects come and go with the quality that is wanted.
pub fn follow_quality(
    mut commands: Commands,
    options: Res<StageOptions>,
    mut shown: Local<Option<Quality>>,
    cameras: Query<Entity, With<PlantCamera>>,
    mut lights: Query<&mut DirectionalLight>,
) {
    let wanted = options.quality;
    if *shown == Some(wanted) {
        return;
    }
    *shown = Some(wanted);
    for camera in &cameras {
        commands.entity(camera).insert(match wanted {
            Quality::High => Msaa::Sample4,
            Quality::Low | Quality::Medium => Msaa::Off,
        });
        if wanted > Quality::Low {
            commands.entity(camera).insert(Bloom {
                intensity: 0.12,
                ..Bloom::NATURAL
            });
        } else {
            // Glow brings its range of brightness with it.
            commands.entity(camera).remove::<(Bloom, Hdr)>();
        }
    }
    for mut light in &mut lights {
        light.shadow_maps_enabled = wanted > Quality::Low;
    }
}

/// The part of the picture that a side gets.
#[must_use]
pub fn viewport(side: usize, sides: usize, size: UVec2) -> Option<Viewport> {
    (sides > 1).then(|| {
        let half = UVec2::new(size.x / 2, size.y);
        Viewport {
            physical_position: UVec2::new(half.x * u32::from(side == 1), 0),
            physical_size: half,
            ..default()
        }
    })
}

/// What the far end of the hall fades into.
const HAZE: Color = Color::srgb(0.125, 0.145, 0.170);

/// How far it is from one end of a plant to the other, m; never so little that its machines fill the hall.
fn reach(plan: &Plan) -> f32 {
    let (low, high) = plan.bounds;
    (high - low).length().max(10.0)
}

fn set_cameras(
    mut commands: Commands,
    mut images: ResMut<Assets<Image>>,
    options: Res<StageOptions>,
    sides: Res<Sides>,
) {
    let light = shapes::hall_environment(&mut images, 900.0);
    for (number, side) in sides.list.iter().enumerate() {
        // Which of the views it is, the eye says later.
        let view = &side.views[0];
        let grading = ColorGrading {
            global: ColorGradingGlobal {
                exposure: 0.1,
                post_saturation: 1.08,
                ..default()
            },
            ..default()
        };
        let mut camera = commands.spawn((
            Camera3d::default(),
            Camera {
                order: isize::try_from(number).expect("two sides at most"),
                viewport: viewport(number, sides.list.len(), options.size),
                clear_color: if number == 0 {
                    ClearColorConfig::Custom(HAZE)
                } else {
                    ClearColorConfig::None
                },
                ..default()
            },
            Projection::from(PerspectiveProjection {
                fov: 34.0 / 180.0 * PI,
                ..default()
            }),
            Transform::from_translation(view.eye + side.offset)
                .looking_at(view.target + side.offset, Vec3::Y),
            Tonemapping::TonyMcMapface,
            grading,
            Msaa::Off,
            light.clone(),
            DistanceFog {
                color: HAZE,
                falloff: FogFalloff::Linear {
                    start: 1.6 * reach(&side.plan),
                    end: 3.6 * reach(&side.plan),
                },
                ..default()
            },
            PlantCamera(Side(number)),
        ));
        if let Some(target) = &options.target {
            camera.insert(RenderTarget::Image(target.clone().into()));
        }
        if !sides.are_compared() {
            camera.insert(IsDefaultUiCamera);
        }
    }
    if sides.are_compared() {
        let mut panels = commands.spawn((
            Camera2d,
            Camera {
                order: 9,
                clear_color: ClearColorConfig::None,
                ..default()
            },
            Msaa::Off,
            IsDefaultUiCamera,
        ));
        if let Some(target) = &options.target {
            panels.insert(RenderTarget::Image(target.clone().into()));
        }
    }
}

fn set_hall(
    mut commands: Commands,
    mut meshes: ResMut<Assets<Mesh>>,
    mut images: ResMut<Assets<Image>>,
    mut materials: ResMut<Assets<StandardMaterial>>,
    sides: Res<Sides>,
) {
    let seam = |share: f32| {
        let at = (share * 2.0).fract();
        at.min(1.0 - at)
    };
    let concrete = images.add(shapes::texture(512, true, |u, v| {
        let joint = if seam(u).min(seam(v)) < 0.006 {
            0.55
        } else {
            1.0
        };
        let grey = (0.085 + 0.07 * (shapes::clouds(u, v) - 0.5)) * joint;
        [grey * 0.97, grey, grey * 1.03, 1.0]
    }));
    let polish = images.add(shapes::texture(256, false, |u, v| {
        [0.0, (0.30 + 0.5 * shapes::clouds(u, v)).min(1.0), 0.0, 1.0]
    }));
    let ground = materials.add(StandardMaterial {
        base_color_texture: Some(concrete),
        metallic_roughness_texture: Some(polish),
        perceptual_roughness: 0.9,
        reflectance: 0.4,
        ..default()
    });
    for side in &sides.list {
        let (low, high) = side.plan.bounds;
        let middle = (low + high) / 2.0;
        let edge = 8.0 * reach(&side.plan);
        let (wide, deep) = (high.x - low.x + edge, high.z - low.z + edge);
        commands.spawn((
            Mesh3d(meshes.add(shapes::floor(wide, deep, 6.0))),
            MeshMaterial3d(ground.clone()),
            Transform::from_translation(side.offset + Vec3::new(middle.x, 0.0, middle.z)),
        ));
    }
    let reach = sides
        .list
        .iter()
        .map(|side| reach(&side.plan))
        .fold(10.0, f32::max);
    commands.spawn((
        DirectionalLight {
            color: Color::srgb(1.0, 0.96, 0.90),
            illuminance: 5_200.0,
            shadow_normal_bias: 1.2,
            ..default()
        },
        Transform::from_xyz(-5.0, 11.0, 6.5).looking_at(Vec3::ZERO, Vec3::Y),
        CascadeShadowConfigBuilder {
            num_cascades: 1,
            minimum_distance: 0.5,
            maximum_distance: 3.0 * reach,
            first_cascade_far_bound: 3.0 * reach,
            ..default()
        }
        .build(),
    ));
}
