//! The compiled program as bytes, as an engineering workstation sends it to a controller.
//!
//! Layout, all numbers little-endian: the magic `TRST`, version (u16), zero (u16), BLAKE3 of all
//! that follows (32 bytes), then the parts of a [`Module`] in order, each list with its length in
//! front. The digest finds accidents and identifies a program; it is not a signature, and whoever
//! changes a container can compute it anew ([`reseal`]). Nothing in a container is trusted: the
//! verifier decides whether it runs.
//!
//! **Invariants:** a module has exactly one encoding; reading never allocates more than the bytes
//! at hand can describe.

use thiserror::Error;

use crate::ast::PouKind;
use crate::bytecode::{Instruction, Opcode};
use crate::image::{Address, Area, Width};
use crate::types::Elementary;
use crate::verifier::Fault;

const MAGIC: [u8; 4] = *b"TRST";
const VERSION: u16 = 3;
/// Bytes in front of what the digest covers.
const HEADER_LEN: usize = 40;
const DIGEST: std::ops::Range<usize> = 8..HEADER_LEN;

/// The contents of a container, not yet verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Module {
    /// Names of the source files.
    pub(crate) files: Vec<String>,
    /// Slots from the beginning of the memory that hold constants.
    pub(crate) constants: u32,
    /// Type of each slot.
    pub(crate) types: Vec<Elementary>,
    /// Initial value of each slot.
    pub(crate) init: Vec<u64>,
    pub(crate) pous: Vec<PouRecord>,
    pub(crate) code: Vec<Instruction>,
    /// Rising by instruction.
    pub(crate) lines: Vec<SourceLine>,
    pub(crate) entries: Vec<Entry>,
    pub(crate) tasks: Vec<TaskRecord>,
    pub(crate) located: Vec<Located>,
    pub(crate) variables: Vec<VariableInfo>,
    pub(crate) accesses: Vec<AccessPath>,
}

/// A POU as the machine needs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PouRecord {
    pub(crate) name: String,
    pub(crate) kind: PouKind,
    /// Type of each slot of an instance; empty for a FUNCTION.
    pub(crate) frame: Vec<Elementary>,
    /// Static slots of this POU.
    pub(crate) static_start: u32,
    pub(crate) static_len: u32,
    /// Instructions of this POU.
    pub(crate) code_start: u32,
    pub(crate) code_len: u32,
    pub(crate) arrays: Vec<ArraySlots>,
    pub(crate) paths: Vec<PathSlots>,
    /// Operands of intrinsics.
    pub(crate) lists: Vec<Vec<ListOperand>>,
    /// Number of the source file.
    pub(crate) file: u32,
}

/// Elements that instructions reach by several indices, or that have several slots.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PathSlots {
    /// Operand of the first slot of the first element.
    pub(crate) base: u32,
    /// Slots of one element.
    pub(crate) len: u32,
    /// Outermost first.
    pub(crate) dims: Vec<PathDim>,
}

/// One index of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PathDim {
    /// Lowest index.
    pub(crate) low: i64,
    pub(crate) len: u32,
    /// Slots from one element to the next.
    pub(crate) stride: u32,
}

/// An operand of an intrinsic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ListOperand {
    /// The slot; the first one, for a text.
    pub(crate) operand: u32,
    /// Most characters of a text; 0 for other operands.
    pub(crate) capacity: u32,
    /// Whether it is a WSTRING.
    pub(crate) wide: bool,
}

/// When program instances run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TaskRecord {
    pub(crate) name: String,
    /// 0 where it has none, ns.
    pub(crate) interval_ns: u64,
    /// 0 is the most urgent.
    pub(crate) priority: u32,
    /// Slot of the BOOL whose rising edge starts the task.
    pub(crate) single: Option<u32>,
    /// Slots of the state: when it is due next (ULINT, ns), and SINGLE as it was (BOOL).
    pub(crate) state: u32,
}

