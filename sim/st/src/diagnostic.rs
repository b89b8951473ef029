//! What the compiler says about a mistake in a program, and where.
//!
//! **Invariant:** every diagnostic carries a code of [`crate::problems`], and every span lies on
//! character boundaries of the source it was made from.

use std::fmt;

/// A half-open range of bytes of the source.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

impl Span {
    pub(crate) fn new(start: usize, end: usize) -> Self {
        let narrow = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        Self {
            start: narrow(start),
            end: narrow(end),
        }
    }

    /// The smallest span that holds both.
    pub(crate) fn to(self, other: Self) -> Self {
        Self {
            start: self.start.min(other.start),
            end: self.end.max(other.end),
        }
    }

    /// The text of the span, or nothing where the span is not of this source.
    pub(crate) fn text(self, source: &str) -> &str {
        source
            .get(self.start as usize..self.end as usize)
            .unwrap_or("")
    }
}

/// One mistake in a program, or something doubtful.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// Stable code such as `ST0301`; [`crate::explain`] tells more about it.
    pub code: &'static str,
    /// What is wrong, in one sentence without a full stop.
    pub message: String,
    /// Where, in bytes.
    pub span: Span,
    /// Where, as a line; 1-based.
    pub line: u32,
    /// Where in the line, in characters; 1-based.
    pub column: u32,
    /// What would probably be right.
    pub hint: Option<String>,
    /// Name of the file, as given to [`crate::compile`].
    pub file: String,
}

impl fmt::Display for Diagnostic {
    /// `file:line:column: code: message (hint)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            code,
            message,
            line,
            column,
            hint,
            file,
            ..
        } = self;
        write!(f, "{file}:{line}:{column}: {code}: {message}")?;
        match hint {
            Some(hint) => write!(f, " ({hint})"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Diagnostic {}

/// The files that are compiled together, as one text: each begins on a line of its own.
pub(crate) struct SourceText {
    text: String,
    files: Vec<FileStart>,
    /// Byte offset of the first byte of each line.
    lines: Vec<u32>,
}

/// Where a file begins in the text.
struct FileStart {
    name: String,
    start: u32,
    end: u32,
    /// Number of its first line in the whole text, from 0.
    first_line: u32,
}

impl SourceText {
    pub(crate) fn new(sources: &[(&str, &str)]) -> Self {
        let mut text = String::new();
        let mut files = Vec::new();
        let mut first_line = 0;
        for (source, name) in sources {
            let span = Span::new(text.len(), text.len() + source.len());
            let name = (*name).to_owned();
            files.push(FileStart {
                name,
                start: span.start,
                end: span.end,
                first_line,
            });
            text.push_str(source);
            if sources.len() > 1 {
                text.push('\n');
            }
            let ends = source.bytes().filter(|&byte| byte == b'\n').count() + 1;
            first_line += u32::try_from(ends).unwrap_or(u32::MAX >> 1);
        }
        let mut lines = vec![0];
        for (at, byte) in text.bytes().enumerate() {
            if byte == b'\n' {
                lines.push(Span::new(at + 1, at + 1).start);
            }
        }
        Self { text, files, lines }
    }

    /// The bytes of each file.
    pub(crate) fn ranges(&self) -> Vec<std::ops::Range<usize>> {
        let range = |file: &FileStart| file.start as usize..file.end as usize;
        self.files.iter().map(range).collect()
    }

    /// Number of the file that holds a byte.
    pub(crate) fn file_of(&self, offset: u32) -> usize {
        let after = self.files.partition_point(|file| file.start <= offset);
        after.saturating_sub(1)
    }

    pub(crate) fn file_names(&self) -> Vec<String> {
        self.files.iter().map(|file| file.name.clone()).collect()
    }

    /// Line of the whole text; 0-based.
    fn line_index(&self, offset: u32) -> usize {
        self.lines
            .partition_point(|&start| start <= offset)
            .saturating_sub(1)
    }

    /// Line of a byte in its file; 1-based.
    pub(crate) fn line(&self, offset: u32) -> u32 {
        let line = u32::try_from(self.line_index(offset)).unwrap_or(u32::MAX - 1);
        let first = self
            .files
            .get(self.file_of(offset))
            .map_or(0, |file| file.first_line);
        line.saturating_sub(first) + 1
    }

    /// Column of a byte in characters; 1-based.
    fn column(&self, offset: u32) -> u32 {
        let start = self.lines[self.line_index(offset)] as usize;
        let before = self.text.get(start..offset as usize).unwrap_or("");
        u32::try_from(before.chars().count()).unwrap_or(u32::MAX - 1) + 1
    }
}

/// Collects diagnostics while the compiler goes on.
pub(crate) struct Sink<'s> {
    source: &'s SourceText,
    /// Mistakes, with spans in the whole text, not yet in their file.
    found: Vec<Diagnostic>,
    /// The same for what keeps no program from running.
    warnings: Vec<Diagnostic>,
}

/// More than this many mistakes help nobody, and a generated file must not fill the memory.
const MAX_DIAGNOSTICS: usize = 200;

impl<'s> Sink<'s> {
    pub(crate) fn new(source: &'s SourceText) -> Self {
        Self {
            source,
            found: Vec::new(),
            warnings: Vec::new(),
        }
    }

    pub(crate) fn report(&mut self, code: &'static str, span: Span, message: impl Into<String>) {
        self.report_with_hint(code, span, message, None);
    }

    pub(crate) fn report_with_hint(
        &mut self,
        code: &'static str,
        span: Span,
        message: impl Into<String>,
        hint: Option<String>,
    ) {
        if self.found.len() < MAX_DIAGNOSTICS {
            let found = self.diagnostic(code, span, message.into(), hint);
            self.found.push(found);
        }
    }

    /// Tells of something that is doubtful, but can run.
    pub(crate) fn warn(&mut self, code: &'static str, span: Span, message: impl Into<String>) {
        if self.warnings.len() < MAX_DIAGNOSTICS {
            let found = self.diagnostic(code, span, message.into(), None);
            self.warnings.push(found);
        }
    }

    fn diagnostic(
        &self,
        code: &'static str,
        span: Span,
        message: String,
        hint: Option<String>,
    ) -> Diagnostic {
        debug_assert!(
            crate::problems::explain(code).is_some(),
            "{code} is not in the table"
        );
        Diagnostic {
            code,
            message,
            span,
            line: self.source.line(span.start),
            column: self.source.column(span.start),
            hint,
            file: String::new(),
        }
    }

    /// A hint that names the candidate nearest to a mistyped name; none where no more is reported anyway.
    pub(crate) fn did_you_mean<'a>(
        &self,
        name: &str,
        candidates: impl IntoIterator<Item = &'a str>,
    ) -> Option<String> {
        if self.found.len() >= MAX_DIAGNOSTICS {
            return None;
        }
        crate::suggest::did_you_mean(name, candidates)
    }

    /// The text of all files.
    pub(crate) fn source(&self) -> &'s str {
        &self.source.text
    }

    pub(crate) fn lines(&self) -> &'s SourceText {
        self.source
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// All mistakes that were found, in the order of the source.
    pub(crate) fn into_sorted(self) -> Vec<Diagnostic> {
        sorted(self.source, self.found)
    }

    /// All warnings, in the order of the source.
    pub(crate) fn into_warnings(self) -> Vec<Diagnostic> {
        sorted(self.source, self.warnings)
    }
}

