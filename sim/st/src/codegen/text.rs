//! Texts and intrinsics.

use super::area::Position;
use super::{Body, Operand};
use crate::bytecode::Opcode;
use crate::container::{ListOperand, narrow};
use crate::hir::{
    Area, CompareOp, Expr, ExprKind, Input, IntrinsicCall, Place, Transfer, compare_opcode,
};
use crate::intrinsic::{Intrinsic, Param, pack_text, text_words};
use crate::types::Elementary;

/// A text in the memory.
#[derive(Clone, Copy, Debug)]
pub(super) struct TextAt {
    base: Operand,
    ty: Elementary,
    capacity: u32,
    /// Whether it is a temporary.
    temporary: bool,
}

impl TextAt {
    fn variable(base: Operand, ty: Elementary, capacity: u32) -> Self {
        Self {
            base,
            ty,
            capacity,
            temporary: false,
        }
    }

    fn operand(self) -> ListOperand {
        let wide = self.ty == Elementary::Wstring;
        ListOperand {
            operand: self.base.encode(),
            capacity: self.capacity,
            wide,
        }
    }

    /// Types of its slots.
    fn types(self) -> Vec<Elementary> {
        let mut types = vec![self.ty];
        let words = text_words(self.ty, self.capacity) as usize;
        types.resize(1 + words, Elementary::Lword);
        types
    }
}

impl Body<'_, '_> {
    fn text_temporary(&mut self, ty: Elementary, capacity: u32) -> TextAt {
        let text = TextAt {
            base: Operand::Const(0),
            ty,
            capacity,
            temporary: true,
        };
        let base = self.block(&text.types());
        TextAt { base, ..text }
    }

    pub(super) fn release_text(&mut self, text: TextAt) {
        if text.temporary {
            self.release_block(text.base, &text.types());
        }
    }

    fn emit_intrinsic(&mut self, function: Intrinsic, operands: Vec<ListOperand>) {
        self.lists.push(operands);
        let list = narrow(self.lists.len() - 1);
        let at = self.emit(Opcode::Intrinsic, Elementary::Bool, list, 0, 0);
        self.generator.code[at].ty = function as u8;
    }

    fn move_text(&mut self, to: TextAt, from: TextAt) {
        self.emit_intrinsic(Intrinsic::Assign, vec![to.operand(), from.operand()]);
    }

    /// Evaluates a text expression; release the result after use.
    pub(super) fn text(&mut self, expr: &Expr) -> TextAt {
        let ty = expr.ty;
        match &expr.kind {
            ExprKind::Text(units) => {
                let capacity = narrow(units.len());
                let mut values = vec![(ty, u64::from(capacity))];
                let words = pack_text(ty, units, text_words(ty, capacity));
                values.extend(words.into_iter().map(|word| (Elementary::Lword, word)));
                let base = Operand::Const(self.generator.constants.block(values));
                TextAt::variable(base, ty, capacity)
            }
            ExprKind::Load(place) if place.index.is_empty() => {
                TextAt::variable(self.own(place.offset), ty, place.capacity)
            }
            ExprKind::Load(place) => {
                let target = self.text_temporary(ty, place.capacity);
                let len = narrow(target.types().len());
                let area = Area {
                    offset: place.offset,
                    index: place.index.clone(),
                    len,
                };
                self.copy_from(&area, target.base);
                target
            }
            _ => {
                let target = self.text_temporary(ty, expr.capacity().max(1));
                self.text_into(expr, target);
                target
            }
        }
    }

    /// Evaluates a text expression into a text.
    fn text_into(&mut self, expr: &Expr, target: TextAt) {
        match &expr.kind {
            ExprKind::Intrinsic(call) => self.intrinsic(call, target.operand()),
            ExprKind::Select {
                condition,
                otherwise,
                then,
            } => {
                let chosen = self.temporary(Elementary::Bool);
                self.expression_into(condition, chosen);
                let (otherwise, then) = (self.text(otherwise), self.text(then));
                // The target may be an operand, so that only one of the two is copied.
                let skip = self.conditional(chosen, true);
                self.move_text(target, otherwise);
                let end = self.emit(Opcode::Jump, Elementary::Bool, 0, 0, 0);
                self.patch_all(vec![skip]);
                self.move_text(target, then);
                self.patch_all(vec![end]);
                self.release_text(otherwise);
                self.release_text(then);
            }
            ExprKind::Mux { selector, inputs } => self.mux_text(selector, inputs, target),
            ExprKind::Call(call) => {
                self.call_function(call);
                let result = self.function_slot(call.pou, call.result);
                self.move_text(target, TextAt::variable(result, expr.ty, call.capacity));
            }
            ExprKind::Enabled(call) => {
                self.enabled(call, |body, text| body.text_into(text, target))
            }
            _ => {
                let source = self.text(expr);
                self.move_text(target, source);
                self.release_text(source);
            }
        }
    }

