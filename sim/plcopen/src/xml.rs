//! The XML tree: bounds, reports with places, and what every part of the import asks of an element.

use std::borrow::Cow;

use roxmltree::{Document, Node, ParsingOptions};
use sim_st::{Diagnostic, Span};

use crate::code::Code;
use crate::places::Places;
use crate::problems;

/// Most nodes of a file; the largest known projects have a tenth of it.
const MAX_NODES: u32 = 1_000_000;

/// Deepest nesting of elements, so that the import may recurse over them.
const MAX_DEPTH: usize = 100;

/// More mistakes than this help nobody.
const MAX_REPORTS: usize = 200;

/// Most bytes of expressions that are handed on along connections. A network of usual size takes less
/// than a thousand, and the compiler reads no text of more than 4 MiB.
const MAX_WORK: usize = 32 << 20;

/// Namespaces of the versions of TC6 that editors write.
const NAMESPACES: [&str; 5] = [
    "http://www.plcopen.org/xml/tc6_0201",
    "http://www.plcopen.org/xml/tc6_0200",
    "http://www.plcopen.org/xml/tc6_0101",
    "http://www.plcopen.org/xml/tc6.xsd",
    "http://www.plcopen.org/xml/tc6_0100",
];

pub(crate) type Element<'x> = Node<'x, 'x>;

/// Byte offsets of the beginnings of lines.
#[derive(Clone, Debug)]
pub(crate) struct Lines(Vec<usize>);

impl Lines {
    pub(crate) fn of(text: &str) -> Self {
        let ends = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        Self(
            std::iter::once(0)
                .chain(ends.map(|(at, _)| at + 1))
                .collect(),
        )
    }

    /// Line and column of a byte, both from 1; columns count characters.
    pub(crate) fn place(&self, text: &str, offset: usize) -> (u32, u32) {
        let line = self.0.partition_point(|&start| start <= offset).max(1);
        let before = text.get(self.0[line - 1]..offset).unwrap_or("");
        let narrow = |value: usize| u32::try_from(value).unwrap_or(u32::MAX);
        (narrow(line), narrow(before.chars().count() + 1))
    }
}

/// A report about a byte of a file: code, byte, message and hint.
pub(crate) fn diagnostic(
    xml: &str,
    file: &str,
    lines: &Lines,
    (code, at, message, hint): (&'static str, usize, String, Option<String>),
) -> Diagnostic {
    let at = xml.floor_char_boundary(at);
    let (line, column) = lines.place(xml, at);
    let rest = &xml[at..];
    // An element is marked by its name, anything else by its word.
    let head = usize::from(rest.starts_with('<'));
    let word = |c: char| c.is_alphanumeric() || "_-:.%#".contains(c);
    let len = rest[head..].find(|c| !word(c)).unwrap_or(0) + head;
    let narrow = |value: usize| u32::try_from(value).unwrap_or(u32::MAX);
    Diagnostic {
        code,
        message,
        span: Span {
            start: narrow(at),
            end: narrow(at + len),
        },
        line,
        column,
        hint,
        file: file.to_owned(),
    }
}

/// Collects what is to be said about a file.
pub(crate) struct Reports<'x> {
    pub(crate) xml: &'x str,
    file: &'x str,
    pub(crate) lines: Lines,
    pub(crate) places: Places,
    /// Bytes that were handed on along connections.
    work: usize,
    pub(crate) errors: Vec<Diagnostic>,
    pub(crate) warnings: Vec<Diagnostic>,
}

impl<'x> Reports<'x> {
    pub(crate) fn new(xml: &'x str, file: &'x str) -> Self {
        Self {
            xml,
            file,
            lines: Lines::of(xml),
            places: Places::default(),
            work: 0,
            errors: Vec::new(),
            warnings: Vec::new(),
        }
    }

    pub(crate) fn at(
        &self,
        code: &'static str,
        at: usize,
        message: String,
        hint: Option<&str>,
    ) -> Diagnostic {
        debug_assert!(problems::explain(code).is_some(), "{code} is in the table");
        let hint = hint.map(str::to_owned);
        diagnostic(self.xml, self.file, &self.lines, (code, at, message, hint))
    }

    pub(crate) fn error(&mut self, code: &'static str, at: usize, message: impl Into<String>) {
        self.error_with_hint(code, at, message, None);
    }

