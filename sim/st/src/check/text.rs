//! Texts: STRING, WSTRING and their characters.
//!
//! Source: IEC 61131-3:2013, Table 34 (functions of character strings), Tables 22 to 27.

use super::expression::{Operand, Scope};
use crate::ast::{BinaryOp as AstOp, Name};
use crate::diagnostic::Span;
use crate::hir::{CompareOp, Conversion, Expr, ExprKind, IntrinsicCall};
use crate::intrinsic::{Intrinsic, MAX_TEXT_LEN};
use crate::problems;
use crate::types::Elementary;

/// Characters that the text of a number or date needs.
const FORMATTED_LEN: u32 = 40;

/// Whether an expression becomes the type without being asked to, where only texts and characters
/// do: a character is a text, and the literal of one character is a character.
pub(super) fn becomes(expr: &Expr, target: Elementary) -> bool {
    use Elementary::{Char, String, Wchar, Wstring};
    match (expr.ty, target) {
        (Char, String) | (Wchar, Wstring) => true,
        (String, Char) | (Wstring, Wchar) => {
            matches!(&expr.kind, ExprKind::Text(units) if units.len() == 1)
        }
        _ => false,
    }
}

/// Converts where [`becomes`] holds.
pub(super) fn become_text(expr: Expr, target: Elementary) -> Expr {
    let line = expr.line;
    if let ExprKind::Text(units) = &expr.kind {
        let slot = units.first().copied().unwrap_or(0).into();
        return Expr::literal(target, slot, line);
    }
    if let ExprKind::Const(slot) = expr.kind {
        let unit = u16::try_from(slot).unwrap_or(0);
        return Expr {
            ty: target,
            kind: ExprKind::Text(vec![unit]),
            line,
        };
    }
    let wide = if expr.ty == Elementary::Char {
        let kind = ExprKind::Convert(Conversion::Value, Box::new(expr));
        Expr {
            ty: Elementary::Wchar,
            kind,
            line,
        }
    } else {
        expr
    };
    let call = IntrinsicCall {
        function: Intrinsic::FromChar,
        arguments: vec![wide],
        capacity: 1,
    };
    Expr {
        ty: target,
        kind: ExprKind::Intrinsic(Box::new(call)),
        line,
    }
}

