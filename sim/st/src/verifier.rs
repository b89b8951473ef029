//! Decides whether a module is safe to run.
//!
//! What it accepts can neither panic nor leave its memory: every operand names a slot of the type
//! that its instruction needs, no instruction writes a constant, jumps stay in their POU, no POU
//! runs off its end, instances have the layout of their type, and the calls form no circle and
//! nest no deeper than the machine's stack; no two POUs have one name. Loops need no proof: fuel ends them.
//!
//! **Invariant:** the work is bounded by the size of the module and [`MAX_WORK`].

use std::collections::BTreeSet;

use thiserror::Error;

use crate::ast::PouKind;
use crate::bytecode::{Form, INTEGERS, Instruction, MathFunction, RELATIVE};
use crate::container::{Module, NO_TASK, PathSlots, PouRecord};
use crate::intrinsic::{Intrinsic, MAX_TEXT_LEN, Param, text_words};
use crate::standard_fb::StandardFb;
use crate::types::Elementary;

/// Calls that may be open at once, the PROGRAM's body not counted.
pub(crate) const MAX_CALL_DEPTH: usize = 64;
/// Slots that a program's memory may have.
const MAX_SLOTS: usize = 1 << 20;
/// Tasks, and instances of a PROGRAM, that a program may have.
pub(crate) const MAX_TASKS: usize = 64;
/// Instructions that a program may have.
const MAX_CODE: usize = 1 << 20;
/// Indices of one element.
const MAX_DIMS: usize = 16;
/// Slots that all copies, arrays and instances together may make the verifier look at.
const MAX_WORK: u64 = 1 << 26;

/// What is wrong with a module.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Fault {
    /// More memory or code than a controller has.
    #[error("the program is too large")]
    TooLarge,
    /// The memory's description contradicts itself, or an initial value does not fit its type.
    #[error("the memory layout is invalid")]
    Memory,
    /// A POU's code or slots lie outside the module, or overlap its neighbour's.
    #[error("POU {pou} is invalid")]
    Pou {
        /// Number of the POU.
        pou: usize,
    },
    /// An instruction is invalid where it stands.
    #[error("instruction {at} is invalid: {reason}")]
    Instruction {
        /// Number of the instruction.
        at: usize,
        /// What it violates.
        reason: &'static str,
    },
    /// POUs call each other in a circle, or too deeply.
    #[error("calls nest too deeply or in a circle")]
    Calls,
    /// The tables for entries, located variables or watching are invalid.
    #[error("the {table} table is invalid")]
    Table {
        /// Which table.
        table: &'static str,
    },
}

/// Which of the operands `d`, `a`, `b` name slots.
pub(crate) fn operand_slots(code: crate::bytecode::Opcode) -> [bool; 3] {
    match code.form() {
        Form::Binary(_) | Form::Compare(_) | Form::Shift | Form::MoveIf | Form::Check(_) => {
            [true, true, true]
        }
        Form::Unary(_) | Form::Convert(..) | Form::Reinterpret | Form::Math | Form::Copy => {
            [true, true, false]
        }
        Form::JumpIf | Form::CallBlock => [false, true, false],
        Form::LoadIndex
        | Form::StoreIndex
        | Form::LoadElement
        | Form::StoreElement
        | Form::CopyFrom
        | Form::CopyTo => [true, false, true],
        Form::CallStandard => [true, false, false],
        Form::Jump | Form::CallFunction | Form::Return | Form::Intrinsic => [false, false, false],
    }
}

/// Checks all of a module.
pub(crate) fn verify(module: &Module) -> Result<(), Fault> {
    let too_large = module.types.len() > MAX_SLOTS
        || module.code.len() > MAX_CODE
        || module.tasks.len() > MAX_TASKS
        || module.entries.len() > MAX_TASKS;
    if too_large {
        return Err(Fault::TooLarge);
    }
    verify_memory(module)?;
    verify_ranges(module)?;
    verify_names(module)?;
    let mut verifier = Verifier { module, work: 0 };
    for pou in 0..module.pous.len() {
        verifier.pou(pou)?;
    }
    verify_calls(module)?;
    verify_connections(module, &mut verifier)?;
    verify_tables(module)
}

