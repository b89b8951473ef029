//! One run of a scenario, interval by interval.
//!
//! A [`Session`] joins the world and the attack engine under one clock. Whoever drives it takes what was
//! observed after each interval, and may hand in actions that take effect from then on. Live runs,
//! replays and counterfactual runs all go through here.
//!
//! **Invariant:** an interval holds what happened from its start up to, and not including, its end. An
//! input given at its end acts before everything else of that instant, in a replay as in the run.

use std::convert::Infallible;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::{Deserialize, Serialize};
use sim_kernel::digest::Digest;
use sim_kernel::input::{InputLog, InputRecord, Origin};
use sim_kernel::time::{SimDuration, SimTime};
use sim_plant::inline::{Decision, Inline, InlineCounts, InlineFrame, Verdict, Verdicts};
use sim_plant::observe::{
    Keep, LogLine, Observations, SceneRow, SecondDigest, SpanFrame, TruthRow,
};
use sim_plant::respond::{Action, Input, InputError};
use sim_plant::{Pause, Production, Relation, SafetyFacts, World, WorldOptions};
use sim_wire::MacAddr;
use sim_wire::syslog::{Facility, Message, Severity};
use twinrange_attacks::{Engine, PlantView, StepRecord};

use crate::evidence::digests::DigestRow;
use crate::evidence::frames::{self, FrameTruth};
use crate::evidence::process::{ColumnInfo, ProcessTable};
use crate::evidence::records::Asset;
use crate::evidence::{EPOCH_UNIX_NS, tags};
use crate::formats::Prepared;
use crate::outside::Outside;
use crate::problem::{Problem, Problems};
use crate::run_folder::{Layout, RunWriter};
use crate::scenario::Scenario;

/// How a scenario is run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SessionOptions {
    /// Seeds every random stream.
    pub seed: u64,
    /// Whether the playbook is played.
    pub attack: bool,
    /// Simulated length.
    pub duration: SimDuration,
    /// Which observations are kept.
    pub keep: Keep,
}

/// What is different from the scenario in a run of it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Setting<'a> {
    /// Steps of the attack that are left out, as they went in a run of the same scenario and seed; see
    /// [`Engine::leave_out`].
    pub absent: &'a [&'a StepRecord],
    /// The port to the outside; `None` for a plant that stands alone.
    pub outside: Option<&'a Outside>,
    /// The device that stands in cables, and where its verdicts come from; `None` for a plant without one.
    pub inline: Option<(&'a Inline, Verdicts)>,
}

/// Counted parts and times of a run, for continuity. Bottles are called parts here: the next plant
/// makes something else.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ProductionRecord {
    /// Planned busy time PBT, s.
    pub planned_busy_s: f64,
    /// Actual production time APT, s.
    pub actual_production_s: f64,
    /// Planned run time per item PRI, s.
    pub run_time_per_item_s: f64,
    /// Produced quantity PQ.
    pub produced: u64,
    /// Good quantity GQ.
    pub good: u64,
    /// Bad parts that reached a customer.
    pub bad_shipped: u64,
    /// Parts that were made and thrown away.
    pub scrapped: u64,
    /// Product spilled and run over, L.
    pub product_lost_l: f64,
    /// Time in which people were at risk, s.
    pub unsafe_s: f64,
    /// What the safety functions were asked and did; absent in a plant without a safety controller.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub safety: Option<SafetyRecord>,
}

/// The columns of `truth/production.parquet`, in the order of [`ProductionRecord::row`].
#[must_use]
pub fn production_columns() -> Vec<ColumnInfo> {
    let column = |(name, unit, description): (&str, &str, &str)| ColumnInfo {
        name: name.to_owned(),
        unit: unit.to_owned(),
        description: description.to_owned(),
    };
    let columns = [
        ("planned_busy_s", "s", "Planned busy time PBT"),
        ("actual_production_s", "s", "Actual production time APT"),
        ("produced", "count", "Produced quantity PQ"),
        ("good", "count", "Good quantity GQ"),
        ("bad_shipped", "count", "Bad parts that reached a customer"),
        ("scrapped", "count", "Parts that were made and thrown away"),
        ("product_lost_l", "L", "Product spilled and run over"),
        ("unsafe_s", "s", "Time in which people were at risk"),
    ];
    columns.map(column).to_vec()
}