    pub(crate) fn error_with_hint(
        &mut self,
        code: &'static str,
        at: usize,
        message: impl Into<String>,
        hint: Option<&str>,
    ) {
        if self.errors.len() < MAX_REPORTS {
            let message = format!("{}{}", message.into(), self.places.in_pou(at));
            let report = self.at(code, at, message, hint);
            if !self.errors.contains(&report) {
                self.errors.push(report);
            }
        }
    }

    pub(crate) fn warn(&mut self, code: &'static str, at: usize, message: impl Into<String>) {
        if self.warnings.len() < MAX_REPORTS {
            let message = format!("{}{}", message.into(), self.places.in_pou(at));
            let report = self.at(code, at, message, None);
            if !self.warnings.contains(&report) {
                self.warnings.push(report);
            }
        }
    }

    /// Takes work from what one file may cost. What is beyond is reported, and nothing more is followed.
    pub(crate) fn spend(&mut self, bytes: usize, at: usize) -> bool {
        /// What a connection costs that carries nothing, bytes.
        const STEP: usize = 16;
        if self.work > MAX_WORK {
            return false;
        }
        self.work = self.work.saturating_add(bytes).saturating_add(STEP);
        if self.work > MAX_WORK {
            let message = "the connections draw more than can be followed";
            self.error(problems::TOO_LARGE, at, message);
        }
        self.work <= MAX_WORK
    }

    pub(crate) fn unknown(&mut self, element: Element) {
        let parent = element.parent_element().map_or("", |parent| name(parent));
        let message = format!("`{parent}` has no element `{}`", name(element));
        self.error(problems::UNKNOWN_ELEMENT, at(element), message);
    }

    /// The value of a required attribute.
    pub(crate) fn required<'a>(
        &mut self,
        element: Element<'a>,
        attribute: &str,
    ) -> Option<&'a str> {
        let value = element.attribute(attribute);
        if value.is_none_or(|value| value.trim().is_empty()) {
            let message = format!("`{}` has no `{attribute}`", name(element));
            self.error(problems::MISSING, at(element), message);
            return None;
        }
        value
    }

    /// A boolean attribute, FALSE where it is left out.
    pub(crate) fn flag(&mut self, element: Element, attribute: &str) -> bool {
        match element.attribute(attribute).map(str::trim) {
            None | Some("" | "false" | "0") => false,
            Some("true" | "1") => true,
            Some(other) => {
                let message = format!("`{attribute}` is `{other}`, not `true` or `false`");
                self.error(problems::BAD_VALUE, at_value(element, attribute), message);
                false
            }
        }
    }

    /// A whole number, or `None` where it is left out.
    pub(crate) fn number(&mut self, element: Element, attribute: &str) -> Option<u64> {
        let text = element.attribute(attribute)?;
        let number = text.trim().parse().ok();
        if number.is_none() {
            let message = format!("`{attribute}` is `{text}`, not a whole number");
            self.error(problems::BAD_VALUE, at_value(element, attribute), message);
        }
        number
    }
}

/// Name without its prefix.
pub(crate) fn name<'x>(element: Element<'x>) -> &'x str {
    element.tag_name().name()
}

/// Where an element begins.
pub(crate) fn at(element: Element) -> usize {
    element.range().start
}

/// Where the value of an attribute begins.
pub(crate) fn at_value(element: Element, attribute: &str) -> usize {
    element
        .attribute_node(attribute)
        .map_or(at(element), |attribute| attribute.range_value().start)
}

pub(crate) fn children<'x>(element: Element<'x>) -> impl Iterator<Item = Element<'x>> {
    element.children().filter(Node::is_element)
}

pub(crate) fn child<'x>(element: Element<'x>, wanted: &str) -> Option<Element<'x>> {
    children(element).find(|child| name(*child) == wanted)
}

/// The children of a child, such as the `pou`s in `pous`.
pub(crate) fn entries<'x>(element: Element<'x>, list: &str) -> Vec<Element<'x>> {
    child(element, list).map_or_else(Vec::new, |list| children(list).collect())
}

/// Whether an element only describes the drawing or comments on it.
pub(crate) fn is_description(element: Element) -> bool {
    matches!(
        name(element),
        "documentation" | "addData" | "position" | "relPosition"
    )
}

/// The value of an attribute as code.
pub(crate) fn value_code(element: Element, attribute: &str) -> Code {
    let mut code = Code::default();
    if let Some(attribute) = element.attribute_node(attribute) {
        let text = attribute.value();
        let trimmed = text.trim();
        let lead = text.len() - text.trim_start().len();
        code.put_verbatim(trimmed, attribute.range_value().start + lead);
    }
    code
}

