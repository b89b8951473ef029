//! A verified program, ready to run.
//!
//! **Invariant:** every [`Program`] has passed the verifier; the virtual machine relies on it.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::ast::PouKind;
use crate::bytecode::{Form, Instruction, MathFunction, Opcode, RELATIVE};
use crate::container::{
    self, AccessPath, ArraySlots, ListOperand, Located, Module, NO_TASK, PathSlots, PouRecord,
    SlotCopy, VariableInfo, VerifyError, narrow,
};
use crate::intrinsic::{self, Intrinsic, text_words};
use crate::standard_fb::StandardFb;
use crate::transfer::Transfers;
use crate::types::Elementary;
use crate::value::Value;
use crate::verifier;

/// An instruction as the machine runs it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Op {
    pub(crate) code: Opcode,
    /// Bits of a slot that the type leaves unused.
    pub(crate) shift: u8,
    pub(crate) cost_ns: u16,
    pub(crate) d: u32,
    pub(crate) a: u32,
    pub(crate) b: u32,
}

/// A PROGRAM instance as the machine starts it.
#[derive(Clone, Debug)]
pub(crate) struct EntryPoint {
    /// First instruction.
    pub(crate) start: u32,
    /// First slot of the instance.
    pub(crate) base: u32,
    /// Its task; `None` runs in every scan.
    pub(crate) task: Option<usize>,
    /// What is copied before and after it runs.
    pub(crate) inputs: Vec<SlotCopy>,
    pub(crate) outputs: Vec<SlotCopy>,
}

/// A task as the machine schedules it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Schedule {
    pub(crate) interval_ns: u64,
    pub(crate) single: Option<u32>,
    /// Slot of the time when it is due next, and behind it of SINGLE as it was.
    pub(crate) state: usize,
}

/// The operands of an intrinsic, with their places.
#[derive(Clone, Debug)]
pub(crate) struct IntrinsicOperands {
    pub(crate) function: Intrinsic,
    pub(crate) operands: Vec<ListOperand>,
}

/// A task of a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskInfo {
    /// Name as declared.
    pub name: String,
    /// Time from one start to the next, ns; 0 where it has none.
    pub interval_ns: u64,
    /// 0 is the most urgent.
    pub priority: u32,
    /// Names of the PROGRAMs that it runs.
    pub programs: Vec<String>,
}

/// A compiled, verified program.
#[derive(Clone, Debug)]
pub struct Program {
    module: Module,
    bytes_digest: [u8; 32],
    ops: Vec<Op>,
    /// Of all POUs in a row.
    arrays: Vec<ArraySlots>,
    standards: Vec<StandardFb>,
    paths: Vec<PathSlots>,
    lists: Vec<IntrinsicOperands>,
    /// What runs, the most urgent first.
    entries: Vec<EntryPoint>,
    /// Of each task.
    tasks: Vec<Schedule>,
    transfers: Transfers,
    /// Index into the variables by capitalised path.
    by_path: BTreeMap<String, usize>,
    /// Index into the access paths by capitalised name.
    by_access: BTreeMap<String, usize>,
}

/// A program organization unit of a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PouInfo {
    /// Name as declared.
    pub name: String,
    /// What it is.
    pub kind: PouKind,
    /// Digest of its logic and layout. Comments, other POUs and the place in the file do not
    /// matter to it.
    pub digest: [u8; 32],
    /// Number of its instructions.
    pub instructions: u32,
}

impl Program {
    /// Verifies a module and prepares it to run.
    pub(crate) fn from_module(module: Module) -> Result<Self, VerifyError> {
        verifier::verify(&module)?;
        let bytes = container::encode(&module);
        let bytes_digest = *blake3::hash(&bytes).as_bytes();
        let mut program = Self {
            ops: Vec::with_capacity(module.code.len()),
            arrays: Vec::new(),
            standards: Vec::new(),
            paths: Vec::new(),
            lists: Vec::new(),
            entries: Vec::new(),
            tasks: Vec::new(),
            transfers: Transfers::new(&module.located),
            by_path: BTreeMap::new(),
            by_access: BTreeMap::new(),
            bytes_digest,
            module,
        };
        program.prepare();
        Ok(program)
    }

