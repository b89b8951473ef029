//! Expressions and conditions.

use super::{Body, Operand};
use crate::bytecode::Opcode;
use crate::container::{ArraySlots, narrow};
use crate::hir::{self, BinaryOp, EnabledCall, Expr, ExprKind, UnaryOp};
use crate::types::Elementary;

impl Body<'_, '_> {
    /// Evaluates an expression. The result lies in `wanted` if that is given, else where it costs
    /// least; release it after use.
    ///
    /// `wanted` is written by the last instruction alone, so that the expression may read it.
    pub(super) fn expression(&mut self, expr: &Expr, wanted: Option<Operand>) -> Operand {
        let ty = expr.ty;
        match &expr.kind {
            ExprKind::Text(_) => unreachable!("texts are evaluated as such"),
            ExprKind::Const(value) => {
                let constant = self.constant(ty, *value);
                self.settle(constant, ty, wanted)
            }
            ExprKind::Load(place) if place.index.is_empty() => {
                let variable = self.own(place.offset);
                self.settle(variable, ty, wanted)
            }
            ExprKind::Load(place) => self.load_element(place, wanted),
            ExprKind::Carried(label) => self.settle(self.carried[label], ty, wanted),
            ExprKind::Unary(op, inner) => {
                let Some(code) = hir::unary_opcode(*op, ty) else {
                    return self.expression(inner, wanted);
                };
                let operand = self.expression(inner, None);
                self.release(operand);
                let result = wanted.unwrap_or_else(|| self.temporary(ty));
                self.emit2(code, ty, result, operand);
                result
            }
            ExprKind::Binary(op @ (BinaryOp::And | BinaryOp::Or), left, right)
                if ty == Elementary::Bool =>
            {
                self.logic(*op, left, right, wanted)
            }
            ExprKind::Binary(op, left, right) => {
                let code = hir::binary_opcode(*op, ty);
                self.two_operands(code, ty, ty, left, right, wanted)
            }
            ExprKind::Compare(op, left, right) => {
                let code = hir::compare_opcode(*op, left.ty);
                self.two_operands(code, left.ty, Elementary::Bool, left, right, wanted)
            }
            ExprKind::Convert(mode, inner) => {
                let operand = self.expression(inner, None);
                let steps = hir::conversion_steps(*mode, inner.ty, ty);
                self.steps(&steps, operand, wanted)
            }
            ExprKind::Math(function, inner) => {
                let operand = self.expression(inner, None);
                self.release(operand);
                let result = wanted.unwrap_or_else(|| self.temporary(ty));
                self.emit(
                    Opcode::MathL,
                    ty,
                    result.encode(),
                    operand.encode(),
                    *function as u32,
                );
                result
            }
            ExprKind::Select {
                condition,
                otherwise,
                then,
            } => self.select(ty, condition, otherwise, then, wanted),
            ExprKind::Mux { selector, inputs } => self.mux(ty, selector, inputs, wanted),
            ExprKind::InRange(low, high, inner) => {
                let value = self.expression(inner, None);
                self.check_range(ty, value, (*low, *high));
                self.deliver(value, ty, wanted)
            }
            ExprKind::Intrinsic(call) => self.intrinsic_value(call, ty, wanted),
            ExprKind::Call(call) => self.function(call, ty, wanted),
            ExprKind::Enabled(call) => {
                let result = self.temporary(ty);
                self.enabled(call, |body, expr| body.expression_into(expr, result));
                self.deliver(result, ty, wanted)
            }
        }
    }

    /// A call that EN decides about: `put` brings the one value or the other to its place.
    pub(super) fn enabled(&mut self, call: &EnabledCall, put: impl Fn(&mut Self, &Expr)) {
        let bool = Elementary::Bool;
        let mut skips = Vec::new();
        self.jump_when(&call.en, false, &mut skips);
        put(self, &call.value);
        self.assign_eno(call, true);
        let end = self.emit(Opcode::Jump, bool, 0, 0, 0);
        self.patch_all(skips);
        put(self, &call.otherwise);
        self.assign_eno(call, false);
        self.patch_all(vec![end]);
    }

