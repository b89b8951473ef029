//! Keeps the plant as the moment of its side says.

use std::f32::consts::FRAC_PI_2;

use bevy::prelude::*;
use sim_plant::view::{Aspect, ItemShape};

use super::build::{PlantRoot, item};
use super::{
    ClaimedLevel, Follows, Heats, ItemClosure, ItemContent, ItemJet, ItemSlot, Lamp, LampColor,
    LampOf, Liquid, Motion, Moves, PipeArrow, Puddle, WhileGrowing, WhileOn,
};
use crate::builder::Builder;
use crate::change::{paint, see};
use crate::kit::Kit;
use crate::model::layout::CARRY_M;
use crate::model::moment::{Mode, Shown, Value};
use crate::stage::{Layers, ShownSide, Side, Sides, StageOptions};

/// Share of its range below which something stands still.
const STILL: f32 = 0.01;

fn value(sides: &Sides, of: Follows) -> Value {
    let values = &sides.side(of.side).moment.values;
    values.get(of.signal).copied().unwrap_or_default()
}

fn share(sides: &Sides, of: Follows) -> f32 {
    let side = sides.side(of.side);
    side.plan.signals[of.signal].share(value(sides, of).truth)
}

/// Items stand where they are, as full as they are. Items that have no body yet get one.
#[expect(clippy::too_many_arguments, reason = "each is one query or store")]
#[expect(clippy::type_complexity, reason = "queries name what they touch")]
pub fn show_items(
    mut commands: Commands,
    mut meshes: ResMut<Assets<Mesh>>,
    mut kit: ResMut<Kit>,
    sides: Res<Sides>,
    mut roots: Query<(Entity, &Side, &mut PlantRoot)>,
    mut bodies: Query<(&ItemSlot, &mut Transform, &mut Visibility)>,
    mut contents: Query<
        (
            &ItemContent,
            &mut Transform,
            &mut Visibility,
            &mut MeshMaterial3d<StandardMaterial>,
        ),
        (Without<ItemSlot>, Without<ItemJet>),
    >,
    mut closures: Query<
        (&ItemClosure, &mut Visibility),
        (Without<ItemSlot>, Without<ItemContent>, Without<ItemJet>),
    >,
    mut jets: Query<
        (&ItemJet, &mut Transform, &mut Visibility),
        (Without<ItemSlot>, Without<ItemContent>),
    >,
) {
    for (root, side, mut made) in &mut roots {
        let shown = sides.side(*side);
        while made.items < shown.moment.items.len() {
            let mut builder = Builder {
                commands: &mut commands,
                meshes: &mut meshes,
                kit: &mut kit,
                side: *side,
            };
            item(&mut builder, &shown.plan, root, made.items);
            made.items += 1;
        }
    }
    for (slot, mut at, mut visibility) in &mut bodies {
        let shown = sides.side(slot.side);
        let item = shown.moment.items.get(slot.slot);
        see(&mut visibility, item.is_some());
        let Some(item) = item else { continue };
        let boxed = shown.plan.item.shape == ItemShape::Box;
        let lift = if boxed {
            0.5 * shown.plan.item.height_m as f32
        } else {
            0.0
        };
        let mut place = Transform::from_translation(item.at + Vec3::Y * lift);
        if item.fallen || item.broken {
            place.translation.y += 0.5 * shown.plan.item.width_m as f32;
            place.rotation = Quat::from_rotation_y(0.4 * (item.id % 7) as f32)
                * Quat::from_rotation_z(FRAC_PI_2);
        }
        if item.broken {
            place.scale = Vec3::new(0.8, 0.55, 0.8);
        }
        *at = place;
    }
    let height_of = |side: Side| sides.side(side).plan.item.height_m as f32;
    for (content, mut at, mut visibility, mut material) in &mut contents {
        let shown = sides.side(content.of.side);
        let item = shown.moment.items.get(content.of.slot);
        let fill = item.map_or(0.0, |item| item.fill);
        let opaque = shown.plan.item.shape != ItemShape::Bottle;
        see(&mut visibility, fill > 0.005 && !opaque);
        at.scale = Vec3::new(
            1.0,
            (fill * CONTENT_SHARE * height_of(content.of.side)).max(0.001),
            1.0,
        );
        let wanted = match item {
            Some(item) if item.short => &kit.materials.short,
            _ => &kit.materials.liquid,
        };
        paint(&mut material, wanted);
    }
    for (closure, mut visibility) in &mut closures {
        let item = sides
            .side(closure.of.side)
            .moment
            .items
            .get(closure.of.slot);
        see(&mut visibility, item.is_some_and(|item| item.closed));
    }
    for (jet, mut at, mut visibility) in &mut jets {
        let item = sides.side(jet.of.side).moment.items.get(jet.of.slot);
        see(&mut visibility, item.is_some_and(|item| item.filling));
        let Some(item) = item else { continue };
        let height = height_of(jet.of.side);
        let (surface, nozzle) = (item.fill * CONTENT_SHARE * height, 0.31);
        at.translation = Vec3::Y * surface;
        at.scale = Vec3::new(1.0, (nozzle - surface).max(0.01), 1.0);
    }
}

