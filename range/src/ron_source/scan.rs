//! A scanner of RON that keeps places and forgets values.
//!
//! It follows the grammar of RON 0.12: comments, extension attributes, raw identifiers, strings and raw
//! strings, byte strings, characters, numbers with suffixes, structs, tuples, lists and maps. It is
//! lenient where the reader is strict (it takes any word for a number), because it only has to agree
//! with the reader on texts that the reader accepts.
//!
//! **Invariant:** the scanner's position never goes back and every loop moves it, so the work is linear
//! in the text; depth is limited as in the reader.

use std::ops::Range;

use super::outline::{Field, Node, NodeKind};

/// Levels of nesting; the reader's own limit is the same.
const MAX_DEPTH: usize = 128;

/// The offset of the first byte at or after `from` that is neither white space nor comment.
pub(super) fn skip_trivia(text: &str, from: usize) -> usize {
    let mut scanner = Scanner {
        text,
        at: text.floor_char_boundary(from),
    };
    // An unclosed comment has no end to skip to; the position before it is as good as any.
    let _ = scanner.trivia();
    scanner.at
}

/// The text is not RON from here on.
struct Stop;

/// A position in a text.
pub(super) struct Scanner<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Scanner<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self { text, at: 0 }
    }

    /// The value of the whole text, and whether all of the text was understood.
    pub(super) fn document(mut self) -> (Node, bool) {
        let start = match self.attributes() {
            Ok(()) => self.at,
            Err(Stop) => {
                return (
                    Node {
                        span: 0..self.text.len(),
                        kind: NodeKind::Scalar,
                    },
                    false,
                );
            }
        };
        let (node, result) = self.value(MAX_DEPTH);
        let node = node.unwrap_or(Node {
            span: start..self.text.len(),
            kind: NodeKind::Scalar,
        });
        let complete = result.is_ok() && self.trivia().is_ok() && self.at == self.text.len();
        (node, complete)
    }

    fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn eat(&mut self, token: &str) -> bool {
        let found = self.rest().starts_with(token);
        if found {
            self.at += token.len();
        }
        found
    }

    /// Moves over characters while they please, and returns what was moved over.
    fn take_while(&mut self, mut pleases: impl FnMut(char) -> bool) -> &'t str {
        let rest = self.rest();
        let end = rest.find(|c| !pleases(c)).unwrap_or(rest.len());
        self.at += end;
        &rest[..end]
    }

    fn trivia(&mut self) -> Result<(), Stop> {
        loop {
            self.take_while(is_white_space);
            if self.rest().starts_with("//") {
                self.take_while(|c| c != '\n');
            } else if self.rest().starts_with("/*") {
                self.block_comment()?;
            } else {
                return Ok(());
            }
        }
    }

    /// Block comments nest.
    fn block_comment(&mut self) -> Result<(), Stop> {
        let mut open = 0_usize;
        let start = self.at;
        loop {
            if self.eat("/*") {
                open += 1;
            } else if self.eat("*/") {
                open -= 1;
                if open == 0 {
                    return Ok(());
                }
            } else {
                match self.peek() {
                    Some(c) => self.at += c.len_utf8(),
                    None => {
                        self.at = start;
                        return Err(Stop);
                    }
                }
            }
        }
    }

    /// `#![enable(…)]`, any number of times.
    fn attributes(&mut self) -> Result<(), Stop> {
        self.trivia()?;
        while self.eat("#") {
            self.take_while(|c| c != ']');
            if !self.eat("]") {
                return Err(Stop);
            }
            self.trivia()?;
        }
        Ok(())
    }

    /// A value at the position; trivia before it is skipped. On `Err` the node is what was understood.
    fn value(&mut self, depth: usize) -> (Option<Node>, Result<(), Stop>) {
        if self.trivia().is_err() || depth == 0 {
            return (None, Err(Stop));
        }
        let start = self.at;
        let (kind, result) = match self.peek() {
            None => return (None, Err(Stop)),
            Some('[') => self.list(depth),
            Some('{') => self.map(depth),
            Some('(') => self.bracketed(String::new(), depth),
            Some('"') => self.string(),
            Some('\'') => self.character(),
            Some(c) if c.is_ascii_digit() || matches!(c, '+' | '-' | '.') => {
                self.number();
                (Some(NodeKind::Scalar), Ok(()))
            }
            Some(_) => self.word(depth),
        };
        let node = kind.map(|kind| Node {
            span: start..self.at,
            kind,
        });
        (node, result)
    }

    fn list(&mut self, depth: usize) -> (Option<NodeKind>, Result<(), Stop>) {
        self.at += 1;
        let mut items = Vec::new();
        let result = self.separated("]", |scanner| {
            let (node, result) = scanner.value(depth - 1);
            items.extend(node);
            result
        });
        (Some(NodeKind::List(items)), result)
    }

    fn map(&mut self, depth: usize) -> (Option<NodeKind>, Result<(), Stop>) {
        self.at += 1;
        let mut entries = Vec::new();
        let result = self.separated("}", |scanner| {
            let (Some(key), Ok(())) = scanner.value(depth - 1) else {
                return Err(Stop);
            };
            scanner.trivia()?;
            if !scanner.eat(":") {
                return Err(Stop);
            }
            let (value, result) = scanner.value(depth - 1);
            entries.extend(value.map(|value| (key, value)));
            result
        });
        (Some(NodeKind::Map(entries)), result)
    }

    /// What stands in round brackets: a struct if the first thing in it is `key:`, else a tuple.
    fn bracketed(&mut self, name: String, depth: usize) -> (Option<NodeKind>, Result<(), Stop>) {
        self.at += 1;
        if self.begins_with_key() {
            let mut fields = Vec::new();
            let result = self.separated(")", |scanner| scanner.field(&mut fields, depth));
            return (Some(NodeKind::Struct { name, fields }), result);
        }
        let mut items = Vec::new();
        let result = self.separated(")", |scanner| {
            let (node, result) = scanner.value(depth - 1);
            items.extend(node);
            result
        });
        let kind = if name.is_empty() && items.is_empty() && result.is_ok() {
            NodeKind::Scalar
        } else {
            NodeKind::Tuple { name, items }
        };
        (Some(kind), result)
    }

    fn field(&mut self, fields: &mut Vec<Field>, depth: usize) -> Result<(), Stop> {
        let name_start = self.at;
        let name = self.identifier().ok_or(Stop)?.to_owned();
        let name_span: Range<usize> = name_start..self.at;
        self.trivia()?;
        if !self.eat(":") {
            return Err(Stop);
        }
        let (value, result) = self.value(depth - 1);
        // A key without a value is kept too: it may be what the reader complains about.
        let value = value.unwrap_or(Node {
            span: self.at..self.at,
            kind: NodeKind::Scalar,
        });
        fields.push(Field {
            name,
            name_span,
            value,
        });
        result
    }

    fn begins_with_key(&self) -> bool {
        let mut ahead = Scanner {
            text: self.text,
            at: self.at,
        };
        ahead.trivia().is_ok()
            && ahead.identifier().is_some()
            && ahead.trivia().is_ok()
            && ahead.rest().starts_with(':')
    }

    /// Items with commas between them, up to and including the closing bracket.
    fn separated(
        &mut self,
        close: &str,
        mut item: impl FnMut(&mut Self) -> Result<(), Stop>,
    ) -> Result<(), Stop> {
        loop {
            self.trivia()?;
            if self.eat(close) {
                return Ok(());
            }
            let before = self.at;
            item(self)?;
            self.trivia()?;
            if !self.eat(",") {
                return if self.eat(close) { Ok(()) } else { Err(Stop) };
            }
            assert!(self.at > before, "the scanner must move");
        }
    }

    /// A name: of a value without brackets, of a struct or tuple, or the prefix of a special string.
    fn word(&mut self, depth: usize) -> (Option<NodeKind>, Result<(), Stop>) {
        let rest = self.rest();
        if ["r\"", "r#\"", "r##"]
            .iter()
            .any(|prefix| rest.starts_with(prefix))
        {
            self.at += 1;
            return self.raw_string();
        }
        if rest.starts_with("b\"") {
            self.at += 1;
            let (kind, result) = self.string();
            return (kind.map(|_| NodeKind::Scalar), result);
        }
        if rest.starts_with("b'") {
            self.at += 1;
            return self.character();
        }
        if ["br\"", "br#"]
            .iter()
            .any(|prefix| rest.starts_with(prefix))
        {
            self.at += 2;
            let (kind, result) = self.raw_string();
            return (kind.map(|_| NodeKind::Scalar), result);
        }
        let Some(name) = self.identifier() else {
            return (None, Err(Stop));
        };
        let name = name.to_owned();
        let after_name = self.at;
        if self.trivia().is_ok() && self.rest().starts_with('(') {
            return self.bracketed(name, depth);
        }
        self.at = after_name;
        (Some(NodeKind::Scalar), Ok(()))
    }

    /// An identifier or a raw identifier (`r#a-b`), without the prefix.
    fn identifier(&mut self) -> Option<&'t str> {
        let start = self.at;
        if self.eat("r#") {
            let name =
                self.take_while(|c| c.is_alphanumeric() || matches!(c, '_' | '.' | '+' | '-'));
            if !name.is_empty() {
                return Some(name);
            }
            self.at = start;
            return None;
        }
        let first = self.peek()?;
        if !(first.is_alphabetic() || first == '_') {
            return None;
        }
        Some(self.take_while(is_word))
    }

    fn number(&mut self) {
        let mut last = ' ';
        self.take_while(|c| {
            let sign = matches!(c, '+' | '-') && matches!(last, ' ' | 'e' | 'E');
            let keep = sign || c == '.' || is_word(c);
            last = c;
            keep
        });
    }

    fn string(&mut self) -> (Option<NodeKind>, Result<(), Stop>) {
        let start = self.at;
        self.at += 1;
        loop {
            self.take_while(|c| c != '"' && c != '\\');
            if self.eat("\"") {
                let raw = &self.text[start..self.at];
                return (Some(NodeKind::Text(unescaped(raw))), Ok(()));
            }
            // A backslash, and whatever it escapes; or the end of the text.
            self.eat("\\");
            match self.peek() {
                Some(c) => self.at += c.len_utf8(),
                None => return (Some(NodeKind::Scalar), Err(Stop)),
            }
        }
    }

    /// `#"…"#` with any number of `#`; the `r` is behind us.
    fn raw_string(&mut self) -> (Option<NodeKind>, Result<(), Stop>) {
        let fence = self.take_while(|c| c == '#').len();
        if !self.eat("\"") {
            return (None, Err(Stop));
        }
        let close = format!("\"{}", "#".repeat(fence));
        match self.rest().find(&close) {
            Some(len) => {
                let text = self.rest()[..len].to_owned();
                self.at += len + close.len();
                (Some(NodeKind::Text(text)), Ok(()))
            }
            None => {
                self.at = self.text.len();
                (Some(NodeKind::Scalar), Err(Stop))
            }
        }
    }

    fn character(&mut self) -> (Option<NodeKind>, Result<(), Stop>) {
        self.at += 1;
        if self.eat("\\") {
            if let Some(c) = self.peek() {
                self.at += c.len_utf8();
            }
        } else if let Some(c) = self.peek() {
            self.at += c.len_utf8();
        }
        self.take_while(|c| c != '\'' && c != '\n');
        let result = if self.eat("'") { Ok(()) } else { Err(Stop) };
        (Some(NodeKind::Scalar), result)
    }
}

/// The text of a string literal, by the reader itself, so that both agree on every escape.
fn unescaped(literal: &str) -> String {
    if !literal.contains('\\') {
        return literal.trim_matches('"').to_owned();
    }
    ron::from_str(literal).unwrap_or_else(|_| literal.trim_matches('"').to_owned())
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// White space as the reader defines it (Pattern_White_Space of Unicode).
fn is_white_space(c: char) -> bool {
    matches!(
        c,
        '\t' | '\n'
            | '\x0B'
            | '\x0C'
            | '\r'
            | ' '
            | '\u{85}'
            | '\u{200E}'
            | '\u{200F}'
            | '\u{2028}'
            | '\u{2029}'
    )
}
