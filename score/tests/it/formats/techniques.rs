//! Where the techniques of an alert come from.

use twinrange_score::alert::TechniqueSource;
use twinrange_score::formats::{Format, Import, ImportOptions, import};

use super::{first, sample};
use crate::invariants::options;

#[test]
fn techniques_when_a_signature_is_in_the_table_then_from_it() {
    let mut options = options();
    for (name, id) in [
        ("Range::Modbus_Rogue_Master", "T0848"),
        ("9000101", "T0855"),
        ("1:9000102", "T0814"),
        ("mb-004", "T0858"),
        ("Program changed", "T0889"),
        ("Unauthorized PLC programming", "T0843"),
    ] {
        options
            .signature_techniques
            .insert(name.to_owned(), vec![id.to_owned()]);
    }
    let check = |format: Format, name: &str, sig: &str, expect: &str| {
        let import = import(format, sample(name).as_bytes(), &options).expect("valid");
        let alert = import
            .alerts
            .iter()
            .find(|alert| alert.sig_id == sig)
            .expect(sig);
        assert_eq!(alert.techniques, [expect], "{sig}");
        assert_eq!(alert.technique_source, TechniqueSource::Table, "{sig}");
    };
    check(
        Format::Zeek,
        "zeek-notice.log",
        "Range::Modbus_Rogue_Master",
        "T0848",
    );
    check(Format::Snort, "snort.json", "1:9000101", "T1692.001");
    check(Format::Snort, "snort.json", "1:9000102", "T0814");
    check(Format::Cef, "cef.log", "mb-004", "T0858");
    // Of products that have one signature for all, the name counts.
    check(
        Format::Cef,
        "cef.log",
        "Microsoft Defender for IoT Alert",
        "T0843",
    );
    check(Format::Syslog, "syslog.log", "1:9000101", "T1692.001");
    // Of a rule of Wazuh's for all of Suricata, the signature counts.
    check(Format::Wazuh, "wazuh.json", "86601", "T1692.001");
    check(Format::Wazuh, "wazuh.json", "100901", "T0848");
    check(Format::Ocsf, "ocsf.json", "Program changed", "T0889");
}

/// Wazuh and rules for many networks know ATT&CK Enterprise alone.
#[test]
fn techniques_when_native_ones_are_not_of_ics_then_tags_or_table_count() {
    let mut options = options();
    let table = [("100", "T0814"), ("102", "T1565")];
    for (name, id) in table {
        options
            .signature_techniques
            .insert(name.to_owned(), vec![id.to_owned()]);
    }
    let unknown = |import: &Import| {
        let notes = import.anomalies.iter();
        let notes = notes.filter(|(note, _)| note.contains("is not in ATT&CK for ICS"));
        notes.map(|(_, count)| count).sum::<u64>()
    };
    let check = |sid: u64, native: &str, tag: &str, expect: &str, source: TechniqueSource| {
        let of_eve = format!(
            r#"{{"timestamp":"2026-01-05T06:00:15Z","event_type":"alert","alert":{{"signature_id":{sid},"metadata":{{"mitre_technique_id":["{native}"],"tag":["{tag}"]}}}}}}"#
        );
        let of_wazuh = format!(
            r#"{{"timestamp":"2026-01-05T06:00:15Z","agent":{{}},"rule":{{"id":"{sid}","mitre":{{"id":["{native}"]}},"groups":["{tag}"]}}}}"#
        );
        for (format, line) in [(Format::Eve, of_eve), (Format::Wazuh, of_wazuh)] {
            let import = import(format, line.as_bytes(), &options).expect("valid");
            let alert = &import.alerts[0];
            assert_eq!(alert.techniques, [expect], "{line}");
            assert_eq!(alert.technique_source, source, "{line}");
            let enterprise = u64::from(native.starts_with("T1"));
            assert_eq!(unknown(&import), enterprise, "{line}");
        }
    };
    use TechniqueSource::{Native, Table, Tag};
    check(1, "T1190", "attack.t0855", "T1692.001", Tag);
    check(100, "T1190", "attack.t1190", "T0814", Table);
    check(100, "T1190", "attack.t0855", "T1692.001", Tag);
    // What is of ICS already, by an identifier of today or before, is not passed over.
    check(100, "T0843", "attack.t0855", "T0843", Native);
    check(100, "T0855", "attack.t0836", "T1692.001", Native);
    // Where none is, nothing is better than the tool's own.
    check(101, "T1190", "attack.t1078", "T1190", Native);
    check(102, "T1190", "", "T1190", Native);
}