    fn prepare(&mut self) {
        let module = &self.module;
        let mut ops = vec![None; module.code.len()];
        for pou in &module.pous {
            let first = Tables {
                array: narrow(self.arrays.len()),
                path: narrow(self.paths.len()),
                lists: &pou.lists,
                paths: &pou.paths,
            };
            self.arrays.extend(&pou.arrays);
            self.paths.extend(pou.paths.iter().cloned());
            let start = pou.code_start as usize;
            let code = start..start + pou.code_len as usize;
            for (op, instruction) in ops[code.clone()].iter_mut().zip(&module.code[code]) {
                let prepared = prepare_op(
                    instruction,
                    module,
                    &first,
                    &mut self.standards,
                    &mut self.lists,
                );
                *op = Some(prepared);
            }
        }
        self.ops = ops.into_iter().flatten().collect();
        assert_eq!(self.ops.len(), module.code.len(), "the POUs cover the code");
        let mut entries: Vec<_> = module.entries.iter().collect();
        let priority = |task: u32| {
            module
                .tasks
                .get(task as usize)
                .map_or(u32::MAX, |t| t.priority)
        };
        // A stable sort: equal priorities run in the order of the source.
        entries.sort_by_key(|entry| (entry.task == NO_TASK, priority(entry.task)));
        self.entries = entries
            .into_iter()
            .map(|entry| EntryPoint {
                start: module.pous[entry.pou as usize].code_start,
                base: entry.base,
                task: (entry.task != NO_TASK).then_some(entry.task as usize),
                inputs: entry.inputs.clone(),
                outputs: entry.outputs.clone(),
            })
            .collect();
        self.tasks = module
            .tasks
            .iter()
            .map(|task| Schedule {
                interval_ns: task.interval_ns,
                single: task.single,
                state: task.state as usize,
            })
            .collect();
        for (at, variable) in module.variables.iter().enumerate() {
            self.by_path
                .entry(variable.name.to_ascii_uppercase())
                .or_insert(at);
        }
        for (at, access) in module.accesses.iter().enumerate() {
            self.by_access
                .entry(access.variable.name.to_ascii_uppercase())
                .or_insert(at);
        }
    }

