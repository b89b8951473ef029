//! The virtual machine: one scan after the other over a flat memory.
//!
//! **Invariants:** a scan allocates nothing (but for numbers that become texts), cannot panic on a verified program, and ends when its
//! fuel does; it is a function of the program, the memory, the image and `now_ns`.

use std::sync::Arc;

use thiserror::Error;

use crate::bytecode::{Opcode, RELATIVE};
use crate::container::SlotCopy;
use crate::image::{Area, Image};
use crate::intrinsic::{self, Operand, text_words};
use crate::problems;
use crate::program::{EntryPoint, IntrinsicOperands, Op, Program};
use crate::standard_fb::StandardFb;
use crate::types::Elementary;
use crate::value::Value;
use crate::verifier::MAX_CALL_DEPTH;

/// Why a scan ended early. The line is that of the source; 0 if the container does not say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Trap {
    /// An integer or TIME was divided by zero. (A real follows IEEE 754; `MOD` by zero is 0.)
    #[error("division by zero in line {line}")]
    DivisionByZero {
        /// Line of the statement.
        line: u32,
    },
    /// An index, or the selector of a MUX, lay outside its bounds.
    #[error("index {index} outside {low}..{high} in line {line}")]
    ArrayBounds {
        /// Line of the statement.
        line: u32,
        /// The rejected index.
        index: i64,
        /// Lowest index.
        low: i64,
        /// Highest index.
        high: i64,
    },
    /// A value lay outside the subrange of its variable.
    #[error("value {value} outside the subrange {low}..{high} in line {line}")]
    Subrange {
        /// Line of the statement.
        line: u32,
        /// The rejected value.
        value: i128,
        /// Smallest value of the subrange.
        low: i128,
        /// Largest value of the subrange.
        high: i128,
    },
    /// The scan used up its fuel.
    #[error("watchdog in line {line}")]
    Watchdog {
        /// Line where the fuel ended.
        line: u32,
    },
}

impl Trap {
    /// Line of the source.
    #[must_use]
    pub fn line(self) -> u32 {
        match self {
            Self::DivisionByZero { line }
            | Self::ArrayBounds { line, .. }
            | Self::Subrange { line, .. }
            | Self::Watchdog { line } => line,
        }
    }

    /// Stable code for a fault log, such as `ST9001`; [`crate::explain`] tells more about it.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::DivisionByZero { .. } => problems::TRAP_DIVISION,
            Self::ArrayBounds { .. } => problems::TRAP_BOUNDS,
            Self::Subrange { .. } => problems::TRAP_SUBRANGE,
            Self::Watchdog { .. } => problems::TRAP_WATCHDOG,
        }
    }
}

/// What a controller writes into its fault log about a trap.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FaultRecord {
    /// Stable code such as `ST9001`.
    pub code: &'static str,
    /// What happened, with its line.
    pub message: String,
    /// Name of the POU whose code trapped.
    pub pou: String,
    /// Name of the source file of that POU.
    pub file: String,
    /// Line in that file; 0 if the container does not say.
    pub line: u32,
}

/// What one scan did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScanReport {
    /// Scan time, ns; at most the fuel given.
    pub fuel_used: u64,
    /// Why the scan ended early, if it did; then the image was not written.
    pub trap: Option<Trap>,
    /// Where it did: an index into [`Program::pous`]. 0 without a trap.
    pub pou: u32,
}

/// A value could not be written from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum WriteError {
    /// No variable has this name.
    #[error("unknown variable")]
    UnknownVariable,
    /// The variable has another type.
    #[error("expected a value of type {expected}")]
    TypeMismatch {
        /// Type of the variable.
        expected: Elementary,
    },
    /// The name is an access path of VAR_ACCESS that is READ_ONLY.
    #[error("the access path is READ_ONLY")]
    ReadOnly,
}

/// Why the code stopped; the place is added by the caller.
enum Stop {
    Done,
    DivisionByZero,
    ArrayBounds {
        index: i64,
        low: i64,
        len: u32,
    },
    /// Slots of the type; whether it is signed.
    Subrange {
        value: u64,
        low: u64,
        high: u64,
        signed: bool,
    },
    Watchdog,
}

