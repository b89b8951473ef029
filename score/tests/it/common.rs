//! Builders for tests: a step, an alert, a score.

use std::collections::{BTreeMap, BTreeSet};

use twinrange_score::alert::{Alert, Endpoint};
use twinrange_score::continuity::{self, FourRuns, Prices, Production, Run};
use twinrange_score::detection::{self, Outcome, Params, StepTruth, Truth};
use twinrange_score::score::{Clock, Header, Score, Tool};

pub(crate) const S: u64 = 1_000_000_000;

/// A step in seconds on asset `target`, technique T0836.
pub(crate) fn step(id: &str, start_s: u64, end_s: u64) -> StepTruth {
    StepTruth {
        id: id.to_owned(),
        name: format!("step {id}"),
        techniques: vec!["T0836".to_owned()],
        tactics: Vec::new(),
        start_ns: start_s * S,
        end_ns: end_s * S,
        hosts: BTreeSet::from(["target".to_owned(), "10.20.1.66".to_owned()]),
        impact_ns: None,
        frames: BTreeMap::new(),
        outcome: Outcome::Succeeded,
    }
}

pub(crate) fn truth(duration_s: u64, steps: Vec<StepTruth>) -> Truth {
    Truth {
        duration_ns: duration_s * S,
        steps,
        clean_ns: 0,
        recovery: Vec::new(),
    }
}

/// An alert that names no asset.
pub(crate) fn alert(t_s: u64) -> Alert {
    Alert {
        t_ns: t_s * S,
        sig_id: "rule".to_owned(),
        ..Alert::default()
    }
}

pub(crate) fn alert_on(t_s: u64, asset: &str) -> Alert {
    let src = Endpoint {
        asset: Some(asset.to_owned()),
        ..Endpoint::default()
    };
    Alert { src, ..alert(t_s) }
}

/// No grace and no recount, samples of one second: the conventions of the reference vectors.
pub(crate) fn sampled() -> Params {
    Params {
        gap_ns: S,
        grace_ns: 0,
        alarm_limit_ns: u64::MAX,
        ..Params::default()
    }
}

pub(crate) fn header() -> Header {
    Header {
        range_version: "0.1.0".to_owned(),
        scenario: "bottling/underfill".to_owned(),
        scenario_digest: "ab".repeat(32),
        run_digest: "cd".repeat(32),
        seed: 42,
        duration_s: 3600.0,
        epoch_unix_ns: twinrange_score::formats::DEFAULT_EPOCH_UNIX_NS,
        attack_version: Header::attack_version(),
        tool: Some(Tool {
            name: "reference".to_owned(),
            version: None,
            config_digest: None,
            confined: None,
        }),
        alert_format: Some("jsonl".to_owned()),
        alert_file: None,
        clock: Clock::Simulated,
    }
}

pub(crate) fn production(good: u64) -> Run {
    Run::Made(Production {
        planned_busy_s: 3600.0,
        actual_production_s: 3000.0,
        run_time_per_item_s: 1.0,
        produced: 2800,
        good,
        ..Production::default()
    })
}

/// Two of three steps detected, one false alarm, protection 0.75, run D missing.
pub(crate) fn score() -> Score {
    let mut steps = vec![
        step("a", 600, 660),
        step("b", 900, 960),
        step("c", 1200, 1260),
    ];
    steps[1].impact_ns = Some(1000 * S);
    steps[2].outcome = Outcome::Failed;
    let mut never = step("d", 0, 0);
    never.outcome = Outcome::NotReached;
    steps.push(never);
    let mut seen = alert_on(910, "target");
    seen.techniques = vec!["T0836".to_owned()];
    let alerts = [alert_on(605, "target"), seen, alert_on(3000, "other")];
    let detection = detection::score(&truth(3600, steps), &alerts, &Params::default());
    let prices = prices();
    let runs = FourRuns {
        n: production(2700),
        a: production(2300),
        d: Run::Missing("the defense only watches".to_owned()),
        ad: production(2600),
    };
    Score::new(
        header(),
        detection,
        Some(continuity::score(&runs, Some(&prices))),
    )
}

/// Half a euro for a good item, and nothing for anything else.
pub(crate) fn prices() -> Prices {
    Prices {
        currency: "EUR".to_owned(),
        good_item: 0.5,
        scrapped_item: 0.0,
        bad_shipped_item: 0.0,
        lost_minute: 0.0,
        lost_litre: 0.0,
        unsafe_second: 0.0,
    }
}
