//! Expressions, by precedence climbing.

use super::{Failed, MAX_NESTING, Parsed, Parser};
use crate::ast::{Argument, BinaryOp, Expr, ExprKind, Name, Reference, UnaryOp};
use crate::lexer::{Keyword, TokenKind};
use crate::literal;
use crate::problems;
use crate::types::Elementary;

/// The operator a token stands for and how tightly it binds; a larger number binds tighter.
fn binary_op(kind: TokenKind) -> Option<(BinaryOp, u8)> {
    Some(match kind {
        TokenKind::Keyword(Keyword::Or) => (BinaryOp::Or, 1),
        TokenKind::Keyword(Keyword::Xor) => (BinaryOp::Xor, 2),
        TokenKind::Keyword(Keyword::And) | TokenKind::Symbol("&") => (BinaryOp::And, 3),
        TokenKind::Symbol("=") => (BinaryOp::Equal, 4),
        TokenKind::Symbol("<>") => (BinaryOp::NotEqual, 4),
        TokenKind::Symbol("<") => (BinaryOp::Less, 5),
        TokenKind::Symbol("<=") => (BinaryOp::LessEqual, 5),
        TokenKind::Symbol(">") => (BinaryOp::Greater, 5),
        TokenKind::Symbol(">=") => (BinaryOp::GreaterEqual, 5),
        TokenKind::Symbol("+") => (BinaryOp::Add, 6),
        TokenKind::Symbol("-") => (BinaryOp::Subtract, 6),
        TokenKind::Symbol("*") => (BinaryOp::Multiply, 7),
        TokenKind::Symbol("/") => (BinaryOp::Divide, 7),
        TokenKind::Keyword(Keyword::Mod) => (BinaryOp::Modulo, 7),
        TokenKind::Symbol("**") => (BinaryOp::Power, 8),
        _ => return None,
    })
}

impl Parser<'_, '_> {
    pub(super) fn expression(&mut self) -> Parsed<Expr> {
        self.nested(|parser| parser.binary(1))
    }

    /// All operators of at least `least` precedence; each level associates to the left.
    fn binary(&mut self, least: u8) -> Parsed<Expr> {
        let mut left = self.unary()?;
        let mut chained = 0;
        while let Some((op, precedence)) = binary_op(self.peek()) {
            if precedence < least {
                break;
            }
            chained += 1;
            if self.depth + chained > MAX_NESTING {
                let span = self.span();
                let message = format!("more than {MAX_NESTING} operators in one chain");
                self.sink.report(problems::TOO_DEEP, span, message);
                return Err(Failed);
            }
            self.advance();
            let right = self.nested(|parser| parser.binary(precedence + 1))?;
            let span = left.span.to(right.span);
            let kind = ExprKind::Binary(op, Box::new(left), Box::new(right));
            left = Expr { kind, span };
        }
        Ok(left)
    }

    fn unary(&mut self) -> Parsed<Expr> {
        let op = match self.peek() {
            TokenKind::Symbol("-") => UnaryOp::Negate,
            TokenKind::Symbol("+") => UnaryOp::Plus,
            TokenKind::Keyword(Keyword::Not) => UnaryOp::Not,
            _ => return self.primary(),
        };
        let start = self.advance();
        let operand = self.nested(Self::unary)?;
        let span = start.to(operand.span);
        Ok(Expr {
            kind: ExprKind::Unary(op, Box::new(operand)),
            span,
        })
    }

