//! What holds of an import whatever the file: any bytes, damaged samples, samples with other values.

use proptest::prelude::*;
use serde_json::Value;
use twinrange_score::formats::Format;

use crate::formats::{SAMPLES, documents, sample};
use crate::invariants::check_alerts;

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "\\PC{0,12}".prop_map(Value::from),
        prop::sample::select(vec![
            "T0855",
            "10.20.1.66",
            "2026-01-05T06:00:15Z",
            "1767592815",
            "-",
            "",
            "high",
            "1:2:3",
            "02-54-57-14-01-42",
        ])
        .prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        let key = prop::sample::select(vec!["id", "ip", "uid", "technique", "severity", "a.b"]);
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((key, inner), 0..4).prop_map(|pairs| {
                Value::Object(
                    pairs
                        .into_iter()
                        .map(|(key, value)| (key.to_owned(), value))
                        .collect(),
                )
            }),
        ]
    })
}

/// Puts a value in place of another, wherever that stands.
fn replace(value: &mut Value, at: &mut usize, by: &Value) {
    if *at == 0 {
        *value = by.clone();
        *at = usize::MAX;
        return;
    }
    *at = at.saturating_sub(1);
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| replace_open(item, at, by)),
        Value::Object(fields) => fields
            .values_mut()
            .for_each(|item| replace_open(item, at, by)),
        _ => {}
    }
}

fn replace_open(value: &mut Value, at: &mut usize, by: &Value) {
    if *at != usize::MAX {
        replace(value, at, by);
    }
}

proptest! {
    #[test]
    fn import_when_any_bytes_then_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        for format in Format::ALL {
            check_alerts(format, &bytes);
        }
    }

    #[test]
    fn import_when_a_sample_is_damaged_then_what_comes_holds(
        pick in any::<prop::sample::Index>(),
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        cut in prop::option::of(any::<prop::sample::Index>()),
        text in prop::option::of(("[ -~]{0,8}", any::<prop::sample::Index>())),
    ) {
        let (format, name) = SAMPLES[pick.index(SAMPLES.len())];
        let mut bytes = sample(name).into_bytes();
        for (at, with) in edits {
            let at = at.index(bytes.len());
            bytes[at] = with;
        }
        if let Some((text, at)) = text {
            let at = at.index(bytes.len());
            bytes.splice(at..at, text.into_bytes());
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()) + 1);
        }
        check_alerts(format, &bytes);
    }

    #[test]
    fn import_when_values_are_exchanged_then_what_comes_holds(
        pick in any::<prop::sample::Index>(),
        at in 0_usize..400,
        by in any_json(),
    ) {
        let (format, name) = SAMPLES[pick.index(SAMPLES.len())];
        for mut value in documents(name) {
            // A bundle has far more values than a record.
            let at = if format == Format::Stix { at } else { at / 10 };
            replace(&mut value, &mut at.clone(), &by);
            check_alerts(format, value.to_string().as_bytes());
        }
    }
}
