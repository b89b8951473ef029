//! Bodies in Instruction List, made into statements while they are read.
//!
//! The current result is kept as an expression until something takes it: what is loaded and
//! combined becomes one assignment. A statement that is told by the current result first puts it
//! into `$result`, so that an expression is evaluated once.
//!
//! **Invariants:** each instruction ends with its line; after CAL and RET the current result is not
//! defined, and behind a label only where every way there brings one (`labels`), and using it
//! otherwise is reported; the expression is never deeper than the later passes may recurse.
//!
//! Source: IEC 61131-3:2013, 7.2 (Tables 67 and 68); IEC 61131-3:2003, Annex B.2 (the grammar).

use super::labels::Labels;
use super::{Failed, MAX_NESTING, Parsed, Parser};
use crate::ast::{Argument, BinaryOp, Expr, ExprKind, Name, Reference, Stmt, StmtKind, UnaryOp};
use crate::diagnostic::Span;
use crate::lexer::{Keyword, TokenKind};
use crate::problems;

/// The variable that holds the current result where several things take it.
pub(super) const RESULT: &str = "$result";

/// What an instruction does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    Load,
    Store,
    /// S or R.
    Set(bool),
    Binary(BinaryOp),
    Not,
    Jump,
    Call,
    Return,
}

/// When a JMP, CAL or RET happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum When {
    Always,
    IfTrue,
    IfFalse,
}

/// Operators with what their modifier means for them: N, C or CN.
const OPERATORS: [(&str, Operator, When); 38] = {
    use BinaryOp as B;
    use Operator::{Binary, Call, Jump, Load, Not, Return, Set, Store};
    use When::{Always, IfFalse, IfTrue};
    [
        ("LD", Load, Always),
        ("LDN", Load, IfFalse),
        ("ST", Store, Always),
        ("STN", Store, IfFalse),
        ("S", Set(true), Always),
        ("R", Set(false), Always),
        ("NOT", Not, Always),
        ("AND", Binary(B::And), Always),
        ("ANDN", Binary(B::And), IfFalse),
        ("&", Binary(B::And), Always),
        ("OR", Binary(B::Or), Always),
        ("ORN", Binary(B::Or), IfFalse),
        ("XOR", Binary(B::Xor), Always),
        ("XORN", Binary(B::Xor), IfFalse),
        ("ADD", Binary(B::Add), Always),
        ("SUB", Binary(B::Subtract), Always),
        ("MUL", Binary(B::Multiply), Always),
        ("DIV", Binary(B::Divide), Always),
        ("MOD", Binary(B::Modulo), Always),
        ("GT", Binary(B::Greater), Always),
        ("GE", Binary(B::GreaterEqual), Always),
        ("EQ", Binary(B::Equal), Always),
        ("NE", Binary(B::NotEqual), Always),
        ("LE", Binary(B::LessEqual), Always),
        ("LT", Binary(B::Less), Always),
        ("JMP", Jump, Always),
        ("JMPC", Jump, IfTrue),
        ("JMPCN", Jump, IfFalse),
        ("JMPNC", Jump, IfFalse),
        ("CAL", Call, Always),
        ("CALC", Call, IfTrue),
        ("CALCN", Call, IfFalse),
        ("CALNC", Call, IfFalse),
        ("RET", Return, Always),
        ("RETC", Return, IfTrue),
        ("RETCN", Return, IfFalse),
        ("RETNC", Return, IfFalse),
        ("RETURN", Return, Always),
    ]
};

/// The statements of a list and what its last instruction leaves.
pub(super) struct List {
    pub(super) statements: Vec<Stmt>,
    pub(super) result: Option<Expr>,
}

/// The current result.
#[derive(Default)]
pub(super) struct Current {
    pub(super) value: Option<Expr>,
    /// Levels of the expression.
    pub(super) depth: usize,
}

/// An operator whose operand is still being read, behind a parenthesis.
struct Deferred {
    op: BinaryOp,
    negated: bool,
    current: Current,
    span: Span,
}

/// A list as far as it is read.
#[derive(Default)]
pub(super) struct Reading {
    pub(super) statements: Vec<Stmt>,
    pub(super) current: Current,
    deferred: Vec<Deferred>,
    pub(super) labels: Labels,
}