impl ProductionRecord {
    /// What is counted, as a row of `truth/production.parquet`.
    #[must_use]
    pub fn row(&self) -> [f64; 8] {
        let count = |parts: u64| parts as f64;
        [
            self.planned_busy_s,
            self.actual_production_s,
            count(self.produced),
            count(self.good),
            count(self.bad_shipped),
            count(self.scrapped),
            self.product_lost_l,
            self.unsafe_s,
        ]
    }

    /// Reads a row of `truth/production.parquet` again.
    #[must_use]
    #[expect(
        clippy::cast_possible_truncation,
        reason = "counts were written from whole numbers"
    )]
    pub fn of_row(row: [f64; 8], run_time_per_item_s: f64) -> Self {
        let [
            planned_busy_s,
            actual_production_s,
            produced,
            good,
            bad_shipped,
            scrapped,
            lost,
            unsafe_s,
        ] = row;
        // A negative or missing count becomes 0.
        let count = |parts: f64| parts as u64;
        Self {
            planned_busy_s,
            actual_production_s,
            run_time_per_item_s,
            produced: count(produced),
            good: count(good),
            bad_shipped: count(bad_shipped),
            scrapped: count(scrapped),
            product_lost_l: lost,
            unsafe_s,
            safety: None,
        }
    }

    /// What was counted by the time that a row of the physical truth was taken.
    ///
    /// # Arguments
    ///
    /// * `made` — the counts of the physics.
    /// * `truth` — gives a column of the physical truth at that time; 0 for one that the plant does not have.
    pub(crate) fn of(made: &Production, truth: impl Fn(&str) -> f64) -> Self {
        Self {
            planned_busy_s: made.planned_busy_s,
            actual_production_s: made.actual_production_s,
            run_time_per_item_s: 0.0,
            produced: made.filled,
            good: made.good,
            bad_shipped: made.bad_shipped,
            scrapped: made.rejected() + made.scrapped,
            product_lost_l: truth("spilled_l") + truth("overflow_l"),
            unsafe_s: made.unsafe_s,
            safety: None,
        }
    }
}

/// What the safety functions of a run were asked and did.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SafetyRecord {
    /// Each function, by the physical truth.
    pub functions: Vec<SafetyFunctionRecord>,
    /// Time in which a function was bypassed, s.
    pub bypass_s: u64,
    /// Time in which a safety controller was not as it was commissioned, s.
    pub impaired_s: u64,
}

/// One safety function. Counts are those of `sim_process::instrumented::Demands`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SafetyFunctionRecord {
    /// Its name, such as `SIF-1`.
    pub name: String,
    /// Demands.
    pub demands: u64,
    /// Demands that were answered in time.
    pub trips: u64,
    /// Demands that were not.
    pub missed: u64,
    /// Trips without a demand.
    pub spurious: u64,
    /// Time beyond the response time with a demand and without the safe state, s.
    pub unprotected_s: f64,
    /// Time in which the process stood by the function's order, s.
    pub tripped_s: f64,
}

impl From<SafetyFacts> for SafetyRecord {
    fn from(facts: SafetyFacts) -> Self {
        let functions = facts.functions.into_iter();
        let functions = functions.map(|(name, found)| SafetyFunctionRecord {
            name: name.to_owned(),
            demands: found.demands,
            trips: found.trips,
            missed: found.missed,
            spurious: found.spurious,
            unprotected_s: found.unprotected_s,
            tripped_s: found.tripped_s,
        });
        Self {
            functions: functions.collect(),
            bypass_s: facts.lost.bypass_s,
            impaired_s: facts.lost.impaired_s,
        }
    }
}

/// A run under way.
pub struct Session<'a> {
    prepared: &'a Prepared,
    options: SessionOptions,
    world: World,
    engine: Option<Engine>,
    outside: Option<Outside>,
    inputs: InputLog<Input>,
    now: SimTime,
}

/// What is left when a run has ended.
#[derive(Clone, Debug)]
pub struct Finished {
    /// Simulated length.
    pub simulated: SimDuration,
    /// Digest over all whole seconds.
    pub digest: Digest,
    /// Counted parts and times.
    pub production: ProductionRecord,
    /// What became of the attack's steps.
    pub steps: Vec<StepRecord>,
    /// The defense's actions that were accepted, in their order.
    pub actions: Vec<Action>,
    /// What went through a device in a cable; `None` in a plant without one.
    pub inline: Option<InlineCounts>,
}

