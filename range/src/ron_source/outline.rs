//! Where every value of a RON text stands.

use std::ops::Range;

use super::path::{Segment, segments};
use super::scan::Scanner;

/// One value and its place.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// From the first to the last byte of the value, with its name and brackets.
    pub span: Range<usize>,
    /// What kind of value it is, and what is in it.
    pub kind: NodeKind,
}

/// What a [`Node`] holds.
#[derive(Clone, Debug, PartialEq)]
pub enum NodeKind {
    /// A number, a boolean, a character, `()` or a name without brackets.
    Scalar,
    /// A string, with its text after escapes.
    Text(String),
    /// `Name(key: value, …)` or `(key: value, …)`.
    Struct {
        /// The name before the bracket; empty if there is none.
        name: String,
        /// The fields in the order of the text.
        fields: Vec<Field>,
    },
    /// `Name(value, …)` or `(value, …)`.
    Tuple {
        /// The name before the bracket; empty if there is none.
        name: String,
        /// The values.
        items: Vec<Node>,
    },
    /// `[value, …]`.
    List(Vec<Node>),
    /// `{key: value, …}`.
    Map(Vec<(Node, Node)>),
}

/// A named value in a struct.
#[derive(Clone, Debug, PartialEq)]
pub struct Field {
    /// The name.
    pub name: String,
    /// Where the name stands.
    pub name_span: Range<usize>,
    /// The value.
    pub value: Node,
}

/// The places of all values of one text.
///
/// A path names a value from the root: `name` or `.name` a field, `[3]` the fourth element of a list
/// or tuple, `["scan"]` the entry of a map with that key, or the element of a list whose `name`, `id` or
/// `host` is that string. `Some(…)` around a value need not be written in the path.
///
/// # Examples
///
/// ```
/// use twinrange_range::ron_source::Outline;
///
/// let text = r#"Plant(hosts: [(name: "hmi-1", ip: "10.20.1.21")])"#;
/// let outline = Outline::of(text);
/// let by_index = outline.value("hosts[0].ip").expect("it is there");
/// assert_eq!(&text[by_index.clone()], r#""10.20.1.21""#);
/// assert_eq!(outline.value(r#"hosts["hmi-1"].ip"#), Some(by_index));
/// assert_eq!(outline.value("hosts[0].mac"), None);
/// ```
#[derive(Clone, Debug)]
pub struct Outline {
    root: Node,
    complete: bool,
}

impl Outline {
    /// Looks through a text. Of a text that is not RON, everything up to the first mistake is kept.
    #[must_use]
    pub fn of(text: &str) -> Self {
        let (root, complete) = Scanner::new(text).document();
        Self { root, complete }
    }

    /// Whether the whole text was understood.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.complete
    }

    /// The whole value.
    #[must_use]
    pub fn root(&self) -> &Node {
        &self.root
    }

    /// Name of the outermost struct, such as `Scenario`; empty if it has none.
    #[must_use]
    pub fn root_name(&self) -> &str {
        match &self.root.kind {
            NodeKind::Struct { name, .. } | NodeKind::Tuple { name, .. } => name,
            _ => "",
        }
    }

    /// The value at a path.
    #[must_use]
    pub fn node(&self, path: &str) -> Option<&Node> {
        let mut node = &self.root;
        for segment in segments(path) {
            node = step(node, &segment?)?;
        }
        Some(node)
    }

    /// Where the value at a path stands.
    #[must_use]
    pub fn value(&self, path: &str) -> Option<Range<usize>> {
        self.node(path).map(|node| node.span.clone())
    }

    /// Where the value at a path stands; if it is not there, where the part of the path that exists
    /// begins. Never fails: the last resort is the beginning of the text's value.
    #[must_use]
    pub fn nearest(&self, path: &str) -> Range<usize> {
        let mut node = &self.root;
        let mut whole = true;
        for segment in segments(path) {
            match segment.and_then(|segment| step(node, &segment)) {
                Some(next) => node = next,
                None => {
                    whole = false;
                    break;
                }
            }
        }
        if whole { node.span.clone() } else { head(node) }
    }

    /// Where the name of the field at a path stands.
    #[must_use]
    pub fn key(&self, path: &str) -> Option<Range<usize>> {
        let mut found = None;
        let mut node = &self.root;
        for segment in segments(path) {
            let segment = segment?;
            found = match (&segment, &transparent(node).kind) {
                (Segment::Field(name), NodeKind::Struct { fields, .. }) => fields
                    .iter()
                    .find(|field| field.name == *name)
                    .map(|field| field.name_span.clone()),
                _ => None,
            };
            node = step(node, &segment)?;
        }
        found
    }

    /// The outermost value that begins exactly at an offset, or the value without parts around it.
    pub(super) fn value_at(&self, offset: usize) -> Option<Range<usize>> {
        let mut exact = None;
        let mut around = None;
        self.root.visit(&mut |node| {
            if node.span.start == offset && exact.is_none() {
                exact = Some(node.span.clone());
            }
            let whole = matches!(node.kind, NodeKind::Scalar | NodeKind::Text(_));
            if whole && node.span.contains(&offset) {
                around = Some(node.span.clone());
            }
        });
        exact.or(around)
    }

    /// The innermost struct or tuple that is open at an offset or closes there.
    pub(super) fn struct_around(&self, offset: usize) -> Option<Range<usize>> {
        let mut found = None;
        self.root.visit(&mut |node| {
            let bracketed = matches!(node.kind, NodeKind::Struct { .. } | NodeKind::Tuple { .. });
            if bracketed && node.span.start < offset && offset <= node.span.end {
                found = Some(node.span.clone());
            }
        });
        found
    }

    /// The last key of this name that begins before an offset.
    pub(super) fn key_before(&self, name: &str, offset: usize) -> Option<Range<usize>> {
        let mut found: Option<Range<usize>> = None;
        self.root.visit(&mut |node| {
            let NodeKind::Struct { fields, .. } = &node.kind else {
                return;
            };
            for field in fields.iter().filter(|field| field.name == name) {
                let start = field.name_span.start;
                if start <= offset && found.as_ref().is_none_or(|best| best.start < start) {
                    found = Some(field.name_span.clone());
                }
            }
        });
        found
    }
}