/// Names tell POUs apart, so that an online edit knows which one it replaces.
fn verify_names(module: &Module) -> Result<(), Fault> {
    let mut names = BTreeSet::new();
    for (pou, record) in module.pous.iter().enumerate() {
        if !names.insert(record.name.to_ascii_uppercase()) {
            return Err(Fault::Pou { pou });
        }
    }
    Ok(())
}

/// What is copied before and after a run lies in the memory and keeps its type.
fn verify_connections(module: &Module, verifier: &mut Verifier<'_>) -> Result<(), Fault> {
    let slots = |first: u32, len: u32| {
        let first = first as usize;
        module.types.get(first..first.checked_add(len as usize)?)
    };
    for entry in &module.entries {
        for copy in entry.inputs.iter().chain(&entry.outputs) {
            verifier.spend(copy.len.into())?;
            let to = slots(copy.to, copy.len);
            let valid = to.is_some() && to == slots(copy.from, copy.len);
            if !valid || copy.len == 0 || copy.to < module.constants {
                return Err(Fault::Table {
                    table: "connection",
                });
            }
        }
    }
    Ok(())
}

fn verify_memory(module: &Module) -> Result<(), Fault> {
    let fits = module.constants as usize <= module.types.len()
        && module.init.len() == module.types.len()
        && module
            .types
            .iter()
            .zip(&module.init)
            .all(|(ty, &value)| is_canonical(*ty, value));
    if fits { Ok(()) } else { Err(Fault::Memory) }
}

fn is_canonical(ty: Elementary, value: u64) -> bool {
    ty.canonical(value) == value
}

/// The POUs' code lies in a row and covers all; their static slots lie outside the constants.
fn verify_ranges(module: &Module) -> Result<(), Fault> {
    let mut by_start: Vec<_> = module.pous.iter().enumerate().collect();
    by_start.sort_by_key(|(_, pou)| pou.code_start);
    let mut next = 0u64;
    for (index, pou) in by_start {
        let static_end = u64::from(pou.static_start) + u64::from(pou.static_len);
        let valid = u64::from(pou.code_start) == next
            && pou.code_len > 0
            && pou.frame.len() <= MAX_SLOTS
            && (pou.kind != PouKind::Function || pou.frame.is_empty())
            && (pou.file as usize) < module.files.len()
            && pou.static_start >= module.constants
            && static_end <= module.types.len() as u64;
        if !valid {
            return Err(Fault::Pou { pou: index });
        }
        next += u64::from(pou.code_len);
    }
    let rising = module
        .lines
        .is_sorted_by(|a, b| a.instruction < b.instruction);
    if next != module.code.len() as u64 {
        return Err(Fault::Memory);
    }
    if rising {
        Ok(())
    } else {
        Err(Fault::Table { table: "line" })
    }
}

struct Verifier<'m> {
    module: &'m Module,
    work: u64,
}

/// A reason to reject an instruction.
type Check = Result<(), &'static str>;

impl<'m> Verifier<'m> {
    fn pou(&mut self, index: usize) -> Result<(), Fault> {
        let pou = &self.module.pous[index];
        for array in &pou.arrays {
            self.spend(array.len.into())?;
            let valid = array.len > 0
                && self
                    .types(pou, array.base, array.len as usize)
                    .is_some_and(|types| types.iter().all(|ty| *ty == array.ty));
            if !valid {
                return Err(Fault::Pou { pou: index });
            }
        }
        for path in &pou.paths {
            if !self.path(pou, path)? {
                return Err(Fault::Pou { pou: index });
            }
        }
        let start = pou.code_start as usize;
        let code = &self.module.code[start..start + pou.code_len as usize];
        for (offset, instruction) in code.iter().enumerate() {
            let at = start + offset;
            let result = self.instruction(pou, instruction);
            result.map_err(|reason| Fault::Instruction { at, reason })?;
        }
        let ends = code.last().map(|last| last.code.form());
        if !matches!(ends, Some(Form::Return | Form::Jump)) {
            let at = start + code.len() - 1;
            return Err(Fault::Instruction {
                at,
                reason: "the POU runs off its end",
            });
        }
        Ok(())
    }

