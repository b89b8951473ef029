//! Operators: which types they take, how two operands come to one type, and untyped constants.
//!
//! Source: IEC 61131-3:2013, 7.3.2 (expressions), Table 71 (operators).

use super::expression::{Operand, Scope, fits};
use crate::ast::{self, BinaryOp as AstOp, UnaryOp as AstUnary};
use crate::diagnostic::Span;
use crate::hir::{BinaryOp, CompareOp, Conversion, Expr, ExprKind, UnaryOp};
use crate::problems;
use crate::types::Elementary;

impl Scope<'_, '_, '_> {
    pub(super) fn unary(&mut self, op: AstUnary, inner: &ast::Expr, span: Span) -> Option<Operand> {
        let operand = self.operand(inner)?;
        match (op, operand) {
            (AstUnary::Plus, operand @ (Operand::Integer(_) | Operand::Real(_))) => Some(operand),
            (AstUnary::Negate, Operand::Integer(value)) => Some(Operand::Integer(-value)),
            (AstUnary::Negate, Operand::Real(value)) => Some(Operand::Real(-value)),
            (op, operand) => {
                let expr = self.settle(operand, inner.span)?;
                self.unary_typed(op, expr, span).map(Operand::Typed)
            }
        }
    }

    pub(super) fn unary_typed(&mut self, op: AstUnary, expr: Expr, span: Span) -> Option<Expr> {
        let ty = expr.ty;
        let (allowed, hir_op) = match op {
            AstUnary::Not => (
                ty == Elementary::Bool || ty.is_bit_string(),
                Some(UnaryOp::Not),
            ),
            AstUnary::Negate => {
                let allowed = ty.is_signed_int() || ty.is_duration() || ty.is_real();
                (allowed, Some(UnaryOp::Negate))
            }
            AstUnary::Plus => (ty.is_num() || ty.is_duration(), None),
        };
        if !allowed {
            let text = match op {
                AstUnary::Not => "NOT",
                AstUnary::Negate => "-",
                AstUnary::Plus => "+",
            };
            self.report(
                problems::BAD_OPERAND,
                span,
                format!("`{text}` is not defined for {ty}"),
            );
            return None;
        }
        match hir_op {
            None => Some(expr),
            Some(op) => {
                let line = expr.line;
                self.fold(
                    Expr {
                        ty,
                        kind: ExprKind::Unary(op, Box::new(expr)),
                        line,
                    },
                    span,
                )
            }
        }
    }

    pub(super) fn binary(
        &mut self,
        op: AstOp,
        left: &ast::Expr,
        right: &ast::Expr,
        span: Span,
    ) -> Option<Operand> {
        let (l, r) = (self.operand(left), self.operand(right));
        self.binary_operands(op, (l?, left.span), (r?, right.span), span)
    }

    /// An operator on checked operands, each with its place.
    pub(super) fn binary_operands(
        &mut self,
        op: AstOp,
        (left, left_span): (Operand, Span),
        (right, right_span): (Operand, Span),
        span: Span,
    ) -> Option<Operand> {
        let (left, right) = match (left, right) {
            (Operand::Integer(a), Operand::Integer(b)) if is_arithmetic(op) => {
                return self.fold_integers(op, a, b, span);
            }
            (Operand::Real(a), Operand::Real(b)) => {
                if let Some(value) = fold_reals(op, a, b) {
                    return Some(Operand::Real(value));
                }
                (Operand::Real(a), Operand::Real(b))
            }
            (Operand::Integer(a), Operand::Real(b)) => {
                return self.binary_operands(
                    op,
                    (Operand::Real(a as f64), left_span),
                    (Operand::Real(b), right_span),
                    span,
                );
            }
            (Operand::Real(a), Operand::Integer(b)) => {
                return self.binary_operands(
                    op,
                    (Operand::Real(a), left_span),
                    (Operand::Real(b as f64), right_span),
                    span,
                );
            }
            pair => pair,
        };
        if let Some(result) =
            self.enumerated_operands(op, (&left, left_span), (&right, right_span), span)
        {
            return result.map(Operand::Typed);
        }
        if op == AstOp::Power {
            return self.power((left, left_span), (right, right_span), span);
        }
        if matches!(op, AstOp::Multiply | AstOp::Divide) && (is_time(&left) || is_time(&right)) {
            let (l, r) = ((left, left_span), (right, right_span));
            return self.scale_time(op, l, r, span).map(Operand::Typed);
        }
        if matches!(op, AstOp::Add | AstOp::Subtract) && (is_date(&left) || is_date(&right)) {
            let left = self.settle(left, left_span)?;
            let right = self.settle(right, right_span)?;
            return self
                .date_arithmetic(op, left, right, span)
                .map(Operand::Typed);
        }
        let (left, right) = self.unify((left, left_span), (right, right_span), span)?;
        self.combine(op, left, right, span).map(Operand::Typed)
    }

    /// Enumerations are compared for equality, and nothing else (Table 33); `None` where neither
    /// operand is of one.
    fn enumerated_operands(
        &mut self,
        op: AstOp,
        (left, left_span): (&Operand, Span),
        (right, right_span): (&Operand, Span),
        span: Span,
    ) -> Option<Option<Expr>> {
        let at = match (left, right) {
            (Operand::Enumerated(at, _), _) | (_, Operand::Enumerated(at, _)) => *at,
            _ => return None,
        };
        if !matches!(op, AstOp::Equal | AstOp::NotEqual) {
            let name = &self.checker.enums[at].name;
            let message = format!("`{}` is not defined for {name}", op.text());
            self.report(problems::BAD_OPERAND, span, message);
            return Some(None);
        }
        let ty = super::types::Type::Enumeration(at);
        let left = self.fit(left.clone(), &ty, left_span);
        let right = self.fit(right.clone(), &ty, right_span);
        Some(match (left, right) {
            (Some(left), Some(right)) => self.combine(op, left, right, span),
            _ => None,
        })
    }

    /// Brings two operands to one type.
    pub(super) fn unify(
        &mut self,
        (left, left_span): (Operand, Span),
        (right, right_span): (Operand, Span),
        span: Span,
    ) -> Option<(Expr, Expr)> {
        let target = match (&left, &right) {
            (Operand::Typed(a), Operand::Typed(b)) => {
                if a.ty.widens_to(b.ty) {
                    b.ty
                } else if b.ty.widens_to(a.ty) {
                    a.ty
                } else {
                    let message = format!("the operands are {} and {}", a.ty, b.ty);
                    let hint = "convert one of them, for instance with";
                    let hint = super::function::conversion_exists(b.ty, a.ty)
                        .then(|| format!("{hint} `{}_TO_{}(...)`", b.ty, a.ty));
                    self.report_hint(problems::OPERANDS_DIFFER, span, message, hint);
                    return None;
                }
            }
            (Operand::Typed(typed), Operand::Integer(value))
            | (Operand::Integer(value), Operand::Typed(typed)) => {
                let wide = Elementary::ALL
                    .into_iter()
                    .find(|ty| typed.ty.widens_to(*ty) && fits(*value, *ty));
                // A value that no wider type holds either is reported against the operand's type.
                if fits(*value, typed.ty) {
                    typed.ty
                } else {
                    wide.unwrap_or(typed.ty)
                }
            }
            (Operand::Typed(typed), Operand::Real(_))
            | (Operand::Real(_), Operand::Typed(typed)) => match typed.ty {
                Elementary::Lreal => Elementary::Lreal,
                ty if ty.widens_to(Elementary::Real) => Elementary::Real,
                ty => ty,
            },
            (Operand::Typed(typed), Operand::Truncated(_) | Operand::Count(_))
            | (Operand::Truncated(_) | Operand::Count(_), Operand::Typed(typed)) => typed.ty,
            // A count and a number are INT, or what holds the number.
            (Operand::Count(_), Operand::Integer(value))
            | (Operand::Integer(value), Operand::Count(_)) => {
                let types = [Elementary::Int, Elementary::Dint, Elementary::Lint];
                types
                    .into_iter()
                    .find(|ty| fits(*value, *ty))
                    .unwrap_or(Elementary::Lint)
            }
            _ => {
                let left = self.settle(left, left_span)?;
                let right = self.settle(right, right_span)?;
                let pair = (
                    (Operand::Typed(left), left_span),
                    (Operand::Typed(right), right_span),
                );
                return self.unify(pair.0, pair.1, span);
            }
        };
        let left = self.coerce(left, target, left_span);
        let right = self.coerce(right, target, right_span);
        Some((left?, right?))
    }

    /// An operator on operands of one type.
    pub(super) fn combine(
        &mut self,
        op: AstOp,
        left: Expr,
        right: Expr,
        span: Span,
    ) -> Option<Expr> {
        let ty = left.ty;
        let is_logic = matches!(op, AstOp::And | AstOp::Or | AstOp::Xor);
        let compares = !is_logic && !is_arithmetic(op);
        if compares && ty.is_text() {
            return self.compare_texts(op, left, right, span);
        }
        let allowed = match op {
            _ if is_logic => ty == Elementary::Bool || ty.is_bit_string(),
            AstOp::Add | AstOp::Subtract => ty.is_num() || ty.is_duration(),
            AstOp::Multiply | AstOp::Divide => ty.is_num(),
            AstOp::Modulo => ty.is_int(),
            _ => true,
        };
        if !allowed {
            let hint = if ty.is_bit_string() && is_arithmetic(op) {
                Some(format!(
                    "a bit string is no number; convert with `{ty}_TO_UINT(...)` or the like"
                ))
            } else if ty.is_int() && is_logic {
                Some(format!(
                    "bits are combined in bit strings; convert with `{ty}_TO_WORD(...)`"
                ))
            } else {
                None
            };
            let message = format!("`{}` is not defined for {ty}", op.text());
            self.report_hint(problems::BAD_OPERAND, span, message, hint);
            return None;
        }
        let line = left.line;
        let (left, right) = (Box::new(left), Box::new(right));
        let compare = |op, a, b| (Elementary::Bool, ExprKind::Compare(op, a, b));
        let (ty, kind) = match op {
            AstOp::Equal => compare(CompareOp::Equal, left, right),
            AstOp::NotEqual => compare(CompareOp::NotEqual, left, right),
            AstOp::Less => compare(CompareOp::Less, left, right),
            AstOp::LessEqual => compare(CompareOp::LessEqual, left, right),
            AstOp::Greater => compare(CompareOp::Less, right, left),
            AstOp::GreaterEqual => compare(CompareOp::LessEqual, right, left),
            AstOp::And => (ty, ExprKind::Binary(BinaryOp::And, left, right)),
            AstOp::Or => (ty, ExprKind::Binary(BinaryOp::Or, left, right)),
            AstOp::Xor => (ty, ExprKind::Binary(BinaryOp::Xor, left, right)),
            AstOp::Add => (ty, ExprKind::Binary(BinaryOp::Add, left, right)),
            AstOp::Subtract => (ty, ExprKind::Binary(BinaryOp::Subtract, left, right)),
            AstOp::Multiply => (ty, ExprKind::Binary(BinaryOp::Multiply, left, right)),
            AstOp::Divide => (ty, ExprKind::Binary(BinaryOp::Divide, left, right)),
            AstOp::Modulo => (ty, ExprKind::Binary(BinaryOp::Modulo, left, right)),
            AstOp::Power => unreachable!("powers are handled before the operands are unified"),
        };
        self.fold(Expr { ty, kind, line }, span)
    }

    /// `a ** b`: computed in LREAL; the result has the base's type, REAL for an integer base.
    pub(super) fn power(
        &mut self,
        (base, base_span): (Operand, Span),
        (exponent, exponent_span): (Operand, Span),
        span: Span,
    ) -> Option<Operand> {
        let base = match base {
            Operand::Integer(value) => Operand::Real(value as f64),
            other => other,
        };
        let base = self.settle(base, base_span)?;
        let exponent = match exponent {
            Operand::Integer(_) | Operand::Real(_) => {
                self.coerce(exponent, Elementary::Lreal, exponent_span)?
            }
            other => self.settle(other, exponent_span)?,
        };
        if !base.ty.is_num() || !exponent.ty.is_num() {
            let message = format!("`**` is not defined for {} and {}", base.ty, exponent.ty);
            self.report(problems::BAD_OPERAND, span, message);
            return None;
        }
        let ty = if base.ty == Elementary::Lreal {
            base.ty
        } else {
            Elementary::Real
        };
        let line = base.line;
        let left = Box::new(self.convert(base, Elementary::Lreal, Conversion::Value, span)?);
        let right = Box::new(self.convert(exponent, Elementary::Lreal, Conversion::Value, span)?);
        let kind = ExprKind::Binary(BinaryOp::Power, left, right);
        let result = self.fold(
            Expr {
                ty: Elementary::Lreal,
                kind,
                line,
            },
            span,
        )?;
        self.convert(result, ty, Conversion::Value, span)
            .map(Operand::Typed)
    }

    /// TIME times or divided by a number (IEC 61131-3:2013, Table 35: MUL_TIME, DIV_TIME).
    fn scale_time(
        &mut self,
        op: AstOp,
        (left, left_span): (Operand, Span),
        (right, right_span): (Operand, Span),
        span: Span,
    ) -> Option<Expr> {
        let swapped = op == AstOp::Multiply && !is_time(&left);
        let (time, factor, factor_span) = if swapped {
            (right, left, left_span)
        } else {
            (left, right, right_span)
        };
        let time = self.settle(time, span)?;
        let factor = self.settle(factor, factor_span)?;
        let duration = time.ty;
        if !duration.is_duration() || !factor.ty.is_num() {
            let message = format!(
                "`{}` is not defined for {} and {}",
                op.text(),
                time.ty,
                factor.ty
            );
            self.report(problems::BAD_OPERAND, span, message);
            return None;
        }
        let work = if factor.ty.is_real() {
            Elementary::Lreal
        } else {
            Elementary::Lint
        };
        let line = time.line;
        let ns = self.convert(time, Elementary::Lint, Conversion::Nanoseconds, span)?;
        let ns = self.convert(ns, work, Conversion::Value, span)?;
        let factor = self.convert(factor, work, Conversion::Value, factor_span)?;
        let op = if op == AstOp::Multiply {
            BinaryOp::Multiply
        } else {
            BinaryOp::Divide
        };
        let kind = ExprKind::Binary(op, Box::new(ns), Box::new(factor));
        let scaled = self.fold(
            Expr {
                ty: work,
                kind,
                line,
            },
            span,
        )?;
        let ns = self.convert(scaled, Elementary::Lint, Conversion::Value, span)?;
        self.convert(ns, duration, Conversion::Nanoseconds, span)
    }

    fn fold_integers(&mut self, op: AstOp, a: i128, b: i128, span: Span) -> Option<Operand> {
        // Literals have at most 64 bits, so only a long chain of products can leave 128.
        let value = match op {
            AstOp::Add => a.checked_add(b),
            AstOp::Subtract => a.checked_sub(b),
            AstOp::Multiply => a.checked_mul(b),
            AstOp::Divide if b == 0 => {
                let message = "division of a constant by zero";
                self.report(problems::CONSTANT_DIVISION_BY_ZERO, span, message);
                return None;
            }
            AstOp::Divide => Some(a / b),
            AstOp::Modulo => Some(if b == 0 { 0 } else { a % b }),
            _ => {
                return self.power(
                    (Operand::Integer(a), span),
                    (Operand::Integer(b), span),
                    span,
                );
            }
        };
        let value = value.filter(|value| value.unsigned_abs() <= u128::from(u64::MAX));
        if value.is_none() {
            let message = "the constant is larger than any type holds";
            self.report(problems::OUT_OF_RANGE, span, message);
        }
        value.map(Operand::Integer)
    }
}

fn is_time(operand: &Operand) -> bool {
    matches!(operand, Operand::Typed(expr) if expr.ty.is_duration())
}

fn is_date(operand: &Operand) -> bool {
    matches!(operand, Operand::Typed(expr) if expr.ty.is_date())
}

fn is_arithmetic(op: AstOp) -> bool {
    use AstOp::{Add, Divide, Modulo, Multiply, Power, Subtract};
    matches!(op, Add | Subtract | Multiply | Divide | Modulo | Power)
}

fn fold_reals(op: AstOp, a: f64, b: f64) -> Option<f64> {
    let value = match op {
        AstOp::Add => a + b,
        AstOp::Subtract => a - b,
        AstOp::Multiply => a * b,
        AstOp::Divide => a / b,
        _ => return None,
    };
    // What is not a number any more is left to the run-time rules of a typed expression.
    value.is_finite().then_some(value)
}
