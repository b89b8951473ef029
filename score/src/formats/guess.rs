//! Which format a file is in, told by what only that format has.
//!
//! A guess is made only where one format fits: a file that fits none or several is refused, with the
//! names of those that it could be.

use serde::de::IgnoredAny;
use serde_json::Value;

use super::field::values;
use super::sniff::{self, Object};
use super::{Format, ImportError, cef, stix, syslog};

/// Records that are looked at; a file does not change its format behind them.
const LOOKED_AT: usize = 200;

/// The format of a file.
///
/// # Arguments
///
/// * `bytes` — the whole file. One without records is read as [`Format::Jsonl`]: a tool that raised no
///   alert says the same in all formats.
///
/// # Errors
///
/// The file is no text, its first record fits no format or several, or two records fit different ones.
///
/// # Examples
///
/// ```
/// use twinrange_score::formats::{Format, detect};
///
/// assert_eq!(detect(b"CEF:0|Example|OTGuard|3.1|mb-001|Write|8|src=10.20.1.66"), Ok(Format::Cef));
/// assert!(detect(b"{\"when\":1}").is_err());
/// ```
pub fn detect(bytes: &[u8]) -> Result<Format, ImportError> {
    let text = sniff::text(bytes)?;
    if is_spread_stix(text) {
        return Ok(Format::Stix);
    }
    let mut first: Option<(u64, Format)> = None;
    let mut only_carried = true;
    let messages = sniff::lines(text).flat_map(|line| syslog::messages(&line));
    for line in messages.map(|message| message.line).take(LOOKED_AT) {
        let fitting = of_line(line.text);
        let format = match fitting.as_slice() {
            [one] => *one,
            [] if first.is_some() => continue,
            [] => return Err(unknown(text, &line)),
            several => return Err(ambiguous(line.number, several)),
        };
        let is_carried = format == Format::Cef && !line.text.trim_start().starts_with("CEF:");
        match first {
            None => first = Some((line.number, format)),
            // Syslog carries CEF beside other messages, and its importer reads both.
            Some((_, Format::Syslog)) if is_carried => {}
            Some((_, Format::Cef)) if format == Format::Syslog && only_carried => {
                first = Some((line.number, format));
            }
            Some((at, other)) if other != format => {
                let message = format!(
                    "line {at} looks like `{}` and this one like `{}`",
                    other.name(),
                    format.name()
                );
                return Err(error(
                    line.number,
                    message,
                    "name the format with --format; a file holds one",
                ));
            }
            Some(_) => {}
        }
        only_carried &= is_carried || format == Format::Syslog;
    }
    Ok(first.map_or(Format::Jsonl, |(_, format)| format))
}

/// Whether a text begins with a document of STIX that is spread over lines.
fn is_spread_stix(text: &str) -> bool {
    let Some(line) = sniff::lines(text).next() else {
        return false;
    };
    let is_open = line.text.trim_start().starts_with('{')
        && serde_json::from_str::<IgnoredAny>(line.text).is_err();
    is_open && stix::first_document(text).is_some_and(|object| of_object(&object) == [Format::Stix])
}

fn error(line: u64, message: String, hint: &str) -> ImportError {
    ImportError {
        line,
        column: None,
        field: None,
        message,
        hint: Some(hint.to_owned()),
    }
}

fn unknown(text: &str, line: &sniff::Line<'_>) -> ImportError {
    let begun = line.text.trim_start();
    let why = if begun.starts_with('{') {
        unreadable_json(text, line)
    } else {
        syslog::why_not(line)
    };
    if let Some(error) = why {
        return error;
    }
    let what = match serde_json::from_str::<Value>(line.text) {
        Ok(Value::Object(object)) => {
            let keys: Vec<String> = object
                .keys()
                .take(5)
                .map(|key| format!("`{}`", super::shape::short(key)))
                .collect();
            format!(
                "a JSON object with the fields {}",
                if keys.is_empty() {
                    "of no format".to_owned()
                } else {
                    keys.join(", ")
                }
            )
        }
        _ => sniff::kind_of_text(begun).to_owned(),
    };
    error(
        line.number,
        format!("this is none of the formats that can be told apart: {what}"),
        "name the format with --format (`twinrange list formats`), or write the normal form: \
         one JSON object per line with `t_ns` and `sig_id`",
    )
}