    pub(super) fn primary(&mut self) -> Parsed<Expr> {
        let span = self.span();
        let kind = match self.peek() {
            TokenKind::Keyword(word @ (Keyword::True | Keyword::False)) => {
                self.advance();
                ExprKind::Bool(word == Keyword::True)
            }
            TokenKind::Integer
            | TokenKind::Real
            | TokenKind::Duration
            | TokenKind::Calendar
            | TokenKind::Text => self.literal(),
            TokenKind::TypePrefix => return self.typed_literal(),
            TokenKind::Symbol("(") => {
                self.advance();
                let inner = self.expression()?;
                let end = self.expect_symbol(")")?;
                return Ok(Expr {
                    kind: inner.kind,
                    span: span.to(end),
                });
            }
            TokenKind::Identifier if self.peek_at(1) == TokenKind::Symbol("(") => {
                let name = self.name("a function")?;
                let arguments = self.nested(Self::arguments)?;
                let span = span.to(self.previous_span());
                return Ok(Expr {
                    kind: ExprKind::Call(name, arguments),
                    span,
                });
            }
            // `NOT`, `AND`, ... are functions too, but only NOT and MOD read naturally so.
            TokenKind::Keyword(
                word @ (Keyword::And | Keyword::Or | Keyword::Xor | Keyword::Mod),
            ) if self.peek_at(1) == TokenKind::Symbol("(") => {
                self.advance();
                let name = Name {
                    text: word.text().to_owned(),
                    span,
                };
                let arguments = self.nested(Self::arguments)?;
                let span = span.to(self.previous_span());
                return Ok(Expr {
                    kind: ExprKind::Call(name, arguments),
                    span,
                });
            }
            TokenKind::Identifier | TokenKind::Direct => {
                let reference = self.reference()?;
                let span = reference.span();
                return Ok(Expr {
                    kind: ExprKind::Reference(reference),
                    span,
                });
            }
            _ => return Err(self.missing("an expression")),
        };
        Ok(Expr { kind, span })
    }

    /// A numeric or duration literal; a bad one is reported and stands for an error.
    fn literal(&mut self) -> ExprKind {
        let kind = self.peek();
        let span = self.advance();
        let text = self.text(span).to_owned();
        let value = match kind {
            TokenKind::Integer => literal::integer(&text).map(ExprKind::Integer),
            TokenKind::Real => literal::real(&text).map(ExprKind::Real),
            TokenKind::Text => {
                literal::text(&text).map(|units| ExprKind::Text(text.starts_with('"'), units))
            }
            TokenKind::Calendar => {
                crate::calendar::literal(&text).map(|(ty, ns)| ExprKind::Nanos(ty, ns))
            }
            _ => {
                let long = text.starts_with(['l', 'L']);
                let ty = if long {
                    Elementary::Ltime
                } else {
                    Elementary::Time
                };
                literal::duration_ns(&text).map(|ns| ExprKind::Nanos(ty, ns))
            }
        };
        value.unwrap_or_else(|reason| {
            // The lexer has already spoken about letters that follow on a number.
            let code = match kind {
                TokenKind::Duration => problems::BAD_DURATION,
                TokenKind::Calendar => problems::BAD_DATE,
                TokenKind::Text => problems::BAD_TEXT,
                _ => problems::BAD_LITERAL,
            };
            // A text that is not closed is reported already.
            if kind != TokenKind::Text || text.len() > 1 {
                self.sink.report(code, span, reason);
            }
            ExprKind::Error
        })
    }

    /// `INT#5`, `INT#-5`, `INT#16#7F`, `BOOL#TRUE`.
    fn typed_literal(&mut self) -> Parsed<Expr> {
        let prefix = self.advance();
        let text = self.text(prefix).trim_end_matches('#').to_owned();
        let ty = Name { text, span: prefix };
        let start = self.span();
        let negated = self.eat_symbol("-");
        if !negated {
            self.eat_symbol("+");
        }
        let mut span = self.span();
        let mut kind = match self.peek() {
            TokenKind::Integer | TokenKind::Real => self.literal(),
            TokenKind::Text if !negated => self.literal(),
            TokenKind::Keyword(word @ (Keyword::True | Keyword::False)) if !negated => {
                self.advance();
                ExprKind::Bool(word == Keyword::True)
            }
            TokenKind::Identifier if !negated => {
                let value = self.name("an enumerator")?;
                let span = prefix.to(value.span);
                return Ok(Expr {
                    kind: ExprKind::Enumerator(ty, value),
                    span,
                });
            }
            _ => return Err(self.missing("the value of a typed literal")),
        };
        if negated {
            kind = ExprKind::Unary(UnaryOp::Negate, Box::new(Expr { kind, span }));
            span = start.to(span);
        }
        let inner = Box::new(Expr { kind, span });
        Ok(Expr {
            kind: ExprKind::Typed(ty, inner),
            span: prefix.to(span),
        })
    }

