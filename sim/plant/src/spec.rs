//! The plant as its author writes it: the types behind `scenarios/<plant>/plant.ron`.
//!
//! These types say what may be written; [`check()`](crate::check()) checks that it makes sense (names exist,
//! addresses parse, units agree) and a [`crate::World`] is built from it.
//!
//! **Invariant:** the order of lists in the file has no meaning. Everything is sorted by name before
//! it gets an identity.

use std::net::Ipv4Addr;

use serde::Deserialize;
use sim_process::bottling::BottlingConfig;

use crate::view::ViewSpec;

/// Version of the plant file that this build reads.
pub const PLANT_SCHEMA: u32 = 1;

/// A whole plant.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename = "Plant")]
pub struct PlantSpec {
    /// Version of the file's form; [`PLANT_SCHEMA`].
    pub schema: u32,
    /// Short name, as used in paths and reports.
    pub name: String,
    /// One line for people.
    pub title: String,
    /// The physics.
    pub process: ProcessSpec,
    /// Period of the physics, ms.
    #[serde(default = "default_process_step_ms")]
    pub process_step_ms: u32,
    /// Cell networks; each is one zone with one switch.
    pub networks: Vec<NetworkSpec>,
    /// Everything with a network interface.
    pub hosts: Vec<HostSpec>,
    /// The programmable controllers among the hosts.
    pub controllers: Vec<ControllerSpec>,
    /// Named values in controllers, as stations read and write them.
    pub tags: Vec<TagSpec>,
    /// Alarms that the HMIs raise.
    #[serde(default)]
    pub alarms: Vec<AlarmSpec>,
    /// Hosts that poll tags and raise alarms.
    #[serde(default)]
    pub hmis: Vec<StationSpec>,
    /// Hosts that poll tags and keep them.
    #[serde(default)]
    pub historians: Vec<StationSpec>,
    /// Hosts that now and then read a controller's identity and parameters.
    #[serde(default)]
    pub workstations: Vec<StationSpec>,
    /// The people who run the line.
    #[serde(default)]
    pub operators: Vec<OperatorSpec>,
    /// What a report about a run says and draws.
    #[serde(default)]
    pub report: ReportSpec,
    /// What there is to look at.
    #[serde(default)]
    pub view: ViewSpec,
}

/// What a report about a run of this plant says and draws.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ReportSpec {
    /// One produced item, for example `bottle`.
    pub item: String,
    /// Several of them, for example `bottles`.
    pub items: String,
    /// Lines to draw, the most telling first.
    pub charts: Vec<ChartSpec>,
}

impl Default for ReportSpec {
    fn default() -> Self {
        Self {
            item: "part".to_owned(),
            items: "parts".to_owned(),
            charts: Vec::new(),
        }
    }
}

/// One line chart of a report.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChartSpec {
    /// Heading.
    pub title: String,
    /// Column of the physical truth.
    pub column: String,
    /// The tag that shows the same quantity to people, if one does.
    #[serde(default)]
    pub tag: Option<String>,
}

/// Which physics the plant runs on.
#[derive(Clone, Debug, Deserialize)]
pub enum ProcessSpec {
    /// The bottling line of `sim_process::bottling`.
    Bottling(Box<BottlingConfig>),
    /// No physics: controllers, network and people alone.
    Nothing,
}

impl ProcessSpec {
    /// Planned run time per item PRI of ISO 22400, s; 0 where nothing is made.
    #[must_use]
    pub fn run_time_per_item_s(&self) -> f64 {
        match self {
            Self::Bottling(config) => 60.0 * config.production.planned_run_time_min,
            Self::Nothing => 0.0,
        }
    }
}

/// One Ethernet segment: a switch, its zone and the links to it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NetworkSpec {
    /// Name of the network, for example `cell`.
    pub name: String,
    /// Zone in the sense of IEC 62443 that the network's hosts belong to.
    pub zone: String,
    /// Name of the switch.
    pub switch: String,
    /// Address range, for example `10.20.1.0/24`.
    pub subnet: String,
    /// Name of the SPAN port that sees every frame the switch receives, if it has one.
    #[serde(default)]
    pub span: Option<String>,
    /// One-way latency of each link, µs.
    #[serde(default = "default_latency_us")]
    pub latency_us: u32,
    /// Bandwidth of each link and direction, Mbit/s.
    #[serde(default = "default_bandwidth_mbps")]
    pub bandwidth_mbps: u32,
}

