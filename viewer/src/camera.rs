//! Where one looks from: named views, a free orbit, and a director who goes where the next thing happens.
//!
//! **Invariant:** with the director, the eye is a function of the time and the speed, so that a film of a run is the
//! same every time.

use bevy::prelude::*;

use crate::model::plan::{Plan, View};
use crate::model::story::{MarkKind, Story};
use crate::stage::{Clock, Look, PlantCamera, Sides, StageOptions};

/// How long the eye takes from view to view, in seconds of the onlooker.
const FLIGHT_S: f64 = 1.6;

/// How long a shot lasts at least, in seconds of the onlooker.
const SHOT_S: f64 = 4.0;

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
            MarkKind::Impact => match mark
                .column
                .as_ref()
                .and_then(|column| piece_with(plan, column))
            {
                Some(piece) => piece,
                None => "overview".to_owned(),
            },
            MarkKind::Alert | MarkKind::FalseAlert | MarkKind::Plant => continue,
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

/// The piece on which a column of the truth is seen, or else one whose name the column begins with.
fn piece_with(plan: &Plan, column: &str) -> Option<String> {
    let shows = |signal: &crate::model::plan::Signal| signal.column == column;
    let signal = plan.signals.iter().find(|signal| shows(signal))?;
    let piece = &plan.pieces[signal.piece];
    let piece = piece
        .mount
        .filter(|_| piece.kind == sim_plant::view::EquipmentKind::Motor)
        .map_or(piece, |mount| &plan.pieces[mount]);
    Some(piece.name.clone())
}

fn eased(share: f64) -> f32 {
    let share = share.clamp(0.0, 1.0);
    (share * share * (3.0 - 2.0 * share)) as f32
}

fn between(a: (Vec3, Vec3), b: (Vec3, Vec3), share: f32) -> (Vec3, Vec3) {
    (a.0.lerp(b.0, share), a.1.lerp(b.1, share))
}

/// Where the director looks from at a time.
#[must_use]
pub fn directed(
    views: &[View],
    shots: &[Shot],
    t_ns: u64,
    speed: f64,
    drifts: bool,
) -> (Vec3, Vec3) {
    let place = |name: &str| {
        let view = views
            .iter()
            .find(|view| view.name == name)
            .or(views.first());
        view.map_or((Vec3::new(0.0, 5.0, 10.0), Vec3::ZERO), |view| {
            (view.eye, view.target)
        })
    };
    let at = shots
        .partition_point(|shot| shot.from_ns <= t_ns)
        .saturating_sub(1);
    let Some(shot) = shots.get(at) else {
        return place("overview");
    };
    let seconds = (t_ns.saturating_sub(shot.from_ns)) as f64 / 1e9 / speed;
    let (eye, target) = place(&shot.view);
    let here = if drifts {
        // A slow swing, so that the depth of the scene is seen.
        let swing = 0.06 * (0.25 * seconds).sin() as f32;
        (
            target + Quat::from_rotation_y(swing) * (eye - target),
            target,
        )
    } else {
        (eye, target)
    };
    match at.checked_sub(1) {
        Some(before) if seconds < FLIGHT_S => {
            between(place(&shots[before].view), here, eased(seconds / FLIGHT_S))
        }
        _ => here,
    }
}

fn move_eye(
    clock: Res<Clock>,
    time: Res<Time>,
    options: Res<StageOptions>,
    sides: Res<Sides>,
    mut eye: ResMut<Eye>,
    mut cameras: Query<(&PlantCamera, &mut Transform)>,
) {
    let Some(first) = sides.list.first() else {
        return;
    };
    let views = first.plan.views();
    let wanted = match &eye.aim {
        Aim::Free { eye, target } => (*eye, *target),
        Aim::View(name) => {
            let view = views
                .iter()
                .find(|view| view.name == *name)
                .or(views.first());
            view.map_or((Vec3::new(0.0, 5.0, 10.0), Vec3::ZERO), |view| {
                (view.eye, view.target)
            })
        }
        Aim::Director => {
            let shots = shots(&first.plan, &first.story, clock.speed);
            directed(
                &views,
                &shots,
                clock.t_ns,
                clock.speed,
                !options.reduced_motion,
            )
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
    for (camera, mut at) in &mut cameras {
        let offset = sides.side(camera.0).offset;
        *at = Transform::from_translation(place.0 + offset).looking_at(place.1 + offset, Vec3::Y);
    }
}
