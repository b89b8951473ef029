//! The user's mistake as a value: what is wrong, where, and what would probably be right.
//!
//! A [`Problem`] is made where a mistake is found and shown where the command decides: as a report
//! with the source line (through [`miette`]), as one plain line for logs, or as JSON. Everything that
//! reads files collects [`Problems`], so that one look shows all mistakes and not the first.
//!
//! # Invariants
//!
//! - Every code that starts with `TR` is in the table of [`explain`]; a code never changes its
//!   meaning. Codes of other crates (`ST…` of the Structured Text compiler) pass through unchanged.
//! - A span lies inside its source and on character boundaries; line and column agree with it.
//! - Paths are shown as the user gave them, so that a terminal can open them.

mod codes;
mod suggest;

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use miette::{
    Diagnostic, GraphicalReportHandler, GraphicalTheme, LabeledSpan, NamedSource, SourceCode,
};
use serde::{Serialize, Serializer};

pub use codes::{CodeInfo, all as all_codes, explain};
pub use suggest::{did_you_mean, nearest};

/// How bad a [`Problem`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Probably not what the author meant, but it can be run.
    Warning,
    /// It cannot be run.
    Error,
}

/// A text and the name it is shown under. Cheap to clone.
#[derive(Clone, Debug)]
pub struct SourceText {
    named: Arc<NamedSource<String>>,
}

impl SourceText {
    /// Wraps a text.
    ///
    /// # Arguments
    ///
    /// * `file` — path or name as the user knows it.
    /// * `text` — the whole content.
    #[must_use]
    pub fn new(file: impl AsRef<str>, text: impl Into<String>) -> Self {
        Self {
            named: Arc::new(NamedSource::new(file, text.into())),
        }
    }

    /// Path or name as the user knows it.
    #[must_use]
    pub fn file(&self) -> &str {
        self.named.name()
    }

    /// The whole content.
    #[must_use]
    pub fn text(&self) -> &str {
        self.named.inner()
    }

    /// Line and column of a byte offset, both 1-based; the column counts characters.
    ///
    /// An offset beyond the text, or inside a character, is moved back to where text begins.
    #[must_use]
    pub fn line_column(&self, offset: usize) -> (u32, u32) {
        let before = &self.text()[..self.floor(offset)];
        let line = before.bytes().filter(|&byte| byte == b'\n').count() + 1;
        let start = before.rfind('\n').map_or(0, |at| at + 1);
        (count(line), count(before[start..].chars().count() + 1))
    }

    /// The byte offset of a 1-based line and column, the inverse of [`Self::line_column`].
    ///
    /// Positions beyond a line or beyond the text give the end of that line or text.
    #[must_use]
    pub fn offset(&self, line: u32, column: u32) -> usize {
        let text = self.text();
        let mut start = 0;
        for _ in 1..line {
            match text[start..].find('\n') {
                Some(at) => start += at + 1,
                None => return text.len(),
            }
        }
        let end = text[start..].find('\n').map_or(text.len(), |at| start + at);
        let skip = (column as usize).saturating_sub(1);
        text[start..end]
            .char_indices()
            .nth(skip)
            .map_or(end, |(at, _)| start + at)
    }

    /// The nearest character boundary at or before `offset`.
    fn floor(&self, offset: usize) -> usize {
        self.text().floor_char_boundary(offset)
    }
}

/// One mistake of the user.
///
/// # Examples
///
/// ```
/// use twinrange_range::problem::{Problem, SourceText};
///
/// let source = SourceText::new("plant.ron", "Plant(\n    nmae: \"bottling\",\n)");
/// let problem = Problem::new("TR0103", "`Plant` has no field `nmae`")
///     .at(&source, 11..15)
///     .hint("did you mean `name`?");
/// assert_eq!(
///     problem.to_string(),
///     "plant.ron:2:5: TR0103: `Plant` has no field `nmae` (hint: did you mean `name`?)"
/// );
/// ```
#[derive(Clone, Debug, Serialize)]
pub struct Problem {
    /// Stable code, such as `TR0103`; [`explain`] tells more about it.
    pub code: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong, in one sentence without a full stop.
    pub message: Box<str>,
    /// The file as the user named it; absent for a mistake that is in no file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<Box<str>>,
    /// Where, in bytes; absent where the whole file is meant.
    #[serde(
        skip_serializing_if = "Option::is_none",
        serialize_with = "span_as_pair"
    )]
    pub span: Option<Range<usize>>,
    /// 1-based line of the start of `span`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// 1-based column of the start of `span`, in characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<u32>,
    /// What would probably be right.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<Box<str>>,
    #[serde(skip)]
    drawing: Box<Drawing>,
}