/// An array that instructions index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ArraySlots {
    /// Operand of the first element.
    pub(crate) base: u32,
    pub(crate) ty: Elementary,
    /// Lowest index.
    pub(crate) low: i64,
    pub(crate) len: u32,
}

/// From this instruction on, the code belongs to this line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SourceLine {
    pub(crate) instruction: u32,
    pub(crate) line: u32,
}

/// Marks an entry without a task.
pub(crate) const NO_TASK: u32 = u32::MAX;

/// A PROGRAM instance that runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) pou: u32,
    /// First slot of the instance.
    pub(crate) base: u32,
    /// Its task, or [`NO_TASK`]: it runs in each scan.
    pub(crate) task: u32,
    /// What is copied before it runs.
    pub(crate) inputs: Vec<SlotCopy>,
    /// What is copied after it has run.
    pub(crate) outputs: Vec<SlotCopy>,
}

/// Slots that go from one place of the memory to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SlotCopy {
    pub(crate) from: u32,
    pub(crate) to: u32,
    pub(crate) len: u32,
}

/// A variable that is tied to the process image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Located {
    /// Name as declared, `name[3]` for an element of an array, or the address where the program
    /// uses it without a declaration.
    pub name: String,
    /// Its place in the image.
    pub address: Address,
    /// Its type.
    pub ty: Elementary,
    /// Its slot in the memory.
    pub slot: u32,
    /// Whether its declaration gives an initial value, which then goes to the image at a cold
    /// start.
    pub has_init: bool,
}

/// A variable that tools may watch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VariableInfo {
    /// Path from the PROGRAM, as declared: `level`, `timer1.ET`.
    pub name: String,
    /// Its type; of the elements, for an array.
    pub ty: Elementary,
    /// Its slot in the memory, the first for an array.
    pub slot: u32,
    /// Bounds of an array.
    pub array: Option<ArrayInfo>,
    /// Most characters of a STRING or WSTRING; 0 for other types.
    pub capacity: u32,
    /// Whether its value survives a warm start.
    pub retain: bool,
}

/// A path of VAR_ACCESS, by which tools reach a variable under a name of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessPath {
    /// The variable, under the name that VAR_ACCESS gives it; a structure has one for each member.
    pub variable: VariableInfo,
    /// The path behind the name, as declared: `Cpu.p1.level`.
    pub target: String,
    /// Whether it is READ_WRITE.
    pub writable: bool,
}

/// Bounds of an array.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ArrayInfo {
    /// Lowest index.
    pub low: i64,
    /// Number of elements.
    pub len: u32,
}

/// Why bytes are not a program that may run.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum VerifyError {
    /// The bytes do not begin like a container.
    #[error("this is not a program container")]
    NotAContainer,
    /// The container has another version.
    #[error("container version {found}; this controller reads {VERSION}")]
    Version {
        /// Version in the header.
        found: u16,
    },
    /// The digest does not belong to the contents.
    #[error("the digest does not match the contents")]
    Digest,
    /// The contents end early, go on too long, or hold a number without meaning.
    #[error("malformed contents at byte {offset}")]
    Malformed {
        /// Where reading stopped, in bytes.
        offset: usize,
    },
    /// The contents are well-formed, but would not be safe to run.
    #[error("rejected: {0}")]
    Rejected(#[from] Fault),
}

/// Narrows a length of our own making, which the limits of the compiler keep small.
pub(crate) fn narrow(len: usize) -> u32 {
    u32::try_from(len).expect("the compiler bounds all lengths below 2^32")
}

/// Writes the digest that belongs to the contents into the header, as a tool that has changed a
/// container must. Does nothing to bytes that are too short for a header.
pub fn reseal(bytes: &mut [u8]) {
    if bytes.len() < HEADER_LEN {
        return;
    }
    let digest = blake3::hash(&bytes[HEADER_LEN..]);
    bytes[DIGEST].copy_from_slice(digest.as_bytes());
}

