//! Scenarios written by hand for tests: the bottling line with a playbook whose effect is known.

use std::sync::LazyLock;
use std::sync::atomic::AtomicBool;

use sim_kernel::time::SimDuration;
use twinrange_range::branch::Branch;
use twinrange_range::problem::Problems;
use twinrange_range::scenario::Bundle;
use twinrange_range::session::Counterfactual;

use super::failure::Failure;
use super::progress::Count;
use super::reruns::Reruns;
use super::scenario::{BUILT_IN, Ready, from_run};

static NEVER: AtomicBool = AtomicBool::new(false);

/// Nobody waits for a test.
fn hidden() -> &'static Count {
    static COUNT: LazyLock<Count> = LazyLock::new(|| Count::new("test"));
    &COUNT
}

/// What all runs of a test have in common.
pub(crate) fn reruns(ready: &Ready, attack: bool, duration: SimDuration) -> Reruns<'_> {
    Reruns {
        ready,
        seed: 1,
        attack,
        duration,
        digests: false,
        interrupt: &NEVER,
        count: hidden(),
    }
}

/// A run without anything left out.
pub(crate) fn whole(ready: &Ready, attack: bool, duration: SimDuration) -> Counterfactual {
    let run = reruns(ready, attack, duration).run(&Branch::default());
    run.unwrap_or_else(|_| panic!("{} runs", ready.loaded.scenario.name))
}

/// The bottling line with a playbook of its own, ten minutes long.
pub(crate) fn with_playbook(steps: &str) -> Ready {
    with_constraint(steps, "")
}

/// As [`with_playbook`], with a constraint more.
pub(crate) fn with_constraint(steps: &str, constraint: &str) -> Ready {
    let jam = BUILT_IN.iter().find(|one| one.name == "bottling/jam");
    let mut bundle: Bundle = jam.expect("it is shipped").bundle();
    let scenario = bundle.files.get_mut("jam.ron").expect("the root");
    *scenario = scenario
        .replace("duration: \"2h\"", "duration: \"10min\"")
        .replace("clean_until: \"30min\"", "clean_until: \"1min\"")
        .replace("constraints: [", &format!("constraints: [{constraint}"));
    let playbook = format!(
        "#![enable(unwrap_variant_newtypes, implicit_some)]
        Playbook(schema: 1, name: \"by-hand\", title: \"t\", summary: \"s\", technique_version: \"19\",
        targets: {{\"filler\": Host(\"plc-filler\"), \"packaging\": Host(\"plc-packaging\")}}, steps: [{steps}])"
    );
    bundle
        .files
        .insert("../../attacks/playbooks/jam.ron".to_owned(), playbook);
    match from_run(&bundle) {
        Ok(ready) => ready,
        Err(Failure::User(problems)) => panic!("{}", shown(&problems)),
        Err(_) => panic!("only a problem is to be expected"),
    }
}

fn shown(problems: &Problems) -> String {
    let messages = problems.iter().map(|problem| problem.message.clone());
    messages.collect::<Vec<_>>().join("; ")
}

/// A step of a playbook, as text.
pub(crate) fn step(id: &str, technique: &str, start: &str, action: &str) -> String {
    format!(
        "(id: \"{id}\", title: \"t\", technique: \"{technique}\", plain: \"p\", intended_effect: \"e\",
        start: {start}, timeout: \"10min\", action: {action}),"
    )
}
