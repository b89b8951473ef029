//! What there is to look at: a plant's equipment, as a viewer builds its picture from.
//!
//! It says what stands in the plant, what it takes from what, and where what it shows is known from. It says
//! nothing of colours and little of places: a viewer lays the plant out by itself, so that a new plant needs no
//! code of its own.
//!
//! **Invariant:** nothing of it enters the simulation. A plant without it runs the same.

use serde::Deserialize;

/// The equipment of a plant and what its items look like.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ViewSpec {
    /// The equipment. Order has no meaning but that of the eye: what comes first stands first among equals.
    pub equipment: Vec<EquipmentSpec>,
    /// What an item on the line looks like.
    pub item: ItemSpec,
}

/// What kind of equipment something is; a viewer has a prefab for each.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, PartialOrd, Ord)]
pub enum EquipmentKind {
    /// A vessel with a level.
    Tank,
    /// A pump.
    Pump,
    /// A valve.
    Valve,
    /// An electric motor.
    Motor,
    /// A belt or chain that carries items.
    Conveyor,
    /// A machine that fills items from above.
    Filler,
    /// A machine that closes items.
    Capper,
    /// A gate of cameras, scales or beams.
    Inspection,
    /// A pusher with a bin behind it.
    Reject,
    /// A table on which items wait.
    Table,
    /// A machine that sets items into cases.
    Packer,
    /// A machine that stacks cases on pallets.
    Palletiser,
    /// Any other machine.
    Machine,
}

impl EquipmentKind {
    /// Whether it carries items.
    #[must_use]
    pub fn carries_items(self) -> bool {
        matches!(
            self,
            Self::Conveyor | Self::Table | Self::Packer | Self::Palletiser
        )
    }
}

/// One piece of equipment.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EquipmentSpec {
    /// Unique name.
    pub name: String,
    /// What it is.
    pub kind: EquipmentKind,
    /// What people call it; the name when left out.
    #[serde(default)]
    pub label: String,
    /// The equipment that it takes its product or items from.
    #[serde(default)]
    pub after: Vec<String>,
    /// The equipment that it stands at or over, and where along it.
    #[serde(default)]
    pub on: Option<MountSpec>,
    /// Which stretch of a place of items it is, for what carries items.
    #[serde(default)]
    pub lane: Option<LaneSpec>,
    /// Host name of the controller that runs it.
    #[serde(default)]
    pub controller: Option<String>,
    /// Length, height and depth, m; those of its kind when left out.
    #[serde(default)]
    pub size_m: Option<(f64, f64, f64)>,
    /// Where it stands, m along the plant and across it; a viewer finds a place when left out.
    #[serde(default)]
    pub at_m: Option<(f64, f64)>,
    /// What can be seen of it.
    #[serde(default)]
    pub shows: Vec<SignalSpec>,
}

/// Where equipment stands on other equipment.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct MountSpec {
    /// Name of the other equipment.
    pub of: String,
    /// Where along it, m, as its lane counts; the middle when left out.
    #[serde(default)]
    pub at_m: Option<f64>,
}

/// A stretch of a place of items.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct LaneSpec {
    /// Name of the place, one of those of the process.
    pub place: String,
    /// Where it begins, m.
    pub from_m: f64,
    /// Where it ends, m; beyond where it begins.
    pub to_m: f64,
    /// How many items stand side by side.
    #[serde(default = "one")]
    pub rows: u32,
}

fn one() -> u32 {
    1
}

/// What is to be seen of a value.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, PartialOrd, Ord)]
pub enum Aspect {
    /// How full it is.
    Level,
    /// Flow through it, and through the pipe to it.
    Flow,
    /// How fast it moves.
    Speed,
    /// Whether it runs; zero is off.
    Running,
    /// How far it is open, out or up.
    Position,
    /// How hot it is.
    Temperature,
    /// Whether it has a fault; zero is none.
    Fault,
    /// What lies on the floor around it.
    Spill,
    /// What has run over its edge, as a running total: it shows while that grows.
    Overflow,
    /// Whether somebody is in danger at it; zero is not.
    Danger,
    /// A running total to show as a number.
    Count,
}

/// One value that is to be seen.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignalSpec {
    /// What is to be seen of it.
    pub aspect: Aspect,
    /// What people call it; the aspect when left out.
    #[serde(default)]
    pub label: String,
    /// Column of the physical truth; the tag as it lies in its controller when left out.
    #[serde(default)]
    pub column: Option<String>,
    /// The tag that shows the same quantity to people.
    #[serde(default)]
    pub tag: Option<String>,
    /// Values of the empty, shut or cold and of the full, open or hot end.
    #[serde(default = "share")]
    pub range: (f64, f64),
    /// Above this, something is wrong.
    #[serde(default)]
    pub high: Option<f64>,
    /// Below this, something is wrong.
    #[serde(default)]
    pub low: Option<f64>,
}

fn share() -> (f64, f64) {
    (0.0, 1.0)
}

/// The shape of an item.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
pub enum ItemShape {
    /// A bottle that one sees into.
    #[default]
    Bottle,
    /// A can.
    Can,
    /// A box.
    Box,
}

/// What an item looks like.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(default, deny_unknown_fields)]
pub struct ItemSpec {
    /// Its shape.
    pub shape: ItemShape,
    /// Its width, m.
    pub width_m: f64,
    /// Its height, m.
    pub height_m: f64,
    /// Content of a full one, mL.
    pub full_ml: f64,
    /// Below this content a closed one is a bad one, mL.
    pub least_ml: f64,
}

impl Default for ItemSpec {
    fn default() -> Self {
        Self {
            shape: ItemShape::Bottle,
            width_m: 0.065,
            height_m: 0.22,
            full_ml: 500.0,
            least_ml: 0.0,
        }
    }
}
