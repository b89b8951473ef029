//! Statements.

use super::{Body, Loop, Operand};
use crate::bytecode::Opcode;
use crate::hir::{
    BinaryOp, CaseArm, CompareOp, Expr, ForLoop, Stmt, StmtKind, binary_opcode, compare_opcode,
};
use crate::types::Elementary;

impl Body<'_, '_> {
    pub(super) fn statements(&mut self, list: &[Stmt]) {
        for statement in list {
            self.line = statement.line;
            self.statement(statement);
        }
    }

    fn statement(&mut self, statement: &Stmt) {
        match &statement.kind {
            StmtKind::Assign(place, value) => self.assign(place, value),
            StmtKind::Copy { to, from } => self.copy_area(to, from),
            StmtKind::CopyResult { to, call } => {
                self.call_function(call);
                let from = self.function_slot(call.pou, call.result);
                self.copy_to(to, from);
            }
            StmtKind::If { arms, otherwise } => self.if_statement(arms, otherwise),
            StmtKind::Case {
                selector,
                arms,
                otherwise,
            } => self.case(selector, arms, otherwise),
            StmtKind::For(each) => self.for_loop(each),
            StmtKind::While(condition, body) => {
                let head = self.here();
                let mut exits = Vec::new();
                self.jump_when(condition, false, &mut exits);
                let inner = self.loop_body(body);
                inner
                    .continues
                    .into_iter()
                    .for_each(|jump| self.patch(jump, head));
                self.emit(Opcode::Jump, Elementary::Bool, head, 0, 0);
                exits.extend(inner.exits);
                self.patch_all(exits);
            }
            StmtKind::Repeat(body, condition) => {
                let head = self.here();
                let inner = self.loop_body(body);
                self.patch_all(inner.continues);
                self.line = condition.line;
                let mut again = Vec::new();
                self.jump_when(condition, false, &mut again);
                again.into_iter().for_each(|jump| self.patch(jump, head));
                self.patch_all(inner.exits);
            }
            StmtKind::Scope(body) => {
                let outer = std::mem::take(&mut self.returns);
                self.statements(body);
                let inner = std::mem::replace(&mut self.returns, outer);
                self.patch_all(inner);
            }
            StmtKind::Carry(label, value) => {
                let target = self.carried[label];
                self.expression_into(value, target);
            }
            StmtKind::Label(id) => {
                let here = self.here();
                self.labels.insert(*id, here);
            }
            StmtKind::Jump(id) => {
                let jump = self.emit(Opcode::Jump, Elementary::Bool, 0, 0, 0);
                self.jumps.push((jump, *id));
            }
            StmtKind::Exit => {
                let jump = self.emit(Opcode::Jump, Elementary::Bool, 0, 0, 0);
                self.loops
                    .last_mut()
                    .expect("EXIT is checked to be in a loop")
                    .exits
                    .push(jump);
            }
            StmtKind::Continue => {
                let jump = self.emit(Opcode::Jump, Elementary::Bool, 0, 0, 0);
                let inner = self
                    .loops
                    .last_mut()
                    .expect("CONTINUE is checked to be in a loop");
                inner.continues.push(jump);
            }
            StmtKind::Return => {
                let jump = self.emit(Opcode::Jump, Elementary::Bool, 0, 0, 0);
                self.returns.push(jump);
            }
            StmtKind::CallBlock(call) => self.call_block(call),
            StmtKind::Evaluate(expr) if expr.ty.is_text() => {
                let text = self.text(expr);
                self.release_text(text);
            }
            StmtKind::Evaluate(expr) => {
                let value = self.expression(expr, None);
                self.release(value);
            }
            StmtKind::CallFunction(call) => self.call_function(call),
        }
    }

    fn loop_body(&mut self, body: &[Stmt]) -> Loop {
        self.loops.push(Loop::default());
        self.statements(body);
        self.loops.pop().unwrap_or_default()
    }

    fn if_statement(&mut self, arms: &[(Expr, Vec<Stmt>)], otherwise: &[Stmt]) {
        let mut ends = Vec::new();
        for (at, (condition, body)) in arms.iter().enumerate() {
            self.line = condition.line;
            let mut next = Vec::new();
            self.jump_when(condition, false, &mut next);
            self.statements(body);
            if at + 1 < arms.len() || !otherwise.is_empty() {
                ends.push(self.emit(Opcode::Jump, Elementary::Bool, 0, 0, 0));
            }
            self.patch_all(next);
        }
        self.statements(otherwise);
        self.patch_all(ends);
    }

    fn case(&mut self, selector: &Expr, arms: &[CaseArm], otherwise: &[Stmt]) {
        let ty = selector.ty;
        let line = self.line;
        let value = self.expression(selector, None);
        let mut starts = Vec::new();
        for arm in arms {
            let mut hits = Vec::new();
            for &(low, high) in &arm.labels {
                hits.push(self.case_label(ty, value, low, high));
            }
            starts.push(hits);
        }
        self.release(value);
        let mut ends = vec![];
        let miss = self.emit(Opcode::Jump, Elementary::Bool, 0, 0, 0);
        for (arm, hits) in arms.iter().zip(starts) {
            self.patch_all(hits);
            self.statements(&arm.body);
            self.line = line;
            ends.push(self.emit(Opcode::Jump, Elementary::Bool, 0, 0, 0));
        }
        self.patch_all(vec![miss]);
        self.statements(otherwise);
        self.patch_all(ends);
    }