impl<'a> Session<'a> {
    /// Builds the plant and puts everybody in place.
    ///
    /// # Errors
    ///
    /// What is wrong with the plant; nothing, for a scenario that was loaded.
    pub fn new(
        scenario: &Scenario,
        prepared: &'a Prepared,
        options: SessionOptions,
    ) -> Result<Self, Problems> {
        Self::set_up(scenario, prepared, options, &Setting::default())
    }

    /// As [`Session::new`], in another setting than the scenario's own.
    ///
    /// # Errors
    ///
    /// As [`Session::new`]; also if the plant has no such network.
    pub fn set_up(
        scenario: &Scenario,
        prepared: &'a Prepared,
        options: SessionOptions,
        setting: &Setting<'_>,
    ) -> Result<Self, Problems> {
        let playbook = prepared.playbook.as_ref().filter(|_| options.attack);
        let attacker = playbook.and(scenario.attacker.clone());
        let world_options = WorldOptions {
            seed: options.seed,
            attacker: attacker.clone(),
            response: scenario.response,
            keep: options.keep,
            truth_period: scenario.truth_period,
            outside: setting.outside.map(|outside| outside.network.clone()),
            inline: setting
                .inline
                .map(|(inline, verdicts)| (inline.clone(), verdicts)),
        };
        let mut world =
            World::new(&prepared.plant, &prepared.programs, &world_options).map_err(|errors| {
                let mut problems = Problems::new();
                for error in errors {
                    problems
                        .push(Problem::new(error.code, error.to_string()).maybe_hint(error.hint));
                }
                problems
            })?;
        let mut engine = playbook.zip(attacker).map(|(playbook, attacker)| {
            let view = PlantView::of(&prepared.plant, &attacker)
                .with_programs(prepared.attack_programs.clone());
            let mut engine = Engine::new(playbook.clone(), view, options.seed);
            for record in setting.absent {
                engine.leave_out(record);
            }
            engine
        });
        if let (Some(engine), Some(mut foothold)) = (&mut engine, world.foothold()) {
            engine.start(&mut foothold);
        }
        let inputs = InputLog::new();
        Ok(Self {
            prepared,
            options,
            world,
            engine,
            outside: setting.outside.cloned(),
            inputs,
            now: SimTime::default(),
        })
    }

    /// When the run ends.
    #[must_use]
    pub fn end(&self) -> SimTime {
        SimTime::default() + self.options.duration
    }

    /// The current time.
    #[must_use]
    pub fn now(&self) -> SimTime {
        self.now
    }

    /// The plant.
    #[must_use]
    pub fn world(&self) -> &World {
        &self.world
    }

    /// What was observed since it was last cleared.
    pub fn observations(&mut self) -> &mut Observations {
        self.world.observations()
    }

    /// Everything that came from outside so far.
    #[must_use]
    pub fn inputs(&self) -> &InputLog<Input> {
        &self.inputs
    }

    /// Runs until a time, or until the end of the run if that comes first. At the end, what happens in
    /// its very instant is part of the run.
    ///
    /// What reaches a device in a cable that somebody else is to answer for passes; [`Session::advance_judged`] asks.
    pub fn advance(&mut self, until: SimTime) {
        let Ok(()) = self.advance_judged(until, |_| Ok::<_, Infallible>(Decision::PASS));
    }