    /// The program as a container.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        container::encode(&self.module)
    }

    /// Reads and verifies a container.
    ///
    /// # Errors
    ///
    /// [`VerifyError`] for anything but a program that is safe to run.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, VerifyError> {
        Self::from_module(container::decode(bytes)?)
    }

    /// Identifies the program: BLAKE3 of its container. The same source compiled under the same
    /// file name gives the same digest everywhere.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        self.bytes_digest
    }

    /// Name of the first source file.
    #[must_use]
    pub fn file_name(&self) -> &str {
        self.module.files.first().map_or("", String::as_str)
    }

    /// Names of all source files.
    #[must_use]
    pub fn file_names(&self) -> &[String] {
        &self.module.files
    }

    /// The tasks, in the order of the source; none where the program runs in every scan.
    #[must_use]
    pub fn tasks(&self) -> Vec<TaskInfo> {
        let info = |(at, task): (u32, &container::TaskRecord)| TaskInfo {
            name: task.name.clone(),
            interval_ns: task.interval_ns,
            priority: task.priority,
            programs: self
                .module
                .entries
                .iter()
                .filter(|entry| entry.task == at)
                .map(|entry| self.module.pous[entry.pou as usize].name.clone())
                .collect(),
        };
        (0..).zip(&self.module.tasks).map(info).collect()
    }

    /// Name of the PROGRAM that runs; empty if a container holds none.
    #[must_use]
    pub fn name(&self) -> &str {
        let entry = self.module.entries.first();
        entry.map_or("", |entry| &self.module.pous[entry.pou as usize].name)
    }

    /// The variables that are tied to the image, in the order of their declaration.
    #[must_use]
    pub fn located(&self) -> &[Located] {
        &self.module.located
    }

    /// The variables that tools may watch, in the order of their declaration.
    #[must_use]
    pub fn variables(&self) -> &[VariableInfo] {
        &self.module.variables
    }

    /// The variables that VAR_ACCESS shows under names of their own, in the order of the source.
    /// [`crate::Machine::read`] and [`crate::Machine::write`] know these names too, as far as no
    /// variable has the same.
    #[must_use]
    pub fn access_paths(&self) -> &[AccessPath] {
        &self.module.accesses
    }

    /// The initial value of a variable, named as for [`crate::Machine::read`].
    #[must_use]
    pub fn initial_value(&self, name: &str) -> Option<Value> {
        let found = self.find(name)?;
        Some(found.read(&self.module.init))
    }

    /// The program organization units, in the order of the source.
    #[must_use]
    pub fn pous(&self) -> Vec<PouInfo> {
        let info = |(at, pou): (u32, &PouRecord)| PouInfo {
            name: pou.name.clone(),
            kind: pou.kind,
            digest: pou_digest(&self.module, at, pou),
            instructions: pou.code_len,
        };
        (0..).zip(&self.module.pous).map(info).collect()
    }

    /// Line of the source that an instruction comes from: the source map.
    #[must_use]
    pub fn source_line(&self, instruction: u32) -> Option<u32> {
        let lines = &self.module.lines;
        let at = lines
            .partition_point(|line| line.instruction <= instruction)
            .checked_sub(1)?;
        Some(lines[at].line)
    }

    /// The POU that holds an instruction.
    pub(crate) fn pou_at(&self, instruction: u32) -> Option<usize> {
        self.module.pous.iter().position(|pou| {
            instruction >= pou.code_start && instruction - pou.code_start < pou.code_len
        })
    }

    /// Name and file of a POU.
    pub(crate) fn pou_place(&self, pou: usize) -> (&str, &str) {
        let Some(pou) = self.module.pous.get(pou) else {
            return ("", "");
        };
        let file = self.module.files.get(pou.file as usize);
        (&pou.name, file.map_or("", String::as_str))
    }

    /// Line of the instruction in front of `next`.
    pub(crate) fn line_of(&self, next: u32) -> Option<u32> {
        self.source_line(next.checked_sub(1)?)
    }

    /// The instructions as text, one line each with its number, cost, operands and source line.
    ///
    /// An operand is `r3` for slot 3 of the running instance, `#7` for slot 7 of the memory; a
    /// constant shows its value.
    #[must_use]
    pub fn disassemble(&self) -> String {
        let mut out = String::new();
        for pou in &self.module.pous {
            // Writing to a String cannot fail.
            let _ = writeln!(out, "{} {}", pou.kind.keyword(), pou.name);
            for at in pou.code_start..pou.code_start + pou.code_len {
                let instruction = &self.module.code[at as usize];
                let cost = instruction.code.cost_ns();
                let line = self.source_line(at).unwrap_or(0);
                let text = self.instruction_text(instruction);
                let _ = writeln!(out, "{at:6} {cost:5} ns  {text:44} ; line {line}");
            }
        }
        out
    }

    fn instruction_text(&self, instruction: &Instruction) -> String {
        let Instruction { code, ty, d, a, b } = *instruction;
        let slots = verifier::operand_slots(code);
        let mut fields = Vec::new();
        for (is_slot, field) in slots.into_iter().zip([d, a, b]) {
            if is_slot {
                fields.push(self.operand_text(field));
            }
        }
        let mnemonic = code.mnemonic();
        let ty = Elementary::from_code(ty)
            .map_or("", Elementary::name)
            .to_ascii_lowercase();
        let fields = fields.join(", ");
        match code.form() {
            Form::Jump => format!("{mnemonic} -> {d}"),
            Form::JumpIf => format!("{mnemonic} {fields} -> {d}"),
            Form::CallFunction | Form::CallBlock => {
                format!("{mnemonic} {} {fields}", self.module.pous[d as usize].name)
            }
            Form::CallStandard => {
                let standard = StandardFb::from_codes(instruction.ty, b);
                format!(
                    "{mnemonic} {} {fields}",
                    standard.map_or(String::new(), StandardFb::name)
                )
            }
            Form::LoadIndex | Form::StoreIndex => format!("{mnemonic}.{ty} {fields} array {a}"),
            Form::Copy => format!("{mnemonic} {fields}, {b} slots"),
            Form::Math => format!("{mnemonic} {fields}, function {b}"),
            Form::Return => mnemonic,
            Form::LoadElement | Form::StoreElement | Form::CopyFrom | Form::CopyTo => {
                format!("{mnemonic}.{ty} {fields} path {a}")
            }
            Form::Intrinsic => {
                let function = Intrinsic::from_code(instruction.ty);
                format!("{mnemonic} {function:?} list {d}")
            }
            _ => format!("{mnemonic}.{ty} {fields}"),
        }
    }

    fn operand_text(&self, operand: u32) -> String {
        if operand & RELATIVE != 0 {
            return format!("r{}", operand & !RELATIVE);
        }
        let at = operand as usize;
        if operand < self.module.constants {
            return Value::from_slot(self.module.types[at], self.module.init[at]).to_string();
        }
        format!("#{operand}")
    }

    /// A variable by its path, optionally with the PROGRAM's name in front.
    pub(crate) fn find(&self, name: &str) -> Option<Found> {
        let key: String = name.split_whitespace().collect();
        let key = key.to_ascii_uppercase();
        if let Some(found) = self.find_key(&key) {
            return Some(found);
        }
        let (program, rest) = key.split_once('.')?;
        if program == self.name().to_ascii_uppercase() {
            self.find_key(rest)
        } else {
            None
        }
    }

    fn find_key(&self, key: &str) -> Option<Found> {
        if let Some((variable, writable)) = self.named(key) {
            return variable
                .array
                .is_none()
                .then(|| Found::new(variable, 0, writable));
        }
        let (path, index) = key.strip_suffix(']')?.rsplit_once('[')?;
        let index = index.parse::<i64>().ok()?;
        let (variable, writable) = self.named(path)?;
        let array = variable.array?;
        let position = u32::try_from(index.checked_sub(array.low)?).ok()?;
        (position < array.len).then(|| Found::new(variable, position, writable))
    }

    /// A variable or access path, and whether tools may write it.
    fn named(&self, key: &str) -> Option<(&VariableInfo, bool)> {
        if let Some(&at) = self.by_path.get(key) {
            return Some((&self.module.variables[at], true));
        }
        let access = &self.module.accesses[*self.by_access.get(key)?];
        Some((&access.variable, access.writable))
    }

    pub(crate) fn initial_memory(&self) -> &[u64] {
        &self.module.init
    }

    pub(crate) fn slot_types(&self) -> &[Elementary] {
        &self.module.types
    }

    pub(crate) fn constants(&self) -> usize {
        self.module.constants as usize
    }

    pub(crate) fn ops(&self) -> &[Op] {
        &self.ops
    }

    pub(crate) fn entries(&self) -> &[EntryPoint] {
        &self.entries
    }

    pub(crate) fn schedules(&self) -> &[Schedule] {
        &self.tasks
    }

    #[inline]
    pub(crate) fn path(&self, at: u32) -> &PathSlots {
        &self.paths[at as usize]
    }

    #[inline]
    pub(crate) fn list(&self, at: u32) -> &IntrinsicOperands {
        &self.lists[at as usize]
    }

    pub(crate) fn transfers(&self) -> &Transfers {
        &self.transfers
    }

    #[inline]
    pub(crate) fn array(&self, at: u32) -> &ArraySlots {
        &self.arrays[at as usize]
    }

    #[inline]
    pub(crate) fn standard(&self, at: u32) -> StandardFb {
        self.standards[at as usize]
    }

    pub(crate) fn math(&self, code: u32) -> MathFunction {
        MathFunction::from_code(code).expect("the verifier has checked the function's number")
    }
}

