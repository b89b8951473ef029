//! The typed program into instructions and the layout of memory.
//!
//! Memory is one array of slots: first the constants, then for each POU its static part (the frame
//! of a FUNCTION, which needs only one because nothing recurses, and the temporaries), then the
//! instance of the PROGRAM with all instances of function blocks inside it.
//!
//! **Invariants:** what is generated passes the verifier; a temporary is written before it is read
//! in the same statement; evaluation goes from left to right, and AND and OR on BOOL evaluate
//! their right side only if it can matter, as far as that can be noticed.

mod area;
mod expression;
mod statement;
mod text;

use std::collections::BTreeMap;

use crate::ast::PouKind;
use crate::bytecode::{Instruction, Opcode, RELATIVE};
use crate::container::{
    AccessPath, ArrayInfo, Entry, ListOperand, Located, Module, NO_TASK, PathSlots, PouRecord,
    SlotCopy, SourceLine, TaskRecord, VariableInfo, narrow,
};
use crate::hir::{self, GLOBAL};
use crate::types::Elementary;

/// Where an operand lies, before the memory is laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operand {
    /// By its number in the pool.
    Const(u32),
    /// Among the static slots of all POUs.
    Static(u32),
    /// Among the slots of VAR_GLOBAL.
    Global(u32),
    /// From the base of the instance.
    Frame(u32),
}

/// Static slots begin here in an operand that is not laid out yet.
const STATIC: u32 = 1 << 30;

impl Operand {
    /// The form that instructions hold until the number of constants is known.
    fn encode(self) -> u32 {
        match self {
            Self::Const(at) => at,
            Self::Static(at) => STATIC | at,
            Self::Global(at) => GLOBAL | at,
            Self::Frame(at) => RELATIVE | at,
        }
    }

    fn plus(self, slots: u32) -> Self {
        match self {
            Self::Const(at) => Self::Const(at + slots),
            Self::Static(at) => Self::Static(at + slots),
            Self::Global(at) => Self::Global(at + slots),
            Self::Frame(at) => Self::Frame(at + slots),
        }
    }
}

/// Pool of constants; equal ones share a slot.
#[derive(Default)]
struct Constants {
    types: Vec<Elementary>,
    values: Vec<u64>,
    by_value: BTreeMap<(Elementary, u64), u32>,
    /// Sequences of constants that are copied as a whole.
    blocks: BTreeMap<Vec<(Elementary, u64)>, u32>,
}

impl Constants {
    fn push(&mut self, ty: Elementary, value: u64) -> u32 {
        self.types.push(ty);
        self.values.push(value);
        narrow(self.types.len() - 1)
    }

    fn get(&mut self, ty: Elementary, value: u64) -> u32 {
        if let Some(&at) = self.by_value.get(&(ty, value)) {
            return at;
        }
        let at = self.push(ty, value);
        self.by_value.insert((ty, value), at);
        at
    }

    fn block(&mut self, values: Vec<(Elementary, u64)>) -> u32 {
        if let Some(&at) = self.blocks.get(&values) {
            return at;
        }
        let at = narrow(self.types.len());
        for &(ty, value) in &values {
            self.push(ty, value);
        }
        self.blocks.insert(values, at);
        at
    }
}

/// Generates the whole unit.
pub(crate) fn generate(unit: &hir::Unit, files: Vec<String>) -> Module {
    let mut generator = Generator {
        unit,
        constants: Constants::default(),
        static_types: Vec::new(),
        code: Vec::new(),
        lines: Vec::new(),
        pous: vec![None; unit.pous.len()],
    };
    for &pou in &unit.order {
        generator.pou(pou);
    }
    generator.finish(files)
}

struct Generator<'u> {
    unit: &'u hir::Unit,
    constants: Constants,
    static_types: Vec<Elementary>,
    code: Vec<Instruction>,
    lines: Vec<SourceLine>,
    pous: Vec<Option<PouRecord>>,
}