    /// As [`Session::advance`], with somebody who answers for the device in a cable. What is not simply passed on
    /// is recorded as an input.
    ///
    /// # Arguments
    ///
    /// * `judge` — says what becomes of a frame that has reached the device.
    ///
    /// # Errors
    ///
    /// The first error of `judge`. Its frame and all that follow pass, so that the run can be ended in order.
    ///
    /// # Panics
    ///
    /// If `judge` holds a frame back for longer than [`DELAY_MAX_NS`](sim_plant::inline::DELAY_MAX_NS).
    pub fn advance_judged<E>(
        &mut self,
        until: SimTime,
        mut judge: impl FnMut(&InlineFrame<'_>) -> Result<Decision, E>,
    ) -> Result<(), E> {
        let until = if until < self.end() {
            until
        } else {
            self.end()
        };
        let last = until == self.end();
        let limit = if last {
            until + SimDuration::from_nanos(1)
        } else {
            until
        };
        let mut failed = None;
        loop {
            match self.world.run_until(limit) {
                Pause::Limit => break,
                Pause::Agent => {
                    let agent = (&mut self.engine, self.world.foothold());
                    if let (Some(engine), Some(mut foothold)) = agent {
                        engine.on_pause(&mut foothold);
                    }
                }
                Pause::Inline => {
                    let frame = self.world.inline_frame().expect("the world paused for it");
                    let number = frame.number;
                    let decision = match &failed {
                        None => judge(&frame).unwrap_or_else(|error| {
                            failed = Some(error);
                            Decision::PASS
                        }),
                        Some(_) => Decision::PASS,
                    };
                    self.carry_out(number, decision);
                }
            }
        }
        self.now = until;
        failed.map_or(Ok(()), Err)
    }

    /// Carries out the decision about the frame that waits, and records it where it changes anything.
    fn carry_out(&mut self, frame: u64, decision: Decision) {
        if decision != Decision::PASS {
            let verdict = Verdict { frame, decision };
            self.inputs
                .record(self.world.now(), Origin::Defense, Input::Verdict(verdict));
        }
        let carried_out = self.world.decide(decision);
        carried_out.expect("whoever answers for a device checks the delay");
    }

    /// Makes the current time the end of the run, with all that happens in its very instant, as though the
    /// run had been asked for this length. A second call, or one at the end, changes nothing.
    pub fn stop(&mut self) {
        if !self.is_over() {
            self.options.duration = self.now.since_start();
            self.advance(self.now);
        }
    }

    /// Whether the run has come to its end.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.now >= self.end()
    }

    /// Hands in an action of a defense. It is recorded, and acts from now on.
    ///
    /// # Errors
    ///
    /// Why the plant cannot do it; nothing is recorded then.
    pub fn submit(&mut self, action: Action) -> Result<(), InputError> {
        self.hand_in(Origin::Defense, Input::Action(action))
    }

    /// Hands in anything that comes from outside. It is recorded, and acts from now on.
    ///
    /// # Errors
    ///
    /// As [`Session::submit`].
    pub fn hand_in(&mut self, origin: Origin, input: Input) -> Result<(), InputError> {
        if self.is_over() {
            return Err(InputError::TooLate);
        }
        self.world.submit(InputRecord {
            time: self.now,
            seq: u64::try_from(self.inputs.len()).expect("inputs are bounded"),
            origin,
            input: input.clone(),
        })?;
        self.inputs.record(self.now, origin, input);
        Ok(())
    }

    /// What has become of the attack's steps so far.
    #[must_use]
    pub fn steps(&self) -> Vec<StepRecord> {
        let engine = self.engine.as_ref();
        engine.map_or_else(Vec::new, |engine| engine.records(self.now))
    }

    /// Ends the run and counts.
    #[must_use]
    pub fn finish(self) -> Finished {
        let steps = self.steps();
        Finished {
            inline: self.world.inline_counts(),
            simulated: self.now.since_start(),
            digest: self.world.digest(),
            production: production(&self.world, self.prepared),
            steps,
            actions: self
                .inputs
                .records()
                .iter()
                .filter_map(|record| record.input.action().cloned())
                .collect(),
        }
    }

    /// The names that a run folder refers to by number.
    #[must_use]
    pub fn layout(&self) -> Layout {
        let playbook = self.prepared.playbook.as_ref();
        Layout {
            spans: self.world.spans().to_vec(),
            tags: self
                .world
                .tags()
                .iter()
                .map(|tag| tag.name.clone())
                .collect(),
            steps: playbook
                .map_or_else(Vec::new, |p| p.steps.iter().map(|s| s.id.clone()).collect()),
            hosts: self
                .world
                .host_facts()
                .into_iter()
                .map(|host| (host.name, MacAddr(host.mac)))
                .collect(),
            truth_columns: self.prepared.truth_columns.clone(),
            places: sim_plant::places(&self.prepared.plant.process)
                .iter()
                .map(|&place| place.to_owned())
                .collect(),
            screen_columns: self.screen_columns(),
            memory_columns: self.memory_columns(),
            components: self.world.components().to_vec(),
            assets: self.assets(),
        }
    }

