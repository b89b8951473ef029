//! Playbooks: an attack as a list of steps, each with a trigger, a typed action and limits.
//!
//! These types say what may be written in a `.ron` file; [`validate`](crate::validate()) checks that it
//! makes sense in a plant. Hosts are named once, under `targets`, by role or by name, and steps use the
//! aliases, so that a playbook moves to another plant of the same kind by changing that table.
//!
//! Addresses are zero-based PDU addresses; values are *raw*, as the controller keeps them in its
//! registers, because that is what an attacker reads and writes. A value of two words has its high
//! word first.
//!
//! Times are text, `00:40:00` or `90s`; see [`sim_kernel::time`].

mod engineering;

use std::collections::BTreeMap;

use serde::Deserialize;
use sim_kernel::time::{SimDuration, SimTime, text};

pub use self::engineering::{
    Activation, ChangeTask, Client, DownloadProgram, Firmware, FirmwareKind, Force, Forced, Mode,
    Place, Restart, RestartKind, SetMode, UploadProgram,
};
pub use sim_plant::spec::{Role, TagKind};
use sim_wire::modbus;

/// Version of the playbook file that this build reads.
pub const PLAYBOOK_SCHEMA: u32 = 1;

/// A whole attack.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Playbook {
    /// Version of the file's form; [`PLAYBOOK_SCHEMA`].
    pub schema: u32,
    /// Short name, as used in paths and reports.
    pub name: String,
    /// One line for people.
    pub title: String,
    /// What the attack does and why it works, for people.
    pub summary: String,
    /// Version of ATT&CK for ICS that the technique identifiers are from.
    pub technique_version: String,
    /// Modbus unit identifier that controllers are addressed with.
    #[serde(default = "default_unit")]
    pub unit: u8,
    /// What the steps' aliases stand for.
    pub targets: BTreeMap<String, Selector>,
    /// What the attacker does. Steps are numbered from 0 in this order.
    pub steps: Vec<Step>,
}

/// Picks hosts of a plant.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub enum Selector {
    /// The host with this name.
    Host(String),
    /// Every host with this role, except the attacker's own.
    Role(Role),
}

/// One thing that the attacker does.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// Unique short name, for triggers and reports.
    pub id: String,
    /// A few words for people.
    pub title: String,
    /// ATT&CK techniques that the step shows, the main one first.
    pub technique: Techniques,
    /// What the step does, in words that need no training.
    pub plain: String,
    /// What the attacker means to achieve by it.
    pub intended_effect: String,
    /// When the step begins.
    pub start: Trigger,
    /// When the step is to end although it could go on.
    #[serde(default)]
    pub until: Option<Trigger>,
    /// Longest time that the step may take once it has begun.
    #[serde(with = "text")]
    pub timeout: SimDuration,
    /// What is done.
    pub action: Action,
}

/// One technique identifier, or several.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum Techniques {
    /// `"T0836"`.
    One(String),
    /// `["T0830", "T1692.002"]`.
    Several(Vec<String>),
}

impl Techniques {
    /// The identifiers.
    #[must_use]
    pub fn ids(&self) -> &[String] {
        match self {
            Self::One(id) => std::slice::from_ref(id),
            Self::Several(ids) => ids,
        }
    }
}

/// How a step ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, Deserialize)]
#[serde(rename_all(serialize = "snake_case"))]
pub enum Outcome {
    /// It did what it meant to do.
    Succeeded,
    /// It ran and did not: refused, blocked, unanswered.
    Failed,
    /// It was still under way when its time, or the run, was over.
    TimedOut,
    /// It never began.
    NotReached,
}

/// When something happens. Each trigger fires once.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum Trigger {
    /// At a time since the start of the run.
    At(#[serde(with = "text")] SimTime),
    /// When another step has ended, however it ended.
    After {
        /// Identifier of the other step.
        step: String,
        /// Time from its end.
        #[serde(default, with = "text")]
        delay: SimDuration,
    },
    /// When another step has ended in one particular way.
    OnOutcome {
        /// Identifier of the other step.
        step: String,
        /// How it must have ended. After any other end the trigger can no longer fire.
        outcome: Outcome,
        /// Time from its end.
        #[serde(default, with = "text")]
        delay: SimDuration,
    },
    /// When another step has taken hold and may still be running: an adversary in the middle has
    /// changed its first message, a denial of service has exhausted its target.
    TookHold {
        /// Identifier of the other step.
        step: String,
        /// Time from that moment.
        #[serde(default, with = "text")]
        delay: SimDuration,
    },
    /// When a value that the attacker reads from a controller meets a condition. The reads are real
    /// frames and belong to the step.
    When(Condition),
}