/// Diagnostics in the order of the source, each with its place in its file.
fn sorted(source: &SourceText, mut found: Vec<Diagnostic>) -> Vec<Diagnostic> {
    found.sort_by(|a, b| (a.span, a.code).cmp(&(b.span, b.code)));
    found.dedup();
    for diagnostic in &mut found {
        if let Some(file) = source.files.get(source.file_of(diagnostic.span.start)) {
            diagnostic.file.clone_from(&file.name);
            diagnostic.span.start -= file.start;
            diagnostic.span.end = diagnostic.span.end.min(file.end).max(file.start) - file.start;
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn place_when_line_has_wide_characters_then_column_counts_characters() {
        let source = "a\n(* é *) x\n";
        let text = SourceText::new(&[(source, "a.st")]);
        let offset = u32::try_from(source.find('x').expect("x is there")).expect("small");
        assert_eq!((text.line(offset), text.column(offset)), (2, 9));
        assert_eq!((text.line(0), text.column(0)), (1, 1));
    }

    #[test]
    fn place_when_in_a_second_file_then_counts_from_its_beginning() {
        let text = SourceText::new(&[("a\nb", "a.st"), ("c\nd", "b.st")]);
        for (offset, file, line) in [(0, 0, 1), (2, 0, 2), (4, 1, 1), (6, 1, 2)] {
            assert_eq!(
                (text.file_of(offset), text.line(offset)),
                (file, line),
                "{offset}"
            );
        }
        assert_eq!(text.ranges(), [0..3, 4..7]);
    }
}
