//! Reads one field of a record, with an error that names it.

use serde_json::Value;

use super::ImportError;
use super::sniff::Object;
use crate::attack;

/// A part of a record and where it stands, for errors.
pub(super) struct Fields<'a> {
    pub(super) object: &'a Object,
    pub(super) line: u64,
    /// Path of the enclosing object with a trailing dot; empty at the top.
    pub(super) prefix: &'a str,
}

impl<'a> Fields<'a> {
    pub(super) fn error(
        &self,
        field: &str,
        message: impl Into<String>,
        hint: Option<&str>,
    ) -> ImportError {
        let field = format!("{}{field}", self.prefix);
        ImportError::of_field(self.line, field, message.into(), hint)
    }

    fn wrong_type(&self, field: &str, expected: &str, found: &Value) -> ImportError {
        self.error(
            field,
            format!("expected {expected}, found {}", describe(found)),
            None,
        )
    }

    /// The value, with `null` read as absent.
    pub(super) fn get(&self, field: &str) -> Option<&'a Value> {
        self.object.get(field).filter(|value| !value.is_null())
    }

    pub(super) fn string(&self, field: &str) -> Result<Option<String>, ImportError> {
        match self.get(field) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(other) => Err(self.wrong_type(field, "a string", other)),
        }
    }

    /// A string, or a number as its text: signature identifiers are both.
    pub(super) fn name(&self, field: &str) -> Result<Option<String>, ImportError> {
        match self.get(field) {
            Some(Value::Number(number)) => Ok(Some(number.to_string())),
            _ => self.string(field),
        }
    }

    pub(super) fn unsigned(&self, field: &str) -> Result<Option<u64>, ImportError> {
        match self.get(field) {
            None => Ok(None),
            Some(Value::Number(number)) => match number.as_u64() {
                Some(value) => Ok(Some(value)),
                None => Err(self.error(
                    field,
                    format!("expected a whole number of at least 0, found {number}"),
                    None,
                )),
            },
            Some(other) => Err(self.wrong_type(field, "a whole number", other)),
        }
    }

    pub(super) fn port(&self, field: &str) -> Result<Option<u16>, ImportError> {
        self.unsigned(field)?
            .map(|port| {
                u16::try_from(port)
                    .map_err(|_| self.error(field, format!("port {port} is above 65535"), None))
            })
            .transpose()
    }

    pub(super) fn object(&self, field: &str) -> Result<Option<&'a Object>, ImportError> {
        match self.get(field) {
            None => Ok(None),
            Some(Value::Object(object)) => Ok(Some(object)),
            Some(other) => Err(self.wrong_type(field, "an object", other)),
        }
    }

    /// A list of strings; a lone string is a list of one.
    pub(super) fn strings(&self, field: &str) -> Result<Vec<&'a str>, ImportError> {
        match self.get(field) {
            None => Ok(Vec::new()),
            Some(Value::String(text)) => Ok(vec![text]),
            Some(Value::Array(items)) => items
                .iter()
                .map(|item| {
                    item.as_str()
                        .ok_or_else(|| self.wrong_type(field, "a list of strings", item))
                })
                .collect(),
            Some(other) => Err(self.wrong_type(field, "a list of strings", other)),
        }
    }
}

/// All values at a dotted path, without `null`. A record may nest objects or write a path as one key
/// (`"id.orig_h"`), and may do both; lists are gone through.
pub(super) fn values<'a>(object: &'a Object, path: &str) -> Vec<&'a Value> {
    let mut found = Vec::new();
    collect(object, path, &mut found);
    found
}

fn collect<'a>(object: &'a Object, path: &str, found: &mut Vec<&'a Value>) {
    if let Some(value) = object.get(path) {
        leaves(value, found);
        return;
    }
    for (dot, _) in path.match_indices('.') {
        if let Some(value) = object.get(&path[..dot]) {
            descend(value, &path[dot + 1..], found);
        }
    }
}

fn descend<'a>(value: &'a Value, path: &str, found: &mut Vec<&'a Value>) {
    match value {
        Value::Object(object) => collect(object, path, found),
        Value::Array(items) => items.iter().for_each(|item| descend(item, path, found)),
        _ => {}
    }
}

fn leaves<'a>(value: &'a Value, found: &mut Vec<&'a Value>) {
    match value {
        Value::Null => {}
        Value::Array(items) => items.iter().for_each(|item| leaves(item, found)),
        other => found.push(other),
    }
}

/// A technique identifier in a tag such as `attack.t0855` or `attack.t0846.001`.
pub(super) fn technique_in_tag(tag: &str) -> Option<String> {
    let lower = tag.to_ascii_lowercase();
    let id = lower.strip_prefix("attack.")?.to_ascii_uppercase();
    attack::is_technique_id(&id).then_some(id)
}

pub(super) fn describe(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(flag) => format!("{flag}"),
        Value::Number(number) => format!("the number {number}"),
        Value::String(text) => {
            format!("the string \"{}\"", super::shape::short(text))
        }
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "an object".to_owned(),
    }
}
