//! Expressions: types, literals that take their type from their surroundings, constants.

use super::located::Occupancy;
use super::{Checker, Signature, Type, Var};
use crate::ast::{self, BinaryOp as AstOp, ExprKind as AstKind, Name, Reference, SectionKind, UnaryOp as AstUnary};
use crate::diagnostic::Span;
use crate::hir::{self, BinaryOp, Block, CompareOp, Conversion, Expr, ExprKind, Index, Place, UnaryOp};
use crate::image::{Address, Area};
use crate::problems;
use crate::semantics;
use crate::standard_fb::FieldRole;
use crate::types::{Elementary, slot_of_real};

/// A checked expression that may still wait for its type.
#[derive(Clone, Debug)]
pub(super) enum Operand {
    Typed(Expr),
    /// An untyped integer constant: ANY_INT.
    Integer(i128),
    /// An untyped real constant: ANY_REAL.
    Real(f64),
    /// `TRUNC(x)`, which takes the integer type that its place wants.
    Truncated(Box<Expr>),
}

/// What a reference names.
pub(super) enum Target {
    Constant(Elementary, u64),
    Place(Place, Access),
    Array { offset: u32, element: Elementary, low: i64, len: u32, access: Access },
    Block { block: Block, offset: u32 },
}

/// Whether a program may assign; otherwise why not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Access {
    Writable,
    ReadOnly(&'static str),
}

/// Where an expression stands.
pub(super) struct Scope<'c, 'a, 's> {
    pub(super) checker: &'c mut Checker<'a, 's>,
    pub(super) signature: &'c Signature,
    /// The POU of the body; `None` among the declarations, where only constants exist.
    pub(super) body_of: Option<usize>,
    /// Loops around the statement.
    pub(super) loops: usize,
    /// Slots of the control variables of the FOR loops around the statement.
    pub(super) controls: Vec<u32>,
    /// Direct addresses that are used without a declaration; their slots follow the frame's.
    pub(super) direct: Vec<Var>,
    pub(super) occupancy: Occupancy,
}

impl<'c, 'a, 's> Scope<'c, 'a, 's> {
    pub(super) fn declarations(checker: &'c mut Checker<'a, 's>, signature: &'c Signature) -> Self {
        Self {
            checker,
            signature,
            body_of: None,
            loops: 0,
            controls: Vec::new(),
            direct: Vec::new(),
            occupancy: Occupancy::default(),
        }
    }

    pub(super) fn report(&mut self, code: &'static str, span: Span, message: impl Into<String>) {
        self.checker.sink.report(code, span, message);
    }

    pub(super) fn report_hint(
        &mut self,
        code: &'static str,
        span: Span,
        message: impl Into<String>,
        hint: Option<String>,
    ) {
        self.checker.sink.report_with_hint(code, span, message, hint);
    }

    pub(super) fn line(&self, span: Span) -> u32 {
        self.checker.sink.lines().line(span.start)
    }

    /// An expression that must have the type `target`.
    pub(super) fn value(&mut self, expr: &ast::Expr, target: Elementary) -> Option<Expr> {
        let operand = self.operand(expr)?;
        self.coerce(operand, target, expr.span)
    }

    /// An integer that is known now, whatever its type.
    pub(super) fn constant_integer(&mut self, expr: &ast::Expr) -> Option<i128> {
        let found = match self.operand(expr)? {
            Operand::Integer(value) => return Some(value),
            Operand::Typed(expr) if expr.ty.is_int() || expr.ty.is_bit_string() => {
                expr.constant().map(|slot| integer_of(expr.ty, slot))
            }
            _ => None,
        };
        if found.is_none() {
            self.report(problems::NOT_CONSTANT, expr.span, "expected a constant integer");
        }
        found
    }

