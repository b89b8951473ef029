//! Calls of user-defined functions and of instances.

use std::rc::Rc;

use super::arguments::{Collected, defaults, member_of};
use super::expression::{Operand, Scope};
use super::resolve::{Target, Variable};
use super::types::Type;
use super::{Signature, Var, role_of};
use crate::ast::{self, Argument as AstArgument, Name, PouKind, Reference, SectionKind};
use crate::diagnostic::Span;
use crate::hir::{Block, BlockCall, EnabledCall, Expr, ExprKind, FunctionCall, Stmt, StmtKind};
use crate::intrinsic::read_text;
use crate::problems;
use crate::standard_fb::{Behaviour, FieldRole, StandardFb};
use crate::types::Elementary;

/// A call with EN or ENO, and the call without them (IEC 61131-3:2013, 6.6.1.5).
pub(super) struct Enable {
    pub(super) en: Option<ast::Expr>,
    /// The variable, and whether it takes the negation.
    pub(super) eno: Option<(Reference, bool)>,
    pub(super) call: ast::Expr,
}

/// Whether the argument is EN or ENO.
fn is_enable(argument: &AstArgument) -> bool {
    match argument {
        AstArgument::Input(name, _) => name.key() == "EN",
        AstArgument::Output { name, .. } => name.key() == "ENO",
        AstArgument::Positional(_) => false,
    }
}

