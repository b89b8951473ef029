//! Every playbook reaches its physical effect, under the labels of its steps.

use std::collections::BTreeMap;

use sim_kernel::time::{SimDuration, SimTime};
use sim_plant::observe::{Keep, Quality};
use sim_plant::{Mode, Relation};
use sim_wire::FrameSummary;
use sim_wire::arp::Operation;
use twinrange_attacks::{Outcome, StepRecord};

use crate::plant::{ATTACKER, Game, plant, playbook};

const SEED: u64 = 1;

fn minute(minutes: u64) -> SimTime {
    SimTime::from_secs(60 * minutes)
}

fn play(name: &str, until: SimTime) -> Game {
    let mut game = Game::new(playbook(name), Keep::TRUTH, SEED);
    game.run_until(until);
    game
}

fn outcomes(records: &[StepRecord]) -> Vec<(&str, Outcome)> {
    records
        .iter()
        .map(|record| (record.id.as_str(), record.outcome))
        .collect()
}

fn record<'a>(records: &'a [StepRecord], id: &str) -> &'a StepRecord {
    records
        .iter()
        .find(|record| record.id == id)
        .expect("the step exists")
}

/// The bowl was too full, and the safety function shut the water each time.
fn shut_in_time(game: &Game) {
    let counts = ["sif1_demands", "sif1_trips", "sif1_missed"];
    let [demands, trips, missed] = counts.map(|column| game.truth(column));
    assert!(demands > 0.0 && trips == demands && missed == 0.0);
    assert_eq!(game.truth("overflow_l"), 0.0);
}

#[test]
fn underfill_when_played_then_short_bottles_are_shipped_and_nobody_notices() {
    let mut game = play("underfill", minute(40));
    assert_eq!(
        game.truth("shipped_below_485_ml"),
        0.0,
        "the line is healthy before"
    );
    game.run_until(minute(120));
    assert!(game.truth("shipped_below_485_ml") > 500.0);
    assert!(game.truth("last_batch_mean_ml") < 485.0);
    assert!(
        game.truth("rejected_underfill") < 100.0,
        "the inspection lets them pass"
    );
    let records = game.engine.records(game.world.now());
    for (id, outcome) in outcomes(&records) {
        assert_eq!(outcome, Outcome::Succeeded, "{id}");
    }
    let drift = record(&records, "shorten-fill");
    assert!(
        drift.requests_sent >= 18,
        "one read and seventeen writes: {}",
        drift.requests_sent
    );
    assert_eq!(drift.hosts, ["plc-filler"]);
}

#[test]
fn overflow_when_played_then_the_safety_function_shuts_the_water_and_the_screen_shows_a_healthy_level()
 {
    let mut game = play("overflow", minute(48));
    shut_in_time(&game);
    assert_eq!(game.truth("xv20_open"), 0.0);
    let level_m = game.belief("hmi-1", "SIS_Level");
    assert!(
        (level_m - game.truth("bowl_level_m")).abs() < 0.01,
        "the safety controller shows {level_m} m"
    );
    for station in ["hmi-1", "historian-1"] {
        let shown_m = game.belief(station, "FIL_BowlLevel");
        assert!((shown_m - 0.3).abs() < 0.01, "{station} shows {shown_m} m");
        assert_eq!(game.belief(station, "FIL_V20Mode"), 0.0, "{station}");
        assert_eq!(game.belief(station, "FIL_AlmLevelHigh"), 0.0, "{station}");
        assert_eq!(
            game.quality(station, "FIL_BowlLevel"),
            Quality::Good,
            "{station}"
        );
    }
    let records = game.engine.records(game.world.now());
    assert!(
        record(&records, "stand-between").took_hold_at < record(&records, "open-valve").started_at
    );

    // In the end the stations speak to the controller itself again, and see what is so.
    game.run_until(minute(105));
    shut_in_time(&game);
    let records = game.engine.records(game.world.now());
    for (id, outcome) in outcomes(&records) {
        assert_eq!(outcome, Outcome::Succeeded, "{id}");
    }
    let shown_m = game.belief("hmi-1", "FIL_BowlLevel");
    assert!((shown_m - game.truth("bowl_level_m")).abs() < 0.01);
}

