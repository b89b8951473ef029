//! The RON file that describes a defense.
//!
//! ```
//! use twinrange_bridge::DefenseSpec;
//!
//! let spec = DefenseSpec::parse(r#"
//! Defense(
//!     name: "probe",
//!     version: "1.0.0",
//!     description: "Prints one alert",
//!     kind: LockStep(command: "python3", args: ["{defense}/probe.py"]),
//!     install: "Debian: apt install python3",
//!     detect: Detect(command: "python3", args: ["--version"], expect: "Python 3"),
//!     learn_s: 600,
//! )
//! "#)?;
//! assert_eq!(spec.name, "probe");
//! # Ok::<(), twinrange_bridge::SpecError>(())
//! ```

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Component, Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde::Deserialize;
use tempfile::TempDir;

use crate::answer::is_technique_id;
use crate::child::{Chatter, Guard, describe};
use crate::confine::Confinement;
use crate::error::DefenseError;
use crate::lockstep::LockStepConfig;
use crate::message::VERDICT_DELAY_LIMIT_NS;
use crate::offline::OfflineConfig;

/// Largest spec file, bytes.
pub const SPEC_LIMIT_BYTES: usize = 1 << 20;
/// Longest clean period that a spec may ask for: 30 simulated days, s.
const LEARN_LIMIT_S: u64 = 30 * 86_400;
/// Longest latency of a defense in a cable, simulated us.
const INLINE_LATENCY_LIMIT_US: u64 = VERDICT_DELAY_LIMIT_NS / 1_000;

/// A defense as its RON file describes it.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename = "Defense")]
pub struct DefenseSpec {
    /// Short name: lower-case letters, digits and `-`.
    pub name: String,
    /// Version of the tool that this file was written for.
    pub version: String,
    /// One sentence for `list defenses`.
    pub description: String,
    /// How it is run.
    pub kind: Kind,
    /// How to get the tool, for people; shown when it is absent.
    pub install: String,
    /// How to see whether the tool is there. Without it, only the command is looked for.
    #[serde(default)]
    pub detect: Option<Detect>,
    /// Clean period at the start of the run that the tool would learn from, simulated s. It is told
    /// no more than the scenario has: no attack starts in that, and its alerts count neither for nor
    /// against the tool.
    #[serde(default)]
    pub learn_s: u64,
    /// Whether the tool may act on the plant; a lock-step defense only.
    #[serde(default)]
    pub may_act: bool,
    /// Whether its silence is an answer. A tool that raises nothing in a run is otherwise tested with a harmless
    /// stimulus, and one that raises nothing there either is not scored. See `docs/wiring.md`.
    #[serde(default)]
    pub may_be_silent: bool,
    /// Files and folders that a confined tool may read and run beside the system's and its own:
    /// absolute, or relative to the folder of the RON file. Run folders in there stay hidden.
    #[serde(default)]
    pub may_read: Vec<PathBuf>,
    /// Techniques for signatures whose alerts do not carry any: `sig_id` to technique ids.
    #[serde(default)]
    pub signature_table: BTreeMap<String, Vec<String>>,
}

