//! What stands where, made from a plant file.
//!
//! Positions are metres: x along the plant, y up, z towards the onlooker. A piece stands on the floor with the middle
//! of its footprint at its position; `turn` is its rotation about y, so that its own x axis is the way items go.

use bevy::math::Vec3;
use sim_plant::PlantSpec;
use sim_plant::spec::Role;
use sim_plant::view::{Aspect, EquipmentKind, ItemSpec, SignalSpec};
use twinrange_range::evidence::process::ColumnInfo;

use super::layout;

/// Everything that a picture of a plant is built from.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// One line for people.
    pub title: String,
    /// The equipment.
    pub pieces: Vec<Piece>,
    /// What leads from piece to piece.
    pub pipes: Vec<Pipe>,
    /// What an item looks like.
    pub item: ItemSpec,
    /// For each place of items, in the order of the process, the stretches that carry them.
    pub lanes: Vec<Vec<Lane>>,
    /// Every value that is to be seen.
    pub signals: Vec<Signal>,
    /// The hosts, in the order of their names, as frames count them.
    pub hosts: Vec<Host>,
    /// The switches.
    pub switches: Vec<Switch>,
    /// The zones.
    pub zones: Vec<Zone>,
    /// Rooms for people.
    pub rooms: Vec<Room>,
    /// Corners of a box around everything on the floor, m.
    pub bounds: (Vec3, Vec3),
}

/// One piece of equipment.
#[derive(Clone, Debug)]
pub struct Piece {
    /// Unique name.
    pub name: String,
    /// What people call it.
    pub label: String,
    /// Which prefab it gets.
    pub kind: EquipmentKind,
    /// Where it stands.
    pub at: Vec3,
    /// Rotation about y, rad.
    pub turn: f32,
    /// Length, height and depth, m.
    pub size: Vec3,
    /// Indices of what can be seen of it.
    pub signals: Vec<usize>,
    /// Index of the host that controls it.
    pub controller: Option<usize>,
    /// Index of the piece that it stands at.
    pub mount: Option<usize>,
}

impl Piece {
    /// A place of the piece in the world, from one in its own axes.
    #[must_use]
    pub fn place(&self, own: Vec3) -> Vec3 {
        self.at + bevy::math::Quat::from_rotation_y(self.turn) * own
    }
}

/// A pipe.
#[derive(Clone, Debug)]
pub struct Pipe {
    /// Index of the piece that it comes from.
    pub from: usize,
    /// Index of the piece that it leads to.
    pub to: usize,
    /// Its way, m.
    pub path: Vec<Vec3>,
    /// Index of the flow through it, if it is known.
    pub flow: Option<usize>,
}

/// A stretch that carries items.
#[derive(Clone, Debug)]
pub struct Lane {
    /// Index of its piece.
    pub piece: usize,
    /// Where it begins and ends, m along the place of items.
    pub along_m: (f32, f32),
    /// Its two ends in the world, on the carrying surface.
    pub ends: (Vec3, Vec3),
    /// Items side by side.
    pub rows: u32,
}

/// Where a value is known from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Truth {
    /// A column of the physical truth.
    Column(usize),
    /// What is in a controller: a column of its memory.
    Memory(usize),
}

/// A value that is to be seen.
#[derive(Clone, Debug)]
pub struct Signal {
    /// Index of its piece.
    pub piece: usize,
    /// What is to be seen of it.
    pub aspect: Aspect,
    /// What people call it.
    pub label: String,
    /// Its unit.
    pub unit: String,
    /// Where it is known from.
    pub truth: Truth,
    /// The name of that column.
    pub column: String,
    /// Columns of the screens that show it.
    pub shown: Vec<usize>,
    /// Values of the empty and of the full end.
    pub range: (f64, f64),
    /// Limits beyond which something is wrong.
    pub limits: (Option<f64>, Option<f64>),
}

impl Signal {
    /// The value as a share of its range, within 0 to 1.
    #[must_use]
    pub fn share(&self, value: f64) -> f32 {
        let (low, high) = self.range;
        let share = (value - low) / (high - low);
        if share.is_finite() {
            share.clamp(0.0, 1.0) as f32
        } else {
            0.0
        }
    }

    /// Whether the value is beyond a limit.
    #[must_use]
    pub fn is_wrong(&self, value: f64) -> bool {
        let (low, high) = self.limits;
        low.is_some_and(|low| value < low) || high.is_some_and(|high| value > high)
    }

