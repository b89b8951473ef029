//! The plan of a campaign, as it is written and as it becomes cells.
//!
//! The form is read like every other file of the range: unknown fields are refused with their place. A plan
//! that was read has been tried on its scenarios too, so that a mistyped setting ends a campaign before its
//! first cell and not in the middle of a night.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::{Path, PathBuf};

use serde::de::{self, Deserializer, Visitor};
use serde::{Deserialize, Serialize};
use twinrange_range::problem::{Problem, Problems, SourceText};
use twinrange_range::ron_source::{Outline, check_texts, parse};
use twinrange_range::scenario::{Bundle, Loaded, Setting, check_path, from_bundle, read_text, set};
use twinrange_score::gate::{NAMES, OF_MARGIN};

use super::key::{KEY_SCHEMA, Key};
use crate::support::defense::{self, Defense};
use crate::support::failure::Failure;
use crate::support::scenario::{find_in, folder_of, formats};

/// Version of the plan's form that this build reads.
const PLAN_SCHEMA: u32 = 1;
/// Most cells of one campaign.
const MAX_CELLS: usize = 1_000_000;
/// Most seeds of one list.
const MAX_SEEDS: u32 = 100_000;
/// The word for nobody in a list of defenses.
pub(crate) const NOBODY: &str = "none";

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename = "Campaign")]
struct PlanFile {
    schema: u32,
    name: String,
    title: String,
    scenarios: Vec<String>,
    defenses: Vec<String>,
    seeds: SeedsFile,
    #[serde(default)]
    postures: Vec<PostureFile>,
    #[serde(default)]
    sweeps: Vec<SweepFile>,
    #[serde(default)]
    variation: Variation,
    #[serde(default)]
    stop: Option<Stop>,
    #[serde(default)]
    explain: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SeedsFile {
    open: SeedList,
    #[serde(default)]
    held_out: Option<SeedList>,
}

#[derive(Debug, Deserialize)]
enum SeedList {
    List(Vec<u64>),
    Range { from: u64, count: u32 },
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct PostureFile {
    name: String,
    #[serde(default = "yes")]
    attack: bool,
    #[serde(default)]
    set: BTreeMap<String, Scalar>,
}

fn yes() -> bool {
    true
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SweepFile {
    path: String,
    values: Vec<Scalar>,
}

/// Which cells run a scenario that was varied.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub(crate) enum Variation {
    /// None: every cell runs the scenario as it is written.
    #[default]
    Off,
    /// Every cell, with its seed as the number of the variation.
    Seed,
    /// Those of held-out seeds, with their seed.
    HeldOut,
}

/// When no more seeds are added.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Stop {
    /// The figure that must be narrow.
    pub(crate) figure: String,
    /// Half of the width of its 95 % interval, in the unit of the figure.
    pub(crate) half_width: f64,
    /// Seeds that are run in any case.
    #[serde(default = "five")]
    pub(crate) min_seeds: u32,
}

fn five() -> u32 {
    5
}

/// A number, a truth value or a text, kept as RON writes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Scalar(pub(crate) String);

impl<'de> Deserialize<'de> for Scalar {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;
        impl Visitor<'_> for Any {
            type Value = Scalar;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number, `true`, `false` or a text")
            }
            fn visit_bool<E: de::Error>(self, value: bool) -> Result<Scalar, E> {
                Ok(Scalar(value.to_string()))
            }
            fn visit_u64<E: de::Error>(self, value: u64) -> Result<Scalar, E> {
                Ok(Scalar(value.to_string()))
            }
            fn visit_i64<E: de::Error>(self, value: i64) -> Result<Scalar, E> {
                Ok(Scalar(value.to_string()))
            }
            fn visit_f64<E: de::Error>(self, value: f64) -> Result<Scalar, E> {
                if value.is_finite() {
                    Ok(Scalar(format!("{value:?}")))
                } else {
                    Err(E::custom("a value must be finite"))
                }
            }
            fn visit_str<E: de::Error>(self, value: &str) -> Result<Scalar, E> {
                Ok(Scalar(format!("{value:?}")))
            }
        }
        deserializer.deserialize_any(Any)
    }
}