impl Generator<'_> {
    fn pou(&mut self, index: usize) {
        let pou = &self.unit.pous[index];
        let static_start = narrow(self.static_types.len());
        let code_start = narrow(self.code.len());
        let is_function = pou.kind == PouKind::Function;
        if is_function {
            self.static_types.extend(&pou.frame.types);
        }
        let mut carried = BTreeMap::new();
        for (label, ty) in &pou.carried {
            let at = narrow(self.static_types.len());
            carried.insert(*label, Operand::Static(at));
            self.static_types.push(*ty);
        }
        let temporaries = narrow(self.static_types.len());
        // The record must exist before the body, which may name its own frame.
        self.pous[index] = Some(PouRecord {
            name: pou.name.clone(),
            kind: pou.kind,
            frame: if is_function {
                Vec::new()
            } else {
                pou.frame.types.clone()
            },
            static_start,
            static_len: 0,
            code_start,
            code_len: 0,
            arrays: Vec::new(),
            paths: Vec::new(),
            lists: Vec::new(),
            file: pou.file,
        });
        let mut body = Body {
            generator: self,
            pou: index,
            is_function,
            free: BTreeMap::new(),
            free_blocks: BTreeMap::new(),
            temporaries,
            arrays: Vec::new(),
            paths: Vec::new(),
            lists: Vec::new(),
            line: pou.end_line,
            loops: Vec::new(),
            returns: Vec::new(),
            carried,
            labels: BTreeMap::new(),
            jumps: Vec::new(),
        };
        body.reset(pou);
        body.edges(pou);
        body.statements(&pou.body);
        body.line = pou.end_line;
        let end = body.here();
        let returns = std::mem::take(&mut body.returns);
        returns.into_iter().for_each(|jump| body.patch(jump, end));
        for (jump, label) in std::mem::take(&mut body.jumps) {
            let target = body.labels.get(&label);
            let target = *target.expect("a jump without a label is reported");
            body.patch(jump, target);
        }
        body.emit(Opcode::Return, Elementary::Bool, 0, 0, 0);
        let arrays = std::mem::take(&mut body.arrays);
        let paths = std::mem::take(&mut body.paths);
        let lists = std::mem::take(&mut body.lists);
        let (code_end, static_end) = (narrow(self.code.len()), narrow(self.static_types.len()));
        if let Some(record) = &mut self.pous[index] {
            (record.arrays, record.paths, record.lists) = (arrays, paths, lists);
            record.code_len = code_end - code_start;
            record.static_len = static_end - static_start;
        }
    }

    /// Lays out the memory and puts the final slots into all operands.
    fn finish(mut self, files: Vec<String>) -> Module {
        let unit = self.unit;
        let connected: Vec<Vec<u32>> = unit
            .instances
            .iter()
            .map(|instance| self.connected_constants(instance))
            .collect();
        let constants = narrow(self.constants.types.len());
        let task_base = constants + narrow(self.static_types.len());
        let task_slots = 2 * narrow(self.unit.tasks.len());
        let global_base = task_base + task_slots;
        let place = |operand: u32| match operand {
            _ if operand & RELATIVE != 0 => operand,
            _ if operand & STATIC != 0 => constants + (operand & !STATIC),
            _ if operand & GLOBAL != 0 => global_base + (operand & !GLOBAL),
            _ => operand,
        };
        for instruction in &mut self.code {
            let names = crate::verifier::operand_slots(instruction.code);
            let fields = [&mut instruction.d, &mut instruction.a, &mut instruction.b];
            for (is_slot, field) in names.into_iter().zip(fields) {
                if is_slot {
                    *field = place(*field);
                }
            }
        }
        let mut pous: Vec<_> = self.pous.into_iter().flatten().collect();
        for pou in &mut pous {
            pou.static_start += constants;
            pou.arrays
                .iter_mut()
                .for_each(|array| array.base = place(array.base));
            pou.paths
                .iter_mut()
                .for_each(|path| path.base = place(path.base));
            let operands = pou.lists.iter_mut().flatten();
            operands.for_each(|operand| operand.operand = place(operand.operand));
        }
        let mut types = self.constants.types;
        types.extend(&self.static_types);
        for _ in &unit.tasks {
            types.extend([Elementary::Ulint, Elementary::Bool]);
        }
        let mut init = self.constants.values;
        init.resize(types.len(), 0);
        types.extend(&unit.globals.types);
        init.extend(&unit.globals.init);
        let mut bases = Vec::new();
        for instance in &unit.instances {
            bases.push(narrow(types.len()));
            types.extend(&unit.pous[instance.pou].frame.types);
            let first = init.len();
            init.extend(&unit.pous[instance.pou].frame.init);
            init[first..first + instance.init.len()].copy_from_slice(&instance.init);
        }
        let layout = Layout {
            global_base,
            task_base,
            bases,
            connected,
        };
        Module {
            files,
            constants,
            types,
            init,
            pous,
            code: self.code,
            lines: self.lines,
            entries: layout.entries(unit),
            tasks: layout.tasks(unit),
            located: layout.located(unit),
            variables: layout.variables(unit),
            accesses: layout.accesses(unit),
        }
    }

    /// Where the constants lie that the inputs of an instance are connected to; 0 for the others.
    fn connected_constants(&mut self, instance: &hir::Instance) -> Vec<u32> {
        let place = |connection: &hir::Connection| match &connection.source {
            hir::Source::Slots(_) => 0,
            hir::Source::Constants(frame) => {
                let values = frame.types.iter().copied().zip(frame.init.iter().copied());
                self.constants.block(values.collect())
            }
        };
        instance.inputs.iter().map(place).collect()
    }
}