impl Reading {
    /// Ends the current result. What it calls happens all the same.
    pub(super) fn drop_current(&mut self) {
        let dropped = std::mem::take(&mut self.current).value;
        self.statements.extend(dropped.and_then(evaluation));
    }
}

/// What a current result leaves that nobody takes: nothing, if it was not computed.
pub(super) fn evaluation(value: Expr) -> Option<Stmt> {
    let is_computed = matches!(
        value.kind,
        ExprKind::Call(..) | ExprKind::Unary(..) | ExprKind::Binary(..)
    );
    let span = value.span;
    let kind = StmtKind::Evaluate(value);
    is_computed.then_some(Stmt { kind, span })
}

/// The operators that stand for an input of a standard block: `CU counter` is `CAL counter(CU := ...)`.
/// S and R set variables, and LD loads.
///
/// Source: IEC 61131-3:2013, Table 70; IEC 61131-3:2003, Tables 53 and 54.
const INPUT_OPERATORS: [&str; 8] = ["S1", "R1", "CLK", "CU", "CD", "PV", "IN", "PT"];

impl Parser<'_, '_> {
    /// Whether a body in Instruction List comes next: labels, then an operator that no statement
    /// begins with, and behind it an operand on the same line.
    pub(super) fn at_list(&self) -> bool {
        self.is_list_at(0)
    }

    pub(super) fn is_list_at(&self, mut ahead: usize) -> bool {
        const BEGINNINGS: [&str; 6] = ["LD", "LDN", "CAL", "JMP", "RET", "ST"];
        while self.peek_at(ahead) == TokenKind::Identifier
            && self.peek_at(ahead + 1) == TokenKind::Symbol(":")
        {
            ahead += 2;
        }
        let word = BEGINNINGS.iter().find(|word| self.is_word_at(ahead, word));
        let operand = matches!(
            self.peek_at(ahead + 1),
            TokenKind::Identifier
                | TokenKind::Integer
                | TokenKind::Real
                | TokenKind::Duration
                | TokenKind::Calendar
                | TokenKind::Text
                | TokenKind::Direct
                | TokenKind::TypePrefix
                | TokenKind::Keyword(Keyword::True | Keyword::False)
                | TokenKind::Symbol("-")
        );
        match word {
            Some(&"RET") => !matches!(self.peek_at(ahead + 1), TokenKind::Symbol(":=" | "(" | ".")),
            Some(_) => operand,
            None => false,
        }
    }

    /// Instructions up to a word that ends the body, for a POU or an action.
    pub(super) fn list(&mut self) -> Vec<Stmt> {
        let mut reading = self.instructions();
        reading.drop_current();
        self.resolve_labels(reading.labels, reading.statements)
    }

    /// Instructions whose last current result is used.
    pub(super) fn list_with_result(&mut self) -> List {
        let mut reading = self.instructions();
        let result = reading.current.value;
        if let Some(value) = &result {
            reading.labels.used(value, value.span);
        }
        let statements = self.resolve_labels(reading.labels, reading.statements);
        List { statements, result }
    }

    fn instructions(&mut self) -> Reading {
        let mut reading = Reading::default();
        loop {
            let before = self.at;
            match self.peek() {
                TokenKind::EndOfFile => break,
                TokenKind::Keyword(word) if super::statement::ends_list(word) => break,
                // Not of the standard, but at the end of an instruction it does no harm.
                TokenKind::Symbol(";") => {
                    self.advance();
                    continue;
                }
                _ => {}
            }
            if self.instruction(&mut reading).is_err() {
                reading.current = Current::default();
                self.skip_line(before);
            } else if !self.ends_instruction() {
                self.missing("the end of the line behind the instruction");
                self.skip_line(before);
            }
            assert!(self.at > before, "the parser advances");
        }
        for open in &reading.deferred {
            let message = "the parenthesis is not closed";
            self.sink.report(problems::BAD_LIST, open.span, message);
        }
        reading
    }

    fn ends_instruction(&self) -> bool {
        match self.peek() {
            TokenKind::EndOfFile | TokenKind::Symbol(";") => true,
            TokenKind::Keyword(word) if super::statement::ends_list(word) => true,
            _ => self.begins_line(),
        }
    }