/// Whether a defense's maker may know a seed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum SeedSet {
    /// It may be tuned on them.
    Open,
    /// It may not; their results stand apart.
    HeldOut,
}

impl SeedSet {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::HeldOut => "held_out",
        }
    }
}

/// One of the defenses that are compared.
#[derive(Clone, Debug)]
pub(crate) struct Contender {
    /// Its name; [`NOBODY`] where nobody watches.
    pub(crate) name: String,
    pub(crate) defense: Option<Defense>,
}

/// Cells that differ only by seed and defense.
#[derive(Clone, Debug)]
pub(crate) struct Stratum {
    pub(crate) scenario: String,
    pub(crate) scenario_digest: String,
    pub(crate) posture: String,
    pub(crate) attack: bool,
    /// Path to value, of posture and sweeps together.
    pub(crate) settings: BTreeMap<String, String>,
    /// Path to value, of the sweeps alone.
    pub(crate) sweep: BTreeMap<String, String>,
    pub(crate) seed_set: SeedSet,
    pub(crate) seeds: Vec<u64>,
    /// The scenario with the settings, not yet varied.
    pub(crate) bundle: Bundle,
}

/// A plan, ready to be run.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) name: String,
    pub(crate) title: String,
    pub(crate) defenses: Vec<Contender>,
    pub(crate) strata: Vec<Stratum>,
    pub(crate) variation: Variation,
    pub(crate) stop: Option<Stop>,
    /// Whether cells get their accounts and their margin.
    pub(crate) explain: bool,
    /// Files of its scenarios on this machine, which tell a defense what it may not know.
    pub(crate) hidden: Vec<PathBuf>,
    /// The text of the plan.
    pub(crate) text: String,
}

/// A cell by its place in the plan. The order is that of the plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    pub(crate) stratum: usize,
    pub(crate) seed: usize,
    pub(crate) defense: usize,
}

impl Plan {
    /// Every cell that the plan may come to, in its order. With a stopping rule some of them are never run.
    pub(crate) fn places(&self) -> impl Iterator<Item = Place> + '_ {
        let defenses = self.defenses.len();
        self.strata
            .iter()
            .enumerate()
            .flat_map(move |(stratum, found)| {
                (0..found.seeds.len()).flat_map(move |seed| {
                    (0..defenses).map(move |defense| Place {
                        stratum,
                        seed,
                        defense,
                    })
                })
            })
    }

    /// The number of the variation of a stratum's seed; 0 is the scenario as written.
    pub(crate) fn variation_of(&self, stratum: usize, seed: usize) -> u64 {
        let found = &self.strata[stratum];
        match (self.variation, found.seed_set) {
            (Variation::Seed, _) | (Variation::HeldOut, SeedSet::HeldOut) => found.seeds[seed],
            _ => 0,
        }
    }

    /// The key of a cell.
    pub(crate) fn key(&self, place: Place) -> Key {
        let stratum = &self.strata[place.stratum];
        let contender = &self.defenses[place.defense];
        let defense = contender.defense.as_ref();
        Key {
            schema: KEY_SCHEMA,
            range_version: env!("CARGO_PKG_VERSION").to_owned(),
            scenario: stratum.scenario.clone(),
            scenario_digest: stratum.scenario_digest.clone(),
            posture: stratum.posture.clone(),
            attack: stratum.attack,
            settings: stratum.settings.clone(),
            sweep: stratum.sweep.clone(),
            variation: self.variation_of(place.stratum, place.seed),
            seed: stratum.seeds[place.seed],
            defense: contender.name.clone(),
            defense_digest: defense.map(|d| sim_kernel::Digest::of(d.text.as_bytes()).to_string()),
            explain: self.explain,
        }
    }
}

/// Reads a plan from a file.
pub(crate) fn read_file(path: &Path) -> Result<Plan, Failure> {
    let source = read_text(path, &path.display().to_string())?;
    Ok(read(&source)?)
}