    fn mux_text(&mut self, selector: &Expr, inputs: &[Expr], target: TextAt) {
        let bool = Elementary::Bool;
        let choice = self.temporary(selector.ty);
        self.expression_into(selector, choice);
        let texts: Vec<_> = inputs.iter().map(|input| self.text(input)).collect();
        // A selector out of range is an index out of range, as for other types.
        let block = self.temporary_block(bool, inputs.len());
        let array = self.array(block, bool, 0, narrow(inputs.len()));
        let hit = self.temporary(bool);
        self.emit(
            Opcode::LoadIndex,
            bool,
            hit.encode(),
            array,
            choice.encode(),
        );
        self.release(hit);
        let mut ends = Vec::new();
        for (at, text) in (0u64..).zip(&texts) {
            let number = self.constant(selector.ty, at);
            let hit = self.temporary(bool);
            let equal = compare_opcode(CompareOp::Equal, selector.ty);
            self.emit3(equal, selector.ty, hit, choice, number);
            let next = self.conditional(hit, false);
            self.move_text(target, *text);
            ends.push(self.emit(Opcode::Jump, bool, 0, 0, 0));
            self.patch_all(vec![next]);
        }
        self.patch_all(ends);
        texts.into_iter().for_each(|text| self.release_text(text));
        self.release(choice);
    }

    /// Computes an intrinsic whose result is one slot.
    pub(super) fn intrinsic_value(
        &mut self,
        call: &IntrinsicCall,
        ty: Elementary,
        wanted: Option<Operand>,
    ) -> Operand {
        let result = wanted.unwrap_or_else(|| self.temporary(ty));
        let operand = ListOperand {
            operand: result.encode(),
            capacity: 0,
            wide: false,
        };
        self.intrinsic(call, operand);
        result
    }

    fn intrinsic(&mut self, call: &IntrinsicCall, result: ListOperand) {
        let mut operands = vec![result];
        let mut texts = Vec::new();
        let mut values = Vec::new();
        for (at, argument) in call.arguments.iter().enumerate() {
            // What is computed later must not change what was computed before.
            let keep = call.arguments[at + 1..].iter().any(|later| later.writes());
            if call.function.params().get(at + 1) == Some(&Param::TextIn) {
                let mut text = self.text(argument);
                if keep && !text.temporary {
                    let safe = self.text_temporary(text.ty, text.capacity.max(1));
                    self.move_text(safe, text);
                    text = safe;
                }
                operands.push(text.operand());
                texts.push(text);
            } else {
                let mut value = self.expression(argument, None);
                if keep && !self.is_temporary(value) {
                    let safe = self.temporary(argument.ty);
                    self.emit2(Opcode::Move, argument.ty, safe, value);
                    value = safe;
                }
                let operand = ListOperand {
                    operand: value.encode(),
                    capacity: 0,
                    wide: false,
                };
                operands.push(operand);
                values.push(value);
            }
        }
        self.emit_intrinsic(call.function, operands);
        texts.into_iter().for_each(|text| self.release_text(text));
        values.into_iter().for_each(|value| self.release(value));
    }

    pub(super) fn assign_text(&mut self, place: &Place, value: &Expr) {
        if place.index.is_empty() {
            let target = TextAt::variable(self.own(place.offset), place.ty, place.capacity);
            return self.text_into(value, target);
        }
        let between = self.text_temporary(place.ty, place.capacity);
        self.text_into(value, between);
        self.store_text(place, between.base, narrow(between.types().len()), None);
        self.release_text(between);
    }

    /// Hands a text to a parameter.
    pub(super) fn text_argument(&mut self, value: &Expr, input: &Input, target: Operand) {
        // A parameter that is left out takes its initial value slot by slot.
        if let ExprKind::Const(len) = value.kind {
            let len = self.constant(value.ty, len);
            self.emit2(Opcode::Move, value.ty, target, len);
            return;
        }
        self.text_into(value, TextAt::variable(target, value.ty, input.capacity));
    }

    /// The text of an argument, safe from calls; `None` for a length that is moved as it is.
    pub(super) fn kept_text(&mut self, value: &Expr) -> Option<TextAt> {
        if value.constant().is_some() {
            return None;
        }
        let text = self.text_temporary(value.ty, value.capacity().max(1));
        self.text_into(value, text);
        Some(text)
    }

    /// Hands a text that was kept to a parameter.
    pub(super) fn hand_over_text(&mut self, input: &Input, target: Operand, text: Option<TextAt>) {
        match (text, &input.argument) {
            (Some(text), _) => {
                self.move_text(TextAt::variable(target, text.ty, input.capacity), text);
                self.release_text(text);
            }
            (None, crate::hir::Argument::Value(value)) => {
                self.text_argument(value, input, target);
            }
            (None, crate::hir::Argument::Block(_) | crate::hir::Argument::Result(..)) => {}
        }
    }

    pub(super) fn transfer_text(
        &mut self,
        transfer: &Transfer,
        from: Operand,
        position: Option<&Position>,
    ) {
        let to = &transfer.to;
        let source = TextAt::variable(from, transfer.ty, transfer.capacity);
        if to.index.is_empty() {
            let target = TextAt::variable(self.own(to.offset), to.ty, to.capacity);
            return self.move_text(target, source);
        }
        let between = self.text_temporary(to.ty, to.capacity);
        self.move_text(between, source);
        self.store_text(to, between.base, narrow(between.types().len()), position);
        self.release_text(between);
    }
}
