//! Attribution on the bottling line: it adds up on every shipped attack, and finds causes that are known.

use sim_kernel::time::SimDuration;
use sim_plant::respond::{ActionArgs, ControllerTarget, HostTarget};
use twinrange_score::attribution::Method;

use super::*;
use crate::support::by_hand::{reruns, step, whole, with_playbook};
use crate::support::scenario::{BUILT_IN, Ready, from_run};

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
        actions: actions.clone(),
        ..Branch::default()
    };
    let worth = |branch: &Branch<'_>| match reruns.run(branch) {
        Ok(run) => reruns.worth(&run),
        Err(_) => panic!("the actions fit the plant"),
    };
    let (none, all) = (worth(&Branch::default()), worth(&all));
    let Ok(Some(account)) = of_defense(&reruns, &actions, None, (none, all)) else {
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