/// Reads a plan and tries it on its scenarios. Names in it are relative to the folder of its file.
pub(crate) fn read(source: &SourceText) -> Result<Plan, Problems> {
    let outline = Outline::of(source.text());
    let file: PlanFile = parse(source)?;
    check_texts(source, &outline)?;
    let mut reader = Reader {
        source,
        outline: &outline,
        folder: folder_of(source),
        problems: Problems::new(),
        hidden: Vec::new(),
    };
    reader.form(&file);
    let scenarios = reader.scenarios(&file.scenarios);
    let defenses = reader.defenses(&file.defenses);
    let seeds = reader.seeds(&file.seeds);
    reader.problems.clone().into_result()?;
    let strata = reader.strata(&file, &scenarios, &seeds);
    let cells: usize = strata.iter().map(|s| s.seeds.len() * defenses.len()).sum();
    if cells > MAX_CELLS {
        let message = format!("{cells} cells are more than the {MAX_CELLS} of one campaign");
        reader.report("TR0507", "", message);
    }
    reader.problems.into_result()?;
    Ok(Plan {
        name: file.name,
        title: file.title,
        defenses,
        strata,
        variation: file.variation,
        stop: file.stop,
        explain: file.explain,
        hidden: reader.hidden,
        text: source.text().to_owned(),
    })
}

struct Reader<'a> {
    source: &'a SourceText,
    outline: &'a Outline,
    folder: PathBuf,
    problems: Problems,
    /// As [`Plan::hidden`].
    hidden: Vec<PathBuf>,
}

