//! Alerts of an offline defense and of files that the user hands in: the same rules, another culprit.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sim_kernel::time::SimDuration;
use twinrange_bridge::{DefenseError, offline};
use twinrange_range::evidence::EPOCH_UNIX_NS;
use twinrange_range::manifest::Ended;
use twinrange_range::problem::{Problem, Problems};
use twinrange_range::run_folder::{RunFolder, paths};
use twinrange_score::alert::{Alert, Kind, TechniqueSource, to_jsonl};
use twinrange_score::formats::{
    Format, Import, ImportError, ImportOptions, ImportReport, WallClock, detect, import, zone_s,
};
use twinrange_score::score::Tool;

use super::defense::Defense;
use super::execution::Order;
use super::failure::{Failure, print_problems};
use super::scoring::sandbox_note;
use super::technique_table::TechniqueTable;

/// Most records that are named on standard error; `score.json` has more of them.
const NAMED: usize = 5;
/// Most tools that are named where a file holds the alerts of several.
const TOOLS_NAMED: usize = 8;

/// Alerts to be scored, and whose they are.
pub(crate) struct Submitted {
    pub(crate) import: Import,
    /// The tool that raised them.
    pub(crate) tool: Option<Tool>,
    /// Name of the format in which they came.
    pub(crate) format: String,
    /// Name of the user's file; `None` for those of the run's own defense.
    pub(crate) file: Option<String>,
    /// What a reader of the score must know about it.
    pub(crate) caveats: Vec<String>,
}

/// An alert file of the user's, and what the user says of it.
#[derive(Clone, Debug, Default)]
pub(crate) struct AlertFile {
    pub(crate) path: PathBuf,
    /// `None`: told by the file itself.
    pub(crate) format: Option<Format>,
    /// Added to the tool's times, ns.
    pub(crate) clock_offset_ns: i64,
    /// Whether the tool's times are those of the wall clock of a live run.
    pub(crate) by_wall_clock: bool,
    /// Zone of times that name none, s east of Greenwich.
    pub(crate) zone_s: Option<i32>,
    /// Techniques of signatures whose alerts carry none.
    pub(crate) techniques: TechniqueTable,
    /// Further fields that hold techniques.
    pub(crate) technique_fields: Vec<String>,
}

impl AlertFile {
    /// What the user changed about the alerts, for the reader of the score.
    fn caveats(&self, import: &Import) -> Vec<String> {
        let mut sentences = Vec::new();
        if self.clock_offset_ns != 0 {
            let length = SimDuration::from_nanos(self.clock_offset_ns.unsigned_abs());
            let side = if self.clock_offset_ns < 0 {
                "back"
            } else {
                "forward"
            };
            sentences.push(format!(
                "The tool's times were moved {side} by {length} with --clock-offset."
            ));
        }
        if self.by_wall_clock {
            sentences.push(
                "The tool stamped its alerts with the wall clock, and they were put at the plant's time then."
                    .to_owned(),
            );
        }
        if !self.techniques.is_empty() {
            let of_table = |alert: &&Alert| alert.technique_source == TechniqueSource::Table;
            let alerts = import
                .alerts
                .iter()
                .filter(|alert| alert.kind == Kind::Alert);
            sentences.push(format!(
                "Alerts without techniques have those of a table of {} signatures (--techniques): {} of {} alerts.",
                self.techniques.len(),
                alerts.clone().filter(of_table).count(),
                alerts.count()
            ));
        }
        sentences
    }
}

/// The format of an alert file that the user names; `None` for `auto` and where nothing is named.
///
/// # Errors
///
/// `TR0112` for a name that no format has.
pub(crate) fn format_asked(name: Option<&str>) -> Result<Option<Format>, Problem> {
    let Some(name) = name.filter(|name| *name != "auto") else {
        return Ok(None);
    };
    Format::from_name(name).map(Some).map_err(|near| {
        let hint = near.map_or_else(
            || "see `list formats`".to_owned(),
            |near| format!("did you mean `{near}`?"),
        );
        Problem::new("TR0112", format!("there is no alert format `{name}`")).hint(hint)
    })
}

/// What every import into a run must know about it.
fn options_for(folder: &RunFolder) -> ImportOptions {
    ImportOptions {
        epoch_unix_ns: EPOCH_UNIX_NS,
        duration_ns: Some(folder.manifest().simulated_ns),
        frames: Some(folder.manifest().counts.frames.clone()),
        span: folder.spans().next().map(str::to_owned),
        ..ImportOptions::default()
    }
}

