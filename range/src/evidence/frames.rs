//! `truth/frames.parquet`: what every captured frame belongs to.
//!
//! | column | type | meaning |
//! | --- | --- | --- |
//! | `span` | text (dictionary) | name of the SPAN port |
//! | `frame` | i64 | number in `evidence/span-<name>.pcapng`, from 1 |
//! | `step` | text (dictionary) | id of the attack step, or `benign` |
//! | `relation` | text (dictionary) | `benign`, `sent`, `reply` or `diverted` |
//! | `denied` | bool | whether the switch stopped it after the SPAN port saw it |
//! | `t_ns` | i64 | when the switch had received it, as in the capture |
//! | `source` | text (dictionary) | host that it came from, by the port it came in through |
//! | `destination` | text (dictionary) | host with its destination address, `broadcast` or `unknown` |
//! | `protocol` | text (dictionary) | [`Protocol`] |
//!
//! [`read`] reads the first five columns, which are in every run folder; [`Traffic`] reads all, any part of a run
//! without the rest.

use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{BooleanArray, Int64Array, StringArray, UInt16Array};
use arrow_schema::{DataType, Field};
use serde::{Deserialize, Serialize};

use sim_wire::MacAddr;
use sim_wire::summary::FrameSummary;

use super::columns::{
    Indexed, Rows, Table, meanings, name_type, names, signed, text, unsigned, values,
};
use super::{BATCH_ROWS, PART_ROWS, ReadError};

/// The word for frames that belong to no attack step.
pub const BENIGN: &str = "benign";

/// How a frame relates to its attack step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Relation {
    /// Ordinary plant traffic.
    Benign,
    /// The attacker sent it.
    Sent,
    /// Somebody answered the attacker with it.
    Reply,
    /// It was meant for somebody else and went to the attacker because of a forged address.
    Diverted,
}

impl Relation {
    /// All of them; the index is the number in the file.
    const ALL: [Self; 4] = [Self::Benign, Self::Sent, Self::Reply, Self::Diverted];

    /// The word in the file.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Benign => BENIGN,
            Self::Sent => "sent",
            Self::Reply => "reply",
            Self::Diverted => "diverted",
        }
    }
}

/// What a frame is for, as far as one frame tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Protocol {
    /// Address resolution.
    Arp,
    /// TCP without Modbus: handshakes, acknowledgments, resets.
    Tcp,
    /// Modbus that reads.
    ModbusRead,
    /// Modbus that writes values.
    ModbusWrite,
    /// Modbus that loads or commands a controller: the vendor's session and file records.
    Engineering,
    /// Echo requests and errors.
    Icmp,
    /// UDP.
    Udp,
    /// Anything else.
    Other,
}

impl Protocol {
    /// All of them; the index is the number in the file.
    pub const ALL: [Self; 8] = [
        Self::Arp,
        Self::Tcp,
        Self::ModbusRead,
        Self::ModbusWrite,
        Self::Engineering,
        Self::Icmp,
        Self::Udp,
        Self::Other,
    ];

    /// The word in the file.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Arp => "arp",
            Self::Tcp => "tcp",
            Self::ModbusRead => "modbus-read",
            Self::ModbusWrite => "modbus-write",
            Self::Engineering => "engineering",
            Self::Icmp => "icmp",
            Self::Udp => "udp",
            Self::Other => "other",
        }
    }

    /// What a frame is for.
    #[must_use]
    pub fn of(frame: &FrameSummary) -> Self {
        use sim_wire::modbus::function;
        if frame.arp.is_some() {
            return Self::Arp;
        }
        if let Some(modbus) = &frame.modbus {
            return match modbus.first.map(|adu| adu.function) {
                Some(
                    function::READ_FILE_RECORD
                    | function::WRITE_FILE_RECORD
                    | function::ENGINEERING_SESSION,
                ) => Self::Engineering,
                Some(code) if function::is_write(code) => Self::ModbusWrite,
                Some(_) => Self::ModbusRead,
                None => Self::Tcp,
            };
        }
        match (&frame.tcp, &frame.udp, &frame.icmp) {
            (Some(_), _, _) => Self::Tcp,
            (_, Some(_), _) => Self::Udp,
            (_, _, Some(_)) => Self::Icmp,
            _ => Self::Other,
        }
    }
}