/// Encodes a module, sealed with its digest.
pub(crate) fn encode(module: &Module) -> Vec<u8> {
    let mut out = Writer(Vec::new());
    out.0.extend(MAGIC);
    out.u16(VERSION);
    out.u16(0);
    out.0.resize(HEADER_LEN, 0);
    out.list(&module.files, |out, name| out.text(name));
    out.u32(module.constants);
    out.list(&module.types, |out, ty| out.u8(*ty as u8));
    module.init.iter().for_each(|value| out.u64(*value));
    out.list(&module.pous, write_pou);
    out.list(&module.code, |out, instruction| {
        out.u8(instruction.code as u8);
        out.u8(instruction.ty);
        out.u16(0);
        [instruction.d, instruction.a, instruction.b]
            .into_iter()
            .for_each(|field| out.u32(field));
    });
    out.list(&module.lines, |out, line| {
        out.u32(line.instruction);
        out.u32(line.line);
    });
    out.list(&module.entries, |out, entry| {
        out.u32(entry.pou);
        out.u32(entry.base);
        out.u32(entry.task);
        for copies in [&entry.inputs, &entry.outputs] {
            out.list(copies, |out, copy| {
                [copy.from, copy.to, copy.len]
                    .into_iter()
                    .for_each(|field| out.u32(field));
            });
        }
    });
    out.list(&module.tasks, |out, task| {
        out.text(&task.name);
        out.u64(task.interval_ns);
        out.u32(task.priority);
        out.u8(task.single.is_some().into());
        if let Some(single) = task.single {
            out.u32(single);
        }
        out.u32(task.state);
    });
    out.list(&module.located, |out, located| {
        out.text(&located.name);
        out.u8(located.address.area as u8);
        out.u8(located.address.width as u8);
        out.u32(located.address.index);
        out.u8(located.ty as u8);
        out.u32(located.slot);
        out.u8(located.has_init.into());
    });
    out.list(&module.variables, write_variable);
    out.list(&module.accesses, |out, access| {
        write_variable(out, &access.variable);
        out.text(&access.target);
        out.u8(access.writable.into());
    });
    let mut bytes = out.0;
    reseal(&mut bytes);
    bytes
}

fn write_variable(out: &mut Writer, variable: &VariableInfo) {
    out.text(&variable.name);
    out.u8(variable.ty as u8);
    out.u32(variable.slot);
    out.u8(variable.array.is_some().into());
    if let Some(array) = variable.array {
        out.u64(array.low.cast_unsigned());
        out.u32(array.len);
    }
    out.u32(variable.capacity);
    out.u8(variable.retain.into());
}

fn write_pou(out: &mut Writer, pou: &PouRecord) {
    out.text(&pou.name);
    out.u8(pou.kind as u8);
    out.list(&pou.frame, |out, ty| out.u8(*ty as u8));
    [
        pou.static_start,
        pou.static_len,
        pou.code_start,
        pou.code_len,
    ]
    .into_iter()
    .for_each(|field| out.u32(field));
    out.list(&pou.arrays, |out, array| {
        out.u32(array.base);
        out.u8(array.ty as u8);
        out.u64(array.low.cast_unsigned());
        out.u32(array.len);
    });
    out.list(&pou.paths, |out, path| {
        out.u32(path.base);
        out.u32(path.len);
        out.list(&path.dims, |out, dim| {
            out.u64(dim.low.cast_unsigned());
            out.u32(dim.len);
            out.u32(dim.stride);
        });
    });
    out.list(&pou.lists, |out, list| {
        out.list(list, |out, item| {
            out.u32(item.operand);
            out.u32(item.capacity);
            out.u8(item.wide.into());
        });
    });
    out.u32(pou.file);
}

