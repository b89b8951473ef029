//! A run on its way into a run folder, and the lock-step defense that watches it.
//!
//! Whoever drives a [`Recording`] decides how far time goes and what comes from outside; it writes down what was
//! observed and lets the defense answer, interval by interval.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use serde_json::{Value, json};
use sim_kernel::time::{SimDuration, SimTime};
use sim_plant::inline::{DELAY_MAX_NS, Decision, Inline, InlineFrame, Verdicts};
use sim_plant::observe::{self, Keep, Observations};
use sim_plant::respond;
use twinrange_bridge::answer::{Action, Verb};
use twinrange_bridge::message::{self, ActionResult, Hello, InlineInfo, Interval, TagInfo, Wants};
use twinrange_bridge::spec::Kind;
use twinrange_bridge::{DefenseError, LockStep, Verdict};
use twinrange_range::evidence::EPOCH_UNIX_NS;
use twinrange_range::evidence::process::ProcessTable;
use twinrange_range::manifest::{Ended, Manifest, RunOptions, ScenarioRecord, Timing};
use twinrange_range::problem::{Problem, Problems};
use twinrange_range::run_folder::{End, RunFolder, RunHeader, RunWriter};
use twinrange_range::session::{Session, Setting, record, syslog};
use twinrange_range::twin;

use super::actions;
use super::defense::Defense;
use super::execution::{Order, Twins};
use super::failure::Failure;
use super::oracle;

/// How long a column must be away from the twin to count.
const TWIN_HOLD: SimDuration = SimDuration::from_secs(10);
/// Name of the defense of a run in which only somebody outside has raised alerts or asked for actions.
const OUTSIDE_TOOL: &str = "api";
// What a tool may say of a frame the plant can do.
const _: () = assert!(message::VERDICT_DELAY_LIMIT_NS == DELAY_MAX_NS);
/// Interval of a run without a lock-step defense: only how often buffers are emptied.
const QUIET_INTERVAL: SimDuration = SimDuration::from_secs(30);

/// A run that is being written into its folder.
pub(crate) struct Recording<'a> {
    order: &'a Order<'a>,
    started: Instant,
    pub(crate) session: Session<'a>,
    writer: RunWriter,
    truth: ProcessTable,
    watch: Watch,
    /// Inputs that are in the folder already.
    inputs_written: usize,
    /// What the manifest is to remember beside the run.
    pub(crate) notes: BTreeMap<String, Value>,
    /// Why the run cannot go on to its planned end.
    pub(crate) failure: Option<Failure>,
}

impl<'a> Recording<'a> {
    /// Builds the plant, with the defense in its cables if it stands there, makes the folder and starts the defense.
    pub(crate) fn begin(order: &'a Order<'a>, setting: &Setting<'_>) -> Result<Self, Failure> {
        let (scenario, prepared) = (&order.ready.loaded.scenario, &order.ready.prepared);
        let started = Instant::now();
        let options = order.options(order.attack, Keep::ALL);
        let inline = order.defense.and_then(Defense::inline);
        let setting = Setting {
            inline: asked(inline.as_ref()),
            ..*setting
        };
        let session = Session::set_up(scenario, prepared, options, &setting)?;
        let header = RunHeader {
            scenario: ScenarioRecord::of(&order.ready.loaded),
            seed: order.seed,
            options: RunOptions {
                attack: order.attack,
                duration_ns: order.duration.as_nanos(),
                defense: order.defense.map(|d| d.spec.name.clone()),
                outside: setting.outside.cloned(),
                inline,
            },
        };
        let writer = RunWriter::create(order.out, header, session.layout())?;
        let (watch, failure) = match Watch::start(order, &session) {
            Ok(watch) => (watch, None),
            // The folder is finished all the same, so that it says what happened.
            Err(error @ Failure::Defense(_)) => (Watch::of_nobody(&session), Some(error)),
            Err(other) => return Err(other),
        };
        Ok(Self {
            order,
            started,
            session,
            writer,
            truth: ProcessTable::new(prepared.truth_columns.clone()),
            watch,
            inputs_written: 0,
            notes: BTreeMap::new(),
            failure,
        })
    }