/// What only the report on a terminal shows.
#[derive(Clone, Debug, Default)]
struct Drawing {
    source: Option<SourceText>,
    label: Option<String>,
    also: Vec<(Range<usize>, String)>,
}

impl Problem {
    /// A mistake that stops the work, at no place yet.
    ///
    /// # Panics
    ///
    /// If a `TR` code is not in the table: that is our bug.
    #[must_use]
    pub fn new(code: &'static str, message: impl Into<String>) -> Self {
        assert!(
            !code.starts_with("TR") || explain(code).is_some(),
            "{code} is not in the table"
        );
        Self {
            code,
            severity: Severity::Error,
            message: message.into().into(),
            file: None,
            span: None,
            line: None,
            column: None,
            hint: None,
            drawing: Box::default(),
        }
    }

    /// Makes it a warning.
    #[must_use]
    pub fn warning(mut self) -> Self {
        self.severity = Severity::Warning;
        self
    }

    /// Points at a place in a text. A span that reaches beyond the text is cut.
    #[must_use]
    pub fn at(mut self, source: &SourceText, span: Range<usize>) -> Self {
        let start = source.floor(span.start);
        let end = source.floor(span.end.max(start));
        let (line, column) = source.line_column(start);
        self.file = Some(source.file().into());
        self.span = Some(start..end);
        (self.line, self.column) = (Some(line), Some(column));
        self.drawing.source = Some(source.clone());
        self
    }

    /// Points at a file as a whole, such as one that cannot be read.
    #[must_use]
    pub fn in_file(mut self, file: impl Into<String>) -> Self {
        self.file = Some(file.into().into());
        self
    }

    /// Points at a line of a file whose text is not kept, such as a large log.
    #[must_use]
    pub fn at_line(mut self, file: impl Into<String>, line: u32, column: u32) -> Self {
        self.file = Some(file.into().into());
        (self.line, self.column) = (Some(line), Some(column));
        self
    }

    /// Says what would probably be right.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into().into());
        self
    }

    /// Says what would probably be right, if anything is known.
    #[must_use]
    pub fn maybe_hint(mut self, hint: Option<String>) -> Self {
        if hint.is_some() {
            self.hint = hint.map(Into::into);
        }
        self
    }

    /// Writes a few words under the place in the report.
    #[must_use]
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.drawing.label = Some(label.into());
        self
    }

    /// Points at a second place of the same text, such as the first of two definitions.
    #[must_use]
    pub fn also(mut self, span: Range<usize>, label: impl Into<String>) -> Self {
        if let Some(source) = &self.drawing.source {
            let (start, end) = (
                source.floor(span.start),
                source.floor(span.end.max(span.start)),
            );
            self.drawing.also.push((start..end, label.into()));
        }
        self
    }

    /// Order in which problems are shown: by file, then by place.
    fn place(&self) -> (Option<&str>, Option<u32>, Option<u32>, &str) {
        (self.file.as_deref(), self.line, self.column, self.code)
    }
}

impl fmt::Display for Problem {
    /// `file:line:column: code: message (hint: …)`, on one line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(file) = &self.file {
            write!(f, "{file}:")?;
            if let (Some(line), Some(column)) = (self.line, self.column) {
                write!(f, "{line}:{column}:")?;
            }
            f.write_str(" ")?;
        }
        if self.severity == Severity::Warning {
            f.write_str("warning: ")?;
        }
        write!(f, "{}: {}", self.code, one_line(&self.message))?;
        match &self.hint {
            Some(hint) => write!(f, " (hint: {})", one_line(hint)),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Problem {}

/// The same problem for the report, where the place is drawn and need not be said.
#[derive(Clone, Debug)]
struct Reported(Problem);

impl fmt::Display for Reported {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.0.file, &self.0.drawing.source) {
            (Some(file), None) => write!(f, "{file}: {}", self.0.message),
            _ => f.write_str(&self.0.message),
        }
    }
}

impl std::error::Error for Reported {}

