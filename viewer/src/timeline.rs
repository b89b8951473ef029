//! The story: a timeline with the steps of the attack, alerts, actions and impacts; what happens now in plain words;
//! and the figures.

use bevy::prelude::*;
use twinrange_score::continuity::Prices;

use crate::change::{see, tell};
use crate::model::story::{Figures, Mark, MarkKind, Story};
use crate::palette;
use crate::panels::{
    CommonPanels, Fonts, SidePanels, TIMELINE_PX, clock, panel, spawn_screens, words,
};
use crate::stage::{Build, Clock, Look, ShownSide, Side, Sides};

/// Lines of the list of events.
const EVENTS: usize = 6;

/// How long ago an event may be and still stand in the list, simulated ns.
const EVENT_AGE_NS: u64 = 600_000_000_000;

/// Shows the story.
#[derive(Debug)]
pub struct TimelinePlugin;

impl Plugin for TimelinePlugin {
    fn build(&self, app: &mut App) {
        app.add_systems(
            Startup,
            (spawn_story, spawn_timeline)
                .chain()
                .after(spawn_screens)
                .in_set(Build::Panels),
        )
        .add_systems(
            Update,
            (
                show_titles,
                show_caption,
                show_events,
                show_playhead,
                show_lanes,
            )
                .chain()
                .in_set(Look::Story),
        );
    }
}

#[derive(Component, Debug)]
struct Title(Side);

