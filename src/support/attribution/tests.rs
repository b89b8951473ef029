//! Attribution on the bottling line: it adds up on every shipped attack, and finds causes that are known.

use std::sync::atomic::AtomicBool;

use sim_kernel::time::SimDuration;
use sim_plant::respond::{ActionArgs, ControllerTarget, HostTarget};
use twinrange_range::problem::Problems;
use twinrange_range::scenario::Bundle;
use twinrange_score::attribution::Method;

use super::*;
use crate::support::scenario::{BUILT_IN, Ready, from_run};

static NEVER: AtomicBool = AtomicBool::new(false);

fn reruns(ready: &Ready, attack: bool, duration: SimDuration) -> Reruns<'_> {
    Reruns {
        ready,
        seed: 1,
        attack,
        duration,
        digests: false,
        interrupt: &NEVER,
    }
}

fn whole(ready: &Ready, attack: bool, duration: SimDuration) -> Counterfactual {
    let run = reruns(ready, attack, duration).run(&Branch::default());
    run.unwrap_or_else(|_| panic!("{} runs", ready.loaded.scenario.name))
}

fn of(ready: &Ready, duration: SimDuration) -> Account {
    let runs = [false, true].map(|attack| whole(ready, attack, duration));
    let found = of_attack(&reruns(ready, true, duration), &runs[0], &runs[1]);
    let Ok(Some(found)) = found else {
        panic!("{} attacks", ready.loaded.scenario.name)
    };
    found.account
}

/// Whether the parts add up to the whole, in every amount.
fn adds_up(account: &Account) {
    for get in [
        |amounts: &Amounts| amounts.good_parts,
        |amounts: &Amounts| amounts.oee.expect("time was planned"),
        |amounts: &Amounts| amounts.safe_s,
        |amounts: &Amounts| amounts.money.expect("it has prices"),
    ] {
        let parts: f64 = account.causes.iter().map(|cause| get(&cause.part)).sum();
        let sum = parts + get(&account.interaction);
        let whole = get(&account.whole);
        assert!(
            (sum - whole).abs() <= 1e-9 * whole.abs().max(1.0),
            "{sum} {whole}: {account:?}"
        );
    }
}

#[test]
fn account_when_a_shipped_attack_is_played_then_it_adds_up() {
    let mut checked = 0;
    for built_in in BUILT_IN.iter().filter(|one| one.name != "bottling/calm") {
        let Ok(ready) = from_run(&built_in.bundle()) else {
            panic!("{} is valid", built_in.name)
        };
        let account = of(&ready, SimDuration::from_secs(50 * 60));
        adds_up(&account);
        let few = account.causes.len() <= SHAPLEY_MAX;
        let method = if few {
            Method::Shapley
        } else {
            Method::LeaveOneOut
        };
        assert_eq!(account.method, method);
        checked += 1;
    }
    assert_eq!(checked, 7);
}

/// The bottling line with a playbook of its own, ten minutes long.
fn with_playbook(steps: &str) -> Ready {
    let jam = BUILT_IN.iter().find(|one| one.name == "bottling/jam");
    let mut bundle: Bundle = jam.expect("it is shipped").bundle();
    let scenario = bundle.files.get_mut("jam.ron").expect("the root");
    *scenario = scenario
        .replace("duration: \"2h\"", "duration: \"10min\"")
        .replace("clean_until: \"30min\"", "clean_until: \"1min\"");
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

fn step(id: &str, technique: &str, start: &str, action: &str) -> String {
    format!(
        "(id: \"{id}\", title: \"t\", technique: \"{technique}\", plain: \"p\", intended_effect: \"e\",
        start: {start}, timeout: \"10min\", action: {action}),"
    )
}

const LOOK: &str = "Scan(arp_per_s: 20.0, ports: [502], ports_per_s: 2.0)";

fn stop(target: &str) -> String {
    format!("SetMode(target: \"{target}\", mode: Program)")
}

fn parts(account: &Account) -> Vec<f64> {
    let parts = account.causes.iter().map(|cause| cause.part.good_parts);
    parts.collect()
}

#[test]
fn account_when_one_step_is_the_cause_then_it_has_all_and_the_others_nothing() {
    let steps = [
        step("look", "T0846.001", "At(\"2min\")", LOOK),
        step("wait", "T0846.001", "After(step: \"look\")", "Wait(\"5s\")"),
        step("stop", "T0858", "After(step: \"wait\")", &stop("filler")),
    ];
    let account = of(&with_playbook(&steps.concat()), SimDuration::from_secs(600));
    adds_up(&account);
    assert_eq!(account.method, Method::Shapley);
    let lost = account.whole.good_parts;
    assert!(lost < -200.0, "a filler that stands makes nothing: {lost}");
    assert_eq!(parts(&account), [0.0, 0.0, lost]);
}

#[test]
fn account_when_two_steps_do_the_same_then_they_share_it() {
    // The filler is stopped twice at one moment: either is enough.
    let steps = [
        step("one", "T0858", "At(\"2min\")", &stop("filler")),
        step("two", "T0858", "At(\"2min\")", &stop("filler")),
    ];
    let account = of(&with_playbook(&steps.concat()), SimDuration::from_secs(600));
    adds_up(&account);
    let whole = account.whole.good_parts;
    assert!(whole < -200.0);
    for part in parts(&account) {
        assert!((part - whole / 2.0).abs() < 1.5, "{part} of {whole}");
    }
}

#[test]
fn account_when_the_defense_undoes_the_attack_then_its_action_gets_what_it_saved() {
    let steps = step("stop", "T0858", "At(\"2min\")", &stop("filler"));
    let ready = with_playbook(&steps);
    let duration = SimDuration::from_secs(600);
    let reruns = reruns(&ready, true, duration);
    let args = ActionArgs { duration_s: 60 };
    let contain = |host: &str| Action::Contain {
        target: HostTarget {
            host: host.to_owned(),
        },
        args,
    };
    let restore = Action::Restore {
        target: ControllerTarget {
            controller: "plc-filler".to_owned(),
        },
    };
    let actions = vec![
        (SimTime::from_secs(150), restore),
        (SimTime::from_secs(200), contain("vendor-laptop")),
        (SimTime::from_secs(300), contain("vendor-laptop")),
    ];
    let all = Branch {
        absent: Vec::new(),
        actions: actions.clone(),
    };
    let worth = |branch: &Branch<'_>| match reruns.run(branch) {
        Ok(run) => reruns.worth(&run),
        Err(_) => panic!("the actions fit the plant"),
    };
    let (none, all) = (worth(&Branch::default()), worth(&all));
    let Ok(Some(account)) = of_defense(&reruns, &actions, none, all) else {
        panic!("there are actions")
    };
    adds_up(&account);
    let saved = account.whole.good_parts;
    assert!(saved > 0.0, "{account:?}");
    assert_eq!(parts(&account), [saved, 0.0]);
    let labels: Vec<&str> = account
        .causes
        .iter()
        .map(|cause| cause.label.as_str())
        .collect();
    assert_eq!(
        labels,
        ["restore plc-filler", "contain vendor-laptop (2 times)"]
    );
    // The containing changed nothing and was paid for.
    let price = account.causes[1].part.money.expect("it has prices");
    assert!((price + 30.0).abs() < 1e-9, "{price}");
}