    /// Whether each element of a path lies in the memory and has the types of the first one.
    fn path(&mut self, pou: &'m PouRecord, path: &PathSlots) -> Result<bool, Fault> {
        let one = u64::from(path.len);
        let mut count = 1u64;
        let mut extent = one;
        for dim in &path.dims {
            count = count.saturating_mul(dim.len.into());
            let last = u64::from(dim.len).saturating_sub(1);
            extent = extent.saturating_add(last.saturating_mul(dim.stride.into()));
        }
        let plain = !path.dims.is_empty() && path.dims.len() <= MAX_DIMS && count > 0 && one > 0;
        if !plain || extent > MAX_SLOTS as u64 {
            return Ok(false);
        }
        self.spend(count.saturating_mul(one))?;
        let extent = usize::try_from(extent).unwrap_or(usize::MAX);
        let Some(types) = self.types(pou, path.base, extent) else {
            return Ok(false);
        };
        let len = path.len as usize;
        let first = &types[..len];
        let whole = (0..count).all(|at| {
            let mut rest = at;
            let mut offset = 0;
            for dim in path.dims.iter().rev() {
                offset += rest % u64::from(dim.len) * u64::from(dim.stride);
                rest /= u64::from(dim.len);
            }
            let offset = usize::try_from(offset).unwrap_or(usize::MAX);
            types.get(offset..offset + len) == Some(first)
        });
        Ok(whole)
    }

    fn spend(&mut self, slots: u64) -> Result<(), Fault> {
        self.work = self.work.saturating_add(slots);
        if self.work > MAX_WORK {
            Err(Fault::TooLarge)
        } else {
            Ok(())
        }
    }