impl Scope<'_, '_, '_> {
    /// Takes EN and ENO out of a call; `None` where there are none.
    pub(super) fn split_enable(&mut self, value: &ast::Expr) -> Option<Enable> {
        let ast::ExprKind::Call(name, arguments) = &value.kind else {
            return None;
        };
        let pou = self.checker.by_key.get(&name.key()).copied();
        if pou.is_some_and(|pou| self.declares_enable(Block::User(pou))) {
            return None;
        }
        let (mut enable, rest) = split_arguments(arguments, value.span)?;
        enable.call = ast::Expr {
            kind: ast::ExprKind::Call(name.clone(), rest),
            span: value.span,
        };
        Some(enable)
    }

    /// Whether a POU declares EN or ENO as parameters of its own.
    fn declares_enable(&mut self, block: Block) -> bool {
        let Block::User(pou) = block else {
            return false;
        };
        self.checker.signature(pou).is_some_and(|signature| {
            signature.var("EN").is_some() || signature.var("ENO").is_some()
        })
    }

    /// A call as an expression.
    pub(super) fn function_call(
        &mut self,
        name: &Name,
        arguments: &[AstArgument],
        span: Span,
    ) -> Option<Operand> {
        let declares = self.checker.by_key.get(&name.key()).copied();
        let declares = declares.is_some_and(|pou| self.declares_enable(Block::User(pou)));
        if !declares && let Some((enable, rest)) = split_arguments(arguments, span) {
            return self.enabled_call(name, &enable, &rest, span);
        }
        let is_declared = self.checker.by_key.contains_key(&name.key());
        if !is_declared && let Some(result) = self.standard_call(name, arguments, span) {
            return result;
        }
        let (call, ty) = self.user_call(name, arguments, span)?;
        let line = self.line(span);
        let elementary = ty.as_ref().and_then(|ty| ty.value(&self.checker.enums));
        let Some(elementary) = elementary else {
            let message = match &ty {
                None => format!("`{}` has no result", name.text),
                Some(ty) => {
                    let ty = self.checker.type_name(ty);
                    format!(
                        "the result of `{}` is a {ty}, which is not a value here",
                        name.text
                    )
                }
            };
            self.report(problems::NOT_A_VALUE, span, message);
            return None;
        };
        let expr = Expr {
            ty: elementary,
            kind: ExprKind::Call(Box::new(call)),
            line,
        };
        Some(match ty {
            Some(Type::Enumeration(at)) => Operand::Enumerated(at, expr),
            _ => Operand::Typed(expr),
        })
    }

    /// A call with EN or ENO inside an expression: where EN does not hold, nothing of the call is
    /// evaluated, and its value is the one that the result begins with.
    fn enabled_call(
        &mut self,
        name: &Name,
        enable: &Enable,
        arguments: &[AstArgument],
        span: Span,
    ) -> Option<Operand> {
        if self.body_of.is_none() {
            let message = "a call with EN or ENO is not constant";
            self.report(problems::NOT_CONSTANT, span, message);
            return None;
        }
        let line = self.line(span);
        let enable = self.enable(enable, line);
        let (enumeration, value) = match self.function_call(name, arguments, span)? {
            Operand::Enumerated(at, value) => (Some(at), value),
            operand => (None, self.settle(operand, span)?),
        };
        let otherwise = self.value_without_call(&value, enumeration);
        let (en, eno) = enable?;
        let ty = value.ty;
        let call = EnabledCall {
            en,
            eno,
            value,
            otherwise,
        };
        let kind = ExprKind::Enabled(Box::new(call));
        let expr = Expr { ty, kind, line };
        Some(match enumeration {
            Some(at) => Operand::Enumerated(at, expr),
            None => Operand::Typed(expr),
        })
    }

    /// What stands for the value of a call that does not happen: the initial value of the
    /// function's result, or else of its type.
    fn value_without_call(&mut self, value: &Expr, enumeration: Option<usize>) -> Expr {
        let (ty, line) = (value.ty, value.line);
        let first = |at: usize| self.checker.enums[at].values.first();
        let mut slot = enumeration.and_then(first).map_or(0, |(_, slot)| *slot);
        let mut units = Vec::new();
        if let ExprKind::Call(call) = &value.kind
            && let Some(signature) = self.checker.signature(call.pou)
        {
            let init = &signature.frame.init;
            slot = init.get(call.result as usize).copied().unwrap_or(0);
            if ty.is_text() {
                let text = read_text(init, call.result as usize, ty, call.capacity);
                units = text.encode_utf16().collect();
            }
        }
        if ty.is_text() {
            let kind = ExprKind::Text(units);
            return Expr { ty, kind, line };
        }
        Expr::literal(ty, slot, line)
    }

    /// A call of a user's function, with the type of its result.
    pub(super) fn user_call(
        &mut self,
        name: &Name,
        arguments: &[AstArgument],
        span: Span,
    ) -> Option<(FunctionCall, Option<Type>)> {
        let pou = self.checker.by_key.get(&name.key()).copied();
        let pous = &self.checker.library.pous;
        let Some(pou) = pou.filter(|&pou| pous[pou].kind == PouKind::Function) else {
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
        if signature.result.is_none() && pous[pou].result.is_some() {
            return None;
        }
        let Collected {
            inputs, outputs, ..
        } = collected;
        let (result, ty) = match &signature.result {
            Some((result, ty)) => (*result, Some(ty.clone())),
            None => (0, None),
        };
        let capacity = ty.as_ref().map_or(0, Type::capacity);
        Some((
            FunctionCall {
                pou,
                inputs,
                outputs,
                result,
                capacity,
            },
            ty,
        ))
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
        let pous = &self.checker.library.pous;
        let user = pous.iter().filter(|pou| pou.kind == PouKind::Function);
        let candidates = super::function::names().chain(user.map(|pou| pou.name.text.as_str()));
        let hint = self.checker.sink.did_you_mean(&name.text, candidates);
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
                    let found = found.filter(|var| role_of(var.section) != FieldRole::Hidden);
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
                let size = self.checker.slots(&var.ty);
                collected.inputs.extend(defaults(var, size, signature));
            }
        }
        whole.then_some(collected)
    }

    /// A call as a statement: of an instance, or of a function for its outputs.
    pub(super) fn call_statement(
        &mut self,
        target: &Reference,
        arguments: &[AstArgument],
        span: Span,
    ) -> Option<StmtKind> {
        if let Some((enable, rest)) = split_arguments(arguments, span)
            && !self.call_declares_enable(target)
        {
            let inner = self.call_statement(target, &rest, span);
            let mut statement = self.enabled(enable, inner, span)?;
            if let StmtKind::If { otherwise, .. } = &mut statement
                && !self.enos.is_empty()
                && let Some(Target::Variable(variable)) = self.resolve(target)
            {
                otherwise.extend(self.assign_eno(&variable, false, self.line(span)));
            }
            return Some(statement);
        }
        if let Reference::Name(name) = target
            && !self.is_declared(&name.key())
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
            Target::Variable(variable) => match variable.ty {
                Type::Block(block) => {
                    let call = self.call_block(block, &variable, arguments, span)?;
                    Some(self.with_eno(call, &variable, span))
                }
                _ => self.report_no_instance(target),
            },
            Target::Constant(..) => self.report_no_instance(target),
        }
    }

    /// A call of an instance, and behind it that of its ENO is TRUE where somebody reads that.
    fn with_eno(&self, call: StmtKind, variable: &Variable, span: Span) -> StmtKind {
        let line = self.line(span);
        let Some(eno) = self.assign_eno(variable, true, line) else {
            return call;
        };
        let always = Expr::literal(Elementary::Bool, 1, line);
        let call = Stmt { kind: call, line };
        StmtKind::If {
            arms: vec![(always, vec![call, eno])],
            otherwise: Vec::new(),
        }
    }

    fn call_declares_enable(&mut self, target: &Reference) -> bool {
        if let Reference::Name(name) = target
            && let Some(&pou) = self.checker.by_key.get(&name.key())
            && !self.is_declared(&name.key())
        {
            return self.declares_enable(Block::User(pou));
        }
        match self.resolve(target) {
            Some(Target::Variable(Variable {
                ty: Type::Block(block),
                ..
            })) => self.declares_enable(block),
            _ => false,
        }
    }

    fn report_no_instance(&mut self, target: &Reference) -> Option<StmtKind> {
        let message = "only an instance of a function block can be called";
        self.report(problems::BAD_CALL, target.span(), message);
        None
    }

    pub(super) fn call_by_name(
        &mut self,
        name: &Name,
        arguments: &[AstArgument],
        span: Span,
    ) -> Option<StmtKind> {
        let key = name.key();
        let pous = &self.checker.library.pous;
        let pou = self.checker.by_key.get(&key).map(|&pou| &pous[pou]);
        let kind = pou.map(|pou| pou.kind);
        let is_block = match kind {
            Some(kind) => kind == PouKind::FunctionBlock,
            None => StandardFb::from_key(&key).is_some(),
        };
        if is_block {
            let hint = Some(format!("declare `x : {};` and call `x(...)`", name.text));
            let message = format!("`{}` is a type; an instance of it is needed", name.text);
            self.report_hint(problems::BAD_CALL, name.span, message, hint);
            return None;
        }
        if kind.is_none() && !super::function::is_standard(&key) {
            let functions = pous.iter().map(|pou| pou.name.text.as_str());
            let names = self.signature.names();
            let candidates = names.chain(functions).chain(super::function::names());
            let hint = self.checker.sink.did_you_mean(&name.text, candidates);
            let message = format!("unknown instance or function `{}`", name.text);
            self.report_hint(problems::UNKNOWN_VARIABLE, name.span, message, hint);
            return None;
        }
        if let Some(statement) = self.split_call(name, arguments, span) {
            return statement;
        }
        if kind == Some(PouKind::Function) {
            let (call, ty) = self.user_call(name, arguments, span)?;
            let Some(ty) = ty.and_then(|ty| ty.value(&self.checker.enums)) else {
                return Some(StmtKind::CallFunction(Box::new(call)));
            };
            let (kind, line) = (ExprKind::Call(Box::new(call)), self.line(span));
            return Some(StmtKind::Evaluate(Expr { ty, kind, line }));
        }
        match self.function_call(name, arguments, span)? {
            Operand::Enumerated(_, expr) => Some(StmtKind::Evaluate(expr)),
            operand => self.settle(operand, span).map(StmtKind::Evaluate),
        }
    }

    fn call_block(
        &mut self,
        block: Block,
        variable: &Variable,
        arguments: &[AstArgument],
        span: Span,
    ) -> Option<StmtKind> {
        let made =
            matches!(arguments, [AstArgument::Input(name, _), ..] if name.text.starts_with('$'));
        if matches!(
            block,
            Block::Standard(StandardFb {
                behaviour: Behaviour::Step,
                ..
            })
        ) && !made
        {
            let message = "a step is not called; transitions lead to it";
            self.report(problems::BAD_CALL, span, message);
            return None;
        }
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
            let Some(member) = member.filter(|member| member.role != FieldRole::Hidden) else {
                let hint = self
                    .checker
                    .sink
                    .did_you_mean(&name.text, names.iter().map(String::as_str));
                let block = self.checker.block_name(block);
                let message = format!("`{block}` has no parameter `{}`", name.text);
                self.report_hint(problems::UNKNOWN_PARAMETER, name.span, message, hint);
                whole = false;
                continue;
            };
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
        let instance = self.area(variable);
        let Collected {
            inputs, outputs, ..
        } = collected;
        let call = BlockCall {
            target: block,
            instance,
            inputs,
            outputs,
        };
        whole.then_some(StmtKind::CallBlock(call))
    }
}

/// Splits EN and ENO from other arguments; `None` where there are none.
fn split_arguments(arguments: &[AstArgument], span: Span) -> Option<(Enable, Vec<AstArgument>)> {
    let (enables, rest): (Vec<_>, Vec<_>) = arguments.iter().cloned().partition(is_enable);
    if enables.is_empty() {
        return None;
    }
    let call = ast::Expr {
        kind: ast::ExprKind::Error,
        span,
    };
    let mut enable = Enable {
        en: None,
        eno: None,
        call,
    };
    for argument in enables {
        match argument {
            AstArgument::Input(_, en) => enable.en = Some(en),
            AstArgument::Output {
                negated, target, ..
            } => enable.eno = Some((target, negated)),
            AstArgument::Positional(_) => {}
        }
    }
    Some((enable, rest))
}
