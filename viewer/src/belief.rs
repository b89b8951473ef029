//! Truth beside belief: what the process does, and what the screen says that it does.
//!
//! Where both part, the row says so in words and the two values stand beside each other in their colours; the vessel in
//! the scene wears a ring where the screen believes its level to be.

use bevy::prelude::*;
use sim_plant::view::Aspect;

use crate::change::{see, tell};
use crate::model::moment::{Shown, Value};
use crate::model::plan::Signal;
use crate::palette;
use crate::panels::{Fonts, SidePanels, panel, spawn_screens, words};
use crate::stage::{Build, Layers, Look, ShownSide, Side, Sides};

/// Rows of the panel.
const ROWS: usize = 7;

/// Rows when two runs stand side by side, so that the plants are seen.
const ROWS_COMPARED: usize = 3;

/// Shows truth beside belief.
#[derive(Debug)]
pub struct BeliefPlugin;

impl Plugin for BeliefPlugin {
    fn build(&self, app: &mut App) {
        app.add_systems(
            Startup,
            spawn_panels.after(spawn_screens).in_set(Build::Panels),
        )
        .add_systems(Update, (show_panel, show_rows).chain().in_set(Look::Belief));
    }
}

/// The panel of a side.
#[derive(Component, Debug)]
pub struct BeliefPanel(pub Side);

/// Its heading, which says how many values are wrong.
#[derive(Component, Debug)]
struct Verdict(Side);

/// A row.
#[derive(Component, Clone, Copy, Debug)]
struct Row {
    side: Side,
    row: usize,
}

/// A cell of a row.
#[derive(Component, Clone, Copy, Debug)]
struct Cell {
    of: Row,
    what: What,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    Name,
    Truth,
    Sign,
    Shown,
}

/// A bar of a row: how full or how fast.
#[derive(Component, Clone, Copy, Debug)]
struct Bar {
    of: Row,
    claimed: bool,
}

fn spawn_panels(
    mut commands: Commands,
    fonts: Res<Fonts>,
    sides: Res<Sides>,
    screens: Query<(Entity, &SidePanels)>,
) {
    let rows = if sides.are_compared() {
        ROWS_COMPARED
    } else {
        ROWS
    };
    for (screen, SidePanels(side)) in &screens {
        let side = *side;
        let place = panel(Node {
            position_type: PositionType::Absolute,
            left: px(14),
            top: px(142),
            width: px(318),
            ..default()
        });
        let mut board = commands.spawn((place, BeliefPanel(side), ChildOf(screen)));
        board.with_children(|board| {
            let heading = Node {
                justify_content: JustifyContent::SpaceBetween,
                ..default()
            };
            board.spawn(heading).with_children(|heading| {
                heading.spawn(words("WHAT IS TRUE", &fonts.bold, 11.0, palette::TRUTH));
                heading.spawn(words(
                    "WHAT THE SCREEN SAYS",
                    &fonts.bold,
                    11.0,
                    palette::BELIEF,
                ));
            });
            for row in 0..rows {
                spawn_row(board, &fonts, Row { side, row });
            }
            board.spawn((words("", &fonts.bold, 12.5, palette::TEXT), Verdict(side)));
        });
    }
}

fn spawn_row(board: &mut ChildSpawnerCommands<'_>, fonts: &Fonts, of: Row) {
    let frame = Node {
        flex_direction: FlexDirection::Column,
        padding: UiRect::axes(px(6), px(3)),
        border_radius: BorderRadius::all(px(5)),
        border: UiRect::all(px(1)),
        ..default()
    };
    board
        .spawn((
            frame,
            of,
            BackgroundColor(Color::NONE),
            BorderColor::all(Color::NONE),
        ))
        .with_children(|frame| {
            let cell = |what: What| Cell { of, what };
            frame.spawn((words("", &fonts.text, 10.5, palette::DIM), cell(What::Name)));
            let values = Node {
                justify_content: JustifyContent::SpaceBetween,
                align_items: AlignItems::Center,
                ..default()
            };
            frame.spawn(values).with_children(|values| {
                values.spawn((
                    words("", &fonts.figures, 13.0, palette::TEXT),
                    cell(What::Truth),
                ));
                values.spawn((
                    words("", &fonts.bold, 13.0, palette::ATTACK),
                    cell(What::Sign),
                ));
                values.spawn((
                    words("", &fonts.figures, 13.0, palette::TEXT),
                    cell(What::Shown),
                ));
            });
            let bars = Node {
                column_gap: px(8),
                ..default()
            };
            frame.spawn(bars).with_children(|bars| {
                for (claimed, color) in [(false, palette::TRUTH), (true, palette::BELIEF)] {
                    let groove = Node {
                        flex_grow: 1.0,
                        flex_basis: px(0),
                        height: px(4),
                        border_radius: BorderRadius::all(px(2)),
                        overflow: Overflow::clip(),
                        ..default()
                    };
                    let ground = BackgroundColor(Color::srgba(1.0, 1.0, 1.0, 0.09));
                    bars.spawn((groove, ground)).with_children(|groove| {
                        let bar = Node {
                            width: percent(0),
                            height: percent(100),
                            ..default()
                        };
                        groove.spawn((bar, BackgroundColor(color), Bar { of, claimed }));
                    });
                }
            });
        });
}

/// Whether a value is worth a row when it is not wrong.
fn is_telling(signal: &Signal) -> bool {
    !signal.shown.is_empty() && !matches!(signal.aspect, Aspect::Fault | Aspect::Count)
}

