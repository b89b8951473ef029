//! A scenario that is simulated while it is shown.
//!
//! The simulation runs on a thread of its own, as fast as it can, and hands over what it has seen; it waits for nobody.
//! What is shown follows behind, at the speed that the onlooker wants.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, channel};

use serde_json::Value;
use sim_kernel::time::SimDuration;
use sim_plant::observe::Keep;
use sim_wire::MacAddr;
use twinrange_range::evidence::frames::{FrameKind, SeenFrame};
use twinrange_range::evidence::process::ProcessTable;
use twinrange_range::evidence::records::AttackStep;
use twinrange_range::formats::Prepared;
use twinrange_range::problem::Problems;
use twinrange_range::scenario::Loaded;
use twinrange_range::session::{
    Session, SessionOptions, Setting, frame_truth, production_at, syslog,
};

use crate::model::plan::{Columns, Plan};
use crate::model::store::{Chunk, Store};
use crate::model::story::Story;
use crate::stage::ShownSide;

/// Simulated time between two hand-overs.
pub(crate) const STEP: SimDuration = SimDuration::from_secs(5);

/// What a simulation hands over.
#[derive(Debug, Default)]
pub struct Update {
    /// Samples.
    pub chunk: Chunk,
    /// Counted parts and times, one row per sample.
    pub production: Vec<(u64, [f64; 8])>,
    /// The steps of the attack so far.
    pub steps: Vec<AttackStep>,
    /// Lines of the log.
    pub log: Vec<String>,
    /// Alerts in the normal form, where somebody tells them.
    pub alerts: Vec<Value>,
    /// Actions of a defense and what became of them, where somebody tells them.
    pub actions: Vec<Value>,
    /// How far it has come, ns.
    pub end_ns: u64,
}

/// A simulation on a thread of its own. It ends when this is dropped.
#[derive(Debug)]
pub struct Simulation {
    updates: Receiver<Update>,
    stop: Arc<AtomicBool>,
}

impl Drop for Simulation {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
    }
}

impl Simulation {
    pub(crate) fn new(updates: Receiver<Update>, stop: Arc<AtomicBool>) -> Self {
        Self { updates, stop }
    }

    /// What has been handed over since the last call.
    pub fn updates(&self) -> impl Iterator<Item = Update> {
        self.updates.try_iter()
    }

    /// Waits for the next hand-over; none when the simulation has ended.
    #[must_use]
    pub fn wait(&self) -> Option<Update> {
        self.updates.recv().ok()
    }
}

/// Numbers of hosts by their hardware address.
pub(crate) type Hosts = BTreeMap<MacAddr, u16>;

/// What there is to show of a session that is about to begin: nothing yet.
pub(crate) fn begun(
    loaded: &Loaded,
    prepared: &Prepared,
    options: SessionOptions,
    setting: &Setting<'_>,
    title: String,
) -> Result<(ShownSide, Hosts), Problems> {
    // The names are those of a session that never runs; whoever runs it has one of its own.
    let session = Session::set_up(&loaded.scenario, prepared, options, setting)?;
    let layout = session.layout();
    drop(session);
    let columns = Columns {
        process: layout.truth_columns,
        screens: layout.screen_columns,
        memory: layout.memory_columns,
    };
    let table = |columns: &Vec<_>| ProcessTable::new(columns.clone());
    let store = Store::empty(
        table(&columns.process),
        table(&columns.screens),
        table(&columns.memory),
    );
    let plan = Plan::of(&prepared.plant, &columns);
    let story = Story::begun(
        &loaded.scenario,
        prepared.plant.process.run_time_per_item_s(),
    );
    let hosts = layout.hosts.iter().map(|(_, mac)| *mac).zip(0..).collect();
    Ok((ShownSide::new(title, plan, store, story), hosts))
}

/// Begins to simulate a scenario, and gives what there is to show: nothing yet.
///
/// # Errors
///
/// What is wrong with the plant; nothing, for a scenario that was loaded.
pub fn begin(
    loaded: &Loaded,
    prepared: &Prepared,
    seed: u64,
    attack: bool,
) -> Result<(ShownSide, Simulation), Problems> {
    let options = SessionOptions {
        seed,
        attack,
        duration: loaded.scenario.duration,
        keep: Keep {
            digests: false,
            ..Keep::ALL
        },
    };
    let title = if attack { "undefended" } else { "no attack" };
    let setting = Setting::default();
    let (side, hosts) = begun(loaded, prepared, options, &setting, title.to_owned())?;
    let (tell, updates) = channel();
    let stop = Arc::new(AtomicBool::new(false));
    let (loaded, prepared, stopped) = (loaded.clone(), prepared.clone(), Arc::clone(&stop));
    std::thread::spawn(move || {
        let mut session = Session::new(&loaded.scenario, &prepared, options)
            .expect("the same plant was built a moment ago");
        while !session.is_over() && !stopped.load(Ordering::SeqCst) {
            let until = session.now() + STEP;
            session.advance(until);
            let update = hand_over(&mut session, &prepared, &hosts);
            if tell.send(update).is_err() {
                return;
            }
        }
    });
    Ok((side, Simulation { updates, stop }))
}

pub(crate) fn hand_over(session: &mut Session<'_>, prepared: &Prepared, hosts: &Hosts) -> Update {
    let end_ns = session.now().as_nanos();
    let steps = serde_json::to_value(session.steps()).and_then(serde_json::from_value);
    let steps = steps.expect("a step reads as it is written");
    let seen = session.observations();
    let frames = seen.frames.iter().map(|frame| SeenFrame {
        t_ns: frame.at.as_nanos(),
        truth: frame_truth(frame),
        kind: FrameKind::of(seen.bytes(frame), |mac| hosts.get(&mac).copied()),
    });
    let frames = frames.collect();
    let rows = seen.scene.iter().zip(&seen.truth);
    let production = rows.map(|(row, truth)| {
        let made = production_at(row, truth, &prepared.truth_columns);
        (row.at.as_nanos(), made.row())
    });
    let production = production.collect();
    let update = Update {
        production,
        steps,
        log: seen.logs.iter().map(syslog).collect(),
        end_ns,
        alerts: Vec::new(),
        actions: Vec::new(),
        chunk: Chunk {
            frames,
            process: std::mem::take(&mut seen.truth),
            scene: std::mem::take(&mut seen.scene),
        },
    };
    seen.clear();
    update
}

/// Takes an update on board.
pub fn take(side: &mut ShownSide, update: Update) {
    side.store.push(update.chunk, update.end_ns);
    side.story.go_on(
        &update.steps,
        &update.log,
        &update.production,
        &side.store.process,
        update.end_ns,
    );
    side.story
        .hear(&update.alerts, &update.actions, update.end_ns);
}