impl Reader<'_> {
    fn report(&mut self, code: &'static str, path: &str, message: impl Into<String>) {
        let place = self.outline.nearest(path);
        self.problems
            .push(Problem::new(code, message).at(self.source, place));
    }

    /// Puts problems of a file that the plan names to the place where it does.
    fn pass_on(&mut self, path: &str, failure: Failure) {
        let place = self.outline.nearest(path);
        match failure {
            Failure::User(problems) => {
                for problem in problems.iter() {
                    let moved = Problem::new(problem.code, problem_text(problem))
                        .at(self.source, place.clone())
                        .maybe_hint(problem.hint.as_deref().map(str::to_owned));
                    self.problems.push(moved);
                }
            }
            Failure::Defense(error) => self.report("TR0108", path, error.to_string()),
            _ => self.report("TR0108", path, "it cannot be read"),
        }
    }

    fn form(&mut self, file: &PlanFile) {
        if file.schema != PLAN_SCHEMA {
            let message = format!(
                "schema {} is not known; this build reads {PLAN_SCHEMA}",
                file.schema
            );
            self.report("TR0201", "schema", message);
        }
        if file.title.trim().is_empty() {
            self.report("TR0244", "title", "this text is empty");
        }
        // The name becomes that of a folder.
        let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_".contains(c);
        if file.name.is_empty() || file.name.len() > 64 || !file.name.chars().all(fits) {
            let message = format!("`{}` is not a name", file.name);
            self.report("TR0203", "name", message);
        }
        self.unique("scenarios", file.scenarios.iter(), true);
        self.unique("defenses", file.defenses.iter(), true);
        self.unique("postures", file.postures.iter().map(|p| &p.name), false);
        self.unique("sweeps", file.sweeps.iter().map(|s| &s.path), false);
        for (at, sweep) in file.sweeps.iter().enumerate() {
            let values = format!("sweeps[{at}].values");
            self.unique(&values, sweep.values.iter().map(|v| &v.0), true);
            self.settable(&format!("sweeps[{at}].path"), &sweep.path);
        }
        for (at, posture) in file.postures.iter().enumerate() {
            for path in posture.set.keys() {
                self.settable(&format!("postures[{at}].set[\"{path}\"]"), path);
            }
        }
        if let Some(stop) = &file.stop {
            if !NAMES.iter().any(|name| name.name == stop.figure) {
                let names = NAMES.iter().map(|name| name.name);
                let near = sim_plant::suggest::nearest(&stop.figure, names);
                let hint = near.map(|near| format!("did you mean `{near}`?"));
                let place = self.outline.nearest("stop.figure");
                let message = format!("there is no figure `{}`", stop.figure);
                let problem = Problem::new("TR0202", message).at(self.source, place);
                self.problems.push(problem.maybe_hint(hint));
            }
            if OF_MARGIN.contains(&stop.figure.as_str()) && !file.explain {
                let message = format!("`{}` is found only with `explain: true`", stop.figure);
                self.report("TR0507", "stop.figure", message);
            }
            if !(stop.half_width.is_finite() && stop.half_width > 0.0) {
                self.report("TR0204", "stop.half_width", "it must be above zero");
            }
            if stop.min_seeds < 2 {
                self.report("TR0204", "stop.min_seeds", "an interval needs two seeds");
            }
        }
    }

    fn unique<'s>(
        &mut self,
        path: &str,
        names: impl ExactSizeIterator<Item = &'s String>,
        needed: bool,
    ) {
        if needed && names.len() == 0 {
            self.report("TR0507", path, "this list is empty");
        }
        let mut seen = BTreeSet::new();
        for (at, name) in names.enumerate() {
            if !seen.insert(name) {
                let message = format!("`{name}` is there twice");
                self.report("TR0507", &format!("{path}[{at}]"), message);
            }
        }
    }

    fn settable(&mut self, place: &str, path: &str) {
        if let Err(problem) = check_path(path) {
            let place = self.outline.nearest(place);
            self.problems.push(problem.at(self.source, place));
        }
    }

    fn scenarios(&mut self, names: &[String]) -> Vec<Loaded> {
        let mut found = Vec::new();
        for (at, name) in names.iter().enumerate() {
            match find_in(&self.folder, name) {
                Ok((loaded, files)) => {
                    found.push(loaded);
                    self.hidden.extend(files);
                }
                Err(failure) => self.pass_on(&format!("scenarios[{at}]"), failure),
            }
        }
        let mut seen = BTreeSet::new();
        for loaded in &found {
            if !seen.insert(loaded.scenario.name.clone()) {
                let message = format!("two scenarios are named `{}`", loaded.scenario.name);
                self.report("TR0507", "scenarios", message);
            }
        }
        found
    }

    fn defenses(&mut self, names: &[String]) -> Vec<Contender> {
        let mut found = Vec::new();
        for (at, name) in names.iter().enumerate() {
            if name == NOBODY {
                found.push(Contender {
                    name: name.clone(),
                    defense: None,
                });
                continue;
            }
            match defense::find_in(&self.folder, name) {
                Ok(defense) => found.push(Contender {
                    name: defense.spec.name.clone(),
                    defense: Some(defense),
                }),
                Err(failure) => self.pass_on(&format!("defenses[{at}]"), failure),
            }
        }
        let names: Vec<String> = found.iter().map(|c| c.name.clone()).collect();
        self.unique("defenses", names.iter(), true);
        found
    }

    fn seeds(&mut self, file: &SeedsFile) -> Vec<(SeedSet, Vec<u64>)> {
        let mut all = vec![(SeedSet::Open, self.seed_list("seeds.open", &file.open))];
        if let Some(list) = &file.held_out {
            all.push((SeedSet::HeldOut, self.seed_list("seeds.held_out", list)));
        }
        let mut seen = BTreeSet::new();
        for seed in all.iter().flat_map(|(_, seeds)| seeds).copied() {
            if !seen.insert(seed) {
                let message = format!("the seed {seed} is there twice");
                self.report("TR0507", "seeds", message);
                break;
            }
        }
        all
    }

    fn seed_list(&mut self, path: &str, list: &SeedList) -> Vec<u64> {
        let seeds = match list {
            SeedList::List(seeds) => seeds.clone(),
            SeedList::Range { count, .. } if *count > MAX_SEEDS => {
                let message = format!("{count} seeds are more than {MAX_SEEDS}");
                self.report("TR0507", path, message);
                return Vec::new();
            }
            SeedList::Range { from, count } => (0..u64::from(*count))
                .map_while(|at| from.checked_add(at))
                .collect(),
        };
        if seeds.is_empty() {
            self.report("TR0507", path, "there are no seeds");
        }
        seeds
    }

    /// Scenarios × postures × values of the sweeps × sets of seeds.
    fn strata(
        &mut self,
        file: &PlanFile,
        scenarios: &[Loaded],
        seeds: &[(SeedSet, Vec<u64>)],
    ) -> Vec<Stratum> {
        let written = [PostureFile {
            name: "as-written".to_owned(),
            attack: true,
            set: BTreeMap::new(),
        }];
        let postures: &[PostureFile] = if file.postures.is_empty() {
            &written
        } else {
            &file.postures
        };
        let mut strata = Vec::new();
        for loaded in scenarios {
            for (at, posture) in postures.iter().enumerate() {
                for sweep in combinations(&file.sweeps) {
                    let mut settings: BTreeMap<String, String> = BTreeMap::new();
                    for (path, value) in &posture.set {
                        settings.insert(path.clone(), value.0.clone());
                    }
                    settings.extend(sweep.clone());
                    let place = if sweep.is_empty() {
                        format!("postures[{at}]")
                    } else {
                        "sweeps".to_owned()
                    };
                    let Some(bundle) = self.changed(&place, loaded, &settings) else {
                        continue;
                    };
                    strata.extend(seeds.iter().map(|(seed_set, seeds)| Stratum {
                        scenario: loaded.scenario.name.clone(),
                        scenario_digest: loaded.bundle.digest().to_string(),
                        posture: posture.name.clone(),
                        attack: posture.attack,
                        settings: settings.clone(),
                        sweep: sweep.clone(),
                        seed_set: *seed_set,
                        seeds: seeds.clone(),
                        bundle: bundle.clone(),
                    }));
                }
            }
        }
        strata
    }

    /// A scenario with settings, if it can be run so.
    fn changed(
        &mut self,
        place: &str,
        loaded: &Loaded,
        settings: &BTreeMap<String, String>,
    ) -> Option<Bundle> {
        match change(&loaded.bundle, settings) {
            Ok(bundle) => Some(bundle),
            Err(problems) => {
                let shown: Vec<String> = settings
                    .iter()
                    .map(|(path, value)| format!("{path}: {value}"))
                    .collect();
                for problem in problems.iter() {
                    let message = format!(
                        "scenario `{}` with {} cannot be run: {}",
                        loaded.scenario.name,
                        shown.join(", "),
                        problem_text(problem)
                    );
                    let at = self.outline.nearest(place);
                    let hint = problem.hint.as_deref().map(str::to_owned);
                    self.problems.push(
                        Problem::new("TR0502", message)
                            .at(self.source, at)
                            .maybe_hint(hint),
                    );
                }
                None
            }
        }
    }
}

