//! Files of labels: CSV, Parquet and JSON lines with a label per sample, or ranges of samples or of times.
//!
//! **Invariant:** no label is guessed. A word that is neither for an attack nor for its absence is refused with its
//! place, because data sets disagree about what 1 and -1 mean.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use flate2::read::MultiGzDecoder;
use parquet::file::reader::{FileReader as _, SerializedFileReader};
use parquet::record::Field;
use serde_json::Value;
use twinrange_range::problem::{Problem, did_you_mean};
use twinrange_score::metrics::Range;

/// Name of WADI's label, which says itself what its values mean.
const WADI: &str = "Attack LABLE (1:No Attack, -1:Attack)";

/// What a file of labels is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    Truth,
    Alarms,
}

impl Meaning {
    /// Common names of its column, in the order in which they are looked for.
    fn columns(self) -> &'static [&'static str] {
        match self {
            Self::Truth => &[
                "label",
                "attack",
                "normal/attack",
                "att_flag",
                "malicious",
                "truth",
                "ground_truth",
                "y",
                "y_true",
                "anomaly",
                "is_anomaly",
                WADI,
            ],
            Self::Alarms => &[
                "alarm",
                "alarms",
                "ids",
                "pred",
                "prediction",
                "predicted",
                "alert",
                "y_pred",
                "detected",
            ],
        }
    }

    /// In words.
    fn name(self) -> &'static str {
        match self {
            Self::Truth => "the truth",
            Self::Alarms => "alarms",
        }
    }

    fn option(self) -> &'static str {
        match self {
            Self::Truth => "--truth-column",
            Self::Alarms => "--alarms-column",
        }
    }
}

/// Names of a column with times.
const TIMES: [&str; 6] = ["timestamp", "time", "t", "t_s", "t_ns", "datetime"];

/// Words that mean attack or alarm, and words that mean neither; blanks and case do not count.
const YES: [&str; 10] = [
    "1",
    "1.0",
    "true",
    "yes",
    "attack",
    "attacked",
    "anomaly",
    "anomalous",
    "malicious",
    "alarm",
];
const NO: [&str; 7] = ["0", "0.0", "false", "no", "normal", "benign", "none"];

/// The labels of a file.
#[derive(Debug)]
pub(super) struct Labels {
    /// Its name, for messages.
    pub(super) file: String,
    shape: Shape,
}

#[derive(Debug)]
enum Shape {
    /// One label per sample, and the times if there is a column of them.
    Each {
        labels: Vec<bool>,
        times: Option<Vec<String>>,
    },
    /// Ranges of samples.
    Samples(Vec<Range>),
    /// Ranges of times, both ends included.
    Times(Vec<(f64, f64)>),
}

/// One row of a file with named values, before it is known which of them is the label.
struct Row {
    line: usize,
    values: Vec<(String, String)>,
}

/// Reads a file of labels.
///
/// # Errors
///
/// `TR0108` if it cannot be read, `TR0341` with line and column for what is in it.
pub(super) fn read(
    path: &Path,
    column: Option<&str>,
    attack_value: Option<&str>,
    meaning: Meaning,
) -> Result<Labels, Problem> {
    let file = path.display().to_string();
    let name = file.strip_suffix(".gz").unwrap_or(&file).to_lowercase();
    let rows = if name.ends_with(".parquet") {
        parquet_rows(path, &file)?
    } else {
        let text = text_of(path, &file)?;
        match text.trim_start().chars().next() {
            Some('[') => return attacks(&file, &text),
            Some('{') => json_rows(&file, &text)?,
            _ => csv_rows(&file, &text)?,
        }
    };
    let shape = shape_of(&file, &rows, column, attack_value, meaning)?;
    Ok(Labels { file, shape })
}

fn wrong(place: &str, why: impl std::fmt::Display) -> Problem {
    Problem::new("TR0341", format!("{place}: {why}"))
}

fn text_of(path: &Path, file: &str) -> Result<String, Problem> {
    let unreadable =
        |error: std::io::Error| Problem::new("TR0108", format!("`{file}` cannot be read: {error}"));
    let open = File::open(path).map_err(unreadable)?;
    let mut text = String::new();
    if file.ends_with(".gz") {
        let mut reader = MultiGzDecoder::new(open);
        reader.read_to_string(&mut text).map_err(unreadable)?;
    } else {
        let mut reader = BufReader::new(open);
        // Read in pieces so that a mistake in the encoding is named like any other.
        while reader.read_line(&mut text).map_err(unreadable)? > 0 {}
    }
    Ok(text.trim_start_matches('\u{feff}').to_owned())
}