    fn assign_eno(&mut self, call: &EnabledCall, happened: bool) {
        if let Some((place, negated)) = &call.eno {
            let slot = u64::from(happened != *negated);
            self.assign(place, &Expr::literal(Elementary::Bool, slot, call.en.line));
        }
    }

    /// Evaluates into a slot.
    pub(super) fn expression_into(&mut self, expr: &Expr, target: Operand) {
        self.expression(expr, Some(target));
    }

    /// Moves a value that already lies somewhere to where it is wanted.
    pub(super) fn settle(
        &mut self,
        value: Operand,
        ty: Elementary,
        wanted: Option<Operand>,
    ) -> Operand {
        match wanted {
            Some(target) if target != value => {
                self.emit2(Opcode::Move, ty, target, value);
                target
            }
            Some(target) => target,
            None => value,
        }
    }

    /// Moves a temporary result to where it is wanted.
    pub(super) fn deliver(
        &mut self,
        result: Operand,
        ty: Elementary,
        wanted: Option<Operand>,
    ) -> Operand {
        if wanted.is_some() {
            self.release(result);
        }
        self.settle(result, ty, wanted)
    }

    /// Two operands from left to right. If the right one may change variables, the left one is
    /// kept safe in a temporary.
    pub(super) fn operands(&mut self, left: &Expr, right: &Expr) -> (Operand, Operand) {
        let mut first = self.expression(left, None);
        if right.writes() && !self.is_temporary(first) {
            let safe = self.temporary(left.ty);
            self.emit2(Opcode::Move, left.ty, safe, first);
            first = safe;
        }
        let second = self.expression(right, None);
        (first, second)
    }

    fn two_operands(
        &mut self,
        code: Opcode,
        ty: Elementary,
        result_ty: Elementary,
        left: &Expr,
        right: &Expr,
        wanted: Option<Operand>,
    ) -> Operand {
        let (a, b) = self.operands(left, right);
        self.release(a);
        self.release(b);
        let result = wanted.unwrap_or_else(|| self.temporary(result_ty));
        self.emit3(code, ty, result, a, b);
        result
    }

    /// AND and OR on BOOL: one instruction, or a jump over a right side that must not be evaluated
    /// in vain.
    fn logic(
        &mut self,
        op: BinaryOp,
        left: &Expr,
        right: &Expr,
        wanted: Option<Operand>,
    ) -> Operand {
        let bool = Elementary::Bool;
        if right.is_observable() {
            let result = self.temporary(bool);
            self.expression_into(left, result);
            let skips = if op == BinaryOp::And {
                Opcode::JumpIfNot
            } else {
                Opcode::JumpIf
            };
            let jump = self.emit(skips, bool, 0, result.encode(), 0);
            self.expression_into(right, result);
            self.patch_all(vec![jump]);
            return self.deliver(result, bool, wanted);
        }
        // `a AND NOT b` is one instruction.
        if let ExprKind::Unary(UnaryOp::Not, inner) = &right.kind {
            let code = if op == BinaryOp::And {
                Opcode::AndNot
            } else {
                Opcode::OrNot
            };
            return self.two_operands(code, bool, bool, left, inner, wanted);
        }
        self.two_operands(
            hir::binary_opcode(op, bool),
            bool,
            bool,
            left,
            right,
            wanted,
        )
    }

    pub(super) fn steps(
        &mut self,
        steps: &[hir::Step],
        operand: Operand,
        wanted: Option<Operand>,
    ) -> Operand {
        let Some(last) = steps.len().checked_sub(1) else {
            assert!(
                wanted.is_none(),
                "a value that keeps its type is not converted"
            );
            return operand;
        };
        let mut value = operand;
        for (at, step) in steps.iter().enumerate() {
            let second = step.operand.map(|(ty, slot)| self.constant(ty, slot));
            self.release(value);
            let result = match wanted {
                Some(target) if at == last => target,
                _ => self.temporary(step.result),
            };
            let second = second.map_or(0, Operand::encode);
            self.emit(step.code, step.ty, result.encode(), value.encode(), second);
            value = result;
        }
        value
    }

