//! Bodies: statements, and the calls between POUs.

use std::collections::BTreeMap;

use super::expression::{Operand, Scope, integer_of, slot_of_integer};
use super::located::Occupancy;
use super::types::Type;
use super::{Checker, Signature, Var};
use crate::ast::{self, PouKind, SectionKind, StmtKind as AstKind};
use crate::diagnostic::Span;
use crate::hir::{self, CaseArm, Expr, ForLoop, LocatedVariable, Place, Stmt, StmtKind};
use crate::problems;
use crate::types::Elementary;

/// The statements of a POU, and what is known of it only after they are checked.
struct Statements {
    body: Vec<Stmt>,
    /// Direct addresses that are used without a declaration.
    direct: Vec<Var>,
    /// See [`Scope::carried`].
    carried: BTreeMap<u32, Elementary>,
    /// See [`Scope::enos`].
    enos: Vec<u32>,
}

impl Checker<'_, '_> {
    /// Checks the body of a POU; also yields its located variables.
    pub(super) fn body(
        &mut self,
        index: usize,
        signature: &Signature,
    ) -> (hir::Pou, Vec<LocatedVariable>) {
        let ast = &self.library.pous[index];
        let mut checked = self.statements_of(index, signature, Vec::new());
        if !checked.enos.is_empty() {
            // A call must know that its ENO is read further on, so that all is checked again.
            checked = self.statements_of(index, signature, checked.enos);
        }
        let mut frame = signature.frame.clone();
        for var in &checked.direct {
            if let Type::Elementary(ty) = var.ty {
                frame.types.push(ty);
                frame.init.push(0);
            }
        }
        let mut located = Vec::new();
        for var in signature.vars.iter().chain(&checked.direct) {
            self.located_variables(var, &mut located);
        }
        let lines = self.sink.lines();
        let pou = hir::Pou {
            name: signature.name.clone(),
            kind: signature.kind,
            file: u32::try_from(lines.file_of(ast.name.span.start)).unwrap_or(0),
            frame,
            reset: self.reset_ranges(signature),
            edges: signature.edges.clone(),
            carried: checked.carried,
            body: checked.body,
            end_line: lines.line(ast.end.start),
        };
        (pou, located)
    }

    /// The statements of a POU, where it is known of which instances it reads the ENO.
    fn statements_of(&mut self, index: usize, signature: &Signature, enos: Vec<u32>) -> Statements {
        let mut occupancy = Occupancy::default();
        for var in signature.vars.iter().filter(|var| !var.external) {
            if let Some(address) = var.address {
                let (_, len) = self.located_elements(&var.ty);
                occupancy.claim(address, len, &var.name);
            }
        }
        let library = self.library;
        let mut scope = Scope {
            checker: self,
            signature,
            body_of: Some(index),
            loops: 0,
            controls: Vec::new(),
            direct: Vec::new(),
            occupancy,
            carried: BTreeMap::new(),
            enos,
        };
        let body = scope.statements(&library.pous[index].body);
        Statements {
            body,
            direct: scope.direct,
            carried: scope.carried,
            enos: scope.enos,
        }
    }

    /// The ranges of the frame that begin anew in each call: VAR_TEMP, and all of a FUNCTION but
    /// its inputs.
    fn reset_ranges(&self, signature: &Signature) -> Vec<(u32, u32)> {
        let mut ranges = Vec::new();
        for var in &signature.vars {
            let begins_anew = match signature.kind {
                PouKind::Function => {
                    !matches!(var.section, SectionKind::Input | SectionKind::InOut)
                }
                _ => var.section == SectionKind::Temp,
            };
            // A constant array never changes, but a function's frame takes it along all the same.
            if begins_anew && var.value.is_none() && !var.external {
                ranges.push((var.offset, self.slots(&var.ty)));
            }
        }
        ranges
    }
}