/// Rows of nothing but empty cells above the head are skipped, as WADI has one, and so are those behind the last row,
/// which spreadsheets leave. Between two rows such a one could be a sample, and is refused.
fn csv_rows(file: &str, text: &str) -> Result<Vec<Row>, Problem> {
    let is_mark = |c: char| c.is_whitespace() || [',', ';'].contains(&c);
    let mut lines = text.lines();
    let head = lines.find(|line| !line.chars().all(is_mark));
    let delimiter = [b',', b';', b'\t']
        .into_iter()
        .max_by_key(|mark| {
            let bytes = head.unwrap_or_default().bytes();
            bytes.filter(|byte| byte == mark).count()
        })
        .expect("there are three");
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(delimiter)
        .trim(csv::Trim::All)
        .has_headers(false)
        // The row above the head may be shorter; what follows the head is checked below.
        .flexible(true)
        .from_reader(text.as_bytes());
    let is_empty = |record: &csv::StringRecord| record.iter().all(str::is_empty);
    let mut records = reader.records();
    let head = records
        .find(|record| !record.as_ref().is_ok_and(is_empty))
        .transpose()
        .map_err(|error| wrong(file, error))?;
    let names: Vec<String> = head.iter().flatten().map(str::to_owned).collect();
    let mut rows = Vec::new();
    let mut gap = None;
    for record in records {
        let record = record.map_err(|error| wrong(file, error))?;
        let line = record.position().map_or(0, csv::Position::line);
        if is_empty(&record) {
            gap.get_or_insert(line);
            continue;
        }
        if let Some(line) = gap {
            let message = "the row has no values, and there are rows behind it";
            return Err(wrong(&format!("{file}:{line}"), message));
        }
        if record.len() != names.len() {
            let message = format!(
                "the row has {} cells, and the head has {}",
                record.len(),
                names.len()
            );
            return Err(wrong(&format!("{file}:{line}"), message));
        }
        let values = names.iter().cloned().zip(record.iter().map(str::to_owned));
        rows.push(Row {
            line: usize::try_from(line).unwrap_or(usize::MAX),
            values: values.collect(),
        });
    }
    Ok(rows)
}

fn json_rows(file: &str, text: &str) -> Result<Vec<Row>, Problem> {
    let mut rows = Vec::new();
    for (number, line) in text.lines().enumerate() {
        if line.trim().is_empty() {
            continue;
        }
        let place = format!("{file}:{}", number + 1);
        let value: Value = serde_json::from_str(line)
            .map_err(|error| wrong(&place, format!("column {}: {error}", error.column())))?;
        let Value::Object(fields) = value else {
            return Err(wrong(&place, "the line is not an object"));
        };
        let text = |(name, value): (String, Value)| {
            let value = match value {
                // IPAL names the attack where others say true.
                Value::String(id) if name == "malicious" && !NO.contains(&plain(&id).as_str()) => {
                    "true".to_owned()
                }
                Value::String(text) => text,
                Value::Null => String::new(),
                other => other.to_string(),
            };
            (name, value)
        };
        rows.push(Row {
            line: number + 1,
            values: fields.into_iter().map(text).collect(),
        });
    }
    Ok(rows)
}

fn parquet_rows(path: &Path, file: &str) -> Result<Vec<Row>, Problem> {
    let open = File::open(path)
        .map_err(|error| Problem::new("TR0108", format!("`{file}` cannot be read: {error}")))?;
    let damaged = |error: parquet::errors::ParquetError| wrong(file, error);
    let reader = SerializedFileReader::new(open).map_err(damaged)?;
    let mut rows = Vec::new();
    for row in reader.get_row_iter(None).map_err(damaged)? {
        let row = row.map_err(damaged)?;
        let text = |(name, field): (&String, &Field)| {
            let value = match field {
                Field::Str(text) => text.clone(),
                Field::Null => String::new(),
                other => other.to_string(),
            };
            (name.clone(), value)
        };
        rows.push(Row {
            line: rows.len() + 1,
            values: row.get_column_iter().map(text).collect(),
        });
    }
    Ok(rows)
}