    /// Length of an interval of the defense.
    pub(crate) fn interval(&self) -> SimDuration {
        self.watch.interval()
    }

    /// Length of an interval of the defense, if a lock-step one watches.
    pub(crate) fn watched_interval(&self) -> Option<SimDuration> {
        self.watch.tool.as_ref().map(|_| self.watch.interval())
    }

    /// All that is needed in order to run it again, but for what comes from outside.
    pub(crate) fn header(&self) -> &RunHeader {
        self.writer.header()
    }

    /// What a defense outside that may act is told about the plant.
    pub(crate) fn hello(&self) -> Hello {
        hello(self.order, &self.session, SimDuration::ZERO, true)
    }

    /// Writes down an alert that a defense outside has handed in, in the normal form.
    pub(crate) fn take_alert(&mut self, alert: &Value) -> Result<(), Problems> {
        self.writer.defended_by(OUTSIDE_TOOL)?;
        self.writer.alert(alert)
    }

    /// Sees to it that what a defense outside has said stays, whatever happens to this process.
    pub(crate) fn keep_defense(&mut self) -> Result<(), Problems> {
        self.writer.flush_defense()
    }

    /// Hands an action of a defense outside to the plant. Returns what becomes of it, and the line that was written.
    ///
    /// # Arguments
    ///
    /// * `refused` — why a person has refused it, if one has.
    pub(crate) fn act(
        &mut self,
        action: &Action,
        refused: Option<String>,
    ) -> Result<(ActionResult, Value), Problems> {
        let result = match refused {
            Some(reason) => actions::refused(action, self.session.now(), reason),
            None => self.watch.decide(&mut self.session, action),
        };
        let line = actions::line(action, &result);
        self.writer.defended_by(OUTSIDE_TOOL)?;
        self.writer.action(&line)?;
        Ok((result, line))
    }

    /// What the lock-step defense asked to be sent; `None` from nobody.
    pub(crate) fn wants(&self) -> Option<Wants> {
        self.watch.tool.as_ref().map(LockStep::wants)
    }

    /// Whether the run has neither come to its end nor failed.
    pub(crate) fn goes_on(&self) -> bool {
        !self.session.is_over() && self.failure.is_none()
    }

    /// Lets time go on to a moment, while a defense in a cable judges what comes over it. If it fails, or somebody
    /// interrupts, what it would have judged passes, so that the interval can be ended in order.
    pub(crate) fn advance(&mut self, until: SimTime) {
        let (watch, interrupt) = (&mut self.watch, self.order.interrupt);
        let judged = self
            .session
            .advance_judged(until, |frame| watch.judge(frame, interrupt));
        if let Err(failure) = judged {
            if !matches!(failure, Failure::Interrupted) {
                self.watch.tool = None;
            }
            self.failure = Some(failure);
        }
    }

    /// Writes what was observed since the last time, and lets the defense see it and answer.
    ///
    /// # Arguments
    ///
    /// * `from` — when the interval began.
    pub(crate) fn interval_ended(&mut self, from: SimTime) -> Result<(), Problems> {
        self.write_observed()?;
        if self.failure.is_none() {
            let watch = &mut self.watch;
            self.failure = watch.interval_ended(from, &mut self.session, &mut self.writer)?;
        }
        self.session.observations().clear();
        Ok(())
    }

    fn write_observed(&mut self) -> Result<(), Problems> {
        for input in &self.session.inputs().records()[self.inputs_written..] {
            self.writer.input(input)?;
        }
        self.inputs_written = self.session.inputs().len();
        record(
            self.session.observations(),
            &mut self.writer,
            &mut self.truth,
        )
    }

    /// Hears what the defense has to say at the end, also at one that came early, if it is still there.
    pub(crate) fn last_word(&mut self) -> Result<(), Failure> {
        if matches!(self.failure, None | Some(Failure::Interrupted)) {
            let nobody = Watch::of_nobody(&self.session);
            let watch = std::mem::replace(&mut self.watch, nobody);
            let failed = watch.end(self.session.now(), &mut self.writer)?;
            self.failure = self.failure.take().or(failed);
        }
        Ok(())
    }

