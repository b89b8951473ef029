//! The program after checking: every name resolved to a slot, every expression typed.
//!
//! **Invariants:** all types agree, so that code generation cannot fail; offsets are in slots from the beginning of the frame of the POU they stand in.

use std::collections::BTreeMap;

use crate::ast::PouKind;
use crate::bytecode::MathFunction;
use crate::diagnostic::Span;
use crate::image::Address;
use crate::intrinsic::Intrinsic;
use crate::standard_fb::StandardFb;
use crate::types::Elementary;

mod lower;
pub(crate) use lower::{Step, binary_opcode, compare_opcode, conversion_steps, unary_opcode};

/// Marks an offset as one of VAR_GLOBAL instead of the POU's own frame.
pub(crate) const GLOBAL: u32 = 1 << 29;

/// All that is compiled together.
pub(crate) struct Unit {
    /// In the order of the source.
    pub(crate) pous: Vec<Pou>,
    /// Indices of `pous`: callee before caller, the type of an instance before its owner.
    pub(crate) order: Vec<usize>,
    /// The slots of VAR_GLOBAL.
    pub(crate) globals: Frame,
    pub(crate) instances: Vec<Instance>,
    pub(crate) tasks: Vec<Task>,
    pub(crate) located: Vec<LocatedVariable>,
    pub(crate) variables: Vec<Variable>,
    pub(crate) accesses: Vec<Access>,
}

/// A PROGRAM that runs.
#[derive(Clone, Debug)]
pub(crate) struct Instance {
    pub(crate) name: String,
    pub(crate) span: Span,
    pub(crate) pou: usize,
    /// Index into the tasks; `None` runs in every scan.
    pub(crate) task: Option<usize>,
    pub(crate) retain: bool,
    /// From VAR_GLOBAL, or constants, to slots of the instance, before each run.
    pub(crate) inputs: Vec<Connection>,
    /// From slots of the instance to VAR_GLOBAL, after each run.
    pub(crate) outputs: Vec<Connection>,
    /// Initial values of the frame where VAR_CONFIG changes some; else empty.
    pub(crate) init: Vec<u64>,
}

impl Instance {
    /// An instance without task and connections.
    pub(crate) fn new(name: String, span: Span, pou: usize) -> Self {
        Self {
            name,
            span,
            pou,
            task: None,
            retain: false,
            inputs: Vec::new(),
            outputs: Vec::new(),
            init: Vec::new(),
        }
    }
}

/// A parameter of a PROGRAM that is tied to a variable.
#[derive(Clone, Debug)]
pub(crate) struct Connection {
    pub(crate) source: Source,
    pub(crate) target: u32,
    /// Slots that are copied.
    pub(crate) len: u32,
}

/// Where the value of a connection comes from.
#[derive(Clone, Debug)]
pub(crate) enum Source {
    Slots(u32),
    Constants(Frame),
}

/// A path of VAR_ACCESS.
#[derive(Clone, Debug)]
pub(crate) struct Access {
    /// Named as the access path, with its members.
    pub(crate) variable: Variable,
    /// The path behind the name, as written.
    pub(crate) target: String,
    pub(crate) writable: bool,
}

/// A task.
#[derive(Clone, Debug)]
pub(crate) struct Task {
    pub(crate) name: String,
    /// 0 where it has none, ns.
    pub(crate) interval_ns: u64,
    /// 0 is the most urgent.
    pub(crate) priority: u32,
    /// Slot of the global BOOL whose rising edge starts it.
    pub(crate) single: Option<u32>,
}

/// A program organization unit.
pub(crate) struct Pou {
    pub(crate) name: String,
    pub(crate) kind: PouKind,
    /// Number of the file it stands in.
    pub(crate) file: u32,
    pub(crate) frame: Frame,
    /// Ranges of the frame `(offset, length)` that return to their initial value in each call.
    pub(crate) reset: Vec<(u32, u32)>,
    pub(crate) edges: Vec<Edge>,
    pub(crate) body: Vec<Stmt>,
    /// Types of what an Instruction List carries to a label, by the label's number.
    pub(crate) carried: BTreeMap<u32, Elementary>,
    pub(crate) end_line: u32,
}

/// An input that is TRUE only in the call in which it rises or falls.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Edge {
    pub(crate) input: u32,
    pub(crate) memory: u32,
    pub(crate) rising: bool,
}