    /// Skips to the next line.
    fn skip_line(&mut self, before: usize) {
        if self.at == before {
            self.advance();
        }
        while !self.ends_instruction() {
            self.advance();
        }
    }

    fn instruction(&mut self, reading: &mut Reading) -> Parsed<()> {
        while self.peek() == TokenKind::Identifier && self.peek_at(1) == TokenKind::Symbol(":") {
            self.label(reading)?;
            if self.ends_instruction() {
                return Ok(());
            }
        }
        let span = self.span();
        if self.peek() == TokenKind::Symbol(")") {
            return self.close_parenthesis(reading);
        }
        if self.is_input_operator() && reading.deferred.is_empty() {
            return self.input_operation(span, reading);
        }
        let Some((operator, when)) = self.operator() else {
            return self.function(reading);
        };
        self.advance();
        if reading.deferred.is_empty() {
            return self.operation(operator, when, span, reading);
        }
        match operator {
            Operator::Load | Operator::Binary(_) | Operator::Not => {
                self.operation(operator, when, span, reading)
            }
            _ => {
                let message = "inside a parenthesis values are combined, and nothing else";
                self.sink.report(problems::BAD_LIST, span, message);
                Err(Failed)
            }
        }
    }

    /// Whether an input of a block comes next, with the instance behind it on the same line.
    fn is_input_operator(&self) -> bool {
        let mut words = INPUT_OPERATORS.iter();
        words.any(|word| self.is_word_at(0, word))
            && self.peek_at(1) == TokenKind::Identifier
            && self.is_same_line(1)
    }

    fn input_operation(&mut self, span: Span, reading: &mut Reading) -> Parsed<()> {
        let input = self.name("an input")?;
        let instance = self.reference()?;
        let (value, _) = self.current(reading, span)?;
        let kind = StmtKind::Call(instance, vec![Argument::Input(input, value)]);
        let span = span.to(self.previous_span());
        reading.statements.push(Stmt { kind, span });
        Ok(())
    }

    /// The operator that comes next.
    fn operator(&self) -> Option<(Operator, When)> {
        let text = self.text(self.span());
        let known = OPERATORS
            .iter()
            .find(|(word, ..)| word.eq_ignore_ascii_case(text));
        known.map(|(_, operator, when)| (*operator, *when))
    }

    fn operation(
        &mut self,
        operator: Operator,
        when: When,
        span: Span,
        reading: &mut Reading,
    ) -> Parsed<()> {
        let negated = when == When::IfFalse;
        match operator {
            Operator::Load => {
                let value = self.operand()?;
                // Inside a parenthesis nothing may happen before the rest.
                if reading.deferred.is_empty() {
                    reading.drop_current();
                }
                reading.current = self.deepened(value, negated, 1)?;
            }
            Operator::Not => {
                let (value, depth) = self.current(reading, span)?;
                reading.current = self.deepened(value, true, depth)?;
            }
            Operator::Binary(op) => self.binary_operation(op, negated, span, reading)?,
            Operator::Store => {
                let target = self.reference()?;
                let (value, depth) = self.current(reading, span)?;
                let stored = self.deepened(value.clone(), negated, depth)?;
                let Some(stored) = stored.value else {
                    return Ok(());
                };
                let span = span.to(target.span());
                let kind = StmtKind::Assign(target.clone(), stored);
                reading.statements.push(Stmt { kind, span });
                // What has been stored is what the variable holds, and is not computed again.
                let read = reference(target);
                reading.current = self.deepened(read, negated, 1)?;
            }
            Operator::Set(to) => {
                let target = self.reference()?;
                let condition = self.materialise(reading, span)?;
                let value = ExprKind::Bool(to);
                let kind = StmtKind::Assign(target, Expr { kind: value, span });
                let set = Stmt { kind, span };
                reading
                    .statements
                    .push(only_if(condition, false, vec![set]));
            }
            Operator::Jump => {
                let target = self.name("a label")?;
                self.jump(target, when, span, reading)?;
            }
            Operator::Return => {
                let kind = StmtKind::Return;
                self.conditionally(vec![Stmt { kind, span }], when, span, reading)?;
            }
            Operator::Call => {
                let instance = self.reference()?;
                let arguments = match self.peek() == TokenKind::Symbol("(") {
                    true => self.arguments()?,
                    false => Vec::new(),
                };
                let span = span.to(self.previous_span());
                let kind = StmtKind::Call(instance, arguments);
                self.conditionally(vec![Stmt { kind, span }], when, span, reading)?;
            }
        }
        Ok(())
    }

