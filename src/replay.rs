//! `twinrange replay`: runs again from the record and compares digests.

use std::path::PathBuf;

use serde_json::json;
use sim_kernel::input::InputRecord;
use sim_kernel::time::{SimDuration, SimTime};
use sim_plant::inline::Verdicts;
use sim_plant::observe::Keep;
use sim_plant::respond::Input;
use twinrange_range::branch::Script;
use twinrange_range::digest_compare::first_divergence;
use twinrange_range::evidence::digests::DigestTable;
use twinrange_range::run_folder::{RunFolder, paths};
use twinrange_range::session::{Session, SessionOptions, Setting, digest_row};

use crate::Outcome;
use crate::support::execution::refused;
use crate::support::failure::Failure;
use crate::support::progress::Progress;
use crate::support::scenario;

/// Arguments of `replay`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// A run folder.
    run: PathBuf,
    /// Print the result as JSON.
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args) -> Outcome {
    let folder = RunFolder::open(&args.run)?;
    folder.verify()?;
    let manifest = folder.manifest();
    let recorded = folder.digests()?;
    let inputs: Vec<InputRecord<Input>> = folder.records(paths::INPUTS)?;
    let ready = scenario::from_run(&manifest.scenario.bundle)?;
    let options = SessionOptions {
        seed: manifest.seed,
        attack: manifest.options.attack,
        duration: SimDuration::from_nanos(manifest.options.duration_ns),
        keep: Keep {
            digests: true,
            ..Keep::TRUTH
        },
    };
    let setting = Setting {
        outside: manifest.options.outside.as_ref(),
        inline: manifest
            .options
            .inline
            .as_ref()
            .map(|inline| (inline, Verdicts::Told)),
        ..Setting::default()
    };
    let mut session = Session::set_up(&ready.loaded.scenario, &ready.prepared, options, &setting)?;
    let mut replayed = DigestTable {
        components: session.world().components().to_vec(),
        rows: Vec::new(),
    };
    let end = SimTime::from_nanos(manifest.simulated_ns);
    let progress = Progress::new("replay", SimDuration::from_nanos(manifest.simulated_ns));
    let mut script = Script::of_record(inputs);
    loop {
        script.hand_in(&mut session).map_err(refused)?;
        if session.now() >= end {
            break;
        }
        let step = (session.now() + SimDuration::from_secs(60)).min(end);
        session.advance(script.next_at().map_or(step, |at| at.min(step)));
        let seconds = session.observations().digests.iter().map(digest_row);
        replayed.rows.extend(seconds);
        session.observations().clear();
        progress.at(session.now());
    }
    // A run that was cut short ended here, before its planned end.
    session.stop();
    let seconds = session.observations().digests.iter().map(digest_row);
    replayed.rows.extend(seconds);
    progress.done();
    let digest = session.finish().digest;
    let divergence = first_divergence(&recorded, &replayed).map(|found| found.to_string());
    let divergence = divergence.or_else(|| {
        (digest != manifest.trace_digest).then(|| {
            format!(
                "every second agrees, but the run's digest is {digest}, not {}",
                manifest.trace_digest
            )
        })
    });
    if args.json {
        let seconds = replayed.rows.len();
        let facts = json!({"same": divergence.is_none(), "seconds": seconds, "digest": digest, "divergence": divergence});
        say!(
            "{}",
            serde_json::to_string_pretty(&facts).expect("facts encode")
        );
    }
    match divergence {
        Some(how) => Err(Failure::Diverged(how)),
        None => {
            if !args.json {
                say!("the same: {} seconds, digest {digest}", replayed.rows.len());
            }
            Ok(())
        }
    }
}