impl Scope<'_, '_, '_> {
    /// An intrinsic whose result is no text.
    pub(super) fn intrinsic(
        &self,
        function: Intrinsic,
        arguments: Vec<Expr>,
        capacity: u32,
    ) -> Expr {
        let line = arguments.first().map_or(0, |first| first.line);
        let ty = function.result().unwrap_or(Elementary::String);
        let call = IntrinsicCall {
            function,
            arguments,
            capacity,
        };
        Expr {
            ty,
            kind: ExprKind::Intrinsic(Box::new(call)),
            line,
        }
    }

    fn text_intrinsic(
        &self,
        function: Intrinsic,
        ty: Elementary,
        arguments: Vec<Expr>,
        capacity: u32,
    ) -> Expr {
        let capacity = capacity.clamp(1, MAX_TEXT_LEN);
        Expr {
            ty,
            ..self.intrinsic(function, arguments, capacity)
        }
    }

    /// A standard function on texts.
    pub(super) fn text_call(
        &mut self,
        function: Intrinsic,
        name: &Name,
        operands: Vec<(Operand, Span)>,
        span: Span,
    ) -> Option<Operand> {
        use Intrinsic::{Concat, Find, Insert, Replace};
        let texts = match function {
            Concat => operands.len(),
            Insert | Replace | Find => 2,
            _ => 1,
        };
        let mut arguments = Vec::new();
        let mut whole = true;
        for (at, (operand, place)) in operands.into_iter().enumerate() {
            let argument = if at < texts {
                self.text_operand(name, operand, place)
            } else {
                self.integer_operand(name, operand, place)
            };
            match argument {
                Some(argument) => arguments.push(argument),
                None => whole = false,
            }
        }
        if !whole {
            return None;
        }
        let ty = arguments.first()?.ty;
        if arguments[..texts].iter().any(|text| text.ty != ty) {
            let message = "STRING and WSTRING are mixed";
            self.report(problems::OPERANDS_DIFFER, span, message);
            return None;
        }
        Some(match function {
            Intrinsic::Len | Find => {
                Operand::Count(Box::new(self.intrinsic(function, arguments, 0)))
            }
            Concat => {
                let mut rest = arguments.into_iter();
                let first = rest.next()?;
                Operand::Typed(rest.fold(first, |left, right| {
                    let capacity = left.capacity() + right.capacity();
                    self.text_intrinsic(Concat, ty, vec![left, right], capacity)
                }))
            }
            _ => {
                let capacity = arguments[..texts].iter().map(Expr::capacity).sum();
                Operand::Typed(self.text_intrinsic(function, ty, arguments, capacity))
            }
        })
    }

    fn text_operand(&mut self, name: &Name, operand: Operand, span: Span) -> Option<Expr> {
        let expr = self.settle(operand, span)?;
        match expr.ty {
            ty if ty.is_text() => Some(expr),
            Elementary::Char => Some(become_text(expr, Elementary::String)),
            Elementary::Wchar => Some(become_text(expr, Elementary::Wstring)),
            ty => {
                self.bad_operand(name, ty, span);
                None
            }
        }
    }

    /// An integer of any type as LINT.
    pub(super) fn integer_operand(
        &mut self,
        name: &Name,
        operand: Operand,
        span: Span,
    ) -> Option<Expr> {
        let expr = self.settle(operand, span)?;
        if !expr.ty.is_int() {
            self.bad_operand(name, expr.ty, span);
            return None;
        }
        self.convert(expr, Elementary::Lint, Conversion::Value, span)
    }

    /// Texts are compared character by character from the left (Table 33).
    pub(super) fn compare_texts(
        &mut self,
        op: AstOp,
        left: Expr,
        right: Expr,
        span: Span,
    ) -> Option<Expr> {
        let line = left.line;
        if let (ExprKind::Text(a), ExprKind::Text(b)) = (&left.kind, &right.kind) {
            let order = a.cmp(b);
            let holds = match op {
                AstOp::Equal => order.is_eq(),
                AstOp::NotEqual => order.is_ne(),
                AstOp::Less => order.is_lt(),
                AstOp::LessEqual => order.is_le(),
                AstOp::Greater => order.is_gt(),
                _ => order.is_ge(),
            };
            return Some(Expr::literal(Elementary::Bool, holds.into(), line));
        }
        let order = Box::new(self.intrinsic(Intrinsic::Compare, vec![left, right], 0));
        let zero = Box::new(Expr::literal(Elementary::Lint, 0, line));
        let (op, a, b) = match op {
            AstOp::Equal => (CompareOp::Equal, order, zero),
            AstOp::NotEqual => (CompareOp::NotEqual, order, zero),
            AstOp::Less => (CompareOp::Less, order, zero),
            AstOp::LessEqual => (CompareOp::LessEqual, order, zero),
            AstOp::Greater => (CompareOp::Less, zero, order),
            _ => (CompareOp::LessEqual, zero, order),
        };
        self.fold(
            Expr {
                ty: Elementary::Bool,
                kind: ExprKind::Compare(op, a, b),
                line,
            },
            span,
        )
    }

    /// A conversion from or to a text or character.
    pub(super) fn text_conversion(
        &mut self,
        expr: Expr,
        to: Elementary,
        span: Span,
    ) -> Option<Expr> {
        let from = expr.ty;
        if from.is_text() {
            return self.parse_text(expr, to, span);
        }
        if to.is_text() {
            return self.format_text(expr, to, span);
        }
        // A character is the number of its code.
        let numeric = |ty: Elementary| ty.is_char() || ty.is_int() || ty.is_bit_string();
        if from == to || !numeric(from) || !numeric(to) {
            self.report_no_conversion(from, to, span);
            return None;
        }
        self.convert(expr, to, Conversion::Value, span)
    }

    fn report_no_conversion(&mut self, from: Elementary, to: Elementary, span: Span) {
        let message = format!("{from} does not convert to {to} in this way");
        self.report(problems::BAD_CONVERSION, span, message);
    }

    fn format_text(&mut self, expr: Expr, to: Elementary, span: Span) -> Option<Expr> {
        use Elementary::{Bool, Lint, Lreal, Lword, Real, Ulint, Wchar};
        let (from, line) = (expr.ty, expr.line);
        let number = |slot: u64| Expr::literal(Lint, slot, line);
        let (function, arguments) = match from {
            Bool => (Intrinsic::FormatBool, vec![expr]),
            Real => (Intrinsic::FormatReal, vec![expr]),
            Lreal => (Intrinsic::FormatLreal, vec![expr]),
            _ if from.is_char() => {
                let wide = self.convert(expr, Wchar, Conversion::Value, span)?;
                return Some(self.text_intrinsic(Intrinsic::FromChar, to, vec![wide], 1));
            }
            _ if from.is_signed_int() => (
                Intrinsic::FormatSigned,
                vec![self.convert(expr, Lint, Conversion::Value, span)?],
            ),
            _ if from.is_unsigned_int() => {
                let value = self.convert(expr, Ulint, Conversion::Value, span)?;
                (Intrinsic::FormatUnsigned, vec![value])
            }
            _ if from.is_bit_string() => {
                let value = self.convert(expr, Lword, Conversion::Value, span)?;
                (
                    Intrinsic::FormatBits,
                    vec![value, number(from.bits().into())],
                )
            }
            _ => {
                let value = self.convert(expr, Lint, Conversion::Nanoseconds, span)?;
                (Intrinsic::FormatNanos, vec![value, number(from as u64)])
            }
        };
        Some(self.text_intrinsic(function, to, arguments, FORMATTED_LEN))
    }

    fn parse_text(&mut self, expr: Expr, to: Elementary, span: Span) -> Option<Expr> {
        let from = expr.ty;
        if from == to {
            self.report_no_conversion(from, to, span);
            return None;
        }
        if to.is_text() {
            let capacity = expr.capacity();
            return Some(self.text_intrinsic(Intrinsic::Assign, to, vec![expr], capacity));
        }
        let (function, mode) = match to {
            Elementary::Bool => (Intrinsic::ParseBool, Conversion::Value),
            _ if to.is_real() => (Intrinsic::ParseReal, Conversion::Value),
            _ if to.is_char() => (Intrinsic::FirstChar, Conversion::Value),
            _ if to.is_signed_int() => (Intrinsic::ParseSigned, Conversion::Value),
            _ if to.is_int() || to.is_bit_string() => (Intrinsic::ParseUnsigned, Conversion::Value),
            _ => (Intrinsic::ParseNanos, Conversion::Nanoseconds),
        };
        let parsed = self.intrinsic(function, vec![expr], 0);
        self.convert(parsed, to, mode, span)
    }
}