/// Where the parts of the memory begin.
struct Layout {
    global_base: u32,
    task_base: u32,
    /// Of each program instance.
    bases: Vec<u32>,
    /// The constants of each program instance's inputs.
    connected: Vec<Vec<u32>>,
}

impl Layout {
    fn slot(&self, instance: Option<usize>, offset: u32) -> u32 {
        instance.map_or(self.global_base, |at| self.bases[at]) + offset
    }

    fn entries(&self, unit: &hir::Unit) -> Vec<Entry> {
        let one = |(at, (instance, base)): (usize, (&hir::Instance, &u32))| Entry {
            pou: narrow(instance.pou),
            base: *base,
            task: instance.task.map_or(NO_TASK, narrow),
            inputs: self.inputs(at, instance),
            outputs: self.outputs(at, instance),
        };
        let instances = unit.instances.iter().zip(&self.bases).enumerate();
        instances.map(one).collect()
    }

    fn inputs(&self, at: usize, instance: &hir::Instance) -> Vec<SlotCopy> {
        let one = |(connection, constants): (&hir::Connection, &u32)| SlotCopy {
            from: match connection.source {
                hir::Source::Slots(offset) => self.slot(None, offset),
                hir::Source::Constants(_) => *constants,
            },
            to: self.slot(Some(at), connection.target),
            len: connection.len,
        };
        let inputs = instance.inputs.iter().zip(&self.connected[at]);
        inputs.map(one).collect()
    }

    fn outputs(&self, at: usize, instance: &hir::Instance) -> Vec<SlotCopy> {
        let one = |connection: &hir::Connection| match connection.source {
            hir::Source::Constants(_) => None,
            hir::Source::Slots(offset) => Some(SlotCopy {
                from: self.slot(Some(at), offset),
                to: self.slot(None, connection.target),
                len: connection.len,
            }),
        };
        instance.outputs.iter().filter_map(one).collect()
    }

    fn tasks(&self, unit: &hir::Unit) -> Vec<TaskRecord> {
        let one = |(at, task): (u32, &hir::Task)| TaskRecord {
            name: task.name.clone(),
            interval_ns: task.interval_ns,
            priority: task.priority,
            single: task.single.map(|offset| self.global_base + offset),
            state: self.task_base + 2 * at,
        };
        (0..).zip(&unit.tasks).map(one).collect()
    }