#[test]
fn sisbypass_when_played_then_the_demand_is_missed_and_nothing_tells_of_the_bypass() {
    let mut game = play("sisbypass", minute(40));
    assert_eq!(game.truth("sif1_demands"), 0.0, "the line is healthy");
    game.run_until(minute(58));
    assert!(game.truth("overflow_l") > 100.0);
    let counts = ["sif1_demands", "sif1_trips", "sif1_missed"];
    assert_eq!(counts.map(|column| game.truth(column)), [1.0, 0.0, 1.0]);
    assert_eq!(game.truth("xv20_open"), 1.0);
    for quiet in [
        "SIS_AlmBypass",
        "SIS_Key",
        "SIS_AlmTrip1",
        "FIL_AlmLevelHigh",
    ] {
        assert_eq!(game.belief("hmi-1", quiet), 0.0, "{quiet}");
    }
    assert_eq!(game.belief("hmi-1", "SIS_Bypass1"), 1.0, "nobody looks");
    assert_eq!(game.belief("hmi-1", "SIS_Demands1"), 1.0, "nor at this");
    let facts = game.world.safety_facts().expect("there is a SIS");
    assert!(facts.lost.bypass_s > 600, "{facts:?}");
    game.run_until(minute(90));
    assert_eq!(
        game.belief("hmi-1", "SIS_Bypass1"),
        0.0,
        "gone with the key"
    );
    let records = game.engine.records(game.world.now());
    for (id, outcome) in outcomes(&records) {
        assert_eq!(outcome, Outcome::Succeeded, "{id}");
    }
}

#[test]
fn jam_when_played_then_belts_jam_and_the_operator_cannot_command_the_conveyor() {
    let mut game = play("jam", minute(40));
    let before = game.truth("good");
    assert_eq!(
        game.truth("fallen_bottles"),
        0.0,
        "the line is healthy before"
    );
    game.run_until(minute(50));
    for station in ["hmi-1", "historian-1"] {
        assert_eq!(
            game.quality(station, "CNV_Started"),
            Quality::Bad,
            "{station}"
        );
        assert_eq!(
            game.quality(station, "FIL_Step"),
            Quality::Good,
            "{station}"
        );
    }
    game.run_until(minute(70));
    assert!(game.truth("fallen_bottles") > 0.0);
    assert!(game.truth("jam_s") > 120.0, "{} s", game.truth("jam_s"));
    let made = game.truth("good") - before;
    assert!(
        made < 1_000.0,
        "{made} bottles in 30 min, less than two thirds of the nominal 1800"
    );
    game.run_until(minute(90));
    let records = game.engine.records(game.world.now());
    for (id, outcome) in outcomes(&records) {
        assert_eq!(outcome, Outcome::Succeeded, "{id}");
    }
    assert_eq!(
        game.quality("hmi-1", "CNV_Started"),
        Quality::Good,
        "the places are free again"
    );
}

#[test]
fn logic_when_played_then_caps_leak_and_the_inspection_calls_them_tight() {
    let mut game = play("logic", minute(45));
    assert_eq!(game.truth("shipped_leakers"), 0.0, "the line is healthy");
    let before = game.truth("rejected_torque");
    game.run_until(minute(70));
    assert!(game.truth("shipped_leakers") > 800.0);
    assert!(game.truth("rejected_torque") - before < 3.0, "they pass");
    let shown_n_m = game.belief("hmi-1", "CNV_Torque");
    assert!((1.7..2.0).contains(&shown_n_m), "it shows {shown_n_m} N m");
    assert_eq!(game.belief("hmi-1", "CNV_AlmReject"), 0.0);
    let records = game.engine.records(game.world.now());
    for (id, outcome) in outcomes(&records) {
        assert_eq!(outcome, Outcome::Succeeded, "{id}");
    }
}