    pub(super) fn operand(&mut self, expr: &ast::Expr) -> Option<Operand> {
        let line = self.line(expr.span);
        let constant = |ty, slot| Some(Operand::Typed(Expr { ty, kind: ExprKind::Const(slot), line }));
        match &expr.kind {
            AstKind::Error => None,
            AstKind::Bool(value) => constant(Elementary::Bool, (*value).into()),
            AstKind::Integer(value) => Some(Operand::Integer(*value)),
            AstKind::Real(value) => Some(Operand::Real(*value)),
            AstKind::Duration(ns) => constant(Elementary::Time, ns.cast_unsigned()),
            AstKind::Typed(name, literal) => self.typed_literal(name, literal),
            AstKind::Reference(reference) => self.load(reference, line),
            AstKind::Call(name, arguments) => self.function_call(name, arguments, expr.span),
            AstKind::Unary(op, inner) => self.unary(*op, inner, expr.span),
            AstKind::Binary(op, left, right) => self.binary(*op, left, right, expr.span),
        }
    }

    fn typed_literal(&mut self, name: &Name, literal: &ast::Expr) -> Option<Operand> {
        let Some(ty) = Elementary::from_name(&name.text) else {
            let message = format!("`{}#` is not the prefix of a supported literal", name.text);
            self.report(problems::UNSUPPORTED, name.span, message);
            return None;
        };
        self.value(literal, ty).map(Operand::Typed)
    }

    fn load(&mut self, reference: &Reference, line: u32) -> Option<Operand> {
        let (ty, kind) = match self.resolve(reference)? {
            Target::Constant(ty, slot) => (ty, ExprKind::Const(slot)),
            Target::Place(place, _) => (place.ty, ExprKind::Load(place)),
            Target::Array { .. } | Target::Block { .. } => {
                let message = "an array or an instance is not a value here";
                self.report(problems::NOT_A_VALUE, reference.span(), message);
                return None;
            }
        };
        Some(Operand::Typed(Expr { ty, kind, line }))
    }

    /// What a reference names; `None` after a report.
    pub(super) fn resolve(&mut self, reference: &Reference) -> Option<Target> {
        match reference {
            Reference::Name(name) => self.resolve_name(name),
            Reference::Direct(name) => self.resolve_direct(name),
            Reference::Member(base, name) => {
                let Target::Block { block, offset } = self.resolve(base)? else {
                    let message = format!("`.{}` follows on something without members", name.text);
                    self.report(problems::NOT_A_VALUE, name.span, message);
                    return None;
                };
                let member = self.checker.member(block, &name.key());
                let Some(member) = member.filter(|m| m.role != FieldRole::Hidden && !m.in_out) else {
                    self.checker.unknown_member(block, name);
                    return None;
                };
                let access = match member.role {
                    FieldRole::Input => Access::Writable,
                    _ => Access::ReadOnly("an output of an instance"),
                };
                Some(target_of(member.ty, offset + member.offset, access))
            }
            Reference::Index(base, index, span) => self.resolve_index(base, index, *span),
        }
    }

    fn resolve_index(&mut self, base: &Reference, index: &ast::Expr, span: Span) -> Option<Target> {
        let base_target = self.resolve(base);
        let operand = self.operand(index);
        let Target::Array { offset, element, low, len, access } = base_target? else {
            self.report(problems::NOT_A_VALUE, span, "only an array has an index");
            return None;
        };
        let value = self.settle(operand?, index.span)?;
        if !value.ty.is_int() {
            let message = format!("the index of an array is an integer, not {}", value.ty);
            self.report(problems::TYPE_MISMATCH, index.span, message);
            return None;
        }
        let Some(slot) = value.constant() else {
            let index = Some(Box::new(Index { value, low, len }));
            return Some(Target::Place(Place { offset, ty: element, index }, access));
        };
        let position = integer_of(value.ty, slot) - i128::from(low);
        match u32::try_from(position).ok().filter(|&position| position < len) {
            Some(position) => {
                let place = Place { offset: offset + position, ty: element, index: None };
                Some(Target::Place(place, access))
            }
            None => {
                let high = low + i64::from(len) - 1;
                let message =
                    format!("the index {} is outside {low}..{high}", position + i128::from(low));
                self.report(problems::INDEX_OUT_OF_RANGE, index.span, message);
                None
            }
        }
    }