/// How a defense is run. Commands with a `/` are relative to the folder of the RON file; other
/// commands are looked for beside the range's own program, then in `PATH`. In commands, arguments
/// and variables `{defense}` stands for the folder of the RON file and `{learn_s}` for the clean
/// period; in those of an offline defense `{evidence}` and `{out}` stand for its two folders.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum Kind {
    /// A command over the evidence folder after the run.
    Offline {
        /// Program.
        command: String,
        /// Arguments.
        #[serde(default)]
        args: Vec<String>,
        /// Variables beside the inherited environment.
        #[serde(default)]
        env: BTreeMap<String, String>,
        /// The alert file, relative to `{out}`.
        alerts: PathBuf,
        /// Its format, as in `list formats`.
        format: String,
        /// A further file in `{out}`, in the form of any alert format, in which the tool tells what it saw: records
        /// of connections and messages, or the counters of Suricata's `stats`. Never scored; `docs/wiring.md`.
        #[serde(default)]
        telemetry: Option<PathBuf>,
        /// Zone of its times that name none: `UTC`, `+01:00`.
        #[serde(default)]
        zone: Option<String>,
        /// Wall time for the whole command, s.
        #[serde(default = "default_timeout_s")]
        timeout_s: u64,
    },
    /// A child process that speaks `docs/defense-protocol.md`.
    LockStep {
        /// Program.
        command: String,
        /// Arguments.
        #[serde(default)]
        args: Vec<String>,
        /// Variables beside the inherited environment.
        #[serde(default)]
        env: BTreeMap<String, String>,
        /// Simulated length of an interval, ms.
        #[serde(default = "default_interval_ms")]
        interval_ms: u64,
        /// Wall time from start to `ready`, s.
        #[serde(default = "default_start_timeout_s")]
        start_timeout_s: u64,
        /// Wall time from an interval to its `done`, s; also from a frame to its verdict.
        #[serde(default = "default_interval_timeout_s")]
        interval_timeout_s: u64,
        /// The cables in which it stands, and whose frames wait for its verdict; none where it only watches.
        #[serde(default)]
        inline: Option<Inline>,
    },
}

/// Where a lock-step defense stands in the plant's cables.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Inline {
    /// Names of the hosts in whose cables it stands, each between the host and its switch.
    pub hosts: Vec<String>,
    /// Simulated time that every frame takes to go through it, us.
    #[serde(default)]
    pub latency_us: u64,
}

impl Inline {
    /// Simulated time that every frame takes to go through it, ns.
    #[must_use]
    pub fn latency_ns(&self) -> u64 {
        self.latency_us * 1_000
    }
}

/// A command that succeeds only where the tool is installed.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Detect {
    /// Program.
    pub command: String,
    /// Arguments.
    #[serde(default)]
    pub args: Vec<String>,
    /// Text that must be in its output; any output will do when empty.
    #[serde(default)]
    pub expect: String,
}

fn default_timeout_s() -> u64 {
    600
}

fn default_interval_ms() -> u64 {
    1_000
}

fn default_start_timeout_s() -> u64 {
    60
}

fn default_interval_timeout_s() -> u64 {
    60
}

/// A mistake in a defense file, with its place. Lines and columns are 1-based; columns count
/// characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpecError {
    /// Stable code: `DS0001` not readable as RON, `DS0002` a value that makes no sense.
    pub code: &'static str,
    /// What is wrong.
    pub message: String,
    /// Line of the mistake.
    pub line: u32,
    /// Column of the mistake.
    pub column: u32,
    /// Byte offsets of the mistake in the file, start and end.
    pub span: (usize, usize),
    /// What to do.
    pub hint: Option<String>,
}

impl fmt::Display for SpecError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.line, self.column, self.message)
    }
}

impl std::error::Error for SpecError {}

impl DefenseSpec {
    /// Reads a spec from the text of its file.
    ///
    /// # Errors
    ///
    /// The first mistake, in the order of the file for RON and in the order of the fields for
    /// values.
    pub fn parse(source: &str) -> Result<Self, SpecError> {
        if source.len() > SPEC_LIMIT_BYTES {
            return Err(SpecError {
                code: "DS0001",
                message: format!("the file is larger than {SPEC_LIMIT_BYTES} bytes"),
                line: 1,
                column: 1,
                span: (0, 0),
                hint: None,
            });
        }
        let options = ron::Options::default()
            .with_default_extension(ron::extensions::Extensions::IMPLICIT_SOME);
        let spec: Self = options.from_str(source).map_err(|error| {
            let start = offset_of(source, error.span.start.line, error.span.start.col);
            let end = offset_of(source, error.span.end.line, error.span.end.col).max(start);
            // ron's own words are "Unexpected missing field named".
            let message = error
                .code
                .to_string()
                .replace("Unexpected missing field named", "missing field");
            at(
                source,
                (start, end),
                "DS0001",
                message,
                ron_hint(&error.code),
            )
        })?;
        spec.check(source)?;
        Ok(spec)
    }