#[test]
fn logicbomb_when_played_then_nothing_happens_until_its_bottle_comes() {
    let mut game = play("logicbomb", minute(65));
    let records = game.engine.records(game.world.now());
    assert_eq!(record(&records, "load-bomb").outcome, Outcome::Succeeded);
    assert_eq!(game.truth("overflow_l"), 0.0, "it waits");
    assert!(game.truth("bottles_filled") < 3_600.0);
    game.run_until(minute(80));
    assert!(game.truth("bottles_filled") >= 3_600.0);
    shut_in_time(&game);
    let shown_m = game.belief("hmi-1", "FIL_BowlLevel");
    assert!((shown_m - 0.3).abs() < 0.01, "it shows {shown_m} m");
    assert_eq!(game.belief("hmi-1", "FIL_AlmLevelHigh"), 0.0);
    assert_eq!(game.world.mode("plc-packaging"), Some(Mode::Stop));
    let records = game.engine.records(game.world.now());
    for (id, outcome) in outcomes(&records) {
        assert_eq!(outcome, Outcome::Succeeded, "{id}");
    }
}

#[test]
fn forces_when_played_then_no_input_moves_and_only_the_safety_function_sees_the_bowl() {
    let mut game = play("forces", minute(58));
    shut_in_time(&game);
    assert!(
        game.truth("bad_shipped") > 100.0,
        "too full, and not rejected"
    );
    assert_eq!(game.truth("fault_palletiser"), 1.0, "the hoist was late");
    let shown_m = game.belief("hmi-1", "FIL_BowlLevel");
    assert!((shown_m - 0.3).abs() < 0.001, "it shows {shown_m} m");
    for alarm in ["FIL_AlmLevelHigh", "FIL_AlmBatch", "CNV_AlmReject"] {
        assert_eq!(game.belief("hmi-1", alarm), 0.0, "{alarm}");
    }
    game.run_until(minute(75));
    let shown_m = game.belief("hmi-1", "FIL_BowlLevel");
    assert!(
        (shown_m - game.truth("bowl_level_m")).abs() < 0.02,
        "the level moves again: {shown_m} m"
    );
    let records = game.engine.records(game.world.now());
    for (id, outcome) in outcomes(&records) {
        assert_eq!(outcome, Outcome::Succeeded, "{id}");
    }
}

/// What the SPAN port saw of each step: frames sent, answered and diverted.
fn frames_of_steps(game: &mut Game) -> BTreeMap<u16, [u64; 3]> {
    let mut counts: BTreeMap<u16, [u64; 3]> = BTreeMap::new();
    for frame in &game.world.observations().frames {
        if let Some(step) = frame.label.as_step() {
            let column = match frame.relation {
                Relation::Sent => 0,
                Relation::Reply => 1,
                Relation::Diverted => 2,
                Relation::Benign => panic!("a labelled frame is not benign"),
            };
            counts.entry(step).or_default()[column] += 1;
        }
    }
    counts
}

#[test]
fn frames_when_an_attack_runs_then_each_carries_the_label_of_its_step() {
    let mut game = Game::new(playbook("overflow"), Keep::ALL, SEED);
    game.run_until(minute(40));
    assert_eq!(
        frames_of_steps(&mut game),
        BTreeMap::new(),
        "nothing hostile before"
    );
    game.world.observations().clear();
    game.run_until(minute(46));
    let frames = frames_of_steps(&mut game);
    let records = game.engine.records(game.world.now());
    for number in 0..5 {
        let [sent, answered, _] = frames[&number];
        assert!(
            sent > 0 && answered > 0,
            "step {number}: {sent} sent, {answered} answered"
        );
    }
    let between = record(&records, "stand-between");
    let [sent, _, diverted] = frames[&between.step];
    assert_eq!(
        sent, between.frames_sent,
        "every frame of this step is built by hand"
    );
    assert!(
        diverted > 1_000 && sent >= diverted,
        "{sent} sent, {diverted} diverted"
    );
}

