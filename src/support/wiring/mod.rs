//! Whether a defense is wired: a harmless stimulus is played, and it is seen what the tool makes of it.
//!
//! A tool that raises nothing in a run may be a quiet one, or one that sees nothing: its interface is wrong, it drops
//! what it takes for damaged, its parser is off, it has no rules. A score of zero would be the same for both. So a
//! tool that was silent in a run is tested before it is scored; `twinrange wiring` tests any.
//!
//! **Invariant:** what was played is a function of plant, seed and clean period, so that the same tool is judged alike
//! every time.

mod offload;
mod report;
mod stimulus;
mod telemetry;

use std::fs;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use serde_json::Value;
use sim_kernel::time::SimDuration;
use sim_wire::MacAddr;
use twinrange_bridge::DefenseError;
use twinrange_bridge::spec::Kind;
use twinrange_range::outside::Outside;
use twinrange_range::problem::Problem;
use twinrange_range::run_folder::{RunFolder, paths};
use twinrange_range::scenario::Bundle;
use twinrange_score::alert::Alert;
use twinrange_score::formats::{Format, ImportOptions, detect, import};

use self::report::Evidence;
pub(crate) use self::report::Report;
use self::stimulus::Played;
use self::telemetry::Telemetry;
use super::alerts::{run_offline_over, user_mistake};
use super::defense::Defense;
use super::execution::Order;
use super::failure::Failure;
use super::sandbox::Sandbox;
use super::scenario::{Ready, from_run};

/// Name of the folder with the evidence whose checksums are left to the card.
pub(crate) const OFFLOADED: &str = "offload";

/// Where the stimulus is played, and who is there.
#[derive(Clone, Debug)]
pub(crate) struct Scene {
    outside: Outside,
    /// Addresses of the stranger.
    stranger: (MacAddr, Ipv4Addr),
    /// Names of the historians, whose cables are pulled.
    historians: Vec<String>,
    /// The SPAN port of the network.
    span: Option<String>,
}

/// What is to be tested, and where.
pub(crate) struct Question<'a> {
    /// The scenario's files; its attack is not played.
    pub(crate) bundle: &'a Bundle,
    pub(crate) hidden: &'a [PathBuf],
    pub(crate) seed: u64,
    pub(crate) defense: Option<&'a Defense>,
    /// The network of the stranger; the one with most controllers when `None`.
    pub(crate) network: Option<&'a str>,
    /// Whether an offline tool gets frames whose checksums were left to the card.
    pub(crate) offload: bool,
    pub(crate) sandbox: &'a Sandbox,
    pub(crate) interrupt: &'a AtomicBool,
}

/// A stimulus that was played into a folder.
pub(crate) struct Session {
    scene: Scene,
    ready: Ready,
    played: Played,
}

