//! Keys and mouse, and the help that names them.

use bevy::app::TerminalCtrlCHandlerPlugin;
use bevy::input::mouse::AccumulatedMouseScroll;
use bevy::prelude::*;
use bevy::ui::RelativeCursorPosition;
use twinrange_range::evidence::frames::Protocol;

use crate::camera::{Aim, Eye};
use crate::change::see;
use crate::network::TrafficFilter;
use crate::palette;
use crate::panels::{Fonts, panel, spawn_screens, words};
use crate::stage::{Build, Clock, Layers, Look, SPEEDS, Sides};
use crate::timeline::{TimeTrack, length_ns};

/// What each key does, as the help shows it.
pub const KEYS: [(&str, &str); 16] = [
    ("Space", "play, pause"),
    (", .", "a second back, a second on"),
    ("Left Right", "the event before, the next event"),
    ("Home End", "the beginning, the end"),
    ("- +", "slower, faster (0.1 to 100 times)"),
    ("click on the timeline", "go to that time"),
    ("D", "the director moves the camera"),
    ("1 to 9", "views: overview, network, rooms, machines"),
    ("V", "the next view"),
    ("drag, wheel", "turn and zoom; with Shift, move"),
    ("N", "network on, off"),
    ("B", "truth beside belief on, off"),
    ("L", "names on, off"),
    ("P", "only frames of the next protocol"),
    ("O", "only frames of the next host"),
    ("H, Esc", "this help; close"),
];

/// Reads keys and mouse.
#[derive(Debug)]
pub struct InputPlugin;

impl Plugin for InputPlugin {
    fn build(&self, app: &mut App) {
        app.init_resource::<Chosen>()
            .add_systems(
                Startup,
                spawn_help.after(spawn_screens).in_set(Build::Panels),
            )
            .add_systems(
                Update,
                (
                    read_time_keys,
                    read_view_keys,
                    // Both may ask for the end.
                    read_layer_keys.before(TerminalCtrlCHandlerPlugin::exit_on_flag),
                    drag,
                    click_timeline,
                )
                    .chain()
                    .in_set(Look::Input),
            )
            .add_systems(Update, show_help.in_set(Look::Help));
    }
}

/// The view that `V` went to last.
#[derive(Resource, Default, Debug)]
struct Chosen(usize);

#[derive(Component, Debug)]
struct Help;

fn spawn_help(mut commands: Commands, fonts: Res<Fonts>) {
    let place = panel(Node {
        position_type: PositionType::Absolute,
        left: percent(50),
        top: px(120),
        width: px(460),
        margin: UiRect::left(px(-230)),
        ..default()
    });
    commands
        .spawn((place, Help, Visibility::Hidden, GlobalZIndex(9)))
        .with_children(|board| {
            board.spawn(words("KEYS", &fonts.bold, 14.0, palette::TEXT));
            for (key, does) in KEYS {
                let line = Node {
                    column_gap: px(12),
                    ..default()
                };
                board.spawn(line).with_children(|line| {
                    let cell = Node {
                        width: px(150),
                        ..default()
                    };
                    line.spawn(cell).with_children(|cell| {
                        cell.spawn(words(key, &fonts.bold, 11.5, palette::WARNING));
                    });
                    line.spawn(words(does, &fonts.text, 11.5, palette::TEXT));
                });
            }
        });
}

fn show_help(layers: Res<Layers>, mut help: Query<&mut Visibility, With<Help>>) {
    for mut visibility in &mut help {
        see(&mut visibility, layers.help);
    }
}

fn read_time_keys(keys: Res<ButtonInput<KeyCode>>, sides: Res<Sides>, mut time: ResMut<Clock>) {
    const SECOND_NS: u64 = 1_000_000_000;
    let end_ns = sides.end_ns();
    if keys.just_pressed(KeyCode::Space) {
        // At the end, play means again, unless it goes on elsewhere.
        if !time.playing && time.t_ns >= end_ns && !time.live {
            time.seek(0);
        }
        time.playing = !time.playing;
    }
    let mark = |forward: bool, t_ns: u64| {
        let times = sides
            .list
            .iter()
            .filter_map(|side| side.story.next_mark(t_ns, forward));
        if forward { times.min() } else { times.max() }
    };
    if keys.just_pressed(KeyCode::Comma) {
        let before = time.t_ns.saturating_sub(SECOND_NS);
        time.seek(before);
    }
    if keys.just_pressed(KeyCode::Period) {
        let behind = (time.t_ns + SECOND_NS).min(end_ns);
        time.seek(behind);
    }
    if keys.just_pressed(KeyCode::ArrowRight)
        && let Some(next) = mark(true, time.t_ns)
    {
        time.seek(next.min(end_ns));
    }
    if keys.just_pressed(KeyCode::ArrowLeft)
        && let Some(before) = mark(false, time.t_ns)
    {
        time.seek(before);
    }
    if keys.just_pressed(KeyCode::Home) {
        time.seek(0);
    }
    if keys.just_pressed(KeyCode::End) {
        time.seek(end_ns);
        // The end of what goes on elsewhere is now.
        time.follows = time.live;
    }
    let faster = keys.any_just_pressed([KeyCode::Equal, KeyCode::NumpadAdd]);
    let slower = keys.any_just_pressed([KeyCode::Minus, KeyCode::NumpadSubtract]);
    if faster {
        time.speed = SPEEDS
            .into_iter()
            .find(|speed| *speed > time.speed)
            .unwrap_or(time.speed);
    }
    if slower {
        time.speed = SPEEDS
            .into_iter()
            .rev()
            .find(|speed| *speed < time.speed)
            .unwrap_or(time.speed);
    }
}