/// A process condition, as the attacker reads it off a controller.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Condition {
    /// When the attacker begins to read; from the start of the run if left out.
    #[serde(default)]
    pub from: Option<Box<Trigger>>,
    /// Alias of the controller.
    pub target: String,
    /// Which table.
    pub table: Table,
    /// Address of the value in that table.
    pub address: u16,
    /// How to read the bits.
    pub kind: TagKind,
    /// How the value must compare.
    pub op: Comparison,
    /// With what.
    pub value: f64,
    /// Time between two readings.
    #[serde(with = "text")]
    pub poll: SimDuration,
    /// How long the attacker goes on reading before it gives up.
    #[serde(with = "text")]
    pub timeout: SimDuration,
}

/// A comparison of two numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum Comparison {
    /// Greater than.
    Above,
    /// Less than.
    Below,
    /// Exactly equal.
    Equal,
    /// Not equal.
    NotEqual,
}

impl Comparison {
    /// Whether `value` compares this way with `reference`.
    #[must_use]
    #[expect(
        clippy::float_cmp,
        reason = "Equal means the same number; raw values are mostly whole"
    )]
    pub fn holds(self, value: f64, reference: f64) -> bool {
        match self {
            Self::Above => value > reference,
            Self::Below => value < reference,
            Self::Equal => value == reference,
            Self::NotEqual => value != reference,
        }
    }
}

/// One of the four Modbus tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
pub enum Table {
    /// Bits, read and write.
    Coils,
    /// Bits, read only.
    DiscreteInputs,
    /// Words, read only.
    InputRegisters,
    /// Words, read and write.
    HoldingRegisters,
}

impl From<Table> for modbus::Table {
    fn from(table: Table) -> Self {
        match table {
            Table::Coils => Self::Coils,
            Table::DiscreteInputs => Self::DiscreteInputs,
            Table::InputRegisters => Self::InputRegisters,
            Table::HoldingRegisters => Self::HoldingRegisters,
        }
    }
}

/// What a step does.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub enum Action {
    /// Finds hosts by ARP and their open TCP ports.
    Scan(Scan),
    /// Asks controllers what they are and reads through their tables.
    Identify(Identify),
    /// Sends write commands.
    Write(Write),
    /// Switches outputs or parameters back and forth at random.
    BruteForceIo(BruteForceIo),
    /// Moves a parameter little by little.
    Drift(Drift),
    /// Diverts the traffic between stations and controllers through the attacker's host and changes
    /// what the controllers report.
    AdversaryInTheMiddle(AdversaryInTheMiddle),
    /// Exhausts a controller's Modbus connections.
    DenialOfService(DenialOfService),
    /// Reads a controller's program.
    UploadProgram(UploadProgram),
    /// Puts another program into a controller.
    DownloadProgram(DownloadProgram),
    /// Changes a controller's operating mode.
    SetMode(SetMode),
    /// Restarts a controller's program.
    Restart(Restart),
    /// Forces entries of a controller's process image.
    Force(Force),
    /// Changes the time between two scans of a controller.
    ChangeTask(ChangeTask),
    /// Puts another firmware into a controller.
    Firmware(Firmware),
    /// Does nothing for a while.
    Wait(#[serde(with = "text")] SimDuration),
}