/// The word for a frame to all hosts.
pub const BROADCAST: &str = "broadcast";

/// The word for a frame to an address that no host has.
pub const UNKNOWN: &str = "unknown";

/// Whom a frame is addressed to on its network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Destination {
    /// All hosts, or a group of them.
    Broadcast,
    /// An address that no host has.
    Unknown,
    /// A host, by its index.
    Host(u16),
}

impl Destination {
    /// The number in the file: behind the two words come the hosts.
    fn code(self) -> u16 {
        match self {
            Self::Broadcast => 0,
            Self::Unknown => 1,
            Self::Host(host) => host + 2,
        }
    }
}

/// The truth about one frame, by the numbers of its names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameTruth {
    /// Index of the attack step; `None` for ordinary traffic.
    pub step: Option<u16>,
    /// How it belongs to the step.
    pub relation: Relation,
    /// Whether the switch stopped it.
    pub denied: bool,
    /// Index of the host that it came from.
    pub source: u16,
}

impl FrameTruth {
    /// Ordinary traffic of a host that went its way.
    #[must_use]
    pub const fn benign(source: u16) -> Self {
        Self {
            step: None,
            relation: Relation::Benign,
            denied: false,
            source,
        }
    }
}

/// What a frame says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameKind {
    /// Whom it is addressed to.
    pub destination: Destination,
    /// What it is for.
    pub protocol: Protocol,
}

impl FrameKind {
    /// Reads a frame's bytes. `host` gives the index of the host with a hardware address.
    #[must_use]
    pub fn of(bytes: &[u8], host: impl Fn(MacAddr) -> Option<u16>) -> Self {
        let Some(summary) = FrameSummary::of(bytes) else {
            return Self {
                destination: Destination::Unknown,
                protocol: Protocol::Other,
            };
        };
        let destination = match host(summary.dst_mac) {
            Some(host) => Destination::Host(host),
            None if summary.dst_mac.0[0] & 1 == 1 => Destination::Broadcast,
            None => Destination::Unknown,
        };
        Self {
            destination,
            protocol: Protocol::of(&summary),
        }
    }
}

/// One row as it is read back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FrameRow {
    /// Name of the SPAN port.
    pub span: String,
    /// Number in that port's capture, from 1.
    pub frame: u64,
    /// Id of the attack step; `None` for ordinary traffic.
    pub step: Option<String>,
    /// How it belongs to the step.
    pub relation: Relation,
    /// Whether the switch stopped it.
    pub denied: bool,
}

/// Writes the truth about frames.
pub struct FrameWriter<W: Write + Send> {
    table: Table<W>,
    span_names: Arc<StringArray>,
    step_names: Arc<StringArray>,
    relation_names: Arc<StringArray>,
    end_names: Arc<StringArray>,
    protocol_names: Arc<StringArray>,
    span: Vec<u16>,
    frame: Vec<i64>,
    step: Vec<u16>,
    relation: Vec<u16>,
    denied: Vec<bool>,
    t_ns: Vec<i64>,
    source: Vec<u16>,
    destination: Vec<u16>,
    protocol: Vec<u16>,
}