/// Decodes a container whose digest fits; says nothing about whether it is safe to run.
pub(crate) fn decode(bytes: &[u8]) -> Result<Module, VerifyError> {
    if bytes.len() < HEADER_LEN || bytes[..4] != MAGIC {
        return Err(VerifyError::NotAContainer);
    }
    let version = u16::from_le_bytes([bytes[4], bytes[5]]);
    if version != VERSION {
        return Err(VerifyError::Version { found: version });
    }
    if blake3::hash(&bytes[HEADER_LEN..]).as_bytes() != &bytes[DIGEST] {
        return Err(VerifyError::Digest);
    }
    let mut reader = Reader {
        bytes,
        at: HEADER_LEN,
    };
    let module = if bytes[6..8] == [0, 0] {
        reader.module()
    } else {
        None
    };
    module
        .filter(|_| reader.at == bytes.len())
        .ok_or(VerifyError::Malformed { offset: reader.at })
}

struct Writer(Vec<u8>);

impl Writer {
    fn u8(&mut self, value: u8) {
        self.0.push(value);
    }

    fn u16(&mut self, value: u16) {
        self.0.extend(value.to_le_bytes());
    }

    fn u32(&mut self, value: u32) {
        self.0.extend(value.to_le_bytes());
    }

    fn u64(&mut self, value: u64) {
        self.0.extend(value.to_le_bytes());
    }

    fn text(&mut self, text: &str) {
        self.u32(narrow(text.len()));
        self.0.extend(text.as_bytes());
    }

    fn list<T>(&mut self, list: &[T], write: impl Fn(&mut Self, &T)) {
        self.u32(narrow(list.len()));
        list.iter().for_each(|item| write(self, item));
    }
}

struct Reader<'b> {
    bytes: &'b [u8],
    at: usize,
}