    /// Words for `list defenses`.
    #[must_use]
    pub fn kind_word(&self) -> &'static str {
        match self.kind {
            Kind::Offline { .. } => "offline",
            Kind::LockStep { .. } => "lock-step",
        }
    }

    /// Zone of times that name none in the alert file of an offline defense.
    #[must_use]
    pub fn zone(&self) -> Option<&str> {
        match &self.kind {
            Kind::Offline { zone, .. } => zone.as_deref(),
            Kind::LockStep { .. } => None,
        }
    }

    /// Clean period, simulated ns.
    #[must_use]
    pub fn learn_ns(&self) -> u64 {
        self.learn_s * 1_000_000_000
    }

    /// Sees whether the tool is on this machine.
    ///
    /// # Arguments
    ///
    /// * `defense_dir` — folder of the RON file.
    /// * `confinement` — how the command of `detect` is kept away from earlier runs.
    ///
    /// # Errors
    ///
    /// [`DefenseError::NotFound`] with the `install` text.
    pub fn find(
        &self,
        defense_dir: &Path,
        confinement: Option<&Confinement>,
    ) -> Result<(), DefenseError> {
        let not_found = |reason: String| DefenseError::NotFound {
            name: self.name.clone(),
            reason,
            install: self.install.clone(),
        };
        let (Kind::Offline { command, .. } | Kind::LockStep { command, .. }) = &self.kind;
        self.resolve(command, defense_dir).map_err(not_found)?;
        let Some(detect) = &self.detect else {
            return Ok(());
        };
        let program = self
            .resolve(&detect.command, defense_dir)
            .map_err(not_found)?;
        let words = self.words(defense_dir);
        let args: Vec<String> = detect.args.iter().map(|arg| expand(arg, &words)).collect();
        let output = run_detect(&program, &args, confinement).map_err(not_found)?;
        if output.contains(&detect.expect) {
            return Ok(());
        }
        Err(not_found(format!(
            "'{} {}' printed '{}', which lacks '{}'",
            program.display(),
            args.join(" "),
            crate::error::excerpt(output.trim().as_bytes()),
            detect.expect
        )))
    }

    /// What a confined tool may read beside the system: its own folder, and `may_read`.
    ///
    /// # Arguments
    ///
    /// * `defense_dir` — folder of the RON file.
    #[must_use]
    pub fn reads(&self, defense_dir: &Path) -> Vec<PathBuf> {
        let own = absolute(defense_dir);
        let more = self.may_read.iter().map(|path| own.join(path));
        std::iter::once(own.clone()).chain(more).collect()
    }

    /// How to start this lock-step defense, or `None` if it is offline.
    ///
    /// # Arguments
    ///
    /// * `defense_dir` — folder of the RON file.
    /// * `log_path` — where its standard error goes.
    ///
    /// # Errors
    ///
    /// [`DefenseError::NotFound`] when the command is not there.
    pub fn lock_step(
        &self,
        defense_dir: &Path,
        log_path: Option<PathBuf>,
    ) -> Result<Option<LockStepConfig>, DefenseError> {
        let Kind::LockStep {
            command,
            args,
            env,
            start_timeout_s,
            interval_timeout_s,
            ..
        } = &self.kind
        else {
            return Ok(None);
        };
        let words = self.words(defense_dir);
        Ok(Some(LockStepConfig {
            command: self.program(command, defense_dir)?,
            args: args.iter().map(|arg| expand(arg, &words)).collect(),
            cwd: None,
            env: env
                .iter()
                .map(|(key, value)| (key.clone(), expand(value, &words)))
                .collect(),
            start_timeout: Duration::from_secs(*start_timeout_s),
            interval_timeout: Duration::from_secs(*interval_timeout_s),
            log_path,
            confinement: None,
        }))
    }

    /// How to run this offline defense, or `None` if it is lock-step.
    ///
    /// # Arguments
    ///
    /// * `defense_dir` — folder of the RON file.
    ///
    /// # Errors
    ///
    /// [`DefenseError::NotFound`] when the command is not there.
    pub fn offline(&self, defense_dir: &Path) -> Result<Option<OfflineConfig>, DefenseError> {
        let Kind::Offline {
            command,
            args,
            env,
            alerts,
            format,
            timeout_s,
            ..
        } = &self.kind
        else {
            return Ok(None);
        };
        let words = self.words(defense_dir);
        Ok(Some(OfflineConfig {
            command: self.program(command, defense_dir)?,
            args: args.iter().map(|arg| expand(arg, &words)).collect(),
            env: env
                .iter()
                .map(|(key, value)| (key.clone(), expand(value, &words)))
                .collect(),
            timeout: Duration::from_secs(*timeout_s),
            alerts_path: alerts.clone(),
            format: format.clone(),
            log_path: None,
            scratch_root: None,
            interrupt: None,
            confinement: None,
        }))
    }

    fn program(&self, command: &str, defense_dir: &Path) -> Result<PathBuf, DefenseError> {
        self.resolve(command, defense_dir)
            .map_err(|reason| DefenseError::NotFound {
                name: self.name.clone(),
                reason,
                install: self.install.clone(),
            })
    }

    fn words(&self, defense_dir: &Path) -> Vec<(&'static str, String)> {
        vec![
            (
                "{defense}",
                absolute(defense_dir).to_string_lossy().into_owned(),
            ),
            ("{learn_s}", self.learn_s.to_string()),
        ]
    }

    fn resolve(&self, command: &str, defense_dir: &Path) -> Result<PathBuf, String> {
        let expanded = expand(command, &self.words(defense_dir));
        let path = Path::new(&expanded);
        if path.components().count() > 1 {
            let path = absolute(defense_dir).join(path);
            return if path.is_file() {
                Ok(path)
            } else {
                Err(format!("there is no file {}", path.display()))
            };
        }
        let beside = std::env::current_exe()
            .ok()
            .and_then(|exe| exe.parent().map(Path::to_owned));
        let search = std::env::var_os("PATH").unwrap_or_default();
        beside
            .into_iter()
            .chain(std::env::split_paths(&search))
            .map(|folder| folder.join(format!("{expanded}{}", std::env::consts::EXE_SUFFIX)))
            .find(|path| path.is_file())
            .ok_or_else(|| format!("there is no program '{expanded}' in PATH"))
    }

    fn check(&self, source: &str) -> Result<(), SpecError> {
        let name_ok = !self.name.is_empty()
            && self
                .name
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        if !name_ok {
            let message = format!("'{}' is not a name for a defense", self.name);
            return wrong(
                source,
                "name",
                message,
                "use lower-case letters, digits and '-'",
            );
        }
        if self.install.trim().is_empty() {
            let message = "'install' is empty".to_owned();
            return wrong(
                source,
                "install",
                message,
                "say how to get the tool; it is shown where it is absent",
            );
        }
        if self.learn_s > LEARN_LIMIT_S {
            let message = format!(
                "a clean period of {} s is longer than 30 days",
                self.learn_s
            );
            return wrong(
                source,
                "learn_s",
                message,
                "learn_s is in simulated seconds",
            );
        }
        if self.may_act && self.kind_word() == "offline" {
            let message = "an offline defense cannot act: the run is over".to_owned();
            return wrong(
                source,
                "may_act",
                message,
                "make it lock-step, or leave may_act out",
            );
        }
        for (sig_id, techniques) in &self.signature_table {
            if let Some(bad) = techniques.iter().find(|id| !is_technique_id(id)) {
                let message = format!("'{bad}' (signature '{sig_id}') is not a technique id");
                return wrong(
                    source,
                    bad,
                    message,
                    "technique ids look like T0836 or T1692.001",
                );
            }
        }
        self.check_kind(source)
    }

    fn check_kind(&self, source: &str) -> Result<(), SpecError> {
        let (command, args, env, known): (_, _, _, &[&str]) = match &self.kind {
            Kind::Offline {
                command, args, env, ..
            } => (
                command,
                args,
                env,
                &["{defense}", "{learn_s}", "{evidence}", "{out}"],
            ),
            Kind::LockStep {
                command, args, env, ..
            } => (command, args, env, &["{defense}", "{learn_s}"]),
        };
        self.kind.check_numbers(source)?;
        if command.trim().is_empty() {
            return wrong(
                source,
                "command",
                "'command' is empty".into(),
                "name the program to start",
            );
        }
        for text in std::iter::once(command).chain(args).chain(env.values()) {
            if let Some(word) = placeholders(text).find(|word| !known.contains(word)) {
                let message = format!("unknown placeholder {word}");
                return wrong(
                    source,
                    word,
                    message,
                    &format!("known here: {}", known.join(", ")),
                );
            }
        }
        Ok(())
    }
}

