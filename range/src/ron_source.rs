//! RON files that people write: reads them, and knows where in the text each value stands.
//!
//! [`parse`] reads a text into any `serde` type and turns the first mistake of form into a
//! [`Problem`] with its exact place. Mistakes of meaning (an unknown host, a time that is too long)
//! are found only afterwards, when the text is gone; an [`Outline`] finds the place again by a path
//! such as `hosts[3].ip` or `steps["scan"].action`, so that all of them can be reported at once.
//!
//! # Invariants
//!
//! - No text panics, hangs or recurses without bound.
//! - On a text that [`parse`] accepts, the outline is complete, and the text of each value's span
//!   reads to that very value.

mod outline;
mod path;
mod scan;
mod texts;

use std::ops::Range;

use ron::error::{Error, SpannedError};
use ron::extensions::Extensions;
use serde::de::DeserializeOwned;

use crate::problem::{Problem, SourceText, did_you_mean};

pub use outline::{Field, Node, NodeKind, Outline};
pub use texts::{check_texts, check_texts_at};

/// Reads a RON text; `Some(…)` may be left out around optional values.
///
/// # Errors
///
/// The first mistake of form: a [`Problem`] of code `TR0101` to `TR0106` that points at it.
///
/// # Examples
///
/// ```
/// use serde::Deserialize;
/// use twinrange_range::problem::SourceText;
/// use twinrange_range::ron_source::parse;
///
/// #[derive(Debug, Deserialize)]
/// struct Pump {
///     name: String,
///     flow: Option<f64>,
/// }
/// let good: Pump = parse(&SourceText::new("pump.ron", r#"(name: "P1", flow: 0.5)"#))?;
/// assert_eq!((good.name.as_str(), good.flow), ("P1", Some(0.5)));
///
/// let bad = parse::<Pump>(&SourceText::new("pump.ron", "(name: \"P1\",\n flow: fast)"));
/// let problem = bad.expect_err("`fast` is not a number");
/// assert_eq!((problem.line, problem.column), (Some(2), Some(8)));
/// # Ok::<(), twinrange_range::problem::Problem>(())
/// ```
pub fn parse<T: DeserializeOwned>(source: &SourceText) -> Result<T, Problem> {
    options()
        .from_str(source.text())
        .map_err(|error| problem_of(&error, source))
}

/// The dialect of all our files.
pub(crate) fn options() -> ron::Options {
    ron::Options::default()
        .with_default_extension(Extensions::IMPLICIT_SOME | Extensions::UNWRAP_VARIANT_NEWTYPES)
}

fn problem_of(error: &SpannedError, source: &SourceText) -> Problem {
    let position = |at: ron::error::Position| source.offset(narrow(at.line), narrow(at.col));
    let cursor = position(error.span.start)..position(error.span.end);
    let outline = Outline::of(source.text());
    let place = Place {
        source,
        outline: &outline,
        cursor,
    };
    if source.text()[scan::skip_trivia(source.text(), place.cursor.end)..].is_empty() {
        return place
            .problem("TR0101", "the file ends in the middle of a value")
            .hint("a bracket, a quotation mark or a comment is not closed");
    }
    match &error.code {
        Error::NoSuchStructField {
            expected,
            found,
            outer,
        } => place
            .problem(
                "TR0103",
                format!("there is no field `{found}`{}", within(outer.as_deref())),
            )
            .at(source, place.key(found))
            .maybe_hint(did_you_mean(found, expected.iter().copied())),
        Error::MissingStructField { field, outer } => place
            .problem(
                "TR0104",
                format!("the field `{field}`{} is missing", within(outer.as_deref())),
            )
            .at(source, place.head())
            .hint(format!("add `{field}: …,`")),
        Error::DuplicateStructField { field, outer } => place
            .problem(
                "TR0105",
                format!(
                    "the field `{field}`{} is there twice",
                    within(outer.as_deref())
                ),
            )
            .at(source, place.key(field)),
        Error::NoSuchEnumVariant {
            expected,
            found,
            outer,
        } => place
            .problem(
                "TR0106",
                format!("`{found}` is not known{}", within(outer.as_deref())),
            )
            .at(source, place.word(found))
            .maybe_hint(did_you_mean(found, expected.iter().copied())),
        Error::ExpectedDifferentStructName { expected, found } => place
            .problem(
                "TR0102",
                format!("expected `{expected}(…)` and found `{found}(…)`"),
            )
            .at(source, place.word(found)),
        Error::InvalidValueForType { expected, found } => {
            place.problem("TR0102", format!("expected {expected} and found {found}"))
        }
        Error::ExpectedDifferentLength { .. }
        | Error::ExpectedBoolean
        | Error::ExpectedChar
        | Error::ExpectedFloat
        | Error::ExpectedInteger
        | Error::ExpectedString
        | Error::ExpectedArray
        | Error::ExpectedMap
        | Error::ExpectedOption
        | Error::ExpectedUnit
        | Error::ExpectedStructLike
        | Error::ExpectedNamedStructLike(_)
        | Error::IntegerOutOfBounds
        | Error::Message(_) => place.problem("TR0102", lower_first(&error.code.to_string())),
        Error::ExceededRecursionLimit => place
            .problem("TR0101", "values are nested too deeply")
            .hint("at most 128 levels"),
        Error::TrailingCharacters => place
            .problem("TR0101", "there is something after the end of the value")
            .hint("a file holds one value; look for a bracket that closes too early"),
        _ => place.problem("TR0101", lower_first(&error.code.to_string())),
    }
}

