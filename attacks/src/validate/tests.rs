use crate::action::fake::plant;

use super::*;

/// A sound playbook; each test replaces one piece of its text.
const SOUND: &str = r#"#![enable(unwrap_variant_newtypes, implicit_some)]
Playbook(
    schema: 1, name: "sound", title: "Title", summary: "Summary", technique_version: "19",
    targets: { "plc": Host("plc-filler"), "screens": Role(Hmi), "all": Role(Plc) },
    steps: [
        (id: "first", title: "t", technique: "T0846.001", plain: "p", intended_effect: "e",
         start: At("00:40:00"), timeout: "5min",
         action: Scan(ports: [502])),
        (id: "second", title: "t", technique: ["T1692.001"], plain: "p", intended_effect: "e",
         start: After(step: "first"), timeout: "5min",
         action: Write(target: "plc", writes: [
            (table: HoldingRegisters, address: 1024, kind: Uint, values: [1])])),
        (id: "third", title: "t", technique: "T0836", plain: "p", intended_effect: "e",
         start: When(target: "plc", table: Coils, address: 1040, kind: Bool, op: Equal, value: 1.0,
            poll: "5s", timeout: "10min", from: TookHold(step: "second", delay: "1s")),
         until: OnOutcome(step: "fourth", outcome: Succeeded), timeout: "30min",
         action: Drift(target: "plc", address: 1024, kind: Uint, to: 5600, over: "20min", steps: 20)),
        (id: "fourth", title: "t", technique: "T0830", plain: "p", intended_effect: "e",
         start: OnOutcome(step: "second", outcome: Succeeded), timeout: "30min",
         action: AdversaryInTheMiddle(between: ["screens"], and: ["plc"], poison_period: "10s",
            duration: "20min", rewrites: [
            (target: "plc", table: HoldingRegisters, address: 1041, kind: Uint, show: Constant(3000), noise: 5.0)])),
        (id: "fifth", title: "t", technique: "T0814", plain: "p", intended_effect: "e",
         start: At("1h"), timeout: "30min",
         action: DenialOfService(target: "plc", attempts_per_s: 2.0, evict: ["screens"], duration: "20min")),
        (id: "sixth", title: "t", technique: "T0806", plain: "p", intended_effect: "e",
         start: At("1h"), timeout: "30min",
         action: BruteForceIo(target: "plc", ranges: [(table: Coils, address: 1027, count: 2)],
            writes_per_s: 1.0, duration: "20min")),
        (id: "seventh", title: "t", technique: "T0861", plain: "p", intended_effect: "e",
         start: At("1h"), timeout: "30min",
         action: Identify(targets: ["all"], reads: [(table: Coils, address: 0, count: 9)])),
        (id: "eighth", title: "t", technique: "T0835", plain: "p", intended_effect: "e",
         start: At("1h"), timeout: "5min",
         action: Force(target: "plc", set: [(at: Address("%IX0.5"), value: 0)], client: (name: "me"))),
        (id: "ninth", title: "t", technique: "T0889", plain: "p", intended_effect: "e",
         start: At("1h"), timeout: "5min",
         action: DownloadProgram(target: "plc", program: "a.st", client: (requests_per_s: 9))),
    ],
)"#;

/// Replaces a piece of the sound playbook and expects exactly these mistakes: code, path, and the
/// hint if there is one.
fn check(piece: &str, other: &str, expect: &[(&str, &str, Option<&str>)]) {
    assert_eq!(SOUND.matches(piece).count(), 1, "`{piece}` is there once");
    let text = SOUND.replace(piece, other);
    let playbook: Playbook =
        ron::from_str(&text).unwrap_or_else(|error| panic!("{other}: {error}"));
    let errors = validate(&playbook, &plant());
    let found: Vec<(&str, &str, Option<&str>)> = errors
        .iter()
        .map(|error| (error.code, error.path.as_str(), error.hint.as_deref()))
        .collect();
    assert_eq!(found, expect, "{other}: {errors:#?}");
}

#[test]
fn playbook_when_sound_then_nothing_is_wrong() {
    let playbook: Playbook = ron::from_str(SOUND).expect("well-formed");
    assert_eq!(validate(&playbook, &plant()), []);
}

#[test]
fn header_when_wrong_then_reported() {
    check("schema: 1", "schema: 2", &[(BAD_VERSION, "schema", None)]);
    check(
        "version: \"19\"",
        "version: \"18\"",
        &[(BAD_VERSION, "technique_version", None)],
    );
    check(
        "summary: \"Summary\"",
        "summary: \" \"",
        &[(BAD_NAME, "summary", None)],
    );
    let hint = "a lower-case letter, then up to 63 lower-case letters, digits, `-` or `_`";
    check(
        "name: \"sound\"",
        "name: \"So und\"",
        &[(BAD_NAME, "name", Some(hint))],
    );
}

#[test]
fn technique_when_revoked_then_the_hint_is_its_successor() {
    let revoked = (
        REVOKED_TECHNIQUE,
        "steps[1].technique[0]",
        Some("use its successor `T1692.001`"),
    );
    check("[\"T1692.001\"]", "[\"T0855\"]", &[revoked]);
}