impl Question<'_> {
    /// The scenario without its attack, as long as the stimulus takes.
    fn ready(&self) -> Result<Ready, Failure> {
        let mut ready = from_run(self.bundle)?;
        ready.hidden = self.hidden.to_vec();
        let scenario = &mut ready.loaded.scenario;
        let learns = self.defense.map_or(0, |defense| defense.spec.learn_s);
        scenario.clean_until = scenario.clean_until.min(SimDuration::from_secs(learns));
        scenario.duration = stimulus::length(scenario.clean_until, &scenario.response);
        Ok(ready)
    }

    fn scene(&self, ready: &Ready) -> Result<Scene, Failure> {
        let plant = &ready.prepared.plant;
        let outside = Outside::of(plant, self.network)?;
        Ok(Scene {
            stranger: outside.stranger(plant)?,
            historians: plant
                .historians
                .iter()
                .map(|one| one.host.clone())
                .collect(),
            span: outside.span(plant).map(str::to_owned),
            outside,
        })
    }

    /// Plays the stimulus into a folder, with the defense if there is one.
    ///
    /// # Errors
    ///
    /// The defense's own failure, of either kind of defense, and that of the folder.
    pub(crate) fn play(&self, out: &Path) -> Result<Session, Failure> {
        let ready = self.ready()?;
        let scene = self.scene(&ready)?;
        let order = self.order(&ready, out);
        if let Some(defense) = self.defense {
            defense.detect(self.sandbox, order.hidden())?;
        }
        let mut played = stimulus::play(&order, &scene)?;
        if let Some(failure) = played.failure.take() {
            return Err(failure);
        }
        let evidence = played.folder.path().join("evidence");
        let evidence = match self.offload {
            true => offload::rewrite(&evidence, &played.folder.path().join(OFFLOADED))?,
            false => evidence,
        };
        run_offline_over(&order, &played.folder, &evidence)?;
        Ok(Session {
            scene,
            ready,
            played,
        })
    }

    fn order<'a>(&'a self, ready: &'a Ready, out: &'a Path) -> Order<'a> {
        Order {
            ready,
            seed: self.seed,
            attack: false,
            twin: false,
            duration: ready.loaded.scenario.duration,
            out,
            defense: self.defense,
            branch: None,
            sandbox: self.sandbox,
            interrupt: self.interrupt,
        }
    }

    /// Tests the defense.
    ///
    /// # Arguments
    ///
    /// * `out` — folder for the session.
    pub(crate) fn test(&self, out: &Path) -> Result<Report, Failure> {
        let session = self.play(out)?;
        let folder = &session.played.folder;
        let own = folder.locate(paths::ALERTS);
        let said = alerts_of(&own, &read(&own)?, Format::Jsonl, None)?;
        let mut telemetry = Telemetry::default();
        if let Some(defense) = self.defense
            && let Kind::Offline {
                alerts,
                telemetry: more,
                ..
            } = &defense.spec.kind
        {
            let output = folder.path().join("defense").join("output");
            for file in [Some(alerts), more.as_ref()].into_iter().flatten() {
                // A file that is not there tells nothing.
                telemetry.add_file(&fs::read(output.join(file)).unwrap_or_default());
            }
        } else {
            telemetry.add_records(&said);
        }
        let begins = stimulus::begins(session.ready.loaded.scenario.clean_until);
        Ok(self.report(&session, &said, telemetry, Some(begins.as_nanos())))
    }

    /// Judges what a tool of the user's has written that was shown the stimulus by hand.
    ///
    /// # Arguments
    ///
    /// * `out` — folder for the session.
    ///
    /// # Errors
    ///
    /// `TR0313` if the file cannot be read as what it is said to be.
    pub(crate) fn judge(
        &self,
        out: &Path,
        file: &Path,
        format: Option<Format>,
    ) -> Result<Report, Failure> {
        let bytes = read(file)?;
        let format = match format {
            Some(format) => format,
            None => {
                detect(&bytes).map_err(|error| user_mistake(&file.display().to_string(), &error))?
            }
        };
        // Before anything is played: it may be a mistake.
        let scene = self.scene(&self.ready()?)?;
        let said = alerts_of(file, &bytes, format, scene.span)?;
        let session = self.play(out)?;
        let mut telemetry = Telemetry::default();
        telemetry.add_file(&bytes);
        Ok(self.report(&session, &said, telemetry, None))
    }

    fn report(
        &self,
        session: &Session,
        said: &[Alert],
        telemetry: Telemetry,
        begins_ns: Option<u64>,
    ) -> Report {
        let manifest = session.played.folder.manifest();
        let (mac, ip) = session.scene.stranger;
        let counts = &manifest.counts;
        let evidence = Evidence {
            spans: counts
                .frames
                .iter()
                .map(|(name, n)| (name.clone(), *n))
                .collect(),
            span: session.scene.span.clone(),
            tags: counts.tags,
            logs: counts.syslog,
            cables: manifest
                .notes
                .get("inline")
                .and_then(|inline| inline["frames"].as_u64()),
            wants: session.played.wants,
            said,
            telemetry,
            stranger: [ip.to_string(), mac.to_string()],
            begins_ns,
        };
        let (alerts, of_stimulus) = evidence.counts();
        let wired = alerts > 0 || counts.actions > 0;
        let (reason, because) = match wired && evidence.has_understood() {
            true => (None, None),
            false => {
                let (reason, because) = evidence.reason();
                (Some(reason), Some(because))
            }
        };
        Report {
            defense: self
                .defense
                .map_or_else(String::new, |one| one.spec.name.clone()),
            scenario: manifest.scenario.name.clone(),
            seed: self.seed,
            session_s: SimDuration::from_nanos(manifest.simulated_ns).as_secs(),
            stranger: ip,
            network: session.scene.outside.network.clone(),
            offload: self.offload,
            sensors: evidence.sensors(),
            alerts,
            of_stimulus,
            actions: counts.actions,
            wired,
            reason,
            because,
        }
    }
}

/// What is in an alert file, whenever it was said.
///
/// # Arguments
///
/// * `span` — the SPAN port of records that name none.
fn alerts_of(
    file: &Path,
    bytes: &[u8],
    format: Format,
    span: Option<String>,
) -> Result<Vec<Alert>, Failure> {
    let options = ImportOptions {
        // Times of the normal form are counted from the start of the run; those of others are not looked at.
        epoch_unix_ns: 0,
        zone_s: Some(0),
        span,
        refuse_foreign: false,
        ..ImportOptions::default()
    };
    let import = import(format, bytes, &options);
    let import = import.map_err(|error| user_mistake(&file.display().to_string(), &error))?;
    Ok(import.alerts)
}