    /// Makes now the end of the run.
    pub(crate) fn stop(&mut self) -> Result<(), Problems> {
        self.session.stop();
        self.write_observed()?;
        self.session.observations().clear();
        Ok(())
    }

    /// Says where the run left its unattacked twin, and closes the folder.
    pub(crate) fn finish(
        mut self,
        twins: impl FnOnce() -> Twins,
    ) -> Result<(RunFolder, Option<Failure>), Failure> {
        let order = self.order;
        let ended = match &self.failure {
            None => Ended::Complete,
            Some(Failure::Interrupted) => Ended::Interrupted,
            Some(_) => Ended::DefenseFailed,
        };
        let finished = self.session.finish();
        for step in &finished.steps {
            self.writer.attack_step(step)?;
        }
        let twins = twins()?;
        if let Some(twin) = twins.first() {
            let all: Vec<&ProcessTable> = twins.iter().map(|twin| &twin.truth).collect();
            let tolerances = twin::tolerances(&all, TWIN_HOLD);
            let constraints = &order.ready.loaded.scenario.constraints;
            for impact in twin::impacts(&self.truth, &twin.truth, &tolerances, constraints) {
                self.writer.impact(&impact)?;
            }
        }
        let mut notes = self.notes;
        notes.insert("production".to_owned(), json!(finished.production));
        if let Some(counts) = finished.inline {
            notes.insert("inline".to_owned(), json!(counts));
        }
        if !order.twin {
            notes.insert("twin".to_owned(), json!(false));
        }
        if let Some(defense) = order.defense {
            let folder = defense
                .folder
                .canonicalize()
                .unwrap_or_else(|_| defense.folder.clone());
            notes.insert("defense_description".to_owned(), json!(defense.text));
            notes.insert(
                "defense_folder".to_owned(),
                json!(folder.display().to_string()),
            );
            notes.insert("defense_sandbox".to_owned(), json!(order.sandbox.note()));
        }
        let end = End {
            ended,
            simulated_ns: finished.simulated.as_nanos(),
            trace_digest: finished.digest,
            timing: Timing {
                wall_s: self.started.elapsed().as_secs_f64(),
            },
            notes,
        };
        Ok((self.writer.finish(end)?, self.failure))
    }
}

/// A lock-step defense and what it is owed, or nobody.
pub(crate) struct Watch {
    tool: Option<LockStep>,
    interval: SimDuration,
    spans: Vec<String>,
    tags: Vec<String>,
    frame_numbers: Vec<u64>,
    results: Vec<ActionResult>,
    may_act: bool,
    response: respond::ResponseTimes,
    end: SimTime,
}

impl Watch {
    /// Nobody watches.
    fn of_nobody(session: &Session<'_>) -> Self {
        let world = session.world();
        Self {
            tool: None,
            interval: QUIET_INTERVAL,
            spans: world.spans().to_vec(),
            tags: world.tags().iter().map(|tag| tag.name.clone()).collect(),
            frame_numbers: vec![0; world.spans().len()],
            results: Vec::new(),
            may_act: false,
            response: world.response_times(),
            end: session.end(),
        }
    }

    /// Starts the defense, if it is a lock-step one.
    pub(crate) fn start(order: &Order<'_>, session: &Session<'_>) -> Result<Self, Failure> {
        let scenario = &order.ready.loaded.scenario;
        let mut watch = Self::of_nobody(session);
        watch.may_act = order.defense.is_some_and(Defense::may_act);
        let Some(defense) = order.defense else {
            return Ok(watch);
        };
        let Kind::LockStep { interval_ms, .. } = defense.spec.kind else {
            return Ok(watch);
        };
        watch.interval = SimDuration::from_millis(interval_ms);
        let folder = order.out.join("defense");
        std::fs::create_dir_all(&folder).map_err(|error| {
            Problem::new(
                "TR0307",
                format!("`{}` cannot be made: {error}", folder.display()),
            )
        })?;
        let hello = hello(order, session, watch.interval, watch.may_act);
        let config = defense.lock_step(scenario.clean_until, Some(folder.join("tool.log")))?;
        let mut config = config.expect("a lock-step defense has a way to start it");
        if defense.is_oracle() {
            let script = oracle::script_text(order, watch.interval)?;
            config.args.extend(["--script".to_owned(), script]);
        }
        config.confinement = defense.confinement(order.sandbox, order.hidden());
        watch.tool = Some(LockStep::spawn(&config, &hello)?);
        Ok(watch)
    }

