//! Expressions: types, literals that take their type from their surroundings, constants.

use super::located::Occupancy;
use super::{Checker, Signature, Type, Var};
use crate::ast::{self, ExprKind as AstKind, Name, Reference, SectionKind};
use crate::diagnostic::Span;
use crate::hir::{self, Block, Conversion, Expr, ExprKind, Index, Place};
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
    Array {
        offset: u32,
        element: Elementary,
        low: i64,
        len: u32,
        access: Access,
    },
    Block {
        block: Block,
        offset: u32,
    },
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
        self.checker
            .sink
            .report_with_hint(code, span, message, hint);
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
            self.report(
                problems::NOT_CONSTANT,
                expr.span,
                "expected a constant integer",
            );
        }
        found
    }

    pub(super) fn operand(&mut self, expr: &ast::Expr) -> Option<Operand> {
        let line = self.line(expr.span);
        let constant = |ty, slot| {
            Some(Operand::Typed(Expr {
                ty,
                kind: ExprKind::Const(slot),
                line,
            }))
        };
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
                let Some(member) = member.filter(|m| m.role != FieldRole::Hidden && !m.in_out)
                else {
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
        let Target::Array {
            offset,
            element,
            low,
            len,
            access,
        } = base_target?
        else {
            self.report(problems::NOT_A_VALUE, span, "only an array has an index");
            return None;
        };
        let value = self.settle(operand?, index.span)?;
        // Bounds are LINT, so that an ULINT beyond it would be taken for a negative index.
        if !value.ty.is_int() || value.ty == Elementary::Ulint {
            let hint = (value.ty == Elementary::Ulint)
                .then(|| "convert with `ULINT_TO_LINT(...)`".to_owned());
            let message = format!("the index of an array is an integer, not {}", value.ty);
            self.report_hint(problems::TYPE_MISMATCH, index.span, message, hint);
            return None;
        }
        let Some(slot) = value.constant() else {
            let index = Some(Box::new(Index { value, low, len }));
            return Some(Target::Place(
                Place {
                    offset,
                    ty: element,
                    index,
                },
                access,
            ));
        };
        let position = integer_of(value.ty, slot) - i128::from(low);
        match u32::try_from(position)
            .ok()
            .filter(|&position| position < len)
        {
            Some(position) => {
                let place = Place {
                    offset: offset + position,
                    ty: element,
                    index: None,
                };
                Some(Target::Place(place, access))
            }
            None => {
                let high = low + i64::from(len) - 1;
                let message = format!(
                    "the index {} is outside {low}..{high}",
                    position + i128::from(low)
                );
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
        } else if var
            .address
            .is_some_and(|address| address.area == Area::Input)
        {
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
        let is_it =
            |var: &&Var| var.address == Some(address) && matches!(var.ty, Type::Elementary(_));
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
            | Target::Array {
                access: Access::ReadOnly(reason),
                ..
            } => reason,
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
                let candidates = [
                    Elementary::Int,
                    Elementary::Dint,
                    Elementary::Lint,
                    Elementary::Ulint,
                ];
                candidates
                    .into_iter()
                    .find(|ty| fits(value, *ty))
                    .unwrap_or(Elementary::Lint)
            }
        };
        self.coerce(operand, ty, span)
    }

    /// Brings an operand to the type of its place.
    pub(super) fn coerce(
        &mut self,
        operand: Operand,
        target: Elementary,
        span: Span,
    ) -> Option<Expr> {
        let line = self.line(span);
        let constant = |slot| {
            Some(Expr {
                ty: target,
                kind: ExprKind::Const(slot),
                line,
            })
        };
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
            Operand::Integer(value) if target.is_real() => {
                constant(real_slot(target, value as f64))
            }
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
        self.fold(
            Expr {
                ty: to,
                kind: ExprKind::Convert(mode, Box::new(expr)),
                line,
            },
            span,
        )
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
            Some(Ok(slot)) => Some(Expr {
                kind: ExprKind::Const(slot),
                ..expr
            }),
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

pub(super) fn fits(value: i128, ty: Elementary) -> bool {
    ty.is_real()
        || ty
            .int_range()
            .is_some_and(|(low, high)| (low..=high).contains(&value))
}

/// The number in a slot of an integer or bit string type.
pub(super) fn integer_of(ty: Elementary, slot: u64) -> i128 {
    if ty.is_signed() {
        slot.cast_signed().into()
    } else {
        slot.into()
    }
}

/// The slot of a number that fits the type.
#[expect(
    clippy::cast_possible_truncation,
    reason = "the caller has checked the range"
)]
pub(super) fn slot_of_integer(ty: Elementary, value: i128) -> u64 {
    ty.canonical(value as u64)
}

fn real_slot(ty: Elementary, value: f64) -> u64 {
    if ty == Elementary::Real {
        slot_of_real(semantics::to_real(value))
    } else {
        value.to_bits()
    }
}

fn target_of(ty: Type, offset: u32, access: Access) -> Target {
    match ty {
        Type::Elementary(ty) => Target::Place(
            Place {
                offset,
                ty,
                index: None,
            },
            access,
        ),
        Type::Array { element, low, len } => Target::Array {
            offset,
            element,
            low,
            len,
            access,
        },
        Type::Block(block) => Target::Block { block, offset },
    }
}
