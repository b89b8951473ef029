//! Bytes into lines of JSON objects, with errors that say what the file is instead.

use serde_json::{Map, Value};

use super::{Format, ImportError};

/// The fields of one record.
pub(super) type Object = Map<String, Value>;

/// First bytes of files that users hand in by mistake.
const FOREIGN: [(&[u8], &str); 7] = [
    (&[0x0a, 0x0d, 0x0d, 0x0a], "a pcapng capture"),
    (&[0xd4, 0xc3, 0xb2, 0xa1], "a pcap capture"),
    (&[0x4d, 0x3c, 0xb2, 0xa1], "a pcap capture"),
    (&[0x1f, 0x8b], "gzip-compressed"),
    (b"PAR1", "a Parquet file"),
    (b"PK\x03\x04", "a zip archive"),
    (&[0x28, 0xb5, 0x2f, 0xfd], "zstd-compressed"),
];

fn error(line: u64, message: impl Into<String>, hint: Option<&str>) -> ImportError {
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
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    std::str::from_utf8(bytes).map_err(|utf8| {
        let good = &bytes[..utf8.valid_up_to()];
        let line = 1 + count_u64(good.iter().filter(|&&byte| byte == b'\n').count());
        error(
            line,
            "the text is not UTF-8",
            Some("an alert file is UTF-8 text, one JSON object per line"),
        )
    })
}

/// A count as the type that errors carry.
pub(crate) fn count_u64(count: usize) -> u64 {
    u64::try_from(count).expect("a count fits 64 bits")
}

/// The records of a file with their 1-based lines. Blank lines are passed over.
pub(super) fn records(
    text: &str,
    format: Format,
) -> impl Iterator<Item = Result<(u64, Object), ImportError>> {
    let ends_with_newline = text.ends_with('\n');
    let last_line = text.lines().count();
    text.lines()
        .enumerate()
        .filter(|(_, line)| !line.trim().is_empty())
        .map(move |(index, line)| {
            let number = count_u64(index + 1);
            let last = index + 1 == last_line && !ends_with_newline;
            object(number, line, last, format).map(|object| (number, object))
        })
}

fn object(number: u64, line: &str, last: bool, format: Format) -> Result<Object, ImportError> {
    let trimmed = line.trim_start();
    if !trimmed.starts_with('{') {
        return Err(error(
            number,
            not_an_object(trimmed),
            Some(&expectation(format)),
        ));
    }
    let parsed = serde_json::from_str::<Value>(line);
    match parsed {
        Ok(Value::Object(object)) => Ok(object),
        Ok(_) => Err(error(
            number,
            "this line is not a JSON object",
            Some(&expectation(format)),
        )),
        Err(json) => Err(syntax_error(number, line, last, &json)),
    }
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
    let message = text.split(" at line ").next().unwrap_or(&text).to_owned();
    ImportError {
        column,
        ..error(number, format!("invalid JSON: {message}"), None)
    }
}

/// serde_json counts bytes; people count characters.
fn char_column(line: &str, byte_column: usize) -> u64 {
    let bytes = line.as_bytes();
    let end = byte_column.min(bytes.len());
    let characters = bytes[..end]
        .iter()
        .filter(|&&byte| byte & 0xc0 != 0x80)
        .count();
    count_u64(characters.max(1))
}

fn not_an_object(line: &str) -> String {
    let what = if line.starts_with('[') {
        "a JSON array"
    } else if line.starts_with('<') {
        "XML or HTML"
    } else if line.starts_with('#') {
        "a tab-separated log with a header (Zeek writes such files)"
    } else if line.starts_with("CEF:") || line.contains(" CEF:") {
        "a CEF message"
    } else if line.contains("[**]") {
        "Suricata's or Snort's fast.log"
    } else if line
        .split_once(',')
        .is_some_and(|(first, _)| !first.contains(['{', '"', ' ']))
    {
        "comma-separated values"
    } else {
        "plain text"
    };
    format!("expected a JSON object, found {what}")
}

fn expectation(format: Format) -> String {
    match format {
        Format::Jsonl => "format `jsonl` is one JSON object per line, such as {\"t_ns\":15000000,\"sig_id\":\"new-talker\"}",
        Format::Eve => "format `eve` is Suricata's eve.json, one JSON object per line with `timestamp` and `event_type`",
    }
    .to_owned()
}
