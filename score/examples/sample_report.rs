//! Writes a report from made-up data, to look at the page while working on it.
//!
//! `cargo run -p twinrange-score --example sample_report -- out.html [benign|always-on]`

use std::collections::{BTreeMap, BTreeSet};

use twinrange_score::alert::{Alert, Endpoint};
use twinrange_score::continuity::{self, FourRuns, Prices, Production, Run};
use twinrange_score::detection::{self, Outcome, Params, StepTruth, Truth};
use twinrange_score::formats::DEFAULT_EPOCH_UNIX_NS;
use twinrange_score::gate::Gate;
use twinrange_score::report::{ActionMark, Impact, ReportData, Series, html};
use twinrange_score::score::{Clock, Header, Score, Tool};

const S: u64 = 1_000_000_000;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let path = arguments
        .next()
        .unwrap_or_else(|| "sample-report.html".to_owned());
    let variant = arguments.next().unwrap_or_default();
    let truth = Truth {
        duration_ns: 4 * 3600 * S,
        steps: if variant == "benign" {
            Vec::new()
        } else {
            steps()
        },
        clean_ns: 0,
        recovery: Vec::new(),
    };
    let alerts = if variant == "always-on" {
        (0..4 * 360)
            .map(|i| alert(i * 10, "anomaly", "Anomaly score above 3", &[], None))
            .collect()
    } else {
        alerts()
    };
    let detection = detection::score(&truth, &alerts, &Params::default());
    let prices = Prices {
        currency: "EUR".to_owned(),
        good_item: 0.12,
        lost_minute: 8.0,
        scrapped_item: 0.06,
        bad_shipped_item: 2.5,
        lost_litre: 0.4,
        unsafe_second: 5.0,
    };
    let continuity = continuity::score(&runs(&variant), Some(&prices));
    let gates = Gate::parse(
        "recall >= 0.8, false_alarms_per_day <= 1, uptime_tax_percent <= 0.5, protection >= 0.5",
    )
    .expect("the gates are well formed");
    let score = Score::new(header(), detection, Some(continuity)).with_gates(&gates);
    let benign = variant == "benign";
    let data = ReportData {
        title: "Bottling line: slow underfill behind a healthy HMI".to_owned(),
        item: "bottle".to_owned(),
        items: "bottles".to_owned(),
        intent: "It meant to ship underfilled bottles while every screen looks healthy.".to_owned(),
        score: &score,
        actions: if benign { Vec::new() } else { actions() },
        impacts: if benign { Vec::new() } else { impacts() },
        series: series(),
        events: Vec::new(),
    };
    std::fs::write(&path, html(&data)).expect("the page can be written");
    print!("{}", score.to_json());
}

fn header() -> Header {
    Header {
        range_version: "0.1.0".to_owned(),
        scenario: "bottling/underfill".to_owned(),
        scenario_digest: "7c0e5f3ad4b1".repeat(5),
        run_digest: "19fe22a0c4d8".repeat(5),
        seed: 42,
        duration_s: 4.0 * 3600.0,
        epoch_unix_ns: DEFAULT_EPOCH_UNIX_NS,
        attack_version: Header::attack_version(),
        tool: Some(Tool {
            name: "reference".to_owned(),
            version: Some("0.1.0".to_owned()),
            config_digest: None,
            confined: None,
        }),
        alert_format: Some("jsonl".to_owned()),
        alert_file: None,
        clock: Clock::Simulated,
    }
}

fn step(
    id: &str,
    name: &str,
    technique: &str,
    start_s: u64,
    end_s: u64,
    impact_s: Option<u64>,
) -> StepTruth {
    StepTruth {
        id: id.to_owned(),
        name: name.to_owned(),
        techniques: vec![technique.to_owned()],
        tactics: Vec::new(),
        start_ns: start_s * S,
        end_ns: end_s * S,
        hosts: BTreeSet::from([
            "10.20.1.66".to_owned(),
            "10.20.1.11".to_owned(),
            "vendor-laptop".to_owned(),
        ]),
        impact_ns: impact_s.map(|s| s * S),
        frames: BTreeMap::new(),
        outcome: Outcome::Succeeded,
    }
}

fn steps() -> Vec<StepTruth> {
    let mut steps = vec![
        step(
            "scan",
            "Scan the cell network",
            "T0846.001",
            5400,
            5460,
            None,
        ),
        step(
            "identify",
            "Read tags of the filler PLC",
            "T0861",
            5520,
            5580,
            None,
        ),
        step(
            "spoof",
            "Stand between HMI and filler",
            "T0830",
            5700,
            7500,
            None,
        ),
        step(
            "drift",
            "Drift the fill setpoint down",
            "T0836",
            5940,
            7400,
            Some(6420),
        ),
        step(
            "flood",
            "Exhaust the filler's connections",
            "T0814",
            7410,
            7500,
            Some(7440),
        ),
        step("stop", "Stop the capper", "T1692.001", 7500, 7500, None),
    ];
    steps[5].outcome = Outcome::NotReached;
    steps
}

fn alert(t_s: u64, id: &str, name: &str, techniques: &[&str], ip: Option<&str>) -> Alert {
    Alert {
        t_ns: t_s * S,
        tool: Some("reference".to_owned()),
        sig_id: id.to_owned(),
        sig_name: Some(name.to_owned()),
        severity: Some(7),
        src: Endpoint {
            ip: ip.map(str::to_owned),
            ..Endpoint::default()
        },
        techniques: techniques.iter().map(|id| (*id).to_owned()).collect(),
        ..Alert::default()
    }
}

