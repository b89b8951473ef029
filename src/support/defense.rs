//! Finding defenses, and those that are built in: the reference defense and the yardsticks.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use sim_kernel::time::SimDuration;
use sim_plant::inline::Inline;
use twinrange_bridge::spec::Kind;
use twinrange_bridge::{Confinement, DefenseSpec, LockStepConfig, OfflineConfig};
use twinrange_range::problem::{Problem, Problems, SourceText};
use twinrange_range::ron_source::{Outline, check_texts_at};
use twinrange_range::scenario::Scenario;
use twinrange_reference::{Options, options};
use twinrange_score::formats::{Format, zone_s};

use super::failure::Failure;
use super::sandbox::{Mode, Sandbox};
use crate::Outcome;

macro_rules! yardstick {
    ($name:literal) => {
        (
            $name,
            include_str!(concat!("../../defenses/yardsticks/", $name, ".ron")),
        )
    };
}

/// Descriptions that are part of the program, by name.
const BUILT_IN: [(&str, &str); 9] = [
    (
        "reference",
        include_str!("../../defenses/reference/defense.ron"),
    ),
    (
        "reference-respond",
        include_str!("../../defenses/reference/defense-respond.ron"),
    ),
    yardstick!("always-on"),
    yardstick!("flicker"),
    yardstick!("oracle"),
    yardstick!("over-eager"),
    yardstick!("random"),
    yardstick!("silent"),
    yardstick!("trigger-happy"),
];

/// The yardstick that is told the truth.
const ORACLE: &str = include_str!("../../defenses/yardsticks/oracle.ron");

/// The defense that `demo` uses.
pub(crate) const DEMO_DEFENSE: &str = "reference";

/// The commands in the descriptions of built-in defenses, and the verbs of this program that play them.
const OWN_COMMANDS: [(&str, &str); 2] = [
    ("twinrange-reference", "reference-defense"),
    ("twinrange-yardstick", "yardstick"),
];

/// A defense, as its file describes it.
#[derive(Clone, Debug)]
pub(crate) struct Defense {
    pub(crate) spec: DefenseSpec,
    /// The text of its description, which a run folder keeps.
    pub(crate) text: String,
    /// Folder of its file; commands with a `/` are relative to it.
    pub(crate) folder: PathBuf,
}

/// Finds a defense: a path to a RON file or its folder, or the name of one that is built in or lies
/// under `defenses/` here.
pub(crate) fn find(name: &str) -> Result<Defense, Failure> {
    let path = Path::new(name);
    let candidates = [
        path.to_path_buf(),
        path.join("defense.ron"),
        Path::new("defenses").join(name).join("defense.ron"),
    ];
    let built_in = BUILT_IN.iter().find(|(known, _)| *known == name);
    let file = candidates.iter().find(|candidate| candidate.is_file());
    match (file, built_in) {
        (_, Some((_, text))) => parse(name, text, PathBuf::from(".")),
        (Some(file), None) => {
            let text = std::fs::read_to_string(file).map_err(|error| {
                Problem::new(
                    "TR0108",
                    format!("`{}` cannot be read: {error}", file.display()),
                )
            })?;
            let folder = file.parent().map_or_else(PathBuf::new, Path::to_path_buf);
            let folder = if folder.as_os_str().is_empty() {
                PathBuf::from(".")
            } else {
                folder
            };
            parse(&file.display().to_string(), &text, folder)
        }
        (None, None) => {
            let message =
                format!("there is no defense `{name}`: neither a RON file nor a built-in one");
            let names = BUILT_IN.map(|(name, _)| name).join(", ");
            let hint = format!("built in are {names}; `list defenses` shows all that are here");
            Err(Problem::new("TR0108", message).hint(hint).into())
        }
    }
}

/// Finds a defense as [`find`] does, with paths relative to a folder first.
pub(crate) fn find_in(folder: &Path, name: &str) -> Result<Defense, Failure> {
    let path = folder.join(name);
    let near = path.is_file() || path.join("defense.ron").is_file();
    match path.to_str() {
        Some(path) if near => find(path),
        _ => find(name),
    }
}

/// A defense from the text that a run folder keeps.
pub(crate) fn parse(name: &str, text: &str, folder: PathBuf) -> Result<Defense, Failure> {
    let spec = read(&SourceText::new(name, text))?;
    Ok(Defense {
        spec,
        text: text.to_owned(),
        folder,
    })
}

