//! Names over things, and the legend of colours.

use bevy::prelude::*;
use sim_plant::view::EquipmentKind;
use twinrange_range::evidence::frames::Protocol;

use crate::change::see;
use crate::model::layout::CARRY_M;
use crate::palette;
use crate::panels::{CommonPanels, Fonts, TIMELINE_PX, spawn_screens, words};
use crate::stage::{Build, Layers, Look, PlantCamera, Side, Sides};

/// Names of pieces that are shown at most of each side, the nearest first.
const PIECES_NAMED: usize = 16;

/// How near a label's middle may come to the edge of its side's picture, px at the design height.
const EDGE_PX: f32 = 28.0;

/// Half the width of a label, px at the design height.
const HALF_PX: f32 = 70.0;

/// Shows names and the legend.
#[derive(Debug)]
pub struct LabelPlugin;

impl Plugin for LabelPlugin {
    fn build(&self, app: &mut App) {
        app.add_systems(
            Startup,
            (spawn_labels, spawn_legend)
                .chain()
                .after(spawn_screens)
                .in_set(Build::Panels),
        )
        .add_systems(Update, place_labels.in_set(Look::Names));
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum LabelOf {
    Host,
    Zone,
    Piece,
}

/// A name at a place of the scene.
#[derive(Component, Clone, Copy, Debug)]
struct Named {
    side: Side,
    at: Vec3,
    of: LabelOf,
}

fn spawn_labels(mut commands: Commands, fonts: Res<Fonts>, sides: Res<Sides>) {
    for (number, shown) in sides.list.iter().enumerate() {
        let side = Side(number);
        let plan = &shown.plan;
        let hosts = plan
            .hosts
            .iter()
            .map(|host| (host.name.clone(), host.node - Vec3::Y * 0.12, LabelOf::Host));
        let switches = plan.switches.iter();
        let switches = switches.map(|switch| {
            (
                switch.name.clone(),
                switch.node + Vec3::Y * 0.32,
                LabelOf::Host,
            )
        });
        let zones = plan.zones.iter().map(|zone| {
            let (low, high) = zone.floor;
            let corner = Vec3::new(low.x + 0.2, 0.05, high.z);
            (format!("zone {}", zone.name), corner, LabelOf::Zone)
        });
        let pieces = plan
            .pieces
            .iter()
            .filter(|piece| piece.kind != EquipmentKind::Motor);
        let pieces = pieces.map(|piece| {
            let top = match piece.kind {
                EquipmentKind::Tank => piece.size.y + 1.25,
                EquipmentKind::Filler | EquipmentKind::Capper | EquipmentKind::Inspection => {
                    CARRY_M + 0.75
                }
                EquipmentKind::Conveyor | EquipmentKind::Table => 0.35,
                _ => piece.size.y + 0.2,
            };
            (
                piece.label.clone(),
                piece.at + Vec3::Y * top,
                LabelOf::Piece,
            )
        });
        for (name, at, of) in hosts.chain(switches).chain(zones).chain(pieces) {
            let (ground, tint, px_size) = match of {
                LabelOf::Host => (
                    Color::srgba(0.02, 0.05, 0.08, 0.78),
                    Color::srgb(0.70, 0.88, 1.0),
                    10.0,
                ),
                LabelOf::Zone => (Color::NONE, Color::srgb(0.55, 0.80, 1.0), 12.0),
                LabelOf::Piece => (Color::srgba(0.05, 0.05, 0.05, 0.62), palette::TEXT, 9.5),
            };
            let frame = Node {
                position_type: PositionType::Absolute,
                width: px(2.0 * HALF_PX),
                justify_content: JustifyContent::Center,
                ..default()
            };
            let at = at + shown.offset;
            let label = (
                frame,
                Named { side, at, of },
                Visibility::Hidden,
                GlobalZIndex(1),
            );
            commands.spawn(label).with_children(|label| {
                let plate = Node {
                    padding: UiRect::axes(px(5), px(1)),
                    border_radius: BorderRadius::all(px(3)),
                    ..default()
                };
                label
                    .spawn((plate, BackgroundColor(ground)))
                    .with_children(|plate| {
                        plate.spawn(words(name, &fonts.bold, px_size, tint));
                    });
            });
        }
    }
}

fn spawn_legend(
    mut commands: Commands,
    fonts: Res<Fonts>,
    common: Query<Entity, With<CommonPanels>>,
) {
    let Ok(common) = common.single() else { return };
    let frame = Node {
        position_type: PositionType::Absolute,
        left: px(14),
        bottom: px(TIMELINE_PX + 8.0),
        column_gap: px(10),
        padding: UiRect::axes(px(8), px(3)),
        border_radius: BorderRadius::all(px(5)),
        ..default()
    };
    commands
        .spawn((frame, BackgroundColor(palette::PANEL), ChildOf(common)))
        .with_children(|legend| {
            let kinds = [
                ("reads", palette::protocol(Protocol::ModbusRead)),
                ("writes", palette::protocol(Protocol::ModbusWrite)),
                ("engineering", palette::protocol(Protocol::Engineering)),
                ("ARP", palette::protocol(Protocol::Arp)),
                ("TCP", palette::protocol(Protocol::Tcp)),
                ("attack", palette::ATTACK),
                ("blocked", palette::DEFENSE),
            ];
            for (name, color) in kinds {
                let entry = Node {
                    column_gap: px(4),
                    align_items: AlignItems::Center,
                    ..default()
                };
                legend.spawn(entry).with_children(|entry| {
                    let dot = Node {
                        width: px(8),
                        height: px(8),
                        border_radius: BorderRadius::all(px(4)),
                        ..default()
                    };
                    entry.spawn((dot, BackgroundColor(color)));
                    entry.spawn(words(name, &fonts.text, 9.5, palette::DIM));
                });
            }
        });
}

fn place_labels(
    layers: Res<Layers>,
    scale: Res<UiScale>,
    cameras: Query<(&PlantCamera, &Camera, &Transform)>,
    mut labels: Query<(Entity, &Named, &mut Node, &mut Visibility)>,
) {
    let mut near: Vec<Entity> = Vec::new();
    for (of, _, eye) in &cameras {
        let pieces = labels
            .iter()
            .filter(|(_, named, _, _)| named.of == LabelOf::Piece && named.side == of.0);
        let mut own: Vec<(f32, Entity)> = pieces
            .map(|(entity, named, _, _)| (eye.translation.distance(named.at), entity))
            .collect();
        own.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        near.extend(own.into_iter().take(PIECES_NAMED).map(|(_, entity)| entity));
    }
    for (entity, named, mut node, mut visibility) in &mut labels {
        let camera = cameras.iter().find(|(of, _, _)| of.0 == named.side);
        // The camera's own transform, since the global one is a frame behind.
        let place = camera.and_then(|(_, camera, at)| {
            let eye = GlobalTransform::from(*at);
            let place = camera.world_to_viewport(&eye, named.at).ok()?;
            // No name reaches over into the other side's picture.
            let port = camera.logical_viewport_rect()?;
            let margin = Vec2::new(EDGE_PX * scale.0, 0.0);
            Rect::from_corners(port.min + margin, port.max - margin)
                .contains(place)
                .then_some(place)
        });
        let on = layers.labels
            && (named.of == LabelOf::Piece || layers.network)
            && (named.of != LabelOf::Piece || near.contains(&entity));
        let inside = place.filter(|_| on);
        see(&mut visibility, inside.is_some());
        if let Some(place) = inside {
            node.left = px(place.x / scale.0 - HALF_PX);
            node.top = px(place.y / scale.0);
        }
    }
}