/// Where `ron` stopped, and how to find what it meant.
///
/// `ron` reports its cursor before and after the token or value that it rejected. For a wrong field
/// that is close to the field, for a missing one it is the end of the struct; the outline gives the
/// place that a reader would point at.
struct Place<'a> {
    source: &'a SourceText,
    outline: &'a Outline,
    cursor: Range<usize>,
}

impl Place<'_> {
    /// A problem at the rejected token. A closing bracket is never a value of the wrong kind.
    fn problem(&self, code: &'static str, message: impl Into<String>) -> Problem {
        let token = self.token();
        let closes = self.source.text()[token.clone()].starts_with([')', ']', '}', ',']);
        let code = if closes && code == "TR0102" {
            "TR0101"
        } else {
            code
        };
        Problem::new(code, message).at(self.source, token)
    }

    /// The rejected value or token, without white space and comments around it.
    fn token(&self) -> Range<usize> {
        let text = self.source.text();
        let mut start = scan::skip_trivia(text, self.cursor.start);
        let end = self.cursor.end;
        if start > end {
            start = self.cursor.start;
        }
        if let Some(span) = self.outline.value_at(start) {
            return span;
        }
        let rejected = start..end.max(start);
        if text
            .get(rejected.clone())
            .is_some_and(|word| !word.trim().is_empty())
        {
            let trimmed = text[rejected.clone()].trim_end().len();
            return start..start + trimmed;
        }
        let word = text[start..]
            .find(|c: char| !c.is_alphanumeric() && c != '_')
            .unwrap_or(0);
        let next = text[start..].chars().next().map_or(0, char::len_utf8);
        start..start + word.max(next)
    }

    /// The last field of this name whose key begins at or before the cursor.
    fn key(&self, name: &str) -> Range<usize> {
        self.outline
            .key_before(name, self.cursor.end)
            .unwrap_or_else(|| self.token())
    }

    /// The last occurrence of a word that ends at or before the cursor's end.
    fn word(&self, word: &str) -> Range<usize> {
        let text = self.source.text();
        let until = text.floor_char_boundary(self.cursor.end);
        match text[..until].rfind(word) {
            Some(at) if !word.is_empty() => at..at + word.len(),
            _ => self.token(),
        }
    }

    /// The beginning (name or bracket) of the innermost struct around the cursor.
    fn head(&self) -> Range<usize> {
        let text = self.source.text();
        let Some(span) = self.outline.struct_around(self.cursor.start) else {
            return self.token();
        };
        let head = text[span.clone()].find('(').map_or(1, |at| at.max(1));
        span.start..span.start + head
    }
}

fn within(outer: Option<&str>) -> String {
    outer.map_or_else(String::new, |name| format!(" in `{name}`"))
}

fn lower_first(text: &str) -> String {
    let mut letters = text.chars();
    match letters.next() {
        Some(first) => first.to_lowercase().chain(letters).collect(),
        None => String::new(),
    }
}

fn narrow(value: usize) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests;