impl Stop {
    /// The trap of a stop that is not [`Stop::Done`] within the fuel.
    fn trap(self, line: u32) -> Trap {
        match self {
            Self::Done | Self::Watchdog => Trap::Watchdog { line },
            Self::DivisionByZero => Trap::DivisionByZero { line },
            Self::ArrayBounds { index, low, len } => Trap::ArrayBounds {
                line,
                index,
                low,
                high: low + i64::from(len) - 1,
            },
            Self::Subrange {
                value,
                low,
                high,
                signed,
            } => {
                let number = |slot: u64| {
                    if signed {
                        slot.cast_signed().into()
                    } else {
                        i128::from(slot)
                    }
                };
                let [value, low, high] = [value, low, high].map(number);
                Trap::Subrange {
                    line,
                    value,
                    low,
                    high,
                }
            }
        }
    }
}

/// A program and its memory.
#[derive(Clone, Debug)]
pub struct Machine {
    program: Arc<Program>,
    /// One slot per 64 bits, and one more that is 1 once the first scan has begun.
    memory: Vec<u64>,
}

impl Machine {
    /// A machine in the state of a cold start.
    #[must_use]
    pub fn new(program: Arc<Program>) -> Self {
        let memory = Vec::with_capacity(program.initial_memory().len() + 1);
        let mut machine = Self { program, memory };
        machine.reset_cold();
        machine
    }

    /// The program that runs.
    #[must_use]
    pub fn program(&self) -> &Arc<Program> {
        &self.program
    }

    /// Cold start: every variable returns to its initial value.
    pub fn reset_cold(&mut self) {
        self.memory.clear();
        self.memory.extend_from_slice(self.program.initial_memory());
        self.memory.push(0);
    }

    /// Warm start: as a cold start, but RETAIN variables keep their values (IEC 61131-3:2013,
    /// 6.5.6).
    pub fn reset_warm(&mut self) {
        let before = std::mem::take(&mut self.memory);
        self.reset_cold();
        for variable in self
            .program
            .variables()
            .iter()
            .filter(|variable| variable.retain)
        {
            let words = match variable.ty {
                ty if ty.is_text() => text_words(ty, variable.capacity) as usize,
                _ => 0,
            };
            let len = variable.array.map_or(1, |array| array.len as usize) + words;
            let slots = variable.slot as usize..variable.slot as usize + len;
            self.memory[slots.clone()].copy_from_slice(&before[slots]);
        }
    }

    /// Makes the next scan read markers and outputs from the image although their declarations give
    /// initial values: for a start after which the image is to stay as it is.
    pub fn keep_image(&mut self) {
        let started = self.started();
        self.memory[started] = 1;
    }

    /// The slot that is 1 once the first scan has begun.
    fn started(&self) -> usize {
        self.memory.len() - 1
    }

    /// All state, as one flat image: whoever digests it has seen everything that can influence
    /// later scans. 64-bit slots in canonical form.
    #[must_use]
    pub fn state(&self) -> &[u64] {
        &self.memory[self.program.constants()..]
    }

    /// Replaces all state by one that [`Machine::state`] gave for the same program, as a standby
    /// controller does. Tells whether it fits; nothing changes if not.
    pub fn restore_state(&mut self, state: &[u64]) -> bool {
        let types = self.program.slot_types();
        let constants = self.program.constants();
        let fits = state.len() == self.memory.len() - constants
            && state
                .iter()
                .zip(&types[constants..])
                .all(|(&slot, ty)| ty.canonical(slot) == slot)
            && state.last().is_some_and(|&started| started <= 1);
        if fits {
            self.memory[constants..].copy_from_slice(state);
        }
        fits
    }

    /// Reads a variable by its path, in any case: `level`, `timer1.ET`, `shift[3]`.
    #[must_use]
    pub fn read(&self, name: &str) -> Option<Value> {
        let found = self.program.find(name)?;
        Some(found.read(&self.memory))
    }

