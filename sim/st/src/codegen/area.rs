//! Elements and areas of variables, and the calls that move them.

use super::{Body, Operand};
use crate::bytecode::Opcode;
use crate::container::{PathDim, PathSlots, narrow};
use crate::hir::{
    self, Area, Argument, Block, BlockCall, Expr, ExprKind, FunctionCall, Index, Input, Place,
    Transfer,
};
use crate::types::Elementary;

/// Indices that have been computed.
pub(super) struct Position {
    /// The one index, or the first of neighbouring LINTs.
    first: Operand,
    /// Types of the block that holds several.
    block: Vec<Elementary>,
}

/// Whether the indices are one over neighbouring slots, for which the machine has an instruction
/// of its own.
fn is_plain(index: &[Index]) -> bool {
    matches!(index, [index] if index.stride == 1)
}

impl Body<'_, '_> {
    /// Computes indices. With `keep` they outlive any call.
    fn position(&mut self, index: &[Index], keep: bool) -> Position {
        if let [index] = index {
            let first = if keep {
                let kept = self.temporary(index.value.ty);
                self.expression_into(&index.value, kept);
                kept
            } else {
                self.expression(&index.value, None)
            };
            return Position {
                first,
                block: Vec::new(),
            };
        }
        let block = vec![Elementary::Lint; index.len()];
        let first = self.block(&block);
        for (at, index) in (0..).zip(index) {
            let target = first.plus(at);
            let steps =
                hir::conversion_steps(hir::Conversion::Value, index.value.ty, Elementary::Lint);
            if steps.is_empty() {
                self.expression_into(&index.value, target);
            } else {
                let value = self.expression(&index.value, None);
                self.steps(&steps, value, Some(target));
            }
        }
        Position { first, block }
    }

    fn release_position(&mut self, position: Position) {
        if position.block.is_empty() {
            self.release(position.first);
        } else {
            self.release_block(position.first, &position.block);
        }
    }

    /// The number of a path's description, which equal paths share.
    fn path(&mut self, offset: u32, index: &[Index], len: u32) -> u32 {
        let dims = index
            .iter()
            .map(|index| PathDim {
                low: index.low,
                len: index.len,
                stride: index.stride,
            })
            .collect();
        let wanted = PathSlots {
            base: self.own(offset).encode(),
            len,
            dims,
        };
        let found = self.paths.iter().position(|known| *known == wanted);
        narrow(found.unwrap_or_else(|| {
            self.paths.push(wanted);
            self.paths.len() - 1
        }))
    }

    /// Reads an element of one slot.
    pub(super) fn load_element(&mut self, place: &Place, wanted: Option<Operand>) -> Operand {
        let position = self.position(&place.index, false);
        let (code, table) = if is_plain(&place.index) {
            let (low, len) = (place.index[0].low, place.index[0].len);
            (
                Opcode::LoadIndex,
                self.array(self.own(place.offset), place.ty, low, len),
            )
        } else {
            (
                Opcode::LoadElement,
                self.path(place.offset, &place.index, 1),
            )
        };
        let first = position.first.encode();
        self.release_position(position);
        let result = wanted.unwrap_or_else(|| self.temporary(place.ty));
        self.emit(code, place.ty, result.encode(), table, first);
        result
    }

    /// Writes an element of one slot.
    fn store_element(&mut self, place: &Place, position: &Position, value: Operand) {
        let (code, table) = if is_plain(&place.index) {
            let (low, len) = (place.index[0].low, place.index[0].len);
            (
                Opcode::StoreIndex,
                self.array(self.own(place.offset), place.ty, low, len),
            )
        } else {
            (
                Opcode::StoreElement,
                self.path(place.offset, &place.index, 1),
            )
        };
        self.emit(
            code,
            place.ty,
            value.encode(),
            table,
            position.first.encode(),
        );
    }

    /// Stores the value of an expression in a variable.
    pub(super) fn assign(&mut self, place: &Place, value: &Expr) {
        if place.ty.is_text() {
            return self.assign_text(place, value);
        }
        match place.index.as_slice() {
            [] => {
                let target = self.own(place.offset);
                self.expression_into(value, target);
            }
            [index] => {
                let (first, value) = self.operands(&index.value, value);
                let position = Position {
                    first,
                    block: Vec::new(),
                };
                self.store_element(place, &position, value);
                self.release_position(position);
                self.release(value);
            }
            several => {
                let position = self.position(several, false);
                let value = self.expression(value, None);
                self.store_element(place, &position, value);
                self.release_position(position);
                self.release(value);
            }
        }
    }

    /// Copies an element of several slots to `to`.
    pub(super) fn copy_from(&mut self, from: &Area, to: Operand) {
        let ty = self.slot_types(from.offset, 1)[0];
        if from.index.is_empty() {
            let from_slot = self.own(from.offset);
            return self.copy(ty, to, from_slot, from.len);
        }
        let position = self.position(&from.index, false);
        let path = self.path(from.offset, &from.index, from.len);
        self.emit(
            Opcode::CopyFrom,
            ty,
            to.encode(),
            path,
            position.first.encode(),
        );
        self.release_position(position);
    }