/// What a host is for, as an asset inventory would list it.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
pub enum Role {
    /// A programmable logic controller.
    Plc,
    /// An operator's screen.
    Hmi,
    /// A process historian.
    Historian,
    /// An engineering workstation.
    EngineeringWorkstation,
    /// A laptop or other device that is present but has no part in production.
    Laptop,
}

impl Role {
    /// The word used in the asset inventory.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Plc => "plc",
            Self::Hmi => "hmi",
            Self::Historian => "historian",
            Self::EngineeringWorkstation => "engineering-workstation",
            Self::Laptop => "laptop",
        }
    }

    /// Level of the Purdue model that the host belongs to.
    #[must_use]
    pub fn purdue_level(self) -> u8 {
        match self {
            Self::Plc => 1,
            Self::Hmi | Self::Laptop => 2,
            Self::Historian | Self::EngineeringWorkstation => 3,
        }
    }
}

/// Anything with a network interface.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HostSpec {
    /// Unique name.
    pub name: String,
    /// What it is for.
    pub role: Role,
    /// Name of the network it is plugged into.
    pub network: String,
    /// Its address inside the network's subnet.
    pub ip: Ipv4Addr,
    /// Its hardware address; derived from the IP address when left out.
    #[serde(default)]
    pub mac: Option<String>,
    /// Maker, as the inventory and Modbus device identification tell it.
    #[serde(default)]
    pub vendor: String,
    /// Model or product code.
    #[serde(default)]
    pub model: String,
    /// Firmware or software version.
    #[serde(default)]
    pub firmware: String,
    /// Initial time to live of its IP packets, part of its fingerprint.
    #[serde(default = "default_hop_limit")]
    pub hop_limit: u8,
    /// Size of its TCP receive window, bytes, part of its fingerprint.
    #[serde(default = "default_window_bytes")]
    pub window_bytes: u16,
}

/// A programmable controller and what is wired to it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ControllerSpec {
    /// Name of the host it is.
    pub host: String,
    /// Its program: a Structured Text file beside the plant file.
    pub program: String,
    /// Scan period, ms.
    pub scan_ms: u32,
    /// Watchdog: a scan that takes longer stops the controller, ms.
    #[serde(default = "default_watchdog_ms")]
    pub watchdog_ms: u32,
    /// Most Modbus connections that it keeps at one time; more are refused.
    #[serde(default = "default_max_connections")]
    pub max_connections: u8,
    /// Time that its communication processor takes for one request, µs.
    #[serde(default = "default_service_us")]
    pub service_us: u32,
    /// Modbus unit identifier that it answers to.
    #[serde(default = "default_unit")]
    pub unit: u8,
    /// How it can be loaded and commanded over the network.
    #[serde(default)]
    pub engineering: EngineeringSpec,
    /// The controller that goes on in its place when it fails, if there is one.
    #[serde(default)]
    pub standby: Option<StandbySpec>,
    /// Set where it is a safety controller (SIS).
    #[serde(default)]
    pub safety: Option<SafetySpec>,
    /// Sensors wired to it.
    pub inputs: Vec<IoSpec>,
    /// Actuators wired to it.
    pub outputs: Vec<IoSpec>,
}

/// The second controller of a pair: the same program, wires and settings on another host.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StandbySpec {
    /// Name of the host it is.
    pub host: String,
    /// Scans from one image that the standby is sent to the next; a heartbeat is sent in each scan.
    #[serde(default = "default_sync_every_scans")]
    pub sync_every_scans: u16,
    /// Time from the end of a scan until the standby has the image, µs: the link between the two.
    #[serde(default = "default_sync_us")]
    pub sync_us: u32,
    /// How long the standby hears nothing until it takes over, ms.
    pub takeover_after_ms: u32,
    /// How long outputs stay as they are when nobody drives them, ms.
    #[serde(default = "default_hold_ms")]
    pub hold_ms: u32,
}

