//! Good and bad defense files, as data.

use proptest::prelude::*;

use super::*;

const GOOD: &str = r#"Defense(
    name: "probe",
    version: "1.0",
    description: "d",
    kind: Offline(
        command: "sh",
        args: ["{defense}/run.sh", "{evidence}", "{out}", "${HOME}"],
        alerts: "eve.json",
        format: "eve",
    ),
    install: "apt install probe",
    learn_s: 60,
    signature_table: { "9000001": ["T1692.001"] },
)
"#;

fn check(from: &str, to: &str, expect: &str) {
    assert!(GOOD.contains(from), "{from}");
    let error = DefenseSpec::parse(&GOOD.replacen(from, to, 1)).expect_err(expect);
    let hint = error.hint.clone().unwrap_or_default();
    assert_eq!(format!("{} {error} [{hint}]", error.code), expect);
}

#[test]
fn spec_when_good_then_fields_and_defaults_are_read() {
    let spec = DefenseSpec::parse(GOOD).expect("the file is good");
    assert_eq!(spec.kind_word(), "offline");
    assert_eq!(spec.learn_ns(), 60_000_000_000);
    let config = spec
        .offline(Path::new("/d"))
        .expect("sh is everywhere")
        .expect("it is offline");
    assert_eq!(config.args[..3], ["/d/run.sh", "{evidence}", "{out}"]);
    assert_eq!(config.timeout, Duration::from_secs(600));
}

#[test]
fn spec_when_a_field_is_wrong_then_line_and_column_point_at_it() {
    check(
        "learn_s: 60",
        "learn: 60",
        "DS0001 12:5: Unexpected field named `learn` in `Defense`, expected one of `name`, `version`, `description`, `kind`, `install`, `detect`, `learn_s`, `may_act`, `may_be_silent`, `may_read`, or `signature_table` instead [fields: name, version, description, kind, install, detect, learn_s, may_act, may_be_silent, may_read, signature_table]",
    );
    check(
        "learn_s: 60",
        "learn_s: -1",
        "DS0001 12:15: Integer is out of bounds []",
    );
    check(
        "learn_s: 60",
        "learn_s: 9999999",
        "DS0002 12:5: a clean period of 9999999 s is longer than 30 days [learn_s is in simulated seconds]",
    );
    check(
        "\"probe\"",
        "\"My Probe\"",
        "DS0002 2:5: 'My Probe' is not a name for a defense [use lower-case letters, digits and '-']",
    );
    check(
        "\"eve.json\"",
        "\"../truth/attack.jsonl\"",
        "DS0002 8:9: '../truth/attack.jsonl' is not a file inside {out} [give the path relative to {out}, such as eve.json]",
    );
    check(
        "\"{evidence}\"",
        "\"{truth}\"",
        "DS0002 7:37: unknown placeholder {truth} [known here: {defense}, {learn_s}, {evidence}, {out}]",
    );
    check(
        "T1692.001",
        "1692",
        "DS0002 13:37: '1692' (signature '9000001') is not a technique id [technique ids look like T0836 or T1692.001]",
    );
    check(
        "Offline(",
        "Online(",
        "DS0001 5:11: Unexpected variant named `Online` in enum `Kind`, expected either `Offline` or `LockStep` instead [one of: Offline, LockStep]",
    );
    check(
        "    install: \"apt install probe\",\n",
        "",
        "DS0001 13:1: missing field `install` in `Defense` [add 'install: …']",
    );
    check(
        "learn_s: 60",
        "may_act: true",
        "DS0002 12:5: an offline defense cannot act: the run is over [make it lock-step, or leave may_act out]",
    );
    check(
        "format: \"eve\",",
        "format: \"eve\", timeout_s: 0,",
        "DS0002 9:24: timeout_s is 0 [use at least 1]",
    );
    check(
        "\"sh\"",
        "\"\"",
        "DS0002 6:9: 'command' is empty [name the program to start]",
    );
    check(
        "apt install probe",
        " ",
        "DS0002 11:5: 'install' is empty [say how to get the tool; it is shown where it is absent]",
    );
}

#[test]
fn find_when_the_tool_is_absent_then_the_install_text_is_the_hint() {
    let source = GOOD.replacen("\"sh\"", "\"no-such-program-anywhere\"", 1);
    let spec = DefenseSpec::parse(&source).expect("the file is good");
    let error = spec
        .find(Path::new("/d"), None)
        .expect_err("it is not there");
    assert_eq!(
        error.to_string(),
        "defense 'probe' is not installed: there is no program 'no-such-program-anywhere' in PATH"
    );
    assert_eq!(error.hint().as_deref(), Some("apt install probe"));
}

#[cfg(unix)]
#[test]
fn find_when_detect_prints_something_else_then_not_found_says_what() {
    let detect =
        r#"detect: Detect(command: "sh", args: ["-c", "echo probe 6.0"], expect: "probe 7."),"#;
    let source = GOOD.replacen("learn_s: 60,", detect, 1);
    let spec = DefenseSpec::parse(&source).expect("the file is good");
    let error = spec
        .find(Path::new("/d"), None)
        .expect_err("version 6 is not 7")
        .to_string();
    assert!(
        error.ends_with("-c echo probe 6.0' printed 'probe 6.0', which lacks 'probe 7.'"),
        "{error}"
    );
    let spec = DefenseSpec::parse(&source.replace("probe 7.", "probe 6.")).expect("good");
    spec.find(Path::new("/d"), None).expect("version 6 is 6");
}

#[test]
fn expand_when_a_value_holds_braces_then_it_is_not_expanded_again() {
    let words = [
        ("{out}", "/{evidence}".to_owned()),
        ("{evidence}", "/e".to_owned()),
    ];
    assert_eq!(
        expand("{out}:{evidence}:{x}:{", &words),
        "/{evidence}:/e:{x}:{"
    );
}

proptest! {
    #[test]
    fn any_text_when_parsed_then_no_panic(text in "\\PC{0,200}") {
        let _ = DefenseSpec::parse(&text);
    }

    #[test]
    fn damaged_spec_when_parsed_then_no_panic_and_the_span_is_inside(
        at in 0..GOOD.len(), len in 0usize..40, with in "[\\PC\n]{0,8}",
    ) {
        let source = format!("{}{with}{}", &GOOD[..at], &GOOD[(at + len).min(GOOD.len())..]);
        if let Err(error) = DefenseSpec::parse(&source) {
            prop_assert!(source.get(error.span.0..error.span.1).is_some());
            prop_assert!(error.line >= 1 && error.column >= 1);
        }
    }
}