/// The slots of one instance (or of a function's one frame).
#[derive(Clone, Debug, Default)]
pub(crate) struct Frame {
    pub(crate) types: Vec<Elementary>,
    /// Initial values in slot form; as long as `types`.
    pub(crate) init: Vec<u64>,
}

/// A variable that is tied to the image.
#[derive(Clone, Debug)]
pub(crate) struct LocatedVariable {
    pub(crate) name: String,
    pub(crate) address: Address,
    pub(crate) offset: u32,
    pub(crate) ty: Elementary,
    pub(crate) has_init: bool,
    /// `None` for VAR_GLOBAL.
    pub(crate) instance: Option<usize>,
}

/// A variable that tools may watch.
#[derive(Clone, Debug)]
pub(crate) struct Variable {
    pub(crate) path: String,
    pub(crate) offset: u32,
    pub(crate) ty: Elementary,
    /// Lowest index and length of an ARRAY.
    pub(crate) array: Option<(i64, u32)>,
    /// Most characters of a text.
    pub(crate) capacity: u32,
    pub(crate) retain: bool,
    /// `None` for VAR_GLOBAL.
    pub(crate) instance: Option<usize>,
}

/// A variable of one value: a slot, or the slots of a text.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    /// The first slot; with an index, the one of the first element.
    pub(crate) offset: u32,
    pub(crate) ty: Elementary,
    /// Indices that are only known at run time.
    pub(crate) index: Vec<Index>,
    /// Most characters of a text; 0 for other types.
    pub(crate) capacity: u32,
}

/// Slots that are taken as a whole: an array, a structure or an instance.
#[derive(Clone, Debug)]
pub(crate) struct Area {
    pub(crate) offset: u32,
    pub(crate) index: Vec<Index>,
    pub(crate) len: u32,
}

/// One index of an array element.
#[derive(Clone, Debug)]
pub(crate) struct Index {
    pub(crate) value: Expr,
    pub(crate) low: i64,
    pub(crate) len: u32,
    /// Slots from one element to the next.
    pub(crate) stride: u32,
}

#[derive(Clone, Debug)]
pub(crate) struct Expr {
    pub(crate) ty: Elementary,
    pub(crate) kind: ExprKind,
    pub(crate) line: u32,
}

#[derive(Clone, Debug)]
pub(crate) enum ExprKind {
    /// In slot form.
    Const(u64),
    /// The characters of a STRING or WSTRING.
    Text(Vec<u16>),
    Load(Place),
    /// What [`StmtKind::Carry`] brought to a label.
    Carried(u32),
    Unary(UnaryOp, Box<Expr>),
    /// Both operands have the type of the result, but for a shift's count.
    Binary(BinaryOp, Box<Expr>, Box<Expr>),
    /// Both operands have the same type.
    Compare(CompareOp, Box<Expr>, Box<Expr>),
    Convert(Conversion, Box<Expr>),
    /// Operand and result are LREAL.
    Math(MathFunction, Box<Expr>),
    /// The second where the BOOL holds, else the first.
    Select {
        condition: Box<Expr>,
        otherwise: Box<Expr>,
        then: Box<Expr>,
    },
    Mux {
        selector: Box<Expr>,
        inputs: Vec<Expr>,
    },
    /// The value, which must lie between the two slots.
    InRange(u64, u64, Box<Expr>),
    Intrinsic(Box<IntrinsicCall>),
    Call(Box<FunctionCall>),
    Enabled(Box<EnabledCall>),
}

/// A call with EN or ENO inside an expression.
#[derive(Clone, Debug)]
pub(crate) struct EnabledCall {
    pub(crate) en: Expr,
    /// The variable of ENO, and whether it takes the negation.
    pub(crate) eno: Option<(Place, bool)>,
    pub(crate) value: Expr,
    /// A constant: the value where EN does not hold.
    pub(crate) otherwise: Expr,
}

/// A function of the machine.
#[derive(Clone, Debug)]
pub(crate) struct IntrinsicCall {
    pub(crate) function: Intrinsic,
    /// Without the result.
    pub(crate) arguments: Vec<Expr>,
    /// Most characters of a result that is a text.
    pub(crate) capacity: u32,
}

#[derive(Clone, Debug)]
pub(crate) struct FunctionCall {
    pub(crate) pou: usize,
    /// Every input, in the order of evaluation.
    pub(crate) inputs: Vec<Input>,
    pub(crate) outputs: Vec<Transfer>,
    /// Where the function leaves its result; any slot where it has none.
    pub(crate) result: u32,
    /// Most characters of a result that is a text.
    pub(crate) capacity: u32,
}

