//! Tokens into a syntax tree, recovering from mistakes so that one pass reports many.
//!
//! **Invariants:** the parser always advances, so it ends on any input; nesting is bounded by
//! [`MAX_NESTING`], so that it and the later passes may recurse.
//!
//! Source: IEC 61131-3:2013, Annex A; the precedence of operators is Table 71.

mod expression;
mod statement;

use crate::ast::{Declaration, Init, Name, Pou, PouKind, Section, SectionKind, TypeSpec};
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

/// Parses a whole source file.
pub(crate) fn parse(tokens: &[Token], sink: &mut Sink<'_>) -> Vec<Pou> {
    let tokens: Vec<Token> = tokens
        .iter()
        .copied()
        .filter(|token| !token.is_trivia())
        .collect();
    let mut parser = Parser {
        tokens,
        at: 0,
        depth: 0,
        recovering: false,
        sink,
    };
    parser.file()
}

struct Parser<'a, 's> {
    /// Without trivia.
    tokens: Vec<Token>,
    at: usize,
    depth: usize,
    /// No statement has been parsed since the last one that failed.
    recovering: bool,
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
        let end = self.sink.source().len();
        self.tokens
            .get(self.at)
            .map_or(Span::new(end, end), |token| token.span)
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

    fn file(&mut self) -> Vec<Pou> {
        use Keyword::{Configuration, Function, FunctionBlock, Program, Type, VarGlobal};
        let mut pous = Vec::new();
        loop {
            let start = self.at;
            match self.peek() {
                TokenKind::EndOfFile => return pous,
                TokenKind::Keyword(Program) => pous.extend(self.pou(PouKind::Program)),
                TokenKind::Keyword(FunctionBlock) => pous.extend(self.pou(PouKind::FunctionBlock)),
                TokenKind::Keyword(Function) => pous.extend(self.pou(PouKind::Function)),
                TokenKind::Keyword(Configuration) => {
                    self.unsupported("CONFIGURATION", Keyword::EndConfiguration);
                }
                TokenKind::Keyword(Type) => self.unsupported("TYPE", Keyword::EndType),
                TokenKind::Keyword(VarGlobal) => self.unsupported("VAR_GLOBAL", Keyword::EndVar),
                _ => {
                    self.unexpected("`PROGRAM`, `FUNCTION_BLOCK` or `FUNCTION`");
                    self.advance();
                    self.skip_to(&[
                        Program,
                        FunctionBlock,
                        Function,
                        Configuration,
                        Type,
                        VarGlobal,
                    ]);
                }
            }
            assert!(self.at > start, "the parser advances");
        }
    }

    /// Reports a part of the language that is not built yet, and skips it.
    fn unsupported(&mut self, what: &str, end: Keyword) {
        let span = self.span();
        self.sink.report(
            problems::UNSUPPORTED,
            span,
            format!("{what} is not supported"),
        );
        self.advance();
        self.skip_to(&[end]);
        self.advance();
    }

    fn pou(&mut self, kind: PouKind) -> Option<Pou> {
        let opening = self.advance();
        let end = match kind {
            PouKind::Program => Keyword::EndProgram,
            PouKind::FunctionBlock => Keyword::EndFunctionBlock,
            PouKind::Function => Keyword::EndFunction,
        };
        let Ok(name) = self.name("a name") else {
            self.skip_to(&[end]);
            self.eat_keyword(end);
            return None;
        };
        let mut result = None;
        if kind == PouKind::Function {
            if self.eat_symbol(":") {
                result = self.type_spec().ok();
            } else {
                self.missing("`:` and the type of the result");
            }
        }
        let sections = self.sections();
        let body = self.body();
        let end_span = self.span();
        if !self.eat_keyword(end) {
            let opened = self.sink.lines().line(opening.start);
            let message = format!("`{}` to close the POU of line {opened}", end.text());
            self.missing(&message);
            self.skip_to(&[
                end,
                Keyword::Program,
                Keyword::FunctionBlock,
                Keyword::Function,
            ]);
            self.eat_keyword(end);
        }
        self.eat_symbol(";");
        Some(Pou {
            kind,
            name,
            result,
            sections,
            body,
            end: end_span,
        })
    }

    /// The statements of a POU. A word that closes nothing is reported and passed over.
    fn body(&mut self) -> Vec<crate::ast::Stmt> {
        let mut body = Vec::new();
        loop {
            body.append(&mut self.statements());
            let TokenKind::Keyword(word) = self.peek() else {
                return body;
            };
            if !statement::is_stray(word) {
                return body;
            }
            let span = self.advance();
            let message = format!("`{}` belongs to no statement", word.text());
            self.sink.report(problems::EXPECTED, span, message);
            self.eat_symbol(";");
        }
    }

    fn sections(&mut self) -> Vec<Section> {
        let mut sections = Vec::new();
        loop {
            let kind = match self.peek() {
                TokenKind::Keyword(Keyword::Var) => SectionKind::Var,
                TokenKind::Keyword(Keyword::VarInput) => SectionKind::Input,
                TokenKind::Keyword(Keyword::VarOutput) => SectionKind::Output,
                TokenKind::Keyword(Keyword::VarInOut) => SectionKind::InOut,
                TokenKind::Keyword(Keyword::VarTemp) => SectionKind::Temp,
                TokenKind::Keyword(word @ (Keyword::VarGlobal | Keyword::VarExternal)) => {
                    self.unsupported(word.text(), Keyword::EndVar);
                    continue;
                }
                _ => return sections,
            };
            self.advance();
            let (mut constant, mut retain) = (false, false);
            loop {
                if self.eat_keyword(Keyword::Constant) {
                    constant = true;
                } else if self.eat_keyword(Keyword::Retain) {
                    retain = true;
                } else if !self.eat_keyword(Keyword::NonRetain) {
                    break;
                }
            }
            let declarations = self.declarations();
            sections.push(Section {
                kind,
                constant,
                retain,
                declarations,
            });
        }
    }