/// Where a controller's key switch stands.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
pub enum KeySwitch {
    /// From afar it can only be read.
    Run,
    /// From afar everything is allowed, as on most controllers in the field.
    #[default]
    Remote,
    /// Somebody works at it; the program does not run.
    Program,
}

/// What outputs do when a controller leaves RUN.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
pub enum StopOutputs {
    /// They go to zero.
    #[default]
    Zero,
    /// They stay as they are.
    Hold,
}

/// How a controller can be loaded and commanded over the network.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EngineeringSpec {
    /// Where the key switch stands.
    pub key: KeySwitch,
    /// What outputs do when RUN is left.
    pub on_stop: StopOutputs,
    /// Password of the engineering session; none if left out.
    pub password: Option<String>,
    /// Key that firmware must be signed with; any firmware is taken if left out.
    pub firmware_key: Option<String>,
    /// Scan periods from asking for an activation until it takes effect.
    pub activation_scans: u16,
    /// How long a change of firmware takes, s.
    pub firmware_s: u16,
    /// How long a session stays open without a message, s.
    pub session_timeout_s: u16,
}

impl Default for EngineeringSpec {
    fn default() -> Self {
        Self {
            key: KeySwitch::Remote,
            on_stop: StopOutputs::Zero,
            password: None,
            firmware_key: None,
            activation_scans: 25,
            firmware_s: 20,
            session_timeout_s: 30,
        }
    }
}

/// What makes a controller a safety controller: one whose functions count as protection only while they
/// are not bypassed, and while it is as it was commissioned.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SafetySpec {
    /// Bool tags of this controller's markers that are on while a safety function is bypassed.
    #[serde(default)]
    pub bypasses: Vec<String>,
}

/// One wire between a controller and the process.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IoSpec {
    /// Direct address in the controller, for example `%IX0.3`.
    pub address: String,
    /// Name of the process point.
    pub point: String,
    /// For a word address: engineering values at raw 0 and at raw 27648, the usual full scale of
    /// an analog card. Left out, the point's own range is used.
    #[serde(default)]
    pub range: Option<(f64, f64)>,
}

/// How the bits of a tag are to be read.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
pub enum TagKind {
    /// One bit.
    Bool,
    /// One word, signed.
    Int,
    /// One word, unsigned.
    Uint,
    /// Two words, signed.
    Dint,
    /// Two words, unsigned.
    Udint,
    /// Two words, IEEE 754 single precision.
    Real,
}

/// A named value in a controller.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TagSpec {
    /// Unique name.
    pub name: String,
    /// Host name of the controller that holds it.
    pub controller: String,
    /// Direct address in that controller.
    pub address: String,
    /// How to read its bits.
    pub kind: TagKind,
    /// Engineering units per raw unit.
    #[serde(default = "default_scale")]
    pub scale: f64,
    /// Engineering value at raw 0.
    #[serde(default)]
    pub offset: f64,
    /// Engineering unit.
    #[serde(default)]
    pub unit: String,
    /// One line for people.
    #[serde(default)]
    pub description: String,
    /// Whether the HMI lets its operator write it.
    #[serde(default)]
    pub writable: bool,
}

/// When an alarm's condition holds.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq)]
pub enum AlarmWhen {
    /// The tag is above the limit; clears below limit minus dead band.
    Above(f64),
    /// The tag is below the limit; clears above limit plus dead band.
    Below(f64),
    /// The tag is not zero.
    On,
    /// The tag is zero.
    Off,
    /// The controller that holds the tag does not answer.
    NoAnswer,
}

/// Alarm priority in the sense of ISA-18.2.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, PartialOrd, Ord)]
pub enum Priority {
    /// Answer soon.
    Low,
    /// Answer within minutes.
    Medium,
    /// Answer at once.
    High,
}

