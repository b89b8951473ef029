//! Statements, each recovering at its own end.

use super::{Failed, Parsed, Parser};
use crate::ast::{CaseLabel, Expr, ExprKind, Stmt, StmtKind};
use crate::diagnostic::Span;
use crate::lexer::{Keyword, TokenKind};
use crate::problems;

/// Words that end a list of statements.
pub(super) fn ends_list(keyword: Keyword) -> bool {
    use Keyword::*;
    matches!(
        keyword,
        Else | Elsif
            | EndAction
            | EndCase
            | EndFor
            | EndFunction
            | EndFunctionBlock
            | EndIf
            | EndProgram
            | EndRepeat
            | EndStep
            | EndTransition
            | EndVar
            | EndWhile
            | Function
            | FunctionBlock
            | Program
            | Configuration
            | Until
            | Type
            | VarGlobal
            | EndConfiguration
    )
}

/// Words that close or divide a statement; in the place of a statement they belong to none.
pub(super) fn is_stray(keyword: Keyword) -> bool {
    use Keyword::*;
    matches!(
        keyword,
        Else | Elsif
            | EndAction
            | EndCase
            | EndFor
            | EndIf
            | EndRepeat
            | EndStep
            | EndTransition
            | EndVar
            | EndWhile
            | Until
    )
}

/// Words that begin a statement.
fn begins_statement(keyword: Keyword) -> bool {
    use Keyword::*;
    matches!(
        keyword,
        Case | Continue | Exit | For | If | Repeat | Return | While
    )
}

impl Parser<'_, '_> {
    /// Statements up to a word that ends a list.
    pub(super) fn statements(&mut self) -> Vec<Stmt> {
        self.statements_until(|_| false)
    }

    fn statements_until(&mut self, stop: impl Fn(&Self) -> bool) -> Vec<Stmt> {
        let mut list = Vec::new();
        loop {
            let before = self.at;
            match self.peek() {
                TokenKind::EndOfFile => return list,
                TokenKind::Keyword(keyword) if ends_list(keyword) => return list,
                TokenKind::Symbol(";") => {
                    self.advance();
                }
                _ if stop(self) => return list,
                _ => match self.nested(Self::statement) {
                    Ok(statement) => {
                        self.recovering = false;
                        list.push(statement);
                    }
                    Err(Failed) => {
                        self.recovering = true;
                        if self.at == before {
                            self.advance();
                        }
                        self.skip_statement();
                    }
                },
            }
            assert!(self.at > before, "the parser advances");
        }
    }

    /// Skips behind the next `;`, or to where a new statement or the end of a list is certain.
    pub(super) fn skip_statement(&mut self) {
        loop {
            match self.peek() {
                TokenKind::EndOfFile => return,
                TokenKind::Symbol(";") => {
                    self.advance();
                    return;
                }
                TokenKind::Keyword(word) if ends_list(word) || begins_statement(word) => return,
                // `name :=` at the beginning of a line is a statement of its own.
                TokenKind::Identifier
                    if self.peek_at(1) == TokenKind::Symbol(":=") && self.begins_line() =>
                {
                    return;
                }
                _ => {
                    self.advance();
                }
            }
        }
    }

    fn statement(&mut self) -> Parsed<Stmt> {
        let start = self.span();
        let kind = match self.peek() {
            TokenKind::Keyword(Keyword::If) => self.if_statement()?,
            TokenKind::Keyword(Keyword::Case) => self.case_statement()?,
            TokenKind::Keyword(Keyword::For) => self.for_statement()?,
            TokenKind::Keyword(Keyword::While) => {
                self.advance();
                let condition = self.head(Keyword::Do);
                let body = self.statements();
                self.close(Keyword::EndWhile, start)?;
                StmtKind::While(condition, body)
            }
            TokenKind::Keyword(Keyword::Repeat) => {
                self.advance();
                let body = self.statements();
                self.expect_keyword(Keyword::Until)?;
                let condition = self.expression()?;
                // The semicolon before END_REPEAT is not in the standard, but often written.
                self.eat_symbol(";");
                self.close(Keyword::EndRepeat, start)?;
                StmtKind::Repeat(body, condition)
            }
            TokenKind::Keyword(Keyword::Exit) => {
                self.advance();
                StmtKind::Exit
            }
            TokenKind::Keyword(Keyword::Continue) => {
                self.advance();
                StmtKind::Continue
            }
            TokenKind::Keyword(Keyword::Return) => {
                self.advance();
                StmtKind::Return
            }
            TokenKind::Identifier | TokenKind::Direct => self.assignment_or_call()?,
            // One report is enough for a row of tokens that begin no statement.
            _ if self.recovering => return Err(Failed),
            _ => return Err(self.unexpected("a statement")),
        };
        let span = start.to(self.previous_span());
        // The statement itself is whole; what follows on its line cannot be told.
        if self.expect_symbol(";").is_err() && !self.begins_line() {
            self.skip_statement();
        }
        Ok(Stmt { kind, span })
    }

