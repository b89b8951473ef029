//! Syslog of RFC 5424, of RFC 3164, and as daemons write it into files.
//!
//! A message is an alert if it names a signature: in a parameter of its structured data (`sig`), as the
//! last lines of Snort, Suricata and Sagan do (`[1:9000101:2] text {TCP} a -> b`), with CEF, or by the
//! MSGID `ALERT`. All others are telemetry about their host.
//!
//! # Source
//!
//! RFC 5424, section 6; RFC 3164, section 4. The libraries for it take what they cannot read for text,
//! and an importer has to name the field instead.

use serde_json::Value;

use super::shape::{End, Record, Shape, What};
use super::sniff::{self, Line, Object};
use super::{Format, Import, ImportError, ImportOptions, cef, guess, possible, severity};

const SHAPE: Shape = Shape {
    tool: &["app"],
    time: &["time"],
    time_hint: "2026-01-05T06:00:15.250431Z",
    sensor: &["host"],
    sig_id: &["sig", "msgid", "app"],
    sig_name: &["param.sig_name", "param.signature", "param.name", "msg"],
    also: &["sid"],
    severity: &["severity"],
    scale: severity::own,
    src: End {
        either: &["param.src", "param.src_ip", "param.srcip"],
        port: &["param.spt", "param.src_port", "param.sport"],
        mac: &["param.smac", "param.src_mac"],
        ..End::NONE
    },
    dst: End {
        either: &["param.dst", "param.dst_ip", "param.dstip"],
        port: &["param.dpt", "param.dst_port", "param.dport"],
        mac: &["param.dmac", "param.dst_mac"],
        ..End::NONE
    },
    proto: &["param.app", "param.proto"],
    action: &["param.action", "param.act"],
    techniques: &[
        "param.technique",
        "param.techniques",
        "param.technique_id",
        "param.mitre_technique",
        "param.mitre_technique_id",
    ],
    tactics: &["param.tactic", "param.tactic_id", "param.mitre_tactic_id"],
    tags: &["param.tags", "param.tag"],
    ..Shape::NONE
};

/// A message without a signature is about the host that sent it.
const LOG: Shape = Shape {
    host: End {
        either: &["host"],
        ..End::NONE
    },
    src: End::NONE,
    dst: End::NONE,
    ..SHAPE
};

/// Parameters that name a signature.
const SIGNATURES: [&str; 6] = ["sig", "sig_id", "signature_id", "sid", "rule_id", "rule"];
/// Those of them that are taken from free text, where firewalls write `rule=`.
const IN_TEXT: usize = 4;

/// Reads one line into `import`.
pub(super) fn line(
    line: &Line<'_>,
    options: &ImportOptions,
    import: &mut Import,
) -> Result<(), ImportError> {
    let mut object = match header(line.text) {
        Ok(object) => object,
        // What forwards CEF may write any header.
        Err(_) if cef::start(line.text).is_some() => return cef::line(line, options, import),
        Err(fault) => return Err(fault.on(line)),
    };
    let msg = object
        .get("msg")
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned();
    if msg.starts_with("CEF:") {
        return cef::message(line.number, &msg, object, options, import);
    }
    if let Some(fast) = fast_alert(&msg) {
        object.extend(fast);
    } else {
        let taken = object
            .get("param")
            .and_then(Value::as_object)
            .is_none_or(Object::is_empty);
        if taken {
            params_in_text(&msg, &mut object);
        }
        let param = object.get("param").and_then(Value::as_object);
        let named = SIGNATURES.iter().find_map(|name| param?.get(*name));
        if let Some(signature) = named.cloned() {
            object.insert("sig".to_owned(), signature);
        }
    }
    let is_alert = object
        .get("msgid")
        .and_then(Value::as_str)
        .is_some_and(|id| id.eq_ignore_ascii_case("alert"));
    let has_signature = object.contains_key("sig");
    if is_alert {
        // It says what kind of message this is, and no signature.
        object.remove("msgid");
    }
    let record = Record {
        object: &object,
        line: line.number,
    };
    if is_alert || has_signature {
        return SHAPE.take(&record, What::Alert, options, import);
    }
    let name = record.word(&["msgid", "app"])?;
    let what = What::Log(name.unwrap_or_else(|| "syslog".to_owned()));
    LOG.take(&record, what, options, import)
}

