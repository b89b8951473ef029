//! Importers: a tool's own file into [`Alert`]s.
//!
//! **Invariant:** no importer panics on any bytes, and none drops a record silently: each input
//! record becomes an alert, or is counted in [`Import::skipped`] with its reason, or ends the import
//! with an [`ImportError`] that names line and field. What cannot be true in the run is never kept, and
//! [`Import::left_out`] has its line and field.
//!
//! A file that is truncated or in another format is the user's mistake and is refused whole: half an
//! alert file would score as a worse tool than the one that was run.

mod alarms;
mod cef;
mod ecs;
mod eve;
mod field;
mod format;
mod guess;
mod jsonl;
mod ocsf;
mod possible;
mod severity;
mod shape;
mod sigma;
mod sniff;
mod snort;
mod stix;
mod syslog;
mod time;
mod wall;
mod wazuh;
mod zeek;

pub use alarms::station_alarms;
pub use format::Format;
pub use guess::detect;
pub(crate) use possible::{AFTER_RUN, IN_CLEAN_PERIOD};
pub(crate) use sniff::count_u64;
pub use time::zone_s;
pub use wall::{WallAnchor, WallClock};

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use thiserror::Error;

use crate::alert::{Alert, Kind};
use crate::records::LeftOut;
use possible::BEFORE_RUN;

/// The Unix time of the start of a run unless the scenario says otherwise:
/// 2026-01-05T06:00:00Z, a Monday, early shift.
pub const DEFAULT_EPOCH_UNIX_NS: u64 = 1_767_592_800_000_000_000;

/// What an importer must know about the run.
#[derive(Clone, Debug)]
pub struct ImportOptions {
    /// Unix time of the start of the run, ns. Wall-like time stamps are counted from it.
    pub epoch_unix_ns: u64,
    /// Simulated length of the run, ns; records after it are left out. `None`: not checked.
    pub duration_ns: Option<u64>,
    /// The number of the last frame of each SPAN; records that name another SPAN, or a frame behind
    /// it, are left out. `None`: not checked.
    pub frames: Option<BTreeMap<String, u64>>,
    /// Refuses a file of which no record can be true in the run: it belongs to another run, or the
    /// tool's clock was not the simulation's.
    pub refuse_foreign: bool,
    /// Added to the tool's time, ns: a known offset of its clock. Zero unless the user says so.
    pub clock_offset_ns: i64,
    /// Set where the tool watched a live plant by the wall clock: its times are those of the wall clock then, and not
    /// counted from `epoch_unix_ns`. Times that a format counts from the start of the run stay as they are.
    pub wall_clock: Option<WallClock>,
    /// The zone of times that name none, s east of Greenwich. `None`: such times are refused.
    pub zone_s: Option<i32>,
    /// Further fields that hold technique identifiers: paths of JSON, labels or keys of CEF, parameters
    /// of syslog. Not for [`Format::Jsonl`] and [`Format::Eve`].
    pub technique_fields: Vec<String>,
    /// Name for the tool where the record does not give one.
    pub tool: Option<String>,
    /// The SPAN whose capture the tool read, for frame numbers without a SPAN.
    pub span: Option<String>,
    /// The user's table: signature identifier to technique identifiers. Used only for alerts that
    /// bring none themselves.
    pub signature_techniques: BTreeMap<String, Vec<String>>,
    /// Keeps the tool's own record in [`Alert::raw`].
    pub keep_raw: bool,
}

impl Default for ImportOptions {
    fn default() -> Self {
        Self {
            epoch_unix_ns: DEFAULT_EPOCH_UNIX_NS,
            duration_ns: None,
            frames: None,
            refuse_foreign: true,
            clock_offset_ns: 0,
            wall_clock: None,
            zone_s: None,
            technique_fields: Vec::new(),
            tool: None,
            span: None,
            signature_techniques: BTreeMap::new(),
            keep_raw: false,
        }
    }
}

/// What came out of a file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Import {
    /// Alerts and log records, by time; records of one instant keep the file's order.
    pub alerts: Vec<Alert>,
    /// Records that are no alert and no telemetry, or cannot be true in the run: reason to count.
    pub skipped: BTreeMap<String, u64>,
    /// Those of the skipped that cannot be true, in the file's order, at most
    /// [`crate::records::LISTED`].
    pub left_out: Vec<LeftOut>,
    /// Number of records that cannot be true, also of those that are not listed.
    pub impossible: u64,
    /// Things that look wrong but do not stop the import: what to count.
    pub anomalies: BTreeMap<String, u64>,
    /// Set while a file is read: whether the user's table names a signature of its alerts.
    table_names_one: bool,
    /// Filled while a file is read: fields of the user's for techniques that an alert had.
    fields_found: BTreeSet<String>,
}