/// All text of an element and of the paragraphs in it.
pub(crate) fn text_code(element: Element) -> Code {
    let mut code = Code::default();
    for node in element.descendants().filter(Node::is_text) {
        let inside = node.parent_element();
        // Blanks between the tags around the paragraphs are layout of the XML.
        let layout = inside == Some(element) && children(element).next().is_some();
        let text = node.text().unwrap_or("");
        if layout && text.trim().is_empty() {
            continue;
        }
        if !code.is_empty() && !code.text().ends_with('\n') {
            code.put("\n", node.range().start);
        }
        code.put_verbatim(text, node.range().start);
    }
    code
}

/// Text in one line, such as an expression, without blanks around it. Comments that end with their line
/// become blanks too, as they would hide what the line goes on with.
pub(crate) fn line_code(element: Element) -> Code {
    let mut code = Code::default();
    for node in element.descendants().filter(Node::is_text) {
        let text = without_line_comments(node.text().unwrap_or(""));
        let trimmed = text.trim();
        if trimmed.is_empty() {
            continue;
        }
        let lead = text.len() - text.trim_start().len();
        // Blanks are one byte in the XML too, unless they stand behind an opening CDATA.
        let raw = element.document().input_text();
        let cdata = raw
            .get(node.range())
            .is_some_and(|raw| raw.starts_with("<![CDATA["));
        let start = node.range().start + lead + if cdata { 9 } else { 0 };
        if !code.is_empty() {
            code.put(" ", start);
        }
        // A line end is as long as the blank that keeps the expression in one line.
        code.put_verbatim(&trimmed.replace('\n', " "), start);
    }
    code
}

/// The text with blanks in place of comments `// ...`, so that every byte keeps its place.
fn without_line_comments(text: &str) -> Cow<'_, str> {
    if !text.contains("//") {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut upto = 0;
    for comment in sim_st::line_comments(text) {
        let (start, end) = (comment.start as usize, comment.end as usize);
        out.push_str(&text[upto..start]);
        out.extend(std::iter::repeat_n(' ', end - start));
        upto = end;
    }
    out.push_str(&text[upto..]);
    Cow::Owned(out)
}

/// Parses a file and checks its bounds and its root.
pub(crate) fn parse<'x>(reports: &mut Reports<'x>) -> Option<Document<'x>> {
    let options = ParsingOptions {
        allow_dtd: false,
        nodes_limit: MAX_NODES,
        ..ParsingOptions::default()
    };
    let document = match Document::parse_with_options(reports.xml, options) {
        Ok(document) => document,
        Err(roxmltree::Error::NodesLimitReached) => {
            let message = format!("the file has more than {MAX_NODES} elements");
            reports.error(problems::TOO_LARGE, 0, message);
            return None;
        }
        Err(error) => {
            let pos = error.pos();
            let line = reports.lines.0.get((pos.row as usize).saturating_sub(1));
            let at = line.map_or(0, |start| start + (pos.col as usize).saturating_sub(1));
            let why = error.to_string();
            let why = why.rsplit_once(" at ").map_or(why.as_str(), |(why, _)| why);
            let message = format!("the file is not well-formed XML: {why}");
            reports.error(problems::NOT_XML, at, message);
            return None;
        }
    };
    reports.places = Places::of(&document);
    let mut open: Vec<usize> = Vec::new();
    for node in document.descendants().filter(Node::is_element) {
        let range = node.range();
        open.retain(|end| *end > range.start);
        open.push(range.end);
        if open.len() > MAX_DEPTH {
            let message = format!("elements nest more than {MAX_DEPTH} deep");
            reports.error(problems::TOO_LARGE, range.start, message);
            return None;
        }
    }
    let root = document.root_element();
    let namespace = root.tag_name().namespace();
    let known = namespace.is_none_or(|uri| NAMESPACES.contains(&uri));
    if root.tag_name().name() != "project" || !known {
        let message = match namespace {
            Some(uri) => format!("the root is `{}` of `{uri}`", root.tag_name().name()),
            None => format!("the root is `{}`", root.tag_name().name()),
        };
        let hint = format!("a project has the root `project` of `{}`", NAMESPACES[0]);
        let at = root.range().start;
        reports.error_with_hint(problems::NOT_PLCOPEN, at, message, Some(&hint));
        return None;
    }
    Some(document)
}