/// Whether a line begins as messages of syslog do.
pub(super) fn looks_like_it(line: &str) -> bool {
    header(line).is_ok()
}

/// Whether a line begins with a priority, whatever is wrong with it or behind it.
pub(super) fn is_meant(line: &str) -> bool {
    let text = without_count(line.trim_start());
    let digits = text
        .strip_prefix('<')
        .and_then(|rest| rest.split_once('>'))
        .map(|(digits, _)| digits);
    digits.is_some_and(|digits| {
        !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
    })
}

/// Why a line that begins with a priority is no message of syslog.
pub(super) fn why_not(line: &Line<'_>) -> Option<ImportError> {
    let fault = header(line.text).err()?;
    is_meant(line.text).then(|| fault.on(line))
}

/// What of a header cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    field: &'static str,
    message: &'static str,
}

impl Fault {
    fn on(self, line: &Line<'_>) -> ImportError {
        let what = sniff::kind_of_text(line.text.trim_start());
        let other = match what {
            "plain text" => String::new(),
            _ if is_meant(line.text) => String::new(),
            what => format!("; this line is {what}"),
        };
        ImportError {
            field: Some(self.field.to_owned()),
            ..sniff::error(
                line.number,
                format!("{}{other}", self.message),
                Some(&guess::instead_of(Format::Syslog, line.text)),
            )
        }
    }
}

fn fault<T>(field: &'static str, message: &'static str) -> Result<T, Fault> {
    Err(Fault { field, message })
}

/// A message's header: `severity` on our scale, `time`, `host`, `app`, `msgid`, the parameters of its
/// structured data in `param`, and `msg`. What is nil is left out.
pub(super) fn header(text: &str) -> Result<Object, Fault> {
    let mut object = Object::new();
    let text = without_count(text.trim_start());
    let rest = match text.strip_prefix('<') {
        Some(rest) => {
            let pri = rest.split_once('>').and_then(|(digits, rest)| {
                let short = digits.len() <= 3 && digits.bytes().all(|b| b.is_ascii_digit());
                let number = short.then(|| digits.parse::<u8>().ok()).flatten()?;
                (number <= 191).then_some((number, rest))
            });
            let Some((pri, rest)) = pri else {
                return fault(
                    "PRI",
                    "a priority is a number in angle brackets and at most 191",
                );
            };
            if let Some(grade) = severity::syslog(pri % 8) {
                object.insert("severity".to_owned(), grade.into());
            }
            rest
        }
        None => text,
    };
    match rest.strip_prefix("1 ").filter(|_| rest.len() < text.len()) {
        Some(rest) => rfc_5424(rest, &mut object)?,
        None => rfc_3164(rest.trim_start(), &mut object)?,
    }
    Ok(object)
}

/// Streams count the bytes of each message before it (RFC 6587).
fn without_count(text: &str) -> &str {
    counted(text).map_or(text, |(_, rest)| rest)
}

/// The count before a message, and what stands behind it.
fn counted(text: &str) -> Option<(&str, &str)> {
    let (count, rest) = text.split_once(' ')?;
    let is_count = !count.is_empty() && count.bytes().all(|b| b.is_ascii_digit());
    (is_count && rest.starts_with('<')).then_some((count, rest))
}

/// A count that is larger than its message.
const CUT: &str = "the byte count before a message of syslog is larger than what is left of its line: the message was cut";
/// A count that is smaller than its message.
const WRONG_COUNT: &str = "no message begins where the byte count before a message of syslog says; \
                           the rest of its line is read as one";

/// A message of a line.
pub(super) struct Counted<'a> {
    /// The message behind its count; the whole line where it has none.
    pub(super) line: Line<'a>,
    /// Where it begins in the line, in bytes.
    at: usize,
    /// What is wrong with its count.
    anomaly: Option<&'static str>,
}