/// A parameter that takes a value before the call.
#[derive(Clone, Debug)]
pub(crate) struct Input {
    /// Slot of the parameter in the callee.
    pub(crate) slot: u32,
    /// Most characters of a parameter that is a text.
    pub(crate) capacity: u32,
    pub(crate) argument: Argument,
}

/// What goes into a parameter.
#[derive(Clone, Debug)]
pub(crate) enum Argument {
    Value(Expr),
    /// A whole array, structure or instance of the caller.
    Block(Area),
    /// The array or structure that a call gives, and its slots.
    Result(Expr, u32),
}

/// What comes out of a parameter after a call.
#[derive(Clone, Debug)]
pub(crate) struct Transfer {
    /// Slot of the parameter in the callee.
    pub(crate) from: u32,
    /// Slots of the parameter; 1 for a single value and for a text.
    pub(crate) len: u32,
    /// Where it goes; the first slot, for several.
    pub(crate) to: Place,
    /// Type of the parameter, which may be narrower than the target's.
    pub(crate) ty: Elementary,
    /// Most characters of a parameter that is a text.
    pub(crate) capacity: u32,
    /// Limits of a target of a subrange type, in slot form.
    pub(crate) range: Option<(u64, u64)>,
    pub(crate) negated: bool,
    /// The way back of a VAR_IN_OUT parameter: its target is fixed before the call.
    pub(crate) in_out: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum UnaryOp {
    Negate,
    Not,
    Abs,
    Sqrt,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BinaryOp {
    Add,
    Subtract,
    Multiply,
    Divide,
    Modulo,
    /// LREAL only.
    Power,
    And,
    Or,
    Xor,
    Min,
    Max,
    ShiftLeft,
    ShiftRight,
    RotateLeft,
    RotateRight,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CompareOp {
    Equal,
    NotEqual,
    Less,
    LessEqual,
}

/// How a value changes its type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Conversion {
    /// By value; from a real rounding half to even. Whole numbers that do not fit wrap, reals
    /// that do not fit saturate, TIME counts in milliseconds.
    Value,
    /// Like `Value`, but a real loses its fraction.
    Truncate,
    /// Bit by bit.
    Reinterpret,
    /// Between LINT and TIME without a change of the number: nanoseconds.
    Nanoseconds,
}

#[derive(Clone, Debug)]
pub(crate) struct Stmt {
    pub(crate) kind: StmtKind,
    pub(crate) line: u32,
}

#[derive(Clone, Debug)]
pub(crate) enum StmtKind {
    Assign(Place, Expr),
    Copy {
        to: Area,
        from: Area,
    },
    /// Takes over the result of a function that has several slots.
    CopyResult {
        to: Area,
        call: Box<FunctionCall>,
    },
    If {
        arms: Vec<(Expr, Vec<Stmt>)>,
        otherwise: Vec<Stmt>,
    },
    Case {
        selector: Expr,
        arms: Vec<CaseArm>,
        otherwise: Vec<Stmt>,
    },
    For(Box<ForLoop>),
    While(Expr, Vec<Stmt>),
    Repeat(Vec<Stmt>, Expr),
    /// What a RETURN inside leaves.
    Scope(Vec<Stmt>),
    /// What an Instruction List has as its current result on the way to a label.
    Carry(u32, Expr),
    /// Where a jump goes; numbers are unique in a POU.
    Label(u32),
    Jump(u32),
    Exit,
    Continue,
    Return,
    CallBlock(BlockCall),
    /// A function whose result is not used.
    Evaluate(Expr),
    /// A function without a result.
    CallFunction(Box<FunctionCall>),
}

/// Ranges of labels, both ends in slot form and included, and what they select.
#[derive(Clone, Debug)]
pub(crate) struct CaseArm {
    pub(crate) labels: Vec<(u64, u64)>,
    pub(crate) body: Vec<Stmt>,
}

#[derive(Clone, Debug)]
pub(crate) struct ForLoop {
    pub(crate) control: Place,
    pub(crate) from: Expr,
    pub(crate) to: Expr,
    pub(crate) by: Expr,
    pub(crate) body: Vec<Stmt>,
}

#[derive(Clone, Debug)]
pub(crate) struct BlockCall {
    pub(crate) target: Block,
    pub(crate) instance: Area,
    /// Slots of the instance that take a value before the call.
    pub(crate) inputs: Vec<Input>,
    /// What is copied from the instance after the call.
    pub(crate) outputs: Vec<Transfer>,
}

/// The type of an instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Block {
    Standard(StandardFb),
    /// Index of the POU.
    User(usize),
}

impl Place {
    /// Slots from the first to the last that the place may mean, with elements of `len` slots.
    pub(crate) fn extent(&self, len: u32) -> u32 {
        self.index
            .iter()
            .fold(len, |extent, index| extent + (index.len - 1) * index.stride)
    }
}

impl Expr {
    /// A known value, as its slot.
    pub(crate) fn literal(ty: Elementary, slot: u64, line: u32) -> Self {
        Self {
            ty,
            kind: ExprKind::Const(slot),
            line,
        }
    }

