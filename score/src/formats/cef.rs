//! ArcSight's Common Event Format, bare or behind a header of syslog.
//!
//! Every message is an alert: the format has no mark for what is none. CEF has no field for techniques;
//! tools put them into a custom text such as `cs1` and name it in `cs1Label`.
//!
//! # Source
//!
//! "Implementing ArcSight Common Event Format", version 25 (2017): header, extension dictionary, escapes,
//! date formats.

use serde_json::Value;

use super::shape::{End, Record, Shape, What};
use super::sniff::{self, Line, Object};
use super::{Format, Import, ImportError, ImportOptions, guess, severity, syslog};

const SHAPE: Shape = Shape {
    tool: &["cef.device_product"],
    // When the device had it whole; an alert cannot be earlier than the end of what it is about.
    time: &["rt", "end", "start", "syslog.time"],
    time_hint: "rt=1767592815250 or rt=Jan 05 2026 06:00:15 UTC",
    sensor: &["dvchost", "dvc", "syslog.host"],
    sig_id: &["cef.signature_id"],
    sig_name: &["cef.name", "msg"],
    severity: &["cef.severity"],
    scale: severity::cef,
    src: End {
        ip: &["src"],
        asset: &["shost"],
        port: &["spt"],
        mac: &["smac"],
        ..End::NONE
    },
    dst: End {
        ip: &["dst"],
        asset: &["dhost"],
        port: &["dpt"],
        mac: &["dmac"],
        ..End::NONE
    },
    proto: &["app", "proto"],
    action: &["act"],
    techniques: &[
        "label.mitretechnique",
        "label.mitretechniqueid",
        "label.mitreattack",
        "label.mitreattackid",
        "label.mitreattacktechnique",
        "label.mitreattacktechniqueid",
        "label.attacktechnique",
        "label.attacktechniqueid",
        "label.technique",
        "label.techniqueid",
    ],
    tactics: &[
        "label.mitretactic",
        "label.mitretacticid",
        "label.tactic",
        "label.tacticid",
    ],
    tags: &["label.tags", "label.tag"],
    ..Shape::NONE
};

const HEADER: [&str; 6] = [
    "device_vendor",
    "device_product",
    "device_version",
    "signature_id",
    "name",
    "severity",
];

/// Reads one line into `import`.
pub(super) fn line(
    line: &Line<'_>,
    options: &ImportOptions,
    import: &mut Import,
) -> Result<(), ImportError> {
    let Some(at) = line.text.find("CEF:") else {
        let found = sniff::kind_of_text(line.text.trim_start());
        let message = format!("expected a CEF message, found {found}");
        let hint = guess::instead_of(Format::Cef, line.text);
        return Err(sniff::error(line.number, message, Some(&hint)));
    };
    let (before, message) = line.text.split_at(at);
    // What forwards CEF may write any header: only a missing `rt` makes us need it.
    let header = syslog::header(before.trim_end()).unwrap_or_default();
    self::message(line.number, message, header, options, import)
}

/// Reads a message that begins with `CEF:`.
pub(super) fn message(
    line: u64,
    text: &str,
    syslog: Object,
    options: &ImportOptions,
    import: &mut Import,
) -> Result<(), ImportError> {
    let mut parts = Vec::new();
    let mut rest = text.strip_prefix("CEF:").unwrap_or(text);
    let empty = Object::new();
    let place = Record {
        object: &empty,
        line,
    };
    while parts.len() < 7 {
        match unescaped_at(rest, b'|') {
            Some(at) => {
                parts.push(without_escapes(&rest[..at]));
                rest = &rest[at + 1..];
            }
            // The last field of a message without an extension need not be closed.
            None if parts.len() == 6 => {
                parts.push(without_escapes(rest.trim_end()));
                rest = "";
            }
            None => {
                let field = HEADER[parts.len().saturating_sub(1).min(5)];
                let message = format!("the header ends after {} of its 7 parts", parts.len());
                return Err(place.error(field, message, Some(&Format::Cef.looks())));
            }
        }
    }
    if parts[0].trim().parse::<u8>().is_err() {
        let message = format!(
            "\"{}\" is no version of CEF",
            super::shape::short(&parts[0])
        );
        return Err(place.error("version", message, Some(&Format::Cef.looks())));
    }
    let mut object = extension(rest);
    let named = HEADER.iter().zip(parts.into_iter().skip(1));
    let header: Object = named
        .map(|(name, part)| ((*name).to_owned(), part.into()))
        .collect();
    let labels = labels(&object);
    object.insert("cef".to_owned(), Value::Object(header));
    object.insert("label".to_owned(), Value::Object(labels));
    object.insert("syslog".to_owned(), Value::Object(syslog));
    let record = Record {
        object: &object,
        line,
    };
    SHAPE.take(&record, What::Alert, options, import)
}