    fn binary_operation(
        &mut self,
        op: BinaryOp,
        negated: bool,
        span: Span,
        reading: &mut Reading,
    ) -> Parsed<()> {
        let (left, depth) = self.current(reading, span)?;
        if self.peek() == TokenKind::Symbol("(") {
            let span = self.advance();
            if reading.deferred.len() + self.depth >= MAX_NESTING {
                let message = format!("more than {MAX_NESTING} levels of nesting");
                self.sink.report(problems::TOO_DEEP, span, message);
                return Err(Failed);
            }
            reading.deferred.push(Deferred {
                op,
                negated,
                current: Current {
                    value: Some(left),
                    depth,
                },
                span,
            });
            reading.current = Current::default();
            if !self.ends_instruction() {
                let value = self.operand()?;
                reading.current = self.deepened(value, false, 1)?;
            }
            // `AND( x )` may stand on one line.
            if self.peek() == TokenKind::Symbol(")") && !self.ends_instruction() {
                self.close_parenthesis(reading)?;
            }
            return Ok(());
        }
        let right = self.operand()?;
        let right = self.deepened(right, negated, 1)?;
        reading.current = self.combined(op, left, depth, right)?;
        Ok(())
    }

    fn close_parenthesis(&mut self, reading: &mut Reading) -> Parsed<()> {
        let span = self.advance();
        let Some(open) = reading.deferred.pop() else {
            let message = "the parenthesis closes nothing";
            self.sink.report(problems::BAD_LIST, span, message);
            return Err(Failed);
        };
        let (right, depth) = self.current(reading, span)?;
        let right = self.deepened(right, open.negated, depth)?;
        let Some(left) = open.current.value else {
            return Ok(());
        };
        reading.current = self.combined(open.op, left, open.current.depth, right)?;
        Ok(())
    }

    /// A function: the current result is its first argument, operands on the line are the others;
    /// or all its arguments stand in parentheses, by name.
    fn function(&mut self, reading: &mut Reading) -> Parsed<()> {
        let span = self.span();
        if self.peek() != TokenKind::Identifier {
            return Err(self.unexpected("an instruction"));
        }
        let name = self.name("an instruction")?;
        let mut arguments = Vec::new();
        let mut depth = 1;
        if self.peek() == TokenKind::Symbol("(") {
            arguments = self.arguments()?;
            let is_named = |argument: &Argument| !matches!(argument, Argument::Positional(_));
            if !arguments.iter().all(is_named) {
                let hint = Some(format!("LD x, then {} y, z", name.text));
                let message = "in parentheses the arguments of a function have names";
                self.sink
                    .report_with_hint(problems::BAD_LIST, span, message, hint);
                return Err(Failed);
            }
            if reading.deferred.is_empty() {
                reading.drop_current();
            }
        } else {
            if !self.is_function_word(&name, reading) {
                return Err(Failed);
            }
            let (first, levels) = self.current(reading, span)?;
            depth += levels;
            arguments.push(Argument::Positional(first));
            while !self.ends_instruction() {
                arguments.push(Argument::Positional(self.operand()?));
                if !self.eat_symbol(",") {
                    break;
                }
            }
        }
        let value = Expr {
            kind: ExprKind::Call(name, arguments),
            span: span.to(self.previous_span()),
        };
        reading.current = self.deepened(value, false, depth)?;
        Ok(())
    }

    /// Without a current result, a word at the beginning of a list is hardly meant as a function.
    fn is_function_word(&mut self, name: &Name, reading: &Reading) -> bool {
        if reading.current.value.is_some() {
            return true;
        }
        let words = OPERATORS.iter().map(|(word, ..)| *word);
        let hint = self.sink.did_you_mean(&name.text, words);
        let message = format!(
            "`{}` is no operator, and for a function there is no current result",
            name.text
        );
        self.sink
            .report_with_hint(problems::BAD_LIST, name.span, message, hint);
        false
    }

