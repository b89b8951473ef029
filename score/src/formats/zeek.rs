//! Logs of Zeek, tab-separated or JSON, both by the names of their columns.
//!
//! Records of `notice.log` are alerts; those of other logs (`conn`, `modbus`...) are telemetry. A notice
//! has neither severity nor technique: the user's table maps `note`.
//!
//! # Source
//!
//! Zeek 7 manual, "Log Formats" and `base/frameworks/logging/writers/ascii.zeek`; the columns of
//! `notice.log` are those of `Notice::Info`, of `modbus.log` those of `Modbus::Info`.

use serde_json::Value;

use super::shape::{End, Record, Shape, What};
use super::sniff::{self, Line, Object};
use super::{Format, Import, ImportError, ImportOptions};

const SHAPE: Shape = Shape {
    time: &["ts"],
    time_hint: "1767592815.250431",
    sensor: &["peer_descr", "_system_name"],
    sig_id: &["note"],
    sig_name: &["msg", "sub", "func", "name"],
    src: End {
        ip: &["id.orig_h", "src"],
        port: &["id.orig_p"],
        mac: &["orig_l2_addr"],
        ..End::NONE
    },
    dst: End {
        ip: &["id.resp_h", "dst"],
        port: &["id.resp_p", "p"],
        mac: &["resp_l2_addr"],
        ..End::NONE
    },
    proto: &["service", "proto"],
    action: &["actions"],
    ..Shape::NONE
};

/// What a tab-separated log says of itself before its records.
pub(super) struct Header {
    separator: String,
    set_separator: String,
    empty: String,
    unset: String,
    /// The log's name, such as `notice`.
    path: Option<String>,
    fields: Vec<String>,
    types: Vec<String>,
}

impl Default for Header {
    fn default() -> Self {
        Self {
            separator: "\t".to_owned(),
            set_separator: ",".to_owned(),
            empty: "(empty)".to_owned(),
            unset: "-".to_owned(),
            path: None,
            fields: Vec::new(),
            types: Vec::new(),
        }
    }
}

/// Reads one line into `import`: a part of the header, or a record.
pub(super) fn line(
    line: &Line<'_>,
    header: &mut Header,
    options: &ImportOptions,
    import: &mut Import,
) -> Result<(), ImportError> {
    let text = line.text;
    let object = if text.trim_start().starts_with('{') {
        line.object(Format::Zeek)?
    } else if text.starts_with('#') {
        return header.directive(line);
    } else if header.fields.is_empty() && text.starts_with("ts\t") {
        // The writer's `tsv` mode has the names of the columns and no other header.
        header.fields = text.split('\t').map(str::to_owned).collect();
        return Ok(());
    } else {
        header.record(line)?
    };
    record(line.number, object, header.path.as_deref(), options, import)
}

impl Header {
    fn directive(&mut self, line: &Line<'_>) -> Result<(), ImportError> {
        if let Some(separator) = line.text.strip_prefix("#separator ") {
            self.separator = unescaped(separator.trim_end());
            if self.separator.is_empty() {
                return Err(sniff::error(
                    line.number,
                    "the separator is empty",
                    Some("expected #separator \\x09"),
                ));
            }
            return Ok(());
        }
        let mut parts = line.text.split(self.separator.as_str());
        let name = parts.next().unwrap_or_default();
        let mut value = || unescaped(parts.next().unwrap_or_default());
        match name {
            "#set_separator" => self.set_separator = value(),
            "#empty_field" => self.empty = value(),
            "#unset_field" => self.unset = value(),
            "#path" => self.path = Some(value()),
            "#fields" => {
                self.fields = parts.map(str::to_owned).collect();
                self.types.clear();
            }
            "#types" => self.types = parts.map(str::to_owned).collect(),
            // When it was opened and closed, and comments.
            _ => {}
        }
        Ok(())
    }

    fn record(&self, line: &Line<'_>) -> Result<Object, ImportError> {
        if self.fields.is_empty() {
            let message = format!(
                "a record before the header: {}",
                sniff::kind_of_text(line.text)
            );
            let hint = "a tab-separated log of Zeek begins with #separator and #fields";
            return Err(sniff::error(line.number, message, Some(hint)));
        }
        let cells: Vec<&str> = line.text.split(self.separator.as_str()).collect();
        if cells.len() != self.fields.len() {
            let message = format!(
                "{} columns, and #fields names {}",
                cells.len(),
                self.fields.len()
            );
            let hint = if line.last && cells.len() < self.fields.len() {
                "the file ends in the middle of this record: it is truncated"
            } else {
                "columns stand apart by the character of #separator, a tab unless it says otherwise"
            };
            return Err(sniff::error(line.number, message, Some(hint)));
        }
        let mut object = Object::new();
        for (index, (name, cell)) in self.fields.iter().zip(cells).enumerate() {
            if cell == self.unset || cell == self.empty {
                continue;
            }
            let kind = self.types.get(index).map_or("", String::as_str);
            let is_list = kind.starts_with("set[") || kind.starts_with("vector[");
            let value = if is_list && !self.set_separator.is_empty() {
                let items = cell.split(self.set_separator.as_str());
                Value::Array(items.map(|item| Value::String(unescaped(item))).collect())
            } else {
                Value::String(unescaped(cell))
            };
            object.insert(name.clone(), value);
        }
        Ok(object)
    }
}

fn record(
    line: u64,
    mut object: Object,
    path: Option<&str>,
    options: &ImportOptions,
    import: &mut Import,
) -> Result<(), ImportError> {
    let name = path.map(str::to_owned).or_else(|| {
        let path = object.get("_path").and_then(Value::as_str);
        path.map(str::to_owned)
    });
    let has = |field: &str| object.contains_key(field);
    // JSON logs do not say which log they are unless a package adds `_path`.
    let name = name.unwrap_or_else(|| {
        let by_column = [
            ("conn_state", "conn"),
            ("pdu_type", "modbus"),
            ("func", "modbus"),
            ("note", "notice"),
        ];
        let found = by_column.iter().find(|(column, _)| has(column));
        found.map_or("zeek", |(_, name)| name).to_owned()
    });
    if name == "modbus" && !has("proto") {
        object.insert("proto".to_owned(), Value::from("modbus"));
    }
    let record = Record {
        object: &object,
        line,
    };
    let what = if name.starts_with("notice") {
        What::Alert
    } else {
        What::Log(name)
    };
    SHAPE.take(&record, what, options, import)
}

/// A text of which Zeek wrote some bytes as `\x09`.
fn unescaped(text: &str) -> String {
    if !text.contains("\\x") {
        return text.to_owned();
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("\\x") {
        bytes.extend_from_slice(&rest.as_bytes()[..at]);
        let code = rest.get(at + 2..at + 4);
        let code = code.filter(|code| code.bytes().all(|byte| byte.is_ascii_hexdigit()));
        match code.and_then(|code| u8::from_str_radix(code, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &rest[at + 4..];
            }
            None => {
                bytes.extend_from_slice(b"\\x");
                rest = &rest[at + 2..];
            }
        }
    }
    bytes.extend_from_slice(rest.as_bytes());
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_when_bytes_are_escaped_then_read() {
        let check = |text: &str, expect: &str| assert_eq!(unescaped(text), expect, "{text}");
        check("plain", "plain");
        check("\\x09", "\t");
        check("a\\x2cb\\xc3\\xa9", "a,bé");
        check("\\xzz\\x", "\\xzz\\x");
        check("\\x+1", "\\x+1");
        check("\\xff", "\u{fffd}");
        check("\\xé9", "\\xé9");
    }
}