/// How the clocks of a live run belong together.
fn wall_clock(folder: &RunFolder) -> Result<WallClock, Problem> {
    let note = folder
        .manifest()
        .notes
        .get("live")
        .and_then(|live| live.get("clock"));
    let clock = note.and_then(|clock| WallClock::deserialize(clock).ok());
    clock.ok_or_else(|| {
        Problem::new("TR0112", "this run was not paced by the wall clock")
            .hint("leave `--clock wall` out: alerts of a run have its simulated time")
    })
}

/// Alerts from a file of the user's.
///
/// # Errors
///
/// `TR0108` and `TR0313`: the user's mistakes.
pub(crate) fn from_file(
    folder: &RunFolder,
    own: &AlertFile,
    defense: Option<&Defense>,
) -> Result<Submitted, Failure> {
    let path = own.path.as_path();
    let shown = path.display().to_string();
    let bytes = std::fs::read(path)
        .map_err(|error| Problem::new("TR0108", format!("`{shown}` cannot be read: {error}")))?;
    let stem = path.file_stem().unwrap_or(path.as_os_str());
    let format = match own.format {
        Some(format) => format,
        None => detect(&bytes).map_err(|error| user_mistake(&shown, &error))?,
    };
    let default_tool = format
        .tool()
        .map_or_else(|| stem.to_string_lossy().into_owned(), str::to_owned);
    let options = ImportOptions {
        tool: Some(default_tool.clone()),
        clock_offset_ns: own.clock_offset_ns,
        wall_clock: own.by_wall_clock.then(|| wall_clock(folder)).transpose()?,
        zone_s: own.zone_s,
        signature_techniques: own.techniques.clone(),
        technique_fields: own.technique_fields.clone(),
        ..options_for(folder)
    };
    let import = import(format, &bytes, &options).map_err(|error| user_mistake(&shown, &error))?;
    warn_left_out(&import, &shown);
    let name = path.file_name().unwrap_or(path.as_os_str());
    let file = name.to_string_lossy().into_owned();
    let tool = tool_names(&import).unwrap_or(default_tool);
    let caveats = defense
        .map(|own| {
            format!(
                "The alerts are those of {tool}, from the file {file}. The run's own defense was {}: \
                 what production lost or kept is its doing.",
                own.spec.name
            )
        })
        .into_iter()
        .chain(own.caveats(&import))
        .collect();
    Ok(Submitted {
        import,
        tool: Some(Tool {
            name: tool,
            version: None,
            config_digest: None,
            confined: None,
        }),
        format: format.name().to_owned(),
        file: Some(file),
        caveats,
    })
}

/// Alerts of the run's own defense.
///
/// # Errors
///
/// `DF0018` if it had failed: what it did not say is no silence. `TR0108` and `TR0313` if the run
/// folder is damaged.
pub(crate) fn of_defense(
    folder: &RunFolder,
    defense: Option<&Defense>,
) -> Result<Submitted, Failure> {
    if let Some(why) = failure_of(folder) {
        return Err(DefenseError::FailedInRun { why }.into());
    }
    let path = folder.locate(paths::ALERTS);
    let shown = path.display().to_string();
    let bytes = std::fs::read(&path)
        .map_err(|error| Problem::new("TR0108", format!("`{shown}` cannot be read: {error}")))?;
    let options = ImportOptions {
        tool: defense.map(|d| d.spec.name.clone()),
        signature_techniques: defense
            .map(|d| d.spec.signature_table.clone())
            .unwrap_or_default(),
        // A tool of which nothing can be true has spoken all the same, and is scored so.
        refuse_foreign: false,
        ..options_for(folder)
    };
    let import =
        import(Format::Jsonl, &bytes, &options).map_err(|error| user_mistake(&shown, &error))?;
    warn_left_out(&import, &shown);
    let (import, format) = match earlier(folder)? {
        None => (import, Format::Jsonl.name().to_owned()),
        Some(report) => {
            let format = report.format.clone();
            (import.after(report), format)
        }
    };
    let by_api = api_note(folder).is_some_and(|api| api.alerts > 0);
    let tool = match defense.filter(|_| !by_api) {
        Some(defense) => {
            let confined = sandbox_note(folder).map(|note| note.confined);
            Some(tool_of(defense, confined))
        }
        // Who spoke over the API is known by what was said.
        None => tool_names(&import).map(|name| Tool {
            name,
            version: None,
            config_digest: None,
            confined: None,
        }),
    };
    Ok(Submitted {
        import,
        tool,
        format,
        file: None,
        caveats: Vec::new(),
    })
}

