//! Expressions: types, literals that take their type from their surroundings, constants.

use std::collections::BTreeMap;

use super::located::Occupancy;
use super::resolve::Target;
use super::types::Type;
use super::{Checker, Signature, Var};
use crate::ast::{self, ExprKind as AstKind, Name, Reference};
use crate::diagnostic::Span;
use crate::hir::{self, Conversion, Expr, ExprKind};
use crate::problems;
use crate::semantics;
use crate::types::{Elementary, slot_of_real};

/// A checked expression that may still wait for its type.
#[derive(Clone, Debug)]
pub(super) enum Operand {
    Typed(Expr),
    /// A value of an enumeration, by the number of its type.
    Enumerated(usize, Expr),
    /// An enumerator that several enumerations have: its name, and what it may be.
    Ambiguous(String, Vec<(usize, u64)>),
    /// An untyped integer constant: ANY_INT.
    Integer(i128),
    /// An untyped real constant: ANY_REAL.
    Real(f64),
    /// `TRUNC(x)`, which takes the integer type that its place wants.
    Truncated(Box<Expr>),
    /// A LINT such as `LEN(s)`, which takes the integer type that its place wants.
    Count(Box<Expr>),
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
    /// Type of what an Instruction List carries to a label, by the label's number.
    pub(super) carried: BTreeMap<u32, Elementary>,
    /// Slots of the instances whose ENO is read, in the order of [`Signature::enos`].
    pub(super) enos: Vec<u32>,
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
            carried: BTreeMap::new(),
            enos: Vec::new(),
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
        let constant = |ty, slot| Some(Operand::Typed(Expr::literal(ty, slot, line)));
        match &expr.kind {
            AstKind::Error => None,
            AstKind::Bool(value) => constant(Elementary::Bool, (*value).into()),
            AstKind::Integer(value) => Some(Operand::Integer(*value)),
            AstKind::Real(value) => Some(Operand::Real(*value)),
            AstKind::Nanos(ty, ns) => constant(*ty, ns.cast_unsigned()),
            AstKind::Text(wide, units) => {
                let ty = if *wide {
                    Elementary::Wstring
                } else {
                    Elementary::String
                };
                let kind = ExprKind::Text(units.clone());
                Some(Operand::Typed(Expr { ty, kind, line }))
            }
            AstKind::Enumerator(ty, name) => self.enumerator_of(ty, name, line),
            AstKind::Typed(name, literal) => self.typed_literal(name, literal),
            AstKind::Reference(reference) => self.load(reference, line),
            AstKind::Carried(label) => {
                let ty = *self.carried.get(label)?;
                let kind = ExprKind::Carried(*label);
                Some(Operand::Typed(Expr { ty, kind, line }))
            }
            AstKind::Call(name, arguments) => self.function_call(name, arguments, expr.span),
            AstKind::Unary(op, inner) => self.unary(*op, inner, expr.span),
            AstKind::Binary(op, left, right) => self.binary(*op, left, right, expr.span),
        }
    }

    fn typed_literal(&mut self, name: &Name, literal: &ast::Expr) -> Option<Operand> {
        let ty = self.checker.named_type(name, None)?.ty;
        if matches!(ty, Type::Array(_) | Type::Struct(_) | Type::Block(_)) {
            let message = format!("`{}#` is not the prefix of a literal", name.text);
            self.report(problems::BAD_LITERAL, name.span, message);
            return None;
        }
        self.value_of(literal, &ty).map(Operand::Typed)
    }

    /// `Color#Red`.
    fn enumerator_of(&mut self, ty: &Name, name: &Name, line: u32) -> Option<Operand> {
        let Some(at) = self.checker.enumeration_named(&ty.key()) else {
            let message = format!("`{}#` is not the prefix of an enumerator", ty.text);
            self.report(problems::UNKNOWN_TYPE, ty.span, message);
            return None;
        };
        let list = &self.checker.enums[at];
        let found = list
            .values
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(&name.text));
        let Some((_, slot)) = found else {
            let names = list.values.iter().map(|(known, _)| known.as_str());
            let hint = self.checker.sink.did_you_mean(&name.text, names);
            let message = format!("`{}` has no value `{}`", list.name, name.text);
            self.report_hint(problems::UNKNOWN_MEMBER, name.span, message, hint);
            return None;
        };
        Some(self.enumerator(at, *slot, line))
    }

    /// An enumerator without its type in front; `None` where the name is none.
    fn plain_enumerator(&mut self, name: &Name, line: u32) -> Option<Operand> {
        let key = name.key();
        let found = self.checker.enumerator(&key).to_vec();
        let &(at, slot) = found.first()?;
        if found.len() > 1 {
            return Some(Operand::Ambiguous(name.text.clone(), found));
        }
        Some(self.enumerator(at, slot, line))
    }

    /// A value of an enumeration; one of an open enumeration is a number.
    fn enumerator(&self, at: usize, slot: u64, line: u32) -> Operand {
        let list = &self.checker.enums[at];
        let expr = Expr::literal(list.base, slot, line);
        if list.open {
            Operand::Typed(expr)
        } else {
            Operand::Enumerated(at, expr)
        }
    }

    /// Whether a variable of this name is declared, here or globally.
    pub(super) fn is_declared(&self, key: &str) -> bool {
        self.signature.by_key.contains_key(key) || self.checker.globals.by_key.contains_key(key)
    }

    fn load(&mut self, reference: &Reference, line: u32) -> Option<Operand> {
        match reference {
            Reference::Name(name) if !self.is_declared(&name.key()) => {
                if let Some(operand) = self.plain_enumerator(name, line) {
                    return Some(operand);
                }
            }
            // `Color.Red`, as some systems write it.
            Reference::Member(base, name) => {
                if let Reference::Name(ty) = &**base
                    && !self.is_declared(&ty.key())
                    && self.checker.enumeration_named(&ty.key()).is_some()
                {
                    return self.enumerator_of(ty, name, line);
                }
            }
            Reference::Part {
                base,
                bits,
                number,
                span,
            } => {
                return self.load_part(base, *bits, *number, *span);
            }
            _ => {}
        }
        let (ty, kind) = match self.resolve(reference)? {
            Target::Constant(ty, slot) => (ty, ExprKind::Const(slot)),
            Target::Variable(variable) => {
                let Some(place) = self.place(&variable) else {
                    let message = "an array, a structure or an instance is not a value here";
                    self.report(problems::NOT_A_VALUE, reference.span(), message);
                    return None;
                };
                (variable.ty, ExprKind::Load(place))
            }
        };
        let elementary = match &ty {
            Type::Text(ty, _) => *ty,
            ty => ty.scalar(&self.checker.enums)?,
        };
        let expr = Expr {
            ty: elementary,
            kind,
            line,
        };
        Some(match ty {
            Type::Enumeration(at) => Operand::Enumerated(at, expr),
            _ => Operand::Typed(expr),
        })
    }

    /// An expression for a place of the type, which has one value.
    pub(super) fn value_of(&mut self, expr: &ast::Expr, ty: &Type) -> Option<Expr> {
        let operand = self.operand(expr)?;
        self.fit(operand, ty, expr.span)
    }

    /// Brings an operand to the type of its place.
    pub(super) fn fit(&mut self, operand: Operand, ty: &Type, span: Span) -> Option<Expr> {
        match ty {
            Type::Elementary(ty) | Type::Text(ty, _) => self.coerce(operand, *ty, span),
            Type::Subrange(ty, low, high) => {
                let value = self.coerce(operand, *ty, span)?;
                self.in_range(value, *low, *high, span)
            }
            Type::Enumeration(wanted) => self.enumerated(operand, *wanted, span),
            Type::Array(_) | Type::Struct(_) | Type::Block(_) => {
                let message = format!("a {} is not a single value", self.checker.type_name(ty));
                self.report(problems::NOT_A_VALUE, span, message);
                None
            }
        }
    }

    fn in_range(&mut self, value: Expr, low: i128, high: i128, span: Span) -> Option<Expr> {
        if let Some(slot) = value.constant() {
            let number = integer_of(value.ty, slot);
            if !(low..=high).contains(&number) {
                let message = format!("{number} is outside the subrange {low}..{high}");
                self.report(problems::OUT_OF_RANGE, span, message);
                return None;
            }
            return Some(value);
        }
        let (ty, line) = (value.ty, value.line);
        let [low, high] = [low, high].map(|bound| slot_of_integer(ty, bound));
        let kind = ExprKind::InRange(low, high, Box::new(value));
        Some(Expr { ty, kind, line })
    }

    fn enumerated(&mut self, operand: Operand, wanted: usize, span: Span) -> Option<Expr> {
        let line = self.line(span);
        let found = match operand {
            Operand::Enumerated(at, expr) if at == wanted => return Some(expr),
            Operand::Ambiguous(name, list) => {
                if let Some((at, slot)) = list.into_iter().find(|(at, _)| *at == wanted) {
                    let ty = self.checker.enums[at].base;
                    return Some(Expr::literal(ty, slot, line));
                }
                format!("`{name}`")
            }
            Operand::Enumerated(at, _) => self.checker.enums[at].name.clone(),
            Operand::Integer(value) => format!("the number {value}"),
            Operand::Real(value) => format!("the number {value}"),
            Operand::Typed(expr) => expr.ty.to_string(),
            Operand::Truncated(_) | Operand::Count(_) => "an integer".to_owned(),
        };
        let list = &self.checker.enums[wanted];
        let hint = list
            .values
            .first()
            .map(|(name, _)| format!("its values are `{name}` and so on"));
        let message = format!("expected {}, found {found}", list.name);
        self.report_hint(problems::TYPE_MISMATCH, span, message, hint);
        None
    }

    /// Gives an operand its type, as far as it has none.
    pub(super) fn settle(&mut self, operand: Operand, span: Span) -> Option<Expr> {
        let ty = match operand {
            Operand::Typed(expr) => return Some(expr),
            Operand::Real(_) => Elementary::Real,
            Operand::Truncated(_) => Elementary::Dint,
            Operand::Count(_) => Elementary::Int,
            Operand::Enumerated(..) | Operand::Ambiguous(..) => {
                self.report_enumeration(&operand, span);
                return None;
            }
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

    /// Reports an enumeration where a number or the like is needed.
    pub(super) fn report_enumeration(&mut self, operand: &Operand, span: Span) {
        let (message, hint) = match operand {
            Operand::Ambiguous(name, list) => {
                let ty = list
                    .first()
                    .map_or("", |(at, _)| self.checker.enums[*at].name.as_str());
                let message = format!("`{name}` is a value of several enumerations");
                (message, Some(format!("write `{ty}#{name}`")))
            }
            Operand::Enumerated(at, _) => {
                let name = &self.checker.enums[*at].name;
                let message = format!("a value of `{name}` is no number");
                (message, Some(format!("convert with `{name}_TO_INT(...)`")))
            }
            _ => return,
        };
        self.report_hint(problems::TYPE_MISMATCH, span, message, hint);
    }

    /// Brings an operand to an elementary type.
    pub(super) fn coerce(
        &mut self,
        operand: Operand,
        target: Elementary,
        span: Span,
    ) -> Option<Expr> {
        let line = self.line(span);
        let constant = |slot| Some(Expr::literal(target, slot, line));
        match operand {
            Operand::Typed(expr) if expr.ty == target => Some(expr),
            Operand::Typed(expr) if expr.ty.widens_to(target) => {
                self.convert(expr, target, Conversion::Value, span)
            }
            Operand::Typed(expr) if super::text::becomes(&expr, target) => {
                Some(super::text::become_text(expr, target))
            }
            Operand::Typed(expr) => {
                self.mismatch(expr.ty, target, span);
                None
            }
            Operand::Enumerated(..) | Operand::Ambiguous(..) => {
                self.report_enumeration(&operand, span);
                None
            }
            Operand::Count(inner) if target.is_int() => {
                self.convert(*inner, target, Conversion::Value, span)
            }
            Operand::Count(_) => {
                self.mismatch(Elementary::Int, target, span);
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
                    let hint = (target == Elementary::Time).then(|| format!("write `T#{value}ms`"));
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
