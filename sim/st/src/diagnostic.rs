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

/// One mistake in a program.
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

/// Where the lines of a source begin.
#[derive(Clone, Debug)]
pub(crate) struct LineIndex {
    /// Byte offset of the first byte of each line.
    starts: Vec<u32>,
}

impl LineIndex {
    pub(crate) fn new(source: &str) -> Self {
        let mut starts = vec![0];
        for (at, byte) in source.bytes().enumerate() {
            if byte == b'\n' {
                starts.push(Span::new(at + 1, at + 1).start);
            }
        }
        Self { starts }
    }

    /// Line of a byte offset; 1-based.
    pub(crate) fn line(&self, offset: u32) -> u32 {
        let line = self.starts.partition_point(|&start| start <= offset);
        u32::try_from(line).unwrap_or(u32::MAX)
    }

    /// Line and column in characters of a byte offset; both 1-based.
    pub(crate) fn line_column(&self, source: &str, offset: u32) -> (u32, u32) {
        let line = self.line(offset);
        let start = self.starts[line as usize - 1] as usize;
        let before = source.get(start..offset as usize).unwrap_or("");
        (
            line,
            u32::try_from(before.chars().count()).unwrap_or(u32::MAX - 1) + 1,
        )
    }
}

/// Collects diagnostics while the compiler goes on.
pub(crate) struct Sink<'s> {
    source: &'s str,
    file: &'s str,
    lines: &'s LineIndex,
    found: Vec<Diagnostic>,
}

/// More than this many mistakes help nobody, and a generated file must not fill the memory.
const MAX_DIAGNOSTICS: usize = 200;

impl<'s> Sink<'s> {
    pub(crate) fn new(source: &'s str, file: &'s str, lines: &'s LineIndex) -> Self {
        Self {
            source,
            file,
            lines,
            found: Vec::new(),
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
        debug_assert!(
            crate::problems::explain(code).is_some(),
            "{code} is not in the table"
        );
        if self.found.len() >= MAX_DIAGNOSTICS {
            return;
        }
        let (line, column) = self.lines.line_column(self.source, span.start);
        let (message, file) = (message.into(), self.file.to_owned());
        self.found.push(Diagnostic {
            code,
            message,
            span,
            line,
            column,
            hint,
            file,
        });
    }

    pub(crate) fn source(&self) -> &'s str {
        self.source
    }

    pub(crate) fn lines(&self) -> &'s LineIndex {
        self.lines
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// All that was found, in the order of the source.
    pub(crate) fn into_sorted(mut self) -> Vec<Diagnostic> {
        self.found
            .sort_by(|a, b| (a.span, a.code).cmp(&(b.span, b.code)));
        self.found.dedup();
        self.found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_index_when_line_has_wide_characters_then_column_counts_characters() {
        let source = "a\n(* é *) x\n";
        let index = LineIndex::new(source);
        let offset = u32::try_from(source.find('x').expect("x is there")).expect("small");
        assert_eq!(index.line_column(source, offset), (2, 9));
        assert_eq!(index.line_column(source, 0), (1, 1));
    }
}