/// The messages of a line, of which there are several where each has its count (RFC 6587, 3.4.1).
pub(super) fn messages<'a>(line: &Line<'a>) -> impl Iterator<Item = Counted<'a>> + use<'a> {
    let line = *line;
    // The end of the line is not in it, and may have been counted.
    let end_of_line = if line.last { 0 } else { "\r\n".len() };
    let mut next = Some(0);
    std::iter::from_fn(move || {
        let from = next.take()?;
        let text = line.text[from..].trim_start();
        let Some((count, rest)) = counted(text) else {
            return Some(Counted {
                line,
                at: 0,
                anomaly: None,
            });
        };
        let at = line.text.len() - rest.len();
        let (mut message, mut anomaly) = (rest, None);
        match count.parse::<usize>() {
            Ok(count) if count <= rest.len() => {
                let parts = rest.split_at_checked(count);
                match parts.map(|(own, behind)| (own, behind.trim_start())) {
                    Some((_, "")) => {}
                    Some((own, behind)) if counted(behind).is_some() => {
                        message = own;
                        next = Some(at + count);
                    }
                    _ => anomaly = Some(WRONG_COUNT),
                }
            }
            Ok(count) if count <= rest.len() + end_of_line => {}
            _ => anomaly = Some(CUT),
        }
        Some(Counted {
            line: Line {
                text: message,
                last: line.last && next.is_none(),
                ..line
            },
            at,
            anomaly,
        })
    })
}

/// Reads the messages of a line, each with `one`.
pub(super) fn each(
    line: &Line<'_>,
    options: &ImportOptions,
    import: &mut Import,
    one: fn(&Line<'_>, &ImportOptions, &mut Import) -> Result<(), ImportError>,
) -> Result<(), ImportError> {
    for (index, message) in messages(line).enumerate() {
        if let Some(anomaly) = message.anomaly {
            import.note(anomaly);
        }
        one(&message.line, options, import).map_err(|error| ImportError {
            // Of several messages the line alone does not say which.
            column: error
                .column
                .or((index > 0).then(|| sniff::char_column(line.text, message.at + 1))),
            ..error
        })?;
    }
    Ok(())
}

fn put(object: &mut Object, name: &str, value: &str) {
    if !value.is_empty() && value != "-" {
        object.insert(name.to_owned(), value.into());
    }
}

fn rfc_5424(text: &str, object: &mut Object) -> Result<(), Fault> {
    let mut rest = text;
    for (name, field) in [
        ("time", "TIMESTAMP"),
        ("host", "HOSTNAME"),
        ("app", "APP-NAME"),
        ("procid", "PROCID"),
        ("msgid", "MSGID"),
    ] {
        let Some((word, behind)) = rest.split_once(' ') else {
            return fault(field, "the header ends before STRUCTURED-DATA");
        };
        if word.is_empty() {
            return fault(field, "the field is empty: a nil value is written as -");
        }
        put(object, name, word);
        rest = behind;
    }
    let (params, behind) = structured_data(rest)?;
    object.insert("param".to_owned(), Value::Object(params));
    let msg = behind.strip_prefix(' ').unwrap_or(behind);
    put(object, "msg", msg.trim_start_matches('\u{feff}').trim_end());
    Ok(())
}

const SD: &str = "STRUCTURED-DATA";

/// The parameters of all elements; one that stands more than once is a list.
fn structured_data(text: &str) -> Result<(Object, &str), Fault> {
    let mut params = Object::new();
    if let Some(rest) = text.strip_prefix('-') {
        return Ok((params, rest));
    }
    let mut rest = text;
    if !rest.starts_with('[') {
        return fault(SD, "expected - or an element in brackets");
    }
    while let Some(element) = rest.strip_prefix('[') {
        let Some(end) = element.find([' ', ']']) else {
            return fault(SD, "an element is not closed");
        };
        rest = &element[end..];
        while let Some(param) = rest.strip_prefix(' ') {
            if param.starts_with(']') {
                rest = param;
                break;
            }
            let Some((name, value)) = param.split_once("=\"") else {
                return fault(SD, "a parameter is not of the form name=\"value\"");
            };
            let Some((value, behind)) = quoted(value) else {
                return fault(SD, "a value has no closing quotation mark");
            };
            add(&mut params, name, value);
            rest = behind;
        }
        rest = match rest.strip_prefix(']') {
            Some(rest) => rest,
            None => return fault(SD, "an element is not closed"),
        };
    }
    Ok((params, rest))
}

fn add(params: &mut Object, name: &str, value: String) {
    match params.get_mut(name) {
        Some(Value::Array(all)) => all.push(value.into()),
        Some(first) => *first = Value::Array(vec![first.take(), value.into()]),
        None => {
            params.insert(name.to_owned(), value.into());
        }
    }
}

/// A value up to its closing quotation mark; a backslash hides `"`, `\` and `]`.
fn quoted(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Some((value, &text[at + 1..])),
            '\\' => match chars.next()?.1 {
                c @ ('"' | '\\' | ']') => value.push(c),
                other => value.extend(['\\', other]),
            },
            c => value.push(c),
        }
    }
    None
}