    /// Whether two values are too far apart to be the same quantity a moment later: by more than a twentieth of the
    /// range.
    #[must_use]
    pub fn differs(&self, truth: f64, shown: f64) -> bool {
        (truth - shown).abs() > 0.05 * (self.range.1 - self.range.0)
    }

    /// A value with its unit, as people read it.
    #[must_use]
    pub fn text(&self, value: f64) -> String {
        let span = self.range.1 - self.range.0;
        let digits = match span {
            _ if matches!(self.aspect, Aspect::Count) => 0,
            ..=3.0 => 2,
            ..=300.0 => 1,
            _ => 0,
        };
        let space = if self.unit.is_empty() { "" } else { " " };
        let unit = match self.unit.as_str() {
            "count" | "share" => "",
            "degC" => "°C",
            unit => unit,
        };
        format!("{value:.digits$}{space}{unit}")
            .trim_end()
            .to_owned()
    }
}

/// A host.
#[derive(Clone, Debug)]
pub struct Host {
    /// Unique name.
    pub name: String,
    /// What it is for.
    pub role: Role,
    /// Its address.
    pub ip: String,
    /// Where it is in the plant: a cabinet, a desk.
    pub stands: Vec3,
    /// Where it is in the picture of the network, above.
    pub node: Vec3,
    /// Index of its switch.
    pub switch: usize,
    /// Index of its zone.
    pub zone: usize,
    /// For a controller, the column of its mode in the memory.
    pub mode: Option<usize>,
}

/// A switch: the conduit through which the frames of a network go.
#[derive(Clone, Debug)]
pub struct Switch {
    /// Unique name.
    pub name: String,
    /// Where it is in the picture of the network.
    pub node: Vec3,
    /// Index of its zone.
    pub zone: usize,
}

/// A zone in the sense of IEC 62443.
#[derive(Clone, Debug)]
pub struct Zone {
    /// Unique name.
    pub name: String,
    /// Two corners of its floor, m.
    pub floor: (Vec3, Vec3),
}

/// What a room is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RoomKind {
    /// Screens and their operators.
    Control,
    /// Desks of level 3 and above.
    Office,
}

/// A room.
#[derive(Clone, Debug)]
pub struct Room {
    /// What it is for.
    pub kind: RoomKind,
    /// The middle of its floor.
    pub at: Vec3,
    /// Length, height and depth, m.
    pub size: Vec3,
    /// Indices of the hosts on its desks.
    pub hosts: Vec<usize>,
}

/// From where one looks, and at what.
#[derive(Clone, Debug, PartialEq)]
pub struct View {
    /// Name, as in `--view` and on the keys.
    pub name: String,
    /// Where the eye is.
    pub eye: Vec3,
    /// What it looks at.
    pub target: Vec3,
}

/// The names of what a run has sampled.
#[derive(Clone, Debug, Default)]
pub struct Columns {
    /// Of the physical truth.
    pub process: Vec<ColumnInfo>,
    /// Of the screens, `hmi-1/FIL_BowlLevel`.
    pub screens: Vec<ColumnInfo>,
    /// Of the controllers, `plc-filler/mode` and `FIL_BowlLevel`.
    pub memory: Vec<ColumnInfo>,
}

impl Columns {
    fn position(list: &[ColumnInfo], name: &str) -> Option<usize> {
        list.iter().position(|column| column.name == name)
    }

    fn signal(&self, piece: usize, spec: &SignalSpec) -> Option<Signal> {
        let column = spec
            .column
            .as_ref()
            .and_then(|name| Self::position(&self.process, name));
        let memory = spec
            .tag
            .as_ref()
            .and_then(|tag| Self::position(&self.memory, tag));
        let (truth, info) = match (column, memory) {
            (Some(at), _) => (Truth::Column(at), &self.process[at]),
            (None, Some(at)) => (Truth::Memory(at), &self.memory[at]),
            (None, None) => return None,
        };
        let is_shown = |column: &ColumnInfo| {
            let tag = column.name.split_once('/').map(|(_, tag)| tag);
            tag.is_some() && tag == spec.tag.as_deref()
        };
        let screens = self.screens.iter().enumerate();
        Some(Signal {
            piece,
            aspect: spec.aspect,
            label: match spec.label.as_str() {
                "" => format!("{:?}", spec.aspect),
                label => label.to_owned(),
            },
            unit: info.unit.clone(),
            truth,
            column: info.name.clone(),
            shown: screens
                .filter(|(_, column)| is_shown(column))
                .map(|(at, _)| at)
                .collect(),
            range: spec.range,
            limits: (spec.low, spec.high),
        })
    }
}

