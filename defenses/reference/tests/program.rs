//! The built program under the range's own lock-step driver, and its RON files.

use std::path::{Path, PathBuf};
use std::time::Duration;

use twinrange_bridge::{
    Answer, Asset, DefenseSpec, Frame, Hello, Interval, LockStep, LockStepConfig, Span, Verb, Wants,
};

const SECOND_NS: u64 = 1_000_000_000;

fn config(spec_file: &str) -> LockStepConfig {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let source = std::fs::read_to_string(folder.join(spec_file)).expect("the RON file is there");
    let spec = DefenseSpec::parse(&source).expect("the RON file is good");
    // The range looks beside its own program; a test's program lies elsewhere.
    let program = PathBuf::from(env!("CARGO_BIN_EXE_twinrange-reference"));
    let source = source.replace(
        "command: \"twinrange-reference\"",
        &format!("command: {program:?}"),
    );
    let there = DefenseSpec::parse(&source).expect("only the command has changed");
    there
        .find(folder, None)
        .expect("it was built for this test");
    let config = there
        .lock_step(folder, None)
        .expect("found")
        .expect("it is lock-step");
    assert_eq!(
        config.args[..2],
        ["--learn-s".to_owned(), spec.learn_s.to_string()]
    );
    // The frames of this test are new at once.
    let args = config.args.iter().map(|arg| {
        if arg == "1800" {
            "0".to_owned()
        } else {
            arg.clone()
        }
    });
    LockStepConfig {
        args: args.collect(),
        interval_timeout: Duration::from_secs(120),
        ..config
    }
}

fn hello() -> Hello {
    let asset = |name: &str, role: &str, last: u8| Asset {
        name: name.into(),
        role: role.into(),
        ip: Some(format!("10.20.1.{last}")),
        mac: Some(format!("02:54:57:14:01:{last:02x}")),
        ..Asset::default()
    };
    Hello {
        range_version: "0.1.0".into(),
        plant: "bottling".into(),
        epoch_unix_ns: 0,
        interval_ns: SECOND_NS,
        duration_ns: SECOND_NS,
        learn_ns: 0,
        spans: vec![Span {
            name: "cell".into(),
            link_type: 1,
        }],
        assets: vec![
            asset("plc-filler", "plc", 11),
            asset("vendor-laptop", "laptop", 66),
        ],
        tags: Vec::new(),
        actions: vec![Verb::Deny, Verb::Contain, Verb::Restore],
        inline: None,
    }
}

/// One interval in which the laptop claims the address of the controller.
fn run(spec_file: &str) -> Answer {
    let mut spoof = vec![0x02, 0x54, 0x57, 0x14, 0x01, 21];
    let (laptop, controller) = ([0x02, 0x54, 0x57, 0x14, 0x01, 66], [10, 20, 1, 11]);
    spoof.extend(laptop);
    spoof.extend([0x08, 0x06, 0, 1, 8, 0, 6, 4, 0, 2]);
    spoof.extend(laptop);
    spoof.extend(controller);
    spoof.extend([0x02, 0x54, 0x57, 0x14, 0x01, 21, 10, 20, 1, 21]);
    let len = u32::try_from(spoof.len()).expect("a short frame");
    let mut tool = LockStep::spawn(&config(spec_file), &hello()).expect("the program starts");
    assert_eq!(tool.name(), "reference");
    assert_eq!(
        tool.wants(),
        Wants {
            frames: true,
            logs: true,
            ..Wants::default()
        }
    );
    let interval = Interval {
        from_ns: 0,
        to_ns: SECOND_NS,
        frames: &[Frame {
            span: "cell",
            n: 1,
            t_ns: 5,
            len,
            data: &spoof,
        }],
        tags: &[],
        logs: &[],
        action_results: &[],
    };
    let answer = tool.interval(&interval).expect("a valid answer");
    assert_eq!(tool.finish(&[]).expect("a good end"), Answer::default());
    answer
}

#[test]
fn program_when_passive_then_alerts_pass_the_checks_of_the_range() {
    let answer = run("defense.ron");
    let sig_ids: Vec<_> = answer
        .alerts
        .iter()
        .filter_map(|alert| alert["sig_id"].as_str())
        .collect();
    assert_eq!(sig_ids, ["new-mac", "new-ip", "arp-binding-change"]);
    assert_eq!(answer.actions, []);
}

#[test]
fn program_when_it_may_respond_then_its_action_is_well_formed() {
    let answer = run("defense-respond.ron");
    assert_eq!(answer.actions.len(), 1);
    assert_eq!(
        answer.actions[0].target,
        twinrange_bridge::Target::Host("vendor-laptop".into())
    );
}
