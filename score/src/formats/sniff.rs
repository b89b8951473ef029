//! Bytes into lines of JSON objects, with errors that say what the file is instead.

use serde::de::IgnoredAny;
use serde_json::{Map, Value};

use super::{Format, ImportError, cef, syslog};

/// The fields of one record.
pub(super) type Object = Map<String, Value>;

/// First bytes of files that users hand in by mistake.
const FOREIGN: [(&[u8], &str); 9] = [
    (&[0x0a, 0x0d, 0x0d, 0x0a], "a pcapng capture"),
    (&[0xd4, 0xc3, 0xb2, 0xa1], "a pcap capture"),
    (&[0x4d, 0x3c, 0xb2, 0xa1], "a pcap capture"),
    (&[0x1f, 0x8b], "gzip-compressed"),
    (b"PAR1", "a Parquet file"),
    (b"PK\x03\x04", "a zip archive"),
    (&[0x28, 0xb5, 0x2f, 0xfd], "zstd-compressed"),
    (b"\xfd7zXZ\x00", "xz-compressed"),
    (b"ElfFile\x00", "a log of Windows events (.evtx)"),
];

/// Byte order marks of UTF-16, as PowerShell writes it.
const UTF_16: [&[u8]; 2] = [&[0xff, 0xfe], &[0xfe, 0xff]];

pub(super) fn error(line: u64, message: impl Into<String>, hint: Option<&str>) -> ImportError {
    ImportError {
        line,
        column: None,
        field: None,
        message: message.into(),
        hint: hint.map(str::to_owned),
    }
}

/// The file as text, without a byte order mark.
pub(super) fn text(bytes: &[u8]) -> Result<&str, ImportError> {
    if let Some((_, what)) = FOREIGN.iter().find(|(magic, _)| bytes.starts_with(magic)) {
        return Err(error(
            1,
            format!("this is {what}, not an alert file"),
            Some("give the file that the tool writes its alerts to"),
        ));
    }
    if UTF_16.iter().any(|mark| bytes.starts_with(mark)) {
        return Err(error(
            1,
            "the text is UTF-16, not UTF-8",
            Some("convert it: `iconv -f UTF-16 -t UTF-8`"),
        ));
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    std::str::from_utf8(bytes).map_err(|utf8| {
        let good = &bytes[..utf8.valid_up_to()];
        let line = 1 + count_u64(good.iter().filter(|&&byte| byte == b'\n').count());
        error(
            line,
            "the text is not UTF-8",
            Some("an alert file is UTF-8 text, one record per line"),
        )
    })
}

/// A count as the type that errors carry.
pub(crate) fn count_u64(count: usize) -> u64 {
    u64::try_from(count).expect("a count fits 64 bits")
}

/// A line of a file that is not blank.
#[derive(Clone, Copy)]
pub(super) struct Line<'a> {
    /// 1-based.
    pub(super) number: u64,
    /// Without the end of the line.
    pub(super) text: &'a str,
    /// Whether the file ends with this line and without an end of line.
    pub(super) last: bool,
}

/// The lines of a file. Blank lines are passed over.
pub(super) fn lines(text: &str) -> impl Iterator<Item = Line<'_>> {
    let ends_with_newline = text.ends_with('\n');
    let last_line = text.lines().count();
    text.lines()
        .enumerate()
        .filter(|(_, line)| !line.trim().is_empty())
        .map(move |(index, text)| Line {
            number: count_u64(index + 1),
            text,
            last: index + 1 == last_line && !ends_with_newline,
        })
}

impl Line<'_> {
    /// The JSON object on this line.
    pub(super) fn object(&self, format: Format) -> Result<Object, ImportError> {
        let trimmed = self.text.trim_start();
        if !trimmed.starts_with('{') {
            let message = format!("expected a JSON object, found {}", kind_of_text(trimmed));
            return Err(error(self.number, message, Some(&format.looks())));
        }
        match serde_json::from_str::<Value>(self.text) {
            Ok(Value::Object(object)) => Ok(object),
            Ok(_) => Err(error(
                self.number,
                "this line is not a JSON object",
                Some(&format.looks()),
            )),
            Err(json) => Err(syntax_error(self.number, self.text, self.last, &json)),
        }
    }
}