impl Action {
    /// The action's name in a playbook.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Scan(_) => "Scan",
            Self::Identify(_) => "Identify",
            Self::Write(_) => "Write",
            Self::BruteForceIo(_) => "BruteForceIo",
            Self::Drift(_) => "Drift",
            Self::AdversaryInTheMiddle(_) => "AdversaryInTheMiddle",
            Self::DenialOfService(_) => "DenialOfService",
            Self::UploadProgram(_) => "UploadProgram",
            Self::DownloadProgram(_) => "DownloadProgram",
            Self::SetMode(_) => "SetMode",
            Self::Restart(_) => "Restart",
            Self::Force(_) => "Force",
            Self::ChangeTask(_) => "ChangeTask",
            Self::Firmware(_) => "Firmware",
            Self::Wait(_) => "Wait",
        }
    }

    /// Alias of the controller and client of an action of the engineering session; `None` for any other.
    pub(crate) fn engineering(&self) -> Option<(&str, &Client)> {
        match self {
            Self::UploadProgram(it) => Some((&it.target, &it.client)),
            Self::DownloadProgram(it) => Some((&it.target, &it.client)),
            Self::SetMode(it) => Some((&it.target, &it.client)),
            Self::Restart(it) => Some((&it.target, &it.client)),
            Self::Force(it) => Some((&it.target, &it.client)),
            Self::ChangeTask(it) => Some((&it.target, &it.client)),
            Self::Firmware(it) => Some((&it.target, &it.client)),
            _ => None,
        }
    }

    /// The aliases that it uses.
    pub fn aliases(&self) -> impl Iterator<Item = &str> {
        let mut aliases: Vec<&str> = Vec::new();
        match self {
            Self::Scan(_) | Self::Wait(_) => {}
            Self::Identify(identify) => {
                aliases.extend(identify.targets.iter().map(String::as_str));
            }
            Self::Write(write) => aliases.push(&write.target),
            Self::BruteForceIo(brute) => aliases.push(&brute.target),
            Self::Drift(drift) => aliases.push(&drift.target),
            Self::AdversaryInTheMiddle(middle) => {
                aliases.extend(middle.between.iter().chain(&middle.and).map(String::as_str));
            }
            Self::DenialOfService(denial) => {
                aliases.push(&denial.target);
                aliases.extend(denial.evict.iter().map(String::as_str));
            }
            Self::UploadProgram(_)
            | Self::DownloadProgram(_)
            | Self::SetMode(_)
            | Self::Restart(_)
            | Self::Force(_)
            | Self::ChangeTask(_)
            | Self::Firmware(_) => aliases.extend(self.engineering().map(|(target, _)| target)),
        }
        aliases.into_iter()
    }
}

/// How TCP ports are probed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub enum PortProbe {
    /// Complete handshakes through the host's own stack, each cut by a reset.
    #[default]
    Connect,
    /// Single SYN segments; the host's own stack resets what answers.
    Syn,
}

/// An ARP sweep of the attacker's own network, then a port scan of the hosts that answered.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scan {
    /// ARP requests per second.
    #[serde(default = "default_arp_per_s")]
    pub arp_per_s: f64,
    /// TCP ports to probe on each host found; none for a sweep alone.
    #[serde(default)]
    pub ports: Vec<u16>,
    /// Port probes per second.
    #[serde(default = "default_ports_per_s")]
    pub ports_per_s: f64,
    /// How ports are probed.
    #[serde(default)]
    pub probe: PortProbe,
    /// Whether addresses and ports are taken in a random order.
    #[serde(default)]
    pub shuffled: bool,
}

/// A run of entries of one table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Range {
    /// Which table.
    pub table: Table,
    /// First address.
    pub address: u16,
    /// Number of entries.
    pub count: u16,
}

/// Identification of controllers, their points and tags.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Identify {
    /// Aliases of the controllers, one after the other.
    pub targets: Vec<String>,
    /// Whether to ask for the device identification (function 43, MEI type 14).
    #[serde(default = "default_true")]
    pub identity: bool,
    /// What to read.
    #[serde(default)]
    pub reads: Vec<Range>,
    /// Entries in one read request: at most 125 registers or 2000 bits.
    #[serde(default = "default_block")]
    pub block: u16,
    /// Requests per second.
    #[serde(default = "default_requests_per_s")]
    pub requests_per_s: f64,
}

/// Values for consecutive addresses.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WriteItem {
    /// Coils or holding registers.
    pub table: Table,
    /// Address of the first value.
    pub address: u16,
    /// How values become bits.
    pub kind: TagKind,
    /// The values, raw.
    pub values: Vec<f64>,
    /// Whether to use function 15 or 16 even where 5 or 6 would do.
    #[serde(default)]
    pub multiple: bool,
}

/// Doing it again.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Repeat {
    /// Time from the beginning of one round to the next.
    #[serde(with = "text")]
    pub period: SimDuration,
    /// Number of rounds in all.
    pub rounds: u32,
}

