//! A device in a cable of the shipped bottling line.

mod common;

use std::collections::BTreeMap;

use common::bottling_with;
use sim_kernel::input::{InputRecord, Origin};
use sim_kernel::time::{SimDuration, SimTime};
use sim_plant::inline::{DELAY_MAX_NS, Decision, Inline, InlineFrame, Towards, Verdict, Verdicts};
use sim_plant::observe::{Keep, Quality};
use sim_plant::respond::{Input, InputError};
use sim_plant::{Pause, World, WorldOptions};

const PLC: &str = "plc-filler";

fn inline(latency_ns: u64) -> Inline {
    Inline {
        hosts: vec![PLC.to_owned()],
        latency_ns,
    }
}

/// The shipped line with a device, or without one.
fn line(device: Option<(Inline, Verdicts)>) -> World {
    let options = WorldOptions {
        keep: Keep::ALL,
        inline: device,
        ..WorldOptions::default()
    };
    bottling_with(&options, |_| {})
}

/// Runs to a time with somebody who judges. Gives what was not simply passed on.
fn judged(
    world: &mut World,
    until: SimTime,
    judge: impl Fn(&InlineFrame<'_>) -> Decision,
) -> BTreeMap<u64, Decision> {
    let mut verdicts = BTreeMap::new();
    while world.run_until(until) == Pause::Inline {
        let frame = world.inline_frame().expect("it paused for one");
        assert_eq!(frame.host, PLC);
        assert_eq!(frame.at, world.now());
        let (number, decision) = (frame.number, judge(&frame));
        world.decide(decision).expect("it is a decision");
        if decision != Decision::PASS {
            verdicts.insert(number, decision);
        }
    }
    verdicts
}

const MINUTE: SimTime = SimTime::from_secs(60);

#[test]
fn device_when_it_lets_all_pass_at_once_then_the_run_is_the_one_without_it() {
    let mut without = line(None);
    without.run_until(MINUTE);
    let mut told = line(Some((inline(0), Verdicts::Told)));
    assert_eq!(told.run_until(MINUTE), Pause::Limit);
    let mut asked = line(Some((inline(0), Verdicts::Asked)));
    let verdicts = judged(&mut asked, MINUTE, |_| Decision::PASS);
    assert!(verdicts.is_empty());
    for world in [&mut told, &mut asked] {
        assert_eq!(world.digest(), without.digest());
        let counts = world.inline_counts().expect("there is a device");
        assert!(counts.frames > 100, "{counts:?}");
        assert_eq!((counts.dropped, counts.delayed), (0, 0));
        assert!(world.observations().inline.is_empty());
    }
    assert_eq!(without.inline_counts(), None);
}

#[test]
fn device_when_it_takes_time_then_the_plant_is_another_and_goes_on() {
    let mut without = line(None);
    without.run_until(MINUTE);
    let mut slow = line(Some((inline(2_000_000), Verdicts::Told)));
    slow.run_until(MINUTE);
    assert_ne!(slow.digest(), without.digest());
    let good = |world: &World| {
        let beliefs = world.beliefs("hmi-1").expect("it is a screen");
        let good = |belief: &&sim_plant::Belief| belief.quality == Quality::Good;
        beliefs.iter().filter(good).count()
    };
    assert_eq!(good(&slow), good(&without));
    assert!(
        slow.observations().inline.is_empty(),
        "no verdict held a frame back"
    );
}

#[test]
fn verdicts_when_told_by_number_then_the_run_is_the_one_in_which_they_were_given() {
    let judge = |frame: &InlineFrame<'_>| match (frame.number, frame.towards) {
        (60..=70, Towards::Host) => Decision::Drop,
        (number @ 80..=95, _) => Decision::Pass {
            delay_ns: 3_000_000 * (number % 4),
        },
        _ => Decision::PASS,
    };
    let mut asked = line(Some((inline(50_000), Verdicts::Asked)));
    let verdicts = judged(&mut asked, MINUTE, judge);
    assert!(verdicts.len() > 10, "{verdicts:?}");
    let counts = asked.inline_counts().expect("there is a device");
    let seen = asked.observations().inline.clone();
    assert_eq!(seen.len() as u64, counts.dropped + counts.delayed);
    assert!(
        seen.iter()
            .all(|judged| judged.len >= 42 && judged.label.as_step().is_none())
    );

    let mut told = line(Some((inline(50_000), Verdicts::Told)));
    for (seq, (&frame, &decision)) in verdicts.iter().enumerate() {
        let record = InputRecord {
            time: told.now(),
            seq: seq as u64,
            origin: Origin::Defense,
            input: Input::Verdict(Verdict { frame, decision }),
        };
        told.submit(record).expect("there is a device");
    }
    told.run_until(MINUTE);
    assert_eq!(told.digest(), asked.digest());
    assert_eq!(told.inline_counts(), Some(counts));
    assert_eq!(told.observations().inline, seen);
}

