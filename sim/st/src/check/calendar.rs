//! Dates and times of day.
//!
//! Source: IEC 61131-3:2013, Table 35 (time and date), Table 36 (concatenation and split).

use super::expression::{Operand, Scope};
use crate::ast::{Argument, BinaryOp as AstOp, Name};
use crate::calendar::DAY_NS;
use crate::diagnostic::Span;
use crate::hir::{BinaryOp, Conversion, Expr, ExprKind, Stmt, StmtKind};
use crate::intrinsic::Intrinsic;
use crate::problems;
use crate::types::Elementary;

/// A function that puts dates together or asks for a part of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CalendarFunction {
    DateTod,
    DateLtod,
    Date,
    Tod,
    Ltod,
    Dt,
    Ldt,
    DayOfWeek,
}

/// A part that SPLIT_DATE and its kin give.
type Part = (&'static str, u8);

const DATE_PARTS: &[Part] = &[("YEAR", 0), ("MONTH", 1), ("DAY", 2)];
const TOD_PARTS: &[Part] = &[
    ("HOUR", 3),
    ("MINUTE", 4),
    ("SECOND", 5),
    ("MILLISECOND", 6),
];

/// The type that a SPLIT function takes.
fn split_type(key: &str) -> Option<Elementary> {
    match key.strip_prefix("SPLIT_")? {
        "DATE" => Some(Elementary::Date),
        "TOD" => Some(Elementary::Tod),
        "LTOD" => Some(Elementary::Ltod),
        "DT" => Some(Elementary::Dt),
        "LDT" => Some(Elementary::Ldt),
        _ => None,
    }
}

/// Whether this capitalised name is SPLIT_DATE or one of its kin.
pub(super) fn is_split(key: &str) -> bool {
    split_type(key).is_some()
}

impl Scope<'_, '_, '_> {
    fn lint(&mut self, expr: Expr, span: Span) -> Option<Expr> {
        self.convert(expr, Elementary::Lint, Conversion::Nanoseconds, span)
    }

    fn lint_op(&mut self, op: BinaryOp, left: Expr, right: i64, span: Span) -> Option<Expr> {
        let line = left.line;
        let right = Expr::literal(Elementary::Lint, right.cast_unsigned(), line);
        self.lint_pair(op, left, right, span)
    }

    fn lint_pair(&mut self, op: BinaryOp, left: Expr, right: Expr, span: Span) -> Option<Expr> {
        let line = left.line;
        let kind = ExprKind::Binary(op, Box::new(left), Box::new(right));
        self.fold(
            Expr {
                ty: Elementary::Lint,
                kind,
                line,
            },
            span,
        )
    }

    /// What is left of a LINT above a multiple of `unit`, never negative.
    fn rest(&mut self, value: Expr, unit: i64, span: Span) -> Option<Expr> {
        let rest = self.lint_op(BinaryOp::Modulo, value, unit, span)?;
        let positive = self.lint_op(BinaryOp::Add, rest, unit, span)?;
        self.lint_op(BinaryOp::Modulo, positive, unit, span)
    }

    /// `+` and `-` where at least one operand is a date.
    pub(super) fn date_arithmetic(
        &mut self,
        op: AstOp,
        left: Expr,
        right: Expr,
        span: Span,
    ) -> Option<Expr> {
        use Elementary::{Date, Dt, Ldate, Ldt, Ltime, Ltod, Time, Tod};
        let (a, b) = (left.ty, right.ty);
        let subtract = op == AstOp::Subtract;
        let result = match (a, b) {
            (Dt | Ldt | Tod | Ltod, Time | Ltime) => Some(a),
            (Time | Ltime, Dt | Ldt | Tod | Ltod) if !subtract => Some(b),
            (Date, Date) | (Tod, Tod) | (Dt, Dt) if subtract => Some(Time),
            (Date | Ldate, Date | Ldate) | (Tod | Ltod, Tod | Ltod) | (Dt | Ldt, Dt | Ldt)
                if subtract =>
            {
                Some(Ltime)
            }
            _ => None,
        };
        let Some(result) = result else {
            let message = format!("`{}` is not defined for {a} and {b}", op.text());
            self.report(problems::BAD_OPERAND, span, message);
            return None;
        };
        let (left, right) = (self.lint(left, span)?, self.lint(right, span)?);
        let op = if subtract {
            BinaryOp::Subtract
        } else {
            BinaryOp::Add
        };
        let mut value = self.lint_pair(op, left, right, span)?;
        // A time of day begins anew at midnight.
        if matches!(result, Tod | Ltod) {
            value = self.rest(value, DAY_NS, span)?;
        }
        self.convert(value, result, Conversion::Nanoseconds, span)
    }

    /// DT_TO_DATE, DT_TO_TOD and the like.
    pub(super) fn date_conversion(
        &mut self,
        expr: Expr,
        to: Elementary,
        span: Span,
    ) -> Option<Expr> {
        use Elementary::{Date, Ldate, Ltod, Tod};
        let from = expr.ty;
        let day_time = |ty| matches!(ty, Tod | Ltod);
        let value = self.lint(expr, span)?;
        let value = match to {
            Tod | Ltod if !day_time(from) => self.rest(value, DAY_NS, span)?,
            Date | Ldate if !matches!(from, Date | Ldate) => {
                let rest = self.rest(value.clone(), DAY_NS, span)?;
                self.lint_pair(BinaryOp::Subtract, value, rest, span)?
            }
            _ => value,
        };
        self.convert(value, to, Conversion::Nanoseconds, span)
    }

    /// A function that puts a date together.
    pub(super) fn calendar_call(
        &mut self,
        function: CalendarFunction,
        operands: Vec<(Operand, Span)>,
        span: Span,
    ) -> Option<Operand> {
        use CalendarFunction::{DateLtod, DateTod, DayOfWeek};
        let name = Name {
            text: "the calendar".to_owned(),
            span,
        };
        if function == DayOfWeek {
            let [(operand, place)] = <[_; 1]>::try_from(operands).ok()?;
            let date = self.coerce(operand, Elementary::Ldate, place)?;
            return self
                .day_of_week(date, span)
                .map(|day| Operand::Count(Box::new(day)));
        }
        if matches!(function, DateTod | DateLtod) {
            let [(date, date_span), (time, time_span)] = <[_; 2]>::try_from(operands).ok()?;
            let (day, result) = if function == DateTod {
                (Elementary::Tod, Elementary::Dt)
            } else {
                (Elementary::Ltod, Elementary::Ldt)
            };
            let date = self.coerce(date, Elementary::Date, date_span)?;
            let time = self.coerce(time, day, time_span)?;
            let (date, time) = (self.lint(date, span)?, self.lint(time, span)?);
            let sum = self.lint_pair(BinaryOp::Add, date, time, span)?;
            return self
                .convert(sum, result, Conversion::Nanoseconds, span)
                .map(Operand::Typed);
        }
        let mut numbers = Vec::new();
        for (operand, place) in operands {
            numbers.push(self.integer_operand(&name, operand, place)?);
        }
        self.put_together(function, numbers, span)
            .map(Operand::Typed)
    }

    fn put_together(
        &mut self,
        function: CalendarFunction,
        mut numbers: Vec<Expr>,
        span: Span,
    ) -> Option<Expr> {
        use CalendarFunction::{Date, Dt, Ldt, Tod};
        let result = match function {
            Date => Elementary::Date,
            Tod => Elementary::Tod,
            Dt => Elementary::Dt,
            Ldt => Elementary::Ldt,
            _ => Elementary::Ltod,
        };
        let mut total = None;
        if matches!(function, Date | Dt | Ldt) {
            let time = numbers.split_off(3);
            total = Some(self.intrinsic(Intrinsic::Civil, numbers, 0));
            numbers = time;
        }
        if !numbers.is_empty() {
            let units = [3_600_000_000_000, 60_000_000_000, 1_000_000_000, 1_000_000];
            for (number, unit) in numbers.into_iter().zip(units) {
                let part = self.lint_op(BinaryOp::Multiply, number, unit, span)?;
                total = Some(match total {
                    None => part,
                    Some(total) => self.lint_pair(BinaryOp::Add, total, part, span)?,
                });
            }
        }
        self.convert(total?, result, Conversion::Nanoseconds, span)
    }

    /// 0 for Sunday to 6 for Saturday.
    fn day_of_week(&mut self, date: Expr, span: Span) -> Option<Expr> {
        // 1970-01-01 was a Thursday.
        let value = self.lint(date, span)?;
        let shifted = self.lint_op(BinaryOp::Add, value, 4 * DAY_NS, span)?;
        let in_week = self.rest(shifted, 7 * DAY_NS, span)?;
        self.lint_op(BinaryOp::Divide, in_week, DAY_NS, span)
    }

    /// `SPLIT_DATE(IN := d, YEAR => y);`; `None` where the name is no such function.
    pub(super) fn split_call(
        &mut self,
        name: &Name,
        arguments: &[Argument],
        span: Span,
    ) -> Option<Option<StmtKind>> {
        let ty = split_type(&name.key())?;
        Some(self.split(ty, name, arguments, span))
    }

    fn split(
        &mut self,
        ty: Elementary,
        name: &Name,
        arguments: &[Argument],
        span: Span,
    ) -> Option<StmtKind> {
        use Elementary::{Date, Dt, Ldt};
        let dated = if matches!(ty, Date | Dt | Ldt) {
            DATE_PARTS
        } else {
            &[]
        };
        let timed = if ty == Date { &[] } else { TOD_PARTS };
        let parts: Vec<Part> = dated.iter().chain(timed).copied().collect();
        let mut input = None;
        let mut targets = Vec::new();
        for argument in arguments {
            match argument {
                Argument::Input(parameter, expr) if parameter.key() == "IN" => {
                    input = Some(self.value(expr, ty)?);
                }
                Argument::Output {
                    name,
                    negated: false,
                    target,
                } => {
                    let part = parts.iter().find(|(known, _)| *known == name.key());
                    let Some(&(_, part)) = part else {
                        let message = format!("the function has no output `{}`", name.text);
                        self.report(problems::UNKNOWN_PARAMETER, name.span, message);
                        return None;
                    };
                    targets.push((part, target));
                }
                other => {
                    let message =
                        format!("write `{}(IN := ..., {} => ...)`", name.text, parts[0].0);
                    self.report(problems::BAD_ARGUMENTS, other.span(), message);
                    return None;
                }
            }
        }
        let Some(input) = input else {
            self.report(problems::BAD_ARGUMENTS, span, "the input IN is not given");
            return None;
        };
        let line = input.line;
        let mut list = Vec::new();
        for (part, target) in targets {
            let value = self.part_of(input.clone(), part, span)?;
            let variable = self.assignable(target)?;
            let value = self.fit(Operand::Count(Box::new(value)), &variable.ty, target.span())?;
            let place = self.place(&variable)?;
            list.push(Stmt {
                kind: StmtKind::Assign(place, value),
                line,
            });
        }
        let always = Expr::literal(Elementary::Bool, 1, line);
        Some(StmtKind::If {
            arms: vec![(always, list)],
            otherwise: Vec::new(),
        })
    }

    fn part_of(&mut self, value: Expr, part: u8, span: Span) -> Option<Expr> {
        let value = self.lint(value, span)?;
        let function = match part {
            0 => Some(Intrinsic::Year),
            1 => Some(Intrinsic::Month),
            2 => Some(Intrinsic::Day),
            _ => None,
        };
        if let Some(function) = function {
            return Some(self.intrinsic(function, vec![value], 0));
        }
        let (unit, of) = match part {
            3 => (3_600_000_000_000, DAY_NS),
            4 => (60_000_000_000, 3_600_000_000_000),
            5 => (1_000_000_000, 60_000_000_000),
            _ => (1_000_000, 1_000_000_000),
        };
        let rest = self.rest(value, of, span)?;
        self.lint_op(BinaryOp::Divide, rest, unit, span)
    }
}
