//! References: what a name, a member, an element or a direct address stands for.

use std::rc::Rc;

use super::Var;
use super::expression::{Scope, integer_of};
use super::types::Type;
use crate::ast::{self, Name, Reference, SectionKind};
use crate::diagnostic::Span;
use crate::hir::{Area, Expr, GLOBAL, Index, Place, Stmt, StmtKind};
use crate::image::{Address, Area as ImageArea};
use crate::problems;
use crate::standard_fb::FieldRole;
use crate::types::Elementary;

/// What a reference names.
pub(super) enum Target {
    /// A constant of one slot.
    Constant(Type, u64),
    Variable(Variable),
}

/// A variable, or a part of one.
pub(super) struct Variable {
    pub(super) ty: Type,
    pub(super) offset: u32,
    pub(super) index: Vec<Index>,
    pub(super) access: Access,
}

/// Whether a program may assign; otherwise what it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Access {
    Writable,
    /// The standard forbids it, but much that is in use does it: what it would be wrong for.
    Doubtful(&'static str),
    ReadOnly(&'static str),
}

impl Variable {
    fn new(ty: Type, offset: u32, access: Access) -> Self {
        Self {
            ty,
            offset,
            index: Vec::new(),
            access,
        }
    }
}

impl Scope<'_, '_, '_> {
    /// The place of a variable of one value; `None` where it has several.
    pub(super) fn place(&self, variable: &Variable) -> Option<Place> {
        Some(Place {
            offset: variable.offset,
            ty: variable.ty.value(&self.checker.enums)?,
            index: variable.index.clone(),
            capacity: variable.ty.capacity(),
        })
    }

    pub(super) fn area(&self, variable: &Variable) -> Area {
        let (offset, index) = (variable.offset, variable.index.clone());
        Area {
            offset,
            index,
            len: self.checker.slots(&variable.ty),
        }
    }

    /// What a reference names; `None` after a report.
    pub(super) fn resolve(&mut self, reference: &Reference) -> Option<Target> {
        match reference {
            Reference::Name(name) => self.resolve_name(name),
            Reference::Direct(name) => self.resolve_direct(name),
            Reference::Member(base, name) => self.resolve_member(base, name),
            Reference::Index(base, indices, span) => self.resolve_index(base, indices, *span),
            Reference::Part { span, .. } => {
                let message = "a part of a bit string is no variable here";
                self.report(problems::NOT_A_VARIABLE, *span, message);
                None
            }
        }
    }

    fn resolve_member(&mut self, base: &Reference, name: &Name) -> Option<Target> {
        let Target::Variable(mut variable) = self.resolve(base)? else {
            self.report_no_members(name);
            return None;
        };
        match variable.ty {
            Type::Struct(at) => {
                let fields = &self.checker.structs[at].fields;
                let found = fields
                    .iter()
                    .find(|f| f.name.eq_ignore_ascii_case(&name.text));
                let Some(field) = found else {
                    self.checker.unknown_field(at, name);
                    return None;
                };
                variable.ty = field.ty.clone();
                variable.offset += field.offset;
            }
            Type::Block(block) => {
                let member = self.checker.member(block, &name.key());
                if member.is_none()
                    && name.key() == "ENO"
                    && variable.index.is_empty()
                    && let Some(eno) = self.eno_of(variable.offset)
                {
                    return Some(Target::Variable(eno));
                }
                let Some(member) = member.filter(|m| m.role != FieldRole::Hidden && !m.in_out)
                else {
                    self.checker.unknown_member(block, name);
                    return None;
                };
                variable.access = match member.role {
                    FieldRole::Input => Access::Writable,
                    _ => Access::ReadOnly("an output of an instance"),
                };
                variable.ty = member.ty;
                variable.offset += member.offset;
            }
            _ => {
                self.report_no_members(name);
                return None;
            }
        }
        Some(Target::Variable(variable))
    }

    /// The ENO of an instance that declares none: whether its last call in this POU happened.
    fn eno_of(&mut self, instance: u32) -> Option<Variable> {
        let known = self.enos.iter().position(|eno| *eno == instance);
        let at = known.unwrap_or(self.enos.len());
        let slot = self.signature.enos.clone().nth(at)?;
        if known.is_none() {
            self.enos.push(instance);
        }
        let ty = Type::Elementary(Elementary::Bool);
        let access = Access::ReadOnly("the ENO of an instance");
        Some(Variable::new(ty, slot, access))
    }

    /// The assignment that a call of an instance makes to its ENO; `None` where nobody reads it.
    pub(super) fn assign_eno(
        &self,
        variable: &Variable,
        happened: bool,
        line: u32,
    ) -> Option<Stmt> {
        let is_it = |eno: &u32| *eno == variable.offset && variable.index.is_empty();
        let at = self.enos.iter().position(is_it)?;
        let ty = Elementary::Bool;
        let place = Place {
            offset: self.signature.enos.clone().nth(at)?,
            ty,
            index: Vec::new(),
            capacity: 0,
        };
        let kind = StmtKind::Assign(place, Expr::literal(ty, happened.into(), line));
        Some(Stmt { kind, line })
    }

    fn report_no_members(&mut self, name: &Name) {
        let message = format!("`.{}` follows on something without members", name.text);
        self.report(problems::NOT_A_VALUE, name.span, message);
    }

    fn resolve_index(
        &mut self,
        base: &Reference,
        indices: &[ast::Expr],
        span: Span,
    ) -> Option<Target> {
        let target = self.resolve(base);
        let operands: Vec<_> = indices.iter().map(|index| self.operand(index)).collect();
        let Target::Variable(mut variable) = target? else {
            self.report(problems::NOT_A_VALUE, span, "only an array has an index");
            return None;
        };
        let Type::Array(array) = variable.ty else {
            self.report(problems::NOT_A_VALUE, span, "only an array has an index");
            return None;
        };
        if indices.len() != array.dims.len() {
            let (wanted, found) = (array.dims.len(), indices.len());
            let message = format!("the array has {wanted} dimensions, not {found}");
            self.report(problems::BAD_INDEX, span, message);
            return None;
        }
        let mut inner = array.len;
        let mut whole = true;
        for ((index, operand), (low, len)) in indices.iter().zip(operands).zip(&array.dims) {
            inner /= len;
            let stride = inner * array.stride;
            match operand.and_then(|operand| self.index(operand, index, *low, *len, stride)) {
                None => whole = false,
                Some(Err(slots)) => variable.offset += slots,
                Some(Ok(index)) => variable.index.push(index),
            }
        }
        variable.ty = array.element.clone();
        whole.then_some(Target::Variable(variable))
    }

    /// One index: the slots that it skips where it is constant, else what is computed later.
    fn index(
        &mut self,
        operand: super::expression::Operand,
        index: &ast::Expr,
        low: i64,
        len: u32,
        stride: u32,
    ) -> Option<Result<Index, u32>> {
        let value = self.settle(operand, index.span)?;
        // Bounds are LINT, so that an ULINT beyond it would be taken for a negative index.
        if !value.ty.is_int() || value.ty == Elementary::Ulint {
            let hint = (value.ty == Elementary::Ulint)
                .then(|| "convert with `ULINT_TO_LINT(...)`".to_owned());
            let message = format!("the index of an array is an integer, not {}", value.ty);
            self.report_hint(problems::TYPE_MISMATCH, index.span, message, hint);
            return None;
        }
        let Some(slot) = value.constant() else {
            return Some(Ok(Index {
                value,
                low,
                len,
                stride,
            }));
        };
        let number = integer_of(value.ty, slot);
        let position = u32::try_from(number - i128::from(low)).ok();
        if let Some(position) = position.filter(|&position| position < len) {
            return Some(Err(position * stride));
        }
        let high = low + i64::from(len) - 1;
        let message = format!("the index {number} is outside {low}..{high}");
        self.report(problems::INDEX_OUT_OF_RANGE, index.span, message);
        None
    }

    fn resolve_name(&mut self, name: &Name) -> Option<Target> {
        let key = name.key();
        if let Some(var) = self.signature.var(&key) {
            return self.variable(var, name, 0);
        }
        // A failed declaration is reported where it stands, not at each use.
        if self.signature.by_key.contains_key(&key) {
            return None;
        }
        let globals = Rc::clone(&self.checker.globals);
        if let Some(var) = globals.var(&key) {
            return self.variable(var, name, GLOBAL);
        }
        if !globals.by_key.contains_key(&key) {
            let names = self.signature.names().chain(globals.names());
            let hint = self.checker.sink.did_you_mean(&name.text, names);
            let message = format!("unknown variable `{}`", name.text);
            self.report_hint(problems::UNKNOWN_VARIABLE, name.span, message, hint);
        }
        None
    }

    fn variable(&mut self, var: &Var, name: &Name, region: u32) -> Option<Target> {
        if let Some(value) = var.value {
            return Some(Target::Constant(var.ty.clone(), value));
        }
        if self.body_of.is_none() {
            let message = format!("`{}` is not a constant", var.name);
            self.report(problems::NOT_CONSTANT, name.span, message);
            return None;
        }
        let is_input = var.area() == Some(ImageArea::Input);
        let offset = var.offset | region;
        let access = if var.constant {
            Access::ReadOnly("a constant")
        } else if var.section == SectionKind::Input {
            Access::Doubtful("an input of this POU")
        } else if is_input {
            Access::Doubtful("an input of the process")
        } else if self.controls.contains(&offset)
            && !matches!(var.ty, Type::Array(_) | Type::Struct(_))
        {
            Access::ReadOnly("the control variable of a FOR loop inside that loop")
        } else {
            Access::Writable
        };
        Some(Target::Variable(Variable::new(
            var.ty.clone(),
            offset,
            access,
        )))
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
            ImageArea::Input => Access::Doubtful("an input of the process"),
            _ => Access::Writable,
        };
        let enums = &self.checker.enums;
        let is_it = |var: &&Var| var.address == Some(address) && var.ty.scalar(enums).is_some();
        let target = |var: &Var, region| {
            let variable = Variable::new(var.ty.clone(), var.offset | region, access);
            Some(Target::Variable(variable))
        };
        if let Some(var) = self.signature.vars.iter().chain(&self.direct).find(is_it) {
            return target(var, 0);
        }
        if let Some(var) = self.checker.globals.vars.iter().find(is_it) {
            return target(var, GLOBAL);
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
        let var = Var::direct(address, ty.clone(), SectionKind::Var, offset);
        self.direct.push(var);
        Some(Target::Variable(Variable::new(ty, offset, access)))
    }

    /// The variable to assign to; `None` after a report.
    pub(super) fn assignable(&mut self, reference: &Reference) -> Option<Variable> {
        let target = self.resolve(reference)?;
        let reason = match target {
            Target::Constant(..) => "a constant",
            Target::Variable(Variable {
                access: Access::ReadOnly(reason),
                ..
            }) => reason,
            Target::Variable(variable) => {
                if let Access::Doubtful(what) = variable.access {
                    self.warn_input_assigned(reference, what);
                }
                return Some(variable);
            }
        };
        self.report_not_assignable(reference, reason);
        None
    }

    fn warn_input_assigned(&mut self, reference: &Reference, what: &str) {
        let span = reference.span();
        let text = span.text(self.checker.sink.source());
        let message = format!("`{text}` is assigned, though it is {what}");
        self.checker
            .sink
            .warn(problems::INPUT_ASSIGNED, span, message);
    }

    pub(super) fn report_not_assignable(&mut self, reference: &Reference, reason: &str) {
        let span = reference.span();
        let text = span.text(self.checker.sink.source()).to_owned();
        let message = format!("`{text}` cannot be assigned: it is {reason}");
        self.report(problems::NOT_ASSIGNABLE, span, message);
    }
}