/// Reads the description of a defense, and checks what only the whole program knows.
pub(crate) fn read(source: &SourceText) -> Result<DefenseSpec, Problems> {
    let outline = Outline::of(source.text());
    // First, because what is said of a name quotes it.
    let shown = ["name", "version", "description"];
    check_texts_at(source, &outline, &shown, &[])?;
    // How to install a tool may take several lines.
    check_texts_at(source, &outline, &["install"], &['\n', '\t'])?;
    let spec = DefenseSpec::parse(source.text()).map_err(|error| {
        let span = error.span.0..error.span.1;
        Problem::new(error.code, error.message)
            .at(source, span)
            .maybe_hint(error.hint)
    })?;
    if let Kind::Offline { format, .. } = &spec.kind
        && let Err(near) = Format::from_name(format)
    {
        let place = outline.nearest("kind.format");
        let hint = near.map(|near| format!("did you mean `{near}`?"));
        let message = format!("there is no alert format `{format}`");
        return Err(Problem::new("TR0202", message)
            .at(source, place)
            .maybe_hint(hint)
            .into());
    }
    if let Some(zone) = spec.zone().filter(|zone| zone_s(zone).is_none()) {
        let message = format!("`{zone}` is not a zone");
        return Err(Problem::new("TR0202", message)
            .at(source, outline.nearest("kind.zone"))
            .hint("write it as UTC or +01:00")
            .into());
    }
    Ok(spec)
}

impl Defense {
    /// The verb that plays it, if this program can do so itself.
    fn own_verb(&self) -> Option<&'static str> {
        let Kind::LockStep { command, .. } = &self.spec.kind else {
            return None;
        };
        let own = OWN_COMMANDS.iter().find(|(known, _)| known == command);
        own.map(|(_, verb)| *verb)
    }

    /// Whether it is told the truth: only the built-in oracle is, and nothing that merely says so.
    pub(crate) fn is_oracle(&self) -> bool {
        self.text == ORACLE
    }

    /// How it is kept away from the truth, or `None` where it is not.
    ///
    /// # Arguments
    ///
    /// * `hidden` — what it may not see wherever it lies.
    pub(crate) fn confinement(
        &self,
        sandbox: &Sandbox,
        hidden: Vec<PathBuf>,
    ) -> Option<Confinement> {
        let read = match self.own_verb() {
            Some(_) => Vec::new(),
            None => self.spec.reads(&self.folder),
        };
        sandbox.confinement(read, hidden)
    }

    /// Sees whether the tool is on this machine.
    pub(crate) fn detect(&self, sandbox: &Sandbox, hidden: Vec<PathBuf>) -> Outcome {
        if self.own_verb().is_some() {
            return Ok(());
        }
        let confinement = self.confinement(sandbox, hidden);
        Ok(self.spec.find(&self.folder, confinement.as_ref())?)
    }

    /// Its description with a learning time that fits a scenario: what a tool learns behind the clean
    /// period could be the attack.
    fn spec_for(&self, clean: SimDuration) -> DefenseSpec {
        let mut spec = self.spec.clone();
        spec.learn_s = spec.learn_s.min(clean.as_secs());
        spec
    }

    /// A warning, if it asks for more time to learn than a scenario has for it.
    pub(crate) fn learns_less(&self, scenario: &Scenario) -> Option<Problem> {
        let (asks_s, has_s) = (self.spec.learn_s, scenario.clean_until.as_secs());
        if asks_s <= has_s {
            return None;
        }
        let what = if has_s == 0 {
            "has no clean period, so that it was told to learn nothing".to_owned()
        } else {
            format!("is clean for {has_s} s, so that it was told to learn no longer")
        };
        let message = format!(
            "the defense {} asks for {asks_s} s to learn, and the scenario {what}",
            self.spec.name
        );
        let hint = "`clean_until` of the scenario makes room; no attack begins before it";
        Some(Problem::new("TR0316", message).hint(hint).warning())
    }

    /// How to run it over the evidence, or `None` if it is lock-step.
    pub(crate) fn offline(&self, clean: SimDuration) -> Result<Option<OfflineConfig>, Failure> {
        Ok(self.spec_for(clean).offline(&self.folder)?)
    }

    /// How to start it, or `None` if it is offline.
    pub(crate) fn lock_step(
        &self,
        clean: SimDuration,
        log: Option<PathBuf>,
    ) -> Result<Option<LockStepConfig>, Failure> {
        let Some(verb) = self.own_verb() else {
            return Ok(self.spec_for(clean).lock_step(&self.folder, log)?);
        };
        let Kind::LockStep {
            args,
            start_timeout_s,
            interval_timeout_s,
            ..
        } = &self.spec.kind
        else {
            return Ok(None);
        };
        let program = std::env::current_exe().map_err(|error| {
            Problem::new(
                "TR0108",
                format!("this program cannot find its own file: {error}"),
            )
        })?;
        let learn_s = self.spec_for(clean).learn_s.to_string();
        let own = args.iter().map(|arg| arg.replace("{learn_s}", &learn_s));
        Ok(Some(LockStepConfig {
            command: program,
            args: std::iter::once(verb.to_owned()).chain(own).collect(),
            cwd: None,
            env: Default::default(),
            start_timeout: std::time::Duration::from_secs(*start_timeout_s),
            interval_timeout: std::time::Duration::from_secs(*interval_timeout_s),
            log_path: log,
            confinement: None,
        }))
    }

    /// The same defense at a site whose hosts have other addresses: what the site tells it, such as
    /// `--bypass 10.20.1.14:1032`, names the new ones.
    pub(crate) fn moved(&self, moved: &BTreeMap<Ipv4Addr, Ipv4Addr>) -> Result<Self, Failure> {
        let mut text = String::with_capacity(self.text.len());
        let mut rest = self.text.as_str();
        // Word by word, so that an address inside a longer one stays as it is and none is moved twice.
        while let Some(at) = rest.find(|c: char| c.is_ascii_digit()) {
            text.push_str(&rest[..at]);
            let end = rest[at..]
                .find(|c: char| !(c.is_ascii_alphanumeric() || c == '.'))
                .map_or(rest.len(), |end| at + end);
            let word = &rest[at..end];
            match word.parse().ok().and_then(|old| moved.get(&old)) {
                Some(new) => text.push_str(&new.to_string()),
                None => text.push_str(word),
            }
            rest = &rest[end..];
        }
        text.push_str(rest);
        parse(&self.spec.name, &text, self.folder.clone())
    }

    /// Whether it works on the evidence when the run is over.
    pub(crate) fn is_offline(&self) -> bool {
        matches!(self.spec.kind, Kind::Offline { .. })
    }

    /// Whether it may change the plant: by actions, or because it stands in a cable.
    pub(crate) fn changes_plant(&self) -> bool {
        self.spec.may_act || self.inline().is_some()
    }

    /// Whether it may ask for actions.
    pub(crate) fn may_act(&self) -> bool {
        self.spec.may_act
    }

    /// The cables in which it stands, if it does.
    pub(crate) fn inline(&self) -> Option<Inline> {
        let Kind::LockStep { inline, .. } = &self.spec.kind else {
            return None;
        };
        inline.as_ref().map(|inline| Inline {
            hosts: inline.hosts.clone(),
            latency_ns: inline.latency_ns(),
        })
    }
}