/// IPAL's attacks.json: a list of objects with `start` and `end`, seconds, both included.
fn attacks(file: &str, text: &str) -> Result<Labels, Problem> {
    let list: Vec<Value> = serde_json::from_str(text).map_err(|error| {
        wrong(
            &format!("{file}:{}:{}", error.line(), error.column()),
            error,
        )
    })?;
    let mut times = Vec::new();
    for (number, attack) in list.iter().enumerate() {
        let time = |field: &str| {
            let found = attack.get(field).and_then(Value::as_f64);
            let place = format!("{file}: attack {}", number + 1);
            found.ok_or_else(|| wrong(&place, format!("`{field}` is not a number of seconds")))
        };
        times.push((time("start")?, time("end")?));
    }
    Ok(Labels {
        file: file.to_owned(),
        shape: Shape::Times(times),
    })
}

fn shape_of(
    file: &str,
    rows: &[Row],
    column: Option<&str>,
    attack_value: Option<&str>,
    meaning: Meaning,
) -> Result<Shape, Problem> {
    let names: Vec<&str> = match rows.first() {
        Some(row) => row.values.iter().map(|(name, _)| name.as_str()).collect(),
        None => return Err(wrong(file, "it has no rows")),
    };
    let find = |wanted: &str| {
        names
            .iter()
            .position(|name| name.eq_ignore_ascii_case(wanted))
    };
    let pair = |a, b| Some((find(a)?, find(b)?));
    if column.is_none() && meaning.columns().iter().all(|name| find(name).is_none()) {
        if let Some((first, last)) = pair("first", "last") {
            return sample_ranges(file, rows, first, last);
        }
        if let Some((start, end)) = pair("start", "end") {
            return time_ranges(file, rows, start, end);
        }
    }
    let label = match column {
        Some(wanted) => find(wanted).ok_or_else(|| {
            wrong(file, format!("there is no column `{wanted}`"))
                .maybe_hint(did_you_mean(wanted, names.iter().copied()))
        })?,
        None => {
            let known = meaning.columns().iter().find_map(|name| find(name));
            let only = (names.len() == 1).then_some(0);
            known.or(only).ok_or_else(|| {
                let message = format!(
                    "no column has a name that is known for {}: {}",
                    meaning.name(),
                    names.join(", ")
                );
                wrong(file, message).hint(format!("name it with `{}`", meaning.option()))
            })?
        }
    };
    let times = TIMES.iter().find_map(|name| find(name));
    let mut labels = Vec::with_capacity(rows.len());
    let mut at = Vec::new();
    for row in rows {
        let value = value_of(file, row, label, names[label])?;
        labels.push(read_label(
            file,
            row.line,
            names[label],
            value,
            attack_value,
        )?);
        if let Some(times) = times {
            at.push(value_of(file, row, times, names[times])?.to_owned());
        }
    }
    Ok(Shape::Each {
        labels,
        times: times.map(|_| at),
    })
}

/// A value of a row. Rows of JSON lines may have their fields in another order.
fn value_of<'a>(file: &str, row: &'a Row, index: usize, name: &str) -> Result<&'a str, Problem> {
    let here = row.values.get(index).filter(|(known, _)| known == name);
    let found = here.or_else(|| row.values.iter().find(|(known, _)| known == name));
    let value = found.map(|(_, value)| value.trim());
    value.filter(|value| !value.is_empty()).ok_or_else(|| {
        wrong(
            &format!("{file}:{}", row.line),
            format!("`{name}` has no value"),
        )
    })
}

fn plain(word: &str) -> String {
    let kept = word.chars().filter(|c| !c.is_whitespace());
    kept.flat_map(char::to_lowercase).collect()
}

fn read_label(
    file: &str,
    line: usize,
    column: &str,
    value: &str,
    attack_value: Option<&str>,
) -> Result<bool, Problem> {
    let word = plain(value);
    if let Some(wanted) = attack_value {
        return Ok(word == plain(wanted));
    }
    let (yes, no): (&[&str], &[&str]) = if column.eq_ignore_ascii_case(WADI) {
        (&["-1", "-1.0"], &["1", "1.0"])
    } else {
        (&YES, &NO)
    };
    let is_one_of = |words: &[&str]| words.contains(&word.as_str());
    match (is_one_of(yes), is_one_of(no)) {
        (true, _) => Ok(true),
        (_, true) => Ok(false),
        _ => {
            let message = format!("`{column}` is `{value}`, which says neither attack nor normal");
            let hint = "name the value that means attack with `--attack-value`; every other is then normal";
            Err(wrong(&format!("{file}:{line}"), message).hint(hint))
        }
    }
}

