//! Calls of user-defined functions and of instances.

use std::rc::Rc;

use super::expression::{Access, Operand, Scope, Target};
use super::{Member, Signature, Type, Var};
use crate::ast::{self, Argument as AstArgument, Name, PouKind, Reference, SectionKind};
use crate::diagnostic::Span;
use crate::hir::{
    Argument, Block, BlockCall, Expr, ExprKind, FunctionCall, Place, StmtKind, Transfer,
};
use crate::problems;
use crate::standard_fb::FieldRole;
use crate::types::Elementary;

/// What a call has collected so far; slots are those of the callee's frame.
#[derive(Default)]
struct Collected {
    inputs: Vec<(u32, Argument)>,
    outputs: Vec<Transfer>,
    /// Capitalised names of the parameters that were given.
    given: Vec<String>,
    /// Caller's variables behind VAR_IN_OUT parameters: first slot and length.
    shared: Vec<(u32, u32)>,
}

impl Scope<'_, '_, '_> {
    pub(super) fn function_call(
        &mut self,
        name: &Name,
        arguments: &[AstArgument],
        span: Span,
    ) -> Option<Operand> {
        let key = name.key();
        if let Some(result) = self.standard_call(name, arguments, span) {
            return result;
        }
        let pou = self.checker.by_key.get(&key).copied();
        let Some(pou) = pou.filter(|&pou| self.checker.pous[pou].kind == PouKind::Function) else {
            self.report_no_function(name);
            return None;
        };
        let Some(body) = self.body_of else {
            let message = "a call of a FUNCTION is not constant";
            self.report(problems::NOT_CONSTANT, span, message);
            return None;
        };
        self.checker.uses[body].push((pou, name.span));
        let signature = self.checker.signature(pou)?;
        let collected = self.collect_function(&signature, arguments, span)?;
        let (result, ty) = signature.result?;
        let Collected {
            inputs, outputs, ..
        } = collected;
        let kind = ExprKind::Call(Box::new(FunctionCall {
            pou,
            inputs,
            outputs,
            result,
        }));
        Some(Operand::Typed(Expr {
            ty,
            kind,
            line: self.line(span),
        }))
    }

    fn report_no_function(&mut self, name: &Name) {
        let key = name.key();
        let block = self
            .signature
            .var(&key)
            .is_some_and(|var| matches!(var.ty, Type::Block(_)));
        if block {
            let hint = Some(format!(
                "call it as a statement and read `{}.Q` or the like",
                name.text
            ));
            let message = format!(
                "`{}` is an instance, and a call of it has no value",
                name.text
            );
            self.report_hint(problems::BAD_CALL, name.span, message, hint);
            return;
        }
        let pous = self.checker.pous;
        let user = pous.iter().filter(|pou| pou.kind == PouKind::Function);
        let candidates = super::function::names().chain(user.map(|pou| pou.name.text.as_str()));
        let hint = crate::suggest::did_you_mean(&name.text, candidates);
        let message = format!("unknown function `{}`", name.text);
        self.report_hint(problems::UNKNOWN_FUNCTION, name.span, message, hint);
    }

    /// The arguments of a function; inputs that are not given take their initial value.
    fn collect_function(
        &mut self,
        signature: &Rc<Signature>,
        arguments: &[AstArgument],
        span: Span,
    ) -> Option<Collected> {
        let mut collected = Collected::default();
        let mut whole = self.check_style(arguments, span);
        let is_parameter =
            |var: &&Var| matches!(var.section, SectionKind::Input | SectionKind::InOut);
        let parameters: Vec<_> = signature.vars.iter().filter(is_parameter).collect();
        for (position, argument) in arguments.iter().enumerate() {
            let var = match argument {
                AstArgument::Positional(expr) => {
                    let Some(var) = parameters.get(position) else {
                        let message =
                            format!("`{}` takes {} arguments", signature.name, parameters.len());
                        self.report(problems::BAD_ARGUMENTS, expr.span, message);
                        return None;
                    };
                    *var
                }
                AstArgument::Input(name, _) | AstArgument::Output { name, .. } => {
                    let found = signature.var(&name.key());
                    let found = found
                        .filter(|var| !matches!(var.section, SectionKind::Var | SectionKind::Temp));
                    let Some(var) = found else {
                        self.unknown_parameter(signature, name);
                        whole = false;
                        continue;
                    };
                    var
                }
            };
            let member = member_of(var);
            whole &= self
                .argument(&var.name, &member, argument, &mut collected)
                .is_some();
        }
        for var in parameters {
            if collected.given.contains(&var.name.to_ascii_uppercase()) {
                continue;
            }
            if var.section == SectionKind::InOut {
                self.report_missing_in_out(&var.name, span);
                whole = false;
            } else {
                collected.inputs.extend(defaults(var, signature));
            }
        }
        whole.then_some(collected)
    }

    /// Arguments are all formal or all positional.
    fn check_style(&mut self, arguments: &[AstArgument], span: Span) -> bool {
        let positional = arguments
            .iter()
            .filter(|argument| matches!(argument, AstArgument::Positional(_)))
            .count();
        let mixed = positional != 0 && positional != arguments.len();
        if mixed {
            let message = "formal and positional arguments are mixed";
            self.report(problems::BAD_ARGUMENTS, span, message);
        }
        !mixed
    }

    fn unknown_parameter(&mut self, signature: &Signature, name: &Name) {
        let hint = match name.key().as_str() {
            "EN" | "ENO" => Some("EN and ENO are not supported; use IF".to_owned()),
            _ => crate::suggest::did_you_mean(&name.text, signature.names()),
        };
        let message = format!("`{}` has no parameter `{}`", signature.name, name.text);
        self.report_hint(problems::UNKNOWN_PARAMETER, name.span, message, hint);
    }

    fn report_missing_in_out(&mut self, name: &str, span: Span) {
        let message = format!("the VAR_IN_OUT parameter `{name}` needs a variable");
        self.report(problems::BAD_ARGUMENTS, span, message);
    }

    /// One argument for one parameter; `None` after a report.
    fn argument(
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
                let value = self.input(member.ty, expr)?;
                collected.inputs.push((member.offset, value));
                Some(())
            }
        }
    }

    fn input(&mut self, ty: Type, expr: &ast::Expr) -> Option<Argument> {
        match ty {
            Type::Elementary(ty) => self.value(expr, ty).map(Argument::Value),
            Type::Array { .. } => {
                let (offset, len, _) = self.whole_array(ty, expr)?;
                Some(Argument::Block { offset, len })
            }
            Type::Block(_) => None,
        }
    }

    /// A whole array of the caller with the type `ty`.
    pub(super) fn whole_array(&mut self, ty: Type, expr: &ast::Expr) -> Option<(u32, u32, Access)> {
        let ast::ExprKind::Reference(reference) = &expr.kind else {
            let message = format!("expected a variable of type {}", self.checker.type_name(ty));
            self.report(problems::TYPE_MISMATCH, expr.span, message);
            return None;
        };
        match self.resolve(reference)? {
            Target::Array {
                offset,
                element,
                low,
                len,
                access,
            } if ty == (Type::Array { element, low, len }) => Some((offset, len, access)),
            _ => {
                let message = format!("expected a variable of type {}", self.checker.type_name(ty));
                self.report(problems::TYPE_MISMATCH, expr.span, message);
                None
            }
        }
    }

    fn output(&mut self, member: &Member, negated: bool, target: &Reference) -> Option<Transfer> {
        let assigned = self.assignable(target)?;
        match (member.ty, assigned) {
            (Type::Elementary(ty), Target::Place(to, _)) => {
                if !ty.widens_to(to.ty) {
                    let message = format!("the output is {ty}, its target {}", to.ty);
                    self.report(problems::TYPE_MISMATCH, target.span(), message);
                    return None;
                }
                if negated && ty != Elementary::Bool {
                    let message = format!("`NOT` before `=>` needs a BOOL output, not {ty}");
                    self.report(problems::BAD_OPERAND, target.span(), message);
                    return None;
                }
                Some(Transfer {
                    from: member.offset,
                    len: 1,
                    to,
                    ty,
                    negated,
                    in_out: false,
                })
            }
            (
                Type::Array {
                    element: ty,
                    low,
                    len,
                },
                Target::Array {
                    offset,
                    element,
                    low: l,
                    len: n,
                    ..
                },
            ) if (ty, low, len) == (element, l, n) && !negated => {
                let to = Place {
                    offset,
                    ty,
                    index: None,
                };
                Some(Transfer {
                    from: member.offset,
                    len,
                    to,
                    ty,
                    negated,
                    in_out: false,
                })
            }
            _ => {
                let message = "the target does not have the type of the output";
                self.report(problems::TYPE_MISMATCH, target.span(), message);
                None
            }
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
        let (argument, to, len) = match (member.ty, self.assignable(reference)?) {
            (Type::Elementary(ty), Target::Place(place, _)) if ty == place.ty => {
                let line = self.line(expr.span);
                let value = Expr {
                    ty,
                    kind: ExprKind::Load(place.clone()),
                    line,
                };
                (Argument::Value(value), place, 1)
            }
            (
                Type::Array {
                    element: ty,
                    low,
                    len,
                },
                Target::Array {
                    offset,
                    element,
                    low: l,
                    len: n,
                    ..
                },
            ) if (ty, low, len) == (element, l, n) => (
                Argument::Block { offset, len },
                Place {
                    offset,
                    ty,
                    index: None,
                },
                len,
            ),
            _ => {
                let message = format!(
                    "a VAR_IN_OUT parameter needs a variable of type {}",
                    self.checker.type_name(member.ty)
                );
                self.report(problems::NOT_A_VARIABLE, expr.span, message);
                return None;
            }
        };
        if to.index.as_ref().is_some_and(|index| index.value.writes()) {
            let message = "the index of a VAR_IN_OUT argument must not change variables";
            self.report(problems::NOT_A_VARIABLE, expr.span, message);
            return None;
        }
        let extent = to.index.as_ref().map_or(len, |index| index.len);
        let overlaps =
            |&(first, n): &(u32, u32)| first < to.offset + extent && to.offset < first + n;
        if collected.shared.iter().any(overlaps) {
            let message = "two VAR_IN_OUT parameters share this variable";
            self.report(problems::NOT_A_VARIABLE, expr.span, message);
            return None;
        }
        collected.shared.push((to.offset, extent));
        collected.inputs.push((member.offset, argument));
        collected.outputs.push(Transfer {
            from: member.offset,
            len,
            ty: to.ty,
            to,
            negated: false,
            in_out: true,
        });
        Some(())
    }

    /// A call as a statement: of an instance, or of a function for its outputs.
    pub(super) fn call_statement(
        &mut self,
        target: &Reference,
        arguments: &[AstArgument],
        span: Span,
    ) -> Option<StmtKind> {
        if let Reference::Name(name) = target
            && !self.signature.by_key.contains_key(&name.key())
        {
            return self.call_by_name(name, arguments, span);
        }
        // Inside a FUNCTION its own name is the result, so that a call of it is recursion.
        if let Reference::Name(name) = target
            && self.signature.kind == PouKind::Function
            && self.signature.name.eq_ignore_ascii_case(&name.text)
        {
            let operand = self.function_call(name, arguments, span)?;
            return self.settle(operand, span).map(StmtKind::Evaluate);
        }
        match self.resolve(target)? {
            Target::Block { block, offset } => self.call_block(block, offset, arguments, span),
            _ => {
                let message = "only an instance of a function block can be called";
                self.report(problems::BAD_CALL, target.span(), message);
                None
            }
        }
    }

    fn call_by_name(
        &mut self,
        name: &Name,
        arguments: &[AstArgument],
        span: Span,
    ) -> Option<StmtKind> {
        let key = name.key();
        let kind = self
            .checker
            .by_key
            .get(&key)
            .map(|&pou| self.checker.pous[pou].kind);
        let is_block = kind == Some(PouKind::FunctionBlock)
            || crate::standard_fb::StandardFb::from_key(&key).is_some();
        if is_block {
            let hint = Some(format!("declare `x : {};` and call `x(...)`", name.text));
            let message = format!("`{}` is a type; an instance of it is needed", name.text);
            self.report_hint(problems::BAD_CALL, name.span, message, hint);
            return None;
        }
        if kind.is_none() && !super::function::is_standard(&key) {
            let functions = self.checker.pous.iter().map(|pou| pou.name.text.as_str());
            let candidates = self
                .signature
                .names()
                .chain(functions)
                .chain(super::function::names());
            let hint = crate::suggest::did_you_mean(&name.text, candidates);
            let message = format!("unknown instance or function `{}`", name.text);
            self.report_hint(problems::UNKNOWN_VARIABLE, name.span, message, hint);
            return None;
        }
        let operand = self.function_call(name, arguments, span)?;
        self.settle(operand, span).map(StmtKind::Evaluate)
    }

    fn call_block(
        &mut self,
        block: Block,
        instance: u32,
        arguments: &[AstArgument],
        span: Span,
    ) -> Option<StmtKind> {
        let names = self.checker.member_names(block);
        let mut whole = self.check_style(arguments, span);
        let mut collected = Collected::default();
        let mut inputs = Vec::new();
        for name in &names {
            let member = self.checker.member(block, &name.to_ascii_uppercase())?;
            if member.role == FieldRole::Input {
                inputs.push((name.clone(), member.in_out));
            }
        }
        for (position, argument) in arguments.iter().enumerate() {
            let name = match argument {
                AstArgument::Input(name, _) | AstArgument::Output { name, .. } => name.clone(),
                AstArgument::Positional(expr) => {
                    let Some((input, _)) = inputs.get(position) else {
                        let message = format!("there are only {} inputs", inputs.len());
                        self.report(problems::BAD_ARGUMENTS, expr.span, message);
                        return None;
                    };
                    Name {
                        text: input.clone(),
                        span: expr.span,
                    }
                }
            };
            let member = self.checker.member(block, &name.key());
            let Some(mut member) = member.filter(|member| member.role != FieldRole::Hidden) else {
                let hint =
                    crate::suggest::did_you_mean(&name.text, names.iter().map(String::as_str));
                let message = format!(
                    "`{}` has no parameter `{}`",
                    self.checker.block_name(block),
                    name.text
                );
                self.report_hint(problems::UNKNOWN_PARAMETER, name.span, message, hint);
                whole = false;
                continue;
            };
            member.offset += instance;
            whole &= self
                .argument(&name.text, &member, argument, &mut collected)
                .is_some();
        }
        for (name, in_out) in inputs {
            if in_out && !collected.given.contains(&name.to_ascii_uppercase()) {
                self.report_missing_in_out(&name, span);
                whole = false;
            }
        }
        let Collected {
            inputs, outputs, ..
        } = collected;
        whole.then_some(StmtKind::CallBlock(BlockCall {
            target: block,
            instance,
            inputs,
            outputs,
        }))
    }

    /// Assigns to a variable; an array is copied as a whole.
    pub(super) fn assignment(&mut self, target: &Reference, value: &ast::Expr) -> Option<StmtKind> {
        match self.assignable(target) {
            Some(Target::Place(place, _)) => {
                let value = self.value(value, place.ty)?;
                Some(StmtKind::Assign(place, value))
            }
            Some(Target::Array {
                offset: to,
                element,
                low,
                len,
                ..
            }) => {
                let ty = Type::Array { element, low, len };
                let (from, len, _) = self.whole_array(ty, value)?;
                Some(StmtKind::CopyArray { to, from, len })
            }
            _ => {
                // The target is reported; the value may hold mistakes of its own.
                self.operand(value);
                None
            }
        }
    }
}

fn member_of(var: &Var) -> Member {
    let role = match var.section {
        SectionKind::Input | SectionKind::InOut => FieldRole::Input,
        SectionKind::Output => FieldRole::Output,
        SectionKind::Var | SectionKind::Temp => FieldRole::Hidden,
    };
    Member {
        ty: var.ty,
        role,
        in_out: var.section == SectionKind::InOut,
        offset: var.offset,
    }
}

/// The initial values of a parameter that a call leaves out, slot by slot.
fn defaults(var: &Var, signature: &Signature) -> Vec<(u32, Argument)> {
    let len = match var.ty {
        Type::Array { len, .. } => len,
        _ => 1,
    };
    let slots = var.offset..var.offset + len;
    let default = |slot: u32| {
        let at = slot as usize;
        let (Some(&ty), Some(&init)) =
            (signature.frame.types.get(at), signature.frame.init.get(at))
        else {
            return None;
        };
        let value = Expr {
            ty,
            kind: ExprKind::Const(init),
            line: 0,
        };
        Some((slot, Argument::Value(value)))
    };
    slots.filter_map(default).collect()
}