    /// Writes a variable by its path. A located variable takes its value from the image at the
    /// beginning of the next scan, so force it there instead.
    ///
    /// # Errors
    ///
    /// [`WriteError`]; the memory is unchanged.
    pub fn write(&mut self, name: &str, value: Value) -> Result<(), WriteError> {
        let found = self.program.find(name).ok_or(WriteError::UnknownVariable)?;
        if value.elementary() != found.ty {
            return Err(WriteError::TypeMismatch { expected: found.ty });
        }
        if !found.writable {
            return Err(WriteError::ReadOnly);
        }
        if let Value::Text(ty, text) = &value {
            let wide = *ty == Elementary::Wstring;
            let target = Operand {
                slot: found.slot,
                capacity: found.capacity,
                wide,
            };
            intrinsic::write_text(&mut self.memory, target, text.encode_utf16());
            return Ok(());
        }
        self.memory[found.slot] = value.to_slot();
        Ok(())
    }

    /// Runs one scan: reads the located variables from the image, runs the program, writes the
    /// outputs and markers back.
    ///
    /// A program with tasks runs those that are due at `now_ns`, the most urgent first, and then
    /// what has no task; all within `fuel`. A task is due when its interval has passed since it
    /// was due before (missed times are not made up for), or when its SINGLE has risen; one with
    /// neither runs in every scan.
    ///
    /// In the first scan after a cold or warm start, markers and outputs with an initial value in
    /// their declaration are not read but keep that value.
    ///
    /// # Arguments
    ///
    /// * `image` — the process image; not written if the scan traps.
    /// * `now_ns` — time of the scan, ns; must not fall from scan to scan.
    /// * `fuel` — the longest scan time, ns. Each instruction costs what a small modular
    ///   controller takes for it; see [`Program::disassemble`] for the costs.
    ///
    /// # Determinism
    ///
    /// Fuel is compared at jumps, calls and functions of texts and dates, so that a straight piece of
    /// other code runs to its end; what has been used up never exceeds `fuel` in the report.
    pub fn scan(&mut self, image: &mut Image, now_ns: u64, fuel: u64) -> ScanReport {
        let program = Arc::clone(&self.program);
        self.read_image(&program, image);
        let due = self.due_tasks(&program, now_ns);
        let mut used = 0;
        for entry in program.entries() {
            if entry.task.is_some_and(|task| due >> task & 1 == 0) {
                continue;
            }
            used += copy_slots(&entry.inputs, &mut self.memory);
            let (stop, at) = run(&program, &mut self.memory, entry, now_ns, fuel, &mut used);
            if matches!(stop, Stop::Done) {
                used += copy_slots(&entry.outputs, &mut self.memory);
                if used <= fuel {
                    continue;
                }
            }
            let pou = program.pou_at(at.saturating_sub(1)).unwrap_or(0);
            return ScanReport {
                fuel_used: used.min(fuel),
                trap: Some(stop.trap(program.line_of(at).unwrap_or(0))),
                pou: u32::try_from(pou).unwrap_or(0),
            };
        }
        program.transfers().store(&self.memory, image);
        ScanReport {
            fuel_used: used,
            trap: None,
            pou: 0,
        }
    }

    /// The tasks that run in this scan, one bit each.
    fn due_tasks(&mut self, program: &Program, now_ns: u64) -> u64 {
        let mut due = 0;
        for (at, task) in program.schedules().iter().enumerate() {
            let next_ns = self.memory[task.state];
            let mut runs = task.interval_ns == 0 && task.single.is_none();
            let trigger = task
                .single
                .is_some_and(|slot| self.memory[slot as usize] != 0);
            let before = std::mem::replace(&mut self.memory[task.state + 1], trigger.into());
            runs |= trigger && before == 0;
            // While SINGLE stands, the interval does not count (Table 63).
            if task.interval_ns != 0 && !trigger && now_ns >= next_ns {
                runs = true;
                let missed = (now_ns - next_ns) / task.interval_ns + 1;
                let step_ns = missed.saturating_mul(task.interval_ns);
                let first = next_ns == 0;
                self.memory[task.state] = if first {
                    now_ns.saturating_add(task.interval_ns)
                } else {
                    next_ns.saturating_add(step_ns)
                };
            }
            due |= u64::from(runs) << at;
        }
        due
    }

