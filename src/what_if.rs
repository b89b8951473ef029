//! `twinrange what-if`: a recorded run again, with an action or an attack step more or less.

use std::path::PathBuf;

use serde_json::{Value, json};
use sim_kernel::time::{SimDuration, SimTime};
use sim_plant::respond::Action;
use twinrange_attacks::StepRecord;
use twinrange_range::branch::Branch;
use twinrange_range::problem::{Problem, did_you_mean};
use twinrange_range::run_folder::{RunFolder, check_free};
use twinrange_range::session::Counterfactual;
use twinrange_range::twin;
use twinrange_score::attribution::Amounts;

use crate::Outcome;
use crate::support::action_text;
use crate::support::execution::{Order, execute};
use crate::support::failure::Failure;
use crate::support::progress::{Count, clock};
use crate::support::reruns::Reruns;
use crate::support::sandbox::{Mode, Sandbox};
use crate::support::scenario::{self, Ready};
use crate::support::{progress, scoring};

/// Arguments of `what-if`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// A run folder. What its defense did is played from the record; the defense itself is not run again.
    run: PathBuf,
    /// An action more, such as "contain hmi-1 at 00:12:30", "deny ip 10.20.1.66 for 10min at 2400s", "deny port 3 of
    /// cell-switch at 40min" or "restore plc-filler at 00:50:00". The time is that of the order; approval and
    /// carrying out come on top. May be given more than once.
    #[arg(long, value_name = "ACTION")]
    action: Vec<String>,
    /// Leave out every action of the run that begins with these words, such as "contain hmi-1", or "all".
    #[arg(long, value_name = "ACTION")]
    without_action: Vec<String>,
    /// Leave out a step of the attack, by its identifier, or "all".
    #[arg(long, value_name = "STEP")]
    without_step: Vec<String>,
    /// Write the run as it would have been into this folder, for `view --compare`, `score` and everything else that
    /// takes a run folder.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Print the difference as JSON.
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args) -> Outcome {
    if args.action.is_empty() && args.without_action.is_empty() && args.without_step.is_empty() {
        let message = "nothing is to be different";
        let hint = "name an `--action`, a `--without-action` or a `--without-step`";
        return Err(Problem::new("TR0330", message).hint(hint).into());
    }
    let folder = RunFolder::open(&args.run)?;
    folder.verify()?;
    let manifest = folder.manifest();
    if manifest.options.inline.is_some() {
        let message = "the defense of this run stood in a cable, and what it decided about single frames says nothing \
                       about the frames of a run that goes differently";
        let hint = "`run` the scenario with another defense, or with none, and `compare` the two";
        return Err(Problem::new("TR0330", message).hint(hint).into());
    }
    if let Some(out) = &args.out {
        let [run, place] = [&args.run, out].map(|path| path.canonicalize().ok());
        if run.is_some() && run == place {
            let message =
                "the run that the question is about would be replaced by what it would have been";
            let problem = Problem::new("TR0301", message).in_file(out.display().to_string());
            return Err(problem.hint("name another folder with `--out`").into());
        }
        check_free(out)?;
    }
    let ready = scenario::from_run(&manifest.scenario.bundle)?;
    let interrupt = progress::interrupt_flag();
    let reruns = Reruns {
        ready: &ready,
        seed: manifest.seed,
        attack: manifest.options.attack,
        duration: SimDuration::from_nanos(manifest.simulated_ns),
        digests: true,
        interrupt: &interrupt,
        count: &Count::new("what-if"),
    };
    let recorded = scoring::accepted_actions(&folder)?;
    let actions = changed_actions(args, &recorded, reruns.duration)?;
    // Steps are left out as they went in the run itself, so it is made again; a whole run is cheaper to make
    // than to read.
    let played = scoring::played(&folder)?;
    let played = played.as_ref();
    let whole = Branch {
        absent: Vec::new(),
        actions: recorded,
        played,
    };
    let as_it_was = reruns.run(&whole)?;
    if as_it_was.finished.digest != manifest.trace_digest {
        return Err(Failure::Diverged(
            "the recorded run cannot be made again by this build; see `twinrange replay`"
                .to_owned(),
        ));
    }
    let absent = absent_steps(&args.without_step, &as_it_was.finished.steps)?;
    let branch = Branch {
        absent,
        actions,
        played,
    };
    let otherwise = reruns.run(&branch)?;
    if let Some(out) = &args.out {
        execute(&Order {
            ready: &ready,
            seed: reruns.seed,
            attack: reruns.attack,
            twin: true,
            duration: reruns.duration,
            out,
            defense: None,
            branch: Some(&branch),
            sandbox: &Sandbox::new(Mode::Auto)?,
            interrupt: &interrupt,
        })?;
    }
    let found = Difference::between(&reruns, &as_it_was, &otherwise);
    if args.json {
        let text = serde_json::to_string_pretty(&found.to_json()).expect("figures encode");
        say!("{text}");
    } else {
        found.print(&ready);
    }
    Ok(())
}