    /// Copies slots to an element of several.
    pub(super) fn copy_to(&mut self, to: &Area, from: Operand) {
        let position = (!to.index.is_empty()).then(|| self.position(&to.index, false));
        self.copy_to_position(to, from, position.as_ref());
        if let Some(position) = position {
            self.release_position(position);
        }
    }

    fn copy_to_position(&mut self, to: &Area, from: Operand, position: Option<&Position>) {
        let ty = self.slot_types(to.offset, 1)[0];
        match position {
            None => {
                let target = self.own(to.offset);
                self.copy(ty, target, from, to.len);
            }
            Some(position) => {
                let path = self.path(to.offset, &to.index, to.len);
                self.emit(
                    Opcode::CopyTo,
                    ty,
                    from.encode(),
                    path,
                    position.first.encode(),
                );
            }
        }
    }

    pub(super) fn copy_area(&mut self, to: &Area, from: &Area) {
        if to.index.is_empty() {
            let target = self.own(to.offset);
            return self.copy_from(from, target);
        }
        if from.index.is_empty() {
            let source = self.own(from.offset);
            return self.copy_to(to, source);
        }
        let types = self.slot_types(from.offset, from.len).to_vec();
        let between = self.block(&types);
        self.copy_from(from, between);
        self.copy_to(to, between);
        self.release_block(between, &types);
    }

    /// The positions of the elements behind VAR_IN_OUT parameters, fixed before the call.
    fn fixed_positions(&mut self, outputs: &[Transfer]) -> Vec<Option<Position>> {
        let mut positions = Vec::new();
        for transfer in outputs {
            let fixed = transfer.in_out && !transfer.to.index.is_empty();
            positions.push(fixed.then(|| self.position(&transfer.to.index, true)));
        }
        positions
    }

    /// Takes an output or VAR_IN_OUT parameter over from `from`; `fixed` is the position in its
    /// target, if that was fixed before the call.
    fn transfer(&mut self, transfer: &Transfer, from: Operand, fixed: Option<Position>) {
        let to = &transfer.to;
        if transfer.len > 1 || transfer.ty.is_text() {
            let position = match fixed {
                None if !to.index.is_empty() => Some(self.position(&to.index, false)),
                fixed => fixed,
            };
            if transfer.ty.is_text() {
                self.transfer_text(transfer, from, position.as_ref());
            } else {
                let area = Area {
                    offset: to.offset,
                    index: to.index.clone(),
                    len: transfer.len,
                };
                self.copy_to_position(&area, from, position.as_ref());
            }
            if let Some(position) = position {
                self.release_position(position);
            }
            return;
        }
        let mut value = from;
        if transfer.negated {
            value = self.temporary(Elementary::Bool);
            self.emit2(Opcode::Not, Elementary::Bool, value, from);
        }
        let steps = hir::conversion_steps(hir::Conversion::Value, transfer.ty, to.ty);
        if to.index.is_empty() && transfer.range.is_none() {
            let target = self.own(to.offset);
            if steps.is_empty() {
                self.settle(value, to.ty, Some(target));
                self.release(value);
            } else {
                self.steps(&steps, value, Some(target));
            }
            return;
        }
        let value = self.steps(&steps, value, None);
        if let Some(range) = transfer.range {
            self.check_range(to.ty, value, range);
        }
        if to.index.is_empty() {
            let target = self.own(to.offset);
            self.settle(value, to.ty, Some(target));
            self.release(value);
            return;
        }
        let position = match fixed {
            Some(fixed) => fixed,
            None => self.position(&to.index, false),
        };
        self.store_element(to, &position, value);
        self.release_position(position);
        self.release(value);
    }

    /// Writes a text to an element of an array; used where the position is known.
    pub(super) fn store_text(
        &mut self,
        to: &Place,
        from: Operand,
        slots: u32,
        position: Option<&Position>,
    ) {
        let area = Area {
            offset: to.offset,
            index: to.index.clone(),
            len: slots,
        };
        match position {
            Some(_) => self.copy_to_position(&area, from, position),
            None => self.copy_to(&area, from),
        }
    }

