//! Arguments of calls: what goes in, what comes out, and what does both.

use super::expression::{Scope, slot_of_integer};
use super::resolve::Variable;
use super::types::Type;
use super::{Member, Signature, Var, role_of};
use crate::ast::{self, Argument as AstArgument, Name, Reference, SectionKind};
use crate::diagnostic::Span;
use crate::hir::{Argument, Expr, ExprKind, Input, Place, Transfer};
use crate::problems;
use crate::standard_fb::FieldRole;
use crate::types::Elementary;

/// What a call has collected so far; slots are those of the callee's frame.
#[derive(Default)]
pub(super) struct Collected {
    pub(super) inputs: Vec<Input>,
    pub(super) outputs: Vec<Transfer>,
    /// Capitalised names of the parameters that were given.
    pub(super) given: Vec<String>,
    /// Caller's variables behind VAR_IN_OUT parameters: first slot and length.
    shared: Vec<(u32, u32)>,
}

impl Scope<'_, '_, '_> {
    /// Arguments are all formal or all positional.
    pub(super) fn check_style(&mut self, arguments: &[AstArgument], span: Span) -> bool {
        let is_positional =
            |argument: &&AstArgument| matches!(argument, AstArgument::Positional(_));
        let positional = arguments.iter().filter(is_positional).count();
        let mixed = positional != 0 && positional != arguments.len();
        if mixed {
            let message = "formal and positional arguments are mixed";
            self.report(problems::BAD_ARGUMENTS, span, message);
        }
        !mixed
    }

    pub(super) fn unknown_parameter(&mut self, signature: &Signature, name: &Name) {
        let hint = self
            .checker
            .sink
            .did_you_mean(&name.text, signature.names());
        let message = format!("`{}` has no parameter `{}`", signature.name, name.text);
        self.report_hint(problems::UNKNOWN_PARAMETER, name.span, message, hint);
    }

    pub(super) fn report_missing_in_out(&mut self, name: &str, span: Span) {
        let message = format!("the VAR_IN_OUT parameter `{name}` needs a variable");
        self.report(problems::BAD_ARGUMENTS, span, message);
    }

    /// One argument for one parameter; `None` after a report.
    pub(super) fn argument(
        &mut self,
        name: &str,
        member: &Member,
        argument: &AstArgument,
        collected: &mut Collected,
    ) -> Option<()> {
        let key = name.to_ascii_uppercase();
        if collected.given.contains(&key) {
            let message = format!("the parameter `{name}` is given twice");
            self.report(problems::BAD_ARGUMENTS, argument.span(), message);
            return None;
        }
        collected.given.push(key);
        match argument {
            AstArgument::Output { name, .. } if member.role != FieldRole::Output => {
                let hint = Some(format!("write `{} := ...`", name.text));
                let message = format!("`{}` is not an output", name.text);
                self.report_hint(problems::UNKNOWN_PARAMETER, name.span, message, hint);
                None
            }
            AstArgument::Output {
                negated, target, ..
            } => {
                let transfer = self.output(member, *negated, target)?;
                collected.outputs.push(transfer);
                Some(())
            }
            AstArgument::Input(name, _) if member.role != FieldRole::Input => {
                let hint = Some(format!("write `{} => ...`", name.text));
                let message = format!("`{}` is not an input", name.text);
                self.report_hint(problems::UNKNOWN_PARAMETER, name.span, message, hint);
                None
            }
            AstArgument::Input(_, expr) | AstArgument::Positional(expr) if member.in_out => {
                self.in_out(member, expr, collected)
            }
            AstArgument::Input(_, expr) | AstArgument::Positional(expr) => {
                let argument = self.input(&member.ty, expr)?;
                let capacity = member.ty.capacity();
                collected.inputs.push(Input {
                    slot: member.offset,
                    capacity,
                    argument,
                });
                Some(())
            }
        }
    }

    fn input(&mut self, ty: &Type, expr: &ast::Expr) -> Option<Argument> {
        match ty {
            Type::Array(_) | Type::Struct(_) => {
                if let ast::ExprKind::Call(name, arguments) = &expr.kind {
                    let (call, found) = self.user_call(name, arguments, expr.span)?;
                    if found.as_ref() != Some(ty) {
                        self.report_whole(ty, expr.span);
                        return None;
                    }
                    let (kind, line) = (ExprKind::Call(Box::new(call)), self.line(expr.span));
                    // The type of the expression says nothing where it has no single value.
                    let ty_of_call = Elementary::Bool;
                    let value = Expr {
                        ty: ty_of_call,
                        kind,
                        line,
                    };
                    return Some(Argument::Result(value, self.checker.slots(ty)));
                }
                let (area, _) = self.whole(ty, expr)?;
                Some(Argument::Block(area))
            }
            Type::Block(_) => None,
            ty => self.value_of(expr, ty).map(Argument::Value),
        }
    }

    fn output(&mut self, member: &Member, negated: bool, target: &Reference) -> Option<Transfer> {
        let variable = self.assignable(target)?;
        let enums = &self.checker.enums;
        let (from_ty, to_ty) = (member.ty.value(enums), variable.ty.value(enums));
        let mut transfer = self.transfer(member, &variable);
        transfer.negated = negated;
        let named = matches!(member.ty, Type::Enumeration(_))
            || matches!(variable.ty, Type::Enumeration(_));
        match (from_ty, to_ty) {
            (Some(from), Some(to)) if !named || member.ty == variable.ty => {
                if !from.widens_to(to) {
                    let message = format!("the output is {from}, its target {to}");
                    self.report(problems::TYPE_MISMATCH, target.span(), message);
                    return None;
                }
                if negated && from != Elementary::Bool {
                    let message = format!("`NOT` before `=>` needs a BOOL output, not {from}");
                    self.report(problems::BAD_OPERAND, target.span(), message);
                    return None;
                }
                if let Type::Subrange(ty, low, high) = variable.ty {
                    transfer.range = Some((slot_of_integer(ty, low), slot_of_integer(ty, high)));
                }
                Some(transfer)
            }
            (None, None) if member.ty == variable.ty && !negated => Some(transfer),
            _ => {
                let message = "the target does not have the type of the output";
                self.report(problems::TYPE_MISMATCH, target.span(), message);
                None
            }
        }
    }

    /// The copy of a parameter into a variable, types not compared.
    fn transfer(&self, member: &Member, variable: &Variable) -> Transfer {
        let ty = member.ty.value(&self.checker.enums);
        let to = self.place(variable).unwrap_or_else(|| Place {
            offset: variable.offset,
            ty: Elementary::Bool,
            index: variable.index.clone(),
            capacity: 0,
        });
        Transfer {
            from: member.offset,
            len: if ty.is_some() {
                1
            } else {
                self.checker.slots(&member.ty)
            },
            to,
            ty: ty.unwrap_or(Elementary::Bool),
            capacity: member.ty.capacity(),
            range: None,
            negated: false,
            in_out: false,
        }
    }

    /// VAR_IN_OUT: the value goes in before the call and comes back after it. With no variable
    /// shared between parameters, that cannot be told from a reference.
    fn in_out(
        &mut self,
        member: &Member,
        expr: &ast::Expr,
        collected: &mut Collected,
    ) -> Option<()> {
        let ast::ExprKind::Reference(reference) = &expr.kind else {
            let message = "a VAR_IN_OUT parameter needs a variable";
            self.report(problems::NOT_A_VARIABLE, expr.span, message);
            return None;
        };
        let variable = self.assignable(reference)?;
        let same = match (&member.ty, &variable.ty) {
            (Type::Text(a, _), Type::Text(b, _)) => a == b,
            (a, b) => a == b,
        };
        if !same {
            let wanted = self.checker.type_name(&member.ty);
            let message = format!("a VAR_IN_OUT parameter needs a variable of type {wanted}");
            self.report(problems::NOT_A_VARIABLE, expr.span, message);
            return None;
        }
        if variable.index.iter().any(|index| index.value.writes()) {
            let message = "the index of a VAR_IN_OUT argument must not change variables";
            self.report(problems::NOT_A_VARIABLE, expr.span, message);
            return None;
        }
        let mut transfer = self.transfer(member, &variable);
        transfer.in_out = true;
        let extent = transfer.to.extent(self.checker.slots(&variable.ty));
        let first = transfer.to.offset;
        let overlaps = |&(other, n): &(u32, u32)| other < first + extent && first < other + n;
        if collected.shared.iter().any(overlaps) {
            let message = "two VAR_IN_OUT parameters share this variable";
            self.report(problems::NOT_A_VARIABLE, expr.span, message);
            return None;
        }
        collected.shared.push((first, extent));
        let argument = match self.place(&variable) {
            Some(place) => {
                let (ty, line) = (place.ty, self.line(expr.span));
                Argument::Value(Expr {
                    ty,
                    kind: ExprKind::Load(place),
                    line,
                })
            }
            None => Argument::Block(self.area(&variable)),
        };
        let capacity = member.ty.capacity();
        collected.inputs.push(Input {
            slot: member.offset,
            capacity,
            argument,
        });
        collected.outputs.push(transfer);
        Some(())
    }
}

pub(super) fn member_of(var: &Var) -> Member {
    Member {
        ty: var.ty.clone(),
        role: role_of(var.section),
        in_out: var.section == SectionKind::InOut,
        offset: var.offset,
    }
}

/// The initial values of a parameter of `size` slots that a call leaves out, slot by slot.
pub(super) fn defaults(var: &Var, size: u32, signature: &Signature) -> Vec<Input> {
    let default = |slot: u32| {
        let at = slot as usize;
        let (Some(&ty), Some(&init)) =
            (signature.frame.types.get(at), signature.frame.init.get(at))
        else {
            return None;
        };
        let argument = Argument::Value(Expr::literal(ty, init, 0));
        Some(Input {
            slot,
            capacity: 0,
            argument,
        })
    };
    (var.offset..var.offset + size)
        .filter_map(default)
        .collect()
}
