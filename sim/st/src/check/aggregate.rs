//! Assignments: of values, of parts of bit strings, and of whole arrays and structures.

use super::expression::{Operand, Scope};
use super::resolve::{Access, Target, Variable};
use super::types::Type;
use crate::ast::{self, Reference};
use crate::diagnostic::Span;
use crate::hir::{Area, BinaryOp, CompareOp, Conversion, Expr, ExprKind, Place, Stmt, StmtKind};
use crate::problems;
use crate::types::Elementary;

impl Scope<'_, '_, '_> {
    /// `target := value;`.
    pub(super) fn assignment(
        &mut self,
        target: &Reference,
        value: &ast::Expr,
        span: Span,
    ) -> Option<StmtKind> {
        if let Some(enable) = self.split_enable(value) {
            return self.enabled_assignment(target, enable, span);
        }
        if let Reference::Part {
            base,
            bits,
            number,
            span,
        } = target
        {
            return self.assign_part(base, (*bits, *number), *span, value);
        }
        let Some(variable) = self.assignable(target) else {
            // The target is reported; the value may hold mistakes of its own.
            self.operand_quietly(value);
            return None;
        };
        match &variable.ty {
            Type::Array(_) | Type::Struct(_) => self.assign_whole(&variable, value),
            Type::Block(_) => {
                self.report_not_assignable(target, "an instance of a function block");
                None
            }
            ty => {
                let value = self.value_of(value, ty)?;
                Some(StmtKind::Assign(self.place(&variable)?, value))
            }
        }
    }

    /// Checks a value whose place is not known. What has no single value is fine.
    fn operand_quietly(&mut self, value: &ast::Expr) {
        if !matches!(&value.kind, ast::ExprKind::Reference(_)) {
            self.operand(value);
        } else if let ast::ExprKind::Reference(reference) = &value.kind
            && let Reference::Name(name) = reference
            && self.checker.enumerator(&name.key()).is_empty()
        {
            self.resolve(reference);
        }
    }

    fn assign_whole(&mut self, target: &Variable, value: &ast::Expr) -> Option<StmtKind> {
        let to = self.area(target);
        if self.checker.holds_block(&target.ty) {
            let name = self.checker.type_name(&target.ty);
            let message = format!("a {name} holds instances, which cannot be assigned");
            self.report(problems::NOT_ASSIGNABLE, value.span, message);
            return None;
        }
        if let ast::ExprKind::Call(name, arguments) = &value.kind {
            let (call, ty) = self.user_call(name, arguments, value.span)?;
            if ty.as_ref() != Some(&target.ty) {
                self.report_whole(&target.ty, value.span);
                return None;
            }
            return Some(StmtKind::CopyResult {
                to,
                call: Box::new(call),
            });
        }
        let (from, _) = self.whole(&target.ty, value)?;
        Some(StmtKind::Copy { to, from })
    }

    /// A whole array, structure or instance of the caller with the type `ty`.
    pub(super) fn whole(&mut self, ty: &Type, expr: &ast::Expr) -> Option<(Area, Access)> {
        let ast::ExprKind::Reference(reference) = &expr.kind else {
            self.report_whole(ty, expr.span);
            return None;
        };
        match self.resolve(reference)? {
            Target::Variable(variable) if variable.ty == *ty => {
                Some((self.area(&variable), variable.access))
            }
            _ => {
                self.report_whole(ty, expr.span);
                None
            }
        }
    }

    pub(super) fn report_whole(&mut self, ty: &Type, span: Span) {
        let message = format!("expected a variable of type {}", self.checker.type_name(ty));
        self.report(problems::TYPE_MISMATCH, span, message);
    }

    /// The bit string that a part belongs to, and the place of the part in it.
    fn part(&mut self, ty: Elementary, bits: u32, number: u32, span: Span) -> Option<u32> {
        if !ty.is_bit_string() {
            let message = format!("`.{number}` is a part of a bit string, not of {ty}");
            self.report(problems::BAD_PART, span, message);
            return None;
        }
        let first = number.saturating_mul(bits);
        if bits >= ty.bits() || first.saturating_add(bits) > ty.bits() {
            let message = format!("{ty} has no part {number} of {bits} bits");
            self.report(problems::BAD_PART, span, message);
            return None;
        }
        Some(first)
    }

    /// `w.3` as a value.
    pub(super) fn load_part(
        &mut self,
        base: &Reference,
        bits: u32,
        number: u32,
        span: Span,
    ) -> Option<Operand> {
        let whole = ast::Expr {
            kind: ast::ExprKind::Reference(base.clone()),
            span: base.span(),
        };
        let operand = self.operand(&whole)?;
        let value = self.settle(operand, base.span())?;
        let first = self.part(value.ty, bits, number, span)?;
        let (ty, line) = (value.ty, value.line);
        let constant = |ty, slot| Box::new(Expr::literal(ty, slot, line));
        if bits == 1 {
            let mask = constant(ty, 1 << first);
            let kind = ExprKind::Binary(BinaryOp::And, Box::new(value), mask);
            let masked = Expr { ty, kind, line };
            let kind = ExprKind::Compare(CompareOp::NotEqual, Box::new(masked), constant(ty, 0));
            return self
                .fold(
                    Expr {
                        ty: Elementary::Bool,
                        kind,
                        line,
                    },
                    span,
                )
                .map(Operand::Typed);
        }
        let count = constant(Elementary::Int, first.into());
        let kind = ExprKind::Binary(BinaryOp::ShiftRight, Box::new(value), count);
        let shifted = self.fold(Expr { ty, kind, line }, span)?;
        let part = part_type(bits);
        self.convert(shifted, part, Conversion::Value, span)
            .map(Operand::Typed)
    }

    /// `w.3 := b;`: the other bits stay.
    fn assign_part(
        &mut self,
        base: &Reference,
        (bits, number): (u32, u32),
        span: Span,
        value: &ast::Expr,
    ) -> Option<StmtKind> {
        let variable = self.assignable(base)?;
        let place = self.place(&variable);
        let Some(place) = place.filter(|_| matches!(variable.ty, Type::Elementary(_))) else {
            let message = format!("a {} has no bits", self.checker.type_name(&variable.ty));
            self.report(problems::BAD_PART, span, message);
            return None;
        };
        let ty = place.ty;
        let first = self.part(ty, bits, number, span)?;
        if place.index.iter().any(|index| index.value.writes()) {
            let message = "the index in front of a part must not change variables";
            self.report(problems::BAD_PART, span, message);
            return None;
        }
        let value = self.value(value, part_type(bits))?;
        let line = value.line;
        let old = Expr {
            ty,
            kind: ExprKind::Load(place.clone()),
            line,
        };
        let mask = (u64::MAX >> (64 - bits)) << first;
        let constant = |slot| Box::new(Expr::literal(ty, slot, line));
        let binary = |op, left: Expr, right| {
            let kind = ExprKind::Binary(op, Box::new(left), right);
            Expr { ty, kind, line }
        };
        let cleared = binary(BinaryOp::And, old.clone(), constant(ty.canonical(!mask)));
        let new = if bits == 1 {
            let set = binary(BinaryOp::Or, old, constant(mask));
            let (otherwise, then) = (Box::new(cleared), Box::new(set));
            let kind = ExprKind::Select {
                condition: Box::new(value),
                otherwise,
                then,
            };
            Expr { ty, kind, line }
        } else {
            let wide = self.convert(value, ty, Conversion::Value, span)?;
            let count = Expr::literal(Elementary::Int, first.into(), line);
            let kind = ExprKind::Binary(BinaryOp::ShiftLeft, Box::new(wide), Box::new(count));
            let shifted = self.fold(Expr { ty, kind, line }, span)?;
            binary(BinaryOp::Or, cleared, Box::new(shifted))
        };
        Some(StmtKind::Assign(place, new))
    }

    /// A call with EN: it happens, and is assigned, only where EN holds.
    fn enabled_assignment(
        &mut self,
        target: &Reference,
        enable: super::call::Enable,
        span: Span,
    ) -> Option<StmtKind> {
        let inner = self.assignment(target, &enable.call, span);
        self.enabled(enable, inner, span)
    }

    /// `IF en THEN inner; eno := TRUE; ELSE eno := FALSE; END_IF`.
    pub(super) fn enabled(
        &mut self,
        enable: super::call::Enable,
        inner: Option<StmtKind>,
        span: Span,
    ) -> Option<StmtKind> {
        let line = self.line(span);
        let (condition, eno) = self.enable(&enable, line)?;
        let mut then = vec![Stmt { kind: inner?, line }];
        let mut otherwise = Vec::new();
        if let Some((place, negated)) = eno {
            let set = |value: bool| {
                let slot = u64::from(value != negated);
                let value = Expr::literal(Elementary::Bool, slot, line);
                Stmt {
                    kind: StmtKind::Assign(place.clone(), value),
                    line,
                }
            };
            then.push(set(true));
            otherwise.push(set(false));
        }
        Some(StmtKind::If {
            arms: vec![(condition, then)],
            otherwise,
        })
    }

    /// The value of EN, which is TRUE where it is left out, and the variable of ENO.
    pub(super) fn enable(
        &mut self,
        enable: &super::call::Enable,
        line: u32,
    ) -> Option<(Expr, Option<(Place, bool)>)> {
        let condition = match &enable.en {
            Some(en) => self.value(en, Elementary::Bool),
            None => Some(Expr::literal(Elementary::Bool, 1, line)),
        };
        let Some((target, negated)) = &enable.eno else {
            return Some((condition?, None));
        };
        let variable = self.assignable(target)?;
        let is_bool = variable.ty == Type::Elementary(Elementary::Bool);
        let Some(place) = self.place(&variable).filter(|_| is_bool) else {
            let message = "the target of ENO is a BOOL";
            self.report(problems::TYPE_MISMATCH, target.span(), message);
            return None;
        };
        Some((condition?, Some((place, *negated))))
    }
}

fn part_type(bits: u32) -> Elementary {
    match bits {
        1 => Elementary::Bool,
        8 => Elementary::Byte,
        16 => Elementary::Word,
        32 => Elementary::Dword,
        _ => Elementary::Lword,
    }
}