    fn declarations(&mut self) -> Vec<Declaration> {
        let mut declarations = Vec::new();
        let mut before = None;
        loop {
            assert!(
                before.replace(self.at) != Some(self.at),
                "the parser advances"
            );
            match self.peek() {
                TokenKind::Keyword(Keyword::EndVar) => {
                    self.advance();
                    self.eat_symbol(";");
                    return declarations;
                }
                TokenKind::Identifier => {}
                // A reserved word in the place of a name is reported as that.
                TokenKind::Keyword(word)
                    if !ends_declarations(word)
                        && matches!(self.peek_at(1), TokenKind::Symbol(":" | ",")) => {}
                TokenKind::Symbol(_) | TokenKind::Integer => {
                    self.missing("a variable's name or `END_VAR`");
                    self.skip_declaration();
                    continue;
                }
                _ => {
                    self.missing("`END_VAR`");
                    return declarations;
                }
            }
            match self.declaration() {
                Ok(declaration) => declarations.push(declaration),
                Err(Failed) => self.skip_declaration(),
            }
        }
    }

    /// Skips behind the next `;`, or to what cannot be part of a declaration.
    fn skip_declaration(&mut self) {
        loop {
            match self.peek() {
                TokenKind::EndOfFile => return,
                TokenKind::Symbol(";") => {
                    self.advance();
                    return;
                }
                TokenKind::Keyword(word) if ends_declarations(word) => return,
                _ => {
                    self.advance();
                }
            }
        }
    }

    fn declaration(&mut self) -> Parsed<Declaration> {
        let mut names = vec![self.name("a variable's name")?];
        while self.eat_symbol(",") {
            names.push(self.name("a variable's name")?);
        }
        let mut at = None;
        if self.eat_keyword(Keyword::At) {
            if self.peek() != TokenKind::Direct {
                return Err(self.missing("a direct address such as `%IX0.0`"));
            }
            let span = self.advance();
            at = Some(Name {
                text: self.text(span).to_owned(),
                span,
            });
        }
        self.expect_symbol(":")?;
        let ty = self.type_spec()?;
        let init = if self.eat_symbol(":=") {
            Some(self.init()?)
        } else {
            None
        };
        self.expect_symbol(";")?;
        Ok(Declaration {
            names,
            at,
            ty,
            init,
        })
    }

    fn type_spec(&mut self) -> Parsed<TypeSpec> {
        let start = self.span();
        if !self.eat_keyword(Keyword::Array) {
            return Ok(TypeSpec::Named(self.name("a type")?));
        }
        self.expect_symbol("[")?;
        let low = self.expression()?;
        self.expect_symbol("..")?;
        let high = self.expression()?;
        if self.peek() == TokenKind::Symbol(",") {
            let span = self.span();
            let message = "arrays of more than one dimension are not supported";
            self.sink.report(problems::UNSUPPORTED, span, message);
            return Err(Failed);
        }
        self.expect_symbol("]")?;
        self.expect_keyword(Keyword::Of)?;
        let element = self.name("the type of the elements")?;
        let span = start.to(element.span);
        Ok(TypeSpec::Array {
            low,
            high,
            element,
            span,
        })
    }

    fn init(&mut self) -> Parsed<Init> {
        let start = self.span();
        if self.eat_symbol("[") {
            let mut values = Vec::new();
            loop {
                values.push(self.init_element()?);
                if !self.eat_symbol(",") {
                    break;
                }
            }
            let end = self.expect_symbol("]")?;
            return Ok(Init::Array(values, start.to(end)));
        }
        let members = self.peek() == TokenKind::Symbol("(")
            && self.peek_at(1) == TokenKind::Identifier
            && self.peek_at(2) == TokenKind::Symbol(":=");
        if !members {
            return Ok(Init::Value(self.expression()?));
        }
        self.advance();
        let mut values = Vec::new();
        loop {
            let name = self.name("a member's name")?;
            self.expect_symbol(":=")?;
            values.push((name, self.nested(Self::init)?));
            if !self.eat_symbol(",") {
                break;
            }
        }
        let end = self.expect_symbol(")")?;
        Ok(Init::Members(values, start.to(end)))
    }

    /// `5` or `3(5)`, where the 3 repeats, and `3()` repeats the default.
    fn init_element(&mut self) -> Parsed<(Option<crate::ast::Expr>, Option<crate::ast::Expr>)> {
        let repeats =
            self.peek() == TokenKind::Integer && self.peek_at(1) == TokenKind::Symbol("(");
        if !repeats {
            return Ok((Some(self.expression()?), None));
        }
        let count = self.primary()?;
        self.expect_symbol("(")?;
        let value = if self.peek() == TokenKind::Symbol(")") {
            None
        } else {
            Some(self.expression()?)
        };
        self.expect_symbol(")")?;
        Ok((value, Some(count)))
    }
}

/// Words behind which no declaration goes on.
fn ends_declarations(word: Keyword) -> bool {
    use Keyword::*;
    matches!(
        word,
        EndVar
            | Var
            | VarInput
            | VarOutput
            | VarInOut
            | VarTemp
            | VarGlobal
            | VarExternal
            | EndProgram
            | EndFunction
            | EndFunctionBlock
            | Program
            | Function
            | FunctionBlock
            | If
            | Case
            | For
            | While
            | Repeat
    )
}