#[test]
fn technique_when_unknown_then_reported() {
    let unknown = (
        UNKNOWN_TECHNIQUE,
        "steps[4].technique",
        Some("did you mean `T0814`?"),
    );
    check("\"T0814\"", "\"T9814\"", &[unknown]);
    check(
        "[\"T1692.001\"]",
        "[]",
        &[(UNKNOWN_TECHNIQUE, "steps[1].technique", None)],
    );
}

#[test]
fn target_when_not_there_then_the_nearest_is_suggested() {
    let host = (
        UNKNOWN_TARGET,
        "targets[\"plc\"]",
        Some("did you mean `plc-filler`?"),
    );
    check("Host(\"plc-filler\")", "Host(\"plc-filer\")", &[host]);
    check(
        "Role(Hmi)",
        "Role(Historian)",
        &[(UNKNOWN_TARGET, "targets[\"screens\"]", None)],
    );
    let alias = (
        UNKNOWN_TARGET,
        "steps[1].action.target",
        Some("did you mean `plc`?"),
    );
    check("Write(target: \"plc\"", "Write(target: \"plcs\"", &[alias]);
}

#[test]
fn target_when_the_action_is_not_for_it_then_reported() {
    let screen = (UNFIT_TARGET, "steps[1].action.target", None);
    check(
        "Write(target: \"plc\"",
        "Write(target: \"screens\"",
        &[screen],
    );
    let two = (
        UNFIT_TARGET,
        "steps[2].action.target",
        Some("pick one with `Host(\"…\")` under `targets`"),
    );
    check("Drift(target: \"plc\"", "Drift(target: \"all\"", &[two]);
    check(
        "between: [\"screens\"]",
        "between: [\"all\"]",
        &[(UNFIT_TARGET, "steps[3].action.and", None)],
    );
    check(
        "between: [\"screens\"]",
        "between: []",
        &[(UNFIT_TARGET, "steps[3].action.between", None)],
    );
    let undiverted = (UNFIT_TARGET, "steps[3].action.rewrites[0].target", None);
    check(
        "(target: \"plc\", table: HoldingRegisters, address: 1041",
        "(target: \"all\", table: HoldingRegisters, address: 1041",
        &[undiverted],
    );
    check(
        "evict: [\"screens\"]",
        "evict: [\"plc\"]",
        &[(UNFIT_TARGET, "steps[4].action.evict[0]", None)],
    );
}

#[test]
fn trigger_when_the_step_does_not_exist_or_waits_for_itself_then_reported() {
    let unknown = (
        BAD_TRIGGER,
        "steps[1].start.step",
        Some("did you mean `first`?"),
    );
    check(
        "After(step: \"first\")",
        "After(step: \"frist\")",
        &[unknown],
    );
    check(
        "After(step: \"first\")",
        "After(step: \"second\")",
        &[(BAD_TRIGGER, "steps[1].start.step", None)],
    );
    check(
        "After(step: \"first\")",
        "After(step: \"third\")",
        &[(BAD_TRIGGER, "steps[1].start", None)],
    );
    let nested = (
        BAD_TRIGGER,
        "steps[2].start.from.step",
        Some("did you mean `second`?"),
    );
    check(
        "TookHold(step: \"second\"",
        "TookHold(step: \"secnd\"",
        &[nested],
    );
    let mut cyclic = SOUND.replace("At(\"00:40:00\")", "After(step: \"fourth\")");
    cyclic = cyclic.replace("After(step: \"first\")", "After(step: \"third\")");
    let playbook: Playbook = ron::from_str(&cyclic).expect("well-formed");
    let errors = validate(&playbook, &plant());
    assert_eq!(errors.len(), 1, "one circle is reported once: {errors:?}");
    assert!(
        errors[0].message.ends_with("second, third"),
        "{}",
        errors[0].message
    );
}

#[test]
fn pace_when_out_of_limits_then_reported() {
    let pace = |path| [(BAD_PACE, path, None)];
    check(
        "attempts_per_s: 2.0",
        "attempts_per_s: 0.0",
        &pace("steps[4].action.attempts_per_s"),
    );
    check(
        "attempts_per_s: 2.0",
        "attempts_per_s: 1e9",
        &pace("steps[4].action.attempts_per_s"),
    );
    check(
        "ports: [502]",
        "ports: [502], arp_per_s: -1.0",
        &pace("steps[0].action.arp_per_s"),
    );
    check(
        "writes_per_s: 1.0",
        "writes_per_s: 500.0",
        &pace("steps[5].action.writes_per_s"),
    );
    check(
        "poison_period: \"10s\"",
        "poison_period: \"1ms\"",
        &pace("steps[3].action.poison_period"),
    );
    check("poll: \"5s\"", "poll: \"0s\"", &pace("steps[2].start.poll"));
    check("At(\"00:40:00\")", "At(\"1000h\")", &pace("steps[0].start"));
    check("steps: 20)", "steps: 0)", &pace("steps[2].action.steps"));
    check(
        "over: \"20min\"",
        "over: \"100ms\"",
        &pace("steps[2].action.steps"),
    );
    let short = "leave some time to connect and to clean up, for example a minute";
    check(
        "over: \"20min\"",
        "over: \"30min\"",
        &[(BAD_PACE, "steps[2].timeout", Some(short))],
    );
    check(
        "values: [1])]",
        "values: [1])], repeat: (period: \"1s\", rounds: 0)",
        &pace("steps[1].action.repeat.rounds"),
    );
}