/// What an import says beside the alerts that it kept, to be stored with them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportReport {
    /// Name of the format of the file.
    pub format: String,
    /// Records in the file: `kept` and all of `skipped`.
    pub read: u64,
    /// Records that became alerts or log records.
    pub kept: u64,
    /// As [`Import::skipped`].
    pub skipped: BTreeMap<String, u64>,
    /// As [`Import::left_out`].
    pub left_out: Vec<LeftOut>,
    /// As [`Import::impossible`].
    pub impossible: u64,
    /// As [`Import::anomalies`].
    pub anomalies: BTreeMap<String, u64>,
}

impl Import {
    /// Number of records that were read.
    #[must_use]
    pub fn read(&self) -> u64 {
        count_u64(self.alerts.len()) + self.skipped.values().sum::<u64>()
    }

    /// Everything but the alerts, for a file beside them.
    #[must_use]
    pub fn report(&self, format: Format) -> ImportReport {
        ImportReport {
            format: format.name().to_owned(),
            read: self.read(),
            kept: count_u64(self.alerts.len()),
            skipped: self.skipped.clone(),
            left_out: self.left_out.clone(),
            impossible: self.impossible,
            anomalies: self.anomalies.clone(),
        }
    }

    /// The import of alerts that an earlier import had kept, as if its own file were read again.
    #[must_use]
    pub fn after(mut self, earlier: ImportReport) -> Self {
        for (reason, count) in earlier.skipped {
            *self.skipped.entry(reason).or_default() += count;
        }
        self.left_out.splice(0..0, earlier.left_out);
        self.left_out.truncate(crate::records::LISTED);
        self.impossible += earlier.impossible;
        // The kept records are the same ones, and look as odd as they did then.
        self.anomalies = earlier.anomalies;
        self
    }

    fn skip(&mut self, reason: &str) {
        *self.skipped.entry(reason.to_owned()).or_default() += 1;
    }

    fn note(&mut self, what: impl Into<String>) {
        *self.anomalies.entry(what.into()).or_default() += 1;
    }
}