fn tool_of(defense: &Defense, confined: Option<bool>) -> Tool {
    Tool {
        name: defense.spec.name.clone(),
        version: Some(defense.spec.version.clone()),
        config_digest: Some(sim_kernel::Digest::of(defense.text.as_bytes()).to_string()),
        confined,
    }
}

/// Alerts that a lock-step defense raised in a run of which there is no folder.
///
/// # Arguments
///
/// * `lines` — the alerts in our normal form, one JSON object a line.
/// * `frames` — how many frames each SPAN port had.
/// * `span` — the SPAN port of frame numbers that name none.
///
/// # Errors
///
/// `TR0313` as for a file; what the bridge has let through has none.
pub(crate) fn of_lines(
    lines: &[u8],
    defense: Option<&Defense>,
    simulated_ns: u64,
    frames: BTreeMap<String, u64>,
    span: Option<String>,
) -> Result<Submitted, Failure> {
    let options = ImportOptions {
        epoch_unix_ns: EPOCH_UNIX_NS,
        duration_ns: Some(simulated_ns),
        frames: Some(frames),
        span,
        tool: defense.map(|d| d.spec.name.clone()),
        signature_techniques: defense
            .map(|d| d.spec.signature_table.clone())
            .unwrap_or_default(),
        refuse_foreign: false,
        ..ImportOptions::default()
    };
    let import = import(Format::Jsonl, lines, &options)
        .map_err(|error| user_mistake("alerts of the defense", &error))?;
    Ok(Submitted {
        import,
        tool: defense.map(|defense| tool_of(defense, None)),
        format: Format::Jsonl.name().to_owned(),
        file: None,
        caveats: Vec::new(),
    })
}

/// The report of the import that filled `alerts.jsonl`, if an offline defense did.
fn earlier(folder: &RunFolder) -> Result<Option<ImportReport>, Problem> {
    let path = folder.locate(paths::IMPORT);
    let Ok(text) = std::fs::read_to_string(&path) else {
        return Ok(None);
    };
    serde_json::from_str(&text).map(Some).map_err(|error| {
        let message = format!("this is not the report of an import: {error}");
        Problem::new("TR0306", message).in_file(path.display().to_string())
    })
}

/// Runs an offline defense over the evidence and brings its alerts into our normal form. Does nothing
/// for another defense.
///
/// # Errors
///
/// What is wrong with the tool or with what it left; `TR0307` if the run folder cannot be written.
pub(crate) fn run_offline(order: &Order<'_>, folder: &RunFolder) -> Result<(), Failure> {
    run_offline_over(order, folder, &folder.path().join("evidence"))
}

/// As [`run_offline`], over another evidence folder than the run's own.
pub(crate) fn run_offline_over(
    order: &Order<'_>,
    folder: &RunFolder,
    evidence: &Path,
) -> Result<(), Failure> {
    let Some(defense) = order.defense else {
        return Ok(());
    };
    let Some(mut config) = defense.offline(order.ready.loaded.scenario.clean_until)? else {
        return Ok(());
    };
    config.confinement = defense.confinement(order.sandbox, order.hidden());
    let output = folder.path().join("defense").join("output");
    let result = offline::run(&config, evidence, &output)?;
    let format = Format::from_name(&result.format).expect("checked when the defense was read");
    let shown = result.alerts_path.display().to_string();
    let bytes = std::fs::read(&result.alerts_path).map_err(|source| DefenseError::Io {
        what: format!("cannot read {shown}"),
        source,
    })?;
    let options = ImportOptions {
        tool: Some(defense.spec.name.clone()),
        signature_techniques: defense.spec.signature_table.clone(),
        zone_s: defense.spec.zone().and_then(zone_s),
        ..options_for(folder)
    };
    let import =
        import(format, &bytes, &options).map_err(|error| DefenseError::UnreadableAlerts {
            path: config.alerts_path.clone(),
            reason: error.to_string(),
            hint: error.hint,
        })?;
    warn_left_out(&import, &shown);
    let report = serde_json::to_string_pretty(&import.report(format)).expect("a report encodes");
    for (path, text) in [
        (paths::ALERTS, to_jsonl(&import.alerts)),
        (paths::IMPORT, format!("{report}\n")),
    ] {
        let path = folder.locate(path);
        std::fs::write(&path, text).map_err(|error| {
            let message = format!("`{}` cannot be written: {error}", path.display());
            Problem::new("TR0307", message)
        })?;
    }
    Ok(())
}