impl Kind {
    fn check_numbers(&self, source: &str) -> Result<(), SpecError> {
        match self {
            Self::Offline {
                alerts,
                telemetry,
                timeout_s,
                ..
            } => {
                inside_out(source, "alerts", alerts)?;
                if let Some(telemetry) = telemetry {
                    inside_out(source, "telemetry", telemetry)?;
                }
                positive(source, "timeout_s", *timeout_s)
            }
            Self::LockStep {
                interval_ms,
                start_timeout_s,
                interval_timeout_s,
                inline,
                ..
            } => {
                if let Some(inline) = inline {
                    inline.check(source)?;
                }
                if !(10..=3_600_000).contains(interval_ms) {
                    let message = format!("an interval of {interval_ms} ms");
                    let hint = "use 10 ms to 3600000 ms (one hour)";
                    return wrong(source, "interval_ms", message, hint);
                }
                positive(source, "start_timeout_s", *start_timeout_s)?;
                positive(source, "interval_timeout_s", *interval_timeout_s)
            }
        }
    }
}

impl Inline {
    fn check(&self, source: &str) -> Result<(), SpecError> {
        if self.hosts.is_empty() {
            let message = "a defense that stands in no cable judges no frame".to_owned();
            return wrong(
                source,
                "inline",
                message,
                "name the hosts in whose cables it stands, or leave inline out",
            );
        }
        let mut others = self.hosts.iter().enumerate();
        if let Some((_, twice)) = others.find(|(at, host)| self.hosts[..*at].contains(host)) {
            let message = format!("the cable of {twice} is named twice");
            return wrong(source, "hosts", message, "name each host once");
        }
        if self.latency_us > INLINE_LATENCY_LIMIT_US {
            let message = format!("a latency of {} us", self.latency_us);
            let hint = "use at most 10000000 us (ten seconds)";
            return wrong(source, "latency_us", message, hint);
        }
        Ok(())
    }
}

