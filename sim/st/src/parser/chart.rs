//! Bodies in Sequential Function Chart, in their textual form.
//!
//! Source: IEC 61131-3:2013, 6.7.2 to 6.7.4 (Tables 54 to 57), and Annex A.

use super::list::List;
use super::{Failed, Parsed, Parser};
use crate::ast::{Action, Association, Chart, Condition, Expr, Name, Step, Transition};
use crate::diagnostic::Span;
use crate::lexer::{Keyword, TokenKind};

impl Parser<'_, '_> {
    /// Whether an element of a chart comes next. The words are reserved in this place only, because
    /// `Step` is a good name of a variable.
    pub(super) fn at_chart(&self) -> bool {
        let next = self.peek_at(1);
        let is_named = next == TokenKind::Identifier;
        let named = ["INITIAL_STEP", "STEP", "ACTION"];
        let is_from = self.is_word_at(1, "FROM") || next == TokenKind::Symbol("(");
        named.iter().any(|word| self.is_word(word)) && is_named
            || self.is_word("TRANSITION") && (is_named || is_from)
    }

    /// The elements of a chart, up to the word that ends the POU.
    pub(super) fn chart(&mut self, end: Keyword) -> Chart {
        let mut chart = Chart::default();
        loop {
            let before = self.at;
            let element = match self.peek() {
                TokenKind::EndOfFile => return chart,
                TokenKind::Keyword(word) if word == end || opens_unit(word) => return chart,
                TokenKind::Symbol(";") => {
                    self.advance();
                    continue;
                }
                _ if self.is_word("TRANSITION") => {
                    let transition = self.transition();
                    transition.map(|transition| chart.transitions.push(transition))
                }
                _ if self.is_word("ACTION") => {
                    self.action().map(|action| chart.actions.push(action))
                }
                _ if self.is_word("STEP") || self.is_word("INITIAL_STEP") => {
                    self.step().map(|step| chart.steps.push(step))
                }
                _ => Err(self.unexpected("`STEP`, `TRANSITION`, `ACTION` or the end of the POU")),
            };
            if element.is_err() {
                chart.broken = true;
                if self.at == before {
                    self.advance();
                }
                self.skip_element(end);
            }
            assert!(self.at > before, "the parser advances");
        }
    }

    /// Skips behind the end of an element, or to where another one begins.
    fn skip_element(&mut self, end: Keyword) {
        loop {
            match self.peek() {
                TokenKind::EndOfFile => return,
                TokenKind::Keyword(word) if word == end || opens_unit(word) => return,
                TokenKind::Keyword(
                    Keyword::EndStep | Keyword::EndTransition | Keyword::EndAction,
                ) => {
                    self.advance();
                    return;
                }
                _ if self.begins_line() && self.at_chart() => return,
                _ => {
                    self.advance();
                }
            }
        }
    }

    fn step(&mut self) -> Parsed<Step> {
        let initial = self.is_word("INITIAL_STEP");
        let opening = self.advance();
        let name = self.name("the step's name")?;
        self.expect_symbol(":")?;
        let mut associations = Vec::new();
        loop {
            match self.peek() {
                TokenKind::Symbol(";") => {
                    self.advance();
                }
                TokenKind::Identifier if !self.at_chart() => match self.association() {
                    Ok(association) => associations.push(association),
                    Err(Failed) => self.skip_statement(),
                },
                _ => break,
            }
        }
        self.close_element(Keyword::EndStep, opening)?;
        Ok(Step {
            name,
            initial,
            associations,
        })
    }

    /// `action(qualifier, duration, indicators);`.
    fn association(&mut self) -> Parsed<Association> {
        let action = self.name("an action")?;
        self.expect_symbol("(")?;
        let mut association = Association {
            qualifier: Name {
                text: "N".to_owned(),
                span: action.span,
            },
            action,
            time: None,
            indicators: Vec::new(),
        };
        // Without a qualifier, what stands first is an indicator only behind a comma.
        if self.peek() == TokenKind::Identifier {
            association.qualifier = self.name("a qualifier")?;
        }
        let timed = ["L", "D", "SD", "DS", "SL"].contains(&association.qualifier.key().as_str());
        while self.eat_symbol(",") {
            if timed && association.time.is_none() {
                association.time = Some(self.expression()?);
            } else {
                association.indicators.push(self.name("an indicator")?);
            }
        }
        self.expect_symbol(")")?;
        self.expect_symbol(";")?;
        Ok(association)
    }

    fn transition(&mut self) -> Parsed<Transition> {
        let opening = self.advance();
        let is_named = self.peek() == TokenKind::Identifier && !self.is_word("FROM");
        let name = match is_named {
            true => Some(self.name("the transition's name")?),
            false => None,
        };
        let priority = match self.peek() == TokenKind::Symbol("(") {
            true => Some(self.priority()?),
            false => None,
        };
        if !self.eat_word("FROM") {
            return Err(self.missing("`FROM`"));
        }
        let from = self.step_names()?;
        self.expect_keyword(Keyword::To)?;
        let to = self.step_names()?;
        let span = opening.to(self.previous_span());
        let condition = if self.eat_symbol(":") {
            let list = match self.at_list() {
                true => self.list_with_result(),
                false => List {
                    statements: self.statements(),
                    result: None,
                },
            };
            Condition::Statements(list.statements, list.result)
        } else if self.peek() == TokenKind::Symbol(":=") && self.is_list_at(1) {
            // `:= LD x` is how the third edition writes it.
            self.advance();
            let list = self.list_with_result();
            Condition::Statements(list.statements, list.result)
        } else {
            self.expect_symbol(":=")?;
            let value = self.expression()?;
            self.expect_symbol(";")?;
            Condition::Value(value)
        };
        self.close_element(Keyword::EndTransition, opening)?;
        Ok(Transition {
            name,
            priority,
            from,
            to,
            condition,
            span,
        })
    }

    /// `(PRIORITY := 1)`.
    fn priority(&mut self) -> Parsed<Expr> {
        self.expect_symbol("(")?;
        if !self.eat_word("PRIORITY") {
            return Err(self.missing("`PRIORITY`"));
        }
        self.expect_symbol(":=")?;
        let value = self.expression()?;
        self.expect_symbol(")")?;
        Ok(value)
    }

    /// `a` or `(a, b)`.
    fn step_names(&mut self) -> Parsed<Vec<Name>> {
        if !self.eat_symbol("(") {
            return Ok(vec![self.name("a step")?]);
        }
        let mut names = vec![self.name("a step")?];
        while self.eat_symbol(",") {
            names.push(self.name("a step")?);
        }
        self.expect_symbol(")")?;
        Ok(names)
    }

    fn action(&mut self) -> Parsed<Action> {
        let opening = self.advance();
        let name = self.name("the action's name")?;
        self.expect_symbol(":")?;
        let body = match self.at_list() {
            true => self.list(),
            false => self.statements(),
        };
        self.close_element(Keyword::EndAction, opening)?;
        Ok(Action { name, body })
    }

    fn close_element(&mut self, end: Keyword, opening: Span) -> Parsed<()> {
        if self.eat_keyword(end) {
            self.eat_symbol(";");
            return Ok(());
        }
        let line = self.sink.lines().line(opening.start);
        Err(self.missing(&format!("`{}` to close line {line}", end.text())))
    }
}

/// Words that begin something at the level of the file.
fn opens_unit(word: Keyword) -> bool {
    use Keyword::{Configuration, Function, FunctionBlock, Program, Type, VarGlobal};
    matches!(
        word,
        Program | FunctionBlock | Function | Configuration | Type | VarGlobal
    )
}