    fn resolve_name(&mut self, name: &Name) -> Option<Target> {
        let key = name.key();
        let Some(var) = self.signature.var(&key) else {
            // A failed declaration is reported where it stands, not at each use.
            if !self.signature.by_key.contains_key(&key) {
                let hint = crate::suggest::did_you_mean(&name.text, self.signature.names());
                let message = format!("unknown variable `{}`", name.text);
                self.report_hint(problems::UNKNOWN_VARIABLE, name.span, message, hint);
            }
            return None;
        };
        if let (Some(value), Type::Elementary(ty)) = (var.value, var.ty) {
            return Some(Target::Constant(ty, value));
        }
        if self.body_of.is_none() {
            let message = format!("`{}` is not a constant", var.name);
            self.report(problems::NOT_CONSTANT, name.span, message);
            return None;
        }
        let access = if var.constant {
            Access::ReadOnly("a constant")
        } else if var.section == SectionKind::Input {
            Access::ReadOnly("an input of this POU")
        } else if var.address.is_some_and(|address| address.area == Area::Input) {
            Access::ReadOnly("an input of the process")
        } else if matches!(var.ty, Type::Elementary(_)) && self.controls.contains(&var.offset) {
            Access::ReadOnly("the control variable of a FOR loop inside that loop")
        } else {
            Access::Writable
        };
        Some(target_of(var.ty, var.offset, access))
    }

    /// A direct address in the body is a variable that nobody declared, or the declared one.
    fn resolve_direct(&mut self, name: &Name) -> Option<Target> {
        let address = match Address::parse(&name.text) {
            Ok(address) => address,
            Err(reason) => {
                self.report(problems::BAD_ADDRESS, name.span, reason);
                return None;
            }
        };
        let access = match address.area {
            Area::Input => Access::ReadOnly("an input of the process"),
            _ => Access::Writable,
        };
        let is_it = |var: &&Var| var.address == Some(address) && matches!(var.ty, Type::Elementary(_));
        if let Some(var) = self.signature.vars.iter().chain(&self.direct).find(is_it) {
            return Some(target_of(var.ty, var.offset, access));
        }
        if self.body_of.is_none() || self.signature.kind != ast::PouKind::Program {
            let message = "direct addresses belong to a PROGRAM";
            self.report(problems::ADDRESS_PLACE, name.span, message);
            return None;
        }
        if let Some(other) = self.occupancy.claim(address, 1, &name.text) {
            self.checker.report_overlap(name.span, address, &other);
            return None;
        }
        let ty = Type::Elementary(address.default_type());
        let offset = self.signature.frame.types.len() + self.direct.len();
        let offset = u32::try_from(offset).unwrap_or(0);
        self.direct.push(Var {
            name: address.to_string(),
            ty,
            section: SectionKind::Var,
            retain: false,
            constant: false,
            value: None,
            offset,
            address: Some(address),
            has_init: false,
        });
        Some(target_of(ty, offset, access))
    }

    /// The slot to assign to; `None` after a report.
    pub(super) fn assignable(&mut self, reference: &Reference) -> Option<Target> {
        let target = self.resolve(reference)?;
        let reason = match &target {
            Target::Constant(..) => "a constant",
            Target::Block { .. } => "an instance of a function block",
            Target::Place(_, Access::ReadOnly(reason))
            | Target::Array { access: Access::ReadOnly(reason), .. } => reason,
            _ => return Some(target),
        };
        let span = reference.span();
        let text = span.text(self.checker.sink.source()).to_owned();
        let message = format!("`{text}` cannot be assigned: it is {reason}");
        self.report(problems::NOT_ASSIGNABLE, span, message);
        None
    }