    /// Jumps if the value lies in the range of a label.
    fn case_label(&mut self, ty: Elementary, value: Operand, low: u64, high: u64) -> usize {
        let hit = self.temporary(Elementary::Bool);
        let first = self.constant(ty, low);
        if low == high {
            self.emit3(compare_opcode(CompareOp::Equal, ty), ty, hit, value, first);
            return self.conditional(hit, true);
        }
        let last = self.constant(ty, high);
        let below = self.temporary(Elementary::Bool);
        let less_equal = compare_opcode(CompareOp::LessEqual, ty);
        self.emit3(less_equal, ty, hit, first, value);
        self.emit3(less_equal, ty, below, value, last);
        self.emit3(Opcode::And, Elementary::Bool, hit, hit, below);
        self.release(below);
        self.conditional(hit, true)
    }

    /// `FOR`: the final value and the step are evaluated once. After the loop the control variable
    /// is one step beyond the last value, unless its type cannot hold that.
    fn for_loop(&mut self, each: &ForLoop) {
        let ty = each.control.ty;
        let line = self.line;
        let control = self.own(each.control.offset);
        let (last, step) = (self.loop_bound(&each.to), self.loop_bound(&each.by));
        // The bounds may read the control variable's old value, so that it is set after them.
        self.expression_into(&each.from, control);
        let head = self.here();
        let mut exits = self.for_exit(ty, control, last, step, each);
        let inner = self.loop_body(&each.body);
        self.patch_all(inner.continues);
        self.line = line;
        let add = binary_opcode(BinaryOp::Add, ty);
        if cannot_overflow(each) {
            self.emit3(add, ty, control, control, step);
        } else {
            let next = self.temporary(ty);
            self.emit3(add, ty, next, control, step);
            exits.extend(self.wrapped(ty, control, next, step, each));
            self.emit2(Opcode::Move, ty, control, next);
            self.release(next);
        }
        self.emit(Opcode::Jump, Elementary::Bool, head, 0, 0);
        exits.extend(inner.exits);
        self.patch_all(exits);
        self.release(last);
        self.release(step);
    }

    /// A bound of a loop, safe from changes in the body.
    fn loop_bound(&mut self, expr: &Expr) -> Operand {
        let value = self.expression(expr, None);
        if expr.constant().is_some() || self.is_temporary(value) {
            return value;
        }
        let kept = self.temporary(expr.ty);
        self.emit2(Opcode::Move, expr.ty, kept, value);
        kept
    }

    /// Jumps out of the loop if the control variable is past the last value.
    fn for_exit(
        &mut self,
        ty: Elementary,
        control: Operand,
        last: Operand,
        step: Operand,
        each: &ForLoop,
    ) -> Vec<usize> {
        let less = compare_opcode(CompareOp::Less, ty);
        let past = self.temporary(Elementary::Bool);
        match rises(each) {
            Some(true) => self.emit3(less, ty, past, last, control),
            Some(false) => self.emit3(less, ty, past, control, last),
            None => {
                // The sign of the step chooses which comparison counts.
                let falls = self.temporary(Elementary::Bool);
                let zero = self.constant(ty, 0);
                let below = self.temporary(Elementary::Bool);
                self.emit3(less, ty, past, last, control);
                self.emit3(less, ty, below, control, last);
                self.emit3(less, ty, falls, step, zero);
                self.emit3(Opcode::MoveIf, Elementary::Bool, past, below, falls);
                self.release(falls);
                self.release(below);
            }
        }
        vec![self.conditional(past, true)]
    }

    /// Jumps out of the loop if the step has led around the end of the type.
    fn wrapped(
        &mut self,
        ty: Elementary,
        control: Operand,
        next: Operand,
        step: Operand,
        each: &ForLoop,
    ) -> Vec<usize> {
        // Going round looks like a step in the other direction.
        self.for_exit(ty, control, next, step, each)
    }
}

/// Whether the loop counts up, if that is known.
fn rises(each: &ForLoop) -> Option<bool> {
    if !each.by.ty.is_signed() {
        return Some(true);
    }
    each.by.constant().map(|step| step.cast_signed() >= 0)
}

/// Whether one step past the last value still fits the type.
fn cannot_overflow(each: &ForLoop) -> bool {
    let (Some(last), Some(step)) = (each.to.constant(), each.by.constant()) else {
        return false;
    };
    let ty = each.by.ty;
    let number = |slot: u64| {
        if ty.is_signed() {
            i128::from(slot.cast_signed())
        } else {
            i128::from(slot)
        }
    };
    let Some((low, high)) = ty.int_range() else {
        return false;
    };
    (low..=high).contains(&(number(last) + number(step)))
}
