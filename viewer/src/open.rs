//! Opens what is to be shown: run folders and scenarios.

use std::path::Path;
use std::sync::mpsc::{Receiver, channel};

use sim_kernel::time::SimDuration;
use sim_plant::observe::Keep;
use twinrange_range::evidence::process::ProcessTable;
use twinrange_range::formats::{Prepared, Standard, prepare};
use twinrange_range::problem::{Problem, Problems};
use twinrange_range::run_folder::RunFolder;
use twinrange_range::scenario::{Bundle, Loaded, from_bundle, load};
use twinrange_range::session::{Session, SessionOptions, production_at};
use twinrange_range::twin;

use crate::live::{self, Simulation};
use crate::model::account::Account;
use crate::model::plan::{Columns, Plan};
use crate::model::store::Store;
use crate::model::story::Story;
use crate::stage::ShownSide;

/// Something that has been opened.
pub struct OpenRun {
    /// What is shown of it.
    pub side: ShownSide,
    /// The scenario that it was made from.
    pub loaded: Loaded,
    /// What it was made with.
    pub prepared: Prepared,
    /// Its seed and its length, ns.
    pub seed: u64,
    /// How long it is, ns.
    pub simulated_ns: u64,
    /// Whether there was an attack.
    pub attacked: bool,
    /// The simulation that goes on while it is shown; none for a run folder.
    pub simulation: Option<Simulation>,
}

/// Opens a run folder, or begins to simulate a scenario, which is a file.
///
/// # Arguments
///
/// * `seed` — of a scenario; its own when left out.
/// * `attack` — whether a scenario's playbook is played.
///
/// # Errors
///
/// As [`open_run`] and [`open_scenario`].
pub fn open(path: &Path, seed: Option<u64>, attack: bool) -> Result<OpenRun, Problems> {
    if !path.is_file() {
        return open_run(path);
    }
    let (loaded, prepared) = open_scenario(path)?;
    let seed = seed.unwrap_or(loaded.scenario.seed);
    let attack = attack && prepared.playbook.is_some();
    let (side, simulation) = live::begin(&loaded, &prepared, seed, attack)?;
    Ok(OpenRun {
        side,
        seed,
        simulated_ns: loaded.scenario.duration.as_nanos(),
        attacked: attack,
        simulation: Some(simulation),
        loaded,
        prepared,
    })
}

/// Opens a run folder.
///
/// # Errors
///
/// As [`RunFolder::open`] and [`RunFolder::verify`]; `TR0305` for a folder of a build that did not record what there
/// was to see.
pub fn open_run(path: &Path) -> Result<OpenRun, Problems> {
    let folder = RunFolder::open(path)?;
    folder.verify()?;
    let manifest = folder.manifest();
    // Descriptions of defenses are no part of a bundle, so nothing here has to check them.
    let formats = Standard::new(|_| Problems::new());
    let loaded = from_bundle(&manifest.scenario.bundle, &formats)?;
    let prepared = prepare(&loaded)?;
    let mut hosts: Vec<String> = prepared
        .plant
        .hosts
        .iter()
        .map(|host| host.name.clone())
        .collect();
    hosts.sort();
    let steps = prepared
        .playbook
        .as_ref()
        .map_or_else(Vec::new, |playbook| {
            playbook.steps.iter().map(|step| step.id.clone()).collect()
        });
    let places = sim_plant::places(&prepared.plant.process);
    let places = places.iter().map(|&place| place.to_owned()).collect();
    let store = Store::open(&folder, hosts, steps, places)?;
    let columns = Columns {
        process: store.process.columns().to_vec(),
        screens: store.screens.columns().to_vec(),
        memory: store.memory.columns().to_vec(),
    };
    let plan = Plan::of(&prepared.plant, &columns);
    let story = Story::open(&folder, &loaded.scenario, &store.process)?;
    let title = match (&story.defense, manifest.options.attack) {
        (Some(defense), _) => format!("defended by {defense}"),
        (None, true) => "undefended".to_owned(),
        (None, false) => "no attack".to_owned(),
    };
    Ok(OpenRun {
        seed: manifest.seed,
        simulated_ns: manifest.simulated_ns,
        attacked: manifest.options.attack && prepared.playbook.is_some(),
        side: ShownSide::new(title, plan, store, story),
        simulation: None,
        loaded,
        prepared,
    })
}

/// Opens a scenario: a `.ron` file with everything it names, or a `.json` file with all texts.
///
/// # Errors
///
/// Every mistake in any of the files.
pub fn open_scenario(path: &Path) -> Result<(Loaded, Prepared), Problems> {
    let formats = Standard::new(|_| Problems::new());
    let loaded = if path.extension().is_some_and(|ending| ending == "json") {
        let shown = path.display().to_string();
        let text = std::fs::read_to_string(path).map_err(|error| error.to_string());
        let bundle: Result<Bundle, String> =
            text.and_then(|text| serde_json::from_str(&text).map_err(|error| error.to_string()));
        let bundle = bundle.map_err(|why| {
            Problem::new(
                "TR0108",
                format!("this is no file of scenario texts: {why}"),
            )
            .in_file(shown)
        })?;
        from_bundle(&bundle, &formats)?
    } else {
        load(path, &formats)?
    };
    let prepared = prepare(&loaded)?;
    Ok((loaded, prepared))
}

/// What the same seed produces without an attack and without a defense.
///
/// # Errors
///
/// What is wrong with the plant; nothing, for a run that was opened.
pub fn twin_account(run: &OpenRun) -> Result<Account, Problems> {
    account(&run.loaded, &run.prepared, run.seed, run.simulated_ns)
}

/// As [`twin_account`], on a thread of its own.
pub fn twin_in_background(run: &OpenRun) -> Receiver<Account> {
    let (tell, told) = channel();
    let (loaded, prepared) = (run.loaded.clone(), run.prepared.clone());
    let (seed, simulated_ns) = (run.seed, run.simulated_ns);
    std::thread::spawn(move || {
        if let Ok(account) = account(&loaded, &prepared, seed, simulated_ns) {
            // Nobody may be there any more to be told.
            let _ = tell.send(account);
        }
    });
    told
}

fn account(
    loaded: &Loaded,
    prepared: &Prepared,
    seed: u64,
    simulated_ns: u64,
) -> Result<Account, Problems> {
    let options = SessionOptions {
        seed,
        attack: false,
        duration: SimDuration::from_nanos(simulated_ns),
        keep: Keep {
            scene: true,
            ..Keep::TRUTH
        },
    };
    let mut session = Session::new(&loaded.scenario, prepared, options)?;
    let mut account = Account::begun(prepared.plant.process.run_time_per_item_s());
    let mut process = ProcessTable::new(prepared.truth_columns.clone());
    while !session.is_over() {
        let until = session.now() + SimDuration::from_secs(60);
        session.advance(until);
        let seen = session.observations();
        for (row, truth) in seen.scene.iter().zip(&seen.truth) {
            let made = production_at(row, truth, &prepared.truth_columns);
            account.production.push(row.at.as_nanos(), &made.row());
            process.push(truth.at.as_nanos(), &truth.values);
        }
        seen.clear();
    }
    account.damages = twin::damages(&process, &loaded.scenario.constraints);
    Ok(account)
}