impl Diagnostic for Reported {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new(self.0.code))
    }

    fn severity(&self) -> Option<miette::Severity> {
        Some(match self.0.severity {
            Severity::Error => miette::Severity::Error,
            Severity::Warning => miette::Severity::Warning,
        })
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.0
            .hint
            .as_ref()
            .map(|hint| Box::new(hint) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.0
            .drawing
            .source
            .as_ref()
            .map(|source| &*source.named as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let span = self.0.span.clone()?;
        let text = self
            .0
            .drawing
            .label
            .clone()
            .unwrap_or_else(|| "here".to_owned());
        let first = LabeledSpan::new_primary_with_span(Some(text), span);
        let others = self
            .0
            .drawing
            .also
            .iter()
            .map(|(span, label)| LabeledSpan::new_with_span(Some(label.clone()), span.clone()));
        Some(Box::new(std::iter::once(first).chain(others)))
    }
}

/// All mistakes that one look found. Also the error type of whatever can only fail through the user.
#[derive(Clone, Debug, Default)]
pub struct Problems {
    list: Vec<Reported>,
}

impl Problems {
    /// No problems.
    #[must_use]
    pub const fn new() -> Self {
        Self { list: Vec::new() }
    }

    /// Adds one.
    pub fn push(&mut self, problem: Problem) {
        self.list.push(Reported(problem));
    }

    /// The problems, in the order in which they were added, or by place after [`Self::sorted`].
    pub fn iter(&self) -> impl Iterator<Item = &Problem> {
        self.list.iter().map(|reported| &reported.0)
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Whether there are none, not even warnings.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Whether any of them stops the work.
    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.iter()
            .any(|problem| problem.severity == Severity::Error)
    }

    /// The same problems by file and place, each once.
    #[must_use]
    pub fn sorted(mut self) -> Self {
        self.list.sort_by(|a, b| a.0.place().cmp(&b.0.place()));
        self.list.dedup_by(|a, b| {
            a.0.place() == b.0.place() && a.0.message == b.0.message && a.0.span == b.0.span
        });
        self
    }

    /// Whether the work may go on.
    ///
    /// # Errors
    ///
    /// All problems by place, if one of them is an error. Warnings alone are not an error.
    pub fn into_result(self) -> Result<(), Self> {
        if self.has_errors() {
            Err(self.sorted())
        } else {
            Ok(())
        }
    }
}

impl From<Problem> for Problems {
    fn from(problem: Problem) -> Self {
        Self {
            list: vec![Reported(problem)],
        }
    }
}

impl FromIterator<Problem> for Problems {
    fn from_iter<I: IntoIterator<Item = Problem>>(problems: I) -> Self {
        Self {
            list: problems.into_iter().map(Reported).collect(),
        }
    }
}

impl Extend<Problem> for Problems {
    fn extend<I: IntoIterator<Item = Problem>>(&mut self, problems: I) {
        self.list.extend(problems.into_iter().map(Reported));
    }
}

impl IntoIterator for Problems {
    type Item = Problem;
    type IntoIter = std::vec::IntoIter<Problem>;

    fn into_iter(self) -> Self::IntoIter {
        self.list
            .into_iter()
            .map(|reported| reported.0)
            .collect::<Vec<_>>()
            .into_iter()
    }
}

impl Serialize for Problems {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

impl fmt::Display for Problems {
    /// One line per problem.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}

/// The report that the command prints on a terminal: every problem with its line of source.
///
/// # Examples
///
/// ```
/// use twinrange_range::problem::{Problem, Problems, Report};
///
/// let problems = Problems::from(Problem::new("TR0201", "`out` is not a folder"));
/// let report = miette::Report::new(Report::from(problems));
/// assert!(format!("{report:?}").contains("TR0201"));
/// ```
#[derive(Clone, Debug)]
pub struct Report(Problems);

impl From<Problems> for Report {
    fn from(problems: Problems) -> Self {
        Self(problems)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.list.as_slice() {
            [only] => only.fmt(f),
            list => {
                let errors = list
                    .iter()
                    .filter(|r| r.0.severity == Severity::Error)
                    .count();
                let warnings = list.len() - errors;
                write!(f, "{}", plural(errors, "error"))?;
                if warnings > 0 {
                    write!(f, ", {}", plural(warnings, "warning"))?;
                }
                Ok(())
            }
        }
    }
}

impl std::error::Error for Report {}

impl Diagnostic for Report {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.only()?.code()
    }

    fn severity(&self) -> Option<miette::Severity> {
        Some(if self.0.has_errors() {
            miette::Severity::Error
        } else {
            miette::Severity::Warning
        })
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.only()?.help()
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.only()?.source_code()
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        self.only()?.labels()
    }

    fn related<'a>(&'a self) -> Option<Box<dyn Iterator<Item = &'a dyn Diagnostic> + 'a>> {
        if self.only().is_some() {
            return None;
        }
        Some(Box::new(
            self.0
                .list
                .iter()
                .map(|reported| reported as &dyn Diagnostic),
        ))
    }
}

impl Report {
    fn only(&self) -> Option<&Reported> {
        match self.0.list.as_slice() {
            [only] => Some(only),
            _ => None,
        }
    }
}

fn span_as_pair<S: Serializer>(
    span: &Option<Range<usize>>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    span.as_ref()
        .map(|span| [span.start, span.end])
        .serialize(serializer)
}

fn plural(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

/// A message that came from elsewhere may hold line breaks; a log line may not.
fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn count(value: usize) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}

/// Problems as people read them.
///
/// # Arguments
///
/// * `drawn` — with the source around each place, for a terminal; else one line each, by place.
#[must_use]
pub fn rendered(problems: &Problems, drawn: bool) -> String {
    if !drawn {
        return problems.to_string();
    }
    let handler = GraphicalReportHandler::new_themed(GraphicalTheme::unicode());
    let mut text = String::new();
    match handler.render_report(&mut text, &Report::from(problems.clone())) {
        Ok(()) => text,
        Err(_) => problems.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use miette::{GraphicalReportHandler, GraphicalTheme};

    use super::*;

    const TEXT: &str = "Plant(\n    name: \"a\",\n    hosts: [\"é\", \"é\"],\n)";

    fn problems() -> Problems {
        let source = SourceText::new("plant.ron", TEXT);
        let first = TEXT.find("\"é\"").expect("it is there");
        let second = TEXT.rfind("\"é\"").expect("it is there");
        let double = Problem::new("TR0203", "two hosts are named `é`")
            .at(&source, second..second + 4)
            .label("again here")
            .also(first..first + 4, "first here")
            .hint("give each\nits own name");
        let missing = Problem::new("TR0305", "the file is missing").in_file("run/truth.parquet");
        let late = Problem::new("TR0245", "step `x` never comes")
            .at(&source, 0..5)
            .warning();
        [double, missing, late].into_iter().collect()
    }

    fn report(problems: Problems) -> String {
        let handler = GraphicalReportHandler::new_themed(GraphicalTheme::unicode_nocolor());
        let mut text = String::new();
        handler
            .render_report(&mut text, &Report::from(problems))
            .expect("renders");
        text.lines()
            .map(str::trim_end)
            .collect::<Vec<_>>()
            .join("\n")
    }

    #[test]
    fn problems_when_shown_as_lines_then_one_line_each_by_place() {
        insta::assert_snapshot!(problems().sorted());
    }

    #[test]
    fn problems_when_reported_then_every_one_is_drawn() {
        insta::assert_snapshot!(report(problems().sorted()));
    }

    #[test]
    fn problem_when_alone_then_report_is_that_problem() {
        let only = problems().into_iter().next().expect("there are three");
        insta::assert_snapshot!(report(only.into()));
    }

    #[test]
    fn problems_when_written_as_json_then_programs_find_the_place() {
        let json = serde_json::to_string_pretty(&problems()).expect("encodes");
        insta::assert_snapshot!(json);
    }

    #[test]
    fn position_when_taken_there_and_back_then_the_same() {
        let source = SourceText::new("f", TEXT);
        for (offset, _) in TEXT.char_indices().chain([(TEXT.len(), ' ')]) {
            let (line, column) = source.line_column(offset);
            assert_eq!(source.offset(line, column), offset, "{line}:{column}");
        }
        assert_eq!(source.offset(99, 1), TEXT.len());
        assert_eq!(source.offset(1, 99), 6);
        assert_eq!(source.line_column(9_999), source.line_column(TEXT.len()));
    }

    #[test]
    fn problems_when_the_same_is_found_twice_then_said_once() {
        let twice: Problems = problems().into_iter().chain(problems()).collect();
        assert_eq!(twice.sorted().len(), 3);
        let warnings: Problems = problems()
            .into_iter()
            .filter(|p| p.severity == Severity::Warning)
            .collect();
        assert!(warnings.into_result().is_ok());
        assert_eq!(problems().into_result().expect_err("two errors").len(), 3);
    }
}
