//! The playbooks that ship are sound, and say what people need to know.

use std::collections::BTreeSet;

use twinrange_attacks::playbook::Trigger;
use twinrange_attacks::validate;

use crate::plant::{plant, playbook};

const SHIPPED: [&str; 7] = [
    "forces",
    "jam",
    "logic",
    "logicbomb",
    "overflow",
    "sisbypass",
    "underfill",
];

#[test]
fn playbook_when_checked_against_the_bottling_line_then_nothing_is_wrong() {
    for name in SHIPPED {
        let playbook = playbook(name);
        assert_eq!(validate(&playbook, &plant()), [], "{name}");
        assert_eq!(playbook.name, name);
        assert!(
            matches!(playbook.steps[0].start, Trigger::At(at) if at.as_secs() == 2_400),
            "{name}"
        );
    }
}

#[test]
fn playbooks_when_taken_together_then_every_technique_of_the_library_is_shown() {
    let mut actions = BTreeSet::new();
    let mut techniques = BTreeSet::new();
    for name in SHIPPED {
        for step in playbook(name).steps {
            actions.insert(step.action.name());
            techniques.extend(step.technique.ids().to_vec());
        }
    }
    let wanted = [
        "AdversaryInTheMiddle",
        "BruteForceIo",
        "ChangeTask",
        "DenialOfService",
        "DownloadProgram",
        "Drift",
        "Firmware",
        "Force",
        "Identify",
        "Restart",
        "Scan",
        "SetMode",
        "UploadProgram",
        "Write",
    ];
    assert_eq!(actions.into_iter().collect::<Vec<_>>(), wanted);
    for id in [
        "T0846.001",
        "T0861",
        "T1692.001",
        "T0806",
        "T0836",
        "T0830",
        "T0814",
        "T0845",
        "T0843.002",
        "T0889",
        "T0821",
        "T0858",
        "T0835",
        "T0878",
        "T0816",
        "T1693.001",
        "T0837",
        "T0880",
    ] {
        assert!(techniques.contains(id), "{id}");
    }
}