/// Where a character stands that no backslash hides.
fn unescaped_at(text: &str, wanted: u8) -> Option<usize> {
    let mut hidden = false;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if hidden => hidden = false,
            b'\\' => hidden = true,
            byte if byte == wanted => return Some(at),
            _ => {}
        }
    }
    None
}

/// `\|`, `\=` and `\\` are the characters themselves, `\n` and `\r` ends of lines.
fn without_escapes(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            plain.push(c);
            continue;
        }
        match chars.next() {
            Some('n') => plain.push('\n'),
            Some('r') => plain.push('\r'),
            Some(other @ ('\\' | '|' | '=')) => plain.push(other),
            Some(other) => plain.extend(['\\', other]),
            None => plain.push('\\'),
        }
    }
    plain
}

/// `key=value` pairs whose values may hold blanks: a value ends where the next key begins.
pub(super) fn extension(text: &str) -> Object {
    let mut object = Object::new();
    let mut rest = text.trim();
    let mut open: Option<String> = None;
    let mut from = 0;
    while let Some(at) = unescaped_at(&rest[from..], b'=').map(|at| at + from) {
        let start = rest[..at].rfind(' ').map_or(0, |blank| blank + 1);
        let begins_key = is_key(&rest[start..at]) && (open.is_none() || start > 0);
        if !begins_key {
            // Tools forget to escape `=` in URLs and command lines: it belongs to the value.
            from = at + 1;
            continue;
        }
        let next = rest[start..at].to_owned();
        if let Some(key) = open.replace(next) {
            object.insert(key, without_escapes(rest[..start].trim()).into());
        }
        rest = &rest[at + 1..];
        from = 0;
    }
    if let Some(key) = open {
        object.insert(key, without_escapes(rest.trim()).into());
    }
    object
}

/// Keys are words; vendors add dots and the like.
fn is_key(key: &str) -> bool {
    key.starts_with(|c: char| c.is_ascii_alphabetic())
        && key
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-'))
}

/// Custom fields under the names that their labels give them.
fn labels(object: &Object) -> Object {
    let mut named = Object::new();
    for (key, name) in object {
        let field = key.strip_suffix("Label").and_then(|base| object.get(base));
        if let (Some(value), Some(name)) = (field, name.as_str()) {
            named.insert(label(name), value.clone());
        }
    }
    named
}

/// A label without case, blanks and the like: `MITRE Technique ID` and `mitreTechniqueId` are one.
pub(super) fn label(text: &str) -> String {
    let kept = text.chars().filter(char::is_ascii_alphanumeric);
    kept.map(|c| c.to_ascii_lowercase()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extension_when_values_hold_blanks_and_escapes_then_split_at_keys() {
        let check = |text: &str, expect: &[(&str, &str)]| {
            let found = extension(text);
            let found: Vec<(&str, &str)> = found
                .iter()
                .map(|(key, value)| (key.as_str(), value.as_str().expect("text")))
                .collect();
            assert_eq!(found, expect, "{text}");
        };
        check("", &[]);
        check("src=10.0.0.1", &[("src", "10.0.0.1")]);
        check("msg=a b  c dst=1", &[("dst", "1"), ("msg", "a b  c")]);
        check(
            "msg=a\\=b\\\\ c\\nd dst=1",
            &[("dst", "1"), ("msg", "a=b\\ c\nd")],
        );
        check(
            "request=http://h/?a=1&b=2 spt=5",
            &[("request", "http://h/?a=1&b=2"), ("spt", "5")],
        );
        check("a= b=", &[("a", ""), ("b", "")]);
        check("lost text a=1", &[("a", "1")]);
        check("a==b c=1", &[("a", "=b"), ("c", "1")]);
        check("msg=é = ü x=1", &[("msg", "é = ü"), ("x", "1")]);
    }

    #[test]
    fn header_when_bars_are_escaped_then_part_of_the_field() {
        assert_eq!(unescaped_at("a\\|b|c", b'|'), Some(4));
        assert_eq!(unescaped_at("a\\\\|c", b'|'), Some(3));
        assert_eq!(without_escapes("a\\|b\\\\"), "a|b\\");
        assert_eq!(label("MITRE Technique-ID"), "mitretechniqueid");
    }
}