/// Why the first line of a file is no object of JSON; `None` where it is one.
fn unreadable_json(text: &str, line: &sniff::Line<'_>) -> Option<ImportError> {
    // Where every line begins an object, each was to be one.
    let of_lines = sniff::lines(text)
        .nth(1)
        .is_some_and(|second| second.text.trim_start().starts_with('{'));
    let is_open = serde_json::from_str::<IgnoredAny>(line.text).is_err_and(|error| error.is_eof());
    if is_open
        && !of_lines
        && let Some(error) = stix::document_fault(text)
    {
        return Some(error);
    }
    line.object(Format::Jsonl).err()
}

fn ambiguous(line: u64, several: &[Format]) -> ImportError {
    let names: Vec<String> = several.iter().map(|f| format!("`{}`", f.name())).collect();
    error(
        line,
        format!("this could be {}", names.join(" or ")),
        "say which with --format",
    )
}

/// The formats that a line could be of.
fn of_line(line: &str) -> Vec<Format> {
    let line = line.trim_start();
    if line.starts_with('{') {
        return match serde_json::from_str(line) {
            Ok(Value::Object(object)) => of_object(&object),
            _ => Vec::new(),
        };
    }
    if line.starts_with("#separator")
        || line.starts_with("#fields\t")
        || line.starts_with("ts\tuid\t")
    {
        return vec![Format::Zeek];
    }
    if line.starts_with("CEF:") || cef::start(line).is_some() {
        return vec![Format::Cef];
    }
    if syslog::looks_like_it(line) {
        return vec![Format::Syslog];
    }
    Vec::new()
}

/// The formats that an object could be of, by fields that only they have.
fn of_object(object: &Object) -> Vec<Format> {
    let inner = sniff::wrapper(object).and_then(|name| object.get(name)?.as_object());
    let object = inner.unwrap_or(object);
    let has = |path: &str| !values(object, path).is_empty();
    let any = |paths: &[&str]| paths.iter().any(|path| has(path));
    let wazuh =
        has("rule.level") && has("timestamp") && any(&["agent", "manager", "decoder", "location"]);
    let rules: [(Format, bool); 9] = [
        (Format::Jsonl, has("t_ns")),
        (Format::Eve, has("event_type") && has("timestamp")),
        (
            Format::Zeek,
            has("ts") && any(&["id.orig_h", "note", "uid", "_path"]),
        ),
        (
            Format::Snort,
            any(&["timestamp", "seconds"])
                && (any(&["pkt_gen", "src_ap"])
                    || has("gid") && has("sid")
                    || has_snort_rule(object)),
        ),
        (Format::Wazuh, wazuh),
        (Format::Ocsf, has("class_uid")),
        (
            Format::Ecs,
            any(&["@timestamp", "kibana.alert.uuid"]) && !wazuh,
        ),
        (
            Format::Sigma,
            has("level") && has("tags") || has("Level") && has("RuleTitle"),
        ),
        (Format::Stix, stix::is_stix(object)),
    ];
    let fitting = rules.into_iter().filter(|(_, fits)| *fits);
    fitting.map(|(format, _)| format).collect()
}

/// `gid:sid:rev`.
fn has_snort_rule(object: &Object) -> bool {
    let rule = object.get("rule").and_then(Value::as_str);
    rule.is_some_and(|rule| {
        let parts: Vec<&str> = rule.split(':').collect();
        let number = |part: &&str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        parts.len() == 3 && parts.iter().all(number)
    })
}

/// "This looks like...", for a record that lacks what its format requires.
pub(super) fn hint(object: &Object) -> Option<String> {
    let [format] = of_object(object)[..] else {
        return None;
    };
    let name = format.name();
    Some(format!(
        "this looks like {}: `--format {name}`, or `format: \"{name}\"` in a defense's RON file",
        format.owner()
    ))
}

