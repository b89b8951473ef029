//! Tokens into a syntax tree, recovering from mistakes so that one pass reports many.
//!
//! **Invariants:** the parser always advances, so it ends on any input; nesting is bounded by
//! [`MAX_NESTING`], so that it and the later passes may recurse.
//!
//! Source: IEC 61131-3:2013, Annex A; the precedence of operators is Table 71.

mod chart;
mod configuration;
mod declaration;
mod expression;
mod labels;
mod list;
mod statement;
mod unit;

use crate::ast::{Library, Name};
use crate::diagnostic::{Sink, Span};
use crate::lexer::{Keyword, Token, TokenKind};
use crate::problems;

/// Depth of nested statements and expressions together. A chain of operators counts as nested,
/// because its tree is.
pub(crate) const MAX_NESTING: usize = 256;

/// The parser met something it cannot go on from; it is already reported.
#[derive(Debug)]
struct Failed;

type Parsed<T> = Result<T, Failed>;

/// Parses a whole source file, which ends at byte `end`, into `library`.
pub(crate) fn parse(tokens: &[Token], end: usize, library: &mut Library, sink: &mut Sink<'_>) {
    let tokens: Vec<Token> = tokens
        .iter()
        .copied()
        .filter(|token| !token.is_trivia())
        .collect();
    let mut parser = Parser {
        tokens,
        end,
        at: 0,
        depth: 0,
        recovering: false,
        enos: 0,
        needs_result: false,
        next_label: 0,
        sink,
    };
    parser.file(library);
}

struct Parser<'a, 's> {
    /// Without trivia.
    tokens: Vec<Token>,
    /// Where the file ends, in bytes.
    end: usize,
    at: usize,
    depth: usize,
    /// No statement has been parsed since the last one that failed.
    recovering: bool,
    /// Members named ENO since the beginning of the body.
    enos: u32,
    /// The POU has a list that keeps its current result in a variable.
    needs_result: bool,
    /// Number of the last label.
    next_label: u32,
    sink: &'a mut Sink<'s>,
}

impl Parser<'_, '_> {
    fn peek_at(&self, ahead: usize) -> TokenKind {
        self.tokens
            .get(self.at + ahead)
            .map_or(TokenKind::EndOfFile, |token| token.kind)
    }

    fn peek(&self) -> TokenKind {
        self.peek_at(0)
    }

    /// Span of the next token, or the end of the source.
    fn span(&self) -> Span {
        let end = Span::new(self.end, self.end);
        self.tokens.get(self.at).map_or(end, |token| token.span)
    }

    fn previous_span(&self) -> Span {
        match self.at.checked_sub(1) {
            Some(before) => self.tokens[before].span,
            None => Span::default(),
        }
    }

    fn text(&self, span: Span) -> &str {
        span.text(self.sink.source())
    }

    fn advance(&mut self) -> Span {
        let span = self.span();
        self.at = (self.at + 1).min(self.tokens.len());
        span
    }

    fn eat_symbol(&mut self, symbol: &str) -> bool {
        let found = matches!(self.peek(), TokenKind::Symbol(next) if next == symbol);
        if found {
            self.advance();
        }
        found
    }

    fn eat_keyword(&mut self, keyword: Keyword) -> bool {
        let found = self.peek() == TokenKind::Keyword(keyword);
        if found {
            self.advance();
        }
        found
    }

    /// Reports that `expected` is missing, where a reader would insert it: behind what was there
    /// last, if a new line has begun since.
    fn missing(&mut self, expected: &str) -> Failed {
        let (next, before) = (self.span(), self.previous_span());
        let place = if self.at == 0 || !self.begins_line() {
            next
        } else {
            Span {
                start: before.end,
                end: before.end,
            }
        };
        self.report_expected(expected, place)
    }

    /// Reports that something else than the next token should begin here.
    fn unexpected(&mut self, expected: &str) -> Failed {
        self.report_expected(expected, self.span())
    }

    fn report_expected(&mut self, expected: &str, place: Span) -> Failed {
        let found = match self.peek() {
            TokenKind::EndOfFile => "the end of the file".to_owned(),
            _ => format!("`{}`", self.text(self.span())),
        };
        let message = format!("expected {expected}, found {found}");
        self.sink.report(problems::EXPECTED, place, message);
        Failed
    }

    /// Whether the next token stands on another line than the one before it.
    fn begins_line(&self) -> bool {
        let lines = self.sink.lines();
        lines.line(self.previous_span().end) < lines.line(self.span().start)
    }

    /// Whether the token `ahead` stands on the line of the next one.
    fn is_same_line(&self, ahead: usize) -> bool {
        let lines = self.sink.lines();
        let token = self.tokens.get(self.at + ahead);
        token.is_some_and(|token| lines.line(token.span.start) == lines.line(self.span().start))
    }

    /// Whether the token `ahead` is this word, which is reserved in its place only.
    fn is_word_at(&self, ahead: usize, word: &str) -> bool {
        self.peek_at(ahead) == TokenKind::Identifier
            && self
                .tokens
                .get(self.at + ahead)
                .is_some_and(|token| self.text(token.span).eq_ignore_ascii_case(word))
    }

    fn is_word(&self, word: &str) -> bool {
        self.is_word_at(0, word)
    }

    fn eat_word(&mut self, word: &str) -> bool {
        let found = self.is_word(word);
        if found {
            self.advance();
        }
        found
    }

    /// Reports a part of the language that this compiler does not have, at the next token.
    fn unsupported_here(&mut self, what: &str) -> Failed {
        let span = self.span();
        self.sink.report(
            problems::UNSUPPORTED,
            span,
            format!("{what} is not supported"),
        );
        Failed
    }

    fn expect_symbol(&mut self, symbol: &str) -> Parsed<Span> {
        let span = self.span();
        if self.eat_symbol(symbol) {
            Ok(span)
        } else {
            Err(self.missing(&format!("`{symbol}`")))
        }
    }

    fn expect_keyword(&mut self, keyword: Keyword) -> Parsed<Span> {
        let span = self.span();
        if self.eat_keyword(keyword) {
            Ok(span)
        } else {
            Err(self.missing(&format!("`{}`", keyword.text())))
        }
    }

    fn name(&mut self, what: &str) -> Parsed<Name> {
        match self.peek() {
            TokenKind::Identifier => {
                let span = self.advance();
                Ok(Name {
                    text: self.text(span).to_owned(),
                    span,
                })
            }
            TokenKind::Keyword(keyword) => {
                let span = self.span();
                let message = format!(
                    "expected {what}, found the reserved word `{}`",
                    keyword.text()
                );
                self.sink.report(problems::EXPECTED, span, message);
                Err(Failed)
            }
            _ => Err(self.missing(what)),
        }
    }

    /// Runs `inner` one level deeper, or reports that the program nests too deeply.
    fn nested<T>(&mut self, inner: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        if self.depth >= MAX_NESTING {
            let span = self.span();
            let message = format!("more than {MAX_NESTING} levels of nesting");
            self.sink.report(problems::TOO_DEEP, span, message);
            // Nothing behind this point can be trusted to be at any level.
            self.at = self.tokens.len();
            return Err(Failed);
        }
        self.depth += 1;
        let result = inner(self);
        self.depth -= 1;
        result
    }

    /// Skips tokens until one of `stops` or the end.
    fn skip_to(&mut self, stops: &[Keyword]) {
        loop {
            match self.peek() {
                TokenKind::EndOfFile => return,
                TokenKind::Keyword(keyword) if stops.contains(&keyword) => return,
                _ => {
                    self.advance();
                }
            }
        }
    }
}