    fn located(&self, unit: &hir::Unit) -> Vec<Located> {
        let one = |variable: &hir::LocatedVariable| Located {
            name: variable.name.clone(),
            address: variable.address,
            ty: variable.ty,
            slot: self.slot(variable.instance, variable.offset),
            has_init: variable.has_init,
        };
        unit.located.iter().map(one).collect()
    }

    fn variables(&self, unit: &hir::Unit) -> Vec<VariableInfo> {
        let variables = unit.variables.iter();
        variables.map(|variable| self.variable(variable)).collect()
    }

    fn accesses(&self, unit: &hir::Unit) -> Vec<AccessPath> {
        let one = |access: &hir::Access| AccessPath {
            variable: self.variable(&access.variable),
            target: access.target.clone(),
            writable: access.writable,
        };
        unit.accesses.iter().map(one).collect()
    }

    fn variable(&self, variable: &hir::Variable) -> VariableInfo {
        VariableInfo {
            name: variable.path.clone(),
            ty: variable.ty,
            slot: self.slot(variable.instance, variable.offset),
            array: variable.array.map(|(low, len)| ArrayInfo { low, len }),
            capacity: variable.capacity,
            retain: variable.retain,
        }
    }
}

/// The jumps out of a loop that wait for their target.
#[derive(Default)]
struct Loop {
    exits: Vec<usize>,
    continues: Vec<usize>,
}

/// Generates the code of one POU.
struct Body<'g, 'u> {
    generator: &'g mut Generator<'u>,
    pou: usize,
    is_function: bool,
    /// Temporaries that hold nothing at the moment, by type.
    free: BTreeMap<Elementary, Vec<u32>>,
    /// The same for neighbouring slots, by their types.
    free_blocks: BTreeMap<Vec<Elementary>, Vec<u32>>,
    /// First static slot that is a temporary of this POU.
    temporaries: u32,
    arrays: Vec<crate::container::ArraySlots>,
    paths: Vec<PathSlots>,
    lists: Vec<Vec<ListOperand>>,
    line: u32,
    loops: Vec<Loop>,
    returns: Vec<usize>,
    /// Where the current result of a list lies behind a label, by the label's number.
    carried: BTreeMap<u32, Operand>,
    /// Where labels stand, and the jumps to them.
    labels: BTreeMap<u32, u32>,
    jumps: Vec<(usize, u32)>,
}

impl Body<'_, '_> {
    fn here(&self) -> u32 {
        narrow(self.generator.code.len())
    }

    /// Appends an instruction and gives its place, for a jump that is patched later.
    fn emit(&mut self, code: Opcode, ty: Elementary, d: u32, a: u32, b: u32) -> usize {
        let at = self.generator.code.len();
        let changes = self
            .generator
            .lines
            .last()
            .is_none_or(|last| last.line != self.line);
        if changes {
            self.generator.lines.push(SourceLine {
                instruction: narrow(at),
                line: self.line,
            });
        }
        self.generator.code.push(Instruction {
            code,
            ty: ty as u8,
            d,
            a,
            b,
        });
        at
    }

    fn emit3(&mut self, code: Opcode, ty: Elementary, d: Operand, a: Operand, b: Operand) {
        self.emit(code, ty, d.encode(), a.encode(), b.encode());
    }

    fn emit2(&mut self, code: Opcode, ty: Elementary, d: Operand, a: Operand) {
        self.emit(code, ty, d.encode(), a.encode(), 0);
    }

    fn copy(&mut self, ty: Elementary, d: Operand, a: Operand, len: u32) {
        self.emit(Opcode::Copy, ty, d.encode(), a.encode(), len);
    }

    fn patch(&mut self, jump: usize, target: u32) {
        self.generator.code[jump].d = target;
    }

    fn patch_all(&mut self, jumps: Vec<usize>) {
        let here = self.here();
        jumps.into_iter().for_each(|jump| self.patch(jump, here));
    }

    fn constant(&mut self, ty: Elementary, value: u64) -> Operand {
        Operand::Const(self.generator.constants.get(ty, value))
    }