/// Height of the content of a full item as a share of its height.
pub const CONTENT_SHARE: f32 = 0.80;

/// Vessels are as full as they are.
pub fn show_levels(sides: Res<Sides>, mut liquids: Query<(&Liquid, &mut Transform)>) {
    for (liquid, mut at) in &mut liquids {
        at.scale.y = (share(&sides, liquid.of) * liquid.full_m).max(0.001);
    }
}

/// Rings stand at the level that the screen claims, wherever it is shown and is not the true one.
pub fn show_beliefs(
    sides: Res<Sides>,
    layers: Res<Layers>,
    mut rings: Query<(&ClaimedLevel, &mut Transform, &mut Visibility)>,
) {
    for (claim, mut at, mut visibility) in &mut rings {
        let signal = &sides.side(claim.of.side).plan.signals[claim.of.signal];
        let value = value(&sides, claim.of);
        let claimed = match value.shown {
            Shown::Valid(claimed) if value.parted => Some(claimed),
            _ => None,
        };
        see(&mut visibility, layers.belief && claimed.is_some());
        if let Some(claimed) = claimed {
            at.translation.y = claim.floor_m + signal.share(claimed) * claim.full_m;
        }
    }
}

/// Belts, shafts, handles and hoists move; arrows run through pipes that flow.
pub fn show_motion(
    sides: Res<Sides>,
    mut movers: Query<(&Moves, &mut Transform), Without<PipeArrow>>,
    mut arrows: Query<(&PipeArrow, &mut Transform, &mut Visibility)>,
) {
    for (moves, mut at) in &mut movers {
        let value = value(&sides, moves.of);
        match moves.how {
            Motion::Slat {
                from_m,
                length_m,
                offset_m,
            } => {
                let way = (value.travel + f64::from(offset_m)).rem_euclid(f64::from(length_m));
                at.translation = Vec3::new(from_m + way as f32, CARRY_M - 0.002, 0.0);
            }
            Motion::Turn { radius_m } => {
                let turn = (value.travel / f64::from(radius_m)).rem_euclid(std::f64::consts::TAU);
                at.rotation = Quat::from_rotation_y(FRAC_PI_2) * Quat::from_rotation_z(turn as f32);
            }
            Motion::Push { from, to } => at.translation = from.lerp(to, share(&sides, moves.of)),
            Motion::Handle => {
                at.rotation = Quat::from_rotation_y(FRAC_PI_2 * (1.0 - share(&sides, moves.of)));
            }
        }
    }
    for (arrow, mut at, mut visibility) in &mut arrows {
        let flow = share(&sides, arrow.of);
        see(&mut visibility, flow > STILL);
        if flow > STILL {
            let t_s = sides.side(arrow.of.side).moment.t_ns as f64 / 1e9;
            let way_m = f64::from(arrow.begin_m) + 0.35 * t_s;
            *at = along(
                &arrow.path,
                way_m.rem_euclid(f64::from(arrow.length_m)) as f32,
            );
        }
    }
}

/// A place on a way and the direction of the way there, y pointing ahead.
#[must_use]
pub fn along(path: &[Vec3], way_m: f32) -> Transform {
    let mut left = way_m;
    for leg in path.windows(2) {
        let length = leg[0].distance(leg[1]);
        if left <= length && length > 0.0 {
            let ahead = (leg[1] - leg[0]) / length;
            return Transform::from_translation(leg[0] + ahead * left)
                .with_rotation(Quat::from_rotation_arc(Vec3::Y, ahead));
        }
        left -= length;
    }
    Transform::from_translation(path.last().copied().unwrap_or_default())
}