/// The rows of `list defenses`: built in, and those under `defenses/` here.
pub(crate) fn list() -> Vec<Value> {
    let mut rows: Vec<Value> = Vec::new();
    let mut files: Vec<PathBuf> = Vec::new();
    if let Ok(folders) = std::fs::read_dir("defenses") {
        for folder in folders.flatten() {
            files.push(folder.path().join("defense.ron"));
        }
    }
    files.sort();
    let mut all: Vec<Defense> = BUILT_IN
        .iter()
        .filter_map(|(name, _)| find(name).ok())
        .collect();
    for file in files.iter().filter(|file| file.is_file()) {
        if let Ok(defense) = find(&file.display().to_string())
            && !all.iter().any(|known| known.spec.name == defense.spec.name)
        {
            all.push(defense);
        }
    }
    let sandbox = Sandbox::new(Mode::Auto).expect("nothing is required");
    for defense in all {
        let installed = if defense.detect(&sandbox, Vec::new()).is_ok() {
            "installed"
        } else {
            "not installed"
        };
        rows.push(json!({
            "name": defense.spec.name,
            "title": defense.spec.description,
            "detail": format!("{}, {installed}", defense.spec.kind_word()),
        }));
    }
    rows
}

/// Plays the reference defense on standard input and output.
pub(crate) fn serve_reference(args: &[String]) -> Outcome {
    let wrong = |message: String| Failure::from(Problem::new("TR0112", message));
    match Options::parse(args.iter().cloned()).map_err(wrong)? {
        None => {
            // A closed output is no reason to fail.
            let _ = std::io::stdout().write_all(options::USAGE.as_bytes());
            Ok(())
        }
        Some(options) => {
            let output = std::io::BufWriter::new(std::io::stdout().lock());
            twinrange_reference::serve(std::io::stdin().lock(), output, options).map_err(|error| {
                eprintln!("twinrange-reference: {error}");
                wrong(error.to_string())
            })
        }
    }
}

/// Plays a yardstick on standard input and output.
pub(crate) fn serve_yardstick(args: &[String]) -> Outcome {
    let wrong = |message: String| Failure::from(Problem::new("TR0112", message));
    let options = twinrange_yardsticks::Options::parse(args.iter().cloned()).map_err(wrong)?;
    let output = std::io::BufWriter::new(std::io::stdout().lock());
    twinrange_yardsticks::serve(std::io::stdin().lock(), output, options)
        .map_err(|error| wrong(error.to_string()))
}