impl Reader<'_> {
    fn take(&mut self, len: usize) -> Option<&[u8]> {
        let end = self.at.checked_add(len)?;
        let taken = self.bytes.get(self.at..end)?;
        self.at = end;
        Some(taken)
    }

    fn u8(&mut self) -> Option<u8> {
        self.take(1).map(|bytes| bytes[0])
    }

    fn u16(&mut self) -> Option<u16> {
        Some(u16::from_le_bytes(self.take(2)?.try_into().ok()?))
    }

    fn u32(&mut self) -> Option<u32> {
        Some(u32::from_le_bytes(self.take(4)?.try_into().ok()?))
    }

    fn u64(&mut self) -> Option<u64> {
        Some(u64::from_le_bytes(self.take(8)?.try_into().ok()?))
    }

    fn i64(&mut self) -> Option<i64> {
        self.u64().map(u64::cast_signed)
    }

    fn flag(&mut self) -> Option<bool> {
        match self.u8()? {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        }
    }

    fn text(&mut self) -> Option<String> {
        let len = self.u32()?;
        let bytes = self.take(len as usize)?;
        std::str::from_utf8(bytes).ok().map(str::to_owned)
    }

    fn ty(&mut self) -> Option<Elementary> {
        Elementary::from_code(self.u8()?)
    }

    /// A list whose items have at least `least` bytes, so that a forged length reserves nothing.
    fn list<T>(&mut self, least: usize, read: impl Fn(&mut Self) -> Option<T>) -> Option<Vec<T>> {
        let len = self.u32()? as usize;
        if len > (self.bytes.len() - self.at) / least {
            return None;
        }
        (0..len).map(|_| read(self)).collect()
    }

    fn module(&mut self) -> Option<Module> {
        let files = self.list(4, Self::text)?;
        let constants = self.u32()?;
        let types = self.list(1, Self::ty)?;
        if types.len() > (self.bytes.len() - self.at) / 8 {
            return None;
        }
        let init = types.iter().map(|_| self.u64()).collect::<Option<_>>()?;
        Some(Module {
            files,
            constants,
            types,
            init,
            pous: self.list(41, Self::pou)?,
            code: self.list(16, Self::instruction)?,
            lines: self.list(8, |reader| {
                Some(SourceLine {
                    instruction: reader.u32()?,
                    line: reader.u32()?,
                })
            })?,
            entries: self.list(20, |reader| {
                Some(Entry {
                    pou: reader.u32()?,
                    base: reader.u32()?,
                    task: reader.u32()?,
                    inputs: reader.list(12, Self::copy)?,
                    outputs: reader.list(12, Self::copy)?,
                })
            })?,
            tasks: self.list(21, Self::task)?,
            located: self.list(16, Self::located)?,
            variables: self.list(15, Self::variable)?,
            accesses: self.list(20, |reader| {
                Some(AccessPath {
                    variable: reader.variable()?,
                    target: reader.text()?,
                    writable: reader.flag()?,
                })
            })?,
        })
    }

    fn copy(&mut self) -> Option<SlotCopy> {
        Some(SlotCopy {
            from: self.u32()?,
            to: self.u32()?,
            len: self.u32()?,
        })
    }

    fn pou(&mut self) -> Option<PouRecord> {
        Some(PouRecord {
            name: self.text()?,
            kind: match self.u8()? {
                0 => PouKind::Program,
                1 => PouKind::FunctionBlock,
                2 => PouKind::Function,
                _ => return None,
            },
            frame: self.list(1, Self::ty)?,
            static_start: self.u32()?,
            static_len: self.u32()?,
            code_start: self.u32()?,
            code_len: self.u32()?,
            arrays: self.list(17, |reader| {
                Some(ArraySlots {
                    base: reader.u32()?,
                    ty: reader.ty()?,
                    low: reader.i64()?,
                    len: reader.u32()?,
                })
            })?,
            paths: self.list(12, Self::path)?,
            lists: self.list(4, |reader| {
                reader.list(9, |reader| {
                    Some(ListOperand {
                        operand: reader.u32()?,
                        capacity: reader.u32()?,
                        wide: reader.flag()?,
                    })
                })
            })?,
            file: self.u32()?,
        })
    }

    fn path(&mut self) -> Option<PathSlots> {
        Some(PathSlots {
            base: self.u32()?,
            len: self.u32()?,
            dims: self.list(16, |reader| {
                Some(PathDim {
                    low: reader.i64()?,
                    len: reader.u32()?,
                    stride: reader.u32()?,
                })
            })?,
        })
    }

    fn task(&mut self) -> Option<TaskRecord> {
        Some(TaskRecord {
            name: self.text()?,
            interval_ns: self.u64()?,
            priority: self.u32()?,
            single: if self.flag()? {
                Some(self.u32()?)
            } else {
                None
            },
            state: self.u32()?,
        })
    }

    fn instruction(&mut self) -> Option<Instruction> {
        let code = Opcode::from_code(self.u8()?)?;
        let ty = self.u8()?;
        if self.u16()? != 0 {
            return None;
        }
        Some(Instruction {
            code,
            ty,
            d: self.u32()?,
            a: self.u32()?,
            b: self.u32()?,
        })
    }

    fn located(&mut self) -> Option<Located> {
        Some(Located {
            name: self.text()?,
            address: Address {
                area: match self.u8()? {
                    0 => Area::Input,
                    1 => Area::Output,
                    2 => Area::Marker,
                    _ => return None,
                },
                width: match self.u8()? {
                    0 => Width::Bit,
                    1 => Width::Byte,
                    2 => Width::Word,
                    3 => Width::Double,
                    4 => Width::Long,
                    _ => return None,
                },
                index: self.u32()?,
            },
            ty: self.ty()?,
            slot: self.u32()?,
            has_init: self.flag()?,
        })
    }

    fn variable(&mut self) -> Option<VariableInfo> {
        Some(VariableInfo {
            name: self.text()?,
            ty: self.ty()?,
            slot: self.u32()?,
            array: if self.flag()? {
                Some(ArrayInfo {
                    low: self.i64()?,
                    len: self.u32()?,
                })
            } else {
                None
            },
            capacity: self.u32()?,
            retain: self.flag()?,
        })
    }
}
