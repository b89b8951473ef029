//! Bodies: statements, and the calls between POUs.

use super::expression::{Scope, Target, integer_of, slot_of_integer};
use super::located::Occupancy;
use super::{Checker, Signature, Type};
use crate::ast::{self, PouKind, SectionKind, StmtKind as AstKind};
use crate::diagnostic::Span;
use crate::hir::{self, CaseArm, Expr, ExprKind, ForLoop, LocatedVariable, Place, Stmt, StmtKind};
use crate::image::Address;
use crate::problems;
use crate::types::Elementary;

impl Checker<'_, '_> {
    /// Checks the body of a POU; also yields its located variables.
    pub(super) fn body(
        &mut self,
        index: usize,
        signature: &Signature,
    ) -> (hir::Pou, Vec<LocatedVariable>) {
        let ast = &self.pous[index];
        let mut occupancy = Occupancy::default();
        for var in &signature.vars {
            if let Some(address) = var.address {
                let len = if let Type::Array { len, .. } = var.ty {
                    len
                } else {
                    1
                };
                occupancy.claim(address, len, &var.name);
            }
        }
        let mut scope = Scope {
            checker: self,
            signature,
            body_of: Some(index),
            loops: 0,
            controls: Vec::new(),
            direct: Vec::new(),
            occupancy,
        };
        let body = scope.statements(&ast.body);
        let direct = std::mem::take(&mut scope.direct);
        let mut frame = signature.frame.clone();
        for var in &direct {
            if let Type::Elementary(ty) = var.ty {
                frame.types.push(ty);
                frame.init.push(0);
            }
        }
        let mut located = Vec::new();
        for var in signature.vars.iter().chain(&direct) {
            located_variables(var, &mut located);
        }
        let end_line = self.sink.lines().line(ast.end.start);
        let reset = reset_ranges(signature);
        let name = signature.name.clone();
        (
            hir::Pou {
                name,
                kind: signature.kind,
                frame,
                reset,
                body,
                end_line,
            },
            located,
        )
    }
}

/// The ranges of the frame that begin anew in each call: VAR_TEMP, and all of a FUNCTION but its
/// inputs.
fn reset_ranges(signature: &Signature) -> Vec<(u32, u32)> {
    let mut ranges = Vec::new();
    for var in &signature.vars {
        let begins_anew = match signature.kind {
            PouKind::Function => !matches!(var.section, SectionKind::Input | SectionKind::InOut),
            _ => var.section == SectionKind::Temp,
        };
        let len = match var.ty {
            _ if var.value.is_some() => 0,
            Type::Elementary(_) => 1,
            Type::Array { len, .. } => len,
            Type::Block(_) => 0,
        };
        // A constant array never changes, but a function's frame takes it along all the same.
        if begins_anew && len > 0 {
            ranges.push((var.offset, len));
        }
    }
    ranges
}

fn located_variables(var: &super::Var, located: &mut Vec<LocatedVariable>) {
    let Some(address) = var.address else { return };
    let (ty, low, len) = match var.ty {
        Type::Elementary(ty) => (ty, None, 1),
        Type::Array { element, low, len } => (element, Some(low), len),
        Type::Block(_) => return,
    };
    for at in 0..len {
        let name = match low {
            None => var.name.clone(),
            Some(low) => format!("{}[{}]", var.name, low + i64::from(at)),
        };
        located.push(LocatedVariable {
            name,
            address: Address {
                index: address.index + at,
                ..address
            },
            offset: var.offset + at,
            ty,
            has_init: var.has_init,
        });
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
            AstKind::Assign(target, value) => self.assignment(target, value)?,
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
        let operand = self.operand(selector);
        let checked = operand.and_then(|operand| self.settle(operand, selector.span));
        let checked = checked.filter(|expr| {
            let allowed = expr.ty.is_int() || expr.ty.is_bit_string();
            if !allowed {
                let message = format!("CASE selects by an integer, not by {}", expr.ty);
                self.report(problems::TYPE_MISMATCH, selector.span, message);
            }
            allowed
        });
        let ty = checked.as_ref().map_or(Elementary::Lint, |expr| expr.ty);
        let mut taken: Vec<(i128, i128)> = Vec::new();
        let mut result = Vec::new();
        for (labels, body) in arms {
            let mut ranges = Vec::new();
            for label in labels {
                ranges.extend(self.case_label(label, ty, &mut taken));
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
        ty: Elementary,
        taken: &mut Vec<(i128, i128)>,
    ) -> Option<(u64, u64)> {
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
        Some((slot_of_integer(ty, low), slot_of_integer(ty, high)))
    }

    fn label_value(&mut self, expr: &ast::Expr, ty: Elementary) -> Option<i128> {
        let value = self.value(expr, ty)?;
        let Some(slot) = value.constant() else {
            self.report(
                problems::NOT_CONSTANT,
                expr.span,
                "the label of a CASE must be constant",
            );
            return None;
        };
        Some(integer_of(ty, slot))
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
        Some(Expr {
            ty,
            kind: ExprKind::Const(1),
            line: self.line(span),
        })
    }

    fn control_variable(&mut self, name: &ast::Name) -> Option<Place> {
        match self.assignable(&ast::Reference::Name(name.clone()))? {
            Target::Place(place, _) if place.ty.is_int() => Some(place),
            _ => {
                let message = "the control variable of a FOR loop is an integer";
                self.report(problems::TYPE_MISMATCH, name.span, message);
                None
            }
        }
    }
}