    /// Calls a function and takes over its outputs; its result stays in its frame.
    pub(super) fn call_function(&mut self, call: &FunctionCall) {
        // A function called for one argument may use the frame that another is handed over in, so
        // that all are computed before the first is handed over.
        let calls = call.inputs.iter().any(|input| match &input.argument {
            Argument::Value(value) => value.calls(),
            Argument::Block(area) => area.index.iter().any(|index| index.value.calls()),
            Argument::Result(..) => true,
        });
        let positions = self.fixed_positions(&call.outputs);
        let mut waiting = Vec::new();
        let mut texts = Vec::new();
        let mut blocks = Vec::new();
        for input in &call.inputs {
            let target = self.function_slot(call.pou, input.slot);
            match &input.argument {
                Argument::Value(value) if value.ty.is_text() && calls => {
                    texts.push((input, target, self.kept_text(value)));
                }
                Argument::Value(value) if value.ty.is_text() => {
                    self.text_argument(value, input, target);
                }
                Argument::Value(value) if calls => {
                    let safe = self.temporary(value.ty);
                    self.expression_into(value, safe);
                    waiting.push((value.ty, target, safe, 1));
                }
                Argument::Value(value) => self.expression_into(value, target),
                Argument::Block(area) if area.index.is_empty() => {
                    let ty = self.slot_types(area.offset, 1)[0];
                    waiting.push((ty, target, self.own(area.offset), area.len));
                }
                Argument::Block(area) if calls => {
                    let types = self.slot_types(area.offset, area.len).to_vec();
                    let block = self.block(&types);
                    self.copy_from(area, block);
                    blocks.push((types, target, block));
                }
                Argument::Block(area) => self.copy_from(area, target),
                Argument::Result(value, len) => {
                    let (types, result) = self.call_for_slots(value, *len);
                    let block = self.block(&types);
                    self.copy(types[0], block, result, *len);
                    blocks.push((types, target, block));
                }
            }
        }
        for (types, target, block) in blocks {
            self.copy(types[0], target, block, narrow(types.len()));
            self.release_block(block, &types);
        }
        for (ty, target, value, len) in waiting {
            if len == 1 {
                self.emit2(Opcode::Move, ty, target, value);
            } else {
                self.copy(ty, target, value, len);
            }
            self.release(value);
        }
        for (input, target, text) in texts {
            self.hand_over_text(input, target, text);
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
    }

    pub(super) fn function(
        &mut self,
        call: &FunctionCall,
        ty: Elementary,
        wanted: Option<Operand>,
    ) -> Operand {
        self.call_function(call);
        let frame_result = self.function_slot(call.pou, call.result);
        let result = wanted.unwrap_or_else(|| self.temporary(ty));
        self.emit2(Opcode::Move, ty, result, frame_result);
        result
    }

    pub(super) fn call_block(&mut self, call: &BlockCall) {
        let area = &call.instance;
        // An instance whose place is known at run time is called where it can be addressed.
        let moved = (!area.index.is_empty()).then(|| {
            let position = self.position(&area.index, true);
            let types = self.slot_types(area.offset, area.len).to_vec();
            let block = self.block(&types);
            let path = self.path(area.offset, &area.index, area.len);
            let first = position.first.encode();
            self.emit(Opcode::CopyFrom, types[0], block.encode(), path, first);
            (position, types, block)
        });
        let base = moved
            .as_ref()
            .map_or_else(|| self.own(area.offset), |(_, _, block)| *block);
        let positions = self.fixed_positions(&call.outputs);
        for input in &call.inputs {
            self.block_input(input, base.plus(input.slot));
        }
        let instance = base.encode();
        match call.target {
            Block::User(pou) => {
                self.emit(
                    Opcode::CallBlock,
                    Elementary::Bool,
                    narrow(pou),
                    instance,
                    0,
                );
            }
            Block::Standard(standard) => {
                let of = standard.of as u32;
                let at = self.emit(Opcode::CallStandard, Elementary::Bool, instance, 0, of);
                self.generator.code[at].ty = standard.behaviour as u8;
            }
        }
        for (transfer, position) in call.outputs.iter().zip(positions) {
            self.transfer(transfer, base.plus(transfer.from), position);
        }
        if let Some((position, types, block)) = moved {
            self.copy_to_position(area, block, Some(&position));
            self.release_position(position);
            self.release_block(block, &types);
        }
    }

    fn block_input(&mut self, input: &Input, target: Operand) {
        match &input.argument {
            Argument::Value(value) if value.ty.is_text() => {
                self.text_argument(value, input, target);
            }
            Argument::Value(value) => self.expression_into(value, target),
            Argument::Block(area) => self.copy_from(area, target),
            Argument::Result(value, len) => {
                let (types, result) = self.call_for_slots(value, *len);
                self.copy(types[0], target, result, *len);
            }
        }
    }

    /// Calls a function whose result has several slots: their types and the first of them.
    fn call_for_slots(&mut self, value: &Expr, len: u32) -> (Vec<Elementary>, Operand) {
        let ExprKind::Call(call) = &value.kind else {
            unreachable!("such an argument is a call");
        };
        self.call_function(call);
        let frame = &self.generator.unit.pous[call.pou].frame;
        let first = call.result as usize;
        let types = frame.types[first..first + len as usize].to_vec();
        (types, self.function_slot(call.pou, call.result))
    }
}