#[test]
fn capture_when_the_adversary_stands_between_then_no_checksum_is_wrong() {
    let mut game = Game::new(playbook("overflow"), Keep::ALL, SEED);
    game.run_until(minute(40));
    game.world.observations().clear();
    game.run_until(minute(45));
    let observations = game.world.observations();
    let mut segments = 0;
    for frame in &observations.frames {
        let bytes = observations.bytes(frame);
        let (ethernet, packet) = sim_wire::ethernet::Repr::parse(bytes).expect("Ethernet");
        if ethernet.ethertype == sim_wire::ethernet::ETHERTYPE_IPV4 {
            let (ip, segment) = sim_wire::ipv4::Repr::parse(packet).expect("a valid IPv4 header");
            sim_wire::tcp::Repr::parse(segment, ip.src, ip.dst).expect("a valid TCP segment");
            segments += 1;
        }
    }
    assert!(segments > 1_000, "{segments}");
}

#[test]
fn arp_when_the_attack_is_over_then_the_last_word_about_every_victim_is_honest() {
    let mut playbook = playbook("overflow");
    for step in &mut playbook.steps {
        if step.id == "stand-between" {
            step.timeout = SimDuration::from_secs(60); // Its time is over long before its duration.
        }
    }
    let mut game = Game::new(playbook, Keep::ALL, SEED);
    game.run_until(minute(45));
    let records = game.engine.records(game.world.now());
    assert_eq!(record(&records, "stand-between").outcome, Outcome::TimedOut);
    let honest: BTreeMap<_, _> = plant()
        .hosts
        .iter()
        .map(|host| (host.ip, host.name.clone()))
        .collect();
    let attacker = plant()
        .hosts
        .into_iter()
        .find(|host| host.name == ATTACKER)
        .expect("it exists")
        .ip;
    let mut last = BTreeMap::new();
    let mut lies = 0;
    let observations = game.world.observations();
    for frame in &observations.frames {
        let summary = FrameSummary::of(observations.bytes(frame)).expect("a whole frame");
        let Some(arp) = summary.arp.filter(|arp| arp.operation == Operation::Reply) else {
            continue;
        };
        let octet = arp.sender_ip.octets()[3];
        let claims_truth = arp.sender_mac.0[5] == octet;
        lies += u64::from(!claims_truth);
        last.insert((arp.target_ip, arp.sender_ip), claims_truth);
    }
    assert!(lies > 0, "there was poisoning");
    for ((victim, about), honest_at_last) in last {
        assert!(
            honest_at_last || victim == attacker,
            "{} about {}",
            honest[&victim],
            honest[&about]
        );
    }
}

#[test]
fn run_when_repeated_then_the_same_bytes_and_records() {
    let run = || {
        let mut game = Game::new(playbook("jam"), Keep::ALL, 11);
        game.run_until(minute(46));
        (game.world.digest(), game.engine.records(game.world.now()))
    };
    let (first, second) = (run(), run());
    assert_eq!(first.0, second.0);
    assert_eq!(first.1, second.1);
}

#[test]
fn attacker_when_it_is_at_work_then_its_host_sends_nothing_without_a_label() {
    for name in [
        "underfill",
        "overflow",
        "jam",
        "forces",
        "logicbomb",
        "sisbypass",
    ] {
        let mut game = Game::new(playbook(name), Keep::ALL, SEED);
        let own = game.world.foothold().expect("there is an attacker").mac();
        game.run_until(minute(50));
        let observations = game.world.observations();
        let mut sent = 0;
        for frame in &observations.frames {
            let summary = FrameSummary::of(observations.bytes(frame)).expect("a whole frame");
            if summary.src_mac.0 == own {
                assert!(
                    frame.label.as_step().is_some(),
                    "{name}: {} {summary:?}",
                    frame.at
                );
                sent += 1;
            }
        }
        assert!(sent > 150, "{name}: {sent}");
    }
}