/// The actions of the branch, by time.
fn changed_actions(
    args: &Args,
    recorded: &[(SimTime, Action)],
    duration: SimDuration,
) -> Result<Vec<(SimTime, Action)>, Failure> {
    let mut kept: Vec<(SimTime, Action)> = recorded.to_vec();
    for words in &args.without_action {
        let before = kept.len();
        kept.retain(|(_, action)| words != "all" && !action.to_string().starts_with(words));
        if kept.len() == before {
            let message = format!("the run has no action that begins with `{words}`");
            let known: Vec<String> = recorded
                .iter()
                .map(|(at, action)| format!("`{action}` at {}", at.since_start()))
                .collect();
            let hint = match known.len() {
                0 => "its defense did nothing to the plant".to_owned(),
                _ => format!("it has {}", known.join(", ")),
            };
            return Err(Problem::new("TR0330", message).hint(hint).into());
        }
    }
    for text in &args.action {
        kept.push(action_text::parse(text, duration)?);
    }
    // Stable, so that those of one moment keep their order.
    kept.sort_by_key(|(at, _)| *at);
    Ok(kept)
}

fn absent_steps<'a>(
    wanted: &[String],
    steps: &'a [StepRecord],
) -> Result<Vec<&'a StepRecord>, Failure> {
    let began: Vec<&StepRecord> = steps.iter().filter(|s| s.started_at.is_some()).collect();
    let mut absent: Vec<&StepRecord> = Vec::new();
    for id in wanted {
        let found: Vec<&StepRecord> = began
            .iter()
            .copied()
            .filter(|step| id == "all" || step.id == *id)
            .collect();
        if found.is_empty() {
            let message = format!("no step `{id}` began in the run");
            let hint = did_you_mean(id, began.iter().map(|step| step.id.as_str()));
            return Err(Problem::new("TR0330", message).maybe_hint(hint).into());
        }
        for step in found {
            if !absent.iter().any(|known| known.id == step.id) {
                absent.push(step);
            }
        }
    }
    Ok(absent)
}

/// A run as it was and as it would have been.
struct Difference {
    was: Amounts,
    would_be: Amounts,
    /// First row of the physical truth that differs, ns.
    parted_ns: Option<u64>,
    /// Violated constraints with their moments of impact, ns.
    violated: Vec<(String, u64)>,
    would_violate: Vec<(String, u64)>,
    digest: String,
}

impl Difference {
    fn between(reruns: &Reruns<'_>, was: &Counterfactual, would_be: &Counterfactual) -> Self {
        let constraints = &reruns.ready.loaded.scenario.constraints;
        let violated = |run: &Counterfactual| {
            let found = twin::violations(&run.truth, None, constraints).into_iter();
            found.map(|v| (v.constraint, v.violated_ns)).collect()
        };
        Self {
            was: reruns.worth(was),
            would_be: reruns.worth(would_be),
            parted_ns: twin::parted_ns(&was.truth, &would_be.truth),
            violated: violated(was),
            would_violate: violated(would_be),
            digest: would_be.finished.digest.to_string(),
        }
    }

    fn to_json(&self) -> Value {
        let violations = |all: &[(String, u64)]| -> Vec<Value> {
            let one = |(constraint, t_ns): &(String, u64)| json!({"constraint": constraint, "t_ns": t_ns});
            all.iter().map(one).collect()
        };
        json!({
            "was": self.was,
            "would_be": self.would_be,
            "gain": self.would_be.less(self.was),
            "parted_ns": self.parted_ns,
            "violations": {"was": violations(&self.violated), "would_be": violations(&self.would_violate)},
            "digest": self.digest,
        })
    }

    fn print(&self, ready: &Ready) {
        let currency = &ready.loaded.scenario.prices.currency;
        let gain = self.would_be.less(self.was);
        say!("                            was   would be      gain");
        let row = |name: &str,
                   was: Option<f64>,
                   would_be: Option<f64>,
                   gain: Option<f64>,
                   digits: usize| {
            if let (Some(was), Some(would_be), Some(gain)) = (was, would_be, gain) {
                say!("  {name:<20} {was:>10.digits$} {would_be:>10.digits$} {gain:>+9.digits$}");
            }
        };
        let percent = |share: Option<f64>| share.map(|share| share * 100.0);
        let (was, then) = (&self.was, &self.would_be);
        row(
            "good parts",
            Some(was.good_parts),
            Some(then.good_parts),
            Some(gain.good_parts),
            0,
        );
        row(
            "OEE, %",
            percent(was.oee),
            percent(then.oee),
            percent(gain.oee),
            1,
        );
        let unsafe_s = |amounts: &Amounts| Some(0.0 - amounts.safe_s);
        row(
            "unsafe time, s",
            unsafe_s(was),
            unsafe_s(then),
            unsafe_s(&gain),
            0,
        );
        row(
            &format!("worth, {currency}"),
            was.money,
            then.money,
            gain.money,
            2,
        );
        match self.parted_ns {
            None => say!("The plant does exactly the same."),
            Some(at) => say!(
                "The plant goes another way from {} on.",
                clock(SimTime::from_nanos(at))
            ),
        }
        let only = |these: &[(String, u64)], others: &[(String, u64)], words: &str| {
            let in_others = |name: &String| others.iter().any(|(other, _)| other == name);
            let mut told: Vec<&String> = Vec::new();
            for (name, at) in these {
                if !in_others(name) && !told.contains(&name) {
                    told.push(name);
                    let what = ready
                        .loaded
                        .scenario
                        .constraints
                        .iter()
                        .find(|c| c.name == *name);
                    let what = what.map_or(name.as_str(), |c| c.description.as_str());
                    say!("  {words} {}: {what}", clock(SimTime::from_nanos(*at)));
                }
            }
        };
        only(&self.violated, &self.would_violate, "no longer at");
        only(&self.would_violate, &self.violated, "new at");
    }
}