    /// A constant or a variable.
    fn operand(&mut self) -> Parsed<Expr> {
        if self.ends_instruction() {
            return Err(self.missing("an operand"));
        }
        if self.peek() != TokenKind::Symbol("-") {
            return self.primary();
        }
        let start = self.advance();
        let value = self.primary()?;
        Ok(Expr {
            span: start.to(value.span),
            kind: ExprKind::Unary(UnaryOp::Negate, Box::new(value)),
        })
    }

    /// Takes the current result, with its depth.
    fn current(&mut self, reading: &mut Reading, span: Span) -> Parsed<(Expr, usize)> {
        let current = std::mem::take(&mut reading.current);
        match current.value {
            Some(value) => {
                reading.labels.used(&value, span);
                Ok((value, current.depth))
            }
            None => {
                let message = "there is no current result here; LD gives one";
                self.sink.report(problems::BAD_LIST, span, message);
                Err(Failed)
            }
        }
    }

    /// A value, or its negation, as the current result.
    fn deepened(&mut self, value: Expr, negated: bool, depth: usize) -> Parsed<Current> {
        let depth = depth + usize::from(negated);
        if self.depth + depth > MAX_NESTING {
            let message = format!("more than {MAX_NESTING} operators before a result is stored");
            self.sink.report(problems::TOO_DEEP, value.span, message);
            return Err(Failed);
        }
        let value = match negated {
            true => Expr {
                span: value.span,
                kind: ExprKind::Unary(UnaryOp::Not, Box::new(value)),
            },
            false => value,
        };
        Ok(Current {
            value: Some(value),
            depth,
        })
    }

    fn combined(
        &mut self,
        op: BinaryOp,
        left: Expr,
        depth: usize,
        right: Current,
    ) -> Parsed<Current> {
        let Some(value) = right.value else {
            return Ok(Current::default());
        };
        let expr = Expr {
            span: left.span.to(value.span),
            kind: ExprKind::Binary(op, Box::new(left), Box::new(value)),
        };
        self.deepened(expr, false, 1 + depth.max(right.depth))
    }

    /// Puts the current result, a BOOL, into a variable, where it stays the current result.
    pub(super) fn materialise(&mut self, reading: &mut Reading, span: Span) -> Parsed<Expr> {
        let (value, _) = self.current(reading, span)?;
        self.needs_result = true;
        let text = RESULT.to_owned();
        let result = Reference::Name(Name { text, span });
        let is_kept = matches!(&value.kind, ExprKind::Reference(Reference::Name(name)) if name.text == RESULT);
        if !is_kept {
            let span = value.span;
            let kind = StmtKind::Assign(result.clone(), value);
            reading.statements.push(Stmt { kind, span });
        }
        let result = reference(result);
        reading.current = self.deepened(result.clone(), false, 1)?;
        Ok(result)
    }

    /// Statements that the modifiers C and CN make depend on the current result. Behind those that
    /// always happen there is none.
    pub(super) fn conditionally(
        &mut self,
        statements: Vec<Stmt>,
        when: When,
        span: Span,
        reading: &mut Reading,
    ) -> Parsed<()> {
        if when == When::Always {
            reading.drop_current();
            reading.statements.extend(statements);
            return Ok(());
        }
        let condition = self.materialise(reading, span)?;
        let negated = when == When::IfFalse;
        reading
            .statements
            .push(only_if(condition, negated, statements));
        Ok(())
    }
}

fn reference(reference: Reference) -> Expr {
    Expr {
        span: reference.span(),
        kind: ExprKind::Reference(reference),
    }
}

fn only_if(condition: Expr, negated: bool, statements: Vec<Stmt>) -> Stmt {
    let span = statements
        .last()
        .map_or(condition.span, |statement| statement.span);
    let condition = match negated {
        true => Expr {
            span: condition.span,
            kind: ExprKind::Unary(UnaryOp::Not, Box::new(condition)),
        },
        false => condition,
    };
    let kind = StmtKind::If {
        arms: vec![(condition, statements)],
        otherwise: Vec::new(),
    };
    Stmt { kind, span }
}