/// `Jan  5 06:00:15 host app[7]: text`, and the same with a time of ISO 8601 as daemons write it.
fn rfc_3164(text: &str, object: &mut Object) -> Result<(), Fault> {
    let Some(length) = time_length(text) else {
        return fault(
            "TIMESTAMP",
            "the line does not begin as a message of syslog does",
        );
    };
    put(object, "time", &text[..length]);
    let mut rest = text[length..].trim_start();
    // Without a host the tag comes at once.
    if let Some((word, behind)) = rest
        .split_once(' ')
        .or((!rest.is_empty()).then_some((rest, "")))
        && !word.ends_with(':')
        && !word.starts_with("CEF:")
    {
        put(object, "host", word);
        rest = behind.trim_start();
    }
    let tag = rest
        .split_once(": ")
        .or(rest.strip_suffix(':').map(|tag| (tag, "")));
    let tag = tag.filter(|(tag, _)| !tag.contains([' ', '|']) && !rest.starts_with("CEF:"));
    let msg = match tag {
        Some((tag, msg)) => {
            let name = tag.split_once('[').map_or(tag, |(name, _)| name);
            put(object, "app", name);
            msg
        }
        None => rest,
    };
    put(object, "msg", msg.trim());
    Ok(())
}

/// How long the time is with which a text begins, in bytes.
fn time_length(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let is_clock = |at: usize| {
        bytes.get(at..at + 8).is_some_and(|clock| {
            let colon = |index: usize| matches!(index, 2 | 5);
            clock.iter().enumerate().all(|(index, byte)| {
                if colon(index) {
                    *byte == b':'
                } else {
                    byte.is_ascii_digit()
                }
            })
        })
    };
    if bytes.first()?.is_ascii_digit() && is_clock(11) {
        // Suricata's fast.log begins with 01/05/2026-06:00:15.
        if bytes[4] != b'-' {
            return None;
        }
        let end = text.find(' ').unwrap_or(text.len());
        // What else begins with a time, such as a row of CSV, goes on differently.
        let is_zone = |byte: &u8| byte.is_ascii_digit() || b".:+-Zz".contains(byte);
        return (end >= 19 && bytes[19..end].iter().all(is_zone)).then_some(end);
    }
    let month = bytes.get(..4)?;
    let is_month = month[..3].iter().all(u8::is_ascii_alphabetic) && month[3] == b' ';
    if !is_month {
        return None;
    }
    // Not all write the blank before a day of one digit, and some write a year behind it.
    let clock = [6, 7, 11, 12].into_iter().find(|at| is_clock(*at))?;
    let date = text[4..clock].strip_suffix(' ')?.split_ascii_whitespace();
    let date: Vec<&str> = date.collect();
    let is_number = |word: &&str| word.bytes().all(|byte| byte.is_ascii_digit());
    if date.first().is_none_or(|day| day.len() > 2) || !date.iter().all(is_number) {
        return None;
    }
    let rest = &text[clock + 8..];
    // Some daemons write fractions.
    let fraction = rest.find(|c: char| c != '.' && !c.is_ascii_digit());
    Some(clock + 8 + fraction.unwrap_or(rest.len()))
}