impl Scope<'_, '_, '_> {
    fn statements(&mut self, list: &[ast::Stmt]) -> Vec<Stmt> {
        list.iter()
            .filter_map(|statement| self.statement(statement))
            .collect()
    }

    fn statement(&mut self, statement: &ast::Stmt) -> Option<Stmt> {
        let span = statement.span;
        let kind = match &statement.kind {
            AstKind::Assign(target, value) => self.assignment(target, value, span)?,
            AstKind::Call(target, arguments) => self.call_statement(target, arguments, span)?,
            AstKind::If { arms, otherwise } => {
                let arms: Vec<_> = arms
                    .iter()
                    .map(|(condition, body)| (self.condition(condition), self.statements(body)))
                    .collect();
                let otherwise = self.statements(otherwise);
                let arms: Option<Vec<_>> = arms
                    .into_iter()
                    .map(|(condition, body)| Some((condition?, body)))
                    .collect();
                StmtKind::If {
                    arms: arms?,
                    otherwise,
                }
            }
            AstKind::Case {
                selector,
                arms,
                otherwise,
            } => self.case(selector, arms, otherwise)?,
            AstKind::For {
                control,
                from,
                to,
                by,
                body,
            } => self.for_loop(control, from, to, by.as_ref(), body)?,
            AstKind::While(condition, body) => {
                let condition = self.condition(condition);
                let body = self.loop_body(body);
                StmtKind::While(condition?, body)
            }
            AstKind::Repeat(body, condition) => {
                let body = self.loop_body(body);
                StmtKind::Repeat(body, self.condition(condition)?)
            }
            AstKind::Scope(body) => StmtKind::Scope(self.statements(body)),
            AstKind::Evaluate(value) => match &value.kind {
                ast::ExprKind::Call(name, arguments) => {
                    self.call_by_name(name, arguments, value.span)?
                }
                _ => StmtKind::Evaluate(self.settled(value)?),
            },
            AstKind::Carry(label, value) => self.carry(*label, value)?,
            AstKind::Label(id) => StmtKind::Label(*id),
            AstKind::Jump(id) => StmtKind::Jump(*id),
            AstKind::Exit | AstKind::Continue => {
                let exit = matches!(statement.kind, AstKind::Exit);
                if self.loops == 0 {
                    let word = if exit { "EXIT" } else { "CONTINUE" };
                    self.report(
                        problems::OUTSIDE_LOOP,
                        span,
                        format!("{word} stands outside a loop"),
                    );
                    return None;
                }
                if exit {
                    StmtKind::Exit
                } else {
                    StmtKind::Continue
                }
            }
            AstKind::Return => StmtKind::Return,
        };
        Some(Stmt {
            kind,
            line: self.line(span),
        })
    }

    /// Puts the current result of an Instruction List where a label finds it. The first that comes
    /// to the label gives the type.
    fn carry(&mut self, label: u32, value: &ast::Expr) -> Option<StmtKind> {
        if let Some(&ty) = self.carried.get(&label) {
            return Some(StmtKind::Carry(label, self.value(value, ty)?));
        }
        let span = value.span;
        let value = self.settled(value)?;
        if value.ty.is_text() {
            let message = "a text is no current result that a label keeps; store it before";
            self.report(problems::BAD_LIST, span, message);
            return None;
        }
        self.carried.insert(label, value.ty);
        Some(StmtKind::Carry(label, value))
    }

    fn settled(&mut self, value: &ast::Expr) -> Option<Expr> {
        let operand = self.operand(value)?;
        self.settle(operand, value.span)
    }

    fn condition(&mut self, expr: &ast::Expr) -> Option<Expr> {
        self.value(expr, Elementary::Bool)
    }

    fn loop_body(&mut self, body: &[ast::Stmt]) -> Vec<Stmt> {
        self.loops += 1;
        let body = self.statements(body);
        self.loops -= 1;
        body
    }

    fn case(
        &mut self,
        selector: &ast::Expr,
        arms: &[(Vec<ast::CaseLabel>, Vec<ast::Stmt>)],
        otherwise: &[ast::Stmt],
    ) -> Option<StmtKind> {
        let checked = match self.operand(selector) {
            Some(Operand::Enumerated(at, expr)) => Some((Type::Enumeration(at), expr)),
            Some(operand) => self.settle(operand, selector.span).and_then(|expr| {
                let allowed = expr.ty.is_int() || expr.ty.is_bit_string() || expr.ty.is_char();
                if !allowed {
                    let message = format!("CASE selects by an integer, not by {}", expr.ty);
                    self.report(problems::TYPE_MISMATCH, selector.span, message);
                }
                allowed.then_some((Type::Elementary(expr.ty), expr))
            }),
            None => None,
        };
        let (ty, checked) = match checked {
            Some((ty, expr)) => (Some(ty), Some(expr)),
            None => (None, None),
        };
        let mut taken: Vec<(i128, i128)> = Vec::new();
        let mut result = Vec::new();
        for (labels, body) in arms {
            let mut ranges = Vec::new();
            for label in labels {
                ranges.extend(self.case_label(label, ty.as_ref(), &mut taken));
            }
            result.push(CaseArm {
                labels: ranges,
                body: self.statements(body),
            });
        }
        let otherwise = self.statements(otherwise);
        Some(StmtKind::Case {
            selector: checked?,
            arms: result,
            otherwise,
        })
    }

    fn case_label(
        &mut self,
        label: &ast::CaseLabel,
        ty: Option<&Type>,
        taken: &mut Vec<(i128, i128)>,
    ) -> Option<(u64, u64)> {
        // Without a type of the selector, a label cannot be checked.
        let ty = ty?;
        let low = self.label_value(&label.low, ty)?;
        let high = match &label.high {
            Some(high) => self.label_value(high, ty)?,
            None => low,
        };
        let span = label
            .high
            .as_ref()
            .map_or(label.low.span, |high| label.low.span.to(high.span));
        if high < low {
            self.report(
                problems::BAD_LABEL,
                span,
                format!("the range {low}..{high} is empty"),
            );
            return None;
        }
        if taken
            .iter()
            .any(|&(first, last)| low <= last && first <= high)
        {
            let message = "the label is already selected by an earlier one";
            self.report(problems::BAD_LABEL, span, message);
            return None;
        }
        taken.push((low, high));
        let ty = ty.scalar(&self.checker.enums)?;
        Some((slot_of_integer(ty, low), slot_of_integer(ty, high)))
    }

    fn label_value(&mut self, expr: &ast::Expr, ty: &Type) -> Option<i128> {
        let value = self.value_of(expr, ty)?;
        let Some(slot) = value.constant() else {
            self.report(
                problems::NOT_CONSTANT,
                expr.span,
                "the label of a CASE must be constant",
            );
            return None;
        };
        Some(integer_of(value.ty, slot))
    }

    fn for_loop(
        &mut self,
        control: &ast::Name,
        from: &ast::Expr,
        to: &ast::Expr,
        by: Option<&ast::Expr>,
        body: &[ast::Stmt],
    ) -> Option<StmtKind> {
        let place = self.control_variable(control);
        let Some(place) = place else {
            // Without a type for the bounds, only what is inside them can be checked.
            [Some(from), Some(to), by]
                .into_iter()
                .flatten()
                .for_each(|bound| {
                    self.operand(bound);
                });
            self.loop_body(body);
            return None;
        };
        let ty = place.ty;
        let (from, to) = (self.value(from, ty), self.value(to, ty));
        let by = match by {
            None => self.step_of_one(ty, control.span),
            Some(by) => {
                let step = self.value(by, ty);
                if step.as_ref().and_then(Expr::constant) == Some(0) {
                    self.report(problems::ZERO_STEP, by.span, "the step of the loop is zero");
                }
                step
            }
        };
        self.controls.push(place.offset);
        let body = self.loop_body(body);
        self.controls.pop();
        Some(StmtKind::For(Box::new(ForLoop {
            control: place,
            from: from?,
            to: to?,
            by: by?,
            body,
        })))
    }

    fn step_of_one(&self, ty: Elementary, span: Span) -> Option<Expr> {
        Some(Expr::literal(ty, 1, self.line(span)))
    }

    fn control_variable(&mut self, name: &ast::Name) -> Option<Place> {
        let variable = self.assignable(&ast::Reference::Name(name.clone()))?;
        match variable.ty {
            Type::Elementary(ty) | Type::Subrange(ty, ..) if ty.is_int() => self.place(&variable),
            _ => {
                let message = "the control variable of a FOR loop is an integer";
                self.report(problems::TYPE_MISMATCH, name.span, message);
                None
            }
        }
    }
}
