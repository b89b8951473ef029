//! Runs and scenes for the tests.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use bevy::prelude::*;
use bevy::render::RenderPlugin;
use bevy::render::settings::{RenderCreation, WgpuSettings};
use sim_kernel::time::{SimDuration, SimTime};
use sim_plant::observe::Keep;
use sim_plant::respond::Action;
use twinrange_range::evidence::process::ProcessTable;
use twinrange_range::manifest::{Ended, RunOptions, ScenarioRecord, Timing};
use twinrange_range::run_folder::{End, RunHeader, RunWriter};
use twinrange_range::session::{Session, SessionOptions, record};
use twinrange_viewer::ScenePlugins;
use twinrange_viewer::input::InputPlugin;
use twinrange_viewer::open::open_scenario;
use twinrange_viewer::stage::{Clock, Quality, ShownSide, Sides, StageOptions};
use twinrange_viewer::studio::windowless;

/// The intruder's notebook in the bottling plant.
pub(crate) const INTRUDER: Ipv4Addr = Ipv4Addr::new(10, 20, 1, 66);

/// A file of the repository.
pub(crate) fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

/// Whether a test fails when a tool is missing, rather than say that it is skipped.
pub(crate) fn tools_are_required() -> bool {
    std::env::var_os("TWINRANGE_REQUIRE_TOOLS").is_some_and(|it| it == "1")
}

/// Whether a tool is on this machine.
pub(crate) fn has_tool(command: &str, argument: &str) -> bool {
    let found = Command::new(command)
        .arg(argument)
        .stdin(Stdio::null())
        .output()
        .is_ok();
    assert!(
        found || !tools_are_required(),
        "{command} is required and is not here"
    );
    if !found {
        eprintln!("skipped: {command} is not installed");
    }
    found
}

/// Runs a scenario into a folder, with actions at their times.
pub(crate) fn run(scenario: &Path, minutes: u64, actions: &[(u64, Action)], out: &Path) {
    let (loaded, prepared) = open_scenario(scenario).expect("a scenario");
    let duration = SimDuration::from_secs(60 * minutes);
    let options = SessionOptions {
        seed: loaded.scenario.seed,
        attack: true,
        duration,
        keep: Keep::ALL,
    };
    let mut session = Session::new(&loaded.scenario, &prepared, options).expect("a plant");
    let header = RunHeader {
        scenario: ScenarioRecord::of(&loaded),
        seed: options.seed,
        options: RunOptions {
            attack: true,
            duration_ns: duration.as_nanos(),
            defense: None,
            outside: None,
            inline: None,
        },
    };
    let mut writer = RunWriter::create(out, header, session.layout()).expect("a folder");
    let mut table = ProcessTable::new(prepared.truth_columns.clone());
    let mut actions = actions.iter().peekable();
    while !session.is_over() {
        let next = session.now() + SimDuration::from_secs(10);
        session.advance(next);
        record(session.observations(), &mut writer, &mut table).expect("it is written");
        session.observations().clear();
        while let Some((_, action)) =
            actions.next_if(|(second, _)| SimTime::from_secs(*second) <= session.now())
        {
            session.submit(action.clone()).expect("the plant can do it");
        }
    }
    let finished = session.finish();
    for step in &finished.steps {
        writer.attack_step(step).expect("it is written");
    }
    let notes = BTreeMap::from([(
        "production".to_owned(),
        serde_json::to_value(&finished.production).expect("counts encode"),
    )]);
    let end = End {
        ended: Ended::Complete,
        simulated_ns: finished.simulated.as_nanos(),
        trace_digest: finished.digest,
        timing: Timing { wall_s: 1.0 },
        notes,
    };
    writer.finish(end).expect("the run is whole");
}

/// A scene that is built and kept, and never drawn: it needs no graphics adapter.
pub(crate) fn scene(sides: Vec<ShownSide>) -> App {
    let mut app = App::new();
    let nothing = WgpuSettings {
        backends: None,
        ..default()
    };
    let plugins = windowless(RenderPlugin {
        render_creation: RenderCreation::Automatic(Box::new(nothing)),
        ..default()
    });
    // Several scenes of one program share its log.
    app.add_plugins(plugins.disable::<bevy::log::LogPlugin>())
        .insert_resource(StageOptions {
            size: UVec2::new(640, 360),
            quality: Quality::Low,
            target: None,
            reduced_motion: false,
        })
        .insert_resource(Sides::new(sides))
        .add_plugins((ScenePlugins, InputPlugin));
    app.finish();
    app.cleanup();
    app
}

/// Shows a time.
pub(crate) fn look_at(app: &mut App, t_ns: u64) {
    app.world_mut().resource_mut::<Clock>().t_ns = t_ns;
    // What is made in the first update is placed in the second.
    app.update();
    app.update();
}