/// An alarm on an HMI.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AlarmSpec {
    /// Unique name.
    pub name: String,
    /// The tag it watches.
    pub tag: String,
    /// When it is in alarm.
    pub when: AlarmWhen,
    /// How urgent it is.
    pub priority: Priority,
    /// How long the condition must hold before the alarm is raised, s.
    #[serde(default)]
    pub delay_s: f64,
    /// Hysteresis on return to normal, in the tag's unit.
    #[serde(default)]
    pub deadband: f64,
    /// What the operator reads.
    pub text: String,
    /// Name of the operator's procedure for it.
    #[serde(default)]
    pub procedure: Option<String>,
}

/// A host that reads tags by Modbus.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StationSpec {
    /// Name of the host it is.
    pub host: String,
    /// Time between two readings of everything, ms.
    pub poll_ms: u32,
    /// The tags it reads; all of them when left out.
    #[serde(default)]
    pub tags: Option<Vec<String>>,
    /// How long it waits for an answer, ms.
    #[serde(default = "default_timeout_ms")]
    pub timeout_ms: u32,
}

/// A person who watches an HMI and answers its alarms.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OperatorSpec {
    /// Unique name.
    pub name: String,
    /// Host name of the HMI in front of the operator.
    pub hmi: String,
    /// Median time from an alarm to the first move, s.
    pub reaction_median_s: f64,
    /// Spread of the reaction time: standard deviation of its logarithm.
    #[serde(default = "default_reaction_sigma")]
    pub reaction_sigma: f64,
    /// Time between two walks along the line, s; none when left out. On a walk the operator sees the
    /// machines themselves, whatever the screen says.
    #[serde(default)]
    pub round_s: Option<f64>,
    /// What is noticed on a walk.
    #[serde(default)]
    pub sights: Vec<SightSpec>,
    /// What the operator does, by name.
    pub procedures: Vec<ProcedureSpec>,
}

/// Something seen on a walk along the line.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SightSpec {
    /// Column of the physical truth that shows it.
    pub column: String,
    /// It is noticed when the column is above this value.
    pub above: f64,
    /// Name of the procedure that answers it.
    pub procedure: String,
    /// Name of the procedure that answers it when it is seen again on the look that follows; the same when
    /// left out.
    #[serde(default)]
    pub again: Option<String>,
}

/// A written procedure.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProcedureSpec {
    /// Unique name among the operator's procedures.
    pub name: String,
    /// What is done, in order.
    pub steps: Vec<ProcedureStep>,
}

/// One step of a procedure.
#[derive(Clone, Debug, Deserialize)]
pub enum ProcedureStep {
    /// Writes a value to a tag through the HMI.
    Write {
        /// The tag.
        tag: String,
        /// The value, in the tag's unit.
        value: f64,
    },
    /// Waits, s.
    Wait(f64),
    /// Works at a machine.
    Work {
        /// What is done, by the name that the process gives it.
        act: String,
        /// Median duration, s.
        median_s: f64,
    },
}

fn default_process_step_ms() -> u32 {
    10
}
fn default_latency_us() -> u32 {
    10
}
fn default_bandwidth_mbps() -> u32 {
    100
}
fn default_hop_limit() -> u8 {
    64
}
fn default_window_bytes() -> u16 {
    1024
}
fn default_watchdog_ms() -> u32 {
    100
}
fn default_max_connections() -> u8 {
    8
}
fn default_service_us() -> u32 {
    800
}
fn default_sync_every_scans() -> u16 {
    1
}
fn default_sync_us() -> u32 {
    500
}
fn default_hold_ms() -> u32 {
    1_500
}
fn default_unit() -> u8 {
    1
}
fn default_scale() -> f64 {
    1.0
}
fn default_timeout_ms() -> u32 {
    1000
}
fn default_reaction_sigma() -> f64 {
    0.4
}

/// A mistake in a scenario's files that only shows once they are read as a whole.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {message}")]
pub struct SpecError {
    /// Problem code, for example `TR0203`.
    pub code: &'static str,
    /// Where it is, as a path through the document: `hosts[3].ip`.
    pub path: String,
    /// What is wrong.
    pub message: String,
    /// What to do about it, if there is something better to say than the message.
    pub hint: Option<String>,
}
