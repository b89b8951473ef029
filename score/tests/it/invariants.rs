//! What must hold of an import of any bytes; the fuzz target `alerts` checks the same.

use twinrange_score::alert::to_jsonl;
use twinrange_score::attack;
use twinrange_score::formats::{Format, ImportOptions, detect, import};

/// An hour with a zone, so that no time is refused for the lack of one.
#[must_use]
pub(crate) fn options() -> ImportOptions {
    ImportOptions {
        duration_ns: Some(3_600_000_000_000),
        zone_s: Some(3600),
        technique_fields: vec!["ttp".to_owned()],
        ..ImportOptions::default()
    }
}

/// Reads bytes as a file of a format and checks what came of it.
///
/// # Panics
///
/// If an importer does, or if what it says cannot be so.
pub(crate) fn check_alerts(format: Format, bytes: &[u8]) {
    let lines = bytes.iter().filter(|&&byte| byte == b'\n').count() + 1;
    let lines = u64::try_from(lines).expect("a count");
    for error in [detect(bytes).err(), import(format, bytes, &options()).err()]
        .into_iter()
        .flatten()
    {
        assert!((1..=lines).contains(&error.line), "{error}");
        assert!(!error.message.is_empty());
        assert!(!error.to_string().contains('\u{1b}'), "{error}");
    }
    let Ok(found) = import(format, bytes, &options()) else {
        return;
    };
    // A bundle has its records on a line or on many.
    let most = match format {
        Format::Stix => u64::try_from(bytes.len()).expect("a count"),
        _ => lines,
    };
    assert!(
        found.read() <= most,
        "{} records on {lines} lines",
        found.read()
    );
    let listed: u64 = found.left_out.len().try_into().expect("a count");
    assert!(listed <= found.impossible && found.impossible <= found.skipped.values().sum());
    assert!(found.alerts.is_sorted_by_key(|alert| alert.t_ns));
    for alert in &found.alerts {
        assert!(alert.t_ns <= 3_600_000_000_000 && alert.severity.is_none_or(|grade| grade <= 10));
        assert!(
            alert.techniques.is_sorted() && alert.tactics.is_sorted(),
            "{alert:?}"
        );
        for id in &alert.techniques {
            assert!(
                attack::is_technique_id(id) && attack::canonical(id) == id,
                "{alert:?}"
            );
        }
    }
    // What became of it in the normal form is what the normal form reads.
    let again = import(
        Format::Jsonl,
        to_jsonl(&found.alerts).as_bytes(),
        &options(),
    );
    assert_eq!(again.expect("what we write is valid").alerts, found.alerts);
}