fn inside_out(source: &str, key: &str, path: &Path) -> Result<(), SpecError> {
    let mut parts = path.components().peekable();
    let is_inside =
        parts.peek().is_some() && parts.all(|part| matches!(part, Component::Normal(_)));
    if is_inside {
        return Ok(());
    }
    let message = format!("'{}' is not a file inside {{out}}", path.display());
    let hint = "give the path relative to {out}, such as eve.json";
    wrong(source, key, message, hint)
}

fn positive(source: &str, key: &str, value: u64) -> Result<(), SpecError> {
    if value > 0 {
        Ok(())
    } else {
        wrong(source, key, format!("{key} is 0"), "use at least 1")
    }
}

fn wrong<T>(source: &str, what: &str, message: String, hint: &str) -> Result<T, SpecError> {
    Err(at(
        source,
        place_of(source, what),
        "DS0002",
        message,
        Some(hint.to_owned()),
    ))
}

/// Replaces each `{word}` once; what a replacement brings in is not looked at again.
pub(crate) fn expand(text: &str, words: &[(&'static str, String)]) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(start) = rest.find('{') {
        out.push_str(&rest[..start]);
        rest = &rest[start..];
        if let Some((word, value)) = words.iter().find(|(word, _)| rest.starts_with(word)) {
            out.push_str(value);
            rest = &rest[word.len()..];
        } else {
            out.push('{');
            rest = &rest[1..];
        }
    }
    out.push_str(rest);
    out
}

/// The `{word}`s of a text: braces around lower-case letters and underscores only, so that JSON or
/// a shell's `${VAR}` pass.
fn placeholders(text: &str) -> impl Iterator<Item = &str> {
    text.match_indices('{').filter_map(move |(start, _)| {
        if text[..start].ends_with('$') {
            return None;
        }
        let end = start + text[start..].find('}')?;
        let inner = &text[start + 1..end];
        let is_word = !inner.is_empty()
            && inner
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte == b'_');
        is_word.then(|| &text[start..=end])
    })
}

fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

/// Runs a detect command; its output, or why there is none.
fn run_detect(
    program: &Path,
    args: &[String],
    confinement: Option<&Confinement>,
) -> Result<String, String> {
    const LIMIT: Duration = Duration::from_secs(60);
    let shown = format!("'{} {}'", program.display(), args.join(" "));
    let text = |error: DefenseError| error.to_string();
    let scratch = confinement.map(|_| TempDir::with_prefix("twinrange-detect-"));
    let scratch = scratch.transpose().map_err(|error| error.to_string())?;
    let mut command = match confinement.zip(scratch.as_ref()) {
        Some((confinement, scratch)) => {
            let own = scratch.path();
            let mut command = confinement.command(program, own, own).map_err(text)?;
            command.current_dir(own);
            command
        }
        None => Command::new(program),
    };
    command
        .args(args)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut guard = Guard::spawn(&mut command).map_err(|error| error.to_string())?;
    let stdout = guard
        .child()
        .stdout
        .take()
        .expect("stdout was asked to be a pipe");
    let stderr = guard
        .child()
        .stderr
        .take()
        .expect("stderr was asked to be a pipe");
    let chatter = Chatter::collect(vec![Box::new(stdout), Box::new(stderr)], None)
        .map_err(|error| error.to_string())?;
    match guard.wait_until(Instant::now() + LIMIT, &|| false) {
        Some(status) if status.success() => Ok(chatter.tail()),
        Some(status) => {
            let tail = chatter.tail();
            let last = tail.trim().lines().last().unwrap_or_default();
            Err(format!("{shown} failed: {}; {last}", describe(status)))
        }
        None => Err(format!("{shown} gave no answer for {LIMIT:?}")),
    }
}

/// Where a field's name, else a value, first stands as a whole in the source; the start if nowhere.
fn place_of(source: &str, what: &str) -> (usize, usize) {
    let field = format!("{what}:");
    source
        .match_indices(&field)
        .find(|(start, _)| !source[..*start].ends_with(|c: char| c.is_alphanumeric() || c == '_'))
        .map(|(start, _)| (start, start + what.len()))
        .or_else(|| source.find(what).map(|start| (start, start + what.len())))
        .unwrap_or((0, 0))
}

fn at(
    source: &str,
    span: (usize, usize),
    code: &'static str,
    message: String,
    hint: Option<String>,
) -> SpecError {
    let before = &source[..span.0];
    let line = before.matches('\n').count() + 1;
    let column = before
        .rsplit('\n')
        .next()
        .unwrap_or_default()
        .chars()
        .count()
        + 1;
    let small = |count: usize| u32::try_from(count).expect("the file is at most 1 MiB");
    SpecError {
        code,
        message,
        line: small(line),
        column: small(column),
        span,
        hint,
    }
}

/// Byte offset of a 1-based line and column, column in characters.
fn offset_of(source: &str, line: usize, column: usize) -> usize {
    let start: usize = source
        .split_inclusive('\n')
        .take(line.saturating_sub(1))
        .map(str::len)
        .sum();
    source[start..]
        .char_indices()
        .nth(column.saturating_sub(1))
        .map_or(source.len(), |(offset, _)| start + offset)
}

fn ron_hint(error: &ron::Error) -> Option<String> {
    let text = match error {
        ron::Error::NoSuchStructField { expected, .. } => {
            format!("fields: {}", expected.join(", "))
        }
        ron::Error::NoSuchEnumVariant { expected, .. } => {
            format!("one of: {}", expected.join(", "))
        }
        ron::Error::MissingStructField { field, .. } => format!("add '{field}: …'"),
        ron::Error::ExpectedComma => "put ',' between fields".into(),
        ron::Error::ExpectedStructLike | ron::Error::ExpectedNamedStructLike(_) => {
            "the file is one 'Defense( … )'".into()
        }
        _ => return None,
    };
    Some(text)
}

#[cfg(test)]
mod tests;