    /// Types of the slots from an operand on.
    fn types(&self, pou: &'m PouRecord, operand: u32, len: usize) -> Option<&'m [Elementary]> {
        let (types, first) = if operand & RELATIVE == 0 {
            (&self.module.types, operand as usize)
        } else {
            (&pou.frame, (operand & !RELATIVE) as usize)
        };
        types.get(first..first.checked_add(len)?)
    }

    fn reads(&self, pou: &'m PouRecord, operand: u32, ty: Elementary) -> Check {
        match self.slot(pou, operand) {
            Some(found) if found == ty => Ok(()),
            Some(_) => Err("an operand has another type"),
            None => Err("an operand lies outside the memory"),
        }
    }

    fn writes(&self, pou: &'m PouRecord, operand: u32, ty: Elementary) -> Check {
        self.reads(pou, operand, ty)?;
        self.not_constant(operand)
    }

    fn not_constant(&self, operand: u32) -> Check {
        if operand & RELATIVE == 0 && operand < self.module.constants {
            return Err("a constant is written");
        }
        Ok(())
    }

    fn slot(&self, pou: &'m PouRecord, operand: u32) -> Option<Elementary> {
        let (types, at) = if operand & RELATIVE == 0 {
            (&self.module.types, operand)
        } else {
            (&pou.frame, operand & !RELATIVE)
        };
        types.get(at as usize).copied()
    }

    fn reads_integer(&self, pou: &'m PouRecord, operand: u32) -> Check {
        match self.slot(pou, operand) {
            Some(ty) if INTEGERS.contains(ty) => Ok(()),
            _ => Err("an operand is no integer"),
        }
    }

    fn jumps(&self, pou: &'m PouRecord, target: u32) -> Check {
        let inside = (pou.code_start..pou.code_start + pou.code_len).contains(&target);
        if inside {
            Ok(())
        } else {
            Err("a jump leaves its POU")
        }
    }

    /// A block of slots with these types, none of them constant.
    fn instance(&mut self, pou: &'m PouRecord, operand: u32, layout: &[Elementary]) -> Check {
        self.spend(layout.len() as u64)
            .map_err(|_| "too much to verify")?;
        self.not_constant(operand)?;
        match self.types(pou, operand, layout.len()) {
            Some(types) if types == layout => Ok(()),
            _ => Err("the instance does not have the layout of its type"),
        }
    }

    fn instruction(&mut self, pou: &'m PouRecord, instruction: &Instruction) -> Check {
        let Instruction { code, d, a, b, .. } = *instruction;
        let form = code.form();
        if form == Form::CallStandard {
            let standard =
                StandardFb::from_codes(instruction.ty, b).ok_or("no such standard block")?;
            let layout: Vec<_> = standard.fields().iter().map(|field| field.ty).collect();
            return self.instance(pou, d, &layout);
        }
        if form == Form::Intrinsic {
            return self.intrinsic(pou, instruction.ty, d);
        }
        let ty = Elementary::from_code(instruction.ty).ok_or("no such type")?;
        let bool = Elementary::Bool;
        let allowed = |types: crate::bytecode::Types| {
            if types.contains(ty) {
                Ok(())
            } else {
                Err("the instruction does not take this type")
            }
        };
        match form {
            Form::Binary(types) => {
                allowed(types)?;
                self.reads(pou, a, ty)?;
                self.reads(pou, b, ty)?;
                self.writes(pou, d, ty)
            }
            Form::Unary(types) => {
                allowed(types)?;
                self.reads(pou, a, ty)?;
                self.writes(pou, d, ty)
            }
            Form::Compare(types) => {
                allowed(types)?;
                self.reads(pou, a, ty)?;
                self.reads(pou, b, ty)?;
                self.writes(pou, d, bool)
            }
            Form::Shift => {
                if !ty.is_bit_string() {
                    return Err("a shift needs a bit string");
                }
                self.reads(pou, a, ty)?;
                self.reads_integer(pou, b)?;
                self.writes(pou, d, ty)
            }
            Form::Convert(from, to) => {
                allowed(to)?;
                let source = self
                    .slot(pou, a)
                    .ok_or("an operand lies outside the memory")?;
                if !from.contains(source) {
                    return Err("the conversion does not take this type");
                }
                self.writes(pou, d, ty)
            }
            Form::Reinterpret => self.reinterpret(pou, ty, d, a),
            Form::MoveIf => {
                self.reads(pou, a, ty)?;
                self.reads(pou, b, bool)?;
                self.writes(pou, d, ty)
            }
            Form::Math => {
                MathFunction::from_code(b).ok_or("no such function")?;
                self.reads(pou, a, Elementary::Lreal)?;
                self.writes(pou, d, Elementary::Lreal)
            }
            Form::Jump => self.jumps(pou, d),
            Form::JumpIf => {
                self.reads(pou, a, bool)?;
                self.jumps(pou, d)
            }
            Form::LoadIndex | Form::StoreIndex => {
                let array = pou.arrays.get(a as usize).ok_or("no such array")?;
                if array.ty != ty {
                    return Err("the array has another type");
                }
                self.reads_integer(pou, b)?;
                if form == Form::LoadIndex {
                    return self.writes(pou, d, ty);
                }
                self.not_constant(array.base)?;
                self.reads(pou, d, ty)
            }
            Form::Copy => self.copy(pou, d, a, b),
            Form::CallFunction | Form::CallBlock => self.call(pou, form, d, a),
            Form::Return => Ok(()),
            Form::LoadElement | Form::StoreElement | Form::CopyFrom | Form::CopyTo => {
                self.element(pou, form, ty, instruction)
            }
            Form::Check(types) => {
                allowed(types)?;
                self.reads(pou, d, ty)?;
                self.reads(pou, a, ty)?;
                self.reads(pou, b, ty)
            }
            Form::CallStandard | Form::Intrinsic => unreachable!("handled above"),
        }
    }

    /// An access to an element of a path, whose indices begin at `b`.
    fn element(
        &mut self,
        pou: &'m PouRecord,
        form: Form,
        ty: Elementary,
        instruction: &Instruction,
    ) -> Check {
        let path = pou
            .paths
            .get(instruction.a as usize)
            .ok_or("no such path")?;
        if path.dims.len() == 1 {
            self.reads_integer(pou, instruction.b)?;
        } else {
            let indices = self.types(pou, instruction.b, path.dims.len());
            let whole = indices.is_some_and(|list| list.iter().all(|ty| *ty == Elementary::Lint));
            if !whole {
                return Err("the indices of a path are LINT");
            }
        }
        let len = path.len as usize;
        self.spend(path.len.into())
            .map_err(|_| "too much to verify")?;
        let element = self.types(pou, path.base, len).ok_or("no such path")?;
        let other = self.types(pou, instruction.d, len);
        if other != Some(element) {
            return Err("the element has other types");
        }
        if matches!(form, Form::LoadElement | Form::StoreElement) && element != [ty] {
            return Err("the element has another type");
        }
        if matches!(form, Form::LoadElement | Form::CopyFrom) {
            self.not_constant(instruction.d)
        } else {
            self.not_constant(path.base)
        }
    }

    fn intrinsic(&mut self, pou: &'m PouRecord, function: u8, list: u32) -> Check {
        let function = Intrinsic::from_code(function).ok_or("no such intrinsic")?;
        let operands = pou.lists.get(list as usize).ok_or("no such list")?;
        let params = function.params();
        if operands.len() != params.len() {
            return Err("the intrinsic takes another number of operands");
        }
        for (operand, param) in operands.iter().zip(params) {
            match *param {
                Param::In(ty) => self.reads(pou, operand.operand, ty)?,
                Param::Out(ty) => self.writes(pou, operand.operand, ty)?,
                Param::TextIn | Param::TextOut => {
                    if *param == Param::TextOut {
                        self.not_constant(operand.operand)?;
                    }
                    self.text(pou, operand)?;
                }
            }
        }
        Ok(())
    }

    fn text(&mut self, pou: &'m PouRecord, operand: &crate::container::ListOperand) -> Check {
        let ty = if operand.wide {
            Elementary::Wstring
        } else {
            Elementary::String
        };
        if operand.capacity > MAX_TEXT_LEN {
            return Err("a text is too long");
        }
        let words = text_words(ty, operand.capacity);
        self.spend(words.into()).map_err(|_| "too much to verify")?;
        let types = self.types(pou, operand.operand, 1 + words as usize);
        let fits = types.is_some_and(|types| {
            types[0] == ty && types[1..].iter().all(|ty| *ty == Elementary::Lword)
        });
        if fits {
            Ok(())
        } else {
            Err("an operand is no text")
        }
    }

    fn reinterpret(&self, pou: &'m PouRecord, ty: Elementary, d: u32, a: u32) -> Check {
        let source = self
            .slot(pou, a)
            .ok_or("an operand lies outside the memory")?;
        let bits_and_real =
            source.is_bit_string() && ty.is_real() || source.is_real() && ty.is_bit_string();
        if !bits_and_real || source.bits() != ty.bits() {
            return Err("the bits do not fit");
        }
        self.writes(pou, d, ty)
    }

    fn copy(&mut self, pou: &'m PouRecord, d: u32, a: u32, len: u32) -> Check {
        self.spend(len.into()).map_err(|_| "too much to verify")?;
        self.not_constant(d)?;
        let (to, from) = (
            self.types(pou, d, len as usize),
            self.types(pou, a, len as usize),
        );
        match (to, from) {
            (Some(to), Some(from)) if to == from => Ok(()),
            _ => Err("the copied slots have other types or lie outside the memory"),
        }
    }

    fn call(&mut self, pou: &'m PouRecord, form: Form, callee: u32, instance: u32) -> Check {
        let module = self.module;
        let callee = module.pous.get(callee as usize).ok_or("no such POU")?;
        match (form, callee.kind) {
            (Form::CallFunction, PouKind::Function) => Ok(()),
            (Form::CallBlock, PouKind::FunctionBlock) => {
                self.instance(pou, instance, &callee.frame)
            }
            _ => Err("the callee is of another kind"),
        }
    }
}

/// The POUs that a POU calls.
fn callees<'m>(module: &'m Module, pou: &'m PouRecord) -> impl Iterator<Item = usize> + 'm {
    let start = pou.code_start as usize;
    let code = &module.code[start..start + pou.code_len as usize];
    code.iter()
        .filter_map(|instruction| match instruction.code.form() {
            Form::CallFunction | Form::CallBlock => Some(instruction.d as usize),
            _ => None,
        })
}

/// The call graph has no circle, and its longest path fits the stack.
fn verify_calls(module: &Module) -> Result<(), Fault> {
    // How deeply each POU calls, once known; found by repeated removal of POUs whose callees are
    // all known, so that a circle is what remains.
    let calls: Vec<Vec<usize>> = module
        .pous
        .iter()
        .map(|pou| {
            let mut list: Vec<_> = callees(module, pou).collect();
            list.sort_unstable();
            list.dedup();
            list
        })
        .collect();
    let mut callers = vec![Vec::new(); calls.len()];
    let mut open: Vec<usize> = calls.iter().map(Vec::len).collect();
    for (caller, list) in calls.iter().enumerate() {
        list.iter().for_each(|&callee| callers[callee].push(caller));
    }
    let mut depth = vec![0usize; calls.len()];
    let mut ready: Vec<usize> = (0..calls.len()).filter(|&pou| open[pou] == 0).collect();
    let mut known = 0;
    while let Some(pou) = ready.pop() {
        known += 1;
        for &caller in &callers[pou] {
            depth[caller] = depth[caller].max(depth[pou] + 1);
            open[caller] -= 1;
            if open[caller] == 0 {
                ready.push(caller);
            }
        }
    }
    let fits = known == calls.len() && depth.iter().all(|&depth| depth <= MAX_CALL_DEPTH);
    if fits { Ok(()) } else { Err(Fault::Calls) }
}

fn verify_tables(module: &Module) -> Result<(), Fault> {
    let slot = |at: u32| module.types.get(at as usize).copied();
    let variable_slot = |at: u32| slot(at).filter(|_| at >= module.constants);
    for entry in &module.entries {
        let pou = module.pous.get(entry.pou as usize);
        let base = entry.base as usize;
        let valid = pou.is_some_and(|pou| {
            pou.kind == PouKind::Program
                && entry.base >= module.constants
                && (entry.task == NO_TASK || (entry.task as usize) < module.tasks.len())
                && module.types.get(base..base.saturating_add(pou.frame.len())) == Some(&pou.frame)
        });
        if !valid {
            return Err(Fault::Table { table: "entry" });
        }
    }
    for task in &module.tasks {
        let single = task
            .single
            .is_none_or(|at| variable_slot(at) == Some(Elementary::Bool));
        let state = variable_slot(task.state) == Some(Elementary::Ulint)
            && task.state.checked_add(1).and_then(variable_slot) == Some(Elementary::Bool);
        if !single || !state {
            return Err(Fault::Table { table: "task" });
        }
    }
    for located in &module.located {
        let valid = located.address.fits()
            && located.address.accepts(located.ty)
            && variable_slot(located.slot) == Some(located.ty);
        if !valid {
            return Err(Fault::Table { table: "located" });
        }
    }
    let accesses = module.accesses.iter().map(|access| &access.variable);
    for variable in module.variables.iter().chain(accesses) {
        let len = variable.array.map_or(1, |array| array.len);
        let end = u64::from(variable.slot) + u64::from(len);
        let valid = len > 0
            && end <= module.types.len() as u64
            && variable
                .array
                .is_none_or(|array| array.low.checked_add(len.into()).is_some())
            && (variable.slot..variable.slot + len)
                .all(|at| variable_slot(at) == Some(variable.ty))
            && (!variable.ty.is_text() || is_text(module, variable));
        if !valid {
            return Err(Fault::Table { table: "variable" });
        }
    }
    Ok(())
}

/// Whether the slots of a watched text are its own.
fn is_text(module: &Module, variable: &crate::container::VariableInfo) -> bool {
    let first = variable.slot as usize + 1;
    let words = text_words(variable.ty, variable.capacity) as usize;
    let types = module.types.get(first..first + words);
    variable.array.is_none()
        && variable.capacity <= MAX_TEXT_LEN
        && types.is_some_and(|types| types.iter().all(|ty| *ty == Elementary::Lword))
}

#[cfg(test)]
mod tests;
