//! Files of lines: JSON records, one per line, and plain text.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::problem::{Problem, Problems};

/// Longest line that is read, bytes.
pub const MAX_LINE_BYTES: u64 = 4 << 20;

/// Writes lines and counts them.
#[derive(Debug)]
pub struct LineWriter<W: Write> {
    out: W,
    lines: u64,
}

impl<W: Write> LineWriter<W> {
    /// Begins a file.
    pub fn new(out: W) -> Self {
        Self { out, lines: 0 }
    }

    /// Appends a record as one line of JSON.
    ///
    /// # Errors
    ///
    /// Those of the writer below.
    pub fn record(&mut self, record: &impl Serialize) -> io::Result<()> {
        serde_json::to_writer(&mut self.out, record)?;
        self.out.write_all(b"\n")?;
        self.lines += 1;
        Ok(())
    }

    /// Hands everything on to what is behind it.
    ///
    /// # Errors
    ///
    /// If it cannot be written.
    pub fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }

    /// Appends a text as one line. Control characters in it become spaces: a line stays one line.
    ///
    /// # Errors
    ///
    /// Those of the writer below.
    pub fn text(&mut self, line: &str) -> io::Result<()> {
        if line.contains(|c: char| c.is_control()) {
            let clean: String = line
                .chars()
                .map(|c| if c.is_control() { ' ' } else { c })
                .collect();
            self.out.write_all(clean.as_bytes())?;
        } else {
            self.out.write_all(line.as_bytes())?;
        }
        self.out.write_all(b"\n")?;
        self.lines += 1;
        Ok(())
    }

    /// How many lines were written.
    #[must_use]
    pub fn lines(&self) -> u64 {
        self.lines
    }

    /// The writer below.
    pub fn into_inner(self) -> W {
        self.out
    }
}

/// Reads a file of JSON lines whole. Empty lines are skipped.
///
/// # Errors
///
/// `TR0308` for every line that is not a record, at most ten of them; `TR0305` if there is no file.
pub fn read_records<T: DeserializeOwned>(path: &Path) -> Result<Vec<T>, Problems> {
    let mut records = Vec::new();
    let mut problems = Problems::new();
    for_each_line(path, |number, line| {
        match serde_json::from_slice(line) {
            Ok(record) => records.push(record),
            Err(error) => problems.push(not_a_record(path, number, &error)),
        }
        problems.len() < 10
    })?;
    problems.into_result()?;
    Ok(records)
}

/// Reads a file of text lines whole.
///
/// # Errors
///
/// `TR0305` or `TR0306` if it cannot be read.
pub fn read_text(path: &Path) -> Result<Vec<String>, Problems> {
    let mut lines = Vec::new();
    for_each_line(path, |_, line| {
        lines.push(String::from_utf8_lossy(line).into_owned());
        true
    })?;
    Ok(lines)
}

/// Calls `each` for every line that is not empty, with its 1-based number, until it returns false.
fn for_each_line(path: &Path, mut each: impl FnMut(u32, &[u8]) -> bool) -> Result<(), Problems> {
    let unreadable = |error: &io::Error| {
        let code = if error.kind() == io::ErrorKind::NotFound {
            "TR0305"
        } else {
            "TR0306"
        };
        Problem::new(code, format!("it cannot be read: {error}"))
            .in_file(path.display().to_string())
    };
    let mut input = BufReader::new(File::open(path).map_err(|error| unreadable(&error))?);
    let mut line = Vec::new();
    for number in 1.. {
        line.clear();
        let mut limited = (&mut input).take(MAX_LINE_BYTES);
        let read = limited
            .read_until(b'\n', &mut line)
            .map_err(|error| unreadable(&error))?;
        if read == 0 {
            break;
        }
        if read as u64 == MAX_LINE_BYTES && !line.ends_with(b"\n") {
            let message = format!("the line is longer than {MAX_LINE_BYTES} bytes");
            let file = path.display().to_string();
            return Err(Problem::new("TR0308", message)
                .at_line(file, number, 1)
                .into());
        }
        while line.ends_with(b"\n") || line.ends_with(b"\r") {
            line.pop();
        }
        if !line.is_empty() && !each(number, &line) {
            break;
        }
    }
    Ok(())
}

fn not_a_record(path: &Path, number: u32, error: &serde_json::Error) -> Problem {
    let column = u32::try_from(error.column()).unwrap_or(u32::MAX).max(1);
    let text = error.to_string();
    let text = text.split(" at line ").next().unwrap_or("this is not JSON");
    let hint = error
        .is_eof()
        .then(|| "the file may have been cut off here".to_owned());
    Problem::new("TR0308", text)
        .at_line(path.display().to_string(), number, column)
        .maybe_hint(hint)
}