    /// A value of a tag, as a column with a name of its own.
    fn tag_column(&self, name: String, tag: &str) -> ColumnInfo {
        let found = self.world.tags().iter().find(|known| known.name == tag);
        let tag = found.expect("the world names its own tags");
        ColumnInfo {
            name,
            unit: tag.unit.clone(),
            description: tag.description.clone(),
        }
    }

    /// What the screens show: `hmi-1/FIL_BowlLevel`.
    #[must_use]
    pub fn screen_columns(&self) -> Vec<ColumnInfo> {
        let columns = self.world.screen_columns().into_iter();
        let column = |(host, tag): (String, String)| self.tag_column(format!("{host}/{tag}"), &tag);
        columns.map(column).collect()
    }

    /// What is in the controllers: `plc-filler/mode` and `FIL_BowlLevel`.
    #[must_use]
    pub fn memory_columns(&self) -> Vec<ColumnInfo> {
        let columns = self.world.memory_columns().into_iter();
        let column = |(controller, tag): (String, Option<String>)| match tag {
            Some(tag) => self.tag_column(tag.clone(), &tag),
            None => ColumnInfo {
                name: format!("{controller}/mode"),
                unit: String::new(),
                description: format!("Mode of {controller}"),
            },
        };
        columns.map(column).collect()
    }

    /// The inventory, by name.
    #[must_use]
    pub fn assets(&self) -> Vec<Asset> {
        let mut assets: Vec<Asset> = Vec::new();
        for host in self.world.host_facts() {
            let spec = self
                .prepared
                .plant
                .hosts
                .iter()
                .find(|spec| spec.name == host.name);
            let Some(spec) = spec else {
                let outside = self.outside.as_ref();
                assets.extend(outside.map(|o| o.asset(&self.prepared.plant, host.port)));
                continue;
            };
            let network = self
                .prepared
                .plant
                .networks
                .iter()
                .find(|n| n.name == spec.network);
            let text = |text: &str| (!text.is_empty()).then(|| text.to_owned());
            assets.push(Asset {
                name: spec.name.clone(),
                role: spec.role.name().to_owned(),
                zone: network.map(|n| n.zone.clone()),
                purdue_level: Some(spec.role.purdue_level()),
                ip: Some(spec.ip.to_string()),
                mac: Some(MacAddr(host.mac).to_string()),
                switch: network.map(|n| n.switch.clone()),
                port: Some(u32::from(host.port)),
                vendor: text(&spec.vendor),
                model: text(&spec.model),
                firmware: text(&spec.firmware),
            });
        }
        assets.sort_by(|a, b| a.name.cmp(&b.name));
        assets
    }
}

fn production(world: &World, prepared: &Prepared) -> ProductionRecord {
    let made = world.production();
    let mut truth = Vec::new();
    world.truth(&mut truth);
    let of = |name: &str| {
        let at = world
            .truth_columns()
            .iter()
            .position(|column| column.name == name);
        at.map_or(0.0, |at| truth[at])
    };
    ProductionRecord {
        run_time_per_item_s: prepared.plant.process.run_time_per_item_s(),
        safety: world.safety_facts().map(SafetyRecord::from),
        ..ProductionRecord::of(made, of)
    }
}

/// A counterfactual run: only its truth, its counts and its digest.
#[derive(Clone, Debug)]
pub struct Counterfactual {
    /// The physical truth by column.
    pub truth: ProcessTable,
    /// What is left at its end.
    pub finished: Finished,
}

/// Runs a scenario without a defense and keeps the truth.
///
/// # Arguments
///
/// * `stop_at_ns` — simulated time beyond which nothing is needed; it may be lowered from another thread
///   while the run goes on, as when the run beside it has been interrupted.
///
/// # Errors
///
/// As [`Session::new`].
pub fn simulate(
    scenario: &Scenario,
    prepared: &Prepared,
    options: SessionOptions,
    stop_at_ns: &AtomicU64,
) -> Result<Counterfactual, Problems> {
    let mut session = Session::new(scenario, prepared, options)?;
    let mut truth = ProcessTable::new(prepared.truth_columns.clone());
    let step = SimDuration::from_secs(60);
    while !session.is_over() && session.now().as_nanos() < stop_at_ns.load(Ordering::SeqCst) {
        let until = session.now() + step;
        session.advance(until);
        for row in &session.observations().truth {
            truth.push(row.at.as_nanos(), &row.values);
        }
        session.observations().clear();
    }
    Ok(Counterfactual {
        truth,
        finished: session.finish(),
    })
}