    /// Gives an operand its type, as far as it has none.
    pub(super) fn settle(&mut self, operand: Operand, span: Span) -> Option<Expr> {
        let ty = match operand {
            Operand::Typed(expr) => return Some(expr),
            Operand::Real(_) => Elementary::Real,
            Operand::Truncated(_) => Elementary::Dint,
            Operand::Integer(value) => {
                let candidates =
                    [Elementary::Int, Elementary::Dint, Elementary::Lint, Elementary::Ulint];
                candidates.into_iter().find(|ty| fits(value, *ty)).unwrap_or(Elementary::Lint)
            }
        };
        self.coerce(operand, ty, span)
    }

    /// Brings an operand to the type of its place.
    pub(super) fn coerce(&mut self, operand: Operand, target: Elementary, span: Span) -> Option<Expr> {
        let line = self.line(span);
        let constant = |slot| Some(Expr { ty: target, kind: ExprKind::Const(slot), line });
        match operand {
            Operand::Typed(expr) if expr.ty == target => Some(expr),
            Operand::Typed(expr) if expr.ty.widens_to(target) => {
                self.convert(expr, target, Conversion::Value, span)
            }
            Operand::Typed(expr) => {
                self.mismatch(expr.ty, target, span);
                None
            }
            Operand::Truncated(inner) if target.is_int() => {
                self.convert(*inner, target, Conversion::Truncate, span)
            }
            Operand::Truncated(_) => {
                self.mismatch(Elementary::Dint, target, span);
                None
            }
            Operand::Integer(value) if target.is_real() => constant(real_slot(target, value as f64)),
            Operand::Integer(value) => {
                let Some((low, high)) = target.int_range() else {
                    let hint = Some(format!("write `T#{value}ms`"));
                    let message = format!("expected a {target}, found the number {value}");
                    self.report_hint(problems::TYPE_MISMATCH, span, message, hint);
                    return None;
                };
                if (low..=high).contains(&value) {
                    return constant(slot_of_integer(target, value));
                }
                let message = format!("{value} does not fit {target}, which holds {low} to {high}");
                self.report(problems::OUT_OF_RANGE, span, message);
                None
            }
            Operand::Real(value) if target.is_real() => {
                if target == Elementary::Real && semantics::to_real(value).is_infinite() {
                    let message = format!("{value:e} is larger than REAL holds");
                    self.report(problems::OUT_OF_RANGE, span, message);
                    return None;
                }
                constant(real_slot(target, value))
            }
            Operand::Real(_) => {
                self.mismatch(Elementary::Real, target, span);
                None
            }
        }
    }

    fn mismatch(&mut self, from: Elementary, to: Elementary, span: Span) {
        let hint = super::function::conversion_exists(from, to)
            .then(|| format!("convert with `{from}_TO_{to}(...)`"));
        let message = format!("expected {to}, found {from}");
        self.report_hint(problems::TYPE_MISMATCH, span, message, hint);
    }

    /// Converts and folds.
    pub(super) fn convert(
        &mut self,
        expr: Expr,
        to: Elementary,
        mode: Conversion,
        span: Span,
    ) -> Option<Expr> {
        let line = expr.line;
        if expr.ty == to && mode != Conversion::Truncate {
            return Some(expr);
        }
        self.fold(Expr { ty: to, kind: ExprKind::Convert(mode, Box::new(expr)), line }, span)
    }