/// The message of Snort, Suricata and Sagan:
/// `[1:9000101:2] text [Classification: Bad] [Priority: 2] {TCP} 10.0.0.1:1 -> 10.0.0.2:502`. Inline tools write
/// `[Drop]`, or `[wDrop]` where they would have, before it.
fn fast_alert(msg: &str) -> Option<Object> {
    let (action, msg) = match (msg.strip_prefix("[Drop] "), msg.strip_prefix("[wDrop] ")) {
        (Some(rest), _) => ("blocked", rest),
        (_, Some(rest)) => ("allowed", rest),
        _ => ("", msg),
    };
    let (rule, rest) = msg.strip_prefix('[')?.split_once(']')?;
    let ids: Vec<&str> = rule.split(':').collect();
    let [gid, sid, _] = ids.as_slice() else {
        return None;
    };
    let is_number = |text: &&str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if !ids.iter().all(is_number) {
        return None;
    }
    let end = [" [Classification:", " [Priority:", " {"]
        .iter()
        .filter_map(|mark| rest.find(mark))
        .min();
    let name = rest[..end.unwrap_or(rest.len())].trim().trim_matches('"');
    let mut object = Object::new();
    put(&mut object, "sig", &format!("{gid}:{sid}"));
    put(&mut object, "sid", sid);
    let mut param = Object::new();
    put(&mut param, "sig_name", name);
    if !action.is_empty() {
        put(&mut param, "action", action);
    }
    let between =
        |open: &str, close: char| Some(rest.split_once(open)?.1.split_once(close)?.0.trim());
    if let Some(grade) = between("[Priority:", ']').and_then(severity::priority) {
        object.insert("severity".to_owned(), grade.into());
    }
    let proto = between("{", '}').unwrap_or_default();
    if !proto.is_empty() {
        put(&mut param, "proto", proto);
    }
    // Behind the last colon of an end is a port, in an IPv6 address without brackets too.
    let has_ports = matches!(proto, "TCP" | "UDP" | "SCTP");
    if let Some((src, dst)) = rest
        .rsplit_once("} ")
        .and_then(|(_, ends)| ends.split_once(" -> "))
    {
        for (end, ip, port) in [(src, "src", "spt"), (dst, "dst", "dpt")] {
            let end = end.trim();
            let (address, number) = match end.rsplit_once(':') {
                Some(parts) if has_ports || !possible::is_ip(end) => parts,
                _ => (end, ""),
            };
            put(&mut param, ip, address);
            put(&mut param, port, number);
        }
    }
    object.insert("param".to_owned(), Value::Object(param));
    Some(object)
}