/// A scenario's files with settings, once they have been read with all checks.
pub(crate) fn change(
    bundle: &Bundle,
    settings: &BTreeMap<String, String>,
) -> Result<Bundle, Problems> {
    let settings: Vec<Setting> = settings
        .iter()
        .map(|(path, value)| Setting {
            path: path.clone(),
            value: value.clone(),
        })
        .collect();
    let changed = set(bundle, &settings)?;
    Ok(from_bundle(&changed, &formats())?.bundle)
}

/// A problem in one line without its code and hint, for a message that quotes it.
fn problem_text(problem: &Problem) -> String {
    match &problem.file {
        Some(file) => format!("{} ({file})", problem.message),
        None => problem.message.to_string(),
    }
}

/// Every choice of one value for each sweep, the last sweep fastest.
fn combinations(sweeps: &[SweepFile]) -> Vec<BTreeMap<String, String>> {
    let mut all = vec![BTreeMap::new()];
    for sweep in sweeps {
        let with = |one: &BTreeMap<String, String>| {
            sweep.values.iter().map({
                let one = one.clone();
                move |value| {
                    let mut next = one.clone();
                    next.insert(sweep.path.clone(), value.0.clone());
                    next
                }
            })
        };
        all = all.iter().flat_map(with).take(MAX_CELLS + 1).collect();
    }
    all
}