    fn unary(&mut self, op: AstUnary, inner: &ast::Expr, span: Span) -> Option<Operand> {
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
            AstUnary::Not => (ty == Elementary::Bool || ty.is_bit_string(), Some(UnaryOp::Not)),
            AstUnary::Negate => (ty.is_signed() || ty.is_real(), Some(UnaryOp::Negate)),
            AstUnary::Plus => (ty.is_num() || ty == Elementary::Time, None),
        };
        if !allowed {
            let text = match op {
                AstUnary::Not => "NOT",
                AstUnary::Negate => "-",
                AstUnary::Plus => "+",
            };
            self.report(problems::BAD_OPERAND, span, format!("`{text}` is not defined for {ty}"));
            return None;
        }
        match hir_op {
            None => Some(expr),
            Some(op) => {
                let line = expr.line;
                self.fold(Expr { ty, kind: ExprKind::Unary(op, Box::new(expr)), line }, span)
            }
        }
    }

    fn binary(
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
        if op == AstOp::Power {
            return self.power((left, left_span), (right, right_span), span);
        }
        if matches!(op, AstOp::Multiply | AstOp::Divide) && (is_time(&left) || is_time(&right)) {
            let (l, r) = ((left, left_span), (right, right_span));
            return self.scale_time(op, l, r, span).map(Operand::Typed);
        }
        let (left, right) = self.unify((left, left_span), (right, right_span), span)?;
        self.combine(op, left, right, span).map(Operand::Typed)
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
                if fits(*value, typed.ty) { typed.ty } else { wide.unwrap_or(typed.ty) }
            }
            (Operand::Typed(typed), Operand::Real(_)) | (Operand::Real(_), Operand::Typed(typed)) => {
                match typed.ty {
                    Elementary::Lreal => Elementary::Lreal,
                    ty if ty.widens_to(Elementary::Real) => Elementary::Real,
                    ty => ty,
                }
            }
            (Operand::Typed(typed), Operand::Truncated(_))
            | (Operand::Truncated(_), Operand::Typed(typed)) => typed.ty,
            _ => {
                let left = self.settle(left, left_span)?;
                let right = self.settle(right, right_span)?;
                let pair = ((Operand::Typed(left), left_span), (Operand::Typed(right), right_span));
                return self.unify(pair.0, pair.1, span);
            }
        };
        let left = self.coerce(left, target, left_span);
        let right = self.coerce(right, target, right_span);
        Some((left?, right?))
    }

    /// An operator on operands of one type.
    pub(super) fn combine(&mut self, op: AstOp, left: Expr, right: Expr, span: Span) -> Option<Expr> {
        let ty = left.ty;
        let is_logic = matches!(op, AstOp::And | AstOp::Or | AstOp::Xor);
        let allowed = match op {
            _ if is_logic => ty == Elementary::Bool || ty.is_bit_string(),
            AstOp::Add | AstOp::Subtract => ty.is_num() || ty == Elementary::Time,
            AstOp::Multiply | AstOp::Divide => ty.is_num(),
            AstOp::Modulo => ty.is_int(),
            _ => true,
        };
        if !allowed {
            let hint = if ty.is_bit_string() && is_arithmetic(op) {
                Some(format!("a bit string is no number; convert with `{ty}_TO_UINT(...)` or the like"))
            } else if ty.is_int() && is_logic {
                Some(format!("bits are combined in bit strings; convert with `{ty}_TO_WORD(...)`"))
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
        let ty = if base.ty == Elementary::Lreal { base.ty } else { Elementary::Real };
        let line = base.line;
        let left = Box::new(self.convert(base, Elementary::Lreal, Conversion::Value, span)?);
        let right = Box::new(self.convert(exponent, Elementary::Lreal, Conversion::Value, span)?);
        let kind = ExprKind::Binary(BinaryOp::Power, left, right);
        let result = self.fold(Expr { ty: Elementary::Lreal, kind, line }, span)?;
        self.convert(result, ty, Conversion::Value, span).map(Operand::Typed)
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
        let (time, factor, factor_span) =
            if swapped { (right, left, left_span) } else { (left, right, right_span) };
        let time = self.settle(time, span)?;
        let factor = self.settle(factor, factor_span)?;
        if time.ty != Elementary::Time || !factor.ty.is_num() {
            let message =
                format!("`{}` is not defined for {} and {}", op.text(), time.ty, factor.ty);
            self.report(problems::BAD_OPERAND, span, message);
            return None;
        }
        let work = if factor.ty.is_real() { Elementary::Lreal } else { Elementary::Lint };
        let line = time.line;
        let ns = self.convert(time, Elementary::Lint, Conversion::Nanoseconds, span)?;
        let ns = self.convert(ns, work, Conversion::Value, span)?;
        let factor = self.convert(factor, work, Conversion::Value, factor_span)?;
        let op = if op == AstOp::Multiply { BinaryOp::Multiply } else { BinaryOp::Divide };
        let kind = ExprKind::Binary(op, Box::new(ns), Box::new(factor));
        let scaled = self.fold(Expr { ty: work, kind, line }, span)?;
        let ns = self.convert(scaled, Elementary::Lint, Conversion::Value, span)?;
        self.convert(ns, Elementary::Time, Conversion::Nanoseconds, span)
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
            _ => return self.power((Operand::Integer(a), span), (Operand::Integer(b), span), span),
        };
        let value = value.filter(|value| value.unsigned_abs() <= u128::from(u64::MAX));
        if value.is_none() {
            let message = "the constant is larger than any type holds";
            self.report(problems::OUT_OF_RANGE, span, message);
        }
        value.map(Operand::Integer)
    }

    /// Replaces an expression on constants by its value.
    pub(super) fn fold(&mut self, expr: Expr, span: Span) -> Option<Expr> {
        let folded = match &expr.kind {
            ExprKind::Unary(op, a) => match (a.constant(), hir::unary_opcode(*op, expr.ty)) {
                (Some(a), Some(code)) => semantics::evaluate(code, expr.ty, a, 0),
                (a, _) => a.map(Ok),
            },
            ExprKind::Binary(op, a, b) => pair(a, b).and_then(|(a, b)| {
                semantics::evaluate(hir::binary_opcode(*op, expr.ty), expr.ty, a, b)
            }),
            ExprKind::Compare(op, a, b) => pair(a, b).and_then(|(left, right)| {
                semantics::evaluate(hir::compare_opcode(*op, a.ty), a.ty, left, right)
            }),
            ExprKind::Convert(mode, a) => a.constant().and_then(|slot| {
                let steps = hir::conversion_steps(*mode, a.ty, expr.ty);
                steps.iter().try_fold(Ok(slot), |slot, step| {
                    let operand = step.operand.map_or(0, |(_, value)| value);
                    match slot {
                        Ok(slot) => semantics::evaluate(step.code, step.ty, slot, operand),
                        failed => Some(failed),
                    }
                })
            }),
            _ => None,
        };
        match folded {
            None => Some(expr),
            Some(Ok(slot)) => Some(Expr { kind: ExprKind::Const(slot), ..expr }),
            Some(Err(semantics::DividedByZero)) => {
                let message = "division of a constant by zero";
                self.report(problems::CONSTANT_DIVISION_BY_ZERO, span, message);
                None
            }
        }
    }
}

