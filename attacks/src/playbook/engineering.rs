//! Actions that speak to a controller as its engineering workstation does: the vendor's session behind
//! Modbus function 90, `docs/engineering-protocol.md`.
//!
//! Each action opens a session of its own, does one thing and gives the session back. The controller may
//! refuse, by its key switch, its password or because somebody else holds the session; the step then fails
//! and says why.

use serde::Deserialize;
use sim_plant::Behavior;
use sim_wire::modbus::engineering;

/// How a step speaks in the session.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Client {
    /// Who the client says it is; the controller writes it into its log. 1 to 80 bytes.
    #[serde(default = "default_name")]
    pub name: String,
    /// The controller's password, if the attacker has it. 1 to 80 bytes.
    #[serde(default)]
    pub password: Option<String>,
    /// Messages per second.
    #[serde(default = "default_requests_per_s")]
    pub requests_per_s: f64,
}

impl Default for Client {
    fn default() -> Self {
        Self {
            name: default_name(),
            password: None,
            requests_per_s: default_requests_per_s(),
        }
    }
}

/// Reads a controller's program as the container that it runs.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UploadProgram {
    /// Alias of the controller.
    pub target: String,
    /// How the step speaks.
    #[serde(default)]
    pub client: Client,
}

/// How a program that was sent begins to run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub enum Activation {
    /// Outputs off, load, cold start.
    #[default]
    Load,
    /// Between two scans, while the machine runs.
    Online,
    /// The same, if no more than one POU differs from what runs.
    OnePou,
}

impl From<Activation> for engineering::Activation {
    fn from(activation: Activation) -> Self {
        match activation {
            Activation::Load => Self::Load,
            Activation::Online => Self::Online,
            Activation::OnePou => Self::OnePou,
        }
    }
}

/// Puts another program into a controller.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DownloadProgram {
    /// Alias of the controller.
    pub target: String,
    /// The Structured Text, relative to the playbook. It is compiled when the scenario is loaded.
    pub program: String,
    /// How it begins to run.
    #[serde(default)]
    pub activation: Activation,
    /// How the step speaks.
    #[serde(default)]
    pub client: Client,
}

/// What a controller can be told to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum Mode {
    /// The program runs; a warm restart if it did not.
    Run,
    /// The program can be changed; it does not run, and Modbus requests are refused.
    Program,
    /// The program does not run.
    Stop,
}

impl From<Mode> for engineering::Mode {
    fn from(mode: Mode) -> Self {
        match mode {
            Mode::Run => Self::Run,
            Mode::Program => Self::Program,
            Mode::Stop => Self::Stop,
        }
    }
}

/// Changes a controller's operating mode.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SetMode {
    /// Alias of the controller.
    pub target: String,
    /// The mode to change to.
    pub mode: Mode,
    /// How the step speaks.
    #[serde(default)]
    pub client: Client,
}

/// How a program begins anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum RestartKind {
    /// Every variable has its initial value.
    Cold,
    /// RETAIN variables and markers keep their values.
    Warm,
}

impl From<RestartKind> for engineering::Restart {
    fn from(kind: RestartKind) -> Self {
        match kind {
            RestartKind::Cold => Self::Cold,
            RestartKind::Warm => Self::Warm,
        }
    }
}

/// Restarts a controller's program, in RUN unless its key switch is against it.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Restart {
    /// Alias of the controller.
    pub target: String,
    /// How.
    pub how: RestartKind,
    /// How the step speaks.
    #[serde(default)]
    pub client: Client,
}

/// A place in a controller's process image.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub enum Place {
    /// The place of a tag of the plant, by the tag's name.
    Tag(String),
    /// A direct address, such as `%IX0.5` or `%QW0`. A `W` holds a `Uint`, a `D` a `Udint`.
    Address(String),
}

/// A place and the value that it is to keep.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Forced {
    /// Where.
    pub at: Place,
    /// The value, raw.
    pub value: f64,
}

/// Forces entries of a controller's process image, and lets others go.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Force {
    /// Alias of the controller.
    pub target: String,
    /// Whether everything that is forced is let go first, also what others have forced.
    #[serde(default)]
    pub release_all: bool,
    /// Places that are let go before others are forced. They must be forced.
    #[serde(default)]
    pub release: Vec<Place>,
    /// Places that are forced.
    #[serde(default)]
    pub set: Vec<Forced>,
    /// How the step speaks.
    #[serde(default)]
    pub client: Client,
}

/// Changes the time between two scans of a controller.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChangeTask {
    /// Alias of the controller.
    pub target: String,
    /// The time, ms.
    pub scan_ms: u16,
    /// How the step speaks.
    #[serde(default)]
    pub client: Client,
}

/// What a firmware image does to the controller that takes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum FirmwareKind {
    /// What the vendor meant.
    Normal,
    /// The controller no longer starts.
    Dead,
    /// Its inputs keep the values that they had.
    FrozenInputs,
}

impl From<FirmwareKind> for Behavior {
    fn from(kind: FirmwareKind) -> Self {
        match kind {
            FirmwareKind::Normal => Self::Normal,
            FirmwareKind::Dead => Self::Dead,
            FirmwareKind::FrozenInputs => Self::FrozenInputs,
        }
    }
}

/// Puts another firmware into a controller.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Firmware {
    /// Alias of the controller.
    pub target: String,
    /// The version that the image says it is. 1 to 32 bytes.
    pub version: String,
    /// What the image does.
    pub image: FirmwareKind,
    /// The vendor's key that the image is signed with, if the attacker has it.
    #[serde(default)]
    pub key: Option<String>,
    /// How the step speaks.
    #[serde(default)]
    pub client: Client,
}

fn default_name() -> String {
    "engineering".to_owned()
}

fn default_requests_per_s() -> f64 {
    20.0
}
