//! Expressions and conditions.

use super::{Body, Operand};
use crate::bytecode::Opcode;
use crate::container::{ArraySlots, narrow};
use crate::hir::{
    self, Argument, BinaryOp, Expr, ExprKind, FunctionCall, Index, Place, Transfer, UnaryOp,
};
use crate::types::Elementary;

impl Body<'_, '_> {
    /// Evaluates an expression. The result lies in `wanted` if that is given, else where it costs
    /// least; release it after use.
    ///
    /// `wanted` is written by the last instruction alone, so that the expression may read it.
    pub(super) fn expression(&mut self, expr: &Expr, wanted: Option<Operand>) -> Operand {
        let ty = expr.ty;
        match &expr.kind {
            ExprKind::Const(value) => {
                let constant = self.constant(ty, *value);
                self.settle(constant, ty, wanted)
            }
            ExprKind::Load(place) => match &place.index {
                None => {
                    let variable = self.own(place.offset);
                    self.settle(variable, ty, wanted)
                }
                Some(index) => self.load_index(place, index, wanted),
            },
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
            ExprKind::Call(call) => self.function(call, ty, wanted),
        }
    }

    /// Evaluates into a slot.
    pub(super) fn expression_into(&mut self, expr: &Expr, target: Operand) {
        self.expression(expr, Some(target));
    }

    /// Moves a value that already lies somewhere to where it is wanted.
    fn settle(&mut self, value: Operand, ty: Elementary, wanted: Option<Operand>) -> Operand {
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
    fn deliver(&mut self, result: Operand, ty: Elementary, wanted: Option<Operand>) -> Operand {
        if wanted.is_some() {
            self.release(result);
        }
        self.settle(result, ty, wanted)
    }

    /// Two operands from left to right. If the right one may change variables, the left one is
    /// kept safe in a temporary.
    fn operands(&mut self, left: &Expr, right: &Expr) -> (Operand, Operand) {
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

    fn steps(&mut self, steps: &[hir::Step], operand: Operand, wanted: Option<Operand>) -> Operand {
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
    fn array(&mut self, base: Operand, ty: Elementary, low: i64, len: u32) -> u32 {
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

    fn load_index(&mut self, place: &Place, index: &Index, wanted: Option<Operand>) -> Operand {
        let position = self.expression(&index.value, None);
        let array = self.array(self.own(place.offset), place.ty, index.low, index.len);
        self.release(position);
        let result = wanted.unwrap_or_else(|| self.temporary(place.ty));
        self.emit(
            Opcode::LoadIndex,
            place.ty,
            result.encode(),
            array,
            position.encode(),
        );
        result
    }

    /// Stores the value of an expression in a variable.
    pub(super) fn assign(&mut self, place: &Place, value: &Expr) {
        let Some(index) = &place.index else {
            let target = self.own(place.offset);
            self.expression_into(value, target);
            return;
        };
        let (position, value) = self.operands(&index.value, value);
        self.store_index(place, index, position, value);
    }

    fn store_index(&mut self, place: &Place, index: &Index, position: Operand, value: Operand) {
        let array = self.array(self.own(place.offset), place.ty, index.low, index.len);
        self.emit(
            Opcode::StoreIndex,
            place.ty,
            value.encode(),
            array,
            position.encode(),
        );
        self.release(position);
        self.release(value);
    }

    /// The positions of the array elements behind VAR_IN_OUT parameters, fixed before the call.
    pub(super) fn fixed_positions(&mut self, outputs: &[Transfer]) -> Vec<Option<Operand>> {
        let position = |body: &mut Self, transfer: &Transfer| {
            let index = transfer.to.index.as_ref().filter(|_| transfer.in_out)?;
            let kept = body.temporary(index.value.ty);
            body.expression_into(&index.value, kept);
            Some(kept)
        };
        outputs
            .iter()
            .map(|transfer| position(self, transfer))
            .collect()
    }

    /// Takes an output or VAR_IN_OUT parameter over from `from`; `fixed` is the position in its
    /// target, if that was fixed before the call.
    pub(super) fn transfer(&mut self, transfer: &Transfer, from: Operand, fixed: Option<Operand>) {
        let to = &transfer.to;
        if transfer.len > 1 {
            let target = self.own(to.offset);
            self.copy(transfer.ty, target, from, transfer.len);
            return;
        }
        let mut value = from;
        if transfer.negated {
            value = self.temporary(Elementary::Bool);
            self.emit2(Opcode::Not, Elementary::Bool, value, from);
        }
        let steps = hir::conversion_steps(hir::Conversion::Value, transfer.ty, to.ty);
        match &to.index {
            None => {
                let target = self.own(to.offset);
                if steps.is_empty() {
                    self.settle(value, to.ty, Some(target));
                    self.release(value);
                } else {
                    self.steps(&steps, value, Some(target));
                }
            }
            Some(index) => {
                let value = self.steps(&steps, value, None);
                let position = fixed.unwrap_or_else(|| self.expression(&index.value, None));
                self.store_index(to, index, position, value);
            }
        }
    }

    fn function(
        &mut self,
        call: &FunctionCall,
        ty: Elementary,
        wanted: Option<Operand>,
    ) -> Operand {
        // An argument that calls may overwrite the one frame of this function, so that all are
        // evaluated before the first is handed over.
        let calls = call.inputs.iter().any(|(_, argument)| match argument {
            Argument::Value(value) => value.calls(),
            Argument::Block { .. } => false,
        });
        let positions = self.fixed_positions(&call.outputs);
        let mut waiting = Vec::new();
        for (parameter, argument) in &call.inputs {
            let target = self.function_slot(call.pou, *parameter);
            match argument {
                Argument::Value(value) if calls => {
                    let safe = self.temporary(value.ty);
                    self.expression_into(value, safe);
                    waiting.push((value.ty, target, safe, 1));
                }
                Argument::Value(value) => self.expression_into(value, target),
                Argument::Block { offset, len } => {
                    let ty = self.generator.unit.pous[self.pou].frame.types[*offset as usize];
                    waiting.push((ty, target, self.own(*offset), *len));
                }
            }
        }
        for (ty, target, value, len) in waiting {
            if len == 1 {
                self.emit2(Opcode::Move, ty, target, value);
            } else {
                self.copy(ty, target, value, len);
            }
            self.release(value);
        }
        self.emit(
            Opcode::CallFunction,
            Elementary::Bool,
            narrow(call.pou),
            0,
            0,
        );
        for (transfer, position) in call.outputs.iter().zip(positions) {
            let from = self.function_slot(call.pou, transfer.from);
            self.transfer(transfer, from, position);
        }
        let frame_result = self.function_slot(call.pou, call.result);
        let result = wanted.unwrap_or_else(|| self.temporary(ty));
        self.emit2(Opcode::Move, ty, result, frame_result);
        result
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