    fn select(
        &mut self,
        ty: Elementary,
        condition: &Expr,
        otherwise: &Expr,
        then: &Expr,
        wanted: Option<Operand>,
    ) -> Operand {
        let chosen = self.temporary(Elementary::Bool);
        self.expression_into(condition, chosen);
        let result = self.temporary(ty);
        self.expression_into(otherwise, result);
        let other = self.expression(then, None);
        self.emit3(Opcode::MoveIf, ty, result, other, chosen);
        self.release(other);
        self.release(chosen);
        self.deliver(result, ty, wanted)
    }

    /// MUX reads an array of its inputs, so that a selector out of range is an index out of range.
    fn mux(
        &mut self,
        ty: Elementary,
        selector: &Expr,
        inputs: &[Expr],
        wanted: Option<Operand>,
    ) -> Operand {
        let mut choice = self.expression(selector, None);
        if !self.is_temporary(choice) && inputs.iter().any(Expr::writes) {
            let safe = self.temporary(selector.ty);
            self.emit2(Opcode::Move, selector.ty, safe, choice);
            choice = safe;
        }
        let block = self.temporary_block(ty, inputs.len());
        for (at, input) in inputs.iter().enumerate() {
            self.expression_into(input, block.plus(narrow(at)));
        }
        let array = self.array(block, ty, 0, narrow(inputs.len()));
        self.release(choice);
        let result = wanted.unwrap_or_else(|| self.temporary(ty));
        self.emit(
            Opcode::LoadIndex,
            ty,
            result.encode(),
            array,
            choice.encode(),
        );
        result
    }

    /// The number of an array's description, which equal arrays share.
    pub(super) fn array(&mut self, base: Operand, ty: Elementary, low: i64, len: u32) -> u32 {
        let wanted = ArraySlots {
            base: base.encode(),
            ty,
            low,
            len,
        };
        let found = self.arrays.iter().position(|known| *known == wanted);
        narrow(found.unwrap_or_else(|| {
            self.arrays.push(wanted);
            self.arrays.len() - 1
        }))
    }

    /// Traps unless the value lies between two slots.
    pub(super) fn check_range(&mut self, ty: Elementary, value: Operand, range: (u64, u64)) {
        let (low, high) = (self.constant(ty, range.0), self.constant(ty, range.1));
        let code = if ty.is_signed() {
            Opcode::CheckS
        } else {
            Opcode::CheckU
        };
        self.emit3(code, ty, low, value, high);
    }

    /// Jumps if `expr` equals `when`, else goes on; collects the jumps.
    pub(super) fn jump_when(&mut self, expr: &Expr, when: bool, jumps: &mut Vec<usize>) {
        let bool = Elementary::Bool;
        match &expr.kind {
            ExprKind::Const(value) => {
                if (*value != 0) == when {
                    jumps.push(self.emit(Opcode::Jump, bool, 0, 0, 0));
                }
            }
            ExprKind::Unary(UnaryOp::Not, inner) => self.jump_when(inner, !when, jumps),
            ExprKind::Binary(op @ (BinaryOp::And | BinaryOp::Or), left, right) => {
                // One side decides alone if it equals what ends the chain.
                let decides = *op == BinaryOp::Or;
                if decides == when {
                    self.jump_when(left, when, jumps);
                    self.jump_when(right, when, jumps);
                } else {
                    let mut past = Vec::new();
                    self.jump_when(left, decides, &mut past);
                    self.jump_when(right, when, jumps);
                    self.patch_all(past);
                }
            }
            _ => {
                let value = self.expression(expr, None);
                jumps.push(self.conditional(value, when));
            }
        }
    }

    pub(super) fn conditional(&mut self, value: Operand, when: bool) -> usize {
        self.release(value);
        let code = if when {
            Opcode::JumpIf
        } else {
            Opcode::JumpIfNot
        };
        self.emit(code, Elementary::Bool, 0, value.encode(), 0)
    }
}
