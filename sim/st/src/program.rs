//! A verified program, ready to run.
//!
//! **Invariant:** every [`Program`] has passed the verifier; the virtual machine relies on it.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::ast::PouKind;
use crate::bytecode::{Form, Instruction, MathFunction, Opcode, RELATIVE};
use crate::container::{
    self, ArraySlots, Located, Module, PouRecord, VariableInfo, VerifyError, narrow,
};
use crate::image::Area;
use crate::standard_fb::StandardFb;
use crate::types::{Elementary, Value};
use crate::verifier;
use crate::vm::LocatedSlot;

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

/// A compiled, verified program.
#[derive(Clone, Debug)]
pub struct Program {
    module: Module,
    bytes_digest: [u8; 32],
    ops: Vec<Op>,
    /// Of all POUs in a row.
    arrays: Vec<ArraySlots>,
    standards: Vec<StandardFb>,
    /// First instruction and base of each PROGRAM instance.
    entries: Vec<(u32, u32)>,
    located_outputs: Vec<LocatedSlot>,
    /// Index into the variables by capitalised path.
    by_path: BTreeMap<String, usize>,
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
            entries: Vec::new(),
            located_outputs: Vec::new(),
            by_path: BTreeMap::new(),
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
            let first_array = narrow(self.arrays.len());
            self.arrays.extend(&pou.arrays);
            let start = pou.code_start as usize;
            let code = start..start + pou.code_len as usize;
            for (op, instruction) in ops[code.clone()].iter_mut().zip(&module.code[code]) {
                *op = Some(prepare_op(
                    instruction,
                    module,
                    first_array,
                    &mut self.standards,
                ));
            }
        }
        self.ops = ops.into_iter().flatten().collect();
        assert_eq!(self.ops.len(), module.code.len(), "the POUs cover the code");
        let start = |pou: u32| module.pous[pou as usize].code_start;
        self.entries = module
            .entries
            .iter()
            .map(|entry| (start(entry.pou), entry.base))
            .collect();
        let outputs = module
            .located
            .iter()
            .filter(|located| located.address.area != Area::Input);
        self.located_outputs = outputs
            .map(|located| LocatedSlot {
                address: located.address,
                ty: located.ty,
                slot: located.slot,
            })
            .collect();
        for (at, variable) in module.variables.iter().enumerate() {
            self.by_path
                .entry(variable.name.to_ascii_uppercase())
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

    /// Name of the source file.
    #[must_use]
    pub fn file_name(&self) -> &str {
        &self.module.file_name
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

    /// The initial value of a variable, named as for [`crate::Machine::read`].
    #[must_use]
    pub fn initial_value(&self, name: &str) -> Option<Value> {
        let (slot, ty) = self.find(name)?;
        Some(Value::from_slot(ty, self.module.init[slot]))
    }

    /// The program organization units, in the order of the source.
    #[must_use]
    pub fn pous(&self) -> Vec<PouInfo> {
        let info = |pou: &PouRecord| PouInfo {
            name: pou.name.clone(),
            kind: pou.kind,
            digest: pou_digest(&self.module, pou),
            instructions: pou.code_len,
        };
        self.module.pous.iter().map(info).collect()
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

    /// Slot and type of a variable by its path, optionally with the PROGRAM's name in front.
    pub(crate) fn find(&self, name: &str) -> Option<(usize, Elementary)> {
        let key = name.trim().to_ascii_uppercase();
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

    fn find_key(&self, key: &str) -> Option<(usize, Elementary)> {
        let (path, index) = match key.strip_suffix(']').and_then(|key| key.rsplit_once('[')) {
            Some((path, index)) => (path, Some(index.trim().parse::<i64>().ok()?)),
            None => (key, None),
        };
        let variable = &self.module.variables[*self.by_path.get(path)?];
        let slot = variable.slot as usize;
        match (variable.array, index) {
            (None, None) => Some((slot, variable.ty)),
            (Some(array), Some(index)) => {
                let position = u32::try_from(index.checked_sub(array.low)?).ok()?;
                (position < array.len).then_some((slot + position as usize, variable.ty))
            }
            _ => None,
        }
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

    pub(crate) fn entries(&self) -> &[(u32, u32)] {
        &self.entries
    }

    pub(crate) fn located_outputs(&self) -> &[LocatedSlot] {
        &self.located_outputs
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

/// Brings an instruction into the form that runs fastest.
fn prepare_op(
    instruction: &Instruction,
    module: &Module,
    first_array: u32,
    standards: &mut Vec<StandardFb>,
) -> Op {
    let Instruction {
        code,
        ty,
        mut d,
        mut a,
        mut b,
    } = *instruction;
    let mut cost_ns = code.cost_ns();
    let unused = Elementary::from_code(ty).map_or(0, Elementary::unused_bits);
    match code.form() {
        Form::LoadIndex | Form::StoreIndex => a += first_array,
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
fn pou_digest(module: &Module, pou: &PouRecord) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    let mut put = |bytes: &[u8]| {
        hasher.update(&u64::from(narrow(bytes.len())).to_le_bytes());
        hasher.update(bytes);
    };
    put(pou.name.to_ascii_uppercase().as_bytes());
    put(&[pou.kind as u8]);
    put(&pou.frame.iter().map(|ty| *ty as u8).collect::<Vec<_>>());
    // Initial values stand in the memory of the instances; those of a PROGRAM are its own.
    let index = module
        .pous
        .iter()
        .position(|known| std::ptr::eq(known, pou));
    let entry = module
        .entries
        .iter()
        .find(|entry| Some(entry.pou as usize) == index);
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