    pub(crate) fn interval(&self) -> SimDuration {
        self.interval
    }

    /// Tells the defense what was seen and does what it asks. Returns its failure, if it failed.
    fn interval_ended(
        &mut self,
        from: SimTime,
        session: &mut Session<'_>,
        writer: &mut RunWriter,
    ) -> Result<Option<Failure>, Problems> {
        let to = session.now();
        match self.exchange(from, to, session.observations()) {
            Ok(Some(answer)) => {
                for alert in &answer.alerts {
                    writer.alert(alert)?;
                }
                for action in &answer.actions {
                    let outcome = self.act(session, action);
                    writer.action(&outcome)?;
                }
                Ok(None)
            }
            Ok(None) => Ok(None),
            Err(error) => {
                self.tool = None;
                Ok(Some(error.into()))
            }
        }
    }

    /// Asks the defense about a frame in its cable; without one it passes.
    ///
    /// # Errors
    ///
    /// If the defense fails, or somebody has interrupted: there may be very many frames to an interval.
    pub(crate) fn judge(
        &mut self,
        frame: &InlineFrame<'_>,
        interrupt: &AtomicBool,
    ) -> Result<Decision, Failure> {
        let Some(tool) = &mut self.tool else {
            return Ok(Decision::PASS);
        };
        if interrupt.load(Ordering::SeqCst) {
            return Err(Failure::Interrupted);
        }
        let verdict = tool.verdict(&message::InlineFrame {
            n: frame.number,
            t_ns: frame.at.as_nanos(),
            host: frame.host,
            towards: frame.towards.name(),
            len: u32::try_from(frame.bytes.len()).expect("frames are short"),
            data: frame.bytes,
        })?;
        Ok(match verdict {
            Verdict::Pass { delay_ns } => Decision::Pass { delay_ns },
            Verdict::Drop => Decision::Drop,
        })
    }

    /// Tells the defense what was seen in an interval, and gives its answer; `None` from nobody.
    pub(crate) fn exchange(
        &mut self,
        from: SimTime,
        to: SimTime,
        seen: &Observations,
    ) -> Result<Option<twinrange_bridge::Answer>, DefenseError> {
        let Some(tool) = &mut self.tool else {
            return Ok(None);
        };
        let mut frames = Vec::with_capacity(seen.frames.len());
        for frame in &seen.frames {
            let span = usize::from(frame.span);
            self.frame_numbers[span] += 1;
            let data = seen.bytes(frame);
            frames.push(message::Frame {
                span: &self.spans[span],
                n: self.frame_numbers[span],
                t_ns: frame.at.as_nanos(),
                len: u32::try_from(data.len()).expect("frames are short"),
                data,
            });
        }
        let tags: Vec<message::TagSample<'_>> = seen
            .tags
            .iter()
            .map(|sample| message::TagSample {
                t_ns: sample.at.as_nanos(),
                tag: &self.tags[usize::from(sample.tag)],
                value: sample.value,
                quality: quality(sample.quality),
            })
            .collect();
        let lines: Vec<(u64, String)> = seen
            .logs
            .iter()
            .map(|line| (line.at.as_nanos(), syslog(line)))
            .collect();
        let logs: Vec<message::LogLine<'_>> = lines
            .iter()
            .map(|(t_ns, line)| message::LogLine { t_ns: *t_ns, line })
            .collect();
        let results = std::mem::take(&mut self.results);
        let interval = Interval {
            from_ns: from.as_nanos(),
            to_ns: to.as_nanos(),
            frames: &frames,
            tags: &tags,
            logs: &logs,
            action_results: &results,
        };
        tool.interval(&interval).map(Some)
    }

