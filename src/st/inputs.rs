//! Inputs of a program over time, from a CSV file.
//!
//! The first column is `time_ms`; the others are variables by their path or places in the image by their
//! address. A row holds from the first scan at or after its time; an empty cell changes nothing.

use std::collections::VecDeque;
use std::path::Path;

use sim_st::{Address, Elementary, Image, Machine, Program, Value};
use twinrange_range::problem::{Problem, Problems, SourceText, did_you_mean};
use twinrange_range::scenario::read_text;

/// Longest time of a row, ms: a year.
const TIME_MAX_MS: f64 = 366.0 * 86_400_000.0;

/// Where a column's values go.
#[derive(Clone, Debug)]
enum Target {
    Variable(String, Elementary),
    Place(Address, Elementary),
}

impl Target {
    fn ty(&self) -> Elementary {
        match self {
            Self::Variable(_, ty) | Self::Place(_, ty) => *ty,
        }
    }
}

/// One row: its time in ns, and the values that it sets.
#[derive(Debug)]
struct Row {
    t_ns: u64,
    values: Vec<(usize, Value)>,
}

/// Rows that are still to come.
#[derive(Debug, Default)]
pub(crate) struct Inputs {
    targets: Vec<Target>,
    rows: VecDeque<Row>,
}

impl Inputs {
    /// Reads a file for a program.
    ///
    /// # Errors
    ///
    /// Every cell that cannot be used, with line and column.
    pub(crate) fn read(path: &Path, machine: &Machine) -> Result<Self, Problems> {
        let program = machine.program();
        let source = read_text(path, &path.display().to_string())?;
        let mut reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .trim(csv::Trim::All)
            .comment(Some(b'#'))
            .from_reader(source.text().as_bytes());
        let mut records = reader.records();
        let head = match records.next() {
            Some(head) => head.map_err(|error| broken(&source, &error))?,
            None => csv::StringRecord::new(),
        };
        let mut problems = Problems::new();
        if head.get(0) != Some("time_ms") {
            let message = "the first column of recorded inputs is `time_ms`";
            return Err(place(&source, &head, 0, message).into());
        }
        let mut targets = Vec::new();
        for (column, name) in head.iter().enumerate().skip(1) {
            match target(name, program, machine) {
                Ok(target) => targets.push(target),
                Err((message, hint)) => {
                    problems.push(place(&source, &head, column, message).maybe_hint(hint));
                }
            }
        }
        problems.into_result()?;
        let mut problems = Problems::new();
        let mut rows = VecDeque::new();
        let mut last_ns = 0;
        for record in records {
            let record = record.map_err(|error| broken(&source, &error))?;
            match row(&record, &targets, last_ns) {
                Ok(row) => {
                    last_ns = row.t_ns;
                    rows.push_back(row);
                }
                Err((column, message)) => problems.push(place(&source, &record, column, message)),
            }
        }
        problems.into_result()?;
        Ok(Self { targets, rows })
    }

    /// Sets what rows up to a time say.
    pub(crate) fn apply(&mut self, now_ns: u64, machine: &mut Machine, image: &mut Image) {
        while let Some(row) = self.rows.pop_front_if(|row| row.t_ns <= now_ns) {
            for (column, value) in row.values {
                match &self.targets[column] {
                    Target::Place(address, _) => image.set(*address, &value),
                    Target::Variable(name, _) => machine
                        .write(name, value)
                        .expect("the variable and its type were looked up"),
                }
            }
        }
    }
}

/// Where a column goes, or what is wrong with its name and perhaps a hint.
fn target(
    name: &str,
    program: &Program,
    machine: &Machine,
) -> Result<Target, (String, Option<String>)> {
    let located = |wanted: &str| {
        program
            .located()
            .iter()
            .find(|located| located.name.eq_ignore_ascii_case(wanted))
    };
    if let Some(located) = located(name) {
        return Ok(Target::Place(located.address, located.ty));
    }
    if name.starts_with('%') {
        let address = Address::parse(name).map_err(|why| (why, None))?;
        let known = program.located().iter().find(|l| l.address == address);
        let ty = known.map_or_else(|| address.default_type(), |located| located.ty);
        return Ok(Target::Place(address, ty));
    }
    match machine.read(name) {
        Some(value) => Ok(Target::Variable(name.to_owned(), value.elementary())),
        None => {
            let known = program.variables().iter().map(|v| v.name.as_str());
            Err((
                format!("the program has no variable `{name}`"),
                did_you_mean(name, known),
            ))
        }
    }
}

/// A row, or the column that cannot be used and why.
fn row(
    record: &csv::StringRecord,
    targets: &[Target],
    last_ns: u64,
) -> Result<Row, (usize, String)> {
    let text = record.get(0).unwrap_or("");
    let time_ms: f64 = text
        .parse()
        .ok()
        .filter(|ms| (0.0..=TIME_MAX_MS).contains(ms))
        .ok_or_else(|| (0, format!("`{text}` is no time in ms, 0 to {TIME_MAX_MS}")))?;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the time was checked to be between zero and a year"
    )]
    let t_ns = (time_ms * 1e6).round() as u64;
    if t_ns < last_ns {
        return Err((0, "rows are in the order of their times".to_owned()));
    }
    let mut values = Vec::new();
    for (column, target) in targets.iter().enumerate() {
        let cell = record.get(column + 1).unwrap_or("");
        if !cell.is_empty() {
            let value = Value::parse(target.ty(), cell).map_err(|why| (column + 1, why))?;
            values.push((column, value));
        }
    }
    Ok(Row { t_ns, values })
}

/// A problem at a cell.
fn place(
    source: &SourceText,
    record: &csv::StringRecord,
    column: usize,
    message: impl Into<String>,
) -> Problem {
    let line = record.position().map_or(1, csv::Position::line);
    let text = usize::try_from(line)
        .ok()
        .and_then(|line| source.text().lines().nth(line - 1))
        .unwrap_or("");
    Problem::new("TR0318", message).at_line(
        source.file(),
        u32::try_from(line).unwrap_or(u32::MAX),
        u32::try_from(cell_start(text, column) + 1).unwrap_or(u32::MAX),
    )
}

/// Characters of a line before the text of its cell.
fn cell_start(line: &str, column: usize) -> usize {
    let mut cell = 0;
    let mut in_quotes = false;
    for (at, c) in line.chars().enumerate() {
        match c {
            '"' => in_quotes = !in_quotes,
            ',' if !in_quotes => {
                cell += 1;
                continue;
            }
            _ => {}
        }
        if cell == column && !c.is_whitespace() {
            return at;
        }
    }
    0
}

fn broken(source: &SourceText, error: &csv::Error) -> Problem {
    let line = error.position().map_or(1, csv::Position::line);
    let message = match error.kind() {
        csv::ErrorKind::UnequalLengths {
            expected_len, len, ..
        } => format!("the row has {len} cells, and the first has {expected_len}"),
        _ => error.to_string(),
    };
    Problem::new("TR0318", message).at_line(
        source.file(),
        u32::try_from(line).unwrap_or(u32::MAX),
        1,
    )
}