/// The values of the panel: what is wrong first, then by the order of the plant. Returns signals.
#[must_use]
pub fn rows(shown: &ShownSide) -> Vec<usize> {
    let wrong = |signal: &usize| {
        let value = shown.moment.values.get(*signal);
        value.is_some_and(|value| value.parted || matches!(value.shown, Shown::Invalid(_)))
    };
    let all = 0..shown.plan.signals.len();
    let (mut first, rest): (Vec<usize>, Vec<usize>) = all
        .filter(|&signal| is_telling(&shown.plan.signals[signal]) || wrong(&signal))
        .partition(wrong);
    first.extend(rest);
    first.truncate(ROWS);
    first
}

/// How many values the screen shows wrong.
#[must_use]
pub fn wrong(shown: &ShownSide) -> usize {
    shown
        .moment
        .values
        .iter()
        .filter(|value| value.parted)
        .count()
}

/// Of how many values the screen has no answer and shows an old one at best.
#[must_use]
pub fn unanswered(shown: &ShownSide) -> usize {
    let values = shown.moment.values.iter();
    values
        .filter(|value| matches!(value.shown, Shown::Invalid(_)))
        .count()
}

fn show_panel(
    layers: Res<Layers>,
    sides: Res<Sides>,
    mut boards: Query<(&BeliefPanel, &mut BorderColor, &mut Visibility)>,
    mut verdicts: Query<(&Verdict, &mut Text, &mut TextColor)>,
) {
    for (board, mut border, mut visibility) in &mut boards {
        let shown = sides.side(board.0);
        let on = layers.belief && !rows(shown).is_empty();
        see(&mut visibility, on);
        let edge = if wrong(shown) > 0 {
            palette::ATTACK
        } else {
            palette::EDGE
        };
        border.set_if_neq(BorderColor::all(edge));
    }
    for (verdict, mut text, mut color) in &mut verdicts {
        let shown = sides.side(verdict.0);
        let (line, tint) = match (wrong(shown), unanswered(shown)) {
            (0, 0) => ("The screen tells the truth".to_owned(), palette::GOOD),
            (0, 1) => (
                "? The screen has no answer for a value".to_owned(),
                palette::WARNING,
            ),
            (0, count) => (
                format!("? The screen has no answer for {count} values"),
                palette::WARNING,
            ),
            (1, _) => (
                "\u{2260} The screen shows a wrong value".to_owned(),
                palette::ATTACK,
            ),
            (count, _) => (
                format!("\u{2260} The screen shows {count} wrong values"),
                palette::ATTACK,
            ),
        };
        tell(&mut text, line);
        color.set_if_neq(TextColor(tint));
    }
}

fn shown_text(signal: &Signal, value: Value) -> String {
    match value.shown {
        Shown::Valid(shown) => signal.text(shown),
        Shown::Invalid(Some(last)) => format!("{} ?", signal.text(last)),
        Shown::Invalid(None) => "no answer".to_owned(),
        Shown::Nowhere => "not shown".to_owned(),
    }
}

fn show_rows(
    sides: Res<Sides>,
    mut frames: Query<(&Row, &mut Node, &mut BackgroundColor, &mut BorderColor), Without<Bar>>,
    mut cells: Query<(&Cell, &mut Text, &mut TextColor)>,
    mut bars: Query<(&Bar, &mut Node), Without<Row>>,
) {
    let lists: Vec<Vec<usize>> = sides.list.iter().map(rows).collect();
    let of = |row: &Row| {
        let signal = *lists[row.side.0].get(row.row)?;
        let shown = sides.side(row.side);
        Some((
            shown,
            &shown.plan.signals[signal],
            *shown.moment.values.get(signal)?,
        ))
    };
    for (row, mut node, mut ground, mut border) in &mut frames {
        let found = of(row);
        let wanted = if found.is_some() {
            Display::Flex
        } else {
            Display::None
        };
        if node.display != wanted {
            node.display = wanted;
        }
        let is_wrong = found.is_some_and(|(_, _, value)| value.parted);
        let (tint, edge) = if is_wrong {
            (palette::ATTACK.with_alpha(0.22), palette::ATTACK)
        } else {
            (Color::NONE, Color::NONE)
        };
        ground.set_if_neq(BackgroundColor(tint));
        border.set_if_neq(BorderColor::all(edge));
    }
    for (cell, mut text, mut color) in &mut cells {
        let Some((shown, signal, value)) = of(&cell.of) else {
            continue;
        };
        let (line, tint) = match cell.what {
            What::Name => {
                let piece = &shown.plan.pieces[signal.piece];
                (
                    format!("{}: {}", piece.label, signal.label.to_lowercase()),
                    palette::DIM,
                )
            }
            What::Truth => {
                let tint = if signal.is_wrong(value.truth) {
                    palette::WARNING
                } else {
                    palette::TEXT
                };
                (signal.text(value.truth), tint)
            }
            What::Sign => {
                let sign = if value.parted { "\u{2260}" } else { "" };
                (sign.to_owned(), palette::ATTACK)
            }
            What::Shown => {
                let tint = if value.parted {
                    palette::BELIEF
                } else {
                    palette::TEXT
                };
                (shown_text(signal, value), tint)
            }
        };
        tell(&mut text, line);
        color.set_if_neq(TextColor(tint));
    }
    for (bar, mut node) in &mut bars {
        let share =
            of(&bar.of).map_or(0.0, |(_, signal, value)| match (bar.claimed, value.shown) {
                (false, _) => signal.share(value.truth),
                (true, Shown::Valid(shown) | Shown::Invalid(Some(shown))) => signal.share(shown),
                (true, Shown::Nowhere | Shown::Invalid(None)) => 0.0,
            });
        let wanted = percent(100.0 * share);
        if node.width != wanted {
            node.width = wanted;
        }
    }
}