    /// Hands an action of the defense to the plant. Returns the line for `actions.jsonl`.
    pub(crate) fn act(&mut self, session: &mut Session<'_>, action: &Action) -> Value {
        let result = self.decide(session, action);
        let line = actions::line(action, &result);
        self.results.push(result);
        line
    }

    /// Hands an action to the plant, and says what becomes of it.
    fn decide(&self, session: &mut Session<'_>, action: &Action) -> ActionResult {
        let now = session.now();
        let done = actions::plan(action, now, self.end, &self.response).and_then(|plan| {
            session
                .submit(plan.action.clone())
                .map(|()| plan)
                .map_err(|error| error.to_string())
        });
        match done {
            Ok(plan) => actions::accepted(action, now, &plan),
            Err(reason) => actions::refused(action, now, reason),
        }
    }

    /// Ends the defense, and gives what it said last; `None` from nobody.
    pub(crate) fn finish(self) -> Result<Option<twinrange_bridge::Answer>, DefenseError> {
        self.tool.map(|tool| tool.finish(&self.results)).transpose()
    }

    fn end(self, now: SimTime, writer: &mut RunWriter) -> Result<Option<Failure>, Problems> {
        match self.finish() {
            Ok(None) => Ok(None),
            Ok(Some(answer)) => {
                for alert in &answer.alerts {
                    writer.alert(alert)?;
                }
                for action in &answer.actions {
                    let result = actions::refused(action, now, actions::RUN_IS_OVER.to_owned());
                    writer.action(&actions::line(action, &result))?;
                }
                Ok(None)
            }
            Err(error) => Ok(Some(error.into())),
        }
    }
}

/// The cables in which a defense stands, in a run in which it is asked for its verdicts.
pub(crate) fn asked(inline: Option<&Inline>) -> Option<(&Inline, Verdicts)> {
    inline.map(|inline| (inline, Verdicts::Asked))
}

/// Quality of a sample as those outside are told it.
pub(crate) fn quality(quality: observe::Quality) -> message::Quality {
    match quality {
        observe::Quality::Good => message::Quality::Good,
        observe::Quality::Bad => message::Quality::Bad,
    }
}

/// Whether a run was made beside its unattacked twin.
pub(crate) fn has_twin(manifest: &Manifest) -> bool {
    manifest.notes.get("twin") != Some(&json!(false))
}

/// What a defense is told about the plant.
fn hello(order: &Order<'_>, session: &Session<'_>, interval: SimDuration, may_act: bool) -> Hello {
    let world = session.world();
    Hello {
        range_version: env!("CARGO_PKG_VERSION").to_owned(),
        plant: order.ready.prepared.plant.name.clone(),
        epoch_unix_ns: EPOCH_UNIX_NS,
        interval_ns: interval.as_nanos(),
        duration_ns: order.duration.as_nanos(),
        learn_ns: order.ready.loaded.scenario.clean_until.as_nanos(),
        spans: world
            .spans()
            .iter()
            .map(|name| message::Span {
                name: name.clone(),
                link_type: 1,
            })
            .collect(),
        assets: session.assets().into_iter().map(asset).collect(),
        tags: world
            .tags()
            .iter()
            .map(|tag| TagInfo {
                name: tag.name.clone(),
                unit: tag.unit.clone(),
                description: tag.description.clone(),
            })
            .collect(),
        actions: if may_act {
            vec![Verb::Deny, Verb::Contain, Verb::Restore]
        } else {
            Vec::new()
        },
        inline: order
            .defense
            .and_then(Defense::inline)
            .map(|inline| InlineInfo {
                hosts: inline.hosts,
                latency_ns: inline.latency_ns,
            }),
    }
}

fn asset(asset: twinrange_range::evidence::records::Asset) -> message::Asset {
    message::Asset {
        name: asset.name,
        role: asset.role,
        zone: asset.zone,
        ip: asset.ip,
        mac: asset.mac,
        switch: asset.switch,
        port: asset.port,
        firmware: asset.firmware,
        ..message::Asset::default()
    }
}