#[derive(Component, Clone, Copy, Debug)]
struct FigureCell {
    side: Side,
    what: Figure,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Figure {
    Oee,
    Good,
    Lost,
    Money,
    Risk,
}

impl Figure {
    const ALL: [(Self, &'static str); 5] = [
        (Self::Oee, "OEE"),
        (Self::Good, "GOOD PARTS"),
        (Self::Lost, "PARTS LOST"),
        (Self::Money, "LOSS"),
        (Self::Risk, "AT RISK"),
    ];
}

/// The caption of a side: what happens now, in plain words.
#[derive(Component, Debug)]
pub struct Caption(pub Side);

#[derive(Component, Debug)]
struct CaptionHead(Side);

#[derive(Component, Debug)]
struct CaptionText(Side);

#[derive(Component, Clone, Copy, Debug)]
struct EventLine {
    side: Side,
    line: usize,
}

#[derive(Component, Debug)]
struct EventBoard(Side);

/// The bar on which the time runs; a click on it goes to that time.
#[derive(Component, Debug)]
pub struct TimeTrack;

#[derive(Component, Debug)]
struct Playhead;

#[derive(Component, Debug)]
struct ClockText;

/// A lane of marks; it is filled anew when the story of its side has grown.
#[derive(Component, Debug)]
struct Lane {
    side: Side,
    lane: usize,
    /// From when to when its marks were when it was filled, ns.
    filled: Option<Vec<(u64, u64)>>,
}

/// Kinds of the lanes of a side, from top to bottom.
const LANES: [(&str, &[MarkKind]); 4] = [
    ("attack", &[MarkKind::Attack]),
    ("alerts", &[MarkKind::Alert, MarkKind::FalseAlert]),
    ("actions", &[MarkKind::Action]),
    ("harm", &[MarkKind::NoReturn, MarkKind::Impact]),
];

/// The colour of a mark.
#[must_use]
pub fn mark_color(kind: MarkKind) -> Color {
    match kind {
        MarkKind::Attack => palette::ATTACK,
        MarkKind::Alert => palette::DEFENSE,
        MarkKind::FalseAlert => palette::DIM,
        MarkKind::Action => palette::GOOD,
        MarkKind::NoReturn => palette::TURN,
        MarkKind::Impact => palette::WARNING,
        MarkKind::Plant => palette::TEXT,
    }
}

fn mark_word(kind: MarkKind) -> &'static str {
    match kind {
        MarkKind::Attack => "attack",
        MarkKind::Alert => "alert",
        MarkKind::FalseAlert => "false alarm",
        MarkKind::Action => "defense",
        MarkKind::NoReturn => "no return",
        MarkKind::Impact => "harm",
        MarkKind::Plant => "plant",
    }
}

fn spawn_story(
    mut commands: Commands,
    fonts: Res<Fonts>,
    sides: Res<Sides>,
    screens: Query<(Entity, &SidePanels)>,
) {
    for (screen, SidePanels(side)) in &screens {
        let side = *side;
        let place = panel(Node {
            position_type: PositionType::Absolute,
            left: px(14),
            top: px(12),
            width: px(318),
            ..default()
        });
        commands
            .spawn((place, ChildOf(screen)))
            .with_children(|board| {
                board.spawn((words("", &fonts.bold, 14.0, palette::TEXT), Title(side)));
                let grid = Node {
                    flex_wrap: FlexWrap::Wrap,
                    column_gap: px(14),
                    row_gap: px(3),
                    ..default()
                };
                board.spawn(grid).with_children(|grid| {
                    for (what, name) in Figure::ALL {
                        let cell = Node {
                            flex_direction: FlexDirection::Column,
                            min_width: px(84),
                            ..default()
                        };
                        grid.spawn(cell).with_children(|cell| {
                            cell.spawn(words(name, &fonts.bold, 9.0, palette::DIM));
                            cell.spawn((
                                words("", &fonts.figures, 15.0, palette::TEXT),
                                FigureCell { side, what },
                            ));
                        });
                    }
                });
            });
        spawn_caption(&mut commands, &fonts, screen, side, sides.are_compared());
        // Side by side, the timeline tells what happened, and the plants are seen.
        if sides.are_compared() {
            continue;
        }
        let place = panel(Node {
            position_type: PositionType::Absolute,
            right: px(14),
            bottom: px(10),
            width: px(390),
            ..default()
        });
        commands
            .spawn((place, EventBoard(side), ChildOf(screen)))
            .with_children(|board| {
                for line in 0..EVENTS {
                    board.spawn((
                        words("", &fonts.text, 10.5, palette::DIM),
                        EventLine { side, line },
                    ));
                }
            });
    }
}

fn spawn_caption(
    commands: &mut Commands<'_, '_>,
    fonts: &Fonts,
    screen: Entity,
    side: Side,
    are_compared: bool,
) {
    let (left, right) = if are_compared {
        (px(346), px(14))
    } else {
        (px(350), px(350))
    };
    let place = panel(Node {
        position_type: PositionType::Absolute,
        left,
        right,
        top: px(12),
        align_items: AlignItems::Center,
        ..default()
    });
    let mut board = commands.spawn((place, Caption(side), Visibility::Hidden, ChildOf(screen)));
    board.with_children(|board| {
        board.spawn((
            words("", &fonts.bold, 13.5, palette::TEXT),
            CaptionHead(side),
        ));
        board.spawn((
            words("", &fonts.text, 12.0, palette::TEXT),
            TextLayout::justify(Justify::Center),
            CaptionText(side),
        ));
    });
}

fn spawn_timeline(
    mut commands: Commands,
    fonts: Res<Fonts>,
    sides: Res<Sides>,
    common: Query<Entity, With<CommonPanels>>,
) {
    let Ok(common) = common.single() else { return };
    let strip = (
        Node {
            position_type: PositionType::Absolute,
            left: px(0),
            right: px(0),
            bottom: px(0),
            height: px(TIMELINE_PX),
            padding: UiRect::axes(px(14), px(8)),
            column_gap: px(12),
            ..default()
        },
        BackgroundColor(palette::PANEL),
    );
    commands
        .spawn((strip, ChildOf(common)))
        .with_children(|strip| {
            let left = Node {
                flex_direction: FlexDirection::Column,
                width: px(136),
                row_gap: px(2),
                ..default()
            };
            strip.spawn(left).with_children(|left| {
                left.spawn((words("", &fonts.figures, 17.0, palette::TEXT), ClockText));
                left.spawn(words("Space play   H help", &fonts.text, 9.5, palette::DIM));
            });
            let names = Node {
                flex_direction: FlexDirection::Column,
                width: px(40),
                justify_content: JustifyContent::SpaceBetween,
                ..default()
            };
            strip.spawn(names).with_children(|names| {
                for (name, _) in LANES {
                    names.spawn(words(name, &fonts.text, 9.0, palette::DIM));
                }
            });
            let track = (
                TimeTrack,
                Interaction::default(),
                bevy::ui::RelativeCursorPosition::default(),
                Node {
                    flex_grow: 1.0,
                    flex_direction: FlexDirection::Column,
                    row_gap: px(3),
                    ..default()
                },
            );
            strip.spawn(track).with_children(|track| {
                for lane in 0..LANES.len() {
                    for number in 0..sides.list.len() {
                        let groove = Node {
                            flex_grow: 1.0,
                            flex_basis: px(0),
                            border_radius: BorderRadius::all(px(2)),
                            overflow: Overflow::clip(),
                            ..default()
                        };
                        track.spawn((
                            groove,
                            BackgroundColor(Color::srgba(1.0, 1.0, 1.0, 0.06)),
                            Lane {
                                side: Side(number),
                                lane,
                                filled: None,
                            },
                        ));
                    }
                }
                let head = Node {
                    position_type: PositionType::Absolute,
                    top: px(-3),
                    bottom: px(-3),
                    width: px(2),
                    ..default()
                };
                track.spawn((head, BackgroundColor(Color::WHITE), Playhead));
            });
        });
}

/// How long the timeline is, ns.
#[must_use]
pub fn length_ns(sides: &Sides) -> u64 {
    let planned = sides.list.iter().map(|side| side.story.duration_ns).max();
    planned.unwrap_or(0).max(sides.end_ns()).max(1)
}

fn show_lanes(mut commands: Commands, sides: Res<Sides>, mut lanes: Query<(Entity, &mut Lane)>) {
    let length = length_ns(&sides) as f64;
    for (entity, mut lane) in &mut lanes {
        let kinds = LANES[lane.lane].1;
        let story = &sides.side(lane.side).story;
        let marks = || story.marks.iter().filter(|mark| kinds.contains(&mark.kind));
        let spans: Vec<(u64, u64)> = marks().map(|mark| (mark.from_ns, mark.to_ns)).collect();
        if lane.filled.as_ref() == Some(&spans) {
            continue;
        }
        lane.filled = Some(spans);
        commands.entity(entity).despawn_related::<Children>();
        for mark in marks() {
            let left = 100.0 * mark.from_ns as f64 / length;
            let wide = 100.0 * (mark.to_ns - mark.from_ns) as f64 / length;
            let node = Node {
                position_type: PositionType::Absolute,
                left: percent(left as f32),
                width: percent(wide as f32),
                min_width: px(3),
                top: px(0),
                bottom: px(0),
                border_radius: BorderRadius::all(px(2)),
                ..default()
            };
            let color = mark_color(mark.kind).with_alpha(0.85);
            commands.spawn((node, BackgroundColor(color), ChildOf(entity)));
        }
    }
}

fn show_playhead(
    time: Res<Clock>,
    sides: Res<Sides>,
    mut heads: Query<&mut Node, With<Playhead>>,
    mut clocks: Query<&mut Text, With<ClockText>>,
) {
    let share = time.t_ns as f64 / length_ns(&sides) as f64;
    for mut node in &mut heads {
        let wanted = percent(100.0 * share as f32);
        if node.left != wanted {
            node.left = wanted;
        }
    }
    for mut text in &mut clocks {
        let speed = if time.playing {
            let live = if time.follows { " live" } else { "" };
            format!(" {}x{live}", time.speed)
        } else {
            " paused".to_owned()
        };
        tell(&mut text, format!("{}{speed}", clock(time.t_ns)));
    }
}

fn show_titles(
    sides: Res<Sides>,
    mut titles: Query<(&Title, &mut Text), Without<FigureCell>>,
    mut cells: Query<(&FigureCell, &mut Text, &mut TextColor), Without<Title>>,
) {
    for (title, mut text) in &mut titles {
        let shown = sides.side(title.0);
        let name = if sides.are_compared() {
            shown.title.to_uppercase()
        } else {
            shown.story.title.clone()
        };
        tell(&mut text, name);
    }
    let of = |shown: &ShownSide| shown.story.figures(shown.moment.t_ns);
    let figures: Vec<Figures> = sides.list.iter().map(of).collect();
    for (cell, mut text, mut color) in &mut cells {
        let prices = sides.side(cell.side).story.prices.as_ref();
        let (line, is_bad) = figure(&figures[cell.side.0], prices, cell.what);
        tell(&mut text, line);
        let tint = if is_bad {
            palette::WARNING
        } else {
            palette::TEXT
        };
        color.set_if_neq(TextColor(tint));
    }
}

/// A figure as people read it, and whether it is a bad one.
fn figure(figures: &Figures, prices: Option<&Prices>, what: Figure) -> (String, bool) {
    let unknown = || "\u{2013}".to_owned();
    match what {
        Figure::Oee => match figures.oee {
            Some(oee) => (format!("{:.1} %", 100.0 * oee), false),
            None => (unknown(), false),
        },
        Figure::Good => (figures.good.to_string(), false),
        Figure::Lost => match figures.parts_lost {
            Some(lost) => (lost.to_string(), lost > 0),
            None => (unknown(), false),
        },
        Figure::Money => match (figures.loss, prices) {
            // Rounded first, so that nothing lost is not `-0`.
            (Some(loss), Some(prices)) => {
                let loss = loss.round() + 0.0;
                (format!("{loss:.0} {}", prices.currency), loss > 0.5)
            }
            _ => (unknown(), false),
        },
        Figure::Risk => (format!("{:.0} s", figures.unsafe_s), figures.unsafe_s > 0.0),
    }
}

/// What happens now: harm, then a point of no return, then the defense, then the attack.
#[must_use]
pub fn happening(story: &Story, t_ns: u64) -> Option<(MarkKind, String, String)> {
    const RECENT_NS: u64 = 45_000_000_000;
    // The beginning of a film tells what it is about.
    const SUMMARY_NS: u64 = 8_000_000_000;
    if t_ns < SUMMARY_NS && !story.summary.is_empty() {
        return Some((MarkKind::Plant, story.title.clone(), story.summary.clone()));
    }
    let steps: Vec<_> = story.steps_at(t_ns).collect();
    let of = |kind: MarkKind| {
        let marks = story
            .marks_at(t_ns, RECENT_NS)
            .filter(move |mark| mark.kind == kind);
        marks.max_by_key(|mark| mark.from_ns)
    };
    let fresh = |mark: &&Mark| mark.from_ns + RECENT_NS >= t_ns;
    if let Some(mark) = of(MarkKind::Impact).filter(fresh) {
        return Some((
            MarkKind::Impact,
            "Harm is done".to_owned(),
            mark.text.clone(),
        ));
    }
    if let Some(mark) = of(MarkKind::NoReturn).filter(fresh) {
        return Some((
            MarkKind::NoReturn,
            "Point of no return".to_owned(),
            mark.text.clone(),
        ));
    }
    if let Some(mark) = of(MarkKind::Action).filter(fresh) {
        return Some((
            MarkKind::Action,
            "The defense acts".to_owned(),
            mark.text.clone(),
        ));
    }
    if let Some((number, step)) = steps.last() {
        let head = format!(
            "Attack, step {} of {}: {}",
            number + 1,
            story.steps.len(),
            step.title
        );
        return Some((MarkKind::Attack, head, step.plain.clone()));
    }
    of(MarkKind::Impact).map(|mark| {
        (
            MarkKind::Impact,
            "Harm goes on".to_owned(),
            mark.text.clone(),
        )
    })
}

fn show_caption(
    sides: Res<Sides>,
    mut boards: Query<(&Caption, &mut BorderColor, &mut Visibility)>,
    mut heads: Query<(&CaptionHead, &mut Text, &mut TextColor), Without<CaptionText>>,
    mut texts: Query<(&CaptionText, &mut Text), Without<CaptionHead>>,
) {
    let of = |shown: &ShownSide| happening(&shown.story, shown.moment.t_ns);
    let now: Vec<_> = sides.list.iter().map(of).collect();
    for (board, mut border, mut visibility) in &mut boards {
        let found = &now[board.0.0];
        see(&mut visibility, found.is_some());
        if let Some((kind, _, _)) = found {
            border.set_if_neq(BorderColor::all(mark_color(*kind)));
        }
    }
    for (head, mut text, mut color) in &mut heads {
        if let Some((kind, line, _)) = &now[head.0.0] {
            tell(&mut text, line.clone());
            color.set_if_neq(TextColor(mark_color(*kind)));
        }
    }
    for (body, mut text) in &mut texts {
        if let Some((_, _, line)) = &now[body.0.0] {
            tell(&mut text, line.clone());
        }
    }
}

/// The last events before now, the newest last.
fn events(shown: &ShownSide) -> Vec<&Mark> {
    let t_ns = shown.moment.t_ns;
    let begun = shown.story.marks_at(t_ns, EVENT_AGE_NS);
    let mut found: Vec<&Mark> = begun
        .filter(|mark| mark.from_ns + EVENT_AGE_NS >= t_ns)
        .collect();
    found.split_off(found.len().saturating_sub(EVENTS))
}

fn show_events(
    sides: Res<Sides>,
    mut lines: Query<(&EventLine, &mut Text, &mut TextColor)>,
    mut boards: Query<(&EventBoard, &mut Visibility)>,
) {
    let recent: Vec<Vec<&Mark>> = sides.list.iter().map(events).collect();
    for (board, mut visibility) in &mut boards {
        let wanted = if recent[board.0.0].is_empty() {
            Visibility::Hidden
        } else {
            Visibility::Inherited
        };
        if *visibility != wanted {
            *visibility = wanted;
        }
    }
    for (line, mut text, mut color) in &mut lines {
        match recent[line.side.0].get(line.line) {
            Some(mark) => {
                let told = format!(
                    "{}  {}: {}",
                    clock(mark.from_ns),
                    mark_word(mark.kind),
                    mark.text
                );
                tell(&mut text, shortened(&told, 62));
                color.set_if_neq(TextColor(mark_color(mark.kind)));
            }
            None => tell(&mut text, String::new()),
        }
    }
}

/// At most so many letters.
fn shortened(text: &str, letters: usize) -> String {
    if text.chars().count() <= letters {
        return text.to_owned();
    }
    let cut: String = text.chars().take(letters - 1).collect();
    format!("{}\u{2026}", cut.trim_end())
}