fn alerts() -> Vec<Alert> {
    let attacker = Some("10.20.1.66");
    let mut alerts = vec![
        alert(
            1900,
            "new-write",
            "New write command",
            &["T1692.001"],
            Some("10.20.1.41"),
        ),
        alert(
            5412,
            "new-talker",
            "New talker on Modbus",
            &["T0846.001"],
            attacker,
        ),
        alert(
            5413,
            "new-talker",
            "New talker on Modbus",
            &["T0846.001"],
            attacker,
        ),
        alert(
            5704,
            "arp-change",
            "ARP binding changed",
            &["T0830"],
            attacker,
        ),
        alert(
            5976,
            "new-write",
            "New write command",
            &["T1692.001"],
            attacker,
        ),
        alert(
            5800,
            "polling",
            "Polling interval changed",
            &[],
            Some("10.20.1.31"),
        ),
        alert(
            9800,
            "new-write",
            "New write command",
            &["T1692.001"],
            Some("10.20.1.41"),
        ),
        alert(
            9830,
            "new-write",
            "New write command",
            &["T1692.001"],
            Some("10.20.1.41"),
        ),
        alert(
            13_000,
            "arp-change",
            "ARP binding changed",
            &["T0830"],
            Some("10.20.1.21"),
        ),
    ];
    alerts.extend((0..12).map(|i| {
        alert(
            6000 + i * 30,
            "new-write",
            "New write command",
            &["T1692.001"],
            attacker,
        )
    }));
    alerts
}

fn actions() -> Vec<ActionMark> {
    vec![
        ActionMark {
            start_ns: 6620 * S,
            end_ns: Some(7220 * S),
            action: "deny".to_owned(),
            target: "10.20.1.66".to_owned(),
            consequence: "Drops the vendor laptop's frames at sw-cell.".to_owned(),
        },
        ActionMark {
            start_ns: 6800 * S,
            end_ns: Some(6860 * S),
            action: "restore".to_owned(),
            target: "plc-filler".to_owned(),
            consequence: "The filler stands still for a minute.".to_owned(),
        },
    ]
}

fn impacts() -> Vec<Impact> {
    let impact = |start_s, end_s, label: &str| Impact {
        start_ns: start_s * S,
        end_ns: end_s * S,
        label: label.to_owned(),
        cumulative: label.ends_with("shipped"),
    };
    vec![
        impact(6420, 6810, "underfilled bottles shipped"),
        impact(6800, 6860, "filler stopped"),
        impact(7440, 7500, "filler stopped"),
    ]
}

fn runs(variant: &str) -> FourRuns {
    let run = |good: u64, bad_shipped: u64, actual_production_s: f64| {
        Run::Made(Production {
            planned_busy_s: 14_400.0,
            actual_production_s,
            run_time_per_item_s: 1.0,
            produced: good + bad_shipped + 70,
            good,
            bad_shipped,
            scrapped: 70,
            ..Production::default()
        })
    };
    if variant == "benign" {
        let missing = || Run::Missing("the scenario has no attack".to_owned());
        return FourRuns {
            n: run(11_020, 0, 12_240.0),
            a: missing(),
            d: run(11_020, 0, 12_240.0),
            ad: missing(),
        };
    }
    FourRuns {
        n: run(11_020, 0, 12_240.0),
        a: run(9_410, 1_350, 11_900.0),
        d: run(11_008, 0, 12_230.0),
        ad: run(10_540, 300, 12_100.0),
    }
}

fn series() -> Vec<Series> {
    let t_s: Vec<f64> = (0..14_400).map(f64::from).collect();
    let wobble = |t: f64| 0.8 * libm_sin(t / 7.0) + 0.5 * libm_sin(t / 3.1);
    let drift = |t: f64| {
        if (5940.0..6810.0).contains(&t) {
            (t - 5940.0) * 0.028
        } else {
            0.0
        }
    };
    let stopped = |t: f64| (6800.0..6860.0).contains(&t) || (7440.0..7500.0).contains(&t);
    let twin = |base: f64| t_s.iter().map(|&t| base + wobble(t)).collect::<Vec<_>>();
    vec![
        Series {
            name: "Fill volume".to_owned(),
            unit: "mL".to_owned(),
            actual: t_s
                .iter()
                .map(|&t| {
                    if stopped(t) {
                        f64::NAN
                    } else {
                        500.0 + wobble(t) - drift(t)
                    }
                })
                .collect(),
            twin: Some(twin(500.0)),
            shown: Some(t_s.iter().map(|&t| 500.0 + wobble(t + 40.0)).collect()),
            t_s: t_s.clone(),
        },
        Series {
            name: "Filler speed".to_owned(),
            unit: "bottles/min".to_owned(),
            actual: t_s
                .iter()
                .map(|&t| if stopped(t) { 0.0 } else { 60.0 })
                .collect(),
            twin: Some(t_s.iter().map(|_| 60.0).collect()),
            shown: None,
            t_s: t_s.clone(),
        },
        Series {
            name: "Supply tank level".to_owned(),
            unit: "m".to_owned(),
            actual: t_s
                .iter()
                .map(|&t| 1.2 + 0.01 * wobble(t) + drift(t) * 0.004)
                .collect(),
            twin: Some(t_s.iter().map(|&t| 1.2 + 0.01 * wobble(t)).collect()),
            shown: None,
            t_s,
        },
    ]
}

fn libm_sin(x: f64) -> f64 {
    libm::sin(x)
}