    /// A slot of the POU's own frame, or of VAR_GLOBAL.
    fn own(&self, offset: u32) -> Operand {
        if offset & GLOBAL != 0 {
            Operand::Global(offset & !GLOBAL)
        } else if self.is_function {
            self.function_slot(self.pou, offset)
        } else {
            Operand::Frame(offset)
        }
    }

    /// A slot of the one frame of a FUNCTION.
    fn function_slot(&self, pou: usize, offset: u32) -> Operand {
        let record = self.generator.pous[pou]
            .as_ref()
            .expect("callees are generated first");
        Operand::Static(record.static_start + offset)
    }

    fn temporary(&mut self, ty: Elementary) -> Operand {
        if let Some(at) = self.free.get_mut(&ty).and_then(Vec::pop) {
            return Operand::Static(at);
        }
        self.generator.static_types.push(ty);
        Operand::Static(narrow(self.generator.static_types.len() - 1))
    }

    /// Types of the slots from an offset on.
    fn slot_types(&self, offset: u32, len: u32) -> &[Elementary] {
        let unit = self.generator.unit;
        let types = if offset & GLOBAL == 0 {
            &unit.pous[self.pou].frame.types
        } else {
            &unit.globals.types
        };
        let first = (offset & !GLOBAL) as usize;
        &types[first..first + len as usize]
    }

    /// Neighbouring temporaries of these types.
    fn block(&mut self, types: &[Elementary]) -> Operand {
        if let Some(at) = self.free_blocks.get_mut(types).and_then(Vec::pop) {
            return Operand::Static(at);
        }
        let first = narrow(self.generator.static_types.len());
        self.generator.static_types.extend(types);
        Operand::Static(first)
    }

    /// Gives a block of temporaries back.
    fn release_block(&mut self, block: Operand, types: &[Elementary]) {
        if let Operand::Static(at) = block {
            self.free_blocks.entry(types.to_vec()).or_default().push(at);
        }
    }

    /// Neighbouring temporaries that are never used again.
    fn temporary_block(&mut self, ty: Elementary, len: usize) -> Operand {
        let first = narrow(self.generator.static_types.len());
        self.generator
            .static_types
            .extend(std::iter::repeat_n(ty, len));
        Operand::Static(first)
    }

    /// Gives a temporary back; other operands are none, and stay as they are.
    fn release(&mut self, operand: Operand) {
        if let Operand::Static(at) = operand
            && at >= self.temporaries
        {
            let ty = self.generator.static_types[at as usize];
            self.free.entry(ty).or_default().push(at);
        }
    }

    fn is_temporary(&self, operand: Operand) -> bool {
        matches!(operand, Operand::Static(at) if at >= self.temporaries)
    }

    /// Inputs with R_EDGE or F_EDGE become what R_TRIG or F_TRIG would make of them.
    fn edges(&mut self, pou: &hir::Pou) {
        let bool = Elementary::Bool;
        for edge in &pou.edges {
            let (input, memory) = (self.own(edge.input), self.own(edge.memory));
            let clock = self.temporary(bool);
            let code = if edge.rising {
                Opcode::Move
            } else {
                Opcode::Not
            };
            self.emit2(code, bool, clock, input);
            self.emit3(Opcode::AndNot, bool, input, clock, memory);
            self.emit2(Opcode::Move, bool, memory, clock);
            self.release(clock);
        }
    }

    /// Brings the variables that begin anew in each call to their initial values.
    fn reset(&mut self, pou: &hir::Pou) {
        for &(offset, len) in &pou.reset {
            let slots = offset as usize..(offset + len) as usize;
            let values: Vec<_> = pou.frame.types[slots.clone()]
                .iter()
                .copied()
                .zip(pou.frame.init[slots].iter().copied())
                .collect();
            let target = self.own(offset);
            if let [(ty, value)] = values.as_slice() {
                let constant = self.constant(*ty, *value);
                self.emit2(Opcode::Move, *ty, target, constant);
            } else {
                let ty = values[0].0;
                let block = Operand::Const(self.generator.constants.block(values));
                self.copy(ty, target, block, len);
            }
        }
    }
}