/// Unauthorized command messages.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Write {
    /// Alias of the controller.
    pub target: String,
    /// What is written, in this order.
    pub writes: Vec<WriteItem>,
    /// Whether the whole is done more than once.
    #[serde(default)]
    pub repeat: Option<Repeat>,
}

/// Random switching of coils or registers.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BruteForceIo {
    /// Alias of the controller.
    pub target: String,
    /// Runs of coils or holding registers; each entry is as likely as any other.
    pub ranges: Vec<Range>,
    /// Values written to registers, picked at random. Coils are inverted each time.
    #[serde(default)]
    pub values: Vec<u16>,
    /// Writes per second.
    pub writes_per_s: f64,
    /// How long.
    #[serde(with = "text")]
    pub duration: SimDuration,
}

/// A slow change of a parameter.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Drift {
    /// Alias of the controller.
    pub target: String,
    /// Coils cannot drift; a holding register, or two.
    pub address: u16,
    /// How values become bits.
    pub kind: TagKind,
    /// The value to arrive at, raw.
    pub to: f64,
    /// How long it takes to get there.
    #[serde(with = "text")]
    pub over: SimDuration,
    /// In how many writes.
    pub steps: u32,
    /// How irregular the times are, as a fraction of the time between two writes: 0 to 0.9.
    #[serde(default)]
    pub jitter: f64,
}

/// What stations are shown instead of what a controller said.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
pub enum Show {
    /// This raw value.
    Constant(f64),
    /// The first honest value that passes once the step has begun.
    Freeze,
    /// The honest value, but not below the first nor above the second.
    Clamp(f64, f64),
}

/// One value that is changed in read responses.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rewrite {
    /// Alias of the controller whose responses are changed.
    pub target: String,
    /// Which table.
    pub table: Table,
    /// Address of the value.
    pub address: u16,
    /// How to read and write the bits.
    pub kind: TagKind,
    /// What is shown.
    pub show: Show,
    /// Standard deviation of the Gaussian noise that is added, raw. Not for bits.
    #[serde(default)]
    pub noise: f64,
}

/// ARP poisoning, forwarding, and changed read responses.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AdversaryInTheMiddle {
    /// Aliases of the hosts on one side.
    pub between: Vec<String>,
    /// Aliases of the hosts on the other.
    pub and: Vec<String>,
    /// Time between two forged announcements.
    #[serde(with = "text")]
    pub poison_period: SimDuration,
    /// How long.
    #[serde(with = "text")]
    pub duration: SimDuration,
    /// What is changed; nothing for pure eavesdropping.
    #[serde(default)]
    pub rewrites: Vec<Rewrite>,
}

/// A burst of requests on the connections that are held.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Flood {
    /// Requests per second over all connections.
    pub requests_per_s: f64,
    /// Holding register that is read.
    pub address: u16,
    /// How long, from the beginning of the step.
    #[serde(with = "text")]
    pub duration: SimDuration,
}

/// Exhaustion of a controller's Modbus connections.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DenialOfService {
    /// Alias of the controller.
    pub target: String,
    /// Most connections to hold at one time.
    #[serde(default = "default_hold")]
    pub hold: u16,
    /// Connection attempts per second, as long as fewer are held.
    pub attempts_per_s: f64,
    /// Time between two requests on each held connection: a controller drops idle ones.
    #[serde(default = "default_keep_alive", with = "text")]
    pub keep_alive: SimDuration,
    /// Aliases of clients whose connections are reset to take their places: the attacker diverts
    /// their segments for a moment to learn the sequence number.
    #[serde(default)]
    pub evict: Vec<String>,
    /// Requests that keep the controller's communication busy.
    #[serde(default)]
    pub flood: Option<Flood>,
    /// How long.
    #[serde(with = "text")]
    pub duration: SimDuration,
}

fn default_unit() -> u8 {
    1
}
fn default_arp_per_s() -> f64 {
    20.0
}
fn default_ports_per_s() -> f64 {
    5.0
}
fn default_true() -> bool {
    true
}
fn default_block() -> u16 {
    100
}
fn default_requests_per_s() -> f64 {
    5.0
}
fn default_hold() -> u16 {
    16
}
fn default_keep_alive() -> SimDuration {
    SimDuration::from_secs(10)
}
