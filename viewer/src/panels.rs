//! What all panels are made of: fonts, texts, boxes, and where on the screen a side has its panels.

use bevy::prelude::*;

use crate::change::see;
use crate::palette;
use crate::stage::{Build, Layers, Look, Side, Sides, StageOptions};

/// Keeps what all panels share.
#[derive(Debug)]
pub struct PanelPlugin;

impl Plugin for PanelPlugin {
    fn build(&self, app: &mut App) {
        app.init_resource::<Fonts>()
            .add_systems(Startup, spawn_screens.in_set(Build::Panels))
            .add_systems(
                Update,
                (fit_scale, show_screens).chain().in_set(Look::Screens),
            );
    }
}

/// The fonts. Licenses stand in `assets/LICENSES.md`.
#[derive(Resource, Clone, Debug)]
pub struct Fonts {
    /// For text.
    pub text: Handle<Font>,
    /// For headings.
    pub bold: Handle<Font>,
    /// For figures.
    pub figures: Handle<Font>,
}

impl FromWorld for Fonts {
    fn from_world(world: &mut World) -> Self {
        let mut fonts = world.resource_mut::<Assets<Font>>();
        let mut add = |bytes: &[u8]| fonts.add(Font::from_bytes(bytes.to_vec()));
        Self {
            text: add(include_bytes!("../../assets/fonts/Inter-Medium.otf")),
            bold: add(include_bytes!("../../assets/fonts/Inter-Bold.otf")),
            figures: add(include_bytes!(
                "../../assets/fonts/JetBrainsMono-Medium.ttf"
            )),
        }
    }
}

/// Height of the picture for which sizes of text are given, pixels.
const DESIGN_HEIGHT_PX: f32 = 720.0;

/// Panels as large as the picture is, so that they can be read at 640 x 360 as at 4K.
pub fn fit_scale(options: Res<StageOptions>, mut scale: ResMut<UiScale>) {
    let wanted = options.size.y as f32 / DESIGN_HEIGHT_PX;
    if (scale.0 - wanted).abs() > 1e-4 {
        scale.0 = wanted;
    }
}

/// A text.
#[must_use]
pub fn words(text: impl Into<String>, font: &Handle<Font>, px: f32, color: Color) -> impl Bundle {
    (
        Text::new(text),
        TextFont {
            font: font.clone().into(),
            font_size: FontSize::Px(px),
            ..default()
        },
        TextColor(color),
    )
}

/// A panel with rounded corners.
#[must_use]
pub fn panel(node: Node) -> impl Bundle {
    (
        Node {
            flex_direction: FlexDirection::Column,
            padding: UiRect::axes(px(12), px(9)),
            row_gap: px(4),
            border: UiRect::all(px(1)),
            border_radius: BorderRadius::all(px(8)),
            ..node
        },
        BackgroundColor(palette::PANEL),
        BorderColor::all(palette::EDGE),
    )
}

/// The part of the screen that holds a side's panels.
#[derive(Component, Clone, Copy, Debug)]
pub struct SidePanels(pub Side);

/// The part of the screen that belongs to all sides.
#[derive(Component, Clone, Copy, Debug)]
pub struct CommonPanels;

/// Height of the timeline, px at the design height.
pub const TIMELINE_PX: f32 = 92.0;

/// Spawns the parts of the screen.
pub fn spawn_screens(mut commands: Commands, sides: Res<Sides>) {
    let share = 100.0 / sides.list.len().max(1) as f32;
    for number in 0..sides.list.len() {
        commands.spawn((
            SidePanels(Side(number)),
            Node {
                position_type: PositionType::Absolute,
                left: percent(share * number as f32),
                width: percent(share),
                top: px(0),
                bottom: px(TIMELINE_PX),
                ..default()
            },
            GlobalZIndex(2),
        ));
    }
    commands.spawn((
        CommonPanels,
        Node {
            position_type: PositionType::Absolute,
            left: px(0),
            right: px(0),
            top: px(0),
            bottom: px(0),
            ..default()
        },
        GlobalZIndex(3),
    ));
}

type AnyScreen = Or<(With<SidePanels>, With<CommonPanels>)>;

/// Panels are there while they are wanted.
pub fn show_screens(layers: Res<Layers>, mut screens: Query<&mut Visibility, AnyScreen>) {
    for mut visibility in &mut screens {
        see(&mut visibility, layers.panels);
    }
}

/// A simulated time as people read it: `00:42:10`.
#[must_use]
pub fn clock(t_ns: u64) -> String {
    let seconds = t_ns / 1_000_000_000;
    format!(
        "{:02}:{:02}:{:02}",
        seconds / 3600,
        seconds / 60 % 60,
        seconds % 60
    )
}

#[cfg(test)]
mod tests {
    #[test]
    fn clock_when_shown_then_hours_minutes_seconds() {
        assert_eq!(super::clock(2_530_900_000_000), "00:42:10");
        assert_eq!(super::clock(360_000_000_000_000), "100:00:00");
    }
}