    fn assignment_or_call(&mut self) -> Parsed<StmtKind> {
        let target = self.reference()?;
        match self.peek() {
            TokenKind::Symbol(":=") => {
                self.advance();
                Ok(StmtKind::Assign(target, self.expression()?))
            }
            TokenKind::Symbol("(") => Ok(StmtKind::Call(target, self.arguments()?)),
            TokenKind::Symbol("=") => {
                let span = self.span();
                let hint = Some("an assignment is written `:=`".to_owned());
                let message = "expected `:=` or `(`, found `=`";
                self.sink
                    .report_with_hint(problems::EXPECTED, span, message, hint);
                self.advance();
                Ok(StmtKind::Assign(target, self.expression()?))
            }
            _ => Err(self.missing("`:=` or `(`")),
        }
    }

    /// The word that closes the statement that began at `start`.
    fn close(&mut self, end: Keyword, start: Span) -> Parsed<()> {
        if self.eat_keyword(end) {
            return Ok(());
        }
        let line = self.sink.lines().line(start.start);
        Err(self.missing(&format!("`{}` to close line {line}", end.text())))
    }

    /// The expression in the head of a statement and the word behind it. Where either is broken,
    /// the body is parsed all the same, so that its end finds its beginning.
    fn head(&mut self, word: Keyword) -> Expr {
        let start = self.span();
        if let Ok(expr) = self.expression() {
            let _ = self.expect_keyword(word);
            return expr;
        }
        loop {
            match self.peek() {
                TokenKind::EndOfFile | TokenKind::Symbol(";") => break,
                TokenKind::Keyword(next) if next == word => {
                    self.advance();
                    break;
                }
                TokenKind::Keyword(next) if ends_list(next) || begins_statement(next) => break,
                _ => {
                    self.advance();
                }
            }
        }
        Expr {
            kind: ExprKind::Error,
            span: start,
        }
    }

    fn if_statement(&mut self) -> Parsed<StmtKind> {
        let start = self.advance();
        let mut arms = Vec::new();
        let mut otherwise = Vec::new();
        loop {
            let condition = self.head(Keyword::Then);
            arms.push((condition, self.statements()));
            if !self.eat_keyword(Keyword::Elsif) {
                break;
            }
        }
        if self.eat_keyword(Keyword::Else) {
            otherwise = self.statements();
        }
        self.close(Keyword::EndIf, start)?;
        Ok(StmtKind::If { arms, otherwise })
    }

    fn case_statement(&mut self) -> Parsed<StmtKind> {
        let start = self.advance();
        let selector = self.head(Keyword::Of);
        let mut arms = Vec::new();
        let mut otherwise = Vec::new();
        while self.at_case_label() {
            let mut labels = Vec::new();
            loop {
                let low = self.expression()?;
                let high = if self.eat_symbol("..") {
                    Some(self.expression()?)
                } else {
                    None
                };
                labels.push(CaseLabel { low, high });
                if !self.eat_symbol(",") {
                    break;
                }
            }
            self.expect_symbol(":")?;
            arms.push((labels, self.statements_until(Self::at_case_label)));
        }
        if self.eat_keyword(Keyword::Else) {
            self.eat_symbol(":");
            otherwise = self.statements();
        }
        self.close(Keyword::EndCase, start)?;
        Ok(StmtKind::Case {
            selector,
            arms,
            otherwise,
        })
    }

    /// Whether a label comes next; statements begin with a name too, but go on differently.
    fn at_case_label(&self) -> bool {
        match self.peek() {
            TokenKind::Integer | TokenKind::TypePrefix | TokenKind::Symbol("-" | "+" | "(") => true,
            TokenKind::Identifier => {
                // `Color.Red:` names an enumerator too.
                let qualified = self.peek_at(1) == TokenKind::Symbol(".");
                let next = self.peek_at(if qualified { 3 } else { 1 });
                matches!(next, TokenKind::Symbol(":" | "," | ".."))
            }
            TokenKind::Keyword(Keyword::True | Keyword::False) => true,
            _ => false,
        }
    }

    fn for_statement(&mut self) -> Parsed<StmtKind> {
        let start = self.advance();
        let control = self.name("the control variable")?;
        self.expect_symbol(":=")?;
        let from = self.expression()?;
        self.expect_keyword(Keyword::To)?;
        let to = self.expression()?;
        let by = if self.eat_keyword(Keyword::By) {
            Some(self.expression()?)
        } else {
            None
        };
        let _ = self.expect_keyword(Keyword::Do);
        let body = self.statements();
        self.close(Keyword::EndFor, start)?;
        Ok(StmtKind::For {
            control,
            from,
            to,
            by,
            body,
        })
    }
}
