//! What comes on standard input: what there is, and then samples. `bridge/src/live/opcua.rs` writes it.
//!
//! **Invariant:** whatever the bytes are, the answer is data or an error with the number of the line, and no line costs more
//! memory than [`LINE_BYTES_MAX`] times a small factor.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, Read as _};

use chrono::{DateTime, Utc};
use serde::Deserialize;

/// Longest line, bytes: 50,000 tags with a description of 300 bytes each.
const LINE_BYTES_MAX: u64 = 16 << 20;

/// What there is.
#[derive(Debug, Deserialize)]
#[serde(try_from = "Head")]
pub(crate) struct Plant {
    /// Name of the plant.
    pub(crate) name: String,
    /// Time of the plant's clock at simulated time zero, ns since 1970.
    epoch_unix_ns: u64,
    pub(crate) tags: Vec<Tag>,
    /// Where in the list a tag is, by its name.
    places: BTreeMap<String, usize>,
}

/// The first line.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Head {
    plant: String,
    epoch_unix_ns: u64,
    tags: Vec<Tag>,
}

/// A tag of the historian.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Tag {
    pub(crate) name: String,
    /// The controller that holds it.
    pub(crate) device: String,
    #[serde(rename = "type")]
    pub(crate) kind: Kind,
    /// Unit of its values; empty where they have none.
    pub(crate) unit: String,
    pub(crate) description: String,
}

/// Type of a tag's values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    /// A switch: 0 is off.
    Boolean,
    Double,
}

impl TryFrom<Head> for Plant {
    type Error = String;

    fn try_from(head: Head) -> Result<Self, String> {
        check_name("plant", &head.plant)?;
        let mut places = BTreeMap::new();
        let mut paths = BTreeSet::new();
        for (place, tag) in head.tags.iter().enumerate() {
            check_name("device", &tag.device)?;
            check_name("tag", &tag.name)?;
            paths.insert(tag.device.clone());
            if places.insert(tag.name.clone(), place).is_some() {
                return Err(format!("tag `{}` is there twice", tag.name));
            }
        }
        // Names may hold slashes, as in `line/1`; the paths that they make have to differ all the same.
        for tag in &head.tags {
            let path = format!("{}/{}", tag.device, tag.name);
            if let Some(path) = paths.replace(path) {
                return Err(format!("two things have the path `{path}`"));
            }
        }
        Ok(Self {
            name: head.plant,
            epoch_unix_ns: head.epoch_unix_ns,
            tags: head.tags,
            places,
        })
    }
}

fn check_name(kind: &str, name: &str) -> Result<(), String> {
    if name.is_empty() || name.chars().any(char::is_control) {
        return Err(format!("`{}` is no name of a {kind}", name.escape_debug()));
    }
    Ok(())
}

impl Plant {
    /// Reads the first line.
    pub(crate) fn read(text: &[u8]) -> Result<Self, String> {
        serde_json::from_slice(text).map_err(|error| error.to_string())
    }
}

/// A sample of a tag.
#[derive(Debug, PartialEq)]
pub(crate) struct Sample {
    /// The tag, as an index into the plant's.
    pub(crate) tag: usize,
    /// When the historian had it, by the plant's clock.
    pub(crate) at: DateTime<Utc>,
    /// In the tag's unit; no number where it is not finite.
    pub(crate) value: f64,
    pub(crate) quality: Quality,
}

/// How far a value can be trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Quality {
    Good,
    Uncertain,
    /// The controller did not answer.
    Bad,
}

/// A line after the first; the form of a sample in `docs/defense-protocol.md`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    t_ns: u64,
    tag: String,
    value: Option<f64>,
    quality: Quality,
}

impl Sample {
    /// Reads a line after the first.
    pub(crate) fn read(text: &[u8], plant: &Plant) -> Result<Self, String> {
        let line: Line = serde_json::from_slice(text).map_err(|error| error.to_string())?;
        let tag = plant.places.get(&line.tag);
        let tag = *tag.ok_or_else(|| format!("there is no tag `{}`", line.tag))?;
        let unix_ns = plant.epoch_unix_ns.checked_add(line.t_ns);
        let unix_ns = unix_ns.and_then(|ns| i64::try_from(ns).ok());
        let unix_ns = unix_ns.ok_or("the time is beyond the year 2262")?;
        Ok(Self {
            tag,
            at: DateTime::from_timestamp_nanos(unix_ns),
            value: line.value.unwrap_or(f64::NAN),
            quality: line.quality,
        })
    }
}

/// The lines of a stream, counted.
pub(crate) struct Lines<R> {
    input: R,
    /// Number of the line that was read last, from 1.
    number: u64,
    line: Vec<u8>,
}

impl<R: BufRead> Lines<R> {
    pub(crate) fn of(input: R) -> Self {
        Self {
            input,
            number: 0,
            line: Vec::new(),
        }
    }