/// Puddles are as large as what lies on the floor; what runs over is seen while it does; so are people in danger.
#[expect(clippy::type_complexity, reason = "queries name what they touch")]
pub fn show_spills(
    sides: Res<Sides>,
    mut puddles: Query<(&Puddle, &mut Transform, &mut Visibility)>,
    mut growing: Query<(&WhileGrowing, &mut Visibility), (Without<Puddle>, Without<WhileOn>)>,
    mut on: Query<(&WhileOn, &mut Visibility), (Without<Puddle>, Without<WhileGrowing>)>,
) {
    for (puddle, mut at, mut visibility) in &mut puddles {
        let share = share(&sides, puddle.of);
        see(&mut visibility, share > 0.002);
        // The area grows with the volume.
        let scale = 0.15 + 0.85 * share.sqrt();
        at.scale = Vec3::new(scale, 1.0, scale);
    }
    for (growing, mut visibility) in &mut growing {
        see(&mut visibility, value(&sides, growing.of).rate > 1e-6);
    }
    for (on, mut visibility) in &mut on {
        see(&mut visibility, value(&sides, on.of).truth > 0.0);
    }
}

/// Lamps tell what stands still, works or has a fault; motors glow when they are hot.
pub fn show_lamps(
    sides: Res<Sides>,
    kit: Res<Kit>,
    options: Res<StageOptions>,
    mut lamps: Query<(&Lamp, &mut MeshMaterial3d<StandardMaterial>), Without<Heats>>,
    mut hot: Query<(&Heats, &mut MeshMaterial3d<StandardMaterial>)>,
) {
    let materials = &kit.materials;
    for (lamp, mut material) in &mut lamps {
        let shown = sides.side(lamp.side);
        let state = match lamp.of {
            LampOf::Piece(piece) => piece_state(shown, piece),
            LampOf::Host(host) => host_state(shown, host),
        };
        let blink = (shown.moment.t_ns / 400_000_000).is_multiple_of(2) || options.reduced_motion;
        let wanted = match lamp.color {
            LampColor::Green if state == State::Works => &materials.green,
            LampColor::Amber if state == State::Stands => &materials.amber,
            LampColor::Red if state == State::Fails && blink => &materials.alarm,
            _ => &materials.unlit,
        };
        paint(&mut material, wanted);
    }
    for (heats, mut material) in &mut hot {
        let signal = &sides.side(heats.of.side).plan.signals[heats.of.signal];
        let truth = value(&sides, heats.of).truth;
        let wanted = match signal.limits.1 {
            Some(high) if truth > high => &materials.alarm,
            Some(high) if truth > 0.8 * high => &materials.amber,
            _ => &materials.blue,
        };
        paint(&mut material, wanted);
    }
}

/// What a machine does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It works, or could.
    Works,
    /// It stands still.
    Stands,
    /// It has a fault, somebody is in danger at it, or its controller has no power.
    Fails,
}

fn host_state(shown: &ShownSide, host: usize) -> State {
    match shown.moment.modes.get(host) {
        Some(Mode::Run) => State::Works,
        Some(Mode::Stopped) => State::Stands,
        Some(Mode::Off) => State::Fails,
        Some(Mode::None) | None => State::Stands,
    }
}

/// What a machine does, from its faults, its speed and the mode of its controller.
#[must_use]
pub fn piece_state(shown: &ShownSide, piece: usize) -> State {
    let piece = &shown.plan.pieces[piece];
    let of = |aspect: Aspect| {
        let mut signals = piece.signals.iter().copied();
        let found = signals.find(|&signal| shown.plan.signals[signal].aspect == aspect)?;
        Some((found, shown.moment.values.get(found)?.truth))
    };
    let is_on = |aspect: Aspect| of(aspect).is_some_and(|(_, value)| value > 0.0);
    if is_on(Aspect::Fault) || is_on(Aspect::Danger) {
        return State::Fails;
    }
    if let Some(controller) = piece.controller
        && host_state(shown, controller) != State::Works
    {
        return State::Stands;
    }
    match of(Aspect::Speed) {
        Some((signal, value)) if shown.plan.signals[signal].share(value) <= STILL => State::Stands,
        _ => State::Works,
    }
}