const DIGITS: [KeyCode; 9] = [
    KeyCode::Digit1,
    KeyCode::Digit2,
    KeyCode::Digit3,
    KeyCode::Digit4,
    KeyCode::Digit5,
    KeyCode::Digit6,
    KeyCode::Digit7,
    KeyCode::Digit8,
    KeyCode::Digit9,
];

fn read_view_keys(
    keys: Res<ButtonInput<KeyCode>>,
    sides: Res<Sides>,
    mut chosen: ResMut<Chosen>,
    mut eye: ResMut<Eye>,
) {
    let Some(first) = sides.list.first() else {
        return;
    };
    let views = &first.views;
    if keys.just_pressed(KeyCode::KeyD) {
        eye.fly(Aim::Director);
    }
    let mut wanted = DIGITS.iter().position(|digit| keys.just_pressed(*digit));
    if keys.just_pressed(KeyCode::KeyV) && !views.is_empty() {
        wanted = Some((chosen.0 + 1) % views.len());
    }
    if let Some(at) = wanted
        && let Some(view) = views.get(at)
    {
        chosen.0 = at;
        eye.fly(Aim::View(view.name.clone()));
    }
}

fn read_layer_keys(
    keys: Res<ButtonInput<KeyCode>>,
    sides: Res<Sides>,
    mut layers: ResMut<Layers>,
    mut filter: ResMut<TrafficFilter>,
    mut exit: MessageWriter<AppExit>,
) {
    let pressed = |key: KeyCode| keys.just_pressed(key);
    if pressed(KeyCode::KeyN) {
        layers.network = !layers.network;
    }
    if pressed(KeyCode::KeyB) {
        layers.belief = !layers.belief;
    }
    if pressed(KeyCode::KeyL) {
        layers.labels = !layers.labels;
    }
    if pressed(KeyCode::KeyU) {
        layers.panels = !layers.panels;
    }
    if pressed(KeyCode::KeyH) || pressed(KeyCode::F1) {
        layers.help = !layers.help;
    }
    if pressed(KeyCode::KeyP) {
        let at = filter
            .protocol
            .and_then(|now| Protocol::ALL.iter().position(|known| *known == now));
        filter.protocol = Protocol::ALL.get(at.map_or(0, |at| at + 1)).copied();
    }
    if pressed(KeyCode::KeyO) {
        let hosts = sides.list.first().map_or(0, |side| side.plan.hosts.len());
        let next = filter.host.map_or(0, |host| host + 1);
        filter.host = (next < hosts).then_some(next);
    }
    if pressed(KeyCode::Escape) {
        if layers.help {
            layers.help = false;
        } else {
            exit.write(AppExit::Success);
        }
    }
}

/// Dragging turns the eye about what it looks at, or moves both; the wheel goes nearer.
fn drag(
    buttons: Res<ButtonInput<MouseButton>>,
    keys: Res<ButtonInput<KeyCode>>,
    windows: Query<&Window>,
    scrolled: Res<AccumulatedMouseScroll>,
    tracks: Query<&Interaction, With<TimeTrack>>,
    mut was: Local<Option<Vec2>>,
    mut eye: ResMut<Eye>,
) {
    // Where the cursor is, and not what the mouse says that it moved by: over a remote desktop, it says nothing.
    let cursor = windows.single().ok().and_then(Window::cursor_position);
    let moved = match (cursor, *was) {
        (Some(now), Some(was)) => now - was,
        _ => Vec2::ZERO,
    };
    *was = cursor;
    let Some((from, target)) = eye.now else {
        return;
    };
    let on_timeline = tracks.iter().any(|track| *track != Interaction::None);
    let drags = buttons.pressed(MouseButton::Left) && !on_timeline && moved != Vec2::ZERO;
    if !drags && scrolled.delta.y == 0.0 {
        return;
    }
    let away = from - target;
    let (mut away, mut target) = (away, target);
    if drags && keys.any_pressed([KeyCode::ShiftLeft, KeyCode::ShiftRight]) {
        let right = away.cross(Vec3::Y).normalize_or_zero();
        let ahead = Vec3::new(-away.x, 0.0, -away.z).normalize_or_zero();
        let reach = 0.0015 * away.length();
        target += (right * moved.x + ahead * moved.y) * reach;
    } else if drags {
        let turn = Quat::from_rotation_y(-0.005 * moved.x);
        away = turn * away;
        let side = away.cross(Vec3::Y).normalize_or_zero();
        let lifted = Quat::from_axis_angle(side, 0.005 * moved.y) * away;
        // Never under the floor, never straight from above.
        let steep = lifted.normalize_or_zero().y;
        if (0.03..0.99).contains(&steep) {
            away = lifted;
        }
    }
    if scrolled.delta.y != 0.0 {
        let nearer = 0.9_f32.powf(scrolled.delta.y.clamp(-5.0, 5.0));
        away *= nearer;
        away = away.clamp_length(0.4, 150.0);
    }
    eye.flight = None;
    eye.aim = Aim::Free {
        eye: target + away,
        target,
    };
}

fn click_timeline(
    sides: Res<Sides>,
    tracks: Query<(&Interaction, &RelativeCursorPosition), With<TimeTrack>>,
    mut time: ResMut<Clock>,
) {
    for (interaction, cursor) in &tracks {
        if *interaction == Interaction::Pressed
            && let Some(place) = cursor.normalized
        {
            // The middle of the node is the origin.
            let share = f64::from(place.x) + 0.5;
            let t_ns = (share.clamp(0.0, 1.0) * length_ns(&sides) as f64) as u64;
            time.seek(t_ns.min(sides.end_ns()));
        }
    }
}