/// A file that cannot be imported: the user's mistake, with the place.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{}: {message}", place(*line, *column, field.as_deref()))]
pub struct ImportError {
    /// 1-based line.
    pub line: u64,
    /// 1-based column in characters, where the parser knows it.
    pub column: Option<u64>,
    /// The field at fault, as a path: `src.port`.
    pub field: Option<String>,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

impl ImportError {
    /// What is wrong with a field of a line.
    fn of_field(line: u64, field: String, message: String, hint: Option<&str>) -> Self {
        Self {
            line,
            column: None,
            field: Some(field),
            message,
            hint: hint.map(str::to_owned),
        }
    }
}

fn place(line: u64, column: Option<u64>, field: Option<&str>) -> String {
    let mut text = format!("line {line}");
    if let Some(column) = column {
        text.push_str(&format!(", column {column}"));
    }
    if let Some(field) = field {
        text.push_str(&format!(", field `{field}`"));
    }
    text
}

/// Imports a file.
///
/// # Arguments
///
/// * `bytes` — the whole file. Blank lines and a byte order mark are allowed; an empty file is a
///   tool that raised no alert.
///
/// # Errors
///
/// [`ImportError`] for the first line that is not a record of this format, and when every record
/// lies outside the run, which means that the tool's clock was not the simulation's.
///
/// # Examples
///
/// ```
/// use twinrange_score::formats::{Format, ImportOptions, import};
///
/// let file = br#"{"t_ns":15000000,"sig_id":"new-talker","techniques":["T0855"]}"#;
/// let import = import(Format::Jsonl, file, &ImportOptions::default())?;
/// assert_eq!(import.alerts[0].techniques, ["T1692.001"]);
/// # Ok::<(), twinrange_score::formats::ImportError>(())
/// ```
pub fn import(
    format: Format,
    bytes: &[u8],
    options: &ImportOptions,
) -> Result<Import, ImportError> {
    let text = sniff::text(bytes)?;
    let named;
    let options = match (&options.tool, format.tool()) {
        (None, Some(tool)) => {
            named = ImportOptions {
                tool: Some(tool.to_owned()),
                ..options.clone()
            };
            &named
        }
        _ => options,
    };
    let mut import = Import::default();
    if format == Format::Stix {
        stix::read(text, options, &mut import)?;
        finish(&mut import, format, options)?;
        return Ok(import);
    }
    let mut header = zeek::Header::default();
    let mut findings = ocsf::Findings::default();
    for line in sniff::lines(text) {
        let (number, into) = (line.number, &mut import);
        match format {
            Format::Jsonl => jsonl::record(number, line.object(format)?, options, into)?,
            Format::Eve => eve::record(number, line.object(format)?, options, into)?,
            Format::Zeek => zeek::line(&line, &mut header, options, into)?,
            Format::Snort => snort::record(number, line.object(format)?, options, into)?,
            Format::Cef => syslog::each(&line, options, into, cef::line)?,
            Format::Syslog => syslog::each(&line, options, into, syslog::line)?,
            Format::Wazuh => wazuh::record(number, document(&line, format)?, options, into)?,
            Format::Ocsf => {
                ocsf::record(
                    number,
                    document(&line, format)?,
                    &mut findings,
                    options,
                    into,
                )?;
            }
            Format::Ecs => ecs::record(number, document(&line, format)?, options, into)?,
            Format::Sigma => sigma::record(number, document(&line, format)?, options, into)?,
            Format::Stix => unreachable!("it is not read by lines"),
        }
    }
    finish(&mut import, format, options)?;
    Ok(import)
}

/// The object on a line, or the one that an export of Elasticsearch or OpenSearch has wrapped up.
fn document(line: &sniff::Line<'_>, format: Format) -> Result<sniff::Object, ImportError> {
    let mut object = line.object(format)?;
    match sniff::wrapper(&object).and_then(|name| object.remove(name)) {
        Some(Value::Object(inner)) => Ok(inner),
        _ => Ok(object),
    }
}

/// Refuses what belongs to another run, and sorts the rest.
fn finish(import: &mut Import, format: Format, options: &ImportOptions) -> Result<(), ImportError> {
    note_unused(import, format, options);
    if options.refuse_foreign && import.alerts.is_empty() && import.impossible > 0 {
        return Err(foreign(import));
    }
    if !import.alerts.is_sorted_by_key(|alert| alert.t_ns) {
        let backward = import
            .alerts
            .windows(2)
            .filter(|pair| pair[1].t_ns < pair[0].t_ns)
            .count();
        for _ in 0..backward {
            import.note("record earlier than the one before it; sorted by time");
        }
        import.alerts.sort_by_key(|alert| alert.t_ns);
    }
    Ok(())
}

/// Notes what the user said of techniques and no alert made use of: a misspelled name would else go unseen.
fn note_unused(import: &mut Import, format: Format, options: &ImportOptions) {
    let table_names_one = std::mem::take(&mut import.table_names_one);
    let found = std::mem::take(&mut import.fields_found);
    if !import.alerts.iter().any(|alert| alert.kind == Kind::Alert) {
        return;
    }
    if !options.signature_techniques.is_empty() && !table_names_one {
        import.note(
            "the table of techniques (--techniques, signature_table) names no signature of these alerts",
        );
    }
    for field in &options.technique_fields {
        let field_shown = shape::short(field);
        if matches!(format, Format::Jsonl | Format::Eve) {
            import.note(format!(
                "the field `{field_shown}` (--technique-field) is not read in format `{}`, which has its own",
                format.name()
            ));
        } else if !found.contains(field) {
            import.note(format!(
                "no alert has the field `{field_shown}` (--technique-field)"
            ));
        }
    }
}

/// Says of a file without a possible record what is wrong with it.
fn foreign(import: &Import) -> ImportError {
    let count = |reason| import.skipped.get(reason).copied().unwrap_or(0);
    let first = import
        .left_out
        .first()
        .expect("an impossible record is listed");
    let (all, outside) = (import.impossible, count(BEFORE_RUN) + count(AFTER_RUN));
    let (message, hint) = if outside == all {
        (
            format!("all {all} records lie outside the run"),
            "the tool must take its time from the capture (simulated time), not from its own clock; \
             check that the file belongs to this run, or say by how much the clock was off: `score --clock-offset`",
        )
    } else {
        (
            format!(
                "none of {all} records can be true in this run; the first has {}: {}",
                first.found, first.reason
            ),
            "check that the file belongs to this run",
        )
    };
    ImportError {
        line: first.line,
        column: None,
        field: Some(first.field.clone()),
        message,
        hint: Some(hint.to_owned()),
    }
}

/// Simulated time from a tool's time: offset added, negative times refused.
fn simulated_ns(unix_or_run_ns: i128, base_ns: u64, options: &ImportOptions) -> Option<u64> {
    let clock_ns = unix_or_run_ns + i128::from(options.clock_offset_ns);
    match &options.wall_clock {
        Some(clock) if base_ns > 0 => clock.t_ns(clock_ns),
        _ => u64::try_from(clock_ns - i128::from(base_ns)).ok(),
    }
}