/// `sig="mb-001" src=10.0.0.1` in the text, if one of the pairs names a signature.
fn params_in_text(msg: &str, object: &mut Object) {
    let mut found = Object::new();
    for (key, value) in cef::extension(msg) {
        let text = value.as_str().unwrap_or_default();
        let value = match text.strip_prefix('"') {
            Some(quoted) => quoted.split('"').next(),
            None => text.split([' ', ',']).next(),
        };
        put(&mut found, &key, value.unwrap_or_default());
    }
    if SIGNATURES[..IN_TEXT]
        .iter()
        .any(|name| found.contains_key(*name))
    {
        object.insert("param".to_owned(), Value::Object(found));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Object {
        header(text).unwrap_or_else(|fault| panic!("{fault:?}: {text}"))
    }

    #[test]
    fn header_when_of_either_rfc_then_its_fields() {
        let check = |text: &str, expect: [&str; 4]| {
            let found = read(text);
            let word = |name: &str| {
                found
                    .get(name)
                    .and_then(Value::as_str)
                    .unwrap_or_default()
                    .to_owned()
            };
            assert_eq!(["time", "host", "app", "msg"].map(word), expect, "{text}");
        };
        let at = "2026-01-05T06:00:15.25Z";
        check(
            &format!("<130>1 {at} h a 7 ID - text"),
            [at, "h", "a", "text"],
        );
        check(
            &format!("57 <130>1 {at} h a 7 ID - \u{feff}text"),
            [at, "h", "a", "text"],
        );
        check("<0>1 - - - - - -", ["", "", "", ""]);
        check(
            &format!("<130>1 {at} - - - - [x@1 a=\"1\"][y] m"),
            [at, "", "", "m"],
        );
        check(
            "<34>Jan  5 06:00:15 h a[7]: text: more",
            ["Jan  5 06:00:15", "h", "a", "text: more"],
        );
        check(
            "<34>Jan  5 06:00:15 a: text",
            ["Jan  5 06:00:15", "", "a", "text"],
        );
        check(
            "Jan 15 2026 06:00:15.250 h text here",
            ["Jan 15 2026 06:00:15.250", "h", "", "text here"],
        );
        check(
            &format!("{at} h CEF:0|a|b: c|"),
            [at, "h", "", "CEF:0|a|b: c|"],
        );
        check(
            "<14>Jan 5 06:00:15 h a: text",
            ["Jan 5 06:00:15", "h", "a", "text"],
        );
        check(
            "Jan 5 2026 06:00:15 h text",
            ["Jan 5 2026 06:00:15", "h", "", "text"],
        );
        check("Jan  5 06:00:15 h", ["Jan  5 06:00:15", "h", "", ""]);
        check("Jan  5 06:00:15", ["Jan  5 06:00:15", "", "", ""]);
    }

    #[test]
    fn header_when_damaged_then_the_field_is_named() {
        let check = |text: &str, field: &str| {
            assert_eq!(header(text).expect_err(text).field, field, "{text}");
        };
        check("<192>1 - - - - - -", "PRI");
        check("<x>1 - - - - - -", "PRI");
        check("<13", "PRI");
        check("<13>1 - -", "HOSTNAME");
        check("<13>1 -  - - - -", "HOSTNAME");
        check("<13>1 - - - - -", "MSGID");
        check("<13>1 - - - - - text", SD);
        check("<13>1 - - - - - [a b=\"1]", SD);
        check("<13>1 - - - - - [a b=1]", SD);
        check("<13>1 - - - - - [a", SD);
        check("<13>text", "TIMESTAMP");
        check("text", "TIMESTAMP");
        check("2026-01-05T06:00:15Z,10.0.0.1,write", "TIMESTAMP");
        check("", "TIMESTAMP");
        check("é Jan 5", "TIMESTAMP");
        for none in [
            "Jan 105 06:00:15",
            "Jan x 06:00:15",
            "Jan  06:00:15",
            "Jané 06:00:15",
        ] {
            check(none, "TIMESTAMP");
        }
    }

    #[test]
    fn structured_data_when_values_are_escaped_or_repeated_then_read() {
        let found = read(r#"<13>1 - - - - - [a@1 ip="1" ip="2" q="x\"y\]\\z\n" ][b] t"#);
        let param = &found["param"];
        assert_eq!(param["ip"], serde_json::json!(["1", "2"]));
        assert_eq!(param["q"], "x\"y]\\z\\n");
    }

    #[test]
    fn fast_alert_when_of_snort_then_rule_and_ends() {
        let text = "[1:9000101:2] \"RANGE write\" [Classification: Bad] [Priority: 2] {TCP} 10.0.0.1:1 -> 10.0.0.2:502";
        let found = fast_alert(text).expect("an alert");
        assert_eq!(found["sig"], "1:9000101");
        assert_eq!(found["severity"], 6);
        let param = serde_json::json!({
            "sig_name": "RANGE write", "proto": "TCP", "src": "10.0.0.1", "spt": "1", "dst": "10.0.0.2", "dpt": "502",
        });
        assert_eq!(found["param"], param);
        let plain = fast_alert("[1:2:3] x {ICMP} fe80::1 -> fe80::2").expect("an alert");
        assert_eq!(plain["param"]["dst"], "fe80::2");
        for none in ["[1:2] x", "[a:b:c] x", "x [1:2:3]", "[1:2:3", ""] {
            assert!(fast_alert(none).is_none(), "{none}");
        }
    }
}