impl Plan {
    /// Lays a plant out.
    ///
    /// # Arguments
    ///
    /// * `columns` — what the run has sampled. A signal that names none of it is left out: the plant file was checked
    ///   when it was loaded, so that happens with a run of another build at most.
    #[must_use]
    pub fn of(plant: &PlantSpec, columns: &Columns) -> Self {
        let mut plan = layout::lay_out(plant);
        for (piece, spec) in plant.view.equipment.iter().enumerate() {
            for signal in spec
                .shows
                .iter()
                .filter_map(|spec| columns.signal(piece, spec))
            {
                plan.pieces[piece].signals.push(plan.signals.len());
                plan.signals.push(signal);
            }
        }
        for pipe in &mut plan.pipes {
            let flow_of = |piece: usize| {
                let signals = plan.pieces[piece].signals.iter().copied();
                signals
                    .into_iter()
                    .find(|&signal| plan.signals[signal].aspect == Aspect::Flow)
            };
            pipe.flow = flow_of(pipe.to).or_else(|| flow_of(pipe.from));
        }
        for host in &mut plan.hosts {
            let mode = format!("{}/mode", host.name);
            host.mode = Columns::position(&columns.memory, &mode);
        }
        plan
    }

    /// The views that the plant offers, the one over everything first, then the network, the rooms and the pieces.
    #[must_use]
    pub fn views(&self) -> Vec<View> {
        let (low, high) = self.bounds;
        let middle = (low + high) / 2.0;
        let span = (high.x - low.x).max((high.z - low.z) * 1.4).max(4.0);
        let mut views = vec![
            View {
                name: "overview".to_owned(),
                // Panels stand on the left, so the plant stands to the right of the middle.
                eye: Vec3::new(middle.x - 0.34 * span, 0.46 * span, high.z + 0.80 * span),
                target: Vec3::new(middle.x - 0.12 * span, 0.09 * span, middle.z - 0.04 * span),
            },
            View {
                name: "network".to_owned(),
                eye: Vec3::new(middle.x - 0.12 * span, 0.58 * span, high.z + 0.80 * span),
                target: Vec3::new(middle.x - 0.12 * span, 0.22 * span, middle.z - 0.15 * span),
            },
        ];
        for room in &self.rooms {
            let name = match room.kind {
                RoomKind::Control => "control-room",
                RoomKind::Office => "office",
            };
            views.push(View {
                name: name.to_owned(),
                eye: room.at + Vec3::new(0.6, 2.4, 4.2),
                target: room.at + Vec3::new(0.0, 0.9, 0.0),
            });
        }
        for piece in self
            .pieces
            .iter()
            .filter(|piece| piece.kind != EquipmentKind::Motor)
        {
            let away = 1.5 + 1.5 * piece.size.x.max(piece.size.y);
            // To the right of the middle, as everything.
            let beside = Vec3::X * (-0.16 * away);
            views.push(View {
                name: piece.name.clone(),
                eye: piece.at
                    + beside
                    + Vec3::new(-0.3 * away, 0.75 + 0.62 * piece.size.y + 0.25 * away, away),
                target: piece.at + beside + Vec3::Y * (0.75 * piece.size.y).max(0.6),
            });
        }
        views
    }

    /// The stretch under an item, and where on it the item stands in the world.
    #[must_use]
    pub fn item_place(&self, place: u8, at_m: f32, rank: usize) -> Option<Vec3> {
        let lanes = self.lanes.get(usize::from(place))?;
        let lane = lanes
            .iter()
            .find(|lane| at_m <= lane.along_m.1)
            .or(lanes.last())?;
        let (from_m, to_m) = lane.along_m;
        let share = ((at_m - from_m) / (to_m - from_m)).clamp(0.0, 1.0);
        let (a, b) = lane.ends;
        let along = (b - a).normalize_or_zero();
        let across = along.cross(Vec3::Y);
        let rows = lane.rows.max(1) as usize;
        let row = (rank % rows) as f32 - (rows - 1) as f32 / 2.0;
        let pitch = 1.15 * self.item.width_m as f32;
        Some(a.lerp(b, share) + across * (row * pitch))
    }

    /// Index of a piece by its name.
    #[must_use]
    pub fn piece(&self, name: &str) -> Option<usize> {
        self.pieces.iter().position(|piece| piece.name == name)
    }
}