    /// Reads the next line as something; `None` at the end of the stream.
    ///
    /// # Errors
    ///
    /// What is wrong with it, with its number.
    pub(crate) fn next_as<T>(
        &mut self,
        read: impl FnOnce(&[u8]) -> Result<T, String>,
    ) -> Result<Option<T>, String> {
        self.number += 1;
        let number = self.number;
        let wrong = |why: String| format!("line {number}: {why}");
        self.line.clear();
        let mut bounded = (&mut self.input).take(LINE_BYTES_MAX + 1);
        let taken = bounded.read_until(b'\n', &mut self.line);
        let taken = taken.map_err(|error| wrong(error.to_string()))?;
        if taken == 0 {
            return Ok(None);
        }
        if taken as u64 > LINE_BYTES_MAX {
            return Err(wrong(format!("it has more than {LINE_BYTES_MAX} bytes")));
        }
        read(&self.line).map(Some).map_err(wrong)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = r#"{"plant":"p","epoch_unix_ns":1767592800000000000,"tags":[
        {"name":"LT20","device":"plc","type":"double","unit":"mm","description":"Level"},
        {"name":"XV20","device":"plc","type":"boolean","unit":"","description":""}]}"#;

    fn plant() -> Plant {
        Plant::read(HEAD.as_bytes()).expect("it is right")
    }

    #[test]
    fn samples_when_right_then_are_read() {
        let plant = plant();
        for (text, tag, time, value, quality) in [
            (
                r#"{"t_ns":1500000001,"tag":"LT20","value":351.25,"quality":"good"}"#,
                0,
                "2026-01-05T06:00:01.500000001+00:00",
                351.25,
                Quality::Good,
            ),
            (
                r#"{"t_ns":0,"tag":"XV20","value":1.0,"quality":"bad"}"#,
                1,
                "2026-01-05T06:00:00+00:00",
                1.0,
                Quality::Bad,
            ),
        ] {
            let sample = Sample::read(text.as_bytes(), &plant).expect(text);
            assert_eq!(sample.at.to_rfc3339(), time);
            let got = (sample.tag, sample.value, sample.quality);
            assert_eq!(got, (tag, value, quality));
        }
        let none = r#"{"t_ns":0,"tag":"LT20","value":null,"quality":"uncertain"}"#;
        let none = Sample::read(none.as_bytes(), &plant).expect("it is right");
        assert!(none.value.is_nan() && none.quality == Quality::Uncertain);
    }

    #[test]
    fn plants_when_wrong_then_it_is_said_why() {
        let tag = |device: &str, name: &str| {
            format!(
                r#"{{"name":"{name}","device":"{device}","type":"double","unit":"","description":""}}"#
            )
        };
        let head = |plant: &str, tags: &[String]| {
            let tags = tags.join(",");
            format!(r#"{{"plant":"{plant}","epoch_unix_ns":0,"tags":[{tags}]}}"#)
        };
        for (text, says) in [
            (head("", &[]), "`` is no name of a plant"),
            (head("p", &[tag("", "a")]), "`` is no name of a device"),
            (
                head("p", &[tag("plc", "a\\n")]),
                "`a\\n` is no name of a tag",
            ),
            (
                head("p", &[tag("one", "a"), tag("two", "a")]),
                "tag `a` is there twice",
            ),
            (
                head("p", &[tag("one", "two/a"), tag("one/two", "a")]),
                "path `one/two/a`",
            ),
            (
                head("p", &[tag("one", "two"), tag("one/two", "a")]),
                "path `one/two`",
            ),
            (
                head("p", &[tag("plc", "a").replace("double", "text")]),
                "unknown variant `text`",
            ),
            ("[]".to_owned(), "expected struct Head"),
        ] {
            let error = Plant::read(text.as_bytes()).expect_err(&text);
            assert!(error.contains(says), "{text}: {error}");
        }
    }

    #[test]
    fn lines_when_one_is_wrong_then_its_number_is_said() {
        let good = r#"{"t_ns":0,"tag":"LT20","value":1.0,"quality":"good"}"#;
        for (third, says) in [
            ("{", "line 3: EOF"),
            ("", "line 3: EOF"),
            (
                &good.replace("LT20", "LT21"),
                "line 3: there is no tag `LT21`",
            ),
            (
                &good.replace("good", "fine"),
                "line 3: unknown variant `fine`",
            ),
            (
                &good.replace("value", "worth"),
                "line 3: unknown field `worth`",
            ),
            (
                &good.replace(":0,", ":18446744073709551615,"),
                "line 3: the time is beyond",
            ),
        ] {
            let head = HEAD.replace('\n', " ");
            let text = format!("{head}\n{good}\n{third}\n{good}\n");
            let mut lines = Lines::of(text.as_bytes());
            let plant = lines.next_as(Plant::read).expect("it is right");
            let plant = plant.expect("it is there");
            let second = lines.next_as(|text| Sample::read(text, &plant));
            assert!(matches!(second, Ok(Some(_))), "{second:?}");
            let error = lines.next_as(|text| Sample::read(text, &plant));
            let error = error.expect_err(third);
            assert!(error.starts_with(says), "{third}: {error}");
        }
    }

    #[test]
    fn lines_when_endless_then_are_refused_within_bounds() {
        let endless = std::io::BufReader::new(std::io::repeat(b'x'));
        let error = Lines::of(endless).next_as(|_| Ok(()));
        let error = error.expect_err("it has no end");
        assert_eq!(error, "line 1: it has more than 16777216 bytes");
        let mut none = Lines::of(&b""[..]);
        assert_eq!(none.next_as(|_| Ok(())), Ok(None));
    }
}