/// A variable that was found by its path.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Found {
    pub(crate) slot: usize,
    pub(crate) ty: Elementary,
    pub(crate) capacity: u32,
    pub(crate) writable: bool,
}

impl Found {
    fn new(variable: &VariableInfo, position: u32, writable: bool) -> Self {
        Self {
            slot: variable.slot as usize + position as usize,
            ty: variable.ty,
            capacity: variable.capacity,
            writable,
        }
    }

    /// The value in a memory, or in the initial values.
    pub(crate) fn read(self, memory: &[u64]) -> Value {
        if self.ty.is_text() {
            let text = intrinsic::read_text(memory, self.slot, self.ty, self.capacity);
            return Value::Text(self.ty, text);
        }
        Value::from_slot(self.ty, memory[self.slot])
    }
}

/// Where the tables of a POU begin among those of the program, and the tables themselves.
struct Tables<'m> {
    array: u32,
    path: u32,
    lists: &'m [Vec<ListOperand>],
    paths: &'m [PathSlots],
}

/// Brings an instruction into the form that runs fastest.
fn prepare_op(
    instruction: &Instruction,
    module: &Module,
    first: &Tables<'_>,
    standards: &mut Vec<StandardFb>,
    lists: &mut Vec<IntrinsicOperands>,
) -> Op {
    let Instruction {
        code,
        ty,
        mut d,
        mut a,
        mut b,
    } = *instruction;
    let mut cost_ns = u32::from(code.cost_ns());
    let per_slot_ns = u32::from(Opcode::Copy.cost_ns());
    let mut unused = Elementary::from_code(ty).map_or(0, Elementary::unused_bits);
    match code.form() {
        Form::LoadIndex | Form::StoreIndex => a += first.array,
        Form::LoadElement | Form::StoreElement | Form::CopyFrom | Form::CopyTo => {
            let path = &first.paths[a as usize];
            cost_ns = cost_ns.saturating_mul(narrow(path.dims.len()));
            if path.len > 1 {
                cost_ns = cost_ns.saturating_add(per_slot_ns.saturating_mul(path.len));
            }
            a += first.path;
        }
        Form::Intrinsic => {
            let function = Intrinsic::from_code(ty).expect("the verifier has checked it");
            let operands = first.lists[d as usize].clone();
            let words = |operand: &ListOperand| {
                let wide = if operand.wide {
                    Elementary::Wstring
                } else {
                    Elementary::String
                };
                text_words(wide, operand.capacity)
            };
            let slots: u32 = operands.iter().map(words).sum();
            cost_ns = cost_ns.saturating_add(per_slot_ns.saturating_mul(slots));
            if function == Intrinsic::Assign {
                cost_ns = per_slot_ns.saturating_mul(slots + 1);
            }
            if function == Intrinsic::Find {
                // A search compares each place with the whole text that is searched for.
                let places = operands[1].capacity.saturating_mul(operands[2].capacity) / 8;
                cost_ns = cost_ns.saturating_add(places);
            }
            unused = 0;
            lists.push(IntrinsicOperands { function, operands });
            d = narrow(lists.len() - 1);
        }
        Form::CallFunction | Form::CallBlock => d = module.pous[d as usize].code_start,
        Form::CallStandard => {
            let standard = StandardFb::from_codes(ty, b).expect("the verifier has checked it");
            // A standard block needs the length of its instance and its own description.
            a = narrow(standard.fields().len());
            let known = standards.iter().position(|known| *known == standard);
            b = narrow(known.unwrap_or_else(|| {
                standards.push(standard);
                standards.len() - 1
            }));
        }
        // It is charged for each slot when it runs.
        Form::Copy => cost_ns = 0,
        _ => {}
    }
    let shift = u8::try_from(unused).expect("a slot has 64 bits");
    let cost_ns = u16::try_from(cost_ns).unwrap_or(u16::MAX);
    Op {
        code,
        shift,
        cost_ns,
        d,
        a,
        b,
    }
}