/// Writes everything that was observed into a run folder, and the truth into `table` as well.
///
/// # Errors
///
/// `TR0307` if a file cannot be written.
pub fn record(
    observations: &Observations,
    writer: &mut RunWriter,
    table: &mut ProcessTable,
) -> Result<(), Problems> {
    for frame in &observations.frames {
        let bytes = observations.bytes(frame);
        writer.frame(frame.span, frame.at.as_nanos(), bytes, frame_truth(frame))?;
    }
    for sample in &observations.tags {
        let quality = match sample.quality {
            sim_plant::observe::Quality::Good => tags::Quality::Good,
            sim_plant::observe::Quality::Bad => tags::Quality::Bad,
        };
        writer.tag(sample.at.as_nanos(), sample.tag, sample.value, quality)?;
    }
    for judged in &observations.inline {
        writer.inline(judged)?;
    }
    for line in &observations.logs {
        writer.syslog(&syslog(line))?;
    }
    for row in &observations.truth {
        writer.process_row(row.at.as_nanos(), &row.values)?;
        table.push(row.at.as_nanos(), &row.values);
    }
    for (row, truth) in observations.scene.iter().zip(&observations.truth) {
        let production = production_at(row, truth, table.columns());
        writer.scene_row(row, &production)?;
    }
    for second in &observations.digests {
        let DigestRow {
            t_ns,
            chain,
            components,
        } = digest_row(second);
        writer.digests(t_ns, chain, &components)?;
    }
    Ok(())
}

/// The truth about a frame, as `truth/frames.parquet` tells it.
#[must_use]
pub fn frame_truth(frame: &SpanFrame) -> FrameTruth {
    FrameTruth {
        source: frame.source,
        step: frame.label.as_step(),
        relation: relation(frame.relation),
        denied: frame.denied,
    }
}

/// How a frame belongs to an attack step, as the ground truth tells it.
pub(crate) fn relation(relation: Relation) -> frames::Relation {
    match relation {
        Relation::Benign => frames::Relation::Benign,
        Relation::Sent => frames::Relation::Sent,
        Relation::Reply => frames::Relation::Reply,
        Relation::Diverted => frames::Relation::Diverted,
    }
}

/// What had been produced when a plant was looked at.
///
/// # Arguments
///
/// * `truth` — the physical truth of the same time.
/// * `columns` — the names of its values.
#[must_use]
pub fn production_at(row: &SceneRow, truth: &TruthRow, columns: &[ColumnInfo]) -> ProductionRecord {
    let of = |name: &str| {
        let at = columns.iter().position(|column| column.name == name);
        at.map_or(0.0, |at| truth.values[at])
    };
    ProductionRecord::of(&row.production, of)
}

/// What `truth/digests.parquet` keeps of a second.
#[must_use]
pub fn digest_row(second: &SecondDigest) -> DigestRow {
    DigestRow {
        t_ns: second.at.as_nanos(),
        chain: second.chain.prefix(),
        components: second.components.clone(),
    }
}

/// A log line in the form of RFC 5424, with the simulated time as its time stamp.
#[must_use]
pub fn syslog(line: &LogLine) -> String {
    let severity = match line.severity {
        0 => Severity::Emergency,
        1 => Severity::Alert,
        2 => Severity::Critical,
        3 => Severity::Error,
        4 => Severity::Warning,
        5 => Severity::Notice,
        6 => Severity::Informational,
        _ => Severity::Debug,
    };
    let unix_ns = EPOCH_UNIX_NS + line.at.as_nanos();
    let message = Message::new(
        Facility::Local0,
        severity,
        unix_ns,
        line.host.as_str(),
        line.app,
        line.text.as_str(),
    )
    .with_msg_id(line.kind);
    let mut text = String::new();
    message
        .format(&mut text)
        .expect("names of a plant file fit the header of a log line");
    text
}
