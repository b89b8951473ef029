//! ArcSight's Common Event Format, bare or behind a header of syslog.
//!
//! Every message is an alert: the format has no mark for what is none. CEF has no field for techniques;
//! tools put them into a custom text such as `cs1` and name it in `cs1Label`.
//!
//! # Source
//!
//! "Implementing ArcSight Common Event Format", version 25 (2017): header, extension dictionary, escapes,
//! date formats. The keys `src_ip`, `protocol` and the like are those of Microsoft Defender for IoT.

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
    // Some products have one signature for all of their alerts, and tell these apart by name.
    also: &["cef.name"],
    severity: &["cef.severity"],
    scale: severity::cef,
    src: End {
        ip: &["src", "src_ip"],
        asset: &["shost"],
        port: &["spt", "src_port"],
        mac: &["smac", "src_mac"],
        ..End::NONE
    },
    dst: End {
        ip: &["dst", "dst_ip"],
        asset: &["dhost"],
        port: &["dpt", "dst_port"],
        mac: &["dmac", "dst_mac"],
        ..End::NONE
    },
    proto: &["app", "proto", "protocol"],
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
        "label.mitreattacktactic",
        "label.mitreattacktacticid",
        "label.tactic",
        "label.tacticid",
    ],
    tags: &["label.tag"],
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
    let Some(at) = start(line.text).or_else(|| line.text.find("CEF:")) else {
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

/// Where a message begins in a line, behind whatever header: `CEF:`, a version and a bar. In an object or behind a tab it
/// is what another log tells of.
pub(super) fn start(line: &str) -> Option<usize> {
    let head = line.split('\t').next().unwrap_or_default();
    if head.trim_start().starts_with('{') {
        return None;
    }
    let mut places = head.match_indices("CEF:").map(|(at, _)| at);
    places.find(|at| {
        let version = &head[at + "CEF:".len()..];
        let version = version.strip_prefix(' ').unwrap_or(version);
        let rest = version.trim_start_matches(|c: char| c.is_ascii_digit());
        rest.len() < version.len() && rest.starts_with('|')
    })
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
        // A key holds no `=`, so that the blank before it stands behind the last one.
        let blank = rest[from..at].rfind(' ');
        let start = blank.map_or(from, |blank| from + blank + 1);
        let is_first = open.is_none() && from == 0;
        let begins_key = is_key(&rest[start..at]) && (blank.is_some() || is_first);
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

/// A label without case, blanks and the like, of one or of several: `MITRE Technique IDs` and `mitreTechniqueId` are
/// one.
pub(super) fn label(text: &str) -> String {
    let kept = text.chars().filter(char::is_ascii_alphanumeric);
    let label: String = kept.map(|c| c.to_ascii_lowercase()).collect();
    label.strip_suffix('s').unwrap_or(&label).to_owned()
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
        check("é=b=c d=1", &[("d", "1")]);
    }

    /// Where each `=` looked through all before it, this took minutes.
    #[test]
    fn extension_when_a_value_has_very_many_equals_signs_then_read_at_once() {
        let value = "a=".repeat(1_000_000);
        assert_eq!(extension(&format!("msg={value} x=1"))["msg"], value);
    }

    #[test]
    fn message_when_behind_any_header_then_found() {
        let check = |line: &str, expect: Option<usize>| assert_eq!(start(line), expect, "{line}");
        check("CEF:0|a", Some(0));
        check("<134>CEF:1|a", Some(5));
        check("host app[0]: CEF: 0|a", Some(13));
        check("no CEF: here, but CEF:0|a", Some(18));
        check("CEF:0|a\tb", Some(0));
        let told = ["1767592815.5\tCEF:0|a", " {\"a\":\"CEF:0|a\"}"];
        let damaged = ["", "CEF:", "CEF:x|a", "CEF:0", "CEF:|", "cef:0|a"];
        for none in told.into_iter().chain(damaged) {
            check(none, None);
        }
    }

    #[test]
    fn header_when_bars_are_escaped_then_part_of_the_field() {
        assert_eq!(unescaped_at("a\\|b|c", b'|'), Some(4));
        assert_eq!(unescaped_at("a\\\\|c", b'|'), Some(3));
        assert_eq!(without_escapes("a\\|b\\\\"), "a|b\\");
        assert_eq!(label("MITRE Technique-ID"), "mitretechniqueid");
        assert_eq!(label("mitre_techniques"), label("MITRE Technique"));
    }
}