#[test]
fn techniques_when_the_user_names_their_field_then_native() {
    let check = |format: Format, field: &str, line: &str| {
        let options = ImportOptions {
            technique_fields: vec![field.to_owned()],
            ..options()
        };
        let alert = first(format, line, &options);
        assert_eq!(alert.techniques, ["T1692.001"], "{line}");
        assert_eq!(alert.technique_source, TechniqueSource::Native);
    };
    check(
        Format::Cef,
        "Threat Tactic",
        "CEF:0|a|b|1|x|n|5|rt=1767592815250 cs6Label=threatTactic cs6=T0855",
    );
    check(
        Format::Cef,
        "Threat Tactics",
        "CEF:0|a|b|1|x|n|5|rt=1767592815250 cs6Label=threatTactic cs6=T0855",
    );
    check(
        Format::Cef,
        "ad.technique",
        "CEF:0|a|b|1|x|n|5|rt=1767592815250 ad.technique=T0855",
    );
    check(
        Format::Syslog,
        "ttp",
        "<130>1 2026-01-05T06:00:15Z h a - ALERT [x@1 sig=\"s\" ttp=\"T0855\"] m",
    );
    check(
        Format::Ecs,
        "labels.ttp",
        r#"{"@timestamp":"2026-01-05T06:00:15Z","event":{"kind":"alert"},"rule":{"id":"a"},"labels":{"ttp":"T0855"}}"#,
    );
}

/// A misspelled signature or field would else look as if it had been applied.
#[test]
fn techniques_when_table_or_field_fit_no_alert_then_noted() {
    let with = |sig: &str, field: &str| ImportOptions {
        signature_techniques: [(sig.to_owned(), vec!["T0855".to_owned()])].into(),
        technique_fields: vec![field.to_owned()],
        ..options()
    };
    let notes = |format: Format, text: &str, options: &ImportOptions| {
        let import = import(format, text.as_bytes(), options).expect(text);
        let notes = import.anomalies.keys();
        notes
            .filter(|note| note.contains("--technique"))
            .cloned()
            .collect::<Vec<_>>()
    };
    let alert = r#"{"@timestamp":"2026-01-05T06:00:15Z","event":{"kind":"alert"},"rule":{"id":"a"},"labels":{"ttp":"T0855"}}"#;
    let log = r#"{"@timestamp":"2026-01-05T06:00:15Z","event":{"kind":"event"},"source":{"ip":"10.20.1.66"}}"#;
    let (no_signature, no_field) = (
        "the table of techniques (--techniques, signature_table) names no signature of these alerts",
        "no alert has the field `no.such` (--technique-field)",
    );
    let wrong = with("b", "no.such");
    assert_eq!(notes(Format::Ecs, alert, &wrong), [no_field, no_signature]);
    // That the alert had its own techniques does not make the table wrong.
    let none: [&str; 0] = [];
    assert_eq!(notes(Format::Ecs, alert, &with("a", "labels.ttp")), none);
    assert_eq!(notes(Format::Ecs, log, &wrong), none);
    assert_eq!(notes(Format::Ecs, "", &wrong), none);
    let own = r#"{"t_ns":1,"sig_id":"a","techniques":["T0855"]}"#;
    let unread =
        "the field `ttp` (--technique-field) is not read in format `jsonl`, which has its own";
    assert_eq!(notes(Format::Jsonl, own, &with("a", "ttp")), [unread]);
    assert_eq!(
        notes(Format::Jsonl, own, &with("b", "ttp")),
        [unread, no_signature]
    );
}