/// Writes down why the defense failed, so that nobody takes its silence for quiet.
pub(crate) fn note_failure(folder: &RunFolder, failure: &Failure) -> Result<(), Problem> {
    let why = match failure {
        Failure::Defense(error) => format!("{}: {error}", error.code()),
        Failure::User(problems) => format!("its alerts could not be kept: {problems}"),
        _ => return Ok(()),
    };
    let file = folder.locate(paths::FAILURE);
    std::fs::write(&file, format!("{why}\n")).map_err(|error| {
        Problem::new(
            "TR0307",
            format!("`{}` cannot be written: {error}", file.display()),
        )
    })
}

/// Why the run's own defense failed, if it did. What it did not say is then no silence.
fn failure_of(folder: &RunFolder) -> Option<String> {
    if let Ok(text) = std::fs::read_to_string(folder.locate(paths::FAILURE)) {
        return Some(text.trim().to_owned());
    }
    (folder.manifest().ended == Ended::DefenseFailed).then(|| "run.json says so".to_owned())
}

/// The names of the tools in an import, in alphabetical order; `None` without any.
fn tool_names(import: &Import) -> Option<String> {
    let tools: BTreeSet<&str> = import
        .alerts
        .iter()
        .filter_map(|alert| alert.tool.as_deref())
        .collect();
    let mut names: Vec<String> = tools
        .iter()
        .take(TOOLS_NAMED)
        .map(|tool| plain(tool))
        .collect();
    if tools.len() > TOOLS_NAMED {
        names.push(format!("{} more", tools.len() - TOOLS_NAMED));
    }
    (!names.is_empty()).then(|| names.join(", "))
}

/// A tool's text as it may stand on a terminal: no control characters, at most 60 others.
fn plain(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(60).collect()
}

pub(crate) fn user_mistake(file: &str, error: &ImportError) -> Failure {
    let line = line_number(error.line);
    let column = error
        .column
        .and_then(|c| u32::try_from(c).ok())
        .unwrap_or(1);
    let message = match &error.field {
        Some(field) => format!("field `{field}`: {}", error.message),
        None => error.message.clone(),
    };
    Problem::new("TR0313", message)
        .at_line(file, line, column)
        .maybe_hint(error.hint.clone())
        .into()
}

/// Names on standard error what was left out of an alert file because it cannot be true.
fn warn_left_out(import: &Import, file: &str) {
    let mut warnings = Problems::default();
    for record in import.left_out.iter().take(NAMED) {
        let message = format!(
            "`{}` is {}, {}; the record is left out",
            record.field, record.found, record.reason
        );
        let place = Problem::new("TR0315", message).at_line(file, line_number(record.line), 1);
        warnings.push(place.warning());
    }
    let named = u64::try_from(warnings.len()).expect("a few");
    if import.impossible > named {
        let message = format!(
            "{} more records are left out because they cannot be true in the run",
            import.impossible - named
        );
        let hint = "`detection.records` of score.json counts them by reason";
        warnings.push(
            Problem::new("TR0315", message)
                .in_file(file)
                .hint(hint)
                .warning(),
        );
    }
    if !warnings.is_empty() {
        print_problems(&warnings);
    }
}

fn line_number(line: u64) -> u32 {
    u32::try_from(line).unwrap_or(u32::MAX)
}

/// Alerts to score: a file of the user's, else those of the run's own defense.
///
/// # Errors
///
/// `TR0112` if there are none of either, and what [`from_file`] and [`of_defense`] say.
pub(crate) fn submitted(
    folder: &RunFolder,
    file: Option<&AlertFile>,
    defense: Option<&Defense>,
) -> Result<Submitted, Failure> {
    match file {
        Some(file) => from_file(folder, file, defense),
        None if folder.manifest().options.defense.is_some() => of_defense(folder, defense),
        None => {
            let message = "this run had no defense, and no alerts were given";
            let hint = "name a file with --alerts FILE, or run with --defense";
            Err(Problem::new("TR0112", message).hint(hint).into())
        }
    }
}

/// What was done over the defense API of a live session.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(crate) struct ApiNote {
    /// Alerts that were handed in.
    pub(crate) alerts: u64,
    /// Actions that the plant accepted.
    pub(crate) actions_accepted: u64,
}

/// What a run remembers of its defense API, if it had one.
pub(crate) fn api_note(folder: &RunFolder) -> Option<ApiNote> {
    let note = folder.manifest().notes.get("api")?;
    ApiNote::deserialize(note).ok()
}