fn number<T: std::str::FromStr>(file: &str, row: &Row, index: usize) -> Result<T, Problem> {
    let name = row.values[index].0.clone();
    let value = value_of(file, row, index, &name)?;
    value.parse().map_err(|_| {
        wrong(
            &format!("{file}:{}", row.line),
            format!("`{name}` is `{value}`, not a number"),
        )
    })
}

fn sample_ranges(file: &str, rows: &[Row], first: usize, last: usize) -> Result<Shape, Problem> {
    let range = |row: &Row| {
        Ok(Range {
            first: number(file, row, first)?,
            last: number(file, row, last)?,
        })
    };
    let ranges: Result<Vec<Range>, Problem> = rows.iter().map(range).collect();
    Ok(Shape::Samples(ranges?))
}

fn time_ranges(file: &str, rows: &[Row], start: usize, end: usize) -> Result<Shape, Problem> {
    let range = |row: &Row| Ok((number(file, row, start)?, number(file, row, end)?));
    let ranges: Result<Vec<(f64, f64)>, Problem> = rows.iter().map(range).collect();
    Ok(Shape::Times(ranges?))
}

impl Labels {
    /// Number of samples, where the file has a label for each.
    pub(super) fn samples(&self) -> Option<u64> {
        match &self.shape {
            Shape::Each { labels, .. } => Some(labels.len() as u64),
            Shape::Samples(_) | Shape::Times(_) => None,
        }
    }

    /// The times of the samples, as they are written.
    pub(super) fn times(&self) -> Option<&[String]> {
        match &self.shape {
            Shape::Each { times, .. } => times.as_deref(),
            Shape::Samples(_) | Shape::Times(_) => None,
        }
    }

    /// The attacks or alarms, as ranges of samples.
    ///
    /// # Arguments
    ///
    /// * `axis` — the times of the samples, for a file with ranges of times.
    /// * `length` — number of samples.
    pub(super) fn ranges(
        &self,
        axis: Option<&[String]>,
        length: u64,
    ) -> Result<Vec<Range>, Problem> {
        match &self.shape {
            Shape::Samples(ranges) => Ok(ranges.clone()),
            Shape::Each { labels, .. } => {
                let numbered = (0_u64..).zip(labels);
                let flagged = numbered.filter(|(_, label)| **label);
                let one = |(sample, _): (u64, &bool)| Range {
                    first: sample,
                    last: sample,
                };
                Ok(flagged.map(one).collect())
            }
            Shape::Times(times) => self.on_axis(times, axis, length),
        }
    }

    fn on_axis(
        &self,
        times: &[(f64, f64)],
        axis: Option<&[String]>,
        length: u64,
    ) -> Result<Vec<Range>, Problem> {
        let file = &self.file;
        // Without a column of times, samples are counted from 0.
        let axis: Vec<f64> = match axis {
            None => (0..length).map(|sample| sample as f64).collect(),
            Some(axis) => {
                let parsed = axis.iter().map(|time| {
                    time.parse().map_err(|_| {
                        let message =
                            format!("its ranges are numbers, and a sample is at `{time}`");
                        wrong(file, message).hint("both need the same axis, such as Unix seconds")
                    })
                });
                parsed.collect::<Result<_, Problem>>()?
            }
        };
        let mut ranges = Vec::new();
        for (start, end) in times {
            let first = axis.partition_point(|at| at < start) as u64;
            let behind = axis.partition_point(|at| at <= end) as u64;
            if first < behind {
                ranges.push(Range {
                    first,
                    last: behind - 1,
                });
            }
        }
        if ranges.is_empty() && !times.is_empty() {
            let message = "none of its ranges holds a sample of the other file";
            return Err(wrong(file, message).hint("both need the same axis, such as Unix seconds"));
        }
        Ok(ranges)
    }
}

/// Checks that two files with times have the same.
pub(super) fn same_times(a: &Labels, b: &Labels) -> Result<(), Problem> {
    let (Some(these), Some(those)) = (a.times(), b.times()) else {
        return Ok(());
    };
    let same = |a: &str, b: &str| match (a.parse::<f64>(), b.parse::<f64>()) {
        (Ok(a), Ok(b)) => a.to_bits() == b.to_bits(),
        _ => a == b,
    };
    let mut pairs = these.iter().zip(those).enumerate();
    let Some((sample, (x, y))) = pairs.find(|(_, (x, y))| !same(x, y)) else {
        return Ok(());
    };
    let message = format!(
        "sample {sample} is at `{x}` in `{}` and at `{y}` in `{}`",
        a.file, b.file
    );
    let hint = "both files need the same samples in the same order";
    Err(Problem::new("TR0342", message).hint(hint))
}
