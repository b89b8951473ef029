//! Where one looks from: named views, a free orbit, and a director who goes where the next thing happens.
//!
//! **Invariant:** with the director, the eye is a function of the time and the speed, so that a film of a run is the
//! same every time.

use bevy::prelude::*;
use sim_plant::view::EquipmentKind;

use crate::model::plan::{Plan, View};
use crate::model::story::{MarkKind, Story};
use crate::stage::{Clock, Look, PlantCamera, Sides, StageOptions};

/// How long the eye takes from view to view, in seconds of the onlooker.
const FLIGHT_S: f64 = 1.6;

/// How long a shot lasts at least, in seconds of the onlooker.
const SHOT_S: f64 = 4.0;

/// How much farther away the eye is when two runs stand side by side.
const COMPARED_FARTHER: f32 = 1.35;

/// Moves the cameras.
#[derive(Debug)]
pub struct CameraPlugin;

impl Plugin for CameraPlugin {
    fn build(&self, app: &mut App) {
        app.init_resource::<Eye>()
            .add_systems(Update, move_eye.in_set(Look::Eye));
    }
}

/// What decides where one looks from.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Aim {
    /// The view with this name.
    View(String),
    /// From a place of the onlooker's own.
    Free {
        /// The eye.
        eye: Vec3,
        /// What it looks at.
        target: Vec3,
    },
    /// Where the next thing happens.
    #[default]
    Director,
}

/// Where one looks from.
#[derive(Resource, Clone, Debug, Default)]
pub struct Eye {
    /// What decides.
    pub aim: Aim,
    /// Where it is now.
    pub now: Option<(Vec3, Vec3)>,
    /// A flight from an earlier place, and how far it has come, 0 to 1.
    pub flight: Option<((Vec3, Vec3), f32)>,
}

impl Eye {
    /// Flies to another aim.
    pub fn fly(&mut self, aim: Aim) {
        if aim != self.aim {
            self.flight = self.now.map(|from| (from, 0.0));
            self.aim = aim;
        }
    }
}

/// A stretch of time and the view that is right for it.
#[derive(Clone, Debug, PartialEq)]
pub struct Shot {
    /// From when, ns.
    pub from_ns: u64,
    /// The view's name.
    pub view: String,
}

/// The director's shots for a story: where attacks act, defenses answer and harm is done.
#[must_use]
pub fn shots(plan: &Plan, story: &Story, speed: f64) -> Vec<Shot> {
    let shortest_ns = (SHOT_S * speed * 1e9) as u64;
    let mut shots = vec![Shot {
        from_ns: 0,
        view: "overview".to_owned(),
    }];
    for mark in &story.marks {
        let view = match mark.kind {
            MarkKind::Attack | MarkKind::Action => "network".to_owned(),
            MarkKind::Impact => {
                let column = mark.column.as_deref();
                let piece = column.and_then(|column| piece_with(plan, column));
                piece.unwrap_or_else(|| "overview".to_owned())
            }
            MarkKind::Alert | MarkKind::FalseAlert | MarkKind::NoReturn | MarkKind::Plant => {
                continue;
            }
        };
        let last = shots.last_mut().expect("there is one at the start");
        if last.view == view {
            continue;
        }
        // What comes too soon waits for its turn; what would wait for long is left out.
        let from_ns = mark.from_ns.max(last.from_ns + shortest_ns);
        if from_ns > mark.from_ns + 2 * shortest_ns {
            continue;
        }
        shots.push(Shot { from_ns, view });
    }
    shots
}

/// The piece on which a column of the truth is seen; for a motor, what it moves.
fn piece_with(plan: &Plan, column: &str) -> Option<String> {
    let signal = plan.signals.iter().find(|signal| signal.column == column)?;
    let piece = &plan.pieces[signal.piece];
    let shown = match (piece.kind, piece.mount) {
        (EquipmentKind::Motor, Some(mount)) => &plan.pieces[mount],
        _ => piece,
    };
    Some(shown.name.clone())
}

fn eased(share: f64) -> f32 {
    let share = share.clamp(0.0, 1.0);
    (share * share * (3.0 - 2.0 * share)) as f32
}

fn between(a: (Vec3, Vec3), b: (Vec3, Vec3), share: f32) -> (Vec3, Vec3) {
    (a.0.lerp(b.0, share), a.1.lerp(b.1, share))
}

/// The view with a name; the first one, over everything, if there is none.
fn view(views: &[View], name: &str) -> (Vec3, Vec3) {
    let named = views.iter().find(|view| view.name == name);
    let view = named.unwrap_or(&views[0]);
    (view.eye, view.target)
}

/// Where the director looks from at a time. There is a view and a shot at least.
#[must_use]
pub fn directed(
    views: &[View],
    shots: &[Shot],
    t_ns: u64,
    speed: f64,
    drifts: bool,
) -> (Vec3, Vec3) {
    let begun = shots.partition_point(|shot| shot.from_ns <= t_ns);
    let at = begun.saturating_sub(1);
    let shot = &shots[at];
    let seconds = (t_ns.saturating_sub(shot.from_ns)) as f64 / 1e9 / speed;
    let (mut eye, target) = view(views, &shot.view);
    if drifts {
        // A slow swing, so that the depth of the scene is seen.
        let swing = 0.06 * (0.25 * seconds).sin() as f32;
        eye = target + Quat::from_rotation_y(swing) * (eye - target);
    }
    match at.checked_sub(1) {
        Some(before) if seconds < FLIGHT_S => {
            let from = view(views, &shots[before].view);
            between(from, (eye, target), eased(seconds / FLIGHT_S))
        }
        _ => (eye, target),
    }
}

/// The director's shots, and what they were chosen for: how many marks the story had, and the speed.
#[derive(Default)]
struct Script {
    of: Option<(usize, f64)>,
    shots: Vec<Shot>,
}

fn move_eye(
    clock: Res<Clock>,
    time: Res<Time>,
    options: Res<StageOptions>,
    sides: Res<Sides>,
    mut script: Local<Script>,
    mut eye: ResMut<Eye>,
    mut cameras: Query<(&PlantCamera, &mut Transform)>,
) {
    let Some(first) = sides.list.first() else {
        return;
    };
    let of = Some((first.story.marks.len(), clock.speed));
    if script.of != of {
        script.of = of;
        script.shots = shots(&first.plan, &first.story, clock.speed);
    }
    let wanted = match &eye.aim {
        Aim::Free { eye, target } => (*eye, *target),
        Aim::View(name) => view(&first.views, name),
        Aim::Director => {
            let drifts = !options.reduced_motion;
            directed(&first.views, &script.shots, clock.t_ns, clock.speed, drifts)
        }
    };
    let place = match &mut eye.flight {
        Some((from, share)) if !options.reduced_motion => {
            *share += time.delta_secs() / FLIGHT_S as f32;
            between(*from, wanted, eased(f64::from(*share)))
        }
        _ => wanted,
    };
    if eye.flight.as_ref().is_some_and(|(_, share)| *share >= 1.0) {
        eye.flight = None;
    }
    eye.now = Some(place);
    // Half a picture is narrow: what fits into a whole one fits into it from farther away, below the panels.
    let place = if sides.are_compared() {
        let away = COMPARED_FARTHER * (place.0 - place.1);
        let target = place.1 + Vec3::Y * (0.13 * away.length());
        (target + away, target)
    } else {
        place
    };
    for (camera, mut at) in &mut cameras {
        let offset = sides.side(camera.0).offset;
        *at = Transform::from_translation(place.0 + offset).looking_at(place.1 + offset, Vec3::Y);
    }
}