#[test]
fn device_when_it_drops_all_packets_then_the_screen_knows_nothing_of_the_controller_and_the_others_stay()
 {
    let bad = |world: &World, of_plc: bool| {
        let beliefs = world.beliefs("hmi-1").expect("it is a screen");
        let tags = world.tags().iter().zip(beliefs);
        let here = tags.filter(|(tag, _)| (tag.controller_name == PLC) == of_plc);
        let bad = |belief: &sim_plant::Belief| belief.quality == Quality::Bad;
        here.map(|(_, belief)| bad(belief)).collect::<Vec<_>>()
    };
    let mut without = line(None);
    without.run_until(MINUTE);
    let mut world = line(Some((inline(0), Verdicts::Asked)));
    judged(&mut world, MINUTE, |frame| {
        // Addresses are resolved: a stack that is left without an answer asks for nobody else meanwhile.
        match frame.bytes[12..14] {
            [0x08, 0x06] => Decision::PASS,
            _ => Decision::Drop,
        }
    });
    assert!(bad(&without, true).contains(&false));
    assert!(bad(&world, true).iter().all(|&bad| bad));
    assert_eq!(bad(&world, false), bad(&without, false));
    let counts = world.inline_counts().expect("there is a device");
    assert!(
        counts.dropped > 10 && counts.dropped < counts.frames,
        "{counts:?}"
    );
}

#[test]
fn verdict_when_it_makes_no_sense_then_it_is_refused() {
    let submit = |world: &mut World, frame, decision| {
        world.submit(InputRecord {
            time: world.now(),
            seq: 0,
            origin: Origin::Defense,
            input: Input::Verdict(Verdict { frame, decision }),
        })
    };
    let late = Decision::Pass {
        delay_ns: DELAY_MAX_NS + 1,
    };
    let mut without = line(None);
    assert_eq!(
        submit(&mut without, 1, Decision::Drop),
        Err(InputError::NoInline)
    );
    let mut world = line(Some((inline(0), Verdicts::Told)));
    let refused = submit(&mut world, 1, late);
    assert_eq!(
        refused,
        Err(InputError::BadDelay {
            delay_ns: DELAY_MAX_NS + 1
        })
    );
    world.run_until(SimTime::default() + SimDuration::from_secs(20));
    let passed = world.inline_counts().expect("there is a device").frames;
    assert_eq!(
        submit(&mut world, passed, Decision::Drop),
        Err(InputError::LateVerdict { frame: passed })
    );
    assert_eq!(submit(&mut world, passed + 1, Decision::Drop), Ok(()));
}

#[test]
fn device_when_it_stands_nowhere_then_the_plant_is_refused() {
    let check = |inline: Inline, expect: &str, hint: Option<&str>| {
        let options = WorldOptions {
            inline: Some((inline, Verdicts::Told)),
            ..WorldOptions::default()
        };
        let errors = World::new(&common::spec(), &common::programs(), &options);
        let errors = errors.err().unwrap_or_default();
        let [error] = errors.as_slice() else {
            panic!("one mistake: {errors:?}")
        };
        assert!(error.message.contains(expect), "{error:?}");
        assert_eq!(error.hint.as_deref(), hint);
    };
    let hosts = |hosts: &[&str]| hosts.iter().map(|&host| host.to_owned()).collect();
    let device = |names, latency_ns| Inline {
        hosts: hosts(names),
        latency_ns,
    };
    check(device(&[], 0), "no cable", None);
    let near = Some("did you mean `plc-filler`?");
    check(device(&["plc-filer"], 0), "no host `plc-filer`", near);
    check(device(&["outside"], 0), "no host `outside`", None);
    check(device(&[PLC], DELAY_MAX_NS + 1), "latency", None);
}