    /// The entry for a fault log, if the scan trapped.
    #[must_use]
    pub fn fault_record(&self, report: &ScanReport) -> Option<FaultRecord> {
        let trap = report.trap?;
        let (pou, file) = self.program.pou_place(report.pou as usize);
        Some(FaultRecord {
            code: trap.code(),
            message: trap.to_string(),
            pou: pou.to_owned(),
            file: file.to_owned(),
            line: trap.line(),
        })
    }

    fn read_image(&mut self, program: &Program, image: &Image) {
        let started = self.started();
        let first_scan = std::mem::replace(&mut self.memory[started], 1) == 0;
        if !first_scan {
            program.transfers().load(image, &mut self.memory);
            return;
        }
        for located in program.located() {
            let keeps_init = located.has_init && located.address.area != Area::Input;
            if !keeps_init {
                self.memory[located.slot as usize] = image.load(located.address, located.ty);
            }
        }
    }
}

/// Copies what is connected; gives the scan time that it takes, ns.
fn copy_slots(copies: &[SlotCopy], memory: &mut [u64]) -> u64 {
    let mut slots = 0;
    for copy in copies {
        let from = copy.from as usize;
        memory.copy_within(from..from + copy.len as usize, copy.to as usize);
        slots += u64::from(copy.len);
    }
    slots * u64::from(Opcode::Copy.cost_ns())
}

/// The slot of an operand: absolute, or counted from the instance's base.
#[inline(always)]
fn slot(operand: u32, base: u32) -> usize {
    // All ones for a relative operand, so that no branch is needed.
    let relative = (operand.cast_signed() >> 31).cast_unsigned();
    ((operand & !RELATIVE) + (base & relative)) as usize
}

/// The slot of an element, from its indices in the slots from `first` on.
#[inline]
fn element(
    program: &Program,
    memory: &[u64],
    path: u32,
    base: u32,
    first: usize,
) -> Result<(usize, usize), Stop> {
    let path = program.path(path);
    let mut at = slot(path.base, base);
    for (dim, &index) in path.dims.iter().zip(&memory[first..]) {
        let position = index.wrapping_sub(dim.low.cast_unsigned());
        if position >= u64::from(dim.len) {
            let (low, len) = (dim.low, dim.len);
            return Err(Stop::ArrayBounds {
                index: index.cast_signed(),
                low,
                len,
            });
        }
        at += usize::try_from(position).unwrap_or(0) * dim.stride as usize;
    }
    Ok((at, path.len as usize))
}

/// Moves an element from or to other slots; gives why it cannot. Kept apart, so that the loop of
/// the common instructions stays small.
#[inline(never)]
fn move_element(program: &Program, memory: &mut [u64], op: &Op, base: u32) -> Option<Stop> {
    let first = slot(op.b, base);
    let (at, len) = match element(program, memory, op.a, base, first) {
        Ok(found) => found,
        Err(stop) => return Some(stop),
    };
    let other = slot(op.d, base);
    if matches!(op.code, Opcode::LoadElement | Opcode::CopyFrom) {
        memory.copy_within(at..at + len, other);
    } else {
        memory.copy_within(other..other + len, at);
    }
    None
}

/// Stops where a value lies outside a subrange.
#[inline(never)]
fn check_range(signed: bool, low: u64, value: u64, high: u64) -> Option<Stop> {
    let less = |a: u64, b: u64| {
        if signed {
            a.cast_signed() < b.cast_signed()
        } else {
            a < b
        }
    };
    let outside = less(value, low) || less(high, value);
    outside.then_some(Stop::Subrange {
        value,
        low,
        high,
        signed,
    })
}

/// Computes an intrinsic for the instance at `base`.
#[inline(never)]
fn run_intrinsic(list: &IntrinsicOperands, memory: &mut [u64], base: u32) {
    let mut operands = [Operand {
        slot: 0,
        capacity: 0,
        wide: false,
    }; MAX_OPERANDS];
    for (operand, known) in operands.iter_mut().zip(&list.operands) {
        let slot = slot(known.operand, base);
        *operand = Operand {
            slot,
            capacity: known.capacity,
            wide: known.wide,
        };
    }
    intrinsic::call(list.function, &operands, memory);
}