/// What a line is that is not of a format of messages: the format of its JSON, else what was expected.
pub(super) fn instead_of(format: Format, line: &str) -> String {
    let object = serde_json::from_str(line.trim()).ok();
    object
        .as_ref()
        .and_then(hint)
        .unwrap_or_else(|| format.looks())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn format_when_a_line_is_of_one_then_told() {
        let check = |line: &str, expect: Format| {
            assert_eq!(of_line(line), [expect], "{line}");
        };
        check(
            r#"{"t_ns":1,"sig_id":"a","tags":["attack.t0855"]}"#,
            Format::Jsonl,
        );
        check(
            r#"{"timestamp":"2026-01-05T06:00:15+0000","event_type":"alert","alert":{}}"#,
            Format::Eve,
        );
        check(r#"{"ts":1.5,"id.orig_h":"10.0.0.1"}"#, Format::Zeek);
        check(r#"{"ts":1.5,"note":"Scan::Port_Scan"}"#, Format::Zeek);
        check("#separator \\x09", Format::Zeek);
        check("ts\tuid\tid.orig_h", Format::Zeek);
        check(r#"{ "seconds" : 1, "rule" : "1:2:3" }"#, Format::Snort);
        check(
            r#"{ "timestamp" : "01/05-06:00:15.2", "gid": 1, "sid": 2 }"#,
            Format::Snort,
        );
        check("CEF:0|a|b|c|d|e|5|", Format::Cef);
        check(
            "<34>1 2026-01-05T06:00:15Z h a - - - CEF:0|a|b|c|d|e|5|",
            Format::Cef,
        );
        check("<134>CEF:0|a|b|c|d|e|5|", Format::Cef);
        check("guardian n2osevents[0]: CEF: 0|a|b|c|d|e|5|", Format::Cef);
        check("<34>Jan  5 06:00:15 h a: text", Format::Syslog);
        check("<34>Jan  5 06:00:15 h a: no CEF: text", Format::Syslog);
        check("<14>Jan 5 06:00:15 h a: text", Format::Syslog);
        check(
            "<130>1 2026-01-05T06:00:15Z h a - ALERT - text",
            Format::Syslog,
        );
        check("Jan  5 06:00:15 h sshd[4]: text", Format::Syslog);
        check(
            r#"{"timestamp":"2026-01-05T06:00:15.0+0000","rule":{"level":3,"id":"1"},"agent":{"id":"0"}}"#,
            Format::Wazuh,
        );
        check(r#"{"class_uid":2004,"time":1}"#, Format::Ocsf);
        check(
            r#"{"@timestamp":"2026-01-05T06:00:15Z","event":{"kind":"alert"}}"#,
            Format::Ecs,
        );
        check(
            r#"{"_source":{"@timestamp":"2026-01-05T06:00:15Z"}}"#,
            Format::Ecs,
        );
        check(
            r#"{"timestamp":"2026-01-05T06:00:15Z","level":"high","tags":["attack.t0855"],"title":"x"}"#,
            Format::Sigma,
        );
        check(
            r#"{"_index":"a","fields":{"@timestamp":["2026-01-05T06:00:15Z"]}}"#,
            Format::Ecs,
        );
        let cell = "1767592815.5\tCEF:0|a|b|c|d|e|5|";
        for none in [
            "",
            "{}",
            "{\"a\":1}",
            "hello",
            "[1]",
            "{\"t_ns\"",
            "1,2,3",
            cell,
        ] {
            assert_eq!(of_line(none), [], "{none}");
        }
    }

    /// The cause is named as the importer of its format names it.
    #[test]
    fn file_when_its_first_record_cannot_be_read_then_place_and_cause() {
        let check = |file: &[u8], place: &str, says: &str| {
            let shown = String::from_utf8_lossy(file);
            let error = detect(file).expect_err(&shown);
            let told = format!("{error} / {}", error.hint.as_deref().unwrap_or_default());
            assert!(
                told.starts_with(place) && told.contains(says),
                "{told}: {shown}"
            );
        };
        let pretty =
            b"{\n  \"timestamp\": \"2026-01-05T06:00:15Z\",\n  \"event_type\": \"alert\"\n}\n";
        check(pretty, "line 1, column 1", "pretty-printed JSON");
        let bundle = b"{\n  \"type\": \"bundle\",\n  \"objects\": [\n    {\"type\": \"sigh";
        check(bundle, "line 4, column 18", "truncated");
        check(
            b"{\"type\":\"bundle\",\"objects\":[\n",
            "line 2, column 1",
            "truncated",
        );
        check(b"{\"t_ns\":1,\"si", "line 1, column 13", "truncated");
        check(
            b"{\n  \"a\": 1,\n  \"b\": x\n}\n",
            "line 3, column 8",
            "invalid JSON",
        );
        let cut_line = b"{\"t_ns\":1,\n{\"t_ns\":2,\"sig_id\":\"a\"}\n";
        check(cut_line, "line 1, column 10", "ends in the middle");
        let object = "{\"t_ns\":1,\"sig_id\":\"a\"}";
        for (file, says) in [
            (
                format!("{object} {object}\n"),
                "a second object on one line",
            ),
            (
                format!("{object},\n{object}\n"),
                "a comma behind the object",
            ),
        ] {
            check(file.as_bytes(), "line 1, column 2", says);
        }
        check(
            b"<999>1 2026-01-05T06:00:15Z h a - - - t",
            "line 1, field `PRI`",
            "at most 191",
        );
        let cut = b"<130>1 2026-01-05T06:00:15Z h a - ALERT [x@1 sig=\"mb";
        check(
            cut,
            "line 1, field `STRUCTURED-DATA`",
            "no closing quotation mark",
        );
        let fast = b"01/05/2026-06:41:44.500000  [**] [1:9000101:2] x [**] {TCP} 10.0.0.1:1 -> 10.0.0.2:502";
        check(fast, "line 1", "Suricata's or Snort's fast.log");
        check(
            b"\xff\xfe{\0",
            "line 1",
            "UTF-16, not UTF-8 / convert it: `iconv -f UTF-16",
        );
        check(b"\xfe\xff\0{", "line 1", "UTF-16");
        check(b"\xfd7zXZ\0\0\x04", "line 1", "xz-compressed");
        check(b"ElfFile\0\0", "line 1", ".evtx");
        check(b"<?xml version=\"1.0\"?>", "line 1", "XML or HTML");
    }

    #[test]
    fn file_when_it_fits_several_or_none_then_refused_with_names() {
        let says = |file: &str| {
            let error = detect(file.as_bytes()).expect_err(file);
            format!("{error} / {}", error.hint.as_deref().expect("a hint"))
        };
        let both =
            r#"{"@timestamp":"2026-01-05T06:00:15Z","level":"high","tags":["attack.t0855"]}"#;
        assert!(says(both).contains("`ecs` or `sigma`"), "{}", says(both));
        let mixed = "{\"t_ns\":1}\n\n{\"class_uid\":2004}\n";
        assert!(
            says(mixed).contains("line 3: line 1 looks like `jsonl` and this one like `ocsf`"),
            "{}",
            says(mixed)
        );
        let odd = says("{\"when\":1,\"what\":2}");
        assert!(
            odd.contains("`what`, `when`") && odd.contains("`t_ns` and `sig_id`"),
            "{odd}"
        );
        assert!(says("<a/>").contains("XML"));
        assert_eq!(detect(b" \r\n\n"), Ok(Format::Jsonl));
        let (bare, carried, other) = (
            "CEF:0|a|b|c|d|e|5|\n",
            "Jan  5 06:00:15 h CEF:0|a|b|c|d|e|5|\n",
            "Jan  5 06:00:15 h a: text\n",
        );
        let told = |lines: &[&str]| detect(lines.concat().as_bytes()).map_err(|error| error.line);
        assert_eq!(told(&[carried, carried]), Ok(Format::Cef));
        assert_eq!(told(&[bare, carried]), Ok(Format::Cef));
        assert_eq!(told(&[carried, other]), Ok(Format::Syslog));
        assert_eq!(told(&[other, carried, carried]), Ok(Format::Syslog));
        assert_eq!(told(&[bare, other]), Err(2));
        assert_eq!(told(&[other, bare]), Err(2));
    }
}
