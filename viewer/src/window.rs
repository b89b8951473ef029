//! A window on the scene.

use std::sync::Mutex;
use std::sync::mpsc::Receiver;

use bevy::prelude::*;
use bevy::render::renderer::RenderAdapterInfo;
use bevy::window::{PresentMode, WindowResolution};

use crate::input::InputPlugin;
use crate::live::{Simulation, take};
use crate::model::account::Account;
use crate::stage::{Clock, Look, Quality, ShownSide, Sides, StageOptions};

/// How a window is opened.
#[derive(Debug)]
pub struct WindowOptions {
    /// Its title.
    pub title: String,
    /// Its size, pixels.
    pub size: UVec2,
    /// What pictures are made with.
    pub quality: Quality,
    /// Whether it stays so when pictures come late.
    pub keeps_quality: bool,
    /// Nothing blinks, swings or flies.
    pub reduced_motion: bool,
    /// The time at which it begins, ns.
    pub from_ns: u64,
    /// Simulated seconds per second.
    pub speed: f64,
    /// Whether it begins to play at once.
    pub playing: bool,
    /// Whether what is shown goes on elsewhere.
    pub live: bool,
}

/// What is still being computed for each side.
#[derive(Resource)]
pub struct Pending {
    /// What the run would have produced without the attack.
    pub twins: Vec<Option<Mutex<Receiver<Account>>>>,
    /// Simulations that go on.
    pub simulations: Vec<Option<Mutex<Simulation>>>,
}

/// Opens a window and stays until it is closed.
pub fn show(
    sides: Vec<ShownSide>,
    pending: Pending,
    options: WindowOptions,
    set: impl FnOnce(&mut World),
) -> AppExit {
    let mut app = App::new();
    app.add_plugins(
        DefaultPlugins
            .set(WindowPlugin {
                primary_window: Some(Window {
                    title: options.title,
                    resolution: WindowResolution::new(options.size.x, options.size.y),
                    present_mode: PresentMode::AutoVsync,
                    ..default()
                }),
                ..default()
            })
            .set(bevy::log::LogPlugin {
                filter: "error".to_owned(),
                ..default()
            }),
    )
    .insert_resource(StageOptions {
        size: options.size,
        quality: options.quality,
        target: None,
        reduced_motion: options.reduced_motion,
    })
    .insert_resource(Sides::new(sides))
    .insert_resource(pending)
    .add_plugins((crate::ScenePlugins, InputPlugin))
    .insert_resource(Clock {
        t_ns: options.from_ns,
        playing: options.playing,
        live: options.live,
        follows: options.live,
        speed: options.speed,
        ..Clock::default()
    })
    .add_systems(Startup, say_adapter)
    .add_systems(
        Update,
        (take_twins, take_updates, follow_size)
            .chain()
            .in_set(Look::Input),
    )
    .add_systems(Update, advance.in_set(Look::Time));
    if !options.keeps_quality {
        app.add_systems(Update, keep_pace.after(follow_size).in_set(Look::Input));
    }
    set(app.world_mut());
    app.run()
}

fn say_adapter(adapter: Res<RenderAdapterInfo>) {
    eprintln!("rendering on {} ({:?})", adapter.name, adapter.backend);
}

fn take_twins(mut pending: ResMut<Pending>, mut sides: ResMut<Sides>) {
    for (slot, side) in pending.twins.iter_mut().zip(&mut sides.list) {
        let table = slot.as_ref().and_then(|told| {
            let told = told.lock().expect("nobody panics with the lock");
            told.try_recv().ok()
        });
        if table.is_some() {
            side.story.twin = table;
            *slot = None;
        }
    }
}

/// Takes what simulations have handed over, a few updates per picture at most, so that none is late.
fn take_updates(pending: Res<Pending>, mut sides: ResMut<Sides>) {
    const UPDATES_MAX: usize = 24;
    for (simulation, side) in pending.simulations.iter().zip(&mut sides.list) {
        if let Some(simulation) = simulation {
            let simulation = simulation.lock().expect("nobody panics with the lock");
            for update in simulation.updates().take(UPDATES_MAX) {
                take(side, update);
            }
        }
    }
}

/// Time goes on by what the last frame took, but never by more than half a second: a slow machine shows fewer
/// pictures, and leaves nothing out.
fn advance(real: Res<Time<Real>>, sides: Res<Sides>, mut clock: ResMut<Clock>) {
    let seconds = real.delta_secs_f64().min(0.5);
    clock.advance(seconds, sides.end_ns());
}

/// Pictures that are looked at before the quality changes.
const PACE_PICTURES: usize = 40;

/// A picture that takes longer is late, s.
const LATE_S: f32 = 0.05;

/// Effects go, one after the other, when most of the pictures of a while were late. They do not come back by
/// themselves: what comes and goes is worse to look at than what is gone.
fn keep_pace(
    real: Res<Time<Real>>,
    mut options: ResMut<StageOptions>,
    mut seen: Local<(usize, usize)>,
) {
    let (pictures, late) = &mut *seen;
    *pictures += 1;
    *late += usize::from(real.delta_secs() > LATE_S);
    if *pictures < PACE_PICTURES {
        return;
    }
    let most_were_late = 2 * *late > *pictures;
    *seen = (0, 0);
    if most_were_late && let Some(lower) = options.quality.lower() {
        options.quality = lower;
        eprintln!("pictures come late: quality is {lower:?} from now on (--quality keeps it)");
    }
}

/// Cameras and panels follow the size of the window.
fn follow_size(
    windows: Query<&Window>,
    sides: Res<Sides>,
    mut options: ResMut<StageOptions>,
    mut cameras: Query<(&crate::stage::PlantCamera, &mut Camera)>,
) {
    let Ok(window) = windows.single() else { return };
    let size = UVec2::new(window.physical_width(), window.physical_height());
    if size == options.size || size.x == 0 || size.y == 0 {
        return;
    }
    options.size = size;
    for (of, mut camera) in &mut cameras {
        camera.viewport = crate::stage::viewport(of.0.0, sides.list.len(), size);
    }
}