    pub(crate) fn constant(&self) -> Option<u64> {
        match self.kind {
            ExprKind::Const(value) => Some(value),
            _ => None,
        }
    }

    /// Most characters that the value of a text expression has.
    pub(crate) fn capacity(&self) -> u32 {
        match &self.kind {
            ExprKind::Text(units) => u32::try_from(units.len()).unwrap_or(0),
            ExprKind::Load(place) => place.capacity,
            ExprKind::Select {
                otherwise, then, ..
            } => otherwise.capacity().max(then.capacity()),
            ExprKind::Mux { inputs, .. } => inputs.iter().map(Self::capacity).max().unwrap_or(0),
            ExprKind::Intrinsic(call) => call.capacity,
            ExprKind::Call(call) => call.capacity,
            ExprKind::Enabled(call) => call.value.capacity().max(call.otherwise.capacity()),
            _ => 0,
        }
    }

    /// The expressions of which this one consists.
    fn parts(&self) -> Vec<&Expr> {
        match &self.kind {
            ExprKind::Const(_) | ExprKind::Text(_) | ExprKind::Carried(_) => Vec::new(),
            ExprKind::Load(place) => place.index.iter().map(|index| &index.value).collect(),
            ExprKind::Unary(_, inner)
            | ExprKind::Convert(_, inner)
            | ExprKind::Math(_, inner)
            | ExprKind::InRange(_, _, inner) => vec![inner],
            ExprKind::Binary(_, left, right) | ExprKind::Compare(_, left, right) => {
                vec![left, right]
            }
            ExprKind::Select {
                condition,
                otherwise,
                then,
            } => vec![condition, otherwise, then],
            ExprKind::Mux { selector, inputs } => {
                std::iter::once(&**selector).chain(inputs).collect()
            }
            ExprKind::Intrinsic(call) => call.arguments.iter().collect(),
            ExprKind::Call(call) => {
                let mut parts = Vec::new();
                for input in &call.inputs {
                    match &input.argument {
                        Argument::Value(value) | Argument::Result(value, _) => parts.push(value),
                        Argument::Block(area) => {
                            parts.extend(area.index.iter().map(|index| &index.value));
                        }
                    }
                }
                parts
            }
            ExprKind::Enabled(call) => {
                let target = call.eno.iter().flat_map(|(place, _)| &place.index);
                let indices = target.map(|index| &index.value);
                [&call.en, &call.value].into_iter().chain(indices).collect()
            }
        }
    }

    /// Whether evaluating the expression, or leaving it out, can be noticed otherwise than by its
    /// value: it may trap, or it calls.
    pub(crate) fn is_observable(&self) -> bool {
        let itself = match &self.kind {
            ExprKind::Load(place) => !place.index.is_empty(),
            ExprKind::Binary(op, ..) => *op == BinaryOp::Divide && !self.ty.is_real(),
            ExprKind::Mux { .. } | ExprKind::Call(_) | ExprKind::InRange(..) => true,
            ExprKind::Enabled(_) => true,
            _ => false,
        };
        itself || self.parts().into_iter().any(Self::is_observable)
    }

    /// Whether evaluating the expression may change a variable of the caller.
    pub(crate) fn writes(&self) -> bool {
        let itself = match &self.kind {
            ExprKind::Call(call) => !call.outputs.is_empty(),
            ExprKind::Enabled(call) => call.eno.is_some(),
            _ => false,
        };
        itself || self.parts().into_iter().any(Self::writes)
    }

    /// Whether the expression calls a user's function anywhere.
    pub(crate) fn calls(&self) -> bool {
        matches!(self.kind, ExprKind::Call(_)) || self.parts().into_iter().any(Self::calls)
    }
}