    /// `a`, `%IX0.0`, then any number of `.member` and `[index]`.
    pub(super) fn reference(&mut self) -> Parsed<Reference> {
        let mut reference = if self.peek() == TokenKind::Direct {
            let span = self.advance();
            Reference::Direct(Name {
                text: self.text(span).to_owned(),
                span,
            })
        } else {
            Reference::Name(self.name("a variable")?)
        };
        let mut links = 0;
        loop {
            links += 1;
            if self.depth + links > MAX_NESTING {
                let span = self.span();
                let message = format!("more than {MAX_NESTING} levels of nesting");
                self.sink.report(problems::TOO_DEEP, span, message);
                return Err(Failed);
            }
            if self.eat_symbol(".") {
                reference = self.member(reference)?;
            } else if self.eat_symbol("[") {
                let mut indices = vec![self.expression()?];
                while self.eat_symbol(",") {
                    indices.push(self.expression()?);
                }
                let end = self.expect_symbol("]")?;
                let span = reference.span().to(end);
                reference = Reference::Index(Box::new(reference), indices, span);
            } else {
                return Ok(reference);
            }
        }
    }

    /// What follows on a `.`: a member, or a part of a bit string.
    fn member(&mut self, base: Reference) -> Parsed<Reference> {
        let span = self.span();
        let text = self.text(span).to_ascii_uppercase();
        let part = match self.peek() {
            TokenKind::Integer => Some((1, text.as_str())),
            TokenKind::Direct => text.strip_prefix('%').and_then(|part| {
                let (size, number) = part.split_at_checked(1)?;
                let bits = match size {
                    "X" => 1,
                    "B" => 8,
                    "W" => 16,
                    "D" => 32,
                    "L" => 64,
                    _ => return None,
                };
                Some((bits, number))
            }),
            _ => {
                let member = self.name("a member's name")?;
                self.enos += u32::from(member.key() == "ENO");
                return Ok(Reference::Member(Box::new(base), member));
            }
        };
        let Some((bits, Ok(number))) = part.map(|(bits, number)| (bits, number.parse())) else {
            return Err(self.unexpected("a member's name, or a part such as `.3` or `.%B1`"));
        };
        self.advance();
        let span = base.span().to(span);
        Ok(Reference::Part {
            base: Box::new(base),
            bits,
            number,
            span,
        })
    }

    /// `(a, b := c, d => e)`.
    pub(super) fn arguments(&mut self) -> Parsed<Vec<Argument>> {
        self.expect_symbol("(")?;
        let mut arguments = Vec::new();
        if self.eat_symbol(")") {
            return Ok(arguments);
        }
        loop {
            arguments.push(self.argument()?);
            if !self.eat_symbol(",") {
                break;
            }
        }
        self.expect_symbol(")")?;
        Ok(arguments)
    }

    pub(super) fn argument(&mut self) -> Parsed<Argument> {
        let negated = self.peek() == TokenKind::Keyword(Keyword::Not)
            && self.peek_at(1) == TokenKind::Identifier
            && self.peek_at(2) == TokenKind::Symbol("=>");
        if negated {
            self.advance();
        }
        if self.peek() == TokenKind::Identifier {
            match self.peek_at(1) {
                TokenKind::Symbol(":=") => {
                    let name = self.name("a parameter")?;
                    self.advance();
                    return Ok(Argument::Input(name, self.expression()?));
                }
                TokenKind::Symbol("=>") => {
                    let name = self.name("a parameter")?;
                    self.advance();
                    return Ok(Argument::Output {
                        name,
                        negated,
                        target: self.reference()?,
                    });
                }
                _ => {}
            }
        }
        Ok(Argument::Positional(self.expression()?))
    }
}