fn read(path: &Path) -> Result<Vec<u8>, Problem> {
    fs::read(path).map_err(|error| {
        let message = format!("`{}` cannot be read: {error}", path.display());
        Problem::new("TR0108", message)
    })
}

/// Whether the defense of a run neither raised anything nor asked for anything.
pub(crate) fn was_silent(folder: &RunFolder) -> Result<bool, Failure> {
    if folder.manifest().counts.actions > 0 {
        return Ok(false);
    }
    let said = read(&folder.locate(paths::ALERTS))?;
    let is_alert = |line: &[u8]| {
        let record: Option<Value> = serde_json::from_slice(line).ok();
        record.is_some_and(|record| record["kind"] != "log")
    };
    if said.split(|&byte| byte == b'\n').any(is_alert) {
        return Ok(false);
    }
    // A record that cannot be true is no silence.
    let imported: Value = fs::read(folder.locate(paths::IMPORT))
        .ok()
        .and_then(|bytes| serde_json::from_slice(&bytes).ok())
        .unwrap_or_default();
    Ok(imported["impossible"].as_u64().unwrap_or(0) == 0)
}

/// What was said of a silent run's wiring, or is found out now.
///
/// # Arguments
///
/// * `folder` — a run with this defense, which did not fail.
/// * `hidden` — files of the scenario on this machine.
///
/// # Errors
///
/// `DF0021` if the defense raises nothing on the stimulus either; what goes wrong with it there.
pub(crate) fn before_score(
    folder: &RunFolder,
    hidden: &[PathBuf],
    defense: &Defense,
    sandbox: &Sandbox,
    interrupt: &AtomicBool,
) -> Result<Option<String>, Failure> {
    if defense.spec.may_be_silent {
        let sentence = "The defense raised nothing in the whole run; its description says that its silence is an answer.";
        return Ok(Some(sentence.to_owned()));
    }
    let kept = folder.locate(paths::WIRING);
    let report = match fs::read(&kept) {
        Ok(bytes) => serde_json::from_slice(&bytes).map_err(|error| {
            let message = format!("this is not the report of a wiring test: {error}");
            Problem::new("TR0306", message).in_file(kept.display().to_string())
        })?,
        Err(_) => match test_silent(folder, hidden, defense, sandbox, interrupt) {
            Ok(report) => {
                keep(&kept, &report)?;
                report
            }
            Err(Failure::Defense(error)) if matches!(*error, DefenseError::NotFound { .. }) => {
                let sentence = "The defense raised nothing in the whole run, and is not on this machine, so that \
                                nobody could see whether it is wired.";
                return Ok(Some(sentence.to_owned()));
            }
            Err(other) => return Err(other),
        },
    };
    match report.failure() {
        Some(failure) => Err(failure.into()),
        None => Ok(Some(format!(
            "The defense raised nothing in the whole run. It is wired: on the wiring test's stimulus it raised {} alerts.",
            report.alerts
        ))),
    }
}

fn test_silent(
    folder: &RunFolder,
    hidden: &[PathBuf],
    defense: &Defense,
    sandbox: &Sandbox,
    interrupt: &AtomicBool,
) -> Result<Report, Failure> {
    let manifest = folder.manifest();
    eprintln!(
        "note: {} was silent in the whole run; the wiring test sees whether it can be heard at all",
        defense.spec.name
    );
    let question = Question {
        bundle: &manifest.scenario.bundle,
        hidden,
        seed: manifest.seed,
        defense: Some(defense),
        network: None,
        offload: false,
        sandbox,
        interrupt,
    };
    let scratch = tempfile::tempdir().map_err(|error| {
        Problem::new("TR0307", format!("no folder for temporary files: {error}"))
    })?;
    question.test(&scratch.path().join("wiring"))
}

fn keep(path: &Path, report: &Report) -> Result<(), Problem> {
    let text = serde_json::to_string_pretty(report).expect("a report encodes");
    fs::write(path, format!("{text}\n")).map_err(|error| {
        let message = format!("`{}` cannot be written: {error}", path.display());
        Problem::new("TR0307", message)
    })
}

/// As [`before_score`], right after a run in which something attacked, whose folder then says why its defense is not
/// to be scored. Where nothing attacked there was nothing to be heard, and whoever scores the run asks.
pub(crate) fn after_run(order: &Order<'_>, folder: &RunFolder) -> Result<(), Failure> {
    let Some(defense) = order.defense else {
        return Ok(());
    };
    if folder.manifest().counts.attack_frames == 0 || !was_silent(folder)? {
        return Ok(());
    }
    let hidden = order.hidden();
    let said = before_score(folder, &hidden, defense, order.sandbox, order.interrupt);
    match said {
        Ok(_) => Ok(()),
        Err(failure) => {
            super::alerts::note_failure(folder, &failure)?;
            Err(failure)
        }
    }
}