/// Digest of what a POU does, independent of where its slots and its neighbours lie.
fn pou_digest(module: &Module, at: u32, pou: &PouRecord) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    let mut put = |bytes: &[u8]| {
        hasher.update(&u64::from(narrow(bytes.len())).to_le_bytes());
        hasher.update(bytes);
    };
    put(pou.name.to_ascii_uppercase().as_bytes());
    put(&[pou.kind as u8]);
    put(&pou.frame.iter().map(|ty| *ty as u8).collect::<Vec<_>>());
    // Initial values stand in the memory of the instances; those of a PROGRAM are its own.
    let entry = module.entries.iter().find(|entry| entry.pou == at);
    if let Some(entry) = entry {
        let base = entry.base as usize;
        for value in &module.init[base..base + pou.frame.len()] {
            put(&value.to_le_bytes());
        }
    }
    let start = pou.code_start as usize;
    for instruction in &module.code[start..start + pou.code_len as usize] {
        put(&[instruction.code as u8, instruction.ty]);
        let slots = verifier::operand_slots(instruction.code);
        let fields = [instruction.d, instruction.a, instruction.b];
        for (at, (is_slot, field)) in slots.into_iter().zip(fields).enumerate() {
            if is_slot {
                put(&portable_operand(module, pou, field));
                continue;
            }
            match (instruction.code.form(), at) {
                (Form::Jump | Form::JumpIf, 0) => put(&(field - pou.code_start).to_le_bytes()),
                (Form::CallFunction | Form::CallBlock, 0) => {
                    put(module.pous[field as usize]
                        .name
                        .to_ascii_uppercase()
                        .as_bytes());
                }
                (Form::LoadIndex | Form::StoreIndex, 1) => {
                    let array = &pou.arrays[field as usize];
                    put(&portable_operand(module, pou, array.base));
                    put(&array.low.to_le_bytes());
                    put(&array.len.to_le_bytes());
                }
                (Form::LoadElement | Form::StoreElement | Form::CopyFrom | Form::CopyTo, 1) => {
                    let path = &pou.paths[field as usize];
                    put(&portable_operand(module, pou, path.base));
                    put(&path.len.to_le_bytes());
                    for dim in &path.dims {
                        put(&dim.low.to_le_bytes());
                        put(&dim.len.to_le_bytes());
                        put(&dim.stride.to_le_bytes());
                    }
                }
                (Form::Intrinsic, 0) => {
                    for operand in &pou.lists[field as usize] {
                        put(&portable_operand(module, pou, operand.operand));
                        put(&operand.capacity.to_le_bytes());
                    }
                }
                _ => put(&field.to_le_bytes()),
            }
        }
    }
    *hasher.finalize().as_bytes()
}

/// An operand by its meaning: a constant by type and value, a static slot by its owner.
fn portable_operand(module: &Module, pou: &PouRecord, operand: u32) -> Vec<u8> {
    let mut out = Vec::new();
    if operand & RELATIVE != 0 {
        out.push(b'r');
        out.extend(operand.to_le_bytes());
    } else if operand < module.constants {
        out.push(b'c');
        out.push(module.types[operand as usize] as u8);
        out.extend(module.init[operand as usize].to_le_bytes());
    } else {
        let owns = |pou: &&PouRecord| {
            operand >= pou.static_start && operand - pou.static_start < pou.static_len
        };
        match Some(pou)
            .filter(owns)
            .or_else(|| module.pous.iter().find(owns))
        {
            Some(owner) => {
                out.push(b's');
                out.extend(owner.name.to_ascii_uppercase().bytes());
                out.push(0);
                out.extend((operand - owner.static_start).to_le_bytes());
            }
            None => {
                out.push(b'a');
                out.extend(operand.to_le_bytes());
            }
        }
    }
    out
}