fn pair(a: &Expr, b: &Expr) -> Option<(u64, u64)> {
    Some((a.constant()?, b.constant()?))
}

fn is_time(operand: &Operand) -> bool {
    matches!(operand, Operand::Typed(expr) if expr.ty == Elementary::Time)
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

fn fits(value: i128, ty: Elementary) -> bool {
    ty.is_real() || ty.int_range().is_some_and(|(low, high)| (low..=high).contains(&value))
}

/// The number in a slot of an integer or bit string type.
pub(super) fn integer_of(ty: Elementary, slot: u64) -> i128 {
    if ty.is_signed() { slot.cast_signed().into() } else { slot.into() }
}

/// The slot of a number that fits the type.
#[expect(clippy::cast_possible_truncation, reason = "the caller has checked the range")]
pub(super) fn slot_of_integer(ty: Elementary, value: i128) -> u64 {
    ty.canonical(value as u64)
}

fn real_slot(ty: Elementary, value: f64) -> u64 {
    if ty == Elementary::Real { slot_of_real(semantics::to_real(value)) } else { value.to_bits() }
}

fn target_of(ty: Type, offset: u32, access: Access) -> Target {
    match ty {
        Type::Elementary(ty) => Target::Place(Place { offset, ty, index: None }, access),
        Type::Array { element, low, len } => Target::Array { offset, element, low, len, access },
        Type::Block(block) => Target::Block { block, offset },
    }
}