#[test]
fn address_when_not_possible_then_reported() {
    let address = |path| [(BAD_ADDRESS, path, None)];
    check(
        "address: 1027, count: 2",
        "address: 65535, count: 2",
        &address("steps[5].action.ranges[0].address"),
    );
    check(
        "address: 0, count: 9",
        "address: 0, count: 0",
        &address("steps[6].action.reads[0].count"),
    );
    check(
        "ports: [502]",
        "ports: [502, 502]",
        &address("steps[0].action.ports[1]"),
    );
    let kind = (BAD_ADDRESS, "steps[2].start.kind", Some("a bit is `Bool`"));
    check(
        "address: 1040, kind: Bool",
        "address: 1040, kind: Uint",
        &[kind],
    );
    let table = (
        BAD_ADDRESS,
        "steps[1].action.writes[0].table",
        Some("only `Coils` and `HoldingRegisters` can"),
    );
    check(
        "[\n            (table: HoldingRegisters, address: 1024",
        "[\n            (table: InputRegisters, address: 1024",
        &[table],
    );
    check(
        "values: [1])",
        "values: [])",
        &address("steps[1].action.writes[0].values"),
    );
    check(
        "address: 1024, kind: Uint, to",
        "address: 65535, kind: Real, to",
        &address("steps[2].action.address"),
    );
}

#[test]
fn value_when_the_register_cannot_hold_it_then_reported() {
    let value = |path| [(BAD_VALUE, path, None)];
    check(
        "values: [1])",
        "values: [1, 70000])",
        &value("steps[1].action.writes[0].values[1]"),
    );
    check("to: 5600", "to: -1", &value("steps[2].action.to"));
    check(
        "steps: 20)",
        "steps: 20, jitter: 2.0)",
        &value("steps[2].action.jitter"),
    );
    check(
        "noise: 5.0",
        "noise: -5.0",
        &value("steps[3].action.rewrites[0].noise"),
    );
    check(
        "Constant(3000)",
        "Clamp(9, 3)",
        &value("steps[3].action.rewrites[0].show"),
    );
    check(
        "table: Coils, address: 1027",
        "table: HoldingRegisters, address: 1027",
        &value("steps[5].action.values"),
    );
}

#[test]
fn field_when_misspelt_then_the_file_is_not_read() {
    for (piece, other) in [
        ("Scan(ports: [502])", "Scan(portz: [502])"),
        ("steps: 20)", "steps: 20, speed: 3)"),
        (
            "After(step: \"first\")",
            "After(step: \"first\", wait: \"1s\")",
        ),
        ("poll: \"5s\"", "poll: \"5s\", retry: 3"),
        ("schema: 1,", "schema: 1, author: \"x\","),
        ("At(\"00:40:00\")", "At(\"40:00\")"),
    ] {
        assert_eq!(SOUND.matches(piece).count(), 1, "`{piece}` is there once");
        assert!(
            ron::from_str::<Playbook>(&SOUND.replace(piece, other)).is_err(),
            "{other}"
        );
    }
}

#[test]
fn engineering_when_a_place_or_a_limit_is_wrong_then_reported() {
    let place = |path| (BAD_PLACE, path, None);
    let set = "[(at: Address(\"%IX0.5\"), value: 0)]";
    check(
        set,
        "[(at: Address(\"%IX0.8\"), value: 0), (at: Tag(\"LT\"), value: 0)]",
        &[
            place("steps[7].action.set[0].at"),
            place("steps[7].action.set[1].at"),
        ],
    );
    check(
        set,
        "[(at: Address(\"%MD2\"), value: 1), (at: Address(\"%MW5\"), value: 70000)]",
        &[
            (BAD_VALUE, "steps[7].action.set[1].value", None),
            place("steps[7].action.set[1].at"),
        ],
    );
    let hint = "give `set`, `release` or `release_all: true`";
    check(set, "[]", &[(BAD_VALUE, "steps[7].action", Some(hint))]);
    check(
        "name: \"me\"",
        "name: \"\", password: \"\"",
        &[
            (BAD_NAME, "steps[7].action.client.name", None),
            (BAD_NAME, "steps[7].action.client.password", None),
        ],
    );
    check(
        "requests_per_s: 9",
        "requests_per_s: 0",
        &[(BAD_PACE, "steps[8].action.client.requests_per_s", None)],
    );
    let hint = "name a file that ends in `.st` or `.xml`, relative to the playbook";
    check(
        "program: \"a.st\"",
        "program: \"a.bin\"",
        &[(BAD_NAME, "steps[8].action.program", Some(hint))],
    );
}
