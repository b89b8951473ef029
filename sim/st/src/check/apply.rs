//! What each standard function computes.
//!
//! Source: IEC 61131-3:2013, 6.6.2.5.

use super::expression::{Operand, Scope};
use super::function::Standard;
use crate::ast::{BinaryOp as AstOp, Name, UnaryOp as AstUnary};
use crate::bytecode::MathFunction;
use crate::diagnostic::Span;
use crate::hir::{BinaryOp, CompareOp, Conversion, Expr, ExprKind, UnaryOp};
use crate::intrinsic::Intrinsic;
use crate::problems;
use crate::types::Elementary;

impl Scope<'_, '_, '_> {
    pub(super) fn apply(
        &mut self,
        function: Standard,
        name: &Name,
        mut operands: Vec<(Operand, Span)>,
        span: Span,
    ) -> Option<Operand> {
        match function {
            Standard::Operator(op) if op.compares() && operands.len() > 2 => {
                return self.compare_chain(op, &operands, span);
            }
            Standard::Operator(op) => {
                let mut rest = operands.into_iter();
                let mut left = rest.next()?;
                for right in rest {
                    left = (self.binary_operands(op, left, right, span)?, span);
                }
                return Some(left.0);
            }
            Standard::Power => {
                let exponent = operands.pop()?;
                return self.power(operands.pop()?, exponent, span);
            }
            Standard::Move => return operands.pop().map(|(operand, _)| operand),
            Standard::Truncate => return self.truncate(name, operands.pop()?),
            Standard::Text(function) => return self.text_call(function, name, operands, span),
            Standard::Calendar(function) => {
                return self.calendar_call(function, operands, span);
            }
            Standard::Select => return self.select(operands, span),
            Standard::Mux => return self.mux(operands, span),
            Standard::Not => {
                let (operand, place) = operands.pop()?;
                let expr = self.settle(operand, place)?;
                return self
                    .unary_typed(AstUnary::Not, expr, span)
                    .map(Operand::Typed);
            }
            _ => {}
        }
        let expr = match function {
            Standard::Abs => self.numeric(name, operands.pop()?, span, UnaryOp::Abs),
            Standard::Sqrt => self.square_root(name, operands.pop()?, span),
            Standard::Math(function) => self.math(name, function, operands.pop()?, span),
            Standard::Min | Standard::Max | Standard::Limit => {
                self.extreme(function, name, operands, span)
            }
            Standard::Atan2 => self.atan2(name, operands, span),
            Standard::Shift(op) => self.shift(op, name, operands, span),
            Standard::IsValid => self.is_valid(name, operands.pop()?),
            Standard::IsValidBcd => self.is_valid_bcd(name, operands.pop()?, span),
            Standard::Endian(swaps) => self.endian(name, operands.pop()?, swaps, span),
            _ => unreachable!("handled above"),
        };
        expr.map(Operand::Typed)
    }

    /// `GT(a, b, c)` is `(a > b) AND (b > c)` (Table 33).
    fn compare_chain(
        &mut self,
        op: AstOp,
        operands: &[(Operand, Span)],
        span: Span,
    ) -> Option<Operand> {
        let inner = &operands[1..operands.len() - 1];
        for (operand, place) in inner {
            // Each of them stands in two comparisons, and would be evaluated twice.
            let twice = match operand {
                Operand::Typed(expr) | Operand::Enumerated(_, expr) => {
                    expr.calls() || expr.writes()
                }
                Operand::Truncated(expr) | Operand::Count(expr) => expr.calls() || expr.writes(),
                _ => false,
            };
            if twice {
                let message = "a call between other operands of a comparison is not supported";
                let hint = Some("assign its value to a variable first".to_owned());
                self.report_hint(problems::UNSUPPORTED, *place, message, hint);
                return None;
            }
        }
        let mut all: Option<Operand> = None;
        for pair in operands.windows(2) {
            let [left, right] = pair else { continue };
            let one = self.binary_operands(op, left.clone(), right.clone(), span)?;
            all = Some(match all {
                None => one,
                Some(before) => {
                    self.binary_operands(AstOp::And, (before, span), (one, span), span)?
                }
            });
        }
        all
    }

    pub(super) fn bad_operand(&mut self, name: &Name, ty: Elementary, span: Span) {
        let message = format!("{} is not defined for {ty}", name.text);
        self.report(problems::BAD_OPERAND, span, message);
    }

    fn truncate(&mut self, name: &Name, (operand, span): (Operand, Span)) -> Option<Operand> {
        let operand = match operand {
            Operand::Integer(value) => Operand::Real(value as f64),
            other => other,
        };
        let expr = self.settle(operand, span)?;
        if !expr.ty.is_real() {
            self.bad_operand(name, expr.ty, span);
            return None;
        }
        Some(Operand::Truncated(Box::new(expr)))
    }

    fn numeric(
        &mut self,
        name: &Name,
        (operand, place): (Operand, Span),
        span: Span,
        op: UnaryOp,
    ) -> Option<Expr> {
        let expr = self.settle(operand, place)?;
        if !expr.ty.is_num() && expr.ty != Elementary::Time {
            self.bad_operand(name, expr.ty, place);
            return None;
        }
        let (ty, line) = (expr.ty, expr.line);
        self.fold(
            Expr {
                ty,
                kind: ExprKind::Unary(op, Box::new(expr)),
                line,
            },
            span,
        )
    }

    /// A real operand; an integer literal counts as one.
    fn real(&mut self, name: &Name, (operand, place): (Operand, Span)) -> Option<Expr> {
        let operand = match operand {
            Operand::Integer(value) => Operand::Real(value as f64),
            other => other,
        };
        let expr = self.settle(operand, place)?;
        if !expr.ty.is_real() {
            self.bad_operand(name, expr.ty, place);
            return None;
        }
        Some(expr)
    }

    fn square_root(&mut self, name: &Name, operand: (Operand, Span), span: Span) -> Option<Expr> {
        let expr = self.real(name, operand)?;
        if expr.ty == Elementary::Lreal {
            return Some(math_expr(MathFunction::Sqrt, expr));
        }
        let line = expr.line;
        let kind = ExprKind::Unary(UnaryOp::Sqrt, Box::new(expr));
        self.fold(
            Expr {
                ty: Elementary::Real,
                kind,
                line,
            },
            span,
        )
    }

    /// Whether a real is a number: NaN and the infinities, times 0, are not 0.
    fn is_valid(&mut self, name: &Name, operand: (Operand, Span)) -> Option<Expr> {
        let expr = self.real(name, operand)?;
        let (ty, line) = (expr.ty, expr.line);
        let zero = || Box::new(Expr::literal(ty, 0, line));
        let kind = ExprKind::Binary(BinaryOp::Multiply, Box::new(expr), zero());
        let product = Box::new(Expr { ty, kind, line });
        Some(Expr {
            ty: Elementary::Bool,
            kind: ExprKind::Compare(CompareOp::Equal, product, zero()),
            line,
        })
    }

    fn is_valid_bcd(
        &mut self,
        name: &Name,
        (operand, place): (Operand, Span),
        span: Span,
    ) -> Option<Expr> {
        let expr = self.settle(operand, place)?;
        if !expr.ty.is_bit_string() {
            self.bad_operand(name, expr.ty, place);
            return None;
        }
        let wide = self.convert(expr, Elementary::Lword, Conversion::Value, span)?;
        Some(self.intrinsic(Intrinsic::ValidBcd, vec![wide], 0))
    }

    /// The value with its bytes in the other order, or as it is.
    fn endian(
        &mut self,
        name: &Name,
        (operand, place): (Operand, Span),
        swaps: bool,
        span: Span,
    ) -> Option<Expr> {
        let expr = self.settle(operand, place)?;
        let ty = expr.ty;
        if !ty.is_bit_string() && !ty.is_int() {
            self.bad_operand(name, ty, place);
            return None;
        }
        if !swaps {
            return Some(expr);
        }
        let line = expr.line;
        let wide = self.convert(expr, Elementary::Lword, Conversion::Value, span)?;
        let swapped = self.intrinsic(Intrinsic::SwapBytes, vec![wide], 0);
        // The bytes of the value were the lowest, so that they are the highest now.
        let count = Expr::literal(Elementary::Int, (64 - ty.bits()).into(), line);
        let (swapped, count) = (Box::new(swapped), Box::new(count));
        let kind = ExprKind::Binary(BinaryOp::ShiftRight, swapped, count);
        let low = Expr {
            ty: Elementary::Lword,
            kind,
            line,
        };
        self.convert(low, ty, Conversion::Value, span)
    }

    fn math(
        &mut self,
        name: &Name,
        function: MathFunction,
        operand: (Operand, Span),
        span: Span,
    ) -> Option<Expr> {
        let expr = self.real(name, operand)?;
        let ty = expr.ty;
        let wide = self.convert(expr, Elementary::Lreal, Conversion::Value, span)?;
        self.convert(math_expr(function, wide), ty, Conversion::Value, span)
    }

    /// All operands brought to one type, and the enumeration that they are of, if they are.
    fn common(
        &mut self,
        operands: Vec<(Operand, Span)>,
        span: Span,
    ) -> Option<(Vec<Expr>, Option<usize>)> {
        let enumeration = operands.iter().find_map(|(operand, _)| match operand {
            Operand::Enumerated(at, _) => Some(*at),
            _ => None,
        });
        if let Some(at) = enumeration {
            let ty = super::types::Type::Enumeration(at);
            let exprs = operands
                .into_iter()
                .map(|(operand, place)| self.fit(operand, &ty, place));
            let exprs: Vec<_> = exprs.collect();
            return Some((exprs.into_iter().collect::<Option<_>>()?, enumeration));
        }
        let mut first = operands.first()?.clone();
        for operand in &operands[1..] {
            // Two literals stay literals, so that the others decide.
            let next = match (&first.0, &operand.0) {
                (Operand::Integer(a), Operand::Integer(b)) => Operand::Integer(*a.max(b)),
                (Operand::Integer(_) | Operand::Real(_), Operand::Real(b)) => Operand::Real(*b),
                (Operand::Real(a), Operand::Integer(_)) => Operand::Real(*a),
                _ => Operand::Typed(self.unify(first, operand.clone(), span)?.0),
            };
            first = (next, span);
        }
        let ty = self.settle(first.0, span)?.ty;
        let exprs = operands
            .into_iter()
            .map(|(operand, place)| self.coerce(operand, ty, place));
        let exprs: Vec<_> = exprs.collect();
        Some((exprs.into_iter().collect::<Option<_>>()?, None))
    }

    /// A value whose type may be an enumeration.
    fn tagged(expr: Expr, enumeration: Option<usize>) -> Operand {
        match enumeration {
            Some(at) => Operand::Enumerated(at, expr),
            None => Operand::Typed(expr),
        }
    }

    fn atan2(&mut self, name: &Name, operands: Vec<(Operand, Span)>, span: Span) -> Option<Expr> {
        let mut exprs = Vec::new();
        for operand in operands {
            exprs.push(self.real(name, operand)?);
        }
        let ty = if exprs.iter().any(|expr| expr.ty == Elementary::Lreal) {
            Elementary::Lreal
        } else {
            Elementary::Real
        };
        let mut wide = Vec::new();
        for expr in exprs {
            wide.push(self.convert(expr, Elementary::Lreal, Conversion::Value, span)?);
        }
        let result = self.intrinsic(Intrinsic::Atan2, wide, 0);
        self.convert(result, ty, Conversion::Value, span)
    }

    fn extreme(
        &mut self,
        function: Standard,
        name: &Name,
        operands: Vec<(Operand, Span)>,
        span: Span,
    ) -> Option<Expr> {
        let (exprs, enumeration) = self.common(operands, span)?;
        let ty = exprs.first()?.ty;
        if ty == Elementary::Bool || ty.is_text() || enumeration.is_some() {
            self.bad_operand(name, ty, span);
            return None;
        }
        let mut both = |op, left: Expr, right: Expr| {
            let line = left.line;
            let kind = ExprKind::Binary(op, Box::new(left), Box::new(right));
            self.fold(Expr { ty, kind, line }, span)
        };
        if function == Standard::Limit {
            // Table 32: LIMIT is MIN(MAX(IN, MN), MX).
            let [low, value, high] = <[Expr; 3]>::try_from(exprs).ok()?;
            let raised = both(BinaryOp::Max, value, low)?;
            return both(BinaryOp::Min, raised, high);
        }
        let op = if function == Standard::Min {
            BinaryOp::Min
        } else {
            BinaryOp::Max
        };
        let mut rest = exprs.into_iter();
        let first = rest.next()?;
        rest.try_fold(first, |left, right| both(op, left, right))
    }

    fn select(&mut self, mut operands: Vec<(Operand, Span)>, span: Span) -> Option<Operand> {
        let inputs = operands.split_off(1);
        let (selector, place) = operands.pop()?;
        let condition = self.coerce(selector, Elementary::Bool, place);
        let (exprs, enumeration) = self.common(inputs, span)?;
        let [otherwise, then] = <[Expr; 2]>::try_from(exprs).ok()?;
        let (ty, line) = (then.ty, then.line);
        let [condition, otherwise, then] = [condition?, otherwise, then].map(Box::new);
        let kind = ExprKind::Select {
            condition,
            otherwise,
            then,
        };
        Some(Self::tagged(Expr { ty, kind, line }, enumeration))
    }

    fn mux(&mut self, mut operands: Vec<(Operand, Span)>, span: Span) -> Option<Operand> {
        let inputs = operands.split_off(1);
        let (selector, place) = operands.pop()?;
        let selector = self.settle(selector, place)?;
        if !selector.ty.is_int() {
            let message = format!("the selector of MUX is an integer, not {}", selector.ty);
            self.report(problems::TYPE_MISMATCH, place, message);
            return None;
        }
        let (inputs, enumeration) = self.common(inputs, span)?;
        let (ty, line) = (inputs.first()?.ty, selector.line);
        let kind = ExprKind::Mux {
            selector: Box::new(selector),
            inputs,
        };
        Some(Self::tagged(Expr { ty, kind, line }, enumeration))
    }

    fn shift(
        &mut self,
        op: BinaryOp,
        name: &Name,
        mut operands: Vec<(Operand, Span)>,
        span: Span,
    ) -> Option<Expr> {
        let (count, count_place) = operands.pop()?;
        let (value, place) = operands.pop()?;
        let value = self.settle(value, place)?;
        let count = self.settle(count, count_place)?;
        if !value.ty.is_bit_string() {
            self.bad_operand(name, value.ty, place);
            return None;
        }
        if !count.ty.is_int() {
            let message = format!("the count of a shift is an integer, not {}", count.ty);
            self.report(problems::TYPE_MISMATCH, count_place, message);
            return None;
        }
        let (ty, line) = (value.ty, value.line);
        self.fold(
            Expr {
                ty,
                kind: ExprKind::Binary(op, Box::new(value), Box::new(count)),
                line,
            },
            span,
        )
    }
}

fn math_expr(function: MathFunction, operand: Expr) -> Expr {
    let line = operand.line;
    Expr {
        ty: Elementary::Lreal,
        kind: ExprKind::Math(function, Box::new(operand)),
        line,
    }
}