/// The field in which an export of Elasticsearch or OpenSearch has wrapped up the document itself.
pub(super) fn wrapper(object: &Object) -> Option<&'static str> {
    // A search with `fields` may come without `_source`; other documents have fields of that name too.
    let names: &[&'static str] = if object.contains_key("_index") {
        &["_source", "fields"]
    } else {
        &["_source"]
    };
    let is_object = |name: &&str| object.get(*name).is_some_and(Value::is_object);
    names.iter().copied().find(is_object)
}

fn syntax_error(number: u64, line: &str, last: bool, json: &serde_json::Error) -> ImportError {
    let column = Some(char_column(line, json.column()));
    if json.is_eof() {
        let (message, hint) = if last {
            (
                "the file ends in the middle of this record: it is truncated",
                "let the tool finish and flush before scoring, or remove the partial line",
            )
        } else {
            (
                "this record ends in the middle of the JSON object",
                "one object per line: pretty-printed JSON spread over lines is not accepted (`jq -c .` joins it)",
            )
        };
        return ImportError {
            column,
            ..error(number, message, Some(hint))
        };
    }
    // serde_json appends "at line 1 column 12", which would contradict the file's line.
    let text = json.to_string();
    let message = text.split(" at line ").next().unwrap_or(&text);
    let (behind, hint) = behind_object(line);
    ImportError {
        column,
        ..error(number, format!("invalid JSON: {message}{behind}"), hint)
    }
}

/// What stands behind a whole object on its line, and what to do about it.
fn behind_object(line: &str) -> (&'static str, Option<&'static str>) {
    let mut objects = serde_json::Deserializer::from_str(line).into_iter::<IgnoredAny>();
    if !matches!(objects.next(), Some(Ok(_))) {
        return ("", None);
    }
    let rest = &line[objects.byte_offset()..];
    match rest.trim_start().as_bytes().first() {
        Some(b'{') => (
            ": a second object on one line",
            Some("one object per line (`jq -c .` takes them apart)"),
        ),
        Some(b',') => (
            ": a comma behind the object",
            Some(
                "one object per line, and no comma between them (`sed 's/,$//'` removes those at the ends of lines)",
            ),
        ),
        _ => ("", None),
    }
}

/// serde_json counts bytes; people count characters.
pub(super) fn char_column(line: &str, byte_column: usize) -> u64 {
    let bytes = line.as_bytes();
    let end = byte_column.min(bytes.len());
    let characters = bytes[..end]
        .iter()
        .filter(|&&byte| byte & 0xc0 != 0x80)
        .count();
    count_u64(characters.max(1))
}

/// What a line is that is no JSON object, in words.
pub(super) fn kind_of_text(line: &str) -> &'static str {
    if line.starts_with('{') {
        "a JSON object"
    } else if line.starts_with('[') && !line.contains("] ") {
        "a JSON array (`jq -c '.[]'` takes it apart)"
    } else if line.starts_with("CEF:") || cef::start(line).is_some() {
        "a CEF message (`--format cef`)"
    } else if line.starts_with('<') && !syslog::is_meant(line) {
        "XML or HTML"
    } else if line.starts_with('#') {
        "a tab-separated log with a header (`--format zeek` reads those of Zeek)"
    } else if line.contains("[**]") {
        "Suricata's or Snort's fast.log"
    } else if syslog::looks_like_it(line) || syslog::is_meant(line) {
        "a message of syslog (`--format syslog`)"
    } else if line
        .split_once(',')
        .is_some_and(|(first, _)| !first.contains(['{', '"', ' ']))
    {
        "comma-separated values"
    } else {
        "plain text"
    }
}