/// Operands of the intrinsic that takes most.
const MAX_OPERANDS: usize = 5;

/// Runs one instance of a PROGRAM; gives why it stopped and the instruction behind it.
fn run(
    program: &Program,
    memory: &mut [u64],
    entry: &EntryPoint,
    now_ns: u64,
    fuel: u64,
    used: &mut u64,
) -> (Stop, u32) {
    let ops = program.ops();
    let mut stack = [(0u32, 0u32); MAX_CALL_DEPTH];
    let mut depth = 0;
    let (mut next, mut base) = (entry.start as usize, entry.base);
    let mut spent = *used;
    let stop = loop {
        let op: &Op = &ops[next];
        next += 1;
        spent += u64::from(op.cost_ns);
        macro_rules! put {
            ($value:expr) => {{
                let value = $value;
                memory[slot(op.d, base)] = value;
            }};
        }
        macro_rules! a {
            () => {
                memory[slot(op.a, base)]
            };
        }
        macro_rules! b {
            () => {
                memory[slot(op.b, base)]
            };
        }
        crate::semantics::dispatch!(op.code, u32::from(op.shift), a!(), b!(), put, break Stop::DivisionByZero, {
            O::MoveIf => {
                if b!() != 0 {
                    put!(a!());
                }
            }
            O::Copy => {
                let (to, from) = (slot(op.d, base), slot(op.a, base));
                memory.copy_within(from..from + op.b as usize, to);
                spent += u64::from(Opcode::Copy.cost_ns()) * u64::from(op.b);
            }
            O::MathL => put!(s::put_l(program.math(op.b).apply(s::l(a!())))),
            O::LoadIndex | O::StoreIndex => {
                let array = program.array(op.a);
                let index = b!();
                let position = index.wrapping_sub(array.low.cast_unsigned());
                if position >= u64::from(array.len) {
                    let (low, len) = (array.low, array.len);
                    break Stop::ArrayBounds { index: index.cast_signed(), low, len };
                }
                let element = slot(array.base, base) + usize::try_from(position).unwrap_or(0);
                if op.code == Opcode::LoadIndex {
                    put!(memory[element]);
                } else {
                    memory[element] = memory[slot(op.d, base)];
                }
            }
            O::LoadElement | O::StoreElement | O::CopyFrom | O::CopyTo => {
                if let Some(stop) = move_element(program, memory, op, base) {
                    break stop;
                }
            }
            O::CheckS | O::CheckU => {
                let (low, value, high) = (memory[slot(op.d, base)], a!(), b!());
                if let Some(stop) = check_range(op.code == Opcode::CheckS, low, value, high) {
                    break stop;
                }
            }
            O::Intrinsic => {
                if spent > fuel {
                    break Stop::Watchdog;
                }
                run_intrinsic(program.list(op.d), memory, base);
            }
            O::Jump => {
                if spent > fuel {
                    break Stop::Watchdog;
                }
                next = op.d as usize;
            }
            O::JumpIf => {
                if spent > fuel {
                    break Stop::Watchdog;
                }
                if a!() != 0 {
                    next = op.d as usize;
                }
            }
            O::JumpIfNot => {
                if spent > fuel {
                    break Stop::Watchdog;
                }
                if a!() == 0 {
                    next = op.d as usize;
                }
            }
            O::CallFunction | O::CallBlock => {
                if spent > fuel {
                    break Stop::Watchdog;
                }
                let back = u32::try_from(next).unwrap_or(0);
                stack[depth] = (back, base);
                depth += 1;
                if op.code == Opcode::CallBlock {
                    base = u32::try_from(slot(op.a, base)).unwrap_or(0);
                }
                next = op.d as usize;
            }
            O::CallStandard => {
                let first = slot(op.d, base);
                let standard: StandardFb = program.standard(op.b);
                standard.call(&mut memory[first..first + op.a as usize], now_ns);
            }
            O::Return => {
                if depth == 0 {
                    break Stop::Done;
                }
                depth -= 1;
                let back = stack[depth];
                next = back.0 as usize;
                base = back.1;
            }
        });
    };
    *used = spent;
    (stop, u32::try_from(next).unwrap_or(0))
}