/// The columns; the first five are in every run folder, the others in those of this build.
fn columns() -> [(&'static str, DataType); 9] {
    [
        ("span", name_type()),
        ("frame", DataType::Int64),
        ("step", name_type()),
        ("relation", name_type()),
        ("denied", DataType::Boolean),
        ("t_ns", DataType::Int64),
        ("source", name_type()),
        ("destination", name_type()),
        ("protocol", name_type()),
    ]
}

/// Where the time stands among the columns.
const T_NS: usize = 5;

impl<W: Write + Send> FrameWriter<W> {
    /// Begins the file.
    ///
    /// # Arguments
    ///
    /// * `spans` — names of the SPAN ports; rows refer to them by index.
    /// * `steps` — ids of the playbook's steps; rows refer to them by index.
    /// * `hosts` — names of the hosts; rows refer to them by index.
    ///
    /// # Errors
    ///
    /// Those of `out`.
    pub fn new(out: W, spans: &[String], steps: &[String], hosts: &[String]) -> io::Result<Self> {
        let fields = columns().map(|(name, kind)| Field::new(name, kind, false));
        let step_names = std::iter::once(BENIGN).chain(steps.iter().map(String::as_str));
        Ok(Self {
            table: Table::in_parts(out, fields.into(), &["frame", "t_ns"], PART_ROWS)?,
            span_names: Arc::new(StringArray::from_iter_values(spans)),
            step_names: Arc::new(StringArray::from_iter_values(step_names)),
            relation_names: Arc::new(StringArray::from_iter_values(
                Relation::ALL.map(Relation::name),
            )),
            end_names: Arc::new(StringArray::from_iter_values(
                [BROADCAST, UNKNOWN]
                    .into_iter()
                    .chain(hosts.iter().map(String::as_str)),
            )),
            protocol_names: Arc::new(StringArray::from_iter_values(
                Protocol::ALL.map(Protocol::name),
            )),
            span: Vec::with_capacity(BATCH_ROWS),
            frame: Vec::with_capacity(BATCH_ROWS),
            step: Vec::with_capacity(BATCH_ROWS),
            relation: Vec::with_capacity(BATCH_ROWS),
            denied: Vec::with_capacity(BATCH_ROWS),
            t_ns: Vec::with_capacity(BATCH_ROWS),
            source: Vec::with_capacity(BATCH_ROWS),
            destination: Vec::with_capacity(BATCH_ROWS),
            protocol: Vec::with_capacity(BATCH_ROWS),
        })
    }

    /// Appends a frame, given by its SPAN port and its number in that port's capture.
    ///
    /// # Errors
    ///
    /// Those of the writer below.
    pub fn row(&mut self, (span, frame): (u16, u64), seen: SeenFrame) -> io::Result<()> {
        let SeenFrame { t_ns, truth, kind } = seen;
        self.span.push(span);
        self.frame.push(signed(frame));
        self.step.push(truth.step.map_or(0, |step| step + 1));
        self.relation.push(truth.relation as u16);
        self.denied.push(truth.denied);
        self.t_ns.push(signed(t_ns));
        self.source.push(Destination::Host(truth.source).code());
        self.destination.push(kind.destination.code());
        self.protocol.push(kind.protocol as u16);
        if self.frame.len() == BATCH_ROWS {
            self.flush()
        } else {
            Ok(())
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        let take_names = |keys: &mut Vec<u16>, of: &Arc<StringArray>| {
            names(UInt16Array::from(std::mem::take(keys)), of)
        };
        self.table.write(vec![
            take_names(&mut self.span, &self.span_names),
            Arc::new(Int64Array::from(std::mem::take(&mut self.frame))),
            take_names(&mut self.step, &self.step_names),
            take_names(&mut self.relation, &self.relation_names),
            Arc::new(BooleanArray::from(std::mem::take(&mut self.denied))),
            Arc::new(Int64Array::from(std::mem::take(&mut self.t_ns))),
            take_names(&mut self.source, &self.end_names),
            take_names(&mut self.destination, &self.end_names),
            take_names(&mut self.protocol, &self.protocol_names),
        ])
    }

    /// Writes what is left and the footer.
    ///
    /// # Errors
    ///
    /// Those of the writer below.
    pub fn finish(mut self) -> io::Result<W> {
        self.flush()?;
        self.table.finish()
    }
}

/// Reads rows back, in the order of the file; only those of attack steps if `attack_only`.
///
/// # Errors
///
/// [`ReadError`] if the file is missing, cut or of another form, at once or in the middle.
pub fn read(
    path: &Path,
    attack_only: bool,
) -> Result<impl Iterator<Item = Result<Vec<FrameRow>, ReadError>> + use<>, ReadError> {
    let mut rows = Rows::open(path, &columns()[..T_NS])?;
    Ok(std::iter::from_fn(move || {
        let batch = match rows.batch()? {
            Ok(batch) => batch,
            Err(error) => return Some(Err(error)),
        };
        let (frame, denied) = (values::<Int64Type>(&batch, 1), batch.column(4).as_boolean());
        let mut found = Vec::new();
        for (row, &frame) in frame.iter().enumerate() {
            match read_row(&batch, row, frame, denied.value(row), attack_only) {
                Ok(row) => found.extend(row),
                Err(error) => return Some(Err(error)),
            }
        }
        Some(Ok(found))
    }))
}

fn read_row(
    batch: &arrow_array::RecordBatch,
    row: usize,
    frame: i64,
    denied: bool,
    attack_only: bool,
) -> Result<Option<FrameRow>, ReadError> {
    let step = Some(text(batch, 2, row)?).filter(|step| *step != BENIGN);
    if attack_only && step.is_none() {
        return Ok(None);
    }
    let relation = word(&Relation::ALL, Relation::name, text(batch, 3, row)?)?;
    Ok(Some(FrameRow {
        span: text(batch, 0, row)?.to_owned(),
        frame: unsigned(frame)?,
        step: step.map(str::to_owned),
        relation,
        denied,
    }))
}

/// A frame as an onlooker sees it, by the numbers of its names in [`Traffic`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SeenFrame {
    /// When the switch had received it, ns.
    pub t_ns: u64,
    /// The truth about it. Indices of hosts and steps are those of [`Traffic`].
    pub truth: FrameTruth,
    /// What it says of itself.
    pub kind: FrameKind,
}

/// The frames of a run, any part of it without the rest.
#[derive(Debug)]
pub struct Traffic {
    rows: Indexed,
    hosts: Vec<String>,
    steps: Vec<String>,
}

impl Traffic {
    /// Opens the file and reads its index.
    ///
    /// # Arguments
    ///
    /// * `hosts`, `steps` — the names that rows are told by; what is not among them is damage.
    ///
    /// # Errors
    ///
    /// [`ReadError`] if the file is missing, cut, or of a build that did not write hosts and times.
    pub fn open(path: &Path, hosts: Vec<String>, steps: Vec<String>) -> Result<Self, ReadError> {
        let rows = Indexed::open(path, &columns(), T_NS)?;
        Ok(Self { rows, hosts, steps })
    }

    /// The hosts, in the order in which frames count them.
    #[must_use]
    pub fn hosts(&self) -> &[String] {
        &self.hosts
    }

    /// The first and last time in each part of the file, ns, ascending.
    #[must_use]
    pub fn parts(&self) -> &[(u64, u64)] {
        self.rows.parts()
    }

    /// The frames of a part, in order of time.
    ///
    /// # Errors
    ///
    /// [`ReadError`] if the file is damaged.
    pub fn part(&self, part: usize) -> Result<Vec<SeenFrame>, ReadError> {
        let step_of = |name: &str| match name {
            BENIGN => Ok(None),
            step => index_of(&self.steps, step).map(Some),
        };
        let destination_of = |name: &str| match name {
            BROADCAST => Ok(Destination::Broadcast),
            UNKNOWN => Ok(Destination::Unknown),
            host => index_of(&self.hosts, host).map(Destination::Host),
        };
        let mut found = Vec::new();
        for batch in self.rows.batches(part)? {
            let batch = batch?;
            let denied = batch.column(4).as_boolean();
            let steps = meanings(&batch, 2, step_of)?;
            let relations = meanings(&batch, 3, |name| word(&Relation::ALL, Relation::name, name))?;
            let sources = meanings(&batch, 6, |name| index_of(&self.hosts, name))?;
            let destinations = meanings(&batch, 7, destination_of)?;
            let protocols = meanings(&batch, 8, |name| word(&Protocol::ALL, Protocol::name, name))?;
            for (row, &t_ns) in values::<Int64Type>(&batch, T_NS).iter().enumerate() {
                let truth = FrameTruth {
                    step: steps[row],
                    relation: relations[row],
                    denied: denied.value(row),
                    source: sources[row],
                };
                let kind = FrameKind {
                    destination: destinations[row],
                    protocol: protocols[row],
                };
                let t_ns = unsigned(t_ns)?;
                found.push(SeenFrame { t_ns, truth, kind });
            }
        }
        Ok(found)
    }
}

/// The index of a name in a list.
pub(super) fn index_of(names: &[String], name: &str) -> Result<u16, ReadError> {
    let at = names.iter().position(|known| known == name);
    let at = at.and_then(|at| u16::try_from(at).ok());
    at.ok_or_else(|| ReadError::Damaged(format!("`{name}` is no name of this run")))
}

/// The value behind a word.
fn word<T: Copy>(all: &[T], name: fn(T) -> &'static str, word: &str) -> Result<T, ReadError> {
    let found = all.iter().find(|known| name(**known) == word);
    found
        .copied()
        .ok_or_else(|| ReadError::Damaged(format!("`{word}` is no word of this column")))
}