impl Node {
    /// The string, if it is one.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        match &transparent(self).kind {
            NodeKind::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Calls `see` for this value and every value in it, outer ones first, in the order of the text.
    pub fn visit<'n>(&'n self, see: &mut impl FnMut(&'n Node)) {
        see(self);
        match &self.kind {
            NodeKind::Scalar | NodeKind::Text(_) => {}
            NodeKind::Struct { fields, .. } => {
                for field in fields {
                    field.value.visit(see);
                }
            }
            NodeKind::Tuple { items, .. } | NodeKind::List(items) => {
                for item in items {
                    item.visit(see);
                }
            }
            NodeKind::Map(entries) => {
                for (key, value) in entries {
                    key.visit(see);
                    value.visit(see);
                }
            }
        }
    }
}

/// Goes through `Some(…)`, which a reader does not count as a level.
fn transparent(node: &Node) -> &Node {
    match &node.kind {
        NodeKind::Tuple { name, items } if name == "Some" && items.len() == 1 => {
            transparent(&items[0])
        }
        _ => node,
    }
}

fn step<'n>(node: &'n Node, segment: &Segment) -> Option<&'n Node> {
    let node = transparent(node);
    match (segment, &node.kind) {
        (Segment::Field(name), NodeKind::Struct { fields, .. }) => fields
            .iter()
            .find(|field| field.name == *name)
            .map(|field| &field.value),
        (Segment::Index(index), NodeKind::List(items) | NodeKind::Tuple { items, .. }) => {
            items.get(*index)
        }
        (Segment::Key(wanted), NodeKind::Map(entries)) => entries
            .iter()
            .find(|(key, _)| key.as_text() == Some(wanted))
            .map(|(_, value)| value),
        (Segment::Key(wanted), NodeKind::List(items)) => {
            items.iter().find(|item| is_named(item, wanted))
        }
        _ => None,
    }
}

fn is_named(node: &Node, wanted: &str) -> bool {
    let NodeKind::Struct { fields, .. } = &transparent(node).kind else {
        return false;
    };
    fields
        .iter()
        .filter(|field| ["name", "id", "host"].contains(&field.name.as_str()))
        .any(|field| field.value.as_text() == Some(wanted))
}

/// The first thing that a reader sees of a value: its name, or its bracket.
fn head(node: &Node) -> Range<usize> {
    let start = node.span.start;
    let len = match &node.kind {
        NodeKind::Struct { name, .. } | NodeKind::Tuple { name, .. } => name.len().max(1),
        NodeKind::List(_) | NodeKind::Map(_) => 1,
        NodeKind::Scalar | NodeKind::Text(_) => node.span.len(),
    };
    start..(start + len).min(node.span.end)
}
